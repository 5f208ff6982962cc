// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vGPUs of NVIDIA, with VFIO of the vendor: each VF has a folder "nvidia", and stays with its driver,
 * which gives it to guests.
 *
 *	nvidia/creatable_vgpu_types	"1428 : NVIDIA H200X-141C", a line for each that it can have now
 *	nvidia/current_vgpu_type	0, or the number of what it is; to write a number makes a vGPU, 0
 *					takes it away, from under whoever has it
 *
 * The VFs are made by sriov-manage, all at once.  It answers before they can be used, so they are
 * looked at until they can.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/sysroot/call.h"
#include "base/sysroot/paths.h"
#include "base/sysroot/run.h"
#include "plugins/gpu/gpu.h"

#define TYPES_SIZE 16384

/* NVIDIA says ten seconds; a GPU that does not get there in three times that does not. */
#define READY_MS 30000
#define POLL_MS 50

static struct iov_path vgpu_path(struct iov_bdf vf, const char *file)
{
	return iov_pci_path(vf, iov_path("nvidia/%s", file).name);
}

bool vgpu_is_one(struct iov *iov, struct iov_bdf bdf)
{
	return iov_sys_exists(iov, vgpu_path(bdf, "current_vgpu_type").name);
}

int vgpu_type(struct iov *iov, struct iov_bdf vf, unsigned int *type)
{
	int64_t number;
	int error = iov_sys_read_number(iov, vgpu_path(vf, "current_vgpu_type").name, &number);

	*type = error ? 0 : (unsigned int)number;
	return error;
}

/* "1428 : NVIDIA H200X-141C"; a head line begins with no number. */
static struct json_object *read_type(char *line)
{
	char *name, *end;
	unsigned long number = strtoul(line, &end, 10);
	struct json_object *type;

	name = strchr(line, ':');
	if (end == line || !name || !number || number > UINT32_MAX)
		return NULL;
	type = json_object_new_object();
	json_object_object_add(type, "type", json_object_new_int64((int64_t)number));
	json_add_text(type, "name", name + 1 + strspn(name + 1, " \t"));
	return type;
}

struct json_object *vgpu_types(struct iov *iov, struct iov_bdf vf)
{
	struct json_object *types = json_object_new_array(), *type;
	_cleanup_free_ char *text = malloc(TYPES_SIZE);
	char *rest = text, *line;

	if (!text || iov_sys_read(iov, vgpu_path(vf, "creatable_vgpu_types").name, text, TYPES_SIZE))
		return types;
	while ((line = strsep(&rest, "\n"))) {
		type = read_type(line);
		if (type)
			json_object_array_add(types, type);
	}
	return types;
}

static bool find_vf(struct iov *iov, const struct iov_pf *pf, unsigned int index, struct iov_bdf *vf)
{
	return !iov_pci_link(iov, pf->bdf, iov_path("virtfn%u", index).name, vf);
}

void vgpu_get(struct iov *iov, const struct iov_pf *pf, struct json_object *vfs)
{
	for (unsigned int i = 0; i < json_object_array_length(vfs); i++) {
		struct json_object *object = json_object_array_get_idx(vfs, i);
		struct iov_bdf vf;
		unsigned int type;

		if (!find_vf(iov, pf, i, &vf) || vgpu_type(iov, vf, &type))
			continue;
		json_object_object_add(object, "vgpu_type", json_object_new_int64(type));
		json_object_object_add(object, "vgpu_types", vgpu_types(iov, vf));
	}
}

/* The tool makes all or none. */
int vgpu_may(struct iov *iov, const struct iov_pf *pf, unsigned int count)
{
	if (!iov_sys_exists(iov, IOV_PATH_SRIOV_MANAGE))
		return iov_fail(iov, -EOPNOTSUPP, "%s: VFs of this GPU are made by /" IOV_PATH_SRIOV_MANAGE ", which "
				"is not there; install the host driver of NVIDIA's vGPU software", IOV_BDF(pf->bdf));
	if (!pf->total || !count || count == pf->total)
		return 0;
	return iov_fail(iov, -EINVAL, "count %u: sriov-manage makes all %u VFs of %s or none; ask for %u, and give "
			"those a type that guests shall have", count, pf->total, IOV_BDF(pf->bdf), pf->total);
}

/* "1428 (NVIDIA H200X-141C), 1429 (...)" */
static void list_types(struct json_object *types, char *text, size_t size)
{
	size_t length = 0;

	*text = '\0';
	for (size_t i = 0; i < json_object_array_length(types) && length < size; i++) {
		struct json_object *type = json_object_array_get_idx(types, i);

		length += (size_t)snprintf(text + length, size - length, "%s%s (%s)", i ? ", " : "",
					   json_object_get_string(json_object_object_get(type, "type")),
					   json_text_or_null(type, "name"));
	}
}

