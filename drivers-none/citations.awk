# SPDX-License-Identifier: GPL-2.0-only
# Comments and pages may only cite what exists: pages and their sections ("docs/abi.md, domctl", or
# a link to #domctl), files and folders, and functions, written "name()". A citation of another
# project names that project: "Linux's drivers/xen/balloon.c", "Bochs' `InterruptAcknowledge()`".
# Words in capitals stand for any name: test/unit/NAME_test.c. A page that shows how to add a file
# says "the new file `NAME`".
# Input: PASS=files and the list of all files, PASS=names and sources, PASS=pages and pages,
# PASS=check and everything. A violation is one line "file:line: citation: what".

BEGIN {
	elsewhere = "(Linux|Xen|libxl|xl|libvirt|Debian|QEMU|Bochs|GRUB|OVMF|EDK2|glibc|POSIX|cloc)('s?)? `?$"
	# A word with one of these endings is a file; other files are recognized by their folder.
	endings = "[.](c|h|S|mk|sh|py|awk|md|list|mutants|soak)$"
	folders = "^(common|arch|xen|dom0-tools|drivers-none|test|docs)/"
}

function report(text)
{
	print FILENAME ":" FNR ": citation: " text
}

# Files and folders can be cited by the last parts of their path: hvm/exit.c.
PASS == "files" {
	path = $0
	sub(/^\.\//, "", path)
	while (path != "") {
		for (rest = path; !(rest in there); sub(/^[^\/]*\//, "", rest)) {
			there[rest] = 1
			all = all "\n" rest
			if (rest !~ /\//) break
		}
		if (!sub(/\/[^\/]*$/, "", path)) break
	}
	next
}

FNR == 1 {
	sub(/^\.\//, "", FILENAME)
	folder = FILENAME
	sub(/[^\/]*$/, "", folder)
	in_comment = 0
	before = ""
	c_like = FILENAME ~ /[.](c|h|S|dts|lds)$/
	page_like = FILENAME ~ /[.]md$/
}

PASS == "pages" {
	if (FNR == 1) pages[FILENAME] = anchors[FILENAME] = "\n"
	if ($0 ~ /^#+ /) {
		pages[FILENAME] = pages[FILENAME] tolower($0) "\n"
		anchor = tolower($0)
		sub(/^#+ /, "", anchor)
		gsub(/[^a-z0-9_ -]/, "", anchor)
		gsub(/ /, "-", anchor)
		anchors[FILENAME] = anchors[FILENAME] anchor "\n"
	}
	next
}

# The comment in a line; in a page, the whole line.
function text_of(line,	text)
{
	if (page_like) return line
	if (c_like) {
		if (!in_comment && index(line, "/") == 0) return ""
		clean(line)
		text = comment
		sub(/^[ \t]*\*? ?/, "", text)
		return text
	}
	if (!match(line, /(^|[ \t])#[^!]/)) return ""
	text = substr(line, RSTART + RLENGTH - 1)
	sub(/^[ \t]+/, "", text)
	return text
}

PASS == "names" {
	code = c_like ? clean($0) : $0
	if (!c_like) sub(/(^|[ \t])#[^!].*/, "", code)
	if (match(code, /#[ \t]*define[ \t]+[A-Za-z0-9_]+/)) {
		name = substr(code, RSTART, RLENGTH)
		sub(/.*[ \t]/, "", name)
		functions[name] = 1
	}
	while (match(code, /[A-Za-z_][A-Za-z0-9_]*[ \t]*\(/)) {
		name = substr(code, RSTART, RLENGTH - 1)
		sub(/[ \t]*$/, "", name)
		functions[name] = 1
		code = substr(code, RSTART + RLENGTH)
	}
	next
}

function check_pages(line,	rest, page, section)
{
	rest = line
	while (match(rest, /[A-Za-z0-9_.\/-]+\.md/)) {
		page = substr(rest, RSTART, RLENGTH)
		rest = substr(rest, RSTART + RLENGTH)
		if (!(page in pages)) {
			page = folder page
			while (sub(/[^\/]+\/\.\.\//, "", page)) ;
		}
		section = rest
		if (!(page in pages))
			report("there is no " page)
		else if (page_like && rest ~ /^#/) {
			sub(/^#/, "", section)
			sub(/[^a-z0-9_-].*/, "", section)
			if (index(anchors[page], "\n" section "\n") == 0)
				report(page " has no section #" section)
		} else if (rest ~ /^,? *(section )? *[0-9]/)
			report("sections of " page " have names, no numbers")
		else if (rest !~ /^, [A-Za-z0-9_.\/-]+\.md/ && sub(/^, "?/, "", section)) {
			sub(/[].;:)*"].*/, "", section)
			if (section !~ /^ *$|^`|^docs\/|^and / && index(pages[page], tolower(section)) == 0)
				report(page " has no section \"" section "\"")
		}
	}
}

function check_anchors(line,	rest, section)
{
	rest = line
	while (match(rest, /\]\(#[^)]*\)/)) {
		section = substr(rest, RSTART + 3, RLENGTH - 4)
		rest = substr(rest, RSTART + RLENGTH)
		if (index(anchors[FILENAME], "\n" section "\n") == 0)
			report("no section here is #" section)
	}
}

# Does a file or folder of this name exist? Capitals and stars stand for anything.
function exists(path,	pattern)
{
	sub(/\/$/, "", path)
	sub(/^(\.\.\/)+/, "", path)
	if (path in there) return 1
	if (path !~ /[*]|[A-Z][A-Z]/) return 0
	pattern = path
	gsub(/[.]/, "[.]", pattern)
	gsub(/[A-Z][A-Z]+|[*]/, "[^\n]*", pattern)
	return all ~ ("\n" pattern "(\n|$)")
}

function check_files(text,	rest, start, path)
{
	rest = text
	start = before
	while (match(rest, /[A-Za-z0-9_.*\/+~-]+/)) {
		start = start substr(rest, 1, RSTART - 1)
		path = substr(rest, RSTART, RLENGTH)
		rest = substr(rest, RSTART + RLENGTH)
		sub(/[.]+$/, "", path)
		if ((path ~ folders || path ~ endings) && path !~ /^\/|^build\/|^[.][a-zA-Z]|[.]md$/ &&
		    start !~ elsewhere && start !~ /[<${]$/ && !(page_like && start ~ /new file `$/) && !exists(path))
			report("there is no " path)
		start = start path
	}
}

function check_functions(text,	rest, start, name)
{
	rest = text
	start = before
	while (match(rest, /[A-Za-z_][A-Za-z0-9_]*\(\)/)) {
		start = start substr(rest, 1, RSTART - 1)
		name = substr(rest, RSTART, RLENGTH - 2)
		rest = substr(rest, RSTART + RLENGTH)
		if (!(name in functions) && start !~ elsewhere)
			report("there is no " name "()")
		start = start name "()"
	}
}

{
	check_pages($0)
	text = text_of($0)
	if (text == "") {
		before = ""
		next
	}
	if (page_like) check_anchors(text)
	check_files(text)
	check_functions(text)
	before = substr(text, length(text) > 20 ? length(text) - 20 : 1) " "
}
