// SPDX-License-Identifier: GPL-2.0-or-later
// A device is a process that is killed again and again, at random and at chosen
// instructions.  The driver, which lives on, gets each chain back exactly once.
#include <errno.h>
#include <linux/virtio_config.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/random.h"
#include "tests/unit/ring.h"
#include "vhost-user/ring/virtq_inflight.h"
#include "vhost-user/ring/virtq_position.h"

/* Kills of each kind of device and ring; an argument gives another number. */
#define KILLS 50
static unsigned int kills = KILLS;

#define RING 24
#define REQUEST 64
#define PASS_MAX 6
#define SOON_NS 60000
#define MAGIC UINT64_C(0x9e3779b97f4a7c15)
#define SEED UINT64_C(0xd1b54a32d192ed03)

/* What is in flight is written down: chains are given back in any order. */
struct kind {
	bool packed;
	bool in_flight;
};

/* What outlives the device: all of it is shared. */
struct shared {
	uint64_t position;
	uint8_t region[4096];
	uint64_t passes;
	bool failed;
};

struct world {
	struct fixture fixture;
	struct kind kind;
	struct random random;
	struct shared *shared;
	uint16_t size;
	uint64_t memory;		/* of the requests */
	uint16_t free[RING];
	unsigned int free_count;
	uint64_t sent;
	uint64_t back;
	uint64_t number[RING];		/* of the request in that memory */
	uint16_t outstanding[65536];	/* request behind a head or buffer ID, 0 for none */
};

/* Device: lives in the child */

struct device {
	struct virtq vq;
	struct virtq_inflight *inflight;
	struct virtq_batch batch;
	struct virtq_chain chains[RING];
	unsigned int count;
};

static struct device device;

static void die_unless(struct world *world, bool condition)
{
	if (condition)
		return;
	world->shared->failed = true;
	_exit(1);
}

static struct virtq_setup setup_of(const struct world *world)
{
	const struct driver *driver = &world->fixture.driver;
	const struct guest_memory *memory = world->fixture.memory;
	uint64_t features = EVENT_IDX | (world->kind.packed ? BIT(VIRTIO_F_RING_PACKED) : 0);

	return (struct virtq_setup){
		.memory = memory,
		.desc = guest_memory_at_user(
			memory, (uint64_t)(uintptr_t)driver_descriptor_area(driver), 1),
		.driver = guest_memory_at_user(
			memory, (uint64_t)(uintptr_t)driver_driver_area(driver), 1),
		.device = guest_memory_at_user(
			memory, (uint64_t)(uintptr_t)driver_device_area(driver), 1),
		.size = world->size,
		.base = driver_base(driver),
		.features = features,
	};
}

static void device_start(struct world *world)
{
	struct virtq_setup setup = setup_of(world);

	device.count = 0;
	if (world->kind.in_flight) {
		die_unless(world, !virtq_inflight_open(&device.inflight, world->fixture.iov,
						       world->shared->region, world->size, &setup));
	} else if (world->kind.packed) {
		setup.position = &world->shared->position;
		virtq_position_resume(&setup, world->shared->position, &setup.base);
	} else {
		setup.base = ((const struct vring_used *)setup.device)->idx;
	}
	virtq_start(&device.vq, &setup);
}

/* Answer a request where it asks for that. */
static uint32_t work(const struct virtq_chain *chain)
{
	struct virtq_cursor from = virtq_readable(&device.batch, chain);
	struct virtq_cursor to = virtq_writable(&device.batch, chain, 1);
	uint64_t number = 0;

	virtq_cursor_read(&from, &number, sizeof(number));
	number *= MAGIC;
	return (uint32_t)virtq_cursor_write(&to, &number, sizeof(number));
}

static void device_pass_in_order(struct random *random)
{
	unsigned int left;

	virtq_batch_reset(&device.batch);
	virtq_take(&device.vq, &device.batch, 1 + random_below(random, PASS_MAX));
	left = random_below(random, device.batch.chain_count + 1u) / 2;
	virtq_untake(&device.vq, &device.batch, left);
	if (random_below(random, 2)) {
		/* All at once, and chains of one entry in runs. */
		virtq_return(&device.vq, &device.batch);
	} else {
		for (unsigned int i = 0; i < device.batch.chain_count; i++)
			virtq_push(&device.vq, &device.batch.chains[i],
				   work(&device.batch.chains[i]));
	}
	virtq_publish(&device.vq);
}

