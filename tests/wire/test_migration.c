// SPDX-License-Identifier: GPL-2.0-or-later
// What a front end says to a back end while it migrates a guest.
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/unit/test.h"
#include "tests/wire/fixture.h"

#define PAGE 4096

/* Bytes of a log for the guest, and a page of bits behind them for addresses of nothing. */
#define LOG_BYTES(guest) (((guest)->gpa + (guest)->size) / PAGE / 8)
#define LOG_MORE 1

static uint8_t *start_log(struct fixture *fixture)
{
	struct frontend *frontend = &fixture->frontend;
	struct vu_log log = {.size = LOG_BYTES(&frontend->guest) + LOG_MORE};
	int fd = memfd_create("log", MFD_CLOEXEC);
	uint64_t reply;
	uint8_t *bits;

	assert_return_code(ftruncate(fd, (off_t)log.size), errno);
	bits = mmap(NULL, log.size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(bits, MAP_FAILED);
	frontend_send(frontend, VU_SET_LOG_BASE, 0, &log, sizeof(log), &fd, 1);
	assert_int_equal(frontend_receive(frontend, VU_SET_LOG_BASE, &reply, 8), 8);
	frontend->features |= BIT(VU_F_LOG_ALL);
	assert_int_equal(frontend_set(frontend, VU_SET_FEATURES, frontend->features), 0);
	close(fd);
	return bits;
}

static void end_log(struct fixture *fixture, uint8_t *bits)
{
	munmap(bits, LOG_BYTES(&fixture->frontend.guest) + LOG_MORE);
}

/* SET_VRING_ADDR of ring 0 again, with its used ring logged at @log. */
static uint64_t set_log_address(struct fixture *fixture, uint64_t log)
{
	const struct driver *driver = &fixture->frontend.rings[0];
	struct vu_vring_addr addr = {
		.flags = VU_VRING_LOG,
		.desc = (uint64_t)(uintptr_t)driver->desc,
		.avail = (uint64_t)(uintptr_t)driver->avail,
		.used = (uint64_t)(uintptr_t)driver->used,
		.log = log,
	};

	return frontend_call(&fixture->frontend, VU_SET_VRING_ADDR, &addr, sizeof(addr), NULL, 0);
}

static bool is_marked(const uint8_t *bits, uint64_t address)
{
	return bits[address / PAGE / 8] & 1 << address / PAGE % 8;
}

/* "This value might be outside the legal guest physical address range". */
static void used_ring_is_marked_where_the_front_end_says(void **state)
{
	struct fixture *fixture = *state;
	const struct guest *guest = &fixture->frontend.guest;
	uint64_t outside = guest->gpa + guest->size;
	uint8_t *bits;

	frontend_start(&fixture->frontend, UINT64_MAX, 1);
	bits = start_log(fixture);
	expect_echo(fixture, 1);
	assert_false(is_marked(bits, outside));
	assert_int_equal(set_log_address(fixture, outside), 0);
	memset(bits, 0, LOG_BYTES(guest) + LOG_MORE);
	expect_echo(fixture, 2);
	assert_true(is_marked(bits, outside));
	/* Where it really is, too: an address that is wrong must cost no page. */
	assert_true(is_marked(bits, guest->gpa + (uint64_t)((uint8_t *)fixture->frontend.rings[0].used -
							    guest->host)));
	end_log(fixture, bits);
}

static void log_address_beyond_the_log_is_refused(void **state)
{
	struct fixture *fixture = *state;
	const struct guest *guest = &fixture->frontend.guest;
	const uint64_t end = guest->gpa + guest->size + (uint64_t)LOG_MORE * 8 * PAGE;
	const uint64_t wrong[] = {end, end - 8, UINT64_MAX, UINT64_MAX - 2000};
	uint8_t *bits;

	frontend_start(&fixture->frontend, UINT64_MAX, 1);
	bits = start_log(fixture);
	for (unsigned int i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_int_not_equal(set_log_address(fixture, wrong[i]), 0);
		assert_null(fixture->queues[0]);
		assert_int_equal(refused(fixture, VU_REFUSED_MEMORY), i + 1);
	}
	assert_int_equal(set_log_address(fixture, guest->gpa), 0);
	expect_echo(fixture, 1);
	end_log(fixture, bits);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(used_ring_is_marked_where_the_front_end_says),
		TEST(log_address_beyond_the_log_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
