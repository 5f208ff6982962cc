// SPDX-License-Identifier: GPL-2.0-or-later
/* What the command gets from its caller besides words: signals and descriptors. */
#include "cli/signals.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static volatile sig_atomic_t noted;

static void note(int number)
{
	noted = number;
}

const volatile sig_atomic_t *cli_note_signals(void)
{
	static const int ends[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction action = { .sa_handler = note, .sa_flags = SA_RESTART }, former;

	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
		if (!sigaction(ends[i], NULL, &former) && former.sa_handler != SIG_IGN)
			sigaction(ends[i], &action, NULL);
	}
	signal(SIGPIPE, SIG_IGN);
	return &noted;
}

void cli_open_standard_files(void)
{
	int fd;

	/* An empty file to read, and one to write to that goes with us; there may be no /dev. */
	do {
		fd = memfd_create("iov", 0);
	} while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd < 0)
		_exit(EXIT_FAILURE);
	close(fd);
}
