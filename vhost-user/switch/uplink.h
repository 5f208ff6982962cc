/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Uplinks: network devices that DPDK drives.  A PCI function bound to vfio-pci,
 * or one of DPDK's virtual devices (net_tap, net_af_packet, net_null).
 */
#ifndef VHOST_USER_SWITCH_UPLINK_H
#define VHOST_USER_SWITCH_UPLINK_H

#include <json-c/json.h>
#include <stdint.h>

#include "base/iov.h"
#include "vhost-user/net/frame.h"
#include "vhost-user/net/net_config.h"
#include "vhost-user/switch/interface_link.h"

struct rte_mbuf;
struct uplink;

/* Most queues each way. */
#define UPLINK_QUEUES_MAX 64

/**
 * enum uplink_lending - what a device does with guest memory that packets are attached to
 * @UPLINK_COPIES: it gets copies
 * @UPLINK_READS_AT_ONCE: it has read a packet when it takes it
 * @UPLINK_READS_LATER: it reads by DMA, and tells what it is done with
 */
enum uplink_lending {
	UPLINK_COPIES,
	UPLINK_READS_AT_ONCE,
	UPLINK_READS_LATER,
};

/**
 * struct uplink_options - what an uplink is made of
 * @device: BDF, or a virtual device with its arguments: "net_tap0,iface=tap0"
 * @queues: queues each way that are wanted, 1 to UPLINK_QUEUES_MAX
 * @zero_copy: a device that reads by DMA may have guest memory
 * @mtu: MTU that it gets, UPLINK_MTU_MIN to UPLINK_MTU_MAX; 0 for its own
 */
struct uplink_options {
	const char *device;
	unsigned int queues;
	bool zero_copy;
	unsigned int mtu;
};

/* The longest is the longest IP packet. */
#define UPLINK_MTU_MIN NET_MTU_MIN
#define UPLINK_MTU_MAX 65535

/**
 * uplink_open - take and start a network device
 * @out: receives it; the caller closes it with uplink_close()
 * @iov: context
 * @options: what it is made of
 *
 * Return: 0; -ENODEV without that device; -EBUSY when it is a PCI function of
 * another driver or has an uplink already; -ENOTSUP when it cannot do what @options say; -errno;
 * with a message.
 */
int uplink_open(struct uplink **out, struct iov *iov, const struct uplink_options *options);

/**
 * uplink_rehearse - whether uplink_open() would succeed
 * @iov: context
 * @options: as for uplink_open()
 *
 * Return: 0, or what uplink_open() would fail with, as far as that can be told without taking the
 * device; with a message.
 */
int uplink_rehearse(struct iov *iov, const struct uplink_options *options);

/**
 * uplink_check_mtu - whether uplink_set_mtu() may be asked for an MTU
 * @uplink: uplink
 * @iov: context
 * @mtu: UPLINK_MTU_MIN to UPLINK_MTU_MAX
 *
 * Return: 0; -ENOTSUP when it is more than its driver takes; -errno; with a message.
 */
int uplink_check_mtu(const struct uplink *uplink, struct iov *iov, unsigned int mtu);

/**
 * uplink_mtu_wanted - the MTU that it was given
 * @uplink: uplink
 *
 * Return: 0 when it has its own.
 */
unsigned int uplink_mtu_wanted(const struct uplink *uplink);

/**
 * uplink_set_mtu - give it another MTU
 * @uplink: in no view that a worker looks at, as the device is taken anew
 * @iov: context
 * @mtu: as in struct uplink_options
 *
 * Return: 0; -ENOTSUP when it takes no such MTU, and goes on as it was; -errno when the device does
 * not come back, see uplink_reopen(); with a message.
 */
int uplink_set_mtu(struct uplink *uplink, struct iov *iov, unsigned int mtu);

/**
 * uplink_reopen - take the device anew
 * @uplink: in no view that a worker looks at
 * @iov: context
 *
 * For an interface that came back as another one; nothing is left of what was queued.  Counters go
 * on.
 *
 * Return: 0 or -errno with a message: there is no device then, until this succeeds.
 */
int uplink_reopen(struct uplink *uplink, struct iov *iov);

/**
 * uplink_is_zero_copy - whether it was opened so
 * @uplink: uplink
 */
bool uplink_is_zero_copy(const struct uplink *uplink);

/**
 * uplink_lending - what it does with guest memory
 * @uplink: uplink
 */
enum uplink_lending uplink_lending(const struct uplink *uplink);

