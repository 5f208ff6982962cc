// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * All of iovd but its main(): a front end that negotiates what it likes, says anything and goes
 * away at any time; its guest, which does anything to its rings; a device that reads later, links
 * that go down; clients of the control socket and of the metrics.
 *
 * Somebody traces its port, reads what there is at the end, and gets whole messages alone.
 *
 * Another guest at the same switch behaves.  After each input its memory is as it was and its
 * frames go on, every frame is accounted for, and descriptors and ports are gone.  While the first
 * one behaves, too, what it made available comes back, and once.
 *
 * The worker is a thread of its own: it is waited for where something is looked at.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/fuzz/clients.h"
#include "tests/fuzz/descriptors.h"
#include "tests/fuzz/migrates.h"
#include "tests/fuzz/network.h"
#include "tests/fuzz/reads_later.h"
#include "tests/fuzz/says.h"
#include "tests/fuzz/services.h"
#include "tests/fuzz/template.h"
#include "tests/fuzz/traces.h"
#include "tests/fuzz/witness.h"
#include "tests/wire/frontend.h"

#define MEMORY (UINT64_C(4) << 20)
#define OPS 48
#define CONNECTIONS 4
#define DISTURBANCES 4
#define WAITS 8
#define MESSAGES 24
#define BUFFERS_LOST 192		/* of those that share no page with a ring */

/* How the front end and the port find each other, and what the port is, by the bits of a byte. */
#define KIND_SOCKET 3
#define KIND_MAC 4
#define KIND_STANDBY 8
#define KIND_IOMMU 16
#define KIND_PAIRS 32
#define KIND_RULES 64
#define KIND_RAW 128		/* nothing is set up in good order */

/* What a guest negotiates, by the bits of 16. */
static const uint64_t features[15] = {
	BIT(VIRTIO_F_RING_PACKED), BIT(VIRTIO_RING_F_EVENT_IDX), BIT(VIRTIO_RING_F_INDIRECT_DESC),
	BIT(VIRTIO_NET_F_CTRL_VQ) | BIT(VIRTIO_NET_F_CTRL_RX) | BIT(VIRTIO_NET_F_CTRL_VLAN) |
		BIT(VIRTIO_NET_F_CTRL_MAC_ADDR) | BIT(VIRTIO_NET_F_CTRL_RX_EXTRA) |
		BIT(VIRTIO_NET_F_GUEST_ANNOUNCE) | BIT(VIRTIO_NET_F_CTRL_GUEST_OFFLOADS),
	BIT(VIRTIO_NET_F_MQ), BIT(VIRTIO_NET_F_RSS), BIT(VIRTIO_NET_F_HASH_REPORT),
	BIT(VIRTIO_NET_F_NOTF_COAL) | BIT(VIRTIO_NET_F_VQ_NOTF_COAL),
	BIT(VIRTIO_NET_F_CSUM) | BIT(VIRTIO_NET_F_HOST_TSO4) | BIT(VIRTIO_NET_F_HOST_TSO6),
	BIT(VIRTIO_NET_F_GUEST_CSUM) | BIT(VIRTIO_NET_F_GUEST_TSO4) | BIT(VIRTIO_NET_F_GUEST_TSO6),
	BIT(VIRTIO_NET_F_HOST_USO) | BIT(VIRTIO_NET_F_HOST_ECN),
	BIT(VIRTIO_NET_F_GUEST_USO4) | BIT(VIRTIO_NET_F_GUEST_USO6) | BIT(VIRTIO_NET_F_GUEST_ECN),
	BIT(VIRTIO_NET_F_MTU) | BIT(VIRTIO_NET_F_STATUS) | BIT(VIRTIO_NET_F_MAC),
	BIT(VIRTIO_F_ACCESS_PLATFORM), BIT(VIRTIO_NET_F_STANDBY),
};
#define FEATURES_INBAND 0x8000

static struct json_object *rules;

/* The guest, and what it has not got back. */
static struct frontend guest;
static bool is_open, is_tame, is_gone;
static bool is_out[FRONTEND_RING_SIZE];
static unsigned int out_count;
static unsigned int control_ring, connections, disturbances, waits;
static int listen_fd = -1;

/* Over all inputs. */
static unsigned int returned, commands, lost, lost_pages;
static uint64_t passed;
static unsigned int traced;

static void take_replies(void)
{
	is_gone |= has_ended(&guest);
}

