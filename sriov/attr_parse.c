// SPDX-License-Identifier: GPL-2.0-or-later
/* Attributes of VFs as a person writes them. */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mac.h"
#include "base/switch.h"
#include "sriov/internal.h"

struct attribute {
	const char *name;
	int (*parse)(struct iov *iov, const struct attribute *attribute, const char *text,
		     struct json_object **value);
	long max;
	const char *expected;
};

struct iov_path vf_option_name(const char *name)
{
	struct iov_path option = iov_path("%s", name);

	for (char *c = option.name; (c = strchr(c, '_'));)
		*c = '-';
	return option;
}

static int fail_value(struct iov *iov, const struct attribute *attribute, const char *text)
{
	return iov_fail(iov, -EINVAL, "%s '%s': expected %s", vf_option_name(attribute->name).name,
			text, attribute->expected);
}

static int parse_mac(struct iov *iov, const struct attribute *attribute, const char *text,
		     struct json_object **value)
{
	char normal[IOV_MAC_TEXT];
	uint8_t mac[6];

	if (!iov_mac_parse(text, mac))
		return fail_value(iov, attribute, text);
	iov_mac_format(mac, normal);
	if (mac[0] & 1)
		return iov_fail(iov, -EINVAL, "mac '%s': a multicast address; expected a unicast "
				"one, whose first byte is even, like 02:00:00:00:00:01", text);
	if (vf_is_zero_address(normal))
		return iov_fail(iov, -EINVAL, "mac '%s': the zero address; expected a unicast one "
				"like 02:00:00:00:00:01", text);
	*value = json_object_new_string(normal);
	return 0;
}

bool vf_is_zero_address(const char *value)
{
	return strchr(value, ':') && strspn(value, "0:") == strlen(value);
}

/* InfiniBand's EUI-64, as ip(8) writes it. */
static int parse_guid(struct iov *iov, const struct attribute *attribute, const char *text,
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

static int parse_number(struct iov *iov, const struct attribute *attribute, const char *text,
			struct json_object **value)
{
	char *end;
	long number;

	errno = 0;
	number = strtol(text, &end, 10);
	if (!*text || *end || errno || strspn(text, "0123456789") != strlen(text) ||
	    number > attribute->max)
		return fail_value(iov, attribute, text);
	*value = json_object_new_int64(number);
	return 0;
}

static int parse_switch(struct iov *iov, const struct attribute *attribute, const char *text,
			struct json_object **value)
{
	bool on = true;

	if (!switch_parse(text, &on))
		return fail_value(iov, attribute, text);
	*value = json_object_new_boolean(on);
	return 0;
}

static int parse_vlan_protocol(struct iov *iov, const struct attribute *attribute,
			       const char *text, struct json_object **value)
{
	if (strcasecmp(text, "802.1Q") && strcasecmp(text, "802.1ad"))
		return fail_value(iov, attribute, text);
	*value = json_object_new_string(strcasecmp(text, "802.1Q") ? "802.1ad" : "802.1Q");
	return 0;
}

static int parse_link_state(struct iov *iov, const struct attribute *attribute, const char *text,
			    struct json_object **value)
{
	if (strcmp(text, "auto") && strcmp(text, "enable") && strcmp(text, "disable"))
		return fail_value(iov, attribute, text);
	*value = json_object_new_string(text);
	return 0;
}

static const struct attribute attributes[] = {
	{ "mac", parse_mac, 0, "six hexadecimal bytes like 02:00:00:00:00:01" },
	{ "node_guid", parse_guid, 0, "eight hexadecimal bytes like 02:00:00:00:00:00:00:01" },
	{ "port_guid", parse_guid, 0, "eight hexadecimal bytes like 02:00:00:00:00:00:00:01" },
	{ "vlan", parse_number, 4094, "a VLAN ID from 1 to 4094, or 0 for no VLAN" },
	{ "qos", parse_number, 7, "a VLAN priority from 0 to 7" },
	{ "vlan_protocol", parse_vlan_protocol, 0, "'802.1Q' or '802.1ad'" },
	{ "spoofchk", parse_switch, 0, IOV_SWITCH_EXPECTED },
	{ "trust", parse_switch, 0, IOV_SWITCH_EXPECTED },
	{ "rss_query", parse_switch, 0, IOV_SWITCH_EXPECTED },
	{ "max_rate", parse_number, UINT_MAX, "Mbit/s, or 0 for no limit" },
	{ "min_rate", parse_number, UINT_MAX, "Mbit/s, or 0 for no guarantee" },
	{ "link_state", parse_link_state, 0, "'auto', 'enable' or 'disable'" },
};

int iov_vf_attribute_parse(struct iov *iov, const char *name, const char *text,
			   struct json_object *values)
{
	struct json_object *value = NULL;

	for (size_t i = 0; i < sizeof(attributes) / sizeof(*attributes); i++) {
		int error;

		if (strcmp(attributes[i].name, name))
			continue;
		error = attributes[i].parse(iov, &attributes[i], text, &value);
		if (!error)
			json_object_object_add(values, name, value);
		return error;
	}
	return iov_fail(iov, -EINVAL, "%s: no such VF attribute", name);
}
