// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/fuzz/disk_zones.h"

#include <endian.h>
#include <errno.h>
#include <linux/blkzoned.h>
#include <stdio.h>
#include <sys/ioctl.h>

#include "tests/fuzz/fuzz.h"
#include "tests/unit/test.h"
#include "vhost-user/blk/file_zoned.h"
#include "vhost-user/blk/request.h"

#define ZONE_BYTES (16u << 10)
#define CONVENTIONAL 2
#define DEVICE_FD 1000000

static struct file_backend file;
static struct blk_zone_set set;
static uint8_t *bytes;
static void (*submit_to)(struct blk_channel *channel, struct blk_io *io);
static unsigned int asked;
static bool fails;

int __real_ioctl(int fd, unsigned long request, void *arg);
void __real_file_zoned_ask(struct zoned_job *job);
int __wrap_ioctl(int fd, unsigned long request, void *arg);
int __wrap_file_queue_read(const struct file_backend *of, const char *name, char *text,
			   size_t size);
uint64_t __wrap_file_queue_number(const struct file_backend *of, const char *name);
uint64_t __wrap_file_size(const struct file_backend *of);
int __wrap_file_channel_open(struct blk_channel **out, struct blk_backend *backend,
			     struct blk_uring *uring);
void __wrap_file_channel_close(struct blk_channel *channel);
void __wrap_file_submit(struct blk_channel *channel, struct blk_io *io);
void __wrap_file_zoned_ask(struct zoned_job *job);

/* Some of them, as the kernel may; all that is asked for can be made of that. */
static void report(struct blk_zone_report *answer)
{
	const uint32_t first = (uint32_t)(answer->sector * BLK_SECTOR / ZONE_BYTES);
	uint32_t count = answer->nr_zones < 3 ? answer->nr_zones : 3;

	if (count > set.zoned.count - first)
		count = set.zoned.count - first;
	answer->nr_zones = count;
	answer->flags = BLK_ZONE_REP_CAPACITY;
	for (uint32_t i = 0; i < count; i++) {
		const struct blk_own_zone *zone = &set.zones[first + i];

		spin_lock(&set.lock);
		answer->zones[i] = (struct blk_zone){
			.start = (uint64_t)(first + i) * ZONE_BYTES / BLK_SECTOR,
			.len = ZONE_BYTES / BLK_SECTOR, .capacity = ZONE_BYTES / BLK_SECTOR,
			.wp = zone->next / BLK_SECTOR, .type = set.zoned.types[first + i],
			.cond = zone->state,
		};
		spin_unlock(&set.lock);
	}
}

/* Limits have numbers of their own, all else has none. */
static int as_kernel(int error)
{
	return error == BLK_ZONE_INVALID || error == BLK_ZONE_UNALIGNED ? -EIO : error;
}

static int change(unsigned long request, const struct blk_zone_range *range)
{
	const struct blk_io io = {
		.op = request == BLKOPENZONE ? BLK_ZONE_OPEN : request == BLKCLOSEZONE ? BLK_ZONE_CLOSE :
		      request == BLKFINISHZONE ? BLK_ZONE_FINISH : BLK_ZONE_RESET,
		.offset = range->sector * BLK_SECTOR };

	assert_int_equal(range->nr_sectors, ZONE_BYTES / BLK_SECTOR);
	assert_int_equal(blk_zones_judge(&set.zoned, io.op, io.offset, 0), 0);
	if (io.op != BLK_ZONE_RESET)
		return as_kernel(blk_zone_set_change(&set, &io));
	blk_zone_set_reset(&set, blk_zone_of(&set.zoned, io.offset));
	return 0;
}

int __wrap_ioctl(int fd, unsigned long request, void *arg)
{
	int error = 0;

	if (fd != DEVICE_FD)
		return __real_ioctl(fd, request, arg);
	if (__atomic_load_n(&fails, __ATOMIC_RELAXED)) {
		errno = EREMOTEIO;
		return -1;
	}
	if (request == BLKGETZONESZ)
		*(uint32_t *)arg = ZONE_BYTES / BLK_SECTOR;
	else if (request == BLKGETNRZONES)
		*(uint32_t *)arg = set.zoned.count;
	else if (request == BLKREPORTZONE)
		report(arg);
	else
		error = change(request, arg);
	errno = -error;
	return error ? -1 : 0;
}

