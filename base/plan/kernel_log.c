// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the kernel's log says of a device: drivers tell there why a probe failed.
 *
 * A record is "priority,sequence,microseconds,flags;line", one for each read(2).
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/context.h"
#include "base/plan/plan_engine.h"
#include "base/sysroot/paths.h"

/* Its clock and ours are not quite the same, and the write took its time. */
#define SLACK_MS 2000

static bool is_about(char *record, const char *device, int64_t since, const char **line)
{
	int64_t when;
	char *text = strchr(record, ';');

	if (!text || sscanf(record, "%*u,%*u,%" SCNd64, &when) != 1 || when < since)
		return false;
	text[1 + strcspn(text + 1, "\n")] = '\0';
	*line = text + 1;
	return strstr(*line, device) != NULL;
}

bool kernel_said(struct iov *iov, const char *device, unsigned int milliseconds, char *line,
		 size_t size)
{
	_cleanup_fd_ int fd = iov_sys_open(iov, IOV_PATH_DEV_LOG, O_RDONLY | O_NONBLOCK);
	int64_t since = (int64_t)monotonic_us() - (milliseconds + SLACK_MS) * INT64_C(1000);
	const char *text;
	char record[8192];
	bool found = false;
	ssize_t length;

	if (fd < 0 || !*device)
		return false;
	/* EPIPE: records were overwritten, and the next read goes on behind them. */
	while ((length = read(fd, record, sizeof(record) - 1)) > 0 ||
	       (length < 0 && errno == EPIPE)) {
		record[length < 0 ? 0 : length] = '\0';
		if (is_about(record, device, since, &text)) {
			snprintf(line, size, "%s", text);
			found = true;
		}
	}
	return found;
}
