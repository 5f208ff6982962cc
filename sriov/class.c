// SPDX-License-Identifier: GPL-2.0-or-later
#include "sriov/class.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/guard/holder.h"
#include "base/json.h"
#include "base/sysroot/call.h"
#include "base/table.h"
#include "sriov/internal.h"

#define CLASS_TABLE "device-class"

static const char *const types[] = {
	[IOV_ATTRIBUTE_NUMBER] = "number", [IOV_ATTRIBUTE_SWITCH] = "switch",
	[IOV_ATTRIBUTE_CHOICE] = "choice", [IOV_ATTRIBUTE_MAC] = "mac",
	[IOV_ATTRIBUTE_GUID] = "guid", [IOV_ATTRIBUTE_SIZE] = "size",
	[IOV_ATTRIBUTE_NUMBERS] = "numbers",
	[IOV_ATTRIBUTE_NAME] = "name",
};

/* A name is a key in JSON and YAML, and a word of a command line. */
static bool is_name(const char *name)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789_";

	return name && *name >= 'a' && *name <= 'z' && name[strspn(name, letters)] == '\0';
}

static bool has_range(const struct iov_attribute *attribute)
{
	return attribute->type == IOV_ATTRIBUTE_NUMBER || attribute->type == IOV_ATTRIBUTE_SIZE;
}

static const char *wrong_attribute(const struct iov_class *device_class,
				   const struct iov_attribute *attribute)
{
	if (!is_name(attribute->name))
		return "has a name that is not of small letters, digits and underscores";
	if ((unsigned int)attribute->type >= IOV_ATTRIBUTE_TYPES)
		return "is of an unknown type";
	if (has_range(attribute) && attribute->min > attribute->max)
		return "has a range that nothing is in";
	if (attribute->type == IOV_ATTRIBUTE_CHOICE && !(attribute->choices && attribute->choices[0]))
		return "has nothing to choose from";
	if (attribute->flags & IOV_ATTRIBUTE_EARLY && !device_class->prepare)
		return "is early, and the class has no operation prepare";
	if (attribute->flags & IOV_ATTRIBUTE_PROVISIONED ? !device_class->provision :
							   !device_class->set)
		return "can be set by no operation of the class";
	if (!(attribute->flags & IOV_ATTRIBUTE_OWN) && !device_class->get)
		return "can be read by no operation of the class";
	return NULL;
}

static int check_parts(struct iov *iov, const struct iov_class *device_class)
{
	const struct iov_attribute *attribute = device_class->attributes;
	const char *wrong = NULL;

	if (!is_name(device_class->name) || !device_class->title || !device_class->match)
		return iov_fail(iov, -EINVAL, "a device class lacks a name of small letters, digits and "
				"underscores, a title, or how it is matched");
	for (; !wrong && attribute && attribute->name; attribute++) {
		wrong = wrong_attribute(device_class, attribute);
		if (wrong)
			return iov_fail(iov, -EINVAL, "the attribute '%s' of the device class %s %s",
					attribute->name, device_class->name, wrong);
	}
	return 0;
}

int iov_class_check(struct iov *iov, const struct iov_class *device_class)
{
	const struct iov_class *other;
	int error = check_parts(iov, device_class);

	for (size_t i = 0; !error && (other = iov_class_at(iov, i)); i++) {
		if (!strcmp(other->name, device_class->name))
			error = iov_fail(iov, -EEXIST, "there is a device class %s already", other->name);
	}
	return error;
}

int iov_class_add(struct iov *iov, const struct iov_class *device_class)
{
	int error = iov_class_check(iov, device_class);

	return error ? error : iov_table_add(iov, CLASS_TABLE, device_class);
}

const struct iov_class *iov_class_at(const struct iov *iov, size_t index)
{
	return iov_table_entry(iov, CLASS_TABLE, index);
}

