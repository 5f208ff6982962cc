// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The history of changes.
 *
 * A line is one write to the end of a file, by who holds the lock of the journal.  One that
 * was torn by the end of the machine ends before the next begins, and is skipped by readers.
 */
#include "base/plan/history.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/context.h"
#include "base/journal.h"
#include "base/json.h"
#include "base/plan/plan_engine.h"
#include "base/sysroot/paths.h"

#define LOG_MAX (1 << 20)
#define STEPS_MAX 64
/* Of an entry of the journal, with those that name a device. */
#define FIELDS_MAX 64
/* What the kernel tells of who did not log in. */
#define NO_LOGIN UINT32_MAX

void iov_history_set_sudo_user(struct iov *iov, const char *name)
{
	snprintf(iov->sudo_user, sizeof(iov->sudo_user), "%s", name ? name : "");
}

void history_now(char now[HISTORY_TIME_SIZE])
{
	utc_text(time(NULL), now);
}

char *history_command(struct iov *iov, const char *pid)
{
	char *command = NULL;
	size_t length;

	if (iov_sys_read_all(iov, iov_path(IOV_PATH_PROC "/%s/cmdline", pid).name, &command,
			     &length))
		return NULL;
	for (size_t i = 0; i + 1 < length; i++) {
		if (!command[i])
			command[i] = ' ';
	}
	return command;
}

static void add_user(struct json_object *who, uid_t uid)
{
	struct passwd entry, *found = NULL;
	char text[1024];

	getpwuid_r(uid, &entry, text, sizeof(text), &found);
	json_add_text(who, "user", found ? found->pw_name : NULL);
}

static void add_terminal(struct json_object *who)
{
	char name[64];
	bool found = false;

	for (int fd = STDIN_FILENO; !found && fd <= STDERR_FILENO; fd++)
		found = !ttyname_r(fd, name, sizeof(name));
	json_add_text(who, "tty", found ? name : NULL);
}

struct json_object *history_who(struct iov *iov)
{
	_cleanup_free_ char *command = history_command(iov, "self");
	struct json_object *who = json_object_new_object();
	int64_t login = NO_LOGIN;
	bool logged_in = !iov_sys_read_number(iov, IOV_PATH_PROC_SELF "/loginuid", &login) &&
			 login != NO_LOGIN;

	json_object_object_add(who, "uid", json_object_new_int64(getuid()));
	json_object_object_add(who, "login_uid", logged_in ? json_object_new_int64(login) : NULL);
	add_user(who, logged_in ? (uid_t)login : getuid());
	json_add_text(who, "sudo_user", *iov->sudo_user ? iov->sudo_user : NULL);
	json_object_object_add(who, "pid", json_object_new_int(getpid()));
	add_terminal(who);
	json_add_text(who, "command", command);
	return who;
}

static void add_steps(struct json_object *entry, struct json_object *plan)
{
	struct json_object *steps = json_object_object_get(plan, "steps");
	struct json_object *devices = json_object_new_array(), *titles = json_object_new_array();

	for (size_t i = 0; steps && i < json_object_array_length(steps); i++) {
		struct json_object *step = json_object_array_get_idx(steps, i);
		struct json_object *touches = json_object_object_get(step, "touches");
		const char *device = json_text_or_null(step, "device");

		if (i < STEPS_MAX)
			json_object_array_add(titles, json_object_new_string(json_text(step, "title")));
		if (device)
			json_array_add_new(devices, device);
		for (size_t n = 0; touches && n < json_object_array_length(touches); n++)
			json_array_add_new(devices, json_object_get_string(
					   json_object_array_get_idx(touches, n)));
	}
	json_object_object_add(entry, "devices", devices);
	json_object_object_add(entry, "steps", titles);
}

static struct json_object *make_entry(struct iov *iov, struct json_object *plan,
				      struct json_object *began, const char *result, const char *why)
{
	struct json_object *entry = json_object_new_object(), *first;
	char now[HISTORY_TIME_SIZE];

