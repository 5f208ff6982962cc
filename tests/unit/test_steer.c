// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Rules by ethtool at a modelled driver: what is asked of it, in which order. No emulated NIC has
 * such rules; what the drivers of ixgbe, hns3, octeontx2 and bnxt are asked was not tried on hardware.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "plugins/net/steer.h"
#include "plugins/net/steer_rules.h"
#include "tests/unit/test.h"

#define NIC "eth7"
#define SLOTS 8

/* The driver: a table of rules, and all that it was asked. */
static struct {
	struct ethtool_rx_flow_spec rules[SLOTS];
	bool used[SLOTS];
	bool none;		/* it has no rules at all */
	bool chooses;		/* locations */
	bool quiet;		/* tells the size of its table with the rules alone, as igb */
	bool queues_only;	/* refuses VFs, as igb */
	bool full;
	const char *name;	/* refuses what the driver of this name refuses; NULL for none */
	uint32_t features;	/* how many it tells of */
	struct ethtool_get_features_block ntuple;
	char asked[1024];
} driver;

static struct iov *iov;
static struct steer_rules found;

static void note(const char *format, unsigned long long a, unsigned long long b)
{
	size_t length = strlen(driver.asked);

	snprintf(driver.asked + length, sizeof(driver.asked) - length, format, a, b);
}

static unsigned int count_used(void)
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < SLOTS; i++)
		count += driver.used[i];
	return count;
}

static int list(struct ethtool_rxnfc *request)
{
	uint32_t count = 0;

	if (request->rule_cnt < count_used())
		return EMSGSIZE;
	for (uint32_t i = 0; i < SLOTS; i++) {
		if (driver.used[i])
			request->rule_locs[count++] = i;
	}
	request->rule_cnt = count;
	request->data = SLOTS;
	return 0;
}

#define VFS 63

/* From the sources of the drivers: which rules they take, and where. */
static int judge(const struct ethtool_rx_flow_spec *spec)
{
	bool any = spec->location == RX_CLS_LOC_ANY;
	uint64_t vf = ethtool_get_flow_spec_ring_vf(spec->ring_cookie);

	if (!driver.name)
		return 0;
	if (vf > VFS || any != !strcmp(driver.name, "bnxt_en"))
		return EINVAL;
	/* Perfect filters are of IPv4. */
	if (!strcmp(driver.name, "ixgbe"))
		return (spec->flow_type & ~(uint32_t)FLOW_EXT) == ETHER_FLOW ? EINVAL : 0;
	/* Filters of layer 2 have an address, and all bits of the ID of a VLAN. */
	if (!strcmp(driver.name, "bnxt_en"))
		return memcmp(spec->m_u.ether_spec.h_dest, "\xff\xff\xff\xff\xff\xff", 6) ||
		       (spec->flow_type & FLOW_EXT && spec->m_ext.vlan_tci != htons(0xfff)) ? EINVAL : 0;
	return 0;
}

static int insert(const struct ethtool_rxnfc *request)
{
	uint32_t at = request->fs.location;

	note("insert cookie %#llx at %llx; ", request->fs.ring_cookie, at);
	if (judge(&request->fs))
		return judge(&request->fs);
	if (driver.queues_only && request->fs.ring_cookie >= 4)
		return EINVAL;
	for (uint32_t i = 0; driver.chooses && at == RX_CLS_LOC_ANY && i < SLOTS; i++)
		at = driver.used[i] ? at : i;
	if (at >= SLOTS || driver.full)
		return ENOSPC;
	driver.rules[at] = request->fs;
	driver.rules[at].location = at;
	driver.used[at] = true;
	return 0;
}

/* The feature is the last of so many, in the second block of 32 bits. */
#define FEATURES 40

