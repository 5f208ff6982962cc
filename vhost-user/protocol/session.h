/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One vhost-user connection, seen from the back end.
 *
 * The session owns everything that the front end gives: memory, rings, event
 * descriptors.  It hands a ring to its device when the ring starts, and takes
 * it back before anything of it changes:
 *
 *	queue_start(queue)	from now on the queue is the device's: its ring,
 *				its descriptors and the memory behind it stay
 *	queue_stop(queue)	no worker touches the queue any more when it returns, or,
 *				when something has to drain first, when the device
 *				says vu_queue_stopped()
 *
 * A ring is started while it has memory, a size, addresses and a kick (a
 * descriptor, or word that there is none).  A started ring may be disabled:
 * the device then supplies no receive buffers and discards what is sent,
 * "Ring states".  Enabling, a new kick descriptor, less memory: each is a stop and a start.
 * A new call descriptor is not: guests mask and unmask their interrupts at any time.
 *
 * While a ring drains no request of the connection is handled, so they are answered in
 * their order; vring_stop.c has how.
 *
 * Nothing here blocks.  Sockets are read when the owner's event loop says so;
 * a peer that does not take its replies loses the connection.
 *
 * Threads: the control thread only, apart from what is said of struct vu_queue.
 */
#ifndef VHOST_USER_PROTOCOL_SESSION_H
#define VHOST_USER_PROTOCOL_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/iov.h"
#include "vhost-user/protocol/message.h"
#include "vhost-user/protocol/positions.h"
#include "vhost-user/ring/virtq.h"
#include "vhost-user/ring/virtq_inflight.h"

struct vu_session;
struct vu_trace;

/**
 * struct vu_queue - a started ring
 * @ring: its state; between queue_start and queue_stop the device's alone
 * @index: number of the vring
 * @enabled: whether packets may pass; constant while started
 * @unsettled: @ring has yet to be begun with @setup, by whoever may touch its memory
 * @setup: what it begins with
 * @kick_fd: readable when the driver added buffers; -1: the ring must be polled, unless
 *	@is_told
 * @is_told: the device's kick() says when the driver added buffers
 * @call_fd: written to interrupt the driver; -1: the driver polls, unless @tells; another
 *	one may come at any time, so only vu_queue_call() looks at it
 * @tells: the driver is interrupted by a message
 * @is_calling: a message is to be sent
 * @features: negotiated virtio features
 * @inflight: where the device writes down what is in flight, when it does and the front end
 *	keeps that: the device takes, pushes and publishes by virtq_inflight.h then, and
 *	begins with what is to be resumed; NULL otherwise
 * @is_asked: at queue_stop the front end asks where the ring stands, and waits for what is in
 *	flight unless @leave_inflight; else the ring is stopped for a moment
 * @leave_inflight: at queue_stop the front end does not wait for what is in flight, which is
 *	resumed when the queue starts again
 * @device: the device's, for what it keeps of the queue; NULL when the session is new
 */
struct vu_queue {
	struct virtq ring;
	unsigned int index;
	bool enabled;
	bool unsettled;
	struct virtq_setup setup;
	int kick_fd;
	bool is_told;
	int call_fd;
	bool tells;
	bool is_calling;
	uint64_t features;
	struct virtq_inflight *inflight;
	bool is_asked;
	bool leave_inflight;
	void *device;
};

/**
 * vu_queue_settle - begin with a ring that is not settled
 * @queue: queue from queue_start with @unsettled set
 *
 * Touches guest memory that may still be missing, and lasts until it is there: see
 * lane.h.  On the thread that has the ring.
 */
void vu_queue_settle(struct vu_queue *queue);

/**
 * vu_queue_call - interrupt the driver
 * @queue: a started ring; the device calls this when virtq_publish() says so
 *
 * Return: whether that takes a message, so that vu_session_attend() has to be called.
 */
bool vu_queue_call(struct vu_queue *queue);

/**
 * vu_queue_stopped - a queue that drained is not touched any more
 * @queue: a queue whose queue_stop handed back false
 *
 * On the control thread, at any time after queue_stop; not any more after queue_abandon.  The
 * session goes on from its event loop, so nothing of it is called from within this.
 */
void vu_queue_stopped(struct vu_queue *queue);

