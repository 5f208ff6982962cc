// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/move_ping.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/icmp6.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"

#define EVERY_MS 10
#define FIRST_MS 5000

/* For answers that are under way in the end. */
#define LATE_MS 500

#define SEQUENCES 65536

/* What the command says: a phase, or the end. */
#define END PING_PHASES

/**
 * struct asker - in the process that asks
 * @fd: raw socket
 * @to: the guest
 * @length: of @to
 * @six: by IPv6
 * @id: of our requests
 * @sequence: of the next
 * @phase: now
 * @last_ms: when an answer came last, 0 before the first
 * @last_phase: the phase then
 * @counts: by phase
 * @waiting: by sequence: the phase of a request that is not answered, plus 1; 0 for none
 */
struct asker {
	int fd;
	struct sockaddr_storage to;
	socklen_t length;
	bool six;
	uint16_t id;
	uint16_t sequence;
	unsigned int phase;
	uint64_t last_ms;
	unsigned int last_phase;
	struct ping_count counts[PING_PHASES];
	uint8_t waiting[SEQUENCES];
};

/* ICMP has the same form in both, but for its types (RFC 792, RFC 4443 section 4). */
struct echo {
	uint8_t type;
	uint8_t code;
	uint16_t checksum;
	uint16_t id;
	uint16_t sequence;
	uint64_t data[6];
};

/* RFC 1071; that of ICMPv6 is the kernel's to find. */
static uint16_t checksum(const struct echo *echo)
{
	const uint16_t *words = (const uint16_t *)echo;
	uint32_t sum = 0;

	for (size_t i = 0; i < sizeof(*echo) / 2; i++)
		sum += words[i];
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t) ~(sum + (sum >> 16));
}

static void send_request(struct asker *asker)
{
	struct echo echo = {
		.type = asker->six ? ICMP6_ECHO_REQUEST : ICMP_ECHO,
		.id = htons(asker->id),
		.sequence = htons(asker->sequence),
	};

	echo.checksum = asker->six ? 0 : checksum(&echo);
	asker->waiting[asker->sequence++] = (uint8_t)(asker->phase + 1);
	asker->counts[asker->phase].sent++;
	/* What cannot be sent, as without a neighbour, is not answered. */
	sendto(asker->fd, &echo, sizeof(echo), MSG_DONTWAIT, (const struct sockaddr *)&asker->to,
	       asker->length);
}

/* A gap is of the phase in which it began. */
static void note_time(struct asker *asker, uint64_t now)
{
	struct ping_count *count = &asker->counts[asker->last_phase];

	if (asker->last_ms && now - asker->last_ms > count->gap_ms)
		count->gap_ms = now - asker->last_ms;
	asker->last_ms = now;
	asker->last_phase = asker->phase;
}

