// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Operations and conditions as JSON, and back.
 *
 * What is read may be anything: a member that is missing, of another type, out of range or
 * unknown is refused by its name.  A condition has one of "link" (null: there is none; an
 * array: one of these), "value" and "exists".
 */
#include "base/plan/op_json.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/mac.h"

#define KEYS_MAX 16
#define ERRNO_MAX 4095
/* An operation on huge pages names their file. */
#define HUGE_PAGES_FILE "/nr_hugepages"

static const char *const kinds[] = {
	[IOV_OP_WRITE] = "write",
	[IOV_OP_MODULE] = "module",
	[IOV_OP_VF_ATTR] = "vf-attr",
	[IOV_OP_NVME_VIRT] = "nvme-virt",
	[IOV_OP_NVME_NAMESPACE] = "nvme-namespace",
	[IOV_OP_VGPU_VFS] = "vgpu-vfs",
	[IOV_OP_ANSWERS] = "answers",
	[IOV_OP_STEER] = "steer",
	[IOV_OP_MTU] = "mtu",
	[IOV_OP_IRQ] = "irq-affinity",
	[IOV_OP_HUGE_PAGES] = "huge-pages",
	[IOV_OP_ESWITCH] = "devlink-eswitch",
	[IOV_OP_VDPA] = "vdpa",
	[IOV_OP_DEVLINK] = "devlink",
	[IOV_OP_INTERFACES] = "interfaces",
	[IOV_OP_CLAIM] = "claim",
	[IOV_OP_IOVD] = "iovd",
	[IOV_OP_FILE] = "file",
};

static const char *const steer_targets[] = {
	[IOV_STEER_VF] = "vf",
	[IOV_STEER_QUEUE] = "queue",
};

static const char *const vf_modes[] = {
	[IOV_VF_SET] = "set",
	[IOV_VF_NEW] = "new",
	[IOV_VF_RESTORE] = "restore",
};

static const char *const nvme_actions[] = {
	[IOV_NVME_PRIMARY] = "primary",
	[IOV_NVME_PROVE] = "prove",
	[IOV_NVME_ASSIGN] = "assign",
	[IOV_NVME_ONLINE] = "online",
	[IOV_NVME_OFFLINE] = "offline",
};

static const char *const devlink_actions[] = {
	[IOV_DEVLINK_PARAM] = "param",
	[IOV_DEVLINK_RELOAD] = "reload",
	[IOV_DEVLINK_GROUP] = "group",
	[IOV_DEVLINK_GROUP_GONE] = "group-gone",
	[IOV_DEVLINK_SF] = "sf",
	[IOV_DEVLINK_SF_GONE] = "sf-gone",
};

static const char *const eswitch_modes[] = { "legacy", "switchdev" };

#define LENGTH(array) (sizeof(array) / sizeof(*(array)))

/* Writing. */

static void add_number(struct json_object *json, const char *key, int64_t number)
{
	json_object_object_add(json, key, json_object_new_int64(number));
}

static bool has_resources(enum iov_nvme_action action)
{
	return action <= IOV_NVME_ASSIGN;
}

static void add_nvme_virt(struct json_object *json, const struct iov_op *op)
{
	json_add_text(json, "pf", IOV_BDF(op->nvme_virt.pf));
	json_add_text(json, "action", nvme_actions[op->nvme_virt.action]);
	add_number(json, "controller", op->nvme_virt.controller);
	if (!has_resources(op->nvme_virt.action))
		return;
	add_number(json, "queues", op->nvme_virt.resources.queues);
	add_number(json, "interrupts", op->nvme_virt.resources.interrupts);
}

static void add_huge_pages(struct json_object *json, const struct iov_op *op)
{
	char count[12];

	snprintf(count, sizeof(count), "%u", op->huge_pages.count);
	json_add_text(json, "path", iov_path("%s" HUGE_PAGES_FILE, op->huge_pages.directory).name);
	json_add_text(json, "value", count);
	json_add_text(json, "advice", op->huge_pages.advice);
}

