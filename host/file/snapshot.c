// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A host as a file.  What is as on a host that nobody touched is left out, because a
 * file that does not mention a thing leaves it alone.
 */
#include "host/file/snapshot.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/size.h"
#include "base/sysroot/paths.h"
#include "base/sysroot/sysroot.h"
#include "host/cdi/cdi.h"
#include "host/file/schema.h"
#include "plugins/system/huge_pages.h"

void *snapshot_append(void *list, unsigned int *count, size_t size)
{
	char **entries = list, *grown = realloc(*entries, (*count + 1) * size);

	if (!grown)
		return NULL;
	*entries = grown;
	grown += *count * size;
	memset(grown, 0, size);
	++*count;
	return grown;
}

unsigned int *snapshot_number(unsigned int number)
{
	unsigned int *copy = malloc(sizeof(*copy));

	if (copy)
		*copy = number;
	return copy;
}

/* "2M" of "hugepages-2048kB"; NULL for another name. */
static char *page_size(const char *directory)
{
	unsigned long long kilobytes;
	char size[IOV_SIZE_TEXT];

	if (sscanf(directory, "hugepages-%llukB", &kilobytes) != 1)
		return NULL;
	size_text(kilobytes << 10, size);
	return strdup(size);
}

static int add_huge_pages(struct snapshot *snapshot, const char *parent, const char *directory,
			  const unsigned int *node)
{
	struct iov_path path = iov_path("%s/%s", parent, directory);
	struct iov_host_huge_pages *entry;
	unsigned int count;

	if (iov_huge_pages_read(snapshot->iov, path.name, &count) || !count)
		return 0;
	entry = snapshot_append(&snapshot->host->huge_pages, &snapshot->host->huge_page_count,
				sizeof(*entry));
	if (!entry)
		return -ENOMEM;
	entry->size = page_size(directory);
	entry->count = count;
	entry->node = node ? snapshot_number(*node) : NULL;
	return entry->size && (!node || entry->node) ? 0 : -ENOMEM;
}

/* All sizes below a directory; one that is not there has none. */
static int add_sizes(struct snapshot *snapshot, const char *parent, const unsigned int *node)
{
	char **names;
	size_t count;
	int error = 0;

	if (iov_sys_list(snapshot->iov, parent, &names, &count))
		return 0;
	for (size_t i = 0; !error && i < count; i++)
		error = add_huge_pages(snapshot, parent, names[i], node);
	iov_names_free(names, count);
	return error;
}

int snapshot_huge_pages(struct snapshot *snapshot)
{
	bool has_nodes = false;
	char **names;
	size_t count;
	int error = 0;

	if (iov_sys_list(snapshot->iov, IOV_PATH_NODES, &names, &count))
		return add_sizes(snapshot, IOV_PATH_HUGE_PAGES, NULL);
	for (size_t i = 0; !error && i < count; i++) {
		unsigned int node;

		if (sscanf(names[i], "node%u", &node) != 1)
			continue;
		has_nodes = true;
		error = add_sizes(snapshot, iov_path(IOV_PATH_NODES "/%s/hugepages", names[i]).name,
				  &node);
	}
	iov_names_free(names, count);
	return error || has_nodes ? error : add_sizes(snapshot, IOV_PATH_HUGE_PAGES, NULL);
}

static int snapshot_cdi(struct snapshot *snapshot)
{
	struct iov_cdi_access access;
	struct iov_host_cdi *cdi;
	int kept = iov_cdi_kept(snapshot->iov, &access);

	if (kept <= 0)
		return kept;
	cdi = snapshot->host->cdi = calloc(1, sizeof(*cdi));
	if (!cdi)
		return -ENOMEM;
	cdi->write = calloc(1, sizeof(*cdi->write));
	cdi->mode = access.mode[0] ? strdup(access.mode) : NULL;
	cdi->owner = access.owner[0] ? strdup(access.owner) : NULL;
	if (!cdi->write || (access.mode[0] && !cdi->mode) || (access.owner[0] && !cdi->owner))
		return -ENOMEM;
	*cdi->write = true;
	return 0;
}

/* libcyaml's text has no NUL and no comments. */
static int write_yaml(const struct snapshot *snapshot, const char *notes, char **yaml)
{
	cyaml_config_t config = { .mem_fn = cyaml_mem, .flags = CYAML_CFG_STYLE_BLOCK };
	char *text;
	size_t length;
	cyaml_err_t error = cyaml_save_data(&text, &length, &config, &host_schema, snapshot->host,
					    0);

	if (error == CYAML_ERR_OOM)
		return -ENOMEM;
	if (error != CYAML_OK)
		return iov_fail(snapshot->iov, -EPROTO, "cannot write this host as YAML: %s",
				cyaml_strerror(error));
	if (asprintf(yaml, "%s%.*s", notes, (int)length, text) < 0)
		*yaml = NULL;
	cyaml_mem(NULL, text, 0);
	return *yaml ? 0 : -ENOMEM;
}

static int collect(struct snapshot *snapshot)
{
	int error = snapshot_huge_pages(snapshot);

	fputs("# This host as 'iov snapshot' found it; host.yaml(5) explains the keys. 'iov plan FILE'\n"
	      "# shows what differs since, 'iov apply FILE' brings it back.\n", snapshot->notes);
	if (!error)
		error = snapshot_devices(snapshot);
	if (!error)
		error = snapshot_mdevs(snapshot);
	if (!error)
		error = snapshot_vdpas(snapshot);
	if (!error)
		error = snapshot_cdi(snapshot);
	if (!error)
		error = snapshot_iovd(snapshot);
	return error;
}

int iov_host_snapshot(struct iov *iov, char **yaml)
{
	struct snapshot snapshot = { .iov = iov };
	cyaml_config_t config = { .mem_fn = cyaml_mem };
	_cleanup_free_ char *notes = NULL;
	size_t length;
	int error = iov_identity_index_open(&snapshot.index, iov);

	if (error)
		return error;
	snapshot.host = calloc(1, sizeof(*snapshot.host));
	snapshot.notes = open_memstream(&notes, &length);
	error = snapshot.host && snapshot.notes ? collect(&snapshot) : -ENOMEM;
	if (snapshot.notes && fclose(snapshot.notes))
		error = error ? error : -ENOMEM;
	if (!error)
		error = write_yaml(&snapshot, notes, yaml);
	cyaml_free(&config, &host_schema, snapshot.host, 0);
	iov_identity_index_close(snapshot.index);
	return error;
}
