// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/pci_ids.h"

#include <errno.h>
#include <pci/pci.h>
#include <stdio.h>

/* libpci is used for its names only: no access method is initialized. */
struct iov_ids {
	struct pci_access access;
};

static void ignore(char *message, ...)
{
	(void)message;
}

int iov_ids_open(struct iov_ids **out)
{
	struct pci_access *access = pci_alloc();

	if (!access)
		return -ENOMEM;
	access->warning = ignore;
	access->debug = ignore;
	*out = (struct iov_ids *)access;
	return 0;
}

void iov_ids_close(struct iov_ids *ids)
{
	if (ids)
		pci_cleanup(&ids->access);
}

/* libpci leaves the buffer alone when it has nothing to say. */
static void keep(const char *found, char *name, size_t size)
{
	if (!found)
		snprintf(name, size, "?");
	else if (found != name)
		snprintf(name, size, "%s", found);
}

void iov_ids_device(struct iov_ids *ids, unsigned int vendor, unsigned int device, char *name,
		    size_t size)
{
	keep(pci_lookup_name(&ids->access, name, (int)size, PCI_LOOKUP_VENDOR | PCI_LOOKUP_DEVICE,
			     vendor, device), name, size);
}

void iov_ids_subsystem(struct iov_ids *ids, unsigned int vendor, unsigned int device,
		       unsigned int subvendor, unsigned int subdevice, char *name, size_t size)
{
	keep(pci_lookup_name(&ids->access, name, (int)size,
			     PCI_LOOKUP_SUBSYSTEM | PCI_LOOKUP_VENDOR | PCI_LOOKUP_DEVICE, vendor,
			     device, subvendor, subdevice), name, size);
}

void iov_ids_class(struct iov_ids *ids, unsigned int class_code, char *name, size_t size)
{
	keep(pci_lookup_name(&ids->access, name, (int)size, PCI_LOOKUP_CLASS, class_code), name,
	     size);
}
