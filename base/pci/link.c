// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/pci/link.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/pci/pci_config.h"
#include "base/sysroot/sysdir.h"

/* One side of the comparison. */
struct rate {
	double speed;
	int64_t width;
};

/* "8.0 GT/s PCIe" and "4" give "8.0 GT/s PCIe x4"; width 0 or 255: no link. */
static bool read_rate(int dir, const char *speed_name, const char *width_name, char *text,
		      size_t size, struct rate *rate)
{
	char speed[64];

	if (iov_dir_read(dir, speed_name, speed, sizeof(speed)) ||
	    iov_dir_read_number(dir, width_name, &rate->width) || rate->width < 1 ||
	    rate->width > 32)
		return false;
	/* 0 for "Unknown", of which nothing is said */
	rate->speed = strtod(speed, NULL);
	snprintf(text, size, "%s x%lld", speed, (long long)rate->width);
	return true;
}

void iov_link_read(struct iov *iov, struct iov_bdf bdf, struct iov_link *link)
{
	_cleanup_fd_ int dir = iov_dir_open(iov, iov_pci_path(bdf, "").name);
	struct rate now, most;
	bool has_now, has_most;

	*link = (struct iov_link){ 0 };
	/* The kernel asks the registers for the link, which wakes the function. */
	if (dir < 0 || iov_pci_is_asleep(iov, bdf, dir))
		return;
	has_now = read_rate(dir, "current_link_speed", "current_link_width", link->now,
			    sizeof(link->now), &now);
	has_most = read_rate(dir, "max_link_speed", "max_link_width", link->most,
			     sizeof(link->most), &most);
	link->slow = has_now && has_most && now.speed > 0 &&
		     (now.speed < most.speed || now.width < most.width);
}
