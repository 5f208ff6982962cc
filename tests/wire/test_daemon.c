// SPDX-License-Identifier: GPL-2.0-or-later
// iovd as a process: its control socket, its ports, guests that come and go.
#include <errno.h>
#include <fcntl.h>
#include <linux/virtio_config.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/random.h"
#include "tests/unit/test.h"
#include "tests/wire/daemon.h"
#include "tests/wire/guests.h"
#include "vhost-user/daemon/jsonrpc.h"

static struct daemon iovd;

static int setup(void **state)
{
	(void)state;
	daemon_start(&iovd);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	daemon_clean(&iovd);
	return 0;
}

/* Guests */

static void add_guest_port(const char *name)
{
	daemon_do(&iovd, "port.add",
		  "{\"name\":\"%s\",\"type\":\"vhost-user\",\"socket\":\"%s\",\"server\":true}", name,
		  daemon_path(&iovd, name));
}

static void add_wire(void)
{
	add_guest_port("a");
	add_guest_port("b");
	daemon_do(&iovd, "bridge.add", "{\"name\":\"w\",\"kind\":\"wire\",\"ports\":[\"a\",\"b\"]}");
}

static void boot_at(struct frontend *guest, const char *port)
{
	boot(guest, frontend_connect(daemon_path(&iovd, port)), 0);
}

/* A crash closes everything without a word. */
static void crash(struct frontend *guest)
{
	frontend_close(guest);
}

static void wait_for(const char *method, const char *port, const char *member, const char *wanted)
{
	for (int tries = 0; tries < 20000; tries++) {
		if (!strcmp(daemon_port(&iovd, method, port, member), wanted))
			return;
		poll(NULL, 0, 1);
	}
	fail_msg("%s of port %s: %s, never %s", member, port,
		 daemon_port(&iovd, method, port, member), wanted);
}

static void wait_for_state(const char *port, const char *wanted)
{
	wait_for("port.list", port, "state", wanted);
}

static void frames_pass_between_guests(void **state)
{
	struct frontend a, b;

	(void)state;
	add_wire();
	boot_at(&a, "a");
	boot_at(&b, "b");
	expect_traffic(&a, &b);
	assert_string_equal(daemon_port(&iovd, "port.stats", "a", "rx_packets"), "20");
	assert_string_equal(daemon_port(&iovd, "port.stats", "a", "tx_packets"), "20");
	assert_string_equal(daemon_port(&iovd, "port.stats", "a", "drops"), "{ }");
	assert_string_equal(daemon_port(&iovd, "port.list", "a", "queues"), "2");
	frontend_close(&a);
	frontend_close(&b);
}

/* More than the ring has, so it goes on only when the device gives back what it was lent. */
static void long_frames_are_lent_to_a_device(void **state)
{
	uint8_t frame[1400] = { 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x88, 0xb5 };
	struct frontend guest;

	(void)state;
	add_guest_port("a");
	boot_at(&guest, "a");
	daemon_do(&iovd, "port.add",
		  "{\"name\":\"n\",\"type\":\"ethdev\",\"device\":\"net_af_packet0,iface=lo\"}");
	daemon_do(&iovd, "bridge.add", "{\"name\":\"w\",\"kind\":\"wire\",\"ports\":[\"a\",\"n\"]}");
	for (unsigned int i = 0; i < 3 * FRONTEND_RING_SIZE; i++)
		while (!frontend_transmit(&guest, 0, frame, i % 2 ? sizeof(frame) : 60))
			poll(NULL, 0, 1);
	wait_for("port.stats", "n", "tx_packets", "768");
	assert_string_equal(daemon_port(&iovd, "port.list", "n", "lent_frames"), "384");
	assert_string_equal(daemon_port(&iovd, "port.list", "n", "recalls"), "0");
	frontend_close(&guest);
}

/* What is for them is flooded, and finds them where they are now. */
static void stations_behind_a_link_that_is_down_are_forgotten(void **state)
{
	const uint8_t frame[60] = { 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x88, 0xb5 };
	struct frontend guest;

	(void)state;
	daemon_lan(&iovd, "ab");
	boot_at(&guest, "a");
	frontend_transmit(&guest, 0, frame, sizeof(frame));
	wait_for("port.stats", "a", "stations", "1");
	daemon_do(&iovd, "port.set", "{\"name\":\"a\",\"link\":\"down\"}");
	assert_string_equal(daemon_port(&iovd, "port.stats", "a", "stations"), "0");
	daemon_do(&iovd, "port.set", "{\"name\":\"a\",\"link\":\"up\"}");
	frontend_transmit(&guest, 0, frame, sizeof(frame));
	wait_for("port.stats", "a", "stations", "1");
	frontend_close(&guest);
}

