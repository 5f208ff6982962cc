// SPDX-License-Identifier: GPL-2.0-or-later
/* Any text as a request: answered or refused, and a method sees only what it declared. */
#include <errno.h>

#include "base/cleanup.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/test.h"
#include "vhost-user/daemon/jsonrpc.h"

static struct iov *iov;
static unsigned int calls, garbage_texts, refusals;

static int call_echo(void *arg, struct json_object *params, struct json_object **result)
{
	struct json_object *list = json_object_object_get(params, "list");

	(void)arg;
	assert_non_null(json_object_get_string(json_object_object_get(params, "name")));
	for (size_t i = 0; list && i < json_object_array_length(list); i++)
		assert_true(json_object_is_type(json_object_array_get_idx(list, i),
						json_type_string));
	*result = json_object_get(params);
	calls++;
	return 0;
}

static int call_fail(void *arg, struct json_object *params, struct json_object **result)
{
	(void)arg;
	(void)params;
	(void)result;
	return iov_fail(iov, -EBUSY, "it is busy");
}

static const struct jsonrpc_param params[] = {
	{"name", json_type_string, true},
	{"flag", json_type_boolean, false},
	{"list", json_type_array, false},
	{"number", json_type_int, false},
};

static const struct jsonrpc_method methods[] = {
	{"echo", params, sizeof(params) / sizeof(*params), call_echo},
	{"fail", NULL, 0, call_fail},
	{NULL},
};

static void run(struct fuzz_input *input)
{
	bool garbage;
	_cleanup_json_ struct json_object *reply =
		jsonrpc_answer(iov, methods, NULL, (const char *)input->next, fuzz_left(input),
			       &garbage);

	garbage_texts += garbage;
	refusals += json_object_object_get(reply, "error") && !garbage;
	assert_true(reply || !garbage);
	if (reply)
		assert_non_null(json_object_to_json_string(reply));
}

static void open_all(void)
{
	assert_return_code(iov_open(&iov, NULL), 0);
}

static void reached_everything(void)
{
	assert_true(calls && garbage_texts && refusals);
}

const struct fuzz_target fuzz_target = {
	.open = open_all,
	.run = run,
	.done = reached_everything,
};
