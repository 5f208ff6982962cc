// SPDX-License-Identifier: GPL-2.0-or-later
#include "claims/record.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/sysroot/paths.h"
#include "base/sysroot/replace.h"
#include "base/sysroot/sysroot.h"
#include "claims/store.h"

#define RECORDS IOV_PATH_RUN "/claims.json"
#define LOCK IOV_PATH_RUN "/claims.lock"
/* Nobody who renews waits longer, as there is a fence to begin. */
#define LOCK_MS 1000
#define LOCK_PAUSE_MS 2

int claims_fail_file(struct iov *iov, const char *path, int error)
{
	return iov_told(iov, error, "/%s: %s%s", path, strerror(-error), error == -EACCES ? "; run it with sudo" : "");
}

/* Whoever can open it can lock it, so nobody else can. */
static int open_lock(struct iov *iov, const char *path)
{
	int lock, error;

	sys_make_folders(iov, path);
	lock = openat(iov_sys_root_fd(iov), path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (lock < 0)
		return -errno;
	if (!fchmod(lock, 0600))
		return lock;
	error = -errno;
	close(lock);
	return error;
}

int claims_lock(struct iov *iov, const char *path, int64_t wait)
{
	const struct timespec pause = { .tv_nsec = LOCK_PAUSE_MS * 1000000L };
	int lock = open_lock(iov, path), error;
	int64_t end = boot_ms() + wait;

	while (lock >= 0 && flock(lock, LOCK_EX | LOCK_NB)) {
		error = errno == EWOULDBLOCK ? -EBUSY : -errno;
		if (error != -EINTR && (error != -EBUSY || boot_ms() >= end)) {
			close(lock);
			return error;
		}
		nanosleep(&pause, NULL);
	}
	return lock;
}

/* Who wrote something else there knows no more of what is claimed than we. */
int claims_records(struct iov *iov, struct json_object **records)
{
	_cleanup_free_ char *text = NULL;
	int error = iov_sys_read_all(iov, RECORDS, &text, NULL);

	*records = NULL;
	if (error && error != -ENOENT)
		return claims_fail_file(iov, RECORDS, error);
	*records = text ? json_tokener_parse(text) : json_object_new_array();
	if (json_object_is_type(*records, json_type_array))
		return 0;
	json_object_put(*records);
	*records = NULL;
	return iov_fail(iov, -EPROTO, "/" RECORDS ": is no list of claims; release what 'iov fleet list' has of this "
			"host, remove the file, and claim it again");
}

size_t claims_find_name(struct json_object *array, const char *name)
{
	size_t i = 0;

	while (i < json_object_array_length(array) &&
	       strcmp(json_text(json_object_array_get_idx(array, i), "name"), name) != 0)
		i++;
	return i;
}

/* As it is written: its name comes first. */
static struct json_object *find_text(const char *text, const char *name)
{
	_cleanup_json_ struct json_object *string = json_object_new_string(name);
	_cleanup_free_ char *begin = NULL;
	struct json_tokener *tokener;
	struct json_object *record = NULL;
	const char *at;

	if (asprintf(&begin, "{\"name\":%s,", json_object_to_json_string_ext(string, JSON_C_TO_STRING_PLAIN)) < 0)
		return NULL;
	at = strstr(text, begin);
	tokener = at ? json_tokener_new() : NULL;
	if (tokener) {
		record = json_tokener_parse_ex(tokener, at, -1);
		json_tokener_free(tokener);
	}
	return record;
}

bool claims_is_recorded(struct iov *iov, const char *name, int64_t revision)
{
	_cleanup_json_ struct json_object *record = NULL, *records = NULL;
	_cleanup_free_ char *text = NULL;
	int error = iov_sys_read_all(iov, RECORDS, &text, NULL);

	if (error)
		return error != -ENOENT;
	record = find_text(text, name);
	if (record)
		return claims_number(record, "revision") == revision;
	if (claims_records(iov, &records))
		return true;
	return claims_number(json_object_array_get_idx(records, claims_find_name(records, name)), "revision") == revision;
}

static int write_records(struct iov *iov, struct json_object *records)
{
	int error = sys_replace(iov, RECORDS, json_object_to_json_string_ext(records, JSON_C_TO_STRING_PLAIN), false);

	return error ? claims_fail_file(iov, RECORDS, error) : 0;
}

/* Replace the record of a name, NULL: drop it. */
static int change(struct iov *iov, const char *name, int64_t revision, struct json_object *record)
{
	_cleanup_json_ struct json_object *records = NULL;
	_cleanup_fd_ int lock = claims_lock(iov, LOCK, LOCK_MS);
	int error = lock < 0 ? claims_fail_file(iov, LOCK, lock) : claims_records(iov, &records);
	size_t at, count;

	if (error)
		return error;
	at = claims_find_name(records, name);
	count = json_object_array_length(records);
	if (revision && (at == count ||
			 claims_number(json_object_array_get_idx(records, at), "revision") != revision))
		return 0;
	if (record)
		json_object_array_put_idx(records, at, json_object_get(record));
	else if (at < count)
		json_object_array_del_idx(records, at, 1);
	else
		return 0;
	return write_records(iov, records);
}

int claims_record_put(struct iov *iov, struct json_object *record)
{
	int error = change(iov, json_text(record, "name"), 0, record);

	json_object_put(record);
	return error;
}

int claims_record_update(struct iov *iov, struct json_object *record)
{
	return change(iov, json_text(record, "name"), claims_number(record, "revision"), record);
}

int claims_record_drop(struct iov *iov, const char *name, int64_t revision)
{
	return change(iov, name, revision, NULL);
}

int64_t claims_inode(struct iov *iov, struct iov_bdf bdf)
{
	_cleanup_fd_ int dir = iov_sys_open(iov, iov_path(IOV_PATH_PCI_DEVICES "/%s", IOV_BDF(bdf)).name,
					    O_PATH | O_DIRECTORY);
	struct stat stat;

	if (dir == -ENOENT || dir == -ENODEV)
		return 0;
	if (dir < 0)
		return dir;
	return fstat(dir, &stat) ? -errno : (int64_t)stat.st_ino;
}
