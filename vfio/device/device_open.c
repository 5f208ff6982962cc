// SPDX-License-Identifier: GPL-2.0-or-later
/* The two ways to a device: through its group, and by its own node. */
#include <errno.h>
#include <fcntl.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/sysroot/paths.h"
#include "iommu/group.h"
#include "iommu/iommufd_abi.h"
#include "vfio/device/device_internal.h"

/* 36 digits and dashes */
#define TOKEN_TEXT 36

static int no_device(const struct iov_device *device, const char *token, int error)
{
	const char *bdf = device->name;

	if (error == -EACCES)
		return iov_told(device->iov, error, "%s: its VF token is %s; PF and VF need the same one, "
				"given to whoever opened the PF", bdf, token ? "another one" : "missing");
	if (error == -EBUSY)
		return iov_told(device->iov, error, "%s: is open already; see 'iov show %s' for who has "
				"it", bdf, bdf);
	if (error == -EINVAL && token)
		return iov_told(device->iov, error, "%s: takes no VF token", bdf);
	return iov_told(device->iov, error, "%s: cannot be opened: %s", bdf, strerror(-error));
}

static int find_group(struct iov_device *device)
{
	struct iov_path link = iov_path("%s/iommu_group", device->dir.name);
	char number[32];
	int error = iov_sys_link_name(device->iov, link.name, number, sizeof(number));

	if (error)
		return iov_fail(device->iov, -ENOTSUP, "%s: is in no IOMMU group: the IOMMU is off, and VFIO "
				"was not told to do without", device->name);
	device->group = (unsigned int)strtoul(number, NULL, 10);
	return 0;
}

int device_open_group(struct iov_device *device, const char *token)
{
	char name[128];
	int fd, error = find_group(device);

	if (error)
		return error;
	error = domain_join_group(device->domain, device->group, &fd);
	if (error)
		return error;
	if (token)
		snprintf(name, sizeof(name), "%s vf_token=%s", device->name, token);
	else
		snprintf(name, sizeof(name), "%s", device->name);
	device->fd = ioctl(fd, VFIO_GROUP_GET_DEVICE_FD, name);
	if (device->fd >= 0)
		return 0;
	error = no_device(device, token, -errno);
	domain_leave_group(device->domain, device->group);
	return error;
}

/* "vfio0", by which the node is called */
static int find_node(const struct iov_device *device, struct iov_path *path)
{
	struct iov_path dir = iov_path("%s/vfio-dev", device->dir.name);
	char **names;
	size_t count;
	int error = iov_sys_list(device->iov, dir.name, &names, &count);

	if (!error && count)
		*path = iov_path(IOV_PATH_DEV_VFIO "/devices/%s", names[0]);
	if (!error)
		iov_names_free(names, count);
	if (error || !count)
		return iov_fail(device->iov, -ENOTSUP, "%s: has no node of its own; bind it to vfio-pci, or "
				"use the type1 interface on a kernel without these nodes",
				device->name);
	return 0;
}

/* RFC 4122: 16 bytes in the order in which they are written */
static int parse_token(const struct iov_device *device, const char *text, uint8_t token[16])
{
	unsigned int bytes = 0, digits = 0;

	for (const char *at = text; *at && bytes < 16; at++) {
		unsigned int digit;

		if (*at == '-')
			continue;
		if (sscanf((char[]){ *at, '\0' }, "%1x", &digit) != 1)
			break;
		token[bytes] = (uint8_t)(token[bytes] << 4 | digit);
		bytes += digits++ & 1;
	}
	if (bytes == 16 && strlen(text) == TOKEN_TEXT)
		return 0;
	return iov_fail(device->iov, -EINVAL, "VF token '%.40s': expected a UUID such as "
			"2ab74924-c335-45f4-9b16-8569e5b08258", text);
}

/* The node may be opened often, but bound once; and the whole group has to be free. */
static int not_bound(struct iov_device *device, const char *token, int error)
{
	struct iov_group *group;
	bool viable = true;

	if (!find_group(device) && !iov_group_open(&group, device->iov, device->group)) {
		viable = iov_group_viable(group);
		iov_group_close(group);
	}
	if (!viable)
		return domain_not_viable(device->domain, device->group);
	return no_device(device, token, error == EINVAL ? -EBUSY : -error);
}

static int bind_node(struct iov_device *device, const char *token, uint32_t *id)
{
	uint8_t uuid[16] = { 0 };
	struct device_bind_iommufd bind = {
		.argsz = offsetof(struct device_bind_iommufd, token_uuid_ptr),
		.iommufd = device->domain->fd,
	};
	int error = token ? parse_token(device, token, uuid) : 0;

	if (error)
		return error;
	if (token) {
		bind.argsz = sizeof(bind);
		bind.flags = DEVICE_BIND_TOKEN;
		bind.token_uuid_ptr = (uintptr_t)uuid;
	}
	if (!ioctl(device->fd, VFIO_DEVICE_BIND_IOMMUFD, &bind)) {
		*id = bind.out_devid;
		return 0;
	}
	if (token && errno == EINVAL)
		return iov_fail(device->iov, -ENOTSUP, "%s: with its own node the kernel takes a VF token "
				"since Linux 6.17; use the type1 interface", device->name);
	return not_bound(device, token, errno);
}

static int attach_node(struct iov_device *device, uint32_t id)
{
	int error = domain_attach(device->domain, device->fd, id, &device->is_untracked);

	if (!error)
		return 0;
	return iov_told(device->iov, error, "%s: does not get into this domain: %s%s",
			device->name, strerror(-error), error == -EPERM ? "; interrupts are not "
			"remapped: a device could forge them" : "");
}

int device_open_node(struct iov_device *device, const char *token)
{
	struct iov_path path;
	uint32_t id = 0;
	int error = find_node(device, &path);

	if (error)
		return error;
	device->fd = iov_sys_open(device->iov, path.name, O_RDWR);
	if (device->fd == -ENOENT && domain_lacks_node(device->iov, path.name,
			iov_path(IOV_PATH_CLASS_VFIO "/%s", strrchr(path.name, '/') + 1).name))
		return -ENOTSUP;
	if (device->fd < 0)
		return no_device(device, token, device->fd);
	device->is_cdev = true;
	error = bind_node(device, token, &id);
	return error ? error : attach_node(device, id);
}
