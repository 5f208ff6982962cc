// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/cdi/cdi.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/sysroot/replace.h"
#include "base/sysroot/sysroot.h"

#define FORMAT (JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED | JSON_C_TO_STRING_NOSLASHESCAPE)

/* NULL without a device. */
static int make_text(struct iov *iov, const struct iov_cdi_access *access, char **text)
{
	_cleanup_json_ struct json_object *devices = NULL, *document = NULL;
	int error = iov_cdi_collect(iov, access, NULL, &devices);

	*text = NULL;
	if (error || !json_object_array_length(devices))
		return error;
	document = iov_cdi_document(json_object_get(devices));
	if (asprintf(text, "%s\n", json_object_to_json_string_ext(document, FORMAT)) < 0) {
		*text = NULL;
		return -ENOMEM;
	}
	return 0;
}

static int fail(struct iov *iov, int error)
{
	return iov_told(iov, error, "/" IOV_CDI_FILE ": %s; containers may be given what is not there any "
			"more: 'iov cdi write' writes it again", strerror(-error));
}

/* The text that the file has and the one that it should have, NULL for no file. */
struct texts {
	char *now;
	char *wanted;
};

static int read_texts(struct iov *iov, struct texts *texts)
{
	struct iov_cdi_access access;
	int error = iov_sys_read_all(iov, IOV_CDI_FILE, &texts->now, NULL);

	if (error && error != -ENOENT)
		return fail(iov, error);
	return iov_cdi_kept(iov, &access) ? make_text(iov, &access, &texts->wanted) : 0;
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
	return error ? fail(iov, error) : 0;
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
