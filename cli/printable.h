/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Text for people's terminals, where names are in it that others chose: of processes, of interfaces
 * that a container renamed, whatever a record of another host has.  Control characters, by which a
 * terminal is told what to do, become question marks, and so does what is no UTF-8.
 */
#ifndef IOV_CLI_PRINTABLE_H
#define IOV_CLI_PRINTABLE_H

#include <stdio.h>

/* A copy of a text of one line, which the caller frees; NULL without memory. */
char *cli_printable(const char *text);

/* As fprintf(), for lines: what ends one stays as well.  Colours are written beside it. */
__attribute__((format(printf, 2, 3))) void cli_print(FILE *file, const char *format, ...);

#endif
