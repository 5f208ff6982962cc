// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * iovd: forwards packets between guests and to the network.
 *
 * The main thread runs the event loop: control socket, vhost-user sockets,
 * signals.  Workers poll.  What iovd starts with is on its command line;
 * ports and bridges come over the control socket.
 */
#include <errno.h>
#include <limits.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#include "base/iov.h"
#include "base/journal.h"
#include "base/streams.h"
#include "base/sysroot/paths.h"
#include "vhost-user/daemon/control_socket.h"
#include "vhost-user/daemon/methods.h"
#include "vhost-user/daemon/metrics.h"
#include "vhost-user/daemon/options.h"
#include "vhost-user/daemon/standalone.h"
#include "vhost-user/daemon/succession.h"
#include "vhost-user/memory/memory_fault.h"
#include "vhost-user/port/disks.h"
#include "vhost-user/port/registry.h"
#include "vhost-user/port/worker.h"
#include "vhost-user/protocol/userfault.h"
#include "vhost-user/socket/listener.h"
#include "vhost-user/socket/owner_helper.h"
#include "vhost-user/socket/privileges.h"
#include "vhost-user/switch/eal.h"

/**
 * struct daemon - what runs, in the order in which it is started
 * @iov: context of the main thread
 * @journal: where its log goes, with fields; a closed one when it goes to standard error
 * @parsed: what it was started with
 * @has_state: no other iovd has the file of ports
 * @dpdk: DPDK runs
 * @workers: forward
 * @disks: what they poll of disks
 * @event: event loop
 * @positions: where rings stand, kept for the next iovd
 * @lacks_positions: they cannot be kept
 * @methods: ports and bridges, and the file that keeps them
 * @control: control socket
 * @metrics: HTTP server of counters, when it was asked for
 * @access: who may use it, when that was said
 */
struct daemon {
	struct iov *iov;
	struct iov_journal journal;
	const struct iovd_options *parsed;
	bool has_state;
	bool dpdk;
	struct workers *workers;
	struct disks *disks;
	sd_event *event;
	struct positions *positions;
	bool lacks_positions;
	struct methods methods;
	struct control_socket *control;
	struct metrics_server *metrics;
	struct socket_access access;
	bool has_access;
};

/* Entries have the fields that others add, and those of every program. */
#define FIELDS_MAX 16

static int send_entry(const struct daemon *daemon, int level, const char *message)
{
	const struct iov_field *about = iov_log_fields();
	char priority[2] = { (char)('0' + level) };
	struct iov_field fields[FIELDS_MAX + 1] = {
		{ "MESSAGE", message },
		{ "PRIORITY", priority },
		{ "SYSLOG_IDENTIFIER", "iovd" },
	};
	size_t count = 3;

	for (; about && about->name && count < FIELDS_MAX; about++)
		fields[count++] = *about;
	return iov_journal_send(&daemon->journal, fields);
}

/* What the journal does not take goes where everything went before. */
static void log_line(void *arg, int level, const char *message)
{
	const struct daemon *daemon = arg;

	if (level <= daemon->parsed->level && send_entry(daemon, level, message))
		fprintf(stderr, "iovd: %s\n", message);
}

/* Before the sandbox, and where standard error is the journal. */
static void open_journal(struct daemon *daemon)
{
	daemon->journal.fd = -1;
	if (iov_journal_is_stream(STDERR_FILENO, getenv("JOURNAL_STREAM")))
		iov_journal_open(&daemon->journal, IOV_JOURNAL_SOCKET);
}

static void make_directory(const char *path, const char *user)
{
	const struct passwd *owner = user ? getpwnam(user) : NULL;

	/* Where that is not enough, opening what is in it says so. */
	if (!mkdir(path, 0755) && owner && chown(path, owner->pw_uid, owner->pw_gid))
		return;
}

/* The directories of the default socket and state, which nobody else makes. */
static void make_directories(const struct iovd_options *parsed)
{
	if (parsed->control && !strcmp(parsed->control, IOV_CONTROL_SOCKET))
		make_directory("/" IOV_PATH_RUN, parsed->user);
	if (parsed->state && !strcmp(parsed->state, IOV_IOVD_STATE))
		make_directory("/" IOV_PATH_IOVD_STATE, parsed->user);
}

/*
 * Beside the control socket, as that is on tmpfs: whoever starts iovd again finds it there,
 * and nobody after the host went down.  Guests with packed rings need it, and no other.
 */
