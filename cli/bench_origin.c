// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/bench_origin.h"

#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/sysroot/paths.h"
#include "base/sysroot/sysroot.h"
#include "base/utc.h"
#include "bench/environment.h"
#include "bench/result.h"
#include "cli/bench_output.h"

/* What repeats it: the words that this process was started with. */
static struct json_object *command_words(struct iov *iov)
{
	struct json_object *words = json_object_new_array();
	_cleanup_free_ char *text = NULL;
	size_t length = 0;

	if (iov_sys_read_all(iov, IOV_PATH_PROC_SELF "/cmdline", &text, &length))
		length = 0;
	for (size_t at = 0; at < length; at += strlen(text + at) + 1)
		json_object_array_add(words, json_object_new_string(text + at));
	return words;
}

void bench_origin_begin(struct bench_origin *origin, struct iov *iov, int cpu, const char *output)
{
	*origin = (struct bench_origin){
		.iov = iov,
		.output = output,
		.command = command_words(iov),
		.environment = bench_environment(iov, cpu),
	};
	json_add_text(origin->environment, "iovkit", IOVKIT_VERSION);
	utc_text(time(NULL), origin->time);
}

void bench_origin_end(struct bench_origin *origin)
{
	json_object_put(origin->command);
	json_object_put(origin->environment);
}

void bench_origin_add(const struct bench_origin *origin, struct json_object *results, bool complete)
{
	json_add_text(results, "format", BENCH_FORMAT);
	json_object_object_add(results, "version", json_object_new_int(BENCH_VERSION));
	json_add_text(results, "kind", origin->kind);
	json_add_text(results, "figure", origin->figure);
	json_add_text(results, "unit", origin->unit);
	json_object_object_add(results, "complete", json_object_new_boolean(complete));
	json_add_text(results, "time", origin->time);
	json_object_object_add(results, "command", json_object_get(origin->command));
	json_object_object_add(results, "environment", json_object_get(origin->environment));
}

void bench_origin_keep(void *arg, struct json_object *results)
{
	const struct bench_origin *origin = arg;

	bench_origin_add(origin, results, false);
	bench_output_write(origin->output, results);
	json_object_put(results);
}

int bench_origin_keep_all(const struct bench_origin *origin, struct json_object *results)
{
	int error = origin->output ? bench_output_write(origin->output, results) : 0;

	return error ? iov_told(origin->iov, error, "%s: the results could not be written: %s; is the "
				"disk full?", origin->output, strerror(-error)) : 0;
}
