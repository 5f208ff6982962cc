/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of check.h share; for the files of host/check* alone. */
#ifndef IOV_HOST_CHECK_CHECK_INTERNAL_H
#define IOV_HOST_CHECK_CHECK_INTERNAL_H

#include <stdbool.h>

#include "base/pci/pci_config.h"
#include "host/check/check.h"
#include "host/check/check_acpi.h"
#include "vfio/bind/verdict.h"

enum check_status { CHECK_OK, CHECK_WARN, CHECK_FAIL, CHECK_SKIP };

enum check_arch { ARCH_INTEL, ARCH_AMD, ARCH_ARM64, ARCH_OTHER };

/**
 * struct checks - one run over a host or a function
 * @iov: context
 * @options: what the host has to be ready for
 * @lines: the checks so far
 * @line: the last of them, for check_evidence() and check_remedy()
 * @arch: kind of processor
 * @flags: its feature flags, "" where it has none
 * @cmdline: the kernel's command line
 * @log: the kernel's log as far as it is kept and readable, "" otherwise
 * @acpi: the tables that describe the IOMMU
 * @groups: IOMMU groups that an IOMMU made, so not those of noiommu
 * @remapped: interrupts of PCI functions pass an IOMMU
 */
struct checks {
	struct iov *iov;
	const struct iov_check_options *options;
	struct json_object *lines;
	struct json_object *line;
	enum check_arch arch;
	char *flags;
	char *cmdline;
	char *log;
	struct acpi acpi;
	size_t groups;
	bool remapped;
};

/**
 * struct check_function - the function that is judged
 * @bdf: its address
 * @name: the same as text
 * @config: its configuration space
 * @hidden: no capabilities could be read, see check_hidden()
 * @config_error: why no configuration space could be read, 0 when it could
 * @vf: it is a virtual function
 * @pf: its PF, when it is one
 * @verdict: what speaks against assigning it
 */
struct check_function {
	struct iov_bdf bdf;
	struct iov_bdf_text name;
	struct iov_config config;
	int config_error;
	struct iov_verdict verdict;
	bool hidden;
	bool vf;
	struct iov_bdf pf;
};

/* Begin a check; the two after it add to it. */
void check_line(struct checks *checks, const char *name, enum check_status status,
		const char *found, ...) __attribute__((format(printf, 4, 5)));
void check_evidence(struct checks *checks, const char *path, const char *value, ...)
	__attribute__((format(printf, 3, 4)));
void check_remedy(struct checks *checks, const char *remedy, ...)
	__attribute__((format(printf, 2, 3)));
/* A check that is what a reason of the verdict says; false without that reason. */
bool check_reason(struct checks *checks, const struct check_function *function, const char *kind,
		  const char *name);
/* Why no capabilities were read: of any function by what iov_config_read() returned, and of this. */
const char *check_unread(int error);
const char *check_hidden(const struct check_function *function);
void check_about(struct checks *checks, const char *device);

/*
 * A parameter of the kernel's command line: with a @value one of its comma-separated
 * values, without one the parameter as it stands.  "-" and "_" are the same.
 */
bool check_cmdline_has(const struct checks *checks, const char *key, const char *value);
/* Its value; false when it is not there. */
bool check_cmdline_value(const struct checks *checks, const char *key, char *value, size_t size);

/* A word of a list that spaces separate. */
bool check_has_word(const char *text, const char *word);
/* Whether the kernel's log has a text; false when the log is not readable, or no more there. */
bool check_log_has(const struct checks *checks, const char *text);
/* A boolean parameter of a module: 1 on, 0 off, -1 when there is no such parameter. */
int check_parameter(const struct checks *checks, const char *module, const char *name);
/*
 * Whether an interrupt controller's name begins so: x86 names those behind a remapping IOMMU
 * "IR-...", Arm those that go through an ITS "ITS-...".
 */
bool check_interrupt_chip(struct iov *iov, const char *prefix);
/* Bytes as people write them, by value. */
struct check_size {
	char text[32];
};
struct check_size check_size(uint64_t bytes);

/* "name, name and 3 more" of an array of strings, by value. */
struct check_names {
	char text[256];
};
struct check_names check_names(struct json_object *names);

/* The checks of a host, by subject. */
void check_cpu(struct checks *checks);
void check_iommu(struct checks *checks);
void check_cmdline(struct checks *checks);
void check_interrupts(struct checks *checks);
void check_arm(struct checks *checks);
void check_vfio(struct checks *checks);
void check_dom0(struct checks *checks);
void check_mdevs(struct checks *checks);
void check_vdpas(struct checks *checks);
void check_huge_pages(struct checks *checks);
void check_memory(struct checks *checks);
void check_room(struct checks *checks);
void check_security(struct checks *checks);

/* The checks of a function, by subject. */
void check_assignment(struct checks *checks, const struct check_function *function);
void check_path(struct checks *checks, const struct check_function *function);
void check_device_interrupts(struct checks *checks, const struct check_function *function);
void check_capabilities(struct checks *checks, const struct check_function *function);
void check_hardware(struct checks *checks, const struct check_function *function);
void check_nic(struct checks *checks, const struct check_function *function);

void check_gpu(struct checks *checks, const struct check_function *function);

/* Room for the VFs of one PF: "vf-mmio" and "vf-buses". */
void check_room_of(struct checks *checks, struct iov_bdf bdf);

#endif
