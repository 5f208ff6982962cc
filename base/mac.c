// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/mac.h"

#include <stdio.h>
#include <string.h>

#define LENGTH (IOV_MAC_TEXT - 1)

bool iov_mac_parse(const char *text, uint8_t mac[6])
{
	int end = -1;

	/* A space or sign would be taken for a part of a number. */
	if (strspn(text, "0123456789abcdefABCDEF:") != LENGTH)
		return false;
	return sscanf(text, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx%n", &mac[0], &mac[1], &mac[2],
		      &mac[3], &mac[4], &mac[5], &end) == 6 && end == LENGTH && !text[LENGTH];
}

bool iov_mac_parse_station(const char *text, uint8_t mac[6])
{
	return iov_mac_parse(text, mac) && !(mac[0] & 1);
}

bool iov_mac_parse_nic(const char *text, uint8_t mac[6])
{
	return iov_mac_parse_station(text, mac) && memcmp(mac, (const uint8_t[6]){ 0 }, 6) != 0;
}

void iov_mac_format(const uint8_t mac[6], char text[IOV_MAC_TEXT])
{
	snprintf(text, IOV_MAC_TEXT, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2],
		 mac[3], mac[4], mac[5]);
}
