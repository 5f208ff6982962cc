// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/fuzz/services.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/test.h"
#include "vhost-user/daemon/control_socket.h"
#include "vhost-user/daemon/metrics.h"
#include "vhost-user/memory/memory_fault.h"
#include "vhost-user/port/disks.h"
#include "vhost-user/protocol/positions.h"
#include "vhost-user/protocol/userfault.h"
#include "vhost-user/switch/eal.h"

#define TURNS 64
#define AWAIT_SECONDS 20

/* In memory, as each change of a port is written to it. */
struct services services = {.directory = "/dev/shm/fuzz-iovd-XXXXXX"};

static struct methods methods;
static struct control_socket *control;
static struct metrics_server *metrics;
static struct positions *positions;
static struct disks *disks;
static char state_path[PATH_MAX], positions_path[PATH_MAX];
static char left_path[sizeof(services.directory) + sizeof("/left")];

void services_expect(int error)
{
	if (error)
		fail_msg("%s", iov_error_message(services.iov));
}

void services_pump(void *arg)
{
	(void)arg;
	for (unsigned int i = 0; i < TURNS && sd_event_run(services.event, 0) > 0; i++)
		;
}

/* All workers look at everything once more; a pass that they were in does not count. */
static void wait_for_workers(void)
{
	for (unsigned int i = 0; i < 2 * workers_count(services.workers); i++) {
		const uint64_t passes = worker_stats(services.workers, i / 2).passes;

		worker_wake(services.workers, i / 2);
		for (unsigned int j = 0; j < SERVICES_PATIENCE; j++) {
			if (worker_stats(services.workers, i / 2).passes != passes)
				break;
			usleep(10);
		}
	}
}

void services_settle(void)
{
	services_pump(NULL);
	wait_for_workers();
	services_pump(NULL);
}

/* Of a clock that does not go faster: a disk may have to do with others. */
static time_t real_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return now.tv_sec;
}

void services_await(bool (*is_so)(void), const char *what)
{
	const time_t end = real_seconds() + AWAIT_SECONDS;

	while (!is_so() && real_seconds() < end) {
		services_settle();
		poll(NULL, 0, 1);
	}
	if (!is_so())
		fail_msg("not in time: %s", what);
}

static void clean(void)
{
	unlink(services.control);
	unlink(services.metrics);
	unlink(services.port);
	unlink(left_path);
	unlink(state_path);
	unlink(positions_path);
	rmdir(services.directory);
}

static void make_path(char path[PATH_MAX], const char *name)
{
	snprintf(path, PATH_MAX, "%s/%s", services.directory, name);
}

static void open_paths(void)
{
	assert_non_null(mkdtemp(services.directory));
	/* For who is somebody else, too. */
	assert_return_code(chmod(services.directory, 0711), errno);
	make_path(services.control, "control");
	make_path(services.metrics, "metrics");
	make_path(services.port, "port");
	snprintf(left_path, sizeof(left_path), "%s/left", services.directory);
	make_path(state_path, "state");
	make_path(positions_path, "positions");
	atexit(clean);
}

/* As of an iovd that was killed. */
static void leave_socket(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(address.sun_path, left_path);
	assert_return_code(bind(fd, (struct sockaddr *)&address, sizeof(address)), errno);
	close(fd);
}

static void start_workers(void)
{
	unsigned int cpus[WORKERS_MAX];
	int count = eal_parse_workers(services.iov, "0,1", cpus);

	/* Two share the rings where there are two CPUs. */
	if (count < 0)
		count = eal_parse_workers(services.iov, NULL, cpus);
	assert_true(count > 0);
	services_expect(eal_start(services.iov, cpus, (unsigned int)count, true));
	services_expect(workers_start(&services.workers, services.iov, cpus, (unsigned int)count,
				      WORKER_INTERRUPT));
}

static void keep(void *arg)
{
	(void)arg;
	saved_ports_save(methods.saved);
}

void services_open(void)
{
	open_paths();
	leave_socket();
	assert_return_code(iov_open(&services.iov, NULL), 0);
	assert_return_code(memory_fault_catch(), 0);
	start_workers();
	assert_true(sd_event_new(&services.event) >= 0);
	services_expect(positions_open(&positions, services.iov, positions_path));
	services_expect(registry_open(&services.registry, services.iov, services.event,
				      services.workers, positions));
	services_expect(disks_open(&disks, services.iov, services.workers));
	services.registry->disks = disks;
	services.registry->postcopy = userfault_available();
	services.registry->keep = keep;
	methods.registry = services.registry;
	services_expect(saved_ports_open(&methods.saved, services.registry, state_path));
	memory_fault_tell(workers_attention_fd(services.workers));
	services_expect(metrics_listen(&metrics, services.iov, services.metrics));
	services_expect(metrics_serve(metrics, services.event, services.registry));
	services_expect(control_socket_open(&control, services.iov, services.event,
					    services.control, NULL, iovd_methods, &methods));
	methods.control = control;
	assert_return_code(chmod(services.control, 0666), errno);
}

int services_add(struct port_options *options)
{
	struct port *port;
	int pair[2];

	assert_return_code(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	options->fd = pair[0];
	services_expect(port_add(services.registry, options, &port));
	return pair[1];
}

void services_close(void)
{
	control_socket_close(control);
	metrics_close(metrics);
	saved_ports_close(methods.saved);
	registry_close(services.registry);
	memory_fault_tell(-1);
	positions_close(positions);
	disks_leave(disks);
	workers_stop(services.workers);
	disks_close(disks);
	sd_event_unref(services.event);
	eal_stop();
	iov_close(services.iov);
	clean();
}
