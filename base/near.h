/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What somebody may have meant. */
#ifndef IOV_BASE_NEAR_H
#define IOV_BASE_NEAR_H

#ifdef __cplusplus
extern "C" {
#endif

/**
 * struct iov_near - the nearest of the words that were looked at
 * @text: what was typed
 * @word: the nearest that is near enough, NULL for none
 * @distance: how far it is
 */
struct iov_near {
	const char *text;
	const char *word;
	unsigned int distance;
};

/**
 * iov_near_look - look at another word
 * @near: what was typed, and the nearest so far
 * @word: becomes the nearest when it is; outlives @near
 *
 * It is near when no more than a third of the text, rounded up, was left out, put in, mistaken,
 * or swapped with its neighbour.
 */
void iov_near_look(struct iov_near *near, const char *word);

#ifdef __cplusplus
}
#endif

#endif
