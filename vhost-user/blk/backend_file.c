// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A disk in a raw file or on a block device.
 *
 * Theory of operation.  The lock is a flock() of a description that nobody but us has.  A ring keeps
 * its files open after the process that had it has ended, until all is done that was under way.
 * So who gets the lock knows that nothing which an earlier process began is still to come, even
 * where that one was killed.  A device is claimed as well, as a mount does it (O_EXCL): the kernel
 * then keeps others from it, and us where there are some.  What an earlier process began has the
 * claim, too; it is told from a mount by the lock, and then claimed with the lock.  Who lets go gets
 * another description, as lock and claim are those of the one before, whose lock is shared while
 * what was written is on its way to the medium.
 *
 * Without the page cache a file is read and written as its file system says that it can be; where
 * it does not say so, as on tmpfs, the page cache stays between.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/sysroot/paths.h"
#include "base/sysroot/sysroot.h"
#include "vhost-user/blk/file_memory.h"
#include "vhost-user/blk/file_zoned.h"

/* Bytes of a range that one request may name; it is cleared in smaller steps. */
#define RANGE_MAX (UINT64_C(1) << 30)

/* Bytes of the largest block, and of that which most file systems have. */
#define BLOCK_MAX 65536
#define BLOCK_USUAL 4096

static bool is_block(uint64_t bytes, uint32_t least)
{
	return bytes >= least && bytes <= BLOCK_MAX && !(bytes & (bytes - 1));
}

int file_queue_read(const struct file_backend *file, const char *name, char *text, size_t size)
{
	const unsigned int major = major(file->number), minor = minor(file->number);

	if (!iov_sys_read(file->iov, iov_path(IOV_PATH_DEV_BLOCK "/%u:%u/queue/%s", major, minor,
					      name).name, text, size))
		return 0;
	return iov_sys_read(file->iov, iov_path(IOV_PATH_DEV_BLOCK "/%u:%u/../queue/%s", major,
						minor, name).name, text, size);
}

uint64_t file_queue_number(const struct file_backend *file, const char *name)
{
	char text[32];

	return file_queue_read(file, name, text, sizeof(text)) ? 0 : strtoull(text, NULL, 10);
}

static bool writes_through(const struct file_backend *file)
{
	char text[32];

	return !file_queue_read(file, "write_cache", text, sizeof(text)) &&
	       !strcmp(text, "write through");
}

static uint32_t logical_block(const struct file_backend *file)
{
	uint64_t bytes = file_queue_number(file, "logical_block_size");

	return is_block(bytes, BLK_BLOCK_MIN) ? (uint32_t)bytes : BLK_BLOCK_MIN;
}

uint64_t file_size(const struct file_backend *file)
{
	off_t size = lseek(file->fd, 0, SEEK_END);

	return size > 0 ? (uint64_t)size : 0;
}

static const char *kind_of(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFDIR:
		return "a directory";
	case S_IFCHR:
		return "a character device";
	case S_IFIFO:
		return "a pipe";
	case S_IFSOCK:
		return "a socket";
	default:
		return "of another kind";
	}
}

static int refuse_kind(struct iov *iov, const char *path, mode_t mode)
{
	return iov_fail(iov, -EINVAL, "%s: is %s, expected a file or a block device; name one",
			path, kind_of(mode));
}

static int refuse_open(struct iov *iov, const struct blk_source *source, int error)
{
	const char *path = source->path;

	switch (error) {
	case -EISDIR:
		return refuse_kind(iov, path, S_IFDIR);
	case -ENXIO:
		return iov_told(iov, error, "%s: nobody answers for it (%s), expected a file or a "
				"block device; name one", path, strerror(-error));
	case -ENOENT:
	case -ENOTDIR:
		return iov_fail_as(iov, IOV_FAILURE_OTHER, error, "%s: no such file; "
				   "'truncate --size=SIZE %s' makes one", path, path);
	case -EACCES:
	case -EPERM:
		return iov_told(iov, error, "%s: may not be %s (%s); iovd's user needs the right to, "
				"and a directory of --allow has to have it%s", path,
				source->read_only ? "read" : "read and written", strerror(-error),
				source->read_only ? "" : ", or make the disk read-only");
	case -EROFS:
		return iov_told(iov, error, "%s: is on a read-only file system; make the disk "
				"read-only, or mount that writable", path);
	default:
		return iov_told(iov, error, "%s: cannot be opened: %s", path, strerror(-error));
	}
}

