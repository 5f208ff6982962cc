// SPDX-License-Identifier: GPL-2.0-or-later
/* The feature bits of virtio 1.3: 5.1.3, 5.2.3 and 6. */
#include "plugins/vdpa/vdpa_internal.h"

#include <stddef.h>
#include <stdio.h>

struct feature {
	unsigned int bit;
	const char *name;
};

static const struct feature common[] = {
	{ 24, "notify-on-empty" }, { 27, "any-layout" }, { 28, "indirect-desc" }, { 29, "event-idx" },
	{ 32, "version-1" }, { 33, "access-platform" }, { 34, "ring-packed" }, { 35, "in-order" },
	{ 36, "order-platform" }, { 37, "sr-iov" }, { 38, "notification-data" },
	{ 39, "notif-config-data" }, { 40, "ring-reset" }, { 41, "admin-vq" }, { 0, NULL },
};

static const struct feature net[] = {
	{ 0, "csum" }, { 1, "guest-csum" }, { 2, "ctrl-guest-offloads" }, { 3, "mtu" }, { 5, "mac" },
	{ 7, "guest-tso4" }, { 8, "guest-tso6" }, { 9, "guest-ecn" }, { 10, "guest-ufo" },
	{ 11, "host-tso4" }, { 12, "host-tso6" }, { 13, "host-ecn" }, { 14, "host-ufo" },
	{ 15, "mrg-rxbuf" }, { 16, "status" }, { 17, "ctrl-vq" }, { 18, "ctrl-rx" }, { 19, "ctrl-vlan" },
	{ 20, "ctrl-rx-extra" }, { 21, "guest-announce" }, { 22, "mq" }, { 23, "ctrl-mac-addr" },
	{ 53, "vq-notf-coal" }, { 54, "guest-uso4" }, { 55, "guest-uso6" }, { 56, "host-uso" },
	{ 57, "hash-report" }, { 59, "guest-hdrlen" }, { 60, "rss" }, { 61, "rsc-ext" },
	{ 62, "standby" }, { 63, "speed-duplex" }, { 0, NULL },
};

static const struct feature block[] = {
	{ 1, "size-max" }, { 2, "seg-max" }, { 4, "geometry" }, { 5, "ro" }, { 6, "blk-size" },
	{ 9, "flush" }, { 10, "topology" }, { 11, "config-wce" }, { 12, "mq" }, { 13, "discard" },
	{ 14, "write-zeroes" }, { 15, "lifetime" }, { 16, "secure-erase" }, { 17, "zoned" }, { 0, NULL },
};

static const char *find(const struct feature *features, unsigned int bit)
{
	for (; features->name; features++) {
		if (features->bit == bit)
			return features->name;
	}
	return NULL;
}

static const char *name_of(unsigned int bit, uint32_t device_class)
{
	const char *name = find(common, bit);

	if (!name && device_class == VDPA_CLASS_NET)
		name = find(net, bit);
	if (!name && device_class == VDPA_CLASS_BLOCK)
		name = find(block, bit);
	return name;
}

struct json_object *vdpa_feature_names(uint64_t features, uint32_t device_class)
{
	struct json_object *names = json_object_new_array();
	char number[16];

	for (unsigned int bit = 0; bit < 64; bit++) {
		const char *name = name_of(bit, device_class);

		if (!(features >> bit & 1))
			continue;
		snprintf(number, sizeof(number), "bit-%u", bit);
		json_object_array_add(names, json_object_new_string(name ? name : number));
	}
	return names;
}
