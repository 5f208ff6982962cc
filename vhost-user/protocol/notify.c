// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhost-user/protocol/notify.h"

#include <errno.h>
#include <linux/aio_abi.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* Completions that the kernel keeps before we have to take them, all at once. */
#define COMPLETIONS 256

static pthread_once_t once = PTHREAD_ONCE_INIT;
static aio_context_t context;

static void prepare(void)
{
	if (syscall(SYS_io_setup, COMPLETIONS, &context) < 0)
		context = 0;
}

static void forget_completions(void)
{
	struct io_event events[COMPLETIONS];
	struct timespec now = { 0 };

	syscall(SYS_io_getevents, context, 0, COMPLETIONS, events, &now);
}

/* The read fails, as an eventfd gives no less than 8 bytes; that completes it as well. */
static int submit(int fd)
{
	struct iocb read = {
		.aio_lio_opcode = IOCB_CMD_PREAD,
		.aio_fildes = (uint32_t)fd,
		.aio_flags = IOCB_FLAG_RESFD,
		.aio_resfd = (uint32_t)fd,
	};
	struct iocb *list[] = { &read };

	return syscall(SYS_io_submit, context, 1, list) < 0 ? -errno : 0;
}

static int write_one(int fd)
{
	const uint64_t one = 1;

	/* EAGAIN: the counter is full, so its reader has something to come. */
	return write(fd, &one, sizeof(one)) < 0 && errno != EAGAIN ? -errno : 0;
}

int notify_eventfd(int fd)
{
	int error;

	pthread_once(&once, prepare);
	if (!context)
		return write_one(fd);
	error = submit(fd);
	if (error != -EAGAIN)
		return error;
	forget_completions();
	return submit(fd);
}
