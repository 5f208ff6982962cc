/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What lists want of the configuration space of each function, read by a child that may be left
 * behind; for the files of base/ alone.
 */
#ifndef IOV_BASE_PCI_CONFIG_FACTS_H
#define IOV_BASE_PCI_CONFIG_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/iov.h"
#include "base/pci/pci.h"

/* Device Serial Number, PCIe Base 6.0 section 7.9.3 */
#define SERIAL_SIZE 8

/**
 * struct config_facts - of one function
 * @bdf: which
 * @error: why nothing else is known, as iov_config_open() returns it, or 0
 * @msix: interrupt vectors in its table, 0 without one
 * @has_serial: whether there is a @serial; VFs and bridges are not asked for it
 * @serial: least significant byte first
 */
struct config_facts {
	struct iov_bdf bdf;
	int error;
	unsigned int msix;
	bool has_serial;
	unsigned char serial[SERIAL_SIZE];
};

/*
 * Of many functions at once, in the order of @list: with @vfs of all VFs at least, otherwise of all others.
 * Nothing is read of bridges.  The caller frees @facts.  0 or -errno.
 */
int config_survey(struct iov *iov, const struct iov_bdf *list, size_t count, bool vfs,
		  struct config_facts **facts, size_t *told);

/* Of one of those that config_survey() told; what it did not tell was not answered. */
struct config_facts config_facts_of(const struct config_facts *facts, size_t count,
				    struct iov_bdf bdf);

/* Of one alone. */
struct config_facts config_facts(struct iov *iov, struct iov_bdf bdf);

#endif
