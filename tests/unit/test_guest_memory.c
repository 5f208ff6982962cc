// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/mappings.h"
#include "tests/unit/test.h"
#include "vhost-user/memory/dirty_log.h"
#include "vhost-user/memory/guest_memory.h"
#include "vhost-user/memory/memory_fault.h"

#define PAGE UINT64_C(0x1000)
#define FILE_SIZE (16 * PAGE)

struct fixture {
	struct iov *iov;
	struct guest_memory *memory;
	uint8_t *file;
	int fd;
};

static int setup(void **state)
{
	struct fixture *fixture = test_calloc(1, sizeof(*fixture));

	assert_return_code(iov_open(&fixture->iov, NULL), 0);
	assert_return_code(guest_memory_open(&fixture->memory), 0);
	fixture->fd = memfd_create("guest", MFD_CLOEXEC);
	assert_return_code(ftruncate(fixture->fd, FILE_SIZE), 0);
	fixture->file = mmap(NULL, FILE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fixture->fd, 0);
	assert_ptr_not_equal(fixture->file, MAP_FAILED);
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	guest_memory_close(fixture->memory);
	munmap(fixture->file, FILE_SIZE);
	close(fixture->fd);
	iov_close(fixture->iov);
	test_free(fixture);
	return 0;
}

/* A region of @pages whose user address is its guest address + 2^40. */
static int add(struct fixture *fixture, uint64_t gpa, uint64_t pages, uint64_t offset)
{
	struct guest_region_request request = {
		.gpa = gpa,
		.size = pages * PAGE,
		.uva = gpa + (UINT64_C(1) << 40),
		.offset = offset,
		.fd = fixture->fd,
	};

	return guest_memory_add(fixture->memory, fixture->iov, &request);
}

static int add_request(struct fixture *fixture, struct guest_region_request request)
{
	request.fd = fixture->fd;
	return guest_memory_add(fixture->memory, fixture->iov, &request);
}

static void region_shows_the_file_at_its_offset(void **state)
{
	struct fixture *fixture = *state;
	uint32_t length = 8;

	assert_return_code(add(fixture, 0x10000, 2, 3 * PAGE + 0x10), 0);
	memcpy(fixture->file + 3 * PAGE + 0x18, "hello", 6);
	const struct guest_region *hint = fixture->memory->regions;

	assert_string_equal((char *)guest_memory_at(fixture->memory, &hint, 0x10008, &length), "hello");
	assert_int_equal(length, 8);
}

static void regions_are_found_whatever_the_order_they_came_in(void **state)
{
	struct fixture *fixture = *state;

	for (uint64_t i = 0; i < 64; i++) {
		uint64_t slot = (i * 29) % 64;

		assert_return_code(add(fixture, (2 * slot + 1) * PAGE, 1, slot % 16 * PAGE), 0);
	}
	assert_int_equal(fixture->memory->count, 64);
	for (uint64_t page = 0; page < 130; page++) {
		const struct guest_region *region =
			guest_memory_find(fixture->memory, page * PAGE + 0xfff);

		if (page % 2 && page < 128)
			assert_int_equal(region->gpa, page * PAGE);
		else
			assert_null(region);
	}
	assert_null(guest_memory_find(fixture->memory, UINT64_MAX));
}

static void access_is_cut_at_the_end_of_the_region(void **state)
{
	struct fixture *fixture = *state;
	uint32_t length = UINT32_MAX;

	assert_return_code(add(fixture, 0x10000, 2, 0), 0);
	assert_return_code(add(fixture, 0x12000, 1, 8 * PAGE), 0);
	const struct guest_region *hint = fixture->memory->regions;

	assert_non_null(guest_memory_at(fixture->memory, &hint, 0x11ff0, &length));
	assert_int_equal(length, 16);
	length = 1;
	assert_non_null(guest_memory_at(fixture->memory, &hint, 0x12fff, &length));
	assert_ptr_equal(hint, &fixture->memory->regions[1]);
	assert_int_equal(length, 1);
}

