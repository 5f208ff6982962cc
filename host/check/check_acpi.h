/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ACPI tables that describe IOMMUs, as far as readiness depends on them: DMAR
 * (Intel VT-d 4.1, chapter 8), IVRS (AMD I/O Virtualization 3.08, chapter 5), IORT
 * (Arm DEN 0049E) and VIOT (ACPI 6.5, section 5.2.35).
 */
#ifndef IOV_HOST_CHECK_CHECK_ACPI_H
#define IOV_HOST_CHECK_CHECK_ACPI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/iov.h"
#include "base/pci/pci.h"

#define ACPI_DMAR_INTR_REMAP 0x01
#define ACPI_DMAR_X2APIC_OPT_OUT 0x02
#define ACPI_DMAR_DMA_OPT_IN 0x04
#define ACPI_IVRS_DMA_REMAP 0x02
#define ACPI_RESERVED_MAX 64

enum acpi_table { ACPI_DMAR, ACPI_IVRS, ACPI_IORT, ACPI_VIOT, ACPI_TABLES };

/**
 * struct acpi - what the tables say
 * @present: by table
 * @read: by table; false when only root may
 * @dmar_flags: flags of DMAR
 * @ivrs_info: IVinfo of IVRS
 * @units: remapping units by table: DRHD of DMAR, IVHD of IVRS, SMMUs of IORT, virtio-iommus of VIOT
 * @its_groups: GIC ITS groups of IORT
 * @smmu: of IORT: SMMUs by architecture, v1 or v2 and v3
 * @reserved: functions whose memory firmware keeps reserved (RMRR of DMAR)
 * @reserved_count: length of @reserved
 */
struct acpi {
	bool present[ACPI_TABLES];
	bool read[ACPI_TABLES];
	uint8_t dmar_flags;
	uint32_t ivrs_info;
	unsigned int units[ACPI_TABLES];
	unsigned int its_groups;
	unsigned int smmu_v2, smmu_v3;
	struct iov_bdf reserved[ACPI_RESERVED_MAX];
	size_t reserved_count;
};

/* Names of the tables, by enum acpi_table. */
extern const char *const acpi_names[ACPI_TABLES];

void acpi_read(struct iov *iov, struct acpi *acpi);

#endif
