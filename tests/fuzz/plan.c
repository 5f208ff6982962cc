// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Any text as a plan or an operation of a journal: read, or refused with a message.  What
 * was read is written, read again and written again, the same.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/plan/plan_engine.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/test.h"

static struct iov *iov;
static unsigned int kinds[IOV_OP_KINDS], plans, malformed, unknown;

static void count_refusal(int error)
{
	assert_true(error == -EINVAL || error == -EOPNOTSUPP);
	assert_true(*iov_error_message(iov));
	malformed += error == -EINVAL;
	unknown += error == -EOPNOTSUPP;
}

static void same_json(struct json_object *first, struct json_object *second)
{
	assert_string_equal(json_object_to_json_string(first), json_object_to_json_string(second));
}

static void read_plan(struct json_object *json)
{
	_cleanup_json_ struct json_object *first = NULL, *second = NULL;
	struct iov_plan *plan, *again;
	int error = plan_from_json(&plan, iov, json);

	if (error) {
		count_refusal(error);
		return;
	}
	first = iov_plan_json(plan);
	assert_int_equal(plan_from_json(&again, iov, first), 0);
	second = iov_plan_json(again);
	same_json(first, second);
	iov_plan_free(plan);
	iov_plan_free(again);
	plans++;
}

static void read_op(struct json_object *json)
{
	_cleanup_json_ struct json_object *first = NULL, *second = NULL;
	struct iov_op *op, *again;
	char text[256];
	int error = iov_op_from_json(&op, iov, json);

	if (error) {
		count_refusal(error);
		return;
	}
	iov_op_describe(op, text, sizeof(text));
	if (op->unless)
		iov_condition_describe(op->unless, text, sizeof(text));
	kinds[op->kind]++;
	first = iov_op_json(op);
	assert_int_equal(iov_op_from_json(&again, iov, first), 0);
	second = iov_op_json(again);
	same_json(first, second);
	iov_op_free(op);
	iov_op_free(again);
}

static void run(struct fuzz_input *input)
{
	size_t length = fuzz_left(input);
	char *text = calloc(length + 1, 1);
	struct json_object *json;

	assert_non_null(text);
	memcpy(text, input->next, length);
	json = json_tokener_parse(text);
	free(text);
	if (json_object_object_get_ex(json, "steps", NULL))
		read_plan(json);
	else
		read_op(json);
	json_object_put(json);
}

static void open_all(void)
{
	assert_return_code(iov_open(&iov, NULL), 0);
}

static void reached_everything(void)
{
	for (int i = 0; i < IOV_OP_KINDS; i++)
		assert_true(kinds[i]);
	assert_true(plans && malformed && unknown);
}

const struct fuzz_target fuzz_target = {
	.open = open_all,
	.run = run,
	.done = reached_everything,
};
