/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the parts of a session share; not for its users. */
#ifndef VHOST_USER_PROTOCOL_SESSION_INTERNAL_H
#define VHOST_USER_PROTOCOL_SESSION_INTERNAL_H

#include <errno.h>
#include <linux/virtio_config.h>

#include "vhost-user/protocol/channel.h"
#include "vhost-user/protocol/session.h"
#include "vhost-user/protocol/wire.h"

/**
 * struct vu_place - where a ring is in this process
 * @desc: descriptor area
 * @driver: driver area
 * @device: device area
 * @missing: address that has no translation yet
 * @access: what it is needed for
 */
struct vu_place {
	void *desc;
	void *driver;
	void *device;
	uint64_t missing;
	enum iotlb_access access;
};

/**
 * struct vu_vring - a ring as the front end configures it
 * @queue: what the device gets while the ring runs
 * @session: whose it is
 * @call_fd: the front end's call descriptor, -1 for none; @queue has the same number, or -1
 * @err_fd: the front end's error descriptor, -1 for none
 * @size: entries, 0 before SET_VRING_NUM
 * @base: where it goes on while it does not run, in the form of SET_VRING_BASE
 * @told: what the front end said last of that
 * @ran: @base is where we stopped it
 * @addr: addresses in the front end
 * @has_addr: SET_VRING_ADDR was seen
 * @started: SET_VRING_KICK was seen, and no GET_VRING_BASE since
 * @enabled: as SET_VRING_ENABLE says
 * @running: the device has it
 * @drains: the device has it, and has been told to give it back
 * @drain_deadline: when that is late, monotonic_ms()
 * @broken: the driver broke it; it stays with the session until started anew
 * @why_broken: for vu_broken_name()
 * @place: where its parts are while it runs
 * @has_kick: SET_VRING_KICK said what there is of a kick
 * @has_call: SET_VRING_CALL said what there is of a call
 * @call_asked: a call was sent that the front end has not answered
 * @call_again: there was another one since
 * @asked: the translation that the front end was asked for, see vu_backend_ask_miss()
 */
struct vu_vring {
	struct vu_queue queue;
	struct vu_session *session;
	int call_fd;
	int err_fd;
	uint16_t size;
	uint32_t base;
	uint32_t told;
	struct vu_vring_addr addr;
	bool ran;
	bool has_addr;
	bool started;
	bool enabled;
	bool running;
	bool drains;
	uint64_t drain_deadline;
	bool broken;
	unsigned int why_broken;
	struct vu_place place;
	bool has_kick;
	bool has_call;
	bool call_asked;
	bool call_again;
	uint64_t asked;
};

/**
 * enum vu_postcopy - how far a post-copy migration to here is
 *
 * Memory that comes while we listen is mapped and told of, but nobody touches it before
 * the front end says that it answers faults.
 */
enum vu_postcopy {
	VU_POSTCOPY_NONE,
	VU_POSTCOPY_ADVISED,	/* the front end has our userfaultfd */
	VU_POSTCOPY_LISTENING,	/* memory is missing until it arrives */
	VU_POSTCOPY_TOLD,	/* the same, and the front end has yet to say that it answers */
};

/**
 * struct vu_session - a connection
 * @iov: context
 * @fd: socket
 * @wait_fd: epoll of @fd, the channel's socket and @timer_fd
 * @timer_fd: when an answer or a ring that drains is late, or there are none of those any more
 * @channel: for requests of our own; NULL before SET_BACKEND_REQ_FD
 * @channel_missing: it was lost, and the rings cannot do without
 * @config_asked: the front end was told of a new configuration and has not answered
 * @config_again: it changed since
 * @device: the device behind it
 * @features: virtio features and VU_F_PROTOCOL_FEATURES as negotiated
 * @protocol_features: as negotiated
 * @memory: guest memory, NULL before SET_MEM_TABLE or ADD_MEM_REG
 * @iotlb: translations, NULL before VIRTIO_F_ACCESS_PLATFORM was negotiated
 * @log: dirty log of a migration, NULL before SET_LOG_BASE
 * @postcopy: how far a post-copy migration is
 * @userfault_fd: missing pages of @memory are waited for with it; -1 without post-copy
 * @inflight: where rings write down what is in flight, NULL before SET_INFLIGHT_FD
 * @state_fd: state of the device as the front end writes it; -1 when it does not
 * @state_saved: the front end has the state of the device
 * @status: device status as the driver set it
 * @message: the message being received
 * @is_deferred: it is complete, and its handler waits for rings to drain
 * @draining: rings that drain
 * @losses: memory_fault_losses() when it was last looked whether memory is lost
 * @stats: counters
 * @ended_by: the refusal that ended the connection, VU_ACCEPTED for none
 * @ring_end: one more than the last of them that ever ran
 * @rings: device.queues rings
 */
