// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A back end of libiov-vhost-user: a front end that negotiates what it likes, says anything and goes
 * away at any time; its guest, which asks for anything or does anything to its rings; a device that
 * reads as much of a request and answers as much as it likes.
 *
 * Whatever comes, the device never reads more than there is.  While the guest behaves, each of its
 * requests comes back once, with as much as the device wrote.  Descriptors are gone in the end.
 */
#include <errno.h>
#include <linux/virtio_config.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "tests/fuzz/descriptors.h"
#include "tests/fuzz/migrates.h"
#include "tests/fuzz/says.h"
#include "tests/unit/test.h"
#include "vhost-user/library/backend.h"
#include "vhost-user/memory/iotlb.h"
#include "vhost-user/ring/ring_features.h"

#define MEMORY (UINT64_C(4) << 20)
#define OPS 48
#define CONNECTIONS 3
#define RINGS 3
#define TURNS 64
#define WAITS 8
#define PARTS 4
#define ASKED_MAX 64
#define PATIENCE_MS 2000
#define CONFIG_BYTES 64

/* The front end, by the bits of a byte. */
#define KIND_INBAND 1
#define KIND_TRANSLATED 2
#define KIND_RAW 4		/* nothing is set up in good order */
#define KIND_STICKS 8		/* its configuration space is written by nobody */

static const uint64_t features[] = {
	BIT(VIRTIO_F_RING_PACKED), BIT(VIRTIO_RING_F_EVENT_IDX), BIT(VIRTIO_RING_F_INDIRECT_DESC),
	BIT(VIRTIO_F_IN_ORDER), BIT(VIRTIO_F_NOTIFICATION_DATA), BIT(VIRTIO_F_RING_RESET),
};

static struct iov *iov;
static char directory[] = "/tmp/fuzz-library-XXXXXX", path[64];
static struct iov_vu *vu;

static struct frontend guest;
static bool is_open, is_tame, is_gone;
static unsigned int connections, waits, out_count;
static bool is_out[RINGS][FRONTEND_RING_SIZE];
static uint32_t writes[RINGS][FRONTEND_RING_SIZE];	/* what a request has room for */
static uint8_t appetite;				/* what the device reads and writes at once */

/* Over all inputs. */
static unsigned int answered, returned, reset, written, misses, moved;

/* The device */

static void on_request(void *arg, struct iov_vu_request *request)
{
	static uint8_t bytes[4096];
	const size_t step = 1 + 16u * (appetite & 0x7f);
	size_t left = iov_vu_readable(request), got;

	(void)arg;
	assert_true(iov_vu_queue(request) < RINGS);
	do {
		got = iov_vu_read(request, appetite & 0x80 ? NULL : bytes, step);
		assert_true(got <= step && got <= left);
		left -= got;
		assert_int_equal(iov_vu_readable(request), left);
	} while (got == step);
	left = iov_vu_writable(request);
	do {
		got = iov_vu_write(request, bytes, step);
		assert_true(got <= step && got <= left);
		left -= got;
		assert_int_equal(iov_vu_writable(request), left);
	} while (got == step && !(appetite & 1));
	answered++;
	if ((appetite & 0x0f) == 0x0f)
		iov_vu_config_changed(vu);
}

static void on_get_config(void *arg, uint8_t *space, size_t size)
{
	(void)arg;
	assert_int_equal(size, CONFIG_BYTES);
	memset(space, 1, size);
}

static int on_set_config(void *arg, uint32_t offset, const uint8_t *bytes, uint32_t size)
{
	(void)arg;
	assert_true(offset <= CONFIG_BYTES && size <= CONFIG_BYTES - offset);
	written++;
	return size && bytes[size - 1] ? -EINVAL : 0;
}

static void on_reset(void *arg)
{
	(void)arg;
	reset++;
}

