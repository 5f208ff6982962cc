/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The server of the live page as a process of its own, which has nothing of the host but what it is
 * given: whoever takes it over has no privilege and no file.
 */
#ifndef IOV_CLI_WEB_PROCESS_H
#define IOV_CLI_WEB_PROCESS_H

#include "cli/web/server.h"

/**
 * struct web_process - the server
 * @pid: its process
 * @fd: the way to it
 */
struct web_process {
	pid_t pid;
	int fd;
};

/**
 * web_process_start - start it
 * @process: receives it
 * @iov: context
 * @access: who may look
 * @fd: a listening socket, which the caller closes
 *
 * Before there are threads.  It ends when @process is ended, or this process is gone.
 *
 * Return: 0, or -errno with a message.
 */
int web_process_start(struct web_process *process, struct iov *iov, const struct web_access *access,
		      int fd);

/**
 * web_process_put - give it a document
 * @process: server
 * @document: which of them
 * @text: its text; "": there is none any more
 *
 * Return: 0; -EPIPE when it has ended.
 */
int web_process_put(struct web_process *process, enum web_document document, const char *text);

/**
 * web_process_wait - wait until somebody asks for a document
 * @process: server
 * @timeout: milliseconds
 * @wanted: set for those that somebody asked for
 *
 * Return: 0, also when a signal came; -EPIPE when it has ended.
 */
int web_process_wait(struct web_process *process, int timeout, bool wanted[WEB_DOCUMENTS]);

/**
 * web_process_end - end it, and wait for that
 * @process: started or not, then with @fd -1
 */
void web_process_end(struct web_process *process);

#endif
