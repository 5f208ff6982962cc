// SPDX-License-Identifier: GPL-2.0-or-later
/* A host as a file and back: what a snapshot says, and that it restores what was lost. */
#include "tests/unit/test.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/rpc/rpc.h"
#include "host/file/file.h"
#include "plugins/plugins.h"
#include "tests/unit/pf_model.h"
#include "tests/unit/tree.h"

#define NODES "sys/devices/system/node"
#define NOTES \
	"# This host as 'iov snapshot' found it; host.yaml(5) explains the keys. 'iov plan FILE'\n" \
	"# shows what differs since, 'iov apply FILE' brings it back.\n"
#define PF_NOTE \
	"# serial=00-00-00-ff-ff-00-00-01 is " PF_BDF ", Device 0000:0000\n"
#define NO_IOVD \
	"#\n# Bridges, ports, disks and QoS groups of iovd are left out: a recorded host has no iovd; leave out " \
	"--root to ask the one of this host, or name a socket with --control\n"

static struct iov_host_file *file;

/* Configuration space with a serial number, so that the PF has an identity. */
static void give_serial(void)
{
	unsigned char config[4096] = { [0x100] = 0x03, [0x102] = 0x01, [0x104] = 1, [0x107] = 0xff,
				       [0x108] = 0xff };
	_cleanup_free_ char *path = NULL;
	FILE *out;

	tree_file(model.tree, PF_PATH "/config", "");
	assert_true(asprintf(&path, "%s/" PF_PATH "/config", model.tree) > 0);
	out = fopen(path, "w");
	assert_non_null(out);
	assert_int_equal(fwrite(config, 1, sizeof(config), out), sizeof(config));
	fclose(out);
}

static int steer_error;
static char *logged;

/* In place of that of the NICs' plug-in. */
int __wrap_iov_steer_list(struct iov *iov, struct iov_bdf bdf, int port, struct json_object **out);
int __wrap_iov_steer_list(struct iov *iov, struct iov_bdf bdf, int port, struct json_object **out)
{
	(void)bdf;
	(void)port;
	(void)out;
	return iov_fail(iov, steer_error, "the rules are not told");
}

static void on_log(void *arg, int level, const char *line)
{
	(void)arg;
	if (level != LOG_WARNING || !strstr(line, "the rules"))
		return;
	free(logged);
	logged = strdup(line);
}

static int setup(void **state)
{
	steer_error = -EOPNOTSUPP;
	pf_model_setup(state);
	give_serial();
	tree_file(model.tree, "sys/bus/pci/drivers/igb/bind", "");
	tree_file(model.tree, "sys/bus/pci/drivers/igbvf/bind", "");
	tree_file(model.tree, "sys/bus/pci/drivers/vfio-pci/bind", "");
	file = NULL;
	return 0;
}

static int teardown(void **state)
{
	iov_host_free(file);
	return pf_model_teardown(state);
}

static char *snapshot(void)
{
	char *yaml = NULL;

	if (iov_host_snapshot(model.iov, &yaml))
		fail_msg("%s", iov_error_message(model.iov));
	return yaml;
}

static void load(const char *yaml)
{
	iov_host_free(file);
	file = NULL;
	if (host_load_text(&file, model.iov, "snapshot", strdup(yaml), strlen(yaml)))
		fail_msg("%s", iov_error_message(model.iov));
}

static int build(struct iov_plan *plan)
{
	return iov_host_plan(plan, file, NULL);
}

/* How many steps bring the host to what the file says. */
static size_t steps(void)
{
	_cleanup_json_ struct json_object *json = NULL;
	struct iov_plan *plan;

	assert_int_equal(iov_plan_new(&plan, model.iov, "compare"), 0);
	if (build(plan))
		fail_msg("%s", iov_error_message(model.iov));
	json = iov_plan_json(plan);
	iov_plan_free(plan);
	return json_object_array_length(json_object_object_get(json, "steps"));
}

static int remove_vfs(struct iov_plan *plan)
{
	return iov_vf_remove_plan(plan, model.pf);
}

