// SPDX-License-Identifier: GPL-2.0-or-later
// What is in flight is written down in memory that the front end keeps.
#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/unit/random.h"
#include "tests/unit/test.h"
#include "tests/wire/fixture.h"
#include "vhost-user/memory/memory_fault.h"
#include "vhost-user/ring/virtq_inflight_internal.h"

#define PACKED BIT(VIRTIO_F_RING_PACKED)
#define QUEUES 4
#define CHAINS 6
#define SEED UINT64_C(0x9e3779b97f4a7c15)

static struct virtq_batch batch;

static struct vu_inflight_area area_of(uint64_t size, uint64_t offset, uint16_t queues,
				       uint16_t entries)
{
	return (struct vu_inflight_area){size, offset, queues, entries};
}

static struct vu_inflight_area get_area(struct frontend *frontend, uint32_t size, int *fd)
{
	struct vu_inflight_area area = area_of(0, 0, QUEUES, FRONTEND_RING_SIZE);

	frontend_send(frontend, VU_GET_INFLIGHT_FD, 0, &area, size, NULL, 0);
	assert_int_equal(frontend_receive_fd(frontend, VU_GET_INFLIGHT_FD, &area, sizeof(area), fd),
			 size);
	assert_true(*fd >= 0);
	return area;
}

static uint64_t set_area(struct frontend *frontend, const struct vu_inflight_area *area, int fd)
{
	return frontend_call(frontend, VU_SET_INFLIGHT_FD, area, sizeof(*area), &fd, fd >= 0);
}

static void memory_is_made_and_not_kept(void **state)
{
	struct fixture *fixture = *state;
	struct vu_inflight_area area;
	int fd;

	frontend_negotiate(&fixture->frontend, DEVICE_FEATURES);
	for (int i = 0; i < 100; i++) {
		area = get_area(&fixture->frontend, i % 2 ? VU_INFLIGHT_MIN : sizeof(area), &fd);
		assert_int_equal(area.size, QUEUES * virtq_inflight_bytes(FRONTEND_RING_SIZE, 0));
		assert_int_equal(area.offset, 0);
		assert_int_equal(area.queues, QUEUES);
		assert_int_equal(area.entries, FRONTEND_RING_SIZE);
		/* Nobody can take it away again. */
		assert_int_equal(ftruncate(fd, 0), -1);
		close(fd);
	}
	assert_int_equal(virtq_inflight_bytes(128, 0), 16 + 128 * 16 + 48);
	assert_int_equal(virtq_inflight_bytes(128, PACKED), 32 + 128 * 32 + 32);
}

static void memory_that_cannot_be_is_refused(void **state)
{
	struct fixture *fixture = *state;
	struct frontend *frontend = &fixture->frontend;
	const uint64_t bytes = QUEUES * virtq_inflight_bytes(FRONTEND_RING_SIZE, 0);
	const struct vu_inflight_area wrong[] = {
		area_of(bytes, 0, 0, FRONTEND_RING_SIZE),
		area_of(bytes, 0, FRONTEND_RINGS + 1, FRONTEND_RING_SIZE),
		area_of(bytes, 0, QUEUES, 0),
		area_of(UINT64_MAX, 0, QUEUES, 32769),
		area_of(bytes - 1, 0, QUEUES, FRONTEND_RING_SIZE),
		area_of(0, 0, QUEUES, FRONTEND_RING_SIZE),
		area_of(bytes, 4, QUEUES, FRONTEND_RING_SIZE),
		area_of(bytes, 8, QUEUES, FRONTEND_RING_SIZE),
		area_of(bytes, UINT64_MAX - 7, QUEUES, FRONTEND_RING_SIZE),
		area_of(UINT64_MAX - 7, 16, QUEUES, FRONTEND_RING_SIZE),
		area_of(UINT64_MAX, 0, QUEUES, FRONTEND_RING_SIZE),
	};
	struct vu_inflight_area good;
	int fd, event = eventfd(0, EFD_CLOEXEC);

	frontend_negotiate(frontend, DEVICE_FEATURES);
	good = get_area(frontend, sizeof(good), &fd);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		assert_int_equal(set_area(frontend, &wrong[i], fd), 1);
	assert_int_equal(refused(fixture, VU_REFUSED_VALUE), 7);
	assert_int_equal(refused(fixture, VU_REFUSED_MEMORY), 4);
	assert_int_equal(set_area(frontend, &good, -1), 1);
	assert_int_equal(refused(fixture, VU_REFUSED_FDS), 1);
	assert_int_equal(set_area(frontend, &good, event), 1);
	for (int i = 0; i < 10; i++)
		assert_int_equal(set_area(frontend, &good, fd), 0);
	assert_int_equal(frontend_share_memory(frontend), 0);
	frontend_start_ring(frontend, 0);
	assert_int_equal(set_area(frontend, &good, fd), 1);
	assert_int_equal(refused(fixture, VU_REFUSED_STATE), 1);
	/* There is no reply for a refusal, so the connection ends. */
	good.queues = FRONTEND_RINGS + 1;
	frontend_send(frontend, VU_GET_INFLIGHT_FD, 0, &good, sizeof(good), NULL, 0);
	assert_true(frontend_is_ended(frontend));
	close(event);
	close(fd);
}

