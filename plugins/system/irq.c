// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The CPUs that serve the interrupts of a function.
 *
 * Vectors have an order (msi_irqs), interrupt numbers do not outlive a driver that asks
 * for them anew, as some do when their number of VFs changes.  So CPUs are given by the
 * order of vectors.  A vector that is not requested, as with an interface that is down,
 * has no affinity to set yet and is passed over.
 */
#include "plugins/system/irq.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cpu_list.h"
#include "base/sysroot/paths.h"
#include "plugins/system/system.h"

/* A list that names every other one of 4096 CPUs by its number. */
#define LIST_SIZE 10240

typedef int vector_fn(struct iov *iov, const char *path, const char *now, size_t index, void *arg);

/* The interrupt line of a function whose driver has no MSI; others may share it. */
static int visit_line(struct iov *iov, struct iov_bdf bdf, vector_fn *visit, void *arg)
{
	char now[LIST_SIZE], actions[64];
	struct iov_path path;
	int64_t irq;

	if (iov_pci_number(iov, bdf, "irq", &irq) || irq <= 0)
		return 0;
	/* Each function has a line; what nobody requested has no action. */
	path = iov_path(IOV_PATH_IRQS "/%lld/actions", (long long)irq);
	if (!iov_sys_read(iov, path.name, actions, sizeof(actions)) && !*actions)
		return 0;
	path = iov_path(IOV_PATH_IRQ "/%lld/smp_affinity_list", (long long)irq);
	return iov_sys_read(iov, path.name, now, sizeof(now)) ? 0 :
	       visit(iov, path.name, now, 0, arg);
}

/* Call @visit for each requested interrupt in order of vectors. */
static int each_vector(struct iov *iov, struct iov_bdf bdf, vector_fn *visit, void *arg)
{
	char **names, now[LIST_SIZE];
	size_t count, index = 0;
	int error = iov_sys_list(iov, iov_pci_path(bdf, "msi_irqs").name, &names, &count);

	if (error)
		return error == -ENOENT ? visit_line(iov, bdf, visit, arg) : error;
	for (size_t i = 0; !error && i < count; i++) {
		struct iov_path path = iov_path(IOV_PATH_IRQ "/%s/smp_affinity_list", names[i]);

		if (!iov_sys_read(iov, path.name, now, sizeof(now)))
			error = visit(iov, path.name, now, index++, arg);
	}
	iov_names_free(names, count);
	return error;
}

static int add_list(struct iov *iov, const char *path, const char *now, size_t index, void *arg)
{
	(void)iov;
	(void)path;
	(void)index;
	json_object_array_add(arg, json_object_new_string(now));
	return 0;
}

struct json_object *iov_irq_read(struct iov *iov, struct iov_bdf bdf)
{
	struct json_object *lists = json_object_new_array();

	each_vector(iov, bdf, add_list, lists);
	return lists;
}

static const char *list_of(struct json_object *cpus, size_t index)
{
	size_t count = json_object_array_length(cpus);

	return count ? json_object_get_string(json_object_array_get_idx(cpus, index % count)) : "";
}

bool iov_irq_match(struct json_object *now, struct json_object *cpus)
{
	for (size_t i = 0; i < json_object_array_length(now); i++) {
		if (!iov_cpu_list_equal(list_of(now, i), list_of(cpus, i)))
			return false;
	}
	return true;
}

static int set_list(struct iov *iov, const char *path, const char *now, size_t index, void *cpus)
{
	const char *list = list_of(cpus, index);
	int error;

	if (!*list || iov_cpu_list_equal(now, list))
		return 0;
	error = iov_sys_write(iov, path, list);
	return error ? iov_told(iov, error, "write '%s' to /%s: %s", list, path, strerror(-error)) :
		       0;
}

static int run_irq(struct iov *iov, const struct iov_op *op)
{
	return each_vector(iov, op->irq.device, set_list, op->irq.cpus);
}

const struct iov_op_runner irq_runner = { IOV_OP_IRQ, run_irq };

/* CPUs that are kept free of the kernel's own work get interrupts only by their numbers. */
static void leave_reserved(struct iov *iov, char *list)
{
	static const char *const reserved[] = { "isolated", "nohz_full" };
	char cpus[LIST_SIZE], rest[LIST_SIZE];

	for (size_t i = 0; i < sizeof(reserved) / sizeof(*reserved); i++) {
		if (iov_sys_read(iov, iov_path(IOV_PATH_CPUS "/%s", reserved[i]).name, cpus,
				 sizeof(cpus)) || !iov_cpu_list_valid(cpus))
			continue;
		iov_cpu_list_without(list, cpus, rest, sizeof(rest));
		strcpy(list, rest);
	}
}

