// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Sections are those of QEMU's docs/interop/vhost-user.rst.  The order of messages is that
 * of QEMU, which every back end was tried with.
 */
#include "bench/front_end.h"

#include <errno.h>
#include <linux/virtio_config.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "vhost-user/protocol/wire.h"
#include "vhost-user/ring/virtq.h"

/* Where guests mostly have memory above 4 GiB; not where it is in this process. */
#define GPA UINT64_C(0x100000000)

#define HUGE ((size_t)2 << 20)
#define PAGE ((size_t)4096)

static size_t round_up(size_t size, size_t unit)
{
	return (size + unit - 1) / unit * unit;
}

static int fail(const struct front_end *front_end, int error, const char *what)
{
	if (front_end->is_closing)
		return error;
	return iov_told(front_end->iov, error, "%s: %s", front_end->path, what);
}

static int prepare_socket(struct sockaddr_un *address, const struct front_end *front_end)
{
	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (strlen(front_end->path) >= sizeof(address->sun_path))
		return fail(front_end, -ENAMETOOLONG, "the path is longer than a socket's may be");
	strcpy(address->sun_path, front_end->path);
	return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

static int connect_to(struct front_end *front_end)
{
	struct sockaddr_un address;
	int error;

	front_end->fd = prepare_socket(&address, front_end);
	if (front_end->fd < 0)
		return front_end->fd;
	if (!connect(front_end->fd, (struct sockaddr *)&address, sizeof(address)))
		return 0;
	error = -errno;
	return iov_told(front_end->iov, error,
			"%s: %s; expected the socket of a back end that listens, or --listen for "
			"one that connects",
			front_end->path, strerror(-error));
}

static int wait_for_back_end(struct front_end *front_end)
{
	struct sockaddr_un address;
	int listener = prepare_socket(&address, front_end), error = 0;
	struct pollfd wait = {.fd = listener, .events = POLLIN};

	if (listener < 0)
		return listener;
	if (bind(listener, (struct sockaddr *)&address, sizeof(address)) || listen(listener, 1)) {
		error = iov_told(front_end->iov, -errno,
				 "%s: %s; expected a path where a socket can be made",
				 front_end->path, strerror(errno));
	} else {
		int ready = poll(&wait, 1, FRONT_END_PATIENCE);

		if (ready < 0)
			error = fail(front_end, -errno, "stopped before a back end connected");
		else if (ready)
			front_end->fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		unlink(front_end->path);
		if (!error && front_end->fd < 0)
			error = fail(front_end, -ETIMEDOUT, "no back end connected within 20 s");
	}
	close(listener);
	return error;
}

static int send_message(struct front_end *front_end, uint32_t request, uint32_t flags,
			const void *payload, uint32_t size, int passed)
{
	struct vu_header header = {request, VU_FLAG_VERSION | flags, size};
	struct iovec parts[] = {
		{&header, sizeof(header)},
		{(void *)(uintptr_t)payload, size},
	};
	union {
		struct cmsghdr align;
		uint8_t bytes[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};

	if (passed >= 0) {
		control.align = (struct cmsghdr){
			.cmsg_level = SOL_SOCKET,
			.cmsg_type = SCM_RIGHTS,
			.cmsg_len = CMSG_LEN(sizeof(int)),
		};
		memcpy(CMSG_DATA(&control.align), &passed, sizeof(passed));
		message.msg_control = &control;
		message.msg_controllen = sizeof(control);
	}
	if (sendmsg(front_end->fd, &message, MSG_NOSIGNAL) == (ssize_t)(sizeof(header) + size))
		return 0;
	return fail(front_end, -ECONNRESET,
		    "the back end ended the connection; its log may say why");
}

static int receive(struct front_end *front_end, uint32_t request, struct vu_message *message)
{
	struct pollfd wait = {.fd = front_end->fd, .events = POLLIN};
	enum vu_refusal refusal = VU_ACCEPTED;
	int status;

	*message = (struct vu_message){0};
	do {
		status = poll(&wait, 1, FRONT_END_PATIENCE);
		if (status != 1) {
			front_end->is_deaf = true;
			return status ? fail(front_end, -errno,
					     "stopped before the back end answered")
				      : fail(front_end, -ETIMEDOUT,
					     "the back end did not answer within 20 s");
		}
		status = vu_wire_receive_reply(front_end->fd, message, &refusal);
	} while (!status);
	for (unsigned int i = 0; i < message->fd_count; i++)
		close(message->fds[i]);
	if (status == -ECONNRESET)
		return fail(front_end, -ECONNRESET,
			    "the back end ended the connection; its log may say why");
	if (status < 0 || message->header.request != request)
		return fail(front_end, -EPROTO, "the answer is not one of vhost-user");
	return 0;
}

static int receive_u64(struct front_end *front_end, uint32_t request, uint64_t *value)
{
	struct vu_message message;
	int error = receive(front_end, request, &message);

	if (error)
		return error;
	if (message.header.size != sizeof(*value))
		return fail(front_end, -EPROTO, "the answer is not one of vhost-user");
	*value = message.payload.u64;
	return 0;
}

static int get(struct front_end *front_end, uint32_t request, uint64_t *value)
{
	int error = send_message(front_end, request, 0, NULL, 0, -1);

	return error ? error : receive_u64(front_end, request, value);
}

/* A request without an answer of its own, which is asked for where the back end can. */
static int set(struct front_end *front_end, uint32_t request, const void *payload, uint32_t size,
	       int passed)
{
	const bool acks = front_end->protocol & VU_BIT(VU_PROTOCOL_REPLY_ACK);
	uint32_t flags = acks ? VU_FLAG_NEED_REPLY : 0;
	int error = send_message(front_end, request, flags, payload, size, passed);
	uint64_t status = 0;

	if (!error && flags)
		error = receive_u64(front_end, request, &status);
	if (error || !status)
		return error;
	return iov_fail(front_end->iov, -EPROTO,
			"%s: the back end refused request %u; its log may say why", front_end->path,
			request);
}

#define PROTOCOL \
	(VU_BIT(VU_PROTOCOL_REPLY_ACK) | VU_BIT(VU_PROTOCOL_MQ) | VU_BIT(VU_PROTOCOL_CONFIG))

static int learn_protocol(struct front_end *front_end)
{
	uint64_t protocol;
	int error = get(front_end, VU_GET_PROTOCOL_FEATURES, &protocol);

	if (error)
		return error;
	protocol &= PROTOCOL;
	error = send_message(front_end, VU_SET_PROTOCOL_FEATURES, 0, &protocol, 8, -1);
	front_end->protocol = protocol;
	if (!error && protocol & VU_BIT(VU_PROTOCOL_MQ))
		error = get(front_end, VU_GET_QUEUE_NUM, &front_end->queues);
	return error;
}

static int learn(struct front_end *front_end)
{
	int error = get(front_end, VU_GET_FEATURES, &front_end->offered);

	front_end->queues = 1;
	if (!error && front_end->offered & VU_BIT(VU_F_PROTOCOL_FEATURES))
		error = learn_protocol(front_end);
	return error ? error : send_message(front_end, VU_SET_OWNER, 0, NULL, 0, -1);
}

int front_end_read_config(struct front_end *front_end, void *to, uint32_t size)
{
	const struct vu_config config = {.size = size};
	struct vu_message message;
	int error;

	if (!(front_end->protocol & VU_BIT(VU_PROTOCOL_CONFIG)))
		return iov_fail(front_end->iov, -ENOTSUP,
				"%s: the back end does not tell its configuration space (protocol "
				"feature %d); expected one that does",
				front_end->path, VU_PROTOCOL_CONFIG);
	error = send_message(front_end, VU_GET_CONFIG, 0, &config, VU_CONFIG_HEADER + size, -1);
	if (!error)
		error = receive(front_end, VU_GET_CONFIG, &message);
	if (error)
		return error;
	if (message.header.size != VU_CONFIG_HEADER + size || message.payload.config.size != size)
		return iov_fail(front_end->iov, -ENOTSUP,
				"%s: the back end refuses the first %u bytes of its configuration "
				"space; expected a device that has so many",
				front_end->path, size);
	memcpy(to, message.payload.config.bytes, size);
	return 0;
}

static int choose_features(struct front_end *front_end, const struct front_end_options *options)
{
	const uint64_t lacking = options->needed & ~front_end->offered;

	if (lacking)
		return iov_fail(front_end->iov, -ENOTSUP,
				"%s: the back end lacks the virtio features 0x%llx of 0x%llx that "
				"are needed",
				front_end->path, (unsigned long long)lacking,
				(unsigned long long)options->needed);
	front_end->features =
		front_end->offered & (options->features | VU_BIT(VU_F_PROTOCOL_FEATURES));
	return set(front_end, VU_SET_FEATURES, &front_end->features, 8, -1);
}

/* In huge pages, if there are enough. */
static int map_memory(struct front_end *front_end, size_t size, bool no_huge)
{
	for (int huge = !no_huge; huge >= 0; huge--) {
		front_end->mapping_size = round_up(size, huge ? HUGE : PAGE);
		front_end->memory_fd =
			memfd_create("iov-bench", MFD_CLOEXEC | (huge ? MFD_HUGETLB : 0));
		if (front_end->memory_fd < 0)
			continue;
		if (!ftruncate(front_end->memory_fd, (off_t)front_end->mapping_size)) {
			void *mapping = mmap(NULL, front_end->mapping_size, PROT_READ | PROT_WRITE,
					     MAP_SHARED | MAP_POPULATE, front_end->memory_fd, 0);

			if (mapping != MAP_FAILED) {
				front_end->mapping = mapping;
				front_end->is_huge = huge;
				return 0;
			}
		}
		close(front_end->memory_fd);
		front_end->memory_fd = -1;
	}
	return iov_fail(front_end->iov, -ENOMEM, "%s: no %zu MiB of memory for rings and buffers",
			front_end->path, size >> 20);
}

static void *carve(struct front_end *front_end, size_t *at, const struct virtq_part *part)
{
	void *memory = front_end->mapping + *at;

	/* Parts share no cache line. */
	*at = round_up(*at + part->bytes, 256);
	return memory;
}

static void lay_out_ring(struct front_end *front_end, struct driver_ring *ring, uint16_t size,
			 size_t *at)
{
	const struct virtq_layout layout = virtq_layout(size, front_end->features);
	void *desc = carve(front_end, at, &layout.desc);
	void *driver = carve(front_end, at, &layout.driver);
	void *device = carve(front_end, at, &layout.device);

	*ring = (struct driver_ring){
		.size = size,
		.is_packed = front_end->features & VU_BIT(VIRTIO_F_RING_PACKED),
		.has_event_idx = front_end->features & VU_BIT(VIRTIO_RING_F_EVENT_IDX),
	};
	if (ring->is_packed) {
		ring->packed.desc = desc;
		ring->packed.driver = driver;
		ring->packed.device = device;
		ring->packed.driver->flags = VRING_PACKED_EVENT_FLAG_DISABLE;
		return;
	}
	ring->split.desc = desc;
	ring->split.driver = driver;
	ring->split.device = device;
	/* Section 2.7.10: a position, which was passed, or a flag. */
	if (ring->has_event_idx)
		ring->split.driver->ring[size] = UINT16_MAX;
	else
		ring->split.driver->flags = VRING_AVAIL_F_NO_INTERRUPT;
}

static void lay_out(struct front_end *front_end, const struct front_end_options *options)
{
	size_t at = 0;

	front_end->ring_count = options->rings;
	for (unsigned int i = 0; i < options->rings; i++)
		lay_out_ring(front_end, &front_end->rings[i], options->ring_size, &at);
	at = round_up(at, PAGE);
	front_end->memory = front_end->mapping + at;
	front_end->gpa = GPA + at;
}

static size_t rings_bytes(const struct front_end_options *options)
{
	return options->rings * round_up((size_t)options->ring_size * (16 + 8 + 2) + 4096, PAGE);
}

static int share_memory(struct front_end *front_end)
{
	const struct vu_mem_table table = {
		.count = 1,
		.regions = {{GPA, front_end->mapping_size, (uintptr_t)front_end->mapping, 0}},
	};

	return set(front_end, VU_SET_MEM_TABLE, &table, 8 + sizeof(table.regions[0]),
		   front_end->memory_fd);
}

static void prepare(struct front_end *front_end, struct iov *iov, const char *path)
{
	*front_end = (struct front_end){
		.path = path,
		.iov = iov,
		.base = GPA,
		.fd = -1,
		.memory_fd = -1,
	};
	for (unsigned int i = 0; i < FRONT_END_RINGS_MAX; i++)
		front_end->kick[i] = front_end->call[i] = -1;
}

static int make_rings(struct front_end *front_end, const struct front_end_options *options)
{
	int error = map_memory(front_end, rings_bytes(options) + options->memory, options->no_huge);

	if (!error)
		lay_out(front_end, options);
	return error;
}

int front_end_meet(struct front_end *front_end, struct iov *iov, const char *path, bool listen)
{
	int error;

	prepare(front_end, iov, path);
	error = listen ? wait_for_back_end(front_end) : connect_to(front_end);
	return error ? error : learn(front_end);
}

int front_end_agree(struct front_end *front_end, const struct front_end_options *options)
{
	int error = choose_features(front_end, options);

	if (!error)
		error = make_rings(front_end, options);
	return error ? error : share_memory(front_end);
}

int front_end_pretend(struct front_end *front_end, struct iov *iov,
		      const struct front_end_options *options)
{
	prepare(front_end, iov, "the sink");
	front_end->features = front_end->offered = options->features;
	front_end->queues = options->rings;
	return make_rings(front_end, options);
}

static uint64_t address(const void *at)
{
	return (uintptr_t)at;
}

static int start_ring(struct front_end *front_end, unsigned int index)
{
	struct driver_ring *ring = &front_end->rings[index];
	const struct vu_vring_state number = {index, ring->size};
	/* Section 2.8: a packed ring begins with wrap counters of 1. */
	const struct vu_vring_state base = {index, ring->is_packed ? 0x80008000u : 0};
	const struct vu_vring_addr addr = {
		.index = index,
		.desc = address(ring->is_packed ? (void *)ring->packed.desc : ring->split.desc),
		.avail =
			address(ring->is_packed ? (void *)ring->packed.driver : ring->split.driver),
		.used = address(ring->is_packed ? (void *)ring->packed.device : ring->split.device),
	};
	uint64_t which = index;
	int error;

	front_end->kick[index] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	front_end->call[index] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (front_end->kick[index] < 0 || front_end->call[index] < 0)
		return fail(front_end, -errno, "no file descriptor is left for a ring");
	error = set(front_end, VU_SET_VRING_NUM, &number, sizeof(number), -1);
	if (!error)
		error = set(front_end, VU_SET_VRING_BASE, &base, sizeof(base), -1);
	if (!error)
		error = set(front_end, VU_SET_VRING_ADDR, &addr, sizeof(addr), -1);
	if (!error)
		error = set(front_end, VU_SET_VRING_KICK, &which, sizeof(which),
			    front_end->kick[index]);
	if (!error)
		error = set(front_end, VU_SET_VRING_CALL, &which, sizeof(which),
			    front_end->call[index]);
	return error;
}

int front_end_start(struct front_end *front_end)
{
	int error = 0;

	for (unsigned int i = 0; !error && i < front_end->ring_count; i++)
		error = start_ring(front_end, i);
	for (unsigned int i = 0; !error && i < front_end->ring_count; i++) {
		const struct vu_vring_state enable = {i, 1};

		if (front_end->features & VU_BIT(VU_F_PROTOCOL_FEATURES))
			error = set(front_end, VU_SET_VRING_ENABLE, &enable, sizeof(enable), -1);
		eventfd_write(front_end->kick[i], 1);
	}
	return error;
}

void front_end_kick(struct front_end *front_end, unsigned int ring)
{
	eventfd_write(front_end->kick[ring], 1);
}

bool front_end_is_gone(const struct front_end *front_end)
{
	struct pollfd wait = {.fd = front_end->fd, .events = POLLIN | POLLRDHUP};
	uint8_t byte;

	if (poll(&wait, 1, 0) != 1)
		return false;
	return wait.revents & (POLLHUP | POLLERR | POLLRDHUP) ||
	       recv(front_end->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) <= 0;
}

static void stop_rings(struct front_end *front_end)
{
	for (unsigned int i = 0; i < front_end->ring_count; i++) {
		const struct vu_vring_state state = {i, 0};
		uint64_t base;

		/* The back end does not look at the memory any more when it has answered. */
		if (front_end->kick[i] < 0 ||
		    send_message(front_end, VU_GET_VRING_BASE, 0, &state, sizeof(state), -1) ||
		    receive_u64(front_end, VU_GET_VRING_BASE, &base))
			return;
	}
}

void front_end_close(struct front_end *front_end)
{
	if (!front_end->iov)
		return;
	front_end->is_closing = true;
	if (front_end->fd >= 0) {
		if (!front_end->is_deaf && !front_end_is_gone(front_end))
			stop_rings(front_end);
		close(front_end->fd);
	}
	for (unsigned int i = 0; i < front_end->ring_count; i++) {
		if (front_end->kick[i] >= 0)
			close(front_end->kick[i]);
		if (front_end->call[i] >= 0)
			close(front_end->call[i]);
	}
	if (front_end->mapping)
		munmap(front_end->mapping, front_end->mapping_size);
	if (front_end->memory_fd >= 0)
		close(front_end->memory_fd);
	*front_end = (struct front_end){0};
}