static bool is_disk(mode_t mode)
{
	return S_ISREG(mode) || S_ISBLK(mode);
}

/*
 * To open some devices is to do something: a watchdog runs from then on, a tape goes back to its
 * begin.  O_NONBLOCK is for what became one of them meanwhile, and would have the ring fail where
 * it should wait.
 */
static int open_path(struct file_backend *file, const struct blk_source *source)
{
	int access = source->read_only ? O_RDONLY : O_RDWR;
	struct stat status;

	if (!stat(source->path, &status) && !is_disk(status.st_mode))
		return refuse_kind(file->iov, source->path, status.st_mode);
	file->fd = open(source->path, access | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (file->fd < 0)
		return refuse_open(file->iov, source, -errno);
	if (fstat(file->fd, &status))
		return refuse_open(file->iov, source, -errno);
	if (!is_disk(status.st_mode))
		return refuse_kind(file->iov, source->path, status.st_mode);
	if (fcntl(file->fd, F_SETFL, 0))
		return refuse_open(file->iov, source, -errno);
	file->is_device = S_ISBLK(status.st_mode);
	file->had_name = !file->is_device && status.st_nlink;
	/* Only files that are in memory have seals, if only the one against others. */
	file->is_in_memory = fcntl(file->fd, F_GET_SEALS) >= 0;
	file->number = file->is_device ? status.st_rdev : status.st_dev;
	file->node_device = status.st_dev;
	file->node_inode = status.st_ino;
	return 0;
}

/* How it can be had without the page cache; false when the kernel does not say that it can. */
static bool find_alignment(struct file_backend *file)
{
	struct statx status;
	uint32_t memory = 0, block = 0;

	if (!statx(file->fd, "", AT_EMPTY_PATH, STATX_DIOALIGN, &status) &&
	    status.stx_mask & STATX_DIOALIGN) {
		memory = status.stx_dio_mem_align;
		block = status.stx_dio_offset_align;
	} else if (file->is_device) {
		memory = block = file->block;
	}
	/* What we have ourselves begins with a page. */
	if (!is_block(memory, 1) || memory > BLOCK_USUAL || !is_block(block, 1))
		return false;
	file->memory_mask = memory - 1;
	file->block = block > file->block ? block : file->block;
	return true;
}

static void choose_cache(struct file_backend *file, bool cached)
{
	struct file_backend direct = *file;

	if (cached || !find_alignment(&direct) || fcntl(file->fd, F_SETFL, O_DIRECT))
		return;
	*file = direct;
	file->is_direct = true;
}

/* A command for that is there since Linux 6.12. */
static bool kernel_discards(void)
{
	unsigned int major, minor;
	struct utsname name;

	return !uname(&name) && sscanf(name.release, "%u.%u", &major, &minor) == 2 &&
	       (major > 6 || (major == 6 && minor >= 12));
}

/* Far behind the end there is nothing to lose, even if somebody else makes the file grow. */
static bool can_punch(const struct file_backend *file)
{
	return !fallocate(file->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			  (off_t)(file_size(file) + RANGE_MAX), file->block);
}

/* Device mapper and others discard without being able to make zeroes of it. */
static void find_clearings(struct file_backend *file)
{
	bool discards = file->is_device && file_queue_number(file, "discard_max_bytes");

	file->lacks[CLEAR_DISCARD] = !discards || !kernel_discards();
	file->lacks[CLEAR_PUNCH] = file->is_device
			? !discards || !file_queue_number(file, "write_zeroes_max_bytes")
			: file->read_only || !can_punch(file);
}

static int check_size(const struct file_backend *file)
{
	uint64_t bytes = file_size(file);

	if (bytes && !(bytes % file->block))
		return 0;
	if (file->is_device)
		return iov_fail(file->iov, -EINVAL, "%s: the device has %" PRIu64 " bytes, expected a "
				"medium with blocks of %" PRIu32 "; put one in, or name another device",
				file->path, bytes, file->block);
	if (!bytes)
		return iov_fail(file->iov, -EINVAL, "%s: is empty, expected the size of a disk; "
				"'truncate --size=SIZE %s' gives it one", file->path, file->path);
	return iov_fail(file->iov, -EINVAL, "%s: has %" PRIu64 " bytes, expected a multiple of %" PRIu32
			"; 'truncate --size=%%%" PRIu32 " %s' adds what is missing", file->path, bytes,
			file->block, file->block, file->path);
}

/* Not what every file system has can be read and written, and no bytes at all are enough to see it. */
static int check_access(const struct file_backend *file)
{
	char nothing[1] = "";

	if (pread(file->fd, nothing, 0, 0) < 0)
		return iov_told(file->iov, -errno, "%s: cannot be read: %s; name a file of another file "
				"system", file->path, strerror(errno));
	if (!file->read_only && pwrite(file->fd, nothing, 0, 0) < 0)
		return iov_told(file->iov, -errno, "%s: cannot be written to: %s; name a file that nobody "
				"else uses, of another file system", file->path, strerror(errno));
	return 0;
}

static int refuse_claim(struct file_backend *file, int error)
{
	if (error == -EBUSY)
		return iov_fail_as(file->iov, IOV_FAILURE_OTHER, error, "%s: is in use, expected a device "
				   "that is not mounted and no part of a volume; end that, or make the "
				   "disk read-only", file->path);
	return iov_told(file->iov, error, "%s: cannot be opened for us alone: %s", file->path,
			strerror(-error));
}

/* Have it for us alone from now on, by another description in place of the one that we have. */
static int claim(struct file_backend *file)
{
	_cleanup_fd_ int fd = open(file->path, O_RDWR | O_EXCL | O_CLOEXEC | O_NONBLOCK);
	struct stat status;

	if (fd < 0 || fstat(fd, &status))
		return -errno;
	/* The name is that of another device by now. */
	if (!S_ISBLK(status.st_mode) || status.st_rdev != file->number)
		return -ENXIO;
	if (fcntl(fd, F_SETFL, file->is_direct ? O_DIRECT : 0) ||
	    dup3(fd, file->fd, O_CLOEXEC) < 0)
		return -errno;
	file->is_claimed = true;
	return 0;
}

static bool must_claim(const struct file_backend *file)
{
	return file->is_device && !file->read_only && !file->is_claimed;
}

static bool is_locked(const struct file_backend *file)
{
	if (flock(file->fd, LOCK_EX | LOCK_NB))
		return true;
	flock(file->fd, LOCK_UN);
	return false;
}

/* Who has the lock is another disk, or what is left of one: file_lock() waits for that. */
static int claim_first(struct file_backend *file)
{
	int error = claim(file);

	if (error == -EBUSY) {
		if (is_locked(file))
			return 0;
		/* Unless that ended between. */
		error = claim(file);
	}
	return error ? refuse_claim(file, error) : 0;
}

void file_close(struct blk_backend *backend)
{
	struct file_backend *file = file_of(backend);

	file_zoned_close(file->zoned);
	file_memory_close(file->memory);
	/* A ring may have it open for some moments more. */
	if (file->fd >= 0) {
		flock(file->fd, LOCK_UN);
		close(file->fd);
	}
	if (file->unlock_fd >= 0)
		close(file->unlock_fd);
	free(file->path);
	free(file);
}

static int prepare(struct file_backend *file, const struct blk_source *source)
{
	int error = open_path(file, source);

	if (!error && must_claim(file))
		error = claim_first(file);
	if (error)
		return error;
	error = check_access(file);
	if (error)
		return error;
	file->block = file->is_device ? logical_block(file) : BLK_BLOCK_MIN;
	choose_cache(file, source->cached);
	find_clearings(file);
	error = check_size(file);
	if (!error)
		error = file_zoned_open(file);
	if (!error && source->io_poll)
		error = file_choose_polling(file);
	if (!error && source->register_memory)
		error = file_memory_open(file, source->workers);
	return error;
}

int file_open(struct blk_backend **out, struct iov *iov, const struct blk_source *source)
{
	struct file_backend *file = calloc(1, sizeof(*file));
	int error;

	if (!file)
		return iov_told(iov, -ENOMEM, "no memory for a disk");
	file->backend.ops = &blk_backend_file;
	file->iov = iov;
	file->fd = -1;
	file->read_only = source->read_only;
	file->is_shared = source->shared;
	file->path = strdup(source->path);
	file->unlock_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	error = file->path && file->unlock_fd >= 0 ? prepare(file, source)
			: iov_told(iov, -ENOMEM, "no memory or descriptor for a disk");
	if (error) {
		file_close(&file->backend);
		return error;
	}
	*out = &file->backend;
	return 0;
}

/* Nobody wrote to them here since it was let go.  A network file system does that itself. */
static void drop_old_pages(struct file_backend *file)
{
	if (file->is_shared && file->is_device && !file->is_direct)
		posix_fadvise(file->fd, 0, 0, POSIX_FADV_DONTNEED);
	file->is_shared = false;
}

/*
 * Where a shared lock is to be had and one of our own is not, nobody has one to write with.  Where both
 * are it is a claim that is in the way: of a mount, which writes as it likes.
 */
static int judge_holder(const struct file_backend *file)
{
	bool is_free = !file->read_only && !flock(file->fd, LOCK_EX | LOCK_NB);
	bool is_shared = !file->read_only && !is_free && !flock(file->fd, LOCK_SH | LOCK_NB);

	if (is_free || is_shared)
		flock(file->fd, LOCK_UN);
	return is_shared ? -EALREADY : -EWOULDBLOCK;
}

int file_lock(struct blk_backend *backend)
{
	struct file_backend *file = file_of(backend);
	int error = must_claim(file) ? claim(file) : 0;

	if (!error && flock(file->fd, (file->read_only ? LOCK_SH : LOCK_EX) | LOCK_NB))
		error = errno == EWOULDBLOCK ? -EBUSY : -errno;
	if (error)
		return error == -EBUSY ? judge_holder(file) : error;
	drop_old_pages(file);
	/* Who had it before may have written to its zones until now. */
	return file->zoned ? file_zoned_load(file->zoned) : 0;
}

/* A description that goes, and where that tells of an error. */
struct release {
	int fd;
	int told_fd;
};

static void drop_release(struct release *release)
{
	if (release->fd >= 0)
		close(release->fd);
	if (release->told_fd >= 0)
		close(release->told_fd);
	free(release);
}

/*
 * What others are to read is on the medium first, which takes as long as that takes.  Meanwhile the lock
 * says that nobody writes any more.
 */
static void *release(void *arg)
{
	struct release *release = arg;

	flock(release->fd, LOCK_SH);
	if (fdatasync(release->fd))
		eventfd_write(release->told_fd, (eventfd_t)errno);
	flock(release->fd, LOCK_UN);
	drop_release(release);
	return NULL;
}

/* The disk may be closed before that is over. */
static int prepare_release(const struct file_backend *file, struct release **out)
{
	struct release *release = malloc(sizeof(*release));

	if (!release)
		return -ENOMEM;
	release->fd = fcntl(file->fd, F_DUPFD_CLOEXEC, 0);
	release->told_fd = fcntl(file->unlock_fd, F_DUPFD_CLOEXEC, 0);
	if (release->fd < 0 || release->told_fd < 0) {
		drop_release(release);
		return -EMFILE;
	}
	*out = release;
	return 0;
}

/* Without the lock, and without the claim, which is of the description. */
static int open_again(const struct file_backend *file)
{
	const int access = file->read_only ? O_RDONLY : O_RDWR, direct = file->is_direct ? O_DIRECT : 0;
	int fd = open(file->path, access | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), error = 0;
	struct stat status;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &status) || fcntl(fd, F_SETFL, direct))
		error = -errno;
	/* The name is that of another file by now. */
	else if (status.st_dev != file->node_device || status.st_ino != file->node_inode)
		error = -ESTALE;
	if (!error)
		return fd;
	close(fd);
	return error;
}

