#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: --topology minimal --device igb --device e1000e --device nvme
# Claims of real VFs: what is refused, what a killed claim leaves, and a fence that takes a VF from who drives it.
. "$(dirname "$0")/lib/check.sh"

pf=0000:01:00.0 vf=0000:01:10.0 other=0000:01:10.2
iov vf create $pf --count 2 --driver vfio-pci > /dev/null

# conf FENCE: a hook that ends who has the device, unless /tmp/deaf is there
mkdir -p /etc/iovkit /tmp/etc
conf()
{
	printf '%s\n' "host = lab" "ttl = 12" "fence-time = 4" "stop-hook = /tmp/hook" "fence = $1" > /etc/iovkit/claims.conf
}
cat > /tmp/hook << 'END'
#!/bin/sh
echo "$@" >> /tmp/hooked
[ -e /tmp/deaf ] || kill $(cat /tmp/holder)
END
chmod +x /tmp/hook
conf reset,unbind

revision() { iov fleet list --json | gojq -r --arg d "$1" '.[] | select(.device == $d).revision'; }
hold() { sleep 1000 9<> "/dev/vfio/$(group_of "$1")" & echo $! > /tmp/holder; }
keep() { iov claim --renew > /tmp/keeper.log 2>&1 < /dev/null & keeper=$!; }

# wait_for SECONDS COMMAND...
wait_for()
{
	local end=$((SECONDS + $1))
	shift
	until "$@"; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.2
	done
}

expect_status "claimed" 0 iov claim $vf --holder vm1
expect_match "... with a revision" "claimed for vm1, revision 1, for 12 s" "$out"
expect_match "... and nobody renews it" "systemctl start iovkit-claims" "$out"
expect_status "bound by another" 3 iov unbind $vf --holder vm2
expect_match "... names the holder and the guard" "vm1.*guard fleet.*--force=fleet" "$err"
expect "... and nothing changed" vfio-pci "$(driver_of $vf)"
expect_status "bound by nobody" 3 iov unbind $vf
expect_status "... nor are all removed" 3 iov vf remove $pf
expect_status "attached by another" 3 iov attach $vf --holder vm2
expect_status "attached by the holder" 0 iov attach $vf --holder vm1
expect_status "bound by the holder" 0 iov unbind $vf --holder vm1
expect_status "... and back" 0 iov bind $vf --driver vfio-pci --holder vm1
expect_status "forced" 0 iov bind $vf --driver vfio-pci --holder vm2 --force=fleet

# To iovd it is given by its holder alone, whoever says so
iov release $vf --holder vm1 > /dev/null
iov claim $vf --holder vm1 --ttl 600 > /dev/null
expect_status "all VFs let go, of which one is claimed" 0 iov release $pf/all --holder vm1 --dry-run
expect_match "... says how many" "let go of 1 of 2 functions" "$out"
conf link-down,reset
expect_status "one that has a link and a reset" 0 iov claim $vf --holder vm1
expect "... can be fenced" "" "$err"
expect_status "one without" 0 iov claim 0000:00:1f.0 --holder vm1 --json
expect_match "... is warned of" "a fence cannot do link-down to it.*a fence cannot do reset to it" "$(gojq -c .notes <<< "$out")"
iov release 0000:00:1f.0 --holder vm1 > /dev/null
conf reset,unbind
start_iovd
printf 'iovd:\n  ports:\n    - {name: up, type: ethdev, device: "%s"}\n' $vf > /tmp/up.yaml
expect_status "given to iovd by a file" 3 iov apply /tmp/up.yaml
expect_match "... names the holder" "$vf \(port up of iovd\) is in use by .*vm1.*guard fleet.*--force=fleet" "$err"
expect_status "... as a dry run says" 3 iov apply /tmp/up.yaml --dry-run
expect_status "... by a command" 3 iov port add up --type ethdev --device $vf
expect_status "... and one that is saved" 3 iov port add up --type ethdev --device $vf --save --holder vm2
expect "... and nothing changed" 0 "$(iov port list --json | gojq length)"
expect_status "... by a file of its holder" 0 iov apply /tmp/up.yaml --holder vm1
expect "... which has it" up "$(iov port list --json | gojq -r .[0].name)"
expect_status "... again, by another" 0 iov apply /tmp/up.yaml --holder vm2
expect_match "... is nothing to do" "nothing to do" "$out"
expect_status "... taken back" 0 iov port remove up

