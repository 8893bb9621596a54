#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# TEST: name=vmx-debian-1 limit=650 needs=all,dom0-image args=1
# TEST: name=vmx-debian-2 limit=650 kind=alone needs=all,dom0-image args=2
#
# On VMX, in Bochs: GRUB, Keel, Debian as Dom0, and one Debian guest. Its disk is a partition of the
# emulated ATA disk, with random contents: what Dom0 and the guest read and wrote is compared with the
# image here as well. The guest pings Dom0. Argument: the number of CPUs.
set -u
cd "$(dirname "$0")/../.." || exit 1
export O=${O:-build}
start=2048 size=2048	# of the partition, in 512 bytes
work=$(mktemp -d "$O/vmx-debian.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT

disk_sum() { tail -c +$((start * 512 + 1)) "$work/disk" | head -c $((size * 512)) | md5sum | head -c 32; }
head -c $(((start + size) * 512)) /dev/urandom >"$work/disk"
truncate -s 4M "$work/disk"
echo "start=$start, size=$size" | sfdisk -q --wipe always -X dos "$work/disk" || exit 1
before=$(disk_sum)

# The kernel's tests of its ciphers take a third of its start.
KERNEL=$O/dom0/vmlinux INITRD=$O/dom0/initrd.img DISK=$work/disk SMP=$1 MEM=1024 LIMIT=${LIMIT:-630} \
	CMDLINE="console=hvc0 quiet cryptomgr.notests keel.run=selftest keel.test=exchange keel.disk=/dev/sda1 keel.poweroff" \
	test/bochs </dev/null >"$work/console" 2>&1
status=$?
tr -d '\r' <"$work/console"
[ $status = 0 ] || { echo "vmx-debian: Dom0 did not power off by itself (status $status)"; exit 1; }

failed=0
expect() {	# regular expression
	tr -d '\r' <"$work/console" | grep -a -q "$1" || { echo "vmx-debian: missing: $1"; failed=1; }
}
expect 'Guests run by VMX'
expect "^(KEEL) CPUs: $1"
expect '^SELFTEST: 1 passed, 0 failed'
expect "^exchange: $before before, $(disk_sum) after"
[ "$(disk_sum)" != "$before" ] || { echo "vmx-debian: the disk's image has not changed"; failed=1; }
exit $failed
