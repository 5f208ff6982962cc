// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhost-user/ring/ring_features.h"

#include <stddef.h>

const char *ring_feature_name(unsigned int bit)
{
	static const char *const names[64] = {
		[VIRTIO_RING_F_INDIRECT_DESC] = "indirect",
		[VIRTIO_RING_F_EVENT_IDX] = "event-idx",
		[VIRTIO_F_VERSION_1] = "version-1",
		[VIRTIO_F_ACCESS_PLATFORM] = "access-platform",
		[VIRTIO_F_RING_PACKED] = "packed",
		[VIRTIO_F_IN_ORDER] = "in-order",
		[VIRTIO_F_NOTIFICATION_DATA] = "notification-data",
		[VIRTIO_F_RING_RESET] = "ring-reset",
	};

	return bit < 64 ? names[bit] : NULL;
}
