// SPDX-License-Identifier: GPL-2.0-or-later
/* What somebody who is given functions has as well, as those tell who know their classes. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/guard/ask.h"
#include "base/guard/holder.h"
#include "base/sysroot/call.h"
#include "base/table.h"

/* Of an array of addresses answers an array of objects. */
static int tell_shared(struct iov *iov, const char *question, size_t length, FILE *answer)
{
	_cleanup_json_ struct json_object *names = json_tokener_parse(question), *all = json_object_new_array();
	size_t count = json_object_array_length(names), found = 0;
	_cleanup_free_ struct iov_bdf *bdfs = calloc(count + 1, sizeof(*bdfs));
	const struct guard_source *source;
	int error = bdfs ? 0 : iov_fail(iov, -ENOMEM, "out of memory");

	(void)length;
	for (size_t i = 0; !error && i < count; i++)
		found += iov_bdf_scan(json_object_get_string(json_object_array_get_idx(names, i)), &bdfs[found]);
	for (size_t i = 0; !error && (source = iov_table_entry(iov, GUARD_SOURCES, i)); i++)
		error = source->shared ? source->shared(iov, bdfs, found, all) : 0;
	fputs(json_object_to_json_string_ext(all, JSON_C_TO_STRING_PLAIN), answer);
	return error;
}

int guard_ask_shared(struct iov *iov, const char *const *devices, size_t count, struct json_object **shared)
{
	_cleanup_json_ struct json_object *names = json_object_new_array();
	_cleanup_free_ char *answer = NULL;
	const char *text;
	int error;

	*shared = NULL;
	for (size_t i = 0; i < count; i++)
		json_object_array_add(names, json_object_new_string(devices[i]));
	text = json_object_to_json_string_ext(names, JSON_C_TO_STRING_PLAIN);
	error = iov_sys_call(iov, tell_shared, text, strlen(text), &answer);
	if (error)
		return error;
	*shared = json_tokener_parse(answer);
	return *shared ? 0 : iov_fail(iov, -ENOMEM, "out of memory");
}
