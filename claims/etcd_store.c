// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Claims in etcd: a key of its own for each, which goes with its lease.  Who made the key has the
 * claim, and etcd makes a key once (a transaction on its create revision).  Each claim has a lease of
 * its own, so after an answer that never came the lease of the key tells whose it is.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/sysroot/sysroot.h"
#include "claims/etcd_answer.h"
#include "claims/gateway.h"

/* Keys in one answer, which is bounded. */
#define PAGE 500
/* Answers of one list. */
#define PAGES 200

static void add_bytes(struct json_object *object, const char *key, const char *text)
{
	_cleanup_free_ char *bytes = etcd_bytes(text);

	json_add_text(object, key, bytes);
}

static void add_number(struct json_object *object, const char *key, int64_t number)
{
	json_add_text(object, key, iov_path("%lld", (long long)number).name);
}

static struct iov_path prefix_of(const struct claims *claims)
{
	return iov_path("%s/claims/", claims->config.prefix);
}

static struct iov_path key_of(const struct claims *claims, const char *name)
{
	return iov_path("%s%s", prefix_of(claims).name, name);
}

static int refuse_answer(struct claims *claims, const char *what)
{
	return iov_told(claims->iov, -EHOSTUNREACH, "%s: answers to %s what no etcd does",
			claims->config.endpoints[claims->endpoint], what);
}

/* @what: the question, as messages name it */
static int ask_range(struct claims *claims, struct json_object *question, const char *what,
		     struct json_object **answer)
{
	int error = etcd_ask(claims, "/v3/kv/range", question, answer);

	return !error && !etcd_is_range(*answer) ? refuse_answer(claims, what) : error;
}

/* Append the keys of an answer; @next receives the last one. */
static int add_keys(struct claims *claims, struct json_object *range, struct json_object *found,
		    struct iov_path *next)
{
	struct iov_path prefix = prefix_of(claims);
	struct etcd_key key;
	int has = 1;

	for (size_t i = 0; (has = etcd_read_key(range, i, prefix.name, &key)) > 0; i++) {
		/* No more than were asked for; and in their order, as what goes back would go on for ever. */
		if (i == PAGE || strcmp(key_of(claims, key.name).name, next->name) < 0)
			return refuse_answer(claims, "a list of claims");
		*next = key_of(claims, key.name);
		json_object_array_add(found, claims_read_value(key.name, key.value, key.revision, key.lease));
	}
	return has < 0 ? refuse_answer(claims, "a list of claims") : 0;
}

static int list_page(struct claims *claims, const char *end, struct iov_path *next, struct json_object *found,
		     bool *more)
{
	_cleanup_json_ struct json_object *question = json_object_new_object(), *answer = NULL;
	size_t before = json_object_array_length(found);
	int error;

	add_bytes(question, "key", next->name);
	add_bytes(question, "range_end", end);
	add_number(question, "limit", PAGE);
	json_add_text(question, "sort_order", "ASCEND");
	error = ask_range(claims, question, "a list of claims", &answer);
	if (!error)
		error = add_keys(claims, answer, found, next);
	*more = !error && etcd_has_more(answer);
	if (*more && json_object_array_length(found) == before)
		return refuse_answer(claims, "a list of claims");
	return error;
}

static int list(struct claims *claims, const char *host, struct json_object *found)
{
	struct iov_path next = host ? iov_path("%s%s/", prefix_of(claims).name, host) : prefix_of(claims);
	struct iov_path end = next;
	bool more = true;
	int error = 0;

	/* What begins so ends before the one behind '/'. */
	end.name[strlen(end.name) - 1]++;
	for (unsigned int i = 0; !error && more && i < PAGES; i++) {
		error = list_page(claims, end.name, &next, found, &more);
		/* From behind the last one on. */
		next = iov_path("%s\x01", next.name);
	}
	/* Whose claim is not listed would be nobody's. */
	if (!error && more)
		return iov_fail(claims->iov, -E2BIG, "etcd has more than %d claims below %s", PAGE * PAGES,
				prefix_of(claims).name);
	return error;
}

static int grant(struct claims *claims, unsigned int ttl, struct claims_lease *lease)
{
	_cleanup_json_ struct json_object *question = json_object_new_object(), *answer = NULL;
	int64_t asked = boot_ms();
	int error;

	add_number(question, "TTL", ttl);
	error = etcd_ask(claims, "/v3/lease/grant", question, &answer);
	if (error)
		return error;
	if (!etcd_read_grant(answer, &lease->id, &lease->ttl))
		return refuse_answer(claims, "a lease");
	/* What lasts longer than was asked for is not relied on. */
	if (lease->ttl > ttl)
		lease->ttl = ttl;
	lease->until = asked + (int64_t)lease->ttl * 1000;
	return 0;
}

/* Best effort: a lease that nobody renews goes by itself. */
static void revoke_lease(struct claims *claims, int64_t lease)
{
	_cleanup_json_ struct json_object *question = json_object_new_object(), *answer = NULL;

	add_number(question, "ID", lease);
	etcd_ask(claims, "/v3/lease/revoke", question, &answer);
}

/* {"key", "target", "result", NUMBER}; 0: there is no such key */
static void add_condition(struct json_object *txn, const char *key, int64_t revision)
{
	struct json_object *conditions = json_object_new_array(), *condition = json_object_new_object();

	add_bytes(condition, "key", key);
	json_add_text(condition, "target", revision ? "MOD" : "CREATE");
	json_add_text(condition, "result", "EQUAL");
	add_number(condition, revision ? "mod_revision" : "create_revision", revision);
	json_object_array_add(conditions, condition);
	json_object_object_add(txn, "compare", conditions);
}

