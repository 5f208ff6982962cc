// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/cdi/cdi.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "base/cleanup.h"
#include "base/sysroot/replace.h"
#include "base/sysroot/sysroot.h"

#define FORMAT (JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED | JSON_C_TO_STRING_NOSLASHESCAPE)

static int fail(struct iov *iov, int error)
{
	return iov_told(iov, error, "/" IOV_CDI_FILE ": %s; containers may be given what is not there any "
			"more: 'iov cdi write' writes it again", strerror(-error));
}

/**
 * struct texts - what the file has, and what it should have
 * @now: its text, NULL for no file
 * @wanted: the one that it should have
 * @left_out: sentences on what is not in that one
 */
struct texts {
	char *now;
	char *wanted;
	struct json_object *left_out;
};

/* What cannot be looked at now may be as it was: the file that is there is worth more than half of one. */
static int keep(struct iov *iov, int error)
{
	return iov_told(iov, error, "/" IOV_CDI_FILE ": stays as it was: %s; 'iov cdi write' writes it again",
			iov_error_message(iov));
}

/* NULL without a device. */
static int make_text(struct iov *iov, const struct iov_cdi_access *access, struct texts *texts)
{
	_cleanup_json_ struct json_object *devices = NULL, *document = NULL;
	int error = iov_cdi_collect(iov, access, &texts->left_out, &devices);

	if (error)
		return keep(iov, error);
	if (!json_object_array_length(devices))
		return 0;
	document = iov_cdi_document(json_object_get(devices));
	if (asprintf(&texts->wanted, "%s\n", json_object_to_json_string_ext(document, FORMAT)) >= 0)
		return 0;
	texts->wanted = NULL;
	return fail(iov, -ENOMEM);
}

static int read_texts(struct iov *iov, struct texts *texts)
{
	struct iov_cdi_access access;
	int kept, error = iov_sys_read_all(iov, IOV_CDI_FILE, &texts->now, NULL);

	/* Where the folder is something else there is no file in it. */
	if (error && error != -ENOENT && error != -ENOTDIR)
		return fail(iov, error);
	kept = iov_cdi_kept(iov, &access);
	if (kept < 0)
		return keep(iov, kept);
	return kept ? make_text(iov, &access, texts) : 0;
}

static bool same(const struct texts *texts)
{
	if (!texts->now || !texts->wanted)
		return texts->now == texts->wanted;
	return !strcmp(texts->now, texts->wanted);
}

static void free_texts(struct texts *texts)
{
	free(texts->now);
	free(texts->wanted);
	json_object_put(texts->left_out);
	*texts = (struct texts){ 0 };
}

/* What it should have is looked at again, under the lock. */
static int renew(struct iov *iov, struct texts *texts)
{
	int error = iov_plan_lock(iov, 1);

	if (error == -EBUSY)
		return 0;
	free_texts(texts);
	if (!error)
		error = read_texts(iov, texts);
	if (error || same(texts))
		return error;
	error = sys_replace(iov, IOV_CDI_FILE, texts->wanted, false);
	if (error)
		return fail(iov, error);
	for (size_t i = 0; texts->left_out && i < json_object_array_length(texts->left_out); i++)
		iov_log(iov, LOG_NOTICE, "/" IOV_CDI_FILE " leaves out: %s",
			json_object_get_string(json_object_array_get_idx(texts->left_out, i)));
	return 0;
}

int iov_cdi_refresh(struct iov *iov)
{
	struct texts texts = { 0 };
	int error = read_texts(iov, &texts);

	if (!error && !same(&texts))
		error = renew(iov, &texts);
	free_texts(&texts);
	return error;
}
