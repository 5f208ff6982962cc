/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An NBD server that offers, answers and breaks off as its script has it, from the beginning on for
 * each of its connections.  It has threads of its own.
 */
#ifndef IOV_TESTS_FUZZ_NBD_SERVER_H
#define IOV_TESTS_FUZZ_NBD_SERVER_H

#include <stdbool.h>
#include <stddef.h>

#include "tests/fuzz/fuzz.h"

/* All bytes of what it is read, or zeros. */
#define NBD_SERVER_CONTENT 0x5a

/* Most bytes that it is written at once. */
#define NBD_SERVER_BYTES 65536

/* Once, before all. */
void nbd_server_open(void);

/* Where it is: a Unix socket, or an address. */
const char *nbd_server_uri(bool is_tcp);

/* The script of the connections to come, of so many bytes of the input, or what is left of that. */
void nbd_server_play(struct fuzz_input *input, size_t length);

/* As new: what it offers first from now on it offers again when it is well. */
void nbd_server_forget(void);

/* It offers that from now on, and does whatever it is asked. */
void nbd_server_heal(void);

/* Another script, no connections any more, nobody there, or all well: as the input says. */
void nbd_server_acts(struct fuzz_input *input);

#endif
