// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The guard "bpf": programs that take the frames of an interface beside XDP and filters, and
 * maps by which XDP programs send to one.  The kernel is asked for what is attached to an
 * interface, however it was attached, and for the maps that it has.
 */
#include <errno.h>
#include <linux/bpf.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/guard/links.h"
#include "base/guard/scans.h"
#include "base/guard/walk_interface.h"
#include "base/sysroot/call.h"

static const struct guard bpf_guard = {
	"bpf", "a BPF program takes the frames of its interface (tcx), or sends to it (a devmap)",
};

/* Of Linux 6.6, and of headers that are as new. */
#define TCX_INGRESS 46
#define TCX_EGRESS 47

/* What a devmap has of an interface: its index, and in some a program after that. */
#define VALUE_MAX 64

static int bpf(enum bpf_cmd command, union bpf_attr *attr)
{
	long result = syscall(SYS_bpf, command, attr, sizeof(*attr));

	return result < 0 ? -errno : (int)result;
}

/* A kernel without BPF, or without this of it, has none. */
static bool is_lacking(int error)
{
	return error == -ENOSYS || error == -EINVAL || error == -EOPNOTSUPP;
}

/* Whether a program is attached to an interface at one of its two hooks: 0, 1 or -errno. */
static int has_program(const struct guard_link *link, unsigned int hook)
{
	union bpf_attr attr = { 0 };
	int error;

	attr.query.target_fd = link->index;
	attr.query.attach_type = hook;
	error = bpf(BPF_PROG_QUERY, &attr);
	return error ? error : attr.query.prog_cnt > 0;
}

static int scan_hooks(struct guard_scan *scan, const struct guard_link *link)
{
	int ingress = has_program(link, TCX_INGRESS), egress;

	if (ingress < 0)
		return ingress;
	egress = has_program(link, TCX_EGRESS);
	if (ingress > 0 || egress > 0)
		guard_hold_interface(scan, &bpf_guard, "a BPF program (tcx)", link->name);
	return egress < 0 ? egress : 0;
}

static void scan_programs(struct guard_scan *scan)
{
	const struct guard_links *links = guard_own_links(scan);
	int error = 0;

	for (size_t i = 0; !error && i < links->count; i++) {
		iov_sys_asking(scan->iov, "the BPF programs of %s", links->list[i].name);
		error = scan_hooks(scan, &links->list[i]);
		/* One that went meanwhile has none. */
		error = error == -ENODEV ? 0 : error;
	}
	if (!is_lacking(error))
		guard_unseen(scan, error, "the BPF programs of interfaces");
}

static void hold_index(struct guard_scan *scan, const char *map, unsigned int index)
{
	const struct guard_links *links = guard_own_links(scan);
	char holder[96];

	snprintf(holder, sizeof(holder), "a BPF program that sends to it, by the map %s", map);
	for (size_t i = 0; i < links->count; i++) {
		if (links->list[i].index == index)
			guard_hold_interface(scan, &bpf_guard, holder, links->list[i].name);
	}
}

/* A key without an interface has no value. */
static void read_map(struct guard_scan *scan, int fd, const char *name)
{
	unsigned char value[VALUE_MAX] = { 0 };
	uint32_t key = 0, index;
	union bpf_attr next = { 0 }, lookup = { 0 };

	next.map_fd = lookup.map_fd = (uint32_t)fd;
	lookup.key = next.next_key = (uintptr_t)&key;
	lookup.value = (uintptr_t)value;
	while (!bpf(BPF_MAP_GET_NEXT_KEY, &next)) {
		next.key = (uintptr_t)&key;
		if (bpf(BPF_MAP_LOOKUP_ELEM, &lookup))
			continue;
		memcpy(&index, value, sizeof(index));
		hold_index(scan, name, index);
	}
}

static bool is_devmap(const struct bpf_map_info *info)
{
	return (info->type == BPF_MAP_TYPE_DEVMAP || info->type == BPF_MAP_TYPE_DEVMAP_HASH) &&
	       info->key_size == sizeof(uint32_t) && info->value_size <= VALUE_MAX;
}

static void scan_map(struct guard_scan *scan, uint32_t id)
{
	struct bpf_map_info info = { 0 };
	union bpf_attr open = { .map_id = id }, ask = { 0 };
	_cleanup_fd_ int fd = bpf(BPF_MAP_GET_FD_BY_ID, &open);

	if (fd < 0) {
		guard_unseen(scan, fd, "a map of BPF");
		return;
	}
	ask.info.bpf_fd = (uint32_t)fd;
	ask.info.info_len = sizeof(info);
	ask.info.info = (uintptr_t)&info;
	if (!bpf(BPF_OBJ_GET_INFO_BY_FD, &ask) && is_devmap(&info))
		read_map(scan, fd, info.name);
}

static void scan_maps(struct guard_scan *scan)
{
	union bpf_attr attr = { 0 };
	int error;

	iov_sys_asking(scan->iov, "the maps of BPF");
	while (!(error = bpf(BPF_MAP_GET_NEXT_ID, &attr))) {
		scan_map(scan, attr.next_id);
		attr.start_id = attr.next_id;
	}
	if (!is_lacking(error))
		guard_unseen(scan, error, "the maps of BPF");
}

static void scan(struct guard_scan *scan)
{
	if (!iov_sys_is_host(scan->iov))
		return;
	scan_programs(scan);
	scan_maps(scan);
}

const struct guard_kind scan_bpf = {
	.guards = (const struct guard *const[]){ &bpf_guard, NULL },
	.scan = scan,
};
