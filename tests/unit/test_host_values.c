// SPDX-License-Identifier: GPL-2.0-or-later
/* Values of a host file that cannot be right, whatever the host is. */
#include "tests/unit/test.h"

#include <errno.h>
#include <stdio.h>

#include "tests/unit/host_text.h"

#define DEVICE "devices:\n- device: a\n"
#define VFS DEVICE "  vfs:\n    count: 2\n"
#define EACH VFS "    each:\n    - index: 0\n"

static void values_out_of_range_are_refused(void **state)
{
	static const struct refusal refusals[] = {
		{ "version: 2\n", "host.yaml:1: version: 2: expected a number from 1 to 1" },
		{ "modules: [a/b]\n", "host.yaml:1: modules[0]: 'a/b': expected a name: 1 to 63 "
		  "letters, digits, dots, underscores and dashes, no dot in front" },
		{DEVICE "  driver: ../x\n",
		 "host.yaml:3: devices[0].driver: '../x': expected a name: 1 to "
		 "63 letters, digits, dots, underscores and dashes, no dot in front" },
		{DEVICE "  mtu: 67\n",
		 "host.yaml:3: devices[0].mtu: 67: expected a number from 68 to "
		 "65535" },
		{DEVICE "  eswitch: on\n",
		 "host.yaml:3: devices[0].eswitch: 'on': expected legacy or switchdev" },
		{VFS "    attributes: [vlan]\n",
		 "host.yaml:5: devices[0].vfs.attributes[0]: 'vlan': expected NAME=VALUE, like "
		 "max-rate=100" },
		{VFS "    attributes: [colour=red]\n",
		 "host.yaml:5: devices[0].vfs.attributes[0]: colour: no device class has such a VF "
		 "attribute; 'iov plugin list' shows what each has" },
		{EACH "      attributes: [max-rate=1, qos=8]\n",
		 "host.yaml:7: devices[0].vfs.each[0].attributes[1]: qos '8': expected a VLAN priority "
		 "from 0 to 7" },
		{DEVICE "  steer: [{to: vf1}]\n",
		 "host.yaml:3: devices[0].steer[0]: a rule without mac and vlan would take every frame; "
		 "expected one of them or both" },
		{DEVICE "  steer: [{vlan: 5, to: port1}]\n",
		 "host.yaml:3: devices[0].steer[0]: to 'port1': expected vf and its index, like vf3, or "
		 "queue and its number, like queue2" },
		{DEVICE "  steer: [{vlan: 5, to: vf1}, {vlan: 5, to: vf2}]\n",
		 "host.yaml:3: devices[0].steer[1]: 'any address in VLAN 5': devices[0].steer[0] has this "
		 "rule of devices[0].steer already, line 3; expected it once" },
		{EACH "      vlan: 4095\n",
		 "host.yaml:7: devices[0].vfs.each[0].vlan: vlan '4095': "
		 "expected a VLAN ID from 1 to 4094, or 0 for no VLAN" },
		{VFS "    qos: 8\n",
		 "host.yaml:5: devices[0].vfs.qos: qos '8': expected a VLAN priority "
		 "from 0 to 7" },
		{VFS "    vlan_protocol: 802.1q\n",
		 "host.yaml:5: devices[0].vfs.vlan_protocol: '802.1q': "
		 "expected 802.1Q or 802.1ad" },
		{VFS "    link_state: up\n",
		 "host.yaml:5: devices[0].vfs.link_state: link-state 'up': "
		 "expected 'auto', 'enable' or 'disable'" },
		{VFS "    msix: 0\n",
		 "host.yaml:5: devices[0].vfs.msix: 0: expected a number from 1 to "
		 "2048" },
		{VFS "    max_rate: 10\n    each:\n    - index: 1\n      min_rate: 11\n",
		 "host.yaml:8: devices[0].vfs.each[0].min_rate: 11: expected at most max_rate, "
		 "which is "
		 "10" },
		{EACH "      mac: 01:00:5e:00:00:01\n",
		 "host.yaml:7: devices[0].vfs.each[0].mac: mac "
		 "'01:00:5e:00:00:01': a multicast address; expected a unicast one, whose first "
		 "byte is "
		 "even, like 02:00:00:00:00:01" },
		{EACH "      mac: 00:00:00:00:00:00\n",
		 "host.yaml:7: devices[0].vfs.each[0].mac: mac "
		 "'00:00:00:00:00:00': the zero address; expected a unicast one like "
		 "02:00:00:00:00:01" },
		{EACH "      mac: 02:00:00:00:01\n",
		 "host.yaml:7: devices[0].vfs.each[0].mac: mac "
		 "'02:00:00:00:01': expected six hexadecimal bytes like 02:00:00:00:00:01" },
		{VFS "    each:\n    - index: 2\n",
		 "host.yaml:6: devices[0].vfs.each[0].index: 2: expected "
		 "less than count, which is 2; the first VF is 0" },
		{ "devices:\n- device: a/vf1\n  vfs: {count: 1}\n", "host.yaml:3: "
		  "devices[0].vfs: 'a/vf1' is a VF; expected VFs of a PF" },
		{ "devices:\n- device: seral=1\n", "host.yaml:2: devices[0].device: 'seral=1': "
		  "expected serial=, mac=, slot= or path= and a value, an address like "
		  "0000:01:00.0 or a network interface; 'iov show' prints the names of a device" },
		{ "devices:\n- device: mac=\n", "host.yaml:2: devices[0].device: 'mac=': "
		  "expected serial=, mac=, slot= or path= and a value, an address like "
		  "0000:01:00.0 or a network interface; 'iov show' prints the names of a device" },
		{ "devices:\n- device: a\n  name: up link\n", "host.yaml:3: devices[0].name: 'up "
		  "link': expected a name: 1 to 63 letters, digits, dots, underscores and "
		  "dashes, no dot in front" },
	};

	(void)state;
	ASSERT_REFUSED(refusals);
}

