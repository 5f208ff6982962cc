/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The NBD protocol as a server speaks it, for servers of tests: what is on the wire, big-endian. */
#ifndef IOV_TESTS_NBD_WIRE_H
#define IOV_TESTS_NBD_WIRE_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define NBD_OPTION_MAGIC UINT64_C(0x49484156454f5054)
#define NBD_REPLY_MAGIC UINT64_C(0x0003e889045565a9)
#define NBD_SIMPLE_MAGIC 0x67446698u
#define NBD_CHUNK_MAGIC 0x668e33efu

#define NBD_OPT_GO 7
#define NBD_OPT_STRUCTURED 8
#define NBD_REP_ACK 1
#define NBD_REP_INFO 3
#define NBD_REP_UNSUPPORTED 0x80000001u

#define NBD_CMD_READ 0
#define NBD_CMD_WRITE 1
#define NBD_CMD_DISCONNECT 2
#define NBD_CMD_TRIM 4
#define NBD_CMD_ZEROES 6

/* What a server says first. */
struct __attribute__((packed)) nbd_greeting {
	char magic[8];
	uint64_t option;
	uint16_t flags;
};

/* As a well server says it. */
#define NBD_GREETING                                                                               \
	{ { 'N', 'B', 'D', 'M', 'A', 'G', 'I', 'C' }, htobe64(NBD_OPTION_MAGIC), htobe16(3) }

/* What an export is, of a reply to NBD_OPT_GO; @type is 0 */
struct __attribute__((packed)) nbd_export {
	uint16_t type;
	uint64_t bytes;
	uint16_t flags;
};

struct __attribute__((packed)) nbd_request {
	uint32_t magic;
	uint16_t flags, type;
	uint64_t cookie, offset;
	uint32_t length;
};

struct __attribute__((packed)) nbd_simple {
	uint32_t magic, error;
	uint64_t cookie;
};

struct __attribute__((packed)) nbd_chunk {
	uint32_t magic;
	uint16_t flags, type;
	uint64_t cookie;
	uint32_t length;
};

static inline bool nbd_get(int fd, void *to, size_t length)
{
	return !length || recv(fd, to, length, MSG_WAITALL) == (ssize_t)length;
}

static inline bool nbd_put(int fd, const void *from, size_t length)
{
	return !length || send(fd, from, length, MSG_NOSIGNAL) == (ssize_t)length;
}

/* The next option that a client asks for, and what it says of it, which is dropped. */
static inline bool nbd_get_option(int fd, uint32_t *option)
{
	struct __attribute__((packed)) {
		uint64_t magic;
		uint32_t option, length;
	} asked;
	uint8_t data[4096];

	if (!nbd_get(fd, &asked, sizeof(asked)) || be32toh(asked.length) > sizeof(data) ||
	    !nbd_get(fd, data, be32toh(asked.length)))
		return false;
	*option = be32toh(asked.option);
	return true;
}

/* A reply to an option. */
static inline bool nbd_answer(int fd, uint32_t option, uint32_t type, const void *data,
			      uint32_t length)
{
	struct __attribute__((packed)) {
		uint64_t magic;
		uint32_t option, type, length;
	} reply = { htobe64(NBD_REPLY_MAGIC), htobe32(option), htobe32(type), htobe32(length) };

	return nbd_put(fd, &reply, sizeof(reply)) && nbd_put(fd, data, length);
}

#endif
