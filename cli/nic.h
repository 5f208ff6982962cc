/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the commands share that devlink answers: param, rate, sf, eswitch. */
#ifndef IOV_CLI_NIC_H
#define IOV_CLI_NIC_H

#include <argp.h>
#include <json-c/json.h>

#include "cli/cli.h"
#include "cli/output.h"

/**
 * struct nic_args - a device, the name of something that it has, and values
 * @device: the first argument
 * @name: the second one, where a command takes it
 * @values: by the key of their option; NULL for what was not said
 */
#define NIC_VALUES 12
struct nic_args {
	const char *device;
	const char *name;
	const char *values[NIC_VALUES];
};

/* Keys of the options below are this and the index in @values. */
#define NIC_KEY 0x2000

#define NIC_RATE_OPTIONS                                                                                \
	{ "tx-parent", NIC_KEY + 0, "GROUP", 0, "Group of rates that it is in, or none", 0 },            \
	{ "tx-share", NIC_KEY + 1, "MBIT/S", 0, "Rate that it is granted, 0 for none", 0 },              \
	{ "tx-max", NIC_KEY + 2, "MBIT/S", 0, "Limit of what it sends, 0 for none", 0 },                 \
	{ "tx-priority", NIC_KEY + 3, "N", 0, "Who has more of it sends first", 0 },                     \
	{ "tx-weight", NIC_KEY + 4, "N", 0, "Its part among those of one priority", 0 }

#define NIC_FUNCTION_OPTIONS                                                                            \
	{ "hw-addr", NIC_KEY + 5, "ADDRESS", 0, "MAC address that the function starts with", 0 },        \
	{ "roce", NIC_KEY + 6, "on|off", 0, "Whether its driver finds RDMA", 0 },                        \
	{ "migratable", NIC_KEY + 7, "on|off", 0, "Whether it can move with a guest", 0 },               \
	{ "ipsec-crypto", NIC_KEY + 8, "on|off", 0, "Whether it encrypts for IPsec", 0 },                \
	{ "ipsec-packet", NIC_KEY + 9, "on|off", 0, "Whether it does all of IPsec", 0 },                 \
	{ "max-io-eqs", NIC_KEY + 10, "N", 0, "Event queues that it has at most", 0 }

/* Columns of the values of both, as VFs and subfunctions have them. */
#define NIC_PORT_COLUMNS                                                                                \
	{ "hw_addr", "HW ADDR" },                                                                       \
	{ "roce", "ROCE" },                                                                             \
	{ "migratable", "MIGRATABLE" },                                                                 \
	{ "ipsec_crypto", "IPSEC CRYPTO" },                                                             \
	{ "ipsec_packet", "IPSEC PACKET" },                                                             \
	{ "max_io_eqs", "IO EQS", true },                                                               \
	{ "tx_parent", "RATE GROUP" },                                                                  \
	{ "tx_share", "SHARE MBIT/S", true },                                                           \
	{ "tx_max", "LIMIT MBIT/S", true },                                                             \
	{ "tx_priority", "PRIORITY", true },                                                            \
	{ "tx_weight", "WEIGHT", true }

/* For an argp parser: the arguments DEVICE and, with @name_expected, NAME, and the options above. */
error_t nic_parse(int key, char *arg, struct argp_state *state, const char *name_expected);

/* The device as plans name it: BUS/NAME as it is, others by their address. */
int nic_device_named(struct cli *cli, const char *text, struct iov_path *name);

/* The values that were said, by who reads them. */
int nic_values(struct cli *cli, const struct nic_args *args,
	       int (*parse)(struct iov *, const char *, const char *, struct json_object *),
	       struct json_object *values);
bool nic_has_values(const struct nic_args *args);

/* What @list tells of a device, as JSON, or as a table of those columns that have a value. */
int nic_list(struct cli *cli, const char *device,
	     int (*list)(struct iov *, const char *, struct json_object **),
	     const struct iov_column *columns, size_t count, const char *none);

#endif
