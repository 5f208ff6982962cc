// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Management devices and vDPA devices.  The kernel's vDPA core has one lock, which a driver may
 * hold as long as its hardware takes, so the writer asks.
 */
#include "plugins/vdpa/vdpa_internal.h"

#include <errno.h>
#include <linux/vdpa.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/near.h"
#include "base/sysroot/call.h"
#include "base/sysroot/paths.h"
#include "plugins/net/netlink.h"

struct iov_path vdpa_path(const char *name, const char *file)
{
	return iov_path(IOV_PATH_VDPA "/devices/%s%s%s", name, *file ? "/" : "", file);
}

struct iov_path vdpa_device(const char *name)
{
	return iov_path("vdpa/%s", name);
}

/* Ask for one device, or a dump of all; -EOPNOTSUPP without the module. */
static int ask(uint8_t command, const char *name, void (*on_message)(struct nlmsghdr *, void *),
	       void *arg)
{
	struct netlink netlink = { .on_message = on_message, .arg = arg };
	int error = netlink_open(&netlink, NETLINK_GENERIC), family;
	struct nl_msg *message;

	if (!error) {
		family = genl_ctrl_resolve(netlink.socket, VDPA_GENL_NAME);
		error = family < 0 ? -EOPNOTSUPP : 0;
	}
	if (!error) {
		message = vdpa_message(family, command, name ? 0 : NLM_F_DUMP, name);
		nl_socket_disable_auto_ack(netlink.socket);
		error = message ? netlink_transact(&netlink, message) : -ENOMEM;
	}
	netlink_close(&netlink);
	return error;
}

static void on_mgmt(struct nlmsghdr *header, void *arg)
{
	struct json_object *json = genlmsg_valid_hdr(header, 0) ? vdpa_mgmt_json(header) : NULL;

	if (json)
		json_object_array_add(arg, json);
}

static void on_device(struct nlmsghdr *header, void *arg)
{
	struct json_object *json = genlmsg_valid_hdr(header, 0) ? vdpa_device_json(header) : NULL;

	if (json)
		json_object_array_add(arg, json);
}

static void on_config(struct nlmsghdr *header, void *arg)
{
	if (genlmsg_valid_hdr(header, 0))
		vdpa_add_config(header, arg);
}

/* Answers who makes devices, and all devices. */
static int tell_all(struct iov *iov, const char *question, size_t length, FILE *answer)
{
	_cleanup_json_ struct json_object *all = json_object_new_object();
	struct json_object *mgmt = json_object_new_array(), *devices = json_object_new_array();
	int error;

	(void)question;
	(void)length;
	json_object_object_add(all, "mgmt", mgmt);
	json_object_object_add(all, "devices", devices);
	iov_sys_asking(iov, "vDPA devices, by netlink");
	error = ask(VDPA_CMD_MGMTDEV_GET, NULL, on_mgmt, mgmt);
	if (!error)
		error = ask(VDPA_CMD_DEV_GET, NULL, on_device, devices);
	for (size_t i = 0; !error && i < json_object_array_length(devices); i++) {
		struct json_object *device = json_object_array_get_idx(devices, i);

		/* Older kernels and other classes have no answer to that. */
		iov_sys_asking(iov, "the configuration of %s, by netlink", json_text(device, "name"));
		ask(VDPA_CMD_DEV_CONFIG_GET, json_text(device, "name"), on_config, device);
	}
	fputs(json_object_to_json_string_ext(all, JSON_C_TO_STRING_PLAIN), answer);
	return error;
}

/* By netlink; -EOPNOTSUPP without a message where nobody answers. */
static int read_all(struct iov *iov, struct json_object **all)
{
	_cleanup_free_ char *answer = NULL;
	int error;

	*all = NULL;
	if (!iov_sys_is_host(iov))
		return -EOPNOTSUPP;
	error = iov_sys_call(iov, tell_all, "", 0, &answer);
	if (error == -ETIMEDOUT || error == -EOPNOTSUPP)
		return error;
	if (error)
		return iov_told(iov, error, "cannot list vDPA devices by netlink: %s", strerror(-error));
	*all = json_tokener_parse(answer);
	return *all ? 0 : iov_fail(iov, -ENOMEM, "out of memory");
}

static void add_devices(struct json_object *mgmt, struct json_object *devices)
{
	struct json_object *names = json_object_new_array();

	for (size_t i = 0; i < json_object_array_length(devices); i++) {
		struct json_object *device = json_object_array_get_idx(devices, i);

		if (!strcmp(json_text(device, "mgmtdev"), json_text(mgmt, "name")))
			json_object_array_add(names, json_object_new_string(json_text(device, "name")));
	}
	json_object_object_add(mgmt, "devices", names);
}

int iov_vdpa_mgmt(struct iov *iov, struct json_object **list)
{
	_cleanup_json_ struct json_object *all = NULL;
	int error = netlink_require_host(iov);

	*list = NULL;
	if (!error)
		error = read_all(iov, &all);
	if (error == -EOPNOTSUPP && iov_sys_is_host(iov))
		return iov_told(iov, error, "the kernel has no vDPA now; load the module vdpa, or that of a driver "
				"that makes vDPA devices, as mlx5_vdpa or vduse");
	if (error)
		return error;
	*list = json_object_get(json_object_object_get(all, "mgmt"));
	for (size_t i = 0; i < json_object_array_length(*list); i++)
		add_devices(json_object_array_get_idx(*list, i), json_object_object_get(all, "devices"));
	return 0;
}