/* The worker must wake up by a kick after it went to sleep. */
static void frames_pass_after_a_silence(void **state)
{
	struct frontend a, b;

	(void)state;
	add_wire();
	boot_at(&a, "a");
	boot_at(&b, "b");
	for (uint8_t i = 0; i < 10; i++) {
		poll(NULL, 0, 20);
		expect_frame(&a, &b, i);
	}
	frontend_close(&a);
	frontend_close(&b);
}

static void crashed_guest_comes_back_and_traffic_resumes(void **state)
{
	struct frontend a, b;

	(void)state;
	add_wire();
	boot_at(&b, "b");
	for (int i = 0; i < 5; i++) {
		boot_at(&a, "a");
		expect_traffic(&a, &b);
		crash(&a);
		wait_for_state("a", "listening");
	}
	frontend_close(&b);
}

static void guests_attach_again_after_iovd_ended_or_crashed(void **state)
{
	struct frontend a, b;

	(void)state;
	add_wire();
	for (int i = 0; i < 4; i++) {
		boot_at(&a, "a");
		boot_at(&b, "b");
		expect_traffic(&a, &b);
		if (i % 2)
			daemon_crash(&iovd);
		else
			assert_int_equal(daemon_end(&iovd), 0);
		assert_true(frontend_is_ended(&a));
		frontend_close(&a);
		frontend_close(&b);
		daemon_restart(&iovd);
	}
}

/* Whether a daemon with that state ends at its start. */
static bool refuses_state(const char *text)
{
	FILE *file = fopen(iovd.state, "w");
	int status;
	pid_t pid;

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	pid = fork();
	if (!pid) {
		execl(getenv("IOVD"), "iovd", "--no-huge", "--control", iovd.control, "--state",
		      iovd.state, NULL);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) && WEXITSTATUS(status) == 1;
}

static void rules_are_kept_over_a_crash(void **state)
{
	(void)state;
	daemon_lan(&iovd, "ab");
	daemon_do(&iovd, "port.set", "{\"name\":\"a\",\"rules\":{\"isolated\":true,"
		  "\"vlan\":\"access:7\",\"mirror\":\"b\",\"stations\":[\"02:00:00:00:00:01\"]}}");
	daemon_do(&iovd, "bridge.set", "{\"name\":\"lan\",\"age\":20}");
	daemon_do(&iovd, "bridge.set", "{\"name\":\"lan\",\"stations\":64,\"reserved\":true}");
	daemon_crash(&iovd);
	daemon_restart(&iovd);
	assert_non_null(strstr(daemon_port(&iovd, "port.list", "a", "rules"), "access:7"));
	struct json_object *bridges = daemon_call(&iovd, "bridge.list", "{}");
	const char *bridge = json_object_to_json_string_ext(bridges, JSON_C_TO_STRING_PLAIN);

	assert_non_null(strstr(bridge, "\"age\":20,\"stations\":64,\"reserved\":true"));
	json_object_put(bridges);
	assert_non_null(strstr(daemon_port(&iovd, "port.list", "a", "rules"), "\"mirror\""));
	assert_null(daemon_call(&iovd, "port.set", "{\"name\":\"b\",\"rules\":"
						   "{\"stations\":[\"02:00:00:00:00:01\"]}}"));
	assert_null(daemon_call(&iovd, "port.set", "{\"name\":\"b\",\"rules\":{\"mirror\":\"c\"}}"));
	assert_null(daemon_call(&iovd, "port.set", "{\"name\":\"b\",\"rules\":{\"isolated\":1}}"));
	assert_null(daemon_call(&iovd, "port.set", "{\"name\":\"b\",\"rules\":true}"));
	assert_null(daemon_call(&iovd, "bridge.set", "{\"name\":\"lan\",\"age\":5}"));
	assert_null(daemon_call(&iovd, "bridge.set", "{\"name\":\"lan\",\"age\":-1}"));
	assert_null(daemon_call(&iovd, "bridge.set", "{\"name\":\"lan\",\"stations\":15}"));
	assert_null(daemon_call(&iovd, "port.set", "{\"name\":\"a\",\"rules\":"
						   "{\"max_stations\":-1}}"));
	assert_string_equal(daemon_port(&iovd, "port.list", "b", "rules"), "");
	daemon_do(&iovd, "port.set", "{\"name\":\"a\",\"rules\":{\"isolated\":false,"
		  "\"vlan\":\"none\",\"mirror\":\"none\",\"stations\":[]}}");
	daemon_crash(&iovd);
	daemon_restart(&iovd);
	assert_string_equal(daemon_port(&iovd, "port.list", "a", "rules"), "");
}

