/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where results come from, as all files of results say it (bench/result.h), and how they are kept. */
#ifndef IOV_CLI_BENCH_ORIGIN_H
#define IOV_CLI_BENCH_ORIGIN_H

#include <json-c/json.h>
#include <stdbool.h>

#include "base/iov.h"
#include "base/utc.h"

/**
 * struct bench_origin - what results say of where they come from
 * @iov: context
 * @output: file of --output; NULL for none
 * @kind: the command: "net"
 * @figure: member of a side that its turns are turns of: "mpps"
 * @unit: of it: "million frames a second"
 * @time: when it began
 * @command: words that repeat it
 * @environment: of bench_environment()
 */
struct bench_origin {
	struct iov *iov;
	const char *output;
	const char *kind;
	const char *figure;
	const char *unit;
	char time[UTC_TEXT_SIZE];
	struct json_object *command;
	struct json_object *environment;
};

/*
 * What can be known before anything is measured; @cpu is that of the generator, -1 for any.  The caller
 * sets @kind, @figure and @unit, and ends it.
 */
void bench_origin_begin(struct bench_origin *origin, struct iov *iov, int cpu, const char *output);

void bench_origin_end(struct bench_origin *origin);

/* Add what all results have. */
void bench_origin_add(const struct bench_origin *origin, struct json_object *results, bool complete);

/* What there is so far, which is all there is when we are killed: write it to the file, and put it. */
void bench_origin_keep(void *origin, struct json_object *results);

/* The same for the end, which tells of a full disk.  0 or -errno with a message. */
int bench_origin_keep_all(const struct bench_origin *origin, struct json_object *results);

#endif
