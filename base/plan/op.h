/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Operations: what a plan does to a host, as data.
 *
 * Each is a struct with a tag.  How the journal and --json write it is in op_json.c, what
 * people read in op_describe.c, what it does in op_run.c and, of what base/ does not know,
 * in the runners of sriov/ and plugins/.
 *
 *	{"op": "write", "path": "sys/...", "value": "vfio-pci"}
 *	{"op": "module", "name": "vfio-pci"}
 *	{"op": "vf-attr", "pf": "0000:01:00.0", "port": 1, "vf": 0, "values": {"vlan": 100},
 *	 "mode": "set"}	"port" or none; without "vf" they are the function's own
 *	{"op": "nvme-virt", "pf": "0000:01:00.0", "action": "assign", "controller": 1,
 *	 "queues": 2, "interrupts": 1}
 *	{"op": "nvme-namespace", "pf": "0000:01:00.0", "controller": 1, "namespace": 2, "attach": true}
 *	{"op": "vgpu-vfs", "pf": "0000:41:00.0", "on": true}
 *	{"op": "answers", "device": "0000:41:00.0"}
 *	{"op": "mtu", "device": "0000:01:00.0", "port": 1, "mtu": 9000}	"port" or none
 *	{"op": "irq-affinity", "device": "0000:01:00.0", "cpus": ["0", "1"]}
 *	{"op": "huge-pages", "path": "sys/.../nr_hugepages", "value": "512", "advice": "..."}
 *	{"op": "devlink-eswitch", "device": "0000:01:00.0", "mode": "switchdev"}
 *	{"op": "file", "path": "etc/...", "text": "...", "was": "...", "restore": true,
 *	 "unkept": true}
 *	{"op": "vdpa", "name": "vdpa0", "mgmtdev": "pci/0000:01:00.2", "values": {"mtu": 1500}}
 *		"mgmtdev" null: it is deleted
 *	{"op": "steer", "device": "0000:01:00.0", "port": 1, "add": true, "mac": "02:00:00:00:00:01",
 *	 "vlan": 100, "to": "vf", "number": 3}	"port" or none; "mac", "vlan" or both
 *	{"op": "devlink", "device": "0000:01:00.0", "action": "param", "name": "enable_roce",
 *	 "values": {"cmode": "driverinit", "value": true}}	"name" null: of the device itself
 *	{"op": "interfaces", "device": "0000:01:00.0", "interfaces": [{"name": "eth0", ...}]}
 *	{"op": "claim", "device": "0000:01:10.0", "holder": "vm1", "ttl": 60, "held": true}
 *		"held" false: its holder has it no more
 *	{"op": "iovd", "method": "port.add", "params": {"name": "up", ...}}
 *
 * The functions that make one give NULL without memory, which those that take one bear:
 * a plan that was given such a one does not run.
 */
#ifndef IOV_BASE_PLAN_OP_H
#define IOV_BASE_PLAN_OP_H

#include <json-c/json.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/iov.h"
#include "base/pci/pci.h"
#include "base/sysroot/condition.h"

