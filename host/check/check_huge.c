// SPDX-License-Identifier: GPL-2.0-or-later
/* Huge pages by NUMA node and size: "huge-pages", one line a node. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/sysroot/paths.h"
#include "base/sysroot/sysroot.h"
#include "host/check/check_internal.h"

static int64_t page_number(struct iov *iov, const char *directory, const char *size,
			   const char *what)
{
	int64_t number;

	if (iov_sys_read_number(iov, iov_path("%s/%s/%s", directory, size, what).name, &number))
		return 0;
	return number;
}

/* "2 MiB: 510 of 512 free, 1 GiB: none"; the pages there are in @total. */
static void describe_pages(struct checks *checks, const char *directory, char *text, size_t size,
			   int64_t *total)
{
	size_t count, length = 0;
	char **names;

	text[0] = '\0';
	*total = 0;
	if (iov_sys_list(checks->iov, directory, &names, &count))
		return;
	for (size_t i = 0; i < count && length < size; i++) {
		int64_t pages = page_number(checks->iov, directory, names[i], "nr_hugepages");
		int64_t free_pages = page_number(checks->iov, directory, names[i],
						 "free_hugepages");
		unsigned long long kib = 0;

		sscanf(names[i], "hugepages-%llukB", &kib);
		*total += pages;
		length += (size_t)snprintf(text + length, size - length,
					   "%s%s: %lld of %lld free", length ? ", " : "",
					   check_size(kib << 10).text, (long long)free_pages,
					   (long long)pages);
		check_evidence(checks, iov_path("%s/%s", directory, names[i]).name,
			       "free %lld, total %lld", (long long)free_pages, (long long)pages);
	}
	iov_names_free(names, count);
}

/* Without reserved pages the kernel may still back guests with transparent ones. */
static void check_pages(struct checks *checks, const char *node, const char *directory)
{
	char text[256], transparent[64] = "[never]";
	int64_t total;
	bool never;

	iov_sys_read(checks->iov, IOV_PATH_TRANSPARENT, transparent, sizeof(transparent));
	never = strstr(transparent, "[never]") != NULL;
	check_line(checks, "huge-pages", CHECK_OK, "-");
	if (node)
		check_about(checks, node);
	describe_pages(checks, directory, text, sizeof(text), &total);
	check_evidence(checks, IOV_PATH_TRANSPARENT, "%s", transparent);
	if (!*text) {
		json_object_object_add(checks->line, "status", json_object_new_string("skip"));
		snprintf(text, sizeof(text), "this kernel reserves none");
	} else if (!total && never) {
		json_object_object_add(checks->line, "status", json_object_new_string("warn"));
		check_remedy(checks, "'echo 512 > /%s/hugepages-2048kB/nr_hugepages', or "
			     "'huge_pages' in /etc/iovkit/host.yaml; 1 GiB pages at boot by "
			     "hugepagesz=1G hugepages=N; or 'echo madvise > /%s'", directory,
			     IOV_PATH_TRANSPARENT);
	}
	json_object_object_add(checks->line, "found", json_object_new_string(text));
}

/* A node may have processors alone. */
static bool has_memory(struct checks *checks, const char *node)
{
	_cleanup_free_ char *text = NULL;
	unsigned long long total = 0;
	const char *at;

	if (iov_sys_read_all(checks->iov, iov_path(IOV_PATH_NODES "/%s/meminfo", node).name, &text,
			     NULL))
		return true;
	at = strstr(text, "MemTotal:");
	return !at || sscanf(at, "MemTotal: %llu", &total) != 1 || total;
}

void check_huge_pages(struct checks *checks)
{
	bool nodes = false;
	size_t count = 0;
	char **names;

	if (!iov_sys_list(checks->iov, IOV_PATH_NODES, &names, &count)) {
		for (size_t i = 0; i < count; i++) {
			unsigned int number;

			if (sscanf(names[i], "node%u", &number) != 1)
				continue;
			nodes = true;
			if (!has_memory(checks, names[i]))
				continue;
			check_pages(checks, names[i],
				    iov_path(IOV_PATH_NODES "/%s/hugepages", names[i]).name);
		}
		iov_names_free(names, count);
	}
	if (!nodes)
		check_pages(checks, NULL, IOV_PATH_HUGE_PAGES);
}
