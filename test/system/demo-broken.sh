#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# TEST: name=demo-without-netback limit=700 needs=all,dom0-image
#
# The demonstration proves something only if it can fail: with netback killed in
# the middle, make run must not succeed, and for want of a network, not of anything else.
set -u
cd "$(dirname "$0")/../.." || exit 1
log=$(mktemp) || exit 1
trap 'rm -f "$log"' EXIT
if KILL=netback LOADER=${LOADER:-multiboot} test/demo >"$log" 2>&1 </dev/null; then
	cat "$log"
	echo "demo-broken: it says that all is well without a network"
	exit 1
fi
cat "$log"
console() { tr -d '\r' <"$log" | grep -a -q "$1"; }
console '^Dom0: taking the network back-end away' || { echo "demo-broken: netback was not killed"; exit 1; }
console '^DEMO: FAIL (\(network\|guest[12] does not come up\)' ||
	{ echo "demo-broken: it failed for another reason"; exit 1; }
console '^DEMO: PASS' && { echo "demo-broken: Dom0 says PASS"; exit 1; }
exit 0
