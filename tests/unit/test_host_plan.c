// SPDX-License-Identifier: GPL-2.0-or-later
/* Host files made true: once, whole or not at all, and refused with the line that is wrong. */
#include "tests/unit/test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/rpc/rpc.h"
#include "claims/claims.h"
#include "host/file/host.h"
#include "tests/unit/fake_iovd.h"
#include "tests/unit/pf_model.h"
#include "tests/unit/said.h"
#include "tests/unit/tree.h"

#define NODE "sys/devices/system/node/node0/hugepages/hugepages-2048kB"
#define HUGE "sys/kernel/mm/hugepages/hugepages-2048kB"

static struct iov_host_options options;

/* What a PF has beside its VFs: an interface, interrupts, and memory around it. */
static int setup(void **state)
{
	options = (struct iov_host_options){ 0 };
	pf_model_setup(state);
	tree_file(model.tree, PF_PATH "/driver_override", "(null)\n");
	tree_file(model.tree, PF_PATH "/local_cpulist", "0-1\n");
	tree_file(model.tree, PF_PATH "/net/eth0/mtu", "1500\n");
	tree_link(model.tree, "sys/class/net/eth0", "../../bus/pci/devices/" PF_BDF "/net/eth0");
	tree_link(model.tree, PF_PATH "/net/eth0/device", "../../../" PF_BDF);
	for (int i = 40; i < 43; i++) {
		tree_file(model.tree, iov_path(PF_PATH "/msi_irqs/%d", i).name, "msix\n");
		tree_file(model.tree, iov_path("proc/irq/%d/smp_affinity_list", i).name, "0-3\n");
	}
	tree_file(model.tree, "sys/devices/system/cpu/online", "0-3\n");
	tree_file(model.tree, NODE "/nr_hugepages", "8\n");
	tree_file(model.tree, NODE "/surplus_hugepages", "0\n");
	tree_file(model.tree, HUGE "/nr_hugepages", "8\n");
	tree_link(model.tree, PF_PATH "/iommu_group", "../../../kernel/iommu_groups/19");
	tree_link(model.tree, "sys/kernel/iommu_groups/19/devices/" PF_BDF, "../../../../devices");
	for (int i = 0; i < PF_TOTAL; i++)
		tree_link(model.tree, iov_path("sys/kernel/iommu_groups/%d/devices/%s", 20 + i,
					       IOV_BDF(pf_model_vf((unsigned int)i))).name,
			  "../../../../devices");
	return 0;
}

#define assert_message(part) assert_said(model.iov, part)

/* Plan a file, which the tree has then. */
static int plan_file(struct iov *iov, const char *tree, const char *text, struct iov_plan **plan)
{
	struct iov_host_file *file;
	int error;

	tree_file(tree, "etc/iovkit/host.yaml", text);
	if (iov_host_load(&file, iov, NULL))
		fail_msg("%s", iov_error_message(iov));
	assert_int_equal(iov_plan_new(plan, iov, "apply"), 0);
	error = iov_host_plan(*plan, file, &options);
	iov_host_free(file);
	return error;
}

static int apply(const char *text)
{
	struct iov_plan_options run = { .verify_timeout = 20 };
	struct iov_plan *plan;
	int error = plan_file(model.iov, model.tree, text, &plan);

	if (!error)
		error = iov_plan_run(plan, &run);
	iov_plan_free(plan);
	return error;
}

/* How many steps a file still asks for. */
static size_t steps_left(const char *text)
{
	_cleanup_json_ struct json_object *json = NULL;
	struct iov_plan *plan;

	assert_int_equal(plan_file(model.iov, model.tree, text, &plan), 0);
	json = iov_plan_json(plan);
	iov_plan_free(plan);
	return json_object_array_length(json_object_object_get(json, "steps"));
}

static void refuse(const char *text, int error, const char *message)
{
	struct iov_plan *plan;

	assert_int_equal(plan_file(model.iov, model.tree, text, &plan), error);
	iov_plan_free(plan);
	assert_message(message);
	assert_int_equal(model.writes, 0);
}

static void assert_file(const char *path, const char *expected)
{
	char text[64];

	assert_int_equal(iov_sys_read(model.iov, path, text, sizeof(text)), 0);
	assert_string_equal(text, expected);
}

/* Everything that a file may change. */
static char *host_state(void)
{
	static const char *const files[] = {
		PF_PATH "/driver_override", PF_PATH "/net/eth0/mtu", NODE "/nr_hugepages",
		"proc/irq/40/smp_affinity_list", "proc/irq/41/smp_affinity_list",
		"proc/irq/42/smp_affinity_list",
	};
	_cleanup_free_ char *pf = pf_model_state();
	char *state, text[64];
	size_t size;
	FILE *file = open_memstream(&state, &size);

	fputs(pf, file);
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		assert_int_equal(iov_sys_read(model.iov, files[i], text, sizeof(text)), 0);
		fprintf(file, "%s %s\n", files[i], text);
	}
	fclose(file);
	return state;
}

