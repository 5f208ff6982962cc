/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a net device has that its driver cannot tell and its VMM does not know, as bytes
 * that go from the source of a migration to its destination.
 *
 *	header		magic, version, length of all, checksum of what follows
 *	sections	type, length, content; in any order, each at most once
 *
 * Numbers are little-endian.  A destination that does not know a section refuses the
 * whole, unless its type says that it can be done without.
 */
#ifndef VHOST_USER_NET_DEVICE_STATE_H
#define VHOST_USER_NET_DEVICE_STATE_H

#include <stddef.h>
#include <stdint.h>

#include "base/iov.h"

/* Longest state. */
#define DEVICE_STATE_MAX 65536

/* Addresses of one guest that are told to the network; more are found by their frames. */
#define NET_STATIONS_MAX 48

/**
 * struct net_station - an address behind the port
 * @mac: the address
 * @vlan: its VLAN, 0 for none
 */
struct net_station {
	uint8_t mac[6];
	uint16_t vlan;
};

/**
 * struct device_state - see above
 * @features: negotiated virtio features
 * @mtu: as the front end said; 0 when it did not
 * @station_count: length of @stations
 * @stations: addresses that the guest sent from
 * @control: what its driver set up by the control queue, see net_device_save()
 * @control_length: length of @control
 */
struct device_state {
	uint64_t features;
	uint16_t mtu;
	unsigned int station_count;
	struct net_station stations[NET_STATIONS_MAX];
	const uint8_t *control;
	size_t control_length;
};

/**
 * device_state_write - as bytes
 * @state: state
 * @bytes: receives memory; the caller frees it
 * @length: receives its length
 *
 * Return: 0, -ENOMEM, or -E2BIG when it is longer than DEVICE_STATE_MAX.
 */
int device_state_write(const struct device_state *state, uint8_t **bytes, size_t *length);

/**
 * device_state_read - from bytes
 * @state: receives it; its control is part of @bytes
 * @iov: context for the message
 * @bytes: anything
 * @length: length of @bytes
 *
 * Return: 0, or -EINVAL with a message that says what is wrong.
 */
int device_state_read(struct device_state *state, struct iov *iov, const uint8_t *bytes, size_t length);

#endif