static const struct iov_vu_ops all_ops = {
	.size = sizeof(all_ops), .request = on_request, .get_config = on_get_config,
	.set_config = on_set_config, .reset = on_reset,
};
static const struct iov_vu_ops least_ops = {
	.size = sizeof(least_ops), .request = on_request, .get_config = on_get_config,
};

static void pump(void *arg)
{
	(void)arg;
	for (unsigned int i = 0; i < TURNS && iov_vu_run(vu, 0) > 0; i++)
		;
}

/* Rings that nobody kicks are looked at by a clock. */
static void settle(void)
{
	pump(NULL);
	if (waits++ < WAITS)
		poll(NULL, 0, 2);
	pump(NULL);
}

static void open_device(uint8_t kind)
{
	const struct iov_vu_device device = {
		.size = sizeof(device), .name = "fuzz", .queues = RINGS, .config_size = CONFIG_BYTES,
		.ops = kind & KIND_STICKS ? &least_ops : &all_ops,
	};

	assert_return_code(iov_vu_open(&vu, iov, path, &device), 0);
	assert_true(iov_vu_fd(vu) >= 0);
	assert_int_equal(iov_vu_features(vu), 0);
}

/* The front end */

static uint64_t any_features(uint8_t bits)
{
	uint64_t mask = BIT(VIRTIO_F_VERSION_1) | BIT(VIRTIO_F_ACCESS_PLATFORM);

	for (unsigned int i = 0; i < sizeof(features) / sizeof(*features); i++)
		mask |= bits & 1u << i ? features[i] : 0;
	return mask;
}

static void come(struct fuzz_input *input, uint8_t kind)
{
	uint8_t bits = fuzz_u8(input);
	int fd = connections++ < CONNECTIONS ? frontend_connect(path) : -1;

	is_tame = is_gone = false;
	memset(is_out, 0, sizeof(is_out));
	out_count = 0;
	if (fd < 0)
		return;
	memset(&guest, 0, sizeof(guest));
	frontend_open(&guest, fd, MEMORY);
	guest.pump = pump;
	guest.is_inband = kind & KIND_INBAND;
	guest.is_translated = kind & KIND_TRANSLATED;
	is_open = true;
	if (kind & KIND_RAW)
		return;
	frontend_negotiate(&guest, any_features(bits));
	assert_int_equal(iov_vu_features(vu) & ~(BIT(VU_F_PROTOCOL_FEATURES) | BIT(VU_F_LOG_ALL)),
			 guest.features & ~BIT(VU_F_PROTOCOL_FEATURES));
	frontend_share_memory(&guest);
	if (guest.is_translated || guest.is_inband)
		frontend_open_channel(&guest);
	for (unsigned int i = 0; i < RINGS; i++) {
		frontend_start_ring(&guest, i);
		frontend_enable_ring(&guest, i, true);
	}
	is_tame = true;
}

static void go(void)
{
	if (!is_open)
		return;
	frontend_close(&guest);
	is_open = false;
	pump(NULL);
}

static bool has_ring(unsigned int index)
{
	return is_open && guest.rings[index].size && !is_gone;
}

/* Its guest */

static void take_back(void)
{
	struct vring_used_elem done;

	for (unsigned int i = 0; i < RINGS; i++) {
		while (is_tame && has_ring(i) && driver_used(&guest.rings[i], &done)) {
			assert_true(done.id < FRONTEND_RING_SIZE && is_out[i][done.id]);
			assert_true(done.len <= writes[i][done.id]);
			is_out[i][done.id] = false;
			out_count--;
			returned++;
		}
	}
}

static void kick(unsigned int ring)
{
	const struct vu_vring_state state = {.index = ring};

	if (guest.is_inband)
		frontend_send(&guest, VU_VRING_KICK, 0, &state, sizeof(state), NULL, 0);
	else
		eventfd_write(guest.kick[ring], 1);
}

