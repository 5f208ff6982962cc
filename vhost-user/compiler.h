/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Branch hints, spelled as DPDK spells them so that both can be included. */
#ifndef VHOST_USER_COMPILER_H
#define VHOST_USER_COMPILER_H

#ifndef likely
#define likely(x) __builtin_expect(!!(x), 1)
#endif
#ifndef unlikely
#define unlikely(x) __builtin_expect(!!(x), 0)
#endif

#define VIRTQ_CACHE_LINE 64

#endif
