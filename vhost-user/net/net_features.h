/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Virtio features of a network device, virtio 1.3 section 5.1.3. */
#ifndef VHOST_USER_NET_NET_FEATURES_H
#define VHOST_USER_NET_NET_FEATURES_H

#include <stdbool.h>
#include <stdint.h>

/**
 * net_features - what a device offers, with the features of its rings
 * @has_mac: it was given an address
 * @is_standby: it stands by for a VF
 * @is_translated: its addresses may be those of an IOMMU
 */
uint64_t net_features(bool has_mac, bool is_standby, bool is_translated);

/**
 * net_feature_name - as users read it
 * @bit: number of a feature bit
 *
 * Return: "mergeable" and so on; NULL for none of a network device.
 */
const char *net_feature_name(unsigned int bit);

#endif
