// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * All guests are there from the beginning, and stopped but for the one that is measured: turns of
 * different sides are beside each other then, as machines drift, and no boot is between them.
 */
#include "bench/guest/guest_bench.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/sysroot/paths.h"
#include "bench/figures.h"
#include "bench/guest/initramfs.h"
#include "bench/guest/probe.h"
#include "bench/guest/side.h"

/* The ways without a device, devices, and these on the host. */
#define SIDES (8 + 2 * GUEST_DEVICES)
#define IMAGE (64u << 20)
#define LOAD_SLACK_MS 60000
#define EMULATED_TIMES 4 /* as long, where time is the emulator's */
#define BOOT_MS 60000
#define US 1000.0
#define S_NS 1e9

/**
 * struct load - one thing that is measured
 * @name: in results
 * @class: of what
 * @command: for the probe; %u is milliseconds
 * @depth: of requests, GUEST_DISK
 * @counted: member of the probe's answer that the rate is made of
 * @scale: of the rate: what so many a nanosecond are
 * @units: member with the packets or requests that all else is divided by
 * @lost: member with what went wrong; NULL for none
 * @times: whether there are percentiles
 * @what: of a side, when two files are compared
 * @unit: of the rate
 */
static const struct load {
	const char *name;
	enum guest_class class;
	const char *command;
	unsigned int depth;
	const char *counted;
	double scale;
	const char *units;
	const char *lost;
	bool times;
	const char *what;
	const char *unit;
} loads[] = {
	{"out", GUEST_NETWORK, "out %u", 0, "bytes", 8000, "packets", NULL, false, "from the guest",
	 "Mbit/s"},
	{"in", GUEST_NETWORK, "in %u", 0, "bytes", 8000, "packets", NULL, false, "to the guest", "Mbit/s"},
	{"packets", GUEST_NETWORK, "packets %u", 0, "bytes", S_NS / PROBE_PACKET, "packets", NULL, false,
	 "packets", "packets a second"},
	{"round_trips", GUEST_NETWORK, "turns %u", 0, "turns", S_NS, "packets", "lost", true,
	 "round trips", "round trips a second"},
	{"1", GUEST_DISK, "read 1 %u", 1, "requests", S_NS, "requests", "errors", true,
	 "reads at depth 1", "reads a second"},
	{"8", GUEST_DISK, "read 8 %u", 8, "requests", S_NS, "requests", "errors", true,
	 "reads at depth 8", "reads a second"},
	{"32", GUEST_DISK, "read 32 %u", 32, "requests", S_NS, "requests", "errors", true,
	 "reads at depth 32", "reads a second"},
};

#define LOADS (sizeof(loads) / sizeof(*loads))

_Static_assert(LOADS <= SIDE_LOADS, "there is a tally for each load");

static const char *const time_keys[SIDE_TIMES] = {"p50", "p90", "p99", "p999", "max"};
static const char *const time_names[SIDE_TIMES] = {"p50", "p90", "p99", "p99.9", "p100"};
/* Those that say something of a turn */
static const unsigned int compared[] = {0, 2};

struct bench {
	struct stage stage;
	const struct guest_bench_options *options;
	struct side *sides;
	size_t count;
	uint64_t begin;
	unsigned int done;	/* loads */
	unsigned int planned;
	uint64_t measuring;	/* since when */
	bool is_cut;
};

static bool is_stopped(const struct bench *bench)
{
	return bench->options->stop && *bench->options->stop;
}

static double elapsed(const struct bench *bench)
{
	return (double)(monotonic_ms() - bench->begin) / 1000;
}

/* Of a load, by those that were; before the first one by what was asked for. */
static double load_seconds(const struct bench *bench)
{
	return bench->done ? (double)(monotonic_ms() - bench->measuring) / 1000 / bench->done
			   : bench->options->seconds * 1.3;
}

