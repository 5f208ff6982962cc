// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Theory of operation.  Requests wait in a list.  A pass moves as many of them into the
 * submission queue as it has room for, and one io_uring_enter() gives these to the kernel and
 * has it report what it finished meanwhile.  No more are under way than the completion queue
 * has room for, so none of it overflows.
 *
 * With DEFER_TASKRUN the kernel ends a request only when this thread enters it, and says by
 * IORING_SQ_TASKRUN that it should; nothing is asked of it before.  That does not make
 * the ring readable for epoll, but signals an eventfd, so that is what to sleep on.  Nobody reads
 * the eventfd, as it is watched for its edges.
 *
 * A second ring is for devices that are asked for what they have done, in place of their interrupts
 * (IORING_SETUP_IOPOLL).  Nobody wakes its worker, so that goes on while something is under way there.
 *
 * Guest memory can be registered with either, so that the kernel has its pages at hand and need not look
 * them up and pin them for each request.
 */
#include "vhost-user/blk/uring.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include "vhost-user/blk/uring_request.h"
#include "vhost-user/compiler.h"

/* Requests that one system call takes, and that can be under way. */
#define SUBMISSIONS 256
#define COMPLETIONS 4096

/* Of the ring whose devices are polled. */
#define POLLED 256

/* Files, one for each disk of the worker. */
#define FILES_MAX 1024

/* Pieces of guest memory; as many as the kernel takes. */
#define PIECES_MAX 16384

/**
 * struct lane - one of the two rings
 * @ring: as liburing has it
 * @room: how many requests may be under way
 * @under_way: requests in the submission queue and in the kernel
 * @first: requests that wait
 * @last: where the next one goes
 * @has_pieces: there are slots for memory
 * @next_piece: where to look for a free slot
 * @is_piece: slots of memory that are taken
 */
struct lane {
	struct io_uring ring;
	unsigned int room;
	unsigned int under_way;
	struct uring_request *first;
	struct uring_request **last;
	bool has_pieces;
	unsigned int next_piece;
	bool is_piece[PIECES_MAX];
};

/**
 * struct blk_uring - both of them
 * @woken: that whose completions wake the worker
 * @polled: that whose devices are polled
 * @has_polled: there is one
 * @wake_fd: eventfd, written by the kernel
 * @is_enabled: the worker has begun to use it
 * @files: length of @is_taken
 * @is_taken: slots of files, in both
 */
struct blk_uring {
	struct lane woken;
	struct lane polled;
	bool has_polled;
	int wake_fd;
	bool is_enabled;
	unsigned int files;
	bool is_taken[FILES_MAX];
};

/*
 * All that disks need, what devices are polled for first; the command is that by which a block device
 * discards.
 */
static const uint8_t operations[] = {
	IORING_OP_READ, IORING_OP_WRITE, IORING_OP_READV, IORING_OP_WRITEV, IORING_OP_READ_FIXED,
	IORING_OP_WRITE_FIXED, IORING_OP_FSYNC, IORING_OP_FALLOCATE, IORING_OP_URING_CMD,
};

#define OPERATIONS_POLLED 6

/* Rules that are of no operation. */
#define OTHER_RULES 5
#define RULES (sizeof(operations) / sizeof(*operations) + OTHER_RULES)

/* What some versions of liburing declare a function for, but do not export it. */
static int ask_kernel(const struct io_uring *ring, unsigned int what, const void *arg,
		      unsigned int count)
{
	return io_uring_register((unsigned int)ring->ring_fd, what, arg, count);
}

static int restrict_ring(struct io_uring *ring, bool is_polled)
{
	const unsigned int count = is_polled ? OPERATIONS_POLLED + OTHER_RULES : RULES;
	struct io_uring_restriction rules[RULES] = {
		{ .opcode = IORING_RESTRICTION_SQE_FLAGS_REQUIRED, .sqe_flags = IOSQE_FIXED_FILE },
		{ .opcode = IORING_RESTRICTION_SQE_FLAGS_ALLOWED, .sqe_flags = IOSQE_ASYNC },
		{ .opcode = IORING_RESTRICTION_REGISTER_OP,
		  .register_op = IORING_REGISTER_FILES_UPDATE },
		{ .opcode = IORING_RESTRICTION_REGISTER_OP,
		  .register_op = IORING_REGISTER_BUFFERS2 },
		{ .opcode = IORING_RESTRICTION_REGISTER_OP,
		  .register_op = IORING_REGISTER_BUFFERS_UPDATE },
	};

	for (unsigned int i = OTHER_RULES; i < count; i++)
		rules[i] = (struct io_uring_restriction){
			.opcode = IORING_RESTRICTION_SQE_OP, .sqe_op = operations[i - OTHER_RULES]};
	return ask_kernel(ring, IORING_REGISTER_RESTRICTIONS, rules, count);
}

