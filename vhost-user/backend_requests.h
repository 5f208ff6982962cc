/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a session asks of its front end; not for the session's users. */
#ifndef VHOST_USER_BACKEND_REQUESTS_H
#define VHOST_USER_BACKEND_REQUESTS_H

#include "vhost-user/session_state.h"

/* Take the answers that came, and see whether one is late; -EPROTO: the connection ends. */
int vu_backend_readable(struct vu_session *session);

/* Close the channel, if there is one. */
void vu_backend_close(struct vu_session *session);

#endif
