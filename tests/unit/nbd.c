// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/nbd.h"

#include <endian.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/test.h"

#define BYTES_MAX (UINT64_C(4) << 20)
#define PATIENCE_MS 20000

/* The numbers of the NBD protocol. */
#define OPTION_MAGIC UINT64_C(0x49484156454f5054)
#define REPLY_MAGIC UINT64_C(0x0003e889045565a9)
#define OPT_GO 7
#define OPT_STRUCTURED 8
#define REP_ACK 1
#define REP_INFO 3
#define REP_UNSUPPORTED 0x80000001u
#define SIMPLE_MAGIC 0x67446698u
#define CHUNK_MAGIC 0x668e33efu
#define CMD_READ 0
#define CMD_WRITE 1
#define CMD_DISCONNECT 2
#define CMD_TRIM 4
#define CMD_ZEROES 6

struct shared {
	unsigned int asked[16];
	unsigned int count;
	uint8_t bytes[BYTES_MAX];
};

static struct shared *shared;
static struct nbd_how how;

static struct shared *share(void)
{
	if (!shared) {
		shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
			      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		assert_ptr_not_equal(shared, MAP_FAILED);
	}
	return shared;
}

unsigned int nbd_asked(unsigned int command)
{
	return __atomic_load_n(&share()->asked[command], __ATOMIC_RELAXED);
}

uint8_t *nbd_bytes(void)
{
	return share()->bytes;
}

bool nbd_has(const char *program)
{
	char path[64];

	snprintf(path, sizeof(path), "/usr/bin/%s", program);
	if (!access(path, X_OK))
		return true;
	print_message("missing: %s\n", program);
	return false;
}

static bool can_connect(const void *address, socklen_t size, int family)
{
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool served = !connect(fd, address, size);

	close(fd);
	return served;
}

/* A path, or an address with a port. */
static bool is_served(const char *where)
{
	struct sockaddr_un path = { .sun_family = AF_UNIX };
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	const char *port = strchr(where, ':');

	if (*where == '/' || !port) {
		snprintf(path.sun_path, sizeof(path.sun_path), "%s", where);
		return can_connect(&path, sizeof(path), AF_UNIX);
	}
	address.sin_port = htons((uint16_t)strtoul(port + 1, NULL, 10));
	return can_connect(&address, sizeof(address), AF_INET);
}

static pid_t wait_for(pid_t pid, const char *socket)
{
	for (unsigned int i = 0; i < PATIENCE_MS / 20 && !is_served(socket); i++) {
		assert_int_equal(waitpid(pid, NULL, WNOHANG), 0);
		poll(NULL, 0, 20);
	}
	assert_true(is_served(socket));
	return pid;
}

