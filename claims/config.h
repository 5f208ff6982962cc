/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where claims are kept and how, from the file of an operator and what a command line says of it. */
#ifndef IOV_CLAIMS_CONFIG_H
#define IOV_CLAIMS_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include "base/iov.h"

#define CLAIMS_ENDPOINTS_MAX 16
#define CLAIMS_ENDPOINT_SIZE 256
#define CLAIMS_NAME_SIZE 65
#define CLAIMS_PATH_SIZE 256
#define CLAIMS_TTL_MAX 86400
/* A claim has three turns of fence_time: two to be renewed in, the last to fence in. */
#define CLAIMS_TURNS 3

/* What a fence does to a device, in the order in which it is done. */
enum claims_action {
	CLAIMS_LINK_DOWN,	/* no frame of a VF passes its PF, or an interface is down */
	CLAIMS_UNBIND,		/* no driver */
	CLAIMS_RESET,		/* of the function */
	CLAIMS_ACTIONS,
};

extern const char *const claims_action_names[CLAIMS_ACTIONS];

/**
 * struct claims_config - settings
 * @endpoints: URLs without a slash at their end, @endpoint_count of them; none: claims are in a file
 * @prefix: what all keys begin with, "/iovkit"
 * @host: this one's name
 * @holder: who acts, "" for nobody
 * @ttl: seconds of a claim that does not say
 * @fence_time: seconds before the end of a lease when a fence begins
 * @timeout: seconds that one member of etcd is waited for
 * @actions: of a fence, @action_count of them
 * @stop_hook: program that has the VMM stop, "" for none
 */
struct claims_config {
	char endpoints[CLAIMS_ENDPOINTS_MAX][CLAIMS_ENDPOINT_SIZE];
	size_t endpoint_count;
	char ca[CLAIMS_PATH_SIZE];
	char certificate[CLAIMS_PATH_SIZE];
	char key[CLAIMS_PATH_SIZE];
	char user[CLAIMS_NAME_SIZE];
	char password[CLAIMS_PATH_SIZE];
	char prefix[CLAIMS_NAME_SIZE];
	char host[CLAIMS_NAME_SIZE];
	char holder[CLAIMS_NAME_SIZE];
	unsigned int ttl;
	unsigned int fence_time;
	unsigned int timeout;
	enum claims_action actions[CLAIMS_ACTIONS];
	size_t action_count;
	char stop_hook[CLAIMS_PATH_SIZE];
};

/* Read them; 0, or -EINVAL or -errno with a message that names file and line. */
int claims_config_load(struct iov *iov, struct claims_config *config);

/* Whether a text may be the name of a holder or host. */
bool claims_is_name(const char *text);

#define CLAIMS_EXPECTED_NAME "expected 1 to 64 letters, digits, and . _ - : @"

#endif
