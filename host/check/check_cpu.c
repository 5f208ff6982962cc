// SPDX-License-Identifier: GPL-2.0-or-later
/* Virtualization by the processor: "cpu-virtualization", "nested-paging", "kvm". */
#include <fcntl.h>
#include <stdint.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/sysroot/paths.h"
#include "base/sysroot/sysroot.h"
#include "host/check/check_internal.h"
#include "iommu/hypervisor.h"

/* Intel SDM volume 4, IA32_FEATURE_CONTROL; AMD APM volume 2, section 15.30.1, VM_CR */
#define MSR_FEATURE_CONTROL 0x3a
#define FEATURE_CONTROL_LOCKED 0x1
#define FEATURE_CONTROL_VMX 0x4
#define MSR_VM_CR 0xc0010114
#define VM_CR_SVMDIS 0x10

struct extension {
	const char *flag;
	const char *name;
	const char *paging_flag;
	const char *paging_name;
	const char *module;
	const char *paging_parameter;
	const char *firmware;
};

static const struct extension extensions[] = {
	[ARCH_INTEL] = { "vmx", "VT-x", "ept", "EPT", "kvm_intel", "ept",
			 "'Intel Virtualization Technology' (VT-x, VMX)" },
	[ARCH_AMD] = { "svm", "AMD-V", "npt", "NPT", "kvm_amd", "npt",
		       "'SVM Mode' (AMD-V, 'Secure Virtual Machine')" },
};

/* What arch/x86/kernel/cpu/feat_ctl.c and KVM say when firmware locked it; SGX has the like. */
static const char *const log_lines[] = {
	"TXT) disabled by BIOS",
	"disabled (by BIOS) in MSR_",
	"not enabled (by BIOS) in MSR_",
	"kvm: disabled by bios",
};

static bool read_msr(struct checks *checks, uint32_t msr, uint64_t *value)
{
	_cleanup_fd_ int fd = iov_sys_open(checks->iov, IOV_PATH_DEV_MSR, O_RDONLY);

	return fd >= 0 && pread(fd, value, sizeof(*value), msr) == sizeof(*value);
}

/* Whether firmware turned the extension off, with the evidence for it. */
static bool firmware_disabled(struct checks *checks)
{
	uint64_t value;

	if (checks->arch == ARCH_INTEL && read_msr(checks, MSR_FEATURE_CONTROL, &value) &&
	    (value & (FEATURE_CONTROL_LOCKED | FEATURE_CONTROL_VMX)) == FEATURE_CONTROL_LOCKED) {
		check_evidence(checks, IOV_PATH_DEV_MSR, "0x3a is 0x%llx: locked without VMX",
			       (unsigned long long)value);
		return true;
	}
	if (checks->arch == ARCH_AMD && read_msr(checks, MSR_VM_CR, &value) &&
	    value & VM_CR_SVMDIS) {
		check_evidence(checks, IOV_PATH_DEV_MSR, "0xc0010114 is 0x%llx: SVMDIS",
			       (unsigned long long)value);
		return true;
	}
	for (size_t i = 0; i < sizeof(log_lines) / sizeof(*log_lines); i++) {
		if (!check_log_has(checks, log_lines[i]))
			continue;
		check_evidence(checks, IOV_PATH_DEV_LOG, "\"%s\"", log_lines[i]);
		return true;
	}
	return false;
}

/* A hypervisor or a sandbox may hide the flag; the kernel has no KVM that does not work. */
static bool is_hidden(const struct checks *checks, const struct extension *extension)
{
	return !check_has_word(checks->flags, extension->flag) &&
	       iov_sys_exists(checks->iov, IOV_PATH_KVM);
}

static void check_hidden_extension(struct checks *checks, const struct extension *extension)
{
	check_line(checks, "cpu-virtualization", CHECK_OK, "%s (%s) works, as KVM is there, though the "
		   "processor's flags do not say so", extension->name, extension->flag);
	check_evidence(checks, IOV_PATH_CPUINFO, "flags: no %s", extension->flag);
	check_evidence(checks, IOV_PATH_KVM, "present");
}

static void check_extension(struct checks *checks, const struct extension *extension, bool guest)
{
	bool present = check_has_word(checks->flags, extension->flag), disabled;
	struct json_object *line;

	check_line(checks, "cpu-virtualization", present ? CHECK_OK : CHECK_FAIL, "%s (%s) %s%s",
		   extension->name, extension->flag, present ? "is there" : "is not there",
		   guest ? "; this host is itself a virtual machine" : "");
	line = checks->line;
	check_evidence(checks, IOV_PATH_CPUINFO, "flags: %s%s%s",
		       present ? extension->flag : "no ", present ? "" : extension->flag,
		       guest ? " hypervisor" : "");
	disabled = firmware_disabled(checks);
	if (disabled) {
		json_object_object_add(line, "status", json_object_new_string("fail"));
		json_object_object_add(line, "found", json_object_new_string(
			"the processor has it, firmware turned it off"));
	}
	if (guest && !present)
		check_remedy(checks, "%s", iov_hypervisor_nested(iov_hypervisor(checks->iov)));
	else if (disabled)
		check_remedy(checks, "turn %s on in the firmware", extension->firmware);
	else if (!present)
		check_remedy(checks, "look for %s in the firmware and turn it on; without such a "
			     "setting the processor has none", extension->firmware);
}

