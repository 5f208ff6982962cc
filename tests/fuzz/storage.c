// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * All of iovd but its main(), with a disk: a front end that negotiates what it likes, says anything
 * and goes away at any time; its guest, which asks for anything or does anything to its rings; an
 * image that changes its size, an NBD server and an NVMe controller that do as they like; rings that
 * move from worker to worker; clients that ask for disks.
 *
 * Another guest has a disk, too.  After each input what it wrote is there, and descriptors and ports
 * are gone.  While the first one behaves, each of its requests comes back, once, with a status.
 */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/virtio_blk.h>
#include <linux/virtio_config.h>
#include <poll.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/fuzz/clients.h"
#include "tests/fuzz/descriptors.h"
#include "tests/fuzz/function.h"
#include "tests/fuzz/migrates.h"
#include "tests/fuzz/nbd_server.h"
#include "tests/fuzz/network.h"
#include "tests/fuzz/says.h"
#include "tests/fuzz/services.h"
#include "tests/fuzz/traces.h"
#include "tests/unit/test.h"
#include "vhost-user/port/disk_port.h"
#include "vhost-user/port/disks.h"
#include "vhost-user/port/registry.h"

#define MEMORY (UINT64_C(4) << 20)
#define OPS 48
#define CONNECTIONS 3
#define BLOCK 4096
#define DISK_BYTES (64 * BLOCK)
#define RINGS 3

/* What a request may carry, on a boundary of what a device may write; its header is before that. */
#define DATA_MAX (4 * BLOCK)
#define ALIGNMENT 512
#define HEADER sizeof(struct virtio_blk_outhdr)
#define SLOTS 16
#define PARTS 8

/* What the disk is, by the bits of a byte: first where it is. */
#define KIND_BACKEND 7
enum {
	KIND_QUICK_FILE, KIND_MEMORY, KIND_NULL, KIND_SLOW_FILE,
	KIND_QUICK_FILE_CACHED, KIND_NBD, KIND_NVME, KIND_SLOW_FILE_CACHED,
};
#define KIND_RINGS 8
#define KIND_READ_ONLY 16
#define KIND_WAITS 32
#define KIND_THROUGH 64
#define KIND_RAW 128		/* nothing is set up in good order */

static const uint64_t features[] = {
	BIT(VIRTIO_F_RING_PACKED), BIT(VIRTIO_RING_F_EVENT_IDX), BIT(VIRTIO_RING_F_INDIRECT_DESC),
	BIT(VIRTIO_F_IN_ORDER), BIT(VIRTIO_BLK_F_FLUSH), BIT(VIRTIO_BLK_F_CONFIG_WCE),
	BIT(VIRTIO_BLK_F_DISCARD) | BIT(VIRTIO_BLK_F_WRITE_ZEROES) | BIT(VIRTIO_BLK_F_SECURE_ERASE),
};
#define FEATURES_TRACKED 0x80

#define ADD(options) "\"disk.add\",\"params\":{\"name\":\"y\",\"socket\":\"$/y\",\"server\":true," options "}}"
#define SET(options) "\"disk.set\",\"params\":{\"name\":\"p\"," options "}}"

