// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/wire/write_log.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/test.h"

#define MAGIC UINT64_C(0x6a736677736872)
#define SECTOR 512

/* As Documentation/admin-guide/device-mapper/log-writes.rst has it. */
#define LOG_DISCARD 4
#define LOG_MARK 8

struct log_super {
	uint64_t magic;
	uint64_t version;
	uint64_t entries;
	uint32_t sector_bytes;
};

/* Followed by a mark's text, or by the data, which begins with the next sector. */
struct log_entry {
	uint64_t sector;
	uint64_t sectors;
	uint64_t flags;
	uint64_t text_bytes;
};

void write_log_mark(const char *device, unsigned int mark)
{
	char command[200];

	snprintf(command, sizeof(command), "dmsetup message %s 0 mark %u", device, mark);
	assert_int_equal(system(command), 0);
}

static void read_at(int fd, void *to, size_t size, uint64_t offset)
{
	assert_int_equal(pread(fd, to, size, (off_t)offset), size);
}

/* What is beyond the image is not the test's. */
static void apply(int fd, const struct log_entry *entry, uint64_t data, uint8_t *image, size_t size)
{
	const uint64_t at = le64toh(entry->sector) * SECTOR;
	uint64_t bytes = le64toh(entry->sectors) * SECTOR;

	if (at >= size)
		return;
	if (bytes > size - at)
		bytes = size - at;
	if (le64toh(entry->flags) & LOG_DISCARD)
		memset(image + at, 0, bytes);
	else
		read_at(fd, image + at, bytes, data);
}

unsigned int write_log_replay(const char *log, uint8_t *image, size_t size,
			      void (*at_mark)(unsigned int mark, const uint8_t *image))
{
	int fd = open(log, O_RDONLY | O_CLOEXEC);
	unsigned int marks = 0;
	struct log_super super;
	uint64_t at, step;

	assert_return_code(fd, errno);
	read_at(fd, &super, sizeof(super), 0);
	assert_int_equal(le64toh(super.magic), MAGIC);
	step = le32toh(super.sector_bytes);
	at = step;
	for (uint64_t left = le64toh(super.entries); left--; at += step) {
		char text[sizeof(struct log_entry) + 32];
		struct log_entry entry;

		read_at(fd, text, sizeof(text), at);
		memcpy(&entry, text, sizeof(entry));
		text[sizeof(text) - 1] = 0;
		if (le64toh(entry.flags) & LOG_MARK) {
			char *end, *begin = text + sizeof(entry);
			unsigned long mark = strtoul(begin, &end, 10);

			/* Another one says where the device ended. */
			if (end != begin) {
				at_mark((unsigned int)mark, image);
				marks++;
			}
			continue;
		}
		apply(fd, &entry, at + step, image, size);
		if (!(le64toh(entry.flags) & LOG_DISCARD))
			at += le64toh(entry.sectors) * SECTOR;
	}
	close(fd);
	return marks;
}
