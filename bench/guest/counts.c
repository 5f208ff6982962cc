// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * KVM tells its statistics by files that belong to the process with the guest
 * (KVM_GET_STATS_FD), so QEMU is asked for them, by "query-stats".  A QEMU from before 7.1 has
 * no such command; then they are in debugfs, where that is mounted.
 */
#include "bench/guest/counts.h"

#include <dirent.h>
#include <linux/perf_event.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/sysroot/paths.h"
#include "base/sysroot/sysroot.h"

/* As KVM names them; an architecture lacks some. */
static const struct {
	const char *kvm;
	const char *name;
} names[COUNTS_KVM] = {
	[COUNTS_EXITS] = {"exits", "exits"},
	[COUNTS_INJECTED] = {"irq_injections", "injections"},
	[COUNTS_IO] = {"io_exits", "io_exits"},
	[COUNTS_MMIO] = {"mmio_exits", "mmio_exits"},
	[COUNTS_HALT] = {"halt_exits", "halt_exits"},
};

const char *counts_name(enum counts_kvm which)
{
	return names[which].name;
}

static void add(struct counts *counts, const char *name, uint64_t value)
{
	for (unsigned int i = 0; i < COUNTS_KVM; i++)
		if (!strcmp(name, names[i].kvm)) {
			counts->kvm[i] += value;
			counts->has |= 1u << i;
		}
}

void counts_add_up(struct counts *counts, struct json_object *processors)
{
	for (size_t i = 0; i < json_object_array_length(processors); i++) {
		struct json_object *stats = json_object_object_get(
			json_object_array_get_idx(processors, i), "stats");

		if (!json_object_is_type(stats, json_type_array))
			continue;
		for (size_t j = 0; j < json_object_array_length(stats); j++) {
			struct json_object *one = json_object_array_get_idx(stats, j);
			struct json_object *value = json_object_object_get(one, "value");

			/* Histograms are arrays. */
			if (json_object_is_type(value, json_type_int))
				add(counts, json_text(one, "name"), json_object_get_uint64(value));
		}
	}
}

static bool ask_qemu(struct counts *counts, struct machine *machine)
{
	_cleanup_json_ struct json_object *answer = NULL;
	_cleanup_json_ struct json_object *command = NULL;
	struct json_object *arguments = json_object_new_object();

	json_object_object_add(arguments, "target", json_object_new_string("vcpu"));
	command = iov_qmp_command("query-stats", arguments);
	if (!machine->qmp || iov_qmp_ask(machine->qmp, command, &answer) ||
	    !json_object_is_type(answer, json_type_array))
		return false;
	counts_add_up(counts, answer);
	return counts->has != 0;
}

/* "PID-FD", a directory for each guest */
static void read_debugfs(struct counts *counts, struct iov *iov, pid_t pid)
{
	DIR *all = opendir("/" IOV_PATH_DEBUG_KVM);
	struct dirent *entry;

	while (all && (entry = readdir(all))) {
		char *end, text[32];

		if (strtol(entry->d_name, &end, 10) != pid || *end != '-')
			continue;
		for (unsigned int i = 0; i < COUNTS_KVM; i++)
			if (iov_sys_read(iov, iov_path(IOV_PATH_DEBUG_KVM "/%s/%s", entry->d_name,
						       names[i].kvm).name, text, sizeof(text)) >= 0)
				add(counts, names[i].kvm, strtoull(text, NULL, 10));
	}
	if (all)
		closedir(all);
}

/* Behind the name, which may have spaces and brackets: the 12th and 13th number are ticks. */
static uint64_t cpu_us(struct iov *iov, pid_t pid)
{
	unsigned long long user, system;
	char text[1024];
	const char *behind;

	if (iov_sys_read(iov, iov_path(IOV_PATH_PROC "/%d/stat", (int)pid).name, text, sizeof(text)) < 0)
		return 0;
	behind = strrchr(text, ')');
	if (!behind || sscanf(behind + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu",
			      &user, &system) != 2)
		return 0;
	return (user + system) * 1000000 / (uint64_t)sysconf(_SC_CLK_TCK);
}

void counts_read(struct counts *counts, struct iov *iov, const struct counted *counted)
{
	const pid_t pid = counted->machine->child.pid;

	*counts = (struct counts){.cpu_us = cpu_us(iov, pid)};
	for (size_t i = 0; i < counted->count; i++)
		counts->cpu_us += cpu_us(iov, counted->pids[i]);
	if (counted->machine->is_guest && !ask_qemu(counts, counted->machine))
		read_debugfs(counts, iov, pid);
}

static void count_threads(struct instructions *instructions, pid_t pid)
{
	struct perf_event_attr attributes = {
		.type = PERF_TYPE_HARDWARE,
		.size = sizeof(attributes),
		.config = PERF_COUNT_HW_INSTRUCTIONS,
	};
	DIR *threads = opendir(iov_path("/" IOV_PATH_PROC "/%d/task", (int)pid).name);
	struct dirent *entry;

	while (threads && instructions->count < COUNTS_THREADS && (entry = readdir(threads))) {
		int fd = entry->d_name[0] == '.'
				 ? -1
				 : (int)syscall(SYS_perf_event_open, &attributes,
						atoi(entry->d_name), -1, -1, PERF_FLAG_FD_CLOEXEC);

		if (fd >= 0)
			instructions->fds[instructions->count++] = fd;
	}
	if (threads)
		closedir(threads);
}

void instructions_begin(struct instructions *instructions, const struct counted *counted)
{
	instructions->count = 0;
	count_threads(instructions, counted->machine->child.pid);
	for (size_t i = 0; i < counted->count; i++)
		count_threads(instructions, counted->pids[i]);
}

uint64_t instructions_end(struct instructions *instructions)
{
	uint64_t sum = 0, value;

	while (instructions->count) {
		int fd = instructions->fds[--instructions->count];

		if (read(fd, &value, sizeof(value)) == sizeof(value))
			sum += value;
		close(fd);
	}
	return sum;
}