static const char whole[] = "modules: [vfio-pci]\n"
			    "huge_pages:\n"
			    "  - {size: 2M, node: 0, count: 64}\n"
			    "devices:\n"
			    "  - name: uplink\n"
			    "    device: eth0\n"
			    "    driver: igb\n"
			    "    mtu: 9000\n"
			    "    eswitch: legacy\n"
			    "    irq: spread\n"
			    "    vfs:\n"
			    "      count: 3\n"
			    "      driver: vfio-pci\n"
			    "      trust: on\n"
			    "      each:\n"
			    "        - {index: 0, mac: \"02:00:00:00:00:01\", vlan: 100, qos: 3}\n"
			    "        - {index: 2, trust: off, max_rate: 500, driver: none}\n";

static void a_file_is_made_true_once(void **state)
{
	_cleanup_free_ char *vfs = NULL;

	(void)state;
	tree_file(model.tree, "sys/bus/pci/drivers/igb/bind", "");
	assert_int_equal(apply(whole), 0);
	vfs = pf_model_state();
	assert_string_equal(vfs, "3 VFs, autoprobe 1\n"
				 "0: 'vfio-pci' 'vfio-pci' 02:00:00:00:00:01 100 3 1 0 0\n"
				 "1: 'vfio-pci' 'vfio-pci' 00:00:00:00:00:00 0 0 1 0 0\n"
				 "2: '' '(null)' 00:00:00:00:00:00 0 0 0 500 0\n");
	/* No driver, and so no guest, has seen a VF before it has its address. */
	assert_int_not_equal(model.sets, 0);
	assert_int_equal(model.late, 0);
	assert_file(PF_PATH "/net/eth0/mtu", "9000");
	assert_file(PF_PATH "/driver_override", "igb");
	assert_file(NODE "/nr_hugepages", "64");
	assert_file("proc/irq/40/smp_affinity_list", "0");
	assert_file("proc/irq/41/smp_affinity_list", "1");
	assert_file("proc/irq/42/smp_affinity_list", "0");
	model.writes = model.sets = 0;
	assert_int_equal(steps_left(whole), 0);
	assert_int_equal(apply(whole), 0);
	assert_int_equal(model.writes + model.sets, 0);
}

static void second_port(void)
{
	tree_file(model.tree, PF_PATH "/net/eth0/dev_port", "0\n");
	tree_file(model.tree, PF_PATH "/net/eth1/dev_port", "1\n");
	tree_file(model.tree, PF_PATH "/net/eth1/mtu", "1500\n");
	tree_link(model.tree, "sys/class/net/eth1", "../../bus/pci/devices/" PF_BDF "/net/eth1");
	tree_link(model.tree, PF_PATH "/net/eth1/device", "../../../" PF_BDF);
}

/* As mlx4 and MANA have them: one function, an interface for each port. */
static void the_ports_of_a_function_are_devices_of_a_file(void **state)
{
	static const char both[] = "devices:\n"
				   "  - device: eth0\n"
				   "    mtu: 9000\n"
				   "    vfs: {count: 2, driver: none, vlan: 10}\n"
				   "  - device: eth1\n"
				   "    mtu: 4000\n"
				   "    vfs: {count: 2, vlan: 20}\n";

	(void)state;
	second_port();
	assert_int_equal(apply(both), 0);
	assert_file(PF_PATH "/net/eth0/mtu", "9000");
	assert_file(PF_PATH "/net/eth1/mtu", "4000");
	for (unsigned int i = 0; i < 2; i++) {
		assert_file(iov_path("class/%u/vlan", i).name, "10");
		assert_file(iov_path("class/port1/%u/vlan", i).name, "20");
	}
	assert_int_equal(steps_left(both), 0);
}

static void what_is_of_a_function_is_said_at_one_of_its_ports(void **state)
{
	(void)state;
	second_port();
	refuse("devices:\n  - device: eth0\n  - device: eth1\n    driver: vfio-pci\n", -EINVAL,
	       "host.yaml:4: devices[1].driver: eth1 is another port of " PF_BDF);
	refuse("devices:\n  - device: eth0\n  - device: eth1\n    irq: spread\n", -EINVAL,
	       "expected mtu and attributes of VFs");
	refuse("devices:\n  - device: eth0\n    vfs: {count: 3}\n  - device: eth1\n"
	       "    vfs: {count: 2}\n", -EINVAL, "the ports of a function have their VFs in common");
	refuse("devices:\n  - device: eth0\n  - device: eth1\n  - device: " PF_BDF "\n", -EINVAL,
	       "name each function, or each port of it, once");
}

/* Two VFs with attributes, as somebody left them. */
static void furnish(void)
{
	pf_model_create(2);
	tree_file(model.tree, "class/0/mac", "02:00:00:00:00:99");
	tree_file(model.tree, "class/1/vlan", "7");
	tree_file(model.tree, "sys/bus/pci/drivers/igb/bind", "");
	tree_file(model.tree, "sys/bus/pci/drivers/vfio-pci/bind", "");
	tree_file(model.tree, "sys/module/vfio_pci/initstate", "live\n");
}