	history_now(now);
	json_add_text(entry, "time", now);
	json_add_text(entry, "result", result);
	json_add_text(entry, "why", why);
	json_add_text(entry, "title", json_text(plan, "title"));
	add_steps(entry, plan);
	json_object_object_add(entry, "by", history_who(iov));
	if (!began)
		return entry;
	first = json_object_new_object();
	json_object_object_add(first, "time", json_copy(json_object_object_get(began, "time")));
	json_object_object_add(first, "by", json_copy(json_object_object_get(began, "by")));
	json_object_object_add(entry, "began", first);
	return entry;
}

/* Whether a file ends in the middle of a line. */
static bool is_torn(int fd, off_t size)
{
	char last = '\n';

	return size && pread(fd, &last, 1, size - 1) == 1 && last != '\n';
}

static int append_line(int directory, const char *text)
{
	_cleanup_fd_ int fd = openat(directory, "log", O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	_cleanup_free_ char *line = NULL;
	struct stat stat;
	int length;

	if (fd < 0 || fstat(fd, &stat))
		return -errno;
	if (stat.st_size >= LOG_MAX && !renameat(directory, "log", directory, "log.1"))
		return append_line(directory, text);
	length = asprintf(&line, "%s%s\n", is_torn(fd, stat.st_size) ? "\n" : "", text);
	if (length < 0)
		return -ENOMEM;
	errno = ENOSPC;
	return write(fd, line, (size_t)length) == length ? 0 : -errno;
}

static char *sentence_of(struct json_object *entry)
{
	struct json_object *by = json_object_object_get(entry, "by");
	const char *sudo_user = json_text_or_null(by, "sudo_user");
	char *sentence;
	int length = asprintf(&sentence, "%s: %s%s%s (%s%s%s, pid %s: %s)", json_text(entry, "title"),
		json_text(entry, "result"), *json_text(entry, "why") ? ": " : "",
		json_text(entry, "why"), sudo_user ? sudo_user : json_text(by, "user"),
		json_text_or_null(by, "tty") ? " at " : "", json_text(by, "tty"),
		json_text(by, "pid"), json_text(by, "command"));

	return length < 0 ? NULL : sentence;
}

/* Of a change that was not made or left something behind more than of another. */
static int priority_of(const char *result)
{
	if (!strcmp(result, "stuck"))
		return LOG_ERR;
	return !strcmp(result, "failed") || !strcmp(result, "refused") ? LOG_WARNING : LOG_NOTICE;
}

/* As the journal has it; the rest of the devices are in 'iov log'. */
int history_send(const struct iov_journal *journal, struct json_object *entry)
{
	struct json_object *by = json_object_object_get(entry, "by");
	struct json_object *devices = json_object_object_get(entry, "devices");
	_cleanup_free_ char *sentence = sentence_of(entry);
	char priority[2] = { (char)('0' + priority_of(json_text(entry, "result"))) };
	char facility[4];
	struct iov_field fields[FIELDS_MAX + 1] = {
		{ "MESSAGE", sentence },
		{ "PRIORITY", priority },
		{ "SYSLOG_FACILITY", facility },
		{ "SYSLOG_IDENTIFIER", "iov" },
		{ "IOV_TITLE", json_text(entry, "title") },
		{ "IOV_RESULT", json_text(entry, "result") },
		{ "IOV_REASON", json_text_or_null(entry, "why") },
		{ "IOV_USER", json_text_or_null(by, "user") },
		{ "IOV_SUDO_USER", json_text_or_null(by, "sudo_user") },
		{ "IOV_COMMAND", json_text_or_null(by, "command") },
	};
	size_t count = 10;

	snprintf(facility, sizeof(facility), "%d", LOG_FAC(LOG_AUTH));
	for (size_t i = 0; i < json_object_array_length(devices) && count < FIELDS_MAX; i++)
		fields[count++] = (struct iov_field){
			"IOV_DEVICE", json_object_get_string(json_object_array_get_idx(devices, i)),
		};
	return sentence ? iov_journal_send(journal, fields) : -ENOMEM;
}

/* Without journald there is syslog, which has no fields. */
static void tell_system(struct json_object *entry)
{
	_cleanup_free_ char *sentence = NULL;
	struct iov_journal journal;
	int error = iov_journal_open(&journal, IOV_JOURNAL_SOCKET);

	if (!error)
		error = history_send(&journal, entry);
	iov_journal_close(&journal);
	if (!error)
		return;
	sentence = sentence_of(entry);
	syslog(LOG_AUTH | priority_of(json_text(entry, "result")), "iov: %s", sentence ? sentence : "");
}

void history_note(struct iov *iov, const struct journal *journal, struct json_object *plan,
		  struct json_object *began, const char *result, const char *why)
{
	_cleanup_json_ struct json_object *entry = make_entry(iov, plan, began, result, why);
	int error = append_line(journal->directory,
				json_object_to_json_string_ext(entry, JSON_C_TO_STRING_PLAIN));

	if (error)
		iov_log(iov, LOG_WARNING, "this change is missing in 'iov log': /" IOV_PATH_STATE
			"/log: %s", strerror(-error));
	if (iov_sys_is_host(iov))
		tell_system(entry);
}

/* One step that changes all of them. */
static struct json_object *plan_of_deed(const char *title, struct json_object *devices)
{
	struct json_object *plan = json_object_new_object(), *step = json_object_new_object();
	struct json_object *steps = json_object_new_array();

	json_add_text(plan, "title", title);
	json_add_text(step, "title", title);
	json_object_object_add(step, "touches", json_object_get(devices));
	json_object_array_add(steps, step);
	json_object_object_add(plan, "steps", steps);
	return plan;
}

/* By who may have the lock. */
static void note_beside(struct iov *iov, struct json_object *plan, const char *result, bool failed)
{
	const struct said said = iov->said;
	struct journal journal;

	if (!journal_lock(iov, &journal, LOCK_WAIT_MS)) {
		history_note(iov, &journal, plan, NULL, result, failed ? said.message : NULL);
		journal_unlock(&journal);
	}
	iov->said = said;
}

void iov_history_deed(struct iov *iov, const char *title, struct json_object *devices, int error)
{
	_cleanup_json_ struct json_object *plan = plan_of_deed(title, devices);

	note_beside(iov, plan, error ? "failed" : "done", error);
}

void iov_history_refused(const struct iov_plan *plan, int error)
{
	_cleanup_json_ struct json_object *json = iov_plan_json(plan);
	struct iov *iov = iov_plan_context(plan);
	enum iov_failure failure = iov_failure(iov, error);

	if (iov->change_lock && failure != IOV_FAILURE_INPUT && failure != IOV_FAILURE_ABSENT)
		note_beside(iov, json, "refused", true);
}

static int read_lines(struct iov *iov, const char *path, struct json_object *entries)
{
	_cleanup_free_ char *text = NULL;
	int error = iov_sys_read_all(iov, path, &text, NULL);
	char *rest = text;

	if (error == -ENOENT)
		return 0;
	if (error)
		return iov_told(iov, error, "/%s: %s%s", path, strerror(-error),
				error == -EACCES ? "; run it with sudo" : "");
	for (char *line; (line = strsep(&rest, "\n"));) {
		struct json_object *entry = *line ? json_tokener_parse(line) : NULL;

		if (json_object_is_type(entry, json_type_object))
			json_object_array_add(entries, entry);
		else
			json_object_put(entry);
	}
	return 0;
}

int iov_history_read(struct iov *iov, struct json_object **entries)
{
	int error;

	*entries = json_object_new_array();
	error = read_lines(iov, IOV_PATH_STATE "/log.1", *entries);
	if (!error)
		error = read_lines(iov, IOV_PATH_STATE "/log", *entries);
	if (!error)
		return 0;
	json_object_put(*entries);
	*entries = NULL;
	return error;
}
