/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines of a text, for cells of a table. */
#ifndef IOV_CLI_FOLD_H
#define IOV_CLI_FOLD_H

#include <stddef.h>

/*
 * Copy a text to @folded of @size bytes as lines of at most @width characters, 0 for one line: broken at
 * a space, which goes, or behind a comma, and within a word where that alone is longer.
 */
void cli_fold(const char *text, size_t width, char *folded, size_t size);

/* Characters of a text rather than bytes. */
size_t cli_text_width(const char *text);

#endif
