// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhost-user/port/disk_stats.h"

#include <rte_cycles.h>

#include "base/json.h"
#include "vhost-user/counter.h"
#include "vhost-user/port/disk_port.h"

uint64_t disk_sum(const struct disk_port *disk, unsigned int kind, size_t offset)
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i < disk->port.queue_end; i++)
		if (disk->counters[i])
			sum += counter_get((const uint64_t *)((const char *)&disk->counters[i][kind] +
							      offset));
	return sum;
}

static void add_buckets(struct blk_counters *sum, const struct blk_counters *counters)
{
	for (unsigned int i = 0; i < BLK_LATENCY_BUCKETS; i++)
		sum->buckets[i] += counter_get(&counters->buckets[i]);
}

/* All of that. */
static struct blk_counters sum_of(const struct disk_port *disk, unsigned int kind)
{
	struct blk_counters sum = {
		.count = disk_sum(disk, kind, offsetof(struct blk_counters, count)),
		.failed = disk_sum(disk, kind, offsetof(struct blk_counters, failed)),
		.bytes = disk_sum(disk, kind, offsetof(struct blk_counters, bytes)),
		.cycles = disk_sum(disk, kind, offsetof(struct blk_counters, cycles)),
	};

	for (unsigned int i = 0; sum.count && i < disk->port.queue_end; i++)
		if (disk->counters[i] && counter_get(&disk->counters[i][kind].count))
			add_buckets(&sum, &disk->counters[i][kind]);
	return sum;
}

static double to_us(uint64_t cycles)
{
	return (double)cycles * 1e6 / (double)rte_get_tsc_hz();
}

/* A time that this share of all did not exceed. */
static double percentile(const struct blk_counters *counters, double share)
{
	uint64_t seen = 0, all = 0;

	for (unsigned int i = 0; i < BLK_LATENCY_BUCKETS; i++)
		all += counters->buckets[i];
	for (unsigned int i = 0; i < BLK_LATENCY_BUCKETS; i++) {
		seen += counters->buckets[i];
		if (seen && (double)seen >= share * (double)all)
			return to_us(blk_latency_end(i));
	}
	return 0;
}

/* Those that were not 0: [[microseconds, requests that took no more and not less than the one before]] */
static struct json_object *times_json(const struct blk_counters *counters)
{
	struct json_object *times = json_object_new_array();

	for (unsigned int i = 0; i < BLK_LATENCY_BUCKETS; i++) {
		struct json_object *pair;

		if (!counters->buckets[i])
			continue;
		pair = json_object_new_array();
		json_object_array_add(pair, json_object_new_double(to_us(blk_latency_end(i))));
		json_object_array_add(pair, json_object_new_uint64(counters->buckets[i]));
		json_object_array_add(times, pair);
	}
	return times;
}

static struct json_object *kind_json(const struct blk_counters *counters, unsigned int kind)
{
	static const struct {
		const char *name;
		double share;
	} shares[] = { { "p50_us", 0.5 }, { "p99_us", 0.99 }, { "p999_us", 0.999 } };
	struct json_object *object = json_object_new_object();

	json_object_object_add(object, "count", json_object_new_uint64(counters->count));
	json_object_object_add(object, "failed", json_object_new_uint64(counters->failed));
	if (kind <= BLK_KIND_WRITE || kind == BLK_KIND_ZONE_APPEND)
		json_object_object_add(object, "bytes", json_object_new_uint64(counters->bytes));
	json_object_object_add(object, "mean_us", json_object_new_double(
		to_us(counters->cycles) / (double)(counters->count ? counters->count : 1)));
	for (unsigned int i = 0; i < sizeof(shares) / sizeof(*shares); i++)
		json_object_object_add(object, shares[i].name, json_object_new_double(
			percentile(counters, shares[i].share)));
	json_object_object_add(object, "times", times_json(counters));
	return object;
}

