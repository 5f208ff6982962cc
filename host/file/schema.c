// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The schema of a host file.  Kinds of values are here; ranges, and what one value
 * means for another, are in validate.c.
 *
 * Switches are words and not CYAML_BOOL, which takes every unknown word for "on".
 */
#include "host/file/schema.h"

#include <limits.h>

#include "base/switch.h"
#include "host/file/host.h"

#define MAYBE CYAML_FLAG_OPTIONAL
/* A list without entries: "devices:" with all below it commented out. */
#define MAYBE_LIST (CYAML_FLAG_OPTIONAL | CYAML_FLAG_POINTER_NULL_STR)
#define WORD_MAX 255

static const cyaml_strval_t switches[] = { IOV_SWITCH_WORDS };

static const cyaml_strval_t absents[] = {
	{ "fatal", IOV_HOST_ABSENT_FATAL },
	{ "skip", IOV_HOST_ABSENT_SKIP },
};

#define TEXT(structure, member) \
	CYAML_FIELD_STRING_PTR(#member, MAYBE, structure, member, 1, WORD_MAX)
#define NUMBER(structure, member) CYAML_FIELD_UINT_PTR(#member, MAYBE, structure, member)
#define SWITCH(structure, member) \
	CYAML_FIELD_ENUM_PTR(#member, MAYBE | CYAML_FLAG_STRICT, structure, member, switches, \
			     CYAML_ARRAY_LEN(switches))

static const cyaml_schema_value_t word = {
	CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 1, WORD_MAX),
};

#define WORDS(structure, member, count) \
	CYAML_FIELD_SEQUENCE_COUNT(#member, MAYBE_LIST, structure, member, count, &word, 0, \
				   CYAML_UNLIMITED)

#define SWITCH_AT(name, structure, at) \
	CYAML_FIELD_ENUM_PTR(name, MAYBE | CYAML_FLAG_STRICT, structure, at, switches, \
			     CYAML_ARRAY_LEN(switches))

/* The rate of a port, at a member of a structure. */
#define RATE_VALUES(structure, at) \
	CYAML_FIELD_STRING_PTR("tx_parent", MAYBE, structure, at.tx_parent, 1, WORD_MAX), \
	CYAML_FIELD_UINT_PTR("tx_share", MAYBE, structure, at.tx_share), \
	CYAML_FIELD_UINT_PTR("tx_max", MAYBE, structure, at.tx_max), \
	CYAML_FIELD_UINT_PTR("tx_priority", MAYBE, structure, at.tx_priority), \
	CYAML_FIELD_UINT_PTR("tx_weight", MAYBE, structure, at.tx_weight)

/* The same of the function behind it, but for its address. */
#define FUNCTION_VALUES(structure, at) \
	SWITCH_AT("roce", structure, at.roce), \
	SWITCH_AT("migratable", structure, at.migratable), \
	SWITCH_AT("ipsec_crypto", structure, at.ipsec_crypto), \
	SWITCH_AT("ipsec_packet", structure, at.ipsec_packet), \
	CYAML_FIELD_UINT_PTR("max_io_eqs", MAYBE, structure, at.max_io_eqs)