/* Three VFs as somebody may have left them. */
static void use_vfs(void)
{
	pf_model_create(3);
	for (unsigned int i = 0; i < 3; i++) {
		tree_link(model.tree,
			  iov_path("sys/kernel/iommu_groups/%u/devices/%s", 20 + i,
				   IOV_BDF(pf_model_vf(i))).name,
			  iov_path("../../../../bus/pci/devices/%s", IOV_BDF(pf_model_vf(i))).name);
		tree_file(model.tree, iov_path("sys/kernel/iommu_groups/%u/type", 20 + i).name,
			  "DMA\n");
	}
	for (int i = 0; i < 3; i++)
		tree_file(model.tree, iov_path("class/%d/trust", i).name, "1");
	tree_file(model.tree, "class/0/mac", "02:00:00:00:00:01");
	tree_file(model.tree, "class/1/vlan", "100");
	tree_file(model.tree, "class/1/max_rate", "1000");
	tree_file(model.tree, iov_pci_path(pf_model_vf(2), "driver_override").name, "vfio-pci\n");
	tree_link(model.tree, iov_pci_path(pf_model_vf(2), "driver").name,
		  "../../../drivers/vfio-pci");
}

static void a_host_that_nobody_touched_is_nothing_to_say(void **state)
{
	_cleanup_free_ char *yaml = snapshot();

	(void)state;
	assert_string_equal(yaml, NOTES NO_IOVD "{}\n");
	load(yaml);
	assert_int_equal(steps(), 0);
}

static void vfs_are_written_with_what_they_share_once(void **state)
{
	_cleanup_free_ char *yaml = NULL;

	(void)state;
	use_vfs();
	yaml = snapshot();
	assert_string_equal(yaml, NOTES PF_NOTE NO_IOVD
			    "devices:\n"
			    "- device: serial=00-00-00-ff-ff-00-00-01\n"
			    "  absent: fatal\n"
			    "  vfs:\n"
			    "    count: 3\n"
			    "    trust: on\n"
			    "    each:\n"
			    "    - index: 0\n"
			    "      mac: 02:00:00:00:00:01\n"
			    "      driver: native\n"
			    "    - index: 1\n"
			    "      driver: native\n"
			    "      vlan: 100\n"
			    "      max_rate: 1000\n"
			    "    - index: 2\n"
			    "      driver: vfio-pci\n");
}

static void nothing_differs_from_a_snapshot_until_something_does(void **state)
{
	_cleanup_free_ char *yaml = NULL;

	(void)state;
	use_vfs();
	yaml = snapshot();
	load(yaml);
	assert_int_equal(steps(), 0);
	tree_file(model.tree, "class/1/vlan", "101");
	assert_int_equal(steps(), 1);
}

static void a_snapshot_brings_lost_vfs_back(void **state)
{
	_cleanup_free_ char *yaml = NULL, *before = NULL, *after = NULL;

	(void)state;
	use_vfs();
	yaml = snapshot();
	before = pf_model_state();
	assert_int_equal(pf_model_run(remove_vfs), 0);
	load(yaml);
	assert_true(steps() > 0);
	if (pf_model_run(build))
		fail_msg("%s", iov_error_message(model.iov));
	after = pf_model_state();
	assert_string_equal(after, before);
}

static void huge_pages_are_written_by_node(void **state)
{
	_cleanup_free_ char *yaml = NULL;

	(void)state;
	tree_file(model.tree, NODES "/node0/hugepages/hugepages-2048kB/nr_hugepages", "512\n");
	tree_file(model.tree, NODES "/node0/hugepages/hugepages-1048576kB/nr_hugepages", "0\n");
	tree_file(model.tree, NODES "/node1/hugepages/hugepages-1048576kB/nr_hugepages", "4\n");
	tree_file(model.tree, NODES "/possible", "0-1\n");
	yaml = snapshot();
	assert_string_equal(yaml, NOTES NO_IOVD
			    "huge_pages:\n"
			    "- size: 2M\n"
			    "  node: 0\n"
			    "  count: 512\n"
			    "- size: 1G\n"
			    "  node: 1\n"
			    "  count: 4\n");
	load(yaml);
	assert_int_equal(steps(), 0);
	tree_file(model.tree, NODES "/node1/hugepages/hugepages-1048576kB/nr_hugepages", "3\n");
	assert_int_equal(steps(), 1);
}

