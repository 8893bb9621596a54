# SPDX-License-Identifier: GPL-2.0-only
# Shared by guard.awk and citations.awk.

# Returns a line of C without comments (they go to `comment`) and with empty string and character
# literals (their text goes to `strings`). `in_comment` must be 0 at the first line of a file.
function clean(line,	out, c, two, i, n, quote)
{
	out = ""
	strings = comment = ""
	quote = ""
	n = length(line)
	if (!in_comment && index(line, "/") == 0 && index(line, "\"") == 0 && index(line, "'") == 0)
		return line
	for (i = 1; i <= n; i++) {
		c = substr(line, i, 1)
		two = substr(line, i, 2)
		if (in_comment) {
			if (two == "*/") { in_comment = 0; i++ }
			else comment = comment c
			continue
		}
		if (quote != "") {
			if (c == "\\") { i++; continue }
			if (c == quote) { quote = ""; out = out c; continue }
			if (quote == "\"") strings = strings c
			continue
		}
		if (two == "/*") { in_comment = 1; i++; continue }
		if (two == "//") { comment = comment substr(line, i + 2); break }
		if (c == "\"" || c == "'") { quote = c; strings = strings " " }
		out = out c
	}
	return out
}
