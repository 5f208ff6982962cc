// SPDX-License-Identifier: GPL-2.0-or-later
/* What else says no: "selinux", "apparmor", "secure-boot", "lockdown". */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/sysroot/paths.h"
#include "base/sysroot/sysroot.h"
#include "host/check/check_internal.h"

/* UEFI 2.10, section 3.3: a variable with the GUID of EFI_GLOBAL_VARIABLE */
#define SECURE_BOOT IOV_PATH_EFI_VARIABLES "/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
#define EFI_ATTRIBUTES_SIZE 4

static void check_selinux(struct checks *checks)
{
	static const char enforce[] = IOV_PATH_SELINUX "/enforce";
	int64_t enforcing;

	if (iov_sys_read_number(checks->iov, enforce, &enforcing)) {
		check_line(checks, "selinux", CHECK_SKIP, "not on");
		check_evidence(checks, enforce, "absent");
		return;
	}
	if (enforcing)
		check_line(checks, "selinux", CHECK_OK, "enforcing: libvirt labels the devices that "
			   "it gives to a guest; a socket of iovd needs a label that svirt_t may "
			   "connect to");
	else
		check_line(checks, "selinux", CHECK_OK, "permissive: it only logs");
	check_evidence(checks, enforce, "%d", enforcing != 0);
}

static void check_apparmor(struct checks *checks)
{
	static const char enabled[] = IOV_PATH_MODULES "/apparmor/parameters/enabled";
	static const char profiles_path[] = IOV_PATH_SECURITY "/apparmor/profiles";
	_cleanup_free_ char *profiles = NULL;

	if (check_parameter(checks, "apparmor", "enabled") != 1) {
		check_line(checks, "apparmor", CHECK_SKIP, "not on");
		check_evidence(checks, enabled, "not Y");
		return;
	}
	iov_sys_read_all(checks->iov, profiles_path, &profiles, NULL);
	if (profiles && strstr(profiles, "libvirt"))
		check_line(checks, "apparmor", CHECK_OK, "on, with a profile of libvirt: it adds "
			   "the devices of a guest; a socket of iovd needs a line in "
			   "/etc/apparmor.d/abstractions/libvirt-qemu or local/");
	else
		check_line(checks, "apparmor", CHECK_OK, "on%s", profiles ?
			   ", and no profile is about virtual machines" : "");
	check_evidence(checks, enabled, "Y");
	check_evidence(checks, profiles_path, !profiles ? "not readable" :
		       strstr(profiles, "libvirt") ? "libvirt" : "no libvirt");
}

static void check_secure_boot(struct checks *checks)
{
	_cleanup_fd_ int fd = iov_sys_open(checks->iov, SECURE_BOOT, O_RDONLY);
	unsigned char value[EFI_ATTRIBUTES_SIZE + 1];

	if (fd < 0 || read(fd, value, sizeof(value)) != sizeof(value)) {
		check_line(checks, "secure-boot", CHECK_SKIP, "not known: no UEFI variable tells");
		check_evidence(checks, SECURE_BOOT, "absent");
		return;
	}
	check_line(checks, "secure-boot", CHECK_OK, value[EFI_ATTRIBUTES_SIZE] ?
		   "on: the kernel takes signed modules only" : "off");
	check_evidence(checks, SECURE_BOOT, "%u", value[EFI_ATTRIBUTES_SIZE]);
}

/* kernel_lockdown(7) */
static void check_lockdown(struct checks *checks)
{
	static const char path[] = IOV_PATH_SECURITY "/lockdown";
	char value[128];

	if (iov_sys_read(checks->iov, path, value, sizeof(value))) {
		check_line(checks, "lockdown", CHECK_SKIP, "not known: securityfs has no lockdown");
		check_evidence(checks, path, "absent");
		return;
	}
	if (strstr(value, "[none]")) {
		check_line(checks, "lockdown", CHECK_OK, "off");
	} else {
		check_line(checks, "lockdown", CHECK_WARN, "on: VFIO works; unsigned modules, BARs "
			   "and configuration space through sysfs, and MSRs are forbidden");
		check_remedy(checks, "use vfio-pci and no uio driver; sign modules of your own "
			     "('mokutil --import KEY'); run no setpci; Secure Boot off in the "
			     "firmware ends it");
	}
	check_evidence(checks, path, "%s", value);
}

void check_security(struct checks *checks)
{
	check_selinux(checks);
	check_apparmor(checks);
	check_secure_boot(checks);
	check_lockdown(checks);
}
