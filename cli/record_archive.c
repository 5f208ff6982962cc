// SPDX-License-Identifier: GPL-2.0-or-later
/* Records as archives: tar in gzip, by libarchive. */
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/late_library.h"
#include "base/pci/topology.h"
#include "base/sysroot/sysroot.h"
#include "cli/record.h"

/* What is used of libarchive. */
#define FUNCTIONS(X) \
	X(entry_clear, archive_entry_clear) X(entry_filetype, archive_entry_filetype) \
	X(entry_free, archive_entry_free) X(entry_hardlink, archive_entry_hardlink) \
	X(entry_new, archive_entry_new) X(entry_pathname, archive_entry_pathname) \
	X(entry_set_filetype, archive_entry_set_filetype) \
	X(entry_set_mtime, archive_entry_set_mtime) \
	X(entry_set_pathname, archive_entry_set_pathname) \
	X(entry_set_perm, archive_entry_set_perm) X(entry_set_size, archive_entry_set_size) \
	X(entry_set_symlink, archive_entry_set_symlink) \
	X(entry_symlink, archive_entry_symlink) X(error_string, archive_error_string) \
	X(read_data, archive_read_data) X(read_free, archive_read_free) \
	X(read_new, archive_read_new) X(read_next_header, archive_read_next_header) \
	X(read_open_filename, archive_read_open_filename) \
	X(read_support_filter_gzip, archive_read_support_filter_gzip) \
	X(read_support_format_tar, archive_read_support_format_tar) \
	X(write_add_filter_gzip, archive_write_add_filter_gzip) \
	X(write_close, archive_write_close) X(write_data, archive_write_data) \
	X(write_free, archive_write_free) X(write_header, archive_write_header) \
	X(write_new, archive_write_new) X(write_open_FILE, archive_write_open_FILE) \
	X(write_set_format_pax_restricted, archive_write_set_format_pax_restricted)

LATE_LIBRARY(lib, FUNCTIONS);

/* More than any host has: a function has some thirty files, and a thousand of them a few megabytes. */
#define ENTRIES_MAX 500000
#define BYTES_MAX (512ULL << 20)
#define FILE_MAX (64ULL << 20)
/* The deepest function is below so many bridges; in front of it is its bus, behind it a disk or a queue. */
#define DEPTH_MAX (IOV_ANCESTORS_MAX + 16)

static const char *load(void)
{
	return late_library(lib, "libarchive.so.13", "libarchive13");
}

/* Writing */

static int put_entry(struct archive *archive, struct archive_entry *header,
		     const struct record_entry *entry)
{
	lib.entry_clear(header);
	lib.entry_set_pathname(header, entry->path);
	lib.entry_set_mtime(header, 0, 0);
	lib.entry_set_size(header, entry->type == RECORD_FILE ? (int64_t)entry->length : 0);
	lib.entry_set_filetype(header, entry->type == RECORD_FILE ? AE_IFREG :
				   entry->type == RECORD_LINK ? AE_IFLNK : AE_IFDIR);
	lib.entry_set_perm(header, entry->type == RECORD_FILE ? 0644 : 0755);
	if (entry->type == RECORD_LINK)
		lib.entry_set_symlink(header, entry->data);
	if (lib.write_header(archive, header) != ARCHIVE_OK)
		return -EIO;
	if (entry->type == RECORD_FILE &&
	    lib.write_data(archive, entry->data, entry->length) != (la_ssize_t)entry->length)
		return -EIO;
	return 0;
}

static int put_entries(struct archive *archive, struct archive_entry *header, const char *entries,
		       struct record_names *names, struct record_size *size)
{
	_cleanup_json_ struct json_object *seen = json_object_new_object();
	struct record_entry entry;
	int error = 0;

	for (const char *at = entries; names && record_next(&at, &entry);)
		record_names_learn(names, &entry);
	while (!error && record_next(&entries, &entry)) {
		/* One class has a device in it that another class is stacked on. */
		if (json_object_object_get_ex(seen, entry.path, NULL))
			continue;
		json_object_object_add(seen, entry.path, NULL);
		error = names ? record_names_replace(names, &entry) : 0;
		if (!error)
			error = put_entry(archive, header, &entry);
		size->entries++;
		size->bytes += entry.length;
	}
	return error;
}

int record_write(struct iov *iov, FILE *file, const char *entries, struct record_names *names,
		 struct record_size *size)
{
	struct archive_entry *header;
	struct archive *archive;
	const char *why = load();
	int error = -ENOMEM;

