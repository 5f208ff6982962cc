// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/host_text.h"

#include <errno.h>
#include <string.h>

#include "plugins/plugins.h"
#include "tests/unit/test.h"
#include "tests/unit/tree.h"

char *tree;
struct iov *iov;
struct iov_host_file *file;

int host_text_setup(void **state)
{
	(void)state;
	tree = tree_new();
	iov = tree_open(tree);
	file = NULL;
	return iov_plugins_register(iov);
}

int host_text_teardown(void **state)
{
	(void)state;
	iov_host_free(file);
	iov_close(iov);
	tree_remove(tree);
	return 0;
}

int load(const char *text)
{
	iov_host_free(file);
	file = NULL;
	return host_load_text(&file, iov, "host.yaml", strdup(text), strlen(text));
}

const struct iov_host *loaded(const char *text)
{
	if (load(text))
		fail_msg("%s", iov_error_message(iov));
	return iov_host_of(file);
}

void assert_refused(const struct refusal *refusals, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (load(refusals[i].text) != -EINVAL)
			fail_msg("not refused: %s", refusals[i].text);
		assert_string_equal(iov_error_message(iov), refusals[i].message);
	}
}
