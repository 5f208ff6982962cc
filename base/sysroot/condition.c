// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/sysroot/condition.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/sysroot/sysroot.h"

static struct iov_condition *new_condition(enum iov_condition_kind kind, const char *path,
					   const char *text)
{
	struct iov_condition *condition = calloc(1, sizeof(*condition));

	if (!condition)
		return NULL;
	condition->kind = kind;
	condition->within = IOV_IF_ALWAYS;
	condition->path = strdup(path);
	condition->text = text ? strdup(text) : NULL;
	if (condition->path && (condition->text || !text))
		return condition;
	iov_condition_free(condition);
	return NULL;
}

void iov_condition_free(struct iov_condition *condition)
{
	if (!condition)
		return;
	free(condition->path);
	free(condition->text);
	iov_names_free(condition->targets, condition->count);
	free(condition);
}

struct iov_condition *iov_if_link(const char *path, const char *target)
{
	return new_condition(IOV_IF_LINK, path, target);
}

struct iov_condition *iov_if_link_among(const char *path, char *const *targets, size_t count)
{
	struct iov_condition *condition = new_condition(IOV_IF_LINK_AMONG, path, NULL);

	if (!condition)
		return NULL;
	condition->targets = calloc(count + 1, sizeof(*condition->targets));
	for (size_t i = 0; condition->targets && i < count; i++) {
		condition->targets[i] = strdup(targets[i]);
		if (!condition->targets[i])
			break;
		condition->count++;
	}
	if (condition->targets && condition->count == count)
		return condition;
	iov_condition_free(condition);
	return NULL;
}

struct iov_condition *iov_if_value(const char *path, const char *value)
{
	return new_condition(IOV_IF_VALUE, path, value);
}

struct iov_condition *iov_if_exists(const char *path, bool exists)
{
	struct iov_condition *condition = new_condition(IOV_IF_EXISTS, path, NULL);

	if (condition)
		condition->exists = exists;
	return condition;
}

struct iov_condition *iov_if_within(struct iov_condition *condition, unsigned int milliseconds)
{
	if (condition)
		condition->within = milliseconds;
	return condition;
}

static bool is_target(const struct iov_condition *condition, const char *name)
{
	if (condition->kind == IOV_IF_LINK)
		return condition->text && !strcmp(condition->text, name);
	for (size_t i = 0; i < condition->count; i++) {
		if (!strcmp(condition->targets[i], name))
			return true;
	}
	return false;
}

bool iov_condition_holds(struct iov *iov, const struct iov_condition *condition)
{
	char text[256];
	int error;

	switch (condition->kind) {
	case IOV_IF_LINK:
	case IOV_IF_LINK_AMONG:
		error = iov_sys_link_name(iov, condition->path, text, sizeof(text));
		if (condition->kind == IOV_IF_LINK && !condition->text)
			return error == -ENOENT;
		return !error && is_target(condition, text);
	case IOV_IF_VALUE:
		error = iov_sys_read(iov, condition->path, text, sizeof(text));
		return !error && !strcmp(text, condition->text);
	case IOV_IF_EXISTS:
		return iov_sys_exists(iov, condition->path) == condition->exists;
	}
	return false;
}

static void describe_targets(const struct iov_condition *condition, char *text, size_t size)
{
	size_t length = (size_t)snprintf(text, size, "/%s leads to ", condition->path);

	for (size_t i = 0; i < condition->count && length < size; i++)
		length += (size_t)snprintf(text + length, size - length, "%s%s", i ? " or " : "",
					   condition->targets[i]);
}

void iov_condition_describe(const struct iov_condition *condition, char *text, size_t size)
{
	const char *path = condition->path;

	switch (condition->kind) {
	case IOV_IF_LINK:
		snprintf(text, size, condition->text ? "/%s leads to %s" : "/%s is absent", path,
			 condition->text);
		return;
	case IOV_IF_LINK_AMONG:
		describe_targets(condition, text, size);
		return;
	case IOV_IF_VALUE:
		snprintf(text, size, "/%s is '%s'", path, condition->text);
		return;
	case IOV_IF_EXISTS:
		snprintf(text, size, "/%s %s", path, condition->exists ? "exists" : "is absent");
	}
}
