// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhost-user/blk/nbd_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <libnbd.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "vhost-user/blk/backend.h"

/* Bytes of the largest block. */
#define BLOCK_MAX 65536

/* Most bytes of one command. */
#define MOST (UINT32_C(32) << 20)

/* Milliseconds from one look at who gives up to the next. */
#define LOOK_MS 50

__attribute__((format(printf, 3, 4))) static int say(char why[NBD_WHY], int error,
						     const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(why, NBD_WHY, format, args);
	va_end(args);
	return error;
}

static bool is_address(const char *host, size_t length)
{
	char text[INET6_ADDRSTRLEN];
	uint8_t address[sizeof(struct in6_addr)];
	const bool is_v6 = length > 2 && host[0] == '[' && host[length - 1] == ']';

	if (is_v6) {
		host++;
		length -= 2;
	}
	if (length >= sizeof(text))
		return false;
	memcpy(text, host, length);
	text[length] = '\0';
	return inet_pton(is_v6 ? AF_INET6 : AF_INET, text, address) == 1;
}

/* "ADDRESS", "ADDRESS:PORT", "[ADDRESS]:PORT", and what is behind a slash. */
static int check_tcp(const char *host, char why[NBD_WHY])
{
	size_t length = *host == '[' ? strcspn(host, "]/?#") : strcspn(host, ":/?#");

	length += host[length] == ']';
	if (is_address(host, length))
		return 0;
	return say(why, -EINVAL,
		   "'%.*s' is no address, expected one such as 192.0.2.7 or [2001:db8::7], as iovd "
		   "asks for no names",
		   (int)(length < 80 ? length : 80), host);
}

int nbd_uri_check(const char *uri, char why[NBD_WHY])
{
	if (!strncmp(uri, "nbd://", 6))
		return check_tcp(uri + 6, why);
	if (!strncmp(uri, "nbd+unix://", 11)) {
		const char *socket = strstr(uri, "socket=");

		if (socket && (socket[7] == '/' || !strncasecmp(socket + 7, "%2f", 3)))
			return 0;
		return say(why, -EINVAL,
			   "expected the absolute path of a socket, as in "
			   "nbd+unix:///EXPORT?socket=/run/nbd.sock");
	}
	if (!strncmp(uri, "nbds", 4))
		return say(why, -EINVAL,
			   "TLS is not supported; have a proxy such as 'nbdkit nbd "
			   "tls=require' do it, and connect to its Unix socket");
	return say(why, -EINVAL,
		   "expected nbd+unix:///EXPORT?socket=/PATH or nbd://ADDRESS[:PORT]/EXPORT");
}

/**
 * struct attempt - a connection that comes to be
 * @handle: libnbd's
 * @end: when it has to be there, in milliseconds of the monotonic clock
 * @stop: somebody gave up
 * @is_answered: the server has said whether there is such an export
 * @refusal: errno of that; 0 when there is
 * @why: what failed
 */
struct attempt {
	struct nbd_handle *handle;
	uint64_t end;
	const bool *stop;
	bool is_answered;
	int refusal;
	char *why;
};

/* What libnbd says begins with who says it. */
static const char *words(void)
{
	const char *error = nbd_get_error(), *colon = error ? strstr(error, ": ") : NULL;

	return colon ? colon + 2 : error ? error : "no reason given";
}

static int failed_to_connect(const struct attempt *attempt)
{
	const int error = nbd_get_errno();

	switch (error) {
	case ENOENT:
	case ECONNREFUSED:
		return say(attempt->why, -error,
			   "nobody serves there (%s), expected an NBD server; start one, such as "
			   "qemu-storage-daemon or nbdkit",
			   strerror(error));
	case EACCES:
	case EPERM:
	case ENOSYS:
		return say(
			attempt->why, -error,
			"may not be connected to (%s); iovd's user needs the right to write to a "
			"Unix socket, and for TCP iovd needs --nbd-port",
			strerror(error));
	case ECONNRESET:
	case EPIPE:
	case 0:
		/* An address is tried without telling why it was of no use. */
		if (strstr(words(), "remote host"))
			return say(attempt->why, -EHOSTUNREACH, "%s; for TCP iovd needs --nbd-port",
				   words());
		return say(attempt->why, -EPROTO, "is no NBD server, or a broken one: %s", words());
	default:
		return say(attempt->why, -error, "cannot be connected to: %s", words());
	}
}

