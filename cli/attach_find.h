/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What iov attach is told: names of what a guest is to be given. */
#ifndef IOV_CLI_ATTACH_FIND_H
#define IOV_CLI_ATTACH_FIND_H

#include "cli/cli.h"
#include "cli/vmm/vmm.h"

/**
 * attach_add - append what a name stands for
 * @cli: the run
 * @name: a device, several VFs, the UUID of a mediated device, the node of a vDPA device, or the
 *	name of a port or disk of iovd
 * @set: set, with its VMM; the caller passes it to attach_free(), also after a failure
 *
 * A function or mediated device is one that its driver gives to guests now, and that nobody else has
 * claimed, unless the guard "fleet" is lifted.
 *
 * Return: 0; -ENOENT when there is none, -EINVAL for an uplink, or as iov_attach_check(),
 * iov_claims_check() and iov_rpc_call(); with a message.
 */
int attach_add(struct cli *cli, const char *name, struct vmm_set *set);

/* Free what a set has. */
void attach_free(struct vmm_set *set);

/* Whether a name is one of PCI functions, and of nothing else that a guest can be given. */
bool attach_is_device(struct cli *cli, const char *name);

/* What its PF gives a VF, as an address; "" when it gives none, or does not tell. */
void attach_vf_mac(struct cli *cli, struct iov_bdf vf, char text[IOV_MAC_TEXT]);

/**
 * attach_pair - have a port stand by for a VF
 * @cli: the run
 * @set: set that has one VF and one port, besides others
 * @mac: address of both, NULL for that of the VF
 *
 * The guest's driver knows the two by their common address, so the port gets that of the VF.
 *
 * Return: 0; -EINVAL with a message when the set has not one of each, or the VF has another
 * address, or none that its PF tells.
 */
int attach_pair(struct cli *cli, struct vmm_set *set, const char *mac);

#endif
