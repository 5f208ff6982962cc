// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/attach_find.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/fnv.h"
#include "base/json.h"
#include "base/pci/identity.h"
#include "base/rpc/rpc.h"
#include "base/sysroot/paths.h"
#include "cli/argument.h"
#include "plugins/mdev/mdev.h"
#include "plugins/vdpa/vdpa.h"
#include "sriov/class.h"

#define VDPA "/" IOV_PATH_DEV_VDPA
#define CLASS_ETHERNET 0x0200

/* "0000:01:10.0" as "iov-0000-01-10-0": every VMM takes letters, digits and a sign between. */
static void set_id(struct vmm_item *item, const char *name)
{
	snprintf(item->id, sizeof(item->id), "iov-%.*s", (int)sizeof(item->id) - 5, name);
	for (char *c = item->id; *c; c++) {
		if (!isalnum((unsigned char)*c))
			*c = '-';
	}
}

static int append(struct vmm_set *set, enum vmm_kind kind, const char *name, struct vmm_item **item)
{
	struct vmm_item *grown = array_grow(set->items, set->count, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	set->items = grown;
	*item = &grown[set->count++];
	**item = (struct vmm_item){ .kind = kind };
	snprintf((*item)->name, sizeof((*item)->name), "%s", name);
	set_id(*item, kind == VMM_VDPA ? name + strlen("/" IOV_PATH_DEV "/") : name);
	return 0;
}

/* The same for a name always: locally administered, from its hash. */
static void mac_of_name(const char *name, char text[IOV_MAC_TEXT])
{
	uint64_t hash = fnv64(FNV64_BASIS, (const uint8_t *)name, strlen(name));
	uint8_t mac[6] = { 0x02 };

	hash ^= hash >> 40;
	for (unsigned int i = 1; i < sizeof(mac); i++)
		mac[i] = (uint8_t)(hash >> 8 * (sizeof(mac) - 1 - i));
	iov_mac_format(mac, text);
}

/* Properties are those of QEMU's device, which no other VMM has. */
static int check_properties(struct cli *cli, struct iov_bdf bdf, const struct vmm_set *set,
			    struct json_object *properties)
{
	if (!json_object_object_length(properties) || set->vmm == &vmm_qemu)
		return 0;
	return iov_fail(cli->iov, -ENOTSUP, "%s: its device class %s has it given with %s, which %s cannot be "
			"told; use QEMU", IOV_BDF(bdf), iov_class_of(cli->iov, bdf)->name,
			json_object_to_json_string(properties), set->vmm->title);
}

static int add_function(struct cli *cli, struct iov_bdf bdf, struct vmm_set *set)
{
	struct iov_attachable how;
	struct json_object *properties = NULL;
	struct vmm_item *item;
	int error = iov_attach_check(cli->iov, bdf, set->vmm->way, &how);

	if (!error)
		error = iov_class_take(cli->iov, bdf, &properties);
	if (!error)
		error = check_properties(cli, bdf, set, properties);
	if (!error)
		error = append(set, VMM_FUNCTION, IOV_BDF(bdf), &item);
	if (error) {
		json_object_put(properties);
		return error;
	}
	item->properties = properties;
	item->bdf = bdf;
	item->how = how;
	item->by_iommufd = how.by_iommufd;
	return 0;
}

static int add_functions(struct cli *cli, const char *name, struct vmm_set *set)
{
	struct cli_functions functions = { 0 };
	int error = cli_add_functions(cli, name, &functions);

	/* What a VMM never takes need not be bound for it first. */
	if (!error)
		error = vmm_refuse(set, VMM_FUNCTION, name);
	for (size_t i = 0; !error && i < functions.count; i++)
		error = add_function(cli, functions.list[i], set);
	free(functions.list);
	return error;
}

/* @uuid: receives it as the kernel writes it */
static bool is_mdev(struct cli *cli, const char *name, char uuid[IOV_MDEV_UUID])
{
	return !iov_mdev_uuid_parse(cli->iov, name, uuid) &&
	       iov_sys_exists(cli->iov, iov_path(IOV_PATH_MDEV_DEVICES "/%s", uuid).name);
}

/* Channels and cryptographic queues of mainframes are no PCI devices. */
static int add_mdev(struct cli *cli, const char *name, struct vmm_set *set)
{
	char api[32] = IOV_DRIVER_VFIO;
	struct vmm_item *item;
	int error = vmm_refuse(set, VMM_MDEV, name);

	iov_sys_read(cli->iov, iov_path(IOV_PATH_MDEV_DEVICES "/%s/mdev_type/device_api", name).name,
		     api, sizeof(api));
	if (!error && strcmp(api, IOV_DRIVER_VFIO))
		error = iov_fail(cli->iov, -ENOTSUP, "%s: is a mediated device of %s; expected one of "
				 IOV_DRIVER_VFIO, name, api);
	if (!error)
		error = append(set, VMM_MDEV, name, &item);
	if (error)
		return error;
	item->by_iommufd = iov_attach_by_iommufd(cli->iov);
	return 0;
}

static bool is_vdpa(const char *name)
{
	size_t length = strlen(VDPA), digits;

	if (strncmp(name, VDPA, length))
		return false;
	digits = strspn(name + length, "0123456789");
	return digits && digits <= 5 && !name[length + digits];
}

/*
 * What VMMs are told makes a NIC of it; of what a recorded host does not tell it is taken for one.
 *
 * @mac: receives the address that it was made with, which is the one that the guest finds; else ""
 */
static int look_at_vdpa(struct cli *cli, const char *node, char mac[IOV_MAC_TEXT])
{
	_cleanup_json_ struct json_object *list = NULL;
	uint8_t bytes[6];

	mac[0] = '\0';
	if (iov_vdpa_list(cli->iov, &list))
		return 0;
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		struct json_object *device = json_object_array_get_idx(list, i);
		const char *class = json_text_or_null(device, "class");

		if (strcmp(json_text(device, "node"), node) != 0)
			continue;
		if (iov_mac_parse_nic(json_text(device, "mac"), bytes))
			iov_mac_format(bytes, mac);
		if (class && strcmp(class, "net"))
			return iov_fail(cli->iov, -ENOTSUP, "%s: %s is a vDPA device of class %s, and only NICs "
					"can be attached; QEMU takes it by -device vhost-vdpa-device-pci,"
					"vhostdev=%s", node, json_text(device, "name"), class, node);
	}
	return 0;
}

