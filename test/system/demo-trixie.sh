#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# TEST: limit=900 needs=all,dom0-image
#
# The demonstration with Dom0, its tools (Xen 4.20) and the guests from Debian 13's packages, on one
# CPU: what it tests is the image.
set -u
cd "$(dirname "$0")/../.." || exit 1
export O=${O:-build}
log=$O/test/trixie.log
mkdir -p "$O/test"
if ! "${MAKE:-make}" --no-print-directory PACKAGES_SUITE=trixie dom0-image >"$log" 2>&1; then
	tail -n 20 "$log"
	! grep -q 'suite trixie cannot be reached' "$log" || exit 77
	exit 1
fi
SMP=1 IMAGES=$O/dom0-trixie KEEL_OPTIONS=xen_version=4.20 LOADER=multiboot exec test/demo </dev/null
