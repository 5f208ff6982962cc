// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhost-user/protocol/message.h"

static const char *const refusal_names[VU_REFUSALS] = {
	[VU_ACCEPTED] = "accepted",
	[VU_REFUSED_VERSION] = "version",
	[VU_REFUSED_FLAGS] = "flags",
	[VU_REFUSED_OVERSIZE] = "oversize",
	[VU_REFUSED_FDS_LOST] = "fds-lost",
	[VU_REFUSED_TRUNCATED] = "truncated",
	[VU_REFUSED_STALLED] = "stalled",
	[VU_REFUSED_REQUEST] = "request",
	[VU_REFUSED_SIZE] = "size",
	[VU_REFUSED_FDS] = "fds",
	[VU_REFUSED_INDEX] = "index",
	[VU_REFUSED_FEATURE] = "feature",
	[VU_REFUSED_VALUE] = "value",
	[VU_REFUSED_STATE] = "state",
	[VU_REFUSED_MEMORY] = "memory",
	[VU_REFUSED_CHANNEL_STALLED] = "channel-stalled",
	[VU_REFUSED_CHANNEL_LATE] = "channel-late",
	[VU_REFUSED_CHANNEL_REPLY] = "channel-reply",
	[VU_REFUSED_NOT_DRAINED] = "not-drained",
};

const char *vu_refusal_name(enum vu_refusal refusal)
{
	return refusal < VU_REFUSALS ? refusal_names[refusal] : "unknown";
}
