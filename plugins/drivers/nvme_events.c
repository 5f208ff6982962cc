// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a controller tells without being asked: Base 2.0 section 5.2.
 *
 * The controller has one command of ours that ends when there is something to tell.  Its completion comes
 * between those of other admin commands, and is known by its number.  What it told about is read then, which
 * lets it tell of the same again, and it gets the next such command: so no more than one event is had by
 * a look, however many a controller makes up.
 */
#include <string.h>

#include "plugins/drivers/nvme_internal.h"

/* Kinds of events, in the lowest bits of what a completion says. */
enum { TYPE_ERROR = 0, TYPE_HEALTH = 1, TYPE_NOTICE = 2 };

/* Notices, in the second byte. */
enum { NOTICE_SPACES = 0, NOTICE_FIRMWARE = 1 };

/* Ticks after which a warning is looked at again, as nobody tells of its end. */
#define WARNING_TICKS 60

static int read_log(struct iov_nvme *nvme, unsigned int log)
{
	static const uint16_t bytes[] = {
		[NVME_LOG_ERRORS] = 64, [NVME_LOG_HEALTH] = 512, [NVME_LOG_FIRMWARE] = 512,
		[NVME_LOG_SPACES] = 4096,
	};
	const unsigned int size = log < sizeof(bytes) / sizeof(*bytes) && bytes[log] ? bytes[log] : 512;
	const struct nvme_command command = {
		.opcode = NVME_ADMIN_GET_LOG,
		.nsid = UINT32_MAX,
		.data = { nvme->page_iova },
		.words = { (size / 4 - 1) << 16 | log },
	};

	memset(nvme->page, 0, size);
	return controller_admin(nvme, &command, "read a log", NULL);
}

static void ask(struct iov_nvme *nvme)
{
	const struct nvme_command command = { .opcode = NVME_ADMIN_ASYNC_EVENT, .id = NVME_EVENT_ID };

	nvme->is_event_asked = true;
	pair_put(&nvme->admin, &command);
	pair_ring(&nvme->admin);
}

void events_begin(struct iov_nvme *nvme)
{
	const uint32_t notices = nvme->notices & (NVME_NOTICE_SPACES | NVME_NOTICE_FIRMWARE);
	const struct nvme_command command = {
		.opcode = NVME_ADMIN_SET_FEATURES,
		.words = { NVME_FEATURE_EVENTS, NVME_WARNINGS | notices },
	};

	nvme->is_event_asked = nvme->has_event = false;
	/* Before it was reset, or before we had it, all may have changed. */
	nvme->heard = IOV_NVME_EVENT_SPACES | IOV_NVME_EVENT_HEALTH;
	/* Who does not tell does all else as well. */
	if (!controller_admin(nvme, &command, "have it tell of events", NULL))
		ask(nvme);
}

void events_note(struct iov_nvme *nvme, const struct nvme_completion *done)
{
	if (!nvme->is_event_asked)
		return;
	nvme->is_event_asked = false;
	/* One that refuses is not asked again. */
	nvme->has_event = !(done->status & NVME_STATUS_MASK);
	nvme->event = done->result;
}

static unsigned int kind_of(uint32_t event)
{
	switch (event & 7) {
	case TYPE_ERROR:
		return IOV_NVME_EVENT_ERROR;
	case TYPE_HEALTH:
		return IOV_NVME_EVENT_HEALTH;
	case TYPE_NOTICE:
		if ((event >> 8 & 0xff) == NOTICE_SPACES)
			return IOV_NVME_EVENT_SPACES;
		return (event >> 8 & 0xff) == NOTICE_FIRMWARE ? IOV_NVME_EVENT_FIRMWARE : 0;
	default:
		return 0;
	}
}

static void read_health(struct iov_nvme *nvme)
{
	uint8_t warnings;

	if (read_log(nvme, NVME_LOG_HEALTH))
		return;
	memcpy(&warnings, nvme->page, sizeof(warnings));
	__atomic_store_n(&nvme->warnings, warnings & NVME_WARNINGS, __ATOMIC_RELAXED);
}

unsigned int iov_nvme_events(struct iov_nvme *nvme)
{
	const bool has_warnings = iov_nvme_warnings(nvme);
	const unsigned int ticks = __atomic_load_n(&nvme->ticks, __ATOMIC_RELAXED);
	struct nvme_completion done;
	unsigned int heard;

	if (!iov_nvme_is_well(nvme))
		return 0;
	if (pair_take(&nvme->admin, &done)) {
		pair_ack(&nvme->admin);
		if (done.id == NVME_EVENT_ID)
			events_note(nvme, &done);
	}
	heard = nvme->heard;
	nvme->heard = 0;
	if (nvme->has_event) {
		const unsigned int log = nvme->event >> 16 & 0xff;

		heard |= kind_of(nvme->event);
		nvme->has_event = false;
		if (log && log != NVME_LOG_HEALTH)
			read_log(nvme, log);
		ask(nvme);
	}
	if (has_warnings && !(ticks % WARNING_TICKS))
		heard |= IOV_NVME_EVENT_HEALTH;
	if (heard & IOV_NVME_EVENT_HEALTH)
		read_health(nvme);
	return heard;
}

uint8_t iov_nvme_warnings(const struct iov_nvme *nvme)
{
	return __atomic_load_n(&nvme->warnings, __ATOMIC_RELAXED);
}
