/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Entries with fields for journald, by its native protocol: one datagram for an entry,
 * https://systemd.io/JOURNAL_NATIVE_PROTOCOL.
 *
 * Nobody ever waits for journald: what it does not take at once is not sent.
 */
#ifndef IOV_BASE_JOURNAL_H
#define IOV_BASE_JOURNAL_H

#include <stdbool.h>
#include <sys/un.h>

#include "base/iov.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Where journald listens. */
#define IOV_JOURNAL_SOCKET "/run/systemd/journal/socket"

/**
 * struct iov_journal - a way to journald
 * @fd: datagram socket; -1 for none
 * @address: where journald listens
 */
struct iov_journal {
	int fd;
	struct sockaddr_un address;
};

/**
 * iov_journal_open - find a way to journald
 * @journal: receives it, also on failure; closed with iov_journal_close()
 * @path: where journald listens, IOV_JOURNAL_SOCKET
 *
 * Return: 0; -ENOENT where no journald runs; -ENAMETOOLONG; or -errno.
 */
int iov_journal_open(struct iov_journal *journal, const char *path);

/**
 * iov_journal_close - close it
 * @journal: journal; nothing is sent by it any more
 */
void iov_journal_close(struct iov_journal *journal);

/**
 * iov_journal_is_stream - whether a descriptor is the stream that systemd gave to a service
 * @fd: descriptor
 * @stream: value of JOURNAL_STREAM, NULL when it is not set
 *
 * What is written to that gets into the journal without fields.
 */
bool iov_journal_is_stream(int fd, const char *stream);

/**
 * iov_journal_send - send an entry
 * @journal: journal
 * @fields: list; names may repeat; a field whose name journald would not take is left out
 *
 * Return: 0; -ENOTCONN without a way; -EAGAIN when journald does not take it now; or -errno.
 */
int iov_journal_send(const struct iov_journal *journal, const struct iov_field *fields);

#ifdef __cplusplus
}
#endif

#endif
