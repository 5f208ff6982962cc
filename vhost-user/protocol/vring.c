// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Life of a ring: it runs exactly while it is started, complete and not
 * broken.  Whoever changes something of it stops it, changes, and calls
 * vu_vring_start(), which decides.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <syslog.h>
#include <unistd.h>

#include "vhost-user/memory/memory_fault.h"
#include "vhost-user/protocol/backend_requests.h"
#include "vhost-user/protocol/notify.h"
#include "vhost-user/protocol/session_internal.h"
#include "vhost-user/ring/virtq_position.h"

/*
 * The used index in guest memory is what the driver goes by.  When the base is
 * another one, a back end died here between taking chains and giving them back,
 * or the front end lost count (virtio-user always says 0).  Devices give back
 * in order, so the right chain to go on with is the one at the used index.
 */
static uint32_t resume_split(struct vu_session *session, const struct vu_vring *ring,
			     const struct vring_used *used)
{
	uint16_t position = __atomic_load_n(&used->idx, __ATOMIC_RELAXED);

	if (position != ring->base)
		iov_log(session->iov, LOG_INFO, "%s: vring %u goes on at entry %u, not %u",
			session->device.name, ring->queue.index, position, ring->base);
	return position;
}

/*
 * The used index of a packed ring is only in the base.  DPDK's front ends send the
 * available half alone: of a ring that starts, where both are the same.  Rings start in
 * a round whose bit is set, and what is available is less than a round ahead, so where that bit
 * is not set an upper half of zeroes is an index: that of the first entry, in the round before.
 */
static uint32_t both_halves(uint32_t base)
{
	return base >> 16 || !(base & 0x8000) ? base : base | base << 16;
}

static uint32_t packed_base(const struct vu_vring *ring)
{
	return both_halves(ring->base);
}

/*
 * "Both wrap counters are 1" when a ring starts, and Linux's own front end says 0.  They are
 * 0 at entry 0 after a whole round, of which used descriptors are left.
 */
static uint32_t settled_base(const struct vu_vring *ring, const struct vring_packed_desc *desc)
{
	const uint32_t first = UINT32_C(1) << 31 | UINT32_C(1) << 15;

	if (ring->base)
		return packed_base(ring);
	for (unsigned int i = 0; i < ring->size; i++)
		if (__atomic_load_n(&desc[i].flags, __ATOMIC_RELAXED) &
		    1 << VRING_PACKED_DESC_F_USED)
			return 0;
	return first;
}

static bool is_of(const struct position *position, const struct vu_vring *ring,
		  const struct guest_place *place)
{
	return position->size == ring->size && position->place.device == place->device && position->place.inode == place->inode &&
	       position->place.offset == place->offset;
}

/* True at every instant, as this may be the last one. */
static void note_ring(struct position *position, const struct vu_vring *ring,
		      const struct guest_place *place, uint32_t base)
{
	position->size = 0;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	position->place = *place;
	position->told = ring->told;
	position->word = virtq_position((uint16_t)(base >> 16));
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	position->size = ring->size;
}

/*
 * A back end that died could not tell the front end where it was, which then says what it
 * said the last time.  When it says something else, it used the ring itself from there on,
 * or it knows better than what we kept.  A driver that started anew meanwhile has made its
 * ring anew.
 */
static void resume_as_kept(struct vu_session *session, const struct vu_vring *ring,
			   const struct position *position, struct virtq_setup *setup)
{
	uint32_t kept, told = both_halves(position->told);

	if (!virtq_position_resume(setup, position->word, &kept))
		return;
	if (ring->told == position->told)
		setup->base = kept;
	else
		virtq_position_hand_back(setup, (uint16_t)(kept >> 16), (uint16_t)(told >> 16));
	if (kept != packed_base(ring))
		iov_log(session->iov, LOG_INFO, "%s: vring %u was left at entry 0x%x and goes on "
			"at 0x%x, the front end said 0x%x", session->device.name,
			ring->queue.index, kept, setup->base, packed_base(ring));
}