/* What all VFs of a PF may share, at a member of a structure. */
#define SHARED_VALUES(structure, at) \
	CYAML_FIELD_STRING_PTR("driver", MAYBE, structure, at.driver, 1, WORD_MAX), \
	CYAML_FIELD_UINT_PTR("vlan", MAYBE, structure, at.vlan), \
	CYAML_FIELD_UINT_PTR("qos", MAYBE, structure, at.qos), \
	CYAML_FIELD_STRING_PTR("vlan_protocol", MAYBE, structure, at.vlan_protocol, 1, WORD_MAX), \
	CYAML_FIELD_ENUM_PTR("spoofchk", MAYBE | CYAML_FLAG_STRICT, structure, at.spoofchk, \
			     switches, CYAML_ARRAY_LEN(switches)), \
	CYAML_FIELD_ENUM_PTR("trust", MAYBE | CYAML_FLAG_STRICT, structure, at.trust, \
			     switches, CYAML_ARRAY_LEN(switches)), \
	CYAML_FIELD_ENUM_PTR("rss_query", MAYBE | CYAML_FLAG_STRICT, structure, at.rss_query, \
			     switches, CYAML_ARRAY_LEN(switches)), \
	CYAML_FIELD_UINT_PTR("max_rate", MAYBE, structure, at.max_rate), \
	CYAML_FIELD_UINT_PTR("min_rate", MAYBE, structure, at.min_rate), \
	CYAML_FIELD_STRING_PTR("link_state", MAYBE, structure, at.link_state, 1, WORD_MAX), \
	FUNCTION_VALUES(structure, at.function), \
	RATE_VALUES(structure, at.rate), \
	CYAML_FIELD_UINT_PTR("queues", MAYBE, structure, at.queues), \
	CYAML_FIELD_UINT_PTR("interrupts", MAYBE, structure, at.interrupts), \
	CYAML_FIELD_STRING_PTR("state", MAYBE, structure, at.state, 1, WORD_MAX), \
	CYAML_FIELD_STRING_PTR("namespaces", MAYBE, structure, at.namespaces, 1, WORD_MAX), \
	CYAML_FIELD_UINT_PTR("vgpu_type", MAYBE, structure, at.vgpu_type), \
	CYAML_FIELD_UINT_PTR("exec_quantum", MAYBE, structure, at.exec_quantum), \
	CYAML_FIELD_UINT_PTR("preempt_timeout", MAYBE, structure, at.preempt_timeout), \
	CYAML_FIELD_STRING_PTR("sched_priority", MAYBE, structure, at.sched_priority, 1, WORD_MAX), \
	CYAML_FIELD_STRING_PTR("vram_quota", MAYBE, structure, at.vram_quota, 1, WORD_MAX), \
	CYAML_FIELD_SEQUENCE_COUNT("attributes", MAYBE_LIST, structure, at.attributes, \
				   at.attribute_count, &word, 0, CYAML_UNLIMITED), \
	CYAML_FIELD_UINT_PTR("msix", MAYBE, structure, at.msix)

static const cyaml_schema_field_t vf_fields[] = {
	CYAML_FIELD_UINT("index", CYAML_FLAG_DEFAULT, struct iov_host_vf, index),
	CYAML_FIELD_STRING_PTR("mac", MAYBE, struct iov_host_vf, values.mac, 1, WORD_MAX),
	CYAML_FIELD_STRING_PTR("node_guid", MAYBE, struct iov_host_vf, values.node_guid, 1, WORD_MAX),
	CYAML_FIELD_STRING_PTR("port_guid", MAYBE, struct iov_host_vf, values.port_guid, 1, WORD_MAX),
	CYAML_FIELD_STRING_PTR("hw_addr", MAYBE, struct iov_host_vf, values.function.hw_addr, 1, WORD_MAX),
	SHARED_VALUES(struct iov_host_vf, values),
	CYAML_FIELD_END
};

static const cyaml_schema_value_t vf = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct iov_host_vf, vf_fields),
};

static const cyaml_schema_field_t vfs_fields[] = {
	CYAML_FIELD_UINT("count", CYAML_FLAG_DEFAULT, struct iov_host_vfs, count),
	SHARED_VALUES(struct iov_host_vfs, all),
	CYAML_FIELD_SEQUENCE("each", MAYBE_LIST, struct iov_host_vfs, each, &vf, 0,
			     CYAML_UNLIMITED),
	CYAML_FIELD_END
};

static const cyaml_schema_field_t steer_fields[] = {
	TEXT(struct iov_host_steer, mac),
	NUMBER(struct iov_host_steer, vlan),
	CYAML_FIELD_STRING_PTR("to", CYAML_FLAG_DEFAULT, struct iov_host_steer, to, 1, WORD_MAX),
	CYAML_FIELD_END
};

static const cyaml_schema_value_t steer = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct iov_host_steer, steer_fields),
};

static const cyaml_schema_field_t param_fields[] = {
	CYAML_FIELD_STRING_PTR("name", CYAML_FLAG_DEFAULT, struct iov_host_param, name, 1, WORD_MAX),
	CYAML_FIELD_STRING_PTR("value", CYAML_FLAG_DEFAULT, struct iov_host_param, value, 1, WORD_MAX),
	TEXT(struct iov_host_param, cmode),
	CYAML_FIELD_END
};

static const cyaml_schema_value_t param = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct iov_host_param, param_fields),
};

static const cyaml_schema_field_t group_fields[] = {
	CYAML_FIELD_STRING_PTR("name", CYAML_FLAG_DEFAULT, struct iov_host_group, name, 1, WORD_MAX),
	RATE_VALUES(struct iov_host_group, rate),
	CYAML_FIELD_END
};

