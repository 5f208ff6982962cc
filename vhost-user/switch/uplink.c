// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Theory of operation.  A device is probed when its port is added and removed
 * from DPDK when the port goes, so it can be unbound or given to a guest then.
 * It has a queue each way for each worker, if it has so many: the device spreads what it
 * receives by flow, and workers that send do not wait for each other.
 *
 * What a frame needs is left to the device where it can do it: checksums of TCP
 * and UDP, segmentation of TCP.  rte_eth_tx_prepare() brings the pseudo header
 * checksum into the form that the device wants.
 *
 * A frame that may be lent becomes a buffer with its first bytes and others that are attached
 * to guest memory, see loan.h.  A device that reads by DMA holds on to those until it is done,
 * which most drivers find out when they need room only, unless they are asked; so only those
 * that can be asked get loans.
 */
#include "vhost-user/switch/uplink.h"

#include <errno.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <rte_dev.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_vfio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mac.h"
#include "base/pci/pci.h"
#include "vhost-user/copy.h"
#include "vhost-user/net/ip.h"
#include "vhost-user/socket/privileges.h"
#include "vhost-user/spin.h"
#include "vhost-user/switch/flow.h"
#include "vhost-user/switch/loan.h"

#define QUEUE_SIZE 512
#define PACKET_BUFFERS 4095
#define BUFFER_CACHE 256

#define TX_CHECKSUMS                                                                               \
	(RTE_ETH_TX_OFFLOAD_IPV4_CKSUM | RTE_ETH_TX_OFFLOAD_TCP_CKSUM |                            \
	 RTE_ETH_TX_OFFLOAD_UDP_CKSUM)
#define RX_CHECKSUMS (RTE_ETH_RX_OFFLOAD_TCP_CKSUM | RTE_ETH_RX_OFFLOAD_UDP_CKSUM)

/* Offsets of the checksum tell the protocols apart. */

/* Two VLAN tags on top of the Ethernet header do not count into the MTU, as those of 802.1ad. */
#define TAGS 8u

/* Most buffers of a packet that are attached to guest memory, and bytes of each of them. */
#define PIECES_MAX 8
#define PIECE_MAX 16128

/* What one worker has of a device. */
struct uplink_queue {
	_Alignas(RTE_CACHE_LINE_SIZE) uint64_t frames;
	struct spin senders; /* of one worker at a time */
};

struct uplink {
	uint16_t port;
	uint16_t mtu;
	uint16_t queue_count;
	bool started;
	bool zero_copy;
	enum uplink_lending lending;
	bool lending_paused;
	uint64_t lent;
	uint64_t recalls;
	uint64_t tx_offloads;
	struct rte_mempool *pool;
	struct rte_device *device;
	char *name;
	struct interface_link interface;
	bool is_down;
	struct flows *flows;
	struct uplink_queue queues[UPLINK_QUEUES_MAX];
};

/* A PCI device of another driver would be torn out of its hands by some PMDs. */
static int check_function(struct iov *iov, const char *name, struct iov_bdf bdf)
{
	char driver[64];
	int error = iov_pci_require(iov, bdf);

	if (error)
		return error;
	error = iov_pci_driver(iov, bdf, driver, sizeof(driver));
	if (error || strcmp(driver, "vfio-pci"))
		return iov_fail(iov, -EBUSY, "%s: bound to %s, and an uplink needs vfio-pci; see 'iov "
				"bind %s --driver vfio-pci'", name,
				error || !*driver ? "no driver" : driver, name);
	/* DPDK looks for VFIO when it starts, which may be before the module was there. */
	if (!rte_vfio_is_enabled("vfio_pci") && rte_vfio_enable("vfio"))
		return iov_fail(iov, -ENOTSUP, "%s: DPDK finds no VFIO; is /dev/vfio/vfio accessible "
				"to iovd?", name);
	return 0;
}

/* Their drivers say "Invalid argument" at best. */
static const struct {
	const char *driver;
	int capability;
	const char *name;
	const char *option;
} needs[] = {
	{ "net_tap", CAP_NET_ADMIN, "CAP_NET_ADMIN", "" },
	{ "net_tun", CAP_NET_ADMIN, "CAP_NET_ADMIN", "" },
	{ "net_af_packet", CAP_NET_RAW, "CAP_NET_RAW", "" },
	{ "net_af_xdp", CAP_BPF, "CAP_BPF", " with --af-xdp" },
};

