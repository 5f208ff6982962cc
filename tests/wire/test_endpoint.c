// SPDX-License-Identifier: GPL-2.0-or-later
// Listening, connecting and connecting again, over sockets in a directory of our own.
#include <errno.h>
#include <fcntl.h>
#include <linux/virtio_config.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/unit/test.h"
#include "tests/wire/frontend.h"
#include "vhost-user/protocol/endpoint.h"

struct fixture {
	struct iov *iov;
	sd_event *event;
	struct vu_endpoint *endpoint;
	struct vu_device device;
	char directory[64];
	char path[80];
	unsigned int running;
	bool drains;			/* rings do not stop at once */
	struct vu_queue *draining[2];
};

static void on_queue_start(void *arg, struct vu_queue *queue)
{
	(void)queue;
	((struct fixture *)arg)->running++;
}

static bool on_queue_stop(void *arg, struct vu_queue *queue)
{
	struct fixture *fixture = arg;

	if (fixture->drains)
		fixture->draining[queue->index] = queue;
	else
		fixture->running--;
	return !fixture->drains;
}

static bool on_queue_abandon(void *arg, struct vu_queue *queue)
{
	struct fixture *fixture = arg;

	assert_ptr_equal(fixture->draining[queue->index], queue);
	fixture->draining[queue->index] = NULL;
	fixture->running--;
	return false;
}

/* All rings have drained. */
static void drained(struct fixture *fixture)
{
	for (unsigned int i = 0; i < 2; i++) {
		assert_non_null(fixture->draining[i]);
		vu_queue_stopped(fixture->draining[i]);
		fixture->draining[i] = NULL;
		fixture->running--;
	}
}

static const struct vu_ops ops = {
	.queue_start = on_queue_start,
	.queue_stop = on_queue_stop,
	.queue_abandon = on_queue_abandon,
};

static int setup(void **state)
{
	struct fixture *fixture = test_calloc(1, sizeof(*fixture));

	assert_return_code(iov_open(&fixture->iov, NULL), 0);
	assert_return_code(sd_event_new(&fixture->event), 0);
	strcpy(fixture->directory, "/tmp/iov-endpoint-XXXXXX");
	assert_non_null(mkdtemp(fixture->directory));
	snprintf(fixture->path, sizeof(fixture->path), "%s/port", fixture->directory);
	fixture->device = (struct vu_device){
		.name = "port0", .ops = &ops, .arg = fixture,
		.features = BIT(VIRTIO_F_VERSION_1), .queues = 2, .queue_num = 1,
	};
	*state = fixture;
	return 0;
}

/* An endpoint leaves nothing behind. */
static int teardown(void **state)
{
	struct fixture *fixture = *state;

	vu_endpoint_close(fixture->endpoint);
	assert_int_equal(fixture->running, 0);
	sd_event_unref(fixture->event);
	iov_close(fixture->iov);
	unlink(fixture->path);
	assert_return_code(rmdir(fixture->directory), errno);
	test_free(fixture);
	return 0;
}

static int open_endpoint(struct fixture *fixture, enum vu_endpoint_mode mode)
{
	return vu_endpoint_open(&fixture->endpoint, fixture->iov, fixture->event, fixture->path, mode,
				&fixture->device, NULL);
}

/* Let the event loop do what there is to do. */
static void pump(void *arg)
{
	struct fixture *fixture = arg;

	while (sd_event_run(fixture->event, 0) > 0)
		;
}

/* Run the event loop until there is a session, or none. */
static void wait_for_session(struct fixture *fixture, bool wanted)
{
	while (!vu_endpoint_session(fixture->endpoint) == wanted)
		assert_true(sd_event_run(fixture->event, UINT64_C(20000000)) > 0);
}

static void connect_frontend(struct fixture *fixture, struct frontend *frontend, int fd)
{
	assert_return_code(fd, 0);
	frontend_open(frontend, fd, UINT64_C(2) << 20);
	frontend->pump = pump;
	frontend->pump_arg = fixture;
}

static int listen_at(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(address.sun_path, path);
	assert_return_code(bind(fd, (struct sockaddr *)&address, sizeof(address)), errno);
	assert_return_code(listen(fd, 4), errno);
	return fd;
}

static void server_serves_one_front_end_after_another(void **state)
{
	struct fixture *fixture = *state;
	struct frontend frontend;
	struct vu_stats stats;

	assert_return_code(open_endpoint(fixture, VU_SERVER), 0);
	for (unsigned int i = 0; i < 3; i++) {
		connect_frontend(fixture, &frontend, frontend_connect(fixture->path));
		frontend_start(&frontend, UINT64_MAX, 1);
		assert_int_equal(fixture->running, 2);
		frontend_close(&frontend);
		wait_for_session(fixture, false);
		assert_int_equal(fixture->running, 0);
	}
	vu_endpoint_stats(fixture->endpoint, &stats);
	assert_true(stats.messages > 30);
	assert_int_equal(stats.messages % 3, 0);
}

