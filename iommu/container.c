// SPDX-License-Identifier: GPL-2.0-or-later
/* The VFIO container and the groups in it, which type1 and noiommu share. */
#include <errno.h>
#include <fcntl.h>
#include <linux/vfio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/sysroot/paths.h"
#include "base/sysroot/sysroot.h"
#include "iommu/domain_ops.h"

static const char *node_remedy(int error)
{
	return error == -EACCES ? "; be root, or give this user the node" : "";
}

int container_open(struct iov_domain *domain, unsigned int type)
{
	domain->fd = iov_sys_open(domain->iov, IOV_PATH_DEV_VFIO "/vfio", O_RDWR);
	if (domain->fd == -ENOENT &&
	    domain_lacks_node(domain->iov, IOV_PATH_DEV_VFIO "/vfio", IOV_PATH_MISC "/vfio"))
		return -ENOTSUP;
	if (domain->fd == -ENOENT || domain->fd == -ENODEV || domain->fd == -ENXIO)
		return iov_fail(domain->iov, -ENOTSUP, "/" IOV_PATH_DEV_VFIO "/vfio: this kernel has no "
				"VFIO containers; load the module vfio-pci, or use the iommufd interface");
	if (domain->fd < 0)
		return iov_told(domain->iov, domain->fd, "/" IOV_PATH_DEV_VFIO "/vfio: %s%s",
				strerror(-domain->fd), node_remedy(domain->fd));
	if (ioctl(domain->fd, VFIO_GET_API_VERSION) != VFIO_API_VERSION)
		return iov_fail(domain->iov, -ENOTSUP, "/" IOV_PATH_DEV_VFIO "/vfio: not version %d of the "
				"interface", VFIO_API_VERSION);
	domain->type = type;
	return 0;
}

void container_close(struct iov_domain *domain)
{
	for (size_t i = 0; i < domain->group_count; i++)
		close(domain->groups[i].fd);
	free(domain->groups);
	if (domain->fd >= 0)
		close(domain->fd);
}

static int open_group(struct iov_domain *domain, unsigned int number)
{
	const char *prefix = domain->ops->kind == IOV_DOMAIN_NOIOMMU ? "noiommu-" : "";
	struct iov_path path = iov_path(IOV_PATH_DEV_VFIO "/%s%u", prefix, number);
	int fd = iov_sys_open(domain->iov, path.name, O_RDWR);

	if (fd == -EBUSY)
		return iov_told(domain->iov, fd, "/%s: is open already, in another process or another "
				"domain", path.name);
	if (fd == -ENOENT && domain_lacks_node(domain->iov, path.name,
					       iov_path(IOV_PATH_CLASS_GROUP "/%s%u", prefix, number).name))
		return -ENOTSUP;
	if (fd == -ENOENT)
		return iov_fail(domain->iov, -ENODEV, "/%s: VFIO has no such group; bind its functions to "
				"vfio-pci", path.name);
	if (fd < 0)
		return iov_told(domain->iov, fd, "/%s: %s%s", path.name, strerror(-fd), node_remedy(fd));
	return fd;
}

static int attach_group(struct iov_domain *domain, unsigned int number, int fd)
{
	struct vfio_group_status status = { .argsz = sizeof(status) };

	if (ioctl(fd, VFIO_GROUP_GET_STATUS, &status))
		return iov_told(domain->iov, -errno, "IOMMU group %u: %s", number, strerror(errno));
	if (!(status.flags & VFIO_GROUP_FLAGS_VIABLE))
		return domain_not_viable(domain, number);
	if (ioctl(fd, VFIO_GROUP_SET_CONTAINER, &domain->fd))
		return iov_told(domain->iov, -errno, "IOMMU group %u does not go into this domain: %s",
				number, strerror(errno));
	if (domain->is_set)
		return 0;
	if (ioctl(domain->fd, VFIO_SET_IOMMU, domain->type)) {
		int error = -errno;

		ioctl(fd, VFIO_GROUP_UNSET_CONTAINER);
		return iov_told(domain->iov, error, "IOMMU group %u: its IOMMU cannot be used: %s%s",
				number, strerror(-error), error == -EPERM ? "; interrupts are not "
				"remapped: a device could forge them" : "");
	}
	domain->is_set = true;
	return 0;
}

static struct domain_group *find_group(struct iov_domain *domain, unsigned int number)
{
	for (size_t i = 0; i < domain->group_count; i++)
		if (domain->groups[i].number == number)
			return &domain->groups[i];
	return NULL;
}

int domain_join_group(struct iov_domain *domain, unsigned int number, int *fd)
{
	struct domain_group *group = find_group(domain, number), *groups;
	int error;

	if (group) {
		group->users++;
		*fd = group->fd;
		return 0;
	}
	groups = realloc(domain->groups, (domain->group_count + 1) * sizeof(*groups));
	if (!groups)
		return -ENOMEM;
	domain->groups = groups;
	*fd = open_group(domain, number);
	if (*fd < 0)
		return *fd;
	error = attach_group(domain, number, *fd);
	if (error) {
		close(*fd);
		return error;
	}
	groups[domain->group_count++] = (struct domain_group){ number, *fd, 1 };
	return 0;
}

/* Without its last group a container has no IOMMU, and no mappings. */
void domain_leave_group(struct iov_domain *domain, unsigned int number)
{
	struct domain_group *group = find_group(domain, number);

	if (!group || --group->users)
		return;
	ioctl(group->fd, VFIO_GROUP_UNSET_CONTAINER);
	close(group->fd);
	*group = domain->groups[--domain->group_count];
	domain->is_set = domain->group_count > 0;
}
