#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: --topology minimal --device gpu --device secondary-vga,romfile=vgabios-stdvga.bin --device edu
# A display goes to a guest with all of its slot; a vGPU's GPU is one that nobody here has.
. "$(dirname "$0")/lib/check.sh"

gpu=0000:01:00.0 second=0000:02:00.0 edu=0000:03:00.0
drivers() { for n in 0 1 2; do driver_of 0000:01:00.$n; done | paste -sd' ' -; }

expect "it is known by its class" "gpu true 0000:01:00.1,0000:01:00.2 shadowed" \
	"$(iov show $gpu --json | gojq -r '.device_class | "\(.name) \(.boot_vga) \(.slot | join(",")) \(.rom)"')"
expect "who else is one" gpu "$(iov show $second --json | gojq -r .device_class.name)"
expect "the kernel's words, from a line that never ends" "" \
	"$(iov show $second --json | gojq -r '.assignment.held_by[].holder')"
expect_status "the boot display" 3 iov bind $gpu --slot
expect_match "is refused by its name" "in use by the boot display \[guard boot-display\]" "$err"
expect "nothing changed" "none none none" "$(drivers)"
expect_match "checks tell what goes along" "0000:01:00.1, 0000:01:00.2 in its slot" "$(iov check $gpu || :)"
expect_match "and who shares VGA with it" "no other display shares the addresses of VGA" "$(iov check $gpu || :)"

expect_status "a wrong BAR" 2 iov bind $gpu --slot --bar 7=1G --force boot-display
expect_match "is told" "bar '7=1G': expected the number of a BAR, 0 to 5" "$err"
expect_status "a BAR that cannot be resized" 1 iov bind $gpu --slot --bar 0=32M --force boot-display
expect_match "is told" "BAR 0 cannot be resized" "$err"
expect_status "one that is not there" 2 iov bind $gpu --slot --bar 1=32M --force boot-display
expect "nothing changed" "none none none" "$(drivers)"

expect_status "all of it" 0 iov bind $gpu --slot --disable-vga --force boot-display
expect "audio and USB go along" "vfio-pci vfio-pci vfio-pci" "$(drivers)"
expect "VGA is left to the host" Y "$(< /sys/module/vfio_pci/parameters/disable_vga)"
expect_status "the same again" 0 iov bind $gpu --slot --disable-vga
expect_match "is nothing to do" "nothing to do" "$out"
expect_match "a snapshot has it" "disable_vga: on" "$(iov snapshot)"
expect_status "QEMU" 0 iov attach $gpu 0000:01:00.1 0000:01:00.2
expect_match "gets them" "host=$gpu.*host=0000:01:00.1.*host=0000:01:00.2" "$out"
expect_match "and the word of its ROM" "romfile=" "$err"
for vmm in libvirt cloud-hypervisor crosvm; do
	expect_status "$vmm, too" 0 iov attach $gpu 0000:01:00.1 --vmm $vmm
done

exec {held}<> "/dev/vfio/$(group_of $gpu)"
expect_status "while somebody has it" 3 iov unbind $gpu --slot
exec {held}<&-
expect_status "back" 0 iov unbind $gpu --slot
expect "all of it" 0 "$(drivers | grep -c vfio || :)"

# A device that is alone in its slot is reset, and has to come back
expect_status "a plan of it" 0 iov bind $edu --slot --dry-run --json
expect "has a reset and a look" "write answers" \
	"$(gojq -r '[.steps[-1].do[].op] | join(" ")' <<< "$out")"
expect_status "it" 0 iov bind $edu --slot
expect "has the driver" vfio-pci "$(driver_of $edu)"

cat > /tmp/host.yaml << END
devices:
  - device: $gpu
    driver: vfio-pci
    slot: on
    disable_vga: on
END
expect_status "as a file says it" 0 iov apply /tmp/host.yaml --force boot-display
expect "all of it" "vfio-pci vfio-pci vfio-pci" "$(drivers)"
expect_status "applied again" 0 iov apply /tmp/host.yaml
expect_match "is nothing to do" "nothing to do" "$out"
expect_status "a second display" 0 iov bind $second --slot
expect_status "goes to a guest, too" 0 iov attach $second
expect "with a ROM that can be read" "" "$err"
iov unbind $second > /dev/null
killed request 2 iov bind $second --slot
expect_status "undo" 0 iov recover
expect "a killed one is as before" none "$(driver_of $second)"