static int add_vdpa(struct cli *cli, const char *name, struct vmm_set *set)
{
	char mac[IOV_MAC_TEXT];
	struct vmm_item *item;
	int error = vmm_refuse(set, VMM_VDPA, name);

	if (!error && !iov_sys_exists(cli->iov, name + 1))
		error = iov_fail(cli->iov, -ENOENT, "%s: no such vDPA device; 'iov vdpa create' makes "
				 "one, with the driver vhost_vdpa", name);
	if (!error)
		error = look_at_vdpa(cli, name, mac);
	if (!error)
		error = append(set, VMM_VDPA, name, &item);
	if (error)
		return error;
	if (mac[0])
		snprintf(item->mac, sizeof(item->mac), "%s", mac);
	else
		mac_of_name(name, item->mac);
	return 0;
}

/* Who names an interface that is not there learns that it was taken for a port. */
static int unknown(struct cli *cli, const char *name, int error)
{
	char why[512];

	if (error != -ECONNREFUSED)
		return error;
	snprintf(why, sizeof(why), "%s", iov_error_message(cli->iov));
	return iov_fail(cli->iov, -ECONNREFUSED, "%s: no PCI function and no mediated device, see 'iov list' and "
			"'iov mdev list'; whether iovd has such a port or disk is not known: %s", name, why);
}

