// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a NIC's features say of ntuple rules: "rx-ntuple-filter" among those of the kernel, by its place
 * in the list of their names. Drivers may take rules without it, so it is a hint and no verdict.
 */
#include <linux/ethtool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "plugins/net/steer_rules.h"

#define NTUPLE "rx-ntuple-filter"
/* More than any kernel has, so that an answer out of place costs no memory. */
#define FEATURES_MAX 1024
#define BLOCK_BITS 32

/* 0 when the driver or the kernel does not tell. */
static uint32_t count_features(const char *interface)
{
	_Alignas(struct ethtool_sset_info) char bytes[sizeof(struct ethtool_sset_info) + sizeof(uint32_t)] = "";
	struct ethtool_sset_info *info = (void *)bytes;

	info->cmd = ETHTOOL_GSSET_INFO;
	info->sset_mask = 1ULL << ETH_SS_FEATURES;
	if (ethtool_request(interface, info) || !info->sset_mask || info->data[0] > FEATURES_MAX)
		return 0;
	return info->data[0];
}

/* The place of the feature, or @count. */
static uint32_t find_feature(const char *interface, uint32_t count)
{
	_cleanup_free_ struct ethtool_gstrings *names =
		calloc(1, sizeof(*names) + (size_t)count * ETH_GSTRING_LEN);
	uint32_t i = 0;

	if (!names)
		return count;
	names->cmd = ETHTOOL_GSTRINGS;
	names->string_set = ETH_SS_FEATURES;
	names->len = count;
	if (ethtool_request(interface, names) || names->len > count)
		return count;
	while (i < names->len &&
	       strncmp((const char *)names->data + (size_t)i * ETH_GSTRING_LEN, NTUPLE, ETH_GSTRING_LEN))
		i++;
	return i < names->len ? i : count;
}

int ntuple_feature(const char *interface)
{
	_cleanup_free_ struct ethtool_gfeatures *features = NULL;
	const uint32_t count = count_features(interface), at = find_feature(interface, count);
	const uint32_t blocks = (count + BLOCK_BITS - 1) / BLOCK_BITS, bit = 1U << at % BLOCK_BITS;
	const struct ethtool_get_features_block *block;

	if (at == count)
		return STEER_NTUPLE_UNKNOWN;
	features = calloc(1, sizeof(*features) + blocks * sizeof(*features->features));
	if (!features)
		return STEER_NTUPLE_UNKNOWN;
	features->cmd = ETHTOOL_GFEATURES;
	features->size = blocks;
	if (ethtool_request(interface, features) || features->size < at / BLOCK_BITS + 1)
		return STEER_NTUPLE_UNKNOWN;
	block = &features->features[at / BLOCK_BITS];
	if (block->active & bit)
		return STEER_NTUPLE_ON;
	return block->available & bit && !(block->never_changed & bit) ? STEER_NTUPLE_OFF : STEER_NTUPLE_NONE;
}
