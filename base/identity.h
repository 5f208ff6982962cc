/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names of devices that outlive a reboot and a card in another slot.
 *
 *	0000:01:00.0		address (BDF); renumbered when a card is added
 *	enp1s0			network interface
 *	serial=SERIAL		Device Serial Number capability, or that of an NVMe controller
 *	mac=52:54:00:00:00:01	permanent MAC address, for functions with a network driver
 *	slot=1			physical slot of the chassis; slot=1.2 is function 2 in it
 *	NAME/vf3		VF 3 of the PF that any of these names
 *
 * The functions of a card that share its serial number are told apart by a
 * trailing function number as with slots: serial=a0-36-9f-ff-ff-00-00-01.1.
 */
#ifndef IOV_BASE_IDENTITY_H
#define IOV_BASE_IDENTITY_H

#include "base/iov.h"
#include "base/pci.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Longest identity with its NUL. */
#define IOV_IDENTITY_SIZE 128

/**
 * iov_device_parse - find a function by any of its names
 * @iov: context
 * @text: address, network interface or identity, as above
 * @bdf: receives the address.  A VF that does not exist yet has an address as soon
 *	as its PF is there; whether a function is at an address is for
 *	iov_pci_require() to say
 *
 * Return: 0; -EINVAL for text that is no name, or that several functions
 * answer to; -ENODEV when no function answers to it.  Each with a message that
 * names @text and what there is.
 */
int iov_device_parse(struct iov *iov, const char *text, struct iov_bdf *bdf);

#ifdef __cplusplus
}
#endif

#endif
