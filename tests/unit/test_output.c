// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/test.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/fold.h"
#include "cli/output.h"

static const struct iov_column columns[] = {
	{ "bdf", "BDF" },
	{ "group", "GROUP", true },
	{ "reset", "RESET" },
	{ "busy", "BUSY" },
};

static struct json_object *rows(void)
{
	return json_tokener_parse(
		"[{\"bdf\": \"0000:01:00.0\", \"group\": 7, \"reset\": [\"flr\", \"bus\"],"
		"  \"busy\": true},"
		" {\"bdf\": \"0000:02:00.0\", \"group\": null, \"reset\": [], \"busy\": false}]");
}

static void a_table_shows_every_kind_of_value(void **state)
{
	_cleanup_json_ struct json_object *array = rows();
	_cleanup_free_ char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	(void)state;
	assert_int_equal(iov_output_table(file, array, columns, 4), 0);
	fclose(file);
	assert_string_equal(text, "BDF           GROUP  RESET    BUSY\n"
				  "0000:01:00.0      7  flr,bus  yes\n"
				  "0000:02:00.0      -  -        no\n");
}

/* Classes of others add columns, however many there are. */
static void a_table_has_as_many_columns_as_it_is_given(void **state)
{
	_cleanup_json_ struct json_object *array = json_object_new_array();
	struct json_object *row = json_object_new_object();
	struct iov_column many[70];
	char names[70][8];
	_cleanup_free_ char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	(void)state;
	for (int i = 0; i < 70; i++) {
		snprintf(names[i], sizeof(names[i]), "c%d", i);
		many[i] = (struct iov_column){ names[i], names[i] };
		json_object_object_add(row, names[i], json_object_new_int(1000 + i));
	}
	json_object_array_add(array, row);
	assert_int_equal(iov_output_table(file, array, many, 70), 0);
	assert_int_equal(iov_output_filled(file, array, many, 70, "nothing"), 0);
	fclose(file);
	assert_non_null(strstr(text, "1068  1069\n"));
	assert_non_null(strstr(strstr(text, "1068  1069\n") + 1, "1068  1069\n"));
}

static void fields_leave_out_what_is_absent(void **state)
{
	_cleanup_json_ struct json_object *array = rows();
	_cleanup_free_ char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);
	struct json_object *row = json_object_array_get_idx(array, 0);

	(void)state;
	json_object_object_del(row, "group");
	assert_int_equal(iov_output_fields(file, row, columns, 4), 0);
	fclose(file);
	assert_null(strstr(text, "GROUP"));
	assert_non_null(strstr(text, "0000:01:00.0"));
	assert_non_null(strstr(text, "flr,bus"));
}

static void json_output_is_json(void **state)
{
	_cleanup_json_ struct json_object *array = rows();
	_cleanup_json_ struct json_object *again = NULL;
	_cleanup_free_ char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	(void)state;
	iov_output_json(file, array);
	fclose(file);
	assert_int_equal(text[size - 1], '\n');
	again = json_tokener_parse(text);
	assert_true(json_object_equal(array, again));
}

