// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One value of a file is changed by cutting a piece out of its text and putting another there.
 *
 * libyaml tells where each value stands, in characters; where a mapping in lines ends is told
 * by its last value, as what libyaml calls its end is behind the comments that follow.
 */
#include "host/file/edit.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/cleanup.h"
#include "host/file/edit_write.h"

#define KEY_SIZE 64

struct edit {
	const char *text;
	size_t length;
	yaml_document_t document;
	FILE *piece;		/* what comes into the text */
	size_t from, to;	/* in place of these bytes */
};

/* A value and where it is. */
struct spot {
	yaml_node_t *node;
	yaml_node_t *parent;	/* NULL of the whole document */
	yaml_node_t *key;	/* of a member of a mapping */
	int index;		/* among the parent's entries */
	bool in_flow;		/* between brackets */
};

/* A component of a place. */
struct component {
	char key[KEY_SIZE];	/* "": an index */
	int index;
};

/* Places are made by the caller, and are right. */
static struct component next_component(const char **place)
{
	struct component component = { "", 0 };
	size_t length;

	if (**place == '[') {
		component.index = (int)strtol(*place + 1, NULL, 10);
		*place += strcspn(*place, "]") + 1;
	} else {
		*place += **place == '.';
		length = strcspn(*place, ".[");
		snprintf(component.key, sizeof(component.key), "%.*s", (int)length, *place);
		*place += length;
	}
	return component;
}

/* libyaml counts characters, and not the mark that some editors begin a file with. */
static size_t offset(const struct edit *edit, yaml_mark_t mark)
{
	static const char bom[] = "\xef\xbb\xbf";
	size_t at = strncmp(edit->text, bom, strlen(bom)) ? 0 : strlen(bom);

	for (size_t left = mark.index; at < edit->length; at++) {
		if (((unsigned char)edit->text[at] & 0xc0) == 0x80)
			continue;
		if (!left--)
			break;
	}
	return at;
}

static size_t start_of(const struct edit *edit, const yaml_node_t *node)
{
	return offset(edit, node->start_mark);
}

static yaml_node_t *node_at(struct edit *edit, int index)
{
	return yaml_document_get_node(&edit->document, index);
}

static int count_of(const yaml_node_t *node)
{
	switch (node->type) {
	case YAML_SEQUENCE_NODE:
		return (int)(node->data.sequence.items.top - node->data.sequence.items.start);
	case YAML_MAPPING_NODE:
		return (int)(node->data.mapping.pairs.top - node->data.mapping.pairs.start);
	default:
		return 0;
	}
}

static yaml_node_t *key_of(struct edit *edit, const yaml_node_t *mapping, int index)
{
	return node_at(edit, mapping->data.mapping.pairs.start[index].key);
}

static yaml_node_t *value_of(struct edit *edit, const yaml_node_t *node, int index)
{
	return node_at(edit, node->type == YAML_MAPPING_NODE ?
			     node->data.mapping.pairs.start[index].value :
			     node->data.sequence.items.start[index]);
}

/* Where an entry begins: a key, or the value behind a dash. */
static size_t entry_start(struct edit *edit, const yaml_node_t *node, int index)
{
	return start_of(edit, node->type == YAML_MAPPING_NODE ? key_of(edit, node, index) :
								value_of(edit, node, index));
}

static bool is_flow(const yaml_node_t *node)
{
	return (node->type == YAML_MAPPING_NODE &&
		node->data.mapping.style == YAML_FLOW_MAPPING_STYLE) ||
	       (node->type == YAML_SEQUENCE_NODE &&
		node->data.sequence.style == YAML_FLOW_SEQUENCE_STYLE);
}

/* Behind the last character of a value. */
static size_t end_of(struct edit *edit, const yaml_node_t *node)
{
	int count = count_of(node);
	size_t end, start;

	if (count && !is_flow(node))
		return end_of(edit, value_of(edit, node, count - 1));
	start = start_of(edit, node);
	end = offset(edit, node->end_mark);
	while (end > start && strchr(" \t\r\n", edit->text[end - 1]))
		end--;
	return end;
}

static size_t line_end(const struct edit *edit, size_t at)
{
	while (at < edit->length && edit->text[at] != '\n')
		at++;
	return at;
}

static size_t line_start(const struct edit *edit, size_t at)
{
	while (at && edit->text[at - 1] != '\n')
		at--;
	return at;
}

/* What a person left out, or brackets around nothing: lines may take its place. */
static bool is_void(const yaml_node_t *node)
{
	static const char *const nulls[] = { "", "~", "null", "Null", "NULL" };

	if (node->type != YAML_SCALAR_NODE)
		return !count_of(node);
	for (size_t i = 0; i < sizeof(nulls) / sizeof(*nulls); i++) {
		if (node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
		    !strcmp((const char *)node->data.scalar.value, nulls[i]))
			return true;
	}
	return false;
}

