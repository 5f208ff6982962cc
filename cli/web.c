// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * iov web: the host and iovd as a page.
 *
 * This process looks at both and serves nobody; one of its own, without privileges, serves and looks at
 * nothing (cli/web/process.h).  How often is looked does not depend on how many look at the page.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/rpc/rpc.h"
#include "base/sysroot/paths.h"
#include "cli/commands.h"
#include "cli/host_metrics.h"
#include "cli/output.h"
#include "cli/signals.h"
#include "cli/web/process.h"
#include "cli/web_collect.h"
#include "vhost-user/socket/listener.h"
#include "vhost-user/socket/loopback.h"

/* The map and the checks read much of the host. */
#define HOST_PAUSE_MS 10000
#define BACKLOG 32

enum { KEY_LISTEN = 'l', KEY_TOKEN = 't', KEY_ALLOW = 'a', KEY_INTERVAL = 'i' };

struct web_args {
	const char *listen;
	const char *token;
	const char *allowed[WEB_USERS_MAX];
	size_t allowed_count;
	double interval;
};

static const struct argp_option options[] = {
	{ "listen", KEY_LISTEN, "PATH|[HOST:]PORT", 0,
	  "Serve at this Unix socket, or at this port on loopback (" IOV_WEB_SOCKET ")" },
	{ "token", KEY_TOKEN, "FILE", 0, "Ask for the token in this file; a port takes one" },
	{ "allow", KEY_ALLOW, "USER", 0,
	  "Let this user connect to the Unix socket, besides root and who runs this; may be repeated" },
	{ "interval", KEY_INTERVAL, "SECONDS", 0, "Time between two looks at iovd, 0.5 to 10 (2)" },
	{ 0 },
};

