// SPDX-License-Identifier: GPL-2.0-or-later
// A function in our hands: regions, interrupts of each kind, resets.
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <linux/pci_regs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/vfio/vfio.h"
#include "vfio/device/irqfd.h"

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
}

/* Where a function keeps its power state, PCI 3.0 section 6.7 and PCI PM 1.2 section 3.2.4. */
static uint64_t power_register(struct iov_device *device)
{
	uint8_t at = 0, id;

	assert_int_equal(iov_device_read(device, IOV_REGION_CONFIG, PCI_CAPABILITY_LIST, &at, 1), 0);
	for (; at; iov_device_read(device, IOV_REGION_CONFIG, at + 1u, &at, 1)) {
		assert_int_equal(iov_device_read(device, IOV_REGION_CONFIG, at, &id, 1), 0);
		if (id == PCI_CAP_ID_PM)
			return at + (uint64_t)PCI_PM_CTRL;
	}
	fail_msg("no power management");
	return 0;
}

static void function_that_sleeps_answers_nothing(void **state)
{
	struct fixture *fixture = *state;
	struct iov_device *nic;
	uint16_t awake, asleep;
	uint32_t value;
	uint64_t power;

	assert_int_equal(iov_device_open(&nic, fixture->domain, bdf_of("IOV_NIC"), NULL), 0);
	power = power_register(nic);
	assert_int_equal(iov_device_read(nic, IOV_REGION_CONFIG, power, &awake, 2), 0);
	asleep = awake | 3; /* D3hot */
	assert_int_equal(iov_device_write(nic, IOV_REGION_CONFIG, power, &asleep, 2), 0);
	expect_error(fixture, iov_device_read(nic, 0, 8, &value, 4), -EIO, "D3");
	assert_int_equal(iov_device_write(nic, IOV_REGION_CONFIG, power, &awake, 2), 0);
	assert_int_equal(iov_device_read(nic, 0, 8, &value, 4), 0);

	assert_int_equal(iov_device_low_power(nic, true), 0);
	assert_int_equal(iov_device_low_power(nic, false), 0);
	assert_int_equal(iov_device_read(nic, 0, 8, &value, 4), 0);
	iov_device_close(nic);
}

