/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A running iovd in a directory of its own, for tests.  Its path is in $IOVD. */
#ifndef IOV_TESTS_DAEMON_H
#define IOV_TESTS_DAEMON_H

#include <json-c/json.h>
#include <stdbool.h>
#include <sys/types.h>

struct daemon {
	char directory[64];
	char control[96];
	char state[96];
	const char *option;	/* one more, which a test may set before it starts iovd */
	const char *also;	/* and another one with that */
	bool is_apart;		/* it is to have PIDs of its own, which takes root */
	pid_t pid;
};

/* Start iovd; daemon_restart() keeps the directory.  They return when it is ready. */
void daemon_start(struct daemon *daemon);
void daemon_restart(struct daemon *daemon);

/* End it with SIGTERM; its exit status. */
int daemon_end(struct daemon *daemon);

/* Kill it as a crash does. */
void daemon_crash(struct daemon *daemon);

/* Remove the directory, once every frame came to somebody or was dropped for a reason. */
void daemon_clean(struct daemon *daemon);

/* A path in the directory, as text that lives until the next call; a port's socket by its name. */
const char *daemon_path(const struct daemon *daemon, const char *name);

bool daemon_is_alive(const struct daemon *daemon);

/* A connection to its control socket. */
int daemon_connect(const struct daemon *daemon);

/* Send bytes and read one line of answer, NULL when the connection ended before. */
char *daemon_exchange(int fd, const void *bytes, size_t size);

/* Call a method with parameters as JSON text; the result, or NULL for an error. */
struct json_object *daemon_call(const struct daemon *daemon, const char *method,
				const char *params, ...) __attribute__((format(printf, 3, 4)));

/* The same, which must succeed. */
void daemon_do(const struct daemon *daemon, const char *method, const char *params, ...)
	__attribute__((format(printf, 3, 4)));

/* A switch, with listening ports for any guests that have the letters of @names as their names. */
void daemon_lan(const struct daemon *daemon, const char *names);

/* A member of a port's description or counters, as text that lives until the next call. */
const char *daemon_port(const struct daemon *daemon, const char *method, const char *port,
			const char *member);

#endif
