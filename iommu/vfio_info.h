/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What VFIO tells in a structure with a chain of capabilities; for iommu/ and vfio/ alone. */
#ifndef IOV_IOMMU_VFIO_INFO_H
#define IOV_IOMMU_VFIO_INFO_H

#include <linux/vfio.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Ask with a structure that begins with argsz, as often as the kernel says that more room is
 * needed.  @request is a request of @fd, @wanted what it is asked with, of @size bytes.  The
 * caller frees the answer; NULL when there is none.
 */
void *vfio_info_get(int fd, unsigned long request, const void *wanted, size_t size);

/*
 * The capability @id of an answer of @bytes bytes, whose chain begins at @first, 0 for none;
 * NULL when it has it not.
 */
const void *vfio_info_find(const void *info, uint32_t bytes, uint32_t first, uint16_t id);

#endif
