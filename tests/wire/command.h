/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The driver's side of a net device's control queue. */
#ifndef IOV_TESTS_COMMAND_H
#define IOV_TESTS_COMMAND_H

#include "tests/wire/frontend.h"

/* Add a command to vring @ring without waiting for it; where its acknowledgement will be. */
uint8_t *command_add(struct frontend *frontend, unsigned int ring, uint8_t class, uint8_t id,
		     const void *data, uint32_t length);

/* Wait until the device gave a command back. */
void command_wait(struct frontend *frontend, unsigned int ring);

/* Send a command and wait; the acknowledgement. */
uint8_t command_send(struct frontend *frontend, unsigned int ring, uint8_t class, uint8_t id,
		     const void *data, uint32_t length);

#endif
