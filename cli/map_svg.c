// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A map as a drawing: a line for each function, or run of VFs, in the order of the tree, inside the
 * frame of its IOMMU group.  Members of a group follow each other there, as what joins them is above
 * them; a group of which others are in between has a frame for each part, with its number.
 *
 * Drivers have a colour, a pattern and a sign, and their name is there as well, so none of them has
 * to be told by its colour.
 */
#include <stdint.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/utf8.h"
#include "cli/map.h"
#include "cli/map_assets.h"

#define WIDTH 1240
#define MARGIN 24
#define LINE 40		/* from one function to the next */
#define CARD 30
#define INDENT 26
#define DRIVER_X 640
#define NOTES_X 770
#define FRAME_X (WIDTH - 74)	/* the right side of frames, with room for a number behind it */
/* Width of a character, as far as anybody knows beforehand, and of one of a bold text */
#define CHARACTER 7.3
#define BOLD_CHARACTER 8.3
#define TEXT_SIZE 1024
#define DRIVERS 8
#define NO_DRIVER "no driver"

#define MEMBER(object, key) json_object_object_get(object, key)

/* Okabe and Ito's colours, which most people tell apart, and signs for all others. */
static const struct {
	const char *colour;
	const char *sign;
} styles[DRIVERS + 1] = {
	{ "#0072b2", "●" }, { "#d55e00", "◆" }, { "#009e73", "▲" }, { "#cc79a7", "■" },
	{ "#e69f00", "★" }, { "#56b4e9", "▼" }, { "#6a5acd", "✚" }, { "#7f6000", "⬟" },
	{ "#8c959f", "○" },	/* no driver */
};

struct svg {
	FILE *file;
	struct json_object *map;
	struct json_object *functions;
	bool all;
	int y;
	int parents[64];	/* where the last function of each depth is */
};

/* A character at @text: its bytes, 0 for what XML may not have. */
static size_t character_at(const char *text)
{
	uint32_t code;
	size_t length = utf8_at(text, &code);

	return (code < ' ' && code != '\n') || code == 0x7f || code == 0xfffe || code == 0xffff ? 0 : length;
}

static void put_character(FILE *file, const char *text, size_t length)
{
	switch (*text) {
	case '<':
		fputs("&lt;", file);
		break;
	case '>':
		fputs("&gt;", file);
		break;
	case '&':
		fputs("&amp;", file);
		break;
	case '"':
		fputs("&quot;", file);
		break;
	default:
		fwrite(text, 1, length, file);
	}
}

/* Names are anybody's: as text of XML, and no longer than a number of characters. */
static void put_text(FILE *file, const char *text, size_t most)
{
	for (size_t count = 0; *text; count++) {
		size_t length = character_at(text);

		if (count + 1 >= most && text[length ? length : 1]) {
			fputs("…", file);
			return;
		}
		if (length)
			put_character(file, text, length);
		else
			fputs("\xef\xbf\xbd", file);
		text += length ? length : 1;
	}
}

static size_t width_of(const char *text)
{
	size_t width = 0;

	for (; *text; text++)
		width += ((unsigned char)*text & 0xc0) != 0x80;
	return width;
}

static bool is_bold(const char *class)
{
	return !strcmp(class, "used") || !strcmp(class, "warning");
}

/* A text that begins at @x, cut where @room pixels are over; where it ends. */
static int put_label(const struct svg *svg, const char *class, int x, int y, int room,
		     const char *text)
{
	const double character = is_bold(class) ? BOLD_CHARACTER : CHARACTER;
	const size_t most = room > 0 ? (size_t)(room / character) : 0, width = width_of(text);

	if (!*text || !most)
		return x;
	fprintf(svg->file, "<text class=\"%s\" x=\"%d\" y=\"%d\">", class, x, y);
	put_text(svg->file, text, most);
	fputs("</text>", svg->file);
	return x + (int)((double)(width < most ? width : most) * character) + 12;
}

static size_t style_of(const struct svg *svg, const char *driver)
{
	struct json_object *drivers = MEMBER(svg->map, "drivers");

	for (size_t i = 0; driver && i < json_object_array_length(drivers); i++) {
		if (!strcmp(json_text(json_object_array_get_idx(drivers, i), "driver"), driver))
			return i % DRIVERS;
	}
	return DRIVERS;
}

