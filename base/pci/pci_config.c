// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/pci/pci_config.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/pci_regs.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/sysroot/sysdir.h"

/* More than fit in either space, so a list that loops ends. */
#define WALK_MAX (PCI_CFG_SPACE_EXP_SIZE / 4)

bool iov_pci_is_asleep(int dir)
{
	_cleanup_fd_ int port = openat(dir, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
	char state[16];

	return (!iov_dir_read(dir, "power_state", state, sizeof(state)) &&
		!strcmp(state, "D3cold")) ||
	       (!iov_dir_read(port, "power/runtime_status", state, sizeof(state)) &&
		!strcmp(state, "suspended"));
}

int iov_config_open(int dir)
{
	return iov_pci_is_asleep(dir) ? -EHOSTDOWN : iov_dir_open_file(dir, "config");
}

/*
 * A VF reads ones as its IDs, and no function as all of its header, nor as its type; emulated IDs
 * may be there though nothing else is.
 */
static bool is_lost(const struct iov_config *config)
{
	if (config->length > PCI_HEADER_TYPE)
		return (config->bytes[PCI_HEADER_TYPE] & PCI_HEADER_TYPE_MASK) == PCI_HEADER_TYPE_MASK;
	for (size_t i = 0; i < config->length; i++) {
		if (config->bytes[i] != UINT8_MAX)
			return false;
	}
	return config->length;
}

int iov_config_read(struct iov *iov, struct iov_bdf bdf, struct iov_config *config, size_t limit)
{
	_cleanup_fd_ int dir = iov_dir_open(iov, iov_pci_path(bdf, "").name);
	_cleanup_fd_ int fd = dir < 0 ? dir : iov_config_open(dir);
	ssize_t got;

	config->length = 0;
	config->count = 0;
	if (fd < 0)
		return fd;
	while (config->length < limit) {
		got = read(fd, config->bytes + config->length, limit - config->length);
		if (got < 0)
			return -errno;
		if (!got)
			break;
		config->length += (size_t)got;
	}
	if (is_lost(config)) {
		config->length = 0;
		return -ENXIO;
	}
	return limit > IOV_CONFIG_HEADER ? iov_config_scan(config) : 0;
}

uint16_t iov_config_u16(const struct iov_config *config, size_t offset)
{
	const uint8_t *at = config->bytes + offset;

	return offset + 2 <= config->length ? (uint16_t)(at[0] | at[1] << 8) : 0;
}

uint32_t iov_config_u32(const struct iov_config *config, size_t offset)
{
	return iov_config_u16(config, offset) |
	       (uint32_t)iov_config_u16(config, offset + 2) << 16;
}

unsigned int iov_config_find(const struct iov_config *config, unsigned int id, bool extended)
{
	for (size_t i = 0; i < config->count; i++) {
		const struct iov_capability *capability = &config->capabilities[i];

		if (capability->id == id && capability->extended == extended)
			return capability->offset;
	}
	return 0;
}

static uint32_t read_register(int config, unsigned int at)
{
	unsigned char b[4];

	if (pread(config, b, sizeof(b), at) != sizeof(b))
		return 0;
	return b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

static unsigned int seek_conventional(int config, unsigned int id, uint32_t *header)
{
	unsigned int at = read_register(config, PCI_CAPABILITY_LIST) & 0xfc;

	for (int i = 0; i < WALK_MAX && at >= PCI_STD_HEADER_SIZEOF; i++) {
		*header = read_register(config, at);
		if (*header == UINT32_MAX)
			return 0;
		if ((*header & 0xff) == id)
			return at;
		at = *header >> 8 & 0xfc;
	}
	return 0;
}

static unsigned int seek_extended(int config, unsigned int id, uint32_t *header)
{
	unsigned int at = PCI_CFG_SPACE_SIZE;

	for (int i = 0; i < WALK_MAX && at >= PCI_CFG_SPACE_SIZE; i++) {
		*header = read_register(config, at);
		if (!*header || *header == UINT32_MAX)
			return 0;
		if (PCI_EXT_CAP_ID(*header) == id)
			return at;
		at = PCI_EXT_CAP_NEXT(*header);
	}
	return 0;
}

/* A function without capabilities has no pointer to them either. */
unsigned int iov_config_seek(int config, unsigned int id, bool extended, uint32_t *header)
{
	return extended ? seek_extended(config, id, header) :
			  seek_conventional(config, id, header);
}
