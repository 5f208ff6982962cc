/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the host file gives to guests, in the words of those who hand it out: pools of functions,
 * and a writer for each format.
 */
#ifndef IOV_CLI_EXPORT_EXPORT_H
#define IOV_CLI_EXPORT_EXPORT_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/iov.h"
#include "base/pci/pci.h"
#include "host/file/host.h"
#include "iommu/group.h"

/**
 * struct export_function - a function of a pool
 * @bdf: its address
 * @index: number among the VFs of its PF, -1 for what is no VF
 */
struct export_function {
	struct iov_bdf bdf;
	int index;
};

/**
 * struct export_pool - functions that are alike: the VFs of a PF that have one driver, or a function
 * that VFIO has whole
 * @name: letters, digits and underscores, another one for each pool
 * @network: what the host file calls the NIC, NULL for what is no NIC or has no name there
 * @driver: of all its functions
 * @pf: of the VFs
 * @vfs: it has VFs
 * @is_pf: its function is a PF
 * @vendor: PCI vendor ID of all of them
 * @device: PCI device ID of all of them
 * @class: PCI class code of all of them, "0200" is 0x0200
 * @functions: in order of address
 * @count: length of @functions
 */
struct export_pool {
	char name[96];
	const char *network;
	char driver[IOV_DRIVER_SIZE];
	struct iov_bdf pf;
	bool vfs;
	bool is_pf;
	unsigned int vendor;
	unsigned int device;
	unsigned int class;
	struct export_function *functions;
	size_t count;
};

/**
 * struct export_set - everything that a host file gives away
 * @iov: context
 * @pools: pools
 * @count: length of @pools
 * @left_out: array of sentences on what the format cannot say
 */
struct export_set {
	struct iov *iov;
	struct export_pool *pools;
	size_t count;
	struct json_object *left_out;
};

/* Who reads it, and what writes it. */
struct export_format {
	const char *name;
	const char *what;
	void (*write)(struct export_set *set, FILE *file);
};

/* Format number @index, NULL behind the last. */
const struct export_format *export_format_at(size_t index);

/**
 * export_collect - find what a host file gives to guests
 * @set: empty, with its context; the caller frees it with export_free(), also after a failure
 * @file: host file, which outlives @set
 *
 * Return: 0; -ENODEV for a device that is not there and may not be absent, or a VF that was not
 * made yet; or -errno.  Each with a message.
 */
int export_collect(struct export_set *set, const struct iov_host_file *file);

/* Free what export_collect() found. */
void export_free(struct export_set *set);

#endif
