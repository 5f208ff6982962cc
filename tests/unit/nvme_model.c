// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/nvme_model.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

static struct nvme_model *of(struct iov_nvme_bus *bus)
{
	return (struct nvme_model *)bus;
}

static uint32_t *reg32(struct nvme_model *model, unsigned int offset)
{
	return (uint32_t *)(void *)(model->registers + offset);
}

static uint64_t *reg64(struct nvme_model *model, unsigned int offset)
{
	return (uint64_t *)(void *)(model->registers + offset);
}

/* NULL for nothing. */
static void *find(const struct nvme_model *model, uint64_t iova, uint64_t bytes)
{
	for (unsigned int i = 0; i < model->mapped_count; i++)
		if (iova >= model->mapped[i].iova && bytes <= model->mapped[i].bytes &&
		    iova - model->mapped[i].iova <= model->mapped[i].bytes - bytes)
			return (void *)(uintptr_t)(model->mapped[i].at + iova - model->mapped[i].iova);
	return NULL;
}

/* What it reaches there; a test fails when that is nothing. */
static void *at(struct nvme_model *model, uint64_t iova, uint64_t bytes)
{
	void *found = find(model, iova, bytes);

	if (!found)
		fail_msg("the controller reaches for 0x%llx", (unsigned long long)iova);
	return found;
}

static int map(struct nvme_model *model, void *memory, uint64_t bytes, uint64_t *iova, void *own)
{
	assert_int_equal(((uintptr_t)memory | bytes) % NVME_PAGE, 0);
	if (model->mapped_count == MODEL_MAPPED)
		return -ENOSPC;
	*iova = model->next_iova;
	/* What follows in memory does not follow for it. */
	model->next_iova += bytes + 16 * NVME_PAGE;
	model->mapped[model->mapped_count].at = (uintptr_t)memory;
	model->mapped[model->mapped_count].bytes = bytes;
	model->mapped[model->mapped_count].own = own;
	model->mapped[model->mapped_count++].iova = *iova;
	return 0;
}

static void unmap(struct nvme_model *model, uint64_t iova)
{
	for (unsigned int i = 0; i < model->mapped_count; i++) {
		if (model->mapped[i].iova != iova)
			continue;
		free(model->mapped[i].own);
		model->mapped[i] = model->mapped[--model->mapped_count];
		return;
	}
	fail_msg("nothing is mapped there");
}

static struct nvme_model *begin(struct iov_nvme_bus *bus)
{
	pthread_mutex_lock(&of(bus)->lock);
	return of(bus);
}

static int end(struct nvme_model *model, int error)
{
	pthread_mutex_unlock(&model->lock);
	return error;
}

static int bus_map(struct iov_nvme_bus *bus, void *memory, uint64_t bytes, uint64_t *iova)
{
	struct nvme_model *model = begin(bus);

	if (!model->map_fails)
		return end(model, map(model, memory, bytes, iova, NULL));
	model->map_fails--;
	return end(model, -ENOSPC);
}

static void bus_unmap(struct iov_nvme_bus *bus, uint64_t iova, uint64_t bytes)
{
	struct nvme_model *model = begin(bus);

	(void)bytes;
	unmap(model, iova);
	end(model, 0);
}

static int bus_alloc(struct iov_nvme_bus *bus, uint64_t bytes, void **memory, uint64_t *iova)
{
	struct nvme_model *model = begin(bus);
	int error;

	bytes = (bytes + NVME_PAGE - 1) & ~(NVME_PAGE - 1);
	*memory = aligned_alloc(NVME_PAGE, bytes);
	assert_non_null(*memory);
	memset(*memory, 0, bytes);
	error = map(model, *memory, bytes, iova, *memory);
	if (error) {
		free(*memory);
		*memory = NULL;
	}
	return end(model, error);
}

static void bus_free(struct iov_nvme_bus *bus, void *memory, uint64_t bytes, uint64_t iova)
{
	struct nvme_model *model = begin(bus);

	(void)bytes;
	if (memory)
		unmap(model, iova);
	end(model, 0);
}

static int bus_interrupt(struct iov_nvme_bus *bus, unsigned int vector, int fd)
{
	struct nvme_model *model = begin(bus);

	assert_true(vector < bus->vectors);
	model->interrupts += fd >= 0;
	model->events_of[vector] = fd;
	/* As Linux does it, whatever was masked there before. */
	model->table[4 * vector + 3] = fd < 0;
	model->is_due[vector] = false;
	return end(model, 0);
}

