#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: --topology minimal
# Mediated devices: types, life, definitions that mdevctl and iov both know, holders.
. "$(dirname "$0")/lib/check.sh"

for program in mdevctl gojq; do
	command -v $program > /dev/null || { echo "missing: $program"; exit 77; }
done
modprobe mtty && modprobe mdpy count=41 || { echo "missing: mtty and mdpy, scripts/setup builds them"; exit 77; }
mkdir -p /etc/mdevctl.d
mdevs=/sys/bus/mdev/devices
a=83b8f4f2-509f-382f-3c1e-e6bfe0fa1001 b=83b8f4f2-509f-382f-3c1e-e6bfe0fa1002
type_of() (cd -P "$mdevs/$1/mdev_type" 2> /dev/null && names "$PWD" || names none)
defined() { gojq -c "$2" "/etc/mdevctl.d/$1"; }

# What mdevctl says of types, in our form
theirs=$(mdevctl types --dumpjson | gojq -c '[.[] | to_entries[] | .key as $p | .value[] | to_entries[] |
	{parent: $p, type: .key, name: .value.name, device_api: .value.device_api,
	 available_instances: .value.available_instances}] | sort_by(.parent, .type)')
ours=$(iov mdev types --json | gojq -c '[.[] | {parent, type, name, device_api, available_instances}] |
	sort_by(.parent, .type)')
expect "types as mdevctl knows them" "$(gojq -c 'map(del(.name))' <<< "$theirs")" "$(gojq -c 'map(del(.name))' <<< "$ours")"
expect "of one parent" '["mtty"]' "$(iov mdev types mtty --json | gojq -c 'map(.parent) | unique')"
expect_match "a table for people" "mtty +mtty-2 .*vfio-pci +12 +0" "$(iov mdev types)"

expect_status "create" 0 iov mdev create $a --parent mtty --type mtty-2
expect "it is there" mtty-2 "$(type_of $a)"
expect_match "mdevctl sees it" "$a mtty mtty-2" "$(mdevctl list)"
expect_status "the same again" 0 iov mdev create ${a^^} --parent mtty --type mtty-2
expect_match "is nothing to do" "nothing to do" "$out"
expect_status "another type under the UUID" 1 iov mdev create $a --parent mtty --type mtty-1
expect_match "is refused with what is there" "$a: is there already, a mtty-2 of mtty" "$err"
expect_status "a dry run" 0 iov mdev create $b --parent mtty --type mtty-1 --dry-run
expect_match "names the write" "write '$b' to /sys/class/mdev_bus/mtty/mdev_supported_types/mtty-1/create" "$out"
expect "and makes nothing" none "$(type_of $b)"
new=$(iov mdev create --parent mtty --type mtty-1 --json | gojq -r '.steps[0].device')
expect "a new UUID is told" mtty-1 "$(type_of "${new#mdev/}")"
expect_status "its list" 0 iov mdev list --json
expect "has what the kernel has" "[\"$a\",\"mtty\",\"mtty-2\",\"active\",null,$(names "$(readlink $mdevs/$a/iommu_group)")]" \
	"$(gojq -c ".[] | select(.uuid == \"$a\") | [.uuid, .parent, .type, .state, .start, .iommu_group]" <<< "$out")"
expect_status "remove" 0 iov mdev remove "${new#mdev/}"
expect "it is gone" none "$(type_of "${new#mdev/}")"

# Bad input
expect_status "an unknown type" 4 iov mdev create --parent mtty --type mtty-3
expect_match "is told what was meant" "mtty-3: mtty has no such type; did you mean 'mtty-[12]'\? expected one of: mtty-1, mtty-2" "$err"
expect_status "an unknown parent" 4 iov mdev create --parent mttu --type mtty-1
expect_match "too" "mttu: no parent of mediated devices; did you mean 'mtty'\? there are: .*mtty" "$err"
expect_status "a UUID that is none" 2 iov mdev create 12345 --parent mtty --type mtty-1
expect_match "is told what one looks like" "12345: expected a UUID, like" "$err"
expect_status "an attribute that it has not" 1 iov mdev create $b --parent mtty --type mtty-1 --attribute speed=9
expect_match "is named" "speed: its type has no such attribute" "$err"
expect "and the device goes again" none "$(type_of $b)"
expect_status "an attribute that can only be read" 1 iov mdev set $a vendor/sample_mdev_dev=1
expect_match "is named, and nothing is left to recover" "write '1' to .*sample_mdev_dev: this attribute can only be read" "$err"
expect_status "the kernel's own is none" 2 iov mdev set $a remove=1
expect_status "remove what is not there" 4 iov mdev remove $b
expect_match "is named with what shows those that are" "$b: no such mediated device; 'iov mdev list'" "$err"
expect_status "more than there are" 1 iov mdev create --parent mtty --type mtty-2 --count 12
expect_match "says how many are left and who has the others" \
	"mtty-2: 11 instances are left on mtty, and more are asked for; there are: $a \(mtty-2\)" "$err"
expect_status "all that are left" 0 iov mdev create --parent mtty --type mtty-2 --count 11
expect_status "one more" 1 iov mdev create --parent mtty --type mtty-1
expect_match "says who has them" "mtty-1: no instance is left on mtty, which has given: .*$a \(mtty-2" "$err"
for uuid in $(iov mdev list --json | gojq -r ".[] | select(.uuid != \"$a\") | .uuid"); do
	iov mdev remove $uuid > /dev/null
done

expect "whether it can migrate is told" true \
	"$(iov vfio info $a --json | gojq -c '.features | any(. == "migration" or .name? == "migration")')"

# Who has it open
group=$(names "$(readlink $mdevs/$a/iommu_group)")
expect_status "attach knows it" 0 iov attach $a --vmm qemu
expect_match "by its path" "sysfsdev=.*$a" "$out"
for node in /dev/vfio/$group /dev/vfio/devices/*; do
	[ -c $node ] || continue
	exec {held}<> $node
	expect_status "removal while $node is open" 3 iov mdev remove $a
	expect_match "is refused with the process" "mdev/$a \(named\) is in use by pid $$ \(.*\) \[guard vfio-open\]" "$err"
	expect "and it stays" mtty-2 "$(type_of $a)"
	expect_match "the list says so" "pid $$" "$(iov mdev list --json | gojq -c ".[] | select(.uuid == \"$a\") | .used_by")"
	exec {held}>&-
done

# Definitions: ours for mdevctl, and mdevctl's for us
expect_status "define what is there" 0 iov mdev define $a --start auto
expect "mdevctl has it" "$a mtty mtty-2 auto (active)" "$(mdevctl list -d)"
expect "word for word" "$(mdevctl list -d -u $a --dumpjson | gojq -c .)" "$(gojq -c . /etc/mdevctl.d/mtty/$a)"
expect "and nothing beside it" "$a" "$(ls /etc/mdevctl.d/mtty)"
expect_status "once more" 0 iov mdev define $a
expect_match "is nothing to do" "nothing to do" "$out"
mdevctl modify -u $a --addattr=one --value=1
expect "what mdevctl adds we see" '[{"one":"1"}]' "$(iov mdev show $a --json | gojq -c '.[0].attributes')"
expect_status "define it anew" 0 iov mdev define $a --attribute two=2 --attribute two=3 --start manual
expect "mdevctl sees what we change" '["manual",[{"two":"2"},{"two":"3"}]]' \
	"$(mdevctl list -d -u $a --dumpjson | gojq -c '[.start, .attrs]')"
expect "still nothing beside it" "$a" "$(ls /etc/mdevctl.d/mtty)"
expect_status "define for a parent that is not there yet" 0 iov mdev define $b --parent 0000:7f:00.0 --type i915-GVTg_V5_4 --start auto
expect_match "mdevctl has it as well" "$b 0000:7f:00.0 i915-GVTg_V5_4 auto" "$(mdevctl list -d)"
expect_status "undefine" 0 iov mdev undefine $b
expect_match "mdevctl does not have it any more" "^$a mtty mtty-2 manual" "$(mdevctl list -d)"
expect_status "undefine what is not defined" 4 iov mdev undefine $b
mdevctl undefine -u $a
expect "what mdevctl undefines is not defined for us" null "$(iov mdev list --json | gojq -c '.[0].start')"
expect_status "remove it" 0 iov mdev remove $a

# Starting at boot: ours, or mdevctl's, whoever comes first
mdevctl define -u $a -p mtty -t mtty-1 --auto
mdevctl define -u $b -p mdpy -t mdpy-vga
expect_status "start what starts by itself" 0 iov mdev start
expect "it runs, the manual one does not" "mtty-1 none" "$(type_of $a) $(type_of $b)"
expect_status "again" 0 iov mdev start --parent mtty
expect_match "it is not started twice" "nothing to do" "$out"
expect_status "the other by its name" 0 iov mdev start $b
expect "it runs" mdpy-vga "$(type_of $b)"
iov mdev remove $a > /dev/null
mdevctl start -u $a
expect_status "after mdevctl started it" 0 iov mdev start
expect_match "nothing is to do" "nothing to do" "$out"
echo '{"mdev_type": "mtty-1"' > /etc/mdevctl.d/mtty/$b
expect_status "a file that is broken" 0 iov mdev list
expect_match "is named and left out" "left out: /etc/mdevctl.d/mtty/$b: expected a JSON object" "$err"
rm /etc/mdevctl.d/mtty/$b

# Killed, and recovered; undone by what is journalled
iov mdev remove $a > /dev/null
killed fsync 2 iov mdev create $a --parent mtty --type mtty-1 --define || :
iov recover > /dev/null
expect_match "recovery leaves nothing half done" "^(none|mtty-1)$" "$(type_of $a)"
expect_status "the log has it" 0 iov log
expect_match "by its UUID" "mediated device" "$out"

# A parent that disappears while its device is wanted
[ "$(type_of $a)" = none ] || iov mdev remove $a > /dev/null
iov mdev remove $b > /dev/null
rmmod mdpy
expect_status "a parent that is gone" 4 iov mdev start $b
expect_match "is named" "mdpy: no parent of mediated devices" "$err"
expect_status "one that starts by itself waits for it" 0 iov mdev start

# Forty made and defined, each side in turn
modprobe mdpy count=41
drop() { for uuid in "$mdevs"/*; do [ ! -e "$uuid" ] || echo 1 > "$uuid/remove"; done; rm -rf /etc/mdevctl.d/mdpy; }
milliseconds() { local begin=${EPOCHREALTIME/./}; "$@" > /dev/null; echo $(((${EPOCHREALTIME/./} - begin) / 1000)); }
by_mdevctl()
{
	local uuid
	for _ in {1..40}; do
		uuid=$(< /proc/sys/kernel/random/uuid)
		mdevctl start -u $uuid -p mdpy -t mdpy-vga
		mdevctl define -u $uuid
	done
}
by_iov() { iov mdev create --parent mdpy --type mdpy-vga --count 40 --define; }
drop
for round in 1 2; do
	we=$(milliseconds by_iov)
	expect "forty by iov are there and defined" "40 40" "$(ls $mdevs | wc -l) $(mdevctl list -d | grep -c "mdpy mdpy-vga auto")"
	drop
	they=$(milliseconds by_mdevctl)
	expect "forty by mdevctl" "40 40" "$(ls $mdevs | wc -l) $(ls /etc/mdevctl.d/mdpy | wc -l)"
	drop
	echo "forty created and defined, round $round: iov $we ms, mdevctl $they ms"
done

# The host as a file
cat > /tmp/host.yaml << YAML
mdevs:
  - uuid: $a
    parent: mtty
    type: mtty-2
  - uuid: $b
    parent: mdpy
    type: mdpy-vga
  - uuid: 83b8f4f2-509f-382f-3c1e-e6bfe0fa1003
    parent: 0000:7f:00.0
    type: i915-GVTg_V5_4
    absent: skip
YAML
expect_status "plan the file" 0 iov plan /tmp/host.yaml
expect_match "shows both" "mdev/$a.*mtty-2 of mtty.*mdev/$b.*mdpy-vga of mdpy" "$(tr '\n' ' ' <<< "$out")"
expect_status "apply it" 0 iov apply /tmp/host.yaml
expect "they are there" "mtty-2 mdpy-vga" "$(type_of $a) $(type_of $b)"
expect_status "again" 0 iov plan /tmp/host.yaml --exit-code
expect_match "the absent one is skipped" "mdevs\[2\].*parent 0000:7f:00.0 is absent, skipped" "$out$err"
iov snapshot > /tmp/snapshot.yaml
iov mdev remove $a > /dev/null && iov mdev remove $b > /dev/null
expect_status "apply the snapshot" 0 iov apply /tmp/snapshot.yaml
expect "they are there again" "mtty-2 mdpy-vga" "$(type_of $a) $(type_of $b)"
iov mdev remove $a > /dev/null
sed -i 's/mtty-2/mtty-9/' /tmp/host.yaml
expect_status "a type that is none" 4 iov plan /tmp/host.yaml
expect_match "is told with its line" "host.yaml:4: mdevs\[0\].type: mtty-9: mtty has no such type" "$err"
sed -i "s/uuid: $b/uuid: ${a^^}/" /tmp/host.yaml
expect_status "a UUID twice" 2 iov plan /tmp/host.yaml
expect_match "is told with its line" "host.yaml:5: mdevs\[1\].uuid: .* has this UUID already" "$err"