/* The CPUs near a function; of the whole host where that is not told, or where none is left. */
static int local_cpus(struct iov *iov, struct iov_bdf bdf, char *list)
{
	int error;

	if (!iov_sys_read(iov, iov_pci_path(bdf, "local_cpulist").name, list, LIST_SIZE) && *list)
		leave_reserved(iov, list);
	else
		*list = '\0';
	if (*list)
		return 0;
	error = iov_sys_read(iov, IOV_PATH_CPUS "/online", list, LIST_SIZE);
	if (!error)
		leave_reserved(iov, list);
	return error ? error : *list ? 0 : -ENOENT;
}

static int check_list(struct iov *iov, const char *list)
{
	char present[LIST_SIZE];

	if (!iov_cpu_list_valid(list))
		return iov_fail(iov, -EINVAL, "'%s': expected local, spread, or a list of CPUs such "
				"as 0-3,8", list);
	if (strlen(list) >= LIST_SIZE)
		return iov_fail(iov, -EINVAL, "a list of CPUs of %zu characters: expected less than %d; "
				"write ranges such as 0-3", strlen(list), LIST_SIZE);
	if (!iov_sys_read(iov, IOV_PATH_CPUS "/online", present, sizeof(present)) &&
	    !iov_cpu_list_within(list, present))
		return iov_fail(iov, -EINVAL, "'%s': this host has the CPUs %s online; name some of "
				"these", list, present);
	return 0;
}

int iov_irq_cpus(struct iov *iov, struct iov_bdf bdf, const char *policy,
		 struct json_object **cpus)
{
	bool spread = !strcmp(policy, "spread");
	char list[LIST_SIZE];
	int error;

	if (spread || !strcmp(policy, "local")) {
		error = local_cpus(iov, bdf, list);
		if (error == -ENOENT && !iov_sys_is_host(iov))
			return iov_fail(iov, -EOPNOTSUPP, "the recorded host does not tell which CPUs "
					"are near %s; name CPUs, as in --policy 0-3", IOV_BDF(bdf));
		if (error)
			return iov_told(iov, error, "cannot read which CPUs are near %s: %s",
					IOV_BDF(bdf), strerror(-error));
	} else {
		error = check_list(iov, policy);
		snprintf(list, sizeof(list), "%s", policy);
	}
	if (error)
		return error;
	*cpus = json_object_new_array();
	if (!spread)
		json_object_array_add(*cpus, json_object_new_string(list));
	for (int cpu = -1; spread && (cpu = iov_cpu_list_next(list, cpu)) >= 0;)
		json_object_array_add(*cpus, json_object_new_string(iov_path("%d", cpu).name));
	return 0;
}

/* "0", or "0; 1; 0; 1" when they differ. */
static void list_words(struct json_object *cpus, char *text, size_t size)
{
	size_t count = json_object_array_length(cpus), length = 0;
	bool same = true;

	*text = '\0';
	for (size_t i = 1; i < count; i++)
		same &= json_object_equal(json_object_array_get_idx(cpus, i),
					  json_object_array_get_idx(cpus, 0));
	for (size_t i = 0; i < (same && count ? 1 : count) && length < size; i++)
		length += (size_t)snprintf(text + length, size - length, "%s%s", i ? "; " : "",
			json_object_get_string(json_object_array_get_idx(cpus, i)));
}

void iov_irq_step(struct iov_plan *plan, struct iov_bdf bdf, struct json_object *now,
		  struct json_object *cpus)
{
	char from[128], to[128];
	struct iov_step *step;

	list_words(now, from, sizeof(from));
	list_words(cpus, to, sizeof(to));
	step = iov_plan_step(plan, IOV_BDF(bdf), "serve the interrupts of %s on CPUs %s",
			     IOV_BDF(bdf), to);
	iov_step_spares(step, "interrupts go on, on other CPUs");
	iov_step_do(step, iov_op_irq(bdf, cpus));
	if (json_object_array_length(now))
		iov_step_undo(step, iov_op_irq(bdf, now));
	iov_step_change(step, "irq", *from ? from : NULL, to);
}
