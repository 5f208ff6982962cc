// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The service that renews.
 *
 * At all times: who uses a device has a claim that lasts, or the device is being fenced.  A claim
 * lasts until what was granted has gone by since before it was asked for, by this host's clock of the
 * boot, so it is over here before it is over for etcd.  fence_time before that the fence begins, whether
 * or not a request is under way: a request is given as much time as is left until then.
 *
 * Who is killed is started again, and finds in the record how long the claim lasts.
 */
#include "claims/keep.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/sysroot/call.h"
#include "base/sysroot/paths.h"
#include "base/sysroot/sysroot.h"
#include "claims/claims_internal.h"
#include "claims/fence.h"
#include "claims/record.h"

#define LOCK IOV_PATH_RUN "/claims-keep.lock"
/* Between two looks at devices and records. */
#define LOOK_MS 500
/* For one that is about to end. */
#define LOCK_MS 2000

/* A claim that is kept, in a process of its own. */
struct keeping {
	struct iov *iov;
	struct claims claims;
	struct json_object *record;
	const char *name;
	struct iov_bdf bdf;
	struct claims_lease lease;
	struct keep_times times;
};

/* By the clock that goes on while the machine sleeps. */
static void sleep_until(int64_t when)
{
	const struct timespec time = { when / 1000, when % 1000 * 1000000 };

	clock_nanosleep(CLOCK_BOOTTIME, TIMER_ABSTIME, &time, NULL);
}

static bool is_recorded(struct keeping *keeping)
{
	return claims_is_recorded(keeping->iov, keeping->name, keeping->lease.revision);
}

/* One that cannot be looked at, for want of memory or descriptors, may be there. */
static bool is_gone(struct keeping *keeping)
{
	int64_t inode = claims_inode(keeping->iov, keeping->bdf);

	return inode >= 0 && inode != claims_number(keeping->record, "inode");
}

static void note_until(struct keeping *keeping)
{
	json_object_object_add(keeping->record, "until", json_object_new_int64(keeping->lease.until));
	if (claims_record_update(keeping->iov, keeping->record))
		iov_log(keeping->iov, LOG_ERR, "%s", iov_error_message(keeping->iov));
}

/* A claim is renewed where it was made. */
static int ask_to_renew(struct keeping *keeping)
{
	const char *store = json_text(keeping->record, "store");

	keeping->claims.give_up = keeping->times.until - keeping->times.fence;
	if (!strcmp(store, keeping->claims.store->name))
		return keeping->claims.store->renew(&keeping->claims, keeping->name, &keeping->lease);
	return iov_fail(keeping->iov, -EINVAL, "%s is claimed in %s, and claims are in %s by now", keeping->name, store,
			keeping->claims.store->name);
}

/* False when it is not ours any more. */
static bool renew(struct keeping *keeping)
{
	int error = ask_to_renew(keeping);

	if (!error) {
		keep_renewed(&keeping->times, boot_ms(), keeping->lease.until, keeping->lease.ttl);
		note_until(keeping);
		return true;
	}
	keep_failed(&keeping->times, boot_ms());
	iov_log(keeping->iov, LOG_WARNING, "%s is not renewed, and fenced in %lld ms: %s", keeping->name,
		(long long)(keeping->times.until - keeping->times.fence - boot_ms()), iov_error_message(keeping->iov));
	return error != -ESTALE;
}

/* Until it is done; who is asked to end meanwhile ends behind it. */
static void fence(struct keeping *keeping)
{
	const char *holder = json_text(keeping->record, "holder");
	int64_t left;

	signal(SIGTERM, SIG_IGN);
	iov_log(keeping->iov, LOG_CRIT, "%s, claimed for %s, is fenced: its claim %s", keeping->name, holder,
		keeping->times.until > boot_ms() ? "cannot be renewed" : "is over");
	while (claims_fence(keeping->iov, &keeping->claims.config, keeping->bdf, holder)) {
		iov_log(keeping->iov, LOG_CRIT, "%s is not fenced, and tried again: %s", keeping->name,
			iov_error_message(keeping->iov));
		sleep_until(boot_ms() + KEEP_RETRY_MS);
	}
	left = keeping->times.until - boot_ms();
	iov_log(keeping->iov, LOG_CRIT, "%s is fenced, %lld ms %s its claim may be somebody else's", keeping->name,
		(long long)(left < 0 ? -left : left), left < 0 ? "after" : "before");
	claims_record_drop(keeping->iov, keeping->name, keeping->lease.revision);
}

/* Nobody can use what is gone. */
static void let_go(struct keeping *keeping)
{
	iov_log(keeping->iov, LOG_WARNING, "%s is let go: the device is gone", keeping->name);
	keeping->claims.give_up = boot_ms() + KEEP_RETRY_MS;
	keeping->claims.store->drop(&keeping->claims, keeping->name, keeping->lease.revision, keeping->lease.id);
	claims_record_drop(keeping->iov, keeping->name, keeping->lease.revision);
}

static void keep(struct keeping *keeping)
{
	int64_t wake;

	while (is_recorded(keeping)) {
		enum keep_step step = keep_next(&keeping->times, boot_ms(), &wake);

		if (is_gone(keeping)) {
			let_go(keeping);
			return;
		}
		if (step == KEEP_FENCE || (step == KEEP_RENEW && !renew(keeping))) {
			/* Who lets go says so in the record before etcd. */
			if (is_recorded(keeping))
				fence(keeping);
			return;
		}
		if (step == KEEP_WAIT)
			sleep_until(wake < boot_ms() + LOOK_MS ? wake : boot_ms() + LOOK_MS);
	}
}

