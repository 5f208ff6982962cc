/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All of iovd but its main(), in this process: its event loop is pumped, its workers are threads,
 * its files are below a directory in memory.
 */
#ifndef IOV_TESTS_FUZZ_SERVICES_H
#define IOV_TESTS_FUZZ_SERVICES_H

#include <limits.h>
#include <stdbool.h>
#include <systemd/sd-event.h>

#include "base/iov.h"
#include "vhost-user/daemon/methods.h"
#include "vhost-user/port/worker.h"

/* Looks of a millisecond, after which what was to come does not. */
#define SERVICES_PATIENCE 2000

struct services {
	struct iov *iov;
	sd_event *event;
	struct workers *workers;
	struct registry *registry;
	char directory[32];
	char control[PATH_MAX];		/* sockets */
	char metrics[PATH_MAX];
	char port[PATH_MAX];		/* of a port that is the caller's */
};

extern struct services services;

void services_open(void);

/* Add a port with these options, whose socket is one of a pair; the other one, a front end's. */
int services_add(struct port_options *options);

/* Whoever is still there is let go. */
void services_close(void);

/* Fails with iovd's message. */
void services_expect(int error);

/* What the control thread has to do is done; for struct frontend, too. */
void services_pump(void *arg);

/* What was made available is taken, and what the control thread learns of it is done. */
void services_settle(void);

/* Threads have a moment for what they do. */
#define services_expect_soon(is_so) services_await(is_so, #is_so)
void services_await(bool (*is_so)(void), const char *what);

#endif
