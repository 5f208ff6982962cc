// SPDX-License-Identifier: GPL-2.0-or-later
/* From the name of a device to its address. */
#include "base/pci/identity.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/pci/identity_names.h"
#include "base/pci/interface.h"
#include "base/pci/pci_config.h"
#include "base/sysroot/call.h"
#include "base/sysroot/paths.h"
#include "base/sysroot/sysdir.h"

#define SHOWN_MAX 4

static bool is_mac(const char *text)
{
	size_t length = strlen(text);

	for (size_t i = 0; i < length; i++) {
		if (i % 3 == 2 ? text[i] != ':' : !strchr("0123456789abcdefABCDEF", text[i]))
			return false;
	}
	return length >= 17 && length % 3 == 2;
}

/* "0000:00:02.0/00.0": an address, then devices and functions */
static bool is_path(const char *text)
{
	unsigned int part;
	int end = -1;

	sscanf(text, "%8x:%2x:%2x.%1x%n", &part, &part, &part, &part, &end);
	while (end > 0 && text[end] == '/') {
		text += end;
		end = -1;
		sscanf(text, "/%2x.%1x%n", &part, &part, &end);
	}
	return end > 0 && !text[end];
}

static const struct {
	const char *prefix;
	const char *what;
	const char *like;
	bool (*is_form)(const char *value);
} kinds[] = {
	{ "serial=", "serial number", "serial=a0-36-9f-ff-ff-00-00-01", NULL },
	{ "mac=", "permanent MAC address", "mac=52:54:00:00:00:01", is_mac },
	{ "slot=", "slot", "slot=1", NULL },
	{ "path=", "path", "path=0000:00:02.0/00.0", is_path },
};
#define KINDS (sizeof(kinds) / sizeof(*kinds))

/* Index of the kind that a text begins with, -1 for none. */
static int kind_of(const char *text)
{
	for (size_t i = 0; i < KINDS; i++) {
		if (!strncmp(text, kinds[i].prefix, strlen(kinds[i].prefix)))
			return (int)i;
	}
	return -1;
}

/* Split "NAME/vf3"; -1: no VF.  A path has slashes of its own. */
static int split_vf(const char *text, char *name, size_t size)
{
	const char *slash = strrchr(text, '/');
	size_t digits = slash && !strncmp(slash, "/vf", 3) ? strspn(slash + 3, "0123456789") : 0;

	if (!digits || digits > 5 || slash[3 + digits]) {
		snprintf(name, size, "%s", text);
		return -1;
	}
	snprintf(name, size, "%.*s", (int)(slash - text), text);
	return atoi(slash + 3);
}

bool iov_identity_is(const char *text)
{
	char name[IOV_IDENTITY_SIZE];

	return kind_of(text) >= 0 || split_vf(text, name, sizeof(name)) >= 0;
}

static int check_form(struct iov *iov, const char *text, int kind)
{
	const char *value = text + strlen(kinds[kind].prefix);

	bool good = !kinds[kind].is_form || kinds[kind].is_form(value);

	if (*value && strlen(text) <= NAME_LENGTH_MAX && good)
		return 0;
	return iov_fail(iov, -EINVAL, "%s: not a %s; write it like %s, 'iov list' shows them", text,
			kinds[kind].what, kinds[kind].like);
}

/* Serial numbers are in configuration space, of which others than root see the beginning. */
static bool is_for_root(const char *text)
{
	return geteuid() && !strncmp(text, "serial=", strlen("serial="));
}

static int fail_unknown(const struct iov_identity_index *index, const char *text, int kind)
{
	const char *names[SHOWN_MAX];
	size_t count = identity_known(index, kinds[kind].prefix, names, SHOWN_MAX);
	char known[SHOWN_MAX * IOV_IDENTITY_SIZE] = "";
	size_t length = 0;

	for (size_t i = 0; i < count && i < SHOWN_MAX; i++)
		length += (size_t)snprintf(known + length, sizeof(known) - length, "%s%s",
					   i ? ", " : "", names[i]);
	if (is_for_root(text))
		return iov_told(identity_index_context(index), -EACCES, "%s: root alone sees which function that is; "
				"run it with sudo", text);
	if (!count)
		return iov_fail(identity_index_context(index), -ENODEV,
				"%s: no function of this host shows a %s; 'iov show BDF' lists the "
				"names of one", text, kinds[kind].what);
	return iov_fail(identity_index_context(index), -ENODEV,
			"%s: no function has this %s; there is %s%s", text, kinds[kind].what, known,
			count > SHOWN_MAX ? " and others" : "");
}