static void access_outside_of_all_regions_gives_nothing(void **state)
{
	static const uint64_t outside[] = {0, 0xffff, 0x12000, UINT64_MAX, UINT64_MAX - 0xffff};
	struct fixture *fixture = *state;
	uint32_t length = 1;

	assert_return_code(add(fixture, 0x10000, 2, 0), 0);
	const struct guest_region *hint = fixture->memory->regions;

	for (unsigned int i = 0; i < sizeof(outside) / sizeof(outside[0]); i++)
		assert_null(guest_memory_at(fixture->memory, &hint, outside[i], &length));
}

static void user_addresses_must_lie_in_one_region(void **state)
{
	struct fixture *fixture = *state;
	const uint64_t user = UINT64_C(1) << 40;

	assert_return_code(add(fixture, 0x10000, 2, 0), 0);
	assert_return_code(add(fixture, 0x12000, 2, 8 * PAGE), 0);
	assert_ptr_equal(guest_memory_at_user(fixture->memory, user + 0x12000, 2 * PAGE),
			 fixture->memory->regions[1].host);
	assert_non_null(guest_memory_at_user(fixture->memory, user + 0x10000, 2 * PAGE));
	assert_null(guest_memory_at_user(fixture->memory, user + 0x10000, 2 * PAGE + 1));
	assert_null(guest_memory_at_user(fixture->memory, user + 0x13fff, 2));
	assert_null(guest_memory_at_user(fixture->memory, user + 0x10000, UINT64_MAX));
	assert_null(guest_memory_at_user(fixture->memory, 0x10000, 1));
}

static void impossible_regions_are_refused(void **state)
{
	struct fixture *fixture = *state;
	const uint64_t end = UINT64_MAX - PAGE + 1;

	assert_int_equal(add(fixture, 0x10000, 0, 0), -EINVAL);
	assert_int_equal(add_request(fixture, (struct guest_region_request){.gpa = end, .size = PAGE}),
			 -EINVAL);
	assert_int_equal(add_request(fixture, (struct guest_region_request){.uva = end, .size = PAGE}),
			 -EINVAL);
	assert_int_equal(
		add_request(fixture, (struct guest_region_request){.offset = end, .size = PAGE}),
		-EINVAL);
	assert_int_equal(fixture->memory->count, 0);
}

static void short_files_are_refused(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(add(fixture, 0, 17, 0), -EINVAL);
	assert_int_equal(add(fixture, 0, 16, 1), -EINVAL);
	assert_int_equal(add(fixture, 0, 1, 16 * PAGE), -EINVAL);
	assert_return_code(add(fixture, 0, 16, 0), 0);
}

static void descriptors_that_are_no_files_are_refused(void **state)
{
	struct fixture *fixture = *state;
	int memory = fixture->fd, ends[2];

	assert_return_code(pipe(ends), 0);
	fixture->fd = ends[0];
	assert_int_equal(add(fixture, 0, 1, 0), -EINVAL);
	fixture->fd = memory;
	close(ends[0]);
	close(ends[1]);
}

static void overlapping_regions_are_refused(void **state)
{
	struct fixture *fixture = *state;

	assert_return_code(add(fixture, 0x10000, 4, 0), 0);
	assert_int_equal(add(fixture, 0x10000, 4, 0), -EINVAL);
	assert_int_equal(add(fixture, 0xf000, 2, 0), -EINVAL);
	assert_int_equal(add(fixture, 0xf000, 8, 0), -EINVAL);
	assert_int_equal(add(fixture, 0x13fff, 1, 0), -EINVAL);
	assert_return_code(add(fixture, 0xf000, 1, 0), 0);
	assert_return_code(add(fixture, 0x14000, 1, 0), 0);
	assert_int_equal(fixture->memory->count, 3);
}

