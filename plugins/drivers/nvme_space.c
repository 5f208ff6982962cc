// SPDX-License-Identifier: GPL-2.0-or-later
/* Namespaces: which there are, and what they are like. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "plugins/drivers/nvme_internal.h"

/* A page has so many numbers. */
#define LIST_MAX 1024

#define BLOCK_BITS_MIN 9
#define BLOCK_BITS_MAX 16

static uint16_t number16(const uint8_t *page, unsigned int at)
{
	uint16_t value;

	memcpy(&value, page + at, sizeof(value));
	return value;
}

/* "1, 2, 3"; no more than there is room for */
static void say_list(const uint32_t *list, char *text, size_t size)
{
	size_t length = 0;

	*text = '\0';
	for (unsigned int i = 0; i < LIST_MAX && list[i] && length + 16 < size; i++)
		length += (size_t)snprintf(text + length, size - length, "%s%" PRIu32, i ? ", " : "",
					   list[i]);
}

/* Base 2.0 section 5.17.2.2: the active ones above 0. */
static int choose(struct iov_nvme *nvme, uint32_t *id)
{
	const uint32_t *list = nvme->page;
	char text[128];
	int error = controller_identify(nvme, NVME_IDENTIFY_LIST, 0, "list its namespaces");

	if (error)
		return error;
	say_list(list, text, sizeof(text));
	if (!list[0])
		return iov_fail(nvme->iov, -ENODEV, "%s: has no namespace; 'nvme attach-ns' gives it "
				"one while its own driver has it", nvme->bus->name);
	if (!*id && list[1])
		return iov_fail(nvme->iov, -ENODEV, "%s: has namespaces %s; name one, as %s/%" PRIu32,
				nvme->bus->name, text, nvme->bus->name, list[0]);
	if (!*id)
		*id = list[0];
	for (unsigned int i = 0; i < LIST_MAX && list[i]; i++)
		if (list[i] == *id)
			return 0;
	return iov_fail(nvme->iov, -ENODEV, "%s: has no namespace %" PRIu32 ", but %s",
			nvme->bus->name, *id, text);
}

static int read_format(struct iov_nvme *nvme, struct iov_nvme_namespace *space)
{
	const uint8_t *page = nvme->page, index = page[NVME_NAMESPACE_FORMAT];
	/* The upper bits of the index are for more than 16 formats. */
	const unsigned int format = (index & 0xf) | (index >> 5 & 3) << 4;
	uint32_t words;
	unsigned int bits;

	memcpy(&words, page + NVME_NAMESPACE_FORMATS + 4 * format, sizeof(words));
	bits = words >> 16 & 0xff;
	if (words & 0xffff)
		return iov_fail(nvme->iov, -ENOTSUP, "%s/%" PRIu32 ": its blocks have %u bytes of "
				"metadata, expected a format without; 'nvme format --lbaf' chooses one, "
				"and erases it", nvme->bus->name, space->id, words & 0xffff);
	if (bits < BLOCK_BITS_MIN || bits > BLOCK_BITS_MAX)
		return iov_fail(nvme->iov, -ENOTSUP, "%s/%" PRIu32 ": its blocks have 2^%u bytes, "
				"expected 512 to 65536", nvme->bus->name, space->id, bits);
	space->block_size = 1u << bits;
	return 0;
}

static void read_identity(const uint8_t *page, char *text)
{
	static const struct { unsigned int at, bytes; } names[] = {
		{ NVME_NAMESPACE_NGUID, 16 }, { NVME_NAMESPACE_EUI64, 8 },
	};

	*text = '\0';
	for (unsigned int i = 0; i < 2 && !*text; i++) {
		bool is_set = false;

		for (unsigned int j = 0; j < names[i].bytes; j++)
			is_set |= page[names[i].at + j];
		for (unsigned int j = 0; is_set && j < names[i].bytes; j++)
			sprintf(text + 2 * j, "%02x", page[names[i].at + j]);
	}
}

static int read_space(struct iov_nvme *nvme, struct iov_nvme_namespace *space)
{
	const uint8_t *page = nvme->page;
	int error = read_format(nvme, space);

	if (error)
		return error;
	memcpy(&space->blocks, page + NVME_NAMESPACE_BLOCKS, sizeof(space->blocks));
	if (!space->blocks || space->blocks > INT64_MAX / space->block_size)
		return iov_fail(nvme->iov, -ENODEV, "%s/%" PRIu32 ": has %" PRIu64 " blocks of %" PRIu32
				" bytes, expected less than 2^63 bytes and some", nvme->bus->name,
				space->id, space->blocks, space->block_size);
	space->write_blocks = space->discard_blocks = 1;
	if (page[NVME_NAMESPACE_FEATURES] & 1 << 4) {
		space->write_blocks = number16(page, NVME_NAMESPACE_WRITE_BLOCKS) + 1u;
		space->discard_blocks = number16(page, NVME_NAMESPACE_DISCARD_BLOCKS) + 1u;
	}
	space->read_only = page[NVME_NAMESPACE_ATTRIBUTES] & 1;
	space->zeroes_unmap = nvme->info.zeroes && page[NVME_NAMESPACE_DEALLOCATE] & 1 << 3 &&
			      (page[NVME_NAMESPACE_DEALLOCATE] & 7) == 1;
	read_identity(page, space->identity);
	return 0;
}

int iov_nvme_namespace(struct iov_nvme *nvme, uint32_t id, struct iov_nvme_namespace *out)
{
	struct iov_nvme_namespace space = { .id = id };
	int error = choose(nvme, &space.id);

	if (!error)
		error = controller_identify(nvme, NVME_IDENTIFY_NAMESPACE, space.id, "identify a namespace");
	if (!error)
		error = read_space(nvme, &space);
	if (!error)
		*out = space;
	return error;
}
