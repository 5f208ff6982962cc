// SPDX-License-Identifier: GPL-2.0-or-later
/* The guard "vfio-open": processes that drive hardware through VFIO. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/guard_scan.h"
#include "base/paths.h"

/* The part after "vfio/"; a mount namespace may have another directory before it. */
static const char *vfio_node(const char *target)
{
	const char *node = strstr(target, "vfio/");

	if (!node || (node != target && node[-1] != '/') || target[0] != '/')
		return NULL;
	node += strlen("vfio/");
	return strcmp(node, "vfio") ? node : NULL;
}

static void note_process(struct guard_scan *scan, const char *pid, const char *target,
			 const char *node)
{
	char name[64] = "?", holder[128];
	struct guard_chain chain = {
		.guard = "vfio-open",
		.holder = holder,
		.names = { target },
		.count = 1,
	};

	iov_sys_read(scan->iov, iov_path(IOV_PATH_PROC "/%s/comm", pid).name, name, sizeof(name));
	snprintf(holder, sizeof(holder), "pid %s (%s)", pid, name);
	guard_found(scan, &chain, "node", node);
}

/* One finding per node, however often the process has it open. */
static void scan_process(struct guard_scan *scan, const char *pid)
{
	char target[IOV_PATH_MAX], seen[IOV_PATH_MAX] = "";
	char **fds;
	size_t count;

	if (iov_sys_list(scan->iov, iov_path(IOV_PATH_PROC "/%s/fd", pid).name, &fds, &count))
		return;
	for (size_t i = 0; i < count; i++) {
		const char *node;

		if (iov_sys_link(scan->iov, iov_path(IOV_PATH_PROC "/%s/fd/%s", pid, fds[i]).name,
				 target, sizeof(target)))
			continue;
		node = vfio_node(target);
		if (node && strcmp(node, seen)) {
			note_process(scan, pid, target, node);
			strcpy(seen, node);
		}
	}
	iov_names_free(fds, count);
}

/* Walking all processes is slow; without a node beside the container none is open. */
static bool has_nodes(struct iov *iov)
{
	char **names;
	size_t count;
	bool found = false;

	if (iov_sys_list(iov, IOV_PATH_DEV_VFIO, &names, &count))
		return false;
	for (size_t i = 0; i < count; i++)
		found |= strcmp(names[i], "vfio") != 0;
	iov_names_free(names, count);
	return found;
}

int guard_scan_vfio(struct guard_scan *scan)
{
	char **names;
	size_t count;

	if (!has_nodes(scan->iov) || iov_sys_list(scan->iov, IOV_PATH_PROC, &names, &count))
		return 0;
	for (size_t i = 0; i < count; i++) {
		if (isdigit((unsigned char)names[i][0]))
			scan_process(scan, names[i]);
	}
	iov_names_free(names, count);
	return 0;
}
