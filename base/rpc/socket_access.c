// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/rpc/socket_access.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int iov_socket_mode(struct iov *iov, const char *text, char mode[IOV_SOCKET_MODE_SIZE])
{
	size_t digits = strspn(text, "01234567");
	unsigned long bits = strtoul(text, NULL, 8);

	if (!digits || digits > 4 || text[digits] || bits > 0777)
		return iov_fail(iov, -EINVAL, "mode '%.32s': expected octal digits such as 0660", text);
	snprintf(mode, IOV_SOCKET_MODE_SIZE, "%04lo", bits);
	return 0;
}

/* The largest number means "nobody" to chown(2). */
static bool is_number(const char *name, uint32_t *id)
{
	char *end;
	unsigned long long number;

	if (*name < '0' || *name > '9')
		return false;
	number = strtoull(name, &end, 10);
	*id = (uint32_t)number;
	return !*end && number < UINT32_MAX;
}

static int find_user(struct iov *iov, const char *name, uint32_t *id)
{
	const struct passwd *entry;

	if (is_number(name, id))
		return 0;
	entry = getpwnam(name);
	if (!entry)
		return iov_fail(iov, -ENOENT, "owner '%.64s': no such user", name);
	*id = entry->pw_uid;
	return 0;
}

static int find_group(struct iov *iov, const char *name, uint32_t *id)
{
	const struct group *entry;

	if (is_number(name, id))
		return 0;
	entry = getgrnam(name);
	if (!entry)
		return iov_fail(iov, -ENOENT, "owner ':%.64s': no such group", name);
	*id = entry->gr_gid;
	return 0;
}

int iov_socket_owner(struct iov *iov, const char *names, char numbers[IOV_SOCKET_OWNER_SIZE])
{
	const char *colon = strchr(names, ':');
	size_t length = colon ? (size_t)(colon - names) : strlen(names);
	uint32_t user = 0, group = 0;
	char name[256];
	int error;

	if (length >= sizeof(name) || (colon ? !colon[1] : !length))
		return iov_fail(iov, -EINVAL, "owner '%.64s': expected USER, USER:GROUP or :GROUP",
				names);
	memcpy(name, names, length);
	name[length] = '\0';
	*numbers = '\0';
	if (length) {
		error = find_user(iov, name, &user);
		if (error)
			return error;
		snprintf(numbers, IOV_SOCKET_OWNER_SIZE, "%u", user);
	}
	if (!colon)
		return 0;
	error = find_group(iov, colon + 1, &group);
	length = strlen(numbers);
	if (!error)
		snprintf(numbers + length, IOV_SOCKET_OWNER_SIZE - length, ":%u", group);
	return error;
}