# Nor what stands on it
nic=$(ls $pci/*/net/ -d | grep -v "$pf" | head -n 1)
nvme=$(ls -d $pci/*/nvme)
nic_pci=$(names "${nic%/net*}") nic=$(ls "$nic") nvme_pci=$(names "${nvme%/nvme}") disk=$(ls /sys/class/block | grep -m1 '^nvme.n.$')
expect_status "a NIC" 0 iov claim "$nic_pci" --holder vm1
expect_status "and a disk" 0 iov claim "$nvme_pci" --holder vm1
dmsetup create over --table "0 2048 linear /dev/$disk 0"
ip link add link "$nic" name tagged type vlan id 7
ip link property add dev "$nic" altname lan7
for device in "$nic" tagged lan7; do
	expect_status "an uplink by $device" 3 iov port add up2 --type ethdev --device "net_af_packet0,iface=$device"
	expect_match "names the holder" "net/${device/lan7/$nic} is of .*vm1" "$err"
done
ln -s /dev/dm-0 /tmp/vm.disk
for device in "$disk" /dev/dm-0 /tmp/vm.disk /tmp/../dev/dm-0; do
	expect_status "a disk on $device" 3 iov disk add d --device "$device" --socket /run/d.sock
	expect_match "names the holder" "block/.* is of .*vm1" "$err"
done
printf 'iovd:\n  disks:\n    - {name: d, file: /dev/dm-0, socket: /run/d.sock}\n' > /tmp/disk.yaml
expect_status "by a file" 3 iov apply /tmp/disk.yaml
expect_match "names the holder" "block/dm-0 \(disk d of iovd\) is in use by .*vm1.*guard fleet" "$err"
expect_status "by its holder, for whom iovd is asked" 1 iov disk add d --device /dev/dm-0 --socket /run/d.sock --holder vm1
expect_match "which may not read it here" "/dev/dm-0: may not be read" "$err"
ip link delete tagged
dmsetup remove over
iov release "$nic_pci" "$nvme_pci" --holder vm1 > /dev/null
stop_iovd
expect_status "released" 0 iov release $vf --holder vm1

# Killed anywhere: what is taken back is taken back, and no claim is left that nobody knows of
for at in request:1 request:2 request:3 fsync:1 fsync:2 fsync:3 renameat:1; do
	(LD_PRELOAD=$kill_library KILLED=$at iov claim $vf --holder vm1 || :) > /dev/null 2>&1
	iov recover > /dev/null
	iov claim $vf --holder vm1 > /dev/null || fail "$at: it cannot be claimed"
	expect "killed in $at: as many records as claims" 1 "$(gojq length /run/iovkit/claims.json)"
	iov release $vf --holder vm1 > /dev/null
done

# A claim that is renewed lasts
hold $vf
keep
expect_status "claimed" 0 iov claim $vf --holder vm1
wait_for 10 iov claim $vf --holder vm1 --json > /dev/null
expect "it is renewed" true "$(iov claim $vf --holder vm1 --json | gojq .renewed)"
first=$(revision $vf)
sleep 18
expect "it lasts while it is renewed" "$first" "$(revision $vf)"
expect_status "a second service" 1 iov claim --renew

# It cannot be renewed: who drives the VF is ended, and it has no driver
cp /var/lib/iovkit/claims.json /tmp/claims.json
echo broken > /var/lib/iovkit/claims.json
wait_for 15 test -e /tmp/hooked || fail "not fenced: $(cat /tmp/keeper.log)"
wait_for 5 test ! -e $pci/$vf/driver || fail "it has its driver: $(cat /tmp/keeper.log)"
expect "the hook is told what and who" "$vf vm1" "$(< /tmp/hooked)"
wait_for 5 grep -q "is fenced, [0-9]* ms before" /tmp/keeper.log || fail "late: $(cat /tmp/keeper.log)"
echo "ok: in time, and without its driver"
cp /tmp/claims.json /var/lib/iovkit/claims.json
wait_for 20 iov claim $vf --holder vm2 > /dev/null 2>&1 || fail "nobody else can claim it"
expect_match "the next one has a higher revision" "^[0-9]+$" "$(revision $vf)"
[ "$(revision $vf)" -gt "$first" ] || fail "it is not higher"
iov release $vf --holder vm2 > /dev/null
iov bind $vf --driver vfio-pci > /dev/null

