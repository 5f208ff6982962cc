/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fuzz targets: what is done with any sequence of bytes.
 *
 * A target is linked with libfuzzer.c, which hunts for bytes that break it, and with
 * replay.c, which any compiler builds and which runs the bytes of corpus/ as a test.
 * Targets fail by cmocka's assertions, which end the process, or under a sanitizer.
 *
 * The bytes are a program of the target's making: it reads what to do next with the
 * functions below, which give zeros at the end.  So zero should mean the usual.  Read
 * one thing in a statement: the order within one is the compiler's, and a corpus is for all.
 */
#ifndef IOV_TESTS_FUZZ_H
#define IOV_TESTS_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct fuzz_input {
	const uint8_t *next;
	const uint8_t *end;
};

/**
 * struct fuzz_target - defined once by each target
 * @open: called once, before all; may be NULL
 * @run: called for each input; must leave nothing behind
 * @done: called after all of a corpus: whether it still reaches what it should; may be NULL
 */
struct fuzz_target {
	void (*open)(void);
	void (*run)(struct fuzz_input *input);
	void (*done)(void);
};

extern const struct fuzz_target fuzz_target;

static inline void fuzz_open(void)
{
	/* Outside of its tests cmocka says what failed only before it aborts. */
	setenv("CMOCKA_TEST_ABORT", "1", 1);
	if (fuzz_target.open)
		fuzz_target.open();
}

static inline size_t fuzz_left(const struct fuzz_input *input)
{
	return (size_t)(input->end - input->next);
}

/* The next bytes as they are; zeros where there are none. */
static inline void fuzz_bytes(struct fuzz_input *input, void *to, size_t size)
{
	size_t have = fuzz_left(input) < size ? fuzz_left(input) : size;

	memset(to, 0, size);
	memcpy(to, input->next, have);
	input->next += have;
}

static inline uint8_t fuzz_u8(struct fuzz_input *input)
{
	return input->next == input->end ? 0 : *input->next++;
}

static inline uint16_t fuzz_u16(struct fuzz_input *input)
{
	uint16_t value;

	fuzz_bytes(input, &value, sizeof(value));
	return value;
}

static inline uint64_t fuzz_u64(struct fuzz_input *input)
{
	uint64_t value;

	fuzz_bytes(input, &value, sizeof(value));
	return value;
}

/* A number below @limit, which is at most 65536. */
static inline uint32_t fuzz_below(struct fuzz_input *input, uint32_t limit)
{
	return (limit <= 256 ? fuzz_u8(input) : fuzz_u16(input)) % limit;
}

/* True for one value in @chances, of which zero is none. */
static inline bool fuzz_one_in(struct fuzz_input *input, uint32_t chances)
{
	return fuzz_below(input, chances) == chances - 1;
}

/* A number that breaks things: small, a power of two, one less, or any. */
static inline uint64_t fuzz_edge(struct fuzz_input *input)
{
	uint8_t kind = fuzz_u8(input);

	switch (kind & 3) {
	case 0:
		return kind >> 2;
	case 1:
		return UINT64_C(1) << (kind >> 2);
	case 2:
		return (UINT64_C(1) << (kind >> 2)) - 1;
	default:
		return fuzz_u64(input);
	}
}

#endif
