// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhost-user/switch/interface_link.h"

#include <errno.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"

/* @name is IFNAMSIZ bytes long. */
static int request(const char *name, unsigned long number, struct ifreq *what)
{
	_cleanup_fd_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	memcpy(what->ifr_name, name, IFNAMSIZ);
	return fd < 0 || ioctl(fd, number, what) ? -errno : 0;
}

static bool ask(const char *name, unsigned long number, struct ifreq *answer)
{
	memset(answer, 0, sizeof(*answer));
	return !request(name, number, answer);
}

/* Drivers of DPDK that are at an interface, of which some say that the link is up in any case. */
static const char *const drivers[] = {
	"net_af_packet", "net_af_xdp", "net_pcap", "net_tap", "net_tun",
};

bool device_is_one_of(const char *device, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!strncmp(device, names[i], strlen(names[i])))
			return true;
	return false;
}

void interface_link_find(struct interface_link *interface, const char *device)
{
	static const char key[] = ",iface=";
	const char *name = strstr(device, key);
	struct ifreq answer;
	size_t length;

	memset(interface, 0, sizeof(*interface));
	if (!device_is_one_of(device, drivers, sizeof(drivers) / sizeof(*drivers)) || !name)
		return;
	name += strlen(key);
	length = strcspn(name, ",");
	if (length >= IFNAMSIZ)
		return;
	memcpy(interface->name, name, length);
	if (ask(interface->name, SIOCGIFINDEX, &answer))
		interface->index = answer.ifr_ifindex;
}

int interface_link_listen(void)
{
	const struct sockaddr_nl address = { .nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);

	if (fd < 0)
		return -errno;
	if (!bind(fd, (const struct sockaddr *)&address, sizeof(address)))
		return fd;
	close(fd);
	return -EOPNOTSUPP;
}

/* What became of which one is asked for, as messages may be lost. */
void interface_link_heard(int fd)
{
	char message[64];

	while (recv(fd, message, sizeof(message), MSG_TRUNC) >= 0 || errno == ENOBUFS)
		;
}

unsigned int interface_link_mtu(const struct interface_link *interface)
{
	struct ifreq answer;

	if (!ask(interface->name, SIOCGIFMTU, &answer))
		return 0;
	return answer.ifr_mtu < UINT16_MAX ? (unsigned int)answer.ifr_mtu : UINT16_MAX;
}

int interface_link_set_mtu(const struct interface_link *interface, unsigned int mtu)
{
	struct ifreq wanted = { .ifr_mtu = (int)mtu };

	return request(interface->name, SIOCSIFMTU, &wanted);
}

bool interface_link_is_promiscuous(const struct interface_link *interface)
{
	struct ifreq answer;

	return ask(interface->name, SIOCGIFFLAGS, &answer) && answer.ifr_flags & IFF_PROMISC;
}

int interface_link_make_promiscuous(const struct interface_link *interface)
{
	struct ifreq flags = { 0 };
	int error = request(interface->name, SIOCGIFFLAGS, &flags);

	flags.ifr_flags |= IFF_PROMISC;
	return error ? error : request(interface->name, SIOCSIFFLAGS, &flags);
}

int interface_link_get_all(const struct interface_link *interface)
{
	const struct packet_mreq all = { .mr_ifindex = interface->index, .mr_type = PACKET_MR_PROMISC };
	int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0), error;

	if (fd < 0)
		return -errno;
	if (!setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &all, sizeof(all)))
		return fd;
	error = -errno;
	close(fd);
	return error;
}

enum uplink_link interface_link_look(const struct interface_link *interface)
{
	const short wanted = IFF_UP | IFF_RUNNING;
	struct ifreq answer;

	if (!ask(interface->name, SIOCGIFINDEX, &answer))
		return UPLINK_LINK_GONE;
	if (answer.ifr_ifindex != interface->index)
		return UPLINK_LINK_OTHER;
	if (!ask(interface->name, SIOCGIFFLAGS, &answer))
		return UPLINK_LINK_GONE;
	return (answer.ifr_flags & wanted) == wanted ? UPLINK_LINK_UP : UPLINK_LINK_DOWN;
}
