/* SPDX-License-Identifier: GPL-2.0-or-later */
/* DPDK's environment: memory, polling threads, no device before it is asked for. */
#ifndef VHOST_USER_SWITCH_EAL_H
#define VHOST_USER_SWITCH_EAL_H

#include <sched.h>
#include <stdbool.h>

#include "base/iov.h"
#include "vhost-user/switch/datapath.h"

/* The lcore of a worker; lcore 0 is the control thread. */
#define EAL_WORKER_LCORE(index) ((index) + 1)

/**
 * eal_parse_cpus - read a CPU list
 * @text: "3" or "2-5,8"
 * @cpus: receives it
 *
 * Return: 0 or -EINVAL.
 */
int eal_parse_cpus(const char *text, cpu_set_t *cpus);

/**
 * eal_parse_workers - read a CPU list as --workers takes it
 * @iov: context
 * @text: "3" or "2-5,8"; NULL: the last CPU that this process may use
 * @cpus: receives the CPUs
 *
 * Return: how many there are, or -EINVAL with a message for a malformed list, a CPU that
 * this process may not use, or more than WORKERS_MAX.
 */
int eal_parse_workers(struct iov *iov, const char *text, unsigned int cpus[WORKERS_MAX]);

/**
 * eal_start - start DPDK
 * @iov: context; without free huge pages it is told that ordinary ones are used
 * @cpus: CPUs of the workers' lcores
 * @count: how many
 * @no_huge: do not look for huge pages
 *
 * Once per process.
 *
 * Return: 0 or -errno with a message.
 */
int eal_start(struct iov *iov, const unsigned int *cpus, unsigned int count, bool no_huge);

/**
 * eal_stop - end DPDK
 */
void eal_stop(void);

#endif
