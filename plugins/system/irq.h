/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The CPUs that serve the interrupts of a function.  They are given by the order of vectors,
 * as interrupts are others after the function got another driver or its PF another number
 * of VFs.
 */
#ifndef IOV_PLUGINS_SYSTEM_IRQ_H
#define IOV_PLUGINS_SYSTEM_IRQ_H

#include <json-c/json.h>
#include <stdbool.h>

#include "base/iov.h"
#include "base/pci/pci.h"
#include "base/plan/plan.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * iov_irq_cpus - the CPUs that a policy gives to the interrupts of a function
 * @iov: context
 * @bdf: function
 * @policy: "local": all CPUs of its NUMA node for each vector; "spread": one of them
 *	for each vector in turn; or a list, "0-3,8"
 * @cpus: receives an array of lists, which the caller puts: vector i has list i modulo
 *	its length
 *
 * Return: 0; -EINVAL for a malformed list or CPUs that are not there; with a message.
 */
int iov_irq_cpus(struct iov *iov, struct iov_bdf bdf, const char *policy,
		 struct json_object **cpus);

/**
 * iov_irq_read - the CPUs of the interrupts of a function
 * @iov: context
 * @bdf: function
 *
 * Return: an array of lists in order of vectors, as iov_irq_cpus() gives; the caller
 * puts it.  Interrupts that no driver has requested are not among them.
 */
struct json_object *iov_irq_read(struct iov *iov, struct iov_bdf bdf);

/**
 * iov_irq_match - whether interrupts have the CPUs that they shall have
 * @now: from iov_irq_read()
 * @cpus: from iov_irq_cpus()
 */
bool iov_irq_match(struct json_object *now, struct json_object *cpus);

/**
 * iov_irq_step - plan that the interrupts of a function have their CPUs
 * @plan: plan that a step is appended to
 * @bdf: function
 * @now: borrowed; from iov_irq_read(), what undoing goes back to
 * @cpus: borrowed; from iov_irq_cpus()
 */
void iov_irq_step(struct iov_plan *plan, struct iov_bdf bdf, struct json_object *now,
		  struct json_object *cpus);


#ifdef __cplusplus
}
#endif

#endif
