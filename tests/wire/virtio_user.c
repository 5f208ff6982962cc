// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Traffic of DPDK's own front end: two virtio-user devices send each other frames
 * through a back end, and each frame is known to the last byte.
 *
 *	virtio_user EAL-OPTION... -- COUNT LONGEST
 *
 * COUNT frames of 60 to LONGEST bytes go each way, or with 0 as many as fit in the time
 * until another line on standard input.  Length and content of a frame
 * follow from its direction and number, so what arrives is compared with what the
 * next frame has to be: one that is lost, doubled, out of order, cut, changed or
 * sent back is told.  Few are on their way at a time, so that no ring can overflow
 * and every loss is the back end's.
 *
 * "ready" on standard output says that both devices run, and a line on standard
 * input that the back end is ready, too.
 */
#include <inttypes.h>
#include <poll.h>
#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_ether.h>
#include <rte_mbuf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHORTEST 60
#define LONGEST 9014
#define RING 512
#define BURST 32
#define MBUFS 8191
#define STALLED_SECONDS 60

/* Turns in vain before the CPU is left to others for a moment */
#define IDLE_TURNS 200
#define IDLE_US 20

/* On their way at a time; with five buffers for the longest they fit a ring. */
#define WINDOW 96

/* For local experiments (IEEE 802) */
#define ETHER_TYPE 0x88b5

struct frame_header {
	struct rte_ether_hdr ether;
	rte_be32_t number;
} __attribute__((packed, aligned(2)));

struct stream {
	uint16_t from, to;
	struct rte_ether_hdr ether;
	uint32_t sent, received;
	bool segments;		/* the sender takes frames of several buffers */
};

static uint32_t count, longest;
static struct rte_mempool *pool;

static void fail(const struct stream *stream, const char *what)
{
	fprintf(stderr, "virtio_user: %s; from port %u to %u %" PRIu32 " of %" PRIu32
		" frames arrived, %" PRIu32 " were sent\n", what, stream->from, stream->to,
		stream->received, count, stream->sent);
	exit(1);
}

