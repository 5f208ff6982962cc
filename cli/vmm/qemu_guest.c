// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/vmm/qemu_guest.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/json.h"

#define DEVICES "/machine/peripheral"
#define DRIVER "vfio-pci"

/* How long QEMU is asked again for what it refuses, and how often. */
#define PLUG_MS 5000
#define AGAIN_MS 200

/* PCI_SLOT() and PCI_FUNC() of linux/pci.h. */
#define SLOT(devfn) ((unsigned int)(devfn) >> 3 & 0x1f)
#define FUNCTION(devfn) ((unsigned int)(devfn)&7)

static struct json_object *arguments(const char *key, const char *value)
{
	struct json_object *object = json_object_new_object();

	json_object_object_add(object, key, json_object_new_string(value));
	return object;
}

/* Ask what has no arguments but one; key NULL: none. */
static int ask(struct iov_qmp *qmp, const char *name, const char *key, const char *value,
	       struct json_object **answer)
{
	_cleanup_json_ struct json_object *command =
		iov_qmp_command(name, key ? arguments(key, value) : NULL);

	return iov_qmp_ask(qmp, command, answer);
}

int qemu_guest_status(struct iov_qmp *qmp, char status[GUEST_STATUS_SIZE])
{
	_cleanup_json_ struct json_object *answer = NULL;
	int error = ask(qmp, "query-status", NULL, NULL, &answer);

	snprintf(status, GUEST_STATUS_SIZE, "%s", error ? "" : json_text(answer, "status"));
	return error;
}

/* What QEMU does not have is NULL. */
static int get(struct iov_qmp *qmp, const char *id, const char *property,
	       struct json_object **value)
{
	_cleanup_json_ struct json_object *command = NULL;
	struct json_object *object;
	char path[256];
	int error;

	*value = NULL;
	snprintf(path, sizeof(path), DEVICES "/%s", id);
	object = arguments("path", path);
	json_object_object_add(object, "property", json_object_new_string(property));
	command = iov_qmp_command("qom-get", object);
	error = iov_qmp_ask(qmp, command, value);
	return error == -EREMOTEIO || error == -ENODEV ? 0 : error;
}

int qemu_guest_property(struct iov_qmp *qmp, const char *id, const char *property, char *text,
			size_t size)
{
	_cleanup_json_ struct json_object *value = NULL;
	int error = get(qmp, id, property, &value);

	snprintf(text, size, "%s", value ? json_object_get_string(value) : "");
	return error;
}

/* Only what a NIC has has an address. */
static int stands_by(struct iov_qmp *qmp, const char *id, const char *mac, bool *does)
{
	char text[32];
	int error = qemu_guest_property(qmp, id, "mac", text, sizeof(text));

	*does = !error && !strcasecmp(text, mac);
	if (!*does)
		return error;
	error = qemu_guest_property(qmp, id, "failover", text, sizeof(text));
	*does = !strcmp(text, "true");
	return error;
}

int qemu_guest_standby(struct iov_qmp *qmp, const char *mac, char *id, size_t size)
{
	_cleanup_json_ struct json_object *list = NULL;
	int error = ask(qmp, "qom-list", "path", DEVICES, &list);

	*id = '\0';
	for (size_t i = 0; !error && !*id && i < json_object_array_length(list); i++) {
		const char *name = json_text(json_object_array_get_idx(list, i), "name");
		bool does = false;

		if (strcmp(name, "type") != 0)
			error = stands_by(qmp, name, mac, &does);
		if (does)
			snprintf(id, size, "%s", name);
	}
	return error;
}

int qemu_guest_has(struct iov_qmp *qmp, const char *id, bool *has)
{
	_cleanup_json_ struct json_object *list = NULL;
	int error = ask(qmp, "qom-list", "path", DEVICES, &list);

	*has = false;
	for (size_t i = 0; !error && i < json_object_array_length(list); i++)
		*has |= !strcmp(json_text(json_object_array_get_idx(list, i), "name"), id);
	return error;
}

/* The last part of a path: "/objects/iommufd0" of an object, "/machine/peripheral/rp1/rp1" of a bus. */
static const char *name_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/*
 * What was said of it beside, by all that is not as QEMU has it without being told: "rombar", "acpi-index".
 * What begins with "x-" is QEMU's own matter and may be refused later, and the size of the ROM is found.
 */
static int add_settings(struct iov_qmp *qmp, struct guest_function *function)
{
	_cleanup_json_ struct json_object *properties = NULL;
	int error = ask(qmp, "device-list-properties", "typename", DRIVER, &properties);

	if (error == -ENOTSUP || error == -EREMOTEIO || error == -ENODEV)
		return 0;
	for (size_t i = 0; !error && i < json_object_array_length(properties); i++) {
		struct json_object *property = json_object_array_get_idx(properties, i), *usual;
		const char *name = json_text(property, "name");
		struct json_object *value = NULL;

		if (!strncmp(name, "x-", 2) || !strcmp(name, "romsize") || !strcmp(name, "addr") ||
		    !json_object_object_get_ex(property, "default-value", &usual))
			continue;
		error = get(qmp, function->id, name, &value);
		if (value && !json_object_equal(value, usual))
			json_object_object_add(function->device, name, value);
		else
			json_object_put(value);
	}
	return error;
}

