// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Everything that the control thread changes, changed again and again while the worker
 * forwards a stream of frames: ports, bridges, rings, memory.  For sanitizers above all; the
 * number of rounds may be given.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/test.h"
#include "tests/wire/daemon.h"
#include "tests/wire/guests.h"

static unsigned int rounds = 10;
static struct daemon iovd;

static void add_port(const char *name)
{
	daemon_do(&iovd, "port.add",
		  "{\"name\":\"%s\",\"type\":\"vhost-user\",\"server\":true,\"socket\":\"%s/%s.sock\"}",
		  name, iovd.directory, name);
}

static void bridge_all(const char *ports)
{
	daemon_do(&iovd, "bridge.add", "{\"name\":\"s\",\"kind\":\"switch\",\"ports\":[%s]}", ports);
}

static void boot_at(struct frontend *guest, const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s.sock", iovd.directory, name);
	boot(guest, frontend_connect(path), 0);
}

struct stream {
	struct frontend *from;
	atomic_bool stop;
	unsigned int sent;
};

/* Broadcasts as fast as they go. */
static void *send_frames(void *arg)
{
	struct stream *stream = arg;
	uint8_t frame[200] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 9, 0x88, 0xb5};

	while (!atomic_load(&stream->stop)) {
		if (frontend_transmit(stream->from, 0, frame, sizeof(frame)))
			stream->sent++;
		else
			poll(NULL, 0, 1);
	}
	return NULL;
}

/* What the stream left in its ring arrives before anything else does. */
static void wait_until_sent(struct frontend *guest)
{
	struct driver *ring = &guest->rings[1];
	struct vring_used_elem done;

	for (unsigned int tries = 0; ring->free_count < ring->size && tries < 20000;)
		if (!driver_used(ring, &done)) {
			poll(NULL, 0, 1);
			tries++;
		}
	assert_int_equal(ring->free_count, ring->size);
}

static unsigned int take_frames(struct frontend *guest)
{
	uint8_t frame[2048];
	unsigned int count = 0;

	while (frontend_take(guest, 0, frame, sizeof(frame)) >= 0)
		count++;
	return count;
}

/* In the memory behind @mark, where the stopped ring may have been. */
static void restart_receive_ring(struct frontend *guest, uint64_t mark)
{
	frontend_stop_ring(guest, 0);
	guest->guest.allocated = mark;
	frontend_start_ring(guest, 0);
	frontend_enable_ring(guest, 0, true);
	frontend_post(guest, 0, 16);
}

static void change_everything(struct frontend *a, uint64_t mark)
{
	struct frontend c;

	restart_receive_ring(a, mark);
	frontend_enable_ring(a, 0, false);
	frontend_enable_ring(a, 0, true);
	add_port("c");
	daemon_do(&iovd, "bridge.remove", "{\"name\":\"s\"}");
	bridge_all("\"a\",\"b\",\"c\"");
	boot_at(&c, "c");
	assert_int_equal(frontend_share_memory(a), 0);
	json_object_put(daemon_call(&iovd, "port.stats", "{}"));
	json_object_put(daemon_call(&iovd, "version", "{}"));
	daemon_do(&iovd, "port.remove", "{\"name\":\"c\"}");
	frontend_close(&c);
}

static void whatever_is_changed_frames_go_on(void **state)
{
	struct frontend a, b;
	struct stream stream = {.from = &b};
	unsigned int taken = 0;
	pthread_t thread;
	uint64_t mark;

	(void)state;
	daemon_start(&iovd);
	add_port("a");
	add_port("b");
	bridge_all("\"a\",\"b\"");
	boot_at(&a, "a");
	boot_at(&b, "b");
	mark = a.guest.allocated;
	assert_int_equal(pthread_create(&thread, NULL, send_frames, &stream), 0);
	for (unsigned int i = 0; i < rounds; i++) {
		change_everything(&a, mark);
		taken += take_frames(&a);
	}
	atomic_store(&stream.stop, true);
	pthread_join(thread, NULL);
	wait_until_sent(&b);
	assert_true(stream.sent > 0 && taken > 0);
	restart_receive_ring(&a, mark);
	take_frames(&a);
	expect_frame(&b, &a, 1);
	expect_frame(&a, &b, 2);
	frontend_close(&a);
	frontend_close(&b);
	assert_int_equal(daemon_end(&iovd), 0);
}

/* Also of a test that failed, or whoever reads our output waits for iovd. */
static int teardown(void **state)
{
	(void)state;
	daemon_clean(&iovd);
	return 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(whatever_is_changed_frames_go_on, teardown),
	};

	if (argc > 1)
		rounds = (unsigned int)atoi(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
