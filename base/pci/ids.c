// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Names from the hardware database of udev.  What it is asked for looks like the modalias
 * of a function:
 *
 *	pci:v00008086d000010C9sv00008086sd0000A03Cbc02sc00
 *
 * It knows names of subsystems with that of the chip in front, "82576 Gigabit Network
 * Connection (Gigabit ET Dual Port Server Adapter)".  A search takes some ten microseconds
 * and a thousand functions have few names, so what was found is kept.
 */
#include "base/pci/ids.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/sysroot/udev.h"

#define KEPT_MAX 256
#define MODALIAS_SIZE 64

#define VENDOR_NAME "ID_VENDOR_FROM_DATABASE"
#define MODEL_NAME "ID_MODEL_FROM_DATABASE"
#define CLASS_NAME "ID_PCI_CLASS_FROM_DATABASE"
#define SUBCLASS_NAME "ID_PCI_SUBCLASS_FROM_DATABASE"

struct kept {
	uint64_t key;
	char *name;
};

struct iov_ids {
	struct iov_hwdb *hwdb;
	struct kept kept[KEPT_MAX];
	size_t kept_count;
};

int iov_ids_open(struct iov_ids **out)
{
	struct iov_ids *ids = calloc(1, sizeof(*ids));
	int error = ids ? iov_hwdb_open(&ids->hwdb) : -ENOMEM;

	if (error)
		free(ids);
	else
		*out = ids;
	return error;
}

void iov_ids_close(struct iov_ids *ids)
{
	if (!ids)
		return;
	iov_hwdb_close(ids->hwdb);
	while (ids->kept_count)
		free(ids->kept[--ids->kept_count].name);
	free(ids);
}

static bool find_vendor(const struct iov_ids *ids, unsigned int vendor, char *name, size_t size)
{
	char modalias[MODALIAS_SIZE];

	snprintf(modalias, sizeof(modalias), "pci:v%08Xd", vendor);
	return iov_hwdb_find(ids->hwdb, modalias, VENDOR_NAME, name, size);
}

static bool find_device(const struct iov_ids *ids, unsigned int vendor, unsigned int device,
			char *name, size_t size)
{
	char modalias[MODALIAS_SIZE];

	snprintf(modalias, sizeof(modalias), "pci:v%08Xd%08Xsv", vendor, device);
	return iov_hwdb_find(ids->hwdb, modalias, MODEL_NAME, name, size);
}

/* "VENDOR NAME"; numbers stand for what the database does not have. */
static void write_name(char *name, size_t size, const char *vendor, const char *of,
		       unsigned int vendor_id, unsigned int id)
{
	if (vendor && of)
		snprintf(name, size, "%s %s", vendor, of);
	else if (vendor)
		snprintf(name, size, "%s Device %04x", vendor, id);
	else
		snprintf(name, size, "Device %04x:%04x", vendor_id, id);
}

static void look_up_device(const struct iov_ids *ids, unsigned int vendor, unsigned int device,
			   char *name, size_t size)
{
	char maker[IOV_NAME_SIZE], chip[IOV_NAME_SIZE];
	bool made = find_vendor(ids, vendor, maker, sizeof(maker));
	bool listed = find_device(ids, vendor, device, chip, sizeof(chip));

	write_name(name, size, made ? maker : NULL, listed ? chip : NULL, vendor, device);
}

static void look_up_class(const struct iov_ids *ids, unsigned int class_code, char *name,
			  size_t size)
{
	char modalias[MODALIAS_SIZE];
	char base[IOV_NAME_SIZE];

	/* No vendor has the number 0. */
	snprintf(modalias, sizeof(modalias), "pci:v%08Xd%08Xsv%08Xsd%08Xbc%02Xsc%02X", 0,
		 0, 0, 0, class_code >> 8 & 0xff, class_code & 0xff);
	if (iov_hwdb_find(ids->hwdb, modalias, SUBCLASS_NAME, name, size))
		return;
	if (iov_hwdb_find(ids->hwdb, modalias, CLASS_NAME, base, sizeof(base)))
		snprintf(name, size, "%s [%04x]", base, class_code);
	else
		snprintf(name, size, "Class %04x", class_code);
}

static const char *recall(const struct iov_ids *ids, uint64_t key)
{
	for (size_t i = 0; i < ids->kept_count; i++) {
		if (ids->kept[i].key == key)
			return ids->kept[i].name;
	}
	return NULL;
}

static void keep(struct iov_ids *ids, uint64_t key, const char *name)
{
	char *copy = ids->kept_count < KEPT_MAX ? strdup(name) : NULL;

	if (copy)
		ids->kept[ids->kept_count++] = (struct kept){ key, copy };
}

void iov_ids_device(struct iov_ids *ids, unsigned int vendor, unsigned int device, char *name,
		    size_t size)
{
	uint64_t key = (uint64_t)vendor << 16 | device;
	const char *kept = recall(ids, key);

	if (kept) {
		snprintf(name, size, "%s", kept);
		return;
	}
	look_up_device(ids, vendor, device, name, size);
	keep(ids, key, name);
}

void iov_ids_class(struct iov_ids *ids, unsigned int class_code, char *name, size_t size)
{
	uint64_t key = (uint64_t)1 << 32 | class_code;
	const char *kept = recall(ids, key);

	if (kept) {
		snprintf(name, size, "%s", kept);
		return;
	}
	look_up_class(ids, class_code, name, size);
	keep(ids, key, name);
}

/* What is in the parentheses behind the chip; false when there is nothing of the kind. */
static bool cut_chip(const char *chip, char *name)
{
	size_t length = strlen(chip), total = strlen(name);

	if (strncmp(name, chip, length) || strncmp(name + length, " (", 2))
		return false;
	memmove(name, name + length + 2, total - length - 2);
	name[total - length - 3] = '\0';
	return true;
}

/* A subsystem that is the chip itself has the name of the chip. */
void iov_ids_subsystem(struct iov_ids *ids, unsigned int vendor, unsigned int device,
		       unsigned int subvendor, unsigned int subdevice, char *name, size_t size)
{
	char maker[IOV_NAME_SIZE], chip[IOV_NAME_SIZE], board[IOV_NAME_SIZE];
	bool made = find_vendor(ids, subvendor, maker, sizeof(maker)), listed;
	char modalias[MODALIAS_SIZE];

	snprintf(modalias, sizeof(modalias), "pci:v%08Xd%08Xsv%08Xsd%08Xbc", vendor,
		 device, subvendor, subdevice);
	listed = find_device(ids, vendor, device, chip, sizeof(chip)) &&
		 iov_hwdb_find(ids->hwdb, modalias, MODEL_NAME, board, sizeof(board)) &&
		 (cut_chip(chip, board) || (vendor == subvendor && device == subdevice));
	write_name(name, size, made ? maker : NULL, listed ? board : NULL, subvendor, subdevice);
}
