/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the library said of an error, for tests. */
#ifndef IOV_TESTS_SAID_H
#define IOV_TESTS_SAID_H

#include <string.h>

#include "base/iov.h"
#include "tests/unit/test.h"

/* The last message of a context has this part. */
static inline void assert_said(const struct iov *iov, const char *part)
{
	const char *message = iov_error_message(iov);

	if (!strstr(message, part))
		fail_msg("'%s' is not in: %s", part, message);
}

#endif
