// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/journal.h"

#include <endian.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

/* Longest name of a field that journald takes. */
#define NAME_MAX_BYTES 64

int iov_journal_open(struct iov_journal *journal, const char *path)
{
	*journal = (struct iov_journal){ .fd = -1, .address.sun_family = AF_UNIX };
	if (strlen(path) >= sizeof(journal->address.sun_path))
		return -ENAMETOOLONG;
	strcpy(journal->address.sun_path, path);
	if (access(path, F_OK))
		return -errno;
	journal->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	return journal->fd < 0 ? -errno : 0;
}

void iov_journal_close(struct iov_journal *journal)
{
	if (journal->fd >= 0)
		close(journal->fd);
	journal->fd = -1;
}

bool iov_journal_is_stream(int fd, const char *stream)
{
	unsigned long long device, inode;
	struct stat stat;
	char end;

	return stream && sscanf(stream, "%llu:%llu%c", &device, &inode, &end) == 2 &&
	       !fstat(fd, &stat) && stat.st_dev == device && stat.st_ino == inode;
}

/* Those that begin with an underscore are journald's own. */
static bool is_name(const char *name)
{
	size_t length = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");

	return length && length <= NAME_MAX_BYTES && !name[length] && name[0] != '_' &&
	       (name[0] < '0' || name[0] > '9');
}

/* Of several lines by its length, as a newline ends others. */
static void put_field(FILE *entry, const struct iov_field *field)
{
	size_t length = strlen(field->value);
	const uint64_t little = htole64(length);

	if (!strchr(field->value, '\n')) {
		fprintf(entry, "%s=%s\n", field->name, field->value);
		return;
	}
	fprintf(entry, "%s\n", field->name);
	fwrite(&little, sizeof(little), 1, entry);
	fwrite(field->value, 1, length, entry);
	fputc('\n', entry);
}

int iov_journal_send(const struct iov_journal *journal, const struct iov_field *fields)
{
	_cleanup_free_ char *text = NULL;
	size_t length = 0;
	FILE *entry;
	ssize_t sent;

	if (journal->fd < 0)
		return -ENOTCONN;
	entry = open_memstream(&text, &length);
	if (!entry)
		return -ENOMEM;
	for (const struct iov_field *field = fields; field->name; field++)
		if (field->value && is_name(field->name))
			put_field(entry, field);
	if (fclose(entry))
		return -ENOMEM;
	do {
		sent = sendto(journal->fd, text, length, MSG_NOSIGNAL | MSG_DONTWAIT,
			      (const struct sockaddr *)&journal->address, sizeof(journal->address));
	} while (sent < 0 && errno == EINTR);
	return sent < 0 ? -errno : 0;
}
