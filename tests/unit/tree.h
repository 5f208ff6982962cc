/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A small host tree in a temporary directory, for one test. */
#ifndef IOV_TESTS_TREE_H
#define IOV_TESTS_TREE_H

#include <stddef.h>

#include "base/iov.h"

/* Make an empty tree; its path is the caller's to tree_remove(). */
char *tree_new(void);

/* A copy of a recorded host, by the name of its folder in tests/hosts. */
char *tree_of_host(const char *host);

/* Write a file with its parents; @path is relative to the tree. */
void tree_file(const char *tree, const char *path, const char *text);

/* The same of bytes that are no text. */
void tree_bytes(const char *tree, const char *path, const void *bytes, size_t count);

/* Make a symbolic link with its parents. */
void tree_link(const char *tree, const char *path, const char *target);

/* Remove one file, link or empty directory of the tree. */
void tree_unlink(const char *tree, const char *path);

/* Put a link to itself in the place of a file or directory: it is there, and cannot be read. */
void tree_loop(const char *tree, const char *path);

/* Put a FIFO in the place of a file: who opens it to read waits, as in the kernel. */
void tree_fifo(const char *tree, const char *path);

/* Remove the tree and free its path. */
void tree_remove(char *tree);

/* A context that looks at the tree. */
struct iov *tree_open(const char *tree);

#endif
