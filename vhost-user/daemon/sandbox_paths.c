// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Theory of operation.  Landlock takes the rights that a ruleset handles away from
 * the thread everywhere but beneath the paths of its rules.  It says nothing of
 * descriptors that are open already or come from a front end, nor of connecting to
 * a Unix socket, nor of owner and mode of files.
 *
 * Which rights there are depends on the kernel; what it does not know stays allowed.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <linux/landlock.h>
#include <mntent.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <syslog.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/sysroot/paths.h"
#include "vhost-user/daemon/sandbox.h"

/* From later kernels than some headers. */
#define ACCESS_TRUNCATE (UINT64_C(1) << 14)
#define ACCESS_IOCTL_DEV (UINT64_C(1) << 15)
#define NET_BIND_TCP (UINT64_C(1) << 0)
#define NET_CONNECT_TCP (UINT64_C(1) << 1)
#define RULE_NET_PORT 2
#define SCOPE_SIGNAL (UINT64_C(1) << 1)

struct net_port_attr {
	uint64_t allowed_access;
	uint64_t port;
};

struct ruleset_attr {
	uint64_t handled_access_fs;
	uint64_t handled_access_net;
	uint64_t scoped;
};

#define READ (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define DEVICE (READ | LANDLOCK_ACCESS_FS_WRITE_FILE | ACCESS_IOCTL_DEV)
#define SOCKETS                                                                                    \
	(LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_REMOVE_FILE)
#define FILES                                                                                      \
	(READ | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG |                      \
	 LANDLOCK_ACCESS_FS_REMOVE_FILE | ACCESS_TRUNCATE)

/* Rights that make no sense on something that is no directory. */
#define OF_FILES (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | \
		  ACCESS_TRUNCATE | ACCESS_IOCTL_DEV)

/**
 * struct ruleset - rules that are being made
 * @iov: context
 * @fd: the ruleset
 * @handled: rights that the kernel knows
 * @abi: version of Landlock
 */
struct ruleset {
	struct iov *iov;
	int fd;
	uint64_t handled;
	int abi;
};

/* What every iovd needs; what a host does not have is passed over. */
static const struct {
	const char *path;
	uint64_t access;
} usual[] = {
	/* DPDK: topology, PCI functions, its drivers, which are libraries */
	{ "/" IOV_PATH_SYS, READ },
	{ "/" IOV_PATH_PROC_SELF, READ },
	{ "/" IOV_PATH_MEMINFO, READ },
	{ "/" IOV_PATH_CPUINFO, READ },
	{ "/" IOV_PATH_BOOT_ID, READ },
	/* Disks: who has the lock of one, and whether memory can get elsewhere */
	{ "/" IOV_PATH_LOCKS, READ },
	{ "/" IOV_PATH_SWAPS, READ },
	{ "/usr", READ },
	{ "/lib", READ },
	{ "/lib64", READ },
	{ "/etc/ld.so.cache", READ },
	{ "/etc/localtime", READ },
	/* DPDK makes a directory there although it keeps nothing in it */
	{ "/run", LANDLOCK_ACCESS_FS_MAKE_DIR },
	{ "/tmp", LANDLOCK_ACCESS_FS_MAKE_DIR },
	/* Uplinks */
	{ "/" IOV_PATH_DEV_VFIO, DEVICE },
	{ "/" IOV_PATH_DEV_IOMMU, DEVICE },
	{ "/" IOV_PATH_DEV_TUN, DEVICE },
	{ "/" IOV_PATH_DEV_VHOST_NET, DEVICE },
	{ "/" IOV_PATH_DEV_NULL, DEVICE },
	{ "/" IOV_PATH_DEV_URANDOM, READ },
};

static uint64_t rights_of(int abi)
{
	uint64_t rights = (UINT64_C(1) << 13) - 1; /* the first version's */

	if (abi >= 2)
		rights |= LANDLOCK_ACCESS_FS_REFER;
	if (abi >= 3)
		rights |= ACCESS_TRUNCATE;
	if (abi >= 5)
		rights |= ACCESS_IOCTL_DEV;
	return rights;
}

static int create(struct ruleset *ruleset)
{
	const int abi = ruleset->abi;
	struct ruleset_attr attr = { .handled_access_fs = rights_of(abi) };
	size_t size = offsetof(struct ruleset_attr, handled_access_net);

	if (abi >= 4) {
		attr.handled_access_net = NET_BIND_TCP | NET_CONNECT_TCP;
		size = offsetof(struct ruleset_attr, scoped);
	}
	if (abi >= 6) {
		attr.scoped = SCOPE_SIGNAL;
		size = sizeof(attr);
	}
	ruleset->handled = attr.handled_access_fs;
	ruleset->fd = (int)syscall(SYS_landlock_create_ruleset, &attr, size, 0);
	return ruleset->fd < 0 ? -errno : 0;
}