static int check_virtual(struct iov *iov, const char *name)
{
	for (size_t i = 0; i < RTE_DIM(needs); i++)
		if (!strncmp(name, needs[i].driver, strlen(needs[i].driver)) &&
		    !privileges_has(needs[i].capability))
			return iov_fail(iov, -EPERM, "%s: needs %s, which iovd does not have as user "
					"%u; start it as root%s and without --user", name,
					needs[i].name, geteuid(), needs[i].option);
	return 0;
}

static int check_device(struct iov *iov, const char *name)
{
	struct iov_bdf bdf;

	if (!strncmp(name, "net_", 4))
		return check_virtual(iov, name);
	if (iov_bdf_parse(iov, name, &bdf))
		return iov_fail(iov, -EINVAL, "%s: a device is a PCI address such as 0000:01:10.0 or a "
				"DPDK virtual device such as net_tap0,iface=tap0", name);
	return check_function(iov, name, bdf);
}

static int find_port(const char *name, uint16_t *port)
{
	struct rte_dev_iterator iterator;
	uint16_t found, count = 0;

	RTE_ETH_FOREACH_MATCHING_DEV(found, name, &iterator) {
		*port = found;
		count++;
	}
	return count ? 0 : -ENODEV;
}

static int probe(struct uplink *uplink, struct iov *iov, const char *name)
{
	struct rte_eth_dev_info info;
	int error;

	if (!find_port(name, &uplink->port))
		return iov_fail(iov, -EBUSY, "%s: is the device of another port already; see 'iov port "
				"list'", name);
	error = rte_dev_probe(name);
	if (error || find_port(name, &uplink->port))
		return iov_told(iov, error ? error : -ENODEV, "%s: DPDK has no driver that takes it: %s; "
				"see 'iovd --verbose'", name, strerror(error ? -error : ENODEV));
	if (rte_eth_dev_info_get(uplink->port, &info))
		return iov_fail(iov, -EIO, "%s: the device does not answer", name);
	uplink->device = info.device;
	return 0;
}

static int make_pool(struct uplink *uplink)
{
	char name[RTE_MEMPOOL_NAMESIZE];

	snprintf(name, sizeof(name), "uplink%u", uplink->port);
	uplink->pool = rte_pktmbuf_pool_create(name, PACKET_BUFFERS * uplink->queue_count,
					       BUFFER_CACHE, 0,
					       RTE_MBUF_DEFAULT_BUF_SIZE,
					       rte_eth_dev_socket_id(uplink->port));
	return uplink->pool ? 0 : -rte_errno;
}

static int setup_queue(struct uplink *uplink, uint16_t index, const uint16_t sizes[2],
		       const struct rte_eth_rxconf *rx, const struct rte_eth_txconf *tx)
{
	unsigned int node = (unsigned int)rte_eth_dev_socket_id(uplink->port);
	int error = rte_eth_rx_queue_setup(uplink->port, index, sizes[0], node, rx, uplink->pool);

	return error ? error : rte_eth_tx_queue_setup(uplink->port, index, sizes[1], node, tx);
}

/* Flows stay together: by what of them the device can hash, or as its driver knows. */
static void spread(struct rte_eth_conf *conf, const struct rte_eth_dev_info *info)
{
	conf->rx_adv_conf.rss_conf.rss_hf =
		info->flow_type_rss_offloads & (RTE_ETH_RSS_IP | RTE_ETH_RSS_TCP | RTE_ETH_RSS_UDP);
	if (conf->rx_adv_conf.rss_conf.rss_hf)
		conf->rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
}

static int setup_queues(struct uplink *uplink, const struct rte_eth_dev_info *info)
{
	struct rte_eth_conf conf = { .rxmode.offloads = info->rx_offload_capa & RX_CHECKSUMS };
	struct rte_eth_rxconf rx = info->default_rxconf;
	struct rte_eth_txconf tx = info->default_txconf;
	uint16_t sizes[2] = { QUEUE_SIZE, QUEUE_SIZE };
	int error;

	if (uplink->queue_count > 1)
		spread(&conf, info);
	uplink->tx_offloads = info->tx_offload_capa & (TX_CHECKSUMS | RTE_ETH_TX_OFFLOAD_TCP_TSO |
						       RTE_ETH_TX_OFFLOAD_MULTI_SEGS);
	conf.txmode.offloads = uplink->tx_offloads;
	rx.offloads = conf.rxmode.offloads;
	tx.offloads = conf.txmode.offloads;
	error = rte_eth_dev_configure(uplink->port, uplink->queue_count, uplink->queue_count, &conf);
	if (!error)
		error = rte_eth_dev_adjust_nb_rx_tx_desc(uplink->port, &sizes[0], &sizes[1]);
	for (uint16_t i = 0; i < uplink->queue_count && !error; i++)
		error = setup_queue(uplink, i, sizes, &rx, &tx);
	return error;
}