/* The first port goes without saying. */
static void add_port(struct json_object *json, int port)
{
	if (port >= 0)
		add_number(json, "port", port);
}

static void add_steer(struct json_object *json, const struct iov_op *op)
{
	const struct iov_steer_rule *rule = &op->steer.rule;
	char mac[IOV_MAC_TEXT];

	json_add_text(json, "device", IOV_BDF(op->steer.device));
	add_port(json, op->steer.port);
	json_object_object_add(json, "add", json_object_new_boolean(op->steer.add));
	iov_mac_format(rule->mac, mac);
	if (rule->has_mac)
		json_add_text(json, "mac", mac);
	if (rule->vlan)
		add_number(json, "vlan", rule->vlan);
	json_add_text(json, "to", steer_targets[rule->to]);
	add_number(json, "number", rule->number);
}

static void add_vf_attr(struct json_object *json, const struct iov_op *op)
{
	json_add_text(json, "pf", IOV_BDF(op->vf_attr.pf));
	add_port(json, op->vf_attr.port);
	if (op->vf_attr.index != IOV_VF_OWN)
		add_number(json, "vf", op->vf_attr.index);
	json_object_object_add(json, "values", json_copy(op->vf_attr.values));
	json_add_text(json, "mode", vf_modes[op->vf_attr.mode]);
}

static void add_members(struct json_object *json, const struct iov_op *op)
{
	switch (op->kind) {
	case IOV_OP_WRITE:
		json_add_text(json, "path", op->write.path);
		json_add_text(json, "value", op->write.value);
		return;
	case IOV_OP_MODULE:
		json_add_text(json, "name", op->module.name);
		return;
	case IOV_OP_VF_ATTR:
		add_vf_attr(json, op);
		return;
	case IOV_OP_NVME_VIRT:
		add_nvme_virt(json, op);
		return;
	case IOV_OP_NVME_NAMESPACE:
		json_add_text(json, "pf", IOV_BDF(op->nvme_namespace.pf));
		add_number(json, "controller", op->nvme_namespace.controller);
		add_number(json, "namespace", op->nvme_namespace.namespace_id);
		json_object_object_add(json, "attach", json_object_new_boolean(op->nvme_namespace.attach));
		return;
	case IOV_OP_VGPU_VFS:
		json_add_text(json, "pf", IOV_BDF(op->vgpu_vfs.pf));
		json_object_object_add(json, "on", json_object_new_boolean(op->vgpu_vfs.on));
		return;
	case IOV_OP_ANSWERS:
		json_add_text(json, "device", IOV_BDF(op->answers.device));
		return;
	case IOV_OP_MTU:
		json_add_text(json, "device", IOV_BDF(op->mtu.device));
		add_port(json, op->mtu.port);
		add_number(json, "mtu", op->mtu.mtu);
		return;
	case IOV_OP_STEER:
		add_steer(json, op);
		return;
	case IOV_OP_IRQ:
		json_add_text(json, "device", IOV_BDF(op->irq.device));
		json_object_object_add(json, "cpus", json_copy(op->irq.cpus));
		return;
	case IOV_OP_HUGE_PAGES:
		add_huge_pages(json, op);
		return;
	case IOV_OP_ESWITCH:
		json_add_text(json, "device", op->eswitch.device);
		json_add_text(json, "mode", op->eswitch.mode);
		return;
	case IOV_OP_VDPA:
		json_add_text(json, "name", op->vdpa.name);
		json_add_text(json, "mgmtdev", op->vdpa.mgmtdev);
		json_object_object_add(json, "values", json_copy(op->vdpa.values));
		return;
	case IOV_OP_DEVLINK:
		json_add_text(json, "device", op->devlink.device);
		json_add_text(json, "action", devlink_actions[op->devlink.action]);
		json_add_text(json, "name", op->devlink.name);
		json_object_object_add(json, "values", json_copy(op->devlink.values));
		return;
	case IOV_OP_INTERFACES:
		json_add_text(json, "device", op->interfaces.device);
		json_object_object_add(json, "interfaces", json_copy(op->interfaces.list));
		return;
	case IOV_OP_CLAIM:
		json_add_text(json, "device", IOV_BDF(op->claim.device));
		json_add_text(json, "holder", op->claim.holder);
		add_number(json, "ttl", op->claim.ttl);
		json_object_object_add(json, "held", json_object_new_boolean(op->claim.held));
		return;
	case IOV_OP_IOVD:
		json_add_text(json, "method", op->iovd.method);
		json_object_object_add(json, "params", json_copy(op->iovd.params));
		return;
	case IOV_OP_FILE:
		json_add_text(json, "path", op->file.path);
		json_add_text(json, "text", op->file.text);
		json_add_text(json, "was", op->file.was);
		if (op->file.restore)
			json_object_object_add(json, "restore", json_object_new_boolean(true));
		if (op->file.unkept)
			json_object_object_add(json, "unkept", json_object_new_boolean(true));
		return;
	case IOV_OP_KINDS:
		return;
	}
}

