// SPDX-License-Identifier: GPL-2.0-or-later
#include <argp.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "base/switch.h"
#include "base/sysroot/paths.h"
#include "vhost-user/daemon/options.h"

const char *argp_program_version = "iovd (iovkit) " IOVKIT_VERSION;

enum {
	KEY_CONTROL = 0x1000,
	KEY_SOCKET_PATH,
	KEY_FD,
	KEY_UPLINK,
	KEY_DISK,
	KEY_READ_ONLY,
	KEY_PRINT,
	KEY_CONTROL_MODE,
	KEY_CONTROL_OWNER,
	KEY_WORKERS,
	KEY_POLL,
	KEY_NO_HUGE,
	KEY_USER,
	KEY_STATE,
	KEY_METRICS,
	KEY_ALLOW,
	KEY_NBD_PORT,
	KEY_SANDBOX,
	KEY_POSTCOPY,
	KEY_AF_XDP,
	KEY_IOMMU,
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
	  "CPUs to forward on, such as 3 or 2-5, with a worker on each (default: the last CPU "
	  "that iovd may use)" },
	{ "poll", KEY_POLL, "busy|adaptive|interrupt", 0,
	  "What workers do when nothing comes: poll for ever, poll for a moment and then "
	  "sleep (the default), sleep at once" },
	{ "no-huge", KEY_NO_HUGE, 0, 0, "Do without huge pages" },
	{ "user", KEY_USER, "NAME", 0,
	  "Run as this user, who must be able to open the VFIO groups and to create the sockets" },
	{ "allow", KEY_ALLOW, "PATH", 0,
	  "Let ports have their sockets, disks and virtual devices their files, in this directory; "
	  "may be given several times (default: sockets in /run and /tmp)" },
	{ "nbd-port", KEY_NBD_PORT, "PORT", 0,
	  "Let disks reach NBD servers at this TCP port; may be given several times (default: "
	  "none, and Unix sockets alone)" },
	{ "sandbox", KEY_SANDBOX, "on|off", 0,
	  "Whether to give up the system calls and the paths that are not needed (on)" },
	{ "postcopy", KEY_POSTCOPY, 0, 0,
	  "Let VMMs move guests here by post-copy migration; a VMM has power over iovd's memory "
	  "then" },
	{ "af-xdp", KEY_AF_XDP, 0, 0,
	  "Let uplinks be net_af_xdp devices; iovd keeps CAP_BPF and CAP_SYS_ADMIN then" },
	{ 0, 0, 0, 0, "As a back end for one guest, without control socket and state:" },
	{ "socket-path", KEY_SOCKET_PATH, "PATH", 0, "Serve the guest whose VMM connects here" },
	{ "fd", KEY_FD, "FDNUM", 0, "Serve it at this socket, which listens or is connected" },
	{ "uplink", KEY_UPLINK, "DEVICE", 0,
	  "Connect it to this device: a PCI address, or a virtual device of DPDK" },
	{ "blk-file", KEY_DISK, "PATH", 0,
	  "Serve a disk instead, whose data is in this file or block device" },
	{ "read-only", KEY_READ_ONLY, 0, 0, "Let nobody write to that disk" },
	{ "iommu", KEY_IOMMU, 0, 0, "Offer it the device behind a virtual IOMMU" },
	{ "print-capabilities", KEY_PRINT, 0, 0, "Print what back end this is as JSON, and end" },
	{ 0, 0, 0, 0, "Other options:", -1 },
	{ "verbose", 'v', 0, 0, "Log more; twice for everything, DPDK's messages included" },
	{ 0 },
};

/* The first three are those of standard input and output. */
static int parse_fd(const char *text, const struct argp_state *state)
{
	char *end;
	long number = strtol(text, &end, 10);

	if (*end || number <= STDERR_FILENO || number > INT_MAX)
		argp_error(state, "--fd %s: expected a number from 3", text);
	return (int)number;
}

static enum worker_poll parse_poll(const char *text, const struct argp_state *state)
{
	enum worker_poll poll = 0;

	while (poll < WORKER_POLLS && strcmp(text, worker_poll_name(poll)))
		poll++;
	if (poll == WORKER_POLLS)
		argp_error(state, "--poll %s: expected busy, adaptive or interrupt", text);
	return poll;
}

static void add_nbd_port(struct sandbox_options *sandbox, const char *text,
			 const struct argp_state *state)
{
	char *end;
	unsigned long port = strtoul(text, &end, 10);

	if (end == text || *end || !port || port > UINT16_MAX)
		argp_error(state, "--nbd-port %s: expected a port from 1 to %d, such as 10809",
			   text, UINT16_MAX);
	if (sandbox->nbd_port_count == SANDBOX_PORTS_MAX)
		argp_error(state, "--nbd-port: %d ports are the most", SANDBOX_PORTS_MAX);
	sandbox->nbd_ports[sandbox->nbd_port_count++] = (uint16_t)port;
}

