// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/pci/pci_config.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/pci_regs.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/context.h"
#include "base/pci/config_facts.h"
#include "base/pci/kind.h"
#include "base/sysroot/ask.h"
#include "base/sysroot/paths.h"
#include "base/sysroot/sysdir.h"

/* More than fit in either space, so a list that loops ends. */
#define WALK_MAX (PCI_CFG_SPACE_EXP_SIZE / 4)
/* So long what the kernel answered is taken for what it will. */
#define SURVEYED_MS 3000
/* And so long what was read of a port counts for all that is below it. */
#define ABOVE_MS 200

/* The port above, or the root complex, which has no state. */
static struct iov_path state_above(struct iov_bdf bdf)
{
	return iov_pci_path(bdf, "../power/runtime_status");
}

static bool is_suspended(struct iov *iov, struct iov_bdf bdf)
{
	char state[16];

	return !iov_sys_read(iov, state_above(bdf).name, state, sizeof(state)) &&
	       !strcmp(state, "suspended");
}

static bool is_in_d3cold(int dir)
{
	char state[16];

	return !iov_dir_read(dir, "power_state", state, sizeof(state)) && !strcmp(state, "D3cold");
}

bool iov_pci_is_asleep(struct iov *iov, struct iov_bdf bdf, int dir)
{
	return is_in_d3cold(dir) || is_suspended(iov, bdf);
}

static int open_config(struct iov *iov, struct iov_bdf bdf, int dir)
{
	return iov_pci_is_asleep(iov, bdf, dir) ? -EHOSTDOWN : iov_dir_open_file(dir, "config");
}

/* The functions of a bus have one port above them, whose state is read once for all of them. */
static bool is_asleep_above(struct iov *iov, struct iov_bdf bdf)
{
	const int64_t now = (int64_t)monotonic_ms();

	if (now >= iov->above.until || iov->above.domain != bdf.domain || iov->above.bus != bdf.bus) {
		iov->above.domain = bdf.domain;
		iov->above.bus = bdf.bus;
		iov->above.asleep = is_suspended(iov, bdf);
		iov->above.until = now + ABOVE_MS;
	}
	return iov->above.asleep;
}

static int open_surveyed(struct iov *iov, struct iov_bdf bdf, int dir)
{
	return is_in_d3cold(dir) || is_asleep_above(iov, bdf) ? -EHOSTDOWN :
								iov_dir_open_file(dir, "config");
}

static bool is_bridge(int dir)
{
	int64_t code = 0;

	iov_dir_read_number(dir, "class", &code);
	return iov_pci_is_called_bridge(dir, (unsigned int)code);
}

/* A VF shares the serial number of its PF, and a bridge has that of the card behind it. */
static void read_facts(struct iov *iov, int dir, bool may_have_serial, struct config_facts *facts)
{
	_cleanup_fd_ int config = open_surveyed(iov, facts->bdf, dir);
	uint32_t header;
	unsigned int at;

	if (config < 0) {
		facts->error = config;
		return;
	}
	if (iov_config_seek(config, PCI_CAP_ID_MSIX, false, &header))
		facts->msix = (header >> (8 * PCI_MSIX_FLAGS) & PCI_MSIX_FLAGS_QSIZE) + 1;
	at = may_have_serial ? iov_config_seek(config, PCI_EXT_CAP_ID_DSN, true, &header) : 0;
	facts->has_serial = at && pread(config, facts->serial, sizeof(facts->serial), at + 4) ==
				  sizeof(facts->serial);
}

static void tell_facts(struct iov *iov, const char *name, bool bridges, FILE *answer)
{
	_cleanup_fd_ int dir = iov_dir_open(iov, iov_path(IOV_PATH_PCI_DEVICES "/%s", name).name);
	struct config_facts facts = { .error = dir < 0 ? dir : 0 };
	bool vf = dir >= 0 && iov_dir_has(dir, "physfn"), bridge = dir >= 0 && !vf && is_bridge(dir);

	iov_bdf_scan(name, &facts.bdf);
	if (dir >= 0 && (bridges || !bridge))
		read_facts(iov, dir, !vf && !bridge, &facts);
	fwrite(&facts, sizeof(facts), 1, answer);
}

static void ask_one(struct iov *iov, const char *name, FILE *answer)
{
	tell_facts(iov, name, true, answer);
}

