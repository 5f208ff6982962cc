// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/test.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "host/check/check.h"
#include "plugins/plugins.h"
#include "sriov/vf.h"
#include "tests/unit/tree.h"

#define ACPI "sys/firmware/acpi/tables/"
#define DEVICES "sys/bus/pci/devices/"
#define GIB (1ull << 30)

static char *tree;
static struct iov *iov;
static struct json_object *checks;

static int setup(void **state)
{
	(void)state;
	tree = tree_new();
	iov = tree_open(tree);
	checks = NULL;
	return 0;
}

static int setup_default(void **state)
{
	(void)state;
	tree = tree_of_host("default");
	iov = tree_open(tree);
	checks = NULL;
	return 0;
}

static int setup_noiommu(void **state)
{
	(void)state;
	tree = tree_of_host("noiommu");
	iov = tree_open(tree);
	checks = NULL;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	json_object_put(checks);
	iov_close(iov);
	tree_remove(tree);
	return 0;
}

/* Bytes at an offset of a file, which is made when it is not there. */
static void put_bytes(const char *path, off_t offset, const void *bytes, size_t size)
{
	char full[PATH_MAX];
	int fd;

	snprintf(full, sizeof(full), "%s/%s", tree, path);
	if (access(full, F_OK))
		tree_file(tree, path, "");
	fd = open(full, O_WRONLY | O_CLOEXEC);
	assert_int_not_equal(fd, -1);
	assert_int_equal(pwrite(fd, bytes, size, offset), (ssize_t)size);
	close(fd);
}

/* An ACPI table: its name, its length, then what the checks read. */
static void put_table(const char *name, const void *body, size_t size)
{
	struct iov_path path = iov_path(ACPI "%s", name);
	char header[36] = { 0 };

	memcpy(header, name, 4);
	put_bytes(path.name, 0, header, sizeof(header));
	put_bytes(path.name, sizeof(header), body, size);
}

static void look_with(const struct iov_check_options *options)
{
	json_object_put(checks);
	assert_int_equal(iov_check_host(iov, options, &checks), 0);
}

static void look(void)
{
	look_with(NULL);
}

static void look_at(const char *device)
{
	struct iov_bdf bdf;

	json_object_put(checks);
	assert_int_equal(iov_bdf_parse(iov, device, &bdf), 0);
	assert_int_equal(iov_check_device(iov, bdf, &checks), 0);
}

static struct json_object *line_of(const char *name)
{
	for (size_t i = 0; i < json_object_array_length(checks); i++) {
		struct json_object *line = json_object_array_get_idx(checks, i);

		if (!strcmp(json_object_get_string(json_object_object_get(line, "check")), name))
			return line;
	}
	fail_msg("no check %s", name);
	return NULL;
}

static const char *text_of(const char *name, const char *key)
{
	const char *text = json_object_get_string(json_object_object_get(line_of(name), key));

	return text ? text : "";
}

static void assert_status(const char *name, const char *status)
{
	if (strcmp(text_of(name, "status"), status) != 0)
		fail_msg("%s: expected %s, got %s", name, status,
			 json_object_to_json_string(line_of(name)));
}

/* @words are in what a check says: "found", "evidence" or "remedy". */
static void assert_says(const char *name, const char *key, const char *words)
{
	if (!strstr(text_of(name, key), words))
		fail_msg("%s: expected '%s' in %s of %s", name, words, key,
			 json_object_to_json_string(line_of(name)));
}

static void use_intel(const char *flags)
{
	char cpuinfo[512];

	snprintf(cpuinfo, sizeof(cpuinfo), "processor\t: 0\nvendor_id\t: GenuineIntel\n"
		 "flags\t\t: fpu vme %s\nvmx flags\t: vnmi\n", flags);
	tree_file(tree, "proc/cpuinfo", cpuinfo);
}

static void use_amd(const char *flags)
{
	char cpuinfo[512];

	snprintf(cpuinfo, sizeof(cpuinfo), "processor\t: 0\nvendor_id\t: AuthenticAMD\n"
		 "flags\t\t: fpu vme %s\n", flags);
	tree_file(tree, "proc/cpuinfo", cpuinfo);
}

static void use_arm(void)
{
	tree_file(tree, "proc/cpuinfo", "processor\t: 0\nFeatures\t: fp asimd\n"
		  "CPU implementer\t: 0x41\n");
}

static void add_group(void)
{
	tree_file(tree, "sys/kernel/iommu_groups/0/type", "DMA-FQ\n");
}

