// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The shape of a host file: a walk over libyaml's events along the schema.
 *
 * It runs before libcyaml, because libcyaml's complaints are made of several lines, give the
 * line where a mapping begins rather than that of the value, and differ by version, and
 * because before 1.4 it takes "4x" for 4 and "-18446744073709551615" for 1.  libcyaml
 * then finds nothing to complain of.
 *
 * The schema bounds the depth of the recursion.  The same walk finds the line of a
 * place when something is wrong with its value later.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

#include "host/file/file.h"
#include "host/file/keys.h"

#define KEYS_MAX 64
#define SHOWN_MAX 60

struct walk {
	const struct iov_host_file *file;
	yaml_parser_t parser;
	yaml_event_t event;
	char place[HOST_PLACE_SIZE];
	const char *wanted; /* the place whose line is looked for, NULL for none */
	size_t matched;     /* bytes of @wanted that @line is of */
	unsigned int line;
};

struct host_shown host_show(const char *value)
{
	struct host_shown shown;
	size_t length = strlen(value);
	bool whole = length <= SHOWN_MAX;

	length = whole ? length : SHOWN_MAX;
	while (!whole && length && ((unsigned char)value[length] & 0xc0) == 0x80)
		length--;
	snprintf(shown.text, sizeof(shown.text), "'%.*s%s'", (int)length, value,
		 whole ? "" : "...");
	return shown;
}

/* The message has the line of the event at hand and the place. */
static int __attribute__((format(printf, 2, 3)))
fail(const struct walk *walk, const char *format, ...)
{
	char text[IOV_MESSAGE_SIZE];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return iov_fail(walk->file->iov, -EINVAL, "%s:%zu: %s%s%s", walk->file->name,
			walk->event.start_mark.line + 1, walk->place, *walk->place ? ": " : "",
			text);
}

/* libyaml has a mark for what the parser dislikes, and an offset for what the reader does. */
static int fail_syntax(const struct walk *walk)
{
	const yaml_parser_t *parser = &walk->parser;
	size_t line = parser->problem_mark.line + 1;

	if (parser->error == YAML_MEMORY_ERROR)
		return -ENOMEM;
	if (parser->error == YAML_READER_ERROR) {
		line = 1;
		for (size_t i = 0; i < parser->problem_offset && i < walk->file->length; i++)
			line += walk->file->text[i] == '\n';
	}
	return iov_fail(walk->file->iov, -EINVAL, "%s:%zu: not YAML: %s%s%s", walk->file->name,
			line, parser->context ? parser->context : "", parser->context ? ": " : "",
			parser->problem ? parser->problem : "unreadable");
}

static bool is_decorated(const yaml_event_t *event)
{
	switch (event->type) {
	case YAML_ALIAS_EVENT:
		return true;
	case YAML_SCALAR_EVENT:
		return event->data.scalar.anchor || event->data.scalar.tag;
	case YAML_SEQUENCE_START_EVENT:
		return event->data.sequence_start.anchor || event->data.sequence_start.tag;
	case YAML_MAPPING_START_EVENT:
		return event->data.mapping_start.anchor || event->data.mapping_start.tag;
	default:
		return false;
	}
}

static bool is_printable(const yaml_event_t *event)
{
	const unsigned char *text = event->data.scalar.value;

	for (size_t i = 0; i < event->data.scalar.length; i++) {
		if (text[i] < ' ' || text[i] == 0x7f)
			return false;
	}
	return true;
}

static int next(struct walk *walk)
{
	yaml_event_delete(&walk->event);
	if (!yaml_parser_parse(&walk->parser, &walk->event))
		return fail_syntax(walk);
	if (is_decorated(&walk->event))
		return fail(walk, "anchors (&), aliases (*) and tags (!) are not understood; "
				  "write the value itself");
	if (walk->event.type == YAML_SCALAR_EVENT && !is_printable(&walk->event))
		return fail(walk, "a line break or control character; expected a word on one line");
	return 0;
}

