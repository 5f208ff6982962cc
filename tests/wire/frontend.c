// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <linux/virtio_config.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/unit/test.h"
#include "tests/wire/frontend.h"
#include "vhost-user/memory/iotlb.h"

/* A guest whose memory is not where ours is, so that mixed-up addresses show. */
#define GUEST_GPA UINT64_C(0x100000000)

#define NET_HEADER sizeof(struct virtio_net_hdr_mrg_rxbuf)

/* A back end that says nothing for so long is dead, in milliseconds. */
#define DEADLINE 20000

void frontend_open(struct frontend *frontend, int fd, uint64_t memory)
{
	memset(frontend, 0, sizeof(*frontend));
	frontend->fd = fd;
	frontend->channel = -1;
	guest_open(&frontend->guest, GUEST_GPA, memory);
	for (unsigned int i = 0; i < FRONTEND_RINGS; i++) {
		frontend->kick[i] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
		frontend->call[i] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
		assert_true(frontend->kick[i] >= 0 && frontend->call[i] >= 0);
	}
}

void frontend_close(struct frontend *frontend)
{
	for (unsigned int i = 0; i < FRONTEND_RINGS; i++) {
		close(frontend->kick[i]);
		close(frontend->call[i]);
	}
	guest_close(&frontend->guest);
	if (frontend->channel >= 0)
		close(frontend->channel);
	close(frontend->fd);
}

int frontend_connect(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(strlen(path) < sizeof(address.sun_path));
	strcpy(address.sun_path, path);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	close(fd);
	return -errno;
}

static void pump(struct frontend *frontend)
{
	if (frontend->pump)
		frontend->pump(frontend->pump_arg);
}

void frontend_send(struct frontend *frontend, uint32_t request, uint32_t flags,
		   const void *payload, uint32_t size, const int *fds, unsigned int fd_count)
{
	struct vu_header header = {request, VU_FLAG_VERSION | flags, size};
	struct iovec parts[] = {{&header, sizeof(header)}, {(void *)(uintptr_t)payload, size}};
	uint8_t control[CMSG_SPACE(sizeof(int) * 64)] = {0};
	struct msghdr arguments = {.msg_iov = parts, .msg_iovlen = 2};

	if (fd_count) {
		struct cmsghdr *part = (struct cmsghdr *)(void *)control;

		arguments.msg_control = control;
		arguments.msg_controllen = CMSG_SPACE(sizeof(int) * fd_count);
		part->cmsg_level = SOL_SOCKET;
		part->cmsg_type = SCM_RIGHTS;
		part->cmsg_len = CMSG_LEN(sizeof(int) * fd_count);
		memcpy(CMSG_DATA(part), fds, sizeof(int) * fd_count);
	}
	sendmsg(frontend->fd, &arguments, MSG_NOSIGNAL);
	pump(frontend);
}

void frontend_send_raw(struct frontend *frontend, const void *bytes, size_t size)
{
	send(frontend->fd, bytes, size, MSG_NOSIGNAL);
	pump(frontend);
}

/* Whole or nothing: 0 at the end of the connection. */
static size_t receive_bytes(struct frontend *frontend, void *to, size_t size)
{
	struct pollfd wait = {.fd = frontend->fd, .events = POLLIN};
	size_t done = 0;

	while (done < size) {
		assert_int_equal(poll(&wait, 1, DEADLINE), 1);
		ssize_t bytes = recv(frontend->fd, (uint8_t *)to + done, size - done, 0);

		if (bytes <= 0)
			return 0;
		done += (size_t)bytes;
	}
	return done;
}

/* The header, which descriptors come with; -1 in @fd without one. */
/* Some answers wait for what others do first. */
static void await(struct frontend *frontend)
{
	struct pollfd wait = {.fd = frontend->fd, .events = POLLIN};
	const int step = frontend->pump ? 1 : DEADLINE;

	for (int left = DEADLINE; left > 0; left -= step) {
		if (poll(&wait, 1, step) == 1)
			return;
		pump(frontend);
	}
	fail_msg("no answer in %d ms", DEADLINE);
}

