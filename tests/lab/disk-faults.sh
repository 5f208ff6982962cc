#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: --cpus 2 --topology minimal
# Disks of iovd on devices that fail, and on one of which the kernel writes down what is stable.
. "$(dirname "$0")/lib/check.sh"

build=$(dirname "$(dirname "$(command -v iov)")")
export IOVD=$build/vhost-user/iovd
mkdir -p /var/tmp
modprobe null_blk nr_devices=2 gb=1 memory_backed=1 cache_size=16

dmsetup create --noudevsync disk --table "0 65536 linear /dev/nullb0 0"
dmsetup mknodes
IOV_DISK=/dev/mapper/disk IOV_BELOW=/dev/nullb0 \
	expect_status "a device that fails" 0 "$build/tests/wire/test_disk"
dmsetup remove --noudevsync disk

dmsetup create --noudevsync logged --table "0 65536 log-writes /dev/nullb0 /dev/nullb1"
dmsetup mknodes
IOV_DISK=/dev/mapper/logged IOV_LOG=/dev/nullb1 \
	expect_status "what is stable" 0 "$build/tests/wire/test_disk"
dmsetup remove --noudevsync logged
