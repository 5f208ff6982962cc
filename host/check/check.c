// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One run: read what several checks judge, let each subject append its lines.
 *
 * A check says what is so, not what ought to be so: each line names the file that
 * it read.  What could not be read is said to be unknown and never taken for a no.
 */
#include "host/check/check.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/pci_regs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/field.h"
#include "base/sysroot/paths.h"
#include "base/sysroot/sysroot.h"
#include "host/check/check_internal.h"
#include "iommu/hypervisor.h"

#define LOG_MAX (4u << 20)

/* The value of a field of /proc/cpuinfo, of the first processor. */
static char *cpuinfo_field(const char *cpuinfo, const char *name)
{
	const char *value = field_find(cpuinfo, name);

	if (!value)
		return NULL;
	value += strcspn(value, ":\n");
	return strndup(value, strcspn(value, "\n"));
}

static enum check_arch read_arch(const char *vendor, const char *cpuinfo)
{
	if (vendor && strstr(vendor, "GenuineIntel"))
		return ARCH_INTEL;
	if (vendor && (strstr(vendor, "AuthenticAMD") || strstr(vendor, "HygonGenuine")))
		return ARCH_AMD;
	return strstr(cpuinfo, "CPU implementer") ? ARCH_ARM64 : ARCH_OTHER;
}

static void read_cpu(struct checks *checks)
{
	_cleanup_free_ char *cpuinfo = NULL, *vendor = NULL;

	if (iov_sys_read_all(checks->iov, IOV_PATH_CPUINFO, &cpuinfo, NULL))
		cpuinfo = strdup("");
	if (!cpuinfo)
		return;
	vendor = cpuinfo_field(cpuinfo, "vendor_id");
	checks->arch = read_arch(vendor, cpuinfo);
	checks->flags = cpuinfo_field(cpuinfo, "flags");
}

/* One record a read, and none that is larger than a buffer of this size. */
static void read_log(struct checks *checks)
{
	_cleanup_fd_ int fd = iov_sys_open(checks->iov, IOV_PATH_DEV_LOG, O_RDONLY | O_NONBLOCK);
	char record[8192];
	size_t size = 0;
	FILE *log = open_memstream(&checks->log, &size);
	ssize_t got;

	for (size_t total = 0; log && fd >= 0 && total < LOG_MAX; total += (size_t)got) {
		got = read(fd, record, sizeof(record));
		if (got < 0 && errno == EPIPE)
			got = 0;
		else if (got <= 0)
			break;
		fwrite(record, 1, (size_t)got, log);
	}
	if (log)
		fclose(log);
}

/* Groups that VFIO made without an IOMMU have that name. */
static size_t count_groups(struct iov *iov)
{
	char name[32], **names;
	size_t count, groups = 0;

	if (iov_sys_list(iov, IOV_PATH_IOMMU_GROUPS, &names, &count))
		return 0;
	for (size_t i = 0; i < count; i++) {
		struct iov_path path = iov_path(IOV_PATH_IOMMU_GROUPS "/%s/name", names[i]);

		groups += iov_sys_read(iov, path.name, name, sizeof(name)) ||
			  strcmp(name, "vfio-noiommu") != 0;
	}
	iov_names_free(names, count);
	return groups;
}

bool check_interrupt_chip(struct iov *iov, const char *prefix)
{
	char chip[64], **names;
	bool found = false;
	size_t count;

	if (iov_sys_list(iov, IOV_PATH_IRQS, &names, &count))
		return false;
	for (size_t i = 0; !found && i < count; i++) {
		struct iov_path path = iov_path(IOV_PATH_IRQS "/%s/chip_name", names[i]);

		found = !iov_sys_read(iov, path.name, chip, sizeof(chip)) &&
			!strncmp(chip, prefix, strlen(prefix));
	}
	iov_names_free(names, count);
	return found;
}

static void close_checks(struct checks *checks)
{
	free(checks->flags);
	free(checks->cmdline);
	free(checks->log);
}

static int open_checks(struct checks *checks, struct iov *iov,
		       const struct iov_check_options *options)
{
	static const struct iov_check_options none;

	*checks = (struct checks){ .iov = iov, .options = options ? options : &none,
				   .arch = ARCH_OTHER };
	read_cpu(checks);
	read_log(checks);
	if (!checks->flags)
		checks->flags = strdup("");
	if (iov_sys_read_all(iov, IOV_PATH_CMDLINE, &checks->cmdline, NULL))
		checks->cmdline = strdup("");
	if (!checks->flags || !checks->cmdline || !checks->log) {
		close_checks(checks);
		return iov_fail(iov, -ENOMEM, "no memory to read the host");
	}
	acpi_read(iov, &checks->acpi);
	checks->groups = count_groups(iov);
	checks->remapped = check_interrupt_chip(iov, "IR-");
	checks->lines = json_object_new_array();
	return 0;
}

int iov_check_host(struct iov *iov, const struct iov_check_options *options,
		   struct json_object **out)
{
	struct checks checks;
	int error = open_checks(&checks, iov, options);

	if (error)
		return error;
	if (iov_hypervisor(iov) == IOV_HYPERVISOR_XEN_HOST) {
		check_dom0(&checks);
	} else {
		check_cpu(&checks);
		check_iommu(&checks);
		check_interrupts(&checks);
		check_vfio(&checks);
	}
	check_cmdline(&checks);
	check_arm(&checks);
	check_mdevs(&checks);
	check_vdpas(&checks);
	check_huge_pages(&checks);
	check_memory(&checks);
	check_room(&checks);
	check_security(&checks);
	*out = checks.lines;
	close_checks(&checks);
	return 0;
}

int iov_check_device(struct iov *iov, struct iov_bdf bdf, struct json_object **out)
{
	struct check_function function = { .bdf = bdf, .name = iov_bdf_format(bdf) };
	struct checks checks;
	int error = iov_pci_require(iov, bdf);

	if (!error)
		error = open_checks(&checks, iov, NULL);
	if (error)
		return error;
	function.config_error = iov_config_read(iov, bdf, &function.config, IOV_CONFIG_EXTENDED);
	if (function.config_error)
		function.config.length = 0;
	iov_verdict(iov, bdf, &function.verdict);
	function.hidden = function.config.length <= PCI_STD_HEADER_SIZEOF;
	function.vf = !iov_pci_link(iov, bdf, "physfn", &function.pf);
	check_assignment(&checks, &function);
	check_path(&checks, &function);
	check_hardware(&checks, &function);
	check_gpu(&checks, &function);
	check_device_interrupts(&checks, &function);
	check_capabilities(&checks, &function);
	check_nic(&checks, &function);
	*out = checks.lines;
	close_checks(&checks);
	return 0;
}
