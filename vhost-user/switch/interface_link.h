/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The link of an interface of the kernel, by which a device sends that does not tell its state.
 *
 * Any thread; asks the kernel, and takes no lock of it.
 */
#ifndef VHOST_USER_SWITCH_INTERFACE_LINK_H
#define VHOST_USER_SWITCH_INTERFACE_LINK_H

#include <net/if.h>

/**
 * enum uplink_link - what became of an interface
 * @UPLINK_LINK_UP: it runs
 * @UPLINK_LINK_DOWN: it does not, or the other end does not
 * @UPLINK_LINK_GONE: it is not there any more, or another one has its name
 */
enum uplink_link {
	UPLINK_LINK_UP,
	UPLINK_LINK_DOWN,
	UPLINK_LINK_GONE,
};

/**
 * struct interface_link - an interface
 * @name: its name; empty for none
 * @index: its number, which no other one gets
 */
struct interface_link {
	char name[IFNAMSIZ];
	int index;
};

/**
 * interface_link_find - the interface of a device
 * @interface: receives it
 * @device: virtual device of DPDK with its arguments
 */
void interface_link_find(struct interface_link *interface, const char *device);

/**
 * interface_link_mtu - its MTU
 * @interface: one that there was
 *
 * Return: the MTU, 65535 at most; 0 when it is gone.
 */
unsigned int interface_link_mtu(const struct interface_link *interface);

/**
 * interface_link_set_mtu - give it another MTU
 * @interface: one that there was
 * @mtu: the MTU
 *
 * Return: 0 or -errno.
 */
int interface_link_set_mtu(const struct interface_link *interface, unsigned int mtu);

/**
 * interface_link_look - what became of it
 * @interface: one that there was
 */
enum uplink_link interface_link_look(const struct interface_link *interface);

#endif
