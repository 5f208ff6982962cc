// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhost-user/socket/loopback.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

union address {
	struct sockaddr any;
	struct sockaddr_in four;
	struct sockaddr_in6 six;
};

static bool parse_port(const char *text, in_port_t *port)
{
	char *end;
	unsigned long number;

	if (*text < '0' || *text > '9')
		return false;
	number = strtoul(text, &end, 10);
	*port = htons((uint16_t)number);
	return !*end && number && number <= UINT16_MAX;
}

/* Whoever is not on this host has no business. */
static bool parse_address(const char *text, union address *address, socklen_t *size)
{
	if (!strncmp(text, "[::1]:", 6)) {
		address->six = (struct sockaddr_in6){ .sin6_family = AF_INET6,
						      .sin6_addr = IN6ADDR_LOOPBACK_INIT };
		*size = sizeof(address->six);
		return parse_port(text + 6, &address->six.sin6_port);
	}
	address->four = (struct sockaddr_in){ .sin_family = AF_INET,
					      .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	*size = sizeof(address->four);
	return parse_port(strncmp(text, "127.0.0.1:", 10) ? text : text + 10, &address->four.sin_port);
}

static int listen_at(int fd, const union address *address, socklen_t size, int backlog)
{
	const int yes = 1;

	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) ||
	    bind(fd, &address->any, size) || listen(fd, backlog))
		return -errno;
	return 0;
}

bool loopback_is_place(const char *where)
{
	union address address;
	socklen_t size;

	return parse_address(where, &address, &size);
}

int loopback_listen(struct iov *iov, const char *option, const char *where, int backlog, int *fd)
{
	union address address;
	socklen_t size;
	int error;

	*fd = -1;
	if (!parse_address(where, &address, &size))
		return iov_fail(iov, -EINVAL, "%s %s: expected the full path of a socket, or a port on "
				"loopback such as 127.0.0.1:9105", option, where);
	*fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	error = *fd < 0 ? -errno : listen_at(*fd, &address, size, backlog);
	if (!error)
		return 0;
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
	return iov_told(iov, error, "%s %s: cannot listen there: %s%s", option, where, strerror(-error),
			error == -EADDRINUSE ? "; another program has the port, which 'ss -tlnp' names: "
			"choose another" : "");
}
