// SPDX-License-Identifier: GPL-2.0-or-later
// A real front end: QEMU, whose network boot ROM drives the rings and asks for
// an address.  Needs no guest.
#include <errno.h>
#include <fcntl.h>
#include <linux/virtio_config.h>
#include <linux/virtio_net.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/test.h"
#include "tests/wire/driver.h"
#include "vhost-user/protocol/endpoint.h"
#include "vhost-user/protocol/session_internal.h"

#define QEMU "qemu-system-x86_64"
#define NET_HEADER sizeof(struct virtio_net_hdr_mrg_rxbuf)
#define FEATURES                                                                                   \
	(BIT(VIRTIO_F_VERSION_1) | BIT(VIRTIO_NET_F_MRG_RXBUF) | BIT(VIRTIO_RING_F_EVENT_IDX) |    \
	 BIT(VIRTIO_RING_F_INDIRECT_DESC))

/* The firmware takes seconds; the ROM repeats itself after 1, 2, 4 and 8 s. */
#define DEADLINE_MS 90000
#define POLL_MS 10

/* DIMMs that are plugged in: with what the machine has, more than 64 regions. */
#define SLOTS 64

extern char **environ;

struct fixture {
	struct iov *iov;
	sd_event *event;
	struct vu_endpoint *endpoint;
	struct vu_queue *queues[2];
	unsigned int requests;		/* DHCP requests that were seen */
	char directory[64];
	char path[80];
	char monitor[80];
	pid_t qemu;
};

static void on_queue_start(void *arg, struct vu_queue *queue)
{
	((struct fixture *)arg)->queues[queue->index] = queue;
}

static bool on_queue_stop(void *arg, struct vu_queue *queue)
{
	((struct fixture *)arg)->queues[queue->index] = NULL;
	return true;
}

static const struct vu_ops ops = {
	.queue_start = on_queue_start,
	.queue_stop = on_queue_stop,
};

static void open_endpoint(struct fixture *fixture)
{
	const struct vu_device device = {
		.name = "port0", .ops = &ops, .arg = fixture,
		.features = FEATURES, .queues = 2, .queue_num = 1,
	};

	assert_return_code(vu_endpoint_open(&fixture->endpoint, fixture->iov, fixture->event,
					    fixture->path, VU_SERVER, &device, NULL), 0);
}

static void start_qemu(struct fixture *fixture)
{
	char chardev[128], monitor[128];
	char *arguments[] = {
		QEMU, "-M", "q35", "-accel", "tcg", "-m", "64M,slots=64,maxmem=1G", "-nodefaults", "-display", "none",
		"-object", "memory-backend-memfd,id=m,size=64M,share=on", "-numa", "node,memdev=m",
		"-chardev", chardev, "-netdev", "vhost-user,id=n,chardev=c",
		"-device", "virtio-net-pci,netdev=n", "-boot", "n", "-monitor", monitor,
		NULL,
	};

	snprintf(monitor, sizeof(monitor), "unix:%s,server=on,wait=off", fixture->monitor);
	snprintf(chardev, sizeof(chardev), "socket,id=c,path=%s,reconnect=1", fixture->path);
	assert_int_equal(posix_spawnp(&fixture->qemu, QEMU, NULL, NULL, arguments, environ), 0);
}

static int setup(void **state)
{
	struct fixture *fixture = test_calloc(1, sizeof(*fixture));

	assert_return_code(iov_open(&fixture->iov, NULL), 0);
	assert_return_code(sd_event_new(&fixture->event), 0);
	strcpy(fixture->directory, "/tmp/iov-qemu-XXXXXX");
	assert_non_null(mkdtemp(fixture->directory));
	snprintf(fixture->path, sizeof(fixture->path), "%s/port", fixture->directory);
	snprintf(fixture->monitor, sizeof(fixture->monitor), "%s/monitor", fixture->directory);
	open_endpoint(fixture);
	start_qemu(fixture);
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	if (fixture->qemu) {
		kill(fixture->qemu, SIGKILL);
		waitpid(fixture->qemu, NULL, 0);
	}
	vu_endpoint_close(fixture->endpoint);
	sd_event_unref(fixture->event);
	iov_close(fixture->iov);
	unlink(fixture->monitor);
	rmdir(fixture->directory);
	test_free(fixture);
	return 0;
}

/* A UDP packet over IPv4 to the port of a DHCP server. */
static bool is_dhcp_request(const uint8_t *frame, size_t length)
{
	return length > 42 && frame[12] == 0x08 && frame[13] == 0x00 && frame[23] == 17 &&
	       frame[36] == 0 && frame[37] == 67;
}

