// SPDX-License-Identifier: GPL-2.0-or-later
/* Parameters of drivers by devlink (Documentation/networking/devlink/devlink-params.rst). */
#include <errno.h>
#include <linux/devlink.h>
#include <netlink/attr.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/switch.h"
#include "base/sysroot/call.h"
#include "plugins/net/net.h"
#include "plugins/net/netlink.h"
#include "plugins/net/nic_internal.h"

/* Types as devlink has them: those of netlink's policies, numbered by the kernel since ever. */
static const struct type {
	const char *name;
	int number;
	int64_t most;
} types[] = {
	{ "u8", 1, UINT8_MAX }, { "u16", 2, UINT16_MAX }, { "u32", 3, UINT32_MAX },
	{ "u64", 4, INT64_MAX }, { "string", 5, 0 }, { "bool", 6, 0 },
};
#define TYPES (sizeof(types) / sizeof(*types))

static const char *const cmodes[] = {
	[DEVLINK_PARAM_CMODE_RUNTIME] = "runtime",
	[DEVLINK_PARAM_CMODE_DRIVERINIT] = "driverinit",
	[DEVLINK_PARAM_CMODE_PERMANENT] = "permanent",
};
#define CMODES (sizeof(cmodes) / sizeof(*cmodes))

static const struct type *type_of_number(int number)
{
	for (size_t i = 0; i < TYPES; i++) {
		if (types[i].number == number)
			return &types[i];
	}
	return NULL;
}

static const struct type *type_of_name(const char *name)
{
	for (size_t i = 0; i < TYPES; i++) {
		if (!strcmp(types[i].name, name))
			return &types[i];
	}
	return NULL;
}

/* A flag has no bytes, and is there for "on". */
static struct json_object *value_json(const struct type *type, struct nlattr *data)
{
	const char *text = devlink_text_of(data);
	int length = data ? nla_len(data) : 0;

	switch (type->number) {
	case 1:
		return length >= 1 ? json_object_new_int(nla_get_u8(data)) : NULL;
	case 2:
		return length >= 2 ? json_object_new_int(nla_get_u16(data)) : NULL;
	case 3:
		return length >= 4 ? json_object_new_int64(nla_get_u32(data)) : NULL;
	case 4:
		return length >= 8 ? json_object_new_int64((int64_t)nla_get_u64(data)) : NULL;
	case 5:
		return text ? json_object_new_string(text) : NULL;
	default:
		return json_object_new_boolean(data != NULL);
	}
}

static void add_value(struct json_object *rows, const char *name, bool generic,
		      const struct type *type, struct nlattr *value)
{
	struct nlattr *cmode = devlink_inner(value, DEVLINK_ATTR_PARAM_VALUE_CMODE, 1);
	struct json_object *row;

	if (!cmode || nla_get_u8(cmode) >= CMODES)
		return;
	row = json_object_new_object();
	json_add_text(row, "name", name);
	json_add_text(row, "type", type->name);
	json_object_object_add(row, "generic", json_object_new_boolean(generic));
	json_add_text(row, "cmode", cmodes[nla_get_u8(cmode)]);
	json_object_object_add(row, "value",
			       value_json(type, devlink_inner(value, DEVLINK_ATTR_PARAM_VALUE_DATA, 0)));
	json_object_array_add(rows, row);
}

/* What is gathered of one device. */
struct gathering {
	const struct devlink_device *device;
	struct json_object *rows;
};

static void on_param(struct nlmsghdr *header, void *arg)
{
	struct nlattr *param = devlink_find(header, DEVLINK_ATTR_PARAM, 0), *list, *value, *type;
	struct gathering *gathering = arg;
	const struct type *known;
	const char *name;
	int rest;

	if (!param || !devlink_is_of(header, gathering->device))
		return;
	name = devlink_text_of(devlink_inner(param, DEVLINK_ATTR_PARAM_NAME, 1));
	type = devlink_inner(param, DEVLINK_ATTR_PARAM_TYPE, 1);
	list = devlink_inner(param, DEVLINK_ATTR_PARAM_VALUES_LIST, 0);
	known = type ? type_of_number(nla_get_u8(type)) : NULL;
	if (!name || !known || !list)
		return;
	nla_for_each_nested(value, list, rest) {
		if (nla_type(value) == DEVLINK_ATTR_PARAM_VALUE)
			add_value(gathering->rows, name, devlink_inner(param, DEVLINK_ATTR_PARAM_GENERIC, 0),
				  known, value);
	}
}

int devlink_params(const struct devlink_device *device, struct json_object **params)
{
	struct gathering gathering = { device, json_object_new_array() };
	const struct devlink_request request = {
		.device = device, .command = DEVLINK_CMD_PARAM_GET, .flags = NLM_F_DUMP,
		.on_message = on_param, .arg = &gathering,
	};

	*params = gathering.rows;
	return devlink_ask(&request);
}

/* A parameter on its way to the kernel. */
struct setting {
	const char *name;
	const struct type *type;
	unsigned int cmode;
	struct json_object *value;
};

