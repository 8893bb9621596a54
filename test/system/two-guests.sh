#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# TEST: name=two-guests-multiboot limit=150 needs=all,guests args=multiboot,60
# TEST: name=two-guests-uefi limit=150 needs=all,guests args=uefi,10
#
# Two guests named in the boot configuration, with an event channel and a granted
# page between them, run for a minute with no Dom0 at all.
set -u
cd "$(dirname "$0")/../.." || exit 1
export O=${O:-build}
work=$(mktemp -d "$O/two-guests.XXXXXX") || exit 1
trap 'kill ${boot:-} 2>/dev/null; rm -rf "$work"' EXIT
sed "s/SECONDS/$2/" test/system/two-guests.dts >"$work/keel.dts"

# Nothing ends the machine, as there is no Dom0: it is stopped when both are done.
TREE=$work/keel.dts FILES=$O/test/guests/pingpong.elf LOADER=$1 MEM=512M SMP=2 \
	setsid test/boot >"$work/console" 2>&1 </dev/null &
boot=$!
for _ in $(seq $(($2 + 60))); do
	[ "$(grep -a -c 'all numbers came back' "$work/console")" = 2 ] && break
	grep -a -q -E 'too few|no answer|KEEL\) panic' "$work/console" && break
	kill -0 $boot 2>/dev/null || break
	sleep 1
done
kill -- -$boot 2>/dev/null
tr -d '\r' <"$work/console"
for role in ping pong; do
	grep -a -q "$role: [0-9]* rounds, all numbers came back" "$work/console" ||
		{ echo "two-guests: $role did not do its part"; exit 1; }
done
