// SPDX-License-Identifier: GPL-2.0-or-later
// A guest whose memory arrives while it runs, at a port of iovd between two others.  The
// front end answers faults late, never, or makes pages missing that were there.
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <linux/virtio_config.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "tests/unit/test.h"
#include "tests/wire/daemon.h"
#include "tests/wire/guests.h"

#define MEMORY (UINT64_C(16) << 20)
#define BUFFERS 64
#define PAGE UINT64_C(4096)
#define PAIRS 3
#define FLOWS 24
#define FEATURES (BIT(VIRTIO_F_VERSION_1) | BIT(VIRTIO_NET_F_MRG_RXBUF))

/* Only to end a test that would hang. */
#define PATIENCE_MS 60000

/* What nobody may wait for, with a busy machine allowed for. */
#define PROMPT_MS 5000

struct fixture {
	struct daemon iovd;
	struct frontend moving;
	struct frontend others[2];
	int userfault;
	uint64_t base;			/* address of the guest's memory in iovd */
	uint64_t fault;			/* the page that was asked for last, an offset */
};

static int setup(void **state)
{
	struct fixture *fixture = test_calloc(1, sizeof(*fixture));

	fixture->iovd.option = "--postcopy";
	fixture->userfault = -1;
	daemon_start(&fixture->iovd);
	daemon_lan(&fixture->iovd, "abc");
	boot(&fixture->others[0], frontend_connect(daemon_path(&fixture->iovd, "b")), 0);
	boot(&fixture->others[1], frontend_connect(daemon_path(&fixture->iovd, "c")), 0);
	frontend_open(&fixture->moving, frontend_connect(daemon_path(&fixture->iovd, "a")), MEMORY);
	frontend_negotiate(&fixture->moving, FEATURES);
	*state = fixture;
	return 0;
}

static void close_moving(struct fixture *fixture)
{
	frontend_close(&fixture->moving);
	if (fixture->userfault >= 0)
		close(fixture->userfault);
	fixture->userfault = -1;
}

/* What goes on whatever happens to the one guest. */
static void expect_others(struct fixture *fixture)
{
	expect_traffic_amid(&fixture->others[0], &fixture->others[1]);
}


static int teardown(void **state)
{
	struct fixture *fixture = *state;

	assert_true(daemon_is_alive(&fixture->iovd));
	expect_others(fixture);
	for (unsigned int i = 0; i < 2; i++)
		frontend_close(&fixture->others[i]);
	assert_int_equal(daemon_end(&fixture->iovd), 0);
	daemon_clean(&fixture->iovd);
	test_free(fixture);
	return 0;
}

/* The steps of a front end */

static void advise(struct fixture *fixture)
{
	uint64_t nothing;

	frontend_send(&fixture->moving, VU_POSTCOPY_ADVISE, 0, NULL, 0, NULL, 0);
	assert_int_equal(frontend_receive_fd(&fixture->moving, VU_POSTCOPY_ADVISE, &nothing, 8,
					     &fixture->userfault), 0);
	assert_true(fixture->userfault >= 0);
}

static uint64_t listen_now(struct fixture *fixture)
{
	return frontend_call(&fixture->moving, VU_POSTCOPY_LISTEN, NULL, 0, NULL, 0);
}

static void give_table(struct fixture *fixture)
{
	const struct guest *guest = &fixture->moving.guest;
	struct vu_mem_table table = {.count = 1, .regions = {{guest->gpa, guest->size, guest->uva, 0}}};

	frontend_send(&fixture->moving, VU_SET_MEM_TABLE, 0, &table, 40, &guest->fd, 1);
	assert_int_equal(frontend_receive(&fixture->moving, VU_SET_MEM_TABLE, &table, sizeof(table)),
			 40);
	assert_int_equal(table.count, 1);
	assert_int_equal(table.regions[0].gpa, guest->gpa);
	assert_int_equal(table.regions[0].size, guest->size);
	assert_true(table.regions[0].uva && table.regions[0].uva != guest->uva);
	fixture->base = table.regions[0].uva;
}

static void give_slot(struct fixture *fixture)
{
	const struct guest *guest = &fixture->moving.guest;
	struct vu_mem_slot slot = {.region = {guest->gpa, guest->size, guest->uva, 0}};

	frontend_send(&fixture->moving, VU_ADD_MEM_REG, 0, &slot, sizeof(slot), &guest->fd, 1);
	assert_int_equal(frontend_receive(&fixture->moving, VU_ADD_MEM_REG, &slot, sizeof(slot)),
			 sizeof(slot));
	assert_int_equal(slot.region.gpa, guest->gpa);
	fixture->base = slot.region.uva;
}

