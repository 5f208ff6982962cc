// SPDX-License-Identifier: GPL-2.0-or-later
#include "bench/blk_bench.h"

#include <errno.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "bench/figures.h"
#include "vhost-user/protocol/message.h"

#define MIB 1048576.0

/* A turn that ends after a number of requests takes as long as it takes: at most a day. */
#define ANY_SECONDS 86400.0

/* One side while it is measured; what its turns counted is added up. */
struct contender {
	struct blk_load *load;
	struct blk_load_counts sum; /* of turns */
	struct histogram latency[BLK_KINDS];
	uint64_t verdicts[BLK_VERDICTS]; /* of all that was read */
	struct blk_wrong wrong;
	uint64_t errors; /* before and behind the turns */
};

struct bench {
	struct turns turns;
	const struct blk_bench_options *options;
	struct contender contenders[BENCH_SIDES];
};

static uint64_t all(const uint64_t counts[BLK_KINDS])
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i < BLK_KINDS; i++)
		sum += counts[i];
	return sum;
}

/* Requests that were carried out: one that fails at once is none that a disk is fast with. */
static double rate_of(const struct blk_load_counts *counts)
{
	const uint64_t done = all(counts->requests) - all(counts->errors);

	return counts->seconds > 0 ? (double)done / counts->seconds : 0;
}

struct alone {
	struct blk_load *load;
	const volatile bool *stop;
};

static int run_alone(void *arg, double seconds, double *rate)
{
	const struct alone *alone = arg;
	struct blk_load_counts counts;
	int error = blk_load_run(alone->load, seconds, 0, alone->stop, &counts);

	*rate = rate_of(&counts);
	return error;
}

static int measure_headroom(struct bench *bench)
{
	const struct turns_options *options = &bench->options->turns;
	struct turns *turns = &bench->turns;
	struct alone alone = {.stop = options->stop};
	int error;

	turns_tell(turns, "the generator alone, against a disk that does nothing");
	error = blk_load_open_sink(&alone.load, turns->iov, &bench->options->load,
				   options->sink_cpu);
	if (error)
		return error;
	error = turns_headroom(turns, run_alone, &alone);
	blk_load_close(alone.load);
	return error;
}

static void add_verdicts(struct contender *contender, const struct blk_load_counts *counts)
{
	for (unsigned int i = 0; i < BLK_VERDICTS; i++)
		contender->verdicts[i] += counts->verdicts[i];
	if (contender->wrong.verdict == BLK_GOOD)
		contender->wrong = counts->wrong;
	if (!contender->sum.status)
		contender->sum.status = counts->status;
}

static void add_up(struct contender *contender, const struct blk_load_counts *counts)
{
	struct blk_load_counts *sum = &contender->sum;

	add_verdicts(contender, counts);
	for (unsigned int i = 0; i < BLK_KINDS; i++) {
		sum->requests[i] += counts->requests[i];
		sum->errors[i] += counts->errors[i];
		histogram_merge(&contender->latency[i], blk_load_latency(contender->load, i));
	}
	sum->bytes += counts->bytes;
	sum->kicks += counts->kicks;
	sum->lost += counts->lost;
	sum->seconds += counts->seconds;
}

/* Of all kinds of requests together */
static void note_latency(struct bench *bench, unsigned int side)
{
	struct histogram *times = calloc(1, sizeof(*times));

	if (!times)
		return;
	for (unsigned int i = 0; i < BLK_KINDS; i++)
		histogram_merge(times, blk_load_latency(bench->contenders[side].load, i));
	turns_latency(&bench->turns, side, times);
	free(times);
}

static int run_turn(void *arg, unsigned int side, double *rate)
{
	struct bench *bench = arg;
	const struct turns_options *options = &bench->options->turns;
	struct contender *contender = &bench->contenders[side];
	struct blk_load_counts counts;
	int error = blk_load_run(contender->load,
				 bench->options->requests ? ANY_SECONDS : options->slice,
				 bench->options->requests, options->stop, &counts);

	add_up(contender, &counts);
	note_latency(bench, side);
	*rate = rate_of(&counts);
	turns_tell(&bench->turns, "%s: turn %u of %u, %.0f requests a second, %.0f MiB a second",
		   bench->turns.sides[side].name, bench->turns.taken[side] + 1, options->turns,
		   *rate, counts.seconds > 0 ? (double)counts.bytes / MIB / counts.seconds : 0);
	return error;
}

