// SPDX-License-Identifier: GPL-2.0-or-later
/* The devices of a snapshot: those that somebody gave VFs, another driver or other values. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/pci/bar.h"
#include "base/pci/function.h"
#include "base/pci/kind.h"
#include "base/plan/module.h"
#include "base/size.h"
#include "base/sysroot/paths.h"
#include "base/sysroot/sysroot.h"
#include "host/file/schema.h"
#include "host/file/nic.h"
#include "host/file/snapshot.h"
#include "host/file/steer.h"
#include "iommu/group.h"
#include "plugins/net/eswitch.h"
#include "plugins/net/mtu.h"
#include "plugins/system/irq.h"
#include "sriov/vf.h"

#define USUAL_MTU 1500
#define DRIVER_SIZE 64
#define CLASS_VGA 0x0300

char *snapshot_driver(struct iov *iov, struct iov_bdf bdf)
{
	char driver[DRIVER_SIZE] = "", override[DRIVER_SIZE] = "";

	iov_pci_driver(iov, bdf, driver, sizeof(driver));
	iov_pci_override(iov, bdf, override, sizeof(override));
	if (!*driver)
		return strdup("none");
	return strdup(!strcmp(driver, override) || !strcmp(driver, "vfio-pci") ? driver : "native");
}

/* A module that is there because of what was written down. */
static int add_module(struct snapshot *snapshot, const char *name)
{
	struct iov_host *host = snapshot->host;
	char **entry;

	for (unsigned int i = 0; i < host->module_count; i++) {
		if (!strcmp(host->modules[i], name))
			return 0;
	}
	entry = snapshot_append(&host->modules, &host->module_count, sizeof(*entry));
	if (entry)
		*entry = strdup(name);
	return entry && *entry ? 0 : -ENOMEM;
}

/* Of a driver that is built in there is none. */
static int add_module_of(struct snapshot *snapshot, struct iov_bdf bdf)
{
	char driver[DRIVER_SIZE] = "", module[DRIVER_SIZE];

	if (iov_pci_driver(snapshot->iov, bdf, driver, sizeof(driver)) || !*driver ||
	    iov_sys_link_name(snapshot->iov,
			      iov_path(IOV_PATH_PCI_DRIVERS "/%s/module", driver).name, module,
			      sizeof(module)) || !iov_module_is_loaded(snapshot->iov, module))
		return 0;
	return add_module(snapshot, module);
}

static int add_modules_of_vfs(struct snapshot *snapshot, struct iov_bdf bdf, unsigned int count)
{
	int error = 0;

	for (unsigned int i = 0; !error && i < count; i++) {
		struct iov_bdf vf;

		if (!iov_pci_link(snapshot->iov, bdf, iov_path("virtfn%u", i).name, &vf))
			error = add_module_of(snapshot, vf);
	}
	return error;
}

/* Whether interrupts go where @policy puts them. */
static bool has_policy(struct iov *iov, struct iov_bdf bdf, struct json_object *now,
		       const char *policy)
{
	_cleanup_json_ struct json_object *cpus = NULL;

	return !iov_irq_cpus(iov, bdf, policy, &cpus) && iov_irq_match(now, cpus);
}

/*
 * The policy that explains where interrupts go; NULL where none does, or it is the kernel's:
 * CPUs of the device's node, or all where that is not known.
 */
static char *irq_policy(struct iov *iov, struct iov_bdf bdf)
{
	_cleanup_json_ struct json_object *now = iov_irq_read(iov, bdf);
	const char *first = json_object_get_string(json_object_array_get_idx(now, 0));
	char online[1024];

	if (!first || iov_sys_read(iov, IOV_PATH_CPUS "/online", online, sizeof(online)) ||
	    has_policy(iov, bdf, now, online) || has_policy(iov, bdf, now, "local"))
		return NULL;
	if (has_policy(iov, bdf, now, "spread"))
		return strdup("spread");
	return has_policy(iov, bdf, now, first) ? strdup(first) : NULL;
}