static bool is_offered_an_iommu(const char *port)
{
	struct frontend guest;
	bool is_offered;

	frontend_open(&guest, frontend_connect(daemon_path(&iovd, port)), 1 << 20);
	is_offered = frontend_get(&guest, VU_GET_FEATURES) & BIT(VIRTIO_F_ACCESS_PLATFORM);
	frontend_close(&guest);
	return is_offered;
}

/* A VMM that hands all that is offered to a guest without one would have a driver that fails. */
static void device_is_behind_an_iommu_where_it_is_asked_for(void **state)
{
	(void)state;
	add_guest_port("a");
	daemon_do(&iovd, "port.add", "{\"name\":\"b\",\"type\":\"vhost-user\",\"socket\":\"%s\","
		  "\"server\":true,\"iommu\":true}", daemon_path(&iovd, "b"));
	assert_false(is_offered_an_iommu("a"));
	assert_true(is_offered_an_iommu("b"));
	assert_null(daemon_call(&iovd, "port.add", "{\"name\":\"c\",\"type\":\"ethdev\","
						   "\"device\":\"net_null0\",\"iommu\":true}"));
	daemon_crash(&iovd);
	daemon_restart(&iovd);
	assert_string_equal(daemon_port(&iovd, "port.list", "a", "iommu"), "");
	assert_string_equal(daemon_port(&iovd, "port.list", "b", "iommu"), "true");
	assert_false(is_offered_an_iommu("a"));
	assert_true(is_offered_an_iommu("b"));
}

static void memory_of_any_kind_is_taken_where_it_is_asked_for(void **state)
{
	(void)state;
	add_guest_port("a");
	daemon_do(&iovd, "port.add", "{\"name\":\"b\",\"type\":\"vhost-user\",\"socket\":\"%s\","
		  "\"server\":true,\"any_memory\":true}", daemon_path(&iovd, "b"));
	daemon_crash(&iovd);
	daemon_restart(&iovd);
	assert_string_equal(daemon_port(&iovd, "port.list", "a", "any_memory"), "");
	assert_string_equal(daemon_port(&iovd, "port.list", "b", "any_memory"), "true");
}

static void state_that_is_damaged_is_refused(void **state)
{
	(void)state;
	assert_int_equal(daemon_end(&iovd), 0);
	assert_true(refuses_state(""));
	assert_true(refuses_state("{\"bridges\":[],\"ports\":["));
	assert_true(refuses_state("{\"bridges\":{},\"ports\":[]}"));
	assert_true(refuses_state("{\"bridges\":[1],\"ports\":[]}"));
	assert_int_equal(unlink(iovd.state), 0);
	daemon_restart(&iovd);
}

/* The directory of its socket is away at one start. */
static void port_that_cannot_be_had_is_kept_until_it_can(void **state)
{
	char here[96], away[96];

	(void)state;
	snprintf(here, sizeof(here), "%s/here", iovd.directory);
	snprintf(away, sizeof(away), "%s/away", iovd.directory);
	assert_return_code(mkdir(here, 0700), errno);
	for (int i = 0; i < 2; i++)
		daemon_do(&iovd, "port.add", "{\"name\":\"p%d\",\"type\":\"vhost-user\","
			  "\"socket\":\"%s/p%d\",\"server\":true}", i, here, i);
	assert_int_equal(daemon_end(&iovd), 0);
	assert_return_code(rename(here, away), errno);
	daemon_restart(&iovd);
	assert_string_equal(daemon_port(&iovd, "port.list", "p0", "state"), "not restored");
	assert_string_equal(daemon_port(&iovd, "port.list", "p0", "mode"), "server");
	assert_non_null(strstr(daemon_port(&iovd, "port.list", "p0", "error"), "No such file"));
	assert_null(daemon_call(&iovd, "port.set", "{\"name\":\"p0\",\"link\":\"down\"}"));
	assert_null(daemon_call(&iovd, "disk.remove", "{\"name\":\"p0\"}"));
	daemon_do(&iovd, "port.remove", "{\"name\":\"p0\",\"dry_run\":true}");
	/* A change in between does not lose it; who is removed does not come back. */
	add_guest_port("b");
	daemon_do(&iovd, "port.remove", "{\"name\":\"p1\"}");
	assert_int_equal(daemon_end(&iovd), 0);
	assert_return_code(rename(away, here), errno);
	daemon_restart(&iovd);
	assert_string_equal(daemon_port(&iovd, "port.list", "p0", "state"), "listening");
	assert_string_equal(daemon_port(&iovd, "port.list", "p1", "state"), "");
	assert_string_equal(daemon_port(&iovd, "port.list", "b", "state"), "listening");
}

