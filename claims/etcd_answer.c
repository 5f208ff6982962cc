// SPDX-License-Identifier: GPL-2.0-or-later
#include "claims/etcd_answer.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* An answer to a keepalive is a stream, of which the first is ours. */
struct json_object *etcd_parse(const char *text, size_t length)
{
	struct json_tokener *tokener = json_tokener_new();
	struct json_object *answer = NULL;

	if (text && length <= INT_MAX && tokener)
		answer = json_tokener_parse_ex(tokener, text, (int)length);
	if (tokener)
		json_tokener_free(tokener);
	if (json_object_is_type(answer, json_type_object))
		return answer;
	json_object_put(answer);
	return NULL;
}

/* {"error": "...", "code": 14} or of a stream {"error": {"message": "...", ...}} */
bool etcd_is_error(struct json_object *answer, char *why, size_t size)
{
	struct json_object *error, *message;

	if (!json_object_object_get_ex(answer, "error", &error) &&
	    !json_object_object_get_ex(answer, "code", &error))
		return false;
	message = json_object_object_get(json_object_is_type(error, json_type_object) ? error : answer, "message");
	if (!json_object_is_type(message, json_type_string))
		message = error;
	snprintf(why, size, "%.400s", message ? json_object_get_string(message) : "an error without a reason");
	return true;
}

/* Absent is 0; a text of digits, or a number. */
static bool read_number(struct json_object *object, const char *key, int64_t *number)
{
	struct json_object *value;
	const char *text;
	char *end;

	*number = 0;
	if (!json_object_object_get_ex(object, key, &value))
		return true;
	if (json_object_is_type(value, json_type_int)) {
		*number = json_object_get_int64(value);
		return *number != INT64_MAX && *number != INT64_MIN;
	}
	if (!json_object_is_type(value, json_type_string))
		return false;
	text = json_object_get_string(value);
	errno = 0;
	*number = strtoll(text, &end, 10);
	return !errno && *text && !*end && strspn(text, "-0123456789") == strlen(text);
}

/* Absent is false. */
static bool read_flag(struct json_object *object, const char *key, bool *flag)
{
	struct json_object *value;

	*flag = false;
	if (!json_object_object_get_ex(object, key, &value))
		return true;
	*flag = json_object_get_boolean(value);
	return json_object_is_type(value, json_type_boolean);
}

/* Base64 into a text; -1 for what is none, or has a NUL, or more bytes than there is room for. */
static long decode(const char *text, char *out, size_t size)
{
	size_t length = strlen(text), count = 0;
	unsigned int bits = 0, have = 0;

	if (length % 4)
		return -1;
	while (length && length > strlen(text) - 2 && text[length - 1] == '=')
		length--;
	for (size_t i = 0; i < length; i++) {
		const char *digit = strchr(digits, text[i]);

		if (!digit || !text[i])
			return -1;
		bits = (bits << 6 | (unsigned int)(digit - digits)) & 0xffff;
		have += 6;
		if (have < 8)
			continue;
		have -= 8;
		if (count + 1 >= size || !(bits >> have & 0xff))
			return -1;
		out[count++] = (char)(bits >> have & 0xff);
	}
	out[count] = '\0';
	return (long)count;
}

static bool read_bytes(struct json_object *object, const char *key, char *out, size_t size)
{
	struct json_object *value;

	out[0] = '\0';
	return json_object_object_get_ex(object, key, &value) && json_object_is_type(value, json_type_string) &&
	       decode(json_object_get_string(value), out, size) >= 0;
}

/* Every answer has a header, and its revision is 1 where nothing was ever stored. */
static bool read_header(struct json_object *answer, int64_t *revision)
{
	struct json_object *header = json_object_object_get(answer, "header");

	return json_object_is_type(header, json_type_object) && read_number(header, "revision", revision) && *revision > 0;
}

bool etcd_is_range(struct json_object *answer)
{
	int64_t revision;

	return read_header(answer, &revision);
}