/**
 * struct vu_ops - what a session asks of its device
 * @queue_start: the queue runs, as described above
 * @queue_stop: true: the queue is not touched any more; false: the device takes nothing more
 *	from it and calls vu_queue_stopped() when all that is in flight was given back, or
 *	at once when @leave_inflight says so
 * @queue_abandon: a queue that still drains must not be touched any more when this
 *	returns, whatever becomes of what is in flight: the time for it is over, or the
 *	device goes away; whether it could give back all the same; NULL when queue_stop never
 *	hands back false
 * @kick: the driver added buffers to a queue with @is_told; may be NULL when the device
 *	polls all rings
 * @quiesce: returns when nothing is used any more that a ring's burst before had from its
 *	IOTLB, and rings that wait for translations look again; may be NULL when
 *	rings are used by the control thread only
 * @features: virtio features were negotiated; none when the connection ends; no ring
 *	runs; may be NULL
 * @reset: the driver gave the device up: what it set up is void; no ring runs; may be NULL
 * @set_mtu: 0, or -errno for an MTU that cannot be; may be NULL
 * @send_rarp: announce this MAC address after a migration; may be NULL
 * @get_config: write the @config_size bytes of its configuration space over zeroes, as
 *	its driver sees it; may be NULL, and the space is the VMM's then
 * @set_config: write a part of it, which lies within the space; @migrated: it is what
 *	the source of a migration had, not what the driver writes; 0, or -errno for
 *	a field that cannot be written; may be NULL
 * @save: what the destination of a migration has to know of the device, as memory that
 *	the session frees; no queue is started; 0, or -errno with a message; may be NULL
 * @load: become what another device was; @bytes may be anything; 0, or -errno with a
 *	message, and the device is as before; NULL exactly when @save is
 *
 * All are called on the control thread, from within vu_session_readable(),
 * vu_session_queue_broken() and vu_session_close().
 */
struct vu_ops {
	void (*queue_start)(void *arg, struct vu_queue *queue);
	bool (*queue_stop)(void *arg, struct vu_queue *queue);
	bool (*queue_abandon)(void *arg, struct vu_queue *queue);
	void (*kick)(void *arg, struct vu_queue *queue);
	void (*quiesce)(void *arg);
	void (*features)(void *arg, uint64_t features);
	void (*reset)(void *arg);
	int (*set_mtu)(void *arg, uint16_t mtu);
	void (*send_rarp)(void *arg, const uint8_t mac[6]);
	void (*get_config)(void *arg, uint8_t space[VU_CONFIG_SPACE]);
	int (*set_config)(void *arg, uint32_t offset, const uint8_t *bytes, uint32_t size,
			  bool migrated);
	int (*save)(void *arg, uint8_t **bytes, size_t *length);
	int (*load)(void *arg, const uint8_t *bytes, size_t length);
};

/**
 * struct vu_device - the device behind a session
 * @name: for messages, the name of the port
 * @ops: its operations
 * @arg: passed to @ops
 * @features: virtio features that it offers, without VU_F_PROTOCOL_FEATURES
 * @config_size: bytes of its configuration space, at most VU_CONFIG_SPACE; what a front end
 *	reads behind it is zero
 * @queues: number of vrings, 1 to 256
 * @queue_num: answer to GET_QUEUE_NUM; for a net device front ends take it as
 *	the number of queue pairs
 * @answer_ms: how long the front end may take to answer a request, in milliseconds; 0
 *	for the default of a minute
 * @drain_ms: how long a queue may drain, in milliseconds; 0 for the default of a minute
 * @tracks_inflight: it gives chains back in any order, so it writes down what is in flight
 * @leaves_inflight: it can stop a queue at once; for front ends that are known to have
 *	GET_VRING_BASE_INFLIGHT at bit 20 as the specification does
 * @positions: where its packed rings keep their positions, one for each vring, for a
 *	process that comes after this one; NULL for nowhere
 * @any_memory: what the front end shares may be on any file system, see file_part.h
 * @closer: closes what front ends sent, and their connections, see closer.h; NULL for none
 * @watcher: has to know which memory the front end shares, when that does not arrive while rings
 *	run; NULL for nobody
 * @trace: who looks at its messages, see trace.h; NULL for nobody
 * @postcopy: offer that guest memory arrives while rings run, which are unsettled then; where what is
 *	in flight is tracked the device leaves them alone, as they have no @inflight before they are settled
 */
struct vu_device {
	const char *name;
	const struct vu_ops *ops;
	void *arg;
	uint64_t features;
	unsigned int config_size;
	unsigned int queues;
	unsigned int queue_num;
	unsigned int answer_ms;
	unsigned int drain_ms;
	bool tracks_inflight;
	bool leaves_inflight;
	struct position *positions;
	bool any_memory;
	struct closer *closer;
	const struct guest_memory_watcher *watcher;
	struct vu_trace *trace;
	bool postcopy;
};