static void tell(const struct bench *bench, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void tell(const struct bench *bench, const char *format, ...)
{
	char text[256];
	va_list args;

	if (!bench->options->progress)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	bench->options->progress(bench->options->progress_arg, text);
}

/* How many times as long an emulated guest or host may take. */
static unsigned int patience(const struct bench *bench)
{
	return bench->options->kvm && !bench->options->emulated ? 1 : EMULATED_TIMES;
}

/* Measuring */

static double number(struct json_object *object, const char *key)
{
	return json_object_get_double(json_object_object_get(object, key));
}

static uint64_t less(uint64_t value, uint64_t than)
{
	return value > than ? value - than : 0;
}

static void add_counts(struct side *side, struct tally *tally, const struct counts *before,
		       const struct counts *after)
{
	tally->has = before->has & after->has & side->asking.has;
	for (unsigned int i = 0; i < COUNTS_KVM; i++)
		tally->kvm[i] += (double)less(less(after->kvm[i], before->kvm[i]),
					      side->asking.kvm[i]);
	tally->cpu_us += (double)less(after->cpu_us, before->cpu_us);
}

static void add_answer(struct tally *tally, const struct load *load, struct json_object *answer)
{
	const double ns = number(answer, "ns");

	tally->rates[tally->count] = ns > 0 ? number(answer, load->counted) / ns * load->scale : 0;
	for (unsigned int i = 0; load->times && i < SIDE_TIMES; i++)
		tally->times[i][tally->count] = number(answer, time_keys[i]);
	tally->count++;
	tally->units += number(answer, load->units);
	tally->interrupts += number(answer, "interrupts");
	tally->ns += ns;
	if (load->lost)
		tally->errors += number(answer, load->lost);
}

static void whose(struct side *side, struct counted *counted)
{
	*counted = (struct counted){.machine = &side->machine};
	for (unsigned int i = 0; i < GUEST_CLASSES; i++)
		if (side->helpers[i].pid > 0)
			counted->pids[counted->count++] = side->helpers[i].pid;
}

static int make_tally(const struct bench *bench, struct tally *tally)
{
	const size_t turns = bench->options->turns;

	if (tally->rates)
		return 0;
	tally->rates = calloc(turns, sizeof(*tally->rates));
	for (unsigned int i = 0; i < SIDE_TIMES; i++)
		tally->times[i] = calloc(turns, sizeof(**tally->times));
	for (unsigned int i = 0; i < SIDE_TIMES; i++)
		if (!tally->rates || !tally->times[i])
			return iov_fail(bench->stage.iov, -ENOMEM, "no memory for the results");
	return 0;
}

static int run_load(struct bench *bench, struct side *side, size_t index)
{
	const unsigned int ms = (unsigned int)(bench->options->seconds * 1000);
	const struct load *load = &loads[index];
	struct tally *tally = &side->tallies[index];
	struct instructions instructions;
	struct json_object *answer;
	struct counts before, after;
	struct counted counted;
	char command[64];
	uint64_t carried;
	int error = make_tally(bench, tally);

	if (error)
		return error;
	snprintf(command, sizeof(command), load->command, ms);
	whose(side, &counted);
	instructions_begin(&instructions, &counted);
	counts_read(&before, bench->stage.iov, &counted);
	error = machine_ask(&side->machine, ms + LOAD_SLACK_MS * patience(bench), &answer, "%s", command);
	counts_read(&after, bench->stage.iov, &counted);
	carried = instructions_end(&instructions);
	if (error)
		return error;
	add_answer(tally, load, answer);
	add_counts(side, tally, &before, &after);
	tally->instructions += (double)carried;
	json_object_put(answer);
	return 0;
}

/* What the guest leaves for while it is asked for nothing. */
static int measure_asking(struct bench *bench, struct side *side)
{
	struct counts before, after;
	struct counted counted;
	struct json_object *answer;
	int error;

	whose(side, &counted);
	counts_read(&before, bench->stage.iov, &counted);
	error = machine_ask(&side->machine, LOAD_SLACK_MS * patience(bench), &answer, "idle 0");
	counts_read(&after, bench->stage.iov, &counted);
	json_object_put(answer);
	side->asking.has = before.has & after.has;
	for (unsigned int i = 0; i < COUNTS_KVM; i++)
		side->asking.kvm[i] = less(after.kvm[i], before.kvm[i]);
	return error;
}

static bool can_run(const struct side *side, size_t load)
{
	return side->has & 1u << loads[load].class && !(side->failed & 1u << load);
}

/* A load that fails is not tried again; the side has what it had, and goes on with the others. */
static int drop(struct bench *bench, struct side *side, size_t load, int error)
{
	if (error == -EINTR || error == -ENOMEM)
		return error;
	stage_gap(&bench->stage, side->name, loads[load].name);
	side->failed |= 1u << load;
	/* An answer that comes late would be taken for that of another question. */
	if (error == -ETIMEDOUT || !child_runs(&side->machine.child))
		side->has = 0;
	return 0;
}

static int take_turn(struct bench *bench, struct side *side, unsigned int turn)
{
	int error = turn ? 0 : measure_asking(bench, side);

	for (size_t i = 0; !error && i < LOADS; i++) {
		const double left = load_seconds(bench) * (bench->planned - bench->done);

		if (!can_run(side, i))
			continue;
		tell(bench, "%s: %s%s, turn %u of %u; about %.0f s left", side->name,
		     loads[i].depth ? "reads at depth " : "", loads[i].name, turn + 1,
		     bench->options->turns, left);
		error = run_load(bench, side, i);
		bench->done++;
		if (error)
			error = drop(bench, side, i, error);
	}
	return error;
}

/* Whoever has nothing left to be measured takes no time from others. */
static void pause_side(struct side *side)
{
	if (side->has)
		machine_let(&side->machine, false);
	else
		side_stop(side);
}

static unsigned int loads_of(const struct side *side)
{
	unsigned int count = 0;

	for (size_t i = 0; i < LOADS; i++)
		count += can_run(side, i);
	return count;
}

/* Whether another round would end within the limit. */
static bool has_time(struct bench *bench, unsigned int loads_left)
{
	if (elapsed(bench) + load_seconds(bench) * loads_left <= bench->options->limit)
		return true;
	bench->is_cut = true;
	return false;
}

/* Results */

static double per(double value, double units)
{
	return units > 0 ? value / units : 0;
}

static struct json_object *numbers_json(const double *values, size_t count, double scale)
{
	struct json_object *array = json_object_new_array();

	for (size_t i = 0; i < count; i++)
		json_object_array_add(array, json_object_new_double(values[i] * scale));
	return array;
}

static struct json_object *times_json(const struct tally *tally)
{
	struct json_object *object = json_object_new_object();

	/* Their order is told nowhere. */
	for (unsigned int i = 0; i < SIDE_TIMES; i++)
		figures_add(object, time_names[i], figures_median(tally->times[i], tally->count) / US);
	return object;
}

static void add_per(struct json_object *object, const struct tally *tally)
{
	char key[64];

	for (unsigned int i = 0; i < COUNTS_KVM; i++) {
		if (!(tally->has & 1u << i))
			continue;
		snprintf(key, sizeof(key), "%s_per_unit", counts_name(i));
		figures_add(object, key, per(tally->kvm[i], tally->units));
	}
	figures_add(object, "interrupts_per_unit", per(tally->interrupts, tally->units));
	figures_add(object, "cpu_us_per_unit", per(tally->cpu_us, tally->units));
	figures_add(object, "cpu_percent", per(tally->cpu_us * US * 100, tally->ns));
	if (tally->instructions > 0)
		figures_add(object, "instructions_per_unit", per(tally->instructions, tally->units));
}

static struct json_object *tally_json(const struct load *load, const struct tally *tally)
{
	struct json_object *object = json_object_new_object();

	if (load->depth)
		figures_count(object, "depth", load->depth);
	json_object_object_add(object, "rate", figures_spread(tally->rates, tally->count, 1));
	json_object_object_add(object, "turns", numbers_json(tally->rates, tally->count, 1));
	figures_count(object, "units", (uint64_t)tally->units);
	if (load->lost)
		figures_count(object, "lost", (uint64_t)tally->errors);
	if (load->times)
		json_object_object_add(object, "latency_us", times_json(tally));
	add_per(object, tally);
	return object;
}

static struct json_object *side_json(const struct side *side, enum guest_class class)
{
	struct json_object *object = json_object_new_object(), *depths = json_object_new_array();
	bool any = false;

	json_object_object_add(object, "side", json_object_new_string(side->name));
	json_object_object_add(object, "way", json_object_new_string(side->way));
	json_add_text(object, "device", side->device ? side->device->name : NULL);
	if (class == GUEST_NETWORK)
		json_add_text(object, "driver", side->driver[0] ? side->driver : NULL);
	for (size_t i = 0; i < LOADS; i++) {
		if (loads[i].class != class || !side->tallies[i].count)
			continue;
		any = true;
		if (class == GUEST_DISK)
			json_object_array_add(depths, tally_json(&loads[i], &side->tallies[i]));
		else
			json_object_object_add(object, loads[i].name,
					       tally_json(&loads[i], &side->tallies[i]));
	}
	if (class == GUEST_DISK)
		json_object_object_add(object, "depths", depths);
	else
		json_object_put(depths);
	if (any)
		return object;
	json_object_put(object);
	return NULL;
}

static struct json_object *class_json(const struct bench *bench, enum guest_class class)
{
	struct json_object *array = json_object_new_array();

	for (size_t i = 0; i < bench->count; i++) {
		struct json_object *side = side_json(&bench->sides[i], class);

		if (side)
			json_object_array_add(array, side);
	}
	return array;
}

/* One load of one side, turn by turn. */
static struct json_object *turns_json(const struct side *side, const struct load *load, const struct tally *tally)
{
	struct json_object *object = json_object_new_object(), *times = json_object_new_object();
	char name[128];

	snprintf(name, sizeof(name), "%s, %s", side->name, load->what);
	json_add_text(object, "side", name);
	json_add_text(object, "unit", load->unit);
	figures_add(object, GUEST_BENCH_FIGURE, figures_median(tally->rates, tally->count));
	json_object_object_add(object, "turns", numbers_json(tally->rates, tally->count, 1));
	for (size_t i = 0; load->times && i < sizeof(compared) / sizeof(*compared); i++)
		json_object_object_add(times, time_names[compared[i]],
				       numbers_json(tally->times[compared[i]], tally->count, 1 / US));
	if (load->times)
		json_object_object_add(object, "turn_latency_us", times);
	else
		json_object_put(times);
	return object;
}

/* What all files of results have, and two of them are compared by. */
static struct json_object *sides_json(const struct bench *bench)
{
	struct json_object *array = json_object_new_array();

	for (size_t i = 0; i < bench->count; i++)
		for (size_t j = 0; j < LOADS; j++)
			if (bench->sides[i].tallies[j].count)
				json_object_array_add(array, turns_json(&bench->sides[i], &loads[j],
									&bench->sides[i].tallies[j]));
	return array;
}

static struct json_object *host_json(const struct guest_bench_options *options)
{
	struct json_object *object = json_object_new_object();
	struct utsname names;

	uname(&names);
	json_object_object_add(object, "kernel", json_object_new_string(names.release));
	figures_count(object, "cpus", (uint64_t)sysconf(_SC_NPROCESSORS_ONLN));
	json_add_text(object, "hypervisor", *options->hypervisor ? options->hypervisor : NULL);
	json_object_object_add(object, "emulated", json_object_new_boolean(options->emulated));
	json_object_object_add(object, "accelerator",
			       json_object_new_string(options->kvm ? "kvm" : "tcg"));
	return object;
}

static struct json_object *load_json(const struct bench *bench)
{
	const struct guest_bench_options *options = bench->options;
	struct json_object *object = json_object_new_object();

	figures_add(object, "seconds", options->seconds);
	figures_count(object, "turns", options->turns);
	figures_count(object, "memory_mib", options->memory);
	figures_count(object, "cpus", options->cpus);
	figures_count(object, "packet", PROBE_PACKET);
	figures_count(object, "request", PROBE_BLOCK);
	json_object_object_add(object, "page_cache",
			       json_object_new_boolean(!bench->stage.direct));
	return object;
}

/* What counts on this host: it decides what is advised. */
static const char *counting(const struct guest_bench_options *options)
{
	if (options->emulated && options->kvm)
		return "exits";
	return options->kvm ? "time" : "nothing";
}

static void results(struct bench *bench, struct json_object **out, bool is_whole)
{
	struct json_object *networks = class_json(bench, GUEST_NETWORK);
	struct json_object *disks = class_json(bench, GUEST_DISK);

	*out = NULL;
	if (!json_object_array_length(networks) && !json_object_array_length(disks) && !is_whole) {
		json_object_put(networks);
		json_object_put(disks);
		return;
	}
	*out = json_object_new_object();
	json_object_object_add(*out, "host", host_json(bench->options));
	json_object_object_add(*out, "load", load_json(bench));
	json_object_object_add(*out, "counts", json_object_new_string(counting(bench->options)));
	json_object_object_add(*out, "networks", networks);
	json_object_object_add(*out, "disks", disks);
	json_object_object_add(*out, "sides", sides_json(bench));
	json_object_object_add(*out, "gaps", json_object_get(bench->stage.gaps));
	json_object_object_add(*out, "complete", json_object_new_boolean(is_whole && !bench->is_cut));
	figures_add(*out, "seconds", elapsed(bench));
	guest_bench_advise(*out);
}

/* What there is so far, for who may not live to see the end */
static void keep(struct bench *bench)
{
	struct json_object *so_far;

	if (!bench->options->keep)
		return;
	results(bench, &so_far, false);
	if (so_far)
		bench->options->keep(bench->options->keep_arg, so_far);
}

static int run_turns(struct bench *bench, size_t from, unsigned int turns)
{
	unsigned int round = 0;
	int error = 0;

	for (size_t i = from; i < bench->count; i++)
		round += loads_of(&bench->sides[i]);
	bench->planned = bench->done + round * turns;
	for (unsigned int turn = 0; !error && turn < turns; turn++) {
		/* The first is taken whatever it takes. */
		if (turn && !has_time(bench, round))
			break;
		for (size_t i = from; !error && i < bench->count; i++) {
			struct side *side = &bench->sides[turn & 1 ? bench->count - 1 - (i - from) : i];

			if (!side->has)
				continue;
			machine_let(&side->machine, true);
			error = take_turn(bench, side, turn);
			pause_side(side);
		}
		keep(bench);
	}
	return error;
}

/* Preparing */

/* Data that no file system takes for nothing, and nobody else can open. */
static int make_image(struct bench *bench)
{
	static uint64_t block[(1 << 20) / sizeof(uint64_t)];
	const char *directory = bench->options->directory;
	struct iov *iov = bench->stage.iov;
	char path[64];
	int fd = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600), direct;

	if (fd < 0)
		return iov_told(iov, -errno, "%s: %s; expected a directory that can be written, on a file "
				"system that has files without a name", directory, strerror(errno));
	for (size_t i = 0; i < IMAGE / sizeof(block); i++) {
		for (size_t j = 0; j < sizeof(block) / sizeof(*block); j++)
			block[j] = (i << 32 | j) * 0x9e3779b97f4a7c15;
		if (write(fd, block, sizeof(block)) != (ssize_t)sizeof(block)) {
			close(fd);
			return iov_told(iov, -EIO, "%s: no room for a disk of %u MiB", directory,
					IMAGE >> 20);
		}
	}
	fsync(fd);
	snprintf(path, sizeof(path), "/" IOV_PATH_PROC_SELF "/fd/%d", fd);
	direct = open(path, O_RDONLY | O_DIRECT | O_CLOEXEC);
	bench->stage.direct = direct >= 0;
	if (direct >= 0)
		close(direct);
	bench->stage.image = fd;
	return 0;
}

