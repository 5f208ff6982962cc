// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/unit/random.h"
#include "tests/unit/test.h"
#include "vhost-user/memory/iotlb.h"

#define PAGE UINT64_C(4096)
#define PAGES 64

/* Two regions that follow each other for the front end, and not for the guest. */
#define GPA_A UINT64_C(0)
#define GPA_B UINT64_C(0x100000000)
#define UVA UINT64_C(0x7f0000000000)

struct fixture {
	struct iov *iov;
	struct guest_memory *memory;
	struct iotlb *iotlb;
};

static void add_region(struct fixture *fixture, uint64_t gpa, uint64_t uva)
{
	int fd = memfd_create("region", MFD_CLOEXEC);
	struct guest_region_request request = {
		.gpa = gpa, .size = PAGES * PAGE, .uva = uva, .fd = fd,
	};

	assert_return_code(ftruncate(fd, PAGES * PAGE), errno);
	assert_return_code(guest_memory_add(fixture->memory, fixture->iov, &request), 0);
	close(fd);
}

static int setup(void **state)
{
	struct fixture *fixture = test_calloc(1, sizeof(*fixture));

	assert_return_code(iov_open(&fixture->iov, NULL), 0);
	assert_return_code(guest_memory_open(&fixture->memory), 0);
	add_region(fixture, GPA_B, UVA + PAGES * PAGE);
	add_region(fixture, GPA_A, UVA);
	assert_return_code(iotlb_open(&fixture->iotlb), 0);
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	iotlb_close(fixture->iotlb);
	guest_memory_close(fixture->memory);
	iov_close(fixture->iov);
	test_free(fixture);
	return 0;
}

/* Pages of the front end's memory at an address. */
static int update(struct fixture *fixture, uint64_t iova, uint64_t page, uint64_t pages,
		  uint8_t access)
{
	const struct iotlb_range range = { iova, pages * PAGE, UVA + page * PAGE, access };

	return iotlb_update(fixture->iotlb, fixture->iov, fixture->memory, &range);
}

static void *host_of(struct fixture *fixture, uint64_t page)
{
	return guest_memory_at_user(fixture->memory, UVA + page * PAGE, 1);
}

/* Where a worker finds an address; NULL for nowhere. */
static void *look(struct fixture *fixture, uint64_t iova, bool write)
{
	const struct iotlb_view *view = iotlb_view(fixture->iotlb);
	const struct guest_memory *table = write ? &view->writable : &view->readable;
	const struct guest_region *hint = table->regions;
	uint32_t length = 1;

	return guest_memory_at(table, &hint, iova, &length);
}

static void nothing_is_translated_at_first(void **state)
{
	struct fixture *fixture = *state;

	assert_null(look(fixture, 0, false));
	assert_null(look(fixture, 0, true));
	assert_null(look(fixture, UINT64_MAX, true));
	iotlb_invalidate(fixture->iotlb, 0, 0);
	assert_false(iotlb_is_changed(fixture->iotlb));
}

static void access_is_what_was_allowed(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(update(fixture, 0x1000, 1, 1, IOTLB_READ), 0);
	assert_int_equal(update(fixture, 0x2000, 2, 1, IOTLB_WRITE), 0);
	assert_int_equal(update(fixture, 0x3000, 3, 1, IOTLB_READ_WRITE), 0);
	assert_ptr_equal(look(fixture, 0x1000, false), host_of(fixture, 1));
	assert_null(look(fixture, 0x1000, true));
	assert_null(look(fixture, 0x2000, false));
	assert_ptr_equal(look(fixture, 0x2000, true), host_of(fixture, 2));
	assert_ptr_equal(look(fixture, 0x3000, false), host_of(fixture, 3));
	assert_ptr_equal(look(fixture, 0x3000, true), host_of(fixture, 3));
}

static void what_continues_is_one_translation(void **state)
{
	struct fixture *fixture = *state;

	for (uint64_t i = 0; i < PAGES; i += 2)
		assert_int_equal(update(fixture, i * PAGE, i, 1, IOTLB_READ_WRITE), 0);
	assert_int_equal(iotlb_view(fixture->iotlb)->readable.count, PAGES / 2);
	for (uint64_t i = 1; i < PAGES; i += 2)
		assert_int_equal(update(fixture, i * PAGE, i, 1, IOTLB_READ_WRITE), 0);
	assert_int_equal(iotlb_view(fixture->iotlb)->readable.count, 1);
	/* Not over the end of a region of guest memory, whose log has it elsewhere. */
	assert_int_equal(update(fixture, PAGES * PAGE, PAGES, 1, IOTLB_READ_WRITE), 0);
	assert_int_equal(iotlb_view(fixture->iotlb)->readable.count, 2);
	/* What is known changes nothing. */
	iotlb_collect(fixture->iotlb);
	assert_int_equal(update(fixture, 5 * PAGE, 5, 3, IOTLB_READ_WRITE), 0);
	assert_false(iotlb_is_changed(fixture->iotlb));
}