static void resume_packed(struct vu_session *session, const struct vu_vring *ring,
			  struct virtq_setup *setup)
{
	struct position *position =
		session->device.positions ? &session->device.positions[ring->queue.index] : NULL;
	struct guest_place place = guest_memory_place(session->memory, setup->desc);

	setup->base = ring->queue.unsettled ? packed_base(ring) : settled_base(ring, setup->desc);
	if (!position)
		return;
	setup->position = &position->word;
	if (is_of(position, ring, &place) && !ring->ran && !ring->queue.unsettled)
		resume_as_kept(session, ring, position, setup);
	if (!is_of(position, ring, &place) || position->told != ring->told)
		note_ring(position, ring, &place, setup->base);
}

void vu_vring_forget_position(struct vu_session *session, const struct vu_vring *ring)
{
	if (session->device.positions)
		session->device.positions[ring->queue.index].size = 0;
}

/* Size and base were checked when they were set, but the features may be others since. */
static bool check_kind(struct vu_session *session, const struct vu_vring *ring)
{
	uint32_t base = packed_base(ring);

	if (!vu_is_packed(session) && (ring->size & (ring->size - 1)))
		iov_fail(session->iov, -EPROTO, "vring %u: %u entries, expected a power of two for "
			 "a split ring", ring->queue.index, ring->size);
	else if (vu_is_packed(session) &&
		 ((base & 0x7fff) >= ring->size || (base >> 16 & 0x7fff) >= ring->size))
		iov_fail(session->iov, -EPROTO, "vring %u: base 0x%x, expected entries below %u",
			 ring->queue.index, ring->base, ring->size);
	else
		return true;
	return false;
}

/*
 * "log_guest_addr should be used to calculate the log offset" of writes to the used
 * ring.  We mark the page that is written, whatever the front end takes for its address;
 * where it says another one, both.  With an IOMMU it is no guest physical address.
 */
static bool set_log(struct vu_session *session, const struct vu_vring *ring,
		    struct virtq_setup *setup)
{
	const struct vu_vring_addr *addr = &ring->addr;
	size_t bytes = virtq_layout(ring->size, session->features).device.bytes;

	if (!setup->log || !(addr->flags & VU_VRING_LOG) ||
	    session->features & VU_BIT(VIRTIO_F_ACCESS_PLATFORM) ||
	    addr->log == guest_memory_gpa(setup->memory, setup->device))
		return true;
	setup->log_device = addr->log;
	if (dirty_log_has(setup->log, addr->log, bytes))
		return true;
	iov_fail(session->iov, -EPROTO,
		 "vring %u: log address 0x%" PRIx64 ": the dirty log does not have %zu bytes there",
		 ring->queue.index, addr->log, bytes);
	return false;
}

/* What is written down goes before what a ring looks like. */
static enum vu_refusal track(struct vu_session *session, struct vu_vring *ring,
			     struct virtq_setup *setup)
{
	/* Its device lets it stand still until all memory is there, and it is begun anew then. */
	if (ring->queue.unsettled)
		return VU_ACCEPTED;
	setup->base = vu_is_packed(session) ? settled_base(ring, setup->desc) : ring->base;
	ring->queue.leave_inflight = session->protocol_features &
				     VU_BIT(VU_PROTOCOL_GET_VRING_BASE_INFLIGHT);
	return vu_inflight_start(session, ring, setup);
}

/* Nobody but its device may touch the memory of a ring while it is missing. */
static enum vu_refusal begin(struct vu_session *session, struct vu_vring *ring,
			     struct virtq_setup *setup)
{
	enum vu_refusal refusal = VU_ACCEPTED;

