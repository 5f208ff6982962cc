// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/check/check_acpi.h"

#include <linux/pci_regs.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/pci/pci_config.h"
#include "base/sysroot/paths.h"
#include "base/sysroot/sysroot.h"

#define HEADER_SIZE 36
#define DMAR_FIRST 48
#define IVRS_FIRST 48
#define VIOT_FIRST_MIN 48

#define DMAR_DRHD 0
#define DMAR_RMRR 1
#define DMAR_RMRR_SCOPES 24
#define DMAR_SCOPE_PATH 6

const char *const acpi_names[ACPI_TABLES] = { "DMAR", "IVRS", "IORT", "VIOT" };

/* Bytes of a table; reads beyond them give 0. */
struct bytes {
	const uint8_t *at;
	size_t length;
};

static uint64_t number(const struct bytes *bytes, size_t offset, size_t size)
{
	uint64_t value = 0;

	if (offset + size > bytes->length)
		return 0;
	while (size--)
		value = value << 8 | bytes->at[offset + size];
	return value;
}

/* The structure at an offset, cut to the table; one of length 0 ends it. */
static struct bytes structure(const struct bytes *table, size_t offset, size_t length)
{
	struct bytes none = { NULL, 0 };

	if (offset >= table->length || !length)
		return none;
	if (length > table->length - offset)
		length = table->length - offset;
	return (struct bytes){ table->at + offset, length };
}

/* Where a device scope leads: each step of its path is behind the bridge of the step before. */
static bool scope_function(struct iov *iov, uint32_t segment, const struct bytes *scope,
			   struct iov_bdf *bdf)
{
	size_t path = DMAR_SCOPE_PATH;
	struct iov_config config;

	if (scope->length < DMAR_SCOPE_PATH + 2)
		return false;
	*bdf = (struct iov_bdf){ .domain = segment, .bus = (uint8_t)number(scope, 5, 1) };
	for (;;) {
		bdf->device = (uint8_t)(number(scope, path, 1) & 0x1f);
		bdf->function = (uint8_t)(number(scope, path + 1, 1) & 7);
		path += 2;
		if (path + 2 > scope->length)
			return true;
		if (iov_config_read(iov, *bdf, &config, PCI_STD_HEADER_SIZEOF))
			return false;
		bdf->bus = config.bytes[PCI_SECONDARY_BUS];
	}
}

static void read_reserved(struct iov *iov, struct acpi *acpi, const struct bytes *entry)
{
	uint32_t segment = (uint32_t)number(entry, 6, 2);
	struct bytes scope;

	for (size_t at = DMAR_RMRR_SCOPES; acpi->reserved_count < ACPI_RESERVED_MAX;
	     at += scope.length) {
		scope = structure(entry, at, number(entry, at + 1, 1));
		if (!scope.length)
			return;
		acpi->reserved_count += scope_function(iov, segment, &scope,
						       &acpi->reserved[acpi->reserved_count]);
	}
}

static void read_dmar(struct iov *iov, struct acpi *acpi, const struct bytes *table)
{
	struct bytes entry;

	acpi->dmar_flags = (uint8_t)number(table, 37, 1);
	for (size_t at = DMAR_FIRST;; at += entry.length) {
		entry = structure(table, at, number(table, at + 2, 2));
		if (entry.length < 4)
			return;
		acpi->units[ACPI_DMAR] += number(&entry, 0, 2) == DMAR_DRHD;
		if (number(&entry, 0, 2) == DMAR_RMRR)
			read_reserved(iov, acpi, &entry);
	}
}

/* An IOMMU may have up to three blocks, IVHD 10h, 11h and 40h; each has one of them. */
static void read_ivrs(struct iov *iov, struct acpi *acpi, const struct bytes *table)
{
	unsigned int blocks[3] = { 0 };
	struct bytes entry;

	(void)iov;
	acpi->ivrs_info = (uint32_t)number(table, HEADER_SIZE, 4);
	for (size_t at = IVRS_FIRST;; at += entry.length) {
		entry = structure(table, at, number(table, at + 2, 2));
		if (entry.length < 4)
			break;
		blocks[0] += entry.at[0] == 0x10;
		blocks[1] += entry.at[0] == 0x11;
		blocks[2] += entry.at[0] == 0x40;
	}
	for (size_t i = 0; i < 3; i++)
		acpi->units[ACPI_IVRS] = blocks[i] > acpi->units[ACPI_IVRS] ?
					 blocks[i] : acpi->units[ACPI_IVRS];
}

static void read_iort(struct iov *iov, struct acpi *acpi, const struct bytes *table)
{
	uint64_t count = number(table, HEADER_SIZE, 4);
	size_t at = number(table, HEADER_SIZE + 4, 4);
	struct bytes node;

	(void)iov;
	for (; count--; at += node.length) {
		node = structure(table, at, number(table, at + 1, 2));
		if (node.length < 4)
			break;
		acpi->its_groups += node.at[0] == 0;
		acpi->smmu_v2 += node.at[0] == 3;
		acpi->smmu_v3 += node.at[0] == 4;
	}
	acpi->units[ACPI_IORT] = acpi->smmu_v2 + acpi->smmu_v3;
}

static void read_viot(struct iov *iov, struct acpi *acpi, const struct bytes *table)
{
	uint64_t count = number(table, HEADER_SIZE, 2);
	size_t at = number(table, HEADER_SIZE + 2, 2);
	struct bytes node;

	(void)iov;
	for (; at >= VIOT_FIRST_MIN && count--; at += node.length) {
		node = structure(table, at, number(table, at + 2, 2));
		if (node.length < 4)
			break;
		acpi->units[ACPI_VIOT] += node.at[0] == 3 || node.at[0] == 4;
	}
}

void acpi_read(struct iov *iov, struct acpi *acpi)
{
	static void (*const readers[ACPI_TABLES])(struct iov *iov, struct acpi *acpi,
						  const struct bytes *table) = {
		[ACPI_DMAR] = read_dmar,
		[ACPI_IVRS] = read_ivrs,
		[ACPI_IORT] = read_iort,
		[ACPI_VIOT] = read_viot,
	};

	*acpi = (struct acpi){ 0 };
	for (size_t i = 0; i < ACPI_TABLES; i++) {
		struct iov_path path = iov_path(IOV_PATH_ACPI_TABLES "/%s", acpi_names[i]);
		_cleanup_free_ char *text = NULL;
		struct bytes table = { 0 };

		acpi->present[i] = iov_sys_exists(iov, path.name);
		if (iov_sys_read_all(iov, path.name, &text, &table.length))
			continue;
		table.at = (const uint8_t *)text;
		if (table.length <= HEADER_SIZE || memcmp(text, acpi_names[i], 4) != 0)
			continue;
		acpi->read[i] = true;
		readers[i](iov, acpi, &table);
	}
}
