/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guest memory that arrives page by page: userfaultfd.
 *
 * After a post-copy migration was begun the guest runs before all of its memory is
 * there.  Whoever touches a page that is missing sleeps in the fault, until the front
 * end, which holds the same descriptor, has put the page there and wakes him.
 *
 * Faults of system calls would need a privilege and are not asked for: no system
 * call of iovd is given a pointer into guest memory.
 *
 * Who holds the descriptor has power over all memory of this process, as the kernel
 * does not ask which range he registers.  So front ends get it only where the user
 * trusts them.
 */
#ifndef VHOST_USER_PROTOCOL_USERFAULT_H
#define VHOST_USER_PROTOCOL_USERFAULT_H

#include <stdbool.h>

#include "vhost-user/memory/guest_memory.h"

/**
 * userfault_available - whether the kernel gives it to this process
 *
 * For memory of memfd and of hugetlbfs.
 */
bool userfault_available(void);

/**
 * userfault_open - a descriptor for memory of this process
 *
 * Return: the descriptor, which the caller closes, or -errno.
 */
int userfault_open(void);

/**
 * userfault_register - from now on missing pages are waited for
 * @fd: from userfault_open()
 * @memory: memory that nobody touched yet
 *
 * Return: 0 or -errno.
 */
int userfault_register(int fd, const struct guest_memory *memory);

/**
 * userfault_unregister - the rest of the pages is zero; whoever waits goes on
 * @fd: from userfault_open()
 * @memory: registered memory
 */
void userfault_unregister(int fd, const struct guest_memory *memory);

#endif
