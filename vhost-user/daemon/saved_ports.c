// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhost-user/daemon/saved_ports.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/rpc/rpc.h"
#include "base/sysroot/paths.h"
#include "base/sysroot/sysroot.h"
#include "vhost-user/port/bridge.h"
#include "vhost-user/port/disk_port.h"
#include "vhost-user/port/qos_groups.h"

/* No more ports and bridges than there can be need as much. */
#define FILE_MAX (4 << 20)

/*
 * Between two tries to have a disk of a server that is not there yet: milliseconds at least, and
 * how many times as long as a try took, so that others have the thread.
 */
#define RETRY_MS 2000
#define RETRY_SHARE 20

/**
 * struct saved_ports - see saved_ports.h
 * @registry: what is saved
 * @path: file
 * @missing: what of the file could not be had: an array of objects "list", where in the file it
 *	is, "entry", as it is there, and "error", why not
 * @retry: tries those again that have their data at a server; NULL when there are none
 */
struct saved_ports {
	struct registry *registry;
	char *path;
	struct json_object *missing;
	sd_event_source *retry;
};

/* The lists of the file. */
#define PORTS "ports"
#define BRIDGES "bridges"
#define GROUPS "qos"

typedef int restore_fn(struct registry *registry, struct json_object *entry);

static int restore_qos(struct registry *registry, struct json_object *entry)
{
	struct qos *qos;

	return qos_add(registry, entry, &qos);
}

static int restore_bridge(struct registry *registry, struct json_object *entry)
{
	const char *name = json_text_or_null(entry, "name"), *kind = json_text_or_null(entry, "kind");
	const struct bridge_options options = bridge_options_of(entry);
	struct bridge *bridge;

	if (!name || !kind)
		return iov_fail(registry->iov, -EUCLEAN, "a bridge without name or kind");
	return bridge_add(registry, name, kind, &options, NULL, &bridge);
}

static int restore_port(struct registry *registry, struct json_object *entry)
{
	struct port_options options = port_options_of(entry);
	struct port *port;

	if (!options.name)
		return iov_fail(registry->iov, -EUCLEAN, "a port without name");
	options.disk.is_restored = true;
	return port_add(registry, &options, &port);
}

/* Servers come and go, and at the boot of a host maybe later than we do. */
static bool may_come(struct json_object *entry)
{
	return json_text_or_null(entry, "uri");
}

static struct json_object *missing_at(const struct saved_ports *saved, size_t index)
{
	return json_object_array_get_idx(saved->missing, index);
}

static struct json_object *entry_at(const struct saved_ports *saved, size_t index)
{
	return json_object_object_get(missing_at(saved, index), "entry");
}

static void note_missing(struct saved_ports *saved, const char *list, struct json_object *entry)
{
	struct json_object *missing = json_object_new_object();

	json_add_text(missing, "list", list);
	json_object_object_add(missing, "entry", json_object_get(entry));
	json_add_text(missing, "error", iov_error_message(saved->registry->iov));
	json_object_array_add(saved->missing, missing);
}

static void restore_list(struct saved_ports *saved, struct json_object *file, const char *list,
			 const char *noun, restore_fn *restore)
{
	struct json_object *entries = json_object_object_get(file, list);
	struct iov *iov = saved->registry->iov;

	for (size_t i = 0; entries && i < json_object_array_length(entries); i++) {
		struct json_object *entry = json_object_array_get_idx(entries, i);

		if (!restore(saved->registry, entry))
			continue;
		iov_log_with(iov, LOG_ERR, strcmp(list, PORTS) ? NULL : PORT_FIELDS(json_text(entry, "name")),
			"%s: %s %s is not there again: %s; %s",
			saved->path, noun, json_text(entry, "name"), iov_error_message(iov),
			may_come(entry) ? "its server is tried again and again" :
					  "add it when the cause is gone, or remove it");
		note_missing(saved, list, entry);
	}
}

