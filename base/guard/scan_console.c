// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The guards "console" and "watchdog": the serial port on which the kernel speaks, the keyboard
 * at which people sit, the interface by which netconsole sends, and the watchdog that resets
 * the host when it is no longer fed.
 */
#include <stdio.h>
#include <string.h>

#include "base/guard/scans.h"
#include "base/guard/walk_device.h"
#include "base/guard/walk_interface.h"
#include "base/mac.h"
#include "base/sysroot/paths.h"

/* The name of an interface or its address */
#define INTERFACE_TEXT 20

static const struct guard console = {
	"console", "a console of the host is on it: a serial port, the keyboard, netconsole",
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

static void hold_netconsole(struct guard_scan *scan, const char *target, const char *interface)
{
	char holder[160];

	snprintf(holder, sizeof(holder), "the target %s of netconsole", target);
	guard_hold_interface(scan, &console, holder, interface);
}

/* Every interface that has the address, as a VLAN has that of what it is on. */
static void hold_addressed(struct guard_scan *scan, const char *target, const uint8_t mac[6])
{
	char **names, text[64];
	uint8_t own[6];
	size_t count;
	int error = iov_sys_list(scan->iov, IOV_PATH_CLASS_NET, &names, &count);

	guard_failed(scan, error, "/" IOV_PATH_CLASS_NET);
	if (error)
		return;
	for (size_t i = 0; i < count; i++) {
		if (!iov_sys_read(scan->iov, iov_path(IOV_PATH_CLASS_NET "/%s/address",
						      names[i]).name, text, sizeof(text)) &&
		    iov_mac_parse(text, own) && !memcmp(own, mac, sizeof(own)))
			hold_netconsole(scan, target, names[i]);
	}
	iov_names_free(names, count);
}

/* By the name of an interface, or, since Linux 6.15, by its address. */
static void hold_named(struct guard_scan *scan, const char *target, const char *interface)
{
	uint8_t mac[6];

	if (iov_mac_parse(interface, mac))
		hold_addressed(scan, target, mac);
	else if (*interface)
		hold_netconsole(scan, target, interface);
}

/* "/sys/kernel/config/netconsole/collector" */
static void visit_target(struct guard_scan *scan, struct guard_chain *chain,
			 const char *directory, const char *name)
{
	struct iov_path target = iov_path("%s/%s", directory, name);
	char interface[INTERFACE_TEXT];
	int64_t enabled;

	(void)chain;
	if (iov_sys_read_number(scan->iov, iov_path("%s/enabled", target.name).name, &enabled) ||
	    !enabled)
		return;
	/* Before it is looked up, a target that names an address has no name. */
	if (iov_sys_read(scan->iov, iov_path("%s/dev_name", target.name).name, interface,
			 sizeof(interface)) || !*interface)
		iov_sys_read(scan->iov, iov_path("%s/local_mac", target.name).name, interface,
			     sizeof(interface));
	hold_named(scan, name, interface);
}

/*
 * "+4444@10.0.0.1/eth1,9353@10.0.0.2/12:34:56:78:9a:bc", or an address in the place of eth1; eth0
 * where it names none
 */
static void read_target(struct guard_scan *scan, const char *target)
{
	const char *slash = strchr(target, '/');
	char interface[INTERFACE_TEXT] = "eth0";

	if (slash && slash[1] != ',')
		snprintf(interface, sizeof(interface), "%.*s", (int)strcspn(slash + 1, ","),
			 slash + 1);
	hold_named(scan, target, interface);
}

/* Behind "netconsole=", "netconsole.netconsole=" or either of them in quotes; NULL for none */
static const char *find_parameter(const char *line)
{
	static const char name[] = "netconsole=";

	if (*line == '#')
		return NULL;
	for (const char *at = line; (at = strstr(at, name)); at++) {
		if (at == line || strchr(" \t.\"", at[-1]))
			return at + strlen(name);
	}
	return NULL;
}

/* What the module was told when it was loaded: "netconsole=TARGET;TARGET" */
static void read_parameter(struct guard_scan *scan, const char *line, const void *argument)
{
	const char *value = find_parameter(line);
	char targets[512], *rest = targets, *target;

	(void)argument;
	if (!value)
		return;
	value += *value == '"';
	snprintf(targets, sizeof(targets), "%.*s", (int)strcspn(value, " \"\t\n"), value);
	while ((target = strsep(&rest, ";")))
		if (*target)
			read_target(scan, target);
}

static void visit_options(struct guard_scan *scan, struct guard_chain *chain,
			  const char *directory, const char *name)
{
	(void)chain;
	guard_for_each_line(scan, iov_path("%s/%s", directory, name).name, NULL, read_parameter);
}

/*
 * Targets of configfs are told as they are; those that the module was loaded with are nowhere in
 * the kernel, unless somebody made "cmdline0" of the first.
 */
static void scan_netconsole(struct guard_scan *scan)
{
	guard_for_each_name(scan, NULL, IOV_PATH_NETCONSOLE, visit_target);
	if (!iov_sys_exists(scan->iov, IOV_PATH_MODULES "/netconsole") ||
	    iov_sys_exists(scan->iov, IOV_PATH_NETCONSOLE "/cmdline0"))
		return;
	guard_for_each_line(scan, IOV_PATH_CMDLINE, NULL, read_parameter);
	guard_for_each_name(scan, NULL, IOV_PATH_MODPROBE, visit_options);
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
	scan_netconsole(scan);
	guard_for_each_name(scan, &chain, IOV_PATH_CLASS "/watchdog", visit_watchdog);
}

const struct guard_kind scan_console = {
	.guards = (const struct guard *const[]){ &console, &watchdog, NULL },
	.scan = scan,
};
