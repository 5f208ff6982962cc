// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Theory of operation.  A system call is one of three:
 *
 *  - in the table below: it is carried out;
 *  - one that neither iovd nor a library of it makes, and that who took iovd over
 *    would make first: the process is killed, and the kernel logs why;
 *  - any other: it fails with ENOSYS, as it would in an older kernel.  A library
 *    that was updated and found a new call goes back to the one that it made before,
 *    where a kill would end the traffic of every guest.
 *
 * Nothing changes modes by a path: chmod() is beyond what Landlock confines, so sockets
 * get theirs when they are bound.  Changing owners is left to who owns the file and to
 * owner_helper.c.
 *
 * What decides by an argument is in the functions behind the table.  Names that are
 * no system call of this architecture are passed over.
 */
#include <errno.h>
#include <linux/blkzoned.h>
#include <linux/if_tun.h>
#include <linux/io_uring.h>
#include <linux/prctl.h>
#include <linux/userfaultfd.h>
#include <sched.h>
#include <seccomp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "vhost-user/compiler.h"
#include "vhost-user/daemon/sandbox.h"

/* PR_SET_VMA: the allocator names its memory. */
#define SET_VMA 0x53564d41

/* clang-format off */
static const char *const allowed[] = {
	/* The worker: polls, sleeps on kicks, calls guests */
	"write", "epoll_pwait2", "epoll_pwait", "epoll_wait", "futex", "futex_wait", "futex_wake",
	"futex_waitv", "sched_yield", "clock_gettime", "clock_nanosleep", "nanosleep",
	"io_setup", "io_submit", "io_getevents",

	/* Disks; by rings that were made before and can do little: see blk/uring.h */
	"io_uring_enter", "preadv", "pwritev",

	/* The event loop: sockets, timers, signals, passed descriptors */
	"accept", "accept4", "bind", "connect", "listen", "shutdown", "recvfrom", "recvmsg",
	"recvmmsg", "sendto", "sendmsg", "sendmmsg", "getsockopt", "setsockopt", "getsockname",
	"getpeername", "epoll_create", "epoll_create1", "epoll_ctl", "eventfd2", "timerfd_create",
	"timerfd_settime", "timerfd_gettime", "signalfd4", "pipe2", "poll", "ppoll", "select",
	"pselect6", "dup", "dup3", "close", "close_range", "fcntl", "read", "readv", "writev",
	"pread64", "pwrite64", "lseek",

	/* Sockets and the state file as files */
	"openat", "openat2", "open", "access", "faccessat", "faccessat2", "stat", "lstat", "fstat",
	"newfstatat", "statx", "fstatfs", "statfs", "readlink", "readlinkat", "getdents64", "getcwd",
	"fchmod", "chown", "lchown", "fchownat", "umask", "unlink", "unlinkat",
	"rename", "renameat", "renameat2", "mkdir", "mkdirat", "fsync", "fdatasync", "flock",

	/* Guest memory and memory of our own, the huge pages of DPDK; mmap and mprotect are below */
	"munmap", "mremap", "madvise", "brk", "mlock", "mlock2", "munlock", "msync", "mincore",
	"memfd_create", "ftruncate", "fallocate", "mbind", "get_mempolicy", "set_mempolicy",
	"move_pages", "membarrier",

	/* Threads, which DPDK's drivers start; clone is below */
	"set_robust_list", "get_robust_list", "rseq", "set_tid_address", "gettid", "getpid", "exit",
	"exit_group", "sched_getaffinity", "sched_setaffinity", "sched_getparam",
	"sched_getscheduler", "sched_setscheduler", "sched_get_priority_max",
	"sched_get_priority_min", "getcpu", "arch_prctl",

	/* Signals: memory that a guest took away, the end */
	"rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "rt_sigtimedwait", "rt_sigpending",
	"sigaltstack", "restart_syscall",

	/* What libraries ask about the process and the host */
	"getuid", "geteuid", "getgid", "getegid", "getgroups", "getresuid", "getresgid", "getppid",
	"capget", "prlimit64", "getrlimit", "getrusage", "times", "gettimeofday", "time",
	"clock_getres", "sysinfo", "uname", "getrandom",

#ifdef WITH_ADDRESS_SANITIZER
	/* The sanitizer looks for leaks from a process that traces this one */
	"clone", "getdents", "ptrace", "wait4", "kill", "tgkill", "process_vm_readv", "prctl",
#endif
	NULL
};

