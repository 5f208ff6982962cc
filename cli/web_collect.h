/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the live page shows, as JSON: docs of iov-web(1) say what is in them. */
#ifndef IOV_CLI_WEB_COLLECT_H
#define IOV_CLI_WEB_COLLECT_H

#include "cli/top.h"
#include "cli/cli.h"

/* Seconds between two points of the history, and how many there are: a quarter of an hour. */
#define WEB_STEP 10
#define WEB_POINTS 90

/**
 * struct web_collector - what was seen so far
 * @cli: of the command
 * @interval: seconds between two looks
 * @before: the last look
 * @point: the look at the last point of the history
 * @history: points, the oldest first
 * @error: what iovd failed with at the last look, which is logged once
 */
struct web_collector {
	struct cli *cli;
	double interval;
	struct top_sample before;
	struct top_sample point;
	struct json_object *history;
	int error;
};

void web_collector_open(struct web_collector *collector, struct cli *cli, double interval);
void web_collector_close(struct web_collector *collector);

/*
 * Look at iovd: what there is and how it changed since the last look.  The caller puts it; where iovd
 * does not answer its member "error" says why.
 */
struct json_object *web_collect_live(struct web_collector *collector);

/* Whether the last look made a point; the history, which the caller puts. */
bool web_collect_point(struct web_collector *collector);
struct json_object *web_collect_history(const struct web_collector *collector);

/* The map and the checks of the host; the caller puts it. */
struct json_object *web_collect_host(struct web_collector *collector);

#endif
