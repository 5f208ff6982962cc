// SPDX-License-Identifier: GPL-2.0-or-later
// A function in our hands: regions, interrupts of each kind, resets.
#include <errno.h>
#include <linux/pci_regs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/vfio/vfio.h"

#define SOON_MS 5000
#define NEVER_MS 200
#define TOKEN "2ab74924-c335-45f4-9b16-8569e5b08258"

/* What a VF and its PF agree on when both are with VFIO; by nodes the kernel takes none yet. */
static const struct iov_device_options *token(void)
{
	static const struct iov_device_options options = { .token = TOKEN };

	return kind_wanted() == IOV_DOMAIN_IOMMUFD ? NULL : &options;
}

static void regions_are_read_written_and_mapped(void **state)
{
	struct fixture *fixture = *state;
	struct iov_device *device = fixture->device;
	struct iov_region region;
	uint32_t value, through = 0;
	uint16_t vendor;
	void *at;

	assert_int_equal(iov_device_region(device, 0, &region), 0);
	assert_int_equal(region.size, 1 << 20);
	assert_true(region.readable && region.writable);
	assert_int_equal(region.area_count, 1);
	assert_int_equal(iov_device_read(device, IOV_REGION_CONFIG, PCI_VENDOR_ID, &vendor, 2), 0);
	assert_int_equal(vendor, 0x1234);
	value = 0x00ff1234;
	assert_int_equal(iov_device_write(device, 0, 4, &value, 4), 0);
	assert_int_equal(iov_device_read(device, 0, 4, &through, 4), 0);
	assert_true(through == ~value);
	assert_int_equal(iov_device_map(device, 0, 0, 4096, &at), 0);
	assert_true(((volatile uint32_t *)at)[1] == ~value);
	munmap(at, 4096);
	assert_int_equal(iov_device_region(device, 3, &region), 0);
	assert_int_equal(region.size, 0);
}

static void what_is_not_there_is_refused(void **state)
{
	struct fixture *fixture = *state;
	struct iov_device *device = fixture->device;
	struct iov_region region;
	uint32_t value = 0;
	void *at;

	expect_error(fixture, iov_device_region(device, 1000, &region), -EINVAL, "no region 1000");
	expect_error(fixture, iov_device_read(device, 0, 1 << 20, &value, 4), -EINVAL, "1048576 bytes");
	expect_error(fixture, iov_device_read(device, 0, (1 << 20) - 2, &value, 4), -EINVAL, "it has");
	expect_error(fixture, iov_device_write(device, 0, UINT64_MAX, &value, 4), -EINVAL, "it has");
	expect_error(fixture, iov_device_map(device, IOV_REGION_CONFIG, 0, 64, &at), -EINVAL,
		     "cannot be mapped");
	expect_error(fixture, iov_device_map(device, 0, 0, 2 << 20, &at), -EINVAL, "it has");
	assert_true(iov_device_low_power(device, true) == 0 ||
		    strstr(iov_error_message(fixture->iov), "low power"));
	iov_device_low_power(device, false);
}

static void device_is_opened_once(void **state)
{
	struct fixture *fixture = *state;
	struct iov_domain *domain;
	struct iov_device *device;
	struct iov_bdf missing = bdf_of("IOV_EDU");

	assert_int_equal(iov_domain_open(&domain, fixture->iov, kind_wanted()), 0);
	expect_error(fixture, iov_device_open(&device, domain, bdf_of("IOV_EDU"), NULL), -EBUSY, "open");
	missing.bus = 0xfe;
	expect_error(fixture, iov_device_open(&device, domain, missing, NULL), -ENODEV, "iov list");
	expect_error(fixture, iov_device_open(&device, domain, bdf_of("IOV_HOST"), NULL), -EBUSY,
		     "iov bind");
	iov_domain_close(domain);
}

static void token_is_for_those_that_have_one(void **state)
{
	struct fixture *fixture = *state;
	const struct iov_device_options options = { .token = TOKEN };
	const struct iov_device_options bad = { .token = "2ab74924" };
	const struct iov_device_options other = { .token = "2ab74924-c335-45f4-9b16-8569e5b08259" };
	struct iov_device *device, *nic;

	iov_edu_close(fixture->edu);
	fixture->edu = NULL;
	iov_device_close(fixture->device);
	fixture->device = NULL;
	assert_true(iov_device_open(&device, fixture->domain, bdf_of("IOV_EDU"), &options) < 0);
	assert_true(iov_device_open(&device, fixture->domain, bdf_of("IOV_EDU"), &bad) < 0);
	if (kind_wanted() == IOV_DOMAIN_IOMMUFD)
		return;
	expect_error(fixture, iov_device_open(&device, fixture->domain, bdf_of("IOV_VF"), NULL), -EACCES,
		     "missing");
	assert_int_equal(iov_device_open(&nic, fixture->domain, bdf_of("IOV_PF"), token()), 0);
	expect_error(fixture, iov_device_open(&device, fixture->domain, bdf_of("IOV_VF"), &other),
		     -EACCES, "another one");
	assert_int_equal(iov_device_open(&device, fixture->domain, bdf_of("IOV_VF"), token()), 0);
	iov_device_close(device);
	iov_device_close(nic);
}

