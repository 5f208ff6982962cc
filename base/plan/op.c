// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Operations are made here.  JSON in them is a copy, as threads of the engine read it and
 * must not share its reference counts.
 */
#include "base/plan/op.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/json.h"

static struct iov_op *new_op(enum iov_op_kind kind)
{
	struct iov_op *op = calloc(1, sizeof(*op));

	if (op)
		op->kind = kind;
	return op;
}

static void free_members(struct iov_op *op)
{
	switch (op->kind) {
	case IOV_OP_WRITE:
		free(op->write.path);
		free(op->write.value);
		break;
	case IOV_OP_MODULE:
		free(op->module.name);
		break;
	case IOV_OP_VF_ATTR:
		json_object_put(op->vf_attr.values);
		break;
	case IOV_OP_IRQ:
		json_object_put(op->irq.cpus);
		break;
	case IOV_OP_HUGE_PAGES:
		free(op->huge_pages.directory);
		free(op->huge_pages.advice);
		break;
	case IOV_OP_ESWITCH:
		free(op->eswitch.device);
		free(op->eswitch.mode);
		break;
	case IOV_OP_VDPA:
		free(op->vdpa.name);
		free(op->vdpa.mgmtdev);
		json_object_put(op->vdpa.values);
		break;
	case IOV_OP_DEVLINK:
		free(op->devlink.device);
		free(op->devlink.name);
		json_object_put(op->devlink.values);
		break;
	case IOV_OP_INTERFACES:
		free(op->interfaces.device);
		json_object_put(op->interfaces.list);
		break;
	case IOV_OP_IOVD:
		free(op->iovd.method);
		json_object_put(op->iovd.params);
		break;
	case IOV_OP_FILE:
		free(op->file.path);
		free(op->file.text);
		free(op->file.was);
		break;
	case IOV_OP_CLAIM:
		free(op->claim.holder);
		break;
	case IOV_OP_NVME_VIRT:
	case IOV_OP_NVME_NAMESPACE:
	case IOV_OP_VGPU_VFS:
	case IOV_OP_ANSWERS:
	case IOV_OP_MTU:
	case IOV_OP_STEER:
	case IOV_OP_KINDS:
		break;
	}
}

void iov_op_free(struct iov_op *op)
{
	if (!op)
		return;
	free_members(op);
	iov_condition_free(op->unless);
	for (size_t i = 0; i < op->meaning_count; i++)
		free(op->meanings[i].text);
	free(op->meanings);
	free(op);
}

/* @op when all that it needs is there. */
static struct iov_op *complete(struct iov_op *op, bool there)
{
	if (there)
		return op;
	iov_op_free(op);
	return NULL;
}

/* Whether a copy could be made. */
static bool copy_text(char **to, const char *text)
{
	*to = strdup(text);
	return *to;
}

static bool copy_json(struct json_object **to, struct json_object *json)
{
	*to = json_copy(json);
	return *to;
}

struct iov_op *iov_op_write(const char *path, const char *value)
{
	struct iov_op *op = new_op(IOV_OP_WRITE);

	return complete(op, op && copy_text(&op->write.path, path) &&
			copy_text(&op->write.value, value));
}

struct iov_op *iov_op_module(const char *name)
{
	struct iov_op *op = new_op(IOV_OP_MODULE);

	return complete(op, op && copy_text(&op->module.name, name));
}

struct iov_op *iov_op_vf_attr(struct iov_bdf pf, int port, unsigned int index,
			      struct json_object *values, enum iov_vf_mode mode)
{
	struct iov_op *op = new_op(IOV_OP_VF_ATTR);

	if (!op)
		return NULL;
	op->vf_attr.pf = pf;
	op->vf_attr.port = port;
	op->vf_attr.index = index;
	op->vf_attr.mode = mode;
	return complete(op, copy_json(&op->vf_attr.values, values));
}

struct iov_op *iov_op_nvme_virt(struct iov_bdf pf, enum iov_nvme_action action, uint16_t controller,
				const struct iov_nvme_resources *resources)
{
	struct iov_op *op = new_op(IOV_OP_NVME_VIRT);

	if (!op)
		return NULL;
	op->nvme_virt.pf = pf;
	op->nvme_virt.action = action;
	op->nvme_virt.controller = controller;
	if (resources)
		op->nvme_virt.resources = *resources;
	return op;
}

struct iov_op *iov_op_nvme_namespace(struct iov_bdf pf, uint16_t controller, uint32_t namespace_id,
				     bool attach)
{
	struct iov_op *op = new_op(IOV_OP_NVME_NAMESPACE);

	if (!op)
		return NULL;
	op->nvme_namespace.pf = pf;
	op->nvme_namespace.controller = controller;
	op->nvme_namespace.namespace_id = namespace_id;
	op->nvme_namespace.attach = attach;
	return op;
}

struct iov_op *iov_op_vgpu_vfs(struct iov_bdf pf, bool on)
{
	struct iov_op *op = new_op(IOV_OP_VGPU_VFS);

	if (!op)
		return NULL;
	op->vgpu_vfs.pf = pf;
	op->vgpu_vfs.on = on;
	return op;
}

struct iov_op *iov_op_answers(struct iov_bdf device)
{
	struct iov_op *op = new_op(IOV_OP_ANSWERS);

	if (op)
		op->answers.device = device;
	return op;
}

struct iov_op *iov_op_mtu(struct iov_bdf device, int port, unsigned int mtu)
{
	struct iov_op *op = new_op(IOV_OP_MTU);

	if (!op)
		return NULL;
	op->mtu.device = device;
	op->mtu.port = port;
	op->mtu.mtu = mtu;
	return iov_op_explain(op, EINVAL, "the driver takes no such MTU; 'ip -d link' shows minmtu "
			      "and maxmtu");
}