static int make_initramfs(struct bench *bench)
{
	static const char *const common[] = {
		"virtio_pci", "virtio_net", "virtio_blk", "e1000", "ahci", "sd_mod", "nvme", "af_packet",
	};
	const size_t count = sizeof(common) / sizeof(*common);
	const struct guest_bench_options *options = bench->options;
	const char **drivers = calloc(count + options->driver_count, sizeof(*drivers));
	struct initramfs_options what = {
		.probe = options->probe,
		.modules = options->modules,
		.drivers = drivers,
		.count = count + options->driver_count,
	};
	int error;

	if (!drivers)
		return iov_fail(bench->stage.iov, -ENOMEM, "no memory for the guest's initramfs");
	memcpy(drivers, common, sizeof(common));
	for (size_t i = 0; i < options->driver_count; i++)
		drivers[count + i] = options->drivers[i];
	error = initramfs_make(&bench->stage.machines.initramfs, bench->stage.iov, &what);
	free(drivers);
	return error;
}

static int prepare(struct bench *bench)
{
	const struct guest_bench_options *options = bench->options;
	int error;

	bench->stage.machines = (struct machine_options){
		.kernel = options->kernel,
		.initramfs = -1,
		.kvm = options->kvm,
		.memory = options->memory,
		.cpus = options->cpus,
		.boot_ms = BOOT_MS * patience(bench),
		.stop = options->stop,
	};
	error = make_initramfs(bench);
	return error ? error : make_image(bench);
}

