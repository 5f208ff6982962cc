// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Requests about guest memory and its dirty log.  Whatever changes is changed
 * while no ring runs, but for a region that is added: memory is plugged into guests
 * whose traffic flows.
 */
#include <errno.h>
#include <inttypes.h>

#include "vhost-user/protocol/handlers.h"

static enum vu_refusal map_table(struct vu_session *session, const struct vu_message *message,
				 struct guest_memory *memory)
{
	const struct vu_mem_table *table = &message->payload.mem_table;

	for (uint32_t i = 0; i < table->count; i++) {
		struct guest_region_request request = {
			.gpa = table->regions[i].gpa,
			.size = table->regions[i].size,
			.uva = table->regions[i].uva,
			.offset = table->regions[i].offset,
			.fd = message->fds[i],
			.any_memory = session->device.any_memory,
		};

		if (guest_memory_add(memory, session->iov, &request))
			return VU_REFUSED_MEMORY;
	}
	return VU_ACCEPTED;
}

/* Memory whose pages are still missing is not for devices: they would have to be there. */
static void watch_memory(struct vu_session *session)
{
	if (session->postcopy < VU_POSTCOPY_LISTENING)
		guest_memory_watch(session->memory, session->device.watcher);
}

/* The table in use stays until the new one is known to be good. */
enum vu_refusal vu_handle_set_mem_table(struct vu_session *session, struct vu_message *message)
{
	const struct vu_mem_table *table = &message->payload.mem_table;
	struct guest_memory *memory;
	enum vu_refusal refusal;

	if (vu_postcopy_is_go(session, message))
		return vu_postcopy_go(session);
	if (!table->count || table->count > VU_MEM_TABLE_REGIONS)
		return vu_refuse(
			session, VU_REFUSED_VALUE,
			"%u regions, expected 1 to %d; give the VMM shared memory (share=on)",
			table->count, VU_MEM_TABLE_REGIONS);
	/* Linux has room for two regions in it, however many there are. */
	if (message->header.size < 8 + table->count * sizeof(table->regions[0]))
		return vu_refuse(session, VU_REFUSED_SIZE, "%u bytes of payload for %u regions",
				 message->header.size, table->count);
	if (message->fd_count != table->count)
		return vu_refuse(session, VU_REFUSED_FDS,
				 "%u file descriptors came with %u regions, expected one for each",
				 message->fd_count, table->count);
	if (guest_memory_open(&memory))
		return vu_refuse(session, VU_REFUSED_MEMORY, "out of memory");
	refusal = map_table(session, message, memory);
	if (refusal) {
		guest_memory_close(memory);
		return refusal;
	}
	if (!vu_session_stop_rings(session)) {
		guest_memory_close(memory);
		return VU_LATER;
	}
	vu_iotlb_flush(session);
	guest_memory_close(session->memory);
	session->memory = memory;
	watch_memory(session);
	for (uint32_t i = 0; i < table->count; i++)
		vu_postcopy_tell(session, message, &message->payload.mem_table.regions[i]);
	vu_session_start_rings(session);
	return VU_ACCEPTED;
}

enum vu_refusal vu_handle_get_max_mem_slots(struct vu_session *session,
					    struct vu_message *message)
{
	(void)session;
	message->payload.u64 = VU_MEM_SLOTS;
	message->header.size = sizeof(message->payload.u64);
	return VU_ACCEPTED;
}

enum vu_refusal vu_handle_add_mem_reg(struct vu_session *session, struct vu_message *message)
{
	const struct vu_mem_region *region = &message->payload.mem_slot.region;
	struct guest_region_request request = {
		.gpa = region->gpa,
		.size = region->size,
		.uva = region->uva,
		.offset = region->offset,
		.fd = message->fds[0],
		.any_memory = session->device.any_memory,
	};
	enum vu_refusal refusal = VU_ACCEPTED;

	if (vu_postcopy_is_go(session, message))
		return vu_postcopy_go(session);
	if (message->header.size != sizeof(message->payload.mem_slot))
		return vu_refuse(session, VU_REFUSED_SIZE, "%u bytes of payload, expected %zu",
				 message->header.size, sizeof(message->payload.mem_slot));
	if (message->fd_count != 1)
		return vu_refuse(session, VU_REFUSED_FDS, "no file descriptor came with the region; "
				 "give the VMM shared memory (share=on)");
	if (!session->memory) {
		if (guest_memory_open(&session->memory))
			return vu_refuse(session, VU_REFUSED_MEMORY, "out of memory");
		watch_memory(session);
	}
	if (session->memory->count == VU_MEM_SLOTS)
		return vu_refuse(session, VU_REFUSED_MEMORY, "more than %d regions", VU_MEM_SLOTS);
	/*
	 * Whether a dirty log covers the memory is looked at when a ring starts; and nobody
	 * may touch it before the front end answers faults.
	 */
	if ((session->log || session->postcopy >= VU_POSTCOPY_LISTENING) &&
	    !vu_session_stop_rings(session))
		return VU_LATER;
	if (guest_memory_extend(&session->memory, session->iov, &request))
		refusal = VU_REFUSED_MEMORY;
	else
		vu_postcopy_tell(session, message, &message->payload.mem_slot.region);
	vu_session_use_memory(session);
	vu_session_start_rings(session);
	return refusal;
}

enum vu_refusal vu_handle_rem_mem_reg(struct vu_session *session, struct vu_message *message)
{
	const struct vu_mem_region *region = &message->payload.mem_slot.region;
	int error = -ENOENT;

	if (!vu_session_stop_rings(session))
		return VU_LATER;
	vu_iotlb_flush(session);
	if (session->memory)
		error = guest_memory_remove(session->memory, region->gpa, region->size, region->uva);
	vu_session_start_rings(session);
	if (!error)
		return VU_ACCEPTED;
	return vu_refuse(session, VU_REFUSED_VALUE,
			 "no region at GPA 0x%" PRIx64 " with size 0x%" PRIx64, region->gpa,
			 region->size);
}

enum vu_refusal vu_handle_set_log_base(struct vu_session *session, struct vu_message *message)
{
	const struct vu_log request = message->payload.log;
	const struct file_part_request part = {message->fds[0], request.size, request.offset,
					       session->device.any_memory};
	struct dirty_log *log;

	if (message->fd_count != 1)
		return vu_refuse(session, VU_REFUSED_FDS, "no file descriptor came with the log");
	if (dirty_log_open(&log, session->iov, &part))
		return VU_REFUSED_MEMORY;
	if (session->memory && !dirty_log_covers(log, session->memory)) {
		dirty_log_close(log);
		return vu_refuse(session, VU_REFUSED_MEMORY, "a dirty log of %" PRIu64
				 " bytes does not cover guest memory", request.size);
	}
	if (!vu_session_stop_rings(session)) {
		dirty_log_close(log);
		return VU_LATER;
	}
	dirty_log_close(session->log);
	session->log = log;
	vu_session_start_rings(session);
	message->payload.u64 = 0;
	message->header.size = sizeof(message->payload.u64);
	return VU_ACCEPTED;
}

/* An eventfd for errors of the log, of which there are none. */
enum vu_refusal vu_handle_set_log_fd(struct vu_session *session, struct vu_message *message)
{
	(void)session;
	(void)message;
	return VU_ACCEPTED;
}
