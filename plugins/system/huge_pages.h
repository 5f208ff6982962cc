/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Huge pages; iov_op_huge_pages() of base/plan/op.h changes how many there are. */
#ifndef IOV_PLUGINS_SYSTEM_HUGE_PAGES_H
#define IOV_PLUGINS_SYSTEM_HUGE_PAGES_H

#include "base/iov.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * iov_huge_pages_read - how many huge pages there are for good
 * @iov: context
 * @directory: of their size and node, "sys/kernel/mm/hugepages/hugepages-2048kB"
 * @count: receives it; pages that go as soon as they are free do not count
 *
 * Return: 0 or -errno; the message is not touched.
 */
int iov_huge_pages_read(struct iov *iov, const char *directory, unsigned int *count);


#ifdef __cplusplus
}
#endif

#endif
