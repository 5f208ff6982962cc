/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where a disk's data is: one struct of operations for each kind of it.
 *
 * A back end is opened by the control thread.  Workers reach it by channels, one for each
 * worker that has a ring of the disk, so nothing of the datapath is shared between them.  What
 * is asked of it is a struct blk_io, which the back end carries out in any order and says so
 * by calling its @done once, from within @submit or @poll.
 *
 *	open, describe, lock	the control thread, as is what has no line here
 *	channel_open		the worker, before its first I/O
 *	submit, poll		that worker; @submit may do all at once, or only take notes for
 *				the next @poll, which comes in the same pass
 *	news_fd, reach, reset	the control thread
 *	channel_close		that worker, when all that it submitted is done
 *	close			the control thread, when there are no channels any more
 *
 * To write one: a file backend_NAME.c that defines a struct blk_backend_ops, which the table of
 * backend.c lists.  What reaches a back end was checked: it lies within the size that it last
 * described, is a multiple of its block, and is no write when it is read-only.
 */
#ifndef VHOST_USER_BLK_BACKEND_H
#define VHOST_USER_BLK_BACKEND_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/iov.h"

struct blk_uring;

/* Bytes of the smallest block. */
#define BLK_BLOCK_MIN 512

/*
 * What zones refuse, as -errno; the last two are the kernel's.  The request is not one that its
 * zone can carry out; it does not begin where the zone goes on, or has no whole granules; too many
 * zones would be open, or active.
 */
#define BLK_ZONE_INVALID (-EBADRQC)
#define BLK_ZONE_UNALIGNED (-ESPIPE)
#define BLK_ZONE_OPEN_LIMIT (-ETOOMANYREFS)
#define BLK_ZONE_ACTIVE_LIMIT (-EOVERFLOW)

/**
 * enum blk_op - what a disk can be asked for
 * @BLK_READ: read @length bytes at @offset into @vector
 * @BLK_WRITE: write them from there
 * @BLK_FLUSH: what was done before is stable when this is done
 * @BLK_DISCARD: what is in the range does not matter any more
 * @BLK_WRITE_ZEROES: the range reads as zeroes
 * @BLK_SECURE_ERASE: what is in the range, and copies of it, cannot be had by any means
 * @BLK_ZONE_APPEND: write @length bytes where the zone that begins at @offset goes on
 * @BLK_ZONE_REPORT: what the zones are from that on which has @offset, into @vector: a struct
 *	blk_report_head and as many struct blk_report_zone as there are, or are room for
 * @BLK_ZONE_OPEN: the zone that begins at @offset is opened,
 * @BLK_ZONE_CLOSE: closed,
 * @BLK_ZONE_FINISH: made full,
 * @BLK_ZONE_RESET: or made empty
 * @BLK_ZONE_RESET_ALL: all zones are that can be
 */
enum blk_op {
	BLK_READ,
	BLK_WRITE,
	BLK_FLUSH,
	BLK_DISCARD,
	BLK_WRITE_ZEROES,
	BLK_SECURE_ERASE,
	BLK_ZONE_APPEND,
	BLK_ZONE_REPORT,
	BLK_ZONE_OPEN,
	BLK_ZONE_CLOSE,
	BLK_ZONE_FINISH,
	BLK_ZONE_RESET,
	BLK_ZONE_RESET_ALL,
	BLK_OPS
};

/* No byte of a disk. */
#define BLK_NOWHERE UINT64_MAX

/**
 * struct blk_io - one thing that a disk is asked for
 * @op: what
 * @is_stable: a change has to be stable when it is done, as if a flush followed
 * @may_unmap: BLK_WRITE_ZEROES may give the space back
 * @is_again: it may have been carried out already, all of it or its beginning: by a process that
 *	was killed, or at a try that failed
 * @offset: first byte
 * @length: bytes; 0 for what has none
 * @vector: guest memory of @length bytes in all; its bytes may change at any time; stays
 *	there until @done, for what has data
 * @count: length of @vector
 * @done: carried out, or not: 0 or -errno.  What was read into @vector before an error is
 *	undefined.  The back end does not touch the struct or @vector any more
 * @next: the back end's, to keep what waits
 * @moved: the back end's, bytes that were carried over already
 * @private: the back end's
 * @appended: BLK_ZONE_APPEND: first byte that it is written to; with @is_again that of the try
 *	before, or BLK_NOWHERE
 * @place: BLK_ZONE_APPEND: called when @appended is known, before anything is written there
 */
