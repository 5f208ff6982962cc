// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/pci/interface.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/sysroot/call.h"
#include "base/sysroot/paths.h"
#include "base/sysroot/sysroot.h"

#define VIRTIO "virtio"
/* Longest alternative name with its NUL, ALTIFNAMSIZ of the kernel. */
#define ALTERNATIVE_SIZE 128

static int on_link(struct nl_msg *message, void *found)
{
	struct nlattr *name = nlmsg_find_attr(nlmsg_hdr(message), sizeof(struct ifinfomsg),
					      IFLA_IFNAME);

	if (name)
		snprintf(found, IOV_INTERFACE_SIZE, "%.*s", nla_len(name),
			 (const char *)nla_data(name));
	return NL_OK;
}

/* The kernel alone knows alternative names; sysfs has none of them. */
static bool ask_alternative(struct nl_sock *socket, const char *name, char *found)
{
	struct nl_msg *message = nlmsg_alloc_simple(RTM_GETLINK, 0);
	struct ifinfomsg link = { .ifi_family = AF_UNSPEC };
	int error;

	if (!message)
		return false;
	error = nlmsg_append(message, &link, sizeof(link), NLMSG_ALIGNTO);
	if (!error)
		error = nla_put_string(message, IFLA_ALT_IFNAME, name);
	nl_socket_disable_seq_check(socket);
	nl_socket_modify_cb(socket, NL_CB_VALID, NL_CB_CUSTOM, on_link, found);
	if (!error)
		error = nl_send_auto(socket, message);
	if (error >= 0)
		error = nl_recvmsgs_default(socket);
	nlmsg_free(message);
	return error >= 0 && *found;
}

static int tell_alternative(struct iov *iov, const char *name, size_t length, FILE *answer)
{
	struct nl_sock *socket = nl_socket_alloc();
	char found[IOV_INTERFACE_SIZE] = "";

	(void)length;
	iov_sys_asking(iov, "the interface that is called %s, by rtnetlink", name);
	if (socket && !nl_connect(socket, NETLINK_ROUTE) && ask_alternative(socket, name, found))
		fputs(found, answer);
	nl_socket_free(socket);
	return 0;
}

static bool find_alternative(struct iov *iov, const char *name, char *found)
{
	_cleanup_free_ char *answer = NULL;
	int error = iov_sys_call(iov, tell_alternative, name, strlen(name), &answer);

	iov_sys_left_out(iov, error);
	snprintf(found, IOV_INTERFACE_SIZE, "%s", answer ? answer : "");
	return *found;
}

bool interface_may_be(const char *name)
{
	return *name && *name != '.' && !strpbrk(name, "/: \t\n") && strlen(name) < ALTERNATIVE_SIZE;
}

bool iov_interface_find(struct iov *iov, const char *name, char *found)
{
	*found = '\0';
	if (!interface_may_be(name))
		return false;
	if (strlen(name) < IOV_INTERFACE_SIZE &&
	    iov_sys_exists(iov, iov_path(IOV_PATH_CLASS_NET "/%s", name).name)) {
		strcpy(found, name);
		return true;
	}
	return iov_sys_is_host(iov) && find_alternative(iov, name, found);
}

/* "p0" names a port of the device itself, "pf0vf3" a representor. */
static int tell_port_name(struct iov *iov, const char *directory, size_t length, FILE *answer)
{
	char port[32];

	(void)length;
	iov_sys_asking(iov, "/%s/phys_port_name", directory);
	if (!iov_sys_read(iov, iov_path("%s/phys_port_name", directory).name, port, sizeof(port)))
		fputs(port, answer);
	return 0;
}

/* The kernel tells the name of a port when nobody changes an interface (RTNL). */
static bool is_representor(struct iov *iov, const char *directory)
{
	_cleanup_free_ char *port = NULL;
	int error = iov_sys_call(iov, tell_port_name, directory, strlen(directory), &port);

	iov_sys_left_out(iov, error);
	return port && (strstr(port, "pf") || strstr(port, "vf"));
}

