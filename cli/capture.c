// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Blocks are in the byte order of the host, which the section header tells; tags of exported PDUs
 * are big-endian.  All parts of a block are padded to 32 bits.
 */
#include "cli/capture.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

/* Blocks, sections 4.1 to 4.6. */
#define BLOCK_SECTION 0x0a0d0d0au
#define BLOCK_INTERFACE 1u
#define BLOCK_STATISTICS 5u
#define BLOCK_PACKET 6u
#define BYTE_ORDER_MAGIC 0x1a2b3c4du
#define LINKTYPE_WIRESHARK_UPPER_PDU 252

/* Options of all blocks, and of each kind. */
#define OPTION_END 0
#define SHB_USERAPPL 4
#define IF_NAME 2
#define IF_TSRESOL 9
#define EPB_FLAGS 2
#define EPB_DROPCOUNT 4
#define ISB_IFRECV 4
#define ISB_IFDROP 5

/* Ten to the minus nine of a second. */
#define RESOLUTION 9

/* Tags of an exported PDU. */
#define TAG_END 0
#define TAG_DISSECTOR_NAME 12
#define TAG_PROTOCOL_TEXT 33

static const uint8_t padding[4];

static size_t padded(size_t length)
{
	return (length + 3) & ~(size_t)3;
}

static void put(FILE *stream, const void *bytes, size_t length)
{
	fwrite(bytes, 1, length, stream);
	fwrite(padding, 1, padded(length) - length, stream);
}

static void put_option(FILE *stream, uint16_t code, const void *value, uint16_t length)
{
	const uint16_t header[] = { code, length };

	put(stream, header, sizeof(header));
	put(stream, value, length);
}

static void put_tag(FILE *stream, uint16_t code, const char *value)
{
	const uint16_t header[] = { htons(code), htons((uint16_t)padded(strlen(value))) };

	put(stream, header, sizeof(header));
	put(stream, value, strlen(value));
}

/* The content of a block is written to memory first, as its length is on either side of it. */
struct block {
	FILE *memory;
	char *bytes;
	size_t length;
};

static bool block_open(struct block *block)
{
	*block = (struct block){ 0 };
	block->memory = open_memstream(&block->bytes, &block->length);
	return block->memory;
}

static void block_close(struct block *block, FILE *stream, uint32_t type)
{
	uint32_t header[2] = { type };

	put_option(block->memory, OPTION_END, "", 0);
	if (!fclose(block->memory)) {
		header[1] = (uint32_t)(sizeof(header) + block->length + sizeof(header[1]));
		fwrite(header, 1, sizeof(header), stream);
		fwrite(block->bytes, 1, block->length, stream);
		fwrite(&header[1], 1, sizeof(header[1]), stream);
	}
	free(block->bytes);
}

static void put_section(FILE *stream)
{
	const struct {
		uint32_t magic;
		uint16_t major, minor;
		uint32_t length[2];	/* not known */
	} section = { BYTE_ORDER_MAGIC, 1, 0, { UINT32_MAX, UINT32_MAX } };
	static const char program[] = "iov " IOVKIT_VERSION;
	struct block block;

	if (!block_open(&block))
		return;
	put(block.memory, &section, sizeof(section));
	put_option(block.memory, SHB_USERAPPL, program, sizeof(program) - 1);
	block_close(&block, stream, BLOCK_SECTION);
}

void capture_begin(FILE *stream, const char *interface)
{
	const struct {
		uint16_t type, reserved;
		uint32_t longest;	/* any */
	} description = { .type = LINKTYPE_WIRESHARK_UPPER_PDU };
	const uint8_t resolution = RESOLUTION;
	struct block block;

	put_section(stream);
	if (!block_open(&block))
		return;
	put(block.memory, &description, sizeof(description));
	put_option(block.memory, IF_NAME, interface, (uint16_t)strlen(interface));
	put_option(block.memory, IF_TSRESOL, &resolution, sizeof(resolution));
	block_close(&block, stream, BLOCK_INTERFACE);
}

/* The PDU: what it is, and the text. */
static char *make_pdu(const char *text, size_t *length)
{
	char *bytes = NULL;
	FILE *memory = open_memstream(&bytes, length);

	if (!memory)
		return NULL;
	put_tag(memory, TAG_DISSECTOR_NAME, "syslog");
	put_tag(memory, TAG_PROTOCOL_TEXT, CAPTURE_PROTOCOL);
	put_tag(memory, TAG_END, "");
	fwrite(text, 1, strlen(text), memory);
	if (!fclose(memory))
		return bytes;
	free(bytes);
	return NULL;
}

void capture_add(FILE *stream, const struct capture_packet *packet)
{
	size_t length = 0;
	_cleanup_free_ char *pdu = make_pdu(packet->text, &length);
	const uint32_t flags = packet->direction;
	struct block block;

	if (!pdu || !block_open(&block))
		return;
	const uint32_t header[] = { 0, (uint32_t)(packet->time_ns >> 32), (uint32_t)packet->time_ns,
				    (uint32_t)length, (uint32_t)length };

	put(block.memory, header, sizeof(header));
	put(block.memory, pdu, length);
	if (flags)
		put_option(block.memory, EPB_FLAGS, &flags, sizeof(flags));
	if (packet->dropped)
		put_option(block.memory, EPB_DROPCOUNT, &packet->dropped, sizeof(packet->dropped));
	block_close(&block, stream, BLOCK_PACKET);
}

void capture_end(FILE *stream, uint64_t time_ns, uint64_t received, uint64_t dropped)
{
	const uint32_t header[] = { 0, (uint32_t)(time_ns >> 32), (uint32_t)time_ns };
	struct block block;

	if (!block_open(&block))
		return;
	put(block.memory, header, sizeof(header));
	put_option(block.memory, ISB_IFRECV, &received, sizeof(received));
	put_option(block.memory, ISB_IFDROP, &dropped, sizeof(dropped));
	block_close(&block, stream, BLOCK_STATISTICS);
}
