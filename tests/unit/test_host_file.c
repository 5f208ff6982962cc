// SPDX-License-Identifier: GPL-2.0-or-later
/* Host files: what they say, and what is said of those of another shape. */
#include "tests/unit/test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/host_text.h"
#include "tests/unit/tree.h"

static const char whole[] = "version: 1\n"
			    "modules: [vfio-pci, igb]\n"
			    "huge_pages:\n"
			    "  - {size: 2M, node: 0, count: 512}\n"
			    "  - {size: 1G, count: 4}\n"
			    "devices:\n"
			    "  - name: uplink\n"
			    "    device: serial=52-54-00-ff-ff-00-00-01\n"
			    "    absent: skip\n"
			    "    driver: igb\n"
			    "    mtu: 9000\n"
			    "    eswitch: legacy\n"
			    "    irq: 0-3,8\n"
			    "    vfs:\n"
			    "      count: 4\n"
			    "      driver: vfio-pci\n"
			    "      spoofchk: on\n"
			    "      each:\n"
			    "        - index: 0\n"
			    "          mac: 52:54:00:00:00:10\n"
			    "          vlan: 100\n"
			    "          qos: 3\n"
			    "          vlan_protocol: 802.1ad\n"
			    "          trust: no\n"
			    "          max_rate: 1000\n"
			    "          min_rate: 10\n"
			    "          link_state: enable\n"
			    "          msix: 8\n"
			    "    steer:\n"
			    "      - {mac: 02:00:00:00:00:05, to: vf3}\n"
			    "      - {mac: 02:00:00:00:00:05, vlan: 100, to: queue1}\n"
			    "  - device: serial=deadbeef\n"
			    "    driver: vfio-pci\n"
			    "iovd:\n"
			    "  bridges:\n"
			    "    - name: br0\n"
			    "      kind: switch\n"
			    "  ports:\n"
			    "    - {name: up, type: ethdev, bridge: br0, device: uplink/vf1}\n"
			    "    - {name: guest, type: vhost-user, bridge: br0, socket: "
			    "/srv/guest.sock, server: true, socket_mode: 0600, "
			    "socket_owner: \":kvm\"}\n"
			    "  disks:\n"
			    "    - {name: root, socket: /srv/root.sock, server: on, file: /srv/root.img,\n"
			    "       read_only: on, cached: off, serial: A-1, queues: 4, on_error: wait,\n"
			    "       any_memory: on, socket_mode: 0600, socket_owner: root, io_poll: on,\n"
			    "       register_memory: on}\n"
			    "    - {name: scratch, socket: /srv/scratch, memory: 4G, qos: gold}\n"
			    "    - {name: none, socket: /srv/none, null: 4096}\n"
			    "    - {name: far, socket: /srv/far, nbd: \"nbd://192.0.2.7/far\"}\n"
			    "  qos:\n"
			    "    - {name: gold, iops: 1, read_iops: 2, write_iops: 3, bytes: 4, read_bytes: 5,\n"
			    "       write_bytes: 6, packets: 7, rx_packets: 8, tx_packets: 9, burst_ms: 10}\n";

