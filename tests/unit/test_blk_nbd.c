// SPDX-License-Identifier: GPL-2.0-or-later
/* NBD servers that are not there, that go away and come back, and that do what they should not. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "tests/unit/disk.h"
#include "tests/unit/nbd.h"

#define MIB (UINT64_C(1) << 20)
#define BLOCK 4096

/* Only to end a test that would hang. */
#define PATIENCE_MS 30000

static char address[96];
static char uri[160];

static const char *at(void)
{
	snprintf(address, sizeof(address), "%s/nbd", disk_directory());
	snprintf(uri, sizeof(uri), "nbd+unix:///?socket=%s", address);
	return address;
}

static int teardown(void **state)
{
	(void)state;
	unlink(at());
	return 0;
}

static void expect_refusal(const char *where, bool read_only, int error, const char *words)
{
	struct disk disk;

	assert_int_equal(disk_open(&disk, "nbd",
				   &(struct blk_source){ .path = where, .read_only = read_only }),
			 error);
	if (!strstr(iov_error_message(disk.iov), words) ||
	    !strstr(iov_error_message(disk.iov), where))
		fail_msg("'%s' has no '%s'", iov_error_message(disk.iov), words);
	disk_close(&disk);
}

static void what_is_no_uri_is_refused(void **state)
{
	(void)state;
	expect_refusal("", false, -EINVAL, "expected nbd+unix:///EXPORT?socket=/PATH");
	expect_refusal("/run/nbd.sock", false, -EINVAL, "expected nbd+unix");
	expect_refusal("nbd+unix:///x?socket=nbd.sock", false, -EINVAL, "absolute path");
	expect_refusal("nbd+unix:///x", false, -EINVAL, "absolute path");
	expect_refusal("nbd+vsock://2/x", false, -EINVAL, "expected nbd+unix");
	expect_refusal("nbds://192.0.2.7/x", false, -EINVAL, "TLS");
	expect_refusal("nbds+unix:///x?socket=/x", false, -EINVAL, "TLS");
	expect_refusal("nbd://localhost/x", false, -EINVAL, "'localhost' is no address");
	expect_refusal("nbd://", false, -EINVAL, "is no address");
	expect_refusal("nbd://[::1", false, -EINVAL, "is no address");
	expect_refusal("nbd://[192.0.2.7]/x", false, -EINVAL, "is no address");
	expect_refusal("nbd://user@192.0.2.7/x", false, -EINVAL, "is no address");
}

static void server_that_is_not_there_is_told(void **state)
{
	(void)state;
	at();
	expect_refusal(uri, false, -ENOENT, "nobody serves there");
	/* A port at which nobody listens */
	expect_refusal("nbd://127.0.0.1:1/", false, -ECONNREFUSED, "nobody serves there");
	expect_refusal("nbd://[::1]:1/x", false, -ECONNREFUSED, "nobody serves there");
}

static void expect_nbdkit_refused(const char *const rest[], bool read_only, int error,
				  const char *words)
{
	const char *argv[16] = { "nbdkit", "-f", "-U", at() };
	pid_t pid;

	for (unsigned int i = 0; rest[i]; i++)
		argv[4 + i] = rest[i];
	pid = nbd_start(address, argv);
	expect_refusal(uri, read_only, error, words);
	nbd_end(pid);
}

