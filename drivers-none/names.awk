# SPDX-License-Identifier: GPL-2.0-only
# A name that other files can use (a function that is not static, or a structure in a header) must
# not be defined by both the hypervisor and the toolstack, so that a search finds the right one.
# Input: PASS=keel and the hypervisor's sources, PASS=tools and the toolstack's. A violation is one
# line "file:line: name: what".

function defined(kind, name,	key)
{
	key = kind " " name
	if (PASS == "keel")
		where[key] = FILENAME ":" FNR
	else if (key in where)
		print FILENAME ":" FNR ": name: " name (kind == "function" ? "()" : "") " is also at " where[key] \
			": the toolstack's has a prefix (docs/coding-style.md)"
}

FNR == 1 { in_comment = 0; fn_name = "" }

{ code = clean($0) }

code ~ /^(struct|union|enum) [A-Za-z0-9_]+ \{/ {
	split(code, word, " ")
	defined(word[1], word[2])
}

# A function starts at a line that begins with an opening brace.
code ~ /^\{/ && fn_name != "" { defined("function", fn_name); fn_name = "" }
code ~ /^[A-Za-z_].*\(/ && code !~ /[;}][ \t]*$/ {
	fn_name = code
	sub(/\(.*/, "", fn_name)
	sub(/.*[ \t*]/, "", fn_name)
	if (code ~ /^(static|typedef)[ \t]/)
		fn_name = ""
}
code ~ /^\}/ { fn_name = "" }
