# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# For scripts that make disks with Debian: its own scripts run in a folder that is no disk yet.
[ "$(id -u)" = 0 ] || { echo "debian: only root can install Debian's packages below a folder" >&2; exit 77; }
export LC_ALL=C DEBIAN_FRONTEND=noninteractive

# probe_stand_in TREE UUID PARTITION: for update-grub, a program that answers as on that partition of a disk with GPT.
probe_stand_in()
{
	mv "$1/usr/sbin/grub-probe" "$1/usr/sbin/grub-probe.real"
	cat >"$1/usr/sbin/grub-probe" <<PROBE
#!/bin/sh
case "\$*" in
*partmap*) echo gpt ;;
*target=device*) echo /dev/sda$3 ;;
*target=fs_uuid*) echo $2 ;;
*target=fs*) echo ext2 ;;
*compatibility_hint*) echo hd0,gpt$3 ;;
esac
PROBE
	chmod 755 "$1/usr/sbin/grub-probe"
	mkdir -p "$1/dev/disk/by-uuid" && touch "$1/dev/disk/by-uuid/$2"
	printf 'UUID=%s / ext4 errors=remount-ro 0 1\n' "$2" >"$1/etc/fstab"
}

# probe_back TREE
probe_back()
{
	rm -r "$1/dev/disk"
	mv "$1/usr/sbin/grub-probe.real" "$1/usr/sbin/grub-probe"
}

# make_root TREE UUID OUT MIB: an ext4 with that much room left.
make_root()
{
	truncate -s $(($(du -sm "$1" | cut -f1) * 9 / 8 + $4))M "$3"
	mke2fs -q -F -t ext4 -U "$2" -d "$1" "$3"
}
