/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a host file says of a vDPA device; for the files of host/ alone. */
#ifndef IOV_HOST_FILE_VDPA_VALUES_H
#define IOV_HOST_FILE_VDPA_VALUES_H

#include "host/file/host.h"

#define HOST_VDPA_VALUES 4

/* The name of a value, and what the file says of it, NULL for nothing; @index below HOST_VDPA_VALUES. */
const char *host_vdpa_value(const struct iov_host_vdpa *vdpa, size_t index, const char **name);

#endif