const struct iov_class *iov_class_of(struct iov *iov, struct iov_bdf bdf)
{
	const struct iov_class *device_class, *found = NULL;

	for (size_t i = 0; (device_class = iov_class_at(iov, i)); i++) {
		if (device_class->match(iov, bdf))
			found = device_class;
	}
	return found;
}

const struct iov_attribute *iov_class_attribute(const struct iov_class *device_class,
						const char *name)
{
	const struct iov_attribute *attribute = device_class ? device_class->attributes : NULL;

	for (; attribute && attribute->name; attribute++) {
		if (!strcmp(attribute->name, name))
			return attribute;
	}
	return NULL;
}

void iov_class_attribute_names(const struct iov_class *device_class, char *text, size_t size)
{
	const struct iov_attribute *attribute = device_class->attributes;
	size_t length = 0;

	*text = '\0';
	for (; attribute && attribute->name && length < size; attribute++)
		length += (size_t)snprintf(text + length, size - length, "%s%s", length ? ", " : "",
					   vf_option_name(attribute->name).name);
}

static struct json_object *attribute_json(const struct iov_attribute *attribute)
{
	struct json_object *json = json_object_new_object(), *choices;
	char expected[256];

	json_add_text(json, "name", attribute->name);
	json_add_text(json, "of", attribute->flags & IOV_ATTRIBUTE_OWN ? "function" : "vf");
	json_add_text(json, "type", types[attribute->type]);
	class_expected(attribute, expected, sizeof(expected));
	json_add_text(json, "expected", expected);
	if (has_range(attribute)) {
		json_object_object_add(json, "min", json_object_new_int64(attribute->min));
		json_object_object_add(json, "max", json_object_new_int64(attribute->max));
		if (attribute->unit)
			json_add_text(json, "unit", attribute->unit);
	}
	if (attribute->type != IOV_ATTRIBUTE_CHOICE)
		return json;
	choices = json_object_new_array();
	for (size_t i = 0; attribute->choices[i]; i++)
		json_object_array_add(choices, json_object_new_string(attribute->choices[i]));
	json_object_object_add(json, "choices", choices);
	return json;
}

static void add_operation(struct json_object *operations, const char *name, bool has)
{
	if (has)
		json_object_array_add(operations, json_object_new_string(name));
}

struct json_object *iov_class_json(const struct iov_class *device_class)
{
	struct json_object *json = json_object_new_object();
	struct json_object *operations = json_object_new_array(), *attributes = json_object_new_array();
	const struct iov_attribute *attribute = device_class->attributes;

#define ADD(operation) add_operation(operations, #operation, device_class->operation)
	ADD(match);
	ADD(describe);
	ADD(holders);
	ADD(shares);
	ADD(take);
	ADD(get);
	ADD(speed);
	ADD(may);
	ADD(lacks);
	ADD(number);
	ADD(set);
	ADD(judge);
	ADD(prepare);
	ADD(finish);
	ADD(provision);
	ADD(restore);
	ADD(restore_early);
	ADD(release);
	ADD(renew);
#undef ADD
	for (; attribute && attribute->name; attribute++)
		json_object_array_add(attributes, attribute_json(attribute));
	json_add_text(json, "name", device_class->name);
	json_add_text(json, "title", device_class->title);
	json_object_object_add(json, "operations", operations);
	json_object_object_add(json, "attributes", attributes);
	return json;
}

/* What a class is asked of one function, and which of its operations answers. */
typedef int ask_fn(const struct iov_class *device_class, struct iov *iov, struct iov_bdf bdf,
		   struct json_object *object);

static int ask_describe(const struct iov_class *device_class, struct iov *iov, struct iov_bdf bdf,
			struct json_object *object)
{
	json_add_text(object, "name", device_class->name);
	return device_class->describe ? device_class->describe(iov, bdf, object) : 0;
}

static int ask_take(const struct iov_class *device_class, struct iov *iov, struct iov_bdf bdf,
		    struct json_object *object)
{
	return device_class->take ? device_class->take(iov, bdf, object) : 0;
}