static const cyaml_schema_value_t group = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct iov_host_group, group_fields),
};

static const cyaml_schema_field_t sf_fields[] = {
	CYAML_FIELD_UINT("number", CYAML_FLAG_DEFAULT, struct iov_host_sf, number),
	CYAML_FIELD_STRING_PTR("hw_addr", MAYBE, struct iov_host_sf, function.hw_addr, 1, WORD_MAX),
	FUNCTION_VALUES(struct iov_host_sf, function),
	RATE_VALUES(struct iov_host_sf, rate),
	TEXT(struct iov_host_sf, state),
	CYAML_FIELD_END
};

static const cyaml_schema_value_t sf = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct iov_host_sf, sf_fields),
};

static const cyaml_schema_field_t device_fields[] = {
	TEXT(struct iov_host_device, name),
	CYAML_FIELD_STRING_PTR("device", CYAML_FLAG_DEFAULT, struct iov_host_device, device, 1,
			       WORD_MAX),
	CYAML_FIELD_ENUM("absent", MAYBE | CYAML_FLAG_STRICT, struct iov_host_device, absent,
			 absents, CYAML_ARRAY_LEN(absents)),
	TEXT(struct iov_host_device, driver),
	NUMBER(struct iov_host_device, mtu),
	TEXT(struct iov_host_device, eswitch),
	TEXT(struct iov_host_device, irq),
	CYAML_FIELD_MAPPING_PTR("vfs", MAYBE, struct iov_host_device, vfs, vfs_fields),
	CYAML_FIELD_SEQUENCE_COUNT("steer", MAYBE_LIST, struct iov_host_device, steer, steer_count,
				   &steer, 0, CYAML_UNLIMITED),
	SWITCH(struct iov_host_device, slot),
	WORDS(struct iov_host_device, bars, bar_count),
	SWITCH(struct iov_host_device, disable_vga),
	CYAML_FIELD_SEQUENCE_COUNT("params", MAYBE_LIST, struct iov_host_device, params, param_count,
				   &param, 0, CYAML_UNLIMITED),
	CYAML_FIELD_SEQUENCE_COUNT("rates", MAYBE_LIST, struct iov_host_device, rates, rate_count,
				   &group, 0, CYAML_UNLIMITED),
	CYAML_FIELD_SEQUENCE_COUNT("sfs", MAYBE_LIST, struct iov_host_device, sfs, sf_count, &sf, 0,
				   CYAML_UNLIMITED),
	WORDS(struct iov_host_device, attributes, attribute_count),
	CYAML_FIELD_END
};

static const cyaml_schema_value_t device = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct iov_host_device, device_fields),
};

static const cyaml_schema_field_t huge_page_fields[] = {
	CYAML_FIELD_STRING_PTR("size", CYAML_FLAG_DEFAULT, struct iov_host_huge_pages, size, 1,
			       WORD_MAX),
	NUMBER(struct iov_host_huge_pages, node),
	CYAML_FIELD_UINT("count", CYAML_FLAG_DEFAULT, struct iov_host_huge_pages, count),
	CYAML_FIELD_END
};

static const cyaml_schema_value_t huge_pages = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct iov_host_huge_pages, huge_page_fields),
};

static const cyaml_schema_field_t bridge_fields[] = {
	CYAML_FIELD_STRING_PTR("name", CYAML_FLAG_DEFAULT, struct iov_host_bridge, name, 1,
			       WORD_MAX),
	TEXT(struct iov_host_bridge, kind),
	NUMBER(struct iov_host_bridge, age),
	NUMBER(struct iov_host_bridge, stations),
	SWITCH(struct iov_host_bridge, reserved),
	CYAML_FIELD_END
};

static const cyaml_schema_value_t bridge = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct iov_host_bridge, bridge_fields),
};

static const cyaml_schema_field_t rule_fields[] = {
	SWITCH(struct iov_host_rules, isolated),
	TEXT(struct iov_host_rules, vlan),
	WORDS(struct iov_host_rules, allow_mac, allow_mac_count),
	WORDS(struct iov_host_rules, allow_ip, allow_ip_count),
	NUMBER(struct iov_host_rules, rx_rate),
	NUMBER(struct iov_host_rules, rx_packets),
	NUMBER(struct iov_host_rules, tx_rate),
	NUMBER(struct iov_host_rules, tx_packets),
	NUMBER(struct iov_host_rules, storm_packets),
	NUMBER(struct iov_host_rules, max_stations),
	TEXT(struct iov_host_rules, mirror),
	TEXT(struct iov_host_rules, qos),
	TEXT(struct iov_host_rules, cpus),
	WORDS(struct iov_host_rules, stations, station_count),
	CYAML_FIELD_END
};

