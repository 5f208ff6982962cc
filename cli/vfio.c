// SPDX-License-Identifier: GPL-2.0-or-later
/* iov vfio info, iov vfio dma: what VFIO gives of a function, and whether its DMA works. */
#include <errno.h>
#include <inttypes.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "cli/argument.h"
#include "cli/commands.h"
#include "cli/interface.h"
#include "cli/output.h"
#include "cli/vfio.h"
#include "cli/printable.h"
#include "plugins/mdev/mdev.h"
#include "vfio/device/device.h"
#include "vfio/device/interrupt.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

struct vfio_args {
	const char *device;
	enum iov_domain_kind kind;
	const char *token;
	bool info;	/* which takes mediated devices, too */
};

enum { KEY_TOKEN = 't' };

static const struct argp_option options[] = {
	CLI_OPTION_INTERFACE,
	{ "token", KEY_TOKEN, "UUID", 0, "VF token, when PF and VF are both bound to vfio-pci" },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct vfio_args *args = cli_data(state);

	switch (key) {
	case CLI_KEY_INTERFACE:
		args->kind = cli_interface(arg, state);
		return 0;
	case KEY_TOKEN:
		args->token = arg;
		return 0;
	}
	return cli_argument(key, arg, state, &args->device, CLI_EXPECTED_DEVICE);
}

/* The function, or mediated device, in a domain of its own. */
static int open_device(struct cli *cli, const struct vfio_args *args, struct iov_domain **domain,
		       struct iov_device **device)
{
	const struct iov_device_options chosen = { .token = args->token };
	char uuid[IOV_MDEV_UUID];
	bool mdev = args->info && !iov_mdev_uuid_parse(cli->iov, args->device, uuid);
	struct iov_bdf bdf;
	int error = mdev ? 0 : cli_function(cli, args->device, &bdf);

	if (!error)
		error = iov_domain_open(domain, cli->iov, args->kind);
	if (!error)
		error = mdev ? iov_device_open_mdev(device, *domain, uuid) :
			       iov_device_open(device, *domain, bdf, &chosen);
	return error;
}

static void add_number(struct json_object *object, const char *key, uint64_t value)
{
	json_object_object_add(object, key, json_object_new_uint64(value));
}

static void add_bool(struct json_object *object, const char *key, bool value)
{
	json_object_object_add(object, key, json_object_new_boolean(value));
}

static const char *const region_names[] = {
	"BAR0", "BAR1", "BAR2", "BAR3", "BAR4", "BAR5", "ROM", "config", "VGA",
};

static struct json_object *areas_json(const struct iov_region *region)
{
	struct json_object *list = json_object_new_array();

	for (unsigned int i = 0; i < region->area_count; i++) {
		struct json_object *area = json_object_new_object();

		add_number(area, "offset", region->areas[i].offset);
		add_number(area, "size", region->areas[i].size);
		json_object_array_add(list, area);
	}
	return list;
}

static int add_regions(struct iov_device *device, struct json_object *object)
{
	struct json_object *list = json_object_new_array();
	int error = 0;

	json_object_object_add(object, "regions", list);
	for (unsigned int i = 0; !error && i < iov_device_regions(device); i++) {
		struct json_object *entry;
		struct iov_region region;

		error = iov_device_region(device, i, &region);
		if (error || !region.size)
			continue;
		entry = json_object_new_object();
		add_number(entry, "region", i);
		json_add_text(entry, "name", i < COUNT(region_names) ? region_names[i] : "vendor");
		add_number(entry, "size", region.size);
		add_bool(entry, "readable", region.readable);
		add_bool(entry, "writable", region.writable);
		add_bool(entry, "msix_mappable", region.msix_mappable);
		json_object_object_add(entry, "mappable", areas_json(&region));
		json_object_array_add(list, entry);
	}
	return error;
}

