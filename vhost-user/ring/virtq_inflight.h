/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a ring's device has taken and not given back, in memory that the front end keeps.
 *
 * A device that gives chains back in any order cannot tell from the ring what it had in
 * flight when it was killed.  "Inflight I/O tracking" of vhost-user.rst says how that is
 * written down, in a region for each queue, so that whoever comes next submits those
 * chains again, in the order in which they were taken.  Each chain is given back once
 * however often devices are killed.
 *
 *	virtq_inflight_open()	repairs the region and completes the setup of the ring
 *	virtq_start()
 *	virtq_inflight_resume()	take again what was in flight, until there is no more
 *	virtq_inflight_take(), virtq_inflight_push(), virtq_inflight_publish()
 *				in place of virtq_take(), virtq_push(), virtq_publish()
 *
 * The front end may write to the region at any time.  It is read when it is opened, and
 * checked; from then on our own memory is what counts and the region is only written to.
 *
 * A device that gives back in order and before it takes anew needs nothing of this.
 *
 * Threads: as the ring.
 */
#ifndef VHOST_USER_RING_VIRTQ_INFLIGHT_H
#define VHOST_USER_RING_VIRTQ_INFLIGHT_H

#include "base/iov.h"
#include "vhost-user/ring/virtq.h"

struct virtq_inflight;

/**
 * virtq_inflight_bytes - size of the region of a queue
 * @entries: entries of the queue
 * @features: negotiated virtio features, which tell the kind of ring
 *
 * Return: bytes, a multiple of 64 as other back ends have it.
 */
size_t virtq_inflight_bytes(unsigned int entries, uint64_t features);

/**
 * virtq_inflight_open - go on where a device stopped, however it did
 * @out: receives it; the caller closes it with virtq_inflight_close()
 * @iov: context for the message
 * @region: virtq_inflight_bytes(@entries) bytes, aligned to 8; zero at first
 * @entries: entries that the region was made for
 * @setup: the ring, of at most @entries entries; its base, which counts when @region has not
 *	been used yet, becomes the one to start with
 *
 * Return: 0; -EPROTO with a message when the region is not one of this ring or makes no
 * sense; -ENOMEM.
 */
int virtq_inflight_open(struct virtq_inflight **out, struct iov *iov, void *region,
			uint16_t entries, struct virtq_setup *setup);

/**
 * virtq_inflight_forget - have a region begin anew
 * @region: of a ring that does not run
 * @entries: entries that it was made for
 * @features: negotiated virtio features, which tell the kind of ring
 * @all: also when something is in flight, which nobody waits for
 *
 * For when the front end knows where the ring stands: it may say something else then, as the
 * driver may make it anew.
 */
void virtq_inflight_forget(void *region, uint16_t entries, uint64_t features, bool all);

/**
 * virtq_inflight_close - forget it; the region stays
 * @inflight: NULL is allowed
 */
void virtq_inflight_close(struct virtq_inflight *inflight);

/**
 * virtq_inflight_resume - take chains again that were in flight
 * @inflight: of the ring
 * @vq: ring
 * @batch: chains are appended, in the order in which they were taken at first
 * @max: most chains to take
 *
 * Return: number of chains; 0 when there are no more, the batch is full or the ring broken.
 */
unsigned int virtq_inflight_resume(struct virtq_inflight *inflight, struct virtq *vq,
				   struct virtq_batch *batch, unsigned int max);

/**
 * virtq_inflight_has_more - whether there are chains to resume
 * @inflight: of the ring
 */
bool virtq_inflight_has_more(const struct virtq_inflight *inflight);

/**
 * virtq_inflight_take - virtq_take(), written down
 * @inflight: of the ring
 * @vq: ring, of which everything was resumed
 * @batch: chains are appended; none of them may be untaken
 * @max: most chains to take
 *
 * A chain that is in flight already breaks the ring.
 *
 * Return: number of chains taken.
 */
unsigned int virtq_inflight_take(struct virtq_inflight *inflight, struct virtq *vq,
				 struct virtq_batch *batch, unsigned int max);

/**
 * enum virtq_inflight_mark - how far a chain came that must not be carried out twice
 *
 * An entry that is not in flight has none: who takes it next may be a back end that knows no marks.
 * @VIRTQ_INFLIGHT_TAKEN: nothing was begun
 * @VIRTQ_INFLIGHT_BEGUN: it may have been carried out, or not
 * @VIRTQ_INFLIGHT_DONE: it was
 */
enum virtq_inflight_mark {
	VIRTQ_INFLIGHT_TAKEN,
	VIRTQ_INFLIGHT_BEGUN,
	VIRTQ_INFLIGHT_DONE,
};

/**
 * virtq_inflight_mark - write down how far a chain came
 * @inflight: of the ring
 * @chain: a chain that is in flight, which the caller may have copied
 * @mark: how far; VIRTQ_INFLIGHT_TAKEN since it was taken from the ring
 *
 * What was stored in guest memory before this is there for who finds the mark.
 */
void virtq_inflight_mark(struct virtq_inflight *inflight, const struct virtq_chain *chain,
			 enum virtq_inflight_mark mark);

/**
 * virtq_inflight_marked - how far a chain came
 * @inflight: of the ring
 * @chain: a chain that is in flight
 *
 * Return: what was written down; what is no mark is VIRTQ_INFLIGHT_TAKEN.
 */
enum virtq_inflight_mark virtq_inflight_marked(const struct virtq_inflight *inflight,
					       const struct virtq_chain *chain);

/**
 * virtq_inflight_push - virtq_push(), written down
 * @inflight: of the ring
 * @vq: ring
 * @chain: a chain that is in flight, which the caller may have copied
 * @length: bytes written to its device-writable part
 *
 * The driver may see it before the next publish.
 */
void virtq_inflight_push(struct virtq_inflight *inflight, struct virtq *vq,
			 const struct virtq_chain *chain, uint32_t length);

/**
 * virtq_inflight_publish - virtq_publish(), written down
 * @inflight: of the ring
 * @vq: ring
 *
 * Return: whether the driver wants to be called.
 */
bool virtq_inflight_publish(struct virtq_inflight *inflight, struct virtq *vq);

#endif
