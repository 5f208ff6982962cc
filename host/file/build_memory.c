// SPDX-License-Identifier: GPL-2.0-or-later
/* Huge pages, of the whole host or of a NUMA node. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/size.h"
#include "base/sysroot/paths.h"
#include "host/file/build.h"
#include "plugins/system/huge_pages.h"

static struct iov_path directory_of(const struct iov_host_huge_pages *pages)
{
	uint64_t bytes = 0;
	unsigned long long size;

	size_parse(pages->size, &bytes);
	size = bytes >> 10;
	if (!pages->node)
		return iov_path(IOV_PATH_HUGE_PAGES "/hugepages-%llukB", size);
	return iov_path(IOV_PATH_NODES "/node%u/hugepages/hugepages-%llukB", *pages->node, size);
}

/* Append the names in a directory that begin with @prefix: "2048kB, 1048576kB". */
static void list_names(struct iov *iov, const char *path, const char *prefix, char *text,
		       size_t size)
{
	char **names;
	size_t count, length = 0;

	*text = '\0';
	if (iov_sys_list(iov, path, &names, &count))
		return;
	for (size_t i = 0; i < count && length < size; i++) {
		if (!strncmp(names[i], prefix, strlen(prefix)))
			length += (size_t)snprintf(text + length, size - length, "%s%s",
						   length ? ", " : "", names[i] + strlen(prefix));
	}
	iov_names_free(names, count);
}

static int fail_absent(const struct host_build *build, unsigned int index)
{
	const struct iov_host_huge_pages *pages = &build->host->huge_pages[index];
	char there[256];

	if (pages->node && !iov_sys_exists(build->iov, host_place(IOV_PATH_NODES "/node%u",
								  *pages->node))) {
		list_names(build->iov, IOV_PATH_NODES, "node", there, sizeof(there));
		return iov_host_fail(build->file, -EINVAL, host_place("huge_pages[%u].node", index),
				     "%u: no such NUMA node; %s%s", *pages->node,
				     *there ? "expected one of: " : "this host has none, so leave "
				     "'node' out", there);
	}
	list_names(build->iov, IOV_PATH_HUGE_PAGES, "hugepages-", there, sizeof(there));
	if (!*there)
		return iov_host_fail(build->file, -EINVAL, host_place("huge_pages[%u].size", index),
				     "%s: this host's kernel has no huge pages of any size",
				     pages->size);
	return iov_host_fail(build->file, -EINVAL, host_place("huge_pages[%u].size", index),
			     "%s: this host has no pages of that size; expected one of: %s",
			     pages->size, there);
}

/* Pages of the whole host come from the memory of every node. */
static void touch_nodes(struct iov *iov, struct iov_step *step)
{
	char **names;
	size_t count;

	if (iov_sys_list(iov, IOV_PATH_NODES, &names, &count))
		return;
	for (size_t i = 0; i < count; i++) {
		if (!strncmp(names[i], "node", 4))
			iov_step_touches(step, iov_path("memory node %s", names[i] + 4).name);
	}
	iov_names_free(names, count);
}

static void add_step(struct host_build *build, const struct iov_host_huge_pages *pages,
		     const char *directory, unsigned int now)
{
	struct iov_path where = pages->node ? iov_path("memory node %u", *pages->node) :
					      iov_path("memory");
	struct iov_path node = pages->node ? iov_path("%u:", *pages->node) : iov_path("%s", "");
	struct iov_path advice = iov_path(
		"ask for fewer, free memory first, or have them from the boot on by the kernel's "
		"parameters hugepagesz=%s hugepages=%s%u", pages->size, node.name, pages->count);
	struct iov_step *step = iov_plan_step(build->plan, where.name,
					      "have %u huge pages of %s in %s (now %u)",
					      pages->count, pages->size, where.name, now);

	if (!pages->node)
		touch_nodes(build->iov, step);
	iov_step_do(step, iov_op_huge_pages(directory, pages->count, advice.name));
	iov_step_undo(step, iov_op_huge_pages(directory, now, advice.name));
	iov_step_change(step, host_place("huge pages of %s", pages->size),
			host_place("%u", now), host_place("%u", pages->count));
}

static int build_entry(struct host_build *build, unsigned int index)
{
	const struct iov_host_huge_pages *pages = &build->host->huge_pages[index];
	struct iov_path directory = directory_of(pages);
	unsigned int now;
	int error = iov_huge_pages_read(build->iov, directory.name, &now);

	if (error == -ENOENT)
		return fail_absent(build, index);
	if (error) {
		iov_told(build->iov, error, "/%s: %s", directory.name, strerror(-error));
		return host_fail_at(build, error, host_place("huge_pages[%u]", index));
	}
	if (now != pages->count)
		add_step(build, pages, directory.name, now);
	return 0;
}

int host_build_memory(struct host_build *build)
{
	int error = 0;

	for (unsigned int i = 0; !error && i < build->host->huge_page_count; i++)
		error = build_entry(build, i);
	return error;
}
