/* SPDX-License-Identifier: GPL-2.0-or-later */
/* All that is counted under a reason, in one form for whoever shows it. */
#ifndef VHOST_USER_PORT_REASONS_H
#define VHOST_USER_PORT_REASONS_H

#include <stdint.h>

/* More than any kind has. */
#define REASONS_MAX 64

/**
 * enum reason_kind - what happens for a reason
 */
enum reason_kind {
	REASON_DROP,	/* packets were dropped */
	REASON_REFUSED,	/* messages of a front end were refused */
	REASON_BROKEN,	/* rings were broken by their driver */
	REASON_EVENT,	/* connections of front ends came, went, had to wait */
	REASON_KINDS
};

/**
 * struct reason_table - the reasons of a kind
 * @key: member of a port's counters: "drops"
 * @family: metric without its prefix
 * @label: what the reason is called there
 * @help: what is counted
 * @first: first reason
 * @count: behind the last
 * @name: name of a reason
 */
struct reason_table {
	const char *key;
	const char *family;
	const char *label;
	const char *help;
	unsigned int first;
	unsigned int count;
	const char *(*name)(unsigned int reason);
};

/* By enum reason_kind. */
extern const struct reason_table reason_tables[REASON_KINDS];

#endif
