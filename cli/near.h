/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What somebody may have meant. */
#ifndef IOV_CLI_NEAR_H
#define IOV_CLI_NEAR_H

/**
 * struct cli_near - the nearest of the words that were looked at
 * @text: what was typed
 * @word: the nearest that is near enough, NULL for none
 * @distance: how far it is
 */
struct cli_near {
	const char *text;
	const char *word;
	unsigned int distance;
};

/*
 * Look at another word.  It is near when no more than a third of the text, rounded up, was left
 * out, put in, mistaken, or swapped with its neighbour.
 */
void cli_near_look(struct cli_near *near, const char *word);

#endif
