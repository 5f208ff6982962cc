// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhost-user/daemon/saved_ports.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "vhost-user/port/port_net.h"

/* No more ports and bridges than there can be need as much. */
#define FILE_MAX (4 << 20)

/**
 * struct state - see state.h
 * @registry: what is saved
 * @path: file
 * @missing: ports of the file that could not be had, as they are in the file
 */
struct state {
	struct registry *registry;
	char *path;
	struct json_object *missing;
};

static int restore_bridge(struct registry *registry, struct json_object *entry)
{
	const char *name = json_text_or_null(entry, "name"), *kind = json_text_or_null(entry, "kind");
	struct bridge *bridge;

	if (!name || !kind)
		return iov_fail(registry->iov, -EUCLEAN, "a bridge without name or kind");
	return bridge_add(registry, name, kind,
			  json_object_get_int(json_object_object_get(entry, "age")), NULL, &bridge);
}

static int restore_port(struct registry *registry, struct json_object *entry)
{
	struct port_options options = port_options_of(entry);
	struct port *port;

	if (!options.name || !options.socket == !options.device)
		return iov_fail(registry->iov, -EUCLEAN,
				"a port without name, or not with one of socket and device");
	return port_add(registry, &options, &port);
}

static void restore(struct state *state, struct json_object *file)
{
	struct json_object *bridges = json_object_object_get(file, "bridges");
	struct json_object *ports = json_object_object_get(file, "ports");
	struct iov *iov = state->registry->iov;

	for (size_t i = 0; bridges && i < json_object_array_length(bridges); i++)
		if (restore_bridge(state->registry, json_object_array_get_idx(bridges, i)))
			iov_log(iov, LOG_ERR, "%s: a bridge is not there again: %s", state->path,
				iov_error_message(iov));
	for (size_t i = 0; ports && i < json_object_array_length(ports); i++) {
		struct json_object *entry = json_object_array_get_idx(ports, i);

		if (!restore_port(state->registry, entry))
			continue;
		iov_log(iov, LOG_ERR, "%s: port %s is not there again: %s; add it when the cause is "
			"gone, or remove it", state->path, json_text_or_null(entry, "name"),
			iov_error_message(iov));
		json_object_array_add(state->missing, json_object_get(entry));
	}
}

static bool is_list(struct json_object *file, const char *key)
{
	struct json_object *list = json_object_object_get(file, key);

	if (!json_object_is_type(list, json_type_array))
		return false;
	for (size_t i = 0; i < json_object_array_length(list); i++)
		if (!json_object_is_type(json_object_array_get_idx(list, i), json_type_object))
			return false;
	return true;
}

static int read_file(struct state *state)
{
	struct iov *iov = state->registry->iov;
	_cleanup_json_ struct json_object *file = NULL;
	_cleanup_fd_ int fd = open(state->path, O_RDONLY | O_CLOEXEC);
	struct stat status;

	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0 || fstat(fd, &status))
		return iov_fail(iov, -errno, "--state %s: %s", state->path, strerror(errno));
	if (S_ISREG(status.st_mode) && status.st_size <= FILE_MAX)
		file = json_object_from_fd(fd);
	if (!file || !is_list(file, "bridges") || !is_list(file, "ports"))
		return iov_fail(iov, -EUCLEAN, "--state %s: is no state of iovd, or damaged; move it "
				"away to start without bridges and ports", state->path);
	restore(state, file);
	return 0;
}

int state_open(struct state **out, struct registry *registry, const char *path)
{
	struct state *state = calloc(1, sizeof(*state));
	int error;

	if (!state)
		return -ENOMEM;
	state->registry = registry;
	state->missing = json_object_new_array();
	state->path = strdup(path);
	error = state->path ? read_file(state) : -ENOMEM;
	if (error) {
		state_close(state);
		return error;
	}
	*out = state;
	return 0;
}

void state_close(struct state *state)
{
	if (!state)
		return;
	json_object_put(state->missing);
	free(state->path);
	free(state);
}

static void add_text(struct json_object *object, const char *key, const char *text)
{
	if (text)
		json_object_object_add(object, key, json_object_new_string(text));
}

static struct json_object *port_entry(const struct port *port)
{
	struct json_object *entry = json_object_new_object();

	add_text(entry, "name", port->name);
	add_text(entry, "type", port->uplink ? "ethdev" : "vhost-user");
	add_text(entry, "socket", port->socket);
	if (port->socket) {
		json_object_object_add(entry, "server", json_object_new_boolean(port->server));
		vhost_port_describe_access(port, entry);
		port_net_options_json(port, entry);
	}
	if (port->uplink)
		add_text(entry, "device", uplink_device(port->uplink));
	if (port->uplink && uplink_is_zero_copy(port->uplink))
		json_object_object_add(entry, "zero_copy", json_object_new_boolean(true));
	add_text(entry, "bridge", port->bridge ? port->bridge->name : NULL);
	if (port->rules.json)
		json_object_object_add(entry, "rules", json_object_get(port->rules.json));
	return entry;
}

static struct json_object *describe(const struct state *state)
{
	struct json_object *file = json_object_new_object();
	struct json_object *bridges = json_object_new_array(), *ports = json_object_new_array();
	struct bridge *bridge;
	struct port *port;

	TAILQ_FOREACH(bridge, &state->registry->bridges, link) {
		struct json_object *entry = json_object_new_object();

		add_text(entry, "name", bridge->name);
		add_text(entry, "kind", bridge->macs ? "switch" : "wire");
		if (bridge->age)
			json_object_object_add(entry, "age", json_object_new_int((int)bridge->age));
		json_object_array_add(bridges, entry);
	}
	TAILQ_FOREACH(port, &state->registry->ports, link)
		json_object_array_add(ports, port_entry(port));
	for (size_t i = 0; i < json_object_array_length(state->missing); i++)
		json_object_array_add(ports,
				      json_object_get(json_object_array_get_idx(state->missing, i)));
	json_object_object_add(file, "bridges", bridges);
	json_object_object_add(file, "ports", ports);
	return file;
}

/* On disk before the rename, so that the name never leads to half a file. */
static int write_file(const char *path, struct json_object *file)
{
	char temporary[4096];
	_cleanup_fd_ int fd = -1;
	int error = 0;

	if (snprintf(temporary, sizeof(temporary), "%s.new", path) >= (int)sizeof(temporary))
		return -ENAMETOOLONG;
	fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	if (json_object_to_fd(fd, file, JSON_C_TO_STRING_PRETTY) || fsync(fd) ||
	    rename(temporary, path))
		error = errno ? -errno : -EIO;
	if (error)
		unlink(temporary);
	return error;
}

/* A port that is there again is not missing any more. */
static void drop_found(struct state *state)
{
	struct port *port;

	TAILQ_FOREACH(port, &state->registry->ports, link)
		state_forget(state, port->name);
}

void state_save(struct state *state)
{
	_cleanup_json_ struct json_object *file = NULL;
	int error;

	if (!state)
		return;
	drop_found(state);
	file = describe(state);
	error = write_file(state->path, file);
	if (error)
		iov_log(state->registry->iov, LOG_ERR,
			"--state %s: %s; bridges and ports will not be there after a restart",
			state->path, strerror(-error));
}

bool state_forget(struct state *state, const char *port)
{
	for (size_t i = 0; state && i < json_object_array_length(state->missing); i++) {
		const char *name = json_text_or_null(json_object_array_get_idx(state->missing, i), "name");

		if (name && !strcmp(name, port)) {
			json_object_array_del_idx(state->missing, i, 1);
			return true;
		}
	}
	return false;
}
