// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The guard "xen".  In dom0 the driver pciback has a function whether a guest has it or not, and lets
 * it be unbound from under one.  Which guests have functions sysfs tells, by a device of the bus
 * xen-backend for each; which functions these are is in the store of Xen alone, whose daemon answers
 * at a socket in the words of its io/xs_wire.h.  Where it does not, each function of pciback may be
 * one of them.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/guard/scans.h"
#include "base/sysroot/paths.h"

#define XS_READ 2
#define XS_ERROR 16
#define PATIENCE_S 2
/* What an answer may be as long as, with a NUL: an answer that is left is taken for the next one. */
#define VALUE_SIZE (4096 + 1)
/* pciback gives a guest no more: 32 slots of 8 functions */
#define FUNCTIONS 256

/* Numbers are the host's own. */
struct message {
	uint32_t type;
	uint32_t request;
	uint32_t transaction;
	uint32_t length;
};

static_assert(sizeof(struct message) == 16, "struct xsd_sockmsg");

static const struct guard xen = { "xen", "a guest of Xen has it" };

static int connect_store(struct iov *iov)
{
	const struct timeval patience = { .tv_sec = PATIENCE_S };
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	_cleanup_fd_ int place = iov_sys_open(iov, IOV_PATH_XENSTORE, O_PATH);
	int fd, error;

	if (place < 0)
		return place;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	snprintf(address.sun_path, sizeof(address.sun_path), "/" IOV_PATH_PROC_SELF "/fd/%d", place);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (!connect(fd, (const struct sockaddr *)&address, sizeof(address)))
		return fd;
	error = -errno;
	close(fd);
	return error;
}

static bool receive(int fd, void *to, size_t length)
{
	return recv(fd, to, length, MSG_WAITALL) == (ssize_t)length;
}

/* What is at a path of the store; -ENOENT when nothing is, any other error when it does not tell. */
static int read_store(int store, const char *path, char value[VALUE_SIZE])
{
	struct message message = { .type = XS_READ, .length = (uint32_t)strlen(path) + 1 };

	if (store < 0 || send(store, &message, sizeof(message), MSG_NOSIGNAL | MSG_MORE) != sizeof(message) ||
	    send(store, path, message.length, MSG_NOSIGNAL) != (ssize_t)message.length ||
	    !receive(store, &message, sizeof(message)) || message.length >= VALUE_SIZE ||
	    !receive(store, value, message.length))
		return -EPROTO;
	value[message.length] = '\0';
	if (message.type == XS_READ)
		return 0;
	return message.type == XS_ERROR && !strcmp(value, "ENOENT") ? -ENOENT : -EPROTO;
}

static void hold_any(struct guard_scan *scan, struct guard_chain *chain, const char *directory, const char *name)
{
	struct iov_bdf bdf;

	(void)directory;
	if (iov_bdf_scan(name, &bdf))
		guard_found(scan, chain, name);
}

/* All that a guest has: false when the store does not tell what that is. */
static bool hold_told(struct guard_scan *scan, struct guard_chain *chain, int store, const char *backend)
{
	char value[VALUE_SIZE], *end;
	unsigned long count;

	if (read_store(store, iov_path("%s/num_devs", backend).name, value))
		return false;
	count = strtoul(value, &end, 10);
	if (end == value || *end || count > FUNCTIONS)
		return false;
	for (unsigned int i = 0; i < count; i++) {
		int error = read_store(store, iov_path("%s/dev-%u", backend, i).name, value);

		if (error && error != -ENOENT)
			return false;
		if (!error)
			guard_found(scan, chain, value);
	}
	return true;
}

static void visit_backend(struct guard_scan *scan, struct guard_chain *chain, const char *directory, const char *name)
{
	_cleanup_fd_ int store = -1;
	char holder[160], value[VALUE_SIZE];
	unsigned int domain, number;

	(void)directory;
	if (sscanf(name, "pci-%u-%u", &domain, &number) != 2)
		return;
	store = connect_store(scan->iov);
	snprintf(holder, sizeof(holder), "domain %u of Xen", domain);
	if (!read_store(store, iov_path("/local/domain/%u/name", domain).name, value))
		snprintf(holder, sizeof(holder), "domain %u of Xen (%.100s)", domain, value);
	chain->holder = holder;
	if (hold_told(scan, chain, store, iov_path("/local/domain/0/backend/pci/%u/%u", domain, number).name))
		return;
	snprintf(holder, sizeof(holder), "domain %u of Xen or nobody: /" IOV_PATH_XENSTORE " does not tell", domain);
	guard_for_each_name(scan, chain, IOV_PATH_PCI_DRIVERS "/pciback", hold_any);
}

static void scan(struct guard_scan *scan)
{
	struct guard_chain chain = { .guard = &xen };

	guard_for_each_name(scan, &chain, IOV_PATH_XEN_BACKENDS, visit_backend);
}

const struct guard_kind scan_xen = {
	.guards = (const struct guard *const[]){ &xen, NULL },
	.scan = scan,
};
