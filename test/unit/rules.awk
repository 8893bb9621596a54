# SPDX-License-Identifier: GPL-2.0-only
# Turns each test's SOURCES comment into the list of objects it is linked from.
FNR == 1 { flush_rule(); file = FILENAME; inside = 0; objects = "" }
FNR > 30 { next }
{
	line = $0
	if (!inside && line ~ /SOURCES:/) {
		inside = 1
		sub(/.*SOURCES:/, "", line)
	}
	if (!inside)
		next
	last = line ~ /\*\//
	n = split(line, word, /[ \t*]+/)
	for (i = 1; i <= n; i++)
		if (word[i] ~ /\.c$/)
			objects = objects " " word[i]
	if (last)
		inside = 2
	if (inside == 2)
		inside = 0
}
END { flush_rule() }

function flush_rule(	kind, base, list, n, i, word)
{
	if (file == "" || objects == "")
		return
	kind = file ~ /_fuzz\.c$/ ? "fuzz" : "unit"
	base = file
	sub(/.*\//, "", base)
	sub(/\.c$/, "", base)
	list = ""
	n = split(objects, word, " ")
	for (i = 1; i <= n; i++) {
		sub(/\.c$/, ".o", word[i])
		list = list " " O "/" kind "/obj/" word[i]
	}
	print O "/" kind "/" base ":" list
}
