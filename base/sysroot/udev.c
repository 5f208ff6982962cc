// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/sysroot/udev.h"

#include <errno.h>
#include <libudev.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "base/cleanup.h"
#include "base/sysroot/paths.h"
#include "base/sysroot/sysroot.h"

struct iov_hwdb {
	struct udev *udev;
	struct udev_hwdb *database;	/* NULL where there is none */
};

int iov_hwdb_open(struct iov_hwdb **out)
{
	struct iov_hwdb *hwdb = calloc(1, sizeof(*hwdb));

	if (!hwdb)
		return -ENOMEM;
	hwdb->udev = udev_new();
	if (hwdb->udev)
		hwdb->database = udev_hwdb_new(hwdb->udev);
	*out = hwdb;
	return 0;
}

void iov_hwdb_close(struct iov_hwdb *hwdb)
{
	if (!hwdb)
		return;
	udev_hwdb_unref(hwdb->database);
	udev_unref(hwdb->udev);
	free(hwdb);
}

bool iov_hwdb_find(const struct iov_hwdb *hwdb, const char *modalias, const char *property,
		   char *value, size_t size)
{
	struct udev_list_entry *entry = NULL;

	if (hwdb->database)
		entry = udev_hwdb_get_properties_list_entry(hwdb->database, modalias, 0);
	entry = udev_list_entry_get_by_name(entry, property);
	if (entry)
		snprintf(value, size, "%s", udev_list_entry_get_value(entry));
	return entry;
}

static bool ask_libudev(dev_t number, const char *property, char *value, size_t size)
{
	struct udev *udev = udev_new();
	struct udev_device *device = udev ? udev_device_new_from_devnum(udev, 'b', number) : NULL;
	const char *found = device ? udev_device_get_property_value(device, property) : NULL;

	if (found)
		snprintf(value, size, "%s", found);
	udev_device_unref(device);
	udev_unref(udev);
	return found;
}

/* A line "E:ID_FS_TYPE=zfs_member" of the record. */
static bool ask_record(struct iov *iov, const char *number, const char *property, char *value,
		       size_t size)
{
	_cleanup_free_ char *text = NULL;
	char key[64];
	const char *at;

	if (iov_sys_read_all(iov, iov_path(IOV_PATH_UDEV_DATA "/b%s", number).name, &text, NULL))
		return false;
	snprintf(key, sizeof(key), "\nE:%s=", property);
	at = strstr(text, key);
	if (!at)
		return false;
	at += strlen(key);
	snprintf(value, size, "%.*s", (int)strcspn(at, "\n"), at);
	return true;
}

bool iov_udev_block_property(struct iov *iov, const char *number, const char *property,
			     char *value, size_t size)
{
	unsigned int major, minor;

	if (!iov_sys_is_host(iov))
		return ask_record(iov, number, property, value, size);
	return sscanf(number, "%u:%u", &major, &minor) == 2 &&
	       ask_libudev(makedev(major, minor), property, value, size);
}
