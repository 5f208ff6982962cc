// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Memory for guests that VFIO locks: "locked-memory", "guest-memory".
 *
 * VFIO pins all memory of a guest and accounts it to the process (type1) or its user
 * (iommufd) against RLIMIT_MEMLOCK, once for each address space of the IOMMU: one for
 * the guest, or one per device behind a virtual IOMMU. A VMM maps a little more
 * than the guest's memory: firmware, option ROMs, video memory.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/field.h"
#include "base/sysroot/paths.h"
#include "base/sysroot/sysroot.h"
#include "host/check/check_internal.h"

#define GIB (1ull << 30)
#define BESIDE_MEMORY GIB
#define CAPABILITY_IPC_LOCK (1ull << 14)

static uint64_t needed(const struct iov_check_guest *guest)
{
	return guest->memory * guest->mappings + BESIDE_MEMORY;
}

/* The largest guest's need, and all guests' together. */
static void read_need(const struct checks *checks, uint64_t *largest, uint64_t *together)
{
	*largest = *together = 0;
	for (size_t i = 0; i < checks->options->guest_count; i++) {
		uint64_t need = needed(&checks->options->guests[i]);

		*largest = need > *largest ? need : *largest;
		*together += need;
	}
}

/* A line of a file "Name   value": the value, false without that line. */
static bool line_value(const char *text, const char *name, char *value, size_t size)
{
	const char *found = field_find(text, name);

	if (!found)
		return false;
	found += strspn(found, " \t:");
	snprintf(value, size, "%.*s", (int)strcspn(found, " \t\n"), found);
	return true;
}

static bool may_lock_all(struct checks *checks)
{
	_cleanup_free_ char *text = NULL;
	char value[64];

	if (iov_sys_read_all(checks->iov, IOV_PATH_STATUS, &text, NULL) ||
	    !line_value(text, "CapEff", value, sizeof(value)))
		return false;
	return strtoull(value, NULL, 16) & CAPABILITY_IPC_LOCK;
}

static bool read_limit(struct checks *checks, char *value, size_t size)
{
	_cleanup_free_ char *text = NULL;

	return !iov_sys_read_all(checks->iov, IOV_PATH_LIMITS, &text, NULL) &&
	       line_value(text, "Max locked memory", value, size);
}

static void remedy_limit(struct checks *checks, uint64_t need)
{
	unsigned long long gib = (need + GIB - 1) / GIB;

	check_remedy(checks, "a service: LimitMEMLOCK=%lluG in its unit; a user: 'USER hard memlock "
		     "%llu' and the same with soft in /etc/security/limits.conf, then log in again; "
		     "libvirt sets it by itself", gib, gib << 20);
}

/* Privilege lifts the limit, but often the VMM is run by somebody else. */
static void judge_privileged(struct checks *checks, uint64_t bytes, uint64_t largest)
{
	if (bytes >= largest) {
		check_line(checks, "locked-memory", CHECK_OK, "unlimited for this user, who has "
			   "CAP_IPC_LOCK");
		return;
	}
	check_line(checks, "locked-memory", CHECK_WARN, "unlimited for this user, who has "
		   "CAP_IPC_LOCK; %s for a VMM that drops it, and the largest guest needs %s",
		   check_size(bytes).text, check_size(largest).text);
	remedy_limit(checks, largest);
}

static void judge_limit(struct checks *checks, uint64_t bytes, uint64_t largest, uint64_t together)
{
	if (!largest && bytes < GIB + BESIDE_MEMORY) {
		check_line(checks, "locked-memory", CHECK_WARN,
			   "%s: less than any guest with a device needs", check_size(bytes).text);
		check_remedy(checks, "'iov check --guest-memory SIZE' tells how much a guest needs "
			     "and where to set it");
	} else if (bytes < largest) {
		check_line(checks, "locked-memory", CHECK_FAIL,
			   "%s, but the largest guest needs %s", check_size(bytes).text,
			   check_size(largest).text);
		remedy_limit(checks, largest);
	} else if (bytes < together) {
		check_line(checks, "locked-memory", CHECK_WARN, "%s: enough for each guest, but "
			   "through iommufd all guests of a user count together: %s",
			   check_size(bytes).text, check_size(together).text);
		remedy_limit(checks, together);
	} else {
		check_line(checks, "locked-memory", CHECK_OK, "%s%s%s", check_size(bytes).text,
			   largest ? " of which the guests need " : "",
			   largest ? check_size(together).text : "");
	}
}