static const char *const requests[] = {
	"\"disk.list\"}", "\"disk.show\",\"params\":{\"name\":\"p\"}}",
	"\"disk.stats\",\"params\":{\"name\":\"p\"}}", "\"disk.stats\"}", "\"port.list\"}",
	"\"metrics\"}",
	"\"disk.resize\",\"params\":{\"name\":\"p\"}}",
	"\"disk.resize\",\"params\":{\"name\":\"p\",\"bytes\":262144}}",
	"\"disk.resize\",\"params\":{\"name\":\"p\",\"bytes\":524288}}",
	"\"disk.resize\",\"params\":{\"name\":\"p\",\"bytes\":4096,\"shrink\":true}}",
	"\"disk.resize\",\"params\":{\"name\":\"p\",\"bytes\":1}}",
	"\"disk.resize\",\"params\":{\"name\":\"p\",\"bytes\":18446744073709551615}}",
	"\"disk.resize\",\"params\":{\"name\":\"none\",\"bytes\":4096}}",
	"\"disk.resize\",\"params\":{\"name\":\"y\",\"bytes\":4096}}",
	SET("\"clear_errors\":true"), SET("\"on_error\":\"wait\""), SET("\"on_error\":\"report\""),
	SET("\"on_error\":\"ignore\""),
	"\"disk.set\",\"params\":{\"name\":\"none\",\"on_error\":\"wait\"}}",
	"\"port.set\",\"params\":{\"name\":\"p\",\"link\":\"down\"}}",
	"\"disk.remove\",\"params\":{\"name\":\"none\"}}",
	"\"disk.show\",\"params\":{\"name\":\"none\"}}",
	"\"disk.show\",\"params\":{\"name\":\"y\"}}",
	"\"disk.stats\",\"params\":{\"name\":\"y\"}}",
	"\"disk.remove\",\"params\":{\"name\":\"y\",\"unused\":true}}",
	"\"disk.remove\",\"params\":{\"name\":\"p\"}}",
	ADD("\"backend\":\"null\",\"bytes\":1048576"), ADD("\"backend\":\"null\",\"bytes\":1"),
	ADD("\"backend\":\"null\""), ADD("\"backend\":\"null\",\"bytes\":4096,\"path\":\"/x\""),
	ADD("\"backend\":\"memory\",\"bytes\":1048576,\"serial\":\"s\",\"queues\":2,"
	    "\"on_error\":\"wait\",\"write_through\":true"),
	ADD("\"backend\":\"memory\",\"bytes\":1152921504606846976"),
	ADD("\"backend\":\"memory\",\"bytes\":4096,\"queues\":999"),
	ADD("\"backend\":\"memory\",\"bytes\":4096,\"read_only\":true,\"cached\":true"),
	ADD("\"backend\":\"memory\",\"bytes\":4096,\"serial\":\"longer-than-twenty-characters\""),
	ADD("\"backend\":\"memory\",\"bytes\":4096,\"on_error\":\"ignore\""),
	ADD("\"backend\":\"none\",\"bytes\":4096"), ADD("\"bytes\":4096"),
	ADD("\"backend\":\"file\""), ADD("\"backend\":\"file\",\"path\":\"x\""),
	ADD("\"backend\":\"file\",\"path\":\"$/none\""), ADD("\"backend\":\"file\",\"path\":\"/dev/null\""),
	ADD("\"backend\":\"file\",\"path\":\"/\""), ADD("\"backend\":\"file\",\"path\":\"/proc/self/maps\""),
	ADD("\"backend\":\"file\",\"path\":\"/dev/zero\",\"bytes\":4096"),
	"\"disk.add\",\"params\":{\"name\":\"y\",\"socket\":\"/y\",\"server\":true,"
		"\"backend\":\"file\",\"path\":\"$/image\"}}",
	"\"disk.add\",\"params\":{\"name\":\"y\",\"backend\":\"null\",\"bytes\":4096}}",
	"\"disk.add\",\"params\":{\"name\":\"y\",\"socket\":\"/y/\",\"backend\":\"null\",\"bytes\":4096}}",
	"\"disk.add\",\"params\":{\"name\":\"p\",\"socket\":\"/y\",\"backend\":\"null\",\"bytes\":4096}}",
	"\"port.add\",\"params\":{\"name\":\"y\",\"type\":\"disk\",\"socket\":\"/y\",\"mac\":\"02:00:00:00:00:07\"}}",
	"\"qos.add\",\"params\":{\"name\":\"g\",\"bytes\":1000000,\"iops\":1000,\"burst_ms\":1}}",
	"\"qos.set\",\"params\":{\"name\":\"g\",\"iops\":0,\"write_bytes\":100000}}",
	"\"qos.remove\",\"params\":{\"name\":\"g\"}}", "\"qos.show\",\"params\":{\"name\":\"g\"}}",
	SET("\"qos\":\"g\""), SET("\"qos\":\"none\""),
	SET("\"qos\":\"\""), "\"qos.list\"}",
	"\"port.set\",\"params\":{\"name\":\"p\",\"mtu\":1500}}",
	ADD("\"backend\":\"nbd\",\"uri\":\"nbd://host\""),
	ADD("\"backend\":\"nbd\",\"uri\":\"nbd://[::1]:1\""),
	ADD("\"backend\":\"nbd\",\"uri\":\"nbd://127.0.0.1:1/x\""),
	ADD("\"backend\":\"nbd\",\"uri\":\"nbds://127.0.0.1\""),
	ADD("\"backend\":\"nbd\",\"uri\":\"http://127.0.0.1\""),
	ADD("\"backend\":\"nbd\",\"uri\":\"nbd+unix:///?socket=x\""),
	ADD("\"backend\":\"nbd\",\"uri\":\"nbd+unix:///?socket=$/none\""),
	ADD("\"backend\":\"nbd\",\"uri\":\"nbd+unix:///?socket=$/left\""),
	ADD("\"backend\":\"nbd\",\"uri\":\"nbd+unix:///?socket=$/control\""),
	ADD("\"backend\":\"nbd\",\"uri\":\"nbd://192.0.2.7\",\"queues\":2"),
	ADD("\"backend\":\"nvme\",\"path\":\"" FUNCTION "\""),
	ADD("\"backend\":\"nvme\",\"path\":\"" FUNCTION "/1\""),
	ADD("\"backend\":\"nvme\",\"path\":\"" FUNCTION "/n2\""),
	ADD("\"backend\":\"nvme\",\"path\":\"" FUNCTION "/n2\",\"read_only\":true"),
	ADD("\"backend\":\"nvme\",\"path\":\"" FUNCTION "/0\""),
	ADD("\"backend\":\"nvme\",\"path\":\"" FUNCTION "/99999999999\""),
	ADD("\"backend\":\"nvme\",\"path\":\"0000:ff:1f.7/1\""),
	ADD("\"backend\":\"nvme\",\"path\":\"a-text-that-is-much-longer-than-any-function/1\""),
	"\"disk.add\",\"params\":{\"name\":\"y\",\"socket\":\"$/y\",\"server\":true,\"qos\":\"g\","
		"\"backend\":\"memory\",\"bytes\":4096}}",
	ADD("\"backend\":\"memory\",\"bytes\":1048576,\"incoming\":true"),
	ADD("\"backend\":\"file\",\"path\":\"$/image\",\"incoming\":true"),
	ADD("\"backend\":\"memory\",\"bytes\":1048576,\"zone_bytes\":65536"),
	ADD("\"backend\":\"memory\",\"bytes\":1048576,\"zone_bytes\":65537"),
	ADD("\"backend\":\"file\",\"path\":\"$/image\",\"zone_bytes\":65536"),
	SET("\"zone_bytes\":65536"),
	ADD("\"backend\":\"file\",\"path\":\"$/image\",\"io_poll\":true"),
	ADD("\"backend\":\"file\",\"path\":\"$/image\",\"register_memory\":true"),
	ADD("\"backend\":\"null\",\"bytes\":4096,\"io_poll\":true"),
	ADD("\"backend\":\"null\",\"bytes\":4096,\"register_memory\":true"),
	ADD("\"backend\":\"null\",\"bytes\":4096,\"incoming\":true"),
	"\"disk.trace\",\"params\":{\"name\":\"p\"}}", "\"disk.trace\",\"params\":{\"name\":\"none\"}}",
	"\"port.trace\",\"params\":{\"name\":\"p\"}}",
};
#define REQUESTS (sizeof(requests) / sizeof(*requests))

