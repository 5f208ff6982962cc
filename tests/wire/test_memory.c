// SPDX-License-Identifier: GPL-2.0-or-later
// Guest memory that goes bad, and files in its place whose file system never answers.
#include <errno.h>
#include <linux/virtio_config.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "tests/unit/test.h"
#include "tests/wire/daemon.h"
#include "tests/wire/guests.h"
#include "tests/wire/unanswering.h"

#define PAGE UINT64_C(4096)
#define PATIENCE 20000

/* What nobody may wait for, with a busy machine allowed for. */
#define PROMPT_MS 5000

/* Guest a, and two others. */
struct fixture {
	struct daemon iovd;
	struct frontend a;
	struct frontend others[2];
};

static int setup(void **state)
{
	struct fixture *fixture = test_calloc(1, sizeof(*fixture));

	daemon_start(&fixture->iovd);
	daemon_lan(&fixture->iovd, "abc");
	boot(&fixture->others[0], frontend_connect(daemon_path(&fixture->iovd, "b")), 0);
	boot(&fixture->others[1], frontend_connect(daemon_path(&fixture->iovd, "c")), 0);
	*state = fixture;
	return 0;
}

/* What goes on whatever happens to the one guest. */
static void expect_others(struct fixture *fixture)
{
	expect_traffic_amid(&fixture->others[0], &fixture->others[1]);
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	expect_others(fixture);
	assert_true(daemon_is_alive(&fixture->iovd));
	for (unsigned int i = 0; i < 2; i++)
		frontend_close(&fixture->others[i]);
	assert_int_equal(daemon_end(&fixture->iovd), 0);
	daemon_clean(&fixture->iovd);
	test_free(fixture);
	return 0;
}

/* Memory errors. Nothing gives the page back before the host starts again. */

/*
 * In a process of its own, which the kernel tells at once, as it does in earnest to who has the
 * page mapped; 0, or what madvise() said.
 */