/* A pattern for each style: stripes of another angle and width. */
static void put_patterns(const struct svg *svg)
{
	fputs("<defs>", svg->file);
	for (size_t i = 0; i <= DRIVERS; i++)
		fprintf(svg->file, "<pattern id=\"p%zu\" width=\"6\" height=\"6\" "
			"patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(%zu)\">"
			"<rect width=\"6\" height=\"6\" fill=\"%s\"/>%s</pattern>",
			i, 22 * i, styles[i].colour, i % 3 ? "<rect width=\"2\" height=\"6\" "
			"fill=\"#ffffff\" fill-opacity=\"0.55\"/>" : "");
	fputs("</defs>\n", svg->file);
}

/* Its sign and its name; where they end. */
static int put_driver(const struct svg *svg, int x, int y, const char *driver, const char *text)
{
	size_t style = style_of(svg, driver);

	fprintf(svg->file, "<text x=\"%d\" y=\"%d\" style=\"fill:%s\">%s</text>", x, y,
		styles[style].colour, styles[style].sign);
	return put_label(svg, "", x + 18, y, NOTES_X - DRIVER_X - 20, text);
}

/* One of the legend at @x, or at the start of the next line; where it ends. */
static int put_legend_entry(struct svg *svg, int x, const char *driver, size_t functions)
{
	char text[128];

	if (x > WIDTH - 200) {
		x = MARGIN;
		svg->y += 24;
	}
	snprintf(text, sizeof(text), "%s (%zu)", driver ? driver : NO_DRIVER, functions);
	return put_driver(svg, x, svg->y, driver, text) + 12;
}

static void put_legend(struct svg *svg)
{
	struct json_object *drivers = MEMBER(svg->map, "drivers");
	size_t driverless = json_object_array_length(svg->functions);
	int x = MARGIN;

	for (size_t i = 0; i < json_object_array_length(drivers); i++) {
		struct json_object *driver = json_object_array_get_idx(drivers, i);
		const size_t functions = (size_t)json_object_get_int(MEMBER(driver, "functions"));

		x = put_legend_entry(svg, x, json_text(driver, "driver"), functions);
		driverless -= functions;
	}
	if (driverless)
		put_legend_entry(svg, x, NULL, driverless);
	svg->y += 24;
	put_label(svg, "quiet", MARGIN, svg->y, WIDTH - 2 * MARGIN,
		  "Frames are IOMMU groups with their number; a dashed frame holds what cannot be "
		  "given away apart. Click for details, / filters, + and - zoom, Esc leads back.");
	svg->y += 20;
}

static struct json_object *function_at(const struct svg *svg, size_t index)
{
	return json_object_array_get_idx(svg->functions, index);
}

static int x_of(struct json_object *function)
{
	return MARGIN + 10 + INDENT * json_object_get_int(MEMBER(function, "depth"));
}

/* Everything about a function, a line for each, which a browser shows of a title. */
static void put_title(const struct svg *svg, struct map_run run)
{
	static const char *const keys[][2] = {
		{ "name", "Name" }, { "class", "Class" }, { "driver", "Driver" },
		{ "iommu_group", "IOMMU group" }, { "numa_node", "NUMA node" }, { "pf", "PF" },
		{ "identity", "Identity" }, { "acs", "ACS" }, { "link", "Link" },
		{ "link_max", "Link, at most" },
	};
	struct json_object *function = function_at(svg, run.first), *joins = MEMBER(function, "joins");
	char text[TEXT_SIZE];

	map_run_title(svg->functions, run, text, sizeof(text));
	fputs("<title>", svg->file);
	put_text(svg->file, text, TEXT_SIZE);
	map_role(function, text, sizeof(text));
	fputs(*text ? ", " : "", svg->file);
	put_text(svg->file, text, TEXT_SIZE);
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		if (!MEMBER(function, keys[i][0]))
			continue;
		fprintf(svg->file, "\n%s: ", keys[i][1]);
		put_text(svg->file, json_text(function, keys[i][0]), TEXT_SIZE);
	}
	map_notes(function, text, sizeof(text));
	fputs(*text ? "\n" : "", svg->file);
	put_text(svg->file, text, TEXT_SIZE);
	for (size_t i = 0; i < json_object_array_length(joins); i++) {
		fputc('\n', svg->file);
		put_text(svg->file, json_object_get_string(json_object_array_get_idx(joins, i)), TEXT_SIZE);
	}
	fputs("</title>", svg->file);
}

