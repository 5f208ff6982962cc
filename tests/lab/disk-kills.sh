#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: --cpus 2 --topology minimal
# A guest writes and verifies with fio while iovd is killed again and again, as often as
# tests/repetitions says, over a device whose writes land seconds after they were given to it: also
# after the iovd that gave them is dead and the next one is there.
. "$(dirname "$0")/lib/check.sh"

kills=$("$lab/../repetitions" disk-kills)
type -P fio > /dev/null || { echo "missing: fio, scripts/setup"; exit 77; }
dir=/tmp/disk late_ms=2500
export IOVKIT_GUESTS=$dir/guests
mkdir -p $dir/guests
iovd() { exec "$(type -P iovd)" --no-huge --state $dir/state --allow /dev --allow $dir "$@"; }
guest() { "$lab/guest" exec a --timeout 120 -- sh -c "$1"; }
disk() { iov disk show d --json | gojq -r "$1"; }

# What was ever given back of writes by this iovd
written() { disk '[.counters.requests.write.count] | add // 0'; }

# fio with its libraries, on a disk of its own since a guest has nothing of this machine
pack_fio()
{
	local files
	mapfile -t files < <(type -P fio; ldd "$(type -P fio)" | grep -o '/[^ ]*')
	tar -chf $dir/fio.tar "${files[@]}" 2> /dev/null
	truncate -s %1M $dir/fio.tar
}

modprobe null_blk nr_devices=1 gb=1 memory_backed=1
dmsetup create --noudevsync late --table "0 65536 delay /dev/nullb0 0 0 /dev/nullb0 0 $late_ms"
dmsetup mknodes
pack_fio
start_iovd
expect_status "a disk whose writes land $late_ms ms late" 0 \
	iov disk add d --socket $dir/d --server --device /dev/mapper/late
"$lab/guest" start a --memory 640M \
	-chardev "socket,id=d,path=$dir/d,reconnect-ms=100" \
	-device vhost-user-blk-pci,chardev=d,num-queues=2 \
	-blockdev "file,node-name=fio,filename=$dir/fio.tar,read-only=on" \
	-device virtio-blk-pci,drive=fio
expect "its disk" 65536 "$(guest 'cat /sys/block/vda/size')"
guest 'cd / && tar xf /dev/vdb 2> /dev/null; fio --version > /dev/null'
guest 'fio --name=v --filename=/dev/vda --direct=1 --ioengine=libaio --iodepth=32 --rw=randwrite \
	--bs=4k --size=4m --verify=crc32c --verify_backlog=64 --verify_fatal=1 --verify_state_save=0 \
	--time_based --runtime=100000 --output=/tmp/fio > /tmp/fio.err 2>&1 &
	echo $! > /tmp/pid'

began=$SECONDS writes=0
for ((number = 1; number <= kills; number++)); do
	for _ in {1..300}; do
		count=$(written)
		[ "${count:-0}" -eq 0 ] || break
		sleep 0.2
	done
	[ "${count:-0}" -gt 0 ] || fail "no write was given back before kill $number: $(disk .status); $(tail -n 3 $iovd_log)"
	sleep "0.$((RANDOM % 10))"
	writes=$((writes + $(written)))
	kill -KILL "$iovd"
	wait "$iovd" 2> /dev/null || :
	start_iovd
done
for _ in {1..300}; do
	count=$(written)
	[ "${count:-0}" -eq 0 ] || break
	sleep 0.2
done
expect "fio still writes and verifies after $kills kills" alive "$(guest 'kill -0 $(cat /tmp/pid) && echo alive')"
# It ends what it has begun
guest 'kill -INT $(cat /tmp/pid); while kill -0 $(cat /tmp/pid) 2> /dev/null; do sleep 0.2; done'
result=$(guest 'cat /tmp/fio.err /tmp/fio')
expect_match "no block was wrong or stale" 'err= 0' "$result"
! grep -q -i -e 'verify.*bad' -e 'error' <<< "$result" || fail "fio: $result"
expect_match "it read what it had written" 'total=[1-9]' "$result"
waited=$(grep -c 'waits for .*, which a process that ended still writes to' $iovd_log || :)
# One of six had to, where many were killed
[ "$waited" -gt 0 ] || [ "$kills" -lt 100 ] ||
	fail "no iovd had to wait for writes of the one before: $(tail -n 3 $iovd_log)"
echo "ok: $kills kills in $((SECONDS - began)) s, $writes writes given back, $waited times the next iovd waited for late writes"
sed -n 's/.*any more, after \([0-9]*\) ms.*/\1/p' $iovd_log |
	awk '{ s += $1; m = $1 > m ? $1 : m } END { if (NR) print "waited " s / NR " ms in the mean, " m " ms at most" }'
"$lab/guest" kill a
stop_iovd
dmsetup remove --noudevsync late
