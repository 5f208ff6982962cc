/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Requests to etcd, of whichever of its members answers. */
#ifndef IOV_CLAIMS_GATEWAY_H
#define IOV_CLAIMS_GATEWAY_H

#include <json-c/json.h>

#include "claims/store.h"

/*
 * Ask etcd, one member after the other, from the one that answered last on.  @answer: an object,
 * which the caller puts.
 *
 * 0; with a message -EHOSTUNREACH when none answers as etcd does, and whether one carried it out is
 * not known then; -EACCES when etcd wants another user or certificate; -EREMOTEIO for what it refuses.
 */
int etcd_ask(struct claims *claims, const char *path, struct json_object *question, struct json_object **answer);

#endif
