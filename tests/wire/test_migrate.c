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
	struct daemon there;		/* has the disk at the other end; not running without one */
	struct vmm source;
	struct vmm destination;
	struct peer peer;
	char digest[64];
};

static int setup(void **state)
{
	struct fixture *fixture = test_calloc(1, sizeof(*fixture));

	fixture->iovd.option = "--postcopy";
	fixture->iovd.also = "--allow=/tmp";
	fixture->there.option = "--allow=/tmp";
	fixture->there.also = "--postcopy";
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
	if (fixture->there.pid)
		daemon_clean(&fixture->there);
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

/* A disk of two iovds, which have the image both. */

#define IMAGE_BYTES (16 << 20)

/* Places of it that are written in turn, and blocks of 64 KiB from one to the next. */
#define PLACES 8
#define PLACE_BLOCKS 32

struct disk_options {
	char chardev[128];
	const char *words[5];
};

static void add_disk(struct daemon *iovd, const char *image, bool incoming)
{
	daemon_do(iovd, "disk.add", "{\"name\":\"disk\",\"socket\":\"%s/disk\",\"server\":true,"
		  "\"backend\":\"file\",\"path\":\"%s\",\"incoming\":%s}", iovd->directory, image,
		  incoming ? "true" : "false");
}

static void have_disks(struct fixture *fixture, char *image, size_t size)
{
	int fd;

	snprintf(image, size, "%s", daemon_path(&fixture->iovd, "image"));
	fd = open(image, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_return_code(fd, errno);
	assert_return_code(ftruncate(fd, IMAGE_BYTES), errno);
	close(fd);
	daemon_start(&fixture->there);
	add_disk(&fixture->iovd, image, false);
	add_disk(&fixture->there, image, true);
}

static const char *const *disk_words(struct disk_options *options, const struct daemon *iovd)
{
	snprintf(options->chardev, sizeof(options->chardev), "socket,id=d,path=%s",
		 daemon_path(iovd, "disk"));
	options->words[0] = "-chardev";
	options->words[1] = options->chardev;
	options->words[2] = "-device";
	options->words[3] = "vhost-user-blk-pci,chardev=d,num-queues=1";
	options->words[4] = NULL;
	return options->words;
}

static void expect_status(const struct daemon *iovd, const char *status)
{
	for (int tries = 0; strcmp(daemon_port(iovd, "disk.list", "disk", "status"), status); tries++) {
		if (tries == 500)
			fail_msg("the disk is %s, expected %s",
				 daemon_port(iovd, "disk.list", "disk", "status"), status);
		usleep(20000);
	}
}

/* It writes and writes, and notes of each place the number of what is stable there. */
static void begin_writing(struct vmm *vmm)
{
	vmm_run(vmm, "n=0; while [ ! -e /tmp/stop ]; do n=$((n + 1)); s=$((n %% %d)); "
		"{ printf 'round %%10d\\n' $n; cat /tmp/part; } | "
		"dd of=/dev/vda bs=64k seek=$((s * %d)) conv=fsync,notrunc 2> /dev/null || touch /tmp/failed; "
		"echo $n > /tmp/at.$s; echo $n > /tmp/at; done > /dev/null 2>&1 && touch /tmp/ended &",
		PLACES, PLACE_BLOCKS);
	while (!*vmm_run(vmm, "cat /tmp/at 2> /dev/null || true"))
		usleep(50000);
}

static unsigned int rounds(struct vmm *vmm)
{
	return (unsigned int)strtoul(vmm_run(vmm, "cat /tmp/at"), NULL, 10);
}

static void wait_for_rounds(struct vmm *vmm, unsigned int more)
{
	const unsigned int before = rounds(vmm);

	while (rounds(vmm) < before + more)
		usleep(50000);
}

/* Nothing that was stable is older than it was, at its new place and in the image. */
static void expect_written(struct vmm *vmm, const char *image)
{
	char command[512], line[128], expected[128];

	vmm_run(vmm, "touch /tmp/stop; until [ -e /tmp/ended ]; do sleep 0.1; done; [ ! -e /tmp/failed ]");
	vmm_run(vmm, "sync; echo 3 > /proc/sys/vm/drop_caches");
	for (int place = 0; place < PLACES; place++) {
		FILE *sum;

		snprintf(expected, sizeof(expected), "%s",
			 vmm_run(vmm, "{ printf 'round %%10d\\n' $(cat /tmp/at.%d); cat /tmp/part; } | md5sum",
				 place));
		assert_string_equal(vmm_run(vmm, "dd if=/dev/vda bs=64k skip=%d count=17 2> /dev/null | "
					    "head -c 1000017 | md5sum", place * PLACE_BLOCKS), expected);
		snprintf(command, sizeof(command), "dd if=%s bs=64k skip=%d count=17 2> /dev/null | "
			 "head -c 1000017 | md5sum", image, place * PLACE_BLOCKS);
		sum = popen(command, "r");
		assert_non_null(sum);
		assert_non_null(fgets(line, sizeof(line), sum));
		pclose(sum);
		assert_string_equal(line, expected);
	}
}

/*
 * It writes while it moves.  The first time nobody lets it go on at its new place, as when a VMM fails,
 * and it goes on where it was; the last time it is there before its memory is, and its disk waits.
 */
static void guest_with_a_disk_moves(void **state)
{
	struct fixture *fixture = *state;
	struct disk_options here, there;
	char image[128];

	have_disks(fixture, image, sizeof(image));
	start_guest(fixture, disk_words(&here, &fixture->iovd));
	begin_writing(&fixture->source);
	wait_for_rounds(&fixture->source, PLACES);
	start_destination(fixture, "second", "b", disk_words(&there, &fixture->there), "-S");
	begin_move(fixture);
	finish_move(fixture);
	compare_memory(fixture);
	expect_status(&fixture->iovd, "incoming");
	expect_status(&fixture->there, "incoming");
	vmm_end(&fixture->destination);
	vmm_do(&fixture->source, "cont", "{}");
	expect_status(&fixture->iovd, "ready");
	wait_for_rounds(&fixture->source, 3);
	start_destination(fixture, "second-again", "b", disk_words(&there, &fixture->there), "-S");
	begin_move(fixture);
	finish_move(fixture);
	compare_memory(fixture);
	vmm_do(&fixture->destination, "cont", "{}");
	expect_status(&fixture->there, "ready");
	expect_status(&fixture->iovd, "incoming");
	wait_for_rounds(&fixture->destination, 3);
	move_early(fixture, disk_words(&here, &fixture->iovd));
	expect_status(&fixture->iovd, "ready");
	expect_status(&fixture->there, "incoming");
	wait_for_rounds(&fixture->destination, 3);
	printf("%u rounds\n", rounds(&fixture->destination));
	expect_written(&fixture->destination, image);
	expect_guest(fixture);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(guest_with_split_rings_moves_and_moves_on),
		TEST(guest_with_packed_rings_moves_and_moves_on),
		TEST(guest_with_a_disk_moves),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
