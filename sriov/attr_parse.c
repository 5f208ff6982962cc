// SPDX-License-Identifier: GPL-2.0-or-later
/* Attributes of functions as a person writes them, by what their class says of them. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mac.h"
#include "base/size.h"
#include "base/switch.h"
#include "sriov/internal.h"

/* Longest list of numbers. */
#define NUMBERS_MAX 256
#define NAME_LENGTH 63

struct iov_path vf_option_name(const char *name)
{
	struct iov_path option = iov_path("%s", name);

	for (char *c = option.name; (c = strchr(c, '_'));)
		*c = '-';
	return option;
}

/* "'auto', 'enable' or 'disable'" */
static void list_choices(const char *const *choices, char *text, size_t size)
{
	size_t length = 0;

	text[0] = '\0';
	for (size_t i = 0; choices[i] && length < size; i++)
		length += (size_t)snprintf(text + length, size - length, "%s'%s'",
					   !i ? "" : choices[i + 1] ? ", " : " or ", choices[i]);
}

void class_expected(const struct iov_attribute *attribute, char *text, size_t size)
{
	if (attribute->expected) {
		snprintf(text, size, "%s", attribute->expected);
		return;
	}
	switch (attribute->type) {
	case IOV_ATTRIBUTE_NUMBER:
		snprintf(text, size, "%lld to %lld%s%s", (long long)attribute->min,
			 (long long)attribute->max, attribute->unit ? " " : "",
			 attribute->unit ? attribute->unit : "");
		return;
	case IOV_ATTRIBUTE_SIZE:
		snprintf(text, size, "%lld to %lld bytes, as 512M or 8G", (long long)attribute->min,
			 (long long)attribute->max);
		return;
	case IOV_ATTRIBUTE_NUMBERS:
		snprintf(text, size, "numbers with commas between, like 1,3, or none");
		return;
	case IOV_ATTRIBUTE_CHOICE:
		list_choices(attribute->choices, text, size);
		return;
	case IOV_ATTRIBUTE_MAC:
		snprintf(text, size, "six hexadecimal bytes like 02:00:00:00:00:01");
		return;
	case IOV_ATTRIBUTE_NAME:
		snprintf(text, size, "a name of letters, digits, dots, underscores and dashes");
		return;
	case IOV_ATTRIBUTE_GUID:
		snprintf(text, size, "eight hexadecimal bytes like 02:00:00:00:00:00:00:01");
		return;
	default:
		snprintf(text, size, IOV_SWITCH_EXPECTED);
	}
}

static int fail_value(struct iov *iov, const struct iov_attribute *attribute, const char *text)
{
	char expected[256];

	class_expected(attribute, expected, sizeof(expected));
	return iov_fail(iov, -EINVAL, "%s '%s': expected %s", vf_option_name(attribute->name).name,
			text, expected);
}

static int parse_mac(struct iov *iov, const struct iov_attribute *attribute, const char *text,
		     struct json_object **value)
{
	char normal[IOV_MAC_TEXT];
	uint8_t mac[6];

	if (!iov_mac_parse(text, mac))
		return fail_value(iov, attribute, text);
	iov_mac_format(mac, normal);
	if (mac[0] & 1)
		return iov_fail(iov, -EINVAL, "%s '%s': a multicast address; expected a unicast "
				"one, whose first byte is even, like 02:00:00:00:00:01",
				vf_option_name(attribute->name).name, text);
	if (vf_is_zero_address(normal))
		return iov_fail(iov, -EINVAL, "%s '%s': the zero address; expected a unicast one "
				"like 02:00:00:00:00:01", vf_option_name(attribute->name).name, text);
	*value = json_object_new_string(normal);
	return 0;
}

bool vf_is_zero_address(const char *value)
{
	return strchr(value, ':') && strspn(value, "0:") == strlen(value);
}

/* InfiniBand's EUI-64, as ip(8) writes it. */
static int parse_guid(struct iov *iov, const struct iov_attribute *attribute, const char *text,
		      struct json_object **value)
{
	char normal[] = "02:00:00:00:00:00:00:01";
	size_t length = strlen(text);

	if (length != strlen(normal))
		return fail_value(iov, attribute, text);
	for (size_t i = 0; i < length; i++) {
		if (i % 3 == 2 ? text[i] != ':' : !isxdigit((unsigned char)text[i]))
			return fail_value(iov, attribute, text);
		normal[i] = (char)tolower((unsigned char)text[i]);
	}
	if (vf_is_zero_address(normal))
		return fail_value(iov, attribute, text);
	*value = json_object_new_string(normal);
	return 0;
}

/* Digits, and a sign where a number may be negative. */
static bool is_decimal(const char *text, int64_t min)
{
	const char *digits = min < 0 && *text == '-' ? text + 1 : text;

	return *digits && strspn(digits, "0123456789") == strlen(digits);
}

static int parse_number(struct iov *iov, const struct iov_attribute *attribute, const char *text,
			struct json_object **value)
{
	long long number;

