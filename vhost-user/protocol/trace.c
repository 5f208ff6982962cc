// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhost-user/protocol/trace.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <time.h>

/**
 * struct vu_tracer - see trace.h
 * @link: among those of its port
 * @trace: the port's; NULL when that is gone
 * @wake: told of the first record
 * @arg: passed to it
 * @first: oldest record
 * @count: records from there on and round
 * @dropped: records that found no room since the last that did
 * @records: room for them
 */
struct vu_tracer {
	LIST_ENTRY(vu_tracer) link;
	struct vu_trace *trace;
	void (*wake)(void *arg);
	void *arg;
	unsigned int first;
	unsigned int count;
	uint64_t dropped;
	struct vu_trace_record records[VU_TRACE_RECORDS];
};

struct vu_trace {
	LIST_HEAD(, vu_tracer) tracers;
	unsigned int count;
};

/* Sizes that a payload of a shape may have, and how much of it is kept. */
static const struct {
	uint16_t min;
	uint16_t max;
	uint16_t kept;
} sizes[VU_SHAPES] = {
	[VU_SHAPE_U64] = { 8, 8, 8 },
	[VU_SHAPE_RESULT] = { 8, 8, 8 },
	[VU_SHAPE_FEATURES] = { 8, 8, 8 },
	[VU_SHAPE_PROTOCOL_FEATURES] = { 8, 8, 8 },
	[VU_SHAPE_STATE] = { 8, 8, 8 },
	[VU_SHAPE_ADDR] = { 40, 40, 40 },
	[VU_SHAPE_VRING_FD] = { 8, 8, 8 },
	[VU_SHAPE_MEM_TABLE] = { 8, sizeof(struct vu_mem_table), sizeof(struct vu_mem_table) },
	[VU_SHAPE_MEM_SLOT] = { sizeof(struct vu_mem_slot), sizeof(struct vu_mem_slot),
				sizeof(struct vu_mem_slot) },
	[VU_SHAPE_LOG] = { sizeof(struct vu_log), sizeof(struct vu_log), sizeof(struct vu_log) },
	[VU_SHAPE_IOTLB] = { VU_IOTLB_MIN, sizeof(struct vu_iotlb), VU_IOTLB_MIN },
	[VU_SHAPE_CONFIG] = { VU_CONFIG_HEADER, sizeof(struct vu_config), VU_CONFIG_HEADER },
	[VU_SHAPE_INFLIGHT] = { VU_INFLIGHT_MIN, sizeof(struct vu_inflight_area), VU_INFLIGHT_MIN },
	[VU_SHAPE_DEVICE_STATE] = { 8, 8, 8 },
	[VU_SHAPE_MAC] = { 8, 8, 8 },
};

/* Payloads of requests, and of replies that are not 64 bits that say whether it is done. */
static const struct {
	uint8_t request;
	uint8_t reply;
} shapes[VU_REQUESTS] = {
	[VU_GET_FEATURES] = { .reply = VU_SHAPE_FEATURES },
	[VU_SET_FEATURES] = { VU_SHAPE_FEATURES },
	[VU_SET_MEM_TABLE] = { VU_SHAPE_MEM_TABLE, VU_SHAPE_MEM_TABLE },
	[VU_SET_LOG_BASE] = { VU_SHAPE_LOG },
	[VU_SET_VRING_NUM] = { VU_SHAPE_STATE },
	[VU_SET_VRING_ADDR] = { VU_SHAPE_ADDR },
	[VU_SET_VRING_BASE] = { VU_SHAPE_STATE },
	[VU_GET_VRING_BASE] = { VU_SHAPE_STATE, VU_SHAPE_STATE },
	[VU_SET_VRING_KICK] = { VU_SHAPE_VRING_FD },
	[VU_SET_VRING_CALL] = { VU_SHAPE_VRING_FD },
	[VU_SET_VRING_ERR] = { VU_SHAPE_VRING_FD },
	[VU_GET_PROTOCOL_FEATURES] = { .reply = VU_SHAPE_PROTOCOL_FEATURES },
	[VU_SET_PROTOCOL_FEATURES] = { VU_SHAPE_PROTOCOL_FEATURES },
	[VU_GET_QUEUE_NUM] = { .reply = VU_SHAPE_U64 },
	[VU_SET_VRING_ENABLE] = { VU_SHAPE_STATE },
	[VU_SEND_RARP] = { VU_SHAPE_MAC },
	[VU_NET_SET_MTU] = { VU_SHAPE_U64 },
	[VU_IOTLB_MSG] = { VU_SHAPE_IOTLB },
	[VU_GET_CONFIG] = { VU_SHAPE_CONFIG, VU_SHAPE_CONFIG },
	[VU_SET_CONFIG] = { VU_SHAPE_CONFIG },
	[VU_GET_INFLIGHT_FD] = { VU_SHAPE_INFLIGHT, VU_SHAPE_INFLIGHT },
	[VU_SET_INFLIGHT_FD] = { VU_SHAPE_INFLIGHT },
	[VU_VRING_KICK] = { VU_SHAPE_STATE },
	[VU_GET_MAX_MEM_SLOTS] = { .reply = VU_SHAPE_U64 },
	[VU_ADD_MEM_REG] = { VU_SHAPE_MEM_SLOT, VU_SHAPE_MEM_SLOT },
	[VU_REM_MEM_REG] = { VU_SHAPE_MEM_SLOT },
	[VU_SET_STATUS] = { VU_SHAPE_U64 },
	[VU_GET_STATUS] = { .reply = VU_SHAPE_U64 },
	[VU_SET_DEVICE_STATE_FD] = { VU_SHAPE_DEVICE_STATE, VU_SHAPE_U64 },
	[VU_CHECK_DEVICE_STATE] = { .reply = VU_SHAPE_U64 },
};