static int tell_feature(void *request)
{
	struct ethtool_sset_info *info = request;
	struct ethtool_gstrings *names = request;
	struct ethtool_gfeatures *features = request;

	if (!driver.features)
		return EOPNOTSUPP;
	if (info->cmd == ETHTOOL_GSSET_INFO) {
		info->data[0] = driver.features;
	} else if (names->cmd == ETHTOOL_GSTRINGS) {
		names->len = driver.features;
		if (driver.features == FEATURES)
			strcpy((char *)names->data + (FEATURES - 1) * ETH_GSTRING_LEN, "rx-ntuple-filter");
	} else {
		assert_int_equal(features->size, 2);
		features->features[0] = (struct ethtool_get_features_block){ UINT32_MAX, 0, UINT32_MAX, 0 };
		features->features[1] = driver.ntuple;
	}
	return 0;
}

static int answer(struct ethtool_rxnfc *request)
{
	switch (request->cmd) {
	case ETHTOOL_GRXRINGS:
		request->data = 4;
		return 0;
	case ETHTOOL_GRXCLSRLCNT:
		request->rule_cnt = count_used();
		request->data = driver.quiet ? 0 : SLOTS;
		if (driver.chooses)
			request->data |= RX_CLS_LOC_SPECIAL;
		return 0;
	case ETHTOOL_GRXCLSRLALL:
		return list(request);
	case ETHTOOL_GRXCLSRULE:
		if (request->fs.location >= SLOTS || !driver.used[request->fs.location])
			return ENOENT;
		request->fs = driver.rules[request->fs.location];
		return 0;
	case ETHTOOL_SRXCLSRLINS:
		return insert(request);
	case ETHTOOL_GSSET_INFO:
	case ETHTOOL_GSTRINGS:
	case ETHTOOL_GFEATURES:
		return tell_feature((void *)request);
	case ETHTOOL_SRXCLSRLDEL:
		note("delete %llu; ", request->fs.location, 0);
		driver.used[request->fs.location] = false;
		return 0;
	}
	return EOPNOTSUPP;
}

/* In place of the kernel's. */
int ioctl(int fd, unsigned long number, ...)
{
	struct ifreq *ifreq;
	va_list arguments;

	(void)fd;
	va_start(arguments, number);
	ifreq = va_arg(arguments, struct ifreq *);
	va_end(arguments);
	assert_int_equal(number, SIOCETHTOOL);
	assert_string_equal(ifreq->ifr_name, NIC);
	errno = driver.none ? EOPNOTSUPP : answer((struct ethtool_rxnfc *)(void *)ifreq->ifr_data);
	return errno ? -1 : 0;
}

static int setup(void **state)
{
	(void)state;
	memset(&driver, 0, sizeof(driver));
	return iov_open(&iov, NULL);
}

static int teardown(void **state)
{
	(void)state;
	iov_close(iov);
	return 0;
}

static struct iov_steer_rule rule_of(const char *mac, const char *vlan, const char *to)
{
	struct iov_steer_rule rule;

	assert_int_equal(iov_steer_parse(iov, mac, vlan, to, &rule), 0);
	return rule;
}

static void assert_asked(const char *wanted)
{
	assert_string_equal(driver.asked, wanted);
	driver.asked[0] = '\0';
}

static void add(const char *mac, const char *vlan, const char *to)
{
	struct iov_steer_rule rule = rule_of(mac, vlan, to);

	assert_int_equal(ntuple_add(NIC, &rule), 0);
}

static void look(void)
{
	memset(&found, 0, sizeof(found));
	assert_int_equal(ntuple_list(NIC, &found), 0);
}