/* Where a request of a guest is in its memory: header, data, status. */
struct slot {
	uint64_t gpa;
	unsigned int ring;
	int head;
	uint32_t in;		/* bytes that it is to be answered */
	bool is_out;
};

/* One is in memory, and read and written at once. */
static char quick_path[sizeof(services.directory) + sizeof("/image")];
static char slow_path[] = "/tmp/fuzz-image-XXXXXX";
static bool can_register;		/* it is not in memory itself */

static struct frontend guest;
static struct slot slots[SLOTS];
static bool is_open, is_tame, is_gone;
static unsigned int connections, rings;
static uint8_t server_kind;
static int inflight_fd = -1;
static int log_fd = -1;			/* of pages that are written; -1 while nobody asks for them */
static struct vu_inflight_area area;

static struct frontend witness;
static struct slot witness_slot;

/* Over all inputs. */
static bool is_early;			/* somebody came by post-copy */
static unsigned int statuses[3], moved, given_back_later, refused, waited, given_up, came_early, logged,
	traced;

/* A guest */

static uint8_t *data_of(const struct frontend *frontend, const struct slot *slot)
{
	return guest_at(&frontend->guest, slot->gpa);
}

static uint8_t *status_of(const struct frontend *frontend, const struct slot *slot)
{
	return data_of(frontend, slot) + DATA_MAX;
}

static uint64_t slot_alloc(struct frontend *frontend)
{
	return guest_alloc(&frontend->guest, ALIGNMENT + DATA_MAX + 1, ALIGNMENT) + ALIGNMENT;
}

/* Add @length bytes at @gpa in parts of @step bytes; as one when they would be too many. */
static unsigned int add_parts(struct driver_buffer *buffers, uint64_t gpa, uint32_t length,
			      uint32_t step, bool writable)
{
	unsigned int count = 0;

	if (!step || length / step >= PARTS)
		step = length;
	for (uint32_t at = 0; at < length; at += step)
		buffers[count++] = (struct driver_buffer){
			gpa + at, length - at < step ? length - at : step, writable};
	return count;
}

static void kick(struct frontend *frontend, unsigned int ring)
{
	const struct vu_vring_state state = {.index = ring};

	if (frontend->is_inband)
		frontend_send(frontend, VU_VRING_KICK, 0, &state, sizeof(state), NULL, 0);
	else
		eventfd_write(frontend->kick[ring], 1);
}

/* Data in parts of @step bytes; small ones cut the header as well. */
static bool submit(struct frontend *frontend, struct slot *slot, uint32_t out, uint32_t in,
		   uint32_t step)
{
	const uint32_t ahead = step < ALIGNMENT ? HEADER : 0;
	struct driver_buffer buffers[2 * PARTS + 2];
	unsigned int count = 0;

	if (!ahead)
		count += add_parts(buffers, slot->gpa - HEADER, HEADER, 0, false);
	count += add_parts(buffers + count, slot->gpa - ahead, ahead + out, step, false);
	count += add_parts(buffers + count, slot->gpa, in, step, true);
	buffers[count++] = (struct driver_buffer){slot->gpa + DATA_MAX, 1, true};
	*status_of(frontend, slot) = 0xff;
	slot->in = in;
	slot->head = driver_add(&frontend->rings[slot->ring], buffers, count);
	slot->is_out = slot->head >= 0;
	driver_publish(&frontend->rings[slot->ring]);
	kick(frontend, slot->ring);
	return slot->is_out;
}

static void write_header(struct frontend *frontend, const struct slot *slot, uint32_t type,
			 uint64_t sector)
{
	const struct virtio_blk_outhdr header = {htole32(type), 0, htole64(sector)};

	memcpy(data_of(frontend, slot) - HEADER, &header, sizeof(header));
}

static bool has_ring(unsigned int index)
{
	return is_open && guest.rings[index].size && !is_gone;
}

/* What it was answered has to go along with a guest that moves. */
static void check_log(const struct slot *slot, uint8_t status)
{
	if (log_fd < 0)
		return;
	expect_logged(log_fd, slot->gpa + DATA_MAX, 1);
	if (slot->in && status == VIRTIO_BLK_S_OK)
		expect_logged(log_fd, slot->gpa, slot->in);
	logged++;
}

static void take_one(unsigned int ring, uint32_t head)
{
	for (unsigned int i = 0; i < SLOTS; i++) {
		struct slot *slot = &slots[i];
		uint8_t status;

		if (!slot->is_out || slot->ring != ring || (uint32_t)slot->head != head)
			continue;
		status = *status_of(&guest, slot);
		assert_true(status <= VIRTIO_BLK_S_UNSUPP);
		statuses[status]++;
		slot->is_out = false;
		check_log(slot, status);
		return;
	}
	fail_msg("%u is given back, and is not in flight", head);
}