static void iovd_connects_to_who_listens_and_again_when_that_restarts(void **state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct frontend a, b;

	(void)state;
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", daemon_path(&iovd, "c"));
	daemon_do(&iovd, "port.add", "{\"name\":\"c\",\"type\":\"vhost-user\",\"socket\":\"%s\"}",
		  address.sun_path);
	add_guest_port("b");
	daemon_do(&iovd, "bridge.add", "{\"name\":\"w\",\"kind\":\"wire\",\"ports\":[\"c\",\"b\"]}");
	assert_string_equal(daemon_port(&iovd, "port.list", "c", "state"), "connecting");
	assert_return_code(bind(listener, (struct sockaddr *)&address, sizeof(address)), errno);
	assert_return_code(listen(listener, 1), errno);
	boot_at(&b, "b");
	for (int i = 0; i < 2; i++) {
		boot(&a, accept4(listener, NULL, NULL, SOCK_CLOEXEC), 0);
		expect_traffic(&a, &b);
		crash(&a);
	}
	close(listener);
	frontend_close(&b);
}

static void expect_access(const char *path, mode_t mode, uid_t owner, gid_t group)
{
	struct stat status;

	assert_return_code(stat(path, &status), errno);
	assert_int_equal(status.st_mode & 0777, mode);
	assert_int_equal(status.st_uid, owner);
	assert_int_equal(status.st_gid, group);
}

static void socket_has_the_owner_and_the_mode_that_were_asked_for(void **state)
{
	bool root = !geteuid();
	uid_t owner = root ? 4711 : geteuid();
	gid_t group = root ? 4712 : getegid();

	(void)state;
	for (int i = 0; i < 2; i++)
		daemon_do(&iovd, "port.add", "{\"name\":\"p%d\",\"type\":\"vhost-user\","
			  "\"socket\":\"%s%d\",\"server\":true,\"socket_owner\":\"%u:%u\"%s}", i,
			  daemon_path(&iovd, "p"), i, owner, group,
			  i ? ",\"socket_mode\":\"602\"" : "");
	for (int i = 0; i < 2; i++) {
		expect_access(daemon_path(&iovd, "p0"), 0660, owner, group);
		expect_access(daemon_path(&iovd, "p1"), 0602, owner, group);
		assert_string_equal(daemon_port(&iovd, "port.list", "p1", "socket_mode"), "0602");
		assert_int_equal(daemon_end(&iovd), 0);
		daemon_restart(&iovd);
	}
}