static void forget(struct nvme_model *model)
{
	memset(model->queues, 0, sizeof(model->queues));
	memset(model->registers + NVME_DOORBELLS, 0, IOV_NVME_REGISTERS - NVME_DOORBELLS);
	model->pending_count = 0;
	model->shadows = 0;
	model->has_event_request = false;
	model->is_fatal = false;
	model->is_stuck = false;
	model->is_late = false;
}

static void bus_silence(struct iov_nvme_bus *bus)
{
	struct nvme_model *model = begin(bus);

	/* It reaches nothing, so it goes on with nothing. */
	model->pending_count = 0;
	memset(model->queues, 0, sizeof(model->queues));
	end(model, 0);
}

static int bus_reset(struct iov_nvme_bus *bus)
{
	struct nvme_model *model = begin(bus);

	model->resets++;
	if (model->has_no_reset)
		return end(model, -EIO);
	forget(model);
	if (!model->is_gone)
		*reg32(model, NVME_CSTS) = 0;
	*reg32(model, NVME_CC) = 0;
	return end(model, 0);
}

static void bus_pause(struct iov_nvme_bus *bus)
{
	nvme_model_run(of(bus));
}

static void bus_close(struct iov_nvme_bus *bus)
{
	(void)bus;
}

static const struct iov_nvme_bus_ops ops = {
	.map = bus_map,
	.unmap = bus_unmap,
	.alloc = bus_alloc,
	.free = bus_free,
	.interrupt = bus_interrupt,
	.silence = bus_silence,
	.reset = bus_reset,
	.pause = bus_pause,
	.close = bus_close,
};

static void make_bar(struct nvme_model *model)
{
	model->bar = memfd_create("bar", MFD_CLOEXEC);
	assert_return_code(model->bar, errno);
	assert_return_code(ftruncate(model->bar, MODEL_BAR), errno);
	model->registers = mmap(NULL, MODEL_BAR, PROT_READ | PROT_WRITE, MAP_SHARED, model->bar, 0);
	assert_true(model->registers != MAP_FAILED);
	model->table = (uint32_t *)(void *)(model->registers + IOV_NVME_REGISTERS);
}

void nvme_model_open(struct nvme_model *model, uint64_t seed)
{
	memset(model, 0, sizeof(*model));
	pthread_mutex_init(&model->lock, NULL);
	make_bar(model);
	memset(model->events_of, -1, sizeof(model->events_of));
	model->bus.ops = &ops;
	snprintf(model->bus.name, sizeof(model->bus.name), "0000:77:00.0");
	model->bus.registers = model->registers;
	model->bus.vectors = MODEL_QUEUES + 1;
	model->bus.table = model->table;
	model->random = (struct random){ seed };
	model->next_iova = UINT64_C(1) << 32;
	model->mdts = 5;
	model->has_cache = true;
	model->spaces = 1;
	model->block_bits = 9;
	model->queue_count = MODEL_QUEUES;
	/* 256 entries, half a second, doorbells beside each other */
	*reg64(model, NVME_CAP) = 255 | UINT64_C(1) << 24;
	for (unsigned int i = 0; i < MODEL_SPACES; i++)
		model->space[i] = (struct model_space){ calloc(1, MODEL_BYTES), MODEL_BYTES, 0, false };
}

void nvme_model_close(struct nvme_model *model)
{
	assert_int_equal(model->mapped_count, 0);
	for (unsigned int i = 0; i < MODEL_SPACES; i++)
		free(model->space[i].medium);
	munmap(model->registers, MODEL_BAR);
	close(model->bar);
	pthread_mutex_destroy(&model->lock);
}

static bool is_masked(const struct nvme_model *model, unsigned int vector)
{
	return __atomic_load_n(&model->table[4 * vector + 3], __ATOMIC_RELAXED) & 1;
}

/* PCI 3.0 section 6.8.3.4: once it is not masked any more. */
static void fire_due(struct nvme_model *model)
{
	for (unsigned int i = 0; i <= MODEL_QUEUES; i++) {
		if (!model->is_due[i] || is_masked(model, i))
			continue;
		model->is_due[i] = false;
		if (model->events_of[i] >= 0)
			eventfd_write(model->events_of[i], 1);
	}
}

