// SPDX-License-Identifier: GPL-2.0-or-later
// A guest behind an IOMMU: translations asked for, given, taken away, and wrong ones.
#include <errno.h>
#include <string.h>

#include "tests/unit/test.h"
#include "tests/wire/fixture.h"

#define PAGE UINT64_C(4096)

/* Like frontend_start() with a channel from the start; without serving a miss. */
static void begin(struct fixture *fixture, uint64_t features)
{
	struct frontend *frontend = &fixture->frontend;

	frontend_negotiate(frontend, features | BIT(VIRTIO_F_ACCESS_PLATFORM));
	frontend_open_channel(frontend);
	assert_int_equal(frontend_share_memory(frontend), 0);
	for (unsigned int i = 0; i < 2; i++) {
		frontend_start_ring(frontend, i);
		frontend_enable_ring(frontend, i, true);
	}
}

/* Let the device and the IOMMU work until neither has anything to do; misses served. */
static unsigned int settle(struct fixture *fixture)
{
	unsigned int sum = 0, served;

	do {
		if (fixture->queues[0] && fixture->queues[1])
			echo(fixture);
		vu_session_attend(fixture->session);
		served = frontend_serve_misses(&fixture->frontend);
		sum += served;
	} while (served);
	return sum;
}

/* A frame comes back, with as many misses as it takes; how many. */
static unsigned int expect_frame(struct fixture *fixture, uint8_t value)
{
	struct frontend *frontend = &fixture->frontend;
	uint8_t frame[1000], back[FRONTEND_BUFFER];
	unsigned int misses = 0;

	memset(frame, value, sizeof(frame));
	frontend_post(frontend, 0, 1);
	/* A frame whose receive buffer is not translated yet is lost. */
	for (unsigned int i = 0; i < 8; i++) {
		assert_true(frontend_transmit(frontend, 0, frame, sizeof(frame)));
		misses += settle(fixture);
		int length = frontend_take(frontend, 0, back, sizeof(back));

		if (length < 0)
			continue;
		assert_int_equal(length, sizeof(frame));
		assert_memory_equal(frame, back, sizeof(frame));
		return misses;
	}
	fail_msg("no frame came back");
	return 0;
}

static struct vu_iotlb expect_miss(struct fixture *fixture)
{
	struct vu_iotlb miss;

	assert_true(frontend_missed(&fixture->frontend, &miss));
	return miss;
}

static uint64_t iova_of(const struct fixture *fixture, const void *at)
{
	const struct guest *guest = &fixture->frontend.guest;

	return guest->gpa + (uint64_t)((const uint8_t *)at - guest->host);
}

static void rings_wait_for_their_translations(void **state)
{
	struct fixture *fixture = *state;
	struct frontend *frontend = &fixture->frontend;
	struct vu_iotlb miss;

	begin(fixture, 0);
	assert_null(fixture->queues[0]);
	assert_null(fixture->queues[1]);
	/* Each asked for the first thing that it needs, once. */
	miss = expect_miss(fixture);
	assert_int_equal(miss.iova, iova_of(fixture, frontend->rings[0].desc) & ~(PAGE - 1));
	assert_int_equal(miss.perm, IOTLB_READ);
	miss = expect_miss(fixture);
	assert_int_equal(miss.iova, iova_of(fixture, frontend->rings[1].desc) & ~(PAGE - 1));
	assert_false(frontend_missed(frontend, &miss));
	/* Its used ring is to be written. */
	frontend_map(frontend, frontend->guest.gpa, MEMORY, IOTLB_READ);
	assert_null(fixture->queues[0]);
	assert_int_equal(expect_miss(fixture).perm, IOTLB_WRITE);
	frontend_map(frontend, frontend->guest.gpa, MEMORY, IOTLB_READ_WRITE);
	assert_non_null(fixture->queues[0]);
	assert_non_null(fixture->queues[1]);
	while (frontend_missed(frontend, &miss))
		;
	assert_int_equal(expect_frame(fixture, 1), 0);
}

static void pass_frames(struct fixture *fixture, uint64_t features)
{
	unsigned int misses = 0;

	begin(fixture, features);
	assert_true(settle(fixture) >= 4);
	assert_non_null(fixture->queues[0]);
	/* Buffers are half a page, and the second time round all are known. */
	frontend_post(&fixture->frontend, 0, FRONTEND_RING_SIZE);
	for (unsigned int i = 0; i < FRONTEND_RING_SIZE; i++)
		misses += expect_frame(fixture, (uint8_t)i);
	assert_in_range(misses, FRONTEND_RING_SIZE / 2, 4 * FRONTEND_RING_SIZE);
	for (unsigned int i = 0; i < FRONTEND_RING_SIZE; i++)
		assert_int_equal(expect_frame(fixture, (uint8_t)i), 0);
}

