// SPDX-License-Identifier: GPL-2.0-or-later
/* The table of scans, and the guards by name. */
#include "base/guard/guard.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/context.h"
#include "base/guard/ask.h"
#include "base/guard/scans.h"
#include "base/sysroot/paths.h"
#include "base/sysroot/sysdir.h"

/* In the order in which holders are named. */
static const struct guard_kind *const kinds[] = {
	&scan_route, &scan_session, &scan_address, &scan_upper, &scan_packet, &scan_program,
	&scan_mount, &scan_volume, &scan_zfs, &scan_export, &scan_claim, &scan_netns, &scan_open,
	&scan_memory, &scan_console, &scan_display,
};

#define KINDS (sizeof(kinds) / sizeof(*kinds))

static const struct guard *guard_at(size_t index)
{
	for (size_t i = 0; i < KINDS; i++) {
		for (size_t n = 0; kinds[i]->guards[n]; n++) {
			if (!index--)
				return kinds[i]->guards[n];
		}
	}
	return NULL;
}

const char *iov_guard_name(size_t index)
{
	const struct guard *guard = guard_at(index);

	return guard ? guard->name : NULL;
}

const char *iov_guard_meaning(const char *name)
{
	const struct guard *guard;

	for (size_t i = 0; (guard = guard_at(i)); i++) {
		if (!strcmp(guard->name, name))
			return guard->meaning;
	}
	return NULL;
}

bool iov_guard_is_network(const char *name)
{
	for (size_t i = 0; i < KINDS; i++) {
		for (size_t n = 0; kinds[i]->network && kinds[i]->guards[n]; n++) {
			if (!strcmp(kinds[i]->guards[n]->name, name))
				return true;
		}
	}
	return false;
}

int iov_guard_set_session(struct iov *iov, const char *ssh_connection)
{
	iov->session_client[0] = '\0';
	iov->session_local[0] = '\0';
	if (ssh_connection && sscanf(ssh_connection, "%63s %*s %63s", iov->session_client,
				     iov->session_local) != 2)
		return iov_fail(iov, -EINVAL,
				"SSH_CONNECTION is '%s'; expected 'client port server port'",
				ssh_connection);
	return 0;
}

int guard_scan_open(struct guard_scan *scan, struct iov *iov)
{
	return guard_scan_run(scan, iov, kinds, KINDS);
}

int guard_scan_match(struct guard_scan *scan, struct iov_bdf bdf, struct json_object *findings)
{
	_cleanup_fd_ int dir = iov_dir_open(scan->iov, iov_pci_path(bdf, "").name);
	struct iov_bdf_text device = iov_bdf_format(bdf);

	for (size_t i = 0; i < KINDS; i++) {
		if (kinds[i]->match)
			kinds[i]->match(scan, dir, device.text);
	}
	guard_scan_find(scan, device.text, findings);
	return scan->error;
}

int iov_guard_function(struct iov *iov, struct iov_bdf bdf, struct json_object *findings)
{
	struct guard_scan scan;
	int error = guard_scan_open(&scan, iov);

	if (error)
		return error;
	error = guard_scan_match(&scan, bdf, findings);
	guard_scan_close(&scan);
	return error;
}
