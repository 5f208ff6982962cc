/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where claims are kept: etcd or a file, behind one table of operations.
 *
 * A claim is stored under "HOST/DEVICE" as the text of a JSON object.  All times are of CLOCK_BOOTTIME
 * in milliseconds, which goes on while the machine sleeps as the lease does.
 */
#ifndef IOV_CLAIMS_STORE_H
#define IOV_CLAIMS_STORE_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/iov.h"
#include "claims/config.h"

/* Longest stored claim, and longest name under which one is, with its NUL. */
#define CLAIMS_VALUE_SIZE 4096
#define CLAIMS_NAME_MAX 512

/* The table of a context that has its settings. */
#define CLAIMS_SETTINGS "claims-settings"

/**
 * struct claims_lease - a claim that we have
 * @id: of etcd's lease, 0 in a file
 * @revision: of the claim
 * @ttl: seconds that it was granted
 * @until: when it may be over at the earliest: what was granted, from before it was asked for on
 */
struct claims_lease {
	int64_t id;
	int64_t revision;
	unsigned int ttl;
	int64_t until;
};

struct claims_http;

/**
 * struct claims - claims as one process has them open
 * @config: settings
 * @store: where they are
 * @http: connection to etcd, NULL before the first request
 * @endpoint: the member that answered last
 * @token: of etcd's user, "" for none
 * @give_up: when the answer is of no use any more; 0: never
 */
struct claims {
	struct iov *iov;
	struct claims_config config;
	const struct claims_store *store;
	struct claims_http *http;
	size_t endpoint;
	char token[512];
	int64_t give_up;
};

/**
 * struct claims_store - a place for claims
 * @name: "etcd", "file"
 * @list: append the claims of a host, or of all for NULL, to @found
 * @take: claim @name if nobody has; with @replaces not 0 if the claim there has that revision.
 *	-EEXIST, without a message, when somebody has; with an outcome that cannot be told -EHOSTUNREACH,
 *	and the claim, if there is one, is not renewed by anybody
 * @drop: there is no claim @name of @revision any more; one of another revision is left alone
 * @renew: -ESTALE with a message when the claim is somebody else's or nobody's; any other error leaves
 *	open whether it was renewed
 *
 * Each gives 0, or -errno with a message.
 */
struct claims_store {
	const char *name;
	int (*list)(struct claims *claims, const char *host, struct json_object *found);
	int (*take)(struct claims *claims, const char *name, const char *value, unsigned int ttl,
		    int64_t replaces, struct claims_lease *lease);
	int (*drop)(struct claims *claims, const char *name, int64_t revision, int64_t lease);
	int (*renew)(struct claims *claims, const char *name, struct claims_lease *lease);
};

extern const struct claims_store etcd_store;
extern const struct claims_store file_store;

/* Read the settings and choose the store; a message on failure. */
int claims_open(struct claims *claims, struct iov *iov);
void claims_close(struct claims *claims);

/*
 * A claim as struct iov tells it, of what is stored under a name: anything.  What is no claim of
 * iovkit's has no holder.  @lease: 0 for none
 */
struct json_object *claims_read_value(const char *name, const char *value, int64_t revision, int64_t lease);

/* The number of a member, 0 without one. */
static inline int64_t claims_number(struct json_object *object, const char *key)
{
	return json_object_get_int64(json_object_object_get(object, key));
}

#endif