static struct json_object *meanings_json(const struct iov_op *op)
{
	struct json_object *json = json_object_new_object();
	char error[16];

	for (size_t i = 0; i < op->meaning_count; i++) {
		snprintf(error, sizeof(error), "%d", op->meanings[i].error);
		json_add_text(json, error, op->meanings[i].text);
	}
	return json;
}

struct json_object *iov_op_json(const struct iov_op *op)
{
	struct json_object *json = json_object_new_object();

	json_add_text(json, "op", kinds[op->kind]);
	add_members(json, op);
	if (op->meaning_count)
		json_object_object_add(json, "explain", meanings_json(op));
	if (op->absent_ok)
		json_object_object_add(json, "absent_ok", json_object_new_boolean(true));
	if (op->unless)
		json_object_object_add(json, op->repeats ? "until" : "unless", condition_json(op->unless));
	return json;
}

static struct json_object *targets_json(const struct iov_condition *condition)
{
	struct json_object *json = json_object_new_array();

	for (size_t i = 0; i < condition->count; i++)
		json_object_array_add(json, json_object_new_string(condition->targets[i]));
	return json;
}

struct json_object *condition_json(const struct iov_condition *condition)
{
	struct json_object *json = json_object_new_object();

	json_add_text(json, "path", condition->path);
	switch (condition->kind) {
	case IOV_IF_LINK:
		json_add_text(json, "link", condition->text);
		break;
	case IOV_IF_LINK_AMONG:
		json_object_object_add(json, "link", targets_json(condition));
		break;
	case IOV_IF_VALUE:
		json_add_text(json, "value", condition->text);
		break;
	case IOV_IF_EXISTS:
		json_object_object_add(json, "exists", json_object_new_boolean(condition->exists));
		break;
	}
	if (condition->within != IOV_IF_ALWAYS)
		add_number(json, "within", condition->within);
	return json;
}

/* Reading. */

/**
 * struct reader - an object that is being read
 * @what: what messages call it: "operation 'write'"
 * @error: of the first member that was wrong; what is read behind it is empty
 * @keys: members that were asked for
 */
struct reader {
	struct iov *iov;
	struct json_object *json;
	char what[64];
	int error;
	const char *keys[KEYS_MAX];
	size_t count;
};

static void refuse(struct reader *reader, const char *key, const char *expected)
{
	if (!reader->error)
		reader->error = iov_fail(reader->iov, -EINVAL, "%s: '%s': expected %s",
					 reader->what, key, expected);
}

/* A member; false when there is none. */
static bool find(struct reader *reader, const char *key, struct json_object **value)
{
	reader->keys[reader->count++] = key;
	return json_object_object_get_ex(reader->json, key, value);
}

