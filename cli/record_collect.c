// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What is recorded of a host: what iovkit reads, and nothing else.  Attributes that only take writes
 * are there and empty; those that refuse to be read are left out, and what would wake a function
 * that sleeps is not asked for.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/pci/pci.h"
#include "base/pci/pci_config.h"
#include "base/sysroot/call.h"
#include "base/sysroot/paths.h"
#include "base/sysroot/sysdir.h"
#include "base/sysroot/sysroot.h"
#include "cli/list.h"
#include "cli/record.h"

struct collect {
	struct iov *iov;
	FILE *out;
	struct json_object *modules;	/* set of those whose tables are kept */
};

typedef void filter_fn(char *text);

/* Behind the last path of an array */
#define END NULL

static const char *const function_files[] = {
	"class", "vendor", "device", "revision", "uevent", "modalias", "resource", "numa_node",
	"driver_override", "reset_method", "power_state", "d3cold_allowed", "sriov_totalvfs",
	"sriov_offset", "sriov_stride", "sriov_vf_device", "sriov_drivers_autoprobe", "irq", "boot_vga",
	"boot_display",
	"resource0_resize", "resource1_resize", "resource2_resize", "resource3_resize", "resource4_resize",
	"resource5_resize", "nvidia/current_vgpu_type", "nvidia/creatable_vgpu_types", END,
};

/* What a GPU's driver has for each VF, xe's */
static const char *const profile_files[] = {
	"profile/exec_quantum_ms", "profile/preempt_timeout_us", "profile/sched_priority",
	"profile/vram_quota", END,
};

/* To read these wakes a function. */
static const char *const awake_files[] = {
	"config", "current_link_speed", "current_link_width", "max_link_speed", "max_link_width", END,
};

static const char *const function_links[] = { "driver", "iommu_group", "physfn", END };

static const char *const net_files[] = {
	"address", "addr_assign_type", "mtu", "operstate", "phys_port_name", "phys_switch_id", "dev_port",
	END,
};

static const char *const block_files[] = { "dev", "size", "partition", END };
static const char *const nvme_files[] = { "cntlid", "serial", END };
static const char *const iommu_files[] = {
	"intel-iommu/cap", "intel-iommu/ecap", "amd-iommu/cap", "amd-iommu/features", END,
};
static const char *const none[] = { END };

static const char *const group_files[] = { "type", "name", "reserved_regions", END };

/* Files of the host as a whole */
static const char *const host_files[] = {
	IOV_PATH_SWAPS, IOV_PATH_ROUTE4, IOV_PATH_ROUTE6, IOV_PATH_ADDRESS6, IOV_PATH_LOCAL4,
	IOV_PATH_BOOT_ID, IOV_PATH_MEMINFO, IOV_PATH_RELEASE, IOV_PATH_HYPERVISOR,
	IOV_PATH_XEN_CAPABILITIES, IOV_PATH_DMI_VENDOR, IOV_PATH_TRANSPARENT,
	IOV_PATH_ACPI_TABLES "/DMAR", IOV_PATH_ACPI_TABLES "/IVRS", IOV_PATH_ACPI_TABLES "/IORT",
	IOV_PATH_ACPI_TABLES "/VIOT", IOV_PATH_MODULES "/kvm_intel/parameters/ept",
	IOV_PATH_MODULES "/kvm_intel/parameters/enable_apicv", IOV_PATH_MODULES "/kvm_amd/parameters/npt",
	IOV_PATH_MODULES "/kvm_amd/parameters/avic",
	IOV_PATH_MODULES "/vfio_iommu_type1/parameters/allow_unsafe_interrupts",
	IOV_PATH_MODULES "/iommufd/parameters/allow_unsafe_interrupts",
	IOV_PATH_MODULES "/apparmor/parameters/enabled", IOV_PATH_SELINUX "/enforce",
	IOV_PATH_SECURITY "/lockdown", IOV_PATH_MODULES "/vfio_pci/parameters/disable_vga", IOV_PATH_IOMEM, END,
};

void record_put(FILE *file, const struct record_entry *entry)
{
	const uint64_t lengths[] = { strlen(entry->path), entry->length };

	fputc(entry->type, file);
	fwrite(lengths, sizeof(lengths), 1, file);
	fwrite(entry->path, 1, lengths[0] + 1, file);
	fwrite(entry->data, 1, entry->length, file);
	fputc('\0', file);
}

