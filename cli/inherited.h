/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_INHERITED_H
#define CLI_INHERITED_H

/*
 * Close what our caller left open for us that is no input: who has a device open, or was sent one,
 * holds it, and that shall be the caller alone.  Files and pipes stay, as a shell hands those over by
 * /dev/fd, and so do standard streams.
 */
void cli_drop_inherited(void);

#endif
