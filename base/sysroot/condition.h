/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Conditions on a host: what a link, an attribute or a path is.
 *
 * The functions that make one give NULL without memory, which those that take one bear.
 */
#ifndef IOV_BASE_SYSROOT_CONDITION_H
#define IOV_BASE_SYSROOT_CONDITION_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/iov.h"

#ifdef __cplusplus
extern "C" {
#endif

enum iov_condition_kind {
	IOV_IF_LINK,
	IOV_IF_LINK_AMONG,
	IOV_IF_VALUE,
	IOV_IF_EXISTS,
};

/* Of a condition without a limit. */
#define IOV_IF_ALWAYS UINT_MAX

/**
 * struct iov_condition - a condition; made by the functions below
 * @kind: which of the members count
 * @path: relative to the sysroot
 * @text: last component of the link, NULL for no link; or content of the attribute
 * @targets: last components of the link, one of which will do
 * @count: length of @targets
 * @exists: whether the path exists
 * @within: milliseconds after which waiting for it is in vain, or IOV_IF_ALWAYS
 */
struct iov_condition {
	enum iov_condition_kind kind;
	char *path;
	char *text;
	char **targets;
	size_t count;
	bool exists;
	unsigned int within;
};

/**
 * iov_if_link - condition on a symbolic link
 * @path: relative to the sysroot
 * @target: last component of its target; NULL: there is no such link
 *
 * Return: a condition.
 */
struct iov_condition *iov_if_link(const char *path, const char *target);

/**
 * iov_if_link_among - condition on a symbolic link that may lead to one of several
 * @path: relative to the sysroot
 * @targets: last components of its target, one of which will do
 * @count: length of @targets
 *
 * Return: a condition.
 */
struct iov_condition *iov_if_link_among(const char *path, char *const *targets, size_t count);

/**
 * iov_if_value - condition on an attribute's content
 * @path: relative to the sysroot
 * @value: expected content without trailing white space
 *
 * Return: a condition.
 */
struct iov_condition *iov_if_value(const char *path, const char *value);

/**
 * iov_if_exists - condition on a path's presence
 * @path: relative to the sysroot
 * @exists: expected presence
 *
 * Return: a condition.
 */
struct iov_condition *iov_if_exists(const char *path, bool exists);

/**
 * iov_if_within - say how long waiting for a condition makes sense
 * @condition: condition; NULL is allowed
 * @milliseconds: when it does not hold by then, it never will
 *
 * Return: @condition.
 */
struct iov_condition *iov_if_within(struct iov_condition *condition, unsigned int milliseconds);

/**
 * iov_condition_free - free a condition
 * @condition: NULL is allowed
 */
void iov_condition_free(struct iov_condition *condition);

/**
 * iov_condition_holds - whether a condition holds now
 * @iov: context
 * @condition: condition
 */
bool iov_condition_holds(struct iov *iov, const struct iov_condition *condition);

/**
 * iov_condition_describe - a condition in words: "/sys/... is '4'"
 * @condition: condition
 * @text: receives it
 * @size: bytes at @text
 */
void iov_condition_describe(const struct iov_condition *condition, char *text, size_t size);

#ifdef __cplusplus
}
#endif

#endif
