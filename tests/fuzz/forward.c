// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A guest that sends any frames under any virtio-net headers to guests with other
 * offloads and buffers than its own: what arrives is whole, and nothing breaks but
 * the guest's own ring.
 */
#include <sys/mman.h>
#include <unistd.h>

#include "tests/fuzz/template.h"

#define FRAMES 64

/* What a station may negotiate, by the bits of a byte. */
static const uint64_t features[8] = {
	BIT(VIRTIO_NET_F_CSUM),	      BIT(VIRTIO_NET_F_GUEST_CSUM), BIT(VIRTIO_NET_F_HOST_TSO4),
	BIT(VIRTIO_NET_F_HOST_TSO6),  BIT(VIRTIO_NET_F_GUEST_TSO4), BIT(VIRTIO_NET_F_GUEST_TSO6),
	BIT(VIRTIO_NET_F_MRG_RXBUF), BIT(VIRTIO_F_VERSION_1),
};

static struct lan *lan;
static struct dirty_log *logs[STATIONS];
static bool is_sent_by_lane;
static unsigned int burst;	/* frames that are taken at once */
static unsigned int received, by_lane;
static uint64_t drops[DROP_COUNT];

static uint64_t any_features(struct fuzz_input *input)
{
	uint8_t bits = fuzz_u8(input);
	uint64_t mask = 0;

	for (unsigned int i = 0; i < 8; i++)
		mask |= bits & 1u << i ? features[i] : 0;
	return mask;
}

/* Rules that a port may have, by the bits of a byte. */
static const char *const rules[8] = {
	"{\"vlan\":\"access:2\"}",
	"{\"vlan\":\"trunk:1-9,native:2\"}",
	"{\"vlan\":\"tunnel:2\"}",
	"{\"allow_mac\":[\"02:00:00:00:00:00\",\"02:00:00:00:00:01\"]}",
	"{\"allow_ip\":[\"0.0.0.0/1\",\"::/2\"]}",
	"{\"mirror\":\"mirror\",\"isolated\":true}",
	"{\"stations\":[\"02:00:00:00:00:02\"]}",
	"{\"rx_rate\":1000000000000,\"tx_rate\":1000000000000,\"storm_packets\":1000}",
};
static struct json_object *parsed[8];

static void set_rules(struct fuzz_input *input, struct port_rules *set)
{
	uint8_t bits = fuzz_u8(input);

	port_rules_release(set);
	*set = (struct port_rules){0};
	for (unsigned int i = 0; i < 8; i++)
		if (bits & 1u << i)
			assert_return_code(
				port_rules_change(set, lan->iov, "p", parsed[i]), 0);
}

static void begin(struct fuzz_input *input)
{
	static const uint32_t sizes[] = {2048, 64, 12, 65562};
	static const unsigned int bursts[] = {1, 4, 16, 32};
	unsigned int count;
	uint64_t mask;
	uint8_t choice;

	for (unsigned int i = 0; i < STATIONS; i++) {
		struct station *station = &lan->stations[i];

		station->guest.allocated = 0;
		station->counters = (struct dp_counters){0};
		mask = any_features(input);
		count = fuzz_below(input, 33);
		choice = fuzz_u8(input);
		station->log = choice & 0x80 ? logs[i] : NULL;
		lan_renegotiate(lan, i, mask);
		lan_post(lan, i, count, sizes[choice % 4]);
		if ((choice & 0x70) == 0x70)
			lan_enter_lane(lan, i);
		if (!i)
			burst = bursts[choice >> 2 & 3];
	}
	is_sent_by_lane = lan->stations[0].port.lane;
	for (unsigned int i = 0; i < 2; i++)
		set_rules(input, &lan->stations[i].port.member.rules);
	lan_redraw(lan);
}

static void send_one(struct fuzz_input *input)
{
	static uint8_t frame[FRAME_MAX];
	uint8_t kind = fuzz_u8(input);
	uint32_t l4 = write_template(frame, kind, 1), length = fuzz_u16(input);
	struct virtio_net_hdr header = template_header(input, kind, l4);

	spoil_template(input, frame);
	lan_send(lan, 0, &header, frame, length);
}

static void send_burst(struct fuzz_input *input)
{
	unsigned int count;

	for (count = 0; count < burst && fuzz_left(input); count++)
		send_one(input);
	if (is_sent_by_lane)
		lan_pass_until(lan, count);
	else
		lan_pass(lan);
}

/* lan_receive() checks that a frame is as long as its buffers say. */
static void receive_all(void)
{
	for (unsigned int i = 0; i < STATIONS; i++) {
		by_lane += lan->stations[i].port.lane && lan->stations[i].counters.rx_packets;
		lan_leave_lane(lan, i);
		received += lan_count(lan, i);
		for (unsigned int j = 0; j < DROP_COUNT; j++)
			drops[j] += lan_drops(lan, i, j);
		assert_int_equal(lan->stations[i].queues[0]->ring.error, VIRTQ_OK);
		assert_int_equal(lan->stations[i].queues[1]->ring.error, VIRTQ_OK);
	}
	lan_expect_balance(lan);
}

static void run(struct fuzz_input *input)
{
	begin(input);
	for (unsigned int i = 0; i < FRAMES && fuzz_left(input); i += burst)
		send_burst(input);
	receive_all();
}

/* As long as it must be. */
static void open_log(struct dirty_log **log)
{
	const struct file_part_request request = {
		memfd_create("log", MFD_CLOEXEC), (LAN_GPA + LAN_MEMORY) / DIRTY_LOG_PAGE / 8, 0, false,
	};

	assert_return_code(ftruncate(request.fd, (off_t)request.size), 0);
	assert_return_code(dirty_log_open(log, lan->iov, &request), 0);
	close(request.fd);
}

static void open_all(void)
{
	lan_setup((void **)&lan);
	strcpy(lan->stations[2].port.port.name, "mirror");
	for (unsigned int i = 0; i < STATIONS; i++)
		open_log(&logs[i]);
	for (unsigned int i = 0; i < 8; i++)
		parsed[i] = json_tokener_parse(rules[i]);
}

static void reached_everything(void)
{
	assert_true(received > 0);
	assert_true(by_lane > 0);
	assert_true(drops[DROP_SHORT] && drops[DROP_BAD_HEADER] && drops[DROP_FULL]);
	assert_true(drops[DROP_NO_ROOM] && drops[DROP_SAME_PORT]);
	assert_true(drops[DROP_VLAN] && drops[DROP_SPOOFED] && drops[DROP_STORM]);
	assert_true(drops[DROP_RESERVED] && drops[DROP_ISOLATED]);
}

const struct fuzz_target fuzz_target = {
	.open = open_all,
	.run = run,
	.done = reached_everything,
};
