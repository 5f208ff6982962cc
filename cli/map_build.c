// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The model of iov map: what lists, groups and guards tell, put into the order of the tree.
 *
 * Whatever a recorded host says of who is below whom is not to be trusted: a function whose way
 * leads in a circle, or to what is not there, stands at the root, and each is there once.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/pci/function.h"
#include "base/pci/kind.h"
#include "base/pci/link.h"
#include "base/pci/topology.h"
#include "base/sysroot/paths.h"
#include "base/sysroot/sysroot.h"
#include "cli/iovd_users.h"
#include "cli/list.h"
#include "cli/map.h"
#include "iommu/group.h"

/* Below the deepest bridges are a PF and its VFs. */
#define DEPTH_MAX (IOV_ANCESTORS_MAX + 2)

#define MEMBER(object, key) json_object_object_get(object, key)

/**
 * struct builder - a model that is being made
 * @iov: context
 * @map: the model
 * @rows: its functions, in order of address
 * @by_device: object of a BDF to its row, borrowed from @rows
 */
struct builder {
	struct iov *iov;
	struct json_object *map;
	struct json_object *rows;
	struct json_object *by_device;
};

static struct json_object *row_at(const struct builder *builder, size_t index)
{
	return json_object_array_get_idx(builder->rows, index);
}

static struct json_object *find(const struct builder *builder, const char *device)
{
	return device ? MEMBER(builder->by_device, device) : NULL;
}

/* What the picture cannot show, in words. */
static void leave_out(const struct builder *builder, const char *sentence)
{
	json_array_add_new(MEMBER(builder->map, "incomplete"), sentence);
}

/* The array of an object by a key, made when it is not there yet. */
static struct json_object *array_of(struct json_object *object, const char *key)
{
	struct json_object *array = MEMBER(object, key);

	if (!array) {
		array = json_object_new_array();
		json_object_object_add(object, key, array);
	}
	return array;
}

/* Where it is */

static bool is_listed(const struct builder *builder, struct iov_bdf bdf)
{
	return find(builder, IOV_BDF(bdf));
}

/* The bridge or controller above a function; false at a root bus. */
static bool find_above(const struct builder *builder, struct iov_bdf bdf, struct iov_bdf *above)
{
	struct iov_bdf ancestors[IOV_ANCESTORS_MAX];
	size_t count = iov_pci_ancestors(builder->iov, bdf, ancestors);

	if (!count)
		return false;
	*above = ancestors[count - 1];
	return is_listed(builder, *above);
}

static const char *role_of(const struct iov_node *node, bool is_bridge, bool has_parent,
			   struct json_object *row)
{
	if (!is_bridge)
		return MEMBER(row, "vfs_total") ? "pf" : "function";
	if (node->legacy)
		return "pci-bridge";
	if (node->port)
		return has_parent ? "downstream-port" : "root-port";
	return has_parent ? "upstream-port" : "bridge";
}

static const char *acs_name(const struct iov_node *node)
{
	static const char *const names[] = {
		[IOV_ACS_ON] = "on", [IOV_ACS_OFF] = "off", [IOV_ACS_ABSENT] = "absent",
	};

	/* That of a device alone in its slot has nothing to say. */
	return node->acs == IOV_ACS_UNKNOWN || (!node->port && !node->multifunction) ?
		       NULL : names[node->acs];
}

/* A port has the link of what is below it as well, and is not to blame for it. */
static void add_link(const struct builder *builder, struct iov_bdf bdf, bool is_port,
		     struct json_object *row)
{
	struct iov_link link;

	iov_link_read(builder->iov, bdf, &link);
	json_add_text(row, "link", link.now[0] ? link.now : NULL);
	json_add_text(row, "link_max", link.most[0] ? link.most : NULL);
	json_object_object_add(row, "link_slow", json_object_new_boolean(link.slow && !is_port));
}

static void add_vf(struct json_object *row)
{
	json_add_text(row, "role", "vf");
	json_add_text(row, "acs", NULL);
	json_add_text(row, "link", NULL);
	json_add_text(row, "link_max", NULL);
	json_object_object_add(row, "link_slow", json_object_new_boolean(false));
}

