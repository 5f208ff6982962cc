// SPDX-License-Identifier: GPL-2.0-or-later
/* A controller that is reached by VFIO. */
#include <errno.h>
#include <linux/pci_regs.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

#include "plugins/drivers/nvme_driver.h"
#include "vfio/device/interrupt.h"

#define PAUSE_NS 100000
#define PAGE UINT64_C(4096)

/**
 * struct vfio_bus - see nvme_driver.h
 * @lock: around what uses the device or its domain
 * @has_interrupts: some vector was enabled
 * @pages: what is mapped of the MSI-X table; NULL for nothing
 * @pages_size: its bytes
 */
struct vfio_bus {
	struct iov_nvme_bus bus;
	struct iov_device *device;
	pthread_mutex_t lock;
	bool has_interrupts;
	void *pages;
	size_t pages_size;
};

static struct vfio_bus *of(struct iov_nvme_bus *bus)
{
	return (struct vfio_bus *)bus;
}

static struct iov_domain *begin(struct iov_nvme_bus *bus)
{
	pthread_mutex_lock(&of(bus)->lock);
	return iov_device_domain(of(bus)->device);
}

static int end(struct iov_nvme_bus *bus, int error)
{
	pthread_mutex_unlock(&of(bus)->lock);
	return error;
}

static int bus_map(struct iov_nvme_bus *bus, void *memory, uint64_t size, uint64_t *iova)
{
	return end(bus, iov_domain_map(begin(bus), memory, size, IOV_MAP_READ | IOV_MAP_WRITE, iova));
}

static void bus_unmap(struct iov_nvme_bus *bus, uint64_t iova, uint64_t size)
{
	end(bus, iov_domain_unmap(begin(bus), iova, size));
}

static int bus_alloc(struct iov_nvme_bus *bus, uint64_t size, void **memory, uint64_t *iova)
{
	return end(bus, iov_domain_alloc(begin(bus), size, memory, iova));
}

static void bus_free(struct iov_nvme_bus *bus, void *memory, uint64_t size, uint64_t iova)
{
	iov_domain_free(begin(bus), memory, size, iova);
	end(bus, 0);
}

static int bus_interrupt(struct iov_nvme_bus *bus, unsigned int vector, int fd)
{
	int error;

	begin(bus);
	error = iov_interrupt_enable(of(bus)->device, IOV_MSIX, vector, 1, &fd);
	of(bus)->has_interrupts |= !error;
	return end(bus, error);
}

static void bus_silence(struct iov_nvme_bus *bus)
{
	begin(bus);
	end(bus, iov_device_bus_master(of(bus)->device, false));
}

static int bus_reset(struct iov_nvme_bus *bus)
{
	int error;

	begin(bus);
	error = iov_device_bus_master(of(bus)->device, false);
	if (!error)
		error = iov_device_reset(of(bus)->device);
	if (!error)
		error = iov_device_bus_master(of(bus)->device, true);
	return end(bus, error);
}

static void bus_pause(struct iov_nvme_bus *bus)
{
	(void)bus;
	nanosleep(&(struct timespec){ .tv_nsec = PAUSE_NS }, NULL);
}

/* PCI 3.0 section 6.7: where the MSI-X capability begins; 0 for none */
static uint8_t find_msix(struct iov_device *device)
{
	uint8_t at = 0, head[2] = { 0 };
	int error = iov_device_read(device, IOV_REGION_CONFIG, PCI_CAPABILITY_LIST, &at, 1);

	for (unsigned int i = 0; !error && i < 48 && at >= 0x40; i++) {
		error = iov_device_read(device, IOV_REGION_CONFIG, at, head, sizeof(head));
		if (head[0] == PCI_CAP_ID_MSIX)
			return at;
		at = head[1];
	}
	return 0;
}

/* Later kernels let it be mapped, as interrupts are remapped; without it they are not masked. */
static void map_table(struct vfio_bus *bus)
{
	const uint8_t at = find_msix(bus->device);
	uint64_t offset, first;
	uint32_t place;

	if (!at || iov_device_read(bus->device, IOV_REGION_CONFIG, at + PCI_MSIX_TABLE, &place,
				   sizeof(place)))
		return;
	offset = place & PCI_MSIX_TABLE_OFFSET;
	first = offset & ~(PAGE - 1);
	bus->pages_size = (offset - first + bus->bus.vectors * PCI_MSIX_ENTRY_SIZE + PAGE - 1) &
			  ~(PAGE - 1);
	if (iov_device_map(bus->device, place & PCI_MSIX_TABLE_BIR, first, bus->pages_size,
			   &bus->pages))
		bus->pages = NULL;
	else
		bus->bus.table = (char *)bus->pages + (offset - first);
}

static void bus_close(struct iov_nvme_bus *bus)
{
	if (of(bus)->has_interrupts)
		iov_interrupt_disable(of(bus)->device, IOV_MSIX);
	if (of(bus)->pages)
		munmap(of(bus)->pages, of(bus)->pages_size);
	if (bus->registers)
		munmap(bus->registers, IOV_NVME_REGISTERS);
	pthread_mutex_destroy(&of(bus)->lock);
	free(bus);
}

static const struct iov_nvme_bus_ops ops = {
	.map = bus_map,
	.unmap = bus_unmap,
	.alloc = bus_alloc,
	.free = bus_free,
	.interrupt = bus_interrupt,
	.silence = bus_silence,
	.reset = bus_reset,
	.pause = bus_pause,
	.close = bus_close,
};

int iov_nvme_vfio(struct iov_nvme_bus **out, struct iov_device *device)
{
	struct vfio_bus *bus = calloc(1, sizeof(*bus));
	struct iov_interrupt_info info = { 0 };
	int error;

	if (!bus)
		return -ENOMEM;
	bus->bus.ops = &ops;
	bus->device = device;
	pthread_mutex_init(&bus->lock, NULL);
	snprintf(bus->bus.name, sizeof(bus->bus.name), "%s", IOV_BDF(iov_device_bdf(device)));
	error = iov_device_bus_master(device, true);
	if (!error)
		error = iov_device_map(device, 0, 0, IOV_NVME_REGISTERS, &bus->bus.registers);
	if (error) {
		bus_close(&bus->bus);
		return error;
	}
	if (!iov_interrupt_info(device, IOV_MSIX, &info))
		bus->bus.vectors = info.count;
	if (bus->bus.vectors)
		map_table(bus);
	*out = &bus->bus;
	return 0;
}