static void exports_that_are_no_disk_are_refused(void **state)
{
	static const char *const odd[] = { "memory", "1000", NULL }, *const none[] = { "memory",
										       "0", NULL };
	static const char *const read_only[] = { "-r", "memory", "1M", NULL };
	static const char *const other[] = { "--filter=exportname",    "memory",           "1M",
					     "exportname-strict=true", "exportname=other", NULL };
	static const char *const large[] = {
		"--filter=blocksize-policy", "memory", "1M", "blocksize-minimum=4K",
		"blocksize-preferred=64K",   NULL
	};
	struct disk disk;
	const char *argv[16] = { "nbdkit", "-f", "-U", at(), "-r", "memory", "1M" };
	pid_t pid;

	(void)state;
	if (!nbd_has("nbdkit"))
		skip();
	expect_nbdkit_refused(odd, false, -EINVAL, "1000 bytes, expected a multiple of 512");
	expect_nbdkit_refused(none, false, -EINVAL, "0 bytes");
	expect_nbdkit_refused(read_only, false, -EROFS, "lets nobody write");
	expect_nbdkit_refused(other, false, -ENOENT, "no such export");
	/* What is no more than is asked for */
	pid = nbd_start(at(), argv);
	assert_return_code(
		disk_open(&disk, "nbd", &(struct blk_source){ .path = uri, .read_only = true }), 0);
	assert_true(disk.geometry.read_only && !disk.geometry.has_cache &&
		    !disk.geometry.discard_max);
	disk_close(&disk);
	nbd_end(pid);
	for (unsigned int i = 0; large[i]; i++)
		argv[4 + i] = large[i];
	pid = nbd_start(at(), argv);
	assert_return_code(disk_open(&disk, "nbd", &(struct blk_source){ .path = uri }), 0);
	assert_int_equal(disk.geometry.block, 4096);
	assert_int_equal(disk.geometry.physical_block, 65536);
	disk_close(&disk);
	nbd_end(pid);
}

static void server_that_demands_tls_is_refused(void **state)
{
	char keys[120], option[160];
	const char *argv[] = { "nbdkit", "-f",     "-U", at(), "--tls=require",
			       option,   "memory", "1M", NULL };
	FILE *file;
	pid_t pid;

	(void)state;
	if (!nbd_has("nbdkit"))
		skip();
	snprintf(keys, sizeof(keys), "%s/keys", disk_directory());
	snprintf(option, sizeof(option), "--tls-psk=%s", keys);
	file = fopen(keys, "we");
	assert_non_null(file);
	fputs("somebody:00112233445566778899aabbccddeeff\n", file);
	fclose(file);
	pid = nbd_start(at(), argv);
	expect_refusal(uri, false, -EOPNOTSUPP, "demands TLS");
	nbd_end(pid);
	unlink(keys);
}

static pid_t start(struct disk *disk, const struct nbd_how *how)
{
	const pid_t pid = nbd_serve(at(), how);

	disk_start(disk, "nbd", &(struct blk_source){ .path = uri });
	return pid;
}

static struct blk_reach reach_of(const struct disk *disk)
{
	struct blk_reach reach;

	disk->backend->ops->reach(disk->backend, &reach);
	return reach;
}

static bool has_news(const struct disk *disk)
{
	struct pollfd news = { .fd = disk->backend->ops->news_fd(disk->backend), .events = POLLIN };

	return poll(&news, 1, 0) > 0;
}

/* The worker goes on with nothing to do until the server is there, or is not. */
static void wait_reach(struct disk *disk, bool is_absent)
{
	const uint64_t end = monotonic_ms() + PATIENCE_MS;

	disk_poll(disk);
	while (reach_of(disk).is_absent != is_absent) {
		assert_true(monotonic_ms() < end);
		poll(NULL, 0, 5);
		disk_poll(disk);
	}
	assert_true(has_news(disk));
}

static int flush(struct disk *disk)
{
	struct disk_io io = { .io = { .op = BLK_FLUSH } };

	return disk_do(disk, &io);
}

static int write_stable(struct disk *disk, const void *bytes)
{
	struct disk_io io = {
		.io = { .op = BLK_WRITE, .length = BLOCK, .is_stable = true },
		.part = { (void *)(uintptr_t)bytes, BLOCK },
	};

	return disk_do(disk, &io);
}

