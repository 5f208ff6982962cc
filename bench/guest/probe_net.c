// SPDX-License-Identifier: GPL-2.0-or-later
/* The probe's side of a network. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/sysroot/paths.h"
#include "bench/guest/probe.h"

#define CARRIER_MS 60000
#define ANSWER_MS 2000
#define BATCH 64
#define STREAM (128u << 10)

static char nic[IFNAMSIZ];

/*
 * By ioctl, and not from sysfs: on the host the probe is in a network namespace of its own, and
 * the sysfs that it sees is that of another one.
 */
static int ask(const char *name, unsigned long request, struct ifreq *answer)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), error;

	if (fd < 0)
		return -errno;
	snprintf(answer->ifr_name, sizeof(answer->ifr_name), "%s", name);
	error = ioctl(fd, request, answer) ? -errno : 0;
	close(fd);
	return error;
}

static bool is_ethernet(const char *name)
{
	struct ifreq answer = {0};

	return strcmp(name, "lo") && !ask(name, SIOCGIFHWADDR, &answer) &&
	       answer.ifr_hwaddr.sa_family == ARPHRD_ETHER;
}

static bool is_there(const char *name)
{
	struct ifreq answer = {0};

	return !ask(name, SIOCGIFINDEX, &answer);
}

static bool has_carrier(const char *name)
{
	struct ifreq answer = {0};

	return !ask(name, SIOCGIFFLAGS, &answer) && answer.ifr_flags & IFF_RUNNING;
}

/* The first NIC that is there; "" for none. */
static bool find_nic(const char *unused)
{
	struct if_nameindex *all = if_nameindex();

	(void)unused;
	nic[0] = '\0';
	for (struct if_nameindex *one = all; one && one->if_name && !nic[0]; one++)
		if (is_ethernet(one->if_name))
			snprintf(nic, sizeof(nic), "%s", one->if_name);
	if_freenameindex(all);
	return nic[0] != '\0';
}

static int set_address(int fd, const char *name, const char *address)
{
	struct sockaddr_in in = {.sin_family = AF_INET};
	struct ifreq request = {0};

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	if (!inet_pton(AF_INET, address, &in.sin_addr)) {
		errno = EINVAL;
		return -errno;
	}
	memcpy(&request.ifr_addr, &in, sizeof(in));
	if (ioctl(fd, SIOCSIFADDR, &request))
		return -errno;
	in.sin_addr.s_addr = htonl(~0u << (32 - PROBE_PREFIX));
	memcpy(&request.ifr_netmask, &in, sizeof(in));
	if (ioctl(fd, SIOCSIFNETMASK, &request) || ioctl(fd, SIOCGIFFLAGS, &request))
		return -errno;
	request.ifr_flags |= IFF_UP;
	return ioctl(fd, SIOCSIFFLAGS, &request) ? -errno : 0;
}

int probe_address(const char *name, const char *address)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), error;

	if (fd < 0)
		return -errno;
	error = probe_wait(name, is_there, ENODEV);
	if (!error)
		error = set_address(fd, name, address);
	close(fd);
	return error;
}

static struct sockaddr_in peer_at(enum probe_port port)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};

	inet_pton(AF_INET, PROBE_PEER, &in.sin_addr);
	return in;
}

/* Connected, with answers that are not waited for longer than @ms. */
static int connect_peer(int type, enum probe_port port, unsigned int ms)
{
	const struct timeval wait = {ms / 1000, ms % 1000 * 1000};
	const struct sockaddr_in peer = peer_at(port);
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
	if (!connect(fd, (const struct sockaddr *)&peer, sizeof(peer)))
		return fd;
	close(fd);
	return -1;
}

/* The first packets of a link are lost until switches and addresses are known. */
static int reach_peer(void)
{
	const uint64_t end = monotonic_ms() + CARRIER_MS;
	char byte = 0;

	do {
		int fd = connect_peer(SOCK_DGRAM, PROBE_ECHO, 200);
		bool there = fd >= 0 && send(fd, &byte, 1, 0) == 1 && recv(fd, &byte, 1, 0) == 1;

		if (fd >= 0)
			close(fd);
		if (there)
			return 0;
	} while (monotonic_ms() < end);
	errno = EHOSTUNREACH;
	return -errno;
}

static void driver_of(const char *name, char *driver, size_t size)
{
	struct ethtool_drvinfo info = {.cmd = ETHTOOL_GDRVINFO};
	struct ifreq request = {.ifr_data = (char *)&info};

	if (ask(name, SIOCETHTOOL, &request) || !info.driver[0])
		strcpy(info.driver, "-");
	snprintf(driver, size, "%s", info.driver);
}

void probe_net(FILE *out, const char *name, const char *address)
{
	char driver[64];

	if (strcmp(name, "-"))
		snprintf(nic, sizeof(nic), "%s", name);
	else if (probe_wait(NULL, find_nic, ENODEV)) {
		probe_failed(out, "no NIC");
		return;
	}
	if (probe_address(nic, address))
		probe_failed(out, "the address");
	else if (probe_wait(nic, has_carrier, ENOLINK))
		probe_failed(out, "no carrier");
	else if (reach_peer())
		probe_failed(out, "the other side does not answer");
	else {
		driver_of(nic, driver, sizeof(driver));
		probe_ok(out, "name=%s driver=%s", nic, driver);
	}
}

/* Packets of the NIC, both ways: the second and the tenth number of its line. */
static uint64_t packets(void)
{
	FILE *file = fopen("/" IOV_PATH_PROC "/net/dev", "re");
	unsigned long long in, out, sum = 0;
	char line[512], name[64];

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, " %63[^:]: %*u %llu %*u %*u %*u %*u %*u %*u %*u %llu", name, &in,
			   &out) == 3 &&
		    !strcmp(name, nic))
			sum = in + out;
	if (file)
		fclose(file);
	return sum;
}

