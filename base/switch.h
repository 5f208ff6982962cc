/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Switches as people write them. */
#ifndef IOV_BASE_SWITCH_H
#define IOV_BASE_SWITCH_H

#include <stdbool.h>
#include <stddef.h>
#include <strings.h>

/* All words for a switch, for a table of words and values. */
#define IOV_SWITCH_WORDS                                                                           \
	{ "on", true }, { "off", false }, { "yes", true }, { "no", false }, { "true", true },      \
		{ "false", false }, { "1", true }, { "0", false }

/* What was expected of a text that is none of them. */
#define IOV_SWITCH_EXPECTED "on or off (or yes, no, true, false, 1, 0)"

/* Whether a text is a switch, in any case of its letters, and which way it is. */
static inline bool switch_parse(const char *text, bool *on)
{
	static const struct {
		const char *word;
		bool on;
	} words[] = { IOV_SWITCH_WORDS };

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (strcasecmp(words[i].word, text))
			continue;
		*on = words[i].on;
		return true;
	}
	return false;
}

#endif