/* Write or read all that is verified of a side. */
static int go_over(struct bench *bench, unsigned int side, const char *what,
		   int (*job)(struct blk_load *load, const volatile bool *stop,
			      struct blk_load_counts *counts))
{
	struct contender *contender = &bench->contenders[side];
	struct blk_load_counts counts;
	int error;

	turns_tell(&bench->turns, "%s: %s the blocks that are verified",
		   bench->turns.sides[side].name, what);
	error = job(contender->load, bench->options->turns.stop, &counts);
	add_verdicts(contender, &counts);
	contender->errors += all(counts.errors);
	return error;
}

static int attach(void *arg, unsigned int side)
{
	struct bench *bench = arg;
	const struct bench_side *to = &bench->turns.sides[side];
	struct blk_load_options load = bench->options->load;
	int error;

	load.listen = to->connects;
	error = blk_load_open(&bench->contenders[side].load, bench->turns.iov, to->paths[0], &load);
	if (error || !load.verify)
		return error;
	return go_over(bench, side, "writing", blk_load_fill);
}

static int read_back(struct bench *bench)
{
	int error = 0;

	for (unsigned int i = 0; !error && i < bench->turns.count; i++) {
		turns_let(&bench->turns, i, true);
		error = go_over(bench, i, "reading", blk_load_read_back);
		turns_let(&bench->turns, i, false);
	}
	return error;
}

static int measure(struct bench *bench)
{
	int error = bench->options->turns.no_headroom ? 0 : measure_headroom(bench);

	if (!error)
		error = turns_attach(&bench->turns, attach, bench);
	if (!error)
		error = turns_run(&bench->turns, run_turn, bench);
	return error || !bench->options->load.verify ? error : read_back(bench);
}

static struct json_object *kind_json(const struct contender *contender, enum blk_kind kind)
{
	const struct blk_load_counts *sum = &contender->sum;
	struct json_object *object = json_object_new_object();

	json_object_object_add(object, "kind", json_object_new_string(blk_kind_name(kind)));
	figures_count(object, "requests", sum->requests[kind]);
	figures_count(object, "errors", sum->errors[kind]);
	if (sum->seconds > 0)
		figures_add(object, "iops",
			    (double)(sum->requests[kind] - sum->errors[kind]) / sum->seconds);
	json_object_object_add(object, "latency_us", figures_latency(&contender->latency[kind]));
	return object;
}

static struct json_object *disk_json(const struct blk_load *load)
{
	const struct blk_disk *disk = blk_load_disk(load);
	struct json_object *object = json_object_new_object();

	figures_count(object, "bytes", disk->bytes);
	figures_count(object, "block_size", disk->block_size);
	figures_count(object, "seg_max", disk->seg_max);
	figures_count(object, "size_max", disk->size_max);
	figures_count(object, "queues", disk->queues);
	json_object_object_add(object, "read_only", json_object_new_boolean(disk->is_read_only));
	return object;
}

static struct json_object *rings_json(const struct blk_load *load)
{
	const uint64_t features = blk_load_features(load);
	struct json_object *object = json_object_new_object();

	figures_count(object, "size", blk_load_shape(load)->ring_size);
	figures_count(object, "descriptors", blk_load_shape(load)->parts);
	json_object_object_add(object, "indirect",
			       json_object_new_boolean(blk_load_shape(load)->is_indirect));
	json_object_object_add(object, "event_idx",
			       json_object_new_boolean(features & VU_BIT(VIRTIO_RING_F_EVENT_IDX)));
	return object;
}

static struct json_object *wrong_json(const struct blk_wrong *wrong)
{
	struct json_object *object = json_object_new_object();

	json_object_object_add(object, "is",
			       json_object_new_string(blk_verdict_name(wrong->verdict)));
	figures_count(object, "sector", wrong->sector);
	figures_count(object, "generation", wrong->generation);
	figures_count(object, "found_sector", wrong->found_sector);
	figures_count(object, "found_generation", wrong->found_generation);
	json_object_object_add(object, "zero", json_object_new_boolean(wrong->is_zero));
	json_object_object_add(object, "untouched", json_object_new_boolean(wrong->is_untouched));
	return object;
}

static void add_verified(const struct contender *contender, struct json_object *object)
{
	uint64_t checked = 0;

	for (unsigned int i = 0; i < BLK_VERDICTS; i++)
		checked += contender->verdicts[i];
	figures_count(object, "checked", checked);
	for (unsigned int i = BLK_STALE; i < BLK_VERDICTS; i++)
		figures_count(object, blk_verdict_name(i), contender->verdicts[i]);
	if (contender->wrong.verdict != BLK_GOOD)
		json_object_object_add(object, "first_wrong", wrong_json(&contender->wrong));
}

