/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The least that reads from an NVMe namespace: prepared commands, doorbells and a look at the
 * phase bit, without any check, limit or error handling. What a driver costs is measured beside it.
 */
#ifndef IOV_TESTS_BENCH_NVME_BARE_H
#define IOV_TESTS_BENCH_NVME_BARE_H

#include "vfio/device/device.h"

/* Blocks of 4 KiB from the start of the namespace that are read: 64 MiB. */
#define NVME_BARE_BLOCKS 16384

/**
 * nvme_bare_read - read 4 KiB of 512-byte blocks at random places, for a while
 * @device: controller
 * @depth: commands at once, at most 63
 * @nanoseconds: how long
 *
 * Return: reads that ended; negative when the controller does not start.
 */
double nvme_bare_read(struct iov_device *device, unsigned int depth, uint64_t nanoseconds);

#endif
