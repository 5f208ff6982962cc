// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Life of a ring: it runs exactly while it is started, complete and not
 * broken.  Whoever changes something of it stops it, changes, and calls
 * vu_vring_start(), which decides.
 */
#include <inttypes.h>
#include <syslog.h>
#include <unistd.h>

#include "vhost-user/session_state.h"

static void *at_user(struct vu_session *session, const struct vu_vring *ring, const char *part,
		     uint64_t uva, size_t bytes, uintptr_t alignment)
{
	void *host = guest_memory_at_user(session->memory, uva, bytes);

	if (host && !((uintptr_t)host & (alignment - 1)))
		return host;
	iov_fail(session->iov, -EPROTO,
		 "%s of vring %u at 0x%" PRIx64
		 ": expected %zu bytes of guest memory aligned to %zu",
		 part, ring->queue.index, uva, bytes, (size_t)alignment);
	return NULL;
}

/* Addresses to pointers, with the alignments of virtio 1.2 section 2.7. */
static bool translate(struct vu_session *session, const struct vu_vring *ring,
		      struct virtq_split_setup *setup)
{
	const struct vu_vring_addr *addr = &ring->addr;

	setup->desc = at_user(session, ring, "descriptor table", addr->desc,
			      virtq_split_desc_bytes(ring->size), 16);
	if (!setup->desc)
		return false;
	setup->avail = at_user(session, ring, "available ring", addr->avail,
			       virtq_split_avail_bytes(ring->size), 2);
	if (!setup->avail)
		return false;
	setup->used = at_user(session, ring, "used ring", addr->used,
			      virtq_split_used_bytes(ring->size), 4);
	return setup->used;
}

/*
 * The used index in guest memory is what the driver goes by.  When the base is
 * another one, a back end died here between taking chains and giving them back,
 * or the front end lost count (virtio-user always says 0).  Devices give back
 * in order, so the right chain to go on with is the one at the used index.
 */
static uint16_t resume_at(struct vu_session *session, const struct vu_vring *ring,
			  const struct vring_used *used)
{
	uint16_t position = __atomic_load_n(&used->idx, __ATOMIC_RELAXED);

	if (position != ring->base)
		iov_log(session->iov, LOG_INFO, "%s: vring %u goes on at entry %u, not %u",
			session->device.name, ring->queue.index, position, ring->base);
	return position;
}

enum vu_refusal vu_vring_start(struct vu_session *session, struct vu_vring *ring)
{
	struct virtq_split_setup setup = {
		.memory = session->memory,
		.size = ring->size,
		.features = session->features,
	};

	if (ring->running || ring->broken || !ring->started || !ring->has_addr || !ring->size ||
	    !session->memory)
		return VU_ACCEPTED;
	if (!translate(session, ring, &setup))
		return VU_REFUSED_MEMORY;
	setup.avail_next = resume_at(session, ring, setup.used);
	virtq_split_start(&ring->queue.ring, &setup);
	ring->queue.features = session->features;
	ring->queue.enabled =
		ring->enabled || !(session->features & VU_BIT(VU_F_PROTOCOL_FEATURES));
	ring->running = true;
	session->device.ops->queue_start(session->device.arg, &ring->queue);
	/* Whoever had the ring before may have died before its last call. */
	vu_queue_call(&ring->queue);
	return VU_ACCEPTED;
}

void vu_vring_stop(struct vu_session *session, struct vu_vring *ring)
{
	if (!ring->running)
		return;
	session->device.ops->queue_stop(session->device.arg, &ring->queue);
	ring->running = false;
	ring->base = ring->queue.ring.avail_next;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void vu_vring_close(struct vu_vring *ring)
{
	close_fd(&ring->queue.kick_fd);
	close_fd(&ring->queue.call_fd);
	close_fd(&ring->err_fd);
}

void vu_session_stop_rings(struct vu_session *session)
{
	for (unsigned int i = 0; i < session->device.queues; i++)
		vu_vring_stop(session, &session->rings[i]);
}

void vu_session_start_rings(struct vu_session *session)
{
	for (unsigned int i = 0; i < session->device.queues; i++)
		if (vu_vring_start(session, &session->rings[i]))
			iov_log(session->iov, LOG_WARNING, "%s: vring %u stays stopped: %s",
				session->device.name, i, iov_error_message(session->iov));
}

void vu_queue_call(const struct vu_queue *queue)
{
	const uint64_t one = 1;

	/* EAGAIN: the counter is full, so the driver has a call to come. */
	if (queue->call_fd >= 0 && write(queue->call_fd, &one, sizeof(one)) < 0)
		return;
}

static const char *why_broken(const struct vu_session *session, const struct vu_vring *ring)
{
	if (guest_memory_is_lost(session->memory))
		return "memory-lost";
	return virtq_error_name(ring->queue.ring.error);
}

void vu_session_queue_broken(struct vu_session *session, unsigned int index)
{
	struct vu_vring *ring = &session->rings[index];
	const uint64_t one = 1;

	if (!ring->running)
		return;
	vu_vring_stop(session, ring);
	ring->broken = true;
	iov_log(session->iov, LOG_ERR,
		"%s: vring %u stopped: its driver broke it (%s at entry %u); reset it in the guest",
		session->device.name, index, why_broken(session, ring), ring->base);
	if (ring->err_fd >= 0 && write(ring->err_fd, &one, sizeof(one)) < 0)
		return;
}
