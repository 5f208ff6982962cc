// SPDX-License-Identifier: GPL-2.0-or-later
/* iov metrics: counters of iovd for whoever collects them. */
#include <errno.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/rpc/rpc.h"
#include "cli/commands.h"
#include "cli/host_metrics.h"
#include "cli/output.h"

static int run(struct cli *cli, void *data)
{
	_cleanup_json_ struct json_object *text = NULL, *object = NULL;
	_cleanup_free_ char *all = NULL;
	int error = iov_rpc_call(cli->iov, "metrics", NULL, &text);

	(void)data;
	if (error)
		return error;
	all = host_metrics_add(cli->iov, json_object_get_string(text));
	if (!all)
		return -ENOMEM;
	if (!cli->json) {
		fputs(all, stdout);
		return 0;
	}
	object = json_object_new_object();
	json_add_text(object, "openmetrics", all);
	iov_output_json(stdout, object);
	return 0;
}

const struct cli_command cli_metrics = {
	.name = "metrics",
	.summary = "Counters of iovd as OpenMetrics text",
	.example = "iov metrics > /var/lib/prometheus/node-exporter/iovd.prom",
	.run = run,
};
