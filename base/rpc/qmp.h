/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * QEMU's monitor (QMP): commands to a machine that runs, and the events that it tells of.
 *
 * A command waits for its answer as long as iov_sys_set_timeout() says, and no longer: whoever is at the
 * socket may be stopped, or be no QEMU.  Events come at any time, also before an answer.
 */
#ifndef IOV_BASE_RPC_QMP_H
#define IOV_BASE_RPC_QMP_H

#include <json-c/json.h>
#include <signal.h>

#include "base/iov.h"

#ifdef __cplusplus
extern "C" {
#endif

struct iov_qmp;

/**
 * iov_qmp_event_fn - hear of an event
 * @arg: as given to iov_qmp_on_event()
 * @event: "DEVICE_DELETED"
 * @data: borrowed; what it has to say, NULL for nothing
 */
typedef void iov_qmp_event_fn(void *arg, const char *event, struct json_object *data);

/**
 * iov_qmp_open - connect to a monitor, and have it take commands
 * @out: receives the connection; the caller closes it with iov_qmp_close()
 * @iov: context for messages, outlives it
 * @path: its socket; not below the sysroot
 * @stop: a number other than 0 there ends every wait; NULL: nothing does
 *
 * QEMU serves one connection at a time, and greets the next when that has ended.
 *
 * Return: 0; -EINVAL for a path that is too long; -ENOENT without that socket; -EACCES; -EIO when nobody
 * listens there; -ETIMEDOUT when nobody greets; -EPROTO when that is no QMP; -EINTR; with a message.
 */
int iov_qmp_open(struct iov_qmp **out, struct iov *iov, const char *path,
		 const volatile sig_atomic_t *stop);

/**
 * iov_qmp_open_fd - the same at a connection that is there already, as of a machine that was started with it
 * @out: receives the connection
 * @iov: context for messages, outlives it
 * @fd: a stream socket, taken over also when this fails
 * @name: of the machine, for messages
 * @greeting_ms: how long a greeting may take
 * @stop: as of iov_qmp_open()
 *
 * Return: as iov_qmp_open().
 */
int iov_qmp_open_fd(struct iov_qmp **out, struct iov *iov, int fd, const char *name, unsigned int greeting_ms,
		    const volatile sig_atomic_t *stop);

/**
 * iov_qmp_on_event - hear of events from now on
 * @qmp: connection
 * @hear: called within iov_qmp_ask() and iov_qmp_wait(), asks nothing itself; NULL for nobody
 * @arg: for @hear
 */
void iov_qmp_on_event(struct iov_qmp *qmp, iov_qmp_event_fn *hear, void *arg);

/**
 * iov_qmp_command - a command
 * @name: "device_del"
 * @arguments: object, taken over; NULL for none
 *
 * Return: an object for iov_qmp_ask(), which the caller puts.
 */
struct json_object *iov_qmp_command(const char *name, struct json_object *arguments);

/**
 * iov_qmp_ask - have a command carried out
 * @qmp: connection
 * @command: borrowed
 * @answer: receives what it returned, which the caller puts; NULL: it is not looked at
 *
 * Return: 0; -ENOTSUP for a command that this QEMU does not have, -ENODEV for a device; -EREMOTEIO for
 * whatever else it refuses, with its words; -EPIPE when it has ended; -ETIMEDOUT without an answer; -EPROTO;
 * -EINTR; with a message.
 */
int iov_qmp_ask(struct iov_qmp *qmp, struct json_object *command, struct json_object **answer);

/**
 * iov_qmp_wait - wait for events
 * @qmp: connection
 * @timeout_ms: at most so long
 *
 * Return: 0 when something came or the time is over; -EPIPE, -EPROTO, -EINTR as iov_qmp_ask(); with a message.
 */
int iov_qmp_wait(struct iov_qmp *qmp, unsigned int timeout_ms);

/**
 * iov_qmp_patience - how long an answer is waited for, in milliseconds
 * @qmp: connection
 */
unsigned int iov_qmp_patience(const struct iov_qmp *qmp);

/**
 * iov_qmp_path - the path that it was opened by
 * @qmp: connection
 */
const char *iov_qmp_path(const struct iov_qmp *qmp);

/**
 * iov_qmp_close - end a connection
 * @qmp: NULL is allowed
 */
void iov_qmp_close(struct iov_qmp *qmp);

#ifdef __cplusplus
}
#endif

#endif