static void all_keys_are_read(void **state)
{
	const struct iov_host *host = loaded(whole);
	const struct iov_host_device *device = host->devices;
	const struct iov_host_vf *vf = device->vfs->each;

	(void)state;
	assert_int_equal(*host->version, 1);
	assert_int_equal(host->module_count, 2);
	assert_string_equal(host->modules[1], "igb");
	assert_int_equal(host->huge_page_count, 2);
	assert_string_equal(host->huge_pages[0].size, "2M");
	assert_int_equal(*host->huge_pages[0].node, 0);
	assert_int_equal(host->huge_pages[0].count, 512);
	assert_null(host->huge_pages[1].node);
	assert_int_equal(host->device_count, 2);
	assert_string_equal(device->name, "uplink");
	assert_string_equal(device->device, "serial=52-54-00-ff-ff-00-00-01");
	assert_int_equal(device->absent, IOV_HOST_ABSENT_SKIP);
	assert_int_equal(*device->mtu, 9000);
	assert_string_equal(device->irq, "0-3,8");
	assert_int_equal(device->vfs->count, 4);
	assert_string_equal(device->vfs->all.driver, "vfio-pci");
	assert_true(*device->vfs->all.spoofchk);
	assert_null(device->vfs->all.trust);
	assert_int_equal(device->vfs->each_count, 1);
	assert_int_equal(vf->index, 0);
	assert_string_equal(vf->values.mac, "52:54:00:00:00:10");
	assert_int_equal(*vf->values.vlan, 100);
	assert_int_equal(*vf->values.qos, 3);
	assert_string_equal(vf->values.vlan_protocol, "802.1ad");
	assert_false(*vf->values.trust);
	assert_null(vf->values.spoofchk);
	assert_int_equal(*vf->values.max_rate, 1000);
	assert_int_equal(*vf->values.min_rate, 10);
	assert_string_equal(vf->values.link_state, "enable");
	assert_int_equal(*vf->values.msix, 8);
	assert_int_equal(device->steer_count, 2);
	assert_string_equal(device->steer[0].mac, "02:00:00:00:00:05");
	assert_null(device->steer[0].vlan);
	assert_int_equal(*device->steer[1].vlan, 100);
	assert_string_equal(device->steer[1].to, "queue1");
	assert_int_equal(device[1].absent, IOV_HOST_ABSENT_FATAL);
	assert_null(device[1].vfs);
	assert_string_equal(host->iovd->bridges[0].kind, "switch");
	assert_int_equal(host->iovd->port_count, 2);
	assert_string_equal(host->iovd->ports[0].device, "uplink/vf1");
	assert_null(host->iovd->ports[0].server);
	assert_true(*host->iovd->ports[1].server);
	assert_string_equal(host->iovd->ports[1].socket_mode, "0600");
	assert_string_equal(host->iovd->ports[1].socket_owner, ":kvm");
}

static void all_keys_of_disks_are_read(void **state)
{
	const struct iov_host_iovd *iovd = loaded(whole)->iovd;
	const struct iov_host_disk *root = iovd->disks, *scratch = root + 1, *none = root + 2;

	(void)state;
	assert_int_equal(iovd->disk_count, 4);
	assert_string_equal(iovd->disks[3].nbd, "nbd://192.0.2.7/far");
	assert_string_equal(root->name, "root");
	assert_string_equal(root->socket, "/srv/root.sock");
	assert_true(*root->server);
	assert_string_equal(root->file, "/srv/root.img");
	assert_true(*root->read_only);
	assert_false(*root->cached);
	assert_true(*root->io_poll && *root->register_memory);
	assert_string_equal(root->serial, "A-1");
	assert_int_equal(*root->queues, 4);
	assert_string_equal(root->on_error, "wait");
	assert_true(*root->any_memory);
	assert_string_equal(root->socket_mode, "0600");
	assert_string_equal(root->socket_owner, "root");
	assert_null(root->memory);
	assert_string_equal(scratch->memory, "4G");
	assert_null(scratch->file);
	assert_null(scratch->queues);
	assert_string_equal(none->null, "4096");
	assert_null(none->qos);
	assert_string_equal(scratch->qos, "gold");
}

static void all_keys_of_groups_are_read(void **state)
{
	const struct iov_host_iovd *iovd = loaded(whole)->iovd;
	const struct iov_host_qos *qos = iovd->qos;

	(void)state;
	assert_int_equal(iovd->qos_count, 1);
	assert_string_equal(qos->name, "gold");
	assert_int_equal(*qos->iops, 1);
	assert_int_equal(*qos->read_iops, 2);
	assert_int_equal(*qos->write_iops, 3);
	assert_int_equal(*qos->bytes, 4);
	assert_int_equal(*qos->read_bytes, 5);
	assert_int_equal(*qos->write_bytes, 6);
	assert_int_equal(*qos->packets, 7);
	assert_int_equal(*qos->rx_packets, 8);
	assert_int_equal(*qos->tx_packets, 9);
	assert_int_equal(*qos->burst_ms, 10);
}

