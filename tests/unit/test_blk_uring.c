// SPDX-License-Identifier: GPL-2.0-or-later
/* The ring of a worker: what it takes, what it refuses, and when it wakes whom. */
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/disk.h"
#include "vhost-user/blk/uring_request.h"

#define MIB (UINT64_C(1) << 20)

/* More than either queue of the ring has room for, of each of two disks. */
#define MANY 5000

static void fill(uint8_t *bytes, size_t length, unsigned int seed)
{
	for (size_t i = 0; i < length; i++)
		bytes[i] = (uint8_t)(i * 7 + (i >> 9) * 13 + seed);
}

/* Two disks that one worker has; writes @length bytes each, then reads them, all at once. */
static void flood(const char *directory, size_t length, size_t skew)
{
	uint64_t size = MANY * (uint64_t)length;
	struct disk disks[2];
	struct disk_io *ios = calloc(2 * MANY, sizeof(*ios));
	uint8_t *memory[2];
	char *paths[2];

	for (unsigned int i = 0; i < 2; i++) {
		paths[i] = disk_file(directory, size);
		if (disk_open(disks + i, "file", &(struct blk_source){ .path = paths[i] }))
			fail_msg("%s", iov_error_message(disks[i].iov));
		disk_use(disks + i, i ? disks[0].uring : NULL);
		assert_int_equal(posix_memalign((void **)memory + i, 4096, size + skew), 0);
		fill(memory[i] + skew, size, i);
	}
	for (enum blk_op op = BLK_WRITE;; op = BLK_READ) {
		for (unsigned int i = 0; i < 2 * MANY; i++) {
			struct disk *disk = disks + i % 2;

			ios[i] = (struct disk_io){
				.io = { .op = op, .offset = i / 2 * (uint64_t)length, .length = length },
				.part = { memory[i % 2] + skew + i / 2 * (uint64_t)length, length },
			};
			disk_submit(disk, ios + i);
		}
		disk_wait(disks, 0);
		disk_wait(disks + 1, 0);
		for (unsigned int i = 0; i < 2 * MANY; i++) {
			assert_int_equal(ios[i].done, 1);
			assert_return_code(ios[i].error, 0);
		}
		if (op == BLK_READ)
			break;
		memset(memory[0], 0, size + skew);
		memset(memory[1], 0, size + skew);
	}
	for (unsigned int i = 2; i--;) {
		uint8_t *expected = malloc(size);

		fill(expected, size, i);
		assert_memory_equal(memory[i] + skew, expected, size);
		free(expected);
		free(memory[i]);
		disk_close(disks + i);
		unlink(paths[i]);
		free(paths[i]);
	}
	free(ios);
}

static void any_number_of_ios_is_taken(void **state)
{
	(void)state;
	flood("/dev/shm", 512, 0);
	flood(disk_directory(), 4096, 0);
}

/* There are few buffers to carry them through. */
static void any_number_of_unaligned_ios_is_taken(void **state)
{
	(void)state;
	flood(disk_directory(), 4096, 3);
}

/* Larger than a buffer, while what is aligned goes by. */
static void large_unaligned_ios_go_piece_by_piece(void **state)
{
	char *path = disk_file(disk_directory(), 32 * MIB);
	uint8_t *bytes = malloc(32 * MIB + 1), *got = malloc(32 * MIB + 1);
	struct disk_io ios[32];
	struct disk disk;

	(void)state;
	disk_start(&disk, "file", &(struct blk_source){ .path = path });
	fill(bytes, 32 * MIB + 1, 5);
	for (enum blk_op op = BLK_WRITE;; op = BLK_READ) {
		for (unsigned int i = 0; i < 32; i++) {
			ios[i] = (struct disk_io){
				.io = { .op = op, .offset = i * MIB, .length = MIB },
				.part = { (op == BLK_READ ? got : bytes) + 1 + i * MIB, MIB },
			};
			disk_submit(&disk, ios + i);
		}
		disk_wait(&disk, 0);
		for (unsigned int i = 0; i < 32; i++)
			assert_return_code(ios[i].error, 0);
		if (op == BLK_READ)
			break;
	}
	assert_memory_equal(bytes + 1, got + 1, 32 * MIB);
	disk_close(&disk);
	unlink(path);
	free(path);
	free(bytes);
	free(got);
}

