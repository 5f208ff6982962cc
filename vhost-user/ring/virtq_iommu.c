// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Rings whose buffers are named by I/O virtual addresses.
 *
 * Each burst begins with the translations that there are then.  A chain that needs
 * another one is not taken, and the ring yields nothing more
 * (VIRTQ_ERROR_TRANSLATION) until there are new translations.  Meanwhile the
 * control thread asks the front end.  Rings without translation have none of this in
 * their way: their operations are other ones.
 *
 * Frames for a ring that waits are lost.  So after each burst a receive ring looks a
 * few buffers ahead, and has their translations asked for while it still has others.
 */
#include "vhost-user/ring/virtq_chain.h"

/* Buffers that a receive ring looks ahead. */
#define AHEAD 32

/* The word in @missing: a page, what for, and that there is something. */
#define MISSING 1u
#define MISSING_WRITE 2u

enum virtq_error virtq_no_address(struct virtq *vq, uint64_t address, bool writable,
				  enum virtq_error error)
{
	uint64_t word = (address & ~(uint64_t)(IOTLB_PAGE - 1)) | MISSING;

	if (!vq->iotlb)
		return error;
	if (writable)
		word |= MISSING_WRITE;
	/* One word, so that the control thread sees all of it or nothing. */
	if (word != vq->missing) {
		__atomic_store_n(&vq->missing, word, __ATOMIC_RELAXED);
		vq->is_news = true;
	}
	return VIRTQ_ERROR_TRANSLATION;
}

uint64_t virtq_missing(const struct virtq *vq, enum iotlb_access *access)
{
	uint64_t word = __atomic_load_n(&vq->missing, __ATOMIC_RELAXED);

	if (!(word & MISSING))
		return UINT64_MAX;
	*access = word & MISSING_WRITE ? IOTLB_WRITE : IOTLB_READ;
	return word & ~(uint64_t)(IOTLB_PAGE - 1);
}

static void go_on(struct virtq *vq)
{
	if (vq->error == VIRTQ_ERROR_TRANSLATION)
		vq->error = VIRTQ_OK;
	__atomic_store_n(&vq->missing, 0, __ATOMIC_RELAXED);
}

void virtq_renew(struct virtq *vq)
{
	const struct iotlb_view *view;

	if (!vq->iotlb)
		return;
	view = iotlb_view(vq->iotlb);
	vq->map[0] = &view->readable;
	vq->map[1] = &view->writable;
	vq->hint[0] = view->readable.regions;
	vq->hint[1] = view->writable.regions;
	if (vq->generation == view->generation)
		return;
	vq->generation = view->generation;
	go_on(vq);
}

static unsigned int take(struct virtq *vq, struct virtq_batch *batch, unsigned int max)
{
	virtq_renew(vq);
	return vq->direct->take(vq, batch, max);
}

static unsigned int take_space(struct virtq *vq, struct virtq_batch *batch, uint32_t length,
			       unsigned int max)
{
	virtq_renew(vq);
	return vq->direct->take_space(vq, batch, length, max);
}

/* What is missing ahead does not keep the ring from what it has. */
static void look_ahead(struct virtq *vq, struct virtq_batch *batch)
{
	unsigned int taken;

	if (vq->error)
		return;
	virtq_batch_reset(batch);
	taken = vq->direct->take(vq, batch, AHEAD);
	vq->direct->untake(vq, batch, taken);
	if (vq->error == VIRTQ_ERROR_TRANSLATION)
		vq->error = VIRTQ_OK;
}

static unsigned int fill(struct virtq *vq, struct virtq_batch *batch, struct virtq_write *writes,
			 unsigned int count, unsigned int buffers_max)
{
	unsigned int done;

	virtq_renew(vq);
	done = vq->direct->fill(vq, batch, writes, count, buffers_max);
	look_ahead(vq, batch);
	return done;
}

static void untake(struct virtq *vq, struct virtq_batch *batch, unsigned int count)
{
	vq->direct->untake(vq, batch, count);
}

static void push(struct virtq *vq, const struct virtq_chain *chain, uint32_t length)
{
	vq->direct->push(vq, chain, length);
}

static void return_all(struct virtq *vq, const struct virtq_batch *batch)
{
	vq->direct->return_all(vq, batch);
}

static bool publish(struct virtq *vq)
{
	return vq->direct->publish(vq);
}

static void kick_disable(struct virtq *vq)
{
	vq->direct->kick_disable(vq);
}

static bool kick_enable(struct virtq *vq)
{
	return vq->direct->kick_enable(vq);
}

static uint32_t base(const struct virtq *vq)
{
	return vq->direct->base(vq);
}

static bool is_new(const struct virtq *vq)
{
	return vq->direct->is_new(vq);
}

static void expect(const struct virtq *vq)
{
	vq->direct->expect(vq);
}

static const struct virtq_ops translated_ops = {
	.expect = expect,
	.take = take,
	.take_space = take_space,
	.untake = untake,
	.push = push,
	.return_all = return_all,
	.fill = fill,
	.publish = publish,
	.kick_disable = kick_disable,
	.kick_enable = kick_enable,
	.base = base,
	.is_new = is_new,
};

void virtq_translate(struct virtq *vq, const struct iotlb *iotlb)
{
	vq->iotlb = iotlb;
	vq->direct = vq->ops;
	vq->ops = &translated_ops;
	virtq_renew(vq);
}
