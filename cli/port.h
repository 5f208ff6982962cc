/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the commands about ports share. */
#ifndef IOV_CLI_PORT_H
#define IOV_CLI_PORT_H

#include <argp.h>
#include <json-c/json.h>

#define CLI_EXPECTED_PORT "NAME of the port is missing"

/* Parser of a command whose argument is the name of a port, with a struct cli_name_args. */
error_t port_parse_name(int key, char *arg, struct argp_state *state);

/* The value of --mtu. */
unsigned int port_parse_mtu(const char *arg, const struct argp_state *state);

/* Member @key {"full": 3, "down": 1} of @row becomes member @words ["full 3", "down 1"]. */
void port_reasons_words(struct json_object *row, const char *key, const char *words);

#endif
