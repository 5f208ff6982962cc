// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which host file the next boot goes by.
 *
 * True at all times: IOV_HOST_FILE never has what awaits confirmation.  While a change does, or
 * was interrupted on its way there, its text is in UNCONFIRMED, and IOV_HOST_FILE has what was applied before; so whatever
 * happens to the machine, it comes back as it was.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/sysroot/replace.h"
#include "base/sysroot/sysroot.h"
#include "host/file/file.h"

#define UNCONFIRMED IOV_HOST_FILE ".unconfirmed"
#define UNDONE IOV_HOST_FILE ".undone"

static int fail(struct iov *iov, int error, const char *path)
{
	return error ? iov_told(iov, error, "/%s: %s", path, strerror(-error)) : 0;
}

/* NULL for a file that does not exist. */
static int read_text(struct iov *iov, const char *path, char **text)
{
	int error;

	*text = NULL;
	error = iov_sys_read_all(iov, path, text, NULL);
	return fail(iov, error == -ENOENT ? 0 : error, path);
}

static bool same(const char *one, const char *other)
{
	return one && other ? !strcmp(one, other) : one == other;
}

static int have_text(struct iov *iov, const char *path, const char *text)
{
	_cleanup_free_ char *now = NULL;
	int error = read_text(iov, path, &now);

	if (error || same(now, text))
		return error;
	return fail(iov, sys_replace(iov, path, text, true), path);
}

bool host_was_applied(struct iov *iov, const char *text)
{
	_cleanup_free_ char *applied = NULL;

	return !read_text(iov, HOST_APPLIED, &applied) && same(applied, text);
}

static int note_applied(struct iov *iov, const char *text)
{
	return have_text(iov, HOST_APPLIED, text);
}

int iov_host_keep(const struct iov_host_file *file)
{
	_cleanup_free_ char *text = strndup(file->text, file->length);

	return text ? note_applied(file->iov, text) : -ENOMEM;
}

int iov_host_hold(const struct iov_host_file *file)
{
	_cleanup_free_ char *text = strndup(file->text, file->length), *applied = NULL;
	int error = text ? read_text(file->iov, HOST_APPLIED, &applied) : -ENOMEM;

	if (!error)
		error = have_text(file->iov, UNCONFIRMED, text);
	return error ? error : have_text(file->iov, IOV_HOST_FILE, applied);
}

bool iov_host_waits(struct iov *iov)
{
	return iov_sys_exists(iov, UNCONFIRMED);
}

int iov_host_drop(struct iov *iov)
{
	int root = iov_sys_root_fd(iov);

	if (renameat(root, UNCONFIRMED, root, UNDONE) && errno != ENOENT)
		return fail(iov, -errno, UNCONFIRMED);
	return 0;
}

int iov_host_release(struct iov *iov, bool keep)
{
	_cleanup_free_ char *text = NULL;
	int error = read_text(iov, UNCONFIRMED, &text);

	if (error || !text)
		return error;
	error = have_text(iov, IOV_HOST_FILE, text);
	if (!error && keep)
		error = note_applied(iov, text);
	if (!error)
		unlinkat(iov_sys_root_fd(iov), UNCONFIRMED, 0);
	return error;
}
