/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Results as a file: what a load has in common with all others, so that it can be looked at and
 * compared later.
 *
 *	format		"iov-bench"
 *	version		of the format
 *	kind		"net", "blk", "guest": the command that measured
 *	figure		member of a side that is the median of its turns: "mpps"
 *	unit		what that counts: "million frames"
 *	complete	all turns were taken
 *	time		when it began, ISO 8601
 *	command		what repeats it, an array of words
 *	environment	of bench_environment()
 *	load, sides	of the command's own; a side has "side" and "turns", maybe "turn_latency_us", and
 *			a "unit" where that is another one
 */
#ifndef IOV_BENCH_RESULT_H
#define IOV_BENCH_RESULT_H

#include <json-c/json.h>

#include "base/iov.h"

#define BENCH_FORMAT "iov-bench"
#define BENCH_VERSION 1

/**
 * bench_result_read - read a file of results
 * @out: receives the results, which bench_compare() may rely on; for the caller to put
 * @iov: context for messages
 * @path: file, or "-" for standard input
 *
 * Return: 0; -EINVAL with a message for what is no such file, another version or damaged;
 * or -errno with a message.
 */
int bench_result_read(struct json_object **out, struct iov *iov, const char *path);

#endif
