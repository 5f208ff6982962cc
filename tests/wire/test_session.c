// SPDX-License-Identifier: GPL-2.0-or-later
// What a front end may and may not say, and what the session makes of it.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/unit/test.h"
#include "tests/wire/fixture.h"
#include "vhost-user/memory/memory_fault.h"

static void handshake_offers_what_the_device_has(void **state)
{
	struct fixture *fixture = *state;
	struct frontend *frontend = &fixture->frontend;

	assert_int_equal(frontend_get(frontend, VU_GET_FEATURES),
			 DEVICE_FEATURES | BIT(VU_F_PROTOCOL_FEATURES) | BIT(VU_F_LOG_ALL));
	assert_int_equal(frontend_get(frontend, VU_GET_PROTOCOL_FEATURES),
			 BIT(VU_PROTOCOL_MQ) | BIT(VU_PROTOCOL_LOG_SHMFD) | BIT(VU_PROTOCOL_RARP) |
				 BIT(VU_PROTOCOL_REPLY_ACK) | BIT(VU_PROTOCOL_MTU) |
				 BIT(VU_PROTOCOL_RESET_DEVICE) |
				 BIT(VU_PROTOCOL_CONFIGURE_MEM_SLOTS) | BIT(VU_PROTOCOL_STATUS) |
				 BIT(VU_PROTOCOL_INBAND_NOTIFICATIONS) | BIT(VU_PROTOCOL_CONFIG) | BIT(VU_PROTOCOL_BACKEND_REQ) |
				 BIT(VU_PROTOCOL_BACKEND_SEND_FD));
	assert_int_equal(frontend_get(frontend, VU_GET_QUEUE_NUM), FRONTEND_RINGS / 2);
}

static void rings_start_when_complete_and_frames_pass(void **state)
{
	struct fixture *fixture = *state;

	frontend_start(&fixture->frontend, UINT64_MAX, 1);
	assert_non_null(fixture->queues[0]);
	assert_true(fixture->queues[0]->enabled);
	assert_true(fixture->queues[1]->ring.event_idx);
	assert_null(fixture->queues[2]);
	for (unsigned int i = 0; i < 3 * FRONTEND_RING_SIZE; i++)
		expect_echo(fixture, (uint8_t)i);
	assert_true(is_signalled(fixture->frontend.call[0]));
}

static void rings_run_without_event_idx(void **state)
{
	struct fixture *fixture = *state;

	frontend_start(&fixture->frontend, BIT(VIRTIO_F_VERSION_1), 1);
	assert_false(fixture->queues[0]->ring.event_idx);
	expect_echo(fixture, 1);
	assert_true(is_signalled(fixture->frontend.call[0]));
	driver_want_calls(&fixture->frontend.rings[0], false);
	expect_echo(fixture, 2);
	assert_false(is_signalled(fixture->frontend.call[0]));
}

static void ring_is_enabled_from_the_start_without_protocol_features(void **state)
{
	struct fixture *fixture = *state;
	struct frontend *frontend = &fixture->frontend;
	uint64_t plain = BIT(VIRTIO_F_VERSION_1);

	frontend_negotiate(frontend, UINT64_MAX);
	assert_int_equal(frontend_set(frontend, VU_SET_FEATURES, plain), 0);
	assert_int_equal(frontend_share_memory(frontend), 0);
	frontend->features = plain;
	frontend_start_ring(frontend, 0);
	assert_true(fixture->queues[0]->enabled);
}

/* QEMU enables the first queue pair before anything else. */
static void ring_can_be_enabled_before_features_are_set(void **state)
{
	struct fixture *fixture = *state;
	struct frontend *frontend = &fixture->frontend;
	struct vu_vring_state state0 = {0, 1};

	frontend_send(frontend, VU_SET_VRING_ENABLE, 0, &state0, sizeof(state0), NULL, 0);
	frontend_negotiate(frontend, UINT64_MAX);
	assert_int_equal(frontend_share_memory(frontend), 0);
	frontend_start_ring(frontend, 0);
	frontend_start_ring(frontend, 1);
	assert_true(fixture->queues[0]->enabled);
	assert_false(fixture->queues[1]->enabled);
}

