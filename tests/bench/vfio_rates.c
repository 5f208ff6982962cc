// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Figures of the VFIO library, to be run in the virtual host; tests/bench/compare reads them.
 *
 *	vfio_rates map DEVICE KIND SIZE		map and unmap: ours and the bare request, ns each
 *	vfio_rates interrupt DEVICE KIND	fire and read: the same
 *	vfio_rates nvme DEVICE KIND DEPTH SECONDS TURN	4 KiB reads, ns on average: ours and a
 *		bare loop, which is first when TURN is odd
 *
 * The first two take turns of a quarter of a second, and print a line for each pair of turns.
 */
#include <errno.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "iommu/domain_ops.h"
#include "iommu/iommufd_abi.h"
#include "plugins/drivers/nvme_driver.h"
#include "tests/bench/nvme_bare.h"
#include "vfio/device/device.h"
#include "vfio/device/interrupt.h"

#define PAIRS 15
#define TURN_NS 250000000u
#define IOVA UINT64_C(0x40000000)
#define READ_BYTES 4096
#define DEPTH_MAX 256

struct bench {
	struct iov *iov;
	struct iov_domain *domain;
	struct iov_device *device;
	void *memory;
	uint64_t size;
	int fd;
};

typedef void work_fn(struct bench *bench);

static void must(struct bench *bench, int error)
{
	if (!error)
		return;
	fprintf(stderr, "vfio_rates: %s\n", bench->iov ? iov_error_message(bench->iov) : "no memory");
	exit(1);
}

static void map_ours(struct bench *bench)
{
	uint64_t iova = IOVA;

	must(bench, iov_domain_map(bench->domain, bench->memory, bench->size,
				   IOV_MAP_READ | IOV_MAP_WRITE | IOV_MAP_FIXED, &iova));
	must(bench, iov_domain_unmap(bench->domain, iova, bench->size));
}

static void map_bare_type1(struct bench *bench)
{
	struct vfio_iommu_type1_dma_map map = {
		sizeof(map), VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE, (uintptr_t)bench->memory,
		IOVA, bench->size,
	};
	struct vfio_iommu_type1_dma_unmap unmap = { sizeof(unmap), 0, IOVA, bench->size };

	must(bench, ioctl(bench->domain->fd, VFIO_IOMMU_MAP_DMA, &map));
	must(bench, ioctl(bench->domain->fd, VFIO_IOMMU_UNMAP_DMA, &unmap));
}

static void map_bare_iommufd(struct bench *bench)
{
	struct iommu_ioas_map map = {
		sizeof(map), IOMMU_IOAS_MAP_FIXED_IOVA | IOMMU_IOAS_MAP_WRITEABLE |
		IOMMU_IOAS_MAP_READABLE, bench->domain->ioas, 0, (uintptr_t)bench->memory, bench->size,
		IOVA,
	};
	struct iommu_ioas_unmap unmap = { sizeof(unmap), bench->domain->ioas, IOVA, bench->size };

	must(bench, ioctl(bench->domain->fd, IOMMU_IOAS_MAP, &map));
	must(bench, ioctl(bench->domain->fd, IOMMU_IOAS_UNMAP, &unmap));
}

static void fire_ours(struct bench *bench)
{
	eventfd_t count;

	must(bench, iov_interrupt_trigger(bench->device, IOV_MSIX, 0, 1));
	eventfd_read(bench->fd, &count);
}

static void fire_bare(struct bench *bench)
{
	struct vfio_irq_set set = {
		sizeof(set), VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_TRIGGER, IOV_MSIX, 0, 1,
	};
	uint64_t count;

	must(bench, ioctl(iov_device_fd(bench->device), VFIO_DEVICE_SET_IRQS, &set));
	if (read(bench->fd, &count, sizeof(count)) != sizeof(count))
		must(bench, -EIO);
}

/* Nanoseconds for one, on average of a turn. */
static double turn(struct bench *bench, work_fn *work)
{
	uint64_t begin = monotonic_ns(), now = begin;
	unsigned int count = 0;

	while (now - begin < TURN_NS) {
		work(bench);
		count++;
		now = monotonic_ns();
	}
	return (double)(now - begin) / count;
}

static void compare(struct bench *bench, work_fn *ours, work_fn *bare)
{
	for (unsigned int i = 0; i < PAIRS; i++) {
		double first = turn(bench, i % 2 ? bare : ours), second = turn(bench, i % 2 ? ours : bare);

		printf("%.1f %.1f\n", i % 2 ? second : first, i % 2 ? first : second);
		fflush(stdout);
	}
}

