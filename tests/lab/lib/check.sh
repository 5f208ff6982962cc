# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# What scenarios are made of. Each ends with status 0, or at its first failed
# expectation with what was expected and what was there.

set -euo pipefail
trap 'echo "failed at ${BASH_SOURCE[0]}:$LINENO: $BASH_COMMAND" >&2' ERR

lab=$(dirname "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")")

fail()
{
	echo "FAILED: $*" >&2
	exit 1
}

# expect WHAT WANTED GOT
expect()
{
	[ "$3" = "$2" ] || fail "$1: expected '$2', got '$3'"
	echo "ok: $1"
}

# expect_match WHAT REGULAR-EXPRESSION GOT
expect_match()
{
	[[ $3 =~ $2 ]] || fail "$1: expected a match of '$2', got '$3'"
	echo "ok: $1"
}

# expect_status WHAT WANTED COMMAND...: output is in $out and $err
expect_status()
{
	local what=$1 wanted=$2 status=0 errors
	shift 2
	errors=$(mktemp)
	out=$("$@" 2> "$errors") || status=$?
	err=$(cat "$errors")
	rm "$errors"
	[ "$status" = "$wanted" ] || fail "$what: expected status $wanted, got $status; $out $err"
	echo "ok: $what"
}

# killed CALL N COMMAND...: COMMAND gets SIGKILL in its Nth CALL
killed()
{
	local call=$1 number=$2 status=0
	shift 2
	command -v strace > /dev/null || { echo "missing: strace"; exit 77; }
	(
		strace -qq -o /dev/null -e "trace=$call" \
			-e "inject=$call:signal=SIGKILL:when=$number" "$@"
		exit $?
	) > /dev/null 2>&1 || status=$?
	[ $status = 137 ] || fail "expected death in $call number $number of '$*', got status $status"
}

# killed_in_request N COMMAND...: COMMAND gets SIGKILL when request N of its plan is answered.
# Before a plan there are answers to those who only look; as many as until the journal is there.
killed_in_request()
{
	local number=$1 calls
	calls=$(mktemp)
	shift
	command -v strace > /dev/null || { echo "missing: strace"; exit 77; }
	(
		strace -qq -o "$calls" -e trace=recvfrom,fsync \
			-e inject=fsync:signal=SIGKILL:when=1 "$@"
		exit $?
	) > /dev/null 2>&1 || :
	iov recover > /dev/null
	killed recvfrom $(($(grep -c '^recvfrom' "$calls") + number)) "$@"
	rm "$calls"
}

# Facts of a PCI function, by sysfs alone
pci=/sys/bus/pci/devices
group_of() { basename "$(readlink "$pci/$1/iommu_group")"; }
driver_of() { basename "$(readlink "$pci/$1/driver" || echo none)"; }
members_of() { ls "$pci/$1/iommu_group/devices" | paste -sd' ' -; }

# start_iovd OPTION...: as $iovd, its log in /tmp/iovd.log, when it answers
start_iovd()
{
	iovd "$@" 2>> /tmp/iovd.log &
	iovd=$!
	for _ in {1..300}; do
		iov bridge list > /dev/null 2>&1 && break || sleep 0.1
	done
}

stop_iovd()
{
	kill $iovd
	wait $iovd
}

# held DEVICE MESSAGE COMMAND...: refused by a guard, and still with its driver
held()
{
	local driver
	driver=$(driver_of "$1")
	expect_status "${*:3}" 3 "${@:3}"
	expect_match "names the holder" "$2" "$err"
	expect "and leaves the driver" "$driver" "$(driver_of "$1")"
}