static bool is_text(struct json_object *json)
{
	return json_object_is_type(json, json_type_string) &&
	       strlen(json_object_get_string(json)) == (size_t)json_object_get_string_len(json);
}

static const char *get_text(struct reader *reader, const char *key)
{
	struct json_object *value;

	if (find(reader, key, &value) && is_text(value))
		return json_object_get_string(value);
	refuse(reader, key, "a text");
	return "";
}

static const char *get_text_or_null(struct reader *reader, const char *key)
{
	struct json_object *value;

	if (json_object_object_get_ex(reader->json, key, &value) && value)
		return get_text(reader, key);
	if (!find(reader, key, &value))
		refuse(reader, key, "a text or null");
	return NULL;
}

static unsigned int get_number(struct reader *reader, const char *key, int64_t most)
{
	struct json_object *value;
	char expected[64];

	if (find(reader, key, &value) && json_object_is_type(value, json_type_int) &&
	    json_object_get_int64(value) >= 0 && json_object_get_int64(value) <= most)
		return (unsigned int)json_object_get_int64(value);
	snprintf(expected, sizeof(expected), "a number from 0 to %lld", (long long)most);
	refuse(reader, key, expected);
	return 0;
}

static bool get_switch(struct reader *reader, const char *key)
{
	struct json_object *value;

	if (!find(reader, key, &value))
		return false;
	if (!json_object_is_type(value, json_type_boolean))
		refuse(reader, key, "true or false");
	return json_object_get_boolean(value);
}

static struct iov_bdf get_function(struct reader *reader, const char *key)
{
	const char *text = get_text(reader, key);
	struct iov_bdf bdf = { 0 };

	if (!reader->error && iov_bdf_parse(reader->iov, text, &bdf))
		refuse(reader, key, "an address such as 0000:01:00.0");
	return bdf;
}

/* The index of a word, 0 for one that is refused. */
static unsigned int get_word(struct reader *reader, const char *key, const char *const *words,
			     size_t count)
{
	const char *text = get_text(reader, key);
	char expected[96] = "";
	size_t length = 0;

	for (unsigned int i = 0; i < count; i++) {
		if (!strcmp(words[i], text))
			return i;
	}
	for (size_t i = 0; i < count && length < sizeof(expected); i++)
		length += (size_t)snprintf(expected + length, sizeof(expected) - length, "%s%s",
					   i ? ", " : "one of: ", words[i]);
	refuse(reader, key, expected);
	return 0;
}

/* NULL when refused. */
static struct json_object *get_object(struct reader *reader, const char *key)
{
	struct json_object *object;

	if (find(reader, key, &object) && json_object_is_type(object, json_type_object))
		return object;
	refuse(reader, key, "an object");
	return NULL;
}

/* An object whose members can be told as text. */
static struct json_object *get_values(struct reader *reader, const char *key)
{
	struct json_object *values = get_object(reader, key);

	if (!values)
		return NULL;
	json_object_object_foreach(values, name, value) {
		if (!is_text(value) && !json_object_is_type(value, json_type_int) &&
		    !json_object_is_type(value, json_type_boolean))
			refuse(reader, name, "a text, a number, true or false");
	}
	return values;
}

static struct json_object *get_texts(struct reader *reader, const char *key)
{
	struct json_object *texts;

	if (!find(reader, key, &texts) || !json_object_is_type(texts, json_type_array)) {
		refuse(reader, key, "an array of texts");
		return NULL;
	}
	for (size_t i = 0; i < json_object_array_length(texts); i++) {
		if (!is_text(json_object_array_get_idx(texts, i)))
			refuse(reader, key, "an array of texts");
	}
	return texts;
}