struct blk_io {
	enum blk_op op;
	bool is_stable;
	bool may_unmap;
	bool is_again;
	uint64_t offset;
	uint64_t length;
	struct iovec *vector;
	unsigned int count;
	void (*done)(struct blk_io *io, int error);
	struct blk_io *next;
	uint64_t moved;
	void *private;
	uint64_t appended;
	void (*place)(struct blk_io *io);
};

/**
 * struct blk_zoned - the zones of a disk that has some; virtio 1.3 section 5.2.4
 * @model: VIRTIO_BLK_Z_HM or VIRTIO_BLK_Z_HA
 * @zone_bytes: of each zone; the last one may have less
 * @count: how many there are
 * @open_max: most of them that are open; 0 for any number
 * @active_max: most of them that are open or closed; 0 for any number
 * @append_max: most bytes of a BLK_ZONE_APPEND, which BLK_STEP_BYTES is enough for
 * @granule: bytes in whose multiples a sequential zone is written
 * @types: of each zone, VIRTIO_BLK_ZT_CONV and so on
 */
struct blk_zoned {
	uint8_t model;
	uint64_t zone_bytes;
	uint32_t count;
	uint32_t open_max;
	uint32_t active_max;
	uint32_t append_max;
	uint32_t granule;
	uint8_t *types;
};

/**
 * struct blk_lifetime - how worn a medium is; virtio 1.3 section 5.2.6
 * @pre_eol: how many of its reserved blocks are used up: 1 for few, 2 from 80 % on, 3 from 90 % on
 * @slc: how much of the life of its SLC cells is over, in tenths, begun ones too; 11 when all is
 * @mlc: of its MLC cells
 *
 * 0 is what is not known.
 */
struct blk_lifetime {
	uint16_t pre_eol;
	uint16_t slc;
	uint16_t mlc;
};

/**
 * struct blk_geometry - what a back end is
 * @bytes: its size, a multiple of @block
 * @block: bytes of what can be read or written at once: a power of two, 512 to 65536
 * @physical_block: bytes that the medium writes at once, a power of two times @block
 * @aligned_at: blocks from the start to the first that begins a physical one
 * @io_min: preferred smallest I/O in bytes; 0 for @physical_block
 * @io_optimal: preferred I/O in bytes; 0 when it does not matter
 * @read_only: it cannot be written to
 * @has_cache: what is written may be lost with the power until it is flushed
 * @discard_max: most bytes of a BLK_DISCARD; 0 when it has none
 * @discard_block: bytes in whose multiples a discard gives space back; 0 for @block
 * @zeroes_max: most bytes of a BLK_WRITE_ZEROES; 0 when it has none
 * @zeroes_may_unmap: BLK_WRITE_ZEROES with @may_unmap gives space back
 * @erase_max: most bytes of a BLK_SECURE_ERASE; 0 when it has none
 * @rings_max: most rings that it can serve, one of which makes for one channel in use at a
 *	time; 0 for any number
 * @has_lifetime: @lifetime says something
 * @lifetime: how worn it is
 * @zoned: its zones, as long as it is open; NULL when it has none
 */
struct blk_geometry {
	uint64_t bytes;
	uint32_t block;
	uint32_t physical_block;
	uint32_t aligned_at;
	uint32_t io_min;
	uint32_t io_optimal;
	bool read_only;
	bool has_cache;
	uint64_t discard_max;
	uint32_t discard_block;
	uint64_t zeroes_max;
	bool zeroes_may_unmap;
	uint64_t erase_max;
	unsigned int rings_max;
	bool has_lifetime;
	struct blk_lifetime lifetime;
	const struct blk_zoned *zoned;
};

/**
 * enum blk_takes - what a kind of back end is opened from
 * @BLK_TAKES_BYTES: a size
 * @BLK_TAKES_PATH: a path
 * @BLK_TAKES_FUNCTION: the address of a PCI function, and what is behind it
 * @BLK_TAKES_URI: a URI
 */
enum blk_takes {
	BLK_TAKES_BYTES,
	BLK_TAKES_PATH,
	BLK_TAKES_FUNCTION,
	BLK_TAKES_URI,
};

/* Bytes of what is said of a server. */
#define BLK_REACH_WHY 256

