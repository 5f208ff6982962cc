/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parts of a snapshot; for the files of host/ alone. */
#ifndef IOV_HOST_FILE_SNAPSHOT_H
#define IOV_HOST_FILE_SNAPSHOT_H

#include <stdio.h>

#include "base/pci/identity.h"
#include "host/file/host.h"

/*
 * A host that is being written down.  @host is from libcyaml's allocator, which is
 * malloc(); @notes becomes the comment at the top.
 */
struct snapshot {
	struct iov *iov;
	struct iov_identity_index *index;
	struct iov_host *host;
	FILE *notes;
};

/* A new zeroed entry at the end of a list; NULL without memory. */
void *snapshot_append(void *list, unsigned int *count, size_t size);

/* A number that a pointer leads to; NULL without memory. */
unsigned int *snapshot_number(unsigned int number);

/*
 * Each adds what differs from a host that nobody touched: nothing, if so.  0 or -errno
 * with a message.
 */
int snapshot_huge_pages(struct snapshot *snapshot);
int snapshot_devices(struct snapshot *snapshot);
int snapshot_mdevs(struct snapshot *snapshot);
int snapshot_vdpas(struct snapshot *snapshot);
int snapshot_iovd(struct snapshot *snapshot);

/* The VFs of a PF that has some. */
int snapshot_vfs(struct iov *iov, struct iov_bdf pf, struct iov_host_vfs **out);

/*
 * The driver as a file names it, allocated: "none", "native" where the kernel chose,
 * otherwise its name.
 */
char *snapshot_driver(struct iov *iov, struct iov_bdf bdf);

#endif