static int failed_to_negotiate(const struct attempt *attempt, int error)
{
	if (error == ENOENT)
		return say(attempt->why, -ENOENT,
			   "the server has no such export; name one that it has, as "
			   "'nbdinfo --list' shows them");
	if (error == ENOTSUP && strstr(words(), "TLS"))
		return say(attempt->why, -EOPNOTSUPP,
			   "the server demands TLS, which is not supported; serve the export "
			   "without at a Unix socket");
	return say(attempt->why, error ? -error : -EPROTO, "the server refuses the export: %s",
		   words());
}

/* Go on until libnbd is at rest or has the answer; what it said last is what went wrong. */
static int go_on(struct attempt *attempt, bool (*is_there)(const struct attempt *attempt))
{
	while (!is_there(attempt)) {
		if (nbd_aio_is_dead(attempt->handle) || nbd_aio_is_closed(attempt->handle))
			return -ENOTCONN;
		if (attempt->stop && __atomic_load_n(attempt->stop, __ATOMIC_RELAXED))
			return say(attempt->why, -ECANCELED, "is given up");
		if (monotonic_ms() >= attempt->end)
			return say(attempt->why, -ETIMEDOUT,
				   "the server does not answer; see to it, or to "
				   "what is between");
		if (nbd_poll(attempt->handle, LOOK_MS) < 0)
			return -ENOTCONN;
	}
	return 0;
}

static bool is_connected(const struct attempt *attempt)
{
	return nbd_aio_is_negotiating(attempt->handle) == 1 ||
	       nbd_aio_is_ready(attempt->handle) == 1;
}

static bool is_answered(const struct attempt *attempt)
{
	return attempt->is_answered;
}

static int on_answer(void *arg, int *error)
{
	struct attempt *attempt = arg;

	attempt->is_answered = true;
	attempt->refusal = *error;
	return 1;
}

/* Old servers have nothing to negotiate, and are ready. */
static int negotiate(struct attempt *attempt)
{
	int error;

	if (nbd_aio_is_ready(attempt->handle) == 1)
		return 0;
	if (nbd_aio_opt_go(attempt->handle, (nbd_completion_callback){ .callback = on_answer,
								       .user_data = attempt }) < 0)
		return failed_to_negotiate(attempt, nbd_get_errno());
	error = go_on(attempt, is_answered);
	if (error == -ENOTCONN)
		return failed_to_negotiate(attempt, nbd_get_errno());
	if (error)
		return error;
	if (attempt->refusal)
		return failed_to_negotiate(attempt, attempt->refusal);
	error = go_on(attempt, is_connected);
	return error == -ENOTCONN ? failed_to_negotiate(attempt, nbd_get_errno()) : error;
}

static int reach(struct attempt *attempt, const char *uri)
{
	struct nbd_handle *handle = attempt->handle;
	int error;

	if (nbd_set_uri_allow_transports(handle, LIBNBD_ALLOW_TRANSPORT_TCP |
							 LIBNBD_ALLOW_TRANSPORT_UNIX) ||
	    nbd_set_uri_allow_tls(handle, LIBNBD_TLS_DISABLE) || nbd_set_opt_mode(handle, true) ||
	    nbd_aio_connect_uri(handle, uri))
		return failed_to_connect(attempt);
	error = go_on(attempt, is_connected);
	if (error)
		return error == -ENOTCONN ? failed_to_connect(attempt) : error;
	return negotiate(attempt);
}

