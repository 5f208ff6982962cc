/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a host file may say; for the files of host/ alone. */
#ifndef IOV_HOST_FILE_SCHEMA_H
#define IOV_HOST_FILE_SCHEMA_H

#include <cyaml/cyaml.h>

/* The only place that knows the keys; its data is a struct iov_host. */
extern const cyaml_schema_value_t host_schema;

#endif