/* A device of any order that has taken CHAINS chains and given the second and fourth back. */
static void leave_in_flight(struct fixture *fixture, uint16_t ids[CHAINS])
{
	struct driver *driver = &fixture->frontend.rings[0];
	struct vu_queue *queue = fixture->queues[0];

	for (unsigned int i = 0; i < CHAINS; i++) {
		struct driver_buffer buffers[] = {
			{fixture->frontend.pool[0][i], 8, false},
			{fixture->frontend.pool[0][i] + 8, 8, true},
		};

		assert_true(driver_add(driver, buffers, 2) >= 0);
	}
	driver_publish(driver);
	driver_want_calls(driver, true);
	virtq_batch_reset(&batch);
	assert_non_null(queue->inflight);
	assert_int_equal(virtq_inflight_resume(queue->inflight, &queue->ring, &batch, 100), 0);
	assert_int_equal(virtq_inflight_take(queue->inflight, &queue->ring, &batch, 100), CHAINS);
	for (unsigned int i = 0; i < CHAINS; i++)
		ids[i] = batch.chains[i].id;
	virtq_inflight_push(queue->inflight, &queue->ring, &batch.chains[3], 8);
	virtq_inflight_push(queue->inflight, &queue->ring, &batch.chains[1], 8);
	assert_true(virtq_inflight_publish(queue->inflight, &queue->ring));
}

static void start(struct fixture *fixture, const struct vu_inflight_area *area, int fd)
{
	struct frontend *frontend = &fixture->frontend;

	assert_int_equal(set_area(frontend, area, fd), 0);
	assert_int_equal(frontend_share_memory(frontend), 0);
	frontend_start_ring(frontend, 0);
}

static void start_with(struct fixture *fixture, const struct vu_inflight_area *area, int fd,
		       uint32_t base)
{
	fixture->frontend.base[0] = base;
	start(fixture, area, fd);
}

/* As a VMM does after its back end died; whether the ring started. */
static bool reattach(struct fixture *fixture, const struct vu_inflight_area *area, int fd)
{
	struct frontend *frontend = &fixture->frontend;
	int connection = kill_session(fixture);

	close(frontend->fd);
	frontend->fd = connection;
	frontend_negotiate(frontend, frontend->features);
	assert_int_equal(set_area(frontend, area, fd), 0);
	assert_int_equal(frontend_share_memory(frontend), 0);
	return frontend_announce_ring(frontend, 0);
}

static void expect_used(struct driver *driver, uint16_t id)
{
	struct vring_used_elem element;

	assert_true(driver_used(driver, &element));
	assert_int_equal(element.id, id);
}

