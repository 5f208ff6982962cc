// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the host says of its functions is said here for one of them: linked in with --wrap.  VFIO
 * gives it to a domain, or says why not.
 */
#include "tests/fuzz/function.h"

#include <errno.h>
#include <linux/pci_regs.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "iommu/domain.h"
#include "vfio/device/device.h"
#include "vfio/device/interrupt.h"

#define MOMENT_US 200
#define BUS 0x77

/* How it is when somebody wants it. */
enum state {
	STATE_FREE,
	STATE_BUSY,		/* a process that ended has it for a moment yet */
	STATE_TAKEN,
	STATE_OLD_KERNEL,	/* has no IOMMUFD for it */
	STATE_NO_DOMAIN,
	STATE_OTHER,		/* is something else */
	STATE_BROKEN,		/* has no registers */
	STATES
};

int __real_iov_pci_require(struct iov *iov, struct iov_bdf bdf);
int __real_iov_pci_driver(struct iov *iov, struct iov_bdf bdf, char *name, size_t size);
bool __real_iov_nvme_is(struct iov *iov, struct iov_bdf bdf);
/* Declarations of what stands for the host's: the same as in their headers. */
#define WRAP(name) typeof(name) __wrap_##name
WRAP(iov_pci_require);
WRAP(iov_pci_driver);
WRAP(iov_nvme_is);
WRAP(iov_domain_open);
WRAP(iov_domain_close);
WRAP(iov_domain_map);
WRAP(iov_domain_unmap);
WRAP(iov_domain_alloc);
WRAP(iov_domain_free);
WRAP(iov_device_open);
WRAP(iov_device_close);
WRAP(iov_device_bdf);
WRAP(iov_device_domain);
WRAP(iov_device_bus_master);
WRAP(iov_device_reset);
WRAP(iov_device_map);
WRAP(iov_device_read);
WRAP(iov_interrupt_info);
WRAP(iov_interrupt_enable);
WRAP(iov_interrupt_disable);

static struct nvme_model model;
static pthread_t thread;
static bool is_there, is_ending;
static enum state state;
static unsigned int tries;

/* Whoever asks gets a domain; the function is one device, in the domain that has it. */
struct domain {
	struct iov *iov;
};

static char device;
static struct domain *holder;

static bool is_ours(struct iov_bdf bdf)
{
	return is_there && bdf.bus == BUS;
}

int __wrap_iov_pci_require(struct iov *iov, struct iov_bdf bdf)
{
	return is_ours(bdf) ? 0 : __real_iov_pci_require(iov, bdf);
}

int __wrap_iov_pci_driver(struct iov *iov, struct iov_bdf bdf, char *name, size_t size)
{
	if (!is_ours(bdf))
		return __real_iov_pci_driver(iov, bdf, name, size);
	snprintf(name, size, state == STATE_TAKEN ? "nvme" : "vfio-pci");
	return 0;
}

bool __wrap_iov_nvme_is(struct iov *iov, struct iov_bdf bdf)
{
	return is_ours(bdf) ? state != STATE_OTHER : __real_iov_nvme_is(iov, bdf);
}

static struct domain *domain_of(struct iov_domain *opened)
{
	return (struct domain *)(void *)opened;
}

int __wrap_iov_domain_open(struct iov_domain **out, struct iov *iov, enum iov_domain_kind kind)
{
	if (state == STATE_NO_DOMAIN)
		return iov_fail(iov, -ENODEV, "no VFIO here");
	if (state == STATE_OLD_KERNEL && kind == IOV_DOMAIN_AUTO)
		return iov_fail(iov, -ENOTSUP, "no IOMMUFD here");
	*out = (struct iov_domain *)(void *)calloc(1, sizeof(struct domain));
	assert_non_null(*out);
	domain_of(*out)->iov = iov;
	return 0;
}

void __wrap_iov_domain_close(struct iov_domain *opened)
{
	assert_true(!opened || domain_of(opened) != holder);
	free(opened);
}

int __wrap_iov_device_open(struct iov_device **out, struct iov_domain *in, struct iov_bdf bdf,
			   const struct iov_device_options *options)
{
	(void)options;
	assert_true(is_ours(bdf));
	if (holder || state == STATE_TAKEN || (state == STATE_BUSY && !tries++))
		return iov_fail(domain_of(in)->iov, -EBUSY, FUNCTION ": is in use");
	holder = domain_of(in);
	*out = (struct iov_device *)(void *)&device;
	return 0;
}

void __wrap_iov_device_close(struct iov_device *opened)
{
	assert_true(!opened || (void *)opened == &device);
	if (opened)
		holder = NULL;
}

/* What it reaches */

int __wrap_iov_domain_map(struct iov_domain *in, void *memory, uint64_t size, unsigned int flags,
			  uint64_t *iova)
{
	(void)flags;
	assert_ptr_equal(domain_of(in), holder);
	return model.bus.ops->map(&model.bus, memory, size, iova);
}

