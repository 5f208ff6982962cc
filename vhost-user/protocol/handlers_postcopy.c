// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Post-copy migration to here: the guest runs before its memory has arrived.
 *
 *	POSTCOPY_ADVISE		the front end gets a userfaultfd of ours
 *	POSTCOPY_LISTEN		from now on memory is missing when it comes
 *	SET_MEM_TABLE		we map it and tell where, so that the front end knows which
 *	or ADD_MEM_REG		page a fault is about; nobody touches it yet
 *	the same, short		the front end answers faults: rings start, unsettled
 *	POSTCOPY_END		all of it is there: rings start again as usual
 *
 * QEMU's docs/interop/vhost-user.rst, "Migration".
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "vhost-user/protocol/handlers.h"
#include "vhost-user/protocol/userfault.h"

static void forget_userfault(struct vu_session *session)
{
	if (session->userfault_fd >= 0)
		close(session->userfault_fd);
	session->userfault_fd = -1;
	session->postcopy = VU_POSTCOPY_NONE;
}

/* A migration that failed before may have been advised, too. */
enum vu_refusal vu_handle_postcopy_advise(struct vu_session *session, struct vu_message *message)
{
	int fd;

	if (session->postcopy >= VU_POSTCOPY_LISTENING)
		return vu_refuse(session, VU_REFUSED_STATE,
				 "memory arrives already, expected POSTCOPY_END before");
	forget_userfault(session);
	fd = userfault_open();
	if (fd < 0)
		return vu_refuse(session, VU_REFUSED_MEMORY, "no userfaultfd: %s", strerror(-fd));
	session->userfault_fd = fd;
	message->reply_fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (message->reply_fd < 0)
		return vu_refuse(session, VU_REFUSED_MEMORY, "no descriptor for the front end: %s",
				 strerror(errno));
	session->postcopy = VU_POSTCOPY_ADVISED;
	message->header.size = 0;
	return VU_ACCEPTED;
}

enum vu_refusal vu_handle_postcopy_listen(struct vu_session *session, struct vu_message *message)
{
	(void)message;
	if (session->postcopy != VU_POSTCOPY_ADVISED)
		return vu_refuse(session, VU_REFUSED_STATE, "expected POSTCOPY_ADVISE before");
	if (session->memory && session->memory->count)
		return vu_refuse(session, VU_REFUSED_STATE,
				 "there is guest memory already, whose missing pages the front end "
				 "could not tell apart");
	session->postcopy = VU_POSTCOPY_LISTENING;
	return VU_ACCEPTED;
}

/* Whoever waits for a page goes on, as the rings stop before. */
enum vu_refusal vu_handle_postcopy_end(struct vu_session *session, struct vu_message *message)
{
	if (!vu_session_stop_rings(session))
		return VU_LATER;
	if (session->memory && session->userfault_fd >= 0)
		userfault_unregister(session->userfault_fd, session->memory);
	forget_userfault(session);
	if (session->memory && !session->memory->watcher)
		guest_memory_watch(session->memory, session->device.watcher);
	vu_session_start_rings(session);
	message->payload.u64 = 0;
	message->header.size = sizeof(message->payload.u64);
	return VU_ACCEPTED;
}

bool vu_postcopy_is_go(const struct vu_session *session, const struct vu_message *message)
{
	return session->postcopy == VU_POSTCOPY_TOLD && !message->fd_count &&
	       message->header.size == sizeof(message->payload.u64) && !message->payload.u64;
}

enum vu_refusal vu_postcopy_go(struct vu_session *session)
{
	int error = userfault_register(session->userfault_fd, session->memory);

	if (error)
		return vu_refuse(session, VU_REFUSED_MEMORY,
				 "missing pages of this memory cannot be waited for: %s; use "
				 "memory-backend-memfd", strerror(-error));
	session->postcopy = VU_POSTCOPY_LISTENING;
	vu_session_start_rings(session);
	return VU_ACCEPTED;
}

/* The reply is the request, with our address in place of the front end's. */
void vu_postcopy_tell(struct vu_session *session, struct vu_message *message,
		      struct vu_mem_region *region)
{
	if (session->postcopy < VU_POSTCOPY_LISTENING)
		return;
	region->uva = (uintptr_t)guest_memory_find(session->memory, region->gpa)->host;
	message->has_reply = true;
	session->postcopy = VU_POSTCOPY_TOLD;
}
