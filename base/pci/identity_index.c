// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The names of all functions of a host.
 *
 * VFs have no names of their own, and there may be a thousand of them, so the
 * links of their PF tell all that is needed.  The names of the others are in
 * one sorted table, which answers who has a name, and whether others have it too.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/pci/identity_names.h"
#include "base/pci/pci_config.h"
#include "base/sysroot/call.h"
#include "base/sysroot/sysdir.h"

struct function {
	struct iov_identity_entry entry;
	struct function_names names;
};

struct named {
	const char *name;
	const struct function *function;
};

struct iov_identity_index {
	struct iov *iov;
	struct function *functions;	/* in order of address */
	size_t count;
	struct config_facts *facts;	/* of those but VFs, as far as configuration space was answered */
	size_t told;
	struct named *table;		/* in order of name */
	size_t named;
};

static int compare_function(const void *a, const void *b)
{
	return iov_bdf_compare(((const struct function *)a)->entry.bdf,
			       ((const struct function *)b)->entry.bdf);
}

static int compare_named(const void *a, const void *b)
{
	return strcasecmp(((const struct named *)a)->name, ((const struct named *)b)->name);
}

static struct function *find_function(const struct iov_identity_index *index, struct iov_bdf bdf)
{
	struct function key = { .entry.bdf = bdf };

	return bsearch(&key, index->functions, index->count, sizeof(key), compare_function);
}

static void mark_vf(struct function *vf, struct function *pf, unsigned int number)
{
	vf->entry.is_vf = true;
	vf->entry.pf = pf->entry.bdf;
	vf->entry.vf_index = number;
	if (number >= pf->entry.vfs)
		pf->entry.vfs = number + 1;
}

static void read_vfs(struct iov_identity_index *index, struct function *pf, int dir)
{
	struct iov_bdf bdf;
	struct function *vf;
	char name[64];
	int64_t total;

	if (iov_dir_read_number(dir, "sriov_totalvfs", &total))
		return;
	for (unsigned int i = 0; i < total; i++) {
		if (iov_dir_link_name(dir, iov_path("virtfn%u", i).name, name, sizeof(name)) ||
		    !iov_bdf_scan(name, &bdf))
			break;
		vf = find_function(index, bdf);
		if (vf)
			mark_vf(vf, pf, i);
	}
}

/* A VF that its PF does not link, because it is being removed. */
static bool is_lone_vf(struct iov_identity_index *index, struct function *function, int dir)
{
	unsigned int number = 0;
	struct iov_bdf bdf;
	struct function *pf;
	char name[64];

	if (iov_dir_link_name(dir, "physfn", name, sizeof(name)) ||
	    !iov_bdf_scan(name, &bdf))
		return false;
	pf = find_function(index, bdf);
	if (pf && !iov_pci_vf_index(index->iov, bdf, function->entry.bdf, &number))
		mark_vf(function, pf, number);
	return true;
}

static void read_function(struct iov_identity_index *index, struct names_source *source,
			  struct function *function)
{
	_cleanup_fd_ int dir = iov_dir_open(index->iov,
					    iov_pci_path(function->entry.bdf, "").name);
	struct config_facts facts;

	if (dir < 0 || is_lone_vf(index, function, dir))
		return;
	facts = identity_index_facts(index, function->entry.bdf);
	names_read(source, &facts, dir, &function->names);
	index->named += function->names.count;
}

static int list_functions(struct iov_identity_index *index)
{
	_cleanup_free_ struct iov_bdf *list = NULL;
	int error = iov_pci_list(index->iov, &list, &index->count);

	if (error)
		return error;
	index->functions = calloc(index->count + 1, sizeof(*index->functions));
	if (!index->functions)
		return -ENOMEM;
	for (size_t i = 0; i < index->count; i++)
		index->functions[i].entry.bdf = list[i];
	return 0;
}

/* A PF comes before its VFs. */
static void find_vfs(struct iov_identity_index *index)
{
	for (size_t i = 0; i < index->count; i++) {
		struct function *function = &index->functions[i];
		int dir = function->entry.is_vf ? -1 : iov_dir_open(index->iov,
					iov_pci_path(function->entry.bdf, "").name);

		if (dir < 0)
			continue;
		read_vfs(index, function, dir);
		close(dir);
	}
}

