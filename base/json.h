/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Members of JSON objects and arrays as text. */
#ifndef IOV_BASE_JSON_H
#define IOV_BASE_JSON_H

#include <json-c/json.h>
#include <stdbool.h>
#include <string.h>

/* A member as text, borrowed from @object; NULL when it is absent or null. */
static inline const char *json_text_or_null(struct json_object *object, const char *key)
{
	return json_object_get_string(json_object_object_get(object, key));
}

/* The same, "" when it is absent or null. */
static inline const char *json_text(struct json_object *object, const char *key)
{
	const char *text = json_text_or_null(object, key);

	return text ? text : "";
}

/* A member that is a text, or null for NULL. */
static inline void json_add_text(struct json_object *object, const char *key, const char *text)
{
	json_object_object_add(object, key, text ? json_object_new_string(text) : NULL);
}

/* Whether an array of texts, or none, has one. */
static inline bool json_array_has(struct json_object *array, const char *text)
{
	for (size_t i = 0; array && i < json_object_array_length(array); i++) {
		if (!strcmp(json_object_get_string(json_object_array_get_idx(array, i)), text))
			return true;
	}
	return false;
}

/* Append a text that the array does not have yet. */
static inline void json_array_add_new(struct json_object *array, const char *text)
{
	if (!json_array_has(array, text))
		json_object_array_add(array, json_object_new_string(text));
}

/*
 * A file that other programs read, too: nothing is taken that they would not take, as text behind the end, a comma
 * too many, or what is no UTF-8.  NULL for what is none.
 */
static inline struct json_object *json_parse_strictly(const char *text)
{
	struct json_tokener *tokener = json_tokener_new();
	struct json_object *object = NULL;

	if (!tokener)
		return NULL;
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	/* With the NUL, which ends a number. */
	object = json_tokener_parse_ex(tokener, text, (int)strlen(text) + 1);
	json_tokener_free(tokener);
	return object;
}

/* A copy that shares nothing with @object, which the caller puts; NULL of NULL. */
static inline struct json_object *json_copy(struct json_object *object)
{
	struct json_object *copy = NULL;

	json_object_deep_copy(object, &copy, NULL);
	return copy;
}

#endif
