// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The operation "huge-pages".  The kernel makes as many as it finds memory for and calls
 * that success, so the number is read back.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/sysroot/paths.h"
#include "plugins/internal.h"

/* Beyond nr_hugepages there may be pages that go as soon as they are free. */
int iov_huge_pages_read(struct iov *iov, const char *directory, unsigned int *count)
{
	int64_t all, surplus = 0;
	int error = iov_sys_read_number(iov, iov_path("%s/nr_hugepages", directory).name, &all);

	if (error)
		return error;
	iov_sys_read_number(iov, iov_path("%s/surplus_hugepages", directory).name, &surplus);
	*count = (unsigned int)(all - surplus);
	return 0;
}

struct json_object *iov_op_huge_pages(const char *directory, unsigned int count,
				      const char *advice)
{
	struct json_object *op = json_object_new_object();
	struct iov_path path = iov_path("%s/nr_hugepages", directory);

	json_object_object_add(op, "op", json_object_new_string(huge_pages_kind.name));
	json_object_object_add(op, "path", json_object_new_string(path.name));
	json_object_object_add(op, "value", json_object_new_string(iov_path("%u", count).name));
	json_object_object_add(op, "advice", json_object_new_string(advice));
	return op;
}

static int run_huge_pages(struct iov *iov, struct json_object *op)
{
	const char *path = json_text(op, "path"), *value = json_text(op, "value");
	unsigned int wanted = (unsigned int)strtoul(value, NULL, 10), got = 0;
	struct iov_path directory = iov_path("%.*s", (int)(strrchr(path, '/') - path), path);
	int error = iov_sys_write(iov, path, value);

	if (!error)
		error = iov_huge_pages_read(iov, directory.name, &got);
	if (error)
		return iov_fail(iov, error, "%s", strerror(-error));
	if (got >= wanted)
		return 0;
	return iov_fail(iov, -ENOMEM, "the kernel found memory for %u of %u; %s", got, wanted,
			json_text(op, "advice"));
}

static void describe_huge_pages(struct json_object *op, char *text, size_t size)
{
	snprintf(text, size, "write '%s' to /%s", json_text(op, "value"), json_text(op, "path"));
}

const struct iov_op_kind huge_pages_kind = { "huge-pages", run_huge_pages, describe_huge_pages };
