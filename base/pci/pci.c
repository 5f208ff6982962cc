// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/pci/pci.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/pci/kind.h"
#include "base/sysroot/ask.h"
#include "base/sysroot/paths.h"

/* The domain is optional; nothing may follow the function. */
const char *iov_pci_namespace_at(const char *text)
{
	const char *slash = strrchr(text, '/'), *number = slash ? slash + 1 : NULL;

	if (number && *number == 'n')
		number++;
	if (number && *number && !number[strspn(number, "0123456789")])
		return slash;
	return text + strlen(text);
}

bool iov_bdf_scan(const char *text, struct iov_bdf *bdf)
{
	unsigned int domain = 0, bus, device, function;
	int end = -1;

	if (strspn(text, "0123456789abcdefABCDEF:.") != strlen(text))
		return false;
	if (sscanf(text, "%8x:%2x:%2x.%1x%n", &domain, &bus, &device, &function, &end) != 4 ||
	    text[end]) {
		domain = 0;
		end = -1;
		if (sscanf(text, "%2x:%2x.%1x%n", &bus, &device, &function, &end) != 3 ||
		    text[end])
			return false;
	}
	*bdf = (struct iov_bdf){ domain, (uint8_t)bus, (uint8_t)device, (uint8_t)function };
	return device <= 31 && function <= 7;
}

int iov_bdf_parse(struct iov *iov, const char *text, struct iov_bdf *bdf)
{
	if (iov_bdf_scan(text, bdf))
		return 0;
	return iov_fail(iov, -EINVAL,
			"%s: not a PCI address; write it like 0000:01:00.0, 'iov list' shows them",
			text);
}

struct iov_bdf_text iov_bdf_format(struct iov_bdf bdf)
{
	struct iov_bdf_text text;

	snprintf(text.text, sizeof(text.text), "%04x:%02x:%02x.%x", bdf.domain, bdf.bus,
		 bdf.device & 31, bdf.function & 7);
	return text;
}

static uint64_t bdf_key(struct iov_bdf bdf)
{
	return (uint64_t)bdf.domain << 16 | bdf.bus << 8 | bdf.device << 3 | bdf.function;
}

int iov_bdf_compare(struct iov_bdf a, struct iov_bdf b)
{
	return (bdf_key(a) > bdf_key(b)) - (bdf_key(a) < bdf_key(b));
}

struct iov_bdf iov_bdf_add(struct iov_bdf bdf, unsigned int offset)
{
	unsigned int rid = (bdf_key(bdf) & 0xffff) + offset;

	return (struct iov_bdf){
		.domain = bdf.domain,
		.bus = rid >> 8 & 0xff,
		.device = rid >> 3 & 31,
		.function = rid & 7,
	};
}

struct iov_path iov_pci_path(struct iov_bdf bdf, const char *attribute)
{
	return iov_path(IOV_PATH_PCI_DEVICES "/%s%s%s", IOV_BDF(bdf), *attribute ? "/" : "",
			attribute);
}

int iov_pci_require(struct iov *iov, struct iov_bdf bdf)
{
	return iov_sys_exists(iov, iov_pci_path(bdf, "").name) ? 0 : iov_pci_missing(iov, bdf);
}

int iov_pci_missing(struct iov *iov, struct iov_bdf bdf)
{
	return iov_fail(iov, -ENODEV,
			"%s: no such PCI function; 'iov list --all' shows those of this host",
			IOV_BDF(bdf));
}

int iov_pci_number(struct iov *iov, struct iov_bdf bdf, const char *attribute, int64_t *number)
{
	return iov_sys_read_number(iov, iov_pci_path(bdf, attribute).name, number);
}

int iov_pci_driver(struct iov *iov, struct iov_bdf bdf, char *name, size_t size)
{
	int error = iov_sys_link_name(iov, iov_pci_path(bdf, "driver").name, name, size);

	if (error == -ENOENT) {
		name[0] = '\0';
		return 0;
	}
	return error;
}

