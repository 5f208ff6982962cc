// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Time goes by as many times as fast as FASTER says, for who asks the monotonic clock, waits in
 * poll(), or has a timer for a moment of that clock: what waits for seconds is gone through in
 * milliseconds.  Linked in with --wrap.
 */
#include <poll.h>
#include <stdint.h>
#include <sys/timerfd.h>
#include <time.h>

#define FASTER 50
#define NS_PER_S INT64_C(1000000000)

int __real_clock_gettime(clockid_t clock, struct timespec *time);
int __wrap_clock_gettime(clockid_t clock, struct timespec *time);
int __real_poll(struct pollfd *files, nfds_t count, int ms);
int __wrap_poll(struct pollfd *files, nfds_t count, int ms);
int __real_timerfd_settime(int fd, int flags, const struct itimerspec *time, struct itimerspec *old);
int __wrap_timerfd_settime(int fd, int flags, const struct itimerspec *time, struct itimerspec *old);

int __wrap_clock_gettime(clockid_t clock, struct timespec *time)
{
	const int error = __real_clock_gettime(clock, time);
	int64_t ns;

	if (error || clock != CLOCK_MONOTONIC)
		return error;
	ns = FASTER * (int64_t)time->tv_nsec;
	time->tv_sec = FASTER * time->tv_sec + ns / NS_PER_S;
	time->tv_nsec = ns % NS_PER_S;
	return 0;
}

int __wrap_poll(struct pollfd *files, nfds_t count, int ms)
{
	return __real_poll(files, count, ms > 0 ? (ms + FASTER - 1) / FASTER : ms);
}

int __wrap_timerfd_settime(int fd, int flags, const struct itimerspec *time, struct itimerspec *old)
{
	struct itimerspec real = *time;
	int64_t ns = real.it_value.tv_sec % FASTER * NS_PER_S + real.it_value.tv_nsec;

	if (flags & TFD_TIMER_ABSTIME) {
		real.it_value.tv_sec /= FASTER;
		real.it_value.tv_nsec = (ns + FASTER - 1) / FASTER;
	}
	return __real_timerfd_settime(fd, flags, &real, old);
}