/* DMAR with flags, one unit, and an RMRR of 00:1d.0 when asked for. */
static void use_dmar(unsigned char flags, bool reserved)
{
	unsigned char body[12 + 16 + 32] = { 39, flags };
	unsigned char *drhd = body + 12, *rmrr = drhd + 16;

	drhd[2] = 16;
	rmrr[0] = 1;
	rmrr[2] = 32;
	rmrr[24] = 1;		/* endpoint */
	rmrr[25] = 8;
	rmrr[30] = 0x1d;
	put_table("DMAR", body, reserved ? sizeof(body) : sizeof(body) - 32);
}

static void every_line_is_complete(void **state)
{
	(void)state;
	look();
	assert_true(json_object_array_length(checks) > 25);
	for (size_t i = 0; i < json_object_array_length(checks); i++) {
		struct json_object *line = json_object_array_get_idx(checks, i);
		const char *status = json_object_get_string(json_object_object_get(line, "status"));
		bool needs = !strcmp(status, "warn") || !strcmp(status, "fail");

		if (needs == !json_object_object_get(line, "remedy"))
			fail_msg("remedy: %s", json_object_to_json_string(line));
		if (strcmp(status, "skip") != 0 &&
		    !json_object_array_length(json_object_object_get(line, "evidence")))
			fail_msg("evidence: %s", json_object_to_json_string(line));
	}
}

static void a_processor_with_all_is_ok(void **state)
{
	(void)state;
	use_intel("vmx ept x2apic");
	tree_file(tree, "dev/kvm", "");
	look();
	assert_status("kvm", "fail");
	tree_file(tree, "sys/class/misc/kvm/dev", "10:232\n");
	look();
	assert_status("cpu-virtualization", "ok");
	assert_status("nested-paging", "ok");
	assert_status("kvm", "ok");
	assert_status("x2apic", "ok");
	use_amd("svm npt");
	look();
	assert_status("cpu-virtualization", "ok");
	assert_status("nested-paging", "ok");
	assert_status("x2apic", "skip");
}

static void kvm_works_where_the_flag_is_hidden(void **state)
{
	(void)state;
	use_intel("sse2");
	tree_file(tree, "sys/class/misc/kvm/dev", "10:232\n");
	look();
	assert_status("cpu-virtualization", "ok");
	assert_says("cpu-virtualization", "found", "KVM is there");
	assert_status("nested-paging", "skip");
	tree_file(tree, "sys/module/kvm_intel/parameters/ept", "Y\n");
	look();
	assert_status("nested-paging", "ok");
	tree_file(tree, "sys/module/kvm_intel/parameters/ept", "N\n");
	look();
	assert_status("nested-paging", "warn");
}

static void firmware_that_turned_virtualization_off_is_told_by_the_msr(void **state)
{
	uint64_t control = 0x1, vm_cr = 0x10;

	(void)state;
	use_intel("sse2");
	look();
	assert_status("cpu-virtualization", "fail");
	assert_says("cpu-virtualization", "remedy", "look for 'Intel Virtualization Technology'");
	put_bytes("dev/cpu/0/msr", 0x3a, &control, sizeof(control));
	look();
	assert_says("cpu-virtualization", "found", "firmware turned it off");
	assert_says("cpu-virtualization", "evidence", "0x3a is 0x1: locked without VMX");
	assert_says("cpu-virtualization", "remedy", "turn 'Intel Virtualization Technology'");
	assert_says("kvm", "remedy", "modprobe kvm_intel");

	use_amd("svm npt");
	put_bytes("dev/cpu/0/msr", 0xc0010114, &vm_cr, sizeof(vm_cr));
	look();
	assert_status("cpu-virtualization", "fail");
	assert_says("cpu-virtualization", "evidence", "SVMDIS");
	assert_says("cpu-virtualization", "remedy", "turn 'SVM Mode'");
}

static void firmware_that_turned_virtualization_off_is_told_by_the_log(void **state)
{
	(void)state;
	use_intel("sse2");
	tree_file(tree, "dev/kmsg", "4,2,0,-;x86/cpu: SGX disabled by BIOS.\n");
	look();
	assert_says("cpu-virtualization", "found", "VT-x (vmx) is not there");
	tree_file(tree, "dev/kmsg", "4,2,0,-;x86/cpu: VMX (outside TXT) disabled by BIOS\n");
	look();
	assert_says("cpu-virtualization", "found", "firmware turned it off");
}