static void interrupts_go_by_a_policy_or_to_cpus(void **state)
{
	static const char *const good[] = { "local", "spread", "0", "0-3", "0-3,8,10-11" };
	static const char *const bad[] = { "Local",
					  "3-1",
					  "0,",
					  ",1",
					  "-1",
					  "1-",
					  "0--2",
					  "1;2",
					  "65536",
					  "all",
					  "99999999999999999999999" };
	char text[128], message[256];

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		snprintf(text, sizeof(text), DEVICE "  irq: %s\n", good[i]);
		loaded(text);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		snprintf(text, sizeof(text), DEVICE "  irq: '%s'\n", bad[i]);
		snprintf(message, sizeof(message),
			 "host.yaml:3: devices[0].irq: '%s': expected local, "
			 "spread or a list of CPUs like 0-3,8",
			 bad[i]);
		assert_int_equal(load(text), -EINVAL);
		assert_string_equal(iov_error_message(iov), message);
	}
}

static void what_only_one_may_have_is_refused_twice(void **state)
{
	static const struct refusal refusals[] = {
		{ "devices:\n- device: serial=AB\n- device: serial=ab\n", "host.yaml:3: "
		  "devices[1].device: 'serial=ab': devices[0].device has this device already, "
		  "line 2; expected it once" },
		{ "devices:\n- device: 0000:01:00.0\n- device: 01:00.0\n", "host.yaml:3: "
		  "devices[1].device: '0000:01:00.0': devices[0].device has this device already, "
		  "line 2; expected it once" },
		{ "devices:\n- {name: up, device: a}\n- name: up\n  device: b\n", "host.yaml:3: "
		  "devices[1].name: 'up': devices[0].name has this name already, line 2; "
		  "expected it once" },
		{EACH "      mac: 02:00:00:00:00:0a\n- device: b\n  vfs:\n    count: 1\n    each:\n"
		      "    - {index: 0, mac: 02:00:00:00:00:0A}\n",
		 "host.yaml:12: devices[1].vfs.each[0].mac: "
		 "'02:00:00:00:00:0a': devices[0].vfs.each[0].mac has this MAC already, line 7; "
		 "expected "
		 "it once" },
		{EACH "    - index: 0\n",
		 "host.yaml:7: devices[0].vfs.each[1].index: 0 is here twice; "
		 "expected each VF once" },
		{ "huge_pages:\n- {size: 2M, count: 1}\n- {size: 2M, count: 2}\n", "host.yaml:3: "
		  "huge_pages[1]: '2M': huge_pages[0] has this size already, line 2; expected it "
		  "once" },
		{ "huge_pages:\n- {size: 2M, node: 1, count: 1}\n- {size: 2M, node: 1, count: 2}\n",
		  "host.yaml:3: huge_pages[1]: '2M of node 1': huge_pages[0] has this size and "
		  "node already, line 2; expected it once" },
		{ "huge_pages:\n- {size: 2M, node: 1, count: 1}\n- {size: 2M, count: 2}\n",
		  "host.yaml:2: huge_pages[0]: pages of 2M are counted for the whole host by "
		  "huge_pages[1]; expected either that or nodes" },
	};

	(void)state;
	ASSERT_REFUSED(refusals);
	loaded(EACH "- device: b\n  vfs: {count: 1, each: [{index: 0}]}\n");
	loaded("huge_pages:\n- {size: 2M, node: 0, count: 1}\n- {size: 2M, node: 1, count: 1}\n"
	       "- {size: 1G, count: 1}\n");
}

