// SPDX-License-Identifier: GPL-2.0-or-later
#include "plugins/drivers/edu.h"
#include "base/clock.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

#define VENDOR 0x1234
#define DEVICE 0x11e8

/* Registers in BAR 0 */
#define REGISTERS 4096
#define ID 0x00
#define ID_MASK 0xff
#define ID_EDU 0xed
#define LIVENESS 0x04
#define INTERRUPTS 0x24
#define RAISE 0x60
#define ACKNOWLEDGE 0x64
#define DMA_FROM 0x80
#define DMA_TO 0x88
#define DMA_COUNT 0x90
#define DMA_COMMAND 0x98
#define DMA_START 1u
#define DMA_TO_MEMORY 2u
#define DMA_INTERRUPT 4u

/* Where a copy finds its buffer */
#define BUFFER UINT64_C(0x40000)

#define COPY_MS 5000

struct iov_edu {
	struct iov *iov;
	struct iov_bdf bdf;
	volatile uint8_t *registers;
};

static uint32_t get32(const struct iov_edu *edu, unsigned int offset)
{
	return *(volatile uint32_t *)(edu->registers + offset);
}

static void set32(struct iov_edu *edu, unsigned int offset, uint32_t value)
{
	*(volatile uint32_t *)(edu->registers + offset) = value;
}

static uint64_t get64(const struct iov_edu *edu, unsigned int offset)
{
	return *(volatile uint64_t *)(edu->registers + offset);
}

static void set64(struct iov_edu *edu, unsigned int offset, uint64_t value)
{
	*(volatile uint64_t *)(edu->registers + offset) = value;
}

bool iov_edu_is(struct iov *iov, struct iov_bdf bdf)
{
	int64_t vendor, device;

	return !iov_pci_number(iov, bdf, "vendor", &vendor) && vendor == VENDOR &&
	       !iov_pci_number(iov, bdf, "device", &device) && device == DEVICE;
}

static bool answers(struct iov_edu *edu)
{
	if ((get32(edu, ID) & ID_MASK) != ID_EDU)
		return false;
	set32(edu, LIVENESS, 0x12345678);
	return get32(edu, LIVENESS) == ~UINT32_C(0x12345678);
}

int iov_edu_open(struct iov_edu **out, struct iov *iov, struct iov_device *device)
{
	struct iov_edu *edu = calloc(1, sizeof(*edu));
	void *registers = NULL;
	int error;

	if (!edu)
		return -ENOMEM;
	edu->iov = iov;
	edu->bdf = iov_device_bdf(device);
	error = iov_device_bus_master(device, true);
	if (!error)
		error = iov_device_map(device, 0, 0, REGISTERS, &registers);
	edu->registers = registers;
	if (!error && !answers(edu))
		error = iov_fail(iov, -ENODEV, "%s: does not answer as an edu does", IOV_BDF(edu->bdf));
	if (error) {
		iov_edu_close(edu);
		return error;
	}
	/* Of whoever had it before: nothing resets it in between. */
	iov_edu_interrupts(edu);
	*out = edu;
	return 0;
}

void iov_edu_close(struct iov_edu *edu)
{
	if (!edu)
		return;
	if (edu->registers)
		munmap((void *)(uintptr_t)edu->registers, REGISTERS);
	free(edu);
}

static int copy(struct iov_edu *edu, uint64_t from, uint64_t to, uint32_t size, uint32_t direction)
{
	const struct timespec pause = { .tv_nsec = 1000000 };
	uint64_t end = monotonic_ms() + COPY_MS;

	set64(edu, DMA_FROM, from);
	set64(edu, DMA_TO, to);
	set64(edu, DMA_COUNT, size);
	set64(edu, DMA_COMMAND, DMA_START | direction | DMA_INTERRUPT);
	while (get64(edu, DMA_COMMAND) & DMA_START) {
		if (monotonic_ms() > end)
			return iov_fail(edu->iov, -ETIMEDOUT, "%s: a copy of %" PRIu32 " bytes does not end",
					IOV_BDF(edu->bdf), size);
		nanosleep(&pause, NULL);
	}
	return 0;
}

static int check(struct iov_edu *edu, uint64_t iova, uint32_t offset, uint32_t size)
{
	/* QEMU ends when the last byte is not inside. */
	if (size && offset < IOV_EDU_BUFFER && size < IOV_EDU_BUFFER - offset &&
	    iova <= IOV_EDU_IOVA_MAX && size <= IOV_EDU_IOVA_MAX - iova)
		return 0;
	return iov_fail(edu->iov, -EINVAL, "%s: %" PRIu32 " bytes at %" PRIu32 " of its buffer, IOVA 0x%"
			PRIx64 ": expected less than %d bytes, and an IOVA up to 0x%" PRIx64,
			IOV_BDF(edu->bdf), size, offset, iova, IOV_EDU_BUFFER, IOV_EDU_IOVA_MAX);
}

int iov_edu_read(struct iov_edu *edu, uint64_t iova, uint32_t offset, uint32_t size)
{
	int error = check(edu, iova, offset, size);

	return error ? error : copy(edu, iova, BUFFER + offset, size, 0);
}

int iov_edu_write(struct iov_edu *edu, uint64_t iova, uint32_t offset, uint32_t size)
{
	int error = check(edu, iova, offset, size);

	return error ? error : copy(edu, BUFFER + offset, iova, size, DMA_TO_MEMORY);
}

void iov_edu_raise(struct iov_edu *edu, uint32_t reasons)
{
	set32(edu, RAISE, reasons);
}

uint32_t iov_edu_interrupts(struct iov_edu *edu)
{
	uint32_t reasons = get32(edu, INTERRUPTS);

	set32(edu, ACKNOWLEDGE, reasons);
	return reasons;
}
