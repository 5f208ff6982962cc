// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What is no disk, who else has it, what it is, and what becomes of it under way.
 *
 * IOV_DISK=DEVICE: only what needs a device whose writes take some seconds.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "tests/unit/disk.h"
#include "tests/unit/loop.h"
#include "vhost-user/blk/file_backend.h"

#define MIB (UINT64_C(1) << 20)
#define NOBODY 65534

static struct blk_source at(const char *path)
{
	return (struct blk_source){ .path = path };
}

static void expect_refusal(struct blk_source source, int error, const char *words)
{
	struct disk disk;
	int got = disk_open(&disk, "file", &source);
	const char *message = iov_error_message(disk.iov);

	if (got != error || !strstr(message, source.path) || !strstr(message, words))
		fail_msg("%s: expected %d and '%s', got %d and '%s'", source.path, error, words, got,
			 message);
	disk_close(&disk);
}

static void what_is_no_disk_is_refused(void **state)
{
	char *path = disk_file(disk_directory(), MIB), *other;

	(void)state;
	assert_return_code(asprintf(&other, "%s/missing", disk_directory()), errno);
	expect_refusal(at(other), -ENOENT, "no such file; 'truncate --size=SIZE");
	assert_return_code(mkfifo(other, 0600), errno);
	expect_refusal(at(other), -EINVAL, "is a pipe, expected a file or a block device");
	expect_refusal((struct blk_source){ .path = other, .read_only = true }, -EINVAL, "is a pipe");
	unlink(other);
	free(other);

	assert_return_code(asprintf(&other, "%s/below", path), errno);
	expect_refusal(at(other), -ENOTDIR, "no such file");
	free(other);

	expect_refusal(at(disk_directory()), -EINVAL, "is a directory, expected a file");
	expect_refusal((struct blk_source){ .path = disk_directory(), .read_only = true }, -EINVAL,
		       "is a directory");
	expect_refusal(at("/dev/full"), -EINVAL, "is a character device, expected a file");

	assert_return_code(truncate(path, 0), errno);
	expect_refusal(at(path), -EINVAL, "is empty, expected the size of a disk; 'truncate");
	assert_return_code(truncate(path, MIB + 100), errno);
	expect_refusal(at(path), -EINVAL, "has 1048676 bytes, expected a multiple of 512");
	unlink(path);
	free(path);
}

static void socket_is_refused(void **state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)state;
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/socket", disk_directory());
	assert_return_code(bind(fd, (struct sockaddr *)&address, sizeof(address)), errno);
	expect_refusal(at(address.sun_path), -EINVAL, "is a socket, expected a file or a block device");
	unlink(address.sun_path);
	close(fd);
}

