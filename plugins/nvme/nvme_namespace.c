// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Namespaces of an NVMe subsystem, and the controllers of VFs that have them (NVM Express Base 2.0,
 * sections 5.17 and 5.24).  The primary is told who has one.  One that is private has one controller
 * at a time, so it has to be let go before somebody else gets it.
 */
#include <endian.h>
#include <errno.h>
#include <libnvme.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/json.h"
#include "base/sysroot/call.h"
#include "plugins/nvme/nvme.h"

/* Optional Admin Command Support: Namespace Management and Attachment. */
#define OACS_NS_MGMT (1u << 3)
/* Namespace Multi-path I/O and Sharing Capabilities: shared. */
#define NMIC_SHARED 1u

/* As a list names them. */
#define NAMESPACES "namespaces"
#define NONE "none"

static int read_controllers(struct iov *iov, int fd, struct nvme_namespace *namespace)
{
	struct nvme_ctrl_list list = { 0 };
	int status = nvme_identify_nsid_ctrl_list(fd, namespace->id, 0, &list);
	size_t count = le16toh(list.num);

	if (status)
		return nvme_fail_command(iov, status, "ask who has a namespace");
	if (count > NVME_ID_CTRL_LIST_MAX)
		count = NVME_ID_CTRL_LIST_MAX;
	namespace->controllers = calloc(count + 1, sizeof(*namespace->controllers));
	if (!namespace->controllers)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		namespace->controllers[i] = le16toh(list.identifier[i]);
	namespace->count = count;
	return 0;
}

static int read_namespace(struct iov *iov, int fd, uint32_t id, struct nvme_namespaces *namespaces)
{
	struct nvme_namespace *grown = array_grow(namespaces->list, namespaces->count, sizeof(*grown));
	struct nvme_namespace *namespace;
	struct nvme_id_ns identity = { 0 };
	int status;

	if (!grown)
		return -ENOMEM;
	namespaces->list = grown;
	namespace = &grown[namespaces->count];
	*namespace = (struct nvme_namespace){ .id = id };
	namespaces->count++;
	status = nvme_identify_allocated_ns(fd, id, &identity);
	if (status)
		return nvme_fail_command(iov, status, "identify a namespace");
	namespace->shared = identity.nmic & NMIC_SHARED;
	memcpy(namespace->nguid, identity.nguid, sizeof(namespace->nguid));
	memcpy(namespace->eui64, identity.eui64, sizeof(namespace->eui64));
	return read_controllers(iov, fd, namespace);
}

/* A page has 1024 of them, in order. */
static int read_all(struct iov *iov, int fd, struct nvme_namespaces *namespaces)
{
	struct nvme_ns_list page = { 0 };
	uint32_t last = 0;
	size_t i;
	int error = 0;

	do {
		int status = nvme_identify_allocated_ns_list(fd, last, &page);

		if (status)
			return nvme_fail_command(iov, status, "list the namespaces");
		for (i = 0; !error && i < NVME_ID_NS_LIST_MAX && le32toh(page.ns[i]) > last; i++) {
			last = le32toh(page.ns[i]);
			error = read_namespace(iov, fd, last, namespaces);
		}
	} while (!error && i == NVME_ID_NS_LIST_MAX);
	return error;
}

static int read_namespaces(struct iov *iov, int fd, struct nvme_namespaces *namespaces)
{
	struct nvme_id_ctrl controller = { 0 };
	int status = nvme_identify_ctrl(fd, &controller);

	if (status)
		return nvme_fail_command(iov, status, "identify the controller");
	namespaces->supported = le16toh(controller.oacs) & OACS_NS_MGMT;
	return namespaces->supported ? read_all(iov, fd, namespaces) : 0;
}