static void device_pass_in_flight(struct random *random)
{
	virtq_batch_reset(&device.batch);
	if (!virtq_inflight_resume(device.inflight, &device.vq, &device.batch, RING))
		virtq_inflight_take(device.inflight, &device.vq, &device.batch,
				    1 + random_below(random, PASS_MAX));
	for (unsigned int i = 0; i < device.batch.chain_count; i++) {
		work(&device.batch.chains[i]);
		device.chains[device.count++] = device.batch.chains[i];
	}
	for (unsigned int left = random_below(random, device.count + 1u); left; left--) {
		unsigned int at = random_below(random, device.count);

		virtq_inflight_push(device.inflight, &device.vq, &device.chains[at],
				    device.chains[at].writable ? 8 : 0);
		device.chains[at] = device.chains[--device.count];
	}
	virtq_inflight_publish(device.inflight, &device.vq);
}

static void device_pass(struct world *world, struct random *random)
{
	if (world->kind.in_flight)
		device_pass_in_flight(random);
	else
		device_pass_in_order(random);
	die_unless(world, device.vq.error == VIRTQ_OK);
	world->shared->passes++;
}

/* Driver: lives in the parent */

static void send_one(struct world *world)
{
	uint16_t request = world->free[world->free_count - 1];
	uint64_t at = world->memory + (uint64_t)request * REQUEST;
	struct driver_buffer buffers[4] = {{at, 8, false}};
	unsigned int count = 1;
	int id;

	if (!random_below(&world->random, 4))
		buffers[count++] = (struct driver_buffer){at + 8, 4, false};
	if (!random_below(&world->random, 4))
		buffers[count++] = (struct driver_buffer){at + 16, 8, true};
	if (buffers[count - 1].writable && random_below(&world->random, 2))
		buffers[count++] = (struct driver_buffer){at + 24, 8, true};
	id = driver_add(&world->fixture.driver, buffers, count);
	if (id < 0)
		return;
	assert_int_equal(world->outstanding[id], 0);
	world->outstanding[id] = request + 1;
	world->number[request] = ++world->sent;
	memcpy(guest_at(&world->fixture.guest, at), &world->sent, 8);
	memset(guest_at(&world->fixture.guest, at + 16), 0, 16);
	world->free_count--;
}

static void collect(struct world *world)
{
	struct vring_used_elem element;

	while (driver_used(&world->fixture.driver, &element)) {
		uint16_t request = world->outstanding[element.id];
		uint64_t answer, at;

		/* Given back, and not twice. */
		assert_int_not_equal(request, 0);
		world->outstanding[element.id] = 0;
		request--;
		at = world->memory + (uint64_t)request * REQUEST;
		memcpy(&answer, guest_at(&world->fixture.guest, at + 16), 8);
		/* An element that was being written when its device died has no length. */
		if (element.len == 8)
			assert_int_equal(answer, world->number[request] * MAGIC);
		else
			assert_int_equal(element.len, 0);
		world->free[world->free_count++] = request;
		world->back++;
	}
}

static void drive(struct world *world)
{
	assert_false(world->shared->failed);
	collect(world);
	for (unsigned int count = random_below(&world->random, PASS_MAX);
	     count && world->free_count; count--)
		send_one(world);
	driver_publish(&world->fixture.driver);
}

static void wait_to_be_traced(uint32_t unused)
{
	(void)unused;
	ptrace(PTRACE_TRACEME, 0, NULL, NULL);
	raise(SIGSTOP);
}

/* The kernel kills us then, wherever we are. */
static void set_end(uint32_t nanoseconds)
{
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGKILL};
	struct itimerspec when = {.it_value = {0, 1 + nanoseconds}};
	timer_t timer;

	timer_create(CLOCK_MONOTONIC, &event, &timer);
	timer_settime(timer, 0, &when, NULL);
}

/* A device that makes @passes passes and then ends, if it comes to that. */
static pid_t spawn(struct world *world, unsigned int passes, void (*prepare)(uint32_t number))
{
	struct random random = {random_next(&world->random) | 1};
	pid_t pid = fork();

	assert_return_code(pid, errno);
	if (pid)
		return pid;
	if (prepare == set_end && random_one_in(&random, 4))
		prepare(random_below(&random, SOON_NS));
	device_start(world);
	if (prepare)
		prepare(random_below(&random, SOON_NS));
	for (; passes; passes--)
		device_pass(world, &random);
	_exit(0);
}

