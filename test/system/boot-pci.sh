#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# TEST: name=vf-boot limit=120 needs=all,guests
#
# With no Dom0 at all, a guest that the boot configuration names drives an NVMe disk of the machine, by DMA and
# MSI-X: test/guests/nvme.c.
set -u
cd "$(dirname "$0")/../.." || exit 1
export O=${O:-build}
work=$(mktemp -d "$O/boot-pci.XXXXXX") || exit 1
trap 'kill ${boot:-} 2>/dev/null; rm -rf "$work"' EXIT
truncate -s 16M "$work/nvme.img"

# Nothing ends the machine, as there is no Dom0.
args="-device nvme,serial=keel,addr=05,drive=nv -drive file=$work/nvme.img,format=raw,if=none,id=nv,cache=unsafe"
TREE=test/system/boot-pci.dts FILES=$O/test/guests/nvme.elf LOADER=multiboot MEM=512M SMP=1 IOMMU=intel \
	QEMU_ARGS=$args setsid test/boot >"$work/console" 2>&1 </dev/null &
boot=$!
for _ in $(seq 110); do
	grep -a -q -E 'Test result|KEEL\) panic' "$work/console" && break
	kill -0 $boot 2>/dev/null || break
	sleep 1
done
kill -- -$boot 2>/dev/null
tr -d '\r' <"$work/console"
grep -a -q 'Test result: SUCCESS' "$work/console"