static void ring_starts_whatever_comes_last(void **state)
{
	struct fixture *fixture = *state;
	struct frontend *frontend = &fixture->frontend;

	frontend_negotiate(frontend, UINT64_MAX);
	frontend_start_ring(frontend, 0);
	assert_null(fixture->queues[0]);
	assert_int_equal(frontend_share_memory(frontend), 0);
	assert_non_null(fixture->queues[0]);
}

static void kick_without_descriptor_means_polling(void **state)
{
	struct fixture *fixture = *state;

	frontend_start(&fixture->frontend, UINT64_MAX, 1);
	assert_true(fixture->queues[1]->kick_fd >= 0);
	assert_int_equal(frontend_set(&fixture->frontend, VU_SET_VRING_KICK, 1 | VU_VRING_NOFD), 0);
	assert_int_equal(fixture->queues[1]->kick_fd, -1);
	expect_echo(fixture, 1);
}

/* Guests mask and unmask interrupts at any time, which changes the descriptor. */
static void call_descriptor_changes_under_traffic(void **state)
{
	struct fixture *fixture = *state;
	uint64_t index = 0;
	int other = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), number;
	unsigned int stops;

	frontend_start(&fixture->frontend, BIT(VIRTIO_F_VERSION_1), 1);
	expect_echo(fixture, 1);
	stops = fixture->stops;
	number = fixture->queues[0]->call_fd;
	assert_int_equal(frontend_call(&fixture->frontend, VU_SET_VRING_CALL, &index, 8, &other, 1),
			 0);
	/* Whatever was published for the one before. */
	assert_true(is_signalled(other));
	assert_int_equal(fixture->queues[0]->call_fd, number);
	is_signalled(fixture->frontend.call[0]);
	expect_echo(fixture, 2);
	assert_true(is_signalled(other));
	assert_false(is_signalled(fixture->frontend.call[0]));
	assert_int_equal(fixture->stops, stops);
	close(other);
}

/* A driver that polls for a while; who is about to signal the one before still has it. */
static void call_descriptor_goes_and_comes_under_traffic(void **state)
{
	struct fixture *fixture = *state;
	struct frontend *frontend = &fixture->frontend;
	uint64_t index = 0;
	unsigned int stops;
	int number;

	frontend_start(frontend, BIT(VIRTIO_F_VERSION_1), 1);
	stops = fixture->stops;
	number = fixture->queues[0]->call_fd;
	assert_int_equal(frontend_set(frontend, VU_SET_VRING_CALL, VU_VRING_NOFD), 0);
	assert_int_equal(fixture->queues[0]->call_fd, -1);
	assert_true(fcntl(number, F_GETFD) >= 0);
	is_signalled(frontend->call[0]);
	expect_echo(fixture, 1);
	assert_false(is_signalled(frontend->call[0]));
	assert_int_equal(frontend_call(frontend, VU_SET_VRING_CALL, &index, 8, &frontend->call[0], 1),
			 0);
	assert_true(is_signalled(frontend->call[0]));
	expect_echo(fixture, 2);
	assert_true(is_signalled(frontend->call[0]));
	assert_int_equal(fixture->stops, stops);
	frontend_stop_ring(frontend, 0);
	assert_int_equal(frontend_set(frontend, VU_SET_VRING_CALL, VU_VRING_NOFD), 0);
	assert_int_equal(fcntl(number, F_GETFD), -1);
}

static void new_memory_table_keeps_the_position_of_running_rings(void **state)
{
	struct fixture *fixture = *state;

	frontend_start(&fixture->frontend, UINT64_MAX, 1);
	expect_echo(fixture, 1);
	expect_echo(fixture, 2);
	assert_int_equal(frontend_share_memory(&fixture->frontend), 0);
	assert_int_equal(fixture->queues[0]->ring.split.avail_next, 2);
	expect_echo(fixture, 3);
}

/* Linux's own front end has room for two, and up to eight may be. */
static void memory_table_may_have_room_for_more_regions(void **state)
{
	struct fixture *fixture = *state;
	struct frontend *frontend = &fixture->frontend;
	const struct guest *guest = &frontend->guest;
	struct {
		struct vu_mem_table table;
		uint8_t beyond;
	} sent = {.table = {.count = 1, .regions = {{guest->gpa, guest->size, guest->uva, 0}}}};

	frontend_start(frontend, UINT64_MAX, 1);
	for (uint32_t room = 1; room <= VU_MEM_TABLE_REGIONS; room++) {
		assert_int_equal(frontend_call(frontend, VU_SET_MEM_TABLE, &sent, 8 + room * 32,
					       &guest->fd, 1), 0);
		expect_echo(fixture, (uint8_t)room);
	}
	assert_int_not_equal(frontend_call(frontend, VU_SET_MEM_TABLE, &sent,
					   sizeof(sent.table) + 1, &guest->fd, 1), 0);
	assert_int_equal(refused(fixture, VU_REFUSED_SIZE), 1);
}

