// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The guard "target": what the kernel itself serves to other hosts, as configfs has it, and the ports by
 * which it does.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/guard/scans.h"
#include "base/guard/walk_block.h"
#include "base/guard/walk_device.h"
#include "base/guard/walk_remote.h"
#include "base/sysroot/paths.h"

#define MEANING "the kernel exports its disk or controller, or by its port, as an NVMe or SCSI target"

/* One guard; but what SCSI has is claimed, and NVMe lets others have it as well. */
static const struct guard target = { "target", MEANING };
static const struct guard claiming_target = { "target", MEANING, true };

/* A disk that is exported under a name; a file speaks by its mount. */
static void hold_disk(struct guard_scan *scan, const struct guard *guard, const char *holder,
		      const char *attribute)
{
	struct guard_chain chain = { .guard = guard, .holder = holder };
	char node[IOV_PATH_MAX], name[64];
	int error = iov_sys_read(scan->iov, attribute, node, sizeof(node));

	guard_unseen(scan, error, iov_path("/%s", attribute).name);
	if (error || strncmp(node, "/" IOV_PATH_DEV "/", sizeof(IOV_PATH_DEV) + 1))
		return;
	iov_sys_block(scan->iov, node, name, sizeof(name));
	guard_walk_block(scan, &chain, name);
}

/* "/sys/kernel/config/nvmet/subsystems/NQN/namespaces/1" */
static void visit_namespace(struct guard_scan *scan, struct guard_chain *chain,
			    const char *directory, const char *name)
{
	struct iov_path path = iov_path("%s/%s", directory, name);
	int64_t enabled;

	if (iov_sys_read_number(scan->iov, iov_path("%s/enable", path.name).name, &enabled) ||
	    !enabled)
		return;
	hold_disk(scan, &target,
		  iov_path("namespace %s of the NVMe target %s", name, chain->holder).name,
		  iov_path("%s/device_path", path.name).name);
}

/* A controller that is exported as it is, under the name of its node: "/dev/nvme0" */
static void hold_controller(struct guard_scan *scan, const char *holder, const char *attribute)
{
	char path[IOV_PATH_MAX];
	struct guard_chain chain = {
		.guard = &target, .holder = holder, .names = { path }, .count = 1,
	};
	struct guard_node node;
	int error = iov_sys_read(scan->iov, attribute, path, sizeof(path));

	guard_unseen(scan, error, iov_path("/%s", attribute).name);
	if (error)
		return;
	guard_node_by_path(scan, path, &node);
	if (node.target[0]) {
		guard_walk_device(scan, &chain, node.target);
		guard_found_namespaces(scan, &chain, node.target);
	}
}

/* "/sys/kernel/config/nvmet/subsystems/NQN/passthru" */
static void scan_passthru(struct guard_scan *scan, const char *directory, const char *subsystem)
{
	struct iov_path path = iov_path("%s/%s/passthru", directory, subsystem);
	int64_t enabled;

	if (!iov_sys_read_number(scan->iov, iov_path("%s/enable", path.name).name, &enabled) &&
	    enabled)
		hold_controller(scan, iov_path("the NVMe target %s", subsystem).name,
				iov_path("%s/device_path", path.name).name);
}

static void visit_subsystem(struct guard_scan *scan, struct guard_chain *chain,
			    const char *directory, const char *name)
{
	scan_passthru(scan, directory, name);
	chain->holder = name;
	guard_for_each_name(scan, chain, iov_path("%s/%s/namespaces", directory, name).name,
			    visit_namespace);
}

/* "/sys/kernel/config/target/core/iblock_0/backup" */
static void visit_backstore(struct guard_scan *scan, struct guard_chain *chain,
			    const char *directory, const char *name)
{
	struct iov_path path = iov_path("%s/%s/udev_path", directory, name);

	(void)chain;
	/* Beside the backstores are attributes of their kind. */
	if (iov_sys_exists(scan->iov, path.name))
		hold_disk(scan, &claiming_target, iov_path("SCSI target %s", name).name, path.name);
}

static void visit_kind(struct guard_scan *scan, struct guard_chain *chain, const char *directory,
		       const char *name)
{
	guard_for_each_name(scan, chain, iov_path("%s/%s", directory, name).name,
			    visit_backstore);
}

