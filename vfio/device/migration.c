// SPDX-License-Identifier: GPL-2.0-or-later
#include "vfio/device/migration.h"

#include <assert.h>
#include <errno.h>
#include <linux/vfio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "vfio/device/device_internal.h"

#define PART (1 << 20)

/* Since Linux 6.2 */
#define MIGRATION_PRE_COPY (1u << 2)

static_assert((int)IOV_MIGRATION_RESUMING == (int)VFIO_DEVICE_STATE_RESUMING, "as the kernel counts");

static const char *const names[] = {
	"error", "stop", "running", "stop-copy", "resuming", "running-p2p", "pre-copy", "pre-copy-p2p",
};

struct feature {
	struct vfio_device_feature head;
	union {
		struct vfio_device_feature_migration support;
		struct vfio_device_feature_mig_state state;
	};
};

struct iov_migration_support iov_migration_support(struct iov_device *device)
{
	struct feature feature = { 0 };

	if (device_feature(device, &feature.head,
			   VFIO_DEVICE_FEATURE_GET | VFIO_DEVICE_FEATURE_MIGRATION,
			   sizeof(feature.support)))
		return (struct iov_migration_support){ 0 };
	return (struct iov_migration_support){
		.can = feature.support.flags & VFIO_MIGRATION_STOP_COPY,
		.p2p = feature.support.flags & VFIO_MIGRATION_P2P,
		.pre_copy = feature.support.flags & MIGRATION_PRE_COPY,
	};
}

static int cannot(struct iov_device *device, int error, const char *what)
{
	if (error == -ENOTTY)
		return iov_fail(device->iov, -ENOTSUP, "%s: cannot be moved to another host: its driver "
				"does not give its state", device->name);
	return iov_told(device->iov, error, "%s: %s: %s", device->name, what, strerror(-error));
}

int iov_migration_state(struct iov_device *device, enum iov_migration_state *state)
{
	struct feature feature = { 0 };
	int error = device_feature(device, &feature.head,
				   VFIO_DEVICE_FEATURE_GET | VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE,
				   sizeof(feature.state));

	*state = (enum iov_migration_state)feature.state.device_state;
	return error ? cannot(device, error, "what it does is not told") : 0;
}

int iov_migration_set_state(struct iov_device *device, enum iov_migration_state state, int *fd)
{
	struct feature feature = { .state = { .device_state = state, .data_fd = -1 } };
	int error = device_feature(device, &feature.head,
				   VFIO_DEVICE_FEATURE_SET | VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE,
				   sizeof(feature.state));

	if (error)
		return cannot(device, error, names[state]);
	if (fd)
		*fd = feature.state.data_fd;
	else if (feature.state.data_fd >= 0)
		close(feature.state.data_fd);
	return 0;
}

static int write_all(int fd, const char *bytes, size_t size)
{
	while (size) {
		ssize_t done = write(fd, bytes, size);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return done ? -errno : -EIO;
		bytes += done;
		size -= (size_t)done;
	}
	return 0;
}

/**
 * struct move - what moves
 * @device: device
 * @buffer: PART bytes
 * @bytes: how much was moved
 * @progress: told of it; NULL for nobody
 * @arg: passed to it
 */
struct move {
	struct iov_device *device;
	char *buffer;
	uint64_t bytes;
	iov_migration_progress *progress;
	void *arg;
};

/* Until @from has no more; ENOMSG is how a device says so that still runs. */
static int copy(struct move *move, int from, int to, const char *what)
{
	for (;;) {
		ssize_t got = read(from, move->buffer, PART);
		int error = 0;

		if (got < 0 && errno == EINTR)
			continue;
		if (!got || (got < 0 && errno == ENOMSG))
			return 0;
		if (got < 0)
			return cannot(move->device, -errno, what);
		error = write_all(to, move->buffer, (size_t)got);
		if (error)
			return cannot(move->device, error, what);
		move->bytes += (uint64_t)got;
		error = move->progress ? move->progress(move->arg, move->bytes) : 0;
		if (error)
			return cannot(move->device, error, "the move was given up");
	}
}

static int save(struct move *move, int stream)
{
	_cleanup_fd_ int state = -1;
	struct iov_device *device = move->device;
	bool runs = iov_migration_support(device).pre_copy;
	int error;

	error = iov_migration_set_state(device, runs ? IOV_MIGRATION_PRE_COPY
						     : IOV_MIGRATION_STOP_COPY, &state);
	if (!error && runs) {
		error = copy(move, state, stream, "its state while it runs");
		/* The same descriptor goes on. */
		if (!error)
			error = iov_migration_set_state(device, IOV_MIGRATION_STOP_COPY, NULL);
	}
	if (!error)
		error = copy(move, state, stream, "its state");
	return error ? error : iov_migration_set_state(device, IOV_MIGRATION_STOP, NULL);
}

int iov_migration_save(struct iov_device *device, int stream, iov_migration_progress *progress,
		       void *arg)
{
	_cleanup_free_ char *buffer = malloc(PART);
	struct move move = { device, buffer, 0, progress, arg };
	struct feature back = { .state = { .device_state = IOV_MIGRATION_RUNNING, .data_fd = -1 } };
	int error = buffer ? save(&move, stream) : -ENOMEM;

	/* The message that there is stays. */
	if (error)
		device_feature(device, &back.head,
			       VFIO_DEVICE_FEATURE_SET | VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE,
			       sizeof(back.state));
	return error;
}

int iov_migration_load(struct iov_device *device, int stream, iov_migration_progress *progress,
		       void *arg)
{
	_cleanup_free_ char *buffer = malloc(PART);
	struct move move = { device, buffer, 0, progress, arg };
	_cleanup_fd_ int state = -1;
	int error = buffer ? iov_migration_set_state(device, IOV_MIGRATION_RESUMING, &state) : -ENOMEM;

	/* It took one already, which was not all: closing it does not end that. */
	if (!error && state < 0)
		error = iov_fail(device->iov, -EBUSY, "%s: is in the middle of another state; reset it",
				 device->name);
	if (!error)
		error = copy(&move, stream, state, "a state that was saved");
	/* Only now it looks whether that was all. */
	return error ? error : iov_migration_set_state(device, IOV_MIGRATION_STOP, NULL);
}
