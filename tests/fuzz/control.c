// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Commands of a net device's control queue, in chains cut anyhow: whatever they say, the
 * device is sound, no more is written than there is room for, and what it was told can
 * be saved and loaded.
 */
#include "base/cleanup.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/test.h"
#include "vhost-user/net/ctrl_vq.h"
#include "vhost-user/net/net_config.h"

#define PAIRS 5
#define COMMAND_MAX 1024
#define ROOM_MAX 12

static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 1 };

/* Over all inputs. */
static unsigned int refused, steered, hashed, filtered, coalesced;

static void check(const struct net_device *net)
{
	uint8_t space[sizeof(struct virtio_net_config)];
	const struct net_settings settings = { .mac = mac };

	assert_true(net->pairs <= PAIRS || !net_device_has(net, VIRTIO_NET_F_CTRL_VQ));
	assert_int_equal(net->offloads & ~(net->features & NET_OFFLOADS), 0);
	assert_true(net->rss.mask < NET_RSS_TABLE && net->rss.unclassified < PAIRS);
	for (unsigned int i = 0; i <= net->rss.mask; i++)
		assert_true(net->rss.table[i] < PAIRS);
	assert_true(net->filter.unicast.count <= NET_FILTER_MACS);
	assert_true(net->filter.multicast.count <= NET_FILTER_MACS);
	net_config_fill(net, &settings, space);
}

/* The bytes of a command in parts of @part, each of them memory of its own. */
static void add_parts(struct virtq_batch *batch, uint16_t *count, const uint8_t *bytes,
		      uint32_t length, uint32_t part)
{
	for (uint32_t at = 0; at < length; at += part) {
		uint32_t size = length - at < part ? length - at : part;
		uint8_t *copy = malloc(size);

		assert_non_null(copy);
		memcpy(copy, bytes + at, size);
		batch->segments[batch->segment_count++] = (struct virtq_segment){ copy, size };
		++*count;
	}
}

static void run_command(struct net_device *net, struct fuzz_input *input)
{
	static struct virtq_batch batch;
	struct virtq_chain *chain = batch.chains;
	static const uint8_t nothing[ROOM_MAX];
	uint8_t bytes[COMMAND_MAX];
	uint32_t length = 2 + fuzz_below(input, 256), part = fuzz_u8(input);
	uint32_t room = (fuzz_below(input, ROOM_MAX) + 1) % ROOM_MAX;

	if (fuzz_one_in(input, 8))
		length = fuzz_below(input, COMMAND_MAX);
	fuzz_bytes(input, bytes, length);
	virtq_batch_reset(&batch);
	*chain = (struct virtq_chain){ .readable_length = length, .writable_length = room };
	part = part ? part : COMMAND_MAX;
	part = part < 4 ? 4 : part; /* a batch has no more segments */
	add_parts(&batch, &chain->readable, bytes, length, part);
	add_parts(&batch, &chain->writable, nothing, room, part);
	assert_true(ctrl_vq_run(net, &batch, chain) <= room);
	for (unsigned int i = 0; i < batch.segment_count; i++)
		free(batch.segments[i].data);
	check(net);
}

/* What one device was told, another one can be told. */
static void move(const struct net_device *net)
{
	struct net_device copy = { .pairs_max = PAIRS };
	_cleanup_free_ uint8_t *bytes = NULL;
	size_t length;

	net_device_reset(&copy, net->features, mac);
	assert_return_code(net_device_save(net, &bytes, &length), 0);
	assert_return_code(net_device_load(&copy, bytes, length), 0);
	assert_int_equal(copy.pairs, net->pairs);
	assert_int_equal(copy.offloads, net->offloads);
	assert_memory_equal(&copy.filter.vlans, &net->filter.vlans, sizeof(copy.filter.vlans));
	assert_int_equal(copy.rss.steers, net->rss.steers);
}

/* Any bytes as the state of a device. */
static void load_anything(struct net_device *net, struct fuzz_input *input)
{
	size_t length = fuzz_left(input);
	_cleanup_free_ uint8_t *bytes = malloc(length + !length);

	assert_non_null(bytes);
	fuzz_bytes(input, bytes, length);
	net_device_load(net, bytes, length);
	check(net);
}

static void run(struct fuzz_input *input)
{
	static struct net_device net;

	net = (struct net_device){ .pairs_max = PAIRS };
	net_device_reset(&net, ~fuzz_u64(input), mac);
	if (fuzz_one_in(input, 16))
		load_anything(&net, input);
	while (fuzz_left(input))
		run_command(&net, input);
	if (net_device_has(&net, VIRTIO_NET_F_CTRL_VQ))
		move(&net);
	refused += net.refused > 0;
	steered += net.rss.steers;
	hashed += net.rss.types && !net.rss.steers;
	filtered += !net_filter_is_open(&net.filter);
	coalesced += net.coalescing[0].packets > 0;
}

static void reached_everything(void)
{
	assert_true(refused && steered && hashed && filtered && coalesced);
}

const struct fuzz_target fuzz_target = {
	.run = run,
	.done = reached_everything,
};