/* "/sys/kernel/config/nvmet/ports/1", by which the subsystems that are linked there are reached */
static void visit_port(struct guard_scan *scan, struct guard_chain *chain, const char *directory,
		       const char *name)
{
	struct iov_path port = iov_path("%s/%s", directory, name);
	char holder[64], address[128], **names;
	size_t count;
	int error = iov_sys_list(scan->iov, iov_path("%s/subsystems", port.name).name, &names, &count);

	guard_failed(scan, error, iov_path("/%s/subsystems", port.name).name);
	if (error)
		return;
	iov_names_free(names, count);
	if (!count || iov_sys_read(scan->iov, iov_path("%s/addr_traddr", port.name).name, address,
				   sizeof(address)))
		return;
	snprintf(holder, sizeof(holder), "port %s of NVMe targets", name);
	chain->holder = holder;
	if (strstr(address, ":pn-"))
		guard_walk_port(scan, chain, strstr(address, ":pn-") + strlen(":pn-"));
	else
		guard_walk_own(scan, chain, address);
}

/* Among directories of SCSI targets are files that tell of them. */
static void for_each_directory(struct guard_scan *scan, struct guard_chain *chain,
			       const char *directory, guard_visit_fn *visit)
{
	char **names;
	size_t count;
	int error = iov_sys_list(scan->iov, directory, &names, &count);

	guard_failed(scan, error == -ENOTDIR ? 0 : error, iov_path("/%s", directory).name);
	if (error)
		return;
	for (size_t i = 0; i < count; i++)
		visit(scan, chain, directory, names[i]);
	iov_names_free(names, count);
}

/* "192.0.2.1:3260", "[2001:db8::1]:3260" */
static void visit_portal(struct guard_scan *scan, struct guard_chain *chain, const char *directory,
			 const char *name)
{
	const char *first = name + (*name == '['), *last = strrchr(name, ':');

	(void)directory;
	if (last)
		guard_walk_own(scan, chain, iov_path("%.*s", (int)(last - (*name == '[') - first),
						     first).name);
}

/* A group of portals that is on, "tpgt_1", of the target chain->names[0] */
static void visit_portals(struct guard_scan *scan, struct guard_chain *chain, const char *directory,
			  const char *name)
{
	struct iov_path group = iov_path("%s/%s", directory, name);
	char holder[256];
	int64_t enabled;

	if (strncmp(name, "tpgt_", strlen("tpgt_")) ||
	    iov_sys_read_number(scan->iov, iov_path("%s/enable", group.name).name, &enabled) || !enabled)
		return;
	snprintf(holder, sizeof(holder), "the SCSI target %s", chain->names[0]);
	chain->holder = holder;
	guard_walk_port(scan, chain, chain->names[0]);
	for_each_directory(scan, chain, iov_path("%s/np", group.name).name, visit_portal);
}

/* "/sys/kernel/config/target/iscsi/iqn...", ".../qla2xxx/21:00:00:24:ff:31:4c:48" */
static void visit_target(struct guard_scan *scan, struct guard_chain *chain, const char *directory,
			 const char *name)
{
	chain->names[0] = name;
	chain->count = 1;
	for_each_directory(scan, chain, iov_path("%s/%s", directory, name).name, visit_portals);
}

static void visit_fabric(struct guard_scan *scan, struct guard_chain *chain, const char *directory,
			 const char *name)
{
	if (strcmp(name, "core"))
		for_each_directory(scan, chain, iov_path("%s/%s", directory, name).name, visit_target);
}

static void scan(struct guard_scan *scan)
{
	struct guard_chain chain = { 0 }, ports = { .guard = &target };

	guard_for_each_name(scan, &chain, IOV_PATH_NVMET, visit_subsystem);
	guard_for_each_name(scan, &chain, IOV_PATH_TARGET, visit_kind);
	guard_for_each_name(scan, &ports, IOV_PATH_NVMET_PORTS, visit_port);
	for_each_directory(scan, &ports, IOV_PATH_TARGETS, visit_fabric);
}

const struct guard_kind scan_export = {
	.guards = (const struct guard *const[]){ &target, NULL },
	.scan = scan,
};
