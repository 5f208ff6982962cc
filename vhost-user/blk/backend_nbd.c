// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A disk in an export of an NBD server: whatever that can serve, such as qcow2 or RBD.
 *
 * Theory of operation.  A thread of the disk connects, for the workers, which go on with others
 * meanwhile: at once when a connection broke, and then in longer and longer intervals until the
 * server is there.  What it offers must be no less than it was, because the guest relies on it.
 *
 * No worker looks at a connection while there is no guest, so that thread sees as well whether a
 * server has ended one, and whether it is still there then.
 *
 * A server that was killed takes along what it had not flushed.  Another process behind the socket
 * is taken for that; the next flush fails then, if there was such a change.  Where nobody knows which
 * process answers, it is the one before as long as none of the connections to that has ended.  A server that
 * leaves all to the page cache of its host loses nothing by that, and whoever knows so says so.
 *
 * When the server does not say that its connections are coherent (NBD_FLAG_CAN_MULTI_CONN), a flush
 * covers only what went by the same one, so there is one, and one ring.
 */
#include <errno.h>
#include <libnbd.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "vhost-user/blk/nbd_backend.h"

/* Bytes of a range that one command may name. */
#define RANGE_MAX (UINT64_C(1) << 30)

/* What the protocol has for a server that does not say what it prefers. */
#define PREFERRED 4096
#define PREFERRED_MAX 65536

/* Milliseconds that connecting may take: to begin with, when others wait, and later. */
#define FIRST_MS 3000
#define CONNECT_MS 10000

/*
 * Milliseconds between two tries, at least and at most; a connection that lasted as long was one.
 */
#define RETRY_MIN_MS 100
#define RETRY_MAX_MS 3000

/* Milliseconds in which a worker sees that a connection has ended, when one looks. */
#define NOTICE_MS 50

/* The thread that connects. */

/**
 * struct keeper - what it knows
 * @nbd: the disk
 * @is_absent: the server was not there
 * @is_ended: a server has ended a connection at which nobody looks
 * @pause: milliseconds before the next try
 * @probe: connection that only tells when the server goes away, while links have none that does;
 *	NULL for none
 * @probed: generation of the server that it leads to
 * @seen: sockets whose end was seen, of each link and of the spare connection
 * @generations: of the servers that the last connections of these lead to
 */
struct keeper {
	struct nbd_backend *nbd;
	bool is_absent;
	bool is_ended;
	uint64_t pause;
	struct nbd_handle *probe;
	uint64_t probed;
	int seen[WORKERS_MAX + 1];
	uint64_t generations[WORKERS_MAX + 1];
};

static bool is_stopped(const struct nbd_backend *nbd)
{
	return __atomic_load_n(&nbd->stop, __ATOMIC_ACQUIRE);
}

/* Whoever wakes us meanwhile has to wait as well, unless we are to end. */
static void rest_until(const struct nbd_backend *nbd, uint64_t end)
{
	struct pollfd wake = { .fd = nbd->wake_fd, .events = POLLIN };
	eventfd_t value;
	uint64_t now;

	while (!is_stopped(nbd) && (now = monotonic_ms()) < end)
		if (poll(&wake, 1, (int)(end - now)) > 0)
			eventfd_read(nbd->wake_fd, &value);
}

static int socket_of(const struct nbd_backend *nbd, unsigned int index)
{
	const struct nbd_link *link = NULL;

	if (index == WORKERS_MAX)
		return __atomic_load_n(&nbd->spare_fd, __ATOMIC_RELAXED);
	link = __atomic_load_n(&nbd->links[index], __ATOMIC_ACQUIRE);
	return link ? nbd_link_fd(link) : -1;
}

