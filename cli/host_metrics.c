// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/host_metrics.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/plan/plan.h"

#define END "# EOF\n"

static void write_pending(FILE *file, struct iov *iov)
{
	_cleanup_json_ struct json_object *pending = NULL;
	bool awaits, begun;

	if (iov_plan_pending(iov, &pending))
		return;
	awaits = json_object_object_get_ex(pending, "left", NULL);
	/* One that has done all is in nobody's way. */
	begun = pending && !awaits &&
		!json_object_get_boolean(json_object_object_get(pending, "complete"));
	fprintf(file, "# TYPE iov_change_pending gauge\n"
		"# HELP iov_change_pending 1 while a change of the host is under way or was interrupted "
		"(begun), or is done and not confirmed (unconfirmed).\n"
		"iov_change_pending{state=\"begun\"} %d\n"
		"iov_change_pending{state=\"unconfirmed\"} %d\n", begun, awaits);
}

char *host_metrics_add(struct iov *iov, const char *text)
{
	const char *end = strstr(text, END);
	char *all = NULL;
	size_t size;
	FILE *file = open_memstream(&all, &size);

	if (!file)
		return NULL;
	fwrite(text, 1, end ? (size_t)(end - text) : strlen(text), file);
	write_pending(file, iov);
	fputs(END, file);
	if (!fclose(file))
		return all;
	free(all);
	return NULL;
}