/* How a display is given: sizes of BARs last until the host boots, and legacy VGA is left to others or not. */
static int fill_whole(struct iov *iov, struct iov_bdf bdf, struct iov_host_device *device)
{
	struct iov_bar bars[IOV_BARS + 1];
	char size[IOV_SIZE_TEXT], value[8];
	int64_t code;

	if (!device->driver || strcmp(device->driver, IOV_DRIVER_VFIO) || iov_bars_read(iov, bdf, bars))
		return 0;
	for (unsigned int i = 0; i < IOV_BARS; i++) {
		char **entry = NULL;

		if (!bars[i].sizes || !bars[i].size)
			continue;
		size_text(bars[i].size, size);
		entry = snapshot_append(&device->bars, &device->bar_count, sizeof(*entry));
		if (!entry)
			return -ENOMEM;
		*entry = strdup(iov_path("%u=%s", i, size).name);
		if (!*entry)
			return -ENOMEM;
	}
	if (iov_pci_number(iov, bdf, "class", &code) || code >> 8 != CLASS_VGA ||
	    iov_sys_read(iov, IOV_PATH_MODULES "/vfio_pci/parameters/disable_vga", value, sizeof(value)) ||
	    *value != 'Y')
		return 0;
	device->disable_vga = malloc(sizeof(*device->disable_vga));
	if (!device->disable_vga)
		return -ENOMEM;
	*device->disable_vga = true;
	return 0;
}

static int fill_device(struct iov *iov, struct iov_bdf bdf, unsigned int vfs,
		       struct iov_host_device *device)
{
	_cleanup_free_ char *driver = snapshot_driver(iov, bdf);
	const char *mode;
	unsigned int mtu;
	int error;

	if (!driver)
		return -ENOMEM;
	if (strcmp(driver, "native") && strcmp(driver, "none")) {
		device->driver = driver;
		driver = NULL;
	}
	if (!iov_mtu_read(iov, bdf, -1, &mtu) && mtu != USUAL_MTU)
		device->mtu = snapshot_number(mtu);
	if (!iov_eswitch_read(iov, bdf, &mode) && strcmp(mode, "legacy"))
		device->eswitch = strdup(mode);
	device->irq = irq_policy(iov, bdf);
	error = fill_whole(iov, bdf, device);
	if (!error)
		error = snapshot_steer(iov, bdf, device);
	if (!error)
		error = snapshot_nic(iov, bdf, device);
	if (error)
		return error;
	return vfs ? snapshot_vfs(iov, bdf, &device->vfs) : 0;
}

/* A line for people: which card this is. */
static void add_note(struct snapshot *snapshot, struct iov_ids *ids, struct iov_bdf bdf,
		     const char *identity)
{
	_cleanup_json_ struct json_object *summary = iov_function_summary(snapshot->iov, ids, bdf);
	const char *name = json_text_or_null(summary, "name");

	fprintf(snapshot->notes, "# %s is %s%s%s\n", identity, IOV_BDF(bdf), name ? ", " : "",
		name ? name : "");
}

static bool is_untouched(const struct iov_host_device *device)
{
	return !device->driver && !device->mtu && !device->eswitch && !device->irq && !device->vfs &&
	       !device->steer && !device->rates && !device->sfs;
}

/* An empty list would be written as one. */
static void drop_last(struct iov_host *host)
{
	if (--host->device_count)
		return;
	free(host->devices);
	host->devices = NULL;
}

static int add_device(struct snapshot *snapshot, struct iov_ids *ids,
		      const struct iov_identity_entry *entry)
{
	struct iov_host *host = snapshot->host;
	struct iov_host_device *device;
	char identity[IOV_IDENTITY_SIZE];
	int error;

	device = snapshot_append(&host->devices, &host->device_count, sizeof(*device));
	if (!device)
		return -ENOMEM;
	error = fill_device(snapshot->iov, entry->bdf, entry->vfs, device);
	if (error)
		return error;
	if (is_untouched(device)) {
		drop_last(host);
		return 0;
	}
	error = snapshot_params(snapshot->iov, entry->bdf, device);
	if (error)
		return error;
	error = iov_identity_best(snapshot->index, entry->bdf, identity, sizeof(identity));
	if (error)
		return error;
	device->device = strdup(identity);
	add_note(snapshot, ids, entry->bdf, identity);
	error = device->device ? add_module_of(snapshot, entry->bdf) : -ENOMEM;
	return error ? error : add_modules_of_vfs(snapshot, entry->bdf, entry->vfs);
}

int snapshot_devices(struct snapshot *snapshot)
{
	const struct iov_identity_entry *entry;
	struct iov_ids *ids;
	int error = iov_ids_open(&ids);

	if (error)
		return error;
	for (size_t i = 0; !error && (entry = iov_identity_entry(snapshot->index, i)); i++) {
		if (!entry->is_vf && iov_pci_kind(snapshot->iov, entry->bdf) == IOV_PCI_ENDPOINT)
			error = add_device(snapshot, ids, entry);
	}
	iov_ids_close(ids);
	return error;
}
