// SPDX-License-Identifier: GPL-2.0-or-later
/* Every way by which a host can need a function, on a recorded host. */
#include "tests/unit/test.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/guard/guard.h"
#include "tests/unit/tree.h"

#define IGB "0000:01:00.0"    /* enp1s0, the default route */
#define IGB2 "0000:81:00.0"   /* enp129s0 */
#define NVME "0000:02:00.0"   /* nvme0n1, mounted at /mnt */
#define E1000 "0000:04:01.0"  /* enp4s1 */
#define VF "0000:01:10.2"     /* vfio-pci, group 17, vfio0 */
#define NET "sys/class/net/"
#define BLOCK "sys/class/block/"
#define ROUTES "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n"

static char *tree;
static struct iov *iov;

static int setup(void **state)
{
	(void)state;
	tree = tree_of_host("default");
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

/* A host of which nothing is in use. */
static int setup_idle(void **state)
{
	setup(state);
	tree_file(tree, "proc/net/route", ROUTES);
	tree_file(tree, "proc/net/ipv6_route", "");
	tree_file(tree, "proc/self/mountinfo", "");
	return 0;
}

static struct json_object *findings_of(const char *device)
{
	struct json_object *findings = json_object_new_array();
	struct iov_bdf bdf;

	assert_int_equal(iov_bdf_parse(iov, device, &bdf), 0);
	assert_int_equal(iov_guard_function(iov, bdf, findings), 0);
	return findings;
}

static const char *member(struct json_object *object, const char *key)
{
	return json_object_get_string(json_object_object_get(object, key));
}

/* The names of the guards that hold it, in order of the findings: "mount lvm". */
static void assert_guards(const char *device, const char *guards)
{
	_cleanup_json_ struct json_object *findings = findings_of(device);
	char text[256] = "";

	for (size_t i = 0; i < json_object_array_length(findings); i++) {
		strcat(text, i ? " " : "");
		strcat(text, member(json_object_array_get_idx(findings, i), "guard"));
	}
	assert_string_equal(text, guards);
}

static void assert_free(const char *device)
{
	assert_guards(device, "");
}

/* The only finding of its guard; the caller puts it. */
static struct json_object *finding_of(const char *device, const char *guard)
{
	_cleanup_json_ struct json_object *findings = findings_of(device);
	struct json_object *found = NULL;

	for (size_t i = 0; i < json_object_array_length(findings); i++) {
		struct json_object *finding = json_object_array_get_idx(findings, i);

		if (strcmp(member(finding, "guard"), guard))
			continue;
		assert_null(found);
		found = json_object_get(finding);
	}
	assert_non_null(found);
	return found;
}

/* Holder and way of the only finding of a guard: "0000:01:00.0 eth0 br0". */
static void assert_held(const char *device, const char *guard, const char *holder,
			const char *path)
{
	_cleanup_json_ struct json_object *finding = finding_of(device, guard);
	struct json_object *names = json_object_object_get(finding, "path");
	char text[256] = "";

	assert_string_equal(member(finding, "holder"), holder);
	assert_string_equal(member(finding, "device"), device);
	for (size_t i = 0; i < json_object_array_length(names); i++) {
		strcat(text, i ? " " : "");
		strcat(text, json_object_get_string(json_object_array_get_idx(names, i)));
	}
	assert_string_equal(text, path);
}

static void assert_pid(const char *device, const char *guard, int pid)
{
	_cleanup_json_ struct json_object *finding = finding_of(device, guard);

	assert_int_equal(json_object_get_int(json_object_object_get(finding, "pid")), pid);
}

static void an_idle_host_holds_nothing(void **state)
{
	static const char *const devices[] = { IGB, IGB2, NVME, E1000, VF, "0000:09:00.0" };

	(void)state;
	for (size_t i = 0; i < sizeof(devices) / sizeof(*devices); i++)
		assert_free(devices[i]);
}

static void a_default_route_holds_its_interface(void **state)
{
	(void)state;
	tree_file(tree, "proc/net/ipv6_route", "");
	assert_held(IGB, "default-route", "default route via 10.0.2.2", IGB " enp1s0");
	assert_free(IGB2);
	assert_free("0000:01:10.0");
}

static void a_default_route_of_ipv6_holds_its_interface(void **state)
{
	(void)state;
	tree_file(tree, "proc/net/ipv6_route",
		  "fe800000000000000000000000000000 40 00000000000000000000000000000000 00 "
		  "00000000000000000000000000000000 00000100 00000001 00000000 00000001 enp4s1\n"
		  "00000000000000000000000000000000 00 00000000000000000000000000000000 00 "
		  "fe800000000000000000000000000001 00000400 00000001 00000000 00000003 enp129s0\n"
		  "00000000000000000000000000000000 00 00000000000000000000000000000000 00 "
		  "00000000000000000000000000000000 ffffffff 00000001 00000000 00200200 lo\n");
	assert_held(IGB2, "default-route", "default route via fe80::1", IGB2 " enp129s0");
	assert_free(E1000);
}

static void add_virtual_interface(const char *name)
{
	char path[128], target[128];

	snprintf(path, sizeof(path), "sys/devices/virtual/net/%s/operstate", name);
	tree_file(tree, path, "up\n");
	snprintf(path, sizeof(path), NET "%s", name);
	snprintf(target, sizeof(target), "../../devices/virtual/net/%s", name);
	tree_link(tree, path, target);
}

static void a_route_over_stacked_interfaces_reaches_the_hardware(void **state)
{
	(void)state;
	add_virtual_interface("br0");
	add_virtual_interface("bond0.7");
	add_virtual_interface("bond0");
	tree_link(tree, NET "bond0/upper_bond0.7", "../bond0.7");
	tree_link(tree, NET "bond0.7/upper_br0", "../br0");
	tree_link(tree, NET "br0/lower_bond0.7", "../bond0.7");
	tree_link(tree, NET "bond0.7/lower_bond0", "../bond0");
	tree_link(tree, NET "bond0/lower_enp4s1", "../../x/net/enp4s1");
	tree_link(tree, NET "bond0/lower_enp129s0", "../../x/net/enp129s0");
	tree_file(tree, "proc/net/route",
		  ROUTES "br0\t00000000\t0202000A\t0003\t0\t0\t0\t00000000\t0\t0\t0\n");
	assert_held(E1000, "default-route", "default route via 10.0.2.2",
		    E1000 " enp4s1 bond0 bond0.7 br0");
	assert_held(IGB2, "default-route", "default route via 10.0.2.2",
		    IGB2 " enp129s0 bond0 bond0.7 br0");
	assert_free(IGB);
}

static void interfaces_that_loop_end(void **state)
{
	(void)state;
	add_virtual_interface("a");
	add_virtual_interface("b");
	tree_link(tree, NET "a/lower_b", "../b");
	tree_link(tree, NET "b/lower_a", "../a");
	tree_file(tree, "proc/net/route",
		  ROUTES "a\t00000000\t00000000\t0001\t0\t0\t0\t00000000\t0\t0\t0\n");
	assert_free(IGB);
}

static void what_is_stacked_on_an_interface_holds_it(void **state)
{
	(void)state;
	add_virtual_interface("br0");
	tree_file(tree, NET "br0/uevent", "DEVTYPE=bridge\nINTERFACE=br0\n");
	tree_link(tree, NET "br0/lower_enp4s1", "../../x/net/enp4s1");
	assert_held(E1000, "bridge", "bridge br0", E1000 " enp4s1 br0");
	assert_guards(E1000, "bridge");
	assert_free(IGB);
}

/* An interface of a kind on another, which has the link back. */
static void add_upper(const char *name, const char *devtype, const char *lower)
{
	char path[128], text[128];

	add_virtual_interface(name);
	snprintf(path, sizeof(path), NET "%s/uevent", name);
	snprintf(text, sizeof(text), "%s%s%sINTERFACE=%s\n", devtype ? "DEVTYPE=" : "",
		 devtype ? devtype : "", devtype ? "\n" : "", name);
	tree_file(tree, path, text);
	snprintf(path, sizeof(path), NET "%s/lower_%s", name, lower);
	tree_link(tree, path, "x");
	snprintf(path, sizeof(path), NET "%s/upper_%s", lower, name);
	tree_link(tree, path, "x");
}

static void each_kind_of_interface_is_a_guard(void **state)
{
	(void)state;
	add_upper("bond0", "bond", "enp4s1");
	add_upper("bond0.5", "vlan", "bond0");
	add_upper("ovs-system", NULL, "enp129s0");
	add_upper("vx0", "vxlan", "enp1s0");
	assert_guards(E1000, "bond vlan");
	assert_held(E1000, "bond", "bond bond0", E1000 " enp4s1 bond0");
	assert_held(E1000, "vlan", "VLAN bond0.5", E1000 " enp4s1 bond0 bond0.5");
	assert_held(IGB2, "ovs", "Open vSwitch ovs-system", IGB2 " enp129s0 ovs-system");
	assert_held(IGB, "upper", "vxlan vx0", IGB " enp1s0 vx0");
}

static void a_macvtap_is_known_by_its_directory(void **state)
{
	(void)state;
	add_upper("mt0", NULL, "enp4s1");
	tree_file(tree, NET "mt0/macvtap/tap9/uevent", "");
	assert_held(E1000, "macvlan", "macvtap mt0", E1000 " enp4s1 mt0");
}

static void the_topmost_of_a_kind_speaks_for_it(void **state)
{
	(void)state;
	add_upper("enp4s1.5", "vlan", "enp4s1");
	add_upper("enp4s1.5.7", "vlan", "enp4s1.5");
	assert_held(E1000, "vlan", "VLAN enp4s1.5.7", E1000 " enp4s1 enp4s1.5 enp4s1.5.7");
}

static void a_directory_without_its_interface_tells_of_another_namespace(void **state)
{
	(void)state;
	assert_free(VF);
	tree_file(tree, "sys/bus/pci/devices/" VF "/net/x", "");
	tree_unlink(tree, "sys/bus/pci/devices/" VF "/net/x");
	assert_held(VF, "netns", "its interface in a network namespace that could not be found", VF);
}

static void an_address_that_someone_configured_holds_its_interface(void **state)
{
	(void)state;
	tree_file(tree, "proc/net/route",
		  ROUTES "enp4s1\t0001A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n");
	tree_file(tree, "proc/net/fib_trie",
		  "Main:\n     |-- 192.168.1.0\n        /24 link UNICAST\n"
		  "Local:\n     |-- 192.168.1.1\n        /32 host LOCAL\n"
		  "     |-- 192.168.1.255\n        /32 link BROADCAST\n"
		  "     |-- 127.0.0.1\n        /32 host LOCAL\n");
	tree_file(tree, "proc/net/if_inet6",
		  "20010db8000000000000000000000001 02 40 00 80 enp129s0\n");
	assert_held(E1000, "address", "address 192.168.1.1 of enp4s1", E1000 " enp4s1");
	assert_held(IGB2, "address", "address 2001:db8::1 of enp129s0", IGB2 " enp129s0");
	assert_free(IGB);
}

static void an_address_on_what_is_stacked_holds_the_hardware(void **state)
{
	(void)state;
	add_upper("br0", "bridge", "enp4s1");
	tree_file(tree, "proc/net/if_inet6", "20010db8000000000000000000000001 02 40 00 80 br0\n");
	assert_held(E1000, "address", "address 2001:db8::1 of br0", E1000 " enp4s1 br0");
}

static void an_address_that_every_interface_has_holds_nothing(void **state)
{
	(void)state;
	tree_file(tree, "proc/net/route",
		  ROUTES "enp4s1\t0000FEA9\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n");
	tree_file(tree, "proc/net/fib_trie", "Local:\n |-- 169.254.7.1\n /32 host LOCAL\n");
	tree_file(tree, "proc/net/if_inet6",
		  "fe80000000000000505400fffe123456 05 40 20 80 enp4s1\n"
		  "20010db8000000000505400fffe12345 05 40 00 00 enp129s0\n");
	assert_free(E1000);
	assert_free(IGB2);
}

static void a_session_holds_the_interface_with_its_address(void **state)
{
	(void)state;
	tree_file(tree, "proc/net/route",
		  ROUTES "enp4s1\t0000A8C0\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n"
			 "enp129s0\t0001A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n");
	assert_int_equal(iov_guard_set_session(iov, "192.168.1.9 55000 192.168.1.1 22"), 0);
	assert_held(IGB2, "session", "the session from 192.168.1.9 to 192.168.1.1",
		    IGB2 " enp129s0");
	assert_free(E1000);
	assert_int_equal(iov_guard_set_session(iov, "192.168.7.9 55000 192.168.7.1 22"), 0);
	assert_held(E1000, "session", "the session from 192.168.7.9 to 192.168.7.1",
		    E1000 " enp4s1");
}

static void a_session_of_ipv6_is_found_by_its_address_and_zone(void **state)
{
	(void)state;
	tree_file(tree, "proc/net/if_inet6",
		  "20010db8000000000000000000000001 02 40 00 80 enp129s0\n");
	assert_int_equal(iov_guard_set_session(iov, "2001:db8::9 55000 2001:db8::1 22"), 0);
	assert_held(IGB2, "session", "the session from 2001:db8::9 to 2001:db8::1",
		    IGB2 " enp129s0");
	assert_int_equal(iov_guard_set_session(iov, "fe80::9%enp4s1 55000 fe80::1%enp4s1 22"), 0);
	assert_held(E1000, "session", "the session from fe80::9%enp4s1 to fe80::1%enp4s1",
		    E1000 " enp4s1");
}

static void a_session_from_this_host_itself_holds_nothing(void **state)
{
	(void)state;
	tree_file(tree, "proc/net/route",
		  ROUTES "enp4s1\t0000007F\t00000000\t0001\t0\t0\t0\t000000FF\t0\t0\t0\n");
	assert_int_equal(iov_guard_set_session(iov, "127.0.0.1 55000 127.0.0.1 22"), 0);
	assert_free(E1000);
}

static void a_session_that_sudo_hid_is_found_above_it(void **state)
{
	(void)state;
	tree_file(tree, "proc/net/route",
		  ROUTES "enp4s1\t0000A8C0\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n");
	tree_file(tree, "proc/self/status", "Name:\tiov\nPPid:\t71\n");
	tree_file(tree, "proc/self/environ", "PATH=/bin");
	tree_file(tree, "proc/71/status", "Name:\tsudo\nPPid:\t70\n");
	tree_file(tree, "proc/70/status", "Name:\tbash\nPPid:\t1\n");
	tree_file(tree, "proc/70/environ", "SSH_CONNECTION=192.168.1.9 55000 192.168.1.1 22");
	assert_int_equal(iov_guard_set_session(iov, NULL), 0);
	assert_held(E1000, "session", "the session from 192.168.1.9 to 192.168.1.1",
		    E1000 " enp4s1");
}

static void a_malformed_session_is_refused(void **state)
{
	(void)state;
	assert_int_equal(iov_guard_set_session(iov, "10.0.0.1"), -EINVAL);
	assert_non_null(strstr(iov_error_message(iov), "'10.0.0.1'; expected 'client port"));
}

static void a_mount_holds_the_controllers_of_its_nvme_subsystem(void **state)
{
	(void)state;
	assert_held(NVME, "mount", "/mnt (ext4)", NVME " nvme0 nvme0n1");
}

static void add_block(const char *name, const char *target)
{
	char path[128];

	snprintf(path, sizeof(path), BLOCK "%s", name);
	tree_link(tree, path, target);
}

/* A SATA disk with a partition behind the e1000's address. */
static void add_disk(void)
{
	tree_file(tree, "sys/devices/pci0000:00/0000:04:01.0/ata1/block/sda/sda2/partition", "2\n");
	add_block("sda", "../../devices/pci0000:00/0000:04:01.0/ata1/block/sda");
	add_block("sda2", "../../devices/pci0000:00/0000:04:01.0/ata1/block/sda/sda2");
	tree_link(tree, "sys/dev/block/8:2", "../../devices/x/block/sda/sda2");
}

static void a_disk_that_is_only_partitioned_is_free(void **state)
{
	(void)state;
	add_disk();
	assert_free(E1000);
}

static void a_mount_in_another_namespace_holds_its_disk(void **state)
{
	(void)state;
	add_disk();
	tree_link(tree, "proc/self/ns/mnt", "mnt:[1]");
	tree_link(tree, "proc/70/ns/mnt", "mnt:[1]");
	tree_link(tree, "proc/71/ns/mnt", "mnt:[2]");
	tree_link(tree, "proc/72/ns/mnt", "mnt:[2]");
	tree_file(tree, "proc/71/comm", "httpd\n");
	tree_file(tree, "proc/71/mountinfo", "28 1 8:2 / /srv rw - xfs /dev/sda2 rw\n");
	tree_file(tree, "proc/72/mountinfo", "28 1 8:2 / /srv rw - xfs /dev/sda2 rw\n");
	assert_held(E1000, "mount", "/srv (xfs) in the mount namespace of pid 71 (httpd)",
		    E1000 " sda2");
	assert_pid(E1000, "mount", 71);
	tree_file(tree, "proc/self/mountinfo", "28 1 8:2 / /data rw - xfs /dev/sda2 rw\n");
	assert_held(E1000, "mount", "/data (xfs)", E1000 " sda2");
}

static void who_goes_meanwhile_does_not_stand_for_its_namespace(void **state)
{
	(void)state;
	add_disk();
	tree_link(tree, "proc/71/ns/mnt", "mnt:[2]");
	tree_link(tree, "proc/72/ns/mnt", "mnt:[2]");
	tree_file(tree, "proc/72/comm", "httpd\n");
	tree_file(tree, "proc/72/mountinfo", "28 1 8:2 / /srv rw - xfs /dev/sda2 rw\n");
	assert_held(E1000, "mount", "/srv (xfs) in the mount namespace of pid 72 (httpd)",
		    E1000 " sda2");
}

/* Then procfs has nothing of it but its other threads. */
static void a_process_lives_on_without_its_first_thread(void **state)
{
	(void)state;
	add_disk();
	tree_file(tree, "proc/71/comm", "httpd\n");
	tree_file(tree, "proc/71/task/71/comm", "httpd\n");
	tree_link(tree, "proc/71/task/72/ns/mnt", "mnt:[2]");
	tree_file(tree, "proc/71/task/72/mountinfo", "28 1 8:2 / /srv rw - xfs /dev/sda2 rw\n");
	tree_link(tree, "proc/71/task/72/fd/3", "/dev/sda2");
	assert_held(E1000, "mount", "/srv (xfs) in the mount namespace of pid 71 (httpd)",
		    E1000 " sda2");
	assert_held(E1000, "disk-open", "pid 71 (httpd)", E1000 " sda2");
}

/* By unshare(2). */
static void a_thread_has_descriptors_of_its_own(void **state)
{
	(void)state;
	add_disk();
	tree_file(tree, "proc/71/comm", "reader\n");
	tree_link(tree, "proc/71/ns/mnt", "mnt:[1]");
	tree_link(tree, "proc/71/fd/0", "/dev/null");
	tree_file(tree, "proc/71/task/71/comm", "reader\n");
	tree_link(tree, "proc/71/task/72/ns/mnt", "mnt:[1]");
	tree_link(tree, "proc/71/task/72/fd/3", "/dev/sda2");
	assert_held(E1000, "disk-open", "pid 71 (reader)", E1000 " sda2");
}

/* A name is anybody's to choose, and the flags come after its end. */
static void only_threads_of_the_kernel_are_not_asked(void **state)
{
	(void)state;
	add_disk();
	tree_file(tree, "proc/71/comm", "kworker/0:1\n");
	tree_file(tree, "proc/71/stat", "71 (kworker/0:1) I 2 0 0 0 -1 69238880 0 0\n");
	tree_link(tree, "proc/71/fd/3", "/dev/sda2");
	assert_free(E1000);
	tree_file(tree, "proc/71/comm", "a) I 2 0 0 0 -1 \n");
	tree_file(tree, "proc/71/stat", "71 (a) I 2 0 0 0 -1 ) S 1 71 71 0 -1 4194560 0 0\n");
	assert_held(E1000, "disk-open", "pid 71 (a) I 2 0 0 0 -1)", E1000 " sda2");
}

static void a_mounted_partition_holds_its_controller(void **state)
{
	(void)state;
	add_disk();
	tree_file(tree, "proc/self/mountinfo",
		  "22 1 0:20 / /proc rw - proc proc rw\n"
		  "28 1 8:2 / /srv/a\\040b rw,noatime shared:1 - xfs /dev/sda2 rw\n");
	assert_held(E1000, "mount", "/srv/a b (xfs)", E1000 " sda2");
	assert_free(NVME);
}

/* Anybody may mount in a namespace of his own, and the name is read as far as there is room. */
static void an_escape_that_is_cut_off_ends_the_name(void **state)
{
	char name[250], line[400], holder[300];

	(void)state;
	add_disk();
	memset(name, 'a', sizeof(name));
	snprintf(line, sizeof(line), "28 1 8:2 / /%.247s\\040\\040b rw - xfs /dev/sda2 rw\n", name);
	tree_file(tree, "proc/self/mountinfo", line);
	snprintf(holder, sizeof(holder), "/%.247s \\04 (xfs)", name);
	assert_held(E1000, "mount", holder, E1000 " sda2");
}

static void add_virtual_block(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "sys/devices/virtual/block/%s/size", name);
	tree_file(tree, path, "1\n");
	snprintf(path, sizeof(path), "../../devices/virtual/block/%s", name);
	add_block(name, path);
}