/**
 * uplink_map - let devices reach guest memory
 * @iov: context
 * @start: of whole pages
 * @size: bytes
 *
 * For all uplinks with UPLINK_READS_LATER, of which there is one.  Pins the memory.
 *
 * Return: 0 or -errno with a message.
 */
int uplink_map(struct iov *iov, void *start, size_t size);

/**
 * uplink_unmap - the end of that; an uplink of that kind is still open
 * @start: as it was mapped
 * @size: as it was mapped
 */
void uplink_unmap(void *start, size_t size);

/**
 * uplink_reap - have a device give back what it is done with
 * @uplink: uplink; any thread, at any time
 */
void uplink_reap(struct uplink *uplink);

/**
 * uplink_stop - have a device give back everything
 * @uplink: in no view that a worker looks at; is closed or started again next
 */
void uplink_stop(struct uplink *uplink);

/**
 * uplink_restart - go on after uplink_stop()
 * @uplink: uplink
 *
 * Its flow rules are gone.
 *
 * Return: 0 or -errno.
 */
int uplink_restart(struct uplink *uplink);

/**
 * uplink_pause_lending - give the device copies, for a while
 * @uplink: uplink
 * @pause: true to begin, false to end
 */
void uplink_pause_lending(struct uplink *uplink, bool pause);

/**
 * uplink_close - stop a device and give it back
 * @uplink: NULL is allowed; in no view that a worker looks at
 */
void uplink_close(struct uplink *uplink);

/**
 * uplink_device - the device as it was named
 * @uplink: uplink
 *
 * Return: what uplink_open() was given, valid as long as @uplink.
 */
const char *uplink_device(const struct uplink *uplink);

/**
 * uplink_queues - how many queues there are each way
 * @uplink: uplink
 *
 * Return: as many as were wanted, or as the device has.
 */
unsigned int uplink_queues(const struct uplink *uplink);

/**
 * uplink_frames - what came by a queue
 * @uplink: uplink
 * @queue: below uplink_queues()
 *
 * Return: packets since uplink_open().
 */
uint64_t uplink_frames(const struct uplink *uplink, unsigned int queue);

/**
 * uplink_lent - packets that were attached to guest memory
 * @uplink: uplink
 */
uint64_t uplink_lent(const struct uplink *uplink);

/**
 * uplink_recalls - how often it was restarted because it kept some
 * @uplink: uplink
 */
uint64_t uplink_recalls(const struct uplink *uplink);

/**
 * uplink_add_losses - add what the device lost, by its own counters and the kernel's
 * @uplink: uplink; the control thread
 * @drops: counters of reasons
 *
 * What it took and did not send was counted as sent before.
 */
void uplink_add_losses(struct uplink *uplink, uint64_t *drops);

/**
 * uplink_shortages - how often the device found no packet buffer for what it received
 * @uplink: uplink; the control thread
 */
uint64_t uplink_shortages(struct uplink *uplink);

/**
 * struct uplink_flow - which queue frames for a station come by
 * @mac: address of the station
 * @queue: below uplink_queues()
 */
struct uplink_flow {
	uint8_t mac[6];
	uint8_t queue;
};

/**
 * uplink_steer - say which frames should come by which queue
 * @uplink: uplink
 * @flows: all of them; those that were there before and are not among them go
 * @count: length of @rules
 *
 * What the device cannot do is left to how it spreads flows.
 */
void uplink_steer(struct uplink *uplink, const struct uplink_flow *flows, unsigned int count);

/**
 * uplink_reflects - whether what is sent to all may come back
 * @uplink: uplink
 *
 * The embedded switch of a NIC may do that, which may be below an interface of the kernel.
 */
bool uplink_reflects(const struct uplink *uplink);

/**
 * uplink_is_up - whether its link is up
 * @uplink: uplink
 *
 * Of a device that sends by an interface of the kernel, whether that is there and runs.
 */
bool uplink_is_up(const struct uplink *uplink);

/**
 * uplink_interface - the interface of the kernel that a device is at
 * @uplink: uplink
 *
 * Return: its name, valid as long as @uplink; NULL for other devices.
 */
const char *uplink_interface(const struct uplink *uplink);

/**
 * uplink_look - look at that interface; nothing is sent from now on unless it is up
 * @uplink: uplink with an interface
 *
 * The device would queue what is sent meanwhile, and send it when the link is back; what it has
 * queued goes with uplink_reopen().
 */
enum uplink_link uplink_look(struct uplink *uplink);

