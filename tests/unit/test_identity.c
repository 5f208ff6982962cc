// SPDX-License-Identifier: GPL-2.0-or-later
/* Names of devices: who answers to them, which one a file should store, what is remembered. */
#include "tests/unit/test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/pci/identity.h"
#include "base/pci/interface.h"
#include "tests/unit/tree.h"

#define ROOT "sys/devices/pci0000:00"
#define DEVICES "sys/bus/pci/devices/"
#define DSN "00-11-22-ff-ff-33-44-55"

static char *tree;
static struct iov *iov;

static void path_of(char *path, size_t size, const char *way, const char *file)
{
	snprintf(path, size, ROOT "/%s/%s", way, file);
}

static void file(const char *way, const char *name, const char *text)
{
	char path[512];

	path_of(path, sizeof(path), way, name);
	tree_file(tree, path, text);
}

/* Configuration space with a serial number behind an AER capability. */
static void config(const char *way, const unsigned char serial[8])
{
	unsigned char bytes[4096] = { [0x100] = 1, [0x102] = 1, [0x103] = 0x15,
				      [0x150] = 3, [0x152] = 1 };
	char path[512];
	FILE *out;

	file(way, "config", "");
	snprintf(path, sizeof(path), "%s/" ROOT "/%s/config", tree, way);
	memcpy(bytes + 0x154, serial, 8);
	out = fopen(path, "w");
	assert_non_null(out);
	assert_int_equal(fwrite(bytes, sizeof(bytes), 1, out), 1);
	fclose(out);
}

/* A function on the way from the root: "0000:00:01.0/0000:01:00.0". */
static void function(const char *way, const char *class_code)
{
	const char *bdf = strrchr(way, '/') ? strrchr(way, '/') + 1 : way;
	char link[64], target[256];

	file(way, "class", class_code);
	snprintf(link, sizeof(link), DEVICES "%s", bdf);
	snprintf(target, sizeof(target), "../../../devices/pci0000:00/%s", way);
	tree_link(tree, link, target);
}

static void interface(const char *way, const char *name, const char *type, const char *address)
{
	char path[64];

	snprintf(path, sizeof(path), "net/%s/address", name);
	file(way, path, address);
	snprintf(path, sizeof(path), "net/%s/addr_assign_type", name);
	file(way, path, type);
}

#define NIC0 "0000:00:01.0/0000:01:00.0"
#define NIC1 "0000:00:01.0/0000:01:00.1"
#define VF1 "0000:00:01.0/0000:01:10.2"
#define NVME "0000:00:02.0/0000:02:00.0"
#define LONE "0000:00:1f.2"

/*
 * A card of two functions in slot 1, the first a PF with VF 1 of 2; an NVMe controller in
 * slot 2; a function of the chipset.
 */
static int setup(void **state)
{
	static const unsigned char serial[] = { 0x55, 0x44, 0x33, 0xff, 0xff, 0x22, 0x11, 0 };

	(void)state;
	tree = tree_new();
	function("0000:00:01.0", "0x060400");
	function("0000:00:02.0", "0x060400");
	function(NIC0, "0x020000");
	function(NIC1, "0x020000");
	function(VF1, "0x020000");
	function(NVME, "0x010802");
	function(LONE, "0x010601");
	config(NIC0, serial);
	config(NIC1, serial);
	config("0000:00:01.0", serial);
	config(VF1, serial);
	interface(NIC0, "eth0", "0", "52:54:00:00:00:01");
	interface(NIC1, "eth1", "0", "52:54:00:00:00:02");
	interface(VF1, "eth2", "0", "52:54:00:00:00:01");
	file(NIC0, "sriov_totalvfs", "2\n");
	file(NIC0, "sriov_offset", "128\n");
	file(NIC0, "sriov_stride", "2\n");
	tree_link(tree, ROOT "/" VF1 "/physfn", "../0000:01:00.0");
	file(NVME, "nvme/nvme0/serial", "S4EUNX0N       \n");
	tree_link(tree, "sys/class/net/eth0", "../../devices/pci0000:00/" NIC0 "/net/eth0");
	tree_link(tree, ROOT "/" NIC0 "/net/eth0/device", "../../../0000:01:00.0");
	tree_file(tree, "sys/bus/pci/slots/1/address", "0000:01:00\n");
	tree_file(tree, "sys/bus/pci/slots/2-1/address", "0000:02\n");
	tree_file(tree, "proc/sys/kernel/random/boot_id", "boot-1\n");
	tree_file(tree, "var/lib/iovkit/lock", "");
	iov = tree_open(tree);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	iov_close(iov);
	tree_remove(tree);
	return 0;
}

