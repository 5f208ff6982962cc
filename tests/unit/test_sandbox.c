// SPDX-License-Identifier: GPL-2.0-or-later
// What iovd gives up is gone: each attempt is made in a child that has the same sandbox.
#include <errno.h>
#include <fcntl.h>
#include <linux/prctl.h>
#include <pthread.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/test.h"
#include "vhost-user/compiler.h"
#include "vhost-user/daemon/sandbox.h"
#include "vhost-user/protocol/notify.h"

/* The leak checker may start processes and trace. */
#ifdef WITH_ADDRESS_SANITIZER
static const bool sanitized = true;
#else
static const bool sanitized = false;
#endif

static char directory[64], control[96], state_file[96], secret[96], huge[96];

/* Status of a child that could not prepare itself. */
#define UNPREPARED 254

static struct sandbox_options options = { .sockets = { control }, .state = state_file };

static void write_secret(void)
{
	int fd = open(secret, O_WRONLY | O_CREAT, 0644);

	assert_return_code(fd, errno);
	close(fd);
}

static void make_directory(const char *name)
{
	char path[96];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	assert_return_code(mkdir(path, 0755), errno);
}

static int setup(void **state)
{
	(void)state;
	/* Not in /tmp, where sockets may be. */
	strcpy(directory, "/var/tmp/iov-sandbox-XXXXXX");
	assert_non_null(mkdtemp(directory));
	snprintf(control, sizeof(control), "%s/run/control", directory);
	snprintf(state_file, sizeof(state_file), "%s/lib/state", directory);
	snprintf(secret, sizeof(secret), "%s/secret", directory);
	snprintf(huge, sizeof(huge), "%s/huge", directory);
	make_directory("run");
	make_directory("lib");
	make_directory("huge");
	write_secret();
	return 0;
}

static int teardown(void **state)
{
	char command[96];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", directory);
	return system(command);
}

/* Before the sandbox, in the child: mounts of its own. */
static bool mount_huge_pages(void)
{
	return !unshare(CLONE_NEWNS) && !mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) &&
	       !mount("none", huge, "hugetlbfs", 0, NULL);
}

/* How a child ended that tried something in the sandbox: errno, or minus the signal. */
static int attempt_after(bool (*prepare)(void), int (*action)(void))
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		struct iov *iov;

		alarm(60);
		if (prepare && !prepare())
			_exit(UNPREPARED);
		if (iov_open(&iov, NULL) || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
		    sandbox_paths(iov, &options) || sandbox_calls(iov, &options))
			_exit(255);
		errno = 0;
		_exit(action() < 0 ? errno : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static int attempt(int (*action)(void))
{
	return attempt_after(NULL, action);
}

static bool have_landlock(void)
{
	return syscall(SYS_landlock_create_ruleset, NULL, 0, 1) > 0;
}

static int run_program(void)
{
	return execl("/bin/true", "true", NULL);
}

static int fork_process(void)
{
	return (int)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
}

static int become_root(void)
{
	return (int)syscall(SYS_setuid, 0);
}

static int mount_something(void)
{
	return (int)syscall(SYS_mount, "none", "/mnt", "tmpfs", 0, NULL);
}

static int load_module(void)
{
	return (int)syscall(SYS_finit_module, -1, "", 0);
}

static int leave_namespace(void)
{
	return (int)syscall(SYS_unshare, 0);
}

static int trace_parent(void)
{
	return (int)syscall(SYS_ptrace, 16, getppid(), 0, 0);
}

static int load_bpf(void)
{
	return (int)syscall(SYS_bpf, 0, NULL, 0);
}

static void what_an_attacker_does_first_kills(void **state)
{
	static int (*const actions[])(void) = { run_program, become_root, mount_something, load_module,
						leave_namespace, load_bpf, fork_process,
						trace_parent };
	size_t count = sizeof(actions) / sizeof(*actions) - (sanitized ? 2 : 0);

	(void)state;
	for (size_t i = 0; i < count; i++)
		assert_int_equal(attempt(actions[i]), -SIGSYS);
}

static int unknown_call(void)
{
	return (int)syscall(SYS_vhangup);
}

static int tcp_socket(void)
{
	return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

static int type_for_a_terminal(void)
{
	return ioctl(0, TIOCSTI, "x");
}

static int writable_code(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		    0) == MAP_FAILED ? -1 : 0;
}

static int data_that_becomes_code(void)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return page == MAP_FAILED ? 0 : mprotect(page, 4096, PROT_READ | PROT_EXEC);
}

