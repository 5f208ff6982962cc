# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# What scenarios are made of. Each ends with status 0, or at its first failed
# expectation with what was expected and what was there.

set -euo pipefail
trap 'echo "failed at ${BASH_SOURCE[0]}:$LINENO: $BASH_COMMAND" >&2' ERR

lab=$(dirname "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")")
. "$lab/../balance.sh"

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

# Where a command's errors go, a file without a name
errors=$(mktemp)
exec {errors_fd}<> "$errors"
rm "$errors"
errors=/dev/fd/$errors_fd

# expect_status WHAT WANTED COMMAND...: output is in $out and $err
expect_status()
{
	local what=$1 wanted=$2 status=0
	shift 2
	out=$("$@" 2> "$errors") || status=$?
	err=$(< "$errors")
	[ "$status" = "$wanted" ] || fail "$what: expected status $wanted, got $status; $out $err"
	echo "ok: $what"
}

kill_library=$(dirname "$(dirname "$(command -v iov)")")/tests/lab/libkilled.so

# killed CALL N COMMAND...: COMMAND gets SIGKILL in its Nth CALL, see killed.c
killed()
{
	local call=$1 number=$2 status=0
	shift 2
	(
		LD_PRELOAD=$kill_library KILLED=$call:$number "$@"
		exit $?
	) > /dev/null 2>&1 || status=$?
	[ $status = 137 ] || fail "expected death in $call number $number of '$*', got status $status"
}

# Facts of a PCI function, by sysfs and the shell alone: a program costs 50 ms to start
pci=/sys/bus/pci/devices
names() { echo "${*##*/}"; }
group_of() (cd -P "$pci/$1/iommu_group" && names "$PWD")
driver_of() (cd -P "$pci/$1/driver" 2>/dev/null && names "$PWD" || names none)
members_of() { names "$pci/$1"/iommu_group/devices/*; }

# start_iovd OPTION...: as $iovd, its log in $iovd_log, when it answers
iovd_log=/tmp/iovd.log
start_iovd()
{
	iovd "$@" 2>> "$iovd_log" &
	iovd=$!
	for _ in {1..300}; do
		iov bridge list > /dev/null 2>&1 && break || sleep 0.1
	done
}

stop_iovd()
{
	expect_status "every frame arrived or was dropped for a reason" 0 is_balanced iov metrics
	kill $iovd
	wait $iovd
}

# start COMMAND...: a process, as $process
start()
{
	"$@" &
	process=$!
}

stop()
{
	kill $process
	wait $process || :
}

# found DEVICE HOLDERS: taking it would be refused, for just these; the message is in $err
found()
{
	local status=0 answer
	answer=$(iov bind "$1" --driver vfio-pci --group --dry-run --json 2> "$errors") || status=$?
	err=$(< "$errors")
	expect "it holds $1" "3 $2" "$status $(gojq -c '.findings[] | [.guard, .holder]' <<< "$answer")"
}

# heeding COMMAND...: this process becomes it; what a script starts in the background ignores SIGINT,
# which no shell can change and iov keeps
heeding() { exec env --default-signal=INT "$@"; }

# free DEVICE: nobody holds it
free() { expect "$1 is free" "[]" "$(iov show "$1" --json | gojq -c .assignment.held_by)"; }

# held DEVICE MESSAGE COMMAND...: refused by a guard, and still with its driver
held()
{
	local driver
	driver=$(driver_of "$1")
	expect_status "${*:3}" 3 "${@:3}"
	expect_match "names the holder" "$2" "$err"
	expect "and leaves the driver" "$driver" "$(driver_of "$1")"
}
