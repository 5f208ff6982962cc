/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the verbs of iov share.  One file per noun defines its commands; the
 * table in main.c lists them.
 *
 * Every command is a leaf named by its words, "vf create".  It describes its
 * options with argp and gets an open context.  Options that all commands
 * have (--json, --control, --verbose, --help) and those of all changing ones
 * (--dry-run, --force, --timeout, --wait, --jobs) are argp children of cli.c, so that they
 * read the same everywhere.
 */
#ifndef IOV_CLI_CLI_H
#define IOV_CLI_CLI_H

#include <argp.h>
#include <json-c/json.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/iov.h"
#include "base/pci/pci.h"
#include "base/plan/plan.h"
#include "claims/claims.h"

/* Exit statuses, the same for every command; listed in iov(1). */
enum cli_exit {
	CLI_OK = 0,
	CLI_FAILED = 1,
	CLI_USAGE = 2,
	CLI_REFUSED = 3,	/* a guard refused, the host is unchanged */
	CLI_NOT_FOUND = 4,	/* no such function, group, port, bridge or disk */
	CLI_NO_DAEMON = 5,	/* iovd does not answer */
	CLI_CHANGES = 10,	/* asked for with --exit-code: there is something to do */
};

/* Most guards that one command may lift. */
#define CLI_LIFTED_MAX 32

/**
 * struct cli - one run of a command
 * @iov: context
 * @json: --json was given
 * @dry_run: --dry-run was given
 * @save: --save was given
 * @lifted: guards named by --force, ended by NULL
 * @control: --control, NULL for none
 * @claims: what --holder and the options of 'iov claim' say of claims
 * @plugins: --plugins, NULL for where they are installed
 * @confirm: seconds that a change awaits its confirmation, 0 for a change that is done then
 * @armed: as in struct iov_plan_options; its argument is this struct
 * @armed_arg: of the command's own, for @armed
 * @wait: --wait in seconds, 0 for the default
 * @jobs: --jobs, 0 for the default
 * @findings: what the guards found when they refused; NULL for nothing
 * @answer: with --json what a command that failed has to say besides the error, printed
 *	in one object with it; NULL for nothing
 * @status: exit status of a command that did its work; CLI_OK unless it says otherwise
 */
struct cli {
	struct iov *iov;
	bool json;
	bool dry_run;
	bool save;
	const char *lifted[CLI_LIFTED_MAX + 1];
	const char *control;
	const char *plugins;
	struct iov_claims_settings claims;
	unsigned int confirm;
	int (*armed)(void *arg);
	void *armed_arg;
	unsigned int wait;
	unsigned int jobs;
	struct json_object *findings;
	struct json_object *answer;
	enum cli_exit status;
};

/**
 * struct cli_command - one command
 * @name: its words, "vf create"
 * @args: what follows the options in the usage line, "PF --count N"
 * @summary: one line for "iov --help"
 * @example: shown at the end of its --help
 * @explain: prints what follows that and is not known before the program runs; NULL for nothing
 * @changes: takes --dry-run, --force, --timeout, --wait and --jobs
 * @saves: takes --save
 * @locks: takes the lock of changes by itself, as one that looks first whether there is anything
 *	to do, or asks iovd alone
 * @options: argp options of its own; NULL for none
 * @parse: argp parser for @options and arguments; state->input is the struct cli
 *	and @data is at cli_data(state)
 * @data_size: bytes of zeroed data for @parse and @run
 * @run: does the work; returns 0 or -errno with a message in the context
 */
struct cli_command {
	const char *name;
	const char *args;
	const char *summary;
	const char *example;
	void (*explain)(FILE *file);
	bool changes;
	bool saves;
	bool locks;
	const struct argp_option *options;
	error_t (*parse)(int key, char *arg, struct argp_state *state);
	size_t data_size;
	int (*run)(struct cli *cli, void *data);
};

/* What --force takes beside guards: a driver for a device that its table does not have. */
#define CLI_LIFT_DRIVER "driver"

