# SPDX-License-Identifier: GPL-2.0-only
# Pages that sources cite must be there, and the sections too: "docs/abi.md, domctl". Input: PAGE=1 and the
# pages, PAGE=0 and the sources. A violation is one line "file:line: citation: what".

function report(text)
{
	print FILENAME ":" FNR ": citation: " text
}

PAGE == 1 {
	sub(/^\.\//, "", FILENAME)
	if (FNR == 1) pages[FILENAME] = "\n"
	if ($0 ~ /^#+ /) pages[FILENAME] = pages[FILENAME] tolower($0) "\n"
	next
}

FNR == 1 {
	folder = FILENAME
	sub(/[^\/]*$/, "", folder)
}

{
	rest = $0
	while (match(rest, /[A-Za-z0-9_.\/-]+\.md/)) {
		page = substr(rest, RSTART, RLENGTH)
		rest = substr(rest, RSTART + RLENGTH)
		if (!(page in pages) && (folder page) in pages)
			page = folder page
		section = rest
		if (!(page in pages))
			report("there is no " page)
		else if (rest ~ /^,? *(section )? *[0-9]/)
			report("sections of " page " have names, no numbers")
		else if (sub(/^, "?/, "", section)) {
			sub(/[].;:)*"].*/, "", section)
			if (section !~ /^ *$|^docs\/|^and / && index(pages[page], tolower(section)) == 0)
				report(page " has no section \"" section "\"")
		}
	}
}
