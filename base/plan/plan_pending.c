// SPDX-License-Identifier: GPL-2.0-or-later
/* What a journal says of a change that was interrupted or awaits confirmation, without a look at its operations. */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/plan/plan_engine.h"
#include "base/sysroot/paths.h"

/* No state of the kernel outlives a boot. */
bool journal_is_stale(struct iov *iov, struct json_object *journal)
{
	char boot[64] = "";

	iov_sys_read(iov, IOV_PATH_BOOT_ID, boot, sizeof(boot));
	return strcmp(boot, json_text(journal, "boot")) != 0;
}

size_t journal_count(struct json_object *journal, enum step_state least)
{
	struct json_object *states = json_object_object_get(journal, "states");
	size_t count = 0;

	for (size_t i = 0; i < json_object_array_length(states); i++)
		count += json_object_get_int(json_object_array_get_idx(states, i)) >= (int)least;
	return count;
}

bool journal_is_complete(struct json_object *journal)
{
	size_t count = journal_count(journal, STEP_UNTOUCHED);

	return count && journal_count(journal, STEP_ENDED) == count &&
	       !json_object_object_get_ex(journal, "confirm", NULL);
}

/* What awaits confirmation had all its steps done, so one that is not is being undone. */
static bool is_undone(struct json_object *journal)
{
	struct json_object *states = json_object_object_get(journal, "states");

	return journal_count(journal, STEP_ENDED) < json_object_array_length(states);
}

int64_t journal_left(struct json_object *journal)
{
	struct json_object *awaits;
	int64_t left;

	if (!json_object_object_get_ex(journal, "awaits", &awaits))
		return -1;
	left = json_object_get_int64(awaits) - boot_seconds();
	return left > 0 && !is_undone(journal) ? left : 0;
}

static void copy_member(struct json_object *to, struct json_object *from, const char *key)
{
	json_object_object_add(to, key, json_object_get(json_object_object_get(from, key)));
}

int iov_plan_pending(struct iov *iov, struct json_object **pending)
{
	_cleanup_json_ struct json_object *journal = NULL;
	int error = journal_read(iov, &journal);
	struct json_object *plan;

	*pending = NULL;
	if (error || !journal || journal_is_stale(iov, journal))
		return error;
	plan = json_object_object_get(journal, "plan");
	*pending = json_object_new_object();
	copy_member(*pending, plan, "title");
	copy_member(*pending, plan, "steps");
	json_object_object_add(*pending, "begun", json_object_new_int64(
				       (int64_t)journal_count(journal, STEP_BEGUN)));
	json_object_object_add(*pending, "complete", json_object_new_boolean(journal_is_complete(journal)));
	copy_member(*pending, journal, "pid");
	copy_member(*pending, journal, "time");
	if (journal_left(journal) >= 0)
		json_object_object_add(*pending, "left",
				       json_object_new_int64(journal_left(journal)));
	return 0;
}

int iov_plan_settled(struct iov *iov)
{
	_cleanup_json_ struct json_object *pending = NULL;
	int error = iov_plan_pending(iov, &pending);
	struct json_object *left;

	if (error || !pending)
		return error;
	if (json_object_object_get_ex(pending, "left", &left) && !json_object_get_int64(left))
		return iov_fail(iov, -EBUSY, "the last change is taken back, as nobody confirmed it in "
				"time (%s, %s); 'iov confirm --undo' goes on with that where it stopped",
				json_text(pending, "title"), json_text(pending, "time"));
	if (left)
		return iov_fail(iov, -EBUSY, "the last change awaits confirmation for %s s more (%s, %s); 'iov "
				"confirm' keeps it, 'iov confirm --undo' takes it back",
				json_text(pending, "left"), json_text(pending, "title"),
				json_text(pending, "time"));
	return iov_fail(iov, -EBUSY, "an earlier change was interrupted (%s, pid %s, %s); run 'iov recover' to "
			"undo it, or 'iov recover --finish'", json_text(pending, "title"),
			json_text(pending, "pid"), json_text(pending, "time"));
}