static int add(const struct ruleset *ruleset, const char *path, uint64_t access)
{
	_cleanup_fd_ int fd = open(path, O_PATH | O_CLOEXEC);
	struct landlock_path_beneath_attr rule = { .parent_fd = fd };
	struct stat status;

	if (fd < 0 || fstat(fd, &status))
		return -errno;
	if (!S_ISDIR(status.st_mode))
		access &= OF_FILES;
	rule.allowed_access = access & ruleset->handled;
	if (!rule.allowed_access)
		return 0;
	return syscall(SYS_landlock_add_rule, ruleset->fd, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) ?
		       -errno : 0;
}

static int add_wanted(const struct ruleset *ruleset, const char *path, uint64_t access)
{
	int error = add(ruleset, path, access);

	return error ? iov_told(ruleset->iov, error, "%s: %s; iovd needs that directory for a socket, "
				"its state, or as --allow says", path, strerror(-error)) : 0;
}

/* The directory that a socket or a file is made in. */
static int add_parent(const struct ruleset *ruleset, const char *path, uint64_t access)
{
	char copy[4096];

	if (snprintf(copy, sizeof(copy), "%s", path) >= (int)sizeof(copy))
		return iov_fail(ruleset->iov, -ENAMETOOLONG, "%s: the path is too long", path);
	return add_wanted(ruleset, dirname(copy), access);
}

static int add_usual(const struct ruleset *ruleset)
{
	for (size_t i = 0; i < sizeof(usual) / sizeof(*usual); i++) {
		int error = add(ruleset, usual[i].path, usual[i].access);

		if (error && error != -ENOENT)
			return iov_told(ruleset->iov, error, "%s: %s", usual[i].path,
					strerror(-error));
	}
	return 0;
}

/* DPDK opens and locks the directories of huge pages, also when it keeps no file there. */
static int add_huge_pages(const struct ruleset *ruleset)
{
	FILE *mounts = setmntent("/" IOV_PATH_PROC_SELF "/mounts", "r");
	const struct mntent *mount;
	int error = 0;

	while (mounts && !error && (mount = getmntent(mounts)))
		if (!strcmp(mount->mnt_type, "hugetlbfs"))
			error = add_wanted(ruleset, mount->mnt_dir, FILES);
	if (mounts)
		endmntent(mounts);
	return error;
}

static int add_options(const struct ruleset *ruleset, const struct sandbox_options *options)
{
	int error = 0;

	for (size_t i = 0; !error && i < SANDBOX_SOCKETS_MAX && options->sockets[i]; i++)
		error = add_parent(ruleset, options->sockets[i], SOCKETS);
	if (!error && options->state)
		error = add_parent(ruleset, options->state, FILES);
	if (!error && options->disk)
		error = add_wanted(ruleset, options->disk, DEVICE | ACCESS_TRUNCATE);
	for (size_t i = 0; !error && i < options->allow_count; i++)
		error = add_wanted(ruleset, options->allow[i], SOCKETS | FILES | ACCESS_IOCTL_DEV);
	if (!error && !options->allow_count)
		error = add_wanted(ruleset, "/run", SOCKETS);
	if (!error && !options->allow_count)
		error = add_wanted(ruleset, "/tmp", SOCKETS);
	return error;
}

static int add_nbd_ports(const struct ruleset *ruleset, const struct sandbox_options *options)
{
	int error = 0;

	for (size_t i = 0; !error && ruleset->abi >= 4 && i < options->nbd_port_count; i++) {
		const struct net_port_attr rule = { NET_CONNECT_TCP, options->nbd_ports[i] };

		if (syscall(SYS_landlock_add_rule, ruleset->fd, RULE_NET_PORT, &rule, 0))
			error = iov_told(ruleset->iov, -errno, "--nbd-port %d: %s",
					 options->nbd_ports[i], strerror(errno));
	}
	return error;
}

static int restrict_self(struct ruleset *ruleset, const struct sandbox_options *options)
{
	int error = add_usual(ruleset);

	if (!error)
		error = add_huge_pages(ruleset);
	if (!error)
		error = add_options(ruleset, options);
	if (!error)
		error = add_nbd_ports(ruleset, options);
	if (!error && syscall(SYS_landlock_restrict_self, ruleset->fd, 0))
		error = iov_told(ruleset->iov, -errno, "cannot give up paths: %s", strerror(errno));
	return error;
}

int sandbox_paths(struct iov *iov, const struct sandbox_options *options)
{
	int abi = (int)syscall(SYS_landlock_create_ruleset, NULL, 0,
			       LANDLOCK_CREATE_RULESET_VERSION);
	struct ruleset ruleset = { .iov = iov, .fd = -1, .abi = abi };
	int error;

	if (abi < 0) {
		iov_log(iov, LOG_NOTICE, "the kernel has no Landlock: iovd keeps its access to files");
		return 0;
	}
	error = create(&ruleset);
	if (error)
		return iov_told(iov, error, "cannot give up paths: %s", strerror(-error));
	error = restrict_self(&ruleset, options);
	close(ruleset.fd);
	return error;
}
