/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_SIGNALS_H
#define CLI_SIGNALS_H

#include <signal.h>

/*
 * From now on SIGINT, SIGTERM and SIGHUP do not end the process, but are noted for whoever
 * makes a change, who undoes what was done; nor does output that nobody reads.  Those that
 * our caller has us ignore, as nohup(1) does, stay ignored.  Gives where the number of the
 * last one is found, 0 for none.
 */
const volatile sig_atomic_t *cli_note_signals(void);

#endif