/* "VF 0, VF 3": those that are of a type, or of any where it is 0. */
static void list_owners(struct json_object *vfs, unsigned int type, char *text, size_t size)
{
	size_t length = 0;

	*text = '\0';
	for (size_t i = 0; i < json_object_array_length(vfs) && length < size; i++) {
		struct json_object *has = json_object_object_get(json_object_array_get_idx(vfs, i), "vgpu_type");
		int64_t number = json_object_get_int64(has);

		if (number && (!type || number == type))
			length += (size_t)snprintf(text + length, size - length, "%sVF %zu (type %lld)",
						   length ? ", " : "", i, (long long)number);
	}
}

static bool is_creatable(struct json_object *vf, unsigned int type)
{
	struct json_object *types = json_object_object_get(vf, "vgpu_types");

	for (size_t i = 0; i < json_object_array_length(types); i++) {
		if (json_object_get_int64(json_object_object_get(json_object_array_get_idx(types, i),
								 "type")) == type)
			return true;
	}
	return false;
}

/* What others can have, or have, is a type of this GPU; what nobody has or can have is none, for all we see. */
static bool is_known(struct json_object *vfs, unsigned int type)
{
	for (size_t i = 0; i < json_object_array_length(vfs); i++) {
		struct json_object *vf = json_object_array_get_idx(vfs, i);

		if (json_object_get_int64(json_object_object_get(vf, "vgpu_type")) == type ||
		    is_creatable(vf, type))
			return true;
	}
	return false;
}

static int check_type(struct iov *iov, const struct iov_pf *pf, struct json_object *vfs, unsigned int index,
		      unsigned int type)
{
	struct json_object *vf = json_object_array_get_idx(vfs, index);
	struct json_object *types = json_object_object_get(vf, "vgpu_types");
	char creatable[GPU_LIST], owners[GPU_LIST];

	/* One that is given up makes room, of which nothing is told before. */
	if (!type || is_creatable(vf, type) ||
	    json_object_get_int64(json_object_object_get(vf, "vgpu_type")))
		return 0;
	list_types(types, creatable, sizeof(creatable));
	list_owners(vfs, 0, owners, sizeof(owners));
	if (*creatable && !is_known(vfs, type))
		return iov_fail(iov, -EINVAL, "vgpu-type %u: VF %u of %s cannot be one; expected one of: %s%s%s", type,
				index, IOV_BDF(pf->bdf), creatable, *owners ? "; what others have limits it: " : "",
				owners);
	return iov_fail(iov, -ENOSPC, "vgpu-type %u: no instance is left on %s%s%s%s%s; 'iov vf set ... --vgpu-type 0' "
			"gives one back", type, IOV_BDF(pf->bdf), *owners ? ", of which have one: " : "", owners,
			*creatable ? "; left are: " : "", creatable);
}

static struct iov_op *type_op(struct iov_bdf vf, unsigned int type)
{
	struct iov_op *op = iov_op_write(vgpu_path(vf, "current_vgpu_type").name, iov_path("%u", type).name);

	op = iov_op_explain(op, EINVAL, "the driver makes no vGPU of this type here; creatable_vgpu_types beside it "
			    "lists what it makes");
	op = iov_op_explain(op, ENOENT, "the VF, or the vGPU driver of its GPU, is gone");
	op = iov_op_explain(op, EBUSY, "somebody uses the vGPU");
	return iov_op_unless(op, iov_if_value(vgpu_path(vf, "current_vgpu_type").name, iov_path("%u", type).name));
}

/* One half of a change: a vGPU goes, or comes. */
static void add_step(struct iov_plan *plan, const struct iov_pf *pf, unsigned int index, unsigned int from,
		     unsigned int to)
{
	struct iov_bdf vf = iov_vf_bdf(pf, index);
	struct iov_step *step;

	if (to)
		step = iov_plan_step(plan, IOV_BDF(pf->bdf), "make VF %u of %s a vGPU of type %u", index,
				     IOV_BDF(pf->bdf), to);
	else
		step = iov_plan_step(plan, IOV_BDF(pf->bdf), "take the vGPU of VF %u of %s", index,
				     IOV_BDF(pf->bdf));
	iov_step_touches(step, IOV_BDF(vf));
	iov_step_spares(step, "a VF whose vGPU goes is taken, and others have no user");
	iov_step_change(step, iov_path("vf %u vgpu_type", index).name, iov_path("%u", from).name,
			iov_path("%u", to).name);
	if (to)
		iov_step_unheld(step, vf);
	iov_step_do(step, type_op(vf, to));
	iov_step_verify(step, iov_if_value(vgpu_path(vf, "current_vgpu_type").name, iov_path("%u", to).name));
	/* What is gone meanwhile, VF or driver, has no vGPU to give back. */
	iov_step_undo(step, iov_op_absent_ok(type_op(vf, from)));
}