static void frames_pass_page_by_page(void **state)
{
	pass_frames(*state, UINT64_MAX & ~BIT(VIRTIO_F_RING_PACKED));
}

static void frames_pass_page_by_page_in_packed_rings(void **state)
{
	pass_frames(*state, UINT64_MAX);
}

static void missing_translation_is_asked_for_once(void **state)
{
	struct fixture *fixture = *state;
	struct frontend *frontend = &fixture->frontend;
	struct vu_iotlb miss;
	uint8_t frame[1000] = { 0 };
	uint32_t base;

	begin(fixture, 0);
	settle(fixture);
	expect_frame(fixture, 1);
	base = virtq_base(&fixture->queues[1]->ring);
	assert_true(frontend_transmit(frontend, 0, frame, sizeof(frame)));
	frontend_unmap(frontend, frontend->pool[1][0] & ~(PAGE - 1), PAGE);
	for (unsigned int i = 0; i < 1000; i++) {
		echo(fixture);
		vu_session_attend(fixture->session);
		/* Others change something all the time. */
		frontend_map(frontend, frontend->guest.gpa + MEMORY - (i % 64 + 1) * PAGE, PAGE,
			     1 + i % 3);
	}
	miss = expect_miss(fixture);
	assert_int_equal(miss.perm, IOTLB_READ);
	assert_false(frontend_missed(frontend, &miss));
	assert_int_equal(fixture->queues[1]->ring.error, VIRTQ_ERROR_TRANSLATION);
	assert_int_equal(virtq_base(&fixture->queues[1]->ring), base);
	frontend_map(frontend, miss.iova, PAGE, IOTLB_READ);
	frontend_answer(frontend, VU_BACKEND_IOTLB_MSG, 0);
	frontend_post(frontend, 0, 1);
	settle(fixture);
	assert_int_equal(virtq_base(&fixture->queues[1]->ring), base + 1);
}

/* A translation that goes before the ring looked again is missed and asked for again. */
static void translation_that_goes_at_once_is_asked_for_again(void **state)
{
	struct fixture *fixture = *state;
	struct frontend *frontend = &fixture->frontend;
	uint8_t frame[100] = { 0 };

	begin(fixture, 0);
	settle(fixture);
	assert_true(frontend_transmit(frontend, 0, frame, sizeof(frame)));
	for (unsigned int i = 0; i < 10; i++) {
		echo(fixture);
		vu_session_attend(fixture->session);
		struct vu_iotlb miss = expect_miss(fixture);

		frontend_map(frontend, miss.iova, PAGE, miss.perm);
		frontend_answer(frontend, VU_BACKEND_IOTLB_MSG, 0);
		frontend_unmap(frontend, miss.iova, PAGE);
	}
	settle(fixture);
	assert_int_equal(virtq_base(&fixture->queues[1]->ring), 1);
}

static void refused_translation_breaks_its_ring_only(void **state)
{
	struct fixture *fixture = *state;
	struct frontend *frontend = &fixture->frontend;
	uint8_t frame[100] = { 0 };

	begin(fixture, 0);
	settle(fixture);
	assert_true(frontend_transmit(frontend, 0, frame, sizeof(frame)));
	echo(fixture);
	vu_session_attend(fixture->session);
	expect_miss(fixture);
	frontend_answer(frontend, VU_BACKEND_IOTLB_MSG, 1);
	assert_null(fixture->queues[1]);
	assert_non_null(fixture->queues[0]);
	frontend_start_ring(frontend, 1);
	settle(fixture);
	expect_frame(fixture, 2);
}

/* A buffer that the device may only read is none to receive to. */
static void permissions_are_those_of_the_translation(void **state)
{
	struct fixture *fixture = *state;
	struct frontend *frontend = &fixture->frontend;
	uint8_t frame[100] = { 0 };

	begin(fixture, 0);
	settle(fixture);
	frontend_post(frontend, 0, 1);
	for (unsigned int i = 0; i < FRONTEND_RING_SIZE; i++)
		frontend_map(frontend, frontend->pool[0][i] & ~(PAGE - 1), PAGE, IOTLB_READ);
	for (unsigned int i = 0; i < FRONTEND_RING_SIZE; i++)
		frontend_map(frontend, frontend->pool[1][i] & ~(PAGE - 1), PAGE, IOTLB_READ);
	assert_true(frontend_transmit(frontend, 0, frame, sizeof(frame)));
	echo(fixture);
	vu_session_attend(fixture->session);
	assert_int_equal(expect_miss(fixture).perm, IOTLB_WRITE);
	frontend_answer(frontend, VU_BACKEND_IOTLB_MSG, 1);
	assert_null(fixture->queues[0]);
	assert_non_null(fixture->queues[1]);
}

