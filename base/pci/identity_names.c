// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The names of one function: from configuration space, its driver's class devices,
 * the slots of the chassis, and the way that leads to it.
 */
#include "base/pci/identity_names.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/pci_regs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/pci/kind.h"
#include "base/pci/pci_config.h"
#include "base/sysroot/paths.h"
#include "base/sysroot/sysdir.h"

#define OUI_SIZE 3
#define GROUP_BIT 0x01

struct slot {
	char name[64];
	char address[16];	/* "0000:01:00", or "0000:01" for all devices of a bus */
};

struct names_source {
	struct iov *iov;
	struct json_object *memory;
	struct slot *slots;
	size_t slot_count;
};

/* Whether a slot is named "0-2" because there is a "0", or is that "0". */
static bool is_numbered_twice(const struct slot *slot, const struct slot *other)
{
	size_t length = strlen(slot->name);
	const char *more = other->name + length;

	return !strncmp(slot->name, other->name, length) && *more == '-' && more[1] &&
	       strspn(more + 1, "0123456789") == strlen(more + 1);
}

/*
 * Firmware that gives several slots one number names none of them: the kernel tells
 * them apart in the order in which it finds them, which a card more or less changes.
 */
static void drop_numbered_twice(struct names_source *source)
{
	for (size_t i = 0; i < source->slot_count; i++) {
		for (size_t k = 0; k < source->slot_count; k++) {
			if (is_numbered_twice(&source->slots[i], &source->slots[k]))
				source->slots[i].address[0] = source->slots[k].address[0] = '-';
		}
	}
}

static int read_slots(struct names_source *source)
{
	char **names;
	size_t count;

	if (iov_sys_list(source->iov, IOV_PATH_PCI_SLOTS, &names, &count))
		return 0;
	source->slots = calloc(count + 1, sizeof(*source->slots));
	for (size_t i = 0; source->slots && i < count; i++) {
		struct slot *slot = &source->slots[source->slot_count];

		if (strlen(names[i]) < sizeof(slot->name) &&
		    !iov_sys_read(source->iov,
				  iov_path(IOV_PATH_PCI_SLOTS "/%s/address", names[i]).name,
				  slot->address, sizeof(slot->address))) {
			strcpy(slot->name, names[i]);
			source->slot_count++;
		}
	}
	iov_names_free(names, count);
	if (source->slots)
		drop_numbered_twice(source);
	return source->slots ? 0 : -ENOMEM;
}

int names_source_open(struct names_source **out, struct iov *iov)
{
	struct names_source *source = calloc(1, sizeof(*source));
	int error;

	if (!source)
		return -ENOMEM;
	source->iov = iov;
	source->memory = memory_read(iov);
	error = read_slots(source);
	if (error) {
		names_source_close(source);
		return error;
	}
	*out = source;
	return 0;
}

void names_source_close(struct names_source *source)
{
	if (!source)
		return;
	json_object_put(source->memory);
	free(source->slots);
	free(source);
}

bool name_takes_suffix(const char *name)
{
	return name[0] == 's';	/* serial, slot */
}

void names_add(struct function_names *function, const char *kind, const char *value)
{
	char text[IOV_IDENTITY_SIZE];

	while (*value == ' ')
		value++;
	for (const char *c = value; *c; c++) {
		if (!isprint((unsigned char)*c))
			return;
	}
	if (!*value || function->count == NAMES_MAX ||
	    snprintf(text, sizeof(text), "%s=%s", kind, value) > NAME_LENGTH_MAX)
		return;
	function->names[function->count] = strdup(text);
	if (function->names[function->count])
		function->count++;
}

void names_free(struct function_names *function)
{
	while (function->count)
		free(function->names[--function->count]);
}

/* Makers' constants that look like numbers; see is_identity() for what does not. */
static const unsigned char constants[][SERIAL_SIZE] = {
	{ 0x00, 0x15, 0x17, 0xff, 0xff, 0x24, 0x14, 0x12 },	/* Atheros AR92xx */
};

/* Of a radio by Realtek: its OUI, the filler of a MAC address, and the model. */
static const unsigned char realtek_radio[] = { 0x00, 0xe0, 0x4c, 0xff, 0xfe };

/* Whether bytes go up, or down, by the same each time: "00 11 22 33", "ff ff ff ff". */
static bool is_progression(const unsigned char *bytes, size_t size)
{
	for (size_t i = 2; i < size; i++) {
		if ((unsigned char)(bytes[i] - bytes[i - 1]) != (unsigned char)(bytes[1] - bytes[0]))
			return false;
	}
	return true;
}

/* IEEE's guidelines for EUI-64: ff-ff stands in the middle of a MAC-48, ff-fe in that of an EUI-48. */
#define FILLER_SIZE 2

static bool is_filled(const unsigned char *eui)
{
	return eui[OUI_SIZE] == 0xff && (eui[OUI_SIZE + 1] == 0xff || eui[OUI_SIZE + 1] == 0xfe);
}

/*
 * Whether a Device Serial Number tells cards of a kind apart.  It is an EUI-64: 24 bits of the
 * maker, which are never a group address, and 40 that he counts up.  A maker who counts has
 * more than one octet that is not zero, and not a progression of octets, which is an example or
 * what memory was filled with.  One that was made of a MAC address has a filler in its middle, which counts
 * for nothing.
 */
