// SPDX-License-Identifier: GPL-2.0-or-later
/* iov irq test: each vector of a function fired, and timed. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/json.h"
#include "cli/argument.h"
#include "cli/commands.h"
#include "cli/interface.h"
#include "vfio/device/interrupt.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* How often each vector is fired, and how long one may take. */
#define ROUNDS 100
#define LATE_MS 1000
#define VECTORS_MAX 2048

struct test_args {
	const char *device;
	enum iov_domain_kind kind;
};

static const struct argp_option test_options[] = { CLI_OPTION_INTERFACE, { 0 } };

static error_t parse_test(int key, char *arg, struct argp_state *state)
{
	struct test_args *args = cli_data(state);

	if (key == CLI_KEY_INTERFACE) {
		args->kind = cli_interface(arg, state);
		return 0;
	}
	return cli_argument(key, arg, state, &args->device, CLI_EXPECTED_DEVICE);
}

static int compare(const void *a, const void *b)
{
	const uint64_t *left = a, *right = b;

	return *left < *right ? -1 : *left > *right;
}

/* From the system call that fires it to the return of the read that had it. */
static int fire(struct cli *cli, struct iov_device *device, enum iov_interrupt kind,
		unsigned int vector, int fd, uint64_t *times)
{
	struct pollfd wait = { .fd = fd, .events = POLLIN };
	uint64_t count;
	int error;

	for (unsigned int i = 0; i < ROUNDS; i++) {
		uint64_t began = monotonic_ns();

		error = iov_interrupt_trigger(device, kind, vector, 1);
		if (error)
			return error;
		if (poll(&wait, 1, LATE_MS) != 1 || read(fd, &count, sizeof(count)) != sizeof(count))
			return iov_fail(cli->iov, -ETIMEDOUT, "vector %u: its interrupt does not arrive",
					vector);
		times[i] = monotonic_ns() - began;
		/* The pin is masked when it comes. */
		if (kind == IOV_INTX)
			iov_interrupt_unmask(device, kind, vector);
	}
	qsort(times, ROUNDS, sizeof(*times), compare);
	return 0;
}

static void add_row(struct json_object *rows, struct iov_bdf bdf, unsigned int vector,
		    const uint64_t *times)
{
	struct json_object *row = json_object_new_object();

	json_add_text(row, "device", IOV_BDF(bdf));
	json_object_object_add(row, "vector", json_object_new_int((int)vector));
	json_object_object_add(row, "fired", json_object_new_int(ROUNDS));
	json_object_object_add(row, "p50_ns", json_object_new_uint64(times[ROUNDS / 2]));
	json_object_object_add(row, "p90_ns", json_object_new_uint64(times[ROUNDS * 9 / 10]));
	json_object_object_add(row, "p99_ns", json_object_new_uint64(times[ROUNDS * 99 / 100]));
	json_object_object_add(row, "max_ns", json_object_new_uint64(times[ROUNDS - 1]));
	json_object_array_add(rows, row);
}

/* The best kind that the function has. */
static int choose_kind(struct cli *cli, struct iov_device *device, enum iov_interrupt *kind,
		       unsigned int *count)
{
	struct iov_interrupt_info info;

	for (int i = IOV_MSIX; i >= IOV_INTX; i--) {
		int error = iov_interrupt_info(device, (enum iov_interrupt)i, &info);

		if (error)
			return error;
		*kind = (enum iov_interrupt)i;
		*count = info.count < VECTORS_MAX ? info.count : VECTORS_MAX;
		if (*count)
			return 0;
	}
	return iov_fail(cli->iov, -ENOTSUP, "%s: has no interrupt of any kind",
			IOV_BDF(iov_device_bdf(device)));
}

static int fire_all(struct cli *cli, struct iov_device *device, struct json_object *rows)
{
	int fds[VECTORS_MAX], error;
	uint64_t times[ROUNDS];
	enum iov_interrupt kind;
	unsigned int count, opened = 0;

	error = choose_kind(cli, device, &kind, &count);
	if (error)
		return error;
	while (opened < count && (fds[opened] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) >= 0)
		opened++;
	error = opened < count ? -errno : iov_interrupt_enable(device, kind, 0, count, fds);
	for (unsigned int i = 0; !error && i < count; i++) {
		error = fire(cli, device, kind, i, fds[i], times);
		if (!error)
			add_row(rows, iov_device_bdf(device), i, times);
	}
	iov_interrupt_disable(device, kind);
	while (opened)
		close(fds[--opened]);
	return error;
}

static int test_function(struct cli *cli, const struct test_args *args, struct iov_bdf bdf,
			 struct json_object *rows)
{
	struct iov_domain *domain = NULL;
	struct iov_device *device = NULL;
	int error = iov_domain_open(&domain, cli->iov, args->kind);

	if (!error)
		error = iov_device_open(&device, domain, bdf, NULL);
	if (!error)
		error = fire_all(cli, device, rows);
	iov_device_close(device);
	iov_domain_close(domain);
	return error;
}

static int run_test(struct cli *cli, void *data)
{
	static const struct iov_column columns[] = {
		{ "device", "BDF" },
		{ "vector", "VECTOR", true }, { "fired", "FIRED", true },
		{ "p50_ns", "P50 NS", true }, { "p90_ns", "P90 NS", true },
		{ "p99_ns", "P99 NS", true }, { "max_ns", "MAX NS", true },
	};
	_cleanup_json_ struct json_object *rows = json_object_new_array();
	const struct test_args *args = data;
	struct cli_functions functions = { 0 };
	int error = cli_add_functions(cli, args->device, &functions);

	for (size_t i = 0; !error && i < functions.count; i++)
		error = test_function(cli, args, functions.list[i], rows);
	free(functions.list);
	return error ? error : cli_print_rows(cli, args->device, rows, columns, COUNT(columns));
}

const struct cli_command cli_irq_test = {
	.name = "irq test",
	.args = "DEVICE",
	.summary = "Fire each vector of a function by VFIO, and time it",
	.example = "iov irq test 0000:01:10.0",
	.options = test_options,
	.parse = parse_test,
	.data_size = sizeof(struct test_args),
	.run = run_test,
};
