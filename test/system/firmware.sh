#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# TEST: name=firmware-smm limit=150 needs=all,dom0-image args=debian12
# TEST: name=firmware-smm-debian13 limit=150 needs=all,dom0-image args=debian13
#
# OVMF with SMM keeps ACPI NVS over the place that Dom0's kernel is linked to, with and without an IOMMU. Debian 12's
# kernel must lie there, and what it hides is told; Debian 13's is moved to where there is RAM.
set -u
cd "$(dirname "$0")/../.." || exit 1
. test/lib.sh
work=$(mktemp -d "$O/firmware.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT

case $1 in
debian12)
	kernel=$O/dom0/vmlinux
	want=("warning: Dom0: its kernel's place has ACPI NVS of the firmware's at 0x1000000..0x1710000"
		"^Dom0: Linux 6\.1\." "^  01000000-.*Kernel code") ;;
debian13)
	packages=${PACKAGES:-$O/packages}-trixie
	kernel=$O/test/vmlinux-debian13
	echo kernel:linux-image-amd64 >"$work/list"
	dom0-tools/image/fetch-packages "$work/list" "$packages" trixie >&2 || exit $?	# 77: there is no trixie
	"$O/dom0-tools/unpack-kernel" "$packages"/root/kernel/boot/vmlinuz-* "$kernel" >&2 || exit 1
	want=("Dom0: its kernel is moved from 0x1000000 to 0x1800000" "^Dom0: Linux 6\.12\." "^  01800000-.*Kernel code") ;;
esac
poweroff_initrd "$work/initrd.img" || exit 1

failed=0
for iommu in off intel; do
	FIRMWARE=smm IOMMU=$iommu SMP=1 MEM=1G LOADER=uefi KERNEL=$kernel INITRD=$work/initrd.img \
		CMDLINE="console=hvc0 quiet" test/boot </dev/null >"$work/console" 2>&1
	status=$?
	tr -d '\r' <"$work/console"
	[ $status = 0 ] || { echo "firmware: IOMMU=$iommu: Dom0 did not power off (status $status)"; failed=1; }
	for line in "${want[@]}" "ACPI NVS$"; do
		tr -d '\r' <"$work/console" | grep -a -q "$line" || { echo "firmware: IOMMU=$iommu: missing: $line"; failed=1; }
	done
done
exit $failed
