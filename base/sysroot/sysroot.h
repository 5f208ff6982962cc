/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The sysroot: sysfs, procfs, devfs and /run of one host, reached through the
 * root directory of a context.
 *
 * Paths are relative to that root and never start with a slash:
 * "sys/bus/pci/devices/0000:01:00.0/class".  Resolution never leaves the root
 * (openat2(2) with RESOLVE_IN_ROOT), so a recorded tree is a host.
 */
#ifndef IOV_BASE_SYSROOT_SYSROOT_H
#define IOV_BASE_SYSROOT_SYSROOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/iov.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Longest path that iov_path() makes, with its terminating NUL. */
#define IOV_PATH_MAX 512

/**
 * struct iov_path - a path by value, so that building one needs no allocation
 * @name: NUL-terminated, relative to the sysroot
 */
struct iov_path {
	char name[IOV_PATH_MAX];
};

/**
 * iov_path - format a path
 * @format: printf format
 *
 * Return: the path; one that would not fit is cut and so names no file.
 */
struct iov_path iov_path(const char *format, ...) __attribute__((format(printf, 1, 2)));

/**
 * iov_module_name - a module of the kernel as sysfs and tables of modules call it
 * @name: "vfio-pci"
 *
 * Return: the name with an underscore for each dash: "vfio_pci".
 */
struct iov_path iov_module_name(const char *name);

/**
 * iov_sys_open - open a file below the sysroot
 * @iov: context
 * @path: relative path
 * @flags: open(2) flags; O_CLOEXEC is added
 *
 * Does not touch the context's error message.
 *
 * Return: a file descriptor of the caller's, or -errno.
 */
int iov_sys_open(struct iov *iov, const char *path, int flags);

/**
 * iov_sys_read - read a small file as a string
 * @iov: context
 * @path: relative path
 * @text: receives the content, NUL-terminated, trailing white space removed
 * @size: bytes at @text; longer content is cut
 *
 * Does not touch the context's error message: many attributes are optional.
 *
 * Return: 0 or -errno.
 */
int iov_sys_read(struct iov *iov, const char *path, char *text, size_t size);

/**
 * iov_sys_read_all - read a file of any size
 * @iov: context
 * @path: relative path
 * @text: receives a NUL-terminated copy that the caller frees
 * @length: receives its length without the NUL; may be NULL
 *
 * Return: 0 or -errno.
 */
int iov_sys_read_all(struct iov *iov, const char *path, char **text, size_t *length);

/**
 * iov_sys_read_number - read a file that holds one number
 * @iov: context
 * @path: relative path
 * @number: receives the value; decimal, or hexadecimal with 0x
 *
 * Return: 0, -EINVAL when the content is not one number, or -errno.
 */
int iov_sys_read_number(struct iov *iov, const char *path, int64_t *number);

/**
 * iov_sys_link - target of a symbolic link
 * @iov: context
 * @path: relative path of the link
 * @target: receives the target as it is written in the link
 * @size: bytes at @target
 *
 * Return: 0, -ENOENT without such a link, -EINVAL when it is no link,
 * -ENAMETOOLONG, or -errno.
 */
int iov_sys_link(struct iov *iov, const char *path, char *target, size_t size);

/**
 * iov_sys_block - the block device that a node stands for
 * @iov: context
 * @node: "/dev/mapper/vg-root"
 * @name: receives its name, "dm-0"; on a recorded tree, and of a node that is not there, what the path says
 * @size: bytes at @name
 *
 * Return: whether it is one, as far as that can be told: what is below /dev may be.
 */
bool iov_sys_block(struct iov *iov, const char *node, char *name, size_t size);

/**
 * iov_sys_link_name - last component of a symbolic link's target
 * @iov: context
 * @path: relative path of the link
 * @name: receives the component, "vfio-pci" of "../../../bus/pci/drivers/vfio-pci"
 * @size: bytes at @name
 *
 * Return: 0, -ENOENT without such a link, -EINVAL when it is no link, or -errno.
 */
int iov_sys_link_name(struct iov *iov, const char *path, char *name, size_t size);

/**
 * iov_sys_exists - whether a path exists
 * @iov: context
 * @path: relative path
 *
 * Return: true when it does, dangling links included.
 */
bool iov_sys_exists(struct iov *iov, const char *path);

/**
 * iov_sys_list - names in a directory
 * @iov: context
 * @path: relative path
 * @names: receives an array of names in version order, without "." and "..";
 *	the caller frees it with iov_names_free()
 * @count: receives the length of @names
 *
 * Return: 0 or -errno.
 */
int iov_sys_list(struct iov *iov, const char *path, char ***names, size_t *count);

/**
 * iov_names_free - free what iov_sys_list() gave
 * @names: array, may be NULL
 * @count: its length
 */
void iov_names_free(char **names, size_t count);

/**
 * iov_sys_write - write a string to an attribute, with a deadline
 * @iov: context
 * @path: relative path of a file that exists
 * @text: what to write; one write(2)
 *
 * The write runs in a child process, as iov_sys_call() has it, so that one which the
 * kernel never answers can be given up after iov_sys_set_timeout() milliseconds.
 *
 * Return: 0; -ETIMEDOUT with a message when it was given up; or -errno of open or write,
 * without one.
 */
int iov_sys_write(struct iov *iov, const char *path, const char *text);

/**
 * iov_sys_set_timeout - deadline of each later call that the kernel may never answer
 * @iov: context
 * @milliseconds: 0 restores the default of 60 s
 */
void iov_sys_set_timeout(struct iov *iov, unsigned int milliseconds);

/**
 * iov_sys_write_fn - stands in for the kernel in a recorded tree
 * @arg: as given to iov_sys_on_write()
 * @iov: context
 * @path: what iov_sys_write() was given
 * @text: what iov_sys_write() was given
 *
 * Return: what iov_sys_write() shall return.
 */
typedef int iov_sys_write_fn(void *arg, struct iov *iov, const char *path, const char *text);

/**
 * iov_sys_on_write - hand every write to a function instead of the kernel
 * @iov: context
 * @write: NULL restores real writes
 * @arg: passed to @write
 */
void iov_sys_on_write(struct iov *iov, iov_sys_write_fn *write, void *arg);

/**
 * iov_sys_root_fd - the root directory, for the *at() system calls
 * @iov: context
 *
 * Return: a descriptor that stays the context's.
 */
int iov_sys_root_fd(struct iov *iov);

/**
 * iov_sys_is_host - whether the sysroot is the running host's own root
 * @iov: context
 *
 * Requests that go through the kernel and not through a file (netlink,
 * module loading) are refused on a recorded tree.
 */
bool iov_sys_is_host(struct iov *iov);

#ifdef __cplusplus
}
#endif

#endif
