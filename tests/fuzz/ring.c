// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A driver that writes whatever comes to mind to its ring, split or packed as FUZZ_PACKED
 * says, between the device's calls and within them: whatever the device is told, it
 * stays within guest memory and comes to an end.
 *
 * "Within" is between two reads.  The ring's code is compiled so that it calls
 * __sanitizer_cov_loadN() before each load (only clang can), and there a byte that is
 * about to be read may become another one, at the time that the input says.  So what is
 * read twice is found without luck.
 */
#include <linux/virtio_config.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/fuzz/fuzz.h"
#include "tests/unit/ring.h"

#define STEPS 256
#define TABLES 4
#define TABLE_ENTRIES 8
#define RING_MAX 256

/* Where addresses of nonsense point, beside the borders of memory. */
#define NEAR (UINT64_C(1) << 16)

/* What is written there, at most, goes no further. */
#define WRITE_MAX 4096
#define USED_MEMORY (4 * NEAR)

/* Most that one input may change within the device's calls. */
#define FLIPS_MAX 4

static struct fixture fixture;
static struct dirty_log *log;
static const uint64_t *behind_log;
static uint64_t tables;
static uint64_t features;
static uint16_t size;

/* A bit of what the load that is that many loads away reads. */
struct flip {
	uint16_t loads;
	uint8_t bit;
};

static struct {
	bool in_device;
	unsigned int count;
	struct flip flips[FLIPS_MAX];
} hostile;

/* Over all inputs. */
static unsigned int errors[VIRTQ_ERRORS], chains, flipped;

static void before_load(uint8_t *at, size_t length)
{
	if (!hostile.in_device || !hostile.count || !in_guest_memory(&fixture, at, length))
		return;
	struct flip *flip = &hostile.flips[hostile.count - 1];

	if (flip->loads--)
		return;
	at[flip->bit / 8 % length] ^= (uint8_t)(1u << flip->bit % 8);
	flipped++;
	hostile.count--;
}

/* Names that the compiler knows. */
void __sanitizer_cov_load1(uint8_t *at);
void __sanitizer_cov_load2(uint8_t *at);
void __sanitizer_cov_load4(uint8_t *at);
void __sanitizer_cov_load8(uint8_t *at);
void __sanitizer_cov_load16(uint8_t *at);

void __sanitizer_cov_load1(uint8_t *at)
{
	before_load(at, 1);
}

void __sanitizer_cov_load2(uint8_t *at)
{
	before_load(at, 2);
}

void __sanitizer_cov_load4(uint8_t *at)
{
	before_load(at, 4);
}

void __sanitizer_cov_load8(uint8_t *at)
{
	before_load(at, 8);
}

void __sanitizer_cov_load16(uint8_t *at)
{
	before_load(at, 16);
}

static uint64_t any_address(struct fuzz_input *input)
{
	static const uint64_t borders[] = {GPA, GPA + GUEST_BYTES / 2, GPA + GUEST_BYTES};
	uint32_t border;

	switch (fuzz_below(input, 8)) {
	case 6:
		return fuzz_edge(input);
	case 7:
		border = fuzz_below(input, 3);
		return borders[border] + fuzz_below(input, 64) - 32;
	default:
		return GPA + fuzz_below(input, NEAR);
	}
}

/* A descriptor in the form of a split ring; of a packed one @next is the buffer ID. */
static struct vring_desc any_descriptor(struct fuzz_input *input, uint16_t entries)
{
	uint8_t kind = fuzz_u8(input);
	struct vring_desc desc = {.addr = any_address(input)};

	desc.len = kind & 0x80 ? (uint32_t)fuzz_edge(input) : fuzz_below(input, 3000);
	desc.flags = kind & 0x40 ? fuzz_u16(input) : kind & (VRING_DESC_F_NEXT | VRING_DESC_F_WRITE);
	desc.next = kind & 0x20 ? fuzz_u16(input) : (uint16_t)fuzz_below(input, entries);
	return desc;
}