static void check_paging(struct checks *checks, const struct extension *extension)
{
	const char *by_hypervisor = iov_hypervisor_nested(iov_hypervisor(checks->iov));
	int parameter = check_parameter(checks, extension->module, extension->paging_parameter);
	bool present = check_has_word(checks->flags, extension->paging_flag);

	if (is_hidden(checks, extension) && parameter < 0) {
		check_line(checks, "nested-paging", CHECK_SKIP, "the flags are hidden, and the "
			   "module of KVM does not tell");
	} else if (is_hidden(checks, extension)) {
		present = parameter;
		check_line(checks, "nested-paging", present ? CHECK_OK : CHECK_WARN, "%s is %s",
			   extension->paging_name, present ? "there" : "not used");
	} else if (!check_has_word(checks->flags, extension->flag)) {
		check_line(checks, "nested-paging", CHECK_SKIP, "see cpu-virtualization");
	} else if (present && parameter) {
		check_line(checks, "nested-paging", CHECK_OK, "%s is there",
			   extension->paging_name);
	} else if (present) {
		check_line(checks, "nested-paging", CHECK_WARN, "%s is turned off",
			   extension->paging_name);
		check_remedy(checks, "remove %s=0 of %s from the kernel command line and "
			     "/etc/modprobe.d, and load the module again",
			     extension->paging_parameter, extension->module);
	} else {
		check_line(checks, "nested-paging", CHECK_WARN,
			   "no %s: KVM shadows each guest's page tables in software",
			   extension->paging_name);
		check_remedy(checks, "%s", by_hypervisor ? by_hypervisor :
						"nothing but another processor helps");
	}
	check_evidence(checks, IOV_PATH_CPUINFO, "flags: %s%s", present ? "" : "no ",
		       extension->paging_flag);
	if (parameter >= 0)
		check_evidence(checks, iov_path(IOV_PATH_MODULES "/%s/parameters/%s",
						extension->module,
						extension->paging_parameter).name,
			       "%d", parameter);
}

/* The node may be there without KVM, and to open it loads a module. */
static void check_kvm(struct checks *checks, const char *module)
{
	bool there = iov_sys_exists(checks->iov, IOV_PATH_KVM);
	bool usable = there && !faccessat(iov_sys_root_fd(checks->iov), IOV_PATH_DEV_KVM,
					  R_OK | W_OK, 0);

	if (usable) {
		check_line(checks, "kvm", CHECK_OK, "KVM is there");
	} else if (there) {
		check_line(checks, "kvm", CHECK_WARN, "KVM is there, but not for this user");
		check_remedy(checks, "add the user to the group kvm ('usermod -aG kvm USER') and "
			     "log in again");
	} else {
		check_line(checks, "kvm", CHECK_FAIL, "no KVM");
		if (*module)
			check_remedy(checks, "'modprobe %s', once the check cpu-virtualization is "
				     "ok", module);
		else
			check_remedy(checks, "boot a kernel with CONFIG_KVM%s",
				     checks->arch == ARCH_ARM64 ? ", at EL2" : "");
	}
	check_evidence(checks, IOV_PATH_KVM, there ? "present" : "absent");
	if (there)
		check_evidence(checks, IOV_PATH_DEV_KVM, usable ? "usable" : "permission denied");
}

void check_cpu(struct checks *checks)
{
	bool x86 = checks->arch == ARCH_INTEL || checks->arch == ARCH_AMD;

	if (x86 && *checks->flags) {
		const struct extension *extension = &extensions[checks->arch];

		if (is_hidden(checks, extension))
			check_hidden_extension(checks, extension);
		else
			check_extension(checks, extension,
					check_has_word(checks->flags, "hypervisor"));
		check_paging(checks, extension);
		check_kvm(checks, extension->module);
		return;
	}
	check_line(checks, "cpu-virtualization", CHECK_SKIP, "%s", x86 ?
		   "no feature flags to read" : checks->arch == ARCH_ARM64 ?
		   "Arm processors do not list it; the check kvm tells" :
		   "not known to this tool for this architecture");
	check_line(checks, "nested-paging", CHECK_SKIP, "%s", x86 ?
		   "no feature flags to read" : checks->arch == ARCH_ARM64 ?
		   "part of the architecture (stage 2)" :
		   "not known to this tool for this architecture");
	check_kvm(checks, x86 ? extensions[checks->arch].module : "");
}