static void socket_is_for_owner_and_group_whatever_the_umask(void **state)
{
	struct fixture *fixture = *state;
	mode_t mask = umask(077);
	struct stat file;

	assert_return_code(open_endpoint(fixture, VU_SERVER), 0);
	umask(mask);
	assert_return_code(stat(fixture->path, &file), errno);
	assert_int_equal(file.st_mode & 07777, 0660);
}

static void second_front_end_is_turned_away(void **state)
{
	struct fixture *fixture = *state;
	struct frontend first, second;

	assert_return_code(open_endpoint(fixture, VU_SERVER), 0);
	connect_frontend(fixture, &first, frontend_connect(fixture->path));
	frontend_start(&first, UINT64_MAX, 1);
	connect_frontend(fixture, &second, frontend_connect(fixture->path));
	assert_true(frontend_is_ended(&second));
	frontend_close(&second);
	assert_int_equal(fixture->running, 2);

	/* One that comes when the first has just gone is not a second one. */
	frontend_close(&first);
	connect_frontend(fixture, &second, frontend_connect(fixture->path));
	frontend_start(&second, UINT64_MAX, 1);
	assert_int_equal(fixture->running, 2);
	frontend_close(&second);
}

static void front_end_that_breaks_the_protocol_is_replaced_by_the_next(void **state)
{
	struct fixture *fixture = *state;
	struct frontend frontend;

	assert_return_code(open_endpoint(fixture, VU_SERVER), 0);
	connect_frontend(fixture, &frontend, frontend_connect(fixture->path));
	frontend_start(&frontend, UINT64_MAX, 1);
	frontend_send_raw(&frontend, "GET / HTTP/1.1\r\n\r\n", 18);
	assert_true(frontend_is_ended(&frontend));
	assert_int_equal(fixture->running, 0);
	frontend_close(&frontend);
	connect_frontend(fixture, &frontend, frontend_connect(fixture->path));
	frontend_start(&frontend, UINT64_MAX, 1);
	frontend_close(&frontend);
}

static void socket_of_a_living_server_is_left_alone(void **state)
{
	struct fixture *fixture = *state;
	int other = listen_at(fixture->path);

	assert_int_equal(open_endpoint(fixture, VU_SERVER), -EADDRINUSE);
	assert_non_null(strstr(iov_error_message(fixture->iov), fixture->path));
	assert_return_code(access(fixture->path, F_OK), errno);
	close(other);
}

static void socket_of_a_dead_server_is_replaced(void **state)
{
	struct fixture *fixture = *state;

	close(listen_at(fixture->path));
	assert_return_code(access(fixture->path, F_OK), errno);
	assert_return_code(open_endpoint(fixture, VU_SERVER), 0);
	int fd = frontend_connect(fixture->path);

	assert_return_code(fd, 0);
	close(fd);
}

static void file_that_is_no_socket_is_left_alone(void **state)
{
	struct fixture *fixture = *state;

	close(open(fixture->path, O_CREAT | O_WRONLY, 0600));
	assert_int_equal(open_endpoint(fixture, VU_SERVER), -EEXIST);
	assert_return_code(access(fixture->path, F_OK), errno);
}

static void directory_that_is_not_there_is_named(void **state)
{
	struct fixture *fixture = *state;

	strcpy(fixture->path, fixture->directory);
	strcat(fixture->path, "/none/port");
	assert_int_equal(open_endpoint(fixture, VU_SERVER), -ENOENT);
	assert_non_null(strstr(iov_error_message(fixture->iov), fixture->path));
}

static void path_that_is_too_long_is_refused(void **state)
{
	struct fixture *fixture = *state;
	char path[200];

	memset(path, 'x', sizeof(path));
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(vu_endpoint_open(&fixture->endpoint, fixture->iov, fixture->event, path,
					  VU_SERVER, &fixture->device, NULL), -ENAMETOOLONG);
}

static void closed_server_removes_its_socket_and_no_other(void **state)
{
	struct fixture *fixture = *state;

	assert_return_code(open_endpoint(fixture, VU_SERVER), 0);
	vu_endpoint_close(fixture->endpoint);
	assert_int_equal(access(fixture->path, F_OK), -1);

	assert_return_code(open_endpoint(fixture, VU_SERVER), 0);
	unlink(fixture->path);
	int other = listen_at(fixture->path);

	vu_endpoint_close(fixture->endpoint);
	fixture->endpoint = NULL;
	assert_return_code(access(fixture->path, F_OK), errno);
	close(other);
}