/* Of ".../0000:01:00.0/virtio0/net/eth0" the function, and whether the interface is its own. */
static int function_on_way(char *way, struct iov_bdf *bdf)
{
	int error = -ENODEV;
	char *part;

	while ((part = strsep(&way, "/"))) {
		if (iov_bdf_scan(part, bdf))
			error = 0;
		else if (!strcmp(part, "net"))
			return error;
		else if (!error && strncmp(part, VIRTIO, strlen(VIRTIO)))
			error = -EXDEV;
	}
	return error;
}

int iov_interface_function(struct iov *iov, const char *name, struct iov_bdf *bdf)
{
	char target[IOV_PATH_MAX], *way = target;
	struct iov_bdf below;
	int error = iov_sys_link(iov, iov_path(IOV_PATH_CLASS_NET "/%s", name).name, target,
				 sizeof(target));

	/* The class itself is no part of the way to what it lists. */
	while (!error && !strncmp(way, "../", 3))
		way += 3;
	if (error && !iov_sys_link_name(iov, iov_path(IOV_PATH_CLASS_NET "/%s/device", name).name,
					target, sizeof(target)))
		error = 0;
	if (error)
		return -ENODEV;
	error = function_on_way(way, &below);
	if (error != -ENODEV)
		*bdf = below;
	return !error && is_representor(iov, iov_path(IOV_PATH_CLASS_NET "/%s", name).name) ?
	       -EXDEV : error;
}

static int read_port(struct iov *iov, const char *directory)
{
	int64_t port;

	return iov_sys_read_number(iov, iov_path("%s/dev_port", directory).name, &port) ?
	       0 : (int)port;
}

int iov_interface_port(struct iov *iov, const char *name)
{
	return read_port(iov, iov_path(IOV_PATH_CLASS_NET "/%s", name).name);
}

static bool has_address(struct iov *iov, const char *name, const char *address)
{
	char text[96];

	return !iov_sys_read(iov, iov_path(IOV_PATH_CLASS_NET "/%s/address", name).name, text,
			     sizeof(text)) && !strcasecmp(text, address);
}

/* An address is of a port, not of a function. */
static int port_of_address(struct iov *iov, const char *address)
{
	char **names;
	size_t count;
	int port = -1;

	if (iov_sys_list(iov, IOV_PATH_CLASS_NET, &names, &count))
		return -1;
	for (size_t i = 0; port < 0 && i < count; i++) {
		struct iov_bdf bdf;

		if (has_address(iov, names[i], address) &&
		    !iov_interface_function(iov, names[i], &bdf))
			port = iov_interface_port(iov, names[i]);
	}
	iov_names_free(names, count);
	return port;
}

int iov_interface_named_port(struct iov *iov, const char *text)
{
	const char *range = strstr(text, "/all"), *vf = range ? range : strstr(text, "/vf");
	char name[IOV_INTERFACE_SIZE], pf[ALTERNATIVE_SIZE];

	/* VFs are named by their PF. */
	snprintf(pf, sizeof(pf), "%.*s", vf ? (int)(vf - text) : (int)strlen(text), text);
	if (!strncmp(pf, "mac=", 4))
		return port_of_address(iov, pf + 4);
	return iov_interface_find(iov, pf, name) ? iov_interface_port(iov, name) : -1;
}

int iov_interface_of(struct iov *iov, struct iov_bdf bdf, int port, char *name)
{
	char **names;
	size_t count;

	*name = '\0';
	if (iov_sys_list(iov, iov_pci_path(bdf, "net").name, &names, &count))
		return -ENODEV;
	for (size_t i = 0; i < count && !*name; i++) {
		struct iov_path own = iov_pci_path(bdf, iov_path("net/%s", names[i]).name);

		if (!is_representor(iov, own.name) &&
		    (port < 0 || read_port(iov, own.name) == port))
			snprintf(name, IOV_INTERFACE_SIZE, "%s", names[i]);
	}
	iov_names_free(names, count);
	return *name ? 0 : -ENODEV;
}
