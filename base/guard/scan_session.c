// SPDX-License-Identifier: GPL-2.0-or-later
/* The guard "session": the connection by which somebody works on this host. */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/context.h"
#include "base/guard/network.h"
#include "base/guard/scans.h"
#include "base/guard/walk_interface.h"
#include "base/sysroot/paths.h"

static const struct guard session = {
	"session", "the connection that runs the command arrives through it",
};

/* 127.0.0.0/8 and ::1 */
static bool is_loopback(const unsigned char *address)
{
	static const unsigned char ipv4[13] = { [10] = 0xff, 0xff, 127 };
	static const unsigned char ipv6[16] = { [15] = 1 };

	return !memcmp(address, ipv4, sizeof(ipv4)) || !memcmp(address, ipv6, sizeof(ipv6));
}

/*
 * A session that this context was not told of: sudo(8) clears the variable,
 * but the shell above it still has it.
 */
static void find_session(struct guard_scan *scan)
{
	struct iov *iov = scan->iov;
	char pid[32] = "self", status[1024];

	while (!iov->session_local[0] && strcmp(pid, "0")) {
		struct iov_path process = iov_path(IOV_PATH_PROC "/%s", pid);
		_cleanup_free_ char *environment = NULL;
		const char *parent;
		size_t length = 0;
		int error = iov_sys_read(iov, iov_path("%s/status", process.name).name, status,
					 sizeof(status));

		guard_unseen(scan, error, iov_path("/%s/status", process.name).name);
		if (error)
			return;
		error = iov_sys_read_all(iov, iov_path("%s/environ", process.name).name,
					 &environment, &length);
		guard_unseen(scan, error, iov_path("/%s/environ", process.name).name);
		for (size_t at = 0; !error && at < length; at += strlen(environment + at) + 1)
			sscanf(environment + at, "SSH_CONNECTION=%63s %*s %63s",
			       iov->session_client, iov->session_local);
		parent = strstr(status, "\nPPid:");
		if (!parent || sscanf(parent, "\nPPid: %31s", pid) != 1)
			return;
	}
}

/*
 * A session arrives through the interface that has its local address, and its
 * answers leave by the route to the client: usually one and the same.
 */
static void hold_session(struct guard_scan *scan)
{
	const struct guard_routes *routes = &guard_network(scan)->routes;
	const char *client_text = scan->iov->session_client, *local_text = scan->iov->session_local;
	unsigned char client[16], local[16];
	const char *in, *out;
	char holder[192];

	if (!local_text[0] || !guard_parse_address(local_text, local, &in) ||
	    !guard_parse_address(client_text, client, &out) || is_loopback(client))
		return;
	snprintf(holder, sizeof(holder), "the session from %s to %s", client_text, local_text);
	if (!in)
		in = guard_interface_of(&guard_network(scan)->addresses, local);
	if (!in)
		in = guard_route_to(routes, local);
	if (!out)
		out = guard_route_to(routes, client);
	if (in)
		guard_hold_interface(scan, &session, holder, in);
	if (out && (!in || strcmp(in, out)))
		guard_hold_interface(scan, &session, holder, out);
}

static void scan(struct guard_scan *scan)
{
	if (!scan->iov->session_local[0])
		find_session(scan);
	hold_session(scan);
}

const struct guard_kind scan_session = {
	.guards = (const struct guard *const[]){ &session, NULL },
	.network = true,
	.scan = scan,
};
