/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A vhost-user back end: a virtio device of yours, at a Unix socket, for guests of QEMU and others.
 *
 * You say what the device is and answer its requests, one descriptor chain each.  Messages, guest
 * memory that comes and goes, split and packed rings, indirect tables, events, IOMMUs of guests, live
 * migration and front ends that break the protocol are this library's.
 *
 *	iov_vu_open()		the socket is there
 *	iov_vu_run()		front ends connect and leave; ops->request() for each chain
 *	iov_vu_close()
 *
 * What a guest wrote is the guest's and may change at any time: read it once, with iov_vu_read(),
 * and judge what you have read.
 *
 * Threads: a back end, and the context it was opened with, belong to one thread at a time.
 */
#ifndef IOV_VHOST_USER_LIBRARY_BACKEND_H
#define IOV_VHOST_USER_LIBRARY_BACKEND_H

#include <stddef.h>
#include <stdint.h>

#include "base/iov.h"

#ifdef __cplusplus
extern "C" {
#endif

struct iov_vu;

/* A chain of a ring, valid within ops->request(). */
struct iov_vu_request;

/**
 * struct iov_vu_ops - what the device does
 * @size: bytes of this structure, sizeof(struct iov_vu_ops); later versions append to it
 * @request: answer a request: read what the driver sent, write what it asked for; it is given
 *	back to the driver when this returns
 * @get_config: write @size bytes of the configuration space, as the device's driver reads it;
 *	NULL for a device without one
 * @set_config: the driver writes a part of it; 0, or -errno for what cannot be written; NULL when
 *	none can
 * @reset: the driver gave the device up; NULL when that changes nothing
 */
struct iov_vu_ops {
	size_t size;
	void (*request)(void *arg, struct iov_vu_request *request);
	void (*get_config)(void *arg, uint8_t *space, size_t size);
	int (*set_config)(void *arg, uint32_t offset, const uint8_t *bytes, uint32_t size);
	void (*reset)(void *arg);
};

/**
 * struct iov_vu_device - what the device is
 * @size: bytes of this structure, sizeof(struct iov_vu_device)
 * @name: for messages
 * @ops: what it does
 * @arg: passed to @ops
 * @features: bits of this kind of device (virtio 1.2 section 5); those of rings and of the
 *	transport are added
 * @queues: number of rings, 1 to 256
 * @config_size: bytes of its configuration space, 256 at most
 */
struct iov_vu_device {
	size_t size;
	const char *name;
	const struct iov_vu_ops *ops;
	void *arg;
	uint64_t features;
	unsigned int queues;
	unsigned int config_size;
};

/* Most bytes of a configuration space. */
#define IOV_VU_CONFIG_MAX 256

/**
 * iov_vu_open - serve front ends at a socket
 * @out: receives the back end, which iov_vu_close() closes
 * @iov: context for log and messages, outlives it
 * @path: of a Unix socket; one that nobody listens at any more is replaced
 * @device: copied; its name, operations and argument outlive the back end
 *
 * Has a handler of SIGBUS installed, for memory that a front end takes away while it is used: that
 * ring ends then.  Faults elsewhere end the process as before.
 *
 * Return: 0; -EINVAL with a message for a device that cannot be; -EADDRINUSE with a message when
 * another program listens there; or -errno with a message.
 */
int iov_vu_open(struct iov_vu **out, struct iov *iov, const char *path,
		const struct iov_vu_device *device);

/**
 * iov_vu_close - end the connection, and remove the socket
 * @vu: NULL is allowed
 */
void iov_vu_close(struct iov_vu *vu);

/**
 * iov_vu_fd - what to wait for, for programs with an event loop
 * @vu: back end
 *
 * Return: a descriptor that is readable when iov_vu_run() has something to do; stays the back end's.
 */
int iov_vu_fd(const struct iov_vu *vu);

/**
 * iov_vu_run - do what there is to do
 * @vu: back end
 * @timeout_ms: how long to wait for something, in milliseconds; 0: not at all; -1: as long as it
 *	takes, or until a signal comes
 *
 * A front end that breaks the protocol loses its connection, and is told of in the log; that is no
 * failure of this.
 *
 * Return: 1 when something was done, 0 when nothing was there to do in time, -EINTR for a signal, or
 * -errno with a message.
 */
int iov_vu_run(struct iov_vu *vu, int timeout_ms);

/**
 * iov_vu_features - what the driver chose
 * @vu: back end
 *
 * Return: virtio features, 0 while no driver has chosen any.
 */
uint64_t iov_vu_features(const struct iov_vu *vu);

/**
 * iov_vu_config_changed - have the driver read the configuration space again
 * @vu: back end
 */
void iov_vu_config_changed(struct iov_vu *vu);

/**
 * iov_vu_queue - the ring of a request
 * @request: request
 *
 * Return: its number, from 0 on.
 */
unsigned int iov_vu_queue(const struct iov_vu_request *request);

/**
 * iov_vu_readable - how much of what the driver sent was not read yet
 * @request: request
 *
 * Return: bytes.
 */
size_t iov_vu_readable(const struct iov_vu_request *request);

/**
 * iov_vu_writable - how much room is left for the answer
 * @request: request
 *
 * Return: bytes.
 */
size_t iov_vu_writable(const struct iov_vu_request *request);

/**
 * iov_vu_read - read on in what the driver sent
 * @request: request
 * @to: private memory; NULL to skip
 * @size: bytes
 *
 * Return: bytes read, less than @size at the end.
 */
size_t iov_vu_read(struct iov_vu_request *request, void *to, size_t size);

/**
 * iov_vu_write - write on in the answer
 * @request: request
 * @from: private memory
 * @size: bytes
 *
 * Return: bytes written, less than @size when there is no more room.
 */
size_t iov_vu_write(struct iov_vu_request *request, const void *from, size_t size);

#ifdef __cplusplus
}
#endif

#endif
