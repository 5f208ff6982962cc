// SPDX-License-Identifier: GPL-2.0-or-later
/* What is known of a step that the kernel does not answer. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/guard/ask.h"
#include "base/plan/plan_engine.h"
#include "base/sysroot/paths.h"
#include "base/sysroot/writer.h"

/* Append to the functions of a step the VFs of each; @functions is the caller's to free. */
static void add_vfs(struct iov *iov, struct iov_text_list *functions)
{
	for (size_t i = 0, named = functions->count; i < named; i++) {
		const char *device = functions->list[i];
		char vf[32];

		for (unsigned int n = 0; !iov_sys_link_name(iov, iov_path(IOV_PATH_PCI_DEVICES
				"/%s/virtfn%u", device, n).name, vf, sizeof(vf)); n++)
			text_list_append(functions, vf);
	}
}

/* The functions of a step: its devices, and the VFs of each; as many as there is memory for. */
static struct iov_text_list functions_of(struct iov *iov, const struct iov_step *step)
{
	struct iov_text_list functions = { 0 };

	if (step->device)
		text_list_append(&functions, step->device);
	for (size_t i = 0; i < step->touches.count; i++)
		text_list_append(&functions, step->touches.list[i]);
	add_vfs(iov, &functions);
	return functions;
}

void explain_hang(struct iov *iov, const struct iov_step *step)
{
	struct iov_text_list functions = functions_of(iov, step);
	char why[IOV_MESSAGE_SIZE], holder[256] = "";

	explain_stuck(iov);
	snprintf(why, sizeof(why), "%s", iov_error_message(iov));
	if (!find_vfio_holder(iov, functions.list, functions.count, holder, sizeof(holder)))
		snprintf(holder, sizeof(holder), "no process holds it through VFIO");
	iov_names_free(functions.list, functions.count);
	iov_fail(iov, -ETIMEDOUT, "%s; %s", why, holder);
}