/* Landlock has no word for it but "Permission denied". */
static void socket_out_of_reach_names_the_option(void **state)
{
	static const char request[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"port.add\","
		"\"params\":{\"name\":\"a\",\"type\":\"vhost-user\",\"server\":true,"
		"\"socket\":\"/var/tmp/iovkit-out-of-reach\"}}\n";
	int fd = daemon_connect(&iovd);
	const char *line = daemon_exchange(fd, request, sizeof(request) - 1);

	(void)state;
	assert_non_null(line);
	close(fd);
	/* Under ThreadSanitizer iovd has no sandbox. */
	if (syscall(SYS_landlock_create_ruleset, NULL, 0, 1) > 0 && !getenv("IOVD_UNBOXED"))
		assert_non_null(strstr(line, "--allow"));
	unlink("/var/tmp/iovkit-out-of-reach");
}

static void garbage_on_one_port_does_not_disturb_the_others(void **state)
{
	struct random random = { 20261120 };
	struct frontend a, b;
	uint8_t bytes[512];

	(void)state;
	add_wire();
	add_guest_port("g");
	boot_at(&a, "a");
	boot_at(&b, "b");
	for (int i = 0; i < 100; i++) {
		int fd = frontend_connect(daemon_path(&iovd, "g"));

		assert_return_code(fd, errno);
		for (size_t j = 0; j < sizeof(bytes); j++)
			bytes[j] = (uint8_t)random_next(&random);
		if (i % 2) /* a header that is right as far as the version goes */
			memcpy(bytes, (uint32_t[]){ (uint32_t)i / 2, 1, 8 }, 12);
		send(fd, bytes, sizeof(bytes), MSG_NOSIGNAL);
		close(fd);
		expect_frame(&a, &b, (uint8_t)i);
	}
	assert_true(daemon_is_alive(&iovd));
	wait_for_state("g", "listening");
	assert_string_not_equal(daemon_port(&iovd, "port.stats", "g", "refused"), "{ }");
	frontend_close(&a);
	frontend_close(&b);
}

/* A guest that breaks its ring stops that ring, and nothing else. */
static void broken_ring_stops_alone(void **state)
{
	struct frontend a, b;

	(void)state;
	add_wire();
	boot_at(&a, "a");
	boot_at(&b, "b");
	expect_traffic(&a, &b);
	a.rings[1].avail->idx += 5000;
	eventfd_write(a.kick[1], 1);
	for (int tries = 0; tries < 20000; tries++) {
		if (!strcmp(daemon_port(&iovd, "port.list", "a", "queues"), "1"))
			break;
		poll(NULL, 0, 1);
	}
	assert_string_equal(daemon_port(&iovd, "port.list", "a", "queues"), "1");
	for (uint8_t i = 0; i < 5; i++)
		expect_frame(&b, &a, i);
	frontend_close(&a);
	frontend_close(&b);
}

/* Nor does one that cuts short the file behind its memory while iovd reads there. */
static void memory_that_is_cut_short_is_that_guests_loss_alone(void **state)
{
	struct frontend a, b, c;

	(void)state;
	add_wire();
	add_guest_port("c");
	boot_at(&a, "a");
	boot_at(&b, "b");
	boot_at(&c, "c");
	assert_return_code(ftruncate(c.guest.fd, 0), errno);
	for (int i = 0; i < 2; i++) {
		eventfd_write(c.kick[1], 1);
		expect_traffic(&a, &b);
	}
	crash(&c);
	wait_for_state("c", "listening");
	boot_at(&c, "c");
	assert_true(daemon_is_alive(&iovd));
	frontend_close(&a);
	frontend_close(&b);
	frontend_close(&c);
}

static void port_is_removed_under_traffic(void **state)
{
	struct frontend a, b;
	uint8_t frame[60] = { 2 };

	(void)state;
	add_wire();
	boot_at(&a, "a");
	boot_at(&b, "b");
	expect_traffic(&a, &b);
	for (int i = 0; i < 50; i++)
		frontend_transmit(&a, 0, frame, sizeof(frame));
	daemon_do(&iovd, "port.remove", "{\"name\":\"b\"}");
	assert_true(frontend_is_ended(&b));
	frontend_close(&b);
	frontend_transmit(&a, 0, frame, sizeof(frame));
	add_guest_port("b");
	daemon_do(&iovd, "bridge.remove", "{\"name\":\"w\"}");
	daemon_do(&iovd, "bridge.add", "{\"name\":\"w\",\"kind\":\"wire\",\"ports\":[\"a\",\"b\"]}");
	boot_at(&b, "b");
	expect_traffic(&a, &b);
	frontend_close(&a);
	frontend_close(&b);
}

/* Control socket */

static void expect_error(const char *method, const char *params)
{
	struct json_object *result = daemon_call(&iovd, method, "%s", params);

	if (result)
		fail_msg("%s %s succeeded", method, params);
}

static void wrong_requests_change_nothing(void **state)
{
	struct json_object *ports;

	(void)state;
	expect_error("port.add", "{}");
	expect_error("port.add", "{\"name\":\"a\",\"type\":\"vhost-user\"}");
	expect_error("port.add", "{\"name\":\"a\",\"type\":\"vhost-user\",\"socket\":\"\"}");
	expect_error("port.add", "{\"name\":\"a b\",\"type\":\"vhost-user\",\"socket\":\"/tmp/x\"}");
	expect_error("port.add", "{\"name\":\"\",\"type\":\"vhost-user\",\"socket\":\"/tmp/x\"}");
	expect_error("port.add", "{\"name\":\"a\",\"type\":\"disk\",\"socket\":\"/tmp/x\"}");
	expect_error("port.add",
		     "{\"name\":\"a\",\"type\":\"vhost-user\",\"socket\":\"/no/such/x\",\"server\":true}");
	expect_error("port.add", "{\"name\":\"a\",\"type\":\"vhost-user\",\"socket\":\"/tmp/x\","
				 "\"socket_mode\":\"0600\"}");
	expect_error("port.add", "{\"name\":\"a\",\"type\":\"vhost-user\",\"socket\":\"/tmp/x\","
				 "\"server\":true,\"socket_mode\":\"rw\"}");
	expect_error("port.add", "{\"name\":\"a\",\"type\":\"vhost-user\",\"socket\":\"/tmp/x\","
				 "\"server\":true,\"socket_owner\":\"root:4294967295\"}");
	expect_error("port.add", "{\"name\":\"a\",\"type\":\"ethdev\",\"device\":\"0000:ff:1f.7\"}");
	expect_error("port.add", "{\"name\":\"a\",\"type\":\"ethdev\",\"device\":\"net_nothing0\"}");
	expect_error("port.add", "{\"name\":\"a\",\"type\":\"ethdev\",\"device\":\"eth0\"}");
	expect_error("port.add", "{\"name\":\"a\",\"type\":\"vhost-user\",\"socket\":\"/tmp/x\","
				 "\"bridge\":\"none\"}");
	expect_error("port.remove", "{\"name\":\"a\"}");
	expect_error("port.stats", "{\"name\":\"a\"}");
	expect_error("bridge.add", "{\"name\":\"b\",\"kind\":\"hub\"}");
	expect_error("bridge.add", "{\"name\":\"b\",\"kind\":\"wire\",\"ports\":[\"a\"]}");
	expect_error("bridge.remove", "{\"name\":\"b\"}");
	expect_error("shutdown", "{}");
	ports = daemon_call(&iovd, "port.list", "{}");
	assert_int_equal(json_object_array_length(ports), 0);
	json_object_put(ports);
	ports = daemon_call(&iovd, "bridge.list", "{}");
	assert_int_equal(json_object_array_length(ports), 0);
	json_object_put(ports);
}

static void names_and_sockets_are_taken_once(void **state)
{
	(void)state;
	add_wire();
	expect_error("port.add", "{\"name\":\"a\",\"type\":\"vhost-user\",\"socket\":\"/tmp/x\"}");
	expect_error("bridge.add", "{\"name\":\"w\",\"kind\":\"switch\"}");
	expect_error("bridge.add", "{\"name\":\"v\",\"kind\":\"switch\",\"ports\":[\"a\"]}");
	add_guest_port("c");
	daemon_do(&iovd, "bridge.add", "{\"name\":\"v\",\"kind\":\"switch\",\"ports\":[\"c\"]}");
	daemon_do(&iovd, "bridge.remove", "{\"name\":\"w\"}");
	expect_error("bridge.add", "{\"name\":\"w\",\"kind\":\"wire\",\"ports\":[\"a\",\"b\",\"c\"]}");
	daemon_do(&iovd, "port.remove", "{\"name\":\"a\"}");
	add_guest_port("a");
}

static int error_code(const char *line)
{
	struct json_object *reply = json_tokener_parse(line);
	int code = json_object_get_int(
		json_object_object_get(json_object_object_get(reply, "error"), "code"));

	json_object_put(reply);
	return code;
}

static void expect_hang_up(const void *bytes, size_t size, int code)
{
	int fd = daemon_connect(&iovd);
	const char *line = daemon_exchange(fd, bytes, size);

	assert_non_null(line);
	assert_int_equal(error_code(line), code);
	assert_null(daemon_exchange(fd, "", 0));
	close(fd);
}

static void garbage_is_answered_and_hung_up_on(void **state)
{
	static char endless[1 << 17], deep[4096];
	struct random random = { 7 };

	(void)state;
	memset(endless, ' ', sizeof(endless));
	memset(deep, '[', sizeof(deep) - 1);
	deep[sizeof(deep) - 1] = '\n';
	expect_hang_up("garbage\n", 8, JSONRPC_PARSE_ERROR);
	expect_hang_up(deep, sizeof(deep), JSONRPC_PARSE_ERROR);
	expect_hang_up(endless, sizeof(endless), JSONRPC_INVALID_REQUEST);
	for (int i = 0; i < 100; i++) {
		int fd = daemon_connect(&iovd);

		for (size_t j = 0; j < 2000; j++)
			endless[j] = (char)random_next(&random);
		send(fd, endless, 2000, MSG_NOSIGNAL);
		close(fd);
	}
	daemon_do(&iovd, "version", "{}");
}

static void request_may_come_in_pieces_and_several_at_once(void **state)
{
	static const char request[] = "{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"port.list\"}\n";
	char two[2 * sizeof(request)];
	int fd = daemon_connect(&iovd);
	const char *line;

	(void)state;
	assert_int_equal(send(fd, request, 10, 0), 10);
	line = daemon_exchange(fd, request + 10, sizeof(request) - 11);
	assert_non_null(line);
	assert_int_equal(error_code(line), 0);
	snprintf(two, sizeof(two), "%s%s", request, request);
	assert_non_null(daemon_exchange(fd, two, strlen(two)));
	assert_non_null(daemon_exchange(fd, "", 0));
	close(fd);
}

static void too_many_peers_are_turned_away_until_some_leave(void **state)
{
	struct json_object *result = NULL;
	int fds[64];

	(void)state;
	for (size_t i = 0; i < 64; i++)
		fds[i] = daemon_connect(&iovd);
	expect_hang_up("", 0, JSONRPC_INVALID_REQUEST);
	for (size_t i = 0; i < 64; i++)
		close(fds[i]);
	for (int tries = 0; tries < 1000 && !result; tries++)
		result = daemon_call(&iovd, "version", "{}");
	assert_non_null(result);
	json_object_put(result);
}

/* Processor time that iovd used, in milliseconds. */
static unsigned long milliseconds_used(void)
{
	unsigned long user, system;
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", iovd.pid);
	file = fopen(path, "re");
	assert_non_null(file);
	assert_int_equal(fscanf(file, "%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu",
				&user, &system), 2);
	fclose(file);
	return (user + system) * 1000 / (unsigned long)sysconf(_SC_CLK_TCK);
}

/* Of the numbers of its descriptors; a sanitizer has some far above the others. */
static rlim_t lowest_free_descriptor(void)
{
	rlim_t fd = 0;
	char path[64];

	do {
		snprintf(path, sizeof(path), "/proc/%d/fd/%lu", iovd.pid, (unsigned long)fd++);
	} while (!faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW));
	return fd - 1;
}