static int add_interrupts(struct iov_device *device, struct json_object *object)
{
	static const char *const names[] = { "INTx", "MSI", "MSI-X", "error", "request" };
	struct json_object *list = json_object_new_array();
	int error = 0;

	json_object_object_add(object, "interrupts", list);
	for (unsigned int i = 0; !error && i < COUNT(names); i++) {
		struct iov_interrupt_info info;
		struct json_object *entry;

		error = iov_interrupt_info(device, i, &info);
		if (error || !info.count)
			continue;
		entry = json_object_new_object();
		json_add_text(entry, "kind", names[i]);
		add_number(entry, "vectors", info.count);
		add_bool(entry, "maskable", info.maskable);
		add_bool(entry, "automasked", info.automasked);
		add_bool(entry, "resizable", info.resizable);
		json_object_array_add(list, entry);
	}
	return error;
}

static const struct {
	unsigned int feature;
	bool set;
	const char *name;
} features[] = {
	{ VFIO_DEVICE_FEATURE_PCI_VF_TOKEN, true, "vf-token" },
	{ VFIO_DEVICE_FEATURE_MIGRATION, false, "migration" },
	{ VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY, true, "low-power" },
	{ VFIO_DEVICE_FEATURE_DMA_LOGGING_START, true, "dma-logging" },
	{ 10 /* BUS_MASTER */, true, "bus-master" },
	{ 11 /* DMA_BUF */, false, "dma-buf" },
};

static void add_features(struct iov_device *device, struct json_object *object)
{
	struct json_object *list = json_object_new_array();

	json_object_object_add(object, "features", list);
	for (size_t i = 0; i < COUNT(features); i++)
		if (iov_device_has_feature(device, features[i].feature, features[i].set))
			json_object_array_add(list, json_object_new_string(features[i].name));
}

/* "flr bus", as sysfs has it */
static struct json_object *words_json(char *text)
{
	struct json_object *list = json_object_new_array();

	for (char *save = NULL, *at = strtok_r(text, " ", &save); at; at = strtok_r(NULL, " ", &save))
		json_object_array_add(list, json_object_new_string(at));
	return list;
}

static void add_resets(struct iov_device *device, struct json_object *object)
{
	_cleanup_free_ struct iov_bdf *bdfs = NULL;
	struct json_object *list;
	char methods[256];
	size_t count;

	add_bool(object, "reset", iov_device_can_reset(device));
	if (!iov_device_reset_methods(device, methods, sizeof(methods)))
		json_object_object_add(object, "reset_methods", words_json(methods));
	if (iov_device_affected(device, &bdfs, &count, NULL))
		return;
	list = json_object_new_array();
	for (size_t i = 0; i < count; i++)
		json_object_array_add(list, json_object_new_string(IOV_BDF(bdfs[i])));
	json_object_object_add(object, "slot_reset", list);
}

static int add_ranges(struct iov_domain *domain, struct json_object *object)
{
	_cleanup_free_ struct iov_iova_range *ranges = NULL;
	struct json_object *list = json_object_new_array();
	size_t count = 0;
	int error;

	json_object_object_add(object, "iova_ranges", list);
	error = iov_domain_ranges(domain, &ranges, &count);
	for (size_t i = 0; !error && i < count; i++) {
		struct json_object *entry = json_object_new_object();
		char text[32];

		snprintf(text, sizeof(text), "0x%" PRIx64, ranges[i].first);
		json_add_text(entry, "first", text);
		snprintf(text, sizeof(text), "0x%" PRIx64, ranges[i].last);
		json_add_text(entry, "last", text);
		json_object_array_add(list, entry);
	}
	return error;
}

static int describe(struct cli *cli, struct iov_device *device, struct json_object *object)
{
	int error;

	(void)cli;
	json_add_text(object, "device", IOV_BDF(iov_device_bdf(device)));
	json_add_text(object, "interface", iov_domain_name(iov_device_domain(device)));
	add_resets(device, object);
	add_features(device, object);
	error = add_regions(device, object);
	if (!error)
		error = add_interrupts(device, object);
	return error ? error : add_ranges(iov_device_domain(device), object);
}

