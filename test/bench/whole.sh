# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Shared by the tests that count with wholecount.c what the whole machine executes, in the Dom0 with Debian's Xen
# toolstack. It is sourced after test/system/lib.sh.

# count_whole STEPS GUEST SYMBOL: runs test/xl/steps/STEPS, with GUEST.elf and mark beside it. Then $work/counts has
# what was executed from each mark to the guest's SYMBOL.
count_whole() {
	local guest=$O/test/guests/$2.elf first
	rm -rf "$work/steps" && mkdir "$work/steps" &&
		cp -R test/xl/steps/. "$work/steps/" && cp "$guest" "$work/steps/" &&
		gcc -O2 -Wall -Werror -static test/bench/mark.c -o "$work/steps/mark" &&
		gcc -O2 -Wall -Werror -fPIC -shared test/bench/wholecount.c -o "$work/wholecount.so" &&
		tar -C "$work/steps" --format=ustar -cf "$work/steps.tar" . || exit 1
	first=0x$(nm "$guest" | awk -v symbol="$3" '$3 == symbol { print $1 }')

	ACCEL=tcg SMP=1 MEM=2G machine
	machine_args=("${machine_args[@]//tcg,thread=multi/tcg}")
	local KEEL_OPTIONS="dom0_mem=1G ${KEEL_OPTIONS:-}"
	multiboot_args "$O/dom0/vmlinux" "$O/test/xl/initrd.img" "console=hvc0 quiet nokaslr cryptomgr.notests xl.steps=$1"
	emulate "${BENCH_LIMIT:-500}" "${boot_args[@]}" -icount shift=0,sleep=off -rtc base=2026-01-01,clock=vm -seed 1 \
		-drive "file=$O/test/xl/root.img,if=virtio,format=raw,snapshot=on" \
		-drive "file=$work/steps.tar,if=virtio,format=raw,readonly=on" \
		-plugin "$work/wholecount.so,first=$first,out=$work/counts" </dev/null 2>&1 | tee "$log"
	says '^XL: done'
}

# For awk: print_count(WHO) prints the line of counts that is being read, after WHO, and sets all to their sum.
# shellcheck disable=SC2034
print_count='function print_count(who) {
	all = $2 + $4 + $6
	printf "%s: %6.2f million instructions: hypervisor %.2f, kernel %.2f, programs %.2f\n",
		who, all / 1e6, $2 / 1e6, $4 / 1e6, $6 / 1e6
}'
