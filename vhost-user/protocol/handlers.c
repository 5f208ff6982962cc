// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What each request does.  Its rule was checked: payload size, number of
 * descriptors and vring index are right, and only what the payload says is
 * left to be judged.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "vhost-user/protocol/handlers.h"

static enum vu_refusal reply_u64(struct vu_message *message, uint64_t value)
{
	message->payload.u64 = value;
	message->header.size = sizeof(value);
	return VU_ACCEPTED;
}

static struct vu_vring *state_ring(struct vu_session *session, const struct vu_message *message)
{
	return &session->rings[message->payload.state.index];
}

uint64_t vu_session_features_offered(const struct vu_session *session)
{
	return session->device.features | VU_BIT(VU_F_PROTOCOL_FEATURES) | VU_BIT(VU_F_LOG_ALL);
}

enum vu_refusal vu_handle_get_features(struct vu_session *session, struct vu_message *message)
{
	return reply_u64(message, vu_session_features_offered(session));
}

/* Sent once per queue pair by QEMU, while the rings of earlier pairs run. */
enum vu_refusal vu_handle_set_features(struct vu_session *session, struct vu_message *message)
{
	uint64_t features = message->payload.u64, offered = vu_session_features_offered(session);

	if (features & ~offered)
		return vu_refuse(session, VU_REFUSED_VALUE,
				 "features 0x%" PRIx64
				 " are not offered, expected none beyond 0x%" PRIx64,
				 features & ~offered, offered);
	if (features == session->features)
		return VU_ACCEPTED;
	if (features & VU_BIT(VIRTIO_F_ACCESS_PLATFORM) && !session->iotlb &&
	    iotlb_open(&session->iotlb))
		return vu_refuse(session, VU_REFUSED_MEMORY, "out of memory");
	if (!vu_session_stop_rings(session))
		return VU_LATER;
	session->features = features;
	vu_iotlb_flush(session);
	if (session->device.ops->features)
		session->device.ops->features(session->device.arg, features);
	vu_session_start_rings(session);
	return VU_ACCEPTED;
}

enum vu_refusal vu_handle_set_owner(struct vu_session *session, struct vu_message *message)
{
	(void)session;
	(void)message;
	return VU_ACCEPTED;
}

/* Deprecated: "either ignore this message, or use it to disable all rings". */
enum vu_refusal vu_handle_reset_owner(struct vu_session *session, struct vu_message *message)
{
	(void)message;
	if (!vu_session_stop_rings(session))
		return VU_LATER;
	for (unsigned int i = 0; i < session->device.queues; i++)
		session->rings[i].enabled = false;
	vu_session_start_rings(session);
	return VU_ACCEPTED;
}

/* All that the driver set up goes; memory and descriptors are the front end's and stay. */
static enum vu_refusal reset_device(struct vu_session *session)
{
	if (!vu_session_stop_rings(session))
		return VU_LATER;
	for (unsigned int i = 0; i < session->device.queues; i++) {
		struct vu_vring *ring = &session->rings[i];

		ring->started = ring->enabled = ring->broken = ring->has_addr = false;
		ring->size = 0;
		ring->base = ring->told = 0;
		ring->ran = false;
		vu_vring_forget_position(session, ring);
		vu_inflight_forget(session, ring, true);
	}
	vu_iotlb_flush(session);
	session->status = 0;
	if (session->device.ops->reset)
		session->device.ops->reset(session->device.arg);
	return VU_ACCEPTED;
}

enum vu_refusal vu_handle_reset_device(struct vu_session *session, struct vu_message *message)
{
	(void)message;
	return reset_device(session);
}

/* Virtio 1.2 section 2.1: 8 bits, of which writing none resets the device. */
enum vu_refusal vu_handle_set_status(struct vu_session *session, struct vu_message *message)
{
	uint64_t status = message->payload.u64;

	if (status > UINT8_MAX)
		return vu_refuse(session, VU_REFUSED_VALUE, "status 0x%" PRIx64 ", expected 8 bits",
				 status);
	if (!status && reset_device(session))
		return VU_LATER;
	session->status = (uint8_t)status;
	return VU_ACCEPTED;
}

enum vu_refusal vu_handle_get_status(struct vu_session *session, struct vu_message *message)
{
	return reply_u64(message, session->status);
}

