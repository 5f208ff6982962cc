// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Names from pci.ids.  libpci reads all of it into a hash first, which takes longer
 * than listing a thousand functions; here the file is mapped, the few vendors that a
 * host has are searched for, and what was found is kept.
 *
 *	8086  Intel Corporation
 *	<tab>10c9  82576 Gigabit Network Connection
 *	<tab><tab>8086 a03c  Gigabit ET Dual Port Server Adapter
 *	C 02  Network controller
 *	<tab>00  Ethernet controller
 */
#include "base/pci/pci_ids.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/cleanup.h"

#define KEPT_MAX 256
#define VENDORS_MAX 64

/* Of this machine, whichever host is looked at. */
static const char *const files[] = {
	"/usr/share/misc/pci.ids", "/usr/share/hwdata/pci.ids", "/usr/share/pci.ids",
};

struct kept {
	uint64_t key;
	char *name;
};

/* A stretch of the list. */
struct part {
	const char *at;
	const char *end;
};

struct vendor {
	unsigned int id;
	bool known;
	struct part part;
};

struct iov_ids {
	const char *text;	/* NULL without a list */
	size_t size;
	size_t classes;		/* where they begin, at the end; 0: not looked for yet */
	struct kept kept[KEPT_MAX];
	size_t kept_count;
	struct vendor vendors[VENDORS_MAX];
	size_t vendor_count;
};

static void map_list(struct iov_ids *ids, int fd)
{
	struct stat status;
	void *map;

	if (fstat(fd, &status) || !status.st_size)
		return;
	map = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
	if (map == MAP_FAILED)
		return;
	ids->text = map;
	ids->size = (size_t)status.st_size;
}

int iov_ids_open(struct iov_ids **out)
{
	struct iov_ids *ids = calloc(1, sizeof(*ids));

	if (!ids)
		return -ENOMEM;
	for (size_t i = 0; !ids->text && i < sizeof(files) / sizeof(*files); i++) {
		_cleanup_fd_ int fd = open(files[i], O_RDONLY | O_CLOEXEC);

		if (fd >= 0)
			map_list(ids, fd);
	}
	*out = ids;
	return 0;
}

void iov_ids_close(struct iov_ids *ids)
{
	if (!ids)
		return;
	if (ids->text)
		munmap((void *)ids->text, ids->size);
	while (ids->kept_count)
		free(ids->kept[--ids->kept_count].name);
	free(ids);
}

/* From @start on: what follows the line that begins with @head, up to the next of its rank. */
static bool find_block(const struct iov_ids *ids, size_t start, const char *head,
		       struct part *block)
{
	char line[16];
	int length = snprintf(line, sizeof(line), "\n%s  ", head);
	const char *at = ids->text ? memmem(ids->text + start, ids->size - start, line,
					    (size_t)length) : NULL;

	if (!at)
		return false;
	block->at = at + length;
	block->end = ids->text + ids->size;
	for (at = block->at; (at = memchr(at, '\n', (size_t)(block->end - at)));) {
		if (++at == block->end || (*at != '\t' && *at != '#'))
			block->end = at;
	}
	return true;
}

/* Inside a block: the line that begins with @head, and the deeper lines after it. */
static bool find_inside(struct part block, const char *head, struct part *found)
{
	size_t length = strlen(head), depth = strspn(head, "\t");
	const char *at = block.at;

	while ((at = memchr(at, '\n', (size_t)(block.end - at))) && ++at < block.end) {
		if ((size_t)(block.end - at) <= length || memcmp(at, head, length))
			continue;
		*found = (struct part){ at + length, block.end };
		while ((at = memchr(at, '\n', (size_t)(block.end - at)))) {
			if (++at == block.end || (*at != '#' && strspn(at, "\t") <= depth))
				break;
		}
		found->end = at ? at : block.end;
		return true;
	}
	return false;
}

static int name_length(struct part part)
{
	const char *end = memchr(part.at, '\n', (size_t)(part.end - part.at));

	return (int)((end ? end : part.end) - part.at);
}

static bool find_device(struct part vendor, unsigned int device, struct part *found)
{
	char head[16];

	snprintf(head, sizeof(head), "\t%04x  ", device & 0xffff);
	return find_inside(vendor, head, found);
}

static bool find_vendor(struct iov_ids *ids, unsigned int id, struct part *found)
{
	struct vendor vendor = { .id = id };
	char head[16];

	for (size_t i = 0; i < ids->vendor_count; i++) {
		if (ids->vendors[i].id == id) {
			*found = ids->vendors[i].part;
			return ids->vendors[i].known;
		}
	}
	snprintf(head, sizeof(head), "%04x", id & 0xffff);
	vendor.known = find_block(ids, 0, head, &vendor.part);
	*found = vendor.part;
	if (ids->vendor_count < VENDORS_MAX)
		ids->vendors[ids->vendor_count++] = vendor;
	return vendor.known;
}

/* "VENDOR NAME"; numbers stand for what the list does not have. */
static void write_name(char *name, size_t size, const struct part *vendor, const struct part *of,
		       unsigned int vendor_id, unsigned int id)
{
	if (vendor && of)
		snprintf(name, size, "%.*s %.*s", name_length(*vendor), vendor->at,
			 name_length(*of), of->at);
	else if (vendor)
		snprintf(name, size, "%.*s Device %04x", name_length(*vendor), vendor->at, id);
	else
		snprintf(name, size, "Device %04x:%04x", vendor_id, id);
}

static void look_up_device(struct iov_ids *ids, unsigned int vendor, unsigned int device,
			   char *name, size_t size)
{
	struct part block, found;
	bool known = find_vendor(ids, vendor, &block);

	write_name(name, size, known ? &block : NULL,
		   known && find_device(block, device, &found) ? &found : NULL, vendor, device);
}

static void find_classes(struct iov_ids *ids)
{
	const char *at = ids->text ? memmem(ids->text, ids->size, "\nC 00  ", 7) : NULL;

	if (at)
		ids->classes = (size_t)(at - ids->text);
}

static void look_up_class(struct iov_ids *ids, unsigned int class_code, char *name,
			  size_t size)
{
	struct part block, found;
	char head[16];

	if (!ids->classes)
		find_classes(ids);
	snprintf(head, sizeof(head), "C %02x", class_code >> 8 & 0xff);
	if (!find_block(ids, ids->classes, head, &block)) {
		snprintf(name, size, "Class %04x", class_code);
		return;
	}
	snprintf(head, sizeof(head), "\t%02x  ", class_code & 0xff);
	if (find_inside(block, head, &found))
		snprintf(name, size, "%.*s", name_length(found), found.at);
	else
		snprintf(name, size, "%.*s [%04x]", name_length(block), block.at, class_code);
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

/* A subsystem that is the chip itself has the name of the chip. */
void iov_ids_subsystem(struct iov_ids *ids, unsigned int vendor, unsigned int device,
		       unsigned int subvendor, unsigned int subdevice, char *name, size_t size)
{
	struct part block, maker, chip, found;
	bool known = find_vendor(ids, vendor, &block) && find_device(block, device, &chip);
	bool made = find_vendor(ids, subvendor, &maker), listed = false;
	char head[32];

	snprintf(head, sizeof(head), "\t\t%04x %04x  ", subvendor & 0xffff, subdevice & 0xffff);
	if (known)
		listed = find_inside(chip, head, &found);
	if (known && !listed && vendor == subvendor && device == subdevice) {
		found = chip;
		listed = true;
	}
	write_name(name, size, made ? &maker : NULL, listed ? &found : NULL, subvendor, subdevice);
}
