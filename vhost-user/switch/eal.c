// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Theory of operation.  DPDK takes every PCI device it knows unless it is told
 * otherwise, and with --no-pci it can take none later.  An allow list that names
 * a host bridge, which no poll-mode driver wants, leaves all devices alone and
 * still lets rte_dev_probe() take one by name.
 *
 * The control thread may run on every CPU that the process was given; each worker
 * has one of its own.
 */
#include <errno.h>
#include <rte_common.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_log.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "base/cleanup.h"
#include "base/cpu_list.h"
#include "base/sysroot/paths.h"
#include "base/sysroot/sysroot.h"
#include "vhost-user/switch/eal.h"

/* Megabytes without huge pages: packet buffers of the uplinks and DPDK's own needs. */
#define ORDINARY_MEMORY "256"
#define ARGUMENTS_MAX 16

int eal_parse_cpus(const char *text, cpu_set_t *cpus)
{
	CPU_ZERO(cpus);
	if (!iov_cpu_list_valid(text))
		return -EINVAL;
	for (int cpu = -1; (cpu = iov_cpu_list_next(text, cpu)) >= 0;) {
		if (cpu >= CPU_SETSIZE)
			return -EINVAL;
		CPU_SET(cpu, cpus);
	}
	return 0;
}

static unsigned int last_cpu(const cpu_set_t *cpus)
{
	unsigned int cpu = CPU_SETSIZE - 1;

	while (cpu && !CPU_ISSET(cpu, cpus))
		cpu--;
	return cpu;
}

int eal_parse_workers(struct iov *iov, const char *text, unsigned int cpus[WORKERS_MAX])
{
	cpu_set_t usable, wanted, both;
	int count = 0;

	if (sched_getaffinity(0, sizeof(usable), &usable))
		return iov_told(iov, -errno, "cannot read the CPU affinity: %s", strerror(errno));
	if (!text) {
		cpus[0] = last_cpu(&usable);
		return 1;
	}
	if (eal_parse_cpus(text, &wanted))
		return iov_fail(iov, -EINVAL, "--workers %s: not a CPU list such as 3 or 2-5,8",
				text);
	CPU_AND(&both, &usable, &wanted);
	if (!CPU_EQUAL(&both, &wanted))
		return iov_fail(iov, -EINVAL, "--workers %s: this process may use only the CPUs that "
				"'taskset -cp $$' shows", text);
	if (CPU_COUNT(&wanted) > WORKERS_MAX)
		return iov_fail(iov, -EINVAL, "--workers %s: expected %d CPUs at most", text,
				WORKERS_MAX);
	for (unsigned int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &wanted))
			cpus[count++] = cpu;
	return count;
}

/* Free huge pages of all sizes, as DPDK would find them. */
static bool huge_pages_free(struct iov *iov)
{
	char **names;
	size_t count;
	bool found = false;

	if (iov_sys_list(iov, IOV_PATH_HUGE_PAGES, &names, &count))
		return false;
	for (size_t i = 0; i < count && !found; i++) {
		int64_t number;

		if (!iov_sys_read_number(
			    iov, iov_path(IOV_PATH_HUGE_PAGES "/%s/free_hugepages", names[i]).name,
			    &number))
			found = number > 0;
	}
	iov_names_free(names, count);
	return found;
}

/* "0@(0,1,5),1@1,2@5": the control thread anywhere, each worker on its CPU. */
static int format_lcores(char *text, size_t size, const unsigned int *cpus, unsigned int count)
{
	_cleanup_file_ FILE *file = fmemopen(text, size, "w");
	const char *separator = "";
	cpu_set_t usable;

	if (!file || sched_getaffinity(0, sizeof(usable), &usable))
		return -errno;
	fputs("--lcores=0@(", file);
	for (unsigned int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &usable))
			continue;
		fprintf(file, "%s%u", separator, cpu);
		separator = ",";
	}
	fputc(')', file);
	for (unsigned int i = 0; i < count; i++)
		fprintf(file, ",%u@%u", EAL_WORKER_LCORE(i), cpus[i]);
	return 0;
}

/* DPDK writes whole lines.  Its complaints are shown with --verbose already. */
static ssize_t log_line(void *cookie, const char *text, size_t size)
{
	bool complaint = rte_log_cur_msg_loglevel() <= (int)RTE_LOG_WARNING;

	iov_log(cookie, complaint ? LOG_INFO : LOG_DEBUG, "DPDK: %.*s", (int)strcspn(text, "\n"), text);
	return (ssize_t)size;
}

static void redirect_log(struct iov *iov)
{
	static const cookie_io_functions_t functions = { .write = log_line };
	FILE *stream = fopencookie(iov, "w", functions);

	if (!stream)
		return;
	setvbuf(stream, NULL, _IOLBF, 512);
	rte_openlog_stream(stream);
}

int eal_start(struct iov *iov, const unsigned int *cpus, unsigned int count, bool no_huge)
{
	char lcores[8192], *arguments[ARGUMENTS_MAX];
	const char *const common[] = { "iovd", lcores, "--iova-mode=va", "--no-telemetry",
				       "--allow=0000:00:00.0" };
	const char *const ordinary[] = { "--no-huge", "--no-shconf", "--file-prefix=iovd", "-m",
					 ORDINARY_MEMORY };
	int words = 0;

	if (format_lcores(lcores, sizeof(lcores), cpus, count))
		return iov_fail(iov, -ENOMEM, "the list of CPUs is too long");
	if (!no_huge && !huge_pages_free(iov)) {
		iov_log(iov, LOG_NOTICE, "no free huge pages, using ordinary ones; reserve some with "
			"'sysctl vm.nr_hugepages=256'");
		no_huge = true;
	}
	for (size_t i = 0; i < RTE_DIM(common); i++)
		arguments[words++] = (char *)common[i];
	for (size_t i = 0; no_huge && i < RTE_DIM(ordinary); i++)
		arguments[words++] = (char *)ordinary[i];
	if (!no_huge)
		arguments[words++] = (char *)"--in-memory";
	redirect_log(iov);
	if (rte_eal_init(words, arguments) < 0)
		return iov_told(iov, -rte_errno, "DPDK does not start: %s; see --verbose",
				rte_strerror(rte_errno));
	return 0;
}

void eal_stop(void)
{
	rte_eal_cleanup();
	rte_openlog_stream(NULL);
}
