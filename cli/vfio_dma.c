// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/vfio.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/json.h"
#include "plugins/drivers/edu.h"
#include "plugins/drivers/nvme_driver.h"

#define PAGE 4096

/* Beside what a function writes, to see whether it writes there as well. */
#define GUARD_BYTE 0xa5

#define ANSWER_MS 10000

/**
 * struct dma - memory that a function is to use
 * @iov: context
 * @bdf: function
 * @memory: three pages
 * @iova: the same for the function
 * @bytes: how much of a page it uses
 */
struct dma {
	struct iov *iov;
	struct iov_bdf bdf;
	uint8_t *memory;
	uint64_t iova;
	uint32_t bytes;
};

/* Two of the pages begin with the same bytes, and are as they were behind them. */
static int verify(const struct dma *dma, const uint8_t *wanted, const uint8_t *got)
{
	for (uint32_t i = 0; i < PAGE; i++) {
		uint8_t right = i < dma->bytes ? wanted[i] : GUARD_BYTE;

		if (got[i] != right)
			return iov_fail(dma->iov, -EIO, "%s: byte %u came as 0x%02x, expected 0x%02x: its DMA "
					"goes wrong", IOV_BDF(dma->bdf), i, got[i], right);
	}
	return 0;
}

/* Random bytes to its buffer and back. */
static int copy_edu(struct dma *dma, struct iov_device *device)
{
	unsigned int seed = (unsigned int)time(NULL);
	struct iov_edu *edu = NULL;
	int error = iov_edu_open(&edu, dma->iov, device);

	dma->bytes = IOV_EDU_BUFFER / 2;
	for (uint32_t i = 0; i < dma->bytes; i++)
		dma->memory[i] = (uint8_t)rand_r(&seed);
	if (!error)
		error = iov_edu_read(edu, dma->iova, 0, dma->bytes);
	if (!error)
		error = iov_edu_write(edu, dma->iova + PAGE, 0, dma->bytes);
	iov_edu_close(edu);
	return error ? error : verify(dma, dma->memory, dma->memory + PAGE);
}

/**
 * struct reader - a namespace that is read from
 * @nvme: its controller
 * @space: it
 * @queue: by which
 */
struct reader {
	struct iov_nvme *nvme;
	struct iov_nvme_namespace space;
	struct iov_nvme_queue *queue;
};

static int open_reader(struct reader *reader, struct iov *iov, struct iov_device *device)
{
	struct iov_nvme_bus *bus;
	int error = iov_nvme_vfio(&bus, device);

	if (!error)
		error = iov_nvme_open(&reader->nvme, iov, bus);
	if (!error)
		error = iov_nvme_namespace(reader->nvme, 0, &reader->space);
	return error ? error : iov_nvme_queue_open(&reader->queue, reader->nvme, 1, -1);
}

static void close_reader(struct reader *reader)
{
	iov_nvme_queue_close(reader->queue);
	iov_nvme_close(reader->nvme);
}

static int read_block(const struct dma *dma, const struct reader *reader, uint64_t iova)
{
	const struct iov_nvme_part part = { iova, reader->space.block_size };
	const struct iov_nvme_io io = { .op = IOV_NVME_READ, .on = &reader->space, .count = 1,
					.parts = &part, .part_count = 1 };
	struct iov_nvme_done done;

	if (iov_nvme_submit(reader->queue, &io) != 1)
		return iov_fail(dma->iov, -EFAULT, "%s: no block can be read to 0x%llx",
				IOV_BDF(dma->bdf), (unsigned long long)iova);
	iov_nvme_ring(reader->queue);
	for (int tries = 0; tries < ANSWER_MS; tries++) {
		if (iov_nvme_poll(reader->queue, &done, 1))
			return done.status ? iov_fail(dma->iov, -EIO, "%s: reading its first block failed "
						      "with status 0x%x", IOV_BDF(dma->bdf),
						      done.status) : 0;
		poll(NULL, 0, 1);
	}
	return iov_fail(dma->iov, -ETIMEDOUT, "%s: reading its first block does not end",
			IOV_BDF(dma->bdf));
}

/* Its first block, twice; nothing is written to a disk. */
static int read_nvme(struct dma *dma, struct iov_device *device)
{
	struct reader reader = { 0 };
	int error = open_reader(&reader, dma->iov, device);

	dma->bytes = reader.space.block_size;
	if (!error && dma->bytes > PAGE)
		error = iov_fail(dma->iov, -ENOTSUP, "%s: blocks of %u bytes are more than a page",
				 IOV_BDF(dma->bdf), dma->bytes);
	for (unsigned int i = 0; !error && i < 2; i++)
		error = read_block(dma, &reader, dma->iova + i * PAGE);
	close_reader(&reader);
	return error ? error : verify(dma, dma->memory, dma->memory + PAGE);
}

static const struct {
	bool (*is)(struct iov *iov, struct iov_bdf bdf);
	int (*use)(struct dma *dma, struct iov_device *device);
	const char *what;
} drivers[] = {
	{ iov_edu_is, copy_edu, "copied from memory and back" },
	{ iov_nvme_is, read_nvme, "read from its first namespace, twice," },
};

static int use(struct dma *dma, struct iov_device *device, const char **what)
{
	for (size_t i = 0; i < sizeof(drivers) / sizeof(*drivers); i++) {
		*what = drivers[i].what;
		if (drivers[i].is(dma->iov, dma->bdf))
			return drivers[i].use(dma, device);
	}
	return iov_fail(dma->iov, -ENOTSUP, "%s: iov can drive NVMe controllers and QEMU's edu; what VFIO gives "
			"of another function says 'iov vfio info'", IOV_BDF(dma->bdf));
}

int cli_vfio_dma_run(struct cli *cli, struct iov_device *device, struct json_object *object)
{
	struct iov_domain *domain = iov_device_domain(device);
	struct dma dma = { .iov = cli->iov, .bdf = iov_device_bdf(device) };
	const char *what = NULL;
	void *memory;
	int error = iov_domain_alloc(domain, 3 * PAGE, &memory, &dma.iova);

	if (error)
		return error;
	dma.memory = memory;
	memset(memory, GUARD_BYTE, 3 * PAGE);
	error = use(&dma, device, &what);
	/* Behind the last page that it was given. */
	for (uint32_t i = 2 * PAGE; !error && i < 3 * PAGE; i++)
		if (dma.memory[i] != GUARD_BYTE)
			error = iov_fail(cli->iov, -EIO, "%s: wrote behind the memory that it was given",
					 IOV_BDF(dma.bdf));
	iov_domain_free(domain, memory, 3 * PAGE, dma.iova);
	if (error)
		return error;
	json_add_text(object, "device", IOV_BDF(dma.bdf));
	json_add_text(object, "interface", iov_domain_name(domain));
	json_add_text(object, "what", what);
	json_object_object_add(object, "bytes", json_object_new_int((int)dma.bytes));
	json_object_object_add(object, "verified", json_object_new_boolean(true));
	return 0;
}