/**
 * uplink_excess_mtu - the MTU of the interface, when that is more than what the device carries
 * @uplink: uplink
 *
 * Longer frames for it are dropped as DROP_MTU.
 *
 * Return: the MTU; 0 when the device carries all.
 */
unsigned int uplink_excess_mtu(const struct uplink *uplink);

/**
 * uplink_is_open - whether there is a device, see uplink_reopen()
 * @uplink: uplink
 */
bool uplink_is_open(const struct uplink *uplink);

/**
 * uplink_queues_late - whether a device sends when its link is up what it got while it was down
 * @uplink: uplink
 */
bool uplink_queues_late(const struct uplink *uplink);

/**
 * uplink_takes - whether something may be sent
 * @uplink: uplink; any thread
 */
bool uplink_takes(const struct uplink *uplink);

/**
 * uplink_describe - add what is known about a device to an object
 * @uplink: uplink
 * @object: gets "device", "driver", "mac", "state", "mtu", "interface_mtu" when that is larger,
 *	"wanted_mtu" when there is one,
 *	"queues", "flow_rules", "zero_copy", "lent_frames", "recalls" and "offloads"
 */
void uplink_describe(const struct uplink *uplink, struct json_object *object);

/**
 * uplink_accepts - what the device does for frames that frame_is_plain()
 * @uplink: uplink
 *
 * Return: FRAME_NEED_*.
 */
uint8_t uplink_accepts(const struct uplink *uplink);

/**
 * uplink_receive - take packets from the device
 * @uplink: uplink
 * @queue: below uplink_queues(); one thread at a time takes from it
 * @packets: receives them; the caller frees them
 * @max: length of @packets
 *
 * Return: how many there are.
 */
unsigned int uplink_receive(struct uplink *uplink, unsigned int queue, struct rte_mbuf **packets,
			    unsigned int max);

/**
 * uplink_free - give packets back
 * @packets: of any device
 * @count: length of @packets
 *
 * Mostly each is one buffer, and all are of one pool: that takes no look at their second cache line.
 */
void uplink_free(struct rte_mbuf **packets, unsigned int count);

/**
 * uplink_frame - see a packet as a frame
 * @uplink: where it came from
 * @packet: packet
 * @frame: receives it; valid as long as the packet
 * @segments: room for UPLINK_SEGMENTS_MAX segments, used by the frame
 *
 * Return: DROP_NONE, or why the packet cannot pass.
 */
enum drop uplink_frame(const struct uplink *uplink, struct rte_mbuf *packet, struct frame *frame,
		       struct virtq_segment *segments);

/* Most buffers of a received packet. */
#define UPLINK_SEGMENTS_MAX 8

/**
 * uplink_alloc - empty packets of a device, for heads of frames
 * @uplink: which may be sent them then
 * @packets: receives them; what is not sent the caller frees
 * @count: how many
 *
 * Return: whether there are so many.
 */
bool uplink_alloc(struct uplink *uplink, struct rte_mbuf **packets, unsigned int count);

/**
 * uplink_packet - make a packet of a frame: a copy, or attached to its loan
 * @uplink: where it will be sent
 * @frame: needs no more than uplink_accepts()
 * @packet: receives the packet
 *
 * Return: DROP_NONE, DROP_MTU or DROP_NO_MEMORY; DROP_OFFLOAD when the device does not do what the
 * frame needs, though it does so for others, or takes it in fewer buffers only.
 */
enum drop uplink_packet(struct uplink *uplink, const struct frame *frame, struct rte_mbuf **packet);

/**
 * uplink_packets - the same of a burst of frames that need nothing
 * @uplink: where they will be sent
 * @frames: frames
 * @which: which of them, and in what order
 * @count: length of @which
 * @packets: receives the packets, room for @count
 * @drops: counters of reasons, for those that became none
 *
 * Return: how many packets there are.
 */
unsigned int uplink_packets(struct uplink *uplink, struct frame *frames, const uint8_t *which,
			    unsigned int count, struct rte_mbuf **packets, uint64_t *drops);

/**
 * uplink_send - hand packets to the device
 * @uplink: uplink
 * @sender: number of the worker; those with the same queue wait for each other
 * @packets: packets; those that the device does not take stay the caller's
 * @count: length of @packets
 *
 * Return: how many it took, the first ones.
 */
unsigned int uplink_send(struct uplink *uplink, unsigned int sender, struct rte_mbuf **packets,
			 unsigned int count);

#endif