/* A vector longer than one system call takes, with parts that are empty. */
static void long_vectors_are_taken(void **state)
{
	enum { PARTS = 5000 };
	static struct iovec vector[PARTS];
	uint8_t *bytes = aligned_alloc(4096, PARTS * 512), *got = aligned_alloc(4096, PARTS * 512);
	static const char *const directories[] = { "/dev/shm", NULL };

	(void)state;
	fill(bytes, PARTS * 512, 9);
	for (unsigned int i = 0; i < 2; i++) {
		char *path = disk_file(directories[i] ? directories[i] : disk_directory(), 4 * MIB);
		struct disk disk;

		disk_start(&disk, "file", &(struct blk_source){ .path = path });
		for (enum blk_op op = BLK_WRITE;; op = BLK_READ) {
			struct disk_io io = {
				.io = { .op = op, .vector = vector, .count = PARTS },
			};

			for (unsigned int j = 0; j < PARTS; j++) {
				vector[j].iov_base = (op == BLK_READ ? got : bytes) + io.io.length;
				vector[j].iov_len = j % 5 ? 512 : 0;
				io.io.length += vector[j].iov_len;
			}
			assert_return_code(disk_do(&disk, &io), 0);
			if (op == BLK_READ)
				break;
		}
		assert_memory_equal(bytes, got, PARTS / 5 * 4 * 512);
		disk_close(&disk);
		unlink(path);
		free(path);
	}
	free(bytes);
	free(got);
}

static void whoever_sleeps_is_woken(void **state)
{
	char *path = disk_file(disk_directory(), MIB);
	uint8_t *bytes = aligned_alloc(4096, 4096);
	unsigned int sleeps = 0;
	struct disk disk;

	(void)state;
	disk_start(&disk, "file", &(struct blk_source){ .path = path });
	memset(bytes, 1, 4096);
	for (unsigned int i = 0; i < 200; i++) {
		struct disk_io io = {
			.io = { .op = i % 10 ? i % 2 ? BLK_WRITE : BLK_READ : BLK_FLUSH,
				.offset = i * UINT64_C(4096), .length = i % 10 ? 4096 : 0 },
			.part = { bytes, 4096 },
		};

		disk_submit(&disk, &io);
		sleeps += disk_wait(&disk, 0);
		assert_return_code(io.error, 0);
	}
	/* A disk takes longer than a look at it. */
	assert_true(sleeps >= 20);
	disk_close(&disk);
	unlink(path);
	free(path);
	free(bytes);
}

