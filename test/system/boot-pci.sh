#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# TEST: name=vf-boot limit=120 needs=all,guests
#
# With no Dom0 at all, a guest that the boot configuration names drives an NVMe disk of the machine, by DMA and
# MSI-X: test/guests/nvme.c.
set -u
cd "$(dirname "$0")/../.." || exit 1
. test/lib.sh
work=$(mktemp -d "$O/boot-pci.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
log=$work/console
truncate -s 16M "$work/nvme.img"
export TREE=test/system/boot-pci.dts FILES=$O/test/guests/nvme.elf LOADER=multiboot MEM=512M SMP=1 IOMMU=intel
export QEMU_ARGS="-device nvme,serial=keel,addr=05,drive=nv -drive file=$work/nvme.img,format=raw,if=none,id=nv,cache=unsafe"
run_until 110 1 'Test result' 'Test result' test/boot
grep -a -q 'Test result: SUCCESS' "$log"
