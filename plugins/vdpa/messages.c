// SPDX-License-Identifier: GPL-2.0-or-later
/* Requests to the kernel's vDPA core by generic netlink (linux/vdpa.h), and what it answers. */
#include "plugins/vdpa/vdpa_internal.h"

#include <linux/vdpa.h>
#include <netlink/attr.h>
#include <netlink/genl/genl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mac.h"

static struct nl_msg *dropped(struct nl_msg *message)
{
	nlmsg_free(message);
	return NULL;
}

struct nl_msg *vdpa_message(int family, uint8_t command, int flags, const char *name)
{
	struct nl_msg *message = nlmsg_alloc();

	if (!message)
		return NULL;
	if (!genlmsg_put(message, NL_AUTO_PORT, NL_AUTO_SEQ, family, 0, NLM_F_REQUEST | flags, command,
			 VDPA_GENL_VERSION) ||
	    (name && nla_put_string(message, VDPA_ATTR_DEV_NAME, name)))
		return dropped(message);
	return message;
}

/* "pci/0000:01:00.2", or "vduse" that is on no bus */
static int put_mgmtdev(struct nl_msg *message, const char *mgmtdev)
{
	const char *slash = strchr(mgmtdev, '/');
	struct iov_path bus = iov_path("%.*s", slash ? (int)(slash - mgmtdev) : 0, mgmtdev);

	if (slash && nla_put_string(message, VDPA_ATTR_MGMTDEV_BUS_NAME, bus.name))
		return -1;
	return nla_put_string(message, VDPA_ATTR_MGMTDEV_DEV_NAME, slash ? slash + 1 : mgmtdev);
}

static int put_value(struct nl_msg *message, const char *name, struct json_object *value)
{
	uint16_t number = (uint16_t)json_object_get_int(value);
	uint8_t mac[6];

	if (!strcmp(name, "mac"))
		return iov_mac_parse(json_object_get_string(value), mac) ?
		       nla_put(message, VDPA_ATTR_DEV_NET_CFG_MACADDR, sizeof(mac), mac) : -1;
	if (!strcmp(name, "mtu"))
		return nla_put_u16(message, VDPA_ATTR_DEV_NET_CFG_MTU, number);
	if (!strcmp(name, "max_vqp"))
		return nla_put_u16(message, VDPA_ATTR_DEV_NET_CFG_MAX_VQP, number);
	if (!strcmp(name, "features"))
		return nla_put_u64(message, VDPA_ATTR_DEV_FEATURES,
				   strtoull(json_object_get_string(value), NULL, 16));
	return -1;
}

struct nl_msg *vdpa_new_message(int family, const char *name, const char *mgmtdev,
				struct json_object *values)
{
	struct nl_msg *message = vdpa_message(family, VDPA_CMD_DEV_NEW, NLM_F_ACK, name);

	if (!message || put_mgmtdev(message, mgmtdev))
		return dropped(message);
	if (!values)
		return message;
	json_object_object_foreach(values, key, value) {
		if (put_value(message, key, value))
			return dropped(message);
	}
	return message;
}

/* An attribute of at least so many bytes; NULL for none. */
static struct nlattr *find(struct nlmsghdr *header, int type, size_t size)
{
	struct nlattr *attribute = nlmsg_find_attr(header, GENL_HDRLEN, type);

	return attribute && nla_len(attribute) >= (int)size ? attribute : NULL;
}

/* A text without its NUL is none. */
static const char *text_of(struct nlmsghdr *header, int type)
{
	struct nlattr *attribute = find(header, type, 1);

	if (!attribute || !memchr(nla_data(attribute), '\0', (size_t)nla_len(attribute)))
		return NULL;
	return nla_data(attribute);
}

static void add_u32(struct nlmsghdr *header, int type, struct json_object *json, const char *key)
{
	struct nlattr *attribute = find(header, type, sizeof(uint32_t));

	json_object_object_add(json, key, attribute ? json_object_new_int64(nla_get_u32(attribute)) : NULL);
}

static void add_u16(struct nlmsghdr *header, int type, struct json_object *json, const char *key)
{
	struct nlattr *attribute = find(header, type, sizeof(uint16_t));

	json_object_object_add(json, key, attribute ? json_object_new_int(nla_get_u16(attribute)) : NULL);
}

static void add_features(struct nlmsghdr *header, int type, struct json_object *json,
			 uint32_t device_class)
{
	struct nlattr *attribute = find(header, type, sizeof(uint64_t));
	uint64_t features = attribute ? nla_get_u64(attribute) : 0;
	char text[24];

	snprintf(text, sizeof(text), "0x%llx", (unsigned long long)features);
	json_add_text(json, "features", attribute ? text : NULL);
	json_object_object_add(json, "feature_names", vdpa_feature_names(features, device_class));
}

