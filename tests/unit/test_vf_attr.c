// SPDX-License-Identifier: GPL-2.0-or-later
/* Attributes of VFs: reading what people write, setting, putting back, netlink's list. */
#include "tests/unit/test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/plan/plan.h"
#include "plugins/net/net.h"
#include "sriov/vf.h"
#include "tests/unit/pf_model.h"
#include "tests/unit/said.h"
#include "tests/unit/tree.h"

static struct json_object *values;
static unsigned int vf_index;
static int vf_port;

static int setup(void **state)
{
	pf_model_setup(state);
	pf_model_create(3);
	values = json_object_new_object();
	vf_index = 0;
	vf_port = -1;
	return 0;
}

static int teardown(void **state)
{
	json_object_put(values);
	return pf_model_teardown(state);
}

static void want(const char *name, const char *text)
{
	assert_int_equal(iov_vf_attribute_parse(model.iov, name, text, values), 0);
}

static int build_set(struct iov_plan *plan)
{
	return iov_vf_set_plan(plan, model.pf, vf_port, vf_index, values);
}

#define assert_message(part) assert_said(model.iov, part)

static void assert_attribute(unsigned int index, const char *name, const char *expected)
{
	char text[32];

	pf_model_attribute(index, name, text, sizeof(text));
	assert_string_equal(text, expected);
}

static void values_are_read_as_people_write_them(void **state)
{
	(void)state;
	want("mac", "02:AA:bb:00:00:01");
	want("node_guid", "02:AA:00:00:00:00:00:01");
	want("vlan", "4094");
	want("qos", "7");
	want("spoofchk", "on");
	want("trust", "No");
	want("rss_query", "1");
	want("max_rate", "1000");
	want("link_state", "auto");
	want("vlan_protocol", "802.1AD");
	assert_string_equal(json_object_to_json_string_ext(values, JSON_C_TO_STRING_PLAIN),
			    "{\"mac\":\"02:aa:bb:00:00:01\",\"node_guid\":\"02:aa:00:00:00:00:00:01\",\"vlan\":4094,\"qos\":7,"
			    "\"spoofchk\":true,\"trust\":false,\"rss_query\":true,\"max_rate\":1000,"
			    "\"link_state\":\"auto\",\"vlan_protocol\":\"802.1ad\"}");
}

/* As mlx4 and MANA have them: the VFs of one function have attributes of each of its ports. */
static void attributes_are_of_the_port_that_is_named(void **state)
{
	_cleanup_json_ struct json_object *first = NULL, *second = NULL;
	char text[32];

	(void)state;
	want("vlan", "7");
	vf_port = 1;
	assert_int_equal(pf_model_run(build_set), 0);
	assert_attribute(0, "vlan", "0");
	assert_int_equal(iov_sys_read(model.iov, "class/port1/0/vlan", text, sizeof(text)), 0);
	assert_string_equal(text, "7");
	assert_int_equal(iov_vf_list(model.iov, model.pf, -1, &first), 0);
	assert_int_equal(iov_vf_list(model.iov, model.pf, 1, &second), 0);
	assert_null(strstr(json_object_to_json_string(first), "\"vlan\": 7"));
	assert_non_null(strstr(json_object_to_json_string(second), "\"vlan\": 7"));
}

