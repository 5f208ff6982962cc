#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Whoever takes frames from an interface, or sends them to it, keeps it.
. "$(dirname "$0")/lib/check.sh"

spare=0000:81:00.0 other=0000:04:01.0
nic=$(names $pci/$spare/net/*) second=$(names $pci/$other/net/*)

# start_ready COMMAND...: a process, as $process, when it says that it is ready
start_ready()
{
	rm -f /tmp/ready
	start "$@"
	until [ -e /tmp/ready ] || ! kill -0 $process; do sleep 0.1; done
}

for name in "$nic" "$second"; do
	ip link set "$name" up
done
free $spare

# An ECMP route by next hops, in a table that only a rule would lead to
ip nexthop add id 1 dev "$nic"
ip nexthop add id 2 dev "$second"
ip nexthop add id 3 group 1/2
ip route add default nhid 3 table 100
found $spare "[\"default-route\",\"default route of $nic\"]"
found $other "[\"default-route\",\"default route of $second\"]"
ip route del default table 100
ip route add 198.51.100.0/24 nexthop dev "$second" nexthop dev "$nic"
found $spare "[\"route\",\"route to 198.51.100.0/24 of $nic\"]"
ip route del 198.51.100.0/24
ip -6 route add default table 101 nexthop via fe80::1 dev "$second" nexthop via fe80::2 dev "$nic"
found $spare '["default-route","default route via fe80::2"]'
ip -6 route del default table 101
ip nexthop del id 3
ip nexthop del id 2
ip nexthop del id 1

cat > /tmp/packet.py <<'END'
import socket, sys, time
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
s.bind((sys.argv[1], 3))
open("/tmp/ready", "w")
time.sleep(1000)
END
start_ready python3 /tmp/packet.py "$nic"
found $spare "[\"packet\",\"pid $process (python3)\"]"
stop

ip link set "$nic" promisc on
found $spare '["promiscuous","who listens to all frames"]'
ip link set "$nic" promisc off

modprobe -a sch_ingress cls_matchall act_mirred
tc qdisc add dev "$nic" ingress_block 21 clsact
tc filter add block 21 matchall action mirred egress redirect dev "$second"
found $spare "[\"tc\",\"the tc filter from $nic to $second\"]"
tc qdisc del dev "$nic" clsact
tc qdisc add dev "$nic" clsact
tc filter add dev "$nic" egress matchall action mirred egress mirror dev "$second"
found $spare "[\"tc\",\"the tc filter from $nic to $second\"]"
found $other "[\"tc\",\"the tc filter from $nic to $second\"]"
tc qdisc del dev "$nic" clsact

# What the scripts have in common: bpf(2), and a program "return RESULT"
cat > /tmp/programs.py <<'END'
import ctypes, struct
libc = ctypes.CDLL(None, use_errno=True)
def bpf(command, data): return libc.syscall(321, command, data, len(data))
def index_of(interface): return int(open(f"/sys/class/net/{interface}/ifindex").read())
def load(kind, result):
    code = ctypes.create_string_buffer(struct.pack("<QQ", result << 32 | 0xb7, 0x95))
    licence = ctypes.create_string_buffer(b"GPL")
    return bpf(5, ctypes.create_string_buffer(struct.pack("<IIQQ", kind, 2, ctypes.addressof(code),
        ctypes.addressof(licence)).ljust(120, b"\0")))
END

# The program "return XDP_PASS", which ends with its file
cat > /tmp/xdp.py <<'END'
import ctypes, struct, sys, time
from programs import bpf, index_of, load
program, index = load(6, 2), index_of(sys.argv[1])
link = bpf(28, ctypes.create_string_buffer(struct.pack("<IIII", program, index, 37, 2).ljust(64, b"\0")))
assert program >= 0 and link >= 0, (program, link, ctypes.get_errno())
open("/tmp/ready", "w")
time.sleep(1000)
END
start_ready python3 /tmp/xdp.py "$nic"
found $spare '["xdp","an XDP program"]'
stop

# An AF_XDP socket, of a umem of one page and rings of two
cat > /tmp/ring.py <<'END'
import ctypes, mmap, socket, struct, sys, time
s = socket.socket(44, socket.SOCK_RAW, 0)
memory = mmap.mmap(-1, 4096 * 4)
address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
s.setsockopt(283, 4, struct.pack("<QQIII4x", address, 4096 * 4, 4096, 0, 0))
for ring in (5, 6, 2): s.setsockopt(283, ring, struct.pack("<I", 2))
libc = ctypes.CDLL(None, use_errno=True)
index = int(open(f"/sys/class/net/{sys.argv[1]}/ifindex").read())
bound = libc.bind(s.fileno(), struct.pack("<HHIII", 44, 2, index, 0, 0), 16)
assert not bound, ctypes.get_errno()
open("/tmp/ready", "w")
time.sleep(1000)
END
start_ready python3 /tmp/ring.py "$nic"
found $spare "[\"packet\",\"pid $process (python3)\"]"
stop

# The program "return 0" at the hook for what arrives, which stays without a process; and
# a map by which programs send to an interface
cat > /tmp/tcx.py <<'END'
import ctypes, struct, sys, time
from programs import bpf, index_of, load
program = load(3, 0)
first, second = map(index_of, sys.argv[1:])
bound = bpf(8, ctypes.create_string_buffer(struct.pack("<IIII", first, program, 46, 0).ljust(64, b"\0")))
assert program >= 0 and not bound, (program, bound, ctypes.get_errno())
devmap = bpf(0, ctypes.create_string_buffer(struct.pack("<IIIII", 14, 4, 4, 8, 0).ljust(48, b"\0")))
assert devmap >= 0, ctypes.get_errno()
key, value = (ctypes.create_string_buffer(struct.pack("<I", number)) for number in (5, second))
put = bpf(2, ctypes.create_string_buffer(struct.pack("<IxxxxQQQ", devmap, ctypes.addressof(key),
    ctypes.addressof(value), 0).ljust(48, b"\0")))
assert not put, ctypes.get_errno()
open("/tmp/ready", "w")
time.sleep(1000)
END
start_ready python3 /tmp/tcx.py "$nic" "$second"
found $spare '["bpf","a BPF program (tcx)"]'
found $other '["bpf","a BPF program that sends to it, by the map "]'
stop
free $other
found $spare '["bpf","a BPF program (tcx)"]'
cat > /tmp/detach.py <<'END'
import ctypes, struct, sys
from programs import bpf, index_of
index = index_of(sys.argv[1])
ids = ctypes.create_string_buffer(64)
query = ctypes.create_string_buffer(struct.pack("<IIIIQI", index, 46, 0, 0, ctypes.addressof(ids), 4).ljust(64, b"\0"))
assert not bpf(16, query), ctypes.get_errno()
program = bpf(13, ctypes.create_string_buffer(struct.pack("<I", struct.unpack_from("<I", ids)[0]).ljust(64, b"\0")))
gone = bpf(9, ctypes.create_string_buffer(struct.pack("<III", index, program, 46).ljust(64, b"\0")))
assert not gone, ctypes.get_errno()
END
python3 /tmp/detach.py "$nic"
free $spare

# netconsole, by configfs
if modprobe -q netconsole; then
	mountpoint -q /sys/kernel/config || mount -t configfs none /sys/kernel/config
	target=/sys/kernel/config/netconsole/far
	mkdir $target
	echo "$nic" > $target/dev_name
	echo 192.0.2.1 > $target/local_ip
	echo 192.0.2.2 > $target/remote_ip
	free $spare
	echo 1 > $target/enabled
	found $spare '["console","the target far of netconsole"]'
	echo 0 > $target/enabled
	rmdir $target
fi
free $spare