static void add_place(const struct builder *builder, struct json_object *row)
{
	struct iov_bdf bdf = { 0 }, above;
	enum iov_pci_kind kind;
	struct iov_node node;
	bool has_parent;

	iov_bdf_scan(json_text(row, "device"), &bdf);
	if (MEMBER(row, "pf")) {
		struct json_object *pf = find(builder, json_text(row, "pf"));

		add_vf(row);
		json_add_text(row, "parent", pf && !MEMBER(pf, "pf") ? json_text(row, "pf") : NULL);
		return;
	}
	has_parent = find_above(builder, bdf, &above);
	kind = iov_pci_kind(builder->iov, bdf);
	iov_node_read(builder->iov, bdf, &node);
	json_add_text(row, "role", kind == IOV_PCI_CHIPSET ? "chipset" :
		      role_of(&node, kind == IOV_PCI_BRIDGE, has_parent, row));
	json_add_text(row, "acs", acs_name(&node));
	add_link(builder, bdf, node.port, row);
	json_add_text(row, "parent", has_parent ? IOV_BDF(above) : NULL);
}

/* What it has */

/* The function in the way of a class device: the last address in it. */
static struct json_object *owner_of(const struct builder *builder, const char *class_path,
				    const char *name)
{
	char target[IOV_PATH_MAX], *rest = target, *part;
	struct json_object *owner = NULL;
	struct iov_bdf bdf;

	if (iov_sys_link(builder->iov, iov_path("%s/%s", class_path, name).name, target,
			 sizeof(target)))
		return NULL;
	while ((part = strsep(&rest, "/"))) {
		if (iov_bdf_scan(part, &bdf) && is_listed(builder, bdf))
			owner = find(builder, IOV_BDF(bdf));
	}
	return owner;
}

/* Partitions are not named beside their disk. */
static bool is_part(struct iov *iov, const char *class_path, const char *name)
{
	return iov_sys_exists(iov, iov_path("%s/%s/partition", class_path, name).name);
}

static void add_class(const struct builder *builder, const char *key, const char *class_path)
{
	char **names;
	size_t count;

	for (size_t i = 0; i < json_object_array_length(builder->rows); i++)
		array_of(row_at(builder, i), key);
	if (iov_sys_list(builder->iov, class_path, &names, &count))
		return;
	for (size_t i = 0; i < count; i++) {
		struct json_object *row = owner_of(builder, class_path, names[i]);

		if (row && !is_part(builder->iov, class_path, names[i]))
			json_object_array_add(MEMBER(row, key), json_object_new_string(names[i]));
	}
	iov_names_free(names, count);
}

/* Who uses it */

static struct json_object *user_of(struct json_object *finding)
{
	static const char *const keys[] = { "guard", "holder", "guest", "pid", "disk", "port", "path" };
	struct json_object *user = json_object_new_object();

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		json_object_object_add(user, keys[i], json_object_get(MEMBER(finding, keys[i])));
	return user;
}

static void add_guest(const struct builder *builder, struct json_object *finding)
{
	const char *pid = json_text_or_null(finding, "pid");
	char name[128];

	if (pid && map_guest_name(builder->iov, pid, name, sizeof(name)))
		json_add_text(finding, "guest", name);
}

/* Append a text to the array of an object that does not have it, as @seen, a set, says. */
static void add_once(struct json_object *object, const char *key, struct json_object *seen, const char *text)
{
	struct json_object *array = array_of(object, key);

	if (json_object_object_get_ex(seen, text, NULL))
		return;
	json_object_object_add(seen, text, NULL);
	json_object_array_add(array, json_object_new_string(text));
}

/* One entry for each user, with all that it has; @seen has for each the set of its devices. */
static void add_user(const struct builder *builder, struct json_object *users, struct json_object *seen,
		     struct json_object *finding)
{
	const char *holder = json_text(finding, "holder");
	struct json_object *user = MEMBER(users, holder);

	if (!user) {
		user = json_object_new_object();
		json_object_object_add(users, holder, user);
		json_object_object_add(seen, holder, json_object_new_object());
		json_add_text(user, "holder", holder);
		json_object_object_add(user, "guest", json_object_get(MEMBER(finding, "guest")));
		json_object_object_add(user, "pid", json_object_get(MEMBER(finding, "pid")));
		json_object_array_add(MEMBER(builder->map, "users"), json_object_get(user));
	}
	json_array_add_new(array_of(user, "guards"), json_text(finding, "guard"));
	add_once(user, "devices", MEMBER(seen, holder), json_text(finding, "device"));
}