/* Each once, and only what was asked for. */
static void take_back(void)
{
	struct vring_used_elem done;

	for (unsigned int i = 0; i < rings; i++)
		while (is_tame && has_ring(i) && driver_used(&guest.rings[i], &done))
			take_one(i, done.id);
}

static struct disk_port *find_disk(void)
{
	struct port *port;

	return disk_find(services.registry, "p", &port) ? NULL : disk_port_of(port);
}

/* NULL for a disk that is on none. */
static struct keeper *find_keeper(void)
{
	const struct disk_port *disk = find_disk();
	struct blk_backend *backend = disk ? disk->disk.backend : NULL;

	return backend && backend->ops == &blk_backend_nvme ? ((struct nvme_disk *)backend)->keeper : NULL;
}

/* A disk that waits for its medium does so for good. */
static bool waits_for_good(void)
{
	const struct disk_port *disk = find_disk();

	return disk && disk->disk.on_error == BLK_ERROR_WAIT;
}

/* That of the beginning is well again. */
static void heal(void)
{
	nbd_server_heal();
	if (function_model())
		controller_heal(function_model());
}

/* For who waits for a controller, time goes by. */
static void hurry(void)
{
	struct keeper *keeper = find_keeper();

	if (keeper)
		controller_second(keeper);
}

static bool has_all(void)
{
	hurry();
	take_back();
	for (unsigned int i = 0; i < SLOTS; i++)
		if (slots[i].is_out)
			return false;
	return true;
}

static void list_ranges(struct fuzz_input *input, const struct slot *slot, uint32_t count)
{
	struct virtio_blk_discard_write_zeroes *list = (void *)data_of(&guest, slot);

	for (uint32_t i = 0; i < count; i++) {
		uint8_t at = fuzz_u8(input), kind = fuzz_u8(input);

		list[i].sector = htole64(at < 128 ? 4u * at : fuzz_edge(input));
		list[i].num_sectors = htole32(kind & 128 ? (uint32_t)fuzz_edge(input) : kind & 31);
		list[i].flags = htole32(kind & 64 ? 1 : 0);
	}
}

static void ask(struct fuzz_input *input)
{
	static const uint32_t types[] = {VIRTIO_BLK_T_IN, VIRTIO_BLK_T_OUT, VIRTIO_BLK_T_FLUSH,
		VIRTIO_BLK_T_GET_ID, VIRTIO_BLK_T_DISCARD, VIRTIO_BLK_T_WRITE_ZEROES,
		VIRTIO_BLK_T_SECURE_ERASE, VIRTIO_BLK_T_SCSI_CMD};
	uint8_t kind = fuzz_u8(input), size = fuzz_u8(input);
	uint32_t type = types[kind & 7], step = fuzz_u8(input), out = 0, in = 0;
	uint64_t sector = kind & 0x40 ? fuzz_edge(input) : 8u * (fuzz_u8(input) % 64);
	struct slot *slot = &slots[(kind >> 3) & 7];
	uint32_t length = size & 0x80 ? size & 0x7f : 512u * (size % (DATA_MAX / 512 + 1));
	const unsigned int ring = kind & 0x80 ? rings - 1 : 0;

	take_back();
	if (!is_tame || !has_ring(ring) || slot->is_out)
		return;
	slot->ring = ring;
	write_header(&guest, slot, type, sector);
	if (type == VIRTIO_BLK_T_IN || type == VIRTIO_BLK_T_GET_ID)
		in = type == VIRTIO_BLK_T_IN ? length : size;
	else if (type == VIRTIO_BLK_T_OUT)
		out = length;
	else if (type != VIRTIO_BLK_T_FLUSH)
		list_ranges(input, slot, size % 8);
	if (type >= VIRTIO_BLK_T_DISCARD)
		out = 16u * (size % 8);
	submit(&guest, slot, out, in, step < 128 ? step : ALIGNMENT * (1 + step % 8));
	services_settle();
	take_back();
}

/* Its front end */

static bool is_at_server(uint8_t kind)
{
	return (kind & KIND_BACKEND) == KIND_NBD;
}

static bool is_on_controller(uint8_t kind)
{
	return (kind & KIND_BACKEND) == KIND_NVME;
}

/* NULL for a disk that is in no file. */
static const char *image_of(uint8_t kind)
{
	if ((kind & 3) % 3 || services.registry->disks->why_no_uring)
		return NULL;
	return kind & 3 ? slow_path : quick_path;
}

static struct disk_options disk_of(uint8_t kind)
{
	struct disk_options disk = {
		.backend = "memory",
		.read_only = kind & KIND_READ_ONLY,
		.queues = kind & KIND_RINGS ? RINGS : 0,
		.on_error = kind & KIND_WAITS ? "wait" : NULL,
		.write_through = kind & KIND_THROUGH,
	};

	if (image_of(kind)) {
		disk.backend = "file";
		disk.path = image_of(kind);
		disk.cached = (kind & KIND_BACKEND) >= KIND_QUICK_FILE_CACHED;
		disk.register_memory = can_register && disk.path == slow_path && !(kind & KIND_READ_ONLY);
	} else if (is_at_server(kind)) {
		disk.backend = "nbd";
		disk.uri = nbd_server_uri(server_kind & 1);
		disk.cached = server_kind & 2;
	} else if (is_on_controller(kind)) {
		disk.backend = "nvme";
		disk.path = server_kind & 1 ? FUNCTION "/2" : FUNCTION;
	} else {
		disk.backend = (kind & KIND_BACKEND) == KIND_NULL ? "null" : "memory";
		disk.bytes = DISK_BYTES;
	}
	return disk;
}

