/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a session asks of its front end; not for the session's users. */
#ifndef VHOST_USER_PROTOCOL_BACKEND_REQUESTS_H
#define VHOST_USER_PROTOCOL_BACKEND_REQUESTS_H

#include "vhost-user/protocol/session_internal.h"

/* Take the answers that came, and see whether one is late; -EPROTO: the connection ends. */
int vu_backend_readable(struct vu_session *session);

/*
 * Ask for the translation of the page of an address, once: until there is one, or the
 * front end took one away, or the ring is started again.
 */
void vu_backend_ask_miss(struct vu_session *session, struct vu_vring *ring, uint64_t iova,
			 enum iotlb_access access);

/* Ask for the translation that a running ring looked for in vain. */
void vu_backend_ask_missing(struct vu_session *session, struct vu_vring *ring);

/* Translations from @iova to before @end changed: what was asked of them may be asked again. */
void vu_backend_forget_misses(struct vu_session *session, uint64_t iova, uint64_t end);

/* Send the call that vu_queue_call() left, if there is one; one at a time is on its way. */
void vu_backend_send_call(struct vu_session *session, struct vu_vring *ring);

/* Tell that a ring is broken. */
void vu_backend_send_error(struct vu_session *session, struct vu_vring *ring);

/* Close the channel, if there is one. */
void vu_backend_close(struct vu_session *session);

#endif