static void file_that_is_cut_short_reads_as_zeros(void **state)
{
	struct fixture *fixture = *state;
	uint32_t length = 1;

	assert_return_code(memory_fault_catch(), 0);
	assert_return_code(add(fixture, 0x10000, 4, 0), 0);
	assert_return_code(add(fixture, 0x20000, 4, 4 * PAGE), 0);
	fixture->file[0] = 7;
	const struct guest_region *hint = fixture->memory->regions;
	volatile uint8_t *kept = guest_memory_at(fixture->memory, &hint, 0x10000, &length);
	volatile uint8_t *lost = guest_memory_at(fixture->memory, &hint, 0x21000, &length);

	assert_false(guest_memory_is_lost(fixture->memory));
	assert_return_code(ftruncate(fixture->fd, 4 * PAGE), 0);
	*lost = 1;
	assert_int_equal(*lost, 1);
	assert_true(guest_memory_is_lost(fixture->memory));
	assert_int_equal(*kept, 7);
}

/* Send the signal of a memory error, as the kernel does. */
static void lose(const volatile void *at, int code)
{
	siginfo_t info = {.si_signo = SIGBUS, .si_code = code};

	info.si_addr = (void *)(uintptr_t)at;
	assert_return_code(syscall(SYS_rt_tgsigqueueinfo, getpid(), gettid(), SIGBUS, &info), errno);
}

/* Of one region; whoever waits is told. */
static void memory_that_hardware_loses_reads_as_zeros(void **state)
{
	static const int codes[] = {BUS_MCEERR_AR, BUS_MCEERR_AO};
	struct fixture *fixture = *state;
	int told = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	eventfd_t count;

	assert_return_code(memory_fault_catch(), 0);
	memory_fault_tell(told);
	memset(fixture->file, 7, FILE_SIZE);
	for (uint64_t i = 0; i < 3; i++)
		assert_return_code(add(fixture, i << 16, 4, i * 4 * PAGE), 0);
	for (unsigned int i = 0; i < 2; i++) {
		const struct guest_region *regions = fixture->memory->regions;
		unsigned int losses = memory_fault_losses();

		assert_false(file_part_is_lost(&regions[i].part));
		lose(regions[i].host + 2 * PAGE + 123, codes[i]);
		assert_int_not_equal(memory_fault_losses(), losses);
		assert_return_code(eventfd_read(told, &count), errno);
		assert_true(file_part_is_lost(&regions[i].part));
		assert_int_equal(regions[i].host[0], 0);
		assert_int_equal(regions[i + 1].host[0], 7);
	}
	assert_int_equal(fixture->file[0], 7);
	memory_fault_tell(-1);
	close(told);
}

/* Nobody has touched it; who does gets a signal of his own. */
static void bad_memory_elsewhere_ends_nothing(void **state)
{
	struct fixture *fixture = *state;

	assert_return_code(memory_fault_catch(), 0);
	assert_return_code(add(fixture, 0, 4, 0), 0);
	lose(fixture->file, BUS_MCEERR_AO);
	assert_false(guest_memory_is_lost(fixture->memory));
	/* It is still caught. */
	assert_return_code(ftruncate(fixture->fd, 0), 0);
	fixture->memory->regions[0].host[0] = 1;
	assert_true(guest_memory_is_lost(fixture->memory));
}

