// SPDX-License-Identifier: GPL-2.0-or-later
// What tracers of a port are told: what is kept of payloads, how much waits, and when it ends.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/test.h"
#include "vhost-user/protocol/session_internal.h"
#include "vhost-user/protocol/trace.h"

#define LENGTH(list) (sizeof(list) / sizeof(*(list)))

static unsigned int wakes;

static void wake(void *arg)
{
	(void)arg;
	wakes++;
}

static void open_one(struct vu_trace **trace, struct vu_tracer **tracer)
{
	wakes = 0;
	assert_int_equal(vu_trace_open(trace), 0);
	assert_int_equal(vu_tracer_open(tracer, *trace, wake, NULL), 0);
}

static void close_both(struct vu_trace *trace, struct vu_tracer *tracer)
{
	vu_trace_close(trace);
	vu_tracer_close(tracer);
}

/* What is kept of a message whose payload is nothing but 0x5a. */
static struct vu_trace_record told(struct vu_traced message)
{
	uint8_t payload[VU_PAYLOAD_MAX];
	struct vu_trace_record record;
	struct vu_tracer *tracer;
	struct vu_trace *trace;

	memset(payload, 0x5a, sizeof(payload));
	if (!message.payload)
		message.payload = payload;
	open_one(&trace, &tracer);
	vu_trace_message(trace, &message);
	assert_true(vu_tracer_next(tracer, &record));
	assert_false(vu_tracer_next(tracer, &record) && record.kind != VU_TRACE_EVENT);
	close_both(trace, tracer);
	return record;
}

static struct vu_traced request(uint32_t number, uint32_t size)
{
	return (struct vu_traced){
		.header = { number, VU_FLAG_VERSION, size },
		.by_front_end = true,
	};
}

static bool has_bytes(const struct vu_trace_record *record, size_t from)
{
	for (size_t i = from; i < sizeof(record->payload.bytes); i++)
		if (record->payload.bytes[i] == 0x5a)
			return true;
	return false;
}

static void no_more_is_kept_than_is_shown(void **state)
{
	(void)state;
	for (uint32_t number = 0; number < VU_REQUESTS + 8; number++) {
		for (uint32_t size = 0; size <= 300; size++) {
			struct vu_trace_record record = told(request(number, size));

			assert_int_equal(record.header.size, size);
			assert_true(record.kept <= size);
			assert_true(record.shape || !record.kept);
			assert_false(has_bytes(&record, record.kept));
		}
	}
}

static void payloads_are_kept_of_requests_that_have_their_size(void **state)
{
	(void)state;
	for (uint32_t number = 0; number < VU_REQUESTS; number++) {
		const struct vu_rule *rule = vu_rule(number);

		if (!rule || !rule->handle || !rule->max_size)
			continue;
		assert_true(told(request(number, rule->max_size)).shape);
		assert_false(told(request(number, (uint32_t)rule->max_size + 1)).shape);
		if (number != VU_ADD_MEM_REG)
			assert_true(told(request(number, rule->min_size)).shape);
		if (rule->min_size)
			assert_false(told(request(number, (uint32_t)rule->min_size - 1)).shape);
	}
}

static void what_a_guest_writes_is_not_kept(void **state)
{
	static const uint32_t never[] = {
		VU_CREATE_CRYPTO_SESSION, VU_CLOSE_CRYPTO_SESSION, VU_GET_SHARED_OBJECT, VU_REQUESTS,
		UINT32_MAX, 0, 33,
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(never); i++)
		assert_int_equal(told(request(never[i], 8)).kept, 0);
	assert_int_equal(told(request(VU_SET_CONFIG, sizeof(struct vu_config))).kept, VU_CONFIG_HEADER);
	assert_int_equal(told(request(VU_GET_CONFIG, sizeof(struct vu_config))).kept, VU_CONFIG_HEADER);
}

