// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/nbd.h"

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

#include "tests/unit/nbd_wire.h"
#include "tests/unit/test.h"

#define BYTES_MAX (UINT64_C(4) << 20)
#define PATIENCE_MS 20000

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

static bool go(int fd)
{
	const struct nbd_export export = { 0, htobe64(how.bytes),
					   htobe16(how.flags ? how.flags : NBD_FLAGS) };

	return nbd_answer(fd, NBD_OPT_GO, NBD_REP_INFO, &export, sizeof(export)) &&
	       nbd_answer(fd, NBD_OPT_GO, NBD_REP_ACK, NULL, 0);
}

static bool shake_hands(int fd, bool *structured)
{
	const struct nbd_greeting greeting = NBD_GREETING;
	uint32_t flags, option;

	if (!nbd_put(fd, &greeting, sizeof(greeting)) || !nbd_get(fd, &flags, sizeof(flags)))
		return false;
	while (nbd_get_option(fd, &option)) {
		const bool known = option == NBD_OPT_STRUCTURED;

		if (option == NBD_OPT_GO)
			return go(fd);
		*structured |= known;
		if (!nbd_answer(fd, option, known ? NBD_REP_ACK : NBD_REP_UNSUPPORTED, NULL, 0))
			return false;
	}
	return false;
}

static bool reply_simple(int fd, uint64_t cookie, uint32_t error)
{
	const struct nbd_simple reply = { htobe32(NBD_SIMPLE_MAGIC), htobe32(error), cookie };

	return nbd_put(fd, &reply, sizeof(reply));
}

static bool reply_data(int fd, const struct nbd_request *request, uint32_t length)
{
	struct __attribute__((packed)) {
		uint32_t magic;
		uint16_t flags, type;
		uint64_t cookie;
		uint32_t length;
		uint64_t offset;
	} chunk = { htobe32(NBD_CHUNK_MAGIC), htobe16(1),          htobe16(1),
		    request->cookie,      htobe32(length + 8), request->offset };

	return nbd_put(fd, &chunk, sizeof(chunk)) &&
	       nbd_put(fd, shared->bytes + be64toh(request->offset), length);
}

static bool reply_error(int fd, const struct nbd_request *request, uint32_t error)
{
	struct __attribute__((packed)) {
		uint32_t magic;
		uint16_t flags, type;
		uint64_t cookie;
		uint32_t length, error;
		uint16_t words;
	} chunk = { htobe32(NBD_CHUNK_MAGIC), htobe16(1), htobe16(0x8001), request->cookie, htobe32(6),
		    htobe32(error),       0 };

	return nbd_put(fd, &chunk, sizeof(chunk));
}

/* Whether to go on. */
static bool carry_out(int fd, const struct nbd_request *request, enum nbd_fault fault)
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
		return nbd_put(fd, garbage, sizeof(garbage));
	case NBD_NAMES_ANOTHER:
		return reply_simple(fd, request->cookie ^ 0x5555, 0);
	case NBD_FAILS:
		return type == NBD_CMD_READ ? reply_error(fd, request, how.error)
					: reply_simple(fd, request->cookie, how.error);
	case NBD_SENDS_LITTLE:
		return type == NBD_CMD_READ ? reply_data(fd, request, length / 2)
					: reply_simple(fd, request->cookie, 0);
	default:
		break;
	}
	if (type == NBD_CMD_READ)
		return reply_data(fd, request, length);
	if (type == NBD_CMD_TRIM || type == NBD_CMD_ZEROES)
		memset(at, 0, length);
	return reply_simple(fd, request->cookie, 0);
}

static void serve_commands(int fd)
{
	for (;;) {
		struct nbd_request request;
		uint32_t type, length;
		uint64_t offset;
		enum nbd_fault fault;

		if (!nbd_get(fd, &request, sizeof(request)))
			return;
		type = be16toh(request.type);
		length = be32toh(request.length);
		offset = be64toh(request.offset);
		if (type == NBD_CMD_DISCONNECT || type > 15 || offset > BYTES_MAX ||
		    length > BYTES_MAX - offset)
			return;
		fault = __atomic_add_fetch(&shared->count, 1, __ATOMIC_RELAXED) > how.after
				? how.fault
				: NBD_IS_WELL;
		__atomic_add_fetch(&shared->asked[type], 1, __ATOMIC_RELAXED);
		if (type == NBD_CMD_WRITE && !nbd_get(fd, shared->bytes + offset, length))
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
		nbd_put(fd, wrong, sizeof(wrong));
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
