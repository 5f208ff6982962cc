// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/file/nic.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/sysroot/call.h"
#include "host/file/snapshot.h"
#include "host/file/vf_values.h"
#include "plugins/net/nic.h"

int host_group_values(struct iov *iov, const struct iov_host_group *said, struct json_object **values)
{
	*values = json_object_new_object();
	return host_port_values(iov, NULL, &said->rate, iov_rate_value_parse, *values);
}

int host_sf_values(struct iov *iov, const struct iov_host_sf *said, struct json_object **values)
{
	int error;

	*values = json_object_new_object();
	error = host_port_values(iov, &said->function, &said->rate, iov_sf_value_parse, *values);
	return error || !said->state ? error : iov_sf_value_parse(iov, "state", said->state, *values);
}

/* As the functions of the class take them; the caller frees it. */
static struct iov_param *params_of(const struct iov_host_device *said)
{
	struct iov_param *params = calloc(said->param_count, sizeof(*params));

	for (unsigned int i = 0; params && i < said->param_count; i++)
		params[i] = (struct iov_param){ said->params[i].name, said->params[i].value,
						said->params[i].cmode };
	return params;
}

bool host_params_reload(struct iov *iov, struct iov_bdf bdf, const struct iov_host_device *said)
{
	_cleanup_free_ struct iov_param *params = params_of(said);
	struct iov_bdf_text device = iov_bdf_format(bdf);

	return params && iov_param_reloads(iov, device.text, params, said->param_count);
}

int host_params_plan(struct iov_plan *plan, struct iov_bdf bdf, const struct iov_host_device *said,
		     bool vfs_gone)
{
	_cleanup_free_ struct iov_param *params = params_of(said);
	struct iov_bdf_text device = iov_bdf_format(bdf);

	if (!params)
		return -ENOMEM;
	return iov_param_plan(plan, device.text, params, said->param_count,
			      IOV_NIC_RELOAD | (vfs_gone ? IOV_NIC_VFS_GONE : 0));
}

int host_rates_plan(struct iov_plan *plan, struct iov_bdf bdf, const struct iov_host_device *said,
		    bool unseen, unsigned int *at)
{
	struct iov_bdf_text device = iov_bdf_format(bdf);

	for (*at = 0; *at < said->rate_count; ++*at) {
		_cleanup_json_ struct json_object *values = NULL;
		int error = host_group_values(iov_plan_context(plan), &said->rates[*at], &values);

		/* A group that others are in may come before it in the file. */
		if (!error)
			error = iov_rate_plan(plan, device.text, said->rates[*at].name, values,
					      unseen || *at ? IOV_NIC_UNSEEN : 0);
		if (error)
			return error;
	}
	return 0;
}

int host_sfs_plan(struct iov_plan *plan, struct iov_bdf bdf, const struct iov_host_device *said,
		  bool unseen, unsigned int *at)
{
	struct iov_bdf_text device = iov_bdf_format(bdf);

	for (*at = 0; *at < said->sf_count; ++*at) {
		_cleanup_json_ struct json_object *values = NULL;
		int error = host_sf_values(iov_plan_context(plan), &said->sfs[*at], &values);

		if (!error)
			error = iov_sf_plan(plan, device.text, said->sfs[*at].number, values,
					    unseen ? IOV_NIC_UNSEEN : 0);
		if (error)
			return error;
	}
	return 0;
}

/* What is not told is not "none of them". */
static int leave_out(struct iov *iov, struct iov_bdf bdf, const char *what, int error)
{
	if (error == -ENOMEM)
		return error;
	if (error == -ETIMEDOUT)
		iov_sys_left_out(iov, error);
	else if (error != -EOPNOTSUPP && error != -ENODEV)
		iov_log(iov, LOG_WARNING, "%s of %s are left out: %s", what, IOV_BDF(bdf),
			iov_error_message(iov));
	return 0;
}

/* NULL for what is not told, or says as much as nothing. */
static unsigned int *copy_number(struct json_object *row, const char *key)
{
	int64_t number = json_object_get_int64(json_object_object_get(row, key));

	return number ? snapshot_number((unsigned int)number) : NULL;
}

static char *copy_text(struct json_object *row, const char *key, const char *usual)
{
	const char *text = json_text_or_null(row, key);

	return text && strcmp(text, usual) ? strdup(text) : NULL;
}

static bool *copy_switch(struct json_object *row, const char *key)
{
	struct json_object *value = json_object_object_get(row, key);
	bool *on = value ? malloc(sizeof(*on)) : NULL;

	if (on)
		*on = json_object_get_boolean(value);
	return on;
}

