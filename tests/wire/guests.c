// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/wire/guests.h"

#include <errno.h>
#include <linux/virtio_config.h>
#include <poll.h>
#include <string.h>

#include "tests/unit/test.h"

#define MEMORY (UINT64_C(4) << 20)
#define FEATURES                                                                                   \
	(BIT(VIRTIO_F_VERSION_1) | BIT(VIRTIO_NET_F_MRG_RXBUF) | BIT(VIRTIO_RING_F_EVENT_IDX))

/* Both for experiments: IEEE 802, clause 9.2.4. */
#define ETHERTYPE_FRAME 0x88b5
#define ETHERTYPE_MARK 0x88b6

void boot(struct frontend *guest, int fd, uint64_t features)
{
	assert_return_code(fd, errno);
	memset(guest, 0, sizeof(*guest));
	frontend_open(guest, fd, MEMORY);
	frontend_start(guest, FEATURES | features, 1);
	frontend_post(guest, 0, 64);
}

/* Wait for a frame; the worker is another process. */
static int wait_for_frame(struct frontend *guest, uint8_t *frame, uint32_t size)
{
	int length = -1;

	for (int tries = 0; tries < 20000 && length < 0; tries++) {
		length = frontend_take(guest, 0, frame, size);
		if (length < 0)
			poll(NULL, 0, 1);
	}
	return length;
}

static void send_frame(struct frontend *from, struct frontend *to, uint8_t sent[static 600],
		       uint16_t ethertype, uint8_t value)
{
	memset(sent, value, 600);
	memcpy(sent, "\x02\0\0\0\0\x02\x02\0\0\0\0\x01", 12);
	sent[12] = ethertype >> 8;
	sent[13] = (uint8_t)ethertype;
	frontend_post(to, 0, 1);
	assert_true(frontend_transmit(from, 0, sent, 600));
}

void expect_frame(struct frontend *from, struct frontend *to, uint8_t value)
{
	uint8_t sent[600], got[2048];

	send_frame(from, to, sent, ETHERTYPE_FRAME, value);
	assert_int_equal(wait_for_frame(to, got, sizeof(got)), sizeof(sent));
	assert_memory_equal(sent, got, sizeof(sent));
}

void expect_traffic(struct frontend *a, struct frontend *b)
{
	for (uint8_t i = 0; i < 20; i++) {
		expect_frame(a, b, i);
		expect_frame(b, a, (uint8_t)~i);
	}
}

/* It may take several, as earlier ones take the buffer that was posted for it. */
void expect_frame_amid(struct frontend *from, struct frontend *to)
{
	uint8_t sent[600], got[2048];

	for (uint8_t mark = 0; mark < 200; mark++) {
		send_frame(from, to, sent, ETHERTYPE_MARK, mark);
		for (int tries = 0; tries < 100; tries++) {
			int length = frontend_take(to, 0, got, sizeof(got));

			if (length == sizeof(sent) && !memcmp(sent, got, sizeof(sent)))
				return;
			if (length < 0)
				poll(NULL, 0, 1);
		}
	}
	fail_msg("no frame passes");
}

void expect_traffic_amid(struct frontend *a, struct frontend *b)
{
	expect_frame_amid(a, b);
	expect_frame_amid(b, a);
	expect_traffic(a, b);
}
