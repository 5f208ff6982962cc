/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages of devlink; for the files of plugins/ and their test. */
#ifndef IOV_PLUGINS_NET_DEVLINK_H
#define IOV_PLUGINS_NET_DEVLINK_H

#include <json-c/json.h>
#include <netlink/msg.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/pci/pci.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A device as devlink has it: PCI functions, and those of other buses. */
struct devlink_device {
	char bus[32];
	char name[64];
};

struct devlink_device devlink_pci(struct iov_bdf bdf);

/*
 * The device that devlink has for a function: that of its interface, which for a PCI function is
 * the function; without an interface the function.
 */
struct devlink_device devlink_of(struct iov *iov, struct iov_bdf bdf);

/* An address is a PCI function, "netdevsim/netdevsim10" a device of that bus. */
int devlink_device_parse(struct iov *iov, const char *text, struct devlink_device *device);

/* What devlink_device_parse() takes, and how plans name the device. */
struct iov_path devlink_text(const struct devlink_device *device);

/* Its directory in sysfs. */
struct iov_path devlink_path(const struct devlink_device *device);

/**
 * struct devlink_request - a request and what is done with the answer
 * @device: it is about; NULL for a dump of all devices
 * @command: DEVLINK_CMD_
 * @flags: NLM_F_DUMP for a question about many, NLM_F_ACK for a change, 0 for a question
 * @fill: adds its attributes, -errno when it cannot; NULL for none
 * @fill_arg: passed to @fill
 * @on_message: gets each message that devlink sends; NULL for none
 * @arg: passed to @on_message
 * @answer: receives what the kernel says in words to a refusal; may be NULL
 * @size: bytes at @answer
 */
struct devlink_request {
	const struct devlink_device *device;
	uint8_t command;
	int flags;
	int (*fill)(struct nl_msg *message, const void *fill_arg);
	const void *fill_arg;
	void (*on_message)(struct nlmsghdr *header, void *arg);
	void *arg;
	char *answer;
	size_t size;
};

/* The message that is sent; NULL without memory, or when @fill cannot. */
struct nl_msg *devlink_message(int family, const struct devlink_request *request);

/* -EOPNOTSUPP without devlink; other errors are the kernel's. */
int devlink_ask(const struct devlink_request *request);

/* Whether a message is about a device. */
bool devlink_is_of(struct nlmsghdr *header, const struct devlink_device *device);

/* An attribute of a message that has at least so many bytes; NULL for none. */
struct nlattr *devlink_find(struct nlmsghdr *header, int type, size_t size);

/* The same within another attribute. */
struct nlattr *devlink_inner(struct nlattr *nest, int type, size_t size);

/* A text without its NUL is none. */
const char *devlink_text_of(struct nlattr *attribute);

/* A request about the embedded switch of a device: to get its mode, or with @mode to set it. */
struct devlink_request devlink_eswitch_request(const struct devlink_device *device, const char *mode);

/* The mode in an answer; NULL when it has none that is known. */
const char *devlink_eswitch_mode(struct nlmsghdr *header);

/* As iov_eswitch_read(), on any bus. */
int devlink_eswitch_read(struct iov *iov, const struct devlink_device *device, const char **mode);

#ifdef __cplusplus
}
#endif

#endif
