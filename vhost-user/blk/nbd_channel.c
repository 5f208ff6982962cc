// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Theory of operation.  A link is a connection with its commands.  When that breaks nobody knows
 * what became of what was under way, which waits for the next connection and is asked for again.
 * That is safe, because nothing of it was given back: a guest that cares for the order of two
 * writes waits for the first.  Connecting takes time, so another thread does it and hands the
 * connection over.  When it says that the server is not there, what waits fails with -ENOTCONN, and
 * the disk's policy decides: the guest is told, or the queue asks again until there is an answer.
 *
 * What is one piece of guest memory is sent from there and received to there.  What is several is
 * copied, so that it is one command: a message, a reply and an I/O of the server cost more than a
 * copy.
 *
 * libnbd calls back with its handle locked, so what is done is only noted there.
 */
#include <errno.h>
#include <libnbd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vhost-user/blk/nbd_backend.h"
#include "vhost-user/compiler.h"

/* Commands of a link that are under way at the same time. */
#define COMMANDS 128

/* Buffers of a link, each as large as a step of a request. */
#define BUFFERS 16
#define BUFFER_BYTES ((size_t)1 << 20)

/* Replies that are looked at in one pass. */
#define BURST 64

struct nbd_link;

/**
 * struct command - what the server is asked for on behalf of an I/O
 * @link: link that it goes by
 * @io: I/O; NULL when the command is free
 * @buffer: copy of the guest's memory; NULL when that is used itself
 * @cookie: libnbd's name of it
 * @asked: bytes that it carries
 * @written: changes that it makes stable, when it flushes
 * @is_flush: it does
 * @error: what the server said: errno
 * @next: list that it is in
 */
struct command {
	struct nbd_link *link;
	struct blk_io *io;
	uint8_t *buffer;
	int64_t cookie;
	uint64_t asked;
	uint64_t written;
	bool is_flush;
	int error;
	struct command *next;
};

/**
 * struct nbd_link - a worker's way to the server
 * @nbd: the disk
 * @state: enum nbd_link_state; atomic
 * @fresh: connection for the worker, before NBD_LINK_FRESH
 * @now: that which is in use, with NBD_LINK_USED
 * @fd: its socket; -1 when there is none; atomic
 * @lost: that which there was, before NBD_LINK_WANTED
 * @epoll_fd: readable when there is something to do: has @wake_fd and the socket
 * @wake_fd: eventfd for others to write
 * @events: that the socket is watched for
 * @resets: of the disk, that were seen
 * @is_broken: the connection is of no use any more
 * @under_way: commands that libnbd has
 * @commands: all of them
 * @free: those without I/O
 * @done: those that libnbd is done with, in their order
 * @done_last: where the next one goes
 * @first: I/Os that wait for a command or a buffer
 * @last: where the next one goes
 * @buffers: all of them
 * @free_buffers: those that are not in use
 * @free_count: length of @free_buffers
 */
struct nbd_link {
	struct nbd_backend *nbd;
	int state;
	struct nbd_connection fresh;
	struct nbd_connection now;
	int fd;
	struct nbd_lost lost;
	int epoll_fd;
	int wake_fd;
	uint32_t events;
	uint64_t resets;
	bool is_broken;
	unsigned int under_way;
	struct command commands[COMMANDS];
	struct command *free;
	struct command *done;
	struct command **done_last;
	struct blk_io *first;
	struct blk_io **last;
	uint8_t *buffers;
	uint8_t *free_buffers[BUFFERS];
	unsigned int free_count;
};

struct nbd_channel {
	struct blk_channel channel;
	struct nbd_link *link;
};

static struct nbd_link *link_of(const struct blk_channel *channel)
{
	return ((const struct nbd_channel *)channel)->link;
}

static int state_of(const struct nbd_link *link)
{
	return __atomic_load_n(&link->state, __ATOMIC_ACQUIRE);
}

/* Commands. */

static void release(struct command *command)
{
	struct nbd_link *link = command->link;

	if (command->buffer)
		link->free_buffers[link->free_count++] = command->buffer;
	command->buffer = NULL;
	command->io = NULL;
	command->next = link->free;
	link->free = command;
}

static void finish(struct command *command, int error)
{
	struct blk_io *io = command->io;

	release(command);
	io->done(io, error);
}

