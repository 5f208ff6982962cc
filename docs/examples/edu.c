// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Drives QEMU's device "edu" by VFIO: it copies a text into the device and back by DMA.
 *
 *	cc edu.c -o edu $(pkg-config --cflags --libs libiov)
 *	iov bind 0000:01:00.0 --driver vfio-pci
 *	./edu 0000:01:00.0
 */
#include <stdio.h>
#include <string.h>

#include <base/iov.h>
#include <base/pci/pci.h>
#include <iommu/domain.h>
#include <plugins/drivers/edu.h>
#include <vfio/device/device.h>

#define SIZE 4096
#define BACK 2048 /* in memory: where the text comes back to */

/* What a device reaches is what its domain maps: here one page of ours. */
static int copy(struct iov *iov, struct iov_domain *domain, struct iov_device *device)
{
	static const char text[] = "to the device and back";
	struct iov_edu *edu;
	uint64_t iova;
	void *memory;
	int error = iov_edu_open(&edu, iov, device);

	if (error)
		return error;
	error = iov_domain_alloc(domain, SIZE, &memory, &iova);
	if (!error) {
		memcpy(memory, text, sizeof(text));
		error = iov_edu_read(edu, iova, 0, sizeof(text));
		if (!error)
			error = iov_edu_write(edu, iova + BACK, 0, sizeof(text));
		if (!error)
			printf("%s\n", (char *)memory + BACK);
		iov_domain_free(domain, memory, SIZE, iova);
	}
	iov_edu_close(edu);
	return error;
}

static int drive(struct iov *iov, const char *address)
{
	struct iov_domain *domain;
	struct iov_device *device;
	struct iov_bdf bdf;
	int error = iov_bdf_parse(iov, address, &bdf);

	if (!error)
		error = iov_domain_open(&domain, iov, IOV_DOMAIN_AUTO);
	if (error)
		return error;
	error = iov_device_open(&device, domain, bdf, NULL);
	if (!error) {
		error = copy(iov, domain, device);
		iov_device_close(device);
	}
	iov_domain_close(domain);
	return error;
}

int main(int argc, char **argv)
{
	struct iov *iov;
	int error;

	if (argc != 2) {
		fprintf(stderr, "usage: edu BDF\n");
		return 2;
	}
	if (iov_open(&iov, NULL)) {
		fprintf(stderr, "cannot open the host\n");
		return 1;
	}
	error = drive(iov, argv[1]);
	if (error)
		fprintf(stderr, "%s\n", iov_error_message(iov));
	iov_close(iov);
	return error ? 1 : 0;
}
