// SPDX-License-Identifier: GPL-2.0-or-later
/* Any text as a host file: read, or refused with a message that names a line. */
#include <errno.h>
#include <stdlib.h>

#include "host/file/file.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/test.h"

static struct iov *iov;
static unsigned int loaded, refused;

static void run(struct fuzz_input *input)
{
	size_t length = fuzz_left(input);
	char *text = malloc(length + !length);
	struct iov_host_file *file = NULL;
	int error;

	assert_non_null(text);
	memcpy(text, input->next, length);
	error = host_load_text(&file, iov, "host.yaml", text, length);
	if (error) {
		assert_int_equal(error, -EINVAL);
		assert_int_equal(strncmp(iov_error_message(iov), "host.yaml:", 10), 0);
		refused++;
		return;
	}
	assert_non_null(iov_host_of(file));
	iov_host_free(file);
	loaded++;
}

static void open_all(void)
{
	assert_return_code(iov_open(&iov, NULL), 0);
}

static void reached_everything(void)
{
	assert_true(loaded && refused);
}

const struct fuzz_target fuzz_target = {
	.open = open_all,
	.run = run,
	.done = reached_everything,
};