/* A property that has no value of its own: what names something, a file or another object. */
static int add_text(struct iov_qmp *qmp, struct guest_function *function, const char *property,
		    bool is_path)
{
	char text[256];
	int error = qemu_guest_property(qmp, function->id, property, text, sizeof(text));

	if (*text)
		json_object_object_add(function->device, property,
				       json_object_new_string(is_path ? name_of(text) : text));
	return error;
}

static int add_place(struct iov_qmp *qmp, struct guest_function *function)
{
	_cleanup_json_ struct json_object *devfn = NULL;
	char bus[256], place[16];
	int error = qemu_guest_property(qmp, function->id, "parent_bus", bus, sizeof(bus));

	if (!error)
		error = get(qmp, function->id, "addr", &devfn);
	if (*bus)
		json_object_object_add(function->device, "bus",
				       json_object_new_string(name_of(bus)));
	if (json_object_is_type(devfn, json_type_int) && json_object_get_int(devfn) >= 0) {
		snprintf(place, sizeof(place), "%02x.%x", SLOT(json_object_get_int(devfn)),
			 FUNCTION(json_object_get_int(devfn)));
		json_object_object_add(function->device, "addr", json_object_new_string(place));
	}
	return error;
}

/* All that is said of it but where it is on the host, which may be another place there. */
static int describe(struct iov_qmp *qmp, struct guest_function *function)
{
	int error;

	function->device = arguments("driver", DRIVER);
	json_object_object_add(function->device, "id", json_object_new_string(function->id));
	error = add_place(qmp, function);
	if (!error)
		error = add_text(qmp, function, "failover_pair_id", false);
	if (!error)
		error = add_text(qmp, function, "iommufd", true);
	if (!error)
		error = add_text(qmp, function, "romfile", false);
	if (!error)
		error = add_settings(qmp, function);
	snprintf(function->standby, sizeof(function->standby), "%s",
		 json_text(function->device, "failover_pair_id"));
	return error;
}

/* Mediated devices have no address, and are left out. */
static int add_function(struct iov *iov, struct iov_qmp *qmp, const char *id,
			struct guest_functions *functions)
{
	struct guest_function function = { 0 };
	struct guest_function *grown;
	char directory[256];
	int error = qemu_guest_property(qmp, id, "sysfsdev", directory, sizeof(directory));

	if (error || !iov_bdf_scan(name_of(directory), &function.bdf))
		return error;
	snprintf(function.id, sizeof(function.id), "%s", id);
	error = describe(qmp, &function);
	grown = error ? NULL : array_grow(functions->list, functions->count, sizeof(*grown));
	if (grown) {
		functions->list = grown;
		grown[functions->count++] = function;
		return 0;
	}
	json_object_put(function.device);
	return error ? error : iov_fail(iov, -ENOMEM, "out of memory");
}

int qemu_guest_functions(struct iov *iov, struct iov_qmp *qmp, struct guest_functions *functions)
{
	_cleanup_json_ struct json_object *list = NULL;
	int error = ask(qmp, "qom-list", "path", DEVICES, &list);

	for (size_t i = 0; !error && i < json_object_array_length(list); i++) {
		struct json_object *entry = json_object_array_get_idx(list, i);

		if (!strcmp(json_text(entry, "type"), "child<" DRIVER ">"))
			error = add_function(iov, qmp, json_text(entry, "name"), functions);
	}
	return error;
}

void qemu_guest_free(struct guest_functions *functions)
{
	for (size_t i = 0; i < functions->count; i++)
		json_object_put(functions->list[i].device);
	free(functions->list);
	*functions = (struct guest_functions){ 0 };
}

struct json_object *qemu_guest_unplug_command(const char *id)
{
	return iov_qmp_command("device_del", arguments("id", id));
}

struct json_object *qemu_guest_plug_command(struct json_object *device)
{
	return iov_qmp_command("device_add", json_object_get(device));
}

/* What becomes of a device that a guest was asked to give up. */
struct unplugging {
	const char *id;
	bool gone;
	bool refused;
};

static void hear_unplug(void *arg, const char *event, struct json_object *data)
{
	struct unplugging *unplugging = arg;

	if (strcmp(json_text(data, "device"), unplugging->id) != 0)
		return;
	if (!strcmp(event, "DEVICE_DELETED"))
		unplugging->gone = true;
	if (!strcmp(event, "DEVICE_UNPLUG_GUEST_ERROR"))
		unplugging->refused = true;
}