/* In a process of its own: what it makes of itself stays there. */
static void in_child(void (*body)(const char *path), const char *path)
{
	int status;
	pid_t child = fork();

	assert_return_code(child, errno);
	if (!child) {
		body(path);
		fflush(NULL);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void open_as_nobody(const char *path)
{
	if (seteuid(NOBODY)) {
		print_message("missing: the right to become another user\n");
		_exit(77);
	}
	expect_refusal(at(path), -EACCES, "may not be read and written");
	expect_refusal(at(path), -EACCES, "or make the disk read-only");
	expect_refusal((struct blk_source){ .path = path, .read_only = true }, -EACCES,
		       "may not be read (");
}

static void file_of_others_is_refused(void **state)
{
	char *path = disk_file(disk_directory(), MIB);

	(void)state;
	assert_return_code(chmod(disk_directory(), 0755), errno);
	in_child(open_as_nobody, path);
	unlink(path);
	free(path);
}

/* A file system of our own, where nobody else sees it, with a file. */
static void mount_here(const char *kind, const char *options, const char *path, uint64_t bytes)
{
	int fd;

	if (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("none", disk_directory(), kind, 0, options)) {
		print_message("missing: the right to mount\n");
		_exit(77);
	}
	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	assert_return_code(fd, errno);
	assert_return_code(ftruncate(fd, (off_t)bytes), errno);
	close(fd);
}

/* In a child that mounts something where the file shall be. */
static void with_own_file_system(void (*body)(const char *path))
{
	char *path;

	assert_return_code(asprintf(&path, "%s/disk", disk_directory()), errno);
	in_child(body, path);
	free(path);
}

static void open_on_read_only(const char *path)
{
	struct blk_source source = { .path = path, .read_only = true };
	uint8_t bytes[512];
	struct disk disk;

	mount_here("tmpfs", "size=4m", path, MIB);
	assert_return_code(mount("none", disk_directory(), NULL, MS_REMOUNT | MS_RDONLY, NULL), errno);
	expect_refusal(at(path), -EROFS, "read-only file system; make the disk read-only");
	disk_start(&disk, "file", &source);
	assert_true(disk.geometry.read_only);
	assert_int_equal(disk.geometry.discard_max | disk.geometry.zeroes_max |
			 disk.geometry.erase_max, 0);
	assert_return_code(disk_read(&disk, 0, bytes, sizeof(bytes)), 0);
	disk_close(&disk);
}

static void read_only_file_system_has_read_only_disks(void **state)
{
	(void)state;
	with_own_file_system(open_on_read_only);
}

static void write_to_full(const char *path)
{
	struct blk_source source = at(path);
	uint8_t *bytes = calloc(1, 4 * MIB);
	struct disk disk;

	mount_here("tmpfs", "size=1m", path, 4 * MIB);
	disk_start(&disk, "file", &source);
	assert_return_code(disk_write(&disk, 0, bytes, MIB / 2), 0);
	assert_int_equal(disk_write(&disk, 0, bytes, 4 * MIB), -ENOSPC);
	/* Nothing else is lost with it, and room that is given back is there again. */
	struct disk_io discard = { .io = { .op = BLK_DISCARD, .length = 4 * MIB } };

	assert_return_code(disk_do(&disk, &discard), 0);
	assert_return_code(disk_write(&disk, 3 * MIB, bytes, MIB / 2), 0);
	struct disk_io zeroes = { .io = { .op = BLK_WRITE_ZEROES, .length = 2 * MIB } };

	assert_int_equal(disk_do(&disk, &zeroes), -ENOSPC);
	zeroes.io.may_unmap = true;
	assert_return_code(disk_do(&disk, &zeroes), 0);
	disk_close(&disk);
	free(bytes);
}

static void full_file_system_fails_what_needs_room(void **state)
{
	(void)state;
	with_own_file_system(write_to_full);
}

static void open_huge(const char *path)
{
	struct blk_source source = { .path = path, .read_only = true };
	struct disk disk;

	mount_here("hugetlbfs", NULL, path, 1 << 30);
	expect_refusal(at(path), -EINVAL, "cannot be written to");
	assert_return_code(disk_open(&disk, "file", &source), 0);
	disk_close(&disk);
}

static void what_cannot_be_written_is_refused(void **state)
{
	(void)state;
	with_own_file_system(open_huge);
}

/* Neither holes nor ranges of zeroes: what has to be zeroes is written. */
static void clear_without_help(const char *path)
{
	struct blk_source source = at(path);
	uint8_t *bytes = malloc(4 * MIB);
	struct disk disk;

	mount_here("ramfs", NULL, path, 4 * MIB);
	disk_start(&disk, "file", &source);
	assert_int_equal(disk.geometry.discard_max, 0);
	assert_false(disk.geometry.zeroes_may_unmap);
	assert_true(disk.geometry.zeroes_max >= 4 * MIB);
	for (unsigned int unmap = 0; unmap < 2; unmap++) {
		struct disk_io zeroes = {
			.io = { .op = BLK_WRITE_ZEROES, .offset = 512, .length = 4 * MIB - 1536,
				.may_unmap = unmap, .is_stable = unmap },
		};

		memset(bytes, 0x77, 4 * MIB);
		assert_return_code(disk_write(&disk, 0, bytes, 4 * MIB), 0);
		assert_return_code(disk_do(&disk, &zeroes), 0);
		assert_return_code(disk_read(&disk, 0, bytes, 4 * MIB), 0);
		for (uint64_t i = 0; i < 4 * MIB; i++)
			assert_int_equal(bytes[i], i < 512 || i >= 4 * MIB - 1024 ? 0x77 : 0);
	}
	struct disk_io discard = { .io = { .op = BLK_DISCARD, .length = MIB } };

	assert_int_equal(disk_do(&disk, &discard), -EOPNOTSUPP);
	disk_close(&disk);
	free(bytes);
}

static void zeroes_are_written_where_nobody_else_makes_them(void **state)
{
	(void)state;
	with_own_file_system(clear_without_help);
}

static void write_beyond_limit(const char *path)
{
	const struct rlimit limit = { MIB, MIB };
	struct blk_source source = at(path);
	uint8_t *bytes = calloc(1, MIB);
	struct disk disk;

	disk_start(&disk, "file", &source);
	signal(SIGXFSZ, SIG_IGN);
	assert_return_code(setrlimit(RLIMIT_FSIZE, &limit), errno);
	assert_return_code(disk_write(&disk, 0, bytes, MIB), 0);
	assert_int_equal(disk_write(&disk, MIB / 2, bytes, MIB), -EFBIG);
	assert_int_equal(disk.backend->ops->check_size(disk.backend, disk.iov, 4 * MIB), -EFBIG);
	assert_int_equal(disk.backend->ops->resize(disk.backend, disk.iov, 4 * MIB), -EFBIG);
	assert_non_null(strstr(iov_error_message(disk.iov), path));
	disk_close(&disk);
	free(bytes);
}

static void limit_of_files_fails_what_is_beyond(void **state)
{
	char *path = disk_file(disk_directory(), 2 * MIB);

	(void)state;
	in_child(write_beyond_limit, path);
	unlink(path);
	free(path);
}

static void cut(const char *path, bool cached)
{
	struct blk_source source = { .path = path, .cached = cached };
	uint8_t *bytes = aligned_alloc(4096, MIB);
	struct blk_geometry geometry;
	struct disk disk;

	disk_start(&disk, "file", &source);
	memset(bytes, 0x11, MIB);
	assert_return_code(disk_write(&disk, 0, bytes, MIB), 0);
	/* In the midst of a block, and at the end of one. */
	for (unsigned int odd = 0; odd < 2; odd++) {
		assert_return_code(truncate(path, (off_t)(MIB / 2 + (odd ? 0 : 100))), errno);
		assert_int_equal(disk_read(&disk, 0, bytes, MIB), -EIO);
		assert_int_equal(disk_read(&disk, MIB / 2, bytes, 4096), -EIO);
		assert_int_equal(disk_read(&disk, MIB / 2 - 4096, bytes + 1, 8192), -EIO);
		assert_return_code(disk_read(&disk, MIB / 2 - 4096, bytes, 4096), 0);
		assert_int_equal(bytes[4095], 0x11);
		assert_return_code(disk.backend->ops->describe(disk.backend, &geometry), 0);
		assert_int_equal(geometry.bytes, MIB / 2);
	}
	disk_close(&disk);
	free(bytes);
}

static void file_that_is_cut_fails_what_is_gone(void **state)
{
	char *path = disk_file(disk_directory(), MIB), *other = disk_file("/dev/shm", MIB);

	(void)state;
	cut(path, false);
	cut(path, true);
	cut(other, false);
	unlink(path);
	unlink(other);
	free(path);
	free(other);
}

static void file_gets_another_size(void **state)
{
	static const uint64_t wrong[] = { 0, 100, MIB + 1, UINT64_MAX, UINT64_C(1) << 63 };
	char *path = disk_file(disk_directory(), MIB);
	struct blk_source source = at(path);
	struct blk_geometry geometry;
	uint8_t bytes[512] = { 1 }, got[512];
	struct disk disk;

	(void)state;
	disk_start(&disk, "file", &source);
	const struct blk_backend_ops *ops = disk.backend->ops;

	for (unsigned int i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		assert_int_equal(ops->check_size(disk.backend, disk.iov, wrong[i]), -EINVAL);
		assert_non_null(strstr(iov_error_message(disk.iov), "expected a multiple of"));
	}
	/* A file system judges a size as it takes it, however long its files may be. */
	for (unsigned int shift = 40; shift < 63; shift++)
		assert_int_equal(ops->check_size(disk.backend, disk.iov, UINT64_C(1) << shift),
				 ops->resize(disk.backend, disk.iov, UINT64_C(1) << shift));
	assert_return_code(ops->check_size(disk.backend, disk.iov, 3 * MIB), 0);
	assert_return_code(ops->resize(disk.backend, disk.iov, 3 * MIB), 0);
	assert_return_code(ops->describe(disk.backend, &geometry), 0);
	assert_int_equal(geometry.bytes, 3 * MIB);
	assert_return_code(disk_write(&disk, 3 * MIB - 512, bytes, 512), 0);
	assert_return_code(disk_read(&disk, 3 * MIB - 512, got, 512), 0);
	assert_memory_equal(got, bytes, 512);
	assert_return_code(ops->resize(disk.backend, disk.iov, MIB / 2), 0);
	assert_return_code(ops->describe(disk.backend, &geometry), 0);
	assert_int_equal(geometry.bytes, MIB / 2);
	disk_close(&disk);

	source.read_only = true;
	disk_start(&disk, "file", &source);
	assert_int_equal(ops->check_size(disk.backend, disk.iov, MIB), -EINVAL);
	assert_non_null(strstr(iov_error_message(disk.iov), "the disk is read-only"));
	disk_close(&disk);
	unlink(path);
	free(path);
}

/* What a file is, as the rest of the device relies on it. */
static void check_geometry(const struct blk_geometry *geometry)
{
	assert_true(geometry->block >= 512 && geometry->block <= 65536);
	assert_int_equal(geometry->block & (geometry->block - 1), 0);
	assert_int_equal(geometry->bytes % geometry->block, 0);
	assert_true(geometry->physical_block >= geometry->block);
	assert_int_equal(geometry->physical_block & (geometry->physical_block - 1), 0);
	assert_int_equal(geometry->discard_max % geometry->block, 0);
	assert_int_equal(geometry->zeroes_max % geometry->block, 0);
}

/* What the file system says of it. */
static bool can_be_direct(const char *path)
{
	struct statx status;

	return !statx(AT_FDCWD, path, 0, STATX_DIOALIGN, &status) &&
	       status.stx_mask & STATX_DIOALIGN && status.stx_dio_offset_align;
}

static void file_says_what_it_is(void **state)
{
	char *path = disk_file(disk_directory(), MIB), *other = disk_file("/dev/shm", MIB);
	struct blk_source sources[] = { at(path), { .path = path, .cached = true }, at(other) };

	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		struct disk disk;

		assert_return_code(disk_open(&disk, "file", sources + i), 0);
		check_geometry(&disk.geometry);
		assert_int_equal(file_of(disk.backend)->is_direct,
				 !sources[i].cached && can_be_direct(sources[i].path));
		assert_int_equal(disk.geometry.bytes, MIB);
		assert_true(disk.geometry.has_cache);
		assert_false(disk.geometry.read_only);
		assert_true(disk.geometry.discard_max && disk.geometry.zeroes_may_unmap);
		assert_int_equal(disk.geometry.erase_max, 0);
		disk_close(&disk);
	}
	unlink(path);
	unlink(other);
	free(path);
	free(other);
}

static int lock(const struct disk *disk)
{
	return disk->backend->ops->lock(disk->backend);
}

static void expect_holder(const struct disk *disk, pid_t pid)
{
	bool is_seen;
	char *holder = disk->backend->ops->holder(disk->backend, &is_seen), *words;

	assert_true(is_seen);
	assert_return_code(asprintf(&words, "pid %d (", pid), errno);
	if (!holder || strncmp(holder, words, strlen(words)))
		fail_msg("expected %s, got %s", words, holder ? holder : "nobody");
	free(words);
	free(holder);
}

/* The list of all locks has none of it. */
static void expect_nobody_seen(const struct disk *disk)
{
	bool is_seen = true;
	char *holder = disk->backend->ops->holder(disk->backend, &is_seen);

	assert_false(is_seen);
	assert_string_equal(holder, "unknown: another host or PID namespace");
	free(holder);
}

static void one_writer_or_many_readers_have_a_file(void **state)
{
	char *path = disk_file(disk_directory(), MIB), *alias;
	struct blk_source read_only = { .path = path, .read_only = true };
	struct disk writer, other, readers[2];

	(void)state;
	/* By whatever name */
	assert_return_code(asprintf(&alias, "%s/alias", disk_directory()), errno);
	assert_return_code(link(path, alias), errno);
	assert_return_code(disk_open(&writer, "file", &(struct blk_source){ .path = path }), 0);
	assert_return_code(disk_open(&other, "file", &(struct blk_source){ .path = alias }), 0);
	for (unsigned int i = 0; i < 2; i++)
		assert_return_code(disk_open(readers + i, "file", &read_only), 0);

	assert_return_code(lock(&writer), 0);
	assert_int_equal(lock(&other), -EWOULDBLOCK);
	assert_int_equal(lock(readers), -EWOULDBLOCK);
	expect_holder(&other, getpid());
	expect_holder(readers, getpid());
	disk_close(&writer);

	assert_return_code(lock(readers), 0);
	assert_return_code(lock(readers + 1), 0);
	assert_int_equal(lock(&other), -EALREADY);
	expect_holder(&other, getpid());
	disk_close(readers);
	disk_close(readers + 1);
	expect_nobody_seen(&other);
	assert_return_code(lock(&other), 0);
	disk_close(&other);
	unlink(path);
	unlink(alias);
	free(path);
	free(alias);
}

static bool flush_fails, flush_hangs;

/* In place of the C library's. */
int fdatasync(int fd)
{
	while (__atomic_load_n(&flush_hangs, __ATOMIC_RELAXED))
		poll(NULL, 0, 1);
	if (!flush_fails)
		return (int)syscall(SYS_fdatasync, fd);
	errno = EIO;
	return -1;
}

/* A flush may take long, and nobody writes meanwhile. */
static void who_has_let_go_is_told_from_who_writes(void **state)
{
	char *path = disk_file(disk_directory(), MIB);
	const uint64_t limit = monotonic_ms() + 20000;
	struct disk disk, other;
	int error;

	(void)state;
	assert_return_code(disk_open(&disk, "file", &(struct blk_source){ .path = path }), 0);
	assert_return_code(disk_open(&other, "file", &(struct blk_source){ .path = path }), 0);
	assert_return_code(lock(&disk), 0);
	assert_int_equal(lock(&other), -EWOULDBLOCK);
	flush_hangs = true;
	assert_return_code(disk.backend->ops->unlock(disk.backend), 0);
	while ((error = lock(&other)) == -EWOULDBLOCK && monotonic_ms() < limit)
		poll(NULL, 0, 1);
	for (unsigned int i = 0; i < 20; i++)
		assert_int_equal(lock(&other), -EALREADY);
	/* Nor does who comes back where it was. */
	assert_int_equal(lock(&disk), -EALREADY);
	__atomic_store_n(&flush_hangs, false, __ATOMIC_RELAXED);
	while ((error = lock(&other)) == -EALREADY && monotonic_ms() < limit)
		poll(NULL, 0, 1);
	assert_return_code(error, 0);
	disk_close(&disk);
	disk_close(&other);
	unlink(path);
	free(path);
}

/* Others have it all the same, and who let it go is told. */
static void what_is_lost_when_a_file_is_let_go_is_told_of(void **state)
{
	char *path = disk_file(disk_directory(), MIB);
	struct disk disk, other;

	(void)state;
	assert_return_code(disk_open(&disk, "file", &(struct blk_source){ .path = path }), 0);
	assert_return_code(disk_open(&other, "file", &(struct blk_source){ .path = path }), 0);
	assert_return_code(lock(&disk), 0);
	for (unsigned int i = 0; i < 2; i++) {
		const struct blk_backend_ops *ops = disk.backend->ops;
		struct pollfd told = { .fd = ops->unlock_fd(disk.backend), .events = POLLIN };
		eventfd_t error;

		flush_fails = i;
		assert_return_code(ops->unlock(disk.backend), 0);
		while (lock(&other))
			poll(NULL, 0, 1);
		assert_int_equal(poll(&told, 1, 0), i);
		if (i)
			assert_return_code(eventfd_read(told.fd, &error), errno);
		assert_int_equal(i ? error : 0, i ? EIO : 0);
		flush_fails = false;
		assert_return_code(other.backend->ops->unlock(other.backend), 0);
		while (lock(&disk))
			poll(NULL, 0, 1);
	}
	disk_close(&disk);
	disk_close(&other);
	unlink(path);
	free(path);
}

/* A process that has a disk and writes to it for ever. */
static void write_for_ever(const char *path, int ready)
{
	static struct disk_io ios[32];
	uint8_t *bytes = aligned_alloc(4096, MIB);
	struct blk_source source = at(path);
	struct disk disk;

	memset(bytes, 0x42, MIB);
	disk_start(&disk, "file", &source);
	if (lock(&disk))
		_exit(1);
	for (uint64_t i = 0;; i++) {
		for (unsigned int j = 0; j < 32; j++) {
			ios[j] = (struct disk_io){
				.io = { .op = BLK_WRITE, .is_stable = true,
					.offset = j * MIB / 4, .length = MIB / 4 },
				.part = { bytes, MIB / 4 },
			};
			memcpy(bytes, &i, sizeof(i));
			disk_submit(&disk, ios + j);
		}
		blk_uring_poll(disk.uring);
		if (!i && write(ready, "", 1) != 1)
			_exit(1);
		disk_wait(&disk, 0);
	}
}

static void wait_ms(unsigned int milliseconds)
{
	const struct timespec time = { .tv_nsec = milliseconds * 1000000L };

	nanosleep(&time, NULL);
}

static void read_all(const char *path, uint8_t *bytes)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	assert_int_equal(pread(fd, bytes, 8 * MIB, 0), 8 * MIB);
	close(fd);
}

