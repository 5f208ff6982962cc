// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The journal: the change that is under way, one JSON object a line.
 *
 *	{"plan": {...}, "pid": 71, "time": "2026-01-31T12:00:00Z", "boot": "..."}
 *	{"begin": 0}
 *	{"end": 0}
 *	{"undo": 0}
 *	{"undone": 0}
 *	{"awaits": 3600}
 *
 * True at all times: "begin" and "undo" are on disk before what they announce happens;
 * the file exists exactly while a change is under way, was interrupted or awaits
 * confirmation; whoever
 * writes it holds the lock.  The child that makes a write inherits the lock, so a
 * killed iov keeps it until the kernel has answered.
 *
 * The room for all notes is taken from the disk with the first line, so that a full
 * disk is known before anything changes.  Behind the notes the file is zeros.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/context.h"
#include "base/plan/plan.h"
#include "base/plan/plan_engine.h"
#include "base/sysroot/paths.h"
#include "base/sysroot/writer.h"

#define LOCK_POLL_MS 20
/* After this time a person wonders what the command waits for. */
#define LOCK_SAY_MS 1000
/* Longest note, and most notes of a step in a run: it is done and then undone. */
#define NOTE_SIZE 32
#define NOTES_OF_STEP 4

static int fail_state(struct iov *iov, int error, const char *doing)
{
	if (error == -EACCES || error == -EPERM || error == -EROFS)
		return iov_told(iov, error, "changing the host needs root and a writable /%s (%s): "
				"%s; run it with sudo", IOV_PATH_STATE, doing, strerror(-error));
	return iov_told(iov, error, "cannot %s in /%s: %s%s", doing, IOV_PATH_STATE,
			strerror(-error), error == -ENOSPC || error == -EDQUOT ?
			"; nothing was changed, make room there and run the command again" : "");
}

/* 0 when the directory exists afterwards, as far as that can be told. */
static int make_directory(struct iov *iov, const char *path, mode_t mode)
{
	return mkdirat(iov->root_fd, path, mode) && errno != EEXIST ? -errno : 0;
}

/* Make the state directory with its parents and open it. */
static int open_directory(struct iov *iov)
{
	char path[] = IOV_PATH_STATE;
	int fd, error = 0;

	for (char *slash = strchr(path, '/'); !error && slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		error = make_directory(iov, path, 0755);
		*slash = '/';
	}
	if (!error)
		error = make_directory(iov, path, 0700);
	fd = iov_sys_open(iov, path, O_RDONLY | O_DIRECTORY);
	if (fd >= 0)
		return fd;
	return fail_state(iov, error ? error : fd, "open the journal");
}

/* "pid 71 (iov bind 0000:01:10.0)" of whoever noted itself in the lock. */
static void name_holder(struct iov *iov, int lock, char *text, size_t size)
{
	_cleanup_free_ char *command = NULL;
	char pid[32] = "";

	if (pread(lock, pid, sizeof(pid) - 1, 0) <= 0) {
		snprintf(text, size, "a process that is just beginning");
		return;
	}
	pid[strcspn(pid, "\n")] = '\0';
	command = history_command(iov, pid);
	if (command)
		snprintf(text, size, "pid %s (%s)", pid, command);
	else
		snprintf(text, size, "pid %s (gone, its last write to the kernel still runs)", pid);
}

static int fail_locked(struct iov *iov, int lock, unsigned int wait)
{
	char holder[512];

	name_holder(iov, lock, holder, sizeof(holder));
	return iov_fail(iov, -EBUSY, "another change is under way: %s holds the lock, and did so "
			"for %u s; wait for it to end, or wait longer with --wait", holder,
			wait / 1000);
}

