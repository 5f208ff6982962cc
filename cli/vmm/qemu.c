// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * QEMU: arguments of its command line, or the same as commands of QMP for a guest that runs.
 *
 * Both are made from one object for each thing, as "driver" or "qom-type" and properties: QEMU
 * reads "-device vfio-pci,host=..." and {"execute": "device_add", "arguments": {...}} alike.
 */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "cli/vmm/vmm.h"

#define IOMMUFD "iommufd0"
#define MEMORY "iov-memory"
/* Of another form than ids of what is attached. */
#define SLOT "iovkit-slot%s"
#define RECONNECT_MS 1000

/* Where what is said goes, and in which of the two languages. */
struct telling {
	const struct vmm_set *set;
	struct json_object *out;
	bool qmp;
};

static void put_text(struct json_object *object, const char *key, const char *text)
{
	json_object_object_add(object, key, json_object_new_string(text));
}

/* QEMU separates by commas and takes two of them for one. */
static void append_value(char *text, size_t size, struct json_object *value)
{
	bool is_switch = json_object_is_type(value, json_type_boolean);
	const char *from = !is_switch ? json_object_get_string(value) :
			   json_object_get_boolean(value) ? "on" : "off";
	size_t length = strlen(text);

	for (; *from && length + 2 < size; from++) {
		if (*from == ',')
			text[length++] = ',';
		text[length++] = *from;
	}
	text[length] = '\0';
}

/* The first value stands without its key: "vfio-pci,host=0000:01:10.0" */
static void say_option(const struct telling *telling, const char *option, struct json_object *values)
{
	char text[1024] = "";

	json_object_object_foreach(values, key, value) {
		size_t length = strlen(text);

		if (length)
			snprintf(text + length, sizeof(text) - length, ",%s=", key);
		append_value(text, sizeof(text), value);
	}
	vmm_option(telling->out, option, "%s", text);
	json_object_put(values);
}

static void say_command(const struct telling *telling, const char *command,
			struct json_object *arguments)
{
	struct json_object *document = json_object_new_object();

	put_text(document, "execute", command);
	if (arguments)
		json_object_object_add(document, "arguments", arguments);
	json_object_array_add(telling->out, document);
}

/* Takes @values over. */
static void say(const struct telling *telling, const char *option, const char *command,
		struct json_object *values)
{
	if (telling->qmp)
		say_command(telling, command, values);
	else
		say_option(telling, option, values);
}

static struct json_object *device_new(const char *driver)
{
	struct json_object *device = json_object_new_object();

	put_text(device, "driver", driver);
	return device;
}

/* The place of a function among those of pairs: "" of the first, "2", "3" */
static const char *slot_number(const struct vmm_set *set, const struct vmm_item *primary, char number[16])
{
	unsigned int place = 1;

	for (const struct vmm_item *other = set->items; other < primary; other++)
		place += vmm_is_primary(other);
	snprintf(number, 16, "%u", place);
	return place == 1 ? "" : number;
}

/*
 * Before 9.2 QEMU keeps the id of what "-device" names in its own words, and refuses device_add of it for ever,
 * also when the device is gone: a function that is unplugged for a migration could not come back.  It does not
 * do so of JSON, which -device takes from 6.2 on.
 */
static bool needs_json(const struct telling *telling, const struct vmm_item *item)
{
	return vmm_is_primary(item) && !telling->qmp && vmm_has(telling->set, 6, 2) && !vmm_has(telling->set, 9, 2);
}

static void say_device(const struct telling *telling, const struct vmm_item *item,
		       struct json_object *device)
{
	char number[16], slot[32];