/* Devices of software whose drivers have read a packet when they take it. */
static const char *const at_once[] = { "net_tap", "net_tun", "net_af_packet" };

/* Devices of software behind which there is no NIC. */
static const char *const ends[] = { "net_tap", "net_tun", "net_null", "net_ring" };

static bool is_one_of(const char *name, const char *const *drivers, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!strncmp(name, drivers[i], strlen(drivers[i])))
			return true;
	return false;
}

/* Whether it reads later, is to, and can: by DMA at our addresses, and it tells when it is done. */
static int check_zero_copy(struct uplink *uplink, struct iov *iov)
{
	struct iov_bdf bdf;
	const char *why = NULL;

	if (iov_bdf_parse(iov, uplink->name, &bdf))
		why = "is no PCI function";
	else if (!(uplink->tx_offloads & RTE_ETH_TX_OFFLOAD_MULTI_SEGS))
		why = "takes no packets of several buffers";
	else if (rte_eth_tx_done_cleanup(uplink->port, 0, 0) == -ENOTSUP)
		why = "has a driver that cannot be asked what was sent";
	else if (rte_eal_iova_mode() != RTE_IOVA_VA)
		why = "is behind an IOMMU whose addresses are too short for those of a process";
	if (why)
		return iov_fail(iov, -ENOTSUP, "%s: %s, so it cannot send without a copy; add it "
				"without --zero-copy", uplink->name, why);
	uplink->lending = UPLINK_READS_LATER;
	return 0;
}

static int choose_lending(struct uplink *uplink, struct iov *iov)
{
	if (is_one_of(uplink->name, at_once, RTE_DIM(at_once))) {
		if (uplink->tx_offloads & RTE_ETH_TX_OFFLOAD_MULTI_SEGS)
			uplink->lending = UPLINK_READS_AT_ONCE;
		return 0;
	}
	return uplink->zero_copy ? check_zero_copy(uplink, iov) : 0;
}

static int start(struct uplink *uplink, struct iov *iov, unsigned int queues)
{
	struct rte_eth_dev_info info;
	int error = rte_eth_dev_info_get(uplink->port, &info);

	if (!error) {
		uplink->queue_count = RTE_MIN(info.max_rx_queues, info.max_tx_queues);
		uplink->queue_count = (uint16_t)RTE_MIN(queues, uplink->queue_count);
		error = make_pool(uplink);
	}
	if (error)
		return iov_told(iov, error, "%s: no memory for packets: %s", uplink->name,
				strerror(-error));
	error = setup_queues(uplink, &info);
	if (!error)
		error = rte_eth_dev_start(uplink->port);
	if (error)
		return iov_told(iov, error, "%s: the device does not start: %s; see 'iovd --verbose'",
				uplink->name, strerror(-error));
	uplink->started = true;
	rte_eth_promiscuous_enable(uplink->port);  /* a VF may be refused this, */
	rte_eth_allmulticast_enable(uplink->port); /* and then gets its own MAC only */
	rte_eth_dev_get_mtu(uplink->port, &uplink->mtu);
	return 0;
}

int uplink_open(struct uplink **out, struct iov *iov, const char *device, unsigned int queues,
		bool zero_copy)
{
	struct uplink *uplink = aligned_alloc(RTE_CACHE_LINE_SIZE, sizeof(*uplink));
	int error;

	if (!uplink)
		return -ENOMEM;
	memset(uplink, 0, sizeof(*uplink));
	uplink->name = strdup(device);
	uplink->zero_copy = zero_copy;
	error = uplink->name ? check_device(iov, device) : -ENOMEM;
	if (!error)
		error = probe(uplink, iov, device);
	if (!error)
		error = start(uplink, iov, queues);
	if (!error)
		error = choose_lending(uplink, iov);
	if (!error)
		interface_link_find(&uplink->interface, uplink->name);
	if (error) {
		uplink_close(uplink);
		return error;
	}
	*out = uplink;
	return 0;
}