/* The nearest place that is written down is the longest that @wanted begins with. */
static void visit(struct walk *walk)
{
	size_t length = strlen(walk->place);

	if (!walk->wanted || length < walk->matched || strncmp(walk->wanted, walk->place, length) ||
	    !strchr(".[", walk->wanted[length]))
		return;
	walk->matched = length;
	walk->line = (unsigned int)walk->event.start_mark.line + 1;
}

static const char *scalar(const struct walk *walk)
{
	return (const char *)walk->event.data.scalar.value;
}

/* What was found where something else was expected. */
static struct host_shown found(const struct walk *walk)
{
	switch (walk->event.type) {
	case YAML_SCALAR_EVENT:
		return host_show(scalar(walk));
	case YAML_SEQUENCE_START_EVENT:
		return (struct host_shown){"a list" };
	default:
		return (struct host_shown){"a mapping" };
	}
}

/* A value that a person left out. */
static bool is_null(const struct walk *walk)
{
	static const char *const nulls[] = { "", "~", "null", "Null", "NULL" };

	if (walk->event.type != YAML_SCALAR_EVENT ||
	    walk->event.data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
		return false;
	for (size_t i = 0; i < sizeof(nulls) / sizeof(*nulls); i++) {
		if (!strcmp(scalar(walk), nulls[i]))
			return true;
	}
	return false;
}

/* Decimal, because readers of YAML 1.1 and 1.2 differ about what 010 is. */
static int check_number(const struct walk *walk, const cyaml_schema_value_t *schema)
{
	const char *largest = schema->data_size > sizeof(uint32_t) ? "999999999999999"
								   : "4294967295";
	const char *text = scalar(walk);
	size_t digits = strspn(text, "0123456789"), most = strlen(largest);

	if (!digits || text[digits] || (digits > 1 && *text == '0') || digits > most ||
	    (digits == most && strcmp(text, largest) > 0))
		return fail(walk, "%s: expected a decimal number from 0 to %s", found(walk).text,
			    largest);
	return 0;
}

static int check_word(const struct walk *walk, const cyaml_schema_value_t *schema)
{
	char words[256] = "";

	for (uint32_t i = 0; i < schema->enumeration.count; i++) {
		const char *word = schema->enumeration.strings[i].str;

		if (!strcmp(scalar(walk), word))
			return 0;
		snprintf(words + strlen(words), sizeof(words) - strlen(words), "%s%s",
			 i ? ", " : "", word);
	}
	return fail(walk, "%s: expected one of: %s", found(walk).text, words);
}

static int check_text(const struct walk *walk, const cyaml_schema_value_t *schema)
{
	size_t length = walk->event.data.scalar.length;

	if (length < schema->string.min)
		return fail(walk, "'': expected a value");
	if (length > schema->string.max)
		return fail(walk, "%s: %zu bytes; expected at most %u", found(walk).text, length,
			    schema->string.max);
	return 0;
}

static int walk_value(struct walk *walk, const cyaml_schema_value_t *schema);

static int walk_list(struct walk *walk, const cyaml_schema_value_t *schema)
{
	size_t length = strlen(walk->place);
	int error;

	for (unsigned int i = 0; !(error = next(walk)); i++) {
		if (walk->event.type == YAML_SEQUENCE_END_EVENT)
			return 0;
		snprintf(walk->place + length, sizeof(walk->place) - length, "[%u]", i);
		visit(walk);
		error = walk_value(walk, schema->sequence.entry);
		if (error)
			return error;
		walk->place[length] = '\0';
	}
	return error;
}

static int fail_key(const struct walk *walk, const cyaml_schema_value_t *schema)
{
	char hint[512];

	host_key_hint(schema, scalar(walk), hint, sizeof(hint));
	return fail(walk, "unknown key %s; %s", found(walk).text, hint);
}

/* The event is a key; its value comes next. */
static int walk_key(struct walk *walk, const cyaml_schema_value_t *schema, bool *seen)
{
	const cyaml_schema_field_t *fields = schema->mapping.fields;
	size_t length = strlen(walk->place), i = 0;
	int error;

	if (walk->event.type != YAML_SCALAR_EVENT)
		return fail(walk, "%s: expected a key", found(walk).text);
	while (fields[i].key && strcmp(fields[i].key, scalar(walk)))
		i++;
	if (!fields[i].key)
		return fail_key(walk, schema);
	if (seen[i])
		return fail(walk, "key '%s' is here twice; expected it once", fields[i].key);
	seen[i] = true;
	snprintf(walk->place + length, sizeof(walk->place) - length, "%s%s", length ? "." : "",
		 fields[i].key);
	visit(walk);
	error = next(walk);
	if (!error)
		error = walk_value(walk, &fields[i].value);
	if (!error)
		walk->place[length] = '\0';
	return error;
}

static int walk_mapping(struct walk *walk, const cyaml_schema_value_t *schema)
{
	const cyaml_schema_field_t *fields = schema->mapping.fields;
	yaml_mark_t start = walk->event.start_mark;
	bool seen[KEYS_MAX] = {false};
	int error;

	while (!(error = next(walk)) && walk->event.type != YAML_MAPPING_END_EVENT) {
		error = walk_key(walk, schema, seen);
		if (error)
			return error;
	}
	if (error)
		return error;
	walk->event.start_mark = start; /* where what is missing would be */
	for (size_t i = 0; fields[i].key; i++) {
		if (!seen[i] && !(fields[i].value.flags & CYAML_FLAG_OPTIONAL))
			return fail(walk, "key '%s' is missing", fields[i].key);
	}
	return 0;
}

static int walk_value(struct walk *walk, const cyaml_schema_value_t *schema)
{
	bool is_scalar = walk->event.type == YAML_SCALAR_EVENT;

	if (is_null(walk)) {
		if ((schema->flags & CYAML_FLAG_POINTER_NULL) == CYAML_FLAG_POINTER_NULL)
			return 0;
		return fail(walk, "no value; expected one, or leave the key out");
	}
	switch (schema->type) {
	case CYAML_MAPPING:
		if (walk->event.type != YAML_MAPPING_START_EVENT) {
			char keys[512];

			host_key_list(schema, keys, sizeof(keys));
			return fail(walk, "%s: expected a mapping with keys of: %s",
				    found(walk).text, keys);
		}
		return walk_mapping(walk, schema);
	case CYAML_SEQUENCE:
		if (walk->event.type != YAML_SEQUENCE_START_EVENT)
			return fail(walk, "%s: expected a list, each entry behind '- '",
				    found(walk).text);
		return walk_list(walk, schema);
	case CYAML_UINT:
		return is_scalar ? check_number(walk, schema)
				 : fail(walk, "%s: expected a number", found(walk).text);
	case CYAML_ENUM:
		return is_scalar ? check_word(walk, schema)
				 : fail(walk, "%s: expected a word", found(walk).text);
	default:
		return is_scalar ? check_text(walk, schema)
				 : fail(walk, "%s: expected one value", found(walk).text);
	}
}

/* At most one document, and nothing behind it. */
static int walk_stream(struct walk *walk)
{
	int error = next(walk); /* start of the stream */

	if (!error)
		error = next(walk);
	if (error || walk->event.type == YAML_STREAM_END_EVENT)
		return error;
	error = next(walk); /* root of the document */
	if (!error)
		error = walk_value(walk, &host_schema);
	if (!error)
		error = next(walk); /* end of the document */
	if (!error)
		error = next(walk);
	if (!error && walk->event.type != YAML_STREAM_END_EVENT)
		error = fail(walk, "a second document; expected one");
	return error;
}

static int walk_file(struct walk *walk)
{
	int error;

	if (!yaml_parser_initialize(&walk->parser))
		return -ENOMEM;
	yaml_parser_set_input_string(&walk->parser, (const unsigned char *)walk->file->text,
				     walk->file->length);
	error = walk_stream(walk);
	yaml_event_delete(&walk->event);
	yaml_parser_delete(&walk->parser);
	return error;
}

int host_check_shape(const struct iov_host_file *file)
{
	struct walk walk = {.file = file};

	return walk_file(&walk);
}

unsigned int host_line(const struct iov_host_file *file, const char *where)
{
	struct walk walk = {.file = file, .wanted = where, .line = 1 };

	walk_file(&walk);
	return walk.line;
}
