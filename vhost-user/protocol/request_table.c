// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The requests that this back end takes.  A handler runs only after everything
 * in its rule was checked, and relies on it.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>

#include "vhost-user/protocol/handlers.h"
#include "vhost-user/protocol/session_internal.h"

#define NO_PAYLOAD .min_size = 0, .max_size = 0
#define U64 .min_size = 8, .max_size = 8
#define STATE .min_size = 8, .max_size = 8, .index = VU_INDEX_STATE
#define MEM_SLOT                                                                                   \
	.min_size = sizeof(struct vu_mem_slot), .max_size = sizeof(struct vu_mem_slot), .max_fds = 1
#define CONFIG                                                                                     \
	.min_size = VU_CONFIG_HEADER, .max_size = sizeof(struct vu_config),                        \
	.offered = VU_BIT(VU_PROTOCOL_CONFIG)
#define INFLIGHT                                                                                   \
	.min_size = VU_INFLIGHT_MIN, .max_size = sizeof(struct vu_inflight_area),                  \
	.offered = VU_BIT(VU_PROTOCOL_INFLIGHT_SHMFD)
#define VRING_FD .min_size = 8, .max_size = 8, .index = VU_INDEX_U64, .max_fds = 1

/* clang-format off */
static const struct vu_rule rules[VU_REQUESTS] = {
	[VU_GET_FEATURES] = {"GET_FEATURES", NO_PAYLOAD, .replies = true,
		.handle = vu_handle_get_features},
	[VU_SET_FEATURES] = {"SET_FEATURES", U64,
		.handle = vu_handle_set_features},
	[VU_SET_OWNER] = {"SET_OWNER", NO_PAYLOAD,
		.handle = vu_handle_set_owner},
	[VU_RESET_OWNER] = {"RESET_OWNER", NO_PAYLOAD,
		.handle = vu_handle_reset_owner},
	[VU_SET_MEM_TABLE] = {"SET_MEM_TABLE", .min_size = 8, .max_size = sizeof(struct vu_mem_table),
		.max_fds = VU_MEM_TABLE_REGIONS,
		.handle = vu_handle_set_mem_table},
	[VU_SET_LOG_BASE] = {"SET_LOG_BASE", .min_size = sizeof(struct vu_log),
		.max_size = sizeof(struct vu_log), .max_fds = 1, .replies = true,
		.offered = VU_BIT(VU_PROTOCOL_LOG_SHMFD),
		.handle = vu_handle_set_log_base},
	[VU_SET_LOG_FD] = {"SET_LOG_FD", NO_PAYLOAD, .max_fds = 1,
		.handle = vu_handle_set_log_fd},
	[VU_SET_VRING_NUM] = {"SET_VRING_NUM", STATE,
		.handle = vu_handle_set_vring_num},
	[VU_SET_VRING_ADDR] = {"SET_VRING_ADDR", .min_size = sizeof(struct vu_vring_addr),
		.max_size = sizeof(struct vu_vring_addr), .index = VU_INDEX_STATE,
		.handle = vu_handle_set_vring_addr},
	[VU_SET_VRING_BASE] = {"SET_VRING_BASE", STATE,
		.handle = vu_handle_set_vring_base},
	[VU_GET_VRING_BASE] = {"GET_VRING_BASE", STATE, .replies = true,
		.handle = vu_handle_get_vring_base},
	[VU_SET_VRING_KICK] = {"SET_VRING_KICK", VRING_FD,
		.handle = vu_handle_set_vring_kick},
	[VU_SET_VRING_CALL] = {"SET_VRING_CALL", VRING_FD,
		.handle = vu_handle_set_vring_call},
	[VU_SET_VRING_ERR] = {"SET_VRING_ERR", VRING_FD,
		.handle = vu_handle_set_vring_err},
	[VU_GET_PROTOCOL_FEATURES] = {"GET_PROTOCOL_FEATURES", NO_PAYLOAD, .replies = true,
		.handle = vu_handle_get_protocol_features},
	[VU_SET_PROTOCOL_FEATURES] = {"SET_PROTOCOL_FEATURES", U64,
		.handle = vu_handle_set_protocol_features},
	[VU_GET_QUEUE_NUM] = {"GET_QUEUE_NUM", NO_PAYLOAD, .replies = true,
		.offered = VU_BIT(VU_PROTOCOL_MQ),
		.handle = vu_handle_get_queue_num},
	/* QEMU enables the first queue pair before it sets any features. */
	[VU_SET_VRING_ENABLE] = {"SET_VRING_ENABLE", STATE,
		.handle = vu_handle_set_vring_enable},
	[VU_SEND_RARP] = {"SEND_RARP", U64,
		.offered = VU_BIT(VU_PROTOCOL_RARP),
		.handle = vu_handle_send_rarp},
	[VU_NET_SET_MTU] = {"NET_SET_MTU", U64,
		.offered = VU_BIT(VU_PROTOCOL_MTU),
		.handle = vu_handle_set_mtu},
	[VU_SET_BACKEND_REQ_FD] = {"SET_BACKEND_REQ_FD", NO_PAYLOAD, .max_fds = 1,
		.offered = VU_BIT(VU_PROTOCOL_BACKEND_REQ),
		.handle = vu_handle_set_backend_req_fd},
	[VU_VRING_KICK] = {"VRING_KICK", STATE,
		.offered = VU_BIT(VU_PROTOCOL_INBAND_NOTIFICATIONS),
		.handle = vu_handle_vring_kick},
	[VU_IOTLB_MSG] = {"IOTLB_MSG", .min_size = VU_IOTLB_MIN, .max_size = sizeof(struct vu_iotlb),
		.replies = true, .if_refused = VU_IF_REFUSED_U64,
		.handle = vu_handle_iotlb_msg},
	[VU_POSTCOPY_ADVISE] = {"POSTCOPY_ADVISE", NO_PAYLOAD, .replies = true,
		.offered = VU_BIT(VU_PROTOCOL_PAGEFAULT),
		.handle = vu_handle_postcopy_advise},
	[VU_POSTCOPY_LISTEN] = {"POSTCOPY_LISTEN", NO_PAYLOAD,
		.offered = VU_BIT(VU_PROTOCOL_PAGEFAULT),
		.handle = vu_handle_postcopy_listen},
	[VU_POSTCOPY_END] = {"POSTCOPY_END", NO_PAYLOAD, .replies = true,
		.offered = VU_BIT(VU_PROTOCOL_PAGEFAULT),
		.handle = vu_handle_postcopy_end},
	[VU_GET_INFLIGHT_FD] = {"GET_INFLIGHT_FD", INFLIGHT, .replies = true,
		.handle = vu_handle_get_inflight_fd},
	[VU_SET_INFLIGHT_FD] = {"SET_INFLIGHT_FD", INFLIGHT, .max_fds = 1,
		.handle = vu_handle_set_inflight_fd},
	[VU_RESET_DEVICE] = {"RESET_DEVICE", NO_PAYLOAD,
		.offered = VU_BIT(VU_PROTOCOL_RESET_DEVICE),
		.handle = vu_handle_reset_device},
	[VU_GET_MAX_MEM_SLOTS] = {"GET_MAX_MEM_SLOTS", NO_PAYLOAD, .replies = true,
		.offered = VU_BIT(VU_PROTOCOL_CONFIGURE_MEM_SLOTS),
		.handle = vu_handle_get_max_mem_slots},
	[VU_SET_DEVICE_STATE_FD] = {"SET_DEVICE_STATE_FD", U64, .max_fds = 1, .replies = true,
		.offered = VU_BIT(VU_PROTOCOL_DEVICE_STATE),
		.if_refused = VU_IF_REFUSED_STATE_REPLY,
		.handle = vu_handle_set_device_state_fd},
	[VU_CHECK_DEVICE_STATE] = {"CHECK_DEVICE_STATE", NO_PAYLOAD, .replies = true,
		.offered = VU_BIT(VU_PROTOCOL_DEVICE_STATE),
		.if_refused = VU_IF_REFUSED_STATE_REPLY,
		.handle = vu_handle_check_device_state},
	/* Short ones are the front end's word in a post-copy migration. */
	[VU_ADD_MEM_REG] = {"ADD_MEM_REG", .min_size = 8, .max_size = sizeof(struct vu_mem_slot),
		.max_fds = 1,
		.offered = VU_BIT(VU_PROTOCOL_CONFIGURE_MEM_SLOTS),
		.handle = vu_handle_add_mem_reg},
	/* Early front ends sent a descriptor with it. */
	[VU_REM_MEM_REG] = {"REM_MEM_REG", MEM_SLOT,
		.offered = VU_BIT(VU_PROTOCOL_CONFIGURE_MEM_SLOTS),
		.handle = vu_handle_rem_mem_reg},
	[VU_SET_STATUS] = {"SET_STATUS", U64,
		.offered = VU_BIT(VU_PROTOCOL_STATUS),
		.handle = vu_handle_set_status},
	[VU_GET_STATUS] = {"GET_STATUS", NO_PAYLOAD, .replies = true,
		.offered = VU_BIT(VU_PROTOCOL_STATUS),
		.handle = vu_handle_get_status},
	/* Never offered, and so never handled. */
	[VU_SET_VRING_ENDIAN] = {"SET_VRING_ENDIAN", STATE,
		.offered = VU_BIT(VU_PROTOCOL_CROSS_ENDIAN)},
	[VU_CREATE_CRYPTO_SESSION] = {"CREATE_CRYPTO_SESSION", .max_size = VU_PAYLOAD_MAX,
		.offered = VU_BIT(VU_PROTOCOL_CRYPTO_SESSION)},
	[VU_CLOSE_CRYPTO_SESSION] = {"CLOSE_CRYPTO_SESSION", U64,
		.offered = VU_BIT(VU_PROTOCOL_CRYPTO_SESSION)},
	/* "Or no fd otherwise". */
	[VU_GET_SHARED_OBJECT] = {"GET_SHARED_OBJECT", .min_size = 16, .max_size = 16,
		.offered = VU_BIT(VU_PROTOCOL_SHARED_OBJECT), .replies = true,
		.if_refused = VU_IF_REFUSED_EMPTY_REPLY},
	[VU_GET_SHMEM_CONFIG] = {"GET_SHMEM_CONFIG", NO_PAYLOAD,
		.offered = VU_BIT(VU_PROTOCOL_SHMEM)},
	/* "Back-end uses zero length of payload to indicate an error". */
	[VU_GET_CONFIG] = {"GET_CONFIG", CONFIG, .replies = true,
		.if_refused = VU_IF_REFUSED_EMPTY_REPLY,
		.handle = vu_handle_get_config},
	[VU_SET_CONFIG] = {"SET_CONFIG", CONFIG,
		.if_refused = VU_IF_REFUSED_NOTHING,
		.handle = vu_handle_set_config},
};
/* clang-format on */