void uplink_stop(struct uplink *uplink)
{
	flows_close(uplink->flows);
	uplink->flows = NULL;
	if (uplink->started)
		rte_eth_dev_stop(uplink->port);
	uplink->started = false;
}

int uplink_restart(struct uplink *uplink)
{
	int error = rte_eth_dev_start(uplink->port);

	uplink->started = !error;
	uplink->recalls++;
	return error;
}

bool uplink_is_zero_copy(const struct uplink *uplink)
{
	return uplink->zero_copy;
}

enum uplink_lending uplink_lending(const struct uplink *uplink)
{
	return uplink->lending;
}

void uplink_pause_lending(struct uplink *uplink, bool pause)
{
	__atomic_store_n(&uplink->lending_paused, pause, __ATOMIC_RELAXED);
}

int uplink_map(struct iov *iov, void *start, size_t size)
{
	uint64_t address = (uintptr_t)start;
	int error = rte_vfio_container_dma_map(RTE_VFIO_DEFAULT_CONTAINER_FD, address, address, size);

	if (error)
		return iov_told(iov, rte_errno ? -rte_errno : -EIO, "%zu MiB of guest memory cannot be "
				"mapped for a device: %s; is the limit of locked memory high enough "
				"(ulimit -l)?", size >> 20, strerror(rte_errno ? rte_errno : EIO));
	return 0;
}

void uplink_unmap(void *start, size_t size)
{
	uint64_t address = (uintptr_t)start;

	rte_vfio_container_dma_unmap(RTE_VFIO_DEFAULT_CONTAINER_FD, address, address, size);
}

void uplink_reap(struct uplink *uplink)
{
	if (uplink->lending != UPLINK_READS_LATER || !uplink->started)
		return;
	for (uint16_t i = 0; i < uplink->queue_count; i++) {
		if (!spin_try(&uplink->queues[i].senders))
			continue;
		rte_eth_tx_done_cleanup(uplink->port, i, 0);
		spin_unlock(&uplink->queues[i].senders);
	}
}

void uplink_close(struct uplink *uplink)
{
	if (!uplink)
		return;
	uplink_stop(uplink);
	if (uplink->device) {
		rte_eth_dev_close(uplink->port);
		rte_dev_remove(uplink->device);
	}
	rte_mempool_free(uplink->pool);
	free(uplink->name);
	free(uplink);
}

static struct json_object *offloads_json(uint64_t offloads)
{
	struct json_object *names = json_object_new_array();

	for (; offloads; offloads &= offloads - 1)
		json_object_array_add(names, json_object_new_string(rte_eth_dev_tx_offload_name(
						     offloads & -offloads)));
	return names;
}

const char *uplink_device(const struct uplink *uplink)
{
	return uplink->name;
}

unsigned int uplink_queues(const struct uplink *uplink)
{
	return uplink->queue_count;
}

uint64_t uplink_frames(const struct uplink *uplink, unsigned int queue)
{
	return __atomic_load_n(&uplink->queues[queue].frames, __ATOMIC_RELAXED);
}

uint64_t uplink_lent(const struct uplink *uplink)
{
	return __atomic_load_n(&uplink->lent, __ATOMIC_RELAXED);
}

uint64_t uplink_recalls(const struct uplink *uplink)
{
	return uplink->recalls;
}

void uplink_steer(struct uplink *uplink, const struct uplink_flow *flows, unsigned int count)
{
	/* With one queue there is no choice. */
	if (uplink->queue_count < 2)
		return;
	if (!uplink->flows && flows_open(&uplink->flows, uplink->port))
		return;
	flows_set(uplink->flows, flows, count);
}

bool uplink_reflects(const struct uplink *uplink)
{
	return !is_one_of(uplink->name, ends, RTE_DIM(ends));
}

bool uplink_is_up(const struct uplink *uplink)
{
	struct rte_eth_link link = { 0 };

	if (uplink_interface(uplink))
		return interface_link_look(&uplink->interface) == UPLINK_LINK_UP;
	return !rte_eth_link_get_nowait(uplink->port, &link) && link.link_status;
}

const char *uplink_interface(const struct uplink *uplink)
{
	return *uplink->interface.name ? uplink->interface.name : NULL;
}