	put_text(device, "id", item->id);
	snprintf(slot, sizeof(slot), SLOT, slot_number(telling->set, item, number));
	if (item->bus)
		put_text(device, "bus", item->bus);
	else if (vmm_is_primary(item))
		put_text(device, "bus", slot);
	if (!needs_json(telling, item)) {
		say(telling, "-device", "device_add", device);
		return;
	}
	vmm_option(telling->out, "-device", "%s",
		   json_object_to_json_string_ext(device, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(device);
}

/* What QEMU reads as "host" has a domain of 16 bits; any device is at its directory. */
static void say_assigned(const struct telling *telling, const struct vmm_item *item)
{
	struct json_object *device = device_new("vfio-pci");

	if (item->kind == VMM_FUNCTION && item->bdf.domain <= UINT16_MAX)
		put_text(device, "host", IOV_BDF(item->bdf));
	else
		put_text(device, "sysfsdev", vmm_directory(item).name);
	if (item->by_iommufd)
		put_text(device, "iommufd", IOMMUFD);
	if (vmm_is_primary(item))
		put_text(device, "failover_pair_id", item->pair->id);
	if (item->properties) {
		json_object_object_foreach(item->properties, key, value)
			json_object_object_add(device, key, json_object_get(value));
	}
	say_device(telling, item, device);
}

/* Where QEMU meets iovd; it connects again by itself when iovd was restarted. */
static void say_chardev_option(const struct telling *telling, const struct vmm_item *item)
{
	struct json_object *chardev = json_object_new_object();

	put_text(chardev, "backend", "socket");
	put_text(chardev, "id", item->id);
	put_text(chardev, "path", item->socket);
	if (item->listens)
		json_object_object_add(chardev, "server", json_object_new_boolean(true));
	else if (vmm_has(telling->set, 9, 2))
		json_object_object_add(chardev, "reconnect-ms", json_object_new_int(RECONNECT_MS));
	else
		json_object_object_add(chardev, "reconnect", json_object_new_int(RECONNECT_MS / 1000));
	say_option(telling, "-chardev", chardev);
}

static void say_chardev_command(const struct telling *telling, const struct vmm_item *item)
{
	struct json_object *arguments = json_object_new_object(), *backend = json_object_new_object();
	struct json_object *data = json_object_new_object(), *address = json_object_new_object();
	struct json_object *path = json_object_new_object();

	put_text(path, "path", item->socket);
	put_text(address, "type", "unix");
	json_object_object_add(address, "data", path);
	json_object_object_add(data, "addr", address);
	json_object_object_add(data, "server", json_object_new_boolean(item->listens));
	if (!item->listens && vmm_has(telling->set, 9, 2))
		json_object_object_add(data, "reconnect-ms", json_object_new_int(RECONNECT_MS));
	else if (!item->listens)
		json_object_object_add(data, "reconnect", json_object_new_int(RECONNECT_MS / 1000));
	put_text(backend, "type", "socket");
	json_object_object_add(backend, "data", data);
	put_text(arguments, "id", item->id);
	json_object_object_add(arguments, "backend", backend);
	say_command(telling, "chardev-add", arguments);
}

static void say_chardev(const struct telling *telling, const struct vmm_item *item)
{
	if (telling->qmp)
		say_chardev_command(telling, item);
	else
		say_chardev_option(telling, item);
}

/* @key, @value: what the NIC's other side is */
static void say_nic(const struct telling *telling, const struct vmm_item *item, const char *type,
		    const char *key, const char *value)
{
	struct json_object *net = json_object_new_object();
	struct json_object *device = device_new("virtio-net-pci");

	put_text(net, "type", type);
	put_text(net, "id", item->id);
	put_text(net, key, value);
	say(telling, "-netdev", "netdev_add", net);
	put_text(device, "netdev", item->id);
	put_text(device, "mac", item->mac);
	if (vmm_is_standby(item))
		json_object_object_add(device, "failover", json_object_new_boolean(true));
	say_device(telling, item, device);
}

static void say_port(const struct telling *telling, const struct vmm_item *item)
{
	say_chardev(telling, item);
	say_nic(telling, item, "vhost-user", "chardev", item->id);
}

static void say_vdpa(const struct telling *telling, const struct vmm_item *item)
{
	say_nic(telling, item, "vhost-vdpa", "vhostdev", item->name);
}

/* QEMU refuses to have more queues than the back end, which its own choice may be. */
static void say_disk(const struct telling *telling, const struct vmm_item *item)
{
	struct json_object *device = device_new("vhost-user-blk-pci");

	say_chardev(telling, item);
	put_text(device, "chardev", item->id);
	json_object_object_add(device, "num-queues", json_object_new_int((int)item->queues));
	say_device(telling, item, device);
}

static void say_memory(const struct telling *telling)
{
	const char *memory = telling->set->memory;

	vmm_option(telling->out, "-m", "%s", memory);
	vmm_option(telling->out, "-object", "memory-backend-memfd,id=" MEMORY ",size=%s,share=on",
		   memory);
	vmm_option(telling->out, "-machine", "memory-backend=" MEMORY);
}

static void say_iommufd(const struct telling *telling)
{
	struct json_object *object = json_object_new_object();

	put_text(object, "qom-type", "iommufd");
	put_text(object, "id", IOMMUFD);
	say(telling, "-object", "object-add", object);
}

/* The guest unplugs a function before it migrates, so each needs a slot that can be unplugged. */
static void say_slots(const struct telling *telling)
{
	const struct vmm_set *set = telling->set;
	unsigned int chassis = UINT8_MAX;
	char number[16];

	for (const struct vmm_item *item = set->items; item < set->items + set->count; item++) {
		if (vmm_is_primary(item) && !item->bus)
			vmm_option(telling->out, "-device", "pcie-root-port,id=" SLOT ",chassis=%u",
				   slot_number(set, item, number), chassis--);
	}
}

static void say_shared(const struct telling *telling)
{
	const struct vmm_set *set = telling->set;

	if (set->memory && vmm_set_shares(set))
		say_memory(telling);
	if (vmm_set_by_iommufd(set))
		say_iommufd(telling);
	say_slots(telling);
}

static void tell(const struct telling *telling)
{
	static void (*const says[])(const struct telling *, const struct vmm_item *) = {
		[VMM_FUNCTION] = say_assigned,
		[VMM_MDEV] = say_assigned,
		[VMM_VDPA] = say_vdpa,
		[VMM_PORT] = say_port,
		[VMM_DISK] = say_disk,
	};
	const struct vmm_set *set = telling->set;

	say_shared(telling);
	/* A function finds the NIC that stands by for it. */
	for (size_t i = 0; i < set->count; i++) {
		if (vmm_is_standby(&set->items[i]))
			says[set->items[i].kind](telling, &set->items[i]);
	}
	for (size_t i = 0; i < set->count; i++) {
		if (!vmm_is_standby(&set->items[i]) && !(set->incoming && vmm_is_primary(&set->items[i])))
			says[set->items[i].kind](telling, &set->items[i]);
	}
}

static void emit_arguments(const struct vmm_set *set, struct json_object *out)
{
	tell(&(struct telling){ .set = set, .out = out });
	if (set->incoming)
		vmm_option(out, "-incoming", "defer");
}

/* A connection begins with its capabilities; what is piped into one needs them. */
static void emit_commands(const struct vmm_set *set, struct json_object *out)
{
	struct telling telling = { .set = set, .out = out, .qmp = true };

	say_command(&telling, "qmp_capabilities", NULL);
	tell(&telling);
}

#if defined(__aarch64__)
#define PROGRAM "qemu-system-aarch64"
#else
#define PROGRAM "qemu-system-x86_64"
#endif

static const struct vmm_format formats[] = {
	{ "args", VMM_ARGUMENTS, VMM_SHELL, emit_arguments },
	{ "qmp", VMM_DOCUMENTS, NULL, emit_commands },
	{ 0 },
};

const struct vmm vmm_qemu = {
	.name = "qemu",
	.title = "QEMU",
	.ask = (const char *const[]){ PROGRAM, "--version", NULL },
	.way = IOV_DRIVER_VFIO,
	.takes = {
		[VMM_FUNCTION] = { .since = { 1, 3 } },
		[VMM_MDEV] = { .since = { 2, 7 } },
		/* The machine's memory by a back end of one's own. */
		[VMM_PORT] = { .since = { 5, 0 } },
		[VMM_DISK] = { .since = { 5, 0 } },
		[VMM_VDPA] = { .since = { 5, 1 } },
	},
	.domain_max = UINT_MAX,
	.iommufd_since = { 9, 0 },
	/* That QEMU itself unplugs the function. */
	.failover_since = { 4, 2 },
	.memory = true,
	.formats = formats,
};
