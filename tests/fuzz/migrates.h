/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A guest that is about to move: the state of its device, to and fro. */
#ifndef IOV_TESTS_FUZZ_MIGRATES_H
#define IOV_TESTS_FUZZ_MIGRATES_H

#include "tests/fuzz/fuzz.h"
#include "tests/wire/frontend.h"

/* Have the device saved, and load what that gave with a few bytes of it otherwise; its rings stand. */
void migrates(struct frontend *frontend, struct fuzz_input *input);

/* Shares memory as who comes by post-copy does; it may be missing, and nobody answers faults. */
void listens_for_memory(struct frontend *frontend);

/* Pages that are written are told from now on; false when the back end is gone. */
bool keeps_log(struct frontend *frontend);

/* The same; @log receives the file that it is told in, which is the caller's, -1 when that is refused. */
bool keeps_log_in(struct frontend *frontend, int *log);

/* Fails unless all of these bytes were told of. */
void expect_logged(int log, uint64_t gpa, uint64_t length);

#endif