static void read_frames(struct fixture *fixture)
{
	static struct virtq_batch batch;
	struct vu_queue *queue = fixture->queues[1];
	uint8_t frame[NET_HEADER + 64];

	virtq_batch_reset(&batch);
	if (!queue || !virtq_take(&queue->ring, &batch, VIRTQ_CHAINS_MAX))
		return;
	for (unsigned int i = 0; i < batch.chain_count; i++) {
		struct virtq_cursor cursor = virtq_readable(&batch, &batch.chains[i]);
		size_t length = virtq_cursor_read(&cursor, frame, sizeof(frame));

		if (length > NET_HEADER)
			fixture->requests +=
				is_dhcp_request(frame + NET_HEADER, length - NET_HEADER);
		virtq_push(&queue->ring, &batch.chains[i], 0);
	}
	if (virtq_publish(&queue->ring))
		vu_queue_call(queue);
	assert_int_equal(queue->ring.error, VIRTQ_OK);
}

static void wait_for_requests(struct fixture *fixture, unsigned int count)
{
	for (unsigned int i = 0; i < DEADLINE_MS / POLL_MS && fixture->requests < count; i++) {
		sd_event_run(fixture->event, POLL_MS * 1000);
		read_frames(fixture);
	}
	assert_true(fixture->requests >= count);
}

static void boot_rom_sends_through_a_ring(void **state)
{
	struct fixture *fixture = *state;
	struct vu_stats stats;

	wait_for_requests(fixture, 1);
	assert_true(vu_session_features(vu_endpoint_session(fixture->endpoint)) &
		    BIT(VIRTIO_F_VERSION_1));
	vu_endpoint_stats(fixture->endpoint, &stats);
	for (unsigned int i = 0; i < VU_REFUSALS; i++)
		assert_int_equal(stats.refused[i], 0);
}

/* The back end dies with what it has taken, and another one goes on. */
static void qemu_attaches_to_a_new_back_end_and_goes_on(void **state)
{
	struct fixture *fixture = *state;

	wait_for_requests(fixture, 1);
	vu_endpoint_close(fixture->endpoint);
	fixture->requests = 0;
	open_endpoint(fixture);
	wait_for_requests(fixture, 1);
}

/* One command to QEMU's monitor, of which QEMU has let others do their part meanwhile. */
static void tell_qemu(struct fixture *fixture, int fd, const char *format, unsigned int number)
{
	char text[256];
	int length = snprintf(text, sizeof(text), format, number, number);

	assert_int_equal(write(fd, text, (size_t)length), length);
	for (unsigned int i = 0; i < 3; i++) {
		sd_event_run(fixture->event, POLL_MS * 1000);
		read_frames(fixture);
	}
}

static size_t count_regions(const struct fixture *fixture)
{
	const struct vu_session *session = vu_endpoint_session(fixture->endpoint);

	return session && session->memory ? session->memory->count : 0;
}

static void wait_for_regions(struct fixture *fixture, size_t wanted)
{
	for (unsigned int i = 0; i < DEADLINE_MS / POLL_MS && count_regions(fixture) != wanted; i++) {
		sd_event_run(fixture->event, POLL_MS * 1000);
		read_frames(fixture);
	}
	assert_int_equal(count_regions(fixture), wanted);
}

static void memory_is_plugged_into_a_running_guest(void **state)
{
	struct fixture *fixture = *state;
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	size_t before;

	strcpy(address.sun_path, fixture->monitor);
	wait_for_requests(fixture, 1);
	before = count_regions(fixture);
	assert_return_code(connect(fd, (struct sockaddr *)&address, sizeof(address)), errno);
	for (unsigned int i = 0; i < SLOTS; i++) {
		tell_qemu(fixture, fd, "object_add memory-backend-memfd,id=m%u,size=2M,share=on\n", i);
		tell_qemu(fixture, fd, "device_add pc-dimm,id=d%u,memdev=m%u\n", i);
	}
	wait_for_regions(fixture, before + SLOTS);
	fixture->requests = 0;
	wait_for_requests(fixture, 1);
	close(fd);
}

static void qemu_that_ends_stops_its_rings(void **state)
{
	struct fixture *fixture = *state;

	wait_for_requests(fixture, 1);
	kill(fixture->qemu, SIGTERM);
	while (vu_endpoint_session(fixture->endpoint))
		assert_true(sd_event_run(fixture->event, UINT64_C(1000) * DEADLINE_MS) > 0);
	assert_null(fixture->queues[0]);
	assert_null(fixture->queues[1]);
}

/* QEMU's own search path for ROMs depends on who packaged it. */
static const char *missing_prerequisite(void)
{
	if (system("command -v " QEMU " > /dev/null"))
		return QEMU;
	if (access("/usr/lib/ipxe/qemu/efi-virtio.rom", F_OK) &&
	    access("/usr/share/qemu/efi-virtio.rom", F_OK))
		return "efi-virtio.rom of ipxe-qemu";
	return NULL;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(boot_rom_sends_through_a_ring),
		TEST(qemu_attaches_to_a_new_back_end_and_goes_on),
		TEST(memory_is_plugged_into_a_running_guest),
		TEST(qemu_that_ends_stops_its_rings),
	};
	const char *missing = missing_prerequisite();

	if (missing) {
		printf("skipped: %s is not installed\n", missing);
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