struct iov_op *iov_op_irq(struct iov_bdf device, struct json_object *cpus)
{
	struct iov_op *op = new_op(IOV_OP_IRQ);

	if (!op)
		return NULL;
	op->irq.device = device;
	op = complete(op, copy_json(&op->irq.cpus, cpus));
	return iov_op_explain(op, EIO, "its driver had the kernel spread these interrupts "
			      "(managed), and nobody else may; leave irq out for this device");
}

struct iov_op *iov_op_steer(struct iov_bdf device, int port, bool add,
			    const struct iov_steer_rule *rule)
{
	struct iov_op *op = new_op(IOV_OP_STEER);

	if (!op)
		return NULL;
	op->steer.device = device;
	op->steer.port = port;
	op->steer.add = add;
	op->steer.rule = *rule;
	return op;
}

struct iov_op *iov_op_claim(struct iov_bdf device, const char *holder, unsigned int ttl, bool held)
{
	struct iov_op *op = new_op(IOV_OP_CLAIM);

	if (!op)
		return NULL;
	op->claim.device = device;
	op->claim.ttl = ttl;
	op->claim.held = held;
	return complete(op, copy_text(&op->claim.holder, holder));
}

struct iov_op *iov_op_huge_pages(const char *directory, unsigned int count, const char *advice)
{
	struct iov_op *op = new_op(IOV_OP_HUGE_PAGES);

	if (!op)
		return NULL;
	op->huge_pages.count = count;
	return complete(op, copy_text(&op->huge_pages.directory, directory) &&
			copy_text(&op->huge_pages.advice, advice));
}

struct iov_op *iov_op_eswitch(const char *device, const char *mode)
{
	struct iov_op *op = new_op(IOV_OP_ESWITCH);

	return complete(op, op && copy_text(&op->eswitch.device, device) &&
			copy_text(&op->eswitch.mode, mode));
}

struct iov_op *iov_op_iovd(const char *method, struct json_object *params)
{
	struct iov_op *op = new_op(IOV_OP_IOVD);

	op = complete(op, op && copy_text(&op->iovd.method, method) &&
		      copy_json(&op->iovd.params, params));
	json_object_put(params);
	return op;
}

/* The same of a text that there may be none of. */
static bool copy_text_or_null(char **to, const char *text)
{
	return !text || copy_text(to, text);
}

struct iov_op *iov_op_vdpa(const char *name, const char *mgmtdev, struct json_object *values)
{
	_cleanup_json_ struct json_object *none = json_object_new_object();
	struct iov_op *op = new_op(IOV_OP_VDPA);

	return complete(op, op && copy_text(&op->vdpa.name, name) &&
			copy_text_or_null(&op->vdpa.mgmtdev, mgmtdev) &&
			copy_json(&op->vdpa.values, values ? values : none));
}

struct iov_op *iov_op_devlink(const char *device, enum iov_devlink_action action, const char *name,
			      struct json_object *values)
{
	_cleanup_json_ struct json_object *none = json_object_new_object();
	struct iov_op *op = new_op(IOV_OP_DEVLINK);

	if (op)
		op->devlink.action = action;
	return complete(op, op && copy_text(&op->devlink.device, device) &&
			copy_text_or_null(&op->devlink.name, name) &&
			copy_json(&op->devlink.values, values ? values : none));
}

struct iov_op *iov_op_interfaces(const char *device, struct json_object *list)
{
	struct iov_op *op = new_op(IOV_OP_INTERFACES);

	return complete(op, op && copy_text(&op->interfaces.device, device) &&
			copy_json(&op->interfaces.list, list));
}

struct iov_op *iov_op_file(const char *path, const char *text, const char *was)
{
	struct iov_op *op = new_op(IOV_OP_FILE);

	return complete(op, op && copy_text(&op->file.path, path) &&
			copy_text_or_null(&op->file.text, text) &&
			copy_text_or_null(&op->file.was, was));
}

struct iov_op *iov_op_restore_file(const char *path, const char *text, const char *was)
{
	struct iov_op *op = iov_op_file(path, text, was);

	if (op)
		op->file.restore = true;
	return op;
}

struct iov_op *iov_op_unkept(struct iov_op *op)
{
	if (op)
		op->file.unkept = true;
	return op;
}

struct iov_op *iov_op_absent_ok(struct iov_op *op)
{
	if (op)
		op->absent_ok = true;
	return op;
}

struct iov_op *iov_op_unless(struct iov_op *op, struct iov_condition *condition)
{
	if (!op || !condition) {
		iov_condition_free(condition);
		return complete(op, false);
	}
	iov_condition_free(op->unless);
	op->unless = condition;
	return op;
}

struct iov_op *iov_op_until(struct iov_op *op, struct iov_condition *condition)
{
	op = iov_op_unless(op, condition);
	if (op)
		op->repeats = true;
	return op;
}

/* The meaning of an error, a new one without text if there is none; NULL without memory. */
static struct iov_op_meaning *meaning_of(struct iov_op *op, int error)
{
	struct iov_op_meaning *grown;

	for (size_t i = 0; i < op->meaning_count; i++) {
		if (op->meanings[i].error == error)
			return &op->meanings[i];
	}
	grown = array_grow(op->meanings, op->meaning_count, sizeof(*grown));
	if (!grown)
		return NULL;
	op->meanings = grown;
	grown[op->meaning_count] = (struct iov_op_meaning){ .error = error };
	return &grown[op->meaning_count++];
}

struct iov_op *iov_op_explain(struct iov_op *op, int error, const char *text)
{
	struct iov_op_meaning *meaning = op ? meaning_of(op, error) : NULL;

	if (!meaning)
		return complete(op, false);
	free(meaning->text);
	return complete(op, copy_text(&meaning->text, text));
}
