// SPDX-License-Identifier: GPL-2.0-or-later
// A guest moves from one QEMU to another while its network is busy.  Source and
// destination are two ports of a switch in iovd; at a third one somebody pings the guest.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/unit/test.h"
#include "tests/wire/daemon.h"
#include "tests/wire/peer.h"
#include "tests/wire/vmm.h"

#define MEMORY_BYTES ((size_t)VMM_MEMORY << 20)

/* So slow that a good many pages are sent more than once. */
#define BANDWIDTH (64 << 20)

/* Pages that nobody waits for are sent as slowly, after the guest has moved. */
#define POSTCOPY_BANDWIDTH (24 << 20)

/* Answers to be seen before, while and after. */
#define ENOUGH 200

/* The same while each page is asked for, on a machine that is busy besides. */
#define SOME 20

struct fixture {
	struct daemon iovd;
	struct vmm source;
	struct vmm destination;
	struct peer peer;
	char digest[64];
};

static int setup(void **state)
{
	struct fixture *fixture = test_calloc(1, sizeof(*fixture));

	fixture->iovd.option = "--postcopy";
	daemon_start(&fixture->iovd);
	daemon_lan(&fixture->iovd, "abc");
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	vmm_end(&fixture->source);
	vmm_end(&fixture->destination);
	peer_close(&fixture->peer);
	daemon_clean(&fixture->iovd);
	test_free(fixture);
	return 0;
}

/* A guest that answers, with something in its memory to be recognized by. */
static void start_guest(struct fixture *fixture, const char *const *options)
{
	struct vmm *source = &fixture->source;

	vmm_start(source, fixture->iovd.directory, "first", daemon_path(&fixture->iovd, "a"), false,
		  options);
	vmm_wait_for_guest(source);
	vmm_run(source, "ip link set eth0 up && ip address add 10.1.0.2/24 dev eth0");
	vmm_run(source, "arp -s 10.1.0.1 " PEER_MAC);
	/* The generator of the kernel would take most of the time. */
	vmm_run(source, "head -c 1000000 /dev/urandom > /tmp/part && "
			"for i in 1 2 3 4 5 6 7 8; do cat /tmp/part; echo $i; done > /tmp/data");
	snprintf(fixture->digest, sizeof(fixture->digest), "%s",
		 vmm_run(source, "md5sum < /tmp/data"));
	peer_open(&fixture->peer, daemon_path(&fixture->iovd, "c"));
	peer_wait(&fixture->peer, ENOUGH);
}

static void begin_move(struct fixture *fixture)
{
	char uri[128];

	snprintf(uri, sizeof(uri), "unix:%s", daemon_path(&fixture->iovd, "move"));
	vmm_do(&fixture->destination, "migrate-incoming", "{\"uri\":\"%s\"}", uri);
	vmm_do(&fixture->source, "migrate-set-parameters", "{\"max-bandwidth\":%d}", BANDWIDTH);
	vmm_do(&fixture->source, "migrate", "{\"uri\":\"%s\"}", uri);
}

/* How far the source is, which must not have failed. */
static bool has_status(struct fixture *fixture, const char *wanted)
{
	struct json_object *answer = vmm_ask(&fixture->source, "query-migrate", "{}");
	const char *status = json_object_get_string(json_object_object_get(answer, "status"));
	bool has = !strcmp(status, wanted);

	if (!strcmp(status, "failed") || !strcmp(status, "postcopy-paused")) {
		vmm_tell(&fixture->source);
		vmm_tell(&fixture->destination);
		fail_msg("%s", json_object_to_json_string(answer));
	}
	json_object_put(answer);
	return has;
}

/* The guest is pinged until the source has sent all of it. */
static void finish_move(struct fixture *fixture)
{
	while (!has_status(fixture, "completed"))
		peer_run(&fixture->peer, 50);
}

static const uint8_t *save_memory(struct vmm *vmm)
{
	char path[160];
	uint8_t *memory;
	int fd;

	snprintf(path, sizeof(path), "%s/memory", vmm->directory);
	vmm_do(vmm, "pmemsave", "{\"val\":0,\"size\":%zu,\"filename\":\"%s\"}", MEMORY_BYTES, path);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_return_code(fd, errno);
	memory = mmap(NULL, MEMORY_BYTES, PROT_READ, MAP_PRIVATE, fd, 0);
	assert_ptr_not_equal(memory, MAP_FAILED);
	close(fd);
	return memory;
}

