// SPDX-License-Identifier: GPL-2.0-or-later
/* Bridges, ports, disks and QoS groups of iovd, which are entries by name, put into the host file. */
#include <string.h>

#include "base/cleanup.h"
#include "base/sysroot/sysroot.h"
#include "host/file/edit.h"
#include "host/file/save.h"

#define BRIDGES "iovd.bridges"
#define PORTS "iovd.ports"
#define DISKS "iovd.disks"
#define QOS "iovd.qos"
#define place(...) (iov_path(__VA_ARGS__).name)

static bool says_text(const struct save *save, const char *where, const char *text)
{
	_cleanup_json_ struct json_object *said = host_edit_read(save->text, where);

	return said && !strcmp(json_object_get_string(said), text);
}

/* One past the last when the file does not have it. */
static size_t find(const struct save *save, const char *list, const char *name)
{
	size_t count = host_save_length(save, list), i = 0;

	while (i < count && !says_text(save, place("%s[%zu].name", list, i), name))
		i++;
	return i;
}

/* Members of a mapping one by one, as what is not named stays. */
static void put_members(struct save *save, const char *where, struct json_object *values)
{
	json_object_object_foreach(values, key, value) {
		if (json_object_is_type(value, json_type_object))
			put_members(save, place("%s.%s", where, key), value);
		else
			host_save_put(save, place("%s.%s", where, key), value);
	}
}

static void put_entry(struct save *save, const char *list, const char *name,
		      struct json_object *entry)
{
	size_t index = find(save, list, name);
	struct iov_path where = iov_path("%s[%zu]", list, index);
	bool is_new = index == host_save_length(save, list);
	struct json_object *values = json_object_object_get(entry, is_new ? "all" : "said");
	_cleanup_json_ struct json_object *text = json_object_new_string(name);

	if (!entry && !is_new)
		host_save_put(save, where.name, NULL);
	if (!values)
		return;
	if (is_new)
		host_save_put(save, place("%s.name", where.name), text);
	put_members(save, where.name, values);
}

static void put_entries(struct save *save, const char *list, struct json_object *entries)
{
	if (!entries)
		return;
	json_object_object_foreach(entries, name, entry)
		put_entry(save, list, name, entry);
}

/* Whoever says the name of what goes stays, and does not say it any more. */
static void leave(struct save *save, const char *list, const char *key, const char *name)
{
	for (size_t i = 0; i < host_save_length(save, list); i++) {
		struct iov_path where = iov_path("%s[%zu].%s", list, i, key);

		if (says_text(save, where.name, name))
			host_save_put(save, where.name, NULL);
	}
}

static void put_groups(struct save *save, struct json_object *groups)
{
	if (!groups)
		return;
	json_object_object_foreach(groups, name, entry) {
		put_entry(save, QOS, name, entry);
		if (!entry) {
			leave(save, PORTS, "rules.qos", name);
			leave(save, DISKS, "qos", name);
		}
	}
}

void host_save_iovd(struct save *save, struct json_object *iovd)
{
	struct json_object *bridges = json_object_object_get(iovd, "bridges");

	if (bridges) {
		json_object_object_foreach(bridges, name, entry) {
			put_entry(save, BRIDGES, name, entry);
			if (!entry)
				leave(save, PORTS, "bridge", name);
		}
	}
	put_entries(save, PORTS, json_object_object_get(iovd, "ports"));
	put_entries(save, DISKS, json_object_object_get(iovd, "disks"));
	put_groups(save, json_object_object_get(iovd, "qos"));
}
