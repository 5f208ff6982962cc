// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The journal: the change that is under way, one JSON object a line.
 *
 *	{"plan": {...}, "pid": 71, "time": "2026-01-31T12:00:00Z", "boot": "..."}
 *	{"begin": 0}
 *	{"end": 0}
 *
 * True at all times: a line is on disk before what it announces happens; the
 * file exists exactly while a change is under way or was interrupted; whoever
 * writes it holds the lock.  The child that makes a write inherits the lock,
 * so a killed iov keeps it until the kernel has answered.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/context.h"
#include "base/paths.h"
#include "base/plan_engine.h"

#define LOCK_WAIT_MS 30000
#define LOCK_POLL_MS 20

static int fail_state(struct iov *iov, int error, const char *doing)
{
	if (error == -EACCES || error == -EPERM || error == -EROFS)
		return iov_fail(iov, error, "changing the host needs root and a writable /%s (%s): "
				"%s; run it with sudo", IOV_PATH_STATE, doing, strerror(-error));
	return iov_fail(iov, error, "cannot %s in /%s: %s; nothing was changed", doing,
			IOV_PATH_STATE, strerror(-error));
}

/* Make the state directory with its parents and open it. */
static int open_directory(struct iov *iov)
{
	char path[] = IOV_PATH_STATE;
	int fd;

	for (char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdirat(iov->root_fd, path, 0755);
		*slash = '/';
	}
	mkdirat(iov->root_fd, path, 0700);
	fd = iov_sys_open(iov, path, O_RDONLY | O_DIRECTORY);
	return fd < 0 ? fail_state(iov, fd, "open the journal") : fd;
}

static int fail_locked(struct iov *iov, int lock)
{
	char pid[32] = "", comm[64] = "";
	ssize_t length = pread(lock, pid, sizeof(pid) - 1, 0);

	if (length > 0) {
		pid[strcspn(pid, "\n")] = '\0';
		iov_sys_read(iov, iov_path(IOV_PATH_PROC "/%s/comm", pid).name, comm, sizeof(comm));
	}
	return iov_fail(iov, -EBUSY, "another change is under way: pid %s (%s) holds the lock; "
			"wait for it to end", *pid ? pid : "?", *comm ? comm : "gone, its last "
			"write to the kernel still runs");
}

int journal_lock(struct iov *iov, struct journal *journal)
{
	struct timespec pause = { .tv_nsec = LOCK_POLL_MS * 1000000L };

	journal->file = -1;
	journal->lock = -1;
	journal->directory = open_directory(iov);
	if (journal->directory < 0)
		return journal->directory;
	journal->lock = openat(journal->directory, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (journal->lock < 0) {
		int error = -errno;

		journal_unlock(journal);
		return fail_state(iov, error, "open the lock");
	}
	for (int waited = 0; flock(journal->lock, LOCK_EX | LOCK_NB); waited += LOCK_POLL_MS) {
		if (waited >= LOCK_WAIT_MS || errno != EWOULDBLOCK) {
			int error = fail_locked(iov, journal->lock);

			journal_unlock(journal);
			return error;
		}
		nanosleep(&pause, NULL);
	}
	/* Only for the message of whoever waits; losing it harms nobody. */
	if (!ftruncate(journal->lock, 0))
		dprintf(journal->lock, "%d\n", (int)getpid());
	return 0;
}

void journal_unlock(struct journal *journal)
{
	if (journal->file >= 0)
		close(journal->file);
	if (journal->lock >= 0)
		close(journal->lock);
	if (journal->directory >= 0)
		close(journal->directory);
}

static int write_line(struct iov *iov, struct journal *journal, struct json_object *line)
{
	const char *text = json_object_to_json_string_ext(line, JSON_C_TO_STRING_PLAIN);
	size_t length = strlen(text);
	int error = 0;

	errno = EIO;
	if (write(journal->file, text, length) != (ssize_t)length ||
	    write(journal->file, "\n", 1) != 1 || fsync(journal->file))
		error = fail_state(iov, -errno, "write the journal");
	json_object_put(line);
	return error;
}

int journal_create(struct iov *iov, struct journal *journal, struct json_object *plan)
{
	struct json_object *line = json_object_new_object();
	char boot[64] = "", now[32];
	time_t seconds = time(NULL);
	struct tm tm;
	int error;

	journal->file = openat(journal->directory, "journal",
			       O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
	if (journal->file < 0) {
		error = -errno;
		json_object_put(line);
		return fail_state(iov, error, "create the journal");
	}
	iov_sys_read(iov, IOV_PATH_BOOT_ID, boot, sizeof(boot));
	strftime(now, sizeof(now), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&seconds, &tm));
	json_object_object_add(line, "plan", json_object_get(plan));
	json_object_object_add(line, "pid", json_object_new_int(getpid()));
	json_object_object_add(line, "time", json_object_new_string(now));
	json_object_object_add(line, "boot", json_object_new_string(boot));
	error = write_line(iov, journal, line);
	if (!error && fsync(journal->directory))
		error = fail_state(iov, -errno, "write the journal");
	if (error)
		unlinkat(journal->directory, "journal", 0);
	return error;
}

int journal_note(struct iov *iov, struct journal *journal, const char *event, size_t step)
{
	struct json_object *line = json_object_new_object();

	json_object_object_add(line, event, json_object_new_int64((int64_t)step));
	return write_line(iov, journal, line);
}

int journal_remove(struct iov *iov, struct journal *journal)
{
	if (unlinkat(journal->directory, "journal", 0) && errno != ENOENT)
		return fail_state(iov, -errno, "remove the journal");
	fsync(journal->directory);
	return 0;
}

/* Fold the lines into the first; a torn last line was never acted upon. */
static struct json_object *fold_lines(char *text)
{
	struct json_object *journal = NULL, *line, *step;
	int64_t begun = 0, ended = 0;
	char *rest = text;

	for (char *row; (row = strsep(&rest, "\n")) && rest;) {
		line = json_tokener_parse(row);
		if (!journal) {
			journal = line;
			continue;
		}
		if (json_object_object_get_ex(line, "begin", &step))
			begun = json_object_get_int64(step) + 1;
		if (json_object_object_get_ex(line, "end", &step))
			ended = json_object_get_int64(step) + 1;
		json_object_put(line);
	}
	if (!journal)
		journal = json_object_new_object();
	json_object_object_add(journal, "begun", json_object_new_int64(begun));
	json_object_object_add(journal, "ended", json_object_new_int64(ended));
	return journal;
}

int journal_read(struct iov *iov, struct journal *journal, struct json_object **out)
{
	_cleanup_free_ char *text = NULL;
	int error;

	*out = NULL;
	error = iov_sys_read_all(iov, IOV_PATH_STATE "/journal", &text, NULL);
	if (error == -ENOENT)
		return 0;
	if (error)
		return fail_state(iov, error, "read the journal");
	*out = fold_lines(text);
	if (journal && journal->directory >= 0) {
		journal->file = openat(journal->directory, "journal",
				       O_WRONLY | O_APPEND | O_CLOEXEC);
		if (journal->file < 0)
			return fail_state(iov, -errno, "open the journal");
	}
	return 0;
}
