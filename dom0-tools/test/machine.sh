# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154
#
# Folders that are machines, for tests of what is installed on one. Sourced, with a folder $work for what they need.

# A kernel as packages have it: gzip around an ELF with Xen's notes. kernel ROOT VERSION BYTE [NOTE...]
kernel() {
	local root=$1 version=$2 byte=$3 note
	shift 3
	{
		echo ".globl _start; _start: .fill 300000, 1, $byte; .section .note.Xen, \"a\", @note"
		for note in "${@-entry dom0}"; do
			case $note in *entry*) echo '.long 4, 4, 18; .asciz "Xen"; .long 0x100000' ;; esac
			case $note in *dom0*) echo '.long 4, 4, 17; .asciz "Xen"; .long 0x800' ;; esac
		done
	} | gcc -c -x assembler -o "$work/kernel.o" - && ld -Ttext=0x100000 -o "$work/elf-$version-$byte" "$work/kernel.o" || exit 1
	gzip -nc "$work/elf-$version-$byte" >"$root/boot/vmlinuz-$version"
	touch -d "2026-01-01 0$byte:00" "$root/boot/vmlinuz-$version"
	echo initrd >"$root/boot/initrd.img-$version"
}

# What grub-mkconfig gives its scripts, and programs that answer as for a partition of a disk with GPT.
cat >"$work/grub-probe" <<'END'
#!/bin/sh
case "$*" in
*target=device*) [ ! -e "$2/no-device" ] || exit 1; echo /dev/sda1 ;;
*sda1*target=fs) echo fat ;;
*sda1*compatibility_hint) echo hd0,gpt1 ;;
*sda1*fs_uuid) echo ESP-UUID ;;
*partmap) echo gpt ;;
*abstraction) case $* in *mapper*) echo lvm ;; esac ;;
*target=fs) echo ext2 ;;
*compatibility_hint) case $* in *mapper*) echo lvmid/vg/root ;; *) echo hd0,gpt2 ;; esac ;;
*fs_uuid) case $* in *mapper*) echo lvm-uuid ;; *) echo root-uuid ;; esac ;;
*hints_string) ;;
esac
END
cat >"$work/relpath" <<'END'
#!/bin/sh
case $1 in */boot/efi/*) echo "${1#*/boot/efi}" ;; "$GRUB_BOOT"*) echo "${1#"$GRUB_BOOT"}/" ;; *) echo "${1#"$KEEL_ROOT"}" ;; esac
END
chmod +x "$work/grub-probe" "$work/relpath"

# The menu that the machine's 20_keel makes, as update-grub has it made. grub_menu ROOT VARIABLE=VALUE...
grub_menu() (
	export GRUB_DEVICE=/dev/sda2 GRUB_DEVICE_BOOT=/dev/sda2 GRUB_DEVICE_UUID=root-uuid GRUB_FS=ext2 GRUB_DISTRIBUTOR=Debian \
		GRUB_CMDLINE_LINUX_DEFAULT=quiet GRUB_CMDLINE_LINUX=net.ifnames=0 GRUB_BOOT=/none KEEL_ROOT="$1" \
		pkgdatadir=/usr/share/grub grub_probe="$work/grub-probe" grub_mkrelpath="$work/relpath"
	# shellcheck disable=SC1091
	. "$1/etc/default/grub.d/keel.cfg"
	exec env "${@:2}" "$1/etc/grub.d/20_keel"
)
