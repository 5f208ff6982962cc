#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: --topology minimal
# Devices as disks: one that discards and makes no zeroes of it, one whose writes come seconds late, one
# that is polled, with guest memory that is registered, and taken away, and one with zones.
. "$(dirname "$0")/lib/check.sh"

tests=$(dirname "$(dirname "$(command -v iov)")")/tests/unit
mkdir -p /var/tmp
modprobe null_blk nr_devices=1 gb=1 memory_backed=1 discard=1
expect "zeroes by the device itself" 0 "$(< /sys/block/nullb0/queue/write_zeroes_max_bytes)"
IOV_DISK=/dev/nullb0 expect_status "what a device keeps" 0 "$tests/test_blk_model"

dmsetup create --noudevsync late --table "0 65536 delay /dev/nullb0 0 0 /dev/nullb0 0 3000"
dmsetup mknodes
IOV_DISK=/dev/mapper/late expect_status "a write that comes late" 0 "$tests/test_blk_file"
dmsetup remove --noudevsync late

# One that is polled for what is done
mountpoint -q /sys/kernel/config || mount -t configfs none /sys/kernel/config
polled=/sys/kernel/config/nullb/polled
mkdir $polled
for setting in size=64 memory_backed=1 discard=1 cache_size=1 poll_queues=1 power=1; do
	echo "${setting#*=}" > "$polled/${setting%=*}"
done
expect "a queue that is polled" 1 "$(< /sys/block/polled/queue/io_poll)"
plain=/sys/kernel/config/nullb/plain
mkdir $plain
for setting in size=64 memory_backed=1 discard=1 poll_queues=0 power=1; do
	echo "${setting#*=}" > "$plain/${setting%=*}"
done

# Zones of 4 MiB, of which 3 can be written, the first two in any order
zoned=/sys/kernel/config/nullb/zoned
mkdir $zoned
for setting in size=64 memory_backed=1 zoned=1 zone_size=4 zone_capacity=3 zone_nr_conv=2 zone_max_open=3 zone_max_active=5 power=1; do
	echo "${setting#*=}" > "$zoned/${setting%=*}"
done
expect "zones" host-managed "$(< /sys/block/zoned/queue/zoned)"
IOV_ZONED=/dev/zoned expect_status "the zones of a device" 0 "$tests/test_blk_zones"

export IOVD=$tests/../../vhost-user/iovd
IOV_ZONED=/dev/zoned expect_status "and of an iovd that is killed" 0 "$tests/../wire/test_zones"

# And by iovd, which gave up most system calls
start_iovd --allow /run --allow /dev
add_disk()
{
	iov disk add "$1" --socket "/run/$1.sock" --server --device "${@:2}"
}
verify()
{
	expect_status "$2" 0 timeout 60 iov bench blk "/run/$1.sock" --verify --overwrite --rw mix --span 4M --seconds 1 \
		--pairs 1 --no-headroom --no-huge "${@:3}"
}
dmsetup create --noudevsync volume --table "0 65536 linear /dev/polled 0"
dmsetup mknodes
expect_status "what is polled is no volume" 2 add_disk volume /dev/mapper/volume --io-poll
expect_match "which hands on to other devices" "is on a volume.*leave --io-poll out" "$err"
dmsetup remove --noudevsync volume
expect_status "nor one with zones" 2 add_disk zoned zoned --io-poll
expect_match "which Linux cannot poll for" "has zones.*leave --io-poll out" "$err"
expect_status "nor one whose driver has no queues for that" 2 add_disk plain plain --io-poll
expect_match "and how there are some" "nvme.poll_queues=N" "$err"
expect_status "nor one of the page cache" 2 add_disk polled polled --io-poll --cached
expect_match "which is not polled" "leave --io-poll out, or --cached" "$err"
expect_status "nor what is no device" 2 iov disk add polled --socket /run/polled.sock --server --null 4K --io-poll
expect_status "a disk that is polled" 0 add_disk polled polled --io-poll --register-memory
expect "says so" "true true" "$(iov disk show polled --json | gojq -r '"\(.io_poll) \(.register_memory)"')"
verify polled "and keeps what is written" --segments 3 --size 16K
verify polled "and what is stable at once" --flush-every 16
expect_status "one whose guest memory is registered" 0 add_disk plain plain --register-memory
verify plain "keeps it, too"
timeout 60 iov bench blk /run/plain.sock --rw randread --seconds 20 --pairs 1 --no-headroom --no-huge &> /dev/null &
other=$!
timeout 60 iov bench blk /run/polled.sock --rw randwrite --overwrite --seconds 20 --pairs 1 --no-headroom --no-huge &> /dev/null &
load=$!
for _ in {1..50}; do
	[ "$(iov disk show plain --json | gojq '.registered_bytes > 0')" != true ] || break
	sleep 0.2
done
expect "some of it is" yes "$(iov disk show plain --json | gojq -r 'if .registered_bytes > 0 then "yes" else . end')"
expect "nothing of it fails" null "$(iov disk show plain --json | gojq .not_registered)"
# Killed with polled requests under way, and at once there again
kill -9 $iovd
start_iovd --allow /run --allow /dev
wait $load $other || :
expect_status "then it is free" 0 add_disk polled polled --io-poll --register-memory
expect "and ready" ready "$(for i in {1..50}; do s=$(iov disk show polled --json | gojq -r .status); [ "$s" = ready ] && break; sleep 0.1; done; echo "$s")"
verify polled "and as good as before"
# Taken away under its guest; another disk goes on
add_disk plain plain > /dev/null
timeout 60 iov bench blk /run/polled.sock --rw randread --seconds 20 --pairs 1 --no-headroom --no-huge &> /dev/null &
load=$!
sleep 2
echo 0 > $polled/power
sleep 1
expect "a device that goes away" gone "$(iov disk show polled --json | gojq -r .status)"
expect_match "is told of" "polled: /dev/polled: a request failed" "$(< $iovd_log)"
verify plain "others go on"
kill $load
wait $load || :
expect_status "and it is removed" 0 iov disk remove polled
iov disk remove plain > /dev/null
expect_status "not by the page cache" 2 iov disk add cached --socket /run/cached.sock --server --device zoned --cached
expect_match "which would write in any order" "has zones" "$err"
expect_status "a disk with zones" 0 iov disk add zoned --socket /run/zoned.sock --server --device zoned
expect "what it is" "host-managed 16 4194304" "$(iov disk show zoned --json | gojq -r '[.zone_model, .zones, .zone_bytes] | join(" ")')"
expect_match "in words" "Zones +16 of 4M, host-managed" "$(iov disk show zoned)"
expect_status "who knows no zones reads" 0 iov bench blk /run/zoned.sock --seconds 1
expect_match "and iovd says so" "its driver knows no zones" "$(< $iovd_log)"
stop_iovd
