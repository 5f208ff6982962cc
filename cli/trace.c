// SPDX-License-Identifier: GPL-2.0-or-later
/* iov port trace, iov disk trace: the messages between a front end and iovd. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/rpc/rpc.h"
#include "cli/argument.h"
#include "cli/capture.h"
#include "cli/commands.h"
#include "cli/disk.h"
#include "cli/new_file.h"
#include "cli/output.h"
#include "cli/port.h"
#include "cli/printable.h"
#include "cli/signals.h"

/* Longest wait for a message in one go. */
#define LOOK_MS 500

struct trace_args {
	const char *name;
	const char *output;
	double seconds;
	uint64_t count;
};

enum {
	KEY_OUTPUT = 0x2000,
	KEY_SECONDS,
	KEY_COUNT,
};

static const struct argp_option options[] = {
	{ "output", KEY_OUTPUT, "FILE", 0, "Write a capture for Wireshark, - for standard output", 0 },
	{ "seconds", KEY_SECONDS, "S", 0, "End after so long, from 0.1", 0 },
	{ "count", KEY_COUNT, "N", 0, "End after so many messages and events", 0 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state, const char *missing)
{
	struct trace_args *args = cli_data(state);

	switch (key) {
	case KEY_OUTPUT:
		args->output = arg;
		return 0;
	case KEY_SECONDS:
		args->seconds = cli_number(arg, "seconds", 0.1, 86400 * 365.0, state);
		return 0;
	case KEY_COUNT:
		args->count = cli_whole_number(arg, "count", 1, 1000000000000000, state);
		return 0;
	case ARGP_KEY_END:
		if (args->output && ((struct cli *)state->input)->json)
			cli_misuse(state, "--json prints messages and --output writes a capture; leave "
				   "one of them out");
		if (args->output && !strcmp(args->output, "-") && isatty(STDOUT_FILENO))
			cli_misuse(state, "--output -: a capture is nothing for a terminal; say "
				   "'| wireshark -k -i -' behind it, or name a file");
		break;
	}
	return cli_argument(key, arg, state, &args->name, missing);
}

static error_t parse_port(int key, char *arg, struct argp_state *state)
{
	return parse(key, arg, state, CLI_EXPECTED_PORT);
}

static error_t parse_disk(int key, char *arg, struct argp_state *state)
{
	return parse(key, arg, state, CLI_EXPECTED_DISK);
}

/**
 * struct output - where messages go
 * @json: as JSON, one a line
 * @capture: as a capture; NULL for lines
 * @error: a positive errno value that writing gave; 0 for none
 * @messages: those that came
 * @dropped: those that did not
 */
struct output {
	bool json;
	FILE *capture;
	int error;
	uint64_t messages;
	uint64_t dropped;
};

static uint64_t number_of(struct json_object *message, const char *key)
{
	return json_object_get_uint64(json_object_object_get(message, key));
}

static void add_values(FILE *words, struct json_object *value);

static void add_members(FILE *words, struct json_object *object)
{
	const char *space = "";

	json_object_object_foreach(object, key, value) {
		fprintf(words, "%s%s=", space, key);
		add_values(words, value);
		space = " ";
	}
}

/* "0x40", "mq,reply-ack", "[gpa=0x0 size=0x1000]" */
static void add_values(FILE *words, struct json_object *value)
{
	if (json_object_is_type(value, json_type_object)) {
		fputc('[', words);
		add_members(words, value);
		fputc(']', words);
	} else if (json_object_is_type(value, json_type_array)) {
		for (size_t i = 0; i < json_object_array_length(value); i++) {
			fputs(i ? "," : "", words);
			add_values(words, json_object_array_get_idx(value, i));
		}
	} else {
		fputs(json_object_get_string(value), words);
	}
}

static void add_event(FILE *words, struct json_object *message)
{
	const char *reason = json_text_or_null(message, "reason");
	const char *text = json_text_or_null(message, "text");

	fprintf(words, "%s%s%s%s", json_text(message, "event"), reason ? " (" : "",
		reason ? reason : "", reason ? ")" : "");
	if (text)
		fprintf(words, ": %s", text);
}

static void add_message(FILE *words, struct json_object *message)
{
	struct json_object *payload = json_object_object_get(message, "payload");
	const char *request = json_text_or_null(message, "request");
	uint64_t size = number_of(message, "size"), fds = number_of(message, "fds");

	fprintf(words, "%s: %s", !strcmp(json_text(message, "from"), "front-end") ? "front end"
		: "back end", !strcmp(json_text(message, "kind"), "reply") ? "reply to " : "");
	if (request)
		fputs(request, words);
	else
		fprintf(words, "request %" PRIu64, number_of(message, "code"));
	if (payload) {
		fputc(' ', words);
		add_members(words, payload);
	}
	fprintf(words, " (%" PRIu64 " byte%s, flags %s", size, size == 1 ? "" : "s",
		json_text(message, "flags"));
	if (fds)
		fprintf(words, ", %" PRIu64 " fd%s", fds, fds == 1 ? "" : "s");
	if (json_object_get_boolean(json_object_object_get(message, "need_reply")))
		fputs(", wants a reply", words);
	fprintf(words, "%s)", !strcmp(json_text(message, "channel"), "back-end")
		? ", at the back end's socket" : "");
}

/* One line about a message, which the caller frees; NULL without memory. */
static char *words_of(struct json_object *message)
{
	char *text = NULL;
	size_t length;
	FILE *words = open_memstream(&text, &length);

	if (!words)
		return NULL;
	if (!strcmp(json_text(message, "kind"), "event"))
		add_event(words, message);
	else
		add_message(words, message);
	if (!fclose(words))
		return text;
	free(text);
	return NULL;
}

static void print_line(struct json_object *message, const char *words)
{
	uint64_t time_ns = number_of(message, "time_ns"), dropped = number_of(message, "dropped");
	time_t seconds = (time_t)(time_ns / 1000000000);
	char text[sizeof("00:00:00")];
	struct tm tm;

	if (dropped)
		printf("(%" PRIu64 " left out, as they came too fast)\n", dropped);
	strftime(text, sizeof(text), "%H:%M:%S", localtime_r(&seconds, &tm));
	cli_print(stdout, "%s.%06" PRIu64 " %s\n", text, time_ns % 1000000000 / 1000, words);
}

static void add_packet(FILE *capture, struct json_object *message, const char *words)
{
	const char *from = json_text_or_null(message, "from");
	struct capture_packet packet = {
		.time_ns = number_of(message, "time_ns"),
		.text = words,
		.dropped = number_of(message, "dropped"),
	};
	char lost[80];
	const struct capture_packet gap = { .time_ns = packet.time_ns, .text = lost };

	if (from)
		packet.direction = !strcmp(from, "front-end") ? CAPTURE_INBOUND : CAPTURE_OUTBOUND;
	snprintf(lost, sizeof(lost), "%" PRIu64 " messages left out, as they came too fast",
		 packet.dropped);
	if (packet.dropped)
		capture_add(capture, &gap);
	capture_add(capture, &packet);
}

/* Whether more can be written. */
static bool put_message(struct output *output, struct json_object *message)
{
	FILE *stream = output->capture ? output->capture : stdout;
	_cleanup_free_ char *words = !output->json ? words_of(message) :
		iov_output_json_text(message, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);

	output->messages++;
	output->dropped += number_of(message, "dropped");
	if (words && output->json)
		puts(words);
	else if (words && output->capture)
		add_packet(output->capture, message, words);
	else if (words)
		print_line(message, words);
	/* Whoever looks at it does so while it is written. */
	errno = EIO;
	if (fflush(stream) || ferror(stream))
		output->error = errno;
	return !output->error;
}

/* How long to wait before the signals are looked at again. */
static int wait_ms(uint64_t until)
{
	uint64_t now = monotonic_ms();

	return until <= now ? 0 : until - now > LOOK_MS ? LOOK_MS : (int)(until - now);
}

static int follow(struct iov_rpc_stream *stream, const struct trace_args *args, struct output *output)
{
	const volatile sig_atomic_t *stop = cli_note_signals();
	uint64_t until = args->seconds > 0 ? monotonic_ms() + (uint64_t)(args->seconds * 1000)
					   : UINT64_MAX;
	bool goes_on = true;

	while (goes_on && !*stop && monotonic_ms() < until) {
		_cleanup_json_ struct json_object *message = NULL;
		int result = iov_rpc_stream_next(stream, wait_ms(until), &message);

		if (result < 0)
			return result;
		if (result)
			goes_on = put_message(output, message) &&
				  strcmp(json_text(message, "event"), "removed") &&
				  (!args->count || output->messages < args->count);
	}
	return 0;
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static int trace(struct iov_rpc_stream *stream, const struct trace_args *args, struct output *output)
{
	int error;

	if (output->capture)
		capture_begin(output->capture, args->name);
	if (output->capture)
		fflush(output->capture);
	error = follow(stream, args, output);
	if (!output->capture)
		return error;
	if (!output->error)
		capture_end(output->capture, now_ns(), output->messages + output->dropped, output->dropped);
	fprintf(stderr, "%" PRIu64 " message%s and events written, %" PRIu64 " left out\n", output->messages,
		output->messages == 1 ? "" : "s", output->dropped);
	return error;
}

/* What came before iovd went away, or the disk was full, is kept. */
static int trace_to_file(struct iov *iov, struct iov_rpc_stream *stream, const struct trace_args *args,
			 struct output *output)
{
	struct new_file file;
	int error = new_file_open(&file, iov, args->output, 0600);

	if (error)
		return error;
	output->capture = file.stream;
	error = trace(stream, args, output);
	errno = EIO;
	if (fclose(file.stream) && !output->error)
		output->error = errno;
	return error;
}

/* Who reads a pipe may go at any time. */
static int tell_written(struct iov *iov, const struct trace_args *args, const struct output *output)
{
	const char *where = args->output ? args->output : "standard output";

	if (!output->error || output->error == EPIPE)
		return 0;
	return iov_told(iov, -output->error, "%s: %s; what was written before is there",
			strcmp(where, "-") ? where : "standard output", strerror(output->error));
}

static int run(struct cli *cli, const struct trace_args *args, const char *method)
{
	struct output output = { .json = cli->json };
	struct iov_rpc_stream *stream;
	struct json_object *port = NULL;
	int error = iov_rpc_follow(&stream, cli->iov, method, cli_name_params(args->name), &port);

	if (error)
		return error;
	json_object_put(port);
	if (args->output && strcmp(args->output, "-")) {
		error = trace_to_file(cli->iov, stream, args, &output);
	} else {
		output.capture = args->output ? stdout : NULL;
		error = trace(stream, args, &output);
	}
	iov_rpc_stream_close(stream);
	return error ? error : tell_written(cli->iov, args, &output);
}

static int run_port(struct cli *cli, void *data)
{
	return run(cli, data, "port.trace");
}

static int run_disk(struct cli *cli, void *data)
{
	return run(cli, data, "disk.trace");
}

const struct cli_command cli_port_trace = {
	.name = "port trace",
	.args = "NAME",
	.summary = "Messages between a front end and iovd, or a capture of them",
	.example = "iov port trace vm1 --seconds 10\n"
		   "  iov port trace vm1 --output vm1.pcapng\n"
		   "  iov port trace vm1 --output - | wireshark -k -i -",
	.options = options,
	.parse = parse_port,
	.data_size = sizeof(struct trace_args),
	.run = run_port,
};

const struct cli_command cli_disk_trace = {
	.name = "disk trace",
	.args = "NAME",
	.summary = "Messages between a front end and iovd, or a capture of them",
	.example = "iov disk trace root --output root.pcapng",
	.options = options,
	.parse = parse_disk,
	.data_size = sizeof(struct trace_args),
	.run = run_disk,
};