static void bench_map(struct bench *bench, const char *size)
{
	bench->size = strtoull(size, NULL, 10);
	bench->memory = mmap(NULL, bench->size, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (bench->memory == MAP_FAILED)
		must(bench, -ENOMEM);
	madvise(bench->memory, bench->size, MADV_NOHUGEPAGE);
	compare(bench, map_ours,
		iov_domain_kind(bench->domain) == IOV_DOMAIN_IOMMUFD ? map_bare_iommufd : map_bare_type1);
}

static void bench_interrupt(struct bench *bench)
{
	bench->fd = eventfd(0, 0);
	must(bench, iov_interrupt_enable(bench->device, IOV_MSIX, 0, 1, &bench->fd));
	compare(bench, fire_ours, fire_bare);
}

/* Read 4 KiB at a random place. */
static void read_somewhere(struct bench *bench, struct iov_nvme_queue *queue,
			   const struct iov_nvme_namespace *space, uint64_t iova, uint64_t tag)
{
	static unsigned int seed = 1;
	const uint64_t count = READ_BYTES / space->block_size;
	const struct iov_nvme_part part = { iova + tag * READ_BYTES, READ_BYTES };
	const struct iov_nvme_io io = {
		.op = IOV_NVME_READ, .on = space, .count = count, .parts = &part, .part_count = 1,
		.block = (uint64_t)rand_r(&seed) % (space->blocks / count) * count, .tag = tag,
	};

	must(bench, iov_nvme_submit(queue, &io) == (int64_t)count ? 0 : -EIO);
}

/* Reads that ended. */
static double nvme_ours(struct bench *bench, unsigned int depth, uint64_t nanoseconds)
{
	struct iov_nvme_done done[DEPTH_MAX];
	struct iov_nvme_namespace space;
	struct iov_nvme_queue *queue;
	struct iov_nvme_bus *bus;
	struct iov_nvme *nvme;
	uint64_t iova, begin, count = 0;
	void *memory;

	if (!depth || depth > DEPTH_MAX)
		must(bench, iov_fail(bench->iov, -EINVAL, "depth: expected 1 to %d", DEPTH_MAX));
	must(bench, iov_nvme_vfio(&bus, bench->device));
	must(bench, iov_nvme_open(&nvme, bench->iov, bus));
	must(bench, iov_nvme_namespace(nvme, 0, &space));
	must(bench, iov_nvme_queue_open(&queue, nvme, depth, -1));
	must(bench, iov_domain_alloc(bench->domain, depth * READ_BYTES, &memory, &iova));
	for (unsigned int i = 0; i < depth; i++)
		read_somewhere(bench, queue, &space, iova, i);
	iov_nvme_ring(queue);
	for (begin = monotonic_ns(); monotonic_ns() - begin < nanoseconds;) {
		unsigned int ended = iov_nvme_poll(queue, done, depth);

		for (unsigned int i = 0; i < ended; i++) {
			if (done[i].status)
				must(bench, iov_fail(bench->iov, -EIO, "status 0x%x", done[i].status));
			read_somewhere(bench, queue, &space, iova, done[i].tag);
		}
		if (ended)
			iov_nvme_ring(queue);
		count += ended;
	}
	iov_nvme_queue_close(queue);
	iov_nvme_close(nvme);
	iov_domain_free(bench->domain, memory, depth * READ_BYTES, iova);
	return (double)count;
}

static double nvme_bare(struct bench *bench, unsigned int depth, uint64_t nanoseconds)
{
	double count = nvme_bare_read(bench->device, depth, nanoseconds);

	if (count < 0)
		must(bench, iov_fail(bench->iov, -EIO, "the bare loop does not start"));
	return count;
}

static void bench_nvme(struct bench *bench, unsigned int depth, unsigned int seconds,
		       unsigned int turn_number)
{
	uint64_t nanoseconds = seconds * UINT64_C(1000000000);
	double first = turn_number % 2 ? nvme_bare(bench, depth, nanoseconds) : 0;
	double ours = nvme_ours(bench, depth, nanoseconds);
	double bare = turn_number % 2 ? first : nvme_bare(bench, depth, nanoseconds);

	printf("%.1f %.1f\n", (double)nanoseconds / ours, (double)nanoseconds / bare);
}

int main(int argc, char **argv)
{
	struct bench bench = { 0 };
	struct iov_bdf bdf;

	if (argc < 4) {
		fprintf(stderr, "usage: vfio_rates map|interrupt|nvme DEVICE KIND [...]\n");
		return 2;
	}
	must(&bench, iov_open(&bench.iov, NULL));
	must(&bench, iov_bdf_parse(bench.iov, argv[2], &bdf));
	must(&bench, iov_domain_open(&bench.domain, bench.iov,
				     strcmp(argv[3], "iommufd") ? IOV_DOMAIN_TYPE1 : IOV_DOMAIN_IOMMUFD));
	must(&bench, iov_device_open(&bench.device, bench.domain, bdf, NULL));
	if (!strcmp(argv[1], "map") && argc == 5)
		bench_map(&bench, argv[4]);
	else if (!strcmp(argv[1], "interrupt"))
		bench_interrupt(&bench);
	else if (!strcmp(argv[1], "nvme") && argc == 7)
		bench_nvme(&bench, (unsigned int)atoi(argv[4]), (unsigned int)atoi(argv[5]),
			   (unsigned int)atoi(argv[6]));
	iov_device_close(bench.device);
	iov_domain_close(bench.domain);
	iov_close(bench.iov);
	return 0;
}