static void replies_are_read_as_they_are(void **state)
{
	struct vu_traced reply = { .is_reply = true, .header = { VU_GET_FEATURES, 5, 8 } };

	(void)state;
	assert_int_equal(told(reply).shape, VU_SHAPE_FEATURES);
	reply.header.request = VU_SET_MEM_TABLE;
	assert_int_equal(told(reply).shape, VU_SHAPE_RESULT);
	reply.header.size = 40;
	assert_int_equal(told(reply).shape, VU_SHAPE_MEM_TABLE);
	reply.header = (struct vu_header){ VU_GET_CONFIG, 5, 0 };
	assert_int_equal(told(reply).shape, VU_SHAPE_NONE);
	reply.header = (struct vu_header){ 4711, 5, 8 };
	assert_int_equal(told(reply).shape, VU_SHAPE_NONE);
	reply.header = (struct vu_header){ VU_BACKEND_IOTLB_MSG, 5, 8 };
	reply.is_channel = true;
	assert_int_equal(told(reply).shape, VU_SHAPE_RESULT);
	reply.is_reply = false;
	reply.header.size = sizeof(struct vu_iotlb);
	assert_int_equal(told(reply).shape, VU_SHAPE_IOTLB);
}

static void what_finds_no_room_is_counted(void **state)
{
	struct vu_traced message = request(VU_GET_FEATURES, 0);
	struct vu_trace_record record;
	struct vu_tracer *tracer;
	struct vu_trace *trace;
	uint64_t seen = 0, dropped = 0;

	(void)state;
	open_one(&trace, &tracer);
	for (unsigned int i = 0; i < VU_TRACE_RECORDS + 10; i++)
		vu_trace_message(trace, &message);
	assert_int_equal(wakes, 1);
	assert_true(vu_tracer_next(tracer, &record));
	vu_trace_event(trace, VU_TRACE_REFUSED, VU_REFUSED_SIZE, "too long");
	vu_trace_message(trace, &message);
	vu_trace_close(trace);
	for (seen = 1; vu_tracer_next(tracer, &record); seen++)
		dropped += record.dropped;
	assert_int_equal(record.event, VU_TRACE_REMOVED);
	/* The ring was full: the event made way for the end, and its count goes on. */
	assert_int_equal(seen, VU_TRACE_RECORDS + 1);
	assert_int_equal(seen + dropped, VU_TRACE_RECORDS + 10 + 3);
	vu_tracer_close(tracer);
}

static void tracers_are_limited_and_make_room(void **state)
{
	struct vu_tracer *tracers[VU_TRACERS_MAX], *more;
	struct vu_trace_record record;
	struct vu_trace *trace;

	(void)state;
	assert_int_equal(vu_trace_open(&trace), 0);
	for (unsigned int i = 0; i < VU_TRACERS_MAX; i++)
		assert_int_equal(vu_tracer_open(&tracers[i], trace, wake, NULL), 0);
	assert_int_equal(vu_tracer_open(&more, trace, wake, NULL), -EBUSY);
	vu_tracer_close(tracers[0]);
	assert_int_equal(vu_tracer_open(&tracers[0], trace, wake, NULL), 0);
	vu_trace_event(trace, VU_TRACE_CONNECTED, VU_ACCEPTED, "here");
	vu_trace_close(trace);
	for (unsigned int i = 0; i < VU_TRACERS_MAX; i++) {
		assert_true(vu_tracer_next(tracers[i], &record));
		assert_string_equal(record.payload.text, "here");
		assert_true(vu_tracer_next(tracers[i], &record));
		assert_int_equal(record.event, VU_TRACE_REMOVED);
		assert_false(vu_tracer_next(tracers[i], &record));
		vu_tracer_close(tracers[i]);
	}
}

static void who_is_not_looked_at_costs_nothing(void **state)
{
	const struct vu_traced message = request(VU_GET_FEATURES, 0);
	struct vu_trace *trace;

	(void)state;
	vu_trace_message(NULL, &message);
	vu_trace_event(NULL, VU_TRACE_ENDED, VU_ACCEPTED, "");
	assert_int_equal(vu_trace_open(&trace), 0);
	vu_trace_message(trace, &message);
	vu_trace_close(trace);
	vu_trace_close(NULL);
	vu_tracer_close(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_more_is_kept_than_is_shown),
		cmocka_unit_test(payloads_are_kept_of_requests_that_have_their_size),
		cmocka_unit_test(what_a_guest_writes_is_not_kept),
		cmocka_unit_test(replies_are_read_as_they_are),
		cmocka_unit_test(what_finds_no_room_is_counted),
		cmocka_unit_test(tracers_are_limited_and_make_room),
		cmocka_unit_test(who_is_not_looked_at_costs_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
