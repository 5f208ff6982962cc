// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Huge pages.  The kernel makes as many as it finds memory for and calls that success, so
 * the number is read back.
 */
#include "plugins/system/huge_pages.h"

#include <errno.h>
#include <string.h>

#include "base/sysroot/sysroot.h"
#include "plugins/system/system.h"

/* Beyond nr_hugepages there may be pages that go as soon as they are free. */
int iov_huge_pages_read(struct iov *iov, const char *directory, unsigned int *count)
{
	int64_t all, surplus = 0;
	int error = iov_sys_read_number(iov, iov_path("%s/nr_hugepages", directory).name, &all);

	if (error)
		return error;
	iov_sys_read_number(iov, iov_path("%s/surplus_hugepages", directory).name, &surplus);
	*count = (unsigned int)(all - surplus);
	return 0;
}

static int run_huge_pages(struct iov *iov, const struct iov_op *op)
{
	const char *directory = op->huge_pages.directory;
	unsigned int wanted = op->huge_pages.count, got = 0;
	int error = iov_sys_write(iov, iov_path("%s/nr_hugepages", directory).name,
				  iov_path("%u", wanted).name);

	if (!error)
		error = iov_huge_pages_read(iov, directory, &got);
	if (error)
		return iov_told(iov, error, "%s", strerror(-error));
	if (got >= wanted)
		return 0;
	return iov_fail(iov, -ENOMEM, "the kernel found memory for %u of %u; %s", got, wanted,
			op->huge_pages.advice);
}

const struct iov_op_runner huge_pages_runner = { IOV_OP_HUGE_PAGES, run_huge_pages };