/* By the time that it is acknowledged nobody uses what is gone, and the ring waits where it was. */
static void ring_stops_when_its_translation_goes(void **state)
{
	struct fixture *fixture = *state;
	struct frontend *frontend = &fixture->frontend;
	unsigned int quiesced;

	begin(fixture, 0);
	settle(fixture);
	expect_frame(fixture, 1);
	for (unsigned int i = 0; i < 3; i++) {
		const void *part = i == 0   ? (void *)frontend->rings[1].desc
				   : i == 1 ? (void *)frontend->rings[1].avail
					    : (void *)frontend->rings[1].used;

		quiesced = fixture->quiesced;
		frontend_unmap(frontend, iova_of(fixture, part), 1);
		assert_null(fixture->queues[1]);
		assert_int_equal(fixture->quiesced, quiesced + 1);
		settle(fixture);
		assert_non_null(fixture->queues[1]);
		expect_frame(fixture, (uint8_t)i);
	}
	frontend_unmap(frontend, 0, 0);
	assert_null(fixture->queues[0]);
	settle(fixture);
	expect_frame(fixture, 9);
}

/* What was true of an address before is not of a ring that is set up there anew. */
static void ring_moves_with_its_addresses_and_translations(void **state)
{
	struct fixture *fixture = *state;
	struct frontend *frontend = &fixture->frontend;
	struct vu_iotlb update = { .type = VU_IOTLB_UPDATE, .perm = 3, .size = MEMORY };

	begin(fixture, 0);
	settle(fixture);
	expect_frame(fixture, 1);
	frontend_stop_ring(frontend, 0);
	frontend_start_ring(frontend, 0);
	settle(fixture);
	expect_frame(fixture, 2);
	/* The same addresses somewhere else: the ring there is empty. */
	update.iova = frontend->guest.gpa;
	update.uva = frontend->guest.uva;
	assert_int_equal(frontend_iotlb(frontend, &update), 0);
	expect_frame(fixture, 3);
	const void *desc = fixture->queues[0]->ring.split.desc;

	update.size -= MEMORY / 2;
	update.uva += MEMORY / 2;
	assert_int_equal(frontend_iotlb(frontend, &update), 0);
	assert_non_null(fixture->queues[0]);
	assert_ptr_equal((const uint8_t *)desc + MEMORY / 2, fixture->queues[0]->ring.split.desc);
}

static void new_memory_has_no_translations_yet(void **state)
{
	struct fixture *fixture = *state;
	struct frontend *frontend = &fixture->frontend;

	begin(fixture, 0);
	settle(fixture);
	expect_frame(fixture, 1);
	assert_int_equal(frontend_share_memory(frontend), 0);
	assert_null(fixture->queues[0]);
	assert_null(fixture->queues[1]);
	assert_true(settle(fixture) >= 2);
	expect_frame(fixture, 2);
}

/* The channel may come last, and another one at any time. */
static void new_channel_is_asked_again(void **state)
{
	struct fixture *fixture = *state;
	struct frontend *frontend = &fixture->frontend;

	frontend_negotiate(frontend, BIT(VIRTIO_F_ACCESS_PLATFORM));
	assert_int_equal(frontend_share_memory(frontend), 0);
	for (unsigned int i = 0; i < 2; i++) {
		frontend_start_ring(frontend, i);
		frontend_enable_ring(frontend, i, true);
	}
	assert_null(fixture->queues[0]);
	frontend_open_channel(frontend);
	expect_miss(fixture);
	frontend_open_channel(frontend);
	settle(fixture);
	expect_frame(fixture, 1);
}

static void rings_cannot_do_without_the_channel(void **state)
{
	struct fixture *fixture = *state;

	begin(fixture, 0);
	settle(fixture);
	frontend_answer(&fixture->frontend, VU_BACKEND_CONFIG_CHANGE_MSG, 0);
	assert_true(frontend_is_ended(&fixture->frontend));
	assert_int_equal(fixture->ended, -EPROTO);
}

#define GPA UINT64_C(0x100000000)

