// SPDX-License-Identifier: GPL-2.0-or-later
/* iov attach: what a virtual machine monitor needs to be told. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/pci/identity.h"
#include "cli/argument.h"
#include "cli/attach_port.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "vfio/bind/assign.h"

struct attach_args {
	const char *name;
	const char *vmm;
	struct attach_port_options port;
};

enum {
	KEY_MEMORY = 0x2000,
	KEY_MAC,
};

static const struct argp_option options[] = {
	{ "vmm", 'm', "NAME", 0, "Virtual machine monitor: qemu" },
	{ "memory", KEY_MEMORY, "SIZE", 0,
	  "Port or disk: memory of the guest, which iovd has to share (1G); none for its second one" },
	{ "mac", KEY_MAC, "MAC", 0, "Port: address of the guest's NIC (made from the port's name)" },
	{ 0 },
};

static void check_vmm(const char *vmm, struct argp_state *state)
{
	if (!vmm)
		cli_misuse(state, "expected --vmm qemu");
	else if (strcmp(vmm, "qemu"))
		cli_misuse(state, "--vmm %s: expected qemu", vmm);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct attach_args *args = cli_data(state);

	switch (key) {
	case 'm':
		args->vmm = arg;
		return 0;
	case KEY_MEMORY:
		args->port.memory = arg;
		return 0;
	case KEY_MAC:
		args->port.mac = arg;
		return 0;
	case ARGP_KEY_END:
		if (args->name)
			check_vmm(args->vmm, state);
		break;
	}
	return cli_argument(key, arg, state, &args->name,
			    "expected a device or the name of a port or disk; 'iov list', 'iov port "
			    "list' and 'iov disk list' show them");
}

static const char *text_at(struct json_object *array, size_t index)
{
	return json_object_get_string(json_object_array_get_idx(array, index));
}

/* Safe to be pasted into a shell as it is: nothing in it needs quoting. */
static void print_line(struct json_object *arguments)
{
	for (size_t i = 0; i < json_object_array_length(arguments); i++)
		printf("%s%s", i ? " " : "", text_at(arguments, i));
	putchar('\n');
}

static void print_json(const struct attach_args *args, struct json_object *arguments)
{
	_cleanup_json_ struct json_object *json = json_object_new_object();

	json_object_object_add(json, "name", json_object_new_string(args->name));
	json_object_object_add(json, "vmm", json_object_new_string(args->vmm));
	json_object_object_add(json, "arguments", json_object_get(arguments));
	iov_output_json(stdout, json);
}

/* No name of a port or disk has one of these; an interface without them is a device all the same. */
static bool is_device(struct cli *cli, const char *name)
{
	struct iov_bdf bdf;

	return strpbrk(name, ":=/") || !iov_device_parse(cli->iov, name, &bdf);
}

/* Objects of QEMU that functions share are made once. */
static bool is_shared(struct json_object *arguments, const char *object)
{
	for (size_t i = 1; i < json_object_array_length(arguments); i++) {
		if (!strcmp(text_at(arguments, i - 1), "-object") &&
		    !strcmp(text_at(arguments, i), object))
			return true;
	}
	return false;
}

/* Options and their values, in pairs. */
static void append(struct json_object *arguments, struct json_object *own)
{
	for (size_t i = 0; i + 1 < json_object_array_length(own); i += 2) {
		if (!strcmp(text_at(own, i), "-object") && is_shared(arguments, text_at(own, i + 1)))
			continue;
		json_object_array_add(arguments, json_object_new_string(text_at(own, i)));
		json_object_array_add(arguments, json_object_new_string(text_at(own, i + 1)));
	}
}

static int attach_functions(struct cli *cli, const char *name, struct json_object *arguments)
{
	struct cli_functions functions = { 0 };
	int error = cli_add_functions(cli, name, &functions);

	for (size_t i = 0; !error && i < functions.count; i++) {
		_cleanup_json_ struct json_object *own = NULL;

		error = iov_attach_qemu(cli->iov, functions.list[i], &own);
		if (!error)
			append(arguments, own);
	}
	free(functions.list);
	return error;
}

static int find_arguments(struct cli *cli, const struct attach_args *args,
			  struct json_object **arguments)
{
	if (!is_device(cli, args->name))
		return cli_attach_port(cli, args->name, &args->port, arguments);
	*arguments = json_object_new_array();
	return attach_functions(cli, args->name, *arguments);
}

static int run(struct cli *cli, void *data)
{
	const struct attach_args *args = data;
	_cleanup_json_ struct json_object *arguments = NULL;
	int error = find_arguments(cli, args, &arguments);

	if (error)
		return error;
	if (cli->json)
		print_json(args, arguments);
	else
		print_line(arguments);
	return 0;
}

const struct cli_command cli_attach = {
	.name = "attach",
	.args = "DEVICE|PORT|DISK --vmm qemu",
	.summary = "Print what QEMU needs to attach a function, port or disk",
	.example = "qemu-system-x86_64 ... $(iov attach 0000:01:10.0 --vmm qemu)\n"
		   "  qemu-system-x86_64 ... $(iov attach eth0/vf0-1 --vmm qemu)\n"
		   "  qemu-system-x86_64 ... $(iov attach vm1 --vmm qemu --memory 2G)\n"
		   "  qemu-system-x86_64 ... $(iov attach vm1-root --vmm qemu --memory none)",
	.options = options,
	.parse = parse,
	.data_size = sizeof(struct attach_args),
	.run = run,
};