/* Of a struct iov_bdf answers an object. */
static int tell(struct iov *iov, const char *question, ask_fn *ask, FILE *answer)
{
	_cleanup_json_ struct json_object *object = json_object_new_object();
	const struct iov_class *device_class;
	struct iov_bdf bdf;
	int error;

	memcpy(&bdf, question, sizeof(bdf));
	device_class = iov_class_of(iov, bdf);
	error = device_class ? ask(device_class, iov, bdf, object) : 0;
	fputs(json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN), answer);
	return error;
}

static int tell_describe(struct iov *iov, const char *question, size_t length, FILE *answer)
{
	(void)length;
	return tell(iov, question, ask_describe, answer);
}

static int tell_take(struct iov *iov, const char *question, size_t length, FILE *answer)
{
	(void)length;
	return tell(iov, question, ask_take, answer);
}

static int ask(struct iov *iov, struct iov_bdf bdf, iov_sys_call_fn *make, struct json_object **out)
{
	_cleanup_free_ char *answer = NULL;
	int error = iov_sys_call(iov, make, &bdf, sizeof(bdf), &answer);

	*out = NULL;
	if (error)
		return error;
	*out = json_tokener_parse(answer);
	return *out ? 0 : iov_fail(iov, -ENOMEM, "out of memory");
}

int iov_class_describe(struct iov *iov, struct iov_bdf bdf, struct json_object **out)
{
	*out = NULL;
	return iov_class_of(iov, bdf) ? ask(iov, bdf, tell_describe, out) : 0;
}

int iov_class_take(struct iov *iov, struct iov_bdf bdf, struct json_object **properties)
{
	const struct iov_class *device_class = iov_class_of(iov, bdf);

	*properties = NULL;
	if (device_class && device_class->take)
		return ask(iov, bdf, tell_take, properties);
	*properties = json_object_new_object();
	return 0;
}

/* For the guards, which ask in a child already. */
static int find_holders(struct iov *iov, struct iov_bdf bdf, struct json_object *holders)
{
	const struct iov_class *device_class = iov_class_of(iov, bdf);

	return device_class && device_class->holders ? device_class->holders(iov, bdf, holders) : 0;
}

/* Those of @bdfs that are VFs of @pf, from the first on. */
static int find_shared_of(struct iov *iov, struct iov_bdf pf_bdf, const struct iov_bdf *bdfs, size_t count,
			  struct json_object *devices)
{
	_cleanup_free_ bool *given = NULL;
	struct iov_pf pf;
	int error = iov_pf_read(iov, pf_bdf, &pf);

	if (error || !pf.device_class || !pf.device_class->shares)
		return error;
	given = calloc(pf.count + 1, sizeof(*given));
	if (!given)
		return iov_fail(iov, -ENOMEM, "out of memory");
	for (unsigned int i = 0; i < pf.count; i++) {
		for (size_t n = 0; !given[i] && n < count; n++)
			given[i] = !iov_bdf_compare(iov_vf_bdf(&pf, i), bdfs[n]);
	}
	return pf.device_class->shares(iov, &pf, given, devices);
}

static int find_shared(struct iov *iov, const struct iov_bdf *bdfs, size_t count, struct json_object *devices)
{
	struct iov_bdf pf, earlier;
	int error = 0;

	for (size_t i = 0; !error && i < count; i++) {
		bool known = iov_pci_link(iov, bdfs[i], "physfn", &pf);

		for (size_t n = 0; !known && n < i; n++)
			known = !iov_pci_link(iov, bdfs[n], "physfn", &earlier) && !iov_bdf_compare(pf, earlier);
		if (!known)
			error = find_shared_of(iov, pf, bdfs, count, devices);
	}
	return error;
}

static const struct guard_source class_holders = { find_holders, find_shared };

int iov_sriov_register(struct iov *iov)
{
	int error = iov_op_register(iov, &vf_attr_runner);

	return error ? error : guard_add_source(iov, &class_holders);
}
