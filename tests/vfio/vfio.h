/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What tests of VFIO share: they run in a virtual host that has an edu and an igb. */
#ifndef IOV_TESTS_VFIO_H
#define IOV_TESTS_VFIO_H

#include "tests/unit/test.h"

#include "iommu/domain.h"
#include "plugins/drivers/edu.h"
#include "vfio/device/device.h"
#include "vfio/device/interrupt.h"

/* Of the process, which must be as before when all was given back. */
struct resources {
	unsigned int fds;
	unsigned int maps;
	unsigned long pinned;
};

struct resources resources_now(void);

/**
 * struct fixture - a domain with the edu in it
 * @before: what the process had before
 */
struct fixture {
	struct iov *iov;
	struct iov_domain *domain;
	struct iov_device *device;
	struct iov_edu *edu;
	struct resources before;
};

/* From the environment: IOV_DOMAIN (type1, iommufd), IOV_EDU and others (addresses). */
enum iov_domain_kind kind_wanted(void);
struct iov_bdf bdf_of(const char *variable);

/* Opens all of it, and gives it back; nothing may be left then. */
int open_fixture(void **state);
int close_fixture(void **state);

/*
 * That a call fails with an errno, says so in words that match a part, and leaves nothing behind:
 * no descriptor, no mapping and no pinned page.
 */
#define expect_error(fixture, call, wanted, words)                                                 \
	do {                                                                                       \
		const struct resources before_call = resources_now();                              \
		check_error(fixture, call, wanted, words);                                         \
		check_resources(&before_call);                                                     \
	} while (0)

void check_error(struct fixture *fixture, int error, int wanted, const char *words);
void check_resources(const struct resources *before);

/* Memory of @size bytes on a page of its own; munmap() gives it back. */
void *pages(size_t size);

/* Whether an eventfd is written within some time, and how often it was. */
uint64_t events(int fd, int milliseconds);

#endif
