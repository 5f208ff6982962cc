/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A traced message as JSON, for clients. */
#ifndef VHOST_USER_PORT_TRACE_JSON_H
#define VHOST_USER_PORT_TRACE_JSON_H

#include <json-c/json.h>

#include "vhost-user/port/port.h"
#include "vhost-user/protocol/trace.h"

/**
 * trace_json - a record as JSON
 * @name: of the port, which may be gone
 * @type: its type, for names of features
 * @record: record
 *
 * Return: an object; the caller puts it.
 */
struct json_object *trace_json(const char *name, const struct port_type *type,
			       const struct vu_trace_record *record);

#endif
