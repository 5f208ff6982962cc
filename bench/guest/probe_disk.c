// SPDX-License-Identifier: GPL-2.0-or-later
/* The probe's side of a disk, which it only reads, past the page cache. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/aio_abi.h>
#include <linux/fs.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/sysroot/paths.h"
#include "bench/guest/probe.h"

static int disk = -1;
static uint64_t blocks;
static bool is_cached;
static char first[NAME_MAX + 1];

struct request {
	struct iocb iocb;
	uint64_t begin;
	void *data;
};

/* Each path of a disk that may have several is there as well, without a node. */
static bool is_disk(const char *name)
{
	struct stat status;
	char device[320], node[320];

	snprintf(device, sizeof(device), "/" IOV_PATH_CLASS_BLOCK "/%s/device", name);
	snprintf(node, sizeof(node), "/" IOV_PATH_DEV "/%s", name);
	return !stat(device, &status) && !stat(node, &status);
}

/* The first disk by its name; false for none. */
static bool find_disk(const char *unused)
{
	DIR *directory = opendir("/" IOV_PATH_CLASS_BLOCK);
	struct dirent *entry;

	(void)unused;
	first[0] = '\0';
	while (directory && (entry = readdir(directory)))
		if (entry->d_name[0] != '.' && (!first[0] || strcmp(entry->d_name, first) < 0) &&
		    is_disk(entry->d_name))
			strcpy(first, entry->d_name);
	if (directory)
		closedir(directory);
	return first[0] != '\0';
}

static int find_size(uint64_t *bytes)
{
	struct stat status;

	if (fstat(disk, &status))
		return -errno;
	if (S_ISREG(status.st_mode))
		*bytes = (uint64_t)status.st_size;
	else if (ioctl(disk, BLKGETSIZE64, bytes))
		return -errno;
	errno = ENOSPC;
	return *bytes < PROBE_BLOCK ? -errno : 0;
}

void probe_disk(FILE *out, const char *path)
{
	char found[320];
	uint64_t bytes;

	if (!strcmp(path, "-")) {
		if (probe_wait(NULL, find_disk, ENODEV)) {
			probe_failed(out, "no disk");
			return;
		}
		snprintf(found, sizeof(found), "/" IOV_PATH_DEV "/%s", first);
		path = found;
	}
	if (disk >= 0)
		close(disk);
	disk = open(path, O_RDONLY | O_DIRECT | O_CLOEXEC);
	is_cached = disk < 0 && errno == EINVAL;
	if (is_cached)
		disk = open(path, O_RDONLY | O_CLOEXEC);
	if (disk < 0 || find_size(&bytes)) {
		probe_failed(out, path);
		return;
	}
	blocks = bytes / PROBE_BLOCK;
	probe_ok(out, "bytes=%llu cached=%d", (unsigned long long)bytes, is_cached);
}

/* Not secret, and the same each time. */
static uint64_t next_place(void)
{
	static uint64_t state = 0x9e3779b97f4a7c15;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state % blocks;
}

static long submit(aio_context_t context, struct request *request)
{
	struct iocb *list[] = {&request->iocb};

	request->iocb = (struct iocb){
		.aio_data = (uintptr_t)request,
		.aio_lio_opcode = IOCB_CMD_PREAD,
		.aio_fildes = (uint32_t)disk,
		.aio_buf = (uintptr_t)request->data,
		.aio_nbytes = PROBE_BLOCK,
		.aio_offset = (int64_t)(next_place() * PROBE_BLOCK),
	};
	request->begin = monotonic_ns();
	return syscall(SYS_io_submit, context, 1L, list);
}

struct tally {
	struct histogram times;
	uint64_t errors;
	unsigned int under_way;
};

static int take(aio_context_t context, struct tally *tally, bool more)
{
	struct io_event events[PROBE_DEPTH_MAX];
	long got = syscall(SYS_io_getevents, context, 1L, (long)PROBE_DEPTH_MAX, events, NULL);
	const uint64_t now = monotonic_ns();

	for (long i = 0; i < got; i++) {
		struct request *request = (struct request *)(uintptr_t)events[i].data;

		tally->under_way--;
		if (events[i].res == PROBE_BLOCK)
			histogram_add(&tally->times, now - request->begin);
		else
			tally->errors++;
		if (more && submit(context, request) == 1)
			tally->under_way++;
	}
	return got < 0 && errno != EINTR ? -errno : 0;
}

static int load(aio_context_t context, struct request *requests, unsigned int depth,
		unsigned int ms, struct tally *tally)
{
	const uint64_t end = monotonic_ms() + ms;
	int error = 0;

	for (unsigned int i = 0; i < depth; i++)
		if (submit(context, &requests[i]) == 1)
			tally->under_way++;
	if (!tally->under_way)
		return -errno;
	while (!error && tally->under_way)
		error = take(context, tally, monotonic_ms() < end);
	return error;
}

static void tell(FILE *out, const struct tally *tally, uint64_t ns, uint64_t interrupts)
{
	char text[192];

	probe_times(text, sizeof(text), &tally->times);
	probe_ok(out, "ns=%llu requests=%llu errors=%llu interrupts=%llu %s",
		 (unsigned long long)ns, (unsigned long long)tally->times.total,
		 (unsigned long long)tally->errors, (unsigned long long)interrupts, text);
}

void probe_read(FILE *out, unsigned int depth, unsigned int ms)
{
	static struct request requests[PROBE_DEPTH_MAX];
	static struct tally tally;
	aio_context_t context = 0;
	uint64_t interrupts = probe_interrupts(), begin;
	int error;

	memset(&tally, 0, sizeof(tally));
	if (disk < 0 || !depth || depth > PROBE_DEPTH_MAX) {
		errno = EINVAL;
		probe_failed(out, "no disk, or no such depth");
		return;
	}
	for (unsigned int i = 0; i < depth; i++)
		if (!requests[i].data && posix_memalign(&requests[i].data, PROBE_BLOCK, PROBE_BLOCK)) {
			probe_failed(out, "memory");
			return;
		}
	if (syscall(SYS_io_setup, PROBE_DEPTH_MAX, &context)) {
		probe_failed(out, "asynchronous requests");
		return;
	}
	begin = monotonic_ns();
	error = load(context, requests, depth, ms, &tally);
	begin = monotonic_ns() - begin;
	interrupts = probe_interrupts() - interrupts;
	syscall(SYS_io_destroy, context);
	errno = error ? -error : EIO;
	if (error || !tally.times.total)
		probe_failed(out, "reading");
	else
		tell(out, &tally, begin, interrupts);
}