static int wait_for_lock(struct iov *iov, int lock, unsigned int wait)
{
	struct timespec pause = { .tv_nsec = LOCK_POLL_MS * 1000000L };
	char holder[512];

	for (unsigned int waited = 0; flock(lock, LOCK_EX | LOCK_NB); waited += LOCK_POLL_MS) {
		if (errno != EWOULDBLOCK)
			return fail_state(iov, -errno, "take the lock");
		if (waited >= wait)
			return fail_locked(iov, lock, wait);
		if (waited == LOCK_SAY_MS) {
			name_holder(iov, lock, holder, sizeof(holder));
			iov_log(iov, LOG_NOTICE, "waiting for another change to end: %s holds the "
				"lock", holder);
		}
		nanosleep(&pause, NULL);
	}
	return 0;
}

/* Only for the message of whoever waits; losing it harms nobody. */
static void note_holder(int lock, pid_t holder)
{
	if (!ftruncate(lock, 0))
		dprintf(lock, "%d\n", (int)holder);
}

/* Who had it before is not who has it now. */
static int take_lock(struct iov *iov, struct journal *journal, unsigned int wait)
{
	int error;

	journal->lock = openat(journal->directory, "lock", O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC,
			       0600);
	if (journal->lock < 0)
		return fail_state(iov, -errno, "open the lock");
	error = wait_for_lock(iov, journal->lock, wait);
	/* Whoever changes something for us has the lock; one that began before has not. */
	writer_end(iov);
	if (!error && ftruncate(journal->lock, 0))
		error = fail_state(iov, -errno, "empty the lock");
	return error;
}