# A hook that does not help: the kernel waits for who has the VF, so it is reset, and tried again
rm /tmp/hooked
: > /tmp/deaf
cat > /tmp/device.py << 'END'
import fcntl, os, sys, time
container, group = os.open("/dev/vfio/vfio", os.O_RDWR), os.open(f"/dev/vfio/{sys.argv[1]}", os.O_RDWR)
fcntl.ioctl(group, 0x3b68, container.to_bytes(4, "little"))
fcntl.ioctl(container, 0x3b66, 1)
device = fcntl.ioctl(group, 0x3b6a, sys.argv[2].encode() + b"\0")
open("/tmp/ready", "w")
time.sleep(1000)
END
start python3 /tmp/device.py "$(group_of $vf)" $vf
until [ -e /tmp/ready ] || ! kill -0 $process; do sleep 0.1; done
iov claim $vf --holder vm1 > /dev/null
sleep 1
echo broken > /var/lib/iovkit/claims.json
wait_for 25 grep -q "fencing $vf, unbind" /tmp/keeper.log || fail "nothing is said: $(cat /tmp/keeper.log)"
wait_for 10 grep -q "is not fenced, and tried again" /tmp/keeper.log || fail "it is given up: $(cat /tmp/keeper.log)"
echo "ok: what cannot be unbound is said, and tried again"
expect "and nothing else is said of it" 1 "$(grep -c "is fenced, [0-9]* ms before" /tmp/keeper.log)"
stop
wait_for 30 sh -c '[ "$(grep -c "vf0 is fenced, " /tmp/keeper.log)" = 2 ]' || fail "it is not done: $(cat /tmp/keeper.log)"
expect "it has no driver then" none "$(driver_of $vf)"
rm -f /var/lib/iovkit/claims.json

# A VF that goes is let go
rm -f /tmp/deaf
expect_status "another is claimed" 0 iov claim $other --holder vm1
sleep 1
iov vf remove $pf --holder vm1 > /dev/null
wait_for 5 sh -c '[ "$(iov fleet list --json)" = "[]" ]' || fail "it is claimed still: $(iov fleet list)"
echo "ok: a VF that is gone is let go"
kill $keeper
wait $keeper || fail "it ends with $?"
echo "ok: it ends when it is asked to"

# The links of a VF and of a function itself, by netlink
nic=0000:02:00.0
name=$(names $pci/$nic/net/*)
ip link set "$name" up
conf link-down
sed -i /stop-hook/d /etc/iovkit/claims.conf
keep
expect_status "a NIC is claimed" 0 iov claim $nic --holder vm1
sleep 1
echo broken > /var/lib/iovkit/claims.json
wait_for 20 sh -c "! ip link show $name | grep -q ,UP" || fail "it is up: $(cat /tmp/keeper.log)"
wait_for 5 grep -q "is fenced, " /tmp/keeper.log || fail "not fenced: $(cat /tmp/keeper.log)"
echo "ok: its interface is down"
rm /var/lib/iovkit/claims.json
kill $keeper
wait $keeper || fail "it ends with $?"
. "$lab/lib/netdevsim.sh"
netdevsim 2
pretend_pf 2
sim_name=$(names $sim/net/*)
keep
expect_status "a VF is claimed" 0 iov claim $pf/vf1 --holder vm1
sleep 1
echo broken > /var/lib/iovkit/claims.json
wait_for 20 sh -c "ip link show $sim_name | grep -q 'vf 1.*link-state disable'" || fail "$(ip link show $sim_name; cat /tmp/keeper.log)"
expect_match "the other VF is as it was" "vf 0.*link-state auto" "$(ip link show "$sim_name")"
wait_for 5 grep -q "is fenced, " /tmp/keeper.log || fail "not fenced: $(cat /tmp/keeper.log)"
echo "ok: the PF passes nothing of that VF"
kill $keeper
wait $keeper || fail "it ends with $?"
