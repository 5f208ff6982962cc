/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Conditions as JSON, as op.h says it of operations; for the files of base/plan/ alone. */
#ifndef IOV_BASE_PLAN_OP_JSON_H
#define IOV_BASE_PLAN_OP_JSON_H

#include <json-c/json.h>

#include "base/plan/op.h"

/* A new object; the caller puts it. */
struct json_object *condition_json(const struct iov_condition *condition);

/* As iov_op_from_json(). */
int condition_from_json(struct iov_condition **condition, struct iov *iov,
			struct json_object *json);

#endif
