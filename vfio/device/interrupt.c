// SPDX-License-Identifier: GPL-2.0-or-later
#include "vfio/device/interrupt.h"

#include <errno.h>
#include <linux/vfio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>

#include "base/cleanup.h"
#include "vfio/device/device_internal.h"

static const char *const names[INTERRUPT_KINDS] = {
	[IOV_INTX] = "INTx",
	[IOV_MSI] = "MSI",
	[IOV_MSIX] = "MSI-X",
	[IOV_ERROR] = "error notifier",
	[IOV_REQUEST] = "request notifier",
};

static int fail(struct iov_device *device, enum iov_interrupt kind, int error, const char *what)
{
	return iov_told(device->iov, error, "%s: %s: %s%s%s", device->name, names[kind], what,
			error ? ": " : "", strerror(-error));
}

void device_learn_interrupts(struct iov_device *device)
{
	for (enum iov_interrupt kind = IOV_INTX; kind < INTERRUPT_KINDS; kind++) {
		struct vfio_irq_info info = { .argsz = sizeof(info), .index = kind };

		/* Of a kind that it cannot have at all the kernel says that it is wrong. */
		if (kind >= device->interrupt_count ||
		    ioctl(device->fd, VFIO_DEVICE_GET_IRQ_INFO, &info))
			continue;
		device->vectors[kind].info = (struct iov_interrupt_info){
			.count = info.flags & VFIO_IRQ_INFO_EVENTFD ? info.count : 0,
			.maskable = info.flags & VFIO_IRQ_INFO_MASKABLE,
			.automasked = info.flags & VFIO_IRQ_INFO_AUTOMASKED,
			.resizable = !(info.flags & VFIO_IRQ_INFO_NORESIZE),
		};
	}
}

int iov_interrupt_info(struct iov_device *device, enum iov_interrupt kind,
		       struct iov_interrupt_info *info)
{
	*info = device->vectors[kind].info;
	return 0;
}

/* VFIO_DEVICE_SET_IRQS; 0 or -errno without a message. */
static int set(struct iov_device *device, enum iov_interrupt kind, unsigned int action,
	       unsigned int first, unsigned int count)
{
	struct vfio_irq_set request = {
		.argsz = sizeof(request),
		.flags = action | VFIO_IRQ_SET_DATA_NONE,
		.index = kind,
		.start = first,
		.count = count,
	};

	return ioctl(device->fd, VFIO_DEVICE_SET_IRQS, &request) ? -errno : 0;
}

/* The same with an eventfd for each vector. */
static int set_fds(struct iov_device *device, enum iov_interrupt kind, unsigned int action,
		   unsigned int first, unsigned int count, const int *fds)
{
	size_t bytes = count * sizeof(*fds);
	_cleanup_free_ struct vfio_irq_set *request = calloc(1, sizeof(*request) + bytes);

	if (!request)
		return -ENOMEM;
	*request = (struct vfio_irq_set){
		.argsz = (__u32)(sizeof(*request) + bytes),
		.flags = action | VFIO_IRQ_SET_DATA_EVENTFD,
		.index = kind,
		.start = first,
		.count = count,
	};
	memcpy(request->data, fds, bytes);
	return ioctl(device->fd, VFIO_DEVICE_SET_IRQS, request) ? -errno : 0;
}

static int check_range(struct iov_device *device, enum iov_interrupt kind,
		       unsigned int first, unsigned int count)
{
	const struct iov_interrupt_info *info = &device->vectors[kind].info;

	if (count && first < info->count && count <= info->count - first)
		return 0;
	return iov_fail(device->iov, -EINVAL, "%s: %s: no vectors %u to %u, it has %u", device->name,
			names[kind], first, first + count - 1, info->count);
}

/* INTx, MSI and MSI-X exclude each other. */
static int check_others(struct iov_device *device, enum iov_interrupt kind)
{
	for (enum iov_interrupt other = IOV_INTX; kind <= IOV_MSIX && other <= IOV_MSIX; other++)
		if (other != kind && device->vectors[other].count)
			return iov_fail(device->iov, -EBUSY, "%s: %s is enabled, and excludes %s; disable "
					"it first", device->name, names[other], names[kind]);
	return 0;
}

static int remember(struct device_vectors *vectors, unsigned int first, unsigned int count,
		    const int *fds)
{
	unsigned int end = first + count;
	int *more;

	if (end > vectors->count) {
		more = realloc(vectors->fds, end * sizeof(*more));
		if (!more)
			return -ENOMEM;
		for (unsigned int i = vectors->count; i < end; i++)
			more[i] = -1;
		vectors->fds = more;
		vectors->count = end;
	}
	memcpy(vectors->fds + first, fds, count * sizeof(*fds));
	return 0;
}

