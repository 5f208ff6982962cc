// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/web_collect.h"

#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/plan/plan.h"
#include "base/rpc/rpc.h"
#include "base/sysroot/sysroot.h"
#include "cli/map.h"
#include "host/check/check.h"

#define MEMBER(object, key) json_object_object_get(object, key)

void web_collector_open(struct web_collector *collector, struct cli *cli, double interval)
{
	*collector = (struct web_collector){ .cli = cli, .interval = interval,
					     .history = json_object_new_array() };
}

void web_collector_close(struct web_collector *collector)
{
	top_release(&collector->before);
	top_release(&collector->point);
	json_object_put(collector->history);
}

/* Lists beside what "iov top" shows. */
static int add_lists(struct iov *iov, struct json_object *live)
{
	static const struct {
		const char *method;
		const char *as;
	} lists[] = { { "port.list", "ports" }, { "bridge.list", "bridges" }, { "qos.list", "qos" } };

	for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++) {
		struct json_object *list = NULL;
		int error = iov_rpc_call(iov, lists[i].method, NULL, &list);

		if (error)
			return error;
		json_object_object_add(live, lists[i].as, list);
	}
	return 0;
}

/* A change of the host that is under way, or was left behind. */
static void add_pending(struct iov *iov, struct json_object *live)
{
	struct json_object *pending = NULL;

	if (!iov_plan_pending(iov, &pending) && pending)
		json_object_object_del(pending, "steps");
	json_object_object_add(live, "pending", pending);
}

/* Said once, and once more when it is over. */
static void log_change(struct web_collector *collector, int error)
{
	struct iov *iov = collector->cli->iov;

	if (error && !collector->error)
		iov_log(iov, LOG_WARNING, "web: %s", iov_error_message(iov));
	else if (!error && collector->error)
		iov_log(iov, LOG_NOTICE, "web: iovd answers again");
	collector->error = error;
}

static void add_sample(struct json_object *live, const struct top_sample *now,
		       const struct top_sample *before)
{
	json_object_object_add(live, "iovd", json_object_get(now->daemon));
	json_object_object_add(live, "port_stats", json_object_get(now->ports));
	json_object_object_add(live, "disks", json_object_get(now->disks));
	json_object_object_add(live, "disk_stats", json_object_get(now->requests));
	json_object_object_add(live, "rates", before->daemon ? top_difference(now, before) : NULL);
}

struct json_object *web_collect_live(struct web_collector *collector)
{
	struct iov *iov = collector->cli->iov;
	struct json_object *live = json_object_new_object();
	struct top_sample now = { 0 };
	char name[256] = "";
	int error = top_take(iov, &now);

	gethostname(name, sizeof(name) - 1);
	json_object_object_add(live, "time", json_object_new_int64(time(NULL)));
	json_object_object_add(live, "interval", json_object_new_double(collector->interval));
	json_add_text(live, "host", iov_sys_is_host(iov) ? name : "a recorded host");
	add_pending(iov, live);
	if (!error)
		error = add_lists(iov, live);
	json_add_text(live, "error", error ? iov_error_message(iov) : NULL);
	log_change(collector, error);
	if (error)
		top_release(&now);
	else
		add_sample(live, &now, &collector->before);
	top_release(&collector->before);
	collector->before = now;
	return live;
}

static double number(struct json_object *object, const char *key)
{
	return json_object_get_double(MEMBER(object, key));
}

static double sum_of(struct json_object *numbers)
{
	double sum = 0;

	json_object_object_foreach(numbers, key, value) {
		(void)key;
		sum += json_object_get_double(value);
	}
	return sum;
}

/* Members of each row of @rows by its name, as numbers in that order. */
static struct json_object *shortened(struct json_object *rows, const char *name,
				     const char *const *keys)
{
	struct json_object *by_name = json_object_new_object();

	for (size_t i = 0; rows && i < json_object_array_length(rows); i++) {
		struct json_object *row = json_object_array_get_idx(rows, i);
		struct json_object *numbers = json_object_new_array();

		for (size_t key = 0; keys[key]; key++) {
			struct json_object *value = MEMBER(row, keys[key]);
			double one = json_object_is_type(value, json_type_object)
					? sum_of(value) : number(row, keys[key]);

			json_object_array_add(numbers, json_object_new_int64((int64_t)(one + 0.5)));
		}
		json_object_object_add(by_name, json_text(row, name), numbers);
	}
	return by_name;
}

static struct json_object *make_point(struct json_object *rates)
{
	static const char *const of_ports[] = { "rx_bps", "tx_bps", "rx_pps", "tx_pps", "drops", NULL };
	static const char *const of_disks[] = { "iops", "read_bytes", "write_bytes", "p99_us", NULL };
	static const char *const of_workers[] = { "load_percent", NULL };
	struct json_object *point = json_object_new_object();

	json_object_object_add(point, "time", json_object_new_int64(time(NULL)));
	json_object_object_add(point, "ports", shortened(MEMBER(rates, "ports"), "port", of_ports));
	json_object_object_add(point, "disks", shortened(MEMBER(rates, "disks"), "disk", of_disks));
	json_object_object_add(point, "workers",
			       shortened(MEMBER(rates, "workers"), "cpu", of_workers));
	return point;
}

static struct top_sample shared(const struct top_sample *sample)
{
	return (struct top_sample){
		.ports = json_object_get(sample->ports),
		.daemon = json_object_get(sample->daemon),
		.disks = json_object_get(sample->disks),
		.requests = json_object_get(sample->requests),
		.seconds = sample->seconds,
	};
}

bool web_collect_point(struct web_collector *collector)
{
	const struct top_sample *now = &collector->before;
	_cleanup_json_ struct json_object *rates = NULL;

	/* Without iovd the history has a gap. */
	if (!now->daemon) {
		top_release(&collector->point);
		return false;
	}
	/* Looks are some milliseconds late. */
	if (collector->point.daemon && now->seconds - collector->point.seconds < WEB_STEP - 0.1)
		return false;
	if (collector->point.daemon) {
		rates = top_difference(now, &collector->point);
		json_object_array_add(collector->history, make_point(rates));
		if (json_object_array_length(collector->history) > WEB_POINTS)
			json_object_array_del_idx(collector->history, 0, 1);
	}
	top_release(&collector->point);
	collector->point = shared(now);
	return true;
}

struct json_object *web_collect_history(const struct web_collector *collector)
{
	struct json_object *history = json_object_new_object();

	json_object_object_add(history, "time", json_object_new_int64(time(NULL)));
	json_object_object_add(history, "step", json_object_new_int(WEB_STEP));
	json_object_object_add(history, "most", json_object_new_int(WEB_POINTS));
	json_object_object_add(history, "points", json_object_get(collector->history));
	return history;
}

struct json_object *web_collect_host(struct web_collector *collector)
{
	const struct iov_check_options options = { 0 };
	struct iov *iov = collector->cli->iov;
	struct json_object *host = json_object_new_object(), *map = NULL, *checks = NULL;
	int error = map_build(collector->cli, &map);

	json_object_object_add(host, "time", json_object_new_int64(time(NULL)));
	json_object_object_add(host, "map", error ? NULL : map);
	json_add_text(host, "map_error", error ? iov_error_message(iov) : NULL);
	error = iov_check_host(iov, &options, &checks);
	json_object_object_add(host, "checks", error ? NULL : checks);
	json_add_text(host, "checks_error", error ? iov_error_message(iov) : NULL);
	return host;
}
