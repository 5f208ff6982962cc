// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A plugin: the device class of QEMU's "edu", a device for teaching that computes factorials.
 *
 *	make
 *	iov plugin list --plugins .
 *	iov bind 0000:01:00.0 --driver vfio-pci --plugins .
 *	iov set 0000:01:00.0 factorial=5 --plugins .
 *	iov show 0000:01:00.0 --plugins .
 *
 * Its registers are reached by VFIO, so it has to be bound to vfio-pci and to be free: a virtual
 * machine that has it is not disturbed. QEMU's docs/specs/edu.rst has the registers.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <time.h>

#include <base/sysroot/call.h>
#include <iommu/domain.h>
#include <plugins/plugin.h>
#include <vfio/device/device.h>

#define VENDOR 0x1234
#define DEVICE 0x11e8

#define BAR 0
#define ID 0x00
#define LIVENESS 0x04
#define FACTORIAL 0x08
#define STATUS 0x20
#define STATUS_COMPUTING 1u

/* What fits into 32 bits. */
#define FACTORIAL_MAX 12
#define PATIENCE_MS 2000

struct edu {
	struct iov *iov;
	struct iov_bdf bdf;
	struct iov_domain *domain;
	struct iov_device *device;
};

static bool match(struct iov *iov, struct iov_bdf bdf)
{
	int64_t vendor, device;

	return !iov_pci_number(iov, bdf, "vendor", &vendor) && vendor == VENDOR &&
	       !iov_pci_number(iov, bdf, "device", &device) && device == DEVICE;
}

static void edu_close(struct edu *edu)
{
	iov_device_close(edu->device);
	iov_domain_close(edu->domain);
}

/* One that is not bound to vfio-pci, or that a guest has, fails here with a message. */
static int edu_open(struct edu *edu, struct iov *iov, struct iov_bdf bdf)
{
	int error;

	*edu = (struct edu){ .iov = iov, .bdf = bdf };
	error = iov_domain_open(&edu->domain, iov, IOV_DOMAIN_AUTO);
	if (!error)
		error = iov_device_open(&edu->device, edu->domain, bdf, NULL);
	if (error)
		iov_domain_close(edu->domain);
	return error;
}

static int get(struct edu *edu, uint64_t offset, uint32_t *value)
{
	return iov_device_read(edu->device, BAR, offset, value, sizeof(*value));
}

static int set(struct edu *edu, uint64_t offset, uint32_t value)
{
	return iov_device_write(edu->device, BAR, offset, &value, sizeof(value));
}

/* Whoever reads there what was written, inverted, is alive. */
static int check_alive(struct edu *edu)
{
	const uint32_t question = 0x5a0ff1ce;
	uint32_t answer = 0;
	int error = set(edu, LIVENESS, question);

	if (!error)
		error = get(edu, LIVENESS, &answer);
	if (error || answer == ~question)
		return error;
	return iov_fail(edu->iov, -EIO, "%s: its liveness register answers %#x to %#x", IOV_BDF(edu->bdf),
			answer, question);
}

static uint32_t factorial(uint32_t n)
{
	uint32_t product = 1;

	while (n > 1)
		product *= n--;
	return product;
}

/* The register has the result. Of 0 and 1, which have the same, it is 1. */
static int get_factorial(struct edu *edu, int64_t *n)
{
	uint32_t result;
	int error = get(edu, FACTORIAL, &result);

	*n = -1;
	for (int64_t i = FACTORIAL_MAX; !error && i > 0 && *n < 0; i--) {
		if (factorial((uint32_t)i) == result)
			*n = i;
	}
	return error;
}

static void add_number(struct json_object *object, const char *name, int64_t number)
{
	json_object_object_add(object, name, number < 0 ? NULL : json_object_new_int64(number));
}

static int describe_open(struct edu *edu, struct json_object *object)
{
	uint32_t id = 0;
	int64_t n = -1;
	int error = check_alive(edu);

	if (!error)
		error = get(edu, ID, &id);
	if (!error)
		error = get_factorial(edu, &n);
	if (error)
		return error;
	add_number(object, "version", id >> 24);
	add_number(object, "factorial", n);
	return 0;
}

static int describe(struct iov *iov, struct iov_bdf bdf, struct json_object *object)
{
	struct edu edu;
	int error;

	iov_sys_asking(iov, "the registers of %s, by VFIO", IOV_BDF(bdf));
	error = edu_open(&edu, iov, bdf);
	if (error)
		return error;
	error = describe_open(&edu, object);
	edu_close(&edu);
	return error;
}

/* A thread of QEMU computes; it says when it is done. */
static int compute(struct edu *edu, uint32_t n)
{
	const struct timespec pause = { .tv_nsec = 1000000 };
	uint32_t status = STATUS_COMPUTING;
	int error = set(edu, FACTORIAL, n);

	for (int i = 0; !error && i < PATIENCE_MS; i++) {
		error = get(edu, STATUS, &status);
		if (error || !(status & STATUS_COMPUTING))
			return error;
		nanosleep(&pause, NULL);
	}
	return error ? error : -ETIMEDOUT;
}

static int set_attribute(struct iov *iov, const struct iov_pf *pf, unsigned int index,
			 const char *attribute, struct json_object *target, char *answer, size_t size)
{
	struct edu edu;
	int error;

	(void)index; /* all its attributes are its own */
	iov_sys_asking(iov, "%s of %s, by VFIO", attribute, IOV_BDF(pf->bdf));
	error = edu_open(&edu, iov, pf->bdf);
	if (error) {
		snprintf(answer, size, "%s", iov_error_message(iov));
		return error;
	}
	error = compute(&edu,
			(uint32_t)json_object_get_int64(json_object_object_get(target, attribute)));
	edu_close(&edu);
	return error;
}

/* A guest gets one that works. */
static int take(struct iov *iov, struct iov_bdf bdf, struct json_object *properties)
{
	struct edu edu;
	int error;

	(void)properties; /* QEMU is told nothing beside its address */
	iov_sys_asking(iov, "the registers of %s, by VFIO", IOV_BDF(bdf));
	error = edu_open(&edu, iov, bdf);
	if (error)
		return error;
	error = check_alive(&edu);
	edu_close(&edu);
	return error;
}

static const struct iov_attribute attributes[] = {
	{ "factorial", IOV_ATTRIBUTE_NUMBER, IOV_ATTRIBUTE_OWN, .min = 1, .max = FACTORIAL_MAX },
	{ 0 },
};

static const struct iov_class edu_class = {
	.name = "edu",
	.title = "educational devices of QEMU",
	.attributes = attributes,
	.match = match,
	.describe = describe,
	.set = set_attribute,
	.take = take,
};

static const struct iov_class *const classes[] = { &edu_class, NULL };

IOV_PLUGIN(.name = "edu", .version = "1", .classes = classes);
