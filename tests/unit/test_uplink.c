// SPDX-License-Identifier: GPL-2.0-or-later
// What a guest sends by a network device: DPDK's net_ring, which keeps packets until they are taken,
// and net_af_packet at an interface that comes and goes.
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <poll.h>
#include <pthread.h>
#include <rte_eal.h>
#include <rte_mbuf.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/lan.h"
#include "vhost-user/port/uplink_port.h"
#include "vhost-user/switch/uplink_internal.h"

#define A 0
#define B 1

#define FRAMES 32
#define ROUNDS 1000
#define LENGTH 1514

static bool has_namespace;
static struct uplink_port up;
static struct dp_counters counters;
static struct ring_load loads[PORT_RINGS_MAX];

/* It would say by IPv6 that it is there, at any time after an interface is up, and be counted. */
static void keep_kernel_silent(void)
{
	int fd = open("/proc/sys/net/ipv6/conf/default/disable_ipv6", O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	assert_int_equal(write(fd, "1", 1), 1);
	close(fd);
}

/* One device for all tests; what a test leaves in it the next one does not find. */
static int open_device(void **state)
{
	static char *arguments[] = { "test_uplink", "--no-huge", "-m", "256", "--no-shconf",
				     "--no-telemetry", "--allow=0000:00:00.0", "-l", "0",
				     "--log-level=1" };
	const struct uplink_options ring = { .device = "net_ring0", .queues = 1 };
	struct iov *iov;

	(void)state;
	/* Before there are threads; root of its own where we are none. */
	has_namespace = !unshare(CLONE_NEWNET) || !unshare(CLONE_NEWUSER | CLONE_NEWNET);
	if (has_namespace)
		keep_kernel_silent();
	assert_true(rte_eal_init(sizeof(arguments) / sizeof(*arguments), arguments) >= 0);
	assert_return_code(iov_open(&iov, NULL), 0);
	assert_return_code(uplink_open(&up.uplink, iov, &ring), 0);
	iov_close(iov);
	return 0;
}

static int close_device(void **state)
{
	(void)state;
	uplink_close(up.uplink);
	return 0;
}

/* Station A and the uplink, whose queue nobody takes from but the test. */
static int setup(void **state)
{
	struct lan *lan;

	lan_setup(state);
	lan = *state;
	up.port.id = DP_PORTS_MAX + 9;
	up.port.type = &uplink_port_type;
	up.port.registry = &lan->registry;
	up.port.member = &up.member;
	up.port.loads = loads;
	up.port.workers[0] = WORKER_NONE;
	up.member.counters = &counters;
	up.member.bridge = &lan->bridge;
	memset(&counters, 0, sizeof(counters));
	TAILQ_INSERT_TAIL(&lan->registry.ports, &up.port, link);
	for (unsigned int i = B; i < STATIONS; i++)
		lan->stations[i].port.member.bridge = NULL;
	lan_redraw(lan);
	return 0;
}

static unsigned int take(struct rte_mbuf **packets, unsigned int max)
{
	return uplink_receive(up.uplink, 0, packets, max);
}

static int teardown(void **state)
{
	struct rte_mbuf *packet;

	while (take(&packet, 1))
		rte_pktmbuf_free(packet);
	return lan_teardown(state);
}

/* The guest's other CPU. */
struct reuse {
	struct station *station;
	uint64_t buffers[FRAMES];
	uint16_t done;
	bool stop;
};

/* What came back is written over at once, as its driver may. */
static void *write_over(void *arg)
{
	struct reuse *reuse = arg;
	const struct vring_used *used = driver_device_area(&reuse->station->tx);
	uint16_t now, seen = 0;

	while (!__atomic_load_n(&reuse->stop, __ATOMIC_RELAXED)) {
		now = __atomic_load_n(&used->idx, __ATOMIC_ACQUIRE);
		if (now == seen)
			continue;
		for (unsigned int i = FRAMES; i--;)
			memset((uint8_t *)guest_at(&reuse->station->guest, reuse->buffers[i]) +
			       reuse->station->header + 14, 0xee, LENGTH - 14);
		seen = now;
		__atomic_store_n(&reuse->done, now, __ATOMIC_RELEASE);
	}
	return NULL;
}

static void send_burst(struct lan *lan, const struct reuse *reuse)
{
	struct station *a = reuse->station;
	struct vring_used_elem done;

	while (driver_used(&a->tx, &done))
		;
	for (unsigned int i = 0; i < FRAMES; i++) {
		struct driver_buffer buffer = { reuse->buffers[i], a->header + LENGTH, false };
		uint8_t *at = (uint8_t *)guest_at(&a->guest, buffer.gpa) + a->header;

		memset(at, 0x11, LENGTH);
		lan_frame(at, BROADCAST, A, 0, 60);
		assert_true(driver_add(&a->tx, &buffer, 1) >= 0);
	}
	driver_publish(&a->tx);
	assert_int_equal(lan_pass(lan), FRAMES);
}

/* A buffer that is the guest's again is not read any more. */
static void what_leaves_was_there_when_it_was_sent(void **state)
{
	struct lan *lan = *state;
	struct reuse reuse = { .station = &lan->stations[A] };
	const struct vring_used *used = driver_device_area(&reuse.station->tx);
	unsigned int left = 0, wrong = 0;
	pthread_t thread;

	for (unsigned int i = 0; i < FRAMES; i++)
		reuse.buffers[i] = guest_alloc(&reuse.station->guest, 2048, 64);
	driver_want_calls(&reuse.station->tx, false);
	assert_int_equal(pthread_create(&thread, NULL, write_over, &reuse), 0);
	for (unsigned int round = 0; round < ROUNDS; round++) {
		struct rte_mbuf *packets[FRAMES];
		unsigned int count;

		send_burst(lan, &reuse);
		count = take(packets, FRAMES);
		for (unsigned int i = 0; i < count; i++)
			wrong += !!memchr(rte_pktmbuf_mtod_offset(packets[i], void *, FRAME_HEAD_MAX), 0xee,
					  LENGTH - FRAME_HEAD_MAX);
		rte_pktmbuf_free_bulk(packets, count);
		left += count;
		while (__atomic_load_n(&reuse.done, __ATOMIC_ACQUIRE) != used->idx)
			;
	}
	reuse.stop = true;
	pthread_join(thread, NULL);
	assert_int_equal(left, FRAMES * ROUNDS);
	assert_int_equal(wrong, 0);
}

static void tags_do_not_count_into_the_mtu(void **state)
{
	static const uint8_t vlan[] = { 0x81, 0, 0, 5 }, priority[] = { 0x81, 0, 0xe0, 0 },
			     two[] = { 0x88, 0xa8, 0, 5, 0x81, 0, 0, 6 },
			     three[] = { 0x81, 0, 0, 5, 0x81, 0, 0, 6, 0x81, 0, 0, 7 };
	static const struct {
		const uint8_t *tags;
		uint32_t bytes;
		uint32_t allowed;
	} cases[] = {
		{ NULL, 0, 1514 }, { vlan, sizeof(vlan), 1518 }, { priority, sizeof(priority), 1518 },
		{ two, sizeof(two), 1522 }, { three, sizeof(three), 1522 },
	};
	struct lan *lan = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		for (uint32_t more = 0; more < 2; more++) {
			uint8_t frame[1600];

			lan_frame(frame, BROADCAST, A, 0, sizeof(frame));
			if (cases[i].tags)
				memcpy(frame + 12, cases[i].tags, cases[i].bytes);
			lan_send(lan, A, NULL, frame, cases[i].allowed + more);
			lan_pass(lan);
		}
		assert_int_equal(counters.tx_packets, i + 1);
		assert_int_equal(counters.drops[DROP_MTU], i + 1);
	}
}