/* Besides what the ring itself finds: its memory is lost, see memory_fault.h. */
#define VU_BROKEN_MEMORY VIRTQ_ERRORS
#define VU_BROKEN_REASONS (VIRTQ_ERRORS + 1)

/**
 * struct vu_stats - counters of a session
 * @messages: messages that were accepted
 * @refused: messages by the reason that they were not
 * @broken: rings that their driver broke, by enum virtq_error or VU_BROKEN_MEMORY
 */
struct vu_stats {
	uint64_t messages;
	uint64_t refused[VU_REFUSALS];
	uint64_t broken[VU_BROKEN_REASONS];
};

/**
 * vu_request_name - name of a request of a front end
 * @request: any 32 bits
 *
 * Return: "GET_VRING_BASE" and so on; NULL for one that is not in the table.
 */
const char *vu_request_name(uint32_t request);

/**
 * vu_broken_name - name of a reason for counters and messages
 * @reason: enum virtq_error or VU_BROKEN_MEMORY
 */
const char *vu_broken_name(unsigned int reason);

/**
 * vu_session_open - serve a connection
 * @out: receives the session; closed with vu_session_close()
 * @iov: context for log and messages, outlives the session
 * @fd: connected stream socket, taken over also on failure
 * @device: copied; what it points to outlives the session
 *
 * Return: 0 or -ENOMEM with a message.
 */
int vu_session_open(struct vu_session **out, struct iov *iov, int fd,
		    const struct vu_device *device);

/**
 * vu_session_end - the connection is over: stop all rings
 * @session: session; its socket is closed when this returns
 *
 * What drains has as long as always.  Until then vu_session_fd() is readable when this is
 * to be called again.
 *
 * Return: whether all have stopped, so that vu_session_close() abandons nothing.
 */
bool vu_session_end(struct vu_session *session);

/**
 * vu_session_close - close the connection, and abandon what still drains
 * @session: NULL is allowed
 */
void vu_session_close(struct vu_session *session);

/**
 * vu_session_fd - what to wait for
 * @session: session
 *
 * Return: a descriptor that is readable when vu_session_readable() has something to
 * do; stays the session's.
 */
int vu_session_fd(const struct vu_session *session);

/**
 * vu_session_readable - read and handle messages
 * @session: session
 *
 * Handles a bounded number of messages; the socket stays readable when there
 * are more.
 *
 * Return: 0 while the connection goes on; otherwise the caller closes the
 * session, see vu_session_end(): -ECONNRESET when the front end closed it, -EPROTO when it
 * broke the protocol or the device does not drain, or -errno; each with a message.
 */
int vu_session_readable(struct vu_session *session);

/**
 * vu_session_attend - a started ring needs something that its device cannot do
 * @session: session
 *
 * Called by the device on the control thread when a ring has an error, or looked for a
 * translation in vain (virtq_take_news()), or vu_queue_call() or memory_fault_tell() said so: the
 * session asks for translations, sends calls and stops the rings that are broken or whose memory
 * is lost.
 */
void vu_session_attend(struct vu_session *session);

/**
 * vu_session_queue_broken - the driver broke a ring
 * @session: session
 * @index: number of the vring
 *
 * Called by the device on the control thread when a started ring has an error:
 * stops the ring, logs why and signals the front end's error descriptor.  The
 * ring starts again when the front end sets it up again.
 */
void vu_session_queue_broken(struct vu_session *session, unsigned int index);

/**
 * vu_session_config_changed - the device's configuration space is another one
 * @session: session
 *
 * Tells the front end, which reads it again and interrupts the driver.  Nothing
 * happens when the front end has the space to itself or takes no requests.
 */
void vu_session_config_changed(struct vu_session *session);

/**
 * vu_session_features - negotiated virtio features
 * @session: session
 *
 * Return: 0 before SET_FEATURES.
 */
uint64_t vu_session_features(const struct vu_session *session);

/**
 * vu_session_features_offered - virtio features that the front end may choose from
 * @session: session
 */
uint64_t vu_session_features_offered(const struct vu_session *session);

/**
 * vu_session_ended_by - why vu_session_readable() ended the connection
 * @session: session
 *
 * Return: VU_ACCEPTED when it was nothing that the front end said.
 */
enum vu_refusal vu_session_ended_by(const struct vu_session *session);

/**
 * vu_session_stats - counters
 * @session: session
 *
 * Return: the counters, valid as long as the session.
 */
const struct vu_stats *vu_session_stats(const struct vu_session *session);

#endif