/* A bridge is used by whoever uses what is below it, where it is said. */
static bool is_bridge(struct json_object *row)
{
	return strstr(json_text(row, "role"), "bridge") || strstr(json_text(row, "role"), "port");
}

static struct json_object *used_rows(const struct builder *builder)
{
	struct json_object *rows = json_object_new_array();

	for (size_t i = 0; i < json_object_array_length(builder->rows); i++) {
		array_of(row_at(builder, i), "users");
		if (!is_bridge(row_at(builder, i)))
			json_object_array_add(rows, json_object_get(row_at(builder, i)));
	}
	return rows;
}

static void add_users(const struct builder *builder)
{
	_cleanup_json_ struct json_object *rows = used_rows(builder), *findings = NULL;
	_cleanup_json_ struct json_object *users = json_object_new_object(), *seen = json_object_new_object();
	char sentence[IOV_MESSAGE_SIZE + 64];

	if (list_find_holders(builder->iov, rows, &findings)) {
		snprintf(sentence, sizeof(sentence), "who uses the functions is not known: %s",
			 iov_error_message(builder->iov));
		leave_out(builder, sentence);
		return;
	}
	cli_find_iovd_users(builder->iov, findings);
	for (size_t i = 0; findings && i < json_object_array_length(findings); i++) {
		struct json_object *finding = json_object_array_get_idx(findings, i);
		struct json_object *row = find(builder, json_text(finding, "device"));

		if (!row)
			continue;
		add_guest(builder, finding);
		json_object_array_add(MEMBER(row, "users"), user_of(finding));
		add_user(builder, users, seen, finding);
	}
}

/* Groups */

/* Where isolation ends: the bridge, port or device of which a reason speaks, and its functions. */
static void note_reason(const struct builder *builder, struct json_object *reason)
{
	const char *at = json_text(reason, "at");
	const size_t length = strlen(at);

	for (size_t i = 0; length && i < json_object_array_length(builder->rows); i++) {
		struct json_object *row = row_at(builder, i);
		const char *device = json_text(row, "device");

		if (!MEMBER(row, "pf") && !strncmp(device, at, length) &&
		    (!device[length] || device[length] == '.'))
			json_array_add_new(MEMBER(row, "joins"), json_text(reason, "text"));
	}
}

static void add_group(const struct builder *builder, unsigned int number)
{
	struct json_object *json, *reasons;
	struct iov_group *group;

	if (iov_group_open(&group, builder->iov, number))
		return;
	if (!iov_group_json(builder->iov, group, &json)) {
		reasons = MEMBER(json, "reasons");
		for (size_t i = 0; i < json_object_array_length(reasons); i++)
			note_reason(builder, json_object_array_get_idx(reasons, i));
		json_object_array_add(MEMBER(builder->map, "groups"), json);
	}
	iov_group_close(group);
}

static void add_groups(const struct builder *builder)
{
	_cleanup_free_ unsigned int *numbers = NULL;
	size_t count = 0;
	bool is_on = !iov_group_numbers(builder->iov, &numbers, &count);

	json_object_object_add(builder->map, "iommu", json_object_new_boolean(is_on));
	for (size_t i = 0; i < json_object_array_length(builder->rows); i++)
		array_of(row_at(builder, i), "joins");
	if (!is_on)
		leave_out(builder, "there are no IOMMU groups: the IOMMU is off, or was not recorded");
	for (size_t i = 0; i < count; i++)
		add_group(builder, numbers[i]);
}

/* The order of the tree */

static void visit(struct json_object *below, struct json_object *row, int depth,
		  struct json_object *ordered)
{
	struct json_object *children = MEMBER(below, json_text(row, "device"));

	json_object_object_add(row, "depth", json_object_new_int(depth));
	json_object_array_add(ordered, json_object_get(row));
	if (depth == DEPTH_MAX)
		return;
	for (size_t i = 0; children && i < json_object_array_length(children); i++)
		visit(below, json_object_array_get_idx(children, i), depth + 1, ordered);
}

/* What is reached from no root stands there itself: the way to it is a circle, or has no end. */
static void visit_rest(const struct builder *builder, struct json_object *ordered)
{
	for (size_t i = 0; i < json_object_array_length(builder->rows); i++) {
		struct json_object *row = row_at(builder, i);

		if (MEMBER(row, "depth"))
			continue;
		json_add_text(row, "parent", NULL);
		json_object_object_add(row, "depth", json_object_new_int(0));
		json_object_array_add(ordered, json_object_get(row));
	}
}