static void forget(struct device_vectors *vectors)
{
	free(vectors->fds);
	vectors->fds = NULL;
	vectors->count = 0;
}

/* Take all vectors away and enable them with the new ones, as the kernel wants it here. */
static int rebuild(struct iov_device *device, enum iov_interrupt kind, unsigned int first,
		   unsigned int count, const int *fds)
{
	struct device_vectors *vectors = &device->vectors[kind];
	unsigned int before = vectors->count;
	int error = remember(vectors, first, count, fds);

	if (!error && before)
		error = set(device, kind, VFIO_IRQ_SET_ACTION_TRIGGER, 0, 0);
	if (!error)
		error = set_fds(device, kind, VFIO_IRQ_SET_ACTION_TRIGGER, 0, vectors->count,
				vectors->fds);
	/* What came in between came to nobody. */
	for (unsigned int i = 0; !error && i < before; i++)
		if (vectors->fds[i] >= 0)
			eventfd_write(vectors->fds[i], 1);
	if (error)
		forget(vectors);
	return error;
}

static int enable(struct iov_device *device, enum iov_interrupt kind, unsigned int first,
		  unsigned int count, const int *fds)
{
	struct device_vectors *vectors = &device->vectors[kind];
	int error;

	/* The kernel wants the first vectors to be there when it begins. */
	if (!vectors->count || (!vectors->info.resizable && first + count > vectors->count))
		return rebuild(device, kind, first, count, fds);
	error = set_fds(device, kind, VFIO_IRQ_SET_ACTION_TRIGGER, first, count, fds);
	return error ? error : remember(vectors, first, count, fds);
}

int iov_interrupt_enable(struct iov_device *device, enum iov_interrupt kind, unsigned int first,
			 unsigned int count, const int *fds)
{
	int error = check_range(device, kind, first, count);

	if (!error)
		error = check_others(device, kind);
	if (error)
		return error;
	error = enable(device, kind, first, count, fds);
	/* The kernel says how many there could be. */
	if (error > 0 || error == -ENOSPC)
		return iov_fail(device->iov, -ENOSPC, "%s: %s: the host has no %u interrupts left for it",
				device->name, names[kind], first + count);
	return error ? fail(device, kind, error, "cannot be enabled") : 0;
}

int iov_interrupt_disable(struct iov_device *device, enum iov_interrupt kind)
{
	int error = 0;

	if (device->vectors[kind].count)
		error = set(device, kind, VFIO_IRQ_SET_ACTION_TRIGGER, 0, 0);
	forget(&device->vectors[kind]);
	return error ? fail(device, kind, error, "cannot be disabled") : 0;
}

static int set_masked(struct iov_device *device, enum iov_interrupt kind, unsigned int vector,
		      unsigned int action)
{
	int error = check_range(device, kind, vector, 1);

	if (!error && !device->vectors[kind].info.maskable)
		error = fail(device, kind, -ENOTSUP, "cannot be masked through VFIO");
	if (error)
		return error;
	error = set(device, kind, action, vector, 1);
	return error ? fail(device, kind, error, "cannot be masked or unmasked now") : 0;
}

int iov_interrupt_mask(struct iov_device *device, enum iov_interrupt kind, unsigned int vector)
{
	return set_masked(device, kind, vector, VFIO_IRQ_SET_ACTION_MASK);
}

int iov_interrupt_unmask(struct iov_device *device, enum iov_interrupt kind, unsigned int vector)
{
	return set_masked(device, kind, vector, VFIO_IRQ_SET_ACTION_UNMASK);
}

int iov_interrupt_resample(struct iov_device *device, int fd)
{
	int error = set_fds(device, IOV_INTX, VFIO_IRQ_SET_ACTION_UNMASK, 0, 1, &fd);

	return error ? fail(device, IOV_INTX, error, "cannot be unmasked by an eventfd") : 0;
}

int iov_interrupt_trigger(struct iov_device *device, enum iov_interrupt kind, unsigned int first,
			  unsigned int count)
{
	int error = check_range(device, kind, first, count);

	if (error)
		return error;
	error = set(device, kind, VFIO_IRQ_SET_ACTION_TRIGGER, first, count);
	return error ? fail(device, kind, error, "cannot be triggered") : 0;
}