static void range_may_span_regions(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(update(fixture, 0, PAGES - 2, 4, IOTLB_READ), 0);
	for (uint64_t i = 0; i < 4; i++)
		assert_ptr_equal(look(fixture, i * PAGE, false), host_of(fixture, PAGES - 2 + i));
}

static void update_takes_the_place_of_what_was_there(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(update(fixture, 0x10000, 0, 16, IOTLB_READ_WRITE), 0);
	assert_int_equal(update(fixture, 0x14000, 40, 4, IOTLB_READ), 0);
	assert_ptr_equal(look(fixture, 0x13fff, true), (uint8_t *)host_of(fixture, 3) + 0xfff);
	assert_ptr_equal(look(fixture, 0x14000, false), host_of(fixture, 40));
	assert_null(look(fixture, 0x14000, true));
	assert_null(look(fixture, 0x17fff, true));
	assert_ptr_equal(look(fixture, 0x18000, true), host_of(fixture, 8));
}

static void invalidation_leaves_the_rest(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(update(fixture, 0x10000, 0, 16, IOTLB_READ_WRITE), 0);
	iotlb_invalidate(fixture->iotlb, 0x14000, 0x2000);
	assert_ptr_equal(look(fixture, 0x13fff, false), (uint8_t *)host_of(fixture, 3) + 0xfff);
	assert_null(look(fixture, 0x14000, false));
	assert_null(look(fixture, 0x15fff, false));
	assert_ptr_equal(look(fixture, 0x16000, false), host_of(fixture, 6));
	/* More than there is, to the end and beyond it. */
	iotlb_invalidate(fixture->iotlb, 0x18000, UINT64_MAX);
	assert_null(look(fixture, 0x18000, false));
	assert_ptr_equal(look(fixture, 0x16000, false), host_of(fixture, 6));
	iotlb_invalidate(fixture->iotlb, 0, 0);
	assert_null(look(fixture, 0x10000, false));
}

/* What a worker holds stays until it is collected. */
static void view_outlives_its_successors(void **state)
{
	struct fixture *fixture = *state;
	const struct iotlb_view *view;

	assert_int_equal(update(fixture, 0, 7, 1, IOTLB_READ), 0);
	view = iotlb_view(fixture->iotlb);
	for (uint64_t i = 0; i < 100; i++) {
		assert_int_equal(update(fixture, 0, i % 5, 1, IOTLB_READ), 0);
		iotlb_invalidate(fixture->iotlb, 0, 1);
	}
	assert_ptr_equal(view->readable.regions[0].host, host_of(fixture, 7));
	assert_true(iotlb_is_changed(fixture->iotlb));
	iotlb_collect(fixture->iotlb);
	assert_false(iotlb_is_changed(fixture->iotlb));
}

static void wrong_updates_change_nothing(void **state)
{
	struct fixture *fixture = *state;
	const struct iotlb_range wrongs[] = {
		{ 0, 0, UVA, IOTLB_READ },
		{ 0, PAGE, UVA, 0 },
		{ 0, PAGE, UVA, 4 },
		{ 0, PAGE, UVA, 255 },
		{ UINT64_MAX - PAGE + 1, PAGE, UVA, IOTLB_READ },
		{ UINT64_MAX, 2, UVA, IOTLB_READ },
		{ 0, UINT64_MAX, UVA, IOTLB_READ },
		{ 0, PAGE, UINT64_MAX, IOTLB_READ },
		{ 0, PAGE, UVA - 1, IOTLB_READ },
		{ 0, 2 * PAGES * PAGE + 1, UVA, IOTLB_READ },
		{ 0, PAGE, UVA + 2 * PAGES * PAGE, IOTLB_READ },
		{ 0, PAGE, GPA_B, IOTLB_READ },
	};

	assert_int_equal(update(fixture, 0, 3, 1, IOTLB_READ), 0);
	for (unsigned int i = 0; i < sizeof(wrongs) / sizeof(wrongs[0]); i++) {
		assert_int_equal(iotlb_update(fixture->iotlb, fixture->iov, fixture->memory,
					      &wrongs[i]), -EINVAL);
		assert_ptr_equal(look(fixture, 0, false), host_of(fixture, 3));
		assert_int_equal(iotlb_view(fixture->iotlb)->readable.count, 1);
	}
}