static unsigned int take_all(void)
{
	struct rte_mbuf *packets[FRAMES];
	unsigned int count, all = 0;

	while ((count = take(packets, FRAMES))) {
		rte_pktmbuf_free_bulk(packets, count);
		all += count;
	}
	return all;
}

/* Whether a frame of so many bytes leaves; it is counted otherwise. */
static bool leaves(struct lan *lan, uint32_t length)
{
	static uint8_t frame[FRAME_MAX];
	uint64_t before = counters.tx_packets, dropped = counters.drops[DROP_MTU];

	lan_frame(frame, BROADCAST, A, 0, length);
	lan_send(lan, A, NULL, frame, length);
	lan_pass(lan);
	take_all();
	assert_int_equal(counters.tx_packets + counters.drops[DROP_MTU], before + dropped + 1);
	return counters.tx_packets > before;
}

static void mtu_is_what_was_set(void **state)
{
	struct lan *lan = *state;

	assert_true(leaves(lan, 1514));
	assert_false(leaves(lan, 1515));
	assert_return_code(uplink_set_mtu(up.uplink, lan->iov, 9000), 0);
	assert_int_equal(uplink_mtu_wanted(up.uplink), 9000);
	assert_true(leaves(lan, 9014));
	assert_false(leaves(lan, 9015));
	assert_return_code(uplink_set_mtu(up.uplink, lan->iov, 1000), 0);
	assert_true(leaves(lan, 1014));
	assert_false(leaves(lan, 1015));
	assert_return_code(uplink_set_mtu(up.uplink, lan->iov, 1500), 0);
}

