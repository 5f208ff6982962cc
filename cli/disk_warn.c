// SPDX-License-Identifier: GPL-2.0-or-later
/* What is allowed, and yet is hardly what somebody wants. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/size.h"
#include "base/sysroot/paths.h"
#include "base/sysroot/sysroot.h"
#include "cli/disk.h"

/* It takes memory as its guest writes, and who has none left ends somebody: iovd, or another one. */
void disk_warn_of_memory(struct cli *cli, uint64_t bytes)
{
	_cleanup_free_ char *text = NULL;
	char wanted[IOV_SIZE_TEXT], there[IOV_SIZE_TEXT];
	const char *line;
	uint64_t available;

	if (iov_sys_read_all(cli->iov, IOV_PATH_MEMINFO, &text, NULL))
		return;
	line = strstr(text, "MemAvailable:");
	if (!line || sscanf(line, "MemAvailable: %" SCNu64, &available) != 1 ||
	    bytes <= available << 10)
		return;
	size_text(bytes, wanted);
	size_text(available >> 10 << 20, there);
	fprintf(stderr, "iov: warning: --memory %s: this host has %s left; when the guest has filled that, "
		"iovd is ended with all its ports and disks, or somebody else is\n", wanted, there);
}

/* How images begin that are more than the bytes of a disk. */
static const struct format {
	const char *name;
	unsigned int offset;
	unsigned int length;
	const char *magic;
} formats[] = {
	{ "qcow2", 0, 4, "QFI\xfb" },
	{ "VMDK", 0, 4, "KDMV" },
	{ "VMDK", 0, 21, "# Disk DescriptorFile" },
	{ "VHDX", 0, 8, "vhdxfile" },
	{ "VHD", 0, 8, "conectix" },
	{ "VDI", 64, 4, "\x7f\x10\xda\xbe" },
	{ "QED", 0, 4, "QED\0" },
	{ "Parallels", 0, 16, "WithoutFreeSpace" },
};

void disk_warn_of_image(const char *path)
{
	char head[68] = { 0 };
	_cleanup_fd_ int fd = -1;
	struct stat status;

	/* To open a device may be to do something, as a watchdog runs then, or take as long as it likes. */
	if (stat(path, &status) || !S_ISREG(status.st_mode))
		return;
	fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0 || pread(fd, head, sizeof(head), 0) < 0)
		return;
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
		if (!memcmp(head + formats[i].offset, formats[i].magic, formats[i].length)) {
			fprintf(stderr, "iov: warning: %s: begins as a %s image, and the guest gets its bytes as they are; "
				"what is in it is served by qemu-storage-daemon, see --nbd in iov-disk(1)\n",
				path, formats[i].name);
			return;
		}
}