/* Of a primary, a struct iov_bdf, answers the structs, each namespace followed by its controllers. */
static int tell_namespaces(struct iov *iov, const char *question, size_t length, FILE *answer)
{
	struct nvme_namespaces namespaces = { 0 };
	_cleanup_fd_ int fd = -1;
	struct iov_bdf pf;
	int error;

	memcpy(&pf, question, length);
	error = nvme_controller_open(iov, pf, &fd);
	iov_sys_asking(iov, "the namespaces, by an admin command");
	if (!error)
		error = read_namespaces(iov, fd, &namespaces);
	fwrite(&namespaces, sizeof(namespaces), 1, answer);
	for (size_t i = 0; i < namespaces.count; i++) {
		const struct nvme_namespace *namespace = &namespaces.list[i];

		fwrite(namespace, sizeof(*namespace), 1, answer);
		if (namespace->count)
			fwrite(namespace->controllers, sizeof(*namespace->controllers), namespace->count, answer);
	}
	nvme_namespaces_free(&namespaces);
	return error;
}

int nvme_namespaces_read(struct iov *iov, struct iov_bdf pf, struct nvme_namespaces *namespaces)
{
	_cleanup_free_ char *answer = NULL;
	int error = iov_sys_call(iov, tell_namespaces, &pf, sizeof(pf), &answer);
	const char *at = answer;
	size_t count;

	*namespaces = (struct nvme_namespaces){ 0 };
	if (error)
		return error;
	memcpy(namespaces, at, sizeof(*namespaces));
	at += sizeof(*namespaces);
	count = namespaces->count;
	namespaces->count = 0;
	namespaces->list = calloc(count + 1, sizeof(*namespaces->list));
	while (namespaces->list && namespaces->count < count) {
		struct nvme_namespace *namespace = &namespaces->list[namespaces->count++];

		memcpy(namespace, at, sizeof(*namespace));
		at += sizeof(*namespace);
		namespace->controllers = calloc(namespace->count + 1, sizeof(*namespace->controllers));
		if (!namespace->controllers)
			break;
		memcpy(namespace->controllers, at, namespace->count * sizeof(*namespace->controllers));
		at += namespace->count * sizeof(*namespace->controllers);
	}
	if (namespaces->list && (!count || namespaces->list[count - 1].controllers))
		return 0;
	nvme_namespaces_free(namespaces);
	return iov_fail(iov, -ENOMEM, "out of memory");
}

void nvme_namespaces_free(struct nvme_namespaces *namespaces)
{
	for (size_t i = 0; i < namespaces->count; i++)
		free(namespaces->list[i].controllers);
	free(namespaces->list);
	*namespaces = (struct nvme_namespaces){ 0 };
}

bool nvme_namespace_has(const struct nvme_namespace *namespace, uint16_t controller)
{
	for (size_t i = 0; i < namespace->count; i++) {
		if (namespace->controllers[i] == controller)
			return true;
	}
	return false;
}

/* "1,3", as an attribute has it. */
static struct json_object *list_of(const struct nvme_namespaces *namespaces, uint16_t controller)
{
	char text[4096] = "";
	size_t length = 0;

	for (size_t i = 0; i < namespaces->count && length + 12 < sizeof(text); i++) {
		if (nvme_namespace_has(&namespaces->list[i], controller))
			length += (size_t)snprintf(text + length, sizeof(text) - length, "%s%u",
						   length ? "," : "", namespaces->list[i].id);
	}
	return json_object_new_string(length ? text : NONE);
}

int nvme_namespaces_get(struct iov *iov, const struct iov_pf *pf, const struct nvme_virt *virt,
			struct json_object *vfs)
{
	struct nvme_namespaces namespaces;
	int error = nvme_namespaces_read(iov, pf->bdf, &namespaces);

	for (size_t i = 0; !error && namespaces.supported && i < json_object_array_length(vfs); i++) {
		const struct nvme_secondary *secondary = nvme_virt_find(virt, (unsigned int)i);

		if (secondary)
			json_object_object_add(json_object_array_get_idx(vfs, i), NAMESPACES,
					       list_of(&namespaces, secondary->id));
	}
	if (!error)
		nvme_namespaces_free(&namespaces);
	return error;
}