static void what_is_in_flight_is_resumed_in_order(struct fixture *fixture, uint64_t features)
{
	static const unsigned int left[] = {0, 2, 4, 5};
	struct driver *driver = &fixture->frontend.rings[0];
	struct vu_inflight_area area;
	struct vring_used_elem element;
	struct vu_queue *queue;
	uint16_t ids[CHAINS];
	int fd;

	frontend_negotiate(&fixture->frontend, features);
	area = get_area(&fixture->frontend, sizeof(area), &fd);
	start(fixture, &area, fd);
	leave_in_flight(fixture, ids);
	for (int kills = 0; kills < 3; kills++) {
		assert_true(reattach(fixture, &area, fd));
		queue = fixture->queues[0];
		assert_true(queue->leave_inflight);
		virtq_batch_reset(&batch);
		assert_int_equal(virtq_inflight_resume(queue->inflight, &queue->ring, &batch, 100), 4);
		for (unsigned int i = 0; i < 4; i++) {
			assert_int_equal(batch.chains[i].id, ids[left[i]]);
			assert_int_equal(batch.chains[i].readable_length, 8);
		}
	}
	assert_int_equal(virtq_inflight_take(queue->inflight, &queue->ring, &batch, 100), 0);
	for (unsigned int i = 0; i < 4; i++)
		virtq_inflight_push(queue->inflight, &queue->ring, &batch.chains[i], 8);
	virtq_inflight_publish(queue->inflight, &queue->ring);
	expect_used(driver, ids[3]);
	expect_used(driver, ids[1]);
	for (unsigned int i = 0; i < 4; i++)
		expect_used(driver, ids[left[i]]);
	assert_false(driver_used(driver, &element));
	assert_true(reattach(fixture, &area, fd));
	queue = fixture->queues[0];
	assert_int_equal(virtq_inflight_resume(queue->inflight, &queue->ring, &batch, 100), 0);
	leave_in_flight(fixture, ids);
	close(fd);
}

static void split_chains_in_flight_are_resumed_in_order(void **state)
{
	what_is_in_flight_is_resumed_in_order(*state, DEVICE_FEATURES & ~BIT(VIRTIO_RING_F_INDIRECT_DESC));
}

static void packed_chains_in_flight_are_resumed_in_order(void **state)
{
	what_is_in_flight_is_resumed_in_order(*state, PACKED | DEVICE_FEATURES);
}

/* Memory that was made for other rings. */
static void ring_that_the_memory_is_not_for_does_not_start(void **state)
{
	struct fixture *fixture = *state;
	struct frontend *frontend = &fixture->frontend;
	struct vu_inflight_area area;
	uint64_t index = 0;
	int fd;

	frontend_negotiate(frontend, DEVICE_FEATURES);
	area = get_area(frontend, sizeof(area), &fd);
	area.entries /= 2;
	assert_int_equal(set_area(frontend, &area, fd), 0);
	assert_int_equal(frontend_share_memory(frontend), 0);
	driver_open(&frontend->rings[0], &frontend->guest, FRONTEND_RING_SIZE, frontend->features);
	frontend_describe_ring(frontend, 0);
	assert_int_equal(frontend_call(frontend, VU_SET_VRING_KICK, &index, 8, &frontend->kick[0], 1),
			 1);
	assert_null(fixture->queues[0]);
	area.entries *= 2;
	assert_int_equal(set_area(frontend, &area, fd), 0);
	assert_int_equal(frontend_set(frontend, VU_SET_FEATURES, frontend->features | PACKED), 0);
	assert_int_equal(frontend_call(frontend, VU_SET_VRING_KICK, &index, 8, &frontend->kick[0], 1),
			 1);
	assert_null(fixture->queues[0]);
	assert_int_equal(refused(fixture, VU_REFUSED_VALUE), 2);
	close(fd);
}

/* Ring 0 runs with chains in flight, whose heads @ids receives; returns the file of the memory. */
static int start_with_some_in_flight(struct fixture *fixture, uint16_t ids[CHAINS])
{
	struct vu_inflight_area area;
	int fd;

	frontend_negotiate(&fixture->frontend, DEVICE_FEATURES & ~BIT(VIRTIO_RING_F_INDIRECT_DESC));
	area = get_area(&fixture->frontend, sizeof(area), &fd);
	start(fixture, &area, fd);
	leave_in_flight(fixture, ids);
	return fd;
}

