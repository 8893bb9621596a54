#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# TEST: name=toolstack-1 limit=1000 needs=all,dom0-image args=a-d
# TEST: name=toolstack-2 limit=1000 needs=all,dom0-image args=e-n
# TEST: name=toolstack-3 limit=1000 needs=all,dom0-image args=o-z
#
# Dom0's self-test of keel and keeld on Keel: the tests of
# dom0-tools/image/dom0/usr/lib/keel/selftest whose names start with one of the letters.
set -u
cd "$(dirname "$0")/../.." || exit 1
O=${O:-build}
log=$(mktemp) || exit 1
trap 'rm -f "$log"' EXIT
KERNEL=$O/dom0/vmlinux INITRD=$O/dom0/initrd.img LOADER=multiboot \
	CMDLINE="console=hvc0 quiet keel.run=selftest keel.poweroff keel.test=[$1]*" \
	test/boot </dev/null 2>&1 | tee "$log"
status=${PIPESTATUS[0]}
[ $status = 0 ] || { echo "toolstack: Dom0 did not power off by itself (status $status)"; exit 1; }
tr -d '\r' <"$log" | grep -a -q '^SELFTEST: [1-9][0-9]* passed, 0 failed$'
