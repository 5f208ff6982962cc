/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Captures of text messages that Wireshark opens without a plugin: pcapng
 * (draft-ietf-opsawg-pcapng), with packets of LINKTYPE_WIRESHARK_UPPER_PDU that name the dissector
 * of syslog, whose information column is the text.
 */
#ifndef IOV_CLI_CAPTURE_H
#define IOV_CLI_CAPTURE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* "if_name" of a port, which has the protocol in it for who looks at several captures. */
#define CAPTURE_PROTOCOL "vhost-user"

/**
 * struct capture_packet - a message
 * @time_ns: when, in nanoseconds since 1970
 * @text: what is said of it, one line
 * @direction: as enum capture_direction
 * @dropped: packets lost before it, since the one before
 */
struct capture_packet {
	uint64_t time_ns;
	const char *text;
	enum capture_direction {
		CAPTURE_UNKNOWN = 0,
		CAPTURE_INBOUND = 1,	/* values of epb_flags, section 4.3.1 */
		CAPTURE_OUTBOUND = 2,
	} direction;
	uint64_t dropped;
};

/**
 * capture_begin - write what is before the first packet
 * @stream: where to; its errors are looked at by whoever closes it
 * @interface: name of the port
 */
void capture_begin(FILE *stream, const char *interface);

/**
 * capture_add - write a packet
 * @stream: after capture_begin()
 * @packet: packet
 */
void capture_add(FILE *stream, const struct capture_packet *packet);

/**
 * capture_end - write how many there were
 * @stream: after the last packet
 * @time_ns: when
 * @received: packets, with those that were lost
 * @dropped: those that were lost
 */
void capture_end(FILE *stream, uint64_t time_ns, uint64_t received, uint64_t dropped);

#endif
