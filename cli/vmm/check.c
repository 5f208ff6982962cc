// SPDX-License-Identifier: GPL-2.0-or-later
/* What holds of every VMM: kinds, releases, domains, sockets, ids, the pair. */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "base/utf8.h"
#include "cli/vmm/vmm.h"

static const char *const kinds[VMM_KINDS] = {
	[VMM_FUNCTION] = "PCI functions",
	[VMM_MDEV] = "mediated devices",
	[VMM_VDPA] = "vDPA devices",
	[VMM_PORT] = "vhost-user ports",
	[VMM_DISK] = "vhost-user disks",
};

static int too_old(const struct vmm_set *set, const struct vmm_item *item, const char *what,
		   struct vmm_version since)
{
	return iov_fail(set->iov, -ENOTSUP, "%s: %s %u.%u is too old: it takes %s from %u.%u on; take a "
			"newer one, or name its release with --vmm-version", item->name,
			set->vmm->title, set->version.major, set->version.minor, what, since.major,
			since.minor);
}

int vmm_refuse(const struct vmm_set *set, enum vmm_kind kind, const char *name)
{
	const char *refusal = set->vmm->takes[kind].refusal;

	return refusal ? iov_fail(set->iov, -ENOTSUP, "%s: %s takes no %s: %s", name,
				  set->vmm->title, kinds[kind], refusal) : 0;
}

static int check_kind(const struct vmm_set *set, const struct vmm_item *item)
{
	const struct vmm_takes *takes = &set->vmm->takes[item->kind];

	if (!vmm_has(set, takes->since.major, takes->since.minor))
		return too_old(set, item, kinds[item->kind], takes->since);
	if (takes->connects && item->listens)
		return iov_fail(set->iov, -ENOTSUP, "%s: %s connects to its socket, and so does iovd; "
				"remove it, and add it with --server", item->name, set->vmm->title);
	return 0;
}

static int check_iommufd(const struct vmm_set *set, const struct vmm_item *item)
{
	struct vmm_version since = set->vmm->iommufd_since;

	if (!item->by_iommufd)
		return 0;
	if (since.major != UINT_MAX)
		return vmm_has(set, since.major, since.minor) ? 0 :
			too_old(set, item, "devices by iommufd", since);
	return iov_fail(set->iov, -ENOTSUP, "%s: the kernel has iommufd alone, which %s does not know; "
			"take one with CONFIG_IOMMUFD_VFIO_CONTAINER or CONFIG_VFIO_CONTAINER, or "
			"another VMM", item->name, set->vmm->title);
}

static int check_domain(const struct vmm_set *set, const struct vmm_item *item)
{
	if (item->kind != VMM_FUNCTION || item->bdf.domain <= set->vmm->domain_max)
		return 0;
	return iov_fail(set->iov, -ENOTSUP, "%s: %s reads PCI domains up to %x; name another VMM, as "
			"--vmm qemu, which is told its directory", item->name, set->vmm->title,
			set->vmm->domain_max);
}

/* Whether a line, and with that XML, can have it: characters, none of which is a command to a terminal. */
static bool is_text(const char *path)
{
	uint32_t code;
	size_t length;

	for (; *path; path += length) {
		length = utf8_at(path, &code);
		if (!length || utf8_is_control(code) || code == 0xfffe || code == 0xffff)
			return false;
	}
	return true;
}

static int check_path(const struct vmm_set *set, const struct vmm_item *item,
		      const struct vmm_format *format)
{
	/* JSON has all of them by numbers. */
	if (format->shape != VMM_DOCUMENTS && !is_text(item->socket))
		return iov_fail(set->iov, -EINVAL, "%s: the path of its socket has control characters, which "
				"cannot be told %s; add it with another path", item->name, set->vmm->title);
	if (!format->plain || !strpbrk(item->socket, format->plain))
		return 0;
	return iov_fail(set->iov, -EINVAL, "%s: the path of its socket has characters that a shell or %s "
			"takes for its own; add it with another path", item->name, set->vmm->title);
}

/* Earlier ones have been looked at. */
static int check_id(const struct vmm_set *set, const struct vmm_item *item)
{
	for (const struct vmm_item *other = set->items; other < item; other++) {
		if (!strcmp(other->name, item->name))
			return iov_fail(set->iov, -EINVAL, "%s: is named twice; name it once",
					item->name);
		if (!strcmp(other->id, item->id))
			return iov_fail(set->iov, -EINVAL, "%s and %s: both would be '%s' for %s; "
					"attach them to two guests, or give the port or disk another "
					"name", other->name, item->name, item->id, set->vmm->title);
	}
	return 0;
}

static int check_item(const struct vmm_set *set, const struct vmm_item *item,
		      const struct vmm_format *format)
{
	int error = check_kind(set, item);

	if (!error)
		error = check_iommufd(set, item);
	if (!error)
		error = check_domain(set, item);
	if (!error)
		error = check_path(set, item, format);
	return error ? error : check_id(set, item);
}

static int check_memory(const struct vmm_set *set)
{
	if (!set->memory || set->vmm->memory)
		return 0;
	return iov_fail(set->iov, -EINVAL, "--memory %s: %s is told the guest's memory elsewhere; leave "
			"it out", set->memory, set->vmm->title);
}

/* Slots are made when a guest starts: one that runs has those that it was started with. */
static int check_slot(const struct vmm_set *set, const struct vmm_item *item, const struct vmm_format *format)
{
	if (format->shape != VMM_DOCUMENTS || item->bus)
		return 0;
	return iov_fail(set->iov, -EINVAL, "--failover: %s needs a root port that can be unplugged, and a guest that "
			"runs gets no more of them; name one for each device with --bus", item->name);
}

static int check_pairs(const struct vmm_set *set, const struct vmm_format *format)
{
	const struct vmm_version since = set->vmm->failover_since;
	int error = 0;

	for (size_t i = 0; !error && i < set->count; i++) {
		if (!vmm_is_primary(&set->items[i]))
			continue;
		if (since.major == UINT_MAX)
			return iov_fail(set->iov, -ENOTSUP, "--failover: %s pairs no devices; name qemu or "
					"libvirt", set->vmm->title);
		if (!vmm_has(set, since.major, since.minor))
			return too_old(set, &set->items[i], "failover pairs", since);
		error = check_slot(set, &set->items[i], format);
	}
	return error;
}

int vmm_check(const struct vmm_set *set, const struct vmm_format *format)
{
	int error = check_memory(set);

	for (size_t i = 0; !error && i < set->count; i++)
		error = check_item(set, &set->items[i], format);
	if (!error)
		error = check_pairs(set, format);
	if (!error && set->vmm->check)
		error = set->vmm->check(set);
	return error;
}
