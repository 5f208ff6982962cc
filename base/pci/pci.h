/* SPDX-License-Identifier: GPL-2.0-or-later */
/* PCI addresses (BDF) and the attributes of a function that everyone needs. */
#ifndef IOV_BASE_PCI_PCI_H
#define IOV_BASE_PCI_PCI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/iov.h"
#include "base/sysroot/sysroot.h"

#ifdef __cplusplus
extern "C" {
#endif

/* "00000000:00:00.0" and its NUL: domains above 0xffff take eight digits. */
#define IOV_BDF_SIZE 17

/**
 * struct iov_bdf - address of a PCI function
 * @domain: segment, 0 to 0xffffffff (VMD uses more than 16 bits)
 * @bus: 0 to 255
 * @device: 0 to 31
 * @function: 0 to 7
 */
struct iov_bdf {
	uint32_t domain;
	uint8_t bus;
	uint8_t device;
	uint8_t function;
};

/**
 * struct iov_bdf_text - a formatted address, by value
 * @text: "0000:01:00.0"
 */
struct iov_bdf_text {
	char text[IOV_BDF_SIZE];
};

/**
 * iov_bdf_parse - read an address
 * @iov: context
 * @text: "0000:01:00.0", or "01:00.0" in domain 0
 * @bdf: receives the address
 *
 * Return: 0 or -EINVAL with a message.
 */
int iov_bdf_parse(struct iov *iov, const char *text, struct iov_bdf *bdf);

/**
 * iov_pci_namespace_at - where the number of a namespace begins in the name of one
 * @text: name of a function, "0000:01:00.0", with "/1" or "/n1" behind it or not
 *
 * Return: the slash, or the end of @text.
 */
const char *iov_pci_namespace_at(const char *text);

/**
 * iov_bdf_scan - read an address where other text is no error
 * @text: any
 * @bdf: receives the address
 *
 * Return: whether @text is an address, as iov_bdf_parse() takes it.
 */
bool iov_bdf_scan(const char *text, struct iov_bdf *bdf);

/**
 * iov_bdf_format - write an address as the kernel does
 * @bdf: address
 *
 * Return: the text by value.
 */
struct iov_bdf_text iov_bdf_format(struct iov_bdf bdf);

/* The text of an address for the length of the enclosing expression. */
#define IOV_BDF(bdf) (iov_bdf_format(bdf).text)

/**
 * iov_bdf_compare - order of two addresses
 * @a: address
 * @b: address
 *
 * Return: less than, equal to or greater than 0.
 */
int iov_bdf_compare(struct iov_bdf a, struct iov_bdf b);

/**
 * iov_bdf_add - the address a number of routing IDs further
 * @bdf: address, of a PF say
 * @offset: routing IDs to add (bus, device and function as one 16-bit number)
 *
 * Follows the SR-IOV rule for VF addresses, PCIe Base 6.0 section 9.2.1.2.
 *
 * Return: the address in the same domain.
 */
struct iov_bdf iov_bdf_add(struct iov_bdf bdf, unsigned int offset);

/**
 * iov_pci_path - path of an attribute of a function
 * @bdf: address
 * @attribute: "driver_override"; "" for the function's directory itself
 *
 * Return: "sys/bus/pci/devices/BDF/ATTRIBUTE" by value.
 */
struct iov_path iov_pci_path(struct iov_bdf bdf, const char *attribute);

/**
 * iov_pci_require - check that a function exists
 * @iov: context
 * @bdf: address
 *
 * Return: 0, or -ENODEV with a message that says how to list functions.
 */
int iov_pci_require(struct iov *iov, struct iov_bdf bdf);

/**
 * iov_pci_missing - say that a function does not exist
 * @iov: context
 * @bdf: function
 *
 * Return: -ENODEV with a message.
 */
int iov_pci_missing(struct iov *iov, struct iov_bdf bdf);

/**
 * iov_pci_number - read a numeric attribute of a function
 * @iov: context
 * @bdf: address
 * @attribute: its name
 * @number: receives the value
 *
 * Return: 0 or -errno; the message is not touched.
 */
int iov_pci_number(struct iov *iov, struct iov_bdf bdf, const char *attribute, int64_t *number);

/**
 * iov_pci_unlocked - whether attributes of a function can be read that take its lock
 * @iov: context
 * @bdf: function
 *
 * Who probes, removes or resets a function has its lock meanwhile: driver_override, sriov_numvfs
 * and sriov_vf_total_msix then keep their readers waiting, for ever where a driver hangs.
 *
 * Return: 0; -ETIMEDOUT with a message when they could not be read in time.
 */
int iov_pci_unlocked(struct iov *iov, struct iov_bdf bdf);

/**
 * iov_pci_override - the driver that alone may have a function
 * @iov: context
 * @bdf: function
 * @name: receives it, "" for none
 * @size: bytes at @name
 *
 * Return: 0; -ETIMEDOUT as iov_pci_unlocked(); -ENOENT where the kernel has no such attribute, or
 * -errno.
 */
int iov_pci_override(struct iov *iov, struct iov_bdf bdf, char *name, size_t size);

/**
 * iov_pci_driver - the driver that a function is bound to
 * @iov: context
 * @bdf: address
 * @name: receives the name, "" when there is none
 * @size: bytes at @name
 *
 * Return: 0 or -errno.
 */
int iov_pci_driver(struct iov *iov, struct iov_bdf bdf, char *name, size_t size);

/**
 * iov_pci_link - the function that a link attribute leads to
 * @iov: context
 * @bdf: address
 * @attribute: "physfn", "virtfn3"
 * @target: receives the address
 *
 * Return: 0, -ENOENT without that link, or -errno; the message is not touched.
 */
int iov_pci_link(struct iov *iov, struct iov_bdf bdf, const char *attribute,
		 struct iov_bdf *target);

/**
 * iov_pci_vf_count - how many VFs a PF has now
 * @iov: context
 * @bdf: address
 *
 * Counts the links virtfnN.  sriov_numvfs says the same, but makes its reader
 * wait as long as VFs are being made or removed, which may be forever.
 *
 * Return: the number up to the last VF that is there; 0 for what is no PF.
 */
unsigned int iov_pci_vf_count(struct iov *iov, struct iov_bdf bdf);

/**
 * iov_pci_vf_index - number of a VF among those of its PF
 * @iov: context
 * @pf: the PF
 * @vf: a VF of it
 * @index: receives the number, 0 for the first
 *
 * The inverse of PCIe Base 6.0 section 9.2.1.2: VF n is at PF + offset + n * stride.
 *
 * Return: 0 or -errno; the message is not touched.
 */
int iov_pci_vf_index(struct iov *iov, struct iov_bdf pf, struct iov_bdf vf, unsigned int *index);

/**
 * iov_pci_is_bridge - whether a function is a bridge to another PCI bus
 * @iov: context
 * @bdf: function
 */
bool iov_pci_is_bridge(struct iov *iov, struct iov_bdf bdf);

/**
 * iov_pci_list - all functions of the host, in order of address
 * @iov: context
 * @list: receives an array that the caller frees with free()
 * @count: receives its length
 *
 * Return: 0, -ENOMEM, or -errno with a message.
 */
int iov_pci_list(struct iov *iov, struct iov_bdf **list, size_t *count);

#ifdef __cplusplus
}
#endif

#endif
