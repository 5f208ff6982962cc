/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Members of JSON objects as text. */
#ifndef IOV_BASE_JSON_H
#define IOV_BASE_JSON_H

#include <json-c/json.h>

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

/* A copy that shares nothing with @object, which the caller puts; NULL of NULL. */
static inline struct json_object *json_copy(struct json_object *object)
{
	struct json_object *copy = NULL;

	json_object_deep_copy(object, &copy, NULL);
	return copy;
}

#endif
