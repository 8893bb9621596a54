#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# TEST: limit=300 needs=all,dom0-image,test-efi
#
# On VMX, in Bochs: OVMF with the ACPI tables of test/efi/acpi.c, keel.efi, Debian as Dom0. The firmware
# there leaves IA32_FEATURE_CONTROL open.
set -u
cd "$(dirname "$0")/../.." || exit 1
export O=${O:-build}
console=$(mktemp) || exit 1
trap 'rm -f "$console"' EXIT
nonce=$RANDOM$RANDOM
KERNEL=$O/dom0/vmlinux INITRD=$O/dom0/initrd.img LOADER=uefi MEM=1024 LIMIT=290 \
	CMDLINE="console=hvc0 cryptomgr.notests keel.run=no-$nonce keel.poweroff" test/bochs </dev/null >"$console" 2>&1
status=$?
tr -d '\r' <"$console"
[ $status = 0 ] || { echo "vmx-ovmf: Dom0 did not power off by itself (status $status)"; exit 1; }
for text in '(KEEL) started by keel.efi (UEFI)' 'EFI runtime' 'Guests run by VMX' 'left IA32_FEATURE_CONTROL open' "Dom0: keel.run=no-$nonce: no such action"; do
	grep -a -q -F "$text" "$console" || { echo "vmx-ovmf: missing: $text"; exit 1; }
done