/* A raw socket of IPv4 gives the header of IP as well, and hears all that comes for this host. */
static void receive_answer(struct asker *asker)
{
	_Alignas(8) uint8_t bytes[512];
	ssize_t got = recv(asker->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
	const size_t skip = asker->six || got < 1 ? 0 : (size_t)(bytes[0] & 0xf) * 4;
	struct echo echo;
	uint8_t *waiting;

	if (got < 0 || (size_t)got < skip + sizeof(echo))
		return;
	memcpy(&echo, bytes + skip, sizeof(echo));
	waiting = &asker->waiting[ntohs(echo.sequence)];
	if (echo.type != (asker->six ? ICMP6_ECHO_REPLY : ICMP_ECHOREPLY) ||
	    ntohs(echo.id) != asker->id || !*waiting)
		return;
	asker->counts[*waiting - 1].answered++;
	*waiting = 0;
	note_time(asker, monotonic_ms());
}

/* Receive until then, or until the command says something: its byte, -1 for none, END when it has ended. */
static int receive_until(struct asker *asker, int command, uint64_t until)
{
	struct pollfd waits[] = { { .fd = asker->fd, .events = POLLIN },
				  { .fd = command, .events = POLLIN } };
	uint64_t now;
	uint8_t byte;

	while ((now = monotonic_ms()) < until) {
		if (poll(waits, command < 0 ? 1 : 2, (int)(until - now)) <= 0)
			continue;
		if (waits[0].revents)
			receive_answer(asker);
		if (command >= 0 && waits[1].revents)
			return read(command, &byte, 1) == 1 ? byte : END;
	}
	return -1;
}

static void ask_until_end(struct asker *asker, int command)
{
	uint64_t next = monotonic_ms();
	bool told = false;
	int said = -1;

	while (said != END) {
		if (monotonic_ms() >= next) {
			send_request(asker);
			next = monotonic_ms() + EVERY_MS;
		}
		said = receive_until(asker, command, next);
		if (said >= 0 && said < END)
			asker->phase = (unsigned int)said;
		if (!told && asker->last_ms)
			told = write(command, "", 1) == 1;
	}
	receive_until(asker, -1, monotonic_ms() + LATE_MS);
	/* What was unanswered to the end is a gap as well. */
	if (asker->last_ms && monotonic_ms() - asker->last_ms > 2 * LATE_MS)
		note_time(asker, monotonic_ms());
}

static void __attribute__((noreturn)) be_asker(struct asker *asker, int command)
{
	static const int ignored[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE };

	for (size_t i = 0; i < sizeof(ignored) / sizeof(*ignored); i++)
		signal(ignored[i], SIG_IGN);
	prctl(PR_SET_NAME, "iov-ping");
	dup2(asker->fd, STDIN_FILENO);
	dup2(command, STDOUT_FILENO);
	close_range(STDERR_FILENO, ~0U, 0);
	asker->fd = STDIN_FILENO;
	asker->id = (uint16_t)getpid();
	ask_until_end(asker, STDOUT_FILENO);
	_exit(write(STDOUT_FILENO, asker->counts, sizeof(asker->counts)) != sizeof(asker->counts));
}

static int find_address(struct asker *asker, struct iov *iov, const char *address)
{
	const struct addrinfo hints = { .ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_RAW };
	struct addrinfo *found;

	if (getaddrinfo(address, NULL, &hints, &found))
		return iov_fail(iov, -EINVAL,
				"--ping %s: expected an address of the guest, as 192.0.2.20 or "
				"2001:db8::20",
				address);
	memcpy(&asker->to, found->ai_addr, found->ai_addrlen);
	asker->length = found->ai_addrlen;
	asker->six = found->ai_family == AF_INET6;
	freeaddrinfo(found);
	return 0;
}

static int open_socket(struct asker *asker, struct iov *iov, const char *address)
{
	int error = find_address(asker, iov, address);

	if (error)
		return error;
	asker->fd = socket(asker->six ? AF_INET6 : AF_INET, SOCK_RAW | SOCK_CLOEXEC,
			   asker->six ? IPPROTO_ICMPV6 : IPPROTO_ICMP);
	return asker->fd < 0 ? iov_told(iov, -errno, "--ping %s: no socket for it: %s", address,
					strerror(errno))
			     : 0;
}

static int start(struct ping *ping, struct iov *iov, struct asker *asker)
{
	int sockets[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets))
		return iov_told(iov, -errno, "nobody to ask the guest: %s", strerror(errno));
	fflush(NULL);
	ping->pid = fork();
	if (!ping->pid)
		be_asker(asker, sockets[1]);
	close(sockets[1]);
	ping->socket = sockets[0];
	if (ping->pid > 0)
		return 0;
	close(ping->socket);
	ping->pid = 0;
	return iov_told(iov, -errno, "nobody to ask the guest: %s", strerror(errno));
}

static int wait_answer(struct ping *ping, struct iov *iov, const char *address,
		       const volatile sig_atomic_t *stop)
{
	const uint64_t until = monotonic_ms() + FIRST_MS;
	struct pollfd wait = { .fd = ping->socket, .events = POLLIN };
	uint8_t byte;

	while (monotonic_ms() < until && !*stop) {
		if (poll(&wait, 1, EVERY_MS * 10) > 0 && read(ping->socket, &byte, 1) == 1)
			return 0;
	}
	ping_end(ping, NULL);
	if (*stop)
		return iov_fail(iov, -EINTR, "ended by a signal");
	return iov_fail(
		iov, -EHOSTUNREACH,
		"--ping %s: nobody answers there; expected an address that the guest has and "
		"this host reaches; nothing was changed",
		address);
}

int ping_begin(struct ping *ping, struct iov *iov, const char *address,
	       const volatile sig_atomic_t *stop)
{
	struct asker asker = { .fd = -1 };
	int error = open_socket(&asker, iov, address);

	*ping = (struct ping){ .socket = -1 };
	if (error)
		return error;
	error = start(ping, iov, &asker);
	close(asker.fd);
	return error ? error : wait_answer(ping, iov, address, stop);
}

void ping_phase(const struct ping *ping, unsigned int phase)
{
	const uint8_t byte = (uint8_t)phase;

	if (ping->pid)
		send(ping->socket, &byte, 1, MSG_NOSIGNAL);
}

int ping_end(struct ping *ping, struct ping_count counts[PING_PHASES])
{
	struct ping_count told[PING_PHASES];
	ssize_t got;

	if (!ping->pid)
		return 0;
	ping_phase(ping, END);
	/* That the guest answered first may be told still. */
	do {
		got = recv(ping->socket, told, sizeof(told), 0);
	} while (got == 1 || (got < 0 && errno == EINTR));
	close(ping->socket);
	waitpid(ping->pid, NULL, 0);
	ping->pid = 0;
	if (got != sizeof(told))
		return -EIO;
	if (counts)
		memcpy(counts, told, sizeof(told));
	return 0;
}
