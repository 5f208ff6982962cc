// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A request is its writes one behind the other.  Each is texts with their NUL, and bytes:
 *
 *	path text flags [kind flags path [text] [count target...]]
 *
 * where the brackets are the condition that it is skipped by, and what that has.
 */
#include "base/sysroot/request.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	WRITE_ABSENT_OK = 1 << 0,
	WRITE_UNLESS = 1 << 1,
};

enum {
	CONDITION_TEXT = 1 << 0,
	CONDITION_EXISTS = 1 << 1,
};

static void put_text(FILE *to, const char *text)
{
	fwrite(text, strlen(text) + 1, 1, to);
}

static void put_condition(FILE *to, const struct iov_condition *condition)
{
	uint32_t count = (uint32_t)condition->count;

	putc(condition->kind, to);
	putc((condition->text ? CONDITION_TEXT : 0) |
	     (condition->exists ? CONDITION_EXISTS : 0), to);
	put_text(to, condition->path);
	if (condition->text)
		put_text(to, condition->text);
	fwrite(&count, sizeof(count), 1, to);
	for (size_t i = 0; i < condition->count; i++)
		put_text(to, condition->targets[i]);
}

int request_encode(const struct sys_write *writes, size_t count, char **bytes, size_t *length)
{
	FILE *to = open_memstream(bytes, length);
	bool failed;

	if (!to)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		put_text(to, writes[i].path);
		put_text(to, writes[i].text);
		putc((writes[i].absent_ok ? WRITE_ABSENT_OK : 0) |
		     (writes[i].unless ? WRITE_UNLESS : 0), to);
		if (writes[i].unless)
			put_condition(to, writes[i].unless);
	}
	failed = ferror(to);
	if (!fclose(to) && !failed)
		return 0;
	free(*bytes);
	return -ENOMEM;
}

/* Each of these takes what comes next, or tells that the bytes end in it. */

static bool take_bytes(struct request *request, void *bytes, size_t size)
{
	if ((size_t)(request->end - request->next) < size)
		return false;
	memcpy(bytes, request->next, size);
	request->next += size;
	return true;
}

static bool take_text(struct request *request, const char **text)
{
	const char *end = memchr(request->next, '\0', (size_t)(request->end - request->next));

	if (!end)
		return false;
	*text = request->next;
	request->next = end + 1;
	return true;
}

static int take_targets(struct request *request, struct iov_condition *condition)
{
	uint32_t count;

	/* Each has a NUL at least. */
	if (!take_bytes(request, &count, sizeof(count)) ||
	    count > (size_t)(request->end - request->next))
		return -EINVAL;
	condition->targets = calloc(count + 1, sizeof(*condition->targets));
	if (!condition->targets)
		return -ENOMEM;
	for (; condition->count < count; condition->count++) {
		if (!take_text(request, (const char **)&condition->targets[condition->count]))
			return -EINVAL;
	}
	return 0;
}

static int take_condition(struct request *request)
{
	struct iov_condition *condition = &request->unless;
	uint8_t kind, flags;

	if (!take_bytes(request, &kind, 1) || kind > IOV_IF_EXISTS ||
	    !take_bytes(request, &flags, 1) ||
	    !take_text(request, (const char **)&condition->path) ||
	    (flags & CONDITION_TEXT && !take_text(request, (const char **)&condition->text)))
		return -EINVAL;
	condition->kind = kind;
	condition->exists = flags & CONDITION_EXISTS;
	return take_targets(request, condition);
}

int request_next(struct request *request, struct sys_write *write)
{
	uint8_t flags;
	int error = 0;

	request_close(request);
	if (request->next == request->end)
		return 0;
	*write = (struct sys_write){ 0 };
	if (!take_text(request, &write->path) || !take_text(request, &write->text) ||
	    !take_bytes(request, &flags, 1))
		return -EINVAL;
	write->absent_ok = flags & WRITE_ABSENT_OK;
	if (flags & WRITE_UNLESS) {
		write->unless = &request->unless;
		error = take_condition(request);
	}
	return error ? error : 1;
}

void request_close(struct request *request)
{
	free(request->unless.targets);
	request->unless = (struct iov_condition){ 0 };
}