int identity_index_survey(const struct iov_identity_index *index, bool vfs, struct config_facts **facts,
			  size_t *told)
{
	_cleanup_free_ struct iov_bdf *list = calloc(index->count + 1, sizeof(*list));
	size_t count = 0;

	if (!list)
		return -ENOMEM;
	for (size_t i = 0; i < index->count; i++) {
		if (index->functions[i].entry.is_vf == vfs)
			list[count++] = index->functions[i].entry.bdf;
	}
	return config_survey(index->iov, list, count, vfs, facts, told);
}

static int sort_names(struct iov_identity_index *index)
{
	size_t n = 0;

	index->table = calloc(index->named + 1, sizeof(*index->table));
	if (!index->table)
		return -ENOMEM;
	for (size_t i = 0; i < index->count; i++) {
		struct function *function = &index->functions[i];

		for (size_t k = 0; k < function->names.count; k++)
			index->table[n++] = (struct named){ function->names.names[k], function };
	}
	qsort(index->table, index->named, sizeof(*index->table), compare_named);
	return 0;
}

static int read_all(struct iov_identity_index *index)
{
	struct names_source *source;
	int error = list_functions(index);

	if (error)
		return error;
	find_vfs(index);
	/* VFs have no names of their own. */
	error = identity_index_survey(index, false, &index->facts, &index->told);
	if (!error)
		error = names_source_open(&source, index->iov);
	if (error)
		return error;
	for (size_t i = 0; i < index->count; i++) {
		if (!index->functions[i].entry.is_vf)
			read_function(index, source, &index->functions[i]);
	}
	names_source_close(source);
	return sort_names(index);
}

int iov_identity_index_open(struct iov_identity_index **out, struct iov *iov)
{
	struct iov_identity_index *index = calloc(1, sizeof(*index));
	int error;

	if (!index)
		return -ENOMEM;
	index->iov = iov;
	error = read_all(index);
	if (error) {
		iov_identity_index_close(index);
		return error;
	}
	*out = index;
	return 0;
}

void iov_identity_index_close(struct iov_identity_index *index)
{
	if (!index)
		return;
	for (size_t i = 0; index->functions && i < index->count; i++)
		names_free(&index->functions[i].names);
	free(index->functions);
	free(index->facts);
	free(index->table);
	free(index);
}

struct iov *identity_index_context(const struct iov_identity_index *index)
{
	return index->iov;
}

struct config_facts identity_index_facts(const struct iov_identity_index *index,
					 struct iov_bdf bdf)
{
	return config_facts_of(index->facts, index->told, bdf);
}

const struct iov_identity_entry *iov_identity_entry(const struct iov_identity_index *index,
						    size_t number)
{
	return number < index->count ? &index->functions[number].entry : NULL;
}