void disk_count(const struct port *port, struct json_object *object)
{
	const struct qos_counts *limited = &disk_port_of(port)->disk.qos.counts;
	struct json_object *kinds = json_object_new_object();

	for (unsigned int kind = 0; kind < BLK_KINDS; kind++) {
		const struct blk_counters sum = sum_of(disk_port_of(port), kind);

		if (sum.count)
			json_object_object_add(kinds, blk_kind_name(kind), kind_json(&sum, kind));
	}
	json_object_object_add(object, "requests", kinds);
	json_object_object_add(object, "qos_waits", json_object_new_uint64(counter_get(&limited->waits)));
	json_object_object_add(object, "qos_wait_ms",
			       json_object_new_uint64(counter_get(&limited->wait_ns) / 1000000));
}

static const char *label_of(unsigned int kind)
{
	return blk_kind_name(kind);
}

/* What took so long that it may be more is counted behind a bound, which is an eighth of it at most. */
static void add_times(const struct blk_counters *counters, struct port_times *times)
{
	unsigned int bound = 0;
	uint64_t sum = 0;

	for (unsigned int i = 0; i < BLK_LATENCY_BUCKETS; i++) {
		const double ns = to_us(blk_latency_end(i)) * 1e3;

		for (; bound < PORT_TIMES && ns > (double)port_time_bounds[bound].ns; bound++)
			times->counts[bound] = sum;
		sum += counters->buckets[i];
	}
	for (; bound < PORT_TIMES; bound++)
		times->counts[bound] = sum;
	times->count = sum;
	times->seconds = to_us(counters->cycles) / 1e6;
}

/* Guests do these at some time, so a rate is right from the first one on. */
static bool is_usual(unsigned int kind)
{
	return kind == BLK_KIND_READ || kind == BLK_KIND_WRITE || kind == BLK_KIND_FLUSH;
}

static bool times_of(const struct port *port, unsigned int kind, struct port_times *times)
{
	const struct blk_counters sum = sum_of(disk_port_of(port), kind);

	if (!sum.count && !is_usual(kind))
		return false;
	add_times(&sum, times);
	return true;
}

const struct port_histogram disk_histogram = {
	.name = "disk_request_seconds",
	.help = "How long requests of a guest took, from when they were taken until they were given back",
	.label = "kind",
	.count = BLK_KINDS,
	.label_of = label_of,
	.times_of = times_of,
};

static uint64_t bytes_of(const struct port *port)
{
	return disk_port_of(port)->disk.geometry.bytes;
}

static uint64_t read_requests(const struct port *port)
{
	return disk_sum(disk_port_of(port), BLK_KIND_READ, offsetof(struct blk_counters, count));
}

static uint64_t write_requests(const struct port *port)
{
	return disk_sum(disk_port_of(port), BLK_KIND_WRITE, offsetof(struct blk_counters, count));
}

static uint64_t read_bytes(const struct port *port)
{
	return disk_sum(disk_port_of(port), BLK_KIND_READ, offsetof(struct blk_counters, bytes));
}

static uint64_t write_bytes(const struct port *port)
{
	return disk_sum(disk_port_of(port), BLK_KIND_WRITE, offsetof(struct blk_counters, bytes));
}

static uint64_t failed_requests(const struct port *port)
{
	uint64_t failed = 0;

	for (unsigned int kind = 0; kind < BLK_KINDS; kind++)
		failed += disk_sum(disk_port_of(port), kind, offsetof(struct blk_counters, failed));
	return failed;
}

static uint64_t losses(const struct port *port)
{
	return disk_port_of(port)->reach.losses;
}

const struct port_metric disk_metrics[] = {
	{ "disk_size_bytes", true, "bytes", "Size of a disk", bytes_of },
	{ "disk_read_requests", false, NULL, "Reads of a guest that were given back", read_requests },
	{ "disk_write_requests", false, NULL, "Writes of a guest that were given back",
	  write_requests },
	{ "disk_read_bytes", false, "bytes", "What a guest read", read_bytes },
	{ "disk_written_bytes", false, "bytes", "What a guest wrote", write_bytes },
	{ "disk_failed_requests", false, NULL, "Requests of a guest that failed", failed_requests },
	{ "disk_lost_connections", false, NULL, "Connections to the server of a disk that broke",
	  losses },
	{ NULL },
};

