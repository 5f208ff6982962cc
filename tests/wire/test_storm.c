// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Traffic between two guests while their neighbours do their worst.  What must hold is
 * counted: not one frame is lost, what the neighbours cost iovd has its limits.  How
 * fast it goes meanwhile is printed, as it depends on who else uses this machine.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/virtio_config.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "tests/unit/test.h"
#include "tests/wire/daemon.h"
#include "tests/wire/guests.h"

/* Round trips of a frame, and requests to the control socket, a phase. */
#define ROUNDS 2000
#define REQUESTS 50

/* Only to end a test that would hang. */
#define PATIENCE_SECONDS 300

/* Limits of endpoint.c and port_log.c: so many at once, so many a second. */
#define CONNECTIONS 128
#define CONNECTIONS_A_SECOND 50
#define LINES 50

#define MEMORY (UINT64_C(4) << 20)

static struct daemon iovd;
static char log_path[96];

static double seconds(void)
{
	return (double)monotonic_ns() / 1e9;
}

static void add_port(const char *name, const char *bridge)
{
	daemon_do(&iovd, "port.add", "{\"name\":\"%s\",\"type\":\"vhost-user\",\"socket\":\"%s\","
		  "\"server\":true,\"bridge\":\"%s\"}", name, daemon_path(&iovd, name), bridge);
}

/* The log goes to a file, which a hostile neighbour would like to grow. */
static int setup(void **state)
{
	char path[] = "/tmp/iovkit-storm.XXXXXX";
	int log = mkstemp(path), before = dup(STDERR_FILENO);

	(void)state;
	assert_return_code(log, errno);
	strcpy(log_path, path);
	dup2(log, STDERR_FILENO);
	daemon_start(&iovd);
	dup2(before, STDERR_FILENO);
	close(before);
	close(log);
	daemon_do(&iovd, "bridge.add", "{\"name\":\"w\",\"kind\":\"wire\"}");
	daemon_do(&iovd, "bridge.add", "{\"name\":\"s\",\"kind\":\"switch\"}");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	daemon_clean(&iovd);
	return unlink(log_path);
}

static uint64_t counter(const char *port, const char *kind, const char *reason)
{
	struct json_object *shown = daemon_call(&iovd, "port.show", "{\"name\":\"%s\"}", port);
	struct json_object *found = json_object_object_get(shown, "counters");
	uint64_t value;

	assert_non_null(found);
	found = json_object_object_get(found, kind);
	if (reason)
		found = json_object_object_get(found, reason);
	value = json_object_get_uint64(found);
	json_object_put(shown);
	return value;
}

/* Neighbours: each a process that does one thing until it is killed */

static void connects_and_goes(void)
{
	for (;;) {
		int fd = frontend_connect(daemon_path(&iovd, "restless"));

		if (fd >= 0)
			close(fd);
	}
}

static void opens_a_thousand_connections(void)
{
	for (unsigned int i = 0; i < 1000; i++)
		frontend_connect(daemon_path(&iovd, "crowd"));
	for (;;)
		pause();
}

static void speaks_nonsense(void)
{
	static const char nonsense[64] = "GET / HTTP/1.1\r\n\r\n";

	for (;;) {
		int fd = frontend_connect(daemon_path(&iovd, "noisy"));

		if (fd < 0)
			continue;
		send(fd, nonsense, sizeof(nonsense), MSG_NOSIGNAL);
		close(fd);
	}
}

struct state_message {
	struct vu_header header;
	struct vu_vring_state state;
};

static struct state_message state_message(uint32_t request, unsigned int ring, unsigned int num)
{
	return (struct state_message){
		.header = { request, VU_FLAG_VERSION, sizeof(struct vu_vring_state) },
		.state = { ring, num },
	};
}

/* Many messages at once, so that sending costs less than what they ask for. */
static void toggles_its_rings(void)
{
	struct state_message messages[256];
	struct frontend guest;

	for (unsigned int i = 0; i < 256; i++)
		messages[i] = state_message(VU_SET_VRING_ENABLE, i / 2 % 2, i % 2);
	boot(&guest, frontend_connect(daemon_path(&iovd, "busy")), 0);
	for (;;)
		frontend_send_raw(&guest, messages, sizeof(messages));
}

static void never_reads(void)
{
	struct frontend guest;

	boot(&guest, frontend_connect(daemon_path(&iovd, "deaf")), 0);
	for (;;)
		frontend_send(&guest, VU_GET_FEATURES, 0, NULL, 0, NULL, 0);
}

static void floods_kicks(void)
{
	struct frontend guest;

	boot(&guest, frontend_connect(daemon_path(&iovd, "kicker")), 0);
	for (;;)
		eventfd_write(guest.kick[1], 1);
}