static void handshakes_that_lead_nowhere_end(void **state)
{
	struct nbd_how how = { .bytes = MIB, .fault = NBD_GREETS_WRONGLY };
	pid_t pid = nbd_serve(at(), &how);
	uint64_t begin = monotonic_ms();
	struct disk disk;

	(void)state;
	expect_refusal(uri, false, -EPROTO, "is no NBD server");
	nbd_end(pid);
	how.fault = NBD_GREETS_NOBODY;
	pid = nbd_serve(at(), &how);
	expect_refusal(uri, false, -ETIMEDOUT, "does not answer");
	assert_in_range(monotonic_ms() - begin, 2500, PATIENCE_MS);
	nbd_end(pid);
	/* Sizes that no file has */
	how = (struct nbd_how){ .bytes = UINT64_MAX };
	pid = nbd_serve(at(), &how);
	assert_true(disk_open(&disk, "nbd", &(struct blk_source){ .path = uri }) < 0);
	disk_close(&disk);
	nbd_end(pid);
}

static void flags_are_believed(void **state)
{
	struct nbd_how how = { .bytes = MIB, .flags = 1 | NBD_FLUSH };
	uint8_t bytes[BLOCK] = { 0 };
	struct disk disk;
	pid_t pid = start(&disk, &how);

	(void)state;
	assert_true(disk.geometry.has_cache && !disk.geometry.discard_max &&
		    !disk.geometry.zeroes_max);
	assert_int_equal(disk.geometry.rings_max, 1);
	/* A write that is to be stable, without FUA */
	assert_return_code(disk_write(&disk, 0, bytes, BLOCK), 0);
	assert_int_equal(nbd_asked(3), 0);
	assert_return_code(write_stable(&disk, bytes), 0);
	assert_int_equal(nbd_asked(3), 1);
	disk_close(&disk);
	nbd_end(pid);
	how.flags = NBD_FLAGS;
	pid = start(&disk, &how);
	assert_int_equal(disk.geometry.rings_max, 0);
	assert_true(disk.geometry.discard_max && disk.geometry.zeroes_max);
	assert_return_code(write_stable(&disk, bytes), 0);
	assert_int_equal(nbd_asked(3), 0);
	assert_return_code(flush(&disk), 0);
	assert_int_equal(nbd_asked(3), 1);
	disk_close(&disk);
	nbd_end(pid);
	how.flags = 1;
	pid = start(&disk, &how);
	assert_false(disk.geometry.has_cache);
	disk_close(&disk);
	nbd_end(pid);
}

/* One command for what is one piece, and for what is several. */
static void pieces_are_one_command(void **state)
{
	struct nbd_how how = { .bytes = MIB };
	uint8_t out[3 * BLOCK], in[3 * BLOCK];
	struct iovec apart[] = {
		{ out, 100 }, { out + 100, 0 }, { out + BLOCK, BLOCK }, { out + 100, BLOCK - 100 }
	};
	struct iovec together[] = {
		{ in, 100 }, { in + 50, 0 }, { in + 100, BLOCK }, { in + BLOCK + 100, BLOCK - 100 }
	};
	struct disk_io io = {
		.io = { .op = BLK_WRITE, .length = 2 * BLOCK, .vector = apart, .count = 4 }
	};
	struct disk disk;
	pid_t pid = start(&disk, &how);

	(void)state;
	for (unsigned int i = 0; i < sizeof(out); i++)
		out[i] = (uint8_t)(i * 7);
	assert_return_code(disk_do(&disk, &io), 0);
	assert_int_equal(nbd_asked(1), 1);
	io.io = (struct blk_io){
		.op = BLK_READ, .length = 2 * BLOCK, .vector = together, .count = 4
	};
	assert_return_code(disk_do(&disk, &io), 0);
	assert_int_equal(nbd_asked(0), 1);
	assert_memory_equal(in, out, 100);
	assert_memory_equal(in + 100, out + BLOCK, BLOCK);
	assert_memory_equal(in + 100 + BLOCK, out + 100, BLOCK - 100);
	disk_close(&disk);
	nbd_end(pid);
}

