/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A time as text, as entries of the history, claims and results have it: ISO 8601, UTC. */
#ifndef IOV_BASE_UTC_H
#define IOV_BASE_UTC_H

#include <time.h>

#ifdef __cplusplus
extern "C" {
#endif

/* "2026-01-31T12:00:00Z" with its NUL, and room for years of more digits. */
#define UTC_TEXT_SIZE 32

static inline void utc_text(time_t when, char text[UTC_TEXT_SIZE])
{
	struct tm tm;

	text[0] = '\0';
	if (gmtime_r(&when, &tm))
		strftime(text, UTC_TEXT_SIZE, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

#ifdef __cplusplus
}
#endif

#endif
