// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/iov.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <syslog.h>
#include <unistd.h>

#include "base/context.h"

int iov_open(struct iov **out, const struct iov_options *options)
{
	const char *root = options && options->root ? options->root : "/";
	struct iov *iov = calloc(1, sizeof(*iov));
	int error;

	if (!iov)
		return -ENOMEM;
	iov->root_fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (iov->root_fd < 0) {
		error = -errno;
		free(iov);
		return error;
	}
	iov->root_is_own = !strcmp(root, "/");
	if (options) {
		iov->log = options->log;
		iov->log_arg = options->log_arg;
	}
	*out = iov;
	return 0;
}

int context_clone(struct iov **out, const struct iov *from)
{
	struct iov *iov = malloc(sizeof(*iov));

	if (!iov)
		return -ENOMEM;
	*iov = *from;
	iov->writer = NULL;
	iov->unanswered = NULL;
	iov->unanswered_count = 0;
	iov->surveyed = 0;
	iov->surveyed_vfs = 0;
	iov->above.until = 0;
	iov->said = (struct said){ 0 };
	iov->change_lock = 0;
	iov->stuck = 0;
	iov->root_fd = fcntl(from->root_fd, F_DUPFD_CLOEXEC, 0);
	if (iov->root_fd < 0) {
		int error = -errno;

		free(iov);
		return error;
	}
	*out = iov;
	return 0;
}

void callbacks_lock(struct iov *iov)
{
	if (iov->callbacks)
		pthread_mutex_lock(iov->callbacks);
}

void callbacks_unlock(struct iov *iov)
{
	if (iov->callbacks)
		pthread_mutex_unlock(iov->callbacks);
}

void context_changed(struct iov *iov)
{
	if (iov->end_writer)
		iov->end_writer(iov);
}

void lock_drop(int lock, bool is_left)
{
	if (!lock)
		return;
	if (!is_left)
		flock(lock, LOCK_UN);
	close(lock);
}

void iov_close(struct iov *iov)
{
	if (!iov)
		return;
	context_changed(iov);
	lock_drop(iov->change_lock, iov->lock_is_left);
	close(iov->root_fd);
	for (size_t i = 0; i < iov->unanswered_count; i++) {
		free(iov->unanswered[i].name);
		free(iov->unanswered[i].message);
	}
	free(iov->unanswered);
	free(iov);
}

static enum iov_failure failure_of(int error)
{
	switch (-error) {
	case EINVAL:
		return IOV_FAILURE_INPUT;
	case ECANCELED:
		return IOV_FAILURE_GUARD;
	case ENODEV:
	case ENOENT:
		return IOV_FAILURE_ABSENT;
	case ECONNREFUSED:
		return IOV_FAILURE_DAEMON;
	default:
		return IOV_FAILURE_OTHER;
	}
}

static void say(struct iov *iov, enum iov_failure failure, int error, const char *format,
		va_list args)
{
	struct said said = { .failure = failure, .error = error };

	vsnprintf(said.message, sizeof(said.message), format, args);
	iov->said = said;
	iov_log(iov, LOG_DEBUG, "%s", iov->said.message);
}

int iov_fail(struct iov *iov, int error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(iov, failure_of(error), error, format, args);
	va_end(args);
	return error;
}

int iov_told(struct iov *iov, int error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(iov, IOV_FAILURE_OTHER, error, format, args);
	va_end(args);
	return error;
}

int iov_fail_as(struct iov *iov, enum iov_failure failure, int error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(iov, failure, error, format, args);
	va_end(args);
	return error;
}

enum iov_failure iov_failure(const struct iov *iov, int error)
{
	return iov->said.error == error ? iov->said.failure : IOV_FAILURE_OTHER;
}

const char *iov_error_message(const struct iov *iov)
{
	return iov->said.message;
}

void iov_forget_error(struct iov *iov)
{
	iov->said = (struct said){ 0 };
}

/* Of the line that a callback is being called with by this thread. */
static _Thread_local const struct iov_field *log_fields;

const struct iov_field *iov_log_fields(void)
{
	return log_fields;
}

static void log_line(struct iov *iov, int level, const struct iov_field *fields, const char *format,
		     va_list args)
{
	/* One callback may hand its line on to another. */
	const struct iov_field *outer = log_fields;
	char line[IOV_MESSAGE_SIZE];

	vsnprintf(line, sizeof(line), format, args);
	callbacks_lock(iov);
	log_fields = fields;
	iov->log(iov->log_arg, level, line);
	log_fields = outer;
	callbacks_unlock(iov);
}

void iov_log_with(struct iov *iov, int level, const struct iov_field *fields, const char *format, ...)
{
	va_list args;

	if (!iov->log)
		return;
	va_start(args, format);
	log_line(iov, level, fields, format, args);
	va_end(args);
}

void iov_log(struct iov *iov, int level, const char *format, ...)
{
	va_list args;

	if (!iov->log)
		return;
	va_start(args, format);
	log_line(iov, level, NULL, format, args);
	va_end(args);
}
