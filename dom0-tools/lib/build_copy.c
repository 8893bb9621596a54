/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Writing into a guest that does not run yet: its grant table's first frame is mapped, a window
 * of entries grants Dom0 the pages to be written, and batches of GNTTABOP_copy fill them. Linux
 * maps foreign pages with two hypercalls and a TLB flush each; a copy takes a fraction of one.
 */
#include "lib/build.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <xengnttab.h>

#include <public/grant_table.h>
#include <public/memory.h>

/* Entries of the window: the first ones are reserved for the guest's rings. */
#define WINDOW_FIRST	GNTTAB_NR_RESERVED_ENTRIES
#define WINDOW		(512 - WINDOW_FIRST)

static const unsigned char zeros[KEEL_PAGE_SIZE] __attribute__((aligned(4096)));

void build_copy_open(struct build *b)
{
	void *frame = NULL;

	b->grant_frame = xenforeignmemory_map_resource(b->k->fmem, b->domid,
						       XENMEM_resource_grant_table, 0, 0, 1, &frame,
						       PROT_READ | PROT_WRITE, 0);
	if (!b->grant_frame)
		return;
	b->grants = frame;
	b->gnttab = xengnttab_open(&keel_silent, 0);
}

void build_copy_close(struct build *b)
{
	if (b->gnttab)
		xengnttab_close(b->gnttab);
	if (b->grant_frame)
		xenforeignmemory_unmap_resource(b->k->fmem, b->grant_frame);
	b->gnttab = NULL;
	b->grant_frame = NULL;
	b->grants = NULL;
}

/* One piece inside one guest page: from @data, or zeros. */
static void add_piece(xengnttab_grant_copy_segment_t *s, const unsigned char *data,
		      unsigned int ref, unsigned int domid, uint64_t offset, uint64_t length)
{
	*s = (xengnttab_grant_copy_segment_t){
		.source.virt = (void *)(data ? data : zeros),
		.dest.foreign = { .ref = ref, .offset = offset, .domid = domid },
		.len = length,
		.flags = GNTCOPY_dest_gref,
	};
}

static int copy_window(struct build *b, xengnttab_grant_copy_segment_t *s, unsigned int pieces,
		       unsigned int pages)
{
	int rc = xengnttab_grant_copy(b->gnttab, pieces, s) ? -errno : 0;

	for (unsigned int i = 0; i < pieces && !rc; i++)
		if (s[i].status != GNTST_okay)
			rc = -EFAULT;
	memset(&b->grants[WINDOW_FIRST], 0, pages * sizeof(b->grants[0]));
	return rc;
}

/* A window full from @gpa on; returns how many bytes of @size were written. */
static long copy_some(struct build *b, uint64_t gpa, const unsigned char *data,
		      uint64_t data_size, uint64_t size)
{
	xengnttab_grant_copy_segment_t s[2 * WINDOW];
	unsigned int pieces = 0, pages = 0;
	uint64_t done = 0;
	int rc;

	while (done < size && pages < WINDOW) {
		uint64_t offset = (gpa + done) & (KEEL_PAGE_SIZE - 1);
		uint64_t length = KEEL_PAGE_SIZE - offset, real;
		struct grant_entry_v1 *e = &b->grants[WINDOW_FIRST + pages];

		if (length > size - done)
			length = size - done;
		real = data_size <= done ? 0 : data_size - done < length ? data_size - done : length;
		e->domid = 0;
		e->frame = (gpa + done) >> KEEL_PAGE_SHIFT;
		__sync_synchronize();
		e->flags = GTF_permit_access;
		if (real)
			add_piece(&s[pieces++], data + done, WINDOW_FIRST + pages, b->domid, offset, real);
		if (real < length)
			add_piece(&s[pieces++], NULL, WINDOW_FIRST + pages, b->domid, offset + real,
				  length - real);
		pages++;
		done += length;
	}
	rc = copy_window(b, s, pieces, pages);
	return rc ? rc : (long)done;
}

int build_copy(struct build *b, uint64_t gpa, const void *data, uint64_t data_size, uint64_t size)
{
	if (!b->gnttab || !b->grants)
		return -EOPNOTSUPP;
	return copy_some(b, gpa, data, data_size, size);
}
