// SPDX-License-Identifier: GPL-2.0-or-later
// What devices reach: mappings that are right, and every way in which they are not.
#include <errno.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/vfio/vfio.h"
#include "vfio/device/dma_buf.h"
#include "vfio/device/dma_log.h"

#define PAGE UINT64_C(4096)
#define BOTH (IOV_MAP_READ | IOV_MAP_WRITE)

static void device_copies_what_is_mapped(void **state)
{
	struct fixture *fixture = *state;
	uint8_t *memory = pages(2 * PAGE);
	uint64_t iova = 0x200000;

	for (unsigned int i = 0; i < PAGE; i++)
		memory[i] = (uint8_t)(i * 7);
	assert_int_equal(iov_domain_map(fixture->domain, memory, 2 * PAGE, BOTH | IOV_MAP_FIXED, &iova),
			 0);
	assert_int_equal(iov_edu_read(fixture->edu, iova, 0, 3000), 0);
	assert_int_equal(iov_edu_write(fixture->edu, iova + PAGE, 0, 3000), 0);
	assert_memory_equal(memory, memory + PAGE, 3000);
	assert_int_equal(memory[PAGE + 3000], 0);
	assert_int_equal(iov_domain_unmap(fixture->domain, iova, 2 * PAGE), 0);
	munmap(memory, 2 * PAGE);
}

static void device_does_not_reach_what_it_may_not(void **state)
{
	struct fixture *fixture = *state;
	uint8_t *memory = pages(2 * PAGE);
	uint64_t iova = 0x200000, second = 0x300000;

	/* To be read only, and not mapped any more. */
	assert_int_equal(iov_domain_map(fixture->domain, memory, PAGE, IOV_MAP_READ | IOV_MAP_FIXED,
					&iova), 0);
	assert_int_equal(iov_domain_map(fixture->domain, memory + PAGE, PAGE, BOTH | IOV_MAP_FIXED,
					&second), 0);
	memset(memory, 0x5a, 2 * PAGE);
	assert_int_equal(iov_edu_read(fixture->edu, iova, 0, 64), 0);
	memset(memory, 0, 2 * PAGE);
	assert_int_equal(iov_edu_write(fixture->edu, iova, 0, 64), 0);
	assert_int_equal(memory[0], 0);
	assert_int_equal(iov_domain_unmap(fixture->domain, second, PAGE), 0);
	assert_int_equal(iov_edu_write(fixture->edu, second, 0, 64), 0);
	assert_int_equal(memory[PAGE], 0);
	assert_int_equal(iov_domain_unmap_all(fixture->domain), 0);
	munmap(memory, 2 * PAGE);
}

static void addresses_are_found_without_a_wish(void **state)
{
	struct fixture *fixture = *state;
	uint8_t *memory = pages(64 * PAGE);
	uint64_t iova[64] = { 0 };

	for (unsigned int i = 0; i < 64; i++) {
		assert_int_equal(iov_domain_map(fixture->domain, memory + i * PAGE, PAGE, BOTH, &iova[i]),
				 0);
		for (unsigned int j = 0; j < i; j++)
			assert_int_not_equal(iova[i], iova[j]);
	}
	for (unsigned int i = 0; i < 64; i++)
		assert_int_equal(iov_domain_unmap(fixture->domain, iova[i], PAGE), 0);
	munmap(memory, 64 * PAGE);
}

static void memory_can_be_asked_for(void **state)
{
	struct fixture *fixture = *state;
	void *memory[3];
	uint64_t iova[3];
	static const uint64_t sizes[] = { 100, 1 << 20, 4 << 20 };

	for (unsigned int i = 0; i < 3; i++) {
		assert_int_equal(iov_domain_alloc(fixture->domain, sizes[i], &memory[i], &iova[i]), 0);
		assert_int_equal(((char *)memory[i])[sizes[i] - 1], 0);
	}
	/* Large pages of the IOMMU need that of both addresses. */
	assert_int_equal(iova[2] % (2 << 20), 0);
	for (unsigned int i = 0; i < 3; i++)
		iov_domain_free(fixture->domain, memory[i], sizes[i], iova[i]);
	iov_domain_free(fixture->domain, NULL, 5, 0);
}