/* Whoever wrote a member that we do not know meant something by it. */
static int end_reading(struct reader *reader)
{
	if (reader->error)
		return reader->error;
	json_object_object_foreach(reader->json, key, value) {
		size_t i = 0;

		(void)value;
		while (i < reader->count && strcmp(reader->keys[i], key))
			i++;
		if (i == reader->count)
			return iov_fail(reader->iov, -EOPNOTSUPP, "%s: unknown member '%s'; was it "
					"written by a newer iovkit?", reader->what, key);
	}
	return 0;
}

static int get_port(struct reader *reader)
{
	struct json_object *value;

	return find(reader, "port", &value) ? (int)get_number(reader, "port", UINT16_MAX) : -1;
}

static struct iov_op *read_vf_attr(struct reader *reader)
{
	struct json_object *vf;
	struct iov_bdf pf = get_function(reader, "pf");
	int port = get_port(reader);
	unsigned int index = find(reader, "vf", &vf) ? get_number(reader, "vf", UINT16_MAX) : IOV_VF_OWN;
	struct json_object *values = get_values(reader, "values");
	unsigned int mode = IOV_VF_SET;

	/* Without one the values are to be set. */
	if (json_object_object_get_ex(reader->json, "mode", NULL))
		mode = get_word(reader, "mode", vf_modes, LENGTH(vf_modes));
	return reader->error ? NULL : iov_op_vf_attr(pf, port, index, values,
						      (enum iov_vf_mode)mode);
}

static struct iov_op *read_nvme_virt(struct reader *reader)
{
	struct iov_bdf pf = get_function(reader, "pf");
	enum iov_nvme_action action = (enum iov_nvme_action)get_word(reader, "action", nvme_actions,
								     LENGTH(nvme_actions));
	unsigned int controller = get_number(reader, "controller", UINT16_MAX);
	struct iov_nvme_resources resources = { 0 };

	if (has_resources(action)) {
		resources.queues = get_number(reader, "queues", UINT16_MAX);
		resources.interrupts = get_number(reader, "interrupts", UINT16_MAX);
	}
	return reader->error ? NULL : iov_op_nvme_virt(pf, action, (uint16_t)controller,
						       &resources);
}

static struct iov_op *read_nvme_namespace(struct reader *reader)
{
	struct iov_bdf pf = get_function(reader, "pf");
	unsigned int controller = get_number(reader, "controller", UINT16_MAX);
	unsigned int namespace_id = get_number(reader, "namespace", UINT32_MAX);
	bool attach = get_switch(reader, "attach");

	return reader->error ? NULL : iov_op_nvme_namespace(pf, (uint16_t)controller, namespace_id, attach);
}

static struct iov_op *read_vgpu_vfs(struct reader *reader)
{
	struct iov_bdf pf = get_function(reader, "pf");
	bool on = get_switch(reader, "on");

	return reader->error ? NULL : iov_op_vgpu_vfs(pf, on);
}

static struct iov_op *read_answers(struct reader *reader)
{
	struct iov_bdf device = get_function(reader, "device");

	return reader->error ? NULL : iov_op_answers(device);
}

static struct iov_op *read_mtu(struct reader *reader)
{
	struct iov_bdf device = get_function(reader, "device");
	unsigned int mtu = get_number(reader, "mtu", UINT32_MAX);
	int port = get_port(reader);

	return reader->error ? NULL : iov_op_mtu(device, port, mtu);
}

static struct iov_op *read_steer(struct reader *reader)
{
	struct iov_bdf device = get_function(reader, "device");
	int port = get_port(reader);
	bool add = get_switch(reader, "add");
	struct iov_steer_rule rule = { 0 };
	struct json_object *value;

	rule.has_mac = find(reader, "mac", &value);
	if (rule.has_mac && !iov_mac_parse(get_text(reader, "mac"), rule.mac))
		refuse(reader, "mac", "a MAC address");
	rule.vlan = find(reader, "vlan", &value) ? get_number(reader, "vlan", 4094) : 0;
	rule.to = (enum iov_steer_to)get_word(reader, "to", steer_targets, LENGTH(steer_targets));
	rule.number = get_number(reader, "number", UINT16_MAX);
	return reader->error ? NULL : iov_op_steer(device, port, add, &rule);
}

