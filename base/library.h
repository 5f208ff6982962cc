/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Shared libraries that few commands need.  Loading libkmod and libnvme, with what they
 * bring along for signatures and compression, takes as long as starting the rest of iov;
 * so they are loaded by whoever calls them first.
 */
#ifndef IOV_BASE_LIBRARY_H
#define IOV_BASE_LIBRARY_H

#include <stddef.h>

#include "base/iov.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * struct iov_symbol - a function of a library
 * @name: its name there
 * @pointer: where the pointer to it goes, the address of a variable of its type
 */
struct iov_symbol {
	const char *name;
	void *pointer;
};

/**
 * iov_library_load - load a library, once, and look functions up in it
 * @iov: context, for the message
 * @file: name with version, "libkmod.so.2"
 * @symbols: functions; their pointers are set on success, and the same at each call
 * @count: length of @symbols
 *
 * Thread rule: may be called by several threads; a pointer may be used by those that called
 * this themselves.
 *
 * Return: 0, or -ENOPKG with a message when the library or a function of it is missing.
 */
int iov_library_load(struct iov *iov, const char *file, const struct iov_symbol *symbols,
		     size_t count);

#ifdef __cplusplus
}
#endif

#endif
