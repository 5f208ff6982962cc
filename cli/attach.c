// SPDX-License-Identifier: GPL-2.0-or-later
/* iov attach: what a virtual machine monitor needs to be told. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/near.h"
#include "base/size.h"
#include "base/sysroot/paths.h"
#include "base/sysroot/sysroot.h"
#include "cli/attach_find.h"
#include "cli/attach_run.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/printable.h"
#include "cli/words.h"

#define NAMES_MAX 64

struct attach_args {
	size_t count;
	const char *names[NAMES_MAX];
	const struct vmm *vmm;
	const char *version;
	const char *format;
	const char *memory;
	const char *mac;
	const char *bus;
	bool failover;
	bool incoming;
	bool run;
	const char *accel;
	const char *kernel;
	const char *modules;
};

enum {
	KEY_VERSION = 0x2000,
	KEY_FORMAT,
	KEY_MEMORY,
	KEY_MAC,
	KEY_BUS,
	KEY_FAILOVER,
	KEY_INCOMING,
	KEY_RUN,
	KEY_ACCEL,
	KEY_KERNEL,
	KEY_MODULES,
};

static const struct argp_option options[] = {
	{ "vmm", 'm', "NAME", 0,
	  "Virtual machine monitor (qemu): qemu, libvirt, cloud-hypervisor, crosvm, firecracker, "
	  "kvmtool, xen or kata" },
	{ "vmm-version", KEY_VERSION, "VERSION", 0,
	  "Its release, as 9.2 (what its program on this host says, or else the newest)" },
	{ "format", KEY_FORMAT, "args|xml|json|qmp|config", 0,
	  "How it is told (the first that it has: see the manual)" },
	{ "memory", KEY_MEMORY, "SIZE", 0,
	  "Ports and disks: memory of the guest, which iovd has to share (1G); none: it is shared "
	  "already" },
	{ "mac", KEY_MAC, "MAC", 0, "One port or vDPA device: address of the guest's NIC (its own, or made from its name)" },
	{ "failover", KEY_FAILOVER, 0, 0, "Each port stands by for a VF, in their order, as for a migration" },
	{ "incoming", KEY_INCOMING, 0, 0, "--failover: for the QEMU that the guest moves to, which gets the VF then" },
	{ "holder", CLI_KEY_HOLDER, "NAME", 0, "Act for this holder of claimed devices" },
	{ "force", CLI_KEY_FORCE, "GUARD", 0, "fleet: attach what others have claimed, too" },
	{ "bus", KEY_BUS, "LIST", 0, "QEMU: the bus of each device, in their order, as rp1,rp2" },
	{ "run", KEY_RUN, 0, 0, "Start QEMU with a minimal guest that has them, at this terminal" },
	{ "accel", KEY_ACCEL, "kvm|tcg", 0, "--run: by KVM, or emulated (KVM where it runs guests)" },
	{ "kernel", KEY_KERNEL, "FILE", 0, "--run: image of the guest's kernel (that of this host)" },
	{ "modules", KEY_MODULES, "DIR", 0, "--run: modules of that kernel (/lib/modules/VERSION)" },
	{ 0 },
};

static const struct vmm *find_vmm(const char *name, const struct argp_state *state)
{
	const struct vmm *vmm = vmm_find(name);
	struct iov_near near = { .text = name };
	const struct vmm *other;
	char names[128];

	if (vmm)
		return vmm;
	for (size_t i = 0; (other = vmm_at(i)); i++)
		iov_near_look(&near, other->name);
	vmm_names(names, sizeof(names));
	if (near.word)
		cli_misuse(state, "--vmm %s: no such VMM; did you mean %s? There are: %s", name, near.word,
			   names);
	cli_misuse(state, "--vmm %s: no such VMM; expected one of: %s", name, names);
}

static void add_name(struct attach_args *args, const char *name, const struct argp_state *state)
{
	if (args->count == NAMES_MAX)
		cli_misuse(state, "more than %d names at once; VFs may be named together, like eth0/vf0-63",
			   NAMES_MAX);
	args->names[args->count++] = name;
}

/* The guest is started here, so that nothing is printed, and what a running one is told is no use. */
static void check_run(const struct attach_args *args, const struct argp_state *state)
{
	const char *own = args->accel ? "--accel" : args->kernel ? "--kernel" : args->modules ? "--modules" : NULL;

	if (!args->run && own)
		cli_misuse(state, "%s: is for --run", own);
	if (!args->run)
		return;
	if (args->vmm != &vmm_qemu || args->version)
		cli_misuse(state, "--run: starts the QEMU of this host; leave out --vmm and --vmm-version");
	if (args->format || args->bus)
		cli_misuse(state, "--run: prints nothing; leave out %s", args->format ? "--format" : "--bus");
	if (args->memory && !strcmp(args->memory, "none"))
		cli_misuse(state, "--memory none: a guest that is run has memory; expected a size such as 512M");
}

