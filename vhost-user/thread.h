/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Threads that wait for something which neither a worker nor the control thread may wait for. */
#ifndef VHOST_USER_THREAD_H
#define VHOST_USER_THREAD_H

#include <pthread.h>
#include <signal.h>
#include <stddef.h>

/**
 * thread_begin - start a thread to which no signal is delivered
 * @thread: receives it; the caller joins or detaches it
 * @name: of at most 15 characters, as tools show it; NULL for that of the process
 * @run: what it does
 * @arg: argument of @run
 *
 * Return: 0 or a positive errno value.
 */
static inline int thread_begin(pthread_t *thread, const char *name, void *(*run)(void *), void *arg)
{
	sigset_t all, before;
	int error;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(thread, NULL, run, arg);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (!error && name)
		pthread_setname_np(*thread, name);
	return error;
}

#endif
