#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# TEST: name=loader-multiboot1 args=multiboot1
# TEST: name=loader-multiboot1-tree args=multiboot1_tree
# TEST: name=loader-multiboot2 args=multiboot2
# TEST: name=loader-multiboot2-tree args=multiboot2_tree
# TEST: name=loader-uefi args=uefi
# TEST: name=loader-uefi-tree args=uefi_tree
# TEST: name=loader-uefi-sections args=uefi_sections
# TEST: name=loader-uefi-options args=uefi_options
# TEST: name=loader-uefi-grub args=uefi_grub
#
# Each way into Keel hands over the same: command line, memory, modules, boot configuration. The
# kernels here are none, so that Keel stops soon after; what counts is what it printed before.
set -u
cd "$(dirname "$0")/../.." || exit 1
. test/lib.sh
how=$1

work=$(mktemp -d "$O/loaders.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
{ printf '\177ELF'; head -c 9996 /dev/zero; } >"$work/vmlinux"
head -c 20000 /dev/zero >"$work/initrd.img"

# Two domains; the arguments say how they name their files.
tree() {	# kernel ramdisk guest-kernel
	dtc -q -I dts -O dtb -o "$work/keel.dtb" - <<DTS
/dts-v1/;
/ { chosen { hypervisor { compatible = "hypervisor,xen"; bootargs = "iommu=off noreboot";
	dom0 { compatible = "xen,domain"; capabilities = <3>; memory = <131072>;
		kernel { compatible = "module,kernel"; $1; };
		ramdisk { compatible = "module,ramdisk"; $2; }; };
	guest { compatible = "xen,domain"; memory = <65536>;
		kernel { compatible = "module,kernel"; $3; }; };
}; }; };
DTS
}

# An ISO that GRUB boots on BIOS.
grub_iso() {	# lines of grub.cfg
	mkdir -p "$work/iso/boot/grub"
	$NM_STRIP -o "$work/iso/boot/keel.elf" "$O/keel.elf"
	cp "$work"/vmlinux "$work"/initrd.img "$work"/keel.dtb "$work/iso/boot/" 2>/dev/null
	printf '%s\n' "serial" "terminal_output serial" "$@" boot >"$work/iso/boot/grub/grub.cfg"
	grub-mkrescue -d /usr/lib/grub/i386-pc -o "$work/boot.iso" "$work/iso" >"$work/log" 2>&1 ||
		{ cat "$work/log"; exit 1; }
	boot_args=(-cdrom "$work/boot.iso")
}
NM_STRIP=${STRIP:-strip}

esp_args() {
	firmware_args "$work"
	boot_args=("${firmware_args[@]}" -drive "file=fat:rw:$work/esp,format=raw,if=none,id=esp"
		-device "ide-hd,drive=esp,bootindex=0")
}

expected=("memory 000000100000-.* RAM" "MiB of RAM")
files=("module 0 at .*, 10000 bytes" "module 1 at .*, 20000 bytes")
tree_files=("module 1 at .*, 10000 bytes" "module 2 at .*, 20000 bytes" "module 0 at" "boot configuration at")
machine
case $how in
multiboot1)
	boot_args=(-kernel "$O/keel.elf" -append "iommu=off frobnicate" -initrd "$work/vmlinux a=1,$work/initrd.img")
	expected+=("started by qemu .multiboot1.*0x200000" "${files[@]}" "no option frobnicate")
	;;
multiboot1_tree)
	tree 'path = "vmlinux"' 'path = "initrd.img"' 'module-index = <1>'
	boot_args=(-kernel "$O/keel.elf" -append frobnicate
		-initrd "$work/keel.dtb,$work/vmlinux,$work/initrd.img")
	expected+=("started by qemu .multiboot1" "${tree_files[@]}" "no option frobnicate")
	;;
multiboot2)
	grub_iso "multiboot2 /boot/keel.elf iommu=off frobnicate" "module2 /boot/vmlinux placeholder a=1" \
		"module2 --nounzip /boot/initrd.img"
	expected+=("started by GRUB.*multiboot2.*0x200000" "${files[@]}" "no option frobnicate" "framebuffer"
		"Domain-0: module 0 is no kernel")
	;;
multiboot2_tree)
	tree 'mb-index = <1>' 'mb-index = <2>' 'module-index = <1>'
	grub_iso "multiboot2 /boot/keel.elf frobnicate" "module2 /boot/keel.dtb" "module2 /boot/vmlinux" \
		"module2 /boot/initrd.img"
	expected+=("started by GRUB.*multiboot2" "${tree_files[@]}" "no option frobnicate")
	;;
