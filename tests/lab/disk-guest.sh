#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: outside
# A guest of QEMU writes to its disk while iovd is killed again and again: it waits, goes on, and
# all is there.
. "$(dirname "$0")/lib/outside.sh"

guest() { "$lab/guest" exec a --timeout 90 -- sh -c "$1"; }
state() { iov disk show d --json | gojq -r .state; }

start_iovd --allow "$dir"
truncate -s 32M "$dir/image"
iov disk add d --socket "$dir/d" --server --file "$dir/image" > /dev/null
"$lab/guest" start a --emulated -chardev "socket,id=d,path=$dir/d,reconnect-ms=100" \
	-device vhost-user-blk-pci,chardev=d,num-queues=2
expect "its disk" 65536 "$(guest 'cat /sys/block/vda/size')"

guest 'dd if=/dev/urandom of=/tmp/data bs=64k count=128 2> /dev/null; md5sum < /tmp/data' > "$dir/sent"
guest '(for round in 0 1 2; do
		dd if=/tmp/data of=/dev/vda bs=64k seek=$((round * 128)) conv=fsync 2> /dev/null || echo failed
	done; echo done) > /tmp/result &'
kills=0
until [ "$(guest 'cat /tmp/result')" ]; do
	kill -KILL "$iovd"
	wait "$iovd" 2> /dev/null || :
	kills=$((kills + 1))
	start_iovd --allow "$dir"
	[ $kills -lt 20 ] || break
done
for _ in {1..300}; do
	[ -z "$(guest 'cat /tmp/result')" ] || break
	sleep 0.1
done
[ $kills -gt 0 ] || fail "it was done before the first kill"
expect "no write failed, over $kills kills" "done" "$(guest 'cat /tmp/result')"
for round in 0 1 2; do
	expect "what was written is read ($round)" "$(< "$dir/sent")" "$(guest "echo 3 > /proc/sys/vm/drop_caches
		dd if=/dev/vda bs=64k skip=$((round * 128)) count=128 2> /dev/null | md5sum")"
	expect "and is in the image" "$(< "$dir/sent")" "$(dd if="$dir/image" bs=64k skip=$((round * 128)) count=128 2> /dev/null | md5sum)"
done
expect "it is connected" connected "$(state)"
"$lab/guest" kill a
stop_iovd
