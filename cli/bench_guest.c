// SPDX-License-Identifier: GPL-2.0-or-later
/* iov bench guest: what each way into a guest carries, beside the host itself. */
#include <errno.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/guard/guard.h"
#include "base/json.h"
#include "base/near.h"
#include "base/pci/interface.h"
#include "base/sysroot/paths.h"
#include "base/sysroot/sysroot.h"
#include "bench/guest/emulated.h"
#include "bench/guest/guest_bench.h"
#include "cli/argument.h"
#include "cli/attach_find.h"
#include "cli/bench.h"
#include "cli/bench_origin.h"
#include "cli/bench_output.h"
#include "cli/commands.h"
#include "cli/guest_files.h"
#include "cli/lend.h"
#include "cli/printable.h"

#define TURNS 3
#define LIMIT 600
#define MEMORY 256
#define APPEAR_MS 10000
#define CLASS_NVME 0x0108
#define CLASS_NETWORK 0x02

struct guest_args {
	const char *names[GUEST_DEVICES];
	size_t count;
	const char *kernel;
	const char *modules;
	const char *accel;
	const char *html;
	const char *output;
	const char *directory;
	const char *iovd;
	const char *only;
	const char *ways[GUEST_WAYS];
	size_t way_count;
	double seconds;
	unsigned int turns;
	unsigned int limit;
	unsigned int memory;
	unsigned int cpus;
};

/* The devices of a run. */
struct bench_devices {
	struct cli *cli;
	struct lend lend;
	struct cli_functions functions;
	struct vmm_set sets[GUEST_DEVICES];
	struct json_object *words[GUEST_DEVICES];
	char *aliases[GUEST_DEVICES];
	size_t alias_count;
	struct guest_bench_options options;
	struct bench_origin origin;
};

enum {
	KEY_KERNEL = 0x2000,
	KEY_MODULES,
	KEY_ACCEL,
	KEY_PAGE,
	KEY_FILE,
	KEY_DIRECTORY,
	KEY_IOVD,
	KEY_ONLY,
	KEY_WAYS,
	KEY_LENGTH,
	KEY_TURNS,
	KEY_LIMIT,
	KEY_GUEST_MEMORY,
	KEY_CPUS,
};

static const struct argp_option options[] = {
	{0, 0, 0, 0, "What is measured:", 1},
	{"only", KEY_ONLY, "network|disk", 0, "Networks or disks alone (both)", 1},
	{"ways", KEY_WAYS, "LIST", 0,
	 "These ways alone, of native, emulated, virtio, vhost-net, vhost-user, vfio and vdpa (all)", 1},
	{"seconds", KEY_LENGTH, "S", 0, "Length of each load in a turn (1)", 1},
	{"turns", KEY_TURNS, "N", 0, "Turns of each way (3)", 1},
	{"limit", KEY_LIMIT, "S", 0, "Begin no turn that would end later than this (600)", 1},
	{"output", KEY_FILE, "FILE", 0, "Write the results as JSON, after each turn what there is", 1},
	{"html", KEY_PAGE, "FILE", 0, "Write a page with charts, too", 1},
	{0, 0, 0, 0, "The guest:", 2},
	{"accel", KEY_ACCEL, "kvm|tcg", 0,
	 "By KVM, or emulated, which says nothing of guests by KVM (kvm)", 2},
	{"kernel", KEY_KERNEL, "FILE", 0, "Image of its kernel (that of this host)", 2},
	{"modules", KEY_MODULES, "DIR", 0, "Modules of that kernel (/lib/modules/VERSION)", 2},
	{"memory", KEY_GUEST_MEMORY, "MIB", 0, "Its memory (256)", 2},
	{"cpus", KEY_CPUS, "N", 0, "Its processors (1; 2 where this host has 4 and more)", 2},
	{"directory", KEY_DIRECTORY, "DIR", 0,
	 "Where the image of its disk is, without a name (/var/tmp)", 2},
	{"iovd", KEY_IOVD, "PROGRAM", 0, "The program iovd (iovd)", 2},
	{0},
};

