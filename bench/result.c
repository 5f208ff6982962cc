// SPDX-License-Identifier: GPL-2.0-or-later
#include "bench/result.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/json.h"

/* Ten thousand turns of eight sides are far less. */
#define SIZE_MAX_FILE (32u << 20)
#define DEPTH 32

#define EXPECTED "expected what 'iov bench net', 'blk' or 'guest' wrote with --output or --json"

static int wrong(struct iov *iov, const char *path, const char *what)
{
	return iov_fail_as(iov, IOV_FAILURE_INPUT, -EINVAL, "%s: %s; " EXPECTED, path, what);
}

static int read_text(struct iov *iov, const char *path, char **text, size_t *length)
{
	_cleanup_file_ FILE *file = strcmp(path, "-") ? fopen(path, "re") : fdopen(dup(0), "r");
	int error = 0;

	if (!file)
		return iov_fail_as(iov, IOV_FAILURE_INPUT, -errno, "%s: %s; " EXPECTED, path,
				   strerror(errno));
	*text = malloc(SIZE_MAX_FILE + 2);
	if (!*text)
		return iov_fail(iov, -ENOMEM, "no memory for %s", path);
	errno = 0;
	*length = fread(*text, 1, SIZE_MAX_FILE + 1, file);
	(*text)[*length] = '\0';
	if (ferror(file))
		error = iov_fail_as(iov, IOV_FAILURE_INPUT, errno ? -errno : -EIO, "%s: %s; " EXPECTED,
				    path, strerror(errno));
	else if (*length > SIZE_MAX_FILE)
		error = wrong(iov, path, "has more than 32 MiB");
	return error;
}

static bool is_number(struct json_object *value)
{
	const double number = json_object_get_double(value);

	return (json_object_is_type(value, json_type_double) ||
		json_object_is_type(value, json_type_int)) &&
	       isfinite(number) && number >= 0;
}

static bool are_numbers(struct json_object *array)
{
	if (!json_object_is_type(array, json_type_array))
		return false;
	for (size_t i = 0; i < json_object_array_length(array); i++)
		if (!is_number(json_object_array_get_idx(array, i)))
			return false;
	return true;
}

static bool is_text(struct json_object *object, const char *key)
{
	return json_object_is_type(json_object_object_get(object, key), json_type_string);
}

static bool is_object(struct json_object *object, const char *key)
{
	return json_object_is_type(json_object_object_get(object, key), json_type_object);
}

static bool is_side(struct json_object *side, const char *figure)
{
	struct json_object *series;

	if (!is_text(side, "side") || !are_numbers(json_object_object_get(side, "turns")) ||
	    !is_number(json_object_object_get(side, figure)) ||
	    (json_object_object_get_ex(side, "unit", NULL) && !is_text(side, "unit")))
		return false;
	if (!json_object_object_get_ex(side, "turn_latency_us", &series))
		return true;
	if (!json_object_is_type(series, json_type_object))
		return false;
	json_object_object_foreach(series, name, values)
	{
		(void)name;
		if (!are_numbers(values))
			return false;
	}
	return true;
}

/* What is missing or of another type; NULL for nothing. */
static const char *damage(struct json_object *result)
{
	struct json_object *sides = json_object_object_get(result, "sides");

	if (!is_text(result, "kind") || !is_text(result, "figure") || !is_text(result, "unit"))
		return "damaged: 'kind', 'figure' or 'unit' is no text";
	if (!is_object(result, "load") || !is_object(result, "environment"))
		return "damaged: 'load' or 'environment' is no object";
	if (!json_object_is_type(json_object_object_get(result, "complete"), json_type_boolean))
		return "damaged: 'complete' is neither true nor false";
	if (!json_object_is_type(sides, json_type_array))
		return "damaged: 'sides' is no array";
	for (size_t i = 0; i < json_object_array_length(sides); i++) {
		struct json_object *side = json_object_array_get_idx(sides, i);

		if (!json_object_is_type(side, json_type_object) ||
		    !is_side(side, json_text(result, "figure")))
			return "damaged: a side has no name, or figures that are no numbers";
	}
	return json_object_array_length(sides) ? NULL : "has no results: nothing was measured";
}

static int check(struct iov *iov, const char *path, struct json_object *result)
{
	struct json_object *version = json_object_object_get(result, "version");
	const char *what;

	if (!json_object_is_type(result, json_type_object))
		return wrong(iov, path, "is JSON, but no object");
	if (!is_text(result, "format") || strcmp(json_text(result, "format"), BENCH_FORMAT) != 0)
		return wrong(iov, path, "is JSON of something else");
	if (!json_object_is_type(version, json_type_int) ||
	    json_object_get_int(version) != BENCH_VERSION)
		return iov_fail_as(iov, IOV_FAILURE_INPUT, -EINVAL,
				   "%s: results of version %s; this iov reads version %d: compare with "
				   "the iov that wrote it, or measure again", path,
				   json_object_to_json_string(version), BENCH_VERSION);
	what = damage(result);
	return what ? wrong(iov, path, what) : 0;
}

int bench_result_read(struct json_object **out, struct iov *iov, const char *path)
{
	_cleanup_json_ struct json_object *result = NULL;
	_cleanup_free_ char *text = NULL;
	struct json_tokener *tokener;
	enum json_tokener_error state;
	size_t length = 0, used;
	int error = read_text(iov, path, &text, &length);

	*out = NULL;
	if (error)
		return error;
	tokener = json_tokener_new_ex(DEPTH);
	if (!tokener)
		return iov_fail(iov, -ENOMEM, "no memory for %s", path);
	/* The NUL is what ends a word such as null. */
	result = json_tokener_parse_ex(tokener, text, (int)length + 1);
	state = json_tokener_get_error(tokener);
	used = json_tokener_get_parse_end(tokener);
	json_tokener_free(tokener);
	if (!length || state == json_tokener_continue ||
	    state == json_tokener_error_parse_eof)
		return wrong(iov, path, length ? "ends too early" : "is empty");
	if (state != json_tokener_success)
		return wrong(iov, path, "is no JSON");
	while (used < length && strchr(" \t\r\n", text[used]) && text[used])
		used++;
	if (used < length)
		return wrong(iov, path, "has something behind its JSON");
	error = check(iov, path, result);
	if (!error)
		*out = json_object_get(result);
	return error;
}
