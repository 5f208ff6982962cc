// SPDX-License-Identifier: GPL-2.0-or-later
// A device that has something in flight when its rings are to stop.
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/test.h"
#include "tests/wire/fixture.h"

#define RX BIT(0)
#define TX BIT(1)

static void begin(struct fixture *fixture, unsigned int drains)
{
	frontend_start(&fixture->frontend, UINT64_MAX, 1);
	fixture->drains = drains;
}

/* Whether the back end answered something; it does not run for a descriptor that stays readable. */
static bool is_answered(struct fixture *fixture)
{
	struct pollfd wait = {.fd = fixture->frontend.fd, .events = POLLIN};

	pump(fixture);
	return poll(&wait, 1, 0) > 0;
}

/* Ask to be told; what came of it is told by answer(). */
static void ask(struct fixture *fixture, uint32_t request, const void *payload, uint32_t size,
		int fd)
{
	frontend_send(&fixture->frontend, request, VU_FLAG_NEED_REPLY, payload, size, &fd, fd >= 0);
}

static uint64_t answer(struct fixture *fixture, uint32_t request)
{
	uint64_t value = UINT64_MAX;

	assert_int_equal(frontend_receive(&fixture->frontend, request, &value, sizeof(value)),
			 sizeof(value));
	return value;
}

static void ask_base(struct fixture *fixture, uint32_t index)
{
	struct vu_vring_state state = {.index = index};

	ask(fixture, VU_GET_VRING_BASE, &state, sizeof(state), -1);
}

static uint32_t answer_base(struct fixture *fixture)
{
	struct vu_vring_state state;

	assert_int_equal(frontend_receive(&fixture->frontend, VU_GET_VRING_BASE, &state,
					  sizeof(state)), sizeof(state));
	return state.num;
}

/* The driver sends a frame, which the device has until give_back(). */
static void take(struct fixture *fixture, struct virtq_batch *batch)
{
	const uint8_t frame[60] = {0};

	assert_true(frontend_transmit(&fixture->frontend, 0, frame, sizeof(frame)));
	virtq_batch_reset(batch);
	assert_int_equal(virtq_take(&fixture->queues[1]->ring, batch, VIRTQ_CHAINS_MAX), 1);
}

static void give_back(struct fixture *fixture, struct virtq_batch *batch)
{
	virtq_return(&fixture->queues[1]->ring, batch);
	virtq_publish(&fixture->queues[1]->ring);
}

static void base_is_answered_with_what_drained(void **state)
{
	static struct virtq_batch batch;
	struct fixture *fixture = *state;
	struct vring_used_elem element;

	begin(fixture, TX);
	take(fixture, &batch);
	ask_base(fixture, 1);
	assert_false(is_answered(fixture));
	assert_int_equal(fixture->draining, TX);
	give_back(fixture, &batch);
	assert_false(is_answered(fixture));
	drained(fixture, 1);
	assert_true(is_answered(fixture));
	assert_int_equal(answer_base(fixture), 1);
	assert_true(driver_used(&fixture->frontend.rings[1], &element));
	/* It has stopped, and the other one has not. */
	ask_base(fixture, 1);
	assert_int_equal(answer_base(fixture), 1);
	assert_non_null(fixture->queues[0]);
}

/* More than are handled at once. */
static void requests_behind_it_are_answered_in_their_order(void **state)
{
	struct fixture *fixture = *state;
	const uint64_t mtu = 1400;

	begin(fixture, TX);
	ask_base(fixture, 1);
	for (unsigned int i = 0; i < 40; i++)
		ask(fixture, VU_GET_QUEUE_NUM, NULL, 0, -1);
	ask(fixture, VU_NET_SET_MTU, &mtu, sizeof(mtu), -1);
	ask_base(fixture, 0);
	assert_false(is_answered(fixture));
	assert_int_equal(fixture->mtu, 0);
	assert_non_null(fixture->queues[0]);
	drained(fixture, 1);
	assert_int_equal(answer_base(fixture), 0);
	for (unsigned int i = 0; i < 40; i++)
		assert_int_equal(answer(fixture, VU_GET_QUEUE_NUM), FRONTEND_RINGS / 2);
	assert_int_equal(answer(fixture, VU_NET_SET_MTU), 0);
	assert_int_equal(answer_base(fixture), 0);
	assert_null(fixture->queues[0]);
}