/* Nobody here makes them: who does is not iovd any more. */
static const char *const deadly[] = {
	"execve", "execveat", "fork", "vfork", "process_vm_writev", "pidfd_getfd", "open_by_handle_at",
	"mount", "umount2", "pivot_root", "chroot", "move_mount", "open_tree", "fsopen", "fsmount",
	"setns", "unshare", "init_module", "finit_module", "delete_module", "kexec_load",
	"kexec_file_load", "perf_event_open", "add_key", "request_key", "keyctl",
	"setuid", "setgid", "setreuid", "setregid", "setresuid", "setresgid", "setgroups", "capset",
	"reboot", "swapon", "swapoff", "acct", "settimeofday", "clock_settime", "adjtimex",
#ifndef WITH_ADDRESS_SANITIZER
	"ptrace", "process_vm_readv",
#endif
	NULL
};
/* clang-format on */

/* What a device is asked: the whole of a driver's number space, or single requests. */
static const unsigned int ioctl_types[] = {
	';' << 8,	/* VFIO and IOMMUFD */
	0x89 << 8,	/* network interfaces */
	0xaf << 8,	/* vhost of the kernel, for net_virtio_user */
};

static const unsigned long ioctl_requests[] = {
	TUNSETIFF, TUNGETIFF, TUNGETFEATURES, TUNSETOFFLOAD, TUNSETVNETHDRSZ, TUNGETVNETHDRSZ,
	TUNSETQUEUE, TUNSETPERSIST, TUNSETSNDBUF, FIONBIO, FIONREAD,
	BLKREPORTZONE, BLKRESETZONE, BLKOPENZONE, BLKCLOSEZONE, BLKFINISHZONE, BLKGETZONESZ,
	BLKGETNRZONES, TCGETS, /* whether the log is a terminal */
};

const char *sandbox_call_name(size_t index)
{
	return index < sizeof(allowed) / sizeof(*allowed) ? allowed[index] : NULL;
}

static int add_all(scmp_filter_ctx filter, uint32_t action, const char *const *names)
{
	int error = 0;

	for (; *names && !error; names++) {
		int number = seccomp_syscall_resolve_name(*names);

		if (number >= 0)
			error = seccomp_rule_add(filter, action, number, 0);
	}
	return error;
}

static int add_ioctl(scmp_filter_ctx filter)
{
	int error = 0;

	for (size_t i = 0; !error && i < sizeof(ioctl_types) / sizeof(*ioctl_types); i++)
		error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
					 SCMP_A1(SCMP_CMP_MASKED_EQ, 0xff00, ioctl_types[i]));
	for (size_t i = 0; !error && i < sizeof(ioctl_requests) / sizeof(*ioctl_requests); i++)
		error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
					 SCMP_A1(SCMP_CMP_MASKED_EQ, UINT32_MAX,
						 ioctl_requests[i]));
	return error;
}

/* Files and guest memory come and go, and a ring begins; its other uses are for who makes one. */
static int add_uring(scmp_filter_ctx filter)
{
	static const unsigned int uses[] = { IORING_REGISTER_FILES_UPDATE, IORING_REGISTER_BUFFERS2,
					     IORING_REGISTER_BUFFERS_UPDATE,
					     IORING_REGISTER_ENABLE_RINGS };
	const int number = seccomp_syscall_resolve_name("io_uring_register");
	int error = 0;

	for (size_t i = 0; !error && number >= 0 && i < sizeof(uses) / sizeof(*uses); i++)
		error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 1,
					 SCMP_A1(SCMP_CMP_MASKED_EQ, UINT32_MAX, uses[i]));
	return error;
}