/* "0x0+0x3000 0x4000+0x1000", or "all" */
static void add_map_words(struct json_object *regions)
{
	for (size_t i = 0; i < json_object_array_length(regions); i++) {
		struct json_object *region = json_object_array_get_idx(regions, i);
		struct json_object *areas = json_object_object_get(region, "mappable");
		uint64_t size = json_object_get_uint64(json_object_object_get(region, "size"));
		char text[256] = "no";
		size_t length = 0;

		for (size_t j = 0; j < json_object_array_length(areas) && length < sizeof(text); j++) {
			struct json_object *area = json_object_array_get_idx(areas, j);
			uint64_t bytes =
				json_object_get_uint64(json_object_object_get(area, "size"));

			if (bytes == size)
				length = (size_t)snprintf(text, sizeof(text), "all");
			else
				length += (size_t)snprintf(text + length, sizeof(text) - length,
					"%s0x%" PRIx64 "+0x%" PRIx64, length ? " " : "",
					json_object_get_uint64(json_object_object_get(area, "offset")),
					bytes);
		}
		json_add_text(region, "map", text);
	}
}

static void print_info(struct json_object *object)
{
	static const struct iov_column fields[] = {
		{ "device", "Device" },	    { "interface", "Interface" },
		{ "features", "Features" }, { "reset", "Reset alone" },
		{ "reset_methods", "Reset methods" },
		{ "slot_reset", "Reset with its slot" },
	};
	static const struct iov_column regions[] = {
		{ "region", "REGION", true },	   { "name", "NAME" }, { "size", "BYTES", true },
		{ "writable", "WRITABLE" }, { "map", "MAPPABLE" },
	};
	static const struct iov_column interrupts[] = {
		{ "kind", "INTERRUPT" }, { "vectors", "VECTORS", true }, { "maskable", "MASKABLE" },
		{ "resizable", "ADDED ONE BY ONE" },
	};
	static const struct iov_column ranges[] = { { "first", "IOVA FROM" }, { "last", "TO" } };
	struct json_object *list = json_object_object_get(object, "regions");

	add_map_words(list);
	iov_output_fields(stdout, object, fields, COUNT(fields));
	putchar('\n');
	iov_output_table(stdout, list, regions, COUNT(regions));
	putchar('\n');
	iov_output_table(stdout, json_object_object_get(object, "interrupts"), interrupts,
			 COUNT(interrupts));
	putchar('\n');
	iov_output_table(stdout, json_object_object_get(object, "iova_ranges"), ranges, COUNT(ranges));
}

/* Open, do, close; print what it says. */
static int with_device(struct cli *cli, const struct vfio_args *args,
		       int (*work)(struct cli *, struct iov_device *, struct json_object *),
		       void (*print)(struct json_object *))
{
	_cleanup_json_ struct json_object *object = json_object_new_object();
	struct iov_domain *domain = NULL;
	struct iov_device *device = NULL;
	char uuid[IOV_MDEV_UUID];
	int error = open_device(cli, args, &domain, &device);

	if (!error)
		error = work(cli, device, object);
	/* A mediated device has no address. */
	if (!error && !iov_mdev_uuid_parse(cli->iov, args->device, uuid))
		json_add_text(object, "device", uuid);
	iov_device_close(device);
	iov_domain_close(domain);
	if (error)
		return error;
	if (cli->json)
		iov_output_json(stdout, object);
	else
		print(object);
	return 0;
}

static int run_info(struct cli *cli, void *data)
{
	((struct vfio_args *)data)->info = true;
	return with_device(cli, data, describe, print_info);
}

/* iov vfio dma */

static void print_dma(struct json_object *object)
{
	cli_print(stdout, "%s %s %s bytes by %s: all as it should be\n", json_text_or_null(object, "device"),
	       json_text_or_null(object, "what"), json_text_or_null(object, "bytes"),
	       json_text_or_null(object, "interface"));
}

static int run_dma(struct cli *cli, void *data)
{
	return with_device(cli, data, cli_vfio_dma_run, print_dma);
}

const struct cli_command cli_vfio_info = {
	.name = "vfio info",
	.args = "DEVICE|UUID",
	.summary = "Show what VFIO gives of a function or mediated device",
	.example = "iov vfio info 0000:01:10.0 --interface type1",
	.options = options,
	.parse = parse,
	.data_size = sizeof(struct vfio_args),
	.run = run_info,
};

const struct cli_command cli_vfio_dma = {
	.name = "vfio dma",
	.args = "DEVICE",
	.summary = "Have a function use memory, and verify it",
	.example = "iov vfio dma 0000:05:00.0",
	.options = options,
	.parse = parse,
	.data_size = sizeof(struct vfio_args),
	.run = run_dma,
};
