/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who looks at the messages of a port: each tracer has a copy of what is said, as it comes and
 * goes, in a ring of its own.
 *
 * A message costs its session one copy for each tracer, of bounded size, and nothing where there
 * is none.  What finds the ring full is counted with the next one that does not.  Payloads are
 * kept of requests that the table has and that have their size; bytes of configuration spaces are
 * not, as drivers write there what they like, and of guest memory there is nothing in a message.
 *
 * Threads: the control thread.
 */
#ifndef VHOST_USER_PROTOCOL_TRACE_H
#define VHOST_USER_PROTOCOL_TRACE_H

#include <stdbool.h>
#include <stdint.h>

#include "vhost-user/protocol/message.h"

/* Tracers of one port, and messages that wait for each. */
#define VU_TRACERS_MAX 4
#define VU_TRACE_RECORDS 1024

/* Longest text of an event, with its NUL. */
#define VU_TRACE_TEXT 256

struct vu_trace;
struct vu_tracer;

/**
 * enum vu_trace_kind - what a record is of
 */
enum vu_trace_kind {
	VU_TRACE_REQUEST,
	VU_TRACE_REPLY,
	VU_TRACE_EVENT,
};

/**
 * enum vu_trace_event - what is no message
 */
enum vu_trace_event {
	VU_TRACE_CONNECTED,	/* a front end connected */
	VU_TRACE_REFUSED,	/* the message before it was refused */
	VU_TRACE_ENDED,		/* the connection ended */
	VU_TRACE_REMOVED,	/* the port is gone, and this is the last record */
	VU_TRACE_EVENTS
};

/**
 * enum vu_shape - how a payload is to be read
 */
enum vu_shape {
	VU_SHAPE_NONE,		/* there is none, or it was not kept */
	VU_SHAPE_U64,
	VU_SHAPE_RESULT,	/* 64 bits, 0 for done */
	VU_SHAPE_FEATURES,	/* of virtio */
	VU_SHAPE_PROTOCOL_FEATURES,
	VU_SHAPE_STATE,
	VU_SHAPE_ADDR,
	VU_SHAPE_VRING_FD,	/* index and VU_VRING_NOFD */
	VU_SHAPE_MEM_TABLE,
	VU_SHAPE_MEM_SLOT,
	VU_SHAPE_LOG,
	VU_SHAPE_IOTLB,
	VU_SHAPE_CONFIG,	/* its header */
	VU_SHAPE_INFLIGHT,
	VU_SHAPE_DEVICE_STATE,
	VU_SHAPE_MAC,
	VU_SHAPES
};

/**
 * struct vu_trace_record - a message, or an event
 * @time_ns: when, in nanoseconds since 1970
 * @dropped: records before it that found no room, since the last one that did
 * @kind: what it is
 * @by_front_end: who sent it
 * @is_channel: at the socket for requests of the back end
 * @header: as it was on the wire
 * @fds: descriptors that came or went with it
 * @shape: how @payload is to be read
 * @kept: bytes of @payload
 * @payload: payload; of an event its text
 * @event: of an event
 * @refusal: why, of VU_TRACE_REFUSED
 */
struct vu_trace_record {
	uint64_t time_ns;
	uint64_t dropped;
	enum vu_trace_kind kind;
	bool by_front_end;
	bool is_channel;
	struct vu_header header;
	unsigned int fds;
	enum vu_shape shape;
	uint32_t kept;
	enum vu_trace_event event;
	enum vu_refusal refusal;
	union {
		uint64_t u64;
		struct vu_vring_state state;
		struct vu_vring_addr addr;
		struct vu_mem_table mem_table;
		struct vu_mem_slot mem_slot;
		struct vu_log log;
		struct vu_iotlb iotlb;
		struct vu_config config;
		struct vu_inflight_area inflight;
		struct vu_device_state device_state;
		uint8_t bytes[VU_TRACE_TEXT];
		char text[VU_TRACE_TEXT];
	} payload;
};

/**
 * vu_trace_open - a port whose messages can be looked at
 * @out: receives it; closed with vu_trace_close()
 *
 * Return: 0 or -ENOMEM.
 */
int vu_trace_open(struct vu_trace **out);

/**
 * vu_trace_close - the port is gone
 * @trace: NULL is allowed; its tracers have VU_TRACE_REMOVED, and stay until they are closed
 */
void vu_trace_close(struct vu_trace *trace);

/**
 * vu_trace_count - how many look at present
 * @trace: port
 */
unsigned int vu_trace_count(const struct vu_trace *trace);

/**
 * vu_tracer_open - look at all that is said from now on
 * @out: receives the tracer; closed with vu_tracer_close()
 * @trace: whose messages
 * @wake: called when there is a record and was none before, from within the session: it takes no
 *	records itself
 * @arg: passed to @wake
 *
 * Return: 0; -EBUSY when there are VU_TRACERS_MAX; or -ENOMEM.
 */
int vu_tracer_open(struct vu_tracer **out, struct vu_trace *trace, void (*wake)(void *arg),
		   void *arg);

/**
 * vu_tracer_next - take a record
 * @tracer: tracer
 * @record: receives it
 *
 * Return: whether there was one.
 */
bool vu_tracer_next(struct vu_tracer *tracer, struct vu_trace_record *record);

/**
 * vu_tracer_close - look no more
 * @tracer: NULL is allowed
 */
void vu_tracer_close(struct vu_tracer *tracer);

/**
 * struct vu_traced - a message for vu_trace_message()
 * @header: header
 * @payload: header.size bytes; NULL where they did not all come
 * @fds: descriptors with it
 * @is_reply: it answers
 * @by_front_end: the front end sent it
 * @is_channel: at the socket for requests of the back end
 */
struct vu_traced {
	struct vu_header header;
	const void *payload;
	unsigned int fds;
	bool is_reply;
	bool by_front_end;
	bool is_channel;
};

/**
 * vu_trace_message - a message came or went
 * @trace: NULL is allowed
 * @message: it
 */
void vu_trace_message(struct vu_trace *trace, const struct vu_traced *message);

/**
 * vu_trace_event - something happened that is no message
 * @trace: NULL is allowed
 * @event: what
 * @refusal: why, of VU_TRACE_REFUSED; VU_ACCEPTED otherwise
 * @text: one line, which is cut where it is too long
 */
void vu_trace_event(struct vu_trace *trace, enum vu_trace_event event, enum vu_refusal refusal,
		    const char *text);

#endif