static void ranges_leave_out_what_is_reserved(void **state)
{
	struct fixture *fixture = *state;
	struct iov_iova_range *ranges;
	uint64_t msi = 0xfee00000, iova = msi;
	uint8_t *memory = pages(PAGE);
	size_t count;

	assert_int_equal(iov_domain_ranges(fixture->domain, &ranges, &count), 0);
	assert_true(count >= 2);
	for (size_t i = 0; i < count; i++) {
		assert_true(ranges[i].first <= ranges[i].last);
		assert_false(msi >= ranges[i].first && msi <= ranges[i].last);
	}
	expect_error(fixture, iov_domain_map(fixture->domain, memory, PAGE, BOTH | IOV_MAP_FIXED, &iova),
		     -ERANGE, "0xfee00000");
	iova = ranges[count - 1].last + 1;
	expect_error(fixture, iov_domain_map(fixture->domain, memory, PAGE, BOTH | IOV_MAP_FIXED, &iova),
		     -ERANGE, "iov_domain_ranges");
	free(ranges);
	munmap(memory, PAGE);
}

static void wrong_mappings_are_told_apart(void **state)
{
	struct fixture *fixture = *state;
	struct iov_domain *domain = fixture->domain;
	const struct resources before = resources_now();
	uint8_t *memory = pages(4 * PAGE);
	uint64_t iova = 0x400000, other;

	expect_error(fixture, iov_domain_map(domain, memory, PAGE, 0, &iova), -EINVAL, "IOV_MAP_READ");
	expect_error(fixture, iov_domain_map(domain, memory + 1, PAGE, BOTH, &iova), -EINVAL,
		     "whole pages");
	expect_error(fixture, iov_domain_map(domain, memory, 100, BOTH, &iova), -EINVAL, "whole pages");
	expect_error(fixture, iov_domain_map(domain, memory, 0, BOTH, &iova), -EINVAL, "whole pages");
	other = iova + 1;
	expect_error(fixture, iov_domain_map(domain, memory, PAGE, BOTH | IOV_MAP_FIXED, &other), -EINVAL,
		     "whole pages");
	assert_int_equal(iov_domain_map(domain, memory, 4 * PAGE, BOTH | IOV_MAP_FIXED, &iova), 0);
	other = iova + PAGE;
	expect_error(fixture, iov_domain_map(domain, memory, PAGE, BOTH | IOV_MAP_FIXED, &other), -EEXIST,
		     "already");
	assert_true(iov_domain_unmap(domain, iova, PAGE) < 0);
	assert_int_equal(iov_domain_unmap(domain, iova, 4 * PAGE), 0);
	expect_error(fixture, iov_domain_unmap(domain, iova, 4 * PAGE), -ENOENT, "nothing is mapped");
	munmap(memory, 4 * PAGE);
	expect_error(fixture, iov_domain_map(domain, memory, PAGE, BOTH | IOV_MAP_FIXED, &iova), -EFAULT,
		     "no memory");
	assert_int_equal(resources_now().pinned, before.pinned);
	assert_int_equal(resources_now().fds, before.fds);
}

static void limit_on_locked_memory_is_told_with_what_is_needed(void **state)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];
	const struct rlimit limit = { 64 << 10, 64 << 10 };
	struct fixture *fixture = *state;
	const unsigned long before = resources_now().pinned;
	uint8_t *memory = pages(1 << 20);
	uint64_t iova = 0x800000;

	/* Root without this is as anyone else. */
	assert_int_equal(syscall(SYS_capget, &header, data), 0);
	data[0].effective &= ~(1u << CAP_IPC_LOCK);
	assert_int_equal(syscall(SYS_capset, &header, data), 0);
	assert_int_equal(setrlimit(RLIMIT_MEMLOCK, &limit), 0);
	expect_error(fixture,
		     iov_domain_map(fixture->domain, memory, 1 << 20, BOTH | IOV_MAP_FIXED, &iova),
		     -ENOMEM, "1024 KiB cannot be pinned");
	assert_non_null(strstr(iov_error_message(fixture->iov), "64 KiB allowed"));
	assert_int_equal(resources_now().pinned, before);
	munmap(memory, 1 << 20);
}