static void memory_table_that_cannot_be_mapped_leaves_the_old_one(void **state)
{
	struct fixture *fixture = *state;
	struct frontend *frontend = &fixture->frontend;
	struct vu_mem_table table = {.count = 1, .regions = {{0, 2 * MEMORY, 0, 0}}};

	frontend_start(frontend, UINT64_MAX, 1);
	assert_int_not_equal(frontend_call(frontend, VU_SET_MEM_TABLE, &table, 40,
					   &frontend->guest.fd, 1), 0);
	assert_int_equal(refused(fixture, VU_REFUSED_MEMORY), 1);
	expect_echo(fixture, 3);
}

static void get_vring_base_stops_and_answers_again(void **state)
{
	struct fixture *fixture = *state;
	struct frontend *frontend = &fixture->frontend;

	frontend_start(frontend, UINT64_MAX, 1);
	expect_echo(fixture, 1);
	assert_int_equal(frontend_stop_ring(frontend, 1), 1);
	assert_null(fixture->queues[1]);
	assert_int_equal(frontend_stop_ring(frontend, 1), 1);
	assert_int_equal(frontend_stop_ring(frontend, 5), 0);
}

static void ring_goes_on_at_the_used_index(void **state)
{
	struct fixture *fixture = *state;
	struct frontend *frontend = &fixture->frontend;
	uint64_t index = 0;

	frontend_start(frontend, UINT64_MAX, 1);
	expect_echo(fixture, 1);
	assert_int_equal(frontend_stop_ring(frontend, 0), 1);
	assert_int_equal(frontend_state(frontend, VU_SET_VRING_BASE, 0, 0), 0);
	assert_int_equal(frontend_call(frontend, VU_SET_VRING_KICK, &index, 8, &frontend->kick[0], 1),
			 0);
	assert_int_equal(fixture->queues[0]->ring.split.avail_next, 1);
	expect_echo(fixture, 2);
}

static void set_base_of_both(struct frontend *frontend, uint32_t base)
{
	for (uint64_t index = 0; index < 2; index++) {
		assert_int_equal(frontend_state(frontend, VU_SET_VRING_BASE, (uint32_t)index, base), 0);
		assert_int_equal(frontend_call(frontend, VU_SET_VRING_KICK, &index, 8,
					       &frontend->kick[index], 1), 0);
	}
}

/* "Both wrap counters are 1" at first, which who says 0 leaves out; after a round they are 0. */
static void packed_ring_starts_at_base_zero_in_either_round(void **state)
{
	struct fixture *fixture = *state;
	struct frontend *frontend = &fixture->frontend;

	frontend_start(frontend, UINT64_MAX, 1);
	for (unsigned int round = 0; round < 3; round++) {
		for (unsigned int ring = 0; ring < 2; ring++)
			assert_int_equal(frontend_stop_ring(frontend, ring),
					 round % 2 ? 0 : 0x80008000);
		set_base_of_both(frontend, round == 2 ? 0x80008000 : 0);
		for (unsigned int i = 0; i < FRONTEND_RING_SIZE; i++)
			expect_echo(fixture, (uint8_t)i);
	}
}

static unsigned int resets;

static void count_reset(void *arg)
{
	(void)arg;
	resets++;
}