/* Until somebody wakes us, or a server has ended a connection. */
static void watch(struct keeper *keeper)
{
	struct pollfd files[WORKERS_MAX + 3] = {
		{ .fd = keeper->nbd->wake_fd, .events = POLLIN },
		[WORKERS_MAX + 2] = { .fd = keeper->probe ? nbd_aio_get_fd(keeper->probe) : -1,
				      .events = POLLRDHUP },
	};
	eventfd_t value;

	for (unsigned int i = 0; i <= WORKERS_MAX; i++) {
		const int fd = socket_of(keeper->nbd, i);

		files[i + 1] = (struct pollfd){ .fd = fd == keeper->seen[i] ? -1 : fd,
						.events = POLLRDHUP };
	}
	poll(files, WORKERS_MAX + 3, -1);
	if (files[0].revents)
		eventfd_read(keeper->nbd->wake_fd, &value);
	keeper->is_ended = files[WORKERS_MAX + 2].revents;
	for (unsigned int i = 0; i <= WORKERS_MAX; i++) {
		if (!files[i + 1].revents)
			continue;
		keeper->seen[i] = files[i + 1].fd;
		keeper->is_ended = true;
	}
}

static struct nbd_link *find_wanting(const struct nbd_backend *nbd, struct nbd_lost *lost)
{
	for (unsigned int i = 0; i < WORKERS_MAX; i++) {
		struct nbd_link *link = __atomic_load_n(&nbd->links[i], __ATOMIC_ACQUIRE);

		if (link && nbd_link_is_wanting(link, lost))
			return link;
	}
	return NULL;
}

static void wake_links(const struct nbd_backend *nbd)
{
	for (unsigned int i = 0; i < WORKERS_MAX; i++) {
		const struct nbd_link *link = __atomic_load_n(&nbd->links[i], __ATOMIC_ACQUIRE);

		if (link)
			nbd_link_wake(link);
	}
}

static void note_lost(struct nbd_backend *nbd, const char *why)
{
	pthread_mutex_lock(&nbd->lock);
	nbd->reach.losses++;
	snprintf(nbd->reach.why, sizeof(nbd->reach.why), "%s", why);
	pthread_mutex_unlock(&nbd->lock);
	eventfd_write(nbd->news_fd, 1);
}

static void note_absent(struct nbd_backend *nbd, const char *why)
{
	pthread_mutex_lock(&nbd->lock);
	nbd->reach.is_absent = true;
	snprintf(nbd->reach.why, sizeof(nbd->reach.why), "%s", why);
	pthread_mutex_unlock(&nbd->lock);
	__atomic_store_n(&nbd->is_out_of_reach, true, __ATOMIC_RELEASE);
	wake_links(nbd);
	eventfd_write(nbd->news_fd, 1);
}

/* What the server before had not flushed is gone with it. */
static void begin_generation(struct nbd_backend *nbd)
{
	uint64_t written = __atomic_load_n(&nbd->written, __ATOMIC_ACQUIRE);

	__atomic_add_fetch(&nbd->generation, 1, __ATOMIC_ACQ_REL);
	if (nbd->is_kept || !nbd->terms.flushes ||
	    written == __atomic_load_n(&nbd->flushed, __ATOMIC_ACQUIRE))
		return;
	__atomic_store_n(&nbd->flushed, written, __ATOMIC_RELEASE);
	__atomic_store_n(&nbd->is_lossy, true, __ATOMIC_RELEASE);
	nbd->reach.is_lossy = true;
}

static bool has_ended(int fd)
{
	struct pollfd end = { .fd = fd, .events = POLLRDHUP };

	return poll(&end, 1, 0) > 0;
}

/* Whether a connection of a link to the server before was lost, and waits for the next. */
static bool has_lost(const struct nbd_backend *nbd, unsigned int index)
{
	const struct nbd_link *link = index < WORKERS_MAX ?
		__atomic_load_n(&nbd->links[index], __ATOMIC_ACQUIRE) : NULL;
	struct nbd_lost lost;

	return link && nbd_link_is_wanting(link, &lost) && lost.made && lost.generation == nbd->generation;
}