static void pin_interrupts_until_it_is_unmasked(void **state)
{
	struct fixture *fixture = *state;
	struct iov_device *device = fixture->device;
	struct iov_interrupt_info info;
	int fd = eventfd(0, EFD_NONBLOCK), resample = eventfd(0, EFD_NONBLOCK);

	assert_int_equal(iov_interrupt_info(device, IOV_INTX, &info), 0);
	assert_int_equal(info.count, 1);
	assert_true(info.maskable && info.automasked);
	assert_int_equal(iov_interrupt_enable(device, IOV_INTX, 0, 1, &fd), 0);
	iov_edu_raise(fixture->edu, 1);
	assert_int_equal(events(fd, SOON_MS), 1);
	/* Masked, although the pin is still asserted. */
	assert_int_equal(events(fd, NEVER_MS), 0);
	assert_int_equal(iov_interrupt_unmask(device, IOV_INTX, 0), 0);
	assert_int_equal(events(fd, SOON_MS), 1);
	assert_int_equal(iov_edu_interrupts(fixture->edu), 1);
	assert_int_equal(iov_interrupt_unmask(device, IOV_INTX, 0), 0);
	assert_int_equal(events(fd, NEVER_MS), 0);
	assert_int_equal(iov_interrupt_resample(device, resample), 0);
	iov_edu_raise(fixture->edu, 2);
	assert_int_equal(events(fd, SOON_MS), 1);
	assert_int_equal(iov_edu_interrupts(fixture->edu), 2);
	assert_int_equal(eventfd_write(resample, 1), 0);
	usleep(NEVER_MS * 1000);
	iov_edu_raise(fixture->edu, 4);
	assert_int_equal(events(fd, SOON_MS), 1);
	iov_edu_interrupts(fixture->edu);
	assert_int_equal(iov_interrupt_disable(device, IOV_INTX), 0);
	close(fd);
	close(resample);
}

static void message_tells_the_end_of_a_copy(void **state)
{
	struct fixture *fixture = *state;
	struct iov_device *device = fixture->device;
	int fd = eventfd(0, EFD_NONBLOCK);
	void *memory;
	uint64_t iova;

	assert_int_equal(iov_domain_alloc(fixture->domain, 4096, &memory, &iova), 0);
	assert_int_equal(iov_interrupt_enable(device, IOV_MSI, 0, 1, &fd), 0);
	expect_error(fixture, iov_interrupt_enable(device, IOV_INTX, 0, 1, &fd), -EBUSY,
		     "MSI is enabled");
	assert_int_equal(iov_edu_read(fixture->edu, iova, 0, 1000), 0);
	assert_int_equal(events(fd, SOON_MS), 1);
	assert_int_equal(iov_edu_interrupts(fixture->edu), IOV_EDU_COPIED);
	assert_int_equal(iov_interrupt_trigger(device, IOV_MSI, 0, 1), 0);
	assert_int_equal(events(fd, SOON_MS), 1);
	expect_error(fixture, iov_interrupt_mask(device, IOV_MSI, 0), -ENOTSUP, "masked");
	expect_error(fixture, iov_interrupt_enable(device, IOV_MSI, 1, 1, &fd), -EINVAL, "it has 1");
	expect_error(fixture, iov_interrupt_enable(device, IOV_MSIX, 0, 1, &fd), -EINVAL, "it has 0");
	assert_int_equal(iov_interrupt_disable(device, IOV_MSI), 0);
	iov_domain_free(fixture->domain, memory, 4096, iova);
	close(fd);
}

/* One by one, others in use: what comes meanwhile, and what was there, is not lost. */
static void vectors_are_added_one_by_one(void **state)
{
	struct fixture *fixture = *state;
	struct iov_interrupt_info info;
	struct iov_device *nic;
	int fds[8];

	assert_int_equal(iov_device_open(&nic, fixture->domain, bdf_of("IOV_NIC"), NULL), 0);
	assert_int_equal(iov_interrupt_info(nic, IOV_MSIX, &info), 0);
	assert_true(info.count >= 8);
	for (unsigned int i = 0; i < 8; i++) {
		fds[i] = eventfd(0, EFD_NONBLOCK);
		assert_int_equal(iov_interrupt_enable(nic, IOV_MSIX, i, 1, &fds[i]), 0);
		for (unsigned int j = 0; j <= i; j++) {
			events(fds[j], 0);
			assert_int_equal(iov_interrupt_trigger(nic, IOV_MSIX, j, 1), 0);
			assert_int_equal(events(fds[j], SOON_MS), 1);
		}
	}
	expect_error(fixture, iov_interrupt_enable(nic, IOV_MSIX, info.count, 1, fds), -EINVAL, "it has");
	assert_int_equal(iov_interrupt_disable(nic, IOV_MSIX), 0);
	iov_device_close(nic);
	for (unsigned int i = 0; i < 8; i++)
		close(fds[i]);
}

