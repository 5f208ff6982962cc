/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Options of "iov port add" and "iov disk add" that say how a front end reaches iovd. */
#ifndef IOV_CLI_FRONT_END_H
#define IOV_CLI_FRONT_END_H

#include <argp.h>
#include <json-c/json.h>
#include <stdbool.h>

#include "base/iov.h"

struct front_end_args {
	const char *socket;
	bool server;
	const char *mode;
	const char *owner;
	bool any_memory;
};

enum {
	KEY_SOCKET = 0x4000,
	KEY_SERVER,
	KEY_MODE,
	KEY_OWNER,
	KEY_ANY_MEMORY,
};

/* @of: what of the command's they are for, such as "vhost-user: " */
#define FRONT_END_OPTIONS(of)                                                                      \
	{ "socket", KEY_SOCKET, "PATH", 0, of "its socket" },                                      \
	{ "server", KEY_SERVER, 0, 0,                                                              \
	  of "iovd listens at the socket (default: it connects to the VMM there)" },               \
	{ "mode", KEY_MODE, "MODE", 0, of "permissions of the socket of a server (0660)" },        \
	{ "owner", KEY_OWNER, "USER:GROUP", 0,                                                     \
	  of "owner of the socket of a server, and group; one of the two is enough" },             \
	{ "any-memory", KEY_ANY_MEMORY, 0, 0,                                                      \
	  of "guest memory may be on any file system, whose server can then hold up all guests" }

/* For an argp parser: take one of these options.  False when @key is none of them. */
bool front_end_parse(int key, const char *arg, struct front_end_args *args);

/* Add what iovd is told of them to the parameters of a method; 0 or -errno with a message. */
int front_end_params(struct iov *iov, const struct front_end_args *args,
		     struct json_object *params);

#endif
