/* SPDX-License-Identifier: GPL-2.0-or-later */
/* DPDK's environment: memory, one polling thread, no device before it is asked for. */
#ifndef VHOST_USER_EAL_H
#define VHOST_USER_EAL_H

#include <sched.h>
#include <stdbool.h>

#include "base/iov.h"

/* The lcore of the worker; lcore 0 is the control thread. */
#define EAL_WORKER_LCORE 1

/**
 * eal_parse_workers - read a CPU list as --workers takes it
 * @iov: context
 * @text: "3" or "2-5,8"; NULL: the last CPU that this process may use
 * @cpu: receives the first CPU of the list
 * @count: receives how many CPUs the list has
 *
 * Return: 0, or -EINVAL with a message for a malformed list or a CPU that this
 * process may not use.
 */
int eal_parse_workers(struct iov *iov, const char *text, unsigned int *cpu, unsigned int *count);

/**
 * eal_start - start DPDK
 * @iov: context; without free huge pages it is told that ordinary ones are used
 * @worker_cpu: CPU of the worker's lcore
 * @no_huge: do not look for huge pages
 *
 * Once per process.
 *
 * Return: 0 or -errno with a message.
 */
int eal_start(struct iov *iov, unsigned int worker_cpu, bool no_huge);

/**
 * eal_stop - end DPDK
 */
void eal_stop(void);

#endif
