// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Names that only a native driver or configuration space tells, kept for when the function
 * is bound to vfio-pci or sleeps:
 *	{"boot": "...", "functions": {"0000:01:00.0": {"inode": 123, "names": [...]}}}
 *
 * True at all times: a name is recalled only of the very function that told it.
 * The inode of a function's directory in sysfs is given once in the life of a
 * kernel, so a card that was pulled and plugged, or replaced, is another one; and
 * what an earlier boot remembered does not count.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/context.h"
#include "base/pci/identity_names.h"
#include "base/sysroot/paths.h"

#define FILE_NAME "identities"

struct json_object *memory_empty(struct iov *iov)
{
	struct json_object *memory = json_object_new_object();
	char boot[64] = "";

	iov_sys_read(iov, IOV_PATH_BOOT_ID, boot, sizeof(boot));
	json_object_object_add(memory, "boot", json_object_new_string(boot));
	json_object_object_add(memory, "functions", json_object_new_object());
	return memory;
}

struct json_object *memory_read(struct iov *iov)
{
	_cleanup_json_ struct json_object *memory = NULL;
	struct json_object *empty = memory_empty(iov);
	_cleanup_free_ char *text = NULL;

	if (iov_sys_read_all(iov, IOV_PATH_STATE "/" FILE_NAME, &text, NULL))
		return empty;
	memory = json_tokener_parse(text);
	if (!json_object_equal(json_object_object_get(memory, "boot"),
			       json_object_object_get(empty, "boot")) ||
	    !json_object_is_type(json_object_object_get(memory, "functions"), json_type_object))
		return empty;
	json_object_put(empty);
	return json_object_get(memory);
}

static struct json_object *entry_of(struct json_object *memory,
				    const struct function_names *function)
{
	struct json_object *functions = json_object_object_get(memory, "functions");

	return json_object_object_get(functions, IOV_BDF(function->bdf));
}

static bool has_name(const struct function_names *function, const char *name)
{
	for (size_t i = 0; i < function->count; i++) {
		if (!strcasecmp(function->names[i], name))
			return true;
	}
	return false;
}

void memory_recall(struct json_object *memory, struct function_names *function)
{
	struct json_object *entry = entry_of(memory, function);
	struct json_object *names = json_object_object_get(entry, "names");
	char kind[16], value[IOV_IDENTITY_SIZE];

	if (!json_object_is_type(names, json_type_array) ||
	    json_object_get_uint64(json_object_object_get(entry, "inode")) != function->inode)
		return;
	for (size_t i = 0; i < json_object_array_length(names); i++) {
		const char *name = json_object_get_string(json_object_array_get_idx(names, i));

		if (name && !has_name(function, name) && sscanf(name, "%15[a-z]=%127[^\n]", kind, value) == 2)
			names_add(function, kind, value);
	}
}

void memory_note(struct json_object *memory, const struct function_names *function)
{
	struct json_object *names = json_object_new_array();
	struct json_object *entry = json_object_new_object();

	for (size_t i = 0; i < function->told; i++)
		json_object_array_add(names, json_object_new_string(function->names[i]));
	json_object_object_add(entry, "inode", json_object_new_uint64(function->inode));
	json_object_object_add(entry, "names", names);
	json_object_object_add(json_object_object_get(memory, "functions"), IOV_BDF(function->bdf),
			       entry);
}

static int write_file(int dir, const char *text)
{
	_cleanup_fd_ int fd = openat(dir, FILE_NAME ".new",
				     O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	size_t length = strlen(text);

	if (fd < 0)
		return -errno;
	errno = ENOSPC;
	if (write(fd, text, length) != (ssize_t)length ||
	    renameat(dir, FILE_NAME ".new", dir, FILE_NAME))
		return -errno;
	return 0;
}

int memory_write(struct iov *iov, struct json_object *memory)
{
	_cleanup_fd_ int dir = iov_sys_open(iov, IOV_PATH_STATE, O_RDONLY | O_DIRECTORY);

	return dir < 0 ? dir : write_file(dir, json_object_to_json_string_ext(memory,
								JSON_C_TO_STRING_PLAIN));
}