bool record_next(const char **at, struct record_entry *entry)
{
	uint64_t lengths[2];

	if (!**at)
		return false;
	entry->type = (enum record_type)**at;
	memcpy(lengths, *at + 1, sizeof(lengths));
	entry->path = *at + 1 + sizeof(lengths);
	entry->data = entry->path + lengths[0] + 1;
	entry->length = lengths[1];
	*at = entry->data + entry->length + 1;
	return true;
}

static void put(const struct collect *collect, enum record_type type, const char *path,
		const char *data, size_t length)
{
	record_put(collect->out, &(struct record_entry){ type, path, data, length });
}

static void directory(const struct collect *collect, const char *path)
{
	put(collect, RECORD_DIRECTORY, path, "", 0);
}

static void write_only(const struct collect *collect, const char *path)
{
	put(collect, RECORD_FILE, path, "", 0);
}

static char *text_of(const struct collect *collect, const char *path, size_t *length)
{
	char *text;

	iov_sys_asking(collect->iov, "what is in /%s", path);
	return iov_sys_read_all(collect->iov, path, &text, length) ? NULL : text;
}

static void file(const struct collect *collect, const char *path)
{
	size_t length;
	_cleanup_free_ char *text = text_of(collect, path, &length);

	if (text)
		put(collect, RECORD_FILE, path, text, length);
}

static void filtered(const struct collect *collect, const char *path, filter_fn *filter)
{
	_cleanup_free_ char *text = text_of(collect, path, NULL);

	if (!text)
		return;
	filter(text);
	put(collect, RECORD_FILE, path, text, strlen(text));
}

static void files(const struct collect *collect, const char *folder, const char *const *names)
{
	for (; *names; names++)
		file(collect, iov_path("%s/%s", folder, *names).name);
}

/* A link as it is, without what it leads to */
static bool link_at(const struct collect *collect, const char *path, char *target, size_t size)
{
	if (iov_sys_link(collect->iov, path, target, size))
		return false;
	put(collect, RECORD_LINK, path, target, strlen(target));
	return true;
}

static void link_of(const struct collect *collect, const char *path)
{
	char target[IOV_PATH_MAX];

	link_at(collect, path, target, sizeof(target));
}

/* Where a link leads, by its words: "sys/a/b" and "../c" is "sys/c"; false for what leaves the root. */
static bool follow(const char *path, const char *target, struct iov_path *real)
{
	_cleanup_free_ char *copy = strdup(target);
	char *rest = copy, *part, *slash;

	*real = iov_path("%s", *target == '/' ? "" : path);
	if (*target != '/')
		*(strrchr(real->name, '/') ? strrchr(real->name, '/') : real->name) = '\0';
	while ((part = strsep(&rest, "/"))) {
		if (!*part || !strcmp(part, "."))
			continue;
		slash = strrchr(real->name, '/');
		if (!strcmp(part, "..") && !*real->name)
			return false;
		if (!strcmp(part, ".."))
			*(slash ? slash : real->name) = '\0';
		else
			*real = iov_path("%s%s%s", real->name, *real->name ? "/" : "", part);
	}
	return *real->name;
}

typedef void visit_fn(const struct collect *collect, const char *path, const char *name);

static void each(const struct collect *collect, const char *folder, visit_fn *visit)
{
	char **names;
	size_t count;

	if (iov_sys_list(collect->iov, folder, &names, &count))
		return;
	for (size_t i = 0; i < count; i++)
		visit(collect, iov_path("%s/%s", folder, names[i]).name, names[i]);
	iov_names_free(names, count);
}

static void visit_link(const struct collect *collect, const char *path, const char *name)
{
	(void)name;
	link_of(collect, path);
}

/* Functions */

static void visit_vfio(const struct collect *collect, const char *path, const char *name)
{
	(void)name;
	file(collect, iov_path("%s/uevent", path).name);
}

static void visit_profile(const struct collect *collect, const char *path, const char *name)
{
	(void)name;
	files(collect, path, profile_files);
}

static void visit_of_function(const struct collect *collect, const char *path, const char *name)
{
	if (!strncmp(name, "virtfn", strlen("virtfn")))
		link_of(collect, path);
}

