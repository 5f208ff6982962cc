// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Claiming and letting go as plans.  The builder finds who has the function; that nobody came in
 * between is for the store.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/pci/identity.h"
#include "base/sysroot/sysroot.h"
#include "base/utc.h"
#include "claims/claims_internal.h"
#include "claims/fence.h"
#include "claims/record.h"

#define SPARES "a claim is on paper: nothing of the device changes"

static struct json_object *find_locked(struct claims *claims, struct iov_bdf bdf, struct json_object *all, int *error)
{
	struct iov_identity_index *index = NULL;
	struct json_object *claim = NULL;

	*error = claims->store->list(claims, claims->config.host, all);
	if (!*error && json_object_array_length(all))
		*error = iov_identity_index_open(&index, claims->iov);
	if (!*error && index)
		claim = claims_of(claims->iov, index, all, bdf);
	iov_identity_index_close(index);
	return claim;
}

static int fail_held(struct iov *iov, struct iov_bdf bdf, struct json_object *claim)
{
	return iov_fail(iov, -ECANCELED, "refused, nothing changed: %s is of %s; have it let go by 'iov release' for that "
			"holder, or 'iov release --force=fleet'", IOV_BDF(bdf), claims_who(claim).name);
}

/* "HOST/DEVICE" */
static struct iov_path name_of(const struct claims *claims, struct json_object *claim)
{
	return iov_path("%s/%s", claims->config.host, json_text(claim, "identity"));
}

static char *value_text(struct iov *iov, const struct iov_op *op)
{
	_cleanup_json_ struct json_object *value = json_object_new_object();
	char boot[CLAIMS_NAME_SIZE], since[UTC_TEXT_SIZE];

	claims_boot(iov, boot);
	utc_text(time(NULL), since);
	json_add_text(value, "holder", op->claim.holder);
	json_add_text(value, "device", IOV_BDF(op->claim.device));
	json_add_text(value, "boot", boot);
	json_object_object_add(value, "ttl", json_object_new_int64(op->claim.ttl));
	json_add_text(value, "since", since);
	return strdup(json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN));
}

static int note(struct claims *claims, const struct iov_op *op, const char *name, const struct claims_lease *lease)
{
	int64_t inode = claims_inode(claims->iov, op->claim.device);
	struct json_object *record;

	if (inode < 0)
		return iov_told(claims->iov, (int)inode, "%s: %s", IOV_BDF(op->claim.device), strerror((int)-inode));
	record = json_object_new_object();
	json_add_text(record, "name", name);
	json_add_text(record, "device", IOV_BDF(op->claim.device));
	json_object_object_add(record, "inode", json_object_new_int64(inode));
	json_add_text(record, "holder", op->claim.holder);
	json_add_text(record, "store", claims->store->name);
	json_object_object_add(record, "ttl", json_object_new_int64(lease->ttl));
	json_object_object_add(record, "revision", json_object_new_int64(lease->revision));
	json_object_object_add(record, "lease", json_object_new_int64(lease->id));
	json_object_object_add(record, "until", json_object_new_int64(lease->until));
	return claims_record_put(claims->iov, record);
}

/* What nobody would renew is given back. */
static int take(struct claims *claims, const struct iov_op *op, const char *name, int64_t replaces)
{
	_cleanup_free_ char *value = value_text(claims->iov, op);
	struct claims_lease lease = { 0 };
	char why[IOV_MESSAGE_SIZE];
	int error = value ? claims->store->take(claims, name, value, op->claim.ttl, replaces, &lease) : -ENOMEM;

	if (error == -EEXIST)
		return iov_fail(claims->iov, -EBUSY, "somebody else claimed it meanwhile; 'iov fleet list' tells who");
	if (error)
		return error;
	error = note(claims, op, name, &lease);
	if (!error)
		return 0;
	snprintf(why, sizeof(why), "%s", iov_error_message(claims->iov));
	claims->store->drop(claims, name, lease.revision, lease.id);
	return iov_told(claims->iov, error, "%s", why);
}

/*
 * Whether a holder's claim is one that this host renews, or can.  One of an earlier boot is not, nor one
 * whose answer never came: its holder has the device again, as another claim.
 */
static bool is_ours(struct claims *claims, struct json_object *found)
{
	return claims_is_recorded(claims->iov, name_of(claims, found).name, claims_number(found, "revision"));
}

static int claim(struct claims *claims, const struct iov_op *op, struct json_object *found)
{
	char identity[IOV_IDENTITY_SIZE];
	int error;

	if (found && !claims_is_holders(found, op->claim.holder))
		return iov_fail(claims->iov, -EBUSY, "%s has it", claims_who(found).name);
	if (found && is_ours(claims, found))
		return 0;
	if (found)
		return take(claims, op, name_of(claims, found).name, claims_number(found, "revision"));
	error = iov_device_identity(claims->iov, op->claim.device, identity, sizeof(identity));
	return error ? error : take(claims, op, iov_path("%s/%s", claims->config.host, identity).name, 0);
}

