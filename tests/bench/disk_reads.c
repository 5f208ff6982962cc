// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Random reads of 4 KiB from a file, or from an NVMe controller that this process drives, as iovd makes
 * them for a disk, without a guest: microseconds for each, as this process and as its processor saw it.
 * Sleeps as a worker does.
 *
 * usage: disk_reads FILE|ADDRESS DEPTH SECONDS [cached]
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/random.h"
#include "vhost-user/blk/uring.h"

#define DEPTH_MAX 256
#define BYTES 4096

/* How long to poll in vain before sleeping. */
#define SPIN_NS 50000

struct read;

struct bench {
	struct blk_channel *channel;
	struct random random;
	uint64_t blocks;
	uint64_t reads;
	unsigned int under_way;
	struct read *ready[DEPTH_MAX];	/* for the next pass, as a guest's ring has them */
	unsigned int ready_count;
};

struct read {
	struct blk_io io;
	struct bench *bench;
	struct iovec part;
};

static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

static void die(const char *what)
{
	fprintf(stderr, "disk_reads: %s\n", what);
	exit(1);
}

static void submit(struct read *read)
{
	struct bench *bench = read->bench;

	read->io.offset = random_next(&bench->random) % bench->blocks * BYTES;
	bench->under_way++;
	bench->channel->backend->ops->submit(bench->channel, &read->io);
}

static void done(struct blk_io *io, int error)
{
	struct read *read = (struct read *)io;

	if (error)
		die(strerror(-error));
	read->bench->under_way--;
	read->bench->reads++;
	read->bench->ready[read->bench->ready_count++] = read;
}

static int watch(const struct blk_uring *uring)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };
	int fd = epoll_create1(EPOLL_CLOEXEC);

	if (fd < 0 || epoll_ctl(fd, EPOLL_CTL_ADD, blk_uring_fd(uring), &event))
		die(strerror(errno));
	return fd;
}

/* Whether something wakes who sleeps now. */
static bool arm(struct blk_channel *channel)
{
	const struct blk_backend_ops *ops = channel->backend->ops;

	return !ops->arm || ops->arm(channel);
}

static unsigned int look(struct bench *bench, struct blk_uring *uring)
{
	const struct blk_backend_ops *ops = bench->channel->backend->ops;

	return blk_uring_poll(uring) + (ops->poll ? ops->poll(bench->channel) : 0);
}

static void run(struct bench *bench, struct blk_uring *uring, uint64_t end)
{
	struct epoll_event event;
	uint64_t last = now();
	int fd = watch(uring);

	while (bench->under_way || last < end) {
		unsigned int count = last < end ? bench->ready_count : 0;
		uint64_t time;

		bench->ready_count -= count;
		for (unsigned int i = 0; i < count; i++)
			submit(bench->ready[i]);
		count += look(bench, uring);
		time = now();
		if (count || (time - last > SPIN_NS && arm(bench->channel) &&
			      epoll_wait(fd, &event, 1, 1000) >= 0))
			last = time;
	}
}

static double cpu_us(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6 +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

/* Where devices reach it, too. */
static uint8_t *make_memory(struct blk_backend *backend)
{
	const struct blk_backend_ops *ops = backend->ops;
	const size_t bytes = DEPTH_MAX * BYTES;
	uint8_t *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE,
			       -1, 0);

	if (memory == MAP_FAILED)
		die("no memory");
	if (ops->memory_came && (!ops->wants_memory || ops->wants_memory(backend)) &&
	    ops->memory_came(backend, memory, bytes))
		die("the device does not reach memory");
	return memory;
}

int main(int argc, char **argv)
{
	static struct read reads[DEPTH_MAX];
	struct bench bench = { .random.state = 88172645463325252 };
	struct blk_source source = { .read_only = true, .cached = argc > 4, .workers = 1 };
	const struct blk_backend_ops *ops =
		argc > 1 && *argv[1] != '/' ? &blk_backend_nvme : &blk_backend_file;
	unsigned int depth = argc > 3 ? (unsigned int)atoi(argv[2]) : 0;
	struct blk_geometry geometry;
	struct blk_backend *backend;
	struct blk_uring *uring;
	struct iov *iov;
	uint8_t *memory;
	uint64_t start;
	double cpu;

	if (!depth || depth > DEPTH_MAX)
		die("usage: disk_reads FILE|ADDRESS DEPTH SECONDS [cached]");
	source.path = argv[1];
	if (iov_open(&iov, NULL))
		die("no context");
	if (ops->open(&backend, iov, &source) || ops->describe(backend, &geometry) ||
	    blk_uring_open(&uring, iov) || ops->channel_open(&bench.channel, backend, uring))
		die(iov_error_message(iov));
	memory = make_memory(backend);
	bench.blocks = geometry.bytes / BYTES;
	cpu = cpu_us();
	start = now();
	for (unsigned int i = 0; i < depth; i++) {
		struct read *read = reads + i;

		read->bench = &bench;
		read->part = (struct iovec){memory + (size_t)i * BYTES, BYTES};
		read->io = (struct blk_io){ .op = BLK_READ, .length = BYTES, .done = done,
					    .vector = &read->part, .count = 1 };
		bench.ready[bench.ready_count++] = read;
	}
	run(&bench, uring, start + (uint64_t)(atof(argv[3]) * 1e9));
	printf("%.3f %.3f\n", (double)(now() - start) / 1e3 / (double)bench.reads,
	       (cpu_us() - cpu) / (double)bench.reads);
	return 0;
}