/**
 * struct blk_reach - how it is with a server that has the data
 * @is_absent: it is not there, or not as it has to be; it is tried again and again
 * @losses: how many connections broke
 * @is_lossy: what was given back and not flushed is gone with an earlier server; says so once
 * @why: why it is absent, or what broke the last connection, as words
 */
struct blk_reach {
	bool is_absent;
	uint64_t losses;
	bool is_lossy;
	char why[BLK_REACH_WHY];
};

/**
 * struct blk_source - what a back end is opened from
 * @path: file, device, function or URI; NULL for kinds without
 * @bytes: size, for kinds that have none by themselves; 0 for others
 * @zone_bytes: of each zone that a disk in memory is to have; 0 for none
 * @workers: how many may have rings of it
 * @read_only: nothing is to be written
 * @cached: keep the host's page cache between, where the kind could do without; of a server: rely
 *	on that of its host to have what a server acknowledged that was killed
 * @shared: another host may write to it before it is locked
 * @io_poll: its device is polled for what is done, in place of interrupts
 * @register_memory: guest memory is pinned for it, for kinds that could do without
 */
struct blk_source {
	const char *path;
	uint64_t bytes;
	uint64_t zone_bytes;
	unsigned int workers;
	bool read_only;
	bool cached;
	bool shared;
	bool io_poll;
	bool register_memory;
};

struct blk_backend;
struct blk_channel;

/**
 * struct blk_backend_ops - a kind of back end
 * @name: as users write it
 * @takes: what it is opened from
 * @needs_uring: its channels need the worker's io_uring
 * @open: *@out is closed by @close, before its @iov is; 0 or -errno with a message that names
 *	the source, what was expected and what to do
 * @lock: nobody else may write to it from now on, or, when it is read-only, nobody at all; also
 *	waits, call by call, for what a process that ended has under way: -EWOULDBLOCK until
 *	then, or -EALREADY while who has it does not write any more: only what was written is on
 *	its way, or it is read; NULL when nobody else can have it
 * @unlock: others may write to it, as soon as all that was written is on the medium, until @lock is
 *	called again; there are no channels; 0, or -errno: nobody may; NULL when @lock is, and
 *	for kinds that cannot be without it
 * @unlock_fd: an eventfd that the caller reads, of the errno with which what was written before @unlock
 *	could not be had on the medium; NULL when @unlock is
 * @holder: who has the lock that we did not get, as words for a message, which the caller frees, or
 *	NULL when that is nobody who lives; *@is_seen receives false for somebody who cannot be seen
 *	from here, or nobody by now; NULL when @lock is
 * @describe: what it is now; its size may be another one than before; 0 or -errno
 * @identity: what guests read as its serial number when nobody says one; NULL for the disk's name
 * @status: why it does not work at the moment, "controller-failed", or NULL; NULL when it always does
 * @bytes_at_hand: its size as far as that can be told at once: 0 when it is gone, UINT64_MAX when it is not
 *	known; NULL where nobody else changes it
 * @is_unlinked: whether nothing leads to it any more but us, so that it goes when we do; NULL where it cannot
 *	come to that
 * @warnings: what its medium warns of, by bits: see blk_warning_names; NULL for nothing
 * @wants_memory: whether @memory_came is to be called; NULL where it always is
 * @memory_came: the memory of a guest, whole pages from @memory on, may be reached by a device; may
 *	be called while rings run; 0, or -errno: it has to do without; NULL for no matter
 * @memory_goes: not any more, and no I/O has it; NULL when @memory_came is
 * @channels_have_memory: channels are closed before @memory_goes
 * @registered: how much of that memory is pinned, at all workers together, in bytes; and
 *	why not more, as -errno, or 0; NULL for kinds that do not register any
 * @check_size: whether @resize may be asked for a size; 0 or -errno with a message; NULL when
 *	@resize is
 * @resize: give it another size, that @check_size let pass; 0 or -errno with a message; NULL when
 *	that cannot be
 * @news_fd: readable when @describe, @reach or @news says something else than before; the caller
 *	reads it; -1 when it says nothing; NULL when only what we do changes them
 * @reach: how it is with its server; NULL without one
 * @news: have the log tell what happened; NULL for nothing
 * @reset: what is under way is done soon, with -ENOTCONN; NULL where that has to be waited for
 * @close: end; drops the lock
 * @channel_open: *@out is closed by @channel_close; @uring: that of the worker, NULL where there
 *	is none; 0 or -errno
 * @channel_close: end of a channel without I/O under way
 * @submit: see above; may be called from within a @done
 * @poll: go on with what was submitted; how much was done; NULL when @submit does everything,
 *	or the worker's @uring is all that there is to look at
 * @fd: readable when @poll has something to do, the same for as long as the channel is there; NULL
 *	without one
 * @arm: the worker is about to sleep with something under way: whether that of @uring wakes it when
 *	@poll has something to do; NULL when @fd says it
 */