static void assert_device(const char *text, const char *expected)
{
	struct iov_bdf bdf;

	assert_int_equal(iov_device_parse(iov, text, &bdf), 0);
	assert_string_equal(IOV_BDF(bdf), expected);
}

static void assert_fails(const char *text, int error, const char *message)
{
	struct iov_bdf bdf = { .domain = 99 };
	const char *vf = strstr(text, "/vf");
	size_t length = vf ? (size_t)(vf - text) : strlen(text);

	assert_int_equal(iov_device_parse(iov, text, &bdf), error);
	assert_int_equal(strncmp(iov_error_message(iov), text, length), 0);
	if (!strstr(iov_error_message(iov), message))
		fail_msg("'%s' lacks '%s'", iov_error_message(iov), message);
	assert_int_equal(bdf.domain, 99);
}

static struct iov_bdf bdf_of(const char *text)
{
	struct iov_bdf bdf;

	assert_true(iov_bdf_scan(text, &bdf));
	return bdf;
}

static void assert_identity(const char *device, const char *expected)
{
	char text[IOV_IDENTITY_SIZE];

	assert_int_equal(iov_device_identity(iov, bdf_of(device), text, sizeof(text)), 0);
	assert_string_equal(text, expected);
	assert_device(text, device);
}

static void assert_identities(const char *device, const char *expected)
{
	_cleanup_json_ struct json_object *names = NULL;

	assert_int_equal(iov_device_identities(iov, bdf_of(device), &names), 0);
	assert_string_equal(json_object_to_json_string_ext(names, JSON_C_TO_STRING_PLAIN |
							   JSON_C_TO_STRING_NOSLASHESCAPE),
			    expected);
	for (size_t i = 0; i < json_object_array_length(names); i++)
		assert_device(json_object_get_string(json_object_array_get_idx(names, i)), device);
}

static void every_form_names_a_function(void **state)
{
	(void)state;
	assert_device("0000:01:00.1", "0000:01:00.1");
	assert_device("01:00.1", "0000:01:00.1");
	assert_device("eth0", "0000:01:00.0");
	assert_device("serial=" DSN ".1", "0000:01:00.1");
	assert_device("serial=S4EUNX0N", "0000:02:00.0");
	assert_device("mac=52:54:00:00:00:02", "0000:01:00.1");
	assert_device("mac=52:54:00:00:00:01", "0000:01:00.0");
	assert_device("slot=1.0", "0000:01:00.0");
	assert_device("slot=2-1", "0000:02:00.0");
	assert_device("slot=2-1.0", "0000:02:00.0");
	assert_device("path=0000:00:01.0/00.1", "0000:01:00.1");
	assert_device("path=0000:00:1f.2", "0000:00:1f.2");
	assert_device("serial=00-11-22-FF-FF-33-44-55.0", "0000:01:00.0");
}

static void a_vf_has_an_address_before_it_exists(void **state)
{
	(void)state;
	assert_device("01:00.0/vf0", "0000:01:10.0");
	assert_device("eth0/vf1", "0000:01:10.2");
	assert_device("serial=" DSN ".0/vf0", "0000:01:10.0");
	assert_device("path=0000:00:01.0/00.0/vf1", "0000:01:10.2");
	assert_fails("eth0/vf2", -ENODEV, "expected vf0 to vf1");
	assert_fails("slot=2-1/vf0", -EOPNOTSUPP, "0000:02:00.0 is no PF");
	assert_fails("0000:09:00.0/vf0", -ENODEV, "no such PCI function");
}