/* By a thread, as the control thread may not wait for the medium. */
static int file_unlock(struct blk_backend *backend)
{
	struct file_backend *file = file_of(backend);
	_cleanup_fd_ int fd = open_again(file);
	struct release *old;
	pthread_t thread;
	int error;

	if (fd < 0)
		return fd;
	error = prepare_release(file, &old);
	if (error)
		return error;
	if (dup3(fd, file->fd, O_CLOEXEC) < 0) {
		error = -errno;
		drop_release(old);
		return error;
	}
	file->is_claimed = false;
	file->is_shared = true;
	if (pthread_create(&thread, NULL, release, old))
		release(old);
	else
		pthread_detach(thread);
	return 0;
}

static int file_unlock_fd(const struct blk_backend *backend)
{
	return ((const struct file_backend *)backend)->unlock_fd;
}

static void describe_device(const struct file_backend *file, struct blk_geometry *geometry)
{
	uint64_t physical = file_queue_number(file, "physical_block_size");
	uint64_t granularity = file_queue_number(file, "discard_granularity");
	int64_t ahead;

	geometry->physical_block = is_block(physical, file->block) ? (uint32_t)physical : file->block;
	geometry->io_min = (uint32_t)file_queue_number(file, "minimum_io_size");
	geometry->io_optimal = (uint32_t)file_queue_number(file, "optimal_io_size");
	geometry->has_cache = !file->is_direct || !writes_through(file);
	geometry->discard_block = (uint32_t)granularity;
	geometry->has_lifetime = file_lifetime(file->iov, file->number, &geometry->lifetime);
	if (!iov_sys_read_number(file->iov, iov_path(IOV_PATH_DEV_BLOCK "/%u:%u/alignment_offset",
						     major(file->number), minor(file->number)).name,
				 &ahead) && ahead > 0)
		geometry->aligned_at = (uint32_t)ahead / file->block;
}

