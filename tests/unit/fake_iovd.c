// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/fake_iovd.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static const char *text_of(struct json_object *object, const char *key)
{
	const char *text = json_object_get_string(json_object_object_get(object, key));

	return text ? text : "";
}

static int find(struct json_object *list, const char *name)
{
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		if (!strcmp(text_of(json_object_array_get_idx(list, i), "name"), name))
			return (int)i;
	}
	return -1;
}

/* What is off iovd does not speak of. */
static void drop_off(struct json_object *entry)
{
	json_object_object_foreach(entry, key, value) {
		if (json_object_is_type(value, json_type_boolean) && !json_object_get_boolean(value))
			json_object_object_del(entry, key);
	}
}

static void set_default(struct json_object *entry, const char *key, struct json_object *value)
{
	if (json_object_object_get(entry, key))
		json_object_put(value);
	else
		json_object_object_add(entry, key, value);
}

/* What iovd tells of a disk beside what it was given. */
static void describe_disk(struct json_object *entry)
{
	struct json_object *queues = json_object_object_get(entry, "queues");

	json_object_object_add(entry, "queues_max",
			       queues ? json_object_get(queues) : json_object_new_int(64));
	json_object_object_add(entry, "queues", json_object_new_int(0));
	json_object_object_add(entry, "type", json_object_new_string("disk"));
	set_default(entry, "state", json_object_new_string("listening"));
	set_default(entry, "bytes", json_object_new_uint64(FAKE_FILE_BYTES));
	set_default(entry, "block", json_object_new_int(512));
	set_default(entry, "read_only", json_object_new_boolean(false));
	set_default(entry, "serial", json_object_new_string(text_of(entry, "name")));
	set_default(entry, "on_error", json_object_new_string("report"));
	set_default(entry, "status", json_object_new_string("ready"));
}

static void describe_qos(struct json_object *entry)
{
	set_default(entry, "burst_ms", json_object_new_int(10));
	json_object_object_add(entry, "members", json_object_new_array());
	json_object_object_add(entry, "waits", json_object_new_int(7));
}

/* As iovd lists what was added: a server is a mode. */
static int add(struct fake_iovd *iovd, struct json_object *list, struct json_object *params)
{
	struct json_object *entry = NULL;
	bool server = json_object_get_boolean(json_object_object_get(params, "server"));

	if (find(list, text_of(params, "name")) >= 0)
		return EEXIST;
	if (iovd->refuse && !strcmp(iovd->refuse, text_of(params, "name")))
		return ENODEV;
	json_object_deep_copy(params, &entry, NULL);
	drop_off(entry);
	json_object_object_del(entry, "server");
	if (list == iovd->disks)
		describe_disk(entry);
	if (list == iovd->qos)
		describe_qos(entry);
	if (list != iovd->bridges && json_object_object_get(params, "socket"))
		json_object_object_add(entry, "mode",
				       json_object_new_string(server ? "server" : "client"));
	json_object_array_add(list, entry);
	return 0;
}

static int take(struct json_object *list, const char *name)
{
	int index = find(list, name);

	if (index < 0)
		return ENOENT;
	json_object_array_del_idx(list, (size_t)index, 1);
	return 0;
}

/* A limit that is taken away, or a group that is left. */
static bool is_nothing(struct json_object *value)
{
	return json_object_is_type(value, json_type_int) ? !json_object_get_int64(value) :
	       json_object_is_type(value, json_type_string) &&
		       !strcmp(json_object_get_string(value), "none");
}

static int set(struct json_object *list, struct json_object *params)
{
	int index = find(list, text_of(params, "name"));
	struct json_object *entry;

	if (index < 0)
		return ENOENT;
	entry = json_object_array_get_idx(list, (size_t)index);
	json_object_object_foreach(params, key, value) {
		if (is_nothing(value))
			json_object_object_del(entry, key);
		else
			json_object_object_add(entry, key, json_object_get(value));
	}
	return 0;
}

static struct json_object *list_of(struct fake_iovd *iovd, const char *method)
{
	return *method == 'p' ? iovd->ports : *method == 'd' ? iovd->disks :
	       *method == 'q' ? iovd->qos : iovd->bridges;
}

static int call(struct fake_iovd *iovd, const char *method, struct json_object *params,
		struct json_object **result)
{
	struct json_object *list = list_of(iovd, method);

	if (strstr(method, ".list")) {
		*result = json_object_get(list);
		return 0;
	}
	if (json_object_get_boolean(json_object_object_get(params, "dry_run"))) {
		iovd->judgements++;
		*result = json_object_new_object();
		json_object_object_add(*result, "changes", json_object_new_boolean(true));
		return 0;
	}
	iovd->changes++;
	if (strstr(method, ".set") || strstr(method, ".resize"))
		return set(list, params);
	return strstr(method, ".add") ? add(iovd, list, params) : take(list, text_of(params, "name"));
}

static struct json_object *respond(struct fake_iovd *iovd, struct json_object *request)
{
	struct json_object *response = json_object_new_object(), *result = NULL, *error, *data;
	int code = call(iovd, text_of(request, "method"),
			json_object_object_get(request, "params"), &result);

	json_object_object_add(response, "result", result);
	if (!code)
		return response;
	error = json_object_new_object();
	data = json_object_new_object();
	json_object_object_del(response, "result");
	json_object_object_add(data, "errno", json_object_new_int(code));
	json_object_object_add(error, "message", json_object_new_string("iovd says no"));
	json_object_object_add(error, "data", data);
	json_object_object_add(response, "error", error);
	return response;
}

static void serve(struct fake_iovd *iovd, int fd)
{
	struct json_object *request, *response;
	char text[4096];
	ssize_t got = recv(fd, text, sizeof(text) - 1, 0);

	if (got <= 0)
		return;
	text[got] = '\0';
	request = json_tokener_parse(text);
	response = respond(iovd, request);
	dprintf(fd, "%s\n", json_object_to_json_string(response));
	json_object_put(request);
	json_object_put(response);
}

static void *run(void *arg)
{
	struct fake_iovd *iovd = arg;
	int fd;

	while ((fd = accept(iovd->listener, NULL, NULL)) >= 0) {
		serve(iovd, fd);
		close(fd);
	}
	return NULL;
}

void fake_iovd_start(struct fake_iovd *iovd, const char *directory)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	*iovd = (struct fake_iovd){ .ports = json_object_new_array(),
				    .bridges = json_object_new_array(),
				    .disks = json_object_new_array(),
				    .qos = json_object_new_array() };
	snprintf(iovd->path, sizeof(iovd->path), "%s/iovd.sock", directory);
	strcpy(address.sun_path, iovd->path);
	iovd->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (iovd->listener < 0 ||
	    bind(iovd->listener, (const struct sockaddr *)&address, sizeof(address)) ||
	    listen(iovd->listener, 8) || pthread_create(&iovd->thread, NULL, run, iovd))
		abort();
}

void fake_iovd_stop(struct fake_iovd *iovd)
{
	shutdown(iovd->listener, SHUT_RDWR);
	pthread_join(iovd->thread, NULL);
	close(iovd->listener);
	json_object_put(iovd->ports);
	json_object_put(iovd->bridges);
	json_object_put(iovd->disks);
	json_object_put(iovd->qos);
}