/* Of what a server does wrong, the guest learns an error, and nothing that is not so. */
static void faults_of_commands_are_errors(void **state)
{
	static const struct {
		uint32_t says;
		int error;
	} says[] = { { 1, -EPERM },   { 5, -EIO },         { 28, -ENOSPC },
		     { 22, -EINVAL }, { 95, -EOPNOTSUPP }, { 12, -ENOMEM } };
	uint8_t bytes[BLOCK];
	struct disk disk;

	(void)state;
	for (unsigned int i = 0; i < sizeof(says) / sizeof(*says); i++) {
		const struct nbd_how how = { .bytes = MIB,
					     .fault = NBD_FAILS,
					     .error = says[i].says };
		const pid_t pid = start(&disk, &how);

		assert_int_equal(disk_read(&disk, 0, bytes, BLOCK), says[i].error);
		assert_int_equal(disk_write(&disk, 0, bytes, BLOCK), says[i].error);
		assert_int_equal(flush(&disk), says[i].error);
		assert_int_equal(reach_of(&disk).losses, 0);
		disk_close(&disk);
		nbd_end(pid);
	}
}

static void little_data_is_none(void **state)
{
	const struct nbd_how how = { .bytes = MIB, .fault = NBD_SENDS_LITTLE };
	uint8_t bytes[BLOCK];
	struct disk disk;
	const pid_t pid = start(&disk, &how);

	(void)state;
	assert_true(disk_read(&disk, 0, bytes, BLOCK) < 0);
	disk_close(&disk);
	nbd_end(pid);
}

/* Each command ends its connection: no storm of them, and the disk can be given up. */
static void fault_of_connection(enum nbd_fault fault, uint32_t error)
{
	const struct nbd_how how = { .bytes = MIB, .fault = fault, .error = error };
	uint8_t bytes[BLOCK];
	struct disk_io io = { .io = { .op = BLK_READ, .length = BLOCK }, .part = { bytes, BLOCK } };
	struct disk disk;
	const pid_t pid = start(&disk, &how);
	const uint64_t end = monotonic_ms() + 1200;

	disk_submit(&disk, &io);
	while (monotonic_ms() < end) {
		if (!disk_poll(&disk))
			poll(NULL, 0, 1);
	}
	assert_int_equal(io.done, 0);
	/* Later than 1.14 libnbd passes over a reply to nobody, and goes on to wait. */
	assert_in_range(reach_of(&disk).losses, fault == NBD_NAMES_ANOTHER ? 0 : 2, 8);
	disk.backend->ops->reset(disk.backend);
	disk_wait(&disk, 0);
	assert_int_equal(io.error, -ENOTCONN);
	disk_close(&disk);
	nbd_end(pid);
}

static void faults_of_connections_are_no_storm(void **state)
{
	(void)state;
	fault_of_connection(NBD_CLOSES, 0);
	fault_of_connection(NBD_SENDS_GARBAGE, 0);
	fault_of_connection(NBD_NAMES_ANOTHER, 0);
	/* It is shutting down. */
	fault_of_connection(NBD_FAILS, 108);
}