static void say(struct nvme_model *model, unsigned int queue, uint16_t of, uint16_t id,
		uint16_t status)
{
	struct model_queue *pair = &model->queues[queue];
	struct nvme_completion *done = at(model, pair->completions + pair->tail * sizeof(*done),
					  sizeof(*done));

	done->queue = of;
	done->id = id;
	/* Who sees it sees the rest. */
	__atomic_store_n(&done->status, (uint16_t)(status << 1 | pair->phase), __ATOMIC_RELEASE);
	if (++pair->tail == pair->entries) {
		pair->tail = 0;
		pair->phase ^= 1;
	}
	if (pair->interrupts)
		model->is_due[pair->vector] = true;
}

void nvme_model_say(struct nvme_model *model, unsigned int queue, uint16_t of, uint16_t id,
		    uint16_t status)
{
	pthread_mutex_lock(&model->lock);
	if (model->queues[queue].exists)
		say(model, queue, of, id, status);
	fire_due(model);
	pthread_mutex_unlock(&model->lock);
}

bool nvme_model_tell(struct nvme_model *model, uint32_t event)
{
	struct model_queue *pair = &model->queues[0];
	bool is_told;

	pthread_mutex_lock(&model->lock);
	is_told = model->has_event_request && pair->exists;
	if (is_told) {
		struct nvme_completion *done = at(model, pair->completions + pair->tail * sizeof(*done),
						  sizeof(*done));

		model->has_event_request = false;
		done->result = event;
		say(model, 0, 0, model->event_id, 0);
	}
	pthread_mutex_unlock(&model->lock);
	return is_told;
}

static void identify_controller(const struct nvme_model *model, uint8_t *page)
{
	const uint16_t optional = model->shares_doorbells ? 1 << 8 : 0, commands = 1 << 2 | 1 << 3;

	memcpy(page + NVME_CONTROLLER_SERIAL, "model-1             ", 20);
	memcpy(page + NVME_CONTROLLER_MODEL, "played\n                                 ", 40);
	page[NVME_CONTROLLER_MDTS] = model->mdts;
	memcpy(page + NVME_CONTROLLER_OACS, &optional, sizeof(optional));
	memcpy(page + NVME_CONTROLLER_ONCS, &commands, sizeof(commands));
	page[NVME_CONTROLLER_VWC] = model->has_cache;
	page[NVME_CONTROLLER_OAES + 1] = NVME_NOTICE_SPACES >> 8;
	page[NVME_CONTROLLER_SGLS] = model->scatters ? 2 : 0;
}

static bool has_space(const struct nvme_model *model, uint32_t id)
{
	return id && id <= model->spaces && model->space[id - 1].bytes;
}

/* Of one that is not there all is zero. */
static void identify_space(struct nvme_model *model, uint32_t id, uint8_t *page)
{
	const uint64_t blocks = has_space(model, id) ? model->space[id - 1].bytes >> model->block_bits : 0;
	const uint32_t format = model->block_bits << 16 | (model->has_metadata ? 8 : 0);

	if (!blocks)
		return;
	if (model->space[id - 1].told < blocks)
		model->space[id - 1].told = blocks;
	memcpy(page + NVME_NAMESPACE_BLOCKS, &blocks, sizeof(blocks));
	memcpy(page + NVME_NAMESPACE_FORMATS, &format, sizeof(format));
	page[NVME_NAMESPACE_ATTRIBUTES] = model->protects;
	page[NVME_NAMESPACE_DEALLOCATE] = 1 << 3 | 1;
	page[NVME_NAMESPACE_NGUID] = (uint8_t)(0xa0 + id);
	page[NVME_NAMESPACE_FEATURES] = 1 << 4;
	page[NVME_NAMESPACE_WRITE_BLOCKS] = 7;
}

static void list_spaces(const struct nvme_model *model, uint8_t *page)
{
	for (uint32_t id = 1, at = 0; id <= model->spaces; id++)
		if (has_space(model, id))
			page[4 * at++] = (uint8_t)id;
}

static void identify(struct nvme_model *model, const struct nvme_command *command)
{
	uint8_t *page = at(model, command->data[0], NVME_PAGE);

	memset(page, 0, NVME_PAGE);
	if (command->words[0] == NVME_IDENTIFY_CONTROLLER)
		identify_controller(model, page);
	else if (command->words[0] == NVME_IDENTIFY_NAMESPACE)
		identify_space(model, command->nsid, page);
	else
		list_spaces(model, page);
	/* Not so that it is served: what it is asked for then is not within what it has. */
	if (model->lies_of_itself) {
		for (unsigned int i = 0; i < NVME_PAGE; i++)
			page[i] = (uint8_t)random_next(&model->random);
		page[NVME_NAMESPACE_FORMATS + 1] |= command->words[0] == NVME_IDENTIFY_NAMESPACE;
	}
}