static void a_guest_is_sent_to_its_hypervisor(void **state)
{
	(void)state;
	use_amd("hypervisor");
	look();
	assert_says("cpu-virtualization", "remedy", "kvm_intel.nested=1");
	tree_file(tree, "sys/class/dmi/id/sys_vendor", "VMware, Inc.\n");
	look();
	assert_says("cpu-virtualization", "remedy", "vhv.enable");
	tree_file(tree, "sys/class/dmi/id/sys_vendor", "Microsoft Corporation\n");
	look();
	assert_says("cpu-virtualization", "remedy", "ExposeVirtualizationExtensions");
	tree_file(tree, "sys/hypervisor/type", "xen\n");
	look();
	assert_says("cpu-virtualization", "remedy", "nestedhvm");
	tree_file(tree, "proc/xen/capabilities", "control_d\n");
	look();
	assert_says("cpu-virtualization", "found", "Xen has it");
	assert_says("kvm", "status", "skip");
	assert_says("pciback", "found", "xen-pciback");
}

static void an_iommu_needs_no_group_itself(void **state)
{
	(void)state;
	tree_file(tree, "sys/kernel/iommu_groups/0/type", "DMA\n");
	tree_file(tree, "sys/bus/pci/devices/0000:00:00.2/class", "0x080600\n");
	look();
	assert_says("iommu", "status", "ok");
	tree_file(tree, "sys/bus/pci/devices/0000:00:00.3/class", "0x020000\n");
	look();
	assert_says("iommu", "found", "but 1 of");
}

static void a_node_without_memory_has_no_huge_pages(void **state)
{
	size_t about = 0;

	(void)state;
	tree_file(tree, "sys/devices/system/node/node6/meminfo", "Node 6 MemTotal:     4096 kB\n");
	tree_file(tree, "sys/devices/system/node/node7/meminfo", "Node 7 MemTotal:        0 kB\n");
	look();
	for (size_t i = 0; i < json_object_array_length(checks); i++) {
		const char *device = json_text_or_null(json_object_array_get_idx(checks, i),
						       "device");

		assert_false(device && !strcmp(device, "node7"));
		about += device && !strcmp(device, "node6");
	}
	assert_true(about > 0);
}

static void paging_that_was_turned_off_names_the_parameter(void **state)
{
	(void)state;
	use_intel("vmx ept");
	tree_file(tree, "sys/module/kvm_intel/parameters/ept", "N\n");
	look();
	assert_status("nested-paging", "warn");
	assert_says("nested-paging", "remedy", "ept=0 of kvm_intel");
}

static void an_iommu_that_is_not_asked_for_says_the_parameter(void **state)
{
	(void)state;
	use_intel("vmx ept");
	use_dmar(1, false);
	tree_file(tree, "proc/cmdline", "root=/dev/sda1 quiet\n");
	look();
	assert_status("iommu-firmware", "ok");
	assert_says("iommu-firmware", "found", "DMAR, 1 unit, interrupt remapping");
	assert_status("iommu", "fail");
	assert_says("iommu", "remedy", "add intel_iommu=on");
	tree_file(tree, "proc/cmdline", "iommu=pt,off quiet\n");
	look();
	assert_says("iommu", "remedy", "remove iommu=off");
	assert_says("kernel-command-line", "remedy", "iommu=off turns the IOMMU off");
	add_group();
	tree_file(tree, "proc/cmdline", "quiet\n");
	look();
	assert_status("iommu", "ok");
}

static void an_iommu_that_firmware_hides_says_the_setting(void **state)
{
	(void)state;
	use_intel("vmx ept");
	look();
	assert_status("iommu-firmware", "skip");
	assert_says("iommu-firmware", "found", "the recorded host does not tell");
	tree_file(tree, "sys/firmware/acpi/tables/FACP", "");
	look();
	assert_status("iommu-firmware", "fail");
	assert_says("iommu-firmware", "remedy", "VT-d");
	use_amd("svm npt");
	look();
	assert_says("iommu-firmware", "remedy", "AMD-Vi");
	assert_says("iommu", "remedy", "AMD-Vi");
}

static void groups_without_an_iommu_do_not_count(void **state)
{
	(void)state;
	use_amd("svm npt");
	add_group();
	tree_file(tree, "sys/kernel/iommu_groups/0/name", "vfio-noiommu\n");
	tree_file(tree, "sys/module/vfio/parameters/enable_unsafe_noiommu_mode", "Y\n");
	look();
	assert_status("iommu", "fail");
	assert_status("noiommu", "warn");
	assert_says("noiommu", "remedy", "enable_unsafe_noiommu_mode");
}

