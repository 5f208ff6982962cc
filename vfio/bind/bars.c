// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Resizable BARs.  The kernel changes one only while no driver has the function, so it is done between
 * unbinding and binding, in the same request to the writer.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/pci/bar.h"
#include "base/size.h"
#include "vfio/bind/binding.h"

static bool is_of(const struct iov_bar_size *size, const struct binding *binding)
{
	return !iov_bdf_compare(size->bdf, binding->bdf);
}

static void list_sizes(uint64_t sizes, char *text, size_t length)
{
	char size[IOV_SIZE_TEXT];
	size_t used = 0;

	*text = '\0';
	for (unsigned int bit = 0; bit < 44 && used < length; bit++) {
		if (!(sizes >> bit & 1))
			continue;
		size_text(1ull << (bit + 20), size);
		used += (size_t)snprintf(text + used, length - used, "%s%s", used ? ", " : "", size);
	}
}

static int check_size(struct iov *iov, const struct iov_bar_size *wanted, const struct iov_bar *bars)
{
	const struct iov_bar *bar = wanted->index < IOV_BARS ? &bars[wanted->index] : NULL;
	char text[IOV_SIZE_TEXT], sizes[256];
	int bit = iov_bar_bit(wanted->size);

	if (!bar || !bar->size)
		return iov_fail(iov, -EINVAL, "%s: has no BAR %u; 'iov show %s' lists those that it has",
				IOV_BDF(wanted->bdf), wanted->index, IOV_BDF(wanted->bdf));
	if (!bar->sizes)
		return iov_fail(iov, -EOPNOTSUPP, "%s: BAR %u cannot be resized: the kernel has no resource%u_resize for "
				"it, as the device lacks the capability, or the kernel is older than 6.2",
				IOV_BDF(wanted->bdf), wanted->index, wanted->index);
	if (bit >= 0 && bar->sizes >> bit & 1)
		return 0;
	size_text(wanted->size, text);
	list_sizes(bar->sizes, sizes, sizeof(sizes));
	return iov_fail(iov, -EINVAL, "%s: BAR %u cannot have %s; expected one of: %s", IOV_BDF(wanted->bdf),
			wanted->index, text, sizes);
}

int bars_check(struct bindings *bindings, const struct binding *binding, bool *differ)
{
	struct iov_bar bars[IOV_BARS + 1];
	int error = 0;

	*differ = false;
	for (size_t i = 0; !error && i < bindings->size_count; i++) {
		const struct iov_bar_size *wanted = &bindings->sizes[i];

		if (!is_of(wanted, binding))
			continue;
		if (iov_bars_read(bindings->iov, binding->bdf, bars))
			return iov_fail(bindings->iov, -EIO, "%s: cannot read its BARs", IOV_BDF(binding->bdf));
		error = check_size(bindings->iov, wanted, bars);
		if (!error)
			*differ |= bars[wanted->index].size != wanted->size;
	}
	return error;
}

static struct iov_op *resize_op(struct iov_bdf bdf, unsigned int index, uint64_t size)
{
	struct iov_path file = iov_path("resource%u_resize", index);
	struct iov_op *op = iov_op_write(iov_pci_path(bdf, file.name).name,
					 iov_path("%d", iov_bar_bit(size)).name);

	op = iov_op_explain(op, EBUSY, "a driver has the function, or firmware's framebuffer is in the BAR");
	return iov_op_explain(op, ENOSPC, "no room below the ports above: turn 'Above 4G Decoding' and 'Resizable BAR' "
			      "on in the firmware, or boot with pci=realloc");
}

void bars_resize(struct bindings *bindings, const struct binding *binding, struct iov_step *step)
{
	struct iov_bar bars[IOV_BARS + 1];
	char from[IOV_SIZE_TEXT], to[IOV_SIZE_TEXT];

	if (iov_bars_read(bindings->iov, binding->bdf, bars))
		return;
	for (size_t i = 0; i < bindings->size_count; i++) {
		const struct iov_bar_size *wanted = &bindings->sizes[i];
		uint64_t size = is_of(wanted, binding) ? bars[wanted->index].size : wanted->size;

		if (size == wanted->size)
			continue;
		size_text(size, from);
		size_text(wanted->size, to);
		iov_step_change(step, iov_path("bar %u", wanted->index).name, from, to);
		iov_step_do(step, resize_op(binding->bdf, wanted->index, wanted->size));
	}
}

/* Whatever driver it has by then goes first; what it had comes last. */
void bars_undo(struct bindings *bindings, const struct binding *binding, struct iov_step *step)
{
	struct iov_bdf bdf = binding->bdf;
	struct iov_bar bars[IOV_BARS + 1];
	const size_t count = iov_bars_read(bindings->iov, bdf, bars) ? 0 : bindings->size_count;

	iov_step_undo(step, bind_op_override(bdf, binding->driver[0] ? binding->driver : binding->override));
	iov_step_undo(step, iov_op_absent_ok(bind_op_unbind(bdf)));
	for (size_t i = 0; i < count; i++) {
		const struct iov_bar_size *wanted = &bindings->sizes[i];

		if (is_of(wanted, binding) && bars[wanted->index].size != wanted->size)
			iov_step_undo(step, resize_op(bdf, wanted->index, bars[wanted->index].size));
	}
	if (binding->driver[0]) {
		iov_step_undo(step, bind_op_probe(bdf, if_driver(bdf, binding->driver)));
		iov_step_undo(step, bind_op_override(bdf, binding->override));
	}
	iov_step_undone(step, if_bound(bdf, binding->driver));
}

int iov_bar_size_parse(struct iov *iov, struct iov_bdf bdf, const char *text, struct iov_bar_size *size)
{
	if (text[0] >= '0' && text[0] < '0' + IOV_BARS && text[1] == '=' && size_parse(text + 2, &size->size) &&
	    iov_bar_bit(size->size) >= 0) {
		size->bdf = bdf;
		size->index = (unsigned int)(text[0] - '0');
		return 0;
	}
	return iov_fail(iov, -EINVAL, "bar '%s': expected the number of a BAR, 0 to 5, and a power of two from 1M on, "
			"like 1=16G", text);
}