static int open_positions(struct daemon *daemon, const char *control)
{
	char path[PATH_MAX];
	int error;

	if (snprintf(path, sizeof(path), "%s.rings", control) < (int)sizeof(path))
		error = positions_open(&daemon->positions, daemon->iov, path);
	else
		error = iov_fail(daemon->iov, -ENAMETOOLONG, "%s: the path is too long", control);
	if (error == -EBUSY)
		return error;
	daemon->lacks_positions = error;
	if (error)
		iov_log(daemon->iov, LOG_WARNING, "%s; packed rings of QEMU will not go on after a "
			"crash", iov_error_message(daemon->iov));
	return 0;
}

static int start_event(struct daemon *daemon)
{
	int error = sd_event_new(&daemon->event);

	/* The signals are blocked: they end the loop with status 0. */
	if (error >= 0)
		error = sd_event_add_signal(daemon->event, NULL, SIGTERM, NULL, NULL);
	if (error >= 0)
		error = sd_event_add_signal(daemon->event, NULL, SIGINT, NULL, NULL);
	/* Where systemd wants to hear of us; a loop that hangs does not tell it. */
	if (error >= 0)
		error = sd_event_set_watchdog(daemon->event, true);
	if (error < 0)
		return iov_told(daemon->iov, error, "the event loop does not start: %s",
				strerror(-error));
	return 0;
}

static void set_signals(void)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	signal(SIGPIPE, SIG_IGN);
	/* A write beyond RLIMIT_FSIZE fails, and does not end all guests. */
	signal(SIGXFSZ, SIG_IGN);
	memory_fault_catch();
}

/* While there are name services to ask. */
static int read_access(struct daemon *daemon, const struct iovd_options *parsed)
{
	char owner[IOV_SOCKET_OWNER_SIZE];
	int error = 0;

	daemon->access = (struct socket_access)SOCKET_ACCESS(0600);
	if (parsed->control_owner)
		error = iov_socket_owner(daemon->iov, parsed->control_owner, owner);
	if (!error)
		error = socket_access_parse(&daemon->access, daemon->iov, parsed->control_mode,
					    parsed->control_owner ? owner : NULL);
	daemon->has_access = parsed->control_mode || parsed->control_owner;
	return error;
}

static bool may_postcopy(const struct daemon *daemon, const struct iovd_options *parsed)
{
	bool may = parsed->sandbox.postcopy && userfault_available();

	if (parsed->sandbox.postcopy && !may)
		iov_log(daemon->iov, LOG_WARNING, "--postcopy: the kernel gives no userfaultfd that "
			"has shared memory, so ports do not offer it");
	return may;
}

/* What one iovd has alone, before anything is touched that another one may have. */
static int take_places(void *arg)
{
	struct daemon *daemon = arg;
	const struct iovd_options *parsed = daemon->parsed;
	int error = parsed->control ? listener_check(daemon->iov, parsed->control, "--control") : 0;

	if (!error && parsed->state && !daemon->has_state) {
		error = saved_ports_lock(daemon->iov, parsed->state);
		daemon->has_state = !error;
	}
	if (!error && parsed->state && !daemon->positions && !daemon->lacks_positions)
		error = open_positions(daemon, parsed->control);
	if (!error && parsed->metrics)
		error = metrics_listen(&daemon->metrics, daemon->iov, parsed->metrics);
	return error;
}

/* What needs privilege, or what the sandbox takes away. */
static int prepare(struct daemon *daemon, const struct iovd_options *parsed)
{
	int error = read_access(daemon, parsed);

	if (error)
		return error;
	make_directories(parsed);
	/* One program for each interface, so nothing is pinned to share it. */
	if (parsed->sandbox.af_xdp)
		setenv("LIBXDP_SKIP_DISPATCHER", "1", 1);
	privileges_prepare(daemon->iov);
	error = owner_helper_start(daemon->iov);
	if (!error)
		error = privileges_drop(daemon->iov, parsed->user, parsed->sandbox.af_xdp);
	if (!error)
		error = succession_take(daemon->iov, take_places, daemon);
	if (!error && !parsed->no_sandbox)
		error = sandbox_paths(daemon->iov, &parsed->sandbox);
	return error;
}

/* DPDK and the threads. */
static int start_datapath(struct daemon *daemon, const struct iovd_options *parsed,
			  const unsigned int *cpus, unsigned int count)
{
	int error = eal_start(daemon->iov, cpus, count, parsed->no_huge);

	daemon->dpdk = !error;
	if (!error)
		error = workers_start(&daemon->workers, daemon->iov, cpus, count, parsed->poll);
	if (!error)
		error = disks_open(&daemon->disks, daemon->iov, daemon->workers);
	if (!error && !parsed->no_sandbox)
		error = sandbox_calls(daemon->iov, &parsed->sandbox);
	return error;
}

