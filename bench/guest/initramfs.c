// SPDX-License-Identifier: GPL-2.0-or-later
#include "bench/guest/initramfs.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <libkmod.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/late_library.h"

/* What is used of libarchive. */
#define FUNCTIONS(X) \
	X(entry_free, archive_entry_free) X(entry_new, archive_entry_new) \
	X(entry_set_filetype, archive_entry_set_filetype) \
	X(entry_set_nlink, archive_entry_set_nlink) \
	X(entry_set_pathname, archive_entry_set_pathname) \
	X(entry_set_perm, archive_entry_set_perm) X(entry_set_size, archive_entry_set_size) \
	X(error_string, archive_error_string) X(read_data, archive_read_data) \
	X(read_free, archive_read_free) X(read_new, archive_read_new) \
	X(read_next_header, archive_read_next_header) \
	X(read_open_filename, archive_read_open_filename) \
	X(read_support_filter_all, archive_read_support_filter_all) \
	X(read_support_format_raw, archive_read_support_format_raw) \
	X(write_close, archive_write_close) X(write_data, archive_write_data) \
	X(write_free, archive_write_free) X(write_header, archive_write_header) \
	X(write_new, archive_write_new) X(write_open_fd, archive_write_open_fd) \
	X(write_set_format_cpio_newc, archive_write_set_format_cpio_newc)

LATE_LIBRARY(lib, FUNCTIONS);

/* Drivers of a guest need some twenty; soft dependencies may go round in a circle. */
#define MODULES_MAX 256

struct making {
	struct iov *iov;
	struct archive *archive;
	char *names[MODULES_MAX];
	size_t count;
	size_t written;
};

static int cannot_write(const struct making *making)
{
	return iov_told(making->iov, -EIO, "the guest's initramfs cannot be written: %s",
			lib.error_string(making->archive));
}

static int put(const struct making *making, const char *path, unsigned int type, int mode,
	       const void *data, size_t length)
{
	struct archive_entry *entry = lib.entry_new();
	bool done;

	if (!entry)
		return iov_fail(making->iov, -ENOMEM, "no memory for the guest's initramfs");
	lib.entry_set_pathname(entry, path);
	lib.entry_set_filetype(entry, type);
	lib.entry_set_perm(entry, (mode_t)mode);
	lib.entry_set_size(entry, (int64_t)length);
	lib.entry_set_nlink(entry, 1);
	done = lib.write_header(making->archive, entry) == ARCHIVE_OK &&
	       (!length ||
		lib.write_data(making->archive, data, length) == (la_ssize_t)length);
	lib.entry_free(entry);
	return done ? 0 : cannot_write(making);
}

static int read_all(struct archive *reader, char **data, size_t *length)
{
	size_t room = 1 << 20;
	la_ssize_t got = 1;

	*length = 0;
	*data = malloc(room);
	while (*data && got > 0) {
		if (*length == room) {
			char *grown = realloc(*data, room *= 2);

			if (!grown)
				break;
			*data = grown;
		}
		got = lib.read_data(reader, *data + *length, room - *length);
		*length += got > 0 ? (size_t)got : 0;
	}
	return !*data ? -ENOMEM : got < 0 ? -EIO : got ? -ENOMEM : 0;
}

/* A file as it is unpacked; one that is not compressed is itself. */
static int read_file(struct iov *iov, const char *path, char **data, size_t *length)
{
	struct archive *reader = lib.read_new();
	struct archive_entry *entry;
	int error = -ENOMEM;

	*data = NULL;
	if (reader && !lib.read_support_format_raw(reader)) {
		lib.read_support_filter_all(reader);
		errno = 0;
		error = lib.read_open_filename(reader, path, 1 << 16) != ARCHIVE_OK ||
					lib.read_next_header(reader, &entry) != ARCHIVE_OK
				? -EIO
				: read_all(reader, data, length);
	}
	if (error)
		error = iov_told(iov, error, "%s: cannot be read for the guest: %s", path,
				 reader && lib.error_string(reader)
					 ? lib.error_string(reader)
					 : strerror(-error));
	if (reader)
		lib.read_free(reader);
	return error;
}

static int put_file(const struct making *making, const char *from, const char *path, int mode)
{
	char *data = NULL;
	size_t length = 0;
	int error = read_file(making->iov, from, &data, &length);

	if (!error)
		error = put(making, path, AE_IFREG, mode, data, length);
	free(data);
	return error;
}

