// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/kernel.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/sysroot/paths.h"
#include "tests/unit/tree.h"

/* What the kernel would choose for a function without an override. */
static const char *const natives[][2] = {
	{ "8086:10C9", "igb" },	  { "8086:10CA", "igbvf" },	 { "8086:100E", "e1000" },
	{ "1B36:0010", "nvme" },  { "1AF4:1003", "virtio-pci" },
};

static struct iov_path device_path(const char *device, const char *attribute)
{
	return iov_path(IOV_PATH_PCI_DEVICES "/%s/%s", device, attribute);
}

const char *kernel_driver(struct kernel *kernel, const char *device)
{
	static char name[64];

	if (iov_sys_link_name(kernel->iov, device_path(device, "driver").name, name, sizeof(name)))
		name[0] = '\0';
	return name;
}

const char *kernel_override(struct kernel *kernel, const char *device)
{
	static char name[64];

	if (iov_sys_read(kernel->iov, device_path(device, "driver_override").name, name,
			 sizeof(name)))
		name[0] = '\0';
	return name;
}

static const char *native_driver(struct kernel *kernel, const char *device)
{
	char uevent[1024] = "";

	iov_sys_read(kernel->iov, device_path(device, "uevent").name, uevent, sizeof(uevent));
	for (size_t i = 0; i < sizeof(natives) / sizeof(*natives); i++) {
		if (strstr(uevent, natives[i][0]))
			return natives[i][1];
	}
	return "";
}

static int set_override(struct kernel *kernel, const char *path, const char *text)
{
	char value[64];

	snprintf(value, sizeof(value), "%.*s\n", (int)strcspn(text, "\n"), text);
	tree_file(kernel->tree, path, *text == '\n' ? "(null)\n" : value);
	return 0;
}

/* @path ends in "DEVICE/driver/unbind". */
static int unbind(struct kernel *kernel, const char *path, const char *device)
{
	if (!*kernel_driver(kernel, device))
		return -ENOENT;
	if (!strstr(path, device))
		return -ENODEV;
	tree_unlink(kernel->tree, device_path(device, "driver").name);
	return 0;
}

/* pciback keeps the address of what it had, and is asked before others. */
static struct iov_path kept_by_pciback(const char *device)
{
	return iov_path(IOV_PATH_PCI_DRIVERS "/pciback/kept-%s", device);
}

static int remove_slot(struct kernel *kernel, const char *device)
{
	if (!iov_sys_exists(kernel->iov, kept_by_pciback(device).name))
		return -ENOENT;
	tree_unlink(kernel->tree, kept_by_pciback(device).name);
	return 0;
}

static int probe(struct kernel *kernel, const char *device)
{
	const char *driver = kernel_override(kernel, device);
	char target[128];

	if (!iov_sys_exists(kernel->iov, device_path(device, "").name))
		return -ENODEV;
	if (kernel->passed_over) {
		kernel->passed_over--;
		return 0;
	}
	if (*kernel_driver(kernel, device))
		return 0;
	if (!strcmp(driver, "(null)"))
		driver = iov_sys_exists(kernel->iov, kept_by_pciback(device).name) ? "pciback" :
			 native_driver(kernel, device);
	if (!*driver || (kernel->refuses && !strcmp(driver, kernel->refuses)) ||
	    !iov_sys_exists(kernel->iov, iov_path(IOV_PATH_PCI_DRIVERS "/%s", driver).name))
		return 0;
	snprintf(target, sizeof(target), "../../../../bus/pci/drivers/%s", driver);
	tree_link(kernel->tree, device_path(device, "driver").name, target);
	if (!strcmp(driver, "pciback"))
		tree_file(kernel->tree, kept_by_pciback(device).name, "");
	return 0;
}

static int load_module(struct kernel *kernel, const char *name)
{
	if (kernel->no_module)
		return -ENOENT;
	tree_file(kernel->tree, iov_path(IOV_PATH_PCI_DRIVERS "/%s/bind", name).name, "");
	return 0;
}

static bool ends_in(const char *path, const char *end)
{
	size_t length = strlen(path);

	return length >= strlen(end) && !strcmp(path + length - strlen(end), end);
}

/* The BAR of a function whose "resource" has one line is at 3 GiB; a driver keeps it as it is. */
static int resize(struct kernel *kernel, const char *device, const char *text)
{
	unsigned long long start = 0xc0000000, size = 1ull << (20 + strtoul(text, NULL, 10));
	char line[96];

	if (*kernel_driver(kernel, device))
		return -EBUSY;
	snprintf(line, sizeof(line), "0x%016llx 0x%016llx 0x000000000014220c\n", start, start + size - 1);
	tree_file(kernel->tree, device_path(device, "resource").name, line);
	return 0;
}

static int apply(struct kernel *kernel, const char *path, const char *text)
{
	if (ends_in(path, "/resource0_resize"))
		return resize(kernel, iov_path("%.12s", strchr(path, ':') - 4).name, text);
	if (ends_in(path, "/driver_override"))
		return set_override(kernel, path, text);
	if (ends_in(path, "/driver/unbind"))
		return unbind(kernel, path, text);
	if (ends_in(path, "/pciback/remove_slot"))
		return remove_slot(kernel, text);
	if (!strcmp(path, IOV_PATH_PCI_PROBE))
		return probe(kernel, text);
	if (!strcmp(path, IOV_PATH_MODULES))
		return load_module(kernel, text);
	return -ENOENT;
}

static int on_write(void *arg, struct iov *iov, const char *path, const char *text)
{
	struct kernel *kernel = arg;
	int number = kernel->writes++, error;

	(void)iov;
	if (number < KERNEL_LOG_MAX) {
		/* A test that starts counting again writes over what it had. */
		free(kernel->log[number]);
		if (asprintf(&kernel->log[number], "%s=%.*s", path, (int)strcspn(text, "\n"),
			     text) < 0)
			abort();
	}
	if (number == kernel->fail_at)
		return -EIO;
	error = apply(kernel, path, text);
	if (number == kernel->kill_at)
		raise(SIGKILL);
	return error;
}

void kernel_open(struct kernel *kernel, const char *host)
{
	*kernel = (struct kernel){ .tree = tree_of_host(host), .fail_at = -1, .kill_at = -1 };
	kernel->iov = tree_open(kernel->tree);
	iov_sys_on_write(kernel->iov, on_write, kernel);
}

void kernel_close(struct kernel *kernel)
{
	for (int i = 0; i < KERNEL_LOG_MAX; i++)
		free(kernel->log[i]);
	iov_close(kernel->iov);
	tree_remove(kernel->tree);
}