static void reap(pid_t pid)
{
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* Let a traced device go on for so many instructions; false when it came to its end. */
static bool step(pid_t pid, unsigned int instructions, unsigned int *done)
{
	int status;

	for (*done = 0; *done < instructions; ++*done) {
		assert_return_code(ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL), errno);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		if (WIFEXITED(status))
			return false;
	}
	return true;
}

static pid_t spawn_traced(struct world *world)
{
	pid_t pid = spawn(world, 1, wait_to_be_traced);
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSTOPPED(status));
	return pid;
}

static void open_world(struct world *world, struct kind kind)
{
	struct fixture *fixture = &world->fixture;

	memset(world, 0, sizeof(*world));
	world->kind = kind;
	world->random = (struct random){SEED};
	world->size = kind.packed ? RING : 16;
	fixture_open(fixture);
	driver_open(&fixture->driver, &fixture->guest, world->size,
		    EVENT_IDX | (kind.packed ? BIT(VIRTIO_F_RING_PACKED) : 0));
	world->shared = mmap(NULL, sizeof(*world->shared), PROT_READ | PROT_WRITE,
			     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(world->shared, MAP_FAILED);
	assert_true(virtq_inflight_bytes(world->size, kind.packed ? BIT(VIRTIO_F_RING_PACKED) : 0) <=
		    sizeof(world->shared->region));
	world->memory = guest_alloc(&fixture->guest, RING * REQUEST, 64);
	for (uint16_t i = 0; i < RING; i++)
		world->free[world->free_count++] = i;
}

/* Devices that nobody kills give all back that is left. */
static void close_world(struct world *world)
{
	for (int tries = 0; tries < 1000 && world->sent != world->back; tries++) {
		reap(spawn(world, 3, NULL));
		assert_false(world->shared->failed);
		collect(world);
	}
	assert_int_equal(world->sent, world->back);
	printf("%s, %s: %lu chains, each given back once\n", world->kind.packed ? "packed" : "split",
	       world->kind.in_flight ? "any order" : "in order", (unsigned long)world->sent);
	munmap(world->shared, sizeof(*world->shared));
	fixture_close(&world->fixture);
}

static const struct kind kinds[] = {
	{false, false}, {true, false}, {false, true}, {true, true},
};

static struct world *new_world(struct kind kind)
{
	struct world *world = aligned_alloc(_Alignof(struct world), sizeof(*world));

	assert_non_null(world);
	open_world(world, kind);
	return world;
}

/* Both sides run at the same time. */
static void killed_at_random(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		struct world *world = new_world(kinds[i]);

		for (unsigned int kill_count = 0; kill_count < kills; kill_count++) {
			pid_t pid = spawn(world, UINT32_MAX, NULL);
			uint64_t until = world->shared->passes + random_below(&world->random, 100);

			while (world->shared->passes < until && !world->shared->failed)
				drive(world);
			assert_return_code(kill(pid, SIGKILL), errno);
			reap(pid);
		}
		close_world(world);
		free(world);
	}
}

/* Short after its start or within it, when it repairs what the one before left. */
static void killed_soon(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		struct world *world = new_world(kinds[i]);

		for (unsigned int kill_count = 0; kill_count < 4 * kills; kill_count++) {
			pid_t pid;

			drive(world);
			pid = spawn(world, UINT32_MAX, set_end);
			drive(world);
			reap(pid);
		}
		close_world(world);
		free(world);
	}
}

/* After so many instructions of a pass, from none to all; tracing takes long. */
static void killed_at_each_instruction(void **state)
{
	unsigned int length, done;

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		struct world *world = new_world(kinds[i]);

		drive(world);
		assert_false(step(spawn_traced(world), UINT32_MAX, &length));
		for (unsigned int kill_count = 0; kill_count < kills / 10; kill_count++) {
			pid_t pid;

			drive(world);
			pid = spawn_traced(world);
			if (step(pid, kill_count * length / (kills / 10), &done)) {
				assert_return_code(kill(pid, SIGKILL), errno);
				reap(pid);
			}
		}
		close_world(world);
		free(world);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(killed_at_random),
		cmocka_unit_test(killed_soon),
		cmocka_unit_test(killed_at_each_instruction),
	};

	if (argc > 1)
		kills = (unsigned int)strtoul(argv[1], NULL, 10);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