/* Who reads it from a driver that makes VFs waits as long as that takes; links tell as well. */
static void count_vfs(const struct collect *collect, const char *name, const char *folder)
{
	char number[16];
	struct iov_bdf bdf;

	if (!iov_bdf_scan(name, &bdf) ||
	    !iov_sys_exists(collect->iov, iov_path("%s/sriov_totalvfs", folder).name))
		return;
	snprintf(number, sizeof(number), "%u\n", iov_pci_vf_count(collect->iov, bdf));
	put(collect, RECORD_FILE, iov_path("%s/sriov_numvfs", folder).name, number, strlen(number));
}

static void visit_function(const struct collect *collect, const char *path, const char *name)
{
	_cleanup_fd_ int dir = iov_dir_open(collect->iov, path);
	char target[IOV_PATH_MAX];
	struct iov_path real;
	struct iov_bdf bdf;

	if (dir < 0 || !iov_bdf_scan(name, &bdf) || !link_at(collect, path, target, sizeof(target)) ||
	    !follow(path, target, &real))
		return;
	files(collect, real.name, function_files);
	if (!iov_pci_is_asleep(collect->iov, bdf, dir))
		files(collect, real.name, awake_files);
	for (const char *const *link = function_links; *link; link++)
		link_of(collect, iov_path("%s/%s", real.name, *link).name);
	each(collect, real.name, visit_of_function);
	each(collect, iov_path("%s/vfio-dev", real.name).name, visit_vfio);
	each(collect, iov_path("%s/sriov_admin", real.name).name, visit_profile);
	count_vfs(collect, name, real.name);
}

static void visit_slot(const struct collect *collect, const char *path, const char *name)
{
	(void)name;
	file(collect, iov_path("%s/address", path).name);
}

/* Drivers and their modules */

static bool has_name(const struct collect *collect, const char *folder, const char *part)
{
	char **names;
	size_t count;
	bool found = false;

	if (iov_sys_list(collect->iov, folder, &names, &count))
		return false;
	for (size_t i = 0; i < count; i++)
		found |= strstr(names[i], part) != NULL;
	iov_names_free(names, count);
	return found;
}

static void want_module(const struct collect *collect, const char *name)
{
	json_object_object_add(collect->modules, iov_module_name(name).name, NULL);
}

static bool is_vfio(const char *name)
{
	return !strncmp(name, "vfio", strlen("vfio"));
}

static void visit_driver(const struct collect *collect, const char *path, const char *name)
{
	struct iov_path module = iov_path("%s/module", path);
	char target[IOV_PATH_MAX];

	want_module(collect, name);
	if (!iov_sys_link_name(collect->iov, module.name, target, sizeof(target)))
		want_module(collect, target);
	if (!is_vfio(name) && !has_name(collect, path, ":"))
		return;
	write_only(collect, iov_path("%s/bind", path).name);
	write_only(collect, iov_path("%s/unbind", path).name);
	link_of(collect, module.name);
}

static void visit_module_driver(const struct collect *collect, const char *path, const char *name)
{
	if (!strncmp(name, "pci:", strlen("pci:")))
		link_of(collect, path);
}

static void visit_module(const struct collect *collect, const char *path, const char *name)
{
	struct iov_path drivers = iov_path("%s/drivers", path);

	if (!is_vfio(name) && !has_name(collect, drivers.name, "pci:"))
		return;
	file(collect, iov_path("%s/initstate", path).name);
	file(collect, iov_path("%s/parameters/enable_unsafe_noiommu_mode", path).name);
	each(collect, drivers.name, visit_module_driver);
}

static void table(const struct collect *collect, const char *path,
		  void (*filter)(char *text, struct json_object *wanted))
{
	_cleanup_free_ char *text = text_of(collect, path, NULL);

	if (!text)
		return;
	filter(text, collect->modules);
	put(collect, RECORD_FILE, path, text, strlen(text));
}

