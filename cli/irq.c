// SPDX-License-Identifier: GPL-2.0-or-later
/* iov irq list, iov irq pin: the interrupts of functions. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/sysroot/paths.h"
#include "cli/argument.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "iommu/posted.h"
#include "plugins/system/irq.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

struct irq_args {
	const char *device;
	const char *policy;
};

static error_t parse_device(int key, char *arg, struct argp_state *state)
{
	struct irq_args *args = cli_data(state);

	return cli_argument(key, arg, state, &args->device, CLI_EXPECTED_DEVICE);
}

/* iov irq list */

static void add_file(struct iov *iov, struct json_object *object, const char *key,
		     struct iov_path path)
{
	char text[1024];
	bool is_known = !iov_sys_read(iov, path.name, text, sizeof(text)) && *text;

	json_object_object_add(object, key, is_known ? json_object_new_string(text) : NULL);
}

/* What came on all CPUs: "12,0,7" */
static void add_count(struct iov *iov, struct json_object *object, const char *irq)
{
	_cleanup_free_ char *text = NULL;
	uint64_t sum = 0;

	if (iov_sys_read_all(iov, iov_path(IOV_PATH_IRQS "/%s/per_cpu_count", irq).name, &text, NULL)) {
		json_object_object_add(object, "count", NULL);
		return;
	}
	for (char *save = NULL, *at = strtok_r(text, ",\n", &save); at;
	     at = strtok_r(NULL, ",\n", &save))
		sum += strtoull(at, NULL, 10);
	json_object_object_add(object, "count", json_object_new_uint64(sum));
}

/* Chips whose interrupts go through the remapping hardware are called so by the kernel. */
static void add_remapped(struct iov *iov, struct json_object *object, const char *irq)
{
	char chip[64] = "";

	iov_sys_read(iov, iov_path(IOV_PATH_IRQS "/%s/chip_name", irq).name, chip, sizeof(chip));
	json_object_object_add(object, "chip", *chip ? json_object_new_string(chip) : NULL);
	json_object_object_add(object, "remapped",
			       *chip ? json_object_new_boolean(strstr(chip, "IR-") != NULL) : NULL);
}

static int64_t node_of_cpu(struct iov *iov, const char *cpus)
{
	char **names;
	size_t count;
	int64_t node = -1;

	if (iov_sys_list(iov, iov_path(IOV_PATH_CPUS "/cpu%ld", strtol(cpus, NULL, 10)).name, &names,
			 &count))
		return -1;
	for (size_t i = 0; i < count; i++)
		if (!strncmp(names[i], "node", 4))
			node = strtol(names[i] + 4, NULL, 10);
	iov_names_free(names, count);
	return node;
}

/* From the function's NUMA node to that of the CPU: 10 is the same one. */
static void add_distance(struct iov *iov, struct json_object *object, struct iov_bdf bdf)
{
	const char *cpus = json_text_or_null(object, "effective_cpus");
	int64_t device = -1, cpu = cpus ? node_of_cpu(iov, cpus) : -1;
	char text[1024], *at = text, *before;
	bool is_known;

	is_known = !iov_pci_number(iov, bdf, "numa_node", &device) && device >= 0 && cpu >= 0 &&
		   !iov_sys_read(iov, iov_path(IOV_PATH_NODES "/node%" PRId64 "/distance", device).name,
				 text, sizeof(text));
	for (int64_t i = 0; is_known && i < cpu; i++) {
		before = at;
		strtol(before, &at, 10);
		is_known = at != before;
	}
	json_object_object_add(object, "distance",
			       is_known ? json_object_new_int((int)strtol(at, NULL, 10)) : NULL);
}

/* Of all vectors of the function; when it is so of some the kernel does not tell which. */
static void add_posted(struct json_object *object, enum iov_posted posted)
{
	bool is_known = posted == IOV_POSTED_ALL || posted == IOV_POSTED_NONE;

	json_object_object_add(object, "posted",
			       is_known ? json_object_new_boolean(posted == IOV_POSTED_ALL) : NULL);
}

static struct json_object *describe_irq(struct iov *iov, struct iov_bdf bdf, size_t vector,
					const char *irq, const char *kind, enum iov_posted posted)
{
	struct json_object *object = json_object_new_object();

	json_add_text(object, "device", IOV_BDF(bdf));
	json_object_object_add(object, "vector", json_object_new_int((int)vector));
	json_object_object_add(object, "irq", json_object_new_int(atoi(irq)));
	json_object_object_add(object, "kind", json_object_new_string(kind));
	add_file(iov, object, "cpus", iov_path(IOV_PATH_IRQ "/%s/smp_affinity_list", irq));
	add_file(iov, object, "effective_cpus",
		 iov_path(IOV_PATH_IRQ "/%s/effective_affinity_list", irq));
	add_distance(iov, object, bdf);
	add_remapped(iov, object, irq);
	add_posted(object, posted);
	add_file(iov, object, "action", iov_path(IOV_PATH_IRQS "/%s/actions", irq));
	add_count(iov, object, irq);
	return object;
}

