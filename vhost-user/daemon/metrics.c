// SPDX-License-Identifier: GPL-2.0-or-later
/* The text, as the OpenMetrics specification 1.0 has it: one family after the other. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vhost-user/daemon/metrics.h"
#include "vhost-user/counter.h"
#include "vhost-user/port/member.h"
#include "vhost-user/port/qos_groups.h"

#define PREFIX "iovd_"

static void family(FILE *file, const char *name, const char *type, const char *unit,
		   const char *help)
{
	fprintf(file, "# TYPE " PREFIX "%s %s\n", name, type);
	if (unit)
		fprintf(file, "# UNIT " PREFIX "%s %s\n", name, unit);
	fprintf(file, "# HELP " PREFIX "%s %s.\n", name, help);
}

static void write_count(FILE *file, const char *name, const char *help, uint64_t value)
{
	family(file, name, "counter", NULL, help);
	fprintf(file, PREFIX "%s_total %" PRIu64 "\n", name, value);
}

/* Names of ports have no character that a label would have to escape. */
static void sample(FILE *file, const char *name, const char *suffix, const struct port *port,
		   uint64_t value)
{
	fprintf(file, PREFIX "%s%s{port=\"%s\"} %" PRIu64 "\n", name, suffix, port->name, value);
}

static bool has_list(const struct port_type *type, const struct port_metric *list)
{
	for (unsigned int i = 0; type->metrics[i]; i++)
		if (type->metrics[i] == list)
			return true;
	return false;
}

static void write_metric(FILE *file, const struct registry *registry,
			 const struct port_metric *list, const struct port_metric *metric)
{
	const struct port *port;

	family(file, metric->name, metric->is_gauge ? "gauge" : "counter", metric->unit,
	       metric->help);
	TAILQ_FOREACH(port, &registry->ports, link)
		if (has_list(port->type, list))
			sample(file, metric->name, metric->is_gauge ? "" : "_total", port,
			       metric->value(port));
}

static bool is_written(const struct port_metric *list, unsigned int types)
{
	for (unsigned int i = 0; i < types; i++)
		if (has_list(port_types[i], list))
			return true;
	return false;
}

/* All ports of all types that have a metric stand together. */
static void write_ports(FILE *file, const struct registry *registry)
{
	for (unsigned int i = 0; port_types[i]; i++) {
		const struct port_metric *const *list = port_types[i]->metrics;

		for (; *list; list++)
			for (const struct port_metric *metric = *list; metric->name; metric++)
				if (!is_written(*list, i))
					write_metric(file, registry, *list, metric);
	}
}

static void write_times(FILE *file, const struct port *port, const struct port_histogram *histogram,
			unsigned int kind, const struct port_times *times)
{
	char labels[PORT_NAME_MAX + 64];

	snprintf(labels, sizeof(labels), "port=\"%s\",%s=\"%s\"", port->name, histogram->label,
		 histogram->label_of(kind));
	for (unsigned int i = 0; i < PORT_TIMES; i++)
		fprintf(file, PREFIX "%s_bucket{%s,le=\"%s\"} %" PRIu64 "\n", histogram->name, labels,
			port_time_bounds[i].text, times->counts[i]);
	fprintf(file, PREFIX "%s_bucket{%s,le=\"+Inf\"} %" PRIu64 "\n", histogram->name, labels,
		times->count);
	fprintf(file, PREFIX "%s_count{%s} %" PRIu64 "\n", histogram->name, labels, times->count);
	fprintf(file, PREFIX "%s_sum{%s} %.9f\n", histogram->name, labels, times->seconds);
}

static void write_histogram(FILE *file, const struct registry *registry, const struct port_type *type)
{
	const struct port_histogram *histogram = type->histogram;
	struct port_times times;
	const struct port *port;

	family(file, histogram->name, "histogram", "seconds", histogram->help);
	TAILQ_FOREACH(port, &registry->ports, link)
		for (unsigned int kind = 0; port->type == type && kind < histogram->count; kind++)
			if (histogram->times_of(port, kind, &times))
				write_times(file, port, histogram, kind, &times);
}

static void write_histograms(FILE *file, const struct registry *registry)
{
	for (unsigned int i = 0; port_types[i]; i++)
		if (port_types[i]->histogram)
			write_histogram(file, registry, port_types[i]);
}

