// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Virtualization Management of an NVMe controller (NVM Express Base 2.0,
 * sections 5.28 and 8.26): reading what it has to share out, and sharing it out.
 *
 * A secondary controller that has what is asked for is left alone, so running
 * an operation again is harmless.
 */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <libnvme.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/sysroot/call.h"
#include "base/sysroot/paths.h"
#include "plugins/nvme/nvme.h"

/* Optional Admin Command Support: Virtualization Management. */
#define OACS_VIRT_MGMT (1u << 7)
/* Secondary Controller State: online. */
#define SCS_ONLINE 1u

int nvme_name(struct iov *iov, struct iov_bdf pf, char *name, size_t size)
{
	char **names = NULL;
	size_t count = 0;
	int error = iov_sys_list(iov, iov_pci_path(pf, "nvme").name, &names, &count);

	if (error || !count) {
		iov_names_free(names, count);
		return iov_fail(iov, -ENODEV,
				"%s has no NVMe controller device; its VFs need it to "
				"come online, so bind the PF to nvme with 'iov unbind %s'",
				IOV_BDF(pf), IOV_BDF(pf));
	}
	snprintf(name, size, "%s", names[0]);
	iov_names_free(names, count);
	return 0;
}

int nvme_controller_open(struct iov *iov, struct iov_bdf pf, int *fd)
{
	char name[32];
	int error = nvme_name(iov, pf, name, sizeof(name));

	if (error)
		return error;
	*fd = iov_sys_open(iov, iov_path(IOV_PATH_DEV "/%s", name).name, O_RDONLY);
	if (*fd == -ENOENT && !iov_sys_is_host(iov))
		return iov_fail(iov, -EOPNOTSUPP, "a recorded host has no NVMe controller %s that would "
				"answer; ask on the host itself, without --root", name);
	if (*fd < 0)
		return iov_told(iov, *fd, "cannot open the NVMe controller %s of %s: %s%s", name,
				IOV_BDF(pf), strerror(-*fd),
				*fd == -EACCES ? "; run this as root" : "");
	return 0;
}

/* libnvme gives -1 and errno, or the status of the command. */
int nvme_fail_command(struct iov *iov, int status, const char *doing)
{
	if (status < 0)
		return iov_told(iov, -errno, "cannot %s: %s", doing, strerror(errno));
	return iov_fail(iov, -EIO, "cannot %s: the controller says %s (status %#x)", doing,
			nvme_status_to_string(status, false), (unsigned int)status);
}

static int identify(struct iov *iov, int fd, enum nvme_identify_cns cns, uint16_t controller,
		    void *data)
{
	struct nvme_identify_args args = {
		.args_size = sizeof(args),
		.data = data,
		.fd = fd,
		.timeout = NVME_DEFAULT_IOCTL_TIMEOUT,
		.cns = cns,
		.csi = NVME_CSI_NVM,
		.nsid = NVME_NSID_NONE,
		.cntid = controller,
		.cns_specific_id = NVME_CNSSPECID_NONE,
		.uuidx = NVME_UUID_NONE,
	};
	int status;

	iov_sys_asking(iov, "what the controller has, by an admin command");
	memset(data, 0, NVME_IDENTIFY_DATA_SIZE);
	status = nvme_identify(&args);
	return status ? nvme_fail_command(iov, status, "identify the controller") : 0;
}

static void read_capabilities(const struct nvme_primary_ctrl_cap *cap, struct nvme_virt *virt)
{
	virt->id = le16toh(cap->cntlid);
	virt->flexible = (struct iov_nvme_resources){ le32toh(cap->vqfrt), le32toh(cap->vifrt) };
	virt->primary = (struct iov_nvme_resources){ le16toh(cap->vqrfap), le16toh(cap->virfap) };
	virt->most = (struct iov_nvme_resources){ le16toh(cap->vqfrsm), le16toh(cap->vifrsm) };
	virt->grain = (struct iov_nvme_resources){ le16toh(cap->vqgran), le16toh(cap->vigran) };
}

