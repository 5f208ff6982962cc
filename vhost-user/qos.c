// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhost-user/qos.h"

void qos_set_rate(struct rate *rate, uint64_t now, double number, uint64_t burst)
{
	static uint64_t epoch;

	if (rate_set(rate, now, number, burst, epoch + 1))
		epoch++;
}

void qos_group_set(struct qos_group *group, uint64_t now, const double limits[QOS_LIMITS],
		   uint64_t burst)
{
	for (unsigned int i = 0; i < QOS_LIMITS; i++)
		qos_set_rate(&group->rates[i], now, limits[i], burst);
}
