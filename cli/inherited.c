// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/inherited.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/sysroot/paths.h"

/* What was opened in this program is closed by exec(2), and what it inherited was not. */
static bool is_inherited(int fd)
{
	int flags = fcntl(fd, F_GETFD);

	return fd > STDERR_FILENO && flags >= 0 && !(flags & FD_CLOEXEC);
}

static bool is_input(int fd)
{
	struct stat status;

	return fstat(fd, &status) ||
	       S_ISREG(status.st_mode) || S_ISDIR(status.st_mode) || S_ISFIFO(status.st_mode);
}

void cli_drop_inherited(void)
{
	DIR *directory = opendir("/" IOV_PATH_PROC_SELF "/fd");
	struct dirent *entry;

	while (directory && (entry = readdir(directory))) {
		int fd = atoi(entry->d_name);

		if (is_inherited(fd) && !is_input(fd))
			close(fd);
	}
	if (directory)
		closedir(directory);
}