static bool has(const struct making *making, const char *name)
{
	for (size_t i = 0; i < making->count; i++)
		if (!strcmp(making->names[i], name))
			return true;
	return false;
}

static int put_module(struct making *making, struct kmod_module *module);

/* Takes @list over. */
static int put_modules(struct making *making, struct kmod_list *list)
{
	struct kmod_list *item;
	int error = 0;

	kmod_list_foreach(item, list) {
		struct kmod_module *module = kmod_module_get_module(item);

		if (!error)
			error = put_module(making, module);
		kmod_module_unref(module);
	}
	kmod_module_unref_list(list);
	return error;
}

static int put_needed(struct making *making, struct kmod_module *module)
{
	struct kmod_list *before = NULL, *after = NULL;
	int error = 0;

	if (!kmod_module_get_softdeps(module, &before, &after)) {
		kmod_module_unref_list(after);
		error = put_modules(making, before);
	}
	return error ? error : put_modules(making, kmod_module_get_dependencies(module));
}

/* Behind what it needs, with its number in front.  What is built in has no path. */
static int put_module(struct making *making, struct kmod_module *module)
{
	const char *from = kmod_module_get_path(module), *name = kmod_module_get_name(module);
	char path[128];
	int error;

	if (!from || has(making, name))
		return 0;
	if (making->count == MODULES_MAX)
		return iov_fail(making->iov, -E2BIG, "the guest's drivers need more than %d modules",
				MODULES_MAX);
	making->names[making->count] = strdup(name);
	if (!making->names[making->count])
		return iov_fail(making->iov, -ENOMEM, "no memory for the guest's initramfs");
	making->count++;
	error = put_needed(making, module);
	if (error)
		return error;
	/* All that it needs has a lower number by now. */
	snprintf(path, sizeof(path), INITRAMFS_MODULES "/%03zu-%s.ko", making->written++, name);
	return put_file(making, from, path, 0644);
}

static int put_drivers(struct making *making, const struct initramfs_options *options)
{
	const char *const none = NULL;
	struct kmod_ctx *modules = kmod_new(options->modules, &none);
	int error = 0;

	if (!modules)
		return iov_fail(making->iov, -ENOENT, "%s: no modules of a kernel",
				options->modules ? options->modules : "this kernel");
	for (size_t i = 0; !error && i < options->count; i++) {
		struct kmod_list *list = NULL;

		if (!kmod_module_new_from_lookup(modules, options->drivers[i], &list))
			error = put_modules(making, list);
	}
	kmod_unref(modules);
	return error;
}

static int put_all(struct making *making, const struct initramfs_options *options)
{
	static const char *const directories[] = {"dev", "proc", "sys", "bin", INITRAMFS_MODULES};
	int error = 0;

	for (size_t i = 0; !error && i < sizeof(directories) / sizeof(*directories); i++)
		error = put(making, directories[i], AE_IFDIR, 0755, NULL, 0);
	if (!error)
		error = put_file(making, options->probe, "init", 0755);
	if (!error && options->shell)
		error = put_file(making, options->shell, INITRAMFS_SHELL, 0755);
	return error ? error : put_drivers(making, options);
}

static int write_archive(struct making *making, int fd, const struct initramfs_options *options)
{
	int error;

	making->archive = lib.write_new();
	if (!making->archive)
		return iov_fail(making->iov, -ENOMEM, "no memory for the guest's initramfs");
	if (lib.write_set_format_cpio_newc(making->archive) != ARCHIVE_OK ||
	    lib.write_open_fd(making->archive, fd) != ARCHIVE_OK)
		error = cannot_write(making);
	else
		error = put_all(making, options);
	if (!error && lib.write_close(making->archive) != ARCHIVE_OK)
		error = cannot_write(making);
	lib.write_free(making->archive);
	for (size_t i = 0; i < making->count; i++)
		free(making->names[i]);
	return error;
}

int initramfs_make(int *fd, struct iov *iov, const struct initramfs_options *options)
{
	struct making making = {.iov = iov};
	const char *why = late_library(lib, "libarchive.so.13", "libarchive13");
	int error;

	*fd = -1;
	if (why)
		return iov_told(iov, -ENOSYS, "the guest's initramfs is written by libarchive: %s", why);
	*fd = memfd_create("initramfs", MFD_CLOEXEC);
	if (*fd < 0)
		return iov_told(iov, -errno, "no file in memory for the guest's initramfs: %s",
				strerror(errno));
	error = write_archive(&making, *fd, options);
	if (error) {
		close(*fd);
		*fd = -1;
	}
	return error;
}