/* A chain that the driver makes available although it has not got it back. */
static void chain_that_is_in_flight_breaks_its_ring(void **state)
{
	struct fixture *fixture = *state;
	struct driver *driver = &fixture->frontend.rings[0];
	uint16_t ids[CHAINS];
	int fd = start_with_some_in_flight(fixture, ids);
	struct vu_queue *queue = fixture->queues[0];

	driver->avail->ring[driver->added++ % driver->size] = ids[0];
	driver_publish(driver);
	virtq_batch_reset(&batch);
	assert_int_equal(virtq_inflight_take(queue->inflight, &queue->ring, &batch, 100), 0);
	assert_int_equal(queue->ring.error, VIRTQ_ERROR_IN_FLIGHT);
	close(fd);
}

/* What was given back and not published is not the driver's yet, however often it says so. */
static void chain_that_comes_again_too_early_breaks_its_ring(void **state)
{
	struct fixture *fixture = *state;
	struct driver *driver = &fixture->frontend.rings[0];
	uint16_t ids[CHAINS];
	int fd = start_with_some_in_flight(fixture, ids);
	struct vu_queue *queue = fixture->queues[0];
	unsigned int pushed = 0;

	virtq_inflight_push(queue->inflight, &queue->ring, &batch.chains[0], 8);
	for (unsigned int i = 0; i < 4 * FRONTEND_RING_SIZE; i++) {
		driver->avail->ring[driver->added++ % driver->size] = ids[0];
		driver_publish(driver);
		virtq_batch_reset(&batch);
		if (!virtq_inflight_take(queue->inflight, &queue->ring, &batch, 1))
			break;
		virtq_inflight_push(queue->inflight, &queue->ring, &batch.chains[0], 8);
		pushed++;
	}
	assert_int_equal(pushed, 0);
	assert_int_equal(queue->ring.error, VIRTQ_ERROR_IN_FLIGHT);
	virtq_inflight_publish(queue->inflight, &queue->ring);
	close(fd);
}

static void give_back(struct fixture *fixture, unsigned int count)
{
	struct vu_queue *queue = fixture->queues[0];

	for (unsigned int i = 0; i < count; i++)
		virtq_inflight_push(queue->inflight, &queue->ring, &batch.chains[i], 8);
	virtq_inflight_publish(queue->inflight, &queue->ring);
}

/* The front end was told where it stands, and says something else as its driver made it anew. */
static void ring_that_is_made_anew_starts_anew(struct fixture *fixture, uint64_t features)
{
	struct frontend *frontend = &fixture->frontend;
	struct vu_inflight_area area;
	struct vu_queue *queue;
	uint16_t ids[CHAINS];
	int fd;

	frontend_negotiate(frontend, features);
	area = get_area(frontend, sizeof(area), &fd);
	start(fixture, &area, fd);
	for (unsigned int round = 0; round < 3; round++) {
		leave_in_flight(fixture, ids);
		batch.chains[1] = batch.chains[5];
		batch.chains[3] = batch.chains[4];
		/* In the last round the device is reset, and what is in flight is nobody's. */
		if (round < 2) {
			give_back(fixture, 4);
			frontend_stop_ring(frontend, 0);
		} else {
			assert_int_equal(frontend_call(frontend, VU_RESET_DEVICE, NULL, 0, NULL, 0), 0);
		}
		frontend->base[0] = 0;
		frontend_start_ring(frontend, 0);
		queue = fixture->queues[0];
		assert_non_null(queue);
		virtq_batch_reset(&batch);
		assert_int_equal(virtq_inflight_resume(queue->inflight, &queue->ring, &batch, 9), 0);
	}
	leave_in_flight(fixture, ids);
	close(fd);
}

static void split_ring_that_is_made_anew_starts_anew(void **state)
{
	ring_that_is_made_anew_starts_anew(*state,
					   DEVICE_FEATURES & ~BIT(VIRTIO_RING_F_INDIRECT_DESC));
}

static void packed_ring_that_is_made_anew_starts_anew(void **state)
{
	ring_that_is_made_anew_starts_anew(*state, PACKED | DEVICE_FEATURES);
}

