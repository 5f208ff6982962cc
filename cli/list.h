/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What iov list is made of: facts that take time to find, and the choice among rows. */
#ifndef IOV_CLI_LIST_H
#define IOV_CLI_LIST_H

#include <json-c/json.h>
#include <stdbool.h>

#include "base/iov.h"
#include "base/pci/ids.h"
#include "sriov/class.h"

/* The columns of the table, as --columns takes them; NULL past the last. */
const char *list_column_name(size_t index);

/* Rows are objects of iov_function_list(), in order of address. */

/* Add "net", an array of the names of its own network interfaces, to each row. */
void list_add_interfaces(struct iov *iov, struct json_object *rows);

/*
 * Add "assignable", whether it can be assigned by what it is, and "blocked_by", why not, to
 * each row.
 */
void list_add_verdicts(struct iov *iov, struct json_object *rows);

/*
 * Who uses the functions of rows: an array of findings as guards have them, which the caller puts,
 * or NULL for nobody.  0, or -errno with a message.
 */
int list_find_holders(struct iov *iov, struct json_object *rows, struct json_object **findings);

/*
 * Add "used_by", an array of who uses it, "guards", an array of the guards that say so, and
 * "group_in_use", whether it or another function of its group is used, to each row of all
 * functions.  0, or -errno with a message.
 */
int list_add_holders(struct iov *iov, struct json_object *rows);

/**
 * struct list_filter - which rows are shown
 * @class_code: first digits of the class: "02", "0108"; "" for any
 * @class_name: how the names of the class begin, "ethernet" or "VGA compatible"; NULL for any
 * @device_class: device class, of functions in @iov; NULL for any
 * @driver: name of the driver, "none" for those without one; NULL for any
 * @free: only what can be assigned and nobody uses, nor what moves with it; after
 *	list_add_verdicts() and list_add_holders()
 */
struct list_filter {
	char class_code[8];
	const char *class_name;
	const struct iov_class *device_class;
	struct iov *iov;
	const char *driver;
	bool free;
};

/**
 * list_filter_class - choose a class
 * @iov: context, for names of device classes, those of plugins, too
 * @ids: names of classes, as lspci has them
 * @filter: filter
 * @text: one of list_class_names(), a number, or words that names of classes begin with: "ethernet"
 *	of "Ethernet controller"; outlives the filter
 *
 * Return: 0, or -EINVAL with a message that lists what there is.
 */
int list_filter_class(struct iov *iov, struct iov_ids *ids, struct list_filter *filter, const char *text);

/* The names that list_filter_class() knows: "network, storage, ..., gpu" */
void list_class_names(struct iov *iov, char *names, size_t size);

/* The rows that pass, in the same order; the caller puts the array. */
struct json_object *list_filter(const struct list_filter *filter, struct json_object *rows);

/* Sort rows by a member: numbers by value, names as versions, nothing last. */
void list_sort(struct json_object *rows, const char *key);

#endif
