// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Taking a network device: it is probed when its port is added and removed from DPDK when the port
 * goes, so it can be unbound or given to a guest then.  It has a queue each way for each worker, if
 * it has so many: the device spreads what it receives by flow, and workers that send do not wait for
 * each other.
 */
#include <errno.h>
#include <linux/capability.h>
#include <rte_dev.h>
#include <rte_errno.h>
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

/* Of those that hold a long frame each there are fewer: two bursts, and what a CPU keeps. */
#define LONG_BUFFERS 320
#define LONG_CACHE 32

#define RX_CHECKSUMS (RTE_ETH_RX_OFFLOAD_TCP_CKSUM | RTE_ETH_RX_OFFLOAD_UDP_CKSUM)

bool uplink_is_one_of(const char *name, const char *const *drivers, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!strncmp(name, drivers[i], strlen(drivers[i])))
			return true;
	return false;
}

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

	return uplink_is_one_of(uplink->name, packet, 1);
}

/* Frames that the kernel joined need large rings; where there is no room small ones will do. */
static int probe_packet(struct uplink *uplink, struct iov *iov)
{
	_cleanup_free_ char *large = packet_ring_device(uplink->name);
	const char *device = large;
	int error = large ? rte_dev_probe(large) : -ENOMEM;

	if (error) {
		device = uplink->name;
		error = rte_dev_probe(device);
	}
	if (error)
		return error;
	uplink->ring_frame = packet_ring_frame(device);
	uplink->room = uplink->ring_frame > PACKET_RING_HEADER ? uplink->ring_frame - PACKET_RING_HEADER
							      : 1;
	if (uplink->room <= RTE_ETHER_MAX_JUMBO_FRAME_LEN)
		iov_log(iov, LOG_NOTICE, "%s: frames of %u bytes and more are dropped, since its rings "
			"have no room for them", uplink->name, uplink->room);
	return 0;
}

