// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Theory of operation.  Each port has as many frames as its send ring has entries, built
 * before anything is measured; what the back end gives back is sent again.  A turn takes
 * what came at a port, and posts what is due there, a burst of each at most; back ends that
 * sleep are woken at its end.  Unless frames are stamped, no byte of one is touched, and a
 * ring is looked at only when something is wanted of it: what is measured is the back end.
 */
#include "bench/net_load.h"

#include <errno.h>
#include <linux/virtio_config.h>
#include <linux/virtio_net.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "bench/front_end.h"
#include "bench/net_sink.h"
#include "bench/relax.h"
#include "vhost-user/protocol/message.h"

/* Rings of the one queue pair. */
#define RX 0
#define TX 1
#define RINGS 2

/* A receive buffer, of which large frames take several. */
#define ROOM 2048
#define ROOM_LARGE 4096

/* Nothing more comes when nothing came for so long, in nanoseconds; and the longest wait. */
#define QUIET_NS 30000000u
#define DRAIN_NS 2000000000u

/* A turn that takes longer is one in which this thread had no CPU, in nanoseconds. */
#define AWAY_NS 20000u

/* How often a connection is looked at. */
#define WATCH_NS 20000000u

struct port {
	struct front_end front_end;
	struct driver_buffer *buffers[2];
	uint32_t stride[2];
	uint8_t *memory[2];
	bool posted_to[2];     /* in this turn */
	uint32_t sequence;     /* of the next frame that is sent */
	uint32_t expected;     /* of the next frame that arrives */
	uint32_t first;	       /* that its sender sent in this run */
	uint32_t buffers_left; /* of the frame that arrives */
	uint32_t gathered;     /* its bytes so far */
	uint8_t *flat;         /* which are there, when they are looked at */
	uint64_t posted;       /* since the run began */
	const struct port *sender;
};

struct net_load {
	struct iov *iov;
	struct net_load_options options;
	unsigned int count;
	bool sending;
	bool has_posted; /* in this turn */
	unsigned int idle;
	struct sink *sink;
	struct net_load_counts counts;
	struct histogram latency;
	struct histogram gaps;
	uint64_t came; /* when something did last */
	struct port ports[NET_LOAD_PORTS];
};

/*
 * From buffer to buffer: an odd number of cache lines, as DPDK's pools of buffers have it, since
 * those that are a power of two apart take the same few places of a cache.
 */
static uint32_t stride_of(uint32_t bytes)
{
	return ((bytes + 63) / 64 | 1) * 64;
}

static uint32_t room_of(const struct net_load *load)
{
	return load->options.frames.size > FRAMES_MTU ? ROOM_LARGE : ROOM;
}

static uint32_t longest(const struct net_load *load)
{
	uint32_t size = load->options.frames.size;

	return FRAMES_HEADER + (size ? size : FRAMES_MTU);
}

/* Frames of a port that can be under way: all of them have to fit into a receive ring. */
static uint16_t frames_of(const struct net_load *load)
{
	const uint64_t buffers = (longest(load) + room_of(load) - 1) / room_of(load);

	return (uint16_t)(load->options.ring_size / buffers);
}

/* Buffers of a ring, one behind the other. */
static int make_buffers(struct net_load *load, struct port *port, unsigned int which, size_t at)
{
	struct front_end *front_end = &port->front_end;
	const uint16_t size = load->options.ring_size;
	const uint16_t count = which == RX ? size : frames_of(load);
	struct driver_buffer *buffers = calloc(size, sizeof(*buffers));

	port->stride[which] = stride_of(which == RX ? room_of(load) : longest(load));
	port->memory[which] = front_end->memory + at;
	port->buffers[which] = front_end->rings[which].buffers = buffers;
	front_end->rings[which].count = count;
	front_end->rings[which].is_writable = which == RX;
	if (!buffers)
		return iov_fail(load->iov, -ENOMEM, "no memory for the buffers of a ring");
	for (unsigned int i = 0; i < count; i++)
		buffers[i] = (struct driver_buffer){
			.gpa = front_end->gpa + at + (uint64_t)i * port->stride[which],
			.length = which == RX
					  ? room_of(load)
					  : FRAMES_HEADER + frames_size(&load->options.frames, i),
		};
	driver_ring_describe(&front_end->rings[which]);
	return 0;
}

/* Ports that a frame is for. */
static unsigned int receivers(const struct net_load *load)
{
	return load->options.frames.broadcast ? load->count - 1 : 1;
}