/* Flags of later kernels are done without where they are not known. */
static int create(struct lane *lane, unsigned int how, unsigned int completions)
{
	static const unsigned int flags[] = {
		IORING_SETUP_SUBMIT_ALL | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
			IORING_SETUP_TASKRUN_FLAG,
		0,
	};
	int error = -EINVAL;

	for (unsigned int i = 0; i < sizeof(flags) / sizeof(*flags) && error == -EINVAL; i++) {
		struct io_uring_params params = {
			.flags = flags[i] | how | IORING_SETUP_R_DISABLED | IORING_SETUP_CQSIZE,
			.cq_entries = completions,
		};

		error = io_uring_queue_init_params(SUBMISSIONS, &lane->ring, &params);
	}
	lane->room = completions;
	lane->last = &lane->first;
	return error;
}

/* The kernel has no more slots than the process may have files. */
static unsigned int slots(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur > FILES_MAX)
		return FILES_MAX;
	return (unsigned int)limit.rlim_cur;
}

/* With room for files, and nothing to be had of it but what disks need. */
static int prepare(struct lane *lane, unsigned int files, bool is_polled)
{
	int error = io_uring_register_files_sparse(&lane->ring, files);

	return error ? error : restrict_ring(&lane->ring, is_polled);
}

/* Where there is none devices tell by interrupts what they have done. */
static void open_polled(struct blk_uring *uring)
{
	if (create(&uring->polled, IORING_SETUP_IOPOLL, POLLED))
		return;
	uring->has_polled = !prepare(&uring->polled, uring->files, true);
	if (!uring->has_polled)
		io_uring_queue_exit(&uring->polled.ring);
}

static int say(struct iov *iov, int error)
{
	if (error == -EPERM || error == -ENOSYS)
		return iov_told(iov, error, "the host forbids io_uring (%s), which disks in files need; "
				"'sysctl kernel.io_uring_disabled=0' allows it", strerror(-error));
	return iov_told(iov, error, "cannot make an io_uring for disks in files: %s; Linux 5.19 or "
			"later is needed", strerror(-error));
}

int blk_uring_open(struct blk_uring **out, struct iov *iov)
{
	struct blk_uring *uring = calloc(1, sizeof(*uring));
	int error;

	if (!uring)
		return iov_told(iov, -ENOMEM, "no memory for an io_uring");
	uring->files = slots();
	uring->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (uring->wake_fd < 0) {
		error = iov_told(iov, -errno, "cannot make an eventfd: %s", strerror(errno));
		goto free_uring;
	}
	error = create(&uring->woken, 0, COMPLETIONS);
	if (error) {
		say(iov, error);
		goto close_wake;
	}
	error = io_uring_register_eventfd(&uring->woken.ring, uring->wake_fd);
	if (!error)
		error = prepare(&uring->woken, uring->files, false);
	if (error) {
		say(iov, error);
		goto exit_ring;
	}
	open_polled(uring);
	*out = uring;
	return 0;

exit_ring:
	io_uring_queue_exit(&uring->woken.ring);
close_wake:
	close(uring->wake_fd);
free_uring:
	free(uring);
	return error;
}

void blk_uring_close(struct blk_uring *uring)
{
	if (!uring)
		return;
	io_uring_queue_exit(&uring->woken.ring);
	if (uring->has_polled)
		io_uring_queue_exit(&uring->polled.ring);
	close(uring->wake_fd);
	free(uring);
}

int blk_uring_fd(const struct blk_uring *uring)
{
	return uring->wake_fd;
}

/* It is of the thread that enables it. */
static int enable(struct blk_uring *uring)
{
	int error;

	if (uring->is_enabled)
		return 0;
	error = ask_kernel(&uring->woken.ring, IORING_REGISTER_ENABLE_RINGS, NULL, 0);
	if (!error && uring->has_polled)
		error = ask_kernel(&uring->polled.ring, IORING_REGISTER_ENABLE_RINGS, NULL, 0);
	uring->is_enabled = !error;
	return error;
}

/* -1 for none. */
static int set_file(struct blk_uring *uring, unsigned int slot, int fd)
{
	int error = io_uring_register_files_update(&uring->woken.ring, slot, &fd, 1);

	if (error >= 0 && uring->has_polled)
		error = io_uring_register_files_update(&uring->polled.ring, slot, &fd, 1);
	return error < 0 ? error : 0;
}