/* From bit 32 on a cookie has the VF, counted from 1. */
static void a_vf_is_in_the_cookie(void **state)
{
	(void)state;
	add("02:00:00:00:00:01", NULL, "vf0");
	assert_asked("insert cookie 0x100000000 at 7; ");
	assert_memory_equal(driver.rules[7].h_u.ether_spec.h_dest, "\2\0\0\0\0\1", 6);
	assert_memory_equal(driver.rules[7].m_u.ether_spec.h_dest, "\xff\xff\xff\xff\xff\xff", 6);
	assert_int_equal(driver.rules[7].flow_type, ETHER_FLOW);
	add("02:00:00:00:00:02", NULL, "vf62");
	assert_asked("insert cookie 0x3f00000000 at 6; ");
	look();
	assert_int_equal(found.count, 2);
	assert_int_equal(found.found[0].rule.to, IOV_STEER_VF);
	assert_int_equal(found.found[0].rule.number, 62);
	assert_int_equal(found.found[1].rule.number, 0);
	assert_int_equal(found.queues, 4);
}

static void a_queue_is_the_cookie(void **state)
{
	(void)state;
	add("02:00:00:00:00:01", NULL, "queue3");
	assert_asked("insert cookie 0x3 at 7; ");
	look();
	assert_int_equal(found.found[0].rule.to, IOV_STEER_QUEUE);
	assert_int_equal(found.found[0].rule.number, 3);
}

static void a_vlan_is_matched_by_its_id(void **state)
{
	(void)state;
	add(NULL, "100", "vf1");
	assert_int_equal(driver.rules[7].flow_type, ETHER_FLOW | FLOW_EXT);
	assert_int_equal(ntohs(driver.rules[7].h_ext.vlan_tci), 100);
	assert_int_equal(ntohs(driver.rules[7].m_ext.vlan_tci), 0xfff);
	add("02:00:00:00:00:01", "4094", "vf1");
	look();
	assert_int_equal(found.count, 2);
	assert_true(found.found[0].rule.has_mac);
	assert_int_equal(found.found[0].rule.vlan, 4094);
	assert_false(found.found[1].rule.has_mac);
	assert_int_equal(found.found[1].rule.vlan, 100);
}

static void a_rule_goes_by_what_it_matches(void **state)
{
	struct iov_steer_rule rule;

	(void)state;
	add("02:00:00:00:00:01", NULL, "vf0");
	add("02:00:00:00:00:01", "7", "vf1");
	add("02:00:00:00:00:02", NULL, "vf2");
	driver.asked[0] = '\0';
	rule = rule_of("02:00:00:00:00:01", "7", NULL);
	assert_int_equal(ntuple_remove(NIC, &rule), 0);
	assert_asked("delete 6; ");
	assert_int_equal(ntuple_remove(NIC, &rule), 0);
	assert_asked("");
	look();
	assert_int_equal(found.count, 2);
}

static void a_driver_may_choose_the_place(void **state)
{
	(void)state;
	driver.chooses = true;
	add("02:00:00:00:00:01", NULL, "vf0");
	assert_asked("insert cookie 0x100000000 at ffffffff; ");
}

static void a_driver_may_tell_its_size_with_its_rules(void **state)
{
	(void)state;
	driver.quiet = true;
	add("02:00:00:00:00:01", NULL, "queue1");
	assert_asked("insert cookie 0x1 at 7; ");
}