/* As Linux does when its driver goes and comes: no GET_VRING_BASE, and the old ring is gone. */
static void disabled_ring_is_set_up_anew(void **state)
{
	struct fixture *fixture = *state;
	struct frontend *frontend = &fixture->frontend;
	uint64_t allocated = frontend->guest.allocated;

	fixture->ops.reset = count_reset;
	frontend_start(frontend, UINT64_MAX, 1);
	for (unsigned int round = 0; round < 3; round++) {
		expect_echo(fixture, 1);
		assert_int_not_equal(frontend_state(frontend, VU_SET_VRING_NUM, 0, 256), 0);
		frontend_enable_ring(frontend, 0, false);
		assert_int_not_equal(frontend_state(frontend, VU_SET_VRING_NUM, 0, 256), 0);
		frontend_enable_ring(frontend, 1, false);
		resets = 0;
		for (unsigned int i = 0; i < 2; i++) {
			memset(driver_descriptor_area(&frontend->rings[i]), 0xff, 16 * 256);
			assert_int_equal(frontend_state(frontend, round ? VU_SET_VRING_BASE :
							VU_SET_VRING_NUM, i, round ? 0 : 256), 0);
			assert_null(fixture->queues[i]);
		}
		assert_int_equal(resets, 1);
		frontend->guest.allocated = allocated;
		for (unsigned int i = 0; i < 2; i++) {
			frontend->base[i] = 0;
			frontend_start_ring(frontend, i);
			frontend_enable_ring(frontend, i, true);
		}
	}
	expect_echo(fixture, 2);
}

static void disabling_and_reset_owner_disable(void **state)
{
	struct fixture *fixture = *state;
	struct frontend *frontend = &fixture->frontend;

	frontend_start(frontend, UINT64_MAX, 1);
	frontend_enable_ring(frontend, 0, false);
	assert_false(fixture->queues[0]->enabled);
	assert_true(fixture->queues[1]->enabled);
	assert_int_equal(frontend_call(frontend, VU_RESET_OWNER, NULL, 0, NULL, 0), 0);
	assert_false(fixture->queues[1]->enabled);
	frontend_enable_ring(frontend, 0, true);
	frontend_enable_ring(frontend, 1, true);
	expect_echo(fixture, 1);
}

static void features_are_repeated_while_rings_run(void **state)
{
	struct fixture *fixture = *state;
	struct frontend *frontend = &fixture->frontend;

	frontend_start(frontend, UINT64_MAX, 1);
	unsigned int starts = fixture->starts;

	assert_int_equal(frontend_set(frontend, VU_SET_FEATURES, frontend->features), 0);
	assert_int_equal(fixture->starts, starts);
}

static void mtu_and_rarp_reach_the_device(void **state)
{
	struct fixture *fixture = *state;
	struct frontend *frontend = &fixture->frontend;
	const uint8_t mac[8] = {2, 1, 2, 3, 4, 5};

	frontend_negotiate(frontend, UINT64_MAX);
	assert_int_equal(frontend_set(frontend, VU_NET_SET_MTU, 1500), 0);
	assert_int_equal(fixture->mtu, 1500);
	assert_int_not_equal(frontend_set(frontend, VU_NET_SET_MTU, 9001), 0);
	assert_int_not_equal(frontend_set(frontend, VU_NET_SET_MTU, 65536 + 1500), 0);
	assert_int_equal(fixture->mtu, 9001);
	assert_int_equal(frontend_call(frontend, VU_SEND_RARP, mac, 8, NULL, 0), 0);
	assert_memory_equal(fixture->mac, mac, 6);
}

static void message_in_single_bytes_is_one_message(void **state)
{
	struct fixture *fixture = *state;
	struct frontend *frontend = &fixture->frontend;
	const uint32_t message[] = {VU_SET_FEATURES, 1, 8, 0, BIT(VIRTIO_F_VERSION_1) >> 32};

	frontend_negotiate(frontend, UINT64_MAX);
	for (unsigned int i = 0; i < sizeof(message); i++)
		frontend_send_raw(frontend, (const uint8_t *)message + i, 1);
	assert_int_equal(vu_session_features(fixture->session), BIT(VIRTIO_F_VERSION_1));
}

static void end_within_a_message_stops_the_rings(void **state)
{
	struct fixture *fixture = *state;
	struct frontend *frontend = &fixture->frontend;
	const uint32_t header[] = {VU_SET_FEATURES, 1, 8};

	frontend_start(frontend, UINT64_MAX, 1);
	frontend_send_raw(frontend, header, sizeof(header));
	assert_int_equal(fixture->ended, 0);
	shutdown(frontend->fd, SHUT_WR);
	pump(fixture);
	assert_int_equal(fixture->ended, -EPROTO);
	assert_null(fixture->queues[0]);
}

static void end_between_messages_is_no_fault(void **state)
{
	struct fixture *fixture = *state;

	frontend_start(&fixture->frontend, UINT64_MAX, 2);
	shutdown(fixture->frontend.fd, SHUT_WR);
	pump(fixture);
	assert_int_equal(fixture->ended, -ECONNRESET);
}

