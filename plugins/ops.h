/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Operations on a host beside those of base/ and sriov/, and what they change as it is
 * now.  iov_plugins_register() makes a context know them.
 *
 * They name a function rather than an interface or an interrupt, which are others after
 * the function got another driver or its PF another number of VFs.  Each reads back what
 * it wrote, and is harmless when run again.
 */
#ifndef IOV_PLUGINS_OPS_H
#define IOV_PLUGINS_OPS_H

#include <json-c/json.h>
#include <stdbool.h>

#include "base/iov.h"
#include "base/pci/pci.h"
#include "base/plan/plan.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * iov_mtu_read - the MTU of a function's network interface
 * @iov: context
 * @bdf: function
 * @mtu: receives it
 *
 * Return: 0; -ENODEV without an interface, with a message.
 */
int iov_mtu_read(struct iov *iov, struct iov_bdf bdf, unsigned int *mtu);

/**
 * iov_op_mtu - set the MTU of a function's network interface
 * @bdf: function
 * @mtu: bytes
 *
 * {"op": "mtu", "device": "0000:01:00.0", "mtu": 9000}
 *
 * Return: an operation; never NULL.
 */
struct json_object *iov_op_mtu(struct iov_bdf bdf, unsigned int mtu);

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
 * iov_op_irq - give the interrupts of a function their CPUs
 * @bdf: function
 * @cpus: borrowed; from iov_irq_cpus() or iov_irq_read()
 *
 * {"op": "irq-affinity", "device": "0000:01:00.0", "cpus": ["0", "1"]}
 *
 * Return: an operation; never NULL.
 */
struct json_object *iov_op_irq(struct iov_bdf bdf, struct json_object *cpus);

/**
 * iov_irq_step - plan that the interrupts of a function have their CPUs
 * @plan: plan that a step is appended to
 * @bdf: function
 * @now: borrowed; from iov_irq_read(), what undoing goes back to
 * @cpus: borrowed; from iov_irq_cpus()
 */
void iov_irq_step(struct iov_plan *plan, struct iov_bdf bdf, struct json_object *now,
		  struct json_object *cpus);

/**
 * iov_huge_pages_read - how many huge pages there are for good
 * @iov: context
 * @directory: of their size and node, "sys/kernel/mm/hugepages/hugepages-2048kB"
 * @count: receives it; pages that go as soon as they are free do not count
 *
 * Return: 0 or -errno; the message is not touched.
 */
int iov_huge_pages_read(struct iov *iov, const char *directory, unsigned int *count);

/**
 * iov_op_huge_pages - have a number of huge pages
 * @directory: as above
 * @count: how many
 * @advice: what to do when there is not memory enough
 *
 * {"op": "huge-pages", "path": "sys/.../nr_hugepages", "value": "512", "advice": "..."}
 *
 * Return: an operation; never NULL.
 */
struct json_object *iov_op_huge_pages(const char *directory, unsigned int count,
				      const char *advice);

/**
 * iov_eswitch_read - mode of a NIC's embedded switch
 * @iov: context
 * @bdf: PF
 * @mode: receives "legacy" or "switchdev"
 *
 * Return: 0; -EOPNOTSUPP with a message for a device that has no modes; or -errno with
 * a message.
 */
int iov_eswitch_read(struct iov *iov, struct iov_bdf bdf, const char **mode);

/**
 * iov_op_eswitch - set the mode of a NIC's embedded switch, by devlink
 * @bdf: PF
 * @mode: "legacy" or "switchdev"
 *
 * {"op": "devlink-eswitch", "device": "0000:01:00.0", "mode": "switchdev"}
 *
 * Return: an operation; never NULL.
 */
struct json_object *iov_op_eswitch(struct iov_bdf bdf, const char *mode);

/**
 * iov_op_iovd - call a method of iovd
 * @method: "port.add", "port.remove", "bridge.add", "bridge.remove" and so on
 * @params: taken over
 *
 * {"op": "iovd", "method": "port.add", "params": {"name": "up", ...}}
 *
 * To add what is there already as asked for is success, as is to remove what is not.
 *
 * Return: an operation; never NULL.
 */
struct json_object *iov_op_iovd(const char *method, struct json_object *params);

/**
 * iov_iovd_match - whether a port or bridge of iovd is as asked for
 * @now: an entry of "port.list" or "bridge.list"
 * @params: of "port.add" or "bridge.add"
 */
bool iov_iovd_match(struct json_object *now, struct json_object *params);

#ifdef __cplusplus
}
#endif

#endif
