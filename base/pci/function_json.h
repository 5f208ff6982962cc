/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of function.h share; for the files of base/ alone. */
#ifndef IOV_BASE_PCI_FUNCTION_JSON_H
#define IOV_BASE_PCI_FUNCTION_JSON_H

#include "base/pci/config_facts.h"
#include "base/pci/function.h"
#include "base/pci/identity.h"

/* NULL becomes JSON null; @key is a constant. */
void add_text(struct json_object *json, const char *key, const char *text);
void add_number(struct json_object *json, const char *key, int64_t number);

/* What a function is; "" without a driver. */
struct function_facts {
	unsigned int vendor, device, subvendor, subdevice, class_code;
	char modalias[128];
	char driver[64];
};

/* @dir is its directory; 0 or -errno. */
int function_facts(int dir, struct function_facts *facts);

/* The summary of a function; @dir is its directory; @config: NULL for a brief one. */
struct json_object *function_summary(struct iov_ids *ids, const struct iov_identity_entry *entry,
				     int dir, const struct function_facts *facts,
				     const struct config_facts *config);

/* What an index knows beside names, of one function. */
void function_entry(struct iov *iov, struct iov_bdf bdf, struct iov_identity_entry *entry);

#endif
