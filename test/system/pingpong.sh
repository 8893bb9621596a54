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
export O=${O:-build}
work=$(mktemp -d "$O/pingpong.XXXXXX") || exit 1
trap 'kill ${boot:-} 2>/dev/null; rm -rf "$work"' EXIT
sed "s/SECONDS/$4/" test/system/pingpong.dts >"$work/keel.dts"

# GRUB hands over no names of files.
[ "$1" != test/bochs ] || sed -i 's/path = .*/module-index = <1>;/' "$work/keel.dts"

# Nothing ends the machine, as there is no Dom0: it is stopped when both are done.
TREE=$work/keel.dts FILES=$O/test/guests/pingpong.elf LOADER=$2 MEM=512M SMP=$3 LIMIT=230 \
	setsid "$1" >"$work/console" 2>&1 </dev/null &
boot=$!
for _ in $(seq $(($4 + 230))); do
	[ "$(grep -a -c 'all numbers came back' "$work/console")" = 2 ] && break
	grep -a -q -E 'too few|no answer|KEEL\) panic' "$work/console" && break
	kill -0 $boot 2>/dev/null || break
	sleep 1
done
kill -- -$boot 2>/dev/null
tr -d '\r' <"$work/console"
for role in ping pong; do
	grep -a -q "$role: [0-9]* rounds, all numbers came back" "$work/console" ||
		{ echo "pingpong: $role did not do its part"; exit 1; }
done