/* What drivers are for, and which watchdogs there are; those first, as they are wanted modules. */
static void tables(const struct collect *collect)
{
	_cleanup_free_ char *text = NULL;
	char release[128];
	struct iov_path folder;
	size_t length;

	if (iov_sys_read(collect->iov, IOV_PATH_RELEASE, release, sizeof(release)))
		return;
	folder = iov_path(IOV_PATH_MODULE_FILES "/%s", release);
	table(collect, iov_path("%s/modules.dep", folder.name).name, record_filter_watchdogs);
	table(collect, iov_path("%s/modules.builtin", folder.name).name, record_filter_watchdogs);
	table(collect, iov_path("%s/modules.alias", folder.name).name, record_filter_aliases);
	folder = iov_path("%s/modules.builtin.modinfo", folder.name);
	text = text_of(collect, folder.name, &length);
	if (text)
		put(collect, RECORD_FILE, folder.name, text, record_filter_builtin(text, length));
}

/* Groups and classes */

static void visit_group(const struct collect *collect, const char *path, const char *name)
{
	(void)name;
	files(collect, path, group_files);
	each(collect, iov_path("%s/devices", path).name, visit_link);
}

static void visit_stacked(const struct collect *collect, const char *path, const char *name)
{
	if (!strncmp(name, "lower_", strlen("lower_")) || !strncmp(name, "upper_", strlen("upper_")))
		link_of(collect, path);
}

/* The devices of a class, with the links of stacked ones */
static void class(const struct collect *collect, const char *path, const char *const *names)
{
	char **entries, target[IOV_PATH_MAX];
	struct iov_path real;
	size_t count;

	if (iov_sys_list(collect->iov, path, &entries, &count))
		return;
	for (size_t i = 0; i < count; i++) {
		struct iov_path entry = iov_path("%s/%s", path, entries[i]);

		if (!link_at(collect, entry.name, target, sizeof(target)) ||
		    !follow(entry.name, target, &real))
			continue;
		directory(collect, real.name);
		files(collect, real.name, names);
		each(collect, real.name, visit_stacked);
		each(collect, iov_path("%s/slaves", real.name).name, visit_link);
		each(collect, iov_path("%s/holders", real.name).name, visit_link);
	}
	iov_names_free(entries, count);
}

static void visit_subsystem(const struct collect *collect, const char *path, const char *name)
{
	(void)name;
	each(collect, path, visit_link);
}

static void visit_btrfs(const struct collect *collect, const char *path, const char *name)
{
	(void)name;
	each(collect, iov_path("%s/devices", path).name, visit_link);
}

/* Readiness */

static void visit_pages(const struct collect *collect, const char *path, const char *name)
{
	(void)name;
	file(collect, iov_path("%s/nr_hugepages", path).name);
	file(collect, iov_path("%s/free_hugepages", path).name);
}

static void visit_node(const struct collect *collect, const char *path, const char *name)
{
	(void)name;
	each(collect, iov_path("%s/hugepages", path).name, visit_pages);
}

/* Interrupts that nobody has say nothing; a record has none of those any more, and not who has them. */
static void visit_irq(const struct collect *collect, const char *path, const char *name)
{
	char actions[8];
	int error = iov_sys_read(collect->iov, iov_path("%s/actions", path).name, actions,
				 sizeof(actions));

	(void)name;
	if (error ? error == -ENOENT : *actions)
		file(collect, iov_path("%s/chip_name", path).name);
}

static void visit_variable(const struct collect *collect, const char *path, const char *name)
{
	if (!strncmp(name, "SecureBoot-", strlen("SecureBoot-")))
		file(collect, path);
}

static void visit_device_node(const struct collect *collect, const char *path, const char *name)
{
	_cleanup_fd_ int dir = iov_dir_open(collect->iov, path);

	(void)name;
	if (dir < 0)
		write_only(collect, path);
}

static void device_nodes(const struct collect *collect)
{
	each(collect, IOV_PATH_DEV_VFIO, visit_device_node);
	each(collect, IOV_PATH_DEV_VFIO "/devices", visit_device_node);
	if (iov_sys_exists(collect->iov, IOV_PATH_DEV_IOMMU))
		write_only(collect, IOV_PATH_DEV_IOMMU);
	if (iov_sys_exists(collect->iov, IOV_PATH_DEV_KVM))
		write_only(collect, IOV_PATH_DEV_KVM);
}

/* What is shared with this host, as it is a guest itself: virtiofs, and 9p by its driver's devices */
static void visit_share(const struct collect *collect, const char *path, const char *name)
{
	(void)name;
	file(collect, iov_path("%s/tag", path).name);
	link_of(collect, iov_path("%s/device", path).name);
}

