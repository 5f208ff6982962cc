// SPDX-License-Identifier: GPL-2.0-or-later
/* What there is to say of a GPU, and how QEMU takes one. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/pci/bar.h"
#include "base/pci/topology.h"
#include "base/size.h"
#include "base/sysroot/paths.h"
#include "plugins/gpu/gpu.h"

#define MEBIBYTE_SHIFT 20

/* "256M", "8G" */
static struct json_object *size_json(uint64_t bytes)
{
	char text[IOV_SIZE_TEXT];

	size_text(bytes, text);
	return json_object_new_string(text);
}

/* {"bar": 1, "size": "256M", "sizes": ["256M", "16G"]} for each that can be made larger or smaller. */
static struct json_object *resizable(const struct iov_bar *bars)
{
	struct json_object *list = json_object_new_array();

	for (int i = 0; i < IOV_BARS; i++) {
		struct json_object *bar, *sizes;

		if (!bars[i].sizes)
			continue;
		bar = json_object_new_object();
		sizes = json_object_new_array();
		for (unsigned int bit = 0; bit < 64 - MEBIBYTE_SHIFT; bit++) {
			if (bars[i].sizes >> bit & 1)
				json_object_array_add(sizes, size_json(1ull << (bit + MEBIBYTE_SHIFT)));
		}
		json_object_object_add(bar, "bar", json_object_new_int(i));
		json_object_object_add(bar, "size", size_json(bars[i].size));
		json_object_object_add(bar, "sizes", sizes);
		json_object_array_add(list, bar);
	}
	return list;
}

/*
 * "shadowed": a copy in memory that the firmware has run and changed; "own": in the device; "none": it
 * has none, or firmware gave it no room.
 */
static const char *rom_state(const struct iov_bar *rom)
{
	if (rom->flags & IOV_BAR_SHADOW)
		return "shadowed";
	return rom->size ? "own" : "none";
}

/* What goes along with it to a guest: audio, USB, UCSI. */
static struct json_object *others_of_slot(struct iov *iov, struct iov_bdf bdf)
{
	struct json_object *others = json_object_new_array();
	_cleanup_free_ struct iov_bdf *list = NULL;
	size_t count;

	if (iov_pci_slot(iov, bdf, &list, &count))
		return others;
	for (size_t i = 0; i < count; i++) {
		if (iov_bdf_compare(list[i], bdf))
			json_object_array_add(others, json_object_new_string(IOV_BDF(list[i])));
	}
	return others;
}

static void describe_types(struct iov *iov, struct iov_bdf bdf, struct json_object *object)
{
	struct iov_bdf vf;
	unsigned int type;

	if (!vgpu_type(iov, bdf, &type)) {
		json_object_object_add(object, "vgpu_type", json_object_new_int64(type));
		json_object_object_add(object, "vgpu_types", vgpu_types(iov, bdf));
	} else if (!iov_pci_link(iov, bdf, "virtfn0", &vf) && vgpu_is_one(iov, vf)) {
		json_object_object_add(object, "vgpu_types", vgpu_types(iov, vf));
	}
}

int gpu_describe(struct iov *iov, struct iov_bdf bdf, struct json_object *object)
{
	struct iov_bar bars[IOV_BARS + 1];
	int64_t boot;

	if (iov_pci_number(iov, bdf, "boot_vga", &boot))
		boot = 0;
	json_object_object_add(object, "boot_vga", json_object_new_boolean(boot));
	json_object_object_add(object, "ways", gpu_ways(iov, bdf));
	json_object_object_add(object, "slot", others_of_slot(iov, bdf));
	describe_types(iov, bdf, object);
	if (iov_bars_read(iov, bdf, bars))
		return 0;
	json_add_text(object, "rom", rom_state(&bars[IOV_BAR_ROM]));
	json_object_object_add(object, "resizable_bars", resizable(bars));
	return 0;
}

/*
 * A guest's driver looks for an integrated GPU at 00:02.0, where QEMU also makes it the guest's first
 * display (docs/igd-assign.txt of QEMU), and for its OpRegion.
 */
static void take_integrated(struct iov *iov, struct iov_bdf bdf, struct json_object *properties)
{
	json_object_object_add(properties, "x-igd-opregion", json_object_new_boolean(true));
	json_add_text(properties, "addr", "0x2");
	iov_log(iov, LOG_NOTICE, "%s: goes to 00:02.0 of the guest, where nothing else may be: give QEMU -vga none "
		"and -nodefaults; on machine type pc it is the guest's first display then", IOV_BDF(bdf));
}

/*
 * Whether the ROM can be read, and begins as ROMs do (PCI Firmware 3.3, section 5.1.1).  The kernel reads it
 * while "1" was written there.  A recorded host has none to read.
 */
static bool rom_is_sound(struct iov *iov, struct iov_bdf bdf)
{
	struct iov_path path = iov_pci_path(bdf, "rom");
	unsigned char signature[2] = { 0 };
	bool sound;
	int fd;

	if (!iov_sys_is_host(iov) || iov_sys_write(iov, path.name, "1"))
		return true;
	fd = iov_sys_open(iov, path.name, O_RDONLY);
	sound = fd >= 0 && read(fd, signature, sizeof(signature)) == (ssize_t)sizeof(signature) &&
		signature[0] == 0x55 && signature[1] == 0xaa;
	if (fd >= 0)
		close(fd);
	iov_sys_write(iov, path.name, "0");
	return sound;
}

/* A guest would run what the firmware's run has changed, or nothing. */
static void warn_of_rom(struct iov *iov, struct iov_bdf bdf)
{
	struct iov_bar bars[IOV_BARS + 1];

	if (iov_bars_read(iov, bdf, bars))
		return;
	if (bars[IOV_BAR_ROM].flags & IOV_BAR_SHADOW)
		iov_log(iov, LOG_NOTICE, "%s: its ROM is a copy that the firmware ran and changed, as of every boot "
			"display; if the guest shows nothing, give QEMU a clean one with romfile=",
			IOV_BDF(bdf));
	else if (bars[IOV_BAR_ROM].size && !rom_is_sound(iov, bdf))
		iov_log(iov, LOG_NOTICE, "%s: its ROM cannot be read, or is none; a guest whose firmware needs it shows "
			"nothing unless QEMU gets a file of it with romfile=", IOV_BDF(bdf));
}

int gpu_take(struct iov *iov, struct iov_bdf bdf, struct json_object *properties)
{
	unsigned int type;

	if (!vgpu_type(iov, bdf, &type) && !type)
		return iov_fail(iov, -EBUSY, "%s: is no vGPU yet; 'iov vf set %s --vgpu-type N' makes it one, and 'iov "
				"show %s' lists the types", IOV_BDF(bdf), IOV_BDF(bdf), IOV_BDF(bdf));
	if (gpu_is_integrated(iov, bdf))
		take_integrated(iov, bdf, properties);
	warn_of_rom(iov, bdf);
	return 0;
}