static void a_file_may_say_nothing(void **state)
{
	static const char *const nothing[] = {
		"",
		"\n",
		"# all of it is comment\n",
		"---\n",
		"{}\n",
		"null\n",
		"~\n",
		"version: 1\n",
		"devices:\n",
		"devices: []\nmodules: ~\niovd:\n  ports:\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(nothing) / sizeof(*nothing); i++) {
		const struct iov_host *host = loaded(nothing[i]);

		assert_int_equal(host->device_count, 0);
		assert_int_equal(host->module_count, 0);
	}
}

static void words_of_yaml_1_1_are_what_they_look_like(void **state)
{
	const struct iov_host *host = loaded("modules: [on, 'null', 1.0]\n"
					     "devices:\n"
					     "  - {device: no, irq: 3, driver: 12e3,\n"
					     "     vfs: {count: 1, spoofchk: off, trust: yes}}\n");

	(void)state;
	assert_string_equal(host->modules[0], "on");
	assert_string_equal(host->modules[1], "null");
	assert_string_equal(host->modules[2], "1.0");
	assert_string_equal(host->devices->device, "no");
	assert_string_equal(host->devices->irq, "3");
	assert_string_equal(host->devices->driver, "12e3");
	assert_false(*host->devices->vfs->all.spoofchk);
	assert_true(*host->devices->vfs->all.trust);
}

static void what_a_nic_has_beside_vfs_is_judged(void **state)
{
	static const struct refusal refusals[] = {
		{ "devices:\n  - device: a\n    rates:\n      - {name: g, tx_parent: 'a b'}\n",
		  "host.yaml:4: devices[0].rates[0]: tx_parent 'a b': expected a group of 'iov rate list', "
		  "or none" },
		{ "devices:\n  - device: a\n    rates:\n      - {name: g}\n      - {name: g}\n",
		  "host.yaml:5: devices[0].rates[1]: 'g': devices[0].rates[0] has this group of "
		  "devices[0].rates already, line 4; expected it once" },
		{ "devices:\n  - device: a\n    sfs:\n      - {number: 8, state: up}\n",
		  "host.yaml:4: devices[0].sfs[0]: state 'up': expected active or inactive" },
		{ "devices:\n  - device: a\n    sfs:\n      - {number: 8, hw_addr: '01:00:00:00:00:01'}\n",
		  "host.yaml:4: devices[0].sfs[0]: hw_addr '01:00:00:00:00:01': expected the address of a "
		  "station, like 02:00:00:00:00:01" },
		{ "devices:\n  - device: a\n    sfs:\n      - {number: 8}\n      - {number: 8}\n",
		  "host.yaml:5: devices[0].sfs[1]: '8': devices[0].sfs[0] has this number of "
		  "devices[0].sfs already, line 4; expected it once" },
		{ "devices:\n  - device: a\n    sfs:\n      - {state: active}\n",
		  "host.yaml:4: devices[0].sfs[0]: key 'number' is missing" },
		{ "devices:\n  - device: a\n    params:\n      - {name: p}\n",
		  "host.yaml:4: devices[0].params[0]: key 'value' is missing" },
		{ "devices:\n  - device: a\n    params:\n      - {name: p, value: 1, cmode: now}\n",
		  "host.yaml:4: devices[0].params[0].cmode: 'now': expected runtime, driverinit or permanent" },
		{ "devices:\n  - device: a\n    vfs: {count: 1, roce: maybe}\n",
		  "host.yaml:3: devices[0].vfs.roce: 'maybe': expected one of: on, off, yes, no, true, "
		  "false, 1, 0" },
		{ "devices:\n  - device: a\n    vfs: {count: 1, tx_max: -1}\n",
		  "host.yaml:3: devices[0].vfs.tx_max: '-1': expected a decimal number from 0 to "
		  "4294967295" },
	};

	(void)state;
	ASSERT_REFUSED(refusals);
}

