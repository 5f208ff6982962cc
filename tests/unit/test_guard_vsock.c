// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Who talks to the hypervisor by AF_VSOCK, as a kernel that is played tells it.  Its names are put in the
 * place of the library's when the scan is compiled for this test.
 */
#include "tests/unit/test.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/vm_sockets.h>
#include <linux/vm_sockets_diag.h>
#include <netinet/tcp.h>
#include <netlink/msg.h>
#include <string.h>
#include <unistd.h>

#include "base/guard/links.h"
#include "base/guard/scans.h"
#include "base/json.h"
#include "tests/unit/said.h"
#include "tests/unit/tree.h"

#define DEVICE "sys/devices/pci0000:00/0000:00:05.0/virtio3"
#define DRIVER "sys/bus/virtio/drivers/vmw_vsock_virtio_transport"
#define OWN 7	/* CID */

static char *tree;
static struct iov *iov;
static struct guard_scan host;

/* What the kernel tells. */
static struct {
	uint32_t inode, to, from;	/* CIDs */
} sockets[4];
static int answer;	/* to the dump: 0 or -errno */
static bool is_cut;	/* messages are too short */
static unsigned int dumps;

bool iov_sys_is_host(struct iov *context)
{
	(void)context;
	return true;
}

struct nl_sock *guard_netlink(int protocol, int *error)
{
	assert_int_equal(protocol, NETLINK_SOCK_DIAG);
	*error = 0;
	return nl_socket_alloc();
}

int guard_dump(struct nl_sock *socket, int type, const void *request, size_t size,
	       int (*parse)(struct nl_msg *message, void *arg), void (*restart)(void *arg), void *arg)
{
	const struct vsock_diag_req *asked = request;
	int result = NL_OK;

	(void)socket;
	(void)type;
	dumps++;
	assert_int_equal(size, sizeof(*asked));
	assert_int_equal(asked->sdiag_family, AF_VSOCK);
	assert_int_equal(asked->vdiag_states, 1u << TCP_ESTABLISHED | 1u << TCP_SYN_SENT);
	restart(arg);
	for (size_t i = 0; !answer && i < 4 && sockets[i].inode; i++) {
		struct vsock_diag_msg told = { .vdiag_family = AF_VSOCK,
					       .vdiag_src_cid = sockets[i].from ? sockets[i].from : VMADDR_CID_ANY,
					       .vdiag_dst_cid = sockets[i].to, .vdiag_ino = sockets[i].inode };
		struct nl_msg *message = nlmsg_alloc_simple(type, 0);

		nlmsg_append(message, &told, is_cut ? 8 : sizeof(told), NLMSG_ALIGNTO);
		result = parse(message, arg);
		nlmsg_free(message);
	}
	return answer ? answer : result < 0 ? -EPROTO : 0;
}

static int setup(void **state)
{
	(void)state;
	tree = tree_new();
	iov = tree_open(tree);
	host = (struct guard_scan){ .iov = iov, .holders = json_object_new_array(), .met = json_object_new_object() };
	memset(sockets, 0, sizeof(sockets));
	answer = 0;
	is_cut = false;
	dumps = 0;
	tree_file(tree, DRIVER "/bind", "");
	tree_file(tree, DEVICE "/status", "");
	tree_link(tree, DRIVER "/virtio3", "../../../../devices/pci0000:00/0000:00:05.0/virtio3");
	tree_link(tree, DRIVER "/module", "../../../../module/vmw_vsock_virtio_transport");
	tree_file(tree, "proc/71/comm", "agent\n");
	tree_link(tree, "proc/71/fd/0", "/dev/null");
	tree_link(tree, "proc/71/fd/3", "socket:[501]");
	tree_link(tree, "proc/71/fd/4", "socket:[502]");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	guard_scan_close(&host);
	iov_close(iov);
	tree_remove(tree);
	return 0;
}

