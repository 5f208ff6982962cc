#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: --timeout 480 --topology minimal
# Devices as disks: one that discards and makes no zeroes of it, one whose writes come seconds late, and
# one with zones.
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
for setting in size=64 memory_backed=1 discard=1 poll_queues=1 power=1; do
	echo "${setting#*=}" > "$polled/${setting%=*}"
done
expect "a queue that is polled" 1 "$(< /sys/block/polled/queue/io_poll)"
IOV_DISK=/dev/polled expect_status "what it keeps" 0 "$tests/test_blk_model"

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
expect_status "a disk that is polled" 0 iov disk add polled --socket /run/polled.sock --server --device polled
expect "says so" true "$(iov disk show polled --json | gojq .polled)"
expect_status "and keeps what is written" 0 iov bench blk /run/polled.sock --verify --overwrite --rw mix \
	--span 4M --seconds 1 --no-headroom --no-huge
expect_status "not by the page cache" 2 iov disk add cached --socket /run/cached.sock --server --device zoned --cached
expect_match "which would write in any order" "has zones" "$err"
expect_status "a disk with zones" 0 iov disk add zoned --socket /run/zoned.sock --server --device zoned
expect "what it is" "host-managed 16 4194304" "$(iov disk show zoned --json | gojq -r '[.zone_model, .zones, .zone_bytes] | join(" ")')"
expect_match "in words" "Zones +16 of 4M, host-managed" "$(iov disk show zoned)"
expect_status "who knows no zones reads" 0 iov bench blk /run/zoned.sock --seconds 1
expect_match "and iovd says so" "its driver knows no zones" "$(< $iovd_log)"
stop_iovd
