// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/fuzz/says.h"

#include <string.h>
#include <sys/socket.h>

#include "vhost-user/protocol/session_internal.h"

static uint64_t likely_word(const struct frontend *frontend, struct fuzz_input *input,
			    unsigned int index)
{
	uint8_t kind = fuzz_u8(input);

	if (kind < 128)
		return index ? kind : kind & 7;
	if (kind < 192)
		return (uint64_t)(kind & 15) << 32 | (kind & 7);
	if (kind < 224)
		return frontend->guest.uva + 4096 * (uint64_t)(kind & 31);
	return fuzz_edge(input);
}

void says(struct frontend *frontend, struct fuzz_input *input)
{
	uint8_t kind = fuzz_u8(input), request = kind & 0x3f;
	const struct vu_rule *rule = vu_rule(request);
	uint32_t size = rule ? rule->min_size : 8;
	int fds[2] = {frontend->guest.fd, frontend->guest.fd};
	unsigned int fd_count = request == VU_SET_MEM_TABLE || request == VU_ADD_MEM_REG;
	uint64_t payload[64] = {0};

	for (unsigned int i = 0; i < size / 8 && i < 64; i++)
		payload[i] = likely_word(frontend, input, i);
	if (request >= VU_SET_VRING_KICK && request <= VU_SET_VRING_ERR && !(kind & 0x40)) {
		fds[0] = frontend->kick[payload[0] % FRONTEND_RINGS];
		fd_count = 1;
	}
	if (request == VU_GET_CONFIG || request == VU_SET_CONFIG) {
		payload[0] = payload[0] << 32;
		size += (uint32_t)(payload[0] >> 32);
	}
	if (request == VU_SET_DEVICE_STATE_FD)
		fd_count = 1;
	if (request != VU_SET_BACKEND_REQ_FD)
		frontend_send(frontend, request, kind & 0x80 ? 0 : VU_FLAG_NEED_REPLY, payload, size,
			      fds, fd_count);
}

void scribbles(struct frontend *frontend, struct fuzz_input *input)
{
	for (unsigned int count = 1 + fuzz_below(input, 4); count; count--) {
		uint64_t word = fuzz_edge(input);
		uint32_t at = fuzz_below(input, 1 << 14);

		if (frontend)
			memcpy(frontend->guest.host + 8 * (uint64_t)at, &word, sizeof(word));
	}
}

bool has_ended(struct frontend *frontend)
{
	static uint8_t bytes[1 << 14];
	ssize_t size;

	do
		size = recv(frontend->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
	while (size > 0);
	return !size;
}