static void a_failure_anywhere_leaves_the_host_as_it_was(void **state)
{
	_cleanup_free_ char *before = NULL;
	int at = 0, error;

	(void)state;
	furnish();
	before = host_state();
	model.error = -EIO;
	do {
		_cleanup_free_ char *after = NULL;

		model.writes = 0;
		model.fail_at = at++;
		error = apply(whole);
		if (!error)
			break;
		assert_int_equal(error, -EIO);
		assert_message("as it was before");
		after = host_state();
		assert_string_equal(after, before);
	} while (at < 100);
	assert_in_range(at, 12, 99);
	model.fail_at = -1;
	assert_int_equal(steps_left(whole), 0);
}

static void an_attribute_that_is_refused_undoes_all(void **state)
{
	_cleanup_free_ char *before = NULL, *after = NULL;

	(void)state;
	furnish();
	before = host_state();
	model.refuse = "max_rate";
	assert_int_equal(apply(whole), -EOPNOTSUPP);
	assert_message("driver igb has no max-rate");
	after = host_state();
	assert_string_equal(after, before);
}

static void vfs_keep_what_the_file_does_not_say(void **state)
{
	_cleanup_free_ char *vfs = NULL;

	(void)state;
	furnish();
	assert_int_equal(apply("devices:\n  - device: eth0\n    vfs: {count: 3}\n"), 0);
	vfs = pf_model_state();
	assert_string_equal(vfs, "3 VFs, autoprobe 1\n"
				 "0: 'igbvf' '(null)' 02:00:00:00:00:99 0 0 0 0 0\n"
				 "1: 'igbvf' '(null)' 00:00:00:00:00:00 7 0 0 0 0\n"
				 "2: 'igbvf' '(null)' 00:00:00:00:00:00 0 0 0 0 0\n");
	assert_int_equal(apply("devices:\n  - device: eth0\n    vfs: {count: 0}\n"), 0);
	assert_file(PF_PATH "/sriov_numvfs", "0");
}

static void a_driver_is_taken_away(void **state)
{
	char driver[64];

	(void)state;
	furnish();
	assert_int_equal(apply("devices:\n  - device: eth0\n"
			       "    vfs: {count: 2, driver: none}\n"), 0);
	assert_int_equal(iov_pci_driver(model.iov, pf_model_vf(1), driver, sizeof(driver)), 0);
	assert_string_equal(driver, "");
	assert_int_equal(steps_left("devices:\n  - device: eth0\n"
				    "    vfs: {count: 2, driver: none}\n"), 0);
}

static void devices_that_cannot_be_are_refused_with_their_line(void **state)
{
	(void)state;
	refuse("devices:\n  - device: 0000:09:00.0\n", -ENODEV,
	       "host.yaml:2: devices[0].device: 0000:09:00.0: no such PCI function");
	refuse("devices:\n  - device: eth0\n\n  - device: " PF_BDF "\n", -EINVAL,
	       "host.yaml:4: devices[1].device: " PF_BDF " is " PF_BDF ", as is eth0 in line 2");
	refuse("devices:\n  - device: eth0\n    vfs:\n      count: 8\n", -EINVAL,
	       "host.yaml:4: devices[0].vfs.count: 8: " PF_BDF " gives at most 7 VFs");
	refuse("devices:\n  - device: eth0\n    eswitch: switchdev\n", -EOPNOTSUPP,
	       "host.yaml:3: devices[0].eswitch: ");
	refuse("devices:\n  - device: eth0\n    irq: 2-4\n", -EINVAL,
	       "host.yaml:3: devices[0].irq: '2-4': this host has the CPUs 0-3 online");
	pf_model_create(1);
	refuse("devices:\n  - device: eth0\n    vfs: {count: 1}\n  - device: eth0/vf0\n", -EINVAL,
	       "host.yaml:4: devices[1].device: eth0/vf0 is a VF of devices[0]");
	refuse("devices:\n  - device: eth0\n    driver: vfio-pci\n", -EBUSY,
	       "host.yaml:3: devices[0].driver: " PF_BDF ": has 1 VFs");
}

static void an_absent_device_may_be_skipped(void **state)
{
	static const char text[] = "devices:\n  - device: serial=nowhere\n    absent: skip\n"
				   "    mtu: 9000\n  - device: eth0\n    mtu: 2000\n";
	_cleanup_json_ struct json_object *json = NULL;
	struct iov_plan *plan;

	(void)state;
	assert_int_equal(plan_file(model.iov, model.tree, text, &plan), 0);
	json = iov_plan_json(plan);
	iov_plan_free(plan);
	assert_int_equal(json_object_array_length(json_object_object_get(json, "steps")), 1);
	assert_string_equal(json_object_to_json_string_ext(json_object_object_get(json, "notes"),
							   JSON_C_TO_STRING_PLAIN),
			    "[\"devices[0] (serial=nowhere) is absent and skipped\"]");
	options.skip_absent = true;
	assert_int_equal(steps_left("devices:\n  - device: 0000:09:00.0\n    mtu: 9000\n"), 0);
	/* Nor does a PF give as many VFs everywhere. */
	assert_int_equal(steps_left("devices:\n  - device: eth0/vf99\n    mtu: 9000\n"), 0);
}

