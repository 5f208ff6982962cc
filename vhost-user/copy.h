/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Copies of a few cache lines without a call.
 *
 * The C library's copy is made for every length, and finding out which one it got costs as
 * much as the copy of a small frame.  Here whole blocks are copied, and the last one ends with
 * the last byte, over bytes that were copied before.
 */
#ifndef VHOST_USER_COPY_H
#define VHOST_USER_COPY_H

#include <stdint.h>
#include <string.h>

/* Blocks of @block bytes, known to the compiler; @length is no less. */
static inline __attribute__((always_inline)) void copy_blocks(uint8_t *to, const uint8_t *from,
							      size_t length, size_t block)
{
	for (size_t at = 0; at + block < length; at += block)
		memcpy(to + at, from + at, block);
	memcpy(to + length - block, from + length - block, block);
}

/**
 * copy_short - copy what mostly are some hundred bytes at most
 * @to: where to
 * @from: where from; does not overlap with @to, but may change meanwhile, and then either what
 *	was there or what is there is copied of each byte
 * @length: bytes
 */
static inline void copy_short(void *to, const void *from, size_t length)
{
	/* Here the C library's vectors are worth the call. */
	if (__builtin_expect(length > 256, 0))
		memcpy(to, from, length);
	else if (__builtin_expect(length >= 64, 1))
		copy_blocks(to, from, length, 64);
	else if (length >= 16)
		copy_blocks(to, from, length, 16);
	else
		memcpy(to, from, length);
}

#endif
