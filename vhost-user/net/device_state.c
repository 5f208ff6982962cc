// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhost-user/net/device_state.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/record.h"

#define VERSION 1

/* Types with this bit can be done without. */
#define OPTIONAL 0x80000000u

/* Types that there are, with what of them is a number. */
#define KNOWN 32

enum section {
	FEATURES = 1,
	MTU = 2,
	STATIONS = 3 | OPTIONAL,
	CONTROL = 4,
};

struct section_header {
	uint32_t type;
	uint32_t length;
};
static_assert(sizeof(struct net_station) == 8, "station of a state");

static const char magic[8] = "iov-net";

static uint8_t *put(uint8_t *at, uint32_t type, const void *content, size_t length)
{
	struct section_header section = { type, (uint32_t)length };

	memcpy(at, &section, sizeof(section));
	if (length)
		memcpy(at + sizeof(section), content, length);
	return at + sizeof(section) + length;
}

int device_state_write(const struct device_state *state, uint8_t **bytes, size_t *length)
{
	size_t stations = state->station_count * sizeof(state->stations[0]);
	size_t size = sizeof(struct record_header) + 4 * sizeof(struct section_header) +
		      sizeof(state->features) + sizeof(state->mtu) + stations +
		      state->control_length;
	uint8_t *at;

	if (size > DEVICE_STATE_MAX)
		return -E2BIG;
	*bytes = malloc(size);
	if (!*bytes)
		return -ENOMEM;
	at = *bytes + sizeof(struct record_header);
	at = put(at, FEATURES, &state->features, sizeof(state->features));
	at = put(at, MTU, &state->mtu, sizeof(state->mtu));
	at = put(at, STATIONS, state->stations, stations);
	put(at, CONTROL, state->control, state->control_length);
	record_finish(*bytes, size, magic, VERSION);
	*length = size;
	return 0;
}

static int check_header(struct iov *iov, const uint8_t *bytes, size_t length)
{
	struct record_header header;
	int error;

	if (length < sizeof(header))
		return iov_fail(iov, -EINVAL, "device state of %zu bytes, expected at least %zu",
				length, sizeof(header));
	memcpy(&header, bytes, sizeof(header));
	error = record_check_kind(&header, iov, magic, VERSION, "a net device");
	if (error)
		return error;
	if (header.length != length)
		return iov_fail(iov, -EINVAL, "device state of %u bytes, of which %zu came",
				header.length, length);
	if (header.checksum != record_checksum(bytes, length))
		return record_fail_garbled(iov);
	return 0;
}

static bool is_station(const struct net_station *station)
{
	static const uint8_t none[6];

	return !(station->mac[0] & 1) && memcmp(station->mac, none, sizeof(none)) &&
	       station->vlan < 4096;
}

/* Whether the stations are so many, and such as can be. */
static bool read_stations(struct device_state *state, const uint8_t *at, size_t length)
{
	if (length % sizeof(state->stations[0]) || length > sizeof(state->stations))
		return false;
	memcpy(state->stations, at, length);
	state->station_count = (unsigned int)(length / sizeof(state->stations[0]));
	for (unsigned int i = 0; i < state->station_count; i++)
		if (!is_station(&state->stations[i]))
			return false;
	return true;
}

static bool read_number(void *number, size_t size, const uint8_t *at, size_t length)
{
	if (length == size)
		memcpy(number, at, size);
	return length == size;
}

static bool read_section(struct device_state *state, const struct section_header *section,
			 const uint8_t *at)
{
	switch (section->type) {
	case FEATURES:
		return read_number(&state->features, sizeof(state->features), at, section->length);
	case MTU:
		return read_number(&state->mtu, sizeof(state->mtu), at, section->length);
	case STATIONS:
		return read_stations(state, at, section->length);
	case CONTROL:
		state->control = at;
		state->control_length = section->length;
		return true;
	default:
		return section->type & OPTIONAL;
	}
}

/* Each that is known comes once; of those of a later iovd nobody knows. */
static uint32_t mark_of(uint32_t type)
{
	const uint32_t number = type & ~OPTIONAL;

	return number < KNOWN ? UINT32_C(1) << number : 0;
}

static int read_sections(struct device_state *state, struct iov *iov, const uint8_t *at, size_t left)
{
	struct section_header section;
	uint32_t seen = 0;

	while (left) {
		uint32_t bit;

		if (left < sizeof(section))
			return iov_fail(iov, -EINVAL, "the device state ends within a section");
		memcpy(&section, at, sizeof(section));
		at += sizeof(section), left -= sizeof(section);
		bit = mark_of(section.type);
		if (section.length > left || seen & bit || !read_section(state, &section, at))
			return iov_fail(iov, -EINVAL,
					"section 0x%x of the device state, with %u bytes: not one that "
					"this iovd knows, or not as it should be", section.type,
					section.length);
		seen |= bit;
		at += section.length, left -= section.length;
	}
	if (!(seen & mark_of(FEATURES)))
		return iov_fail(iov, -EINVAL, "the device state does not say with which features");
	return 0;
}

int device_state_read(struct device_state *state, struct iov *iov, const uint8_t *bytes, size_t length)
{
	int error = check_header(iov, bytes, length);

	*state = (struct device_state){ 0 };
	if (error)
		return error;
	return read_sections(state, iov, bytes + sizeof(struct record_header),
			     length - sizeof(struct record_header));
}
