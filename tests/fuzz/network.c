// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/fuzz/network.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/test.h"

#define INTERFACE "fuzz0"

static bool is_own;

static void set_link(const char *name, bool is_up)
{
	struct ifreq request = {.ifr_flags = is_up ? IFF_UP : 0};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	strcpy(request.ifr_name, name);
	assert_return_code(ioctl(fd, SIOCSIFFLAGS, &request), errno);
	close(fd);
}

void network_open(void)
{
	int fd = unshare(CLONE_NEWNET) ? -1 : open("/dev/net/tun", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return;
	close(fd);
	is_own = true;
	/* What is sent by it comes back, as from the embedded switch of a NIC. */
	set_link("lo", true);
	/* So that interfaces say nothing of their own. */
	fd = open("/proc/sys/net/ipv6/conf/default/disable_ipv6", O_WRONLY | O_CLOEXEC);
	if (fd >= 0) {
		assert_int_equal(write(fd, "1", 1), 1);
		close(fd);
	}
}

bool network_is_own(void)
{
	return is_own;
}

const char *network_device(void)
{
	return is_own ? "net_tap0,iface=" INTERFACE : "net_ring0";
}

void network_set_link(bool is_up)
{
	if (is_own)
		set_link(INTERFACE, is_up);
}