/* The kernel cuts names of processes where it likes, and JSON is UTF-8: each byte that is none is a sign. */
static void json_output_is_utf8(void **state)
{
	static const struct {
		const char *text;
		const char *shown;
	} texts[] = {
		{ "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80", "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80" },
		{ "cut \xc3", "cut \xef\xbf\xbd" },
		{ "\xff\"\xfe", "\xef\xbf\xbd\\\"\xef\xbf\xbd" },
		{ "\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd" },			/* longer than it has to be */
		{ "\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },	/* half of a pair */
		{ "\xf4\x90\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		_cleanup_json_ struct json_object *object = json_object_new_string(texts[i].text);
		_cleanup_free_ char *text = NULL;
		char wanted[64];
		size_t size;
		FILE *file = open_memstream(&text, &size);

		iov_output_json(file, object);
		fclose(file);
		snprintf(wanted, sizeof(wanted), "\"%s\"\n", texts[i].shown);
		assert_string_equal(text, wanted);
	}
}

/* What a terminal of so many columns shows, without colours; the caller frees it. */
static char *in_terminal(unsigned short width, struct json_object *array,
			 const struct iov_column *shown, size_t count)
{
	int terminal = posix_openpt(O_RDWR | O_NOCTTY), slave;
	const struct winsize size = { .ws_row = 24, .ws_col = width };
	char *text = calloc(1, 4096), *to = text;
	ssize_t got;
	FILE *file;

	assert_true(terminal >= 0 && !grantpt(terminal) && !unlockpt(terminal));
	slave = open(ptsname(terminal), O_RDWR | O_NOCTTY);
	assert_int_equal(ioctl(slave, TIOCSWINSZ, &size), 0);
	file = fdopen(slave, "w");
	assert_int_equal(iov_output_table(file, array, shown, count), 0);
	fclose(file);
	while ((got = read(terminal, to, (size_t)(text + 4095 - to))) > 0)
		to += got;
	close(terminal);
	for (char *from = to = text; (*to = *from); from++) {
		if (*from == '\033')
			from += strcspn(from, "m");
		else
			to += *from != '\r';
	}
	return text;
}

static size_t longest_line(const char *text)
{
	size_t longest = 0;

	for (; *text; text += strcspn(text, "\n") + 1)
		longest = strcspn(text, "\n") > longest ? strcspn(text, "\n") : longest;
	return longest;
}

static const struct iov_column list[] = {
	{ "bdf", "BDF" },
	{ "name", "NAME", .wrap = true },
	{ "driver", "DRIVER", .spare = true },
	{ "net", "INTERFACE", .spare = true },
};

#define NAME "a name of eighty characters, which is as long as the names of functions often are"

static struct json_object *long_rows(void)
{
	return json_tokener_parse("[{\"bdf\": \"0000:01:00.0\", \"name\": \"" NAME "\","
				  " \"driver\": \"vfio-pci\", \"net\": \"enp129s0f0np0\"}]");
}

/* All characters of the name in their order, whatever stands between them. */
static void assert_has_name(const char *text)
{
	const char *name = NAME;

	for (text = strchr(text, '\n'); *text && *name; text++) {
		while (*name == ' ')
			name++;
		name += *text == *name;
	}
	assert_string_equal(name, "");
}

static void a_narrow_terminal_cuts_nothing(void **state)
{
	_cleanup_json_ struct json_object *array = long_rows();

	(void)state;
	for (unsigned short width = 10; width < 140; width += 5) {
		_cleanup_free_ char *text = in_terminal(width, array, list, 4);

		assert_has_name(text);
		assert_non_null(strstr(text, "0000:01:00.0"));
		assert_true(longest_line(text) <= width || longest_line(text) <= 30);
		assert_int_equal(strstr(text, "DRIVER") != NULL, strstr(text, "vfio-pci") != NULL);
		assert_int_equal(strstr(text, "INTERFACE") != NULL,
				 strstr(text, "enp129s0f0np0") != NULL);
		if (width >= 50)
			assert_non_null(strstr(text, "vfio-pci"));
	}
}

static void without_a_terminal_a_row_is_a_line(void **state)
{
	_cleanup_json_ struct json_object *array = long_rows();
	_cleanup_free_ char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	(void)state;
	assert_int_equal(iov_output_table(file, array, list, 4), 0);
	fclose(file);
	assert_non_null(strstr(text, "0000:01:00.0  " NAME "  vfio-pci  enp129s0f0np0\n"));
}

static void a_list_of_nothing_is_empty(void **state)
{
	_cleanup_json_ struct json_object *array = json_object_new_array();
	_cleanup_free_ char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	(void)state;
	assert_int_equal(iov_output_list(file, array, list, 4, "nothing"), 0);
	fclose(file);
	assert_string_equal(text, "");
}

static void assert_folded(const char *text, size_t width, const char *wanted)
{
	char folded[64];

	cli_fold(text, width, folded, sizeof(folded));
	assert_string_equal(folded, wanted);
}

static void lines_break_between_words(void **state)
{
	char little[8];

	(void)state;
	assert_folded("82801I (ICH9 Family) SMBus", 12, "82801I (ICH9\nFamily)\nSMBus");
	assert_folded("ten letters", 11, "ten letters");
	assert_folded("ten letters", 10, "ten\nletters");
	assert_folded("ten letters", 0, "ten letters");
	assert_folded("VIRTIO_F_A,VIRTIO_F_B", 12, "VIRTIO_F_A,\nVIRTIO_F_B");
	assert_folded("abcdefgh", 3, "abc\ndef\ngh");
	assert_folded("\u00e4\u00f6\u00fc\u00df", 2, "\u00e4\u00f6\n\u00fc\u00df");
	assert_folded("a\nb", 0, "a b");
	assert_folded(" leads", 3, " le\nads");
	assert_folded("  its place", 6, "  its\nplace");
	assert_folded("", 5, "");
	cli_fold("longer than the room", 6, little, sizeof(little));
	assert_string_equal(little, "longer\n");
}

static void a_name_is_broken_between_its_words(void **state)
{
	_cleanup_json_ struct json_object *array = long_rows();
	_cleanup_free_ char *text = in_terminal(60, array, list, 4);

	(void)state;
	assert_non_null(strstr(text, "a name of eighty characters,"));
	assert_null(strstr(text, "INTERFACE"));
	assert_true(longest_line(text) <= 60);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_table_shows_every_kind_of_value),
		cmocka_unit_test(a_table_has_as_many_columns_as_it_is_given),
		cmocka_unit_test(fields_leave_out_what_is_absent),
		cmocka_unit_test(json_output_is_json),
		cmocka_unit_test(json_output_is_utf8),
		cmocka_unit_test(a_narrow_terminal_cuts_nothing),
		cmocka_unit_test(lines_break_between_words),
		cmocka_unit_test(a_name_is_broken_between_its_words),
		cmocka_unit_test(without_a_terminal_a_row_is_a_line),
		cmocka_unit_test(a_list_of_nothing_is_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
