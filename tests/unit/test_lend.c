// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Functions that are lent to a guest and given back when nobody is left to do it: by whom, and past
 * which guards.  Plans are played.
 */
#include "tests/unit/test.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/lend.h"
#include "cli/printable.h"
#include "tests/unit/tree.h"
#include "vfio/bind/bind.h"

#define VF "0000:01:10.2"

/* What plans did, for all processes. */
static struct {
	volatile unsigned int runs;
	char said[256];
} *seen;

static char *tree;
static const char *kind, *holder;

int iov_plan_new(struct iov_plan **plan, struct iov *iov, const char *format, ...)
{
	(void)iov;
	(void)format;
	*plan = (struct iov_plan *)seen;
	return 0;
}

int iov_bind_plan(struct iov_plan *plan, const struct iov_bdf *bdfs, size_t count, const char *driver,
		  unsigned int flags)
{
	(void)plan;
	(void)bdfs;
	(void)count;
	kind = flags & IOV_BIND_ANY_DRIVER ? driver : "?";
	return 0;
}

int iov_unbind_plan(struct iov_plan *plan, const struct iov_bdf *bdfs, size_t count, unsigned int flags)
{
	(void)plan;
	(void)bdfs;
	(void)count;
	(void)flags;
	kind = "unbind";
	return 0;
}

int iov_release_plan(struct iov_plan *plan, const struct iov_bdf *bdfs, size_t count)
{
	(void)plan;
	(void)bdfs;
	(void)count;
	kind = "none";
	return 0;
}

bool iov_plan_is_empty(const struct iov_plan *plan)
{
	return !plan;
}

int iov_plan_run(struct iov_plan *plan, const struct iov_plan_options *options)
{
	(void)plan;
	snprintf(seen->said, sizeof(seen->said), "%s for %s past %s", kind, holder, options->lifted[0]);
	seen->runs++;
	return 0;
}

void iov_plan_unlock(struct iov *iov)
{
	(void)iov;
}

void iov_plan_free(struct iov_plan *plan)
{
	(void)plan;
}

struct iov_plan_options cli_plan_options(struct cli *cli)
{
	return (struct iov_plan_options){ .lifted = cli->lifted };
}

int cli_open_context(void *arg, struct iov **iov)
{
	const struct cli *cli = arg;
	struct iov_options options = { .root = tree };

	holder = cli->claims.holder;
	return iov_open(iov, &options);
}

void cli_name_functions(const struct cli_functions *functions, char *text, size_t size)
{
	(void)functions;
	snprintf(text, size, "it");
}

void cli_print(FILE *stream, const char *format, ...)
{
	(void)stream;
	(void)format;
}

static int setup(void **state)
{
	(void)state;
	tree = tree_of_host("default");
	seen = mmap(NULL, sizeof(*seen), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return seen == MAP_FAILED;
}

static int teardown(void **state)
{
	(void)state;
	munmap(seen, sizeof(*seen));
	tree_remove(tree);
	return 0;
}

/* A command that takes a function with this driver, and is killed, or gives it back. */
static void run_command(const char *driver, bool is_override, bool is_killed)
{
	struct cli cli = { .lifted = { "fleet" }, .claims = { .holder = "vm1" } };
	struct lend lend = { .count = 1, .list = { { .is_override = is_override } } };
	int status;
	pid_t pid = fork();

	if (!pid) {
		cli_open_context(&cli, &cli.iov);
		snprintf(lend.list[0].driver, sizeof(lend.list[0].driver), "%s", driver);
		iov_bdf_parse(cli.iov, VF, &lend.list[0].bdf);
		if (lend_take(&cli, &lend, NULL))
			_exit(1);
		if (is_killed)
			raise(SIGKILL);
		_exit(lend_end(&cli, &lend, 0));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(is_killed ? WTERMSIG(status) : WEXITSTATUS(status), is_killed ? SIGKILL : 0);
}

static void wait_for_run(void)
{
	for (unsigned int i = 0; i < 500 && !seen->runs; i++)
		usleep(10000);
	usleep(200000);
}

static void who_is_killed_gives_back_as_it_would_have(void **state)
{
	static const struct {
		const char *driver;
		bool is_override;
		const char *said;
	} cases[] = {
		{ "igbvf", false, "unbind for vm1 past fleet" },
		{ "igbvf", true, "igbvf for vm1 past fleet" },
		{ "", false, "none for vm1 past fleet" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		seen->runs = 0;
		run_command(cases[i].driver, cases[i].is_override, true);
		wait_for_run();
		assert_int_equal(seen->runs, 1);
		assert_string_equal(seen->said, cases[i].said);
	}
}

static void what_was_given_back_is_not_given_again(void **state)
{
	(void)state;
	run_command("igbvf", false, false);
	wait_for_run();
	assert_int_equal(seen->runs, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(who_is_killed_gives_back_as_it_would_have, setup, teardown),
		cmocka_unit_test_setup_teardown(what_was_given_back_is_not_given_again, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