static void ask_lock(struct iov *iov, const char *name, FILE *answer)
{
	char text[8];

	(void)answer;
	iov_sys_read(iov, iov_path(IOV_PATH_PCI_DEVICES "/%s/driver_override", name).name, text,
		     sizeof(text));
}

static const struct iov_sys_question lock_question = {
	.ask = ask_lock,
	.why = "its driver_override: its driver is at work on it, and hangs if that does not end; "
	       "only a restart of the host ends that",
};

int iov_pci_unlocked(struct iov *iov, struct iov_bdf bdf)
{
	const struct iov_bdf_text text = iov_bdf_format(bdf);
	const char *name = text.text;
	int error = iov_sys_ask(iov, &lock_question, &name, 1, NULL, NULL);

	return error ? error : iov_sys_answered(iov, &lock_question, name);
}

int iov_pci_override(struct iov *iov, struct iov_bdf bdf, char *name, size_t size)
{
	int error = iov_pci_unlocked(iov, bdf);

	*name = '\0';
	if (!error)
		error = iov_sys_read(iov, iov_pci_path(bdf, "driver_override").name, name, size);
	/* As it reads when it is not set. */
	if (!error && !strcmp(name, "(null)"))
		*name = '\0';
	return error;
}

int iov_pci_link(struct iov *iov, struct iov_bdf bdf, const char *attribute,
		 struct iov_bdf *target)
{
	char name[64];
	int error = iov_sys_link_name(iov, iov_pci_path(bdf, attribute).name, name, sizeof(name));

	if (error)
		return error;
	return iov_bdf_scan(name, target) ? 0 : -EINVAL;
}

unsigned int iov_pci_vf_count(struct iov *iov, struct iov_bdf bdf)
{
	unsigned int vfs = 0, index;
	char **names;
	size_t count;

	/* Most functions are no PFs, and a directory of one has some sixty entries. */
	if (!iov_sys_exists(iov, iov_pci_path(bdf, "sriov_totalvfs").name) ||
	    iov_sys_list(iov, iov_pci_path(bdf, "").name, &names, &count))
		return 0;
	for (size_t i = 0; i < count; i++) {
		if (sscanf(names[i], "virtfn%u", &index) == 1 && index >= vfs && index < UINT16_MAX)
			vfs = index + 1;
	}
	iov_names_free(names, count);
	return vfs;
}

int iov_pci_vf_index(struct iov *iov, struct iov_bdf pf, struct iov_bdf vf, unsigned int *index)
{
	int64_t offset, stride, distance = (int64_t)bdf_key(vf) - (int64_t)bdf_key(pf);
	int error = iov_pci_number(iov, pf, "sriov_offset", &offset);

	if (!error)
		error = iov_pci_number(iov, pf, "sriov_stride", &stride);
	if (error)
		return error;
	if (distance < offset)
		return -EINVAL;
	*index = stride ? (unsigned int)((distance - offset) / stride) : 0;
	return 0;
}

bool iov_pci_is_bridge(struct iov *iov, struct iov_bdf bdf)
{
	return iov_pci_kind(iov, bdf) == IOV_PCI_BRIDGE;
}

static int compare_bdf(const void *a, const void *b)
{
	return iov_bdf_compare(*(const struct iov_bdf *)a, *(const struct iov_bdf *)b);
}

int iov_pci_list(struct iov *iov, struct iov_bdf **list, size_t *count)
{
	char **names;
	size_t n;
	int error = iov_sys_list(iov, IOV_PATH_PCI_DEVICES, &names, &n);

	if (error)
		return iov_told(iov, error, "cannot list PCI functions: %s; is sysfs mounted?",
				strerror(-error));
	*count = 0;
	*list = calloc(n + 1, sizeof(**list));
	for (size_t i = 0; *list && i < n; i++) {
		if (iov_bdf_scan(names[i], &(*list)[*count]))
			++*count;
	}
	iov_names_free(names, n);
	if (!*list)
		return -ENOMEM;
	qsort(*list, *count, sizeof(**list), compare_bdf);
	return 0;
}
