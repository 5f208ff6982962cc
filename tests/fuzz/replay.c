// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Run a target on files: corpus_NAME DIRECTORY|FILE...  All that ever broke it is in
 * its corpus, so this is its regression test, which needs no fuzzer.
 *
 * The work is done in a child, so that somebody is left to say which file it was.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "tests/fuzz/fuzz.h"

/* Shared with the child. */
static struct progress {
	unsigned int inputs;
	char current[PATH_MAX];
} *progress;

/* Just as large as the input, so that a sanitizer sees who reads beyond its end. */
static int run_bytes(int fd)
{
	struct stat status;
	_cleanup_free_ uint8_t *bytes = NULL;
	struct fuzz_input input;

	if (fstat(fd, &status))
		return -errno;
	bytes = malloc((size_t)status.st_size + !status.st_size);
	if (!bytes || read(fd, bytes, (size_t)status.st_size) != status.st_size)
		return -EIO;
	input = (struct fuzz_input){bytes, bytes + status.st_size};
	fuzz_target.run(&input);
	progress->inputs++;
	return 0;
}

static int run_file(const char *path)
{
	_cleanup_fd_ int fd = open(path, O_RDONLY | O_CLOEXEC);

	snprintf(progress->current, sizeof(progress->current), "%s", path);
	return fd < 0 ? -errno : run_bytes(fd);
}

static int is_visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

/* In the same order each time. */
static int run_corpus(const char *path)
{
	struct dirent **entries;
	int count = scandir(path, &entries, is_visible, alphasort), error = 0;
	char name[PATH_MAX];

	if (count < 0)
		return -errno;
	for (int i = 0; i < count; i++) {
		snprintf(name, sizeof(name), "%s/%s", path, entries[i]->d_name);
		if (!error)
			error = run_file(name);
		free(entries[i]);
	}
	free(entries);
	snprintf(progress->current, sizeof(progress->current), "all of %s", path);
	if (!error && fuzz_target.done)
		fuzz_target.done();
	return error;
}

static int run_paths(char **paths)
{
	fuzz_open();
	for (; *paths; paths++) {
		struct stat status;
		int error = stat(*paths, &status) ? -errno :
			    S_ISDIR(status.st_mode) ? run_corpus(*paths) : run_file(*paths);

		if (error) {
			fprintf(stderr, "%s: %s\n", *paths, strerror(-error));
			return 1;
		}
	}
	return 0;
}

int main(int argc, char **argv)
{
	int status;
	pid_t child;

	progress = mmap(NULL, sizeof(*progress), PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (argc < 2 || progress == MAP_FAILED) {
		fprintf(stderr, "usage: %s CORPUS|FILE...\n", argv[0]);
		return 1;
	}
	child = fork();
	if (!child)
		return run_paths(argv + 1);
	if (child < 0 || waitpid(child, &status, 0) != child)
		return 1;
	printf("%u inputs\n", progress->inputs);
	if (!status && progress->inputs)
		return 0;
	fprintf(stderr, "broken by %s\n", *progress->current ? progress->current : "no input");
	return 1;
}