/* Settings that cannot be read are no reason to give up a device: it is fenced as it is by default. */
static int open_keeping(struct keeping *keeping, struct iov *iov, struct json_object *record)
{
	*keeping = (struct keeping){ .iov = iov, .record = record, .name = json_text(record, "name") };
	keeping->lease = (struct claims_lease){
		.id = claims_number(record, "lease"), .revision = claims_number(record, "revision"),
		.ttl = (unsigned int)claims_number(record, "ttl"), .until = claims_number(record, "until"),
	};
	if (claims_open(&keeping->claims, iov))
		iov_log(iov, LOG_ERR, "%s", iov_error_message(iov));
	keeping->times = (struct keep_times){
		.until = keeping->lease.until, .fence = (int64_t)keeping->claims.config.fence_time * 1000, .renew = boot_ms(),
	};
	return iov_bdf_parse(iov, json_text(record, "device"), &keeping->bdf);
}

static int nothing(struct iov *iov, const char *question, size_t length, FILE *answer)
{
	(void)iov;
	(void)question;
	(void)length;
	(void)answer;
	return 0;
}

/* In the process of a claim.  What makes calls for it is there before there is a hurry. */
static void __attribute__((noreturn)) keep_one(const struct iov_claims_keeper *keeper, struct json_object *record)
{
	struct keeping keeping;
	struct iov *iov;
	int error;

	signal(SIGTERM, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	error = keeper->open(keeper->arg, &iov);
	if (!error)
		error = iov_sys_call(iov, nothing, "", 0, NULL);
	if (!error)
		error = open_keeping(&keeping, iov, record);
	if (error)
		_exit(EXIT_FAILURE);
	keep(&keeping);
	claims_close(&keeping.claims);
	iov_close(iov);
	_exit(EXIT_SUCCESS);
}

/* A claim and its process. */
struct child {
	pid_t pid;
	char name[CLAIMS_NAME_MAX];
	int64_t revision;
};

struct children {
	struct child *list;
	size_t count;
};

static bool has_child(const struct children *children, struct json_object *record)
{
	for (size_t i = 0; i < children->count; i++) {
		if (!strcmp(children->list[i].name, json_text(record, "name")) &&
		    children->list[i].revision == claims_number(record, "revision"))
			return true;
	}
	return false;
}

/* @lock is the keeper's alone: a call that the kernel does not answer would have it for ever. */
static int start(struct children *children, const struct iov_claims_keeper *keeper, struct json_object *record,
		 int lock)
{
	struct child *list = array_grow(children->list, children->count, sizeof(*list));
	pid_t pid;

	if (!list)
		return -ENOMEM;
	children->list = list;
	pid = fork();
	if (!pid) {
		close(lock);
		keep_one(keeper, record);
	}
	if (pid < 0)
		return -errno;
	list[children->count] = (struct child){ .pid = pid, .revision = claims_number(record, "revision") };
	snprintf(list[children->count++].name, CLAIMS_NAME_MAX, "%s", json_text(record, "name"));
	return 0;
}

/* One that ended is started again where its claim is recorded still. */
static void reap(struct children *children)
{
	for (size_t i = children->count; i--;) {
		if (waitpid(children->list[i].pid, NULL, WNOHANG) == children->list[i].pid)
			children->list[i] = children->list[--children->count];
	}
}

static int look(struct iov *iov, struct children *children, const struct iov_claims_keeper *keeper, int lock)
{
	_cleanup_json_ struct json_object *records = NULL;
	int error = claims_records(iov, &records);

	reap(children);
	for (size_t i = 0; !error && i < json_object_array_length(records); i++) {
		struct json_object *record = json_object_array_get_idx(records, i);

		if (!has_child(children, record) && start(children, keeper, record, lock))
			iov_log(iov, LOG_ERR, "cannot start a process for %s: %s", json_text(record, "name"),
				strerror(errno));
	}
	return error;
}

static void end(struct children *children)
{
	for (size_t i = 0; i < children->count; i++)
		kill(children->list[i].pid, SIGTERM);
	for (size_t i = 0; i < children->count; i++)
		waitpid(children->list[i].pid, NULL, 0);
	free(children->list);
}

static int lock_keeper(struct iov *iov)
{
	int lock = claims_lock(iov, LOCK, LOCK_MS);

	if (lock == -EBUSY)
		return iov_fail(iov, -EBUSY, "another process renews the claims of this host already; 'systemctl status "
				"iovkit-claims' may tell which");
	return lock < 0 ? claims_fail_file(iov, LOCK, lock) : lock;
}

bool iov_claims_are_kept(struct iov *iov)
{
	_cleanup_fd_ int lock = iov_sys_open(iov, LOCK, O_RDONLY);

	return lock >= 0 && flock(lock, LOCK_SH | LOCK_NB) && errno == EWOULDBLOCK;
}

int iov_claims_keep(struct iov *iov, const struct iov_claims_keeper *keeper)
{
	_cleanup_fd_ int lock = lock_keeper(iov);
	struct children children = { 0 };
	bool said = false;

	if (lock < 0)
		return lock;
	iov_log(iov, LOG_NOTICE, "claims of this host are renewed until a signal asks for the end");
	while (!*keeper->stop) {
		int error = look(iov, &children, keeper, lock);

		if (error && !said)
			iov_log(iov, LOG_CRIT, "%s", iov_error_message(iov));
		said = error;
		if (!*keeper->stop)
			sleep_until(boot_ms() + LOOK_MS);
	}
	end(&children);
	return 0;
}
