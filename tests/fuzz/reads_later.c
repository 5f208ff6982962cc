// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/fuzz/reads_later.h"

#include <pthread.h>
#include <rte_flow.h>
#include <rte_vfio.h>

#include "tests/fuzz/services.h"
#include "tests/fuzz/template.h"
#include "vhost-user/port/lending.h"
#include "vhost-user/switch/loan.h"
#include "vhost-user/switch/uplink_internal.h"

#define NAME "later-0"
#define DEVICE "net_ring7"
#define KEPT_MAX 256
#define COMING_MAX 16
#define RANGES_MAX 64
#define FLOWS_GIVEN 2		/* it has no room for more */
#define NO_PORT UINT16_MAX

/* The ways of the device, by the bits of a byte. */
#define WAY_KEEPS 1		/* what it has, until it is stopped */
#define WAY_TAKES_FEW 2
#define WAY_PREPARES_NONE 4
#define WAY_CLAIMS 8		/* that it does all offloads */
#define WAY_IS_NOT_MAPPED 16	/* no memory is mapped for it */
#define WAY_OF_KERNEL 32	/* what it hands over is as the kernel has it */
#define WAY_ONE_BUFFER 64	/* is all that it takes for a frame */
#define WAY_COPIES 128		/* it reads nothing later */

/* Workers send to it, the control thread does the rest. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uint16_t device_port = NO_PORT;
static bool is_coming;
static uint8_t ways;
static struct rte_mbuf *kept[KEPT_MAX], *coming[COMING_MAX];
static unsigned int kept_count, coming_count;
static bool has_flow[FLOWS_GIVEN];
static struct loan_range mapped[RANGES_MAX];
static unsigned int mapped_count;

/* Over all inputs. */
static unsigned int read_later, refused_maps, recalled, steered;

static bool is_within(const struct rte_mbuf *packet, const struct loan_range *range)
{
	const uint8_t *at = rte_pktmbuf_mtod(packet, const uint8_t *);

	return at >= range->start && at + packet->data_len <= range->start + range->size;
}

static bool is_mapped(const struct rte_mbuf *packet)
{
	for (unsigned int i = 0; i < mapped_count; i++)
		if (is_within(packet, &mapped[i]))
			return true;
	return false;
}

/* Of a guest, if it is attached. */
static void expect_mapped(const struct rte_mbuf *packet)
{
	for (; packet; packet = packet->next)
		if (RTE_MBUF_HAS_EXTBUF(packet))
			assert_true(is_mapped(packet));
}

/* As it is done with it, all of it is read. */
static void give_back(struct rte_mbuf *packet)
{
	for (const struct rte_mbuf *part = packet; part; part = part->next) {
		const volatile uint8_t *at = rte_pktmbuf_mtod(part, const uint8_t *);

		read_later += !!RTE_MBUF_HAS_EXTBUF(part);
		for (unsigned int i = 0; i < part->data_len; i += 64)
			(void)at[i];
	}
	rte_pktmbuf_free(packet);
}

static void give_all_back(void)
{
	while (kept_count)
		give_back(kept[--kept_count]);
}

static uint16_t take(void *queue, struct rte_mbuf **packets, uint16_t count)
{
	uint16_t taken;

	(void)queue;
	pthread_mutex_lock(&lock);
	if (ways & WAY_TAKES_FEW)
		count /= 2;
	for (taken = 0; taken < count && kept_count < KEPT_MAX; taken++) {
		expect_mapped(packets[taken]);
		kept[kept_count++] = packets[taken];
	}
	pthread_mutex_unlock(&lock);
	return taken;
}

static uint16_t hand_over(void *queue, struct rte_mbuf **packets, uint16_t count)
{
	uint16_t got = 0;

	(void)queue;
	pthread_mutex_lock(&lock);
	while (got < count && coming_count)
		packets[got++] = coming[--coming_count];
	pthread_mutex_unlock(&lock);
	return got;
}

static uint16_t prepare(void *queue, struct rte_mbuf **packets, uint16_t count)
{
	(void)queue;
	(void)packets;
	return ways & WAY_PREPARES_NONE ? 0 : count;
}

/* What iovd calls of DPDK, instead of that */

int __real_rte_eth_dev_start(uint16_t port);
int __real_rte_eth_dev_stop(uint16_t port);
int __real_rte_eth_dev_close(uint16_t port);
int __real_rte_eth_tx_done_cleanup(uint16_t port, uint16_t queue, uint32_t count);
struct rte_flow *__real_rte_flow_create(uint16_t port, const struct rte_flow_attr *attributes,
					const struct rte_flow_item *pattern,
					const struct rte_flow_action *actions,
					struct rte_flow_error *error);