/* What a transaction does when its condition holds, or does not; @request is taken over. */
static void add_request(struct json_object *txn, const char *when, const char *kind, struct json_object *request)
{
	struct json_object *requests = json_object_new_array(), *one = json_object_new_object();

	json_object_object_add(one, kind, request);
	json_object_array_add(requests, one);
	json_object_object_add(txn, when, requests);
}

static struct json_object *new_range(const char *key)
{
	struct json_object *range = json_object_new_object();

	add_bytes(range, "key", key);
	return range;
}

static struct json_object *claim_txn(const char *key, const char *value, int64_t replaces, int64_t lease)
{
	struct json_object *txn = json_object_new_object(), *put = json_object_new_object();

	add_condition(txn, key, replaces);
	add_bytes(put, "key", key);
	add_bytes(put, "value", value);
	add_number(put, "lease", lease);
	add_request(txn, "success", "request_put", put);
	add_request(txn, "failure", "request_range", new_range(key));
	return txn;
}

/* A transaction that another member has carried out before its answer was lost has our lease there. */
static int read_claim(struct claims *claims, const char *name, struct json_object *answer,
		      struct claims_lease *lease)
{
	struct iov_path prefix = prefix_of(claims);
	struct etcd_key key;
	bool succeeded;
	int has;

	if (!etcd_read_txn(answer, &succeeded, &lease->revision))
		return refuse_answer(claims, "a claim");
	if (succeeded)
		return 0;
	has = etcd_read_key(etcd_txn_range(answer), 0, prefix.name, &key);
	/* One that was to be replaced is over since. */
	if (!has)
		return -EEXIST;
	if (has < 0 || strcmp(key.name, name) != 0)
		return refuse_answer(claims, "a claim");
	lease->revision = key.revision;
	return key.lease == lease->id ? 0 : -EEXIST;
}

static int take(struct claims *claims, const char *name, const char *value, unsigned int ttl, int64_t replaces,
		struct claims_lease *lease)
{
	_cleanup_json_ struct json_object *txn = NULL, *answer = NULL;
	int error = grant(claims, ttl, lease);

	if (error)
		return error;
	txn = claim_txn(key_of(claims, name).name, value, replaces, lease->id);
	error = etcd_ask(claims, "/v3/kv/txn", txn, &answer);
	/* Whether it was carried out is what its own condition tells. */
	if (error == -EHOSTUNREACH)
		error = etcd_ask(claims, "/v3/kv/txn", txn, &answer);
	if (!error)
		error = read_claim(claims, name, answer, lease);
	if (error == -EHOSTUNREACH)
		return iov_told(claims->iov, error, "whether it is claimed is not known: %s; if it is, that ends in %u s",
				iov_error_message(claims->iov), lease->ttl);
	/* What is refused has its message, which that of this does not replace. */
	if (error == -EEXIST)
		revoke_lease(claims, lease->id);
	return error;
}

static int drop(struct claims *claims, const char *name, int64_t revision, int64_t lease)
{
	_cleanup_json_ struct json_object *txn = json_object_new_object(), *answer = NULL;
	struct iov_path key = key_of(claims, name);
	int64_t now;
	bool succeeded;
	int error;

	add_condition(txn, key.name, revision);
	add_request(txn, "success", "request_delete_range", new_range(key.name));
	error = etcd_ask(claims, "/v3/kv/txn", txn, &answer);
	if (error)
		return error;
	if (!etcd_read_txn(answer, &succeeded, &now))
		return refuse_answer(claims, "a claim that is let go");
	if (succeeded && lease)
		revoke_lease(claims, lease);
	return 0;
}

/* That the key is still ours, and not only its lease. */
static int check_key(struct claims *claims, const char *name, const struct claims_lease *lease)
{
	_cleanup_json_ struct json_object *question = new_range(key_of(claims, name).name), *answer = NULL;
	struct iov_path prefix = prefix_of(claims);
	struct etcd_key key;
	int error = ask_range(claims, question, "a question for a claim", &answer), has;

	if (error)
		return error;
	has = etcd_read_key(answer, 0, prefix.name, &key);
	if (has < 0)
		return refuse_answer(claims, "a question for a claim");
	if (has && key.revision == lease->revision && key.lease == lease->id)
		return 0;
	return iov_fail(claims->iov, -ESTALE, "the claim of %s is %s", name, has ? "somebody else's" : "gone");
}

static int renew(struct claims *claims, const char *name, struct claims_lease *lease)
{
	_cleanup_json_ struct json_object *question = json_object_new_object(), *answer = NULL;
	int64_t asked = boot_ms();
	unsigned int ttl;
	int error;

	add_number(question, "ID", lease->id);
	error = etcd_ask(claims, "/v3/lease/keepalive", question, &answer);
	if (error)
		return error;
	if (!etcd_read_keepalive(answer, lease->id, &ttl))
		return refuse_answer(claims, "a lease that is renewed");
	if (!ttl)
		return iov_fail(claims->iov, -ESTALE, "the lease of %s is over", name);
	error = check_key(claims, name, lease);
	if (error)
		return error;
	lease->until = asked + (int64_t)(ttl < lease->ttl ? ttl : lease->ttl) * 1000;
	return 0;
}

const struct claims_store etcd_store = { "etcd", list, take, drop, renew };