/* The kernel ends what is left as it does after a kill. */
static void leave(void)
{
	_exit(EXIT_SUCCESS);
}

static void keep_state(void *arg)
{
	saved_ports_save(((struct methods *)arg)->saved);
}

static int start_services(struct daemon *daemon, const struct iovd_options *parsed)
{
	struct methods *methods = &daemon->methods;
	int error = registry_open(&methods->registry, daemon->iov, daemon->event, daemon->workers,
				  daemon->positions);

	if (!error)
		methods->registry->disks = daemon->disks;
	if (!error)
		methods->registry->postcopy = may_postcopy(daemon, parsed);
	if (!error)
		memory_fault_tell(workers_attention_fd(daemon->workers));
	if (!error && parsed->metrics)
		error = metrics_serve(daemon->metrics, daemon->event, methods->registry);
	if (!error && iovd_is_standalone(parsed))
		error = standalone_open(methods->registry, parsed);
	if (!error && parsed->state)
		error = saved_ports_open(&methods->saved, methods->registry, parsed->state);
	if (!error)
		methods->registry->leave = leave;
	if (!error && methods->saved) {
		methods->registry->keep = keep_state;
		methods->registry->keep_arg = methods;
	}
	if (!error && parsed->control)
		error = control_socket_open(&daemon->control, daemon->iov, daemon->event, parsed->control,
				     daemon->has_access ? &daemon->access : NULL, iovd_methods,
				     methods);
	methods->control = daemon->control;
	return error;
}

static void tell_ready(const struct daemon *daemon, const struct iovd_options *parsed,
		       const unsigned int *cpus, unsigned int count)
{
	char list[WORKERS_MAX * 6];
	size_t length = 0;

	for (unsigned int i = 0; i < count; i++)
		length += (size_t)snprintf(list + length, sizeof(list) - length, "%s%u",
					   i ? "," : "", cpus[i]);
	iov_log(daemon->iov, LOG_NOTICE, "ready: %s on CPU %s, control socket %s",
		count > 1 ? "workers" : "worker", list,
		parsed->control ? parsed->control : "none");
}

static int start(struct daemon *daemon, const struct iovd_options *parsed)
{
	unsigned int cpus[WORKERS_MAX];
	int count = eal_parse_workers(daemon->iov, parsed->workers, cpus), error;

	if (count < 0)
		return count;
	error = prepare(daemon, parsed);
	if (!error)
		error = start_event(daemon);
	if (!error)
		error = start_datapath(daemon, parsed, cpus, (unsigned int)count);
	if (!error)
		error = start_services(daemon, parsed);
	if (!error)
		tell_ready(daemon, parsed, cpus, (unsigned int)count);
	return error;
}

static void stop(struct daemon *daemon)
{
	control_socket_close(daemon->control);
	metrics_close(daemon->metrics);
	if (daemon->methods.registry)
		daemon->methods.registry->keep = NULL;
	saved_ports_close(daemon->methods.saved);
	registry_close(daemon->methods.registry);
	memory_fault_tell(-1);
	positions_close(daemon->positions);
	disks_leave(daemon->disks);
	workers_stop(daemon->workers);
	disks_close(daemon->disks);
	owner_helper_stop();
	sd_event_unref(daemon->event);
	if (daemon->dpdk)
		eal_stop();
}

static int serve(struct daemon *daemon, const struct iovd_options *parsed)
{
	int error = start(daemon, parsed);

	if (!error) {
		sd_notify(0, "READY=1");
		error = sd_event_loop(daemon->event);
		sd_notify(0, "STOPPING=1");
	}
	if (error < 0)
		log_line(daemon, LOG_ERR, iov_error_message(daemon->iov));
	stop(daemon);
	return error == -EINVAL ? IOVD_EXIT_USAGE : error < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	struct iovd_options parsed;
	struct daemon daemon = { .parsed = &parsed };
	const struct iov_options context = { .log = log_line, .log_arg = &daemon };
	int status;

	if (!streams_open())
		return EXIT_FAILURE;
	iovd_options_parse(&parsed, argc, argv);
	if (parsed.print_capabilities) {
		standalone_print(&parsed);
		return EXIT_SUCCESS;
	}
	set_signals();
	open_journal(&daemon);
	status = iov_open(&daemon.iov, &context);
	if (status) {
		fprintf(stderr, "iovd: cannot start: %s\n", strerror(-status));
		return EXIT_FAILURE;
	}
	status = serve(&daemon, &parsed);
	iov_close(daemon.iov);
	iov_journal_close(&daemon.journal);
	return status;
}