static void what_is_no_name_is_told_with_the_form(void **state)
{
	(void)state;
	assert_fails("eth7", -ENODEV, "neither a PCI address");
	assert_fails("", -EINVAL, "neither a PCI address");
	assert_fails("../eth0", -EINVAL, "neither a PCI address");
	assert_fails("uuid=1", -EINVAL, "serial=, mac=, slot= or path=");
	assert_fails("serial=", -EINVAL, "not a serial number");
	assert_fails("slot=/vf1", -EINVAL, "not a slot");
	assert_fails("mac=52:54:00:00:00", -EINVAL, "write it like mac=52:54:00:00:00:01");
	assert_fails("mac=52-54-00-00-00-01", -EINVAL, "write it like mac=52:54:00:00:00:01");
	assert_fails("path=0000:00:01.0/0000:01:00.0", -EINVAL, "write it like path=0000:00:02.0");
	assert_fails("path=00:01", -EINVAL, "not a path");
	assert_fails("eth0/vf", -EINVAL, "neither a PCI address");
	assert_fails("eth0/vf123456", -EINVAL, "neither a PCI address");
}

static void who_is_unknown_is_told_with_whom_there_is(void **state)
{
	(void)state;
	assert_fails("serial=nobody", -ENODEV, "there is serial=" DSN);
	assert_fails("serial=S4EUNX0N.3", -ENODEV, "no function has this serial number");
	assert_fails("mac=52:54:00:00:00:09", -ENODEV, "mac=52:54:00:00:00:01");
	assert_fails("slot=7", -ENODEV, "there is slot=1");
	assert_fails("path=0000:00:05.0/00.0", -ENODEV, "there is path=0000:00:01.0");
}

static void who_shares_a_name_is_told_apart(void **state)
{
	(void)state;
	assert_fails("serial=" DSN, -EINVAL, "2 functions answer to it; name one of them: serial="
		     DSN ".0 (0000:01:00.0), serial=" DSN ".1 (0000:01:00.1)");
	assert_fails("slot=1", -EINVAL, "2 functions answer to it");
}

static void a_file_stores_the_best_name(void **state)
{
	(void)state;
	assert_identity("0000:01:00.0", "serial=" DSN ".0");
	assert_identity("0000:01:00.1", "serial=" DSN ".1");
	assert_identity("0000:01:10.2", "serial=" DSN ".0/vf1");
	assert_identity("0000:02:00.0", "serial=S4EUNX0N");
	assert_identity("0000:00:1f.2", "path=0000:00:1f.2");
	assert_identity("0000:00:01.0", "path=0000:00:01.0");
}

static void a_name_that_another_card_has_is_not_stored(void **state)
{
	(void)state;
	function("0000:00:02.0/0000:02:00.1", "0x010802");
	file("0000:00:02.0/0000:02:00.1", "nvme/nvme1/serial", "S4EUNX0N\n");
	function("0000:00:1f.1", "0x010802");
	file("0000:00:1f.1", "nvme/nvme2/serial", "S4EUNX0N\n");
	assert_identity("0000:02:00.0", "slot=2-1.0");
	assert_identity("0000:02:00.1", "slot=2-1.1");
	assert_identity("0000:00:1f.1", "path=0000:00:1f.1");
}

