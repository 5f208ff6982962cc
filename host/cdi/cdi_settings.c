// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Whether a host keeps a CDI file: a file of our own says so, and what nodes have in it.  That
 * one has no numbers of nodes, so that a plan can change it before it changes these.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/sysroot/paths.h"
#include "base/sysroot/sysroot.h"
#include "host/cdi/cdi.h"

#define SETTINGS IOV_PATH_RUN "/cdi.json"

int iov_cdi_access(struct iov *iov, const char *mode, const char *owner, struct iov_cdi_access *access)
{
	int error = 0;

	*access = (struct iov_cdi_access){ 0 };
	if (mode)
		error = iov_socket_mode(iov, mode, access->mode);
	if (!error && owner)
		error = iov_socket_owner(iov, owner, access->owner);
	return error;
}

static char *settings_text(const struct iov_cdi_access *access)
{
	_cleanup_json_ struct json_object *settings = json_object_new_object();

	if (access->mode[0])
		json_add_text(settings, "mode", access->mode);
	if (access->owner[0])
		json_add_text(settings, "owner", access->owner);
	return strdup(json_object_to_json_string_ext(settings, JSON_C_TO_STRING_PLAIN));
}

/* NULL when none is kept. */
static int read_settings(struct iov *iov, char **text)
{
	int error;

	*text = NULL;
	error = iov_sys_read_all(iov, SETTINGS, text, NULL);
	if (!error || error == -ENOENT)
		return 0;
	return iov_told(iov, error, "/" SETTINGS ": %s", strerror(-error));
}

int iov_cdi_kept(struct iov *iov, struct iov_cdi_access *access)
{
	_cleanup_json_ struct json_object *settings = NULL;
	_cleanup_free_ char *text = NULL;
	int error = read_settings(iov, &text);

	if (error || !text)
		return error;
	settings = json_tokener_parse(text);
	if (access) {
		*access = (struct iov_cdi_access){ 0 };
		snprintf(access->mode, sizeof(access->mode), "%s", json_text(settings, "mode"));
		snprintf(access->owner, sizeof(access->owner), "%s", json_text(settings, "owner"));
	}
	return 1;
}

/* For people: "on, mode 0660, owner 0:36"; NULL for a host that keeps none. */
static struct iov_path describe(bool kept, const struct iov_cdi_access *access)
{
	if (!kept)
		return iov_path("off");
	return iov_path("on%s%s%s%s", access->mode[0] ? ", mode " : "", access->mode,
			access->owner[0] ? ", owner " : "", access->owner);
}

/* Refuse before anything is changed what would fail behind it. */
static int check_folder(struct iov *iov)
{
	const char *folder = iov_sys_exists(iov, IOV_PATH_CDI) ? IOV_PATH_CDI : "run";
	struct iov_path inside = iov_path("%s/.", folder);
	int error = 0;

	if (faccessat(iov_sys_root_fd(iov), inside.name, W_OK | X_OK, AT_EACCESS))
		error = -errno;
	return error ? iov_told(iov, error, "/%s: cannot write there: %s; container runtimes look in /"
				IOV_PATH_CDI " for devices: make it a folder that root can write", folder,
				strerror(-error)) : 0;
}

int iov_cdi_plan(struct iov_plan *plan, const struct iov_cdi_access *access)
{
	struct iov *iov = iov_plan_context(plan);
	_cleanup_free_ char *was = NULL, *text = access ? settings_text(access) : NULL;
	struct iov_cdi_access before = { 0 };
	int kept = iov_cdi_kept(iov, &before), error = kept < 0 ? kept : 0;
	struct iov_step *step;

	if (!error && access && iov_sys_is_host(iov))
		error = check_folder(iov);
	if (!error)
		error = read_settings(iov, &was);
	if (error || (was && text ? !strcmp(was, text) : was == text))
		return error;
	step = iov_plan_step(plan, NULL, access ? "keep devices of VFIO described for containers in /" IOV_CDI_FILE :
			     "describe no devices of VFIO for containers any more");
	iov_step_spares(step, "a file of our own");
	iov_step_do(step, iov_op_file(SETTINGS, text, was));
	iov_step_undo(step, iov_op_restore_file(SETTINGS, was, text));
	iov_step_change(step, "devices for containers (CDI)", describe(kept, &before).name,
			describe(access, access).name);
	return 0;
}
