# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What the system tests share. Sourced, with the top folder as the working directory:
#
#   cd "$(dirname "$0")/../.." && . test/system/lib.sh || exit 1
#
# Then $work is a folder of the test's own, $log the file for the console in it, and $failed is empty:
# what does not hold sets it, and the test ends with [ -z "$failed" ]. test/lib.sh starts emulators.
set -u
. test/lib.sh
export O
me=${0##*/}
work=$(mktemp -d "$O/$me.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
log=$work/console
# shellcheck disable=SC2034 # each test looks at it
failed=

fails() {
	echo "$me: $*"
	failed=1
}

# What is on the console, without the serial line's carriage returns.
console() {
	tr -d '\r' <"$log"
}

# The console says it: grep's pattern, or with -E or -F before it what these make of it.
says() {
	console | grep -a -q "${@:1:$#-1}" -e "${!#}" || fails "the console does not say: ${!#}"
}

says_not() {
	! console | grep -a -q "${@:1:$#-1}" -e "${!#}" || fails "the console says: ${!#}"
}

# Waits until the console says it.
wait_for() {	# seconds process pattern
	local end=$((SECONDS + $1))
	until console | grep -a -q -e "$3"; do
		[ $SECONDS -lt $end ] && kill -0 "$2" 2>/dev/null || return 1
		sleep 0.5
	done
}