static int let_go(struct claims *claims, const struct iov_op *op, struct json_object *found)
{
	struct iov_path name;
	int error;

	if (!found || strcmp(json_text(found, "holder"), op->claim.holder) != 0)
		return 0;
	name = name_of(claims, found);
	/* First of all nobody renews it or fences for it any more. */
	error = claims_record_drop(claims->iov, name.name, claims_number(found, "revision"));
	if (error)
		return error;
	error = claims->store->drop(claims, name.name, claims_number(found, "revision"),
				    json_text_or_null(found, "lease") ? strtoll(json_text(found, "lease"), NULL, 10) : 0);
	return error ? iov_fail_as(claims->iov, iov_failure(claims->iov, error), error, "%s; nobody renews it any more, so it "
				   "ends in %lld s at the latest", iov_error_message(claims->iov),
				   (long long)claims_number(found, "ttl")) : 0;
}

static int run(struct iov *iov, const struct iov_op *op)
{
	_cleanup_json_ struct json_object *all = json_object_new_array();
	struct json_object *found;
	struct claims claims;
	int error = claims_open(&claims, iov);

	if (error)
		return error;
	found = find_locked(&claims, op->claim.device, all, &error);
	if (!error)
		error = op->claim.held ? claim(&claims, op, found) : let_go(&claims, op, found);
	claims_close(&claims);
	return error;
}

const struct iov_op_runner claims_runner = { IOV_OP_CLAIM, run };

static int check_ttl(struct iov *iov, const struct claims_config *config, unsigned int *ttl)
{
	unsigned int least = CLAIMS_TURNS * config->fence_time;

	if (!*ttl)
		*ttl = config->ttl;
	if (*ttl >= least && *ttl <= CLAIMS_TTL_MAX)
		return 0;
	return iov_fail(iov, -EINVAL, "--ttl %u: expected seconds from %u, which is %u times 'fence-time' of /"
			IOV_CLAIMS_CONFIG ", to %u", *ttl, least, CLAIMS_TURNS, CLAIMS_TTL_MAX);
}

static int check_holder(struct iov *iov, const struct claims_config *config)
{
	if (*config->holder)
		return 0;
	return iov_fail(iov, -EINVAL, "expected --holder NAME: who has the device, such as the name of a guest; or "
			"IOV_HOLDER, or 'holder = NAME' in /" IOV_CLAIMS_CONFIG);
}

/*
 * What both begin with: settings, which name a holder where @anyones does not do, a time unless @ttl is
 * NULL, a function, and who has it, for the caller to put.  What was said is judged before anybody is asked.
 */
static int prepare(struct iov *iov, struct iov_bdf bdf, bool anyones, unsigned int *ttl,
		   struct claims_config *config, struct json_object **found)
{
	int error = claims_config_load(iov, config);

	*found = NULL;
	if (!error && !anyones)
		error = check_holder(iov, config);
	if (!error && ttl)
		error = check_ttl(iov, config, ttl);
	if (!error)
		error = iov_pci_require(iov, bdf);
	return error ? error : iov_claims_find(iov, bdf, found);
}

static void add_step(struct iov_plan *plan, struct iov_bdf bdf, const char *holder, unsigned int ttl, bool held)
{
	struct iov_step *step = iov_plan_step(plan, IOV_BDF(bdf), held ? "claim %s for %s" : "let go of %s, claimed for %s",
					      IOV_BDF(bdf), holder);

	iov_step_spares(step, SPARES);
	iov_step_do(step, iov_op_claim(bdf, holder, ttl, held));
	iov_step_undo(step, iov_op_claim(bdf, holder, ttl, !held));
	iov_step_change(step, "claimed for", held ? NULL : holder, held ? holder : NULL);
}

static int fill_claim(struct iov_plan *plan, struct iov_bdf bdf, unsigned int ttl)
{
	struct iov *iov = iov_plan_context(plan);
	_cleanup_json_ struct json_object *found = NULL;
	struct claims claims = { .iov = iov };
	int error = prepare(iov, bdf, false, &ttl, &claims.config, &found);

	if (error)
		return error;
	if (found && !claims_is_holders(found, claims.config.holder))
		return fail_held(iov, bdf, found);
	claims_fence_note(plan, &claims.config, bdf);
	if (!found || !is_ours(&claims, found))
		add_step(plan, bdf, claims.config.holder, ttl, true);
	return 0;
}

int iov_claim_plan(struct iov_plan *plan, struct iov_bdf bdf, unsigned int ttl)
{
	return iov_plan_built(plan, fill_claim(plan, bdf, ttl));
}

static int fill_release(struct iov_plan *plan, struct iov_bdf bdf, bool anyones)
{
	struct iov *iov = iov_plan_context(plan);
	_cleanup_json_ struct json_object *found = NULL;
	struct claims_config config;
	int error = prepare(iov, bdf, anyones, NULL, &config, &found);

	if (error || !found)
		return error;
	if (!anyones && !claims_is_holders(found, config.holder))
		return fail_held(iov, bdf, found);
	add_step(plan, bdf, json_text(found, "holder"), (unsigned int)claims_number(found, "ttl"), false);
	return 0;
}

int iov_release_claim_plan(struct iov_plan *plan, struct iov_bdf bdf, bool anyones)
{
	return iov_plan_built(plan, fill_release(plan, bdf, anyones));
}