/* As offsets in the guest's memory: no size, wrapping twice, outside, no and other access, types. */
static const struct vu_iotlb wrongs[] = {
	{ GPA, 0, 0, 3, VU_IOTLB_UPDATE, { 0 } },
	{ UINT64_MAX - PAGE + 2, PAGE, 0, 3, VU_IOTLB_UPDATE, { 0 } },
	{ GPA, UINT64_MAX, 0, 3, VU_IOTLB_UPDATE, { 0 } },
	{ GPA, PAGE, MEMORY, 3, VU_IOTLB_UPDATE, { 0 } },
	{ GPA, PAGE, MEMORY - PAGE + 1, 3, VU_IOTLB_UPDATE, { 0 } },
	{ GPA, MEMORY + 1, 0, 3, VU_IOTLB_UPDATE, { 0 } },
	{ GPA, PAGE, UINT64_C(1) << 63, 3, VU_IOTLB_UPDATE, { 0 } },
	{ GPA, PAGE, 0, 0, VU_IOTLB_UPDATE, { 0 } },
	{ GPA, PAGE, 0, 4, VU_IOTLB_UPDATE, { 0 } },
	{ GPA, PAGE, 0, 255, VU_IOTLB_UPDATE, { 0 } },
	{ GPA, PAGE, 0, 3, 0, { 0 } },
	{ GPA, PAGE, 0, 3, VU_IOTLB_MISS, { 0 } },
	{ GPA, PAGE, 0, 3, VU_IOTLB_ACCESS_FAIL, { 0 } },
	{ GPA, PAGE, 0, 3, 5, { 0 } },
	{ GPA, PAGE, 0, 3, 255, { 0 } },
};

static void wrong_translations_are_refused_and_change_nothing(void **state)
{
	struct fixture *fixture = *state;
	struct frontend *frontend = &fixture->frontend;

	begin(fixture, 0);
	settle(fixture);
	for (unsigned int i = 0; i < sizeof(wrongs) / sizeof(wrongs[0]); i++) {
		struct vu_iotlb wrong = wrongs[i];

		wrong.uva += frontend->guest.uva;
		assert_int_equal(frontend_iotlb(frontend, &wrong), 1);
		assert_int_equal(refused(fixture, VU_REFUSED_VALUE), i + 1);
	}
	expect_frame(fixture, 1);
}

static void translations_are_refused_when_addresses_are_not_translated(void **state)
{
	struct fixture *fixture = *state;
	struct frontend *frontend = &fixture->frontend;
	struct vu_iotlb update = {
		.iova = GPA, .size = PAGE, .uva = frontend->guest.uva, .perm = 3,
		.type = VU_IOTLB_UPDATE,
	};

	assert_int_equal(frontend_iotlb(frontend, &update), 1);
	frontend->is_translated = false;
	frontend_start(frontend, UINT64_MAX & ~BIT(VIRTIO_F_RING_PACKED), 1);
	assert_int_equal(frontend_iotlb(frontend, &update), 1);
	assert_int_equal(refused(fixture, VU_REFUSED_STATE), 2);
	expect_echo(fixture, 1);
}

/* As many translations as can be, none beside another, and as many invalidations. */
static void floods_of_translations_are_bounded(void **state)
{
	struct fixture *fixture = *state;
	struct frontend *frontend = &fixture->frontend;
	struct vu_iotlb message = {
		.size = PAGE, .uva = frontend->guest.uva, .perm = 3, .type = VU_IOTLB_UPDATE,
	};

	begin(fixture, 0);
	settle(fixture);
	for (uint64_t i = 0; i < IOTLB_MAX + 500; i++) {
		message.iova = (UINT64_C(1) << 40) + 2 * i * PAGE;
		assert_int_equal(frontend_iotlb(frontend, &message), 0);
		if (i % 64 == 0)
			settle(fixture);
	}
	settle(fixture);
	expect_frame(fixture, 1);
	for (uint64_t i = 0; i < IOTLB_MAX; i++) {
		frontend_unmap(frontend, (UINT64_C(1) << 40) + 2 * i * PAGE + 16, 16);
		if (i % 64 == 0)
			settle(fixture);
	}
	settle(fixture);
	expect_frame(fixture, 2);
}

#define IOMMU_TEST(name) cmocka_unit_test_setup_teardown(name, iommu_setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IOMMU_TEST(rings_wait_for_their_translations),
		IOMMU_TEST(frames_pass_page_by_page),
		IOMMU_TEST(frames_pass_page_by_page_in_packed_rings),
		IOMMU_TEST(missing_translation_is_asked_for_once),
		IOMMU_TEST(translation_that_goes_at_once_is_asked_for_again),
		IOMMU_TEST(refused_translation_breaks_its_ring_only),
		IOMMU_TEST(permissions_are_those_of_the_translation),
		IOMMU_TEST(ring_stops_when_its_translation_goes),
		IOMMU_TEST(ring_moves_with_its_addresses_and_translations),
		IOMMU_TEST(new_memory_has_no_translations_yet),
		IOMMU_TEST(new_channel_is_asked_again),
		IOMMU_TEST(rings_cannot_do_without_the_channel),
		IOMMU_TEST(wrong_translations_are_refused_and_change_nothing),
		IOMMU_TEST(translations_are_refused_when_addresses_are_not_translated),
		IOMMU_TEST(floods_of_translations_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
