// SPDX-License-Identifier: GPL-2.0-or-later
/* Signals that ask for the end. */
#include "cli/signals.h"

#include <stddef.h>

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