static void check(const struct iovd_options *parsed, const struct argp_state *state)
{
	if (parsed->socket_path && parsed->fd)
		argp_error(state, "--socket-path and --fd: expected one of them");
	if (parsed->uplink && !iovd_is_standalone(parsed))
		argp_error(state, "--uplink: goes with --socket-path or --fd; otherwise see 'iov port "
			   "add'");
	if (parsed->disk && !iovd_is_standalone(parsed))
		argp_error(state, "--blk-file: goes with --socket-path or --fd; otherwise see 'iov "
			   "disk add'");
	if (parsed->disk && (parsed->uplink || parsed->iommu))
		argp_error(state, "--blk-file: a disk has no --uplink and no --iommu");
	if (parsed->read_only && !parsed->disk)
		argp_error(state, "--read-only: goes with --blk-file");
	if (parsed->iommu && !iovd_is_standalone(parsed))
		argp_error(state, "--iommu: goes with --socket-path or --fd; otherwise see 'iov port "
			   "add'");
	if (parsed->state && iovd_is_standalone(parsed))
		argp_error(state, "--state: a back end for one guest has none");
	if ((parsed->control_mode || parsed->control_owner) && iovd_is_standalone(parsed) &&
	    !parsed->control)
		argp_error(state, "--control-mode and --control-owner: --control is missing");
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct iovd_options *parsed = state->input;
	bool on = true;

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
	case KEY_SOCKET_PATH:
		parsed->socket_path = arg;
		return 0;
	case KEY_FD:
		parsed->fd = parse_fd(arg, state);
		return 0;
	case KEY_UPLINK:
		parsed->uplink = arg;
		return 0;
	case KEY_DISK:
		parsed->disk = arg;
		return 0;
	case KEY_READ_ONLY:
		parsed->read_only = true;
		return 0;
	case KEY_IOMMU:
		parsed->iommu = true;
		return 0;
	case KEY_WORKERS:
		parsed->workers = arg;
		return 0;
	case KEY_POLL:
		parsed->poll = parse_poll(arg, state);
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
	case KEY_NBD_PORT:
		add_nbd_port(&parsed->sandbox, arg, state);
		return 0;
	case KEY_SANDBOX:
		if (!switch_parse(arg, &on))
			argp_error(state, "--sandbox %s: expected " IOV_SWITCH_EXPECTED, arg);
		parsed->no_sandbox = !on;
		return 0;
	case KEY_POSTCOPY:
		parsed->sandbox.postcopy = true;
		return 0;
	case KEY_AF_XDP:
		parsed->sandbox.af_xdp = true;
		return 0;
	case 'v':
		parsed->level++;
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "%s: expected no arguments, only options", arg);
		return 0;
	case ARGP_KEY_END:
		check(parsed, state);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.doc = "Forward packets between guests (vhost-user) and network devices (DPDK), and serve disks.\v"
	       "Runs in the foreground until SIGTERM or SIGINT.  Ports, bridges and disks are added "
	       "with 'iov port add', 'iov bridge add' and 'iov disk add'.",
};

/* Two daemons with sockets of their own must not share the default state. */
static void choose_defaults(struct iovd_options *parsed)
{
	if (!parsed->control && !iovd_is_standalone(parsed))
		parsed->control = IOV_CONTROL_SOCKET;
	if (!parsed->state && parsed->control && !strcmp(parsed->control, IOV_CONTROL_SOCKET) &&
	    !iovd_is_standalone(parsed))
		parsed->state = IOV_IOVD_STATE;
}

static void choose_paths(struct iovd_options *parsed)
{
	struct sandbox_options *sandbox = &parsed->sandbox;
	size_t count = 0;

	if (parsed->control)
		sandbox->sockets[count++] = parsed->control;
	if (parsed->socket_path)
		sandbox->sockets[count++] = parsed->socket_path;
	if (parsed->metrics && *parsed->metrics == '/')
		sandbox->sockets[count++] = parsed->metrics;
	sandbox->state = parsed->state;
	sandbox->disk = parsed->disk;
}

/* "Other options and arguments should be ignored", those that are wrong included. */
static bool has_word(int argc, char **argv, const char *word)
{
	for (int i = 1; i < argc; i++)
		if (!strncmp(argv[i], word, strlen(word)))
			return true;
	return false;
}

/* A back-end program is one kind of device, so for disks iovd has another name as well. */
static bool is_blk(const char *name)
{
	const char *slash = strrchr(name, '/');

	return !strcmp(slash ? slash + 1 : name, "iovd-blk");
}

void iovd_options_parse(struct iovd_options *options, int argc, char **argv)
{
	*options = (struct iovd_options){ .level = LOG_NOTICE };
	options->print_capabilities = has_word(argc, argv, "--print-capabilities");
	if (options->print_capabilities) {
		options->disk = is_blk(argv[0]) || has_word(argc, argv, "--blk-file") ? "" : NULL;
		return;
	}
	argp_err_exit_status = IOVD_EXIT_USAGE;
	argp_parse(&argp, argc, argv, 0, NULL, options);
	choose_defaults(options);
	choose_paths(options);
}