/* All have the VF in the same bits; they differ in what they match, and in who chooses the place. */
static void drivers_take_the_rules_that_they_have(void **state)
{
	static const struct {
		const char *name;
		int error[3];	/* for an address, a VLAN, both */
		const char *asked;
	} drivers[] = {
		{ "ixgbe", { -EINVAL, -EINVAL, -EINVAL },
		  "insert cookie 0x400000000 at 7; insert cookie 0x400000000 at 7; insert cookie 0x400000000 at 7; " },
		{ "hns3", { 0, 0, 0 },
		  "insert cookie 0x400000000 at 7; insert cookie 0x400000000 at 6; insert cookie 0x400000000 at 5; " },
		{ "rvu_nicpf", { 0, 0, 0 },
		  "insert cookie 0x400000000 at 7; insert cookie 0x400000000 at 6; insert cookie 0x400000000 at 5; " },
		{ "bnxt_en", { 0, -EINVAL, 0 },
		  "insert cookie 0x400000000 at ffffffff; insert cookie 0x400000000 at ffffffff; "
		  "insert cookie 0x400000000 at ffffffff; " },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(drivers) / sizeof(*drivers); i++) {
		const struct iov_steer_rule rules[] = {
			rule_of("02:00:00:00:00:01", NULL, "vf3"), rule_of(NULL, "100", "vf3"),
			rule_of("02:00:00:00:00:02", "4094", "vf3"),
		};
		unsigned int taken = 0;

		memset(&driver, 0, sizeof(driver));
		driver.name = drivers[i].name;
		driver.chooses = !strcmp(driver.name, "bnxt_en");
		for (size_t n = 0; n < 3; n++) {
			assert_int_equal(ntuple_add(NIC, &rules[n]), drivers[i].error[n]);
			taken += !drivers[i].error[n];
		}
		assert_asked(drivers[i].asked);
		look();
		assert_int_equal(found.count, taken);
		for (size_t n = 0; n < taken; n++) {
			assert_int_equal(found.found[n].rule.to, IOV_STEER_VF);
			assert_int_equal(found.found[n].rule.number, 3);
		}
	}
}

static void other_rules_are_counted_and_left_alone(void **state)
{
	static const struct ethtool_rx_flow_spec others[] = {
		{ .flow_type = TCP_V4_FLOW, .ring_cookie = 1 },
		{ .flow_type = ETHER_FLOW, .m_u.ether_spec.h_proto = 0xffff },
		{ .flow_type = ETHER_FLOW, .m_u.ether_spec.h_dest = { 0xff, 0xff, 0xff } },
		{ .flow_type = ETHER_FLOW, .m_u.ether_spec.h_dest = { 255, 255, 255, 255, 255, 255 },
		  .ring_cookie = RX_CLS_FLOW_DISC },
		{ .flow_type = ETHER_FLOW | FLOW_EXT, .m_ext.data = { 0, 1 } },
	};
	struct iov_steer_rule rule = rule_of("02:00:00:00:00:01", NULL, NULL);

	(void)state;
	for (uint32_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
		driver.rules[i] = others[i];
		driver.rules[i].location = i;
		driver.used[i] = true;
	}
	look();
	assert_int_equal(found.count, 0);
	assert_int_equal(found.others, 5);
	assert_int_equal(ntuple_remove(NIC, &rule), 0);
	assert_asked("");
	add("02:00:00:00:00:01", NULL, "vf0");
	assert_asked("insert cookie 0x100000000 at 7; ");
}

static void what_a_driver_refuses_is_its_error(void **state)
{
	struct iov_steer_rule rule = rule_of("02:00:00:00:00:01", NULL, "vf0");

	(void)state;
	driver.queues_only = true;
	assert_int_equal(ntuple_add(NIC, &rule), -EINVAL);
	driver.queues_only = false;
	driver.full = true;
	assert_int_equal(ntuple_add(NIC, &rule), -ENOSPC);
	memset(driver.used, 1, sizeof(driver.used));
	driver.full = false;
	assert_int_equal(ntuple_add(NIC, &rule), -ENOSPC);
	driver.none = true;
	assert_int_equal(ntuple_add(NIC, &rule), -EOPNOTSUPP);
	assert_int_equal(ntuple_list(NIC, &found), -EOPNOTSUPP);
}