	*size = (struct record_size){ 0 };
	if (why)
		return iov_told(iov, -ENOSYS, "%s", why);
	header = lib.entry_new();
	archive = lib.write_new();
	if (header && archive && !lib.write_set_format_pax_restricted(archive) &&
	    !lib.write_add_filter_gzip(archive) && !lib.write_open_FILE(archive, file))
		error = put_entries(archive, header, entries, names, size);
	if (!error && lib.write_close(archive) != ARCHIVE_OK)
		error = -EIO;
	if (error)
		error = iov_told(iov, error, "the record cannot be written: %s",
				 archive && lib.error_string(archive) ? lib.error_string(archive) :
									    strerror(-error));
	lib.entry_free(header);
	lib.write_free(archive);
	return error;
}

/* Reading */

struct unpack {
	int directory;
	const char *file;
	struct record_size size;
	char *message;
	size_t message_size;
};

__attribute__((format(printf, 3, 4)))
static int refuse(struct unpack *unpack, const char *path, const char *format, ...)
{
	size_t length;
	va_list args;

	length = (size_t)snprintf(unpack->message, unpack->message_size, "%s: %s: ", unpack->file, path);
	va_start(args, format);
	if (length < unpack->message_size)
		vsnprintf(unpack->message + length, unpack->message_size - length, format, args);
	va_end(args);
	return -EINVAL;
}

static int refuse_more(struct unpack *unpack, const char *path)
{
	return refuse(unpack, path, "more than the %d files, folders and links that a record has at most",
		      ENTRIES_MAX);
}

/*
 * A path without "./" in front, or "/" behind; false for what is not plainly below the root, or
 * deeper than anything of a host.
 */
static bool clean(const char *path, struct iov_path *cleaned)
{
	_cleanup_free_ char *copy = strdup(path ? path : "/");
	char *rest = copy, *part;
	unsigned int depth = 0;

	*cleaned = iov_path("%s", "");
	if (!copy || *copy == '/' || strlen(copy) >= IOV_PATH_MAX)
		return false;
	while ((part = strsep(&rest, "/"))) {
		if (!*part || !strcmp(part, "."))
			continue;
		if (!strcmp(part, "..") || ++depth > DEPTH_MAX)
			return false;
		*cleaned = iov_path("%s%s%s", cleaned->name, *cleaned->name ? "/" : "", part);
	}
	return true;
}

static int open_folder(int directory, const char *path)
{
	struct open_how how = {
		.flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS,
	};

	return (int)syscall(SYS_openat2, directory, *path ? path : ".", &how, sizeof(how));
}

/* One folder, which counts as an entry, as no entry need say that it is there. */
static int make_one(struct unpack *unpack, const char *path)
{
	return ++unpack->size.entries > ENTRIES_MAX ? -1 : mkdirat(unpack->directory, path, 0700);
}

/* The folder of a path, made with those above it; no link is followed to it. */
static int make_folder(struct unpack *unpack, const char *path)
{
	struct iov_path folder = iov_path("%s", path);
	int directory = unpack->directory, fd = open_folder(directory, path);

	if (fd >= 0 || errno != ENOENT)
		return fd;
	for (char *slash = folder.name; (slash = strchr(slash, '/')); *slash++ = '/') {
		*slash = '\0';
		fd = open_folder(directory, folder.name);
		if (fd >= 0)
			close(fd);
		else if (errno != ENOENT || make_one(unpack, folder.name))
			return -1;
	}
	return make_one(unpack, path) ? -1 : open_folder(directory, path);
}

/* Up to the root, and down again: a link of sysfs.  Others lead to nodes of devices by their name. */
static bool stays_inside(const char *path, const char *target)
{
	_cleanup_free_ char *copy = strdup(target);
	char *rest = copy, *part;
	int depth = 0;

	for (const char *at = path; (at = strchr(at, '/')); at++)
		depth++;
	if (*target == '/')
		depth = 0;
	while (copy && (part = strsep(&rest, "/"))) {
		if (!*part || !strcmp(part, "."))
			continue;
		depth += strcmp(part, "..") ? 1 : -1;
		if (depth < 0)
			return false;
	}
	return copy && (*target != '/' || !strncmp(path, "proc/", strlen("proc/")));
}

static int copy_content(struct unpack *unpack, struct archive *archive, const char *path, int fd)
{
	char block[16384];
	uint64_t length = 0;
	la_ssize_t got;

	while ((got = lib.read_data(archive, block, sizeof(block))) > 0) {
		length += (uint64_t)got;
		unpack->size.bytes += (uint64_t)got;
		if (length > FILE_MAX || unpack->size.bytes > BYTES_MAX)
			return refuse(unpack, path, "too large for a record, which has at most %llu MiB, and "
				      "%llu MiB a file", BYTES_MAX >> 20, FILE_MAX >> 20);
		for (la_ssize_t done = 0, written; done < got; done += written) {
			written = write(fd, block + done, (size_t)(got - done));
			if (written < 0)
				return refuse(unpack, path, "cannot be unpacked: %s", strerror(errno));
		}
	}
	return got < 0 ? -ENODATA : 0;
}

