// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A controller: how it starts, what it says of itself, and how it starts again with what it had.
 *
 * A reset leaves the queues with all that was under way, which the controller gets once more: what
 * it did of that already it does twice, to the same end.  Nothing of it has been given back.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "plugins/drivers/nvme_internal.h"

#define ADMIN_ENTRIES 32
#define ADMIN_MS 10000

#define CLASS_NVME 0x010802

/* Pages of a list that is a page itself. */
#define PAGES_MAX 512

bool iov_nvme_is(struct iov *iov, struct iov_bdf bdf)
{
	int64_t class;

	return !iov_pci_number(iov, bdf, "class", &class) && class == CLASS_NVME;
}

const struct iov_nvme_info *iov_nvme_info(const struct iov_nvme *nvme)
{
	return &nvme->info;
}

static volatile uint32_t *reg32(const struct iov_nvme *nvme, unsigned int offset)
{
	return (volatile uint32_t *)((char *)nvme->bus->registers + offset);
}

static void write64(const struct iov_nvme *nvme, unsigned int offset, uint64_t value)
{
	*(volatile uint64_t *)((char *)nvme->bus->registers + offset) = value;
}

bool iov_nvme_is_well(const struct iov_nvme *nvme)
{
	uint32_t status = *reg32(nvme, NVME_CSTS);

	/* One that was away for a moment is not ready any more. */
	return !__atomic_load_n(&nvme->failed, __ATOMIC_ACQUIRE) && status != NVME_GONE &&
	       (status & (NVME_CSTS_READY | NVME_CSTS_FATAL)) == NVME_CSTS_READY;
}

static void set_failed(struct iov_nvme *nvme, bool failed)
{
	__atomic_store_n(&nvme->failed, failed, __ATOMIC_RELEASE);
}

void iov_nvme_tick(struct iov_nvme *nvme)
{
	__atomic_fetch_add(&nvme->ticks, 1, __ATOMIC_RELAXED);
}

void controller_silence(struct iov_nvme *nvme)
{
	nvme->bus->ops->silence(nvme->bus);
	nvme->is_silent = true;
	set_failed(nvme, true);
}

static int refuse_state(struct iov_nvme *nvme, uint32_t status)
{
	return iov_fail_as(nvme->iov, IOV_FAILURE_OTHER, -EIO, "%s: the controller %s (CSTS 0x%x); "
			   "'iov reset %s' may help; a VF has to be online", nvme->bus->name,
			   status == NVME_GONE ? "is gone" : "failed", status, nvme->bus->name);
}

/* CAP.TO is in halves of a second. */
static int wait_ready(struct iov_nvme *nvme, bool ready)
{
	uint64_t end = monotonic_ms() + 500 * ((nvme->cap >> 24 & 0xff) + 1);

	for (;;) {
		uint32_t status = *reg32(nvme, NVME_CSTS);

		if (status == NVME_GONE || (ready && status & NVME_CSTS_FATAL))
			return refuse_state(nvme, status);
		if (!(status & NVME_CSTS_READY) == !ready)
			return 0;
		if (monotonic_ms() > end)
			return iov_fail_as(nvme->iov, IOV_FAILURE_OTHER, -ETIMEDOUT, "%s: the "
					   "controller does not get %s", nvme->bus->name,
					   ready ? "ready" : "to rest");
		nvme->bus->ops->pause(nvme->bus);
	}
}

static int disable(struct iov_nvme *nvme)
{
	*reg32(nvme, NVME_CC) = 0;
	return wait_ready(nvme, false);
}

/* Base 2.0 section 3.5.1; the controller is at rest. */
static int enable(struct iov_nvme *nvme)
{
	pair_reset(nvme, &nvme->admin);
	*reg32(nvme, NVME_AQA) = (ADMIN_ENTRIES - 1) << 16 | (ADMIN_ENTRIES - 1);
	write64(nvme, NVME_ASQ, nvme->admin.iova);
	write64(nvme, NVME_ACQ, pair_completions_iova(&nvme->admin));
	*reg32(nvme, NVME_CC) = NVME_CC_ENTRIES | NVME_CC_ENABLE;
	return wait_ready(nvme, true);
}

static int no_answer(struct iov_nvme *nvme, const char *what)
{
	/* What comes for it yet must not be taken for the answer to the next one. */
	set_failed(nvme, true);
	return iov_fail_as(nvme->iov, IOV_FAILURE_OTHER, -ETIMEDOUT, "%s: %s: no answer from the "
			   "controller", nvme->bus->name, what);
}

/* The end of the one that was asked for; an event may come before. */
static bool take_answer(struct iov_nvme *nvme, struct nvme_completion *done)
{
	if (!pair_take(&nvme->admin, done))
		return false;
	if (done->id != NVME_EVENT_ID)
		return true;
	pair_ack(&nvme->admin);
	events_note(nvme, done);
	return false;
}

