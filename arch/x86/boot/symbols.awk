# SPDX-License-Identifier: GPL-2.0-only
# Turns `nm -n keel.elf` into the table of common/symbols.h; no input gives an empty one.
# The image lies in the top 2 GiB: the low 8 digits of an address are enough.
function hex(s,    i, v) {
	v = 0
	for (i = length(s) - 7; i <= length(s); i++)
		v = v * 16 + index("0123456789abcdef", substr(s, i, 1)) - 1
	return v
}
BEGIN { n = 0 }
$3 == "__text_start" { start = hex($1); inside = 1; next }
$3 == "__text_end" { inside = 0 }
!inside || $2 !~ /^[tTwW]$/ || $1 == last { next }
{
	last = $1
	offset[n] = hex($1) - start
	name[n++] = $3
}
END {
	print "\t.section .symtab.keel, \"a\""
	print "\t.globl symbols_count, symbols_offset, symbols_name, symbols_text"
	print "\t.balign 4"
	print "symbols_count:\n\t.long " n + 0
	print "symbols_offset:"
	for (i = 0; i < n; i++)
		print "\t.long " offset[i]
	print "symbols_name:"
	at = 0
	for (i = 0; i < n; i++) {
		print "\t.long " at
		at += length(name[i]) + 1
	}
	print "symbols_text:"
	for (i = 0; i < n; i++)
		print "\t.asciz \"" name[i] "\""
	print "\t.byte 0\n\t.section .note.GNU-stack, \"\", @progbits"
}
