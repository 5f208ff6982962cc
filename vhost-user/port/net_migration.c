// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What of a port goes with its guest, and how the network learns of the new place.
 *
 * A front end announces the address of the guest's device only.  Other addresses that the
 * guest sent from (of guests or containers in it) are in the state of the device, and are
 * announced when it receives again.
 */
#include "vhost-user/port/net_migration.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/if_ether.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "vhost-user/net/net_config.h"
#include "vhost-user/port/bridge.h"
#include "vhost-user/port/registry.h"
#include "vhost-user/switch/forwarder.h"

#define TAG 4

/* A reverse ARP request (RFC 903) tells the switches where the guest is now. */
static void announce(struct net_port *net, const struct net_station *station)
{
	static const uint8_t kind[] = { ETH_P_RARP >> 8, ETH_P_RARP & 0xff, 0, 1, ETH_P_IP >> 8,
					ETH_P_IP & 0xff, 6, 4, 0, 3 };
	/* As the port itself would send it. */
	const bool tagged = station->vlan && station->vlan != net->member.rules.vlan.vid;
	uint8_t frame[60 + TAG] = { 0 }, *at = frame + 12;

	memset(frame, 0xff, 6);
	memcpy(frame + 6, station->mac, 6);
	if (tagged) {
		const uint8_t tag[TAG] = { ETH_P_8021Q >> 8, ETH_P_8021Q & 0xff,
					   (uint8_t)(station->vlan >> 8),
					   (uint8_t)station->vlan };

		memcpy(at, tag, TAG);
		at += TAG;
	}
	memcpy(at, kind, sizeof(kind));
	memcpy(at + 10, station->mac, 6);
	memcpy(at + 20, station->mac, 6);
	if (registry_inject(net->port.registry, net->port.id, frame,
			    tagged ? sizeof(frame) : sizeof(frame) - TAG))
		iov_log_with(net->port.registry->iov, LOG_NOTICE, PORT_FIELDS(net->port.name),
			     "%s: too many announcements", net->port.name);
}

void net_announce(struct net_port *net, const uint8_t mac[6])
{
	struct net_station station = { 0 };

	memcpy(station.mac, mac, sizeof(station.mac));
	announce(net, &station);
}

void net_announce_moved(struct net_port *net)
{
	for (unsigned int i = 0; i < net->moved_count; i++)
		announce(net, &net->moved[i]);
	net_forget_moved(net);
}

void net_forget_moved(struct net_port *net)
{
	free(net->moved);
	net->moved = NULL;
	net->moved_count = 0;
}

static void add_stations(struct device_state *state, const struct net_port *net)
{
	uint32_t now = forwarder_ticks();
	uint64_t keys[NET_STATIONS_MAX];

	if (!net->member.bridge || !net->member.bridge->macs)
		return;
	state->station_count = mac_table_list(net->member.bridge->macs, net->port.id, now,
					      bridge_age(net->member.bridge), keys, NET_STATIONS_MAX);
	for (unsigned int i = 0; i < state->station_count; i++) {
		state->stations[i].vlan = MAC_KEY_VLAN(keys[i]);
		mac_of_key(keys[i], state->stations[i].mac);
	}
}

int net_save(void *arg, uint8_t **bytes, size_t *length)
{
	const struct net_port *net = arg;
	struct device_state state = { .features = net->device.features, .mtu = net->mtu };
	uint8_t *control = NULL;
	int error = 0;

	add_stations(&state, net);
	if (net_device_has(&net->device, VIRTIO_NET_F_CTRL_VQ))
		error = net_device_save(&net->device, &control, &state.control_length);
	state.control = control;
	if (!error)
		error = device_state_write(&state, bytes, length);
	free(control);
	if (error)
		return iov_told(net->port.registry->iov, error, "the state of port %s is too long: %s",
				net->port.name, strerror(-error));
	return 0;
}

static int check_state(const struct net_port *net, const struct device_state *state)
{
	struct iov *iov = net->port.registry->iov;
	uint64_t lacking = state->features & ~vu_session_features_offered(
						     front_end_session(&net->port));

	if (lacking)
		return iov_fail(iov, -EINVAL, "the device had features 0x%" PRIx64 " that port %s "
				"does not offer", lacking, net->port.name);
	if (net->device.features && state->features != net->device.features)
		return iov_fail(iov, -EINVAL, "the device had features 0x%" PRIx64 ", and the front "
				"end of port %s chose 0x%" PRIx64, state->features, net->port.name,
				net->device.features);
	if (state->mtu && state->mtu < NET_MTU_MIN)
		return iov_fail(iov, -EINVAL, "the device had MTU %u, expected at least %d", state->mtu,
				NET_MTU_MIN);
	if (state->mtu && net->mtu && state->mtu != net->mtu)
		return iov_fail(iov, -EINVAL, "the device had MTU %u, and port %s has %u; give both "
				"the same host_mtu", state->mtu, net->port.name, net->mtu);
	if (state->control_length && !(state->features & VU_BIT(VIRTIO_NET_F_CTRL_VQ)))
		return iov_fail(iov, -EINVAL, "what a control queue set up, of a device without one");
	return 0;
}

/* The device becomes what the driver of the other one had made of it. */
static int load_control(struct net_port *net, const struct device_state *state)
{
	struct net_device before = net->device;

	net_port_reset(net, state->features);
	if (!state->control_length ||
	    !net_device_load(&net->device, state->control, state->control_length))
		return 0;
	net->device = before;
	return iov_fail(net->port.registry->iov, -EINVAL,
			"port %s cannot be what the driver had made of the device", net->port.name);
}

int net_load(void *arg, const uint8_t *bytes, size_t length)
{
	struct net_port *net = arg;
	struct net_station *moved = NULL;
	struct device_state state;
	int error = device_state_read(&state, net->port.registry->iov, bytes, length);

	if (!error)
		error = check_state(net, &state);
	if (error)
		return error;
	if (state.station_count) {
		moved = reallocarray(NULL, state.station_count, sizeof(*moved));
		if (!moved)
			return iov_fail(net->port.registry->iov, -ENOMEM, "out of memory");
		memcpy(moved, state.stations, state.station_count * sizeof(*moved));
	}
	error = load_control(net, &state);
	if (error) {
		free(moved);
		return error;
	}
	net_forget_moved(net);
	net->moved = moved;
	net->moved_count = state.station_count;
	if (state.mtu)
		net->mtu = state.mtu;
	return 0;
}
