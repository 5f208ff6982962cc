/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The packed half of driver.h, for driver.c. */
#ifndef IOV_TESTS_DRIVER_PACKED_H
#define IOV_TESTS_DRIVER_PACKED_H

#include "tests/wire/driver.h"

void packed_open(struct driver *driver, struct guest *guest);
int packed_add(struct driver *driver, const struct driver_buffer *buffers, unsigned int count);
bool packed_publish(struct driver *driver);
bool packed_used(struct driver *driver, struct vring_used_elem *element);
void packed_want_calls(struct driver *driver, bool wanted);

#endif
