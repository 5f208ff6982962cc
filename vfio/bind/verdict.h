/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether a function can be assigned, by what it is and where it sits.  Who uses it is for
 * the guards to say.  Every command asks here, so none offers what another refuses.
 */
#ifndef IOV_VFIO_BIND_VERDICT_H
#define IOV_VFIO_BIND_VERDICT_H

#include <json-c/json.h>
#include <stddef.h>

#include "base/iov.h"
#include "base/pci/pci.h"

#ifdef __cplusplus
extern "C" {
#endif

#define IOV_REASONS_MAX 14
#define IOV_SENTENCE_SIZE 384

/**
 * enum iov_severity - what a reason is to an assignment
 * @IOV_REASON_WARNS: it works, but less well or less safely
 * @IOV_REASON_BLOCKS: it does not work
 */
enum iov_severity { IOV_REASON_WARNS, IOV_REASON_BLOCKS };

/**
 * iov_verdict_kind - the kinds of reasons that there are
 * @index: from 0 on
 *
 * Return: a kind as in struct iov_reason, NULL after the last.
 */
const char *iov_verdict_kind(size_t index);

/**
 * iov_verdict_meaning - what a kind means
 * @kind: a kind
 *
 * Return: a clause about the function: "it is a bridge"; NULL for no such kind.
 */
const char *iov_verdict_meaning(const char *kind);

/**
 * struct iov_reason - one thing that speaks against assigning a function
 * @kind: one of iov_verdict_kind()
 * @severity: whether it blocks
 * @error: -errno that fits
 * @sentence: what is so
 * @remedy: what to do
 */
struct iov_reason {
	const char *kind;
	enum iov_severity severity;
	int error;
	char sentence[IOV_SENTENCE_SIZE];
	char remedy[IOV_SENTENCE_SIZE];
};

/**
 * struct iov_verdict - all that speaks against assigning a function
 * @reasons: those that block first
 * @count: how many
 */
struct iov_verdict {
	struct iov_reason reasons[IOV_REASONS_MAX];
	size_t count;
};

/**
 * iov_verdict - judge a function
 * @iov: context
 * @bdf: a function that exists
 * @verdict: receives the reasons
 *
 * Wakes nobody: of a function that sleeps its configuration space is not read.
 */
void iov_verdict(struct iov *iov, struct iov_bdf bdf, struct iov_verdict *verdict);

/**
 * iov_verdict_blocks - judge a function by what blocks alone, which takes less reading
 * @iov: context
 * @bdf: a function that exists
 * @reason: receives the first reason that blocks; NULL is allowed
 *
 * Return: 0 when nothing blocks; the reason's -errno otherwise.
 */
int iov_verdict_blocks(struct iov *iov, struct iov_bdf bdf, struct iov_reason *reason);

/**
 * iov_verdict_find - a reason of a kind
 * @verdict: verdict
 * @kind: as in struct iov_reason; NULL: any that blocks
 *
 * Return: the first, valid as long as @verdict; NULL for none.
 */
const struct iov_reason *iov_verdict_find(const struct iov_verdict *verdict, const char *kind);

/**
 * iov_verdict_json - the reasons as JSON
 * @verdict: verdict
 *
 * Return: an array of objects with "kind", "severity" ("blocks" or "warns"), "sentence" and
 * "remedy"; the caller puts it.
 */
struct json_object *iov_verdict_json(const struct iov_verdict *verdict);

/**
 * iov_verdict_require - refuse a function that cannot be assigned
 * @iov: context
 * @bdf: a function that exists
 *
 * Return: 0, or the -errno of the first reason that blocks, with its words as message.
 */
int iov_verdict_require(struct iov *iov, struct iov_bdf bdf);

#ifdef __cplusplus
}
#endif

#endif
