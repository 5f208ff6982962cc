/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Configuration space of a PCI function, and the capabilities in it. */
#ifndef IOV_BASE_PCI_PCI_CONFIG_H
#define IOV_BASE_PCI_PCI_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/iov.h"
#include "base/pci/pci.h"

#ifdef __cplusplus
extern "C" {
#endif

#define IOV_CONFIG_SIZE 4096

/* Lengths worth reading: without capabilities, with them, and with extended ones. */
#define IOV_CONFIG_HEADER 64
#define IOV_CONFIG_CONVENTIONAL 256
#define IOV_CONFIG_EXTENDED IOV_CONFIG_SIZE

/* What fits into both spaces, as the smallest take 4 and 8 bytes. */
#define IOV_CAPABILITIES_MAX ((256 - 64) / 4 + (4096 - 256) / 8)

/**
 * struct iov_capability - a capability
 * @offset: where it begins
 * @id: its ID, in the number space of its kind
 * @extended: PCI Express extended capability
 */
struct iov_capability {
	uint16_t offset;
	uint16_t id;
	bool extended;
};

/**
 * struct iov_config - configuration space as read
 * @length: bytes that were read; 64 without privilege
 * @bytes: content
 * @count: length of @capabilities
 * @capabilities: in the order of their lists, conventional ones first; PCI Base 3.0
 *	section 6.7 and PCIe Base 6.0 section 7.9.1
 */
struct iov_config {
	size_t length;
	uint8_t bytes[IOV_CONFIG_SIZE];
	size_t count;
	struct iov_capability capabilities[IOV_CAPABILITIES_MAX];
};

/**
 * iov_pci_is_asleep - whether to read configuration space of a function wakes something
 * @iov: context
 * @bdf: function
 * @dir: its directory
 *
 * A read resumes a function in D3cold, and the port above from whatever it sleeps in
 * (pci_config_pm_runtime_get() of the kernel).  Its state in sysfs can be read without.
 */
bool iov_pci_is_asleep(struct iov *iov, struct iov_bdf bdf, int dir);

/**
 * iov_config_unanswered - why configuration space of a function cannot be read
 * @iov: context
 * @bdf: function; NULL: any
 *
 * The kernel lets nobody read it while the function, or one below it, is being reset.  A driver
 * that hangs there would keep every reader for ever, so a child asks first, about all functions at
 * once.
 *
 * Return: 0 when it can, as far as anybody tried; -ETIMEDOUT with a message.
 */
int iov_config_unanswered(struct iov *iov, const struct iov_bdf *bdf);

/**
 * iov_config_open - open configuration space of a function that is awake
 * @iov: context
 * @bdf: function
 * @dir: its directory
 *
 * Return: a descriptor; -EHOSTDOWN when the function sleeps; -ETIMEDOUT when the kernel does not
 * let it be read, see iov_config_unanswered(); or -errno.  The message is not touched.
 */
int iov_config_open(struct iov *iov, struct iov_bdf bdf, int dir);

/**
 * iov_config_read - read configuration space
 * @iov: context
 * @bdf: function
 * @config: receives the content, and the capabilities in it
 * @limit: bytes to read at most, one of the lengths above
 *
 * Return: 0; -EHOSTDOWN when the function sleeps and was left asleep; -ENXIO when it does
 * not answer, so that all bits read as ones; -ETIMEDOUT when the kernel does not, see
 * iov_config_unanswered(); or -errno.  The message is not touched.
 */
int iov_config_read(struct iov *iov, struct iov_bdf bdf, struct iov_config *config, size_t limit);

/**
 * iov_config_scan - find the capabilities in what was read
 * @config: configuration space that has its content; receives the capabilities
 *
 * Lists that loop or lead beyond what was read end there.
 *
 * Return: 0 or -ENOMEM.
 */
int iov_config_scan(struct iov_config *config);

/**
 * iov_config_u16 - a 16-bit register
 * @config: configuration space
 * @offset: where it is
 *
 * Return: its value; 0 beyond what was read.
 */
uint16_t iov_config_u16(const struct iov_config *config, size_t offset);

/**
 * iov_config_u32 - a 32-bit register
 * @config: configuration space
 * @offset: where it is
 *
 * Return: its value; 0 beyond what was read.
 */
uint32_t iov_config_u32(const struct iov_config *config, size_t offset);

/**
 * iov_config_find - find a capability
 * @config: configuration space
 * @id: capability ID
 * @extended: whether @id is that of an extended capability
 *
 * Return: its offset, 0 when it is absent or was not read.
 */
unsigned int iov_config_find(const struct iov_config *config, unsigned int id, bool extended);

/**
 * iov_config_seek - find a capability by reading no more than the way to it
 * @config: file descriptor of configuration space
 * @id: capability ID
 * @extended: whether @id is that of an extended capability
 * @header: receives its first register
 *
 * For one capability of many functions, as each register costs a transaction on the bus: libpci
 * would read the whole list, twice for each entry.
 *
 * Return: its offset, 0 when it is absent or may not be read.
 */
unsigned int iov_config_seek(int config, unsigned int id, bool extended, uint32_t *header);

#ifdef __cplusplus
}
#endif

#endif
