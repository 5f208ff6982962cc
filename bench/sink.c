// SPDX-License-Identifier: GPL-2.0-or-later
#include "bench/sink.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "bench/relax.h"

struct sink {
	pthread_t thread;
	bool is_running;
	bool stop;
	bool (*pass)(void *rings);
	void *rings;
};

static void *run(void *arg)
{
	struct sink *sink = arg;
	unsigned int idle = 0;

	while (!__atomic_load_n(&sink->stop, __ATOMIC_RELAXED)) {
		if (sink->pass(sink->rings))
			idle = 0;
		else
			relax(&idle);
	}
	return NULL;
}

int sink_start(struct sink **out, struct iov *iov, bool (*pass)(void *rings), void *rings, int cpu)
{
	struct sink *sink = calloc(1, sizeof(*sink));
	cpu_set_t cpus;
	int error;

	*out = sink;
	if (!sink) {
		free(rings);
		return iov_fail(iov, -ENOMEM, "no memory for the sink");
	}
	sink->pass = pass;
	sink->rings = rings;
	error = pthread_create(&sink->thread, NULL, run, sink);
	if (error)
		return iov_told(iov, -error, "no thread for the sink: %s", strerror(error));
	sink->is_running = true;
	if (cpu < 0)
		return 0;
	CPU_ZERO(&cpus);
	CPU_SET(cpu, &cpus);
	error = pthread_setaffinity_np(sink->thread, sizeof(cpus), &cpus);
	return error ? iov_told(iov, -error, "CPU %d: %s; expected one that this process may use",
				cpu, strerror(error))
		     : 0;
}

void sink_stop(struct sink *sink)
{
	if (!sink)
		return;
	__atomic_store_n(&sink->stop, true, __ATOMIC_RELAXED);
	if (sink->is_running)
		pthread_join(sink->thread, NULL);
	free(sink->rings);
	free(sink);
}