static bool enter(struct edit *edit, struct spot *spot, const struct component *component)
{
	yaml_node_t *node = spot->node;
	int index = component->index, count = count_of(node);

	if (*component->key && node->type == YAML_MAPPING_NODE) {
		for (index = 0; index < count; index++) {
			if (!strcmp((const char *)key_of(edit, node, index)->data.scalar.value,
				    component->key))
				break;
		}
	}
	if (index >= count || (*component->key != '\0') != (node->type == YAML_MAPPING_NODE))
		return false;
	*spot = (struct spot){
		.node = value_of(edit, node, index),
		.parent = node,
		.key = *component->key ? key_of(edit, node, index) : NULL,
		.index = index,
		.in_flow = spot->in_flow || is_flow(node),
	};
	return true;
}

/* As far as the place is there; @place is left at what is missing. */
static struct spot find(struct edit *edit, const char **place, struct spot *parents,
			size_t *depth)
{
	struct spot spot = { .node = yaml_document_get_root_node(&edit->document) };

	while (spot.node && **place) {
		const char *rest = *place;
		struct component component = next_component(&rest);
		struct spot outer = spot;

		if (!enter(edit, &spot, &component))
			break;
		parents[(*depth)++] = outer;
		*place = rest;
	}
	return spot;
}

/* "vfs.each[0]" and a value: {"vfs": {"each": [value]}} */
static struct json_object *wrap(const char *place, struct json_object *value)
{
	struct component component;
	struct json_object *outer, *inner;

	if (!*place)
		return json_object_get(value);
	component = next_component(&place);
	inner = wrap(place, value);
	outer = *component.key ? json_object_new_object() : json_object_new_array();
	if (*component.key)
		json_object_object_add(outer, component.key, inner);
	else
		json_object_array_add(outer, inner);
	return outer;
}

/* In place of nothing: in lines below its key, or between the brackets that it stands in. */
static void fill(struct edit *edit, const struct spot *spot, struct json_object *value)
{
	size_t indent = spot->key ? spot->key->start_mark.column + 2 : 0;

	edit->from = start_of(edit, spot->node);
	edit->to = end_of(edit, spot->node);
	if (spot->in_flow) {
		fputs(edit->from && edit->text[edit->from - 1] == ':' ? " " : "", edit->piece);
		edit_write_flow(edit->piece, value);
		return;
	}
	while (spot->key && edit->from && strchr(" \t", edit->text[edit->from - 1]))
		edit->from--;
	if (edit->from && edit->text[edit->from - 1] != '\n')
		fprintf(edit->piece, "\n%*s", (int)indent, "");
	edit_write_lines(edit->piece, value, indent);
}

/* One more entry behind the last: @value is a mapping or list with nothing but it. */
static void append(struct edit *edit, const struct spot *spot, struct json_object *value)
{
	yaml_node_t *node = spot->node;
	_cleanup_free_ char *words = NULL;
	size_t indent = node->start_mark.column;

	edit->from = end_of(edit, value_of(edit, node, count_of(node) - 1));
	if (is_flow(node)) {
		words = host_edit_words(value);
		if (words)
			fprintf(edit->piece, ", %.*s", (int)strlen(words) - 2, words + 1);
	} else {
		edit->from = line_end(edit, edit->from);
		fprintf(edit->piece, "\n%*s", (int)indent, "");
		edit_write_lines(edit->piece, value, indent);
	}
	edit->to = edit->from;
}

/* Behind a file of comments, or of nothing. */
static void begin(struct edit *edit, struct json_object *value)
{
	edit->from = edit->to = edit->length;
	if (edit->length && edit->text[edit->length - 1] != '\n')
		fputc('\n', edit->piece);
	edit_write_lines(edit->piece, value, 0);
	fputc('\n', edit->piece);
}

static int insert(struct edit *edit, const struct spot *spot, const char *place,
		  struct json_object *value)
{
	_cleanup_json_ struct json_object *rest = wrap(place, value);
	bool in_list = json_object_is_type(rest, json_type_array);

	if (!spot->node)
		begin(edit, rest);
	else if (is_void(spot->node))
		fill(edit, spot, rest);
	else if (spot->node->type == (in_list ? YAML_SEQUENCE_NODE : YAML_MAPPING_NODE))
		append(edit, spot, rest);
	else
		return -EINVAL;
	return 0;
}

/* A list or mapping in lines goes with its lines: what replaces it stands behind the key. */
static void replace(struct edit *edit, const struct spot *spot, struct json_object *value)
{
	edit->from = start_of(edit, spot->node);
	edit->to = end_of(edit, spot->node);
	if (spot->key && (edit->from == edit->to ||
			  (count_of(spot->node) && !is_flow(spot->node)))) {
		edit->from = end_of(edit, spot->key);
		edit->from += strcspn(edit->text + edit->from, ":") + 1;
		fputc(' ', edit->piece);
	}
	edit_write_flow(edit->piece, value);
}

