/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Asking the guards; for base/ alone. */
#ifndef IOV_BASE_GUARD_ASK_H
#define IOV_BASE_GUARD_ASK_H

#include "base/guard/scan.h"

/* Who uses a device of the host, who has claimed it, or both. */
struct guard_question {
	const char *device;
	bool users;
	bool claims;
};

/*
 * Look at everything once, for as many devices as needed: @findings receives an array with
 * an array of findings for each, which the caller puts.  0 or -errno with a message.
 */
int guard_ask(struct iov *iov, const struct guard_question *questions, size_t count,
	      struct json_object **findings);

/*
 * What somebody who is given @devices has as well, see struct guard_source: @shared receives an array, which
 * the caller puts.  0 or -errno with a message.
 */
int guard_ask_shared(struct iov *iov, const char *const *devices, size_t count, struct json_object **shared);

/*
 * Whether a process drives one of @devices (other names are passed over) through
 * VFIO; @text receives "0000:01:10.0 is held by pid 71 (qemu)".  When that cannot be told it
 * says so instead.  Keeps the message.
 */
bool find_vfio_holder(struct iov *iov, char *const *devices, size_t count, char *text, size_t size);

#endif
