/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Asking the guards; for base/ alone. */
#ifndef IOV_BASE_GUARD_ASK_H
#define IOV_BASE_GUARD_ASK_H

#include "base/guard/scan.h"

/*
 * Look at everything once, for as many devices as needed: @findings receives an array with
 * an array of findings for each, which the caller puts.  0 or -errno with a message.
 * @fleet: also at who has claimed them
 */
int guard_ask(struct iov *iov, const char *const *devices, size_t count, bool fleet,
	      struct json_object **findings);

/*
 * Whether a process drives one of @devices (other names are passed over) through
 * VFIO; @text receives "0000:01:10.0 is held by pid 71 (qemu)".  When that cannot be told it
 * says so instead.  Keeps the message.
 */
bool find_vfio_holder(struct iov *iov, char *const *devices, size_t count, char *text, size_t size);

#endif