enum vu_refusal vu_handle_get_protocol_features(struct vu_session *session,
						struct vu_message *message)
{
	return reply_u64(message, vu_session_offered(session));
}

enum vu_refusal vu_handle_set_protocol_features(struct vu_session *session,
						struct vu_message *message)
{
	const uint64_t needed = VU_BIT(VU_PROTOCOL_BACKEND_REQ) | VU_BIT(VU_PROTOCOL_REPLY_ACK);
	uint64_t features = message->payload.u64;

	if (features & ~vu_session_offered(session))
		return vu_refuse(session, VU_REFUSED_VALUE,
				 "protocol features 0x%" PRIx64
				 " are not offered, expected none beyond 0x%" PRIx64,
				 features & ~vu_session_offered(session),
				 vu_session_offered(session));
	if (features & VU_BIT(VU_PROTOCOL_GET_VRING_BASE_INFLIGHT) &&
	    !(features & VU_BIT(VU_PROTOCOL_INFLIGHT_SHMFD)))
		return vu_refuse(session, VU_REFUSED_VALUE, "GET_VRING_BASE_INFLIGHT, expected "
				 "INFLIGHT_SHMFD with it");
	/* "It is also considered an error"; without a channel nobody would be called. */
	if (features & VU_BIT(VU_PROTOCOL_INBAND_NOTIFICATIONS) && ~features & needed)
		return vu_refuse(session, VU_REFUSED_VALUE, "INBAND_NOTIFICATIONS, expected "
				 "BACKEND_REQ and REPLY_ACK with it");
	session->protocol_features = features;
	return VU_ACCEPTED;
}

enum vu_refusal vu_handle_get_queue_num(struct vu_session *session, struct vu_message *message)
{
	return reply_u64(message, session->device.queue_num);
}

static enum vu_refusal refuse_running(struct vu_session *session, const struct vu_vring *ring)
{
	return vu_refuse(session, VU_REFUSED_STATE, "vring %u runs, expected GET_VRING_BASE before",
			 ring->queue.index);
}

static bool is_enabled(const struct vu_session *session)
{
	for (unsigned int i = 0; i < session->device.queues; i++)
		if (session->rings[i].running && session->rings[i].queue.enabled)
			return true;
	return false;
}

/*
 * Linux's own front end only disables all rings when its driver goes, and the next driver
 * sets them up anew: what the one before set up is void, as after RESET_DEVICE.
 */
static enum vu_refusal set_up_anew(struct vu_session *session, const struct vu_vring *ring)
{
	if (!ring->running)
		return VU_ACCEPTED;
	return is_enabled(session) ? refuse_running(session, ring) : reset_device(session);
}

enum vu_refusal vu_handle_set_vring_num(struct vu_session *session, struct vu_message *message)
{
	struct vu_vring *ring = state_ring(session, message);
	uint32_t size = message->payload.state.num;
	enum vu_refusal refusal;

	if (!size || size > VIRTQ_SIZE_MAX || (!vu_is_packed(session) && (size & (size - 1))))
		return vu_refuse(session, VU_REFUSED_VALUE, "%u entries, expected %s up to %d", size,
				 vu_is_packed(session) ? "1" : "a power of two", VIRTQ_SIZE_MAX);
	refusal = set_up_anew(session, ring);
	if (refusal)
		return refusal;
	ring->size = (uint16_t)size;
	return vu_vring_start(session, ring);
}

enum vu_refusal vu_handle_set_vring_base(struct vu_session *session, struct vu_message *message)
{
	struct vu_vring *ring = state_ring(session, message);
	enum vu_refusal refusal;

	if (!vu_is_packed(session) && message->payload.state.num > UINT16_MAX)
		return vu_refuse(session, VU_REFUSED_VALUE,
				 "base %u, expected at most %u for a split ring",
				 message->payload.state.num, UINT16_MAX);
	refusal = set_up_anew(session, ring);
	if (refusal)
		return refusal;
	ring->base = ring->told = message->payload.state.num;
	ring->ran = false;
	return VU_ACCEPTED;
}

/* Stops the ring, "Ring states"; one that is stopped answers the same again. */
enum vu_refusal vu_handle_get_vring_base(struct vu_session *session, struct vu_message *message)
{
	struct vu_vring *ring = state_ring(session, message);