struct blk_backend_ops {
	const char *name;
	enum blk_takes takes;
	bool needs_uring;
	int (*open)(struct blk_backend **out, struct iov *iov, const struct blk_source *source);
	int (*lock)(struct blk_backend *backend);
	int (*unlock)(struct blk_backend *backend);
	int (*unlock_fd)(const struct blk_backend *backend);
	char *(*holder)(struct blk_backend *backend, bool *is_seen);
	int (*describe)(struct blk_backend *backend, struct blk_geometry *geometry);
	const char *(*identity)(const struct blk_backend *backend);
	const char *(*status)(const struct blk_backend *backend);
	uint64_t (*bytes_at_hand)(const struct blk_backend *backend);
	bool (*is_unlinked)(const struct blk_backend *backend);
	unsigned int (*warnings)(const struct blk_backend *backend);
	bool (*wants_memory)(const struct blk_backend *backend);
	int (*memory_came)(struct blk_backend *backend, void *memory, size_t bytes);
	void (*memory_goes)(struct blk_backend *backend, const void *memory);
	bool channels_have_memory;
	uint64_t (*registered)(const struct blk_backend *backend, int *error);
	int (*check_size)(struct blk_backend *backend, struct iov *iov, uint64_t bytes);
	int (*resize)(struct blk_backend *backend, struct iov *iov, uint64_t bytes);
	int (*news_fd)(const struct blk_backend *backend);
	void (*reach)(struct blk_backend *backend, struct blk_reach *reach);
	void (*news)(struct blk_backend *backend);
	void (*reset)(struct blk_backend *backend);
	void (*close)(struct blk_backend *backend);
	int (*channel_open)(struct blk_channel **out, struct blk_backend *backend,
			    struct blk_uring *uring);
	void (*channel_close)(struct blk_channel *channel);
	void (*submit)(struct blk_channel *channel, struct blk_io *io);
	unsigned int (*poll)(struct blk_channel *channel);
	int (*fd)(const struct blk_channel *channel);
	bool (*arm)(struct blk_channel *channel);
};

/**
 * struct blk_backend - part of whatever has the data
 * @ops: its operations
 */
struct blk_backend {
	const struct blk_backend_ops *ops;
};

/**
 * struct blk_channel - part of a worker's way to it
 * @backend: where it leads
 * @flush: what it has to flush, see flush.h; NULL for nothing
 * @covered: flushes that are over with that one
 * @flushes: those that wait for the next one
 *
 * Zeroed but for @backend by who opens it.
 */
struct blk_channel {
	struct blk_backend *backend;
	struct blk_io *flush;
	struct blk_io *covered;
	struct blk_io *flushes;
};

/* What each bit of a medium's warnings says, for users; those of NVMe's SMART log, the last one NULL. */
extern const char *const blk_warning_names[];

/* All kinds, the last one NULL. */
extern const struct blk_backend_ops *const blk_backends[];

extern const struct blk_backend_ops blk_backend_null;
extern const struct blk_backend_ops blk_backend_memory;
extern const struct blk_backend_ops blk_backend_file;
extern const struct blk_backend_ops blk_backend_nbd;
extern const struct blk_backend_ops blk_backend_nvme;

/**
 * blk_backend_find - a kind by its name
 * @name: as users write it
 *
 * Return: NULL when there is none.
 */
const struct blk_backend_ops *blk_backend_find(const char *name);

/**
 * blk_source_check_bytes - whether a size is that of a disk
 * @iov: context
 * @ops: kind without path that is to have it, for the message
 * @bytes: size
 *
 * Return: 0, or -EINVAL with a message.
 */
int blk_source_check_bytes(struct iov *iov, const struct blk_backend_ops *ops, uint64_t bytes);

/* Channels of kinds that need none: the @channel_open and @channel_close of their operations. */
int blk_plain_channel_open(struct blk_channel **out, struct blk_backend *backend,
			   struct blk_uring *uring);
void blk_plain_channel_close(struct blk_channel *channel);

#endif