/* The kernel tells of who listens.  As the first process that is for others, which it starts as it likes. */
static pid_t peer_of(struct nbd_handle *handle)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	if (getsockopt(nbd_aio_get_fd(handle), SOL_SOCKET, SO_PEERCRED, &peer, &size) || peer.pid == 1)
		return 0;
	return peer.pid;
}

/* A number that the server does not give is 0, or -1 where it gives none at all. */
static uint32_t block_size(struct nbd_handle *handle, int which)
{
	int64_t bytes = nbd_get_block_size(handle, which);

	return bytes > 0 && bytes <= UINT32_MAX ? (uint32_t)bytes : 0;
}

/* Whole blocks, and what the protocol has for a server that does not say. */
static uint32_t most_of(struct nbd_handle *handle, uint32_t block)
{
	const uint32_t most = block_size(handle, LIBNBD_SIZE_MAXIMUM);

	return (most && most < MOST ? most : MOST) / block * block;
}

static void read_terms(struct nbd_handle *handle, struct nbd_terms *terms)
{
	const int64_t bytes = nbd_get_size(handle);
	const uint32_t least = block_size(handle, LIBNBD_SIZE_MINIMUM);
	const uint32_t block = least > BLK_BLOCK_MIN ? least : BLK_BLOCK_MIN;

	*terms = (struct nbd_terms){
		.bytes = bytes > 0 ? (uint64_t)bytes : 0,
		.block = block,
		.preferred = block_size(handle, LIBNBD_SIZE_PREFERRED),
		.most = most_of(handle, block),
		.read_only = nbd_is_read_only(handle) != 0,
		.flushes = nbd_can_flush(handle) == 1,
		.has_fua = nbd_can_fua(handle) == 1,
		.trims = nbd_can_trim(handle) == 1,
		.zeroes = nbd_can_zero(handle) == 1,
		.is_shared = nbd_can_multi_conn(handle) == 1,
		.peer = peer_of(handle),
	};
}

struct nbd_handle *nbd_server_connect(const char *uri, unsigned int ms, const bool *stop,
				      struct nbd_terms *terms, int *error, char why[NBD_WHY])
{
	struct attempt attempt = {
		.handle = nbd_create(),
		.end = monotonic_ms() + ms,
		.stop = stop,
		.why = why,
	};

	if (!attempt.handle) {
		*error = say(why, -ENOMEM, "no memory for a connection");
		return NULL;
	}
	*error = reach(&attempt, uri);
	if (*error) {
		nbd_close(attempt.handle);
		return NULL;
	}
	read_terms(attempt.handle, terms);
	return attempt.handle;
}

int nbd_terms_check(const struct nbd_terms *terms, bool read_only, char why[NBD_WHY])
{
	if (terms->read_only && !read_only)
		return say(why, -EROFS,
			   "the server lets nobody write, expected an export that can be written "
			   "to; make the disk read-only, or the export writable");
	if (terms->block > BLOCK_MAX || terms->block & (terms->block - 1))
		return say(why, -EINVAL,
			   "the server's smallest block has %" PRIu32
			   " bytes, expected a power of two up "
			   "to %d; let it serve smaller ones, as nbdkit's filter 'blocksize' does",
			   terms->block, BLOCK_MAX);
	if (!terms->most)
		return say(why, -EINVAL,
			   "the server takes fewer bytes at once than a block of %" PRIu32
			   ", expected at "
			   "least that; see to its block sizes",
			   terms->block);
	if (!terms->bytes || terms->bytes % terms->block)
		return say(why, -EINVAL,
			   "the export has %" PRIu64 " bytes, expected a multiple of %" PRIu32
			   " above 0; "
			   "have the server round it, as nbdkit's filter 'truncate' does",
			   terms->bytes, terms->block);
	return 0;
}
