/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of function.h share; for the files of base/ alone. */
#ifndef IOV_BASE_PCI_FUNCTION_JSON_H
#define IOV_BASE_PCI_FUNCTION_JSON_H

#include "base/pci/function.h"
#include "base/pci/identity.h"

/* NULL becomes JSON null; @key is a constant. */
void add_text(struct json_object *json, const char *key, const char *text);
void add_number(struct json_object *json, const char *key, int64_t number);

/* The value of "KEY=value" in a function's uevent; false without that key. */
bool uevent_value(const char *uevent, const char *key, char *value, size_t size);

/* The summary of a function; @dir is its directory, @uevent what is there. */
struct json_object *function_summary(struct iov_ids *ids, const struct iov_identity_entry *entry,
				     int dir, const char *uevent);

/* What an index knows beside names, of one function. */
void function_entry(struct iov *iov, struct iov_bdf bdf, struct iov_identity_entry *entry);

#endif
