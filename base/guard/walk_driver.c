// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Some drivers have one node for all that they drive, and give the kernel no device for it: each
 * function of the driver may be the one that is meant.  Where sysfs does not have the node at all,
 * the kernel lists who registered its number ("/proc/devices"), and drivers give their own name
 * there, with an ending.  NVIDIA's nodes are told apart by walk_gpu.c.
 */
#include "base/guard/walk_driver.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/sysroot/paths.h"

static void visit_function(struct guard_scan *scan, struct guard_chain *chain,
			   const char *directory, const char *name)
{
	struct iov_bdf bdf;

	(void)directory;
	if (iov_bdf_scan(name, &bdf))
		guard_found(scan, chain, name);
}

static void walk_driver(struct guard_scan *scan, struct guard_chain *chain, const char *driver)
{
	guard_for_each_name(scan, chain, iov_path(IOV_PATH_PCI_DRIVERS "/%s", driver).name,
			    visit_function);
}

static bool is_dash(char letter)
{
	return letter == '-' || letter == '_';
}

/* "megaraid_sas_ioctl" is of "megaraid_sas"; a dash is an underscore. */
static bool is_of_driver(const char *name, const char *driver)
{
	while (*driver && (*name == *driver || (is_dash(*name) && is_dash(*driver)))) {
		name++;
		driver++;
	}
	return !*driver && !isalnum((unsigned char)*name);
}

/* The driver whose name begins the other, the longest of several; false for none. */
static bool find_driver(struct guard_scan *scan, const char *name, char *driver, size_t size)
{
	char **drivers;
	size_t count;
	int error = iov_sys_list(scan->iov, IOV_PATH_PCI_DRIVERS, &drivers, &count);

	driver[0] = '\0';
	guard_failed(scan, error, "/" IOV_PATH_PCI_DRIVERS);
	if (error)
		return false;
	for (size_t i = 0; i < count; i++) {
		if (is_of_driver(name, drivers[i]) && strlen(drivers[i]) > strlen(driver))
			snprintf(driver, size, "%s", drivers[i]);
	}
	iov_names_free(drivers, count);
	return *driver;
}

/* The line of a number in the kernel's list; those of block devices are in it as well. */
struct registered {
	unsigned int major;
	bool is_character;
	char name[64];
};

/* "235 megaraid_sas_ioctl", below "Character devices:" */
static void read_registered(struct guard_scan *scan, const char *line, const void *argument)
{
	struct registered *registered = *(struct registered *const *)argument;
	unsigned int major;
	char name[64];

	(void)scan;
	if (strstr(line, "devices:"))
		registered->is_character = !strncmp(line, "Character", strlen("Character"));
	else if (registered->is_character && sscanf(line, "%u %63s", &major, name) == 2 &&
		 major == registered->major)
		snprintf(registered->name, sizeof(registered->name), "%s", name);
}

void guard_walk_unlisted(struct guard_scan *scan, struct guard_chain *chain, const char *number,
			 const char *path)
{
	struct registered registered = { 0 }, *which = &registered;
	const char *last = strrchr(path, '/');
	char driver[64];

	if (sscanf(number, "%u:", &registered.major) == 1)
		guard_for_each_line(scan, IOV_PATH_DEVICES, &which, read_registered);
	else if (last)
		snprintf(registered.name, sizeof(registered.name), "%s", last + 1);
	if (strncmp(registered.name, "nvidia", strlen("nvidia")) &&
	    find_driver(scan, registered.name, driver, sizeof(driver)))
		walk_driver(scan, chain, driver);
}

/* Of the class misc, whose numbers all are the kernel's: nothing but the name is told. */
static const struct {
	const char *name;
	const char *driver;
} makers[] = {
	{ "sev", "ccp" },
	{ "mpt2ctl", "mpt3sas" },
	{ "mpt3ctl", "mpt3sas" },
	{ "vboxguest", "vboxguest" },
	{ "vmci", "vmw_vmci" },
};

void guard_walk_misc(struct guard_scan *scan, struct guard_chain *chain, const char *name)
{
	for (size_t i = 0; i < sizeof(makers) / sizeof(*makers); i++) {
		if (!strcmp(makers[i].name, name))
			walk_driver(scan, chain, makers[i].driver);
	}
}