static int poison(const struct guest *guest, uint64_t offset)
{
	int status;
	pid_t child = fork();

	if (!child) {
		volatile uint8_t *page = guest->host + offset;

		signal(SIGBUS, SIG_DFL);
		*page = *page;
		_exit(madvise((void *)(uintptr_t)page, PAGE, MADV_HWPOISON) ? errno : 0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	if (WIFSIGNALED(status)) {
		assert_int_equal(WTERMSIG(status), SIGBUS);
		return 0;
	}
	return WEXITSTATUS(status);
}

static void poison_or_skip(const struct guest *guest, uint64_t offset)
{
	int error = poison(guest, offset);

	if (!error)
		return;
	print_message("skipped: madvise(MADV_HWPOISON): %s; it takes root and a kernel with "
		      "CONFIG_MEMORY_FAILURE\n", strerror(error));
	skip();
}

static void wait_for_loss(struct fixture *fixture)
{
	for (int i = 0; i < PATIENCE; i++) {
		if (strstr(daemon_port(&fixture->iovd, "port.stats", "a", "broken"), "memory-lost"))
			return;
		poll(NULL, 0, 1);
	}
	fail_msg("no ring of a is broken for lost memory");
}

/* A buffer that it sends from, which this process does not look at again. */
static void bad_page_of_a_buffer_is_that_guests_loss_alone(void **state)
{
	struct fixture *fixture = *state;
	struct frontend *a = &fixture->a;
	struct driver *tx = &a->rings[1];
	struct driver_buffer buffers[2];

	boot(a, frontend_connect(daemon_path(&fixture->iovd, "a")), 0);
	buffers[0] = (struct driver_buffer){ guest_alloc(&a->guest, PAGE, PAGE), 12 + 60, false };
	buffers[1] = (struct driver_buffer){ guest_alloc(&a->guest, PAGE, PAGE), 1000, false };
	poison_or_skip(&a->guest, buffers[1].gpa - a->guest.gpa);
	memset(guest_at(&a->guest, buffers[0].gpa), 0xff, 12 + 60);
	memset(guest_at(&a->guest, buffers[0].gpa), 0, 12);
	assert_true(driver_add(tx, buffers, 2) >= 0);
	driver_publish(tx);
	eventfd_write(a->kick[1], 1);
	wait_for_loss(fixture);
	expect_others(fixture);
	frontend_close(a);
	/* With other memory it goes on. */
	boot(a, frontend_connect(daemon_path(&fixture->iovd, "a")), 0);
	expect_traffic(a, &fixture->others[0]);
	frontend_close(a);
}

/* Where the worker writes: a receive buffer. */
static void bad_page_that_is_written_is_that_guests_loss_alone(void **state)
{
	struct fixture *fixture = *state;
	struct frontend *a = &fixture->a;
	struct driver_buffer buffer;
	uint8_t frame[600];

	frontend_open(a, frontend_connect(daemon_path(&fixture->iovd, "a")), UINT64_C(4) << 20);
	frontend_start(a, BIT(VIRTIO_F_VERSION_1) | BIT(VIRTIO_NET_F_MRG_RXBUF), 1);
	buffer = (struct driver_buffer){ guest_alloc(&a->guest, PAGE, PAGE), 2048, true };
	poison_or_skip(&a->guest, buffer.gpa - a->guest.gpa);
	assert_true(driver_add(&a->rings[0], &buffer, 1) >= 0);
	driver_publish(&a->rings[0]);
	memset(frame, 0xff, sizeof(frame));
	memcpy(frame + 6, "\2\0\0\0\0\x09", 6);
	assert_true(frontend_transmit(&fixture->others[0], 0, frame, sizeof(frame)));
	wait_for_loss(fixture);
	frontend_close(a);
}

/* Files that do not answer */

/* Refused, or the connection is ended; and all at once. */
static void expect_refused(struct fixture *fixture, uint32_t request, const void *payload, uint32_t size,
			   int fd)
{
	struct frontend *a = &fixture->a;
	const uint64_t before = monotonic_ms();
	uint64_t value = 1;

	frontend_open(a, frontend_connect(daemon_path(&fixture->iovd, "a")), UINT64_C(4) << 20);
	frontend_negotiate(a, BIT(VIRTIO_F_VERSION_1));
	frontend_send(a, request, VU_FLAG_NEED_REPLY, payload, size, &fd, 1);
	if (frontend_receive(a, request, &value, sizeof(value)) >= 0)
		assert_true(value != 0);
	assert_in_range(monotonic_ms() - before, 0, PROMPT_MS);
	expect_others(fixture);
	frontend_close(a);
}

static void file_that_does_not_answer_is_refused_at_once(void **state)
{
	struct fixture *fixture = *state;
	const struct vu_mem_table table = { .count = 1, .regions = { { 0, 1 << 20, 1 << 30, 0 } } };
	const struct vu_mem_slot slot = { .region = { 0, 1 << 20, 1 << 30, 0 } };
	const struct vu_log log = { .size = 1 << 20 };
	const uint64_t ring = 0;
	struct unanswering file = { .fd = -1 };
	const char *lacking = unanswering_open(&file, fixture->iovd.directory, UINT64_C(1) << 20);

	if (lacking) {
		print_message("skipped: there is no %s\n", lacking);
		skip();
	}
	expect_refused(fixture, VU_SET_MEM_TABLE, &table, 40, file.fd);
	expect_refused(fixture, VU_ADD_MEM_REG, &slot, sizeof(slot), file.fd);
	expect_refused(fixture, VU_SET_LOG_BASE, &log, sizeof(log), file.fd);
	expect_refused(fixture, VU_SET_VRING_KICK, &ring, sizeof(ring), file.fd);
	expect_refused(fixture, VU_SET_VRING_CALL, &ring, sizeof(ring), file.fd);
	expect_refused(fixture, VU_SET_VRING_ERR, &ring, sizeof(ring), file.fd);
	expect_refused(fixture, VU_SET_BACKEND_REQ_FD, NULL, 0, file.fd);
	unanswering_close(&file);
	boot(&fixture->a, frontend_connect(daemon_path(&fixture->iovd, "a")), 0);
	expect_traffic(&fixture->a, &fixture->others[0]);
	frontend_close(&fixture->a);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(bad_page_of_a_buffer_is_that_guests_loss_alone),
		TEST(bad_page_that_is_written_is_that_guests_loss_alone),
		TEST(file_that_does_not_answer_is_refused_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