/* A port or a disk; no two of them have one name. */
static int find(struct cli *cli, const char *name, struct json_object **found)
{
	int error = cli_find_in_iovd(cli, "port.list", name, found);

	if (!error && !*found)
		error = cli_find_in_iovd(cli, "disk.list", name, found);
	if (error)
		return unknown(cli, name, error);
	if (*found && strcmp(json_text(*found, "state"), IOV_NOT_RESTORED))
		return 0;
	if (*found)
		return iov_fail(cli->iov, -ENOENT, "%s: is not there since iovd started again: %s; when "
				"the cause is gone, remove it and add it again", name,
				json_text(*found, "error"));
	return iov_fail(cli->iov, -ENOENT, "%s: no PCI function, no mediated device, and no port or disk of iovd; "
			"see 'iov list', 'iov mdev list', 'iov port list' and 'iov disk list'", name);
}

/* No front end of a VMM negotiates VIRTIO_BLK_F_ZONED, and without that nothing can be written. */
static int check_zones(struct cli *cli, struct json_object *disk)
{
	const char *model = json_text_or_null(disk, "zone_model");

	if (!model || strcmp(model, "host-managed"))
		return 0;
	return iov_fail(cli->iov, -ENOTSUP, "%s: its zones are for the guest to manage, which no VMM lets "
			"it do; it is for front ends that negotiate VIRTIO_BLK_F_ZONED",
			json_text(disk, "name"));
}

static int add_port(struct cli *cli, const char *name, struct vmm_set *set)
{
	_cleanup_json_ struct json_object *port = NULL;
	enum vmm_kind kind;
	const char *path;
	struct vmm_item *item;
	int error = find(cli, name, &port);

	if (error)
		return error;
	kind = strcmp(json_text(port, "type"), "disk") ? VMM_PORT : VMM_DISK;
	path = json_text_or_null(port, "socket");
	if (!path)
		return iov_fail(cli->iov, -EINVAL, "%s: is an uplink; a guest attaches to a port "
				"of type vhost-user, or to a disk", name);
	error = vmm_refuse(set, kind, name);
	if (!error)
		error = check_zones(cli, port);
	if (!error)
		error = append(set, kind, name, &item);
	if (error)
		return error;
	snprintf(item->socket, sizeof(item->socket), "%s", path);
	item->listens = strcmp(json_text(port, "mode"), "server") != 0;
	item->queues = (unsigned int)json_object_get_int(json_object_object_get(port, "queues_max"));
	if (json_text_or_null(port, "mac"))
		snprintf(item->mac, sizeof(item->mac), "%s", json_text(port, "mac"));
	else
		mac_of_name(name, item->mac);
	return 0;
}

/* No name of a port or disk has one of these; an interface without them is a device all the same. */
bool attach_is_device(struct cli *cli, const char *name)
{
	char uuid[IOV_MDEV_UUID];
	struct iov_bdf bdf;

	if (is_mdev(cli, name, uuid) || is_vdpa(name))
		return false;
	return strpbrk(name, ":=/") || !iov_device_parse(cli->iov, name, &bdf);
}

static int add_any(struct cli *cli, const char *name, struct vmm_set *set)
{
	char uuid[IOV_MDEV_UUID];

	if (is_mdev(cli, name, uuid))
		return add_mdev(cli, uuid, set);
	if (is_vdpa(name))
		return add_vdpa(cli, name, set);
	if (attach_is_device(cli, name))
		return add_functions(cli, name, set);
	return add_port(cli, name, set);
}

/* A vDPA device as its bus has it, of its node. */
static struct iov_path vdpa_of(struct cli *cli, const char *node)
{
	struct iov_path device = { "" };
	char **names = NULL;
	size_t count = 0;

	if (iov_sys_list(cli->iov, IOV_PATH_VDPA "/devices", &names, &count))
		return device;
	for (size_t i = 0; i < count; i++) {
		if (iov_sys_exists(cli->iov, iov_path(IOV_PATH_VDPA "/devices/%s%s", names[i],
						      strrchr(node, '/')).name))
			device = iov_path("vdpa/%s", names[i]);
	}
	iov_names_free(names, count);
	return device;
}

