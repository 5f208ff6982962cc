// SPDX-License-Identifier: GPL-2.0-or-later
// The program of docs/vfio.md: it drives QEMU's device edu from nothing.
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "iommu/domain.h"
#include "vfio/device/device.h"
#include "vfio/device/interrupt.h"

#define REGISTERS 4096
#define REGISTER(at, offset, type) (*(volatile type *)((char *)(at) + (offset)))

/* Addresses that this device reaches end at 256 MiB, so we say where memory goes. */
#define IOVA UINT64_C(0x100000)

struct setup {
	struct iov *iov;
	struct iov_domain *domain;
	struct iov_device *device;
	void *registers;
	void *memory;
	int event;
};

/* 1. What devices reach; 2. a device that reaches it; 3. its registers, in our memory. */
static int open_device(struct setup *setup, const char *name)
{
	struct iov_bdf bdf;
	int error = iov_bdf_parse(setup->iov, name, &bdf);

	if (!error)
		error = iov_domain_open(&setup->domain, setup->iov, IOV_DOMAIN_AUTO);
	if (!error)
		error = iov_device_open(&setup->device, setup->domain, bdf, NULL);
	if (!error)
		error = iov_device_map(setup->device, 0, 0, REGISTERS, &setup->registers);
	return error;
}

/* 4. Memory for it; 5. an eventfd that its interrupt writes to; 6. leave to use both. */
static int prepare(struct setup *setup)
{
	uint64_t iova = IOVA;
	int error;

	setup->memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	setup->event = eventfd(0, 0);
	error = iov_domain_map(setup->domain, setup->memory, 4096,
			       IOV_MAP_READ | IOV_MAP_WRITE | IOV_MAP_FIXED, &iova);
	if (!error)
		error = iov_interrupt_enable(setup->device, IOV_MSI, 0, 1, &setup->event);
	return error ? error : iov_device_bus_master(setup->device, true);
}

/* 7. Tell it what to copy, and wait for its interrupt. */
static void copy(struct setup *setup, uint64_t from, uint64_t to, uint64_t command)
{
	eventfd_t count;

	REGISTER(setup->registers, 0x80, uint64_t) = from;
	REGISTER(setup->registers, 0x88, uint64_t) = to;
	REGISTER(setup->registers, 0x90, uint64_t) = 64;
	REGISTER(setup->registers, 0x98, uint64_t) = command;
	eventfd_read(setup->event, &count);
	REGISTER(setup->registers, 0x64, uint32_t) = REGISTER(setup->registers, 0x24, uint32_t);
}

int main(int argc, char **argv)
{
	struct setup setup = { .event = -1 };
	int error = argc == 2 ? iov_open(&setup.iov, NULL) : -1;

	if (!error)
		error = open_device(&setup, argv[1]);
	if (!error)
		error = prepare(&setup);
	if (!error) {
		strcpy(setup.memory, "hello from the device");
		copy(&setup, IOVA, 0x40000, 1 | 4);
		memset(setup.memory, 0, 64);
		copy(&setup, 0x40000, IOVA, 1 | 2 | 4);
		printf("%s\n", (char *)setup.memory);
	} else {
		fprintf(stderr, "%s\n", setup.iov ? iov_error_message(setup.iov) : "usage: edu BDF");
	}
	/* 8. The device first, then what it reached. */
	if (setup.registers)
		munmap(setup.registers, REGISTERS);
	iov_device_close(setup.device);
	iov_domain_close(setup.domain);
	iov_close(setup.iov);
	return error ? 1 : 0;
}
