#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# TEST: limit=120 kind=emu needs=all
#
# What the UEFI loader says about files that it cannot use: each message names the file, and the
# firmware's shell goes on afterwards.
set -u
cd "$(dirname "$0")/../.." || exit 1
. test/lib.sh

work=$(mktemp -d "$O/efi-errors.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
esp=$work/esp
mkdir "$esp" "$esp/folder"

tree() {	# name kernel-node-body
	dtc -q -I dts -O dtb -o "$esp/$1.dtb" - <<DTS
/dts-v1/;
/ { chosen { hypervisor { compatible = "hypervisor,xen"; dom0 {
	compatible = "xen,domain"; capabilities = <3>; kernel { compatible = "module,kernel"; $2 };
}; }; }; };
DTS
}

cp "$O/keel.efi" "$esp/" || exit 1
echo "this is no device tree" >"$esp/text.dtb"
: >"$esp/empty"
gzip -c "$O/keel.elf" >"$esp/vmlinuz.gz"
{ head -c $((0x202)) /dev/zero; printf 'HdrS\017\002'; head -c 100 /dev/zero | tr '\0' P; } >"$esp/vmlinuz"
{ head -c $((0x202)) /dev/zero; printf 'HdrS\017\002'; head -c 100 /dev/zero; } >"$esp/memtest"
tree missing 'path = "nowhere/vmlinux";'
tree gzip 'path = "vmlinuz.gz";'
tree bzimage 'path = "\\vmlinuz";'
tree memtest 'path = "memtest";'
tree script 'path = "startup.nsh";'
tree empty 'path = "empty";'
tree folder 'path = "folder";'
tree nothing ''
{ head -c 40 "$esp/gzip.dtb"; } >"$esp/cut.dtb"
cat >"$esp/startup.nsh" <<'NSH'
@echo -off
fs0:
keel.efi config=absent.dtb
keel.efi config=text.dtb
keel.efi config=cut.dtb
keel.efi config=missing.dtb
keel.efi config=gzip.dtb
keel.efi config=bzimage.dtb
keel.efi config=memtest.dtb
keel.efi config=script.dtb
keel.efi config=empty.dtb
keel.efi config=folder.dtb
keel.efi config=nothing.dtb
keel.efi
echo all loaders returned
reset -s
NSH

machine
firmware_args "$work"
${EMU_WRAPPER:-} timeout 110 qemu-system-x86_64 "${machine_args[@]}" "${firmware_args[@]}" \
	-drive "file=fat:rw:$esp,format=raw,if=none,id=esp" -device "ide-hd,drive=esp,bootindex=0" \
	</dev/null 2> >(quiet_qemu) | tr -d '\r' >"$work/console"

failed=0
expect() {	# extended regular expression
	grep -aEq "Keel: $1" "$work/console" || { echo "missing: $1"; failed=1; }
}
expect 'absent\.dtb: cannot open the file.*Not Found'
expect 'text\.dtb: not a device tree blob'
expect 'cut\.dtb: not a device tree blob'
expect 'nowhere/vmlinux: cannot open the file.*Not Found'
expect 'vmlinuz\.gz is compressed \(gzip\); unpack it first: gzip -dc FILE'
expect '\\vmlinuz is compressed \(bzImage\); unpack it first: .*extract-vmlinux'
expect 'memtest: the kernel is a bzImage without Linux in it'
expect 'startup\.nsh: the kernel is no ELF file'
expect 'empty: the file is empty'
expect 'folder: a folder, not a file'
expect 'nothing\.dtb: names no kernel'
expect 'vmlinux: cannot open the file'
grep -aq 'all loaders returned' "$work/console" || { echo "the shell did not go on"; failed=1; }
[ $failed = 0 ] || cat "$work/console"
exit $failed