/* Messages for which a worker wakes up; they cost the sender as much. */
static void kicks_by_messages(void)
{
	struct state_message messages[256];
	struct frontend guest;

	for (unsigned int i = 0; i < 256; i++)
		messages[i] = state_message(VU_VRING_KICK, i % 2, 0);
	frontend_open(&guest, frontend_connect(daemon_path(&iovd, "messenger")), MEMORY);
	guest.is_inband = true;
	frontend_negotiate(&guest, BIT(VIRTIO_F_VERSION_1));
	frontend_open_channel(&guest);
	frontend_share_memory(&guest);
	for (unsigned int i = 0; i < 2; i++) {
		frontend_start_ring(&guest, i);
		frontend_enable_ring(&guest, i, true);
	}
	for (;;)
		frontend_send_raw(&guest, messages, sizeof(messages));
}

static const struct {
	const char *port;
	void (*storm)(void);
} neighbours[] = {
	{ "restless", connects_and_goes },	  { "noisy", speaks_nonsense },
	{ "crowd", opens_a_thousand_connections }, { "busy", toggles_its_rings },
	{ "deaf", never_reads },		  { "kicker", floods_kicks },
	{ "messenger", kicks_by_messages },
};

#define NEIGHBOURS (sizeof(neighbours) / sizeof(*neighbours))

static pid_t start_neighbour(void (*storm)(void))
{
	pid_t pid = fork();

	assert_return_code(pid, errno);
	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGPIPE, SIG_IGN);
	/* It shall cost iovd's time and not ours. */
	if (nice(19) < 0)
		_exit(1);
	freopen("/dev/null", "w", stderr);
	storm();
	_exit(0);
}

/* Measuring */

struct figures {
	double mean;
	double worst;
};

static void add(struct figures *figures, double value, unsigned int count)
{
	figures->mean += value / count;
	if (value > figures->worst)
		figures->worst = value;
}

static void pass_frame(struct frontend *from, struct frontend *to, uint8_t value)
{
	uint8_t sent[256], got[2048];
	double deadline = seconds() + PATIENCE_SECONDS;
	int length;

	memset(sent, value, sizeof(sent));
	memcpy(sent, "\x02\0\0\0\0\x02\x02\0\0\0\0\x01\x88\xb5", 14);
	frontend_post(to, 0, 1);
	assert_true(frontend_transmit(from, 0, sent, sizeof(sent)));
	while ((length = frontend_take(to, 0, got, sizeof(got))) < 0) {
		assert_true(seconds() < deadline);
		sched_yield();
	}
	assert_int_equal(length, sizeof(sent));
	assert_memory_equal(sent, got, sizeof(sent));
}

static struct figures measure_frames(struct frontend *a, struct frontend *b)
{
	struct figures figures = { 0 };

	for (unsigned int i = 0; i < ROUNDS; i++) {
		double start = seconds();

		pass_frame(a, b, (uint8_t)i);
		pass_frame(b, a, (uint8_t)~i);
		add(&figures, seconds() - start, ROUNDS);
	}
	return figures;
}

static struct figures measure_requests(void)
{
	struct figures figures = { 0 };

	for (unsigned int i = 0; i < REQUESTS; i++) {
		double start = seconds();

		daemon_do(&iovd, "version", "{}");
		add(&figures, seconds() - start, REQUESTS);
	}
	return figures;
}

static void print(const char *what, const struct figures *quiet, const struct figures *storm)
{
	printf("%s: %.0f us in the mean, %.0f at worst; in the storm %.0f and %.0f\n", what,
	       quiet->mean * 1e6, quiet->worst * 1e6, storm->mean * 1e6, storm->worst * 1e6);
}

/* Every limit was reached, so that it is known to hold. */
static bool storm_has_grown(void)
{
	return counter("restless", "connections", "held-off") &&
	       counter("noisy", "connections", "held-off") &&
	       counter("noisy", "log_lines_left_out", NULL) &&
	       counter("crowd", "connections", "turned-away") &&
	       counter("busy", "connections", "slowed") && counter("deaf", "refused", "stalled");
}

static void wait_for_storm(void)
{
	double deadline = seconds() + PATIENCE_SECONDS;

	while (!storm_has_grown()) {
		assert_true(seconds() < deadline);
		poll(NULL, 0, 20);
	}
}

static unsigned int log_lines(void)
{
	FILE *log = fopen(log_path, "r");
	unsigned int lines = 0;
	int c;

	assert_non_null(log);
	while ((c = getc(log)) != EOF)
		lines += c == '\n';
	fclose(log);
	return lines;
}