int __wrap_file_queue_read(const struct file_backend *of, const char *name, char *text, size_t size)
{
	assert_ptr_equal(of, &file);
	assert_string_equal(name, "zoned");
	snprintf(text, size, "host-managed");
	return 0;
}

uint64_t __wrap_file_queue_number(const struct file_backend *of, const char *name)
{
	(void)of;
	return strcmp(name, "zone_write_granularity") ? strcmp(name, "max_open_zones") ? 4 : 3 : 0;
}

uint64_t __wrap_file_size(const struct file_backend *of)
{
	(void)of;
	return set.bytes;
}

int __wrap_file_channel_open(struct blk_channel **out, struct blk_backend *backend,
			     struct blk_uring *uring)
{
	return blk_plain_channel_open(out, backend, uring);
}

void __wrap_file_channel_close(struct blk_channel *channel)
{
	blk_plain_channel_close(channel);
}

void __wrap_file_submit(struct blk_channel *channel, struct blk_io *io)
{
	submit_to(channel, io);
}

void __wrap_file_zoned_ask(struct zoned_job *job)
{
	asked++;
	__real_file_zoned_ask(job);
}

struct blk_backend *disk_zones_open(uint64_t size, uint32_t block,
				    void (*submit)(struct blk_channel *channel, struct blk_io *io))
{
	submit_to = submit;
	asked = 0;
	fails = false;
	set = (struct blk_zone_set){ .zoned = { .zone_bytes = ZONE_BYTES, .granule = block,
						.open_max = 3, .active_max = 4 } };
	assert_int_equal(blk_zone_set_open(&set, size, CONVENTIONAL), 0);
	bytes = calloc(1, size);
	assert_non_null(bytes);
	file = (struct file_backend){ .backend.ops = &blk_backend_file, .fd = DEVICE_FD,
				      .is_device = true, .is_direct = true, .block = block };
	assert_int_equal(file_zoned_open(&file), 0);
	assert_ptr_equal(file.backend.ops, &file_zoned_ops);
	return &file.backend;
}

void disk_zones_close(void)
{
	file_zoned_close(file.zoned);
	blk_zone_set_close(&set);
	free(bytes);
}

const struct blk_zoned *disk_zones(void)
{
	return &file.zoned->zoned;
}

void disk_zones_fail(bool fail)
{
	__atomic_store_n(&fails, fail, __ATOMIC_RELAXED);
}

void disk_zones_check(const struct blk_io *io, struct blk_io *const *held, unsigned int count)
{
	const uint32_t zone = blk_zone_of(&set.zoned, io->offset);

	assert_true(io->op <= BLK_FLUSH);
	if (io->op != BLK_WRITE || !blk_zone_is_written_in_order(&set.zoned, zone))
		return;
	assert_int_equal(blk_zones_judge(&set.zoned, BLK_WRITE, io->offset, io->length), 0);
	for (unsigned int i = 0; i < count; i++)
		assert_false(held[i]->op == BLK_WRITE &&
			     blk_zone_of(&set.zoned, held[i]->offset) == zone);
}

static void copy(const struct blk_io *io)
{
	uint8_t *at = bytes + io->offset;

	for (unsigned int i = 0; i < io->count; i++) {
		if (io->op == BLK_READ)
			memcpy(io->vector[i].iov_base, at, io->vector[i].iov_len);
		else
			memcpy(at, io->vector[i].iov_base, io->vector[i].iov_len);
		at += io->vector[i].iov_len;
	}
}

int disk_zones_carry_out(const struct blk_io *io)
{
	uint64_t at;
	int error = 0;

	if (io->op == BLK_FLUSH)
		return 0;
	if (io->op == BLK_WRITE &&
	    blk_zone_is_written_in_order(&set.zoned, blk_zone_of(&set.zoned, io->offset)))
		error = as_kernel(blk_zone_set_write(&set, io, &at));
	if (!error)
		copy(io);
	return error;
}

unsigned int disk_zones_asked(void)
{
	return asked;
}

void disk_zones_polled(unsigned int count)
{
	asked -= count;
}