static void write_descriptor(void *at, const struct vring_desc *desc)
{
	struct vring_packed_desc packed = {desc->addr, desc->len, desc->next, desc->flags};

	if (fixture.packed)
		memcpy(at, &packed, sizeof(packed));
	else
		memcpy(at, desc, sizeof(*desc));
}

/* A table of nonsense, mostly of a proper size, and the descriptor that points to it. */
static struct vring_desc any_indirect(struct fuzz_input *input)
{
	uint64_t gpa = tables + fuzz_below(input, TABLES) * TABLE_ENTRIES * 16;
	uint8_t kind = fuzz_u8(input), count = kind % TABLE_ENTRIES + 1;
	uint8_t *table = guest_at(&fixture.guest, gpa);

	for (unsigned int i = 0; i < count; i++) {
		struct vring_desc desc = any_descriptor(input, TABLE_ENTRIES);

		write_descriptor(table + 16 * i, &desc);
	}
	if (kind & 0x10)
		gpa = any_address(input);
	return (struct vring_desc){
		.addr = gpa,
		.len = kind & 0x20 ? (uint32_t)fuzz_edge(input) : 16u * count,
		.flags = VRING_DESC_F_INDIRECT | (kind & 0x40 ? VRING_DESC_F_NEXT : 0),
	};
}

static void put_split(struct fuzz_input *input, const struct vring_desc *desc)
{
	uint16_t index = (uint16_t)fuzz_below(input, size);
	struct vring_avail *avail = fixture.driver.avail;

	write_descriptor(&fixture.driver.desc[index], desc);
	if (!fuzz_one_in(input, 2))
		avail->ring[avail->idx++ & (size - 1)] = index;
}

/* Mostly the entry that the device looks at, with the bits that it looks for. */
static void put_packed(struct fuzz_input *input, struct vring_desc *desc)
{
	const struct virtq_packed *packed = &fixture.vq.packed;
	uint8_t kind = fuzz_u8(input);
	uint16_t index = kind & 1 ? (uint16_t)fuzz_below(input, size) :
				    (packed->avail_next + (kind >> 4)) % size;
	/* The entries behind the end are of the next round. */
	bool wrap = packed->avail_wrap ^ (index < packed->avail_next);

	desc->flags &= (uint16_t)~(BIT(VRING_PACKED_DESC_F_AVAIL) | BIT(VRING_PACKED_DESC_F_USED));
	desc->flags |= wrap ? BIT(VRING_PACKED_DESC_F_AVAIL) : BIT(VRING_PACKED_DESC_F_USED);
	if (kind & 2)
		desc->flags ^= fuzz_u16(input);
	write_descriptor(&fixture.driver.packed.desc[index], desc);
}

static void put(struct fuzz_input *input, struct vring_desc desc)
{
	if (fixture.packed)
		put_packed(input, &desc);
	else
		put_split(input, &desc);
}

/* A head, and an index that may jump; a packed ring has neither. */
static void make_available(struct fuzz_input *input)
{
	struct vring_avail *avail = fixture.driver.avail;
	uint16_t at;

	if (fixture.packed)
		return;
	at = (uint16_t)fuzz_below(input, size);
	avail->ring[at] = fuzz_u16(input);
	avail->idx += fuzz_one_in(input, 4) ? fuzz_u16(input) : 1;
}

/* Anything anywhere where rings and tables are. */
static void write_raw(struct fuzz_input *input)
{
	uint64_t word = fuzz_edge(input);

	memcpy(fixture.guest.host + fuzz_u16(input), &word, sizeof(word));
}

/* A ring that migrates may have several bursts in one. */
static void publish(struct fuzz_input *input)
{
	if (!fixture.log || !fuzz_one_in(input, 2))
		virtq_publish(&fixture.vq);
}

