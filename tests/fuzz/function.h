/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A PCI function that VFIO has, with a played controller which goes on by itself. */
#ifndef IOV_TESTS_FUZZ_FUNCTION_H
#define IOV_TESTS_FUZZ_FUNCTION_H

#include "tests/fuzz/controller.h"

#define FUNCTION "0000:77:00.0"

/* Plug it in; the host has it until function_close(). */
void function_open(struct fuzz_input *input);
void function_close(void);

/* NULL when there is none. */
struct nvme_model *function_model(void);

#endif
