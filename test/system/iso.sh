#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# TEST: name=iso-cd limit=240 needs=all,iso args=cd
# TEST: name=iso-usb limit=300 needs=all,iso args=usb
#
# The ISO boots from a CD and from a USB stick, with Dom0's console on the
# serial line and on the screen, and Dom0 powers the machine off when told.
set -u
cd "$(dirname "$0")/../.." || exit 1
. test/lib.sh
work=$(mktemp -d "$O/iso-test.XXXXXX") || exit 1
trap 'kill ${qemu:-} ${reader:-} 2>/dev/null; rm -rf "$work"' EXIT

MEM=${MEM:-2G}
machine
firmware_args "$work"
case ${1:-cd} in
cd) boot_args=(-cdrom "$O/keel.iso") ;;
usb) boot_args=(-device qemu-xhci -drive "file=$O/keel.iso,format=raw,if=none,id=stick,readonly=on"
	-device usb-storage,drive=stick,bootindex=0) ;;
esac

# Dom0's shell gets a command from here; the monitor takes a picture of the screen.
mkfifo "$work/in" "$work/monitor.in" "$work/monitor.out"
cat <>"$work/monitor.out" >/dev/null &
reader=$!
qemu-system-x86_64 "${machine_args[@]}" "${firmware_args[@]}" "${boot_args[@]}" -vga std \
	-chardev "pipe,id=monitor,path=$work/monitor" -mon chardev=monitor <"$work/in" >"$work/console" 2> >(quiet_qemu) &
qemu=$!
exec 3>"$work/in"

wait_for() {	# seconds pattern
	for _ in $(seq "$1"); do
		tr -d '\r' <"$work/console" | grep -a -q "$2" && return 0
		kill -0 "$qemu" 2>/dev/null || break
		sleep 1
	done
	tail -40 "$work/console"
	die "iso: did not see: $2"
}
# What init says goes to the screen; the shell is on both.
wait_for 200 'dom0:/root#'
sleep 2
# What the kernel says about the screen, a picture of it, and the end.
echo "dmesg | grep -E 'efifb|frame buffer device'; echo screen''-asked" >&3
wait_for 20 '^screen-asked'
echo "screendump $work/screen.ppm" >"$work/monitor.in"
sleep 2
echo "poweroff -f" >&3
for _ in $(seq 30); do
	kill -0 "$qemu" 2>/dev/null || break
	sleep 1
done
cat "$work/console"
grep -a -q -E 'efifb: mode is|frame buffer device' "$work/console" || die "iso: Dom0 has no console on the screen"
# Text on a screen has at least two colours.
colours=$(tail -c +20 "$work/screen.ppm" | od -An -v -w3 -tx1 | sort -u | head -3 | wc -l)
[ "$colours" -ge 2 ] || die "iso: the screen is empty"
dom0_status "$work/console" || die "iso: Dom0 did not power off"
