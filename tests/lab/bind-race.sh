#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: --cpus 2 --topology minimal --device igb
# Rebinding while others probe and iov is killed, or ended by SIGTERM, SIGINT and SIGHUP: the
# function always has its old driver or the new one.  A rebind costs little more than iov itself: no other
# program is started for it where the shell will do, and nobody waits longer than a change takes here.
. "$(dirname "$0")/lib/check.sh"

rebinds=$("$lab/../repetitions" rebinds)
vf=0000:01:10.0
device=$pci/$vf
drivers=(vfio-pci igbvf pci-stub vfio-pci pci-stub igbvf)

modprobe -a vfio-pci pci-stub
echo 1 > $pci/0000:01:00.0/sriov_numvfs
mkfifo /tmp/never
exec 4<> /tmp/never

# Without a process, whose start takes longer than what is waited for
pause() { read -r -t "$1" -u 4 || :; }

prober()
{
	while :; do
		echo $vf > /sys/bus/pci/drivers_probe || :
		pause 0.0$((RANDOM % 4))$((RANDOM % 10))
	done 2> /dev/null
}

change()
{
	case $1 in
	igbvf) heeding iov unbind $vf ;;
	*) heeding iov bind $vf --driver "$1" ;;
	esac > /dev/null
}

# A moment of a change to $new, or shortly after it, which takes as long as the last one that ended
declare -A span=([vfio-pci]=300000 [igbvf]=300000 [pci-stub]=300000)
pause_within()
{
	local moment=$((span[$new] / 100 * (RANDOM % 120))) fraction
	printf -v fraction %06d $((moment % 1000000))
	pause $((moment / 1000000)).$fraction
}

# kill_iov MOMENT: SIGKILL for $iov at any time, or as soon as the function has no
# driver, alone or together with the child that makes its writes. Status 1 when it
# ended before.
kill_iov()
{
	local victims=$iov children='' status=0
	if [ "$1" = any ]; then
		pause_within
	else
		while [ -L $device/driver ] && [ -d /proc/$iov ]; do :; done
	fi
	if [ "$1" = both ]; then
		read -r children < /proc/$iov/task/$iov/children || :
	fi
	kill -9 $victims $children || :
	wait $iov || status=$?
	[ $status = 137 ] && killed=$((killed + 1))
} 2> /dev/null

# end_iov: a signal that it undoes its change for, at any time, unless it ended before
end_iov()
{
	local signal=${signals[RANDOM % ${#signals[@]}]} status=0
	pause_within
	kill -$signal $iov || :
	wait $iov || status=$?
	[ ! -e /var/lib/iovkit/journal ] || fail "SIG$signal left a journal"
	[ $status = 0 ] || ended=$((ended + 1))
} 2> /dev/null

# As $driver
find_driver()
{
	for driver in vfio-pci igbvf pci-stub none; do
		! [ $device/driver -ef "/sys/bus/pci/drivers/$driver" ] || break
	done
}

has_driver()
{
	find_driver
	[ "$driver" = "$old" ] || [ "$driver" = "$new" ]
}

# A writer that outlives iov ends its writes; the lock is free when it has
recover()
{
	flock -w 30 /var/lib/iovkit/lock true || fail "a write does not end"
	if [ "$1" = both ]; then
		has_driver || interrupted=$((interrupted + 1))
	else
		has_driver || violate "before it is recovered"
	fi
	if [ $((RANDOM % 2)) = 0 ]; then
		iov recover
	else
		iov recover --finish
	fi > /dev/null
}

violate()
{
	violations=$((violations + 1))
	echo "rebind $rebind from $old to $new, $1: the driver is $driver" >&2
}

killed=0 ended=0 interrupted=0 violations=0
signals=(TERM INT HUP)
moments=(none any driverless both end)
prober & probers=$!
prober & probers+=" $!"
for ((rebind = 0; rebind < rebinds; rebind++)); do
	find_driver
	old=$driver new=${drivers[rebind % ${#drivers[@]}]}
	moment=${moments[rebind % ${#moments[@]}]}
	begun=${EPOCHREALTIME/./}
	change "$new" & iov=$!
	if [ $moment = none ]; then
		wait $iov || fail "rebind $rebind from $old to $new"
		span[$new]=$((${EPOCHREALTIME/./} - begun))
		old=$new
	elif [ $moment = end ]; then
		end_iov
	elif kill_iov $moment; then
		recover $moment
	fi
	has_driver || violate "in the end"
done
kill $probers
echo "killed with its writer and driverless until 'iov recover': $interrupted times"
echo "$rebinds rebinds, $killed kills, $ended ended by other signals, $violations driverless"
expect "it always has a driver" 0 $violations