static struct json_object *side_json(const struct bench *bench, unsigned int side)
{
	const struct contender *contender = &bench->contenders[side];
	const struct blk_load_counts *sum = &contender->sum;
	const uint64_t requests = all(sum->requests);
	struct json_object *object = json_object_new_object(), *kinds = json_object_new_array();

	json_object_object_add(object, "side",
			       json_object_new_string(bench->turns.sides[side].name));
	json_object_object_add(object, "disk", disk_json(contender->load));
	json_object_object_add(object, "rings", rings_json(contender->load));
	figures_count(object, "requests", requests);
	figures_count(object, "errors", all(sum->errors) + contender->errors);
	if (sum->status)
		figures_count(object, "first_status", sum->status);
	figures_count(object, "lost", sum->lost);
	figures_add(object, "seconds", sum->seconds);
	figures_add(object, "iops", rate_of(sum));
	figures_add(object, "mib", sum->seconds > 0 ? (double)sum->bytes / MIB / sum->seconds : 0);
	figures_add(object, "kicks_per_request",
		    requests ? (double)sum->kicks / (double)requests : 0);
	turns_add(&bench->turns, side, object, 1, rate_of(sum));
	for (unsigned int i = 0; i < BLK_KINDS; i++)
		if (sum->requests[i])
			json_object_array_add(kinds, kind_json(contender, i));
	json_object_object_add(object, "kinds", kinds);
	if (bench->options->load.verify)
		add_verified(contender, object);
	return object;
}

static struct json_object *load_json(const struct bench *bench)
{
	const struct blk_load_options *load = &bench->options->load;
	struct json_object *object = json_object_new_object();

	figures_count(object, "size", load->size);
	figures_count(object, "depth", load->depth);
	figures_count(object, "queues", load->queues);
	json_object_object_add(object, "rings",
			       json_object_new_string(load->packed ? "packed" : "split"));
	figures_count(object, "segments", load->segments);
	json_object_object_add(object, "order",
			       json_object_new_string(load->is_random ? "random" : "sequential"));
	figures_count(object, "read_percent", load->read_percent);
	figures_count(object, "flush_every", load->flush_every);
	figures_add(object, "slice", bench->options->turns.slice);
	figures_count(object, "requests", bench->options->requests);
	json_object_object_add(object, "verified", json_object_new_boolean(load->verify));
	return object;
}

/* Whether there is anything to tell of a side. */
static bool has_results(const struct contender *contender)
{
	return all(contender->sum.requests) || contender->errors ||
	       contender->wrong.verdict != BLK_GOOD;
}

static struct json_object *results(void *arg)
{
	const struct bench *bench = arg;
	struct json_object *object = json_object_new_object(), *sides = json_object_new_array();
	bool huge = true;

	json_object_object_add(object, "load", load_json(bench));
	for (unsigned int i = 0; i < bench->turns.count; i++) {
		if (has_results(&bench->contenders[i]))
			json_object_array_add(sides, side_json(bench, i));
		huge &= blk_load_is_huge(bench->contenders[i].load);
	}
	json_object_object_add(object, "huge_pages", json_object_new_boolean(huge));
	if (bench->turns.headroom > 0)
		figures_add(object, "generator_iops", bench->turns.headroom);
	json_object_object_add(object, "sides", sides);
	return object;
}

static void detach(struct bench *bench)
{
	for (unsigned int i = 0; i < bench->turns.total; i++) {
		/* Who is stopped does not answer. */
		turns_let(&bench->turns, i, true);
		blk_load_close(bench->contenders[i].load);
	}
	turns_close(&bench->turns);
	free(bench);
}

int blk_bench_run(struct json_object **out, struct iov *iov, const struct bench_side *sides,
		  unsigned int count, const struct blk_bench_options *options)
{
	struct bench *bench = calloc(1, sizeof(*bench));
	int error;

	*out = NULL;
	if (!bench)
		return iov_fail(iov, -ENOMEM, "no memory for the results");
	bench->options = options;
	error = turns_open(&bench->turns, iov, sides, count, &options->turns);
	bench->turns.results = results;
	if (!error)
		error = measure(bench);
	if (bench->turns.count && (!error || has_results(&bench->contenders[0])))
		*out = results(bench);
	detach(bench);
	return error;
}