static void eventfd_writes_a_register(void **state)
{
	struct fixture *fixture = *state;
	struct iov_device *device = fixture->device;
	int fd = eventfd(0, EFD_NONBLOCK);
	uint32_t value = 0;

	assert_int_equal(iov_device_ioeventfd(device, 0, 4, 4, 0x12345678, fd), 0);
	assert_int_equal(eventfd_write(fd, 1), 0);
	for (int waited = 0; value != ~0x12345678u && waited < SOON_MS; waited++) {
		usleep(1000);
		assert_int_equal(iov_device_read(device, 0, 4, &value, 4), 0);
	}
	assert_int_equal(value, ~0x12345678u);
	assert_int_equal(iov_device_ioeventfd(device, 0, 4, 4, 0x12345678, -1), 0);
	expect_error(fixture, iov_device_ioeventfd(device, 0, 1 << 20, 4, 0, fd), -EINVAL, "it has");
	close(fd);
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

/* With messages the kernel cannot add any: all go and come, and those that were there are told. */
static void vectors_are_rebuilt_without_a_loss(void **state)
{
	struct fixture *fixture = *state;
	struct iov_interrupt_info info;
	struct iov_device *device;
	int fds[3];

	assert_int_equal(iov_device_open(&device, fixture->domain, bdf_of("IOV_MSI"), NULL), 0);
	assert_int_equal(iov_interrupt_info(device, IOV_MSI, &info), 0);
	assert_true(info.count >= 3 && !info.resizable);
	for (unsigned int i = 0; i < 3; i++) {
		fds[i] = eventfd(0, EFD_NONBLOCK);
		assert_int_equal(iov_interrupt_enable(device, IOV_MSI, i, 1, &fds[i]), 0);
		for (unsigned int j = 0; j < i; j++)
			assert_int_equal(events(fds[j], SOON_MS), 1);
		for (unsigned int j = 0; j <= i; j++) {
			assert_int_equal(iov_interrupt_trigger(device, IOV_MSI, j, 1), 0);
			assert_int_equal(events(fds[j], SOON_MS), 1);
		}
	}
	assert_int_equal(iov_interrupt_disable(device, IOV_MSI), 0);
	iov_device_close(device);
	for (unsigned int i = 0; i < 3; i++)
		close(fds[i]);
}

/* A machine without processors, with the controllers that a PC has. */
static int make_machine(int *kvm)
{
	int vm;

	*kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	assert_return_code(*kvm, errno);
	vm = ioctl(*kvm, KVM_CREATE_VM, 0);
	assert_return_code(vm, errno);
	return vm;
}

/* Which interrupts wait at the first controller of a machine. */
static uint8_t waiting_at_pic(int vm)
{
	struct kvm_irqchip chip = { .chip_id = KVM_IRQCHIP_PIC_MASTER };

	assert_return_code(ioctl(vm, KVM_GET_IRQCHIP, &chip), errno);
	return chip.chip.pic.irr;
}

static bool comes_to_pic(int vm, uint8_t bit)
{
	for (int waited = 0; waited < SOON_MS; waited++) {
		if (waiting_at_pic(vm) & bit)
			return true;
		usleep(1000);
	}
	return false;
}

static void vector_goes_straight_to_kvm(void **state)
{
	struct fixture *fixture = *state;
	struct iov_irqfd *message, *pin, *none;
	struct iov_device *nic;
	int kvm, vm = make_machine(&kvm);

	assert_int_equal(iov_device_open(&nic, fixture->domain, bdf_of("IOV_NIC"), NULL), 0);
	expect_error(fixture, iov_irqfd_open(&none, nic, IOV_MSIX, 0, vm, 5), -EINVAL,
		     "KVM_CREATE_IRQCHIP");
	assert_return_code(ioctl(vm, KVM_CREATE_IRQCHIP, 0), errno);
	expect_error(fixture, iov_irqfd_open(&none, nic, IOV_MSIX, 5000, vm, 5), -EINVAL, "it has");
	assert_int_equal(iov_irqfd_open(&message, nic, IOV_MSIX, 1, vm, 5), 0);
	assert_int_equal(waiting_at_pic(vm), 0);
	assert_int_equal(iov_interrupt_trigger(nic, IOV_MSIX, 1, 1), 0);
	assert_true(comes_to_pic(vm, 1 << 5));
	iov_irqfd_close(message);
	assert_int_equal(iov_interrupt_disable(nic, IOV_MSIX), 0);

	assert_int_equal(iov_irqfd_open(&pin, fixture->device, IOV_INTX, 0, vm, 6), 0);
	iov_edu_raise(fixture->edu, 1);
	assert_true(comes_to_pic(vm, 1 << 6));
	iov_edu_interrupts(fixture->edu);
	iov_irqfd_close(pin);
	iov_device_close(nic);
	close(vm);
	close(kvm);
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

static void resets_are_listed_and_chosen(void **state)
{
	struct fixture *fixture = *state;
	struct iov_device *nic;
	char all[256], one[256];

	assert_int_equal(iov_device_open(&nic, fixture->domain, bdf_of("IOV_NIC"), NULL), 0);
	assert_int_equal(iov_device_reset_methods(nic, all, sizeof(all)), 0);
	assert_non_null(strstr(all, "flr"));
	assert_int_equal(iov_device_set_reset_methods(nic, "flr"), 0);
	assert_int_equal(iov_device_reset_methods(nic, one, sizeof(one)), 0);
	assert_string_equal(one, "flr");
	assert_int_equal(iov_device_reset(nic), 0);
	expect_error(fixture, iov_device_set_reset_methods(nic, "hammer"), -EINVAL, "hammer");
	assert_int_equal(iov_device_set_reset_methods(nic, "default"), 0);
	assert_int_equal(iov_device_reset_methods(nic, one, sizeof(one)), 0);
	assert_string_equal(one, all);
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

/* One group of two functions: who has it, has both. */
static void slot_of_two_functions_is_reset(void **state)
{
	struct fixture *fixture = *state;
	struct iov_bdf bdf = bdf_of("IOV_SLOT"), *bdfs;
	struct iov_device *devices[2];
	bool owned;
	size_t count;

	for (bdf.function = 0; bdf.function < 2; bdf.function++)
		assert_int_equal(iov_device_open(&devices[bdf.function], fixture->domain, bdf, NULL), 0);
	assert_int_equal(iov_device_affected(devices[1], &bdfs, &count, &owned), 0);
	assert_int_equal(count, 2);
	assert_true(owned);
	free(bdfs);
	assert_int_equal(iov_device_reset_slot(devices[1]), 0);
	iov_device_close(devices[0]);
	iov_device_close(devices[1]);
}

static void notifiers_are_there(void **state)
{
	struct fixture *fixture = *state;
	struct iov_interrupt_info info;
	struct iov_device *nic;
	int fd = eventfd(0, EFD_NONBLOCK);

	assert_int_equal(iov_interrupt_info(fixture->device, IOV_REQUEST, &info), 0);
	assert_int_equal(info.count, 1);
	assert_int_equal(iov_interrupt_enable(fixture->device, IOV_REQUEST, 0, 1, &fd), 0);
	assert_int_equal(iov_interrupt_trigger(fixture->device, IOV_REQUEST, 0, 1), 0);
	assert_int_equal(events(fd, SOON_MS), 1);
	assert_int_equal(iov_interrupt_disable(fixture->device, IOV_REQUEST), 0);

	assert_int_equal(iov_device_open(&nic, fixture->domain, bdf_of("IOV_NIC"), NULL), 0);
	assert_int_equal(iov_interrupt_info(nic, IOV_ERROR, &info), 0);
	assert_int_equal(info.count, 1);
	assert_int_equal(iov_interrupt_enable(nic, IOV_ERROR, 0, 1, &fd), 0);
	assert_int_equal(iov_interrupt_trigger(nic, IOV_ERROR, 0, 1), 0);
	assert_int_equal(events(fd, SOON_MS), 1);
	assert_int_equal(iov_interrupt_disable(nic, IOV_ERROR), 0);
	iov_device_close(nic);
	close(fd);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_fixture, close_fixture)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(regions_are_read_written_and_mapped),
		TEST(what_is_not_there_is_refused),
		TEST(function_that_sleeps_answers_nothing),
		TEST(eventfd_writes_a_register),
		TEST(device_is_opened_once),
		TEST(token_is_for_those_that_have_one),
		TEST(pin_interrupts_until_it_is_unmasked),
		TEST(message_tells_the_end_of_a_copy),
		TEST(vectors_are_added_one_by_one),
		TEST(vectors_are_rebuilt_without_a_loss),
		TEST(vector_goes_straight_to_kvm),
		TEST(table_of_vectors_keeps_its_region),
		TEST(resets_are_listed_and_chosen),
		TEST(reset_brings_it_back),
		TEST(slot_is_reset_when_all_of_it_is_ours),
		TEST(slot_of_two_functions_is_reset),
		TEST(notifiers_are_there),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
