# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Shared by the system tests. It is sourced, with the top folder as the working directory:
#
#   cd "$(dirname "$0")/../.." && . test/system/lib.sh || exit 1
#
# Then $work is a folder for this test, and $log the file for the console in it. $failed is empty: a failed
# check sets it, and the test ends with [ -z "$failed" ]. test/lib.sh starts emulators.
set -u
. test/lib.sh
export O
me=${0##*/}
work=$(mktemp -d "$O/$me.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
log=$work/console
# shellcheck disable=SC2034 # each test reads it
failed=

fails() {
	echo "$me: $*"
	failed=1
}

# The console's text, without the serial line's carriage returns.
console() {
	tr -d '\r' <"$log"
}

# Checks that the console contains a pattern of grep's, or with -E or -F before it what these make
# of it.
says() {
	console | grep -a -q "${@:1:$#-1}" -e "${!#}" || fails "the console does not say: ${!#}"
}

says_not() {
	! console | grep -a -q "${@:1:$#-1}" -e "${!#}" || fails "the console says: ${!#}"
}

# Runs the function of the case that the test was called with, if it is one of these.
run_case() {	# case name...
	[[ " ${*:2} " == *" $1 "* ]] || die "$me: no case '$1'"
	"$1"
}

# Makes $work/initrd.img: Dom0's image with the tests' own files, and with these images.
dom0_initrd() {	# image...
	cat "$O/dom0/initrd.img" "$O/test/dom0/extra.img" "$@" >"$work/initrd.img"
}

# Makes $work/keel.dts, with changes of sed's, for its runner, test/boot or test/bochs: GRUB passes no names of files.
make_tree() {	# file runner [sed-script]
	sed "${3:-}" "$1" >"$work/keel.dts"
	[ "$2" != test/bochs ] || sed -i 's/path = .*/module-index = <1>;/' "$work/keel.dts"
}

# Waits until the console contains a pattern.
wait_for() {	# seconds process pattern
	local end=$((SECONDS + $1))
	until console | grep -a -q -e "$3"; do
		[ $SECONDS -lt $end ] && kill -0 "$2" 2>/dev/null || return 1
		sleep 0.5
	done
}

# From here on machines have Debian's Xen in place of Keel. It takes the options that Keel is given here; with SMAP
# its PV Dom0 does not start in QEMU. It also intercepts RDTSCP, which QEMU 7.2 reports as RDTSC: without_rdtscp().
use_xen() {
	mkdir "$work/xen" && debian_xen "$work/xen/keel.elf" || exit 1
	export KEEL_BUILD=$work/xen KEEL_OPTIONS="${KEEL_OPTIONS:-} com1=115200,8n1 smap=hvm"
}
without_rdtscp() {
	export CPU=EPYC,+svm,monitor=off,-rdtscp
}
