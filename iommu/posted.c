// SPDX-License-Identifier: GPL-2.0-or-later
#include "iommu/posted.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/sysroot/paths.h"
#include "base/sysroot/sysroot.h"

#define VTD_CAP_POSTS (UINT64_C(1) << 59)
#define AMD_FEATURE_GA (UINT64_C(1) << 7)

/* A register of the IOMMU that the function is behind, in hexadecimal. */
static bool read_register(struct iov *iov, struct iov_bdf bdf, const char *name, uint64_t *value)
{
	char text[32];

	if (iov_sys_read(iov, iov_path("%s/%s", iov_pci_path(bdf, "iommu").name, name).name, text,
			 sizeof(text)))
		return false;
	*value = strtoull(text, NULL, 16);
	return true;
}

/*
 * Entries of the remapping table by the function that they are of: " 5  80:00.0  0000...", under
 * a heading for each of the two kinds.
 */
static void count_entries(char *table, struct iov_bdf bdf, unsigned int *remapped,
			  unsigned int *posted)
{
	unsigned int *kind = remapped, bus, device, function;

	for (char *save = NULL, *line = strtok_r(table, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		if (strstr(line, "Posted"))
			kind = posted;
		else if (strstr(line, "Remapped"))
			kind = remapped;
		else if (sscanf(line, "%*d %x:%x.%x", &bus, &device, &function) == 3 &&
			 bus == bdf.bus && device == bdf.device && function == bdf.function)
			++*kind;
	}
}

static enum iov_posted look_in_table(struct iov *iov, struct iov_bdf bdf)
{
	_cleanup_free_ char *table = NULL;
	unsigned int remapped = 0, posted = 0;

	if (iov_sys_read_all(iov, IOV_PATH_IR_TABLE, &table, NULL))
		return IOV_POSTED_UNKNOWN;
	count_entries(table, bdf, &remapped, &posted);
	if (!posted)
		return IOV_POSTED_NONE;
	return remapped ? IOV_POSTED_SOME : IOV_POSTED_ALL;
}

enum iov_posted iov_posted(struct iov *iov, struct iov_bdf bdf)
{
	uint64_t value;

	if (read_register(iov, bdf, "intel-iommu/cap", &value))
		return value & VTD_CAP_POSTS ? look_in_table(iov, bdf) : IOV_POSTED_NONE;
	if (read_register(iov, bdf, "amd-iommu/features", &value) && !(value & AMD_FEATURE_GA))
		return IOV_POSTED_NONE;
	/* Without an IOMMU there is nobody who could. */
	return iov_sys_exists(iov, iov_pci_path(bdf, "iommu").name) ? IOV_POSTED_UNKNOWN
								    : IOV_POSTED_NONE;
}
