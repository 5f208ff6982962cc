/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A load of frames on a back end.
 *
 * One thread plays all guests: it posts prebuilt frames at each port's send ring and takes
 * what comes at each receive ring.  Frames of port 0 are for port 1 and back, those of
 * port 2 for port 3, and so on; a single port gets its own frames back.  Broadcast frames are port
 * 0's, and for all others.
 */
#ifndef IOV_BENCH_NET_LOAD_H
#define IOV_BENCH_NET_LOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/iov.h"
#include "bench/frames.h"
#include "bench/histogram.h"

/* As many as a side has sockets. */
#define NET_LOAD_PORTS 64
#define NET_LOAD_BURST_MAX 256

/**
 * struct net_load_options - what to send, and how
 * @frames: the frames
 * @ring_size: entries of each ring, a power of 2
 * @burst: most frames at once, up to NET_LOAD_BURST_MAX
 * @packed: packed rings
 * @listen: the back end connects
 * @no_huge: do not try huge pages
 * @stamps: write when each frame is sent, and compare when it arrives
 * @verify: compare every byte, and the order
 * @one_way: ports with an odd number only receive
 * @gaps: note how long nothing came while frames were sent
 */
struct net_load_options {
	struct frames_plan frames;
	uint16_t ring_size;
	unsigned int burst;
	bool packed;
	bool listen;
	bool no_huge;
	bool stamps;
	bool verify;
	bool one_way;
	bool gaps;
};

/**
 * struct net_load_counts - what happened, all ports together
 * @sent: frames that the back end got, each as often as it has receivers
 * @received: frames that came while others were sent
 * @bytes: their bytes
 * @late: frames that came afterwards
 * @lost: frames that never came
 * @corrupt: frames with a wrong byte
 * @reordered: frames that came behind a later one
 * @seconds: how long frames were sent
 * @limited: with a rate: times a frame was due and its ring was full
 * @away_ns: with gaps: longest time in which this generator had no CPU
 */
struct net_load_counts {
	uint64_t sent;
	uint64_t received;
	uint64_t bytes;
	uint64_t late;
	uint64_t lost;
	uint64_t corrupt;
	uint64_t reordered;
	double seconds;
	uint64_t limited;
	uint64_t away_ns;
};

struct net_load;

/**
 * net_load_open - attach to a back end
 * @out: receives the load; closed with net_load_close()
 * @iov: context for messages, outlives it
 * @paths: sockets, in the order of ports; outlive it
 * @count: length of @paths, 1 or even
 * @options: copied
 *
 * A frame of each station is sent first, so that a switch knows where they are.
 *
 * Return: 0, or as front_end_meet(), front_end_agree() and front_end_start().
 */
int net_load_open(struct net_load **out, struct iov *iov, const char *const *paths,
		  unsigned int count, const struct net_load_options *options);

/**
 * net_load_open_sink - attach to a back end that does nothing, in a thread of this process
 * @out: receives the load
 * @iov: context for messages, outlives it
 * @count: ports, 1 or even
 * @options: copied
 * @cpu: where the thread runs; -1 for anywhere
 *
 * It gives every buffer back and looks into none.  What is reached with it is the most
 * that this generator can.
 *
 * Return: 0 or -errno with a message.
 */
int net_load_open_sink(struct net_load **out, struct iov *iov, unsigned int count,
		       const struct net_load_options *options, int cpu);

/**
 * net_load_run - send for a while
 * @load: load
 * @seconds: how long
 * @rate: frames a second, all ports together; 0 for as many as there is room
 * @stop: ends it when another thread or a signal sets it
 * @counts: receives what happened, also after a failure
 *
 * Afterwards no frame is under way.
 *
 * Return: 0; -EINTR when it was stopped; -ECONNRESET with a message when a back end is gone;
 * -EPROTO when it gave back what it was not given.
 */
int net_load_run(struct net_load *load, double seconds, double rate, const volatile bool *stop,
		 struct net_load_counts *counts);

/**
 * net_load_latency - how long frames were under way
 * @load: load with stamps
 *
 * Return: times since the last net_load_run() began; NULL without stamps.
 */
const struct histogram *net_load_latency(const struct net_load *load);

/**
 * net_load_gaps - how long nothing came while frames were sent
 * @load: load with gaps
 *
 * A gap ends with a frame at any port.  None counts in which this generator was away itself.
 *
 * Return: times since the last net_load_run() began; NULL without gaps.
 */
const struct histogram *net_load_gaps(const struct net_load *load);

/**
 * net_load_is_huge - whether all memory is in huge pages
 * @load: load
 */
bool net_load_is_huge(const struct net_load *load);

/**
 * net_load_close - detach
 * @load: NULL is allowed
 */
void net_load_close(struct net_load *load);

#endif