static const cyaml_schema_field_t port_fields[] = {
	CYAML_FIELD_STRING_PTR("name", CYAML_FLAG_DEFAULT, struct iov_host_port, name, 1, WORD_MAX),
	CYAML_FIELD_STRING_PTR("type", CYAML_FLAG_DEFAULT, struct iov_host_port, type, 1, WORD_MAX),
	TEXT(struct iov_host_port, bridge),
	TEXT(struct iov_host_port, socket),
	SWITCH(struct iov_host_port, server),
	TEXT(struct iov_host_port, socket_mode),
	TEXT(struct iov_host_port, socket_owner),
	NUMBER(struct iov_host_port, queue_pairs),
	TEXT(struct iov_host_port, mac),
	SWITCH(struct iov_host_port, standby),
	SWITCH(struct iov_host_port, any_memory),
	SWITCH(struct iov_host_port, iommu),
	TEXT(struct iov_host_port, device),
	SWITCH(struct iov_host_port, zero_copy),
	NUMBER(struct iov_host_port, mtu),
	CYAML_FIELD_MAPPING_PTR("rules", MAYBE, struct iov_host_port, rules, rule_fields),
	CYAML_FIELD_END
};

static const cyaml_schema_value_t port = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct iov_host_port, port_fields),
};

static const cyaml_schema_field_t disk_fields[] = {
	CYAML_FIELD_STRING_PTR("name", CYAML_FLAG_DEFAULT, struct iov_host_disk, name, 1, WORD_MAX),
	CYAML_FIELD_STRING_PTR("socket", CYAML_FLAG_DEFAULT, struct iov_host_disk, socket, 1,
			       WORD_MAX),
	SWITCH(struct iov_host_disk, server),
	TEXT(struct iov_host_disk, socket_mode),
	TEXT(struct iov_host_disk, socket_owner),
	CYAML_FIELD_STRING_PTR("file", MAYBE, struct iov_host_disk, file, 1, PATH_MAX - 1),
	CYAML_FIELD_STRING_PTR("nbd", MAYBE, struct iov_host_disk, nbd, 1, PATH_MAX - 1),
	TEXT(struct iov_host_disk, nvme),
	TEXT(struct iov_host_disk, memory),
	TEXT(struct iov_host_disk, null),
	TEXT(struct iov_host_disk, zone_size),
	SWITCH(struct iov_host_disk, read_only),
	SWITCH(struct iov_host_disk, cached),
	SWITCH(struct iov_host_disk, io_poll),
	SWITCH(struct iov_host_disk, register_memory),
	TEXT(struct iov_host_disk, serial),
	NUMBER(struct iov_host_disk, queues),
	TEXT(struct iov_host_disk, on_error),
	TEXT(struct iov_host_disk, qos),
	SWITCH(struct iov_host_disk, any_memory),
	CYAML_FIELD_END
};

static const cyaml_schema_value_t disk = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct iov_host_disk, disk_fields),
};

static const cyaml_schema_field_t qos_fields[] = {
	CYAML_FIELD_STRING_PTR("name", CYAML_FLAG_DEFAULT, struct iov_host_qos, name, 1, WORD_MAX),
	NUMBER(struct iov_host_qos, iops),
	NUMBER(struct iov_host_qos, read_iops),
	NUMBER(struct iov_host_qos, write_iops),
	NUMBER(struct iov_host_qos, bytes),
	NUMBER(struct iov_host_qos, read_bytes),
	NUMBER(struct iov_host_qos, write_bytes),
	NUMBER(struct iov_host_qos, packets),
	NUMBER(struct iov_host_qos, rx_packets),
	NUMBER(struct iov_host_qos, tx_packets),
	NUMBER(struct iov_host_qos, burst_ms),
	CYAML_FIELD_END
};

static const cyaml_schema_value_t qos = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct iov_host_qos, qos_fields),
};