const struct vu_rule *vu_rule(uint32_t request)
{
	return request < VU_REQUESTS && rules[request].name ? &rules[request] : NULL;
}

const char *vu_request_name(uint32_t request)
{
	const struct vu_rule *rule = vu_rule(request);

	return rule ? rule->name : NULL;
}

unsigned int vu_message_index(const struct vu_rule *rule, const struct vu_message *message)
{
	if (rule->index == VU_INDEX_U64)
		return message->payload.u64 & VU_VRING_INDEX_MASK;
	return message->payload.state.index;
}

/*
 * Whoever writes to what the front end gave must not come to wait for the reader
 * of a pipe or for a file system.  Files without a type are eventfds and their
 * kin, on which write() is an error.
 */
static bool is_eventfd(int fd)
{
	struct statx status;

	/* Without asking whoever may serve the file. */
	return !statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE, &status) &&
	       !(status.stx_mode & S_IFMT);
}

static enum vu_refusal check_fds(struct vu_session *session, const struct vu_rule *rule,
				 const struct vu_message *message)
{
	bool nofd = rule->index == VU_INDEX_U64 && (message->payload.u64 & VU_VRING_NOFD);
	unsigned int min = rule->index == VU_INDEX_U64 && !nofd ? 1 : 0;
	unsigned int max = nofd ? 0 : rule->max_fds;

	if (message->fd_count < min || message->fd_count > max)
		return vu_refuse(
			session, VU_REFUSED_FDS, "%u file descriptors came with it, expected %s %u",
			message->fd_count, message->fd_count < min ? "at least" : "at most",
			message->fd_count < min ? min : max);
	if (rule->index == VU_INDEX_U64 && max && !is_eventfd(message->fds[0]))
		return vu_refuse(session, VU_REFUSED_FDS,
				 "its file descriptor is something else, expected an eventfd");
	return VU_ACCEPTED;
}