static int add_disk(uint8_t kind, bool is_incoming)
{
	struct port_options options = {
		.name = "p",
		.type = "disk",
		.socket = services.port,
		.server = true,
		.disk = disk_of(kind),
	};
	struct port *port;

	options.disk.incoming = is_incoming;
	rings = kind & KIND_RINGS ? RINGS : 1;
	return port_add(services.registry, &options, &port);
}

static uint64_t any_features(uint8_t bits)
{
	uint64_t mask = BIT(VIRTIO_F_VERSION_1);

	for (unsigned int i = 0; i < sizeof(features) / sizeof(*features); i++)
		mask |= bits & 1u << i ? features[i] : 0;
	return mask;
}

static void track(void)
{
	area = (struct vu_inflight_area){.queues = (uint16_t)rings, .entries = FRONTEND_RING_SIZE};
	frontend_send(&guest, VU_GET_INFLIGHT_FD, 0, &area, sizeof(area), NULL, 0);
	assert_int_equal(frontend_receive_fd(&guest, VU_GET_INFLIGHT_FD, &area, sizeof(area),
					     &inflight_fd), sizeof(area));
	assert_int_equal(frontend_call(&guest, VU_SET_INFLIGHT_FD, &area, sizeof(area), &inflight_fd,
				       1), 0);
}

static void start_rings(void)
{
	for (unsigned int i = 0; i < rings; i++) {
		frontend_start_ring(&guest, i);
		frontend_enable_ring(&guest, i, true);
	}
	for (unsigned int i = 0; i < SLOTS; i++)
		slots[i].gpa = slot_alloc(&guest);
}

static bool is_alone(void)
{
	const struct disk_port *disk;

	hurry();
	disk = find_disk();
	return !disk || !front_end_session(&disk->port);
}

static bool has_drained(void)
{
	const struct disk_port *disk;

	if (!is_alone())
		return false;
	disk = find_disk();
	for (unsigned int i = 0; disk && i < disk->port.queue_end; i++)
		if (disk->port.queues[i])
			return false;
	return true;
}

/* Nobody else is served before what the last one had in flight is done, by whoever does not answer, too. */
static void wait_for_last(void)
{
	if (has_drained())
		return;
	heal();
	services_expect_soon(has_drained);
}

static void come(struct fuzz_input *input, uint8_t kind, bool is_inband)
{
	uint8_t bits = fuzz_u8(input);
	int fd;

	wait_for_last();
	fd = connections++ < CONNECTIONS ? frontend_connect(services.port) : -1;
	is_tame = is_gone = false;
	memset(slots, 0, sizeof(slots));
	if (fd < 0)
		return;
	memset(&guest, 0, sizeof(guest));
	frontend_open(&guest, fd, MEMORY);
	guest.pump = services_pump;
	guest.is_inband = is_inband;
	is_open = true;
	if (kind & KIND_RAW)
		return;
	frontend_negotiate(&guest, any_features(bits));
	if (bits & FEATURES_TRACKED)
		track();
	frontend_share_memory(&guest);
	if (is_inband)
		frontend_open_channel(&guest);
	start_rings();
	is_tame = true;
}

static void forget(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void go(void)
{
	if (is_open)
		frontend_close(&guest);
	is_open = false;
	forget(&inflight_fd);
	forget(&log_fd);
	services_expect_soon(is_alone);
}

/* What @op says besides of one who comes: one by post-copy was there before, and had all of its memory. */
#define COMES_EARLY 0xc0
#define COMES_WHOLE 0x20

/* Its rings stand still until all of its memory is there, if that ever is. */
static void come_early(bool is_whole)
{
	int fd;

	wait_for_last();
	/* Once for each input, as it takes long. */
	fd = is_early || !services.registry->postcopy ? -1 : frontend_connect(services.port);
	if (fd < 0)
		return;
	is_early = true;
	came_early++;
	memset(&guest, 0, sizeof(guest));
	frontend_open(&guest, fd, MEMORY);
	guest.pump = services_pump;
	is_open = true;
	frontend_negotiate(&guest, any_features(is_whole ? 0xff : 0x7e));
	if (is_whole)
		track();
	memset(guest.guest.host, 0, MEMORY);
	listens_for_memory(&guest);
	start_rings();
	clients_request_of(&(struct fuzz_input){ 0 }, requests, 2, false);
	if (is_whole)
		assert_int_equal(frontend_get(&guest, VU_POSTCOPY_END), 0);
	go();
}

/* Its back end goes, and comes again; what it had is done by the one that came, once. */
static void come_again(void)
{
	int fd;

	if (!is_open || !is_tame || is_gone || inflight_fd < 0 || connections++ >= CONNECTIONS)
		return;
	forget(&log_fd);
	guest.features &= ~BIT(VU_F_LOG_ALL);
	close(guest.fd);
	services_expect_soon(is_alone);
	wait_for_last();
	guest.fd = frontend_connect(services.port);
	fd = inflight_fd;
	if (guest.fd < 0) {
		guest.fd = eventfd(0, EFD_CLOEXEC);
		is_gone = true;
		return;
	}
	frontend_negotiate(&guest, guest.features);
	assert_int_equal(frontend_call(&guest, VU_SET_INFLIGHT_FD, &area, sizeof(area), &fd, 1), 0);
	assert_int_equal(frontend_share_memory(&guest), 0);
	for (unsigned int i = 0; i < rings; i++) {
		given_back_later += frontend_announce_ring(&guest, i);
		frontend_enable_ring(&guest, i, true);
	}
	services_settle();
}

static void say(struct fuzz_input *input)
{
	says(&guest, input);
	is_tame = false;
	services_settle();
}

static void scribble(struct fuzz_input *input)
{
	scribbles(is_open && !is_gone ? &guest : NULL, input);
	is_tame = false;
	if (has_ring(0)) {
		kick(&guest, 0);
		services_settle();
	}
}

/* Memory that was shared is no more; nobody here may touch it from now on. */
static void lose_memory(void)
{
	if (!is_open || is_gone)
		return;
	is_tame = false;
	is_gone = true;
	assert_return_code(ftruncate(guest.guest.fd, 0), errno);
	eventfd_write(guest.kick[0], 1);
	services_settle();
}

/*
 * What a ring had not taken when it was stopped is behind its position: what a QoS group holds back, or
 * whose disk another process still has.
 */
static unsigned int left_behind(unsigned int ring)
{
	const struct driver *driver = &guest.rings[ring];
	const uint16_t base = (uint16_t)guest.base[ring];

	if (driver->is_packed)
		return base == (driver->added | driver->packed.added_wrap << 15) ? 0 : SLOTS;
	return (uint16_t)(driver->published - base);
}

static unsigned int out_of(unsigned int ring)
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < SLOTS; i++)
		count += slots[i].is_out && slots[i].ring == ring;
	return count;
}

