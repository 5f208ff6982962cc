/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Descriptors of this process: who gives back all that came has as many as before. */
#ifndef IOV_TESTS_FUZZ_DESCRIPTORS_H
#define IOV_TESTS_FUZZ_DESCRIPTORS_H

#include <poll.h>

#define DESCRIPTORS_WATCHED 512

static inline unsigned int count_descriptors(void)
{
	static struct pollfd polled[DESCRIPTORS_WATCHED];
	unsigned int open = 0;

	for (int i = 0; i < DESCRIPTORS_WATCHED; i++)
		polled[i] = (struct pollfd){.fd = i};
	poll(polled, DESCRIPTORS_WATCHED, 0);
	for (int i = 0; i < DESCRIPTORS_WATCHED; i++)
		open += polled[i].revents != POLLNVAL;
	return open;
}

#endif