static enum vu_refusal check_index(struct vu_session *session, const struct vu_rule *rule,
				   const struct vu_message *message)
{
	const uint64_t known = VU_VRING_INDEX_MASK | VU_VRING_NOFD;

	if (rule->index == VU_INDEX_NONE)
		return VU_ACCEPTED;
	if (rule->index == VU_INDEX_U64 && (message->payload.u64 & ~known))
		return vu_refuse(session, VU_REFUSED_INDEX,
				 "0x%" PRIx64 " has bits above 8, expected a vring index",
				 message->payload.u64);
	if (vu_message_index(rule, message) >= session->device.queues)
		return vu_refuse(session, VU_REFUSED_INDEX,
				 "no vring %u, expected less than %u; give the VMM fewer queues",
				 vu_message_index(rule, message), session->device.queues);
	return VU_ACCEPTED;
}

enum vu_refusal vu_rule_check(struct vu_session *session, const struct vu_rule *rule,
			      const struct vu_message *message)
{
	uint32_t size = message->header.size;
	enum vu_refusal refusal;

	if (!rule)
		return vu_refuse(session, VU_REFUSED_REQUEST, "this back end has no such request");
	if (size < rule->min_size || size > rule->max_size)
		return vu_refuse(session, VU_REFUSED_SIZE, "%u bytes of payload, expected %s %u",
				 size, size < rule->min_size ? "at least" : "at most",
				 size < rule->min_size ? rule->min_size : rule->max_size);
	if (rule->offered & ~vu_session_offered(session))
		return vu_refuse(session, VU_REFUSED_FEATURE,
				 "its protocol feature 0x%" PRIx64 " is not offered",
				 rule->offered);
	refusal = check_index(session, rule, message);
	return refusal ? refusal : check_fds(session, rule, message);
}
