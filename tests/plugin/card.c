// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A plugin that has every operation, of the PFs 8086:10c9 and their VFs of a recorded host. What it does to a
 * device is steps of a plan, which a dry run shows.
 */
#include <errno.h>
#include <stdio.h>

#include <plugins/plugin.h>

static bool match(struct iov *iov, struct iov_bdf bdf)
{
	int64_t vendor, device;

	return !iov_pci_number(iov, bdf, "vendor", &vendor) && vendor == 0x8086 &&
	       !iov_pci_number(iov, bdf, "device", &device) && (device == 0x10c9 || device == 0x10ca);
}

static void add_number(struct json_object *object, const char *name, int64_t number)
{
	json_object_object_add(object, name, json_object_new_int64(number));
}

static int describe(struct iov *iov, struct iov_bdf bdf, struct json_object *object)
{
	(void)iov;
	(void)bdf;
	add_number(object, "fans", 2);
	add_number(object, "cooling", 50);
	return 0;
}

static int holders(struct iov *iov, struct iov_bdf bdf, struct json_object *holders)
{
	(void)iov;
	(void)bdf;
	json_object_array_add(holders, json_object_new_string("the card's own management session 3"));
	return 0;
}

static int take(struct iov *iov, struct iov_bdf bdf, struct json_object *properties)
{
	(void)iov;
	(void)bdf;
	json_object_object_add(properties, "x-no-mmap", json_object_new_boolean(true));
	return 0;
}

static int get(struct iov *iov, const struct iov_pf *pf, struct json_object *vfs)
{
	(void)iov;
	(void)pf;
	for (size_t i = 0; i < json_object_array_length(vfs); i++) {
		struct json_object *vf = json_object_array_get_idx(vfs, i);

		add_number(vf, "weight", 10);
		add_number(vf, "slices", 1);
		json_object_object_add(vf, "profile", json_object_new_string("small"));
	}
	return 0;
}

static unsigned int speed(struct iov *iov, const struct iov_pf *pf)
{
	(void)iov;
	(void)pf;
	return 1000;
}

static int set(struct iov *iov, const struct iov_pf *pf, unsigned int index, const char *attribute,
	       struct json_object *target, char *answer, size_t size)
{
	(void)iov;
	(void)pf;
	(void)index;
	(void)attribute;
	(void)target;
	snprintf(answer, size, "a recorded card takes nothing");
	return -EROFS;
}

/* A large one weighs something. */
static int judge(struct iov *iov, struct json_object *now, struct json_object *wanted)
{
	struct json_object *profile = json_object_object_get(wanted, "profile");
	struct json_object *weight = json_object_object_get(wanted, "weight");

	if (!profile || json_object_get_string(profile)[0] != 'l')
		return 0;
	if (json_object_get_int64(weight ? weight : json_object_object_get(now, "weight")) < 5)
		return iov_fail(iov, -EINVAL, "profile large needs a weight of 5 or more");
	return 0;
}

static void add_step(struct iov_plan *plan, const struct iov_pf *pf, const char *what, unsigned int n)
{
	struct iov_step *step = iov_plan_step(plan, IOV_BDF(pf->bdf), "card: %s %u", what, n);

	iov_step_spares(step, "it is the card's own");
	iov_vf_touches(step, pf, pf->count);
	iov_step_do(step, iov_op_write(iov_path("sys/card/%s", what).name, iov_path("%u", n).name));
	iov_step_undo(step, iov_op_write(iov_path("sys/card/%s", what).name, "0"));
}

static int prepare(struct iov_plan *plan, const struct iov_pf *pf, unsigned int count,
		   struct json_object *each)
{
	(void)each; /* it has nothing early */
	if (pf->count != count)
		add_step(plan, pf, "prepare", count);
	return 0;
}

static int finish(struct iov_plan *plan, const struct iov_pf *pf, unsigned int count)
{
	if (pf->count != count)
		add_step(plan, pf, "finish", count);
	return 0;
}

static int provision(struct iov_plan *plan, const struct iov_pf *pf, struct json_object *vfs,
		     struct json_object *each, unsigned int flags)
{
	(void)flags;
	(void)vfs;
	for (unsigned int i = 0; i < json_object_array_length(each); i++) {
		struct json_object *slices =
			json_object_object_get(json_object_array_get_idx(each, i), "slices");

		if (slices)
			add_step(plan, pf, "provision", (unsigned int)json_object_get_int(slices));
	}
	return 0;
}

static void restore(struct iov *iov, struct iov_step *step, const struct iov_pf *pf,
		    struct json_object *vfs)
{
	(void)iov;
	(void)pf;
	iov_step_undo(step, iov_op_write("sys/card/restore", json_object_to_json_string(vfs)));
}

static int release(struct iov_plan *plan, const struct iov_pf *pf)
{
	add_step(plan, pf, "release", pf->count);
	return 0;
}

static const char *const profiles[] = { "small", "large", NULL };

static const struct iov_attribute attributes[] = {
	{ "weight", IOV_ATTRIBUTE_NUMBER, .min = 1, .max = 100, .unit = "%" },
	{ "profile", IOV_ATTRIBUTE_CHOICE, .choices = profiles },
	{ "slices", IOV_ATTRIBUTE_NUMBER, IOV_ATTRIBUTE_PROVISIONED, .max = 8 },
	{ "cooling", IOV_ATTRIBUTE_NUMBER, IOV_ATTRIBUTE_OWN, .min = -20, .max = 100, .unit = "%" },
	{ 0 },
};

static const struct iov_class card_class = {
	.name = CARD_CLASS,
	.title = "cards of the test",
	.attributes = attributes,
	.match = match,
	.describe = describe,
	.holders = holders,
	.take = take,
	.get = get,
	.speed = speed,
	.set = set,
	.judge = judge,
	.prepare = prepare,
	.finish = finish,
	.provision = provision,
	.restore = restore,
	.release = release,
};

static const struct iov_class *const classes[] = { &card_class, NULL };

IOV_PLUGIN(.name = "card", .version = "3.1", .classes = classes);
