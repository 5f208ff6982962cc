// SPDX-License-Identifier: GPL-2.0-or-later
/* From a file to what it says. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/sysroot/sysroot.h"
#include "host/file/file.h"
#include "host/file/schema.h"

#define FILE_MAX (1 << 20)

static const struct iov_host empty_host;

/* libcyaml says in several lines what is wrong; they are put into one. */
static void collect(cyaml_log_t level, void *arg, const char *format, va_list args)
{
	char *lines = arg, line[256];
	size_t used = strlen(lines);

	(void)level;
	vsnprintf(line, sizeof(line), format, args);
	line[strcspn(line, "\n")] = '\0';
	snprintf(lines + used, IOV_PATH_MAX - used, "%s%s", used ? "; " : "",
		 line + strspn(line, " "));
}

static cyaml_config_t configuration(char *lines)
{
	return (cyaml_config_t){
		.log_fn = lines ? collect : NULL,
		.log_ctx = lines,
		.mem_fn = cyaml_mem,
		.log_level = CYAML_LOG_ERROR,
		.flags = CYAML_CFG_NO_ALIAS,
	};
}

/* The shape was checked, so what is left to complain of is rare. */
static int load_values(struct iov_host_file *file)
{
	char lines[IOV_PATH_MAX] = "";
	cyaml_config_t config = configuration(lines);
	cyaml_err_t error = cyaml_load_data((const uint8_t *)file->text, file->length, &config,
					    &host_schema, (cyaml_data_t **)&file->host, NULL);

	if (error == CYAML_OK)
		return 0;
	if (error == CYAML_ERR_OOM)
		return -ENOMEM;
	return iov_fail(file->iov, -EINVAL, "%s: %s: %s", file->name, cyaml_strerror(error), lines);
}

void iov_host_free(struct iov_host_file *file)
{
	cyaml_config_t config = configuration(NULL);

	if (!file)
		return;
	cyaml_free(&config, &host_schema, file->host, 0);
	free(file->text);
	free(file->name);
	free(file->path);
	free(file);
}

int host_load_text(struct iov_host_file **out, struct iov *iov, const char *name, char *text,
		   size_t length)
{
	struct iov_host_file *file = calloc(1, sizeof(*file));
	int error = -ENOMEM;

	if (!file) {
		free(text);
		return error;
	}
	file->iov = iov;
	file->text = text;
	file->length = length;
	file->name = strdup(name);
	if (file->name)
		error = host_check_shape(file);
	if (!error)
		error = load_values(file);
	if (!error)
		error = host_validate(file);
	if (error)
		iov_host_free(file);
	else
		*out = file;
	return error;
}

/* All of a file, into memory of the caller's; -EFBIG for more than anyone writes. */
static int read_text(int fd, char **text, size_t *length)
{
	_cleanup_free_ char *buffer = malloc(FILE_MAX + 1);
	size_t used = 0;

	if (!buffer)
		return -ENOMEM;
	while (used <= FILE_MAX) {
		ssize_t got = read(fd, buffer + used, FILE_MAX + 1 - used);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (!got)
			break;
		used += (size_t)got;
	}
	if (used > FILE_MAX)
		return -EFBIG;
	*length = used;
	*text = buffer;
	buffer = NULL;
	return 0;
}

static int open_file(struct iov *iov, const char *path, bool in_sysroot)
{
	int fd = in_sysroot ? iov_sys_open(iov, path, O_RDONLY) : open(path, O_RDONLY | O_CLOEXEC);

	return fd < 0 && !in_sysroot ? -errno : fd;
}

static int read_file(struct iov *iov, const char *path, bool in_sysroot, char **text,
		     size_t *length)
{
	_cleanup_fd_ int fd = open_file(iov, path, in_sysroot);

	return fd < 0 ? fd : read_text(fd, text, length);
}

/* What a command line names, or means when it names none, and is not there, is wrong input. */
static int fail_missing(struct iov *iov, const char *name)
{
	if (!iov_sys_is_host(iov) && !strcmp(name, "/" IOV_HOST_FILE))
		return iov_fail_as(iov, IOV_FAILURE_INPUT, -ENOENT, "%s: the recorded host has no such "
				   "file; name another one, as in 'iov plan FILE'", name);
	return iov_fail_as(iov, IOV_FAILURE_INPUT, -ENOENT, "%s: no such file; 'iov snapshot --output "
			   "%s'%s writes one of %s host as it is", name, name,
			   iov_sys_is_host(iov) ? "" : " with this --root",
			   iov_sys_is_host(iov) ? "this" : "the recorded");
}

static int fail_reading(struct iov *iov, int error, const char *name)
{
	switch (-error) {
	case ENOENT:
		return fail_missing(iov, name);
	case EFBIG:
		return iov_fail(iov, -EINVAL,
				"%s: expected a host file, which has at most %d bytes", name,
				FILE_MAX);
	case EISDIR:
		return iov_fail(iov, -EINVAL, "%s: a directory; expected a host file", name);
	default:
		return iov_told(iov, error, "%s: %s", name, strerror(-error));
	}
}

static int load_path(struct iov_host_file **out, struct iov *iov, const char *name,
		     const char *path, bool in_sysroot)
{
	size_t length = 0;
	char *text = NULL;
	int error = read_file(iov, path, in_sysroot, &text, &length);

	if (error)
		return fail_reading(iov, error, name);
	error = host_load_text(out, iov, name, text, length);
	if (error)
		return error;
	(*out)->in_sysroot = in_sysroot;
	(*out)->path = strdup(path);
	if ((*out)->path)
		return 0;
	iov_host_free(*out);
	return -ENOMEM;
}

static int load_stdin(struct iov_host_file **out, struct iov *iov)
{
	size_t length = 0;
	char *text = NULL;
	int error = read_text(STDIN_FILENO, &text, &length);

	if (error)
		return fail_reading(iov, error, "standard input");
	return host_load_text(out, iov, "standard input", text, length);
}

int iov_host_load(struct iov_host_file **out, struct iov *iov, const char *path)
{
	if (!path)
		return load_path(out, iov, "/" IOV_HOST_FILE, IOV_HOST_FILE, true);
	if (!strcmp(path, "-"))
		return load_stdin(out, iov);
	return load_path(out, iov, path, path, false);
}

const struct iov_host *iov_host_of(const struct iov_host_file *file)
{
	return file->host ? file->host : &empty_host;
}

int iov_host_fail(const struct iov_host_file *file, int error, const char *where,
		  const char *format, ...)
{
	char text[IOV_MESSAGE_SIZE];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return iov_fail(file->iov, error, "%s:%u: %s: %s", file->name, host_line(file, where),
			where, text);
}

int iov_host_repeat(const struct iov_host_file *file, int error, const char *where)
{
	return iov_fail_as(file->iov, iov_failure(file->iov, error), error, "%s:%u: %s: %s",
			   file->name, host_line(file, where), where,
			   iov_error_message(file->iov));
}
