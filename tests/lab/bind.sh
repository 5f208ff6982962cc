#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# iov bind and unbind of a VF: what is printed is what is written, twice is once, and back is as before.
. "$(dirname "$0")/lib/check.sh"

vf=0000:01:10.0 other=0000:01:10.2
echo 2 > $pci/0000:01:00.0/sriov_numvfs

# The state of every function as far as binding touches it
state()
{
	stat -c %N $pci/*/driver
	grep . $pci/*/driver_override
}

# Writes of a dry run as "PATH TEXT", the paths without links
planned()
{
	local value path
	"$@" --dry-run --json | gojq -r '.steps[].do[] | select(.op == "write") | .path + " " + (.value | rtrimstr("\n"))' |
		while read -r path value; do
			echo "$(realpath "/$path") $value"
		done
}

# Writes to sysfs of a run as the kernel sees them
written()
{
	strace -qq -f --seccomp-bpf -y -e trace=write -e signal=none -o /tmp/trace "$@" > /dev/null
	sed -nE 's|^[0-9]+ +write\([0-9]+<(/sys/[^>]*)>, "(.*)", [0-9]+\) += [0-9]+$|\1 \2|p' /tmp/trace |
		sed 's/\\n$//'
}

before=$(state)
modprobe vfio-pci
plan=$(planned iov bind $vf --driver vfio-pci)
expect "a dry run changes nothing" "$before" "$(state)"
expect "the override comes first" "$(realpath $pci/$vf)/driver_override vfio-pci" "$(head -n 1 <<< "$plan")"
expect "what is printed is what is written" "$plan" "$(written iov bind $vf --driver vfio-pci)"
expect "the driver" vfio-pci "$(driver_of $vf)"
expect "a second time nothing is written" "" "$(written iov bind $vf --driver vfio-pci)"
expect "QEMU's arguments" "-device vfio-pci,host=$vf,id=iov-$(tr :. - <<< $vf)" "$(iov attach $vf --vmm qemu)"
expect_status "not those of a VF with another driver" 1 iov attach $other --vmm qemu
expect_match "with what to do" "iov bind $other --driver vfio-pci" "$err"

plan=$(planned iov unbind $vf)
expect "unbinding writes what it prints, too" "$plan" "$(written iov unbind $vf)"
expect "the host is as before" "$before" "$(state)"
expect "a second time nothing is written" "" "$(written iov unbind $vf)"

iov bind $vf $other 0000:05:00.0 --driver vfio-pci
expect "several in one plan" "vfio-pci vfio-pci vfio-pci" \
	"$(driver_of $vf) $(driver_of $other) $(driver_of 0000:05:00.0)"
iov unbind $vf $other 0000:05:00.0
expect "all are as before, also without a driver" "$before" "$(state)"

# refused STATUS MESSAGE COMMAND...: and nothing changed
refused()
{
	expect_status "${*:3}" "$1" "${@:3}"
	expect_match "says why" "$2" "$err"
	expect "in one line" 1 "$(wc -l <<< "$err")"
	expect "and changed nothing" "$before" "$(state)"
}

refused 4 '0000:09:00.0: no such PCI function' iov bind 0000:09:00.0 --driver vfio-pci
refused 4 'nonsense: neither a PCI address' iov bind nonsense --driver vfio-pci
expect "what is named twice is bound once" 1 "$(iov bind $vf $vf --driver vfio-pci --dry-run | grep -c '+ *driver: vfio-pci')"
refused 2 '0000:00:01.0: is a bridge' iov bind 0000:00:01.0 --driver vfio-pci
refused 4 'no-such: no such driver, and no module' iov bind $vf --driver no-such
refused 4 'vfio: no such driver: the module of that name drives no PCI functions' iov bind $vf --driver vfio
refused 4 'dummy: no such driver: the module of that name drives no' iov bind $vf --driver dummy --force=driver
modprobe i2c_i801
before=$(state)
refused 4 'i2c_i801: no such driver.*did you mean i801_smbus' iov bind $vf --driver i2c_i801 --force=driver
refused 1 'has 2 VFs.*iov vf remove 0000:01:00.0' iov bind 0000:01:00.0 --driver vfio-pci
refused 2 'the driver igb does not know this device.*--force=driver' iov bind 0000:05:00.0 --driver igb
refused 1 'cannot bind .*the host is as it was before' iov bind 0000:05:00.0 --driver igb --force=driver
refused 1 'needs root.*sudo' setpriv --reuid=65534 --clear-groups "$(command -v iov)" bind $vf --driver vfio-pci
