// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/fuzz/clients.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/fuzz/network.h"
#include "tests/fuzz/services.h"
#include "tests/unit/test.h"
#include "vhost-user/socket/listener.h"

#define BEGINNING "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":"
#define REQUEST_MAX 1024
#define CLIENTS_MAX 80
#define NOBODY 65534

/* Over all inputs. */
static unsigned int answered, scraped, strangers;

#define LONG "a-name-of-hundred-characters-and-more-which-is-longer-than-" \
	     "the-address-of-a-unix-socket-may-be-in-linux"
#define ADD(options) "\"port.add\",\"params\":{\"name\":\"y\"," options "}}"
#define RULES(rules) "\"port.set\",\"params\":{\"name\":\"p\",\"rules\":" rules "}}"

/* What there is; a $ is the directory of iovd's sockets. */
static const char *const requests[] = {
	"\"port.list\"}", "\"port.show\",\"params\":{\"name\":\"p\"}}", "\"port.stats\"}",
	"\"bridge.list\"}", "\"bridge.stations\",\"params\":{\"name\":\"network\"}}", "\"metrics\"}",
	"\"version\"}",
	"\"port.set\",\"params\":{\"name\":\"p\",\"link\":\"down\"}}",
	"\"port.set\",\"params\":{\"name\":\"p\",\"link\":\"up\",\"announce\":true}}",
	RULES("{\"vlan\":\"access:2\",\"mirror\":\"witness-0\"}"),
	RULES("{\"rx_rate\":1000000,\"storm_packets\":1,\"isolated\":true}"),
	"\"port.remove\",\"params\":{\"name\":\"p\"}}",
	"\"bridge.set\",\"params\":{\"name\":\"network\",\"age\":10,\"stations\":64}}",
	"\"bridge.add\",\"params\":{\"name\":\"x\",\"kind\":\"wire\"}}",
	"\"bridge.remove\",\"params\":{\"name\":\"x\"}}",
	"\"port.add\",\"params\":{\"name\":\"x\",\"type\":\"vhost-user\",\"socket\":\"x\","
		"\"bridge\":\"x\"}}",
	"\"port.add\",\"params\":{\"name\":\"x\",\"type\":\"vhost-user\",\"socket\":\"x\","
		"\"server\":true,\"socket_mode\":\"0600\",\"socket_owner\":\"0:0\",\"queue_pairs\":2,"
		"\"mac\":\"02:00:00:00:00:07\",\"standby\":true,\"iommu\":true,\"any_memory\":true,"
		"\"link\":\"down\",\"bridge\":\"network\"}}",
	"\"port.add\",\"params\":{\"name\":\"p\",\"type\":\"vhost-user\",\"socket\":\"y\"}}",
	"\"port.add\",\"params\":{\"name\":\"y\",\"type\":\"vhost-user\",\"socket\":\"x\","
		"\"mac\":\"ff:ff:ff:ff:ff:ff\"}}",
	"\"port.add\",\"params\":{\"name\":\"y\",\"type\":\"vhost-user\",\"socket\":\"x\","
		"\"standby\":true}}",
	"\"port.add\",\"params\":{\"name\":\"y\",\"type\":\"vhost-user\",\"socket\":\"x\","
		"\"queue_pairs\":999}}",
	"\"port.add\",\"params\":{\"name\":\"y\",\"type\":\"vhost-user\",\"socket\":\"x\","
		"\"link\":\"sideways\"}}",
	"\"port.add\",\"params\":{\"name\":\"y\",\"type\":\"vhost-user\",\"socket\":\"x\","
		"\"bridge\":\"none\"}}",
	"\"port.add\",\"params\":{\"name\":\"y\",\"type\":\"vhost-user\",\"socket\":\"x\","
		"\"socket_mode\":\"0600\"}}",
	"\"port.add\",\"params\":{\"name\":\"y\",\"type\":\"vhost-user\","
		"\"device\":\"net_null0\"}}",
	"\"port.add\",\"params\":{\"name\":\"y\",\"type\":\"none\",\"socket\":\"x\"}}",
	"\"port.add\",\"params\":{\"name\":\"y\",\"type\":\"ethdev\","
		"\"device\":\"0000:ff:1f.7\",\"zero_copy\":true}}",
	"\"port.add\",\"params\":{\"name\":\"y\",\"type\":\"ethdev\",\"device\":\"net_none0\","
		"\"bridge\":\"network\"}}",
	"\"port.add\",\"params\":{\"name\":\"y y\",\"type\":\"vhost-user\",\"socket\":\"x\"}}",
	"\"port.set\",\"params\":{\"name\":\"p\","
		"\"rules\":{\"stations\":[\"02:00:00:00:00:00\",\"02:00:00:00:00:05\"],"
		"\"max_stations\":4}}}",
	"\"port.add\",\"params\":{\"name\":\"y\",\"type\":\"vhost-user\",\"socket\":\"y\","
		"\"bridge\":\"network\",\"rules\":{\"stations\":[\"02:00:00:00:00:00\"]}}}",
	"\"port.set\",\"params\":{\"name\":\"p\",\"rules\":{\"allow_ip\":[\"10.0.0.0/8\","
		"\"2001:db8::/32\"],\"allow_mac\":[\"02:00:00:00:00:00\"]}}}",
	"\"port.set\",\"params\":{\"name\":\"p\",\"rules\":{\"cpus\":\"0\"}}}",
	"\"port.set\",\"params\":{\"name\":\"p\",\"rules\":{\"cpus\":\"99\"}}}",
	"\"port.set\",\"params\":{\"name\":\"p\",\"rules\":{\"vlan\":\"trunk:1-9,native:2\","
		"\"rx_rate\":null,\"none\":1}}}",
	"\"port.set\",\"params\":{\"name\":\"p\",\"rules\":{\"vlan\":\"tunnel:2\"}}}",
	"\"port.set\",\"params\":{\"name\":\"p\",\"rules\":null}}",
	"\"port.set\",\"params\":{\"name\":\"uplink-0\",\"link\":\"down\"}}",
	"\"port.set\",\"params\":{\"name\":\"none\",\"link\":\"down\"}}",
	"\"bridge.add\",\"params\":{\"name\":\"x\",\"kind\":\"switch\",\"age\":10,"
		"\"stations\":16,\"reserved\":true,\"ports\":[\"p\"]}}",
	"\"bridge.add\",\"params\":{\"name\":\"x\",\"kind\":\"wire\",\"age\":10}}",
	"\"bridge.add\",\"params\":{\"name\":\"x\",\"kind\":\"ring\"}}",
	"\"bridge.add\",\"params\":{\"name\":\"network\",\"kind\":\"switch\"}}",
	"\"bridge.add\",\"params\":{\"name\":\"x\",\"kind\":\"switch\",\"ports\":[\"witness-0\","
		"\"none\"]}}",
	"\"bridge.set\",\"params\":{\"name\":\"network\",\"age\":1}}",
	"\"bridge.set\",\"params\":{\"name\":\"network\",\"age\":0,\"stations\":0,"
		"\"reserved\":true}}",
	"\"bridge.set\",\"params\":{\"name\":\"x\",\"age\":10}}",
	"\"bridge.stations\",\"params\":{\"name\":\"none\"}}",
	"\"port.remove\",\"params\":{\"name\":\"none\"}}",
	"\"port.show\",\"params\":{\"name\":\"x\"}}",
	"\"port.stats\",\"params\":{\"name\":\"none\"}}",
	"\"none\",\"params\":{}}",
	RULES("{\"isolated\":1}"),
	RULES("{\"isolated\":true,\"max_stations\":1}"),
	RULES("{\"vlan\":\"\"}"),
	RULES("{\"vlan\":\"trunk:\"}"),
	RULES("{\"vlan\":\"trunk:5-2\"}"),
	RULES("{\"vlan\":\"trunk:native:2,native:3\"}"),
	RULES("{\"vlan\":\"trunk:0\"}"),
	RULES("{\"vlan\":\"access\"}"),
	RULES("{\"allow_mac\":[\"ff:ff:ff:ff:ff:ff\"]}"),
	RULES("{\"allow_ip\":[\"192.0.2.0/33\"]}"),
	RULES("{\"allow_ip\":[\"none\"]}"),
	RULES("{\"allow_ip\":[\"0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000\"]}"),
	RULES("{\"stations\":[\"02:00:00:00:00:00@2\"]}"),
	RULES("{\"stations\":[\"02:00:00:00:00:00@0\"]}"),
	RULES("{\"stations\":[\"02:00:00:00:00:00@2x\"]}"),
	RULES("{\"stations\":[\"02:00:00:00:00\"]}"),
	RULES("{\"stations\":[\"ff:ff:ff:ff:ff:ff\"]}"),
	RULES("{\"mirror\":\"p\"}"),
	RULES("{\"mirror\":\"none\"}"),
	RULES("{\"cpus\":\"x\"}"),
	RULES("{\"cpus\":\"0-\"}"),
	RULES("{\"cpus\":\"none\"}"),
	RULES("{\"rx_packets\":-1}"),
	RULES("{\"tx_packets\":1000,\"tx_rate\":8000}"),
	RULES("{\"max_stations\":-1}"),
	RULES("{\"storm_packets\":\"1\"}"),
	RULES("{\"allow_mac\":[],\"storm_packets\":0}"),
	ADD("\"type\":\"vhost-user\",\"socket\":\"/dev/null\",\"server\":true"),
	ADD("\"type\":\"vhost-user\",\"socket\":\"\",\"server\":true"),
	ADD("\"type\":\"vhost-user\",\"socket\":\"$/control\",\"server\":true"),
	ADD("\"type\":\"vhost-user\",\"socket\":\"$/port\",\"server\":true"),
	ADD("\"type\":\"vhost-user\",\"socket\":\"$/none/x\",\"server\":true"),
	ADD("\"type\":\"vhost-user\",\"socket\":\"$/control/x\",\"server\":true"),
	ADD("\"type\":\"vhost-user\",\"socket\":\"$/left\",\"server\":true"),
	ADD("\"type\":\"vhost-user\",\"socket\":\"/proc/self/fd/x\",\"server\":true"),
	ADD("\"type\":\"vhost-user\",\"socket\":\"$/y\",\"server\":true,\"socket_owner\":\"x\""),
	ADD("\"type\":\"vhost-user\",\"socket\":\"$/y\",\"server\":true,\"socket_owner\":\"1:\""),
	ADD("\"type\":\"vhost-user\",\"socket\":\"$/y\",\"server\":true,\"socket_owner\":\":0\""),
	ADD("\"type\":\"vhost-user\",\"socket\":\"$/y\",\"server\":true,"
	    "\"socket_owner\":\"4294967295\""),
	ADD("\"type\":\"vhost-user\",\"socket\":\"$/y\",\"server\":true,\"socket_mode\":\"rw\""),
	ADD("\"type\":\"vhost-user\",\"socket\":\"$/y\",\"mtu\":1500"),
	ADD("\"type\":\"vhost-user\",\"socket\":\"$/y\",\"queue_pairs\":128"),
	ADD("\"type\":\"ethdev\""),
	ADD("\"type\":\"ethdev\",\"device\":\"net_null0\",\"socket\":\"x\""),
	ADD("\"type\":\"ethdev\",\"device\":\"net_null0\",\"mac\":\"02:00:00:00:00:07\""),
	ADD("\"type\":\"ethdev\",\"device\":\"net_null0\",\"mtu\":1"),
	ADD("\"type\":\"ethdev\",\"device\":\"net_ring1\",\"mtu\":9000,\"bridge\":\"network\""),
	ADD("\"type\":\"ethdev\",\"device\":\"net_ring1\",\"mtu\":65535,\"bridge\":\"network\""),
	ADD("\"type\":\"ethdev\",\"device\":\"net_null0\",\"zero_copy\":true"),
	ADD("\"type\":\"ethdev\",\"device\":\"nothing\""),
	ADD("\"type\":\"ethdev\",\"device\":\"0000:ff:1f.7\""),
	ADD("\"type\":\"ethdev\",\"device\":\"net_tap1,iface=fuzz0\""),
	ADD("\"type\":\"ethdev\",\"device\":\"net_af_packet0\""),
	ADD("\"type\":\"ethdev\",\"device\":\"net_af_packet0,iface=none\""),
	ADD("\"type\":\"ethdev\",\"bridge\":\"network\","
	    "\"device\":\"net_af_packet0,iface=lo,framecnt=16\""),
	ADD("\"type\":\"ethdev\",\"bridge\":\"network\","
	    "\"device\":\"net_af_packet0,iface=lo,framesz=2048,blocksz=4096,framecnt=16\""),
	ADD("\"type\":\"ethdev\",\"device\":\"net_af_packet0,iface=an-interface-of-a-long-name\""),
	ADD("\"type\":\"ethdev\",\"device\":\"net_pcap0,iface=lo\",\"bridge\":\"network\""),
	"\"port.set\",\"params\":{\"name\":\"y\",\"mtu\":1400}}",
	"\"port.set\",\"params\":{\"name\":\"y\",\"mtu\":9000}}",
	"\"port.set\",\"params\":{\"name\":\"y\",\"mtu\":65535}}",
	"\"port.set\",\"params\":{\"name\":\"y\",\"mtu\":1}}",
	"\"port.set\",\"params\":{\"name\":\"y\",\"rules\":{\"rx_rate\":1000000000000}}}",
	"\"port.set\",\"params\":{\"name\":\"y\",\"rules\":{\"rx_rate\":-1}}}",
	"\"port.set\",\"params\":{\"name\":\"y\",\"link\":\"up\"}}",
	"\"port.set\",\"params\":{\"name\":\"y\",\"announce\":true}}",
	"\"port.show\",\"params\":{\"name\":\"y\"}}",
	"\"port.stats\",\"params\":{\"name\":\"y\"}}",
	"\"port.remove\",\"params\":{\"name\":\"y\"}}",
	"\"port.set\",\"params\":{\"name\":\"p\",\"mtu\":1500}}",
	"\"port.set\",\"params\":{\"name\":\"p\",\"link\":\"sideways\"}}",
	"\"bridge.add\",\"params\":{\"name\":\"x\",\"kind\":\"wire\",\"ports\":[\"p\"]}}",
	ADD("\"type\":\"ethdev\",\"device\":\"net_ring1\",\"bridge\":\"x\""),
	ADD("\"type\":\"vhost-user\",\"socket\":\"/tmp/" LONG "\",\"server\":true"),
	"\"qos.add\",\"params\":{\"name\":\"g\",\"bytes\":1000000,\"packets\":1000,\"burst_ms\":1}}",
	"\"qos.add\",\"params\":{\"name\":\"none\"}}",
	"\"qos.set\",\"params\":{\"name\":\"g\",\"rx_packets\":1,\"iops\":0}}",
	"\"qos.set\",\"params\":{\"name\":\"g\",\"rx_packets\":-1}}",
	"\"qos.set\",\"params\":{\"name\":\"g\",\"burst_ms\":60001}}",
	RULES("{\"qos\":\"g\"}"),
	RULES("{\"qos\":\"none\"}"),
	"\"qos.list\"}", "\"qos.show\",\"params\":{\"name\":\"g\"}}",
	"\"qos.remove\",\"params\":{\"name\":\"g\"}}",
	"\"port.trace\",\"params\":{\"name\":\"p\"}}", "\"port.trace\",\"params\":{\"name\":\"none\"}}",
	"\"port.trace\",\"params\":{\"name\":\"uplink-0\"}}",
};
#define REQUESTS (sizeof(requests) / sizeof(*requests))

