#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: --topology minimal --device igb
# A host becomes what its file says and is written as one; a file that is wrong, or
# changed meanwhile, changes nothing.
. "$(dirname "$0")/lib/check.sh"

command -v strace > /dev/null || { echo "missing: strace"; exit 77; }
pf=0000:01:00.0
work=$(mktemp -d)
file=$work/host.yaml
netdev=$(names $pci/$pf/net/*)
identity=mac=$(< "/sys/class/net/$netdev/address")

# iov apply, and how often it wrote to sysfs, procfs and its journal
traced() { strace -f --seccomp-bpf -y -qq -e trace=write,pwrite64,sendto -o "$work/trace" iov apply "$@"; }
written() { grep -cE '<(/sys|/proc|/var/lib/iovkit)/' "$work/trace" || true; }

cat > "$file" <<- EOF
	modules: [vfio-pci]
	huge_pages:
	  - {size: 2M, count: 8}
	devices:
	  - name: uplink
	    device: $identity
	    mtu: 1400
	    vfs:
	      count: 3
	      driver: vfio-pci
	      each:
	        - index: 0
	          mac: 02:00:00:00:00:01
	          vlan: 100
	          trust: on
	        - index: 2
	          driver: native
	  - device: slot=77
	    absent: skip
EOF
before=$(iov snapshot)
expect_status "plan" 10 iov plan "$file" --exit-code
expect_match "it shows what would change" "vfs: 3" "$out"
expect "and changes nothing" "$before" "$(iov snapshot)"
expect_status "apply" 0 traced "$file"
[ "$(written)" -gt 10 ] || fail "only $(written) writes were seen"
expect "the MTU" 1400 "$(< "/sys/class/net/$netdev/mtu")"
expect "drivers of the VFs" "vfio-pci vfio-pci igbvf" \
	"$(for n in 0 2 4; do driver_of 0000:01:10.$n; done | paste -sd' ' -)"
expect "attributes of a VF" "02:00:00:00:00:01 100 true" \
	"$(iov vf list $pf --json | gojq -r '.vfs[0] | "\(.mac) \(.vlan) \(.trust)"')"
expect_status "apply again" 0 traced "$file"
expect_match "nothing to do" "nothing to do" "$out"
expect "and nothing is written" 0 "$(written)"

expect_status "snapshot" 0 iov snapshot --output "$work/new/snapshot.yaml"
expect_match "it names the device by what it is" "$identity" "$(< "$work/new/snapshot.yaml")"
expect_status "nothing differs from it" 0 iov plan "$work/new/snapshot.yaml" --exit-code
expect_status "a file is not replaced" 1 iov snapshot --output "$work/new/snapshot.yaml"
iov vf remove $pf > /dev/null
ip link set "$netdev" mtu 1500
sysctl -q vm.nr_hugepages=0
expect_status "what was lost is told" 10 iov plan "$work/new/snapshot.yaml" --exit-code
expect_status "and comes back" 0 iov apply "$work/new/snapshot.yaml"
expect "all of it" "$(< "$work/new/snapshot.yaml")" "$(iov snapshot)"

# What only the host can tell to be wrong
state=$(iov snapshot)
refused()
{
	local status=$1 what=$2 pattern=$3
	cat > "$work/bad.yaml"
	expect_status "$what" "$status" iov apply "$work/bad.yaml"
	expect_match "its line and what was expected" "^iov: $work/bad.yaml:$pattern" "$err"
}
refused 2 "more VFs than the device has" "4: devices\[0\].vfs.count: .*at most 7" <<- EOF
	devices:
	  - device: $identity
	    vfs:
	      count: 8
EOF
refused 2 "two names of one PF" "3: devices\[1\].device: " <<- EOF
	devices:
	  - device: $identity
	  - device: $netdev
EOF
refused 4 "a device that is absent" "2: devices\[0\].device: .*slot=77" <<- EOF
	devices:
	  - device: slot=77
	  - device: $identity
	    mtu: 1300
EOF
refused 2 "a MAC twice" "6: devices\[0\].vfs.each\[1\].mac: " <<- EOF
	devices:
	  - device: $identity
	    vfs: {count: 3, each: [
	      {index: 0, mac: 02:00:00:00:00:01},
	      {index: 1,
	       mac: 02:00:00:00:00:01}]}
EOF
expect "nothing was changed" "$state" "$(iov snapshot)"

sed 's/mtu: 1400/mtu: 60000/' "$file" > "$work/wide.yaml"
expect_status "an MTU that the driver does not take" 2 iov plan "$work/wide.yaml"
expect_match "... and its range" "mtu: MTU 60000: the driver of $netdev takes [0-9]+ to [0-9]+" "$err"

# While apply waits for another change, somebody edits the file, which is read under the lock.
mkfifo "$work/release"
flock /var/lib/iovkit/lock cat "$work/release" > /dev/null &
sed 's/mtu: 1400/mtu: 1300/' "$file" > "$work/edited.yaml"
iov apply "$work/edited.yaml" > "$work/out" 2>&1 &
apply=$!
for ((i = 0; i < 100; i++)); do
	grep -q waiting "$work/out" && break
	sleep 0.1
done
sed -i 's/mtu: 1300/mtu: 1200/' "$work/edited.yaml"
: > "$work/release"
status=0
wait $apply || status=$?
expect "a file that was changed meanwhile is applied" 0 "$status"
expect "as it is then" 1200 "$(< "/sys/class/net/$netdev/mtu")"
expect "and a second time there is nothing to do" 0 "$(iov plan "$work/edited.yaml" --exit-code > /dev/null; echo $?)"