struct vu_session {
	struct iov *iov;
	int fd;
	int wait_fd;
	int timer_fd;
	struct channel *channel;
	bool channel_missing;
	bool config_asked;
	bool config_again;
	struct vu_device device;
	uint64_t features;
	uint64_t protocol_features;
	struct guest_memory *memory;
	struct iotlb *iotlb;
	struct dirty_log *log;
	enum vu_postcopy postcopy;
	int userfault_fd;
	int state_fd;
	bool state_saved;
	struct vu_inflight *inflight;
	uint8_t status;
	struct vu_message message;
	bool is_deferred;
	unsigned int draining;
	unsigned int losses;
	struct vu_stats stats;
	enum vu_refusal ended_by;
	unsigned int ring_end;
	struct vu_vring *rings;
};

/* Whether the rings are packed ones; front ends negotiate that before they set them up. */
static inline bool vu_is_packed(const struct vu_session *session)
{
	return session->features & VU_BIT(VIRTIO_F_RING_PACKED);
}

/* Whether all addresses but those of memory regions are I/O virtual ones. */
static inline bool vu_is_translated(const struct vu_session *session)
{
	return session->features & VU_BIT(VIRTIO_F_ACCESS_PLATFORM);
}

/* Whether what has no eventfd is told by messages. */
static inline bool vu_is_inband(const struct vu_session *session)
{
	return session->protocol_features & VU_BIT(VU_PROTOCOL_INBAND_NOTIFICATIONS);
}

/* Refuse the current message: iov_fail() with what is wrong, handing back the refusal. */
#define vu_refuse(session, refusal, ...)                                                           \
	(iov_fail((session)->iov, -EPROTO, __VA_ARGS__), (refusal))

/*
 * Take a ring from the device; what it was set up with is kept.  Whether it has stopped;
 * otherwise the handler hands back VU_LATER.
 */
bool vu_vring_stop(struct vu_session *session, struct vu_vring *ring);

/*
 * Hand a ring to the device when it has all it needs.  VU_ACCEPTED also when
 * something is still missing; VU_REFUSED_MEMORY with a message when its
 * addresses are not in guest memory.
 */
enum vu_refusal vu_vring_start(struct vu_session *session, struct vu_vring *ring);

/* Call the driver by another eventfd from now on, or by none; the ring may run. */
void vu_vring_take_call(struct vu_session *session, struct vu_vring *ring, int fd);

/* Stop a running ring for good: its driver broke it; @reason is for vu_broken_name(). */
void vu_vring_break(struct vu_session *session, struct vu_vring *ring, unsigned int reason);

/*
 * Where the parts of a ring are, from its addresses: 0; -EAGAIN when the translation of
 * place->missing is missing; -EFAULT with a message when they are not in guest memory.
 */
int vu_vring_place(struct vu_session *session, const struct vu_vring *ring,
		   struct vu_place *place);

/* All translations are another front end's, driver's or memory's; no ring runs. */
void vu_iotlb_flush(struct vu_session *session);

/* The front end learned where the ring stands, or the driver starts anew: nobody else need know. */
void vu_vring_forget_position(struct vu_session *session, const struct vu_vring *ring);

/* Unmap what the front end handed over; NULL is allowed. */
void vu_inflight_close(struct vu_inflight *inflight);

/* What a ring, which does not run, has written down counts no more, unless something is in flight. */
void vu_inflight_forget(struct vu_session *session, const struct vu_vring *ring, bool all);

/* Whether what is written down there is lost to the front end. */
bool vu_inflight_is_lost(const struct vu_inflight *inflight);

/* Go on with a ring as the memory of its session says, which there is; a message when it fails. */
enum vu_refusal vu_inflight_start(struct vu_session *session, struct vu_vring *ring,
				  struct virtq_setup *setup);

/* Close its descriptors; the ring does not run. */
void vu_vring_close(struct vu_vring *ring);

