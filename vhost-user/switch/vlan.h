/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * VLANs of a port, IEEE 802.1Q-2018.
 *
 * Inside a bridge a frame of a VLAN has that VLAN's tag and any other has none.  A port's
 * rules bring what comes from it into this form, and into the port's own on its way out.
 * Of two tags the outer one says the VLAN, and it is taken off a frame only where the inner
 * one cannot be taken for it: so no frame leaves in another VLAN than it came in.
 *
 * Tags of 802.1Q (0x8100) and 802.1ad (0x88a8) name the same VLANs, and stay what they are.
 *
 * Pure code.
 */
#ifndef VHOST_USER_SWITCH_VLAN_H
#define VHOST_USER_SWITCH_VLAN_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/iov.h"
#include "vhost-user/net/frame.h"

#define VLANS 4096

/**
 * enum vlan_mode - what a port is
 * @VLAN_TRANSPARENT: tags pass as they are, of all VLANs
 * @VLAN_ACCESS: in one VLAN, whose tag its guest neither sees nor sends
 * @VLAN_TRUNK: in some VLANs, by their tags, and without tags in its native one
 * @VLAN_TUNNEL: in one VLAN as well, with the guest's own tags inside (802.1ad, QinQ)
 */
enum vlan_mode {
	VLAN_TRANSPARENT,
	VLAN_ACCESS,
	VLAN_TRUNK,
	VLAN_TUNNEL,
};

/**
 * struct vlan_rules - in which VLANs a port is
 * @mode: how
 * @vid: the VLAN of an access or tunnel port, the native one of a trunk; 0 for none
 * @members: of a trunk, a bit for each VLAN
 */
struct vlan_rules {
	enum vlan_mode mode;
	uint16_t vid;
	uint64_t members[VLANS / 64];
};

/**
 * vlan_parse - read rules as users write them
 * @rules: receives them
 * @iov: context
 * @port: name of the port, for the message
 * @text: "access:10", "trunk:10,20-30,native:5", "tunnel:100" or "none"
 *
 * Return: 0 or -EINVAL with a message.
 */
int vlan_parse(struct vlan_rules *rules, struct iov *iov, const char *port, const char *text);

/**
 * vlan_enter - a frame comes from a port
 * @rules: its rules
 * @frame: frame of FRAME_ETHERNET bytes at least, whose head has FRAME_HEADROOM writable
 *	bytes before; a tag is pushed there or changed
 *
 * Return: DROP_NONE; DROP_VLAN when the port is not in the frame's VLAN, or a tag without a
 * VLAN (a priority tag) hides another tag; or DROP_LONG when a tag would make it longer than
 * any frame.
 */
enum drop vlan_enter(const struct vlan_rules *rules, struct frame *frame);

/**
 * vlan_carries - whether a port is in a VLAN
 * @rules: its rules
 * @vid: VLAN, 0 for frames of none
 */
bool vlan_carries(const struct vlan_rules *rules, uint16_t vid);

/**
 * vlan_leave - a frame goes to a port that is in its VLAN
 * @rules: the port's rules
 * @frame: frame; its tag is taken off where the port wants it so
 * @tag: receives the tag that was taken off, for vlan_restore(); else zeroes
 *
 * A frame with a tag inside keeps its own on a trunk; an access port does not get it.
 *
 * Return: DROP_NONE or DROP_VLAN.
 */
enum drop vlan_leave(const struct vlan_rules *rules, struct frame *frame, uint8_t tag[4]);

/**
 * vlan_restore - put back what vlan_leave() took off
 * @frame: frame
 * @tag: tag, or zeroes
 */
void vlan_restore(struct frame *frame, const uint8_t tag[4]);

#endif
