// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/fuzz/controller.h"

/* Enough for all that is overdue. */
#define SECONDS 41

/* Over all inputs. */
static unsigned int lied, resized, seconds, told;

void controller_open(struct nvme_model *model, struct fuzz_input *input)
{
	static const unsigned int queues[] = { MODEL_QUEUES, 1, 2, MODEL_QUEUES };
	const uint8_t kind = fuzz_u8(input);

	nvme_model_open(model, 1 + fuzz_u8(input));
	model->scatters = kind & 1;
	model->shares_doorbells = kind & 2;
	model->has_cache = !(kind & 4);
	model->lies_of_itself = kind & 8;
	model->protects = kind & 16;
	model->queue_count = queues[kind >> 5 & 3];
	if (!(kind & 128))
		return;
	model->spaces = fuzz_below(input, MODEL_SPACES + 1);
	model->block_bits = 9 + fuzz_below(input, 5);
	model->mdts = (uint8_t)fuzz_below(input, 12);
	model->has_metadata = fuzz_one_in(input, 8);
	model->map_fails = fuzz_below(input, 4);
	model->bus.vectors = 1 + fuzz_below(input, MODEL_QUEUES + 1);
	if (fuzz_one_in(input, 2))
		model->bus.table = NULL;
}

/* Of a queue that it has, or it reaches for nothing. */
static void lie(struct nvme_model *model, struct fuzz_input *input)
{
	const uint16_t of = (uint16_t)(1 + (fuzz_one_in(input, 4) ? fuzz_u16(input) : 0));
	const uint16_t id = fuzz_one_in(input, 4) ? fuzz_u16(input) : (uint16_t)fuzz_below(input, 256);
	const uint16_t status = fuzz_one_in(input, 4) ? fuzz_u16(input) & 0x7fff : 0;

	/* What it says has ended and has not reads the list of the next one in that slot. */
	model->is_confused = true;
	nvme_model_say(model, 1, of, id, status);
	lied++;
}

static void answer_otherwise(struct nvme_model *model, struct fuzz_input *input)
{
	const uint16_t status = fuzz_u16(input) & 0x7fff;
	const uint8_t count = fuzz_u8(input);

	pthread_mutex_lock(&model->lock);
	model->status = status;
	model->status_count = count % 16;
	model->refuses = count & 16;
	model->warnings = (uint8_t)(status >> 3);
	pthread_mutex_unlock(&model->lock);
	/* Something that it tells of, and the log that says more */
	if (count & 32)
		told += nvme_model_tell(model, (status & 7) | (status >> 3 & 3) << 8 | (status >> 5 & 7) << 16);
}

static void break_down(struct nvme_model *model, struct fuzz_input *input)
{
	const uint8_t kind = fuzz_u8(input);

	pthread_mutex_lock(&model->lock);
	model->is_stuck = kind & 1;
	model->is_fatal = kind & 2;
	model->is_gone = kind & 4;
	model->is_mute = (kind & 0x18) == 0x18;
	model->has_no_reset = kind & 32;
	pthread_mutex_unlock(&model->lock);
}

/* Another controller of the same subsystem does that to it. */
static void change_space(struct nvme_model *model, struct fuzz_input *input)
{
	static const uint64_t sizes[] = { MODEL_BYTES, 0, MODEL_BYTES / 2, 65536, 512, MODEL_BYTES - 512 };
	const uint64_t bytes = sizes[fuzz_below(input, 6)];
	const unsigned int at = fuzz_below(input, MODEL_SPACES);
	const bool is_formatted = fuzz_one_in(input, 4);

	pthread_mutex_lock(&model->lock);
	model->space[at].bytes = bytes;
	if (is_formatted)
		model->block_bits = model->block_bits == 9 ? 12 : 9;
	for (unsigned int i = 0; i < MODEL_SPACES; i++)
		model->space[i].is_other |= is_formatted;
	pthread_mutex_unlock(&model->lock);
	resized++;
}

void controller_acts(struct nvme_model *model, struct keeper *keeper, struct fuzz_input *input)
{
	switch (fuzz_below(input, 6)) {
	case 0:
		return lie(model, input);
	case 1:
		return answer_otherwise(model, input);
	case 2:
		return break_down(model, input);
	case 3:
		return change_space(model, input);
	case 4:
		return keeper_look(keeper, true);
	default:
		for (unsigned int i = 0; i < SECONDS; i++)
			keeper_look(keeper, true);
		seconds += SECONDS;
	}
}

void controller_heal(struct nvme_model *model)
{
	pthread_mutex_lock(&model->lock);
	model->status_count = 0;
	model->is_gone = model->is_fatal = model->is_stuck = model->is_mute = false;
	model->has_no_reset = false;
	for (unsigned int i = 0; i < MODEL_SPACES; i++)
		model->space[i].bytes = MODEL_BYTES;
	pthread_mutex_unlock(&model->lock);
}

void controller_second(struct keeper *keeper)
{
	pthread_mutex_lock(&keeper->lock);
	keeper->tried_ms = 0;
	pthread_mutex_unlock(&keeper->lock);
	keeper_look(keeper, true);
}

void controller_reached_everything(void)
{
	assert_true(lied && resized && seconds && told);
}