/* What the features say is a hint: without one nobody knows. */
static void features_tell_what_a_driver_will_refuse(void **state)
{
	const uint32_t bit = 1U << (FEATURES - 1) % 32;
	const struct {
		struct ethtool_get_features_block ntuple;
		enum steer_ntuple wanted;
	} cases[] = {
		{ { .available = bit, .active = bit }, STEER_NTUPLE_ON },
		{ { .active = bit, .never_changed = bit }, STEER_NTUPLE_ON },
		{ { .available = bit }, STEER_NTUPLE_OFF },
		{ { .available = bit, .never_changed = bit }, STEER_NTUPLE_NONE },
		{ { .available = ~bit, .active = ~bit }, STEER_NTUPLE_NONE },
	};

	(void)state;
	assert_int_equal(ntuple_feature(NIC), STEER_NTUPLE_UNKNOWN);
	driver.features = FEATURES;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		driver.ntuple = cases[i].ntuple;
		assert_int_equal(ntuple_feature(NIC), cases[i].wanted);
	}
	driver.features = FEATURES - 1;
	assert_int_equal(ntuple_feature(NIC), STEER_NTUPLE_UNKNOWN);
	driver.features = UINT32_MAX;
	assert_int_equal(ntuple_feature(NIC), STEER_NTUPLE_UNKNOWN);
}

static void malformed_rules_are_refused(void **state)
{
	static const struct {
		const char *mac, *vlan, *to, *message;
	} bad[] = {
		{ NULL, NULL, "vf1", "would take every frame" },
		{ "02:00", NULL, "vf1", "mac '02:00': expected six" },
		{ NULL, "0", "vf1", "vlan '0': expected a VLAN ID from 1 to 4094" },
		{ NULL, "4095", "vf1", "vlan '4095'" },
		{ NULL, "1x", "vf1", "vlan '1x'" },
		{ NULL, "", "vf1", "vlan ''" },
		{ NULL, "5", "vf", "to 'vf': expected vf and its index" },
		{ NULL, "5", "vf-1", "to 'vf-1'" },
		{ NULL, "5", "queue99999", "to 'queue99999'" },
		{ NULL, "5", "drop", "to 'drop'" },
	};
	struct iov_steer_rule rule;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		assert_int_equal(iov_steer_parse(iov, bad[i].mac, bad[i].vlan, bad[i].to, &rule), -EINVAL);
		if (!strstr(iov_error_message(iov), bad[i].message))
			fail_msg("'%s' has no '%s'", iov_error_message(iov), bad[i].message);
	}
	rule = rule_of(NULL, "5", "vf 3");
	assert_int_equal(rule.number, 3);
}

static void an_operation_is_read_as_it_is_written(void **state)
{
	struct iov_steer_rule rule = rule_of("02:00:00:00:00:01", "5", "vf3");
	struct iov_bdf bdf = { .bus = 1 };
	struct iov_op *op = iov_op_steer(bdf, 1, true, &rule), *read = NULL;
	_cleanup_json_ struct json_object *json = iov_op_json(op), *again = NULL;
	char text[128];

	(void)state;
	iov_op_describe(op, text, sizeof(text));
	assert_string_equal(text, "add the rule for 02:00:00:00:00:01 in VLAN 5 of 0000:01:00.0 to VF 3");
	assert_int_equal(iov_op_from_json(&read, iov, json), 0);
	again = iov_op_json(read);
	assert_true(json_object_equal(json, again));
	iov_op_free(read);
	iov_op_free(op);
	json_object_object_add(json, "mac", json_object_new_string("nonsense"));
	assert_int_equal(iov_op_from_json(&read, iov, json), -EINVAL);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
	static const struct CMUnitTest tests[] = {
		TEST(a_vf_is_in_the_cookie),
		TEST(a_queue_is_the_cookie),
		TEST(a_vlan_is_matched_by_its_id),
		TEST(a_rule_goes_by_what_it_matches),
		TEST(a_driver_may_choose_the_place),
		TEST(a_driver_may_tell_its_size_with_its_rules),
		TEST(drivers_take_the_rules_that_they_have),
		TEST(other_rules_are_counted_and_left_alone),
		TEST(what_a_driver_refuses_is_its_error),
		TEST(features_tell_what_a_driver_will_refuse),
		TEST(malformed_rules_are_refused),
		TEST(an_operation_is_read_as_it_is_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