static int wait_unplug(struct iov_qmp *qmp, struct unplugging *unplugging, unsigned int timeout_ms)
{
	const uint64_t deadline = monotonic_ms() + timeout_ms;
	uint64_t now;
	int error = 0;

	while (!error && !unplugging->gone && !unplugging->refused &&
	       (now = monotonic_ms()) < deadline)
		error = iov_qmp_wait(qmp, (unsigned int)(deadline - now));
	return error;
}

int qemu_guest_unplug(struct iov *iov, struct iov_qmp *qmp, const char *id)
{
	_cleanup_json_ struct json_object *command = qemu_guest_unplug_command(id);
	struct unplugging unplugging = { .id = id };
	int error;

	iov_qmp_on_event(qmp, hear_unplug, &unplugging);
	error = iov_qmp_ask(qmp, command, NULL);
	if (!error)
		error = wait_unplug(qmp, &unplugging, iov_qmp_patience(qmp));
	iov_qmp_on_event(qmp, NULL, NULL);
	if (error || unplugging.gone)
		return error;
	if (unplugging.refused)
		return iov_told(iov, -EBUSY,
				"%s: the guest does not give %s up; its own log says why",
				iov_qmp_path(qmp), id);
	return iov_told(
		iov, -ETIMEDOUT,
		"%s: the guest has not given %s up within %u s: it has not booted, hangs, or "
		"has no driver for hot-plug; nothing was changed, and it may give it up yet",
		iov_qmp_path(qmp), id, iov_qmp_patience(qmp) / 1000);
}

bool qemu_guest_lets_go(struct iov_qmp *qmp, const char *id, unsigned int timeout_ms)
{
	const uint64_t deadline = monotonic_ms() + timeout_ms;
	bool has = true;

	while (!qemu_guest_has(qmp, id, &has) && has && monotonic_ms() < deadline)
		nanosleep(&(struct timespec){ .tv_nsec = AGAIN_MS * 1000000 }, NULL);
	return !has;
}

int qemu_guest_plug(struct iov *iov, struct iov_qmp *qmp, struct json_object *device)
{
	_cleanup_json_ struct json_object *command = qemu_guest_plug_command(device);
	const uint64_t deadline = monotonic_ms() + PLUG_MS;
	bool has = false;
	int error;

	while ((error = iov_qmp_ask(qmp, command, NULL)) == -EREMOTEIO && monotonic_ms() < deadline)
		nanosleep(&(struct timespec){ .tv_nsec = AGAIN_MS * 1000000 }, NULL);
	if (error && strstr(iov_error_message(iov), "Duplicate"))
		return iov_told(iov, -EEXIST, "%s: QEMU keeps the id %s of a device that is gone, as it does before 9.2 "
				"of what its command line names; start the guest with what 'iov attach "
				"--failover' prints", iov_qmp_path(qmp), json_text(device, "id"));
	if (!error)
		error = qemu_guest_has(qmp, json_text(device, "id"), &has);
	if (error || has)
		return error;
	return iov_told(iov, -EAGAIN,
			"%s: QEMU keeps %s until the guest agrees to have a NIC that stands by: "
			"its driver, "
			"virtio_net with net_failover, does not yet",
			iov_qmp_path(qmp), json_text(device, "id"));
}

int qemu_guest_blockers(struct iov_qmp *qmp, struct json_object **reasons)
{
	_cleanup_json_ struct json_object *answer = NULL;
	int error = ask(qmp, "query-migrate", NULL, NULL, &answer);

	*reasons =
		error ? NULL : json_object_get(json_object_object_get(answer, "blocked-reasons"));
	return error;
}

static uint64_t number(struct json_object *object, const char *key)
{
	return json_object_get_uint64(json_object_object_get(object, key));
}

int qemu_guest_moving(struct iov_qmp *qmp, struct guest_moving *moving)
{
	_cleanup_json_ struct json_object *answer = NULL;
	int error = ask(qmp, "query-migrate", NULL, NULL, &answer);
	struct json_object *memory = json_object_object_get(answer, "ram");

	*moving = (struct guest_moving){ 0 };
	if (error)
		return error;
	snprintf(moving->status, sizeof(moving->status), "%s", json_text(answer, "status"));
	snprintf(moving->why, sizeof(moving->why), "%s", json_text(answer, "error-desc"));
	moving->total = number(memory, "total");
	moving->remaining = number(memory, "remaining");
	moving->sent = number(memory, "transferred");
	moving->downtime_ms = number(answer, "downtime");
	moving->total_ms = number(answer, "total-time");
	return 0;
}

bool qemu_guest_moved(const struct guest_moving *moving)
{
	return !strcmp(moving->status, "completed");
}

bool qemu_guest_stays(const struct guest_moving *moving)
{
	return !*moving->status || !strcmp(moving->status, "none") ||
	       !strcmp(moving->status, "failed") || !strcmp(moving->status, "cancelled");
}