static void peer_without_a_descriptor_is_told_and_costs_nothing(void **state)
{
	static const char request[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"version\"}\n";
	struct rlimit few = { 0 }, before;
	unsigned int count = 0, told = 0;
	const char *answer;
	unsigned long used;
	int peers[32], fd;

	(void)state;
	assert_return_code(prlimit(iovd.pid, RLIMIT_NOFILE, NULL, &before), errno);
	few = (struct rlimit){ lowest_free_descriptor() + 4, before.rlim_max };
	assert_return_code(prlimit(iovd.pid, RLIMIT_NOFILE, &few, NULL), errno);
	used = milliseconds_used();
	while (count < 32 && told < 3) {
		fd = daemon_connect(&iovd);
		answer = daemon_exchange(fd, request, sizeof(request) - 1);
		assert_non_null(answer);
		if (strstr(answer, "no file descriptor left")) {
			told++;
			close(fd);
		} else {
			assert_int_equal(told, 0);
			peers[count++] = fd;
		}
	}
	assert_int_equal(told, 3);
	poll(NULL, 0, 1000);
	/* A loop would have used all of it. */
	assert_in_range(milliseconds_used() - used, 0, 300);
	assert_return_code(prlimit(iovd.pid, RLIMIT_NOFILE, &before, NULL), errno);
	while (count)
		close(peers[--count]);
	daemon_do(&iovd, "version", "{}");
}

/* Both wait for the first one to end, at the same time. */
static void second_iovd_is_refused_and_the_first_goes_on(void **state)
{
	char command[1024];

	(void)state;
	add_guest_port("a");
	/* With a socket of its own it would write over what the first one has. */
	snprintf(command, sizeof(command), "cd %s\n"
		 "\"$IOVD\" --no-huge --control %s --state %s 2> same &\n"
		 "\"$IOVD\" --no-huge --control %s2 --state %s 2> other\n"
		 "test $? = 1 && ! wait $! &&\n"
		 "grep -q 'another program (pid %d) listens there.*; waiting up to' same &&\n"
		 "grep -q 'another iovd has it, pid %d (.*; waiting up to' other &&\n"
		 "tail -n 1 other | grep -q 'another iovd has it, pid %d (.*another path$'",
		 iovd.directory, iovd.control, iovd.state, iovd.control, iovd.state, iovd.pid,
		 iovd.pid, iovd.pid);
	assert_int_equal(system(command), 0);
	daemon_do(&iovd, "version", "{}");
	assert_string_equal(daemon_port(&iovd, "port.list", "a", "state"), "listening");
}

/* A process that has the lock of the file of ports, as one has that was killed and is not gone yet. */
static pid_t hold_state(int milliseconds)
{
	char path[128];
	int ready[2];
	char byte;
	pid_t pid;

	snprintf(path, sizeof(path), "%s.lock", iovd.state);
	assert_return_code(pipe(ready), errno);
	pid = fork();
	assert_return_code(pid, errno);
	if (!pid) {
		const int fd = open(path, O_RDWR);

		if (fd < 0 || flock(fd, LOCK_EX) || write(ready[1], "", 1) != 1)
			_exit(1);
		poll(NULL, 0, milliseconds);
		_exit(0);
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return pid;
}

static void iovd_waits_for_one_that_is_not_gone_yet(void **state)
{
	pid_t pid;

	(void)state;
	add_guest_port("a");
	daemon_crash(&iovd);
	pid = hold_state(1500);
	daemon_restart(&iovd);
	assert_int_equal(waitpid(pid, NULL, WNOHANG), pid);
	assert_string_equal(daemon_port(&iovd, "port.list", "a", "state"), "listening");
}

static void iovd_that_waits_for_another_can_be_ended(void **state)
{
	const char *program = getenv("IOVD");
	int status;
	pid_t holder, pid;

	(void)state;
	daemon_crash(&iovd);
	holder = hold_state(60000);
	pid = fork();
	assert_return_code(pid, errno);
	if (!pid) {
		execl(program, "iovd", "--no-huge", "--control", iovd.control, "--state", iovd.state, NULL);
		_exit(127);
	}
	poll(NULL, 0, 500);
	kill(pid, SIGTERM);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) || WTERMSIG(status) == SIGTERM);
	/* It is not one that waited until it had the file. */
	assert_int_equal(waitpid(holder, NULL, WNOHANG), 0);
	kill(holder, SIGKILL);
	waitpid(holder, NULL, 0);
	daemon_restart(&iovd);
}

