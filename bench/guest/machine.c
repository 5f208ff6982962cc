// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Two connections lead to a guest, both made before it starts, so that neither has a name: a serial
 * port, at which the probe takes commands, and QEMU's monitor.
 */
#include "bench/guest/machine.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/sysroot/paths.h"
#include "bench/guest/probe.h"

#define LOOK_MS 200
#define HOST_MS 10000

#if defined(__aarch64__)
const char machine_program[] = "qemu-system-aarch64";
#define MACHINE "virt,gic-version=max"
#define CONSOLE "ttyAMA0"
#define PORT "ttyAMA1"
#else
const char machine_program[] = "qemu-system-x86_64";
#define MACHINE "q35"
#define CONSOLE "ttyS0"
#define PORT "ttyS1"
#endif

/*
 * What only takes time at a boot of seconds.  A guest that is stopped while others are measured is
 * no lockup, and a timer that is late is no fault of it.
 */
#define QUICK "quiet loglevel=3 nowatchdog rcupdate.rcu_cpu_stall_suppress=1 no_timer_check " \
	      "tsc=reliable cryptomgr.notests"

static void say(struct json_object *words, const char *text)
{
	json_object_array_add(words, json_object_new_string(text));
}

void machine_option(struct json_object *words, const char *option, const char *format, ...)
{
	char text[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	say(words, option);
	say(words, text);
}

struct json_object *machine_arguments(const struct machine_options *options, bool console)
{
	struct json_object *words = json_object_new_array();

	say(words, machine_program);
	machine_option(words, "-machine", MACHINE ",memory-backend=ram");
	machine_option(words, "-accel", "%s", options->kvm ? "kvm" : "tcg");
	machine_option(words, "-cpu", "%s", options->kvm ? "host" : "max");
	machine_option(words, "-smp", "%u", options->cpus);
	machine_option(words, "-m", "%uM", options->memory);
	machine_option(words, "-object", "memory-backend-memfd,id=ram,size=%uM,share=on", options->memory);
	say(words, "-nodefaults");
	say(words, "-no-user-config");
	say(words, "-no-reboot");
	machine_option(words, "-display", "none");
	machine_option(words, "-kernel", "%s", options->kernel);
	machine_option(words, "-initrd", "/" IOV_PATH_PROC_SELF "/fd/%d", options->initramfs);
	machine_option(words, "-append", "console=" CONSOLE " panic=-1 " QUICK " %s",
		       console ? PROBE_CONSOLE "=1" : PROBE_PORT "=" PORT);
	return words;
}

/* Wait until there is something to read; QEMU's end is, too. */
static int wait_readable(struct machine *machine, int fd, uint64_t deadline)
{
	struct pollfd waiting = {.fd = fd, .events = POLLIN};

	for (;;) {
		const uint64_t now = monotonic_ms();

		if (machine->stop && *machine->stop)
			return -EINTR;
		if (now >= deadline)
			return -ETIMEDOUT;
		if (poll(&waiting, 1, deadline - now < LOOK_MS ? (int)(deadline - now) : LOOK_MS) > 0)
			return 0;
	}
}

static int fail(struct machine *machine, int error)
{
	char said[512];

	child_said(&machine->child, said, sizeof(said));
	switch (error) {
	case -EINTR:
		return iov_fail(machine->iov, -EINTR, "stopped");
	case -ETIMEDOUT:
		return iov_told(machine->iov, error, "the probe did not answer in time%s%s",
				*said ? ": " : "", said);
	default:
		return iov_told(machine->iov, -EIO, "it ended%s%s", *said ? ": " : "", said);
	}
}

/* One line of the probe, which is in @machine->line then. */
static int read_line(struct machine *machine, uint64_t deadline)
{
	char *end;

	while (!(end = memchr(machine->line, '\n', machine->got))) {
		int error = wait_readable(machine, machine->port, deadline);
		ssize_t got;

		if (error)
			return error;
		if (machine->got == sizeof(machine->line))
			return -EIO;
		got = read(machine->port, machine->line + machine->got,
			   sizeof(machine->line) - machine->got);
		if (got <= 0)
			return -EIO;
		machine->got += (size_t)got;
	}
	*end = '\0';
	return 0;
}

static void drop_line(struct machine *machine)
{
	const size_t length = strlen(machine->line) + 1;

	machine->got -= length;
	memmove(machine->line, machine->line + length, machine->got);
}

struct json_object *machine_parse(const char *line)
{
	_cleanup_free_ char *copy = strdup(line);
	struct json_object *answer;
	char *rest = NULL, *word = copy ? strtok_r(copy, " \r\n", &rest) : NULL;

	if (!word || strcmp(word, "ok"))
		return NULL;
	answer = json_object_new_object();
	while ((word = strtok_r(NULL, " \r\n", &rest))) {
		char *equals = strchr(word, '='), *end;
		unsigned long long number;

		if (!equals)
			continue;
		*equals = '\0';
		errno = 0;
		number = strtoull(equals + 1, &end, 10);
		json_object_object_add(answer, word,
				       *end || end == equals + 1 || errno
					       ? json_object_new_string(equals + 1)
					       : json_object_new_uint64(number));
	}
	return answer;
}

/* What the kernel says at the port in front of an answer is none. */
static int read_answer(struct machine *machine, uint64_t deadline, struct json_object **answer)
{
	static const char failed[] = "failed ";
	char what[256];
	int error;

	for (;;) {
		error = read_line(machine, deadline);
		if (error)
			return fail(machine, error);
		*answer = machine_parse(machine->line);
		snprintf(what, sizeof(what), "%.255s", machine->line);
		what[strcspn(what, "\r")] = '\0';
		drop_line(machine);
		if (*answer)
			return 0;
		if (!strncmp(what, failed, strlen(failed)))
			return iov_told(machine->iov, -EIO, "%s", what + strlen(failed));
	}
}

int machine_ask(struct machine *machine, unsigned int timeout_ms, struct json_object **answer,
		const char *format, ...)
{
	char command[256];
	size_t length;
	va_list args;

	*answer = NULL;
	va_start(args, format);
	vsnprintf(command, sizeof(command) - 1, format, args);
	va_end(args);
	strcat(command, "\n");
	length = strlen(command);
	if (send(machine->port, command, length, MSG_NOSIGNAL) != (ssize_t)length)
		return fail(machine, -EIO);
	return read_answer(machine, monotonic_ms() + timeout_ms, answer);
}

/* Without a monitor there are no figures of KVM, and the rest all the same. */
static void open_qmp(struct machine *machine, int fd, unsigned int ms)
{
	if (iov_qmp_open_fd(&machine->qmp, machine->iov, fd, "the monitor of a guest", ms, machine->stop))
		machine->qmp = NULL;
}

static int wait_ready(struct machine *machine, unsigned int ms)
{
	_cleanup_json_ struct json_object *answer = NULL;
	int error = read_answer(machine, monotonic_ms() + ms, &answer);

	if (error)
		machine_end(machine);
	return error;
}

const char **machine_argv(struct json_object *first, struct json_object *second)
{
	const size_t count = json_object_array_length(first);
	const size_t more = second ? json_object_array_length(second) : 0;
	const char **argv = calloc(count + more + 1, sizeof(*argv));

	for (size_t i = 0; argv && i < count; i++)
		argv[i] = json_object_get_string(json_object_array_get_idx(first, i));
	for (size_t i = 0; argv && i < more; i++)
		argv[count + i] = json_object_get_string(json_object_array_get_idx(second, i));
	return argv;
}

static void add_connections(struct json_object *words, int port, int qmp)
{
	machine_option(words, "-serial", "null");
	machine_option(words, "-chardev", "socket,id=port,fd=%d", port);
	machine_option(words, "-serial", "chardev:port");
	machine_option(words, "-chardev", "socket,id=qmp,fd=%d", qmp);
	machine_option(words, "-mon", "chardev=qmp,mode=control");
}

static int start_qemu(struct machine *machine, const struct machine_options *options,
		      struct json_object *devices, const int port[2], const int qmp[2],
		      const int *fds, size_t fd_count)
{
	_cleanup_json_ struct json_object *words = machine_arguments(options, false);
	struct child_options how = {.in = -1, .out = -1, .network = -1, .fd_count = fd_count + 3,
				    .fds = {port[1], qmp[1], options->initramfs}};
	_cleanup_free_ const char **argv = NULL;

	if (how.fd_count > CHILD_FDS)
		return iov_fail(machine->iov, -E2BIG, "more files than a guest is given");
	for (size_t i = 0; i < fd_count; i++)
		how.fds[3 + i] = fds[i];
	add_connections(words, port[1], qmp[1]);
	argv = machine_argv(words, devices);
	return argv ? child_start(&machine->child, machine->iov, argv, &how)
		    : iov_fail(machine->iov, -ENOMEM, "no memory for a guest");
}

int machine_start(struct machine *machine, struct iov *iov, const struct machine_options *options,
		  struct json_object *devices, const int *fds, size_t fd_count)
{
	int port[2], qmp[2], error;

	*machine = (struct machine){.iov = iov, .port = -1, .is_guest = true,
				    .stop = options->stop, .child = {.said = -1}};
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, port))
		return iov_told(iov, -errno, "no connection to a guest: %s", strerror(errno));
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, qmp)) {
		error = iov_told(iov, -errno, "no connection to a guest: %s", strerror(errno));
		close(port[0]);
		close(port[1]);
		return error;
	}
	machine->port = port[0];
	error = start_qemu(machine, options, devices, port, qmp, fds, fd_count);
	close(port[1]);
	close(qmp[1]);
	if (error) {
		close(qmp[0]);
		machine_end(machine);
		return error;
	}
	open_qmp(machine, qmp[0], options->boot_ms);
	return wait_ready(machine, options->boot_ms);
}