static void unknown_keys_are_refused_with_the_nearest_known_one(void **state)
{
	static const struct refusal refusals[] = {
		{ "devices:\n  - device: a\n    vfs:\n      count: 1\n      spoofcheck: on\n",
		  "host.yaml:5: devices[0].vfs: unknown key 'spoofcheck'; did you mean "
		  "'spoofchk'?" },
		{ "device:\n  - device: a\n", "host.yaml:1: unknown key 'device'; did you mean "
		  "'devices'?" },
		{ "hugepages: []\n", "host.yaml:1: unknown key 'hugepages'; did you mean "
		  "'huge_pages'?" },
		{ "devices:\n  - device: a\n    max-rate: 5\n", "host.yaml:3: devices[0]: "
		  "unknown key 'max-rate'; expected one of: name, device, absent, driver, mtu, "
		  "eswitch, irq, vfs, steer, slot, bars, disable_vga, params, rates, sfs, attributes" },
		{ "devices:\n- device: a\n  count: 4\n", "host.yaml:3: devices[0]: unknown key "
		  "'count'; it belongs into vfs" },
		{ "devices:\n- device: a\n  vfs:\n    count: 1\n    mac: 02:00:00:00:00:01\n",
		  "host.yaml:5: devices[0].vfs: unknown key 'mac'; it belongs into each[]" },
		{ "bridges: []\n", "host.yaml:1: unknown key 'bridges'; it belongs into iovd" },
		{ "x: 1\n", "host.yaml:1: unknown key 'x'; expected one of: version, modules, "
		  "huge_pages, devices, mdevs, vdpas, cdi, iovd" },
		{ "iovd: {prots: []}\n", "host.yaml:1: iovd: unknown key 'prots'; did you mean "
		  "'ports'?" },
	};

	(void)state;
	ASSERT_REFUSED(refusals);
}

static void another_shape_is_refused_with_its_line(void **state)
{
	static const struct refusal refusals[] = {
		{ "- device: a\n", "host.yaml:1: a list: expected a mapping with keys of: "
		  "version, modules, huge_pages, devices, mdevs, vdpas, cdi, iovd" },
		{ "hello\n", "host.yaml:1: 'hello': expected a mapping with keys of: version, "
		  "modules, huge_pages, devices, mdevs, vdpas, cdi, iovd" },
		{ "modules: vfio-pci\n", "host.yaml:1: modules: 'vfio-pci': expected a list, "
		  "each entry behind '- '" },
		{ "devices:\n  - a\n", "host.yaml:2: devices[0]: 'a': expected a mapping with "
		  "keys of: name, device, absent, driver, mtu, eswitch, irq, vfs, steer, slot, bars, "
		  "disable_vga, params, rates, sfs, attributes" },
		{ "devices:\n  - driver: igb\n", "host.yaml:2: devices[0]: key 'device' is missing" },
		{ "devices:\n  - device: a\n    vfs:\n      driver: igb\n", "host.yaml:4: "
		  "devices[0].vfs: key 'count' is missing" },
		{ "devices:\n  - device: a\n    mtu:\n", "host.yaml:3: devices[0].mtu: no value; "
		  "expected one, or leave the key out" },
		{ "devices:\n  - device: ~\n", "host.yaml:2: devices[0].device: no value; "
		  "expected one, or leave the key out" },
		{ "devices:\n  - device: ''\n", "host.yaml:2: devices[0].device: '': expected a "
		  "value" },
		{ "devices:\n  - device: a\n    device: b\n", "host.yaml:3: devices[0]: key "
		  "'device' is here twice; expected it once" },
		{ "devices:\n  - device: [a]\n", "host.yaml:2: devices[0].device: a list: "
		  "expected one value" },
		{ "devices:\n  - device: a\n    mtu: {a: 1}\n", "host.yaml:3: devices[0].mtu: a "
		  "mapping: expected a number" },
		{ "devices:\n  - device: a\n    absent: ignore\n", "host.yaml:3: "
		  "devices[0].absent: 'ignore': expected one of: fatal, skip" },
		{ "devices:\n  - device: a\n    vfs: {count: 1, trust: maybe}\n", "host.yaml:3: "
		  "devices[0].vfs.trust: 'maybe': expected one of: on, off, yes, no, true, false, 1, 0" },
		{ "? [a]\n: b\n", "host.yaml:1: a list: expected a key" },
		{ "devices: &all\n  - device: a\n", "host.yaml:1: devices: anchors (&), aliases "
		  "(*) and tags (!) are not understood; write the value itself" },
		{ "devices:\n  - device: a\n    vfs:\n      <<: *all\n      count: 1\n",
		  "host.yaml:4: devices[0].vfs: unknown key '<<'; expected one of: count, "
		  "driver, vlan, qos, vlan_protocol, spoofchk, trust, rss_query, max_rate, "
		  "min_rate, link_state, roce, migratable, ipsec_crypto, ipsec_packet, max_io_eqs, "
		  "tx_parent, tx_share, tx_max, tx_priority, tx_weight, queues, interrupts, state, "
		  "namespaces, vgpu_type, exec_quantum, preempt_timeout, sched_priority, vram_quota, "
		  "attributes, msix, each" },
		{ "version: !!int 1\n", "host.yaml:1: version: anchors (&), aliases (*) and tags "
		  "(!) are not understood; write the value itself" },
		{ "version: 1\n---\nversion: 1\n", "host.yaml:2: a second document; expected one" },
		{ "modules: [\"a\\nb\"]\n", "host.yaml:1: modules: a line break or control "
		  "character; expected a word on one line" },
	};

	(void)state;
	ASSERT_REFUSED(refusals);
}

