// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The guard "vsock": who talks to the hypervisor by AF_VSOCK.  A guest has one function for that, and the
 * kernel names no device with a socket: what goes to the hypervisor goes by that function.  It tells the
 * sockets of this network namespace, and which process has one is told by its inode.
 */
#include <linux/vm_sockets.h>
#include <linux/vm_sockets_diag.h>
#include <netinet/tcp.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <string.h>
#include <sys/socket.h>

#include "base/guard/links.h"
#include "base/guard/scans.h"
#include "base/json.h"
#include "base/sysroot/paths.h"

#define DRIVER IOV_PATH_VIRTIO_DRIVERS "/vmw_vsock_virtio_transport"
#define STATES (1u << TCP_ESTABLISHED | 1u << TCP_SYN_SENT)

static const struct guard vsock = { "vsock", "sockets of AF_VSOCK are connected through it" };

/* An address of this guest, as the other end of a connection within it has it. */
static struct iov_path own_address(unsigned int cid)
{
	return iov_path("AF_VSOCK address %u", cid);
}

/* A host that has guests itself reaches them by vhost; others are reached by way of the hypervisor. */
static bool goes_to_hypervisor(struct guard_scan *scan, unsigned int cid)
{
	if (cid <= VMADDR_CID_HOST)
		return cid == VMADDR_CID_HOST;
	return !json_object_object_get_ex(scan->met, own_address(cid).name, NULL) &&
	       !iov_sys_exists(scan->iov, IOV_PATH_MODULES "/vhost_vsock");
}

static int note_socket(struct nl_msg *message, void *arg)
{
	const struct vsock_diag_msg *socket = nlmsg_data(nlmsg_hdr(message));
	struct guard_scan *scan = arg;

	if (nlmsg_datalen(nlmsg_hdr(message)) < (int)sizeof(*socket))
		return -NLE_MSG_TRUNC;
	guard_is_new(scan, own_address(socket->vdiag_src_cid).name);
	json_object_object_add(scan->connections, iov_path("socket:[%u]", socket->vdiag_ino).name,
			       json_object_new_int64(socket->vdiag_dst_cid));
	return NL_OK;
}

/* A kernel that cannot tell has no module vsock_diag. */
static void scan(struct guard_scan *scan)
{
	struct vsock_diag_req request = { .sdiag_family = AF_VSOCK, .vdiag_states = STATES };

	if (!iov_sys_is_host(scan->iov) || !iov_sys_exists(scan->iov, DRIVER))
		return;
	scan->connections = json_object_new_object();
	guard_dump_sockets(scan, &request, sizeof(request), note_socket, "the AF_VSOCK sockets");
}

/* A device among the files of the driver */
static void visit_device(struct guard_scan *scan, struct guard_chain *chain, const char *directory,
			 const char *name)
{
	char target[IOV_PATH_MAX];

	if (!iov_sys_link(scan->iov, iov_path("%s/%s", directory, name).name, target, sizeof(target)) &&
	    strstr(target, "/devices/"))
		guard_found(scan, chain, target);
}

static void hold(struct guard_scan *scan, const char *holder, const char *pid, struct json_object *cid)
{
	struct guard_chain chain = { .guard = &vsock, .holder = holder, .pid = pid };

	if (goes_to_hypervisor(scan, (unsigned int)json_object_get_int64(cid)))
		guard_for_each_name(scan, &chain, DRIVER, visit_device);
}

static void hold_opened(struct guard_scan *scan, struct guard_process *process, const char *socket,
			struct json_object *cid)
{
	hold(scan, guard_title(scan, process), process->pid, cid);
	guard_is_new(scan, socket);
}

static void scan_process(struct guard_scan *scan, struct guard_process *process)
{
	guard_for_each_socket(scan, process, scan->connections, hold_opened);
}

static void finish(struct guard_scan *scan)
{
	if (!scan->connections)
		return;
	json_object_object_foreach(scan->connections, socket, cid) {
		if (guard_is_new(scan, socket))
			hold(scan, "a process that has an AF_VSOCK socket", NULL, cid);
	}
}

const struct guard_kind scan_vsock = {
	.guards = (const struct guard *const[]){ &vsock, NULL },
	.scan = scan,
	.process = scan_process,
	.finish = finish,
};