static void domain_without_a_device_has_no_addresses(void **state)
{
	struct fixture *fixture = *state;
	struct iov_domain *empty;
	struct iov_iova_range *ranges;
	uint8_t *memory = pages(PAGE);
	uint64_t iova = 0x100000;
	size_t count;

	assert_int_equal(iov_domain_open(&empty, fixture->iov, kind_wanted()), 0);
	expect_error(fixture, iov_domain_map(empty, memory, PAGE, BOTH, &iova), -ENODEV, "no device");
	assert_int_equal(iov_domain_ranges(empty, &ranges, &count), -ENODEV);
	iov_domain_close(empty);
	munmap(memory, PAGE);
}

static void what_devices_wrote_is_tracked_or_refused(void **state)
{
	struct fixture *fixture = *state;
	uint8_t *memory = pages(64 * PAGE);
	uint64_t iova = 0x400000, bitmap = 0;

	assert_int_equal(iov_domain_map(fixture->domain, memory, 64 * PAGE, BOTH | IOV_MAP_FIXED, &iova),
			 0);
	if (iov_domain_kind(fixture->domain) == IOV_DOMAIN_IOMMUFD) {
		expect_error(fixture, iov_domain_track(fixture->domain, true), -ENOTSUP, "not support");
	} else {
		assert_int_equal(iov_domain_track(fixture->domain, true), 0);
		assert_int_equal(iov_domain_dirty(fixture->domain, iova, 64 * PAGE, &bitmap), 0);
		/* All that is pinned, as nobody knows better. */
		assert_true(bitmap == UINT64_MAX);
		assert_int_equal(iov_domain_track(fixture->domain, false), 0);
		assert_true(iov_domain_dirty(fixture->domain, iova, 64 * PAGE, &bitmap) < 0);
	}
	assert_int_equal(iov_domain_unmap(fixture->domain, iova, 64 * PAGE), 0);
	munmap(memory, 64 * PAGE);
}

/* A file that is mapped twice, as a process has it that took over from another one. */
static void memory_is_found_at_its_new_address(void **state)
{
	struct fixture *fixture = *state;
	int fd = memfd_create("memory", MFD_CLOEXEC);
	uint64_t iova = 0x500000;
	uint8_t *first, *second;

	assert_return_code(ftruncate(fd, PAGE), errno);
	first = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	second = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_int_equal(iov_domain_map(fixture->domain, first, PAGE, BOTH | IOV_MAP_FIXED, &iova), 0);
	if (kind_wanted() == IOV_DOMAIN_IOMMUFD) {
		expect_error(fixture, iov_domain_remap(fixture->domain, iova, PAGE, second), -ENOTSUP,
			     "another address");
	} else {
		assert_int_equal(iov_domain_remap(fixture->domain, iova, PAGE, second), 0);
		munmap(first, PAGE);
		first = NULL;
	}
	memset(second, 0x3c, 64);
	assert_int_equal(iov_edu_read(fixture->edu, iova, 0, 64), 0);
	assert_int_equal(iov_edu_write(fixture->edu, iova + 64, 0, 64), 0);
	assert_memory_equal(second, second + 64, 64);
	assert_int_equal(iov_domain_unmap(fixture->domain, iova, PAGE), 0);
	if (first)
		munmap(first, PAGE);
	munmap(second, PAGE);
	close(fd);
}

