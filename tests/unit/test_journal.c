// SPDX-License-Identifier: GPL-2.0-or-later
// Entries with fields: as journald takes them, from log lines and from the history of changes.
#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include "base/journal.h"
#include "base/plan/plan_engine.h"
#include "tests/unit/test.h"

static char directory[] = "/tmp/iovkit-journal-XXXXXX";
static char path[sizeof(directory) + sizeof("/socket")];
static int listener = -1;

static int open_listener(void **state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	(void)state;
	if (!mkdtemp(directory))
		return -1;
	snprintf(path, sizeof(path), "%s/socket", directory);
	strcpy(address.sun_path, path);
	listener = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	return listener < 0 ? -1 : bind(listener, (struct sockaddr *)&address, sizeof(address));
}

static int close_listener(void **state)
{
	(void)state;
	close(listener);
	unlink(path);
	return rmdir(directory);
}

/* What came; its length. */
static size_t take(char *text, size_t size)
{
	ssize_t got = recv(listener, text, size - 1, 0);

	assert_true(got >= 0);
	text[got] = 0;
	return (size_t)got;
}

static void fields_are_lines(void **state)
{
	const struct iov_field fields[] = {
		{ "MESSAGE", "a=b c" }, { "IOV_PORT", "vm1" }, { "IOV_REASON", NULL },
		{ "IOV_DEVICE", "a" }, { "IOV_DEVICE", "" }, { 0 },
	};
	struct iov_journal journal;
	char text[256];

	(void)state;
	assert_int_equal(iov_journal_open(&journal, path), 0);
	assert_int_equal(iov_journal_send(&journal, fields), 0);
	take(text, sizeof(text));
	assert_string_equal(text, "MESSAGE=a=b c\nIOV_PORT=vm1\nIOV_DEVICE=a\nIOV_DEVICE=\n");
	iov_journal_close(&journal);
	assert_int_equal(iov_journal_send(&journal, fields), -ENOTCONN);
}

/* A value cannot become a field of its own. */
static void values_of_several_lines_have_their_length(void **state)
{
	const struct iov_field fields[] = { { "MESSAGE", "one\nPRIORITY=0" }, { "A", "b" }, { 0 } };
	const uint64_t length = htole64(strlen(fields[0].value));
	struct iov_journal journal;
	char text[256];
	size_t got;

	(void)state;
	assert_int_equal(iov_journal_open(&journal, path), 0);
	assert_int_equal(iov_journal_send(&journal, fields), 0);
	got = take(text, sizeof(text));
	assert_int_equal(got, strlen("MESSAGE\n") + 8 + strlen(fields[0].value) + strlen("\nA=b\n"));
	assert_memory_equal(text, "MESSAGE\n", 8);
	assert_memory_equal(text + 8, &length, sizeof(length));
	assert_memory_equal(text + 16, "one\nPRIORITY=0\nA=b\n", got - 16);
	iov_journal_close(&journal);
}

static void names_that_journald_does_not_take_are_left_out(void **state)
{
	const struct iov_field fields[] = {
		{ "_PID", "1" }, { "iov", "x" }, { "1A", "x" }, { "", "x" }, { "A=B", "x" }, { "A\nB", "x" },
		{ "ABCDEFGHIJABCDEFGHIJABCDEFGHIJABCDEFGHIJABCDEFGHIJABCDEFGHIJABCDE", "x" },
		{ "A1_", "y" }, { 0 },
	};
	struct iov_journal journal;
	char text[256];

	(void)state;
	assert_int_equal(iov_journal_open(&journal, path), 0);
	assert_int_equal(iov_journal_send(&journal, fields), 0);
	take(text, sizeof(text));
	assert_string_equal(text, "A1_=y\n");
	iov_journal_close(&journal);
}

static void nobody_waits_for_a_journald_that_does_not_read(void **state)
{
	const struct iov_field fields[] = { { "MESSAGE", "x" }, { 0 } };
	struct iov_journal journal;
	char text[16];
	int error = 0;

	(void)state;
	assert_int_equal(iov_journal_open(&journal, path), 0);
	for (unsigned int i = 0; !error && i < 100000; i++)
		error = iov_journal_send(&journal, fields);
	assert_int_equal(error, -EAGAIN);
	while (recv(listener, text, sizeof(text), 0) > 0)
		;
	assert_int_equal(iov_journal_send(&journal, fields), 0);
	take(text, sizeof(text));
	iov_journal_close(&journal);
}

static void without_journald_there_is_no_way(void **state)
{
	const struct iov_field fields[] = { { "MESSAGE", "x" }, { 0 } };
	struct iov_journal journal;
	char long_path[200];

	(void)state;
	assert_int_equal(iov_journal_open(&journal, "/nonexistent/socket"), -ENOENT);
	assert_int_equal(iov_journal_send(&journal, fields), -ENOTCONN);
	iov_journal_close(&journal);
	memset(long_path, 'x', sizeof(long_path) - 1);
	long_path[sizeof(long_path) - 1] = 0;
	assert_int_equal(iov_journal_open(&journal, long_path), -ENAMETOOLONG);
	iov_journal_close(&journal);
}

