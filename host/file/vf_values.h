/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a file says of single VFs; for the files of host/ alone. */
#ifndef IOV_HOST_FILE_VF_VALUES_H
#define IOV_HOST_FILE_VF_VALUES_H

#include <json-c/json.h>

#include "host/file/host.h"

/* What is said of VF @index: of all, and of it alone where that differs. */
struct iov_host_vf_values host_vf_values(const struct iov_host_vfs *vfs, unsigned int index);

/* The name in "max-rate=100", as JSON has it; -EINVAL with a message for what is no such text. */
int host_attribute_split(struct iov *iov, const char *setting, char *name, size_t size);

/* Reads a value as a person writes it into an object, as iov_vf_attribute_parse() does. */
typedef int host_parse_fn(struct iov *iov, const char *name, const char *text,
			  struct json_object *values);

/* What is said of a port's function, NULL for none, and its rate, into @values. */
int host_port_values(struct iov *iov, const struct iov_host_function *function,
		     const struct iov_host_rate *rate, host_parse_fn *parse, struct json_object *values);

/*
 * Attributes for iov_vf_set_each_plan(), which the caller puts.  -EINVAL with a
 * message for a value that iov_vf_attribute_parse() does not take.
 */
int host_vf_attributes(struct iov *iov, const struct iov_host_vfs *vfs, struct json_object **each);

#endif