static void huge_pages_have_a_power_of_two(void **state)
{
	static const char *const bad[] = { "2", "2m",     "2MB", "3M",  "0M",
					  "M", "2048kB", "-2M", "2 M", "02M" };
	char text[128], message[256];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		snprintf(text, sizeof(text), "huge_pages:\n- count: 1\n  size: %s\n", bad[i]);
		snprintf(message, sizeof(message),
			 "host.yaml:3: huge_pages[0].size: '%s': expected the size "
			 "of a huge page, like 2M or 1G",
			 bad[i]);
		assert_int_equal(load(text), -EINVAL);
		assert_string_equal(iov_error_message(iov), message);
	}
}

#define BRIDGES "iovd:\n  bridges:\n  - name: b\n  - {name: w, kind: wire}\n  ports:\n"
#define GUEST(name, bridge) \
	"  - {name: " name ", type: vhost-user, socket: /s/" name ", bridge: " bridge "}\n"

static void iovd_gets_ports_that_it_would_take(void **state)
{
	static const struct refusal refusals[] = {
		{BRIDGES "  - {name: a, type: tap}\n",
		 "host.yaml:6: iovd.ports[0].type: 'tap': expected "
		 "vhost-user or ethdev" },
		{BRIDGES "  - {name: a, type: vhost-user}\n",
		 "host.yaml:6: iovd.ports[0]: a vhost-user "
		 "port: expected a socket, no device, no zero_copy and mtu, which are a device's" },
		{BRIDGES "  - {name: a, type: vhost-user, socket: /x, zero_copy: on}\n",
		 "host.yaml:6: iovd.ports[0]: a vhost-user "
		 "port: expected a socket, no device, no zero_copy and mtu, which are a device's" },
		{BRIDGES "  - {name: a, type: vhost-user, socket: /x, mtu: 1500}\n",
		 "host.yaml:6: iovd.ports[0]: a vhost-user "
		 "port: expected a socket, no device, no zero_copy and mtu, which are a device's" },
		{BRIDGES "  - {name: a, type: ethdev, device: b, mtu: 67}\n",
		 "host.yaml:6: iovd.ports[0].mtu: 67, expected 68 to 65535" },
		{BRIDGES "  - {name: a, type: ethdev, device: b, mtu: 65536}\n",
		 "host.yaml:6: iovd.ports[0].mtu: 65536, expected 68 to 65535" },
		{BRIDGES "  - {name: a, type: ethdev, device: b, server: on}\n",
		 "host.yaml:6: "
		 "iovd.ports[0]: an ethdev port: expected a device, no socket and no server" },
		{BRIDGES "  - {name: a, type: ethdev, device: b, queue_pairs: 2}\n",
		 "host.yaml:6: iovd.ports[0]: an ethdev port: expected no queue_pairs, mac, "
		 "standby, any_memory and iommu, which are of a guest" },
		{BRIDGES "  - {name: a, type: ethdev, device: b, any_memory: on}\n",
		 "host.yaml:6: iovd.ports[0]: an ethdev port: expected no queue_pairs, mac, "
		 "standby, any_memory and iommu, which are of a guest" },
		{BRIDGES "  - {name: a, type: ethdev, device: b, iommu: on}\n",
		 "host.yaml:6: iovd.ports[0]: an ethdev port: expected no queue_pairs, mac, "
		 "standby, any_memory and iommu, which are of a guest" },
		{BRIDGES "  - {name: a, type: vhost-user, socket: /x, queue_pairs: 128}\n",
		 "host.yaml:6: iovd.ports[0].queue_pairs: 128, expected 1 to 127" },
		{BRIDGES "  - {name: a, type: vhost-user, socket: /x, standby: on}\n",
		 "host.yaml:6: iovd.ports[0]: standby: expected the mac of the VF that it stands "
		 "by for" },
		{BRIDGES "  - {name: a, type: vhost-user, socket: x}\n",
		 "host.yaml:6: "
		 "iovd.ports[0].socket: 'x': expected a full path of at most 107 bytes" },
		{BRIDGES GUEST("a", "c"),
		 "host.yaml:6: iovd.ports[0].bridge: 'c': no such bridge; expected "
		 "one of iovd.bridges" },
		{BRIDGES GUEST("a", "w") GUEST("b", "w") GUEST("c", "w"),
		 "host.yaml:8: "
		 "iovd.ports[2].bridge: w is a wire and has two ports already; expected a switch "
		 "for "
		 "more, iovd.bridges[1].kind" },
		{BRIDGES GUEST("a", "b") GUEST("a", "b"),
		 "host.yaml:7: iovd.ports[1].name: 'a': "
		 "iovd.ports[0].name has this port or disk name already, line 6; expected it once" },
		{ "iovd:\n  bridges:\n  - name: b\n  - name: b\n", "host.yaml:4: "
		  "iovd.bridges[1].name: 'b': iovd.bridges[0].name has this bridge name already, "
		  "line 3; expected it once" },
		{ "iovd:\n  bridges:\n  - {name: b, kind: hub}\n", "host.yaml:3: "
		  "iovd.bridges[0].kind: 'hub': expected switch or wire" },
		{ "iovd:\n  bridges:\n  - {name: b, age: 9}\n", "host.yaml:3: "
		  "iovd.bridges[0].age: 9, expected 10 to 1000000 seconds" },
		{ "iovd:\n  bridges:\n  - {name: b, kind: wire, age: 20}\n", "host.yaml:3: "
		  "iovd.bridges[0].age: a wire learns nothing: expected no age" },
		{ "iovd:\n  bridges:\n  - {name: b, stations: 15}\n", "host.yaml:3: "
		  "iovd.bridges[0].stations: 15, expected 16 to 1048576" },
		{ "iovd:\n  bridges:\n  - {name: b, kind: wire, stations: 20}\n", "host.yaml:3: "
		  "iovd.bridges[0].stations: a wire learns nothing: expected no stations" },
		{ "iovd:\n  bridges:\n  - {name: b, kind: wire, reserved: on}\n", "host.yaml:3: "
		  "iovd.bridges[0].reserved: a wire passes what is reserved for bridges: expected no "
		  "switch" },
		{ BRIDGES "  - {name: a, type: vhost-user, socket: /x, rules: {rx_rate: 1G}}\n",
		  "host.yaml:6: iovd.ports[0].rules.rx_rate: '1G': expected a decimal number from 0 to "
		  "999999999999999" },
		{ BRIDGES "  - {name: a, type: vhost-user, socket: /x, rules: {vlam: none}}\n",
		  "host.yaml:6: iovd.ports[0].rules: unknown key 'vlam'; did you mean 'vlan'?" },
		{ "devices:\n- {name: up, device: a, vfs: {count: 2}}\n" BRIDGES "  - {name: a, "
		  "type: ethdev, device: up/vf2}\n", "host.yaml:8: iovd.ports[0].device: "
		  "'up/vf2': up has 2 VFs; the first is vf0" },
	};

	(void)state;
	ASSERT_REFUSED(refusals);
	loaded(BRIDGES GUEST("a", "w") GUEST("b", "w") GUEST("c", "b") GUEST("d", "b")
		       GUEST("e", "b"));
}