/* Ports are in groups and bridges. */
static void restore(struct saved_ports *saved, struct json_object *file)
{
	restore_list(saved, file, GROUPS, "QoS group", restore_qos);
	restore_list(saved, file, BRIDGES, "bridge", restore_bridge);
	restore_list(saved, file, PORTS, "port", restore_port);
}

/* Whether there are still some that may come. */
static bool try_missing(struct saved_ports *saved)
{
	bool is_left = false;

	for (size_t i = json_object_array_length(saved->missing); i--;) {
		struct json_object *entry = entry_at(saved, i);

		if (!may_come(entry))
			continue;
		if (restore_port(saved->registry, entry)) {
			is_left = true;
			continue;
		}
		iov_log_with(saved->registry->iov, LOG_NOTICE,
			PORT_FIELDS(json_text(entry, "name")), "%s: port %s is there again", saved->path,
			json_text_or_null(entry, "name"));
		json_object_array_del_idx(saved->missing, i, 1);
	}
	return is_left;
}

static int retry(sd_event_source *source, uint64_t usec, void *data)
{
	struct saved_ports *saved = data;
	const uint64_t began = monotonic_ms();
	uint64_t pause;

	(void)usec;
	if (!try_missing(saved))
		return 0;
	pause = (monotonic_ms() - began) * RETRY_SHARE;
	sd_event_source_set_time_relative(source, (pause > RETRY_MS ? pause : RETRY_MS) * 1000);
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

static int begin_retries(struct saved_ports *saved)
{
	for (size_t i = 0; i < json_object_array_length(saved->missing); i++) {
		int error;

		if (!may_come(entry_at(saved, i)))
			continue;
		error = sd_event_add_time_relative(saved->registry->event, &saved->retry,
						   CLOCK_MONOTONIC, RETRY_MS * 1000, 0, retry,
						   saved);
		return error < 0 ? error : 0;
	}
	return 0;
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

static int read_file(struct saved_ports *saved)
{
	struct iov *iov = saved->registry->iov;
	_cleanup_json_ struct json_object *file = NULL;
	_cleanup_fd_ int fd = open(saved->path, O_RDONLY | O_CLOEXEC);
	struct stat status;

	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0 || fstat(fd, &status))
		return iov_told(iov, -errno, "--state %s: %s", saved->path, strerror(errno));
	if (S_ISREG(status.st_mode) && status.st_size <= FILE_MAX)
		file = json_object_from_fd(fd);
	if (!file || !is_list(file, BRIDGES) || !is_list(file, PORTS) ||
	    (json_object_object_get_ex(file, GROUPS, NULL) && !is_list(file, GROUPS)))
		return iov_fail(iov, -EUCLEAN, "--state %s: is no state of iovd, or damaged; move it "
				"away to start without bridges and ports", saved->path);
	restore(saved, file);
	return 0;
}

int saved_ports_open(struct saved_ports **out, struct registry *registry, const char *path)
{
	struct saved_ports *saved = calloc(1, sizeof(*saved));
	int error;

	if (!saved)
		return -ENOMEM;
	saved->registry = registry;
	saved->missing = json_object_new_array();
	saved->path = strdup(path);
	error = saved->path ? read_file(saved) : -ENOMEM;
	if (!error)
		error = begin_retries(saved);
	if (error) {
		saved_ports_close(saved);
		return error;
	}
	*out = saved;
	return 0;
}

void saved_ports_close(struct saved_ports *saved)
{
	if (!saved)
		return;
	sd_event_source_disable_unref(saved->retry);
	json_object_put(saved->missing);
	free(saved->path);
	free(saved);
}

/* By what it wrote into the lock; an iovd of another PID namespace has another number there. */
static int fail_locked(struct iov *iov, const char *path, int fd)
{
	char pid[16] = "", name[64] = "";
	ssize_t length = pread(fd, pid, sizeof(pid) - 1, 0);

	pid[length > 0 ? strspn(pid, "0123456789") : 0] = '\0';
	if (!*pid)
		return iov_fail(iov, -EBUSY, "--state %s: another iovd has it; stop that one, or choose "
				"another path", path);
	iov_sys_read(iov, iov_path(IOV_PATH_PROC "/%s/comm", pid).name, name, sizeof(name));
	return iov_fail(iov, -EBUSY, "--state %s: another iovd has it, pid %s (%s); stop that one, or "
			"choose another path", path, pid, *name ? name : "gone, and not all of it yet");
}

/* The file is replaced, so the lock is one of its own, and the descriptor stays open. */
int saved_ports_lock(struct iov *iov, const char *path)
{
	char lock[4096];
	int fd, error = 0;

	if (snprintf(lock, sizeof(lock), "%s.lock", path) >= (int)sizeof(lock))
		return iov_fail(iov, -ENAMETOOLONG, "--state %s: the path is too long", path);
	fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return iov_told(iov, -errno, "--state %s: %s: %s", path, lock, strerror(errno));
	if (!flock(fd, LOCK_EX | LOCK_NB)) {
		/* For the message of whoever comes next; losing it harms nobody. */
		if (!ftruncate(fd, 0))
			dprintf(fd, "%d\n", (int)getpid());
		return 0;
	}
	error = errno == EWOULDBLOCK ? fail_locked(iov, path, fd)
				     : iov_told(iov, -errno, "--state %s: %s: %s", path, lock,
						strerror(errno));
	close(fd);
	return error;
}

static struct json_object *describe(const struct saved_ports *saved)
{
	struct json_object *file = json_object_new_object();
	struct json_object *bridges = json_object_new_array(), *ports = json_object_new_array();
	struct json_object *groups = json_object_new_array();
	struct bridge *bridge;
	struct qos *qos;
	struct port *port;

	TAILQ_FOREACH(bridge, &saved->registry->bridges, link) {
		struct json_object *entry = json_object_new_object();

		bridge_save(bridge, entry);
		json_object_array_add(bridges, entry);
	}
	TAILQ_FOREACH(port, &saved->registry->ports, link)
		json_object_array_add(ports, port_saved(port));
	TAILQ_FOREACH(qos, &saved->registry->qos, link) {
		struct json_object *entry = json_object_new_object();

		qos_save(qos, entry);
		json_object_array_add(groups, entry);
	}
	json_object_object_add(file, BRIDGES, bridges);
	json_object_object_add(file, PORTS, ports);
	json_object_object_add(file, GROUPS, groups);
	for (size_t i = 0; i < json_object_array_length(saved->missing); i++)
		json_object_array_add(
			json_object_object_get(file, json_text(missing_at(saved, i), "list")),
			json_object_get(entry_at(saved, i)));
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

/* Where it is in what is missing; -1 when it is not. */
static int find_missing(const struct saved_ports *saved, const char *list, const char *name)
{
	for (size_t i = 0; saved && i < json_object_array_length(saved->missing); i++)
		if (!strcmp(json_text(missing_at(saved, i), "list"), list) &&
		    !strcmp(json_text(entry_at(saved, i), "name"), name))
			return (int)i;
	return -1;
}

static bool forget(struct saved_ports *saved, const char *list, const char *name)
{
	int index = find_missing(saved, list, name);

	return index >= 0 && !json_object_array_del_idx(saved->missing, (size_t)index, 1);
}

/* What is there again is not missing any more. */
static void drop_found(struct saved_ports *saved)
{
	struct bridge *bridge;
	struct qos *qos;
	struct port *port;

	TAILQ_FOREACH(port, &saved->registry->ports, link)
		forget(saved, PORTS, port->name);
	TAILQ_FOREACH(bridge, &saved->registry->bridges, link)
		forget(saved, BRIDGES, bridge->name);
	TAILQ_FOREACH(qos, &saved->registry->qos, link)
		forget(saved, GROUPS, qos->name);
}

void saved_ports_save(struct saved_ports *saved)
{
	_cleanup_json_ struct json_object *file = NULL;
	int error;

	if (!saved)
		return;
	drop_found(saved);
	file = describe(saved);
	error = write_file(saved->path, file);
	if (error)
		iov_log(saved->registry->iov, LOG_ERR,
			"--state %s: %s; bridges and ports will not be there after a restart",
			saved->path, strerror(-error));
}

static bool is_disk(struct json_object *entry)
{
	return !strcmp(json_text(entry, "type"), disk_port_type.name);
}

static const char *list_of(enum saved_kind kind)
{
	return kind == SAVED_BRIDGE ? BRIDGES : kind == SAVED_QOS ? GROUPS : PORTS;
}

static bool is_of(const struct saved_ports *saved, size_t index, enum saved_kind kind)
{
	if (strcmp(json_text(missing_at(saved, index), "list"), list_of(kind)))
		return false;
	return (kind != SAVED_PORT && kind != SAVED_DISK) ||
	       is_disk(entry_at(saved, index)) == (kind == SAVED_DISK);
}

/* As ports that are there are described, as far as the file says it. */
static void describe_port(struct json_object *object)
{
	static const struct {
		const char *in_file;
		const char *described;
	} names[] = {
		{ "mtu", "wanted_mtu" }, { "queues", "queues_max" }, { "server", NULL },
		{ "write_through", NULL }, { "flush_error", NULL }, { "incoming", NULL },
		{ "given_up", NULL },
	};
	bool serves = json_object_get_boolean(json_object_object_get(object, "server"));
	struct json_object *value;

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (!json_object_object_get_ex(object, names[i].in_file, &value))
			continue;
		if (names[i].described)
			json_object_object_add(object, names[i].described, json_object_get(value));
		json_object_object_del(object, names[i].in_file);
	}
	if (json_object_object_get(object, "socket"))
		json_add_text(object, "mode", serves ? "server" : "client");
	if (!is_disk(object) && !json_object_object_get(object, "bridge"))
		json_object_object_add(object, "bridge", NULL);
	json_object_object_add(object, "queues", json_object_new_int(0));
}

/* Nobody is in it, and nobody waits. */
static void describe_qos(struct json_object *object)
{
	static const char *const counts[] = { "waits", "wait_ms", "dropped_packets" };

	if (!json_object_object_get_ex(object, "burst_ms", NULL))
		json_object_object_add(object, "burst_ms", json_object_new_int(QOS_BURST_MS));
	json_object_object_add(object, "members", json_object_new_array());
	for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++)
		json_object_object_add(object, counts[i], json_object_new_int(0));
}

