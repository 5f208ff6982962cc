// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "tests/unit/test.h"
#include "vhost-user/daemon/jsonrpc.h"

static unsigned int calls;
static struct iov *iov;

static int call_echo(void *arg, struct json_object *params, struct json_object **result)
{
	(void)arg;
	calls++;
	*result = json_object_get(params);
	return 0;
}

static int call_fail(void *arg, struct json_object *params, struct json_object **result)
{
	(void)arg;
	(void)params;
	*result = json_object_new_string("never seen");
	return iov_fail(iov, -EBUSY, "it is busy");
}

/* A driver's error may have this number for other reasons. */
static int call_fail_of_memory(void *arg, struct json_object *params, struct json_object **result)
{
	(void)arg;
	(void)params;
	(void)result;
	return iov_told(iov, -ENOMEM, "frames will not fit in buffers");
}

static int call_fail_without_text(void *arg, struct json_object *params, struct json_object **result)
{
	(void)arg;
	(void)params;
	(void)result;
	return -ENOMEM;
}

static const struct jsonrpc_param params[] = {
	{ "name", json_type_string, true },
	{ "flag", json_type_boolean, false },
	{ "list", json_type_array, false },
};

static const struct jsonrpc_method methods[] = {
	{ "echo", params, 3, call_echo },
	{ "fail", NULL, 0, call_fail },
	{ "fail_of_memory", NULL, 0, call_fail_of_memory },
	{ "fail_without_text", NULL, 0, call_fail_without_text },
	{ NULL },
};

static struct json_object *answer_bytes(const char *text, size_t length, bool *garbage)
{
	calls = 0;
	return jsonrpc_answer(iov, methods, NULL, text, length, garbage);
}

static struct json_object *answer(const char *text)
{
	bool garbage;

	return answer_bytes(text, strlen(text), &garbage);
}

/* The error code of an answer, 0 when it is a result. */
static int code_of(struct json_object *reply)
{
	struct json_object *error = NULL;

	assert_true(json_object_is_type(reply, json_type_object));
	assert_string_equal(json_object_get_string(json_object_object_get(reply, "jsonrpc")), "2.0");
	json_object_object_get_ex(reply, "error", &error);
	assert_true((error == NULL) == json_object_object_get_ex(reply, "result", NULL));
	return error ? json_object_get_int(json_object_object_get(error, "code")) : 0;
}

static void expect_code(const char *text, int code)
{
	_cleanup_json_ struct json_object *reply = answer(text);

	if (code_of(reply) != code)
		fail_msg("%s: %s", text, json_object_to_json_string(reply));
}

static void expect_message(const char *text, const char *message)
{
	_cleanup_json_ struct json_object *reply = answer(text);

	assert_int_equal(code_of(reply), JSONRPC_FAILED);
	assert_string_equal(json_object_get_string(json_object_object_get(
				    json_object_object_get(reply, "error"), "message")), message);
}

static void error_keeps_its_text(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		expect_message("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"fail_of_memory\"}",
			       "frames will not fit in buffers");
		/* And does not get that of another one. */
		expect_message("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"fail_without_text\"}",
			       "out of memory");
	}
}

static void result_carries_the_id_of_its_request(void **state)
{
	_cleanup_json_ struct json_object *reply =
		answer("{\"jsonrpc\":\"2.0\",\"id\":\"a7\",\"method\":\"echo\",\"params\":{\"name\":\"x\"}}");

	(void)state;
	assert_int_equal(code_of(reply), 0);
	assert_string_equal(json_object_get_string(json_object_object_get(reply, "id")), "a7");
	assert_int_equal(calls, 1);
}

static void failure_carries_message_and_errno(void **state)
{
	_cleanup_json_ struct json_object *reply =
		answer("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"fail\"}");
	struct json_object *error = json_object_object_get(reply, "error");

	(void)state;
	assert_int_equal(code_of(reply), JSONRPC_FAILED);
	assert_string_equal(json_object_get_string(json_object_object_get(error, "message")),
			    "it is busy");
	assert_int_equal(json_object_get_int(json_object_object_get(
				 json_object_object_get(error, "data"), "errno")),
			 EBUSY);
}

static void notification_runs_without_an_answer(void **state)
{
	(void)state;
	assert_null(answer("{\"jsonrpc\":\"2.0\",\"method\":\"echo\",\"params\":{\"name\":\"x\"}}"));
	assert_int_equal(calls, 1);
}

static void batch_is_answered_together(void **state)
{
	_cleanup_json_ struct json_object *reply =
		answer("[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"fail\"},"
		       "{\"jsonrpc\":\"2.0\",\"method\":\"fail\"},7]");

	(void)state;
	assert_true(json_object_is_type(reply, json_type_array));
	assert_int_equal(json_object_array_length(reply), 2);
	assert_int_equal(code_of(json_object_array_get_idx(reply, 0)), JSONRPC_FAILED);
	assert_int_equal(code_of(json_object_array_get_idx(reply, 1)), JSONRPC_INVALID_REQUEST);
}