/* Who has nothing under way asks the kernel for nothing. */
static void idle_ring_makes_no_system_call(void **state)
{
	char *path = disk_file(disk_directory(), MIB);
	uint8_t bytes[512];
	struct disk disk;
	int status;
	pid_t child = fork();

	(void)state;
	assert_return_code(child, errno);
	if (!child) {
		disk_start(&disk, "file", &(struct blk_source){ .path = path });
		if (disk_read(&disk, 0, bytes, sizeof(bytes)) ||
		    prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT))
			_exit(1);
		for (unsigned int i = 0; i < 1000; i++)
			if (blk_uring_poll(disk.uring))
				syscall(SYS_exit, 2);
		syscall(SYS_exit, 0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	unlink(path);
	free(path);
}

struct chain {
	struct disk_io io;
	unsigned int left;
};

static void go_on(struct blk_io *io, int error)
{
	struct chain *chain = (struct chain *)io;
	struct disk *disk = chain->io.disk;

	assert_return_code(error, 0);
	if (!chain->left--) {
		disk->under_way--;
		return;
	}
	io->offset = (io->offset + 512) % MIB;
	disk->channel->backend->ops->submit(disk->channel, io);
}

static void ios_are_begun_when_others_end(void **state)
{
	static struct chain chains[300];
	char *path = disk_file("/dev/shm", MIB);
	uint8_t bytes[512];
	struct disk disk;

	(void)state;
	disk_start(&disk, "file", &(struct blk_source){ .path = path });
	for (unsigned int i = 0; i < 300; i++) {
		chains[i] = (struct chain){
			.io.io = { .op = BLK_READ, .length = 512, .done = go_on },
			.io.part = { bytes, 512 },
			.left = 300,
		};
		chains[i].io.io.vector = &chains[i].io.part;
		chains[i].io.io.count = 1;
		chains[i].io.disk = &disk;
		disk.under_way++;
		disk.channel->backend->ops->submit(disk.channel, &chains[i].io.io);
	}
	disk_wait(&disk, 0);
	disk_close(&disk);
	unlink(path);
	free(path);
}

/* A ring, and a request of the test's own. */
struct fixture {
	struct iov *iov;
	struct blk_uring *uring;
	char *path;
	int fd;
	int slot;
};

struct attempt {
	struct uring_request request;
	int result;
};

static int setup(void **state)
{
	struct fixture *fixture = test_calloc(1, sizeof(*fixture));

	assert_return_code(iov_open(&fixture->iov, NULL), 0);
	if (blk_uring_open(&fixture->uring, fixture->iov))
		fail_msg("%s", iov_error_message(fixture->iov));
	fixture->path = disk_file(disk_directory(), MIB);
	fixture->fd = open(fixture->path, O_RDWR | O_CLOEXEC);
	assert_return_code(fixture->fd, errno);
	fixture->slot = uring_add_file(fixture->uring, fixture->fd);
	assert_return_code(fixture->slot, 0);
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	blk_uring_close(fixture->uring);
	close(fixture->fd);
	unlink(fixture->path);
	free(fixture->path);
	iov_close(fixture->iov);
	test_free(fixture);
	return 0;
}

static void take(struct uring_request *request, int result)
{
	((struct attempt *)request)->result = result;
}

static int try(struct fixture *fixture, struct attempt *attempt)
{
	attempt->request.done = take;
	attempt->result = 1 << 30;
	uring_ask(fixture->uring, &attempt->request);
	for (unsigned int i = 0; attempt->result == 1 << 30 && i < 1000; i++) {
		const struct timespec time = { .tv_nsec = 1000000 };

		if (!blk_uring_poll(fixture->uring))
			nanosleep(&time, NULL);
	}
	return attempt->result;
}

/* Of all operations that there are, those of disks alone are carried out. */
static void other_operations_are_refused(void **state)
{
	static const uint8_t allowed[] = {
		IORING_OP_READ, IORING_OP_WRITE, IORING_OP_READV, IORING_OP_WRITEV,
		IORING_OP_READ_FIXED, IORING_OP_WRITE_FIXED, IORING_OP_FSYNC, IORING_OP_FALLOCATE, IORING_OP_URING_CMD,
	};
	struct io_uring_probe *probe = io_uring_get_probe();
	struct fixture *fixture = *state;
	uint8_t bytes[512] = { 0 };

	assert_non_null(probe);
	for (unsigned int op = 0; op < IORING_OP_LAST; op++) {
		struct attempt attempt = { 0 };

		if (memchr(allowed, (int)op, sizeof(allowed)) ||
		    !io_uring_opcode_supported(probe, (int)op))
			continue;
		io_uring_prep_rw((int)op, &attempt.request.sqe, fixture->slot, bytes,
				 sizeof(bytes), 0);
		if (try(fixture, &attempt) != -EACCES)
			fail_msg("operation %u: %d", op, attempt.result);
	}
	io_uring_free_probe(probe);
	struct attempt attempt = { 0 };

	io_uring_prep_read(&attempt.request.sqe, fixture->slot, bytes, sizeof(bytes), 0);
	assert_int_equal(try(fixture, &attempt), sizeof(bytes));
	/* Flags of another kind, and files that were not registered */
	attempt.request.sqe.flags = IOSQE_IO_LINK;
	assert_int_equal(try(fixture, &attempt), -EACCES);
	attempt.request.sqe.flags = 0;
	attempt.request.sqe.fd = fixture->slot + 1;
	assert_int_equal(try(fixture, &attempt), -EBADF);
	/* A file takes no commands. */
	io_uring_prep_rw(IORING_OP_URING_CMD, &attempt.request.sqe, fixture->slot, NULL, 0, 0);
	assert_int_equal(try(fixture, &attempt), -EOPNOTSUPP);
}

static int find_ring(void)
{
	for (int fd = 3; fd < 1024; fd++) {
		char path[64], target[64] = "";

		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		if (readlink(path, target, sizeof(target) - 1) > 0 && strstr(target, "[io_uring]"))
			return fd;
	}
	return -1;
}

static void other_registrations_are_refused(void **state)
{
	int fd = find_ring(), event = eventfd(0, EFD_CLOEXEC);
	char bytes[64] = { 0 };
	struct iovec buffer = { bytes, sizeof(bytes) };

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(io_uring_register((unsigned int)fd, IORING_REGISTER_BUFFERS, &buffer, 1),
			 -EACCES);
	assert_int_equal(io_uring_register((unsigned int)fd, IORING_REGISTER_EVENTFD, &event, 1),
			 -EACCES);
	assert_int_equal(io_uring_register((unsigned int)fd, IORING_UNREGISTER_FILES, NULL, 0),
			 -EACCES);
	assert_int_equal(io_uring_register((unsigned int)fd, IORING_REGISTER_PERSONALITY, NULL, 0),
			 -EACCES);
	close(event);
}

/* The kernel may take some moments to let it go. */
static bool becomes_free(const char *path)
{
	for (unsigned int i = 0; i < 1000; i++) {
		const struct timespec time = { .tv_nsec = 5000000 };
		int fd = open(path, O_RDWR | O_CLOEXEC);
		bool is_free = !flock(fd, LOCK_EX | LOCK_NB);

		close(fd);
		if (is_free)
			return true;
		nanosleep(&time, NULL);
	}
	return false;
}

static void file_is_let_go_with_its_slot(void **state)
{
	struct fixture *fixture = *state;
	int fd = open(fixture->path, O_RDWR | O_CLOEXEC), slot, other;

	assert_return_code(flock(fd, LOCK_EX), errno);
	slot = uring_add_file(fixture->uring, fd);
	assert_true(slot >= 0 && slot != fixture->slot);
	close(fd);
	other = open(fixture->path, O_RDWR | O_CLOEXEC);
	assert_int_equal(flock(other, LOCK_EX | LOCK_NB), -1);
	close(other);
	uring_remove_file(fixture->uring, slot);
	assert_true(becomes_free(fixture->path));
	assert_int_equal(uring_add_file(fixture->uring, fixture->fd), slot);
}

static void channel_gives_its_slot_back(void **state)
{
	struct fixture *fixture = *state;
	const struct blk_source source = { .path = fixture->path };
	int next = fixture->slot + 1;
	struct disk disk;

	for (unsigned int i = 0; i < 3; i++) {
		uint8_t bytes[512];

		assert_return_code(disk_open(&disk, "file", &source), 0);
		assert_return_code(disk.backend->ops->lock(disk.backend), 0);
		disk_use(&disk, fixture->uring);
		assert_return_code(disk_read(&disk, 0, bytes, sizeof(bytes)), 0);
		disk_leave(&disk);
		assert_int_equal(uring_add_file(fixture->uring, fixture->fd), next);
		uring_remove_file(fixture->uring, next);
		disk_close(&disk);
		assert_true(becomes_free(fixture->path));
	}
}

static void slots_come_to_an_end(void **state)
{
	struct fixture *fixture = *state;
	int slot, count = 0;

	while ((slot = uring_add_file(fixture->uring, fixture->fd)) >= 0)
		count++;
	assert_int_equal(slot, -ENFILE);
	assert_true(count >= 100);
	uring_remove_file(fixture->uring, count / 2);
	assert_int_equal(uring_add_file(fixture->uring, fixture->fd), count / 2);
}

static void *work(void *arg)
{
	struct disk *disk = arg;
	uint8_t bytes[512] = { 7 };

	disk_use(disk, disk->uring);
	for (unsigned int i = 0; i < 100; i++)
		if (disk_write(disk, i * UINT64_C(512), bytes, sizeof(bytes)))
			return arg;
	disk_leave(disk);
	return NULL;
}

/* Made by one thread, used by another, which ends, and closed by the first. */
static void ring_is_of_the_thread_that_uses_it(void **state)
{
	char *path = disk_file(disk_directory(), MIB);
	struct blk_uring *uring;
	pthread_t thread;
	struct disk disk;
	void *failed;

	(void)state;
	assert_return_code(disk_open(&disk, "file", &(struct blk_source){ .path = path }), 0);
	assert_return_code(blk_uring_open(&uring, disk.iov), 0);
	disk.uring = uring;
	assert_int_equal(pthread_create(&thread, NULL, work, &disk), 0);
	assert_int_equal(pthread_join(thread, &failed), 0);
	assert_null(failed);
	blk_uring_close(uring);
	disk_close(&disk);
	unlink(path);
	free(path);
}

/* The host says no, in each of its ways. */
static void host_that_forbids_it_is_named(void **state)
{
	static const int errors[] = { EPERM, ENOSYS, ENOMEM };
	static const char *const words[] = { "io_uring_disabled", "io_uring_disabled", "Cannot allocate" };

	(void)state;
	for (unsigned int i = 0; i < sizeof(errors) / sizeof(*errors); i++) {
		int status;
		pid_t child = fork();

		assert_return_code(child, errno);
		if (!child) {
			scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
			struct blk_uring *uring;
			struct iov *iov;

			if (iov_open(&iov, NULL) ||
			    seccomp_rule_add(filter, SCMP_ACT_ERRNO((uint32_t)errors[i]),
					     SCMP_SYS(io_uring_setup), 0) || seccomp_load(filter))
				_exit(1);
			_exit(blk_uring_open(&uring, iov) != -errors[i] ||
			      !strstr(iov_error_message(iov), words[i]));
		}
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 0);
	}
}

#define RING_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_number_of_ios_is_taken),
		cmocka_unit_test(any_number_of_unaligned_ios_is_taken),
		cmocka_unit_test(large_unaligned_ios_go_piece_by_piece),
		cmocka_unit_test(long_vectors_are_taken),
		cmocka_unit_test(whoever_sleeps_is_woken),
		cmocka_unit_test(idle_ring_makes_no_system_call),
		cmocka_unit_test(ios_are_begun_when_others_end),
		RING_TEST(other_operations_are_refused),
		RING_TEST(other_registrations_are_refused),
		RING_TEST(file_is_let_go_with_its_slot),
		RING_TEST(channel_gives_its_slot_back),
		RING_TEST(slots_come_to_an_end),
		cmocka_unit_test(ring_is_of_the_thread_that_uses_it),
		cmocka_unit_test(host_that_forbids_it_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
