/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Virtio features of rings and their transport, which a device of any kind may offer. */
#ifndef VHOST_USER_RING_RING_FEATURES_H
#define VHOST_USER_RING_RING_FEATURES_H

#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>
#include <stdint.h>

/* Linux 6.1 lacks it, virtio 1.2 section 6. */
#ifndef VIRTIO_F_NOTIFICATION_DATA
#define VIRTIO_F_NOTIFICATION_DATA 38
#endif

#define VIRTIO_BIT(n) (UINT64_C(1) << (n))

/* All that rings here can do. */
#define RING_FEATURES                                                                              \
	(VIRTIO_BIT(VIRTIO_F_VERSION_1) | VIRTIO_BIT(VIRTIO_F_ANY_LAYOUT) |                        \
	 VIRTIO_BIT(VIRTIO_F_ACCESS_PLATFORM) | VIRTIO_BIT(VIRTIO_F_RING_PACKED) |                 \
	 VIRTIO_BIT(VIRTIO_F_IN_ORDER) | VIRTIO_BIT(VIRTIO_F_RING_RESET) |                         \
	 VIRTIO_BIT(VIRTIO_F_NOTIFICATION_DATA) | VIRTIO_BIT(VIRTIO_RING_F_INDIRECT_DESC) |        \
	 VIRTIO_BIT(VIRTIO_RING_F_EVENT_IDX))

/**
 * ring_feature_name - as users read it
 * @bit: number of a feature bit
 *
 * Return: "packed" and so on; NULL for none of these.
 */
const char *ring_feature_name(unsigned int bit);

#endif
