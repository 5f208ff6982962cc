/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names of devices, and which of them outlive a reboot and a card in another slot.
 *
 *	0000:01:00.0		address (BDF); changes when a card is added
 *	enp1s0			network interface of its own, by any of its names, while a driver
 *				has the function; not that of a device behind it
 *	serial=SERIAL		Device Serial Number capability as lspci prints it, or
 *				the serial number of an NVMe controller
 *				A number that its maker gives to all is none
 *	mac=52:54:00:00:00:01	permanent MAC address, whatever the interface has now; of
 *				IP over InfiniBand the GUID of the port, 8 octets
 *	slot=1			physical slot of the chassis (sys/bus/pci/slots): what is
 *				plugged in there, or behind a switch that is; not where
 *				firmware gave several slots one number
 *	path=0000:00:02.0/00.0	the way from the root port, without the bus numbers
 *	NAME/vf3		VF 3 of the PF that any of these names
 *	NAME/vf0-3,8		VFs 0 to 3 and 8 of that PF; NAME/all: all that exist
 *
 * All but address and interface are identities: fit for files.  "serial" and "mac"
 * go with the card, "slot" and "path" stay where they are.  Every function but a
 * VF has a path; the others are there or not.
 *
 * Functions of one card share its serial number and its slot.  A trailing function
 * number, ".1", tells them apart; it is the card's own and goes with it.  Without
 * one a name that several functions answer to is refused.  VFs and bridges do not
 * answer to serial, mac or slot, so a PF does not become ambiguous with its VFs.
 *
 * A MAC address and the serial number of an NVMe controller are told by the native
 * driver alone.  Before a plan changes the host they are noted in
 * var/lib/iovkit/identities, and looked up there while the function has another
 * driver: in the same boot and of a function that was not removed meanwhile, so
 * that a name never means another card of the same kind.  Early at boot, before a
 * native driver was there, only the other names are known.  The same is true of the
 * serial number of a function that sleeps, as to read it would wake the function.
 */
#ifndef IOV_BASE_PCI_IDENTITY_H
#define IOV_BASE_PCI_IDENTITY_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/iov.h"
#include "base/pci/pci.h"

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
 * Return: 0; -EINVAL for text that is no name, or that several functions answer to,
 * or a VF that its PF does not have; -EOPNOTSUPP for a VF of a function without
 * SR-IOV; -ENODEV when no function answers to it.  Each with a message that names
 * @text and what there is.
 */
int iov_device_parse(struct iov *iov, const char *text, struct iov_bdf *bdf);

/**
 * iov_device_is_range - whether a text names VFs by a range
 * @text: any
 *
 * Return: true for "eth0/vf0-3", "eth0/vf0,2" and "eth0/all"; false for what names one
 * function.
 */
bool iov_device_is_range(const char *text);

/**
 * iov_devices_parse - find the functions that a name or a range of VFs tells
 * @iov: context
 * @text: any name, or a range, as above
 * @bdfs: receives an array in order of the VFs' numbers, each once; the caller frees it.
 *	VFs that do not exist yet have an address as well
 * @count: receives its length, not 0
 *
 * Return: as iov_device_parse(), and -ENODEV for all VFs of a PF without any.
 */
int iov_devices_parse(struct iov *iov, const char *text, struct iov_bdf **bdfs, size_t *count);

/**
 * iov_identity_is - whether a text has the form of an identity
 * @text: any
 *
 * Return: true for "serial=", "mac=", "slot=" and "path=" with what follows, and for
 * a VF ("eth0/vf1"); false for a plain address or interface.
 */
bool iov_identity_is(const char *text);

/**
 * iov_device_identity - the name of a function that a file should store
 * @iov: context
 * @bdf: function
 * @text: receives it: the first of serial, MAC, slot and path that no other function
 *	answers to, for a VF that of its PF and "/vfN"
 * @size: bytes at @text, IOV_IDENTITY_SIZE is enough
 *
 * Reads the names of all functions; for many, open an index.
 *
 * Return: 0 or -errno with a message, -ENODEV without that function.
 */
int iov_device_identity(struct iov *iov, struct iov_bdf bdf, char *text, size_t size);

/**
 * iov_device_identities - all identities that name a function and no other
 * @iov: context
 * @bdf: function
 * @names: receives an array of strings, the one of iov_device_identity() first; the
 *	caller puts it
 *
 * Return: 0 or -errno with a message, -ENODEV without that function.
 */
int iov_device_identities(struct iov *iov, struct iov_bdf bdf, struct json_object **names);

/**
 * iov_device_matches - whether a name is that of a function
 * @iov: context
 * @bdf: a function, which may have appeared just now
 * @text: any name
 *
 * Reads no more than that function as long as the name is another's, so it can be
 * asked for each of many that appear.  Works before a driver has the function, except
 * for what only a driver tells.
 *
 * Return: true when iov_device_parse() of @text gives @bdf; false also when @text names
 * nothing, or several.
 */
bool iov_device_matches(struct iov *iov, struct iov_bdf bdf, const char *text);

/**
 * struct iov_identity_index - the names of all functions, read once
 */
struct iov_identity_index;

/**
 * iov_identity_index_open - read the names of all functions
 * @out: receives the index; the caller closes it with iov_identity_index_close()
 * @iov: context that outlives it
 *
 * Return: 0 or -errno with a message.
 */
int iov_identity_index_open(struct iov_identity_index **out, struct iov *iov);

/**
 * iov_identity_index_close - free an index
 * @index: NULL is allowed
 */
void iov_identity_index_close(struct iov_identity_index *index);

/**
 * iov_identity_find - as iov_device_parse(), of an index
 */
int iov_identity_find(const struct iov_identity_index *index, const char *text,
		      struct iov_bdf *bdf);

/**
 * iov_identity_best - as iov_device_identity(), of an index
 */
int iov_identity_best(const struct iov_identity_index *index, struct iov_bdf bdf, char *text,
		      size_t size);

/**
 * iov_identity_all - as iov_device_identities(), of an index
 */
int iov_identity_all(const struct iov_identity_index *index, struct iov_bdf bdf,
		     struct json_object **names);

/**
 * struct iov_identity_entry - what an index knows of a function beside its names
 * @bdf: the function
 * @is_vf: whether it is a VF
 * @pf: of a VF, its PF
 * @vf_index: of a VF, its number
 * @vfs: of a PF, how many VFs there are
 */
struct iov_identity_entry {
	struct iov_bdf bdf;
	bool is_vf;
	struct iov_bdf pf;
	unsigned int vf_index;
	unsigned int vfs;
};

/**
 * iov_identity_entry - a function of an index
 * @index: index
 * @number: from 0 on, in order of address
 *
 * Return: valid as long as @index; NULL past the last.
 */
const struct iov_identity_entry *iov_identity_entry(const struct iov_identity_index *index,
						    size_t number);

/**
 * iov_identity_remember - note the names that native drivers tell now
 * @iov: context
 *
 * For whoever is about to take functions from their drivers and holds the lock of the
 * state directory.  Writes nothing when all is noted already.  What cannot be noted is
 * logged: a name that is missing later is an error then, and never another function.
 */
void iov_identity_remember(struct iov *iov);

#ifdef __cplusplus
}
#endif

#endif