static void add_name(struct guest_args *args, const char *name, const struct argp_state *state)
{
	if (args->count == GUEST_DEVICES)
		cli_misuse(state, "%s: one device too many, expected %d at most", name, GUEST_DEVICES);
	args->names[args->count++] = name;
}

static void add_way(struct guest_args *args, const char *name, const struct argp_state *state)
{
	struct iov_near near = {.text = name};
	char names[128] = "";
	const char *way;
	size_t at = 0;

	for (size_t i = 0; (way = guest_bench_way(i)); i++) {
		if (!strcmp(way, name) && args->way_count < GUEST_WAYS) {
			args->ways[args->way_count++] = way;
			return;
		}
		iov_near_look(&near, way);
		if (at < sizeof(names))
			at += (size_t)snprintf(names + at, sizeof(names) - at, "%s%s", i ? ", " : "", way);
	}
	cli_misuse(state, "--ways '%s': no such way%s%s; expected some of %s", name, near.word ? "; did you mean " : "",
		   near.word ? near.word : "", names);
}

/* Of a copy: results say with which words this process was started. */
static void add_ways(struct guest_args *args, const char *list, const struct argp_state *state)
{
	_cleanup_free_ char *copy = strdup(list);
	char *rest = copy, *name;

	args->way_count = 0;
	while ((name = strsep(&rest, ",")))
		add_way(args, name, state);
}

/* A device that is named is measured. */
static void check_ways(const struct guest_args *args, const struct argp_state *state)
{
	bool devices = !args->way_count;

	for (size_t i = 0; i < args->way_count; i++)
		devices |= !strcmp(args->ways[i], "vfio") || !strcmp(args->ways[i], "vdpa");
	if (args->count && !devices)
		cli_misuse(state, "%s: --ways has neither vfio nor vdpa, by which a guest is given a device",
			   args->names[0]);
}