static void a_volume_holds_every_disk_below_it(void **state)
{
	(void)state;
	add_disk();
	add_virtual_block("dm-0");
	add_virtual_block("md0");
	tree_link(tree, BLOCK "dm-0/slaves/md0", "../../md0");
	tree_link(tree, BLOCK "md0/holders/dm-0", "../../dm-0");
	tree_link(tree, BLOCK "md0/slaves/sda2", "x");
	tree_link(tree, BLOCK "md0/slaves/nvme0n1", "x");
	tree_link(tree, "sys/dev/block/253:0", "../../devices/virtual/block/dm-0");
	tree_file(tree, "proc/self/mountinfo", "28 1 253:0 / / rw - ext4 /dev/mapper/vg-root rw\n");
	assert_held(E1000, "mount", "/ (ext4)", E1000 " sda2 md0 dm-0");
	assert_held(NVME, "mount", "/ (ext4)", NVME " nvme0 nvme0n1 md0 dm-0");
}

static void a_partition_of_an_array_holds_the_array_s_disks(void **state)
{
	(void)state;
	add_disk();
	add_virtual_block("md0");
	tree_file(tree, "sys/devices/virtual/block/md0/md0p1/partition", "1\n");
	add_block("md0p1", "../../devices/virtual/block/md0/md0p1");
	tree_link(tree, BLOCK "md0/holders/x", "x");
	tree_link(tree, BLOCK "md0/slaves/sda2", "x");
	tree_link(tree, "sys/dev/block/259:9", "../../devices/virtual/block/md0/md0p1");
	tree_file(tree, "proc/self/mountinfo", "28 1 259:9 / /data rw - ext4 /dev/md0p1 rw\n");
	assert_held(E1000, "mount", "/data (ext4)", E1000 " sda2 md0 md0p1");
}

static void a_btrfs_holds_all_its_members(void **state)
{
	(void)state;
	add_disk();
	tree_link(tree, "sys/fs/btrfs/0f1e/devices/sda2", "x");
	tree_link(tree, "sys/fs/btrfs/0f1e/devices/nvme0n1", "x");
	tree_file(tree, "proc/self/mountinfo", "28 1 0:31 /@ / rw - btrfs /dev/sda2 rw\n");
	assert_held(E1000, "mount", "/ (btrfs)", E1000 " sda2");
	assert_held(NVME, "mount", "/ (btrfs)", NVME " nvme0 nvme0n1");
}

static void swap_holds_its_disk_also_by_a_mapped_name(void **state)
{
	(void)state;
	add_disk();
	add_virtual_block("dm-1");
	tree_link(tree, BLOCK "dm-1/slaves/sda2", "x");
	tree_link(tree, "dev/mapper/vg-swap", "../dm-1");
	tree_file(tree, "proc/swaps", "Filename\tType\tSize\tUsed\tPriority\n"
				      "/dev/mapper/vg-swap partition 1000 0 -2\n"
				      "/swapfile file 1000 0 -3\n");
	assert_held(E1000, "swap", "swap on /dev/mapper/vg-swap", E1000 " sda2 dm-1");
}

/* A volume on the disk's partition or on another volume. */
static void add_volume(const char *name, const char *lower, const char *title, const char *uuid)
{
	char path[128];

	add_virtual_block(name);
	snprintf(path, sizeof(path), BLOCK "%s/dm/name", name);
	tree_file(tree, path, title);
	snprintf(path, sizeof(path), BLOCK "%s/dm/uuid", name);
	tree_file(tree, path, uuid);
	snprintf(path, sizeof(path), BLOCK "%s/slaves/%s", name, lower);
	tree_link(tree, path, "x");
	snprintf(path, sizeof(path), BLOCK "%s/holders/%s", lower, name);
	tree_link(tree, path, "x");
}

static void an_idle_volume_holds_its_disks_by_its_kind(void **state)
{
	(void)state;
	add_disk();
	add_volume("dm-0", "sda2", "safe\n", "CRYPT-LUKS2-0f1e-safe\n");
	add_volume("dm-1", "dm-0", "vg-pool_tdata\n", "LVM-abc-tdata\n");
	add_volume("dm-2", "dm-1", "vg-thin\n", "LVM-def\n");
	assert_guards(E1000, "crypt lvm");
	assert_held(E1000, "crypt", "dm-crypt volume safe", E1000 " sda2 dm-0");
	assert_held(E1000, "lvm", "LVM volume vg-thin", E1000 " sda2 dm-0 dm-1 dm-2");
	assert_free(NVME);
}

static void a_volume_of_another_kind_is_device_mapper_s(void **state)
{
	(void)state;
	add_disk();
	add_volume("dm-0", "sda2", "mpatha\n", "mpath-3600a\n");
	assert_held(E1000, "dm", "device mapper volume mpatha", E1000 " sda2 dm-0");
}

static void a_replicated_disk_is_held(void **state)
{
	(void)state;
	add_disk();
	add_virtual_block("drbd0");
	tree_link(tree, BLOCK "drbd0/slaves/sda2", "x");
	assert_held(E1000, "dm", "DRBD device drbd0", E1000 " sda2 drbd0");
}

static void an_array_holds_its_disks_even_when_it_does_not_run(void **state)
{
	(void)state;
	add_disk();
	add_virtual_block("md127");
	tree_link(tree, BLOCK "md127/slaves/sda2", "x");
	tree_file(tree, BLOCK "md127/md/array_state", "clean\n");
	assert_held(E1000, "md", "MD array md127", E1000 " sda2 md127");
	tree_file(tree, BLOCK "md127/md/array_state", "inactive\n");
	assert_held(E1000, "md", "MD array md127 (inactive)", E1000 " sda2 md127");
}

static void a_cache_and_a_loop_device_hold_their_disk(void **state)
{
	(void)state;
	add_disk();
	add_virtual_block("bcache0");
	tree_link(tree, BLOCK "bcache0/slaves/sda2", "x");
	add_virtual_block("loop0");
	tree_file(tree, BLOCK "loop0/loop/backing_file", "/dev/sda2\n");
	add_virtual_block("loop1");
	tree_file(tree, BLOCK "loop1/loop/backing_file", "/srv/image\n");
	assert_guards(E1000, "bcache loop");
	assert_held(E1000, "bcache", "bcache device bcache0", E1000 " sda2 bcache0");
	assert_held(E1000, "loop", "loop device loop0", E1000 " sda2 loop0");
}

