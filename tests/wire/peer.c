// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/wire/peer.h"

#include <arpa/inet.h>
#include <linux/virtio_config.h>
#include <poll.h>
#include <string.h>

#include "base/clock.h"
#include "tests/unit/test.h"

#define MEMORY (UINT64_C(4) << 20)
#define FEATURES (BIT(VIRTIO_F_VERSION_1) | BIT(VIRTIO_NET_F_MRG_RXBUF))

/* Requests on their way, and how long an answer may take. */
#define WINDOW 32
#define TOO_LONG_MS 500

/* Only to end a test that would hang. */
#define PATIENCE_MS 120000

#define FRAME_SIZE 1242
#define IP 14
#define ICMP (IP + 20)
#define NUMBER (ICMP + 8)
#define PATTERN (NUMBER + 4)

static const uint8_t headers[NUMBER] = {
	2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x08, 0x00,
	0x45, 0, (FRAME_SIZE - IP) >> 8, (FRAME_SIZE - IP) & 0xff, 0, 0, 0, 0, 64, 1, 0, 0,
	10, 1, 0, 1, 10, 1, 0, 2,
	8, 0, 0, 0, 0x42, 0x42, 0, 0,
};

static uint8_t pattern(uint32_t number, uint32_t at)
{
	return (uint8_t)(number * 31 + at * 7 + (at >> 8));
}

static void checksum(uint8_t *at, const uint8_t *bytes, uint32_t length)
{
	uint32_t sum = 0;

	for (uint32_t i = 0; i < length; i += 2)
		sum += (uint32_t)bytes[i] << 8 | bytes[i + 1];
	sum = (sum & 0xffff) + (sum >> 16);
	sum = ~(sum + (sum >> 16));
	at[0] = (uint8_t)(sum >> 8);
	at[1] = (uint8_t)sum;
}

static void send_request(struct peer *peer)
{
	uint8_t frame[FRAME_SIZE];
	uint32_t number = htonl(peer->sent);

	memcpy(frame, headers, sizeof(headers));
	memcpy(frame + NUMBER, &number, sizeof(number));
	for (uint32_t at = PATTERN; at < FRAME_SIZE; at++)
		frame[at] = pattern(peer->sent, at);
	checksum(frame + IP + 10, frame + IP, 20);
	checksum(frame + ICMP + 2, frame + ICMP, FRAME_SIZE - ICMP);
	if (frontend_transmit(&peer->frontend, 0, frame, sizeof(frame)))
		peer->sent++;
}

static void take_answer(struct peer *peer, const uint8_t *frame)
{
	uint64_t now = monotonic_ms();
	uint32_t number;

	memcpy(&number, frame + NUMBER, sizeof(number));
	number = ntohl(number);
	assert_true(number < peer->sent);
	for (uint32_t at = PATTERN; at < FRAME_SIZE; at++)
		if (frame[at] != pattern(number, at))
			fail_msg("answer %u differs from its request at byte %u", number, at);
	peer->received++;
	if (now - peer->last > peer->gap)
		peer->gap = now - peer->last;
	peer->last = now;
}

/* An ARP packet about the sender itself (RFC 5227), or RARP that the VMM had us send. */
static bool is_announcement(const uint8_t *frame)
{
	static const uint8_t guest[] = {2, 0, 0, 0, 0, 2};

	if (memcmp(frame + 6, guest, 6))
		return false;
	return !memcmp(frame + 12, "\x80\x35", 2) ||
	       (!memcmp(frame + 12, "\x08\x06", 2) && !memcmp(frame + 28, frame + 38, 4));
}

static void take_frames(struct peer *peer)
{
	uint8_t frame[2048];
	int length;

	while ((length = frontend_take(&peer->frontend, 0, frame, sizeof(frame))) >= 0) {
		frontend_post(&peer->frontend, 0, 1);
		peer->announced += is_announcement(frame);
		if (length == FRAME_SIZE && frame[12] == 0x08 && !frame[13] && !frame[ICMP])
			take_answer(peer, frame);
	}
}

static void turn(struct peer *peer)
{
	take_frames(peer);
	if (monotonic_ms() - peer->last > TOO_LONG_MS)
		peer->given_up = peer->sent - peer->received;
	while ((int32_t)(peer->sent - peer->received - peer->given_up) < WINDOW)
		send_request(peer);
	poll(NULL, 0, 1);
}

void peer_open(struct peer *peer, const char *path)
{
	memset(peer, 0, sizeof(*peer));
	frontend_open(&peer->frontend, frontend_connect(path), MEMORY);
	frontend_start(&peer->frontend, FEATURES, 1);
	frontend_post(&peer->frontend, 0, FRONTEND_RING_SIZE);
	peer->last = monotonic_ms();
}

void peer_close(struct peer *peer)
{
	frontend_close(&peer->frontend);
}

void peer_run(struct peer *peer, unsigned int milliseconds)
{
	uint64_t end = monotonic_ms() + milliseconds;

	do
		turn(peer);
	while (monotonic_ms() < end);
}

void peer_wait(struct peer *peer, uint32_t count)
{
	uint64_t end = monotonic_ms() + PATIENCE_MS;
	uint32_t wanted = peer->received + count;

	while ((int32_t)(wanted - peer->received) > 0) {
		if (monotonic_ms() > end)
			fail_msg("the guest does not answer");
		turn(peer);
	}
}
