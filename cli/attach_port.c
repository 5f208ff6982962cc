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
#include "base/size.h"

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
	uint64_t bytes;

	if (size_parse_unit(memory, &bytes) && *memory != '0')
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

/* Who names an interface that is not there learns that it was taken for a port. */
static int unknown(struct cli *cli, const char *name, int error)
{
	char why[512];

	if (error != -ECONNREFUSED)
		return error;
	snprintf(why, sizeof(why), "%s", iov_error_message(cli->iov));
	return iov_fail(cli->iov, -ECONNREFUSED, "%s: no PCI function, see 'iov list'; whether iovd has such a "
			"port or disk is not known: %s", name, why);
}

static int find_in(struct cli *cli, const char *method, const char *name, struct json_object **found)
{
	_cleanup_json_ struct json_object *list = NULL;
	int error = iov_rpc_call(cli->iov, method, NULL, &list);

	for (size_t i = 0; !error && i < json_object_array_length(list); i++) {
		struct json_object *candidate = json_object_array_get_idx(list, i);

		if (!strcmp(json_text(candidate, "name"), name))
			*found = json_object_get(candidate);
	}
	return error;
}

/* A port or a disk; no two of them have one name. */
static int find(struct cli *cli, const char *name, struct json_object **found)
{
	int error = find_in(cli, "port.list", name, found);

	if (!error && !*found)
		error = find_in(cli, "disk.list", name, found);
	if (error)
		return unknown(cli, name, error);
	if (*found && strcmp(json_text(*found, "state"), IOV_NOT_RESTORED))
		return 0;
	if (*found)
		return iov_fail(cli->iov, -ENOENT, "%s: is not there since iovd started again: %s; when "
				"the cause is gone, remove it and add it again", name,
				json_text(*found, "error"));
	return iov_fail(cli->iov, -ENOENT, "%s: no PCI address, and no port or disk of iovd; see "
			"'iov list', 'iov port list' and 'iov disk list'", name);
}

static void add_memory(struct json_object *arguments, const char *memory)
{
	add(arguments, "-m", "%s", memory);
	add(arguments, "-object", "memory-backend-memfd,id=iov-memory,size=%s,share=on", memory);
	add(arguments, "-machine", "memory-backend=iov-memory");
}

/* Where QEMU meets iovd. */
static int add_socket(struct cli *cli, struct json_object *port, struct json_object *arguments)
{
	const char *name = json_text(port, "name"), *mode = json_text(port, "mode");
	const char *path = json_text_or_null(port, "socket");
	char quoted[256];
	int error;

	if (!path)
		return iov_fail(cli->iov, -EINVAL, "%s: is an uplink; a guest attaches to a port "
				"of type vhost-user, or to a disk", name);
	error = quote_path(cli, path, quoted, sizeof(quoted));
	if (error)
		return error;
	/* reconnect= is what QEMU 7.2 to 10 have in common. */
	add(arguments, "-chardev", "socket,id=iov-%s,path=%s,%s", name, quoted,
	    strcmp(mode, "server") ? "server=on" : "reconnect=1");
	return 0;
}

static void add_net(struct json_object *port, const char *mac, struct json_object *arguments)
{
	const char *name = json_text(port, "name");
	char own[IOV_MAC_TEXT];

	mac_of_name(name, own);
	add(arguments, "-netdev", "vhost-user,id=iov-%s,chardev=iov-%s", name, name);
	add(arguments, "-device", "virtio-net-pci,netdev=iov-%s,mac=%s", name, mac ? mac : own);
}

/* QEMU refuses to have more queues than the back end, which its own choice may be. */
static int add_disk(struct cli *cli, struct json_object *disk, const char *mac,
		    struct json_object *arguments)
{
	if (mac)
		return iov_fail(cli->iov, -EINVAL, "--mac %s: %s is a disk, which has no address; "
				"leave it out", mac, json_text(disk, "name"));
	add(arguments, "-device", "vhost-user-blk-pci,chardev=iov-%s,num-queues=%s",
	    json_text(disk, "name"), json_text(disk, "queues_max"));
	return 0;
}

int cli_attach_port(struct cli *cli, const char *name, const struct attach_port_options *options,
		    struct json_object **arguments)
{
	const char *memory = options->memory ? options->memory : "1G";
	_cleanup_json_ struct json_object *port = NULL;
	_cleanup_json_ struct json_object *made = json_object_new_array();
	int error = strcmp(memory, "none") ? check_memory(cli, memory) : 0;

	if (!error && options->mac)
		error = check_mac(cli, options->mac);
	if (!error)
		error = find(cli, name, &port);
	if (error)
		return error;
	if (strcmp(memory, "none"))
		add_memory(made, memory);
	error = add_socket(cli, port, made);
	if (!error && !strcmp(json_text(port, "type"), "disk"))
		error = add_disk(cli, port, options->mac, made);
	else if (!error)
		add_net(port, options->mac, made);
	if (!error)
		*arguments = json_object_get(made);
	return error;
}
