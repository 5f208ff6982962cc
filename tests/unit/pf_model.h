/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A PF as the kernel shows it, in a tree: writes to sriov_numvfs make and remove
 * VFs, probing follows driver_override and autoprobe, and a device class keeps
 * attributes in files, so that everything survives the death of a process.
 */
#ifndef IOV_TESTS_PF_MODEL_H
#define IOV_TESTS_PF_MODEL_H

#include <stdbool.h>

#include "base/pci/pci.h"
#include "sriov/class.h"

#define PF_BDF "0000:01:00.0"
#define PF_PATH "sys/bus/pci/devices/" PF_BDF
#define PF_TOTAL 7
#define PF_OFFSET 0x80
#define PF_STRIDE 2

struct pf_model {
	char *tree;
	struct iov *iov;
	struct iov_bdf pf;
	int writes;		/* so far */
	char log[4096];		/* "attribute=value " of each write */
	int fail_at;		/* number of the write that gives @error, -1 for none */
	int error;
	int kill_at;		/* the process dies after this write, -1 for never */
	bool misplace;		/* new VFs appear at other addresses than promised */
	const char *refuse;	/* attribute that the class refuses */
	const char *ignore;	/* attribute that the class takes and forgets */
	int untold;		/* error of the class when it is asked for attributes */
	int sets;		/* attributes that the class was asked to set */
	int late;		/* of these, those of VFs that had a driver, which has read what the VF is like */
	unsigned int huge_pages_max;	/* more than these the kernel finds no memory for */
};

extern struct pf_model model;

/* cmocka fixtures: a PF without VFs under the driver igb. */
int pf_model_setup(void **state);
int pf_model_teardown(void **state);

/* Create VFs without a plan; each is bound to igbvf. */
void pf_model_create(unsigned int count);

/* Number of VFs, switch, and driver, override and attributes of each VF. */
char *pf_model_state(void);

/* Address of a VF. */
struct iov_bdf pf_model_vf(unsigned int index);

/* An attribute of a VF as the class reports it. */
void pf_model_attribute(unsigned int index, const char *name, char *text, size_t size);

/* Run a plan that @build appends to; frees it. */
int pf_model_run(int (*build)(struct iov_plan *plan));

#endif