static void amd_units_are_counted_once(void **state)
{
	unsigned char body[12 + 24 + 40] = { 2 };

	(void)state;
	use_amd("svm npt");
	body[12] = 0x10;
	body[14] = 24;
	body[36] = 0x11;
	body[38] = 40;
	put_table("IVRS", body, sizeof(body));
	look();
	assert_says("iommu-firmware", "found", "IVRS, 1 unit, DMA protection from boot on");
}

static void tables_that_only_root_may_read_are_no_verdict(void **state)
{
	(void)state;
	use_intel("vmx ept");
	tree_file(tree, ACPI "DMAR", "");
	look();
	assert_status("iommu-firmware", "ok");
	assert_says("iommu-firmware", "found", "for root only");
	assert_status("reserved-memory", "skip");
}

static void broken_tables_do_no_harm(void **state)
{
	unsigned char junk[64];

	(void)state;
	use_intel("vmx ept");
	for (int fill = 0; fill < 256; fill += 15) {
		memset(junk, fill, sizeof(junk));
		put_table("DMAR", junk, sizeof(junk));
		put_table("IVRS", junk, sizeof(junk) - 7);
		put_table("IORT", junk, sizeof(junk) - 3);
		put_table("VIOT", junk, 5);
		look();
	}
	assert_status("iommu-firmware", "ok");
}

static void interrupt_remapping_is_seen_in_the_names_of_controllers(void **state)
{
	(void)state;
	use_intel("vmx ept");
	use_dmar(1, false);
	add_group();
	tree_file(tree, "sys/kernel/irq/0/chip_name", "IO-APIC\n");
	look();
	assert_status("interrupt-remapping", "fail");
	assert_says("interrupt-remapping", "remedy", "log says why not");
	tree_file(tree, "proc/cmdline", "intremap=off\n");
	look();
	assert_says("interrupt-remapping", "remedy", "remove intremap=off");
	tree_file(tree, "sys/kernel/irq/24/chip_name", "IR-PCI-MSIX-0000:01:00.0\n");
	look();
	assert_status("interrupt-remapping", "ok");
}

static void remapping_that_firmware_does_not_offer_names_the_way_without(void **state)
{
	static const char *const unsafe = "sys/module/vfio_iommu_type1/parameters/"
					  "allow_unsafe_interrupts";

	(void)state;
	use_intel("vmx ept");
	use_dmar(0, false);
	add_group();
	tree_file(tree, "sys/kernel/irq/0/chip_name", "IO-APIC\n");
	tree_file(tree, unsafe, "N\n");
	look();
	assert_status("interrupt-remapping", "fail");
	assert_says("interrupt-remapping", "remedy", "allow_unsafe_interrupts=1");
	assert_status("unsafe-interrupts", "ok");
	tree_file(tree, unsafe, "Y\n");
	look();
	assert_status("interrupt-remapping", "warn");
	assert_status("unsafe-interrupts", "warn");
}

static void posted_interrupts_need_the_bit_in_every_unit(void **state)
{
	(void)state;
	use_intel("vmx ept");
	use_dmar(1, false);
	add_group();
	tree_file(tree, "sys/kernel/irq/24/chip_name", "IR-PCI-MSI\n");
	tree_file(tree, "sys/class/iommu/dmar0/intel-iommu/cap", "8d2078c106f0466\n");
	look();
	assert_status("posted-interrupts", "ok");
	tree_file(tree, "sys/module/kvm_intel/parameters/enable_apicv", "N\n");
	look();
	assert_status("posted-interrupts", "warn");
	assert_says("posted-interrupts", "remedy", "enable_apicv=1");
	tree_file(tree, "sys/class/iommu/dmar1/intel-iommu/cap", "d2078c106f0466\n");
	look();
	assert_status("posted-interrupts", "skip");
}

static void x2apic_that_firmware_opts_out_of_is_a_warning(void **state)
{
	(void)state;
	use_intel("vmx ept x2apic");
	use_dmar(3, false);
	look();
	assert_status("x2apic", "warn");
	assert_says("x2apic", "remedy", "intremap=no_x2apic_optout");
	tree_file(tree, "proc/cmdline", "intremap=no_x2apic_optout\n");
	look();
	assert_status("x2apic", "ok");
	tree_file(tree, "proc/cmdline", "nox2apic\n");
	look();
	assert_says("x2apic", "remedy", "remove nox2apic");
}