static uint16_t create(struct nvme_model *model, const struct nvme_command *command)
{
	struct model_queue *pair = &model->queues[command->words[0] & 0xffff];
	const uint16_t entries = (uint16_t)((command->words[0] >> 16) + 1);
	const bool is_submission = command->opcode == NVME_ADMIN_CREATE_SQ;

	if ((command->words[0] & 0xffff) > model->queue_count)
		return 0x101;
	assert_int_equal(command->words[1] & NVME_QUEUE_CONTIGUOUS, 1);
	if (model->is_late && !find(model, command->data[0], entries * (is_submission ? 64u : 16u)))
		return NVME_STATUS_FINAL | 0x004;
	at(model, command->data[0], entries * (is_submission ? 64u : 16u));
	if (is_submission) {
		assert_int_equal(command->words[1] >> 16, command->words[0] & 0xffff);
		pair->commands = command->data[0];
		pair->exists = true;
	} else {
		*pair = (struct model_queue){
			.completions = command->data[0], .entries = entries, .phase = 1,
			.vector = (uint16_t)(command->words[1] >> 16),
			.interrupts = command->words[1] & NVME_QUEUE_INTERRUPTS,
		};
		assert_true(pair->vector < model->bus.vectors);
	}
	return 0;
}

static void drop_pending(struct nvme_model *model, unsigned int queue)
{
	unsigned int kept = 0;

	for (unsigned int i = 0; i < model->pending_count; i++)
		if (model->pending[i].queue != queue)
			model->pending[kept++] = model->pending[i];
	model->pending_count = kept;
}

static void read_log(struct nvme_model *model, const struct nvme_command *command)
{
	const size_t bytes = 4 * ((size_t)(command->words[0] >> 16) + 1);
	uint8_t *log = at(model, command->data[0], bytes);

	assert_true(bytes <= NVME_PAGE);
	model->logs++;
	memset(log, model->lies_of_itself ? 0xff : 0, bytes);
	if ((command->words[0] & 0xff) == NVME_LOG_HEALTH)
		log[0] = model->warnings;
}

static uint16_t administer(struct nvme_model *model, const struct nvme_command *command,
			   uint32_t *result)
{
	if (model->refuses && model->status_count) {
		model->status_count--;
		return model->status;
	}
	switch (command->opcode) {
	case NVME_ADMIN_IDENTIFY:
		identify(model, command);
		return 0;
	case NVME_ADMIN_GET_LOG:
		read_log(model, command);
		return 0;
	case NVME_ADMIN_SET_FEATURES:
		if (command->words[0] == NVME_FEATURE_EVENTS) {
			model->told_events = command->words[1];
			return 0;
		}
		assert_int_equal(command->words[0], NVME_FEATURE_QUEUES);
		*result = (model->queue_count - 1) << 16 | (model->queue_count - 1);
		return 0;
	case NVME_ADMIN_CREATE_CQ:
	case NVME_ADMIN_CREATE_SQ:
		return create(model, command);
	case NVME_ADMIN_DELETE_SQ:
	case NVME_ADMIN_DELETE_CQ:
		model->queues[command->words[0]].exists = false;
		drop_pending(model, command->words[0]);
		return 0;
	case NVME_ADMIN_ABORT:
		model->aborts++;
		return 0;
	case NVME_ADMIN_DOORBELLS:
		model->shadows = command->data[0];
		model->events = command->data[1];
		return 0;
	default:
		return 0x001;
	}
}

/* Bytes between memory of a command and the medium, a part at a time. */
static void move_part(struct nvme_model *model, bool is_read, uint64_t iova, uint64_t bytes,
		      uint8_t **medium)
{
	if (model->is_confused && !find(model, iova, bytes))
		return;
	if (is_read)
		memcpy(at(model, iova, bytes), *medium, bytes);
	else
		memcpy(*medium, at(model, iova, bytes), bytes);
	*medium += bytes;
}