static void visit_virtio(const struct collect *collect, const char *path, const char *name)
{
	char target[IOV_PATH_MAX];
	struct iov_path real;

	if (!strncmp(name, "virtio", strlen("virtio")) &&
	    link_at(collect, path, target, sizeof(target)) && follow(path, target, &real))
		file(collect, iov_path("%s/mount_tag", real.name).name);
}

/* The device of a node: its name, and what it is below */
static void visit_node_number(const struct collect *collect, const char *path, const char *name)
{
	char target[IOV_PATH_MAX];
	struct iov_path real;

	(void)name;
	if (!link_at(collect, path, target, sizeof(target)) || !follow(path, target, &real))
		return;
	file(collect, iov_path("%s/uevent", real.name).name);
	link_of(collect, iov_path("%s/subsystem", real.name).name);
}

/* Processes that use functions: what devices they have open, and which guest they are. */

static bool is_device(const char *target)
{
	static const char *const begins[] = { "/" IOV_PATH_DEV "/", "/" IOV_PATH_SYS_DEVICES "/",
					      "anon_inode:[vfio" };
	const char *last = strrchr(target, '/');

	for (size_t i = 0; i < sizeof(begins) / sizeof(*begins); i++) {
		if (!strncmp(target, begins[i], strlen(begins[i])))
			return true;
	}
	/* By that file the guards know DPDK. */
	return last && !strcmp(last, "/config") && strstr(target, "/dpdk/");
}

/* What the kernel has of an open file; of a record only its name is known. */
static void opened(const struct collect *collect, const char *folder, const char *name)
{
	_cleanup_fd_ int dir = iov_sys_is_host(collect->iov) ? iov_dir_open(collect->iov, folder) : -1;
	struct statx status;
	struct iov_path number;

	if (dir < 0 || statx(dir, name, AT_STATX_DONT_SYNC, STATX_TYPE, &status) ||
	    !S_ISCHR(status.stx_mode))
		return;
	number = iov_path(IOV_PATH_DEV_CHAR "/%u:%u", status.stx_rdev_major, status.stx_rdev_minor);
	visit_node_number(collect, number.name, "");
}

static void visit_descriptor(const struct collect *collect, const char *path, const char *name)
{
	char target[IOV_PATH_MAX];
	struct iov_path info = iov_path("%.*s/fdinfo/%s", (int)(strstr(path, "/fd/") - path), path, name);

	if (iov_sys_link(collect->iov, path, target, sizeof(target)) || !is_device(target))
		return;
	put(collect, RECORD_LINK, path, target, strlen(target));
	opened(collect, iov_path("%.*s", (int)(strrchr(path, '/') - path), path).name, name);
	if (*target != '/')
		file(collect, info.name);
}

static void guest(const struct collect *collect, const char *path)
{
	size_t length;
	_cleanup_free_ char *words = text_of(collect, path, &length);

	if (words)
		put(collect, RECORD_FILE, path, words, record_filter_guest(words, length));
}

static void process(const struct collect *collect, const char *pid)
{
	struct iov_path folder = iov_path(IOV_PATH_PROC "/%s", pid);
	_cleanup_free_ char *maps = text_of(collect, iov_path("%s/maps", folder.name).name, NULL);
	static const char dpdk[] = "0-1 r--p 0 00:00 0 /librte_eal.so\n";

	file(collect, iov_path("%s/comm", folder.name).name);
	guest(collect, iov_path("%s/cmdline", folder.name).name);
	each(collect, iov_path("%s/fd", folder.name).name, visit_descriptor);
	if (maps && strstr(maps, "/librte_eal.so"))
		put(collect, RECORD_FILE, iov_path("%s/maps", folder.name).name, dpdk, strlen(dpdk));
}

/* What may have nothing in it, which is not as if it was not recorded */
static void folders(const struct collect *collect)
{
	static const char *const paths[] = { IOV_PATH_IOMMU_GROUPS, IOV_PATH_PCI_DRIVERS,
					     IOV_PATH_CLASS_NET, IOV_PATH_PROC_SELF };

	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
		if (iov_sys_exists(collect->iov, paths[i]))
			directory(collect, paths[i]);
	}
}

