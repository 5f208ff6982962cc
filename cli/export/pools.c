// SPDX-License-Identifier: GPL-2.0-or-later
/* From a host file, and the host that it was applied to, to pools. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/pci/identity.h"
#include "base/pci/interface.h"
#include "base/sysroot/sysroot.h"
#include "cli/export/export.h"
#include "iommu/group.h"

#define CLASS_NETWORK 0x02

/* Where a device of the file is. */
struct place {
	const struct iov_host_file *file;
	const struct iov_host_device *said;
	unsigned int number;
	struct iov_bdf bdf;
};

/* What the file calls it, its interface or its address, with nothing that a name cannot have. */
static void base_name(struct iov *iov, const struct place *place, char *name, size_t size)
{
	char interface[IOV_INTERFACE_SIZE];

	if (place->said->name)
		snprintf(name, size, "%s", place->said->name);
	else if (!iov_interface_of(iov, place->bdf, -1, interface))
		snprintf(name, size, "%s", interface);
	else
		snprintf(name, size, "pci_%s", IOV_BDF(place->bdf));
	for (char *c = name; *c; c++) {
		if (!isalnum((unsigned char)*c))
			*c = '_';
	}
}

static unsigned int read_id(struct iov *iov, struct iov_bdf bdf, const char *attribute)
{
	int64_t number;

	return iov_pci_number(iov, bdf, attribute, &number) ? 0 : (unsigned int)number;
}

static bool has_name(const struct export_set *set, const char *name)
{
	for (size_t i = 0; i < set->count; i++) {
		if (!strcmp(set->pools[i].name, name))
			return true;
	}
	return false;
}

/* "uplink_vfs", and "uplink_vfs_vfio_pci" for the others of them. */
static void name_pool(const struct export_set *set, struct export_pool *pool, const char *base)
{
	struct iov_path name = iov_path("%.40s%s", base, pool->vfs ? "_vfs" : "");

	if (has_name(set, name.name))
		name = iov_path("%.40s%s_%.31s", base, pool->vfs ? "_vfs" : "",
				pool->driver[0] ? pool->driver : "none");
	for (char *c = name.name; (c = strpbrk(c, "-"));)
		*c = '_';
	snprintf(pool->name, sizeof(pool->name), "%.80s", name.name);
	for (unsigned int i = 2; has_name(set, pool->name); i++)
		snprintf(pool->name, sizeof(pool->name), "%.80s_%u", name.name, i);
}

static int new_pool(struct export_set *set, const struct place *place, struct iov_bdf first, bool vfs,
		    const char *driver, struct export_pool **made)
{
	struct export_pool *pools = array_grow(set->pools, set->count, sizeof(*pools)), pool = {
		.vfs = vfs,
		.pf = place->bdf,
		.is_pf = !vfs && iov_sys_exists(set->iov, iov_pci_path(place->bdf, "sriov_totalvfs").name),
		.vendor = read_id(set->iov, first, "vendor"),
		.device = read_id(set->iov, first, "device"),
		.class = read_id(set->iov, first, "class") >> 8,
	};
	char base[128];

	if (!pools)
		return -ENOMEM;
	set->pools = pools;
	snprintf(pool.driver, sizeof(pool.driver), "%s", driver);
	base_name(set->iov, place, base, sizeof(base));
	name_pool(set, &pool, base);
	if (pool.class >> 8 == CLASS_NETWORK)
		pool.network = place->said->name;
	*made = &pools[set->count];
	pools[set->count++] = pool;
	return 0;
}

/* The pool of a PF's VFs with a driver. */
static int find_pool(struct export_set *set, const struct place *place, struct iov_bdf vf,
		     const char *driver, struct export_pool **found)
{
	for (size_t i = 0; i < set->count; i++) {
		struct export_pool *pool = &set->pools[i];

		if (pool->vfs && !iov_bdf_compare(pool->pf, place->bdf) && !strcmp(pool->driver, driver)) {
			*found = pool;
			return 0;
		}
	}
	return new_pool(set, place, vf, true, driver, found);
}

static int add_function(struct export_pool *pool, struct iov_bdf bdf, int index)
{
	struct export_function *functions = array_grow(pool->functions, pool->count, sizeof(*functions));

	if (!functions)
		return -ENOMEM;
	pool->functions = functions;
	functions[pool->count++] = (struct export_function){ bdf, index };
	return 0;
}

static int fail_at(const struct place *place, int error)
{
	return iov_host_repeat(place->file, error, iov_path("devices[%u]", place->number).name);
}

static int add_vf(struct export_set *set, const struct place *place, unsigned int index)
{
	char driver[IOV_DRIVER_SIZE];
	struct export_pool *pool;
	struct iov_bdf vf;
	int error;

	if (iov_pci_link(set->iov, place->bdf, iov_path("virtfn%u", index).name, &vf))
		return iov_host_fail(place->file, -ENODEV, iov_path("devices[%u].vfs", place->number).name,
				     "VF %u of %s is not there yet; 'iov apply' makes it", index,
				     IOV_BDF(place->bdf));
	if (iov_pci_driver(set->iov, vf, driver, sizeof(driver)))
		driver[0] = '\0';
	error = find_pool(set, place, vf, driver, &pool);
	return error ? error : add_function(pool, vf, (int)index);
}

static int add_whole(struct export_set *set, const struct place *place, const char *driver)
{
	struct export_pool *pool;
	int error = new_pool(set, place, place->bdf, false, driver, &pool);

	return error ? error : add_function(pool, place->bdf, -1);
}

/* All VFs that the file counts, or a function that it gives to VFIO. */
static int add_device(struct export_set *set, const struct place *place)
{
	const struct iov_host_device *said = place->said;
	int error = 0;

	for (unsigned int i = 0; said->vfs && !error && i < said->vfs->count; i++)
		error = add_vf(set, place, i);
	if (!error && said->driver && iov_driver_is_vfio(said->driver))
		error = add_whole(set, place, said->driver);
	return error;
}

/* A device that may be absent, and is, is in no pool. */
static int find_device(struct export_set *set, struct place *place, bool *there)
{
	int error = iov_device_parse(set->iov, place->said->device, &place->bdf);

	if (!error)
		error = iov_pci_require(set->iov, place->bdf);
	*there = !error;
	if (error == -ENODEV && place->said->absent == IOV_HOST_ABSENT_SKIP)
		return 0;
	return error ? fail_at(place, error) : 0;
}

int export_collect(struct export_set *set, const struct iov_host_file *file)
{
	const struct iov_host *host = iov_host_of(file);
	int error = 0;

	set->left_out = json_object_new_array();
	for (unsigned int i = 0; !error && i < host->device_count; i++) {
		struct place place = { .file = file, .said = &host->devices[i], .number = i };
		bool there;

		error = find_device(set, &place, &there);
		if (!error && there)
			error = add_device(set, &place);
	}
	return error;
}

void export_free(struct export_set *set)
{
	for (size_t i = 0; i < set->count; i++)
		free(set->pools[i].functions);
	free(set->pools);
	json_object_put(set->left_out);
}