/* Refuse a device that somebody else has claimed, as iov_claims_check() does, unless that guard is lifted. */
int cli_check_claim(struct cli *cli, const char *device);

/* Whether --force named a guard. */
bool cli_lifts(const struct cli *cli, const char *guard);

/* End, as what @state parses is wrong: one line without what --help explains. */
void cli_misuse(const struct argp_state *state, const char *format, ...)
	__attribute__((format(printf, 2, 3), noreturn, cold));

/* The data of the command that is being parsed. */
void *cli_data(const struct argp_state *state);

/* Find the command, parse, open the context, run, print the error; exit status. */
int cli_run(const struct cli_command *const *commands, int argc, char **argv);

/* Open another context of the running host, with all that a command's has; @arg: struct cli; -errno. */
int cli_open_context(void *arg, struct iov **iov);

/* How plans of this command run: what its options say. */
struct iov_plan_options cli_plan_options(struct cli *cli);

/*
 * What a plan (its JSON) changes, for people: a diff grouped by device, in colour on a
 * terminal.
 *
 *	0000:01:00.0
 *	-   vfs: 0
 *	+   vfs: 4
 */
void cli_print_changes(struct json_object *plan);

/*
 * Show what a plan changes and whether a guard would refuse it, change nothing: as JSON
 * or as a diff, with @operations followed by each operation.  Gives what the guards gave;
 * the plan stays the caller's.
 */
int cli_show_plan(struct cli *cli, struct iov_plan *plan, bool operations);

/*
 * Carry out a plan: --dry-run shows it, otherwise guards and iov_plan_run() with progress
 * on stderr when it is a terminal.  Prints what was done (or that there was nothing to
 * do), or the plan as JSON.  Frees @plan.
 */
int cli_run_plan(struct cli *cli, struct iov_plan *plan);

/* Carry a plan out with its progress, and print nothing else; the plan stays the caller's. */
int cli_carry_out(struct cli *cli, struct iov_plan *plan);

/* Have somebody take the change back that is not confirmed in time; for @armed. */
int cli_start_watch(struct cli *cli);

/* One function for cli_save(); both objects are taken over, and the first is handed back. */
struct json_object *cli_saved(struct json_object *devices, struct iov_bdf bdf,
			      struct json_object *values);

/*
 * With --save: append to a plan that the host file says what it does. @devices: as "devices"
 * of iov_host_save_plan(); taken over.
 */
int cli_save(struct cli *cli, struct iov_plan *plan, struct json_object *devices);

/* The result of a change of what is so already. */
#define CLI_NOTHING_TO_DO "nothing to do"

/* What iovd lists under a name, by "port.list" and so on, for the caller to put; NULL stays without. */
int cli_find_in_iovd(struct cli *cli, const char *method, const char *name,
		     struct json_object **found);

/* A line for each of a list that iovd could not have again after a restart, and why not. */
void cli_print_missing(struct json_object *list);

/*
 * Ask iovd for a change by one of its methods: at once, or with --save or --dry-run as a plan,
 * which prints what becomes of it.  @params is taken over.  @result: what iovd gave, with "name"
 * and "result": "done" or CLI_NOTHING_TO_DO, which the caller puts; NULL when all is said.
 */
int cli_change_iovd(struct cli *cli, const char *method, struct json_object *params,
		    struct json_object **result);

/*
 * The same, and say what became of it: what iovd gave as JSON, or "port vm1 added", where @done
 * is "added".
 */
int cli_do_iovd(struct cli *cli, const char *method, struct json_object *params, const char *done);

/* What it says. */
void cli_tell_change(const struct cli *cli, const char *method, struct json_object *result,
		     const char *done);

/* Whether that changed something. */
bool cli_is_done(struct json_object *result);

/*
 * End with a plan that could not be built: when a guard refuses what it takes so far,
 * that is the error, with its holder. Frees @plan, which may be NULL.
 */
int cli_drop_plan(struct cli *cli, struct iov_plan *plan, int error);

#endif
