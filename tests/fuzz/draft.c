// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/fuzz/draft.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/test.h"
#include "vhost-user/protocol/session_internal.h"

static uint64_t likely_address(const struct draft_sender *from, struct fuzz_input *input)
{
	return from->guest.uva + 16 * (uint64_t)fuzz_below(input, MEMORY / 16);
}

static void draft_memory(const struct draft_sender *from, struct fuzz_input *input,
			 struct draft *draft)
{
	uint32_t count = 1 + fuzz_below(input, 3);

	draft->payload[0] = count;
	draft->header.size = 8 + 32 * count;
	draft->fd_count = count;
	for (uint32_t i = 0; i < count; i++) {
		uint64_t *region = &draft->payload[1 + 4 * (size_t)i];
		uint64_t part = MEMORY / count & ~UINT64_C(0xfff);

		draft->fds[i] = from->guest.fd;
		region[0] = from->guest.gpa + i * part;
		region[1] = part;
		region[2] = from->guest.uva + i * part;
		region[3] = i * part;
	}
}

static void draft_slot(const struct draft_sender *from, struct fuzz_input *input,
		       struct draft *draft)
{
	uint64_t slot = fuzz_below(input, 4) * (MEMORY / 4);

	draft->header.size = sizeof(struct vu_mem_slot);
	draft->fds[0] = from->guest.fd;
	draft->fd_count = draft->header.request == VU_ADD_MEM_REG;
	draft->payload[1] = from->guest.gpa + slot;
	draft->payload[2] = MEMORY / 4;
	draft->payload[3] = from->guest.uva + slot;
	draft->payload[4] = slot;
}

static void draft_log(const struct draft_sender *from, struct fuzz_input *input,
		      struct draft *draft)
{
	draft->header.size = sizeof(struct vu_log);
	draft->fds[0] = from->files[FILE_LOG];
	draft->fd_count = 1;
	draft->payload[0] = fuzz_one_in(input, 50) ? 1 : LOG_BYTES / 2;
	draft->payload[1] = fuzz_below(input, LOG_BYTES / 2);
}

static void draft_config(struct fuzz_input *input, struct draft *draft)
{
	uint64_t size = fuzz_below(input, VU_CONFIG_SPACE + 1);

	draft->header.size = (uint32_t)(VU_CONFIG_HEADER + size);
	draft->payload[0] = size << 32 | fuzz_below(input, (uint32_t)(VU_CONFIG_SPACE - size + 1));
}

/* Mostly of addresses as they are, so that rings that are described elsewhere are found. */
static void draft_translation(const struct draft_sender *from, struct fuzz_input *input,
			      struct draft *draft)
{
	struct vu_iotlb *iotlb = (struct vu_iotlb *)(void *)draft->payload;
	uint64_t at = IOTLB_PAGE * (uint64_t)fuzz_below(input, MEMORY / IOTLB_PAGE);

	draft->header.size = sizeof(*iotlb);
	iotlb->iova = from->guest.uva + at;
	iotlb->size = IOTLB_PAGE * (uint64_t)(1 + fuzz_below(input, 16));
	iotlb->uva = from->guest.uva + (fuzz_one_in(input, 4) ? 0 : at);
	iotlb->perm = (uint8_t)(3 - fuzz_below(input, 3));
	iotlb->type = (uint8_t)(VU_IOTLB_UPDATE + fuzz_below(input, 2));
}

static void draft_vring(const struct draft_sender *from, struct fuzz_input *input,
			struct draft *draft)
{
	uint64_t value = UINT64_C(1) << fuzz_below(input, 8);

	draft->header.size = 8;
	draft->payload[0] = fuzz_below(input, RINGS);
	switch (draft->header.request) {
	case VU_SET_VRING_ADDR:
		draft->header.size = sizeof(struct vu_vring_addr);
		for (unsigned int i = 1; i < 4; i++)
			draft->payload[i] = likely_address(from, input);
		draft->payload[4] = 0;
		break;
	case VU_SET_VRING_KICK:
	case VU_SET_VRING_CALL:
	case VU_SET_VRING_ERR:
		draft->fd_count = !fuzz_one_in(input, 4);
		draft->payload[0] |= draft->fd_count ? 0 : VU_VRING_NOFD;
		break;
	case VU_SET_VRING_ENABLE:
		value = !fuzz_one_in(input, 2);
		/* fall through */
	default:
		draft->payload[0] |= value << 32;
	}
}

static void draft_inflight(const struct draft_sender *from, struct fuzz_input *input,
			   struct draft *draft)
{
	uint64_t entries;

	draft->header.size = sizeof(struct vu_inflight_area);
	draft->fds[0] = from->files[FILE_INFLIGHT];
	draft->fd_count = draft->header.request == VU_SET_INFLIGHT_FD;
	draft->payload[0] = INFLIGHT_BYTES / 2;
	draft->payload[1] = 8 * fuzz_below(input, 16);
	entries = UINT64_C(1) << fuzz_below(input, 9);
	draft->payload[2] = (1 + fuzz_below(input, RINGS)) | entries << 16;
}

void draft_hush(int fd)
{
	const int least = 0;

	assert_return_code(setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &least, sizeof(least)), 0);
}

void draft_close_channel(struct draft_sender *from)
{
	if (from->channel >= 0)
		close(from->channel);
	from->channel = -1;
}