	ring->queue.unsettled = session->postcopy >= VU_POSTCOPY_LISTENING;
	if (session->inflight)
		refusal = track(session, ring, setup);
	else if (vu_is_packed(session))
		resume_packed(session, ring, setup);
	else if (!ring->queue.unsettled)
		setup->base = resume_split(session, ring, setup->device);
	ring->queue.setup = *setup;
	if (!refusal && !ring->queue.unsettled)
		virtq_start(&ring->queue.ring, setup);
	return refusal;
}

void vu_queue_settle(struct vu_queue *queue)
{
	const struct vring_used *used = queue->setup.device;

	if (!(queue->setup.features & VU_BIT(VIRTIO_F_RING_PACKED)))
		queue->setup.base = __atomic_load_n(&used->idx, __ATOMIC_RELAXED);
	virtq_start(&queue->ring, &queue->setup);
	queue->unsettled = false;
}

static void set_place(struct virtq_setup *setup, const struct vu_place *place)
{
	setup->desc = place->desc;
	setup->driver = place->driver;
	setup->device = place->device;
}

static void call_once(struct vu_session *session, struct vu_vring *ring)
{
	vu_queue_call(&ring->queue);
	vu_backend_send_call(session, ring);
}

enum vu_refusal vu_vring_start(struct vu_session *session, struct vu_vring *ring)
{
	bool logged = session->features & VU_BIT(VU_F_LOG_ALL);
	struct virtq_setup setup = {
		.memory = session->memory,
		.iotlb = vu_is_translated(session) ? session->iotlb : NULL,
		.log = logged ? session->log : NULL,
		.size = ring->size,
		.features = session->features,
	};
	enum vu_refusal refusal;
	int error;