/* By the connections to the server before; the one that is there now was made when they were. */
static bool all_last(const struct keeper *keeper)
{
	const struct nbd_backend *nbd = keeper->nbd;
	unsigned int lasting = 0;

	for (unsigned int i = 0; i <= WORKERS_MAX; i++) {
		const int fd = socket_of(nbd, i);

		if (has_lost(nbd, i))
			return false;
		if (fd < 0 || keeper->generations[i] != nbd->generation)
			continue;
		if (has_ended(fd))
			return false;
		lasting++;
	}
	if (!keeper->probe || keeper->probed != nbd->generation)
		return lasting;
	return !has_ended(nbd_aio_get_fd(keeper->probe));
}

/* Who cannot be told from others is told by what became of them. */
static bool is_another(const struct keeper *keeper, const struct nbd_terms *terms)
{
	const pid_t before = keeper->nbd->terms.peer;

	return terms->peer || before ? terms->peer != before : !all_last(keeper);
}

static void note_present(const struct keeper *keeper, const struct nbd_terms *terms)
{
	struct nbd_backend *nbd = keeper->nbd;
	const bool begins = is_another(keeper, terms);

	pthread_mutex_lock(&nbd->lock);
	nbd->reach.is_absent = false;
	if (begins)
		begin_generation(nbd);
	nbd->terms = *terms;
	pthread_mutex_unlock(&nbd->lock);
	__atomic_store_n(&nbd->is_out_of_reach, false, __ATOMIC_RELEASE);
	eventfd_write(nbd->news_fd, 1);
}

/* The guest was told of what there was, and relies on it. */
static int check_same(const struct nbd_backend *nbd, const struct nbd_terms *terms,
		      char why[NBD_WHY])
{
	const struct nbd_terms *before = &nbd->terms;
	const char *less = NULL;

	if (nbd_terms_check(terms, nbd->read_only, why))
		return -EINVAL;
	if (terms->bytes < before->bytes)
		less = "is smaller than it was";
	else if (terms->block > before->block)
		less = "has larger blocks than it had";
	else if (before->flushes && !terms->flushes)
		less = "cannot be flushed any more";
	else if ((before->trims && !terms->trims) || (before->zeroes && !terms->zeroes))
		less = "does not discard or write zeroes any more";
	else if (nbd->is_shared && !terms->is_shared)
		less = "does not keep several connections coherent any more";
	if (!less)
		return 0;
	snprintf(why, NBD_WHY,
		 "the export %s, on which the guest relies; serve it as it was, or remove the disk "
		 "and add it again",
		 less);
	return -EINVAL;
}

static void drop_probe(struct keeper *keeper)
{
	nbd_close(keeper->probe);
	keeper->probe = NULL;
}

/*
 * For a link, whose socket may have the number of one before; or, for NULL, to see whether there is
 * somebody.
 */
static void hand_over(struct keeper *keeper, struct nbd_link *link,
		      const struct nbd_connection *connection)
{
	drop_probe(keeper);
	for (unsigned int i = 0; link && i < WORKERS_MAX; i++) {
		if (__atomic_load_n(&keeper->nbd->links[i], __ATOMIC_RELAXED) != link)
			continue;
		keeper->seen[i] = -1;
		keeper->generations[i] = connection->generation;
	}
	keeper->probed = connection->generation;
	if (!link)
		keeper->probe = connection->handle;
	else if (!nbd_link_give(link, connection))
		nbd_close(connection->handle);
}

static bool connect_one(struct keeper *keeper, struct nbd_link *link)
{
	struct nbd_backend *nbd = keeper->nbd;
	struct nbd_connection connection;
	struct nbd_terms terms;
	char why[NBD_WHY];
	int error;

	connection.handle =
		nbd_server_connect(nbd->uri, CONNECT_MS, &nbd->stop, &terms, &error, why);
	if (connection.handle && check_same(nbd, &terms, why)) {
		nbd_close(connection.handle);
		connection.handle = NULL;
	}
	if (!connection.handle) {
		note_absent(nbd, why);
		return false;
	}
	note_present(keeper, &terms);
	connection.fd = nbd_aio_get_fd(connection.handle);
	connection.made = monotonic_ms();
	connection.generation = nbd->generation;
	connection.most = terms.most;
	connection.has_fua = terms.has_fua;
	hand_over(keeper, link, &connection);
	return true;
}