static void an_imported_pool_holds_its_disks(void **state)
{
	(void)state;
	add_disk();
	tree_file(tree, BLOCK "sda2/dev", "8:2\n");
	tree_file(tree, "run/udev/data/b8:2",
		  "S:disk/by-label/tank\nE:ID_FS_LABEL=tank\nE:ID_FS_TYPE=zfs_member\n");
	tree_file(tree, "proc/spl/kstat/zfs/arcstats", "");
	tree_file(tree, "proc/spl/kstat/zfs/other/state", "ONLINE\n");
	assert_free(E1000);
	tree_file(tree, "proc/spl/kstat/zfs/tank/state", "ONLINE\n");
	assert_held(E1000, "zfs", "ZFS pool tank", E1000 " sda2");
	assert_free(NVME);
}

static void add_process(const char *pid, const char *name, const char *node)
{
	char path[128];

	snprintf(path, sizeof(path), "proc/%s/comm", pid);
	tree_file(tree, path, name);
	snprintf(path, sizeof(path), "proc/%s/fd/7", pid);
	tree_link(tree, path, node);
}

/* The device of a node "dri/renderD128", where it is below sys/devices. */
static void add_node(const char *number, const char *name, const char *class, const char *device)
{
	char path[192], text[192];

	snprintf(path, sizeof(path), "sys/dev/char/%s", number);
	snprintf(text, sizeof(text), "../../devices/%s", device);
	tree_link(tree, path, text);
	snprintf(path, sizeof(path), "sys/devices/%s/uevent", device);
	snprintf(text, sizeof(text), "MAJOR=1\nMINOR=2\nDEVNAME=%s\n", name);
	tree_file(tree, path, text);
	if (!class)
		return;
	snprintf(path, sizeof(path), "sys/devices/%s/subsystem", device);
	snprintf(text, sizeof(text), "../../class/%s", class);
	tree_link(tree, path, text);
}

static void a_process_holds_the_disk_that_it_has_open(void **state)
{
	(void)state;
	add_disk();
	add_node("241:0", "nvme0", "nvme", "pci0000:00/0000:00:02.0/" NVME "/nvme/nvme0");
	add_process("71", "qemu-system-x86\n", "/dev/sda2");
	add_process("72", "nvme\n", "/dev/nvme0");
	assert_held(E1000, "disk-open", "pid 71 (qemu-system-x86)", E1000 " sda2");
	assert_pid(E1000, "disk-open", 71);
	assert_held(NVME, "disk-open", "pid 72 (nvme)", NVME " /dev/nvme0");
}

/* By its namespace, which has no function above it but by its controller; iovd is of DPDK. */
static void iovd_holds_the_controller_of_its_disk(void **state)
{
	(void)state;
	add_process("71", "iovd\n", "/dev/nvme0n1");
	tree_link(tree, "proc/71/fd/8", "/run/dpdk/rte/config");
	assert_held(NVME, "disk-open", "pid 71 (iovd)", NVME " nvme0 nvme0n1");
	assert_pid(NVME, "disk-open", 71);
	tree_unlink(tree, "proc/71/fd/7");
	assert_guards(NVME, "");
}

static void a_dpdk_process_is_called_so(void **state)
{
	(void)state;
	add_process("71", "dpdk-testpmd\n", "/dev/vfio/17");
	tree_link(tree, "proc/71/fd/8", "/run/dpdk/rte/config");
	assert_guards(VF, "dpdk");
	assert_held(VF, "dpdk", "DPDK process pid 71 (dpdk-testpmd)", VF " /dev/vfio/17");
	tree_unlink(tree, "proc/71/fd/8");
	assert_guards(VF, "vfio-open");
	tree_file(tree, "proc/71/maps", "7f00 r-xp 0 08:01 9 /usr/lib/librte_eal.so.23\n");
	assert_guards(VF, "dpdk");
}

static void uio_and_bifurcated_drivers_are_seen(void **state)
{
	(void)state;
	add_node("240:0", "uio0", "uio", "pci0000:00/" E1000 "/uio/uio0");
	add_node("231:192", "infiniband/uverbs0", "infiniband_verbs",
		 "pci0000:80/" IGB2 "/infiniband_verbs/uverbs0");
	add_process("71", "testpmd\n", "/dev/uio0");
	add_process("72", "testpmd\n", "/dev/infiniband/uverbs0");
	tree_link(tree, "proc/72/fd/8", "/run/dpdk/rte/config");
	add_process("73", "ib_send_bw\n", "/dev/infiniband/uverbs0");
	assert_held(E1000, "dpdk", "pid 71 (testpmd)", E1000 " /dev/uio0");
	assert_guards(IGB2, "dpdk rdma-open");
	assert_held(IGB2, "dpdk", "DPDK process pid 72 (testpmd)",
		    IGB2 " /dev/infiniband/uverbs0");
	assert_held(IGB2, "rdma-open", "pid 73 (ib_send_bw)", IGB2 " /dev/infiniband/uverbs0");
}

static void a_process_holds_its_gpu(void **state)
{
	(void)state;
	add_node("226:128", "dri/renderD128", "drm", "pci0000:00/" E1000 "/drm/renderD128");
	tree_file(tree, "proc/driver/nvidia/gpus/" IGB2 "/information",
		  "Model: \t\t X\nDevice Minor: \t 3\n");
	add_process("71", "blender\n", "/dev/dri/renderD128");
	add_process("72", "python3\n", "/dev/nvidia3");
	assert_held(E1000, "gpu-open", "pid 71 (blender)", E1000 " /dev/dri/renderD128");
	assert_held(IGB2, "gpu-open", "pid 72 (python3)", IGB2 " /dev/nvidia3");
}

/* Of whatever kind, as long as it is below the function or stands on it. */
static void a_process_holds_whatever_it_has_open(void **state)
{
	(void)state;
	add_node("511:0", "vhost-vdpa-0", "vhost-vdpa", "pci0000:00/" E1000 "/vdpa0/vhost-vdpa-0");
	add_node("300:7", "new/thing7", NULL, "pci0000:80/" IGB2 "/new/thing7");
	add_node("10:232", "kvm", "misc", "virtual/misc/kvm");
	add_process("71", "qemu-system-x86\n", "/dev/vhost-vdpa-0");
	tree_link(tree, "proc/71/fd/8", "/dev/kvm");
	tree_link(tree, "proc/71/fd/9", "socket:[7]");
	add_process("72", "app\n", "/dev/new/thing7");
	assert_held(E1000, "device-open", "pid 71 (qemu-system-x86)", E1000 " /dev/vhost-vdpa-0");
	assert_held(IGB2, "device-open", "pid 72 (app)", IGB2 " /dev/new/thing7");
	assert_guards(IGB2, "device-open");
	assert_free(NVME);
}

static void a_process_holds_what_its_node_stands_on(void **state)
{
	(void)state;
	add_upper("mt0", "macvtap", "enp4s1");
	add_node("235:9", "tap9", "macvtap", "virtual/net/mt0/macvtap/tap9");
	add_node("236:1", "ng0n1", "nvme-generic", "virtual/nvme-subsystem/nvme-subsys0/ng0n1");
	add_node("231:193", "infiniband/uverbs1", "infiniband_verbs",
		 "virtual/infiniband_verbs/uverbs1");
	tree_file(tree, "sys/class/infiniband_verbs/uverbs1/ibdev", "rxe0\n");
	tree_file(tree, "sys/class/infiniband/rxe0/ports/1/gid_attrs/ndevs/0", "enp129s0\n");
	add_process("71", "qemu-system-x86\n", "/dev/tap9");
	add_process("72", "smartd\n", "/dev/ng0n1");
	add_process("73", "app\n", "/dev/infiniband/uverbs1");
	assert_guards(E1000, "macvlan device-open");
	assert_held(E1000, "device-open", "pid 71 (qemu-system-x86)", E1000 " enp4s1 mt0 /dev/tap9");
	assert_held(NVME, "disk-open", "pid 72 (smartd)", NVME " nvme0 /dev/ng0n1");
	assert_held(IGB2, "rdma-open", "pid 73 (app)", IGB2 " enp129s0 /dev/infiniband/uverbs1");
}

/* One node for all GPUs that compute; a processor has no place on a bus. */
static void a_process_that_computes_holds_each_gpu(void **state)
{
	(void)state;
	add_node("234:0", "kfd", "kfd", "virtual/kfd/kfd");
	tree_file(tree, "sys/class/kfd/kfd/topology/nodes/0/properties",
		  "cpu_cores_count 8\nlocation_id 0\ndomain 0\n");
	tree_file(tree, "sys/class/kfd/kfd/topology/nodes/1/properties",
		  "cpu_cores_count 0\nlocation_id 1032\ndomain 0\n");
	tree_file(tree, "sys/class/kfd/kfd/topology/nodes/2/properties",
		  "location_id 33024\ndomain 0\n");
	add_process("71", "python3\n", "/dev/kfd");
	assert_held(E1000, "gpu-open", "pid 71 (python3)", E1000 " /dev/kfd");
	assert_held(IGB2, "gpu-open", "pid 71 (python3)", IGB2 " /dev/kfd");
	assert_free(NVME);
}

/* The group of a mediated device has nothing but that, which is below its parent. */
static void a_mediated_device_holds_its_parent(void **state)
{
	static const char uuid[] = "00000000-0000-4000-8000-000000000076";
	char target[192];

	(void)state;
	snprintf(target, sizeof(target), "../../../../devices/pci0000:00/" E1000 "/%s", uuid);
	tree_link(tree, "sys/kernel/iommu_groups/400/devices/00000000-0000-4000-8000-000000000076",
		  target);
	add_process("71", "qemu-system-x86\n", "/dev/vfio/400");
	assert_held(E1000, "vfio-open", "pid 71 (qemu-system-x86)",
		    E1000 " 00000000-0000-4000-8000-000000000076 /dev/vfio/400");
}

static void the_boot_display_is_held_until_a_guest_has_it(void **state)
{
	(void)state;
	tree_file(tree, "sys/bus/pci/devices/" E1000 "/boot_vga", "1\n");
	tree_file(tree, "sys/bus/pci/devices/" IGB2 "/boot_vga", "0\n");
	tree_file(tree, "sys/bus/pci/devices/" VF "/boot_vga", "1\n");
	assert_held(E1000, "boot-display", "the boot display", E1000);
	assert_free(IGB2);
	assert_free(VF);
	tree_file(tree, "sys/bus/pci/devices/" IGB2 "/drm/card1/boot_display", "1\n");
	tree_file(tree, "sys/bus/pci/devices/" NVME "/boot_display", "1\n");
	assert_held(IGB2, "boot-display", "the boot display", IGB2);
	assert_held(NVME, "boot-display", "the boot display", NVME);
}

static void the_framebuffer_of_the_firmware_holds_its_display(void **state)
{
	(void)state;
	tree_file(tree, "proc/iomem", "fd000000-feffffff : PCI Bus 0000:04\n  fd000000-fdffffff : " E1000 "\n"
		  "    fd000000-fdffffff : e1000\n  fe000000-fe0fffff : " IGB2 "\n"
		  "febf0000-febfffff : BOOTFB\n");
	assert_free(E1000);
	tree_file(tree, "proc/iomem", "fd000000-feffffff : PCI Bus 0000:04\n  fd000000-fdffffff : " E1000 "\n"
		  "    fd000000-fd2fffff : BOOTFB\n  fe000000-fe0fffff : " IGB2 "\n");
	assert_held(E1000, "boot-display", "the framebuffer of the firmware (BOOTFB in /proc/iomem)", E1000);
	assert_free(IGB2);
	tree_file(tree, "proc/iomem", "  00000000-00000000 : " E1000 "\n    00000000-00000000 : simple-framebuffer.0\n");
	assert_held(E1000, "boot-display", "the framebuffer of the firmware (simple-framebuffer.0 in /proc/iomem)",
		    E1000);
	/* The driver of the GPU itself is no firmware's. */
	tree_file(tree, "proc/iomem", "  fd000000-fdffffff : " E1000 "\n    fd000000-fdffffff : bochs-drm\n");
	tree_link(tree, "sys/bus/pci/devices/" E1000 "/driver", "../../../bus/pci/drivers/bochs-drm");
	assert_free(E1000);
}

static void a_lock_of_the_vga_arbiter_holds_its_display(void **state)
{
	(void)state;
	tree_file(tree, "dev/vga_arbiter", "count:2,PCI:" E1000 ",decodes=io+mem,owns=io+mem,locks=none(0:0)\n");
	assert_free(E1000);
	tree_file(tree, "dev/vga_arbiter", "count:2,PCI:" E1000 ",decodes=io+mem,owns=io+mem,locks=io+mem(1:1)\n");
	assert_held(E1000, "boot-display", "a lock of the VGA arbiter", E1000);
}

static void the_text_console_holds_its_framebuffer(void **state)
{
	(void)state;
	tree_link(tree, "sys/class/graphics/fb0",
		  "../../devices/pci0000:00/" E1000 "/graphics/fb0");
	tree_file(tree, "sys/class/vtconsole/vtcon1/name", "(M) frame buffer device\n");
	tree_file(tree, "sys/class/vtconsole/vtcon1/bind", "0\n");
	assert_free(E1000);
	tree_file(tree, "sys/class/vtconsole/vtcon1/bind", "1\n");
	assert_held(E1000, "boot-display", "the text console on fb0", E1000 " fb0");
}

#define LONG_NAME "a-name-that-is-longer-than-those-that-people-give-their-guests-as-tools-make-them"