static void list_vectors(struct iov *iov, struct iov_bdf bdf, struct json_object *rows)
{
	enum iov_posted posted = iov_posted(iov, bdf);
	char **names, kind[16], line[16];
	size_t count;

	if (!iov_sys_list(iov, iov_pci_path(bdf, "msi_irqs").name, &names, &count)) {
		for (size_t i = 0; i < count; i++) {
			struct iov_path path = iov_path("%s/%s", iov_pci_path(bdf, "msi_irqs").name,
							names[i]);

			if (iov_sys_read(iov, path.name, kind, sizeof(kind)))
				strcpy(kind, "msi");
			json_object_array_add(rows, describe_irq(iov, bdf, i, names[i], kind, posted));
		}
		iov_names_free(names, count);
	} else if (!iov_sys_read(iov, iov_pci_path(bdf, "irq").name, line, sizeof(line)) &&
		   strcmp(line, "0") &&
		   iov_sys_exists(iov, iov_path(IOV_PATH_IRQ "/%s", line).name)) {
		json_object_array_add(rows, describe_irq(iov, bdf, 0, line, "intx", posted));
	}
}

static int run_list(struct cli *cli, void *data)
{
	static const struct iov_column columns[] = {
		{ "device", "BDF" },
		{ "vector", "VECTOR", true },	 { "irq", "IRQ", true },
		{ "kind", "KIND" },		 { "effective_cpus", "CPU" },
		{ "cpus", "ALLOWED" },		 { "distance", "DISTANCE", true },
		{ "remapped", "REMAPPED" },	 { "posted", "POSTED" },
		{ "count", "COUNT", true },	 { "action", "HANDLER" },
	};
	_cleanup_json_ struct json_object *rows = json_object_new_array();
	const struct irq_args *args = data;
	struct cli_functions functions = { 0 };
	int error = cli_add_functions(cli, args->device, &functions);

	for (size_t i = 0; !error && i < functions.count; i++)
		list_vectors(cli->iov, functions.list[i], rows);
	free(functions.list);
	if (error)
		return error;
	if (cli->json || json_object_array_length(rows))
		return cli_print_rows(cli, args->device, rows, columns, COUNT(columns));
	fprintf(stderr, "iov: %s has no interrupt that a driver has requested\n", args->device);
	return 0;
}

/* iov irq pin */

enum { KEY_POLICY = 'p' };

static const struct argp_option pin_options[] = {
	{ "policy", KEY_POLICY, "local|spread|CPULIST", 0,
	  "All CPUs of the function's NUMA node, one of them for each vector in turn, or these" },
	{ 0 },
};

static error_t parse_pin(int key, char *arg, struct argp_state *state)
{
	struct irq_args *args = cli_data(state);

	if (key == KEY_POLICY) {
		args->policy = arg;
		return 0;
	}
	if (key == ARGP_KEY_END && !args->policy)
		cli_misuse(state, "expected --policy local, spread or a list of CPUs such as 0-3,8");
	return parse_device(key, arg, state);
}

/* As the host file says it. */
static int save_policy(struct cli *cli, const struct cli_functions *functions, const char *policy,
		       struct iov_plan *plan)
{
	struct json_object *devices = json_object_new_object();

	for (size_t i = 0; i < functions->count; i++) {
		struct json_object *values = json_object_new_object();

		json_object_object_add(values, "irq", json_object_new_string(policy));
		cli_saved(devices, functions->list[i], values);
	}
	return cli_save(cli, plan, devices);
}

static int pin_function(struct cli *cli, struct iov_bdf bdf, const char *policy,
			struct iov_plan *plan)
{
	_cleanup_json_ struct json_object *now = NULL, *cpus = NULL;
	int error = iov_irq_cpus(cli->iov, bdf, policy, &cpus);

	if (error)
		return error;
	now = iov_irq_read(cli->iov, bdf);
	if (!json_object_array_length(now))
		return iov_fail(cli->iov, -ENOENT, "%s: no driver has requested its interrupts; a network "
				"device needs its interface up, and a guest's are in 'iov irq list' while "
				"it runs", IOV_BDF(bdf));
	if (!iov_irq_match(now, cpus))
		iov_irq_step(plan, bdf, now, cpus);
	return 0;
}

static int fill_plan(struct cli *cli, const struct irq_args *args, struct iov_plan **plan)
{
	struct cli_functions functions = { 0 };
	int error = cli_add_functions(cli, args->device, &functions);
	char names[64];

	cli_name_functions(&functions, names, sizeof(names));
	if (!error)
		error = iov_plan_new(plan, cli->iov, "serve the interrupts of %s by %s", names,
				     args->policy);
	for (size_t i = 0; !error && i < functions.count; i++)
		error = pin_function(cli, functions.list[i], args->policy, *plan);
	if (!error)
		error = save_policy(cli, &functions, args->policy, *plan);
	free(functions.list);
	return error;
}

static int run_pin(struct cli *cli, void *data)
{
	struct iov_plan *plan = NULL;
	int error = fill_plan(cli, data, &plan);

	return error ? cli_drop_plan(cli, plan, error) : cli_run_plan(cli, plan);
}

const struct cli_command cli_irq_list = {
	.name = "irq list",
	.args = "DEVICE",
	.summary = "List a function's interrupts, their CPUs and counts",
	.example = "iov irq list 0000:01:00.0\n"
		   "  iov irq list eth0/all",
	.parse = parse_device,
	.data_size = sizeof(struct irq_args),
	.run = run_list,
};

const struct cli_command cli_irq_pin = {
	.name = "irq pin",
	.args = "DEVICE --policy POLICY",
	.summary = "Choose the CPUs that serve a function's interrupts",
	.example = "iov irq pin 0000:01:00.0 --policy spread",
	.changes = true,
	.saves = true,
	.options = pin_options,
	.parse = parse_pin,
	.data_size = sizeof(struct irq_args),
	.run = run_pin,
};
