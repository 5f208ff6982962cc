#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: --topology minimal --device igb
# One command gives a VF to a guest at the terminal, and the VF is back when the guest has ended.
. "$(dirname "$0")/lib/check.sh"

vf=0000:01:10.0
kernel=$(< /run/lab/kernel)
attach() { iov attach "$@" --run --kernel "$kernel/vmlinux" --modules "$(echo "$kernel"/lib/modules/*)"; }
said() { tr -d '\r' < /tmp/said; }

# until PATTERN: until the guest's console has it
until_said()
{
	# Seldom, as looking takes the time of the guest's own processor
	for _ in {1..200}; do
		! said | grep -q "$1" || return 0
		sleep 3
	done
	fail "the console has no '$1': $(said)"
}

ip link set enp1s0 up
iov vf create enp1s0 --count 1 > /dev/null
iov unbind $vf > /dev/null
expect "the VF is the host's" igbvf "$(driver_of $vf)"

mkfifo /tmp/keys
exec 7<> /tmp/keys
attach $vf < /tmp/keys > /tmp/said 2>&1 &
pid=$!
until_said "ends the guest"
expect "meanwhile it is lent" vfio-pci "$(driver_of $vf)"
expect_match "the guest has it, with its driver" "8086:10ca .* driver igbvf" "$(said | grep 8086:10ca)"
expect_match "and its NIC" " eth0 .*link" "$(said)"
until_said "/ #\|guest>"
printf 'exit\r' >&7
status=0
wait $pid || status=$?
expect "the guest ends in order" 0 $status
expect "the VF is back" igbvf "$(driver_of $vf)"
expect "it is in the history" "lend $vf to a guest|give $vf back" \
	"$(iov log --json | gojq -r '.[-2:] | map(.title) | join("|")')"

# A signal ends the guest
attach $vf < /tmp/keys > /tmp/said 2>&1 &
pid=$!
for _ in {1..300}; do
	[ -z "$(pgrep qemu || :)" ] || break
	sleep 1
done
kill -TERM "$(pgrep -o -x iov)" # not the shell that waits for it
status=0
wait $pid || status=$?
expect "... with a status that says so" 1 $status
expect "and the VF is back again" igbvf "$(driver_of $vf)"
expect "no guest is left" "" "$(pgrep -l qemu || :)"