static struct json_object *class_json(unsigned int number)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", number);
	return json_object_new_string(number == VDPA_CLASS_NET ? "net" :
				      number == VDPA_CLASS_BLOCK ? "block" : text);
}

/* The name of who makes it, as vdpa_new_message() takes it. */
static bool add_mgmtdev(struct nlmsghdr *header, struct json_object *json, const char *key)
{
	const char *bus = text_of(header, VDPA_ATTR_MGMTDEV_BUS_NAME);
	const char *name = text_of(header, VDPA_ATTR_MGMTDEV_DEV_NAME);

	json_add_text(json, key, name ? iov_path("%s%s%s", bus ? bus : "", bus ? "/" : "", name).name :
				 NULL);
	return name;
}

struct json_object *vdpa_mgmt_json(struct nlmsghdr *header)
{
	struct nlattr *classes = find(header, VDPA_ATTR_MGMTDEV_SUPPORTED_CLASSES, sizeof(uint64_t));
	uint64_t bits = classes ? nla_get_u64(classes) : 0;
	struct json_object *json = json_object_new_object(), *names = json_object_new_array();
	uint32_t only = 0;

	if (!add_mgmtdev(header, json, "name")) {
		json_object_put(names);
		json_object_put(json);
		return NULL;
	}
	for (unsigned int i = 0; i < 64; i++) {
		if (!(bits >> i & 1))
			continue;
		json_object_array_add(names, class_json(i));
		only = bits == 1ull << i ? i : 0;
	}
	json_object_object_add(json, "classes", names);
	add_u32(header, VDPA_ATTR_DEV_MGMTDEV_MAX_VQS, json, "max_vqs");
	add_features(header, VDPA_ATTR_DEV_SUPPORTED_FEATURES, json, only);
	return json;
}

struct json_object *vdpa_device_json(struct nlmsghdr *header)
{
	const char *name = text_of(header, VDPA_ATTR_DEV_NAME);
	struct nlattr *id = find(header, VDPA_ATTR_DEV_ID, sizeof(uint32_t));
	struct json_object *json;

	if (!name)
		return NULL;
	json = json_object_new_object();
	json_add_text(json, "name", name);
	add_mgmtdev(header, json, "mgmtdev");
	json_object_object_add(json, "class", id ? class_json(nla_get_u32(id)) : NULL);
	add_u32(header, VDPA_ATTR_DEV_MAX_VQS, json, "max_vqs");
	add_u16(header, VDPA_ATTR_DEV_MAX_VQ_SIZE, json, "max_vq_size");
	return json;
}

static void add_mac(struct nlmsghdr *header, struct json_object *device)
{
	struct nlattr *attribute = find(header, VDPA_ATTR_DEV_NET_CFG_MACADDR, 6);
	char text[IOV_MAC_TEXT];

	if (attribute)
		iov_mac_format(nla_data(attribute), text);
	json_add_text(device, "mac", attribute ? text : NULL);
}

/*
 * Since Linux 6.10 a device tells its features by the attribute by which they are provisioned, and the
 * number of the one before is that of a disk's capacity: headers have a name for one of both.
 */
#define DEV_SUPPORTED_FEATURES_BEFORE (VDPA_ATTR_DEV_FEATURES + 1)

static int features_type(struct nlmsghdr *header)
{
	return find(header, VDPA_ATTR_DEV_FEATURES, sizeof(uint64_t)) ? VDPA_ATTR_DEV_FEATURES :
		       DEV_SUPPORTED_FEATURES_BEFORE;
}

void vdpa_add_config(struct nlmsghdr *header, struct json_object *device)
{
	const char *kind = json_text(device, "class");
	struct nlattr *status = find(header, VDPA_ATTR_DEV_NET_STATUS, 2);

	add_mac(header, device);
	add_u16(header, VDPA_ATTR_DEV_NET_CFG_MTU, device, "mtu");
	add_u16(header, VDPA_ATTR_DEV_NET_CFG_MAX_VQP, device, "max_vqp");
	json_add_text(device, "link", status ? nla_get_u16(status) & 1 ? "up" : "down" : NULL);
	add_features(header, features_type(header), device,
		     !strcmp(kind, "net") ? VDPA_CLASS_NET :
		     !strcmp(kind, "block") ? VDPA_CLASS_BLOCK : 0);
}
