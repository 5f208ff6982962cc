/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Kinds of operations and what they share; for the files of plugins/ alone. */
#ifndef IOV_PLUGINS_INTERNAL_H
#define IOV_PLUGINS_INTERNAL_H

#include <json-c/json.h>

#include "base/json.h"
#include "base/plan/plan.h"
#include "plugins/ops.h"

#ifdef __cplusplus
extern "C" {
#endif

extern const struct iov_op_kind mtu_kind;
extern const struct iov_op_kind irq_kind;
extern const struct iov_op_kind huge_pages_kind;
extern const struct iov_op_kind eswitch_kind;
extern const struct iov_op_kind iovd_kind;

/* A new operation on a device, on a function, and the function of one. */
static inline struct json_object *op_new(const char *kind, const char *device)
{
	struct json_object *op = json_object_new_object();

	json_object_object_add(op, "op", json_object_new_string(kind));
	json_object_object_add(op, "device", json_object_new_string(device));
	return op;
}

static inline struct json_object *op_on_device(const char *kind, struct iov_bdf bdf)
{
	return op_new(kind, IOV_BDF(bdf));
}

static inline int op_device(struct iov *iov, struct json_object *op, struct iov_bdf *bdf)
{
	return iov_bdf_parse(iov, json_text(op, "device"), bdf);
}

#ifdef __cplusplus
}
#endif

#endif