static void write_qos_counts(FILE *file, const struct registry *registry, const char *name,
			     const char *unit, const char *help, size_t offset)
{
	const struct qos *qos;

	family(file, name, "counter", unit, help);
	TAILQ_FOREACH(qos, &registry->qos, link) {
		const uint64_t value = counter_get(
			(const uint64_t *)((const char *)&qos->group.counts + offset));

		if (unit)
			fprintf(file, PREFIX "%s_total{qos=\"%s\"} %.9f\n", name, qos->name,
				(double)value / 1e9);
		else
			fprintf(file, PREFIX "%s_total{qos=\"%s\"} %" PRIu64 "\n", name, qos->name,
				value);
	}
}

static void write_qos(FILE *file, const struct registry *registry)
{
	write_qos_counts(file, registry, "qos_waits", NULL,
			 "Times that a ring with something in it waited for the limits of a group",
			 offsetof(struct qos_counts, waits));
	write_qos_counts(file, registry, "qos_wait_seconds", "seconds", "How long they waited in all",
			 offsetof(struct qos_counts, wait_ns));
	write_qos_counts(file, registry, "qos_dropped_packets", NULL,
			 "Packets that limits of a group had no room for",
			 offsetof(struct qos_counts, drops));
}

static void write_reasons(FILE *file, const struct registry *registry, enum reason_kind kind)
{
	const struct reason_table *table = &reason_tables[kind];
	uint64_t counters[REASONS_MAX];
	const struct port *port;

	family(file, table->family, "counter", NULL, table->help);
	TAILQ_FOREACH(port, &registry->ports, link) {
		if (!port->type->reasons(port, kind, counters))
			continue;
		for (unsigned int i = table->first; i < table->count; i++)
			fprintf(file, PREFIX "%s_total{port=\"%s\",%s=\"%s\"} %" PRIu64 "\n",
				table->family, port->name, table->label, table->name(i),
				counters[i]);
	}
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

static const struct {
	const char *name;
	const char *type;
	const char *suffix;
	const char *help;
	size_t offset;
} times[] = {
	{ "worker_busy_seconds", "counter", "_total", "Time in passes that found packets",
	  offsetof(struct worker_stats, busy_ns) },
	{ "worker_longest_pass_seconds", "gauge", "", "Longest pass since the worker started",
	  offsetof(struct worker_stats, longest_ns) },
	{ "worker_recent_longest_pass_seconds", "gauge", "",
	  "Longest pass of the last 10 to 20 seconds", offsetof(struct worker_stats, recent_ns) },
};

static uint64_t member(const struct worker_stats *stats, size_t offset)
{
	uint64_t value;

	memcpy(&value, (const char *)stats + offset, sizeof(value));
	return value;
}

static void write_workers(FILE *file, const struct registry *registry)
{
	for (size_t i = 0; i < sizeof(work) / sizeof(*work); i++) {
		family(file, work[i].name, "counter", NULL, work[i].help);
		for (unsigned int j = 0; j < registry->worker_count; j++) {
			const struct worker_stats stats = worker_stats(registry->workers, j);

			fprintf(file, PREFIX "%s_total{cpu=\"%u\"} %" PRIu64 "\n", work[i].name,
				stats.cpu, member(&stats, work[i].offset));
		}
	}
	for (size_t i = 0; i < sizeof(times) / sizeof(*times); i++) {
		family(file, times[i].name, times[i].type, "seconds", times[i].help);
		for (unsigned int j = 0; j < registry->worker_count; j++) {
			const struct worker_stats stats = worker_stats(registry->workers, j);

			fprintf(file, PREFIX "%s%s{cpu=\"%u\"} %.6f\n", times[i].name,
				times[i].suffix, stats.cpu,
				(double)member(&stats, times[i].offset) / 1e9);
		}
	}
}

/* Over all ports that there were, so that they balance. */
static void write_switch(FILE *file, const struct registry *registry)
{
	const struct dp_counters sum = member_counted_all(registry);
	uint64_t drops = 0;

	for (unsigned int i = 0; i < DROP_COUNT; i++)
		drops += sum.drops[i];
	write_count(file, "switch_receive_packets", "Packets that came from ports", sum.rx_packets);
	write_count(file, "switch_copied_packets", "Packets that were made of them", sum.copies);
	write_count(file, "switch_transmit_packets", "Packets that went to ports", sum.tx_packets);
	write_count(file, "switch_dropped_packets", "Packets that were dropped", drops);
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
	write_ports(file, registry);
	write_histograms(file, registry);
	for (enum reason_kind kind = 0; kind < REASON_KINDS; kind++)
		write_reasons(file, registry, kind);
	write_qos(file, registry);
	write_switch(file, registry);
	write_workers(file, registry);
	fputs("# EOF\n", file);
	if (!fclose(file))
		return text;
	free(text);
	return NULL;
}