	ring->queue.is_asked = true;
	if (!vu_vring_stop(session, ring))
		return VU_LATER;
	ring->started = false;
	ring->broken = false;
	vu_vring_forget_position(session, ring);
	if (ring->ran)
		vu_inflight_forget(session, ring, false);
	message->payload.state.num = ring->base;
	message->header.size = sizeof(message->payload.state);
	return VU_ACCEPTED;
}

enum vu_refusal vu_handle_set_vring_addr(struct vu_session *session, struct vu_message *message)
{
	struct vu_vring *ring = state_ring(session, message);
	enum vu_refusal refusal;

	/* Writes to a ring are logged as those to its buffers are, whatever the flag says. */
	if (message->payload.addr.flags & ~VU_VRING_LOG)
		return vu_refuse(session, VU_REFUSED_VALUE, "flags 0x%x, expected at most 0x%x",
				 message->payload.addr.flags, VU_VRING_LOG);
	if (!vu_vring_stop(session, ring))
		return VU_LATER;
	ring->addr = message->payload.addr;
	ring->asked = 0;
	ring->has_addr = true;
	refusal = vu_vring_start(session, ring);
	if (refusal)
		ring->has_addr = false;
	return refusal;
}

/* The eventfd of the message, -1 for none. */
static int take_eventfd(struct vu_message *message)
{
	int fd = vu_message_take_fd(message);

	/* For where notify_eventfd() has to write. */
	if (fd >= 0)
		fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	return fd;
}

/* Put the eventfd of the message, or none, in place of the one at @fd, which nobody uses. */
static void replace_fd(int *fd, struct vu_message *message)
{
	if (*fd >= 0)
		close(*fd);
	*fd = take_eventfd(message);
}

static struct vu_vring *fd_ring(struct vu_session *session, const struct vu_message *message)
{
	return &session->rings[message->payload.u64 & VU_VRING_INDEX_MASK];
}

/*
 * The ring starts here and not with the first kick: after a restart the driver
 * may have nothing new to kick for.
 */
enum vu_refusal vu_handle_set_vring_kick(struct vu_session *session, struct vu_message *message)
{
	struct vu_vring *ring = fd_ring(session, message);

	if (!vu_vring_stop(session, ring))
		return VU_LATER;
	replace_fd(&ring->queue.kick_fd, message);
	ring->has_kick = true;
	ring->started = true;
	ring->broken = false;
	return vu_vring_start(session, ring);
}

enum vu_refusal vu_handle_set_vring_call(struct vu_session *session, struct vu_message *message)
{
	struct vu_vring *ring = fd_ring(session, message);

	vu_vring_take_call(session, ring, take_eventfd(message));
	return vu_vring_start(session, ring);
}

enum vu_refusal vu_handle_set_vring_err(struct vu_session *session, struct vu_message *message)
{
	replace_fd(&fd_ring(session, message)->err_fd, message);
	return VU_ACCEPTED;
}

enum vu_refusal vu_handle_set_vring_enable(struct vu_session *session, struct vu_message *message)
{
	struct vu_vring *ring = state_ring(session, message);
	uint32_t enable = message->payload.state.num;

	if (enable > 1)
		return vu_refuse(session, VU_REFUSED_VALUE, "%u, expected 0 or 1", enable);
	if (ring->enabled == enable)
		return VU_ACCEPTED;
	if (!vu_vring_stop(session, ring))
		return VU_LATER;
	ring->enabled = enable;
	return vu_vring_start(session, ring);
}

enum vu_refusal vu_handle_send_rarp(struct vu_session *session, struct vu_message *message)
{
	uint8_t mac[6];

	memcpy(mac, message->payload.bytes, sizeof(mac));
	session->device.ops->send_rarp(session->device.arg, mac);
	return VU_ACCEPTED;
}

enum vu_refusal vu_handle_set_mtu(struct vu_session *session, struct vu_message *message)
{
	uint64_t mtu = message->payload.u64;

	if (mtu > UINT16_MAX ||
	    session->device.ops->set_mtu(session->device.arg, (uint16_t)mtu))
		return vu_refuse(session, VU_REFUSED_VALUE, "MTU %" PRIu64 " cannot be", mtu);
	return VU_ACCEPTED;
}