static void the_command_line_is_read_by_words(void **state)
{
	(void)state;
	use_intel("vmx ept");
	tree_file(tree, "proc/cmdline", "pci=realloc,noari vfio-iommu-type1.allow_unsafe_interrupts=1 "
		  "nopci=nomsi pcie_acs_override=downstream,multifunction\n");
	look();
	assert_status("kernel-command-line", "warn");
	assert_says("kernel-command-line", "evidence", "pci=realloc pci=noari");
	assert_says("kernel-command-line", "remedy", "pci=noari turns ARI off");
	assert_says("kernel-command-line", "remedy", "allow_unsafe_interrupts=1 lets");
	assert_null(strstr(text_of("kernel-command-line", "remedy"), "nomsi"));
	assert_status("acs-override", "warn");
	assert_says("acs-override", "evidence", "downstream,multifunction");
}

static void reserved_memory_names_the_function(void **state)
{
	(void)state;
	use_intel("vmx ept");
	use_dmar(1, true);
	look();
	assert_status("reserved-memory", "warn");
	assert_says("reserved-memory", "found", "0000:00:1d.0");
}

static void arm_is_judged_by_its_own_names(void **state)
{
	unsigned char body[12 + 24 + 24] = { 2, 0, 0, 0, 48 };

	(void)state;
	use_arm();
	look();
	assert_status("interrupt-remapping", "skip");
	assert_status("smmu", "fail");
	assert_says("iommu", "remedy", "SMMU");
	body[12] = 4;
	body[13] = 24;
	body[36] = 0;
	body[37] = 24;
	put_table("IORT", body, sizeof(body));
	look();
	assert_says("iommu-firmware", "found", "IORT, 1 unit");
	assert_status("smmu", "fail");
	assert_says("smmu", "remedy", "arm_smmu_v3");
	assert_status("gic-its", "ok");
	tree_file(tree, "sys/class/iommu/smmu3.0x000000002b400000/uevent", "");
	add_group();
	look();
	assert_status("smmu", "ok");
	assert_says("smmu", "found", "1 SMMUv3, 0 SMMUv2");
}

static void a_device_tree_describes_as_acpi_does(void **state)
{
	static const char its[] = "arm,gic-v3-its", smmu[] = "vendor,x\0arm,mmu-500";

	(void)state;
	use_arm();
	tree_file(tree, "sys/firmware/devicetree/base/compatible", "vendor,board");
	look();
	assert_status("iommu-firmware", "skip");
	assert_status("gic-its", "fail");
	assert_says("gic-its", "remedy", "allow_unsafe_interrupts=1");
	put_bytes("sys/firmware/devicetree/base/soc/interrupt-controller@8/msi@9/compatible", 0,
		  its, sizeof(its));
	put_bytes("sys/firmware/devicetree/base/soc/iommu@5/compatible", 0, smmu, sizeof(smmu));
	look();
	assert_status("gic-its", "ok");
	assert_says("smmu", "found", "firmware describes it");
}

static void huge_pages_are_told_by_node_and_size(void **state)
{
	(void)state;
	use_intel("vmx ept");
	tree_file(tree, "sys/devices/system/node/node0/hugepages/hugepages-2048kB/nr_hugepages",
		  "512\n");
	tree_file(tree, "sys/devices/system/node/node0/hugepages/hugepages-2048kB/free_hugepages",
		  "510\n");
	tree_file(tree, "sys/devices/system/node/node1/hugepages/hugepages-1048576kB/nr_hugepages",
		  "0\n");
	tree_file(tree, "sys/kernel/mm/transparent_hugepage/enabled", "always madvise [never]\n");
	look();
	assert_says("huge-pages", "device", "node0");
	assert_says("huge-pages", "found", "2 MiB: 510 of 512 free");
	json_object_object_add(line_of("huge-pages"), "check", json_object_new_string("seen"));
	assert_says("huge-pages", "device", "node1");
	assert_status("huge-pages", "warn");
	assert_says("huge-pages", "remedy", "node1/hugepages");
}

