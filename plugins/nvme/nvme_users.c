// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Who has a namespace beside the VF that gets it.  A shared one may have any controller of its
 * subsystem, so the kernel may use it by the PF, by another VF, or by all paths to it at once
 * (multipath), and a virtual machine by a VF that it was given.  What is written there by two who
 * do not know of each other is lost, so the guards are asked for it as for what is taken: when a VF gets
 * it, and when a VF is given away that has it, as a device may attach one to all new controllers by itself.
 *
 * The kernel's block devices say which namespace they are: its number in the subsystem, whose name
 * is that of the controller or of the subsystem above, and the identifiers that no other has, which
 * hold as well for a controller that calls its subsystem by another name.
 */
#include "plugins/nvme/nvme.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/sysroot/paths.h"
#include "base/sysroot/sysroot.h"

/* An NQN with its NUL (NVM Express Base 2.0, section 4.5). */
#define NQN_SIZE 224

/* What is looked for, and why; @devices: who has it. */
struct namespace_use {
	struct iov *iov;
	const struct nvme_namespace *namespace;
	struct json_object *devices;
	char subsystem[NQN_SIZE];
	char why[96];
};

/* The value of a digit, whose string is one of those of "0123456789abcdef". */
static int read_digit(char digit)
{
	return isdigit((unsigned char)digit) ? digit - '0' : tolower((unsigned char)digit) - 'a' + 10;
}

/* "6479a7a2-3f00-..." or "64 79 a7 a2": the bytes of an identifier as sysfs has it. */
static bool is_identifier(struct iov *iov, const char *path, const uint8_t *bytes, size_t count)
{
	const uint8_t none[NVME_NGUID_SIZE] = { 0 };
	size_t digits = 0;
	char text[64];

	if (!memcmp(bytes, none, count) || iov_sys_read(iov, path, text, sizeof(text)))
		return false;
	for (const char *at = text; *at; at++) {
		uint8_t byte;

		if (!isxdigit((unsigned char)*at))
			continue;
		if (digits == 2 * count)
			return false;
		byte = bytes[digits / 2];
		if (read_digit(*at) != (digits % 2 ? byte & 0xf : byte >> 4))
			return false;
		digits++;
	}
	return digits == 2 * count;
}

/* Whether a block device is the namespace. */
static bool is_namespace(const struct namespace_use *use, const char *name)
{
	struct iov_path device = iov_path(IOV_PATH_CLASS_BLOCK "/%s", name);
	char subsystem[NQN_SIZE];
	int64_t number;

	/* What has no such number is no namespace. */
	if (iov_sys_read_number(use->iov, iov_path("%s/nsid", device.name).name, &number))
		return false;
	if (is_identifier(use->iov, iov_path("%s/nguid", device.name).name, use->namespace->nguid,
			  sizeof(use->namespace->nguid)) ||
	    is_identifier(use->iov, iov_path("%s/eui", device.name).name, use->namespace->eui64,
			  sizeof(use->namespace->eui64)))
		return true;
	return number == use->namespace->id &&
	       !iov_sys_read(use->iov, iov_path("%s/device/subsysnqn", device.name).name, subsystem,
			     sizeof(subsystem)) &&
	       !strcmp(subsystem, use->subsystem);
}

static void add_user(const struct namespace_use *use, const char *device)
{
	struct json_object *user = json_object_new_object();

	json_add_text(user, "device", device);
	json_add_text(user, "why", use->why);
	json_object_array_add(use->devices, user);
}

/*
 * The disk, and its node for commands, "ng0n1" of "nvme0n1".  A disk that is hidden is a path to
 * another one, or one that the kernel can only give commands.
 */
static void add_block(const struct namespace_use *use, const char *name)
{
	struct iov_path node = iov_path("ng%s", name + strlen("nvme"));
	int64_t hidden = 0;

	iov_sys_read_number(use->iov, iov_path(IOV_PATH_CLASS_BLOCK "/%s/hidden", name).name, &hidden);
	if (!hidden)
		add_user(use, iov_path("block/%s", name).name);
	if (iov_sys_exists(use->iov, iov_path(IOV_PATH_CLASS "/nvme-generic/%s", node.name).name))
		add_user(use, iov_path("nvme-generic/%s", node.name).name);
}

static int add_blocks(const struct namespace_use *use)
{
	char **names;
	size_t count;
	int error = iov_sys_list(use->iov, IOV_PATH_CLASS_BLOCK, &names, &count);

	if (error)
		return error == -ENOENT ? 0 : iov_told(use->iov, error, "cannot tell who uses namespace %u: cannot "
						       "list /" IOV_PATH_CLASS_BLOCK ": %s", use->namespace->id,
						       strerror(-error));
	for (size_t i = 0; i < count; i++) {
		if (!strncmp(names[i], "nvme", strlen("nvme")) && is_namespace(use, names[i]))
			add_block(use, names[i]);
	}
	iov_names_free(names, count);
	return 0;
}