static bool has_way(const struct guest_bench_options *options, const char *way)
{
	for (size_t i = 0; i < options->device_count; i++)
		if (!strcmp(options->devices[i].way, way))
			return true;
	return false;
}

static bool wants_way(const struct guest_bench_options *options, const char *way)
{
	for (size_t i = 0; i < options->way_count; i++)
		if (!strcmp(options->ways[i], way))
			return true;
	return !options->way_count;
}

static void miss_devices(struct bench *bench)
{
	if (wants_way(bench->options, "vfio") && !has_way(bench->options, "vfio")) {
		iov_fail(bench->stage.iov, -ENODEV, "no function was named; 'iov bench guest DEVICE' "
			 "takes a VF or an NVMe function that the host can spare");
		stage_gap(&bench->stage, "vfio", "device");
	}
	if (wants_way(bench->options, "vdpa") && !has_way(bench->options, "vdpa")) {
		iov_fail(bench->stage.iov, -ENODEV, "no vDPA device was named; 'iov bench guest "
			 "NODE' takes one as 'iov vdpa list' shows it");
		stage_gap(&bench->stage, "vdpa", "device");
	}
}

static int start_one(struct bench *bench, size_t way, const struct guest_device *device)
{
	struct side *side = &bench->sides[bench->count++];
	int error;

	tell(bench, "%s%s%s: starting", device ? device->way : side_way(way), device ? " " : "",
	     device ? device->name : "");
	error = side_start(side, &bench->stage, way, device);
	pause_side(side);
	return error;
}