static bool receive_header(struct frontend *frontend, struct vu_header *header, int *fd)
{
	struct iovec part = {header, sizeof(*header)};
	union {
		struct cmsghdr align;
		uint8_t bytes[CMSG_SPACE(sizeof(int))];
	} control;
	struct msghdr arguments = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	const struct cmsghdr *passed;

	*fd = -1;
	await(frontend);
	ssize_t bytes = recvmsg(frontend->fd, &arguments, MSG_CMSG_CLOEXEC);

	if (bytes <= 0)
		return false;
	passed = CMSG_FIRSTHDR(&arguments);
	if (passed && passed->cmsg_type == SCM_RIGHTS)
		memcpy(fd, CMSG_DATA(passed), sizeof(*fd));
	return (size_t)bytes == sizeof(*header) ||
	       receive_bytes(frontend, (uint8_t *)header + bytes, sizeof(*header) - (size_t)bytes);
}

int frontend_receive_fd(struct frontend *frontend, uint32_t request, void *payload, uint32_t size,
			int *fd)
{
	struct vu_header header;

	pump(frontend);
	if (!receive_header(frontend, &header, fd))
		return -ECONNRESET;
	assert_int_equal(header.request, request);
	assert_int_equal(header.flags, VU_FLAG_VERSION | VU_FLAG_REPLY);
	assert_true(header.size <= size);
	if (header.size && !receive_bytes(frontend, payload, header.size))
		return -ECONNRESET;
	return (int)header.size;
}

int frontend_receive(struct frontend *frontend, uint32_t request, void *payload, uint32_t size)
{
	int fd, bytes = frontend_receive_fd(frontend, request, payload, size, &fd);

	assert_int_equal(fd, -1);
	return bytes;
}

bool frontend_is_ended(struct frontend *frontend)
{
	uint8_t byte;

	pump(frontend);
	ssize_t bytes = recv(frontend->fd, &byte, 1, MSG_PEEK | (frontend->pump ? MSG_DONTWAIT : 0));

	return !bytes || (bytes < 0 && errno != EAGAIN);
}

uint64_t frontend_get(struct frontend *frontend, uint32_t request)
{
	uint64_t value = 0;

	frontend_send(frontend, request, 0, NULL, 0, NULL, 0);
	assert_int_equal(frontend_receive(frontend, request, &value, sizeof(value)), sizeof(value));
	return value;
}

uint64_t frontend_call(struct frontend *frontend, uint32_t request, const void *payload,
		       uint32_t size, const int *fds, unsigned int fd_count)
{
	uint64_t value = 0;

	frontend_send(frontend, request, VU_FLAG_NEED_REPLY, payload, size, fds, fd_count);
	assert_int_equal(frontend_receive(frontend, request, &value, sizeof(value)), sizeof(value));
	return value;
}

uint64_t frontend_set(struct frontend *frontend, uint32_t request, uint64_t value)
{
	return frontend_call(frontend, request, &value, sizeof(value), NULL, 0);
}

uint64_t frontend_state(struct frontend *frontend, uint32_t request, uint32_t index, uint32_t num)
{
	struct vu_vring_state state = {index, num};

	return frontend_call(frontend, request, &state, sizeof(state), NULL, 0);
}

void frontend_negotiate(struct frontend *frontend, uint64_t features)
{
	uint64_t offered = frontend_get(frontend, VU_GET_FEATURES);

	assert_true(offered & BIT(VU_F_PROTOCOL_FEATURES));
	frontend->protocol_features = frontend_get(frontend, VU_GET_PROTOCOL_FEATURES);
	assert_true(frontend->protocol_features & BIT(VU_PROTOCOL_REPLY_ACK));
	if (!frontend->is_inband)
		frontend->protocol_features &= ~BIT(VU_PROTOCOL_INBAND_NOTIFICATIONS);
	frontend_send(frontend, VU_SET_PROTOCOL_FEATURES, 0, &frontend->protocol_features, 8, NULL,
		      0);
	frontend_send(frontend, VU_SET_OWNER, 0, NULL, 0, NULL, 0);
	/* Writes are logged only while a VMM migrates. */
	assert_true(offered & BIT(VU_F_LOG_ALL));
	if (!frontend->is_translated)
		features &= ~BIT(VIRTIO_F_ACCESS_PLATFORM);
	frontend->features = offered & (features | BIT(VU_F_PROTOCOL_FEATURES)) & ~BIT(VU_F_LOG_ALL);
	assert_int_equal(frontend_set(frontend, VU_SET_FEATURES, frontend->features), 0);
}