/* Whether a list, "1,3" or "none", has a number. */
static bool has_number(const char *list, uint32_t number)
{
	char word[16];
	size_t length = (size_t)snprintf(word, sizeof(word), "%u", number);

	for (const char *at = list; at; at = strchr(at, ',')) {
		at += *at == ',';
		if (!strncmp(at, word, length) && (!at[length] || at[length] == ','))
			return true;
	}
	return false;
}

/* One run of the planner. */
struct attachment {
	struct iov_plan *plan;
	struct iov *iov;
	const struct iov_pf *pf;
	const struct nvme_virt *virt;
	const struct nvme_namespaces *namespaces;
	struct json_object *each;
	struct iov_step *step;
};

/* What VF @index shall have; NULL where nothing is said of it. */
static const char *wanted_of(const struct attachment *attachment, unsigned int index)
{
	return json_text_or_null(json_object_array_get_idx(attachment->each, index), NAMESPACES);
}

/* The VF whose controller that is; -1: none of those that exist. */
static int vf_of(const struct attachment *attachment, uint16_t controller)
{
	for (size_t i = 0; i < attachment->virt->count; i++) {
		if (attachment->virt->secondaries[i].id == controller)
			return attachment->virt->secondaries[i].vf - 1;
	}
	return -1;
}

/* Who keeps a namespace that VF @index shall have: a controller, or -1. */
static int keeper_of(const struct attachment *attachment, const struct nvme_namespace *namespace,
		     unsigned int index)
{
	for (size_t i = 0; i < namespace->count; i++) {
		int vf = vf_of(attachment, namespace->controllers[i]);
		const char *wanted = vf < 0 ? NULL : wanted_of(attachment, (unsigned int)vf);

		if (vf != (int)index && (!wanted || has_number(wanted, namespace->id)))
			return namespace->controllers[i];
	}
	return -1;
}

/* "1, 2 (private), 3" */
static void list_all(const struct nvme_namespaces *namespaces, char *text, size_t size)
{
	size_t length = 0;

	snprintf(text, size, "none");
	for (size_t i = 0; i < namespaces->count && length < size; i++)
		length += (size_t)snprintf(text + length, size - length, "%s%u%s", i ? ", " : "",
					   namespaces->list[i].id, namespaces->list[i].shared ? "" : " (private)");
}

static const struct nvme_namespace *find_namespace(const struct nvme_namespaces *namespaces, uint32_t id)
{
	for (size_t i = 0; i < namespaces->count; i++) {
		if (namespaces->list[i].id == id)
			return &namespaces->list[i];
	}
	return NULL;
}

/* A namespace that VF @index is to get: there is one of that number, and nobody keeps it for itself. */
static int check_number(const struct attachment *attachment, unsigned int index, uint32_t id)
{
	const struct nvme_namespace *namespace = find_namespace(attachment->namespaces, id);
	struct iov_path owner;
	char text[256];
	int keeper, vf;

	if (!namespace) {
		list_all(attachment->namespaces, text, sizeof(text));
		return iov_fail(attachment->iov, -ENOENT, "namespace %u: %s has no such; it has: %s ('nvme create-ns' "
				"makes one)", id, IOV_BDF(attachment->pf->bdf), text);
	}
	keeper = namespace->shared ? -1 : keeper_of(attachment, namespace, index);
	if (keeper < 0)
		return 0;
	vf = vf_of(attachment, (uint16_t)keeper);
	owner = vf < 0 ? iov_path("controller %d%s", keeper, keeper == attachment->virt->id ? ", the PF" : "") :
			 iov_path("controller %d, VF %d", keeper, vf);
	return iov_fail(attachment->iov, -EBUSY, "namespace %u of %s is private, and attached to %s; detach it there "
			"first: %s", id, IOV_BDF(attachment->pf->bdf), owner.name, vf < 0 ?
			iov_path("'nvme detach-ns -n %u -c %d'", id, keeper).name :
			iov_path("'iov vf set %s %d --namespace' with those that it shall keep, or none",
				 IOV_BDF(attachment->pf->bdf), vf).name);
}