/* For the last one of those requests that are handled at once. */
static void ring_drains_while_another_is_stopped(void **state)
{
	struct fixture *fixture = *state;
	struct vu_header requests[32];

	begin(fixture, RX);
	fixture->drains_in_stop = true;
	for (unsigned int i = 0; i < 32; i++)
		requests[i] = (struct vu_header){
			i < 31 ? VU_GET_QUEUE_NUM : VU_RESET_DEVICE,
			VU_FLAG_VERSION | VU_FLAG_NEED_REPLY, 0,
		};
	assert_int_equal(write(fixture->frontend.fd, requests, sizeof(requests)), sizeof(requests));
	pump(fixture);
	for (unsigned int i = 0; i < 31; i++)
		assert_int_equal(answer(fixture, VU_GET_QUEUE_NUM), FRONTEND_RINGS / 2);
	assert_true(is_answered(fixture));
	assert_int_equal(answer(fixture, VU_RESET_DEVICE), 0);
	assert_null(fixture->queues[0]);
}

static void rings_drain_at_the_same_time(void **state)
{
	struct fixture *fixture = *state;

	begin(fixture, RX | TX);
	ask(fixture, VU_RESET_DEVICE, NULL, 0, -1);
	assert_false(is_answered(fixture));
	assert_int_equal(fixture->draining, RX | TX);
	drained(fixture, 1);
	assert_false(is_answered(fixture));
	drained(fixture, 0);
	assert_int_equal(answer(fixture, VU_RESET_DEVICE), 0);
	frontend_start_ring(&fixture->frontend, 1);
	assert_non_null(fixture->queues[1]);
	fixture->drains = 0;
}

/* Each is carried out, and the ring runs again or does not, as it would have at once. */
static void whatever_stops_a_ring_waits_for_it(void **state)
{
	struct fixture *fixture = *state;
	struct frontend *frontend = &fixture->frontend;
	const struct guest *guest = &frontend->guest;
	const uint64_t features = BIT(VIRTIO_F_VERSION_1) | BIT(VU_F_PROTOCOL_FEATURES);
	const uint64_t ring = 1, none = 0;
	const struct vu_vring_state off = {1, 0}, on = {1, 1};
	struct vu_mem_table table = {.count = 1, .regions = {{guest->gpa, guest->size, guest->uva, 0}}};
	struct vu_mem_slot other = {.region = {guest->gpa + guest->size, 0x1000, 0, 0}};
	struct vu_log log = {.size = 1 << 20};
	int log_fd = memfd_create("log", MFD_CLOEXEC);
	const struct {
		uint32_t request;
		const void *payload;
		uint32_t size;
		int fd;
		bool runs;
		bool refused;
	} cases[] = {
		{VU_SET_VRING_ENABLE, &off, sizeof(off), -1, true, false},
		{VU_SET_VRING_ENABLE, &on, sizeof(on), -1, true, false},
		{VU_SET_VRING_KICK, &ring, sizeof(ring), frontend->kick[1], true, false},
		{VU_SET_MEM_TABLE, &table, 40, guest->fd, true, false},
		{VU_SET_MEM_TABLE, &table, 40, guest->fd, true, false},
		{VU_REM_MEM_REG, &other, sizeof(other), -1, true, true},
		{VU_SET_LOG_BASE, &log, sizeof(log), log_fd, true, false},
		{VU_SET_FEATURES, &features, sizeof(features), -1, true, false},
		{VU_RESET_OWNER, NULL, 0, -1, true, false},
		{VU_SET_STATUS, &none, sizeof(none), -1, false, false},
	};

	assert_return_code(ftruncate(log_fd, 1 << 20), errno);
	begin(fixture, TX);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		unsigned int starts = fixture->starts;

		ask(fixture, cases[i].request, cases[i].payload, cases[i].size, cases[i].fd);
		if (is_answered(fixture))
			fail_msg("case %zu is answered", i);
		drained(fixture, 1);
		assert_int_equal(answer(fixture, cases[i].request) != 0, cases[i].refused);
		assert_int_equal(fixture->queues[1] != NULL, cases[i].runs);
		assert_int_equal(fixture->starts > starts, cases[i].runs);
	}
	close(log_fd);
}

