// SPDX-License-Identifier: GPL-2.0-or-later
#include <linux/virtio_config.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/unit/test.h"
#include "tests/wire/driver.h"
#include "tests/wire/driver_packed.h"

void guest_open(struct guest *guest, uint64_t gpa, uint64_t size)
{
	*guest = (struct guest){.gpa = gpa, .size = size};
	guest->fd = memfd_create("guest", MFD_CLOEXEC);
	assert_true(guest->fd >= 0);
	assert_return_code(ftruncate(guest->fd, (off_t)size), 0);
	guest->host = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, guest->fd, 0);
	assert_ptr_not_equal(guest->host, MAP_FAILED);
	guest->uva = (uint64_t)(uintptr_t)guest->host;
}

void guest_close(struct guest *guest)
{
	munmap(guest->host, guest->size);
	close(guest->fd);
}

uint64_t guest_alloc(struct guest *guest, uint64_t size, uint64_t alignment)
{
	uint64_t start = (guest->allocated + alignment - 1) & ~(alignment - 1);

	assert_true(start + size <= guest->size);
	guest->allocated = start + size;
	memset(guest->host + start, 0, size);
	return guest->gpa + start;
}

void *guest_at(const struct guest *guest, uint64_t gpa)
{
	assert_true(gpa - guest->gpa < guest->size);
	return guest->host + (gpa - guest->gpa);
}

static void open_split(struct driver *driver, struct guest *guest)
{
	uint64_t size = driver->size;

	driver->desc = guest_at(guest, guest_alloc(guest, 16 * size, 16));
	driver->avail = guest_at(guest, guest_alloc(guest, 6 + 2 * size, 2));
	driver->used = guest_at(guest, guest_alloc(guest, 6 + 8 * size, 4));
}

void driver_open(struct driver *driver, struct guest *guest, uint16_t size, uint64_t features)
{
	assert_true(size <= DRIVER_SIZE_MAX);
	*driver = (struct driver){
		.guest = guest,
		.size = size,
		.is_packed = features & BIT(VIRTIO_F_RING_PACKED),
		.event_idx = features & BIT(VIRTIO_RING_F_EVENT_IDX),
		.indirect = features & BIT(VIRTIO_RING_F_INDIRECT_DESC),
		.free_count = size,
	};
	driver->free = guest_at(guest, guest_alloc(guest, 2u * size, 2));
	for (uint16_t i = 0; i < size; i++)
		driver->free[i] = size - 1 - i;
	if (driver->is_packed)
		packed_open(driver, guest);
	else
		open_split(driver, guest);
	driver_want_calls(driver, true);
}

void *driver_descriptor_area(const struct driver *driver)
{
	return driver->is_packed ? (void *)driver->packed.desc : driver->desc;
}

void *driver_driver_area(const struct driver *driver)
{
	return driver->is_packed ? (void *)driver->packed.driver_event : driver->avail;
}

void *driver_device_area(const struct driver *driver)
{
	return driver->is_packed ? (void *)driver->packed.device_event : driver->used;
}

uint32_t driver_base(const struct driver *driver)
{
	return driver->is_packed ? UINT32_C(0x80008000) : 0;
}

static struct vring_desc describe(const struct driver_buffer *buffer)
{
	return (struct vring_desc){
		.addr = buffer->gpa,
		.len = buffer->length,
		.flags = buffer->writable ? VRING_DESC_F_WRITE : 0,
	};
}

static struct vring_desc make_table(struct driver *driver, const struct driver_buffer *buffers,
				    unsigned int count)
{
	uint64_t gpa = guest_alloc(driver->guest, count * sizeof(struct vring_desc), 16);
	struct vring_desc *table = guest_at(driver->guest, gpa);

	for (unsigned int i = 0; i < count; i++) {
		table[i] = describe(&buffers[i]);
		table[i].next = (uint16_t)(i + 1);
		if (i + 1 < count)
			table[i].flags |= VRING_DESC_F_NEXT;
	}
	return (struct vring_desc){
		.addr = gpa,
		.len = count * (uint32_t)sizeof(struct vring_desc),
		.flags = VRING_DESC_F_INDIRECT,
	};
}

static void make_available(struct driver *driver, uint16_t head)
{
	driver->avail->ring[driver->added++ & (driver->size - 1)] = head;
}

int driver_add(struct driver *driver, const struct driver_buffer *buffers, unsigned int count)
{
	bool indirect = driver->indirect && count > 1;
	uint16_t head, index;

	if (driver->is_packed)
		return packed_add(driver, buffers, count);
	if (driver->free_count < (indirect ? 1 : count))
		return -1;
	head = index = driver->free[--driver->free_count];
	if (indirect) {
		driver->desc[head] = make_table(driver, buffers, count);
		make_available(driver, head);
		return head;
	}
	for (unsigned int i = 0; i < count; i++) {
		struct vring_desc *desc = &driver->desc[index];

		*desc = describe(&buffers[i]);
		if (i + 1 == count)
			break;
		index = driver->free[--driver->free_count];
		desc->flags |= VRING_DESC_F_NEXT;
		desc->next = index;
	}
	make_available(driver, head);
	return head;
}

bool driver_publish(struct driver *driver)
{
	uint16_t old = driver->published, event;

	if (driver->is_packed)
		return packed_publish(driver);
	__atomic_store_n(&driver->avail->idx, driver->added, __ATOMIC_RELEASE);
	driver->published = driver->added;
	/* As in a driver: the index must be visible before the device's wish is read. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (driver->event_idx) {
		memcpy(&event, &driver->used->ring[driver->size], sizeof(event));
		return vring_need_event(event, driver->added, old);
	}
	return !(driver->used->flags & VRING_USED_F_NO_NOTIFY);
}

static void free_chain(struct driver *driver, uint16_t head)
{
	uint16_t index = head;

	for (;;) {
		const struct vring_desc *desc = &driver->desc[index];

		assert_true(driver->free_count < driver->size);
		driver->free[driver->free_count++] = index;
		if (!(desc->flags & VRING_DESC_F_NEXT))
			return;
		index = desc->next;
	}
}

bool driver_used(struct driver *driver, struct vring_used_elem *element)
{
	if (driver->is_packed)
		return packed_used(driver, element);
	if (__atomic_load_n(&driver->used->idx, __ATOMIC_ACQUIRE) == driver->seen)
		return false;
	*element = driver->used->ring[driver->seen++ & (driver->size - 1)];
	assert_true(element->id < driver->size);
	free_chain(driver, (uint16_t)element->id);
	return true;
}

void driver_want_calls(struct driver *driver, bool wanted)
{
	if (driver->is_packed)
		packed_want_calls(driver, wanted);
	else if (driver->event_idx)
		driver->avail->ring[driver->size] = wanted ? driver->seen : driver->seen - 1;
	else
		driver->avail->flags = wanted ? 0 : VRING_AVAIL_F_NO_INTERRUPT;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}