/* What VF @index shall be, and is; false where nothing is said of it, or nothing to be done. */
static bool differs(struct json_object *vfs, struct json_object *each, unsigned int index, bool anew,
		    unsigned int *from, unsigned int *to)
{
	struct json_object *wanted = json_object_object_get(json_object_array_get_idx(each, index), "vgpu_type");
	struct json_object *has = json_object_object_get(json_object_array_get_idx(vfs, index), "vgpu_type");

	*from = anew ? 0 : (unsigned int)json_object_get_int64(has);
	*to = (unsigned int)json_object_get_int64(wanted);
	return wanted && *from != *to;
}

static int check_all(struct iov *iov, const struct iov_pf *pf, struct json_object *vfs,
		     struct json_object *each, bool anew)
{
	unsigned int from, to;
	int error = 0;

	for (unsigned int i = 0; !error && i < json_object_array_length(each); i++) {
		struct json_object *vf = json_object_array_get_idx(vfs, i);

		if (!differs(vfs, each, i, anew, &from, &to) || anew)
			continue;
		if (!json_object_object_get_ex(vf, "vgpu_type", NULL))
			return iov_fail(iov, -EOPNOTSUPP, "VF %u of %s (driver %s) can be no vGPU: it has no folder nvidia "
					"in sysfs; vGPUs need the host driver of NVIDIA's vGPU software, and GPUs "
					"without SR-IOV have mediated devices ('iov mdev types')", i,
					IOV_BDF(pf->bdf), *pf->driver ? pf->driver : "none");
		error = check_type(iov, pf, vfs, i, to);
	}
	return error;
}

int vgpu_provision(struct iov_plan *plan, const struct iov_pf *pf, struct json_object *vfs,
		   struct json_object *each, unsigned int flags)
{
	bool anew = flags & IOV_VF_ANEW;
	unsigned int from, to;
	int error = check_all(iov_plan_context(plan), pf, vfs, each, anew);

	/* Those that go make room for those that come. */
	for (unsigned int i = 0; !error && i < json_object_array_length(each); i++) {
		if (!differs(vfs, each, i, anew, &from, &to) || !from)
			continue;
		iov_plan_take(plan, iov_vf_bdf(pf, i), "its vGPU goes");
		add_step(plan, pf, i, from, 0);
	}
	for (unsigned int i = 0; !error && i < json_object_array_length(each); i++) {
		if (differs(vfs, each, i, anew, &from, &to) && to)
			add_step(plan, pf, i, 0, to);
	}
	return error;
}

void vgpu_restore(struct iov_step *step, const struct iov_pf *pf, struct json_object *vfs)
{
	for (unsigned int i = 0; i < json_object_array_length(vfs); i++) {
		struct json_object *type = json_object_object_get(json_object_array_get_idx(vfs, i), "vgpu_type");

		if (json_object_get_int64(type))
			iov_step_undo(step, iov_op_absent_ok(type_op(iov_vf_bdf(pf, i),
								     (unsigned int)json_object_get_int64(type))));
	}
}

/* Whether as many VFs are there, with what their types are told by. */
static bool is_ready(struct iov *iov, const struct iov_pf *pf)
{
	struct iov_bdf vf;

	for (unsigned int i = 0; i < pf->total; i++) {
		if (!find_vf(iov, pf, i, &vf) || !vgpu_is_one(iov, vf))
			return false;
	}
	return true;
}

static int wait_until_ready(struct iov *iov, const struct iov_pf *pf)
{
	const struct timespec pause = { .tv_nsec = POLL_MS * 1000000L };

	for (unsigned int waited = 0; !is_ready(iov, pf); waited += POLL_MS) {
		/* Each look has the deadline to itself. */
		iov_sys_asking(iov, "VFs to get their folder nvidia");
		if (waited >= READY_MS)
			return iov_fail(iov, -ETIME, "%u seconds later not all %u VFs have their folder nvidia; is "
					"nvidia-vgpu-mgr of the host driver running?", READY_MS / 1000, pf->total);
		nanosleep(&pause, NULL);
	}
	return 0;
}

static int run_vgpu_vfs(struct iov *iov, const struct iov_op *op)
{
	struct iov_bdf_text bdf = iov_bdf_format(op->vgpu_vfs.pf);
	const char *const arguments[] = { op->vgpu_vfs.on ? "-e" : "-d", bdf.text, NULL };
	char text[512];
	struct iov_pf pf;
	int status = iov_pf_read(iov, op->vgpu_vfs.pf, &pf);

	if (status)
		return status;
	iov_sys_asking(iov, "VFs, by sriov-manage");
	status = iov_sys_run(iov, IOV_PATH_SRIOV_MANAGE, arguments, text, sizeof(text));
	if (status < 0)
		return iov_told(iov, status, "cannot run it: %s", strerror(-status));
	if (status)
		return iov_told(iov, -EIO, "it failed with status %d and %s%s", status,
				*text ? "said: " : "said nothing", text);
	return op->vgpu_vfs.on ? wait_until_ready(iov, &pf) : 0;
}

const struct iov_op_runner vgpu_vfs_runner = { IOV_OP_VGPU_VFS, run_vgpu_vfs };
