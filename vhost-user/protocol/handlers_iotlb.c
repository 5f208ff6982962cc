// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Translations that the front end gives and takes away.  It may go on as if one was
 * gone when it has our answer, so by then nothing here uses it any more: no burst of a
 * worker, and no ring that lies there.
 */
#include <inttypes.h>
#include <syslog.h>

#include "vhost-user/protocol/backend_requests.h"
#include "vhost-user/protocol/handlers.h"

/* Nobody uses what is gone, and who waits looks at what is new. */
static void settle(struct vu_session *session)
{
	if (!iotlb_is_changed(session->iotlb))
		return;
	if (session->device.ops->quiesce)
		session->device.ops->quiesce(session->device.arg);
	iotlb_collect(session->iotlb);
}

static bool has_moved(struct vu_session *session, struct vu_vring *ring)
{
	struct vu_place place;

	return vu_vring_place(session, ring, &place) || place.desc != ring->place.desc ||
	       place.driver != ring->place.driver || place.device != ring->place.device;
}

/* Rings that lie elsewhere now, and those that waited for it; and nobody uses what is gone. */
static enum vu_refusal move_rings(struct vu_session *session)
{
	bool stopped = true;

	for (unsigned int i = 0; i < session->device.queues; i++) {
		struct vu_vring *ring = &session->rings[i];

		if (ring->running && has_moved(session, ring))
			stopped &= vu_vring_stop(session, ring);
	}
	if (!stopped)
		return VU_LATER;
	vu_session_start_rings(session);
	settle(session);
	return VU_ACCEPTED;
}

void vu_iotlb_flush(struct vu_session *session)
{
	if (!session->iotlb)
		return;
	iotlb_invalidate(session->iotlb, 0, 0);
	iotlb_collect(session->iotlb);
	vu_backend_forget_misses(session, 0, UINT64_MAX);
}

static enum vu_refusal update(struct vu_session *session, const struct vu_iotlb *message)
{
	const struct iotlb_range range = {
		.iova = message->iova,
		.size = message->size,
		.uva = message->uva,
		.access = message->perm,
	};
	int error;

	if (!session->memory)
		return vu_refuse(session, VU_REFUSED_STATE, "there is no guest memory yet");
	error = iotlb_update(session->iotlb, session->iov, session->memory, &range);
	if (error)
		return error == -EINVAL ? VU_REFUSED_VALUE : VU_REFUSED_MEMORY;
	vu_backend_forget_misses(session, range.iova, range.iova + range.size);
	return move_rings(session);
}

static enum vu_refusal invalidate(struct vu_session *session, const struct vu_iotlb *message)
{
	uint64_t end;

	if (!message->size || __builtin_add_overflow(message->iova, message->size, &end))
		end = UINT64_MAX;
	iotlb_invalidate(session->iotlb, message->iova, message->size);
	vu_backend_forget_misses(session, message->iova, end);
	return move_rings(session);
}

enum vu_refusal vu_handle_iotlb_msg(struct vu_session *session, struct vu_message *message)
{
	const struct vu_iotlb request = message->payload.iotlb;
	enum vu_refusal refusal;

	if (!vu_is_translated(session))
		return vu_refuse(session, VU_REFUSED_STATE,
				 "addresses are not translated, expected VIRTIO_F_ACCESS_PLATFORM "
				 "negotiated before");
	if (request.type == VU_IOTLB_UPDATE)
		refusal = update(session, &request);
	else if (request.type == VU_IOTLB_INVALIDATE)
		refusal = invalidate(session, &request);
	else
		return vu_refuse(session, VU_REFUSED_VALUE,
				 "type %u, expected an update (2) or an invalidation (3)",
				 request.type);
	if (refusal)
		return refusal;
	message->payload.u64 = 0;
	message->header.size = sizeof(message->payload.u64);
	return VU_ACCEPTED;
}