#define DISKS "iovd:\n  disks:\n"
#define DISK(rest) DISKS "  - {name: a, socket: /x, " rest "}\n"
#define AT "host.yaml:3: iovd.disks[0]"

static void iovd_gets_disks_that_it_would_take(void **state)
{
	static const char long_serial[] = DISK("file: /f, serial: 123456789012345678901");
	static const struct refusal refusals[] = {
		{ DISKS "  - {name: a, file: /f}\n", "host.yaml:3: iovd.disks[0]: key 'socket' is missing" },
		{ DISKS "  - {socket: /x, file: /f}\n", "host.yaml:3: iovd.disks[0]: key 'name' is missing" },
		{ DISKS "  - {name: a/b, socket: /x, file: /f}\n", AT ".name: 'a/b': expected a name: 1 to 63 "
		  "letters, digits, dots, underscores and dashes, no dot in front" },
		{ DISKS "  - {name: a, socket: x, file: /f}\n",
		  AT ".socket: 'x': expected a full path of at most 107 bytes" },
		{ DISK("server: on"),
		  AT ": expected one of file, nbd, nvme, memory and null: where the disk's data is" },
		{ DISK("file: /f, memory: 1G"),
		  AT ": expected one of file, nbd, nvme, memory and null: where the disk's data is" },
		{ DISK("file: /f, nbd: \"nbd://192.0.2.7/\""),
		  AT ": expected one of file, nbd, nvme, memory and null: where the disk's data is" },
		{ DISK("nbd: /run/nbd"), AT ".nbd: '/run/nbd': expected a URI that begins with nbd:// or "
		  "nbd+unix://" },
		{ DISK("nbd: \"nbds://192.0.2.7/\""), AT ".nbd: 'nbds://192.0.2.7/': expected a URI that begins "
		  "with nbd:// or nbd+unix://" },
		{ DISK("nbd: \"nbd://192.0.2.7/\"")
		  "  - {name: b, socket: /y, nbd: \"nbd://192.0.2.7/\"}\n", "host.yaml:4: iovd.disks[1].nbd: "
		  "'nbd://192.0.2.7/': iovd.disks[0].nbd has this writable export already, line 3; expected it once" },
		{ DISK("memory: 1G, null: 1G"),
		  AT ": expected one of file, nbd, nvme, memory and null: where the disk's data is" },
		{ DISK("file: /f, nvme: 0000:01:00.0"),
		  AT ": expected one of file, nbd, nvme, memory and null: where the disk's data is" },
		{ DISK("nvme: 0000:01:00.0/1") "  - {name: b, socket: /y, nvme: 0000:01:00.0/1}\n",
		  "host.yaml:4: iovd.disks[1].nvme: '0000:01:00.0/1': iovd.disks[0].nvme has this NVMe "
		  "namespace already, line 3; expected it once" },
		{ DISK("file: f.img"), AT ".file: 'f.img': expected a full path" },
		{ DISK("memory: 1.5G"), AT ".memory: '1.5G': expected a size such as 4096, 512M or 10G, a "
		  "multiple of 512" },
		{ DISK("memory: 0"), AT ".memory: '0': expected a size such as 4096, 512M or 10G, a "
		  "multiple of 512" },
		{ DISK("null: 1000"), AT ".null: '1000': expected a size such as 4096, 512M or 10G, a "
		  "multiple of 512" },
		{ DISK("null: 9999999T"), AT ".null: '9999999T': expected a size such as 4096, 512M or 10G, a "
		  "multiple of 512" },
		{ DISK("memory: 1G, zone_size: 100"), AT ".zone_size: '100': expected a size such as 4096, "
		  "512M or 10G, a multiple of 512" },
		{ DISK("null: 1G, zone_size: 1M"), AT ".zone_size: '1M': expected a disk in memory to have "
		  "it" },
		{ long_serial, AT ".serial: '123456789012345678901': expected up to 20 letters, digits and "
		  "signs" },
		{ DISK("file: /f, serial: a b"), AT ".serial: 'a b': expected up to 20 letters, digits and "
		  "signs" },
		{ DISK("file: /f, queues: 0"), AT ".queues: 0: expected a number from 1 to 256" },
		{ DISK("file: /f, queues: 257"), AT ".queues: 257: expected a number from 1 to 256" },
		{ DISK("file: /f, on_error: stop"), AT ".on_error: 'stop': expected report or wait" },
		{ DISK("file: /f, socket_mode: 0600"), AT ": socket_mode and socket_owner: expected a "
		  "server, which makes the socket" },
		{ DISK("file: /f, capacity: 10G"), AT ": unknown key 'capacity'; expected one of: name, socket, "
		  "server, socket_mode, socket_owner, file, nbd, nvme, memory, null, zone_size, read_only, cached, "
		  "io_poll, register_memory, serial, queues, on_error, qos, any_memory" },
		{ DISK("file: /f, read_olny: on"), AT ": unknown key 'read_olny'; did you mean "
		  "'read_only'?" },
		{ DISK("file: /f") "  - {name: b, socket: /y, file: /f}\n", "host.yaml:4: "
		  "iovd.disks[1].file: '/f': iovd.disks[0].file has this writable file already, line 3; "
		  "expected it once" },
		{ DISK("file: /f") "  - {name: a, socket: /y, file: /g}\n", "host.yaml:4: "
		  "iovd.disks[1].name: 'a': iovd.disks[0].name has this port or disk name already, line 3; "
		  "expected it once" },
		{ BRIDGES GUEST("a", "b") "  disks:\n  - {name: a, socket: /y, file: /f}\n",
		  "host.yaml:8: iovd.disks[0].name: 'a': iovd.ports[0].name has this port or disk name "
		  "already, line 6; expected it once" },
		{ BRIDGES GUEST("a", "b") "  disks:\n  - {name: d, socket: /s/a, file: /f}\n",
		  "host.yaml:8: iovd.disks[0].socket: '/s/a': iovd.ports[0].socket has this socket "
		  "already, line 6; expected it once" },
	};

	(void)state;
	ASSERT_REFUSED(refusals);
	loaded(DISK("file: /f, read_only: on") "  - {name: b, socket: /y, file: /f, read_only: on}\n"
	       "  - {name: c, socket: /z, file: /f}\n");
}

