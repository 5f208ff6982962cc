/* SPDX-License-Identifier: GPL-2.0-or-later */
/* "iov complete WORD...": what shells offer, from the tables that iov itself reads. */
#ifndef IOV_CLI_COMPLETE_H
#define IOV_CLI_COMPLETE_H

#include "cli/cli.h"

/**
 * struct complete - a word that is being written
 * @iov: context; NULL when there is none, so that only words of iov are known
 * @word: what is there of it
 * @lead: what stands before it in the same word, "--driver="
 * @first: the first argument of the command that stands before it; NULL for none
 */
struct complete {
	struct iov *iov;
	const char *word;
	const char *lead;
	const char *first;
};

/* Offer a word, with what it means; words that do not begin like @complete->word are left out. */
void complete_offer(const struct complete *complete, const char *word, const char *meaning);

/*
 * Offer what may stand for an argument.  @name is that of the argument, "PF|VF"; @context the
 * option that it is of, or else the command.
 */
void complete_argument(const struct complete *complete, const char *name, const char *context);

/*
 * Print what may come for the last of the words: one a line, each with what it means behind a tab.
 */
int cli_complete(const struct cli_command *const *commands, int argc, char **argv);

#endif