uint64_t frontend_share_memory(struct frontend *frontend)
{
	const struct guest *guest = &frontend->guest;
	struct vu_mem_table table = {
		.count = 1,
		.regions = {{guest->gpa, guest->size, guest->uva, 0}},
	};

	/* The guest's own addresses are I/O virtual ones then, and these not to be mistaken. */
	if (frontend->is_translated)
		table.regions[0].gpa = 0;

	return frontend_call(frontend, VU_SET_MEM_TABLE, &table, 8 + 32, &guest->fd, 1);
}

int frontend_share_memory_early(struct frontend *frontend)
{
	const struct guest *guest = &frontend->guest;
	struct vu_mem_table table = {
		.count = 1,
		.regions = {{guest->gpa, guest->size, guest->uva, 0}},
	};
	uint64_t nothing;
	int userfault = -1;

	frontend_send(frontend, VU_POSTCOPY_ADVISE, 0, NULL, 0, NULL, 0);
	assert_int_equal(frontend_receive_fd(frontend, VU_POSTCOPY_ADVISE, &nothing, sizeof(nothing),
					     &userfault), 0);
	assert_true(userfault >= 0);
	assert_int_equal(frontend_call(frontend, VU_POSTCOPY_LISTEN, NULL, 0, NULL, 0), 0);
	frontend_send(frontend, VU_SET_MEM_TABLE, 0, &table, 8 + 32, &guest->fd, 1);
	assert_int_equal(frontend_receive(frontend, VU_SET_MEM_TABLE, &table, sizeof(table)), 8 + 32);
	return userfault;
}

/* "A ring address is an IOVA if VIRTIO_F_IOMMU_PLATFORM has been negotiated". */
static uint64_t ring_address(const struct frontend *frontend, const void *at)
{
	const struct guest *guest = &frontend->guest;

	if (frontend->is_translated)
		return guest->gpa + (uint64_t)((const uint8_t *)at - guest->host);
	return (uint64_t)(uintptr_t)at;
}

void frontend_describe_ring(struct frontend *frontend, unsigned int index)
{
	struct driver *driver = &frontend->rings[index];
	struct vu_vring_addr addr = {.index = index};
	uint64_t number = index;

	addr.desc = ring_address(frontend, driver_descriptor_area(driver));
	addr.avail = ring_address(frontend, driver_driver_area(driver));
	addr.used = ring_address(frontend, driver_device_area(driver));
	assert_int_equal(frontend_state(frontend, VU_SET_VRING_NUM, index, driver->size), 0);
	if (!frontend->base[index])
		frontend->base[index] = driver_base(driver);
	assert_int_equal(frontend_state(frontend, VU_SET_VRING_BASE, index,
				       frontend->base[index]), 0);
	assert_int_equal(frontend_call(frontend, VU_SET_VRING_ADDR, &addr, sizeof(addr), NULL, 0), 0);
	if (!frontend->is_inband)
		assert_int_equal(frontend_call(frontend, VU_SET_VRING_CALL, &number, 8,
					       &frontend->call[index], 1), 0);
}

bool frontend_announce_ring(struct frontend *frontend, unsigned int index)
{
	uint64_t number = index;

	frontend_describe_ring(frontend, index);
	if (frontend->is_inband)
		return !frontend_state(frontend, VU_VRING_KICK, index, 0);
	return !frontend_call(frontend, VU_SET_VRING_KICK, &number, 8, &frontend->kick[index], 1);
}

void frontend_start_ring(struct frontend *frontend, unsigned int index)
{
	driver_open(&frontend->rings[index], &frontend->guest, FRONTEND_RING_SIZE,
		    frontend->features);
	assert_true(frontend_announce_ring(frontend, index));
	/* On pages of their own, so that they can be translated apart. */
	for (unsigned int i = 0; i < FRONTEND_RING_SIZE; i++)
		frontend->pool[index][i] =
			guest_alloc(&frontend->guest, FRONTEND_BUFFER, i ? 64 : 4096);
}