static int check_list(const struct attachment *attachment, unsigned int index, const char *list)
{
	int error = 0;

	if (!strcmp(list, NONE))
		return 0;
	for (const char *at = list; !error && at; at = strchr(at, ',')) {
		at += *at == ',';
		error = check_number(attachment, index, (uint32_t)strtoul(at, NULL, 10));
	}
	return error;
}

/* One namespace goes from a controller, or comes to it. */
static void add_change(struct attachment *attachment, unsigned int index, uint16_t controller, uint32_t id,
		       bool attach)
{
	struct iov_bdf pf = attachment->pf->bdf, vf = iov_vf_bdf(attachment->pf, index);

	if (!attachment->step) {
		attachment->step = iov_plan_step(attachment->plan, IOV_BDF(pf), "give VFs of %s their namespaces",
						 IOV_BDF(pf));
		iov_step_spares(attachment->step, "VFs that lose a namespace are taken");
	}
	iov_step_touches(attachment->step, IOV_BDF(vf));
	if (attach)
		iov_step_unheld(attachment->step, vf);
	iov_step_do(attachment->step, iov_op_nvme_namespace(pf, controller, id, attach));
}

/* Undone backwards: what was given is taken before what was taken is given back. */
static void add_undo(struct attachment *attachment, uint16_t controller, uint32_t id, bool attach)
{
	iov_step_undo(attachment->step, iov_op_nvme_namespace(attachment->pf->bdf, controller, id, !attach));
}

/* Call for each namespace that a VF gets (@attach), or loses. */
static void walk(struct attachment *attachment, bool attach, bool undo, bool anew)
{
	for (unsigned int i = 0; i < json_object_array_length(attachment->each); i++) {
		const struct nvme_secondary *secondary = nvme_virt_find(attachment->virt, i);
		const char *wanted = wanted_of(attachment, i);

		for (size_t n = 0; wanted && secondary && n < attachment->namespaces->count; n++) {
			const struct nvme_namespace *namespace = &attachment->namespaces->list[n];
			bool has = nvme_namespace_has(namespace, secondary->id);
			bool shall = has_number(wanted, namespace->id);

			/* New VFs may come with some, as shared ones that are everybody's. */
			if (shall != attach || (has == shall && !anew))
				continue;
			if (undo && has != shall)
				add_undo(attachment, secondary->id, namespace->id, attach);
			if (undo)
				continue;
			if (!attach && !anew)
				iov_plan_take(attachment->plan, iov_vf_bdf(attachment->pf, i),
					      "it loses a namespace");
			add_change(attachment, i, secondary->id, namespace->id, attach);
		}
	}
}

/* Who else has what a VF gets may not know of it. */
static int take_given(const struct attachment *attachment)
{
	int error = 0;

	for (unsigned int i = 0; i < json_object_array_length(attachment->each); i++) {
		const struct nvme_secondary *secondary = nvme_virt_find(attachment->virt, i);
		const char *wanted = wanted_of(attachment, i);

		for (size_t n = 0; !error && wanted && n < attachment->namespaces->count; n++) {
			const struct nvme_namespace *namespace = &attachment->namespaces->list[n];

			if (has_number(wanted, namespace->id) && !nvme_namespace_has(namespace, secondary->id))
				error = nvme_namespace_take(attachment->plan, attachment->pf, attachment->virt,
							    namespace, i);
		}
	}
	return error;
}

static void note_changes(const struct attachment *attachment, struct json_object *vfs, bool anew)
{
	for (unsigned int i = 0; attachment->step && i < json_object_array_length(attachment->each); i++) {
		const char *wanted = wanted_of(attachment, i);
		const char *has = anew ? NULL : json_text_or_null(json_object_array_get_idx(vfs, i), NAMESPACES);

		if (wanted && (!has || strcmp(has, wanted)))
			iov_step_change(attachment->step, iov_path("vf %u " NAMESPACES, i).name, has, wanted);
	}
}