static void one_device_is_planned_alone(void **state)
{
	struct iov_bdf other = model.pf;

	(void)state;
	options.only_device = &model.pf;
	assert_int_equal(steps_left("devices:\n  - device: 0000:09:00.0\n    mtu: 9000\n"
				    "  - device: eth0\n    mtu: 9000\n"), 1);
	assert_int_equal(steps_left("huge_pages:\n  - {size: 2M, count: 64}\n"), 0);
	other.bus++;
	options.only_device = &other;
	assert_int_equal(steps_left("devices:\n  - device: eth0\n    mtu: 9000\n"), 0);
}

static void huge_pages_that_there_is_no_memory_for_are_given_back(void **state)
{
	(void)state;
	model.huge_pages_max = 20;
	assert_int_equal(apply("huge_pages:\n  - {size: 2M, node: 0, count: 64}\n"), -ENOMEM);
	assert_message("found memory for 20 of 64");
	assert_message("hugepagesz=2M hugepages=0:64");
	assert_file(NODE "/nr_hugepages", "8");
	model.writes = 0;
	refuse("huge_pages:\n  - {size: 2M, node: 3, count: 1}\n", -EINVAL,
	       "host.yaml:2: huge_pages[0].node: 3: no such NUMA node; expected one of: 0");
	refuse("huge_pages:\n  - {size: 1G, count: 1}\n", -EINVAL,
	       "host.yaml:2: huge_pages[0].size: 1G: this host has no pages of that size; "
	       "expected one of: 2048kB");
}

static void parts_of_a_group_are_refused_with_what_is_missing(void **state)
{
	char *tree = tree_of_host("default");
	struct iov *iov = tree_open(tree);
	struct iov_plan *plan;

	(void)state;
	assert_int_equal(plan_file(iov, tree, "devices:\n  - device: 0000:04:01.0\n"
					      "    driver: vfio-pci\n", &plan), -EBUSY);
	iov_plan_free(plan);
	assert_non_null(strstr(iov_error_message(iov), "host.yaml:3: devices[0].driver: IOMMU group"));
	assert_non_null(strstr(iov_error_message(iov), "for each of: 0000:04:02.0 (now e1000)"));
	assert_int_equal(plan_file(iov, tree, "devices:\n  - device: 0000:04:01.0\n"
					      "    driver: vfio-pci\n"
					      "  - device: 0000:04:02.0\n"
					      "    driver: vfio-pci\n", &plan), 0);
	assert_false(iov_plan_is_empty(plan));
	iov_plan_free(plan);
	iov_close(iov);
	tree_remove(tree);
}

static const char switched[] = "devices:\n"
			       "  - name: uplink\n"
			       "    device: eth0\n"
			       "    vfs: {count: 2, driver: vfio-pci}\n"
			       "iovd:\n"
			       "  bridges:\n"
			       "    - name: br0\n"
			       "  ports:\n"
			       "    - {name: up, type: ethdev, bridge: br0, device: uplink/vf1}\n"
			       "    - {name: vm, type: vhost-user, bridge: br0, socket: /run/vm}\n";

static void without_iovd_nothing_is_planned(void **state)
{
	(void)state;
	refuse(switched, -ECONNREFUSED, "host.yaml:5: iovd: ");
	options.skip_iovd = true;
	assert_int_not_equal(steps_left(switched), 0);
}

static struct json_object *port(struct fake_iovd *iovd, size_t index, const char *key)
{
	return json_object_object_get(json_object_array_get_idx(iovd->ports, index), key);
}

static void ports_and_bridges_are_added_once(void **state)
{
	struct fake_iovd iovd;

	(void)state;
	fake_iovd_start(&iovd, model.tree);
	iov_rpc_set_socket(model.iov, iovd.path);
	assert_int_equal(apply(switched), 0);
	assert_int_equal(iovd.changes, 3);
	assert_string_equal(json_object_get_string(port(&iovd, 0, "device")),
			    IOV_BDF(pf_model_vf(1)));
	assert_int_equal(steps_left(switched), 0);
	fake_iovd_stop(&iovd);
}

static void claim(struct iov_bdf bdf)
{
	struct iov_plan *plan;

	assert_int_equal(iov_plan_new(&plan, model.iov, "claim"), 0);
	assert_int_equal(iov_claim_plan(plan, bdf, 60), 0);
	assert_int_equal(iov_plan_run(plan, NULL), 0);
	iov_plan_free(plan);
}

