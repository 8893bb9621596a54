# SPDX-License-Identifier: GPL-2.0-only
# Names the plugin's sites by the guest's functions op_NAME, and prints one line for each operation:
# NAME instructions events samples min max. An operation with several sites is represented by its
# most frequent one. With -v stretch=1 it prints one line, the site of the longest stretch with
# interrupts off. It runs after symbols.awk and its file.
{
	where = place(number($2))
	if ($14 + 0 > longest) {
		longest = $14 + 0
		longest_at = where
	}
	if (where !~ /^op_/)
		next
	op = substr(where, 4)
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