static const cyaml_schema_field_t iovd_fields[] = {
	CYAML_FIELD_SEQUENCE_COUNT("bridges", MAYBE_LIST, struct iov_host_iovd, bridges,
				   bridge_count, &bridge, 0, CYAML_UNLIMITED),
	CYAML_FIELD_SEQUENCE_COUNT("ports", MAYBE_LIST, struct iov_host_iovd, ports, port_count,
				   &port, 0, CYAML_UNLIMITED),
	CYAML_FIELD_SEQUENCE_COUNT("disks", MAYBE_LIST, struct iov_host_iovd, disks, disk_count,
				   &disk, 0, CYAML_UNLIMITED),
	CYAML_FIELD_SEQUENCE_COUNT("qos", MAYBE_LIST, struct iov_host_iovd, qos, qos_count, &qos, 0,
				   CYAML_UNLIMITED),
	CYAML_FIELD_END
};

static const cyaml_schema_field_t mdev_fields[] = {
	CYAML_FIELD_STRING_PTR("uuid", CYAML_FLAG_DEFAULT, struct iov_host_mdev, uuid, 1, WORD_MAX),
	CYAML_FIELD_STRING_PTR("parent", CYAML_FLAG_DEFAULT, struct iov_host_mdev, parent, 1, WORD_MAX),
	CYAML_FIELD_STRING_PTR("type", CYAML_FLAG_DEFAULT, struct iov_host_mdev, type, 1, WORD_MAX),
	CYAML_FIELD_ENUM("absent", MAYBE | CYAML_FLAG_STRICT, struct iov_host_mdev, absent,
			 absents, CYAML_ARRAY_LEN(absents)),
	WORDS(struct iov_host_mdev, attributes, attribute_count),
	CYAML_FIELD_END
};

static const cyaml_schema_value_t mdev = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct iov_host_mdev, mdev_fields),
};

static const cyaml_schema_field_t vdpa_fields[] = {
	CYAML_FIELD_STRING_PTR("name", CYAML_FLAG_DEFAULT, struct iov_host_vdpa, name, 1, WORD_MAX),
	CYAML_FIELD_STRING_PTR("mgmtdev", CYAML_FLAG_DEFAULT, struct iov_host_vdpa, mgmtdev, 1, WORD_MAX),
	TEXT(struct iov_host_vdpa, driver),
	CYAML_FIELD_ENUM("absent", MAYBE | CYAML_FLAG_STRICT, struct iov_host_vdpa, absent,
			 absents, CYAML_ARRAY_LEN(absents)),
	TEXT(struct iov_host_vdpa, mac),
	TEXT(struct iov_host_vdpa, mtu),
	TEXT(struct iov_host_vdpa, max_vqp),
	TEXT(struct iov_host_vdpa, features),
	CYAML_FIELD_END
};

static const cyaml_schema_value_t vdpa = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct iov_host_vdpa, vdpa_fields),
};

static const cyaml_schema_field_t cdi_fields[] = {
	SWITCH(struct iov_host_cdi, write),
	TEXT(struct iov_host_cdi, mode),
	TEXT(struct iov_host_cdi, owner),
	CYAML_FIELD_END
};

static const cyaml_schema_field_t host_fields[] = {
	NUMBER(struct iov_host, version),
	CYAML_FIELD_SEQUENCE_COUNT("modules", MAYBE_LIST, struct iov_host, modules, module_count,
				   &word, 0, CYAML_UNLIMITED),
	CYAML_FIELD_SEQUENCE_COUNT("huge_pages", MAYBE_LIST, struct iov_host, huge_pages,
				   huge_page_count, &huge_pages, 0, CYAML_UNLIMITED),
	CYAML_FIELD_SEQUENCE_COUNT("devices", MAYBE_LIST, struct iov_host, devices, device_count,
				   &device, 0, CYAML_UNLIMITED),
	CYAML_FIELD_SEQUENCE_COUNT("mdevs", MAYBE_LIST, struct iov_host, mdevs, mdev_count, &mdev,
				   0, CYAML_UNLIMITED),
	CYAML_FIELD_SEQUENCE_COUNT("vdpas", MAYBE_LIST, struct iov_host, vdpas, vdpa_count, &vdpa,
				   0, CYAML_UNLIMITED),
	CYAML_FIELD_MAPPING_PTR("cdi", MAYBE_LIST, struct iov_host, cdi, cdi_fields),
	CYAML_FIELD_MAPPING_PTR("iovd", MAYBE_LIST, struct iov_host, iovd, iovd_fields),
	CYAML_FIELD_END
};

const cyaml_schema_value_t host_schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER_NULL_STR, struct iov_host, host_fields),
};