static int unpack_file(struct unpack *unpack, struct archive *archive, const char *path, int folder,
		       const char *name)
{
	_cleanup_fd_ int fd = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0)
		return refuse(unpack, path, "cannot be unpacked: %s", strerror(errno));
	return copy_content(unpack, archive, path, fd);
}

static int unpack_link(struct unpack *unpack, struct archive_entry *header, const char *path, int folder,
		       const char *name)
{
	const char *target = lib.entry_symlink(header);

	if (!target || !*target || strlen(target) >= IOV_PATH_MAX || !stays_inside(path, target))
		return refuse(unpack, path, "a link that leads out of the record: '%s'",
			      target ? target : "");
	return symlinkat(target, folder, name) ?
		       refuse(unpack, path, "cannot be unpacked: %s", strerror(errno)) : 0;
}

static int unpack_entry(struct unpack *unpack, struct archive *archive, struct archive_entry *header)
{
	const char *path = lib.entry_pathname(header), *name;
	const unsigned int type = lib.entry_filetype(header);
	_cleanup_fd_ int folder = -1;
	struct iov_path cleaned, above;

	if (++unpack->size.entries > ENTRIES_MAX)
		return refuse_more(unpack, path ? path : "");
	if (!clean(path, &cleaned))
		return refuse(unpack, path ? path : "", "no path below the root of a record, or one of more "
			      "than %d folders", DEPTH_MAX - 1);
	if (lib.entry_hardlink(header) ||
	    (type != AE_IFREG && type != AE_IFLNK && type != AE_IFDIR))
		return refuse(unpack, path, "neither a file nor a folder nor a symbolic link, of which "
					    "alone a record is made");
	if (!*cleaned.name)
		return 0;
	above = cleaned;
	name = strrchr(above.name, '/') ? strrchr(cleaned.name, '/') + 1 : cleaned.name;
	*(strrchr(above.name, '/') ? strrchr(above.name, '/') : above.name) = '\0';
	folder = make_folder(unpack, type == AE_IFDIR ? cleaned.name : above.name);
	if (folder < 0 && unpack->size.entries > ENTRIES_MAX)
		return refuse_more(unpack, path);
	if (folder < 0)
		return refuse(unpack, path, "its folder cannot be made, or is a link");
	if (type == AE_IFLNK)
		return unpack_link(unpack, header, cleaned.name, folder, name);
	return type == AE_IFDIR ? 0 : unpack_file(unpack, archive, cleaned.name, folder, name);
}

static int unpack_all(struct unpack *unpack, struct archive *archive)
{
	struct archive_entry *header;
	int error = 0, status = ARCHIVE_OK;

	while (!error && (status = lib.read_next_header(archive, &header)) >= ARCHIVE_WARN &&
	       status != ARCHIVE_EOF)
		error = unpack_entry(unpack, archive, header);
	if (error && error != -ENODATA)
		return error;
	if (status == ARCHIVE_EOF && !error)
		return 0;
	snprintf(unpack->message, unpack->message_size, "%s: %s%s", unpack->file,
		 lib.error_string(archive) ? lib.error_string(archive) : "damaged",
		 unpack->size.entries ? "; what comes behind that is missing" :
					"; expected a record that 'iov record' wrote");
	return unpack->size.entries ? 0 : -EINVAL;
}

int record_unpack(const char *path, int directory, char *message, size_t size)
{
	struct unpack unpack = { .directory = directory, .file = path, .message = message,
				 .message_size = size };
	struct archive *archive;
	const char *why = load();
	int error;

	snprintf(message, size, "%s", why ? why : "");
	if (why)
		return -ENOSYS;
	archive = lib.read_new();
	if (!archive)
		return -ENOMEM;
	lib.read_support_format_tar(archive);
	lib.read_support_filter_gzip(archive);
	if (lib.read_open_filename(archive, path, 1 << 16) == ARCHIVE_OK) {
		error = unpack_all(&unpack, archive);
	} else {
		snprintf(message, size, "%s: %s; expected a record that 'iov record' wrote", path,
			 lib.error_string(archive));
		error = -EINVAL;
	}
	lib.read_free(archive);
	return error;
}
