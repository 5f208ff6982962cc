/* SPDX-License-Identifier: GPL-2.0-or-later */
/* MAC addresses as text, "52:54:00:12:34:56". */
#ifndef IOV_BASE_MAC_H
#define IOV_BASE_MAC_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* With its terminating NUL. */
#define IOV_MAC_TEXT 18

/**
 * iov_mac_parse - read an address
 * @text: six bytes of two digits each
 * @mac: receives it
 *
 * Return: whether it is one.
 */
bool iov_mac_parse(const char *text, uint8_t mac[6]);

/**
 * iov_mac_parse_station - read the address of a station
 * @text: six bytes of two digits each
 * @mac: receives it
 *
 * Return: whether it is one, and not that of a group.
 */
bool iov_mac_parse_station(const char *text, uint8_t mac[6]);

/**
 * iov_mac_parse_nic - read the address of a NIC
 * @text: six bytes of two digits each
 * @mac: receives it
 *
 * Return: whether it is the address of a station, and not 00:00:00:00:00:00, by which drivers and
 * VMMs say that there is none: they take another one then.
 */
bool iov_mac_parse_nic(const char *text, uint8_t mac[6]);

/**
 * iov_mac_format - write an address
 * @mac: address
 * @text: receives it, in lower case
 */
void iov_mac_format(const uint8_t mac[6], char text[IOV_MAC_TEXT]);

#ifdef __cplusplus
}
#endif

#endif
