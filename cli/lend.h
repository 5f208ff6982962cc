/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Functions that this command gives to a guest of its own, for as long as it runs.
 *
 * They are taken by a plan, so guards are asked and the journal has it, and given back by another.
 * Should this process be killed meanwhile, a process that it started gives them back.
 */
#ifndef IOV_CLI_LEND_H
#define IOV_CLI_LEND_H

#include "cli/argument.h"
#include "cli/cli.h"

#define LENT_MAX 64

/**
 * struct lent - a function, and what it had before
 * @bdf: its address
 * @driver: driver; "" for none
 * @is_override: driver_override named that driver
 * @is_back: it was given back already
 */
struct lent {
	struct iov_bdf bdf;
	char driver[64];
	bool is_override;
	bool is_back;
};

/**
 * struct lend - functions of this command; zeroed at first
 * @list: those that were taken; what had a driver of VFIO already stays with it and is not here
 * @count: length of @list
 * @keeper: the connection whose end tells the process that gives back
 */
struct lend {
	struct lent list[LENT_MAX];
	size_t count;
	int keeper;
};

/**
 * lend_plan - plan that functions are bound to vfio-pci
 * @cli: the run
 * @lend: overwritten
 * @functions: functions
 * @plan: receives a plan, also after a failure; may be NULL then
 *
 * Return: 0, or as iov_bind_plan(), with a message.
 */
int lend_plan(struct cli *cli, struct lend *lend, const struct cli_functions *functions,
	      struct iov_plan **plan);

/**
 * lend_take - carry that plan out
 * @cli: the run
 * @lend: filled by lend_plan()
 * @plan: freed
 *
 * Return: 0, or as iov_plan_run().
 */
int lend_take(struct cli *cli, struct lend *lend, struct iov_plan *plan);

/* Give one back, by its index; one that is back already stays so.  0 or -errno with a message. */
int lend_give(struct cli *cli, struct lend *lend, size_t index);

/**
 * lend_end - give back what is not back yet
 * @cli: the run
 * @lend: lent functions
 * @error: of the command so far
 *
 * Return: @error, or else what giving back ended with; its message is printed when both are.
 */
int lend_end(struct cli *cli, struct lend *lend, int error);

#endif
