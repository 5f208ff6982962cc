#!/bin/bash
. "$(dirname "$0")/lib/check.sh"
set +e
trap - ERR
pf=0000:01:00.0
modprobe vfio-pci
echo "=== bind misspelt"
time iov bind 0000:05:00.0 -d vfio; echo $?
time iov bind 0000:05:00.0 -d kvm; echo $?
time iov bind 0000:05:00.0 -d e1000e --force driver; echo $?
iov unbind 0000:05:00.0
time iov bind 0000:05:00.0 -d i2c_i801 --force driver; echo $?
time iov bind 0000:05:00.0 -d dummy --force driver; echo $?
lsmod | head -30
modprobe igbvf
echo 3 > $pci/$pf/sriov_numvfs
sleep 1
time timeout 100 iov reset $pf/all --timeout 5 2>&1; echo "status $?"
dmesg | tail -30
for p in $(pgrep iov); do echo "$p $(cat /proc/$p/comm) $(cat /proc/$p/wchan)"; cat /proc/$p/stack; done
iov log
ls /sys/module | head -100 | tr '\n' ' '
true
