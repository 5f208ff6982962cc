/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Guests at the ports of a running iovd. */
#ifndef IOV_TESTS_GUESTS_H
#define IOV_TESTS_GUESTS_H

#include "tests/wire/frontend.h"

/* A guest with one queue pair at @fd, a connected socket; @features beyond the usual ones. */
void boot(struct frontend *guest, int fd, uint64_t features);

/* A frame of @value passes; 20 each way. */
void expect_frame(struct frontend *from, struct frontend *to, uint8_t value);
void expect_traffic(struct frontend *a, struct frontend *b);

/* The same, while frames that were sent before may still be on their way. */
void expect_frame_amid(struct frontend *from, struct frontend *to);
void expect_traffic_amid(struct frontend *a, struct frontend *b);

#endif
