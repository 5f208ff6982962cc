// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The lists of capabilities, by libpci.
 *
 * libpci opens paths by itself, which are none in a recorded tree: it would follow absolute
 * links out of it, and needs /proc to be led into it.  So it is handed the configuration
 * space that the sysroot read, as what it has cached, and a path that leads nowhere.  What it
 * asks for beyond is then absent, 0xff, and ends a list; so does an entry that it has seen.
 *
 * Its error callback must not return, and that of the library exits.  Ours jumps out, to the
 * same thread's scan().  Only pci_alloc() is called before there is a callback.
 */
#include <errno.h>
#include <pci/pci.h>
#include <setjmp.h>

#include "base/pci/pci_config.h"

#define NOWHERE "/dev/null"

static _Thread_local jmp_buf failed;

static void __attribute__((noreturn)) give_up(char *format, ...)
{
	(void)format;
	longjmp(failed, 1);
}

/* That a read led nowhere. */
static void ignore(char *format, ...)
{
	(void)format;
}

/* A pointer into the header, or from one space into the other, is none. */
static void add(struct iov_config *config, const struct pci_cap *found)
{
	bool extended = found->type == PCI_CAP_EXTENDED;

	if (found->addr < (extended ? IOV_CONFIG_CONVENTIONAL : IOV_CONFIG_HEADER) ||
	    config->count == IOV_CAPABILITIES_MAX)
		return;
	config->capabilities[config->count++] = (struct iov_capability){
		.offset = (uint16_t)found->addr,
		.id = found->id,
		.extended = extended,
	};
}

static void scan(struct iov_config *config, struct pci_dev *device)
{
	int lists = PCI_FILL_CAPS;

	if (config->length > IOV_CONFIG_CONVENTIONAL)
		lists |= PCI_FILL_EXT_CAPS;
	pci_setup_cache(device, config->bytes, (int)config->length);
	pci_fill_info(device, lists);
	for (const struct pci_cap *found = device->first_cap; found; found = found->next)
		add(config, found);
}

int iov_config_scan(struct iov_config *config)
{
	struct pci_access *access = pci_alloc();
	struct pci_dev *volatile device = NULL;
	int error = 0;

	access->method = PCI_ACCESS_SYS_BUS_PCI;
	access->error = give_up;
	access->warning = ignore;
	config->count = 0;
	if (!setjmp(failed)) {
		pci_set_param(access, "sysfs.path", NOWHERE);
		pci_init(access);
		device = pci_get_dev(access, 0, 0, 0, 0);
		scan(config, device);
	} else {
		error = -ENOMEM;
	}
	if (device)
		pci_free_dev(device);
	pci_cleanup(access);
	return error;
}
