/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A user-space driver for NVMe controllers: NVM Express Base Specification 2.0, its PCIe Transport and
 * NVM Command Set.
 *
 * A controller has namespaces and pairs of queues.  It is reached by a bus: VFIO, or a test that
 * plays a controller.
 *
 * Threads: a pair of queues is one thread's at a time.  All else is one thread's at a time, with the
 * context; it may be another one, where nothing else is said.
 */
#ifndef IOV_PLUGINS_DRIVERS_NVME_DRIVER_H
#define IOV_PLUGINS_DRIVERS_NVME_DRIVER_H

#include "vfio/device/device.h"

#ifdef __cplusplus
extern "C" {
#endif

struct iov_nvme;
struct iov_nvme_queue;

/* Most commands of a pair of queues at once, and most pairs. */
#define IOV_NVME_DEPTH_MAX 1023
#define IOV_NVME_QUEUES_MAX 256

/* Bytes of registers that are reached. */
#define IOV_NVME_REGISTERS 0x2000

/* Most parts of memory of a command. */
#define IOV_NVME_PARTS_MAX 256

struct iov_nvme_bus;

/**
 * struct iov_nvme_bus_ops - how a controller is reached
 * @map: let it reach memory of this process, whole pages, which are pinned, at *@iova for it; any
 *	thread; 0 or -errno
 * @unmap: take that away; any thread
 * @alloc: zeroed memory that it reaches, at *@iova for it; 0 or -errno with a message
 * @free: give that back; @memory: NULL is allowed
 * @interrupt: have a vector write to an eventfd, or to none with -1; 0 or -errno with a message
 * @silence: it reaches no memory any more
 * @reset: reset it, so that nothing is under way and it may reach memory; 0 or -errno with a message
 * @pause: a moment, while it is waited for
 * @close: end of the bus
 */
struct iov_nvme_bus_ops {
	int (*map)(struct iov_nvme_bus *bus, void *memory, uint64_t size, uint64_t *iova);
	void (*unmap)(struct iov_nvme_bus *bus, uint64_t iova, uint64_t size);
	int (*alloc)(struct iov_nvme_bus *bus, uint64_t size, void **memory, uint64_t *iova);
	void (*free)(struct iov_nvme_bus *bus, void *memory, uint64_t size, uint64_t iova);
	int (*interrupt)(struct iov_nvme_bus *bus, unsigned int vector, int fd);
	void (*silence)(struct iov_nvme_bus *bus);
	int (*reset)(struct iov_nvme_bus *bus);
	void (*pause)(struct iov_nvme_bus *bus);
	void (*close)(struct iov_nvme_bus *bus);
};

/**
 * struct iov_nvme_bus - part of a way to a controller
 * @ops: its operations
 * @name: of the controller, for messages
 * @registers: IOV_NVME_REGISTERS bytes
 * @vectors: interrupts that it has
 * @table: their MSI-X table, PCI 3.0 section 6.8.2.7, to mask them; NULL where it is not reached
 */
struct iov_nvme_bus {
	const struct iov_nvme_bus_ops *ops;
	char name[64];
	void *registers;
	unsigned int vectors;
	void *table;
};

/**
 * iov_nvme_is - whether a function is an NVMe controller
 * @iov: context
 * @bdf: function
 */
bool iov_nvme_is(struct iov *iov, struct iov_bdf bdf);

/**
 * iov_nvme_vfio - reach a controller by VFIO
 * @out: receives the bus, for iov_nvme_open()
 * @device: controller; outlives the bus
 *
 * Return: 0 or -errno with a message.
 */
int iov_nvme_vfio(struct iov_nvme_bus **out, struct iov_device *device);

/**
 * iov_nvme_open - start a controller
 * @out: receives the driver; the caller closes it with iov_nvme_close()
 * @iov: context
 * @bus: way to it, which is closed with the driver, and in case of an error
 *
 * Return: 0; -ETIMEDOUT when it does not get ready; -ENOTSUP for pages that it does not have; -EIO
 * when it fails or refuses a command; -errno; with a message.
 */
int iov_nvme_open(struct iov_nvme **out, struct iov *iov, struct iov_nvme_bus *bus);

/**
 * iov_nvme_close - stop the controller
 * @nvme: without queues; NULL is allowed
 */
void iov_nvme_close(struct iov_nvme *nvme);

/**
 * struct iov_nvme_info - what is known of a controller
 * @serial: its serial number
 * @model: its name
 * @transfer_max: most bytes of a command
 * @depth_max: most commands of a pair of queues at once
 * @queues_max: pairs that it has
 * @has_cache: what is written may be lost with the power until it is flushed
 * @discards: IOV_NVME_DISCARD works
 * @zeroes: IOV_NVME_ZEROES works
 * @scatters: memory may be cut in any parts
 * @shadows: it reads most doorbells from memory
 */
struct iov_nvme_info {
	char serial[21];
	char model[41];
	uint32_t transfer_max;
	unsigned int depth_max;
	unsigned int queues_max;
	bool has_cache;
	bool discards;
	bool zeroes;
	bool scatters;
	bool shadows;
};

/**
 * iov_nvme_info - what is known of it
 * @nvme: driver
 *
 * Return: it, valid as long as @nvme.
 */
const struct iov_nvme_info *iov_nvme_info(const struct iov_nvme *nvme);

/**
 * struct iov_nvme_namespace - what is known of a namespace
 * @id: its number
 * @block_size: bytes of a block
 * @blocks: how many it has
 * @write_blocks: blocks that are written at once best
 * @discard_blocks: blocks in whose multiples a discard gives space back
 * @read_only: it is write protected
 * @zeroes_unmap: IOV_NVME_ZEROES may give space back
 * @identity: NGUID or EUI64 as hexadecimal digits; empty without one
 */
struct iov_nvme_namespace {
	uint32_t id;
	uint32_t block_size;
	uint64_t blocks;
	uint32_t write_blocks;
	uint32_t discard_blocks;
	bool read_only;
	bool zeroes_unmap;
	char identity[33];
};

/**
 * iov_nvme_namespace - ask for a namespace
 * @nvme: driver
 * @id: its number; 0 for the one that there is
 * @out: receives it
 *
 * Return: 0; -ENODEV when it is not there, or is not the only one, with those that are; -ENOTSUP
 * for a format with metadata; as for a command that fails; with a message.
 */
int iov_nvme_namespace(struct iov_nvme *nvme, uint32_t id, struct iov_nvme_namespace *out);

/**
 * enum iov_nvme_event - what a controller tells without being asked
 * @IOV_NVME_EVENT_SPACES: its namespaces may be others, or other ones
 * @IOV_NVME_EVENT_HEALTH: iov_nvme_warnings() may say something else
 * @IOV_NVME_EVENT_ERROR: it found an error of its own
 * @IOV_NVME_EVENT_FIRMWARE: it begins with another firmware, and may not answer for a while
 */
enum iov_nvme_event {
	IOV_NVME_EVENT_SPACES = 1,
	IOV_NVME_EVENT_HEALTH = 2,
	IOV_NVME_EVENT_ERROR = 4,
	IOV_NVME_EVENT_FIRMWARE = 8,
};

/**
 * iov_nvme_events - what it told since the last call
 * @nvme: driver
 *
 * To be called now and then, as once a second with iov_nvme_tick().  No more than one event is taken by a
 * call.  What may have changed while it was reset is told as well.
 *
 * Return: mask of enum iov_nvme_event.
 */
unsigned int iov_nvme_events(struct iov_nvme *nvme);

/**
 * iov_nvme_warnings - what its SMART log warns of
 * @nvme: driver; any thread
 *
 * Return: the first byte of the log, Base 2.0 section 5.16.1.3: 1 for few spare blocks, 2 for its
 * temperature, 4 for errors, 8 for a medium that is read-only by now, 16 for a backup of volatile memory that
 * failed, 32 for persistent memory.
 */
uint8_t iov_nvme_warnings(const struct iov_nvme *nvme);

/**
 * iov_nvme_queue_open - make a pair of queues
 * @out: receives it; the caller closes it with iov_nvme_queue_close()
 * @nvme: driver
 * @depth: commands at once, 1 to IOV_NVME_DEPTH_MAX; fewer where the controller takes fewer
 * @event: eventfd that completions write to, which stays the caller's; -1 to poll
 *
 * Return: 0; -EINVAL for another depth; -ENOSPC when the controller has no more; as for a command
 * that fails; with a message.
 */
int iov_nvme_queue_open(struct iov_nvme_queue **out, struct iov_nvme *nvme, unsigned int depth,
			int event);

/**
 * iov_nvme_queue_close - delete it
 * @queue: used by no thread; commands that have not ended are gone; NULL is allowed
 */
void iov_nvme_queue_close(struct iov_nvme_queue *queue);

/**
 * iov_nvme_queue_depth - commands at once
 * @queue: queue
 */
unsigned int iov_nvme_queue_depth(const struct iov_nvme_queue *queue);

/**
 * iov_nvme_queue_interrupts - whether completions write to the eventfd
 * @queue: queue
 */
bool iov_nvme_queue_interrupts(const struct iov_nvme_queue *queue);

/**
 * iov_nvme_queue_arm - whether completions write to the eventfd now
 * @queue: queue that has interrupts
 * @on: they do, and for what came meanwhile as well; otherwise they need not
 */
void iov_nvme_queue_arm(struct iov_nvme_queue *queue, bool on);

/**
 * enum iov_nvme_op - a command
 */
enum iov_nvme_op {
	IOV_NVME_READ,
	IOV_NVME_WRITE,
	IOV_NVME_FLUSH,
	IOV_NVME_DISCARD,
	IOV_NVME_ZEROES,
};

/**
 * struct iov_nvme_part - memory of a command
 * @iova: first byte, for the controller
 * @bytes: how many
 */
struct iov_nvme_part {
	uint64_t iova;
	uint64_t bytes;
};

/**
 * struct iov_nvme_io - a command
 * @op: what
 * @stable: a change is stable when it ends
 * @unmap: IOV_NVME_ZEROES may give space back
 * @on: namespace
 * @block: first block; not for IOV_NVME_FLUSH, nor the following
 * @count: blocks
 * @parts: memory, of @count blocks at least, for IOV_NVME_READ and IOV_NVME_WRITE
 * @part_count: length of @parts
 * @tag: what iov_nvme_done has of it
 */
struct iov_nvme_io {
	enum iov_nvme_op op;
	bool stable;
	bool unmap;
	const struct iov_nvme_namespace *on;
	uint64_t block;
	uint64_t count;
	const struct iov_nvme_part *parts;
	unsigned int part_count;
	uint64_t tag;
};

/**
 * iov_nvme_submit - put a command in the queue, or the first part of it
 * @queue: queue
 * @io: command
 *
 * The controller sees it with iov_nvme_ring().  It is tried again, some times, where the controller
 * says that this makes sense.
 *
 * Return: blocks that it is for, as many as one command of this controller and this memory can be for
 * (1 for a flush); 0 when the queue is full; -EINVAL when it is outside of the namespace; -EFAULT when
 * not even one block can be moved between such parts; without a message.
 */
int64_t iov_nvme_submit(struct iov_nvme_queue *queue, const struct iov_nvme_io *io);

/**
 * iov_nvme_ring - tell the controller what was put in the queue
 * @queue: queue
 */
void iov_nvme_ring(struct iov_nvme_queue *queue);

/* The status of a command whose controller was lost. */
#define IOV_NVME_LOST 0xffff

/**
 * struct iov_nvme_done - a command that ended
 * @tag: of the command
 * @status: 0, or status code type and code, NVMe Base 2.0 section 3.3.3.2.1, or IOV_NVME_LOST
 */
struct iov_nvme_done {
	uint64_t tag;
	uint16_t status;
};

/**
 * iov_nvme_poll - commands that ended
 * @queue: queue
 * @list: receives them
 * @max: length of @list
 *
 * What a controller says of commands that it does not have counts for nothing.
 *
 * Return: how many.
 */
unsigned int iov_nvme_poll(struct iov_nvme_queue *queue, struct iov_nvme_done *list,
			   unsigned int max);

/**
 * iov_nvme_lies - completions of commands that the controller did not have
 * @queue: queue; any thread
 */
uint64_t iov_nvme_lies(const struct iov_nvme_queue *queue);

/**
 * iov_nvme_error - what a status means
 * @status: of struct iov_nvme_done
 *
 * Return: 0, -EIO, -ENOSPC, -EOPNOTSUPP, -EROFS or -ENODEV.
 */
int iov_nvme_error(uint16_t status);

/**
 * iov_nvme_tick - time goes by
 * @nvme: driver
 *
 * Commands begin at the number of ticks that there were.
 */
void iov_nvme_tick(struct iov_nvme *nvme);

/**
 * iov_nvme_overdue - commands that did not end
 * @queue: queue, which another thread may be using
 * @ticks: since when
 *
 * Return: how many.
 */
unsigned int iov_nvme_overdue(const struct iov_nvme_queue *queue, unsigned int ticks);

/**
 * iov_nvme_abort - ask the controller to end what did not end
 * @queue: queue, which another thread may be using
 * @ticks: since when
 *
 * Each command once.  They end as any other, or not.
 *
 * Return: 0, or -errno with a message when it does not answer.
 */
int iov_nvme_abort(struct iov_nvme_queue *queue, unsigned int ticks);

/**
 * iov_nvme_is_well - whether the controller says that it goes on
 * @nvme: driver; any thread
 *
 * Return: false when it is gone, has failed, was reset by others, or does not answer.
 */
bool iov_nvme_is_well(const struct iov_nvme *nvme);

/**
 * iov_nvme_restart - reset the controller, and give it again what it had
 * @nvme: driver, none of whose queues is used meanwhile
 *
 * Return: 0; or as iov_nvme_open(): then it reaches no memory any more, and all commands end with
 * IOV_NVME_LOST until another try succeeds.
 */
int iov_nvme_restart(struct iov_nvme *nvme);

#ifdef __cplusplus
}
#endif

#endif
