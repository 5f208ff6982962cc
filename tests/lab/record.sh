#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab:
# A record says what the host says, but for what identifies it, and has who uses its functions.
. "$(dirname "$0")/lib/check.sh"

pf=0000:01:00.0 vf=0000:01:10.2
echo 4 > $pci/$pf/sriov_numvfs
iov bind $vf --driver vfio-pci > /dev/null
ip link set enp1s0 up
ip address add 192.0.2.77/24 dev enp1s0
ip route add default via 192.0.2.1
mac=$(< /sys/class/net/enp1s0/address)

# A process that is called as a guest's is, with a VF
(exec -a qemu-system-x86_64 /usr/bin/python3 -c 'import time; time.sleep(1000)' -name guest=payroll \
	< "/dev/vfio/$(group_of $vf)") &
holder=$!
sleep 1

# facts COMMAND...: JSON without what identifies
facts()
{
	iov "$@" --json | gojq -c 'walk(if type == "object" then
		del(.identity, .holder, .used_by, .recorded, .guest, .users, .path, .msix) else . end)'
}

expect_status "the host is recorded" 0 iov record /tmp/host.tar.gz
expect_match "and says so" "identities replaced" "$out"
expect_status "with identities as well" 0 iov record --with-identities /tmp/all.tar.gz
for record in /tmp/host.tar.gz /tmp/all.tar.gz; do
	expect "iov list of ${record##*/}" "$(facts list --all)" "$(facts --root $record list --all)"
	expect "iov group list of ${record##*/}" "$(facts group list)" "$(facts --root $record group list)"
	expect "the functions in iov map of ${record##*/}" "$(facts map | gojq -c .functions)" \
		"$(facts --root $record map | gojq -c .functions)"
	expect "who has what" "$(iov list --columns in-use --json | gojq -c 'map(.guards)')" \
		"$(iov --root $record list --columns in-use --json | gojq -c 'map(.guards)')"
done
expect "with identities they are those of the host" "$(iov list --json | gojq -c 'map(.identity)')" \
	"$(iov --root /tmp/all.tar.gz list --json | gojq -c 'map(.identity)')"

expect_match "the map names the guest and its process" "guest payroll, pid $holder" "$(iov map)"
expect_match "that of the record a number" "guest guest-1, pid $holder" "$(iov --root /tmp/host.tar.gz map)"
mkdir /tmp/unpacked
tar -C /tmp/unpacked -xf /tmp/host.tar.gz
for secret in "$mac" payroll "$(< /proc/sys/kernel/random/boot_id)"; do
	! grep -rqiF -- "$secret" /tmp/unpacked || fail "$secret is in the record"
done
expect "nothing of the site is in it" "" "$(find /tmp/unpacked -name "*${mac//:/}*")"
expect "the page of a record is a page" 2 "$(iov --root /tmp/host.tar.gz map --html | grep -c '<script')"
expect "nothing is left of it" "" "$(find /dev/shm /tmp -maxdepth 1 -name 'iov-record.*' 2> /dev/null)"

expect_status "somebody else records what is seen" 0 setpriv --reuid 65534 --clear-groups iov record /tmp/other.tar.gz
expect_match "and is told what is not" "not root: capabilities" "$err"
expect_match "which the map of it says" "only root sees them" "$(iov --root /tmp/other.tar.gz map)"
kill $holder