static void check_args(struct attach_args *args, const struct argp_state *state)
{
	char names[64];

	if (!args->count)
		cli_misuse(state, "expected a device or the name of a port or disk; 'iov list', 'iov port "
				  "list' and 'iov disk list' show them");
	if (!args->vmm)
		args->vmm = vmm_at(0);
	vmm_format_names(args->vmm, names, sizeof(names));
	if (!vmm_format_find(args->vmm, args->format))
		cli_misuse(state, "--format %s: %s has none of that name; expected %s", args->format,
			   args->vmm->title, names);
	if (args->bus && args->vmm != &vmm_qemu)
		cli_misuse(state, "--bus %s: is for --vmm qemu", args->bus);
	if (args->incoming && (!args->failover || args->vmm != &vmm_qemu || (args->format && strcmp(args->format, "args"))))
		cli_misuse(state, "--incoming: is for --failover and the arguments of QEMU");
	check_run(args, state);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct attach_args *args = cli_data(state);
	struct vmm_version version;

	switch (key) {
	case 'm':
		args->vmm = find_vmm(arg, state);
		return 0;
	case KEY_VERSION:
		if (!vmm_version_parse(arg, &version))
			cli_misuse(state, "--vmm-version %s: expected a release such as 9.2 or 52", arg);
		args->version = arg;
		return 0;
	case KEY_FORMAT:
		args->format = arg;
		return 0;
	case KEY_MEMORY:
		args->memory = arg;
		return 0;
	case KEY_MAC:
		args->mac = arg;
		return 0;
	case KEY_BUS:
		args->bus = arg;
		return 0;
	case KEY_FAILOVER:
		args->failover = true;
		return 0;
	case KEY_INCOMING:
		args->incoming = true;
		return 0;
	case KEY_RUN:
		args->run = true;
		return 0;
	case KEY_ACCEL:
		if (strcmp(arg, "kvm") && strcmp(arg, "tcg"))
			cli_misuse(state, "--accel %s: expected kvm or tcg", arg);
		args->accel = arg;
		return 0;
	case KEY_KERNEL:
		args->kernel = arg;
		return 0;
	case KEY_MODULES:
		args->modules = arg;
		return 0;
	case ARGP_KEY_ARG:
		add_name(args, arg, state);
		return 0;
	case ARGP_KEY_END:
		check_args(args, state);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* What was said, or its program on this host says; a recorded host's is not here. */
static void find_version(struct cli *cli, const struct attach_args *args,
			 struct vmm_version *version)
{
	*version = (struct vmm_version){ .major = UINT_MAX };
	if (args->version)
		vmm_version_parse(args->version, version);
	else if (iov_sys_is_host(cli->iov) && !vmm_version_ask(args->vmm, version))
		cli_print(stderr, "iov: %s of this host does not say which release it is, so this is for the newest; "
				  "--vmm-version tells it\n", args->vmm->ask[0]);
}

static int check_mac(struct cli *cli, const char *mac)
{
	uint8_t bytes[6];

	if (!mac || iov_mac_parse_nic(mac, bytes))
		return 0;
	return iov_fail(cli->iov, -EINVAL, "--mac %s: expected the address of one station, such as "
			"02:00:00:00:00:01", mac);
}

static int check_memory(struct cli *cli, const char *memory)
{
	uint64_t bytes;

	if (!memory || !strcmp(memory, "none") || (size_parse_unit(memory, &bytes) && *memory != '0'))
		return 0;
	return iov_fail(cli->iov, -EINVAL, "--memory %s: expected a size such as 512M or 4G, or none",
			memory);
}

/* The address that was said is of the one NIC that iovd or vDPA is the back end of. */
static int give_mac(struct cli *cli, struct vmm_set *set, const char *mac)
{
	struct vmm_item *nic = NULL;
	size_t count = 0;

	for (size_t i = 0; i < set->count; i++) {
		if (!set->items[i].mac[0] || set->items[i].kind == VMM_DISK)
			continue;
		nic = &set->items[i];
		count++;
	}
	if (count == 1 && set->vmm->takes[nic->kind].own_mac && strcasecmp(nic->mac, mac))
		return iov_fail(cli->iov, -EINVAL, "--mac %s: %s has no option for the address of %s; leave it out, "
				"and have the address offered by '%s'", mac, set->vmm->title, nic->name,
				nic->kind == VMM_PORT ? "iov port add --mac" : "iov vdpa create --mac");
	if (count == 1) {
		snprintf(nic->mac, sizeof(nic->mac), "%s", mac);
		return 0;
	}
	if (!count && set->count == 1 && set->items[0].kind == VMM_DISK)
		return iov_fail(cli->iov, -EINVAL, "--mac %s: %s is a disk, which has no address; "
				"leave it out", mac, set->items[0].name);
	return iov_fail(cli->iov, -EINVAL, "--mac %s: expected one port among what is named, not %zu; %s",
			mac, count, count ? "attach them one by one" : "'iov vf set' gives a VF its "
			"address");
}

/* One for each, in the order in which they were named; what they are called is QEMU's to judge. */
static int give_buses(struct cli *cli, struct vmm_set *set, char *list)
{
	size_t count = 0;
	char *name;

	while ((name = strsep(&list, ","))) {
		if (!*name || strpbrk(name, VMM_SHELL))
			return iov_fail(cli->iov, -EINVAL, "--bus '%s': expected the id of a bus, as rp1",
					name);
		if (count < set->count)
			set->items[count].bus = name;
		count++;
	}
	if (count == set->count)
		return 0;
	return iov_fail(cli->iov, -EINVAL, "--bus: expected %zu, one for each device, not %zu", set->count,
			count);
}

static int find_all(struct cli *cli, const struct attach_args *args, char *buses,
		    struct vmm_set *set)
{
	int error = 0;

	for (size_t i = 0; !error && i < args->count; i++)
		error = attach_add(cli, args->names[i], set);
	if (!error && buses)
		error = give_buses(cli, set, buses);
	if (!error && args->failover)
		return attach_pair(cli, set, args->mac);
	return error || !args->mac ? error : give_mac(cli, set, args->mac);
}

/* A guest that runs has its memory already, and was started with one that is shared. */
static int choose_memory(struct cli *cli, const struct attach_args *args,
			 const struct vmm_format *format, struct vmm_set *set)
{
	bool starts = format->shape != VMM_DOCUMENTS;

	set->shared = args->memory && !strcmp(args->memory, "none");
	if (set->shared)
		return 0;
	if (args->memory && set->vmm->memory && !starts)
		return iov_fail(cli->iov, -EINVAL, "--memory %s: a guest that runs keeps the memory it was "
				"started with, which has to be shared; leave it out", args->memory);
	if (args->memory && set->vmm->memory && !vmm_set_shares(set))
		return iov_fail(cli->iov, -EINVAL, "--memory %s: is for ports and disks of iovd, which share the guest's "
				"memory; leave it out, and say %s its size as ever", args->memory, set->vmm->title);
	set->memory = args->memory;
	if (!args->memory && set->vmm->memory && starts && vmm_set_shares(set))
		set->memory = "1G";
	return 0;
}

static void print_pieces(const struct vmm_format *format, struct json_object *pieces)
{
	bool words = format->shape == VMM_ARGUMENTS;

	for (size_t i = 0; i < json_object_array_length(pieces); i++) {
		struct json_object *piece = json_object_array_get_idx(pieces, i);

		_cleanup_free_ char *document = format->shape != VMM_DOCUMENTS ? NULL :
			iov_output_json_text(piece, JSON_C_TO_STRING_SPACED | JSON_C_TO_STRING_NOSLASHESCAPE);

		printf("%s%s", words && i ? " " : "", document ? document : json_object_get_string(piece));
		if (!words)
			putchar('\n');
	}
	if (words)
		putchar('\n');
}

static void print_json(const struct vmm_set *set, const struct vmm_format *format,
		       struct json_object *pieces)
{
	static const char *const keys[] = {
		[VMM_ARGUMENTS] = "arguments", [VMM_LINES] = "lines", [VMM_DOCUMENTS] = "documents",
	};
	_cleanup_json_ struct json_object *json = json_object_new_object();
	struct json_object *names = json_object_new_array();
	char version[32];

	for (size_t i = 0; i < set->count; i++)
		json_object_array_add(names, json_object_new_string(set->items[i].name));
	snprintf(version, sizeof(version), "%u.%u", set->version.major, set->version.minor);
	json_object_object_add(json, "devices", names);
	json_object_object_add(json, "vmm", json_object_new_string(set->vmm->name));
	json_add_text(json, "version", set->version.major == UINT_MAX ? NULL : version);
	json_object_object_add(json, "format", json_object_new_string(format->name));
	json_object_object_add(json, keys[format->shape], json_object_get(pieces));
	iov_output_json(stdout, json);
}

static int print_set(struct cli *cli, const struct attach_args *args, struct vmm_set *set)
{
	const struct vmm_format *format = vmm_format_find(set->vmm, args->format);
	_cleanup_json_ struct json_object *pieces = json_object_new_array();
	int error = choose_memory(cli, args, format, set);

	if (!error)
		error = vmm_check(set, format);
	if (error)
		return error;
	format->emit(set, pieces);
	if (cli->json)
		print_json(set, format, pieces);
	else
		print_pieces(format, pieces);
	return 0;
}

static int fill(struct cli *cli, void *arg, struct vmm_set *set)
{
	const struct attach_args *args = arg;

	find_version(cli, args, &set->version);
	return find_all(cli, args, NULL, set);
}

static int start(struct cli *cli, struct attach_args *args, struct vmm_set *set)
{
	const struct attach_run run = {
		.names = args->names, .count = args->count, .accel = args->accel, .kernel = args->kernel,
		.modules = args->modules, .memory = args->memory,
	};

	return attach_run(cli, &run, set, fill, args);
}

static int run(struct cli *cli, void *data)
{
	struct attach_args *args = data;
	struct vmm_set set = { .iov = cli->iov, .vmm = args->vmm, .incoming = args->incoming };
	_cleanup_free_ char *buses = args->bus ? strdup(args->bus) : NULL;
	int error = check_memory(cli, args->memory);

	if (!error)
		error = check_mac(cli, args->mac);
	if (!error && args->run)
		error = start(cli, args, &set);
	else if (!error)
		error = find_all(cli, args, buses, &set);
	if (!error && !args->run) {
		find_version(cli, args, &set.version);
		error = print_set(cli, args, &set);
	}
	attach_free(&set);
	return error;
}

const struct cli_command cli_attach = {
	.name = "attach",
	.args = "DEVICE|PORT|DISK...",
	.summary = "Print what a VMM needs to attach devices, ports and disks",
	.example = "qemu-system-x86_64 ... $(iov attach eth0/vf0-1 vm1 vm1-root --memory 2G)\n"
		   "  iov attach eth0/vf0 --run\n"
		   "  iov attach 0000:01:10.0 --vmm libvirt > vf.xml; virsh attach-device guest vf.xml\n"
		   "  cloud-hypervisor ... $(iov attach 0000:01:10.0 vm1 --vmm cloud-hypervisor)\n"
		   "  iov attach 0000:01:10.0 --format qmp --bus rp1 | socat - UNIX:/run/vm.qmp",
	.options = options,
	.parse = parse,
	.data_size = sizeof(struct attach_args),
	.run = run,
};