int clients_come(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	strcpy(address.sun_path, path);
	return listener_connect(&address);
}

/* Whether an answer came. */
static bool ask(const char *path, const void *bytes, size_t size)
{
	static uint8_t answer[1 << 16];
	int fd = clients_come(path);
	bool has_answer = false;

	/* Others may be there already. */
	if (fd == -EAGAIN)
		return false;
	assert_return_code(fd, -fd);
	send(fd, bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT);
	for (unsigned int i = 0; i < 3; i++) {
		services_settle();
		has_answer |= recv(fd, answer, sizeof(answer), MSG_DONTWAIT) > 0;
	}
	close(fd);
	services_pump(NULL);
	return has_answer;
}

/* Interfaces that are not ours are left alone. */
static bool may_be_asked(const char *request)
{
	return network_is_own() || !strstr(request, "iface=");
}

static size_t write_request(char text[REQUEST_MAX], const char *request, bool is_dry)
{
	const char *params = is_dry ? strstr(request, "{") : NULL;
	int head = params ? (int)(params + 1 - request) : 0;
	const char *rest = request + head, *directory = strchr(rest, '$');
	int length = snprintf(text, REQUEST_MAX, BEGINNING "%.*s%s%.*s%s%s\n", head, request,
			      params ? "\"dry_run\":true," : "",
			      directory ? (int)(directory - rest) : REQUEST_MAX, rest,
			      directory ? services.directory : "", directory ? directory + 1 : "");

	return (size_t)length;
}

