// SPDX-License-Identifier: GPL-2.0-or-later
/* The VFs of a snapshot; what all of them have is written once. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "host/file/snapshot.h"
#include "sriov/vf.h"

enum kind {
	TEXT,
	NUMBER,
	SWITCH,
};

/* Members of a VF as iov_vf_list() gives it; @usual says as much as nothing. */
static const struct value {
	const char *name;
	enum kind kind;
	size_t offset;
	const char *usual;
} values[] = {
#define VALUE(name, kind, usual) { #name, kind, offsetof(struct iov_host_vf_values, name), usual }
#define INNER(member, name, kind, usual) \
	{ #name, kind, offsetof(struct iov_host_vf_values, member.name), usual }
	VALUE(driver, TEXT, NULL),
	VALUE(mac, TEXT, "00:00:00:00:00:00"),
	VALUE(node_guid, TEXT, "00:00:00:00:00:00:00:00"),
	VALUE(port_guid, TEXT, "00:00:00:00:00:00:00:00"),
	VALUE(vlan, NUMBER, "0"),
	VALUE(qos, NUMBER, "0"),
	VALUE(vlan_protocol, TEXT, "802.1Q"),
	VALUE(spoofchk, SWITCH, NULL),
	VALUE(trust, SWITCH, NULL),
	VALUE(rss_query, SWITCH, NULL),
	VALUE(max_rate, NUMBER, "0"),
	VALUE(min_rate, NUMBER, "0"),
	VALUE(link_state, TEXT, "auto"),
	INNER(function, hw_addr, TEXT, "00:00:00:00:00:00"),
	INNER(function, roce, SWITCH, NULL),
	INNER(function, migratable, SWITCH, NULL),
	INNER(function, ipsec_crypto, SWITCH, NULL),
	INNER(function, ipsec_packet, SWITCH, NULL),
	INNER(function, max_io_eqs, NUMBER, NULL),
	INNER(rate, tx_parent, TEXT, "none"),
	INNER(rate, tx_share, NUMBER, "0"),
	INNER(rate, tx_max, NUMBER, "0"),
	INNER(rate, tx_priority, NUMBER, "0"),
	INNER(rate, tx_weight, NUMBER, "0"),
	VALUE(queues, NUMBER, NULL),
	VALUE(interrupts, NUMBER, NULL),
	VALUE(state, TEXT, "online"),
	VALUE(namespaces, TEXT, NULL),
	VALUE(vgpu_type, NUMBER, "0"),
	VALUE(exec_quantum, NUMBER, "0"),
	VALUE(preempt_timeout, NUMBER, "0"),
	VALUE(sched_priority, TEXT, NULL),
	VALUE(vram_quota, TEXT, "0"),
};
#define VALUES (sizeof(values) / sizeof(*values))

/* What is worth writing; NULL for nothing. */
static struct json_object *value_of(struct json_object *vf, const struct value *value)
{
	struct json_object *member = json_object_object_get(vf, value->name);

	/* Rates that devlink has are told by both, and set by it alone. */
	if ((!strcmp(value->name, "max_rate") || !strcmp(value->name, "min_rate")) &&
	    json_object_object_get(vf, "tx_max"))
		return NULL;
	if (member && value->usual && !strcmp(json_object_get_string(member), value->usual))
		return NULL;
	return member;
}

static int set_value(struct iov_host_vf_values *to, const struct value *value,
		     struct json_object *member)
{
	void *place = (char *)to + value->offset, *copy = NULL;
	bool *on;

	switch (value->kind) {
	case TEXT:
		copy = strdup(json_object_get_string(member));
		break;
	case NUMBER:
		copy = snapshot_number((unsigned int)json_object_get_int64(member));
		break;
	case SWITCH:
		copy = on = malloc(sizeof(*on));
		if (on)
			*on = json_object_get_boolean(member);
		break;
	}
	memcpy(place, &copy, sizeof(copy));
	return copy ? 0 : -ENOMEM;
}

static bool is_address(const struct value *value)
{
	return !strcmp(value->name, "mac") || !strcmp(value->name, "hw_addr") || strstr(value->name, "_guid");
}

/* Whether all VFs have the same of something, which is not the case for an address. */
static bool is_shared(struct json_object *vfs, const struct value *value)
{
	struct json_object *first = value_of(json_object_array_get_idx(vfs, 0), value);

	if (!first || is_address(value))
		return false;
	for (size_t i = 1; i < json_object_array_length(vfs); i++) {
		if (!json_object_equal(first, value_of(json_object_array_get_idx(vfs, i), value)))
			return false;
	}
	return true;
}

static int add_own(struct iov_host_vfs *to, struct json_object *vfs, size_t index,
		   const bool *shared)
{
	struct json_object *vf = json_object_array_get_idx(vfs, index), *member;
	struct iov_host_vf *own = NULL;
	int error = 0;

	for (size_t i = 0; !error && i < VALUES; i++) {
		member = shared[i] ? NULL : value_of(vf, &values[i]);
		if (!member)
			continue;
		if (!own) {
			own = snapshot_append(&to->each, &to->each_count, sizeof(*own));
			if (!own)
				return -ENOMEM;
			own->index = (unsigned int)index;
		}
		error = set_value(&own->values, &values[i], member);
	}
	return error;
}

static int fill(struct iov_host_vfs *to, struct json_object *vfs)
{
	bool shared[VALUES];
	int error = 0;

	to->count = (unsigned int)json_object_array_length(vfs);
	for (size_t i = 0; !error && i < VALUES; i++) {
		shared[i] = is_shared(vfs, &values[i]);
		if (shared[i])
			error = set_value(&to->all, &values[i],
					  value_of(json_object_array_get_idx(vfs, 0), &values[i]));
	}
	for (size_t i = 0; !error && i < to->count; i++)
		error = add_own(to, vfs, i, shared);
	return error;
}

/* Drivers as a file names them. */
static int name_drivers(struct iov *iov, struct json_object *vfs)
{
	for (size_t i = 0; i < json_object_array_length(vfs); i++) {
		struct json_object *vf = json_object_array_get_idx(vfs, i);
		_cleanup_free_ char *driver = NULL;
		struct iov_bdf bdf;
		int error = iov_bdf_parse(iov, json_object_get_string(
						       json_object_object_get(vf, "device")), &bdf);

		if (error)
			return error;
		driver = snapshot_driver(iov, bdf);
		if (!driver)
			return -ENOMEM;
		json_object_object_add(vf, "driver", json_object_new_string(driver));
	}
	return 0;
}

int snapshot_vfs(struct iov *iov, struct iov_bdf pf, struct iov_host_vfs **out)
{
	_cleanup_json_ struct json_object *list = NULL;
	struct json_object *vfs;
	int error = iov_vf_list(iov, pf, -1, &list);

	if (error)
		return error;
	vfs = json_object_object_get(list, "vfs");
	*out = calloc(1, sizeof(**out));
	if (!*out)
		return -ENOMEM;
	error = name_drivers(iov, vfs);
	return error ? error : fill(*out, vfs);
}
