#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# TEST: name=boot-time limit=240 kind=alone needs=all,dom0-image
#
# Prints the time from Dom0's kernel's first line to init, on Keel and on bare
# QEMU with the same vmlinux and initramfs. Only that both get there is asserted:
# a time on a busy machine proves nothing.
set -u
cd "$(dirname "$0")/../.." || exit 1
. test/lib.sh
work=$(mktemp -d "$O/boot-time.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
kernel=$O/dom0/vmlinux initrd=$O/dom0/initrd.img
MEM=${MEM:-2G} SMP=1

# Seconds of the kernel's own clock, which starts at about its first line.
init_at() { tr -d '\r' <"$1" | sed -n 's/.*Dom0: init at \([0-9.]*\) s.*/\1/p' | head -1; }
run() {	# log arguments...
	local log=$1
	shift
	timeout 100 qemu-system-x86_64 "${machine_args[@]}" "$@" </dev/null 2> >(quiet_qemu) >"$log"
}

machine
run "$work/bare" -kernel "$kernel" -initrd "$initrd" -append "console=ttyS0 keel.poweroff"
multiboot_args "$kernel" "$initrd" "console=hvc0 keel.poweroff"
run "$work/keel" "${boot_args[@]}"

bare=$(init_at "$work/bare") keel=$(init_at "$work/keel")
if [ -z "$bare" ] || [ -z "$keel" ]; then
	tail -30 "$work/bare" "$work/keel"
	die "boot-time: Dom0 did not come to init (bare: ${bare:-no}, Keel: ${keel:-no})"
fi
echo "note: to init: bare QEMU $bare s, on Keel $keel s, $(awk -v a="$keel" -v b="$bare" \
	'BEGIN { printf "%.2f", a / b }') times"
