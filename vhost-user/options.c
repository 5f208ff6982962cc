// SPDX-License-Identifier: GPL-2.0-or-later
#include <argp.h>
#include <string.h>
#include <syslog.h>

#include "base/paths.h"
#include "vhost-user/options.h"

const char *argp_program_version = "iovd (iovkit) " IOVKIT_VERSION;

enum {
	KEY_CONTROL = 0x1000,
	KEY_CONTROL_MODE,
	KEY_CONTROL_OWNER,
	KEY_WORKERS,
	KEY_NO_HUGE,
	KEY_USER,
	KEY_STATE,
	KEY_METRICS,
	KEY_ALLOW,
	KEY_SANDBOX,
};

static const struct argp_option options[] = {
	{ "control", KEY_CONTROL, "PATH", 0, "Control socket (" IOV_CONTROL_SOCKET ")" },
	{ "control-mode", KEY_CONTROL_MODE, "MODE", 0,
	  "Permissions of the control socket; who passes them may do everything (0600)" },
	{ "control-owner", KEY_CONTROL_OWNER, "USER:GROUP", 0,
	  "Owner of the control socket, and group; one of the two is enough" },
	{ "state", KEY_STATE, "PATH", 0,
	  "File that keeps bridges and ports over a restart (" IOV_IOVD_STATE "; with --control "
	  "none)" },
	{ "metrics", KEY_METRICS, "PATH|[HOST:]PORT", 0,
	  "Serve counters over HTTP at this Unix socket, or at this port on loopback" },
	{ "workers", KEY_WORKERS, "CPULIST", 0,
	  "CPUs to forward on, such as 3 or 2-5; there is one worker, which takes the first "
	  "(default: the last CPU that iovd may use)" },
	{ "no-huge", KEY_NO_HUGE, 0, 0, "Do without huge pages" },
	{ "user", KEY_USER, "NAME", 0,
	  "Run as this user, who must be able to open the VFIO groups and to create the sockets" },
	{ "allow", KEY_ALLOW, "PATH", 0,
	  "Let ports have their sockets, and virtual devices their files, in this directory; may be "
	  "given several times (default: sockets in /run and /tmp)" },
	{ "sandbox", KEY_SANDBOX, "on|off", 0,
	  "Whether to give up the system calls and the paths that are not needed (on)" },
	{ "verbose", 'v', 0, 0, "Log more; twice for everything, DPDK's messages included" },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct iovd_options *parsed = state->input;

	switch (key) {
	case KEY_CONTROL:
		parsed->control = arg;
		return 0;
	case KEY_CONTROL_MODE:
		parsed->control_mode = arg;
		return 0;
	case KEY_CONTROL_OWNER:
		parsed->control_owner = arg;
		return 0;
	case KEY_WORKERS:
		parsed->workers = arg;
		return 0;
	case KEY_NO_HUGE:
		parsed->no_huge = true;
		return 0;
	case KEY_USER:
		parsed->user = arg;
		return 0;
	case KEY_STATE:
		parsed->state = arg;
		return 0;
	case KEY_METRICS:
		parsed->metrics = arg;
		return 0;
	case KEY_ALLOW:
		if (parsed->sandbox.allow_count == SANDBOX_ALLOW_MAX)
			argp_error(state, "--allow: %d paths are the most", SANDBOX_ALLOW_MAX);
		parsed->sandbox.allow[parsed->sandbox.allow_count++] = arg;
		return 0;
	case KEY_SANDBOX:
		if (strcmp(arg, "on") && strcmp(arg, "off"))
			argp_error(state, "--sandbox %s: expected on or off", arg);
		parsed->no_sandbox = !strcmp(arg, "off");
		return 0;
	case 'v':
		parsed->level++;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.doc = "Forward packets between guests (vhost-user) and network devices (DPDK).\v"
	       "Runs in the foreground until SIGTERM or SIGINT.  Ports and bridges are added with "
	       "'iov port add' and 'iov bridge add'.",
};

/* Two daemons with sockets of their own must not share the default state. */
static void choose_state(struct iovd_options *parsed)
{
	if (!parsed->state && !strcmp(parsed->control, IOV_CONTROL_SOCKET))
		parsed->state = IOV_IOVD_STATE;
	parsed->sandbox.control = parsed->control;
	parsed->sandbox.state = parsed->state;
	if (parsed->metrics && *parsed->metrics == '/')
		parsed->sandbox.metrics = parsed->metrics;
}

void iovd_options_parse(struct iovd_options *options, int argc, char **argv)
{
	*options = (struct iovd_options){ .control = IOV_CONTROL_SOCKET, .level = LOG_NOTICE };
	argp_err_exit_status = IOVD_EXIT_USAGE;
	argp_parse(&argp, argc, argv, 0, NULL, options);
	choose_state(options);
}