int uring_add_file(struct blk_uring *uring, int fd)
{
	unsigned int slot = 0;
	int error = enable(uring);

	if (error)
		return error;
	while (slot < uring->files && uring->is_taken[slot])
		slot++;
	if (slot == uring->files)
		return -ENFILE;
	error = set_file(uring, slot, fd);
	if (error) {
		set_file(uring, slot, -1);
		return error;
	}
	uring->is_taken[slot] = true;
	return (int)slot;
}

void uring_remove_file(struct blk_uring *uring, int slot)
{
	set_file(uring, (unsigned int)slot, -1);
	uring->is_taken[slot] = false;
}

static struct lane *lane_of(struct blk_uring *uring, bool is_polled)
{
	return is_polled ? &uring->polled : &uring->woken;
}

static int set_piece(struct lane *lane, unsigned int slot, void *memory, size_t bytes)
{
	const struct iovec piece = { memory, bytes };
	int error = io_uring_register_buffers_update_tag(&lane->ring, slot, &piece, NULL, 1);

	return error < 0 ? error : 0;
}

int uring_add_memory(struct blk_uring *uring, bool is_polled, void *memory, size_t bytes)
{
	struct lane *lane = lane_of(uring, is_polled);
	unsigned int slot = lane->next_piece, tries = 0;
	int error;

	/*
	 * Not before the first piece comes, which for most disks is never: whoever looks at the open
	 * files of the process gets a line of text for each slot, free or not.
	 */
	if (!lane->has_pieces)
		lane->has_pieces = !io_uring_register_buffers_sparse(&lane->ring, PIECES_MAX);
	if (!lane->has_pieces)
		return -EOPNOTSUPP;
	for (; tries < PIECES_MAX && lane->is_piece[slot]; tries++)
		slot = (slot + 1) % PIECES_MAX;
	if (tries == PIECES_MAX)
		return -ENOSPC;
	error = set_piece(lane, slot, memory, bytes);
	if (error)
		return error;
	lane->is_piece[slot] = true;
	lane->next_piece = (slot + 1) % PIECES_MAX;
	return (int)slot;
}

void uring_remove_memory(struct blk_uring *uring, bool is_polled, int slot)
{
	struct lane *lane = lane_of(uring, is_polled);

	set_piece(lane, (unsigned int)slot, NULL, 0);
	lane->is_piece[slot] = false;
}

void uring_ask(struct blk_uring *uring, struct uring_request *request)
{
	struct lane *lane = lane_of(uring, request->is_polled);

	request->next = NULL;
	*lane->last = request;
	lane->last = &request->next;
}

bool uring_can_poll(const struct blk_uring *uring)
{
	return uring->has_polled;
}

/* What the queues have room for. */
static void fill(struct lane *lane)
{
	while (lane->first && lane->under_way < lane->room) {
		struct uring_request *request = lane->first;
		struct io_uring_sqe *sqe = io_uring_get_sqe(&lane->ring);

		if (!sqe)
			return;
		lane->first = request->next;
		if (!lane->first)
			lane->last = &lane->first;
		*sqe = request->sqe;
		sqe->flags |= IOSQE_FIXED_FILE;
		io_uring_sqe_set_data(sqe, request);
		lane->under_way++;
	}
}

/* There is something that only a system call brings forward. */
static bool has_work(const struct lane *lane)
{
	return io_uring_sq_ready(&lane->ring) ||
	       IO_URING_READ_ONCE(*lane->ring.sq.kflags) &
		       (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW);
}

static unsigned int reap(struct lane *lane)
{
	struct io_uring_cqe *cqe;
	unsigned int head, count = 0;

	io_uring_for_each_cqe(&lane->ring, head, cqe) {
		struct uring_request *request = io_uring_cqe_get_data(cqe);

		count++;
		request->done(request, cqe->res);
	}
	io_uring_cq_advance(&lane->ring, count);
	lane->under_way -= count;
	return count;
}

/* What is left must not wait for a wake-up. */
static bool has_more(const struct lane *lane)
{
	return io_uring_sq_ready(&lane->ring) || (lane->first && lane->under_way < lane->room);
}

/* @is_polled: only a system call finds out whether the devices have done something. */
static unsigned int poll_lane(struct lane *lane, bool is_polled)
{
	unsigned int count;

	fill(lane);
	if (!lane->under_way)
		return 0;
	/* Where it fails, for lack of memory, what it did not take stays in the queue. */
	if (is_polled || has_work(lane))
		io_uring_submit_and_get_events(&lane->ring);
	count = reap(lane);
	return count + (has_more(lane) || (is_polled && lane->under_way));
}

unsigned int blk_uring_poll(struct blk_uring *uring)
{
	unsigned int count = poll_lane(&uring->woken, false);

	return uring->has_polled ? count + poll_lane(&uring->polled, true) : count;
}