/* Give some chains back as if never taken, and the rest as used. */
static void use_batch(struct fuzz_input *input)
{
	struct virtq_batch *batch = &fixture.batch;

	check_batch(&fixture);
	chains += batch->chain_count;
	virtq_untake(&fixture.vq, batch, fuzz_below(input, batch->chain_count + 1u));
	check_batch(&fixture);
	if (fuzz_one_in(input, 4))
		virtq_return(&fixture.vq, batch);
	else
		for (unsigned int i = 0; i < batch->chain_count; i++)
			virtq_push(&fixture.vq, &batch->chains[i],
				   batch->chains[i].writable_length);
	publish(input);
}

static void take_chains(struct fuzz_input *input)
{
	unsigned int max = 1 + fuzz_below(input, VIRTQ_CHAINS_MAX);

	assert_true(take(&fixture, max) <= max);
	use_batch(input);
}

static void take_room(struct fuzz_input *input)
{
	unsigned int max = 1 + fuzz_below(input, 8);
	uint32_t length = 1 + fuzz_below(input, 10000);
	unsigned int taken = take_space(&fixture, length, max);
	uint64_t room = 0;

	assert_true(taken <= max);
	for (unsigned int i = 0; i < taken; i++) {
		assert_int_equal(fixture.batch.chains[i].readable, 0);
		room += fixture.batch.chains[i].writable_length;
	}
	assert_true(!taken || room >= length);
	use_batch(input);
}

/* Bytes from guest to guest, too: the same one for both ends. */
static void fill(struct fuzz_input *input)
{
	static uint8_t head[WRITE_MAX / 2];
	struct virtq_segment rest = {fixture.memory->regions[0].host + NEAR, WRITE_MAX / 2};
	struct virtq_write writes[4];
	unsigned int count = 1 + fuzz_below(input, 4);

	for (unsigned int i = 0; i < count; i++) {
		writes[i] = (struct virtq_write){
			.head = head,
			.head_length = 1 + fuzz_below(input, WRITE_MAX / 2),
			.rest = {&rest, &rest + 1, 0},
			.buffers = head + 10,
		};
		writes[i].rest_length = fuzz_below(input, WRITE_MAX / 2 + 1);
	}
	assert_true(virtq_fill(&fixture.vq, &fixture.batch, writes, count,
			       fuzz_one_in(input, 4) ? 1 : VIRTQ_CHAINS_MAX) <= count);
	publish(input);
}

static void ask_for_kicks(struct fuzz_input *input)
{
	if (fuzz_one_in(input, 2))
		virtq_kick_disable(&fixture.vq);
	else
		virtq_kick_enable(&fixture.vq);
}

/* When the driver wants to be called, which it says right behind its ring's entries. */
static void ask_for_calls(struct fuzz_input *input)
{
	uint32_t wish = (uint32_t)fuzz_edge(input);

	if (fixture.packed)
		memcpy(fixture.driver.packed.driver_event, &wish, sizeof(wish));
	else if (fuzz_one_in(input, 2))
		fixture.driver.avail->flags = (uint16_t)wish;
	else
		fixture.driver.avail->ring[size] = (uint16_t)wish;
}

static void plan_flip(struct fuzz_input *input)
{
	struct flip flip = {.loads = fuzz_u8(input)};

	flip.bit = fuzz_u8(input);
	if (hostile.count < FLIPS_MAX)
		hostile.flips[hostile.count++] = flip;
}

static void *in_device(void *in_driver)
{
	return guest_memory_at_user(fixture.memory, (uint64_t)(uintptr_t)in_driver, 1);
}

/* The ring goes on where it stands, in another process as it were. */
static void restart(struct fuzz_input *input)
{
	(void)input;
	errors[fixture.vq.error]++;
	virtq_start(&fixture.vq, &(struct virtq_setup){
					 .memory = fixture.memory,
					 .log = fixture.log,
					 .desc = in_device(driver_descriptor_area(&fixture.driver)),
					 .driver = in_device(driver_driver_area(&fixture.driver)),
					 .device = in_device(driver_device_area(&fixture.driver)),
					 .size = size,
					 .base = virtq_base(&fixture.vq),
					 .features = features,
				 });
}