static void ring_that_its_driver_broke_drains(void **state)
{
	struct fixture *fixture = *state;
	int error = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	uint64_t index = 1;

	begin(fixture, TX);
	assert_int_equal(frontend_call(&fixture->frontend, VU_SET_VRING_ERR, &index, 8, &error, 1), 0);
	vu_session_queue_broken(fixture->session, 1);
	vu_session_queue_broken(fixture->session, 1);
	vu_session_attend(fixture->session);
	ask(fixture, VU_GET_QUEUE_NUM, NULL, 0, -1);
	assert_false(is_answered(fixture));
	assert_false(is_signalled(error));
	drained(fixture, 1);
	assert_true(is_signalled(error));
	assert_int_equal(answer(fixture, VU_GET_QUEUE_NUM), FRONTEND_RINGS / 2);
	assert_int_equal(vu_session_stats(fixture->session)->broken[VIRTQ_OK], 1);
	fixture->drains = 0;
	assert_int_equal(frontend_stop_ring(&fixture->frontend, 1), 0);
	frontend_start_ring(&fixture->frontend, 1);
	assert_non_null(fixture->queues[1]);
	close(error);
}

/* With what it asked for, and what it had sent behind that. */
static void front_end_hangs_up_meanwhile(void **state)
{
	struct fixture *fixture = *state;

	begin(fixture, RX | TX);
	ask_base(fixture, 1);
	ask(fixture, VU_GET_QUEUE_NUM, NULL, 0, -1);
	assert_int_equal(fixture->draining, TX);
	shutdown(fixture->frontend.fd, SHUT_RDWR);
	pump(fixture);
	assert_int_equal(fixture->ended, -ECONNRESET);
	assert_int_equal(fixture->draining, RX | TX);
	assert_true(fixture->is_ending);
	drained(fixture, 0);
	pump(fixture);
	assert_true(fixture->is_ending);
	drained(fixture, 1);
	pump(fixture);
	assert_null(fixture->session);
	assert_int_equal(fixture->abandoned, 0);
}

/* Nothing was asked for. */
static void rings_drain_after_the_end(void **state)
{
	struct fixture *fixture = *state;

	begin(fixture, TX);
	shutdown(fixture->frontend.fd, SHUT_WR);
	pump(fixture);
	assert_int_equal(fixture->draining, TX);
	assert_null(fixture->queues[0]);
	assert_true(frontend_is_ended(&fixture->frontend));
	drained(fixture, 1);
	pump(fixture);
	assert_null(fixture->session);
}

static void wait_for_event(struct fixture *fixture)
{
	struct pollfd wait = {.fd = vu_session_fd(fixture->session), .events = POLLIN};

	assert_int_equal(poll(&wait, 1, 20000), 1);
	pump(fixture);
}

static int impatient_setup(void **state)
{
	struct fixture *fixture;

	setup(state);
	fixture = *state;
	fixture->device.drain_ms = 50;
	close(fixture->frontend.fd);
	fixture->frontend.fd = kill_session(fixture);
	return 0;
}

static void device_that_does_not_drain_costs_the_connection(void **state)
{
	struct fixture *fixture = *state;

	begin(fixture, RX | TX);
	ask_base(fixture, 1);
	assert_false(is_answered(fixture));
	wait_for_event(fixture);
	assert_int_equal(fixture->ended, -EPROTO);
	assert_non_null(strstr(iov_error_message(fixture->iov), "within 50 ms"));
	assert_true(frontend_is_ended(&fixture->frontend));
	/* The other one has its time as well. */
	assert_true(fixture->is_ending);
	assert_int_equal(fixture->abandoned, 1);
	assert_int_equal(fixture->draining, RX);
	wait_for_event(fixture);
	assert_null(fixture->session);
	assert_int_equal(fixture->abandoned, 2);
	assert_int_equal(fixture->past.refused[VU_REFUSED_NOT_DRAINED], 2);
}

/* A back end that ends waits for nobody. */
static void close_abandons_what_drains(void **state)
{
	struct fixture *fixture = *state;

	begin(fixture, RX | TX);
	frontend_open_channel(&fixture->frontend);
	ask(fixture, VU_RESET_DEVICE, NULL, 0, -1);
	drained(fixture, 0);
	vu_session_close(fixture->session);
	fixture->session = NULL;
	assert_int_equal(fixture->abandoned, 1);
}