/* The context has it already; it is given up with the last descriptor. */
static int share_lock(struct iov *iov, struct journal *journal)
{
	journal->is_shared = true;
	journal->lock = fcntl(iov->change_lock, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	return journal->lock < 0 ? fail_state(iov, -errno, "share the lock") : 0;
}

static int open_locked(struct iov *iov, struct journal *journal, unsigned int wait)
{
	int error = 0;

	*journal = (struct journal){ .lock = -1, .file = -1 };
	pthread_mutex_init(&journal->mutex, NULL);
	pthread_cond_init(&journal->synced_more, NULL);
	journal->directory = open_directory(iov);
	if (journal->directory < 0)
		error = journal->directory;
	if (!error)
		error = iov->change_lock ? share_lock(iov, journal) : take_lock(iov, journal, wait);
	if (error)
		journal_unlock(journal);
	return error;
}

int journal_lock(struct iov *iov, struct journal *journal, unsigned int wait)
{
	int error = open_locked(iov, journal, wait);

	if (!error)
		note_holder(journal->lock, getpid());
	return error;
}

/* Whoever finds nothing to do writes nothing, so its name is noted when a plan runs. */
int iov_plan_lock(struct iov *iov, unsigned int wait)
{
	struct journal journal;
	int error;

	if (iov->change_lock)
		return 0;
	error = open_locked(iov, &journal, wait ? wait : LOCK_WAIT_MS);
	if (error)
		return error;
	journal.is_shared = true;
	iov->change_lock = fcntl(journal.lock, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	if (iov->change_lock < 0) {
		error = fail_state(iov, -errno, "share the lock");
		iov->change_lock = 0;
	}
	journal_unlock(&journal);
	return error;
}

void iov_plan_unlock(struct iov *iov)
{
	writer_end(iov);
	lock_drop(iov->change_lock, iov->lock_is_left);
	iov->change_lock = 0;
}

void journal_leave_lock(struct iov *iov, struct journal *journal, pid_t child)
{
	journal->is_left = true;
	iov->lock_is_left = true;
	note_holder(journal->lock, child);
}

void journal_unlock(struct journal *journal)
{
	if (journal->file >= 0)
		close(journal->file);
	if (journal->lock >= 0)
		lock_drop(journal->lock, journal->is_left || journal->is_shared);
	if (journal->directory >= 0)
		close(journal->directory);
	pthread_cond_destroy(&journal->synced_more);
	pthread_mutex_destroy(&journal->mutex);
}

/* Behind the last line; the mutex is held, or there are no threads yet. */
static int append(struct journal *journal, const char *text, size_t length)
{
	ssize_t put;

	if (journal->error)
		return journal->error;
	put = pwrite(journal->file, text, length, journal->written);
	if (put == (ssize_t)length)
		journal->written += put;
	else
		journal->error = put < 0 ? -errno : -EIO;
	return journal->error;
}

/* One fsync serves all threads that wait for one; the mutex is held. */
static int sync_notes(struct journal *journal)
{
	off_t wanted = journal->written, reached;
	int error;

	while (!journal->error && journal->synced < wanted) {
		if (journal->syncing) {
			pthread_cond_wait(&journal->synced_more, &journal->mutex);
			continue;
		}
		journal->syncing = true;
		reached = journal->written;
		pthread_mutex_unlock(&journal->mutex);
		error = fdatasync(journal->file) ? -errno : 0;
		pthread_mutex_lock(&journal->mutex);
		journal->syncing = false;
		journal->synced = reached;
		journal->error = error;
		pthread_cond_broadcast(&journal->synced_more);
	}
	return journal->error;
}

int journal_note(struct iov *iov, struct journal *journal, const char *event, const size_t *steps,
		 size_t count)
{
	bool announces = !strcmp(event, "begin") || !strcmp(event, "undo");
	char lines[BATCH_MAX * NOTE_SIZE];
	size_t length = 0;
	int error;

	for (size_t i = 0; i < count; i++)
		length += (size_t)snprintf(lines + length, sizeof(lines) - length,
					   "{\"%s\": %zu}\n", event, steps[i]);
	pthread_mutex_lock(&journal->mutex);
	error = append(journal, lines, length);
	if (!error && announces)
		error = sync_notes(journal);
	pthread_mutex_unlock(&journal->mutex);
	return error ? fail_state(iov, error, "write the journal") : 0;
}

/* Take from the disk what @runs runs of @steps steps note. */
static int take_room(struct journal *journal, off_t used, size_t steps, size_t runs)
{
	return -posix_fallocate(journal->file, 0,
				used + (off_t)((runs * steps * NOTES_OF_STEP + 1) * NOTE_SIZE));
}

/* The line that begins a journal; the caller puts it. */
static struct json_object *first_line(struct iov *iov, const struct iov_plan *plan,
				      unsigned int confirm)
{
	struct json_object *line = json_object_new_object();
	char boot[64] = "", now[HISTORY_TIME_SIZE];

	iov_sys_read(iov, IOV_PATH_BOOT_ID, boot, sizeof(boot));
	history_now(now);
	json_object_object_add(line, "plan", iov_plan_json(plan));
	json_object_object_add(line, "pid", json_object_new_int(getpid()));
	json_object_object_add(line, "time", json_object_new_string(now));
	json_object_object_add(line, "boot", json_object_new_string(boot));
	json_object_object_add(line, "by", history_who(iov));
	if (confirm)
		json_object_object_add(line, "confirm", json_object_new_int64(confirm));
	return line;
}

/* The whole journal as it is before the first step. */
static int write_first(struct journal *journal, const char *text, size_t steps)
{
	size_t length = strlen(text);
	int error = take_room(journal, (off_t)length + 1, steps, 2);

	if (!error)
		error = append(journal, text, length);
	if (!error)
		error = append(journal, "\n", 1);
	if (!error && (fsync(journal->file) || fsync(journal->directory)))
		error = -errno;
	journal->synced = journal->written;
	return error;
}

int journal_create(struct iov *iov, struct journal *journal, const struct iov_plan *plan,
		   unsigned int confirm)
{
	_cleanup_json_ struct json_object *line = first_line(iov, plan, confirm);
	int error;

	journal->file = openat(journal->directory, "journal",
			       O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (journal->file < 0)
		return fail_state(iov, -errno, "create the journal");
	error = write_first(journal, json_object_to_json_string_ext(line, JSON_C_TO_STRING_PLAIN),
			    plan->step_count);
	if (!error)
		return 0;
	unlinkat(journal->directory, "journal", 0);
	return fail_state(iov, error, "write the journal");
}

int journal_await(struct iov *iov, struct journal *journal, unsigned int confirm)
{
	char line[NOTE_SIZE];
	int length = snprintf(line, sizeof(line), "{\"awaits\": %lld}\n",
			      (long long)(boot_seconds() + confirm));
	int error;

	pthread_mutex_lock(&journal->mutex);
	error = append(journal, line, (size_t)length);
	if (!error)
		error = sync_notes(journal);
	pthread_mutex_unlock(&journal->mutex);
	return error ? fail_state(iov, error, "write the journal") : 0;
}

int journal_remove(struct iov *iov, struct journal *journal)
{
	if (unlinkat(journal->directory, "journal", 0) && errno != ENOENT)
		return fail_state(iov, -errno, "remove the journal");
	fsync(journal->directory);
	return 0;
}

/* What a note makes of its step; false for one that the plan does not have. */
static bool apply_note(struct json_object *states, struct json_object *note)
{
	static const struct {
		const char *event;
		enum step_state state;
	} events[] = {
		{ "begin", STEP_BEGUN },
		{ "end", STEP_ENDED },
		{ "undo", STEP_BEGUN },
		{ "undone", STEP_UNTOUCHED },
	};
	struct json_object *step;

	for (size_t i = 0; i < sizeof(events) / sizeof(*events); i++) {
		size_t index;

		if (!json_object_object_get_ex(note, events[i].event, &step))
			continue;
		index = (size_t)json_object_get_int64(step);
		if (index >= json_object_array_length(states))
			return false;
		json_object_array_put_idx(states, index, json_object_new_int((int)events[i].state));
	}
	return true;
}

static struct json_object *untouched_states(struct json_object *plan)
{
	struct json_object *steps = json_object_object_get(plan, "steps");
	struct json_object *states = json_object_new_array();

	for (size_t i = 0; json_object_is_type(steps, json_type_array) &&
	     i < json_object_array_length(steps); i++)
		json_object_array_add(states, json_object_new_int(STEP_UNTOUCHED));
	return states;
}

/* Fold the notes into the first line; a torn last one was never acted upon. */
static struct json_object *fold_lines(char *text)
{
	struct json_object *journal = NULL, *states = NULL, *awaits;
	bool damaged = false;
	char *rest = text;

	for (char *row; (row = strsep(&rest, "\n")) && rest;) {
		struct json_object *line = json_tokener_parse(row);

		if (!journal && json_object_is_type(line, json_type_object)) {
			journal = line;
			states = untouched_states(json_object_object_get(line, "plan"));
			continue;
		}
		if (journal && json_object_object_get_ex(line, "awaits", &awaits))
			json_object_object_add(journal, "awaits", json_object_get(awaits));
		else
			damaged |= journal && !apply_note(states, line);
		json_object_put(line);
	}
	if (!journal) {
		journal = json_object_new_object();
		states = json_object_new_array();
	}
	json_object_object_add(journal, "states", states);
	json_object_object_add(journal, "damaged", json_object_new_boolean(damaged));
	return journal;
}

int journal_read(struct iov *iov, struct json_object **out)
{
	_cleanup_free_ char *text = NULL;
	int error = iov_sys_read_all(iov, IOV_PATH_STATE "/journal", &text, NULL);

	*out = NULL;
	if (error == -ENOENT)
		return 0;
	if (error)
		return fail_state(iov, error, "read the journal");
	*out = fold_lines(text);
	return 0;
}

/* A torn line becomes one that says nothing. */
static int end_torn_line(struct iov *iov, struct journal *journal)
{
	_cleanup_free_ char *text = NULL;
	int error = iov_sys_read_all(iov, IOV_PATH_STATE "/journal", &text, NULL);
	size_t length = error ? 0 : strlen(text);

	journal->written = (off_t)length;
	if (!error && length && text[length - 1] != '\n')
		error = append(journal, "\n", 1);
	return error;
}

int journal_open(struct iov *iov, struct journal *journal, size_t steps)
{
	int error;

	journal->file = openat(journal->directory, "journal", O_WRONLY | O_CLOEXEC);
	if (journal->file < 0)
		return fail_state(iov, -errno, "open the journal");
	error = end_torn_line(iov, journal);
	if (!error)
		error = take_room(journal, journal->written, steps, 1);
	return error ? fail_state(iov, error, "continue the journal") : 0;
}
