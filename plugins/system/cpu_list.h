/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lists of CPUs as the kernel writes them, "0-3,8"; for the files of plugins/ alone. */
#ifndef IOV_PLUGINS_SYSTEM_CPU_LIST_H
#define IOV_PLUGINS_SYSTEM_CPU_LIST_H

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

bool cpu_list_valid(const char *list);

/* Whether two lists are of the same CPUs, however they are written. */
bool cpu_list_equal(const char *a, const char *b);

/* Whether all CPUs of @list are in @others. */
bool cpu_list_within(const char *list, const char *others);

/* The first CPU of a list above @cpu, -1 after the last; begin with -1. */
int cpu_list_next(const char *list, int cpu);

#ifdef __cplusplus
}
#endif

#endif
