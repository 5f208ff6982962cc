// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What of a port goes with its guest, and how the network learns of the new place.
 *
 * A front end announces the address of the guest's device only.  Other addresses that the
 * guest sent from (of guests or containers in it) are in the state of the device, and are
 * announced when it receives again.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "vhost-user/port/port_net.h"
#include "vhost-user/port/registry.h"
#include "vhost-user/switch/forwarder.h"

#define TAG 4

/* A reverse ARP request (RFC 903) tells the switches where the guest is now. */
static void announce(struct port *port, const struct net_station *station)
{
	static const uint8_t kind[] = { 0x80, 0x35, 0, 1, 0x08, 0, 6, 4, 0, 3 };
	/* As the port itself would send it. */
	const bool tagged = station->vlan && station->vlan != port->rules.vlan.vid;
	uint8_t frame[60 + TAG] = { 0 }, *at = frame + 12;

	memset(frame, 0xff, 6);
	memcpy(frame + 6, station->mac, 6);
	if (tagged) {
		const uint8_t tag[TAG] = { 0x81, 0, (uint8_t)(station->vlan >> 8),
					   (uint8_t)station->vlan };

		memcpy(at, tag, TAG);
		at += TAG;
	}
	memcpy(at, kind, sizeof(kind));
	memcpy(at + 10, station->mac, 6);
	memcpy(at + 20, station->mac, 6);
	if (registry_inject(port->registry, port->id, frame,
			    tagged ? sizeof(frame) : sizeof(frame) - TAG))
		iov_log(port->registry->iov, LOG_NOTICE, "%s: too many announcements", port->name);
}

void port_announce(struct port *port, const uint8_t mac[6])
{
	struct net_station station = { 0 };

	memcpy(station.mac, mac, sizeof(station.mac));
	announce(port, &station);
}

void port_announce_moved(struct port *port)
{
	for (unsigned int i = 0; i < port->moved_count; i++)
		announce(port, &port->moved[i]);
	port_forget_moved(port);
}

void port_forget_moved(struct port *port)
{
	free(port->moved);
	port->moved = NULL;
	port->moved_count = 0;
}

static void add_stations(struct net_state *state, const struct port *port)
{
	uint32_t now = forwarder_seconds();
	uint64_t keys[NET_STATIONS_MAX];

	if (!port->bridge || !port->bridge->macs)
		return;
	state->station_count = mac_table_list(port->bridge->macs, port->id, now,
					      bridge_age(port->bridge), keys, NET_STATIONS_MAX);
	for (unsigned int i = 0; i < state->station_count; i++) {
		state->stations[i].vlan = MAC_KEY_VLAN(keys[i]);
		mac_of_key(keys[i], state->stations[i].mac);
	}
}

int port_save(void *arg, uint8_t **bytes, size_t *length)
{
	const struct port *port = arg;
	struct net_state state = { .features = port->net.features, .mtu = port->mtu };
	uint8_t *control = NULL;
	int error = 0;

	add_stations(&state, port);
	if (net_device_has(&port->net, VIRTIO_NET_F_CTRL_VQ))
		error = net_device_save(&port->net, &control, &state.control_length);
	state.control = control;
	if (!error)
		error = net_state_write(&state, bytes, length);
	free(control);
	if (error)
		return iov_fail(port->registry->iov, error, "the state of port %s is too long: %s",
				port->name, strerror(-error));
	return 0;
}

static int check_state(const struct port *port, const struct net_state *state)
{
	struct iov *iov = port->registry->iov;
	uint64_t lacking = state->features & ~vu_session_features_offered(
						     vu_endpoint_session(port->endpoint));

	if (lacking)
		return iov_fail(iov, -EINVAL, "the device had features 0x%" PRIx64 " that port %s "
				"does not offer", lacking, port->name);
	if (port->net.features && state->features != port->net.features)
		return iov_fail(iov, -EINVAL, "the device had features 0x%" PRIx64 ", and the front "
				"end of port %s chose 0x%" PRIx64, state->features, port->name,
				port->net.features);
	if (state->mtu && port->mtu && state->mtu != port->mtu)
		return iov_fail(iov, -EINVAL, "the device had MTU %u, and port %s has %u; give both "
				"the same host_mtu", state->mtu, port->name, port->mtu);
	if (state->control_length && !(state->features & VU_BIT(VIRTIO_NET_F_CTRL_VQ)))
		return iov_fail(iov, -EINVAL, "what a control queue set up, of a device without one");
	return 0;
}

/* The device becomes what the driver of the other one had made of it. */
static int load_control(struct port *port, const struct net_state *state)
{
	struct net_device before = port->net;

	port_net_reset(port, state->features);
	if (!state->control_length ||
	    !net_device_load(&port->net, state->control, state->control_length))
		return 0;
	port->net = before;
	return iov_fail(port->registry->iov, -EINVAL,
			"port %s cannot be what the driver had made of the device", port->name);
}

int port_load(void *arg, const uint8_t *bytes, size_t length)
{
	struct port *port = arg;
	struct net_station *moved = NULL;
	struct net_state state;
	int error = net_state_read(&state, port->registry->iov, bytes, length);

	if (!error)
		error = check_state(port, &state);
	if (error)
		return error;
	if (state.station_count) {
		moved = reallocarray(NULL, state.station_count, sizeof(*moved));
		if (!moved)
			return iov_fail(port->registry->iov, -ENOMEM, "out of memory");
		memcpy(moved, state.stations, state.station_count * sizeof(*moved));
	}
	error = load_control(port, &state);
	if (error) {
		free(moved);
		return error;
	}
	port_forget_moved(port);
	port->moved = moved;
	port->moved_count = state.station_count;
	if (state.mtu)
		port->mtu = state.mtu;
	return 0;
}