/* Where other users' limits come from: lines of a file that set one. */
static void add_settings(struct checks *checks, const char *path, const char *word)
{
	_cleanup_free_ char *text = NULL;
	char *rest, *line;

	if (iov_sys_read_all(checks->iov, path, &text, NULL))
		return;
	rest = text;
	while ((line = strsep(&rest, "\n"))) {
		line += strspn(line, " \t");
		if (*line != '#' && strstr(line, word))
			check_evidence(checks, path, "%s", line);
	}
}

static void add_all_settings(struct checks *checks)
{
	size_t count;
	char **names;

	add_settings(checks, IOV_PATH_SYSTEMD_CONF, "DefaultLimitMEMLOCK=");
	add_settings(checks, IOV_PATH_LIMITS_CONF, "memlock");
	if (iov_sys_list(checks->iov, IOV_PATH_LIMITS_DIR, &names, &count))
		return;
	for (size_t i = 0; i < count; i++)
		add_settings(checks, iov_path(IOV_PATH_LIMITS_DIR "/%s", names[i]).name, "memlock");
	iov_names_free(names, count);
}

static void check_limit(struct checks *checks)
{
	bool privileged = may_lock_all(checks);
	uint64_t largest, together, bytes;
	char limit[64];

	if (!read_limit(checks, limit, sizeof(limit))) {
		check_line(checks, "locked-memory", CHECK_SKIP, "the limit cannot be read");
		return;
	}
	read_need(checks, &largest, &together);
	bytes = strtoull(limit, NULL, 10);
	if (!strcmp(limit, "unlimited"))
		check_line(checks, "locked-memory", CHECK_OK, "unlimited");
	else if (privileged)
		judge_privileged(checks, bytes, largest);
	else
		judge_limit(checks, bytes, largest, together);
	check_evidence(checks, IOV_PATH_LIMITS, "Max locked memory %s", limit);
	if (privileged)
		check_evidence(checks, IOV_PATH_STATUS, "CapEff has CAP_IPC_LOCK");
	add_all_settings(checks);
}

/* Bytes of free huge pages of all sizes. */
static uint64_t free_huge_pages(struct checks *checks)
{
	uint64_t bytes = 0;
	size_t count;
	char **names;

	if (iov_sys_list(checks->iov, IOV_PATH_HUGE_PAGES, &names, &count))
		return 0;
	for (size_t i = 0; i < count; i++) {
		unsigned long long kib = 0;
		int64_t pages;

		sscanf(names[i], "hugepages-%llukB", &kib);
		if (!iov_sys_read_number(checks->iov, iov_path(IOV_PATH_HUGE_PAGES
							       "/%s/free_hugepages", names[i]).name,
					 &pages))
			bytes += (uint64_t)pages * (kib << 10);
	}
	iov_names_free(names, count);
	return bytes;
}

/* Locked memory is not swapped, so all guests' memory has to be there. */
static void check_available(struct checks *checks)
{
	_cleanup_free_ char *text = NULL;
	uint64_t available, huge, memory = 0;
	char value[64];

	for (size_t i = 0; i < checks->options->guest_count; i++)
		memory += checks->options->guests[i].memory;
	if (iov_sys_read_all(checks->iov, IOV_PATH_MEMINFO, &text, NULL) ||
	    !line_value(text, "MemAvailable", value, sizeof(value))) {
		check_line(checks, "guest-memory", CHECK_SKIP, "free memory cannot be read");
		return;
	}
	available = strtoull(value, NULL, 10) << 10;
	huge = free_huge_pages(checks);
	check_line(checks, "guest-memory", available + huge < memory ? CHECK_FAIL : CHECK_OK,
		   "%s free and %s in free huge pages%s%s", check_size(available).text,
		   check_size(huge).text, memory ? "; the guests planned lock " : "",
		   memory ? check_size(memory).text : "");
	if (available + huge < memory)
		check_remedy(checks, "plan smaller or fewer guests: VFIO locks all of their "
			     "memory, and none of it can be swapped out");
	check_evidence(checks, IOV_PATH_MEMINFO, "MemAvailable %s kB", value);
	check_evidence(checks, IOV_PATH_HUGE_PAGES "/*/free_hugepages", "%s",
		       check_size(huge).text);
}

void check_memory(struct checks *checks)
{
	check_limit(checks);
	check_available(checks);
}
