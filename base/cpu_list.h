/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lists of CPUs as the kernel writes them, "0-3,8". */
#ifndef IOV_BASE_CPU_LIST_H
#define IOV_BASE_CPU_LIST_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * iov_cpu_list_valid - whether a text is a list of CPUs
 * @list: text
 *
 * Return: false for an empty list as well, and for numbers that no kernel can have.
 */
bool iov_cpu_list_valid(const char *list);

/**
 * iov_cpu_list_equal - whether two lists are of the same CPUs, however they are written
 * @a: list
 * @b: the other one
 */
bool iov_cpu_list_equal(const char *a, const char *b);

/**
 * iov_cpu_list_within - whether all CPUs of a list are in another one
 * @list: list
 * @others: where they are looked for
 */
bool iov_cpu_list_within(const char *list, const char *others);

/**
 * iov_cpu_list_without - the CPUs of a list that are not in another one
 * @list: list
 * @others: those to leave out
 * @rest: receives the list, "" for none; another buffer than @list
 * @size: bytes at @rest
 */
void iov_cpu_list_without(const char *list, const char *others, char *rest, size_t size);

/**
 * iov_cpu_list_next - go through the CPUs of a list, in ascending order
 * @list: list
 * @cpu: the last one seen, -1 to begin
 *
 * Return: the first CPU above @cpu, or -1 after the last.
 */
int iov_cpu_list_next(const char *list, int cpu);

#ifdef __cplusplus
}
#endif

#endif
