// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/pci/bar.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/sysroot/sysdir.h"

#define MEBIBYTE_SHIFT 20

/* "0x00000000fc000000 0x00000000fcffffff 0x0000000000040200", a line for each resource. */
static void read_line(const char *line, struct iov_bar *bar)
{
	uint64_t start, end, flags;

	if (sscanf(line, "%" SCNx64 " %" SCNx64 " %" SCNx64, &start, &end, &flags) != 3 || !flags)
		return;
	bar->start = start;
	bar->flags = flags;
	bar->size = end >= start && end ? end - start + 1 : 0;
}

/* A bit for each size that it can have, in hexadecimal. */
static void read_sizes(int dir, unsigned int index, struct iov_bar *bar)
{
	char name[32], text[32];

	snprintf(name, sizeof(name), "resource%u_resize", index);
	if (!iov_dir_read(dir, name, text, sizeof(text)))
		bar->sizes = strtoull(text, NULL, 16);
}

int iov_bars_read(struct iov *iov, struct iov_bdf bdf, struct iov_bar bars[IOV_BARS + 1])
{
	_cleanup_fd_ int dir = iov_dir_open(iov, iov_pci_path(bdf, "").name);
	char text[2048], *rest = text, *line;
	int error;

	memset(bars, 0, (IOV_BARS + 1) * sizeof(*bars));
	if (dir < 0)
		return dir;
	error = iov_dir_read(dir, "resource", text, sizeof(text));
	if (error)
		return error;
	for (unsigned int i = 0; i <= IOV_BAR_ROM && (line = strsep(&rest, "\n")); i++) {
		read_line(line, &bars[i]);
		if (i < IOV_BARS)
			read_sizes(dir, i, &bars[i]);
	}
	return 0;
}

int iov_bar_bit(uint64_t bytes)
{
	int bit = 0;

	if (bytes < 1ull << MEBIBYTE_SHIFT || bytes & (bytes - 1))
		return -1;
	while (1ull << (MEBIBYTE_SHIFT + bit) < bytes)
		bit++;
	return bit;
}