static void move_pages(struct nvme_model *model, const struct nvme_command *command, uint64_t bytes,
		       uint8_t *medium)
{
	uint64_t first = NVME_PAGE - command->data[0] % NVME_PAGE;
	const bool is_read = command->opcode == NVME_READ;
	const uint64_t *list;

	first = first < bytes ? first : bytes;
	move_part(model, is_read, command->data[0], first, &medium);
	bytes -= first;
	if (bytes && bytes <= NVME_PAGE) {
		assert_int_equal(command->data[1] % NVME_PAGE, 0);
		move_part(model, is_read, command->data[1], bytes, &medium);
		return;
	}
	if (bytes)
		list = at(model, command->data[1], (bytes + NVME_PAGE - 1) / NVME_PAGE * 8);
	for (unsigned int i = 0; bytes; i++) {
		uint64_t part = bytes < NVME_PAGE ? bytes : NVME_PAGE;

		assert_true(model->is_confused || !(list[i] % NVME_PAGE));
		move_part(model, is_read, list[i], part, &medium);
		bytes -= part;
	}
}

static void move_lists(struct nvme_model *model, const struct nvme_command *command, uint64_t bytes,
		       uint8_t *medium)
{
	const uint32_t length = (uint32_t)command->data[1];
	const struct nvme_sgl *list = at(model, command->data[0], length);

	model->lists++;
	assert_int_equal(command->data[1] >> 56, 0x30);
	for (unsigned int i = 0; i < length / sizeof(*list); i++) {
		if (model->is_confused && (list[i].kind >> 32 || (uint32_t)list[i].kind > bytes))
			return;
		assert_int_equal(list[i].kind >> 32, 0);
		assert_true((uint32_t)list[i].kind <= bytes);
		move_part(model, command->opcode == NVME_READ, list[i].address, (uint32_t)list[i].kind,
			  &medium);
		bytes -= (uint32_t)list[i].kind;
	}
	assert_true(model->is_confused || !bytes);
}

/* Nobody asks for more than was told of, which may be more than there is by now. */
static bool is_there(const struct nvme_model *model, uint32_t nsid, uint64_t block, uint64_t blocks)
{
	const struct model_space *space = &model->space[nsid - 1];

	assert_true(block + blocks <= space->told);
	return block + blocks <= space->bytes >> model->block_bits;
}

static uint16_t transfer(struct nvme_model *model, const struct nvme_command *command)
{
	const uint64_t block = command->words[0] | (uint64_t)command->words[1] << 32;
	const uint64_t blocks = (command->words[2] & 0xffff) + UINT64_C(1);
	const uint64_t bytes = blocks << model->block_bits;
	uint8_t *medium = model->space[command->nsid - 1].medium + (block << model->block_bits);

	if (!is_there(model, command->nsid, block, blocks))
		return NVME_STATUS_FINAL | 0x080;
	assert_true(!model->mdts || bytes <= NVME_PAGE << model->mdts);
	model->stable_writes += command->opcode != NVME_READ && command->words[2] & NVME_FUA;
	if (command->opcode == NVME_ZEROES) {
		model->zeroes++;
		memset(medium, 0, bytes);
		return 0;
	}
	model->reads += command->opcode == NVME_READ;
	model->writes += command->opcode == NVME_WRITE;
	if (command->flags & NVME_FLAG_SGL)
		move_lists(model, command, bytes, medium);
	else
		move_pages(model, command, bytes, medium);
	return 0;
}

static uint16_t discard(struct nvme_model *model, const struct nvme_command *command)
{
	const struct nvme_range *range = at(model, command->data[0], sizeof(*range));

	model->discards++;
	if (model->is_confused && range->first + range->blocks > MODEL_BYTES >> model->block_bits)
		return 0;
	assert_int_equal(command->words[1], NVME_DSM_DEALLOCATE);
	if (!is_there(model, command->nsid, range->first, range->blocks))
		return NVME_STATUS_FINAL | 0x080;
	memset(model->space[command->nsid - 1].medium + (range->first << model->block_bits), 0,
	       (size_t)range->blocks << model->block_bits);
	return 0;
}

static uint16_t carry_out(struct nvme_model *model, const struct nvme_command *command)
{
	if (model->status_count) {
		model->status_count--;
		return model->status;
	}
	assert_true(command->nsid && command->nsid <= MODEL_SPACES);
	/* Not there any more, or another one by now, NVM Command Set 1.0 section 2.3 */
	if (!has_space(model, command->nsid))
		return NVME_STATUS_FINAL | 0x00b;
	if (model->space[command->nsid - 1].is_other)
		return NVME_STATUS_FINAL | 0x084;
	switch (command->opcode) {
	case NVME_FLUSH:
		model->flushes++;
		return 0;
	case NVME_DSM:
		return discard(model, command);
	default:
		return transfer(model, command);
	}
}

