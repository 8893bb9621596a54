# SPDX-License-Identifier: GPL-2.0-only
# Reads the guest's symbols, the first file: lines "address name", sorted.
function number(hex,	i, v)
{
	v = 0
	hex = tolower(substr(hex, 3))
	for (i = 1; i <= length(hex); i++)
		v = v * 16 + index("0123456789abcdef", substr(hex, i, 1)) - 1
	return v
}

# Returns the guest's function at an address.
function place(at,	i)
{
	for (i = n; i > 0 && address[i] > at; i--)
		;
	return name[i]
}

FNR == NR {
	address[++n] = number($1)
	name[n] = $2
	next
}
