// SPDX-License-Identifier: GPL-2.0-or-later
#include "bench/environment.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/field.h"
#include "base/json.h"
#include "base/sysroot/paths.h"
#include "base/sysroot/sysroot.h"

#define TEXT_SIZE 256

/* Of the kernel's command line: what takes CPUs from it, or costs time. */
static const char *const parameters[] = {
	"default_hugepagesz", "hugepages", "hugepagesz", "idle", "intel_idle.max_cstate",
	"intel_iommu", "intel_pstate", "amd_iommu", "amd_pstate", "iommu", "iommu.passthrough",
	"iommu.strict", "irqaffinity", "isolcpus", "mitigations", "nohz", "nohz_full", "nosmt",
	"nosoftlockup", "preempt", "processor.max_cstate", "rcu_nocbs", "skew_tick", "tsc",
};

static void add(struct json_object *object, const char *key, const char *text)
{
	if (*text)
		json_add_text(object, key, text);
}

static void add_file(struct json_object *object, struct iov *iov, const char *key, const char *path)
{
	char text[TEXT_SIZE] = "";

	if (!iov_sys_read(iov, path, text, sizeof(text)))
		add(object, key, text);
}

/* "key : value" of a line, "" without such a line */
static void find_line(const char *text, const char *key, char value[TEXT_SIZE])
{
	const char *found = field_find(text, key);

	*value = '\0';
	if (!found)
		return;
	found += strspn(found, "\t :");
	snprintf(value, TEXT_SIZE, "%.*s", (int)strcspn(found, "\n"), found);
}

static void add_processor(struct json_object *object, struct iov *iov)
{
	static const struct {
		const char *key, *line;
	} facts[] = {
		{ "cpu", "model name" }, { "microcode", "microcode" }, { "cpu_part", "CPU part" },
	};
	_cleanup_free_ char *text = NULL;
	char value[TEXT_SIZE];

	if (iov_sys_read_all(iov, IOV_PATH_CPUINFO, &text, NULL))
		return;
	for (size_t i = 0; i < sizeof(facts) / sizeof(*facts); i++) {
		find_line(text, facts[i].line, value);
		add(object, facts[i].key, value);
	}
	json_add_text(object, "virtual_machine", strstr(text, " hypervisor") ? "yes" : "no");
}

static void add_huge_pages(struct json_object *object, struct iov *iov)
{
	_cleanup_free_ char *text = NULL;
	char total[TEXT_SIZE], size[TEXT_SIZE], value[2 * TEXT_SIZE + 8];

	if (iov_sys_read_all(iov, IOV_PATH_MEMINFO, &text, NULL))
		return;
	find_line(text, "HugePages_Total", total);
	find_line(text, "Hugepagesize", size);
	snprintf(value, sizeof(value), "%s of %s", total, size);
	if (*total)
		add(object, "huge_pages", value);
}

static bool is_of_interest(const char *word)
{
	const size_t length = strcspn(word, "=");

	for (size_t i = 0; i < sizeof(parameters) / sizeof(*parameters); i++)
		if (strlen(parameters[i]) == length && !strncmp(parameters[i], word, length))
			return true;
	return false;
}

static void add_parameters(struct json_object *object, struct iov *iov)
{
	_cleanup_free_ char *text = NULL;
	char *rest, chosen[4 * TEXT_SIZE] = "";
	size_t length = 0;

	if (iov_sys_read_all(iov, IOV_PATH_CMDLINE, &text, NULL))
		return;
	rest = text;
	for (char *word; (word = strsep(&rest, " \n"));)
		if (is_of_interest(word) && length < sizeof(chosen))
			length += (size_t)snprintf(chosen + length, sizeof(chosen) - length,
						   "%s%s", length ? " " : "", word);
	add(object, "kernel_parameters", chosen);
}

struct json_object *bench_environment(struct iov *iov, int cpu)
{
	struct json_object *object = json_object_new_object();
	const int of = cpu < 0 ? 0 : cpu;

	add_file(object, iov, "kernel", IOV_PATH_RELEASE);
	add_processor(object, iov);
	add_file(object, iov, "cpus", IOV_PATH_CPUS "/online");
	add_file(object, iov, "nodes", IOV_PATH_NODES "/online");
	add_file(object, iov, "isolated", IOV_PATH_CPUS "/isolated");
	add_file(object, iov, "nohz_full", IOV_PATH_CPUS "/nohz_full");
	add_file(object, iov, "smt", IOV_PATH_CPUS "/smt/control");
	add_file(object, iov, "governor",
		 iov_path(IOV_PATH_CPUS "/cpu%d/cpufreq/scaling_governor", of).name);
	add_file(object, iov, "frequency_driver",
		 iov_path(IOV_PATH_CPUS "/cpu%d/cpufreq/scaling_driver", of).name);
	add_file(object, iov, "turbo_off", IOV_PATH_CPUS "/intel_pstate/no_turbo");
	add_huge_pages(object, iov);
	add_file(object, iov, "transparent_huge_pages", IOV_PATH_TRANSPARENT);
	add_parameters(object, iov);
	add_file(object, iov, "load_average", IOV_PATH_PROC "/loadavg");
	return object;
}