/* A tap device, which is there as long as the descriptor. */
static int make_interface(const char *name)
{
	struct ifreq request = { .ifr_flags = IFF_TAP | IFF_NO_PI };
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

	strcpy(request.ifr_name, name);
	if (fd < 0 || ioctl(fd, TUNSETIFF, &request))
		skip();
	return fd;
}

static void set_flags(const char *name, short flags)
{
	struct ifreq request = { .ifr_flags = flags };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	strcpy(request.ifr_name, name);
	assert_return_code(ioctl(fd, SIOCSIFFLAGS, &request), 0);
	close(fd);
}

static void set_up(const char *name, bool is_up)
{
	set_flags(name, is_up ? IFF_UP : 0);
}

static int open_uplink(struct lan *lan, struct uplink **uplink, const char *device)
{
	const struct uplink_options options = { .device = device, .queues = 1 };

	return uplink_open(uplink, lan->iov, &options);
}

static int mtu_of(const char *name, int mtu)
{
	struct ifreq request = { .ifr_mtu = mtu };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	strcpy(request.ifr_name, name);
	assert_return_code(ioctl(fd, mtu ? SIOCSIFMTU : SIOCGIFMTU, &request), 0);
	close(fd);
	return request.ifr_mtu;
}

static void say_some(struct lan *lan)
{
	for (unsigned int i = 0; i < 4; i++)
		lan_say(lan, A, BROADCAST, A, 0);
}

/* How many frames of station A came to who is behind an interface. */
static unsigned int leave_by(int fd)
{
	uint8_t frame[2048];
	unsigned int count = 0;
	ssize_t length;

	fcntl(fd, F_SETFL, O_NONBLOCK);
	while ((length = read(fd, frame, sizeof(frame))) > 0)
		count += length >= 60 && frame[0] == 0xff &&
			 !memcmp(frame + 12, (uint8_t[]){ 0x88, 0xb5 }, 2);
	return count;
}

static void link_is_that_of_the_interface(void **state)
{
	struct lan *lan = *state;
	struct uplink *ring = up.uplink;
	int fd;

	if (!has_namespace)
		skip();
	fd = make_interface("tap0");
	set_up("tap0", true);
	assert_return_code(open_uplink(lan, &up.uplink, "net_af_packet0,iface=tap0"), 0);
	lan_redraw(lan);
	assert_string_equal(uplink_interface(up.uplink), "tap0");
	assert_int_equal(uplink_look(up.uplink), UPLINK_LINK_UP);
	assert_true(uplink_is_up(up.uplink));
	say_some(lan);
	assert_int_equal(counters.tx_packets, 4);
	set_up("tap0", false);
	assert_int_equal(uplink_look(up.uplink), UPLINK_LINK_DOWN);
	assert_false(uplink_is_up(up.uplink));
	say_some(lan);
	assert_int_equal(counters.tx_packets, 4);
	assert_int_equal(counters.drops[DROP_DOWN], 4);
	set_up("tap0", true);
	assert_int_equal(uplink_look(up.uplink), UPLINK_LINK_UP);
	say_some(lan);
	assert_int_equal(counters.tx_packets, 8);
	close(fd);
	assert_int_equal(uplink_look(up.uplink), UPLINK_LINK_GONE);
	/* Another one. */
	fd = make_interface("tap0");
	set_up("tap0", true);
	assert_int_equal(uplink_look(up.uplink), UPLINK_LINK_OTHER);
	assert_false(uplink_is_up(up.uplink));
	say_some(lan);
	assert_int_equal(counters.drops[DROP_DOWN], 8);
	/* It is taken again. */
	assert_return_code(uplink_reopen(up.uplink, lan->iov), 0);
	assert_int_equal(uplink_look(up.uplink), UPLINK_LINK_UP);
	say_some(lan);
	assert_int_equal(counters.tx_packets, 12);
	assert_int_equal(leave_by(fd), 4);
	close(fd);
	/* Without an interface there is no device, and with one there is. */
	assert_true(uplink_reopen(up.uplink, lan->iov) < 0);
	assert_false(uplink_is_open(up.uplink));
	fd = make_interface("tap0");
	set_up("tap0", true);
	assert_return_code(uplink_reopen(up.uplink, lan->iov), 0);
	assert_int_equal(uplink_look(up.uplink), UPLINK_LINK_UP);
	close(fd);
	uplink_close(up.uplink);
	up.uplink = ring;
}