pid_t nbd_start(const char *socket, const char *const argv[])
{
	pid_t pid;

	unlink(socket);
	pid = fork();
	assert_return_code(pid, errno);
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execvp(argv[0], (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	return wait_for(pid, socket);
}

void nbd_end(pid_t pid)
{
	assert_return_code(kill(pid, SIGKILL), errno);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static bool get(int fd, void *to, size_t length)
{
	return !length || recv(fd, to, length, MSG_WAITALL) == (ssize_t)length;
}

static bool put(int fd, const void *from, size_t length)
{
	return send(fd, from, length, MSG_NOSIGNAL) == (ssize_t)length;
}

static bool answer(int fd, uint32_t option, uint32_t type, const void *data, uint32_t length)
{
	struct __attribute__((packed)) {
		uint64_t magic;
		uint32_t option, type, length;
	} reply = { htobe64(REPLY_MAGIC), htobe32(option), htobe32(type), htobe32(length) };

	return put(fd, &reply, sizeof(reply)) && (!length || put(fd, data, length));
}

static bool go(int fd)
{
	const struct __attribute__((packed)) {
		uint16_t type;
		uint64_t bytes;
		uint16_t flags;
	} info = { 0, htobe64(how.bytes), htobe16(how.flags ? how.flags : NBD_FLAGS) };

	return answer(fd, OPT_GO, REP_INFO, &info, sizeof(info)) &&
	       answer(fd, OPT_GO, REP_ACK, NULL, 0);
}

static bool shake_hands(int fd, bool *structured)
{
	const struct __attribute__((packed)) {
		char magic[8];
		uint64_t option;
		uint16_t flags;
	} greeting = { { 'N', 'B', 'D', 'M', 'A', 'G', 'I', 'C' },
		       htobe64(OPTION_MAGIC),
		       htobe16(3) };
	uint8_t data[4096];
	uint32_t flags;

	if (!put(fd, &greeting, sizeof(greeting)) || !get(fd, &flags, sizeof(flags)))
		return false;
	for (;;) {
		struct __attribute__((packed)) {
			uint64_t magic;
			uint32_t option, length;
		} asked;
		uint32_t option;

		if (!get(fd, &asked, sizeof(asked)) || be32toh(asked.length) > sizeof(data) ||
		    !get(fd, data, be32toh(asked.length)))
			return false;
		option = be32toh(asked.option);
		if (option == OPT_GO)
			return go(fd);
		*structured |= option == OPT_STRUCTURED;
		if (!answer(fd, option, option == OPT_STRUCTURED ? REP_ACK : REP_UNSUPPORTED, NULL,
			    0))
			return false;
	}
}

struct __attribute__((packed)) request {
	uint32_t magic;
	uint16_t flags, type;
	uint64_t cookie, offset;
	uint32_t length;
};

static bool reply_simple(int fd, uint64_t cookie, uint32_t error)
{
	struct __attribute__((packed)) {
		uint32_t magic, error;
		uint64_t cookie;
	} reply = { htobe32(SIMPLE_MAGIC), htobe32(error), cookie };

	return put(fd, &reply, sizeof(reply));
}

static bool reply_data(int fd, const struct request *request, uint32_t length)
{
	struct __attribute__((packed)) {
		uint32_t magic;
		uint16_t flags, type;
		uint64_t cookie;
		uint32_t length;
		uint64_t offset;
	} chunk = { htobe32(CHUNK_MAGIC), htobe16(1),          htobe16(1),
		    request->cookie,      htobe32(length + 8), request->offset };

	return put(fd, &chunk, sizeof(chunk)) &&
	       put(fd, shared->bytes + be64toh(request->offset), length);
}

static bool reply_error(int fd, const struct request *request, uint32_t error)
{
	struct __attribute__((packed)) {
		uint32_t magic;
		uint16_t flags, type;
		uint64_t cookie;
		uint32_t length, error;
		uint16_t words;
	} chunk = { htobe32(CHUNK_MAGIC), htobe16(1), htobe16(0x8001), request->cookie, htobe32(6),
		    htobe32(error),       0 };

	return put(fd, &chunk, sizeof(chunk));
}

/* Whether to go on. */
static bool carry_out(int fd, const struct request *request, enum nbd_fault fault)
{
	static const uint8_t garbage[64] =
		"this is no reply of any kind, and nothing that one could skip";
	const uint32_t length = be32toh(request->length), type = be16toh(request->type);
	uint8_t *at = shared->bytes + be64toh(request->offset);

	switch (fault) {
	case NBD_IS_SILENT:
		return true;
	case NBD_CLOSES:
		return false;
	case NBD_SENDS_GARBAGE:
		return put(fd, garbage, sizeof(garbage));
	case NBD_NAMES_ANOTHER:
		return reply_simple(fd, request->cookie ^ 0x5555, 0);
	case NBD_FAILS:
		return type == CMD_READ ? reply_error(fd, request, how.error)
					: reply_simple(fd, request->cookie, how.error);
	case NBD_SENDS_LITTLE:
		return type == CMD_READ ? reply_data(fd, request, length / 2)
					: reply_simple(fd, request->cookie, 0);
	default:
		break;
	}
	if (type == CMD_READ)
		return reply_data(fd, request, length);
	if (type == CMD_TRIM || type == CMD_ZEROES)
		memset(at, 0, length);
	return reply_simple(fd, request->cookie, 0);
}

static void serve_commands(int fd)
{
	for (;;) {
		struct request request;
		uint32_t type, length;
		uint64_t offset;
		enum nbd_fault fault;

		if (!get(fd, &request, sizeof(request)))
			return;
		type = be16toh(request.type);
		length = be32toh(request.length);
		offset = be64toh(request.offset);
		if (type == CMD_DISCONNECT || type > 15 || offset > BYTES_MAX ||
		    length > BYTES_MAX - offset)
			return;
		fault = __atomic_add_fetch(&shared->count, 1, __ATOMIC_RELAXED) > how.after
				? how.fault
				: NBD_IS_WELL;
		__atomic_add_fetch(&shared->asked[type], 1, __ATOMIC_RELAXED);
		if (type == CMD_WRITE && !get(fd, shared->bytes + offset, length))
			return;
		if (!carry_out(fd, &request, fault))
			return;
	}
}

static void *serve(void *arg)
{
	static const char wrong[64] = "HTTP/1.0 400 Bad Request\r\n\r\n";
	const int fd = (int)(intptr_t)arg;
	bool structured = false;

	if (how.fault == NBD_GREETS_NOBODY)
		pause();
	if (how.fault == NBD_GREETS_WRONGLY)
		put(fd, wrong, sizeof(wrong));
	else if (shake_hands(fd, &structured) && structured)
		serve_commands(fd);
	close(fd);
	return NULL;
}

static void listen_at(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (bind(listener, (struct sockaddr *)&address, sizeof(address)) || listen(listener, 16))
		_exit(1);
	for (;;) {
		const int fd = accept(listener, NULL, NULL);
		pthread_t thread;

		if (fd < 0 || pthread_create(&thread, NULL, serve, (void *)(intptr_t)fd))
			_exit(1);
		pthread_detach(thread);
	}
}

pid_t nbd_serve(const char *socket, const struct nbd_how *wanted)
{
	pid_t pid;

	share()->count = 0;
	memset(shared->asked, 0, sizeof(shared->asked));
	how = *wanted;
	unlink(socket);
	pid = fork();
	assert_return_code(pid, errno);
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		listen_at(socket);
	}
	return wait_for(pid, socket);
}
