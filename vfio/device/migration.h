/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The state of a device that moves to another host: version 2 of VFIO's migration protocol,
 * linux/vfio.h, VFIO_DEVICE_FEATURE_MIGRATION.
 *
 * What is written is for the same driver's device at the other end, which says itself whether
 * it can use it.
 */
#ifndef IOV_VFIO_DEVICE_MIGRATION_H
#define IOV_VFIO_DEVICE_MIGRATION_H

#include "vfio/device/device.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * enum iov_migration_state - what a device does
 * @IOV_MIGRATION_ERROR: it failed; reset it
 * @IOV_MIGRATION_STOP: nothing
 * @IOV_MIGRATION_RUNNING: its work
 * @IOV_MIGRATION_STOP_COPY: it gives its state
 * @IOV_MIGRATION_RESUMING: it takes a state
 * @IOV_MIGRATION_RUNNING_P2P: its work, but it begins nothing with other devices
 * @IOV_MIGRATION_PRE_COPY: its work, and it gives its state as it is
 * @IOV_MIGRATION_PRE_COPY_P2P: the same, and it begins nothing with other devices
 */
enum iov_migration_state {
	IOV_MIGRATION_ERROR,
	IOV_MIGRATION_STOP,
	IOV_MIGRATION_RUNNING,
	IOV_MIGRATION_STOP_COPY,
	IOV_MIGRATION_RESUMING,
	IOV_MIGRATION_RUNNING_P2P,
	IOV_MIGRATION_PRE_COPY,
	IOV_MIGRATION_PRE_COPY_P2P,
};

/**
 * struct iov_migration_support - what a device can do
 * @can: it can be moved at all
 * @p2p: it can stop what it begins with other devices before it stops
 * @pre_copy: it gives state while it runs
 */
struct iov_migration_support {
	bool can;
	bool p2p;
	bool pre_copy;
};

/**
 * iov_migration_support - what a device can do
 * @device: device
 *
 * Return: it; all false for one that cannot be moved.
 */
struct iov_migration_support iov_migration_support(struct iov_device *device);

/**
 * iov_migration_state - what a device does now
 * @device: device
 * @state: receives it
 *
 * Return: 0; -ENOTSUP when it cannot be moved; -errno; with a message.
 */
int iov_migration_state(struct iov_device *device, enum iov_migration_state *state);

/**
 * iov_migration_set_state - have it do something else
 * @device: device
 * @state: what; the kernel goes there by the shortest way through the others
 * @fd: receives the descriptor that its state is read from, or written to, which the caller
 *	closes; -1 where the state has none.  NULL when there is none
 *
 * Return: 0; -ENOTSUP; -errno, after which it does what it did, or is in error; with a message.
 */
int iov_migration_set_state(struct iov_device *device, enum iov_migration_state state, int *fd);

/**
 * iov_migration_progress - told how much was moved
 * @arg: as it was given
 * @bytes: since the start
 *
 * Return: 0, or -errno to give up, which leaves the device running where it was saved.
 */
typedef int iov_migration_progress(void *arg, uint64_t bytes);

/**
 * iov_migration_save - write the state of a device to a stream
 * @device: device, which runs
 * @stream: file, pipe or socket that takes all that is written
 * @progress: called after each part; NULL for nobody
 * @arg: passed to @progress
 *
 * As long as it can, it runs: first what it gives meanwhile (PRE_COPY) is written, once; then
 * it is stopped, and the rest follows.  It stays stopped then, and must not run
 * again when it runs at the other end.
 *
 * Return: 0; -ENOTSUP; -EPIPE and others when the stream fails, after which it runs again;
 * -errno; with a message.
 */
int iov_migration_save(struct iov_device *device, int stream, iov_migration_progress *progress,
		       void *arg);

/**
 * iov_migration_load - give a device a state from a stream
 * @device: device of the same kind, which did nothing yet
 * @stream: what iov_migration_save() wrote, up to its end
 * @progress: called after each part; NULL for nobody
 * @arg: passed to @progress
 *
 * It is stopped then; iov_migration_set_state() lets it run.
 *
 * Return: 0; -EBUSY after another load that failed; -EINVAL when the device does not take
 * that; -errno, after which it is to be
 * reset; with a message.
 */
int iov_migration_load(struct iov_device *device, int stream, iov_migration_progress *progress,
		       void *arg);

#ifdef __cplusplus
}
#endif

#endif