/* What it wants to know where it is, is told; calls and changes of its configuration are heard. */
static void listen_to_device(void)
{
	struct vu_header header;
	union {
		struct vu_iotlb miss;
		uint8_t bytes[64];
	} payload;

	for (unsigned int i = 0; i < ASKED_MAX && is_tame && guest.channel >= 0 &&
				 frontend_asked(&guest, &header, &payload, sizeof(payload)); i++) {
		if (header.request == VU_BACKEND_IOTLB_MSG) {
			frontend_map(&guest, payload.miss.iova & ~UINT64_C(4095), 4096, IOTLB_READ_WRITE);
			misses++;
		}
		if (header.flags & VU_FLAG_NEED_REPLY)
			frontend_answer(&guest, header.request, 0);
	}
	pump(NULL);
}

static void ask(struct fuzz_input *input)
{
	const uint8_t kind = fuzz_u8(input), many = fuzz_u8(input);
	const unsigned int ring = kind % RINGS;
	struct driver *driver = &guest.rings[ring];
	struct driver_buffer buffers[2 * PARTS];
	unsigned int count = 0;
	uint32_t room = 0;
	int head;

	appetite = fuzz_u8(input);
	take_back();
	if (!is_tame || !has_ring(ring) || driver->free_count < 2 * PARTS + 1)
		return;
	for (unsigned int i = 0; i < many % (PARTS + 1); i++)
		buffers[count++] = (struct driver_buffer){
			guest.pool[ring][i], 1 + fuzz_below(input, FRONTEND_BUFFER), false};
	for (unsigned int i = 0; i < (many >> 4) % (PARTS + 1) || !count; i++) {
		buffers[count] = (struct driver_buffer){
			guest.pool[ring][PARTS + i], 1 + fuzz_below(input, FRONTEND_BUFFER), true};
		room += buffers[count++].length;
	}
	head = driver_add(driver, buffers, count);
	assert_true(head >= 0 && !is_out[ring][head]);
	is_out[ring][head] = true;
	writes[ring][head] = room;
	out_count++;
	if (kind & 0x80)
		return;
	driver_publish(driver);
	kick(ring);
	pump(NULL);
	listen_to_device();
	take_back();
}

static void say(struct fuzz_input *input)
{
	says(&guest, input);
	is_tame = false;
	pump(NULL);
}

static void scribble(struct fuzz_input *input)
{
	scribbles(is_open && !is_gone ? &guest : NULL, input);
	is_tame = false;
	for (unsigned int i = 0; i < RINGS; i++)
		if (has_ring(i))
			kick(i);
	pump(NULL);
}

/* Memory that was shared is no more; nobody here may touch it from now on. */
static void lose_memory(void)
{
	if (!is_open || is_gone)
		return;
	is_tame = false;
	for (unsigned int i = 0; i < RINGS; i++)
		if (has_ring(i))
			driver_publish(&guest.rings[i]);
	is_gone = true;
	assert_return_code(ftruncate(guest.guest.fd, 0), errno);
	for (unsigned int i = 0; i < RINGS; i++)
		eventfd_write(guest.kick[i], 1);
	pump(NULL);
}

/* As a VMM does it while its guest pauses. */
static void stop_and_go(unsigned int ring)
{
	if (!is_tame || !has_ring(ring))
		return;
	guest.base[ring] = frontend_stop_ring(&guest, ring);
	take_back();
	assert_true(frontend_announce_ring(&guest, ring));
	frontend_enable_ring(&guest, ring, true);
	listen_to_device();
}

static void forget_translations(void)
{
	if (is_tame && !is_gone && guest.is_translated)
		frontend_unmap(&guest, guest.guest.gpa, MEMORY);
}

/* Its guest is about to move: what is written is told, and its device has no state. */
static void keep_log(void)
{
	if (!is_tame || is_gone || !has_ring(0))
		return;
	is_gone = !keeps_log(&guest);
	moved += !is_gone;
}