static uint16_t tail_of(struct nvme_model *model, unsigned int queue)
{
	const unsigned int offset = 2 * queue * sizeof(uint32_t);
	const uint32_t *bell = reg32(model, NVME_DOORBELLS + offset);

	model->doorbells += !!*bell;
	if (model->shadows && queue && (!model->is_late || find(model, model->shadows, NVME_PAGE)))
		bell = at(model, model->shadows + offset, sizeof(*bell));
	/* What was announced is there. */
	return (uint16_t)__atomic_load_n(bell, __ATOMIC_ACQUIRE);
}

static void run_admin(struct nvme_model *model)
{
	struct model_queue *pair = &model->queues[0];
	const uint16_t tail = tail_of(model, 0);

	model->is_late |= model->is_mute;
	while (!model->is_mute && pair->exists && pair->head != tail) {
		struct nvme_command command = *(struct nvme_command *)at(
			model, pair->commands + pair->head * sizeof(command), sizeof(command));
		uint32_t result = 0;
		struct nvme_completion *done;
		uint16_t status;

		if (command.opcode == NVME_ADMIN_ASYNC_EVENT) {
			/* One at a time is what there is a limit for. */
			assert_false(model->has_event_request);
			model->has_event_request = true;
			model->event_id = command.id;
			pair->head = (uint16_t)((pair->head + 1) % pair->entries);
			continue;
		}
		status = administer(model, &command, &result);
		done = at(model, pair->completions + pair->tail * sizeof(*done), sizeof(*done));
		pair->head = (uint16_t)((pair->head + 1) % pair->entries);
		done->result = result;
		say(model, 0, 0, command.id, status ? status | NVME_STATUS_FINAL : 0);
	}
}

static void fetch(struct nvme_model *model, unsigned int queue)
{
	struct model_queue *pair = &model->queues[queue];
	const uint16_t tail = pair->exists ? tail_of(model, queue) : 0;

	while (pair->exists && pair->head != tail) {
		assert_true(model->pending_count < MODEL_PENDING);
		model->pending[model->pending_count].queue = queue;
		model->pending[model->pending_count++].command = *(struct nvme_command *)at(
			model, pair->commands + pair->head * sizeof(struct nvme_command), 64);
		pair->head = (uint16_t)((pair->head + 1) % pair->entries);
	}
}

/* Some of what it has, whichever. */
static void end_some(struct nvme_model *model)
{
	unsigned int most = model->pending_count ? 1 + random_below(&model->random,
								    model->pending_count) : 0;

	while (most--) {
		const unsigned int i = random_below(&model->random, model->pending_count);
		const struct nvme_command command = model->pending[i].command;
		const unsigned int queue = model->pending[i].queue;

		model->pending[i] = model->pending[--model->pending_count];
		say(model, queue, (uint16_t)queue, command.id, carry_out(model, &command));
	}
}

static void switch_on(struct nvme_model *model)
{
	const uint32_t sizes = *reg32(model, NVME_AQA);

	forget(model);
	model->queues[0] = (struct model_queue){
		.exists = true, .commands = *reg64(model, NVME_ASQ),
		.completions = *reg64(model, NVME_ACQ), .phase = 1,
		.entries = (uint16_t)((sizes & 0xfff) + 1),
	};
	*reg32(model, NVME_CSTS) = NVME_CSTS_READY;
}

static void run(struct nvme_model *model)
{
	uint32_t *status = reg32(model, NVME_CSTS);
	bool is_on;

	if (model->is_gone) {
		*status = NVME_GONE;
		return;
	}
	if (*status == NVME_GONE) {
		forget(model);
		*status = 0;
		*reg32(model, NVME_CC) = 0;
	}
	is_on = *reg32(model, NVME_CC) & NVME_CC_ENABLE;
	if (model->is_fatal && is_on) {
		*status |= NVME_CSTS_FATAL;
		model->is_late = true;
		return;
	}
	if (!is_on) {
		if (*status)
			forget(model);
		*status = 0;
		return;
	}
	if (!(*status & NVME_CSTS_READY))
		switch_on(model);
	run_admin(model);
	for (unsigned int i = 1; i <= MODEL_QUEUES; i++)
		fetch(model, i);
	if (!model->is_stuck)
		end_some(model);
}

void nvme_model_run(struct nvme_model *model)
{
	pthread_mutex_lock(&model->lock);
	run(model);
	fire_due(model);
	pthread_mutex_unlock(&model->lock);
}
