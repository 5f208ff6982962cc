// SPDX-License-Identifier: GPL-2.0-or-later
#include <stddef.h>

#include "vhost-user/net/drop.h"

static const char *const names[DROP_COUNT] = {
	[DROP_NONE] = "none",
	[DROP_SHORT] = "too-short",
	[DROP_LONG] = "too-long",
	[DROP_BAD_HEADER] = "bad-header",
	[DROP_NO_DESTINATION] = "no-destination",
	[DROP_SAME_PORT] = "same-port",
	[DROP_REFLECTED] = "reflected",
	[DROP_ISOLATED] = "isolated",
	[DROP_VLAN] = "vlan",
	[DROP_BAD_SOURCE] = "bad-source",
	[DROP_RESERVED] = "reserved",
	[DROP_SPOOFED] = "spoofed",
	[DROP_STORM] = "storm",
	[DROP_COSTLY] = "too-costly",
	[DROP_MISSED] = "missed",
	[DROP_RECEIVE] = "receive-error",
	[DROP_DOWN] = "down",
	[DROP_FILTERED] = "filtered",
	[DROP_FULL] = "full",
	[DROP_UNMAPPED] = "unmapped",
	[DROP_NO_ROOM] = "buffer-too-small",
	[DROP_RATE] = "rate",
	[DROP_MTU] = "above-mtu",
	[DROP_OFFLOAD] = "not-segmentable",
	[DROP_NO_MEMORY] = "no-memory",
	[DROP_SEND] = "send-error",
};

const char *drop_name(enum drop reason)
{
	return names[reason];
}