static struct json_object *in_order(const struct builder *builder)
{
	_cleanup_json_ struct json_object *below = json_object_new_object();
	struct json_object *ordered = json_object_new_array();

	for (size_t i = 0; i < json_object_array_length(builder->rows); i++) {
		struct json_object *row = row_at(builder, i);
		const char *parent = json_text_or_null(row, "parent");

		if (parent)
			json_object_array_add(array_of(below, parent), json_object_get(row));
	}
	for (size_t i = 0; i < json_object_array_length(builder->rows); i++) {
		if (!MEMBER(row_at(builder, i), "parent"))
			visit(below, row_at(builder, i), 0, ordered);
	}
	visit_rest(builder, ordered);
	return ordered;
}

/* Drivers, those of most functions first, so that they get the colours that differ most. */

static int compare_drivers(const void *a, const void *b)
{
	struct json_object *one = *(struct json_object *const *)a;
	struct json_object *other = *(struct json_object *const *)b;
	int by_count = json_object_get_int(MEMBER(other, "functions")) -
		       json_object_get_int(MEMBER(one, "functions"));

	return by_count ? by_count : strcmp(json_text(one, "driver"), json_text(other, "driver"));
}

static void add_drivers(const struct builder *builder)
{
	_cleanup_json_ struct json_object *counts = json_object_new_object();
	struct json_object *drivers = array_of(builder->map, "drivers");

	for (size_t i = 0; i < json_object_array_length(builder->rows); i++) {
		const char *driver = json_text_or_null(row_at(builder, i), "driver");

		if (driver)
			json_object_object_add(counts, driver, json_object_new_int(
				json_object_get_int(MEMBER(counts, driver)) + 1));
	}
	json_object_object_foreach(counts, name, count) {
		struct json_object *driver = json_object_new_object();

		json_add_text(driver, "driver", name);
		json_object_object_add(driver, "functions", json_object_get(count));
		json_object_array_add(drivers, driver);
	}
	json_object_array_sort(drivers, compare_drivers);
}

static void begin(struct builder *builder, struct cli *cli)
{
	builder->map = json_object_new_object();
	json_object_object_add(builder->map, "recorded",
			       json_object_new_boolean(!iov_sys_is_host(cli->iov)));
	array_of(builder->map, "incomplete");
	builder->by_device = json_object_new_object();
	for (size_t i = 0; i < json_object_array_length(builder->rows); i++)
		json_object_object_add(builder->by_device, json_text(row_at(builder, i), "device"),
				       json_object_get(row_at(builder, i)));
}

/* A record that somebody made without privilege has no more than this. */
static void note_hidden(const struct builder *builder)
{
	bool is_seen = false;

	for (size_t i = 0; i < json_object_array_length(builder->rows); i++)
		is_seen |= MEMBER(row_at(builder, i), "acs") || MEMBER(row_at(builder, i), "msix");
	if (!is_seen && json_object_array_length(builder->rows))
		leave_out(builder, "capabilities are not known, so neither are switches and ACS: "
				   "only root sees them");
}

int map_build(struct cli *cli, struct json_object **map)
{
	struct builder builder = { .iov = cli->iov };
	struct iov_ids *ids;
	int error = iov_ids_open(&ids);

	if (error)
		return error;
	error = iov_function_list(cli->iov, ids, IOV_FUNCTION_BRIDGES, &builder.rows);
	iov_ids_close(ids);
	if (error)
		return error;
	begin(&builder, cli);
	for (size_t i = 0; i < json_object_array_length(builder.rows); i++)
		add_place(&builder, row_at(&builder, i));
	list_add_interfaces(cli->iov, builder.rows);
	add_class(&builder, "block", IOV_PATH_CLASS_BLOCK);
	add_class(&builder, "nvme", IOV_PATH_CLASS_NVME);
	add_drivers(&builder);
	json_object_object_add(builder.map, "functions", in_order(&builder));
	array_of(builder.map, "groups");
	add_groups(&builder);
	array_of(builder.map, "users");
	add_users(&builder);
	note_hidden(&builder);
	json_object_put(builder.by_device);
	json_object_put(builder.rows);
	*map = builder.map;
	return 0;
}
