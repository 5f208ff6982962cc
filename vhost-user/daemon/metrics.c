// SPDX-License-Identifier: GPL-2.0-or-later
/* The text, as the OpenMetrics specification 1.0 has it: one family after the other. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vhost-user/daemon/metrics.h"

#define PREFIX "iovd_"

static void family(FILE *file, const char *name, const char *type, const char *unit,
		   const char *help)
{
	fprintf(file, "# TYPE " PREFIX "%s %s\n", name, type);
	if (unit)
		fprintf(file, "# UNIT " PREFIX "%s %s\n", name, unit);
	fprintf(file, "# HELP " PREFIX "%s %s.\n", name, help);
}

/* Names of ports have no character that a label would have to escape. */
static void sample(FILE *file, const char *name, const char *suffix, const struct port *port,
		   uint64_t value)
{
	fprintf(file, PREFIX "%s%s{port=\"%s\"} %" PRIu64 "\n", name, suffix, port->name, value);
}

static const struct {
	const char *name;
	const char *unit;
	const char *help;
	size_t offset;
} traffic[] = {
	{ "port_receive_packets", NULL, "Packets that came from the port",
	  offsetof(struct dp_counters, rx_packets) },
	{ "port_receive_bytes", "bytes", "Bytes that came from the port",
	  offsetof(struct dp_counters, rx_bytes) },
	{ "port_transmit_packets", NULL, "Packets that went to the port",
	  offsetof(struct dp_counters, tx_packets) },
	{ "port_transmit_bytes", "bytes", "Bytes that went to the port",
	  offsetof(struct dp_counters, tx_bytes) },
};

static void write_traffic(FILE *file, const struct registry *registry)
{
	const struct port *port;

	for (size_t i = 0; i < sizeof(traffic) / sizeof(*traffic); i++) {
		family(file, traffic[i].name, "counter", traffic[i].unit, traffic[i].help);
		TAILQ_FOREACH(port, &registry->ports, link) {
			const struct dp_counters counters = port_counted(port);
			uint64_t value;

			memcpy(&value, (const char *)&counters + traffic[i].offset, sizeof(value));
			sample(file, traffic[i].name, "_total", port, value);
		}
	}
}

static void write_reasons(FILE *file, const struct registry *registry, enum reason_kind kind)
{
	const struct reason_table *table = &reason_tables[kind];
	uint64_t counters[REASONS_MAX];
	const struct port *port;

	family(file, table->family, "counter", NULL, table->help);
	TAILQ_FOREACH(port, &registry->ports, link) {
		if (!port_reasons(port, kind, counters))
			continue;
		for (unsigned int i = table->first; i < table->count; i++)
			fprintf(file, PREFIX "%s_total{port=\"%s\",%s=\"%s\"} %" PRIu64 "\n",
				table->family, port->name, table->label, table->name(i),
				counters[i]);
	}
}

static void write_guests(FILE *file, const struct registry *registry)
{
	const struct port *port;
	struct vu_stats stats;

	family(file, "port_messages", "counter", NULL, "Messages of a front end that were accepted");
	TAILQ_FOREACH(port, &registry->ports, link) {
		if (!port->endpoint)
			continue;
		vu_endpoint_stats(port->endpoint, &stats);
		sample(file, "port_messages", "_total", port, stats.messages);
	}
	family(file, "port_suppressed_log_lines", "counter", NULL,
	       "Lines about a front end that were left out of the log");
	TAILQ_FOREACH(port, &registry->ports, link)
		if (port->endpoint)
			sample(file, "port_suppressed_log_lines", "_total", port,
			       port_log_suppressed(port->log));
}

static const struct {
	const char *name;
	const char *help;
	uint64_t (*count)(const struct uplink *uplink);
} lending[] = {
	{ "port_lent_frames", "Frames that an uplink sent from guest memory", uplink_lent },
	{ "port_recalls", "Restarts of an uplink that kept such frames", uplink_recalls },
};

static void write_uplinks(FILE *file, const struct registry *registry)
{
	const struct port *port;

	for (size_t i = 0; i < sizeof(lending) / sizeof(*lending); i++) {
		family(file, lending[i].name, "counter", NULL, lending[i].help);
		TAILQ_FOREACH(port, &registry->ports, link)
			if (port->uplink)
				sample(file, lending[i].name, "_total", port,
				       lending[i].count(port->uplink));
	}
}

static uint64_t running_rings(const struct port *port)
{
	uint64_t count = 0;

	for (unsigned int i = 0; i < port->queue_end; i++)
		count += port->queues[i] && port->queues[i]->enabled;
	return count;
}

static void write_states(FILE *file, const struct registry *registry)
{
	const struct port *port;

	family(file, "port_up", "gauge", NULL,
	       "Whether a front end is connected, or the link of an uplink is up");
	TAILQ_FOREACH(port, &registry->ports, link)
		sample(file, "port_up", "", port,
		       port->uplink ? uplink_is_up(port->uplink)
				    : !!vu_endpoint_session(port->endpoint));
	family(file, "port_queues", "gauge", NULL, "Rings of a guest that run");
	TAILQ_FOREACH(port, &registry->ports, link)
		if (port->endpoint)
			sample(file, "port_queues", "", port, running_rings(port));
}

static const struct {
	const char *name;
	const char *help;
	size_t offset;
} work[] = {
	{ "worker_passes", "Passes over all ports", offsetof(struct worker_stats, passes) },
	{ "worker_busy_passes", "Passes that found packets", offsetof(struct worker_stats, busy) },
	{ "worker_sleeps", "Times that the worker slept", offsetof(struct worker_stats, sleeps) },
};

static void write_workers(FILE *file, const struct registry *registry)
{
	for (size_t i = 0; i < sizeof(work) / sizeof(*work); i++) {
		family(file, work[i].name, "counter", NULL, work[i].help);
		for (unsigned int j = 0; j < registry->worker_count; j++) {
			const struct worker_stats stats = worker_stats(registry->workers, j);
			uint64_t value;

			memcpy(&value, (const char *)&stats + work[i].offset, sizeof(value));
			fprintf(file, PREFIX "%s_total{cpu=\"%u\"} %" PRIu64 "\n", work[i].name,
				stats.cpu, value);
		}
	}
	family(file, "worker_busy_seconds", "counter", "seconds", "Time in passes that found packets");
	for (unsigned int j = 0; j < registry->worker_count; j++) {
		const struct worker_stats stats = worker_stats(registry->workers, j);

		fprintf(file, PREFIX "worker_busy_seconds_total{cpu=\"%u\"} %.6f\n", stats.cpu,
			(double)stats.busy_ns / 1e9);
	}
}

char *metrics_text(const struct registry *registry)
{
	char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	if (!file)
		return NULL;
	family(file, "build", "info", NULL, "What iovd this is");
	fprintf(file, PREFIX "build_info{version=\"" IOVKIT_VERSION "\"} 1\n");
	write_states(file, registry);
	write_traffic(file, registry);
	for (enum reason_kind kind = 0; kind < REASON_KINDS; kind++)
		write_reasons(file, registry, kind);
	write_guests(file, registry);
	write_uplinks(file, registry);
	write_workers(file, registry);
	fputs("# EOF\n", file);
	if (!fclose(file))
		return text;
	free(text);
	return NULL;
}