int __wrap_iov_domain_unmap(struct iov_domain *in, uint64_t iova, uint64_t size)
{
	assert_ptr_equal(domain_of(in), holder);
	model.bus.ops->unmap(&model.bus, iova, size);
	return 0;
}

int __wrap_iov_domain_alloc(struct iov_domain *in, uint64_t size, void **memory, uint64_t *iova)
{
	int error = model.bus.ops->alloc(&model.bus, size, memory, iova);

	assert_ptr_equal(domain_of(in), holder);
	return error ? iov_fail(domain_of(in)->iov, error, "no more is mapped") : 0;
}

void __wrap_iov_domain_free(struct iov_domain *in, void *memory, uint64_t size, uint64_t iova)
{
	assert_ptr_equal(domain_of(in), holder);
	model.bus.ops->free(&model.bus, memory, size, iova);
}

struct iov_domain *__wrap_iov_device_domain(const struct iov_device *of)
{
	assert_ptr_equal(of, &device);
	return (struct iov_domain *)(void *)holder;
}

/* What it is */

struct iov_bdf __wrap_iov_device_bdf(const struct iov_device *of)
{
	assert_ptr_equal(of, &device);
	return (struct iov_bdf){ .bus = BUS };
}

int __wrap_iov_device_bus_master(struct iov_device *of, bool on)
{
	assert_ptr_equal(of, &device);
	if (!on)
		model.bus.ops->silence(&model.bus);
	return 0;
}

int __wrap_iov_device_reset(struct iov_device *of)
{
	int error = model.bus.ops->reset(&model.bus);

	assert_ptr_equal(of, &device);
	return error ? iov_fail(holder->iov, error, FUNCTION ": is not reset") : 0;
}

int __wrap_iov_device_map(struct iov_device *of, unsigned int region, uint64_t offset, uint64_t size,
			  void **memory)
{
	assert_ptr_equal(of, &device);
	if (state == STATE_BROKEN || region || offset + size > MODEL_BAR || (offset && !model.bus.table))
		return iov_fail(holder->iov, -EINVAL, FUNCTION ": has no such registers");
	*memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, model.bar, (off_t)offset);
	return *memory == MAP_FAILED ? -errno : 0;
}

/* A list of two capabilities, the second of which is MSI-X; its table is behind the registers. */
int __wrap_iov_device_read(struct iov_device *of, unsigned int region, uint64_t offset, void *bytes,
			   size_t size)
{
	uint8_t space[256] = {
		[PCI_CAPABILITY_LIST] = 0x40, [0x40] = PCI_CAP_ID_PM, [0x41] = 0x50,
		[0x50] = PCI_CAP_ID_MSIX,
	};
	const uint32_t place = IOV_NVME_REGISTERS;

	assert_ptr_equal(of, &device);
	assert_int_equal(region, IOV_REGION_CONFIG);
	assert_true(offset + size <= sizeof(space));
	memcpy(space + 0x50 + PCI_MSIX_TABLE, &place, sizeof(place));
	memcpy(bytes, space + offset, size);
	return 0;
}

int __wrap_iov_interrupt_info(struct iov_device *of, enum iov_interrupt kind,
			      struct iov_interrupt_info *info)
{
	assert_ptr_equal(of, &device);
	assert_int_equal(kind, IOV_MSIX);
	info->count = model.bus.vectors;
	return 0;
}

int __wrap_iov_interrupt_enable(struct iov_device *of, enum iov_interrupt kind, unsigned int first,
				unsigned int count, const int *fds)
{
	assert_ptr_equal(of, &device);
	assert_int_equal(kind, IOV_MSIX);
	assert_int_equal(count, 1);
	return model.bus.ops->interrupt(&model.bus, first, fds[0]);
}

int __wrap_iov_interrupt_disable(struct iov_device *of, enum iov_interrupt kind)
{
	assert_ptr_equal(of, &device);
	assert_int_equal(kind, IOV_MSIX);
	for (unsigned int i = 0; i < model.bus.vectors; i++)
		model.bus.ops->interrupt(&model.bus, i, -1);
	return 0;
}

static void *run(void *arg)
{
	(void)arg;
	while (!__atomic_load_n(&is_ending, __ATOMIC_ACQUIRE)) {
		nvme_model_run(&model);
		usleep(MOMENT_US);
	}
	return NULL;
}

void function_open(struct fuzz_input *input)
{
	state = fuzz_one_in(input, 4) ? fuzz_below(input, STATES) : STATE_FREE;
	tries = 0;
	controller_open(&model, input);
	is_there = true;
	__atomic_store_n(&is_ending, false, __ATOMIC_RELEASE);
	assert_int_equal(pthread_create(&thread, NULL, run, NULL), 0);
}

void function_close(void)
{
	if (!is_there)
		return;
	__atomic_store_n(&is_ending, true, __ATOMIC_RELEASE);
	assert_int_equal(pthread_join(thread, NULL), 0);
	is_there = false;
	nvme_model_close(&model);
}

struct nvme_model *function_model(void)
{
	return is_there ? &model : NULL;
}
