/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guards: who on this host would miss a PCI function if it were taken.
 *
 * A finding is a JSON object with the members
 *	guard	name of the guard, below
 *	device	BDF of the function
 *	holder	what needs it: "default route via 10.0.2.2", "/ (ext4)", "pid 71 (qemu)"
 *	path	array of names from the function to the holder:
 *		["0000:01:00.0", "eth0", "br0"]
 *	pid	the process that holds it, where it is one
 * and those that a plan found have
 *	why	why the plan takes the function: "VF 2 of 0000:01:00.0"
 *
 * iov_guard_name() and iov_guard_meaning() list the guards.
 */
#ifndef IOV_BASE_GUARD_GUARD_H
#define IOV_BASE_GUARD_GUARD_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/iov.h"
#include "base/pci/pci.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * iov_guard_set_session - tell the guards which connection runs the command
 * @iov: context
 * @ssh_connection: value of SSH_CONNECTION ("client port server port"), NULL when
 *	it is not set
 *
 * Not told of one, the guards look for the variable in the environments of the
 * calling process's ancestors, as sudo(8) clears it.
 *
 * Return: 0, or -EINVAL with a message.
 */
int iov_guard_set_session(struct iov *iov, const char *ssh_connection);

/**
 * iov_guard_name - the guards that there are
 * @index: from 0 on
 *
 * Return: a name as findings carry it, NULL after the last.
 */
const char *iov_guard_name(size_t index);

/**
 * iov_guard_meaning - when a guard refuses
 * @name: its name
 *
 * Return: a clause about the function: "a default route leaves through its
 * interface"; NULL without such a guard.
 */
const char *iov_guard_meaning(const char *name);

/**
 * iov_guard_is_network - whether a guard speaks for the network of the host itself
 * @name: its name
 *
 * Return: true for routes, addresses, the session and what is stacked on interfaces; false
 * for disks, processes, network namespaces and the display, and without such a guard.
 */
bool iov_guard_is_network(const char *name);

/**
 * iov_guard_function - look for holders of one function
 * @iov: context
 * @bdf: the function; one that does not exist has no holders
 * @findings: array that findings are appended to
 *
 * Looks at this function only; who else moves with it is the caller's matter.
 *
 * Return: 0, or -errno with a message when it could not look.
 */
int iov_guard_function(struct iov *iov, struct iov_bdf bdf, struct json_object *findings);

#ifdef __cplusplus
}
#endif

#endif
