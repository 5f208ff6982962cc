#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: --topology minimal --device edu --device e1000e
# Devices for containers by CDI: what is described follows what VFIO has, and podman takes it.
. "$(dirname "$0")/lib/check.sh"

edu=0000:01:00.0 nic=0000:02:00.0
file=/run/cdi/iovkit.org-vfio.json
kind=iovkit.org/vfio

described() { gojq -r '[.devices[].name] | join(" ")' "$file" 2> /dev/null || echo none; }
node_of() { gojq -r --arg name "$1" '.devices[] | select(.name == $name).containerEdits.deviceNodes[1].path' "$file"; }

expect_status "nothing is described" 0 iov cdi list --json
expect "... which is an empty list" "[]" "$out"
expect_status "taken back before it was" 0 iov cdi remove
expect_match "... has nothing to do" "nothing to do" "$out"
expect_status "a mode that is none" 2 iov cdi write --mode 999
expect_match "... says what is expected" "octal digits" "$err"
expect_status "a user who is not there" 4 iov cdi write --owner nobodyhere
expect_status "tried" 0 iov cdi write --dry-run
expect "... writes nothing" none "$(described)"

expect_status "kept from now on, without a device" 0 iov cdi write --mode 0660 --owner 0:36
expect "... is no file yet: one without devices is invalid" none "$(described)"
expect_status "... twice" 0 iov cdi write --mode 660 --owner 0:36
expect_match "... has nothing to do" "nothing to do" "$out"
expect_status "... and without saying so again" 0 iov cdi write
expect_match "... nothing either" "nothing to do" "$out"

modprobe -q iommufd || :
iov bind $edu --driver vfio-pci > /dev/null
names=$edu
[ ! -e /dev/iommu ] || names+=" $edu-cdev"
expect "a device that is bound is described" "$names" "$(described)"
expect "... by the lowest version that has such names" 0.5.0 "$(gojq -r .cdiVersion $file)"
expect "... by the node of its group" "/dev/vfio/$(group_of $edu)" "$(node_of $edu)"
expect "... with its mode and owner" "432 0 36" "$(
	gojq -r '.devices[0].containerEdits.deviceNodes[1] | "\(.fileMode) \(.uid) \(.gid)"' $file)"
[ ! -e /dev/iommu ] || expect "... and by its own" "/dev/vfio/devices/$(names $pci/$edu/vfio-dev/*)" "$(node_of $edu-cdev)"
iov bind $nic --driver vfio-pci > /dev/null
expect "and so is another" "$edu $nic" "$(described | tr ' ' '\n' | grep -v cdev | paste -sd ' ')"
iov unbind $nic > /dev/null
expect "what is given back is not" "$names" "$(described)"

# Killed behind the change and before the file
faults=$(dirname "$kill_library")/libfault.so
{ (FAULT_COUNTER=/tmp/count FAULT=kill:2 LD_PRELOAD=$faults iov bind $nic --driver vfio-pci) || :; } > /dev/null 2>&1
expect_status "what a killed change left is undone" 0 iov recover
expect "... and described no more than before" "$names" "$(described)"

cat > /tmp/host.yaml <<END
devices:
  - device: "$nic"
    driver: vfio-pci
cdi:
  mode: "0600"
END
expect_status "the same by a host file" 0 iov apply /tmp/host.yaml
expect_match "... has both devices" "$nic" "$(described)"
expect "... with its mode" 384 "$(gojq '.devices[0].containerEdits.deviceNodes[1].fileMode' $file)"
expect_status "... and again" 0 iov apply /tmp/host.yaml
expect_match "... has nothing to do" "nothing to do" "$out"
expect_match "the host as a file has it" "cdi:.*write: on.*mode: .?0600" "$(iov snapshot | tr '\n' ' ')"
sed -i '/mode/s/.*/  write: off/' /tmp/host.yaml
iov apply /tmp/host.yaml > /dev/null
expect "off takes it away" none "$(described)"
iov cdi write > /dev/null

