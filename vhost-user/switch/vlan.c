// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhost-user/switch/vlan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TAG 4
#define ADDRESSES 12
#define VID_MASK 0xfff

/* What a tag's first two bytes say: of a guest's VLAN, and of the one around those. */
static const uint8_t customer_tag[2] = { ETH_P_8021Q >> 8, ETH_P_8021Q & 0xff },
		     service_tag[2] = { ETH_P_8021AD >> 8, ETH_P_8021AD & 0xff };

/* IEEE 802.1Q-2018 table 9-2: 0 is no VLAN, 4095 is reserved. */
static bool parse_vid(const char *text, uint16_t *vid)
{
	char *end;
	unsigned long number = strtoul(text, &end, 10);

	*vid = (uint16_t)number;
	return *text >= '0' && *text <= '9' && !*end && number >= 1 && number <= 4094;
}

static void add_member(struct vlan_rules *rules, unsigned int vid)
{
	rules->members[vid / 64] |= UINT64_C(1) << vid % 64;
}

static bool parse_range(struct vlan_rules *rules, char *text)
{
	char *dash = strchr(text, '-');
	uint16_t first, last;

	if (dash)
		*dash = '\0';
	if (!parse_vid(text, &first) || !parse_vid(dash ? dash + 1 : text, &last) || first > last)
		return false;
	for (unsigned int vid = first; vid <= last; vid++)
		add_member(rules, vid);
	return true;
}

static bool parse_trunk(struct vlan_rules *rules, char *list)
{
	static const char native[] = "native:";
	char *rest = NULL;

	for (char *word = strtok_r(list, ",", &rest); word; word = strtok_r(NULL, ",", &rest)) {
		if (!strncmp(word, native, strlen(native))) {
			if (rules->vid || !parse_vid(word + strlen(native), &rules->vid))
				return false;
			add_member(rules, rules->vid);
		} else if (!parse_range(rules, word)) {
			return false;
		}
	}
	return true;
}

static bool parse(struct vlan_rules *rules, char *text)
{
	char *colon = strchr(text, ':');

	if (!strcmp(text, "none"))
		return true;
	if (!colon || !colon[1])
		return false;
	*colon = '\0';
	if (!strcmp(text, "trunk")) {
		rules->mode = VLAN_TRUNK;
		return parse_trunk(rules, colon + 1);
	}
	rules->mode = strcmp(text, "access") ? VLAN_TUNNEL : VLAN_ACCESS;
	return (rules->mode == VLAN_ACCESS || !strcmp(text, "tunnel")) &&
	       parse_vid(colon + 1, &rules->vid);
}

int vlan_parse(struct vlan_rules *rules, struct iov *iov, const char *port, const char *text)
{
	char *copy = strdup(text);
	bool good;

	*rules = (struct vlan_rules){ 0 };
	if (!copy)
		return -ENOMEM;
	good = parse(rules, copy);
	free(copy);
	if (good)
		return 0;
	return iov_fail(iov, -EINVAL, "%s: vlan '%.64s': expected access:VLAN, tunnel:VLAN, "
			"trunk:VLAN,FIRST-LAST,native:VLAN or none; VLANs are 1 to 4094", port, text);
}

static void move_head(struct frame *frame, int bytes)
{
	frame->head -= bytes;
	frame->length += (uint32_t)bytes;
	frame->head_length += (uint32_t)bytes;
	frame->csum_start = (uint16_t)(frame->csum_start + bytes);
	frame->headers = (uint16_t)(frame->headers + bytes);
}

static void push(struct frame *frame, const uint8_t type[2], const uint8_t tci[2])
{
	memmove(frame->head - TAG, frame->head, ADDRESSES);
	move_head(frame, TAG);
	memcpy(frame->head + ADDRESSES, type, 2);
	memcpy(frame->head + ADDRESSES + 2, tci, 2);
}

static void pop(struct frame *frame)
{
	memmove(frame->head + TAG, frame->head, ADDRESSES);
	move_head(frame, -TAG);
}

/* Whether an EtherType says that a tag follows. */
static bool is_tag(const uint8_t type[2])
{
	return !memcmp(type, customer_tag, 2) || !memcmp(type, service_tag, 2);
}

/* Whether what is behind a frame's tag would be read as its tag without that. */
static bool hides_tag(const struct frame *frame)
{
	return is_tag(frame->head + ADDRESSES + TAG);
}

static bool is_member(const struct vlan_rules *rules, uint16_t vid)
{
	return rules->members[vid / 64] >> vid % 64 & 1;
}

/* A frame that is in no VLAN of its own comes into the port's. */
static enum drop join(const struct vlan_rules *rules, struct frame *frame, const uint8_t type[2])
{
	const uint8_t tci[2] = { (uint8_t)(rules->vid >> 8), (uint8_t)rules->vid };

	if (!rules->vid)
		return DROP_VLAN;
	if (frame->length + TAG > FRAME_MAX)
		return DROP_LONG;
	push(frame, type, tci);
	return DROP_NONE;
}

/* A tag with a priority and no VLAN gets the port's, and keeps the priority. */
static enum drop join_with_priority(const struct vlan_rules *rules, struct frame *frame)
{
	uint8_t *tci = frame->head + ADDRESSES + 2;

	if (!rules->vid)
		return DROP_VLAN;
	tci[0] = (uint8_t)((tci[0] & 0xf0) | rules->vid >> 8);
	tci[1] = (uint8_t)rules->vid;
	return DROP_NONE;
}

enum drop vlan_enter(const struct vlan_rules *rules, struct frame *frame)
{
	uint16_t vid;

	if (rules->mode == VLAN_TRANSPARENT)
		return DROP_NONE;
	if (rules->mode == VLAN_TUNNEL)
		return join(rules, frame, service_tag);
	if (!is_tag(frame->head + ADDRESSES))
		return join(rules, frame, customer_tag);
	if (!frame_is_tagged(frame))
		return DROP_VLAN; /* half a tag */
	vid = frame_vlan(frame);
	if (!vid)
		return hides_tag(frame) ? DROP_VLAN : join_with_priority(rules, frame);
	return rules->mode == VLAN_TRUNK && is_member(rules, vid) ? DROP_NONE : DROP_VLAN;
}

bool vlan_carries(const struct vlan_rules *rules, uint16_t vid)
{
	switch (rules->mode) {
	case VLAN_TRANSPARENT:
		return true;
	case VLAN_TRUNK:
		return is_member(rules, vid);
	default:
		return vid == rules->vid;
	}
}

enum drop vlan_leave(const struct vlan_rules *rules, struct frame *frame, uint8_t tag[TAG])
{
	memset(tag, 0, TAG);
	if (!rules->vid || !frame_is_tagged(frame) || frame_vlan(frame) != rules->vid)
		return DROP_NONE;
	if (rules->mode != VLAN_TUNNEL && hides_tag(frame))
		return rules->mode == VLAN_TRUNK ? DROP_NONE : DROP_VLAN;
	memcpy(tag, frame->head + ADDRESSES, TAG);
	pop(frame);
	return DROP_NONE;
}

void vlan_restore(struct frame *frame, const uint8_t tag[TAG])
{
	if (tag[0])
		push(frame, tag, tag + 2);
}