enum uplink_link uplink_look(struct uplink *uplink)
{
	enum uplink_link link = interface_link_look(&uplink->interface);

	__atomic_store_n(&uplink->is_down, link != UPLINK_LINK_UP, __ATOMIC_RELAXED);
	return link;
}

bool uplink_takes(const struct uplink *uplink)
{
	return !__atomic_load_n(&uplink->is_down, __ATOMIC_RELAXED);
}

void uplink_describe(const struct uplink *uplink, struct json_object *object)
{
	struct rte_eth_dev_info info;
	struct rte_ether_addr mac;
	struct rte_eth_link link = { 0 };
	char text[IOV_MAC_TEXT];

	json_add_text(object, "device", uplink->name);
	if (!rte_eth_dev_info_get(uplink->port, &info))
		json_add_text(object, "driver", info.driver_name);
	if (!rte_eth_macaddr_get(uplink->port, &mac)) {
		iov_mac_format(mac.addr_bytes, text);
		json_add_text(object, "mac", text);
	}
	if (uplink_interface(uplink) || !rte_eth_link_get_nowait(uplink->port, &link))
		json_add_text(object, "state", uplink_is_up(uplink) ? "up" : "down");
	json_object_object_add(object, "mtu", json_object_new_int(uplink->mtu));
	json_object_object_add(object, "queues", json_object_new_int(uplink->queue_count));
	json_object_object_add(object, "flow_rules",
			       json_object_new_int((int)flows_count(uplink->flows)));
	json_object_object_add(object, "zero_copy",
			       json_object_new_boolean(uplink->zero_copy));
	json_object_object_add(object, "lent_frames",
			       json_object_new_uint64(uplink_lent(uplink)));
	json_object_object_add(object, "recalls", json_object_new_uint64(uplink->recalls));
	json_object_object_add(object, "offloads", offloads_json(uplink->tx_offloads));
}

uint8_t uplink_accepts(const struct uplink *uplink)
{
	uint8_t accepts = 0;

	/*
	 * Whether a device clears CWR behind the first segment is not told, nor whether it
	 * makes datagrams or fragments of UDP (DPDK's own GSO makes fragments).
	 */
	if ((uplink->tx_offloads & TX_CHECKSUMS) == TX_CHECKSUMS)
		accepts = FRAME_NEED_CSUM;
	if (accepts && uplink->tx_offloads & RTE_ETH_TX_OFFLOAD_TCP_TSO &&
	    uplink->tx_offloads & RTE_ETH_TX_OFFLOAD_MULTI_SEGS)
		accepts |= FRAME_NEED_TSO4 | FRAME_NEED_TSO6;
	return accepts;
}

unsigned int uplink_receive(struct uplink *uplink, unsigned int queue, struct rte_mbuf **packets,
			    unsigned int max)
{
	uint64_t *frames = &uplink->queues[queue].frames;
	unsigned int count = rte_eth_rx_burst(uplink->port, (uint16_t)queue, packets, (uint16_t)max);

	__atomic_store_n(frames, *frames + count, __ATOMIC_RELAXED);
	return count;
}

enum drop uplink_frame(struct rte_mbuf *packet, struct frame *frame, struct virtq_segment *segments)
{
	unsigned int count = 0;

	*frame = (struct frame){
		.head = rte_pktmbuf_mtod(packet, uint8_t *),
		.length = packet->pkt_len,
		.head_length = packet->data_len,
		.verified = (packet->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK) ==
			    RTE_MBUF_F_RX_L4_CKSUM_GOOD,
	};
	if (packet->data_len < FRAME_ETHERNET)
		return DROP_SHORT;
	if (packet->pkt_len > FRAME_MAX || packet->nb_segs > UPLINK_SEGMENTS_MAX ||
	    rte_pktmbuf_headroom(packet) < FRAME_HEADROOM)
		return DROP_LONG;
	while ((packet = packet->next))
		segments[count++] = (struct virtq_segment){ rte_pktmbuf_mtod(packet, uint8_t *),
							    packet->data_len };
	frame->rest = (struct virtq_cursor){ segments, segments + count, 0 };
	return DROP_NONE;
}

