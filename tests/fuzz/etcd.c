// SPDX-License-Identifier: GPL-2.0-or-later
/* Any bytes as what etcd answers: each kind of answer is read of them, and what is taken holds together. */
#include "claims/etcd_answer.h"
#include "base/cleanup.h"
#include "base/json.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/test.h"

#define PREFIX "/iovkit/claims/"
#define KEYS_MAX 64

/* What the corpus has to reach. */
static struct {
	unsigned int none, errors, txns, grants, renewed, over, tokens, keys, claims, foreign, wrong;
} seen;

/* What is written as etcd wants it is what is read of it. */
static void write_key(const char *name)
{
	_cleanup_json_ struct json_object *range = json_object_new_object();
	struct json_object *keys = json_object_new_array(), *entry = json_object_new_object();
	_cleanup_free_ char *text = NULL;
	struct etcd_key key;
	char full[sizeof(PREFIX) + sizeof(key.name)];

	snprintf(full, sizeof(full), "%s%s", PREFIX, name);
	text = etcd_bytes(full);
	json_object_object_add(entry, "key", json_object_new_string(text));
	json_object_object_add(entry, "mod_revision", json_object_new_int(1));
	json_object_array_add(keys, entry);
	json_object_object_add(range, "kvs", keys);
	assert_int_equal(etcd_read_key(range, 0, PREFIX, &key), 1);
	assert_string_equal(key.name, name);
}

static void read_keys(struct json_object *range)
{
	static struct etcd_key key;
	int has = 0;

	for (size_t i = 0; i < KEYS_MAX && (has = etcd_read_key(range, i, PREFIX, &key)) > 0; i++) {
		_cleanup_json_ struct json_object *claim = claims_read_value(key.name, key.value, key.revision, key.lease);
		const char *holder = json_text_or_null(claim, "holder");

		assert_true(strlen(key.name) < sizeof(key.name) && strlen(key.value) < sizeof(key.value));
		assert_true(key.revision > 0);
		write_key(key.name);
		assert_true(!holder || claims_is_name(holder));
		seen.keys++;
		seen.claims += holder != NULL;
		seen.foreign += !holder;
	}
	seen.wrong += has < 0;
	etcd_has_more(range);
}

static void run(struct fuzz_input *input)
{
	_cleanup_json_ struct json_object *answer = etcd_parse((const char *)input->next, fuzz_left(input));
	char why[64], token[64];
	int64_t number;
	unsigned int ttl;
	bool succeeded;

	if (!answer) {
		seen.none++;
		return;
	}
	seen.errors += etcd_is_error(answer, why, sizeof(why));
	if (etcd_read_txn(answer, &succeeded, &number)) {
		assert_true(number > 0);
		seen.txns++;
	}
	if (etcd_read_grant(answer, &number, &ttl)) {
		assert_true(number > 0 && ttl);
		seen.grants++;
	}
	if (etcd_read_keepalive(answer, 77, &ttl)) {
		seen.renewed += ttl != 0;
		seen.over += !ttl;
	}
	if (etcd_read_token(answer, token, sizeof(token))) {
		assert_true(*token && strlen(token) < sizeof(token) && !strpbrk(token, "\r\n "));
		seen.tokens++;
	}
	read_keys(answer);
	read_keys(etcd_txn_range(answer));
}

static void reached_everything(void)
{
	assert_true(seen.none && seen.errors && seen.txns && seen.grants && seen.renewed && seen.over && seen.tokens &&
		    seen.keys && seen.claims && seen.foreign && seen.wrong);
}

const struct fuzz_target fuzz_target = {
	.run = run,
	.done = reached_everything,
};
