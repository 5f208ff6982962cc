// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Taking a network device: it is probed when its port is added and removed from DPDK when the port
 * goes, so it can be unbound or given to a guest then.  It has a queue each way for each worker, if
 * it has so many: the device spreads what it receives by flow, and workers that send do not wait
 * for each other.
 */
#include <errno.h>
#include <linux/capability.h>
#include <rte_dev.h>
#include <rte_errno.h>
#include <rte_version.h>
#include <rte_vfio.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/pci/pci.h"
#include "vhost-user/socket/privileges.h"
#include "vhost-user/switch/uplink_internal.h"

#define QUEUE_SIZE 512
#define PACKET_BUFFERS 4095
#define BUFFER_CACHE 256
#define LONG 4096u

/* Of those that hold a long frame each there are fewer: two bursts, and what a CPU keeps. */
#define LONG_BUFFERS 320
#define LONG_CACHE 32

#define RX_CHECKSUMS (RTE_ETH_RX_OFFLOAD_TCP_CKSUM | RTE_ETH_RX_OFFLOAD_UDP_CKSUM)

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

static bool is_packet(const struct uplink *uplink)
{
	static const char *const packet[] = { "net_af_packet" };

	return device_is_one_of(uplink->name, packet, 1);
}

static bool is_tun(const struct uplink *uplink)
{
	static const char *const tun[] = { "net_tap", "net_tun" };

	return device_is_one_of(uplink->name, tun, RTE_DIM(tun));
}

/* Frames that the kernel joined need large rings; where there is no room small ones will do. */
static int probe_packet(struct uplink *uplink, struct iov *iov)
{
	_cleanup_free_ char *large = packet_ring_device(uplink->name);
	const char *device = large;
	struct packet_ring before;
	int error;

	packet_ring_note(&before, uplink->interface.index);
	error = large ? rte_dev_probe(large) : -ENOMEM;
	if (error) {
		device = uplink->name;
		error = rte_dev_probe(device);
	}
	if (error)
		return error;
	packet_ring_open(&uplink->ring, &before, uplink->interface.index, device);
	uplink->room = uplink->ring.frame > PACKET_RING_HEADER
			       ? (uint32_t)uplink->ring.frame - PACKET_RING_HEADER
			       : 1;
	if (uplink->room <= RTE_ETHER_MAX_JUMBO_FRAME_LEN)
		iov_log(iov, LOG_NOTICE, "%s: frames of %u bytes and more are dropped, since its rings "
			"have no room for them", uplink->name, uplink->room);
	return 0;
}

/* Drivers of an interface that is there; that it is not they call an operation not permitted. */
static int find_interface(const struct uplink *uplink, struct iov *iov)
{
	static const char *const of_interface[] = { "net_af_packet", "net_af_xdp" };

	if (!device_is_one_of(uplink->name, of_interface, RTE_DIM(of_interface)) ||
	    uplink->interface.index)
		return 0;
	if (!*uplink->interface.name)
		return iov_fail(iov, -EINVAL, "%s: expected the name of an interface, such as "
				"',iface=eth0'", uplink->name);
	return iov_fail(iov, -ENODEV, "%s: there is no interface %s where iovd is; 'ip link' lists "
			"those that are", uplink->name, uplink->interface.name);
}

static int check_free(struct uplink *uplink, struct iov *iov)
{
	return find_port(uplink->name, &uplink->port) ? 0 :
	       iov_fail(iov, -EBUSY, "%s: is the device of another port already; see 'iov port list'",
			uplink->name);
}

static int probe(struct uplink *uplink, struct iov *iov, const char *name)
{
	struct rte_eth_dev_info info;
	int error = check_free(uplink, iov);

	if (!error)
		error = find_interface(uplink, iov);
	if (error)
		return error;
	error = is_packet(uplink) ? probe_packet(uplink, iov) : rte_dev_probe(name);
	/* What no bus of DPDK takes for a name of its own, and so has no driver, it calls a bad address. */
	if (error == -EFAULT)
		return iov_fail(iov, -EINVAL, "%s: no device of DPDK has such a name; expected a function "
				"that is bound to vfio-pci, or a virtual device of a driver that iovd "
				"has, such as net_tap0,iface=tap0 or net_af_packet0,iface=eth0", name);
	if (error || find_port(name, &uplink->port))
		return iov_told(iov, error ? error : -ENODEV, "%s: DPDK has no driver that takes it: %s; "
				"see 'iovd --verbose'", name, strerror(error ? -error : ENODEV));
	if (rte_eth_dev_info_get(uplink->port, &info))
		return iov_fail(iov, -EIO, "%s: the device does not answer", name);
	uplink->device = info.device;
	return 0;
}