static void draft_channel(struct draft_sender *from, struct draft *draft)
{
	int pair[2];

	draft_close_channel(from);
	assert_return_code(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	draft_hush(pair[0]);
	draft->fds[0] = pair[0];
	draft->fd_count = 1;
	from->channel = pair[1];
}

static void draft_payload(struct draft_sender *from, struct fuzz_input *input,
			  struct draft *draft)
{
	const struct vu_rule *rule = vu_rule(draft->header.request);

	switch (draft->header.request) {
	case VU_SET_MEM_TABLE:
		draft_memory(from, input, draft);
		return;
	case VU_ADD_MEM_REG:
	case VU_REM_MEM_REG:
		draft_slot(from, input, draft);
		return;
	case VU_SET_LOG_BASE:
		draft_log(from, input, draft);
		return;
	case VU_GET_INFLIGHT_FD:
	case VU_SET_INFLIGHT_FD:
		draft_inflight(from, input, draft);
		return;
	case VU_SET_BACKEND_REQ_FD:
		draft_channel(from, draft);
		return;
	case VU_IOTLB_MSG:
		draft_translation(from, input, draft);
		return;
	case VU_SET_DEVICE_STATE_FD:
		draft->header.size = sizeof(struct vu_device_state);
		draft->payload[0] = fuzz_below(input, 2);
		draft->fds[0] = from->files[FILE_PIPE];
		draft->fd_count = 1;
		return;
	case VU_GET_CONFIG:
	case VU_SET_CONFIG:
		draft_config(input, draft);
		return;
	case VU_SET_VRING_NUM ... VU_SET_VRING_ERR:
	case VU_SET_VRING_ENABLE:
		draft_vring(from, input, draft);
		return;
	}
	draft->header.size = rule ? rule->min_size : fuzz_u8(input);
	if (draft->header.request == VU_SET_FEATURES)
		draft->payload[0] = fuzz_u64(input) & (FEATURES | BIT(VU_F_LOG_ALL));
	else if (draft->header.request == VU_SET_PROTOCOL_FEATURES)
		draft->payload[0] = fuzz_u8(input) | VU_BIT(VU_PROTOCOL_REPLY_ACK);
	else if (draft->header.size)
		/* Of whatever else there is, small numbers are the likely ones. */
		draft->payload[0] = fuzz_u8(input);
}

static void draft_protocol(struct fuzz_input *input, struct draft *draft)
{
	draft->header.request = VU_SET_PROTOCOL_FEATURES;
	draft->header.size = sizeof(uint64_t);
	fuzz_bytes(input, draft->payload, 3);
	draft->payload[0] |= VU_BIT(VU_PROTOCOL_REPLY_ACK);
}

void draft_good(struct draft_sender *from, struct fuzz_input *input,
		uint8_t op, struct draft *draft)
{
	memset(draft, 0, sizeof(*draft));
	for (unsigned int i = 0; i < FDS_SENT; i++)
		draft->fds[i] = from->files[FILE_EVENT];
	draft->header.request = op & OP_REQUEST;
	draft->header.flags = VU_FLAG_VERSION | (op & OP_SILENT ? 0 : VU_FLAG_NEED_REPLY);
	if ((op & OP_REQUEST) == OP_PROTOCOL)
		draft_protocol(input, draft);
	else if ((op & OP_REQUEST) == OP_GO)
		draft->header = (struct vu_header){
			VU_SET_MEM_TABLE, VU_FLAG_VERSION | VU_FLAG_NEED_REPLY, sizeof(uint64_t),
		};
	else
		draft_payload(from, input, draft);
}

void draft_spoil(const struct draft_sender *from, struct fuzz_input *input,
		 struct draft *draft)
{
	uint32_t words = draft->header.size / 8, word;

	switch (fuzz_below(input, 8)) {
	case 0:
		draft->header.request = (uint32_t)fuzz_edge(input);
		break;
	case 1:
		draft->header.size = fuzz_below(input, sizeof(draft->payload));
		break;
	case 2:
		draft->fd_count = fuzz_below(input, FDS_SENT + 1);
		break;
	case 3:
		draft->header.flags = (uint32_t)fuzz_edge(input);
		break;
	case 4:
		word = fuzz_below(input, 3);
		draft->fds[word] = from->files[fuzz_below(input, FILES)];
		break;
	case 5:
		fuzz_bytes(input, draft->payload, draft->header.size);
		break;
	case 6:
		draft->header.size = (uint32_t)fuzz_edge(input);
		break;
	default:
		word = words ? fuzz_below(input, words) : 0;
		draft->payload[word] = fuzz_edge(input);
	}
}

void draft_send(int fd, const struct draft *draft, size_t size)
{
	uint8_t control[CMSG_SPACE(sizeof(draft->fds))] = {0};
	size_t head = size < sizeof(draft->header) ? size : sizeof(draft->header);
	struct iovec parts[] = {{(void *)(uintptr_t)&draft->header, head},
				{(void *)(uintptr_t)draft->payload, size - head}};
	struct msghdr arguments = {.msg_iov = parts, .msg_iovlen = 2};

	if (draft->fd_count) {
		struct cmsghdr *part = (struct cmsghdr *)(void *)control;

		arguments.msg_control = control;
		arguments.msg_controllen = CMSG_SPACE(sizeof(int) * draft->fd_count);
		part->cmsg_level = SOL_SOCKET;
		part->cmsg_type = SCM_RIGHTS;
		part->cmsg_len = CMSG_LEN(sizeof(int) * draft->fd_count);
		memcpy(CMSG_DATA(part), draft->fds, sizeof(int) * draft->fd_count);
	}
	sendmsg(fd, &arguments, MSG_NOSIGNAL | MSG_DONTWAIT);
}

size_t draft_size(const struct draft *draft)
{
	size_t payload = draft->header.size;

	return sizeof(draft->header) +
	       (payload < sizeof(draft->payload) ? payload : sizeof(draft->payload));
}
