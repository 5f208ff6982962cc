// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/file/vf_values.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "sriov/vf.h"

int host_attribute_split(struct iov *iov, const char *setting, char *name, size_t size)
{
	size_t length = strcspn(setting, "=");

	if (!length || !setting[length] || length >= size)
		return iov_fail(iov, -EINVAL, "'%s': expected NAME=VALUE, like max-rate=100", setting);
	snprintf(name, size, "%.*s", (int)length, setting);
	for (char *c = name; (c = strchr(c, '-'));)
		*c = '_';
	return 0;
}

static void merge(struct iov_host_vf_values *values, const struct iov_host_vf_values *own)
{
#define TAKE(member) values->member = own->member ? own->member : values->member
	TAKE(driver);
	TAKE(mac);
	TAKE(node_guid);
	TAKE(port_guid);
	TAKE(vlan);
	TAKE(qos);
	TAKE(vlan_protocol);
	TAKE(spoofchk);
	TAKE(trust);
	TAKE(rss_query);
	TAKE(max_rate);
	TAKE(min_rate);
	TAKE(link_state);
	TAKE(function.hw_addr);
	TAKE(function.roce);
	TAKE(function.migratable);
	TAKE(function.ipsec_crypto);
	TAKE(function.ipsec_packet);
	TAKE(function.max_io_eqs);
	TAKE(rate.tx_parent);
	TAKE(rate.tx_share);
	TAKE(rate.tx_max);
	TAKE(rate.tx_priority);
	TAKE(rate.tx_weight);
	TAKE(queues);
	TAKE(interrupts);
	TAKE(state);
	TAKE(namespaces);
	TAKE(vgpu_type);
	TAKE(exec_quantum);
	TAKE(preempt_timeout);
	TAKE(sched_priority);
	TAKE(vram_quota);
	TAKE(msix);
	if (own->attributes) {
		values->attributes = own->attributes;
		values->attribute_count = own->attribute_count;
	}
#undef TAKE
}

struct iov_host_vf_values host_vf_values(const struct iov_host_vfs *vfs, unsigned int index)
{
	struct iov_host_vf_values values = vfs->all;

	for (unsigned int i = 0; i < vfs->each_count; i++) {
		if (vfs->each[i].index == index)
			merge(&values, &vfs->each[i].values);
	}
	return values;
}

/* The attributes of one VF or another thing on their way to JSON, and who reads them. */
struct attributes {
	struct iov *iov;
	struct json_object *json;
	int error;
	host_parse_fn *parse;
};

static void add_text(struct attributes *attributes, const char *name, const char *text)
{
	if (text && !attributes->error)
		attributes->error = attributes->parse(attributes->iov, name, text, attributes->json);
}

static void add_setting(struct attributes *attributes, const char *setting)
{
	char name[64];

	if (!attributes->error)
		attributes->error = host_attribute_split(attributes->iov, setting, name, sizeof(name));
	if (!attributes->error)
		add_text(attributes, name, strchr(setting, '=') + 1);
}

static void add_number(struct attributes *attributes, const char *name, const unsigned int *number)
{
	char text[12];

	if (!number)
		return;
	snprintf(text, sizeof(text), "%u", *number);
	add_text(attributes, name, text);
}

static void add_switch(struct attributes *attributes, const char *name, const bool *on)
{
	if (on)
		add_text(attributes, name, *on ? "on" : "off");
}

static void add_function(struct attributes *attributes, const struct iov_host_function *function)
{
	add_text(attributes, "hw_addr", function->hw_addr);
	add_switch(attributes, "roce", function->roce);
	add_switch(attributes, "migratable", function->migratable);
	add_switch(attributes, "ipsec_crypto", function->ipsec_crypto);
	add_switch(attributes, "ipsec_packet", function->ipsec_packet);
	add_number(attributes, "max_io_eqs", function->max_io_eqs);
}

static void add_rate(struct attributes *attributes, const struct iov_host_rate *rate)
{
	add_text(attributes, "tx_parent", rate->tx_parent);
	add_number(attributes, "tx_share", rate->tx_share);
	add_number(attributes, "tx_max", rate->tx_max);
	add_number(attributes, "tx_priority", rate->tx_priority);
	add_number(attributes, "tx_weight", rate->tx_weight);
}

int host_port_values(struct iov *iov, const struct iov_host_function *function,
		     const struct iov_host_rate *rate, host_parse_fn *parse, struct json_object *values)
{
	struct attributes attributes = { iov, values, 0, parse };

	if (function)
		add_function(&attributes, function);
	add_rate(&attributes, rate);
	return attributes.error;
}

int host_vf_attributes(struct iov *iov, const struct iov_host_vfs *vfs, struct json_object **each)
{
	*each = json_object_new_array();
	for (unsigned int i = 0; i < vfs->count; i++) {
		struct iov_host_vf_values values = host_vf_values(vfs, i);
		struct attributes attributes = { iov, json_object_new_object(), 0,
						 iov_vf_attribute_parse };

		json_object_array_add(*each, attributes.json);
		add_text(&attributes, "mac", values.mac);
		add_text(&attributes, "node_guid", values.node_guid);
		add_text(&attributes, "port_guid", values.port_guid);
		add_number(&attributes, "vlan", values.vlan);
		add_number(&attributes, "qos", values.qos);
		add_text(&attributes, "vlan_protocol", values.vlan_protocol);
		add_switch(&attributes, "spoofchk", values.spoofchk);
		add_switch(&attributes, "trust", values.trust);
		add_switch(&attributes, "rss_query", values.rss_query);
		add_number(&attributes, "max_rate", values.max_rate);
		add_number(&attributes, "min_rate", values.min_rate);
		add_text(&attributes, "link_state", values.link_state);
		add_function(&attributes, &values.function);
		add_rate(&attributes, &values.rate);
		add_number(&attributes, "queues", values.queues);
		add_number(&attributes, "interrupts", values.interrupts);
		add_text(&attributes, "state", values.state);
		add_text(&attributes, "namespaces", values.namespaces);
		add_number(&attributes, "vgpu_type", values.vgpu_type);
		add_number(&attributes, "exec_quantum", values.exec_quantum);
		add_number(&attributes, "preempt_timeout", values.preempt_timeout);
		add_text(&attributes, "sched_priority", values.sched_priority);
		add_text(&attributes, "vram_quota", values.vram_quota);
		for (unsigned int n = 0; n < values.attribute_count; n++)
			add_setting(&attributes, values.attributes[n]);
		if (attributes.error)
			return attributes.error;
	}
	return 0;
}
