// SPDX-License-Identifier: GPL-2.0-or-later
/* Which functions are listed, and in which order. */
#include <errno.h>
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

/* The name at @index, of a class of PCI or of a device class that has no such name; NULL past the last. */
static const char *name_at(struct iov *iov, size_t index)
{
	const struct iov_class *device_class;

	if (index < CLASSES)
		return classes[index].name;
	index -= CLASSES;
	for (size_t i = 0; (device_class = iov_class_at(iov, i)); i++) {
		bool known = false;

		for (size_t n = 0; n < CLASSES; n++)
			known |= !strcmp(classes[n].name, device_class->name);
		if (!known && !index--)
			return device_class->name;
	}
	return NULL;
}

void list_class_names(struct iov *iov, char *names, size_t size)
{
	const char *name;
	size_t length = 0;

	*names = '\0';
	for (size_t i = 0; length < size && (name = name_at(iov, i)); i++)
		length += (size_t)snprintf(names + length, size - length, "%s%s", i ? ", " : "", name);
}

/* Whether a name begins with whole words: "VGA compatible controller" with "vga". */
static bool begins_with(const char *name, const char *words)
{
	size_t length = strlen(words);

	return length && !strncasecmp(name, words, length) && (!name[length] || name[length] == ' ');
}

/* Classes of PCI have few subclasses, with small numbers; 80 is those that are none of them. */
#define BASES 0x41
#define SUBCLASSES 0x20
#define OTHERS 0x80

static bool is_class_name(struct iov_ids *ids, const char *words)
{
	char name[IOV_NAME_SIZE];

	for (unsigned int base = 0; base < BASES; base++) {
		for (unsigned int sub = 0; sub <= SUBCLASSES; sub++) {
			iov_ids_class(ids, base << 8 | (sub == SUBCLASSES ? OTHERS : sub), name, sizeof(name));
			if (begins_with(name, words))
				return true;
		}
	}
	return false;
}

static int fail_class(struct iov *iov, const char *text)
{
	struct iov_near near = { .text = text };
	const char *name;
	char names[512];

	for (size_t i = 0; (name = name_at(iov, i)); i++)
		iov_near_look(&near, name);
	list_class_names(iov, names, sizeof(names));
	return iov_fail(iov, -EINVAL, "--class %s: %s%s%sexpected a number like 0200, words that lspci's names of classes "
			"begin with, like Ethernet, or one of: %s", text, near.word ? "did you mean " : "",
			near.word ? near.word : "", near.word ? "? " : "", names);
}

int list_filter_class(struct iov *iov, struct iov_ids *ids, struct list_filter *filter, const char *text)
{
	const struct iov_class *device_class;

	for (size_t i = 0; i < CLASSES; i++) {
		if (!strcasecmp(classes[i].name, text)) {
			snprintf(filter->class_code, sizeof(filter->class_code), "%s",
				 classes[i].code);
			return 0;
		}
	}
	filter->iov = iov;
	for (size_t i = 0; (device_class = iov_class_at(iov, i)); i++) {
		if (!strcasecmp(device_class->name, text))
			filter->device_class = device_class;
	}
	if (filter->device_class || is_number(text, filter->class_code, sizeof(filter->class_code)))
		return 0;
	if (!is_class_name(ids, text))
		return fail_class(iov, text);
	filter->class_name = text;
	return 0;
}

static bool is_of_class(const struct list_filter *filter, struct json_object *row)
{
	/* "0x020000" */
	const char *code = json_text(row, "class_code") + 2;
	struct iov_bdf bdf;

	if (strncasecmp(code, filter->class_code, strlen(filter->class_code)) ||
	    (filter->class_name && !begins_with(json_text(row, "class"), filter->class_name)))
		return false;
	return !filter->device_class || (iov_bdf_scan(json_text(row, "device"), &bdf) &&
					 iov_class_of(filter->iov, bdf) == filter->device_class);
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
	const char *driver = json_text_or_null(row, "driver");

	if (!is_of_class(filter, row))
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
