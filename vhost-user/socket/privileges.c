// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhost-user/socket/privileges.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <syslog.h>
#include <unistd.h>

/* Open files: five for each of 256 ports, rings aside. */
#define FILES 65536

static void raise_limit(struct iov *iov, int resource, rlim_t wanted, const char *what)
{
	struct rlimit limit;

	if (getrlimit(resource, &limit))
		return;
	if (limit.rlim_max < wanted) {
		struct rlimit more = { wanted, wanted };

		if (!setrlimit(resource, &more))
			return;
	}
	limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
	if (setrlimit(resource, &limit))
		iov_log(iov, LOG_NOTICE, "the limit on %s stays: %s", what, strerror(errno));
}

void privileges_prepare(struct iov *iov)
{
	raise_limit(iov, RLIMIT_MEMLOCK, RLIM_INFINITY, "locked memory");
	raise_limit(iov, RLIMIT_NOFILE, FILES, "open files");
}

int privileges_keep(uint64_t kept)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &header, data))
		return -errno;
	for (unsigned int i = 0; i < 2; i++, kept >>= 32) {
		data[i].permitted &= (uint32_t)kept;
		data[i].effective = data[i].permitted;
		data[i].inheritable = 0;
	}
	return syscall(SYS_capset, &header, data) ? -errno : 0;
}

/* Virtual devices make interfaces (tap) and packet sockets when a port is added. */
static int keep_capabilities(struct iov *iov, bool bpf)
{
	uint64_t kept = UINT64_C(1) << CAP_NET_ADMIN | UINT64_C(1) << CAP_NET_RAW |
			UINT64_C(1) << CAP_IPC_LOCK | UINT64_C(1) << CAP_DAC_OVERRIDE;
	/* libxdp asks which program an interface has, which is the second one's to know. */
	int error = privileges_keep(kept | (uint64_t)bpf << CAP_BPF | (uint64_t)bpf << CAP_SYS_ADMIN);

	return error ? iov_told(iov, error, "cannot drop capabilities: %s", strerror(-error)) : 0;
}

bool privileges_has(int capability)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	return !syscall(SYS_capget, &header, data) &&
	       data[capability / 32].effective & 1u << capability % 32;
}

static int become(struct iov *iov, const char *user)
{
	const struct passwd *entry;

	errno = 0;
	entry = getpwnam(user);
	if (!entry)
		return iov_fail(iov, errno ? -errno : -ENOENT, "--user %s: no such user", user);
	if (initgroups(user, entry->pw_gid) || setresgid(entry->pw_gid, entry->pw_gid, entry->pw_gid) ||
	    setresuid(entry->pw_uid, entry->pw_uid, entry->pw_uid))
		return iov_told(iov, -errno, "--user %s: cannot become that user: %s", user,
				strerror(errno));
	return 0;
}

int privileges_drop(struct iov *iov, const char *user, bool bpf)
{
	int error = user ? become(iov, user) : keep_capabilities(iov, bpf);

	if (!error && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		error = iov_told(iov, -errno, "cannot give up new privileges: %s", strerror(errno));
	return error;
}
