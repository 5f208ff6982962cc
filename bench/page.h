/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A page with tables and charts drawn as SVG.  It needs nothing but itself: nothing is loaded
 * from anywhere.
 */
#ifndef IOV_BENCH_PAGE_H
#define IOV_BENCH_PAGE_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/iov.h"

/**
 * struct page - a file for a page
 * @path: its name; borrowed
 * @file: the file; NULL for none
 * @is_new: it was not there before
 */
struct page {
	const char *path;
	FILE *file;
	bool is_new;
};

/**
 * page_open - see that a page can be written
 * @page: overwritten; ended with page_close() unless this fails
 * @iov: context for messages
 * @path: file, which stays as it is until page_begin()
 *
 * Return: 0 or -errno with a message.
 */
int page_open(struct page *page, struct iov *iov, const char *path);

/**
 * page_begin - overwrite the file with the beginning of a page
 * @page: opened
 * @title: of the page
 * @results: what was measured, "load", and that it was not measured to the end, are shown
 */
void page_begin(const struct page *page, const char *title, struct json_object *results);

/* Text of users, such as names of sides and paths. */
void page_text(const struct page *page, const char *text);

/**
 * page_bars - a bar for each side
 * @page: begun
 * @sides: array of objects with a member "side"
 * @key: member with the length; the chart is left out when none has any
 * @title: of the chart
 */
void page_bars(const struct page *page, struct json_object *sides, const char *key,
	       const char *title);

/**
 * page_turns - the rate of each turn, as a line for each side
 * @page: begun
 * @sides: array of objects with a member "turns"
 * @unit: of the rates
 */
void page_turns(const struct page *page, struct json_object *sides, const char *unit);

/**
 * page_latency - a row of a table of latencies, whose heading comes with the first one
 * @page: begun
 * @rows: how many there were, which is counted
 * @side: an object with a member "side"
 * @what: behind its name; "" for nothing
 * @times: microseconds by percentile
 */
void page_latency(const struct page *page, unsigned int *rows, struct json_object *side,
		  const char *what, struct json_object *times);

/* The end of that table, if there is one. */
void page_latency_end(const struct page *page, unsigned int rows);

/**
 * page_end - the command, the environment, all figures, and the end of the page
 * @page: begun
 * @results: results
 */
void page_end(const struct page *page, struct json_object *results);

/**
 * page_close - close the file; one that was not there before and has no page goes away
 * @page: opened
 * @iov: context for messages
 *
 * Return: 0, or -EIO with a message when the page could not be written.
 */
int page_close(struct page *page, struct iov *iov);

#endif