/* As a VMM does it when its guest pauses: nothing is in flight then. */
static void stop_and_go(void)
{
	if (!is_tame || !has_ring(0) || waits_for_good())
		return;
	heal();
	guest.base[0] = frontend_stop_ring(&guest, 0);
	take_back();
	assert_in_range(out_of(0), 0, left_behind(0));
	assert_true(frontend_announce_ring(&guest, 0));
	frontend_enable_ring(&guest, 0, true);
	services_settle();
}

static bool is_ready(void)
{
	const struct disk_port *disk = find_disk();

	return !disk || !disk->lock.timer;
}

/* Who has the image while the guest is away. */
enum stay { STAY_NOBODY, STAY_READS, STAY_WRITES, STAY_KEEPS };

static int lock_image(uint8_t kind, enum stay stay)
{
	const int how = (stay == STAY_READS ? LOCK_SH : LOCK_EX) | LOCK_NB;
	const char *image = image_of(kind);
	int fd = image && stay ? open(image, O_RDWR | O_CLOEXEC) : -1;

	/* What the guest wrote goes to the medium first. */
	for (unsigned int i = 0; fd >= 0 && i < 100; i++) {
		if (!flock(fd, how))
			return fd;
		services_settle();
	}
	if (fd >= 0)
		close(fd);
	return -1;
}

static bool is_given_up(void)
{
	const struct disk_port *disk = find_disk();

	return !disk || !disk->lock.timer || disk->lock.is_given_up;
}

/* It is back, and has its image as soon as that one leaves, or not any more. */
static void leave_image(int fd, enum stay stay)
{
	const struct disk_port *disk = find_disk();

	if (fd < 0)
		return;
	waited += disk && disk->lock.timer;
	clients_request_of(&(struct fuzz_input){ 0 }, requests, 2, false);
	if (stay == STAY_KEEPS)
		services_expect_soon(is_given_up);
	disk = find_disk();
	given_up += disk && disk->lock.is_given_up;
	close(fd);
	services_expect_soon(is_ready);
}

/* The guest goes elsewhere, and comes back, with the state that the device had, or another one. */
static void move_away(struct fuzz_input *input, uint8_t kind, enum stay stay)
{
	int fd;

	if (!is_tame || is_gone || !has_ring(0) || waits_for_good())
		return;
	heal();
	forget(&log_fd);
	is_gone = !keeps_log(&guest);
	for (unsigned int i = 0; i < rings && !is_gone; i++)
		if (has_ring(i))
			guest.base[i] = frontend_stop_ring(&guest, i);
	take_back();
	services_settle();
	if (is_gone)
		return;
	fd = lock_image(kind, stay);
	clients_request_of(input, requests, REQUESTS, false);
	migrates(&guest, input);
	is_tame = false;
	is_gone = has_ended(&guest);
	for (unsigned int i = 0; i < rings && !is_gone; i++) {
		frontend_send(&guest, VU_SET_VRING_ENABLE, 0,
			      &(struct vu_vring_state){.index = i, .num = 1},
			      sizeof(struct vu_vring_state), NULL, 0);
		frontend_send(&guest, VU_SET_VRING_KICK, 0, &(uint64_t){i}, sizeof(uint64_t),
			      &guest.kick[i], 1);
	}
	services_settle();
	leave_image(fd, stay);
}

/* A guest that is about to move, and asks for more meanwhile. */
static void keep_log(void)
{
	if (!is_tame || is_gone || !has_ring(0) || log_fd >= 0 || waits_for_good())
		return;
	heal();
	/* What was taken before need not be in it. */
	services_expect_soon(has_all);
	is_gone = !keeps_log_in(&guest, &log_fd);
}