int controller_admin(struct iov_nvme *nvme, const struct nvme_command *command, const char *what,
	       uint32_t *result)
{
	uint64_t end = monotonic_ms() + ADMIN_MS;
	struct nvme_completion done;

	if (__atomic_load_n(&nvme->failed, __ATOMIC_ACQUIRE))
		return no_answer(nvme, what);
	pair_put(&nvme->admin, command);
	pair_ring(&nvme->admin);
	while (!take_answer(nvme, &done)) {
		if (monotonic_ms() > end || !iov_nvme_is_well(nvme))
			return no_answer(nvme, what);
		nvme->bus->ops->pause(nvme->bus);
	}
	pair_ack(&nvme->admin);
	if (result)
		*result = done.result;
	if (done.status & NVME_STATUS_MASK)
		return iov_fail_as(nvme->iov, IOV_FAILURE_OTHER, -EIO, "%s: %s: refused with status "
				   "0x%x", nvme->bus->name, what, done.status & NVME_STATUS_MASK);
	return 0;
}

int controller_identify(struct iov_nvme *nvme, unsigned int what, uint32_t nsid, const char *words)
{
	const struct nvme_command command = {
		.opcode = NVME_ADMIN_IDENTIFY,
		.nsid = nsid,
		.data = { nvme->page_iova },
		.words = { what },
	};

	return controller_admin(nvme, &command, words, NULL);
}

static void copy_text(char *to, const uint8_t *from, size_t size)
{
	memcpy(to, from, size);
	while (size && (to[size - 1] == ' ' || !to[size - 1]))
		size--;
	to[size] = '\0';
	/* It is shown, and a controller may say anything. */
	for (size_t i = 0; i < size; i++)
		if (to[i] < ' ' || to[i] > '~')
			to[i] = '?';
}

static int identify(struct iov_nvme *nvme, uint16_t *optional)
{
	const uint8_t *page = nvme->page;
	struct iov_nvme_info *info = &nvme->info;
	uint16_t commands;
	uint32_t lists;
	int error = controller_identify(nvme, NVME_IDENTIFY_CONTROLLER, 0, "identify the controller");

	if (error)
		return error;
	copy_text(info->serial, page + NVME_CONTROLLER_SERIAL, sizeof(info->serial) - 1);
	copy_text(info->model, page + NVME_CONTROLLER_MODEL, sizeof(info->model) - 1);
	memcpy(optional, page + NVME_CONTROLLER_OACS, sizeof(*optional));
	memcpy(&commands, page + NVME_CONTROLLER_ONCS, sizeof(commands));
	memcpy(&lists, page + NVME_CONTROLLER_SGLS, sizeof(lists));
	/* A list of pages fits into a page; what begins within one has one page more. */
	info->transfer_max = page[NVME_CONTROLLER_MDTS] && page[NVME_CONTROLLER_MDTS] < 9
				     ? (uint32_t)(NVME_PAGE << page[NVME_CONTROLLER_MDTS])
				     : (uint32_t)(NVME_PAGE * PAGES_MAX);
	memcpy(&nvme->notices, page + NVME_CONTROLLER_OAES, sizeof(nvme->notices));
	info->has_cache = page[NVME_CONTROLLER_VWC] & 1;
	info->discards = commands & 1 << 2;
	info->zeroes = commands & 1 << 3;
	info->scatters = lists & 3;
	return 0;
}

/* Base 2.0 section 5.27.1.5 */
static int ask_for_queues(struct iov_nvme *nvme)
{
	const unsigned int stride = 4u << (nvme->cap >> 32 & 0xf);
	const unsigned int reached = (IOV_NVME_REGISTERS - NVME_DOORBELLS) / (2 * stride) - 1;
	const unsigned int wanted = reached < IOV_NVME_QUEUES_MAX ? reached : IOV_NVME_QUEUES_MAX;
	const struct nvme_command command = {
		.opcode = NVME_ADMIN_SET_FEATURES,
		.words = { NVME_FEATURE_QUEUES, (wanted - 1) << 16 | (wanted - 1) },
	};
	uint32_t got = 0, least;
	int error;

	if (!reached)
		return iov_fail(nvme->iov, -ENOTSUP, "%s: its doorbells are %u bytes apart, expected "
				"those of a queue within %u bytes", nvme->bus->name, stride,
				IOV_NVME_REGISTERS);
	error = controller_admin(nvme, &command, "ask for queues", &got);
	least = (got & 0xffff) < got >> 16 ? got & 0xffff : got >> 16;
	nvme->info.queues_max = least + 1 < wanted ? least + 1 : wanted;
	return error;
}

static int share_doorbells(struct iov_nvme *nvme)
{
	const struct nvme_command command = {
		.opcode = NVME_ADMIN_DOORBELLS,
		.data = { nvme->shadows_iova, nvme->shadows_iova + NVME_PAGE },
	};

	memset(nvme->shadows, 0, 2 * NVME_PAGE);
	return controller_admin(nvme, &command, "share doorbells", NULL);
}

