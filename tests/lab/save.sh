#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: --topology minimal --device igb
# What a command did is in the host file, or none of it is: killed at any point, recovered, refused.
. "$(dirname "$0")/lib/check.sh"

pf=0000:01:00.0 file=/etc/iovkit/host.yaml
mkdir -p /etc/iovkit
cat > $file << END
# Ours
modules: [vfio-pci]   # for guests
devices:
  - device: $pf # the uplink
    irq: local
    # VFs follow
END
cp $file /tmp/ours.yaml

expect_status "a dry run" 0 iov vf create $pf --count 2 --save --dry-run
expect_match "shows the file" "$file.*[+]   devices\[0\].vfs.count: 2.*[+]   devices\[0\].vfs.driver: vfio-pci" "${out//$'\n'/ }"
expect "and changes nothing" "$(< /tmp/ours.yaml)" "$(< $file)"

expect_status "VFs, saved" 0 iov vf create $pf --count 2 --save
expect_status "one of them for the host" 0 iov bind 0000:01:10.2 --driver igbvf --save
expect_status "an attribute" 0 iov vf set $pf 0 --mac 02:00:00:00:00:01 --save
expect "the file says so" "# Ours
modules: [vfio-pci]   # for guests
devices:
  - device: $pf # the uplink
    irq: local
    vfs:
      count: 2
      driver: vfio-pci
      each:
        - index: 1
          driver: igbvf
        - index: 0
          mac: 02:00:00:00:00:01
    # VFs follow" "$(< $file)"
expect_status "again" 0 iov bind 0000:01:10.2 --driver igbvf --save
expect_match "nothing to do" "nothing to do" "$out"
sed -i '/irq: local/d' $file
expect_status "the host is as the file says" 0 iov plan --exit-code
iov vf remove $pf > /dev/null
expect_status "and becomes so again" 0 iov apply
expect "with the address" 02:00:00:00:00:01 "$(iov vf list $pf --json | gojq -r '.vfs[0].mac')"

# A guard refuses, a kernel refuses: nothing is written
cp $file /tmp/saved.yaml
exec 9<> /dev/vfio/"$(group_of 0000:01:10.0)"
expect_status "who is in use" 3 iov vf remove $pf --save
exec 9>&-
expect "is in the file still" "$(< /tmp/saved.yaml)" "$(< $file)"
echo 'devices: [' > $file
expect_status "a file that is wrong" 2 iov vf remove $pf --save
expect "is found before anything" 2 "$(< $pci/$pf/sriov_numvfs)"
cp /tmp/saved.yaml $file

# Killed at each moment, from before the journal to behind the last answer
state() { echo "$(iov vf list $pf --json | gojq -r '.vfs[0].vlan') $(driver_of 0000:01:10.0)"; cat $file; }
set_vlan=(iov vf set $pf 0 --vlan 7 --save --jobs 1)
before=$(state)
kills=0 kept=0

# judge WHAT: all was done and saved, or nothing
judge()
{
	iov recover > /dev/null
	if [ "$(iov vf list $pf --json | gojq -r '.vfs[0].vlan')" = 7 ]; then
		kept=$((kept + 1))
		grep -q 'vlan: 7' $file || fail "$1: done, and not saved: $(< $file)"
		iov vf set $pf 0 --vlan 0 > /dev/null
		cp /tmp/saved.yaml $file
	fi
	[ "$(state)" = "$before" ] || fail "$1: $(state)"
}

for call in fsync recv; do
	for ((number = 1, status = 137; status == 137; number++)); do
		status=0
		(KILLED=$call:$number LD_PRELOAD=$kill_library "${set_vlan[@]}"; exit $?) > /dev/null 2>&1 ||
			status=$?
		kills=$((kills + (status == 137)))
		judge "killed in $call $number"
	done
done
[ $kills -ge 5 ] || fail "only $kills kills"
# The child that writes the file is killed
for call in renameat linkat; do
	strace -f --seccomp-bpf -qq -o /dev/null -e "trace=$call" \
		-e "inject=$call:signal=SIGKILL:when=1" "${set_vlan[@]}" > /dev/null 2>&1 || :
	judge "the writer killed in $call"
done
echo "ok: $kills kills, of all that were tried $kept were done, the others not at all"