/* Whose frames a port gets. */
static unsigned int sender_of(const struct net_load *load, unsigned int index)
{
	if (load->options.frames.broadcast)
		return 0;
	return load->count == 1 ? index : index ^ 1;
}

static int fill_port(struct net_load *load, unsigned int index)
{
	struct port *port = &load->ports[index];
	const uint16_t size = load->options.ring_size;
	int error = make_buffers(load, port, RX, 0);

	if (!error)
		error = make_buffers(load, port, TX, (size_t)size * port->stride[RX]);
	port->flat = malloc(FRAMES_HEADER + FRAMES_MAX + ROOM_LARGE);
	if (!error && !port->flat)
		error = iov_fail(load->iov, -ENOMEM, "no memory for the frames of a port");
	if (error)
		return error;
	port->sender = &load->ports[sender_of(load, index)];
	for (unsigned int i = 0; i < frames_of(load); i++)
		frames_build(&load->options.frames, index, i, load->count == 1,
			     port->memory[TX] + (size_t)i * port->stride[TX]);
	driver_ring_post(&port->front_end.rings[RX], size);
	return 0;
}

static uint64_t features_of(const struct net_load *load)
{
	uint64_t features = VU_BIT(VIRTIO_F_VERSION_1) | VU_BIT(VIRTIO_NET_F_MRG_RXBUF);

	if (load->options.packed)
		features |= VU_BIT(VIRTIO_F_RING_PACKED);
	if (load->options.frames.large)
		features |= VU_BIT(VIRTIO_NET_F_CSUM) | VU_BIT(VIRTIO_NET_F_GUEST_CSUM) |
			    VU_BIT(VIRTIO_NET_F_HOST_TSO4) | VU_BIT(VIRTIO_NET_F_GUEST_TSO4);
	return features;
}

static int open_load(struct net_load **out, struct iov *iov, unsigned int count,
		     const struct net_load_options *options)
{
	struct net_load *load = calloc(1, sizeof(*load));

	*out = load;
	if (!load)
		return iov_fail(iov, -ENOMEM, "no memory for a load");
	load->iov = iov;
	load->count = count;
	load->options = *options;
	return 0;
}

static struct front_end_options front_end_options(const struct net_load *load)
{
	const uint64_t features = features_of(load);
	const size_t frames = (size_t)load->options.ring_size * stride_of(room_of(load)) +
			      (size_t)frames_of(load) * stride_of(longest(load));

	return (struct front_end_options){
		.features = features,
		.needed = features,
		.rings = RINGS,
		.ring_size = load->options.ring_size,
		.memory = frames,
		.no_huge = load->options.no_huge,
	};
}

static int introduce(struct net_load *load);

int net_load_open(struct net_load **out, struct iov *iov, const char *const *paths,
		  unsigned int count, const struct net_load_options *options)
{
	int error = open_load(out, iov, count, options);

	for (unsigned int i = 0; !error && i < count; i++) {
		const struct front_end_options how = front_end_options(*out);

		error = front_end_meet(&(*out)->ports[i].front_end, iov, paths[i],
				       options->listen);
		if (!error)
			error = front_end_agree(&(*out)->ports[i].front_end, &how);
		if (!error)
			error = fill_port(*out, i);
		if (!error)
			error = front_end_start(&(*out)->ports[i].front_end);
	}
	if (!error)
		error = introduce(*out);
	if (error) {
		net_load_close(*out);
		*out = NULL;
	}
	return error;
}

int net_load_open_sink(struct net_load **out, struct iov *iov, unsigned int count,
		       const struct net_load_options *options, int cpu)
{
	struct front_end *front_ends[NET_LOAD_PORTS];
	int error = open_load(out, iov, count, options);

	for (unsigned int i = 0; !error && i < count; i++) {
		const struct front_end_options how = front_end_options(*out);

		front_ends[i] = &(*out)->ports[i].front_end;
		error = front_end_pretend(front_ends[i], iov, &how);
		if (!error)
			error = fill_port(*out, i);
	}
	if (!error)
		error = net_sink_start(&(*out)->sink, iov, front_ends, count,
				       options->frames.broadcast, cpu);
	if (error) {
		net_load_close(*out);
		*out = NULL;
	}
	return error;
}

static void post(struct net_load *load, struct port *port, unsigned int which,
		 unsigned int count)
{
	driver_ring_post(&port->front_end.rings[which], count);
	port->posted_to[which] = load->has_posted = true;
}

