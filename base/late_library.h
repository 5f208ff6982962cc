/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A library that few commands need, and that together with what it brings along takes longer to load
 * than most commands to run.  The first that needs it loads it.
 *
 *	#define FUNCTIONS(X) X(read_new, archive_read_new) X(read_free, archive_read_free)
 *	LATE_LIBRARY(lib, FUNCTIONS);
 *
 *	why = late_library(lib, "libarchive.so.13", "libarchive13");
 *	lib.read_free(lib.read_new());
 */
#ifndef BASE_LATE_LIBRARY_H
#define BASE_LATE_LIBRARY_H

#include <dlfcn.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define LATE_POINTER(name, function) __typeof__(function) *name;
#define LATE_NAME(name, function) #function,

/* Pointers to functions of a library, by the name of that struct. */
#define LATE_LIBRARY(lib, functions) \
	static struct { functions(LATE_POINTER) } lib; \
	static const char *const lib##_names[] = { functions(LATE_NAME) }

/* late_library_load() for what LATE_LIBRARY() has. */
#define late_library(lib, soname, package) \
	late_library_load(soname, package, lib##_names, sizeof(lib##_names) / sizeof(*lib##_names), &(lib))

/**
 * late_library_load - have functions of a library
 * @soname: the library
 * @package: what brings it on Debian
 * @names: functions of it
 * @count: length of @names
 * @functions: receives as many addresses, unless it has them
 *
 * One thread at a time.  The library stays.
 *
 * Return: NULL, or why not and what to do, as words.
 */
static inline const char *late_library_load(const char *soname, const char *package, const char *const *names,
					    size_t count, void *functions)
{
	static char why[256];
	void *library, *function;
	const char *error;

	memcpy(&function, (char *)functions + (count - 1) * sizeof(function), sizeof(function));
	if (function)
		return NULL;
	library = function = dlopen(soname, RTLD_NOW | RTLD_LOCAL);
	for (size_t i = 0; function && i < count; i++) {
		function = dlsym(library, names[i]);
		if (function)
			memcpy((char *)functions + i * sizeof(function), &function, sizeof(function));
	}
	if (function)
		return NULL;
	error = dlerror();
	snprintf(why, sizeof(why), "%s; install the package %s", error ? error : soname, package);
	return why;
}

#endif
