// SPDX-License-Identifier: GPL-2.0-or-later
/* "In-band notifications": kicks as messages; calls are sent by backend_requests.c. */
#include "vhost-user/protocol/handlers.h"

/* "The ring is also started on the VRING_KICK message". */
enum vu_refusal vu_handle_vring_kick(struct vu_session *session, struct vu_message *message)
{
	struct vu_vring *ring = &session->rings[message->payload.state.index];
	enum vu_refusal refusal = VU_ACCEPTED;

	if (!vu_is_inband(session))
		return vu_refuse(session, VU_REFUSED_STATE,
				 "expected INBAND_NOTIFICATIONS negotiated before");
	if (message->payload.state.num)
		return vu_refuse(session, VU_REFUSED_VALUE, "%u, expected 0",
				 message->payload.state.num);
	if (!ring->started) {
		ring->started = true;
		ring->broken = false;
		refusal = vu_vring_start(session, ring);
	}
	/* One with a descriptor, from before this was negotiated, is kicked by that. */
	if (ring->running && ring->queue.is_told && session->device.ops->kick)
		session->device.ops->kick(session->device.arg, &ring->queue);
	return refusal;
}
