// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The guards "console" and "watchdog": the serial port on which the kernel speaks, the keyboard
 * at which people sit, and the watchdog that resets the host when it is no longer fed.
 */
#include <stdio.h>
#include <string.h>

#include "base/guard/scans.h"
#include "base/guard/walk_device.h"
#include "base/sysroot/paths.h"

static const struct guard console = {
	"console", "a console of the host is on it: a serial port, or the keyboard",
};
static const struct guard watchdog = { "watchdog", "its watchdog runs" };

/* "ttyS4                -W- (EC   p  )    4:68": E is for a console that is on */
static void read_console(struct guard_scan *scan, const char *line, const void *argument)
{
	const char *flags = strchr(line, '('), *number = flags ? strchr(flags, ')') : NULL;
	char name[32], holder[64], text[24];
	struct guard_chain chain = {
		.guard = &console, .holder = holder, .names = { name }, .count = 1,
	};

	(void)argument;
	if (!number || flags[1] != 'E' || sscanf(line, "%31s", name) != 1 ||
	    sscanf(number + 1, "%23s", text) != 1)
		return;
	snprintf(holder, sizeof(holder), "the kernel's console %s", name);
	guard_walk_link(scan, &chain, iov_path(IOV_PATH_DEV_CHAR "/%s", text).name);
}

/* The input device that the lines speak of. */
struct input {
	char name[96];
	char path[IOV_PATH_MAX];
};

/*
 * 'N: Name="USB Keyboard"', "S: Sysfs=/devices/pci0000:00/...", "H: Handlers=sysrq kbd event0".
 * The console takes keys ("kbd") from buttons as well; a keyboard has an Alt key ("sysrq").
 */
static void read_input(struct guard_scan *scan, const char *line, const void *argument)
{
	struct input *input = *(struct input *const *)argument;
	char holder[128];
	struct guard_chain chain = { .guard = &console, .holder = holder };

	if (sscanf(line, "N: Name=\"%95[^\"]", input->name) == 1 ||
	    sscanf(line, "S: Sysfs=%511s", input->path) == 1)
		return;
	if (strncmp(line, "H: ", 3) || !strstr(line, "kbd") || !strstr(line, "sysrq"))
		return;
	snprintf(holder, sizeof(holder), "the keyboard of the console (%s)", input->name);
	guard_walk_device(scan, &chain, input->path);
}

static void visit_watchdog(struct guard_scan *scan, struct guard_chain *chain,
			   const char *directory, const char *name)
{
	char state[32], holder[64];

	if (iov_sys_read(scan->iov, iov_path("%s/%s/state", directory, name).name, state,
			 sizeof(state)) || strcmp(state, "active"))
		return;
	snprintf(holder, sizeof(holder), "%s, which resets the host unless it is fed", name);
	chain->holder = holder;
	chain->names[0] = name;
	chain->count = 1;
	guard_walk_link(scan, chain, iov_path("%s/%s", directory, name).name);
}

static void scan(struct guard_scan *scan)
{
	struct input input = { "", "" }, *which = &input;
	struct guard_chain chain = { .guard = &watchdog };

	guard_for_each_line(scan, IOV_PATH_CONSOLES, NULL, read_console);
	guard_for_each_line(scan, IOV_PATH_INPUT, &which, read_input);
	guard_for_each_name(scan, &chain, IOV_PATH_CLASS "/watchdog", visit_watchdog);
}

const struct guard_kind scan_console = {
	.guards = (const struct guard *const[]){ &console, &watchdog, NULL },
	.scan = scan,
};