/* How many have it receive all frames; as the flag of an interface says, if it is set. */
static uint32_t promiscuity(const char *name, bool *has_flag)
{
	struct {
		struct nlmsghdr message;
		struct ifinfomsg link;
	} request = {
		.message = { sizeof(request), RTM_GETLINK, NLM_F_REQUEST, 0, 0 },
		.link = { .ifi_index = (int)if_nametoindex(name) },
	};
	_Alignas(struct nlmsghdr) char answer[16384];
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	const struct nlmsghdr *message = (const void *)answer;
	struct ifreq flags = { 0 };
	uint32_t count = UINT32_MAX;
	ssize_t length;

	assert_int_equal(send(fd, &request, sizeof(request), 0), sizeof(request));
	length = recv(fd, answer, sizeof(answer), 0);
	assert_true(length > 0 && NLMSG_OK(message, (size_t)length));
	assert_int_equal(message->nlmsg_type, RTM_NEWLINK);
	length = (ssize_t)IFLA_PAYLOAD(message);
	for (const struct rtattr *at = IFLA_RTA(NLMSG_DATA(message)); RTA_OK(at, length);
	     at = RTA_NEXT(at, length))
		if (at->rta_type == IFLA_PROMISCUITY)
			memcpy(&count, RTA_DATA(at), sizeof(count));
	strcpy(flags.ifr_name, name);
	assert_return_code(ioctl(fd, SIOCGIFFLAGS, &flags), 0);
	close(fd);
	*has_flag = flags.ifr_flags & IFF_PROMISC;
	return count;
}

/* Nobody takes back what a process set at an interface before it was killed. */
static void nothing_is_left_at_the_interface(void **state)
{
	struct lan *lan = *state;
	struct uplink *uplink;
	bool has_flag;
	int fd;

	if (!has_namespace)
		skip();
	fd = make_interface("tap0");
	set_up("tap0", true);
	assert_int_equal(promiscuity("tap0", &has_flag), 0);
	assert_return_code(open_uplink(lan, &uplink, "net_af_packet0,iface=tap0"), 0);
	assert_int_equal(promiscuity("tap0", &has_flag), 1);
	assert_false(has_flag);
	assert_return_code(uplink_reopen(uplink, lan->iov), 0);
	assert_int_equal(promiscuity("tap0", &has_flag), 1);
	assert_false(has_flag);
	uplink_close(uplink);
	assert_int_equal(promiscuity("tap0", &has_flag), 0);
	/* What somebody else set is theirs. */
	set_flags("tap0", IFF_UP | IFF_PROMISC);
	assert_return_code(open_uplink(lan, &uplink, "net_af_packet0,iface=tap0"), 0);
	assert_int_equal(promiscuity("tap0", &has_flag), 2);
	uplink_close(uplink);
	assert_int_equal(promiscuity("tap0", &has_flag), 1);
	assert_true(has_flag);
	close(fd);
}

/* The uplink is a net_af_packet at an interface that is up; @fd is who is behind that. */
static struct uplink *begin_packet(struct lan *lan, const char *arguments, int *fd)
{
	struct uplink *ring = up.uplink;
	char device[128];

	if (!has_namespace)
		skip();
	*fd = make_interface("tap0");
	set_up("tap0", true);
	snprintf(device, sizeof(device), "net_af_packet0,iface=tap0%s", arguments);
	assert_return_code(open_uplink(lan, &up.uplink, device), 0);
	lan_redraw(lan);
	return ring;
}

static void end_packet(struct uplink *ring, int fd)
{
	close(fd);
	uplink_close(up.uplink);
	up.uplink = ring;
}

static uint64_t lost(enum drop reason)
{
	uint64_t drops[DROP_COUNT] = { 0 };

	uplink_add_losses(up.uplink, drops);
	return drops[reason];
}

/* What is sent is delivered or counted, though the link goes down meanwhile. */
static void what_was_queued_does_not_leave_late(void **state)
{
	struct lan *lan = *state;
	struct uplink *ring;
	int fd;

	ring = begin_packet(lan, "", &fd);
	say_some(lan);
	assert_int_equal(leave_by(fd), 4);
	set_up("tap0", false);
	say_some(lan);
	say_some(lan);
	assert_int_equal(counters.tx_packets, 12);
	assert_int_equal(uplink_look(up.uplink), UPLINK_LINK_DOWN);
	assert_true(uplink_queues_late(up.uplink));
	assert_return_code(uplink_reopen(up.uplink, lan->iov), 0);
	assert_int_equal(lost(DROP_SEND), 8);
	set_up("tap0", true);
	assert_int_equal(uplink_look(up.uplink), UPLINK_LINK_UP);
	say_some(lan);
	assert_int_equal(leave_by(fd), 4);
	assert_int_equal(counters.tx_packets, 16);
	assert_int_equal(lost(DROP_SEND), 8);
	end_packet(ring, fd);
}

