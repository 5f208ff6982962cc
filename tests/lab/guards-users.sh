#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Whoever has a device node of a function open keeps it, and so does the kernel by other ways.
. "$(dirname "$0")/lib/check.sh"

spare=0000:81:00.0 nvme=0000:02:00.0 disk=/dev/nvme0n1
nic=$(names $pci/$spare/net/*)
configfs=/sys/kernel/config

clock=$(names $pci/$spare/ptp/ptp*)
start sleep 1000 9< "/dev/$clock"
found $spare "[\"device-open\",\"pid $process (sleep)\"]"
stop

mknod /tmp/odd c "$(cut -d : -f 1 "/sys/class/ptp/$clock/dev")" "$(cut -d : -f 2 "/sys/class/ptp/$clock/dev")"
start sleep 1000 9< /tmp/odd
found $spare "[\"device-open\",\"pid $process (sleep)\"]"
stop

# started_at MARK COMMAND...: as start, and waits until the command has made the file MARK
started_at()
{
	rm -f "$1"
	start "${@:2}"
	for _ in {1..300}; do [ -e "$1" ] && break || sleep 0.1; done
}

# Whose descriptor is closed has it mapped nonetheless
cat > /tmp/map.py << 'END'
import ctypes, os, sys, time
file = os.open(sys.argv[1], os.O_RDWR | os.O_SYNC)
map = ctypes.CDLL(None, use_errno=True).mmap
map.restype = ctypes.c_void_p
map.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
assert map(None, 4096, 3, 1, file, 0) != ctypes.c_void_p(-1).value, os.strerror(ctypes.get_errno())
os.close(file)
open("/tmp/mapped", "w").close()
time.sleep(1000)
END
# maps FUNCTION PATH GUARD
maps()
{
	free "$1"
	started_at /tmp/mapped python3 /tmp/map.py "$2"
	expect "the descriptor is closed" "" "$(find /proc/$process/fd -lname "$2")"
	found "$1" "[\"$3\",\"pid $process (python3)\"]"
	stop
}
umount $disk 2> /dev/null || :
maps $nvme $disk disk-open

# What was sent over a socket is held there, whoever closes it, until somebody receives it
cat > /tmp/send.py << 'END'
import array, os, socket, sys, time
here, there = socket.socketpair(socket.AF_UNIX, getattr(socket, sys.argv[1]))
here.send(b"nothing of note") if sys.argv[1] == "SOCK_STREAM" else None
for path in sys.argv[2:]:
	file = os.open(path, os.O_RDONLY)
	here.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [file]))])
	os.close(file)
here.close()
open("/tmp/sent", "w").close()
time.sleep(1000)
END
# sent FUNCTION GUARD TYPE PATH...
sent()
{
	free "$1"
	started_at /tmp/sent python3 /tmp/send.py "${@:3}"
	expect "no descriptor is open" "" "$(find /proc/$process/fd -lname "$4")"
	found "$1" "[\"$2\",\"pid $process (python3)\"]"
	expect "it is still under way" "1" "$(grep -c '^scm_fds:.*[1-9]' <(cat /proc/$process/fdinfo/*))"
	stop
	free "$1"
}
sent $nvme disk-open SOCK_STREAM $disk
sent $nvme disk-open SOCK_SEQPACKET $disk
sent $spare device-open SOCK_DGRAM "/dev/$clock" /dev/null

# Who receives to a page that is never there holds a lock that the look takes; others are seen still
cat > /tmp/hang.py << 'END'
import array, ctypes, fcntl, mmap, os, socket, struct, sys, threading, time
here, there = socket.socketpair()
here.send(b"nothing of note")
file = os.open(sys.argv[1], os.O_RDONLY)
here.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [file]))])
os.close(file)
here.close()
libc = ctypes.CDLL(None, use_errno=True)
faults = libc.syscall(323, os.O_CLOEXEC)
assert faults >= 0, os.strerror(ctypes.get_errno())
fcntl.ioctl(faults, 0xc018aa3f, bytearray(struct.pack("QQQ", 0xaa, 0, 0)))
page = mmap.mmap(-1, 4096, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
start = ctypes.addressof(ctypes.c_char.from_buffer(page))
fcntl.ioctl(faults, 0xc020aa00, bytearray(struct.pack("QQQQ", start, 4096, 1, 0)))
threading.Thread(target=libc.recv, args=(there.fileno(), ctypes.c_void_p(start), 4, 0), daemon=True).start()
while b"handle_userfault" not in b"".join(open(f"/proc/self/task/{task}/stack", "rb").read()
		for task in os.listdir("/proc/self/task")):
	time.sleep(0.1)
open("/tmp/sent", "w").close()
time.sleep(1000)
END
started_at /tmp/sent python3 /tmp/hang.py $disk
expect "it hangs" yes "$([ -e /tmp/sent ] && echo yes)"
hanging=$process
expect_status "the guards answer nonetheless" 0 iov show $nvme
expect_match "they say what they did not see" "not seen: what waits in the socket /proc/$hanging/fd/" "$err"
started_at /tmp/sent python3 /tmp/send.py SOCK_STREAM $disk
found $nvme "[\"disk-open\",\"pid $process (python3)\"]"
stop
process=$hanging
stop
for _ in {1..100}; do pgrep -x iov > /dev/null || break; sleep 0.1; done
expect "whoever looked ends with it" "" "$(pgrep -x iov)"
free $nvme

# A socket that waits in itself is looked into once
cat > /tmp/self.py << 'END'
import array, os, socket, sys, time
here, there = socket.socketpair()
file = os.open(sys.argv[1], os.O_RDONLY)
here.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [there.fileno(), file]))])
os.close(file)
here.close()
open("/tmp/sent", "w").close()
time.sleep(1000)
END
started_at /tmp/sent python3 /tmp/self.py $disk
found $nvme "[\"disk-open\",\"pid $process (python3)\"]"
stop
free $nvme

# A thread that has descriptors of its own
cat > /tmp/apart.py << 'END'
import ctypes, os, sys, threading, time
def read():
	ctypes.CDLL(None).unshare(0x400)
	os.open(sys.argv[1], os.O_RDONLY)
	open("/tmp/apart", "w").close()
	time.sleep(1000)
threading.Thread(target=read).start()
END
free $nvme
started_at /tmp/apart python3 /tmp/apart.py $disk
expect "the first thread has it not" "" "$(find /proc/$process/fd -lname $disk)"
found $nvme "[\"disk-open\",\"pid $process (python3)\"]"
stop

ip link add upper0 link "$nic" type macvtap
start sleep 1000 9<> "/dev/tap$(< /sys/class/net/upper0/ifindex)"
found $spare "[\"macvlan\",\"macvtap upper0\"]
[\"device-open\",\"pid $process (sleep)\"]"
expect_match "all holders are named, and what lifts their guards" \
	"in use by macvtap upper0 \[guard macvlan\], pid $process .*--force=macvlan --force=device-open$" "$err"
stop
ip link delete upper0
free $spare

modprobe -a nvmet target_core_iblock
mountpoint -q $configfs || mount -t configfs none $configfs
namespace=$configfs/nvmet/subsystems/nqn.test/namespaces/1
mkdir ${namespace%/namespaces/1}
mkdir $namespace
echo -n $disk > $namespace/device_path
free $nvme
echo 1 > $namespace/enable
found $nvme '["target","namespace 1 of the NVMe target nqn.test"]'
echo 0 > $namespace/enable
rmdir $namespace
passthru=${namespace%/namespaces/1}/passthru
if [ -d $passthru ]; then
	umount $disk 2> /dev/null || :
	echo -n /dev/nvme0 > $passthru/device_path
	free $nvme
	echo 1 > $passthru/enable
	found $nvme '["target","the NVMe target nqn.test"]'
	echo 0 > $passthru/enable
fi
rmdir ${namespace%/namespaces/1}
backstore=$configfs/target/core/iblock_0/backup
mkdir -p $backstore
echo "udev_path=$disk" > $backstore/control
echo -n $disk > $backstore/udev_path
echo 1 > $backstore/enable
found $nvme '["target","SCSI target backup"]'
rmdir $backstore ${backstore%/backup}
free $nvme

# Root may not look at what another user serves in user space, and need not
cat > /tmp/fuse.py << 'END'
import ctypes, os, struct, sys, time

def attributes(node, mode):
	return struct.pack("<6Q10I", node, 1, 1, 0, 0, 0, 0, 0, 0, mode, 1, 1000, 1000, 0, 4096, 0)

point, device = "/tmp/fuse", os.open("/dev/fuse", os.O_RDWR)
os.makedirs(point)
os.chown(point, 1000, 1000)
options = f"fd={device},rootmode=40000,user_id=1000,group_id=1000".encode()
if ctypes.CDLL(None).mount(b"test", point.encode(), b"fuse", 6, options):
	sys.exit("cannot mount")
if not os.fork():
	os.close(device)
	os.setgroups([])
	os.setgid(1000)
	os.setuid(1000)
	file = os.open(point + "/file", os.O_RDONLY)
	print("ready", flush=True)
	time.sleep(1000)
while True:
	request = os.read(device, 1 << 20)
	_, code, unique, node = struct.unpack_from("<IIQQ", request)
	mode = 0o40755 if node == 1 else 0o100644
	answers = {
		1: struct.pack("<QQQQII", 2, 0, 0, 0, 0, 0) + attributes(2, 0o100644),
		3: struct.pack("<QII", 0, 0, 0) + attributes(node, mode),
		14: struct.pack("<QII", 1, 0, 0),
		26: struct.pack("<IIIIHHII", 7, 31, 65536, 0, 16, 12, 65536, 1) + bytes(36),
	}
	answer = answers.get(code, b"")
	if code not in (2, 42):
		os.write(device, struct.pack("<IiQ", 16 + len(answer), 0 if answer else -38, unique) + answer)
END
modprobe fuse
python3 /tmp/fuse.py > /tmp/fuse.out &
served=$!
for _ in {1..300}; do grep -q ready /tmp/fuse.out && break || sleep 0.1; done
expect "a file of another user is open" ready "$(< /tmp/fuse.out)"
expect_status "it is for that user alone" 1 stat /tmp/fuse/file
free $spare
umount -l /tmp/fuse
kill $served

for share in /sys/bus/virtio/drivers/9pnet_virtio/virtio*; do
	[ "$(tr -d '\0' < $share/mount_tag)" != lab ] || break
done
expect "a share that is mounted holds its device" '["mount","/run/lab (9p)"]' \
	"$(iov show "$(basename "$(dirname "$(realpath $share)")")" --json |
		gojq -c '.assignment.held_by[] | [.guard, .holder]')"

# Registers that no driver has may be mapped
echo $spare > $pci/$spare/driver/unbind
maps $spare "$(realpath $pci/$spare)/resource0" device-open