void frontend_open_channel(struct frontend *frontend)
{
	int pair[2];

	assert_return_code(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), errno);
	if (frontend->channel >= 0)
		close(frontend->channel);
	frontend->channel = pair[0];
	assert_int_equal(frontend_call(frontend, VU_SET_BACKEND_REQ_FD, NULL, 0, &pair[1], 1), 0);
	close(pair[1]);
}

bool frontend_asked(struct frontend *frontend, struct vu_header *header, void *payload,
		    uint32_t size)
{
	ssize_t bytes;

	pump(frontend);
	bytes = recv(frontend->channel, header, sizeof(*header), MSG_DONTWAIT);
	if (bytes <= 0)
		return false;
	assert_int_equal(bytes, sizeof(*header));
	assert_int_equal(header->flags & VU_FLAG_VERSION_MASK, VU_FLAG_VERSION);
	assert_false(header->flags & VU_FLAG_REPLY);
	assert_true(header->size <= size);
	if (header->size)
		assert_int_equal(recv(frontend->channel, payload, header->size, MSG_DONTWAIT),
				 header->size);
	return true;
}

uint64_t frontend_iotlb(struct frontend *frontend, const struct vu_iotlb *message)
{
	uint64_t value = 1;

	frontend_send(frontend, VU_IOTLB_MSG, VU_FLAG_NEED_REPLY, message, sizeof(*message), NULL, 0);
	assert_int_equal(frontend_receive(frontend, VU_IOTLB_MSG, &value, sizeof(value)),
			 sizeof(value));
	return value;
}

void frontend_map(struct frontend *frontend, uint64_t iova, uint64_t size, uint8_t access)
{
	const struct vu_iotlb update = {
		.iova = iova, .size = size, .type = VU_IOTLB_UPDATE, .perm = access,
		.uva = (uint64_t)(uintptr_t)guest_at(&frontend->guest, iova),
	};

	assert_int_equal(frontend_iotlb(frontend, &update), 0);
}

void frontend_unmap(struct frontend *frontend, uint64_t iova, uint64_t size)
{
	const struct vu_iotlb message = { .iova = iova, .size = size, .type = VU_IOTLB_INVALIDATE };

	assert_int_equal(frontend_iotlb(frontend, &message), 0);
}

bool frontend_missed(struct frontend *frontend, struct vu_iotlb *miss)
{
	struct vu_header header;

	if (frontend->channel < 0 || !frontend_asked(frontend, &header, miss, sizeof(*miss)))
		return false;
	assert_int_equal(header.request, VU_BACKEND_IOTLB_MSG);
	assert_int_equal(header.size, sizeof(*miss));
	assert_int_equal(miss->type, VU_IOTLB_MISS);
	assert_in_range(miss->perm, 1, 3);
	return true;
}

unsigned int frontend_serve_misses(struct frontend *frontend)
{
	struct vu_iotlb miss;
	unsigned int count = 0;

	for (; frontend_missed(frontend, &miss); count++) {
		frontend_map(frontend, miss.iova & ~UINT64_C(4095), 4096, IOTLB_READ_WRITE);
		frontend_answer(frontend, VU_BACKEND_IOTLB_MSG, 0);
	}
	return count;
}

void frontend_answer(struct frontend *frontend, uint32_t request, uint64_t value)
{
	const struct {
		struct vu_header header;
		uint64_t value;
	} __attribute__((packed)) reply = {
		{ request, VU_FLAG_VERSION | VU_FLAG_REPLY, sizeof(value) }, value,
	};

	send(frontend->channel, &reply, sizeof(reply), MSG_NOSIGNAL);
	pump(frontend);
}