static void describe_file(const struct file_backend *file, const struct stat *status,
			  struct blk_geometry *geometry)
{
	uint64_t bytes = (uint64_t)status->st_blksize;
	uint32_t usual = file->block > BLOCK_USUAL ? file->block : BLOCK_USUAL;

	geometry->physical_block = is_block(bytes, file->block) ? (uint32_t)bytes : usual;
	geometry->discard_block = geometry->physical_block;
	geometry->has_cache = true;
}

/* What would be discarded or zeroes is for zones to be reset; and they stay. */
static void describe_zoned(const struct file_zoned *zoned, struct blk_geometry *geometry)
{
	geometry->zoned = &zoned->zoned;
	geometry->bytes = zoned->bytes;
	geometry->discard_max = geometry->zeroes_max = 0;
	geometry->zeroes_may_unmap = false;
}

/* Whoever asks for all disks must not wait for one on a network file system. */
static uint64_t file_bytes_at_hand(const struct blk_backend *backend)
{
	const struct file_backend *file = (const struct file_backend *)backend;
	struct statx status;

	if (file->is_device)
		return file_size(file);
	return statx(file->fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_SIZE, &status) ?
		       UINT64_MAX : status.stx_size;
}

/* Removed, or another one has been given its name. */
static bool file_is_unlinked(const struct blk_backend *backend)
{
	const struct file_backend *file = (const struct file_backend *)backend;
	struct statx status;

	return file->had_name &&
	       !statx(file->fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_NLINK, &status) &&
	       status.stx_mask & STATX_NLINK && !status.stx_nlink;
}

