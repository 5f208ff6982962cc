#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: outside
# What is installed makes the host as its file says: at boot before the network, after a
# power loss in the middle of a change, and when a device is plugged in.
. "$(dirname "$0")/lib/check.sh"

igb=0000:01:00.0 e1000e=0000:02:00.0 nvme=0000:03:00.0
plugged=0000:04:00.0
file=/etc/iovkit/host.yaml

host_file()
{
	cat <<END
huge_pages:
  - size: 2M
    count: 80
devices:
  - name: uplink
    device: path=0000:00:01.0/00.0
    vfs:
      count: 2
      driver: vfio-pci
      each:
        - {index: 0, mac: 02:00:00:00:00:0a}
        - {index: 1, mac: 02:00:00:00:00:0b}
  - device: serial=52-54-00-ff-ff-12-34-57
    driver: vfio-pci
  - device: path=0000:00:03.0/00.0
    driver: vfio-pci
  - device: path=0000:00:04.0/00.0
    absent: skip
    driver: vfio-pci
iovd:
  bridges:
    - name: br0
  ports:
    - {name: up, type: ethdev, bridge: br0, device: uplink/vf1}
    - {name: guest, type: vhost-user, bridge: br0, socket: /run/guest.sock, server: on}
END
}

# The root's upper layer: the project installed, the file, the services enabled
prepare()
{
	local root=$work/upper/data enabled=etc/systemd/system/multi-user.target.wants
	DESTDIR=$root meson install --no-rebuild -C "$IOVKIT_BUILD" > /dev/null
	mkdir -p "$root"/{usr/lib,etc/iovkit}
	# found as after ldconfig
	ln -s "$(cd "$root" && find . -name libiov.so.0 -printf '/%P')" "$root/usr/lib/"
	host_file > "$root$file"
	cp /etc/passwd /etc/group /etc/shadow "$root/etc/"
	systemd-sysusers --root="$root" "$(find "$root" -name iovkit.conf)"
	systemctl -q --root="$root" enable iovkit iovkit-claims iovd
	ln -s /lib/systemd/system/systemd-networkd.service "$root/$enabled/"
	truncate -s 512M "$work/host.img"
	mke2fs -q -t ext4 -d "$work/upper" "$work/host.img"
}

# boot WHAT [OPTION]...
boot()
{
	"$lab/lab" exec --tries 3 "${@:2}" --systemd --state "$work/host.img" --topology minimal --device igb \
		--device e1000e --device nvme --device port --timeout 200 -- "$0" "$1"
}

# In the virtual host

shown() { systemctl show --value -p "$2" "$1"; }
ports() { iov port list --json | gojq -r '.[].name' | sort | paste -sd' ' -; }

# await WHAT WANTED COMMAND...: what happens by itself within 40 s
await()
{
	local got
	for _ in {1..200}; do
		got=$("${@:3}" 2>&1) && [ "$got" = "$2" ] && break
		sleep 0.2
	done
	expect "$1" "$2" "$got"
}

# The native driver of a function says so to the kernel's log when it probes
never_native()
{
	expect "$1 never had its native driver" "" "$(dmesg | grep -E "(e1000|nvme).* $2")"
}

# as_the_file_says VFS
as_the_file_says()
{
	expect "iovkit.service" active "$(systemctl is-active iovkit || systemctl status iovkit)"
	local ready started
	ready=$(shown iovkit ActiveEnterTimestampMonotonic)
	started=$(shown systemd-networkd InactiveExitTimestampMonotonic)
	[ "$ready" -lt "$started" ] || fail "the network starts at $started us, before $ready us"
	echo "ok: the network starts $((started - ready)) us afterwards, at $started us"
	expect "VFs and their drivers" "$1 vfio-pci vfio-pci" \
		"$(< $pci/$igb/sriov_numvfs) $(driver_of 0000:01:10.0) $(driver_of 0000:01:10.2)"
	expect "their addresses" "02:00:00:00:00:0a 02:00:00:00:00:0b" \
		"$(iov vf list $igb --json | gojq -r '.vfs[:2][].mac' | paste -sd' ' -)"
	expect "functions for guests" "vfio-pci vfio-pci" "$(driver_of $e1000e) $(driver_of $nvme)"
	never_native "the NIC" $e1000e
	never_native "the NVMe controller" $nvme
	expect "no change is pending" "nothing to recover" "$(iov recover)"
	await "iovd.service" active systemctl is-active iovd
	expect "iovd has the ports of the file" "guest up" "$(ports)"
	expect "it runs as a user of its own" iovd "$(ps -o user= -p "$(shown iovd MainPID)")"
	expect "udev has no complaint" "" "$(journalctl -b -t systemd-udevd | grep iovkit)"
}

