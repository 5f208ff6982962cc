// SPDX-License-Identifier: GPL-2.0-or-later
/* iov top: disks. */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "cli/output.h"
#include "cli/top.h"

/* All kinds of requests, or one, in two counters of a disk. */
struct requests {
	struct json_object *now;
	struct json_object *before;
	double seconds;
};

static struct json_object *kinds_of(struct json_object *stats)
{
	return json_object_object_get(stats, "requests");
}

static double kind_rate(const struct requests *requests, const char *kind, const char *key)
{
	struct json_object *now = json_object_object_get(requests->now, kind);
	struct json_object *before = json_object_object_get(requests->before, kind);

	return now ? top_rate(now, before, key, requests->seconds) : 0;
}

static double all_rate(const struct requests *requests)
{
	double sum = 0;

	if (!requests->now)
		return 0;
	json_object_object_foreach(requests->now, kind, unused) {
		(void)unused;
		sum += kind_rate(requests, kind, "count");
	}
	return sum;
}

/* How many took a time, of [[time, number], ...]. */
static int64_t number_at(struct json_object *times, struct json_object *time)
{
	for (size_t i = 0; times && i < json_object_array_length(times); i++) {
		struct json_object *pair = json_object_array_get_idx(times, i);

		if (json_object_equal(json_object_array_get_idx(pair, 0), time))
			return json_object_get_int64(json_object_array_get_idx(pair, 1));
	}
	return 0;
}

/* How many of a kind took no longer since the last look; -1 microseconds for any time. */
static int64_t number_within(const struct requests *requests, const char *kind, double longest)
{
	struct json_object *times = json_object_object_get(
		json_object_object_get(requests->now, kind), "times");
	struct json_object *old = json_object_object_get(
		json_object_object_get(requests->before, kind), "times");
	int64_t sum = 0;

	for (size_t i = 0; times && i < json_object_array_length(times); i++) {
		struct json_object *pair = json_object_array_get_idx(times, i);
		struct json_object *time = json_object_array_get_idx(pair, 0);
		int64_t number = json_object_get_int64(json_object_array_get_idx(pair, 1));
		int64_t before = number_at(old, time);

		if (longest < 0 || json_object_get_double(time) <= longest)
			sum += number >= before ? number - before : number;
	}
	return sum;
}

static int64_t transfers_within(const struct requests *requests, double longest)
{
	return number_within(requests, "read", longest) + number_within(requests, "write", longest);
}

/* The shortest time of a kind's that this share of reads and writes did not exceed, if it is less. */
static double least(const struct requests *requests, const char *kind, double share, double found)
{
	struct json_object *times = json_object_object_get(
		json_object_object_get(requests->now, kind), "times");
	const double wanted = share * (double)transfers_within(requests, -1);

	for (size_t i = 0; times && i < json_object_array_length(times); i++) {
		double time = json_object_get_double(json_object_array_get_idx(
			json_object_array_get_idx(times, i), 0));

		if (found >= 0 && time >= found)
			break;
		if ((double)transfers_within(requests, time) >= wanted)
			return time;
	}
	return found;
}

/* Nothing when nothing was read or written. */
static void add_percentile(struct json_object *row, const char *as, const struct requests *requests,
			   double share)
{
	double time = -1;

	if (transfers_within(requests, -1))
		time = least(requests, "write", share, least(requests, "read", share, time));
	json_object_object_add(row, as, time < 0 ? NULL : json_object_new_double(time));
}

static int64_t depth_of(struct json_object *stats)
{
	struct json_object *rings = json_object_object_get(stats, "rings");
	int64_t depth = 0;

	for (size_t i = 0; rings && i < json_object_array_length(rings); i++)
		depth += json_object_get_int64(json_object_object_get(
			json_object_array_get_idx(rings, i), "under_way"));
	return depth;
}