static void locked_memory_is_compared_with_the_guests(void **state)
{
	static const struct iov_check_guest guests[] = { { 4 * GIB, 1 }, { 2 * GIB, 3 } };
	struct iov_check_options options = { guests, 2 };

	(void)state;
	use_intel("vmx ept");
	tree_file(tree, "proc/self/status", "Name:\tiov\nCapEff:\t0000000000000000\n");
	tree_file(tree, "proc/self/limits", "Limit  Soft Limit  Hard Limit  Units\n"
		  "Max locked memory         8388608              8388608              bytes\n");
	tree_file(tree, "proc/meminfo", "MemTotal: 9 kB\nMemAvailable:    4194304 kB\n");
	tree_file(tree, "etc/security/limits.d/kvm.conf", "# memlock\nqemu hard memlock 1024\n");
	look();
	assert_status("locked-memory", "warn");
	assert_says("locked-memory", "evidence", "qemu hard memlock 1024");
	assert_status("guest-memory", "ok");
	look_with(&options);
	assert_status("locked-memory", "fail");
	assert_says("locked-memory", "found", "8 MiB, but the largest guest needs 7 GiB");
	assert_says("locked-memory", "remedy", "LimitMEMLOCK=7G");
	assert_status("guest-memory", "fail");
	tree_file(tree, "proc/self/limits", "Max locked memory         8589934592   8589934592 bytes\n");
	look_with(&options);
	assert_status("locked-memory", "warn");
	assert_says("locked-memory", "found", "12 GiB");
	tree_file(tree, "proc/self/limits", "Max locked memory   unlimited   unlimited  bytes\n");
	tree_file(tree, "sys/kernel/mm/hugepages/hugepages-1048576kB/free_hugepages", "2\n");
	look_with(&options);
	assert_status("locked-memory", "ok");
	assert_status("guest-memory", "ok");
}

static void lockdown_says_what_it_forbids(void **state)
{
	static const char on[] = { 6, 0, 0, 0, 1 };

	(void)state;
	use_intel("vmx ept");
	tree_file(tree, "sys/kernel/security/lockdown", "none [integrity] confidentiality\n");
	tree_file(tree, "sys/module/apparmor/parameters/enabled", "Y\n");
	tree_file(tree, "sys/kernel/security/apparmor/profiles", "libvirtd (enforce)\n");
	tree_file(tree, "sys/fs/selinux/enforce", "1");
	put_bytes("sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c", 0, on,
		  sizeof(on));
	look();
	assert_status("lockdown", "warn");
	assert_says("lockdown", "remedy", "vfio-pci");
	assert_says("secure-boot", "found", "on");
	assert_says("apparmor", "found", "profile of libvirt");
	assert_says("selinux", "found", "enforcing");
}

/* A recorded host in which all is right, so that one thing at a time can be wrong. */
static void the_recorded_host_is_ready(void **state)
{
	(void)state;
	look();
	for (size_t i = 0; i < json_object_array_length(checks); i++) {
		struct json_object *line = json_object_array_get_idx(checks, i);
		const char *status = json_object_get_string(json_object_object_get(line, "status"));

		if (!strcmp(status, "warn") || !strcmp(status, "fail"))
			fail_msg("%s", json_object_to_json_string(line));
	}
	assert_status("interrupt-remapping", "ok");
	assert_says("iommu-firmware", "found", "DMAR, 1 unit, interrupt remapping");
}

static void vf_bars_without_addresses_fail(void **state)
{
	(void)state;
	look_at("0000:01:00.0");
	assert_status("vf-mmio", "ok");
	tree_file(tree, DEVICES "0000:01:00.0/resource",
		  "0x00000000fdc00000 0x00000000fdc1ffff 0x0000000000040200\n");
	look_at("0000:01:00.0");
	assert_status("vf-mmio", "fail");
	assert_says("vf-mmio", "remedy", "pci=realloc");
	assert_says("vf-mmio", "remedy", "Above 4G Decoding");
}

static void vfs_beyond_the_last_bus_are_counted(void **state)
{
	(void)state;
	tree_file(tree, DEVICES "0000:01:00.0/sriov_totalvfs", "100\n");
	look_at("0000:01:00.0");
	assert_status("vf-buses", "warn");
	assert_says("vf-buses", "found", "64 of its 100 VFs");
	assert_says("vf-buses", "remedy", "pci=assign-busses");
	tree_file(tree, DEVICES "0000:01:00.0/sriov_offset", "256\n");
	look_at("0000:01:00.0");
	assert_status("vf-buses", "fail");
}

static void a_vf_is_ready(void **state)
{
	(void)state;
	look_at("0000:01:10.0");
	assert_status("assignable", "ok");
	assert_status("group", "ok");
	assert_status("acs", "ok");
	assert_status("reset", "ok");
	assert_says("reset", "evidence", "FLR");
	assert_status("interrupts", "ok");
	assert_says("interrupts", "found", "3 MSI-X");
	assert_status("intx", "skip");
	assert_int_equal(iov_check_failures(checks), 0);
}

