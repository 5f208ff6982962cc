// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/vfio/vfio.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>

static unsigned int count_entries(const char *path)
{
	DIR *dir = opendir(path);
	unsigned int count = 0;

	assert_non_null(dir);
	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

struct resources resources_now(void)
{
	struct resources resources = { .fds = count_entries("/proc/self/fd") };
	char line[512];
	FILE *file = fopen("/proc/self/maps", "r");

	/* The allocator may have taken more, which stays. */
	while (file && fgets(line, sizeof(line), file))
		resources.maps += strstr(line, "/dev/vfio") || strstr(line, "vfio-device");
	if (file)
		fclose(file);
	file = fopen("/proc/self/status", "r");
	while (file && fgets(line, sizeof(line), file))
		if (!strncmp(line, "VmPin:", 6) || !strncmp(line, "VmLck:", 6))
			resources.pinned += strtoul(line + 6, NULL, 10);
	if (file)
		fclose(file);
	return resources;
}

enum iov_domain_kind kind_wanted(void)
{
	const char *kind = getenv("IOV_DOMAIN");

	assert_non_null(kind);
	return !strcmp(kind, "iommufd") ? IOV_DOMAIN_IOMMUFD
	       : !strcmp(kind, "noiommu") ? IOV_DOMAIN_NOIOMMU : IOV_DOMAIN_TYPE1;
}

struct iov_bdf bdf_of(const char *variable)
{
	struct iov_bdf bdf;

	assert_non_null(getenv(variable));
	assert_true(iov_bdf_scan(getenv(variable), &bdf));
	return bdf;
}

static void must(const struct fixture *fixture, int error)
{
	if (error)
		fail_msg("%s: %s", strerror(-error), iov_error_message(fixture->iov));
}

int open_fixture(void **state)
{
	struct fixture *fixture = test_calloc(1, sizeof(*fixture));

	fixture->before = resources_now();
	assert_int_equal(iov_open(&fixture->iov, NULL), 0);
	must(fixture, iov_domain_open(&fixture->domain, fixture->iov, kind_wanted()));
	must(fixture, iov_device_open(&fixture->device, fixture->domain, bdf_of("IOV_EDU"), NULL));
	must(fixture, iov_edu_open(&fixture->edu, fixture->iov, fixture->device));
	*state = fixture;
	return 0;
}

int close_fixture(void **state)
{
	struct fixture *fixture = *state;

	iov_edu_close(fixture->edu);
	iov_device_close(fixture->device);
	iov_domain_close(fixture->domain);
	iov_close(fixture->iov);
	check_resources(&fixture->before);
	test_free(fixture);
	return 0;
}

void check_resources(const struct resources *before)
{
	const struct resources now = resources_now();

	assert_int_equal(now.fds, before->fds);
	assert_int_equal(now.maps, before->maps);
	assert_int_equal(now.pinned, before->pinned);
}

void check_error(struct fixture *fixture, int error, int wanted, const char *words)
{
	if (error != wanted || !strstr(iov_error_message(fixture->iov), words))
		fail_msg("expected '%s' and '%s', got '%s' and '%s'", strerror(-wanted), words,
			 strerror(-error), iov_error_message(fixture->iov));
}

void *pages(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(memory, MAP_FAILED);
	return memory;
}

uint64_t events(int fd, int milliseconds)
{
	struct pollfd wait = { .fd = fd, .events = POLLIN };
	eventfd_t count = 0;

	if (poll(&wait, 1, milliseconds) == 1)
		eventfd_read(fd, &count);
	return count;
}
