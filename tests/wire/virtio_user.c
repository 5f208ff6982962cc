// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Traffic of DPDK's own front end: two virtio-user devices send each other frames
 * through a back end, and each frame is known to the last byte.
 *
 *	virtio_user EAL-OPTION... -- COUNT LONGEST
 *
 * COUNT frames of 60 to LONGEST bytes go each way.  Length and content of a frame
 * follow from its direction and number, so what arrives is compared with what the
 * next frame has to be: one that is lost, doubled, out of order, cut, changed or
 * sent back is told.  Few are on their way at a time, so that no ring can overflow
 * and every loss is the back end's.
 *
 * "ready" on standard output says that both devices run, and a line on standard
 * input that the back end is ready, too.
 */
#include <inttypes.h>
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
#define STALLED_SECONDS 30

/* On their way at a time; with five buffers for the longest they fit a ring. */
#define WINDOW 96

/* For local experiments (IEEE 802) */
#define ETHER_TYPE 0x88b5

struct stream {
	uint16_t from, to;
	struct rte_ether_hdr header;
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
	uint32_t at = sizeof(stream->header);

	if (!number)
		length = SHORTEST;
	memcpy(frame, &stream->header, at);
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

static void check_frame(struct stream *stream, const struct rte_mbuf *mbuf)
{
	uint8_t frame[LONGEST], flat[LONGEST];
	uint32_t length = make_frame(stream, stream->received, frame);

	if (stream->received >= stream->sent)
		fail(stream, "a frame that was not sent");
	if (mbuf->pkt_len != length)
		fail(stream, "a frame of another length");
	if (memcmp(rte_pktmbuf_read(mbuf, 0, length, flat), frame, length))
		fail(stream, "a frame of other content");
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

static void exchange(struct stream *streams)
{
	uint64_t limit = rte_get_timer_hz() * STALLED_SECONDS, last = rte_get_timer_cycles();

	while (streams[0].received < count || streams[1].received < count) {
		bool progress = false;

		for (unsigned int i = 0; i < 2; i++)
			progress |= send_frames(&streams[i]) | receive_frames(&streams[i]);
		if (progress)
			last = rte_get_timer_cycles();
		else if (rte_get_timer_cycles() - last > limit)
			fail(&streams[streams[0].received == count], "nothing comes any more");
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
		struct rte_ether_hdr *header = &streams[i].header;

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
	longest = (uint32_t)strtoul(argv[used + 2], NULL, 10);
	pool = rte_pktmbuf_pool_create("frames", MBUFS, BURST, 0, RTE_MBUF_DEFAULT_BUF_SIZE,
				       SOCKET_ID_ANY);
	if (longest < SHORTEST || longest > LONGEST || !count || !pool) {
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