/* A store that has one guest with two functions, as io/xs_wire.h has its words. */
static void serve_store(int listener, const char *name, const char *count, const char *function)
{
	const char *const stored[][2] = {
		{ "/local/domain/0/backend/pci/3/0/num_devs", count },
		{ "/local/domain/0/backend/pci/3/0/dev-1", function },
		{ "/local/domain/3/name", name },
	};
	uint32_t words[4];
	char path[256];
	int fd;

	while ((fd = accept(listener, NULL, NULL)) >= 0) {
		while (recv(fd, words, sizeof(words), MSG_WAITALL) == sizeof(words) && words[3] < sizeof(path) &&
		       recv(fd, path, words[3], MSG_WAITALL) == (ssize_t)words[3]) {
			const char *value = "ENOENT";

			words[0] = 16;
			for (size_t i = 0; i < sizeof(stored) / sizeof(*stored); i++) {
				if (strcmp(stored[i][0], path) != 0)
					continue;
				value = stored[i][1];
				words[0] = 2;
			}
			/* It has no answer for what is not told here. */
			if (!value)
				break;
			words[3] = (uint32_t)strlen(value);
			assert_int_equal(write(fd, words, sizeof(words)), sizeof(words));
			assert_int_equal(write(fd, value, words[3]), words[3]);
		}
		close(fd);
	}
}