int machine_start_host(struct machine *machine, struct iov *iov, const char *probe, int netns,
		       const int *fds, size_t fd_count, const volatile sig_atomic_t *stop)
{
	const char *const argv[] = {probe, "serve", NULL};
	struct child_options how = {.network = netns, .fd_count = fd_count};
	int port[2], error;

	*machine = (struct machine){.iov = iov, .port = -1, .stop = stop, .child = {.said = -1}};
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, port))
		return iov_told(iov, -errno, "no connection to the probe: %s", strerror(errno));
	how.in = how.out = port[1];
	for (size_t i = 0; i < fd_count; i++)
		how.fds[i] = fds[i];
	machine->port = port[0];
	error = child_start(&machine->child, iov, argv, &how);
	close(port[1]);
	if (!error)
		return wait_ready(machine, HOST_MS);
	machine_end(machine);
	return error;
}

void machine_let(const struct machine *machine, bool running)
{
	if (machine->child.pid > 0)
		kill(machine->child.pid, running ? SIGCONT : SIGSTOP);
}

void machine_end(struct machine *machine)
{
	child_end(&machine->child);
	if (machine->port >= 0)
		close(machine->port);
	iov_qmp_close(machine->qmp);
	machine->port = -1;
	machine->qmp = NULL;
}
