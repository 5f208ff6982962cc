// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/library.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>

static int look_up(struct iov *iov, void *library, const char *file,
		   const struct iov_symbol *symbol)
{
	void *function = dlsym(library, symbol->name);

	if (!function)
		return iov_fail(iov, -ENOPKG, "%s has no %s(); install the version that iovkit was "
				"built for", file, symbol->name);
	memcpy(symbol->pointer, &function, sizeof(function));
	return 0;
}

/* What is loaded stays: dlopen(3) only finds it again. */
int iov_library_load(struct iov *iov, const char *file, const struct iov_symbol *symbols,
		     size_t count)
{
	static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
	void *library = dlopen(file, RTLD_LAZY);
	int error = 0;

	if (!library)
		return iov_fail(iov, -ENOPKG, "cannot load %s: %s; install it", file, dlerror());
	pthread_mutex_lock(&mutex);
	for (size_t i = 0; !error && i < count; i++)
		error = look_up(iov, library, file, &symbols[i]);
	pthread_mutex_unlock(&mutex);
	return error;
}