static void huge_pages_without_nodes_are_the_hosts(void **state)
{
	_cleanup_free_ char *yaml = NULL;

	(void)state;
	tree_file(model.tree, "sys/kernel/mm/hugepages/hugepages-64kB/nr_hugepages", "16\n");
	yaml = snapshot();
	assert_string_equal(yaml, NOTES NO_IOVD "huge_pages:\n- size: 64K\n  count: 16\n");
	load(yaml);
	assert_int_equal(steps(), 0);
}

static void a_device_has_what_was_set_of_it(void **state)
{
	_cleanup_free_ char *yaml = NULL;

	(void)state;
	tree_file(model.tree, PF_PATH "/net/enp1s0/mtu", "9000\n");
	tree_file(model.tree, "sys/class/net/enp1s0/mtu", "9000\n");
	tree_file(model.tree, PF_PATH "/driver_override", "igb\n");
	tree_file(model.tree, "sys/devices/system/cpu/online", "0-3\n");
	tree_file(model.tree, PF_PATH "/local_cpulist", "2-3\n");
	tree_file(model.tree, PF_PATH "/msi_irqs/40", "msix\n");
	tree_file(model.tree, PF_PATH "/msi_irqs/41", "msix\n");
	tree_file(model.tree, "proc/irq/40/smp_affinity_list", "2\n");
	tree_file(model.tree, "proc/irq/41/smp_affinity_list", "3\n");
	yaml = snapshot();
	assert_string_equal(yaml, NOTES PF_NOTE NO_IOVD
			    "devices:\n"
			    "- device: serial=00-00-00-ff-ff-00-00-01\n"
			    "  absent: fatal\n"
			    "  driver: igb\n"
			    "  mtu: 9000\n"
			    "  irq: spread\n");
	load(yaml);
	assert_int_equal(steps(), 0);
	tree_file(model.tree, "proc/irq/41/smp_affinity_list", "0-3\n");
	assert_int_equal(steps(), 1);
}

/* The kernel itself prefers the CPUs of the device's node. */
static void interrupts_as_the_kernel_has_them_are_nothing_to_say(void **state)
{
	static const char *const lists[] = { "2-3\n", "0-3\n" };

	(void)state;
	tree_file(model.tree, "sys/devices/system/cpu/online", "0-3\n");
	tree_file(model.tree, PF_PATH "/local_cpulist", "2-3\n");
	tree_file(model.tree, PF_PATH "/msi_irqs/40", "msix\n");
	for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++) {
		_cleanup_free_ char *yaml = NULL;

		tree_file(model.tree, "proc/irq/40/smp_affinity_list", lists[i]);
		yaml = snapshot();
		assert_string_equal(yaml, NOTES NO_IOVD "{}\n");
	}
}

