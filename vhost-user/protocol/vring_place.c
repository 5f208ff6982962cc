// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Where the parts of a ring are.  Their addresses are those of the front end, or I/O
 * virtual ones when these are translated; the parts of a packed ring are given in
 * those of a split one.
 */
#include <inttypes.h>

#include "vhost-user/protocol/session_internal.h"

struct part {
	const char *name;
	uint64_t address;
	struct virtq_part layout;
	enum iotlb_access access;
};

static int fail(struct vu_session *session, const struct vu_vring *ring, const struct part *part,
		const char *where)
{
	return iov_fail(session->iov, -EFAULT,
			"%s of vring %u at 0x%" PRIx64 ": expected %zu bytes of guest memory%s "
			"aligned to %zu",
			part->name, ring->queue.index, part->address, part->layout.bytes, where,
			part->layout.alignment);
}

static int find_part(struct vu_session *session, const struct vu_vring *ring,
		     const struct part *part, void **host, uint64_t *missing)
{
	int error = 0;

	if (vu_is_translated(session))
		error = iotlb_find(session->iotlb, part->address, part->layout.bytes,
				   part->access, host, missing);
	else
		*host = guest_memory_at_user(session->memory, part->address, part->layout.bytes);
	if (error == -ENOENT)
		return -EAGAIN;
	if (error || !*host || (uintptr_t)*host & (part->layout.alignment - 1))
		return fail(session, ring, part, error == -ENXIO ? " in one piece" : "");
	return 0;
}

int vu_vring_place(struct vu_session *session, const struct vu_vring *ring,
		   struct vu_place *place)
{
	struct virtq_layout layout = virtq_layout(ring->size, session->features);
	const struct vu_vring_addr *addr = &ring->addr;
	const struct part parts[] = {
		{ "descriptor area", addr->desc, layout.desc,
		  vu_is_packed(session) ? IOTLB_READ_WRITE : IOTLB_READ },
		{ "driver area", addr->avail, layout.driver, IOTLB_READ },
		{ "device area", addr->used, layout.device, IOTLB_WRITE },
	};
	void **hosts[] = { &place->desc, &place->driver, &place->device };

	for (unsigned int i = 0; i < 3; i++) {
		int error = find_part(session, ring, &parts[i], hosts[i], &place->missing);

		place->access = parts[i].access;
		if (error)
			return error;
	}
	return 0;
}
