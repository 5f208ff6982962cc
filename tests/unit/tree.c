// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/tree.h"

#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void die(const char *what, const char *path)
{
	fprintf(stderr, "%s %s: %s\n", what, path, strerror(errno));
	abort();
}

char *tree_new(void)
{
	/* Hundreds of small files each time: memory takes them many times faster than a disk. */
	char in_memory[] = "/dev/shm/iovkit-tree-XXXXXX", on_disk[] = "/tmp/iovkit-tree-XXXXXX";
	char *template = access("/dev/shm", W_OK) ? on_disk : in_memory;

	if (!mkdtemp(template))
		die("mkdtemp", template);
	return strdup(template);
}

char *tree_of_host(const char *host)
{
	char *tree = tree_new(), command[PATH_MAX];

	snprintf(command, sizeof(command), "cp -a '%s/%s/.' '%s'", TEST_HOSTS, host, tree);
	if (system(command))
		die("copy of", host);
	return tree;
}

/* The full path, its parents made. */
static const char *full_path(const char *tree, const char *path)
{
	static _Thread_local char full[PATH_MAX];

	snprintf(full, sizeof(full), "%s/%s", tree, path);
	for (char *slash = full + strlen(tree) + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		if (mkdir(full, 0755) && errno != EEXIST)
			die("mkdir", full);
		*slash = '/';
	}
	return full;
}

void tree_bytes(const char *tree, const char *path, const void *bytes, size_t count)
{
	const char *full = full_path(tree, path);
	FILE *file = fopen(full, "w");

	if (!file || fwrite(bytes, 1, count, file) != count || fclose(file))
		die("write", full);
}

void tree_file(const char *tree, const char *path, const char *text)
{
	tree_bytes(tree, path, text, strlen(text));
}

void tree_link(const char *tree, const char *path, const char *target)
{
	const char *full = full_path(tree, path);

	if ((unlink(full) && errno != ENOENT) || symlink(target, full))
		die("symlink", full);
}

void tree_unlink(const char *tree, const char *path)
{
	const char *full = full_path(tree, path);

	if (remove(full) && errno != ENOENT)
		die("unlink", full);
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *ftw)
{
	(void)status;
	(void)type;
	(void)ftw;
	return remove(path);
}

void tree_remove(char *tree)
{
	nftw(tree, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	free(tree);
}

void tree_loop(const char *tree, const char *path)
{
	const char *full = full_path(tree, path);

	nftw(full, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	if (symlink(strrchr(full, '/') + 1, full))
		die("symlink", full);
}

void tree_fifo(const char *tree, const char *path)
{
	const char *full = full_path(tree, path);

	nftw(full, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	if (mkfifo(full, 0600))
		die("mkfifo", full);
}

struct iov *tree_open(const char *tree)
{
	struct iov_options options = { .root = tree };
	struct iov *iov;

	if (iov_open(&iov, &options))
		die("iov_open", tree);
	return iov;
}