/* Answers as an iovd that has two bridges, three ports, three disks and a QoS group. */
static void answer(int client)
{
	static const char bridges[] = "{\"result\": [{\"name\": \"br0\", \"kind\": \"switch\", "
		"\"ports\": [\"up\", \"vm1\"]}, {\"name\": \"w\", \"kind\": \"wire\", \"ports\": []}]}\n";
	static const char ports[] = "{\"result\": ["
		"{\"name\": \"up\", \"type\": \"ethdev\", \"bridge\": \"br0\", "
		"\"device\": \"0000:01:10.2\", \"zero_copy\": true, \"mac\": \"02:00:00:00:00:09\", \"mtu\": 1500},"
		"{\"name\": \"tap\", \"type\": \"ethdev\", \"bridge\": null, "
		"\"device\": \"net_tap0,iface=t\", \"zero_copy\": false, \"mtu\": 1400, \"wanted_mtu\": 1400},"
		"{\"name\": \"vm1\", \"type\": \"vhost-user\", \"bridge\": \"br0\", "
		"\"socket\": \"/s/vm1\", \"mode\": \"server\", \"socket_mode\": \"0600\", "
		"\"socket_owner\": \":108\", \"queue_pairs\": 2, "
		"\"mac\": \"02:00:00:00:00:07\", \"standby\": true, \"any_memory\": true, "
		"\"iommu\": true, "
		"\"state\": \"listening\"}]}\n";
	static const char disks[] = "{\"result\": ["
		"{\"name\": \"root\", \"type\": \"disk\", \"socket\": \"/s/root\", \"mode\": \"server\", "
		"\"socket_mode\": \"0660\", \"state\": \"listening\", \"queues\": 0, \"backend\": \"file\", "
		"\"path\": \"/dev/nvme1n1\", \"io_poll\": true, \"register_memory\": true, \"registered_bytes\": 4096, "
		"\"read_only\": false, \"serial\": \"root\", \"queues_max\": 64, "
		"\"bytes\": 1073741824, \"block\": 512, \"on_error\": \"report\", \"qos\": \"gold\", "
		"\"status\": \"ready\"},"
		"{\"name\": \"scratch\", \"type\": \"disk\", \"socket\": \"/s/scratch\", \"mode\": \"client\", "
		"\"any_memory\": true, \"state\": \"connecting\", \"queues\": 0, \"backend\": \"memory\", "
		"\"cached\": true, \"read_only\": true, \"serial\": \"S-1\", \"queues_max\": 2, "
		"\"bytes\": 1610612736, \"block\": 512, \"zone_model\": \"host-managed\", "
		"\"zones\": 24, \"zone_bytes\": 67108864, \"on_error\": \"wait\", \"status\": \"ready\"},"
		"{\"name\": \"nowhere\", \"type\": \"disk\", \"socket\": \"/s/no\", \"mode\": \"client\", "
		"\"state\": \"connecting\", \"queues\": 0, \"backend\": \"null\", \"read_only\": false, "
		"\"serial\": \"nowhere\", \"queues_max\": 1, \"bytes\": 1000448, \"block\": 512, "
		"\"on_error\": \"report\", \"status\": \"ready\"},"
		"{\"name\": \"far\", \"type\": \"disk\", \"socket\": \"/s/far\", \"mode\": \"client\", "
		"\"state\": \"connecting\", \"queues\": 0, \"backend\": \"nbd\", "
		"\"uri\": \"nbd+unix:///?socket=/s/nbd\", \"read_only\": false, \"serial\": \"far\", "
		"\"queues_max\": 1, \"bytes\": 1048576, \"block\": 512, \"on_error\": \"report\", "
		"\"status\": \"waits-for-server\", \"server\": \"nobody serves there\"}]}\n";
	static const char qos[] = "{\"result\": [{\"name\": \"gold\", \"iops\": 500, "
		"\"write_bytes\": 25000000000, \"burst_ms\": 10, \"members\": [\"vm1\"], \"waits\": 3, "
		"\"wait_ms\": 2, \"dropped_packets\": 0}, {\"name\": \"slow\", \"packets\": 1, "
		"\"burst_ms\": 11, \"members\": [], \"waits\": 0, \"wait_ms\": 0, "
		"\"dropped_packets\": 0}]}\n";
	char request[512] = "";
	const char *reply;

	if (recv(client, request, sizeof(request) - 1, 0) <= 0)
		return;
	reply = strstr(request, "bridge.list") ? bridges : strstr(request, "disk.list") ? disks :
		strstr(request, "qos.list") ? qos : ports;
	send(client, reply, strlen(reply), MSG_NOSIGNAL);
}

static pid_t start_iovd(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	pid_t pid;

	snprintf(address.sun_path, sizeof(address.sun_path), "%s/iovd.sock", model.tree);
	assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(listener, 4), 0);
	assert_int_equal(iov_rpc_set_socket(model.iov, address.sun_path), 0);
	pid = fork();
	if (!pid)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (!pid) {
		int client = accept(listener, NULL, NULL);

		answer(client);
		close(client);
	}
	close(listener);
	return pid;
}