static uint64_t any_features(uint16_t bits)
{
	uint64_t mask = BIT(VIRTIO_F_VERSION_1) | BIT(VIRTIO_NET_F_MRG_RXBUF);

	for (unsigned int i = 0; i < 15; i++)
		mask |= bits & 1u << i ? features[i] : 0;
	return mask;
}

/* Connecting, from either side */

static int listen_at(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(address.sun_path, path);
	unlink(path);
	assert_return_code(bind(fd, (struct sockaddr *)&address, sizeof(address)), errno);
	assert_return_code(listen(fd, 8), errno);
	return fd;
}

/* -1 when the port does not want to be talked to at present. */
static int connect_to_port(uint8_t kind)
{
	if ((kind & KIND_SOCKET) != 1)
		return frontend_connect(services.port);
	for (unsigned int i = 0; i < SERVICES_PATIENCE; i++) {
		struct pollfd wait = {.fd = listen_fd, .events = POLLIN};

		services_pump(NULL);
		if (poll(&wait, 1, 1) == 1)
			return accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);
	}
	return -1;
}

static void add_port(uint8_t kind)
{
	struct port_options options = {
		.name = "p",
		.type = "vhost-user",
		.bridge = "network",
		.socket = services.port,
		.server = (kind & KIND_SOCKET) == 0,
		.mac = kind & (KIND_MAC | KIND_STANDBY) ? "02:00:00:00:00:00" : NULL,
		.standby = kind & KIND_STANDBY,
		.iommu = kind & KIND_IOMMU,
		.queue_pairs = kind & KIND_PAIRS ? 3 : 0,
		.rules = kind & KIND_RULES ? rules : NULL,
	};
	struct port *port;

	if ((kind & KIND_SOCKET) > 1) {
		options.socket = NULL;
		options.fd = listen_at(services.port);
	} else if (!options.server) {
		listen_fd = listen_at(services.port);
	}
	control_ring = kind & KIND_PAIRS ? 6 : 2;
	services_expect(port_add(services.registry, &options, &port));
}

static void open_guest(int fd, uint16_t bits)
{
	memset(is_out, 0, sizeof(is_out));
	out_count = 0;
	memset(&guest, 0, sizeof(guest));
	frontend_open(&guest, fd, MEMORY);
	guest.pump = services_pump;
	guest.is_inband = bits & FEATURES_INBAND;
	is_open = true;
}

static void start_rings(uint16_t bits)
{
	for (unsigned int i = 0; i < (bits & 0x10 && control_ring > 2 ? 4u : 2u); i++) {
		frontend_start_ring(&guest, i);
		frontend_enable_ring(&guest, i, true);
	}
	if (guest.features & BIT(VIRTIO_NET_F_CTRL_VQ))
		frontend_start_ring(&guest, control_ring);
}

/* As a VMM does it. */
static void boot(uint16_t bits)
{
	guest.is_translated = guest.features & BIT(VIRTIO_F_ACCESS_PLATFORM);
	frontend_share_memory(&guest);
	if (guest.is_translated || guest.is_inband)
		frontend_open_channel(&guest);
	if (guest.is_translated)
		frontend_map(&guest, guest.guest.gpa, MEMORY, 3);
	start_rings(bits);
}

static void come(struct fuzz_input *input, uint8_t kind)
{
	uint16_t bits = fuzz_u16(input);
	int fd = connections++ < CONNECTIONS ? connect_to_port(kind) : -1;

	is_tame = is_gone = false;
	if (fd < 0)
		return;
	open_guest(fd, bits);
	if (kind & KIND_RAW)
		return;
	guest.is_translated = kind & KIND_IOMMU;
	frontend_negotiate(&guest, any_features(bits));
	boot(bits);
	is_tame = true;
}

static void go(void)
{
	if (!is_open)
		return;
	frontend_close(&guest);
	is_open = false;
	services_pump(NULL);
}

/* What the guest does */

static bool has_ring(unsigned int index)
{
	return guest.rings[index].size && !is_gone;
}

static void kick(unsigned int index)
{
	if (guest.is_inband) {
		const struct vu_vring_state state = {.index = index};

		frontend_send(&guest, VU_VRING_KICK, 0, &state, sizeof(state), NULL, 0);
	} else {
		eventfd_write(guest.kick[index], 1);
	}
}

static uint64_t next_buffer(unsigned int index)
{
	const struct driver *driver = &guest.rings[index];

	return guest.pool[index][driver->free[driver->free_count - 1]];
}