/* Iovd has it by VFIO, which is who would be asked to let go; who may have it is another question. */
static void what_others_have_claimed_is_not_given_to_iovd(void **state)
{
	static const char disk[] = "iovd:\n  disks:\n    - {name: root, socket: /run/root, nvme: \"" PF_BDF "/2\"}\n";
	struct iov_bdf_text vf = iov_bdf_format(pf_model_vf(1));
	struct iov_claims_settings settings = { .holder = "vm9" };
	struct fake_iovd iovd;

	(void)state;
	fake_iovd_start(&iovd, model.tree);
	iov_rpc_set_socket(model.iov, iovd.path);
	assert_int_equal(iov_claims_register(model.iov, &settings), 0);
	assert_int_equal(apply("devices:\n  - device: eth0\n    vfs: {count: 2, driver: vfio-pci}\n"), 0);
	claim(pf_model_vf(1));
	claim(model.pf);
	settings.holder = NULL;
	assert_int_equal(apply(switched), -ECANCELED);
	assert_message(iov_path("%s (port up of iovd) is in use by vm9", vf.text).name);
	assert_message("--force=fleet");
	assert_int_equal(apply(disk), -ECANCELED);
	assert_message(PF_BDF " (disk root of iovd) is in use by vm9");
	assert_int_equal(iovd.changes, 0);
	settings.holder = "vm9";
	assert_int_equal(apply(disk), 0);
	assert_int_equal(apply(switched), 0);
	/* What is so already takes nothing, and iovd has what it has for another port of it. */
	settings.holder = "vm8";
	assert_int_equal(apply(switched), 0);
	settings.holder = "vm9";
	tree_file(model.tree, "proc/71/comm", "iovd\n");
	tree_link(model.tree, "proc/71/fd/9", "/dev/vfio/77");
	tree_link(model.tree, iov_path("sys/kernel/iommu_groups/77/devices/%s", vf.text).name, "../../../nowhere");
	assert_int_equal(apply("devices:\n  - name: uplink\n    device: eth0\n"
			       "iovd:\n  ports:\n    - {name: up, type: ethdev, device: uplink/vf1, mtu: 9000}\n"), 0);
	assert_int_equal(json_object_get_int(port(&iovd, 1, "mtu")), 9000);
	fake_iovd_stop(&iovd);
}

static void a_port_that_differs_is_replaced_and_comes_back(void **state)
{
	static const char other[] = "iovd:\n  bridges:\n    - {name: br0}\n  ports:\n"
		"    - {name: vm, type: vhost-user, bridge: br0, socket: /run/vm, server: on, socket_mode: 600, "
		"socket_owner: root, queue_pairs: 4, mac: \"02:00:00:00:00:07\", standby: on, "
		"any_memory: on, iommu: on}\n"
		"    - {name: last, type: vhost-user, bridge: br0, socket: /run/last}\n";
	struct fake_iovd iovd;

	(void)state;
	fake_iovd_start(&iovd, model.tree);
	iov_rpc_set_socket(model.iov, iovd.path);
	assert_int_equal(apply("iovd:\n  bridges:\n    - {name: br0}\n  ports:\n"
			       "    - {name: vm, type: vhost-user, socket: /run/vm}\n"), 0);
	refuse("iovd:\n  ports:\n    - {name: vm, type: vhost-user, socket: /run/vm, server: on, "
	       "socket_owner: no-such-user}\n", -ENOENT, "iovd.ports[0]: owner");
	iovd.refuse = "last";
	assert_int_equal(apply(other), -ENODEV);
	assert_message("iovd says no");
	assert_int_equal(json_object_array_length(iovd.ports), 1);
	assert_string_equal(json_object_get_string(port(&iovd, 0, "mode")), "client");
	assert_null(port(&iovd, 0, "bridge"));
	iovd.refuse = NULL;
	assert_int_equal(apply(other), 0);
	assert_string_equal(json_object_get_string(port(&iovd, 0, "mode")), "server");
	assert_string_equal(json_object_get_string(port(&iovd, 0, "socket_mode")), "0600");
	assert_string_equal(json_object_get_string(port(&iovd, 0, "socket_owner")), "0");
	assert_int_equal(json_object_get_int(port(&iovd, 0, "queue_pairs")), 4);
	assert_string_equal(json_object_get_string(port(&iovd, 0, "mac")), "02:00:00:00:00:07");
	assert_true(json_object_get_boolean(port(&iovd, 0, "standby")));
	assert_true(json_object_get_boolean(port(&iovd, 0, "any_memory")));
	assert_true(json_object_get_boolean(port(&iovd, 0, "iommu")));
	assert_int_equal(steps_left(other), 0);
	/* Off is what iovd does not speak of. */
	assert_int_equal(steps_left("iovd:\n  ports:\n    - {name: last, type: vhost-user, "
				    "socket: /run/last, standby: off, any_memory: off, iommu: off}\n"), 0);
	assert_string_equal(json_object_get_string(port(&iovd, 0, "bridge")), "br0");
	assert_int_equal(steps_left(other), 0);
	fake_iovd_stop(&iovd);
}

static const char *rules(struct fake_iovd *iovd)
{
	return json_object_to_json_string_ext(port(iovd, 0, "rules"), JSON_C_TO_STRING_PLAIN);
}

