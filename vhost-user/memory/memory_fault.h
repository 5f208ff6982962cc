/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mapped memory that may be taken away.
 *
 * A front end can truncate the file behind its guest's memory at any time, and hardware
 * may lose a page of it.  The next access raises SIGBUS, which would end the process and
 * with it all other guests' traffic; of a page that was found bad before anybody read it
 * the kernel may tell in advance.  Once memory_fault_catch() was called, the handler
 * puts zeroed private memory in place of a watched mapping instead, notes that it was lost
 * and says so.  The guest behind it then sees none of what is written, and whoever
 * is told ends what it has.  All of the mapping goes, as a page of zeroes among the
 * guest's own would be taken for its data.
 *
 * Threads: watch and unwatch on the control thread; faults in any.
 */
#ifndef VHOST_USER_MEMORY_MEMORY_FAULT_H
#define VHOST_USER_MEMORY_MEMORY_FAULT_H

#include <stdbool.h>
#include <stddef.h>

/**
 * memory_fault_catch - install the handler of SIGBUS
 *
 * For a program, at its start.  A fault outside of watched mappings still ends
 * the process as it would have done, but not the mere word that memory there is bad.
 *
 * Return: 0 or -errno.
 */
int memory_fault_catch(void);

/**
 * memory_fault_tell - say when something is lost
 * @fd: eventfd that is written to from then on; -1 for nowhere
 */
void memory_fault_tell(int fd);

/**
 * memory_fault_losses - how often something was lost
 *
 * For any thread: what it says changes before @fd of memory_fault_tell() is written to.
 */
unsigned int memory_fault_losses(void);

/**
 * memory_fault_watch - a mapping may lose its memory
 * @mapping: its start
 * @size: bytes, whole pages of the mapping
 *
 * Return: what it is watched as, or -ENOSPC when too many are watched.
 */
int memory_fault_watch(void *mapping, size_t size);

/**
 * memory_fault_unwatch - before a mapping goes away
 * @watch: of memory_fault_watch(); no thread accesses the mapping any more
 */
void memory_fault_unwatch(int watch);

/**
 * memory_fault_is_lost - whether a watched mapping was replaced
 * @watch: of memory_fault_watch()
 */
bool memory_fault_is_lost(int watch);

#endif
