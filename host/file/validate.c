// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What can be told to be wrong in a host file without a look at the host: the checks that
 * all parts of it share, modules and huge pages.
 */
#include "host/file/validate.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

static const char name_characters[] =
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

int fail_value(const struct check *check, const char *where, const char *value,
	       const char *expected)
{
	return iov_host_fail(check->file, -EINVAL, where, "%s: expected %s", host_show(value).text,
			     expected);
}

int check_word(const struct check *check, const char *where, const char *value,
	       const char *const *words, const char *expected)
{
	for (size_t i = 0; value && words[i]; i++) {
		if (!strcmp(words[i], value))
			return 0;
	}
	return value ? fail_value(check, where, value, expected) : 0;
}

int check_range(const struct check *check, const char *where, const unsigned int *value,
		unsigned int least, unsigned int most)
{
	if (!value || (*value >= least && *value <= most))
		return 0;
	return iov_host_fail(check->file, -EINVAL, where, "%u: expected a number from %u to %u",
			     *value, least, most);
}

int check_name(const struct check *check, const char *where, const char *name)
{
	if (!name || (strlen(name) <= NAME_LENGTH_MAX &&
		      strspn(name, name_characters) == strlen(name) && *name != '.'))
		return 0;
	return fail_value(check, where, name,
			  "a name: 1 to 63 letters, digits, dots, underscores "
			  "and dashes, no dot in front");
}

int check_once(const struct check *check, const char *where, const char *kind, const char *value)
{
	_cleanup_free_ char *key = NULL;
	struct json_object *first;

	if (asprintf(&key, "%s %s", kind, value) < 0)
		return -ENOMEM;
	if (!json_object_object_get_ex(check->seen, key, &first)) {
		json_object_object_add(check->seen, key, json_object_new_string(where));
		return 0;
	}
	return iov_host_fail(check->file, -EINVAL, where,
			     "%s: %s has this %s already, line %u; "
			     "expected it once",
			     host_show(value).text, json_object_get_string(first), kind,
			     host_line(check->file, json_object_get_string(first)));
}

/* A power of two with its unit, as the kernel's own "hugepagesz=" takes it. */
static int check_page_size(const struct check *check, const char *where, const char *size)
{
	char *end;
	unsigned long number = strtoul(size, &end, 10);

	if (*size >= '1' && *size <= '9' && number && number <= 1024 && !(number & (number - 1)) &&
	    strchr("KMG", *end) && *end && !end[1])
		return 0;
	return fail_value(check, where, size, "the size of a huge page, like 2M or 1G");
}

static int check_huge_pages(const struct check *check, unsigned int index,
			    const struct iov_host_huge_pages *pages)
{
	const char *kind = pages->node ? "size and node" : "size";
	int error = check_page_size(check, PLACE("huge_pages[%u].size", index), pages->size);

	if (!error)
		error = check_range(check, PLACE("huge_pages[%u].node", index), pages->node, 0,
				    1023);
	if (error)
		return error;
	return check_once(check, PLACE("huge_pages[%u]", index), kind,
			  pages->node ? PLACE("%s of node %u", pages->size, *pages->node)
				      : pages->size);
}

/* Pages of the whole host and pages of its nodes would undo each other. */
static int check_huge_page_scopes(const struct check *check, const struct iov_host *host)
{
	for (unsigned int i = 0; i < host->huge_page_count; i++) {
		struct json_object *first;

		if (host->huge_pages[i].node &&
		    json_object_object_get_ex(check->seen,
					      PLACE("size %s", host->huge_pages[i].size), &first))
			return iov_host_fail(check->file, -EINVAL, PLACE("huge_pages[%u]", i),
					     "pages "
					     "of %s are counted for the whole host by %s; expected "
					     "either that or nodes",
					     host->huge_pages[i].size,
					     json_object_get_string(first));
	}
	return 0;
}

static int check_host(const struct check *check, const struct iov_host *host)
{
	int error = check_range(check, "version", host->version, 1, 1);

	for (unsigned int i = 0; !error && i < host->module_count; i++)
		error = check_name(check, PLACE("modules[%u]", i), host->modules[i]);
	for (unsigned int i = 0; !error && i < host->huge_page_count; i++)
		error = check_huge_pages(check, i, &host->huge_pages[i]);
	if (!error)
		error = check_huge_page_scopes(check, host);
	for (unsigned int i = 0; !error && i < host->device_count; i++)
		error = check_device(check, PLACE("devices[%u]", i), &host->devices[i]);
	for (unsigned int i = 0; !error && i < host->mdev_count; i++)
		error = check_mdev(check, PLACE("mdevs[%u]", i), &host->mdevs[i]);
	for (unsigned int i = 0; !error && i < host->vdpa_count; i++)
		error = check_vdpa(check, PLACE("vdpas[%u]", i), &host->vdpas[i]);
	if (!error && host->iovd)
		error = check_iovd(check, host->iovd);
	return error;
}

int host_validate(const struct iov_host_file *file)
{
	_cleanup_json_ struct json_object *seen = json_object_new_object();
	struct check check = {file, seen};

	return check_host(&check, iov_host_of(file));
}