static int put_data(struct nl_msg *message, const struct setting *setting)
{
	uint64_t number = (uint64_t)json_object_get_int64(setting->value);
	const int type = DEVLINK_ATTR_PARAM_VALUE_DATA;

	switch (setting->type->number) {
	case 1:
		return nla_put_u8(message, type, (uint8_t)number);
	case 2:
		return nla_put_u16(message, type, (uint16_t)number);
	case 3:
		return nla_put_u32(message, type, (uint32_t)number);
	case 4:
		return nla_put_u64(message, type, number);
	case 5:
		return nla_put_string(message, type, json_object_get_string(setting->value));
	default:
		return json_object_get_boolean(setting->value) ? nla_put_flag(message, type) : 0;
	}
}

static int fill_param(struct nl_msg *message, const void *arg)
{
	const struct setting *setting = arg;
	int error = nla_put_string(message, DEVLINK_ATTR_PARAM_NAME, setting->name);

	if (!error)
		error = nla_put_u8(message, DEVLINK_ATTR_PARAM_TYPE, (uint8_t)setting->type->number);
	if (!error)
		error = nla_put_u8(message, DEVLINK_ATTR_PARAM_VALUE_CMODE, (uint8_t)setting->cmode);
	return error ? error : put_data(message, setting);
}

int devlink_param_set(const struct devlink_device *device, const char *name, const char *type,
		      const char *cmode, struct json_object *value, char *answer, size_t size)
{
	struct setting setting = { .name = name, .type = type_of_name(type), .value = value };
	const struct devlink_request request = {
		.device = device, .command = DEVLINK_CMD_PARAM_SET, .flags = NLM_F_ACK,
		.fill = fill_param, .fill_arg = &setting, .answer = answer, .size = size,
	};

	while (setting.cmode < CMODES && strcmp(cmodes[setting.cmode], cmode))
		setting.cmode++;
	return setting.type && setting.cmode < CMODES ? devlink_ask(&request) : -EINVAL;
}

static int fill_reload(struct nl_msg *message, const void *arg)
{
	(void)arg;
	return nla_put_u8(message, DEVLINK_ATTR_RELOAD_ACTION, DEVLINK_RELOAD_ACTION_DRIVER_REINIT);
}

int devlink_reload(const struct devlink_device *device, char *answer, size_t size)
{
	const struct devlink_request request = {
		.device = device, .command = DEVLINK_CMD_RELOAD, .flags = NLM_F_ACK,
		.fill = fill_reload, .answer = answer, .size = size,
	};

	return devlink_ask(&request);
}

int nic_param_parse(struct iov *iov, struct json_object *row, const char *text,
		    struct json_object **value)
{
	const struct type *type = type_of_name(json_text(row, "type"));
	const char *name = json_text(row, "name");
	long long number;
	bool on;

	*value = NULL;
	if (!strcmp(type->name, "string")) {
		*value = json_object_new_string(text);
		return 0;
	}
	if (!strcmp(type->name, "bool")) {
		if (!switch_parse(text, &on))
			return iov_fail(iov, -EINVAL, "%s '%s': expected " IOV_SWITCH_EXPECTED, name, text);
		*value = json_object_new_boolean(on);
		return 0;
	}
	errno = 0;
	number = strtoll(text, NULL, 10);
	if (!*text || strspn(text, "0123456789") != strlen(text) || errno || number > type->most)
		return iov_fail(iov, -EINVAL, "%s '%s': expected a number from 0 to %lld (%s)", name, text,
				(long long)type->most, type->name);
	*value = json_object_new_int64(number);
	return 0;
}

/* Of a struct devlink_device answers an array. */
static int tell_params(struct iov *iov, const char *question, size_t length, FILE *answer)
{
	_cleanup_json_ struct json_object *params = NULL;
	struct devlink_device device;
	int error;

	memcpy(&device, question, length);
	iov_sys_asking(iov, "the parameters of %s, by devlink", devlink_text(&device).name);
	error = devlink_params(&device, &params);
	fputs(json_object_to_json_string_ext(params, JSON_C_TO_STRING_PLAIN), answer);
	return error;
}

int nic_params(struct iov *iov, const struct devlink_device *device, struct json_object **params)
{
	_cleanup_free_ char *answer = NULL;
	int error = netlink_require_host(iov);

	*params = NULL;
	if (error)
		return error;
	error = iov_sys_call(iov, tell_params, device, sizeof(*device), &answer);
	if (error == -ETIMEDOUT)
		return error;
	if (error == -EOPNOTSUPP)
		return iov_told(iov, error, "%s has no parameters: this kernel has no devlink; a module has it where it is "
				"not built in", devlink_text(device).name);
	if (error)
		return iov_told(iov, error, "cannot read the parameters of %s by devlink: %s",
				devlink_text(device).name, strerror(-error));
	*params = json_tokener_parse(answer);
	return *params ? 0 : iov_fail(iov, -ENOMEM, "out of memory");
}

int iov_param_list(struct iov *iov, const char *device, struct json_object **out)
{
	struct devlink_device found;
	int error = nic_device(iov, device, &found);

	return error ? error : nic_params(iov, &found, out);
}
