/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a plugin of others is: a shared object that brings device classes.
 *
 * It includes this header and no other of plugins/, links with libiov, and says once what it is:
 *
 *	static const struct iov_class *const classes[] = { &card_class, NULL };
 *
 *	IOV_PLUGIN(.name = "card", .version = "1.2", .classes = classes);
 *
 * iov-plugin(7) leads through it; plugins/example of the source is a complete one.
 *
 * A plugin is part of the program: it runs as root, in the process of whoever loads it and in its
 * children. So one that somebody else could have written to is refused, see iov_plugins_load().
 */
#ifndef IOV_PLUGINS_PLUGIN_H
#define IOV_PLUGINS_PLUGIN_H

#include <stdint.h>

#include "sriov/class.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Of what a plugin is compiled against, and of what it is loaded by; the two have to be the same. */
#define IOV_PLUGIN_ABI IOV_CLASS_ABI

/* The symbol that a plugin has. */
#define IOV_PLUGIN_SYMBOL "iov_plugin"

/**
 * struct iov_plugin - a plugin
 * @abi: IOV_PLUGIN_ABI; the first member of every version
 * @class_size: bytes of struct iov_class
 * @name: "card": small letters, digits and underscores
 * @version: its own, for people
 * @classes: its device classes, ended by NULL
 */
struct iov_plugin {
	uint32_t abi;
	uint32_t class_size;
	const char *name;
	const char *version;
	const struct iov_class *const *classes;
};

/* Says what a plugin is; its arguments are members of struct iov_plugin. */
#define IOV_PLUGIN(...)                                                                  \
	extern const struct iov_plugin iov_plugin;                                       \
	__attribute__((visibility("default"))) const struct iov_plugin iov_plugin = {    \
		.abi = IOV_PLUGIN_ABI, .class_size = sizeof(struct iov_class), __VA_ARGS__ \
	}

#ifdef __cplusplus
}
#endif

#endif