/* Each once, and only what was sent. */
static void take_back(void)
{
	struct vring_used_elem done;

	while (has_ring(1) && is_tame && driver_used(&guest.rings[1], &done)) {
		assert_true(done.id < FRONTEND_RING_SIZE && is_out[done.id]);
		is_out[done.id] = false;
		out_count--;
		returned++;
	}
}

static uint32_t header_size(void)
{
	return guest.features & BIT(VIRTIO_NET_F_HASH_REPORT) ? sizeof(struct virtio_net_hdr_v1_hash)
							      : sizeof(struct virtio_net_hdr_mrg_rxbuf);
}

static void publish(void)
{
	driver_publish(&guest.rings[1]);
	kick(1);
	services_settle();
	take_back();
}

/* What is said of a frame besides the number of its parts: it is sent with the next one. */
#define CUT_WAITS 0x80

/* Its head as one likes it, and behind that whatever is in memory. */
static void transmit(struct fuzz_input *input)
{
	struct driver *tx = &guest.rings[1];
	uint8_t kind = fuzz_u8(input), *at;
	uint32_t l4 = 0, length = fuzz_u16(input), parts, step;
	uint8_t cut = fuzz_u8(input);
	struct driver_buffer buffers[4];
	static uint8_t frame[128];
	struct virtio_net_hdr header;
	int head;

	parts = 1 + cut % 4;
	take_back();
	if (!has_ring(1) || !is_tame || tx->free_count < 5)
		return;
	l4 = write_template(frame, kind, 1);
	header = template_header(input, kind, l4);
	spoil_template(input, frame);
	buffers[0] = (struct driver_buffer){next_buffer(1), header_size() + 60, false};
	if (parts == 1 && length && length < 60)
		buffers[0].length = header_size() + length;
	at = guest_at(&guest.guest, buffers[0].gpa);
	memset(at, 0, header_size());
	memcpy(at, &header, sizeof(header));
	memcpy(at + header_size(), frame, sizeof(frame));
	step = length / parts;
	for (uint32_t i = 1; i < parts; i++)
		buffers[i] = (struct driver_buffer){guest.guest.gpa + i * 4096, step, false};
	head = driver_add(tx, buffers, parts);
	assert_true(head >= 0 && !is_out[head]);
	is_out[head] = true;
	out_count++;
	if (!(cut & CUT_WAITS))
		publish();
}

static void post(struct fuzz_input *input)
{
	static const uint32_t sizes[] = {FRONTEND_BUFFER, 64, 12, 1};
	uint8_t kind = fuzz_u8(input);
	struct driver *rx = &guest.rings[0];
	struct vring_used_elem done;

	if (!has_ring(0) || !is_tame)
		return;
	while (driver_used(rx, &done))
		assert_true(done.len <= FRONTEND_BUFFER);
	for (unsigned int i = 0; i < (kind >> 2) && rx->free_count > 2; i++) {
		struct driver_buffer buffer = {next_buffer(0), sizes[kind & 3], true};

		assert_true(driver_add(rx, &buffer, 1) >= 0);
	}
	driver_publish(rx);
	kick(0);
	services_settle();
}

/* The class and what follows, in one buffer or two, and room for the answer. */
static void command(struct fuzz_input *input)
{
	struct driver *driver = &guest.rings[control_ring];
	uint32_t length = 2 + fuzz_below(input, 64), cut = fuzz_below(input, 4);
	uint8_t bytes[66];
	struct vring_used_elem done;
	uint64_t at;

	fuzz_bytes(input, bytes, length);
	if (!has_ring(control_ring) || driver->free_count < 5 || !is_tame)
		return;
	at = next_buffer(control_ring);
	memcpy(guest_at(&guest.guest, at), bytes, length);
	struct driver_buffer buffers[] = {{at, cut ? cut : length, false},
					  {at + cut, length - cut, false},
					  {at + 1024, 16, true}};

	if (cut >= length || !cut)
		buffers[1] = buffers[2];
	assert_true(driver_add(driver, buffers, cut && cut < length ? 3 : 2) >= 0);
	driver_publish(driver);
	kick(control_ring);
	services_settle();
	/* The queue rests after each kick, and looks once more before it waits for the next. */
	for (unsigned int i = 0; i < 2; i++) {
		if (waits++ < WAITS)
			poll(NULL, 0, 2);
		services_settle();
	}
	while (driver_used(driver, &done))
		commands++;
}

