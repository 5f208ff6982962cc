/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Copies of a few cache lines without a call.
 *
 * The C library's copy is made for every length, and finding out which one it got costs as
 * much as the copy of a small frame.  Here whole blocks are copied, and the last one ends with
 * the last byte, over bytes that were copied before.  A block is as few registers as the
 * processor has that the caller is compiled for.
 */
#ifndef VHOST_USER_COPY_H
#define VHOST_USER_COPY_H

#include <stdint.h>
#include <string.h>

#include "vhost-user/compiler.h"

#define COPY_BLOCK 64

/* Anywhere in memory. */
typedef uint64_t copy_word __attribute__((aligned(1), may_alias));

/* Words that are all read before the first is written, which compilers make vectors of. */
static ALWAYS_INLINE void copy_one_block(uint8_t *to, const uint8_t *from)
{
	const copy_word *in = (const copy_word *)from;
	const uint64_t a = in[0], b = in[1], c = in[2], d = in[3];
	const uint64_t e = in[4], f = in[5], g = in[6], h = in[7];
	copy_word *out = (copy_word *)to;

	out[0] = a;
	out[1] = b;
	out[2] = c;
	out[3] = d;
	out[4] = e;
	out[5] = f;
	out[6] = g;
	out[7] = h;
}

/* From one to four blocks. */
static ALWAYS_INLINE void copy_blocks(uint8_t *to, const uint8_t *from, size_t length)
{
	copy_one_block(to, from);
	if (length > 2 * COPY_BLOCK) {
		copy_one_block(to + COPY_BLOCK, from + COPY_BLOCK);
		if (length > 3 * COPY_BLOCK)
			copy_one_block(to + 2 * COPY_BLOCK, from + 2 * COPY_BLOCK);
	}
	copy_one_block(to + length - COPY_BLOCK, from + length - COPY_BLOCK);
}

/* From 16 bytes to less than a block. */
static ALWAYS_INLINE void copy_pieces(uint8_t *to, const uint8_t *from, size_t length)
{
	for (size_t at = 0; at + 16 < length; at += 16)
		memcpy(to + at, from + at, 16);
	memcpy(to + length - 16, from + length - 16, 16);
}

/**
 * copy_short - copy what mostly are some hundred bytes at most
 * @to: where to
 * @from: where from; does not overlap with @to, but may change meanwhile, and then either what
 *	was there or what is there is copied of each byte
 * @length: bytes
 */
static ALWAYS_INLINE void copy_short(void *to, const void *from, size_t length)
{
	/* Here the C library's loop is worth the call. */
	if (unlikely(length > 4 * COPY_BLOCK))
		memcpy(to, from, length);
	else if (likely(length >= COPY_BLOCK))
		copy_blocks(to, from, length);
	else if (length >= 16)
		copy_pieces(to, from, length);
	else
		memcpy(to, from, length);
}

/**
 * copy_ahead - copy some cache lines and have others come meanwhile
 * @to: where to; may overlap with @from, and then what is there afterwards is anything
 * @from: where from; may change meanwhile
 * @length: bytes, COPY_BLOCK at least
 * @next_to: where as many bytes will be written next
 * @next_from: where as many bytes will be read next
 */
static ALWAYS_INLINE void copy_ahead(uint8_t *to, const uint8_t *from, size_t length,
				     const uint8_t *next_to, const uint8_t *next_from)
{
	for (size_t at = 0; at + COPY_BLOCK < length; at += COPY_BLOCK) {
		__builtin_prefetch(next_from + at);
		prefetch_for_writing(next_to + at);
		copy_one_block(to + at, from + at);
	}
	copy_one_block(to + length - COPY_BLOCK, from + length - COPY_BLOCK);
}

#endif
