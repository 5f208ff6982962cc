// SPDX-License-Identifier: GPL-2.0-or-later
// iovd as a back-end program for one guest.
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "tests/unit/test.h"
#include "tests/wire/daemon.h"
#include "tests/wire/guests.h"

#define WORDS_MAX 10

/* Only to end a test that would hang. */
#define PATIENCE_MS 60000

static char directory[64];

static const char *path_of(const char *name)
{
	static char path[96];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	return path;
}

static int setup(void **state)
{
	(void)state;
	strcpy(directory, "/tmp/iovkit-wire.XXXXXX");
	assert_non_null(mkdtemp(directory));
	return 0;
}

static int teardown(void **state)
{
	char command[96];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", directory);
	return system(command);
}

/* Words up to NULL after --no-huge. */
static pid_t start(const char *first, ...)
{
	const char *words[WORDS_MAX] = { "iovd", "--no-huge", first };
	size_t count = 3;
	va_list rest;
	pid_t pid;

	va_start(rest, first);
	while ((words[count] = va_arg(rest, const char *)))
		count++;
	va_end(rest);
	pid = fork();
	assert_return_code(pid, errno);
	if (!pid) {
		execv(getenv("IOVD"), (char *const *)words);
		_exit(127);
	}
	return pid;
}

static int status_of(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int end(pid_t pid)
{
	kill(pid, SIGTERM);
	return status_of(pid);
}

static int connect_patiently(const char *path)
{
	int fd = -1;

	for (int tries = 0; fd < 0 && tries < PATIENCE_MS / 20; tries++) {
		fd = frontend_connect(path);
		if (fd < 0)
			poll(NULL, 0, 20);
	}
	assert_return_code(fd, -fd);
	return fd;
}

static void add_port(const struct daemon *lan, const char *name)
{
	daemon_do(lan, "port.add",
		  "{\"name\":\"%s\",\"type\":\"vhost-user\",\"socket\":\"%s/%s\",\"server\":true,"
		  "\"bridge\":\"w\"}", name, lan->directory, name);
}

/* Its uplink is DPDK's own front end, at a port of another iovd. */
static void guest_reaches_what_is_behind_the_uplink(void **state)
{
	struct frontend a, b;
	struct daemon lan = { 0 };
	char uplink[128];
	pid_t pid;

	(void)state;
	daemon_start(&lan);
	daemon_do(&lan, "bridge.add", "{\"name\":\"w\",\"kind\":\"wire\"}");
	add_port(&lan, "up");
	add_port(&lan, "b");
	snprintf(uplink, sizeof(uplink), "net_virtio_user0,path=%s/up,queue_size=256",
		 lan.directory);
	pid = start("--socket-path", path_of("a"), "--uplink", uplink, NULL);
	boot(&a, connect_patiently(path_of("a")), 0);
	snprintf(uplink, sizeof(uplink), "%s/b", lan.directory);
	boot(&b, connect_patiently(uplink), 0);
	expect_traffic(&a, &b);
	assert_int_equal(end(pid), 0);
	assert_true(frontend_is_ended(&a));
	assert_int_equal(access(path_of("a"), F_OK), -1);
	frontend_close(&a);
	frontend_close(&b);
	daemon_clean(&lan);
}

static void socket_that_listens_is_inherited(void **state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int listener = socket(AF_UNIX, SOCK_STREAM, 0);
	struct frontend guest;
	char number[16];
	pid_t pid;

	(void)state;
	strcpy(address.sun_path, path_of("a"));
	assert_return_code(bind(listener, (struct sockaddr *)&address, sizeof(address)), errno);
	assert_return_code(listen(listener, 4), errno);
	snprintf(number, sizeof(number), "%d", listener);
	pid = start("--fd", number, NULL);
	close(listener);
	for (int i = 0; i < 2; i++) {
		boot(&guest, connect_patiently(path_of("a")), 0);
		frontend_close(&guest);
	}
	assert_int_equal(end(pid), 0);
	/* It belongs to who made it. */
	assert_return_code(access(path_of("a"), F_OK), errno);
}

static void connection_is_inherited_and_iovd_ends_with_it(void **state)
{
	struct frontend guest;
	char number[16];
	int pair[2];
	pid_t pid;

	(void)state;
	assert_return_code(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), errno);
	fcntl(pair[0], F_SETFD, FD_CLOEXEC);
	snprintf(number, sizeof(number), "%d", pair[1]);
	pid = start("--fd", number, NULL);
	close(pair[1]);
	boot(&guest, pair[0], 0);
	frontend_close(&guest);
	assert_int_equal(status_of(pid), 0);
}

/* The management layer loses its patience "after a few seconds". */
static void it_ends_promptly_under_traffic(void **state)
{
	struct frontend guest;
	unsigned int before;
	uint8_t frame[128];
	pid_t pid;

	(void)state;
	pid = start("--socket-path", path_of("a"), "--uplink", "net_null0", NULL);
	boot(&guest, connect_patiently(path_of("a")), 0);
	for (int tries = 0; frontend_take(&guest, 0, frame, sizeof(frame)) < 0; tries++) {
		assert_true(tries < PATIENCE_MS);
		poll(NULL, 0, 1);
	}
	before = (unsigned int)monotonic_ms();
	assert_int_equal(end(pid), 0);
	printf("ended %u ms after SIGTERM\n", (unsigned int)monotonic_ms() - before);
	assert_true((unsigned int)monotonic_ms() - before < 10000);
	frontend_close(&guest);
}

static void wrong_words_are_refused(void **state)
{
	(void)state;
	assert_int_equal(status_of(start("--socket-path", "/tmp/x", "--fd", "3", NULL)), 2);
	assert_int_equal(status_of(start("--fd", "1", NULL)), 2);
	assert_int_equal(status_of(start("--fd", "three", NULL)), 2);
	assert_int_equal(status_of(start("--uplink", "net_null0", NULL)), 2);
	assert_int_equal(status_of(start("--iommu", NULL)), 2);
	assert_int_equal(status_of(start("--fd", "900", NULL)), 1);
	assert_int_equal(status_of(start("--socket-path", path_of("no/such"), NULL)), 1);
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(guest_reaches_what_is_behind_the_uplink),
		CASE(socket_that_listens_is_inherited),
		CASE(connection_is_inherited_and_iovd_ends_with_it),
		CASE(it_ends_promptly_under_traffic),
		CASE(wrong_words_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