static void write_config(struct fuzz_input *input)
{
	struct vu_config config = {.size = 1, .offset = 32};

	config.bytes[0] = fuzz_u8(input) & 1;
	if (is_open && !is_gone)
		frontend_send(&guest, VU_SET_CONFIG, 0, &config, VU_CONFIG_HEADER + 1, NULL, 0);
	services_settle();
}

/*
 * The same memory, once more, while rings run.  Whoever has not agreed on answers gets none, and who has waits for
 * what is in flight.
 */
static void share_again(void)
{
	const struct vu_mem_table table = {
		.count = 1, .regions = {{guest.guest.gpa, guest.guest.size, guest.guest.uva, 0}}};

	if (!is_open || is_gone)
		return;
	if (is_tame && !waits_for_good()) {
		heal();
		frontend_share_memory(&guest);
		return;
	}
	is_tame = false;
	frontend_send(&guest, VU_SET_MEM_TABLE, VU_FLAG_NEED_REPLY, &table,
		      offsetof(struct vu_mem_table, regions) + sizeof(*table.regions), &guest.guest.fd, 1);
	services_settle();
}

/* What becomes of the host */

/* A process that locks a file, leaves it under way between sockets, and ends. */
static void lock_and_end(const char *path, int to)
{
	char space[CMSG_SPACE(sizeof(int))] = "", byte = 0;
	struct iovec part = {&byte, 1};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = space,
				 .msg_controllen = sizeof(space)};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	int fd = open(path, O_RDWR | O_CLOEXEC);

	*header = (struct cmsghdr){.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS,
				   .cmsg_len = CMSG_LEN(sizeof(int))};
	memcpy(CMSG_DATA(header), &fd, sizeof(fd));
	_exit(fd < 0 || flock(fd, LOCK_EX | LOCK_NB) || sendmsg(to, &message, 0) != 1);
}

static void lock_from_nowhere(const char *path, int sockets[2])
{
	pid_t pid, ended;

	assert_return_code(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets), errno);
	pid = fork();
	if (!pid)
		lock_and_end(path, sockets[0]);
	/* The fuzzer's clock is an alarm. */
	do {
		ended = waitpid(pid, NULL, 0);
	} while (ended < 0 && errno == EINTR);
	assert_int_equal(ended, pid);
}

/* After one whose writes are still under way. */
static void come_late(struct fuzz_input *input, uint8_t kind, bool is_incoming)
{
	const char *image = image_of(kind);
	int sockets[2];
	struct port *port;

	if (!disk_find(services.registry, "p", &port))
		port_remove(services.registry, port);
	nbd_server_forget();
	if (image)
		lock_from_nowhere(image, sockets);
	/* Its image may be none any more, or another disk's. */
	if (!add_disk(kind, is_incoming && image))
		come(input, kind, false);
	ask(input);
	clients_request_of(input, requests, REQUESTS, false);
	if (!image)
		return;
	close(sockets[0]);
	close(sockets[1]);
	services_expect_soon(is_ready);
	/* What it was asked for meanwhile is taken. */
	services_settle();
}

static void move_ring(struct fuzz_input *input)
{
	uint8_t at = fuzz_u8(input);
	unsigned int ring = at & 3, to = (at >> 2) % workers_count(services.workers);
	struct port *port;

	if (disk_find(services.registry, "p", &port) || ring >= port->queue_end ||
	    !port->queues[ring] || port->workers[ring] == to)
		return;
	port->type->move(port, ring, to);
	moved++;
	services_settle();
}

/* @is_seen: iovd looks for that once a second. */
static void resize_image(struct fuzz_input *input, bool is_seen)
{
	static const off_t sizes[] = {DISK_BYTES, 2 * DISK_BYTES, DISK_BYTES / 2, BLOCK, 0, 1000};
	const off_t size = sizes[fuzz_below(input, 6)];
	const struct disk_port *disk = find_disk();

	assert_return_code(truncate(quick_path, size), errno);
	assert_return_code(truncate(slow_path, size), errno);
	if (!is_seen || !disk || !disk->loss_timer)
		return;
	/* That second is over. */
	sd_event_source_set_time_relative(disk->loss_timer, 0);
	services_settle();
}

/* Whatever it is stored on. */
static void disturb(struct fuzz_input *input, uint8_t kind)
{
	struct keeper *keeper = find_keeper();

	if (is_at_server(kind))
		nbd_server_acts(input);
	else if (keeper)
		controller_acts(function_model(), keeper, input);
	services_settle();
}

#define KEEPS_LOG 0xc0

static void act(struct fuzz_input *input, uint8_t op, uint8_t kind)
{
	switch (op & 15) {
	case 7:
		return is_at_server(kind) || is_on_controller(kind) ? disturb(input, kind) : ask(input);
	case 8:
		return say(input);
	case 9:
		return scribble(input);
	case 10:
		return clients_request_of(input, requests, REQUESTS, (op & CLIENTS_DRY) == CLIENTS_DRY);
	case 11:
		go();
		if ((op & COMES_EARLY) == COMES_EARLY)
			come_early(op & COMES_WHOLE);
		return op & 16 ? come_late(input, kind, op & 128) : come(input, kind, op & 32);
	case 12:
		if ((op & KEEPS_LOG) == KEEPS_LOG)
			return keep_log();
		return op & 32 ? share_again() : op & 16 ? lose_memory() : come_again();
	case 13:
		return op & 16 ? resize_image(input, op & 32) : move_ring(input);
	case 14:
		return op & 16 ? write_config(input) : op & 32 ? move_away(input, kind, op >> 6)
							      : stop_and_go();
	case 15:
		if (op & 32)
			return traces_too_often("disk.trace");
		return op & 16 ? clients_stranger() : clients_scrape(input);
	default:
		return ask(input);
	}
}