static void ask_offloads(struct rte_mbuf *packet, const struct frame *frame)
{
	uint16_t type;
	uint32_t l3 = frame_l3(frame, &type);
	bool tcp = frame->csum_offset == TCP_CHECKSUM, ip4 = type == ETH_P_IP;

	packet->l2_len = l3;
	packet->l3_len = frame->csum_start - l3;
	packet->ol_flags |= ip4 ? RTE_MBUF_F_TX_IPV4 : RTE_MBUF_F_TX_IPV6;
	packet->ol_flags |= tcp ? RTE_MBUF_F_TX_TCP_CKSUM : RTE_MBUF_F_TX_UDP_CKSUM;
	if (!(frame->needs & ~FRAME_NEED_CSUM))
		return;
	packet->l4_len = frame->headers - frame->csum_start;
	packet->tso_segsz = frame->segment_size;
	packet->ol_flags |= RTE_MBUF_F_TX_TCP_SEG | (ip4 ? RTE_MBUF_F_TX_IP_CKSUM : 0);
}

/* Append bytes to a packet, in as many buffers as they take. */
static int append(struct rte_mempool *pool, struct rte_mbuf *packet, struct virtq_cursor from,
		  uint32_t length)
{
	struct rte_mbuf *last = rte_pktmbuf_lastseg(packet);

	while (length) {
		uint32_t room = rte_pktmbuf_tailroom(last);

		if (!room) {
			struct rte_mbuf *next = rte_pktmbuf_alloc(pool);

			if (!next)
				return -ENOMEM;
			last->next = next;
			last = next;
			packet->nb_segs++;
			continue;
		}
		room = RTE_MIN(room, length);
		virtq_cursor_read(&from, rte_pktmbuf_mtod_offset(last, void *, last->data_len), room);
		last->data_len += (uint16_t)room;
		packet->pkt_len += room;
		length -= room;
	}
	return 0;
}

/* Cut what is behind the head into pieces; how many, 0 when it cannot be lent. */
static unsigned int cut(const struct uplink *uplink, const struct frame *frame,
			struct virtq_segment pieces[PIECES_MAX])
{
	struct virtq_cursor at = frame->rest;
	uint32_t left = frame->length - frame->head_length;
	unsigned int count = 0;

	while (left) {
		uint8_t *data = at.segment->data + at.offset;
		uint32_t length = RTE_MIN(at.segment->length - at.offset, left);

		length = RTE_MIN(length, (uint32_t)PIECE_MAX);
		if (length) {
			if (count == PIECES_MAX || (uplink->lending == UPLINK_READS_LATER &&
						    !loan_is_reached(frame->loan, data, length)))
				return 0;
			pieces[count++] = (struct virtq_segment){ data, length };
		}
		left -= length;
		at.offset += length;
		if (at.offset == at.segment->length) {
			at.segment++;
			at.offset = 0;
		}
	}
	return count;
}

/* Make a packet whose head is in its own buffer; false when it has to be copied. */
static bool lend(struct uplink *uplink, const struct frame *frame, struct rte_mbuf *packet)
{
	struct virtq_segment pieces[PIECES_MAX];
	struct rte_mbuf *buffers[PIECES_MAX], *last = packet;
	struct rte_mbuf_ext_shared_info *shared = &frame->loan->shared;
	unsigned int count = cut(uplink, frame, pieces);

	if (!count || rte_pktmbuf_alloc_bulk(uplink->pool, buffers, count))
		return false;
	rte_mbuf_ext_refcnt_update(shared, (int16_t)count);
	for (unsigned int i = 0; i < count; i++) {
		rte_pktmbuf_attach_extbuf(buffers[i], pieces[i].data, (uintptr_t)pieces[i].data,
					  (uint16_t)pieces[i].length, shared);
		buffers[i]->data_len = (uint16_t)pieces[i].length;
		last = last->next = buffers[i];
	}
	copy_short(rte_pktmbuf_mtod(packet, uint8_t *), frame->head, frame->head_length);
	packet->data_len = (uint16_t)frame->head_length;
	packet->pkt_len = frame->length;
	packet->nb_segs = (uint16_t)(count + 1);
	__atomic_fetch_add(&uplink->lent, 1, __ATOMIC_RELAXED);
	return true;
}

static bool may_lend(const struct uplink *uplink, const struct frame *frame)
{
	return frame->loan && uplink->lending &&
	       !__atomic_load_n(&uplink->lending_paused, __ATOMIC_RELAXED);
}

