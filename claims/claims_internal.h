/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of claims/ share. */
#ifndef IOV_CLAIMS_CLAIMS_INTERNAL_H
#define IOV_CLAIMS_CLAIMS_INTERNAL_H

#include "base/guard/holder.h"
#include "base/pci/identity.h"
#include "base/plan/op.h"
#include "base/sysroot/sysroot.h"
#include "claims/claims.h"
#include "claims/store.h"

extern const struct iov_op_runner claims_runner;	/* plan.c */
extern const struct guard_fleet claims_fleet;		/* guard.c */

/* The boot ID of the host. */
void claims_boot(struct iov *iov, char boot[CLAIMS_NAME_SIZE]);

/*
 * The claims of this host, which the caller puts, and names to find their functions by, which it closes;
 * no index where there are no claims.  As iov_claims_list().
 */
int claims_resolve(struct iov *iov, struct json_object **claims, struct iov_identity_index **index);

/* That of a function among the claims of this host, borrowed; NULL for none. */
struct json_object *claims_of(struct iov *iov, const struct iov_identity_index *index,
			      struct json_object *claims, struct iov_bdf bdf);

/* Whether it is that of a holder, which "" is not. */
bool claims_is_holders(struct json_object *claim, const char *holder);

/* Who has it, in words. */
struct iov_path claims_who(struct json_object *claim);

#endif