/* Another guest, whose disk nobody else has to do with */

static uint8_t witness_asks(uint32_t type)
{
	struct vring_used_elem done;

	write_header(&witness, &witness_slot, type, 0);
	assert_true(submit(&witness, &witness_slot, type == VIRTIO_BLK_T_OUT ? BLOCK : 0,
			   type == VIRTIO_BLK_T_IN ? BLOCK : 0, 0));
	for (unsigned int i = 0; i < SERVICES_PATIENCE; i++) {
		services_settle();
		if (driver_used(&witness.rings[0], &done))
			return *status_of(&witness, &witness_slot);
		poll(NULL, 0, 1);
	}
	fail_msg("the other guest waits");
	return 0xff;
}

static void witness_expect_unharmed(void)
{
	uint8_t *data = data_of(&witness, &witness_slot);

	memset(data, 0, BLOCK);
	assert_int_equal(witness_asks(VIRTIO_BLK_T_IN), VIRTIO_BLK_S_OK);
	for (unsigned int i = 0; i < BLOCK; i++)
		assert_int_equal(data[i], 0xa5);
}

static void witness_open(void)
{
	struct port_options options = {
		.name = "witness", .type = "disk", .disk = {.backend = "memory", .bytes = DISK_BYTES}};

	frontend_open(&witness, services_add(&options), MEMORY);
	witness.pump = services_pump;
	frontend_negotiate(&witness, BIT(VIRTIO_F_VERSION_1));
	frontend_share_memory(&witness);
	frontend_start_ring(&witness, 0);
	frontend_enable_ring(&witness, 0, true);
	witness_slot.gpa = slot_alloc(&witness);
	memset(data_of(&witness, &witness_slot), 0xa5, BLOCK);
	assert_int_equal(witness_asks(VIRTIO_BLK_T_OUT), VIRTIO_BLK_S_OK);
}

/* One after the other */

static void converse(struct fuzz_input *input, uint8_t kind)
{
	come(input, kind, false);
	for (unsigned int i = 0; i < OPS && fuzz_left(input) && is_open; i++) {
		act(input, fuzz_u8(input), kind);
		if (is_open)
			is_gone |= has_ended(&guest);
	}
	heal();
	if (is_open && is_tame && !is_gone && !waits_for_good())
		services_expect_soon(has_all);
}

static unsigned int fds_before;

static bool fds_are_closed(void)
{
	return count_descriptors() == fds_before;
}

static void remove_disks(void)
{
	struct port *port, *next;

	for (port = TAILQ_FIRST(&services.registry->ports); port; port = next) {
		next = TAILQ_NEXT(port, link);
		if (strcmp(port->name, "witness"))
			port_remove(services.registry, port);
	}
}

static void make_image(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_return_code(fd, errno);
	assert_return_code(ftruncate(fd, DISK_BYTES), errno);
	close(fd);
}

/* What is no disk is none, and it is said why. */
static bool have_disk(struct fuzz_input *input, uint8_t kind)
{
	const bool is_played = is_at_server(kind) || is_on_controller(kind);
	int error;

	server_kind = is_played ? fuzz_u8(input) : 0;
	nbd_server_forget();
	nbd_server_play(input, is_at_server(kind) ? fuzz_u8(input) : 0);
	if (is_on_controller(kind))
		function_open(input);
	error = add_disk(kind, false);
	if (!is_played)
		services_expect(error);
	if (!error)
		return true;
	assert_true(*iov_error_message(services.iov));
	refused++;
	return false;
}

static void run(struct fuzz_input *input)
{
	uint8_t kind = fuzz_u8(input);

	fds_before = count_descriptors();
	connections = 0;
	is_early = false;
	make_image(quick_path);
	make_image(slow_path);
	if (have_disk(input, kind)) {
		traces_begin("disk.trace");
		converse(input, kind);
	}
	go();
	remove_disks();
	traced += traces_end();
	function_close();
	witness_expect_unharmed();
	services_expect_soon(fds_are_closed);
	unlink(services.port);
}

static void remove_images(void)
{
	unlink(quick_path);
	unlink(slow_path);
}

static void open_all(void)
{
	struct statfs place;

	network_open();
	services_open();
	nbd_server_open();
	snprintf(quick_path, sizeof(quick_path), "%s/image", services.directory);
	close(mkstemp(slow_path));
	can_register = !statfs(slow_path, &place) && place.f_type != TMPFS_MAGIC;
	atexit(remove_images);
	witness_open();
}

static void close_all(void)
{
	services_close();
	witness.pump = NULL;
	assert_true(frontend_is_ended(&witness));
	frontend_close(&witness);
}

static void reached_everything(void)
{
	for (unsigned int i = 0; i < 3; i++)
		assert_true(statuses[i]);
	assert_true(moved && given_back_later && refused && waited && given_up && logged && traced);
	assert_true(came_early || !services.registry->postcopy);
	controller_reached_everything();
	clients_reached_everything();
	close_all();
}

const struct fuzz_target fuzz_target = {
	.open = open_all,
	.run = run,
	.done = reached_everything,
};