/* How much longer than its MTU a frame on the wire is: Ethernet, two tags, and the checksum. */
#define AROUND_MTU (RTE_ETHER_HDR_LEN + 8u + RTE_ETHER_CRC_LEN)

/* The largest MTU that a driver takes, as DPDK judges it. */
static unsigned int largest_mtu(const struct rte_eth_dev_info *info)
{
	unsigned int around = RTE_ETHER_HDR_LEN + RTE_ETHER_CRC_LEN;

	if (info->max_rx_pktlen > around && info->max_rx_pktlen - around < info->max_mtu)
		return info->max_rx_pktlen - around;
	return info->max_mtu;
}

/* That of net_af_packet is its interface's, whatever DPDK says, as far as its rings have room. */
static unsigned int largest_of(const struct uplink *uplink, const struct rte_eth_dev_info *info)
{
	if (is_packet(uplink))
		return uplink->room > AROUND_MTU ? uplink->room - AROUND_MTU : 0;
	return largest_mtu(info);
}

static int check_mtu(const struct uplink *uplink, struct iov *iov,
		     const struct rte_eth_dev_info *info, unsigned int mtu)
{
	unsigned int largest = largest_of(uplink, info);

	if (mtu <= largest)
		return 0;
	return iov_fail(iov, -ENOTSUP, "%s: an MTU of %u is more than its driver %s takes in DPDK %s, "
			"%u at most", uplink->name, mtu, info->driver_name,
			rte_version() + strlen("DPDK "), largest);
}

static int ask(const struct uplink *uplink, struct iov *iov, struct rte_eth_dev_info *info)
{
	int error = rte_eth_dev_info_get(uplink->port, info);

	return error ? iov_told(iov, error, "%s: the device does not answer", uplink->name) : 0;
}

int uplink_check_mtu(const struct uplink *uplink, struct iov *iov, unsigned int mtu)
{
	struct rte_eth_dev_info info;
	int error = uplink_is_open(uplink) ? ask(uplink, iov, &info) : 0;

	return error || !uplink_is_open(uplink) ? error : check_mtu(uplink, iov, &info, mtu);
}

void uplink_find_mtu(struct uplink *uplink)
{
	unsigned int mtu = is_packet(uplink) ? interface_link_mtu(&uplink->interface) : 0;
	uint16_t own = 0;

	if (!mtu && !rte_eth_dev_get_mtu(uplink->port, &own))
		mtu = own;
	if (uplink->mtu_largest && mtu > uplink->mtu_largest)
		mtu = uplink->mtu_largest;
	if (mtu)
		__atomic_store_n(&uplink->mtu, (uint16_t)mtu, __ATOMIC_RELAXED);
}

unsigned int uplink_excess_mtu(const struct uplink *uplink)
{
	unsigned int mtu = uplink_interface(uplink) ? interface_link_mtu(&uplink->interface) : 0;

	return mtu > uplink_mtu(uplink) ? mtu : 0;
}

void uplink_follow_mtu(struct uplink *uplink)
{
	unsigned int mtu = uplink_excess_mtu(uplink);
	struct rte_eth_dev_info info;

	if (mtu && !uplink->mtu_wanted && !rte_eth_dev_info_get(uplink->port, &info) &&
	    mtu <= largest_of(uplink, &info) && !rte_eth_dev_set_mtu(uplink->port, (uint16_t)mtu))
		uplink_find_mtu(uplink);
}

/* Drivers of virtual devices hand it to the kernel when told, those of NICs begin with it. */
static int apply_mtu(struct uplink *uplink, struct iov *iov)
{
	unsigned int mtu = uplink->mtu_wanted;
	int error = 0;

	if (mtu && is_packet(uplink))
		error = interface_link_set_mtu(&uplink->interface, mtu);
	else if (mtu && !strncmp(uplink->name, "net_", 4))
		error = rte_eth_dev_set_mtu(uplink->port, (uint16_t)mtu);
	if (error && error != -ENOTSUP)
		return iov_told(iov, error, "%s: it takes no MTU of %u: %s", uplink->name, mtu,
				strerror(-error));
	uplink_find_mtu(uplink);
	return 0;
}

