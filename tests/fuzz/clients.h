/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Clients of iovd's control socket and of its metrics, who ask for what there is, or anything. */
#ifndef IOV_TESTS_FUZZ_CLIENTS_H
#define IOV_TESTS_FUZZ_CLIENTS_H

#include "tests/fuzz/fuzz.h"

/* Of a change only whether it would be made is asked. */
#define CLIENTS_DRY 0x30

/* Without waiting for a place: a socket, or -errno. */
int clients_come(const char *path);

/* One that asks for one of what there is, with a few bytes of it otherwise. */
void clients_request(struct fuzz_input *input, bool is_dry);

/* The same of @count requests of a caller, where a $ is the directory of iovd's sockets. */
void clients_request_of(struct fuzz_input *input, const char *const *requests, uint32_t count,
			bool is_dry);

/* One that asks for the metrics. */
void clients_scrape(struct fuzz_input *input);

/* Many at once. */
void clients_too_many(struct fuzz_input *input);

/* One that sends more than is read, or that does not read what it is answered. */
void clients_too_long(struct fuzz_input *input);

/* One for which iovd has no descriptor left. */
void clients_without_descriptors(struct fuzz_input *input);

/* One that may not ask. */
void clients_stranger(void);

/* At the end of a corpus. */
void clients_reached_everything(void);

#endif
