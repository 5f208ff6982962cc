# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# A NIC of the kernel's simulator, which has what emulated NICs lack: switch modes, and
# every attribute of VFs. It is no PCI function.

sim=/sys/bus/netdevsim/devices/netdevsim10

# netdevsim VFS: the device, with that many VFs
netdevsim()
{
	local limit=/sys/kernel/debug/netdevsim/netdevsim10/max_vfs
	modprobe netdevsim 2> /dev/null || { echo "missing: netdevsim, scripts/setup builds it"; exit 77; }
	[ ! -e $sim ] || echo 10 > /sys/bus/netdevsim/del_device
	mountpoint -q /sys/kernel/debug || mount -t debugfs debugfs /sys/kernel/debug
	echo "10 1" > /sys/bus/netdevsim/new_device
	echo "$1" > $limit
	echo "$1" > $sim/sriov_numvfs
}

# pretend_pf VFS: in place of the host's PCI functions one PF, $pf, that has the device's
# interface and count of VFs. What is not read by netlink is made up.
pretend_pf()
{
	local functions vf directory
	pf=0000:42:00.0
	functions=$(mktemp -d)
	vf=$(mktemp -d)
	mkdir "$functions/$pf"
	for directory in "$functions/$pf" "$vf"; do
		echo 0x020000 > "$directory/class"
		{ printf '\x86\x80\x72\x15'; head -c 252 /dev/zero; } > "$directory/config"
	done
	ln -s $sim/sriov_numvfs $sim/net "$functions/$pf/"
	ln -s "$(readlink -f $sim/driver)" "$functions/$pf/driver"
	ln -s $pci/$pf "$vf/physfn"
	echo "$1" > "$functions/$pf/sriov_totalvfs"
	echo 8 > "$functions/$pf/sriov_offset"
	echo 1 > "$functions/$pf/sriov_stride"
	# one process, as starting hundreds takes its time here
	perl -e 'my ($functions, $pf, $like, $count) = @ARGV;
		for (0 .. $count - 1) {
			my $at = 0x4200 + 8 + $_;
			my $vf = sprintf("0000:%02x:%02x.%x", $at >> 8, $at >> 3 & 31, $at & 7);
			symlink($like, "$functions/$vf") &&
				symlink("../$vf", "$functions/$pf/virtfn$_") or die "$vf: $!";
		}' "$functions" $pf "$vf" "$1"
	mount --bind "$functions" $pci
}

# own_net: $pf has the interfaces in its own directory, as the guards follow no link there
own_net()
{
	rm $pci/$pf/net
	mkdir $pci/$pf/net
	mount --bind $sim/net $pci/$pf/net
}
