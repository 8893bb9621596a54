# SPDX-License-Identifier: GPL-2.0-only
# Counts by cause the exits of test/guests/nvme.c while it made -v requests=N requests to its disk.
# It runs after symbols.awk and its file. The input is the plugin's lines "exit ADDRESS ,NAME,NAME,
# count N", which name the functions of Keel that handled the exit. It fails if a request has a
# cause that it must not have, or lacks one that it must have.
function cause(by, where)
{
	if (by ~ /,exit_hlt,/)
		return "HLT"
	if (by ~ /,exit_intr,/)
		return by ~ /,timer_process,/ ? "timer" : "external interrupt"
	if (by ~ /,exit_window,/)
		return "external interrupt, when the guest lets it in"
	if (by ~ /,vlapic_eoi,/ && by ~ /,(hvm_nested_fault|exit_msr_write),/)
		return "EOI"
	if (by ~ /,exit_hypercall,/)
		return "hypercall"
	if (by ~ /,hvm_nested_fault,/)
		return where == "op_doorbell" ? "doorbell" : "BAR or configuration space"
	return "anything else"
}

function row(what)
{
	printf "  %-48s %8d\n", what, exits[what]
}

$1 == "exit" {
	where = place(number($2))
	sub(/\..*/, "", where)	# a suffix that the compiler added to the name
	what = cause($3, where)
	exits[what] += $5
	if (what !~ /^(HLT|EOI|timer|external)/)
		odd[$3 " in " where] += $5
}

END {
	printf "exits of a guest in %d requests of its own NVMe disk:\n", requests
	row("external interrupt")
	row("external interrupt, when the guest lets it in")
	row("EOI")
	row("HLT")
	row("timer")
	row("doorbell")
	row("BAR or configuration space")
	row("hypercall")
	row("anything else")
	for (what in odd)
		print "bench: " odd[what] " by " what
	for (what in odd)
		exit 1
	if (exits["EOI"] < requests / 2 || !exits["HLT"]) {
		print "bench: the guest has not waited for its disk's interrupts, or was not counted"
		exit 1
	}
}
