/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What to say of a key that the schema does not have; for the files of host/ alone. */
#ifndef IOV_HOST_FILE_KEYS_H
#define IOV_HOST_FILE_KEYS_H

#include <stddef.h>

#include "host/file/schema.h"

/* "did you mean 'spoofchk'?", where the key belongs, or which keys there are. */
void host_key_hint(const cyaml_schema_value_t *mapping, const char *key, char *text, size_t size);

/* The keys of a mapping: "count, driver, vlan". */
void host_key_list(const cyaml_schema_value_t *mapping, char *text, size_t size);

#endif