static void what_nobody_took_in_time_is_counted(void **state)
{
	struct lan *lan = *state;
	struct uplink *ring;
	uint8_t frame[60];
	uint64_t missed;
	unsigned int came;
	int fd;

	ring = begin_packet(lan, "", &fd);
	lan_frame(frame, BROADCAST, A, 0, sizeof(frame));
	take_all();
	missed = lost(DROP_MISSED);
	for (unsigned int round = 1; round < 3; round++) {
		for (unsigned int i = 0; i < 3000; i++)
			assert_int_equal(write(fd, frame, sizeof(frame)), sizeof(frame));
		came = take_all();
		assert_true(came > 0 && came < 3000);
		missed += 3000 - came;
		assert_int_equal(lost(DROP_MISSED), missed);
		/* To look is not to forget. */
		assert_int_equal(lost(DROP_MISSED), missed);
	}
	end_packet(ring, fd);
}

/* What becomes of a frame of a length that comes by the uplink. */
static enum drop receive(int fd, uint32_t length, bool *is_whole)
{
	static uint8_t bytes[16384];
	struct virtq_segment segments[UPLINK_SEGMENTS_MAX];
	struct rte_mbuf *packet;
	struct frame frame;
	enum drop reason;

	memset(bytes, 0xab, sizeof(bytes));
	lan_frame(bytes, BROADCAST, A, 0, 60);
	assert_int_equal(write(fd, bytes, length), length);
	assert_int_equal(take(&packet, 1), 1);
	reason = uplink_frame(up.uplink, packet, &frame, segments);
	*is_whole = frame.length == length && !memcmp(frame.head, bytes, length);
	rte_pktmbuf_free(packet);
	return reason;
}

static void frame_is_whole_or_dropped(void **state)
{
	static const uint32_t lengths[] = { 60, 1514, 1981, 1982, 1983, 9014 };
	static const char *const arguments[] = { "", ",framesz=2048,blocksz=4096" };
	struct lan *lan = *state;
	struct uplink *ring;
	bool is_whole;
	int fd;

	if (geteuid())
		skip(); /* memory of the kernel is limited */
	for (size_t i = 0; i < 2; i++) {
		ring = begin_packet(lan, arguments[i], &fd);
		take_all();
		for (size_t j = 0; j < sizeof(lengths) / sizeof(*lengths); j++) {
			enum drop reason = receive(fd, lengths[j], &is_whole);

			assert_int_equal(reason, i && lengths[j] >= 1982 ? DROP_LONG : DROP_NONE);
			assert_true(reason || is_whole);
		}
		end_packet(ring, fd);
	}
}

/* Of TCP on this host, over the interface that the uplink has. */
static void what_the_kernel_left_to_a_device_is_seen(void **state)
{
	static const uint8_t tcp[] = { 0x45, 0, 0, 40, 0, 0, 0x40, 0, 64, 6, 0, 0, 10, 9, 0, 2,
				       10, 9, 0, 1, 0, 9, 0, 9, 0, 0, 0, 1, 0, 0, 0, 1, 0x50, 0x10, 1, 0, 0x14, 0x2f };
	struct lan *lan = *state;
	struct virtq_segment segments[UPLINK_SEGMENTS_MAX];
	struct rte_mbuf *packet;
	struct uplink *ring;
	struct frame frame;
	uint8_t bytes[60];
	int fd;

	ring = begin_packet(lan, "", &fd);
	take_all();
	lan_frame(bytes, BROADCAST, A, 0, sizeof(bytes));
	bytes[12] = 8;
	bytes[13] = 0;
	memset(bytes + 14, 0, sizeof(bytes) - 14);
	memcpy(bytes + 14, tcp, sizeof(tcp));
	assert_int_equal(write(fd, bytes, sizeof(bytes)), sizeof(bytes));
	assert_int_equal(take(&packet, 1), 1);
	assert_int_equal(uplink_frame(up.uplink, packet, &frame, segments), DROP_NONE);
	assert_int_equal(frame.needs, FRAME_NEED_CSUM);
	assert_int_equal(frame.csum_start, 34);
	rte_pktmbuf_free(packet);
	end_packet(ring, fd);
}

#define MSS 1000
#define HEADERS 54