static void front_end_that_reads_no_replies_loses_the_connection(void **state)
{
	struct fixture *fixture = *state;

	for (unsigned int i = 0; i < 1000000 && fixture->session; i++)
		frontend_send(&fixture->frontend, VU_GET_FEATURES, 0, NULL, 0, NULL, 0);
	assert_null(fixture->session);
	assert_int_equal(fixture->ended, -EPROTO);
	assert_non_null(strstr(iov_error_message(fixture->iov), "does not read its replies"));
}

static void broken_ring_stops_and_can_be_set_up_again(void **state)
{
	struct fixture *fixture = *state;
	struct frontend *frontend = &fixture->frontend;
	static struct virtq_batch batch;
	int err = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	uint64_t index = 1;

	frontend_start(frontend, UINT64_MAX, 1);
	assert_int_equal(frontend_call(frontend, VU_SET_VRING_ERR, &index, 8, &err, 1), 0);
	frontend->rings[1].avail->idx = 1000;
	virtq_batch_reset(&batch);
	assert_int_equal(virtq_take(&fixture->queues[1]->ring, &batch, 1), 0);
	assert_int_equal(fixture->queues[1]->ring.error, VIRTQ_ERROR_AVAIL_JUMP);
	vu_session_queue_broken(fixture->session, 1);
	assert_null(fixture->queues[1]);
	assert_true(is_signalled(err));

	/* A new call descriptor or table does not revive it, a new start does. */
	assert_int_equal(frontend_share_memory(frontend), 0);
	assert_null(fixture->queues[1]);
	assert_int_equal(frontend_stop_ring(frontend, 1), 0);
	frontend_start_ring(frontend, 1);
	expect_echo(fixture, 1);
	close(err);
}

/* The front end cuts its memory short under a running ring. */
static void memory_that_is_cut_short_breaks_the_ring_only(void **state)
{
	struct fixture *fixture = *state;
	struct frontend *frontend = &fixture->frontend;

	assert_return_code(memory_fault_catch(), 0);
	frontend_start(frontend, UINT64_MAX, 1);
	expect_echo(fixture, 1);
	assert_return_code(ftruncate(frontend->guest.fd, 0), errno);
	echo(fixture);
	assert_int_equal(fixture->queues[1]->ring.error, VIRTQ_ERROR_AVAIL_JUMP);
	vu_session_queue_broken(fixture->session, 1);
	assert_null(fixture->queues[1]);
	assert_int_not_equal(frontend_share_memory(frontend), 0);
}

/* A page that hardware lost, which nobody may have touched yet, breaks all rings of its guest. */
static void memory_that_hardware_loses_breaks_the_rings_only(void **state)
{
	struct fixture *fixture = *state;
	struct frontend *frontend = &fixture->frontend;
	siginfo_t info = {.si_signo = SIGBUS, .si_code = BUS_MCEERR_AO};

	assert_return_code(memory_fault_catch(), 0);
	frontend_start(frontend, UINT64_MAX, 1);
	expect_echo(fixture, 1);
	info.si_addr = fixture->queues[0]->setup.desc;
	assert_return_code(syscall(SYS_rt_tgsigqueueinfo, getpid(), gettid(), SIGBUS, &info), errno);
	vu_session_attend(fixture->session);
	assert_null(fixture->queues[0]);
	assert_null(fixture->queues[1]);
	assert_int_equal(vu_session_stats(fixture->session)->broken[VU_BROKEN_MEMORY], 2);
	/* Memory that is good again is as good as ever. */
	assert_int_equal(frontend_share_memory(frontend), 0);
	for (unsigned int i = 0; i < 2; i++) {
		frontend_stop_ring(frontend, i);
		frontend_start_ring(frontend, i);
	}
	vu_session_attend(fixture->session);
	expect_echo(fixture, 1);
}