/* Of entries between brackets one comma goes as well. */
static void remove_in_flow(struct edit *edit, const yaml_node_t *parent, int index)
{
	bool is_last = index == count_of(parent) - 1;

	edit->from = entry_start(edit, parent, index);
	edit->to = is_last ? end_of(edit, value_of(edit, parent, index)) :
			     entry_start(edit, parent, index + 1);
	if (is_last)
		edit->from = end_of(edit, value_of(edit, parent, index - 1));
}

/* An entry in lines begins where its line does, or behind a dash; then the next moves there. */
static int remove_in_lines(struct edit *edit, const yaml_node_t *parent, int index)
{
	size_t start = entry_start(edit, parent, index), line;

	edit->to = line_end(edit, end_of(edit, value_of(edit, parent, index)));
	if (parent->type == YAML_SEQUENCE_NODE) {
		while (start && strchr(" \n", edit->text[start - 1]))
			start--;
		if (!start || edit->text[--start] != '-')
			return -EINVAL;
	}
	line = line_start(edit, start);
	if (strspn(edit->text + line, " ") != start - line) {
		edit->from = start;
		edit->to = entry_start(edit, parent, index + 1);
		return 0;
	}
	edit->from = line;
	edit->to += edit->to < edit->length;
	return 0;
}

/* With the last entry goes what it is in. */
static int take_away(struct edit *edit, struct spot spot, const struct spot *parents, size_t depth)
{
	while (depth && count_of(spot.parent) == 1)
		spot = parents[--depth];
	if (!spot.parent) {
		edit->from = start_of(edit, spot.node);
		edit->to = end_of(edit, spot.node);
		fputs("{}", edit->piece);
		return 0;
	}
	if (!is_flow(spot.parent))
		return remove_in_lines(edit, spot.parent, spot.index);
	remove_in_flow(edit, spot.parent, spot.index);
	return 0;
}

#define DEPTH_MAX 16

static int choose(struct edit *edit, const char *place, struct json_object *value)
{
	struct spot parents[DEPTH_MAX];
	size_t depth = 0;
	struct spot spot = find(edit, &place, parents, &depth);

	if (!value && *place)
		return 0;
	if (!value)
		return take_away(edit, spot, parents, depth);
	if (*place)
		return insert(edit, &spot, place, value);
	replace(edit, &spot, value);
	return 0;
}

static int load(yaml_document_t *document, const char *text)
{
	yaml_parser_t parser;
	bool loaded;

	if (!yaml_parser_initialize(&parser))
		return -ENOMEM;
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, strlen(text));
	loaded = yaml_parser_load(&parser, document);
	yaml_parser_delete(&parser);
	return loaded ? 0 : -EINVAL;
}

static struct json_object *node_json(struct edit *edit, const yaml_node_t *node)
{
	bool is_list = node->type == YAML_SEQUENCE_NODE;
	struct json_object *json;

	if (node->type == YAML_SCALAR_NODE)
		return json_object_new_string((const char *)node->data.scalar.value);
	json = is_list ? json_object_new_array() : json_object_new_object();
	for (int i = 0; i < count_of(node); i++) {
		struct json_object *value = node_json(edit, value_of(edit, node, i));

		if (is_list)
			json_object_array_add(json, value);
		else
			json_object_object_add(json, (const char *)key_of(edit, node, i)->
					       data.scalar.value, value);
	}
	return json;
}

struct json_object *host_edit_read(const char *text, const char *place)
{
	struct edit edit = { .text = text, .length = strlen(text) };
	struct spot spot, parents[DEPTH_MAX];
	struct json_object *json = NULL;
	size_t depth = 0;

	if (load(&edit.document, text))
		return NULL;
	spot = find(&edit, &place, parents, &depth);
	if (spot.node && !*place)
		json = node_json(&edit, spot.node);
	yaml_document_delete(&edit.document);
	return json;
}

int host_edit(char **text, const char *place, struct json_object *value)
{
	struct edit edit = { .text = *text, .length = strlen(*text) };
	_cleanup_free_ char *piece = NULL;
	char *edited = NULL;
	size_t size;
	int error = load(&edit.document, *text);

	if (error)
		return error;
	edit.piece = open_memstream(&piece, &size);
	error = edit.piece ? choose(&edit, place, value) : -ENOMEM;
	if (edit.piece && fclose(edit.piece))
		error = -ENOMEM;
	yaml_document_delete(&edit.document);
	if (!error && asprintf(&edited, "%.*s%s%s", (int)edit.from, *text, piece,
			       *text + edit.to) < 0)
		error = -ENOMEM;
	if (error)
		return error;
	free(*text);
	*text = edited;
	return 0;
}
