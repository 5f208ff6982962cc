// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Permanent MAC addresses.  The kernel answers ethtool, and tells which port an interface stands
 * for, when nobody else changes an interface, so it is asked where that has a deadline.
 */
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/pci/identity_names.h"
#include "base/pci/pci_config.h"
#include "base/sysroot/call.h"
#include "base/sysroot/sysdir.h"

#define ADDRESS_SIZE 32
#define ADDRESS_TEXT (3 * ADDRESS_SIZE)
#define INFINIBAND_OCTETS 20
#define GUID_OCTETS 8
/* Value of addr_assign_type for an address that the device came with. */
#define ADDRESS_IS_PERMANENT 0

/* Whose interfaces are asked for: those in a directory below that of a function. */
struct question {
	struct iov_bdf bdf;
	char class_dir[64];
};

void name_without_session(char *address)
{
	size_t length = strlen(address);

	if (length == 3 * INFINIBAND_OCTETS - 1)
		memmove(address, address + length - (3 * GUID_OCTETS - 1), 3 * GUID_OCTETS);
}

static bool is_blank(const unsigned char *bytes, size_t size)
{
	for (size_t i = 1; i < size; i++) {
		if (bytes[i] != bytes[0])
			return false;
	}
	return bytes[0] == 0 || bytes[0] == 0xff;
}

/* The kernel wakes a device before it answers ethtool. */
static bool is_suspended(struct iov *iov, struct iov_bdf bdf, int dir)
{
	char status[16];

	return iov_pci_is_asleep(iov, bdf, dir) ||
	       (!iov_dir_read(dir, "power/runtime_status", status, sizeof(status)) &&
		!strcmp(status, "suspended"));
}

/* The address that the hardware came with, whatever the interface has now. */
static bool ask_address(int socket, const char *interface, char *text)
{
	struct {
		struct ethtool_perm_addr head;
		unsigned char bytes[ADDRESS_SIZE];
	} address = { .head = { .cmd = ETHTOOL_GPERMADDR, .size = ADDRESS_SIZE } };
	struct ifreq request = { .ifr_data = (char *)&address };
	size_t length = 0;

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", interface);
	if (ioctl(socket, SIOCETHTOOL, &request) || !address.head.size ||
	    address.head.size > ADDRESS_SIZE || is_blank(address.bytes, address.head.size))
		return false;
	for (size_t i = 0; i < address.head.size; i++)
		length += (size_t)sprintf(text + length, "%s%02x", i ? ":" : "", address.bytes[i]);
	return true;
}

/* Of a recorded tree, and of a device that sleeps. */
static bool recorded_address(int dir, const char *directory, char *text)
{
	int64_t type;

	return !iov_dir_read_number(dir, iov_path("%s/addr_assign_type", directory).name, &type) &&
	       type == ADDRESS_IS_PERMANENT &&
	       !iov_dir_read(dir, iov_path("%s/address", directory).name, text, ADDRESS_TEXT) &&
	       strspn(text, "0:") != strlen(text);
}

/* The stand-in of a VF in an embedded switch, "pf0vf3", carries the VF's address. */
static bool is_representor(int dir, const char *directory)
{
	char port[64];

	return !iov_dir_read(dir, iov_path("%s/phys_port_name", directory).name, port,
			     sizeof(port)) &&
	       strstr(port, "pf");
}

static bool find_address(struct iov *iov, int dir, int socket, const char *class_dir,
			 const char *interface, char *text)
{
	struct iov_path directory = iov_path("%s/%s", class_dir, interface);

	iov_sys_asking(iov, "the permanent address of %s, by ethtool", interface);
	if (socket < 0 ? !recorded_address(dir, directory.name, text) :
			 !ask_address(socket, interface, text))
		return false;
	iov_sys_asking(iov, "which port %s stands for, in sysfs", interface);
	return !is_representor(dir, directory.name);
}

/* Answers addresses, each with a blank behind it. */
static int tell_addresses(struct iov *iov, const char *bytes, size_t length, FILE *answer)
{
	_cleanup_fd_ int fd = -1, dir = -1;
	char text[ADDRESS_TEXT], **names;
	struct question question;
	size_t count;
	int error;

	memcpy(&question, bytes, length);
	dir = iov_dir_open(iov, iov_pci_path(question.bdf, "").name);
	if (dir < 0)
		return dir;
	error = iov_dir_list(dir, question.class_dir, &names, &count);
	if (error)
		return error;
	if (iov_sys_is_host(iov) && !is_suspended(iov, question.bdf, dir))
		fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	for (size_t i = 0; i < count; i++) {
		if (find_address(iov, dir, fd, question.class_dir, names[i], text))
			fprintf(answer, "%s ", text);
	}
	iov_names_free(names, count);
	return 0;
}

static bool has_interfaces(int dir, const char *class_dir)
{
	char **names;
	size_t count;

	if (iov_dir_list(dir, class_dir, &names, &count))
		return false;
	iov_names_free(names, count);
	return count;
}

static void add_addresses(struct iov *iov, struct function_names *function, int dir,
			  const char *class_dir)
{
	struct question question = { .bdf = function->bdf };
	_cleanup_free_ char *answer = NULL;
	char *rest, *address;
	int error;

	if (!has_interfaces(dir, class_dir))
		return;
	snprintf(question.class_dir, sizeof(question.class_dir), "%s", class_dir);
	error = iov_sys_call(iov, tell_addresses, &question, sizeof(question), &answer);
	iov_sys_left_out(iov, error);
	for (rest = answer; rest && (address = strsep(&rest, " ")) && *address;) {
		name_without_session(address);
		names_add(function, "mac", address);
	}
}

/* The interface of a virtio function hangs below its virtio device. */
static void add_virtio_addresses(struct iov *iov, struct function_names *function, int dir)
{
	char driver[32], **names;
	size_t count;

	if (iov_dir_link_name(dir, "driver", driver, sizeof(driver)) ||
	    strcmp(driver, "virtio-pci") || iov_dir_list(dir, ".", &names, &count))
		return;
	for (size_t i = 0; i < count; i++) {
		if (!strncmp(names[i], "virtio", strlen("virtio")))
			add_addresses(iov, function, dir, iov_path("%s/net", names[i]).name);
	}
	iov_names_free(names, count);
}

void names_add_addresses(struct iov *iov, struct function_names *function, int dir)
{
	add_addresses(iov, function, dir, "net");
	add_virtio_addresses(iov, function, dir);
}
