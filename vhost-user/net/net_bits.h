/* SPDX-License-Identifier: GPL-2.0-or-later */
/* linux/virtio_net.h, with what headers of Linux 6.1 lack (virtio 1.3 section 5.1). */
#ifndef VHOST_USER_NET_NET_BITS_H
#define VHOST_USER_NET_NET_BITS_H

#include <linux/virtio_config.h>
#include <linux/virtio_net.h>

#ifndef VIRTIO_NET_F_VQ_NOTF_COAL
#define VIRTIO_NET_F_VQ_NOTF_COAL 52
#define VIRTIO_NET_CTRL_NOTF_COAL_VQ_SET 2
#define VIRTIO_NET_CTRL_NOTF_COAL_VQ_GET 3
#endif

#ifndef VIRTIO_NET_F_HOST_USO
#define VIRTIO_NET_F_GUEST_USO4 54
#define VIRTIO_NET_F_GUEST_USO6 55
#define VIRTIO_NET_F_HOST_USO 56
#endif

#ifndef VIRTIO_NET_HDR_GSO_UDP_L4
#define VIRTIO_NET_HDR_GSO_UDP_L4 5
#endif

#endif
