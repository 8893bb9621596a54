#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# TEST: name=guest-pingpong-multiboot limit=240 needs=all,guests args=test/boot,multiboot,2,60
# TEST: name=guest-pingpong-uefi limit=200 needs=all,guests args=test/boot,uefi,2,10
# TEST: name=vmx-guest-pingpong-1 limit=270 needs=all,guests args=test/bochs,multiboot,1,1
# TEST: name=vmx-guest-pingpong-2 limit=270 needs=all,guests args=test/bochs,multiboot,2,1
#
# Two guests named in the boot configuration, with an event channel and a granted
# page between them, run with no Dom0 at all. Arguments: test/boot for SVM or test/bochs for
# VMX, the loader, CPUs, seconds.
set -u
cd "$(dirname "$0")/../.." || exit 1
. test/lib.sh
work=$(mktemp -d "$O/pingpong.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
log=$work/console
sed "s/SECONDS/$4/" test/system/pingpong.dts >"$work/keel.dts"

# GRUB hands over no names of files.
[ "$1" != test/bochs ] || sed -i 's/path = .*/module-index = <1>;/' "$work/keel.dts"

export TREE=$work/keel.dts FILES=$O/test/guests/pingpong.elf LOADER=$2 MEM=512M SMP=$3 LIMIT=230
run_until $(($4 + 230)) 2 'all numbers came back' 'too few|no answer' "$1"
for role in ping pong; do
	grep -a -q "$role: [0-9]* rounds, all numbers came back" "$log" ||
		{ echo "pingpong: $role did not do its part"; exit 1; }
done
