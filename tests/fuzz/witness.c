// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/fuzz/witness.h"

#include <string.h>

#include "tests/fuzz/services.h"
#include "tests/fuzz/template.h"
#include "tests/wire/frontend.h"

#define MEMORY (UINT64_C(4) << 20)
#define SECRET (256 << 10)
#define FRAMES_POSTED 64

static struct frontend witness;
static uint64_t said;
static uint8_t *secret;
static const char pattern[] = "untouched memory";

void witness_empty(void)
{
	static uint8_t frame[FRAME_MAX];

	while (frontend_take(&witness, 0, frame, sizeof(frame)) >= 0)
		;
	frontend_post(&witness, 0, FRAMES_POSTED);
}

void witness_says(struct fuzz_input *input)
{
	uint8_t kind = fuzz_u8(input), frame[128];
	uint32_t length = 60 + fuzz_below(input, 1400);
	static uint8_t whole[1514];

	write_template(frame, kind, 0);
	memcpy(whole, frame, 60);
	whole[11] = 1;
	witness_empty();
	said += frontend_transmit(&witness, 0, whole, length);
	services_settle();
}

static bool all_is_taken(void)
{
	struct port *port;

	services_expect(port_find(services.registry, WITNESS, &port));
	return member_counted(port).rx_packets == said;
}

void witness_expect_unharmed(void)
{
	uint8_t frame[60];

	said++;
	lan_frame(frame, BROADCAST, 1, 0, sizeof(frame));
	assert_true(frontend_transmit(&witness, 0, frame, sizeof(frame)));
	services_expect_soon(all_is_taken);
	for (unsigned int i = 0; i < SECRET; i += sizeof(pattern) - 1)
		assert_memory_equal(secret + i, pattern, sizeof(pattern) - 1);
	witness_empty();
}

void witness_open(uint64_t features)
{
	struct port_options options = {.name = WITNESS, .type = "vhost-user", .bridge = "network"};

	frontend_open(&witness, services_add(&options), MEMORY);
	witness.pump = services_pump;
	frontend_start(&witness, features, 1);
	secret = guest_at(&witness.guest, guest_alloc(&witness.guest, SECRET, 4096));
	for (unsigned int i = 0; i < SECRET; i += sizeof(pattern) - 1)
		memcpy(secret + i, pattern, sizeof(pattern) - 1);
	witness_empty();
}

void witness_close(void)
{
	witness.pump = NULL;
	assert_true(frontend_is_ended(&witness));
	frontend_close(&witness);
}