int etcd_read_key(struct json_object *range, size_t number, const char *prefix, struct etcd_key *key)
{
	char full[CLAIMS_NAME_MAX + CLAIMS_NAME_SIZE];
	size_t length = strlen(prefix);
	struct json_object *keys, *entry;

	if (!json_object_is_type(range, json_type_object))
		return -1;
	if (!json_object_object_get_ex(range, "kvs", &keys))
		return 0;
	if (!json_object_is_type(keys, json_type_array))
		return -1;
	if (number >= json_object_array_length(keys))
		return 0;
	entry = json_object_array_get_idx(keys, number);
	if (!json_object_is_type(entry, json_type_object) || !read_bytes(entry, "key", full, sizeof(full)) ||
	    strncmp(full, prefix, length) != 0 || strlen(full + length) >= sizeof(key->name) ||
	    !read_number(entry, "mod_revision", &key->revision) || key->revision <= 0 ||
	    !read_number(entry, "lease", &key->lease))
		return -1;
	strcpy(key->name, full + length);
	/* What others store is theirs. */
	if (!read_bytes(entry, "value", key->value, sizeof(key->value)))
		key->value[0] = '\0';
	return 1;
}

bool etcd_has_more(struct json_object *range)
{
	bool more;

	return read_flag(range, "more", &more) && more;
}

bool etcd_read_txn(struct json_object *answer, bool *succeeded, int64_t *revision)
{
	return read_header(answer, revision) && read_flag(answer, "succeeded", succeeded);
}

struct json_object *etcd_txn_range(struct json_object *answer)
{
	struct json_object *responses = json_object_object_get(answer, "responses"), *first;

	if (!json_object_is_type(responses, json_type_array) || !json_object_array_length(responses))
		return NULL;
	first = json_object_array_get_idx(responses, 0);
	if (!json_object_is_type(first, json_type_object))
		return NULL;
	first = json_object_object_get(first, "response_range");
	return json_object_is_type(first, json_type_object) ? first : NULL;
}

static bool read_ttl(struct json_object *object, unsigned int *ttl)
{
	int64_t seconds;

	if (!read_number(object, "TTL", &seconds) || seconds > INT_MAX)
		return false;
	*ttl = seconds > 0 ? (unsigned int)seconds : 0;
	return true;
}

bool etcd_read_grant(struct json_object *answer, int64_t *lease, unsigned int *ttl)
{
	return read_number(answer, "ID", lease) && *lease > 0 && read_ttl(answer, ttl) && *ttl;
}

bool etcd_read_keepalive(struct json_object *answer, int64_t lease, unsigned int *ttl)
{
	struct json_object *result = json_object_object_get(answer, "result");
	int64_t id;

	return json_object_is_type(result, json_type_object) && read_number(result, "ID", &id) && id == lease &&
	       read_ttl(result, ttl);
}

bool etcd_read_token(struct json_object *answer, char *token, size_t size)
{
	struct json_object *text = json_object_object_get(answer, "token");

	if (!json_object_is_type(text, json_type_string) || json_object_get_string_len(text) < 1 ||
	    (size_t)json_object_get_string_len(text) >= size)
		return false;
	snprintf(token, size, "%s", json_object_get_string(text));
	/* It becomes a line of a header. */
	for (const char *c = token; *c; c++) {
		if (*c < '!' || *c > '~')
			return false;
	}
	return *token;
}

char *etcd_bytes(const char *text)
{
	size_t length = strlen(text);
	char *bytes = malloc((length + 2) / 3 * 4 + 1), *out = bytes;

	for (size_t i = 0; bytes && i < length; i += 3) {
		unsigned int bits = (unsigned int)(unsigned char)text[i] << 16;

		bits |= i + 1 < length ? (unsigned int)(unsigned char)text[i + 1] << 8 : 0;
		bits |= i + 2 < length ? (unsigned char)text[i + 2] : 0;
		*out++ = digits[bits >> 18];
		*out++ = digits[bits >> 12 & 63];
		*out++ = i + 1 < length ? digits[bits >> 6 & 63] : '=';
		*out++ = i + 2 < length ? digits[bits & 63] : '=';
	}
	if (bytes)
		*out = '\0';
	return bytes;
}
