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

/* Files, one for each disk of the worker. */
#define FILES_MAX 1024

/**
 * struct blk_uring - a ring
 * @ring: as liburing has it
 * @wake_fd: eventfd, written by the kernel
 * @is_enabled: the worker has begun to use it
 * @under_way: requests in the submission queue and in the kernel
 * @first: requests that wait
 * @last: where the next one goes
 * @files: length of @is_taken
 * @is_taken: slots of files
 */
struct blk_uring {
	struct io_uring ring;
	int wake_fd;
	bool is_enabled;
	unsigned int under_way;
	struct uring_request *first;
	struct uring_request **last;
	unsigned int files;
	bool is_taken[FILES_MAX];
};

/* All that disks need; the command is that by which a block device discards. */
static const uint8_t operations[] = {
	IORING_OP_READ, IORING_OP_WRITE, IORING_OP_READV, IORING_OP_WRITEV, IORING_OP_FSYNC,
	IORING_OP_FALLOCATE, IORING_OP_URING_CMD,
};

#define RULES (sizeof(operations) / sizeof(*operations) + 3)

/* What some versions of liburing declare a function for, but do not export it. */
static int ask_kernel(const struct io_uring *ring, unsigned int what, const void *arg,
		      unsigned int count)
{
	return io_uring_register((unsigned int)ring->ring_fd, what, arg, count);
}

static int restrict_ring(struct io_uring *ring)
{
	struct io_uring_restriction rules[RULES] = {
		{ .opcode = IORING_RESTRICTION_SQE_FLAGS_REQUIRED, .sqe_flags = IOSQE_FIXED_FILE },
		{ .opcode = IORING_RESTRICTION_SQE_FLAGS_ALLOWED, .sqe_flags = IOSQE_ASYNC },
		{ .opcode = IORING_RESTRICTION_REGISTER_OP,
		  .register_op = IORING_REGISTER_FILES_UPDATE },
	};

	for (unsigned int i = 3; i < RULES; i++)
		rules[i] = (struct io_uring_restriction){
			.opcode = IORING_RESTRICTION_SQE_OP, .sqe_op = operations[i - 3]};
	return ask_kernel(ring, IORING_REGISTER_RESTRICTIONS, rules, RULES);
}

/* Flags of later kernels are done without where they are not known. */
static int create(struct io_uring *ring)
{
	static const unsigned int flags[] = {
		IORING_SETUP_SUBMIT_ALL | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
			IORING_SETUP_TASKRUN_FLAG,
		0,
	};
	int error = -EINVAL;

	for (unsigned int i = 0; i < sizeof(flags) / sizeof(*flags) && error == -EINVAL; i++) {
		struct io_uring_params params = {
			.flags = flags[i] | IORING_SETUP_R_DISABLED | IORING_SETUP_CQSIZE,
			.cq_entries = COMPLETIONS,
		};

		error = io_uring_queue_init_params(SUBMISSIONS, ring, &params);
	}
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

static int prepare(struct blk_uring *uring)
{
	int error = io_uring_register_files_sparse(&uring->ring, uring->files);

	if (!error)
		error = io_uring_register_eventfd(&uring->ring, uring->wake_fd);
	return error ? error : restrict_ring(&uring->ring);
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
	uring->last = &uring->first;
	uring->files = slots();
	uring->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (uring->wake_fd < 0) {
		error = iov_told(iov, -errno, "cannot make an eventfd: %s", strerror(errno));
		goto free_uring;
	}
	error = create(&uring->ring);
	if (error) {
		say(iov, error);
		goto close_wake;
	}
	error = prepare(uring);
	if (error) {
		say(iov, error);
		goto exit_ring;
	}
	*out = uring;
	return 0;

exit_ring:
	io_uring_queue_exit(&uring->ring);
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
	io_uring_queue_exit(&uring->ring);
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
	int error = uring->is_enabled ? 0 : ask_kernel(&uring->ring, IORING_REGISTER_ENABLE_RINGS,
							 NULL, 0);

	uring->is_enabled = !error;
	return error;
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
	error = io_uring_register_files_update(&uring->ring, slot, &fd, 1);
	if (error < 0)
		return error;
	uring->is_taken[slot] = true;
	return (int)slot;
}

void uring_remove_file(struct blk_uring *uring, int slot)
{
	int none = -1;

	io_uring_register_files_update(&uring->ring, (unsigned int)slot, &none, 1);
	uring->is_taken[slot] = false;
}

void uring_ask(struct blk_uring *uring, struct uring_request *request)
{
	request->next = NULL;
	*uring->last = request;
	uring->last = &request->next;
}

/* What the queues have room for. */
static void fill(struct blk_uring *uring)
{
	while (uring->first && uring->under_way < COMPLETIONS) {
		struct uring_request *request = uring->first;
		struct io_uring_sqe *sqe = io_uring_get_sqe(&uring->ring);

		if (!sqe)
			return;
		uring->first = request->next;
		if (!uring->first)
			uring->last = &uring->first;
		*sqe = request->sqe;
		sqe->flags |= IOSQE_FIXED_FILE;
		io_uring_sqe_set_data(sqe, request);
		uring->under_way++;
	}
}

/* There is something that only a system call brings forward. */
static bool has_work(const struct blk_uring *uring)
{
	return io_uring_sq_ready(&uring->ring) ||
	       IO_URING_READ_ONCE(*uring->ring.sq.kflags) &
		       (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW);
}

static unsigned int reap(struct blk_uring *uring)
{
	struct io_uring_cqe *cqe;
	unsigned int head, count = 0;

	io_uring_for_each_cqe(&uring->ring, head, cqe) {
		struct uring_request *request = io_uring_cqe_get_data(cqe);

		count++;
		request->done(request, cqe->res);
	}
	io_uring_cq_advance(&uring->ring, count);
	uring->under_way -= count;
	return count;
}

unsigned int blk_uring_poll(struct blk_uring *uring)
{
	unsigned int count;

	fill(uring);
	if (!uring->under_way)
		return 0;
	/* Where it fails, for lack of memory, what it did not take stays in the queue. */
	if (has_work(uring))
		io_uring_submit_and_get_events(&uring->ring);
	count = reap(uring);
	/* What came meanwhile, or is left, must not wait for a wake-up. */
	if (io_uring_sq_ready(&uring->ring) || (uring->first && uring->under_way < COMPLETIONS))
		count++;
	return count;
}
