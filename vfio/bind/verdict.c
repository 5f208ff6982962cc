// SPDX-License-Identifier: GPL-2.0-or-later
#include "vfio/bind/verdict.h"

#include <linux/pci_regs.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/sysroot/sysdir.h"
#include "vfio/bind/verdict_judge.h"

typedef void judge_fn(struct judgement *judgement);

/* What is the cause of others comes before them. */
static judge_fn *const blocking[] = {
	judge_kind, judge_vfs, judge_power, judge_controller, judge_iommu,
	judge_interrupts, judge_reserved, judge_others,
};
static judge_fn *const warning[] = { judge_group, judge_reset, judge_intx };
#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* All kinds that verdict_add() is given, with what they mean. */
static const struct {
	const char *name, *meaning;
} kinds[] = {
	{ "bridge", "it is a bridge" },
	{ "chipset", "it is a part of the chipset" },
	{ "vfs", "it has VFs, which go when its driver does" },
	{ "power", "it sleeps in a state that some devices do not come back from" },
	{ "stuck", "its configuration space cannot be read while it, or what is below it, is being reset" },
	{ "lost", "it does not answer: its configuration space reads as all ones" },
	{ "controller", "it is behind a controller and goes with it as a whole" },
	{ "iommu", "there is no IOMMU for it, or VFIO has it without one" },
	{ "interrupts", "interrupt remapping is off" },
	{ "reserved-memory", "firmware keeps memory for DMA of its group" },
	{ "group", "others of its IOMMU group have to leave the host with it" },
	{ "reset", "it cannot be reset, or only together with others" },
	{ "intx", "its interrupt line is shared with others" },
};

const char *iov_verdict_kind(size_t index)
{
	return index < COUNT(kinds) ? kinds[index].name : NULL;
}

const char *iov_verdict_meaning(const char *kind)
{
	for (size_t i = 0; i < COUNT(kinds); i++) {
		if (!strcmp(kinds[i].name, kind))
			return kinds[i].meaning;
	}
	return NULL;
}

struct iov_reason *verdict_add(struct judgement *judgement, const char *kind,
			       enum iov_severity severity, int error, const char *format, ...)
{
	static _Thread_local struct iov_reason overflow;
	struct iov_verdict *verdict = judgement->verdict;
	struct iov_reason *reason = verdict->count < IOV_REASONS_MAX ?
				    &verdict->reasons[verdict->count++] : &overflow;
	va_list args;

	*reason = (struct iov_reason){ .kind = kind, .severity = severity, .error = error };
	va_start(args, format);
	vsnprintf(reason->sentence, sizeof(reason->sentence), format, args);
	va_end(args);
	return reason;
}

void verdict_remedy(struct iov_reason *reason, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(reason->remedy, sizeof(reason->remedy), format, args);
	va_end(args);
}

/* The message of a context that has one says what there is to say. */
static void read_group(struct judgement *judgement)
{
	if (iov_group_of(&judgement->group, judgement->iov, judgement->bdf))
		judgement->group = NULL;
}

/* @limit: bytes of configuration space that are worth reading, as each register costs. */
static void open_judgement(struct judgement *judgement, struct iov *iov, struct iov_bdf bdf,
			   size_t limit, struct iov_verdict *verdict)
{
	verdict->count = 0;
	judgement->iov = iov;
	judgement->bdf = bdf;
	judgement->verdict = verdict;
	judgement->dir = iov_dir_open(iov, iov_pci_path(bdf, "").name);
	judgement->config_error = iov_config_read(iov, bdf, &judgement->config, limit);
	read_group(judgement);
}

static void close_judgement(struct judgement *judgement)
{
	iov_group_close(judgement->group);
	if (judgement->dir >= 0)
		close(judgement->dir);
}

/* Those that block first, each in the order in which they were found. */
static void put_blocks_first(struct iov_verdict *verdict)
{
	struct iov_verdict sorted = { .count = 0 };

	for (int severity = IOV_REASON_BLOCKS; severity >= IOV_REASON_WARNS; severity--) {
		for (size_t i = 0; i < verdict->count; i++) {
			if ((int)verdict->reasons[i].severity == severity)
				sorted.reasons[sorted.count++] = verdict->reasons[i];
		}
	}
	*verdict = sorted;
}

void iov_verdict(struct iov *iov, struct iov_bdf bdf, struct iov_verdict *verdict)
{
	struct judgement judgement;

	open_judgement(&judgement, iov, bdf, IOV_CONFIG_CONVENTIONAL, verdict);
	for (size_t i = 0; i < COUNT(blocking); i++)
		blocking[i](&judgement);
	for (size_t i = 0; i < COUNT(warning); i++)
		warning[i](&judgement);
	close_judgement(&judgement);
	put_blocks_first(verdict);
}

const struct iov_reason *iov_verdict_find(const struct iov_verdict *verdict, const char *kind)
{
	for (size_t i = 0; i < verdict->count; i++) {
		const struct iov_reason *reason = &verdict->reasons[i];

		if (kind ? !strcmp(reason->kind, kind) : reason->severity == IOV_REASON_BLOCKS)
			return reason;
	}
	return NULL;
}

int iov_verdict_blocks(struct iov *iov, struct iov_bdf bdf, struct iov_reason *reason)
{
	const struct iov_reason *found = NULL;
	struct iov_verdict verdict;
	struct judgement judgement;

	open_judgement(&judgement, iov, bdf, PCI_STD_HEADER_SIZEOF, &verdict);
	for (size_t i = 0; !found && i < COUNT(blocking); i++) {
		blocking[i](&judgement);
		found = iov_verdict_find(&verdict, NULL);
	}
	close_judgement(&judgement);
	if (found && reason)
		*reason = *found;
	return found ? found->error : 0;
}

struct json_object *iov_verdict_json(const struct iov_verdict *verdict)
{
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < verdict->count; i++) {
		const struct iov_reason *reason = &verdict->reasons[i];
		struct json_object *json = json_object_new_object();

		json_object_object_add(json, "kind", json_object_new_string(reason->kind));
		json_object_object_add(json, "severity", json_object_new_string(
				reason->severity == IOV_REASON_BLOCKS ? "blocks" : "warns"));
		json_object_object_add(json, "sentence", json_object_new_string(reason->sentence));
		json_object_object_add(json, "remedy", json_object_new_string(reason->remedy));
		json_object_array_add(list, json);
	}
	return list;
}

int iov_verdict_require(struct iov *iov, struct iov_bdf bdf)
{
	struct iov_reason reason;
	int error = iov_verdict_blocks(iov, bdf, &reason);

	return error ? iov_fail(iov, reason.error, "%s: %s; %s", IOV_BDF(bdf), reason.sentence,
				reason.remedy) : 0;
}