/* A front end that answers faults says so, and is not answered. */
static void say_go(struct fixture *fixture, uint32_t request, uint64_t word)
{
	frontend_send(&fixture->moving, request, 0, &word, sizeof(word), NULL, 0);
}

static void drop_pages(struct fixture *fixture, uint64_t gpa, uint64_t size)
{
	const struct guest *guest = &fixture->moving.guest;
	uint64_t first = (gpa - guest->gpa) / PAGE * PAGE;
	uint64_t end = (gpa - guest->gpa + size + PAGE - 1) / PAGE * PAGE;

	assert_return_code(fallocate(guest->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				     (off_t)first, (off_t)(end - first)), errno);
}

/* Rings of which all pages are there, and receive buffers of which none is. */
static void start_rings(struct fixture *fixture, unsigned int pairs)
{
	struct frontend *moving = &fixture->moving;

	for (unsigned int i = 0; i < 2 * pairs; i++) {
		frontend_start_ring(moving, i);
		frontend_enable_ring(moving, i, true);
		/* A page for each, which is not that of a ring. */
		for (unsigned int j = 0; j < BUFFERS; j++)
			moving->pool[i][j] = guest_alloc(&moving->guest, PAGE, PAGE);
		drop_pages(fixture, moving->pool[i][0], BUFFERS * PAGE);
	}
	for (unsigned int i = 0; i < pairs; i++)
		frontend_post(moving, i, BUFFERS);
}

static void start_moving(struct fixture *fixture, unsigned int pairs)
{
	advise(fixture);
	assert_int_equal(listen_now(fixture), 0);
	give_table(fixture);
	say_go(fixture, VU_SET_MEM_TABLE, 0);
	start_rings(fixture, pairs);
}

/* Faults */

static bool next_fault(struct fixture *fixture, int patience)
{
	struct pollfd wait = {.fd = fixture->userfault, .events = POLLIN};
	struct uffd_msg message;

	if (poll(&wait, 1, patience) != 1 ||
	    read(fixture->userfault, &message, sizeof(message)) != sizeof(message))
		return false;
	assert_int_equal(message.event, UFFD_EVENT_PAGEFAULT);
	fixture->fault = message.arg.pagefault.address / PAGE * PAGE - fixture->base;
	assert_true(fixture->fault < MEMORY);
	return true;
}

static void answer_fault(struct fixture *fixture)
{
	struct uffdio_range range = {fixture->base + fixture->fault, PAGE};

	memset(fixture->moving.guest.host + fixture->fault, 0, PAGE);
	assert_return_code(ioctl(fixture->userfault, UFFDIO_WAKE, &range), errno);
}

static uint32_t make_frame(uint8_t *frame, uint8_t value)
{
	memset(frame, value, 600);
	memcpy(frame, "\x02\0\0\0\0\x02\x02\0\0\0\0\x01\x88\xb5", 14);
	return 600;
}

/* What is for all went to the third one, too. */
static void take_copy(struct fixture *fixture)
{
	uint8_t got[2048];

	for (int tries = 0; tries < PATIENCE_MS; tries++) {
		if (frontend_take(&fixture->others[1], 0, got, sizeof(got)) >= 0)
			return;
		poll(NULL, 0, 1);
	}
	fail_msg("a frame that a guest waits for keeps others waiting");
}

/* Somebody sends to all, and the lane waits for the first page of a receive buffer. */
static void provoke_fault(struct fixture *fixture)
{
	uint8_t frame[600];
	uint32_t length = make_frame(frame, 1);

	assert_true(frontend_transmit(&fixture->others[0], 0, frame, length));
	assert_true(next_fault(fixture, PATIENCE_MS));
	take_copy(fixture);
}

/* Receive, with faults answered; false when nothing comes for some time. */
static bool receive_frame(struct fixture *fixture, uint8_t value)
{
	uint8_t got[2048], wanted[600];
	uint32_t length = make_frame(wanted, value);

	for (int tries = 0; tries < PATIENCE_MS; tries++) {
		int bytes = frontend_take(&fixture->moving, 0, got, sizeof(got));

		if (bytes == (int)length && !memcmp(got, wanted, length))
			return true;
		if (next_fault(fixture, 1))
			answer_fault(fixture);
	}
	return false;
}

