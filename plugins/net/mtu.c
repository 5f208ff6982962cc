// SPDX-License-Identifier: GPL-2.0-or-later
/* The MTU of a function's interface. */
#include "plugins/net/mtu.h"

#include <errno.h>
#include <limits.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/pci/interface.h"
#include "base/sysroot/call.h"
#include "base/sysroot/paths.h"
#include "plugins/net/net.h"
#include "plugins/net/netlink.h"

static int mtu_path(struct iov *iov, struct iov_bdf bdf, int port, struct iov_path *path)
{
	char name[IOV_INTERFACE_SIZE];

	if (iov_interface_of(iov, bdf, port, name))
		return iov_fail(iov, -ENODEV, "%s has no network interface here, and an MTU is an "
				"interface's; bind its native driver, and look whether the interface "
				"is in another network namespace", IOV_BDF(bdf));
	*path = iov_path(IOV_PATH_CLASS_NET "/%s/mtu", name);
	return 0;
}

int iov_mtu_read(struct iov *iov, struct iov_bdf bdf, int port, unsigned int *mtu)
{
	struct iov_path path;
	int64_t number;
	int error = mtu_path(iov, bdf, port, &path);

	if (error)
		return error;
	error = iov_sys_read_number(iov, path.name, &number);
	if (error)
		return iov_told(iov, error, "/%s: %s", path.name, strerror(-error));
	*mtu = (unsigned int)number;
	return 0;
}

/* What the driver takes; 0 is a limit that the kernel does not tell. */
struct range {
	uint32_t min;
	uint32_t max;
};

static void take_limit(struct nlmsghdr *header, int type, uint32_t *limit)
{
	struct nlattr *attribute = nlmsg_find_attr(header, sizeof(struct ifinfomsg), type);

	if (attribute && nla_len(attribute) >= (int)sizeof(*limit))
		*limit = nla_get_u32(attribute);
}

static void on_link(struct nlmsghdr *header, void *arg)
{
	struct range *range = arg;

	if (header->nlmsg_type != RTM_NEWLINK)
		return;
	take_limit(header, IFLA_MIN_MTU, &range->min);
	take_limit(header, IFLA_MAX_MTU, &range->max);
}

/* Of the index of an interface, an int, answers "MIN MAX". */
static int tell_range(struct iov *iov, const char *question, size_t length, FILE *answer)
{
	struct range range = { 0 };
	struct ifinfomsg link = { 0 };
	int error;

	memcpy(&link.ifi_index, question, length);
	iov_sys_asking(iov, "the range of an MTU, by rtnetlink");
	error = netlink_route(netlink_route_new(RTM_GETLINK, 0, &link, sizeof(link)), on_link, &range, NULL, 0);
	fprintf(answer, "%u %u", range.min, range.max);
	return error;
}

/* Zeros for what the kernel does not tell. */
static int ask_range(struct iov *iov, int64_t ifindex, unsigned int *min, unsigned int *max)
{
	_cleanup_free_ char *answer = NULL;
	int index = (int)ifindex;
	int error = iov_sys_call(iov, tell_range, &index, sizeof(index), &answer);

	*min = *max = 0;
	if (!error)
		sscanf(answer, "%u %u", min, max);
	return error == -ETIMEDOUT ? error : 0;
}

int iov_mtu_check(struct iov *iov, struct iov_bdf bdf, int port, unsigned int mtu)
{
	char name[IOV_INTERFACE_SIZE];
	unsigned int min, max;
	int64_t ifindex;
	int error;

	if (!iov_sys_is_host(iov) || iov_interface_of(iov, bdf, port, name) ||
	    iov_sys_read_number(iov, iov_path(IOV_PATH_CLASS_NET "/%s/ifindex", name).name, &ifindex))
		return 0;
	error = ask_range(iov, ifindex, &min, &max);
	if (error || (mtu >= min && (!max || mtu <= max)))
		return error;
	return iov_fail(iov, -EINVAL, "MTU %u: the driver of %s takes %u to %u", mtu, name, min,
			max ? max : UINT_MAX);
}

static int write_mtu(struct iov *iov, struct iov_bdf bdf, int port, unsigned int mtu)
{
	struct iov_path path;
	char text[12];
	int error = mtu_path(iov, bdf, port, &path);

	if (error)
		return error;
	snprintf(text, sizeof(text), "%u", mtu);
	error = iov_sys_write(iov, path.name, text);
	return error ? iov_told(iov, error, "/%s: %s", path.name, strerror(-error)) : 0;
}

static int run_mtu(struct iov *iov, const struct iov_op *op)
{
	unsigned int mtu = op->mtu.mtu, now;
	struct iov_bdf bdf = op->mtu.device;
	int port = op->mtu.port;
	int error = iov_mtu_read(iov, bdf, port, &now);

	if (error || now == mtu)
		return error;
	error = write_mtu(iov, bdf, port, mtu);
	if (!error)
		error = iov_mtu_read(iov, bdf, port, &now);
	if (error || now == mtu)
		return error;
	return iov_fail(iov, -EIO, "the driver took it, but it reads back as %u", now);
}

const struct iov_op_runner mtu_runner = { IOV_OP_MTU, run_mtu };