/* TCP of a guest that leaves checksum and segments to us. */
static void send_tcp(struct lan *lan, uint32_t payload, uint16_t mss)
{
	static uint8_t frame[65536];
	const uint32_t length = HEADERS + payload;
	struct virtio_net_hdr header = {
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.gso_type = mss ? VIRTIO_NET_HDR_GSO_TCPV4 : VIRTIO_NET_HDR_GSO_NONE,
		.gso_size = mss,
		.csum_start = 34,
		.csum_offset = 16,
	};

	lan_frame(frame, BROADCAST, A, 0, length);
	memset(frame + 14, 0, length - 14);
	memcpy(frame + 12, (const uint8_t[]){ 8, 0, 0x45, 0 }, 4);
	frame[16] = (uint8_t)((length - 14) >> 8);
	frame[17] = (uint8_t)(length - 14);
	frame[23] = IPPROTO_TCP;
	frame[46] = 5 << 4;
	lan_send(lan, A, &header, frame, length);
	lan_pass(lan);
}

/* What a device got: packets that it is to cut, others that it is to complete, and ready ones. */
struct got {
	unsigned int to_cut;
	unsigned int to_complete;
	unsigned int ready;
	uint32_t payload;
};

static struct got take_tcp(void)
{
	struct rte_mbuf *packets[FRAMES];
	struct got got = { 0 };
	unsigned int count;

	while ((count = take(packets, FRAMES))) {
		for (unsigned int i = 0; i < count; i++) {
			uint64_t flags = packets[i]->ol_flags;

			got.to_cut += !!(flags & RTE_MBUF_F_TX_TCP_SEG);
			got.to_complete += !(flags & RTE_MBUF_F_TX_TCP_SEG) &&
					   flags & RTE_MBUF_F_TX_L4_MASK;
			got.ready += !(flags & RTE_MBUF_F_TX_L4_MASK);
			got.payload += packets[i]->pkt_len - HEADERS;
		}
		rte_pktmbuf_free_bulk(packets, count);
	}
	return got;
}

static uint16_t refuse(void *queue, struct rte_mbuf **packets, uint16_t count)
{
	(void)queue;
	(void)packets;
	(void)count;
	return 0;
}

/* net_ring says that it can do everything. */
static void begin_claims(struct lan *lan)
{
	up.uplink->tx_offloads |= UPLINK_TX_CHECKSUMS | RTE_ETH_TX_OFFLOAD_TCP_TSO |
				  RTE_ETH_TX_OFFLOAD_MULTI_SEGS;
	lan_renegotiate(lan, A, PLAIN | OFFLOADS);
	lan_redraw(lan);
}

static void assert_cut_by(struct lan *lan, uint32_t payload, uint16_t mss, bool by_device)
{
	struct got got;

	send_tcp(lan, payload, mss);
	got = take_tcp();
	assert_int_equal(got.payload, payload);
	assert_int_equal(got.to_complete, 0);
	assert_int_equal(got.to_cut, by_device);
	assert_int_equal(got.ready, by_device ? 0 : (payload + mss - 1) / mss);
}

static void what_a_device_refuses_is_done_for_it(void **state)
{
	struct lan *lan = *state;
	struct rte_eth_fp_ops *functions = &rte_eth_fp_ops[up.uplink->port];
	eth_tx_prep_t prepare = functions->tx_pkt_prepare;
	struct got got;

	begin_claims(lan);
	assert_cut_by(lan, 20000, MSS, true);
	functions->tx_pkt_prepare = refuse;
	assert_cut_by(lan, 20000, MSS, false);
	send_tcp(lan, 500, 0);
	got = take_tcp();
	assert_int_equal(got.ready, 1);
	functions->tx_pkt_prepare = prepare;
	send_tcp(lan, 500, 0);
	got = take_tcp();
	assert_int_equal(got.to_complete, 1);
	assert_int_equal(counters.drops[DROP_OFFLOAD], 0);
}

static void no_guest_asks_more_of_a_device_than_it_does(void **state)
{
	struct lan *lan = *state;
	struct uplink *uplink = up.uplink;

	begin_claims(lan);
	/* Segments that are too short for some, and nothing to cut. */
	assert_cut_by(lan, 20000, 255, false);
	assert_cut_by(lan, 20000, 256, true);
	assert_cut_by(lan, MSS, MSS, false);
	assert_cut_by(lan, MSS + 1, MSS, true);
	uplink->buffers_max = 9;
	assert_cut_by(lan, 17000, MSS, true);
	assert_cut_by(lan, 20000, MSS, false);
	uplink->buffers_max = UINT16_MAX;
	assert_int_equal(counters.drops[DROP_OFFLOAD], 0);
}

