#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: outside
# A disk of iovd under Linux's own front end and driver, of User Mode Linux: a file system is made
# on it, filled, trimmed, grown and found whole.
. "$(dirname "$0")/lib/outside.sh"

guest() { "$lab/guest" exec a --timeout 60 -- sh -c "$1"; }
disk() { iov disk show d --json | gojq -c "$1"; }
used_kb() { echo $(($(stat -c %b "$dir/image") / 2)); }

start_iovd --allow "$dir"
truncate -s 64M "$dir/image"
expect_status "a disk of a file" 0 iov disk add d --socket "$dir/d" --server --file "$dir/image" --serial lab-1
expect_status "which nobody else gets" 1 iov disk add e --socket "$dir/e" --server --file "$dir/image"
start_uml a --uml-disk "$dir/d"

expect "its size" 131072 "$(guest 'cat /sys/block/vda/size')"
expect "its serial number" lab-1 "$(guest 'cat /sys/block/vda/serial')"
expect "its cache" "write back" "$(guest 'cat /sys/block/vda/queue/write_cache')"
expect "its segments" 126 "$(guest 'cat /sys/block/vda/queue/max_segments')"
for feature in packed event-idx flush discard write-zeroes config-wce multiqueue; do
	expect "with $feature" true "$(disk ".features | contains([\"$feature\"])")"
done

guest 'mkdir -p /run/m && mkfs.ext4 -q -F /dev/vda && mount /dev/vda /run/m'
guest 'for i in 1 2 3 4; do head -c 8000000 /dev/urandom > /run/m/$i; done; sync; md5sum /run/m/[1-4]' > "$dir/sent"
guest 'echo 3 > /proc/sys/vm/drop_caches; md5sum /run/m/[1-4]' > "$dir/got"
expect "what was written is read" "$(< "$dir/sent")" "$(< "$dir/got")"
full=$(used_kb)
[ "$full" -gt 30000 ] || fail "32 MB are in the image: expected more than 30000 KB, got $full"
guest 'rm /run/m/2 /run/m/3; sync; fstrim /run/m'
[ "$(used_kb)" -lt $((full - 12000)) ] || fail "what was trimmed is given back: $full KB, then $(used_kb)"
echo "ok: what was trimmed is given back"

guest 'echo "write through" > /sys/block/vda/queue/write_cache'
guest 'head -c 1000000 /dev/urandom > /run/m/5; md5sum /run/m/1 /run/m/4 /run/m/5; sync' > "$dir/sent"
expect_status "it grows" 0 iov disk resize d 96M
for _ in {1..50}; do
	[ "$(guest 'cat /sys/block/vda/size')" != 196608 ] || break
	sleep 0.1
done
expect "and the guest learns of it" 196608 "$(guest 'cat /sys/block/vda/size')"
guest '{ umount /run/m && fsck.ext4 -fp /dev/vda && resize2fs /dev/vda && mount /dev/vda /run/m; } > /tmp/grown 2>&1 || { cat /tmp/grown; exit 1; }'
expect "what was written is still there" "$(< "$dir/sent")" "$(guest 'md5sum /run/m/1 /run/m/4 /run/m/5')"
guest 'umount /run/m && fsck.ext4 -fn /dev/vda > /dev/null'
echo "ok: and the file system is whole"
expect "nothing failed" '[0]' "$(disk '[.counters.requests[].failed] | unique')"
expect "nothing was broken or refused" '[{},{}]' "$(disk '[.counters.broken, .counters.refused]')"
"$lab/guest" stop a
expect_status "a file system on the image, by the host's own tools" 0 fsck.ext4 -fn "$dir/image"
stop_iovd