/* Most who ask about all want nothing of bridges. */
static void ask_survey(struct iov *iov, const char *name, FILE *answer)
{
	tell_facts(iov, name, false, answer);
}

static const char why[] = "its configuration space: it or what is below it is being reset, and a "
			  "driver that hangs in that does so until the host is restarted";
static const struct iov_sys_question question = { ask_one, why }, survey = { ask_survey, why };

static int ask_about(struct iov *iov, const struct iov_sys_question *asked,
		     const struct iov_bdf *list, size_t count, struct config_facts **facts,
		     size_t *told)
{
	_cleanup_free_ struct iov_bdf_text *texts = calloc(count + 1, sizeof(*texts));
	_cleanup_free_ const char **names = calloc(count + 1, sizeof(*names));
	char *answers;
	size_t length;
	int error;

	if (!texts || !names)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		texts[i] = iov_bdf_format(list[i]);
		names[i] = texts[i].text;
	}
	error = iov_sys_ask(iov, asked, names, count, &answers, &length);
	if (error)
		return error;
	*facts = (struct config_facts *)(void *)answers;
	*told = length / sizeof(**facts);
	return 0;
}

int config_survey(struct iov *iov, const struct iov_bdf *list, size_t count, bool vfs,
		  struct config_facts **facts, size_t *told)
{
	int error = ask_about(iov, &survey, list, count, facts, told);

	if (!error)
		*(vfs ? &iov->surveyed_vfs : &iov->surveyed) = (int64_t)monotonic_ms();
	return error;
}

static bool is_recent(int64_t surveyed)
{
	return surveyed && (int64_t)monotonic_ms() <= surveyed + SURVEYED_MS;
}

/* Who asks about one VF after a look at all functions mostly asks about the others as well. */
static void survey_vfs(struct iov *iov)
{
	_cleanup_free_ struct config_facts *facts = NULL;
	_cleanup_free_ struct iov_bdf *list = NULL;
	size_t count, told;

	if (is_recent(iov->surveyed) && !is_recent(iov->surveyed_vfs) && !iov_pci_list(iov, &list, &count) &&
	    !config_survey(iov, list, count, true, &facts, &told))
		iov->surveyed = iov->surveyed_vfs;
}

static int compare_facts(const void *a, const void *b)
{
	return iov_bdf_compare(((const struct config_facts *)a)->bdf,
			       ((const struct config_facts *)b)->bdf);
}

struct config_facts config_facts_of(const struct config_facts *facts, size_t count,
				    struct iov_bdf bdf)
{
	const struct config_facts key = { .bdf = bdf, .error = -ETIMEDOUT };
	const struct config_facts *found = bsearch(&key, facts, count, sizeof(key), compare_facts);

	return found ? *found : key;
}

struct config_facts config_facts(struct iov *iov, struct iov_bdf bdf)
{
	struct config_facts *facts = NULL, found;
	size_t count = 0;

	ask_about(iov, &question, &bdf, 1, &facts, &count);
	found = config_facts_of(facts, count, bdf);
	free(facts);
	return found;
}

/* What answered a moment ago answers. */
static bool is_answered(struct iov *iov, struct iov_bdf bdf, int dir)
{
	const bool vf = iov_dir_has(dir, "physfn");
	const struct said said = iov->said;
	bool answered;

	if (vf)
		survey_vfs(iov);
	if (!is_recent(vf ? iov->surveyed_vfs : iov->surveyed) || (!vf && is_bridge(dir)))
		return config_facts(iov, bdf).error != -ETIMEDOUT;
	answered = !iov_sys_answered(iov, &question, IOV_BDF(bdf));
	iov->said = said;
	return answered;
}

int iov_config_unanswered(struct iov *iov, const struct iov_bdf *bdf)
{
	return iov_sys_answered(iov, &question, bdf ? IOV_BDF(*bdf) : NULL);
}

int iov_config_open(struct iov *iov, struct iov_bdf bdf, int dir)
{
	if (iov_pci_is_asleep(iov, bdf, dir))
		return -EHOSTDOWN;
	return is_answered(iov, bdf, dir) ? open_config(iov, bdf, dir) : -ETIMEDOUT;
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
	_cleanup_fd_ int fd = dir < 0 ? dir : iov_config_open(iov, bdf, dir);
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
	if (offset + 2 > config->length)
		return 0;
	return (uint16_t)(config->bytes[offset] | config->bytes[offset + 1] << 8);
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
