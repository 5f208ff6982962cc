#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: --management
# Equal changes at once, changes that a signal ends, and what a change takes on its way back.
. "$(dirname "$0")/lib/check.sh"

nic=0000:01:00.0 pf=0000:81:00.0 journal=/var/lib/iovkit/journal
count() { cat "$pci/$pf/sriov_numvfs"; }

# Only one has something to do; the others wait and find it done
twenty()
{
	local pids=() pid
	for _ in {1..20}; do
		iov "$@" > /dev/null 2>> /tmp/equal & pids+=($!)
	done
	for pid in "${pids[@]}"; do
		wait "$pid" || fail "one of 20 equal changes at once: status $?: $(cat /tmp/equal)"
	done
	expect "20 times iov $1 at once are one change" "2 $1" "$(count) $(iov log --json |
		gojq -r 'map(select(.result == "done")) | .[-1].by.command' | cut -d ' ' -f 2)"
}

echo "devices: [{device: $pf, vfs: {count: 2, driver: native}}]" > /tmp/equal.yaml
twenty apply /tmp/equal.yaml
expect "which is noted once" 1 "$(iov log --json | gojq length)"
iov vf remove $pf > /dev/null
twenty vf create $pf --count 2 --driver native
expect "as is the other" 3 "$(iov log --json | gojq length)"

vfs=($(for link in "$pci/$pf"/virtfn*; do basename "$(readlink "$link")"; done))
drivers() { for device in "${vfs[@]}"; do driver_of "$device"; done | paste -sd' ' -; }
before=$(drivers)

# All processes of the change get the signal, as from a service manager or a terminal: at any
# moment of the time that it takes here, or as soon as it has begun
iov bind "${vfs[@]}" --driver vfio-pci > /dev/null # loads modules
iov unbind "${vfs[@]}" > /dev/null
begun=${EPOCHREALTIME/./}
iov bind "${vfs[@]}" --driver vfio-pci > /dev/null
span=$((${EPOCHREALTIME/./} - begun))
iov unbind "${vfs[@]}" > /dev/null
rounds=$("$(dirname "$0")/../repetitions" signals) undone=0 done=0 began=0
declare -A ended=()
for ((round = 0; round < rounds; round++)); do
	for signal in INT TERM HUP PIPE; do
		moment=$((span * (RANDOM % 120) / 100))
		heeding setsid iov bind "${vfs[@]}" --driver vfio-pci > /dev/null 2> /tmp/signalled &
		change=$!
		if [ $((round % 2)) = 0 ]; then
			sleep "$((moment / 1000000)).$(printf %06d $((moment % 1000000)))"
		else
			while [ ! -e $journal ] && [ -d /proc/$change ]; do :; done
		fi
		kill -$signal -- -$change 2> /dev/null || :
		wait $change 2> /dev/null || :
		if [ -e $journal ]; then
			[ $signal = PIPE ] || fail "SIG$signal left a journal: $(cat /tmp/signalled)"
			iov recover > /dev/null
		fi
		case $(drivers) in
		"$before")
			undone=$((undone + 1)) ended[$signal]=yes
			! grep -q 'as it was before' /tmp/signalled || began=$((began + 1))
			;;
		"vfio-pci vfio-pci") done=$((done + 1)); iov unbind "${vfs[@]}" > /dev/null ;;
		*) fail "SIG$signal left $(drivers): $(cat /tmp/signalled)" ;;
		esac
	done
done
expect "each signal left the old state or the new one" "$((rounds * 4))" "$((undone + done))"
expect_match "some of them after it began" '^[1-9]' "$began"
expect "each of those that end a change did" "yes yes yes" "${ended[INT]:-} ${ended[TERM]:-} ${ended[HUP]:-}"

for closed in '<&-' '>&-' '2>&-' '<&- >&-' '<&- >&- 2>&-'; do
	eval "iov bind ${vfs[0]} --driver vfio-pci > /dev/null $closed" || fail "bind with $closed: status $?"
	expect "a change with $closed" vfio-pci "$(driver_of "${vfs[0]}")"
	grep -q '[^0-9]' /var/lib/iovkit/lock && fail "$closed: text for people is in the lock"
	eval "iov unbind ${vfs[0]} > /dev/null $closed" || fail "unbind with $closed: status $?"
done
iov bind "${vfs[0]}" --driver vfio-pci > /dev/null

# A function that was given back and is in use since
killed request 1 iov unbind "${vfs[0]}" --jobs 1
expect "there is something to undo" yes "$([ -e $journal ] && echo yes)"
if [ "$(driver_of "${vfs[0]}")" != vfio-pci ]; then
	name=$(ls "$pci/${vfs[0]}/net")
	ip address add 192.0.2.7/24 dev "$name"
	expect_status "what is in use is not taken back" 1 iov recover
	expect_match "and who uses it is named" "address 192.0.2.7 of $name" "$err"
	expect_match "with what lifts that" "--force=address" "$err"
	expect_status "which does" 0 iov recover --force=address
fi
expect "and it is as before" vfio-pci "$(driver_of "${vfs[0]}")"

held $nic "default route via 10.0.2.2" iov reset $nic
held $nic "default route via 10.0.2.2" iov reset $nic --dry-run
expect_status "another root is not changed" 1 iov --root /run bind $nic --driver vfio-pci
expect_match "but looked at" "--dry-run" "$err"
