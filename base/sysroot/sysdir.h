/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A directory of the sysroot that is held open: for whoever reads many attributes
 * of one function, or a few of a thousand.  Names are relative to it, and no
 * symbolic link on their way is followed.
 */
#ifndef IOV_BASE_SYSROOT_SYSDIR_H
#define IOV_BASE_SYSROOT_SYSDIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/iov.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * iov_dir_open - hold a directory open
 * @iov: context
 * @path: relative to the sysroot
 *
 * Return: a file descriptor of the caller's, or -errno; the message is not touched.
 */
int iov_dir_open(struct iov *iov, const char *path);

/**
 * iov_dir_open_file - open a file in a directory for reading
 * @dir: from iov_dir_open()
 * @name: file, "config" or "net/eth0/address"
 *
 * Return: a file descriptor of the caller's, or -errno.
 */
int iov_dir_open_file(int dir, const char *name);

/**
 * iov_dir_has - whether a directory has an entry
 * @dir: from iov_dir_open()
 * @name: entry, without a slash
 *
 * Return: true when it does, dangling links included.
 */
bool iov_dir_has(int dir, const char *name);

/**
 * iov_dir_read - read a small file as a string
 * @dir: from iov_dir_open()
 * @name: file
 * @text: receives the content, NUL-terminated, trailing white space removed
 * @size: bytes at @text; longer content is cut
 *
 * Return: 0 or -errno.
 */
int iov_dir_read(int dir, const char *name, char *text, size_t size);

/**
 * iov_dir_read_number - read a file that holds one number
 * @dir: from iov_dir_open()
 * @name: file
 * @number: receives the value; decimal, or hexadecimal with 0x
 *
 * Return: 0, -EINVAL when the content is not one number, or -errno.
 */
int iov_dir_read_number(int dir, const char *name, int64_t *number);

/**
 * iov_dir_link - target of a symbolic link
 * @dir: from iov_dir_open()
 * @name: the link
 * @target: receives the target as it is written in the link
 * @size: bytes at @target
 *
 * Return: 0, -ENOENT without such a link, -EINVAL when it is no link,
 * -ENAMETOOLONG, or -errno.
 */
int iov_dir_link(int dir, const char *name, char *target, size_t size);

/**
 * iov_dir_link_name - last component of a symbolic link's target
 * @dir: from iov_dir_open()
 * @name: the link
 * @component: receives it, "vfio-pci" of "../../../bus/pci/drivers/vfio-pci"
 * @size: bytes at @component
 *
 * Return: as iov_dir_link().
 */
int iov_dir_link_name(int dir, const char *name, char *component, size_t size);

/**
 * iov_dir_list - names in a directory below one that is open
 * @dir: from iov_dir_open()
 * @name: directory, "." for @dir itself
 * @names: receives an array of names in version order, without "." and "..";
 *	the caller frees it with iov_names_free()
 * @count: receives the length of @names
 *
 * Return: 0 or -errno.
 */
int iov_dir_list(int dir, const char *name, char ***names, size_t *count);

#ifdef __cplusplus
}
#endif

#endif
