// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A disk of 64 MiB in memory, as a vhost-user back end.
 *
 *	cc ram-disk.c -o ram-disk $(pkg-config --cflags --libs libiov-vhost-user)
 *	./ram-disk /run/ram.sock
 *	iov bench blk /run/ram.sock --rw mix --verify --overwrite
 *	qemu-system-x86_64 -accel kvm -m 1G -object memory-backend-memfd,id=m,size=1G,share=on \
 *		-numa node,memdev=m -chardev socket,id=c,path=/run/ram.sock \
 *		-device vhost-user-blk-pci,chardev=c ...
 */
#include <linux/virtio_blk.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <base/iov.h>
#include <vhost-user/library/backend.h>

#define SECTOR 512
#define SECTORS (64 * 2048)

struct disk {
	unsigned char *sectors;
};

static volatile sig_atomic_t stop;

static void handle_signal(int number)
{
	(void)number;
	stop = 1;
}

/* Sectors from @first on, or NULL when the disk has not so many. */
static unsigned char *find(struct disk *disk, uint64_t first, size_t bytes)
{
	if (first > SECTORS || bytes > (SECTORS - first) * SECTOR)
		return NULL;
	return disk->sectors + first * SECTOR;
}

/* The last byte of an answer is the status, what is in front of it is room for data. */
static uint8_t read_sectors(struct disk *disk, struct iov_vu_request *request, uint64_t first)
{
	size_t bytes = iov_vu_writable(request) - 1;
	unsigned char *from = find(disk, first, bytes);

	if (!from)
		return VIRTIO_BLK_S_IOERR;
	iov_vu_write(request, from, bytes);
	return VIRTIO_BLK_S_OK;
}

static uint8_t write_sectors(struct disk *disk, struct iov_vu_request *request, uint64_t first)
{
	size_t bytes = iov_vu_readable(request);
	unsigned char *to = find(disk, first, bytes);

	if (!to)
		return VIRTIO_BLK_S_IOERR;
	iov_vu_read(request, to, bytes);
	return VIRTIO_BLK_S_OK;
}

static uint8_t tell_id(struct iov_vu_request *request)
{
	iov_vu_write(request, (char[VIRTIO_BLK_ID_BYTES]){ "ram-disk" }, VIRTIO_BLK_ID_BYTES);
	return VIRTIO_BLK_S_OK;
}

/* Virtio 1.2 section 5.2.6: a header, data, a status. */
static void answer(void *arg, struct iov_vu_request *request)
{
	struct virtio_blk_outhdr header;
	uint8_t status, nothing = 0;

	if (iov_vu_read(request, &header, sizeof(header)) < sizeof(header) || !iov_vu_writable(request))
		return;
	switch (header.type) {
	case VIRTIO_BLK_T_IN:
		status = read_sectors(arg, request, header.sector);
		break;
	case VIRTIO_BLK_T_OUT:
		status = write_sectors(arg, request, header.sector);
		break;
	case VIRTIO_BLK_T_FLUSH:
		status = VIRTIO_BLK_S_OK;
		break;
	case VIRTIO_BLK_T_GET_ID:
		status = tell_id(request);
		break;
	default:
		status = VIRTIO_BLK_S_UNSUPP;
	}
	/* Of what failed nothing was written: the status is the last byte all the same. */
	while (iov_vu_writable(request) > 1)
		iov_vu_write(request, &nothing, 1);
	iov_vu_write(request, &status, 1);
}

static void get_config(void *arg, uint8_t *space, size_t size)
{
	struct virtio_blk_config config = { .capacity = SECTORS, .seg_max = 126 };

	(void)arg;
	memcpy(space, &config, size);
}

static int serve(struct iov *iov, const char *path, struct disk *disk)
{
	const struct iov_vu_ops ops = {
		.size = sizeof(ops), .request = answer, .get_config = get_config,
	};
	const struct iov_vu_device device = {
		.size = sizeof(device), .name = "ram-disk", .ops = &ops, .arg = disk, .queues = 1,
		.features = 1u << VIRTIO_BLK_F_FLUSH | 1u << VIRTIO_BLK_F_SEG_MAX,
		.config_size = sizeof(struct virtio_blk_config),
	};
	struct iov_vu *vu;
	int error = iov_vu_open(&vu, iov, path, &device);

	while (!error && !stop)
		error = iov_vu_run(vu, -1) < 0 && !stop ? 1 : 0;
	iov_vu_close(vu);
	return error;
}

int main(int argc, char **argv)
{
	struct disk disk = { calloc(SECTORS, SECTOR) };
	const struct sigaction action = { .sa_handler = handle_signal };
	struct iov *iov;
	int error;

	if (argc != 2 || !disk.sectors || iov_open(&iov, NULL)) {
		fprintf(stderr, "usage: ram-disk SOCKET\n");
		return 2;
	}
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	error = serve(iov, argv[1], &disk);
	if (error)
		fprintf(stderr, "%s\n", iov_error_message(iov));
	iov_close(iov);
	free(disk.sectors);
	return error ? 1 : 0;
}