void frontend_reattach(struct frontend *frontend, int fd, unsigned int pairs)
{
	close(frontend->fd);
	frontend->fd = fd;
	frontend_negotiate(frontend, frontend->features);
	assert_int_equal(frontend_share_memory(frontend), 0);
	for (unsigned int i = 0; i < 2 * pairs; i++) {
		assert_true(frontend_announce_ring(frontend, i));
		frontend_enable_ring(frontend, i, true);
	}
}

uint32_t frontend_stop_ring(struct frontend *frontend, unsigned int index)
{
	struct vu_vring_state state = {index, 0};

	frontend_send(frontend, VU_GET_VRING_BASE, 0, &state, sizeof(state), NULL, 0);
	assert_int_equal(frontend_receive(frontend, VU_GET_VRING_BASE, &state, sizeof(state)),
			 sizeof(state));
	assert_int_equal(state.index, index);
	return state.num;
}

void frontend_enable_ring(struct frontend *frontend, unsigned int index, bool enable)
{
	assert_int_equal(frontend_state(frontend, VU_SET_VRING_ENABLE, index, enable), 0);
}

void frontend_start(struct frontend *frontend, uint64_t features, unsigned int pairs)
{
	frontend_negotiate(frontend, features);
	assert_int_equal(frontend_share_memory(frontend), 0);
	for (unsigned int i = 0; i < 2 * pairs; i++) {
		frontend_start_ring(frontend, i);
		frontend_enable_ring(frontend, i, true);
	}
}

static void kick(struct frontend *frontend, unsigned int index)
{
	if (driver_publish(&frontend->rings[index]))
		eventfd_write(frontend->kick[index], 1);
}

/* The buffer that goes with the descriptor that would be used next. */
static uint64_t next_buffer(struct frontend *frontend, unsigned int index)
{
	const struct driver *driver = &frontend->rings[index];

	return frontend->pool[index][driver->free[driver->free_count - 1]];
}

void frontend_post(struct frontend *frontend, unsigned int pair, unsigned int count)
{
	struct driver *driver = &frontend->rings[2 * pair];

	while (count-- && driver->free_count) {
		struct driver_buffer room = {next_buffer(frontend, 2 * pair), FRONTEND_BUFFER, true};

		assert_true(driver_add(driver, &room, 1) >= 0);
	}
	kick(frontend, 2 * pair);
}

bool frontend_transmit(struct frontend *frontend, unsigned int pair, const void *frame,
		       uint32_t length)
{
	struct driver *driver = &frontend->rings[2 * pair + 1];
	struct vring_used_elem done;

	while (driver_used(driver, &done))
		;
	assert_true(NET_HEADER + length <= FRONTEND_BUFFER);
	if (!driver->free_count)
		return false;
	struct driver_buffer buffer = {next_buffer(frontend, 2 * pair + 1),
				       (uint32_t)NET_HEADER + length, false};
	uint8_t *bytes = guest_at(&frontend->guest, buffer.gpa);

	memset(bytes, 0, NET_HEADER);
	memcpy(bytes + NET_HEADER, frame, length);
	assert_true(driver_add(driver, &buffer, 1) >= 0);
	kick(frontend, 2 * pair + 1);
	return true;
}

int frontend_take(struct frontend *frontend, unsigned int pair, void *frame, uint32_t size)
{
	struct driver *driver = &frontend->rings[2 * pair];
	struct virtio_net_hdr_mrg_rxbuf header;
	struct vring_used_elem element;
	uint32_t length = 0, buffers = 1;

	for (uint32_t i = 0; i < buffers; i++) {
		uint32_t skip = i ? 0 : NET_HEADER;

		/* Merged buffers are published together. */
		if (!driver_used(driver, &element)) {
			assert_int_equal(i, 0);
			return -1;
		}
		const uint8_t *bytes =
			guest_at(&frontend->guest, frontend->pool[2 * pair][element.id]);

		assert_true(element.len >= skip && element.len <= FRONTEND_BUFFER);
		if (!i) {
			memcpy(&header, bytes, sizeof(header));
			assert_true(header.num_buffers >= 1);
			buffers = header.num_buffers;
		}
		assert_true(length + element.len - skip <= size);
		memcpy((uint8_t *)frame + length, bytes + skip, element.len - skip);
		length += element.len - skip;
	}
	return (int)length;
}