static struct iov_op *read_claim(struct reader *reader)
{
	struct iov_bdf device = get_function(reader, "device");
	const char *holder = get_text(reader, "holder");
	unsigned int ttl = get_number(reader, "ttl", UINT32_MAX);
	bool held = get_switch(reader, "held");

	return reader->error ? NULL : iov_op_claim(device, holder, ttl, held);
}

static struct iov_op *read_irq(struct reader *reader)
{
	struct iov_bdf device = get_function(reader, "device");
	struct json_object *cpus = get_texts(reader, "cpus");

	return reader->error ? NULL : iov_op_irq(device, cpus);
}

static struct iov_op *read_huge_pages(struct reader *reader)
{
	const char *path = get_text(reader, "path"), *value = get_text(reader, "value");
	const char *advice = get_text(reader, "advice"), *file = strrchr(path, '/');
	unsigned long count = strtoul(value, NULL, 10);
	struct iov_path directory;

	if (!file || strcmp(file, HUGE_PAGES_FILE) || strlen(path) >= sizeof(directory.name))
		refuse(reader, "path", "a path that ends in " HUGE_PAGES_FILE);
	if (!*value || strspn(value, "0123456789") != strlen(value) || count > UINT32_MAX)
		refuse(reader, "value", "a number in a text");
	if (reader->error)
		return NULL;
	directory = iov_path("%.*s", (int)(file - path), path);
	return iov_op_huge_pages(directory.name, (unsigned int)count, advice);
}

static struct iov_op *read_devlink(struct reader *reader)
{
	const char *device = get_text(reader, "device");
	enum iov_devlink_action action = (enum iov_devlink_action)get_word(reader, "action",
						devlink_actions, LENGTH(devlink_actions));
	const char *name = get_text_or_null(reader, "name");
	struct json_object *values = get_values(reader, "values");

	if (!name != (action == IOV_DEVLINK_RELOAD))
		refuse(reader, "name", name ? "null" : "a text");
	return reader->error ? NULL : iov_op_devlink(device, action, name, values);
}

/* An interface as it was; who gives it that back judges the messages. */
static void check_interface(struct reader *reader, struct json_object *json)
{
	struct reader inner = { .iov = reader->iov, .json = json, .what = "interface" };

	if (!json_object_is_type(json, json_type_object)) {
		refuse(reader, "interfaces", "an array of objects");
		return;
	}
	get_text(&inner, "name");
	get_number(&inner, "port", UINT16_MAX);
	get_switch(&inner, "up");
	get_number(&inner, "mtu", UINT32_MAX);
	get_texts(&inner, "altnames");
	get_texts(&inner, "addresses");
	get_texts(&inner, "routes");
	if (!reader->error)
		reader->error = end_reading(&inner);
}

static struct iov_op *read_interfaces(struct reader *reader)
{
	const char *device = get_text(reader, "device");
	struct json_object *list;

	if (!find(reader, "interfaces", &list) || !json_object_is_type(list, json_type_array)) {
		refuse(reader, "interfaces", "an array of objects");
		return NULL;
	}
	for (size_t i = 0; i < json_object_array_length(list); i++)
		check_interface(reader, json_object_array_get_idx(list, i));
	return reader->error ? NULL : iov_op_interfaces(device, list);
}

static struct iov_op *read_file(struct reader *reader)
{
	const char *path = get_text(reader, "path");
	const char *text = get_text_or_null(reader, "text");
	const char *was = get_text_or_null(reader, "was");
	bool restore = get_switch(reader, "restore"), unkept = get_switch(reader, "unkept");
	struct iov_op *op;

