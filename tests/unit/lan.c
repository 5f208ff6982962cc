// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/lan.h"

#include <rte_cycles.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "vhost-user/switch/lane.h"

/* Looks at a lane, which naps a millisecond at most, before it is said to have nothing. */
#define LANE_TRIES 20000

void *lan_in_device(const struct station *station, void *in_driver)
{
	void *host = guest_memory_at_user(station->memory, (uint64_t)(uintptr_t)in_driver, 1);

	assert_non_null(host);
	return host;
}

static void start_queue(struct station *station, struct vu_queue *queue, unsigned int index,
			struct driver *driver, uint64_t features)
{
	driver_open(driver, &station->guest, RING, features);
	queue->setup = (struct virtq_setup){
		.memory = station->memory,
		.log = station->log,
		.desc = lan_in_device(station, driver_descriptor_area(driver)),
		.driver = lan_in_device(station, driver_driver_area(driver)),
		.device = lan_in_device(station, driver_device_area(driver)),
		.size = RING,
		.base = driver_base(driver),
		.features = features,
	};
	virtq_start(&queue->ring, &queue->setup);
	queue->index = index;
	queue->enabled = true;
	queue->kick_fd = -1;
	queue->features = features;
	station->port.port.queues[index] = queue;
	if (station->port.port.queue_end <= index)
		station->port.port.queue_end = index + 1;
}

static void start_ring(struct station *station, unsigned int index, struct driver *driver,
		       uint64_t features)
{
	start_queue(station, station->queues[index], index, driver, features);
}

static struct vu_queue *new_queue(struct dp_ring *ring)
{
	struct vu_queue *queue = aligned_alloc(_Alignof(struct vu_queue), sizeof(*queue));

	assert_non_null(queue);
	memset(queue, 0, sizeof(*queue));
	queue->device = ring;
	queue->call_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	return queue;
}

struct vu_queue *lan_add_receive_queue(struct lan *lan, unsigned int index, unsigned int pair,
				       struct driver *driver, struct dp_ring *ring)
{
	struct station *station = &lan->stations[index];
	struct vu_queue *queue = new_queue(ring);

	start_queue(station, queue, 2 * pair, driver, PLAIN);
	station->port.device.pairs = pair + 1;
	lan_redraw(lan);
	return queue;
}

void lan_remove_receive_queue(struct lan *lan, unsigned int index, struct vu_queue *queue)
{
	lan->stations[index].port.port.queues[queue->index] = NULL;
	lan_redraw(lan);
	close(queue->call_fd);
	free(queue);
}

void lan_redraw(struct lan *lan)
{
	view_free(lan->view);
	assert_return_code(view_build(&lan->view, &lan->registry, 0), 0);
}

void lan_renegotiate(struct lan *lan, unsigned int index, uint64_t features)
{
	struct station *station = &lan->stations[index];

	net_device_reset(&station->port.device, features, NULL);
	station->header = features & BIT(VIRTIO_NET_F_HASH_REPORT)
				  ? sizeof(struct virtio_net_hdr_v1_hash)
			  : features & PLAIN ? sizeof(struct virtio_net_hdr_mrg_rxbuf)
					     : sizeof(struct virtio_net_hdr);
	start_ring(station, 0, &station->rx, features);
	start_ring(station, 1, &station->tx, features);
	lan_redraw(lan);
}

void lan_enter_lane(struct lan *lan, unsigned int index)
{
	struct station *station = &lan->stations[index];

	assert_return_code(lane_open(&station->port.lane, lan->attention), 0);
	for (unsigned int i = 0; i < 2; i++) {
		station->queues[i]->unsettled = true;
		lane_add(station->port.lane, station->queues[i]);
	}
	lan_redraw(lan);
}

void lan_leave_lane(struct lan *lan, unsigned int index)
{
	struct station *station = &lan->stations[index];
	struct lane *lane = station->port.lane;

	if (!lane)
		return;
	for (unsigned int i = 0; i < 2; i++) {
		lane_remove(lane, station->queues[i]);
		if (station->queues[i]->unsettled)
			vu_queue_settle(station->queues[i]);
	}
	station->port.lane = NULL;
	lan_redraw(lan);
	lane_count(lane, &station->counters);
	lane_count_left(lane, &station->counters);
	lane_close(lane);
}

