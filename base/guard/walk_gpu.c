// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/guard/walk_gpu.h"

#include <stdio.h>
#include <string.h>

#include "base/sysroot/paths.h"
#include "base/sysroot/sysroot.h"

/* "location_id 2304" is bus, device and function. */
static void visit_compute_node(struct guard_scan *scan, struct guard_chain *chain,
			       const char *directory, const char *name)
{
	char text[4096], *gpu, *domain_line;
	unsigned int location = 0, domain = 0;

	if (iov_sys_read(scan->iov, iov_path("%s/%s/properties", directory, name).name, text,
			 sizeof(text)))
		return;
	gpu = strstr(text, "location_id ");
	domain_line = strstr(text, "domain ");
	if (!gpu || sscanf(gpu, "location_id %u", &location) != 1 || !location)
		return;
	if (domain_line)
		sscanf(domain_line, "domain %u", &domain);
	guard_found(scan, chain, iov_path("%04x:%02x:%02x.%u", domain, location >> 8 & 0xff,
					  location >> 3 & 0x1f, location & 7).name);
}

void guard_walk_compute(struct guard_scan *scan, struct guard_chain *chain)
{
	guard_for_each_name(scan, chain, IOV_PATH_KFD, visit_compute_node);
}

void guard_walk_nvidia(struct guard_scan *scan, struct guard_chain *chain, unsigned int index)
{
	unsigned int found;
	char **names;
	size_t count;
	int error = iov_sys_list(scan->iov, IOV_PATH_NVIDIA, &names, &count);

	guard_failed(scan, error, "/" IOV_PATH_NVIDIA);
	if (error)
		return;
	for (size_t i = 0; i < count; i++) {
		char text[1024];
		const char *line;

		if (iov_sys_read(scan->iov, iov_path(IOV_PATH_NVIDIA "/%s/information", names[i]).name,
				 text, sizeof(text)))
			continue;
		line = strstr(text, "Device Minor:");
		if (line && sscanf(line, "Device Minor: %u", &found) == 1 && found == index)
			guard_found(scan, chain, names[i]);
	}
	iov_names_free(names, count);
}