	if (reader->error)
		return NULL;
	op = restore ? iov_op_restore_file(path, text, was) : iov_op_file(path, text, was);
	return unkept ? iov_op_unkept(op) : op;
}

static struct iov_op *read_members(struct reader *reader, enum iov_op_kind kind)
{
	const char *first, *second;
	struct json_object *params;

	switch (kind) {
	case IOV_OP_WRITE:
		first = get_text(reader, "path");
		second = get_text(reader, "value");
		return iov_op_write(first, second);
	case IOV_OP_MODULE:
		return iov_op_module(get_text(reader, "name"));
	case IOV_OP_VF_ATTR:
		return read_vf_attr(reader);
	case IOV_OP_NVME_VIRT:
		return read_nvme_virt(reader);
	case IOV_OP_NVME_NAMESPACE:
		return read_nvme_namespace(reader);
	case IOV_OP_VGPU_VFS:
		return read_vgpu_vfs(reader);
	case IOV_OP_ANSWERS:
		return read_answers(reader);
	case IOV_OP_STEER:
		return read_steer(reader);
	case IOV_OP_MTU:
		return read_mtu(reader);
	case IOV_OP_CLAIM:
		return read_claim(reader);
	case IOV_OP_IRQ:
		return read_irq(reader);
	case IOV_OP_HUGE_PAGES:
		return read_huge_pages(reader);
	case IOV_OP_ESWITCH:
		first = get_text(reader, "device");
		second = eswitch_modes[get_word(reader, "mode", eswitch_modes,
						LENGTH(eswitch_modes))];
		return iov_op_eswitch(first, second);
	case IOV_OP_VDPA:
		first = get_text(reader, "name");
		second = get_text_or_null(reader, "mgmtdev");
		params = get_values(reader, "values");
		return reader->error ? NULL : iov_op_vdpa(first, second, params);
	case IOV_OP_DEVLINK:
		return read_devlink(reader);
	case IOV_OP_INTERFACES:
		return read_interfaces(reader);
	case IOV_OP_IOVD:
		first = get_text(reader, "method");
		params = get_object(reader, "params");
		return reader->error ? NULL : iov_op_iovd(first, json_object_get(params));
	case IOV_OP_FILE:
		return read_file(reader);
	case IOV_OP_KINDS:
		break;
	}
	return NULL;
}

/* "explain": {"12": "..."} */
static struct iov_op *read_meanings(struct reader *reader, struct iov_op *op)
{
	struct json_object *meanings;

	if (!find(reader, "explain", &meanings))
		return op;
	if (!json_object_is_type(meanings, json_type_object)) {
		refuse(reader, "explain", "an object");
		return op;
	}
	json_object_object_foreach(meanings, key, text) {
		long error = strtol(key, NULL, 10);

		if (!*key || strspn(key, "0123456789") != strlen(key) || !error ||
		    error > ERRNO_MAX || !is_text(text))
			refuse(reader, "explain", "texts under numbers of errors");
		else
			op = iov_op_explain(op, (int)error, json_object_get_string(text));
	}
	return op;
}

/* Whether it is done at all ("unless"), and how often ("until"), by @apply. */
static struct iov_op *read_skip(struct reader *reader, struct iov_op *op, const char *key,
				     struct iov_op *(*apply)(struct iov_op *, struct iov_condition *))
{
	struct iov_condition *condition;
	struct json_object *json;

	if (reader->error || !find(reader, key, &json))
		return op;
	reader->error = condition_from_json(&condition, reader->iov, json);
	return reader->error ? op : apply(op, condition);
}

