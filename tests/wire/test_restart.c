// SPDX-License-Identifier: GPL-2.0-or-later
// iovd is killed, and the next one goes on with the guests as they are.
#include <errno.h>
#include <fcntl.h>
#include <linux/virtio_config.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/test.h"
#include "tests/wire/daemon.h"
#include "tests/wire/guests.h"

#define PACKED BIT(VIRTIO_F_RING_PACKED)
#define KILLS 4

static struct daemon iovd;
static struct frontend a, b;

static int connect_to(const char *port)
{
	char path[96];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", iovd.directory, port);
	fd = frontend_connect(path);
	assert_return_code(fd, errno);
	return fd;
}

static int setup(void **state)
{
	(void)state;
	daemon_start(&iovd);
	for (const char *name = "ab"; *name; name++)
		daemon_do(&iovd, "port.add", "{\"name\":\"%c\",\"type\":\"vhost-user\","
			  "\"socket\":\"%s/%c\",\"server\":true}", *name, iovd.directory, *name);
	daemon_do(&iovd, "bridge.add", "{\"name\":\"w\",\"kind\":\"wire\",\"ports\":[\"a\",\"b\"]}");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	frontend_close(&a);
	frontend_close(&b);
	daemon_clean(&iovd);
	return 0;
}

static void boot_both(uint64_t features)
{
	boot(&a, connect_to("a"), features);
	boot(&b, connect_to("b"), features);
}

static void reattach(void)
{
	frontend_reattach(&a, connect_to("a"), 1);
	frontend_reattach(&b, connect_to("b"), 1);
}

static void replace_iovd(bool crash)
{
	if (crash)
		daemon_crash(&iovd);
	else
		assert_int_equal(daemon_end(&iovd), 0);
	daemon_restart(&iovd);
}

/* So many frames that rings go round between one end and the next, and stand anywhere. */
static void go_on(uint64_t features)
{
	boot_both(features);
	for (int i = 0; i < KILLS; i++) {
		for (int round = 0; round <= i; round++)
			expect_traffic(&a, &b);
		replace_iovd(i % 3);
		reattach();
	}
	expect_traffic(&a, &b);
}

static void split_rings_go_on(void **state)
{
	(void)state;
	go_on(0);
}

static void packed_rings_go_on(void **state)
{
	(void)state;
	go_on(PACKED);
}

/* The driver made its rings anew where they were, while iovd was away. */
static void packed_rings_that_were_reset_meanwhile_start_anew(void **state)
{
	(void)state;
	boot_both(PACKED);
	expect_traffic(&a, &b);
	replace_iovd(true);
	for (unsigned int i = 0; i < 2; i++) {
		uint64_t allocated = a.guest.allocated;

		a.guest.allocated =
			(uint64_t)((uint8_t *)driver_descriptor_area(&a.rings[i]) - a.guest.host);
		driver_open(&a.rings[i], &a.guest, FRONTEND_RING_SIZE, a.features);
		a.guest.allocated = allocated;
	}
	frontend_post(&a, 0, 64);
	reattach();
	expect_traffic(&a, &b);
}

/* The front end was told where its rings stand, so it knows what is to be believed. */
static void packed_rings_that_were_stopped_go_on_where_the_front_end_says(void **state)
{
	uint32_t base;

	(void)state;
	boot_both(PACKED);
	expect_traffic(&a, &b);
	base = frontend_stop_ring(&a, 1);
	assert_int_equal(base & 0x7fff, 20);
	replace_iovd(true);
	reattach();
	/* It says that the ring is new, against better knowledge. */
	assert_int_equal(frontend_stop_ring(&a, 1), 0x80008000);
}

/* What QEMU does with frames while iovd is away: it drops them from where it started. */
static void packed_rings_that_the_vmm_used_meanwhile_go_on(void **state)
{
	struct driver *ring = &a.rings[1];
	uint8_t frame[60] = {2};

	(void)state;
	boot_both(PACKED);
	for (int i = 0; i < 2 * FRONTEND_RING_SIZE - 3; i++)
		expect_frame(&a, &b, (uint8_t)i);
	daemon_crash(&iovd);
	for (int i = 0; i < 5; i++)
		assert_true(frontend_transmit(&a, 0, frame, sizeof(frame)));
	/* Three before the place where the ring was when it started, and two from there on */
	for (int i = 0; i < 2; i++) {
		ring->packed.desc[i].len = 0;
		ring->packed.desc[i].flags |= (uint16_t)BIT(VRING_PACKED_DESC_F_USED);
	}
	a.base[1] = 0x80028002;
	daemon_restart(&iovd);
	reattach();
	expect_traffic(&a, &b);
	expect_traffic(&a, &b);
}

/* Whatever is in the file, iovd starts and guests break nothing but their own rings. */
static void file_of_positions_that_is_damaged_is_survived(void **state)
{
	uint8_t noise[4096];
	char path[128];
	int fd;

	(void)state;
	snprintf(path, sizeof(path), "%s.rings", iovd.control);
	boot_both(PACKED);
	expect_traffic(&a, &b);
	daemon_crash(&iovd);
	fd = open(path, O_RDWR | O_CLOEXEC);
	assert_return_code(fd, errno);
	memset(noise, 0xa5, sizeof(noise));
	for (off_t at = 0; at < 1 << 20; at += (off_t)sizeof(noise))
		assert_int_equal(pwrite(fd, noise, sizeof(noise), at), sizeof(noise));
	daemon_restart(&iovd);
	assert_true(daemon_is_alive(&iovd));
	daemon_crash(&iovd);
	assert_return_code(ftruncate(fd, 10), errno);
	daemon_restart(&iovd);
	/* Cut short under a running iovd, it is of no use, and no loss. */
	frontend_close(&a);
	frontend_close(&b);
	boot_both(PACKED);
	assert_return_code(ftruncate(fd, 0), errno);
	expect_traffic(&a, &b);
	assert_true(daemon_is_alive(&iovd));
	close(fd);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(split_rings_go_on),
		CASE(packed_rings_go_on),
		CASE(packed_rings_that_were_reset_meanwhile_start_anew),
		CASE(packed_rings_that_were_stopped_go_on_where_the_front_end_says),
		CASE(packed_rings_that_the_vmm_used_meanwhile_go_on),
		CASE(file_of_positions_that_is_damaged_is_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