static enum vu_shape shape_on_channel(const struct vu_traced *message)
{
	if (message->is_reply)
		return VU_SHAPE_RESULT;
	switch (message->header.request) {
	case VU_BACKEND_IOTLB_MSG:
		return VU_SHAPE_IOTLB;
	case VU_BACKEND_VRING_CALL:
	case VU_BACKEND_VRING_ERR:
		return VU_SHAPE_STATE;
	default:
		return VU_SHAPE_NONE;
	}
}

static enum vu_shape shape_on_main(const struct vu_traced *message)
{
	uint32_t request = message->header.request;
	enum vu_shape shape;

	if (request >= VU_REQUESTS)
		return VU_SHAPE_NONE;
	if (!message->is_reply)
		return shapes[request].request;
	shape = shapes[request].reply;
	/* A reply that says whether it is done is shorter than a table with a region. */
	if (shape == VU_SHAPE_MEM_TABLE || sizes[shape].min != sizeof(uint64_t))
		return message->header.size == sizeof(uint64_t) ? VU_SHAPE_RESULT : shape;
	return shape;
}

static enum vu_shape shape_of(const struct vu_traced *message)
{
	enum vu_shape shape = message->is_channel ? shape_on_channel(message) : shape_on_main(message);

	if (!message->payload || message->header.size < sizes[shape].min ||
	    message->header.size > sizes[shape].max)
		return VU_SHAPE_NONE;
	return shape;
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* Behind the last record. */
static struct vu_trace_record *behind(struct vu_tracer *tracer)
{
	return &tracer->records[(tracer->first + tracer->count) % VU_TRACE_RECORDS];
}

static void add(struct vu_tracer *tracer, const struct vu_trace_record *record)
{
	struct vu_trace_record *place;

	if (tracer->count == VU_TRACE_RECORDS) {
		tracer->dropped++;
		return;
	}
	place = behind(tracer);
	tracer->count++;
	*place = *record;
	place->dropped = tracer->dropped;
	tracer->dropped = 0;
	if (tracer->count == 1)
		tracer->wake(tracer->arg);
}

static void add_to_all(struct vu_trace *trace, const struct vu_trace_record *record)
{
	struct vu_tracer *tracer;

	LIST_FOREACH(tracer, &trace->tracers, link)
		add(tracer, record);
}

void vu_trace_message(struct vu_trace *trace, const struct vu_traced *message)
{
	struct vu_trace_record record;

	if (!trace || !trace->count)
		return;
	record = (struct vu_trace_record){
		.time_ns = now_ns(),
		.kind = message->is_reply ? VU_TRACE_REPLY : VU_TRACE_REQUEST,
		.by_front_end = message->by_front_end,
		.is_channel = message->is_channel,
		.header = message->header,
		.fds = message->fds,
		.shape = shape_of(message),
	};
	record.kept = sizes[record.shape].kept;
	if (record.kept > message->header.size)
		record.kept = message->header.size;
	if (record.kept)
		memcpy(&record.payload, message->payload, record.kept);
	add_to_all(trace, &record);
}

void vu_trace_event(struct vu_trace *trace, enum vu_trace_event event, enum vu_refusal refusal,
		    const char *text)
{
	struct vu_trace_record record = {
		.kind = VU_TRACE_EVENT,
		.event = event,
		.refusal = refusal,
	};

	if (!trace || !trace->count)
		return;
	record.time_ns = now_ns();
	snprintf(record.payload.text, sizeof(record.payload.text), "%s", text);
	add_to_all(trace, &record);
}

int vu_trace_open(struct vu_trace **out)
{
	*out = calloc(1, sizeof(**out));
	return *out ? 0 : -ENOMEM;
}

unsigned int vu_trace_count(const struct vu_trace *trace)
{
	return trace->count;
}

/* It is told of the end where its ring is full, too: the last message makes way. */
static void end_tracer(struct vu_tracer *tracer)
{
	const struct vu_trace_record end = {
		.time_ns = now_ns(),
		.kind = VU_TRACE_EVENT,
		.event = VU_TRACE_REMOVED,
	};

	if (tracer->count == VU_TRACE_RECORDS) {
		tracer->count--;
		tracer->dropped += 1 + behind(tracer)->dropped;
	}
	LIST_REMOVE(tracer, link);
	tracer->trace = NULL;
	add(tracer, &end);
}

void vu_trace_close(struct vu_trace *trace)
{
	if (!trace)
		return;
	while (!LIST_EMPTY(&trace->tracers))
		end_tracer(LIST_FIRST(&trace->tracers));
	free(trace);
}

int vu_tracer_open(struct vu_tracer **out, struct vu_trace *trace, void (*wake)(void *arg),
		   void *arg)
{
	struct vu_tracer *tracer;

	if (trace->count == VU_TRACERS_MAX)
		return -EBUSY;
	tracer = calloc(1, sizeof(*tracer));
	if (!tracer)
		return -ENOMEM;
	tracer->trace = trace;
	tracer->wake = wake;
	tracer->arg = arg;
	LIST_INSERT_HEAD(&trace->tracers, tracer, link);
	trace->count++;
	*out = tracer;
	return 0;
}

bool vu_tracer_next(struct vu_tracer *tracer, struct vu_trace_record *record)
{
	if (!tracer->count)
		return false;
	*record = tracer->records[tracer->first];
	tracer->first = (tracer->first + 1) % VU_TRACE_RECORDS;
	tracer->count--;
	return true;
}

void vu_tracer_close(struct vu_tracer *tracer)
{
	if (!tracer)
		return;
	if (tracer->trace) {
		LIST_REMOVE(tracer, link);
		tracer->trace->count--;
	}
	free(tracer);
}