static void table_of_vectors_keeps_its_region(void **state)
{
	struct fixture *fixture = *state;
	struct iov_region region;
	struct iov_device *nic;
	void *at;

	assert_int_equal(iov_device_open(&nic, fixture->domain, bdf_of("IOV_NIC"), NULL), 0);
	assert_int_equal(iov_device_region(nic, 3, &region), 0);
	assert_true(region.size >= 4096);
	assert_true(region.msix_mappable);
	assert_int_equal(iov_device_map(nic, 0, 0, 4096, &at), 0);
	munmap(at, 4096);
	iov_device_close(nic);
}

static void reset_brings_it_back(void **state)
{
	struct fixture *fixture = *state;
	struct iov_device *nic;
	uint32_t value = 0;

	assert_int_equal(iov_device_open(&nic, fixture->domain, bdf_of("IOV_NIC"), NULL), 0);
	assert_true(iov_device_can_reset(nic));
	assert_int_equal(iov_device_reset(nic), 0);
	assert_int_equal(iov_device_read(nic, IOV_REGION_CONFIG, PCI_VENDOR_ID, &value, 2), 0);
	assert_int_equal(value, 0x8086);
	iov_device_close(nic);
	if (!iov_device_can_reset(fixture->device))
		expect_error(fixture, iov_device_reset(fixture->device), -ENOTSUP, "--slot");
}

static bool has(const struct iov_bdf *bdfs, size_t count, struct iov_bdf bdf)
{
	for (size_t i = 0; i < count; i++)
		if (!iov_bdf_compare(bdfs[i], bdf))
			return true;
	return false;
}

static void slot_is_reset_when_all_of_it_is_ours(void **state)
{
	struct fixture *fixture = *state;
	struct iov_device *nic;
	struct iov_bdf *bdfs;
	bool owned;
	size_t count;

	assert_int_equal(iov_device_affected(fixture->device, &bdfs, &count, &owned), 0);
	assert_int_equal(count, 1);
	assert_true(has(bdfs, count, bdf_of("IOV_EDU")));
	assert_true(owned);
	free(bdfs);
	assert_int_equal(iov_device_reset_slot(fixture->device), 0);

	/* A PF with a VF that we have not; by nodes the kernel counts it as ours while nobody has it. */
	assert_int_equal(iov_device_open(&nic, fixture->domain, bdf_of("IOV_PF"), token()), 0);
	assert_int_equal(iov_device_affected(nic, &bdfs, &count, &owned), 0);
	assert_int_equal(count, 2);
	assert_true(has(bdfs, count, bdf_of("IOV_VF")));
	free(bdfs);
	if (owned)
		assert_int_equal(kind_wanted(), IOV_DOMAIN_IOMMUFD);
	else
		expect_error(fixture, iov_device_reset_slot(nic), -EPERM, getenv("IOV_VF"));
	iov_device_close(nic);
}

static void notifiers_are_there(void **state)
{
	struct fixture *fixture = *state;
	struct iov_interrupt_info info;
	int fd = eventfd(0, EFD_NONBLOCK);

	assert_int_equal(iov_interrupt_info(fixture->device, IOV_REQUEST, &info), 0);
	assert_int_equal(info.count, 1);
	assert_int_equal(iov_interrupt_enable(fixture->device, IOV_REQUEST, 0, 1, &fd), 0);
	assert_int_equal(iov_interrupt_trigger(fixture->device, IOV_REQUEST, 0, 1), 0);
	assert_int_equal(events(fd, SOON_MS), 1);
	assert_int_equal(iov_interrupt_disable(fixture->device, IOV_REQUEST), 0);
	close(fd);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_fixture, close_fixture)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(regions_are_read_written_and_mapped),
		TEST(what_is_not_there_is_refused),
		TEST(device_is_opened_once),
		TEST(token_is_for_those_that_have_one),
		TEST(pin_interrupts_until_it_is_unmasked),
		TEST(message_tells_the_end_of_a_copy),
		TEST(vectors_are_added_one_by_one),
		TEST(table_of_vectors_keeps_its_region),
		TEST(reset_brings_it_back),
		TEST(slot_is_reset_when_all_of_it_is_ours),
		TEST(notifiers_are_there),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