#ifdef __cplusplus
extern "C" {
#endif

enum iov_op_kind {
	IOV_OP_WRITE,
	IOV_OP_MODULE,
	IOV_OP_VF_ATTR,
	IOV_OP_NVME_VIRT,
	IOV_OP_MTU,
	IOV_OP_IRQ,
	IOV_OP_HUGE_PAGES,
	IOV_OP_ESWITCH,
	IOV_OP_VDPA,
	IOV_OP_IOVD,
	IOV_OP_FILE,
	IOV_OP_STEER,
	IOV_OP_NVME_NAMESPACE,
	IOV_OP_VGPU_VFS,
	IOV_OP_ANSWERS,
	IOV_OP_DEVLINK,
	IOV_OP_INTERFACES,
	IOV_OP_CLAIM,
	IOV_OP_KINDS,
};

/* Where otherwise the index of a VF stands: the function itself. */
#define IOV_VF_OWN UINT_MAX

/**
 * enum iov_vf_mode - what is known of the values that a VF is given
 * @IOV_VF_SET: nothing: a refusal is a refusal
 * @IOV_VF_NEW: the VF is new: the driver may need a while before it takes rates
 * @IOV_VF_RESTORE: they were there before, so what only looks like a refusal is
 *	borne with
 */
enum iov_vf_mode {
	IOV_VF_SET,
	IOV_VF_NEW,
	IOV_VF_RESTORE,
	IOV_VF_MODES,
};

/**
 * enum iov_nvme_action - what is made of the resources of a controller
 * @IOV_NVME_PRIMARY: a primary keeps so many from its next reset on
 * @IOV_NVME_PROVE: a primary has so many
 * @IOV_NVME_ASSIGN: a secondary gets so many
 * @IOV_NVME_ONLINE: a secondary goes online; it has what it was given
 * @IOV_NVME_OFFLINE: a secondary goes offline
 */
enum iov_nvme_action {
	IOV_NVME_PRIMARY,
	IOV_NVME_PROVE,
	IOV_NVME_ASSIGN,
	IOV_NVME_ONLINE,
	IOV_NVME_OFFLINE,
	IOV_NVME_ACTIONS,
};

/* Flexible resources: submission/completion queue pairs (VQ), interrupts (VI). */
struct iov_nvme_resources {
	unsigned int queues;
	unsigned int interrupts;
};

/* Where frames go that a rule of a NIC matches. */
enum iov_steer_to {
	IOV_STEER_VF,
	IOV_STEER_QUEUE,
	IOV_STEER_TARGETS,
};

/**
 * struct iov_steer_rule - a rule of a NIC
 * @has_mac: it matches a destination address
 * @mac: that
 * @vlan: it matches a VLAN; 0: any
 * @to: what @number counts
 * @number: VF or queue, from 0 on
 */
struct iov_steer_rule {
	bool has_mac;
	uint8_t mac[6];
	unsigned int vlan;
	enum iov_steer_to to;
	unsigned int number;
};

/**
 * enum iov_devlink_action - what is asked of a device by devlink
 * @IOV_DEVLINK_PARAM: a parameter has "value" in "cmode"
 * @IOV_DEVLINK_RELOAD: its driver starts anew; no name
 * @IOV_DEVLINK_GROUP: there is a group of rates with these values
 * @IOV_DEVLINK_GROUP_GONE: there is none
 * @IOV_DEVLINK_SF: there is a subfunction of that number with these values
 * @IOV_DEVLINK_SF_GONE: there is none
 */
enum iov_devlink_action {
	IOV_DEVLINK_PARAM,
	IOV_DEVLINK_RELOAD,
	IOV_DEVLINK_GROUP,
	IOV_DEVLINK_GROUP_GONE,
	IOV_DEVLINK_SF,
	IOV_DEVLINK_SF_GONE,
	IOV_DEVLINK_ACTIONS,
};

/* What an error of an operation means. */
struct iov_op_meaning {
	int error;
	char *text;
};

/**
 * struct iov_op - an operation; made by the functions below
 * @kind: which member of the union counts
 * @absent_ok: a path that does not exist is success
 * @unless: when it holds already the operation is skipped; NULL for none
 * @repeats: it is done again as long as @unless does not hold, a few times
 * @meanings: in words, of errors whose strerror() says less
 * @meaning_count: length of @meanings
 */
struct iov_op {
	enum iov_op_kind kind;
	bool absent_ok;
	bool repeats;
	struct iov_condition *unless;
	struct iov_op_meaning *meanings;
	size_t meaning_count;
	union {
		struct {
			char *path;
			char *value;
		} write;
		struct {
			char *name;
		} module;
		struct {
			struct iov_bdf pf;
			int port;	/* -1: the first */
			unsigned int index;	/* IOV_VF_OWN: none of its VFs */
			struct json_object *values;
			enum iov_vf_mode mode;
		} vf_attr;
		struct {
			struct iov_bdf pf;
			enum iov_nvme_action action;
			uint16_t controller;
			struct iov_nvme_resources resources;	/* of the first three */
		} nvme_virt;
		struct {
			struct iov_bdf pf;
			uint16_t controller;
			uint32_t namespace_id;
			bool attach;
		} nvme_namespace;
		struct {
			struct iov_bdf pf;
			bool on;
		} vgpu_vfs;
		struct {
			struct iov_bdf device;
		} answers;
		struct {
			struct iov_bdf device;
			int port;	/* -1: the first */
			unsigned int mtu;
		} mtu;
		struct {
			struct iov_bdf device;
			struct json_object *cpus;	/* array of lists */
		} irq;
		struct {
			char *directory;	/* of their size and node */
			unsigned int count;
			char *advice;
		} huge_pages;
		struct {
			char *device;
			char *mode;
		} eswitch;
		struct {
			char *name;
			char *mgmtdev;	/* NULL: there is no such device then */
			struct json_object *values;
		} vdpa;
		struct {
			char *device;
			enum iov_devlink_action action;
			char *name;	/* NULL: the device itself */
			struct json_object *values;
		} devlink;
		struct {
			char *device;
			struct json_object *list;	/* array */
		} interfaces;
		struct {
			char *method;
			struct json_object *params;
		} iovd;
		struct {
			struct iov_bdf device;
			int port;	/* -1: the first */
			bool add;
			struct iov_steer_rule rule;
		} steer;
		struct {
			struct iov_bdf device;
			char *holder;
			unsigned int ttl;	/* seconds */
			bool held;
		} claim;
		struct {
			char *path;
			char *text;	/* NULL: none such */
			char *was;	/* the same */
			bool restore;
			bool unkept;
		} file;
	};
};

/**
 * iov_op_write - a sysfs write
 * @path: relative to the sysroot
 * @value: what to write
 *
 * Return: an operation for iov_step_do() or iov_step_undo().
 */
struct iov_op *iov_op_write(const char *path, const char *value);

/**
 * iov_op_module - load a kernel module with what it depends on
 * @name: "vfio-pci"
 *
 * Return: an operation.
 */
struct iov_op *iov_op_module(const char *name);

/**
 * iov_op_vf_attr - give a VF, or a function itself, values of its attributes
 * @pf: its PF, or the function
 * @port: number of the port of the PF whose interface it is set through, -1 for the first
 * @index: VF, 0 for the first; IOV_VF_OWN for the function itself
 * @values: borrowed; an object, see iov_vf_attribute_parse()
 * @mode: what is known of them
 *
 * Return: an operation.
 */
struct iov_op *iov_op_vf_attr(struct iov_bdf pf, int port, unsigned int index,
			      struct json_object *values, enum iov_vf_mode mode);

/**
 * iov_op_nvme_virt - order something of a controller with its primary
 * @pf: function of the primary
 * @action: what
 * @controller: its controller ID
 * @resources: NULL for online and offline
 *
 * Return: an operation.
 */
struct iov_op *iov_op_nvme_virt(struct iov_bdf pf, enum iov_nvme_action action, uint16_t controller,
				const struct iov_nvme_resources *resources);

/**
 * iov_op_nvme_namespace - let a controller have a namespace, or no more
 * @pf: function of the primary controller, which is told so
 * @controller: controller ID of who has it then
 * @namespace_id: namespace
 * @attach: it gets it; false: it loses it
 *
 * To attach what is attached is success, as is to detach what is not.
 *
 * Return: an operation.
 */
struct iov_op *iov_op_nvme_namespace(struct iov_bdf pf, uint16_t controller, uint32_t namespace_id,
				     bool attach);

/**
 * iov_op_vgpu_vfs - have a GPU's own tool make its VFs, all of them, or remove them
 * @pf: function of the GPU
 * @on: they are there then
 *
 * Return: an operation.
 */
struct iov_op *iov_op_vgpu_vfs(struct iov_bdf pf, bool on);

/**
 * iov_op_answers - see that a function answers to reads of its configuration space
 * @device: function; one that just was reset has a second for it
 *
 * Return: an operation.
 */
struct iov_op *iov_op_answers(struct iov_bdf device);

/**
 * iov_op_mtu - set the MTU of a function's network interface
 * @device: function
 * @port: number of its port, -1 for the first
 * @mtu: bytes
 *
 * Return: an operation.
 */
struct iov_op *iov_op_mtu(struct iov_bdf device, int port, unsigned int mtu);

/**
 * iov_op_irq - give the interrupts of a function their CPUs
 * @device: function
 * @cpus: borrowed; array of lists: vector i has list i modulo its length
 *
 * Return: an operation.
 */
struct iov_op *iov_op_irq(struct iov_bdf device, struct json_object *cpus);

/**
 * iov_op_huge_pages - have a number of huge pages
 * @directory: of their size and node, "sys/kernel/mm/hugepages/hugepages-2048kB"
 * @count: how many
 * @advice: what to do when there is not memory enough
 *
 * Return: an operation.
 */
struct iov_op *iov_op_huge_pages(const char *directory, unsigned int count, const char *advice);

/**
 * iov_op_eswitch - set the mode of a NIC's embedded switch, by devlink
 * @device: address of a PF, or BUS/NAME as devlink shows devices of other buses
 * @mode: "legacy" or "switchdev"
 *
 * Return: an operation.
 */
struct iov_op *iov_op_eswitch(const char *device, const char *mode);

/**
 * iov_op_vdpa - make a vDPA device, or delete it
 * @name: its name
 * @mgmtdev: who makes it, "pci/0000:01:00.2"; NULL: it is deleted
 * @values: borrowed; what it is made with; NULL for none
 *
 * To make what is there already is success, as is to delete what is not.
 *
 * Return: an operation.
 */
struct iov_op *iov_op_vdpa(const char *name, const char *mgmtdev, struct json_object *values);

/**
 * iov_op_steer - have a NIC lead frames to a VF or a queue, or no more
 * @device: PF
 * @port: number of its port, -1 for the first
 * @add: the rule comes; false: it goes
 * @rule: rule; one with another target is left alone when it goes
 *
 * Return: an operation.
 */
struct iov_op *iov_op_steer(struct iov_bdf device, int port, bool add,
			    const struct iov_steer_rule *rule);

/**
 * iov_op_devlink - have a device's parameter, rate group or subfunction as it shall be
 * @device: as of iov_op_eswitch()
 * @action: what is asked for
 * @name: of what; NULL for the device itself
 * @values: borrowed; what it shall have; NULL for none
 *
 * To make what is there already is success, as is to remove what is not.
 *
 * Return: an operation.
 */
struct iov_op *iov_op_devlink(const char *device, enum iov_devlink_action action, const char *name,
			      struct json_object *values);

/**
 * iov_op_interfaces - give interfaces that a driver made anew what they had
 * @device: as of iov_op_eswitch()
 * @list: borrowed; array of objects "name", "port", "up", "mtu", "altnames", "addresses" and
 *	"routes"; the last two are messages of rtnetlink without their header, in hexadecimal digits
 *
 * What they have already is left alone.
 *
 * Return: an operation.
 */
struct iov_op *iov_op_interfaces(const char *device, struct json_object *list);

/**
 * iov_op_claim - claim a function for a holder, or let it go
 * @device: function
 * @holder: who has it then, or had it
 * @ttl: seconds that the claim lasts unless it is renewed
 * @held: false: @holder lets it go
 *
 * What @holder has already, or has no more, is success.
 *
 * Return: an operation.
 */
struct iov_op *iov_op_claim(struct iov_bdf device, const char *holder, unsigned int ttl, bool held);

/**
 * iov_op_iovd - call a method of iovd
 * @method: "port.add", "port.remove", "bridge.add", "bridge.remove" and so on
 * @params: taken over; an object
 *
 * To add what is there already as asked for is success, as is to remove what is not.
 *
 * Return: an operation.
 */
struct iov_op *iov_op_iovd(const char *method, struct json_object *params);

/**
 * iov_op_file - give a file that people write another text, whole or not at all
 * @path: relative to the sysroot
 * @text: its new text; NULL: there is no such file then
 * @was: its text so far, NULL for none; a file that has neither this nor @text fails
 *
 * What was there before is kept as FILE~.
 *
 * Return: an operation.
 */
struct iov_op *iov_op_file(const char *path, const char *text, const char *was);

/**
 * iov_op_restore_file - give a file its former text back
 * @path: relative to the sysroot
 * @text: its former text, NULL for none
 * @was: its text so far, NULL for none; a file that has neither this nor @text was written
 *	by somebody since, and is left to them
 *
 * Return: an operation.
 */
struct iov_op *iov_op_restore_file(const char *path, const char *text, const char *was);

/**
 * iov_op_unkept - keep nothing beside a file that is written
 * @op: of iov_op_file() or iov_op_restore_file(); NULL is allowed
 *
 * For a directory whose files are each read by their names.
 *
 * Return: @op.
 */
struct iov_op *iov_op_unkept(struct iov_op *op);

/**
 * iov_op_absent_ok - let an operation succeed when its path does not exist
 * @op: a write; NULL is allowed
 *
 * Return: @op.
 */
struct iov_op *iov_op_absent_ok(struct iov_op *op);

/**
 * iov_op_unless - skip an operation when a condition holds already
 * @op: operation; NULL is allowed
 * @condition: taken over
 *
 * Return: @op, or NULL when one of them is.
 */
struct iov_op *iov_op_unless(struct iov_op *op, struct iov_condition *condition);

/**
 * iov_op_until - the same, and repeat the operation while the condition does not hold
 * @op: operation; NULL is allowed
 * @condition: taken over
 *
 * For what the kernel may pass over without a word while others are at the device.  It is done three
 * times at most, within a quarter of a second; that the condition holds then is for iov_step_verify().
 *
 * Return: @op, or NULL when one of them is.
 */
struct iov_op *iov_op_until(struct iov_op *op, struct iov_condition *condition);

/**
 * iov_op_explain - say what an error of an operation means
 * @op: operation; NULL is allowed
 * @error: positive errno value
 * @text: replaces strerror() in the message: "no room for the VFs' MMIO; ..."
 *
 * Return: @op; NULL without memory, and @op is freed.
 */
struct iov_op *iov_op_explain(struct iov_op *op, int error, const char *text);

/**
 * iov_op_free - free an operation that no step took over
 * @op: NULL is allowed
 */
void iov_op_free(struct iov_op *op);

/**
 * iov_op_describe - one line about an operation, for people: "write 'vfio-pci' to /sys/..."
 * @op: operation
 * @text: receives it
 * @size: bytes at @text
 */
void iov_op_describe(const struct iov_op *op, char *text, size_t size);

/**
 * iov_op_json - an operation as the journal and --json have it
 * @op: operation
 *
 * Return: a new object; the caller puts it.
 */
struct json_object *iov_op_json(const struct iov_op *op);

/**
 * iov_op_from_json - an operation from the journal
 * @op: receives it; the caller frees it or a step takes it over
 * @iov: context
 * @json: borrowed; anything
 *
 * Return: 0; -EOPNOTSUPP for a kind or member that is unknown; -EINVAL for what is
 * malformed; -ENOMEM; each with a message that names it.
 */
int iov_op_from_json(struct iov_op **op, struct iov *iov, struct json_object *json);

/**
 * struct iov_op_runner - who performs a kind of operation
 * @kind: kind
 * @run: performs one; a message on failure.  Must succeed when run again after it was
 *	interrupted.  Runs in a process of its own, as iov_sys_call() says, so that it may ask the
 *	kernel for what that never answers; tells what it asks for by iov_sys_asking().
 */
struct iov_op_runner {
	enum iov_op_kind kind;
	int (*run)(struct iov *iov, const struct iov_op *op);
};

/**
 * iov_op_register - make the runner of a kind of operation known to a context
 * @iov: context
 * @runner: stays the caller's and outlives the context
 *
 * IOV_OP_WRITE, IOV_OP_MODULE, IOV_OP_FILE and IOV_OP_ANSWERS need none.
 *
 * Return: 0 or -ENOMEM.
 */
int iov_op_register(struct iov *iov, const struct iov_op_runner *runner);

#ifdef __cplusplus
}
#endif

#endif
