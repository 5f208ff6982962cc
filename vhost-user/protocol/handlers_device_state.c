// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The device's own state on its way from the source of a migration to the destination.
 *
 * The front end brings a descriptor, such as one end of a pipe, and we may give it another
 * one instead.  We always do, because who reads or writes at the other end of what the
 * front end gives decides how long we wait for him: ours is a memory file.  The source
 * writes all of the state into it before the front end gets it.  At the destination the
 * front end writes, and says by CHECK_DEVICE_STATE that it has; more than a state can have
 * does not fit, so it fails there and not here.
 *
 * QEMU's docs/interop/vhost-user.rst, "Migrating back-end state".
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "vhost-user/protocol/handlers.h"

static enum vu_refusal check_request(struct vu_session *session, const struct vu_message *message)
{
	const struct vu_device_state *request = &message->payload.device_state;

	if (message->fd_count != 1)
		return vu_refuse(session, VU_REFUSED_FDS, "no file descriptor came with it");
	if (request->direction != VU_STATE_SAVE && request->direction != VU_STATE_LOAD)
		return vu_refuse(session, VU_REFUSED_VALUE, "direction %u, expected %d or %d",
				 request->direction, VU_STATE_SAVE, VU_STATE_LOAD);
	if (request->phase != VU_STATE_STOPPED)
		return vu_refuse(session, VU_REFUSED_VALUE, "phase %u, expected %d", request->phase,
				 VU_STATE_STOPPED);
	for (unsigned int i = 0; i < session->device.queues; i++)
		if (session->rings[i].running)
			return vu_refuse(session, VU_REFUSED_STATE,
					 "vring %u runs, expected GET_VRING_BASE before", i);
	return VU_ACCEPTED;
}

static int write_all(int fd, const uint8_t *bytes, size_t length)
{
	ssize_t done = pwrite(fd, bytes, length, 0);

	if (done < 0)
		return -errno;
	return (size_t)done == length ? 0 : -ENOSPC;
}

/* All of the state in @fd, which nobody can change any more. */
static int save(struct vu_session *session, int fd)
{
	uint8_t *bytes = NULL;
	size_t length;
	int error = session->device.ops->save(session->device.arg, &bytes, &length);

	if (error)
		return error;
	error = write_all(fd, bytes, length);
	free(bytes);
	if (!error && fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL))
		error = -errno;
	if (error)
		iov_told(session->iov, error, "the device state cannot be kept: %s",
			 strerror(-error));
	return error;
}

/* Room for any state, and for no more. */
static int make_room(struct vu_session *session, int fd)
{
	if (!ftruncate(fd, VU_STATE_MAX) && !fcntl(fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SEAL))
		return 0;
	return iov_told(session->iov, -errno, "no room for a device state: %s", strerror(errno));
}

static void forget_state(struct vu_session *session)
{
	if (session->state_fd >= 0)
		close(session->state_fd);
	session->state_fd = -1;
	session->state_saved = false;
}

enum vu_refusal vu_handle_set_device_state_fd(struct vu_session *session,
					      struct vu_message *message)
{
	enum vu_refusal refusal = check_request(session, message);
	bool saves = message->payload.device_state.direction == VU_STATE_SAVE;
	_cleanup_fd_ int fd = -1;
	int copy;

	if (refusal)
		return refusal;
	forget_state(session);
	fd = memfd_create("iovd-state", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	copy = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (copy < 0)
		return vu_refuse(session, VU_REFUSED_MEMORY, "no file for a device state: %s",
				 strerror(errno));
	if (saves ? save(session, fd) : make_room(session, fd)) {
		close(copy);
		return VU_REFUSED_MEMORY;
	}
	message->reply_fd = copy;
	session->state_saved = saves;
	if (!saves) {
		session->state_fd = fd;
		fd = -1;
	}
	/* Neither an error nor the word that there is no descriptor. */
	message->payload.u64 = 0;
	message->header.size = sizeof(message->payload.u64);
	return VU_ACCEPTED;
}

/* The front end has written as far as the file stands; the copy of it is what counts. */
static int load(struct vu_session *session)
{
	off_t length = lseek(session->state_fd, 0, SEEK_CUR);
	uint8_t *bytes = malloc(VU_STATE_MAX);
	ssize_t got;
	int error;

	if (!bytes)
		return iov_fail(session->iov, -ENOMEM, "out of memory for a device state");
	if (length < 0 || length > VU_STATE_MAX)
		length = VU_STATE_MAX;
	got = pread(session->state_fd, bytes, (size_t)length, 0);
	error = got < 0 ? iov_told(session->iov, -errno, "the device state cannot be read: %s",
				   strerror(errno))
			: session->device.ops->load(session->device.arg, bytes, (size_t)got);
	free(bytes);
	return error;
}

enum vu_refusal vu_handle_check_device_state(struct vu_session *session,
					     struct vu_message *message)
{
	bool saved = session->state_saved, running = false;
	int error = 0;

	if (!saved && session->state_fd < 0)
		return vu_refuse(session, VU_REFUSED_STATE, "no device state is on its way");
	for (unsigned int i = 0; i < session->device.queues; i++)
		running |= session->rings[i].running;
	if (!saved && running)
		error = iov_fail(session->iov, -EBUSY, "a vring runs that comes after the state");
	else if (!saved)
		error = load(session);
	forget_state(session);
	if (error)
		return VU_REFUSED_VALUE;
	message->payload.u64 = 0;
	message->header.size = sizeof(message->payload.u64);
	return VU_ACCEPTED;
}