/* What is not among the names that are known is not absent while the kernel does not tell all. */
static bool is_untold(struct iov *iov)
{
	return iov_sys_unanswered(iov) || iov_config_unanswered(iov, NULL);
}

static int fail_untold(struct iov *iov, const char *text)
{
	return iov_fail(iov, -ETIMEDOUT, "%s: cannot tell which function that is: %s", text,
			iov_error_message(iov));
}

static int fail_ambiguous(const struct iov_identity_index *index, const char *text,
			  const struct iov_bdf *bdfs, size_t count)
{
	char all[SHOWN_MAX * (IOV_IDENTITY_SIZE + IOV_BDF_SIZE + 8)] = "", name[IOV_IDENTITY_SIZE];
	size_t length = 0;

	for (size_t i = 0; i < count && i < SHOWN_MAX; i++) {
		if (iov_identity_best(index, bdfs[i], name, sizeof(name)))
			continue;
		length += (size_t)snprintf(all + length, sizeof(all) - length, "%s%s (%s)",
					   i ? ", " : "", name, IOV_BDF(bdfs[i]));
	}
	return iov_fail(identity_index_context(index), -EINVAL,
			"%s: %zu functions answer to it; name one of them: %s%s", text, count, all,
			count > SHOWN_MAX ? ", ..." : "");
}

static int find_identity(const struct iov_identity_index *index, const char *text, int kind,
			 struct iov_bdf *bdf)
{
	struct iov_bdf bdfs[SHOWN_MAX];
	size_t count = identity_who(index, text, bdfs, SHOWN_MAX);

	if (!count && is_untold(identity_index_context(index)))
		return fail_untold(identity_index_context(index), text);
	if (!count)
		return fail_unknown(index, text, kind);
	if (count > 1)
		return fail_ambiguous(index, text, bdfs, count);
	*bdf = bdfs[0];
	return 0;
}

static int parse_identity(struct iov *iov, const struct iov_identity_index *index,
			  char *text, int kind, struct iov_bdf *bdf)
{
	struct iov_identity_index *own;
	int error = check_form(iov, text, kind);

	if (!strncmp(text, "mac=", 4))
		name_without_session(text + 4);

	if (error || index)
		return error ? error : find_identity(index, text, kind, bdf);
	error = iov_identity_index_open(&own, iov);
	if (error)
		return error;
	error = find_identity(own, text, kind, bdf);
	iov_identity_index_close(own);
	return error;
}

/* An interface that is there no more is a device that is absent; anything else is no name. */
static int fail_plain(struct iov *iov, const char *text)
{
	/* "seriel=71" is a mistake. */
	bool is_name = interface_may_be(text) && !strchr(text, '=');

	if (is_name && iov_sys_unanswered(iov))
		return fail_untold(iov, text);
	return iov_fail(iov, is_name ? -ENODEV : -EINVAL, "%s: neither a PCI address like "
			"0000:01:00.0, nor a network interface of a PCI function, nor serial=, mac=, "
			"slot= or path=; 'iov list' shows them", text);
}

static int parse_plain(struct iov *iov, const char *text, struct iov_bdf *bdf)
{
	char name[IOV_INTERFACE_SIZE];
	struct iov_bdf found;
	int error;

	/* An interface's name has no colon, so an address is never one. */
	if (iov_bdf_scan(text, bdf))
		return 0;
	if (!iov_interface_find(iov, text, name))
		return fail_plain(iov, text);
	error = iov_interface_function(iov, name, &found);
	if (error == -EXDEV)
		return iov_fail(iov, -EINVAL, "%s: the interface of a device behind %s, not of that "
				"function itself; name %s if you mean all that is behind it", text,
				IOV_BDF(found), IOV_BDF(found));
	if (error)
		return iov_fail(iov, -ENODEV, "%s: a network interface, but of no PCI function; "
				"'iov list' shows functions", text);
	*bdf = found;
	return 0;
}

int identity_vf(struct iov *iov, const char *text, struct iov_bdf pf, int number,
		struct iov_bdf *vf)
{
	int64_t total, offset, stride;
	int error = iov_pci_require(iov, pf);

