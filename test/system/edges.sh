#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# TEST: name=guest-edges limit=60 needs=all,guests args=test/boot
# TEST: name=vmx-guest-edges limit=150 needs=all,guests args=test/bochs
#
# The test guest "edges" beside a Dom0, which waits for it: in a guest, memory is not
# there where it is not. Argument: test/boot for SVM or test/bochs for VMX.
set -u
cd "$(dirname "$0")/../.." || exit 1
export O=${O:-build}
work=$(mktemp -d "$O/edges.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
cp test/system/edges.dts "$work/keel.dts"

# GRUB hands over no names of files.
[ "$1" != test/bochs ] || sed -i 's/path = .*/module-index = <1>;/' "$work/keel.dts"

TREE=$work/keel.dts FILES=$O/test/guests/edges.elf LOADER=multiboot MEM=256 SMP=1 "$1" </dev/null 2>&1 |
	tee "$work/console"
[ "$(tr -d '\r' <"$work/console" | grep -a -c 'Test result: SUCCESS$')" = 2 ] || { echo "edges: not both passed"; exit 1; }
