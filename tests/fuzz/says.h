/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A front end that says any message, and a guest that writes anywhere in its memory. */
#ifndef IOV_TESTS_FUZZ_SAYS_H
#define IOV_TESTS_FUZZ_SAYS_H

#include "tests/fuzz/fuzz.h"
#include "tests/wire/frontend.h"

/* One message with likely words, to which nobody waits for the answer. */
void says(struct frontend *frontend, struct fuzz_input *input);

/* A few words of guest memory; nothing when @frontend is NULL. */
void scribbles(struct frontend *frontend, struct fuzz_input *input);

/* What came from the back end is thrown away; whether it has ended the connection. */
bool has_ended(struct frontend *frontend);

#endif
