// SPDX-License-Identifier: GPL-2.0-or-later
/* The guard "target": what the kernel itself serves to other hosts, as configfs has it. */
#include <stdio.h>
#include <string.h>

#include "base/guard/scans.h"
#include "base/guard/walk_block.h"
#include "base/guard/walk_device.h"
#include "base/sysroot/paths.h"

#define MEANING "the kernel exports its disk or controller, as an NVMe or SCSI target"

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
	guard_block_of_node(scan->iov, node, name, sizeof(name));
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

static void scan(struct guard_scan *scan)
{
	struct guard_chain chain = { 0 };

	guard_for_each_name(scan, &chain, IOV_PATH_NVMET, visit_subsystem);
	guard_for_each_name(scan, &chain, IOV_PATH_TARGET, visit_kind);
}

const struct guard_kind scan_export = {
	.guards = (const struct guard *const[]){ &target, NULL },
	.scan = scan,
};
