// SPDX-License-Identifier: GPL-2.0-or-later
/* What is known of a step whose write the kernel does not answer. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/guard/ask.h"
#include "base/plan/plan_engine.h"
#include "base/sysroot/paths.h"

#define FRAMES 3

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

/* Where in the kernel a process waits: "vfio_unregister_group_dev, vfio_pci_core_..." */
static void kernel_stack(struct iov *iov, pid_t pid, char *text, size_t size)
{
	char stack[1024], *rest = stack, *frame;
	size_t length = 0;

	*text = '\0';
	if (iov_sys_read(iov, iov_path(IOV_PATH_PROC "/%d/stack", (int)pid).name, stack,
			 sizeof(stack)) || !*stack) {
		iov_sys_read(iov, iov_path(IOV_PATH_PROC "/%d/wchan", (int)pid).name, text, size);
		return;
	}
	for (int i = 0; i < FRAMES && length < size && (frame = strsep(&rest, "\n")); i++) {
		/* "[<0>] vfio_unregister_group_dev+0xa2/0x130 [vfio]" */
		frame += strcspn(frame, " ") + (strchr(frame, ' ') != NULL);
		length += (size_t)snprintf(text + length, size - length, "%s%.*s", i ? ", " : "",
					   (int)strcspn(frame, "+"), frame);
	}
}

void explain_hang(struct iov *iov, const struct iov_step *step)
{
	struct iov_text_list functions = functions_of(iov, step);
	char holder[256] = "", stack[256] = "", child[320] = "";

	if (!find_vfio_holder(iov, functions.list, functions.count, holder, sizeof(holder)))
		snprintf(holder, sizeof(holder), "no process holds it through VFIO");
	if (iov->stuck) {
		kernel_stack(iov, iov->stuck, stack, sizeof(stack));
		snprintf(child, sizeof(child), "; pid %d, which makes the write, waits in the "
			 "kernel%s%s", (int)iov->stuck, *stack ? " in " : "", stack);
	}
	iov_names_free(functions.list, functions.count);
	iov_fail(iov, -ETIMEDOUT, "%s; %s%s", iov_error_message(iov), holder, child);
}
