// SPDX-License-Identifier: GPL-2.0-or-later
/* What iovd carries and drops, and its disks do, between two looks. */
#include "base/clock.h"
#include "base/rpc/rpc.h"
#include "cli/top.h"

void top_release(struct top_sample *sample)
{
	json_object_put(sample->ports);
	json_object_put(sample->daemon);
	json_object_put(sample->disks);
	json_object_put(sample->requests);
	*sample = (struct top_sample){ 0 };
}

int top_take(struct iov *iov, struct top_sample *sample)
{
	int error = iov_rpc_call(iov, "port.stats", NULL, &sample->ports);

	if (!error)
		error = iov_rpc_call(iov, "version", NULL, &sample->daemon);
	if (!error)
		error = iov_rpc_call(iov, "disk.list", NULL, &sample->disks);
	if (!error)
		error = iov_rpc_call(iov, "disk.stats", NULL, &sample->requests);
	sample->seconds = (double)monotonic_ns() / 1e9;
	return error;
}

static uint64_t count_of(struct json_object *object, const char *key)
{
	return json_object_get_uint64(json_object_object_get(object, key));
}

double top_rate(struct json_object *now, struct json_object *before, const char *key, double seconds)
{
	uint64_t value = count_of(now, key), old = before ? count_of(before, key) : value;

	return (double)(value >= old ? value - old : value) / seconds;
}

struct json_object *top_same(struct json_object *array, const char *key, struct json_object *as)
{
	for (size_t i = 0; array && i < json_object_array_length(array); i++) {
		struct json_object *object = json_object_array_get_idx(array, i);

		if (json_object_equal(json_object_object_get(object, key),
				      json_object_object_get(as, key)))
			return object;
	}
	return NULL;
}

void top_add(struct json_object *row, const char *as, double value)
{
	json_object_object_add(row, as, json_object_new_double(value));
}

/* Reasons whose counters grew, and by how much a second. */
static struct json_object *drop_rates(struct json_object *now, struct json_object *before,
				      double seconds)
{
	struct json_object *rates = json_object_new_object();
	struct json_object *drops = json_object_object_get(now, "drops");
	struct json_object *old = json_object_object_get(before, "drops");

	if (!drops)
		return rates;
	json_object_object_foreach(drops, reason, unused) {
		double value = top_rate(drops, old ? old : rates, reason, seconds);

		(void)unused;
		if (before && value > 0)
			top_add(rates, reason, value);
	}
	return rates;
}

static struct json_object *ring_rates(struct json_object *now, struct json_object *before,
				      double seconds)
{
	struct json_object *rings = json_object_object_get(now, "rings");
	struct json_object *old = json_object_object_get(before, "rings");
	struct json_object *rates = json_object_new_array();

	for (size_t i = 0; rings && i < json_object_array_length(rings); i++) {
		struct json_object *ring = json_object_array_get_idx(rings, i);
		struct json_object *row = json_object_new_object();

		json_object_object_add(row, "ring",
				       json_object_get(json_object_object_get(ring, "ring")));
		json_object_object_add(row, "direction",
				       json_object_get(json_object_object_get(ring, "direction")));
		top_add(row, "pps", top_rate(ring, top_same(old, "ring", ring), "frames", seconds));
		json_object_array_add(rates, row);
	}
	return rates;
}

static struct json_object *port_rates(struct json_object *now, struct json_object *before,
				      double seconds)
{
	struct json_object *row = json_object_new_object();

	json_object_object_add(row, "port", json_object_get(json_object_object_get(now, "port")));
	top_add(row, "rx_pps", top_rate(now, before, "rx_packets", seconds));
	top_add(row, "rx_bps", 8 * top_rate(now, before, "rx_bytes", seconds));
	top_add(row, "tx_pps", top_rate(now, before, "tx_packets", seconds));
	top_add(row, "tx_bps", 8 * top_rate(now, before, "tx_bytes", seconds));
	json_object_object_add(row, "drops", drop_rates(now, before, seconds));
	json_object_object_add(row, "rings", ring_rates(now, before, seconds));
	return row;
}

static double microseconds(struct json_object *worker, const char *key)
{
	return json_object_get_double(json_object_object_get(worker, key)) / 1e3;
}

static struct json_object *worker_rates(struct json_object *worker, struct json_object *old,
					double seconds)
{
	struct json_object *row = json_object_new_object();

	json_object_object_add(row, "cpu", json_object_get(json_object_object_get(worker, "cpu")));
	json_object_object_add(row, "poll", json_object_get(json_object_object_get(worker, "poll")));
	top_add(row, "load_percent", top_rate(worker, old, "busy_ns", seconds) / 1e7);
	top_add(row, "sleeps", top_rate(worker, old, "sleeps", seconds));
	top_add(row, "longest_pass_us", microseconds(worker, "recent_ns"));
	top_add(row, "longest_pass_ever_us", microseconds(worker, "longest_ns"));
	return row;
}

static struct json_object *all_workers(const struct top_sample *now, const struct top_sample *before)
{
	struct json_object *workers = json_object_object_get(now->daemon, "workers");
	struct json_object *old = json_object_object_get(before->daemon, "workers");
	struct json_object *rows = json_object_new_array();

	for (size_t i = 0; i < json_object_array_length(workers); i++)
		json_object_array_add(rows, worker_rates(json_object_array_get_idx(workers, i),
							 json_object_array_get_idx(old, i),
							 now->seconds - before->seconds));
	return rows;
}

struct json_object *top_difference(const struct top_sample *now, const struct top_sample *before)
{
	struct json_object *result = json_object_new_object(), *rows = json_object_new_array();
	double seconds = now->seconds - before->seconds;

	for (size_t i = 0; i < json_object_array_length(now->ports); i++) {
		struct json_object *port = json_object_array_get_idx(now->ports, i);

		json_object_array_add(rows,
				      port_rates(port, top_same(before->ports, "port", port), seconds));
	}
	top_add(result, "seconds", seconds);
	json_object_object_add(result, "workers", all_workers(now, before));
	json_object_object_add(result, "ports", rows);
	json_object_object_add(result, "disks",
			       top_disks(now->disks, now->requests, before->requests, seconds));
	return result;
}