/* Whoever wants the disk meanwhile waits, and then nothing comes behind. */
static void kill_writers(const char *path)
{
	uint8_t *before = malloc(8 * MIB), *after = malloc(8 * MIB);
	struct blk_source source = at(path);

	for (unsigned int i = 0; i < 5; i++) {
		struct disk disk;
		int ready[2], error;
		pid_t child;
		char byte;

		assert_return_code(pipe(ready), errno);
		child = fork();
		if (!child)
			write_for_ever(path, ready[1]);
		close(ready[1]);
		assert_int_equal(read(ready[0], &byte, 1), 1);
		wait_ms(5 * i);
		if (disk_open(&disk, "file", &source))
			fail_msg("%s", iov_error_message(disk.iov));
		assert_int_equal(lock(&disk), -EWOULDBLOCK);
		expect_holder(&disk, child);
		kill(child, SIGKILL);
		assert_int_equal(waitpid(child, NULL, 0), child);
		for (unsigned int j = 0; (error = lock(&disk)) == -EWOULDBLOCK && j < 2000; j++) {
			bool is_seen;
			char *holder = disk.backend->ops->holder(disk.backend, &is_seen);

			/* Unless it was let go between. */
			if (is_seen)
				assert_null(holder);
			free(holder);
			wait_ms(5);
		}
		assert_return_code(error, 0);
		read_all(path, before);
		wait_ms(50);
		read_all(path, after);
		assert_memory_equal(before, after, 8 * MIB);
		disk_close(&disk);
		close(ready[0]);
	}
	free(before);
	free(after);
}

