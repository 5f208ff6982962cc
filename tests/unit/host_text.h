/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Host files from memory, called host.yaml in messages. */
#ifndef IOV_TESTS_HOST_TEXT_H
#define IOV_TESTS_HOST_TEXT_H

#include "host/file/file.h"

/* Of the test that runs; @file is what load() read last. */
extern char *tree;
extern struct iov *iov;
extern struct iov_host_file *file;

/* cmocka fixtures: an empty host. */
int host_text_setup(void **state);
int host_text_teardown(void **state);

/* Read a text; what host_load_text() gives. */
int load(const char *text);

/* Read a text that has to be right. */
const struct iov_host *loaded(const char *text);

/* A text and the message that it is refused with. */
struct refusal {
	const char *text, *message;
};

void assert_refused(const struct refusal *refusals, size_t count);
#define ASSERT_REFUSED(list) assert_refused(list, sizeof(list) / sizeof(*(list)))

#endif