static void short_frames_are_padded_with_zeros(void **state)
{
	static const uint8_t zeros[18];
	struct lan *lan = *state;
	uint8_t frame[60];

	memset(frame, 0xff, sizeof(frame));
	lan_frame(frame, BROADCAST, A, 0, 60);
	for (uint32_t length = 14; length <= 60; length++) {
		struct rte_mbuf *packet;

		lan_send(lan, A, NULL, frame, length);
		lan_pass(lan);
		assert_int_equal(take(&packet, 1), 1);
		assert_int_equal(packet->pkt_len, 60);
		assert_memory_equal(rte_pktmbuf_mtod(packet, void *), frame, length);
		assert_memory_equal(rte_pktmbuf_mtod_offset(packet, void *, length), zeros,
				    length < 42 ? 18 : 60 - length);
		rte_pktmbuf_free(packet);
	}
}

/* A burst of frames, the last of which goes nowhere; what leaves is what was sent. */
static void send_lengths(struct lan *lan, const uint32_t *lengths, unsigned int count)
{
	static uint8_t frames[FRAMES][FRAME_MAX];
	struct rte_mbuf *packets[FRAMES];

	for (unsigned int i = 0; i < count; i++) {
		memset(frames[i], (int)(0x20 + i), lengths[i]);
		lan_frame(frames[i], i + 1 < count ? BROADCAST : A, A, 0, 60);
		lan_send(lan, A, NULL, frames[i], lengths[i]);
	}
	lan_pass(lan);
	assert_int_equal(take(packets, FRAMES), count - 1);
	for (unsigned int i = 0; i + 1 < count; i++) {
		uint8_t bytes[FRAME_MAX];
		const void *at = rte_pktmbuf_read(packets[i], 0, lengths[i], bytes);

		assert_int_equal(packets[i]->pkt_len, lengths[i]);
		assert_non_null(at);
		assert_memory_equal(at, frames[i], lengths[i]);
	}
	rte_pktmbuf_free_bulk(packets, count - 1);
}

/* The second burst is read into packets of the device, of which none stays behind. */
static void heads_are_read_into_packets(void **state)
{
	static const uint32_t lengths[] = { 60, 180, 181, 244, 245, 1514, 60, 1514, 64 };
	const unsigned int count = sizeof(lengths) / sizeof(*lengths);
	struct lan *lan = *state;
	unsigned int free_before, round;

	send_lengths(lan, lengths, count);
	free_before = rte_mempool_avail_count(up.uplink->pool);
	for (round = 0; round < 3; round++)
		send_lengths(lan, lengths, count);
	assert_int_equal(rte_mempool_avail_count(up.uplink->pool), free_before);
	assert_int_equal(counters.tx_packets, (count - 1) * (round + 1));
}

/* What was completed is in one place, and needs more than one buffer. */
static void what_is_completed_may_be_longer_than_a_buffer(void **state)
{
	struct lan *lan = *state;
	struct rte_mbuf *packet;

	lan_renegotiate(lan, A, PLAIN | OFFLOADS);
	up.uplink->tx_offloads &= ~(uint64_t)UPLINK_TX_CHECKSUMS;
	lan_redraw(lan);
	assert_return_code(uplink_set_mtu(up.uplink, lan->iov, 9000), 0);
	send_tcp(lan, 8900, 0);
	assert_int_equal(take(&packet, 1), 1);
	assert_int_equal(packet->pkt_len, HEADERS + 8900);
	for (const struct rte_mbuf *part = packet; part; part = part->next)
		assert_in_range(part->data_off + part->data_len, 1, part->buf_len);
	rte_pktmbuf_free(packet);
	assert_return_code(uplink_set_mtu(up.uplink, lan->iov, 1500), 0);
}

static void tap_is_left_no_segments(void **state)
{
	struct lan *lan = *state;
	struct uplink *tap;

	if (!has_namespace)
		skip();
	if (open_uplink(lan, &tap, "net_tap7,iface=tap7"))
		skip();
	assert_int_equal(uplink_accepts(tap), FRAME_NEED_CSUM);
	uplink_close(tap);
}

static void mtu_is_that_of_the_interface(void **state)
{
	struct lan *lan = *state;
	struct uplink *ring;
	int fd;

	ring = begin_packet(lan, "", &fd);
	assert_true(leaves(lan, 1514));
	assert_false(leaves(lan, 1515));
	mtu_of("tap0", 4000);
	uplink_look(up.uplink);
	assert_true(leaves(lan, 4014));
	assert_false(leaves(lan, 4015));
	assert_return_code(uplink_set_mtu(up.uplink, lan->iov, 9000), 0);
	assert_int_equal(mtu_of("tap0", 0), 9000);
	assert_true(leaves(lan, 9014));
	assert_false(leaves(lan, 9015));
	/* More than the rings have room for. */
	assert_int_equal(uplink_set_mtu(up.uplink, lan->iov, 65400), -ENOTSUP);
	assert_int_equal(mtu_of("tap0", 0), 9000);
	end_packet(ring, fd);
}