static void expect_to_send(struct fixture *fixture)
{
	uint8_t frame[600], got[2048];
	uint32_t length = make_frame(frame, 9);
	struct frontend *other = &fixture->others[1];

	frontend_post(other, 0, 64);
	assert_true(frontend_transmit(&fixture->moving, 0, frame, length));
	for (int tries = 0; tries < PATIENCE_MS; tries++) {
		int bytes = frontend_take(other, 0, got, sizeof(got));

		if (bytes == (int)length && got[500] == 9)
			return;
		if (fixture->userfault < 0)
			poll(NULL, 0, 1);
		else if (next_fault(fixture, 1))
			answer_fault(fixture);
	}
	fail_msg("a frame of the moving guest does not arrive");
}

static void end_postcopy(struct fixture *fixture)
{
	assert_int_equal(frontend_get(&fixture->moving, VU_POSTCOPY_END), 0);
}

/* Tests */

static void frames_pass_while_memory_arrives(void **state)
{
	struct fixture *fixture = *state;

	start_moving(fixture, 1);
	provoke_fault(fixture);
	answer_fault(fixture);
	assert_true(receive_frame(fixture, 1));
	expect_to_send(fixture);
	end_postcopy(fixture);
	expect_to_send(fixture);
	close_moving(fixture);
}

static void memory_in_slots_arrives_as_well(void **state)
{
	struct fixture *fixture = *state;

	advise(fixture);
	assert_int_equal(listen_now(fixture), 0);
	give_slot(fixture);
	say_go(fixture, VU_ADD_MEM_REG, 0);
	start_rings(fixture, 1);
	provoke_fault(fixture);
	answer_fault(fixture);
	assert_true(receive_frame(fixture, 1));
	end_postcopy(fixture);
	close_moving(fixture);
}

/* A datagram that says of which flow it is, by port and by content. */
static void send_flow(struct fixture *fixture, uint8_t flow)
{
	uint8_t frame[600];

	make_frame(frame, flow);
	memcpy(frame + 12, "\x08\x00\x45\x00\x02\x4a\x00\x00\x40\x00\x40\x11", 12);
	memset(frame + 24, 0, 2);
	memcpy(frame + 26, (uint8_t[]){10, 0, 0, 1, 10, 0, 0, 2, 0, flow, 0, 53}, 12);
	assert_true(frontend_transmit(&fixture->others[0], 0, frame, sizeof(frame)));
}

/* While the first pages of all queues are missing, each is asked for, and none is lost. */
static void queues_wait_for_their_pages_each_by_itself(void **state)
{
	struct fixture *fixture = *state;
	unsigned int seen[FLOWS] = {0}, used[PAIRS] = {0}, sum = 0;
	uint8_t got[2048];

	start_moving(fixture, PAIRS);
	for (uint8_t flow = 0; flow < FLOWS; flow++)
		send_flow(fixture, flow);
	for (int tries = 0; tries < PATIENCE_MS && sum < FLOWS; tries++) {
		for (unsigned int pair = 0; pair < PAIRS; pair++)
			while (frontend_take(&fixture->moving, pair, got, sizeof(got)) == 600) {
				assert_in_range(got[500], 0, FLOWS - 1);
				assert_int_equal(got[35], got[500]);
				seen[got[500]]++;
				used[pair]++;
				sum++;
			}
		if (next_fault(fixture, 1))
			answer_fault(fixture);
	}
	for (unsigned int flow = 0; flow < FLOWS; flow++)
		assert_int_equal(seen[flow], 1);
	for (unsigned int pair = 0; pair < PAIRS; pair++)
		assert_int_not_equal(used[pair], 0);
	expect_others(fixture);
	end_postcopy(fixture);
	expect_others(fixture);
	close_moving(fixture);
}