/* Wake back ends that sleep and were given something in this turn. */
static void kick_all(struct net_load *load)
{
	/* They must see what was posted before we look whether they sleep; they say that they do
	 * first and look then, or both would wait. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	for (unsigned int i = 0; i < load->count; i++) {
		struct front_end *front_end = &load->ports[i].front_end;

		for (unsigned int which = RX; which <= TX; which++) {
			if (load->ports[i].posted_to[which] && front_end->kick[which] >= 0 &&
			    driver_ring_wants_kick(&front_end->rings[which]))
				front_end_kick(front_end, which);
			load->ports[i].posted_to[which] = false;
		}
	}
}

static int given_back_twice(struct net_load *load, const struct port *port)
{
	return iov_fail(load->iov, -EPROTO,
			"%s: the back end gave back a buffer that it was not given",
			port->front_end.path);
}

/* Compare with what the sender has, which is the same but for the stamp. */
static bool is_intact(const struct net_load *load, const struct port *sender,
		      const struct frames_stamp *stamp, const uint8_t *frame, uint32_t length)
{
	const struct frames_plan *plan = &load->options.frames;
	const uint32_t at = frames_stamp_at(plan), behind = at + sizeof(*stamp);
	const uint8_t *sent;

	if (stamp->id >= frames_of(load) || length != frames_size(plan, stamp->id))
		return false;
	sent = sender->memory[TX] + (size_t)stamp->id * sender->stride[TX] + FRAMES_HEADER;
	return !memcmp(frame, sent, at) && !memcmp(frame + behind, sent + behind, length - behind);
}

static void check_frame(struct net_load *load, struct port *port, const uint8_t *frame,
			uint32_t length, uint64_t now)
{
	struct frames_stamp stamp;

	memcpy(&stamp, frame + frames_stamp_at(&load->options.frames), sizeof(stamp));
	if (length < FRAMES_MIN || stamp.magic != FRAMES_MAGIC) {
		load->counts.corrupt++;
		return;
	}
	if (now > stamp.nanoseconds)
		histogram_add(&load->latency, now - stamp.nanoseconds);
	/* What a switch flooded while stations were introduced may come as late as it likes. */
	if (!load->options.verify || (int32_t)(stamp.sequence - port->first) < 0)
		return;
	if (!is_intact(load, port->sender, &stamp, frame, length))
		load->counts.corrupt++;
	if ((int32_t)(stamp.sequence - port->expected) < 0)
		load->counts.reordered++;
	else
		port->expected = stamp.sequence + 1;
}

/*
 * One used buffer of a frame that may have several.  Returns the bytes of the frame that ends
 * with it, 0 when it does not end.
 */
static uint32_t gather(struct net_load *load, struct port *port, const struct driver_used *used)
{
	const uint8_t *bytes = port->memory[RX] + (size_t)used->id * port->stride[RX];
	uint16_t buffers;

	if (!port->buffers_left) {
		memcpy(&buffers, bytes + offsetof(struct virtio_net_hdr_v1, num_buffers),
		       sizeof(buffers));
		port->buffers_left = buffers ? buffers : 1;
		port->gathered = 0;
	}
	if (load->options.stamps && port->gathered <= FRAMES_HEADER + FRAMES_MAX)
		memcpy(port->flat + port->gathered, bytes, used->length);
	port->gathered += used->length;
	return --port->buffers_left ? 0 : port->gathered;
}

/* Frames that take one buffer each, which is all but large ones. */
static void count_whole(struct net_load *load, struct port *port, const struct driver_used *used,
			unsigned int count, uint64_t now)
{
	uint64_t bytes = 0;

	for (unsigned int i = 0; i < count; i++) {
		bytes += used[i].length - FRAMES_HEADER;
		if (load->options.stamps)
			check_frame(load, port,
				    port->memory[RX] + (size_t)used[i].id * port->stride[RX] +
					    FRAMES_HEADER,
				    used[i].length - FRAMES_HEADER, now);
	}
	load->counts.bytes += load->sending ? bytes : 0;
	*(load->sending ? &load->counts.received : &load->counts.late) += count;
}

static void count_parts(struct net_load *load, struct port *port, const struct driver_used *used,
			unsigned int count, uint64_t now)
{
	for (unsigned int i = 0; i < count; i++) {
		uint32_t length = gather(load, port, &used[i]);

		if (!length)
			continue;
		if (load->options.stamps)
			check_frame(load, port, port->flat + FRAMES_HEADER, length - FRAMES_HEADER,
				    now);
		load->counts.bytes += load->sending ? length - FRAMES_HEADER : 0;
		*(load->sending ? &load->counts.received : &load->counts.late) += 1;
	}
}

/* Whether the lengths are those of frames in buffers of this port. */
static bool are_lengths(const struct port *port, const struct driver_used *used, unsigned int count)
{
	const uint32_t least = port->buffers_left ? 0 : FRAMES_HEADER;
	uint32_t wrong = 0;

	for (unsigned int i = 0; i < count; i++)
		wrong |= used[i].length < least || used[i].length > port->buffers[RX]->length;
	return !wrong;
}

/* What came at a port; the room is posted again. */
static int receive(struct net_load *load, struct port *port, uint64_t now)
{
	struct driver_used used[NET_LOAD_BURST_MAX];
	int taken = driver_ring_take(&port->front_end.rings[RX], used, load->options.burst);
	unsigned int count = (unsigned int)taken;

	if (!taken)
		return 0;
	if (taken < 0 || !are_lengths(port, used, count))
		return given_back_twice(load, port);
	if (longest(load) <= room_of(load))
		count_whole(load, port, used, count, now);
	else
		count_parts(load, port, used, count, now);
	post(load, port, RX, count);
	return 0;
}

static int take_back(struct net_load *load, struct port *port)
{
	struct driver_used used[NET_LOAD_BURST_MAX];
	int taken = driver_ring_take(&port->front_end.rings[TX], used, load->options.burst);

	return taken < 0 ? given_back_twice(load, port) : 0;
}

static void stamp(struct net_load *load, struct port *port, uint32_t id, uint64_t now)
{
	const struct frames_stamp stamp = {FRAMES_MAGIC, (uint16_t)id, port->sequence++, now};

	memcpy(port->memory[TX] + (size_t)id * port->stride[TX] + FRAMES_HEADER +
		       frames_stamp_at(&load->options.frames),
	       &stamp, sizeof(stamp));
}

static void send_frames(struct net_load *load, struct port *port, unsigned int count, uint64_t now)
{
	const struct driver_ring *ring = &port->front_end.rings[TX];

	if (!count)
		return;
	for (unsigned int i = 0; i < count && load->options.stamps; i++)
		stamp(load, port, driver_ring_next(ring, i), now);
	post(load, port, TX, count);
	port->posted += count;
	load->counts.sent += (uint64_t)count * receivers(load);
}

static unsigned int smaller(uint64_t a, uint64_t b)
{
	return (unsigned int)(a < b ? a : b);
}

/* How many frames a port is to send now. */
static unsigned int due(struct net_load *load, const struct port *port, double rate,
			uint64_t elapsed)
{
	unsigned int room = smaller(port->front_end.rings[TX].owned, load->options.burst);
	uint64_t wanted;

	if (rate <= 0)
		return room;
	wanted = (uint64_t)((double)elapsed * rate / 1e9) - port->posted;
	if (wanted > room && room < load->options.burst)
		load->counts.limited++;
	return smaller(wanted, room);
}

static bool sends(const struct net_load *load, unsigned int index)
{
	if (load->options.frames.broadcast)
		return !index;
	return !load->options.one_way || !(index & 1);
}

/* Whether a look at what the back end gave back of a send ring is worth it. */
static bool is_short_of_frames(const struct net_load *load, const struct port *port)
{
	return !load->sending || port->front_end.rings[TX].owned < load->options.burst;
}

static int take_turns(struct net_load *load, double rate, uint64_t start, uint64_t now)
{
	int error = 0;

	load->has_posted = false;
	for (unsigned int i = 0; !error && i < load->count; i++) {
		struct port *port = &load->ports[i];

		error = receive(load, port, now);
		if (!error && is_short_of_frames(load, port))
			error = take_back(load, port);
		if (!error && load->sending && sends(load, i))
			send_frames(load, port, due(load, port, rate, now - start), now);
	}
	if (load->has_posted) {
		load->idle = 0;
		kick_all(load);
	} else {
		relax(&load->idle);
	}
	return error;
}

static int watch(struct net_load *load)
{
	if (load->sink)
		return 0;
	for (unsigned int i = 0; i < load->count; i++)
		if (front_end_is_gone(&load->ports[i].front_end))
			return iov_fail(
				load->iov, -ECONNRESET,
				"%s: the back end went away while it was measured; what was "
				"counted until then is told",
				load->ports[i].front_end.path);
	return 0;
}

static bool is_under_way(const struct net_load *load)
{
	for (unsigned int i = 0; i < load->count; i++)
		if (load->ports[i].front_end.rings[TX].owned != frames_of(load))
			return true;
	return false;
}

/* Take what is still under way. */
static int drain(struct net_load *load)
{
	uint64_t start = monotonic_ns(), now = start, last = start, before;
	int error = 0;

	load->sending = false;
	while (!error && now - start < DRAIN_NS &&
	       (is_under_way(load) ||
		load->counts.received + load->counts.late < load->counts.sent) &&
	       (is_under_way(load) || now - last < QUIET_NS)) {
		before = load->counts.late;
		error = take_turns(load, 0, start, now);
		now = monotonic_ns();
		if (load->counts.late != before)
			last = now;
	}
	return error;
}

/* A frame of each station, as far as a switch has to know where they are. */
static int introduce(struct net_load *load)
{
	const unsigned int stations = smaller(load->options.frames.stations, frames_of(load));
	int error = 0;

	/* Broadcast frames go everywhere anyway. */
	if (load->options.frames.broadcast)
		return 0;
	for (unsigned int done = 0; !error && done < stations; done += load->options.burst) {
		for (unsigned int i = 0; i < load->count; i++)
			send_frames(load, &load->ports[i],
				    smaller(load->options.burst, stations - done), monotonic_ns());
		kick_all(load);
		error = drain(load);
	}
	return error;
}

static void begin(struct net_load *load)
{
	memset(&load->counts, 0, sizeof(load->counts));
	memset(&load->latency, 0, sizeof(load->latency));
	memset(&load->gaps, 0, sizeof(load->gaps));
	for (unsigned int i = 0; i < load->count; i++) {
		struct port *port = &load->ports[i];

		port->posted = 0;
		port->first = port->expected = port->sender->sequence;
	}
}

/* After a turn from @began to @now, before which @received had come. */
static void look_for_gap(struct net_load *load, uint64_t received, uint64_t began, uint64_t now)
{
	const bool was_away = now - began > AWAY_NS;

	if (was_away && now - began > load->counts.away_ns)
		load->counts.away_ns = now - began;
	if (load->counts.received == received && !was_away)
		return;
	if (!was_away)
		histogram_add(&load->gaps, now - load->came);
	load->came = now;
}

/* Of what all ports together are to get. */
static double rate_of_port(const struct net_load *load, double rate)
{
	if (load->options.frames.broadcast)
		return rate / receivers(load);
	return rate / (load->options.one_way ? (load->count + 1) / 2 : load->count);
}

int net_load_run(struct net_load *load, double seconds, double rate, const volatile bool *stop,
		 struct net_load_counts *counts)
{
	const double each = rate_of_port(load, rate);
	uint64_t start = monotonic_ns(), now = start, watched = start, began, received;
	const uint64_t end = start + (uint64_t)(seconds * 1e9);
	int error = 0;

	begin(load);
	load->sending = true;
	load->came = start;
	while (!error && now < end && !*stop) {
		began = now;
		received = load->counts.received;
		error = take_turns(load, each, start, now);
		now = monotonic_ns();
		if (load->options.gaps)
			look_for_gap(load, received, began, now);
		if (!error && now - watched > WATCH_NS) {
			error = watch(load);
			watched = now;
		}
	}
	load->counts.seconds = (double)(now - start) / 1e9;
	if (!error)
		error = drain(load);
	*counts = load->counts;
	if (counts->sent > counts->received + counts->late)
		counts->lost = counts->sent - counts->received - counts->late;
	return error ? error : *stop ? -EINTR : 0;
}

const struct histogram *net_load_latency(const struct net_load *load)
{
	return load->options.stamps ? &load->latency : NULL;
}

const struct histogram *net_load_gaps(const struct net_load *load)
{
	return load->options.gaps ? &load->gaps : NULL;
}

bool net_load_is_huge(const struct net_load *load)
{
	for (unsigned int i = 0; i < load->count; i++)
		if (!load->ports[i].front_end.is_huge)
			return false;
	return true;
}

void net_load_close(struct net_load *load)
{
	if (!load)
		return;
	sink_stop(load->sink);
	for (unsigned int i = 0; i < load->count; i++) {
		struct port *port = &load->ports[i];

		front_end_close(&port->front_end);
		free(port->buffers[RX]);
		free(port->buffers[TX]);
		free(port->flat);
	}
	free(load);
}