static const char *class_of_notes(struct json_object *function)
{
	if (json_object_get_boolean(MEMBER(function, "link_slow")) ||
	    json_object_array_length(MEMBER(function, "joins")))
		return "warning";
	return json_object_array_length(MEMBER(function, "users")) ? "used" : "";
}

/* From below the function above it to its side */
static void put_wire(struct svg *svg, struct json_object *function)
{
	int depth = json_object_get_int(MEMBER(function, "depth")), x = x_of(function);
	int from = depth ? svg->parents[depth - 1] + CARD : 0, to = svg->y + CARD / 2;

	svg->parents[depth] = svg->y;
	if (depth)
		fprintf(svg->file, "<path class=\"wire\" d=\"M%d %dV%dH%d\"/>", x - INDENT + 12, from, to,
			x);
}

static void put_function(struct svg *svg, struct map_run run)
{
	struct json_object *function = function_at(svg, run.first);
	const char *driver = json_text_or_null(function, "driver");
	const int x = x_of(function), text_y = svg->y + 20;
	char text[TEXT_SIZE], role[64];
	int at;

	put_wire(svg, function);
	fputs("<g class=\"function\" tabindex=\"0\" role=\"button\">", svg->file);
	put_title(svg, run);
	fprintf(svg->file, "<rect class=\"card\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"5\"/>"
		"<rect x=\"%d\" y=\"%d\" width=\"10\" height=\"%d\" fill=\"url(#p%zu)\"/>",
		x, svg->y, FRAME_X - 6 - x, CARD, x, svg->y, CARD, style_of(svg, driver));
	map_run_title(svg->functions, run, text, sizeof(text));
	at = put_label(svg, "device", x + 18, text_y, 200, text) + 10;
	map_role(function, role, sizeof(role));
	if (run.count > 1)
		snprintf(role, sizeof(role), "%zu alike", run.count);
	at = put_label(svg, "", at, text_y, DRIVER_X - at, role);
	put_label(svg, "quiet", at, text_y, DRIVER_X - at - 12, json_text(function, "name"));
	put_driver(svg, DRIVER_X, text_y, driver, driver ? driver : NO_DRIVER);
	map_notes(function, text, sizeof(text));
	put_label(svg, class_of_notes(function), NOTES_X, text_y, FRAME_X - NOTES_X - 16, text);
	fputs("</g>\n", svg->file);
	svg->y += LINE;
}

/* "0000:80" of "0000:80:00.0" */
static int bus_length(const char *device)
{
	const char *end = strrchr(device, ':');

	return end ? (int)(end - device) : 0;
}

/* Whether a heading stands before a function: it is the first of another root bus. */
static bool begins_bus(const struct svg *svg, size_t index, const char *bus)
{
	struct json_object *function = function_at(svg, index);
	const char *device = json_text(function, "device");
	const int length = bus_length(device);

	return !json_object_get_int(MEMBER(function, "depth")) &&
	       ((size_t)length != strlen(bus) || strncmp(device, bus, (size_t)length) != 0);
}

/* How many lines from @index on are of one group, without a heading in between; where they end. */
static size_t part_of_group(const struct svg *svg, size_t index, const char *bus, size_t *end, int *x)
{
	struct json_object *group = MEMBER(function_at(svg, index), "iommu_group");
	const size_t count = json_object_array_length(svg->functions);
	size_t lines = 0;

	for (*x = WIDTH; index < count; lines++) {
		struct json_object *function = function_at(svg, index);
		struct map_run run = map_run_at(svg->functions, index, svg->all);

		if (lines && (!group || run.count > 1 || begins_bus(svg, index, bus) ||
			      !json_object_equal(group, MEMBER(function, "iommu_group"))))
			break;
		*x = x_of(function) < *x ? x_of(function) : *x;
		index += run.count;
		if (run.count > 1)
			group = NULL;
	}
	*end = index;
	return lines;
}

static size_t size_of_group(const struct svg *svg, const char *number)
{
	struct json_object *groups = MEMBER(svg->map, "groups");

	for (size_t i = 0; i < json_object_array_length(groups); i++) {
		struct json_object *group = json_object_array_get_idx(groups, i);

		if (!strcmp(json_text(group, "iommu_group"), number))
			return json_object_array_length(MEMBER(group, "members"));
	}
	return 0;
}