/* What is missing is asked for twice: its translation, then its page. */
static void memory_behind_an_iommu_arrives_as_well(void **state)
{
	struct fixture *fixture = *state;
	struct frontend *moving = &fixture->moving;
	uint8_t frame[600], got[2048];
	unsigned int misses = 0, faults = 0;
	int length = -1;

	close_moving(fixture);
	frontend_open(moving, frontend_connect(daemon_path(&fixture->iovd, "a")), MEMORY);
	moving->is_translated = true;
	frontend_negotiate(moving, FEATURES | BIT(VIRTIO_F_ACCESS_PLATFORM));
	frontend_open_channel(moving);
	start_moving(fixture, 1);
	make_frame(frame, 5);
	for (int tries = 0; tries < PATIENCE_MS && length < 0; tries++) {
		/* Lost as long as the receive buffer has no translation. */
		frontend_transmit(&fixture->others[0], 0, frame, sizeof(frame));
		misses += frontend_serve_misses(moving);
		if (next_fault(fixture, 1)) {
			answer_fault(fixture);
			faults++;
		}
		length = frontend_take(moving, 0, got, sizeof(got));
	}
	assert_int_equal(length, sizeof(frame));
	assert_memory_equal(got, frame, sizeof(frame));
	assert_int_not_equal(misses, 0);
	assert_int_not_equal(faults, 0);
	expect_others(fixture);
	close_moving(fixture);
}

static void fault_that_nobody_answers_stops_its_port_only(void **state)
{
	struct fixture *fixture = *state;
	uint64_t before;

	start_moving(fixture, 1);
	provoke_fault(fixture);
	before = monotonic_ms();
	expect_others(fixture);
	daemon_do(&fixture->iovd, "port.list", "{}");
	assert_true(monotonic_ms() - before < PROMPT_MS);
	close_moving(fixture);
}

static void ring_whose_memory_is_missing_can_be_stopped(void **state)
{
	struct fixture *fixture = *state;
	struct frontend *moving = &fixture->moving;
	uint64_t before, index = 0;

	start_moving(fixture, 1);
	provoke_fault(fixture);
	before = monotonic_ms();
	assert_int_equal(frontend_stop_ring(moving, 0), 0);
	assert_true(monotonic_ms() - before < PROMPT_MS);
	/* The frame has not arrived, and waits in the lane until the ring is there again. */
	assert_int_equal(moving->rings[0].used->idx, 0);
	assert_int_equal(frontend_call(moving, VU_SET_VRING_KICK, &index, 8, &moving->kick[0], 1), 0);
	assert_true(receive_frame(fixture, 1));
	end_postcopy(fixture);
	close_moving(fixture);
}

/* As often as the guest masks its interrupt. */
static void call_descriptor_changes_under_a_fault(void **state)
{
	struct fixture *fixture = *state;
	struct frontend *moving = &fixture->moving;
	uint64_t index = 0;

	start_moving(fixture, 1);
	provoke_fault(fixture);
	for (unsigned int i = 0; i < 50; i++)
		assert_int_equal(frontend_call(moving, VU_SET_VRING_CALL, &index, 8,
					       &moving->call[i % 2], 1), 0);
	/* The ring was not stopped for it: it waits for the same page. */
	assert_false(next_fault(fixture, 0));
	answer_fault(fixture);
	assert_true(receive_frame(fixture, 1));
	close_moving(fixture);
}

static void end_lets_the_waiting_go_on(void **state)
{
	struct fixture *fixture = *state;

	start_moving(fixture, 1);
	provoke_fault(fixture);
	end_postcopy(fixture);
	expect_frame_amid(&fixture->others[0], &fixture->moving);
	expect_to_send(fixture);
	/* Nobody asks for pages any more. */
	assert_false(next_fault(fixture, 0));
	close_moving(fixture);
}

static void front_end_that_dies_under_a_fault_leaves_its_port_free(void **state)
{
	struct fixture *fixture = *state;
	int kept;

	start_moving(fixture, 1);
	provoke_fault(fixture);
	/* Somebody else still has the descriptor and never answers. */
	kept = dup(fixture->userfault);
	close_moving(fixture);
	boot(&fixture->moving, frontend_connect(daemon_path(&fixture->iovd, "a")), 0);
	expect_frame(&fixture->others[0], &fixture->moving, 3);
	expect_to_send(fixture);
	close(kept);
	close_moving(fixture);
}

/* Missing again after the ring began: its own ring suffers. */
static void pages_of_the_ring_that_go_away_hurt_nobody_else(void **state)
{
	struct fixture *fixture = *state;
	struct frontend *moving = &fixture->moving;
	const struct driver *driver = &moving->rings[0];

	start_moving(fixture, 1);
	provoke_fault(fixture);
	answer_fault(fixture);
	assert_true(receive_frame(fixture, 1));
	drop_pages(fixture, moving->guest.gpa + (uint64_t)((uint8_t *)driver->used -
							   moving->guest.host), 2100);
	drop_pages(fixture, moving->guest.gpa + (uint64_t)((uint8_t *)driver->desc -
							   moving->guest.host), 4096);
	expect_others(fixture);
	frontend_stop_ring(moving, 0);
	frontend_stop_ring(moving, 1);
	expect_others(fixture);
	close_moving(fixture);
}

