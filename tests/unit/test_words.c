// SPDX-License-Identifier: GPL-2.0-or-later
/* Words of a command line: options, their arguments, and what may have been meant. */
#include "tests/unit/test.h"

#include <string.h>

#include "base/near.h"
#include "cli/words.h"

static const struct argp_option own[] = {
	{ "driver", 'd', "NAME", 0, "" },
	{ "group", 'g', 0, 0, "" },
	{ "isolated", 0x2000, "on|off", OPTION_ARG_OPTIONAL, "" },
	{ 0 },
};

static const struct cli_command bind = { .name = "bind", .options = own };
static const struct cli_command create = { .name = "vf create", .changes = true };
static const struct cli_command *const commands[] = { &bind, &create, NULL };

static const char *nearest(const char *text, const char *const *words)
{
	struct iov_near near = { .text = text };

	while (*words)
		iov_near_look(&near, *words++);
	return near.word ? near.word : "";
}

static void the_nearest_word_is_meant_when_it_is_near(void **state)
{
	static const char *const words[] = { "list", "show", "bind", "unbind", "reset", NULL };

	(void)state;
	assert_string_equal(nearest("sohw", words), "show");
	assert_string_equal(nearest("lst", words), "list");
	assert_string_equal(nearest("ubind", words), "bind");
	assert_string_equal(nearest("unbnd", words), "unbind");
	assert_string_equal(nearest("nonsense", words), "");
	assert_string_equal(nearest("", words), "");
	assert_string_equal(nearest("a-word-that-is-longer-than-any-command-is", words), "");
}

static void a_command_is_one_word_or_two(void **state)
{
	char *line[] = { "vf", "create", "eth0", NULL }, *one[] = { "bind", "create", NULL };
	int used;

	(void)state;
	assert_ptr_equal(cli_find_command(commands, 3, line, &used), &create);
	assert_int_equal(used, 2);
	assert_ptr_equal(cli_find_command(commands, 2, one, &used), &bind);
	assert_int_equal(used, 1);
	assert_null(cli_find_command(commands, 1, line, &used));
	assert_null(cli_find_command(commands, 0, line, &used));
	assert_true(cli_is_group(commands, "vf"));
	assert_false(cli_is_group(commands, "v"));
	assert_false(cli_is_group(commands, "bind"));
}

static void an_option_is_known_by_name_beginning_and_letter(void **state)
{
	struct argp_option options[CLI_OPTIONS_MAX];

	(void)state;
	cli_command_options(&bind, options);
	assert_string_equal(cli_find_option(options, "--driver")->name, "driver");
	assert_string_equal(cli_find_option(options, "--dri=vfio-pci")->name, "driver");
	assert_string_equal(cli_find_option(options, "-gd")->name, "driver");
	assert_string_equal(cli_find_option(options, "--json")->name, "json");
	assert_string_equal(cli_find_option(options, "--version")->name, "version");
	assert_null(cli_find_option(options, "--dry-run"));
	assert_null(cli_find_option(options, "--"));
	assert_null(cli_find_option(options, "-"));
	assert_null(cli_find_option(options, "driver"));
	cli_command_options(&create, options);
	assert_string_equal(cli_find_option(options, "--dry-run")->name, "dry-run");
}

static bool takes_next(const char *arg)
{
	struct argp_option options[CLI_OPTIONS_MAX];

	cli_command_options(&bind, options);
	return cli_takes_next(cli_find_option(options, arg), arg);
}

static void an_argument_may_be_the_next_word(void **state)
{
	(void)state;
	assert_true(takes_next("--driver"));
	assert_true(takes_next("-d"));
	assert_true(takes_next("-gd"));
	assert_false(takes_next("--driver=vfio-pci"));
	assert_false(takes_next("-dvfio-pci"));
	assert_false(takes_next("--group"));
	assert_false(takes_next("--isolated"));
	assert_false(takes_next("--nonsense"));
}

static void an_option_that_is_near_may_be_meant(void **state)
{
	struct argp_option options[CLI_OPTIONS_MAX];

	(void)state;
	cli_command_options(&bind, options);
	assert_string_equal(cli_near_option(options, "--gruop=1"), "group");
	assert_string_equal(cli_near_option(options, "--hlep"), "help");
	assert_null(cli_near_option(options, "--nonsense"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_nearest_word_is_meant_when_it_is_near),
		cmocka_unit_test(a_command_is_one_word_or_two),
		cmocka_unit_test(an_option_is_known_by_name_beginning_and_letter),
		cmocka_unit_test(an_argument_may_be_the_next_word),
		cmocka_unit_test(an_option_that_is_near_may_be_meant),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
