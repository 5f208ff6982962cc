/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guest memory that is registered with the rings of workers, where somebody asked for that.
 *
 * Theory of operation.  The control thread notes which memory there is.  Each channel registers it with
 * the ring of its worker, as only that may: a piece at a time, one with each I/O, as to pin much at once would
 * keep other disks waiting.  What is not registered yet, or cannot be, goes to the kernel as without.  Memory
 * goes when no ring runs; the channels are closed first, and begin anew with what is left.
 *
 * Pages that are pinned stay where they are, whatever the front end does with its file.
 */
#ifndef VHOST_USER_BLK_FILE_MEMORY_H
#define VHOST_USER_BLK_FILE_MEMORY_H

#include "vhost-user/blk/file_backend.h"

struct file_pieces;

/**
 * file_memory_open - register guest memory from now on
 * @file: file that is being opened
 * @workers: how many may have rings of it, each of which pins all
 *
 * Return: 0 or -errno with a message, such as where hardly any memory can be locked.
 */
int file_memory_open(struct file_backend *file, unsigned int workers);

/**
 * file_memory_close - the end of that
 * @memory: without channels; NULL is allowed
 */
void file_memory_close(struct file_memory *memory);

/* Operations of the control thread: see backend.h */
bool file_wants_memory(const struct blk_backend *backend);
int file_memory_came(struct blk_backend *backend, void *memory, size_t bytes);
void file_memory_goes(struct blk_backend *backend, const void *memory);
uint64_t file_registered(const struct blk_backend *backend, int *error);
int file_news_fd(const struct blk_backend *backend);
void file_news(struct blk_backend *backend);

/**
 * file_pieces_open - what a channel has registered: nothing yet
 * @file: file with memory to register
 * @uring: ring of the worker
 * @is_polled: for requests whose device is polled
 *
 * Return: NULL when there is no memory for it, and it is done without.
 */
struct file_pieces *file_pieces_open(struct file_backend *file, struct blk_uring *uring, bool is_polled);

/**
 * file_pieces_close - have nothing registered any more
 * @pieces: of a channel without anything under way; NULL is allowed
 */
void file_pieces_close(struct file_pieces *pieces);

/**
 * file_pieces_go_on - register one piece more, if there is one
 * @pieces: pieces
 */
void file_pieces_go_on(struct file_pieces *pieces);

/**
 * file_pieces_find - the slot of memory
 * @pieces: pieces
 * @is_polled: it is for a request whose device is polled
 * @part: memory
 *
 * Return: slot, or -1 where it is not all within one piece that is registered.
 */
int file_pieces_find(struct file_pieces *pieces, bool is_polled, const struct iovec *part);

#endif