struct span {
	uint64_t begin;
	uint64_t packets;
	uint64_t interrupts;
};

static struct span span_begin(void)
{
	return (struct span){
		.interrupts = probe_interrupts(),
		.packets = packets(),
		.begin = monotonic_ns(),
	};
}

/* @ns: 0 for until now */
static void span_end(const struct span *span, FILE *out, uint64_t ns, uint64_t bytes,
		     const char *more)
{
	probe_ok(out, "ns=%llu bytes=%llu packets=%llu interrupts=%llu %s",
		 (unsigned long long)(ns ? ns : monotonic_ns() - span->begin),
		 (unsigned long long)bytes, (unsigned long long)(packets() - span->packets),
		 (unsigned long long)(probe_interrupts() - span->interrupts), more);
}

void probe_out(FILE *out, unsigned int ms)
{
	static char data[STREAM];
	int fd = connect_peer(SOCK_STREAM, PROBE_SINK, ms + 10 * ANSWER_MS);
	struct span span = span_begin();
	const uint64_t end = monotonic_ms() + ms;
	uint64_t taken = 0;
	ssize_t sent;

	if (fd < 0) {
		probe_failed(out, "the stream");
		return;
	}
	do
		sent = send(fd, data, sizeof(data), 0);
	while (sent > 0 && monotonic_ms() < end);
	/* What is still under way has not arrived. */
	shutdown(fd, SHUT_WR);
	if (sent < 0 || recv(fd, &taken, sizeof(taken), MSG_WAITALL) != sizeof(taken))
		probe_failed(out, "the stream");
	else
		span_end(&span, out, 0, taken, "");
	close(fd);
}

void probe_in(FILE *out, unsigned int ms)
{
	static char data[STREAM];
	int fd = connect_peer(SOCK_STREAM, PROBE_SOURCE, ms + 10 * ANSWER_MS);
	struct span span = span_begin();
	const uint64_t end = monotonic_ms() + ms;
	uint64_t taken = 0;
	ssize_t got;

	if (fd < 0) {
		probe_failed(out, "the stream");
		return;
	}
	do {
		got = recv(fd, data, sizeof(data), 0);
		taken += got > 0 ? (uint64_t)got : 0;
	} while (got > 0 && monotonic_ms() < end);
	if (!got)
		errno = ECONNRESET;
	if (got <= 0)
		probe_failed(out, "the stream");
	else
		span_end(&span, out, 0, taken, "");
	close(fd);
}

/* How many the peer counted since it was asked before; its answer may be lost, and then the count is. */
static int ask_count(int fd, uint64_t *count)
{
	char byte = 0;

	for (unsigned int i = 0; i < 3; i++)
		if (send(fd, &byte, 1, 0) == 1 &&
		    recv(fd, count, sizeof(*count), 0) == sizeof(*count))
			return 0;
	errno = ETIMEDOUT;
	return -errno;
}

void probe_packets(FILE *out, unsigned int ms)
{
	static char data[PROBE_PACKET];
	struct iovec vector = {data, sizeof(data)};
	struct mmsghdr batch[BATCH] = {0};
	int fd = connect_peer(SOCK_DGRAM, PROBE_COUNT, ANSWER_MS);
	uint64_t counted, sent = 0, end, ns;
	struct span span;
	char more[32];

	for (unsigned int i = 0; i < BATCH; i++)
		batch[i].msg_hdr = (struct msghdr){.msg_iov = &vector, .msg_iovlen = 1};
	if (fd < 0 || ask_count(fd, &counted)) {
		probe_failed(out, "the count");
		return;
	}
	span = span_begin();
	end = monotonic_ms() + ms;
	while (monotonic_ms() < end) {
		int got = sendmmsg(fd, batch, BATCH, 0);

		if (got > 0)
			sent += (uint64_t)got;
		else if (errno != ENOBUFS && errno != EAGAIN)
			break;
	}
	ns = monotonic_ns() - span.begin;
	usleep(50000); /* for those on their way */
	snprintf(more, sizeof(more), "sent=%llu", (unsigned long long)sent);
	if (!sent || ask_count(fd, &counted))
		probe_failed(out, "the count");
	else
		span_end(&span, out, ns, counted * PROBE_PACKET, more);
	close(fd);
}

void probe_turns(FILE *out, unsigned int ms)
{
	static struct histogram times;
	int fd = connect_peer(SOCK_DGRAM, PROBE_ECHO, 200);
	struct span span = span_begin();
	const uint64_t end = monotonic_ms() + ms;
	uint64_t sequence = 0, back = 0, lost = 0;
	char text[192], more[256];

	memset(&times, 0, sizeof(times));
	while (fd >= 0 && monotonic_ms() < end) {
		const uint64_t begin = monotonic_ns();

		sequence++;
		if (send(fd, &sequence, sizeof(sequence), 0) != sizeof(sequence))
			break;
		do
			if (recv(fd, &back, sizeof(back), 0) != sizeof(back))
				back = ~0ull;
		while (back < sequence); /* of one that was given up */
		if (back == ~0ull)
			lost++;
		else
			histogram_add(&times, monotonic_ns() - begin);
	}
	probe_times(text, sizeof(text), &times);
	snprintf(more, sizeof(more), "turns=%llu lost=%llu %s", (unsigned long long)times.total,
		 (unsigned long long)lost, text);
	if (times.total)
		span_end(&span, out, 0, times.total * sizeof(sequence), more);
	else
		probe_failed(out, "no packet came back");
	if (fd >= 0)
		close(fd);
}