static int check_all(const struct attachment *attachment)
{
	int error = 0;

	for (unsigned int i = 0; !error && i < json_object_array_length(attachment->each); i++) {
		const char *wanted = wanted_of(attachment, i);

		if (wanted && !attachment->namespaces->supported)
			return iov_fail(attachment->iov, -EOPNOTSUPP, "%s attaches no namespaces to controllers: it lacks "
					"Namespace Management; its VFs have those that it gives them itself",
					IOV_BDF(attachment->pf->bdf));
		if (wanted && !nvme_virt_find(attachment->virt, i))
			return iov_fail(attachment->iov, -ENODEV, "VF %u of %s has no controller of which its primary "
					"knows", i, IOV_BDF(attachment->pf->bdf));
		if (wanted)
			error = check_list(attachment, i, wanted);
	}
	return error;
}

int nvme_namespaces_plan(struct iov_plan *plan, const struct iov_pf *pf, const struct nvme_virt *virt,
			 struct json_object *vfs, struct json_object *each, bool anew)
{
	struct nvme_namespaces namespaces;
	struct attachment attachment = { plan, iov_plan_context(plan), pf, virt, &namespaces, each, NULL };
	bool any = false;
	int error;

	for (unsigned int i = 0; i < json_object_array_length(each); i++)
		any |= wanted_of(&attachment, i) != NULL;
	if (!any)
		return 0;
	error = nvme_namespaces_read(attachment.iov, pf->bdf, &namespaces);
	if (error)
		return error;
	error = check_all(&attachment);
	if (!error) {
		walk(&attachment, false, false, anew);
		walk(&attachment, true, false, anew);
		walk(&attachment, true, true, anew);
		walk(&attachment, false, true, anew);
		note_changes(&attachment, vfs, anew);
		error = take_given(&attachment);
	}
	nvme_namespaces_free(&namespaces);
	return error;
}

void nvme_namespaces_restore(struct iov_step *step, const struct iov_pf *pf, struct json_object *vfs)
{
	for (size_t i = 0; i < json_object_array_length(vfs); i++) {
		struct json_object *vf = json_object_array_get_idx(vfs, i);
		const char *list = json_text_or_null(vf, NAMESPACES);
		uint16_t controller = (uint16_t)json_object_get_int(json_object_object_get(vf, "controller"));

		if (!list || !strcmp(list, NONE))
			continue;
		for (const char *at = list; at; at = strchr(at, ',')) {
			at += *at == ',';
			iov_step_undo(step, iov_op_nvme_namespace(pf->bdf, controller,
								  (uint32_t)strtoul(at, NULL, 10), true));
		}
	}
}

/* Whether it is so by now: an operation may run twice. */
static int is_attached(struct iov *iov, int fd, const struct iov_op *op, bool *attached)
{
	struct nvme_namespace namespace = { .id = op->nvme_namespace.namespace_id };
	int error = read_controllers(iov, fd, &namespace);

	*attached = !error && nvme_namespace_has(&namespace, op->nvme_namespace.controller);
	free(namespace.controllers);
	return error;
}

static int run_nvme_namespace(struct iov *iov, const struct iov_op *op)
{
	struct nvme_ctrl_list controllers = { .num = htole16(1) };
	bool attach = op->nvme_namespace.attach, attached;
	_cleanup_fd_ int fd = -1;
	int error = nvme_controller_open(iov, op->nvme_namespace.pf, &fd), status;

	iov_sys_asking(iov, "a change of namespaces, by an admin command");
	if (!error)
		error = is_attached(iov, fd, op, &attached);
	if (error || attached == attach)
		return error;
	controllers.identifier[0] = htole16(op->nvme_namespace.controller);
	status = attach ? nvme_ns_attach_ctrls(fd, op->nvme_namespace.namespace_id, &controllers) :
			  nvme_ns_detach_ctrls(fd, op->nvme_namespace.namespace_id, &controllers);
	if (status)
		return nvme_fail_command(iov, status, "do that");
	error = is_attached(iov, fd, op, &attached);
	if (!error && attached != attach)
		error = iov_fail(iov, -EIO, "the controller took the command, but nothing changed; look at "
				 "'nvme list-ctrl'");
	return error;
}

const struct iov_op_runner nvme_namespace_runner = { IOV_OP_NVME_NAMESPACE, run_nvme_namespace };