static int open_up_secret(void)
{
	return chmod(secret, 0666);
}

static int end_parent(void)
{
	return (int)syscall(SYS_tgkill, getppid(), getppid(), 0);
}

static void what_is_not_in_the_table_is_not_there(void **state)
{
	static int (*const actions[])(void) = { unknown_call, tcp_socket, type_for_a_terminal,
						writable_code, data_that_becomes_code, open_up_secret,
						end_parent };
	size_t count = sizeof(actions) / sizeof(*actions) - (sanitized ? 1 : 0);

	(void)state;
	for (size_t i = 0; i < count; i++)
		assert_int_equal(attempt(actions[i]), ENOSYS);
}

static int read_shadow(void)
{
	return open("/etc/shadow", O_RDONLY | O_CLOEXEC);
}

static int read_secret(void)
{
	return open(secret, O_RDONLY | O_CLOEXEC);
}

static int write_program(void)
{
	return open("/bin/true", O_WRONLY | O_CLOEXEC);
}

static int remove_secret(void)
{
	return unlink(secret);
}

static int read_sockets_neighbour(void)
{
	return open(control, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
}

static int socket_in_the_state(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	snprintf(address.sun_path, sizeof(address.sun_path), "%s.sock", state_file);
	return bind(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), (struct sockaddr *)&address,
		    sizeof(address));
}

static void paths_that_ports_do_not_need_are_closed(void **state)
{
	static int (*const actions[])(void) = { read_shadow, read_secret, write_program, remove_secret,
						read_sockets_neighbour, socket_in_the_state };

	(void)state;
	if (!have_landlock())
		skip();
	for (size_t i = 0; i < sizeof(actions) / sizeof(*actions); i++)
		assert_int_equal(attempt(actions[i]), EACCES);
	assert_return_code(access(secret, F_OK), errno);
	options.allow[options.allow_count++] = directory;
	assert_int_equal(attempt(read_secret), 0);
	options.allow_count = 0;
}

static int open_huge_pages(void)
{
	return open(huge, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void directories_of_huge_pages_stay_open(void **state)
{
	int result = attempt_after(mount_huge_pages, open_huge_pages);

	(void)state;
	if (result == UNPREPARED)
		skip();
	assert_int_equal(result, 0);
	assert_int_equal(attempt(open_huge_pages), have_landlock() ? EACCES : 0);
}

static int save_state(void)
{
	char temporary[128];
	int fd;

	snprintf(temporary, sizeof(temporary), "%s.new", state_file);
	fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, "x", 1) < 0 || fsync(fd))
		return -1;
	return rename(temporary, state_file);
}

static int make_socket(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(address.sun_path, control);
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) || listen(fd, 1))
		return -1;
	return unlink(control);
}

static void *thread_body(void *arg)
{
	return arg;
}

static int start_thread(void)
{
	pthread_t thread;

	errno = pthread_create(&thread, NULL, thread_body, NULL);
	return errno || pthread_join(thread, NULL) ? -1 : 0;
}

/* A front end made its eventfd blocking and filled it. */
static int call_full_guest(void)
{
	int fd = eventfd(0, EFD_CLOEXEC);

	if (eventfd_write(fd, UINT64_MAX - 1))
		return -1;
	errno = -notify_eventfd(fd);
	return errno ? -1 : 0;
}

static void what_iovd_does_goes_on(void **state)
{
	static int (*const actions[])(void) = { save_state, make_socket, start_thread,
						call_full_guest };

	(void)state;
	for (size_t i = 0; i < sizeof(actions) / sizeof(*actions); i++)
		assert_int_equal(attempt(actions[i]), 0);
}

static void names_in_the_table_are_system_calls(void **state)
{
	const char *name;

	(void)state;
	for (size_t i = 0; (name = sandbox_call_name(i)); i++) {
		/* The library of Debian 12 knows those of Linux 5.17. */
		if (seccomp_syscall_resolve_name(name) == __NR_SCMP_ERROR &&
		    strncmp(name, "futex_", 6))
			fail_msg("%s is no system call", name);
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(sandbox_call_name(j), name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_an_attacker_does_first_kills),
		cmocka_unit_test(what_is_not_in_the_table_is_not_there),
		cmocka_unit_test(paths_that_ports_do_not_need_are_closed),
		cmocka_unit_test(directories_of_huge_pages_stay_open),
		cmocka_unit_test(what_iovd_does_goes_on),
		cmocka_unit_test(names_in_the_table_are_system_calls),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