static void mtu_that_a_driver_refuses_is_said(void **state)
{
	const struct uplink_options options = {
		.device = "net_tap7,iface=tap7", .queues = 1, .mtu = 9000,
	};
	struct lan *lan = *state;
	struct uplink *tap;

	if (!has_namespace)
		skip();
	if (open_uplink(lan, &tap, options.device))
		skip();
	/* That of later DPDK takes it. */
	if (!uplink_set_mtu(tap, lan->iov, 9000)) {
		assert_int_equal(mtu_of("tap7", 0), 9000);
		uplink_close(tap);
		skip();
	}
	assert_non_null(strstr(iov_error_message(lan->iov), "1504 at most"));
	assert_return_code(uplink_set_mtu(tap, lan->iov, 1504), 0);
	assert_int_equal(mtu_of("tap7", 0), 1504);
	assert_int_equal(uplink_excess_mtu(tap), 0);
	mtu_of("tap7", 9000);
	uplink_look(tap);
	assert_int_equal(uplink_excess_mtu(tap), 9000);
	mtu_of("tap7", 1504);
	uplink_look(tap);
	assert_int_equal(uplink_excess_mtu(tap), 0);
	uplink_close(tap);
	assert_int_equal(uplink_open(&tap, lan->iov, &options), -ENOTSUP);
}

/* What the kernel sends by an interface. */
static void send_by(const char *name, const uint8_t *frame, size_t length)
{
	struct sockaddr_ll address = { .sll_family = AF_PACKET };
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	address.sll_ifindex = (int)if_nametoindex(name);
	assert_int_equal(sendto(fd, frame, length, 0, (struct sockaddr *)&address, sizeof(address)),
			 length);
	close(fd);
}

static void long_frames_come_by_a_tap(void **state)
{
	static uint8_t frame[9014], got[9014];
	struct lan *lan = *state;
	struct virtq_segment segments[UPLINK_SEGMENTS_MAX];
	struct frame seen;
	struct uplink *tap;
	struct rte_mbuf *packet;
	uint32_t length = 0;

	if (!has_namespace || open_uplink(lan, &tap, "net_tap7,iface=tap7"))
		skip();
	mtu_of("tap7", 9000);
	lan_frame(frame, BROADCAST, A, 0, sizeof(frame));
	send_by("tap7", frame, sizeof(frame));
	for (unsigned int i = 0; i < 1000 && length != sizeof(frame); i++) {
		if (!uplink_receive(tap, 0, &packet, 1)) {
			poll(NULL, 0, 1);
			continue;
		}
		length = packet->pkt_len;
		assert_int_equal(uplink_frame(tap, packet, &seen, segments), DROP_NONE);
		if (length == sizeof(frame)) {
			memcpy(got, seen.head, seen.head_length);
			virtq_cursor_read(&seen.rest, got + seen.head_length, length - seen.head_length);
			assert_memory_equal(got, frame, length);
		}
		rte_pktmbuf_free(packet);
	}
	assert_int_equal(length, sizeof(frame));
	uplink_close(tap);
}

static void devices_that_tell_are_believed(void **state)
{
	(void)state;
	assert_null(uplink_interface(up.uplink));
	assert_true(uplink_is_up(up.uplink));
	assert_true(uplink_takes(up.uplink));
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(what_leaves_was_there_when_it_was_sent),
		CASE(tags_do_not_count_into_the_mtu),
		CASE(mtu_is_what_was_set),
		CASE(link_is_that_of_the_interface),
		CASE(nothing_is_left_at_the_interface),
		CASE(what_was_queued_does_not_leave_late),
		CASE(what_nobody_took_in_time_is_counted),
		CASE(frame_is_whole_or_dropped),
		CASE(what_the_kernel_left_to_a_device_is_seen),
		CASE(what_a_device_refuses_is_done_for_it),
		CASE(no_guest_asks_more_of_a_device_than_it_does),
		CASE(short_frames_are_padded_with_zeros),
		CASE(heads_are_read_into_packets),
		CASE(what_is_completed_may_be_longer_than_a_buffer),
		CASE(tap_is_left_no_segments),
		CASE(mtu_is_that_of_the_interface),
		CASE(mtu_that_a_driver_refuses_is_said),
		CASE(long_frames_come_by_a_tap),
		CASE(devices_that_tell_are_believed),
	};

	return cmocka_run_group_tests(tests, open_device, close_device);
}
