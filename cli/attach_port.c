// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/attach_port.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fnv.h"
#include "base/json.h"
#include "base/mac.h"
#include "base/rpc/rpc.h"


static void add(struct json_object *arguments, const char *option, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void add(struct json_object *arguments, const char *option, const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	json_object_array_add(arguments, json_object_new_string(option));
	json_object_array_add(arguments, json_object_new_string(text));
}

/* The same for a port always: locally administered, from a hash of its name. */
static void mac_of_name(const char *name, char text[IOV_MAC_TEXT])
{
	uint64_t hash = fnv64(FNV64_BASIS, (const uint8_t *)name, strlen(name));
	uint8_t mac[6] = { 0x02 };

	hash ^= hash >> 40;
	for (unsigned int i = 1; i < sizeof(mac); i++)
		mac[i] = (uint8_t)(hash >> 8 * (sizeof(mac) - 1 - i));
	iov_mac_format(mac, text);
}

static int check_mac(struct cli *cli, const char *mac)
{
	uint8_t bytes[6];

	if (iov_mac_parse_station(mac, bytes))
		return 0;
	return iov_fail(cli->iov, -EINVAL, "--mac %s: expected the address of one station, such as "
			"02:00:00:00:00:01", mac);
}

static int check_memory(struct cli *cli, const char *memory)
{
	size_t digits = strspn(memory, "0123456789");

	if (digits && *memory != '0' && memory[digits] && strchr("KMGT", memory[digits]) &&
	    !memory[digits + 1])
		return 0;
	return iov_fail(cli->iov, -EINVAL, "--memory %s: expected a size such as 512M or 4G, or none",
			memory);
}

/* QEMU separates by commas and takes two of them for one. */
static int quote_path(struct cli *cli, const char *path, char *quoted, size_t size)
{
	size_t length = 0;

	for (; *path && length + 2 < size; path++) {
		if (strchr(" \t\n'\"\\$`&|;<>()*?[]#~", *path))
			return iov_fail(cli->iov, -EINVAL, "the socket's path has characters that a "
					"shell takes for its own; add the port with another path");
		if (*path == ',')
			quoted[length++] = ',';
		quoted[length++] = *path;
	}
	quoted[length] = '\0';
	return 0;
}

static int find_port(struct cli *cli, const char *name, struct json_object **port)
{
	_cleanup_json_ struct json_object *ports = NULL;
	int error = iov_rpc_call(cli->iov, "port.list", NULL, &ports);

	if (error)
		return error;
	for (size_t i = 0; i < json_object_array_length(ports); i++) {
		struct json_object *candidate = json_object_array_get_idx(ports, i);
		struct json_object *value = json_object_object_get(candidate, "name");

		if (value && !strcmp(json_object_get_string(value), name)) {
			*port = json_object_get(candidate);
			return 0;
		}
	}
	return iov_fail(cli->iov, -ENOENT, "%s: no PCI address and no port of iovd; see 'iov list' and "
			"'iov port list'", name);
}

static void add_memory(struct json_object *arguments, const char *memory)
{
	add(arguments, "-m", "%s", memory);
	add(arguments, "-object", "memory-backend-memfd,id=iov-memory,size=%s,share=on", memory);
	add(arguments, "-machine", "memory-backend=iov-memory");
}

static int add_device(struct cli *cli, struct json_object *port, const char *mac,
		      struct json_object *arguments)
{
	const char *name = json_text_or_null(port, "name");
	const char *path = json_text_or_null(port, "socket");
	const char *mode = json_text_or_null(port, "mode");
	char quoted[256];
	int error;

	if (!path || !mode)
		return iov_fail(cli->iov, -EINVAL, "%s: is an uplink; a guest attaches to a port of type "
				"vhost-user", name);
	error = quote_path(cli, path, quoted, sizeof(quoted));
	if (error)
		return error;
	/* reconnect= is what QEMU 7.2 to 10 have in common. */
	add(arguments, "-chardev", "socket,id=iov-%s,path=%s,%s", name, quoted,
	    strcmp(mode, "server") ? "server=on" : "reconnect=1");
	add(arguments, "-netdev", "vhost-user,id=iov-%s,chardev=iov-%s", name, name);
	add(arguments, "-device", "virtio-net-pci,netdev=iov-%s,mac=%s", name, mac);
	return 0;
}

int cli_attach_port(struct cli *cli, const char *name, const struct attach_port_options *options,
		    struct json_object **arguments)
{
	const char *memory = options->memory ? options->memory : "1G";
	_cleanup_json_ struct json_object *port = NULL;
	_cleanup_json_ struct json_object *made = json_object_new_array();
	char mac[IOV_MAC_TEXT];
	int error = strcmp(memory, "none") ? check_memory(cli, memory) : 0;

	if (!error && options->mac)
		error = check_mac(cli, options->mac);
	if (!error)
		error = find_port(cli, name, &port);
	if (error)
		return error;
	mac_of_name(name, mac);
	if (strcmp(memory, "none"))
		add_memory(made, memory);
	error = add_device(cli, port, options->mac ? options->mac : mac, made);
	if (!error)
		*arguments = json_object_get(made);
	return error;
}
