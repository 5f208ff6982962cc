// SPDX-License-Identifier: GPL-2.0-or-later
/* Distance of words: characters left out, put in, mistaken, or swapped with their neighbour. */
#include "base/near.h"

#include <string.h>

#define LENGTH_MAX 31

static unsigned int least(unsigned int a, unsigned int b)
{
	return a < b ? a : b;
}

static unsigned int distance(const char *a, size_t rows, const char *b, size_t columns)
{
	unsigned int table[LENGTH_MAX + 1][LENGTH_MAX + 1];

	for (size_t i = 0; i <= rows; i++) {
		for (size_t n = 0; n <= columns; n++) {
			if (!i || !n) {
				table[i][n] = (unsigned int)(i + n);
				continue;
			}
			table[i][n] = least(table[i - 1][n - 1] + (a[i - 1] != b[n - 1]),
					    least(table[i - 1][n], table[i][n - 1]) + 1);
			if (i > 1 && n > 1 && a[i - 1] == b[n - 2] && a[i - 2] == b[n - 1])
				table[i][n] = least(table[i][n], table[i - 2][n - 2] + 1);
		}
	}
	return table[rows][columns];
}

void iov_near_look(struct iov_near *near, const char *word)
{
	size_t length = strlen(near->text), others = strlen(word);
	unsigned int away;

	if (length > LENGTH_MAX || others > LENGTH_MAX)
		return;
	away = distance(near->text, length, word, others);
	if (away > (length + 2) / 3 || (near->word && away >= near->distance))
		return;
	near->word = word;
	near->distance = away;
}