static void who_is_killed_keeps_a_file_until_its_writes_are_over(void **state)
{
	char *path = disk_file(disk_directory(), 8 * MIB);

	(void)state;
	kill_writers(path);
	unlink(path);
	free(path);
}

static void who_is_killed_keeps_a_device_until_its_writes_are_over(void **state)
{
	char *path = disk_file(disk_directory(), 8 * MIB), *name;
	int fd = loop_open(path, &name);

	(void)state;
	unlink(path);
	free(path);
	if (fd < 0) {
		print_message("missing: a loop device\n");
		skip();
	}
	kill_writers(name);
	close(fd);
	free(name);
}

/* One write, which comes long after who asked for it is gone. */
static void write_late(const char *path, int ready)
{
	uint8_t *bytes = aligned_alloc(4096, 4096);
	struct blk_source source = at(path);
	struct disk disk;
	struct disk_io io = {
		.io = { .op = BLK_WRITE, .length = 4096 },
		.part = { bytes, 4096 },
	};

	memset(bytes, 0x42, 4096);
	disk_start(&disk, "file", &source);
	if (lock(&disk))
		_exit(1);
	disk_submit(&disk, &io);
	blk_uring_poll(disk.uring);
	if (write(ready, "", 1) != 1)
		_exit(1);
	disk_wait(&disk, 0);
	_exit(1);
}

