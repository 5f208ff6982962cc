// SPDX-License-Identifier: GPL-2.0-or-later
/* Which way to choose, in a sentence that says by what. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "bench/guest/guest_bench.h"

struct choice {
	struct json_object *side;
	double score;
};

static double member(struct json_object *object, const char *key, const char *inner)
{
	object = json_object_object_get(object, key);
	return inner ? json_object_get_double(json_object_object_get(object, inner))
		     : json_object_get_double(object);
}

static double rate(struct json_object *load)
{
	return member(load, "rate", "median");
}

static bool is_native(struct json_object *side)
{
	return !strcmp(json_text(side, "way"), "native");
}

/* The loads of a side, whatever class it is of; NULL behind the last. */
static struct json_object *load_at(struct json_object *side, size_t index)
{
	static const char *const networks[] = {"out", "in", "packets", "round_trips"};
	struct json_object *depths;

	if (json_object_object_get_ex(side, "depths", &depths))
		return json_object_array_get_idx(depths, index);
	return index < sizeof(networks) / sizeof(*networks)
		       ? json_object_object_get(side, networks[index])
		       : NULL;
}

#define LOADS_NETWORK 4

/* How many a side has when it was measured as a whole. */
static size_t loads_of(struct json_object *side)
{
	struct json_object *depths;

	return json_object_object_get_ex(side, "depths", &depths) ? json_object_array_length(depths)
								   : LOADS_NETWORK;
}

/* The geometric mean of what all loads make; 0 unless all are there. */
static double mean_rate(struct json_object *side)
{
	const size_t count = loads_of(side);
	double logarithm = 0;

	for (size_t i = 0; i < count; i++) {
		double value = rate(load_at(side, i));

		if (value <= 0)
			return 0;
		logarithm += log(value);
	}
	return count ? exp(logarithm / (double)count) : 0;
}

/* Exits of a packet or request, over all loads; -1 unless all are there, and somebody counts. */
static double exits(struct json_object *side)
{
	const size_t count = loads_of(side);
	double sum = 0, units = 0;

	for (size_t i = 0; i < count; i++) {
		struct json_object *load = load_at(side, i), *value;
		double weight = member(load, "units", NULL);

		if (!json_object_object_get_ex(load, "exits_per_unit", &value))
			return -1;
		sum += json_object_get_double(value) * weight;
		units += weight;
	}
	return units > 0 ? sum / units : -1;
}

static struct choice choose(struct json_object *sides, bool by_exits, struct json_object *not)
{
	struct choice best = {0};

	for (size_t i = 0; i < json_object_array_length(sides); i++) {
		struct json_object *side = json_object_array_get_idx(sides, i);
		double score = by_exits ? exits(side) : mean_rate(side);

		if (is_native(side) || side == not || (by_exits ? score < 0 : score <= 0))
			continue;
		if (!best.side || (by_exits ? score < best.score : score > best.score))
			best = (struct choice){side, score};
	}
	return best;
}

/* The host by the same device, or else by none. */
static double native_of(struct json_object *sides, struct json_object *of)
{
	const char *device = json_text_or_null(of, "device");
	double any = 0;

	for (size_t i = 0; i < json_object_array_length(sides); i++) {
		struct json_object *side = json_object_array_get_idx(sides, i);
		const char *other = json_text_or_null(side, "device");

		if (!is_native(side))
			continue;
		if (device && other && !strcmp(device, other))
			return mean_rate(side);
		if (!other)
			any = mean_rate(side);
	}
	return any;
}

static void say(struct json_object *advice, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void say(struct json_object *advice, const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	json_object_array_add(advice, json_object_new_string(text));
}

static void by_exits(struct json_object *advice, struct json_object *sides, const char *what,
		     const char *unit)
{
	struct choice best = choose(sides, true, NULL), next;

	if (!best.side) {
		say(advice, "For %s nothing can be advised: time is the emulator's here, and KVM told "
		    "no exits.", what);
		return;
	}
	next = choose(sides, true, best.side);
	if (next.side)
		say(advice, "For %s choose %s: %.2f exits a %s of all loads, where %s, the next, has %.2f; this host is "
		    "emulated itself, so that exits count and time does not.", what,
		    json_text(best.side, "side"), best.score, unit, json_text(next.side, "side"),
		    next.score);
	else
		say(advice, "For %s %s alone was measured as a whole, with %.2f exits a %s of all loads; this host is "
		    "emulated itself, so that exits count and time does not.", what, json_text(best.side, "side"),
		    best.score, unit);
}

static void by_time(struct json_object *advice, struct json_object *sides, const char *what,
		    bool is_real)
{
	struct choice best = choose(sides, false, NULL), next;
	double native;
	char beside[128] = "", reserve[160] = "";

	if (!best.side) {
		say(advice, "For %s nothing can be advised: no way into a guest was measured as a whole.", what);
		return;
	}
	next = choose(sides, false, best.side);
	native = native_of(sides, best.side);
	if (next.side)
		snprintf(beside, sizeof(beside), ", %.2f times %s, the next",
			 best.score / next.score, json_text(next.side, "side"));
	if (!is_real)
		snprintf(reserve, sizeof(reserve), "; guests were emulated, without KVM, so that it says "
			 "nothing of guests by KVM");
	if (native > 0)
		say(advice, "For %s choose %s: %.0f %% of what the host itself makes%s%s.", what,
		    json_text(best.side, "side"), 100 * best.score / native, beside, reserve);
	else
		say(advice, "For %s choose %s%s; what the host itself makes is not known%s.", what,
		    json_text(best.side, "side"), beside, reserve);
}

void guest_bench_advise(struct json_object *results)
{
	static const struct {
		const char *key;
		const char *unit;
	} classes[] = {{"networks", "packet"}, {"disks", "request"}};
	struct json_object *advice = json_object_new_array();
	const char *counts = json_text(results, "counts");

	for (size_t i = 0; i < sizeof(classes) / sizeof(*classes); i++) {
		struct json_object *sides = json_object_object_get(results, classes[i].key);

		if (!json_object_array_length(sides))
			continue;
		if (!strcmp(counts, "exits"))
			by_exits(advice, sides, classes[i].key, classes[i].unit);
		else
			by_time(advice, sides, classes[i].key, !strcmp(counts, "time"));
	}
	json_object_object_add(results, "advice", advice);
}