void clients_request_of(struct fuzz_input *input, const char *const *of, uint32_t count,
			bool is_dry)
{
	const char *request = of[fuzz_below(input, count)];
	char text[REQUEST_MAX];
	size_t length = write_request(text, request, is_dry);

	for (unsigned int changes = fuzz_below(input, 4); changes; changes--) {
		uint32_t at = fuzz_below(input, 256) % (uint32_t)length;

		text[at] = (char)fuzz_u8(input);
	}
	if (may_be_asked(request))
		answered += ask(services.control, text, length);
}

void clients_request(struct fuzz_input *input, bool is_dry)
{
	clients_request_of(input, requests, REQUESTS, is_dry);
}

void clients_scrape(struct fuzz_input *input)
{
	char text[64] = "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n";
	size_t length = strlen(text);

	for (unsigned int changes = fuzz_below(input, 8); changes; changes--) {
		uint32_t at = fuzz_below(input, (uint32_t)length);

		text[at] = (char)fuzz_u8(input);
	}
	scraped += ask(services.metrics, text, length);
}

/* Each of them says a little, which is no request yet. */
void clients_too_many(struct fuzz_input *input)
{
	const char *path = fuzz_one_in(input, 2) ? services.metrics : services.control;
	unsigned int count = fuzz_u8(input) % CLIENTS_MAX, i;
	static int fds[CLIENTS_MAX];

	for (i = 0; i < count; i++) {
		fds[i] = clients_come(path);
		if (fds[i] < 0)
			break;
		send(fds[i], "{", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
		services_pump(NULL);
	}
	while (i)
		close(fds[--i]);
}

/* One that reads nothing, and goes on and on. */
void clients_too_long(struct fuzz_input *input)
{
	static char bytes[1 << 14];
	const char *request = fuzz_one_in(input, 2) ? "" : BEGINNING "\"metrics\"}\n";
	unsigned int count = fuzz_below(input, 64), at = 0;
	int fd = clients_come(services.control);

	if (fd == -EAGAIN)
		return;
	assert_return_code(fd, -fd);
	memset(bytes, 'x', sizeof(bytes));
	for (size_t length = strlen(request); length && at + length <= sizeof(bytes); at += length)
		memcpy(bytes + at, request, length);
	while (count-- && send(fd, bytes, at ? at : sizeof(bytes), MSG_NOSIGNAL | MSG_DONTWAIT) > 0)
		services_pump(NULL);
	close(fd);
}

/* At the port or at the control socket, where it waits already. */
void clients_without_descriptors(struct fuzz_input *input)
{
	const char *path = fuzz_one_in(input, 2) ? services.control : services.port;
	struct rlimit before, least;
	int fd = clients_come(path);

	if (fd < 0)
		return;
	assert_return_code(getrlimit(RLIMIT_NOFILE, &before), errno);
	least = (struct rlimit){(rlim_t)fd + 1, before.rlim_max};
	assert_return_code(setrlimit(RLIMIT_NOFILE, &least), errno);
	services_pump(NULL);
	assert_return_code(setrlimit(RLIMIT_NOFILE, &before), errno);
	close(fd);
	/* Until it is tried again. */
	poll(NULL, 0, 250);
}

/* One of a user who may not ask; only this thread becomes that user. */
void clients_stranger(void)
{
	static const char request[] = BEGINNING "\"version\"}\n";
	int fd;

	if (geteuid() || syscall(SYS_setresuid, -1, NOBODY, -1))
		return;
	fd = clients_come(services.control);
	assert_return_code(syscall(SYS_setresuid, -1, 0, -1), errno);
	if (fd == -EAGAIN)
		return;
	assert_return_code(fd, -fd);
	send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
	services_settle();
	strangers++;
	close(fd);
}

void clients_reached_everything(void)
{
	assert_true(answered && scraped);
	assert_true(strangers || geteuid());
}
