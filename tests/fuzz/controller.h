/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A played NVMe controller that does what the input says, with what there is of its keeper. */
#ifndef IOV_TESTS_FUZZ_CONTROLLER_H
#define IOV_TESTS_FUZZ_CONTROLLER_H

#include "tests/fuzz/fuzz.h"
#include "tests/unit/nvme_model.h"
#include "vhost-user/nvme/keeper.h"

/* What it is like when it starts. */
void controller_open(struct nvme_model *model, struct fuzz_input *input);

/* It ends what it does not have, fails, hangs, goes away, changes its namespaces; or time goes by. */
void controller_acts(struct nvme_model *model, struct keeper *keeper, struct fuzz_input *input);

/* It is well from now on. */
void controller_heal(struct nvme_model *model);

/* A second goes by, after one in which nobody would try to reset a controller that has failed. */
void controller_second(struct keeper *keeper);

/* At the end of a corpus. */
void controller_reached_everything(void);

#endif