expect "all that is listed is there" "true" "$(iov cdi list --json | gojq 'length > 1 and all(.current)')"
echo $nic > $pci/$nic/driver/unbind
expect "... and what somebody else took is not" "false" "$(
	iov cdi list --json | gojq --arg name $nic '.[] | select(.name == $name).current')"
iov cdi write > /dev/null
expect "written again it is gone" "$names" "$(described)"
expect_status "a file that is broken" 0 sh -c "echo '{' > $file"
expect_status "... is told" 1 iov cdi list
expect_match "... with what mends it" "iov cdi write" "$err"
expect_status "... and mended" 0 iov cdi write
expect "... whole" "$names" "$(described)"

# A container has this host's programs below its own /dev; its runtime wants version 2 of the control groups alone
umount -R /sys/fs/cgroup 2> /dev/null || :
mount -t cgroup2 none /sys/fs/cgroup
mkdir -p /tmp/root/{dev,proc,sys,run,tmp,usr,etc,var,opt,work,root}
for folder in usr etc; do mount --bind /$folder /tmp/root/$folder; done
for link in bin sbin lib lib64; do ln -s usr/$link /tmp/root/$link; done
build=$(dirname "$(dirname "$(command -v iov)")")
mkdir -p "/tmp/root$build"
mount --bind "$build" "/tmp/root$build"

container()
{
	timeout 100 podman --root /tmp/pod/root --runroot /tmp/pod/run --tmpdir /tmp/pod/tmp \
		--storage-driver vfs --cgroup-manager cgroupfs --events-backend none run --rm \
		--network none --cgroups disabled --log-driver none --security-opt seccomp=unconfined \
		--ulimit memlock=-1 "$@"
}

expect_status "a container by name" 0 container --device $kind=$edu --rootfs /tmp/root "$build/cli/iov" vfio dma $edu
expect_match "... drives the device" "as it should be" "$out"
expect_status "... and finds it by a variable" 0 \
	container --device $kind=$edu --rootfs /tmp/root /bin/sh -c 'echo $IOVKIT_VFIO_0000_01_00_0'
expect "... that has its node" "/dev/vfio/$(group_of $edu)" "$(tr -d '\r' <<< "$out")"
if [ -e /dev/iommu ]; then
	expect_status "by its own node" 0 container --device $kind=$edu-cdev --rootfs /tmp/root \
		"$build/cli/iov" vfio info $edu --json
	expect_match "... with iommufd" '"interface": *"iommufd"' "$out"
fi
expect_status "a container that was given none" 1 container --rootfs /tmp/root "$build/cli/iov" vfio info $edu
expect_match "... says that it is missing there" "missing in this /dev; a container" "$err"
expect_status "a name that is not described" 126 container --device $kind=$nic --rootfs /tmp/root /bin/true
expect_match "... is refused by podman" "unresolvable CDI devices $kind=$nic" "$err"

expect_status "no more" 0 iov cdi remove
expect "... no file" none "$(described)"
rmdir /run/cdi
touch /run/cdi
expect_status "a folder that is a file" 1 iov cdi write
expect_match "... is told once, with what to do" "^iov: /run/cdi: cannot write there: Not a directory;.*make it a folder" "$err"
expect "... by nothing else" 1 "$(wc -l <<< "$err")"
expect_status "... which other changes do not mind" 0 iov bind $edu --driver none
expect_status "... nor the list" 0 iov cdi list
rm /run/cdi
mkdir /run/cdi
mount -t tmpfs -o ro none /run/cdi
expect_status "a folder that cannot be written" 1 iov cdi write
expect_match "... is told" "/run/cdi: cannot write there: Read-only file system" "$err"
expect_status "... and nothing is kept" 0 iov cdi list
expect_match "... of it" "iov cdi write" "$err"