int __real_rte_flow_destroy(uint16_t port, struct rte_flow *flow, struct rte_flow_error *error);
struct rte_flow *__wrap_rte_flow_create(uint16_t port, const struct rte_flow_attr *attributes,
					const struct rte_flow_item *pattern,
					const struct rte_flow_action *actions,
					struct rte_flow_error *error);
int __wrap_rte_flow_destroy(uint16_t port, struct rte_flow *flow, struct rte_flow_error *error);
int __wrap_rte_eth_dev_start(uint16_t port);
int __wrap_rte_eth_dev_stop(uint16_t port);
int __wrap_rte_eth_dev_close(uint16_t port);
int __wrap_rte_eth_tx_done_cleanup(uint16_t port, uint16_t queue, uint32_t count);
int __wrap_rte_vfio_container_dma_map(int container, uint64_t start, uint64_t iova, uint64_t size);
int __wrap_rte_vfio_container_dma_unmap(int container, uint64_t start, uint64_t iova,
					uint64_t size);

int __wrap_rte_eth_dev_start(uint16_t port)
{
	int error = __real_rte_eth_dev_start(port);

	if (is_coming && !error)
		device_port = port;
	is_coming = false;
	if (port != device_port)
		return error;
	rte_eth_fp_ops[port].rx_pkt_burst = hand_over;
	rte_eth_fp_ops[port].tx_pkt_burst = take;
	rte_eth_fp_ops[port].tx_pkt_prepare = prepare;
	return error;
}

int __wrap_rte_eth_dev_stop(uint16_t port)
{
	if (port == device_port) {
		for (unsigned int i = 0; i < FLOWS_GIVEN; i++)
			assert_false(has_flow[i]);
		give_all_back();
		rte_pktmbuf_free_bulk(coming, coming_count);
		coming_count = 0;
	}
	return __real_rte_eth_dev_stop(port);
}

int __wrap_rte_eth_dev_close(uint16_t port)
{
	if (port == device_port)
		device_port = NO_PORT;
	return __real_rte_eth_dev_close(port);
}

int __wrap_rte_eth_tx_done_cleanup(uint16_t port, uint16_t queue, uint32_t count)
{
	if (port != device_port)
		return __real_rte_eth_tx_done_cleanup(port, queue, count);
	pthread_mutex_lock(&lock);
	if (!(ways & WAY_KEEPS))
		give_all_back();
	pthread_mutex_unlock(&lock);
	return 0;
}

struct rte_flow *__wrap_rte_flow_create(uint16_t port, const struct rte_flow_attr *attributes,
					const struct rte_flow_item *pattern,
					const struct rte_flow_action *actions,
					struct rte_flow_error *error)
{
	if (port != device_port)
		return __real_rte_flow_create(port, attributes, pattern, actions, error);
	for (unsigned int i = 0; i < FLOWS_GIVEN; i++) {
		if (has_flow[i])
			continue;
		has_flow[i] = true;
		steered++;
		return (struct rte_flow *)(void *)&has_flow[i];
	}
	return NULL;
}

int __wrap_rte_flow_destroy(uint16_t port, struct rte_flow *flow, struct rte_flow_error *error)
{
	bool *given = (bool *)(void *)flow;

	if (port != device_port)
		return __real_rte_flow_destroy(port, flow, error);
	assert_true(given >= has_flow && given < has_flow + FLOWS_GIVEN && *given);
	*given = false;
	return 0;
}

int __wrap_rte_vfio_container_dma_map(int container, uint64_t start, uint64_t iova, uint64_t size)
{
	(void)container;
	assert_int_equal(start, iova);
	assert_int_equal((start | size) % (uint64_t)sysconf(_SC_PAGESIZE), 0);
	if (ways & WAY_IS_NOT_MAPPED) {
		refused_maps++;
		return -1;
	}
	pthread_mutex_lock(&lock);
	assert_true(mapped_count < RANGES_MAX);
	mapped[mapped_count++] = (struct loan_range){(uint8_t *)(uintptr_t)start, size};
	pthread_mutex_unlock(&lock);
	return 0;
}

/* It has nothing there any more. */
static void expect_not_within(const struct loan_range *range)
{
	for (unsigned int i = 0; i < kept_count; i++)
		for (const struct rte_mbuf *part = kept[i]; part; part = part->next)
			assert_false(RTE_MBUF_HAS_EXTBUF(part) && is_within(part, range));
}

int __wrap_rte_vfio_container_dma_unmap(int container, uint64_t start, uint64_t iova, uint64_t size)
{
	unsigned int i = 0;

	(void)container;
	assert_int_equal(start, iova);
	pthread_mutex_lock(&lock);
	while (i < mapped_count && (uintptr_t)mapped[i].start != start)
		i++;
	assert_true(i < mapped_count && mapped[i].size == size);
	expect_not_within(&mapped[i]);
	mapped[i] = mapped[--mapped_count];
	pthread_mutex_unlock(&lock);
	return 0;
}