plug()
{
	"$lab/lib/monitor" netdev_add user,id=plugged,restrict=on
	"$lab/lib/monitor" device_add e1000,id=nic,netdev=plugged,bus=rp4
	await "$1" vfio-pci driver_of $plugged
}

unplug()
{
	"$lab/lib/monitor" device_del nic
	await "it is unplugged" no sh -c "[ -e $pci/$plugged ] && echo yes || echo no"
	"$lab/lib/monitor" netdev_del plugged
}

# Half a file is none, and the datapath goes on with what it had
wrong_file()
{
	cp $file /etc/whole.yaml
	echo 'iovd: {ports: [{name: ha' > $file
	systemctl kill -s KILL iovd
	await "with half a file iovd is back after its death, with its ports" "guest up" ports
	await "what applies the file says so" failed shown iovd-ports ActiveState
	expect_match "and why" "host.yaml:[0-9]+: not YAML" "$(journalctl -b -u iovd-ports)"
	expect "iovd.service" active "$(systemctl is-active iovd)"
	cp /etc/whole.yaml $file
}

# apply_native SECONDS: a NIC for the host, to be confirmed
apply_native()
{
	sed -i '/12-34-57/{n;s/vfio-pci/native/}' $file
	iov apply --only devices --confirm "$1"
	expect "it is done" e1000e "$(driver_of $e1000e)"
	expect "by a unit it is taken back" active "$(systemctl is-active iovkit-confirm)"
}

# Who takes it back is killed, and the one after it does
not_confirmed()
{
	apply_native 5
	systemctl kill -s KILL iovkit-confirm
	await "what is not confirmed is taken back" vfio-pci driver_of $e1000e
	await "then nobody waits" inactive shown iovkit-confirm ActiveState
	cmp $file /etc/whole.yaml
}

# A power loss once a change has begun
lose_power()
{
	sed -i 's/count: 2/count: 4/' $file
	sync
	systemctl stop iovd
	iov apply --only devices &
	until grep -qs '"begin"' /var/lib/iovkit/journal; do kill -0 $!; done
	echo b > /proc/sysrq-trigger
	sleep 60
}

first()
{
	as_the_file_says 2
	systemctl kill -s KILL iovd
	await "iovd is back after its death, with its ports" "guest up" ports
	wrong_file
	not_confirmed
	plug "a plugged device gets its driver"
	never_native "it" $plugged
	unplug
	plug "again, now that the native driver is there before udev"
	expect_match "which had it for a moment" "e1000 $plugged" "$(dmesg)"
	lose_power
}

second()
{
	expect "the journal of the earlier boot is gone" "" "$(find /var/lib/iovkit -name "*journal*")"
	as_the_file_says 4
	apply_native 600
	sync
}

# Who renews claims is there from the boot on, and again when it is killed
claims_are_renewed()
{
	await "iovkit-claims.service" active systemctl is-active iovkit-claims
	expect "claims are renewed" true "$(iov claim $nvme --holder vm1 --json | gojq .renewed)"
	systemctl kill -s KILL iovkit-claims
	await "they are after its death" true sh -c "iov claim $nvme --holder vm1 --json | gojq .renewed"
	systemctl stop iovkit-claims
	expect "and are not when it is stopped" false "$(iov claim $nvme --holder vm1 --json | gojq .renewed)"
}

third()
{
	as_the_file_says 4
	claims_are_renewed
	expect_match "the boot ended what was not confirmed" "awaits dropped" \
		"$(iov log --json | gojq -r '.[].result' | paste -sd' ' -)"
}

[ $# = 0 ] || { "$1"; exit; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
prepare
boot first --power-loss
e2fsck -fp "$work/host.img" > /dev/null || [ $? = 1 ]
expect_match "in the middle of a change" '"begin"' \
	"$(debugfs -R "cat data/var/lib/iovkit/journal" "$work/host.img" 2> /dev/null | tr -d '\0')"
boot second
boot third