static int find_kind(struct iov *iov, struct json_object *json, enum iov_op_kind *kind)
{
	struct json_object *name;

	if (!json_object_is_type(json, json_type_object) ||
	    !json_object_object_get_ex(json, "op", &name) || !is_text(name))
		return iov_fail(iov, -EINVAL, "'%s': expected an operation, an object with 'op'",
				json ? json_object_get_string(json) : "null");
	for (size_t i = 0; i < LENGTH(kinds); i++) {
		*kind = (enum iov_op_kind)i;
		if (!strcmp(kinds[i], json_object_get_string(name)))
			return 0;
	}
	return iov_fail(iov, -EOPNOTSUPP, "unknown operation '%s'; was it written by a newer "
			"iovkit?", json_object_get_string(name));
}

int iov_op_from_json(struct iov_op **op, struct iov *iov, struct json_object *json)
{
	struct reader reader = { .iov = iov, .json = json, .keys = { "op" }, .count = 1 };
	enum iov_op_kind kind = IOV_OP_KINDS;
	int error = find_kind(iov, json, &kind);

	*op = NULL;
	if (error)
		return error;
	snprintf(reader.what, sizeof(reader.what), "operation '%s'", json_text(json, "op"));
	*op = read_meanings(&reader, read_members(&reader, kind));
	if (get_switch(&reader, "absent_ok"))
		iov_op_absent_ok(*op);
	*op = read_skip(&reader, *op, "unless", iov_op_unless);
	*op = read_skip(&reader, *op, "until", iov_op_until);
	error = end_reading(&reader);
	if (!error && !*op)
		error = iov_fail(iov, -ENOMEM, "out of memory");
	if (error) {
		iov_op_free(*op);
		*op = NULL;
	}
	return error;
}

static struct iov_condition *read_targets(struct reader *reader, const char *path,
					  struct json_object *link)
{
	size_t count = json_object_array_length(link);
	_cleanup_free_ char **targets = calloc(count + 1, sizeof(*targets));

	for (size_t i = 0; targets && i < count; i++) {
		struct json_object *target = json_object_array_get_idx(link, i);

		if (!is_text(target)) {
			refuse(reader, "link", "a text, null or an array of texts");
			return NULL;
		}
		targets[i] = (char *)json_object_get_string(target);
	}
	return targets ? iov_if_link_among(path, targets, count) : NULL;
}

static struct iov_condition *read_link(struct reader *reader, const char *path,
				       struct json_object *link)
{
	if (!link)
		return iov_if_link(path, NULL);
	if (json_object_is_type(link, json_type_array))
		return read_targets(reader, path, link);
	if (is_text(link))
		return iov_if_link(path, json_object_get_string(link));
	refuse(reader, "link", "a text, null or an array of texts");
	return NULL;
}

/* The member that says what kind of condition it is; a second one is unknown to the kind. */
static struct iov_condition *read_condition(struct reader *reader)
{
	const char *path = get_text(reader, "path");
	struct json_object *value;

	if (find(reader, "link", &value))
		return read_link(reader, path, value);
	if (json_object_object_get_ex(reader->json, "value", NULL))
		return iov_if_value(path, get_text(reader, "value"));
	if (json_object_object_get_ex(reader->json, "exists", NULL))
		return iov_if_exists(path, get_switch(reader, "exists"));
	refuse(reader, "path", "link, value or exists beside it");
	return NULL;
}

int condition_from_json(struct iov_condition **condition, struct iov *iov, struct json_object *json)
{
	struct reader reader = { .iov = iov, .json = json, .what = "condition" };
	int error;

	*condition = NULL;
	if (!json_object_is_type(json, json_type_object))
		return iov_fail(iov, -EINVAL, "'%s': expected a condition, an object with 'path'",
				json ? json_object_get_string(json) : "null");
	*condition = read_condition(&reader);
	if (json_object_object_get_ex(json, "within", NULL))
		iov_if_within(*condition, get_number(&reader, "within", IOV_IF_ALWAYS - 1));
	error = end_reading(&reader);
	if (!error && !*condition)
		error = iov_fail(iov, -ENOMEM, "out of memory");
	if (error) {
		iov_condition_free(*condition);
		*condition = NULL;
	}
	return error;
}