static void put_off(struct nbd_link *link, struct blk_io *io)
{
	io->next = NULL;
	*link->last = io;
	link->last = &io->next;
}

/* It is asked for again, all of it: what one server carried out the next one may not know of. */
static void requeue(struct command *command)
{
	struct blk_io *io = command->io;

	release(command);
	io->moved = 0;
	put_off(command->link, io);
}

/* Where all of it is, if that is one piece; elements without bytes do not count. */
static uint8_t *piece_of(const struct blk_io *io)
{
	uint8_t *begin = NULL, *end = NULL;

	for (unsigned int i = 0; i < io->count; i++) {
		const struct iovec *part = io->vector + i;

		if (!part->iov_len)
			continue;
		if (end && part->iov_base != end)
			return NULL;
		begin = begin ? begin : part->iov_base;
		end = (uint8_t *)part->iov_base + part->iov_len;
	}
	return begin;
}

/* From or to the guest's memory, what comes next of it. */
static void copy(const struct blk_io *io, uint8_t *buffer, size_t length)
{
	uint64_t skip = io->moved;

	for (unsigned int i = 0; i < io->count && length; i++) {
		const struct iovec *part = io->vector + i;
		size_t here = part->iov_len > skip ? part->iov_len - skip : 0;
		uint8_t *at = (uint8_t *)part->iov_base + skip;

		skip -= part->iov_len - here;
		here = here < length ? here : length;
		if (!here)
			continue;
		skip = 0;
		if (io->op == BLK_READ)
			memcpy(at, buffer, here);
		else
			memcpy(buffer, at, here);
		buffer += here;
		length -= here;
	}
}

/* libnbd keeps it until we have asked what became of it. */
static int on_done(void *arg, int *error)
{
	struct command *command = arg;
	struct nbd_link *link = command->link;

	command->error = *error;
	command->next = NULL;
	*link->done_last = command;
	link->done_last = &command->next;
	return 0;
}

static uint32_t flags_of(const struct command *command)
{
	const struct blk_io *io = command->io;
	uint32_t flags = 0;

	if (io->is_stable && command->link->now.has_fua && io->op != BLK_READ)
		flags |= LIBNBD_CMD_FLAG_FUA;
	if (io->op == BLK_WRITE_ZEROES && !io->may_unmap)
		flags |= LIBNBD_CMD_FLAG_NO_HOLE;
	return flags;
}

static uint64_t part_of_transfer(const struct command *command)
{
	const struct blk_io *io = command->io;
	uint64_t left = io->length - io->moved, most = command->link->now.most;

	if (command->buffer && most > BUFFER_BYTES)
		most = BUFFER_BYTES;
	return left < most ? left : most;
}

static int64_t ask_transfer(struct command *command, nbd_completion_callback done)
{
	struct nbd_handle *handle = command->link->now.handle;
	const struct blk_io *io = command->io;
	const uint64_t offset = io->offset + io->moved;
	uint8_t *data = command->buffer ? command->buffer : piece_of(io) + io->moved;

	command->asked = part_of_transfer(command);
	if (io->op == BLK_READ)
		return nbd_aio_pread(handle, data, command->asked, offset, done, 0);
	if (command->buffer)
		copy(io, command->buffer, command->asked);
	return nbd_aio_pwrite(handle, data, command->asked, offset, done, flags_of(command));
}

static int64_t ask_flush(struct command *command, nbd_completion_callback done)
{
	command->asked = 0;
	command->is_flush = true;
	command->written = __atomic_load_n(&command->link->nbd->written, __ATOMIC_ACQUIRE);
	return nbd_aio_flush(command->link->now.handle, done, 0);
}

static int64_t ask_range(struct command *command, nbd_completion_callback done)
{
	struct nbd_handle *handle = command->link->now.handle;
	const struct blk_io *io = command->io;

	command->asked = io->length;
	return io->op == BLK_DISCARD
		       ? nbd_aio_trim(handle, io->length, io->offset, done, flags_of(command))
		       : nbd_aio_zero(handle, io->length, io->offset, done, flags_of(command));
}

static bool has_ended(const struct nbd_link *link)
{
	return nbd_aio_is_dead(link->now.handle) != 0 || nbd_aio_is_closed(link->now.handle) != 0;
}