static void silence_can_be_given_up(void **state)
{
	const struct nbd_how how = { .bytes = MIB, .fault = NBD_IS_SILENT, .after = 1 };
	static uint8_t bytes[40][BLOCK];
	struct disk_io ios[40];
	struct disk disk;
	const pid_t pid = start(&disk, &how);

	(void)state;
	assert_return_code(disk_read(&disk, 0, bytes[0], BLOCK), 0);
	for (unsigned int i = 0; i < 40; i++) {
		struct iovec *parts = test_calloc(2, sizeof(*parts));

		/* Also those that wait for a buffer */
		parts[0] = (struct iovec){ bytes[i] + BLOCK / 2, BLOCK / 2 };
		parts[1] = (struct iovec){ bytes[i], BLOCK / 2 };
		ios[i] = (struct disk_io){
			.io = { .op = BLK_READ, .length = BLOCK, .vector = parts, .count = 2 }
		};
		disk_submit(&disk, &ios[i]);
	}
	for (unsigned int i = 0; i < 20; i++) {
		disk_poll(&disk);
		poll(NULL, 0, 5);
	}
	assert_int_equal(disk.under_way, 40);
	disk.backend->ops->reset(disk.backend);
	disk_wait(&disk, 0);
	for (unsigned int i = 0; i < 40; i++) {
		assert_int_equal(ios[i].error, -ENOTCONN);
		test_free(ios[i].io.vector);
	}
	disk_close(&disk);
	nbd_end(pid);
}

/*
 * The server dies, the next command finds out and ends all that there is, and then it is given up.  The
 * next command has the place of the first, which ended, and the one that waits is behind that.
 */
static void what_ends_with_another_command_ends_once(void **state)
{
	struct nbd_how how = { .bytes = MIB, .fault = NBD_IS_SILENT, .after = 1 };
	uint8_t bytes[BLOCK];
	struct disk_io reads[3];
	struct disk disk;
	pid_t pid = start(&disk, &how);

	(void)state;
	for (unsigned int i = 0; i < 3; i++)
		reads[i] = (struct disk_io){ .io = { .op = BLK_READ, .length = BLOCK },
					     .part = { bytes, BLOCK } };
	disk_poll(&disk);
	disk_submit(&disk, &reads[0]);
	disk_submit(&disk, &reads[1]);
	disk_wait(&disk, 1);
	nbd_end(pid);
	disk_submit(&disk, &reads[2]);
	disk.backend->ops->reset(disk.backend);
	disk_wait(&disk, 0);
	assert_int_equal(reads[0].error, 0);
	assert_int_equal(reads[1].error, -ENOTCONN);
	assert_int_equal(reads[2].error, -ENOTCONN);
	how.fault = NBD_IS_WELL;
	pid = nbd_serve(at(), &how);
	while (disk_read(&disk, 0, bytes, BLOCK) == -ENOTCONN)
		poll(NULL, 0, 5);
	assert_return_code(disk_read(&disk, 0, bytes, BLOCK), 0);
	disk_close(&disk);
	nbd_end(pid);
}

/*
 * What is under way when a server dies is asked of the next one; when there is none, the disk
 * learns that.
 */
static void server_comes_back(void **state)
{
	struct nbd_how how = { .bytes = MIB, .fault = NBD_IS_SILENT, .after = 1 };
	uint8_t bytes[BLOCK];
	struct disk_io read = { .io = { .op = BLK_READ, .length = BLOCK },
				.part = { bytes, BLOCK } };
	struct disk disk;
	pid_t pid = start(&disk, &how);

	(void)state;
	memset(nbd_bytes(), 0x5a, MIB);
	assert_return_code(disk_read(&disk, 0, bytes, BLOCK), 0);
	disk_submit(&disk, &read);
	disk_poll(&disk);
	nbd_end(pid);
	unlink(at());
	disk_wait(&disk, 0);
	assert_int_equal(read.error, -ENOTCONN);
	wait_reach(&disk, true);
	assert_non_null(strstr(reach_of(&disk).why, "nobody serves there"));
	assert_int_equal(reach_of(&disk).losses, 1);
	/* At once, as long as it is not there */
	assert_int_equal(disk_read(&disk, 0, bytes, BLOCK), -ENOTCONN);
	assert_int_equal(flush(&disk), -ENOTCONN);
	how.fault = NBD_IS_WELL;
	pid = nbd_serve(at(), &how);
	wait_reach(&disk, false);
	memset(bytes, 0, BLOCK);
	assert_return_code(disk_read(&disk, 0, bytes, BLOCK), 0);
	assert_int_equal(bytes[BLOCK - 1], 0x5a);
	/* Nothing was written */
	assert_return_code(flush(&disk), 0);
	disk_close(&disk);
	nbd_end(pid);
}