static void scribble(struct fuzz_input *input)
{
	scribbles(is_open && !is_gone ? &guest : NULL, input);
	is_tame = false;
	if (is_open && has_ring(1)) {
		kick(1);
		services_settle();
	}
}

/* Memory that was shared is no more; nobody here may touch it from now on. */
static void lose_memory(void)
{
	if (!is_open || is_gone)
		return;
	is_tame = false;
	if (has_ring(1))
		driver_publish(&guest.rings[1]);
	is_gone = true;
	lost++;
	assert_return_code(ftruncate(guest.guest.fd, 0), errno);
	eventfd_write(guest.kick[1], 1);
	services_settle();
}

/* A buffer is not there any more: who comes by post-copy waits for it, and nobody sends it. */
static void lose_page(struct fuzz_input *input)
{
	const unsigned int ring = fuzz_below(input, 2), buffer = fuzz_below(input, BUFFERS_LOST);
	const struct guest *memory = &guest.guest;
	off_t at;

	if (!has_ring(ring))
		return;
	at = (off_t)((guest.pool[ring][buffer] - memory->gpa) & ~UINT64_C(4095));
	assert_return_code(fallocate(memory->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at, 4096),
			   errno);
	lost_pages++;
	if (is_tame)
		driver_publish(&guest.rings[1]);
	kick(1);
	services_settle();
}

/* What the front end says */

static void say(struct fuzz_input *input)
{
	says(&guest, input);
	is_tame = false;
	services_settle();
}

/* Much at once, so that who looks at it lags behind. */
static void say_much(struct fuzz_input *input)
{
	guest.pump = NULL;
	for (unsigned int i = 0; i < MESSAGES; i++)
		says(&guest, input);
	guest.pump = services_pump;
	is_tame = false;
	services_settle();
}

/* The state of the device, to and fro */

static void stop_rings(void)
{
	for (uint32_t i = 0; i < FRONTEND_RINGS; i++) {
		const struct vu_vring_state state = {.index = i};

		frontend_send(&guest, VU_GET_VRING_BASE, 0, &state, sizeof(state), NULL, 0);
	}
	take_replies();
	is_tame = false;
}

/* What is loaded is what was saved, with a few bytes of it otherwise. */
static void migrate(struct fuzz_input *input)
{
	stop_rings();
	if (!is_gone)
		migrates(&guest, input);
	take_replies();
	services_settle();
}

/* A guest that came from elsewhere, and whose memory comes after it. */

/* All of it is there, but for what a front end takes away again. */
static void come_with_memory_later(struct fuzz_input *input, uint8_t kind)
{
	uint16_t bits = fuzz_u16(input) & 0x1fff;
	int fd = connections++ < CONNECTIONS ? connect_to_port(kind) : -1;

	is_tame = is_gone = false;
	if (fd < 0 || !services.registry->postcopy)
		return;
	open_guest(fd, 0);
	frontend_negotiate(&guest, any_features(bits));
	memset(guest.guest.host, 0, MEMORY);
	listens_for_memory(&guest);
	start_rings(bits);
	is_tame = true;
}

/* Others that come where there is one already, and too often. */
static void come_in_vain(struct fuzz_input *input)
{
	for (unsigned int count = fuzz_u8(input); count; count--) {
		int fd = clients_come(services.port);

		services_pump(NULL);
		if (fd < 0)
			break;
		close(fd);
	}
	/* The port may let everybody wait from now on. */
	connections = CONNECTIONS;
}

/* What becomes of the host */

/* A few times, and after what takes long not any more. */
static void disturb(struct fuzz_input *input)
{
	if (disturbances++ >= DISTURBANCES)
		return;
	switch (fuzz_below(input, 6)) {
	case 0:
		network_set_link(false);
		break;
	case 1:
		network_set_link(true);
		break;
	case 2:
		clients_too_many(input);
		break;
	case 3:
		disturbances = DISTURBANCES;
		clients_too_long(input);
		break;
	case 4:
		disturbances = DISTURBANCES;
		clients_without_descriptors(input);
		/* The port may let everybody wait from now on. */
		connections = CONNECTIONS;
		break;
	default:
		clients_stranger();
	}
	services_settle();
}

/* One after the other; what is too much of something, by the bits of its op */

#define MUCH 0xf0