/* The next step. */
static void ask(struct command *command)
{
	const nbd_completion_callback done = { .callback = on_done, .user_data = command };
	const struct blk_io *io = command->io;

	if (io->op == BLK_FLUSH || io->moved == io->length)
		command->cookie = ask_flush(command, done);
	else if (io->op == BLK_READ || io->op == BLK_WRITE)
		command->cookie = ask_transfer(command, done);
	else
		command->cookie = ask_range(command, done);
	if (command->cookie >= 0) {
		command->link->under_way++;
		return;
	}
	command->link->is_broken |= has_ended(command->link);
	if (command->link->is_broken)
		requeue(command);
	else
		finish(command, nbd_get_errno() ? -nbd_get_errno() : -EIO);
}

/* Of the server that answers now; what another one had not flushed nobody can flush any more. */
static void note_written(const struct nbd_link *link)
{
	struct nbd_backend *nbd = link->nbd;

	if (likely(link->now.generation == __atomic_load_n(&nbd->generation, __ATOMIC_ACQUIRE)))
		__atomic_fetch_add(&nbd->written, 1, __ATOMIC_RELEASE);
	else if (!nbd->is_kept)
		__atomic_store_n(&nbd->is_lossy, true, __ATOMIC_RELEASE);
}

static void note_flushed(const struct command *command)
{
	struct nbd_backend *nbd = command->link->nbd;
	uint64_t flushed = __atomic_load_n(&nbd->flushed, __ATOMIC_RELAXED);

	while (flushed < command->written &&
	       !__atomic_compare_exchange_n(&nbd->flushed, &flushed, command->written, false,
					    __ATOMIC_RELEASE, __ATOMIC_RELAXED))
		;
}

static bool must_flush(const struct command *command)
{
	const struct blk_io *io = command->io;

	return io->op != BLK_READ && io->is_stable && !command->link->now.has_fua &&
	       !command->is_flush;
}

static void on_carried_out(struct command *command)
{
	struct blk_io *io = command->io;

	if (command->is_flush)
		note_flushed(command);
	else if (io->op == BLK_READ && command->buffer)
		copy(io, command->buffer, command->asked);
	io->moved += command->asked;
	if (io->moved < io->length || must_flush(command)) {
		ask(command);
		return;
	}
	if (io->op != BLK_READ && io->op != BLK_FLUSH && !io->is_stable)
		note_written(command->link);
	finish(command, 0);
}

/* What a server that goes away did not carry out is as what nobody answered. */
static int error_of(const struct command *command)
{
	int error = command->error;

	/* Only that counts what a read was given. */
	if (nbd_aio_command_completed(command->link->now.handle, (uint64_t)command->cookie) < 0 &&
	    !error)
		error = nbd_get_errno() ? nbd_get_errno() : EIO;
	return error == ESHUTDOWN ? -ENOTCONN : -error;
}

static unsigned int take_done(struct nbd_link *link)
{
	unsigned int count = 0;

	while (link->done) {
		struct command *command = link->done;
		int error = error_of(command);

		link->done = command->next;
		if (!link->done)
			link->done_last = &link->done;
		link->under_way--;
		count++;
		if (error == -ENOTCONN)
			requeue(command);
		else if (error)
			finish(command, error);
		else
			on_carried_out(command);
		link->is_broken |= error == -ENOTCONN;
	}
	return count;
}

/* I/Os. */

static bool is_transfer(const struct blk_io *io)
{
	return io->op == BLK_READ || io->op == BLK_WRITE;
}

static bool needs_buffer(const struct blk_io *io)
{
	return is_transfer(io) && !piece_of(io);
}

static bool can_start(const struct nbd_link *link, const struct blk_io *io)
{
	return !link->is_broken && link->free && (link->free_count || !needs_buffer(io));
}

static struct blk_io *next_waiting(struct nbd_link *link)
{
	struct blk_io *io = link->first;

	link->first = io->next;
	if (!link->first)
		link->last = &link->first;
	return io;
}

static void start(struct nbd_link *link, struct blk_io *io)
{
	struct command *command = link->free;

	link->free = command->next;
	command->io = io;
	command->is_flush = false;
	if (needs_buffer(io))
		command->buffer = link->free_buffers[--link->free_count];
	ask(command);
}