static void begin_shadows(struct iov_nvme *nvme, uint16_t optional)
{
	if (!(optional & 1 << 8) || nvme->bus->ops->alloc(nvme->bus, 2 * NVME_PAGE, &nvme->shadows,
							  &nvme->shadows_iova))
		return;
	/* Who offers and refuses it does as well without. */
	if (share_doorbells(nvme)) {
		nvme->bus->ops->free(nvme->bus, nvme->shadows, 2 * NVME_PAGE, nvme->shadows_iova);
		nvme->shadows = NULL;
	}
	nvme->info.shadows = nvme->shadows;
}

static int check_capabilities(struct iov_nvme *nvme)
{
	nvme->cap = *(volatile uint64_t *)((char *)nvme->bus->registers + NVME_CAP);
	if (nvme->cap == UINT64_MAX)
		return refuse_state(nvme, NVME_GONE);
	if (nvme->cap >> 48 & 0xf)
		return iov_fail(nvme->iov, -ENOTSUP, "%s: its smallest page has %llu bytes, expected "
				"4096", nvme->bus->name, 4096ull << (nvme->cap >> 48 & 0xf));
	nvme->info.depth_max = nvme->cap & 0xffff;
	if (!nvme->info.depth_max)
		return iov_fail(nvme->iov, -ENOTSUP, "%s: its queues have one entry, expected two or "
				"more", nvme->bus->name);
	if (nvme->info.depth_max > IOV_NVME_DEPTH_MAX)
		nvme->info.depth_max = IOV_NVME_DEPTH_MAX;
	return 0;
}

static int start(struct iov_nvme *nvme)
{
	const struct iov_nvme_bus_ops *ops = nvme->bus->ops;
	uint16_t optional = 0;
	int error = check_capabilities(nvme);

	if (!error)
		error = disable(nvme);
	if (!error)
		error = pair_alloc(nvme, &nvme->admin, 0, ADMIN_ENTRIES, 0);
	if (!error)
		error = ops->alloc(nvme->bus, NVME_PAGE, &nvme->page, &nvme->page_iova);
	if (!error)
		error = enable(nvme);
	if (!error)
		error = identify(nvme, &optional);
	if (!error)
		error = ask_for_queues(nvme);
	if (!error)
		begin_shadows(nvme, optional);
	if (!error)
		events_begin(nvme);
	return error;
}

int iov_nvme_open(struct iov_nvme **out, struct iov *iov, struct iov_nvme_bus *bus)
{
	struct iov_nvme *nvme = calloc(1, sizeof(*nvme));
	int error;

	if (!nvme) {
		bus->ops->close(bus);
		return iov_told(iov, -ENOMEM, "no memory for a driver");
	}
	nvme->iov = iov;
	nvme->bus = bus;
	error = start(nvme);
	if (error) {
		iov_nvme_close(nvme);
		return error;
	}
	*out = nvme;
	return 0;
}

/* The controller rests before memory that it has is taken away. */
void iov_nvme_close(struct iov_nvme *nvme)
{
	const struct iov_nvme_bus_ops *ops;

	if (!nvme)
		return;
	ops = nvme->bus->ops;
	if (disable(nvme))
		controller_silence(nvme);
	if (nvme->admin.commands)
		pair_free(nvme, &nvme->admin);
	ops->free(nvme->bus, nvme->page, NVME_PAGE, nvme->page_iova);
	ops->free(nvme->bus, nvme->shadows, 2 * NVME_PAGE, nvme->shadows_iova);
	ops->close(nvme->bus);
	free(nvme);
}

/* One that does not even come to rest is reset from outside. */
static int bring_to_rest(struct iov_nvme *nvme)
{
	int error;

	if (!nvme->is_silent && *reg32(nvme, NVME_CSTS) != NVME_GONE && !disable(nvme))
		return 0;
	error = nvme->bus->ops->reset(nvme->bus);
	if (error)
		return error;
	nvme->is_silent = false;
	return *reg32(nvme, NVME_CSTS) == NVME_GONE ? refuse_state(nvme, NVME_GONE) : disable(nvme);
}

static int resume_all(struct iov_nvme *nvme)
{
	int error = ask_for_queues(nvme);

	if (!error && nvme->shadows)
		error = share_doorbells(nvme);
	if (!error)
		events_begin(nvme);
	for (unsigned int i = 1; !error && i <= IOV_NVME_QUEUES_MAX; i++)
		if (nvme->queues[i])
			error = queue_resume(nvme->queues[i]);
	return error;
}

int iov_nvme_restart(struct iov_nvme *nvme)
{
	int error = bring_to_rest(nvme);

	set_failed(nvme, error);
	if (!error)
		error = enable(nvme);
	if (!error)
		error = resume_all(nvme);
	if (!error)
		return 0;
	*reg32(nvme, NVME_CC) = 0;
	controller_silence(nvme);
	for (unsigned int i = 1; i <= IOV_NVME_QUEUES_MAX; i++)
		if (nvme->queues[i])
			queue_lose(nvme->queues[i]);
	return error;
}