uefi)
	mkdir -p "$work/esp/EFI/BOOT"
	cp "$O/keel.efi" "$work/esp/EFI/BOOT/BOOTX64.EFI"
	cp "$work/vmlinux" "$work/esp/EFI/BOOT/"
	cp "$work/initrd.img" "$work/esp/"
	esp_args
	expected+=("started by keel.efi .UEFI" "${files[@]}" "EFI runtime")
	;;
uefi_tree)
	tree 'path = "vmlinux"' 'path = "/initrd.img"' 'xen,uefi-binary = "guests\\vmlinux"'
	mkdir -p "$work/esp/EFI/BOOT" "$work/esp/guests"
	cp "$O/keel.efi" "$work/esp/EFI/BOOT/BOOTX64.EFI"
	cp "$work/vmlinux" "$work/keel.dtb" "$work/esp/EFI/BOOT/"
	cp "$work/initrd.img" "$work/esp/"
	cp "$work/vmlinux" "$work/esp/guests/"
	esp_args
	expected+=("started by keel.efi .UEFI" "${files[@]}" "module 2 at .*, 10000 bytes.*guests"
		"boot configuration at" "framebuffer")
	;;
uefi_sections)
	tree 'path = ".kernel"' 'path = ".ramdisk"' 'path = ".kernel"'
	mkdir -p "$work/esp/EFI/BOOT"
	echo "loglvl=debug frobnicate" >"$work/cmdline"
	objcopy --add-section ".dtb=$work/keel.dtb" --change-section-vma .dtb=0x1000000 \
		--add-section ".kernel=$work/vmlinux" --change-section-vma .kernel=0x2000000 \
		--add-section ".ramdisk=$work/initrd.img" --change-section-vma .ramdisk=0x3000000 \
		--add-section ".cmdline=$work/cmdline" --change-section-vma .cmdline=0x1800000 \
		"$O/keel.efi" "$work/esp/EFI/BOOT/BOOTX64.EFI" || exit 1
	# Sections go before files: this one would be refused.
	echo "no device tree" >"$work/esp/EFI/BOOT/keel.dtb"
	esp_args
	expected+=("started by keel.efi .UEFI" "${files[@]}" "boot configuration at" "no option frobnicate")
	;;
uefi_options)
	mkdir -p "$work/esp/conf"
	tree 'path = "vmlinux"' 'path = "initrd.img"' 'path = "vmlinux"'
	cp "$O/keel.efi" "$work/vmlinux" "$work/initrd.img" "$work/esp/"
	cp "$work/keel.dtb" "$work/esp/conf/other.dtb"
	printf '%s\r\n' "fs0:" "keel.efi config=conf/other.dtb frobnicate -- never=used" >"$work/esp/startup.nsh"
	esp_args
	expected+=("started by keel.efi .UEFI" "${files[@]}" "boot configuration at" "no option frobnicate")
	;;
uefi_grub)
	# GRUB as UEFI started it gives the folder and the file as two parts of the path.
	mkdir -p "$work/esp/EFI/BOOT" "$work/esp/EFI/my keel"
	tree 'path = "vmlinux"' 'path = "initrd.img"' 'path = "vmlinux"'
	cp "$O/keel.efi" "$work/vmlinux" "$work/initrd.img" "$work/keel.dtb" "$work/esp/EFI/my keel/"
	echo "in the wrong folder" >"$work/esp/EFI/vmlinux"
	printf '%s\n' 'chainloader "/EFI/my keel/keel.efi" frobnicate' boot >"$work/esp/EFI/BOOT/grub.cfg"
	grub-mkimage -O x86_64-efi -d /usr/lib/grub/x86_64-efi -p /EFI/BOOT -o "$work/esp/EFI/BOOT/BOOTX64.EFI" \
		fat part_msdos part_gpt normal configfile chain || exit 1
	esp_args
	expected+=("started by keel.efi .UEFI" "${files[@]}" "boot configuration at" "no option frobnicate")
	;;
*)
	die "$0: $how: unknown"
	;;
esac

all_there() {
	local e
	for e in "${expected[@]}"; do
		grep -aEq "$e" "$work/console" || { missing=$e; return 1; }
	done
}

${EMU_WRAPPER:-} timeout 50 qemu-system-x86_64 "${machine_args[@]}" "${boot_args[@]}" \
	-pidfile "$work/pid" </dev/null >"$work/console" 2> >(quiet_qemu) &
qemu=$!
for ((i = 0; i < 500; i++)); do
	all_there && break
	kill -0 $qemu 2>/dev/null || break
	sleep 0.1
done
kill "$(cat "$work/pid" 2>/dev/null)" 2>/dev/null
wait $qemu 2>/dev/null
all_there && exit 0
tr -d '\r' <"$work/console"
echo "$how: this is missing: $missing"
exit 1