static void wait_state(const struct disk *disk, bool is_absent)
{
	const uint64_t end = monotonic_ms() + PATIENCE_MS;

	while (reach_of(disk).is_absent != is_absent) {
		assert_true(monotonic_ms() < end);
		poll(NULL, 0, 5);
	}
}

/* Also when nobody uses the disk, or nobody any more. */
static void server_is_missed_by_nobody(void **state)
{
	const struct nbd_how how = { .bytes = MIB };
	uint8_t bytes[BLOCK];
	struct disk disk;
	pid_t pid = nbd_serve(at(), &how);

	(void)state;
	assert_return_code(disk_open(&disk, "nbd", &(struct blk_source){ .path = uri }), 0);
	for (unsigned int i = 0; i < 3; i++) {
		nbd_end(pid);
		unlink(at());
		wait_state(&disk, true);
		pid = nbd_serve(at(), &how);
		wait_state(&disk, false);
		if (i)
			continue;
		disk_use(&disk, NULL);
		assert_return_code(disk_read(&disk, 0, bytes, BLOCK), 0);
	}
	assert_return_code(disk_read(&disk, 0, bytes, BLOCK), 0);
	disk_close(&disk);
	nbd_end(pid);
}

static void restart(struct disk *disk, pid_t *pid, const struct nbd_how *how, bool is_absent)
{
	nbd_end(*pid);
	unlink(at());
	wait_reach(disk, true);
	*pid = nbd_serve(at(), how);
	if (!is_absent)
		wait_reach(disk, false);
}

static void expect_absent_for(struct disk *disk, const char *words)
{
	const uint64_t end = monotonic_ms() + PATIENCE_MS;

	while (!strstr(reach_of(disk).why, words)) {
		assert_true(monotonic_ms() < end);
		poll(NULL, 0, 5);
	}
	assert_true(reach_of(disk).is_absent);
}

/* What a killed server had not flushed may be lost, and who flushes next is told so, once. */
static void flush_does_not_cover_what_died(void **state)
{
	const struct nbd_how how = { .bytes = MIB };
	uint8_t bytes[BLOCK] = { 0 };
	struct disk disk;
	pid_t pid = start(&disk, &how);

	(void)state;
	assert_return_code(disk_write(&disk, 0, bytes, BLOCK), 0);
	assert_return_code(flush(&disk), 0);
	restart(&disk, &pid, &how, false);
	assert_false(reach_of(&disk).is_lossy);
	assert_return_code(flush(&disk), 0);
	assert_return_code(write_stable(&disk, bytes), 0);
	restart(&disk, &pid, &how, false);
	assert_return_code(flush(&disk), 0);
	assert_return_code(disk_write(&disk, 0, bytes, BLOCK), 0);
	nbd_end(pid);
	pid = nbd_serve(at(), &how);
	/* The worker sees it with what it asks. */
	assert_int_equal(flush(&disk), -EIO);
	assert_true(reach_of(&disk).is_lossy);
	assert_false(reach_of(&disk).is_lossy);
	assert_return_code(flush(&disk), 0);
	disk_close(&disk);
	nbd_end(pid);
}

/* Unless its host has it, as who adds the disk says. */
static void flush_relies_on_a_host_that_keeps(void **state)
{
	const struct nbd_how how = { .bytes = MIB };
	uint8_t bytes[BLOCK] = { 0 };
	struct disk disk;
	pid_t pid = nbd_serve(at(), &how);

	(void)state;
	disk_start(&disk, "nbd", &(struct blk_source){ .path = uri, .cached = true });
	assert_return_code(disk_write(&disk, 0, bytes, BLOCK), 0);
	restart(&disk, &pid, &how, false);
	assert_false(reach_of(&disk).is_lossy);
	assert_return_code(flush(&disk), 0);
	disk_close(&disk);
	nbd_end(pid);
}

