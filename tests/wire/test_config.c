// SPDX-License-Identifier: GPL-2.0-or-later
// The configuration space: GET_CONFIG and SET_CONFIG.
#include <errno.h>
#include <string.h>

#include "tests/unit/test.h"
#include "tests/wire/fixture.h"

static struct vu_config config_range(uint32_t offset, uint32_t size)
{
	return (struct vu_config){ .offset = offset, .size = size };
}

/* Bytes of the reply, 0 for a refusal. */
static int get_config(struct fixture *fixture, struct vu_config *config, uint32_t payload)
{
	frontend_send(&fixture->frontend, VU_GET_CONFIG, 0, config, payload, NULL, 0);
	return frontend_receive(&fixture->frontend, VU_GET_CONFIG, config, sizeof(*config));
}

static uint64_t set_config(struct fixture *fixture, const struct vu_config *config)
{
	return frontend_call(&fixture->frontend, VU_SET_CONFIG, config,
			     (uint32_t)VU_CONFIG_HEADER + config->size, NULL, 0);
}

/* What the device does not have is zero. */
static void any_part_of_the_space_can_be_read(void **state)
{
	struct fixture *fixture = *state;

	for (unsigned int i = 0; i < CONFIG_BYTES; i++)
		fixture->config[i] = (uint8_t)(i + 1);
	frontend_negotiate(&fixture->frontend, UINT64_MAX);
	for (uint32_t offset = 0; offset <= VU_CONFIG_SPACE; offset += 32) {
		struct vu_config config = config_range(offset, VU_CONFIG_SPACE - offset);
		uint32_t payload = (uint32_t)VU_CONFIG_HEADER + config.size;

		assert_int_equal(get_config(fixture, &config, payload), payload);
		assert_int_equal(config.offset, offset);
		assert_int_equal(config.size, VU_CONFIG_SPACE - offset);
		assert_memory_equal(config.bytes, fixture->config + offset, config.size);
	}
}

/* The answer has the size of the question, and the rest is the front end's own. */
static void payload_may_have_room_for_more(void **state)
{
	struct fixture *fixture = *state;
	struct vu_config config = { .offset = 4, .size = 6, .bytes = { [6] = 0x55, [99] = 0x55 } };
	uint32_t payload = (uint32_t)VU_CONFIG_HEADER + 100;

	memset(fixture->config, 0xaa, CONFIG_BYTES);
	frontend_negotiate(&fixture->frontend, UINT64_MAX);
	assert_int_equal(get_config(fixture, &config, payload), payload);
	assert_int_equal(config.size, 6);
	assert_int_equal(config.bytes[5], 0xaa);
	assert_int_equal(config.bytes[6], 0x55);
	assert_int_equal(config.bytes[99], 0x55);
	config.offset = 16;
	config.bytes[0] = 1;
	assert_int_equal(frontend_call(&fixture->frontend, VU_SET_CONFIG, &config, payload, NULL, 0),
			 0);
	assert_int_equal(fixture->config[16], 1);
	assert_int_equal(fixture->config[22], 0xaa);
}

/* Beyond the space, by one and by wrapping round; another size than the payload has; flags. */
static const struct {
	struct vu_config config;
	uint32_t payload;
} wrongs[] = {
	{ { .offset = 1, .size = 256 }, 12 + 256 },
	{ { .offset = 257, .size = 0 }, 12 },
	{ { .offset = UINT32_MAX, .size = 8 }, 12 + 8 },
	{ { .offset = 0, .size = 9 }, 12 + 8 },
	{ { .offset = 0, .size = UINT32_MAX - 3 }, 12 + 8 },
	{ { .offset = 0, .size = 8, .flags = 2 }, 12 + 8 },
	{ { .offset = 0, .size = 0 }, 11 },
};

/* "Back-end uses zero length of payload to indicate an error". */
static void wrong_ranges_are_answered_without_payload(void **state)
{
	struct fixture *fixture = *state;
	struct frontend *frontend = &fixture->frontend;

	frontend_negotiate(frontend, UINT64_MAX);
	for (unsigned int i = 0; i < sizeof(wrongs) / sizeof(wrongs[0]); i++) {
		struct vu_config config = wrongs[i].config;

		assert_int_equal(get_config(fixture, &config, wrongs[i].payload), 0);
		assert_int_not_equal(frontend_call(frontend, VU_SET_CONFIG, &wrongs[i].config,
						   wrongs[i].payload, NULL, 0), 0);
	}
	frontend_start(frontend, UINT64_MAX, 1);
	expect_echo(fixture, 1);
}

static void what_is_written_reaches_the_device(void **state)
{
	struct fixture *fixture = *state;
	struct frontend *frontend = &fixture->frontend;
	struct vu_config config = { .offset = 16, .size = 4, .bytes = { 1, 2, 3, 4 } };

	frontend_negotiate(frontend, UINT64_MAX);
	assert_int_equal(set_config(fixture, &config), 0);
	assert_memory_equal(fixture->config + 16, config.bytes, 4);
	assert_false(fixture->migrated);
	config.flags = VU_CONFIG_MIGRATION;
	assert_int_equal(set_config(fixture, &config), 0);
	assert_true(fixture->migrated);
}

/* A front end that does not ask goes on: it can do without. */
static void what_the_device_does_not_let_be_written_is_refused(void **state)
{
	struct fixture *fixture = *state;
	struct frontend *frontend = &fixture->frontend;
	struct vu_config config = { .offset = 0, .size = 4, .bytes = { 1, 2, 3, 4 } };

	frontend_negotiate(frontend, UINT64_MAX);
	assert_int_not_equal(set_config(fixture, &config), 0);
	frontend_send(frontend, VU_SET_CONFIG, 0, &config, 16, NULL, 0);
	assert_int_equal(refused(fixture, VU_REFUSED_VALUE), 2);
	assert_int_equal(fixture->config[0], 0);
	config.offset = CONFIG_BYTES - 3;
	assert_int_not_equal(set_config(fixture, &config), 0);
	assert_int_equal(fixture->config[config.offset], 0);
	config.offset--;
	assert_int_equal(set_config(fixture, &config), 0);
	frontend_start(frontend, UINT64_MAX, 1);
	expect_echo(fixture, 1);
}

/* A device without a space of its own leaves it to the VMM. */
static void requests_are_refused_when_the_device_has_no_space(void **state)
{
	struct fixture *fixture = *state;
	struct vu_config config = config_range(0, 12);

	fixture->ops.get_config = NULL;
	frontend_negotiate(&fixture->frontend, UINT64_MAX);
	assert_false(fixture->frontend.protocol_features & BIT(VU_PROTOCOL_CONFIG));
	assert_int_equal(get_config(fixture, &config, 24), 0);
	frontend_send(&fixture->frontend, VU_SET_CONFIG, 0, &config, 24, NULL, 0);
	assert_int_not_equal(set_config(fixture, &config), 0);
	assert_int_equal(refused(fixture, VU_REFUSED_FEATURE), 3);
	frontend_start(&fixture->frontend, UINT64_MAX, 1);
	expect_echo(fixture, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(any_part_of_the_space_can_be_read),
		TEST(payload_may_have_room_for_more),
		TEST(wrong_ranges_are_answered_without_payload),
		TEST(what_is_written_reaches_the_device),
		TEST(what_the_device_does_not_let_be_written_is_refused),
		TEST(requests_are_refused_when_the_device_has_no_space),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
