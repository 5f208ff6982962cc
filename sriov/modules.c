// SPDX-License-Identifier: GPL-2.0-or-later
/* The native driver of VFs that do not exist yet, by the ID that their PF gives them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/plan/module.h"
#include "sriov/vf.h"

static unsigned int read_id(struct iov *iov, struct iov_bdf bdf, const char *attribute)
{
	char text[16] = "";

	/* Hexadecimal, and sriov_vf_device does not say so. */
	iov_sys_read(iov, iov_pci_path(bdf, attribute).name, text, sizeof(text));
	return (unsigned int)strtoul(text, NULL, 16);
}

int iov_vf_modules_plan(struct iov_plan *plan, struct iov_bdf bdf)
{
	struct iov *iov = iov_plan_context(plan);
	unsigned int class_code = read_id(iov, bdf, "class");
	struct iov_path alias = iov_path("pci:v%08Xd%08Xsv%08Xsd%08Xbc%02Xsc%02Xi%02X",
		read_id(iov, bdf, "vendor"), read_id(iov, bdf, "sriov_vf_device"),
		read_id(iov, bdf, "subsystem_vendor"), read_id(iov, bdf, "subsystem_device"),
		class_code >> 16 & 0xff, class_code >> 8 & 0xff, class_code & 0xff);
	char **names = NULL;
	size_t count = 0;
	int error = iov_module_find(iov, alias.name, &names, &count);

	if (error)
		return error == -EOPNOTSUPP ? 0 : iov_plan_built(plan, iov_told(iov, error,
			"%s: cannot look up modules for its VFs: %s", IOV_BDF(bdf),
			strerror(-error)));
	for (size_t i = 0; i < count; i++)
		iov_module_plan(plan, names[i], NULL,
				iov_path("the driver of VFs of %s", IOV_BDF(bdf)).name);
	iov_names_free(names, count);
	return 0;
}
