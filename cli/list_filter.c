// SPDX-License-Identifier: GPL-2.0-or-later
/* Which functions are listed, and in which order. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/near.h"
#include "base/pci/pci.h"
#include "cli/list.h"

/* PCI Code and ID Assignment Specification 1.16, section 1: base class and subclass. */
static const struct {
	const char *name;
	const char *code;
} classes[] = {
	{ "network", "02" },	   { "storage", "01" },	      { "nvme", "0108" },
	{ "display", "03" },	   { "multimedia", "04" },    { "memory", "05" },
	{ "bridge", "06" },	   { "communication", "07" }, { "system", "08" },
	{ "input", "09" },	   { "processor", "0b" },     { "serial", "0c" },
	{ "usb", "0c03" },	   { "infiniband", "0207" },  { "wireless", "0d" },
	{ "encryption", "10" },	   { "signal", "11" },	      { "accelerator", "12" },
};
#define CLASSES (sizeof(classes) / sizeof(*classes))

/* "2", "02", "0x02", "0200" and "020000" are the same class or parts of it. */
static bool is_number(const char *text, char *code, size_t size)
{
	size_t length;

	text += !strncasecmp(text, "0x", 2) ? 2 : 0;
	length = strlen(text);
	if (!length || length > 6 || strspn(text, "0123456789abcdefABCDEF") != length)
		return false;
	snprintf(code, size, "%s%s", length % 2 ? "0" : "", text);
	return true;
}

bool list_filter_class(struct list_filter *filter, const char *text)
{
	for (size_t i = 0; i < CLASSES; i++) {
		if (!strcasecmp(classes[i].name, text)) {
			snprintf(filter->class_code, sizeof(filter->class_code), "%s",
				 classes[i].code);
			return true;
		}
	}
	return is_number(text, filter->class_code, sizeof(filter->class_code));
}

void list_class_names(char *names, size_t size)
{
	size_t length = 0;

	for (size_t i = 0; i < CLASSES && length < size; i++)
		length += (size_t)snprintf(names + length, size - length, "%s%s", i ? ", " : "",
					   classes[i].name);
}

const char *list_class_near(const char *text)
{
	struct iov_near near = { .text = text };

	for (size_t i = 0; i < CLASSES; i++)
		iov_near_look(&near, classes[i].name);
	return near.word;
}

/* A PF with VFs has to stay where it is. */
static bool is_free(struct json_object *row)
{
	return json_object_get_boolean(json_object_object_get(row, "assignable")) &&
	       !json_object_get_boolean(json_object_object_get(row, "group_in_use")) &&
	       !json_object_get_int(json_object_object_get(row, "vfs"));
}

static bool passes(const struct list_filter *filter, struct json_object *row)
{
	/* "0x020000" */
	const char *code = json_text(row, "class_code") + 2;
	const char *driver = json_text_or_null(row, "driver");

	if (strncasecmp(code, filter->class_code, strlen(filter->class_code)))
		return false;
	if (filter->driver && strcmp(driver ? driver : "none", filter->driver))
		return false;
	return !filter->free || is_free(row);
}

struct json_object *list_filter(const struct list_filter *filter, struct json_object *rows)
{
	struct json_object *passed = json_object_new_array();

	for (size_t i = 0; i < json_object_array_length(rows); i++) {
		struct json_object *row = json_object_array_get_idx(rows, i);

		if (passes(filter, row))
			json_object_array_add(passed, json_object_get(row));
	}
	return passed;
}

static bool is_nothing(struct json_object *value)
{
	return !value || (json_object_is_type(value, json_type_array) &&
			  !json_object_array_length(value));
}

static int compare_values(struct json_object *left, struct json_object *right)
{
	int64_t a = json_object_get_int64(left), b = json_object_get_int64(right);

	if (is_nothing(left) || is_nothing(right))
		return is_nothing(left) - is_nothing(right);
	if (json_object_is_type(left, json_type_int))
		return (a > b) - (a < b);
	return strverscmp(json_object_get_string(left), json_object_get_string(right));
}

/* What is equal stays in order of address. */
static int compare_rows(const void *left, const void *right, void *key)
{
	struct json_object *a = *(struct json_object *const *)left;
	struct json_object *b = *(struct json_object *const *)right;
	struct iov_bdf a_bdf = { 0 }, b_bdf = { 0 };
	int order = compare_values(json_object_object_get(a, key), json_object_object_get(b, key));

	if (order)
		return order;
	iov_bdf_scan(json_text(a, "device"), &a_bdf);
	iov_bdf_scan(json_text(b, "device"), &b_bdf);
	return iov_bdf_compare(a_bdf, b_bdf);
}

void list_sort(struct json_object *rows, const char *key)
{
	struct array_list *list = json_object_get_array(rows);

	qsort_r(list->array, list->length, sizeof(*list->array), compare_rows, (void *)key);
}