static int start_all(struct bench *bench)
{
	const struct guest_bench_options *options = bench->options;
	int error = 0;

	for (size_t i = 0; !error && side_way(i); i++)
		if (wants_way(options, side_way(i)))
			error = is_stopped(bench) ? -EINTR : start_one(bench, i, NULL);
	for (size_t i = 0; !error && i < options->device_count; i++)
		if (options->only & 1u << options->devices[i].class && wants_way(options, options->devices[i].way))
			error = is_stopped(bench) ? -EINTR
						  : start_one(bench, SIDE_DEVICE, &options->devices[i]);
	miss_devices(bench);
	bench->measuring = monotonic_ms();
	return error;
}

static void end_running(struct bench *bench)
{
	for (size_t i = 0; i < bench->count; i++)
		side_stop(&bench->sides[i]);
}

/* Devices by the host's own drivers, after the guests, as both cannot have them. */
static int measure_native(struct bench *bench)
{
	const struct guest_bench_options *options = bench->options;
	const size_t from = bench->count;
	char name[64], side[96];
	int error = 0;

	for (size_t i = 0; !error && options->native && i < options->device_count; i++) {
		error = options->native(options->native_arg, i, name, sizeof(name));
		if (error == -ENOENT) {
			error = 0;
			continue;
		}
		if (error && error != -EINTR) {
			snprintf(side, sizeof(side), "native %.80s", options->devices[i].name);
			stage_gap(&bench->stage, side, "device");
			error = 0;
			continue;
		}
		if (!error)
			error = side_start_native(&bench->sides[bench->count++], &bench->stage,
						  &options->devices[i], name);
	}
	return error || bench->count == from ? error : run_turns(bench, from, options->turns);
}

