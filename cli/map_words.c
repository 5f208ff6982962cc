// SPDX-License-Identifier: GPL-2.0-or-later
/* What all pictures of a map say in the same words. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/sysroot/paths.h"
#include "base/sysroot/sysroot.h"
#include "cli/map.h"

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* "guest=web,debug-threads=on" or "web,process=x" as QEMU takes it; others take "web" alone. */
static void cut_name(const char *value, char *name, size_t size)
{
	static const char key[] = "guest=";

	if (!strncmp(value, key, strlen(key)))
		value += strlen(key);
	snprintf(name, size, "%.*s", (int)strcspn(value, ","), value);
}

/* The options by which monitors are told what their guest is called. */
static bool is_name_option(const char *word)
{
	static const char *const options[] = { "-name", "--name", "-n", "--id" };

	for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++) {
		if (!strcmp(options[i], word))
			return true;
	}
	return false;
}

static bool is_monitor(const char *program)
{
	static const char *const names[] = { "qemu", "kvm", "crosvm", "cloud-hypervisor", "firecracker",
					     "lkvm" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (!strncmp(names[i], program, strlen(names[i])))
			return true;
	}
	return false;
}

bool map_guest_name(struct iov *iov, const char *pid, char *name, size_t size)
{
	struct iov_path path = iov_path(IOV_PATH_PROC "/%s/cmdline", pid);
	_cleanup_free_ char *words = NULL;
	size_t length;

	if (iov_sys_read_all(iov, path.name, &words, &length) || !is_monitor(base_name(words)))
		return false;
	for (char *word = words; word < words + length; word += strlen(word) + 1) {
		char *next = word + strlen(word) + 1;

		if (!is_name_option(word) || next >= words + length)
			continue;
		cut_name(next, name, size);
		return *name;
	}
	return false;
}

static bool is_alike(struct json_object *one, struct json_object *other)
{
	static const char *const keys[] = { "pf", "driver", "users", "joins", "net", "representor",
					    "block", "nvme", "numa_node" };

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		if (!json_object_equal(json_object_object_get(one, keys[i]),
				       json_object_object_get(other, keys[i])))
			return false;
	}
	return true;
}

struct map_run map_run_at(struct json_object *functions, size_t index, bool all)
{
	const size_t count = json_object_array_length(functions);
	struct json_object *first = json_object_array_get_idx(functions, index);
	struct map_run run = { index, 1 };

	if (all || !json_object_object_get(first, "pf"))
		return run;
	while (index + run.count < count &&
	       is_alike(first, json_object_array_get_idx(functions, index + run.count)))
		run.count++;
	run.count = run.count < MAP_RUN_LEAST ? 1 : run.count;
	return run;
}

void map_run_title(struct json_object *functions, struct map_run run, char *text, size_t size)
{
	struct json_object *first = json_object_array_get_idx(functions, run.first);
	struct json_object *last = json_object_array_get_idx(functions, run.first + run.count - 1);

	if (run.count == 1)
		snprintf(text, size, "%s", json_text(first, "device"));
	else
		snprintf(text, size, "VFs %s-%s", json_text(first, "vf_index"),
			 json_text(last, "vf_index"));
}

void map_role(struct json_object *function, char *text, size_t size)
{
	static const struct {
		const char *role;
		const char *words;
	} roles[] = {
		{ "root-port", "root port" }, { "upstream-port", "switch" },
		{ "downstream-port", "switch port" }, { "pci-bridge", "bridge to PCI" },
		{ "bridge", "bridge" },
	};
	const char *role = json_text(function, "role");

	text[0] = '\0';
	if (!strcmp(role, "vf"))
		snprintf(text, size, "VF %s", json_text(function, "vf_index"));
	else if (!strcmp(role, "pf"))
		snprintf(text, size, "PF, %s of %s VFs", json_text(function, "vfs"),
			 json_text(function, "vfs_total"));
	for (size_t i = 0; i < sizeof(roles) / sizeof(*roles); i++) {
		if (!strcmp(roles[i].role, role))
			snprintf(text, size, "%s", roles[i].words);
	}
}

void map_user_title(struct json_object *user, char *text, size_t size)
{
	const char *guest = json_text_or_null(user, "guest"), *disk = json_text_or_null(user, "disk");
	const char *port = json_text_or_null(user, "port");

	if (guest)
		snprintf(text, size, "guest %s, %s", guest, json_text(user, "holder"));
	else if (disk || port)
		snprintf(text, size, "%s %s of iovd", disk ? "disk" : "port", disk ? disk : port);
	else
		snprintf(text, size, "%s", json_text(user, "holder"));
}

static void append(char *text, size_t size, const char *format, const char *more)
{
	size_t length = strlen(text);

	length += (size_t)snprintf(text + length, size - length, "%s", length ? "; " : "");
	if (length < size)
		snprintf(text + length, size - length, format, more);
}

static void append_names(char *text, size_t size, struct json_object *names)
{
	for (size_t i = 0; i < json_object_array_length(names); i++)
		append(text, size, "%s", json_object_get_string(json_object_array_get_idx(names, i)));
}

#define RATE_SIZE 64

/* "5.0 GT/s x4" of "5.0 GT/s PCIe x4" */
static void rate_of(struct json_object *function, const char *key, char rate[RATE_SIZE])
{
	static const char bus[] = " PCIe";
	char *at;

	snprintf(rate, RATE_SIZE, "%s", json_text(function, key));
	at = strstr(rate, bus);
	if (at)
		memmove(at, at + strlen(bus), strlen(at + strlen(bus)) + 1);
}

void map_notes(struct json_object *function, char *text, size_t size)
{
	struct json_object *users = json_object_object_get(function, "users");
	char title[256], now[RATE_SIZE], most[RATE_SIZE];

	text[0] = '\0';
	append_names(text, size, json_object_object_get(function, "net"));
	append_names(text, size, json_object_object_get(function, "block"));
	if (json_text_or_null(function, "representor")) {
		snprintf(title, sizeof(title), "represented by %s", json_text(function, "representor"));
		append(text, size, "%s", title);
	}
	for (size_t i = 0; i < json_object_array_length(users); i++) {
		map_user_title(json_object_array_get_idx(users, i), title, sizeof(title));
		append(text, size, "%s", title);
	}
	if (json_object_get_boolean(json_object_object_get(function, "link_slow"))) {
		rate_of(function, "link", now);
		rate_of(function, "link_max", most);
		snprintf(title, sizeof(title), "slow link, %s of %s", now, most);
		append(text, size, "%s", title);
	}
	if (json_object_array_length(json_object_object_get(function, "joins")))
		append(text, size, "%s", "no isolation here");
}