static int probe(struct uplink *uplink, struct iov *iov, const char *name)
{
	struct rte_eth_dev_info info;
	int error;

	if (!find_port(name, &uplink->port))
		return iov_fail(iov, -EBUSY, "%s: is the device of another port already; see 'iov port "
				"list'", name);
	error = is_packet(uplink) ? probe_packet(uplink, iov) : rte_dev_probe(name);
	if (error || find_port(name, &uplink->port))
		return iov_told(iov, error ? error : -ENODEV, "%s: DPDK has no driver that takes it: %s; "
				"see 'iovd --verbose'", name, strerror(error ? -error : ENODEV));
	if (rte_eth_dev_info_get(uplink->port, &info))
		return iov_fail(iov, -EIO, "%s: the device does not answer", name);
	uplink->device = info.device;
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

/* The driver of net_af_packet wants a buffer for all that an element of its rings may have. */
static int make_pools(struct uplink *uplink)
{
	uint32_t size = RTE_PKTMBUF_HEADROOM + uplink->ring_frame;

	uplink->pool = make_pool(uplink, "", PACKET_BUFFERS, BUFFER_CACHE, RTE_MBUF_DEFAULT_BUF_SIZE);
	if (!uplink->pool)
		return -rte_errno;
	if (size <= RTE_MBUF_DEFAULT_BUF_SIZE)
		return 0;
	uplink->receive_pool = make_pool(uplink, "rx", LONG_BUFFERS, LONG_CACHE,
					 RTE_MIN(size, (uint32_t)UINT16_MAX));
	return uplink->receive_pool ? 0 : -rte_errno;
}

static int setup_queue(struct uplink *uplink, uint16_t index, const uint16_t sizes[2],
		       const struct rte_eth_rxconf *rx, const struct rte_eth_txconf *tx)
{
	unsigned int node = (unsigned int)rte_eth_dev_socket_id(uplink->port);
	int error = rte_eth_rx_queue_setup(uplink->port, index, sizes[0], node, rx,
					   uplink->receive_pool ? uplink->receive_pool
							        : uplink->pool);

	return error ? error : rte_eth_tx_queue_setup(uplink->port, index, sizes[1], node, tx);
}

/* Drivers that cut in software, which refuse some that are to be cut and let others pass as they are. */
static const char *const cut_badly[] = { "net_tap", "net_tun" };

/* What is left to the device. */
static uint64_t choose_offloads(const struct uplink *uplink, const struct rte_eth_dev_info *info)
{
	uint64_t wanted = UPLINK_TX_CHECKSUMS | RTE_ETH_TX_OFFLOAD_MULTI_SEGS;

	if (!uplink_is_one_of(uplink->name, cut_badly, RTE_DIM(cut_badly)))
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

static int setup_queues(struct uplink *uplink, const struct rte_eth_dev_info *info)
{
	struct rte_eth_conf conf = { .rxmode.offloads = info->rx_offload_capa & RX_CHECKSUMS };
	struct rte_eth_rxconf rx = info->default_rxconf;
	struct rte_eth_txconf tx = info->default_txconf;
	uint16_t sizes[2] = { QUEUE_SIZE, QUEUE_SIZE };
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
static const char *const of_kernel[] = { "net_af_packet", "net_af_xdp" };

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
	if (uplink_is_one_of(uplink->name, at_once, RTE_DIM(at_once))) {
		if (uplink->tx_offloads & RTE_ETH_TX_OFFLOAD_MULTI_SEGS)
			uplink->lending = UPLINK_READS_AT_ONCE;
		return 0;
	}
	return uplink->zero_copy ? check_zero_copy(uplink, iov) : 0;
}

/* Drivers of DPDK say 1500 whatever the interface has. */
static void find_mtu(struct uplink *uplink)
{
	unsigned int mtu = uplink_interface(uplink) ? interface_link_mtu(&uplink->interface) : 0;

	rte_eth_dev_get_mtu(uplink->port, &uplink->mtu);
	if (mtu)
		uplink->mtu = (uint16_t)mtu;
}

static int start(struct uplink *uplink, struct iov *iov)
{
	struct rte_eth_dev_info info;
	int error = rte_eth_dev_info_get(uplink->port, &info);

	if (!error) {
		uplink->queue_count = RTE_MIN(info.max_rx_queues, info.max_tx_queues);
		uplink->queue_count = (uint16_t)RTE_MIN(uplink->queues_wanted, uplink->queue_count);
		uplink->tx_offloads = choose_offloads(uplink, &info);
		find_limits(uplink, &info.tx_desc_lim);
		error = make_pools(uplink);
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
	uplink_begin_losses(uplink);
	rte_eth_promiscuous_enable(uplink->port);  /* a VF may be refused this, */
	rte_eth_allmulticast_enable(uplink->port); /* and then gets its own MAC only */
	find_mtu(uplink);
	return 0;
}

int uplink_device_open(struct uplink *uplink, struct iov *iov)
{
	struct packet_ring before = { 0 };
	int error = check_device(iov, uplink->name);

	interface_link_find(&uplink->interface, uplink->name);
	uplink->is_unfinished = uplink_is_one_of(uplink->name, of_kernel, RTE_DIM(of_kernel));
	if (is_packet(uplink))
		packet_ring_note(&before, uplink->interface.index);
	if (!error)
		error = probe(uplink, iov, uplink->name);
	if (!error && is_packet(uplink))
		packet_ring_open(&uplink->ring, &before, uplink->interface.index);
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
	if (uplink->device) {
		rte_eth_dev_close(uplink->port);
		rte_dev_remove(uplink->device);
	}
	uplink->device = NULL;
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
}

int uplink_restart(struct uplink *uplink)
{
	int error = rte_eth_dev_start(uplink->port);

	uplink->started = !error;
	uplink->recalls++;
	return error;
}