/* Somebody else has three chains in flight, and wrote nothing down: they are not taken again. */
static void new_memory_goes_on_where_the_front_end_says(struct fixture *fixture, uint64_t features,
							uint32_t base)
{
	struct frontend *frontend = &fixture->frontend;
	struct vu_inflight_area area;
	struct vu_queue *queue;
	int fd;

	frontend_negotiate(frontend, features);
	area = get_area(frontend, sizeof(area), &fd);
	start_with(fixture, &area, fd, base);
	for (unsigned int i = 0; i < 5; i++) {
		struct driver_buffer buffer = {frontend->pool[0][i], 8, false};

		assert_true(driver_add(&frontend->rings[0], &buffer, 1) >= 0);
	}
	driver_publish(&frontend->rings[0]);
	queue = fixture->queues[0];
	virtq_batch_reset(&batch);
	assert_int_equal(virtq_inflight_take(queue->inflight, &queue->ring, &batch, 100), 2);
	give_back(fixture, 2);
	assert_int_equal(queue->ring.error, VIRTQ_OK);
	close(fd);
}

static void new_memory_of_a_split_ring_goes_on_where_the_front_end_says(void **state)
{
	new_memory_goes_on_where_the_front_end_says(
		*state, DEVICE_FEATURES & ~BIT(VIRTIO_RING_F_INDIRECT_DESC), 3);
}

static void new_memory_of_a_packed_ring_goes_on_where_the_front_end_says(void **state)
{
	new_memory_goes_on_where_the_front_end_says(*state, PACKED | DEVICE_FEATURES, 0x80008003);
}

/* A used index of 0 in a round whose bit is not set is no half that was left out. */
static void used_half_of_zeroes_is_an_index(void **state)
{
	struct fixture *fixture = *state;
	struct frontend *frontend = &fixture->frontend;
	static const struct {
		uint32_t said, base;
		uint16_t in_flight;
	} cases[] = {
		{0x00008000, 0x80008000, 0},	/* DPDK's word for a ring that starts */
		{0x00000003, 0x00000000, 3},
		{0x80008003, 0x80008000, 3},
		{0x00030003, 0x00030003, 0},
		{0x80060001, 0x80068006, FRONTEND_RING_SIZE - 5},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct vu_inflight_area area;
		const struct virtq_setup *setup;
		int fd;

		frontend_negotiate(frontend, PACKED | DEVICE_FEATURES);
		area = get_area(frontend, sizeof(area), &fd);
		start_with(fixture, &area, fd, cases[i].said);
		setup = &fixture->queues[0]->setup;
		assert_int_equal(setup->base >> 16, cases[i].base >> 16);
		assert_int_equal(setup->in_flight, cases[i].in_flight);
		frontend_stop_ring(frontend, 0);
		close(fd);
	}
}

static void memory_that_is_cut_short_is_the_front_ends_loss(void **state)
{
	struct fixture *fixture = *state;
	struct driver *driver = &fixture->frontend.rings[0];
	struct vu_inflight_area area =
		area_of(QUEUES * virtq_inflight_bytes(FRONTEND_RING_SIZE, PACKED), 0, QUEUES,
			FRONTEND_RING_SIZE);
	struct vu_queue *queue;
	uint16_t ids[CHAINS];
	int fd = memfd_create("inflight", MFD_CLOEXEC);

	assert_return_code(ftruncate(fd, (off_t)area.size), errno);
	assert_return_code(memory_fault_catch(), errno);
	frontend_negotiate(&fixture->frontend, PACKED | DEVICE_FEATURES);
	start(fixture, &area, fd);
	assert_return_code(ftruncate(fd, 0), errno);
	leave_in_flight(fixture, ids);
	queue = fixture->queues[0];
	assert_int_equal(queue->ring.error, VIRTQ_OK);
	expect_used(driver, ids[3]);
	expect_used(driver, ids[1]);
	close(fd);
}