static void a_number_that_a_maker_gives_to_all_is_no_identity(void **state)
{
	/* As configuration space has them, last octet first. */
	static const unsigned char constants[][8] = {
		{ 0x00, 0xe0, 0x4c, 0x68, 0, 0, 0, 0x01 },
		{ 1, 1, 1, 1, 1, 1, 1, 1 },
		{ 0, 0, 0x20, 0, 0, 0x28, 0x00, 0x08 },
		{ 0x01, 0x22, 0xc8, 0xfe, 0xff, 0x4c, 0xe0, 0x00 },
		{ 0x12, 0x14, 0x24, 0xff, 0xff, 0x17, 0x15, 0x00 },
		{ 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11, 0x00 },
		{ 0x05, 0x04, 0x03, 0x02, 0x01, 0x4c, 0xe0, 0x00 },
		{ 0xab, 0xab, 0xab, 0xab, 0xab, 0x21, 0x1b, 0x00 },
		{ 0, 0, 0, 0, 0, 0x21, 0x1b, 0x00 },
		{ 0, 0, 0, 0xff, 0xff, 0x21, 0x1b, 0x00 },
		{ 0, 0, 0, 0xfe, 0xff, 0, 0, 0x00 },
		{ 0xf0, 0xde, 0xbc, 0x9a, 0x78, 0x56, 0x34, 0x12 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(constants) / sizeof(*constants); i++) {
		config(NIC0, constants[i]);
		assert_identity("0000:01:00.0", "mac=52:54:00:00:00:01");
		assert_identity("0000:01:00.1", "serial=" DSN);
	}
}

/* Whatever it looks like: two boards with one number have none, in whichever slots they are. */
static void a_number_of_two_boards_is_no_identity(void **state)
{
	static const unsigned char serial[] = { 0x55, 0x44, 0x33, 0xff, 0xff, 0x22, 0x11, 0 };

	(void)state;
	tree_unlink(tree, DEVICES "0000:01:00.1");
	function("0000:00:03.0/0000:03:00.1", "0x020000");
	config("0000:00:03.0/0000:03:00.1", serial);
	assert_identity("0000:01:00.0", "mac=52:54:00:00:00:01");
	assert_identity("0000:03:00.1", "path=0000:00:03.0/00.1");
	assert_fails("serial=" DSN ".0", -EINVAL, "2 functions answer to it");
	assert_fails("serial=" DSN ".1", -EINVAL, "2 functions answer to it");
}

/* What could be an interface's name is one of an interface that is absent. */
static void an_alternative_name_that_is_not_there_is_absent(void **state)
{
	static const char *const names[] = {
		"enp130s0f0np0-of-the-second-card", "eth7@rack-4", "enxd85ed30010fa+uplink",
		"0000-01-00.0", "port,7",
	};
	char longest[128], longer[129];

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		assert_fails(names[i], -ENODEV, "neither a PCI address");
	memset(longest, 'a', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	assert_fails(longest, -ENODEV, "neither a PCI address");
	memset(longer, 'a', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	assert_fails(longer, -EINVAL, "neither a PCI address");
}

static void net_link(const char *way, const char *name)
{
	interface(way, name, "0", "52:54:00:00:00:77");
	tree_link(tree, iov_path("sys/class/net/%s", name).name,
		  iov_path("../../devices/pci0000:00/%s/net/%s", way, name).name);
}

static void an_interface_names_the_function_that_it_is_of(void **state)
{
	(void)state;
	net_link(LONE "/usb1/1-4/1-4:1.0", "enx0");
	assert_fails("enx0", -EINVAL, "of a device behind 0000:00:1f.2");
	net_link(NIC1 "/mlx5_core.sf.2", "sf0");
	assert_fails("sf0", -EINVAL, "of a device behind 0000:01:00.1");
	net_link(NIC1, "rep0");
	file(NIC1, "net/rep0/phys_port_name", "pf0vf0\n");
	assert_fails("rep0", -EINVAL, "of a device behind 0000:01:00.1");
	net_link(NIC1, "uplink");
	file(NIC1, "net/uplink/phys_port_name", "p0\n");
	assert_device("uplink", "0000:01:00.1");
	net_link(LONE "/virtio0", "virt");
	assert_device("virt", "0000:00:1f.2");
}

static void a_port_is_known_by_the_name_of_its_interface_or_its_address(void **state)
{
	char name[IOV_INTERFACE_SIZE];

	(void)state;
	net_link(NIC1, "eth1d1");
	file(NIC1, "net/eth1d1/dev_port", "1\n");
	assert_int_equal(iov_interface_named_port(iov, "eth0"), 0);
	assert_int_equal(iov_interface_named_port(iov, "eth1d1"), 1);
	assert_int_equal(iov_interface_named_port(iov, "mac=52:54:00:00:00:77"), 1);
	assert_int_equal(iov_interface_named_port(iov, "0000:01:00.1"), -1);
	assert_int_equal(iov_interface_of(iov, bdf_of("0000:01:00.1"), 1, name), 0);
	assert_string_equal(name, "eth1d1");
	assert_int_equal(iov_interface_of(iov, bdf_of("0000:01:00.1"), 2, name), -ENODEV);
}

static void an_address_is_compared_without_what_changes_at_each_boot(void **state)
{
	(void)state;
	interface(NIC1, "eth1", "0", "80:00:02:08:fe:80:00:00:00:00:00:00:00:02:c9:03:00:0b:ec:cf");
	assert_device("mac=00:02:c9:03:00:0b:ec:cf", "0000:01:00.1");
	assert_device("mac=80:00:04:04:fe:80:00:00:00:00:00:01:00:02:c9:03:00:0b:ec:cf",
		      "0000:01:00.1");
}

static void all_names_are_listed_best_first(void **state)
{
	(void)state;
	assert_identities("0000:01:00.0", "[\"serial=" DSN ".0\",\"mac=52:54:00:00:00:01\","
			  "\"slot=1.0\",\"path=0000:00:01.0/00.0\"]");
	assert_identities("0000:01:10.2", "[\"serial=" DSN ".0/vf1\",\"mac=52:54:00:00:00:01/vf1\","
			  "\"slot=1.0/vf1\",\"path=0000:00:01.0/00.0/vf1\"]");
	assert_identities("0000:00:1f.2", "[\"path=0000:00:1f.2\"]");
}

static void an_address_that_was_set_or_made_up_is_no_identity(void **state)
{
	(void)state;
	interface(NIC1, "eth1", "3", "52:54:00:00:00:02");
	assert_fails("mac=52:54:00:00:00:02", -ENODEV, "no function has this");
	interface(NIC1, "eth1", "1", "52:54:00:00:00:02");
	assert_fails("mac=52:54:00:00:00:02", -ENODEV, "no function has this");
}

static void a_representor_is_not_its_pf(void **state)
{
	(void)state;
	interface(NIC1, "eth1_0", "0", "52:54:00:00:00:99");
	file(NIC1, "net/eth1_0/phys_port_name", "pf1vf0\n");
	assert_fails("mac=52:54:00:00:00:99", -ENODEV, "no function has this");
}

static void a_serial_number_of_nothing_is_none(void **state)
{
	static const unsigned char none[8], ones[] = { 255, 255, 255, 255, 255, 255, 255, 255 };

	(void)state;
	config(NIC0, none);
	assert_fails("serial=00-00-00-00-00-00-00-00", -ENODEV, "no function has this");
	config(NIC0, ones);
	assert_fails("serial=ff-ff-ff-ff-ff-ff-ff-ff", -ENODEV, "no function has this");
	assert_identity("0000:01:00.1", "serial=" DSN);
}

static void functions_behind_a_switch_are_in_its_slot(void **state)
{
	(void)state;
	function("0000:00:02.0/0000:02:00.0", "0x060400");
	function("0000:00:02.0/0000:02:00.0/0000:03:04.0", "0x060400");
	function("0000:00:02.0/0000:02:00.0/0000:03:04.0/0000:04:00.0", "0x020000");
	assert_identity("0000:04:00.0", "slot=2-1");
	assert_device("path=0000:00:02.0/00.0/04.0/00.0", "0000:04:00.0");
}

static void slots_of_one_number_are_no_names(void **state)
{
	(void)state;
	tree_file(tree, "sys/bus/pci/slots/2/address", "0000:05:00\n");
	assert_fails("slot=2-1", -ENODEV, "no function has this slot; there is slot=1, slot=1");
	tree_file(tree, "sys/bus/pci/slots/1-2/address", "0000:06:00\n");
	assert_fails("slot=1.0", -ENODEV, "shows a slot");
	tree_file(tree, "sys/bus/pci/slots/10/address", "0000:02:00\n");
	assert_device("slot=10", "0000:02:00.0");
}

/* Driver and interface go, as with vfio-pci. */
static void take_drivers(void)
{
	tree_unlink(tree, ROOT "/" NVME "/nvme/nvme0/serial");
	tree_unlink(tree, ROOT "/" NVME "/nvme/nvme0");
	tree_unlink(tree, ROOT "/" NIC1 "/net/eth1/address");
}

static void a_name_outlives_the_driver_that_told_it(void **state)
{
	(void)state;
	iov_identity_remember(iov);
	take_drivers();
	assert_device("serial=S4EUNX0N", "0000:02:00.0");
	assert_device("mac=52:54:00:00:00:02", "0000:01:00.1");
	assert_identity("0000:02:00.0", "serial=S4EUNX0N");
	iov_identity_remember(iov);
	assert_device("serial=S4EUNX0N", "0000:02:00.0");
}

static void a_name_does_not_outlive_the_boot(void **state)
{
	(void)state;
	iov_identity_remember(iov);
	take_drivers();
	tree_file(tree, "proc/sys/kernel/random/boot_id", "boot-2\n");
	assert_fails("serial=S4EUNX0N", -ENODEV, "no function has this");
	assert_identity("0000:02:00.0", "slot=2-1");
}

static void a_name_does_not_go_to_another_card_in_the_same_place(void **state)
{
	char command[256];

	(void)state;
	iov_identity_remember(iov);
	take_drivers();
	/* a copy while the original is there has another inode, as a function that comes has */
	snprintf(command, sizeof(command), "cd '%s/" ROOT "/0000:00:02.0' && "
		 "cp -a 0000:02:00.0 new && rm -r 0000:02:00.0 && mv new 0000:02:00.0", tree);
	assert_int_equal(system(command), 0);
	assert_fails("serial=S4EUNX0N", -ENODEV, "no function has this");
	assert_identity("0000:02:00.0", "slot=2-1");
}

static void a_damaged_memory_is_no_memory(void **state)
{
	static const char *const texts[] = {
		"", "[]", "{", "{\"boot\":\"boot-1\"}", "{\"boot\":\"boot-1\",\"functions\":[]}",
		"{\"boot\":\"boot-1\",\"functions\":{\"0000:02:00.0\":{\"names\":7}}}",
	};

	(void)state;
	take_drivers();
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		tree_file(tree, "var/lib/iovkit/identities", texts[i]);
		assert_identity("0000:02:00.0", "slot=2-1");
		iov_identity_remember(iov);
	}
}

static void a_function_that_appears_matches_its_names_alone(void **state)
{
	struct iov_bdf pf = bdf_of("0000:01:00.0"), vf = bdf_of("0000:01:10.2");

	(void)state;
	assert_true(iov_device_matches(iov, pf, "0000:01:00.0"));
	assert_true(iov_device_matches(iov, pf, "serial=" DSN ".0"));
	assert_true(iov_device_matches(iov, pf, "slot=1.0"));
	assert_true(iov_device_matches(iov, pf, "path=0000:00:01.0/00.0"));
	assert_true(iov_device_matches(iov, pf, "eth0"));
	assert_false(iov_device_matches(iov, pf, "serial=" DSN ".1"));
	assert_false(iov_device_matches(iov, pf, "serial=" DSN));
	assert_false(iov_device_matches(iov, pf, "serial=S4EUNX0N"));
	assert_false(iov_device_matches(iov, pf, "serial=" DSN ".0/vf1"));
	assert_true(iov_device_matches(iov, vf, "serial=" DSN ".0/vf1"));
	assert_true(iov_device_matches(iov, vf, "eth0/vf1"));
	assert_false(iov_device_matches(iov, vf, "serial=" DSN ".0/vf0"));
	assert_false(iov_device_matches(iov, vf, "serial=" DSN ".0"));
	assert_false(iov_device_matches(iov, vf, "nonsense="));
}

static void the_form_tells_an_identity(void **state)
{
	(void)state;
	assert_true(iov_identity_is("serial=x"));
	assert_true(iov_identity_is("eth0/vf1"));
	assert_true(iov_identity_is("uplink/vf12"));
	assert_false(iov_identity_is("0000:01:00.0"));
	assert_false(iov_identity_is("net_tap0,iface=tap0"));
}

static void assert_range(const char *text, const char *expected)
{
	_cleanup_free_ struct iov_bdf *bdfs = NULL;
	char found[256] = "";
	size_t count;

	assert_true(iov_device_is_range(text));
	assert_int_equal(iov_devices_parse(iov, text, &bdfs, &count), 0);
	for (size_t i = 0; i < count; i++)
		snprintf(found + strlen(found), sizeof(found) - strlen(found), "%s%s",
			 i ? " " : "", IOV_BDF(bdfs[i]));
	assert_string_equal(found, expected);
}

static void assert_no_range(const char *text, int error, const char *message)
{
	struct iov_bdf *bdfs;
	size_t count;

	assert_int_equal(iov_devices_parse(iov, text, &bdfs, &count), error);
	assert_non_null(strstr(iov_error_message(iov), message));
	assert_null(bdfs);
}

static void a_range_names_vfs_in_order_and_each_once(void **state)
{
	_cleanup_free_ struct iov_bdf *one = NULL;
	size_t count;

	(void)state;
	assert_no_range("0000:01:00.0/all", -ENODEV, "has no VFs; 'iov vf create");
	tree_link(tree, ROOT "/" NIC0 "/virtfn0", "../0000:01:10.0");
	tree_link(tree, ROOT "/" NIC0 "/virtfn1", "../0000:01:10.2");
	assert_range("0000:01:00.0/vf0-1", "0000:01:10.0 0000:01:10.2");
	assert_range("eth0/vf1,0", "0000:01:10.0 0000:01:10.2");
	assert_range("serial=" DSN ".0/vf0-1,1", "0000:01:10.0 0000:01:10.2");
	assert_range("path=0000:00:01.0/00.0/all", "0000:01:10.0 0000:01:10.2");
	assert_false(iov_device_is_range("eth0/vf1"));
	assert_false(iov_device_is_range("path=0000:00:01.0/00.0"));
	assert_false(iov_device_is_range("net_tap0,iface=tap-0"));
	assert_int_equal(iov_devices_parse(iov, "eth0", &one, &count), 0);
	assert_int_equal(count, 1);
	assert_string_equal(IOV_BDF(one[0]), "0000:01:00.0");
}

static void what_is_no_range_is_told_with_the_form(void **state)
{
	struct iov_bdf bdf;

	(void)state;
	assert_int_equal(iov_device_parse(iov, "eth0/vf0-1", &bdf), -EINVAL);
	assert_non_null(strstr(iov_error_message(iov), "expected one device, like eth0/vf0"));
	assert_int_equal(iov_device_parse(iov, "eth0/all", &bdf), -EINVAL);
	assert_no_range("0000:01:00.0/vf1-0", -EINVAL, "is no range of VFs; write it like");
	assert_no_range("0000:01:00.0/vf-1", -EINVAL, "is no range of VFs");
	assert_no_range("0000:01:00.0/vf0-99", -ENODEV, "has no such VF; expected vf0 to");
	assert_no_range("nonsense/vf0-1", -ENODEV, "nonsense: neither a PCI address");
	assert_no_range("0000:01:10.2/all", -EOPNOTSUPP, "0000:01:10.2 is no PF");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_form_names_a_function),
		TEST(a_vf_has_an_address_before_it_exists),
		TEST(what_is_no_name_is_told_with_the_form),
		TEST(who_is_unknown_is_told_with_whom_there_is),
		TEST(who_shares_a_name_is_told_apart),
		TEST(a_file_stores_the_best_name),
		TEST(a_name_that_another_card_has_is_not_stored),
		TEST(a_number_that_a_maker_gives_to_all_is_no_identity),
		TEST(a_number_of_two_boards_is_no_identity),
		TEST(an_alternative_name_that_is_not_there_is_absent),
		TEST(an_interface_names_the_function_that_it_is_of),
		TEST(a_port_is_known_by_the_name_of_its_interface_or_its_address),
		TEST(an_address_is_compared_without_what_changes_at_each_boot),
		TEST(all_names_are_listed_best_first),
		TEST(an_address_that_was_set_or_made_up_is_no_identity),
		TEST(a_representor_is_not_its_pf),
		TEST(a_serial_number_of_nothing_is_none),
		TEST(functions_behind_a_switch_are_in_its_slot),
		TEST(slots_of_one_number_are_no_names),
		TEST(a_name_outlives_the_driver_that_told_it),
		TEST(a_name_does_not_outlive_the_boot),
		TEST(a_name_does_not_go_to_another_card_in_the_same_place),
		TEST(a_damaged_memory_is_no_memory),
		TEST(a_function_that_appears_matches_its_names_alone),
		TEST(the_form_tells_an_identity),
		TEST(a_range_names_vfs_in_order_and_each_once),
		TEST(what_is_no_range_is_told_with_the_form),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
