/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The option --interface of commands that open a function by VFIO. */
#ifndef IOV_CLI_INTERFACE_H
#define IOV_CLI_INTERFACE_H

#include <argp.h>
#include <string.h>

#include "cli/cli.h"
#include "iommu/domain.h"

#define CLI_KEY_INTERFACE 'i'
#define CLI_OPTION_INTERFACE                                                                       \
	{ "interface", CLI_KEY_INTERFACE, "iommufd|type1|noiommu", 0,                              \
	  "Which interface of the kernel (default: iommufd where there is one)" }

/* For an argp parser: its argument. */
static inline enum iov_domain_kind cli_interface(const char *arg, const struct argp_state *state)
{
	if (!strcmp(arg, "iommufd"))
		return IOV_DOMAIN_IOMMUFD;
	if (!strcmp(arg, "type1"))
		return IOV_DOMAIN_TYPE1;
	if (strcmp(arg, "noiommu"))
		cli_misuse(state, "--interface %s: expected iommufd, type1 or noiommu", arg);
	return IOV_DOMAIN_NOIOMMU;
}

#endif