static void assert_store_holds(const char *name, const char *count, const char *function, const char *holder,
			       bool is_told)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int listener = socket(AF_UNIX, SOCK_STREAM, 0);
	pid_t pid;

	tree_file(tree, "run/xenstored/pid", "");
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/run/xenstored/socket", tree);
	unlink(address.sun_path);
	assert_int_equal(bind(listener, (const struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(listener, 4), 0);
	pid = fork();
	if (!pid) {
		serve_store(listener, name, count, function);
		_exit(0);
	}
	close(listener);
	assert_held(VF, "xen", holder, VF);
	if (is_told)
		assert_free(IGB2);
	else
		assert_held(IGB2, "xen", holder, IGB2);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void a_guest_of_xen_holds_what_its_store_tells(void **state)
{
	const char *const unknown = "domain 3 of Xen or nobody: /run/xenstored/socket does not tell";

	(void)state;
	tree_link(tree, "sys/bus/pci/drivers/pciback/" VF, "../../devices/" VF);
	tree_link(tree, "sys/bus/pci/drivers/pciback/" IGB2, "../../devices/" IGB2);
	assert_free(VF);
	tree_link(tree, "sys/bus/xen-backend/devices/vbd-3-51712", "x");
	assert_free(VF);
	/* Nobody tells whose they are */
	tree_link(tree, "sys/bus/xen-backend/devices/pci-3-0", "x");
	assert_held(VF, "xen", unknown, VF);
	assert_held(IGB2, "xen", unknown, IGB2);
	assert_free(E1000);

	assert_store_holds("web", "2", VF, "domain 3 of Xen (web)", true);
	assert_store_holds(LONG_NAME, "2", VF, "domain 3 of Xen (" LONG_NAME ")", true);
	assert_store_holds("web", "", VF, unknown, false);
	assert_store_holds("web", "two", VF, unknown, false);
	assert_store_holds("web", "4294967298", VF, unknown, false);
	assert_store_holds("web", NULL, VF, unknown, false);
	assert_store_holds("web", "2", NULL, unknown, false);
}

/* Which session of PPPoE an interface of PPP has the kernel does not tell. */
static void a_route_over_ppp_holds_what_its_sessions_are_on(void **state)
{
	(void)state;
	add_virtual_interface("ppp0");
	tree_file(tree, NET "ppp0/type", "512\n");
	tree_file(tree, "proc/net/pppoe",
		  "Id       Address              Device\n00000012 52:54:00:12:34:56 enp4s1\n");
	tree_file(tree, "proc/net/route",
		  ROUTES "ppp0\t00000000\t00000000\t0001\t0\t0\t0\t00000000\t0\t0\t0\n");
	assert_held(E1000, "default-route", "default route of ppp0", E1000 " enp4s1 ppp0");
	assert_free(IGB);
}

static void a_route_that_someone_configured_holds_its_interface(void **state)
{
	(void)state;
	tree_file(tree, "proc/net/route",
		  ROUTES "enp4s1\t0000000A\t0101A8C0\t0003\t0\t0\t0\t000000FF\t0\t0\t0\n"
			 "enp129s0\t0000A8C0\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n");
	tree_file(tree, "proc/net/ipv6_route",
		  "20010db8000000000000000000000000 20 00000000000000000000000000000000 00 "
		  "fe800000000000000000000000000001 00000400 00000001 00000000 00000003 enp1s0\n");
	assert_held(E1000, "route", "route to 10.0.0.0/8 via 192.168.1.1", E1000 " enp4s1");
	assert_held(IGB, "route", "route to 2001:db8::/32 via fe80::1", IGB " enp1s0");
	assert_free(IGB2);
}

/* Whoever has the socket is named, and who cannot be seen counts as well. */
static void a_packet_socket_holds_its_interface(void **state)
{
	(void)state;
	tree_file(tree, NET "enp4s1/ifindex", "71\n");
	tree_file(tree, NET "enp129s0/ifindex", "72\n");
	tree_file(tree, "proc/net/packet",
		  "sk               RefCnt Type Proto  Iface R Rmem   User   Inode\n"
		  "0000000000000000 3      3    0003   71    1 0      0      31337\n"
		  "0000000000000000 3      3    0003   0     1 0      0      31338\n"
		  "0000000000000000 3      3    0003   72    1 0      0      31339\n");
	add_process("71", "tcpdump\n", "socket:[31337]");
	assert_held(E1000, "packet", "pid 71 (tcpdump)", E1000 " enp4s1");
	assert_pid(E1000, "packet", 71);
	assert_held(IGB2, "packet", "a process that has a packet socket", IGB2 " enp129s0");
	assert_free(IGB);
}

/* As the kernel writes its lists; who listens to all interfaces is bound to none. */
static void a_can_socket_holds_its_interface(void **state)
{
	(void)state;
	tree_file(tree, "proc/net/can/rcvlist_all",
		  "\nreceive list 'rx_all':\n"
		  "  device   can_id   can_mask  function  userdata   matches  ident\n"
		  "   any        000    00000000  00000000c0ffee00  00000000c0ffee01         3  raw\n"
		  "  (enp129s0: no entry)\n");
	tree_file(tree, "proc/net/can/rcvlist_eff",
		  "\nreceive list 'rx_eff':\n"
		  "  device   can_id   can_mask  function  userdata   matches  ident\n"
		  "   enp4s1  80000123  dfffffff  00000000c0ffee00  00000000c0ffee01        12  bcm\n"
		  "   enp4s1  80000124  dfffffff  00000000c0ffee00  00000000c0ffee02         0  bcm\n");
	assert_held(E1000, "packet", "a process that has a CAN socket (bcm)", E1000 " enp4s1");
	assert_free(IGB2);
	assert_free(IGB);
}

static void what_the_kernel_exports_holds_its_disk(void **state)
{
	static const char namespace[] = "sys/kernel/config/nvmet/subsystems/nqn.a/namespaces/1";
	char path[128];

	(void)state;
	add_disk();
	snprintf(path, sizeof(path), "%s/device_path", namespace);
	tree_file(tree, path, "/dev/nvme0n1\n");
	snprintf(path, sizeof(path), "%s/enable", namespace);
	tree_file(tree, path, "0\n");
	assert_free(NVME);
	tree_file(tree, path, "1\n");
	tree_file(tree, "sys/kernel/config/target/core/alua/lu_gps", "");
	tree_file(tree, "sys/kernel/config/target/core/iblock_0/hba_info", "");
	tree_file(tree, "sys/kernel/config/target/core/iblock_0/backup/udev_path", "/dev/sda2\n");
	tree_file(tree, "sys/kernel/config/target/core/fileio_0/image/udev_path", "/srv/image\n");
	assert_held(NVME, "target", "namespace 1 of the NVMe target nqn.a", NVME " nvme0 nvme0n1");
	assert_held(E1000, "target", "SCSI target backup", E1000 " sda2");
}

/* NVMe passthrough has no namespaces: the controller is exported by its node. */
static void a_controller_that_the_kernel_exports_is_held(void **state)
{
	static const char passthru[] = "sys/kernel/config/nvmet/subsystems/nqn.a/passthru";
	char path[128];

	(void)state;
	add_node("241:0", "nvme0", "nvme", "pci0000:00/0000:00:02.0/" NVME "/nvme/nvme0");
	snprintf(path, sizeof(path), "%s/device_path", passthru);
	tree_file(tree, path, "/dev/nvme0\n");
	snprintf(path, sizeof(path), "%s/enable", passthru);
	tree_file(tree, path, "0\n");
	assert_free(NVME);
	tree_file(tree, path, "1\n");
	assert_held(NVME, "target", "the NVMe target nqn.a", NVME " /dev/nvme0");
}

/* What is below a stack that is deeper than anyone follows is not known. */
static void a_stack_that_is_too_deep_is_an_error(void **state)
{
	struct json_object *findings = json_object_new_array();
	char path[128], target[64];
	struct iov_bdf bdf;

	(void)state;
	for (unsigned int i = 0; i < 40; i++) {
		snprintf(path, sizeof(path), BLOCK "dm-%u", i);
		snprintf(target, sizeof(target), "../../devices/virtual/block/dm-%u", i);
		tree_link(tree, path, target);
		snprintf(path, sizeof(path), "sys/devices/virtual/block/dm-%u/slaves/dm-%u", i, i + 1);
		snprintf(target, sizeof(target), "../../dm-%u", i + 1);
		tree_link(tree, path, target);
	}
	tree_file(tree, "proc/swaps", "Filename Type Size Used Priority\n/dev/dm-0 partition 1 0 -2\n");
	assert_int_equal(iov_bdf_parse(iov, NVME, &bdf), 0);
	assert_int_equal(iov_guard_function(iov, bdf, findings), -ELOOP);
	assert_non_null(strstr(iov_error_message(iov), "what is below dm-0"));
	json_object_put(findings);
}

static void a_share_that_is_mounted_holds_its_device(void **state)
{
	(void)state;
	tree_file(tree, "sys/devices/pci0000:00/" E1000 "/virtio3/mount_tag", "lab\n");
	tree_file(tree, "sys/devices/pci0000:00/" E1000 "/virtio3/device", "0x0009\n");
	tree_link(tree, "sys/bus/virtio/drivers/9pnet_virtio/virtio3",
		  "../../../../devices/pci0000:00/" E1000 "/virtio3");
	tree_file(tree, "proc/self/mountinfo", "31 1 0:40 / /a rw - 9p lab rw,trans=virtio\n"
					       "32 1 0:41 / /b rw - virtiofs my\\040files rw\n");
	assert_held(E1000, "mount", "/a (9p)", E1000);
	tree_file(tree, "sys/fs/virtiofs/1/tag", "other\n");
	tree_link(tree, "sys/fs/virtiofs/1/device", "../../../devices/pci0000:00/" IGB "/virtio4");
	tree_file(tree, "sys/fs/virtiofs/2/tag", "my files\n");
	tree_link(tree, "sys/fs/virtiofs/2/device", "../../../devices/pci0000:80/" IGB2 "/virtio5");
	assert_held(IGB2, "mount", "/b (virtiofs)", IGB2);
	assert_free(IGB);
}

static void virtiofs_that_does_not_tell_its_tag_is_held(void **state)
{
	(void)state;
	tree_file(tree, "proc/self/mountinfo", "32 1 0:41 / /b rw - virtiofs files rw\n");
	tree_link(tree, "sys/bus/virtio/drivers/virtiofs/virtio4",
		  "../../../../devices/pci0000:00/" E1000 "/virtio4");
	tree_file(tree, "sys/bus/virtio/drivers/virtiofs/bind", "");
	assert_held(E1000, "mount", "/b (virtiofs)", E1000);
}

static void memory_of_the_host_holds_its_device(void **state)
{
	(void)state;
	tree_link(tree, "sys/bus/dax/devices/dax0.0", "../../../devices/pci0000:00/" E1000 "/dax0.0");
	tree_link(tree, "sys/devices/pci0000:00/" E1000 "/dax0.0/driver", "../../x/device_dax");
	assert_free(E1000);
	tree_link(tree, "sys/devices/pci0000:00/" E1000 "/dax0.0/driver", "../../x/kmem");
	assert_held(E1000, "memory", "the memory of the host, by dax0.0", E1000 " dax0.0");
}

/* A region of CXL is over several devices, and below none of them. */
static void memory_of_cxl_holds_each_device_of_its_region(void **state)
{
	static const char region[] = "sys/devices/platform/ACPI0017:00/root0/decoder0.0/region0";
	char path[192];

	(void)state;
	snprintf(path, sizeof(path), "%s/dax_region0/dax0.0/driver", region);
	tree_link(tree, path, "../../x/kmem");
	tree_link(tree, "sys/bus/dax/devices/dax0.0", "../../../devices/platform/ACPI0017:00/root0/"
		  "decoder0.0/region0/dax_region0/dax0.0");
	snprintf(path, sizeof(path), "%s/target0", region);
	tree_file(tree, path, "decoder3.0\n");
	snprintf(path, sizeof(path), "%s/target1", region);
	tree_file(tree, path, "decoder4.0\n");
	tree_link(tree, "sys/bus/cxl/devices/region0", "../../../devices/platform/ACPI0017:00/root0/"
		  "decoder0.0/region0");
	tree_link(tree, "sys/bus/cxl/devices/decoder3.0",
		  "../../../devices/platform/ACPI0017:00/root0/port1/endpoint3/decoder3.0");
	tree_link(tree, "sys/bus/cxl/devices/decoder4.0",
		  "../../../devices/platform/ACPI0017:00/root0/port1/endpoint4/decoder4.0");
	tree_link(tree, "sys/bus/cxl/devices/endpoint3/uport",
		  "../../../pci0000:00/" E1000 "/mem0");
	tree_link(tree, "sys/bus/cxl/devices/endpoint4/uport", "../../../pci0000:80/" IGB2 "/mem1");
	assert_held(E1000, "memory", "the memory of the host, by dax0.0", E1000 " dax0.0");
	assert_held(IGB2, "memory", "the memory of the host, by dax0.0", IGB2 " dax0.0");
	assert_free(IGB);
}

/* What firmware gave to the host before there were drivers has no device of dax. */
static void memory_of_cxl_that_firmware_gave_holds_each_device_of_its_region(void **state)
{
	static const char region[] = "sys/devices/platform/ACPI0017:00/root0/decoder0.0/region0";
	static const struct {
		const char *name;
		const char *text;
	} attributes[] = {
		{ "commit", "1\n" }, { "resource", "0x1050000000\n" }, { "size", "0x1000000000\n" },
		{ "mode", "ram\n" }, { "target0", "decoder3.0\n" },
	};
	char path[192];

	(void)state;
	for (size_t i = 0; i < sizeof(attributes) / sizeof(*attributes); i++) {
		snprintf(path, sizeof(path), "%s/%s", region, attributes[i].name);
		tree_file(tree, path, attributes[i].text);
	}
	tree_link(tree, "sys/bus/cxl/devices/region0", "../../../devices/platform/ACPI0017:00/root0/"
		  "decoder0.0/region0");
	tree_link(tree, "sys/bus/cxl/devices/decoder3.0",
		  "../../../devices/platform/ACPI0017:00/root0/port1/endpoint3/decoder3.0");
	tree_link(tree, "sys/bus/cxl/devices/endpoint3/uport", "../../../pci0000:00/" E1000 "/mem0");
	tree_file(tree, "proc/iomem", "100000000-104fffffff : System RAM\n"
		  "1050000000-204fffffff : CXL Window 0\n  1050000000-204fffffff : region0\n");
	assert_free(E1000);
	tree_file(tree, "proc/iomem", "1050000000-204fffffff : CXL Window 0\n"
		  "  1050000000-204fffffff : region0\n    1050000000-204fffffff : System RAM\n");
	assert_held(E1000, "memory", "the memory of the host, by region0", E1000 " region0");
	snprintf(path, sizeof(path), "%s/commit", region);
	tree_file(tree, path, "0\n");
	assert_free(E1000);
}

static void consoles_and_keyboards_hold_their_controller(void **state)
{
	(void)state;
	add_node("4:68", "ttyS4", "tty", "pci0000:00/" E1000 "/tty/ttyS4");
	add_node("4:1", "tty1", "tty", "virtual/tty/tty1");
	tree_file(tree, "proc/consoles",
		  "tty0                 -WU (EC  p  )    4:1\n"
		  "ttyS4                -W- (   p a)    4:68\n"
		  "netcon0              -W- (E     )\n");
	assert_free(E1000);
	tree_file(tree, "proc/consoles", "ttyS4                -W- (E  p a)    4:68\n");
	assert_held(E1000, "console", "the kernel's console ttyS4", E1000 " ttyS4");
	tree_file(tree, "proc/bus/input/devices",
		  "N: Name=\"A headset\"\nS: Sysfs=/devices/pci0000:00/" IGB "/usb1/input/input1\n"
		  "H: Handlers=kbd event1 \n\n"
		  "N: Name=\"USB Keyboard\"\nS: Sysfs=/devices/pci0000:80/" IGB2
		  "/usb2/2-1/2-1:1.0/input/input2\nH: Handlers=sysrq kbd leds event2 \n");
	assert_held(IGB2, "console", "the keyboard of the console (USB Keyboard)", IGB2);
	assert_free(IGB);
}

static void a_watchdog_that_runs_holds_its_function(void **state)
{
	(void)state;
	tree_file(tree, "sys/devices/pci0000:00/" E1000 "/watchdog/watchdog0/state", "inactive\n");
	tree_link(tree, "sys/class/watchdog/watchdog0",
		  "../../devices/pci0000:00/" E1000 "/watchdog/watchdog0");
	assert_free(E1000);
	tree_file(tree, "sys/devices/pci0000:00/" E1000 "/watchdog/watchdog0/state", "active\n");
	assert_held(E1000, "watchdog", "watchdog0, which resets the host unless it is fed",
		    E1000 " watchdog0");
}

/* Disks and interfaces behind USB are below its controller. */
static void what_is_behind_usb_holds_its_controller(void **state)
{
	(void)state;
	add_block("sdb", "../../devices/pci0000:00/" E1000 "/usb1/1-1/1-1:1.0/host9/block/sdb");
	tree_link(tree, "sys/dev/block/8:16", "../../devices/x/block/sdb");
	tree_file(tree, "proc/self/mountinfo", "28 1 8:16 / / rw - ext4 /dev/sdb rw\n");
	tree_link(tree, NET "enx0", "../../devices/pci0000:80/" IGB2 "/usb2/2-1/2-1:1.0/net/enx0");
	tree_file(tree, "sys/devices/pci0000:80/" IGB2 "/usb2/2-1/2-1:1.0/net/enx0/mtu", "1500\n");
	tree_file(tree, "proc/net/route",
		  ROUTES "enx0\t00000000\t0202000A\t0003\t0\t0\t0\t00000000\t0\t0\t0\n");
	assert_held(E1000, "mount", "/ (ext4)", E1000 " sdb");
	assert_held(IGB2, "default-route", "default route via 10.0.2.2", IGB2 " enx0");
}

static void every_guard_has_a_name_and_a_meaning(void **state)
{
	size_t count = 0;

	(void)state;
	for (const char *name; (name = iov_guard_name(count)); count++) {
		assert_non_null(iov_guard_meaning(name));
		assert_true(strlen(iov_guard_meaning(name)) > 10);
	}
	assert_true(count > 30);
	assert_null(iov_guard_meaning("no-such"));
}

static void a_process_holds_the_group_that_it_has_open(void **state)
{
	(void)state;
	tree_file(tree, "proc/71/comm", "qemu-system-x86\n");
	tree_link(tree, "proc/71/fd/0", "/dev/null");
	tree_link(tree, "proc/71/fd/3", "/dev/vfio/vfio");
	tree_link(tree, "proc/71/fd/4", "/dev/vfio/17");
	tree_link(tree, "proc/71/fd/5", "/dev/vfio/17");
	tree_link(tree, "proc/72/fd/4", "/dev/vfio/1");
	assert_held(VF, "vfio-open", "pid 71 (qemu-system-x86)", VF " /dev/vfio/17");
	assert_free(IGB);
}

static void a_process_holds_the_device_that_it_has_open(void **state)
{
	(void)state;
	add_node("243:0", "vfio/devices/vfio0", "vfio-dev", "pci0000:00/" VF "/vfio-dev/vfio0");
	tree_file(tree, "proc/71/comm", "guest\n");
	tree_link(tree, "proc/71/fd/4", "/dev/vfio/devices/vfio0");
	assert_held(VF, "vfio-open", "pid 71 (guest)", VF " /dev/vfio/devices/vfio0");
	tree_link(tree, "proc/71/fd/4", "/dev/vfio/devices/vfio9");
	assert_free(VF);
}

/* What lasts is below the root of CXL, as a region of modules that are memory devices. */
static void memory_of_cxl_that_lasts_holds_each_device_of_its_region(void **state)
{
	static const char bus[] = "sys/devices/platform/ACPI0017:00/root0/nvdimm-bridge0/ndbus0";
	static const char way[] = "../../../devices/platform/ACPI0017:00/root0/nvdimm-bridge0/ndbus0";
	char path[192], target[192];

	(void)state;
	for (int i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/region0/mapping%d", bus, i);
		snprintf(target, sizeof(target), "nmem%d,0,268435456,%d\n", i, i);
		tree_file(tree, path, target);
		snprintf(path, sizeof(path), "%s/nmem%d/cxl/provider", bus, i);
		snprintf(target, sizeof(target), "pmem%d\n", i + 2);
		tree_file(tree, path, target);
		snprintf(path, sizeof(path), "sys/bus/nd/devices/nmem%d", i);
		snprintf(target, sizeof(target), "%s/nmem%d", way, i);
		tree_link(tree, path, target);
	}
	snprintf(target, sizeof(target), "%s/region0", way);
	tree_link(tree, "sys/bus/nd/devices/region0", target);
	tree_link(tree, "sys/bus/cxl/devices/pmem2", "../../../devices/pci0000:00/" E1000 "/mem0/pmem2");
	tree_link(tree, "sys/bus/cxl/devices/pmem3", "../../../devices/pci0000:80/" IGB2 "/mem1/pmem3");
	/* A region of CXL of the same number is another one. */
	tree_file(tree, "sys/devices/platform/ACPI0017:00/root0/decoder0.0/region0/target0",
		  "decoder9.0\n");
	tree_link(tree, "sys/bus/cxl/devices/region0",
		  "../../../devices/platform/ACPI0017:00/root0/decoder0.0/region0");
	tree_link(tree, "sys/bus/cxl/devices/decoder9.0",
		  "../../../devices/platform/ACPI0017:00/root0/port1/endpoint9/decoder9.0");
	tree_link(tree, "sys/bus/cxl/devices/endpoint9/uport", "../../../pci0000:00/" IGB "/mem9");
	assert_free(E1000);

	snprintf(target, sizeof(target), "../../%s/region0/pfn0.1/block/pmem0", way + 9);
	add_block("pmem0", target);
	tree_link(tree, "sys/dev/block/259:0", "../../block/pmem0");
	tree_file(tree, "proc/self/mountinfo", "28 1 259:0 / /srv rw - xfs /dev/pmem0 rw\n");
	assert_held(E1000, "mount", "/srv (xfs)", E1000 " pmem0");
	assert_held(IGB2, "mount", "/srv (xfs)", IGB2 " pmem0");
	assert_free(IGB);

	tree_file(tree, "proc/self/mountinfo", "");
	add_node("252:0", "dax0.0", "dax",
		 "platform/ACPI0017:00/root0/nvdimm-bridge0/ndbus0/region0/dax0.1/dax0.0");
	add_process("71", "base\n", "/dev/dax0.0");
	assert_held(E1000, "device-open", "pid 71 (base)", E1000 " /dev/dax0.0");
	assert_held(IGB2, "device-open", "pid 71 (base)", IGB2 " /dev/dax0.0");
	tree_unlink(tree, "proc/71/fd/7");
	tree_link(tree, "sys/bus/dax/devices/dax0.0",
		  "../../../devices/platform/ACPI0017:00/root0/nvdimm-bridge0/ndbus0/region0/dax0.1/dax0.0");
	tree_link(tree, "sys/devices/platform/ACPI0017:00/root0/nvdimm-bridge0/ndbus0/region0/dax0.1/"
		  "dax0.0/driver", "../../x/kmem");
	assert_held(E1000, "memory", "the memory of the host, by dax0.0", E1000 " dax0.0");
	assert_free(IGB);
}

/* A function that is bound to a driver, which a module has registered. */
static void add_driver(const char *module, const char *driver, const char *device)
{
	char path[192];

	snprintf(path, sizeof(path), "sys/bus/pci/drivers/%s/%s", driver, device);
	tree_link(tree, path, "../../../devices/x");
	snprintf(path, sizeof(path), "sys/module/%s/drivers/pci:%s/%s", module, driver, device);
	tree_file(tree, path, "");
}

/* Its descriptor is closed; what it mapped is all that is left. */
static void a_process_that_has_a_node_mapped_holds_it(void **state)
{
	(void)state;
	add_node("249:7", "ptp7", "ptp", "pci0000:00/" E1000 "/ptp/ptp7");
	add_process("71", "mapper\n", "/dev/null");
	tree_file(tree, "proc/71/maps", "7f0000000000-7f0000001000 r--p 00000000 08:01 12   /usr/lib/libc.so.6\n"
		  "7f0000001000-7f0000002000 rw-p 00000000 00:00 0 \n");
	assert_free(E1000);
	tree_file(tree, "proc/71/maps", "7f0000000000-7f0000001000 rw-s 00000000 00:05 123      /dev/ptp7\n");
	assert_held(E1000, "device-open", "pid 71 (mapper)", E1000 " /dev/ptp7");
	assert_free(IGB);
	tree_file(tree, "proc/71/maps", "7f0000000000-7f0000001000 rw-s 00000000 00:16 9  "
		  "/sys/devices/pci0000:00/" E1000 "/resource0\n");
	assert_held(E1000, "device-open", "pid 71 (mapper)",
		    E1000 " /sys/devices/pci0000:00/" E1000 "/resource0");
	tree_file(tree, "proc/71/maps", "7f0000000000-7f0000001000 rw-s 00000000 00:16 9  "
		  "/host/sys/devices/pci0000:00/" E1000 "/resource2_wc (deleted)\n");
	assert_held(E1000, "device-open", "pid 71 (mapper)",
		    E1000 " /host/sys/devices/pci0000:00/" E1000 "/resource2_wc (deleted)");
	tree_file(tree, "proc/71/maps", "7f0000000000-7f0000001000 rw-s 00000000 00:16 9  "
		  "/sys/devices/pci0000:00/" E1000 "/resource\n");
	assert_free(E1000);
}

/* Drivers that are older than the core of watchdogs, and some that use it, tell no parent. */
static void a_watchdog_without_a_parent_holds_what_its_driver_has(void **state)
{
	(void)state;
	tree_file(tree, "proc/sys/kernel/osrelease", "6.1.0\n");
	tree_file(tree, "lib/modules/6.1.0/modules.dep",
		  "kernel/drivers/net/ethernet/igb.ko: kernel/drivers/watchdog/other.ko\n"
		  "kernel/drivers/watchdog/old-dog.ko.xz: kernel/drivers/x.ko\n");
	add_driver("old_dog", "old_dog_pci", E1000);
	add_driver("other", "other", IGB);
	assert_free(E1000);
	tree_file(tree, "sys/devices/virtual/watchdog/watchdog0/state", "active\n");
	tree_link(tree, "sys/class/watchdog/watchdog0", "../../devices/virtual/watchdog/watchdog0");
	assert_held(E1000, "watchdog", "watchdog0, which resets the host unless it is fed",
		    E1000 " watchdog0");
	assert_free(IGB);
	tree_file(tree, "sys/module/watchdog/holders/other/x", "");
	assert_held(IGB, "watchdog", "watchdog0, which resets the host unless it is fed",
		    IGB " watchdog0");
	/* One that has a watchdog below it has no other. */
	tree_unlink(tree, "sys/module/other/drivers/pci:other/" IGB);
	tree_file(tree, "sys/module/other/drivers/pci:other/" IGB "/watchdog/watchdog1/state", "\n");
	assert_free(IGB);
	assert_guards(E1000, "watchdog");
}

/* sp5100_tco finds the function by its table, and makes a platform device that is below nothing. */
static void a_watchdog_of_a_platform_device_holds_what_its_module_is_for(void **state)
{
	static const char device[] = "../../devices/platform/sp5100-tco/watchdog/watchdog0";

	(void)state;
	tree_file(tree, "proc/sys/kernel/osrelease", "6.1.0\n");
	tree_file(tree, "lib/modules/6.1.0/modules.alias",
		  "# Aliases extracted from modules themselves.\n"
		  "alias pci:v00008086d000010D3sv*sd*bc*sc*i* e1000e\n"
		  "alias pci:v00001022d0000790Bsv*sd*bc*sc*i* sp5100_tco\n"
		  "alias of:N*T* sp5100_tco\n");
	tree_file(tree, "sys/bus/pci/devices/" E1000 "/modalias",
		  "pci:v00001022d0000790Bsv00001022sd0000790Bbc0Csc05i00\n");
	tree_file(tree, "sys/bus/pci/devices/" IGB "/modalias",
		  "pci:v00008086d000010D3sv00001022sd0000790Bbc02sc00i00\n");
	tree_file(tree, "sys/devices/platform/sp5100-tco/watchdog/watchdog0/state", "inactive\n");
	tree_link(tree, "sys/devices/platform/sp5100-tco/driver/module", "../../../module/sp5100_tco");
	tree_file(tree, "sys/module/sp5100_tco/parameters/nowayout", "N\n");
	tree_link(tree, "sys/class/watchdog/watchdog0", device);
	assert_free(E1000);
	tree_file(tree, "sys/devices/platform/sp5100-tco/watchdog/watchdog0/state", "active\n");
	assert_held(E1000, "watchdog", "watchdog0, which resets the host unless it is fed",
		    E1000 " watchdog0");
	assert_free(IGB);
	add_node("249:0", "watchdog0", "watchdog", "platform/sp5100-tco/watchdog/watchdog0");
	tree_file(tree, "sys/devices/platform/sp5100-tco/watchdog/watchdog0/state", "inactive\n");
	assert_free(E1000);
	add_process("71", "feeder\n", "/dev/watchdog0");
	assert_held(E1000, "device-open", "pid 71 (feeder)", E1000 " /dev/watchdog0");
}

/* alim7101_wdt and others of before the core look for their function, and no driver has it. */
static void a_watchdog_without_driver_holds_what_its_module_is_for(void **state)
{
	(void)state;
	tree_file(tree, "proc/sys/kernel/osrelease", "6.1.0\n");
	tree_file(tree, "lib/modules/6.1.0/modules.dep", "kernel/drivers/watchdog/alim7101_wdt.ko:\n");
	tree_file(tree, "lib/modules/6.1.0/modules.alias",
		  "alias pci:v000010B9d00007101sv*sd*bc*sc*i* alim7101_wdt\n");
	tree_file(tree, "sys/bus/pci/devices/" E1000 "/modalias",
		  "pci:v000010B9d00007101sv00000000sd00000000bc06sc80i00\n");
	tree_file(tree, "sys/devices/virtual/watchdog/watchdog0/state", "active\n");
	tree_link(tree, "sys/class/watchdog/watchdog0", "../../devices/virtual/watchdog/watchdog0");
	assert_free(E1000);
	tree_file(tree, "sys/module/alim7101_wdt/parameters/use_gpio", "0\n");
	assert_held(E1000, "watchdog", "watchdog0, which resets the host unless it is fed",
		    E1000 " watchdog0");
}

/* What is built in has its table elsewhere, and of some of it sysfs shows nothing. */
static void a_watchdog_that_is_built_in_holds_what_its_module_is_for(void **state)
{
	static const char tables[] = "sp5100_tco.license=GPL\0"
				     "sp5100_tco.alias=pci:v00001022d0000790Bsv*sd*bc*sc*i*\0"
				     "sp5100.alias=pci:v00008086d000010D3sv*sd*bc*sc*i*\0"
				     "sp5100_tco.parm=nowayout:pci:v00008086d000010D3sv*sd*bc*sc*i*";

	(void)state;
	tree_file(tree, "proc/sys/kernel/osrelease", "6.1.0\n");
	tree_bytes(tree, "lib/modules/6.1.0/modules.builtin.modinfo", tables, sizeof(tables));
	tree_file(tree, "sys/bus/pci/devices/" E1000 "/modalias",
		  "pci:v00001022d0000790Bsv00001022sd0000790Bbc0Csc05i00\n");
	tree_file(tree, "sys/bus/pci/devices/" IGB "/modalias",
		  "pci:v00008086d000010D3sv00001022sd0000790Bbc02sc00i00\n");
	tree_file(tree, "sys/devices/virtual/watchdog/watchdog0/state", "active\n");
	tree_link(tree, "sys/class/watchdog/watchdog0", "../../devices/virtual/watchdog/watchdog0");
	assert_free(E1000);
	tree_file(tree, "lib/modules/6.1.0/modules.builtin",
		  "kernel/drivers/net/ethernet/sp5100.ko\nkernel/drivers/watchdog/sp5100_tco.ko\n");
	assert_held(E1000, "watchdog", "watchdog0, which resets the host unless it is fed",
		    E1000 " watchdog0");
	assert_free(IGB);
	/* So does one whose platform device sysfs shows. */
	tree_file(tree, "lib/modules/6.1.0/modules.builtin", "");
	assert_free(E1000);
	tree_unlink(tree, "sys/class/watchdog/watchdog0");
	tree_file(tree, "sys/devices/platform/sp5100-tco/watchdog/watchdog0/state", "active\n");
	tree_link(tree, "sys/devices/platform/sp5100-tco/driver/module", "../../../module/sp5100_tco");
	tree_link(tree, "sys/class/watchdog/watchdog0",
		  "../../devices/platform/sp5100-tco/watchdog/watchdog0");
	assert_guards(E1000, "watchdog");
	assert_free(IGB);
}

static void a_process_that_feeds_an_old_watchdog_holds_it(void **state)
{
	(void)state;
	tree_file(tree, "proc/sys/kernel/osrelease", "6.1.0\n");
	tree_file(tree, "lib/modules/6.1.0/modules.builtin", "kernel/drivers/watchdog/pcwd_pci.ko\n");
	add_driver("pcwd_pci", "pcwd_pci", E1000);
	add_node("10:130", "watchdog", "misc", "virtual/misc/watchdog");
	assert_free(E1000);
	add_process("71", "feeder\n", "/dev/watchdog");
	assert_held(E1000, "device-open", "pid 71 (feeder)", E1000 " /dev/watchdog");
}

static void netconsole_holds_the_interface_of_each_target(void **state)
{
	(void)state;
	tree_file(tree, "sys/kernel/config/netconsole/far/enabled", "0\n");
	tree_file(tree, "sys/kernel/config/netconsole/far/dev_name", "enp4s1\n");
	assert_free(E1000);
	tree_file(tree, "sys/kernel/config/netconsole/far/enabled", "1\n");
	assert_held(E1000, "console", "the target far of netconsole", E1000 " enp4s1");
}

/* Since Linux 6.15; who has the address has it, also on a VLAN. */
static void netconsole_holds_the_interface_with_the_address_of_a_target(void **state)
{
	(void)state;
	tree_file(tree, "sys/class/net/enp4s1/address", "02:00:00:00:00:0a\n");
	tree_file(tree, "sys/class/net/enp129s0/address", "02:00:00:00:00:0b\n");
	tree_file(tree, "sys/kernel/config/netconsole/far/enabled", "1\n");
	tree_file(tree, "sys/kernel/config/netconsole/far/dev_name", "\n");
	tree_file(tree, "sys/kernel/config/netconsole/far/local_mac", "02:00:00:00:00:0A\n");
	assert_held(E1000, "console", "the target far of netconsole", E1000 " enp4s1");
	assert_free(IGB2);
	tree_file(tree, "sys/kernel/config/netconsole/far/enabled", "0\n");
	assert_free(E1000);
	tree_file(tree, "sys/module/netconsole/parameters/oops_only", "N\n");
	tree_file(tree, "proc/cmdline", "netconsole=@/02:00:00:00:00:0b,@10.0.0.3/\n");
	assert_held(IGB2, "console", "the target @/02:00:00:00:00:0b,@10.0.0.3/ of netconsole",
		    IGB2 " enp129s0");
	assert_free(E1000);
}

static void netconsole_holds_what_its_module_was_loaded_with(void **state)
{
	(void)state;
	tree_file(tree, "proc/cmdline", "quiet xnetconsole=@/enp1s0,@1/ "
		  "netconsole=\"+4444@10.0.0.1/enp4s1,9353@10.0.0.2/;@/enp129s0,@10.0.0.3/\" ro\n");
	assert_free(E1000);
	tree_file(tree, "sys/module/netconsole/parameters/oops_only", "N\n");
	assert_guards(E1000, "console");
	assert_held(IGB2, "console", "the target @/enp129s0,@10.0.0.3/ of netconsole",
		    IGB2 " enp129s0");
	assert_free(IGB);
	tree_file(tree, "etc/modprobe.d/log.conf",
		  "# options netconsole netconsole=@/enp1s0,@1/\n");
	assert_free(IGB);
	tree_file(tree, "etc/modprobe.d/log.conf", "options netconsole netconsole=@/enp1s0,@1/\n");
	assert_guards(IGB, "console");
}

static void a_gadget_holds_its_controller(void **state)
{
	(void)state;
	tree_file(tree, "sys/devices/pci0000:00/" E1000 "/dwc3.1.auto/udc/dwc3.1.auto/function", "\n");
	tree_link(tree, "sys/class/udc/dwc3.1.auto",
		  "../../devices/pci0000:00/" E1000 "/dwc3.1.auto/udc/dwc3.1.auto");
	assert_free(E1000);
	tree_file(tree, "sys/devices/pci0000:00/" E1000 "/dwc3.1.auto/udc/dwc3.1.auto/function",
		  "g_ether\n");
	assert_held(E1000, "gadget", "the USB gadget g_ether", E1000 " dwc3.1.auto");
}

static void channels_that_copy_hold_their_function(void **state)
{
	(void)state;
	tree_file(tree, "sys/devices/pci0000:00/" E1000 "/dma/dma0chan0/in_use", "0\n");
	tree_link(tree, "sys/class/dma/dma0chan0", "../../devices/pci0000:00/" E1000 "/dma/dma0chan0");
	assert_free(E1000);
	tree_file(tree, "sys/devices/pci0000:00/" E1000 "/dma/dma0chan0/in_use", "1\n");
	assert_held(E1000, "dma", "a part of the kernel that copies by DMA", E1000 " dma0chan0");
}

/* It has no node: the group, or another process, gave it. */
static void a_process_holds_the_device_that_it_was_given(void **state)
{
	(void)state;
	tree_file(tree, "proc/71/comm", "guest\n");
	tree_link(tree, "proc/71/fd/4", "anon_inode:[vfio-device]");
	assert_free(VF);
	tree_file(tree, "proc/71/fdinfo/4", "pos:\t0\nflags:\t02\n"
		  "vfio-device-syspath: /sys/devices/pci0000:00/0000:00:01.0/" VF "\n");
	assert_held(VF, "vfio-open", "pid 71 (guest)", VF " a device of VFIO");
	assert_free(IGB);
}

/* The ring holds it, also when its descriptor is closed; of older kernels it tells no path. */
static void a_process_holds_what_is_registered_with_its_ring(void **state)
{
	static const char start[] = "pos:\t0\nSqMask:\t0x7\nUserFiles:\t4\n    0: /srv/sda2\n"
				    "    1: <none>\n    2: sda2\n";

	(void)state;
	add_disk();
	add_node("241:0", "nvme0", "nvme", "pci0000:00/0000:00:02.0/" NVME "/nvme/nvme0");
	add_process("71", "store\n", "anon_inode:[io_uring]");
	tree_file(tree, "proc/71/fdinfo/7", iov_path("%sUserBufs:\t1\n    0: /dev/sda2\n", start).name);
	assert_free(E1000);
	tree_file(tree, "proc/71/fdinfo/7", iov_path("%s    3: /dev/sda2\nUserBufs:\t0\n", start).name);
	assert_held(E1000, "disk-open", "pid 71 (store)", E1000 " sda2");
	assert_free(NVME);
	tree_file(tree, "proc/71/fdinfo/7", iov_path("%s    3: /dev/nvme0\n", start).name);
	assert_held(NVME, "disk-open", "pid 71 (store)", NVME " /dev/nvme0 (registered with io_uring)");
	assert_free(E1000);
}

/* Nobody knows then who holds what, which is not the same as nobody. */
/* What a mount names beside its first device, and what a disk is written to without being a slave. */
static void every_device_of_a_file_system_is_held(void **state)
{
	(void)state;
	add_disk();
	add_virtual_block("dm-7");
	tree_link(tree, BLOCK "dm-7/slaves/sda2", "x");
	tree_file(tree, "proc/self/mountinfo",
		  "28 1 259:9 / /x rw - xfs /dev/gone rw,logdev=/dev/sda2,noquota\n");
	assert_held(E1000, "mount", "/x (xfs)", E1000 " sda2");
	tree_file(tree, "proc/self/mountinfo", "28 1 0:55 / /b rw - bcachefs /dev/gone:/dev/sda2 rw\n");
	assert_held(E1000, "mount", "/b (bcachefs)", E1000 " sda2");
	tree_file(tree, "proc/self/mountinfo", "28 1 0:55 / /t rw - tmpfs tmpfs rw,mode=755\n");
	tree_file(tree, "proc/fs/jbd2/sda2-8/info", "");
	assert_guards(E1000, "dm");
	tree_file(tree, "proc/fs/jbd2/sda2/info", "");
	assert_held(E1000, "mount", "the journal of a file system", E1000 " sda2");
}

static void memory_that_is_written_back_holds_its_disk(void **state)
{
	(void)state;
	add_disk();
	add_virtual_block("zram0");
	tree_file(tree, BLOCK "zram0/backing_dev", "none\n");
	tree_file(tree, "proc/swaps", "Filename Type Size Used Priority\n/dev/zram0 partition 1 0 100\n");
	assert_free(E1000);
	tree_file(tree, BLOCK "zram0/backing_dev", "/dev/sda2\n");
	assert_guards(E1000, "swap zram");
	assert_held(E1000, "swap", "swap on /dev/zram0", E1000 " sda2 zram0");
	assert_held(E1000, "zram", "memory that is compressed (zram0)", E1000 " sda2 zram0");
}

/* A set of caches without a disk, or a disk that waits for one, is no volume. */
static void what_bcache_waits_with_holds_its_disk(void **state)
{
	(void)state;
	add_disk();
	tree_link(tree, BLOCK "sda2/bcache", "../../../fs/bcache/set/cache0");
	tree_file(tree, "sys/fs/bcache/set/cache0/bucket_size", "1\n");
	assert_held(E1000, "bcache", "bcache", E1000 " sda2");
}

/* A disk "nvme9n1" of another host, by a controller whose address is @address. */
static void add_remote_disk(const char *address)
{
	tree_file(tree, "sys/devices/virtual/nvme-fabrics/ctl/nvme9/address", address);
	tree_link(tree, "sys/class/nvme/nvme9", "../../devices/virtual/nvme-fabrics/ctl/nvme9");
	tree_link(tree, "sys/devices/virtual/nvme-subsystem/nvme-subsys9/nvme9",
		  "../../nvme-fabrics/ctl/nvme9");
	tree_file(tree, "sys/devices/virtual/nvme-subsystem/nvme-subsys9/nvme9n1/size", "1\n");
	add_block("nvme9n1", "../../devices/virtual/nvme-subsystem/nvme-subsys9/nvme9n1");
	tree_link(tree, "sys/dev/block/259:90",
		  "../../devices/virtual/nvme-subsystem/nvme-subsys9/nvme9n1");
	tree_file(tree, "proc/self/mountinfo", "28 1 259:90 / /r rw - xfs /dev/nvme9n1 rw\n");
}

static void a_disk_of_another_host_holds_what_carries_it(void **state)
{
	(void)state;
	add_remote_disk("traddr=nn-0x203b:pn-0x203d,host_traddr=nn-0x2000:pn-0x1000\n");
	tree_file(tree, "sys/devices/pci0000:00/" E1000 "/host5/fc_host/host5/port_name", "0x1000\n");
	tree_link(tree, "sys/class/fc_host/host5", "../../devices/pci0000:00/" E1000 "/host5/fc_host/host5");
	tree_file(tree, "sys/devices/pci0000:00/" IGB "/host6/fc_host/host6/port_name", "0x203d\n");
	tree_link(tree, "sys/class/fc_host/host6", "../../devices/pci0000:00/" IGB "/host6/fc_host/host6");
	assert_held(E1000, "mount", "/r (xfs)", E1000 " nvme9 nvme9n1");
	assert_free(IGB);

	add_remote_disk("traddr=fd00::5,trsvcid=4420,host_iface=enp129s0,src_addr=fd00::9\n");
	assert_held(IGB2, "mount", "/r (xfs)", IGB2 " enp129s0 nvme9 nvme9n1");
	assert_free(E1000);

	add_remote_disk("traddr=10.5.0.9,trsvcid=4420\n");
	tree_file(tree, "proc/net/route", ROUTES "enp4s1\t0000050A\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n");
	assert_held(E1000, "mount", "/r (xfs)", E1000 " enp4s1 nvme9 nvme9n1");
	assert_free(IGB2);

	tree_file(tree, "proc/net/if_inet6", "fd000000000000000000000000000007 05 40 00 00 enp129s0\n");
	add_remote_disk("traddr=10.5.0.9,trsvcid=4420,src_addr=fd00::7\n");
	assert_held(IGB2, "mount", "/r (xfs)", IGB2 " enp129s0 nvme9 nvme9n1");
	assert_free(E1000);

	add_process("71", "nvme\n", "/dev/nvme9");
	add_node("243:9", "nvme9", "nvme", "virtual/nvme-fabrics/ctl/nvme9");
	assert_held(IGB2, "disk-open", "pid 71 (nvme)", IGB2 " enp129s0 /dev/nvme9");
}

/* By an address of an interface, or as a port of Fibre Channel, however its name is written. */
static void a_target_holds_the_ports_that_it_is_reached_by(void **state)
{
	(void)state;
	tree_file(tree, "sys/devices/pci0000:00/" E1000 "/host5/fc_host/host5/port_name", "0x21000024ff314c48\n");
	tree_link(tree, "sys/class/fc_host/host5", "../../devices/pci0000:00/" E1000 "/host5/fc_host/host5");
	tree_file(tree, "proc/net/if_inet6", "fd000000000000000000000000000007 05 40 00 00 enp129s0\n");
	tree_file(tree, "sys/kernel/config/target/version", "5\n");
	tree_file(tree, "sys/kernel/config/target/iscsi/lio_version", "5\n");
	tree_file(tree, "sys/kernel/config/target/qla2xxx/21:00:00:24:ff:31:4c:48/tpgt_1/enable", "0\n");
	tree_file(tree, "sys/kernel/config/target/iscsi/iqn.a/tpgt_1/enable", "1\n");
	tree_file(tree, "sys/kernel/config/target/iscsi/iqn.a/tpgt_1/np/0.0.0.0:3260/iser", "0\n");
	tree_file(tree, "sys/kernel/config/nvmet/ports/1/addr_traddr", "nn-0x2000:pn-0x21000024FF314C48\n");
	tree_file(tree, "sys/kernel/config/nvmet/ports/2/addr_traddr", "fd00::7\n");
	tree_file(tree, "sys/kernel/config/nvmet/ports/2/subsystems/nqn.a", "");
	assert_free(E1000);
	assert_held(IGB2, "target", "port 2 of NVMe targets", IGB2 " enp129s0");
	tree_unlink(tree, "sys/kernel/config/nvmet/ports/2/subsystems/nqn.a");
	assert_free(IGB2);
	tree_file(tree, "sys/kernel/config/target/iscsi/iqn.a/tpgt_1/np/[fd00::7]:3260/iser", "0\n");
	assert_held(IGB2, "target", "the SCSI target iqn.a", IGB2 " enp129s0 iqn.a");
	tree_file(tree, "sys/kernel/config/nvmet/ports/1/subsystems/nqn.a", "");
	assert_held(E1000, "target", "port 1 of NVMe targets", E1000);
	tree_unlink(tree, "sys/kernel/config/nvmet/ports/1/subsystems/nqn.a");
	tree_file(tree, "sys/kernel/config/target/qla2xxx/21:00:00:24:ff:31:4c:48/tpgt_1/enable", "1\n");
	assert_held(E1000, "target", "the SCSI target 21:00:00:24:ff:31:4c:48",
		    E1000 " 21:00:00:24:ff:31:4c:48");
}

static void a_disk_of_iscsi_holds_what_carries_it(void **state)
{
	(void)state;
	add_block("sdq", "../../devices/platform/host7/session1/target7:0:0/7:0:0:0/block/sdq");
	tree_link(tree, "sys/dev/block/65:0",
		  "../../devices/platform/host7/session1/target7:0:0/7:0:0:0/block/sdq");
	tree_file(tree, "proc/self/mountinfo", "28 1 65:0 / /i rw - xfs /dev/sdq rw\n");
	tree_file(tree, "sys/class/iscsi_host/host7/netdev", "(null)\n");
	tree_file(tree, "sys/class/iscsi_connection/connection1:0/persistent_address", "10.5.0.9\n");
	assert_free(E1000);
	tree_file(tree, "proc/net/route", ROUTES "enp4s1\t0000050A\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n");
	assert_held(E1000, "mount", "/i (xfs)", E1000 " enp4s1 sdq");
	tree_file(tree, "sys/class/iscsi_connection/connection1:0/address", "192.0.2.9\n");
	assert_free(E1000);
	tree_file(tree, "sys/class/iscsi_host/host7/netdev", "enp129s0\n");
	assert_held(IGB2, "mount", "/i (xfs)", IGB2 " enp129s0 sdq");
	assert_free(E1000);
}

/* Without an address on any interface, and by the address that the host has there. */
static void a_disk_over_ethernet_or_of_ceph_holds_its_interface(void **state)
{
	(void)state;
	add_virtual_block("etherd!e1.1");
	add_virtual_block("rbd3");
	tree_file(tree, BLOCK "etherd!e1.1/netif", "enp4s1,gone0\n");
	tree_file(tree, "sys/bus/rbd/devices/3/client_addr", "[fd00::7]:0/2571892\n");
	tree_file(tree, "proc/net/if_inet6", "fd000000000000000000000000000007 05 40 00 00 enp129s0\n");
	tree_link(tree, "sys/dev/block/152:16", "../../devices/virtual/block/etherd!e1.1");
	tree_link(tree, "sys/dev/block/252:48", "../../devices/virtual/block/rbd3");
	assert_free(E1000);
	tree_file(tree, "proc/self/mountinfo", "28 1 152:16 / /e rw - xfs /dev/etherd/e1.1 rw\n"
					       "29 1 252:48 / /c rw - xfs /dev/rbd3 rw\n");
	assert_held(E1000, "mount", "/e (xfs)", E1000 " enp4s1 etherd!e1.1");
	assert_held(IGB2, "mount", "/c (xfs)", IGB2 " enp129s0 rbd3");
}

static void a_share_of_another_host_holds_the_way_to_it(void **state)
{
	(void)state;
	tree_file(tree, "proc/net/route", ROUTES "enp4s1\t0000050A\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n");
	tree_file(tree, "proc/self/mountinfo",
		  "28 1 0:60 / /n rw - nfs4 filer:/a rw,vers=4.2,clientaddr=10.9.0.1,addr=10.5.0.9\n");
	assert_held(E1000, "mount", "/n (nfs4)", E1000 " enp4s1");
	assert_free(IGB2);
}

/* Of flash memory without a block device, as of functions, whoever has it. */
static void flash_memory_holds_its_function(void **state)
{
	(void)state;
	tree_file(tree, "sys/devices/pci0000:00/" E1000 "/mtd/mtd3/size", "1\n");
	tree_link(tree, "sys/class/mtd/mtd3", "../../devices/pci0000:00/" E1000 "/mtd/mtd3");
	tree_file(tree, "proc/self/mountinfo", "28 1 31:3 / /j rw - jffs2 mtd3 rw\n");
	assert_held(E1000, "mount", "/j (jffs2)", E1000 " mtd3");
	tree_file(tree, "proc/self/mountinfo", "");
	assert_free(E1000);
	tree_file(tree, "sys/class/ubi/ubi0/mtd_num", "3\n");
	tree_file(tree, "sys/class/ubi/ubi0_0/name", "rootfs\n");
	tree_file(tree, "sys/class/ubi/version", "1\n");
	assert_held(E1000, "ubi", "volumes of ubi0", E1000 " mtd3 ubi0");
	tree_file(tree, "proc/self/mountinfo", "28 1 0:60 / /u rw - ubifs ubi0:rootfs rw\n");
	add_virtual_block("ubiblock0_0");
	tree_file(tree, "proc/swaps",
		  "Filename Type Size Used Priority\n/dev/ubiblock0_0 partition 1 0 1\n");
	add_node("245:1", "ubi0_0", "ubi", "virtual/ubi/ubi0/ubi0_0");
	add_process("71", "fw_setenv\n", "/dev/ubi0_0");
	assert_held(E1000, "mount", "/u (ubifs)", E1000 " mtd3");
	assert_held(E1000, "swap", "swap on /dev/ubiblock0_0", E1000 " mtd3 ubiblock0_0");
	assert_held(E1000, "device-open", "pid 71 (fw_setenv)", E1000 " mtd3 /dev/ubi0_0");
}

/* Of a node that is of all functions of its driver, and that sysfs has below nothing, or not at all. */
static void a_node_of_a_driver_holds_what_that_drives(void **state)
{
	(void)state;
	tree_link(tree, "sys/bus/pci/drivers/ccp/" E1000, "../../../../devices/pci0000:00/" E1000);
	tree_link(tree, "sys/bus/pci/drivers/raid_sas/" IGB2, "../../../../devices/pci0000:80/" IGB2);
	tree_file(tree, "sys/bus/pci/drivers/raid/bind", "");
	add_node("10:125", "sev", "misc", "virtual/misc/sev");
	add_process("71", "qemu-system-x86\n", "/dev/sev");
	add_process("72", "storcli\n", "/dev/raid_sas_ioctl_node");
	add_process("73", "other\n", "/dev/raid_sash");
	add_process("74", "another\n", "/dev/raid");
	assert_held(E1000, "device-open", "pid 71 (qemu-system-x86)", E1000 " /dev/sev");
	assert_held(IGB2, "device-open", "pid 72 (storcli)", IGB2 " /dev/raid_sas_ioctl_node");
	assert_guards(IGB2, "device-open");
	assert_free(IGB);
}

static void memory_of_virtio_holds_its_function(void **state)
{
	(void)state;
	tree_link(tree, "sys/bus/virtio/devices/virtio3", "../../../devices/pci0000:00/" E1000 "/virtio3");
	tree_file(tree, "proc/iomem", "00100000-7fffffff : System RAM\n"
				      "140000000-23fffffff : virtio3\n"
				      "240000000-2ffffffff : System RAM (virtio_mem)\n");
	assert_free(E1000);
	tree_file(tree, "proc/iomem", "140000000-23fffffff : virtio3\n"
				      "  140000000-147ffffff : System RAM (virtio_mem)\n"
				      "  148000000-14fffffff : System RAM (virtio_mem)\n");
	assert_held(E1000, "memory", "the memory of the host, by virtio3", E1000 " virtio3");
}

/* A device that a driver of a module has: "pci:igb" */
static void add_bound(const char *module, const char *driver, const char *name, const char *device)
{
	char path[160], target[160];

	snprintf(path, sizeof(path), "sys/module/%s/drivers/%s/%s", module, driver, name);
	snprintf(target, sizeof(target), "../../../../devices/%s", device);
	tree_link(tree, path, target);
}

static void algorithms_that_are_used_hold_what_computes_them(void **state)
{
	(void)state;
	add_bound("qat_4xxx", "pci:4xxx", E1000, "pci0000:00/" E1000);
	add_bound("ccp", "pci:ccp", IGB2, "pci0000:80/" IGB2);
	add_bound("igb", "pci:igb", IGB, "pci0000:00/" IGB);
	add_bound("virtio_crypto", "virtio:virtio_crypto", "virtio3", "pci0000:00/" NVME "/virtio3");
	tree_link(tree, "sys/module/virtio_crypto/drivers/virtio:virtio_crypto/module", "../../../virtio_crypto");
	tree_link(tree, "sys/module/intel_qat/holders/qat_4xxx", "x");
	tree_link(tree, "sys/module/ccp/holders/ccp_crypto", "x");
	tree_file(tree, "proc/crypto", "name         : xts(aes)\ndriver       : qat_aes_xts\n"
		  "module       : intel_qat\npriority     : 4001\nrefcnt       : 1\n\n"
		  "name         : cbc(aes)\ndriver       : cbc-aes\nmodule       : kernel\nrefcnt       : 4\n");
	assert_free(E1000);
	tree_file(tree, "proc/crypto", "name         : xts(aes)\ndriver       : qat_aes_xts\n"
		  "module       : intel_qat\npriority     : 4001\nrefcnt       : 2\n\n"
		  "name         : sha256\ndriver       : sha256-ccp\nmodule       : ccp_crypto\nrefcnt       : 3\n\n"
		  "name         : cbc(aes)\ndriver       : virtio_crypto_aes_cbc\n"
		  "module       : virtio_crypto\nrefcnt       : 2\n");
	assert_held(NVME, "crypto", "users of the algorithm virtio_crypto_aes_cbc", NVME " virtio_crypto");
	assert_held(E1000, "crypto", "users of the algorithm qat_aes_xts", E1000 " intel_qat");
	assert_held(IGB2, "crypto", "users of the algorithm sha256-ccp", IGB2 " ccp_crypto");
	assert_free(IGB);
}

static void a_work_queue_with_clients_holds_its_function(void **state)
{
	(void)state;
	tree_file(tree, "sys/devices/pci0000:00/" E1000 "/iax1/wq1.0/clients", "0\n");
	tree_link(tree, "sys/bus/dsa/devices/wq1.0", "../../../devices/pci0000:00/" E1000 "/iax1/wq1.0");
	assert_free(E1000);
	tree_file(tree, "sys/devices/pci0000:00/" E1000 "/iax1/wq1.0/clients", "1\n");
	assert_held(E1000, "dma", "clients of its work queue", E1000 " wq1.0");
}

static void a_console_of_virtio_holds_its_function(void **state)
{
	(void)state;
	tree_link(tree, "sys/bus/virtio/drivers/virtio_console/virtio3",
		  "../../../../devices/pci0000:00/" E1000 "/virtio3");
	tree_file(tree, "proc/consoles", "hvc0                 -W- (EC   p  )  229:0\n");
	add_node("229:0", "hvc0", "tty", "virtual/tty/hvc0");
	add_node("4:0", "tty0", "tty", "virtual/tty/tty0");
	add_process("71", "agetty\n", "/dev/hvc0");
	assert_held(E1000, "console", "the kernel's console hvc0", E1000 " hvc0");
	assert_held(E1000, "device-open", "pid 71 (agetty)", E1000 " /dev/hvc0");
	tree_file(tree, "sys/hypervisor/type", "xen\n");
	assert_free(E1000);
}

static void a_watchdog_of_ipmi_holds_each_interface_of_it(void **state)
{
	(void)state;
	tree_link(tree, "sys/class/ipmi/ipmi0", "../../devices/pci0000:00/" E1000 "/ipmi/ipmi0");
	add_node("10:130", "watchdog", "misc", "virtual/misc/watchdog");
	add_process("71", "systemd\n", "/dev/watchdog");
	assert_free(E1000);
	tree_file(tree, "sys/module/ipmi_watchdog/refcnt", "1\n");
	assert_held(E1000, "device-open", "pid 71 (systemd)", E1000 " /dev/watchdog");
}

/* As that of Thunderbolt supplies the ports by which tunnels go. */
static void a_supplier_is_held_by_who_uses_its_consumers(void **state)
{
	(void)state;
	tree_file(tree, "sys/class/devlink/pci:" E1000 "--pci:" IGB "/status", "not tracked\n");
	tree_file(tree, "proc/net/route", ROUTES "enp1s0\t00000000\t0202000A\t0003\t0\t0\t0\t00000000\t0\t0\t0\n");
	assert_free(E1000);
	tree_file(tree, "sys/class/devlink/pci:" E1000 "--pci:" IGB "/status", "active\n");
	assert_held(E1000, "default-route", "default route via 10.0.2.2", E1000 " enp1s0");
}

static void what_cannot_be_read_is_an_error(void **state)
{
	static const struct {
		const char *path;
		const char *says;
	} files[] = {
		{ "proc/net/route", "cannot read the routes" },
		{ "proc/net/ipv6_route", "cannot read the routes" },
		{ "proc/net/if_inet6", "cannot read the addresses of interfaces" },
		{ "proc/self/mountinfo", "cannot read /proc/self/mountinfo" },
		{ "proc/swaps", "cannot read /proc/swaps" },
		{ "proc/71/fd", "cannot read /proc/71/fd" },
		{ "sys/class/net", "cannot read /sys/class/net" },
		{ "sys/class/block", "cannot read /sys/class/block" },
		{ "sys/kernel/iommu_groups/17/devices", "cannot read /sys/kernel/iommu_groups/17" },
		{ "proc/driver/nvidia/gpus", "cannot read /proc/driver/nvidia/gpus" },
		{ "sys/bus/pci/devices/" IGB "/net", "cannot read /sys/class/net/enp1s0" },
	};

	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		_cleanup_json_ struct json_object *findings = json_object_new_array();
		struct iov_bdf bdf;

		setup_idle(state);
		tree_file(tree, "proc/71/comm", "guest\n");
		tree_link(tree, "proc/71/fd/4", "/dev/vfio/17");
		tree_link(tree, "proc/71/fd/5", "/dev/nvidia0");
		tree_loop(tree, files[i].path);
		assert_int_equal(iov_bdf_parse(iov, IGB, &bdf), 0);
		assert_int_equal(iov_guard_function(iov, bdf, findings), -ELOOP);
		assert_non_null(strstr(iov_error_message(iov), files[i].says));
		teardown(state);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define IDLE(name) cmocka_unit_test_setup_teardown(name, setup_idle, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IDLE(an_idle_host_holds_nothing),
		TEST(a_default_route_holds_its_interface),
		IDLE(a_default_route_of_ipv6_holds_its_interface),
		IDLE(a_route_over_stacked_interfaces_reaches_the_hardware),
		IDLE(interfaces_that_loop_end),
		IDLE(what_is_stacked_on_an_interface_holds_it),
		IDLE(each_kind_of_interface_is_a_guard),
		IDLE(a_macvtap_is_known_by_its_directory),
		IDLE(the_topmost_of_a_kind_speaks_for_it),
		IDLE(a_directory_without_its_interface_tells_of_another_namespace),
		IDLE(an_address_that_someone_configured_holds_its_interface),
		IDLE(an_address_on_what_is_stacked_holds_the_hardware),
		IDLE(an_address_that_every_interface_has_holds_nothing),
		IDLE(a_session_holds_the_interface_with_its_address),
		IDLE(a_session_of_ipv6_is_found_by_its_address_and_zone),
		IDLE(a_session_from_this_host_itself_holds_nothing),
		IDLE(a_session_that_sudo_hid_is_found_above_it),
		IDLE(a_malformed_session_is_refused),
		TEST(a_mount_holds_the_controllers_of_its_nvme_subsystem),
		IDLE(a_disk_that_is_only_partitioned_is_free),
		IDLE(a_mount_in_another_namespace_holds_its_disk),
		IDLE(a_process_lives_on_without_its_first_thread),
		IDLE(a_thread_has_descriptors_of_its_own),
		IDLE(only_threads_of_the_kernel_are_not_asked),
		IDLE(who_goes_meanwhile_does_not_stand_for_its_namespace),
		IDLE(a_mounted_partition_holds_its_controller),
		IDLE(an_escape_that_is_cut_off_ends_the_name),
		IDLE(a_volume_holds_every_disk_below_it),
		IDLE(a_partition_of_an_array_holds_the_array_s_disks),
		IDLE(a_btrfs_holds_all_its_members),
		IDLE(swap_holds_its_disk_also_by_a_mapped_name),
		IDLE(an_idle_volume_holds_its_disks_by_its_kind),
		IDLE(a_volume_of_another_kind_is_device_mapper_s),
		IDLE(a_replicated_disk_is_held),
		IDLE(an_array_holds_its_disks_even_when_it_does_not_run),
		IDLE(a_cache_and_a_loop_device_hold_their_disk),
		IDLE(an_imported_pool_holds_its_disks),
		IDLE(a_process_holds_the_disk_that_it_has_open),
		IDLE(iovd_holds_the_controller_of_its_disk),
		IDLE(a_dpdk_process_is_called_so),
		IDLE(uio_and_bifurcated_drivers_are_seen),
		IDLE(a_process_holds_its_gpu),
		IDLE(a_process_holds_whatever_it_has_open),
		IDLE(a_process_holds_what_its_node_stands_on),
		IDLE(a_process_that_computes_holds_each_gpu),
		IDLE(a_mediated_device_holds_its_parent),
		IDLE(the_boot_display_is_held_until_a_guest_has_it),
		IDLE(the_framebuffer_of_the_firmware_holds_its_display),
		IDLE(a_lock_of_the_vga_arbiter_holds_its_display),
		IDLE(the_text_console_holds_its_framebuffer),
		IDLE(a_guest_of_xen_holds_what_its_store_tells),
		IDLE(a_route_over_ppp_holds_what_its_sessions_are_on),
		IDLE(a_route_that_someone_configured_holds_its_interface),
		IDLE(a_packet_socket_holds_its_interface),
		IDLE(a_can_socket_holds_its_interface),
		IDLE(what_the_kernel_exports_holds_its_disk),
		IDLE(a_controller_that_the_kernel_exports_is_held),
		IDLE(a_stack_that_is_too_deep_is_an_error),
		IDLE(a_share_that_is_mounted_holds_its_device),
		IDLE(virtiofs_that_does_not_tell_its_tag_is_held),
		IDLE(memory_of_the_host_holds_its_device),
		IDLE(memory_of_cxl_holds_each_device_of_its_region),
		IDLE(memory_of_cxl_that_firmware_gave_holds_each_device_of_its_region),
		IDLE(consoles_and_keyboards_hold_their_controller),
		IDLE(a_watchdog_that_runs_holds_its_function),
		IDLE(what_is_behind_usb_holds_its_controller),
		IDLE(every_guard_has_a_name_and_a_meaning),
		IDLE(a_process_holds_the_group_that_it_has_open),
		IDLE(a_process_holds_the_device_that_it_has_open),
		IDLE(memory_of_cxl_that_lasts_holds_each_device_of_its_region),
		IDLE(a_process_that_has_a_node_mapped_holds_it),
		IDLE(a_watchdog_without_a_parent_holds_what_its_driver_has),
		IDLE(a_watchdog_of_a_platform_device_holds_what_its_module_is_for),
		IDLE(a_watchdog_without_driver_holds_what_its_module_is_for),
		IDLE(a_watchdog_that_is_built_in_holds_what_its_module_is_for),
		IDLE(a_process_that_feeds_an_old_watchdog_holds_it),
		IDLE(netconsole_holds_the_interface_of_each_target),
		IDLE(netconsole_holds_the_interface_with_the_address_of_a_target),
		IDLE(netconsole_holds_what_its_module_was_loaded_with),
		IDLE(a_gadget_holds_its_controller),
		IDLE(channels_that_copy_hold_their_function),
		IDLE(a_process_holds_the_device_that_it_was_given),
		IDLE(a_process_holds_what_is_registered_with_its_ring),
		IDLE(every_device_of_a_file_system_is_held),
		IDLE(memory_that_is_written_back_holds_its_disk),
		IDLE(what_bcache_waits_with_holds_its_disk),
		IDLE(a_disk_of_another_host_holds_what_carries_it),
		IDLE(a_target_holds_the_ports_that_it_is_reached_by),
		IDLE(a_disk_of_iscsi_holds_what_carries_it),
		IDLE(a_disk_over_ethernet_or_of_ceph_holds_its_interface),
		IDLE(a_share_of_another_host_holds_the_way_to_it),
		IDLE(flash_memory_holds_its_function),
		IDLE(a_node_of_a_driver_holds_what_that_drives),
		IDLE(memory_of_virtio_holds_its_function),
		IDLE(algorithms_that_are_used_hold_what_computes_them),
		IDLE(a_work_queue_with_clients_holds_its_function),
		IDLE(a_console_of_virtio_holds_its_function),
		IDLE(a_watchdog_of_ipmi_holds_each_interface_of_it),
		IDLE(a_supplier_is_held_by_who_uses_its_consumers),
		cmocka_unit_test(what_cannot_be_read_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
