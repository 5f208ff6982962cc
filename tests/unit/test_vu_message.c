// SPDX-License-Identifier: GPL-2.0-or-later
// The table of requests: complete, consistent, and what the specification says.
#include <string.h>

#include "tests/unit/test.h"
#include "vhost-user/protocol/session_internal.h"
#include "vhost-user/ring/virtq.h"

static void every_request_in_the_table_can_be_checked_and_handled(void **state)
{
	unsigned int count = 0;

	(void)state;
	for (uint32_t request = 0; request < VU_REQUESTS; request++) {
		const struct vu_rule *rule = vu_rule(request);

		if (!rule)
			continue;
		count++;
		assert_true(rule->min_size <= rule->max_size);
		assert_true(rule->max_size <= sizeof(union vu_payload));
		assert_true(rule->max_fds <= VU_FDS_MAX);
		/* An index is read only from a payload that has one. */
		assert_true(rule->index == VU_INDEX_NONE || rule->min_size >= 8);
		/* Without a handler it must be of a feature that is never offered. */
		assert_true(rule->handle || rule->offered & VU_NEVER_OFFERED);
	}
	assert_true(count >= 29);
}

static void requests_outside_of_the_table_have_no_rule(void **state)
{
	(void)state;
	assert_null(vu_rule(0));
	assert_null(vu_rule(VU_RESET_DEVICE - 1));
	assert_null(vu_rule(VU_REQUESTS));
	assert_null(vu_rule(UINT32_MAX));
}

static void replies_are_those_of_the_specification(void **state)
{
	static const uint32_t with_reply[] = {
		VU_GET_FEATURES,  VU_GET_PROTOCOL_FEATURES, VU_GET_QUEUE_NUM,
		VU_GET_VRING_BASE, VU_GET_CONFIG, VU_SET_LOG_BASE,
		VU_GET_MAX_MEM_SLOTS, VU_GET_STATUS, VU_IOTLB_MSG,
		VU_POSTCOPY_ADVISE, VU_POSTCOPY_END, VU_GET_INFLIGHT_FD,
		VU_GET_SHARED_OBJECT,
		VU_SET_DEVICE_STATE_FD, VU_CHECK_DEVICE_STATE,
	};
	unsigned int count = 0;

	(void)state;
	for (uint32_t request = 0; request < VU_REQUESTS; request++)
		count += vu_rule(request) && vu_rule(request)->replies;
	for (unsigned int i = 0; i < sizeof(with_reply) / sizeof(with_reply[0]); i++)
		assert_true(vu_rule(with_reply[i])->replies);
	assert_int_equal(count, sizeof(with_reply) / sizeof(with_reply[0]));
}

static void index_is_read_from_where_the_request_has_it(void **state)
{
	struct vu_message message = {.payload.u64 = UINT64_C(0x1234567800000102)};

	(void)state;
	assert_int_equal(vu_message_index(vu_rule(VU_SET_VRING_KICK), &message), 2);
	assert_int_equal(vu_message_index(vu_rule(VU_SET_VRING_NUM), &message), 0x102);
}

static void every_reason_has_a_name_of_its_own(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < VU_REFUSALS; i++)
		for (unsigned int j = 0; j < i; j++)
			assert_string_not_equal(vu_refusal_name(i), vu_refusal_name(j));
	for (unsigned int i = 0; i < VIRTQ_ERRORS; i++)
		for (unsigned int j = 0; j < i; j++)
			assert_string_not_equal(virtq_error_name(i), virtq_error_name(j));
	assert_string_equal(vu_refusal_name(VU_REFUSALS), "unknown");
	assert_string_equal(virtq_error_name(VIRTQ_ERRORS), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_request_in_the_table_can_be_checked_and_handled),
		cmocka_unit_test(requests_outside_of_the_table_have_no_rule),
		cmocka_unit_test(replies_are_those_of_the_specification),
		cmocka_unit_test(index_is_read_from_where_the_request_has_it),
		cmocka_unit_test(every_reason_has_a_name_of_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