/* What was in flight is there for the next back end, and comes back once. */
static void what_was_abandoned_is_resumed(void **state)
{
	static struct virtq_batch batch;
	struct fixture *fixture = *state;
	struct frontend *frontend = &fixture->frontend;
	struct vu_inflight_area area = {.queues = FRONTEND_RINGS, .entries = FRONTEND_RING_SIZE};
	const uint8_t frame[60] = {0};
	struct vring_used_elem element;
	struct vu_queue *queue;
	int fd = -1;

	frontend_negotiate(frontend, UINT64_MAX);
	frontend_send(frontend, VU_GET_INFLIGHT_FD, 0, &area, sizeof(area), NULL, 0);
	frontend_receive_fd(frontend, VU_GET_INFLIGHT_FD, &area, sizeof(area), &fd);
	assert_int_equal(frontend_call(frontend, VU_SET_INFLIGHT_FD, &area, sizeof(area), &fd, 1), 0);
	assert_int_equal(frontend_share_memory(frontend), 0);
	frontend_start_ring(frontend, 1);
	frontend_enable_ring(frontend, 1, true);
	fixture->drains = TX;
	assert_true(frontend_transmit(frontend, 0, frame, sizeof(frame)));
	queue = fixture->queues[1];
	virtq_batch_reset(&batch);
	assert_int_equal(virtq_inflight_take(queue->inflight, &queue->ring, &batch, 1), 1);
	ask_base(fixture, 1);
	assert_int_equal(fixture->draining, TX);
	close(frontend->fd);
	frontend->fd = kill_session(fixture);
	fixture->drains = 0;
	frontend_negotiate(frontend, frontend->features);
	assert_int_equal(frontend_call(frontend, VU_SET_INFLIGHT_FD, &area, sizeof(area), &fd, 1), 0);
	assert_int_equal(frontend_share_memory(frontend), 0);
	assert_true(frontend_announce_ring(frontend, 1));
	queue = fixture->queues[1];
	virtq_batch_reset(&batch);
	assert_int_equal(virtq_inflight_resume(queue->inflight, &queue->ring, &batch, 1), 1);
	virtq_inflight_push(queue->inflight, &queue->ring, &batch.chains[0], 0);
	virtq_inflight_publish(queue->inflight, &queue->ring);
	assert_true(driver_used(&frontend->rings[1], &element));
	assert_false(driver_used(&frontend->rings[1], &element));
	close(fd);
}

/* A ring moves with its translation, which is gone when the front end is told so. */
static void translation_goes_when_the_ring_has_drained(void **state)
{
	struct fixture *fixture = *state;
	struct frontend *frontend = &fixture->frontend;
	struct vu_iotlb gone = {.iova = frontend->guest.gpa, .size = MEMORY,
				.type = VU_IOTLB_INVALIDATE};

	frontend_negotiate(frontend, UINT64_MAX);
	frontend_open_channel(frontend);
	assert_int_equal(frontend_share_memory(frontend), 0);
	frontend_map(frontend, gone.iova, MEMORY, IOTLB_READ_WRITE);
	frontend_start_ring(frontend, 1);
	assert_non_null(fixture->queues[1]);
	fixture->drains = TX;
	ask(fixture, VU_IOTLB_MSG, &gone, sizeof(gone), -1);
	assert_false(is_answered(fixture));
	assert_int_equal(fixture->draining, TX);
	drained(fixture, 1);
	assert_int_equal(answer(fixture, VU_IOTLB_MSG), 0);
	assert_null(fixture->queues[1]);
}

#define CASE(name, setup) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(base_is_answered_with_what_drained),
		TEST(requests_behind_it_are_answered_in_their_order),
		TEST(ring_drains_while_another_is_stopped),
		TEST(rings_drain_at_the_same_time),
		TEST(whatever_stops_a_ring_waits_for_it),
		TEST(ring_that_its_driver_broke_drains),
		TEST(front_end_hangs_up_meanwhile),
		TEST(rings_drain_after_the_end),
		CASE(device_that_does_not_drain_costs_the_connection, impatient_setup),
		TEST(close_abandons_what_drains),
		CASE(what_was_abandoned_is_resumed, tracking_setup),
		CASE(translation_goes_when_the_ring_has_drained, iommu_setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