static void numbers_are_decimal_and_whole(void **state)
{
	static const char *const numbers[] = {
		"-1",
		"4x",
		"0x10",
		"010",
		"1e3",
		"1_000",
		"1:30",
		"4294967296",
		"99999999999999999999",
		"-18446744073709551615",
		"+1",
		"1.0",
		"''",
		"' 1'",
		"four",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
		char text[128], message[256];

		snprintf(text, sizeof(text), "devices:\n- device: a\n\n  mtu: %s\n", numbers[i]);
		snprintf(message, sizeof(message),
			 "host.yaml:4: devices[0].mtu: '%s': expected a "
			 "decimal number from 0 to 4294967295",
			 *numbers[i] == '\'' ? "" : numbers[i]);
		if (!strcmp(numbers[i], "' 1'"))
			strcpy(strstr(message, "''"), "' 1': expected a decimal number from 0 to "
						      "4294967295");
		assert_int_equal(load(text), -EINVAL);
		assert_string_equal(iov_error_message(iov), message);
	}
}

static void what_is_not_yaml_is_refused_with_its_line(void **state)
{
	static const struct refusal refusals[] = {
		{ "devices:\n  - device: a\n   driver: b\n", "host.yaml:3: not YAML: while "
		  "parsing a block collection: did not find expected '-' indicator" },
		{ "modules: [a\n", "host.yaml:2: not YAML: while parsing a flow sequence: did "
		  "not find expected ',' or ']'" },
		{ "modules:\n\t- a\n", "host.yaml:2: not YAML: while scanning for the next "
		  "token: found character that cannot start any token" },
		{ "version: 1\nname: \x01\n", "host.yaml:2: not YAML: control characters are not "
		  "allowed" },
		{ "version: 1\n\xff\n", "host.yaml:2: not YAML: invalid leading UTF-8 octet" },
	};

	(void)state;
	ASSERT_REFUSED(refusals);
}

static void long_values_are_cut_in_messages(void **state)
{
	char text[512] = "version: ";

	(void)state;
	for (int i = 0; i < 100; i++)
		strcat(text, "\xc3\xa4");
	assert_int_equal(load(text), -EINVAL);
	assert_non_null(strstr(iov_error_message(iov), "...': expected"));
	assert_null(strstr(iov_error_message(iov), "\xc3."));
}