static void a_stream_is_known_by_its_inode(void **state)
{
	struct stat stat;
	char text[64];
	int pair[2];

	(void)state;
	assert_int_equal(pipe(pair), 0);
	assert_int_equal(fstat(pair[1], &stat), 0);
	snprintf(text, sizeof(text), "%llu:%llu", (unsigned long long)stat.st_dev,
		 (unsigned long long)stat.st_ino);
	assert_true(iov_journal_is_stream(pair[1], text));
	assert_false(iov_journal_is_stream(STDIN_FILENO, text));
	strcat(text, "x");
	assert_false(iov_journal_is_stream(pair[1], text));
	assert_false(iov_journal_is_stream(pair[1], NULL));
	assert_false(iov_journal_is_stream(pair[1], ""));
	assert_false(iov_journal_is_stream(-1, "1:1"));
	close(pair[0]);
	close(pair[1]);
}

static struct {
	unsigned int lines;
	char port[16];
	char reason[16];
	char outer[16];
} seen;

static void keep(char *text, const char *name)
{
	for (const struct iov_field *field = iov_log_fields(); field && field->name; field++)
		if (!strcmp(field->name, name))
			strcpy(text, field->value);
}

static void log_line(void *arg, int level, const char *message)
{
	(void)level;
	(void)message;
	seen.lines++;
	keep(seen.port, "IOV_PORT");
	keep(seen.reason, "IOV_REASON");
	if (!arg)
		return;
	/* One that hands the line on has its own fields again after that. */
	iov_log(arg, LOG_INFO, "without");
	keep(seen.outer, "IOV_PORT");
}

static void fields_are_those_of_the_line(void **state)
{
	const struct iov_field fields[] = { { "IOV_PORT", "vm1" }, { "IOV_REASON", "size" }, { 0 } };
	const struct iov_options last = { .log = log_line };
	struct iov_options first = { .log = log_line };
	struct iov *inner, *iov;

	(void)state;
	assert_int_equal(iov_open(&inner, &last), 0);
	first.log_arg = inner;
	assert_int_equal(iov_open(&iov, &first), 0);
	assert_null(iov_log_fields());
	iov_log_with(iov, LOG_INFO, fields, "%s", "x");
	assert_int_equal(seen.lines, 2);
	assert_string_equal(seen.port, "vm1");
	assert_string_equal(seen.reason, "size");
	assert_string_equal(seen.outer, "vm1");
	assert_null(iov_log_fields());
	memset(&seen, 0, sizeof(seen));
	iov_log(iov, LOG_INFO, "x");
	assert_string_equal(seen.port, "");
	iov_close(iov);
	iov_close(inner);
}

static void changes_have_fields(void **state)
{
	struct json_object *entry = json_tokener_parse(
		"{\"title\":\"bind 0000:01:00.0\",\"result\":\"refused\",\"why\":\"it is\\nused\","
		"\"devices\":[\"0000:01:00.0\",\"0000:01:00.1\"],\"steps\":[],\"by\":{\"user\":\"ann\","
		"\"sudo_user\":null,\"pid\":7,\"tty\":null,\"command\":\"iov bind\"}}");
	struct iov_journal journal;
	char text[1024];
	size_t length;

	(void)state;
	assert_int_equal(iov_journal_open(&journal, path), 0);
	assert_int_equal(history_send(&journal, entry), 0);
	length = take(text, sizeof(text));
	/* It has a value of several lines, whose length has NULs in it. */
	for (size_t i = 0; i < length; i++)
		text[i] = text[i] ? text[i] : '.';
	assert_non_null(strstr(text, "\nPRIORITY=4\nSYSLOG_FACILITY=4\nSYSLOG_IDENTIFIER=iov\n"));
	assert_non_null(strstr(text, "\nIOV_TITLE=bind 0000:01:00.0\nIOV_RESULT=refused\nIOV_REASON\n"));
	assert_non_null(strstr(text, "\nIOV_USER=ann\nIOV_COMMAND=iov bind\n"
			       "IOV_DEVICE=0000:01:00.0\nIOV_DEVICE=0000:01:00.1\n"));
	assert_null(strstr(text, "IOV_SUDO_USER"));
	json_object_put(entry);
	iov_journal_close(&journal);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_are_lines),
		cmocka_unit_test(values_of_several_lines_have_their_length),
		cmocka_unit_test(names_that_journald_does_not_take_are_left_out),
		cmocka_unit_test(nobody_waits_for_a_journald_that_does_not_read),
		cmocka_unit_test(without_journald_there_is_no_way),
		cmocka_unit_test(a_stream_is_known_by_its_inode),
		cmocka_unit_test(fields_are_those_of_the_line),
		cmocka_unit_test(changes_have_fields),
	};

	return cmocka_run_group_tests(tests, open_listener, close_listener);
}