static void a_device_behind_a_bridge_says_who_moves_along(void **state)
{
	(void)state;
	look_at("0000:04:01.0");
	assert_status("legacy-pci", "warn");
	assert_says("legacy-pci", "found", "0000:03:00.0");
	assert_status("group", "warn");
	assert_says("group", "found", "0000:04:02.0 must leave the host");
	assert_says("group", "remedy", "iov bind 0000:04:01.0 --driver vfio-pci --group");
	assert_status("interrupts", "warn");
	assert_status("ari", "skip");
}

static void a_shared_line_matters_without_msi(void **state)
{
	(void)state;
	tree_file(tree, DEVICES "0000:04:01.0/irq", "21\n");
	tree_file(tree, DEVICES "0000:04:02.0/irq", "21\n");
	tree_file(tree, DEVICES "0000:01:00.0/irq", "21\n");
	look_at("0000:04:01.0");
	assert_status("intx", "warn");
	assert_says("intx", "found", "shared with 0000:04:02.0");
	assert_null(strstr(text_of("intx", "found"), "0000:01:00.0"));
	tree_file(tree, DEVICES "0000:04:02.0/irq", "22\n");
	look_at("0000:04:01.0");
	assert_status("intx", "ok");
}

static void memory_that_firmware_keeps_forbids_assignment(void **state)
{
	(void)state;
	tree_file(tree, "sys/kernel/iommu_groups/16/reserved_regions",
		  "0x0000000000000000 0x0000000000ffffff direct-relaxable\n"
		  "0x00000000fee00000 0x00000000feefffff msi\n");
	look_at("0000:01:10.0");
	assert_status("reserved-memory", "ok");
	tree_file(tree, "sys/kernel/iommu_groups/16/reserved_regions",
		  "0x00000000bdf00000 0x00000000bdffffff direct\n");
	look_at("0000:01:10.0");
	assert_status("reserved-memory", "fail");
}

static void a_slow_link_says_whether_the_slot_is_why(void **state)
{
	(void)state;
	tree_file(tree, DEVICES "0000:01:00.0/max_link_speed", "16.0 GT/s PCIe\n");
	tree_file(tree, DEVICES "0000:01:00.0/max_link_width", "1\n");
	look_at("0000:01:00.0");
	assert_status("link", "warn");
	tree_file(tree, DEVICES "0000:00:01.0/max_link_speed", "2.5 GT/s PCIe\n");
	tree_file(tree, DEVICES "0000:00:01.0/max_link_width", "1\n");
	look_at("0000:01:00.0");
	assert_says("link", "found", "all that its slot can");
	tree_file(tree, DEVICES "0000:00:01.0/max_link_speed", "16.0 GT/s PCIe\n");
	look_at("0000:01:00.0");
	assert_says("link", "remedy", "under load");
}

static void states_of_a_function_are_told(void **state)
{
	(void)state;
	tree_file(tree, DEVICES "0000:05:00.0/power_state", "D3cold\n");
	tree_file(tree, DEVICES "0000:05:00.0/boot_vga", "1\n");
	tree_file(tree, DEVICES "0000:05:00.0/reset_method", "\n");
	look_at("0000:05:00.0");
	assert_status("power", "warn");
	assert_says("power", "remedy", "d3cold_allowed");
	assert_status("rom", "warn");
	assert_says("rom", "remedy", "romfile=");
	assert_status("reset", "warn");
}

static void a_gpu_tells_what_guests_can_have_of_it(void **state)
{
	(void)state;
	assert_int_equal(iov_sriov_register(iov), 0);
	assert_int_equal(iov_plugins_register(iov), 0);
	tree_file(tree, DEVICES "0000:05:00.0/class", "0x030000\n");
	tree_file(tree, DEVICES "0000:05:00.1/class", "0x040300\n");
	look_at("0000:05:00.0");
	assert_says("gpu-ways", "found", "GPU passthrough, GVT-s");
	assert_says("gpu-slot", "found", "0000:05:00.1 in its slot, which 'iov bind 0000:05:00.0 --slot' takes along");
	assert_says("vga", "found", "no other display");
	/* A second one, and vfio-pci that leaves VGA to it. */
	tree_file(tree, DEVICES "0000:06:00.0/class", "0x030000\n");
	look_at("0000:05:00.0");
	assert_status("vga", "warn");
	assert_says("vga", "remedy", "--disable-vga");
	tree_file(tree, "sys/module/vfio_pci/parameters/disable_vga", "Y\n");
	look_at("0000:05:00.0");
	assert_status("vga", "ok");
	tree_file(tree, DEVICES "0000:05:00.0/nvidia/current_vgpu_type", "0\n");
	tree_file(tree, DEVICES "0000:05:00.0/nvidia/creatable_vgpu_types", "ID : vGPU Name\n");
	look_at("0000:05:00.0");
	assert_status("vgpu", "warn");
	assert_says("vgpu", "found", "no type of vGPU has an instance left");
}