static void rules_change_without_a_new_port(void **state)
{
#define VM "iovd:\n  ports:\n    - {name: vm, type: vhost-user, socket: /run/vm"
	static const char first[] = VM ", rules: {vlan: \"access:10\", isolated: on, "
		"allow_ip: [192.0.2.1, \"2001:db8::/64\"], rx_rate: 25000000000}}\n";
	static const char second[] = VM ", rules: {vlan: \"access:11\", mirror: up}}\n";
	struct fake_iovd iovd;

	(void)state;
	fake_iovd_start(&iovd, model.tree);
	iov_rpc_set_socket(model.iov, iovd.path);
	assert_int_equal(apply(first), 0);
	assert_string_equal(rules(&iovd), "{\"isolated\":true,\"vlan\":\"access:10\",\"allow_ip\":"
			    "[\"192.0.2.1\",\"2001:db8::\\/64\"],\"rx_rate\":25000000000}");
	assert_int_equal(steps_left(first), 0);
	/* What a file does not say stays, also when the port has to be replaced. */
	assert_int_equal(steps_left(VM "}\n"), 0);
	assert_int_equal(apply(VM ", queue_pairs: 2}\n"), 0);
	assert_non_null(strstr(rules(&iovd), "access:10"));
	/* And what it does not say of rules goes away. */
	iovd.changes = 0;
	assert_int_equal(apply(second), 0);
	assert_int_equal(iovd.changes, 1);
	assert_string_equal(rules(&iovd), "{\"isolated\":false,\"vlan\":\"access:11\",\"allow_ip\":[],"
			    "\"rx_rate\":0,\"mirror\":\"up\"}");
	fake_iovd_stop(&iovd);
}

static const char *disk(struct fake_iovd *iovd, const char *key)
{
	return json_text(json_object_array_get_idx(iovd->disks, 0), key);
}

#define DISK(rest) "iovd:\n  disks:\n    - {name: root, socket: /run/root, " rest "}\n"

static void disks_are_added_once(void **state)
{
	static const char all[] = DISK("server: on, file: /srv/root, read_only: off, cached: off, "
				       "queues: 4, on_error: wait, any_memory: off, serial: root");
	struct fake_iovd iovd;

	(void)state;
	fake_iovd_start(&iovd, model.tree);
	iov_rpc_set_socket(model.iov, iovd.path);
	assert_int_equal(apply(all), 0);
	assert_int_equal(iovd.changes, 1);
	assert_string_equal(disk(&iovd, "path"), "/srv/root");
	assert_string_equal(disk(&iovd, "queues_max"), "4");
	assert_string_equal(disk(&iovd, "mode"), "server");
	/* Off is what iovd does not speak of; what the file does not say is as it is. */
	assert_int_equal(steps_left(all), 0);
	assert_int_equal(steps_left(DISK("server: on, file: /srv/root")), 0);
	fake_iovd_stop(&iovd);
}

/* By the name of its controller, which gets its VFs in the same change; iovd has the address. */
static void a_namespace_is_named_by_its_function(void **state)
{
	static const char text[] = "devices:\n"
				   "  - {name: fast, device: eth0, vfs: {count: 2, driver: vfio-pci}}\n"
				   "iovd:\n  disks:\n"
				   "    - {name: root, socket: /run/root, nvme: fast/vf1/n2}\n";
	struct fake_iovd iovd;
	char path[64];

	(void)state;
	fake_iovd_start(&iovd, model.tree);
	iov_rpc_set_socket(model.iov, iovd.path);
	assert_int_equal(apply(text), 0);
	snprintf(path, sizeof(path), "%s/n2", IOV_BDF(pf_model_vf(1)));
	assert_string_equal(disk(&iovd, "path"), path);
	assert_string_equal(disk(&iovd, "backend"), "nvme");
	assert_int_equal(steps_left(text), 0);
	fake_iovd_stop(&iovd);
}