/* A connection that broke is none of a server that did. */
static void flush_covers_what_lives(void **state)
{
	const struct nbd_how how = { .bytes = MIB, .fault = NBD_IS_SILENT, .after = 1 };
	uint8_t bytes[BLOCK] = { 0 };
	struct disk_io read = { .io = { .op = BLK_READ, .length = BLOCK },
				.part = { bytes, BLOCK } };
	struct disk disk;
	const pid_t pid = start(&disk, &how);

	(void)state;
	assert_return_code(disk_write(&disk, 0, bytes, BLOCK), 0);
	disk_submit(&disk, &read);
	disk_poll(&disk);
	disk.backend->ops->reset(disk.backend);
	disk_wait(&disk, 0);
	for (unsigned int i = 0; i < 400 && !reach_of(&disk).losses; i++)
		poll(NULL, 0, 5);
	assert_int_equal(reach_of(&disk).losses, 1);
	assert_false(reach_of(&disk).is_lossy);
	disk_close(&disk);
	nbd_end(pid);
}

static void export_that_is_less_is_not_taken(void **state)
{
	struct nbd_how how = { .bytes = MIB }, less = { .bytes = MIB / 2 };
	struct blk_geometry geometry;
	struct disk disk;
	pid_t pid = start(&disk, &how);

	(void)state;
	restart(&disk, &pid, &less, true);
	expect_absent_for(&disk, "smaller than it was");
	less = (struct nbd_how){ .bytes = MIB, .flags = NBD_FLAGS & ~NBD_FLUSH };
	restart(&disk, &pid, &less, true);
	expect_absent_for(&disk, "cannot be flushed");
	less.flags = NBD_FLAGS & ~NBD_TRIM;
	restart(&disk, &pid, &less, true);
	expect_absent_for(&disk, "does not discard");
	less.flags = NBD_FLAGS & ~NBD_SHARED;
	restart(&disk, &pid, &less, true);
	expect_absent_for(&disk, "several connections");
	less.flags = NBD_FLAGS | NBD_READ_ONLY;
	restart(&disk, &pid, &less, true);
	expect_absent_for(&disk, "lets nobody write");
	less = (struct nbd_how){ .bytes = 2 * MIB };
	restart(&disk, &pid, &less, false);
	assert_return_code(disk.backend->ops->describe(disk.backend, &geometry), 0);
	assert_int_equal(geometry.bytes, 2 * MIB);
	disk_close(&disk);
	nbd_end(pid);
}

/* Workers with connections of their own, and on one. */
static void workers_come_and_go(void **state)
{
	struct nbd_how how = { .bytes = MIB };
	uint8_t bytes[BLOCK];
	struct disk disk;
	pid_t pid;

	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		struct disk other;

		pid = start(&disk, &how);
		other = disk;
		disk_use(&other, NULL);
		assert_int_equal(other.backend->ops->fd(other.channel) ==
					 disk.backend->ops->fd(disk.channel),
				 i);
		for (unsigned int j = 0; j < 4; j++) {
			memset(bytes, (int)j + 1, BLOCK);
			assert_return_code(disk_write(j % 2 ? &disk : &other, 0, bytes, BLOCK), 0);
			assert_return_code(disk_read(j % 2 ? &other : &disk, 0, bytes, BLOCK), 0);
			assert_int_equal(bytes[0], j + 1);
		}
		disk_leave(&other);
		disk_use(&other, NULL);
		assert_return_code(disk_read(&other, 0, bytes, BLOCK), 0);
		disk_leave(&other);
		disk_close(&disk);
		nbd_end(pid);
		how.flags = NBD_FLAGS & ~NBD_SHARED;
	}
}

/*
 * A server that is killed again and again under a load: every I/O is done once, and nothing is
 * lost.
 */