/* A host that promises no more memory than it has does not promise it for what was lost. */
static void loss_needs_no_memory_of_its_size(void **state)
{
	struct rlimit limit = {1 << 20, 1 << 20};
	struct fixture *fixture = *state;
	int status;

	assert_return_code(memory_fault_catch(), 0);
	assert_return_code(ftruncate(fixture->fd, 64 << 20), 0);
	assert_return_code(add(fixture, 0, (64 << 20) / PAGE, 0), 0);
	assert_return_code(ftruncate(fixture->fd, 0), 0);
	pid_t child = fork();

	if (!child) {
		setrlimit(RLIMIT_DATA, &limit);
		fixture->memory->regions[0].host[5 * PAGE] = 1;
		_exit(fixture->memory->regions[0].host[5 * PAGE] == 1 ? 0 : 2);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_return_code(ftruncate(fixture->fd, FILE_SIZE), 0);
}

/* What is mapped of it is whole huge pages, whatever part is meant, and goes as it came. */
static void parts_of_huge_pages_leave_nothing(void **state)
{
	struct fixture *fixture = *state;
	int fd = memfd_create("hugefile", MFD_CLOEXEC | MFD_HUGETLB);
	struct file_part_request request = {fd, 100, 8, false};
	struct dirty_log *log;

	if (fd < 0)
		skip();
	assert_return_code(memory_fault_catch(), 0);
	assert_return_code(ftruncate(fd, 4 << 20), errno);
	for (unsigned int i = 0; i < 5; i++) {
		request.offset += i * 0x60000;
		assert_return_code(dirty_log_open(&log, fixture->iov, &request), 0);
		assert_int_equal(count_mappings("hugefile"), 1);
		dirty_log_close(log);
		assert_int_equal(count_mappings("hugefile"), 0);
	}
	/* One that crosses from page to page, and that is cut short. */
	request.offset = (2 << 20) - 50;
	assert_return_code(dirty_log_open(&log, fixture->iov, &request), 0);
	assert_return_code(ftruncate(fd, 0), errno);
	dirty_log_mark_at(log, 0, 1);
	assert_true(dirty_log_is_lost(log));
	dirty_log_mark_at(log, 99 * 8 * DIRTY_LOG_PAGE, 1);
	dirty_log_close(log);
	assert_int_equal(count_mappings("hugefile"), 0);
	close(fd);
}

/* A page of it may come from anywhere, when it comes. */
static void files_that_are_not_in_memory_are_refused(void **state)
{
	static const char *const paths[] = {"/proc/self/exe", "/proc/self/maps", "/dev/zero", "/"};
	struct fixture *fixture = *state;
	char name[] = "guest-memory-XXXXXX";
	int memory = fixture->fd, file = mkstemp(name);
	struct dirty_log *log;

	for (unsigned int i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
		struct file_part_request request = {open(paths[i], O_RDONLY | O_CLOEXEC), 1, 0, false};

		fixture->fd = request.fd;
		assert_int_equal(add(fixture, 0, 1, 0), -EINVAL);
		assert_non_null(strstr(iov_error_message(fixture->iov), "is not in memory"));
		assert_int_equal(dirty_log_open(&log, fixture->iov, &request), -EINVAL);
		close(request.fd);
	}
	unlink(name);
	fixture->fd = file;
	assert_return_code(ftruncate(file, FILE_SIZE), errno);
	assert_int_equal(add(fixture, 0, 1, 0), fcntl(file, F_GET_SEALS) < 0 ? -EINVAL : 0);
	/* Who has to have it may. */
	assert_return_code(add_request(fixture, (struct guest_region_request){
		.gpa = PAGE, .size = PAGE, .any_memory = true}), 0);
	fixture->fd = memory;
	close(file);
}

static void files_in_memory_are_taken_wherever_they_are(void **state)
{
	struct fixture *fixture = *state;
	char name[] = "/dev/shm/guest-memory-XXXXXX";
	int memory = fixture->fd, file = mkstemp(name);

	if (file < 0)
		skip();
	unlink(name);
	fixture->fd = file;
	assert_return_code(ftruncate(file, FILE_SIZE), errno);
	assert_return_code(add(fixture, 0, 16, 0), 0);
	fixture->fd = memory;
	close(file);
}

/* It may begin and end anywhere in its file, and beside it is what is not ours to write. */
static void marks_stay_within_their_log(void **state)
{
	const uint64_t size = 100, offset = 8, end = size * 8 * DIRTY_LOG_PAGE;
	struct fixture *fixture = *state;
	const struct file_part_request request = {fixture->fd, size, offset, false};
	struct dirty_log *log;

	assert_return_code(dirty_log_open(&log, fixture->iov, &request), 0);
	dirty_log_mark_at(log, end - DIRTY_LOG_PAGE, 4 * DIRTY_LOG_PAGE);
	dirty_log_mark_at(log, end, 1);
	dirty_log_mark_at(log, UINT64_MAX - DIRTY_LOG_PAGE, DIRTY_LOG_PAGE);
	for (unsigned int i = 0; i < FILE_SIZE; i++)
		assert_int_equal(fixture->file[i], i == offset + size - 1 ? 0x80 : 0);
	dirty_log_close(log);
}

/* Whoever else has a fault shall know: the process ends by the signal. */
static void faults_elsewhere_end_the_process(void **state)
{
	struct fixture *fixture = *state;
	int status;

	assert_return_code(memory_fault_catch(), 0);
	assert_return_code(ftruncate(fixture->fd, 0), 0);
	pid_t child = fork();

	if (!child) {
		prctl(PR_SET_DUMPABLE, 0);
		*(volatile uint8_t *)fixture->file = 1;
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	/* Sanitizers turn the signal into an exit of their own. */
	assert_true(WIFSIGNALED(status) ? WTERMSIG(status) == SIGBUS : WEXITSTATUS(status));
}

/* What somebody was told of: what is there is what has come and not gone. */
struct watched {
	unsigned int came;
	unsigned int went;
	const void *last;
	size_t bytes;
};

static void came(void *arg, void *memory, size_t bytes)
{
	struct watched *watched = arg;

	watched->came++;
	watched->last = memory;
	watched->bytes = bytes;
}

static void goes(void *arg, const void *memory)
{
	struct watched *watched = arg;

	watched->went++;
	watched->last = memory;
	/* It is there still. */
	(void)*(const volatile char *)memory;
}

static void who_watches_is_told_of_what_comes_and_goes(void **state)
{
	struct fixture *fixture = *state;
	struct watched watched = { 0 };
	const struct guest_memory_watcher watcher = { came, goes, &watched };
	struct guest_region_request request = {
		.gpa = 0x20000, .size = PAGE, .uva = 0x20000, .offset = 8 * PAGE, .fd = fixture->fd,
	};

	assert_return_code(add(fixture, 0, 4, 0), 0);
	guest_memory_watch(fixture->memory, &watcher);
	assert_int_equal(watched.came, 1);
	assert_int_equal(watched.bytes, 4 * PAGE);
	assert_return_code(add(fixture, 0x10000, 2, 4 * PAGE), 0);
	assert_int_equal(watched.came, 2);
	/* One that takes the place of the table has its watcher, and what both have stays. */
	assert_return_code(guest_memory_extend(&fixture->memory, fixture->iov, &request), 0);
	assert_int_equal(watched.came, 3);
	guest_memory_settle(fixture->memory);
	assert_int_equal(watched.went, 0);
	assert_return_code(guest_memory_remove(fixture->memory, 0x20000, PAGE, 0x20000), 0);
	assert_int_equal(watched.went, 1);
	guest_memory_close(fixture->memory);
	assert_int_equal(watched.went, 3);
	assert_return_code(guest_memory_open(&fixture->memory), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(who_watches_is_told_of_what_comes_and_goes),
		TEST(region_shows_the_file_at_its_offset),
		TEST(regions_are_found_whatever_the_order_they_came_in),
		TEST(access_is_cut_at_the_end_of_the_region),
		TEST(access_outside_of_all_regions_gives_nothing),
		TEST(user_addresses_must_lie_in_one_region),
		TEST(impossible_regions_are_refused),
		TEST(short_files_are_refused),
		TEST(descriptors_that_are_no_files_are_refused),
		TEST(overlapping_regions_are_refused),
		TEST(file_that_is_cut_short_reads_as_zeros),
		TEST(memory_that_hardware_loses_reads_as_zeros),
		TEST(bad_memory_elsewhere_ends_nothing),
		TEST(loss_needs_no_memory_of_its_size),
		TEST(parts_of_huge_pages_leave_nothing),
		TEST(files_that_are_not_in_memory_are_refused),
		TEST(files_in_memory_are_taken_wherever_they_are),
		TEST(marks_stay_within_their_log),
		TEST(faults_elsewhere_end_the_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