static void check_limits(double start)
{
	unsigned int lines = log_lines(), most_lines;
	double elapsed = seconds() - start;

	for (size_t i = 0; i < NEIGHBOURS; i++) {
		uint64_t came = counter(neighbours[i].port, "connections", "connected") +
				counter(neighbours[i].port, "connections", "turned-away");

		printf("%s: %lu connections, %lu log lines left out\n", neighbours[i].port,
		       (unsigned long)came,
		       (unsigned long)counter(neighbours[i].port, "log_lines_left_out", NULL));
		assert_true(came <= CONNECTIONS + (uint64_t)(seconds() - start + 1) *
						  CONNECTIONS_A_SECOND);
	}
	most_lines = (unsigned int)((double)(NEIGHBOURS + 2) * (LINES + elapsed));
	printf("%u lines of log in %.1f s, at most %u\n", lines, elapsed, most_lines);
	assert_true(lines <= most_lines);
}

static void neighbours_cost_nothing(void **state)
{
	struct figures quiet_frames, quiet_requests, frames, requests;
	struct frontend a, b;
	pid_t pids[NEIGHBOURS];
	double start;

	(void)state;
	add_port("a", "w");
	add_port("b", "w");
	for (size_t i = 0; i < NEIGHBOURS; i++)
		add_port(neighbours[i].port, "s");
	boot(&a, frontend_connect(daemon_path(&iovd, "a")), 0);
	boot(&b, frontend_connect(daemon_path(&iovd, "b")), 0);
	quiet_frames = measure_frames(&a, &b);
	quiet_requests = measure_requests();
	start = seconds();
	for (size_t i = 0; i < NEIGHBOURS; i++)
		pids[i] = start_neighbour(neighbours[i].storm);
	wait_for_storm();
	frames = measure_frames(&a, &b);
	requests = measure_requests();
	for (size_t i = 0; i < NEIGHBOURS; i++) {
		kill(pids[i], SIGKILL);
		waitpid(pids[i], NULL, 0);
	}
	print("a frame there and back", &quiet_frames, &frames);
	print("a control request", &quiet_requests, &requests);
	assert_true(daemon_is_alive(&iovd));
	check_limits(start);
	assert_int_equal(counter("a", "tx_packets", NULL), 2 * ROUNDS);
	assert_int_equal(counter("b", "tx_packets", NULL), 2 * ROUNDS);
	assert_string_equal(daemon_port(&iovd, "port.stats", "a", "drops"), "{ }");
	assert_string_equal(daemon_port(&iovd, "port.stats", "b", "drops"), "{ }");
	frontend_close(&a);
	frontend_close(&b);
}

/* When it is over, a front end that behaves is served at once. */
static void port_that_was_stormed_serves_again(void **state)
{
	struct frontend a, b;
	pid_t pid;

	(void)state;
	add_port("restless", "w");
	add_port("b", "w");
	boot(&b, frontend_connect(daemon_path(&iovd, "b")), 0);
	pid = start_neighbour(connects_and_goes);
	while (!counter("restless", "connections", "held-off"))
		poll(NULL, 0, 10);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	boot(&a, frontend_connect(daemon_path(&iovd, "restless")), 0);
	expect_traffic(&a, &b);
	frontend_close(&a);
	frontend_close(&b);
}

/* Others see nothing of a memory that is cut short, not even while it is used. */
static void memory_cut_short_costs_that_port_only(void **state)
{
	struct frontend a, b, victim;

	(void)state;
	add_port("a", "w");
	add_port("b", "w");
	add_port("victim", "s");
	boot(&a, frontend_connect(daemon_path(&iovd, "a")), 0);
	boot(&b, frontend_connect(daemon_path(&iovd, "b")), 0);
	for (unsigned int i = 0; i < 5; i++) {
		boot(&victim, frontend_connect(daemon_path(&iovd, "victim")), 0);
		for (uint8_t j = 0; j < 20; j++) {
			if (j == 10)
				assert_return_code(ftruncate(victim.guest.fd, 0), errno);
			eventfd_write(victim.kick[1], 1);
			pass_frame(&a, &b, j);
			pass_frame(&b, &a, j);
		}
		frontend_close(&victim);
	}
	assert_int_equal(counter("victim", "connections", "connected"), 5);
	assert_string_equal(daemon_port(&iovd, "port.stats", "a", "drops"), "{ }");
	assert_string_equal(daemon_port(&iovd, "port.stats", "b", "drops"), "{ }");
	frontend_close(&a);
	frontend_close(&b);
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(neighbours_cost_nothing),
		CASE(port_that_was_stormed_serves_again),
		CASE(memory_cut_short_costs_that_port_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
