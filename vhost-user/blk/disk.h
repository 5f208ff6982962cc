/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A disk: its back end, what it is for guests, and what happened to it.
 *
 * Threads: the control thread opens, changes and closes it; workers read what is said to be
 * atomic.
 */
#ifndef VHOST_USER_BLK_DISK_H
#define VHOST_USER_BLK_DISK_H

#include <linux/virtio_blk.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/iov.h"
#include "vhost-user/blk/backend.h"
#include "vhost-user/blk/order.h"
#include "vhost-user/pollable.h"
#include "vhost-user/protocol/message.h"
#include "vhost-user/qos.h"

/* Most rings of a disk. */
#define BLK_QUEUES_MAX 64

/**
 * enum blk_on_error - what is done with requests that the back end could not carry out
 * @BLK_ERROR_REPORT: the guest is told
 * @BLK_ERROR_WAIT: they are tried again until they can be
 */
enum blk_on_error {
	BLK_ERROR_REPORT,
	BLK_ERROR_WAIT,
	BLK_ERROR_POLICIES
};

/**
 * struct blk_disk - a disk
 * @backend: where its data is
 * @geometry: what the back end said of itself last
 * @serial: what guests read, padded with zeroes
 * @sectors: capacity; atomic
 * @lifetime: what VIRTIO_BLK_T_GET_LIFETIME says; atomic
 * @is_locked: nobody else can write to it, so rings may run; atomic
 * @has_cache: the driver knows that what is written may have to be flushed; atomic
 * @on_error: atomic
 * @retry_cycles: how long what failed waits, in cycles of the time stamp counter
 * @flush_error: a flush failed with this, so all do until somebody looked at it; 0 for none;
 *	atomic
 * @last_error: why a request failed last; 0 for none; atomic
 * @channels: of workers that have a ring of it; each is written by its worker
 * @order: of what its rings clear and write
 * @qos: how much it may do, with others of its group
 */
struct blk_disk {
	struct blk_backend *backend;
	struct blk_geometry geometry;
	uint8_t serial[VIRTIO_BLK_ID_BYTES];
	uint64_t sectors;
	uint64_t lifetime;
	bool is_locked;
	bool has_cache;
	enum blk_on_error on_error;
	uint64_t retry_cycles;
	int flush_error;
	int last_error;
	struct blk_channel *channels[WORKERS_MAX];
	struct blk_order order;
	struct qos_member qos;
};

/**
 * blk_disk_open - open a back end
 * @disk: zeroed; closed by blk_disk_close() in any case
 * @iov: context
 * @ops: its kind
 * @source: what it is opened from
 *
 * Return: 0 or -errno with a message.
 */
int blk_disk_open(struct blk_disk *disk, struct iov *iov, const struct blk_backend_ops *ops,
		  const struct blk_source *source);

/**
 * blk_disk_close - end that
 * @disk: disk without channels
 */
void blk_disk_close(struct blk_disk *disk);

/**
 * blk_disk_lock - try to have it alone
 * @disk: disk
 *
 * Return: 0; -EWOULDBLOCK while somebody else has it, -EALREADY while that one does not write; or
 * -errno.
 */
int blk_disk_lock(struct blk_disk *disk);

/**
 * blk_disk_unlocks - have no ring taken from until it is locked again
 * @disk: disk, whose back end can be unlocked
 *
 * The caller then has workers close their channels, and calls blk_disk_unlock().
 */
void blk_disk_unlocks(struct blk_disk *disk);

/**
 * blk_disk_unlock - let others have it
 * @disk: disk without channels, after blk_disk_unlocks()
 *
 * Return: 0, or -errno, and it is locked as before.
 */
int blk_disk_unlock(struct blk_disk *disk);

/**
 * blk_disk_renew - ask the back end anew what it is
 * @disk: disk
 *
 * Return: whether its capacity is another one.
 */
bool blk_disk_renew(struct blk_disk *disk);

/**
 * blk_disk_set_serial - what guests are to read
 * @disk: disk
 * @iov: context
 * @serial: up to VIRTIO_BLK_ID_BYTES printable characters
 *
 * Return: 0 or -EINVAL with a message.
 */
int blk_disk_set_serial(struct blk_disk *disk, struct iov *iov, const char *serial);

/**
 * blk_on_error_parse - read a policy
 * @text: "report" or "wait"
 * @on_error: receives it
 *
 * Return: whether it is one.
 */
bool blk_on_error_parse(const char *text, enum blk_on_error *on_error);

/**
 * blk_on_error_name - a policy as users write it
 * @on_error: policy
 */
const char *blk_on_error_name(enum blk_on_error on_error);

/**
 * blk_features - virtio features that it offers
 * @disk: disk
 * @queues: number of its rings
 */
uint64_t blk_features(const struct blk_disk *disk, unsigned int queues);

/**
 * blk_feature_name - as users read it
 * @bit: number of a feature bit
 *
 * Return: "flush" and so on; NULL for none of a disk.
 */
const char *blk_feature_name(unsigned int bit);

/**
 * blk_config_fill - its configuration space, virtio 1.2 section 5.2.4
 * @disk: disk
 * @queues: number of its rings
 * @space: zeroed; receives it
 */
void blk_config_fill(const struct blk_disk *disk, unsigned int queues,
		     uint8_t space[VU_CONFIG_SPACE]);

/* Bytes of it. */
#define BLK_CONFIG_BYTES 96

/**
 * blk_limits_of - what requests are judged by
 * @disk: disk
 * @features: negotiated virtio features
 */
struct blk_limits blk_limits_of(const struct blk_disk *disk, uint64_t features);

/**
 * blk_is_stable - whether changes have to be stable when they are done
 * @disk: disk
 * @features: negotiated virtio features
 *
 * Virtio 1.2 section 5.2.6.2: the driver knows of no cache, or has switched it off.  Any thread.
 */
bool blk_is_stable(const struct blk_disk *disk, uint64_t features);

/**
 * blk_needs_zones - whether only who knows zones can write to it
 * @disk: disk
 *
 * Virtio 1.3 section 5.2.5.2: other drivers must not have it.  Front ends negotiate for them, so
 * such a driver finds a disk that takes no writes.
 */
bool blk_needs_zones(const struct blk_disk *disk);

/**
 * blk_config_write - the driver writes to its configuration space
 * @disk: disk
 * @offset: first byte
 * @bytes: what is written
 * @size: how many
 *
 * Return: 0, or -EINVAL for what cannot be written: all but "writeback".
 */
int blk_config_write(struct blk_disk *disk, uint32_t offset, const uint8_t *bytes, uint32_t size);

#endif