/* Each page apart from all others: none of them may cost memory without end. */
static void translations_are_bounded(void **state)
{
	struct fixture *fixture = *state;

	for (uint64_t i = 0; i < 2 * IOTLB_MAX; i++) {
		assert_int_equal(update(fixture, 2 * i * PAGE, i % PAGES, 1, IOTLB_READ), 0);
		assert_ptr_equal(look(fixture, 2 * i * PAGE, false), host_of(fixture, i % PAGES));
		iotlb_collect(fixture->iotlb);
	}
	assert_int_equal(iotlb_view(fixture->iotlb)->readable.count, IOTLB_MAX);
	/* One that splits another when there is no room for it. */
	iotlb_invalidate(fixture->iotlb, 2 * (2 * IOTLB_MAX - 1) * PAGE + 16, 16);
	assert_true(iotlb_view(fixture->iotlb)->readable.count <= IOTLB_MAX);
}

static void range_is_found_in_one_piece(void **state)
{
	struct fixture *fixture = *state;
	uint64_t missing = 0;
	void *host;

	assert_int_equal(update(fixture, 0x1000, 1, 1, IOTLB_READ), 0);
	assert_int_equal(update(fixture, 0x2000, 2, 1, IOTLB_READ_WRITE), 0);
	assert_int_equal(update(fixture, 0x3000, 9, 1, IOTLB_READ_WRITE), 0);
	assert_int_equal(iotlb_find(fixture->iotlb, 0x1800, 0x1000, IOTLB_READ, &host, &missing), 0);
	assert_ptr_equal(host, (uint8_t *)host_of(fixture, 1) + 0x800);
	assert_int_equal(iotlb_find(fixture->iotlb, 0x1800, 0x1000, IOTLB_WRITE, &host, &missing),
			 -ENOENT);
	assert_int_equal(missing, 0x1800);
	assert_int_equal(iotlb_find(fixture->iotlb, 0x2800, 0x1000, IOTLB_READ, &host, &missing),
			 -ENXIO);
	assert_int_equal(iotlb_find(fixture->iotlb, 0x3800, 0x1000, IOTLB_READ, &host, &missing),
			 -ENOENT);
	assert_int_equal(missing, 0x4000);
	assert_int_equal(iotlb_find(fixture->iotlb, UINT64_MAX, 2, IOTLB_READ, &host, &missing),
			 -EFAULT);
}

#define MODEL_PAGES 48

/* What the IOTLB says of each page against a table of pages. */
static void compare(struct fixture *fixture, const uint8_t model[MODEL_PAGES][2])
{
	for (uint64_t i = 0; i < MODEL_PAGES; i++)
		for (unsigned int write = 0; write < 2; write++) {
			bool allowed = model[i][1] & (write ? IOTLB_WRITE : IOTLB_READ);

			assert_ptr_equal(look(fixture, i * PAGE, write),
					 allowed ? host_of(fixture, model[i][0]) : NULL);
		}
}

static void any_order_of_changes_is_that_of_single_pages(void **state)
{
	struct fixture *fixture = *state;
	struct random random = { 20260 };
	uint8_t model[MODEL_PAGES][2] = { 0 };

	for (unsigned int round = 0; round < 20000; round++) {
		uint64_t first = random_below(&random, MODEL_PAGES);
		uint64_t count = 1 + random_below(&random, (uint32_t)(MODEL_PAGES - first));
		uint64_t page = random_below(&random, 2 * PAGES - MODEL_PAGES);
		uint8_t access = (uint8_t)random_below(&random, 4);

		if (count > 4 && !random_one_in(&random, 4))
			count = 1 + count % 4;
		if (access)
			assert_int_equal(update(fixture, first * PAGE, page, count, access), 0);
		else
			iotlb_invalidate(fixture->iotlb, first * PAGE, count * PAGE);
		for (uint64_t i = 0; i < count; i++) {
			model[first + i][0] = (uint8_t)(page + i);
			model[first + i][1] = access;
		}
		compare(fixture, model);
		iotlb_collect(fixture->iotlb);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nothing_is_translated_at_first),
		TEST(access_is_what_was_allowed),
		TEST(what_continues_is_one_translation),
		TEST(range_may_span_regions),
		TEST(update_takes_the_place_of_what_was_there),
		TEST(invalidation_leaves_the_rest),
		TEST(view_outlives_its_successors),
		TEST(wrong_updates_change_nothing),
		TEST(translations_are_bounded),
		TEST(range_is_found_in_one_piece),
		TEST(any_order_of_changes_is_that_of_single_pages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
