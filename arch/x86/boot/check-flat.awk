# SPDX-License-Identifier: GPL-2.0-only
# Reads `readelf -lW`: fails unless every PT_LOAD lies in the file as it lies in memory.
function hex(s,    i, v) {
	v = 0
	for (i = 3; i <= length(s); i++)
		v = v * 16 + index("0123456789abcdef", substr(s, i, 1)) - 1
	return v
}
$1 == "LOAD" && hex($5) > 0 {
	delta = hex($4) - hex($2)
	if (!n++)
		first = delta
	if (delta != first) {
		print "keel.elf: segment " n " is not where the multiboot1 header says" > "/dev/stderr"
		bad = 1
	}
}
END {
	if (n != 3) {
		print "keel.elf: " n + 0 " segments with contents, not 3" > "/dev/stderr"
		bad = 1
	}
	exit bad
}