/* Hosts lack this or that; one on which no guest runs at all is no host for guests. */
static int check_guests(struct bench *bench)
{
	const struct guest_bench_options *options = bench->options;
	struct json_object *gap = NULL;

	for (size_t i = 0; i < bench->count; i++)
		if (bench->sides[i].has && strcmp(bench->sides[i].way, "native"))
			return 0;
	if (options->way_count == 1 && wants_way(options, "native"))
		return 0;
	for (size_t i = 0; !gap && i < json_object_array_length(bench->stage.gaps); i++) {
		gap = json_object_array_get_idx(bench->stage.gaps, i);
		if (!strcmp(json_text(gap, "what"), "device"))
			gap = NULL;
	}
	return iov_fail(bench->stage.iov, -EIO, "no guest came up%s%s%s", gap ? "; " : "",
			gap ? json_text(gap, "why") : "",
			options->kvm ? "; --accel tcg does without KVM" : "");
}

static int measure(struct bench *bench)
{
	int error = start_all(bench);

	if (!error)
		error = check_guests(bench);
	if (!error)
		error = run_turns(bench, 0, bench->options->turns);
	end_running(bench);
	return error ? error : measure_native(bench);
}

const char *guest_bench_way(size_t index)
{
	static const char *const devices[] = {"vfio", "vdpa"};
	size_t count = 0;

	while (side_way(count))
		count++;
	if (index < count)
		return side_way(index);
	return index - count < sizeof(devices) / sizeof(*devices) ? devices[index - count] : NULL;
}

int guest_bench_run(struct json_object **out, struct iov *iov,
		    const struct guest_bench_options *options)
{
	struct bench bench = {
		.options = options,
		.begin = monotonic_ms(),
		.stage = {.iov = iov, .options = options, .image = -1},
	};
	int error;

	*out = NULL;
	bench.sides = calloc(SIDES, sizeof(*bench.sides));
	bench.stage.gaps = json_object_new_array();
	if (!bench.sides)
		error = iov_fail(iov, -ENOMEM, "no memory for the results");
	else
		error = prepare(&bench);
	if (!error) {
		error = measure(&bench);
		end_running(&bench);
		results(&bench, out, !error);
	}
	for (size_t i = 0; i < bench.count; i++)
		side_end(&bench.sides[i]);
	if (bench.stage.image >= 0)
		close(bench.stage.image);
	if (bench.stage.machines.initramfs > 0)
		close(bench.stage.machines.initramfs);
	json_object_put(bench.stage.gaps);
	free(bench.sides);
	return error;
}
