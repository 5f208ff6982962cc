// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The way from a device down to hardware.  Most devices are below the function that they are
 * of.  Those that the kernel calls virtual are below none: they stand on an interface, as
 * the node of a macvtap does, on block devices or the controllers of an NVMe subsystem, or
 * are RDMA over an interface, flash memory, a controller on another host, or what a driver made
 * without saying of what; or they stand on nothing, as /dev/kvm.  A watchdog may be below a platform device that its driver made.
 */
#include "base/guard/walk_device.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/cleanup.h"
#include "base/guard/walk_block.h"
#include "base/guard/walk_driver.h"
#include "base/guard/walk_flash.h"
#include "base/guard/walk_interface.h"
#include "base/guard/walk_memory.h"
#include "base/guard/walk_remote.h"
#include "base/guard/walk_watchdog.h"
#include "base/sysroot/paths.h"

#define DEV "/" IOV_PATH_DEV "/"

static struct iov_path node_path(const char *number, const char *attribute)
{
	return iov_path(IOV_PATH_DEV_CHAR "/%s%s", number, attribute);
}

/* DEVNAME of a uevent: "dri/renderD128" */
static bool read_devname(struct guard_scan *scan, const char *number, char *name, size_t size)
{
	char text[1024];
	const char *line;

	if (iov_sys_read(scan->iov, node_path(number, "/uevent").name, text, sizeof(text)))
		return false;
	line = strstr(text, "DEVNAME=");
	if (!line)
		return false;
	line += strlen("DEVNAME=");
	snprintf(name, size, "%.*s", (int)strcspn(line, "\n"), line);
	return true;
}

void guard_node_by_number(struct guard_scan *scan, const char *number, struct guard_node *node)
{
	*node = (struct guard_node){ 0 };
	snprintf(node->number, sizeof(node->number), "%s", number);
	if (!*number || !guard_read_link(scan, node_path(number, "").name, node->target))
		return;
	read_devname(scan, number, node->name, sizeof(node->name));
	iov_sys_link_name(scan->iov, node_path(number, "/subsystem").name, node->class,
			  sizeof(node->class));
}

bool guard_number_of_name(struct guard_scan *scan, const char *name, char *number, size_t size)
{
	char found[64];
	bool matches = false;
	char **names;
	size_t count;
	int error = iov_sys_list(scan->iov, IOV_PATH_DEV_CHAR, &names, &count);

	guard_failed(scan, error, "/" IOV_PATH_DEV_CHAR);
	if (error)
		return false;
	for (size_t i = 0; !matches && i < count; i++) {
		matches = read_devname(scan, names[i], found, sizeof(found)) &&
			  !strcmp(found, name);
		if (matches)
			snprintf(number, size, "%s", names[i]);
	}
	iov_names_free(names, count);
	return matches;
}

/* By the number, which is right whatever the name; a recorded tree has no more than that. */
void guard_node_by_path(struct guard_scan *scan, const char *path, struct guard_node *node)
{
	_cleanup_fd_ int fd = iov_sys_open(scan->iov, path, O_PATH);
	char number[sizeof(node->number)] = "";
	struct stat status;

	if (fd >= 0 && !fstat(fd, &status) && S_ISCHR(status.st_mode))
		snprintf(number, sizeof(number), "%u:%u", major(status.st_rdev),
			 minor(status.st_rdev));
	else if (!strncmp(path, DEV, strlen(DEV)))
		guard_number_of_name(scan, path + strlen(DEV), number, sizeof(number));
	guard_node_by_number(scan, number, node);
}

/* Interfaces that an RDMA device without hardware of its own, as rxe0, runs over. */
static void visit_port(struct guard_scan *scan, struct guard_chain *chain, const char *directory,
		       const char *port)
{
	char interface[GUARD_INTERFACE_SIZE];

	if (!iov_sys_read(scan->iov, iov_path("%s/%s/gid_attrs/ndevs/0", directory, port).name,
			  interface, sizeof(interface)))
		guard_walk_interface(scan, chain, interface);
}

static void walk_rdma(struct guard_scan *scan, struct guard_chain *chain, const char *name)
{
	char device[64];

	if (!iov_sys_read(scan->iov, iov_path(IOV_PATH_CLASS "/infiniband_verbs/%s/ibdev",
					      name).name, device, sizeof(device)))
		guard_for_each_name(scan, chain,
				    iov_path(IOV_PATH_CLASS "/infiniband/%s/ports", device).name,
				    visit_port);
}

static void visit_link(struct guard_scan *scan, struct guard_chain *chain, const char *directory,
		       const char *name)
{
	if (!strncmp(name, "virtio", strlen("virtio")))
		guard_walk_link(scan, chain, iov_path("%s/%s", directory, name).name);
}

/* Of a console of a hypervisor, "hvc0", the kernel does not tell which of virtio's it is. */
static void walk_terminal(struct guard_scan *scan, struct guard_chain *chain, const char *target)
{
	char hypervisor[16] = "";

	iov_sys_read(scan->iov, IOV_PATH_HYPERVISOR, hypervisor, sizeof(hypervisor));
	if (strstr(target, "/virtual/tty/hvc") && strcmp(hypervisor, "xen"))
		guard_for_each_name(scan, chain, IOV_PATH_VIRTIO_DRIVERS "/virtio_console",
				    visit_link);
}

/* What a component of the way to a virtual device, "net/macvtap0", stands on. */
static const struct {
	const char *class;
	void (*walk)(struct guard_scan *scan, struct guard_chain *chain, const char *name);
} carriers[] = {
	{ "/virtual/net/", guard_walk_interface },
	{ "/virtual/block/", guard_walk_block },
	{ "/virtual/nvme-subsystem/", guard_walk_subsystem },
	{ "/virtual/infiniband_verbs/", walk_rdma },
	{ "/virtual/watchdog/", guard_walk_watchdog },
	{ "/virtual/misc/watchdog", guard_walk_watchdog },
	{ "/virtual/misc/", guard_walk_misc },
	{ "/virtual/ubi/", guard_walk_ubi },
};

static void walk_virtual(struct guard_scan *scan, struct guard_chain *chain, const char *target)
{
	for (size_t i = 0; i < sizeof(carriers) / sizeof(*carriers); i++) {
		const char *name = strstr(target, carriers[i].class);

		if (!name)
			continue;
		name += strlen(carriers[i].class);
		carriers[i].walk(scan, chain,
				 iov_path("%.*s", (int)strcspn(name, "/"), name).name);
	}
	walk_terminal(scan, chain, target);
	if (strstr(target, "/virtual/nvme-fabrics/"))
		guard_walk_remote(scan, chain, target);
}

void guard_walk_device(struct guard_scan *scan, struct guard_chain *chain, const char *target)
{
	if (strstr(target, "/virtual/")) {
		if (guard_is_asked(scan, target))
			guard_found(scan, chain, target);
		walk_virtual(scan, chain, target);
		return;
	}
	guard_walk_hardware(scan, chain, target);
	guard_walk_remote(scan, chain, target);
	guard_walk_platform_watchdog(scan, chain, target);
}

void guard_walk_link(struct guard_scan *scan, struct guard_chain *chain, const char *path)
{
	char target[IOV_PATH_MAX];

	if (guard_read_link(scan, path, target))
		guard_walk_device(scan, chain, target);
}
