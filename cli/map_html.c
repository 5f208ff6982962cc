// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A map as a page: cli/map/page.html with the model in it.  Its script makes the page of the model
 * and puts names in as text alone, so nothing that somebody calls a thing becomes a part of the page.
 */
#include <string.h>

#include "base/cleanup.h"
#include "cli/map.h"
#include "cli/map_assets.h"
#include "cli/output.h"

/* Where the model goes */
#define MARK "@MODEL@"

/* Inside of a script only a "<" could end it; as JSON it may be written so. */
static void put_json(FILE *file, const char *json)
{
	for (; *json; json++) {
		if (*json == '<')
			fputs("\\u003c", file);
		else
			fputc(*json, file);
	}
}

void map_print_html(FILE *file, struct json_object *map)
{
	_cleanup_free_ char *json =
		iov_output_json_text(map, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
	const char *mark = strstr(map_page, MARK);

	fwrite(map_page, 1, (size_t)(mark - map_page), file);
	put_json(file, json ? json : "null");
	fputs(mark + strlen(MARK), file);
}