static void iovd_gets_groups_that_it_would_take(void **state)
{
#define GROUP(rest) "iovd:\n  qos:\n  - {name: g, " rest "}\n"
#define GROUP_AT "host.yaml:3: iovd.qos[0]"
	static const struct refusal refusals[] = {
		{ "iovd:\n  qos:\n  - {iops: 1}\n", GROUP_AT ": key 'name' is missing" },
		{ "iovd:\n  qos:\n  - {name: none}\n", GROUP_AT ".name: 'none': expected another name, as none "
		  "is no group" },
		{ GROUP("iops: 1G"), GROUP_AT ".iops: '1G': expected a decimal number from 0 to "
		  "999999999999999" },
		{ GROUP("burst_ms: 0"), GROUP_AT ".burst_ms: 0, expected 1 to 60000" },
		{ GROUP("iops: 1") "  - {name: g}\n", "host.yaml:4: iovd.qos[1].name: 'g': iovd.qos[0].name has "
		  "this QoS group name already, line 3; expected it once" },
		{ DISK("file: /f, qos: g"), AT ".qos: 'g': no such QoS group; expected one of iovd.qos" },
		{ BRIDGES "  - {name: a, type: vhost-user, socket: /x, rules: {qos: g}}\n", "host.yaml:6: "
		  "iovd.ports[0].rules.qos: 'g': no such QoS group; expected one of iovd.qos" },
	};

	(void)state;
	ASSERT_REFUSED(refusals);
	loaded(DISK("file: /f, qos: g") "  qos:\n  - {name: g, iops: 0, burst_ms: 60000}\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, host_text_setup, host_text_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(values_out_of_range_are_refused),
		TEST(interrupts_go_by_a_policy_or_to_cpus),
		TEST(what_only_one_may_have_is_refused_twice),
		TEST(huge_pages_have_a_power_of_two),
		TEST(iovd_gets_ports_that_it_would_take),
		TEST(iovd_gets_disks_that_it_would_take),
		TEST(iovd_gets_groups_that_it_would_take),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