static void open_station(struct lan *lan, unsigned int index)
{
	struct station *station = &lan->stations[index];
	struct guest_region_request region = { .size = LAN_MEMORY / 2 };

	guest_open(&station->guest, LAN_GPA, LAN_MEMORY);
	region.fd = station->guest.fd;
	assert_return_code(guest_memory_open(&station->memory), 0);
	for (; region.offset < LAN_MEMORY; region.offset += region.size) {
		region.gpa = LAN_GPA + region.offset;
		region.uva = station->guest.uva + region.offset;
		assert_return_code(guest_memory_add(station->memory, lan->iov, &region), 0);
	}
	for (unsigned int i = 0; i < 2; i++)
		station->queues[i] = new_queue(&station->rings[i]);
	station->port.port.id = DP_PORTS_MAX + index + 1;
	station->port.port.type = &net_port_type;
	station->port.port.member = &station->port.member;
	station->port.port.registry = &lan->registry;
	station->port.member.counters = &station->counters;
	station->port.port.loads = aligned_alloc(_Alignof(struct ring_load), 2 * sizeof(struct ring_load));
	assert_non_null(station->port.port.loads);
	memset(station->port.port.loads, 0, 2 * sizeof(struct ring_load));
	station->port.member.bridge = &lan->bridge;
	TAILQ_INSERT_TAIL(&lan->registry.ports, &station->port.port, link);
}

int lan_setup(void **state)
{
	struct lan *lan = calloc(1, sizeof(*lan));

	assert_non_null(lan);
	assert_return_code(iov_open(&lan->iov, NULL), 0);
	lan->registry.worker_count = 1;
	TAILQ_INIT(&lan->registry.ports);
	TAILQ_INIT(&lan->registry.bridges);
	TAILQ_INIT(&lan->registry.qos);
	TAILQ_INSERT_TAIL(&lan->registry.bridges, &lan->bridge, link);
	assert_return_code(mac_table_open(&lan->bridge.macs, 1024, 1), 0);
	lan->attention = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	assert_return_code(forward_open(&lan->forward, lan->attention), 0);
	for (unsigned int i = 0; i < STATIONS; i++)
		open_station(lan, i);
	for (unsigned int i = 0; i < STATIONS; i++)
		lan_renegotiate(lan, i, PLAIN);
	*state = lan;
	return 0;
}

void lan_expect_balance(const struct lan *lan)
{
	uint64_t in = 0, out = 0;
	const struct port *port;

	TAILQ_FOREACH(port, &lan->registry.ports, link) {
		const struct dp_counters *counters = port->member->counters;

		in += counters->rx_packets + counters->copies;
		out += counters->tx_packets;
		for (unsigned int i = 0; i < DROP_COUNT; i++)
			out += counters->drops[i];
	}
	assert_int_equal(in, out);
}

int lan_teardown(void **state)
{
	struct lan *lan = *state;

	for (unsigned int i = 0; i < STATIONS; i++)
		lan_leave_lane(lan, i);
	lan_expect_balance(lan);
	for (unsigned int i = 0; i < STATIONS; i++) {
		struct station *station = &lan->stations[i];

		for (unsigned int j = 0; j < 2; j++) {
			close(station->queues[j]->call_fd);
			free(station->queues[j]);
		}
		free(station->port.port.loads);
		guest_memory_close(station->memory);
		dirty_log_close(station->log);
		guest_close(&station->guest);
	}
	view_free(lan->view);
	forward_close(lan->forward);
	mac_table_close(lan->bridge.macs);
	close(lan->attention);
	iov_close(lan->iov);
	free(lan);
	return 0;
}

void lan_make_wire(struct lan *lan)
{
	mac_table_close(lan->bridge.macs);
	lan->bridge.macs = NULL;
	for (unsigned int i = 2; i < STATIONS; i++)
		lan->stations[i].port.member.bridge = NULL;
	lan_redraw(lan);
}

void lan_post(struct lan *lan, unsigned int index, unsigned int count, uint32_t size)
{
	struct station *station = &lan->stations[index];

	while (count--) {
		struct driver_buffer buffer = { guest_alloc(&station->guest, size, 1), size, true };
		int head = driver_add(&station->rx, &buffer, 1);

		assert_true(head >= 0);
		station->buffers[head] = buffer.gpa;
	}
	driver_publish(&station->rx);
}