/* Send a frame that lies in added memory, the first bytes of @file, and see it come back. */
static void expect_echo_from(struct fixture *fixture, uint64_t gpa, int file)
{
	struct frontend *frontend = &fixture->frontend;
	struct driver_buffer buffer = {gpa, sizeof(struct virtio_net_hdr_mrg_rxbuf) + 64, false};
	struct vring_used_elem element;
	uint8_t frame[12 + 64] = {0}, got[64];

	memset(frame + 12, (int)(gpa >> 12), 64);
	assert_int_equal(pwrite(file, frame, sizeof(frame), 0), sizeof(frame));
	frontend_post(frontend, 0, 1);
	driver_add(&frontend->rings[1], &buffer, 1);
	driver_publish(&frontend->rings[1]);
	echo(fixture);
	assert_true(driver_used(&frontend->rings[1], &element));
	assert_int_equal(frontend_take(frontend, 0, got, sizeof(got)), sizeof(got));
	assert_memory_equal(got, frame + 12, sizeof(got));
}

/*
 * Memory comes while rings run, which do not stop for it; they stop and go on when some
 * of it goes.
 */
static void memory_comes_and_goes_in_slots(void **state)
{
	struct fixture *fixture = *state;
	struct frontend *frontend = &fixture->frontend;
	const struct guest *guest = &frontend->guest;
	struct vu_mem_slot slot = {.region = {guest->gpa, guest->size, guest->uva, 0}};
	const uint64_t slots = frontend_get(frontend, VU_GET_MAX_MEM_SLOTS);
	int more = memfd_create("more", MFD_CLOEXEC);
	unsigned int stops;

	assert_int_equal(slots, 509);
	assert_return_code(ftruncate(more, 0x1000), errno);
	frontend_negotiate(frontend, UINT64_MAX);
	assert_int_equal(frontend_call(frontend, VU_ADD_MEM_REG, &slot, 40, &guest->fd, 1), 0);
	for (unsigned int i = 0; i < 2; i++) {
		frontend_start_ring(frontend, i);
		frontend_enable_ring(frontend, i, true);
	}
	expect_echo(fixture, 1);
	stops = fixture->stops;
	for (uint64_t i = 1; i < slots; i++) {
		slot.region = (struct vu_mem_region){i * 0x1000, 0x1000, i * 0x1000, 0};
		assert_int_equal(frontend_call(frontend, VU_ADD_MEM_REG, &slot, 40, &more, 1), 0);
		if (i % 100 == 0)
			expect_echo_from(fixture, i * 0x1000, more);
	}
	assert_int_equal(fixture->stops, stops);
	slot.region.gpa += 0x1000;
	assert_int_not_equal(frontend_call(frontend, VU_ADD_MEM_REG, &slot, 40, &more, 1), 0);
	expect_echo(fixture, 2);
	for (uint64_t i = 1; i < slots; i++) {
		slot.region = (struct vu_mem_region){i * 0x1000, 0x1000, i * 0x1000, 0};
		assert_int_equal(frontend_call(frontend, VU_REM_MEM_REG, &slot, 40, NULL, 0), 0);
	}
	assert_int_not_equal(frontend_call(frontend, VU_REM_MEM_REG, &slot, 40, NULL, 0), 0);
	expect_echo(fixture, 3);

	/* The region with the rings: they stop, and nothing is left of it. */
	slot.region = (struct vu_mem_region){guest->gpa, guest->size, guest->uva, 0};
	assert_int_equal(frontend_call(frontend, VU_REM_MEM_REG, &slot, 40, &guest->fd, 1), 0);
	assert_null(fixture->queues[0]);
	assert_null(fixture->queues[1]);
	close(more);
}

static bool is_marked(const uint8_t *bits, uint64_t gpa)
{
	return bits[gpa / 4096 / 8] & 1 << gpa / 4096 % 8;
}