static void a_reset_that_takes_others_names_them(void **state)
{
	(void)state;
	tree_file(tree, DEVICES "0000:04:01.0/reset_method", "\n");
	look_at("0000:04:01.0");
	assert_status("reset", "warn");
	assert_says("reset", "found", "takes 0000:04:02.0 along");
}

static void without_privilege_capabilities_are_not_judged(void **state)
{
	(void)state;
	tree_file(tree, DEVICES "0000:01:00.0/config", "\x86\x80\xc9\x10");
	look_at("0000:01:00.0");
	assert_status("capabilities", "warn");
	assert_says("capabilities", "remedy", "sudo");
	assert_status("interrupts", "skip");
}

static void a_function_without_an_iommu_says_how_to_turn_it_on(void **state)
{
	(void)state;
	look_at("0000:01:00.0");
	assert_status("group", "fail");
	assert_status("assignable", "fail");
	assert_says("group", "remedy", "turn the IOMMU (AMD-Vi) on in the firmware");
}

static void an_unknown_function_is_named(void **state)
{
	struct iov_bdf bdf = { .bus = 9 };

	(void)state;
	assert_int_equal(iov_check_device(iov, bdf, &checks), -ENODEV);
	assert_non_null(strstr(iov_error_message(iov), "0000:09:00.0"));
}

#define TEST(name, setup) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_line_is_complete, setup),
		TEST(every_line_is_complete, setup_default),
		TEST(every_line_is_complete, setup_noiommu),
		TEST(a_processor_with_all_is_ok, setup),
		TEST(kvm_works_where_the_flag_is_hidden, setup),
		TEST(firmware_that_turned_virtualization_off_is_told_by_the_msr, setup),
		TEST(firmware_that_turned_virtualization_off_is_told_by_the_log, setup),
		TEST(a_guest_is_sent_to_its_hypervisor, setup),
		TEST(an_iommu_needs_no_group_itself, setup),
		TEST(a_node_without_memory_has_no_huge_pages, setup),
		TEST(paging_that_was_turned_off_names_the_parameter, setup),
		TEST(an_iommu_that_is_not_asked_for_says_the_parameter, setup),
		TEST(an_iommu_that_firmware_hides_says_the_setting, setup),
		TEST(groups_without_an_iommu_do_not_count, setup),
		TEST(amd_units_are_counted_once, setup),
		TEST(tables_that_only_root_may_read_are_no_verdict, setup),
		TEST(broken_tables_do_no_harm, setup),
		TEST(interrupt_remapping_is_seen_in_the_names_of_controllers, setup),
		TEST(remapping_that_firmware_does_not_offer_names_the_way_without, setup),
		TEST(posted_interrupts_need_the_bit_in_every_unit, setup),
		TEST(x2apic_that_firmware_opts_out_of_is_a_warning, setup),
		TEST(the_command_line_is_read_by_words, setup),
		TEST(reserved_memory_names_the_function, setup),
		TEST(arm_is_judged_by_its_own_names, setup),
		TEST(a_device_tree_describes_as_acpi_does, setup),
		TEST(huge_pages_are_told_by_node_and_size, setup),
		TEST(locked_memory_is_compared_with_the_guests, setup),
		TEST(lockdown_says_what_it_forbids, setup),
		TEST(the_recorded_host_is_ready, setup_default),
		TEST(vf_bars_without_addresses_fail, setup_default),
		TEST(vfs_beyond_the_last_bus_are_counted, setup_default),
		TEST(a_vf_is_ready, setup_default),
		TEST(a_device_behind_a_bridge_says_who_moves_along, setup_default),
		TEST(a_shared_line_matters_without_msi, setup_default),
		TEST(memory_that_firmware_keeps_forbids_assignment, setup_default),
		TEST(a_slow_link_says_whether_the_slot_is_why, setup_default),
		TEST(states_of_a_function_are_told, setup_default),
		TEST(a_gpu_tells_what_guests_can_have_of_it, setup_default),
		TEST(a_reset_that_takes_others_names_them, setup_default),
		TEST(without_privilege_capabilities_are_not_judged, setup_default),
		TEST(a_function_without_an_iommu_says_how_to_turn_it_on, setup_noiommu),
		TEST(an_unknown_function_is_named, setup_default),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