	if (session->postcopy == VU_POSTCOPY_TOLD || ring->running || ring->broken ||
	    !ring->started || !ring->has_addr || !ring->size || !session->memory ||
	    !session->memory->count || (logged && !session->log))
		return VU_ACCEPTED;
	if (logged && !dirty_log_covers(session->log, session->memory)) {
		iov_fail(session->iov, -EPROTO, "the dirty log does not cover guest memory");
		return VU_REFUSED_MEMORY;
	}
	if (!check_kind(session, ring))
		return VU_REFUSED_VALUE;
	error = vu_vring_place(session, ring, &ring->place);
	if (error == -EAGAIN) {
		vu_backend_ask_miss(session, ring, ring->place.missing, ring->place.access);
		return VU_ACCEPTED;
	}
	set_place(&setup, &ring->place);
	if (error || !set_log(session, ring, &setup))
		return VU_REFUSED_MEMORY;
	refusal = begin(session, ring, &setup);
	if (refusal)
		return refusal;
	ring->queue.features = session->features;
	ring->queue.is_asked = false;
	ring->queue.enabled =
		ring->enabled || !(session->features & VU_BIT(VU_F_PROTOCOL_FEATURES));
	ring->queue.is_told = vu_is_inband(session) && !ring->has_kick;
	ring->queue.tells = vu_is_inband(session) && !ring->has_call;
	ring->running = true;
	if (session->ring_end <= ring->queue.index)
		session->ring_end = ring->queue.index + 1;
	ring->asked = 0;
	session->device.ops->queue_start(session->device.arg, &ring->queue);
	/* Whoever had the ring before may have died before its last call. */
	call_once(session, ring);
	return VU_ACCEPTED;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/*
 * Whoever has the ring may signal the descriptor at any moment, so its number stays while
 * the ring runs and the file behind it is another one.  What a device publishes before it
 * looks at the number is in the ring before the call that we make here: it has a barrier
 * between the two, and the exchange is ours.
 */
static void change_call(struct vu_vring *ring, int fd)
{
	int number = ring->call_fd;

	if (number >= 0 && fd >= 0) {
		dup3(fd, number, O_CLOEXEC);
		close(fd);
	} else if (fd >= 0) {
		number = fd;
	} else if (!ring->running) {
		close_fd(&number);
	}
	ring->call_fd = number;
	__atomic_exchange_n(&ring->queue.call_fd, fd >= 0 ? number : -1, __ATOMIC_SEQ_CST);
	__atomic_store_n(&ring->queue.tells, false, __ATOMIC_RELAXED);
}

void vu_vring_take_call(struct vu_session *session, struct vu_vring *ring, int fd)
{
	ring->has_call = true;
	change_call(ring, fd);
	if (ring->running)
		call_once(session, ring);
}

void vu_vring_close(struct vu_vring *ring)
{
	close_fd(&ring->queue.kick_fd);
	close_fd(&ring->call_fd);
	close_fd(&ring->err_fd);
}

void vu_session_use_memory(struct vu_session *session)
{
	bool running = false;

	for (unsigned int i = 0; i < session->device.queues; i++) {
		if (!session->rings[i].running)
			continue;
		virtq_set_memory(&session->rings[i].queue.ring, session->memory);
		running = true;
	}
	if (!running)
		guest_memory_settle(session->memory);
}

void vu_session_start_rings(struct vu_session *session)
{
	for (unsigned int i = 0; i < session->device.queues; i++)
		if (vu_vring_start(session, &session->rings[i]))
			vu_log_ring(session, &session->rings[i], LOG_WARNING, "stopped", NULL,
				    " stays stopped: %s", iov_error_message(session->iov));
}

bool vu_queue_call(struct vu_queue *queue)
{
	/* Published before, with a barrier between: see vu_vring_take_call(). */
	int fd = __atomic_load_n(&queue->call_fd, __ATOMIC_RELAXED);

	if (likely(fd >= 0))
		notify_eventfd(fd);
	else if (__atomic_load_n(&queue->tells, __ATOMIC_RELAXED))
		/* Pairs with vu_backend_send_call(): what was published before goes with it. */
		return !__atomic_exchange_n(&queue->is_calling, true, __ATOMIC_ACQ_REL);
	return false;
}

const char *vu_broken_name(unsigned int reason)
{
	return reason == VU_BROKEN_MEMORY ? "memory-lost" : virtq_error_name(reason);
}

/* Of a front end whose memory is another one now, none is. */
static bool is_memory_lost(const struct vu_session *session)
{
	return (session->memory && guest_memory_is_lost(session->memory)) ||
	       (session->log && dirty_log_is_lost(session->log)) ||
	       (session->inflight && vu_inflight_is_lost(session->inflight));
}

static unsigned int why_broken(const struct vu_session *session, const struct vu_vring *ring)
{
	return is_memory_lost(session) ? VU_BROKEN_MEMORY : ring->queue.ring.error;
}

/* Rings that go on would carry zeroes for frames, and not tell what they write. */
static void look_for_losses(struct vu_session *session)
{
	unsigned int losses = memory_fault_losses();

	if (losses == session->losses)
		return;
	session->losses = losses;
	if (!is_memory_lost(session))
		return;
	for (unsigned int i = 0; i < session->device.queues; i++)
		vu_session_queue_broken(session, i);
}

void vu_session_attend(struct vu_session *session)
{
	look_for_losses(session);
	for (unsigned int i = 0; i < session->ring_end; i++) {
		struct vu_vring *ring = &session->rings[i];
		enum virtq_error error = ring->queue.ring.error;

		if (ring->running)
			vu_backend_send_call(session, ring);
		if (!ring->running || ring->drains || ring->queue.unsettled)
			continue;
		if (error && error != VIRTQ_ERROR_TRANSLATION)
			vu_session_queue_broken(session, i);
		else
			vu_backend_ask_missing(session, ring);
	}
}

void vu_session_queue_broken(struct vu_session *session, unsigned int index)
{
	struct vu_vring *ring = &session->rings[index];

	if (ring->running && !ring->drains)
		vu_vring_break(session, ring, why_broken(session, ring));
}
