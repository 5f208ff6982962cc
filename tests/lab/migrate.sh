#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: --topology minimal --memory 3G
# A KVM guest moves from one QEMU to another while it is pinged, and is compared byte for
# byte; then on by post-copy: tests/wire/test_migrate.c.  KVM in the virtual host is emulated,
# and about one guest in ten is lost there under load, also one that has no vhost-user port: it
# does not boot ("no answer"), or resets itself ("ended, status 0").
. "$(dirname "$0")/lib/check.sh"

IOVD=$(command -v iovd)
export IOVD GUEST_ACCEL=kvm
tests=$(dirname "$(dirname "$IOVD")")/tests/wire
for what in with_split_rings with_packed_rings with_a_disk; do
	expect_status "a guest $what" 0 "$lab/../wire/migrate" "$tests/test_migrate" "*_${what}_*"
	grep answers <<< "$out" || dmesg | tail -n 5
done