/* VFs that have it and are not the kernel's own: who has such a VF has the namespace. */
static void add_vfs(const struct namespace_use *use, const struct iov_pf *pf,
		    const struct nvme_virt *virt, const bool *given)
{
	char driver[64];

	for (unsigned int i = 0; i < pf->count; i++) {
		const struct nvme_secondary *secondary = nvme_virt_find(virt, i);
		struct iov_bdf vf = iov_vf_bdf(pf, i);

		if (!given[i] && secondary && nvme_namespace_has(use->namespace, secondary->id) &&
		    !nvme_driver_of(use->iov, vf, driver, sizeof(driver)))
			add_user(use, IOV_BDF(vf));
	}
}

/* Who else has a namespace that VF @index gets, and those of @given have as well. */
static int find_users(struct iov *iov, const struct iov_pf *pf, const struct nvme_virt *virt,
		      const struct nvme_namespace *namespace, unsigned int index, const bool *given,
		      struct json_object *devices)
{
	struct namespace_use use = { .iov = iov, .namespace = namespace, .devices = devices };
	char name[32];
	int error = nvme_name(iov, pf->bdf, name, sizeof(name));
	struct iov_path subsystem = iov_pci_path(pf->bdf, iov_path("nvme/%s/subsysnqn", name).name);

	if (error)
		return error;
	error = iov_sys_read(iov, subsystem.name, use.subsystem, sizeof(use.subsystem));
	if (error)
		return iov_told(iov, error, "cannot tell who uses namespace %u of %s: cannot read /%s: %s",
				namespace->id, IOV_BDF(pf->bdf), subsystem.name, strerror(-error));
	snprintf(use.why, sizeof(use.why), "namespace %u, which VF %u of %s gets", namespace->id, index,
		 IOV_BDF(pf->bdf));
	add_vfs(&use, pf, virt, given);
	return add_blocks(&use);
}

int nvme_namespace_take(struct iov_plan *plan, const struct iov_pf *pf, const struct nvme_virt *virt,
			const struct nvme_namespace *namespace, unsigned int index)
{
	_cleanup_json_ struct json_object *users = json_object_new_array();
	struct iov *iov = iov_plan_context(plan);
	_cleanup_free_ bool *given = calloc(pf->count + index + 1, sizeof(*given));
	int error;

	if (!given)
		return iov_fail(iov, -ENOMEM, "out of memory");
	given[index] = true;
	error = find_users(iov, pf, virt, namespace, index, given, users);
	for (size_t i = 0; !error && i < json_object_array_length(users); i++) {
		struct json_object *user = json_object_array_get_idx(users, i);

		iov_plan_take_device(plan, json_text(user, "device"), json_text(user, "why"));
	}
	return error;
}

/* The first of @given that has a namespace; @pf->count for none. */
static unsigned int first_with(const struct iov_pf *pf, const struct nvme_virt *virt,
			       const struct nvme_namespace *namespace, const bool *given)
{
	unsigned int index = 0;

	for (; index < pf->count; index++) {
		const struct nvme_secondary *secondary = nvme_virt_find(virt, index);

		if (given[index] && secondary && nvme_namespace_has(namespace, secondary->id))
			break;
	}
	return index;
}

static int find_shared(struct iov *iov, const struct iov_pf *pf, const bool *given, struct json_object *devices)
{
	struct nvme_namespaces namespaces = { 0 };
	struct nvme_virt virt = { 0 };
	int error = nvme_virt_read(iov, pf->bdf, &virt);

	if (!error)
		error = nvme_namespaces_read(iov, pf->bdf, &namespaces);
	for (size_t i = 0; !error && i < namespaces.count; i++) {
		const struct nvme_namespace *namespace = &namespaces.list[i];
		unsigned int index = first_with(pf, &virt, namespace, given);

		if (namespace->shared && index < pf->count)
			error = find_users(iov, pf, &virt, namespace, index, given, devices);
	}
	nvme_namespaces_free(&namespaces);
	nvme_virt_free(&virt);
	return error;
}

/*
 * A PF that the kernel does not drive is no way to any of this host's disks, nor to tell who has what; of a
 * recorded host the host itself tells.
 */
int nvme_shares(struct iov *iov, const struct iov_pf *pf, const bool *given, struct json_object *devices)
{
	char driver[64];
	int error = nvme_driver_of(iov, pf->bdf, driver, sizeof(driver)) ? find_shared(iov, pf, given, devices) : 0;

	return error == -EOPNOTSUPP ? 0 : error;
}
