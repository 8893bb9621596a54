# SPDX-License-Identifier: GPL-2.0-only
# Reads `objdump -d -z -w -j .text`: fails unless the calls of thunks and jumps to them are just those
# that branches_patch() finds, by its look at each byte, and all other indirect branches and returns
# are known: the loader's, those of boot, and libfdt's, which is used only then. A conditional jump to
# a thunk stays what it is. Code built without thunks has no sites.
function hex(s,    i, v) {
	v = 0
	for (i = length(s) > 8 ? length(s) - 7 : 1; i <= length(s); i++)
		v = v * 16 + index("0123456789abcdef", substr(s, i, 1)) - 1
	return v
}
# From the start of the text: not all awks keep large numbers as they are.
function offset(address) {
	if (!start)
		start = hex(address)
	return hex(address) - start
}
function fail(what, at) {
	printf "keel.elf: %s at %x\n", what, start + at > "/dev/stderr"
	bad = 1
}
/^[0-9a-f]+ <.*>:$/ {
	name = substr($2, 2, length($2) - 3)
	if (name ~ /^__x86_(indirect_thunk_r[0-9a-z]+|return_thunk)$/)
		thunk[offset($1)] = 1
	next
}
split($0, part, "\t") >= 3 {
	address = at = offset(substr(part[1], 1, index(part[1], ":") - 1))
	n = split(part[2], byte, " ")
	for (i = 1; i <= n; i++)
		code[at++] = byte[i]
	insn = part[3]
	if (insn ~ /^(cs )?(call|jmp) .*<__x86_[^+]*>$/)
		sites[address + (insn ~ /^cs /)] = 1
	else if (insn ~ /^(ret|(call|jmp) +\*)/) {
		if (name ~ /^(__x86_(indirect_thunk|return)|clear_branch_history)/) {
			if (address % 64 < 32)
				fail("a branch in the lower half of a line", address)
		} else if (name !~ /^(fdt_|mb_|no_long_mode$|com1_init$|start_keel$|switch_stack$)/)
			others[address] = 1
	}
}
END {
	for (at in code) {
		if (code[at] != "e8" && code[at] != "e9")
			continue
		to = hex(code[at + 4] code[at + 3] code[at + 2] code[at + 1])
		if (to >= 2147483648)
			to -= 4294967296
		to += at + 5
		if (!(to in thunk))
			continue
		found++
		if (!(at in sites))
			fail("bytes that look like a branch", at + 0)
		delete sites[at]
	}
	for (at in sites)
		fail("a branch that boot does not find", at + 0)
	# The handwritten returns go through a thunk in any case.
	for (at in others)
		if (found > 100)
			fail("a branch without a thunk", at + 0)
	exit bad
}