/* splitmix64: every seed gives another sequence */
static uint64_t next_word(uint64_t *seed)
{
	uint64_t word = *seed += UINT64_C(0x9e3779b97f4a7c15);

	word = (word ^ (word >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	word = (word ^ (word >> 27)) * UINT64_C(0x94d049bb133111eb);
	return word ^ (word >> 31);
}

/* Frame @number of a stream; its length. */
static uint32_t make_frame(const struct stream *stream, uint32_t number, uint8_t *frame)
{
	uint64_t seed = (uint64_t)(stream->from + 1) << 32 | number, word = next_word(&seed);
	uint32_t length = number == 1 ? longest
				      : SHORTEST + (uint32_t)(word % (longest - SHORTEST + 1));
	struct frame_header header = { stream->ether, rte_cpu_to_be_32(number) };
	uint32_t at = sizeof(header);

	if (!number)
		length = SHORTEST;
	memcpy(frame, &header, at);
	for (; at < length; at += sizeof(word)) {
		word = next_word(&seed);
		memcpy(frame + at, &word, RTE_MIN(sizeof(word), length - at));
	}
	return length;
}

/* A frame in buffers of at most @room bytes. */
static struct rte_mbuf *wrap(const struct stream *stream, const uint8_t *frame, uint32_t length,
			     uint32_t room)
{
	struct rte_mbuf *first = NULL;

	for (uint32_t at = 0; at < length; at += room) {
		struct rte_mbuf *mbuf = rte_pktmbuf_alloc(pool);
		uint16_t part = (uint16_t)RTE_MIN(room, length - at);

		if (!mbuf)
			fail(stream, "no buffer is left");
		memcpy(rte_pktmbuf_append(mbuf, part), frame + at, part);
		if (first && rte_pktmbuf_chain(first, mbuf))
			fail(stream, "too many buffers");
		first = first ? first : mbuf;
	}
	return first;
}

static uint32_t room_of(const struct stream *stream, uint32_t number, uint32_t length)
{
	uint32_t room = (uint32_t)rte_pktmbuf_data_room_size(pool) - RTE_PKTMBUF_HEADROOM;

	/* Every third frame comes in pieces, the header among them. */
	if (stream->segments && number % 3 == 2)
		room = RTE_MIN(room, RTE_MAX(length / 3, 10u));
	return room;
}

static bool send_frames(struct stream *stream)
{
	struct rte_mbuf *mbufs[BURST];
	uint8_t frame[LONGEST];
	uint32_t made = 0, taken;

	while (made < BURST && stream->sent + made < count &&
	       stream->sent + made - stream->received < WINDOW) {
		uint32_t number = stream->sent + made;
		uint32_t length = make_frame(stream, number, frame);

		mbufs[made++] = wrap(stream, frame, length, room_of(stream, number, length));
	}
	taken = rte_eth_tx_burst(stream->from, 0, mbufs, (uint16_t)made);
	rte_pktmbuf_free_bulk(mbufs + taken, made - taken);
	stream->sent += taken;
	return taken;
}

/* What came in place of the next frame */
static void tell_difference(const struct stream *stream, const uint8_t *frame, uint32_t length,
			    uint32_t wanted)
{
	struct frame_header header;
	char text[128];

	memcpy(&header, frame, sizeof(header));
	if (header.ether.ether_type != stream->ether.ether_type)
		snprintf(text, sizeof(text), "a frame of type %04x that nobody sent",
			 rte_be_to_cpu_16(header.ether.ether_type));
	else
		snprintf(text, sizeof(text), "frame %" PRIu32 " of %" PRIu32 " bytes, not %" PRIu32,
			 rte_be_to_cpu_32(header.number), length, wanted);
	fail(stream, text);
}

static void check_frame(struct stream *stream, const struct rte_mbuf *mbuf)
{
	uint8_t wanted[LONGEST], flat[LONGEST];
	uint32_t length = make_frame(stream, stream->received, wanted);
	const uint8_t *frame = rte_pktmbuf_read(mbuf, 0, RTE_MIN(mbuf->pkt_len, longest), flat);

	if (stream->received >= stream->sent)
		fail(stream, "a frame that was not sent");
	if (mbuf->pkt_len != length || memcmp(frame, wanted, length))
		tell_difference(stream, frame, mbuf->pkt_len, length);
	stream->received++;
}

static bool receive_frames(struct stream *stream)
{
	struct rte_mbuf *mbufs[BURST];
	uint16_t received = rte_eth_rx_burst(stream->to, 0, mbufs, BURST);

	for (uint16_t i = 0; i < received; i++) {
		check_frame(stream, mbufs[i]);
		rte_pktmbuf_free(mbufs[i]);
	}
	return received;
}

/* With the line that was waited for, the end is where both have sent as much. */
static void end_when_told(const struct stream *streams)
{
	struct pollfd input = { .fd = 0, .events = POLLIN };

	if (count == UINT32_MAX && poll(&input, 1, 0))
		count = RTE_MAX(streams[0].sent, streams[1].sent);
}

static void exchange(struct stream *streams)
{
	uint64_t limit = rte_get_timer_hz() * STALLED_SECONDS, last = rte_get_timer_cycles();
	unsigned int idle = 0;

	while (streams[0].received < count || streams[1].received < count) {
		bool progress = false;

		for (unsigned int i = 0; i < 2; i++)
			progress |= send_frames(&streams[i]) | receive_frames(&streams[i]);
		if (progress) {
			last = rte_get_timer_cycles();
			idle = 0;
			continue;
		}
		if (rte_get_timer_cycles() - last > limit)
			fail(&streams[streams[0].received == count], "nothing comes any more");
		if (++idle % IDLE_TURNS)
			continue;
		rte_delay_us_sleep(IDLE_US);
		end_when_told(streams);
	}
}

/* Without receive buffers that a frame may share the device has no scattering. */
static void start_port(uint16_t port, struct stream *stream)
{
	struct rte_eth_dev_info info;
	struct rte_eth_conf config = { .rxmode.mtu = longest - RTE_ETHER_HDR_LEN };

	if (rte_eth_dev_info_get(port, &info))
		fail(stream, "the device tells nothing");
	config.rxmode.offloads = info.rx_offload_capa & RTE_ETH_RX_OFFLOAD_SCATTER;
	config.txmode.offloads = info.tx_offload_capa & RTE_ETH_TX_OFFLOAD_MULTI_SEGS;
	stream->segments = config.txmode.offloads;
	if (rte_eth_dev_configure(port, 1, 1, &config) ||
	    rte_eth_rx_queue_setup(port, 0, RING, SOCKET_ID_ANY, NULL, pool) ||
	    rte_eth_tx_queue_setup(port, 0, RING, SOCKET_ID_ANY, NULL) || rte_eth_dev_start(port))
		fail(stream, "the device does not start");
}

static void start(struct stream *streams)
{
	for (uint16_t i = 0; i < 2; i++) {
		struct rte_ether_hdr *header = &streams[i].ether;

		streams[i] = (struct stream){ .from = i, .to = !i };
		header->ether_type = rte_cpu_to_be_16(ETHER_TYPE);
		if (rte_eth_macaddr_get(i, &header->src_addr) ||
		    rte_eth_macaddr_get(!i, &header->dst_addr))
			fail(&streams[i], "two devices are needed");
		start_port(i, &streams[i]);
	}
}

int main(int argc, char **argv)
{
	int used = rte_eal_init(argc, argv);
	struct stream streams[2];

	if (used < 0 || argc - used != 3) {
		fprintf(stderr, "virtio_user: expected EAL-OPTION... -- COUNT LONGEST\n");
		return 2;
	}
	count = (uint32_t)strtoul(argv[used + 1], NULL, 10);
	count = count ? count : UINT32_MAX;
	longest = (uint32_t)strtoul(argv[used + 2], NULL, 10);
	pool = rte_pktmbuf_pool_create("frames", MBUFS, BURST, 0, RTE_MBUF_DEFAULT_BUF_SIZE,
				       SOCKET_ID_ANY);
	if (longest < SHORTEST || longest > LONGEST || !pool) {
		fprintf(stderr, "virtio_user: longest: expected %u to %u\n", SHORTEST, LONGEST);
		return 2;
	}
	start(streams);
	puts("ready");
	fflush(stdout);
	if (getchar() == EOF)
		return 1;
	exchange(streams);
	printf("%" PRIu32 " frames each way\n", count);
	for (uint16_t i = 0; i < 2; i++) {
		rte_eth_dev_stop(i);
		rte_eth_dev_close(i);
	}
	rte_eal_cleanup();
	return 0;
}
