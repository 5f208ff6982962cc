/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A connection to an NBD server, and what that offers there: the fixed newstyle handshake of the
 * NBD protocol, by libnbd.
 *
 * Threads: any that may wait.
 */
#ifndef VHOST_USER_BLK_NBD_SERVER_H
#define VHOST_USER_BLK_NBD_SERVER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct nbd_handle;

/* Bytes of what is said of a failure. */
#define NBD_WHY 256

/**
 * struct nbd_terms - what a server offers of an export
 * @bytes: its size
 * @block: bytes of what can be read or written at once
 * @preferred: bytes in which it is best done; 0 when the server does not say
 * @most: most bytes that one command carries
 * @read_only: nobody can write to it
 * @flushes: what is written may be lost until it is flushed (NBD_FLAG_SEND_FLUSH)
 * @has_fua: a command can be stable when it is done (NBD_FLAG_SEND_FUA)
 * @trims: it discards (NBD_FLAG_SEND_TRIM)
 * @zeroes: it writes zeroes (NBD_FLAG_SEND_WRITE_ZEROES)
 * @is_shared: what one connection wrote another one reads and flushes (NBD_FLAG_CAN_MULTI_CONN)
 * @peer: process that made the socket; 0 when that does not tell who answers, as over TCP and of one
 *	that systemd made
 */
struct nbd_terms {
	uint64_t bytes;
	uint32_t block;
	uint32_t preferred;
	uint32_t most;
	bool read_only;
	bool flushes;
	bool has_fua;
	bool trims;
	bool zeroes;
	bool is_shared;
	pid_t peer;
};

/**
 * nbd_uri_check - whether we connect by such a URI
 * @uri: as in the document "NBD URI" of the protocol
 * @why: receives what was expected, and what to do, when we do not
 *
 * nbd+unix:///EXPORT?socket=PATH with an absolute path, or nbd://ADDRESS[:PORT]/EXPORT with the
 * number of an address: a name would have to be asked for while others wait.
 *
 * Return: 0 or -EINVAL.
 */
int nbd_uri_check(const char *uri, char why[NBD_WHY]);

/**
 * nbd_server_connect - connect, and negotiate
 * @uri: found good by nbd_uri_check()
 * @ms: milliseconds that it may take
 * @stop: looked at meanwhile; set by any thread to give up; NULL for none
 * @terms: receives what the server offers
 * @error: receives -errno when it fails
 * @why: receives what failed, what was expected and what to do, without the URI
 *
 * Return: a handle without commands; the caller closes it with nbd_close().  NULL when it failed.
 */
struct nbd_handle *nbd_server_connect(const char *uri, unsigned int ms, const bool *stop,
				      struct nbd_terms *terms, int *error, char why[NBD_WHY]);

/**
 * nbd_terms_check - whether a disk can stand on them
 * @terms: what a server offers
 * @read_only: nothing is to be written
 * @why: receives what was expected and what to do when it cannot
 *
 * Return: 0 or -errno.
 */
int nbd_terms_check(const struct nbd_terms *terms, bool read_only, char why[NBD_WHY]);

#endif
