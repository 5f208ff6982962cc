// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhost-user/port/port_log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "base/clock.h"
#include "vhost-user/token_bucket.h"

#define FIELDS_MAX 12

/**
 * struct port_log - see port_log.h
 * @out: where lines go
 * @context: whose log this is
 * @name: name of the port
 * @lines: a token for each that may be written
 * @suppressed: lines that were not
 * @told: those that were spoken of
 */
struct port_log {
	struct iov *out;
	struct iov *context;
	char *name;
	struct token_bucket lines;
	uint64_t suppressed;
	uint64_t told;
};

static void tell_suppressed(struct port_log *log)
{
	if (log->suppressed == log->told)
		return;
	iov_log_with(log->out, LOG_WARNING, PORT_FIELDS(log->name),
		     "%s: %" PRIu64 " lines were left out, as its front end causes "
		"too many; see 'iov port show %s'", log->name, log->suppressed - log->told, log->name);
	log->told = log->suppressed;
}

/* What the line is about, and whose it is. */
static void hand_on(const struct port_log *log, int level, const char *message)
{
	const struct iov_field *about = iov_log_fields();
	struct iov_field fields[FIELDS_MAX + 1] = { { "IOV_PORT", log->name } };
	size_t count = 1;

	for (; about && about->name && count < FIELDS_MAX; about++)
		fields[count++] = *about;
	iov_log_with(log->out, level, fields, "%s", message);
}

static void log_line(void *arg, int level, const char *message)
{
	struct port_log *log = arg;
	double now = (double)monotonic_us();

	if (token_bucket_wait(&log->lines, now, (PORT_LOG_LINES - 1.0) * PORT_LOG_EACH) > 0) {
		log->suppressed++;
		return;
	}
	token_bucket_take(&log->lines, now, PORT_LOG_EACH);
	tell_suppressed(log);
	hand_on(log, level, message);
}

int port_log_open(struct port_log **out, struct iov *iov, const char *name)
{
	struct port_log *log = calloc(1, sizeof(*log));
	const struct iov_options options = { .log = log_line, .log_arg = log };
	int error = log ? 0 : -ENOMEM;

	if (!error) {
		log->out = iov;
			log->name = strdup(name);
		error = log->name ? iov_open(&log->context, &options) : -ENOMEM;
	}
	if (error) {
		port_log_close(log);
		return iov_told(iov, error, "%s: no log for the port: %s", name, strerror(-error));
	}
	*out = log;
	return 0;
}

void port_log_close(struct port_log *log)
{
	if (!log)
		return;
	tell_suppressed(log);
	iov_close(log->context);
	free(log->name);
	free(log);
}

struct iov *port_log_context(const struct port_log *log)
{
	return log->context;
}

uint64_t port_log_suppressed(const struct port_log *log)
{
	return log->suppressed;
}