/* A connection to another server than that which answers now has nothing to flush. */
static int judge_flush(struct nbd_link *link)
{
	struct nbd_backend *nbd = link->nbd;

	link->is_broken |=
		link->now.generation != __atomic_load_n(&nbd->generation, __ATOMIC_ACQUIRE);
	if (link->is_broken)
		return 0;
	return __atomic_exchange_n(&nbd->is_lossy, false, __ATOMIC_ACQ_REL) ? -EIO : 0;
}

/* How many of them failed at once. */
static unsigned int start_waiting(struct nbd_link *link)
{
	unsigned int failed = 0;

	while (link->first && can_start(link, link->first)) {
		int error = link->first->op == BLK_FLUSH ? judge_flush(link) : 0;
		struct blk_io *io;

		if (link->is_broken)
			break;
		io = next_waiting(link);
		if (error) {
			io->done(io, error);
			failed++;
		} else {
			start(link, io);
		}
	}
	return failed;
}

static bool is_out_of_reach(const struct nbd_link *link)
{
	return __atomic_load_n(&link->nbd->is_out_of_reach, __ATOMIC_ACQUIRE);
}

/* What needs no server, or cannot be had: -EAGAIN for the rest. */
static int judge(const struct nbd_link *link, const struct blk_io *io)
{
	if (io->op == BLK_SECURE_ERASE)
		return -EOPNOTSUPP;
	if (!io->length && io->op != BLK_FLUSH)
		return 0;
	return state_of(link) == NBD_LINK_WANTED && is_out_of_reach(link) ? -ENOTCONN : -EAGAIN;
}

void nbd_submit(struct blk_channel *channel, struct blk_io *io)
{
	struct nbd_link *link = link_of(channel);
	int error = judge(link, io);

	io->moved = 0;
	if (error != -EAGAIN) {
		io->done(io, error);
		return;
	}
	put_off(link, io);
	if (state_of(link) == NBD_LINK_USED)
		start_waiting(link);
}

/* Connections. */

/* The socket, for what libnbd waits for. */
static void watch(struct nbd_link *link)
{
	const unsigned int direction = nbd_aio_get_direction(link->now.handle);
	struct epoll_event event = {
		.events = (direction & LIBNBD_AIO_DIRECTION_READ ? EPOLLIN : 0u) |
			  (direction & LIBNBD_AIO_DIRECTION_WRITE ? EPOLLOUT : 0u),
	};

	if (event.events == link->events)
		return;
	epoll_ctl(link->epoll_fd, link->events ? EPOLL_CTL_MOD : EPOLL_CTL_ADD,
		  nbd_aio_get_fd(link->now.handle), &event);
	link->events = event.events;
}

static void take_fresh(struct nbd_link *link)
{
	link->now = link->fresh;
	link->events = 0;
	link->under_way = 0;
	link->is_broken = false;
	__atomic_store_n(&link->state, NBD_LINK_USED, __ATOMIC_RELAXED);
}

/* Those that wait now: who is told may ask again. */
static unsigned int fail_waiting(struct nbd_link *link)
{
	struct blk_io *io = link->first, *next;
	unsigned int count = 0;

	link->first = NULL;
	link->last = &link->first;
	for (; io; io = next, count++) {
		next = io->next;
		io->done(io, -ENOTCONN);
	}
	return count;
}

/* When libnbd has nothing of it any more, what was under way waits. */
static void lose(struct nbd_link *link, const char *why)
{
	__atomic_store_n(&link->fd, -1, __ATOMIC_RELAXED);
	link->lost.made = link->now.made;
	link->lost.generation = link->now.generation;
	snprintf(link->lost.why, sizeof(link->lost.why), "%s", why);
	nbd_close(link->now.handle);
	link->now.handle = NULL;
	link->under_way = 0;
	/* What ended with it, in the midst of another one that was asked for, is asked for again, too. */
	link->done = NULL;
	link->done_last = &link->done;
	for (unsigned int i = 0; i < COMMANDS; i++)
		if (link->commands[i].io)
			requeue(&link->commands[i]);
	__atomic_store_n(&link->state, NBD_LINK_WANTED, __ATOMIC_RELEASE);
	eventfd_write(link->nbd->wake_fd, 1);
}

static void quieten(const struct nbd_link *link)
{
	eventfd_t value;

	eventfd_read(link->wake_fd, &value);
}