static void malformed_values_are_refused_with_what_was_expected(void **state)
{
	static const struct {
		const char *name, *text, *message;
	} bad[] = {
		{ "mac", "02:00:00:00:00", "six hexadecimal bytes" },
		{ "mac", "02:00:00:00:00:0g", "six hexadecimal bytes" },
		{ "mac", "02:00:00:00:00:01:02", "six hexadecimal bytes" },
		{ "mac", "02-00-00-00-00-01", "six hexadecimal bytes" },
		{ "mac", "0:00:00:00:00:0001", "six hexadecimal bytes" },
		{ "mac", "01:00:5e:00:00:01", "multicast" },
		{ "mac", "ff:ff:ff:ff:ff:ff", "multicast" },
		{ "mac", "00:00:00:00:00:00", "zero address" },
		{ "node_guid", "02:00:00:00:00:01", "eight hexadecimal bytes" },
		{ "port_guid", "02:00:00:00:00:00:00:0g", "eight hexadecimal bytes" },
		{ "port_guid", "00:00:00:00:00:00:00:00", "eight hexadecimal bytes" },
		{ "vlan", "4095", "1 to 4094" },
		{ "vlan", "-1", "1 to 4094" },
		{ "vlan", "", "1 to 4094" },
		{ "vlan", "1x", "1 to 4094" },
		{ "qos", "8", "0 to 7" },
		{ "spoofchk", "maybe", "on or off" },
		{ "trust", "2", "on or off" },
		{ "max_rate", "99999999999999999999", "max-rate" },
		{ "max_rate", "4294967296", "Mbit/s" },
		{ "link_state", "up", "'enable'" },
		{ "vlan_protocol", "802.1x", "'802.1ad'" },
		{ "colour", "", "colour" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		assert_int_equal(
			iov_vf_attribute_parse(model.iov, bad[i].name, bad[i].text, values),
			-EINVAL);
		assert_message(bad[i].message);
		assert_message(bad[i].text);
	}
	assert_int_equal(json_object_object_length(values), 0);
}

/* A driver that is there goes on with the address that it has read. */
static void one_with_a_driver_is_set_late(void **state)
{
	(void)state;
	pf_model_create(0);
	pf_model_create(1);
	vf_index = 0;
	want("mac", "02:00:00:00:00:01");
	assert_int_equal(pf_model_run(build_set), 0);
	assert_int_equal(model.late, 1);
}

static void only_what_differs_is_set(void **state)
{
	(void)state;
	vf_index = 2;
	want("mac", "02:00:00:00:00:01");
	want("vlan", "0");
	want("trust", "on");
	assert_int_equal(pf_model_run(build_set), 0);
	assert_int_equal(model.sets, 2);
	assert_attribute(2, "mac", "02:00:00:00:00:01");
	assert_attribute(2, "trust", "1");
	assert_attribute(0, "trust", "0");
	assert_int_equal(pf_model_run(build_set), 0);
	assert_int_equal(model.sets, 2);
}

static void a_refused_attribute_puts_the_others_back(void **state)
{
	_cleanup_free_ char *before = NULL, *after = NULL;

	(void)state;
	tree_file(model.tree, "class/0/mac", "02:00:00:00:00:09");
	before = pf_model_state();
	want("mac", "02:00:00:00:00:01");
	want("max_rate", "100");
	want("trust", "on");
	model.refuse = "max_rate";
	assert_int_equal(pf_model_run(build_set), -EOPNOTSUPP);
	assert_message("driver igb has no max-rate");
	assert_message("not on this port");
	after = pf_model_state();
	assert_string_equal(before, after);
}

static void a_mac_that_was_never_set_may_stay(void **state)
{
	(void)state;
	want("mac", "02:00:00:00:00:01");
	want("trust", "on");
	model.refuse = "trust";
	assert_int_equal(pf_model_run(build_set), -EOPNOTSUPP);
	assert_attribute(0, "mac", "00:00:00:00:00:00");
}

static void an_attribute_that_does_not_stick_is_reported(void **state)
{
	(void)state;
	want("trust", "on");
	want("vlan", "5");
	model.ignore = "trust";
	assert_int_equal(pf_model_run(build_set), -EIO);
	assert_message("reads back");
	assert_attribute(0, "vlan", "0");
}

static void a_vlan_that_goes_takes_its_priority_along(void **state)
{
	(void)state;
	tree_file(model.tree, "class/0/vlan", "100");
	tree_file(model.tree, "class/0/qos", "3");
	want("vlan", "0");
	assert_int_equal(pf_model_run(build_set), 0);
	assert_attribute(0, "qos", "0");
}

static void what_cannot_be_is_refused_before_anything_is_set(void **state)
{
	(void)state;
	vf_index = 3;
	want("vlan", "1");
	assert_int_equal(pf_model_run(build_set), -ENODEV);
	assert_message("from 0 to 2");
	vf_index = 0;
	want("link_state", "enable");
	assert_int_equal(pf_model_run(build_set), -EOPNOTSUPP);
	assert_message("link-state");
	json_object_object_del(values, "link_state");
	tree_file(model.tree, "class/0/max_rate", "100");
	want("min_rate", "200");
	assert_int_equal(pf_model_run(build_set), -EINVAL);
	assert_message("min-rate 200 is above max-rate 100");
	pf_model_create(0);
	assert_int_equal(pf_model_run(build_set), -ENODEV);
	assert_message("iov vf create");
	assert_int_equal(model.sets, 0);
}

static int build_each(struct iov_plan *plan)
{
	return iov_vf_set_each_plan(plan, model.pf, -1, json_object_object_get(values, "each"), 0);
}

static void want_each(const char *text)
{
	json_object_object_add(values, "each", json_tokener_parse(text));
}

#define MAC_A "02:00:00:00:00:0a"
#define MAC_B "02:00:00:00:00:0b"

static void an_address_is_of_one_vf(void **state)
{
	(void)state;
	tree_file(model.tree, "class/1/mac", MAC_A);
	tree_file(model.tree, "class/2/mac", MAC_A);
	want("mac", MAC_A);
	assert_int_equal(pf_model_run(build_set), -EINVAL);
	assert_message("mac " MAC_A ": VF 1 of 0000:01:00.0 has it");
	want_each("[{\"mac\": \"" MAC_B "\"}, {}, {\"mac\": \"" MAC_B "\"}]");
	assert_int_equal(pf_model_run(build_each), -EINVAL);
	assert_message("mac " MAC_B ": VF 2 of 0000:01:00.0 has it");
	assert_int_equal(model.sets, 0);
	/* What is so already is nobody's mistake of now. */
	want_each("[{}, {\"mac\": \"" MAC_A "\"}]");
	assert_int_equal(pf_model_run(build_each), 0);
	/* And what one gives up another may have. */
	tree_file(model.tree, "class/2/mac", MAC_B);
	want_each("[{}, {\"mac\": \"" MAC_B "\"}, {\"mac\": \"" MAC_A "\"}]");
	assert_int_equal(pf_model_run(build_each), 0);
	assert_attribute(1, "mac", MAC_B);
	assert_attribute(2, "mac", MAC_A);
}

static void a_rate_above_the_link_is_refused_before_anything_is_set(void **state)
{
	static const char *const rates[] = { "max_rate", "min_rate" };

	(void)state;
	tree_file(model.tree, "class/speed", "1000");
	for (size_t i = 0; i < sizeof(rates) / sizeof(*rates); i++) {
		want(rates[i], "1001");
		assert_int_equal(pf_model_run(build_set), -EINVAL);
		assert_message("-rate 1001: the link of 0000:01:00.0 has 1000 Mbit/s; expected 1 to 1000, or 0");
		json_object_object_del(values, rates[i]);
	}
	assert_int_equal(model.sets, 0);
	want("max_rate", "1000");
	assert_int_equal(pf_model_run(build_set), 0);
	/* What a VF has already stays, whatever the link became. */
	tree_file(model.tree, "class/speed", "100");
	want("trust", "on");
	assert_int_equal(pf_model_run(build_set), 0);
	/* A link that is down tells nothing. */
	tree_file(model.tree, "class/speed", "0");
	want("max_rate", "40000");
	assert_int_equal(pf_model_run(build_set), 0);
}

static void put_vf(struct nl_msg *message, uint32_t index)
{
	struct ifla_vf_mac mac = { .vf = index, .mac = { 2, 0, 0, 0, (uint8_t)(index >> 8),
							 (uint8_t)index } };
	struct ifla_vf_vlan vlan = { index, index, 3 };
	struct ifla_vf_rate rate = { index, 10, 20 };
	struct ifla_vf_spoofchk spoofchk = { index, 1 };
	struct ifla_vf_trust trust = { index, UINT32_MAX };
	struct ifla_vf_rss_query_en query = { index, 1 };
	struct ifla_vf_link_state link = { index, IFLA_VF_LINK_STATE_DISABLE };
	struct ifla_vf_vlan_info tag = { index, index, 3, htons(ETH_P_8021AD) };
	struct ifla_vf_guid guid = { index, 0x0200000000000000ULL | index };
	struct nlattr *info = nla_nest_start(message, IFLA_VF_INFO), *tags;

	nla_put(message, IFLA_VF_MAC, sizeof(mac), &mac);
	nla_put(message, IFLA_VF_VLAN, sizeof(vlan), &vlan);
	nla_put(message, IFLA_VF_RATE, sizeof(rate), &rate);
	nla_put(message, IFLA_VF_SPOOFCHK, sizeof(spoofchk), &spoofchk);
	nla_put(message, IFLA_VF_TRUST, sizeof(trust), &trust);
	nla_put(message, IFLA_VF_RSS_QUERY_EN, sizeof(query), &query);
	nla_put(message, IFLA_VF_LINK_STATE, sizeof(link), &link);
	nla_put(message, IFLA_VF_IB_PORT_GUID, sizeof(guid), &guid);
	tags = nla_nest_start(message, IFLA_VF_VLAN_LIST);
	nla_put(message, IFLA_VF_VLAN_INFO, sizeof(tag), &tag);
	nla_nest_end(message, tags);
	nla_nest_end(message, info);
}

static struct nl_msg *link_message(unsigned int count)
{
	struct ifinfomsg link = { .ifi_index = 2 };
	struct nl_msg *message = nlmsg_alloc_size(1 << 17);
	struct nlattr *list;

	nlmsg_put(message, 0, 0, RTM_NEWLINK, 0, 0);
	nlmsg_append(message, &link, sizeof(link), NLMSG_ALIGNTO);
	nla_put_string(message, IFLA_IFNAME, "eth0");
	list = nla_nest_start(message, IFLA_VFINFO_LIST);
	for (unsigned int i = 0; i < count; i++)
		put_vf(message, i);
	nla_nest_end(message, list);
	return message;
}

static struct json_object *empty_vfs(unsigned int count)
{
	struct json_object *vfs = json_object_new_array();

	for (unsigned int i = 0; i < count; i++)
		json_object_array_add(vfs, json_object_new_object());
	return vfs;
}

static void the_kernels_list_of_256_vfs_is_read(void **state)
{
	_cleanup_json_ struct json_object *vfs = empty_vfs(256);
	struct nl_msg *message = link_message(256);

	(void)state;
	assert_int_equal(net_parse_vfs(nlmsg_hdr(message), vfs), 256);
	assert_string_equal(
		json_object_to_json_string_ext(json_object_array_get_idx(vfs, 255),
					       JSON_C_TO_STRING_PLAIN),
		"{\"mac\":\"02:00:00:00:00:ff\",\"port_guid\":\"02:00:00:00:00:00:00:ff\","
		"\"vlan\":255,\"qos\":3,"
		"\"vlan_protocol\":\"802.1ad\",\"spoofchk\":true,\"trust\":null,"
		"\"rss_query\":true,\"link_state\":\"disable\",\"max_rate\":20,"
		"\"min_rate\":10}");
	nlmsg_free(message);
}

static void vfs_beyond_those_asked_for_are_ignored(void **state)
{
	_cleanup_json_ struct json_object *vfs = empty_vfs(1);
	struct nl_msg *message = link_message(3);

	(void)state;
	assert_int_equal(net_parse_vfs(nlmsg_hdr(message), vfs), 3);
	assert_int_equal(json_object_array_length(vfs), 1);
	nlmsg_free(message);
}

/* As kernels tell it of more VFs than the length of an attribute can hold. */
static void a_list_whose_length_overflowed_is_read(void **state)
{
	_cleanup_json_ struct json_object *vfs = empty_vfs(300);
	struct nl_msg *message = nlmsg_alloc_size(200000);
	struct ifinfomsg link = { .ifi_index = 2 };
	struct nlattr *list, *nest;

	(void)state;
	nlmsg_put(message, 0, 0, RTM_NEWLINK, 0, 0);
	nlmsg_append(message, &link, sizeof(link), NLMSG_ALIGNTO);
	nla_put_u32(message, IFLA_NUM_VF, 300);
	list = nla_nest_start(message, IFLA_VFINFO_LIST);
	for (uint32_t i = 0; i < 300; i++) {
		struct ifla_vf_mac mac = { .vf = i };
		struct nlattr *info = nla_nest_start(message, IFLA_VF_INFO);

		nla_put(message, IFLA_VF_MAC, sizeof(mac), &mac);
		nla_put(message, IFLA_VF_BROADCAST, 100, (char[100]){ 0 });
		nest = nla_nest_start(message, IFLA_VF_STATS);
		nla_put_u64(message, IFLA_VF_STATS_RX_PACKETS, 1000 + i);
		nla_put_u64(message, IFLA_VF_STATS_TX_DROPPED, i);
		nla_put_u32(message, IFLA_VF_STATS_TX_BYTES, 5);
		nla_nest_end(message, nest);
		nla_nest_end(message, info);
	}
	list->nla_len = (uint16_t)((char *)nlmsg_tail(nlmsg_hdr(message)) - (char *)list);
	nla_put_u32(message, IFLA_EXT_MASK, 1);
	assert_int_equal(net_parse_vfs(nlmsg_hdr(message), vfs), 300);
	assert_string_equal(
		json_object_to_json_string_ext(json_object_array_get_idx(vfs, 299), JSON_C_TO_STRING_PLAIN),
		"{\"mac\":\"00:00:00:00:00:00\",\"statistics\":{\"rx_packets\":1299,\"tx_dropped\":299}}");
	nlmsg_free(message);
}

static void attributes_too_short_to_be_true_are_ignored(void **state)
{
	_cleanup_json_ struct json_object *vfs = empty_vfs(1);
	struct ifinfomsg link = { .ifi_index = 2 };
	struct nl_msg *message = nlmsg_alloc();
	struct nlattr *list, *info;
	uint32_t index = 0;

	(void)state;
	nlmsg_put(message, 0, 0, RTM_NEWLINK, 0, 0);
	nlmsg_append(message, &link, sizeof(link), NLMSG_ALIGNTO);
	list = nla_nest_start(message, IFLA_VFINFO_LIST);
	info = nla_nest_start(message, IFLA_VF_INFO);
	nla_put(message, IFLA_VF_MAC, sizeof(index), &index);
	nla_nest_end(message, info);
	nla_nest_end(message, list);
	net_parse_vfs(nlmsg_hdr(message), vfs);
	assert_int_equal(json_object_object_length(json_object_array_get_idx(vfs, 0)), 0);
	nlmsg_free(message);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(values_are_read_as_people_write_them),
		TEST(malformed_values_are_refused_with_what_was_expected),
		TEST(attributes_are_of_the_port_that_is_named),
		TEST(one_with_a_driver_is_set_late),
		TEST(only_what_differs_is_set),
		TEST(a_refused_attribute_puts_the_others_back),
		TEST(a_mac_that_was_never_set_may_stay),
		TEST(an_attribute_that_does_not_stick_is_reported),
		TEST(a_vlan_that_goes_takes_its_priority_along),
		TEST(what_cannot_be_is_refused_before_anything_is_set),
		TEST(an_address_is_of_one_vf),
		TEST(a_rate_above_the_link_is_refused_before_anything_is_set),
		TEST(the_kernels_list_of_256_vfs_is_read),
		TEST(vfs_beyond_those_asked_for_are_ignored),
		TEST(a_list_whose_length_overflowed_is_read),
		TEST(attributes_too_short_to_be_true_are_ignored),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