/* Numbers and sizes are of one queue and one buffer. */
static struct rte_mempool *make_pool(const struct uplink *uplink, const char *kind,
				     unsigned int buffers, unsigned int cache, uint32_t size)
{
	char name[RTE_MEMPOOL_NAMESIZE];

	snprintf(name, sizeof(name), "uplink%u%s", uplink->port, kind);
	return rte_pktmbuf_pool_create(name, buffers * uplink->queue_count, cache, 0, (uint16_t)size,
				       rte_eth_dev_socket_id(uplink->port));
}

/* Bytes of a buffer, of which so many take a frame of the MTU, on top of where frames begin. */
static uint32_t buffer_size(const struct uplink *uplink, unsigned int buffers)
{
	uint32_t size = (uplink->mtu_wanted + AROUND_MTU + buffers - 1) / buffers;

	size = RTE_MAX(size + RTE_PKTMBUF_HEADROOM, (uint32_t)RTE_MBUF_DEFAULT_BUF_SIZE);
	return RTE_MIN(RTE_ALIGN(size, RTE_CACHE_LINE_SIZE), UINT16_MAX + 1u - RTE_CACHE_LINE_SIZE);
}

/* Of longer ones there are fewer, which is as much memory up to a point. */
static unsigned int buffers_of(uint32_t size)
{
	return size <= LONG ? PACKET_BUFFERS : RTE_MAX(PACKET_BUFFERS * LONG / size, 1023u);
}

/* The driver of net_af_packet wants a buffer for all that an element of its rings may have. */
static int make_receive_pool(struct uplink *uplink, const struct rte_eth_dev_info *info)
{
	bool scatters = info->rx_offload_capa & RTE_ETH_RX_OFFLOAD_SCATTER;
	uint32_t size = buffer_size(uplink, scatters ? UPLINK_SEGMENTS_MAX : 1);
	unsigned int buffers = buffers_of(size), cache = BUFFER_CACHE;

	if (is_packet(uplink)) {
		size = RTE_PKTMBUF_HEADROOM + (uint32_t)uplink->ring.frame;
		buffers = LONG_BUFFERS;
		cache = LONG_CACHE;
	}
	if (size <= rte_pktmbuf_data_room_size(uplink->pool))
		return 0;
	size = RTE_MIN(size, (uint32_t)UINT16_MAX);
	uplink->receive_pool = make_pool(uplink, "rx", buffers, cache, size);
	return uplink->receive_pool ? 0 : -rte_errno;
}

static int make_pools(struct uplink *uplink, const struct rte_eth_dev_info *info)
{
	unsigned int buffers = RTE_MIN(uplink->buffers_of_frame, UPLINK_SEGMENTS_MAX);
	uint32_t size = buffer_size(uplink, buffers);

	uplink->pool = make_pool(uplink, "", buffers_of(size), BUFFER_CACHE, size);
	return uplink->pool ? make_receive_pool(uplink, info) : -rte_errno;
}

static int setup_queue(struct uplink *uplink, uint16_t index, const uint16_t sizes[2],
		       const struct rte_eth_rxconf *rx, const struct rte_eth_txconf *tx)
{
	unsigned int node = (unsigned int)rte_eth_dev_socket_id(uplink->port);
	struct rte_mempool *pool = uplink->receive_pool ? uplink->receive_pool : uplink->pool;
	int error = rte_eth_rx_queue_setup(uplink->port, index, sizes[0], node, rx, pool);

	return error ? error : rte_eth_tx_queue_setup(uplink->port, index, sizes[1], node, tx);
}

/*
 * What is left to the device.  The driver of tun cuts in software, refuses some frames that are to be
 * cut and lets others pass as they are.
 */
static uint64_t choose_offloads(const struct uplink *uplink, const struct rte_eth_dev_info *info)
{
	uint64_t wanted = UPLINK_TX_CHECKSUMS | RTE_ETH_TX_OFFLOAD_MULTI_SEGS;

	if (!is_tun(uplink))
		wanted |= RTE_ETH_TX_OFFLOAD_TCP_TSO;
	return info->tx_offload_capa & wanted;
}

