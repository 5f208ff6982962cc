/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mapped files that somebody else may cut short.
 *
 * A front end can truncate the file behind its guest's memory at any time;
 * the next access raises SIGBUS, which would end the process and with it all
 * other guests' traffic.  Once memory_fault_catch() was called, the handler
 * puts zeroed private memory in place of a watched mapping instead, and notes
 * that it was lost.  The guest behind it then sees none of what is written,
 * and its rings break by themselves.
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
 * the process as it would have done.
 *
 * Return: 0 or -errno.
 */
int memory_fault_catch(void);

/**
 * memory_fault_watch - a mapping may lose its file
 * @mapping: its start
 * @size: bytes, whole pages of the mapping
 *
 * Return: 0, or -ENOSPC when too many are watched.
 */
int memory_fault_watch(void *mapping, size_t size);

/**
 * memory_fault_unwatch - before a mapping goes away
 * @mapping: as given to memory_fault_watch(); no thread accesses it any more
 */
void memory_fault_unwatch(void *mapping);

/**
 * memory_fault_is_lost - whether a watched mapping was replaced
 * @mapping: as given to memory_fault_watch()
 */
bool memory_fault_is_lost(void *mapping);

#endif
