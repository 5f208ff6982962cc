/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What etcd's gateway answers, of anybody: pure functions, which give false for what no etcd answers.
 *
 * Its JSON is protocol buffers' (etcd's api/etcdserverpb/rpc.proto): 64-bit numbers are texts, bytes are
 * base64, and what is zero, false or empty is absent.
 */
#ifndef IOV_CLAIMS_ETCD_ANSWER_H
#define IOV_CLAIMS_ETCD_ANSWER_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "claims/store.h"

/* The first object of a text; NULL for what is none. */
struct json_object *etcd_parse(const char *text, size_t length);

/* Whether it says that something is wrong, and what. */
bool etcd_is_error(struct json_object *answer, char *why, size_t size);

/**
 * struct etcd_key - what is stored under a key
 * @name: the key behind the prefix of the question: "HOST/DEVICE"
 * @value: the value; one that is longer or has a NUL is ""
 * @revision: when it was written
 * @lease: 0 for none
 */
struct etcd_key {
	char name[CLAIMS_NAME_MAX];
	char value[CLAIMS_VALUE_SIZE];
	int64_t revision;
	int64_t lease;
};

/*
 * Whether it answers a question for keys: whoever says nothing, as a proxy does in etcd's place, does not say that
 * there are none.
 */
bool etcd_is_range(struct json_object *answer);

/*
 * A key of a range; its number from 0 on.  @prefix: that keys have to begin with.  1: there is one, 0: there
 * is none more, -1: that is no answer of etcd's.
 */
int etcd_read_key(struct json_object *range, size_t number, const char *prefix, struct etcd_key *key);

/* Whether there is more behind what a range has. */
bool etcd_has_more(struct json_object *range);

/* Of a transaction: whether its conditions held, and when it was. */
bool etcd_read_txn(struct json_object *answer, bool *succeeded, int64_t *revision);

/* The range that a transaction with another end answers; NULL for none. */
struct json_object *etcd_txn_range(struct json_object *answer);

/* A lease that was granted. */
bool etcd_read_grant(struct json_object *answer, int64_t *lease, unsigned int *ttl);

/* A lease that was renewed; @ttl is 0 for one that is over. */
bool etcd_read_keepalive(struct json_object *answer, int64_t lease, unsigned int *ttl);

/* What lets a user in. */
bool etcd_read_token(struct json_object *answer, char *token, size_t size);

/* Base64 of a text, allocated. */
char *etcd_bytes(const char *text);

#endif