/* One page of the list holds 127 controllers from @start on. */
static int read_page(struct iov *iov, int fd, uint16_t start, struct nvme_virt *virt, size_t *added)
{
	struct nvme_secondary_ctrl_list page;
	struct nvme_secondary *grown;
	int error = identify(iov, fd, NVME_IDENTIFY_CNS_SECONDARY_CTRL_LIST, start, &page);

	*added = page.num < NVME_ID_SECONDARY_CTRL_MAX ? page.num : NVME_ID_SECONDARY_CTRL_MAX;
	if (error || !*added)
		return error;
	grown = reallocarray(virt->secondaries, virt->count + *added, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	virt->secondaries = grown;
	for (size_t i = 0; i < *added; i++) {
		const struct nvme_secondary_ctrl *entry = &page.sc_entry[i];

		virt->secondaries[virt->count++] = (struct nvme_secondary){
			.id = le16toh(entry->scid),
			.vf = le16toh(entry->vfn),
			.online = entry->scs & SCS_ONLINE,
			.has = { le16toh(entry->nvq), le16toh(entry->nvi) },
		};
	}
	return 0;
}

static int read_secondaries(struct iov *iov, int fd, struct nvme_virt *virt)
{
	size_t added;
	int start = 0, error;

	do {
		error = read_page(iov, fd, (uint16_t)start, virt, &added);
		if (!error && added)
			start = virt->secondaries[virt->count - 1].id + 1;
	} while (!error && added == NVME_ID_SECONDARY_CTRL_MAX && start <= UINT16_MAX);
	return error;
}

static int read_virt(struct iov *iov, int fd, struct nvme_virt *virt)
{
	struct nvme_primary_ctrl_cap capabilities;
	struct nvme_id_ctrl controller;
	int error = identify(iov, fd, NVME_IDENTIFY_CNS_CTRL, NVME_CNTLID_NONE, &controller);

	virt->supported = !error && le16toh(controller.oacs) & OACS_VIRT_MGMT;
	if (error || !virt->supported)
		return error;
	error = identify(iov, fd, NVME_IDENTIFY_CNS_PRIMARY_CTRL_CAP, le16toh(controller.cntlid),
			 &capabilities);
	if (error)
		return error;
	read_capabilities(&capabilities, virt);
	return read_secondaries(iov, fd, virt);
}

/* Of a primary, a struct iov_bdf, answers a struct nvme_virt and what it has behind that. */
static int tell_virt(struct iov *iov, const char *question, size_t length, FILE *answer)
{
	_cleanup_fd_ int fd = -1;
	struct nvme_virt virt = { 0 };
	struct iov_bdf pf;
	int error;

	memcpy(&pf, question, length);
	error = nvme_controller_open(iov, pf, &fd);
	if (!error)
		error = read_virt(iov, fd, &virt);
	fwrite(&virt, sizeof(virt), 1, answer);
	if (virt.count)
		fwrite(virt.secondaries, sizeof(*virt.secondaries), virt.count, answer);
	nvme_virt_free(&virt);
	return error;
}

int nvme_virt_read(struct iov *iov, struct iov_bdf pf, struct nvme_virt *virt)
{
	_cleanup_free_ char *answer = NULL;
	int error = iov_sys_call(iov, tell_virt, &pf, sizeof(pf), &answer);

	*virt = (struct nvme_virt){ 0 };
	if (error)
		return error;
	memcpy(virt, answer, sizeof(*virt));
	virt->secondaries = calloc(virt->count + 1, sizeof(*virt->secondaries));
	if (!virt->secondaries)
		return iov_fail(iov, -ENOMEM, "out of memory");
	memcpy(virt->secondaries, answer + sizeof(*virt), virt->count * sizeof(*virt->secondaries));
	return 0;
}

void nvme_virt_free(struct nvme_virt *virt)
{
	free(virt->secondaries);
	virt->secondaries = NULL;
}

struct nvme_secondary *nvme_virt_find(const struct nvme_virt *virt, unsigned int index)
{
	for (size_t i = 0; i < virt->count; i++) {
		if (virt->secondaries[i].vf == index + 1)
			return &virt->secondaries[i];
	}
	return NULL;
}

/* One run of an operation. */
struct order {
	struct iov *iov;
	int fd;
	enum iov_nvme_action action;
	uint16_t controller;
	struct iov_nvme_resources resources;
};

static bool same(const struct iov_nvme_resources *a, const struct iov_nvme_resources *b)
{
	return a->queues == b->queues && a->interrupts == b->interrupts;
}

static const struct nvme_secondary *find_controller(const struct nvme_virt *virt, uint16_t id)
{
	for (size_t i = 0; i < virt->count; i++) {
		if (virt->secondaries[i].id == id)
			return &virt->secondaries[i];
	}
	return NULL;
}

/* Whether the controller is as the order wants it. */
static bool fulfilled(const struct order *order, const struct nvme_virt *virt)
{
	const struct nvme_secondary *secondary = find_controller(virt, order->controller);

	switch (order->action) {
	case IOV_NVME_PRIMARY:
		/* What counts from the next reset on cannot be read. */
		return false;
	case IOV_NVME_PROVE:
		return same(&virt->primary, &order->resources);
	case IOV_NVME_ASSIGN:
		return secondary && same(&secondary->has, &order->resources);
	case IOV_NVME_ONLINE:
		return secondary && secondary->online;
	default:
		return secondary && !secondary->online;
	}
}

static int manage(const struct order *order, enum nvme_virt_mgmt_act action,
		  enum nvme_virt_mgmt_rt resource, unsigned int count)
{
	uint32_t result;
	struct nvme_virtual_mgmt_args args = {
		.args_size = sizeof(args),
		.result = &result,
		.fd = order->fd,
		.timeout = NVME_DEFAULT_IOCTL_TIMEOUT,
		.act = action,
		.rt = resource,
		.cntlid = order->controller,
		.nr = (uint16_t)count,
	};
	int status;

	iov_sys_asking(order->iov, "a change of resources, by an admin command");
	status = nvme_virtual_mgmt(&args);
	return status ? nvme_fail_command(order->iov, status, "do that") : 0;
}

/* Queues and interrupts are two commands. */
static int manage_both(const struct order *order, enum nvme_virt_mgmt_act action)
{
	int error = manage(order, action, NVME_VIRT_MGMT_RT_VQ_RESOURCE, order->resources.queues);

	if (error)
		return error;
	return manage(order, action, NVME_VIRT_MGMT_RT_VI_RESOURCE, order->resources.interrupts);
}

static int carry_out(const struct order *order)
{
	switch (order->action) {
	case IOV_NVME_PRIMARY:
		return manage_both(order, NVME_VIRT_MGMT_ACT_PRIM_CTRL_FLEX_ALLOC);
	case IOV_NVME_PROVE:
		return 0;
	case IOV_NVME_ASSIGN:
		return manage_both(order, NVME_VIRT_MGMT_ACT_ASSIGN_SEC_CTRL);
	case IOV_NVME_ONLINE:
		return manage(order, NVME_VIRT_MGMT_ACT_ONLINE_SEC_CTRL, 0, 0);
	default:
		return manage(order, NVME_VIRT_MGMT_ACT_OFFLINE_SEC_CTRL, 0, 0);
	}
}

/*
 * What the controller is now: of a secondary its entry alone, as a page of them begins where one likes,
 * and a hundred VFs are asked twice each.
 */
static int read_state(const struct order *order, struct nvme_virt *virt)
{
	size_t added;

	nvme_virt_free(virt);
	*virt = (struct nvme_virt){ 0 };
	if (order->action == IOV_NVME_PRIMARY)
		return 0;
	return order->action == IOV_NVME_PROVE ? read_virt(order->iov, order->fd, virt) :
						 read_page(order->iov, order->fd, order->controller, virt, &added);
}

/* Look again, but for the primary: its share changes with its reset. */
static int prove(const struct order *order, struct nvme_virt *virt)
{
	int error;

	if (order->action == IOV_NVME_PRIMARY)
		return 0;
	error = read_state(order, virt);
	if (!error && !fulfilled(order, virt))
		error = iov_fail(order->iov, -EIO, "the controller took the command, but nothing "
				 "changed; look at 'nvme list-secondary'");
	return error;
}

static int run_nvme_virt(struct iov *iov, const struct iov_op *op)
{
	_cleanup_fd_ int fd = -1;
	struct nvme_virt virt = { 0 };
	struct order order = {
		.iov = iov,
		.action = op->nvme_virt.action,
		.controller = op->nvme_virt.controller,
		.resources = op->nvme_virt.resources,
	};
	int error = nvme_controller_open(iov, op->nvme_virt.pf, &fd);

	if (error)
		return error;
	order.fd = fd;
	error = read_state(&order, &virt);
	if (!error && !fulfilled(&order, &virt)) {
		error = carry_out(&order);
		if (!error)
			error = prove(&order, &virt);
	}
	nvme_virt_free(&virt);
	return error;
}

const struct iov_op_runner nvme_virt_runner = { IOV_OP_NVME_VIRT, run_nvme_virt };