static int check_claim(struct cli *cli, const struct vmm_item *item)
{
	switch (item->kind) {
	case VMM_FUNCTION:
		return cli_check_claim(cli, item->name);
	case VMM_MDEV:
		return cli_check_claim(cli, iov_path("mdev/%s", item->name).name);
	case VMM_VDPA:
		return cli_check_claim(cli, vdpa_of(cli, item->name).name);
	default:
		return 0;
	}
}

/* What somebody else has claimed is for no guest of ours, whoever starts that. */
int attach_add(struct cli *cli, const char *name, struct vmm_set *set)
{
	size_t before = set->count;
	int error = add_any(cli, name, set);

	for (size_t i = before; !error && i < set->count; i++)
		error = check_claim(cli, &set->items[i]);
	return error;
}

void attach_free(struct vmm_set *set)
{
	for (size_t i = 0; i < set->count; i++)
		json_object_put(set->items[i].properties);
	free(set->items);
}

/* What a guest joins with a NIC that stands by, and QEMU pairs with one: ports, and functions for Ethernet. */
static bool is_nic(struct cli *cli, const struct vmm_item *item)
{
	int64_t class_code = 0;

	if (item->kind == VMM_FUNCTION)
		iov_pci_number(cli->iov, item->bdf, "class", &class_code);
	return item->kind == VMM_PORT || class_code >> 8 == CLASS_ETHERNET;
}

/* The next NIC of a kind behind @item, or from the first on for NULL; NULL behind the last. */
static struct vmm_item *next_nic(struct cli *cli, const struct vmm_set *set, enum vmm_kind kind,
				 struct vmm_item *item)
{
	for (item = item ? item + 1 : set->items; item < set->items + set->count; item++) {
		if (item->kind == kind && is_nic(cli, item))
			return item;
	}
	return NULL;
}

void attach_vf_mac(struct cli *cli, struct iov_bdf vf, char text[IOV_MAC_TEXT])
{
	_cleanup_json_ struct json_object *list = NULL;
	struct json_object *entry;
	uint8_t mac[6];
	struct iov_bdf pf;
	unsigned int index;

	text[0] = '\0';
	if (cli_vf(cli, vf, &pf, &index) || iov_vf_list(cli->iov, pf, -1, &list))
		return;
	entry = json_object_array_get_idx(json_object_object_get(list, "vfs"), index);
	if (iov_mac_parse_nic(json_text(entry, "mac"), mac))
		iov_mac_format(mac, text);
}

static int pair(struct cli *cli, struct vmm_item *function, struct vmm_item *port, const char *mac)
{
	char own[IOV_MAC_TEXT];

	attach_vf_mac(cli, function->bdf, own);
	if (!mac && !own[0])
		return iov_fail(cli->iov, -EINVAL, "--failover: %s has no address that its PF tells; set "
				"one with 'iov vf set', or say with --mac which it has", function->name);
	if (mac && own[0] && strcasecmp(mac, own))
		return iov_fail(cli->iov, -EINVAL, "--mac %s: %s has %s, and the port that stands by needs "
				"the same; leave --mac out", mac, function->name, own);
	snprintf(port->mac, sizeof(port->mac), "%s", mac ? mac : own);
	function->pair = port;
	port->pair = function;
	return 0;
}

int attach_pair(struct cli *cli, struct vmm_set *set, const char *mac)
{
	struct vmm_item *function = next_nic(cli, set, VMM_FUNCTION, NULL);
	struct vmm_item *port = next_nic(cli, set, VMM_PORT, NULL);
	struct vmm_item *more = function ? next_nic(cli, set, VMM_FUNCTION, function) : NULL;
	int error = 0;

	if (mac && more)
		return iov_fail(cli->iov, -EINVAL, "--mac %s: there are several VFs, and each has its own; set them "
				"with 'iov vf set'", mac);
	do {
		if (!function || !port)
			return iov_fail(cli->iov, -EINVAL, "--failover: expected a port for each VF of a NIC, in "
					"the same order, which stands by for it");
		error = pair(cli, function, port, mac);
		function = next_nic(cli, set, VMM_FUNCTION, function);
		port = next_nic(cli, set, VMM_PORT, port);
	} while (!error && (function || port));
	return error;
}