	errno = 0;
	number = strtoll(text, NULL, 10);
	if (!is_decimal(text, attribute->min) || errno || number < attribute->min ||
	    number > attribute->max)
		return fail_value(iov, attribute, text);
	*value = json_object_new_int64(number);
	return 0;
}

static int parse_size(struct iov *iov, const struct iov_attribute *attribute, const char *text,
		      struct json_object **value)
{
	uint64_t bytes;

	if (!size_parse(text, &bytes) || bytes > INT64_MAX || (int64_t)bytes < attribute->min ||
	    (int64_t)bytes > attribute->max)
		return fail_value(iov, attribute, text);
	*value = json_object_new_int64((int64_t)bytes);
	return 0;
}

static int compare_numbers(const void *one, const void *other)
{
	const uint32_t *a = one, *b = other;

	return (*a > *b) - (*a < *b);
}

/* In order and once each, so that equal lists are equal texts. */
static struct json_object *numbers_text(uint32_t *numbers, size_t count)
{
	char text[NUMBERS_MAX * 11 + 1] = "";
	size_t length = 0;

	qsort(numbers, count, sizeof(*numbers), compare_numbers);
	for (size_t i = 0; i < count; i++) {
		if (!i || numbers[i] != numbers[i - 1])
			length += (size_t)snprintf(text + length, sizeof(text) - length, "%s%u",
						   length ? "," : "", numbers[i]);
	}
	return json_object_new_string(text);
}

static int parse_numbers(struct iov *iov, const struct iov_attribute *attribute, const char *text,
			 struct json_object **value)
{
	_cleanup_free_ char *copy = strdup(text);
	char *rest = copy, *word, *end;
	uint32_t numbers[NUMBERS_MAX];
	unsigned long long number;
	size_t count = 0;

	if (!copy)
		return -ENOMEM;
	if (!strcmp(text, "none")) {
		*value = json_object_new_string(text);
		return 0;
	}
	while ((word = strsep(&rest, ","))) {
		errno = 0;
		number = strtoull(word, &end, 10);
		if (!isdigit((unsigned char)*word) || *end || errno || !number ||
		    number >= UINT32_MAX || count == NUMBERS_MAX)
			return fail_value(iov, attribute, text);
		numbers[count++] = (uint32_t)number;
	}
	*value = numbers_text(numbers, count);
	return 0;
}

static int parse_switch(struct iov *iov, const struct iov_attribute *attribute, const char *text,
			struct json_object **value)
{
	bool on = true;

	if (!switch_parse(text, &on))
		return fail_value(iov, attribute, text);
	*value = json_object_new_boolean(on);
	return 0;
}

static int parse_choice(struct iov *iov, const struct iov_attribute *attribute, const char *text,
			struct json_object **value)
{
	for (size_t i = 0; attribute->choices[i]; i++) {
		if (strcasecmp(attribute->choices[i], text))
			continue;
		*value = json_object_new_string(attribute->choices[i]);
		return 0;
	}
	return fail_value(iov, attribute, text);
}

/* The name of something that the device has, in the alphabet that such names share. */
static int parse_name(struct iov *iov, const struct iov_attribute *attribute, const char *text,
		      struct json_object **value)
{
	static const char characters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

	if (!*text || strlen(text) > NAME_LENGTH || strspn(text, characters) != strlen(text))
		return fail_value(iov, attribute, text);
	*value = json_object_new_string(text);
	return 0;
}

int class_attribute_parse(struct iov *iov, const struct iov_attribute *attribute, const char *text,
			  struct json_object *values)
{
	static int (*const parse[IOV_ATTRIBUTE_TYPES])(struct iov *, const struct iov_attribute *,
						       const char *, struct json_object **) = {
		[IOV_ATTRIBUTE_NUMBER] = parse_number, [IOV_ATTRIBUTE_SWITCH] = parse_switch,
		[IOV_ATTRIBUTE_CHOICE] = parse_choice, [IOV_ATTRIBUTE_MAC] = parse_mac,
		[IOV_ATTRIBUTE_GUID] = parse_guid, [IOV_ATTRIBUTE_SIZE] = parse_size,
		[IOV_ATTRIBUTE_NUMBERS] = parse_numbers,
		[IOV_ATTRIBUTE_NAME] = parse_name,
	};
	struct json_object *value = NULL;
	int error = parse[attribute->type](iov, attribute, text, &value);

	if (!error)
		json_object_object_add(values, attribute->name, value);
	return error;
}

int iov_vf_attribute_parse(struct iov *iov, const char *name, const char *text,
			   struct json_object *values)
{
	const struct iov_class *device_class;

	for (size_t i = 0; (device_class = iov_class_at(iov, i)); i++) {
		const struct iov_attribute *attribute = iov_class_attribute(device_class, name);

		if (attribute && !(attribute->flags & IOV_ATTRIBUTE_OWN))
			return class_attribute_parse(iov, attribute, text, values);
	}
	return iov_fail(iov, -EINVAL, "%s: no device class has such a VF attribute; 'iov plugin list' shows what each has",
			vf_option_name(name).name);
}
