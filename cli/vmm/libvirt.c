// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * libvirt: elements of a domain's XML.  managed='no' throughout: with 'yes' libvirt binds the
 * function itself and gives it back to its native driver afterwards, which undoes 'iov vf create
 * --driver none' and takes virtual GPUs from their driver.
 */
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "cli/vmm/vmm.h"

/* First release that takes a function whose driver is a variant of vfio-pci. */
#define VARIANTS_MAJOR 10
#define VARIANTS_MINOR 0

static const char *escape(char c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '\'':
		return "&apos;";
	default:
		return NULL;
	}
}

/* A socket's path as the value of an attribute. */
static const char *quote(const char *path, char quoted[6 * sizeof(((struct vmm_item *)0)->socket)])
{
	char *to = quoted;

	for (; *path; path++) {
		const char *escaped = escape(*path);

		if (escaped)
			to = stpcpy(to, escaped);
		else
			*to++ = *path;
	}
	*to = '\0';
	return quoted;
}

static void say_alias(struct json_object *out, const struct vmm_item *item)
{
	vmm_say(out, "  <alias name='ua-%s'/>", item->id);
}

static void say_function(const struct vmm_set *set, const struct vmm_item *item,
			 struct json_object *out)
{
	(void)set;
	vmm_say(out, "<hostdev mode='subsystem' type='pci' managed='no'>");
	vmm_say(out, "  <driver name='vfio'%s/>", item->by_iommufd ? " iommufd='yes'" : "");
	vmm_say(out, "  <source>");
	vmm_say(out, "    <address domain='0x%04x' bus='0x%02x' slot='0x%02x' function='0x%x'/>",
		item->bdf.domain, item->bdf.bus, item->bdf.device, item->bdf.function);
	vmm_say(out, "  </source>");
	if (vmm_is_primary(item))
		vmm_say(out, "  <teaming type='transient' persistent='ua-%s'/>", item->pair->id);
	say_alias(out, item);
	vmm_say(out, "</hostdev>");
}

static void say_mdev(const struct vmm_set *set, const struct vmm_item *item, struct json_object *out)
{
	(void)set;
	vmm_say(out, "<hostdev mode='subsystem' type='mdev' managed='no' model='vfio-pci'>");
	vmm_say(out, "  <source>");
	vmm_say(out, "    <address uuid='%s'/>", item->name);
	vmm_say(out, "  </source>");
	say_alias(out, item);
	vmm_say(out, "</hostdev>");
}

static void say_vdpa(const struct vmm_set *set, const struct vmm_item *item, struct json_object *out)
{
	(void)set;
	vmm_say(out, "<interface type='vdpa'>");
	vmm_say(out, "  <mac address='%s'/>", item->mac);
	vmm_say(out, "  <source dev='%s'/>", item->name);
	vmm_say(out, "  <model type='virtio'/>");
	say_alias(out, item);
	vmm_say(out, "</interface>");
}

/* Whoever connects does so again when the other side was restarted. */
static void say_socket(const struct vmm_item *item, const char *mode, struct json_object *out)
{
	char path[6 * sizeof(item->socket)];

	vmm_say(out, "  <source type='unix' path='%s'%s%s", quote(item->socket, path), mode,
		item->listens ? "/>" : ">");
	if (!item->listens) {
		vmm_say(out, "    <reconnect enabled='yes' timeout='1'/>");
		vmm_say(out, "  </source>");
	}
}

static void say_port(const struct vmm_set *set, const struct vmm_item *item, struct json_object *out)
{
	(void)set;
	vmm_say(out, "<interface type='vhostuser'>");
	vmm_say(out, "  <mac address='%s'/>", item->mac);
	say_socket(item, item->listens ? " mode='server'" : " mode='client'", out);
	vmm_say(out, "  <model type='virtio'/>");
	if (vmm_is_standby(item))
		vmm_say(out, "  <teaming type='persistent'/>");
	say_alias(out, item);
	vmm_say(out, "</interface>");
}

/* Its place among the disks of the set; "vda" is left to the guest's own first disk. */
static char target_letter(const struct vmm_set *set, const struct vmm_item *item)
{
	char letter = 'b';

	for (const struct vmm_item *other = set->items; other < item; other++)
		letter += other->kind == VMM_DISK;
	return letter;
}

static void say_disk(const struct vmm_set *set, const struct vmm_item *item, struct json_object *out)
{
	vmm_say(out, "<disk type='vhostuser' device='disk' snapshot='no'>");
	vmm_say(out, "  <driver name='qemu' type='raw' queues='%u'/>", item->queues);
	say_socket(item, "", out);
	vmm_say(out, "  <target dev='vd%c' bus='virtio'/>", target_letter(set, item));
	say_alias(out, item);
	vmm_say(out, "</disk>");
}

static void say_memory(struct json_object *out)
{
	vmm_say(out, "<!-- in the domain -->");
	vmm_say(out, "<memoryBacking>");
	vmm_say(out, "  <source type='memfd'/>");
	vmm_say(out, "  <access mode='shared'/>");
	vmm_say(out, "</memoryBacking>");
	vmm_say(out, "<!-- in its devices -->");
}

static void emit(const struct vmm_set *set, struct json_object *out)
{
	static void (*const says[])(const struct vmm_set *, const struct vmm_item *,
				    struct json_object *) = {
		[VMM_FUNCTION] = say_function, [VMM_MDEV] = say_mdev, [VMM_VDPA] = say_vdpa,
		[VMM_PORT] = say_port,	       [VMM_DISK] = say_disk,
	};

	if (vmm_set_shares(set) && !set->shared)
		say_memory(out);
	for (size_t i = 0; i < set->count; i++)
		says[set->items[i].kind](set, &set->items[i], out);
}

static int check_variant(const struct vmm_set *set, const struct vmm_item *item)
{
	if (item->kind != VMM_FUNCTION || !strcmp(item->how.driver, IOV_DRIVER_VFIO) ||
	    vmm_has(set, VARIANTS_MAJOR, VARIANTS_MINOR))
		return 0;
	return iov_fail(set->iov, -ENOTSUP, "%s: has the driver %s, and libvirt %u.%u takes vfio-pci "
			"alone; 'iov bind %s --driver vfio-pci', or take libvirt %u.%u", item->name,
			item->how.driver, set->version.major, set->version.minor, item->name,
			VARIANTS_MAJOR, VARIANTS_MINOR);
}

static int check(const struct vmm_set *set)
{
	int error = 0;

	for (size_t i = 0; !error && i < set->count; i++) {
		const struct vmm_item *item = &set->items[i];

		error = check_variant(set, item);
		if (!error && item->kind == VMM_DISK && target_letter(set, item) > 'z')
			error = iov_fail(set->iov, -EINVAL, "%s: the names vdb to vdz are used up; "
					 "attach it by another call", item->name);
	}
	return error;
}

static const struct vmm_format formats[] = {
	{ "xml", VMM_LINES, NULL, emit },
	{ 0 },
};

const struct vmm vmm_libvirt = {
	.name = "libvirt",
	.title = "libvirt",
	.ask = (const char *const[]){ "virsh", "--version", NULL },
	.way = IOV_DRIVER_VFIO,
	.takes = {
		[VMM_MDEV] = { .since = { 3, 2 } },
		[VMM_VDPA] = { .since = { 6, 9 } },
		[VMM_PORT] = { .since = { 5, 0 } },
		[VMM_DISK] = { .since = { 7, 1 }, .connects = true },
	},
	.domain_max = UINT16_MAX,
	.iommufd_since = { 12, 1 },
	.failover_since = { 7, 1 },
	.check = check,
	.formats = formats,
};