static void fill_rate(struct json_object *row, struct iov_host_rate *rate)
{
	rate->tx_parent = copy_text(row, "tx_parent", "none");
	rate->tx_share = copy_number(row, "tx_share");
	rate->tx_max = copy_number(row, "tx_max");
	rate->tx_priority = copy_number(row, "tx_priority");
	rate->tx_weight = copy_number(row, "tx_weight");
}

static void fill_function(struct json_object *row, struct iov_host_function *function)
{
	function->hw_addr = copy_text(row, "hw_addr", "00:00:00:00:00:00");
	function->roce = copy_switch(row, "roce");
	function->migratable = copy_switch(row, "migratable");
	function->ipsec_crypto = copy_switch(row, "ipsec_crypto");
	function->ipsec_packet = copy_switch(row, "ipsec_packet");
	function->max_io_eqs = copy_number(row, "max_io_eqs");
}

/* One that is in another comes after it. */
static int add_groups(struct json_object *rows, bool inner, struct iov_host_device *device)
{
	for (size_t i = 0; i < json_object_array_length(rows); i++) {
		struct json_object *row = json_object_array_get_idx(rows, i);
		struct iov_host_group *group;

		if (strcmp(json_text(row, "kind"), "group") ||
		    inner != (strcmp(json_text(row, "tx_parent"), "none") != 0))
			continue;
		group = snapshot_append(&device->rates, &device->rate_count, sizeof(*group));
		if (!group)
			return -ENOMEM;
		group->name = strdup(json_text(row, "name"));
		fill_rate(row, &group->rate);
		if (!group->name)
			return -ENOMEM;
	}
	return 0;
}

static int add_sf(struct json_object *row, struct iov_host_device *device)
{
	struct iov_host_sf *sf = snapshot_append(&device->sfs, &device->sf_count, sizeof(*sf));

	if (!sf)
		return -ENOMEM;
	sf->number = (unsigned int)json_object_get_int64(json_object_object_get(row, "number"));
	sf->state = copy_text(row, "state", "");
	fill_function(row, &sf->function);
	fill_rate(row, &sf->rate);
	return 0;
}

int snapshot_nic(struct iov *iov, struct iov_bdf bdf, struct iov_host_device *device)
{
	_cleanup_json_ struct json_object *rates = NULL, *sfs = NULL;
	struct iov_bdf_text name = iov_bdf_format(bdf);
	int error;

	if (!iov_nic_is(iov, bdf))
		return 0;
	error = iov_rate_list(iov, name.text, &rates);
	if (error)
		return leave_out(iov, bdf, "groups of rates", error);
	error = add_groups(rates, false, device);
	if (!error)
		error = add_groups(rates, true, device);
	if (error)
		return error;
	error = iov_sf_list(iov, name.text, &sfs);
	if (error)
		return leave_out(iov, bdf, "subfunctions", error);
	for (size_t i = 0; !error && i < json_object_array_length(sfs); i++)
		error = add_sf(json_object_array_get_idx(sfs, i), device);
	return error;
}

static int add_param(struct json_object *row, struct iov_host_device *device)
{
	struct iov_host_param *param;
	struct json_object *value = json_object_object_get(row, "value");

	if (!value || !*json_object_get_string(value) || !strcmp(json_text(row, "cmode"), "permanent"))
		return 0;
	param = snapshot_append(&device->params, &device->param_count, sizeof(*param));
	if (!param)
		return -ENOMEM;
	param->name = strdup(json_text(row, "name"));
	param->value = strdup(json_object_is_type(value, json_type_boolean) ?
			      json_object_get_boolean(value) ? "on" : "off" : json_object_get_string(value));
	param->cmode = strdup(json_text(row, "cmode"));
	return param->name && param->value && param->cmode ? 0 : -ENOMEM;
}

/* One of two modes of a parameter is enough, the one that counts sooner. */
static bool is_last(const struct iov_host_device *device, const char *name)
{
	return device->param_count && !strcmp(device->params[device->param_count - 1].name, name);
}

int snapshot_params(struct iov *iov, struct iov_bdf bdf, struct iov_host_device *device)
{
	_cleanup_json_ struct json_object *rows = NULL;
	struct iov_bdf_text name = iov_bdf_format(bdf);
	int error;

	if (!iov_nic_is(iov, bdf))
		return 0;
	error = iov_param_list(iov, name.text, &rows);
	if (error)
		return leave_out(iov, bdf, "parameters", error);
	for (size_t i = 0; !error && i < json_object_array_length(rows); i++) {
		struct json_object *row = json_object_array_get_idx(rows, i);

		if (!is_last(device, json_text(row, "name")))
			error = add_param(row, device);
	}
	return error;
}
