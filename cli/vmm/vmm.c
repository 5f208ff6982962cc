// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/vmm/vmm.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/sysroot/paths.h"

static const struct vmm *const vmms[] = {
	&vmm_qemu, &vmm_libvirt, &vmm_cloud_hypervisor, &vmm_crosvm, &vmm_firecracker, &vmm_kvmtool,
	&vmm_xen, &vmm_kata,
};

const struct vmm *vmm_at(size_t index)
{
	return index < sizeof(vmms) / sizeof(*vmms) ? vmms[index] : NULL;
}

const struct vmm *vmm_find(const char *name)
{
	const struct vmm *vmm;

	for (size_t i = 0; (vmm = vmm_at(i)); i++) {
		if (!strcmp(vmm->name, name))
			break;
	}
	return vmm;
}

void vmm_names(char *text, size_t size)
{
	const struct vmm *vmm;
	size_t length = 0;

	for (size_t i = 0; (vmm = vmm_at(i)) && length < size; i++)
		length += (size_t)snprintf(text + length, size - length, "%s%s", i ? ", " : "",
					   vmm->name);
}

const struct vmm_format *vmm_format_find(const struct vmm *vmm, const char *name)
{
	for (const struct vmm_format *format = vmm->formats; format->name; format++) {
		if (!name || !strcmp(format->name, name))
			return format;
	}
	return NULL;
}

void vmm_format_names(const struct vmm *vmm, char *text, size_t size)
{
	size_t length = 0;

	for (const struct vmm_format *format = vmm->formats; format->name && length < size; format++)
		length += (size_t)snprintf(text + length, size - length, "%s%s",
					   format == vmm->formats ? "" : " or ", format->name);
}

bool vmm_has(const struct vmm_set *set, unsigned int major, unsigned int minor)
{
	return set->version.major > major ||
	       (set->version.major == major && set->version.minor >= minor);
}

bool vmm_set_has(const struct vmm_set *set, enum vmm_kind kind)
{
	for (size_t i = 0; i < set->count; i++) {
		if (set->items[i].kind == kind)
			return true;
	}
	return false;
}

bool vmm_is_primary(const struct vmm_item *item)
{
	return item->pair && item->kind == VMM_FUNCTION;
}

bool vmm_is_standby(const struct vmm_item *item)
{
	return item->pair && item->kind == VMM_PORT;
}

bool vmm_set_by_iommufd(const struct vmm_set *set)
{
	for (size_t i = 0; i < set->count; i++) {
		if (set->items[i].by_iommufd)
			return true;
	}
	return false;
}

bool vmm_set_shares(const struct vmm_set *set)
{
	return vmm_set_has(set, VMM_PORT) || vmm_set_has(set, VMM_DISK);
}

struct iov_path vmm_directory(const struct vmm_item *item)
{
	if (item->kind == VMM_MDEV)
		return iov_path("/" IOV_PATH_MDEV_DEVICES "/%s", item->name);
	return iov_path("/%s", iov_pci_path(item->bdf, "").name);
}

static void say(struct json_object *out, const char *format, va_list args)
{
	char text[1024];

	vsnprintf(text, sizeof(text), format, args);
	json_object_array_add(out, json_object_new_string(text));
}

void vmm_say(struct json_object *out, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(out, format, args);
	va_end(args);
}

void vmm_option(struct json_object *out, const char *option, const char *format, ...)
{
	va_list args;

	json_object_array_add(out, json_object_new_string(option));
	va_start(args, format);
	say(out, format, args);
	va_end(args);
}