/* From one function to the memory of another, which takes a mapping of that. */
static void device_reaches_another_one(void **state)
{
	struct fixture *fixture = *state;
	struct iov_device *shmem;
	uint8_t *memory = pages(PAGE), *bar;
	uint64_t iova = 0x600000, peer = 0x700000;
	void *at;

	assert_int_equal(iov_device_open(&shmem, fixture->domain, bdf_of("IOV_SHMEM"), NULL), 0);
	assert_int_equal(iov_device_map(shmem, 2, 0, PAGE, &at), 0);
	bar = at;
	if (kind_wanted() == IOV_DOMAIN_IOMMUFD) {
		assert_true(iov_domain_map(fixture->domain, at, PAGE, BOTH | IOV_MAP_FIXED, &peer) < 0);
	} else {
		memset(memory, 0x77, PAGE);
		memset(bar, 0, 64);
		assert_int_equal(iov_domain_map(fixture->domain, memory, PAGE, BOTH | IOV_MAP_FIXED,
						&iova), 0);
		assert_int_equal(iov_domain_map(fixture->domain, at, PAGE, BOTH | IOV_MAP_FIXED, &peer),
				 0);
		assert_int_equal(iov_edu_read(fixture->edu, iova, 0, 64), 0);
		assert_int_equal(iov_edu_write(fixture->edu, peer, 0, 64), 0);
		assert_memory_equal(bar, memory, 64);
		assert_int_equal(iov_domain_unmap_all(fixture->domain), 0);
	}
	expect_error(fixture, iov_dma_buf_export(shmem, 2, &(struct iov_area){ 0, PAGE }, 1), -ENOTSUP,
		     "dma-buf");
	munmap(at, PAGE);
	munmap(memory, PAGE);
	iov_device_close(shmem);
}

static void device_that_logs_nothing_says_so(void **state)
{
	struct fixture *fixture = *state;
	const struct iov_iova_range range = { 0, PAGE - 1 };
	uint64_t bitmap = 0;

	expect_error(fixture, iov_dma_log_start(fixture->device, &range, 1, PAGE), -ENOTSUP,
		     "does not log");
	expect_error(fixture, iov_dma_log_report(fixture->device, 0, PAGE, PAGE, &bitmap), -ENOTSUP,
		     "does not log");
	expect_error(fixture, iov_dma_log_stop(fixture->device), -ENOTSUP, "does not log");
}

static void interface_that_is_not_there_is_named(void **state)
{
	struct fixture *fixture = *state;
	struct iov_domain *domain;

	if (access("/dev/iommu", F_OK))
		expect_error(fixture, iov_domain_open(&domain, fixture->iov, IOV_DOMAIN_IOMMUFD), -ENOTSUP,
			     "no IOMMUFD");
	expect_error(fixture, iov_domain_open(&domain, fixture->iov, IOV_DOMAIN_NOIOMMU), -ENOTSUP,
		     "enable_unsafe_noiommu_mode");
}

static void two_devices_reach_the_same_memory(void **state)
{
	struct fixture *fixture = *state;
	struct iov_device *nic;
	uint8_t *memory = pages(PAGE);
	uint64_t iova = 0x400000;

	assert_int_equal(iov_domain_map(fixture->domain, memory, PAGE, BOTH | IOV_MAP_FIXED, &iova), 0);
	assert_int_equal(iov_device_open(&nic, fixture->domain, bdf_of("IOV_NIC"), NULL), 0);
	expect_error(fixture, iov_domain_map(fixture->domain, memory, PAGE, BOTH | IOV_MAP_FIXED, &iova),
		     -EEXIST, "already");
	iov_device_close(nic);
	assert_int_equal(iov_edu_read(fixture->edu, iova, 0, 64), 0);
	assert_int_equal(iov_domain_unmap(fixture->domain, iova, PAGE), 0);
	munmap(memory, PAGE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_fixture, close_fixture)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(device_copies_what_is_mapped),
		TEST(device_does_not_reach_what_it_may_not),
		TEST(addresses_are_found_without_a_wish),
		TEST(memory_can_be_asked_for),
		TEST(ranges_leave_out_what_is_reserved),
		TEST(wrong_mappings_are_told_apart),
		TEST(domain_without_a_device_has_no_addresses),
		TEST(what_devices_wrote_is_tracked_or_refused),
		TEST(two_devices_reach_the_same_memory),
		TEST(memory_is_found_at_its_new_address),
		TEST(device_reaches_another_one),
		TEST(device_that_logs_nothing_says_so),
		TEST(interface_that_is_not_there_is_named),
		/* Gives up a privilege, so the last one. */
		TEST(limit_on_locked_memory_is_told_with_what_is_needed),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
