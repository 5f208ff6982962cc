// SPDX-License-Identifier: GPL-2.0-or-later
/* Writes to attributes.  They run code of drivers, which may wait for whatever they like. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/sysroot/sysroot.h"
#include "base/sysroot/writer.h"

void iov_sys_on_write(struct iov *iov, iov_sys_write_fn *write, void *arg)
{
	iov->on_write = write;
	iov->on_write_arg = arg;
}

int call_on_write(struct iov *iov, const char *path, const char *text)
{
	int error;

	callbacks_lock(iov);
	error = iov->on_write(iov->on_write_arg, iov, path, text);
	callbacks_unlock(iov);
	return error;
}

static int write_attribute(struct iov *iov, const char *path, const char *text)
{
	_cleanup_fd_ int fd = iov_sys_open(iov, path, O_WRONLY);
	size_t length = strlen(text);
	ssize_t written;

	if (fd < 0)
		return fd;
	iov_sys_asking(iov, "%s", "");
	written = write(fd, text, length);
	if (written < 0)
		return -errno;
	return (size_t)written == length ? 0 : -EIO;
}

/* The question is path and text, with the NUL between them. */
static int make_write(struct iov *iov, const char *question, size_t length, FILE *answer)
{
	(void)length;
	(void)answer;
	return write_attribute(iov, question, question + strlen(question) + 1);
}

int iov_sys_write(struct iov *iov, const char *path, const char *text)
{
	size_t path_size = strlen(path) + 1, length = strlen(text);
	_cleanup_free_ char *question = NULL;

	if (iov->on_write)
		return call_on_write(iov, path, text);
	if (writer_is_here(iov))
		return write_attribute(iov, path, text);
	question = malloc(path_size + length);
	if (!question)
		return -ENOMEM;
	memcpy(question, path, path_size);
	memcpy(question + path_size, text, length);
	return iov_sys_call(iov, make_write, question, path_size + length, NULL);
}
