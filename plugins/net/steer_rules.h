/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The two ways to steer, each in a file of its own; for the files of plugins/net/ and their test. */
#ifndef IOV_PLUGINS_NET_STEER_RULES_H
#define IOV_PLUGINS_NET_STEER_RULES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/iov.h"
#include "base/plan/op.h"

/* Most rules that are listed of one NIC. */
#define STEER_RULES_MAX 1024

/* A rule that a NIC has. */
struct steer_found {
	struct iov_steer_rule rule;
	bool flower;
	bool hardware;
};

/*
 * What is known of the ntuple rules of a NIC: nothing, by its features that it lacks them or has them
 * off or on, or that its driver answers no question about them.
 */
enum steer_ntuple {
	STEER_NTUPLE_UNKNOWN, STEER_NTUPLE_NONE, STEER_NTUPLE_OFF, STEER_NTUPLE_ON, STEER_NTUPLE_NEVER,
};

/**
 * struct steer_rules - what a NIC has
 * @flower: whether rules for VFs are filters at the uplink
 * @ntuple: whether others can be ntuple rules, by its features
 * @queues: it leads to, 0 when it does not tell
 * @others: rules that match something else than we know
 * @count: length of @found
 */
struct steer_rules {
	bool flower;
	enum steer_ntuple ntuple;
	unsigned int queues;
	unsigned int others;
	size_t count;
	struct steer_found found[STEER_RULES_MAX];
};

/* Whether two rules match the same frames. */
bool steer_same_match(const struct iov_steer_rule *a, const struct iov_steer_rule *b);

/* Whether they lead them to the same place. */
bool steer_same_target(const struct iov_steer_rule *a, const struct iov_steer_rule *b);

/* Note a rule. */
void steer_add_found(struct steer_rules *rules, const struct iov_steer_rule *rule, bool flower,
		     bool hardware);

/*
 * By ethtool; @interface is that of the PF. -EOPNOTSUPP, without a message, for a driver that has no
 * such rules; other errors are the kernel's.
 */
int ntuple_list(const char *interface, struct steer_rules *rules);
int ntuple_add(const char *interface, const struct iov_steer_rule *rule);
int ntuple_remove(const char *interface, const struct iov_steer_rule *rule);

/* What the features of a NIC say of them: an enum steer_ntuple. */
int ntuple_feature(const char *interface);

/* A request of ethtool, 0 or -errno of the kernel. */
int ethtool_request(const char *interface, void *command);

/*
 * By tc at the uplink, which applies where VFs have representors; @answer receives what the kernel says in words. The representor of a VF is found
 * by its switch: -ENODEV without one.
 */
bool flower_applies(struct iov *iov, const char *interface);
int flower_list(struct iov *iov, const char *interface, struct steer_rules *rules);
int flower_add(struct iov *iov, const char *interface, const struct iov_steer_rule *rule, char *answer,
	       size_t size);
int flower_remove(struct iov *iov, const char *interface, const struct iov_steer_rule *rule,
		  char *answer, size_t size);

#endif