void lan_send(struct lan *lan, unsigned int index, const struct virtio_net_hdr *header,
	      const void *frame, uint32_t length)
{
	struct station *station = &lan->stations[index];
	struct driver_buffer parts[] = {
		{ guest_alloc(&station->guest, station->header, 1), station->header, false },
		{ length ? guest_alloc(&station->guest, length, 1) : LAN_GPA, length, false },
	};
	struct vring_used_elem done;

	while (driver_used(&station->tx, &done))
		;
	if (header)
		memcpy(guest_at(&station->guest, parts[0].gpa), header, sizeof(*header));
	if (length)
		memcpy(guest_at(&station->guest, parts[1].gpa), frame, length);
	assert_true(driver_add(&station->tx, parts, 2) >= 0);
	driver_publish(&station->tx);
}

int lan_receive(struct lan *lan, unsigned int index, struct virtio_net_hdr_mrg_rxbuf *header,
		void *frame, uint32_t size)
{
	struct station *station = &lan->stations[index];
	struct virtio_net_hdr_v1_hash *read = &station->last;
	struct vring_used_elem element;
	uint32_t length = 0;

	*read = (struct virtio_net_hdr_v1_hash){ .hdr.num_buffers = 1 };
	for (uint32_t i = 0; i < read->hdr.num_buffers; i++) {
		uint32_t skip = i ? 0 : station->header;

		if (!driver_used(&station->rx, &element)) {
			assert_int_equal(i, 0);
			return -1;
		}
		const uint8_t *bytes = guest_at(&station->guest, station->buffers[element.id]);

		assert_true(element.len >= skip);
		if (!i)
			memcpy(read, bytes, station->header);
		assert_true(length + element.len - skip <= size);
		memcpy((uint8_t *)frame + length, bytes + skip, element.len - skip);
		length += element.len - skip;
	}
	if (header)
		memcpy(header, read, sizeof(*header));
	return (int)length;
}

unsigned int lan_pass(struct lan *lan)
{
	return forward_pass(lan->forward, lan->view, lan->now, rte_rdtsc());
}

unsigned int lan_pass_until(struct lan *lan, unsigned int frames)
{
	unsigned int taken = 0;

	for (unsigned int i = 0; i < LANE_TRIES && taken < frames; i++) {
		taken += lan_pass(lan);
		if (taken < frames)
			usleep(100);
	}
	return taken;
}

uint64_t lan_drops(const struct lan *lan, unsigned int station, enum drop reason)
{
	return lan->stations[station].counters.drops[reason];
}

static void write_mac(uint8_t *at, unsigned int number)
{
	const uint8_t mac[] = { 2, 0, 0, 0, 0, (uint8_t)number };

	if (number == BROADCAST)
		memset(at, 0xff, sizeof(mac));
	else
		memcpy(at, mac, sizeof(mac));
}

uint32_t lan_frame(uint8_t *frame, unsigned int to, unsigned int from, uint16_t vlan,
		   uint32_t length)
{
	uint32_t at = 12;

	write_mac(frame, to);
	write_mac(frame + 6, from);
	if (vlan) {
		memcpy(frame + at, (uint8_t[]){ 0x81, 0, (uint8_t)(vlan >> 8), (uint8_t)vlan }, 4);
		at += 4;
	}
	memcpy(frame + at, (uint8_t[]){ 0x88, 0xb5 }, 2); /* for local experiments */
	for (at += 2; at < length; at++)
		frame[at] = (uint8_t)(at * 7 + from);
	return length;
}

void lan_say(struct lan *lan, unsigned int station, unsigned int to, unsigned int from,
	     uint16_t vlan)
{
	uint8_t frame[60];

	lan_send(lan, station, NULL, frame, lan_frame(frame, to, from, vlan, sizeof(frame)));
	assert_int_equal(lan_pass(lan), 1);
}

unsigned int lan_count(struct lan *lan, unsigned int station)
{
	static uint8_t frame[FRAME_MAX];
	unsigned int count = 0;

	while (lan_receive(lan, station, NULL, frame, sizeof(frame)) >= 0)
		count++;
	return count;
}