/* Both stand still: not one byte may differ. */
static void compare_memory(struct fixture *fixture)
{
	const uint8_t *before = save_memory(&fixture->source);
	const uint8_t *after = save_memory(&fixture->destination);

	for (size_t at = 0; at < MEMORY_BYTES; at++)
		if (before[at] != after[at])
			fail_msg("byte at 0x%zx is 0x%02x after the move, was 0x%02x", at,
				 after[at], before[at]);
	munmap((void *)(uintptr_t)before, MEMORY_BYTES);
	munmap((void *)(uintptr_t)after, MEMORY_BYTES);
}

/* At its new place the guest has what it had, and the network finds it. */
static void expect_guest(struct fixture *fixture)
{
	peer_wait(&fixture->peer, ENOUGH);
	for (int tries = 0; tries < 100 && !fixture->peer.announced; tries++)
		peer_wait(&fixture->peer, 1);
	assert_true(fixture->peer.announced > 0);
	assert_string_equal(vmm_run(&fixture->destination, "md5sum < /tmp/data"), fixture->digest);
	assert_string_equal(daemon_port(&fixture->iovd, "port.stats", "a", "refused"), "{ }");
	assert_string_equal(daemon_port(&fixture->iovd, "port.stats", "b", "refused"), "{ }");
	printf("%u answers to %u requests, longest gap %llu ms\n", fixture->peer.received,
	       fixture->peer.sent, (unsigned long long)fixture->peer.gap);
}

/* QEMU at the other end of the move, at a port that is free. */
static void start_destination(struct fixture *fixture, const char *name, const char *port,
			      const char *const *options, const char *last)
{
	const char *words[8] = {0};
	unsigned int count = 0;

	for (; options && options[count]; count++)
		words[count] = options[count];
	words[count] = last;
	vmm_start(&fixture->destination, fixture->iovd.directory, name,
		  daemon_path(&fixture->iovd, port), true, words);
	fixture->peer.announced = 0;
	fixture->peer.gap = 0;
}

/* All of its memory, and then the guest. */
static void move(struct fixture *fixture, const char *const *options)
{
	uint32_t before = fixture->peer.received;

	start_destination(fixture, "second", "b", options, "-S");
	begin_move(fixture);
	finish_move(fixture);
	assert_true(fixture->peer.received - before > ENOUGH);
	assert_int_equal(fixture->peer.announced, 0);
	compare_memory(fixture);
	vmm_do(&fixture->destination, "cont", "{}");
	expect_guest(fixture);
}

static void allow_postcopy(struct vmm *vmm)
{
	vmm_do(vmm, "migrate-set-capabilities",
	       "{\"capabilities\":[{\"capability\":\"postcopy-ram\",\"state\":true}]}");
}

/* The guest, while most of its memory is at the old place; back to the port where it began. */
static void move_early(struct fixture *fixture, const char *const *options)
{
	uint32_t before;

	vmm_end(&fixture->source);
	fixture->source = fixture->destination;
	memset(&fixture->destination, 0, sizeof(fixture->destination));
	start_destination(fixture, "third", "a", options, NULL);
	allow_postcopy(&fixture->source);
	allow_postcopy(&fixture->destination);
	vmm_do(&fixture->source, "migrate-set-parameters", "{\"max-postcopy-bandwidth\":%d}",
	       POSTCOPY_BANDWIDTH);
	begin_move(fixture);
	peer_run(&fixture->peer, 200);
	vmm_do(&fixture->source, "migrate-start-postcopy", "{}");
	while (!has_status(fixture, "postcopy-active"))
		peer_run(&fixture->peer, 10);
	before = fixture->peer.received;
	while (!fixture->peer.announced)
		peer_run(&fixture->peer, 1);
	finish_move(fixture);
	printf("%u answers while memory arrived\n", fixture->peer.received - before);
	assert_true(fixture->peer.received - before > SOME);
	expect_guest(fixture);
}

/*
 * Without merging Linux gives whole pages for large frames, and never writes to them
 * itself: that they move is due to the dirty log alone.
 */
static void guest_with_split_rings_moves_and_moves_on(void **state)
{
	static const char *const options[] = {"-global", "virtio-net-pci.mrg_rxbuf=off", NULL};

	start_guest(*state, options);
	move(*state, options);
	move_early(*state, options);
}

static void guest_with_packed_rings_moves_and_moves_on(void **state)
{
	static const char *const options[] = {"-global", "virtio-net-pci.packed=on", NULL};

	start_guest(*state, options);
	move(*state, options);
	move_early(*state, options);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(guest_with_split_rings_moves_and_moves_on),
		TEST(guest_with_packed_rings_moves_and_moves_on),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
