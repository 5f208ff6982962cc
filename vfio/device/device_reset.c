// SPDX-License-Identifier: GPL-2.0-or-later
/* Resets: of a function alone, and of all that is in its slot or on its bus. */
#include <errno.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/cleanup.h"
#include "vfio/device/device_internal.h"

/* Since Linux 6.6; with these the group of an entry is the number of an open device. */
#define HOT_RESET_DEV_ID (1u << 0)
#define HOT_RESET_DEV_ID_OWNED (1u << 1)

/* A function that did not come back answers all ones. */
static int check_alive(struct iov_device *device)
{
	uint16_t vendor = 0;
	int error = iov_device_read(device, IOV_REGION_CONFIG, PCI_VENDOR_ID, &vendor, sizeof(vendor));

	if (error || vendor != 0xffff)
		return error;
	return iov_fail(device->iov, -EIO, "%s: does not answer after its reset; set d3cold_allowed to 0, "
			"try another reset_method, or power the host down", device->name);
}

int iov_device_reset(struct iov_device *device)
{
	if (!device->can_reset)
		return iov_fail(device->iov, -ENOTSUP, "%s: cannot be reset alone; a reset of its slot is "
				"'iov reset %s --slot'", device->name, device->name);
	if (ioctl(device->fd, VFIO_DEVICE_RESET))
		return iov_told(device->iov, -errno, "%s: its reset failed: %s", device->name,
				strerror(errno));
	return check_alive(device);
}

int iov_device_reset_methods(struct iov_device *device, char *methods, size_t size)
{
	struct iov_path path = iov_path("%s/reset_method", device->dir.name);
	int error = iov_sys_read(device->iov, path.name, methods, size);

	if (error == -ENOENT) {
		*methods = '\0';
		return 0;
	}
	return error ? iov_told(device->iov, error, "/%s: %s", path.name, strerror(-error)) : 0;
}

int iov_device_set_reset_methods(struct iov_device *device, const char *methods)
{
	struct iov_path path = iov_path("%s/reset_method", device->dir.name);
	int error = iov_sys_write(device->iov, path.name, methods);

	if (!error)
		return 0;
	return iov_told(device->iov, error, "%s: reset methods '%s': %s", device->name, methods,
			error == -EINVAL ? "it has not all of them; see iov_device_reset_methods()"
					 : strerror(-error));
}

/* What the kernel says of a reset of slot or bus; the caller frees it, NULL with a message. */
static struct vfio_pci_hot_reset_info *get_info(struct iov_device *device, int *error)
{
	struct vfio_pci_hot_reset_info *info = NULL, *more;
	size_t size = sizeof(*info);

	*error = -ENOMEM;
	for (;;) {
		more = realloc(info, size);
		if (!more)
			break;
		info = more;
		memset(info, 0, size);
		info->argsz = (__u32)size;
		if (!ioctl(device->fd, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, info)) {
			*error = 0;
			return info;
		}
		*error = -errno;
		if (errno != ENOSPC || sizeof(*info) + info->count * sizeof(*info->devices) <= size)
			break;
		size = sizeof(*info) + info->count * sizeof(*info->devices);
	}
	free(info);
	*error = iov_told(device->iov, *error == -ENODEV ? -ENOTSUP : *error, "%s: cannot be reset with its "
			  "slot or bus: %s", device->name,
			  *error == -ENODEV ? "there is no port or slot above it that can do that"
					    : strerror(-*error));
	return NULL;
}

static struct iov_bdf bdf_of(const struct vfio_pci_dependent_device *entry)
{
	return (struct iov_bdf){ entry->segment, entry->bus, entry->devfn >> 3, entry->devfn & 7 };
}

static bool has_group(const struct iov_domain *domain, unsigned int number)
{
	for (size_t i = 0; i < domain->group_count; i++)
		if (domain->groups[i].number == number)
			return true;
	return false;
}

/* Through groups we own what is in those of the domain; with nodes the kernel has judged. */
static bool is_owned(const struct iov_device *device, const struct vfio_pci_hot_reset_info *info,
		     const struct vfio_pci_dependent_device *entry)
{
	if (info->flags & HOT_RESET_DEV_ID)
		return info->flags & HOT_RESET_DEV_ID_OWNED || entry->group_id != UINT32_MAX;
	return has_group(device->domain, entry->group_id);
}

int iov_device_affected(struct iov_device *device, struct iov_bdf **bdfs, size_t *count, bool *owned)
{
	int error;
	_cleanup_free_ struct vfio_pci_hot_reset_info *info = get_info(device, &error);

	if (!info)
		return error;
	*bdfs = calloc(info->count + 1, sizeof(**bdfs));
	if (!*bdfs)
		return -ENOMEM;
	*count = info->count;
	for (unsigned int i = 0; i < info->count; i++) {
		(*bdfs)[i] = bdf_of(&info->devices[i]);
		if (owned)
			*owned = (!i || *owned) && is_owned(device, info, &info->devices[i]);
	}
	return 0;
}

/* Those that somebody else has, or nobody. */
static int check_owned(struct iov_device *device, const struct vfio_pci_hot_reset_info *info)
{
	char text[512] = "";
	size_t length = 0;

	for (unsigned int i = 0; i < info->count && length < sizeof(text); i++)
		if (!is_owned(device, info, &info->devices[i]))
			length += (size_t)snprintf(text + length, sizeof(text) - length, "%s%s",
						   length ? ", " : "", IOV_BDF(bdf_of(&info->devices[i])));
	if (!length)
		return 0;
	return iov_fail(device->iov, -EPERM, "%s: its slot cannot be reset: that would reset %s as well, "
			"which this process does not have; open them in the same domain first",
			device->name, text);
}

static bool is_affected(const struct vfio_pci_hot_reset_info *info, unsigned int group)
{
	for (unsigned int i = 0; i < info->count; i++)
		if (info->devices[i].group_id == group)
			return true;
	return false;
}

int iov_device_reset_slot(struct iov_device *device)
{
	const struct iov_domain *domain = device->domain;
	int error;
	_cleanup_free_ struct vfio_pci_hot_reset_info *info = get_info(device, &error);
	_cleanup_free_ struct vfio_pci_hot_reset *reset = NULL;

	if (!info)
		return error;
	error = check_owned(device, info);
	if (error)
		return error;
	/* By group with the descriptor of each; by node with none, the kernel knows them. */
	reset = calloc(1, sizeof(*reset) + domain->group_count * sizeof(__s32));
	if (!reset)
		return -ENOMEM;
	for (size_t i = 0; i < domain->group_count; i++)
		if (is_affected(info, domain->groups[i].number))
			reset->group_fds[reset->count++] = domain->groups[i].fd;
	reset->argsz = (__u32)(sizeof(*reset) + reset->count * sizeof(__s32));
	if (ioctl(device->fd, VFIO_DEVICE_PCI_HOT_RESET, reset))
		return iov_told(device->iov, -errno, "%s: the reset of its slot failed: %s",
				device->name, strerror(errno));
	return check_alive(device);
}
