// SPDX-License-Identifier: GPL-2.0-or-later
/* What is for a terminal alone: colours, and the step that a change is at. */
#include "tests/unit/test.h"

#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/colour.h"
#include "cli/printable.h"
#include "cli/progress.h"

/* Long enough that it is worth showing. */
#define LONG_US 1600000

static struct iov_plan_options options;

static void take_long(void)
{
	cli_progress_begin(&options);
	assert_non_null(options.progress);
	options.progress(NULL, 1, 3, "one that is over at once");
	options.progress(NULL, 2, 3, "create 4 VFs on 0000:01:00.0");
	usleep(LONG_US);
	cli_progress_end();
}

static void take_short(void)
{
	cli_progress_begin(&options);
	options.progress(NULL, 1, 1, "bind 0000:01:10.0 to vfio-pci");
	cli_progress_end();
}

static void die_early(void)
{
	cli_progress_begin(&options);
	options.progress(NULL, 1, 1, "bind 0000:01:10.0 to vfio-pci");
	_exit(0);
}

static void write_colours(void)
{
	fputs(cli_colour(stderr, CLI_RED), stderr);
	fputs("red", stderr);
	fputs(cli_colour(stderr, CLI_PLAIN), stderr);
}

/* What a function writes to a terminal. */
static void on_terminal(void (*run)(void), char *text, size_t size)
{
	struct winsize window = { .ws_row = 24, .ws_col = 60 };
	size_t length = 0;
	int terminal, status;
	ssize_t count;
	pid_t child = forkpty(&terminal, NULL, NULL, &window);

	assert_true(child >= 0);
	if (!child) {
		run();
		_exit(0);
	}
	while (length < size - 1 &&
	       (count = read(terminal, text + length, size - 1 - length)) > 0)
		length += (size_t)count;
	text[length] = '\0';
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	close(terminal);
}

static void a_step_that_takes_long_is_shown_and_gone_when_done(void **state)
{
	char text[4096];

	(void)state;
	on_terminal(take_long, text, sizeof(text));
	assert_null(strstr(text, "over at once"));
	assert_non_null(strstr(text, "step 2 of 3: create 4 VFs on 0000:01:00.0 (1 s)"));
	assert_null(strchr(text, '\n'));
	assert_string_equal(text + strlen(text) - 4, "\r\033[K");
}

static void what_is_over_soon_shows_nothing(void **state)
{
	char text[4096];

	(void)state;
	on_terminal(take_short, text, sizeof(text));
	assert_string_equal(text, "");
}

static void who_draws_ends_with_who_works(void **state)
{
	char text[4096];

	(void)state;
	on_terminal(die_early, text, sizeof(text));
	assert_string_equal(text, "");
}

static void nothing_is_shown_where_there_is_no_terminal(void **state)
{
	struct iov_plan_options quiet = { 0 };
	int errors = dup(STDERR_FILENO), pipes[2];

	(void)state;
	assert_int_equal(pipe(pipes), 0);
	dup2(pipes[1], STDERR_FILENO);
	cli_progress_begin(&quiet);
	cli_progress_end();
	assert_string_equal(cli_colour(stderr, CLI_RED), "");
	assert_true(cli_colour_choose("always"));
	assert_string_equal(cli_colour(stderr, CLI_RED), "\033[31m");
	assert_true(cli_colour_choose("auto"));
	dup2(errors, STDERR_FILENO);
	close(errors);
	close(pipes[0]);
	close(pipes[1]);
	assert_null(quiet.progress);
}

static void colours_are_for_terminals_of_those_who_want_them(void **state)
{
	char text[256];

	(void)state;
	setenv("TERM", "xterm", 1);
	unsetenv("NO_COLOR");
	on_terminal(write_colours, text, sizeof(text));
	assert_string_equal(text, "\033[31mred\033[0m");
	setenv("NO_COLOR", "", 1);
	on_terminal(write_colours, text, sizeof(text));
	assert_string_equal(text, "\033[31mred\033[0m");
	setenv("NO_COLOR", "1", 1);
	on_terminal(write_colours, text, sizeof(text));
	assert_string_equal(text, "red");
	unsetenv("NO_COLOR");
	setenv("TERM", "dumb", 1);
	on_terminal(write_colours, text, sizeof(text));
	assert_string_equal(text, "red");
	assert_true(cli_colour_choose("never"));
	setenv("TERM", "xterm", 1);
	on_terminal(write_colours, text, sizeof(text));
	assert_string_equal(text, "red");
	assert_false(cli_colour_choose("sometimes"));
}

static void what_others_chose_tells_a_terminal_nothing(void **state)
{
	static const struct {
		const char *text;
		const char *shown;
	} texts[] = {
		{ "qemu-system-x86", "qemu-system-x86" },
		{ "\033]0;evil\007", "?]0;evil?" },
		{ "two\nlines\r\tand\x7f", "two?lines??and?" },
		{ "\xc2\x9b" "31m", "??31m" },			/* CSI as U+009B */
		{ "\x9b" "31m", "?31m" },			/* and as ISO 8859 has it */
		{ "\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80", "\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80" },
		{ "\xc2\xa0\xc2\x80", "\xc2\xa0??" },
		{ "\xe2\x82", "??" },				/* ends too early */
		{ "\xc0\x9b\xff", "???" },
		{ "\xe0\x82\x9b\xed\xa0\x80", "??????" },	/* CSI by too many bytes, half of a pair */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		_cleanup_free_ char *shown = cli_printable(texts[i].text);

		assert_string_equal(shown, texts[i].shown);
	}
}

static void lines_stay_lines(void **state)
{
	_cleanup_free_ char *text = NULL;
	size_t length;
	FILE *file = open_memstream(&text, &length);

	(void)state;
	cli_print(file, "note: %s\n%d\n", "a\033[2J", 7);
	fclose(file);
	assert_string_equal(text, "note: a?[2J\n7\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_step_that_takes_long_is_shown_and_gone_when_done),
		cmocka_unit_test(what_is_over_soon_shows_nothing),
		cmocka_unit_test(who_draws_ends_with_who_works),
		cmocka_unit_test(nothing_is_shown_where_there_is_no_terminal),
		cmocka_unit_test(what_others_chose_tells_a_terminal_nothing),
		cmocka_unit_test(lines_stay_lines),
		cmocka_unit_test(colours_are_for_terminals_of_those_who_want_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