/* Somebody waits for what is under way, and no longer. */
static bool is_reset(struct nbd_link *link)
{
	const uint64_t resets = __atomic_load_n(&link->nbd->resets, __ATOMIC_ACQUIRE);

	if (likely(resets == link->resets))
		return false;
	link->resets = resets;
	return true;
}

/* What libnbd says is of this thread's last call, and begins with that. */
static void say_what_broke(const struct nbd_link *link, char why[NBD_WHY])
{
	const char *words = nbd_get_error();

	/* There is nothing to look at when it broke with what was sent. */
	if (nbd_aio_is_closed(link->now.handle) != 0 || !words || nbd_get_errno() == EINVAL)
		words = "the server closed it";
	else if (!strncmp(words, "nbd_poll: ", 10))
		words += 10;
	snprintf(why, NBD_WHY, "%s", words);
}

static unsigned int look(struct nbd_link *link)
{
	unsigned int count = start_waiting(link);
	int got = 1;

	for (unsigned int i = 0; i < BURST && got > 0; i++) {
		got = nbd_poll(link->now.handle, 0);
		count += got > 0;
	}
	if (unlikely(got < 0 || has_ended(link))) {
		char why[NBD_WHY];

		say_what_broke(link, why);
		take_done(link);
		lose(link, why);
		return count + 1;
	}
	count += take_done(link);
	count += start_waiting(link);
	if (unlikely(link->is_broken)) {
		lose(link, "the server goes away");
		return count + 1;
	}
	watch(link);
	return count;
}

unsigned int nbd_channel_poll(struct blk_channel *channel)
{
	struct nbd_link *link = link_of(channel);
	const bool gives_up = is_reset(link);

	if (state_of(link) == NBD_LINK_FRESH) {
		quieten(link);
		take_fresh(link);
	}
	if (likely(state_of(link) == NBD_LINK_USED && !gives_up))
		return look(link);
	quieten(link);
	if (gives_up && link->under_way)
		lose(link, "what was under way was given up");
	return gives_up || is_out_of_reach(link) ? fail_waiting(link) : 0;
}

int nbd_channel_fd(const struct blk_channel *channel)
{
	return link_of(channel)->epoll_fd;
}

bool nbd_link_is_wanting(const struct nbd_link *link, struct nbd_lost *lost)
{
	if (state_of(link) != NBD_LINK_WANTED)
		return false;
	*lost = link->lost;
	return true;
}

