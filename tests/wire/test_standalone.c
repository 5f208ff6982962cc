// SPDX-License-Identifier: GPL-2.0-or-later
// iovd as a back-end program for one guest.
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/virtio_blk.h>
#include <linux/virtio_config.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
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

static int listen_at(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int listener = socket(AF_UNIX, SOCK_STREAM, 0);

	strcpy(address.sun_path, path);
	assert_return_code(bind(listener, (struct sockaddr *)&address, sizeof(address)), errno);
	assert_return_code(listen(listener, 4), errno);
	return listener;
}

static void socket_that_listens_is_inherited(void **state)
{
	int listener = listen_at(path_of("a"));
	struct frontend guest;
	char number[16];
	pid_t pid;

	(void)state;
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

/* A disk from a raw file, as suites of others have it. */

#define BLOCK 4096
#define BLOCKS 64
#define DISK_FEATURES (BIT(VIRTIO_F_VERSION_1) | BIT(VIRTIO_BLK_F_FLUSH) | BIT(VIRTIO_BLK_F_CONFIG_WCE))

static struct vu_inflight_area area = { .queues = 1, .entries = FRONTEND_RING_SIZE };
static int inflight_fd;

static pid_t start_disk(int listener)
{
	char number[16], image[96];

	snprintf(number, sizeof(number), "%d", listener);
	strcpy(image, path_of("image"));
	return start("--fd", number, "--blk-file", image, NULL);
}

static void set_up(struct frontend *guest)
{
	frontend_negotiate(guest, DISK_FEATURES);
	if (inflight_fd < 0) {
		frontend_send(guest, VU_GET_INFLIGHT_FD, 0, &area, sizeof(area), NULL, 0);
		assert_int_equal(frontend_receive_fd(guest, VU_GET_INFLIGHT_FD, &area, sizeof(area),
						     &inflight_fd), sizeof(area));
	}
	assert_int_equal(frontend_call(guest, VU_SET_INFLIGHT_FD, &area, sizeof(area), &inflight_fd, 1),
			 0);
	assert_int_equal(frontend_share_memory(guest), 0);
}

static void boot_disk(struct frontend *guest)
{
	frontend_open(guest, connect_patiently(path_of("a")), UINT64_C(4) << 20);
	inflight_fd = -1;
	set_up(guest);
	frontend_start_ring(guest, 0);
	frontend_enable_ring(guest, 0, true);
}

static void reattach_disk(struct frontend *guest)
{
	close(guest->fd);
	guest->fd = connect_patiently(path_of("a"));
	set_up(guest);
	assert_true(frontend_announce_ring(guest, 0));
	frontend_enable_ring(guest, 0, true);
}

/* One request, of @type, for a block with this byte in it; its status. */
static uint8_t ask(struct frontend *guest, uint32_t type, unsigned int block, uint8_t value)
{
	const struct virtio_blk_outhdr header = { htole32(type), 0, htole64(block * 8) };
	const uint64_t at = guest_alloc(&guest->guest, 16 + BLOCK + 1, 16);
	const bool is_read = type == VIRTIO_BLK_T_IN, has_data = type != VIRTIO_BLK_T_FLUSH;
	const struct driver_buffer buffers[] = {
		{ at, 16, false }, { at + 16 + BLOCK, 1, true }, { at + 16 + BLOCK, 1, true },
	};
	struct driver_buffer chain[3];
	uint8_t *bytes = (uint8_t *)guest_at(&guest->guest, at) + 16;
	struct vring_used_elem element;

	memcpy(chain, buffers, sizeof(chain));
	if (has_data)
		chain[1] = (struct driver_buffer){ at + 16, BLOCK, is_read };
	memcpy(bytes - 16, &header, 16);
	memset(bytes, is_read ? 0x55 : value, BLOCK);
	bytes[BLOCK] = 0xff;
	assert_true(driver_add(&guest->rings[0], chain, has_data ? 3 : 2) >= 0);
	driver_publish(&guest->rings[0]);
	eventfd_write(guest->kick[0], 1);
	for (int tries = 0; !driver_used(&guest->rings[0], &element); tries++) {
		assert_true(tries < PATIENCE_MS);
		poll(NULL, 0, 1);
	}
	for (unsigned int i = 0; i < BLOCK && is_read && !bytes[BLOCK]; i++)
		assert_int_equal(bytes[i], value);
	return bytes[BLOCK];
}

static uint8_t cache(struct frontend *guest)
{
	struct vu_config config = { .size = 60 };

	frontend_send(guest, VU_GET_CONFIG, 0, &config, VU_CONFIG_HEADER + 60, NULL, 0);
	frontend_receive(guest, VU_GET_CONFIG, &config, VU_CONFIG_HEADER + 60);
	return config.bytes[offsetof(struct virtio_blk_config, wce)];
}

static void make_image(void)
{
	int fd = open(path_of("image"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	assert_return_code(fd, errno);
	assert_return_code(ftruncate(fd, BLOCKS * BLOCK), errno);
	close(fd);
}

static void disk_is_served_at_a_socket_that_listens(void **state)
{
	struct frontend guest;
	uint8_t in_file = 0;
	int listener, fd;
	pid_t pid;

	(void)state;
	make_image();
	listener = listen_at(path_of("a"));
	pid = start_disk(listener);
	for (uint8_t round = 1; round < 4; round++) {
		boot_disk(&guest);
		assert_int_equal(ask(&guest, VIRTIO_BLK_T_IN, 5, (uint8_t)(round - 1)), VIRTIO_BLK_S_OK);
		assert_int_equal(ask(&guest, VIRTIO_BLK_T_OUT, 5, round), VIRTIO_BLK_S_OK);
		assert_int_equal(ask(&guest, VIRTIO_BLK_T_FLUSH, 0, 0), VIRTIO_BLK_S_OK);
		assert_int_equal(ask(&guest, VIRTIO_BLK_T_IN, 5, round), VIRTIO_BLK_S_OK);
		assert_int_equal(ask(&guest, VIRTIO_BLK_T_IN, BLOCKS, 0), VIRTIO_BLK_S_IOERR);
		frontend_close(&guest);
		close(inflight_fd);
	}
	assert_int_equal(end(pid), 0);
	fd = open(path_of("image"), O_RDONLY | O_CLOEXEC);
	assert_int_equal(pread(fd, &in_file, 1, 5 * BLOCK), 1);
	assert_int_equal(in_file, 3);
	close(fd);
	/* It belongs to who made it. */
	assert_return_code(access(path_of("a"), F_OK), errno);
	close(listener);
}

/* Nobody keeps what a driver said to an iovd that was killed, so it is taken for the safer thing. */
static void disk_goes_on_after_a_kill_and_its_cache_is_off(void **state)
{
	struct frontend guest;
	int listener;
	pid_t pid;

	(void)state;
	make_image();
	listener = listen_at(path_of("a"));
	pid = start_disk(listener);
	boot_disk(&guest);
	assert_int_equal(cache(&guest), 1);
	assert_int_equal(ask(&guest, VIRTIO_BLK_T_OUT, 7, 9), VIRTIO_BLK_S_OK);
	kill(pid, SIGKILL);
	assert_int_equal(status_of(pid), 128 + SIGKILL);
	pid = start_disk(listener);
	reattach_disk(&guest);
	assert_int_equal(ask(&guest, VIRTIO_BLK_T_IN, 7, 9), VIRTIO_BLK_S_OK);
	assert_int_equal(cache(&guest), 0);
	/* A driver that begins anew begins with a cache. */
	frontend_send(&guest, VU_RESET_DEVICE, 0, NULL, 0, NULL, 0);
	assert_int_equal(cache(&guest), 1);
	frontend_close(&guest);
	close(inflight_fd);
	assert_int_equal(end(pid), 0);
	close(listener);
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
		CASE(disk_is_served_at_a_socket_that_listens),
		CASE(disk_goes_on_after_a_kill_and_its_cache_is_off),
		CASE(connection_is_inherited_and_iovd_ends_with_it),
		CASE(it_ends_promptly_under_traffic),
		CASE(wrong_words_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
