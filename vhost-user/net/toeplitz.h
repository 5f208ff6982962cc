/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The Toeplitz hash of receive-side scaling, virtio 1.2 section 5.1.6.4.3. */
#ifndef VHOST_USER_NET_TOEPLITZ_H
#define VHOST_USER_NET_TOEPLITZ_H

#include <stdint.h>

/* Key for the longest input: two IPv6 addresses and two ports, and 32 bits more. */
#define TOEPLITZ_KEY 40
#define TOEPLITZ_INPUT (TOEPLITZ_KEY - 4)

/**
 * struct toeplitz - a key, made ready
 * @nibble: what each half of each byte of an input adds to the hash
 */
struct toeplitz {
	uint32_t nibble[2 * TOEPLITZ_INPUT][16];
};

/**
 * toeplitz_prepare - make a key ready
 * @toeplitz: receives it
 * @key: the key
 */
void toeplitz_prepare(struct toeplitz *toeplitz, const uint8_t key[TOEPLITZ_KEY]);

/**
 * toeplitz_hash - hash an input
 * @toeplitz: a key
 * @input: bytes in the order of the network
 * @length: at most TOEPLITZ_INPUT
 */
uint32_t toeplitz_hash(const struct toeplitz *toeplitz, const uint8_t *input, unsigned int length);

#endif
