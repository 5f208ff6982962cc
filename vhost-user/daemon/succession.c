// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhost-user/daemon/succession.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <syslog.h>
#include <time.h>

#include "base/clock.h"

/* Longer than an iovd takes to end whose medium does not answer. */
#define PATIENCE_MS 10000

/* Between two tries. */
#define TRY_NS 20000000

static bool is_taken(int error)
{
	return error == -EBUSY || error == -EADDRINUSE;
}

/* Returns whether somebody wants an end. */
static bool pause_or_end(void)
{
	const struct timespec pause = { .tv_nsec = TRY_NS };
	sigset_t ends;

	sigemptyset(&ends);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGINT);
	return sigtimedwait(&ends, NULL, &pause) > 0;
}

int succession_take(struct iov *iov, int (*take)(void *arg), void *arg)
{
	const uint64_t began = monotonic_ms();
	int error = take(arg);

	if (is_taken(error))
		iov_log(iov, LOG_NOTICE, "%s; waiting up to %d s in case that is about to end",
			iov_error_message(iov), PATIENCE_MS / 1000);
	while (is_taken(error) && monotonic_ms() - began < PATIENCE_MS) {
		if (pause_or_end())
			return iov_fail(iov, -ECANCELED, "ended while another iovd was waited for");
		error = take(arg);
		if (!error)
			iov_log(iov, LOG_NOTICE, "that has ended, after %u ms",
				(unsigned int)(monotonic_ms() - began));
	}
	return error;
}