static void failures_have_the_line_of_a_place_or_of_what_is_around_it(void **state)
{
	static const struct {
		const char *where;
		unsigned int line;
	} places[] = {
		{ "version", 1 },
		{ "modules[1]", 2 },
		{ "huge_pages[1]", 5 },
		{ "devices[0].mtu", 11 },
		{ "devices[0].vfs", 14 },
		{ "devices[0].vfs.count", 15 },
		{ "devices[0].vfs.each[0].vlan", 21 },
		{ "devices[0].vfs.each[0]", 19 },
		{ "devices[0].vfs.trust", 14 },
		{ "devices[1].device", 32 },
		{ "devices[1].vfs.count", 32 },
		{ "iovd.ports[1].socket", 40 },
		{ "devices[10]", 6 },
		{ "nothing", 1 },
	};

	(void)state;
	loaded(whole);
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		char message[256];

		snprintf(message, sizeof(message), "host.yaml:%u: %s: wrong", places[i].line,
			 places[i].where);
		assert_int_equal(iov_host_fail(file, -ENOSPC, places[i].where, "wr%s", "ong"),
				 -ENOSPC);
		assert_string_equal(iov_error_message(iov), message);
	}
}

static void a_failure_can_carry_the_message_before_it(void **state)
{
	(void)state;
	loaded("devices:\n  - device: a\n");
	iov_fail(iov, -ENODEV, "a: no such device");
	iov_host_fail(file, -ENODEV, "devices[0].device", "%s", iov_error_message(iov));
	assert_string_equal(iov_error_message(iov),
			    "host.yaml:2: devices[0].device: a: no such device");
}

static void the_file_of_the_sysroot_is_the_default(void **state)
{
	(void)state;
	assert_int_equal(iov_host_load(&file, iov, NULL), -ENOENT);
	assert_string_equal(iov_error_message(iov),
			    "/etc/iovkit/host.yaml: the recorded host has no such file; name another "
			    "one, as in 'iov plan FILE'");
	assert_int_equal(iov_failure(iov, -ENOENT), IOV_FAILURE_INPUT);
	tree_file(tree, IOV_HOST_FILE, "modules: [a]\nx: 1\n");
	assert_int_equal(iov_host_load(&file, iov, NULL), -EINVAL);
	assert_non_null(strstr(iov_error_message(iov), "/etc/iovkit/host.yaml:2: unknown key 'x'"));
	tree_file(tree, IOV_HOST_FILE, "modules: [a]\n");
	assert_int_equal(iov_host_load(&file, iov, NULL), 0);
	assert_string_equal(iov_host_of(file)->modules[0], "a");
}

static void a_file_of_this_machine_is_named_by_its_path(void **state)
{
	char path[256], large[1 << 17];

	(void)state;
	snprintf(path, sizeof(path), "%s/own.yaml", tree);
	assert_int_equal(iov_host_load(&file, iov, path), -ENOENT);
	tree_file(tree, "own.yaml", "modules: [a]\n");
	assert_int_equal(iov_host_load(&file, iov, path), 0);
	iov_host_free(file);
	file = NULL;
	assert_int_equal(iov_host_load(&file, iov, tree), -EINVAL);
	assert_non_null(strstr(iov_error_message(iov), "a directory; expected a host file"));
	memset(large, '#', sizeof(large));
	memcpy(large + sizeof(large) - 2, "\n", 2);
	FILE *out = fopen(path, "w");
	for (int i = 0; i < 9; i++)
		fputs(large, out);
	fclose(out);
	assert_int_equal(iov_host_load(&file, iov, path), -EINVAL);
	assert_non_null(strstr(iov_error_message(iov), "at most 1048576 bytes"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, host_text_setup, host_text_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(all_keys_are_read),
		TEST(all_keys_of_disks_are_read),
		TEST(all_keys_of_groups_are_read),
		TEST(a_file_may_say_nothing),
		TEST(words_of_yaml_1_1_are_what_they_look_like),
		TEST(what_a_nic_has_beside_vfs_is_judged),
		TEST(unknown_keys_are_refused_with_the_nearest_known_one),
		TEST(another_shape_is_refused_with_its_line),
		TEST(numbers_are_decimal_and_whole),
		TEST(what_is_not_yaml_is_refused_with_its_line),
		TEST(long_values_are_cut_in_messages),
		TEST(failures_have_the_line_of_a_place_or_of_what_is_around_it),
		TEST(a_failure_can_carry_the_message_before_it),
		TEST(the_file_of_the_sysroot_is_the_default),
		TEST(a_file_of_this_machine_is_named_by_its_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