/* The question is the processes, as an array. */
static int collect_all(struct iov *iov, const char *question, size_t length, FILE *answer)
{
	_cleanup_json_ struct json_object *pids = json_tokener_parse(question);
	_cleanup_json_ struct json_object *modules = json_object_new_object();
	const struct collect collect = { iov, answer, modules };

	(void)length;
	folders(&collect);
	each(&collect, IOV_PATH_PCI_DEVICES, visit_function);
	write_only(&collect, IOV_PATH_PCI_PROBE);
	each(&collect, IOV_PATH_PCI_SLOTS, visit_slot);
	each(&collect, IOV_PATH_PCI_DRIVERS, visit_driver);
	each(&collect, IOV_PATH_MODULES, visit_module);
	tables(&collect);
	each(&collect, IOV_PATH_IOMMU_GROUPS, visit_group);
	class(&collect, IOV_PATH_CLASS_NET, net_files);
	class(&collect, IOV_PATH_CLASS_BLOCK, block_files);
	class(&collect, IOV_PATH_CLASS_NVME, nvme_files);
	class(&collect, IOV_PATH_CLASS_VFIO, none);
	class(&collect, IOV_PATH_CLASS_IOMMU, iommu_files);
	link_of(&collect, IOV_PATH_KVM);
	each(&collect, IOV_PATH_DEV_BLOCK, visit_link);
	each(&collect, IOV_PATH_NVME_SUBSYSTEMS, visit_subsystem);
	each(&collect, IOV_PATH_VIRTIOFS, visit_share);
	each(&collect, IOV_PATH_VIRTIO_DRIVERS "/virtiofs", visit_virtio);
	each(&collect, IOV_PATH_VIRTIO_DRIVERS "/9pnet_virtio", visit_virtio);
	each(&collect, IOV_PATH_BTRFS, visit_btrfs);
	for (const char *const *path = host_files; *path; path++)
		file(&collect, *path);
	filtered(&collect, IOV_PATH_MOUNTS, record_filter_mounts);
	filtered(&collect, IOV_PATH_CPUINFO, record_filter_cpus);
	filtered(&collect, IOV_PATH_CMDLINE, record_filter_command_line);
	each(&collect, IOV_PATH_HUGE_PAGES, visit_pages);
	each(&collect, IOV_PATH_NODES, visit_node);
	each(&collect, IOV_PATH_IRQS, visit_irq);
	each(&collect, IOV_PATH_EFI_VARIABLES, visit_variable);
	device_nodes(&collect);
	if (!iov_sys_is_host(iov))
		each(&collect, IOV_PATH_DEV_CHAR, visit_node_number);
	for (size_t i = 0; pids && i < json_object_array_length(pids); i++)
		process(&collect, json_object_get_string(json_object_array_get_idx(pids, i)));
	return ferror(answer) ? -ENOMEM : 0;
}

/* All functions, as what the guards are asked about */
static struct json_object *all_functions(struct iov *iov)
{
	struct json_object *rows = json_object_new_array();
	_cleanup_free_ struct iov_bdf *list = NULL;
	size_t count = 0;

	if (iov_pci_list(iov, &list, &count))
		count = 0;
	for (size_t i = 0; i < count; i++) {
		struct json_object *row = json_object_new_object();

		json_add_text(row, "device", IOV_BDF(list[i]));
		json_object_array_add(rows, row);
	}
	return rows;
}

/* What cannot be told, who may not see it has not: a record without users is one nonetheless. */
static struct json_object *find_processes(struct iov *iov)
{
	_cleanup_json_ struct json_object *rows = all_functions(iov), *findings = NULL;
	struct json_object *pids = json_object_new_array();

	if (list_find_holders(iov, rows, &findings)) {
		iov_log(iov, LOG_WARNING, "who uses the functions is not recorded: %s",
			iov_error_message(iov));
		return pids;
	}
	for (size_t i = 0; findings && i < json_object_array_length(findings); i++) {
		const char *pid = json_text_or_null(json_object_array_get_idx(findings, i), "pid");

		if (pid)
			json_array_add_new(pids, pid);
	}
	return pids;
}

int record_collect(struct iov *iov, char **entries)
{
	_cleanup_json_ struct json_object *pids = find_processes(iov);
	const char *question = json_object_to_json_string_ext(pids, JSON_C_TO_STRING_PLAIN);

	return iov_sys_call(iov, collect_all, question, strlen(question), entries);
}
