/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An interface of the kernel that a device of software is at.
 *
 * It goes down, it is deleted, and another one gets its name, whatever the device says.
 *
 * Any thread; asks the kernel, and takes no lock of it.
 */
#ifndef VHOST_USER_SWITCH_INTERFACE_LINK_H
#define VHOST_USER_SWITCH_INTERFACE_LINK_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>

/**
 * enum uplink_link - what became of an interface
 * @UPLINK_LINK_UP: it runs
 * @UPLINK_LINK_DOWN: it does not, or the other end does not
 * @UPLINK_LINK_GONE: it is not there any more
 * @UPLINK_LINK_OTHER: another one has its name
 */
enum uplink_link {
	UPLINK_LINK_UP,
	UPLINK_LINK_DOWN,
	UPLINK_LINK_GONE,
	UPLINK_LINK_OTHER,
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
 * device_is_one_of - whether a virtual device is of some drivers, by how its name begins
 * @device: virtual device of DPDK with its arguments, or any other device
 * @names: of drivers
 * @count: length of @names
 */
bool device_is_one_of(const char *device, const char *const *names, size_t count);

/**
 * interface_link_find - the interface of a device
 * @interface: receives it
 * @device: virtual device of DPDK with its arguments
 */
void interface_link_find(struct interface_link *interface, const char *device);

/**
 * interface_link_listen - hear of it when something becomes of any interface
 *
 * Return: a descriptor that is readable then; the caller closes it; -errno.
 */
int interface_link_listen(void);

/**
 * interface_link_heard - have the descriptor wait for what comes next
 * @fd: of interface_link_listen()
 */
void interface_link_heard(int fd);

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
 * interface_link_is_promiscuous - whether somebody set its flag IFF_PROMISC
 * @interface: one that there was
 */
bool interface_link_is_promiscuous(const struct interface_link *interface);

/**
 * interface_link_make_promiscuous - set it again, where a driver cleared it
 * @interface: one that there was
 *
 * Return: 0 or -errno.
 */
int interface_link_make_promiscuous(const struct interface_link *interface);

/**
 * interface_link_get_all - have an interface receive all frames, whoever they are for
 * @interface: one that there is
 *
 * The kernel counts who wants that, and forgets who ends, however that is: nothing is left as it
 * would be of the flag IFF_PROMISC.
 *
 * Return: a descriptor that it is so as long as; the caller closes it; -errno.
 */
int interface_link_get_all(const struct interface_link *interface);

/**
 * interface_link_look - what became of it
 * @interface: one that there was
 */
enum uplink_link interface_link_look(const struct interface_link *interface);

#endif