static void late_write_keeps_its_disk(void **state)
{
	struct blk_source source = at(getenv("IOV_DISK"));
	uint8_t bytes[4096];
	unsigned int waits = 0;
	struct disk disk;
	int ready[2], error;
	char byte;
	pid_t child;

	(void)state;
	assert_return_code(pipe(ready), errno);
	child = fork();
	if (!child)
		write_late(source.path, ready[1]);
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	kill(child, SIGKILL);
	assert_int_equal(waitpid(child, NULL, 0), child);
	if (disk_open(&disk, "file", &source))
		fail_msg("%s", iov_error_message(disk.iov));
	while ((error = lock(&disk)) == -EWOULDBLOCK && waits++ < 3000)
		wait_ms(10);
	assert_return_code(error, 0);
	assert_true(waits > 100);
	disk_use(&disk, NULL);
	assert_return_code(disk_read(&disk, 0, bytes, sizeof(bytes)), 0);
	for (unsigned int i = 0; i < sizeof(bytes); i++)
		assert_int_equal(bytes[i], 0x42);
	disk_close(&disk);
	close(ready[0]);
}

static void device_is_had_by_one_alone(void **state)
{
	char *path = disk_file(disk_directory(), MIB), *name;
	int fd = loop_open(path, &name), other;
	struct blk_source source = at(name), read_only = { .path = name, .read_only = true };
	struct disk disk, second;

	(void)state;
	unlink(path);
	free(path);
	if (fd < 0) {
		print_message("missing: a loop device\n");
		skip();
	}
	/* As a mount has it */
	other = open(name, O_RDONLY | O_EXCL | O_CLOEXEC);
	assert_return_code(other, errno);
	expect_refusal(source, -EBUSY, "is in use, expected a device that is not mounted");
	assert_return_code(disk_open(&disk, "file", &read_only), 0);
	disk_close(&disk);
	close(other);

	assert_return_code(disk_open(&disk, "file", &source), 0);
	check_geometry(&disk.geometry);
	assert_true(file_of(disk.backend)->is_direct);
	assert_true(disk.geometry.discard_max && disk.geometry.zeroes_max);
	assert_return_code(lock(&disk), 0);
	assert_int_equal(open(name, O_RDONLY | O_EXCL | O_CLOEXEC), -1);
	assert_int_equal(errno, EBUSY);
	assert_int_equal(disk.backend->ops->check_size(disk.backend, disk.iov, 2 * MIB), -EINVAL);
	assert_non_null(strstr(iov_error_message(disk.iov), "its own tool"));

	/* Another disk is told who has it, and gets it when that is over. */
	assert_return_code(disk_open(&second, "file", &source), 0);
	assert_int_equal(lock(&second), -EWOULDBLOCK);
	expect_holder(&second, getpid());
	disk_close(&disk);
	assert_return_code(lock(&second), 0);
	assert_int_equal(open(name, O_RDONLY | O_EXCL | O_CLOEXEC), -1);
	disk_use(&second, NULL);
	uint8_t bytes[4096];

	assert_return_code(disk_read(&second, 0, bytes, sizeof(bytes)), 0);
	disk_close(&second);
	close(fd);
	free(name);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_no_disk_is_refused),
		cmocka_unit_test(socket_is_refused),
		cmocka_unit_test(file_of_others_is_refused),
		cmocka_unit_test(read_only_file_system_has_read_only_disks),
		cmocka_unit_test(what_cannot_be_written_is_refused),
		cmocka_unit_test(full_file_system_fails_what_needs_room),
		cmocka_unit_test(zeroes_are_written_where_nobody_else_makes_them),
		cmocka_unit_test(limit_of_files_fails_what_is_beyond),
		cmocka_unit_test(file_that_is_cut_fails_what_is_gone),
		cmocka_unit_test(file_gets_another_size),
		cmocka_unit_test(file_says_what_it_is),
		cmocka_unit_test(one_writer_or_many_readers_have_a_file),
		cmocka_unit_test(who_has_let_go_is_told_from_who_writes),
		cmocka_unit_test(what_is_lost_when_a_file_is_let_go_is_told_of),
		cmocka_unit_test(who_is_killed_keeps_a_file_until_its_writes_are_over),
		cmocka_unit_test(who_is_killed_keeps_a_device_until_its_writes_are_over),
		cmocka_unit_test(device_is_had_by_one_alone),
	};

	const struct CMUnitTest slow_device[] = {
		cmocka_unit_test(late_write_keeps_its_disk),
	};

	if (getenv("IOV_DISK"))
		return cmocka_run_group_tests(slow_device, NULL, NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