static void what_iovd_has_is_written_with_identities(void **state)
{
	_cleanup_free_ char *yaml = NULL;
	pid_t iovd;

	(void)state;
	pf_model_create(2);
	iovd = start_iovd();
	yaml = snapshot();
	assert_non_null(strstr(yaml, "\niovd:\n"
			       "  bridges:\n"
			       "  - name: br0\n"
			       "    kind: switch\n"
			       "  - name: w\n"
			       "    kind: wire\n"
			       "  ports:\n"
			       "  - name: up\n"
			       "    type: ethdev\n"
			       "    bridge: br0\n"
			       "    device: serial=00-00-00-ff-ff-00-00-01/vf1\n"
			       "    zero_copy: on\n"
			       "  - name: tap\n"
			       "    type: ethdev\n"
			       "    device: net_tap0,iface=t\n"
			       "    mtu: 1400\n"
			       "  - name: vm1\n"
			       "    type: vhost-user\n"
			       "    bridge: br0\n"
			       "    socket: /s/vm1\n"
			       "    server: on\n"
			       "    socket_mode: 0600\n"
			       "    socket_owner: :108\n"
			       "    queue_pairs: 2\n"
			       "    mac: 02:00:00:00:00:07\n"
			       "    standby: on\n"
			       "    any_memory: on\n"
			       "    iommu: on\n"
			       "  disks:\n"
			       "  - name: root\n"
			       "    socket: /s/root\n"
			       "    server: on\n"
			       "    file: /dev/nvme1n1\n"
			       "    io_poll: on\n"
			       "    register_memory: on\n"
			       "    queues: 64\n"
			       "    qos: gold\n"
			       "  - name: scratch\n"
			       "    socket: /s/scratch\n"
			       "    memory: 1536M\n"
			       "    zone_size: 64M\n"
			       "    read_only: on\n"
			       "    cached: on\n"
			       "    serial: S-1\n"
			       "    queues: 2\n"
			       "    on_error: wait\n"
			       "    any_memory: on\n"
			       "  - name: nowhere\n"
			       "    socket: /s/no\n"
			       "    null: 977K\n"
			       "    queues: 1\n"
			       "  - name: far\n"
			       "    socket: /s/far\n"
			       "    nbd: nbd+unix:///?socket=/s/nbd\n"
			       "    queues: 1\n"
			       "  qos:\n"
			       "  - name: gold\n"
			       "    iops: 500\n"
			       "    write_bytes: 25000000000\n"
			       "  - name: slow\n"
			       "    packets: 1\n"
			       "    burst_ms: 11\n"));
	load(yaml);
	assert_int_equal(steps(), 0);
	kill(iovd, SIGKILL);
	waitpid(iovd, NULL, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

/* A snapshot that lacks them would be taken for a host that has none. */
static void steering_rules_that_are_not_told_are_said_to_be_left_out(void **state)
{
	static const struct {
		int error;
		const char *said;
	} cases[] = {
		{ -EOPNOTSUPP, NULL },
		{ -ENODEV, NULL },
		{ -EIO, "the steering rules of " PF_BDF " are left out: the rules are not told" },
		{ -ETIMEDOUT, "what that would tell is left out: the rules are not told" },
	};

	(void)state;
	iov_close(model.iov);
	assert_int_equal(iov_open(&model.iov, &(struct iov_options){ .root = model.tree, .log = on_log }), 0);
	assert_int_equal(iov_plugins_register(model.iov), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		steer_error = cases[i].error;
		free(snapshot());
		if (!logged != !cases[i].said || (logged && strcmp(logged, cases[i].said)))
			fail_msg("%s: '%s'", strerror(-steer_error), logged);
		free(logged);
		logged = NULL;
	}
}

static void what_fails_on_the_way_fails_the_snapshot(void **state)
{
	char *yaml = NULL;

	(void)state;
	steer_error = -ENOMEM;
	assert_int_equal(iov_host_snapshot(model.iov, &yaml), -ENOMEM);
	assert_null(yaml);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_host_that_nobody_touched_is_nothing_to_say),
		TEST(vfs_are_written_with_what_they_share_once),
		TEST(nothing_differs_from_a_snapshot_until_something_does),
		TEST(steering_rules_that_are_not_told_are_said_to_be_left_out),
		TEST(what_fails_on_the_way_fails_the_snapshot),
		TEST(a_snapshot_brings_lost_vfs_back),
		TEST(huge_pages_are_written_by_node),
		TEST(huge_pages_without_nodes_are_the_hosts),
		TEST(a_device_has_what_was_set_of_it),
		TEST(interrupts_as_the_kernel_has_them_are_nothing_to_say),
		TEST(what_iovd_has_is_written_with_identities),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
