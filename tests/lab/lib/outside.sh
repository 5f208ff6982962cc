# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# What scenarios are made of that run on this machine ("# lab: outside") since they need no
# hardware but guests: iovd and the guests have their files in $dir, and end with the scenario.

. "$(dirname "${BASH_SOURCE[0]}")/check.sh"

[ "$(id -u)" = 0 ] || { echo "missing: root"; exit 77; }
build=${IOVKIT_BUILD:-$lab/../../build}
dir=$(mktemp -d)
export IOVKIT_GUESTS=$dir/guests
iovd_log=$dir/log

end_outside()
{
	local guest
	for guest in "$dir"/guests/*/; do
		"$lab/guest" kill "$(basename "$guest")" 2> /dev/null || :
	done
	[ -z "${iovd:-}" ] || kill "$iovd" 2> /dev/null || :
	wait
	rm -rf "$dir"
}
trap end_outside EXIT

iov() { "$build/cli/iov" --control "$dir/control" "$@"; }

# In the background only
iovd() { exec "$build/vhost-user/iovd" --no-huge --control "$dir/control" --state "$dir/state" "$@"; }

# start_uml NAME OPTION...: a guest of User Mode Linux, which may keep registers in a buffer that
# those of AMX do not fit into
start_uml()
{
	command -v linux.uml > /dev/null || { echo "missing: linux.uml, scripts/setup"; exit 77; }
	"$lab/guest" start "$@" 2> "$dir/boot" && return
	! grep -qs "ptrace set fp regs failed" "$dir/guests/$1/console.log" ||
		{ echo "missing: a linux.uml that knows all registers of this processor"; exit 77; }
	fail "$(< "$dir/boot")"
}
