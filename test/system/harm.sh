#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# TEST: name=harm limit=300 kind=alone needs=all,guests,dom0-image
#
# The demonstration of make run passes while other guests triple-fault, jump into
# nothing, flood the console, and call random hypercalls with random arguments
# that a second vCPU rewrites meanwhile. What becomes of them is their own affair.
set -u
cd "$(dirname "$0")/../.." || exit 1
export O=${O:-build}
work=$(mktemp -d "$O/harm.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
seed=${SEED:-$(od -An -N 3 -tu4 /dev/urandom | tr -d ' ')}
nonce=$(od -An -N 16 -tx1 /dev/urandom | tr -d ' \n')
echo "note: seed $seed (SEED=$seed test/system/harm.sh repeats it)"
sed -e "s/SEED/$seed/" -e "s/NONCE/$nonce/" test/system/harm.dts >"$work/keel.dts"

guests=$O/test/guests
TREE=$work/keel.dts LOADER=multiboot MEM=4G SMP=2 \
	FILES="$O/dom0/vmlinux $O/dom0/initrd.img $guests/fuzz.elf $guests/triple.elf $guests/wild.elf $guests/flood.elf" \
	test/boot >"$work/console" 2>&1 </dev/null
status=$?
tr -d '\r' <"$work/console"
[ $status = 0 ] || { echo "harm: Dom0 did not power off by itself (status $status)"; exit 1; }
tr -d '\r' <"$work/console" | grep -a -q '^DEMO: PASS$' || { echo "harm: the other guests did not go on"; exit 1; }
for name in fuzz triple wild flood; do
	grep -a -q "$name" "$work/console" || { echo "harm: $name was not there"; exit 1; }
done
