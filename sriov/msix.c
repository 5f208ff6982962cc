// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How many interrupt vectors a VF has, where its PF shares out a pool of them
 * (sriov_vf_msix_count, which can only be written; MSI-X Table Size tells).
 */
#include <errno.h>
#include <linux/pci_regs.h>
#include <stdio.h>

#include "base/pci/pci_config.h"
#include "sriov/internal.h"

bool vf_has_msix_count(struct iov *iov, const struct iov_pf *pf)
{
	int64_t total = 0;

	/* Every PF has the attribute; without its driver's help it is 0. */
	if (!iov_pci_unlocked(iov, pf->bdf))
		iov_pci_number(iov, pf->bdf, "sriov_vf_total_msix", &total);
	return total > 0;
}

unsigned int vf_msix_count(struct iov *iov, const struct iov_pf *pf, unsigned int index)
{
	struct iov_config config;
	struct iov_bdf vf;
	unsigned int at;

	if (iov_pci_link(iov, pf->bdf, iov_path("virtfn%u", index).name, &vf) ||
	    iov_config_read(iov, vf, &config, IOV_CONFIG_CONVENTIONAL))
		return 0;
	at = iov_config_find(&config, PCI_CAP_ID_MSIX, false);
	return at ? (iov_config_u16(&config, at + PCI_MSIX_FLAGS) & PCI_MSIX_FLAGS_QSIZE) + 1 : 0;
}

struct iov_op *vf_msix_op(const struct iov_pf *pf, unsigned int index, unsigned int vectors)
{
	struct iov_path path = iov_pci_path(iov_vf_bdf(pf, index), "sriov_vf_msix_count");
	struct iov_op *op = iov_op_write(path.name, iov_path("%u", vectors).name);

	op = iov_op_explain(op, EBUSY,
			    "the VF has a driver, and vectors are shared out while it has none");
	op = iov_op_explain(op, EOPNOTSUPP,
			    "the PF's driver gives all VFs the same number of vectors");
	return iov_op_explain(op, ENOSPC, "the PF has not that many vectors left; give other VFs less");
}

static int check(struct iov *iov, const struct iov_pf *pf, unsigned int index,
		 unsigned int vectors, unsigned int flags)
{
	struct iov_bdf vf = iov_vf_bdf(pf, index);
	char driver[64] = "";
	int64_t total = 0;

	if (iov_pci_unlocked(iov, pf->bdf))
		return -ETIMEDOUT;
	iov_pci_number(iov, pf->bdf, "sriov_vf_total_msix", &total);
	if (vectors > total)
		return iov_fail(iov, -ERANGE, "%u vectors for VF %u: %s has %lld for all its VFs",
				vectors, index, IOV_BDF(pf->bdf), (long long)total);
	if (!(flags & IOV_VF_ANEW))
		iov_pci_driver(iov, vf, driver, sizeof(driver));
	if (*driver)
		return iov_fail(iov, -EBUSY, "VF %u (%s) has the driver %s, and vectors are shared "
				"out while a VF has none; take it away first", index, IOV_BDF(vf),
				driver);
	return 0;
}

static void add_step(struct iov_plan *plan, const struct iov_pf *pf, unsigned int index,
		     unsigned int now, unsigned int vectors)
{
	struct iov_step *step = iov_plan_step(plan, IOV_BDF(pf->bdf),
					      "give VF %u of %s %u interrupt vectors", index,
					      IOV_BDF(pf->bdf), vectors);

	iov_step_touches(step, IOV_BDF(iov_vf_bdf(pf, index)));
	iov_step_spares(step, "the kernel refuses it for a VF with a driver");
	iov_step_do(step, vf_msix_op(pf, index, vectors));
	iov_step_undo(step, iov_op_absent_ok(vf_msix_op(pf, index, now)));
	iov_step_change(step, iov_path("vf %u msix", index).name,
			now ? iov_path("%u", now).name : NULL, iov_path("%u", vectors).name);
}

int iov_vf_msix_plan(struct iov_plan *plan, struct iov_bdf bdf, unsigned int index,
		     unsigned int vectors, unsigned int flags)
{
	struct iov *iov = iov_plan_context(plan);
	unsigned int now;
	struct iov_pf pf;
	int error = iov_pf_read(iov, bdf, &pf);

	if (error)
		return iov_plan_built(plan, error);
	if (!vf_has_msix_count(iov, &pf))
		return iov_plan_built(plan, iov_fail(iov, -EOPNOTSUPP, "%s (driver %s) gives all its "
				"VFs the same number of interrupt vectors; leave msix out",
				IOV_BDF(bdf), *pf.driver ? pf.driver : "none"));
	now = vf_msix_count(iov, &pf, index);
	/* A VF that is made anew had its number given back by then. */
	if (now && now == vectors)
		return 0;
	error = check(iov, &pf, index, vectors, flags);
	if (!error)
		add_step(plan, &pf, index, now, vectors);
	return iov_plan_built(plan, error);
}