/* Behind what it holds */
static void put_frame(const struct svg *svg, size_t index, size_t end, size_t lines, int x)
{
	const char *first = json_text_or_null(function_at(svg, index), "iommu_group");
	const char *last = json_text_or_null(function_at(svg, end - 1), "iommu_group");
	size_t members = first ? size_of_group(svg, first) : 0;
	const int height = (int)lines * LINE - (LINE - CARD) + 8;
	char text[64];

	if (!first || !last)
		return;
	snprintf(text, sizeof(text), strcmp(first, last) ? "%s-%s" : "%s", first, last);
	fprintf(svg->file, "<rect class=\"group%s\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" "
		"rx=\"8\"/>", members > 1 ? " torn" : "", x - 5, svg->y - 4, FRAME_X - x + 5, height);
	put_label(svg, members > 1 ? "warning" : "quiet", FRAME_X + 8, svg->y + 20, 66, text);
}

/* A heading where a root bus begins */
static void put_bus(struct svg *svg, size_t index, char *bus, size_t size)
{
	const char *device = json_text(function_at(svg, index), "device");
	const char *node = json_text_or_null(function_at(svg, index), "numa_node");
	char text[64];

	if (!begins_bus(svg, index, bus))
		return;
	snprintf(bus, size, "%.*s", bus_length(device), device);
	snprintf(text, sizeof(text), "Root bus %s%s%s", bus, node ? ", NUMA node " : "",
		 node ? node : "");
	svg->y += 26;
	put_label(svg, "bus", MARGIN, svg->y, WIDTH, text);
	fputc('\n', svg->file);
	svg->y += 16;
}

static void put_functions(struct svg *svg)
{
	const size_t count = json_object_array_length(svg->functions);
	size_t end, lines;
	char bus[16] = "";
	int x;

	for (size_t i = 0; i < count;) {
		put_bus(svg, i, bus, sizeof(bus));
		lines = part_of_group(svg, i, bus, &end, &x);
		put_frame(svg, i, end, lines, x);
		while (i < end) {
			struct map_run run = map_run_at(svg->functions, i, svg->all);

			put_function(svg, run);
			i += run.count;
		}
	}
}

/* Why those are together that are, and what is not shown */
static void put_sentences(struct svg *svg)
{
	struct json_object *groups = MEMBER(svg->map, "groups");
	struct json_object *incomplete = MEMBER(svg->map, "incomplete");
	char text[TEXT_SIZE];

	svg->y += 20;
	for (size_t i = 0; i < json_object_array_length(groups); i++) {
		struct json_object *group = json_object_array_get_idx(groups, i);
		struct json_object *reasons = MEMBER(group, "reasons");

		for (size_t n = 0; n < json_object_array_length(reasons); n++) {
			snprintf(text, sizeof(text), "Group %s: %s", json_text(group, "iommu_group"),
				 json_text(json_object_array_get_idx(reasons, n), "text"));
			put_label(svg, "", MARGIN, svg->y, WIDTH - 2 * MARGIN, text);
			svg->y += 20;
		}
	}
	for (size_t i = 0; i < json_object_array_length(incomplete); i++) {
		put_label(svg, "quiet", MARGIN, svg->y, WIDTH - 2 * MARGIN,
			  json_object_get_string(json_object_array_get_idx(incomplete, i)));
		svg->y += 20;
	}
}

/* The height is known when all is drawn. */
static void put_all(FILE *file, const char *body, int height)
{
	fprintf(file, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" "
		"height=\"%d\" tabindex=\"0\">\n<title>Map of a host</title>\n<style>\n%s</style>\n"
		"<rect class=\"paper\" width=\"%d\" height=\"%d\"/>\n%s<g id=\"details\"></g>\n"
		"<script><![CDATA[\n%s]]></script>\n</svg>\n", WIDTH, height, WIDTH, height,
		map_drawing_css, WIDTH, height, body, map_drawing_js);
}

void map_print_svg(FILE *file, struct json_object *map, bool all)
{
	struct svg svg = { .map = map, .functions = MEMBER(map, "functions"), .all = all };
	_cleanup_free_ char *body = NULL;
	size_t size = 0;

	svg.file = open_memstream(&body, &size);
	if (!svg.file)
		return;
	svg.y = MARGIN + 14;
	put_patterns(&svg);
	put_label(&svg, "title", MARGIN, svg.y, WIDTH, "Map of a host");
	svg.y += 30;
	put_legend(&svg);
	put_functions(&svg);
	put_sentences(&svg);
	if (!fclose(svg.file))
		put_all(file, body, svg.y + MARGIN);
}