static void memory_that_is_cut_short_while_it_arrives(void **state)
{
	struct fixture *fixture = *state;

	start_moving(fixture, 1);
	provoke_fault(fixture);
	assert_return_code(ftruncate(fixture->moving.guest.fd, 0), errno);
	expect_others(fixture);
	frontend_stop_ring(&fixture->moving, 0);
	expect_others(fixture);
	close_moving(fixture);
}

static void rings_wait_for_the_word_of_the_front_end(void **state)
{
	struct fixture *fixture = *state;
	uint8_t frame[600];

	advise(fixture);
	assert_int_equal(listen_now(fixture), 0);
	give_table(fixture);
	start_rings(fixture, 1);
	assert_true(frontend_transmit(&fixture->others[0], 0, frame, make_frame(frame, 1)));
	take_copy(fixture);
	assert_false(next_fault(fixture, 300));
	assert_string_equal(daemon_port(&fixture->iovd, "port.list", "a", "queues"), "0");
	say_go(fixture, VU_SET_MEM_TABLE, 0);
	/* The next message is taken after it. */
	assert_int_equal(frontend_state(&fixture->moving, VU_SET_VRING_ENABLE, 0, 1), 0);
	provoke_fault(fixture);
	close_moving(fixture);
}

static void messages_out_of_order_are_refused(void **state)
{
	struct fixture *fixture = *state;
	struct frontend *moving = &fixture->moving;
	const struct guest *guest = &moving->guest;
	uint64_t word = 0;

	assert_int_not_equal(listen_now(fixture), 0);
	/* The word that nobody waits for is a table without regions. */
	assert_int_not_equal(frontend_call(moving, VU_SET_MEM_TABLE, &word, 8, NULL, 0), 0);
	assert_int_not_equal(frontend_call(moving, VU_ADD_MEM_REG, &word, 8, NULL, 0), 0);
	end_postcopy(fixture);
	advise(fixture);
	assert_int_equal(frontend_share_memory(moving), 0);
	assert_int_not_equal(listen_now(fixture), 0);
	close_moving(fixture);

	frontend_open(moving, frontend_connect(daemon_path(&fixture->iovd, "a")), MEMORY);
	frontend_negotiate(moving, FEATURES);
	advise(fixture);
	close(fixture->userfault);
	advise(fixture);
	assert_int_equal(listen_now(fixture), 0);
	assert_int_not_equal(listen_now(fixture), 0);
	give_table(fixture);
	/* With a descriptor, and a word that says that it failed. */
	assert_int_not_equal(frontend_call(moving, VU_ADD_MEM_REG, &word, 8, &guest->fd, 1), 0);
	word = 1;
	assert_int_not_equal(frontend_call(moving, VU_SET_MEM_TABLE, &word, 8, NULL, 0), 0);
	frontend_send(moving, VU_POSTCOPY_ADVISE, 0, NULL, 0, NULL, 0);
	assert_true(frontend_is_ended(moving));
	assert_string_not_equal(daemon_port(&fixture->iovd, "port.stats", "a", "refused"), "{ }");
	close_moving(fixture);
}

static const char *missing_prerequisite(void)
{
	int fd = open("/dev/userfaultfd", O_RDWR | O_CLOEXEC);

	if (fd >= 0)
		close(fd);
	return fd < 0 && geteuid() ? "userfaultfd" : NULL;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(frames_pass_while_memory_arrives),
		TEST(memory_in_slots_arrives_as_well),
		TEST(queues_wait_for_their_pages_each_by_itself),
		TEST(memory_behind_an_iommu_arrives_as_well),
		TEST(fault_that_nobody_answers_stops_its_port_only),
		TEST(ring_whose_memory_is_missing_can_be_stopped),
		TEST(call_descriptor_changes_under_a_fault),
		TEST(end_lets_the_waiting_go_on),
		TEST(front_end_that_dies_under_a_fault_leaves_its_port_free),
		TEST(pages_of_the_ring_that_go_away_hurt_nobody_else),
		TEST(memory_that_is_cut_short_while_it_arrives),
		TEST(rings_wait_for_the_word_of_the_front_end),
		TEST(messages_out_of_order_are_refused),
	};
	const char *missing = missing_prerequisite();

	if (missing) {
		printf("skipped: %s is not available\n", missing);
		return 77;
	}
	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