/* Drivers say 0 when they have no limit. */
static void find_limits(struct uplink *uplink, const struct rte_eth_desc_lim *limits)
{
	bool several = uplink->tx_offloads & RTE_ETH_TX_OFFLOAD_MULTI_SEGS;

	uplink->buffers_max = limits->nb_seg_max ? limits->nb_seg_max : UINT16_MAX;
	uplink->buffers_of_frame = limits->nb_mtu_seg_max ? limits->nb_mtu_seg_max : UINT16_MAX;
	uplink->buffers_of_frame = RTE_MIN(uplink->buffers_of_frame, uplink->buffers_max);
	if (!several)
		uplink->buffers_of_frame = uplink->buffers_max = 1;
}

/* Flows stay together: by what of them the device can hash, or as its driver knows. */
static void spread(struct rte_eth_conf *conf, const struct rte_eth_dev_info *info)
{
	conf->rx_adv_conf.rss_conf.rss_hf =
		info->flow_type_rss_offloads & (RTE_ETH_RSS_IP | RTE_ETH_RSS_TCP | RTE_ETH_RSS_UDP);
	if (conf->rx_adv_conf.rss_conf.rss_hf)
		conf->rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
}

/* Several buffers for a frame only where that may be, as drivers are slower then. */
static uint64_t receive_offloads(const struct uplink *uplink)
{
	struct rte_mempool *pool = uplink->receive_pool ? uplink->receive_pool : uplink->pool;
	uint32_t room = rte_pktmbuf_data_room_size(pool) - RTE_PKTMBUF_HEADROOM;

	if (is_tun(uplink) || uplink->mtu_wanted + AROUND_MTU > room)
		return RX_CHECKSUMS | RTE_ETH_RX_OFFLOAD_SCATTER;
	return RX_CHECKSUMS;
}

/* net_tap takes one frame at a time, and looks at the buffers of the whole queue for it. */
static uint16_t receive_queue_size(const struct uplink *uplink)
{
	return is_tun(uplink) ? UPLINK_SEGMENTS_MAX : QUEUE_SIZE;
}

static int setup_queues(struct uplink *uplink, const struct rte_eth_dev_info *info)
{
	struct rte_eth_conf conf = {
		.rxmode.offloads = info->rx_offload_capa & receive_offloads(uplink),
		.rxmode.mtu = is_packet(uplink) ? 0 : uplink->mtu_wanted,
	};
	struct rte_eth_rxconf rx = info->default_rxconf;
	struct rte_eth_txconf tx = info->default_txconf;
	uint16_t sizes[2] = { receive_queue_size(uplink), QUEUE_SIZE };
	int error;

	if (uplink->queue_count > 1)
		spread(&conf, info);
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

/* Devices that hand over what the kernel has not completed, as if NICs were below them. */
static const char *const of_kernel[] = { "net_af_packet", "net_af_xdp", "net_pcap" };

/* Devices of software whose drivers have read a packet when they take it. */
static const char *const at_once[] = { "net_tap", "net_tun", "net_af_packet" };

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
	if (device_is_one_of(uplink->name, at_once, RTE_DIM(at_once))) {
		if (uplink->tx_offloads & RTE_ETH_TX_OFFLOAD_MULTI_SEGS)
			uplink->lending = UPLINK_READS_AT_ONCE;
		return 0;
	}
	return uplink->zero_copy ? check_zero_copy(uplink, iov) : 0;
}

static int learn(struct uplink *uplink, struct iov *iov, struct rte_eth_dev_info *info)
{
	int error = ask(uplink, iov, info);

	if (error)
		return error;
	uplink->queue_count = RTE_MIN(info->max_rx_queues, info->max_tx_queues);
	uplink->queue_count = (uint16_t)RTE_MIN(uplink->queues_wanted, uplink->queue_count);
	uplink->tx_offloads = choose_offloads(uplink, info);
	find_limits(uplink, &info->tx_desc_lim);
	uplink->mtu_largest = (uint16_t)RTE_MIN(largest_of(uplink, info), (unsigned int)UPLINK_MTU_MAX);
	return check_mtu(uplink, iov, info, uplink->mtu_wanted);
}

/* Whether the device is at an interface of the host, which is not ours alone. */
static bool is_shared(const struct uplink *uplink)
{
	return uplink->is_unfinished && uplink_interface(uplink);
}

/* Drivers clear the flag that somebody else may have set. */
static int start_driver(const struct uplink *uplink)
{
	bool is_promiscuous = is_shared(uplink) && interface_link_is_promiscuous(&uplink->interface);
	int error = rte_eth_dev_start(uplink->port);

	if (is_promiscuous && !error)
		error = interface_link_make_promiscuous(&uplink->interface);
	return error;
}