bool nbd_link_give(struct nbd_link *link, const struct nbd_connection *connection)
{
	int wanted = NBD_LINK_WANTED;

	link->fresh = *connection;
	if (!__atomic_compare_exchange_n(&link->state, &wanted, NBD_LINK_FRESH, false,
					 __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
		return false;
	__atomic_store_n(&link->fd, connection->fd, __ATOMIC_RELAXED);
	nbd_link_wake(link);
	return true;
}

int nbd_link_fd(const struct nbd_link *link)
{
	return __atomic_load_n(&link->fd, __ATOMIC_RELAXED);
}

void nbd_link_wake(const struct nbd_link *link)
{
	eventfd_write(link->wake_fd, 1);
}

/* Links and channels. */

static int open_descriptors(struct nbd_link *link)
{
	struct epoll_event event = { .events = EPOLLIN };

	link->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	link->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (link->epoll_fd < 0 || link->wake_fd < 0 ||
	    epoll_ctl(link->epoll_fd, EPOLL_CTL_ADD, link->wake_fd, &event))
		return -errno;
	return 0;
}

static int make_buffers(struct nbd_link *link)
{
	/* It takes memory when it is used. */
	uint8_t *buffers = mmap(NULL, BUFFERS * BUFFER_BYTES, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (buffers == MAP_FAILED)
		return -errno;
	madvise(buffers, BUFFERS * BUFFER_BYTES, MADV_DONTDUMP);
	link->buffers = buffers;
	for (unsigned int i = 0; i < BUFFERS; i++)
		link->free_buffers[link->free_count++] = buffers + i * BUFFER_BYTES;
	return 0;
}

static int make_link(struct nbd_link **out, struct nbd_backend *nbd)
{
	struct nbd_link *link = calloc(1, sizeof(*link));
	int error;

	if (!link)
		return -ENOMEM;
	link->nbd = nbd;
	link->fd = link->epoll_fd = link->wake_fd = -1;
	link->done_last = &link->done;
	link->last = &link->first;
	link->resets = __atomic_load_n(&nbd->resets, __ATOMIC_ACQUIRE);
	for (unsigned int i = COMMANDS; i--;) {
		link->commands[i].link = link;
		release(&link->commands[i]);
	}
	error = open_descriptors(link);
	if (!error)
		error = make_buffers(link);
	if (error) {
		nbd_link_free(link);
		return error;
	}
	*out = link;
	return 0;
}

void nbd_link_free(struct nbd_link *link)
{
	if (!link)
		return;
	nbd_close(state_of(link) == NBD_LINK_FRESH ? link->fresh.handle : link->now.handle);
	if (link->epoll_fd >= 0)
		close(link->epoll_fd);
	if (link->wake_fd >= 0)
		close(link->wake_fd);
	if (link->buffers)
		munmap(link->buffers, BUFFERS * BUFFER_BYTES);
	free(link);
}

/* The first one has the connection that was made to begin with; others wait for theirs. */
static void begin(struct nbd_link *link, bool is_first)
{
	struct nbd_backend *nbd = link->nbd;

	if (is_first) {
		link->fresh = nbd->spare;
		nbd->spare.handle = NULL;
		__atomic_store_n(&link->fd, link->fresh.fd, __ATOMIC_RELAXED);
		__atomic_store_n(&nbd->spare_fd, -1, __ATOMIC_RELAXED);
	}
	__atomic_store_n(&link->state, is_first ? NBD_LINK_FRESH : NBD_LINK_WANTED,
			 __ATOMIC_RELEASE);
	nbd_link_wake(link);
	eventfd_write(nbd->wake_fd, 1);
}

/* One that a worker left, or a new one. */
static int have_link(struct nbd_link **out, struct nbd_backend *nbd)
{
	for (unsigned int i = 0; i < WORKERS_MAX; i++) {
		struct nbd_link *none = NULL,
				*link = __atomic_load_n(&nbd->links[i], __ATOMIC_ACQUIRE);
		int unused = NBD_LINK_UNUSED, error;

		if (link &&
		    __atomic_compare_exchange_n(&link->state, &unused, NBD_LINK_USED, false,
						__ATOMIC_ACQ_REL, __ATOMIC_RELAXED)) {
			/* What the worker before had was not lost: it let it go. */
			link->lost.made = 0;
			__atomic_store_n(&link->state, NBD_LINK_WANTED, __ATOMIC_RELEASE);
			eventfd_write(nbd->wake_fd, 1);
			*out = link;
			return 0;
		}
		if (link)
			continue;
		error = make_link(&link, nbd);
		if (error)
			return error;
		/* No other worker takes it for one that was left. */
		link->state = NBD_LINK_USED;
		if (__atomic_compare_exchange_n(&nbd->links[i], &none, link, false,
						__ATOMIC_ACQ_REL, __ATOMIC_RELAXED)) {
			begin(link, !i);
			*out = link;
			return 0;
		}
		nbd_link_free(link);
	}
	return -ENOMEM;
}

int nbd_channel_open(struct blk_channel **out, struct blk_backend *backend, struct blk_uring *uring)
{
	struct nbd_channel *channel = calloc(1, sizeof(*channel));
	struct nbd_backend *nbd = nbd_of(backend);
	int error = 0;

	(void)uring;
	if (!channel)
		return -ENOMEM;
	channel->channel.backend = backend;
	channel->link = __atomic_load_n(&nbd->links[0], __ATOMIC_ACQUIRE);
	if (nbd->is_shared || !channel->link)
		error = have_link(&channel->link, nbd);
	if (error) {
		free(channel);
		return error;
	}
	*out = &channel->channel;
	return 0;
}

/* What all workers use is there until the disk goes away. */
void nbd_channel_close(struct blk_channel *channel)
{
	struct nbd_link *link = link_of(channel);

	if (link->nbd->is_shared) {
		int state = __atomic_exchange_n(&link->state, NBD_LINK_UNUSED, __ATOMIC_ACQ_REL);

		__atomic_store_n(&link->fd, -1, __ATOMIC_RELAXED);
		nbd_close(state == NBD_LINK_FRESH  ? link->fresh.handle
			  : state == NBD_LINK_USED ? link->now.handle
						   : NULL);
		link->now.handle = NULL;
	}
	free(channel);
}