static void what_is_written_is_in_the_dirty_log(void **state)
{
	struct fixture *fixture = *state;
	struct frontend *frontend = &fixture->frontend;
	const struct guest *guest = &frontend->guest;
	struct vu_log log = {.size = (guest->gpa + guest->size) / 4096 / 8, .offset = 0x800};
	int fd = memfd_create("log", MFD_CLOEXEC);
	unsigned int written = 0;
	uint64_t reply, used;
	uint8_t *bits;

	assert_return_code(ftruncate(fd, (off_t)(log.size + log.offset)), errno);
	bits = mmap(NULL, log.size + log.offset, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(bits, MAP_FAILED);
	frontend_start(frontend, UINT64_MAX & ~BIT(VU_F_LOG_ALL), 1);
	expect_echo(fixture, 1);

	frontend_send(frontend, VU_SET_LOG_BASE, 0, &log, sizeof(log), &fd, 1);
	assert_int_equal(frontend_receive(frontend, VU_SET_LOG_BASE, &reply, 8), 8);
	frontend_send(frontend, VU_SET_LOG_FD, 0, NULL, 0, &frontend->call[0], 1);
	frontend->features |= BIT(VU_F_LOG_ALL);
	assert_int_equal(frontend_set(frontend, VU_SET_FEATURES, frontend->features), 0);
	memset(bits, 0, log.size + log.offset);
	expect_echo(fixture, 2);

	used = guest->gpa + ((uint8_t *)frontend->rings[0].used - guest->host);
	assert_true(is_marked(bits + log.offset, used));
	for (uint64_t gpa = guest->gpa; gpa < guest->gpa + guest->size; gpa += 4096)
		written += is_marked(bits + log.offset, gpa);
	/* One receive buffer and two used rings, of which some pages may be the same. */
	assert_in_range(written, 2, 6);
	for (uint64_t i = 0; i < log.offset; i++)
		assert_int_equal(bits[i], 0);

	frontend->features &= ~BIT(VU_F_LOG_ALL);
	assert_int_equal(frontend_set(frontend, VU_SET_FEATURES, frontend->features), 0);
	memset(bits, 0, log.size + log.offset);
	expect_echo(fixture, 3);
	for (uint64_t i = 0; i < log.size; i++)
		assert_int_equal(bits[log.offset + i], 0);
	munmap(bits, log.size + log.offset);
	close(fd);
}

static void reset_device_takes_the_rings_back(void **state)
{
	struct fixture *fixture = *state;
	struct frontend *frontend = &fixture->frontend;

	for (unsigned int way = 0; way < 2; way++) {
		frontend_start(frontend, UINT64_MAX, 1);
		assert_int_equal(frontend_set(frontend, VU_SET_STATUS, 0xf), 0);
		assert_int_equal(frontend_get(frontend, VU_GET_STATUS), 0xf);
		expect_echo(fixture, 1);
		if (way)
			assert_int_equal(frontend_set(frontend, VU_SET_STATUS, 0), 0);
		else
			assert_int_equal(frontend_call(frontend, VU_RESET_DEVICE, NULL, 0, NULL, 0), 0);
		assert_null(fixture->queues[0]);
		assert_null(fixture->queues[1]);
		assert_int_equal(frontend_get(frontend, VU_GET_STATUS), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(handshake_offers_what_the_device_has),
		TEST(rings_start_when_complete_and_frames_pass),
		TEST(rings_run_without_event_idx),
		TEST(ring_is_enabled_from_the_start_without_protocol_features),
		TEST(ring_can_be_enabled_before_features_are_set),
		TEST(ring_starts_whatever_comes_last),
		TEST(kick_without_descriptor_means_polling),
		TEST(call_descriptor_changes_under_traffic),
		TEST(call_descriptor_goes_and_comes_under_traffic),
		TEST(new_memory_table_keeps_the_position_of_running_rings),
		TEST(memory_table_may_have_room_for_more_regions),
		TEST(memory_table_that_cannot_be_mapped_leaves_the_old_one),
		TEST(get_vring_base_stops_and_answers_again),
		TEST(ring_goes_on_at_the_used_index),
		cmocka_unit_test_setup_teardown(packed_ring_starts_at_base_zero_in_either_round,
						tracking_setup, teardown),
		TEST(disabled_ring_is_set_up_anew),
		cmocka_unit_test_setup_teardown(disabled_ring_is_set_up_anew, tracking_setup, teardown),
		TEST(disabling_and_reset_owner_disable),
		TEST(features_are_repeated_while_rings_run),
		TEST(mtu_and_rarp_reach_the_device),
		TEST(memory_comes_and_goes_in_slots),
		TEST(what_is_written_is_in_the_dirty_log),
		TEST(reset_device_takes_the_rings_back),
		TEST(message_in_single_bytes_is_one_message),
		TEST(end_within_a_message_stops_the_rings),
		TEST(end_between_messages_is_no_fault),
		TEST(front_end_that_reads_no_replies_loses_the_connection),
		TEST(broken_ring_stops_and_can_be_set_up_again),
		TEST(memory_that_is_cut_short_breaks_the_ring_only),
		TEST(memory_that_hardware_loses_breaks_the_rings_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