static uint64_t longer(uint64_t pause)
{
	pause = pause ? pause * 2 : RETRY_MIN_MS;
	return pause < RETRY_MAX_MS ? pause : RETRY_MAX_MS;
}

/*
 * How long to wait for a server that answers, but what breaks the connection; a new worker had
 * none.
 */
static uint64_t take_notice(struct nbd_backend *nbd, const struct nbd_lost *lost, uint64_t pause)
{
	if (!lost->made)
		return 0;
	note_lost(nbd, lost->why);
	return monotonic_ms() - lost->made < RETRY_MAX_MS ? longer(pause) : 0;
}

/* A link that wants one, or NULL when a server that ended a connection may be gone. */
static void try_once(struct keeper *keeper, struct nbd_link *link, const struct nbd_lost *lost)
{
	if (link && !keeper->is_absent)
		keeper->pause = take_notice(keeper->nbd, lost, keeper->pause);
	rest_until(keeper->nbd, monotonic_ms() + keeper->pause);
	if (is_stopped(keeper->nbd))
		return;
	keeper->is_absent = !connect_one(keeper, link);
	keeper->is_ended &= keeper->is_absent;
	if (keeper->is_absent)
		keeper->pause = longer(keeper->pause);
}

static void *keep(void *arg)
{
	struct keeper keeper = { .nbd = arg };
	struct nbd_backend *nbd = arg;

	pthread_setname_np(pthread_self(), "iovd-nbd");
	memset(keeper.seen, -1, sizeof(keeper.seen));
	while (!is_stopped(nbd)) {
		struct nbd_lost lost;
		struct nbd_link *link = find_wanting(nbd, &lost);

		if (link || keeper.is_ended) {
			try_once(&keeper, link, &lost);
			continue;
		}
		watch(&keeper);
		if (!keeper.is_ended)
			continue;
		keeper.pause = 0;
		rest_until(nbd, monotonic_ms() + NOTICE_MS);
	}
	drop_probe(&keeper);
	return NULL;
}

/* The control thread. */

static void nbd_backend_close(struct blk_backend *backend)
{
	struct nbd_backend *nbd = nbd_of(backend);

	if (nbd->keeper) {
		__atomic_store_n(&nbd->stop, true, __ATOMIC_RELEASE);
		eventfd_write(nbd->wake_fd, 1);
		pthread_join(nbd->keeper, NULL);
	}
	for (unsigned int i = 0; i < WORKERS_MAX; i++)
		nbd_link_free(nbd->links[i]);
	nbd_close(nbd->spare.handle);
	if (nbd->wake_fd >= 0)
		close(nbd->wake_fd);
	if (nbd->news_fd >= 0)
		close(nbd->news_fd);
	pthread_mutex_destroy(&nbd->lock);
	free(nbd->uri);
	free(nbd);
}

static int connect_first(struct nbd_backend *nbd, struct iov *iov)
{
	char why[NBD_WHY];
	int error = nbd_uri_check(nbd->uri, why);

	if (!error)
		nbd->spare.handle =
			nbd_server_connect(nbd->uri, FIRST_MS, NULL, &nbd->terms, &error, why);
	if (!error)
		error = nbd_terms_check(&nbd->terms, nbd->read_only, why);
	if (error)
		return iov_fail_as(iov, error == -EINVAL ? IOV_FAILURE_INPUT : IOV_FAILURE_OTHER,
				   error, "%s: %s", nbd->uri, why);
	nbd->is_shared = nbd->terms.is_shared;
	nbd->spare.fd = nbd->spare_fd = nbd_aio_get_fd(nbd->spare.handle);
	nbd->spare.made = monotonic_ms();
	nbd->spare.most = nbd->terms.most;
	nbd->spare.has_fua = nbd->terms.has_fua;
	return 0;
}