int file_describe(struct blk_backend *backend, struct blk_geometry *geometry)
{
	const struct file_backend *file = file_of(backend);
	const bool gives_back = !file->lacks[CLEAR_DISCARD] || !file->lacks[CLEAR_PUNCH];
	struct stat status;

	if (fstat(file->fd, &status))
		return -errno;
	*geometry = (struct blk_geometry){
		.bytes = file_size(file) & ~(uint64_t)(file->block - 1),
		.block = file->block,
		.read_only = file->read_only,
		.discard_max = gives_back && !file->read_only ? RANGE_MAX : 0,
		.zeroes_max = file->read_only ? 0 : RANGE_MAX,
		.zeroes_may_unmap = !file->lacks[CLEAR_PUNCH],
	};
	if (file->is_device)
		describe_device(file, geometry);
	else
		describe_file(file, &status, geometry);
	if (file->zoned)
		describe_zoned(file->zoned, geometry);
	return 0;
}

static int cannot_be_given(struct iov *iov, const struct file_backend *file, uint64_t bytes, int error)
{
	return iov_told(iov, -error, "%s: cannot be given %" PRIu64 " bytes: %s", file->path, bytes,
			strerror(error));
}

/*
 * How long a file may be at most is known to its file system alone, which lets nobody seek beyond
 * that, and is asked so: no I/O of ours goes by the position of the descriptor.
 */
