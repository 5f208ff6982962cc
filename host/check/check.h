/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Is this host, or this function, ready to be given to guests, and if not, what
 * exactly to do.
 *
 * A check is a JSON object with the members
 *	check		stable name: "interrupt-remapping"
 *	device		BDF or NUMA node that it is about; null for the whole host
 *	status		"ok"; "warn": works, but less than it could, or unsafely;
 *			"fail": does not work; "skip": does not apply to this machine
 *	found		a sentence: what is so
 *	evidence	array of objects "path" and "value": what was read, and where
 *	remedy		a sentence: what to do; null for "ok" and "skip"
 *
 * Everything is read below the sysroot, so a recorded host is judged as well.
 */
#ifndef IOV_HOST_CHECK_CHECK_H
#define IOV_HOST_CHECK_CHECK_H

#include <json-c/json.h>
#include <stddef.h>
#include <stdint.h>

#include "base/iov.h"
#include "base/pci/pci.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * struct iov_check_guest - a guest that is planned
 * @memory: its memory in bytes
 * @mappings: how often VFIO maps and locks its memory: once, or once for each
 *	device behind a virtual IOMMU
 */
struct iov_check_guest {
	uint64_t memory;
	unsigned int mappings;
};

/**
 * struct iov_check_options - what a host has to be ready for
 * @guests: guests that run at the same time
 * @guest_count: length of @guests
 */
struct iov_check_options {
	const struct iov_check_guest *guests;
	size_t guest_count;
};

/**
 * iov_check_host - judge the host
 * @iov: context
 * @options: NULL when no guests are planned
 * @out: receives an array of checks, which the caller puts
 *
 * ACPI tables, capabilities, the kernel's log and MSRs are readable by root only; a
 * check that misses them says so and what it could tell without.
 *
 * Return: 0, or -errno with a message when it could not look at all.
 */
int iov_check_host(struct iov *iov, const struct iov_check_options *options,
		   struct json_object **out);

/**
 * iov_check_device - judge one function
 * @iov: context
 * @bdf: a function
 * @out: receives an array of checks, which the caller puts
 *
 * Return: 0; -ENODEV without that function, with a message; or -errno with a message.
 */
int iov_check_device(struct iov *iov, struct iov_bdf bdf, struct json_object **out);

/**
 * iov_check_failures - how many checks failed
 * @checks: array from one of the above
 *
 * Return: number of checks with status "fail".
 */
size_t iov_check_failures(struct json_object *checks);

#ifdef __cplusplus
}
#endif

#endif