static int add_inet(scmp_filter_ctx filter, int type)
{
	int error = 0;

	for (int family = AF_INET; !error && family <= AF_INET6; family += AF_INET6 - AF_INET)
		error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 2,
					 SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)family),
					 SCMP_A1(SCMP_CMP_MASKED_EQ, 0xf, (scmp_datum_t)type));
	return error;
}

/*
 * Of the network only datagram sockets, through which interfaces are asked, and streams to NBD
 * servers when there may be some.
 */
static int add_socket(scmp_filter_ctx filter, const struct sandbox_options *options)
{
	static const int families[] = { AF_UNIX, AF_NETLINK, AF_PACKET };
	int error = 0;

	for (size_t i = 0; !error && i < sizeof(families) / sizeof(*families); i++)
		error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1,
					 SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)families[i]));
	if (!error)
		error = add_inet(filter, SOCK_DGRAM);
	if (!error && options->nbd_port_count)
		error = add_inet(filter, SOCK_STREAM);
	return error;
}

/* No memory is writable and executable, and none becomes executable; libraries are mapped so. */
static int add_memory(scmp_filter_ctx filter)
{
	const scmp_datum_t both = PROT_WRITE | PROT_EXEC;
	int error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
				     SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));

	if (!error)
		error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
					 SCMP_A2(SCMP_CMP_MASKED_EQ, both, PROT_EXEC));
	if (!error)
		error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
					 SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	return error;
}

#ifdef WITH_ADDRESS_SANITIZER
static int add_process(scmp_filter_ctx filter)
{
	(void)filter;
	return 0;
}
#else
/* Threads and no processes; signals to itself; names. */
static int add_process(scmp_filter_ctx filter)
{
	static const int prctls[] = { PR_SET_NAME, PR_GET_NAME, SET_VMA };
	int error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
				     SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD));

	if (!error)
		error = seccomp_rule_add(filter, SCMP_ACT_KILL_PROCESS, SCMP_SYS(clone), 1,
					 SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0));
	if (!error)
		error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1,
					 SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid()));
	for (size_t i = 0; !error && i < sizeof(prctls) / sizeof(*prctls); i++)
		error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(prctl), 1,
					 SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)prctls[i]));
	return error;
}
#endif

/* Memory of guests that arrives while they run. */
static int add_postcopy(scmp_filter_ctx filter)
{
	int error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(userfaultfd), 0);

	if (error)
		return error;
	return seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
				SCMP_A1(SCMP_CMP_MASKED_EQ, 0xff00, UFFDIO << 8));
}

/* The program that leads packets of an interface to a socket, which libxdp loads. */
static int add_af_xdp(scmp_filter_ctx filter, bool af_xdp)
{
	uint32_t action = af_xdp ? SCMP_ACT_ALLOW : SCMP_ACT_KILL_PROCESS;
	int error = seccomp_rule_add(filter, action, SCMP_SYS(bpf), 0);

	if (error || !af_xdp)
		return error;
	return seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1,
				SCMP_A0(SCMP_CMP_EQ, AF_XDP));
}

static int load(scmp_filter_ctx filter, const struct sandbox_options *options)
{
	int error = add_all(filter, SCMP_ACT_ALLOW, allowed);

	if (!error)
		error = add_all(filter, SCMP_ACT_KILL_PROCESS, deadly);
	if (!error)
		error = add_ioctl(filter);
	if (!error)
		error = add_uring(filter);
	if (!error)
		error = add_socket(filter, options);
	if (!error)
		error = add_memory(filter);
	if (!error)
		error = add_process(filter);
	if (!error && options->postcopy)
		error = add_postcopy(filter);
	if (!error)
		error = add_af_xdp(filter, options->af_xdp);
	if (!error)
		error = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
	/* A tree instead of a list; older libraries have none. */
	seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	return error ? error : seccomp_load(filter);
}

int sandbox_calls(struct iov *iov, const struct sandbox_options *options)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
	int error = filter ? load(filter, options) : -ENOMEM;

	seccomp_release(filter);
	if (error)
		return iov_told(iov, error, "the filter of system calls cannot be loaded: %s; "
				"--sandbox=off does without", strerror(-error));
	return 0;
}
