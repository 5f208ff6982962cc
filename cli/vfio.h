/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What iov vfio dma does with an open function. */
#ifndef IOV_CLI_VFIO_H
#define IOV_CLI_VFIO_H

#include <json-c/json.h>

#include "cli/cli.h"
#include "vfio/device/device.h"

/*
 * Have it use memory, if there is a driver for it here, and verify what it did.  @object gets
 * "device", "interface", "what" ("copied from memory and back", "read from its first
 * namespace, twice,"), "bytes" and "verified".
 */
int cli_vfio_dma_run(struct cli *cli, struct iov_device *device, struct json_object *object);

#endif