/* The bit was another feature's once: it says nothing without the tracking. */
static void stop_that_leaves_what_is_in_flight_needs_the_tracking(void **state)
{
	struct fixture *fixture = *state;
	struct frontend *frontend = &fixture->frontend;
	uint64_t offered = frontend_get(frontend, VU_GET_PROTOCOL_FEATURES);

	assert_true(offered & BIT(VU_PROTOCOL_GET_VRING_BASE_INFLIGHT));
	frontend_set(frontend, VU_SET_PROTOCOL_FEATURES, BIT(VU_PROTOCOL_REPLY_ACK));
	assert_int_equal(frontend_set(frontend, VU_SET_PROTOCOL_FEATURES,
				      offered & ~BIT(VU_PROTOCOL_INFLIGHT_SHMFD)), 1);
	assert_int_equal(frontend_set(frontend, VU_SET_PROTOCOL_FEATURES, offered), 0);
}

static void damage(struct random *random, uint8_t *region, size_t bytes)
{
	uint64_t value = random_edge(random);

	/* Most of the meaning is in the first bytes. */
	memcpy(region + random_below(random, random_one_in(random, 2) ? 32 : (uint32_t)bytes - 8),
	       &value, 1 + random_below(random, 8));
}

/* Whatever is written there, it is refused or leads to chains that are checked. */
static void memory_that_is_damaged_leads_nowhere(void **state)
{
	struct fixture *fixture = *state;
	struct random random = {SEED};
	struct vu_inflight_area area;
	uint16_t ids[CHAINS];
	unsigned int refusals = 0, resumed = 0;
	uint8_t *memory, *copy;
	int fd;

	frontend_negotiate(&fixture->frontend, PACKED | DEVICE_FEATURES);
	area = get_area(&fixture->frontend, sizeof(area), &fd);
	start(fixture, &area, fd);
	leave_in_flight(fixture, ids);
	memory = mmap(NULL, area.size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(memory, MAP_FAILED);
	copy = test_malloc(area.size);
	memcpy(copy, memory, area.size);
	for (int i = 0; i < 300; i++) {
		struct vu_queue *queue;
		bool started;

		memcpy(memory, copy, area.size);
		for (uint32_t count = 1 + random_below(&random, 3); count; count--)
			damage(&random, memory, virtq_inflight_bytes(CHAINS, PACKED));
		started = reattach(fixture, &area, fd);
		queue = fixture->queues[0];
		assert_int_equal(started, queue != NULL);
		if (!started) {
			refusals++;
			continue;
		}
		virtq_batch_reset(&batch);
		resumed += virtq_inflight_resume(queue->inflight, &queue->ring, &batch, 256);
		for (unsigned int j = 0; j < batch.chain_count; j++)
			virtq_inflight_push(queue->inflight, &queue->ring, &batch.chains[j], 0);
		virtq_inflight_publish(queue->inflight, &queue->ring);
	}
	assert_true(refusals > 10 && resumed > 10);
	test_free(copy);
	munmap(memory, area.size);
	close(fd);
}

#define TRACKED(name) cmocka_unit_test_setup_teardown(name, tracking_setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TRACKED(memory_is_made_and_not_kept),
		TRACKED(memory_that_cannot_be_is_refused),
		TRACKED(split_chains_in_flight_are_resumed_in_order),
		TRACKED(packed_chains_in_flight_are_resumed_in_order),
		TRACKED(ring_that_the_memory_is_not_for_does_not_start),
		TRACKED(chain_that_is_in_flight_breaks_its_ring),
		TRACKED(chain_that_comes_again_too_early_breaks_its_ring),
		TRACKED(split_ring_that_is_made_anew_starts_anew),
		TRACKED(packed_ring_that_is_made_anew_starts_anew),
		TRACKED(new_memory_of_a_split_ring_goes_on_where_the_front_end_says),
		TRACKED(new_memory_of_a_packed_ring_goes_on_where_the_front_end_says),
		TRACKED(used_half_of_zeroes_is_an_index),
		TRACKED(memory_that_is_cut_short_is_the_front_ends_loss),
		TRACKED(stop_that_leaves_what_is_in_flight_needs_the_tracking),
		TRACKED(memory_that_is_damaged_leads_nowhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