static struct json_object *describe_missing(const struct saved_ports *saved, size_t index,
					    enum saved_kind kind)
{
	struct json_object *object = json_copy(entry_at(saved, index));

	if (kind == SAVED_BRIDGE)
		json_object_object_add(object, "ports", json_object_new_array());
	else if (kind == SAVED_QOS)
		describe_qos(object);
	else
		describe_port(object);
	json_add_text(object, "state", IOV_NOT_RESTORED);
	json_add_text(object, "error", json_text(missing_at(saved, index), "error"));
	return object;
}

void saved_ports_add_missing(const struct saved_ports *saved, enum saved_kind kind,
			     struct json_object *list)
{
	for (size_t i = 0; saved && i < json_object_array_length(saved->missing); i++)
		if (is_of(saved, i, kind))
			json_object_array_add(list, describe_missing(saved, i, kind));
}

struct json_object *saved_ports_missing(const struct saved_ports *saved, enum saved_kind kind,
					const char *name)
{
	int index = find_missing(saved, list_of(kind), name);

	return index >= 0 && is_of(saved, (size_t)index, kind)
		       ? describe_missing(saved, (size_t)index, kind)
		       : NULL;
}

bool saved_ports_forget(struct saved_ports *saved, enum saved_kind kind, const char *name)
{
	return forget(saved, list_of(kind), name);
}