#define REQUEST(rest) "{\"jsonrpc\":\"2.0\",\"id\":1," rest "}"
#define ECHO(params) REQUEST("\"method\":\"echo\",\"params\":" params)

static void request_that_is_none_is_refused(void **state)
{
	(void)state;
	expect_code("[]", JSONRPC_INVALID_REQUEST);
	expect_code("\"text\"", JSONRPC_INVALID_REQUEST);
	expect_code("{}", JSONRPC_INVALID_REQUEST);
	expect_code("{\"jsonrpc\":\"1.0\",\"id\":1,\"method\":\"echo\"}", JSONRPC_INVALID_REQUEST);
	expect_code(REQUEST("\"method\":7"), JSONRPC_INVALID_REQUEST);
	expect_code("{\"jsonrpc\":\"2.0\",\"id\":{},\"method\":\"echo\"}", JSONRPC_INVALID_REQUEST);
	expect_code(REQUEST("\"method\":\"nothing\""), JSONRPC_NO_METHOD);
	expect_code(REQUEST("\"method\":\"echo\\u0000\""), JSONRPC_INVALID_REQUEST);
	assert_int_equal(calls, 0);
}

static void parameters_are_checked_before_the_call(void **state)
{
	(void)state;
	expect_code(ECHO("{}"), JSONRPC_INVALID_PARAMS);
	expect_code(ECHO("[\"x\"]"), JSONRPC_INVALID_PARAMS);
	expect_code(ECHO("null"), JSONRPC_INVALID_PARAMS);
	expect_code(ECHO("{\"name\":7}"), JSONRPC_INVALID_PARAMS);
	expect_code(ECHO("{\"name\":null}"), JSONRPC_INVALID_PARAMS);
	expect_code(ECHO("{\"name\":\"a\\u0000b\"}"), JSONRPC_INVALID_PARAMS);
	expect_code(ECHO("{\"name\":\"x\",\"other\":1}"), JSONRPC_INVALID_PARAMS);
	expect_code(ECHO("{\"name\":\"x\",\"flag\":\"true\"}"), JSONRPC_INVALID_PARAMS);
	expect_code(ECHO("{\"name\":\"x\",\"list\":[\"a\",1]}"), JSONRPC_INVALID_PARAMS);
	assert_int_equal(calls, 0);
	expect_code(ECHO("{\"name\":\"x\",\"flag\":true,\"list\":[\"a\",\"b\"]}"), 0);
	assert_int_equal(calls, 1);
}

static void text_that_is_not_json_is_garbage(void **state)
{
	static const char *const texts[] = { "hello", "{", "{\"a\":", "{}}", "{} {}", "\"\\u12\"",
					     "[[[[[[[[[[[[1]]]]]]]]]]]]", "\xff\xfe" };
	bool garbage;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		_cleanup_json_ struct json_object *reply =
			answer_bytes(texts[i], strlen(texts[i]), &garbage);

		if (!garbage || code_of(reply) != JSONRPC_PARSE_ERROR)
			fail_msg("%s: %s", texts[i], json_object_to_json_string(reply));
	}
}

/* Every prefix and every change of one byte: answered or refused, never worse. */
static void no_change_of_a_request_breaks_the_parser(void **state)
{
	static const char text[] = ECHO("{\"name\":\"x\",\"flag\":true,\"list\":[\"a\"]}");
	char changed[sizeof(text)];
	bool garbage;

	(void)state;
	for (size_t i = 0; i < sizeof(text) - 1; i++) {
		json_object_put(answer_bytes(text, i, &garbage));
		assert_true(garbage);
		for (unsigned int byte = 0; byte < 256; byte++) {
			memcpy(changed, text, sizeof(text));
			changed[i] = (char)byte;
			json_object_put(answer_bytes(changed, sizeof(text) - 1, &garbage));
		}
	}
}

static int setup(void **state)
{
	(void)state;
	return iov_open(&iov, NULL);
}

static int teardown(void **state)
{
	(void)state;
	iov_close(iov);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(result_carries_the_id_of_its_request),
		cmocka_unit_test(error_keeps_its_text),
		cmocka_unit_test(failure_carries_message_and_errno),
		cmocka_unit_test(notification_runs_without_an_answer),
		cmocka_unit_test(batch_is_answered_together),
		cmocka_unit_test(request_that_is_none_is_refused),
		cmocka_unit_test(parameters_are_checked_before_the_call),
		cmocka_unit_test(text_that_is_not_json_is_garbage),
		cmocka_unit_test(no_change_of_a_request_breaks_the_parser),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