/* Mostly one buffer has room for all of it. */
static void copy_whole(const struct frame *frame, struct rte_mbuf *packet)
{
	uint8_t *to = rte_pktmbuf_mtod(packet, uint8_t *);
	struct virtq_cursor rest = frame->rest;

	copy_short(to, frame->head, frame->head_length);
	if (frame->length > frame->head_length)
		virtq_cursor_read(&rest, to + frame->head_length,
				  frame->length - frame->head_length);
	packet->data_len = (uint16_t)frame->length;
	packet->pkt_len = frame->length;
}

static int copy(struct uplink *uplink, const struct frame *frame, struct rte_mbuf *packet)
{
	struct virtq_segment head = { frame->head, frame->head_length };
	struct virtq_cursor from = { &head, &head + 1, 0 };
	int error;

	if (may_lend(uplink, frame) && lend(uplink, frame, packet))
		return 0;
	if (likely(frame->length <= rte_pktmbuf_tailroom(packet))) {
		copy_whole(frame, packet);
		return 0;
	}
	error = append(uplink->pool, packet, from, frame->head_length);

	if (error)
		return error;
	return append(uplink->pool, packet, frame->rest, frame->length - frame->head_length);
}

static bool is_too_long(const struct uplink *uplink, const struct frame *frame, uint32_t longest)
{
	uint32_t limit = uplink->mtu + (uint32_t)FRAME_ETHERNET;
	uint16_t type;

	if (likely(longest <= limit))
		return false;
	return longest > limit + RTE_MIN(frame_l3(frame, &type) - FRAME_ETHERNET, TAGS);
}

enum drop uplink_packet(struct uplink *uplink, const struct frame *frame, struct rte_mbuf **out)
{
	uint32_t longest = frame->needs & ~FRAME_NEED_CSUM ? frame->headers + frame->segment_size
							   : frame->length;
	struct rte_mbuf *packet;

	if (is_too_long(uplink, frame, longest))
		return DROP_MTU;
	packet = rte_pktmbuf_alloc(uplink->pool);
	if (!packet)
		return DROP_NO_MEMORY;
	if (copy(uplink, frame, packet)) {
		rte_pktmbuf_free(packet);
		return DROP_NO_MEMORY;
	}
	if (frame->needs)
		ask_offloads(packet, frame);
	if (frame->needs && rte_eth_tx_prepare(uplink->port, 0, &packet, 1) != 1) {
		rte_pktmbuf_free(packet);
		return DROP_OFFLOAD;
	}
	*out = packet;
	return DROP_NONE;
}

/* One by one, while there are buffers. */
static unsigned int make_few(struct uplink *uplink, const struct frame *frames, const uint8_t *which,
			     unsigned int count, struct rte_mbuf **packets, uint64_t *drops)
{
	unsigned int made = 0;

	for (unsigned int i = 0; i < count; i++) {
		enum drop reason = uplink_packet(uplink, &frames[which[i]], &packets[made]);

		if (reason)
			drops[reason]++;
		else
			made++;
	}
	return made;
}

unsigned int uplink_packets(struct uplink *uplink, const struct frame *frames, const uint8_t *which,
			    unsigned int count, struct rte_mbuf **packets, uint64_t *drops)
{
	unsigned int made = 0, left = count;

	if (unlikely(rte_pktmbuf_alloc_bulk(uplink->pool, packets, count)))
		return make_few(uplink, frames, which, count, packets, drops);
	for (unsigned int i = 0; i < count; i++) {
		const struct frame *frame = &frames[which[i]];

		if (is_too_long(uplink, frame, frame->length)) {
			drops[DROP_MTU]++;
		} else if (unlikely(copy(uplink, frame, packets[made]))) {
			drops[DROP_NO_MEMORY]++;
			rte_pktmbuf_free(packets[made]);
			packets[made] = packets[--left];
		} else {
			made++;
		}
	}
	rte_pktmbuf_free_bulk(packets + made, left - made);
	return made;
}

unsigned int uplink_send(struct uplink *uplink, unsigned int sender, struct rte_mbuf **packets,
			 unsigned int count)
{
	uint16_t queue = (uint16_t)(sender % uplink->queue_count);
	unsigned int sent;

	spin_lock(&uplink->queues[queue].senders);
	sent = rte_eth_tx_burst(uplink->port, queue, packets, (uint16_t)count);
	spin_unlock(&uplink->queues[queue].senders);
	return sent;
}