static void load_survives_servers(void **state)
{
	enum { DEPTH = 32, BLOCKS = 128, KILLS = 8, PERIOD = 300 };
	const struct nbd_how how = { .bytes = MIB };
	static struct disk_io ios[DEPTH];
	static uint8_t bytes[DEPTH][BLOCK];
	static unsigned int want[DEPTH], generation[BLOCKS];
	struct disk disk;
	pid_t pid = start(&disk, &how);
	const uint64_t end = monotonic_ms() + 2 * PATIENCE_MS;
	unsigned int kills = 0, turn = 0, count = 0;

	(void)state;
	memset(nbd_bytes(), 0, MIB);
	while (kills < KILLS) {
		/* Each has blocks to itself. */
		for (unsigned int i = 0; i < DEPTH; i++) {
			struct disk_io *io = &ios[i];
			const unsigned int block = i + DEPTH * (turn++ % (BLOCKS / DEPTH));
			const bool is_write = turn % 3;

			if (io->disk && !io->done)
				continue;
			if (io->disk && io->error == -ENOTCONN) {
				disk_submit(&disk, io);
				continue;
			}
			if (io->disk) {
				const unsigned int of = (unsigned int)(io->io.offset / BLOCK);

				assert_return_code(io->error, -io->error);
				if (io->io.op == BLK_WRITE)
					generation[of] = want[i];
				else
					assert_int_equal(*(unsigned int *)(void *)bytes[i],
							 generation[of]);
				count++;
			}
			want[i] = generation[block] + 1;
			memset(bytes[i], 0, BLOCK);
			if (is_write)
				memcpy(bytes[i], &want[i], sizeof(want[i]));
			*io = (struct disk_io){
				.io = { .op = is_write ? BLK_WRITE : BLK_READ,
					.offset = (uint64_t)block * BLOCK,
					.length = BLOCK },
				.part = { bytes[i], BLOCK },
			};
			disk_submit(&disk, io);
		}
		if (!disk_poll(&disk))
			poll(NULL, 0, 1);
		assert_true(monotonic_ms() < end);
		if (count < (kills + 1) * PERIOD)
			continue;
		nbd_end(pid);
		pid = nbd_serve(at(), &how);
		kills++;
	}
	disk_wait(&disk, 0);
	disk_close(&disk);
	nbd_end(pid);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_no_uri_is_refused),
		cmocka_unit_test(server_that_is_not_there_is_told),
		cmocka_unit_test_teardown(exports_that_are_no_disk_are_refused, teardown),
		cmocka_unit_test_teardown(server_that_demands_tls_is_refused, teardown),
		cmocka_unit_test_teardown(handshakes_that_lead_nowhere_end, teardown),
		cmocka_unit_test_teardown(flags_are_believed, teardown),
		cmocka_unit_test_teardown(pieces_are_one_command, teardown),
		cmocka_unit_test_teardown(faults_of_commands_are_errors, teardown),
		cmocka_unit_test_teardown(little_data_is_none, teardown),
		cmocka_unit_test_teardown(faults_of_connections_are_no_storm, teardown),
		cmocka_unit_test_teardown(silence_can_be_given_up, teardown),
		cmocka_unit_test_teardown(what_ends_with_another_command_ends_once, teardown),
		cmocka_unit_test_teardown(server_comes_back, teardown),
		cmocka_unit_test_teardown(server_is_missed_by_nobody, teardown),
		cmocka_unit_test_teardown(flush_does_not_cover_what_died, teardown),
		cmocka_unit_test_teardown(flush_covers_what_lives, teardown),
		cmocka_unit_test_teardown(flush_relies_on_a_host_that_keeps, teardown),
		cmocka_unit_test_teardown(export_that_is_less_is_not_taken, teardown),
		cmocka_unit_test_teardown(workers_come_and_go, teardown),
		cmocka_unit_test_teardown(load_survives_servers, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