static void put_descriptor(struct fuzz_input *input)
{
	put(input, any_descriptor(input, size));
}

static void put_indirect(struct fuzz_input *input)
{
	put(input, any_indirect(input));
}

static const struct step {
	void (*run)(struct fuzz_input *input);
	bool in_device;
} steps[] = {
	{put_descriptor, false}, {put_indirect, false},	 {make_available, false},
	{write_raw, false},	 {ask_for_calls, false}, {plan_flip, false},
	{take_chains, true},	 {take_room, true},	 {fill, true},
	{ask_for_kicks, true},	 {restart, true},
};

static void run(struct fuzz_input *input)
{
	uint8_t kind = fuzz_u8(input);

	memset(fixture.guest.host, 0, USED_MEMORY);
	memset(fixture.guest.host + GUEST_BYTES / 2 - NEAR, 0, 2 * NEAR);
	memset(fixture.guest.host + GUEST_BYTES - NEAR, 0, NEAR);
	memset(&hostile, 0, sizeof(hostile));
	fixture.guest.allocated = 0;
	size = fixture.packed && kind & 8 ? (uint16_t)(1 + fuzz_below(input, RING_MAX)) :
					    (uint16_t)(1u << (kind & 7));
	features = (kind & 0x40 ? 0 : EVENT_IDX) | (kind & 0x80 ? 0 : INDIRECT);
	tables = guest_alloc(&fixture.guest, TABLES * TABLE_ENTRIES * 16, 16);
	fixture.log = kind & 0x10 ? log : NULL;
	open_ring(&fixture, size, features);
	fixture.vq.reads_only = kind & 0x20;
	if (fixture.packed)
		features |= BIT(VIRTIO_F_RING_PACKED);
	for (unsigned int i = 0; i < STEPS && fuzz_left(input); i++) {
		const struct step *step = &steps[fuzz_below(input, sizeof(steps) / sizeof(*steps))];

		hostile.in_device = step->in_device;
		step->run(input);
		hostile.in_device = false;
	}
	errors[fixture.vq.error]++;
	assert_int_equal(*behind_log, 0);
}

/* As long as it must be, and what is behind it in its file is not its own. */
static void open_log(void)
{
	const uint64_t bytes = (GPA + GUEST_BYTES) / DIRTY_LOG_PAGE / 8;
	const struct file_part_request request = {memfd_create("log", MFD_CLOEXEC), bytes, 0, false};
	uint8_t *file;

	assert_return_code(ftruncate(request.fd, (off_t)bytes + 8), 0);
	assert_return_code(dirty_log_open(&log, fixture.iov, &request), 0);
	file = mmap(NULL, bytes + 8, PROT_READ, MAP_SHARED, request.fd, 0);
	assert_ptr_not_equal(file, MAP_FAILED);
	behind_log = (const uint64_t *)(const void *)(file + bytes);
	close(request.fd);
}

static void open_all(void)
{
	fixture_open(&fixture);
	open_log();
	fixture.packed = FUZZ_PACKED;
}

/* What a packed ring has no way to say, or a ring of a device that works in order, or
 * without an IOMMU. */
static bool is_unreachable(unsigned int error)
{
	return error == VIRTQ_ERROR_IN_FLIGHT || error == VIRTQ_ERROR_TRANSLATION ||
	       (FUZZ_PACKED && (error == VIRTQ_ERROR_HEAD || error == VIRTQ_ERROR_NEXT));
}

static void reached_everything(void)
{
	for (unsigned int i = VIRTQ_OK; i < VIRTQ_ERRORS; i++)
		if (!errors[i] && !is_unreachable(i))
			fail_msg("no ring of the corpus broke by %s", virtq_error_name(i));
	assert_true(chains > 0);
	assert_true(flipped > 0 || !FUZZ_LOADS);
}

const struct fuzz_target fuzz_target = {
	.open = open_all,
	.run = run,
	.done = reached_everything,
};