/* Its node, "vhost-vdpa-0": the child of the device that its driver makes. */
static void add_node(struct iov *iov, struct json_object *row)
{
	struct iov_path directory = vdpa_path(json_text(row, "name"), "");
	static const char prefix[] = "vhost-vdpa-";
	char **names;
	size_t count;

	json_object_object_add(row, "node", NULL);
	if (iov_sys_list(iov, directory.name, &names, &count))
		return;
	for (size_t i = 0; i < count; i++) {
		if (!strncmp(names[i], prefix, strlen(prefix)))
			json_add_text(row, "node", iov_path("/" IOV_PATH_DEV "/%s", names[i]).name);
	}
	iov_names_free(names, count);
}

/* What netlink did not tell, and sysfs does. */
static void complete(struct iov *iov, struct json_object *row)
{
	static const char *const keys[] = {
		"mgmtdev", "class", "max_vqs", "max_vq_size", "mac", "mtu", "max_vqp", "link", "features",
	};
	char driver[64];
	bool bound;

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		if (!json_object_object_get_ex(row, keys[i], NULL))
			json_object_object_add(row, keys[i], NULL);
	}
	if (!json_object_object_get_ex(row, "feature_names", NULL))
		json_object_object_add(row, "feature_names", json_object_new_array());
	bound = !iov_sys_link_name(iov, vdpa_path(json_text(row, "name"), "driver").name, driver,
				   sizeof(driver));
	json_add_text(row, "driver", bound ? driver : NULL);
	add_node(iov, row);
}

/* A recorded tree, or a kernel without the module, has what sysfs tells. */
static struct json_object *list_sysfs(struct iov *iov)
{
	struct json_object *rows = json_object_new_array();
	char **names;
	size_t count;

	if (iov_sys_list(iov, IOV_PATH_VDPA "/devices", &names, &count))
		return rows;
	for (size_t i = 0; i < count; i++) {
		struct json_object *row = json_object_new_object();

		json_add_text(row, "name", names[i]);
		json_object_array_add(rows, row);
	}
	iov_names_free(names, count);
	return rows;
}

static int add_holders(struct iov *iov, struct json_object *rows)
{
	_cleanup_json_ struct json_object *findings = NULL;
	size_t count = json_object_array_length(rows);
	struct iov_plan *query;
	int error = iov_plan_new(&query, iov, "look for holders of vDPA devices");

	if (error)
		return error;
	for (size_t i = 0; i < count; i++)
		iov_plan_take_device(query, vdpa_device(json_text(json_object_array_get_idx(rows, i),
								  "name")).name, "");
	error = iov_plan_guard(query, NULL, &findings);
	iov_plan_free(query);
	if (error && error != -ECANCELED)
		return error;
	for (size_t i = 0; i < count; i++) {
		struct json_object *row = json_object_array_get_idx(rows, i);
		struct json_object *holders = json_object_new_array();
		struct iov_path device = vdpa_device(json_text(row, "name"));

		for (size_t n = 0; n < json_object_array_length(findings); n++) {
			struct json_object *finding = json_object_array_get_idx(findings, n);

			if (!strcmp(json_text(finding, "device"), device.name))
				json_array_add_new(holders, json_text(finding, "holder"));
		}
		json_object_object_add(row, "used_by", holders);
	}
	return 0;
}

static int list_devices(struct iov *iov, struct json_object **list)
{
	_cleanup_json_ struct json_object *all = NULL;
	int error = read_all(iov, &all);

	*list = NULL;
	if (error && error != -EOPNOTSUPP)
		return error;
	*list = error ? list_sysfs(iov) : json_object_get(json_object_object_get(all, "devices"));
	for (size_t i = 0; i < json_object_array_length(*list); i++)
		complete(iov, json_object_array_get_idx(*list, i));
	return 0;
}

int iov_vdpa_list(struct iov *iov, struct json_object **list)
{
	int error = list_devices(iov, list);

	if (!error && json_object_array_length(*list))
		error = add_holders(iov, *list);
	if (error) {
		json_object_put(*list);
		*list = NULL;
	}
	return error;
}

const char *vdpa_difference(struct json_object *values, struct json_object *device)
{
	json_object_object_foreach(values, name, value) {
		struct json_object *now = json_object_object_get(device, name);

		if (now && strcmp(json_object_get_string(now), json_object_get_string(value)))
			return name;
	}
	return NULL;
}

int vdpa_find(struct iov *iov, const char *name, struct json_object **device)
{
	_cleanup_json_ struct json_object *list = NULL;
	struct iov_near near = { .text = name };
	int error = list_devices(iov, &list);

	*device = NULL;
	for (size_t i = 0; !error && i < json_object_array_length(list); i++) {
		struct json_object *row = json_object_array_get_idx(list, i);

		iov_near_look(&near, json_text(row, "name"));
		if (!strcmp(json_text(row, "name"), name))
			*device = json_object_get(row);
	}
	if (error || *device)
		return error;
	return iov_fail(iov, -ENOENT, "%s: no such vDPA device%s%s%s; 'iov vdpa list' shows those that there are",
			name, near.word ? "; did you mean '" : "", near.word ? near.word : "",
			near.word ? "'" : "");
}