/*
 * Stop all rings: whether they have; and start all that can run.  A ring that cannot
 * although it should is logged.
 */
bool vu_session_stop_rings(struct vu_session *session);
void vu_session_start_rings(struct vu_session *session);

/* While rings drain: 0 as long as that is all right, or why the connection ends, with a message. */
int vu_session_check_draining(struct vu_session *session);

/* When the first ring that drains is late, UINT64_MAX for none. */
uint64_t vu_session_drain_deadline(const struct vu_session *session);

/* Rings that still drain at a deadline up to @until are taken from the device. */
void vu_session_abandon_rings(struct vu_session *session, uint64_t until);

/*
 * What vu_session_fd() is readable for: 0 or -errno; then again whenever deadlines or what
 * drains are others.
 */
int vu_wait_open(struct vu_session *session);
void vu_wait_for_time(const struct vu_session *session);
void vu_wait_for_drained(const struct vu_session *session);

/* Running rings go over to the table of memory that is the session's now. */
void vu_session_use_memory(struct vu_session *session);

/*
 * Post-copy: whether a message about memory is the front end's word that it answers
 * faults; take it.  Tell where a region is here, if it wants to know.
 */
bool vu_postcopy_is_go(const struct vu_session *session, const struct vu_message *message);
enum vu_refusal vu_postcopy_go(struct vu_session *session);
void vu_postcopy_tell(struct vu_session *session, struct vu_message *message,
		      struct vu_mem_region *region);

/* Offered protocol features of a device. */
uint64_t vu_session_offered(const struct vu_session *session);

/* Where a request has the index of a vring. */
enum vu_index_in {
	VU_INDEX_NONE,
	VU_INDEX_STATE,		/* first 32 bits of the payload */
	VU_INDEX_U64,		/* bits 0 to 7 of the payload, with VU_VRING_NOFD */
};

/*
 * Log "vm1: vring 0" and what follows that, as " stopped: why", with what happened to it, as "broken", and the
 * reason, or NULL, as fields.
 */
void vu_log_ring(struct vu_session *session, const struct vu_vring *ring, int level,
		 const char *event, const char *reason, const char *format, ...)
	__attribute__((format(printf, 6, 7)));

/* What the peer learns of a refusal that it did not ask to be told. */
enum vu_if_refused {
	VU_IF_REFUSED_END,		/* the connection ends */
	VU_IF_REFUSED_EMPTY_REPLY,	/* a reply without payload */
	VU_IF_REFUSED_STATE_REPLY,	/* VU_STATE_FAILED */
	VU_IF_REFUSED_NOTHING,		/* it can do without */
	VU_IF_REFUSED_U64,		/* a reply of 64 bits that are not zero */
};

/**
 * struct vu_rule - what must hold before a request is handled, and who handles it
 * @name: "SET_MEM_TABLE"; NULL for a request that this back end does not take
 * @min_size: fewest bytes of payload
 * @max_size: most bytes of payload
 * @max_fds: most descriptors; with VU_INDEX_U64 VU_VRING_NOFD says whether there
 *	is none or one, which must be an eventfd
 * @index: where the index of the vring is
 * @offered: protocol feature that the back end must offer, as a mask
 * @replies: the request has a reply of its own: @handle leaves it in the
 *	payload and its size in the header
 * @if_refused: what the peer learns of a refusal
 * @handle: carries it out; a message when it refuses; VU_LATER when a ring that it stops
 *	drains, and it runs again then from the beginning: it has changed nothing that matters
 */
struct vu_rule {
	const char *name;
	uint16_t min_size;
	uint16_t max_size;
	uint8_t max_fds;
	enum vu_index_in index;
	uint64_t offered;
	bool replies;
	enum vu_if_refused if_refused;
	enum vu_refusal (*handle)(struct vu_session *session, struct vu_message *message);
};

/* Rule for any 32 bits; NULL for a request that this back end does not take. */
const struct vu_rule *vu_rule(uint32_t request);

/* Check a whole message against its rule; a message when it refuses. */
enum vu_refusal vu_rule_check(struct vu_session *session, const struct vu_rule *rule,
			      const struct vu_message *message);

/* Index of the vring of a message that its rule has passed. */
unsigned int vu_message_index(const struct vu_rule *rule, const struct vu_message *message);

#endif