static int start(struct nbd_backend *nbd, struct iov *iov)
{
	int error;

	nbd->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	nbd->news_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (nbd->wake_fd < 0 || nbd->news_fd < 0)
		return iov_told(iov, -errno, "%s: cannot make an eventfd: %s", nbd->uri,
				strerror(errno));
	error = pthread_create(&nbd->keeper, NULL, keep, nbd);
	if (!error)
		return 0;
	nbd->keeper = 0;
	return iov_told(iov, -error, "%s: cannot make a thread: %s", nbd->uri, strerror(error));
}

static int nbd_backend_open(struct blk_backend **out, struct iov *iov,
			    const struct blk_source *source)
{
	struct nbd_backend *nbd = calloc(1, sizeof(*nbd));
	int error;

	if (!nbd)
		return iov_told(iov, -ENOMEM, "no memory for a disk");
	nbd->backend.ops = &blk_backend_nbd;
	nbd->read_only = source->read_only;
	nbd->is_kept = source->cached;
	nbd->wake_fd = nbd->news_fd = nbd->spare_fd = -1;
	pthread_mutex_init(&nbd->lock, NULL);
	nbd->uri = strdup(source->path);
	error = nbd->uri ? connect_first(nbd, iov) : iov_told(iov, -ENOMEM, "no memory for a disk");
	if (!error)
		error = start(nbd, iov);
	if (error) {
		nbd_backend_close(&nbd->backend);
		return error;
	}
	*out = &nbd->backend;
	return 0;
}

static uint32_t physical_block(const struct nbd_terms *terms)
{
	const uint32_t preferred = terms->preferred ? terms->preferred : PREFERRED;

	if (preferred & (preferred - 1) || preferred > PREFERRED_MAX || preferred < terms->block)
		return terms->block > PREFERRED ? terms->block : PREFERRED;
	return preferred;
}

static int nbd_backend_describe(struct blk_backend *backend, struct blk_geometry *geometry)
{
	struct nbd_backend *nbd = nbd_of(backend);
	struct nbd_terms terms;

	pthread_mutex_lock(&nbd->lock);
	terms = nbd->terms;
	pthread_mutex_unlock(&nbd->lock);
	*geometry = (struct blk_geometry){
		.bytes = terms.bytes,
		.block = terms.block,
		.physical_block = physical_block(&terms),
		.io_optimal = terms.preferred > PREFERRED_MAX ? terms.preferred : 0,
		.read_only = nbd->read_only,
		.has_cache = terms.flushes && !nbd->read_only,
		.discard_max = terms.trims && !nbd->read_only ? RANGE_MAX : 0,
		.discard_block = physical_block(&terms),
		.zeroes_max = terms.zeroes && !nbd->read_only ? RANGE_MAX : 0,
		.zeroes_may_unmap = terms.zeroes,
		.rings_max = nbd->is_shared ? 0 : 1,
	};
	return 0;
}

static int nbd_backend_news_fd(const struct blk_backend *backend)
{
	return ((const struct nbd_backend *)backend)->news_fd;
}

static void nbd_backend_reach(struct blk_backend *backend, struct blk_reach *reach)
{
	struct nbd_backend *nbd = nbd_of(backend);

	pthread_mutex_lock(&nbd->lock);
	*reach = nbd->reach;
	nbd->reach.is_lossy = false;
	pthread_mutex_unlock(&nbd->lock);
}

static void nbd_backend_reset(struct blk_backend *backend)
{
	struct nbd_backend *nbd = nbd_of(backend);

	__atomic_add_fetch(&nbd->resets, 1, __ATOMIC_ACQ_REL);
	wake_links(nbd);
}

const struct blk_backend_ops blk_backend_nbd = {
	.name = "nbd",
	.takes = BLK_TAKES_URI,
	.open = nbd_backend_open,
	.describe = nbd_backend_describe,
	.news_fd = nbd_backend_news_fd,
	.reach = nbd_backend_reach,
	.reset = nbd_backend_reset,
	.close = nbd_backend_close,
	.channel_open = nbd_channel_open,
	.channel_close = nbd_channel_close,
	.submit = nbd_submit,
	.poll = nbd_channel_poll,
	.fd = nbd_channel_fd,
};