/* And they leave it, when they set it. */
static int get_all(struct uplink *uplink, struct iov *iov)
{
	if (!is_shared(uplink)) {
		rte_eth_promiscuous_enable(uplink->port);  /* a VF may be refused this, */
		rte_eth_allmulticast_enable(uplink->port); /* and then gets its own MAC only */
		return 0;
	}
	uplink->all_frames = interface_link_get_all(&uplink->interface);
	if (uplink->all_frames >= 0)
		return 0;
	return iov_told(iov, uplink->all_frames, "%s: cannot have all frames of %s: %s", uplink->name,
			uplink->interface.name, strerror(-uplink->all_frames));
}

static int start(struct uplink *uplink, struct iov *iov)
{
	struct rte_eth_dev_info info;
	int error = learn(uplink, iov, &info);

	if (error)
		return error;
	error = make_pools(uplink, &info);
	if (error)
		return iov_told(iov, error, "%s: no memory for packets: %s", uplink->name,
				strerror(-error));
	error = setup_queues(uplink, &info);
	if (!error)
		error = start_driver(uplink);
	if (error)
		return iov_told(iov, error, "%s: the device does not start: %s; see 'iovd --verbose'",
				uplink->name, strerror(-error));
	uplink->started = true;
	uplink_begin_losses(uplink);
	error = get_all(uplink, iov);
	return error ? error : apply_mtu(uplink, iov);
}

int uplink_rehearse(struct iov *iov, const struct uplink_options *options)
{
	struct uplink uplink = { .name = (char *)options->device };
	int error = check_device(iov, options->device);

	interface_link_find(&uplink.interface, options->device);
	if (!error)
		error = check_free(&uplink, iov);
	return error ? error : find_interface(&uplink, iov);
}

int uplink_device_open(struct uplink *uplink, struct iov *iov)
{
	int error = check_device(iov, uplink->name);

	interface_link_find(&uplink->interface, uplink->name);
	uplink->is_unfinished = device_is_one_of(uplink->name, of_kernel, RTE_DIM(of_kernel));
	if (!error)
		error = probe(uplink, iov, uplink->name);
	/* Some make their interface. */
	if (!error)
		interface_link_find(&uplink->interface, uplink->name);
	if (!error)
		error = start(uplink, iov);
	if (!error)
		error = choose_lending(uplink, iov);
	return error;
}

void uplink_device_close(struct uplink *uplink)
{
	uplink_stop(uplink);
	packet_ring_close(&uplink->ring);
	if (uplink->all_frames >= 0)
		close(uplink->all_frames);
	uplink->all_frames = -1;
	if (uplink->device) {
		rte_eth_dev_close(uplink->port);
		rte_dev_remove(uplink->device);
	}
	uplink->device = NULL;
	uplink->lending = UPLINK_COPIES;
	rte_mempool_free(uplink->pool);
	rte_mempool_free(uplink->receive_pool);
	uplink->pool = NULL;
	uplink->receive_pool = NULL;
}

void uplink_stop(struct uplink *uplink)
{
	uplink_look_at_losses(uplink);
	flows_close(uplink->flows);
	uplink->flows = NULL;
	if (uplink->started)
		rte_eth_dev_stop(uplink->port);
	uplink->started = false;
	uplink->losses.unsent += packet_ring_unsent(&uplink->ring);
}

int uplink_reopen(struct uplink *uplink, struct iov *iov)
{
	uplink_device_close(uplink);
	return uplink_device_open(uplink, iov);
}

int uplink_set_mtu(struct uplink *uplink, struct iov *iov, unsigned int mtu)
{
	unsigned int former = uplink->mtu_wanted;
	bool is_taken_anew = !is_packet(uplink);
	struct rte_eth_dev_info info;
	int error;

	uplink->mtu_wanted = mtu;
	if (!uplink_is_open(uplink))
		return 0;
	error = learn(uplink, iov, &info);
	if (error)
		is_taken_anew = false;
	else
		error = is_taken_anew ? uplink_reopen(uplink, iov) : apply_mtu(uplink, iov);
	if (!error)
		return 0;
	uplink->mtu_wanted = former;
	return is_taken_anew && uplink_reopen(uplink, iov) ? -EIO : error;
}

int uplink_restart(struct uplink *uplink)
{
	int error = rte_eth_dev_start(uplink->port);

	uplink->started = !error;
	uplink->recalls++;
	return error;
}
