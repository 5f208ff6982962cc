// SPDX-License-Identifier: GPL-2.0-or-later
/* iov record: what iovkit reads of a host, in one file that iov --root looks at. */
#include "cli/record.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/sysroot/sysroot.h"
#include "cli/argument.h"
#include "cli/commands.h"
#include "cli/new_file.h"
#include "cli/output.h"

enum { KEY_IDENTITIES = 'i' };

struct record_args {
	const char *path;
	bool identities;
};

static const struct argp_option options[] = {
	{ "with-identities", KEY_IDENTITIES, 0, 0,
	  "Keep serial numbers, MAC and IP addresses, UUIDs and names of host and guests" },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct record_args *args = cli_data(state);

	if (key != KEY_IDENTITIES)
		return cli_argument(key, arg, state, &args->path,
				    "expected a FILE to record to, or - for standard output");
	args->identities = true;
	return 0;
}

/* What the host is called, where that is known */
static void read_host(struct iov *iov, char *host, size_t size)
{
	host[0] = '\0';
	if (iov_sys_is_host(iov) && !gethostname(host, size))
		host[size - 1] = '\0';
}

static int write_entries(struct iov *iov, FILE *file, const struct record_args *args, const char *entries,
			 struct record_size *size)
{
	struct record_names *names = NULL;
	char host[65];
	int error;

	read_host(iov, host, sizeof(host));
	if (!args->identities) {
		names = record_names_new(host);
		if (!names)
			return -ENOMEM;
	}
	error = record_write(iov, file, entries, names, size);
	record_names_free(names);
	return error;
}

static int write_record(struct iov *iov, const struct record_args *args, const char *entries,
			struct record_size *size)
{
	struct new_file file;
	int error;

	if (!strcmp(args->path, "-"))
		return write_entries(iov, stdout, args, entries, size);
	/* What the kernel shows to root alone is in it. */
	error = new_file_open(&file, iov, args->path, 0600);
	if (!error)
		error = write_entries(iov, file.stream, args, entries, size);
	return new_file_close(&file, iov, error);
}

static void tell(const struct cli *cli, const struct record_args *args, const struct record_size *size)
{
	_cleanup_json_ struct json_object *object = json_object_new_object();

	if (!cli->json) {
		printf("%s: %" PRIu64 " files and links recorded, identities %s\n", args->path,
		       size->entries, args->identities ? "kept" : "replaced");
		return;
	}
	json_object_object_add(object, "file", json_object_new_string(args->path));
	json_object_object_add(object, "entries", json_object_new_int64((int64_t)size->entries));
	json_object_object_add(object, "bytes", json_object_new_int64((int64_t)size->bytes));
	json_object_object_add(object, "identities", json_object_new_boolean(args->identities));
	iov_output_json(stdout, object);
}

static int run(struct cli *cli, void *data)
{
	const struct record_args *args = data;
	_cleanup_free_ char *entries = NULL;
	struct record_size size;
	int error;

	if (iov_sys_is_host(cli->iov) && geteuid())
		iov_log(cli->iov, LOG_WARNING, "not root: capabilities, and who uses what, are not recorded");
	error = record_collect(cli->iov, &entries);
	if (!error)
		error = write_record(cli->iov, args, entries, &size);
	if (!error && strcmp(args->path, "-") != 0)
		tell(cli, args, &size);
	return error;
}

const struct cli_command cli_record = {
	.name = "record",
	.args = "FILE",
	.summary = "Record this host to a file that iov --root looks at",
	.example = "iov record host.tar.gz\n"
		   "  iov --root host.tar.gz map\n\n"
		   "What identifies a site is replaced by numbers; equal things stay equal.",
	.options = options,
	.parse = parse,
	.data_size = sizeof(struct record_args),
	.run = run,
};
