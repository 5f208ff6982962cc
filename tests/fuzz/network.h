/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A network namespace of this process alone, and the interface of its uplink. */
#ifndef IOV_TESTS_FUZZ_NETWORK_H
#define IOV_TESTS_FUZZ_NETWORK_H

#include <stdbool.h>

/* Before there are threads. */
void network_open(void);

/* Whether there is one; what is done to interfaces is done to none otherwise. */
bool network_is_own(void);

/* A device that has read a frame when it takes it, where it may be made: those get guest memory. */
const char *network_device(void);

/* That interface goes down, or comes back. */
void network_set_link(bool is_up);

#endif
