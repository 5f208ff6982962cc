// SPDX-License-Identifier: GPL-2.0-or-later
#include "vfio/device/irqfd.h"

#include <errno.h>
#include <linux/kvm.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "vfio/device/device_internal.h"

/**
 * struct iov_irqfd - a vector in KVM's hands
 * @event: what it writes to, and KVM listens at
 * @resample: what KVM writes to when the guest acknowledged the pin; -1 for messages
 */
struct iov_irqfd {
	struct iov_device *device;
	enum iov_interrupt kind;
	unsigned int vector;
	int vm;
	unsigned int gsi;
	int event;
	int resample;
};

static int tell_kvm(const struct iov_irqfd *irqfd, unsigned int flags)
{
	struct kvm_irqfd request = {
		.fd = (__u32)irqfd->event,
		.gsi = irqfd->gsi,
		.flags = flags | (irqfd->resample >= 0 ? KVM_IRQFD_FLAG_RESAMPLE : 0u),
		.resamplefd = irqfd->resample >= 0 ? (__u32)irqfd->resample : 0,
	};

	return ioctl(irqfd->vm, KVM_IRQFD, &request) ? -errno : 0;
}

static int make_events(struct iov_irqfd *irqfd)
{
	irqfd->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (irqfd->event >= 0 && irqfd->kind == IOV_INTX)
		irqfd->resample = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return irqfd->event < 0 || (irqfd->kind == IOV_INTX && irqfd->resample < 0) ? -errno : 0;
}

/* KVM listens before the vector can come. */
static int connect_ends(struct iov_irqfd *irqfd)
{
	struct iov_device *device = irqfd->device;
	int error = make_events(irqfd);

	if (!error)
		error = tell_kvm(irqfd, 0);
	if (error)
		return iov_told(device->iov, error, "%s: KVM does not take vector %u as interrupt %u of "
				"that machine: %s; has it KVM_CREATE_IRQCHIP, and that route?",
				device->name, irqfd->vector, irqfd->gsi, strerror(-error));
	error = iov_interrupt_enable(device, irqfd->kind, irqfd->vector, 1, &irqfd->event);
	if (!error && irqfd->resample >= 0) {
		error = iov_interrupt_resample(device, irqfd->resample);
		if (error)
			iov_interrupt_disable(device, irqfd->kind);
	}
	if (error)
		tell_kvm(irqfd, KVM_IRQFD_FLAG_DEASSIGN);
	return error;
}

static void release(struct iov_irqfd *irqfd)
{
	if (irqfd->event >= 0)
		close(irqfd->event);
	if (irqfd->resample >= 0)
		close(irqfd->resample);
	free(irqfd);
}

int iov_irqfd_open(struct iov_irqfd **out, struct iov_device *device, enum iov_interrupt kind,
		   unsigned int vector, int vm, unsigned int gsi)
{
	struct iov_irqfd *irqfd = calloc(1, sizeof(*irqfd));
	int error;

	if (!irqfd)
		return -ENOMEM;
	*irqfd = (struct iov_irqfd){ device, kind, vector, vm, gsi, -1, -1 };
	error = connect_ends(irqfd);
	if (error) {
		release(irqfd);
		return error;
	}
	*out = irqfd;
	return 0;
}

void iov_irqfd_close(struct iov_irqfd *irqfd)
{
	const int none = -1;

	if (!irqfd)
		return;
	if (irqfd->kind == IOV_INTX)
		iov_interrupt_disable(irqfd->device, IOV_INTX);
	else
		iov_interrupt_enable(irqfd->device, irqfd->kind, irqfd->vector, 1, &none);
	tell_kvm(irqfd, KVM_IRQFD_FLAG_DEASSIGN);
	release(irqfd);
}
