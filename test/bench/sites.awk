# SPDX-License-Identifier: GPL-2.0-only
# Names the plugin's sites by the guest's functions op_NAME and prints one line
# for each operation: NAME instructions events samples min max. An operation
# with several sites is counted at the one that occurred most. With -v stretch=1: one
# line, where the longest stretch with interrupts off was.
function number(hex,	i, v)
{
	v = 0
	hex = tolower(substr(hex, 3))
	for (i = 1; i <= length(hex); i++)
		v = v * 16 + index("0123456789abcdef", substr(hex, i, 1)) - 1
	return v
}

# First file: "address name", sorted. Second: the plugin's output.
FNR == NR {
	address[++n] = number($1)
	name[n] = $2
	next
}

{
	at = number($2)
	for (i = n; i > 0 && address[i] > at; i--)
		;
	if ($14 + 0 > longest) {
		longest = $14 + 0
		longest_at = name[i]
	}
	if (name[i] !~ /^op_/)
		next
	op = substr(name[i], 4)
	if (!(op in samples))
		order[++ops] = op
	if ($4 > samples[op]) {
		samples[op] = $4
		row[op] = $6 " " $12 " " $4 " " $8 " " $10
	}
}

END {
	if (stretch) {
		print longest, longest_at
		exit
	}
	for (i = 1; i <= ops; i++)
		print order[i], row[order[i]]
}