static bool is_identity(const unsigned char *eui)
{
	const bool of_mac = is_filled(eui);
	size_t set = 0;

	for (size_t i = of_mac ? OUI_SIZE + FILLER_SIZE : OUI_SIZE; i < SERIAL_SIZE; i++)
		set += eui[i] != 0;
	if (eui[0] & GROUP_BIT || set < (of_mac ? 1 : 2) ||
	    is_progression(eui + OUI_SIZE, SERIAL_SIZE - OUI_SIZE) || is_progression(eui, SERIAL_SIZE - 1) ||
	    !memcmp(eui, realtek_radio, sizeof(realtek_radio)))
		return false;
	for (size_t i = 0; i < sizeof(constants) / sizeof(*constants); i++) {
		if (!memcmp(eui, constants[i], SERIAL_SIZE))
			return false;
	}
	return true;
}

/* Most significant byte first, as lspci has it. */
static void add_serial_capability(struct function_names *function, const struct config_facts *facts)
{
	unsigned char s[SERIAL_SIZE];
	char text[32];

	for (size_t i = 0; i < SERIAL_SIZE; i++)
		s[i] = facts->serial[SERIAL_SIZE - 1 - i];
	if (!facts->has_serial || !is_identity(s))
		return;
	snprintf(text, sizeof(text), "%02x-%02x-%02x-%02x-%02x-%02x-%02x-%02x", s[0], s[1], s[2],
		 s[3], s[4], s[5], s[6], s[7]);
	names_add(function, "serial", text);
}

static void add_nvme_serials(struct function_names *function, int dir)
{
	char text[64], **names;
	size_t count;

	if (iov_dir_list(dir, "nvme", &names, &count))
		return;
	for (size_t i = 0; i < count; i++) {
		if (!iov_dir_read(dir, iov_path("nvme/%s/serial", names[i]).name, text,
				  sizeof(text)))
			names_add(function, "serial", text);
	}
	iov_names_free(names, count);
}

/*
 * What configuration space and the native driver tell: of an earlier moment when the function
 * sleeps, or the kernel does not let it be read, or that driver is gone.
 */
static void add_told_names(struct names_source *source, struct function_names *function, int dir,
			   const struct config_facts *facts)
{
	size_t before;

	add_serial_capability(function, facts);
	before = function->count;
	add_nvme_serials(function, dir);
	names_add_addresses(source->iov, function, dir);
	if (function->count == before || facts->error == -EHOSTDOWN || facts->error == -ETIMEDOUT)
		memory_recall(source->memory, function);
	function->told = function->count;
}

/* "0000:01:00" is the device of "0000:01:00.0", and "0000:01" its bus. */
static bool is_in_slot(const struct slot *slot, const char *function)
{
	size_t length = strlen(slot->address);

	return !strncmp(slot->address, function, length) &&
	       (function[length] == '.' || function[length] == ':');
}

/* A card may bring a switch, so its functions are in the slot of a port above them. */
static const struct slot *find_slot(const struct names_source *source, char *const *way,
				    size_t steps)
{
	while (steps--) {
		for (size_t i = 0; i < source->slot_count; i++) {
			if (is_in_slot(&source->slots[i], way[steps]))
				return &source->slots[i];
		}
	}
	return NULL;
}

/* The functions on the way from the root: "../../../devices/pci0000:00/0000:00:01.0/..." */
static size_t split_way(char *target, char **way, size_t max)
{
	struct iov_bdf bdf;
	size_t steps = 0;
	char *part;

	while ((part = strsep(&target, "/"))) {
		if (steps < max && iov_bdf_scan(part, &bdf))
			way[steps++] = part;
	}
	return steps;
}

/*
 * Bus numbers change with the cards above or beside; device and function numbers
 * are how ports are wired, so from the second step on they alone are kept.
 */
static void add_path(struct function_names *function, char *const *way, size_t steps)
{
	char text[IOV_IDENTITY_SIZE];
	size_t length = 0;

	for (size_t i = 0; i < steps && length < sizeof(text); i++)
		length += (size_t)snprintf(text + length, sizeof(text) - length, "%s%s",
					   i ? "/" : "", i ? strrchr(way[i], ':') + 1 : way[i]);
	names_add(function, "path", text);
}

static void add_places(struct names_source *source, struct function_names *function, bool bridge)
{
	struct iov_path path = iov_pci_path(function->bdf, "");
	char target[IOV_PATH_MAX], *way[16];
	const struct slot *slot;
	size_t steps;

	if (iov_sys_link(source->iov, path.name, target, sizeof(target)))
		snprintf(target, sizeof(target), "%s", IOV_BDF(function->bdf));
	steps = split_way(target, way, sizeof(way) / sizeof(*way));
	slot = bridge ? NULL : find_slot(source, way, steps);
	if (slot)
		names_add(function, "slot", slot->name);
	add_path(function, way, steps);
}

void names_read(struct names_source *source, const struct config_facts *facts, int dir,
		struct function_names *function)
{
	struct iov_bdf bdf = facts->bdf;
	/* A bridge has no use for a serial number, which is that of the card behind it. */
	bool bridge = iov_pci_kind_at(source->iov, bdf, dir) != IOV_PCI_ENDPOINT;
	struct stat status;

	*function = (struct function_names){ .bdf = bdf };
	if (!fstatat(dir, "", &status, AT_EMPTY_PATH))
		function->inode = status.st_ino;
	if (!bridge)
		add_told_names(source, function, dir, facts);
	add_places(source, function, bridge);
}
