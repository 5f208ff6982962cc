#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: --topology minimal
# A device whose driver in the kernel migrates it, mtty, moves with its guest by VFIO; one whose driver does not,
# mdpy, keeps the guest where it is, which is said before anything is changed.
. "$(dirname "$0")/lib/check.sh"

modprobe mtty && modprobe mdpy || { echo "missing: mtty and mdpy, scripts/setup builds them"; exit 77; }
here=83b8f4f2-509f-382f-3c1e-e6bfe0fa2001 there=83b8f4f2-509f-382f-3c1e-e6bfe0fa2002 stays=83b8f4f2-509f-382f-3c1e-e6bfe0fa2003
iov mdev create $here --parent mtty --type mtty-1 > /dev/null
iov mdev create $there --parent mtty --type mtty-1 > /dev/null
iov mdev create $stays --parent mdpy --type mdpy-vga > /dev/null

expect_match "the kernel says that its driver migrates it" "Features +[^ ]*migration" "$(iov vfio info $here)"
[[ ! $(iov vfio info $stays) =~ Features\ +[^\ ]*migration ]] || fail "mdpy migrates"

# machine NAME OPTION...: without a kernel the firmware runs, and gives the device its ports
machine()
{
	qemu-system-x86_64 -M q35 -accel kvm -cpu host -m 64M -nodefaults -display none -no-user-config \
		-qmp "unix:/run/$1.qmp,server=on,wait=off" "${@:2}" < /dev/null > "/tmp/$1.log" 2>&1 &
	machine=$!
	for _ in {1..300}; do [ -S "/run/$1.qmp" ] && break || sleep 0.1; done
}
monitor() { "$lab/lib/qmp" "/run/$1.qmp" human-monitor-command "$(gojq -nc --arg line "$2" '{"command-line": $line}')" | gojq -r .; }

# mtty says that it logs writes, and refuses to begin; as it makes none there is nothing to log
migrates=(-global vfio-pci.enable-migration=on -global vfio-pci.x-device-dirty-page-tracking=off)
# shellcheck disable=SC2046 # the arguments are words
machine a "${migrates[@]}" $(iov attach $here)
# shellcheck disable=SC2046
machine b "${migrates[@]}" $(iov attach $there) -incoming defer
for _ in {1..100}; do
	port=$(monitor a "info pci" | tr -d '\r' | grep -A8 4348:3253 | sed -n 's/.*BAR0: I\/O at \(0x[0-9a-f]*\).*/\1/p')
	[ -n "$port" ] && [ "$port" != 0xffffffffffffffff ] && break || sleep 0.5
done
# The scratch register of a serial port (16550) keeps what is written
scratch=$(printf '0x%x' $((port + 7)))
monitor a "o/b $scratch 0x5a" > /dev/null
expect_match "its state is in the device" 0x5a "$(monitor a "i/b $scratch")"
expect_status "the guest moves with it" 0 iov move --from /run/a.qmp --to /run/b.qmp --json
echo "$out" >&2
expect "and nothing is unplugged" "[]" "$(gojq -c .devices <<< "$out")"
expect_match "the device has its state there" 0x5a "$(monitor b "i/b $scratch")"

# What cannot move
kill "$machine"
wait "$machine" 2> /dev/null || :
rm -f /run/b.qmp
# shellcheck disable=SC2046
machine c $(iov attach $stays)
machine b -incoming defer
expect_status "a device that cannot move" 1 iov move --from /run/c.qmp --to /run/b.qmp
expect_match "keeps the guest, which is said" "/run/c.qmp: QEMU says that this guest cannot move: .*; 'iov vfio info'" "$err"
expect_match "and it goes on" '"running"' "$("$lab/lib/qmp" /run/c.qmp query-status)"
# shellcheck disable=SC2046
kill $(jobs -p)