static struct json_object *disk_row(struct json_object *disk, struct json_object *now,
				    struct json_object *before, double seconds)
{
	const struct requests requests = { kinds_of(now), kinds_of(before), seconds };
	struct json_object *row = json_object_new_object();

	json_add_text(row, "disk", json_text_or_null(now, "port"));
	json_add_text(row, "state", json_text_or_null(disk, "state"));
	json_add_text(row, "status", json_text_or_null(disk, "status"));
	top_add(row, "iops", before ? all_rate(&requests) : 0);
	top_add(row, "read_iops", before ? kind_rate(&requests, "read", "count") : 0);
	top_add(row, "write_iops", before ? kind_rate(&requests, "write", "count") : 0);
	top_add(row, "read_bytes", before ? kind_rate(&requests, "read", "bytes") : 0);
	top_add(row, "write_bytes", before ? kind_rate(&requests, "write", "bytes") : 0);
	add_percentile(row, "p50_us", &requests, 0.5);
	add_percentile(row, "p99_us", &requests, 0.99);
	json_object_object_add(row, "depth", json_object_new_int64(depth_of(now)));
	json_add_text(row, "qos", json_text_or_null(disk, "qos"));
	/* Of all its rings, so it may be more than 100. */
	top_add(row, "qos_wait_percent",
		before ? top_rate(now, before, "qos_wait_ms", seconds) / 10 : 0);
	return row;
}

struct json_object *top_disks(struct json_object *list, struct json_object *now,
			      struct json_object *before, double seconds)
{
	struct json_object *rows = json_object_new_array();

	for (size_t i = 0; i < json_object_array_length(now); i++) {
		struct json_object *stats = json_object_array_get_idx(now, i);
		struct json_object *name = json_object_object_get(stats, "port"), *disk = NULL;

		for (size_t j = 0; !disk && j < json_object_array_length(list); j++) {
			disk = json_object_array_get_idx(list, j);
			if (!json_object_equal(json_object_object_get(disk, "name"), name))
				disk = NULL;
		}
		json_object_array_add(rows, disk_row(disk, stats, top_same(before, "port", stats),
						     seconds));
	}
	return rows;
}

/* "12.5 us" */
static void time_words(struct json_object *row, const char *key, const char *as)
{
	struct json_object *value = json_object_object_get(row, key);
	char text[32];

	if (!value)
		return;
	snprintf(text, sizeof(text), "%.1f us", json_object_get_double(value));
	json_add_text(row, as, text);
}

/* "gold 40 %" */
static void qos_words(struct json_object *row)
{
	const char *qos = json_text_or_null(row, "qos");
	char text[96];

	if (!qos)
		return;
	snprintf(text, sizeof(text), "%s %.0f %%", qos,
		 json_object_get_double(json_object_object_get(row, "qos_wait_percent")));
	json_add_text(row, "throttle", text);
}

int top_print_disks(struct json_object *rows)
{
	static const struct iov_column columns[] = {
		{ "disk", "DISK" },
		{ "status", "STATUS" },
		{ "short_iops", "IOPS", true },
		{ "short_read", "READ B/S", true },
		{ "short_write", "WRITE B/S", true },
		{ "p50", "P50", true },
		{ "p99", "P99", true },
		{ "depth", "DEPTH", true },
		{ "throttle", "QOS WAITS" },
	};

	if (!json_object_array_length(rows))
		return 0;
	for (size_t i = 0; i < json_object_array_length(rows); i++) {
		struct json_object *row = json_object_array_get_idx(rows, i);

		top_shorten(row, "iops", "short_iops");
		top_shorten(row, "read_bytes", "short_read");
		top_shorten(row, "write_bytes", "short_write");
		time_words(row, "p50_us", "p50");
		time_words(row, "p99_us", "p99");
		qos_words(row);
	}
	putchar('\n');
	return iov_output_table(stdout, rows, columns, sizeof(columns) / sizeof(*columns));
}