static void look(void)
{
	struct guard_process process = { .pid = "71", .title = "pid 71 (agent)", .path = iov_path("proc/71") };

	scan_vsock.scan(&host);
	process.directory = open(iov_path("%s/proc/71", tree).name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_true(process.directory >= 0);
	scan_vsock.process(&host, &process);
	close(process.directory);
	for (size_t i = 0; i < process.file_count; i++)
		free(process.files[i]);
	free(process.files);
	scan_vsock.finish(&host);
}

static const char *holder(size_t index)
{
	struct json_object *found = json_object_array_get_idx(host.holders, index);

	assert_string_equal(json_text(found, "guard"), "vsock");
	assert_true(guard_has_component(json_text(found, "device"), "0000:00:05.0"));
	return json_text(found, "holder");
}

static void who_is_connected_is_named_once(void **state)
{
	(void)state;
	sockets[0].inode = 501, sockets[0].to = VMADDR_CID_HOST;
	sockets[1].inode = 502, sockets[1].to = VMADDR_CID_HOST;
	look();
	assert_int_equal(json_object_array_length(host.holders), 1);
	assert_string_equal(holder(0), "pid 71 (agent)");
}

static void who_is_not_seen_is_one_as_well(void **state)
{
	(void)state;
	sockets[0].inode = 900, sockets[0].to = VMADDR_CID_HOST;
	look();
	assert_int_equal(json_object_array_length(host.holders), 1);
	assert_string_equal(holder(0), "a process that has an AF_VSOCK socket");
}

static void what_stays_in_the_guest_does_not_go_by_it(void **state)
{
	(void)state;
	sockets[0].inode = 501, sockets[0].to = VMADDR_CID_LOCAL;
	/* The end that connected has no address of its own. */
	sockets[1].inode = 502, sockets[1].to = OWN;
	sockets[2].inode = 503, sockets[2].to = OWN, sockets[2].from = OWN;
	look();
	assert_int_equal(json_object_array_length(host.holders), 0);
}

static void guests_of_a_guest_are_reached_by_vhost(void **state)
{
	(void)state;
	sockets[0].inode = 501, sockets[0].to = 40;
	tree_file(tree, "sys/module/vhost_vsock/refcnt", "1\n");
	look();
	assert_int_equal(json_object_array_length(host.holders), 0);
	teardown(state);
	setup(state);
	sockets[0].inode = 501, sockets[0].to = 40;
	look();
	assert_int_equal(json_object_array_length(host.holders), 1);
}

static void a_kernel_that_cannot_tell_holds_nothing(void **state)
{
	(void)state;
	answer = -ENOENT;
	look();
	assert_int_equal(host.error, 0);
	assert_int_equal(json_object_array_length(host.holders), 0);
	teardown(state);
	setup(state);
	answer = -ENOMEM;
	look();
	assert_int_equal(host.error, -ENOMEM);
	assert_said(iov, "the AF_VSOCK sockets");
}

static void what_is_too_short_is_not_read(void **state)
{
	(void)state;
	sockets[0].inode = 501, sockets[0].to = VMADDR_CID_HOST;
	is_cut = true;
	look();
	assert_int_equal(host.error, -EPROTO);
	assert_int_equal(json_object_array_length(host.holders), 0);
}

static void who_has_no_such_device_is_not_asked(void **state)
{
	(void)state;
	tree_unlink(tree, DRIVER "/virtio3");
	tree_unlink(tree, DRIVER "/module");
	tree_unlink(tree, DRIVER "/bind");
	assert_int_equal(rmdir(iov_path("%s/" DRIVER, tree).name), 0);
	look();
	assert_int_equal(dumps, 0);
	assert_int_equal(json_object_array_length(host.holders), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(who_is_connected_is_named_once),
		TEST(who_is_not_seen_is_one_as_well),
		TEST(what_stays_in_the_guest_does_not_go_by_it),
		TEST(guests_of_a_guest_are_reached_by_vhost),
		TEST(a_kernel_that_cannot_tell_holds_nothing),
		TEST(what_is_too_short_is_not_read),
		TEST(who_has_no_such_device_is_not_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