static void end_removes_the_sockets(void **state)
{
	char path[96];

	(void)state;
	add_guest_port("a");
	strcpy(path, daemon_path(&iovd, "a"));
	assert_return_code(access(path, F_OK), errno);
	assert_int_equal(daemon_end(&iovd), 0);
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(access(iovd.control, F_OK), -1);
	daemon_restart(&iovd);
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(frames_pass_between_guests),
		CASE(frames_pass_after_a_silence),
		CASE(long_frames_are_lent_to_a_device),
		CASE(stations_behind_a_link_that_is_down_are_forgotten),
		CASE(crashed_guest_comes_back_and_traffic_resumes),
		CASE(guests_attach_again_after_iovd_ended_or_crashed),
		CASE(rules_are_kept_over_a_crash),
		CASE(device_is_behind_an_iommu_where_it_is_asked_for),
		CASE(memory_of_any_kind_is_taken_where_it_is_asked_for),
		CASE(state_that_is_damaged_is_refused),
		CASE(port_that_cannot_be_had_is_kept_until_it_can),
		CASE(iovd_connects_to_who_listens_and_again_when_that_restarts),
		CASE(socket_has_the_owner_and_the_mode_that_were_asked_for),
		CASE(socket_out_of_reach_names_the_option),
		CASE(garbage_on_one_port_does_not_disturb_the_others),
		CASE(broken_ring_stops_alone),
		CASE(memory_that_is_cut_short_is_that_guests_loss_alone),
		CASE(port_is_removed_under_traffic),
		CASE(wrong_requests_change_nothing),
		CASE(names_and_sockets_are_taken_once),
		CASE(garbage_is_answered_and_hung_up_on),
		CASE(request_may_come_in_pieces_and_several_at_once),
		CASE(too_many_peers_are_turned_away_until_some_leave),
		CASE(peer_without_a_descriptor_is_told_and_costs_nothing),
		CASE(second_iovd_is_refused_and_the_first_goes_on),
		CASE(iovd_waits_for_one_that_is_not_gone_yet),
		CASE(iovd_that_waits_for_another_can_be_ended),
		CASE(end_removes_the_sockets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
