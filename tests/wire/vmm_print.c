// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vmm_print VMM VERSION FORMAT MEMORY KIND,NAME[,FLAG]...
 * vmm_print --ask VMM
 *
 * What a VMM is told of a set that is made here, or the error: VERSION, FORMAT and MEMORY may be
 * "-".  FLAG: "iommufd", "listens", or "pair" for those of failover pairs, in their order; a function's
 * is also the name of its driver.  With --ask, what the program of a VMM says of its version.
 */
#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/vmm/vmm.h"

#define ITEMS_MAX 32

static const char *const kinds[VMM_KINDS] = {
	[VMM_FUNCTION] = "function", [VMM_MDEV] = "mdev", [VMM_VDPA] = "vdpa",
	[VMM_PORT] = "port",	     [VMM_DISK] = "disk",
};

/* Stands for the other of a pair that is still to come. */
static const struct vmm_item waits;

static void die(const char *what)
{
	fprintf(stderr, "vmm_print: %s\n", what);
	exit(99);
}

/* With the first of the other kind that has none yet */
static void pair(struct vmm_set *set, struct vmm_item *item)
{
	for (struct vmm_item *other = set->items; other < item; other++) {
		if (other->pair != &waits || other->kind == item->kind)
			continue;
		other->pair = item;
		item->pair = other;
		return;
	}
	item->pair = &waits;
}

static void read_flag(struct vmm_set *set, struct vmm_item *item, const char *flag)
{
	if (!strcmp(flag, "iommufd"))
		item->by_iommufd = true;
	else if (!strcmp(flag, "listens"))
		item->listens = true;
	else if (!strcmp(flag, "pair"))
		pair(set, item);
	else
		snprintf(item->how.driver, sizeof(item->how.driver), "%s", flag);
}

/* "function,0000:01:10.0", "port,vm1,listens": addresses have colons. */
static void read_item(struct iov *iov, struct vmm_set *set, struct vmm_item *item, char *text)
{
	const char *kind = strsep(&text, ","), *name = strsep(&text, ","), *flag;

	while (item->kind < VMM_KINDS && strcmp(kinds[item->kind], kind))
		item->kind++;
	if (item->kind == VMM_KINDS || !name)
		die("expected KIND,NAME");
	snprintf(item->name, sizeof(item->name), "%s", name);
	snprintf(item->id, sizeof(item->id), "iov-%.100s", strrchr(name, '/') ? strrchr(name, '/') + 1 :
		 name);
	for (char *c = item->id; *c; c++) {
		if (!isalnum((unsigned char)*c))
			*c = '-';
	}
	snprintf(item->how.driver, sizeof(item->how.driver), "vfio-pci");
	snprintf(item->how.node, sizeof(item->how.node), "vfio3");
	item->how.group = 17;
	snprintf(item->socket, sizeof(item->socket), "/run/%.100s", name);
	snprintf(item->mac, sizeof(item->mac), "02:00:00:00:00:01");
	item->queues = 4;
	if (item->kind == VMM_FUNCTION && iov_bdf_parse(iov, name, &item->bdf))
		die("expected an address");
	while ((flag = strsep(&text, ",")))
		read_flag(set, item, flag);
}

static bool is_refused(const struct vmm_set *set)
{
	for (size_t i = 0; i < set->count; i++) {
		if (vmm_refuse(set, set->items[i].kind, set->items[i].name))
			return true;
	}
	return false;
}

static const char *said(const char *argument)
{
	return strcmp(argument, "-") ? argument : NULL;
}

static void print(const struct vmm_format *format, struct json_object *pieces)
{
	for (size_t i = 0; i < json_object_array_length(pieces); i++)
		printf("%s%s", json_object_get_string(json_object_array_get_idx(pieces, i)),
		       format->shape == VMM_ARGUMENTS && i + 1 < json_object_array_length(pieces) ?
		       " " : "\n");
}

static int ask(const char *name)
{
	struct vmm_version version;

	vmm_version_ask(vmm_find(name), &version);
	if (version.major == UINT_MAX)
		puts("none");
	else
		printf("%u.%u\n", version.major, version.minor);
	return 0;
}

int main(int argc, char **argv)
{
	struct vmm_item items[ITEMS_MAX] = { 0 };
	struct vmm_set set = { .version = { .major = UINT_MAX }, .items = items };
	const struct vmm_format *format;
	struct json_object *pieces;
	struct iov *iov;

	if (argc == 3 && !strcmp(argv[1], "--ask"))
		return ask(argv[2]);
	if (argc < 6 || argc - 5 > ITEMS_MAX || iov_open(&iov, NULL))
		die("expected VMM VERSION FORMAT MEMORY ITEM...");
	set.iov = iov;
	set.vmm = vmm_find(argv[1]);
	format = set.vmm ? vmm_format_find(set.vmm, said(argv[3])) : NULL;
	if (!format || (said(argv[2]) && !vmm_version_parse(argv[2], &set.version)))
		die("no such VMM, format or version");
	set.shared = !strcmp(argv[4], "none");
	set.memory = set.shared ? NULL : said(argv[4]);
	for (int i = 5; i < argc; i++)
		read_item(iov, &set, &items[set.count++], argv[i]);
	if (is_refused(&set) || vmm_check(&set, format)) {
		fprintf(stderr, "%s\n", iov_error_message(iov));
		return 1;
	}
	pieces = json_object_new_array();
	format->emit(&set, pieces);
	print(format, pieces);
	json_object_put(pieces);
	iov_close(iov);
	return 0;
}