static bool may_be_as_long(const struct file_backend *file, uint64_t bytes)
{
	struct rlimit limit;

	if (lseek(file->fd, (off_t)bytes, SEEK_SET) < 0)
		return false;
	return getrlimit(RLIMIT_FSIZE, &limit) || bytes <= limit.rlim_cur ||
	       bytes <= file_size(file);
}

int file_check_size(struct blk_backend *backend, struct iov *iov, uint64_t bytes)
{
	const struct file_backend *file = file_of(backend);

	if (file->is_device)
		return iov_fail(iov, -EINVAL, "%s: a device has the size that it has; resize it by its "
				"own tool", file->path);
	if (file->read_only)
		return iov_fail(iov, -EINVAL, "%s: the disk is read-only, expected one that is written "
				"to; add it so", file->path);
	if (!bytes || bytes % file->block || bytes > INT64_MAX)
		return iov_fail(iov, -EINVAL, "%s: size of %" PRIu64 " bytes, expected a multiple of %"
				PRIu32 " above 0", file->path, bytes, file->block);
	return may_be_as_long(file, bytes) ? 0 : cannot_be_given(iov, file, bytes, EFBIG);
}

int file_resize(struct blk_backend *backend, struct iov *iov, uint64_t bytes)
{
	const struct file_backend *file = file_of(backend);

	return ftruncate(file->fd, (off_t)bytes) ? cannot_be_given(iov, file, bytes, errno) : 0;
}

/* Of the control thread, with zones and without. */
#define CONTROL_OPERATIONS                                                                         \
	.name = "file",                                                                            \
	.takes = BLK_TAKES_PATH,                                                                   \
	.needs_uring = true,                                                                       \
	.open = file_open,                                                                         \
	.lock = file_lock,                                                                         \
	.holder = file_holder,                                                                     \
	.describe = file_describe,                                                                 \
	.bytes_at_hand = file_bytes_at_hand,                                                       \
	.is_unlinked = file_is_unlinked,                                                           \
	.wants_memory = file_wants_memory,                                                         \
	.memory_came = file_memory_came,                                                           \
	.memory_goes = file_memory_goes,                                                           \
	.channels_have_memory = true,                                                              \
	.registered = file_registered,                                                             \
	.news_fd = file_news_fd,                                                                   \
	.news = file_news,                                                                         \
	.check_size = file_check_size,                                                             \
	.resize = file_resize,                                                                     \
	.close = file_close

const struct blk_backend_ops blk_backend_file = {
	CONTROL_OPERATIONS,
	.unlock = file_unlock,
	.unlock_fd = file_unlock_fd,
	.channel_open = file_channel_open,
	.channel_close = file_channel_close,
	.submit = file_submit,
};

const struct blk_backend_ops file_zoned_ops = {
	CONTROL_OPERATIONS,
	.channel_open = zoned_channel_open,
	.channel_close = zoned_channel_close,
	.submit = zoned_channel_submit,
	.poll = zoned_channel_poll,
	.fd = zoned_channel_fd,
	.arm = zoned_channel_arm,
};
