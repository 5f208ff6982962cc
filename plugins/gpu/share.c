// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * In which ways guests can have a GPU, or share it: by what its driver gives, and under the names that
 * people know.
 *
 *	passthrough	one guest has all of it; Intel calls that GVT-d
 *	sr-iov		VFs
 *	vgpu		VFs that the driver of the vendor gives
 *	mdev		mediated devices; of Intel GVT-g
 *	api-forwarding	no device: calls of a guest's applications are made by the VMM (GVT-s, VirGL, Venus)
 */
#include <linux/pci_regs.h>
#include <string.h>

#include "base/json.h"
#include "base/pci/pci_config.h"
#include "base/pci/topology.h"
#include "base/sysroot/paths.h"
#include "plugins/gpu/gpu.h"

#define VENDOR_INTEL 0x8086
#define BASE_CLASS_DISPLAY 0x03
/* ASL Storage: where firmware left the OpRegion of the GPU (OpRegion specification, section 2.2.2.1). */
#define ASL_STORAGE 0xfc

/*
 * vfio-pci has the OpRegion and the bridges that a guest's driver asks for where the register tells of
 * one (vfio_pci_igd_init()).  One that sleeps, or whom we may not read, is taken for what it looks like.
 */
bool gpu_is_integrated(struct iov *iov, struct iov_bdf bdf)
{
	struct iov_bdf above[IOV_ANCESTORS_MAX];
	struct iov_config config;
	int64_t vendor, code;

	if (iov_pci_number(iov, bdf, "vendor", &vendor) || vendor != VENDOR_INTEL ||
	    iov_pci_number(iov, bdf, "class", &code) || code >> 16 != BASE_CLASS_DISPLAY ||
	    iov_sys_exists(iov, iov_pci_path(bdf, "physfn").name) ||
	    iov_pci_ancestors(iov, bdf, above))
		return false;
	if (iov_config_read(iov, bdf, &config, IOV_CONFIG_CONVENTIONAL) || config.length < ASL_STORAGE + 4)
		return true;
	return iov_config_u16(&config, ASL_STORAGE) || iov_config_u16(&config, ASL_STORAGE + 2);
}

static void add_way(struct json_object *ways, const char *way, const char *name, const char *how)
{
	struct json_object *object = json_object_new_object();

	json_add_text(object, "way", way);
	json_add_text(object, "name", name);
	json_add_text(object, "how", how);
	json_object_array_add(ways, object);
}

static void add_vfs(struct json_object *ways, struct iov *iov, struct iov_bdf bdf, const char *driver)
{
	const char *profiles = profile_of(iov, bdf);
	struct iov_bdf vf;

	if (!strcmp(driver, GIM_DRIVER))
		add_way(ways, "sr-iov", "AMD MxGPU", "gim makes the VFs when it is loaded, amd-smi partitions the GPU; "
			"'iov bind' gives VFs to guests");
	else if (!strcmp(driver, NVIDIA_DRIVER))
		add_way(ways, "vgpu", "NVIDIA vGPU", "'iov vf create', then 'iov vf set --vgpu-type'");
	else if (profiles)
		add_way(ways, "sr-iov", strcmp(profiles, "xe") ? "Intel SR-IOV (i915)" : "Intel SR-IOV (xe)",
			"'iov vf create', with --attribute vram_quota=SIZE where it has memory of its own");
	else if (!iov_pci_link(iov, bdf, "virtfn0", &vf))
		add_way(ways, "sr-iov", "SR-IOV", "'iov vf create'");
}

struct json_object *gpu_ways(struct iov *iov, struct iov_bdf bdf)
{
	struct json_object *ways = json_object_new_array();
	char driver[GPU_DRIVER_SIZE] = "";

	iov_pci_driver(iov, bdf, driver, sizeof(driver));
	if (vgpu_is_one(iov, bdf)) {
		add_way(ways, "vgpu", "NVIDIA vGPU", "'iov attach', when it has a type");
		return ways;
	}
	if (gpu_is_integrated(iov, bdf))
		add_way(ways, "passthrough", "GVT-d", "'iov bind --slot', then 'iov attach', which gives its OpRegion");
	else
		add_way(ways, "passthrough", "GPU passthrough", "'iov bind --slot', then 'iov attach'");
	if (iov_sys_exists(iov, iov_pci_path(bdf, "sriov_totalvfs").name))
		add_vfs(ways, iov, bdf, driver);
	if (iov_sys_exists(iov, iov_pci_path(bdf, "mdev_supported_types").name))
		add_way(ways, "mdev", strcmp(driver, "i915") ? "mediated devices" : "GVT-g",
			"'iov mdev types', 'iov mdev create'");
	add_way(ways, "api-forwarding", "GVT-s, VirGL, Venus", "no device is given: the VMM's virtio-gpu makes the "
		"guest's calls on a render node of the host");
	return ways;
}