/* What the input says of it */

static struct uplink *find(void)
{
	struct port *port;

	if (device_port == NO_PORT || port_find(services.registry, NAME, &port))
		return NULL;
	return uplink_of(port);
}

/* What it is, as if its driver had said so. */
static void behave(struct uplink *uplink, uint8_t kind)
{
	uint64_t claims = UPLINK_TX_CHECKSUMS | RTE_ETH_TX_OFFLOAD_TCP_TSO;

	pthread_mutex_lock(&lock);
	ways = kind;
	pthread_mutex_unlock(&lock);
	uplink->tx_offloads = (uplink->tx_offloads & ~claims) | (kind & WAY_CLAIMS ? claims : 0);
	uplink->buffers_of_frame = kind & WAY_ONE_BUFFER ? 1 : UINT16_MAX;
	uplink->is_unfinished = kind & WAY_OF_KERNEL;
	uplink->room = kind & WAY_OF_KERNEL ? 2048 : 0;
	registry_publish(services.registry);
}

static void come(struct fuzz_input *input)
{
	struct port_options options = {
		.name = NAME, .type = "ethdev", .device = DEVICE, .bridge = "network",
	};
	uint8_t kind = fuzz_u8(input);
	struct port *port;

	if (find())
		return;
	is_coming = true;
	services_expect(port_add(services.registry, &options, &port));
	behave(uplink_of(port), kind);
	if (kind & WAY_COPIES)
		return;
	uplink_of(port)->lending = UPLINK_READS_LATER;
	lending_uplink_comes(uplink_port_of(port));
}

static void go(void)
{
	struct port *port;

	if (!find())
		return;
	recalled += uplink_recalls(find()) > 0;
	services_expect(port_find(services.registry, NAME, &port));
	port_remove(services.registry, port);
}

/* In parts, of which the first one has the head. */
static struct rte_mbuf *make_packet(struct fuzz_input *input, struct rte_mempool *pool)
{
	uint8_t kind = fuzz_u8(input), frame[128];
	uint32_t length = fuzz_u16(input), parts = 1 + fuzz_below(input, UPLINK_SEGMENTS_MAX + 2);
	struct rte_mbuf *packet = NULL, *part;

	write_template(frame, kind, 1);
	spoil_template(input, frame);
	for (uint32_t i = 0; i < parts; i++) {
		part = rte_pktmbuf_alloc(pool);
		assert_non_null(part);
		part->data_len = rte_pktmbuf_tailroom(part);
		if (part->data_len > length / parts)
			part->data_len = (uint16_t)(length / parts);
		part->pkt_len = part->data_len;
		memset(rte_pktmbuf_mtod(part, void *), (int)i, part->data_len);
		if (!packet)
			packet = part;
		else
			assert_int_equal(rte_pktmbuf_chain(packet, part), 0);
	}
	memcpy(rte_pktmbuf_mtod(packet, void *), frame, sizeof(frame));
	packet->ol_flags = fuzz_u16(input) & (RTE_MBUF_F_RX_VLAN | RTE_MBUF_F_RX_L4_CKSUM_MASK);
	if (fuzz_one_in(input, 8))
		packet->data_off = FRAME_HEADROOM - 1;
	return packet;
}

static void come_from_network(struct fuzz_input *input)
{
	struct uplink *uplink = find();
	struct rte_mbuf *packet;

	if (!uplink || coming_count == COMING_MAX)
		return;
	packet = make_packet(input, uplink->receive_pool ? uplink->receive_pool : uplink->pool);
	pthread_mutex_lock(&lock);
	coming[coming_count++] = packet;
	pthread_mutex_unlock(&lock);
}

/* Memory that may be missing is not mapped: who maps it would wait until it is there. */
static void expect_lanes_lend_nothing(void)
{
	struct port *port;

	TAILQ_FOREACH(port, &services.registry->ports, link) {
		const struct net_port *net = net_port_of(port);

		assert_false(net && net->lane && net->lent);
	}
}

void reads_later_act(struct fuzz_input *input)
{
	struct uplink *uplink = find();
	uint8_t kind;

	switch (fuzz_below(input, 4)) {
	case 0:
		come(input);
		break;
	case 1:
		go();
		break;
	case 2:
		come_from_network(input);
		break;
	default:
		kind = fuzz_u8(input);
		if (uplink)
			behave(uplink, kind);
	}
	services_settle();
	expect_lanes_lend_nothing();
}

void reads_later_expect_gone(void)
{
	go();
	assert_null(find());
	assert_int_equal(kept_count, 0);
	assert_int_equal(mapped_count, 0);
}

void reads_later_reached_everything(void)
{
	assert_true(read_later && refused_maps && recalled);
	/* With one worker there is one queue. */
	assert_true(steered || workers_count(services.workers) == 1);
}
