// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * "Inflight I/O tracking": the memory in which rings write down what is in flight.
 *
 * The back end makes it and keeps nothing of it; the front end keeps it over the life of
 * back ends and hands it to each of them before the rings start.  There is a region for
 * each queue, one behind the other, whose size depends on the kind of rings.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "vhost-user/memory/file_part.h"
#include "vhost-user/protocol/handlers.h"

/* Entries of a region have 64-bit counters. */
#define REGION_ALIGNMENT 8

/**
 * struct vu_inflight - the memory that the front end handed over
 * @regions: one behind the other
 * @part: the memory that has them
 * @packed: it is for packed rings
 * @queues: how many
 * @entries: entries of each queue
 * @stride: bytes of a region
 */
struct vu_inflight {
	uint8_t *regions;
	struct file_part part;
	bool packed;
	uint16_t queues;
	uint16_t entries;
	size_t stride;
};

static enum vu_refusal check_numbers(struct vu_session *session,
				     const struct vu_inflight_area *request)
{
	if (!request->queues || request->queues > session->device.queues)
		return vu_refuse(session, VU_REFUSED_VALUE, "%u queues, expected 1 to %u",
				 request->queues, session->device.queues);
	if (!request->entries || request->entries > VIRTQ_SIZE_MAX)
		return vu_refuse(session, VU_REFUSED_VALUE, "queues of %u entries, expected 1 to %d",
				 request->entries, VIRTQ_SIZE_MAX);
	return VU_ACCEPTED;
}

static uint64_t area_bytes(const struct vu_session *session, const struct vu_inflight_area *request)
{
	return virtq_inflight_bytes(request->entries, session->features) *
	       (uint64_t)request->queues;
}

/* Nobody can cut it short, neither under us nor under the front end. */
static int make_file(uint64_t bytes)
{
	_cleanup_fd_ int fd = memfd_create("iovkit-inflight", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int made;

	if (fd < 0 || ftruncate(fd, (off_t)bytes) ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL))
		return -errno;
	made = fd;
	fd = -1;
	return made;
}

enum vu_refusal vu_handle_get_inflight_fd(struct vu_session *session, struct vu_message *message)
{
	struct vu_inflight_area *area = &message->payload.inflight;
	enum vu_refusal refusal = check_numbers(session, area);
	int fd;

	if (refusal)
		return refusal;
	area->size = area_bytes(session, area);
	area->offset = 0;
	fd = make_file(area->size);
	if (fd < 0)
		return vu_refuse(session, VU_REFUSED_MEMORY, "cannot make %" PRIu64 " bytes of memory: %s",
				 area->size, strerror(-fd));
	message->reply_fd = fd;
	return VU_ACCEPTED;
}

static bool is_running(const struct vu_session *session)
{
	for (unsigned int i = 0; i < session->device.queues; i++)
		if (session->rings[i].running)
			return true;
	return false;
}

static enum vu_refusal check_area(struct vu_session *session, const struct vu_message *message)
{
	const struct vu_inflight_area *request = &message->payload.inflight;
	enum vu_refusal refusal = check_numbers(session, request);

	if (refusal)
		return refusal;
	if (message->fd_count != 1)
		return vu_refuse(session, VU_REFUSED_FDS, "no file descriptor came with the memory");
	if (request->size < area_bytes(session, request) || request->offset % REGION_ALIGNMENT)
		return vu_refuse(session, VU_REFUSED_VALUE, "%" PRIu64 " bytes at offset %" PRIu64
				 ", expected at least %" PRIu64 " at a multiple of %d",
				 request->size, request->offset, area_bytes(session, request),
				 REGION_ALIGNMENT);
	if (is_running(session))
		return vu_refuse(session, VU_REFUSED_STATE,
				 "a vring runs, expected GET_VRING_BASE before");
	return VU_ACCEPTED;
}

enum vu_refusal vu_handle_set_inflight_fd(struct vu_session *session, struct vu_message *message)
{
	const struct vu_inflight_area *request = &message->payload.inflight;
	enum vu_refusal refusal = check_area(session, message);
	const struct file_part_request part = {message->fds[0], request->size, request->offset,
					       session->device.any_memory};
	struct vu_inflight *inflight;

	if (refusal)
		return refusal;
	inflight = calloc(1, sizeof(*inflight));
	if (!inflight)
		return vu_refuse(session, VU_REFUSED_MEMORY, "out of memory");
	if (file_part_map(&inflight->part, &inflight->regions, session->iov, "inflight memory",
			  &part)) {
		free(inflight);
		return VU_REFUSED_MEMORY;
	}
	inflight->packed = vu_is_packed(session);
	inflight->queues = request->queues;
	inflight->entries = request->entries;
	inflight->stride = virtq_inflight_bytes(request->entries, session->features);
	vu_inflight_close(session->inflight);
	session->inflight = inflight;
	return VU_ACCEPTED;
}

void vu_inflight_close(struct vu_inflight *inflight)
{
	if (!inflight)
		return;
	file_part_unmap(&inflight->part);
	free(inflight);
}

void vu_inflight_forget(struct vu_session *session, const struct vu_vring *ring, bool all)
{
	const struct vu_inflight *inflight = session->inflight;
	unsigned int index = ring->queue.index;

	if (inflight && index < inflight->queues)
		virtq_inflight_forget(inflight->regions + index * inflight->stride, inflight->entries,
				      inflight->packed ? VU_BIT(VIRTIO_F_RING_PACKED) : 0, all);
}

bool vu_inflight_is_lost(const struct vu_inflight *inflight)
{
	return file_part_is_lost(&inflight->part);
}

enum vu_refusal vu_inflight_start(struct vu_session *session, struct vu_vring *ring,
				  struct virtq_setup *setup)
{
	const struct vu_inflight *inflight = session->inflight;
	unsigned int index = ring->queue.index;

	if (inflight->packed != vu_is_packed(session))
		return vu_refuse(session, VU_REFUSED_VALUE, "inflight memory is for %s rings",
				 inflight->packed ? "packed" : "split");
	if (index >= inflight->queues || ring->size > inflight->entries)
		return vu_refuse(session, VU_REFUSED_VALUE, "vring %u has %u entries, and inflight "
				 "memory is for %u vrings of %u", index, ring->size,
				 inflight->queues, inflight->entries);
	if (virtq_inflight_open(&ring->queue.inflight, session->iov,
				inflight->regions + index * inflight->stride, inflight->entries,
				setup))
		return VU_REFUSED_VALUE;
	return VU_ACCEPTED;
}