/* A file that says something else, and what iovd is asked for then. */
static void what_can_be_is_changed_without_a_new_disk(void **state)
{
	static const struct {
		const char *from;
		const char *to;
		int changes;
		const char *key;
		const char *value;
	} cases[] = {
		{ DISK("file: /a"), DISK("file: /a, on_error: wait"), 1, "on_error", "wait" },
		{ DISK("null: 1M"), DISK("null: 2M"), 1, "bytes", "2097152" },
		{ DISK("null: 1M"), DISK("null: 2M, on_error: wait"), 2, "on_error", "wait" },
		{ DISK("null: 1M, read_only: on"), DISK("null: 2M"), 2, "bytes", "2097152" },
		{ DISK("memory: 1M"), DISK("memory: 2M"), 2, "bytes", "2097152" },
		{ DISK("file: /a"), DISK("file: /b"), 2, "path", "/b" },
		{ DISK("file: /a"), DISK("memory: 1M"), 2, "backend", "memory" },
		{ DISK("file: /a"), DISK("nbd: \"nbd://192.0.2.7/a\""), 2, "uri", "nbd://192.0.2.7/a" },
		{ DISK("nbd: \"nbd://192.0.2.7/a\""), DISK("nbd: \"nbd://192.0.2.7/b\""), 2, "uri",
		  "nbd://192.0.2.7/b" },
		{ DISK("nbd: \"nbd://192.0.2.7/a\""), DISK("nbd: \"nbd://192.0.2.7/a\", on_error: wait"), 1, "on_error",
		  "wait" },
		{ DISK("file: /a, on_error: wait"), DISK("file: /b"), 2, "on_error", "wait" },
		{ DISK("file: /a"), DISK("file: /a, read_only: on"), 2, "read_only", "true" },
		{ DISK("file: /a, read_only: on"), DISK("file: /a, read_only: off"), 2, "read_only",
		  "false" },
		{ DISK("file: /a"), DISK("file: /a, cached: on"), 2, "cached", "true" },
		{ DISK("file: /a"), DISK("file: /a, io_poll: on"), 2, "io_poll", "true" },
		{ DISK("file: /a"), DISK("file: /a, register_memory: on"), 2, "register_memory", "true" },
		{ DISK("file: /a"), DISK("file: /a, queues: 2"), 2, "queues_max", "2" },
		{ DISK("file: /a"), DISK("file: /a, serial: x"), 2, "serial", "x" },
		{ DISK("file: /a"), DISK("file: /a, server: on"), 2, "mode", "server" },
		{ DISK("file: /a"), DISK("file: /a, any_memory: on"), 2, "any_memory", "true" },
		{ DISK("file: /a, server: on"), DISK("file: /a, server: on, socket_mode: 600"), 2,
		  "socket_mode", "0600" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct fake_iovd iovd;

		fake_iovd_start(&iovd, model.tree);
		iov_rpc_set_socket(model.iov, iovd.path);
		assert_int_equal(apply(cases[i].from), 0);
		iovd.changes = 0;
		assert_int_equal(apply(cases[i].to), 0);
		assert_int_equal(iovd.changes, cases[i].changes);
		assert_string_equal(disk(&iovd, cases[i].key), cases[i].value);
		assert_int_equal(steps_left(cases[i].to), 0);
		fake_iovd_stop(&iovd);
		unlink(iovd.path);
	}
}

/* The file system of a guest that runs is not written over another one. */
static void a_guest_does_not_find_other_data(void **state)
{
	static const struct {
		const char *from;
		const char *to;
		bool may_be;
	} cases[] = {
		{ DISK("file: /a"), DISK("file: /b"), false },
		{ DISK("file: /a"), DISK("null: 1M"), false },
		{ DISK("memory: 1M"), DISK("memory: 2M"), false },
		{ DISK("memory: 1M"), DISK("memory: 1M, zone_size: 64K"), false },
		{ DISK("nbd: \"nbd://192.0.2.7/a\""), DISK("nbd: \"nbd://192.0.2.7/b\""), false },
		{ DISK("file: /a"), DISK("file: /a, serial: x"), true },
		{ DISK("null: 1M"), DISK("file: /a"), true },
		{ DISK("null: 1M"), DISK("null: 2M"), true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct fake_iovd iovd;
		struct json_object *used;

		fake_iovd_start(&iovd, model.tree);
		iov_rpc_set_socket(model.iov, iovd.path);
		assert_int_equal(apply(cases[i].from), 0);
		used = json_object_array_get_idx(iovd.disks, 0);
		json_object_object_add(used, "queues", json_object_new_int(2));
		if (!cases[i].may_be)
			refuse(cases[i].to, -EBUSY, "iovd.disks[0]: disk root: a guest uses it, 2 queues run");
		else
			assert_int_equal(apply(cases[i].to), 0);
		fake_iovd_stop(&iovd);
		unlink(iovd.path);
	}
}

#define QOS(limits) "iovd:\n  qos:\n    - {name: gold" limits "}\n"

static const char *limit(const struct fake_iovd *iovd, const char *key)
{
	return json_text(json_object_array_get_idx(iovd->qos, 0), key);
}

/* The file is all of a group, whose members go on when it is otherwise. */
static void groups_get_the_limits_of_the_file(void **state)
{
#define MEMBERS "  ports:\n    - {name: vm, type: vhost-user, socket: /run/vm, rules: {qos: gold}}\n"                 \
		"  disks:\n    - {name: root, socket: /run/root, null: 1M, qos: gold}\n"
	struct fake_iovd iovd;

	(void)state;
	fake_iovd_start(&iovd, model.tree);
	iov_rpc_set_socket(model.iov, iovd.path);
	assert_int_equal(apply(QOS(", iops: 500, read_bytes: 25000000000") MEMBERS), 0);
	assert_int_equal(iovd.changes, 3);
	assert_string_equal(limit(&iovd, "read_bytes"), "25000000000");
	assert_string_equal(rules(&iovd), "{\"qos\":\"gold\"}");
	assert_string_equal(disk(&iovd, "qos"), "gold");
	assert_int_equal(steps_left(QOS(", iops: 500, read_bytes: 25000000000, packets: 0") MEMBERS), 0);
	assert_int_equal(apply(QOS(", iops: 400, burst_ms: 20") MEMBERS), 0);
	assert_int_equal(iovd.changes, 4);
	assert_string_equal(limit(&iovd, "iops"), "400");
	assert_string_equal(limit(&iovd, "read_bytes"), "");
	assert_string_equal(limit(&iovd, "burst_ms"), "20");
	/* What a file does not say stays, also when the disk has to be replaced. */
	assert_int_equal(steps_left(DISK("null: 1M")), 0);
	assert_int_equal(apply(DISK("null: 1M, queues: 2")), 0);
	assert_string_equal(disk(&iovd, "qos"), "gold");
	fake_iovd_stop(&iovd);
}

static void a_group_has_its_limits_back_when_something_fails(void **state)
{
	_cleanup_json_ struct json_object *before = NULL;
	struct fake_iovd iovd;

	(void)state;
	fake_iovd_start(&iovd, model.tree);
	iov_rpc_set_socket(model.iov, iovd.path);
	assert_int_equal(apply(QOS(", iops: 500") "  disks:\n    - {name: root, socket: /r, null: 1M}\n"), 0);
	before = json_copy(iovd.qos);
	iovd.refuse = "last";
	assert_int_equal(apply(QOS(", bytes: 400") "  disks:\n"
			       "    - {name: root, socket: /r, null: 1M, qos: gold}\n"
			       "    - {name: last, socket: /l, null: 1M}\n"), -ENODEV);
	assert_string_equal(limit(&iovd, "iops"), "500");
	assert_string_equal(limit(&iovd, "bytes"), "");
	assert_true(json_object_equal(iovd.qos, before));
	assert_string_equal(disk(&iovd, "qos"), "");
	fake_iovd_stop(&iovd);
}

static void a_disk_comes_back_when_another_fails(void **state)
{
	static const char first[] = DISK("null: 1M, queues: 2, serial: x, cached: on");
	static const char *const others[] = { "file: /b", "null: 2M, on_error: wait" };
	struct fake_iovd iovd;

	(void)state;
	fake_iovd_start(&iovd, model.tree);
	iov_rpc_set_socket(model.iov, iovd.path);
	assert_int_equal(apply(first), 0);
	iovd.refuse = "last";
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
		_cleanup_json_ struct json_object *before = json_copy(iovd.disks);
		_cleanup_free_ char *text = NULL;

		assert_true(asprintf(&text, DISK("%s") "    - {name: last, socket: /l, null: 1M}\n",
				     others[i]) > 0);
		assert_int_equal(apply(text), -ENODEV);
		assert_message("iovd says no");
		assert_true(json_object_equal(iovd.disks, before));
	}
	assert_int_equal(steps_left(first), 0);
	refuse(DISK("server: on, socket_owner: no-such-user, file: /a"), -ENOENT, "iovd.disks[0]: owner");
	fake_iovd_stop(&iovd);
}

/* A step that gives a device its driver may be what brings a disk. */
static void a_disk_waits_for_what_may_bring_it(void **state)
{
	static const char text[] = "devices:\n  - {device: eth0, driver: vfio-pci}\n"
		DISK("file: /dev/nvme9n1");
	_cleanup_json_ struct json_object *json = NULL;
	struct json_object *steps, *last;
	struct fake_iovd iovd;
	struct iov_plan *plan;
	size_t count;

	(void)state;
	fake_iovd_start(&iovd, model.tree);
	iov_rpc_set_socket(model.iov, iovd.path);
	assert_int_equal(plan_file(model.iov, model.tree, text, &plan), 0);
	json = iov_plan_json(plan);
	steps = json_object_object_get(json, "steps");
	count = json_object_array_length(steps);
	last = json_object_array_get_idx(steps, count - 1);
	assert_string_equal(json_text(last, "title"), "add disk root of iovd");
	assert_true(json_array_has(json_object_object_get(last, "touches"), PF_BDF));
	last = json_object_array_get_idx(steps, count - 2);
	assert_string_equal(json_text(last, "title"), "wait for /dev/nvme9n1");
	iov_plan_free(plan);
	assert_true(apply(text) < 0);
	assert_message("nvme9n1");
	assert_int_equal(iovd.changes, 0);
	tree_file(model.tree, "dev/nvme9n1", "");
	assert_int_equal(apply(text), 0);
	assert_int_equal(iovd.changes, 1);
	fake_iovd_stop(&iovd);
}

static int teardown(void **state)
{
	return pf_model_teardown(state);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_file_is_made_true_once),
		TEST(the_ports_of_a_function_are_devices_of_a_file),
		TEST(what_is_of_a_function_is_said_at_one_of_its_ports),
		TEST(a_failure_anywhere_leaves_the_host_as_it_was),
		TEST(an_attribute_that_is_refused_undoes_all),
		TEST(vfs_keep_what_the_file_does_not_say),
		TEST(a_driver_is_taken_away),
		TEST(devices_that_cannot_be_are_refused_with_their_line),
		TEST(an_absent_device_may_be_skipped),
		TEST(rules_change_without_a_new_port),
		TEST(one_device_is_planned_alone),
		TEST(huge_pages_that_there_is_no_memory_for_are_given_back),
		TEST(parts_of_a_group_are_refused_with_what_is_missing),
		TEST(without_iovd_nothing_is_planned),
		TEST(what_others_have_claimed_is_not_given_to_iovd),
		TEST(ports_and_bridges_are_added_once),
		TEST(a_port_that_differs_is_replaced_and_comes_back),
		TEST(disks_are_added_once),
		TEST(a_guest_does_not_find_other_data),
		TEST(a_namespace_is_named_by_its_function),
		TEST(what_can_be_is_changed_without_a_new_disk),
		TEST(groups_get_the_limits_of_the_file),
		TEST(a_group_has_its_limits_back_when_something_fails),
		TEST(a_disk_comes_back_when_another_fails),
		TEST(a_disk_waits_for_what_may_bring_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
