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

static const char *const protocol_feature_names[] = {
	[VU_PROTOCOL_MQ] = "mq",
	[VU_PROTOCOL_LOG_SHMFD] = "log-shmfd",
	[VU_PROTOCOL_RARP] = "rarp",
	[VU_PROTOCOL_REPLY_ACK] = "reply-ack",
	[VU_PROTOCOL_MTU] = "mtu",
	[VU_PROTOCOL_BACKEND_REQ] = "backend-req",
	[VU_PROTOCOL_CROSS_ENDIAN] = "cross-endian",
	[VU_PROTOCOL_CRYPTO_SESSION] = "crypto-session",
	[VU_PROTOCOL_PAGEFAULT] = "pagefault",
	[VU_PROTOCOL_CONFIG] = "config",
	[VU_PROTOCOL_BACKEND_SEND_FD] = "backend-send-fd",
	[VU_PROTOCOL_HOST_NOTIFIER] = "host-notifier",
	[VU_PROTOCOL_INFLIGHT_SHMFD] = "inflight-shmfd",
	[VU_PROTOCOL_RESET_DEVICE] = "reset-device",
	[VU_PROTOCOL_INBAND_NOTIFICATIONS] = "inband-notifications",
	[VU_PROTOCOL_CONFIGURE_MEM_SLOTS] = "configure-mem-slots",
	[VU_PROTOCOL_STATUS] = "status",
	[VU_PROTOCOL_XEN_MMAP] = "xen-mmap",
	[VU_PROTOCOL_SHARED_OBJECT] = "shared-object",
	[VU_PROTOCOL_DEVICE_STATE] = "device-state",
	[VU_PROTOCOL_GET_VRING_BASE_INFLIGHT] = "get-vring-base-inflight",
	[VU_PROTOCOL_GPA_ADDRESSES] = "gpa-addresses",
	[VU_PROTOCOL_SHMEM] = "shmem",
};

const char *vu_protocol_feature_name(unsigned int bit)
{
	return bit < sizeof(protocol_feature_names) / sizeof(*protocol_feature_names)
		       ? protocol_feature_names[bit] : NULL;
}

static const char *const backend_request_names[] = {
	[VU_BACKEND_IOTLB_MSG] = "IOTLB_MSG",
	[VU_BACKEND_CONFIG_CHANGE_MSG] = "CONFIG_CHANGE_MSG",
	[VU_BACKEND_VRING_CALL] = "VRING_CALL",
	[VU_BACKEND_VRING_ERR] = "VRING_ERR",
};

const char *vu_backend_request_name(uint32_t request)
{
	return request < sizeof(backend_request_names) / sizeof(*backend_request_names)
		       ? backend_request_names[request] : NULL;
}