/* The first with a name; the others with it follow. */
static size_t find_name(const struct iov_identity_index *index, const char *name)
{
	size_t low = 0, high = index->named;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (strcasecmp(index->table[middle].name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* A function suffix of -1 stands for any. */
static size_t who_has(const struct iov_identity_index *index, const char *name, int suffix,
		      struct iov_bdf *bdfs, size_t max)
{
	size_t count = 0;

	for (size_t i = find_name(index, name);
	     i < index->named && !strcasecmp(index->table[i].name, name); i++) {
		struct iov_bdf bdf = index->table[i].function->entry.bdf;

		if (suffix >= 0 && bdf.function != suffix)
			continue;
		if (count < max)
			bdfs[count] = bdf;
		count++;
	}
	return count;
}

/* Whether cards share a name, so that it is none of either; functions of one card may. */
static bool is_shared(const struct iov_identity_index *index, const struct function *function,
		      const char *name)
{
	struct iov_bdf own = function->entry.bdf;

	for (size_t i = find_name(index, name);
	     i < index->named && !strcasecmp(index->table[i].name, name); i++) {
		struct iov_bdf bdf = index->table[i].function->entry.bdf;

		if (bdf.domain != own.domain || bdf.bus != own.bus || bdf.device != own.device)
			return true;
	}
	return false;
}

/* Cards that have a number in common do not have it to tell them apart. */
static bool is_of_several_cards(const struct iov_identity_index *index, const char *name)
{
	size_t first = find_name(index, name);

	return first < index->named && !strcasecmp(index->table[first].name, name) &&
	       is_shared(index, index->table[first].function, name);
}

size_t identity_who(const struct iov_identity_index *index, const char *text, struct iov_bdf *bdfs,
		    size_t max)
{
	size_t count = who_has(index, text, -1, bdfs, max), length = strlen(text);
	char name[IOV_IDENTITY_SIZE];

	if (count || length < 2 || length >= sizeof(name) || text[length - 2] != '.' ||
	    text[length - 1] < '0' || text[length - 1] > '7' || !name_takes_suffix(text))
		return count;
	memcpy(name, text, length - 2);
	name[length - 2] = '\0';
	if (is_of_several_cards(index, name))
		return who_has(index, name, -1, bdfs, max);
	return who_has(index, name, text[length - 1] - '0', bdfs, max);
}

size_t identity_known(const struct iov_identity_index *index, const char *kind,
		      const char **names, size_t max)
{
	size_t count = 0, length = strlen(kind);

	for (size_t i = find_name(index, kind);
	     i < index->named && !strncasecmp(index->table[i].name, kind, length); i++) {
		if (count < max)
			names[count] = index->table[i].name;
		count++;
	}
	return count;
}

/* A name as it names this function alone, with its suffix if it takes one for that. */
static bool own_name(const struct iov_identity_index *index, const struct function *function,
		     const char *name, char *text, size_t size)
{
	int number = function->entry.bdf.function;

	if (who_has(index, name, -1, NULL, 0) == 1)
		snprintf(text, size, "%s", name);
	else if (name_takes_suffix(name) && !is_shared(index, function, name) &&
		 who_has(index, name, number, NULL, 0) == 1)
		snprintf(text, size, "%s.%d", name, number);
	else
		return false;
	return true;
}

/* The function whose names count: for a VF its PF; @suffix receives "/vf3" or "". */
static int named_function(const struct iov_identity_index *index, struct iov_bdf bdf,
			  struct function **named, char suffix[16])
{
	struct function *function = find_function(index, bdf);

	*suffix = '\0';
	if (function && function->entry.is_vf) {
		snprintf(suffix, 16, "/vf%u", function->entry.vf_index);
		function = find_function(index, function->entry.pf);
	}
	*named = function;
	return function ? 0 : iov_fail(index->iov, -ENODEV, "%s: no such PCI function; "
				       "'iov list --all' shows those of this host", IOV_BDF(bdf));
}

int iov_identity_best(const struct iov_identity_index *index, struct iov_bdf bdf, char *text,
		      size_t size)
{
	char suffix[16], name[IOV_IDENTITY_SIZE];
	struct function *function;
	int error = named_function(index, bdf, &function, suffix);

	for (size_t i = 0; !error && i < function->names.count; i++) {
		if (own_name(index, function, function->names.names[i], name, sizeof(name))) {
			snprintf(text, size, "%s%s", name, suffix);
			return 0;
		}
	}
	return error ? error : iov_fail(index->iov, -ENODEV, "%s was removed meanwhile; run the "
					"command again", IOV_BDF(bdf));
}

int iov_identity_all(const struct iov_identity_index *index, struct iov_bdf bdf,
		     struct json_object **names)
{
	char suffix[16], name[IOV_IDENTITY_SIZE];
	struct function *function;
	int error = named_function(index, bdf, &function, suffix);

	if (error)
		return error;
	*names = json_object_new_array();
	for (size_t i = 0; i < function->names.count; i++) {
		if (!own_name(index, function, function->names.names[i], name, sizeof(name) - 16))
			continue;
		strcat(name, suffix);
		json_object_array_add(*names, json_object_new_string(name));
	}
	return 0;
}

void iov_identity_remember(struct iov *iov)
{
	_cleanup_json_ struct json_object *before = memory_read(iov), *now = memory_empty(iov);
	struct iov_identity_index *index;
	int error = iov_identity_index_open(&index, iov);

	for (size_t i = 0; !error && i < index->count; i++) {
		if (index->functions[i].names.told)
			memory_note(now, &index->functions[i].names);
	}
	if (!error)
		iov_identity_index_close(index);
	/* What the kernel does not tell now stays as it was noted. */
	if (!error && !iov_sys_unanswered(iov) && !iov_config_unanswered(iov, NULL) && !json_object_equal(before, now))
		error = memory_write(iov, now);
	if (error)
		iov_log(iov, LOG_WARNING, "cannot note the MAC addresses and serial numbers that "
			"drivers tell: %s", strerror(-error));
}