static void write_config(struct fuzz_input *input)
{
	struct vu_config config = {.size = 1 + fuzz_below(input, 8)};

	config.offset = fuzz_below(input, CONFIG_BYTES + 8);
	config.bytes[config.size - 1] = fuzz_u8(input) & 1;
	if (!is_open || is_gone)
		return;
	frontend_send(&guest, VU_SET_CONFIG, 0, &config, VU_CONFIG_HEADER + config.size, NULL, 0);
	is_gone |= has_ended(&guest);
}

static void act(struct fuzz_input *input, uint8_t op, uint8_t kind)
{
	switch (op & 15) {
	case 7:
		return forget_translations();
	case 8:
		return say(input);
	case 9:
		return scribble(input);
	case 10:
		return op & 16 ? lose_memory() : keep_log();
	case 11:
		go();
		return come(input, op & 16 ? kind : op >> 5);
	case 12:
		return stop_and_go((op >> 4) % RINGS);
	case 13:
		return write_config(input);
	case 14:
		return iov_vu_config_changed(vu);
	case 15:
		return settle();
	default:
		return ask(input);
	}
}

static void converse(struct fuzz_input *input, uint8_t kind)
{
	come(input, kind);
	for (unsigned int i = 0; i < OPS && fuzz_left(input) && is_open; i++) {
		act(input, fuzz_u8(input), kind);
		if (is_open && !is_tame)
			is_gone |= has_ended(&guest);
	}
	/* All that is published is done. */
	for (unsigned int i = 0; i < RINGS && is_tame; i++) {
		if (!has_ring(i))
			continue;
		driver_publish(&guest.rings[i]);
		kick(i);
		pump(NULL);
	}
	if (!is_tame || is_gone)
		return;
	listen_to_device();
	take_back();
	assert_true(!out_count || guest.is_translated);
}

/* What may wait is closed by a thread. */
static void expect_descriptors(unsigned int count)
{
	for (unsigned int i = 0; i < PATIENCE_MS && count_descriptors() != count; i++)
		poll(NULL, 0, 1);
	assert_int_equal(count_descriptors(), count);
}

static void run(struct fuzz_input *input)
{
	const unsigned int fds = count_descriptors();
	uint8_t kind = fuzz_u8(input);

	connections = waits = 0;
	open_device(kind);
	converse(input, kind);
	go();
	assert_int_equal(iov_vu_features(vu), 0);
	iov_vu_close(vu);
	expect_descriptors(fds);
}

static void expect_refused(struct iov_vu_device device)
{
	assert_int_equal(iov_vu_open(&vu, iov, path, &device), -EINVAL);
	assert_true(*iov_error_message(iov));
}

/* What cannot be a device is told why. */
static void refuse_devices(void)
{
	static const struct iov_vu_ops none = {.size = sizeof(none)}, small = {.size = 1};
	const struct iov_vu_device good = {
		.size = sizeof(good), .name = "fuzz", .queues = RINGS, .ops = &all_ops,
	};
	struct iov_vu_device device = good;

	device.size--;
	expect_refused(device);
	device = good;
	device.name = NULL;
	expect_refused(device);
	device = good;
	device.ops = &none;
	expect_refused(device);
	device.ops = &small;
	expect_refused(device);
	device = good;
	device.queues = 257;
	expect_refused(device);
	device = good;
	device.config_size = IOV_VU_CONFIG_MAX + 1;
	expect_refused(device);
	iov_vu_close(NULL);
}

static void remove_directory(void)
{
	unlink(path);
	rmdir(directory);
}

static void open_all(void)
{
	assert_non_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/socket", directory);
	atexit(remove_directory);
	assert_return_code(iov_open(&iov, NULL), 0);
	refuse_devices();
}

static void reached_everything(void)
{
	assert_true(answered && returned && reset && written && misses && moved);
	iov_close(iov);
}

const struct fuzz_target fuzz_target = {
	.open = open_all,
	.run = run,
	.done = reached_everything,
};