static void set_defaults(struct guest_args *args)
{
	*args = (struct guest_args){
		.accel = "kvm", .directory = "/var/tmp", .iovd = "iovd", .seconds = 1, .turns = TURNS,
		.limit = LIMIT, .memory = MEMORY, .cpus = sysconf(_SC_NPROCESSORS_ONLN) >= 4 ? 2 : 1,
	};
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct guest_args *args = cli_data(state);

	switch (key) {
	case ARGP_KEY_INIT:
		set_defaults(args);
		return 0;
	case KEY_ONLY:
		if (strcmp(arg, "network") && strcmp(arg, "disk"))
			cli_misuse(state, "--only %s: expected network or disk", arg);
		args->only = arg;
		return 0;
	case KEY_WAYS:
		add_ways(args, arg, state);
		return 0;
	case KEY_ACCEL:
		if (strcmp(arg, "kvm") && strcmp(arg, "tcg"))
			cli_misuse(state, "--accel %s: expected kvm or tcg", arg);
		args->accel = arg;
		return 0;
	case KEY_LENGTH:
		args->seconds = cli_number(arg, "seconds", 0.05, 60, state);
		return 0;
	case KEY_TURNS:
		args->turns = bench_count(arg, "turns", 1, 1000, state);
		return 0;
	case KEY_LIMIT:
		args->limit = bench_count(arg, "limit", 1, 86400, state);
		return 0;
	case KEY_GUEST_MEMORY:
		args->memory = bench_count(arg, "memory", 96, 65536, state);
		return 0;
	case KEY_CPUS:
		args->cpus = bench_count(arg, "cpus", 1, 64, state);
		return 0;
	case KEY_KERNEL:
		args->kernel = arg;
		return 0;
	case KEY_MODULES:
		args->modules = arg;
		return 0;
	case KEY_PAGE:
		args->html = arg;
		return 0;
	case KEY_FILE:
		args->output = arg;
		return 0;
	case KEY_DIRECTORY:
		args->directory = arg;
		return 0;
	case KEY_IOVD:
		args->iovd = arg;
		return 0;
	case ARGP_KEY_ARG:
		add_name(args, arg, state);
		return 0;
	case ARGP_KEY_END:
		check_ways(args, state);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static volatile sig_atomic_t stop;

static void handle_signal(int number)
{
	(void)number;
	stop = 1;
}

/* At a terminal, or with --verbose. */
static void show_progress(void *arg, const char *text)
{
	const struct bench_devices *devices = arg;

	if (isatty(STDERR_FILENO))
		cli_print(stderr, "%s\n", text);
	else
		iov_log(devices->cli->iov, LOG_INFO, "%s", text);
}

/* Devices */

static bool is_node(const char *name)
{
	static const char vdpa[] = "/" IOV_PATH_DEV_VDPA;

	return !strncmp(name, vdpa, strlen(vdpa));
}

static int class_of(struct cli *cli, struct iov_bdf bdf, enum guest_class *class)
{
	int64_t code;
	int error = iov_pci_number(cli->iov, bdf, "class", &code);

	if (!error && code >> 16 == CLASS_NETWORK)
		*class = GUEST_NETWORK;
	else if (!error && code >> 8 == CLASS_NVME)
		*class = GUEST_DISK;
	else
		return iov_fail(cli->iov, -EINVAL, "%s: is neither a NIC nor an NVMe function, which can be "
				"measured", IOV_BDF(bdf));
	return 0;
}

/* The interface of its PF, which the same network is at. */
static unsigned int uplink_of(struct cli *cli, struct iov_bdf bdf)
{
	char name[IF_NAMESIZE];
	struct iov_bdf pf;
	int64_t index;

	if (iov_pci_link(cli->iov, bdf, "physfn", &pf) || iov_interface_of(cli->iov, pf, -1, name) ||
	    iov_sys_read_number(cli->iov, iov_path(IOV_PATH_CLASS_NET "/%s/ifindex", name).name, &index))
		return 0;
	return (unsigned int)index;
}

static int find_functions(struct bench_devices *devices, const struct guest_args *args)
{
	struct cli *cli = devices->cli;
	int error = 0;

	for (size_t i = 0; !error && i < args->count; i++)
		if (!is_node(args->names[i]))
			error = cli_add_functions(cli, args->names[i], &devices->functions);
	if (error || devices->functions.count <= GUEST_DEVICES)
		return error;
	return iov_fail(cli->iov, -EINVAL, "%zu functions: expected %d at most", devices->functions.count,
			GUEST_DEVICES);
}

/* What QEMU is told of a device; a guest's memory is shared with whoever is beside it. */
static int make_words(struct bench_devices *devices, size_t index, const char *name)
{
	struct vmm_set *set = &devices->sets[index];
	const struct vmm_format *format = vmm_format_find(&vmm_qemu, NULL);
	int error;

	*set = (struct vmm_set){.iov = devices->cli->iov, .vmm = &vmm_qemu, .shared = true};
	vmm_version_ask(&vmm_qemu, &set->version);
	error = attach_add(devices->cli, name, set);
	if (!error)
		error = vmm_check(set, format);
	if (error)
		return error;
	devices->words[index] = json_object_new_array();
	format->emit(set, devices->words[index]);
	return 0;
}

static int add_device(struct bench_devices *devices, const char *name, const char *way,
		      enum guest_class class, unsigned int uplink)
{
	const size_t index = devices->options.device_count;
	int error;

	if (index == GUEST_DEVICES)
		return iov_fail(devices->cli->iov, -EINVAL, "%s: one device too many, expected %d at most",
				name, GUEST_DEVICES);
	devices->options.device_count++;
	error = make_words(devices, index, name);
	if (error)
		return error;
	devices->options.devices[index] = (struct guest_device){
		.name = devices->sets[index].items[0].name, .way = way, .class = class,
		.words = devices->words[index], .uplink = uplink,
	};
	return 0;
}

static int add_function(struct bench_devices *devices, struct iov_bdf bdf)
{
	enum guest_class class;
	int error = class_of(devices->cli, bdf, &class);

	if (error)
		return error;
	devices->aliases[devices->alias_count] = guest_files_alias(devices->cli, bdf);
	devices->alias_count += devices->aliases[devices->alias_count] != NULL;
	return add_device(devices, IOV_BDF(bdf), "vfio", class, uplink_of(devices->cli, bdf));
}

static int check_classes(struct bench_devices *devices)
{
	enum guest_class class;
	int error = 0;

	for (size_t i = 0; !error && i < devices->functions.count; i++)
		error = class_of(devices->cli, devices->functions.list[i], &class);
	return error;
}

static int add_devices(struct bench_devices *devices, const struct guest_args *args)
{
	int error = 0;

	for (size_t i = 0; !error && i < devices->functions.count; i++)
		error = add_function(devices, devices->functions.list[i]);
	for (size_t i = 0; !error && i < args->count; i++)
		if (is_node(args->names[i]))
			error = add_device(devices, args->names[i], "vdpa", GUEST_NETWORK, 0);
	return error;
}

/* "nvme0n1" or, of several paths, "nvme0c0n1" is the node nvme0n1. */
static int node_of(struct cli *cli, struct iov_bdf bdf, char *name, size_t size)
{
	char **controllers = NULL, **spaces = NULL;
	size_t count = 0, space_count = 0;
	int error = iov_sys_list(cli->iov, iov_path(IOV_PATH_PCI_DEVICES "/%s/nvme", IOV_BDF(bdf)).name,
				 &controllers, &count);

	if (!error && count)
		error = iov_sys_list(cli->iov, iov_path(IOV_PATH_CLASS_NVME "/%s", controllers[0]).name,
				     &spaces, &space_count);
	if (!error)
		error = -ENODEV;
	for (size_t i = 0; error && i < space_count; i++) {
		unsigned int controller, path, space;

		if (sscanf(spaces[i], "nvme%uc%un%u", &controller, &path, &space) != 3 &&
		    sscanf(spaces[i], "nvme%un%u", &controller, &space) != 2)
			continue;
		snprintf(name, size, "/" IOV_PATH_DEV "/nvme%un%u", controller, space);
		error = iov_sys_exists(cli->iov, name + 1) ? 0 : -ENODEV;
	}
	iov_names_free(controllers, count);
	iov_names_free(spaces, space_count);
	return error;
}

static int appear(struct cli *cli, struct iov_bdf bdf, enum guest_class class, char *name, size_t size)
{
	const uint64_t end = monotonic_ms() + APPEAR_MS;
	int error;

	do {
		error = class == GUEST_NETWORK ? iov_interface_of(cli->iov, bdf, -1, name)
					       : node_of(cli, bdf, name, size);
		if (!error || stop)
			return error ? -EINTR : 0;
		usleep(50000);
	} while (monotonic_ms() < end);
	return iov_fail(cli->iov, -ENODEV, "%s: its driver made no %s of it", IOV_BDF(bdf),
			class == GUEST_NETWORK ? "interface" : "disk");
}

/* Somebody of the host may have taken it up at once; a disk is only read. */
static int ask_guards(struct cli *cli, struct iov_bdf bdf, enum guest_class class)
{
	_cleanup_json_ struct json_object *findings = json_object_new_array();
	int error = class == GUEST_NETWORK ? iov_guard_function(cli->iov, bdf, findings) : 0;

	if (error || !json_object_array_length(findings))
		return error;
	return iov_fail(cli->iov, -EBUSY, "%s: the host uses it since it was given back: %s", IOV_BDF(bdf),
			json_text(json_object_array_get_idx(findings, 0), "guard"));
}

static int give_native(void *arg, size_t index, char *name, size_t size)
{
	struct bench_devices *devices = arg;
	const struct guest_device *device = &devices->options.devices[index];
	struct lend *lend = &devices->lend;
	struct cli *cli = devices->cli;

	for (size_t i = 0; i < lend->count; i++) {
		const struct iov_bdf bdf = lend->list[i].bdf;
		int error;

		if (strcmp(IOV_BDF(bdf), device->name) || !*lend->list[i].driver)
			continue;
		error = lend_give(cli, lend, i);
		if (!error)
			error = appear(cli, bdf, device->class, name, size);
		return error ? error : ask_guards(cli, bdf, device->class);
	}
	return -ENOENT;
}

/* Results */

static void put(struct json_object *row, const char *key, struct json_object *load, const char *member,
		const char *inner)
{
	struct json_object *value = json_object_object_get(load, member);

	if (inner)
		value = json_object_object_get(value, inner);
	if (value)
		json_object_object_add(row, key, json_object_get(value));
}

static void put_costs(struct json_object *row, struct json_object *load)
{
	put(row, "exits", load, "exits_per_unit", NULL);
	put(row, "interrupts", load, "interrupts_per_unit", NULL);
	put(row, "instructions", load, "instructions_per_unit", NULL);
	put(row, "cpu", load, "cpu_us_per_unit", NULL);
}

static struct json_object *row_of(struct json_object *side)
{
	struct json_object *row = json_object_new_object();

	json_object_object_add(row, "side", json_object_get(json_object_object_get(side, "side")));
	return row;
}

static void print_networks(struct json_object *sides)
{
	static const struct bench_column columns[] = {
		{"out", NULL, "OUT MBIT/S", 0},	      {"in", NULL, "IN MBIT/S", 0},
		{"packets", NULL, "PACKETS/S", 0},    {"p50", NULL, "ROUND TRIP US", 1},
		{"p99", NULL, "P99", 1},	      {"exits", NULL, "EXITS/PACKET", 2},
		{"trip_exits", NULL, "IN ROUND TRIPS", 2},  {"interrupts", NULL, "IRQS/PACKET", 3},
		{"instructions", NULL, "INSTR/PACKET", 0}, {"cpu", NULL, "CPU US/PACKET", 2},
	};
	static const struct bench_table table = {
		.names = {{"side", "NETWORK", false, false, false}},
		.columns = columns,
		.count = sizeof(columns) / sizeof(*columns),
	};
	_cleanup_json_ struct json_object *rows = json_object_new_array();

	for (size_t i = 0; i < json_object_array_length(sides); i++) {
		struct json_object *side = json_object_array_get_idx(sides, i), *row = row_of(side);
		struct json_object *packets = json_object_object_get(side, "packets");
		struct json_object *trips = json_object_object_get(side, "round_trips");

		put(row, "out", json_object_object_get(side, "out"), "rate", "median");
		put(row, "in", json_object_object_get(side, "in"), "rate", "median");
		put(row, "packets", packets, "rate", "median");
		put(row, "p50", trips, "latency_us", "p50");
		put(row, "p99", trips, "latency_us", "p99");
		put(row, "trip_exits", trips, "exits_per_unit", NULL);
		put_costs(row, packets);
		json_object_array_add(rows, row);
	}
	if (json_object_array_length(rows))
		bench_print(&table, rows);
}

static void print_disks(struct json_object *sides)
{
	static const struct bench_column columns[] = {
		{"iops", NULL, "READS/S", 0},	      {"p50", NULL, "P50 US", 1},
		{"p99", NULL, "P99", 1},	      {"exits", NULL, "EXITS/READ", 2},
		{"interrupts", NULL, "IRQS/READ", 3}, {"instructions", NULL, "INSTR/READ", 0},
		{"cpu", NULL, "CPU US/READ", 2},
	};
	static const struct bench_table table = {
		.names = {{"side", "DISK", false, false, false}, {"depth", "DEPTH", true, false, false}},
		.columns = columns,
		.count = sizeof(columns) / sizeof(*columns),
	};
	_cleanup_json_ struct json_object *rows = json_object_new_array();

	for (size_t i = 0; i < json_object_array_length(sides); i++) {
		struct json_object *side = json_object_array_get_idx(sides, i);
		struct json_object *depths = json_object_object_get(side, "depths");

		for (size_t j = 0; j < json_object_array_length(depths); j++) {
			struct json_object *load = json_object_array_get_idx(depths, j);
			struct json_object *row = row_of(side);

			put(row, "depth", load, "depth", NULL);
			put(row, "iops", load, "rate", "median");
			put(row, "p50", load, "latency_us", "p50");
			put(row, "p99", load, "latency_us", "p99");
			put_costs(row, load);
			json_object_array_add(rows, row);
		}
	}
	if (json_object_array_length(rows))
		bench_print(&table, rows);
}

static void print_results(struct json_object *results)
{
	struct json_object *gaps = json_object_object_get(results, "gaps");
	struct json_object *advice = json_object_object_get(results, "advice");

	print_networks(json_object_object_get(results, "networks"));
	print_disks(json_object_object_get(results, "disks"));
	for (size_t i = 0; i < json_object_array_length(gaps); i++) {
		struct json_object *gap = json_object_array_get_idx(gaps, i);

		cli_print(stdout, "not measured: %s, %s: %s\n", json_text(gap, "side"),
			  json_text(gap, "what"), json_text(gap, "why"));
	}
	for (size_t i = 0; i < json_object_array_length(advice); i++)
		cli_print(stdout, "%s\n",
			  json_object_get_string(json_object_array_get_idx(advice, i)));
}

static int tell(struct cli *cli, struct json_object *results, int error)
{
	if (cli->json && error)
		cli->answer = json_object_get(results);
	else if (cli->json)
		iov_output_json(stdout, results);
	else
		print_results(results);
	return error;
}

/* Running */

static int choose_kvm(struct cli *cli, const struct guest_args *args, bool *kvm)
{
	char why[IOV_MESSAGE_SIZE];
	int error;

	*kvm = !strcmp(args->accel, "kvm");
	error = *kvm ? emulated_kvm(cli->iov) : 0;
	if (!error)
		return 0;
	snprintf(why, sizeof(why), "%s", iov_error_message(cli->iov));
	return iov_fail_as(cli->iov, iov_failure(cli->iov, error), error, "%s; --accel tcg measures "
			   "emulated guests, which says nothing of guests by KVM", why);
}

static int fill_options(struct cli *cli, const struct guest_args *args, struct guest_files *files,
			char hypervisor[13], struct bench_devices *devices)
{
	struct guest_bench_options *to = &devices->options;
	int error = guest_files_find(cli, args->kernel, args->modules, files);

	if (error)
		return error;
	to->emulated = emulated_hypervisor(hypervisor);
	to->hypervisor = hypervisor;
	to->kernel = files->kernel;
	to->modules = args->modules;
	to->probe = files->probe;
	to->iovd = args->iovd;
	to->directory = args->directory;
	to->memory = args->memory;
	to->cpus = args->cpus;
	to->seconds = args->seconds;
	to->turns = args->turns;
	to->limit = args->limit;
	to->only = !args->only ? 3 : strcmp(args->only, "disk") ? 1u << GUEST_NETWORK : 1u << GUEST_DISK;
	memcpy(to->ways, args->ways, sizeof(to->ways));
	to->way_count = args->way_count;
	to->stop = &stop;
	to->progress = show_progress;
	to->progress_arg = devices;
	to->native = give_native;
	to->native_arg = devices;
	return choose_kvm(cli, args, &to->kvm);
}

/* Also turns that were left out for want of time make them incomplete. */
static int end_results(const struct bench_origin *origin, struct json_object *results, int error)
{
	const bool is_whole = json_object_get_boolean(json_object_object_get(results, "complete"));

	bench_origin_add(origin, results, !error && is_whole);
	return bench_origin_keep_all(origin, results);
}

static void begin_origin(struct bench_devices *devices, const char *output)
{
	struct bench_origin *origin = &devices->origin;

	bench_origin_begin(origin, devices->cli->iov, -1, output);
	origin->kind = "guest";
	origin->figure = GUEST_BENCH_FIGURE;
	origin->unit = GUEST_BENCH_UNIT;
	if (!output)
		return;
	devices->options.keep = bench_origin_keep;
	devices->options.keep_arg = origin;
}

static int measure(struct cli *cli, struct bench_devices *devices, struct page *page)
{
	_cleanup_json_ struct json_object *results = NULL;
	int error, failed;

	devices->options.drivers = (const char *const *)devices->aliases;
	devices->options.driver_count = devices->alias_count;
	error = guest_bench_run(&results, cli->iov, &devices->options);
	failed = results ? end_results(&devices->origin, results, error) : 0;
	if (error == -EINTR)
		error = iov_fail(cli->iov, -EINTR, results ? "stopped; what was measured until then is told"
							   : "stopped before anything was measured");
	if (results && page->file)
		guest_bench_html(page, results);
	return results ? tell(cli, results, error ? error : failed) : error;
}

static int take(struct cli *cli, struct bench_devices *devices, const struct guest_args *args,
		struct iov_plan *plan, struct page *page)
{
	int error = lend_take(cli, &devices->lend, plan);

	if (error)
		return error;
	error = add_devices(devices, args);
	if (!error)
		error = measure(cli, devices, page);
	return lend_end(cli, &devices->lend, error);
}

static void watch_signals(void)
{
	const struct sigaction action = {.sa_handler = handle_signal};

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
}

/* The lock is for taking, and not for minutes of measuring. */
static int lock(struct cli *cli, const struct bench_devices *devices)
{
	return devices->functions.count ? iov_plan_lock(cli->iov, cli->wait * 1000) : 0;
}

static int take_and_measure(struct cli *cli, struct bench_devices *devices,
			    const struct guest_args *args)
{
	struct page page = {0};
	struct iov_plan *plan = NULL;
	int error = lock(cli, devices), failed;

	if (error)
		return error;
	error = lend_plan(cli, &devices->lend, &devices->functions, &plan);
	if (error)
		return cli_drop_plan(cli, plan, error);
	error = args->output ? bench_output_check(cli->iov, args->output) : 0;
	if (!error && args->html)
		error = page_open(&page, cli->iov, args->html);
	if (error) {
		iov_plan_free(plan);
		return error;
	}
	watch_signals();
	begin_origin(devices, args->output);
	error = take(cli, devices, args, plan, &page);
	bench_origin_end(&devices->origin);
	failed = page_close(&page, cli->iov);
	return error ? error : failed;
}

static int show(struct cli *cli, struct bench_devices *devices)
{
	struct iov_plan *plan;
	int error = lend_plan(cli, &devices->lend, &devices->functions, &plan);

	return error ? cli_drop_plan(cli, plan, error) : cli_run_plan(cli, plan);
}

static void free_devices(struct bench_devices *devices)
{
	for (size_t i = 0; i < GUEST_DEVICES; i++) {
		attach_free(&devices->sets[i]);
		json_object_put(devices->words[i]);
		free(devices->aliases[i]);
	}
	free(devices->functions.list);
}

static int run(struct cli *cli, void *data)
{
	const struct guest_args *args = data;
	struct bench_devices devices = {.cli = cli, .lend = {.keeper = -1}};
	struct guest_files files;
	char hypervisor[13];
	int error = find_functions(&devices, args);

	if (!error)
		error = check_classes(&devices);
	if (!error && cli->dry_run)
		error = show(cli, &devices);
	else if (!error)
		error = fill_options(cli, args, &files, hypervisor, &devices);
	if (!error && !cli->dry_run && geteuid())
		error = iov_fail(cli->iov, -EPERM, "network namespaces, TAP devices and functions are root's to "
				 "give; run it as root");
	if (!error && !cli->dry_run)
		error = take_and_measure(cli, &devices, args);
	free_devices(&devices);
	return error;
}

const struct cli_command cli_bench_guest = {
	.name = "bench guest",
	.args = "[DEVICE]...",
	.summary = "Measure each way into a guest, and the host itself",
	.example = "iov bench guest eth0/vf0 0000:02:00.1 --html ways.html\n"
		   "  iov bench guest --only network --accel tcg --turns 1",
	.changes = true,
	.locks = true,
	.options = options,
	.parse = parse,
	.data_size = sizeof(struct guest_args),
	.run = run,
};