static void act(struct fuzz_input *input, uint8_t op, uint8_t kind)
{
	switch (op & 15) {
	case 0:
		return transmit(input);
	case 1:
		return post(input);
	case 2:
		return command(input);
	case 3:
		return (op & MUCH) == MUCH ? say_much(input) : say(input);
	case 4:
		return scribble(input);
	case 5:
		return witness_says(input);
	case 6:
		return clients_request(input, (op & CLIENTS_DRY) == CLIENTS_DRY);
	case 7:
		return (op & MUCH) == MUCH ? traces_too_often("port.trace") : clients_scrape(input);
	case 8:
		go();
		return come(input, kind);
	case 9:
		return migrate(input);
	case 10:
		return (op & MUCH) == MUCH ? lose_page(input) : lose_memory();
	case 13:
		return come_in_vain(input);
	case 12:
		go();
		return come_with_memory_later(input, kind);
	case 14:
		return reads_later_act(input);
	case 15:
		return disturb(input);
	case 11:
		if (waits++ < WAITS)
			poll(NULL, 0, 2);
	}
	services_settle();
}

static void converse(struct fuzz_input *input, uint8_t kind)
{
	come(input, kind);
	for (unsigned int i = 0; i < OPS && fuzz_left(input) && is_open; i++) {
		act(input, fuzz_u8(input), kind);
		if (is_open)
			take_replies();
		witness_empty();
	}
	if (is_open && is_tame && !(kind & KIND_RULES))
		services_settle();
	take_back();
}

static bool is_balanced(void)
{
	const struct dp_counters all = member_counted_all(services.registry);
	uint64_t out = all.tx_packets;

	for (unsigned int i = 0; i < DROP_COUNT; i++)
		out += all.drops[i];
	passed = all.tx_packets;
	return all.rx_packets + all.copies == out;
}

static unsigned int fds_before;

static bool fds_are_closed(void)
{
	return count_descriptors() == fds_before;
}

static void remove_others(void)
{
	static const struct bridge_options usual = {0};
	struct registry *registry = services.registry;
	struct port *port, *next;
	struct bridge *bridge;

	for (port = TAILQ_FIRST(&registry->ports); port; port = next) {
		next = TAILQ_NEXT(port, link);
		if (!strcmp(port->name, WITNESS) || !strcmp(port->name, "uplink-0"))
			continue;
		port_remove(registry, port);
	}
	while (!TAILQ_EMPTY(&registry->qos))
		qos_close(registry, TAILQ_FIRST(&registry->qos));
	if (!bridge_find(registry, "x", &bridge))
		bridge_close(registry, bridge);
	services_expect(bridge_find(registry, "network", &bridge));
	services_expect(bridge_set(registry, bridge, &usual));
}

static void run(struct fuzz_input *input)
{
	uint8_t kind = fuzz_u8(input);

	fds_before = count_descriptors();
	connections = disturbances = waits = 0;
	add_port(kind);
	traces_begin("port.trace");
	converse(input, kind);
	go();
	reads_later_expect_gone();
	network_set_link(true);
	remove_others();
	traced += traces_end();
	if (listen_fd >= 0)
		close(listen_fd);
	listen_fd = -1;
	unlink(services.port);
	unlink("x");
	witness_expect_unharmed();
	services_expect_soon(is_balanced);
	services_expect_soon(fds_are_closed);
}

static void open_ports(void)
{
	struct port_options options = {
		.name = "uplink-0", .type = "ethdev", .device = network_device(), .bridge = "network",
	};
	struct bridge *bridge;
	struct port *port;

	services_expect(bridge_add(services.registry, "network", "switch", NULL, NULL, &bridge));
	services_expect(port_add(services.registry, &options, &port));
	witness_open(any_features(0));
}

static void open_all(void)
{
	rules = json_tokener_parse("{\"vlan\":\"trunk:1-9,native:2\",\"allow_mac\":[\"02:00:00:00:00:00\"],"
				   "\"rx_rate\":1000000000000,\"mirror\":\"" WITNESS "\"}");
	network_open();
	services_open();
	open_ports();
}

static void close_all(void)
{
	services_close();
	witness_close();
	json_object_put(rules);
}

static void reached_everything(void)
{
	assert_true(returned && commands && lost && lost_pages && passed && traced);
	clients_reached_everything();
	reads_later_reached_everything();
	close_all();
}

const struct fuzz_target fuzz_target = {
	.open = open_all,
	.run = run,
	.done = reached_everything,
};