	if (error)
		return error;
	if (!iov_pci_link(iov, pf, iov_path("virtfn%d", number).name, vf))
		return 0;
	if (iov_pci_number(iov, pf, "sriov_totalvfs", &total) ||
	    iov_pci_number(iov, pf, "sriov_offset", &offset) ||
	    iov_pci_number(iov, pf, "sriov_stride", &stride))
		return iov_fail(iov, -EOPNOTSUPP, "%s: %s is no PF; 'iov list' shows how many VFs "
				"each function gives", text, IOV_BDF(pf));
	if (number >= total)
		return iov_fail(iov, -ENODEV, "%s: %s has no such VF; expected vf0 to vf%lld", text,
				IOV_BDF(pf), (long long)total - 1);
	*vf = iov_bdf_add(pf, (unsigned int)(offset + number * stride));
	return 0;
}

static int parse(struct iov *iov, const struct iov_identity_index *index, const char *text,
		 struct iov_bdf *bdf)
{
	char name[2 * IOV_IDENTITY_SIZE];
	int number = split_vf(text, name, sizeof(name)), kind = kind_of(name);
	struct iov_bdf found;
	int error;

	if (iov_device_is_range(text))
		return iov_fail(iov, -EINVAL, "%s: several VFs; expected one device, like %.*s/vf0",
				text, (int)(strrchr(text, '/') - text), text);
	error = kind < 0 ? parse_plain(iov, name, &found) :
			   parse_identity(iov, index, name, kind, &found);
	if (!error && number >= 0)
		return identity_vf(iov, text, found, number, bdf);
	if (!error)
		*bdf = found;
	return error;
}

int iov_device_parse(struct iov *iov, const char *text, struct iov_bdf *bdf)
{
	return parse(iov, NULL, text, bdf);
}

int iov_identity_find(const struct iov_identity_index *index, const char *text,
		      struct iov_bdf *bdf)
{
	return parse(identity_index_context(index), index, text, bdf);
}

int iov_device_identity(struct iov *iov, struct iov_bdf bdf, char *text, size_t size)
{
	struct iov_identity_index *index;
	int error = iov_identity_index_open(&index, iov);

	if (error)
		return error;
	error = iov_identity_best(index, bdf, text, size);
	iov_identity_index_close(index);
	return error;
}

int iov_device_identities(struct iov *iov, struct iov_bdf bdf, struct json_object **names)
{
	struct iov_identity_index *index;
	int error = iov_identity_index_open(&index, iov);

	if (error)
		return error;
	error = iov_identity_all(index, bdf, names);
	iov_identity_index_close(index);
	return error;
}

/* Whether a function has a name, with a suffix or without; others may have it, too. */
static bool answers_to(struct iov *iov, struct iov_bdf bdf, const char *name)
{
	_cleanup_fd_ int dir = iov_dir_open(iov, iov_pci_path(bdf, "").name);
	struct function_names function;
	struct names_source *source;
	struct config_facts facts;
	bool found = false;

	if (dir < 0 || names_source_open(&source, iov))
		return false;
	facts = config_facts(iov, bdf);
	names_read(source, &facts, dir, &function);
	for (size_t i = 0; i < function.count && !found; i++) {
		size_t length = strlen(function.names[i]);

		found = !strncasecmp(function.names[i], name, length) &&
			(!name[length] || name[length] == '.');
	}
	names_free(&function);
	names_source_close(source);
	return found;
}

bool iov_device_matches(struct iov *iov, struct iov_bdf bdf, const char *text)
{
	char name[2 * IOV_IDENTITY_SIZE];
	int number = split_vf(text, name, sizeof(name));
	struct iov_bdf pf, found;
	unsigned int index;
	bool vf = !iov_pci_link(iov, bdf, "physfn", &pf);

	if (number >= 0 &&
	    (!vf || iov_pci_vf_index(iov, pf, bdf, &index) || index != (unsigned int)number))
		return false;
	if (kind_of(name) >= 0 && vf == (number < 0))
		return false;
	if (!strncmp(name, "mac=", 4))
		name_without_session(name + 4);
	if (kind_of(name) >= 0 && !answers_to(iov, vf ? pf : bdf, name))
		return false;
	return !iov_device_parse(iov, text, &found) && !iov_bdf_compare(found, bdf);
}