static void check(const struct web_args *args, const struct argp_state *state)
{
	const bool is_path = *args->listen == '/';

	if (!is_path && !loopback_is_place(args->listen))
		cli_misuse(state, "--listen %s: expected the full path of a socket, or a port on loopback such as "
			   "127.0.0.1:9180; from elsewhere one comes by ssh", args->listen);
	if (!is_path && !args->token)
		cli_misuse(state, "--listen %s: all users of this host can connect to a port; expected "
			   "--token FILE as well, or the full path of a socket", args->listen);
	if (!is_path && args->allowed_count)
		cli_misuse(state, "--allow: who connects is known at a Unix socket alone; expected "
			   "--listen PATH");
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct web_args *args = cli_data(state);
	char *end;

	switch (key) {
	case ARGP_KEY_INIT:
		args->listen = IOV_WEB_SOCKET;
		args->interval = 2;
		return 0;
	case KEY_LISTEN:
		args->listen = arg;
		return 0;
	case KEY_TOKEN:
		args->token = arg;
		return 0;
	case KEY_ALLOW:
		if (args->allowed_count == WEB_USERS_MAX - 1)
			cli_misuse(state, "--allow: %d users are the most", WEB_USERS_MAX - 1);
		args->allowed[args->allowed_count++] = arg;
		return 0;
	case KEY_INTERVAL:
		args->interval = strtod(arg, &end);
		if (end == arg || *end || !(args->interval >= 0.5) || args->interval > 10)
			cli_misuse(state, "--interval %s: expected seconds from 0.5 to 10", arg);
		return 0;
	case ARGP_KEY_END:
		check(args, state);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static int fill_access(struct web_access *access, struct iov *iov, const struct web_args *args)
{
	int error = args->token ? web_access_read_token(access, iov, args->token) : 0;

	access->users[access->user_count++] = getuid();
	for (size_t i = 0; !error && i < args->allowed_count; i++)
		error = web_access_add_user(access, iov, args->allowed[i]);
	return error;
}

/* Who connects is judged for each request, so the socket itself keeps nobody out that may. */
static int listen_unix(struct listener *listener, struct iov *iov, const struct web_args *args)
{
	const struct socket_access access = SOCKET_ACCESS(args->allowed_count ? 0666 : 0600);
	int error = listener_address(listener, iov, args->listen);

	if (!error && !strcmp(args->listen, IOV_WEB_SOCKET))
		mkdir("/" IOV_PATH_RUN, 0755);
	if (!error)
		error = listener_open(listener, iov, &access, "--listen");
	if (error == -EACCES)
		return iov_told(iov, error, "%s: cannot listen there: %s; run it with sudo, or name another path with "
				"--listen", args->listen, strerror(EACCES));
	return error;
}

static int put_json(struct web_process *process, enum web_document document, struct json_object *object)
{
	_cleanup_free_ char *text =
		iov_output_json_text(object, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
	int error = text ? web_process_put(process, document, text) : -ENOMEM;

	json_object_put(object);
	return error;
}

static int put_metrics(struct web_process *process, struct iov *iov)
{
	_cleanup_json_ struct json_object *text = NULL;
	_cleanup_free_ char *all = NULL;

	/* Old counters would pass for those of now. */
	if (iov_rpc_call(iov, "metrics", NULL, &text))
		return web_process_put(process, WEB_METRICS, "");
	all = host_metrics_add(iov, json_object_get_string(text));
	return web_process_put(process, WEB_METRICS, all ? all : "");
}

static int look(struct web_process *process, struct web_collector *collector)
{
	int error = put_json(process, WEB_LIVE, web_collect_live(collector));

	if (!error)
		error = put_metrics(process, collector->cli->iov);
	if (!error && web_collect_point(collector))
		error = put_json(process, WEB_HISTORY, web_collect_history(collector));
	return error;
}

static int work(struct web_process *process, struct web_collector *collector)
{
	const volatile sig_atomic_t *ended = cli_note_signals();
	const uint64_t interval = (uint64_t)(collector->interval * 1000);
	uint64_t next = monotonic_ms(), next_host = next;
	bool wanted[WEB_DOCUMENTS] = { [WEB_HOST] = true };
	int error = put_json(process, WEB_HISTORY, web_collect_history(collector));

	while (!error && !*ended) {
		uint64_t now = monotonic_ms();

		if (now >= next) {
			error = look(process, collector);
			next = monotonic_ms() > next + interval ? monotonic_ms() : next + interval;
		} else if (wanted[WEB_HOST] && now >= next_host) {
			error = put_json(process, WEB_HOST, web_collect_host(collector));
			wanted[WEB_HOST] = false;
			next_host = monotonic_ms() + HOST_PAUSE_MS;
		} else {
			error = web_process_wait(process, (int)(next - now), wanted);
		}
	}
	return *ended ? 0 : error;
}

/* A browser reaches a socket by way of ssh, curl as it is. */
static void tell_place(const struct cli *cli, const char *listen)
{
	_cleanup_json_ struct json_object *place = NULL;
	char url[64] = "";

	if (*listen != '/')
		snprintf(url, sizeof(url), "http://%s%s/", strchr(listen, ':') ? "" : "localhost:", listen);
	iov_log(cli->iov, LOG_NOTICE, "web: the page is at %s", *url ? url : listen);
	if (!cli->json)
		return;
	place = json_object_new_object();
	json_add_text(place, "listen", listen);
	json_add_text(place, "url", *url ? url : NULL);
	iov_output_json(stdout, place);
	fflush(stdout);
}

static int serve(struct cli *cli, const struct web_args *args, const struct web_access *access, int fd)
{
	struct web_collector collector;
	struct web_process process;
	int error = web_process_start(&process, cli->iov, access, fd);

	if (error)
		return error;
	web_collector_open(&collector, cli, args->interval);
	tell_place(cli, args->listen);
	error = work(&process, &collector);
	if (error == -EPIPE)
		error = iov_told(cli->iov, error, "web: the server of the page ended");
	web_collector_close(&collector);
	web_process_end(&process);
	return error;
}

static int run(struct cli *cli, void *data)
{
	const struct web_args *args = data;
	struct listener listener = { .fd = -1 };
	struct web_access access = { 0 };
	int error = fill_access(&access, cli->iov, args), fd = -1;

	if (!error && *args->listen == '/') {
		error = listen_unix(&listener, cli->iov, args);
		fd = listener.fd;
	} else if (!error) {
		error = loopback_listen(cli->iov, "--listen", args->listen, BACKLOG, &fd);
	}
	if (!error)
		error = serve(cli, args, &access, fd);
	explicit_bzero(&access, sizeof(access));
	if (fd >= 0 && fd != listener.fd)
		close(fd);
	listener_close(&listener);
	return error;
}

const struct cli_command cli_web = {
	.name = "web",
	.summary = "Show the host and iovd as a live page",
	.example = "iov web --allow alice\n"
		   "  iov web --listen 9180 --token /etc/iovkit/web.token",
	.options = options,
	.parse = parse,
	.data_size = sizeof(struct web_args),
	.run = run,
};