static void client_connects_as_soon_as_somebody_listens_and_again(void **state)
{
	struct fixture *fixture = *state;
	struct frontend frontend;

	assert_return_code(open_endpoint(fixture, VU_CLIENT), 0);
	assert_null(vu_endpoint_session(fixture->endpoint));
	for (unsigned int i = 0; i < 2; i++) {
		int listener = listen_at(fixture->path);

		wait_for_session(fixture, true);
		connect_frontend(fixture, &frontend, accept(listener, NULL, NULL));
		frontend_start(&frontend, UINT64_MAX, 1);
		assert_int_equal(fixture->running, 2);
		close(listener);
		unlink(fixture->path);
		frontend_close(&frontend);
		wait_for_session(fixture, false);
	}
}

/* It is not turned away, and finds all rings stopped. */
static void next_front_end_waits_for_rings_that_drain(void **state)
{
	struct fixture *fixture = *state;
	struct frontend first, second;

	assert_return_code(open_endpoint(fixture, VU_SERVER), 0);
	connect_frontend(fixture, &first, frontend_connect(fixture->path));
	frontend_start(&first, UINT64_MAX, 1);
	fixture->drains = true;
	frontend_close(&first);
	connect_frontend(fixture, &second, frontend_connect(fixture->path));
	pump(fixture);
	assert_null(vu_endpoint_session(fixture->endpoint));
	assert_int_equal(fixture->running, 2);
	assert_false(frontend_is_ended(&second));
	fixture->drains = false;
	drained(fixture);
	frontend_start(&second, UINT64_MAX, 1);
	assert_int_equal(fixture->running, 2);
	assert_int_equal(vu_endpoint_events(fixture->endpoint)[VU_EVENT_TURNED_AWAY], 0);
	frontend_close(&second);
}

static void client_connects_again_when_rings_have_drained(void **state)
{
	struct fixture *fixture = *state;
	int listener = listen_at(fixture->path);
	struct frontend frontend;

	assert_return_code(open_endpoint(fixture, VU_CLIENT), 0);
	connect_frontend(fixture, &frontend, accept(listener, NULL, NULL));
	frontend_start(&frontend, UINT64_MAX, 1);
	fixture->drains = true;
	frontend_close(&frontend);
	wait_for_session(fixture, false);
	pump(fixture);
	assert_int_equal(vu_endpoint_events(fixture->endpoint)[VU_EVENT_CONNECTED], 1);
	fixture->drains = false;
	drained(fixture);
	wait_for_session(fixture, true);
	assert_int_equal(vu_endpoint_events(fixture->endpoint)[VU_EVENT_CONNECTED], 2);
	close(listener);
	unlink(fixture->path);
}

/* With a front end that asked for the end of a ring, and with none any more. */
static void close_abandons_rings_that_drain(void **state)
{
	struct vu_vring_state index = {1, 0};
	struct fixture *fixture = *state;
	struct frontend frontend;

	for (unsigned int way = 0; way < 2; way++) {
		fixture->drains = false;
		assert_return_code(open_endpoint(fixture, VU_SERVER), 0);
		connect_frontend(fixture, &frontend, frontend_connect(fixture->path));
		frontend_start(&frontend, UINT64_MAX, 1);
		fixture->drains = true;
		if (way)
			frontend_send(&frontend, VU_GET_VRING_BASE, 0, &index, sizeof(index), NULL, 0);
		else
			shutdown(frontend.fd, SHUT_RDWR);
		pump(fixture);
		assert_int_equal(fixture->running, 2);
		assert_non_null(fixture->draining[1]);
		vu_endpoint_close(fixture->endpoint);
		fixture->endpoint = NULL;
		assert_int_equal(fixture->running, 0);
		frontend_close(&frontend);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(server_serves_one_front_end_after_another),
		TEST(socket_is_for_owner_and_group_whatever_the_umask),
		TEST(second_front_end_is_turned_away),
		TEST(front_end_that_breaks_the_protocol_is_replaced_by_the_next),
		TEST(socket_of_a_living_server_is_left_alone),
		TEST(socket_of_a_dead_server_is_replaced),
		TEST(file_that_is_no_socket_is_left_alone),
		TEST(directory_that_is_not_there_is_named),
		TEST(path_that_is_too_long_is_refused),
		TEST(closed_server_removes_its_socket_and_no_other),
		TEST(client_connects_as_soon_as_somebody_listens_and_again),
		TEST(next_front_end_waits_for_rings_that_drain),
		TEST(client_connects_again_when_rings_have_drained),
		TEST(close_abandons_rings_that_drain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
