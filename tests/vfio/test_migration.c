// SPDX-License-Identifier: GPL-2.0-or-later
// The state of a device moves to another one: two of the kernel's example of a serial port.
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/vfio/vfio.h"
#include "vfio/device/migration.h"

/* A byte that a 16550 keeps and does nothing with. */
#define SCRATCH 7

struct ports {
	struct fixture fixture;
	struct iov_device *from;
	struct iov_device *to;
	uint64_t told;
};

static struct iov_device *open_port(struct ports *ports, const char *variable)
{
	struct iov_device *device = NULL;

	assert_non_null(getenv(variable));
	if (iov_device_open_mdev(&device, ports->fixture.domain, getenv(variable)))
		fail_msg("%s", iov_error_message(ports->fixture.iov));
	return device;
}

static int setup(void **state)
{
	struct ports *ports = test_calloc(1, sizeof(*ports));

	ports->fixture.before = resources_now();
	assert_int_equal(iov_open(&ports->fixture.iov, NULL), 0);
	assert_int_equal(iov_domain_open(&ports->fixture.domain, ports->fixture.iov, kind_wanted()), 0);
	ports->from = open_port(ports, "IOV_MTTY_A");
	ports->to = open_port(ports, "IOV_MTTY_B");
	*state = ports;
	return 0;
}

static int teardown(void **state)
{
	struct ports *ports = *state;

	iov_device_close(ports->from);
	iov_device_close(ports->to);
	iov_domain_close(ports->fixture.domain);
	iov_close(ports->fixture.iov);
	assert_int_equal(resources_now().fds, ports->fixture.before.fds);
	test_free(ports);
	return 0;
}

static int told(void *arg, uint64_t bytes)
{
	struct ports *ports = arg;

	assert_true(bytes > ports->told);
	ports->told = bytes;
	return 0;
}

static int give_up(void *arg, uint64_t bytes)
{
	(void)arg;
	(void)bytes;
	return -ECANCELED;
}

static enum iov_migration_state state_of(struct iov_device *device)
{
	enum iov_migration_state state;

	assert_int_equal(iov_migration_state(device, &state), 0);
	return state;
}

static void state_is_there_after_a_move(void **state)
{
	struct ports *ports = *state;
	int stream = memfd_create("state", MFD_CLOEXEC);
	uint8_t value = 0x5a;

	assert_true(iov_migration_support(ports->from).can);
	assert_int_equal(iov_device_write(ports->from, 0, SCRATCH, &value, 1), 0);
	value = 0;
	assert_int_equal(iov_device_write(ports->to, 0, SCRATCH, &value, 1), 0);
	if (iov_migration_save(ports->from, stream, told, ports))
		fail_msg("%s", iov_error_message(ports->fixture.iov));
	assert_true(ports->told > 0);
	assert_int_equal(lseek(stream, 0, SEEK_END), ports->told);
	assert_int_equal(state_of(ports->from), IOV_MIGRATION_STOP);
	lseek(stream, 0, SEEK_SET);
	ports->told = 0;
	if (iov_migration_load(ports->to, stream, told, ports))
		fail_msg("%s", iov_error_message(ports->fixture.iov));
	assert_int_equal(lseek(stream, 0, SEEK_CUR), ports->told);
	assert_int_equal(iov_migration_set_state(ports->to, IOV_MIGRATION_RUNNING, NULL), 0);
	assert_int_equal(iov_device_read(ports->to, 0, SCRATCH, &value, 1), 0);
	assert_int_equal(value, 0x5a);
	close(stream);
}

static void stream_that_fails_leaves_it_running(void **state)
{
	struct ports *ports = *state;
	int stream = open("/dev/full", O_WRONLY | O_CLOEXEC);

	expect_error(&ports->fixture, iov_migration_save(ports->from, stream, NULL, NULL), -ENOSPC,
		     "its state");
	assert_int_equal(state_of(ports->from), IOV_MIGRATION_RUNNING);
	close(stream);
	stream = open("/dev/null", O_WRONLY | O_CLOEXEC);
	expect_error(&ports->fixture, iov_migration_save(ports->from, stream, give_up, NULL), -ECANCELED,
		     "given up");
	assert_int_equal(state_of(ports->from), IOV_MIGRATION_RUNNING);
	close(stream);
}

/* A state that ends early does not run. */
static void state_that_is_none_is_refused(void **state)
{
	struct ports *ports = *state;
	int stream = memfd_create("state", MFD_CLOEXEC);

	assert_int_equal(iov_migration_save(ports->from, stream, NULL, NULL), 0);
	assert_int_equal(ftruncate(stream, 8), 0);
	lseek(stream, 0, SEEK_SET);
	assert_true(iov_migration_load(ports->to, stream, NULL, NULL) < 0);
	assert_int_not_equal(state_of(ports->to), IOV_MIGRATION_RUNNING);
	lseek(stream, 0, SEEK_SET);
	expect_error(&ports->fixture, iov_migration_load(ports->to, stream, NULL, NULL), -EBUSY,
		     "reset it");
	close(stream);
}

static void edu_cannot_be_moved(void **state)
{
	struct ports *ports = *state;
	enum iov_migration_state now;
	struct iov_device *edu;

	assert_int_equal(iov_device_open(&edu, ports->fixture.domain, bdf_of("IOV_EDU"), NULL), 0);
	assert_false(iov_migration_support(edu).can);
	expect_error(&ports->fixture, iov_migration_state(edu, &now), -ENOTSUP, "cannot be moved");
	expect_error(&ports->fixture, iov_migration_save(edu, 1, NULL, NULL), -ENOTSUP, "cannot be moved");
	iov_device_close(edu);
}

static void mediated_device_has_to_exist(void **state)
{
	struct ports *ports = *state;
	struct iov_device *device;

	expect_error(&ports->fixture,
		     iov_device_open_mdev(&device, ports->fixture.domain,
					  "00000000-0000-0000-0000-000000000000"),
		     -ENODEV, "mdev_supported_types");
	expect_error(&ports->fixture,
		     iov_device_open_mdev(&device, ports->fixture.domain, "../../pci/devices"), -ENODEV,
		     "no such");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(state_is_there_after_a_move),
		TEST(stream_that_fails_leaves_it_running),
		TEST(state_that_is_none_is_refused),
		TEST(edu_cannot_be_moved),
		TEST(mediated_device_has_to_exist),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
