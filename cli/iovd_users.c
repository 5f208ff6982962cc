// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/iovd_users.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/pci/identity.h"
#include "base/rpc/rpc.h"
#include "base/sysroot/call.h"
#include "cli/printable.h"

/* A server of files that went away leaves whoever looks there waiting. */
static int tell_real(struct iov *iov, const char *path, size_t length, FILE *answer)
{
	char real[PATH_MAX];

	(void)length;
	iov_sys_asking(iov, "where %s leads", path);
	if (!realpath(path, real))
		return iov_told(iov, -errno, "%s: %s", path, strerror(errno));
	fputs(real, answer);
	return 0;
}

/* A device node, by any name of it, on the way that a finding tells. */
static bool leads_by(struct iov *iov, struct json_object *finding, const char *path)
{
	struct json_object *way = json_object_object_get(finding, "path");
	_cleanup_free_ char *real = NULL;
	int error = iov_sys_call(iov, tell_real, path, strlen(path), &real);

	if (error) {
		iov_sys_left_out(iov, error);
		return false;
	}
	for (size_t i = 0; i < json_object_array_length(way); i++) {
		const char *step = json_object_get_string(json_object_array_get_idx(way, i));
		const char *name = strrchr(step, '/');

		if (!strcmp(name ? name + 1 : step, basename(real)))
			return true;
	}
	return false;
}

/* A function, maybe with the number of a namespace behind it; of an uplink the device. */
static bool is_function(struct json_object *finding, const char *text)
{
	const char *device = json_text(finding, "device");
	const size_t length = strlen(device);

	return !strncmp(text, device, length) &&
	       (!text[length] || text[length] == '/' || text[length] == ',');
}

static bool is_used_by(struct iov *iov, struct json_object *finding, struct json_object *user)
{
	const char *path = json_text_or_null(user, "path"), *device = json_text_or_null(user, "device");

	if (path)
		return *path == '/' ? leads_by(iov, finding, path) : is_function(finding, path);
	return device && is_function(finding, device);
}

static void name_users(struct iov *iov, struct json_object *finding, const char *noun, struct json_object *users)
{
	for (size_t i = 0; i < json_object_array_length(users); i++) {
		struct json_object *user = json_object_array_get_idx(users, i);

		if (!is_used_by(iov, finding, user))
			continue;
		json_add_text(finding, noun, json_text(user, "name"));
		return;
	}
}

static bool is_of_iovd(struct json_object *finding)
{
	return strstr(json_text(finding, "holder"), "(iovd)");
}

static void ask(struct iov *iov, struct json_object *findings, const char *noun)
{
	_cleanup_json_ struct json_object *users = NULL;
	char method[16];

	snprintf(method, sizeof(method), "%s.list", noun);
	if (iov_rpc_call(iov, method, NULL, &users))
		return;
	for (size_t i = 0; i < json_object_array_length(findings); i++) {
		struct json_object *finding = json_object_array_get_idx(findings, i);

		if (is_of_iovd(finding))
			name_users(iov, finding, noun, users);
	}
}

bool cli_find_iovd_users(struct iov *iov, struct json_object *findings)
{
	bool is_there = false;

	for (size_t i = 0; findings && i < json_object_array_length(findings); i++)
		is_there |= is_of_iovd(json_object_array_get_idx(findings, i));
	if (is_there) {
		ask(iov, findings, "disk");
		ask(iov, findings, "port");
	}
	return is_there;
}

static void tell(struct json_object *finding, const char *noun)
{
	const char *name = json_text_or_null(finding, noun);

	if (name)
		cli_print(stderr, "iov: %s is %s %s of iovd; 'iov %s remove %s' gives it back\n",
			json_text(finding, "device"), noun, name, noun, name);
}

void cli_name_iovd_users(const struct cli *cli)
{
	char message[IOV_MESSAGE_SIZE];

	snprintf(message, sizeof(message), "%s", iov_error_message(cli->iov));
	if (!cli_find_iovd_users(cli->iov, cli->findings))
		return;
	for (size_t i = 0; !cli->json && i < json_object_array_length(cli->findings); i++) {
		tell(json_object_array_get_idx(cli->findings, i), "disk");
		tell(json_object_array_get_idx(cli->findings, i), "port");
	}
	iov_fail(cli->iov, -ECANCELED, "%s", message);
}
