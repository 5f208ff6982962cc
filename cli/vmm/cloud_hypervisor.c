// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Cloud Hypervisor.  Before release 52 the second "--device" took the place of the first, so all
 * devices are values of one option.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "cli/vmm/vmm.h"

/* The value that a thing is of an option. */
static void say(const struct vmm_item *item, struct json_object *out)
{
	switch (item->kind) {
	case VMM_PORT:
		vmm_say(out, "vhost_user=on,socket=%s,vhost_mode=%s,mac=%s,id=%s", item->socket,
			item->listens ? "server" : "client", item->mac, item->id);
		break;
	case VMM_DISK:
		/* One queue, as it takes no more than the guest has CPUs. */
		vmm_say(out, "vhost_user=on,socket=%s,id=%s", item->socket, item->id);
		break;
	case VMM_VDPA:
		vmm_say(out, "path=%s,id=%s", item->name, item->id);
		break;
	default:
		vmm_say(out, "path=%s,id=%s", vmm_directory(item).name, item->id);
		break;
	}
}

static const char *option_of(const struct vmm_item *item)
{
	static const char *const options[VMM_KINDS] = {
		[VMM_FUNCTION] = "--device", [VMM_MDEV] = "--device", [VMM_VDPA] = "--vdpa",
		[VMM_PORT] = "--net",	     [VMM_DISK] = "--disk",
	};

	return options[item->kind];
}

static void say_all(const struct vmm_set *set, const char *option, struct json_object *out)
{
	bool any = false;

	for (size_t i = 0; i < set->count; i++) {
		if (strcmp(option_of(&set->items[i]), option))
			continue;
		if (!any)
			vmm_say(out, "%s", option);
		any = true;
		say(&set->items[i], out);
	}
}

/* The greatest unit that it reads is G. */
static void say_memory(const char *memory, struct json_object *out)
{
	char *unit;
	unsigned long long size = strtoull(memory, &unit, 10);

	if (*unit == 'T')
		vmm_option(out, "--memory", "size=%lluG,shared=on", 1024 * size);
	else
		vmm_option(out, "--memory", "size=%s,shared=on", memory);
}

static void emit(const struct vmm_set *set, struct json_object *out)
{
	if (set->memory && vmm_set_shares(set))
		say_memory(set->memory, out);
	if (vmm_set_by_iommufd(set))
		vmm_option(out, "--platform", "iommufd=on");
	say_all(set, "--device", out);
	say_all(set, "--vdpa", out);
	say_all(set, "--net", out);
	say_all(set, "--disk", out);
}

static const struct vmm_format formats[] = {
	{ "args", VMM_ARGUMENTS, VMM_SHELL ",=", emit },
	{ 0 },
};

const struct vmm vmm_cloud_hypervisor = {
	.name = "cloud-hypervisor",
	.title = "Cloud Hypervisor",
	.ask = (const char *const[]){ "cloud-hypervisor", "--version", NULL },
	.way = IOV_DRIVER_VFIO,
	.takes = {
		[VMM_VDPA] = { .since = { 23, 0 }, .own_mac = true },
		[VMM_DISK] = { .connects = true },
	},
	.domain_max = UINT_MAX,
	.iommufd_since = { 52, 0 },
	.failover_since = { UINT_MAX, 0 },
	.memory = true,
	.formats = formats,
};
