/* SPDX-License-Identifier: GPL-2.0-only */
#include "lib/build.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "lib/hyper.h"

#define ORDER_1G	18
#define ORDER_2M	9
#define BATCH		512

/* Who uses the memory, for the message that there is too little. */
static void holders(struct keel *k, char *out, size_t size)
{
	struct xen_domctl_getdomaininfo info[32];
	int n = hyper_list(k, 0, info, 32);
	size_t used = 0;

	*out = 0;
	for (int i = 0; i < n && used < size - 1; i++) {
		char path[64], *name;

		snprintf(path, sizeof(path), "/local/domain/%u/name", info[i].domain);
		name = k->xs ? xs_read(k->xs, XBT_NULL, path, NULL) : NULL;
		used += snprintf(out + used, size - used, "%s%s %llu MiB", i ? ", " : "",
				 name ? name : "(unnamed)",
				 (unsigned long long)info[i].tot_pages >> 8);
		free(name);
	}
}

static int too_little(struct build *b, uint64_t pages)
{
	struct xen_sysctl_physinfo info = { 0 };
	uint64_t free_pages = 0;
	char who[256];

	if (!hyper_physinfo(b->k, &info)) {
		free_pages = info.free_pages;
		if (free_pages > info.outstanding_pages)
			free_pages -= info.outstanding_pages;
		else
			free_pages = 0;
	}
	holders(b->k, who, sizeof(who));
	if (free_pages >= pages)
		return keel_fail(&b->k->err, ENOMEM, "the hypervisor refuses %llu MiB though %llu MiB are "
				 "free; held: %s", (unsigned long long)pages >> 8,
				 (unsigned long long)free_pages >> 8, who);
	return keel_fail(&b->k->err, ENOMEM, "not enough memory: the guest needs %llu MiB, %llu MiB are "
			 "free, %llu MiB are missing; held: %s", (unsigned long long)(pages + 255) >> 8,
			 (unsigned long long)free_pages >> 8,
			 (unsigned long long)(pages - free_pages + 255) >> 8, who);
}

/* Populates up to BATCH extents of one order at @gfn; returns how many pages that gave. */
static long populate_some(struct build *b, uint64_t gfn, uint64_t pages, unsigned int order)
{
	uint64_t gfns[BATCH];
	uint64_t n = pages >> order;
	long rc;

	if (n > BATCH)
		n = BATCH;
	/* Large extents take long to clear: smaller steps keep the progress honest. */
	if (order == ORDER_2M && n > 32)
		n = 32;
	for (uint64_t i = 0; i < n; i++)
		gfns[i] = gfn + (i << order);
	rc = hyper_populate(b->k, b->domid, gfns, n, order);
	return rc < 0 ? rc : rc << order;
}

int build_populate_range(struct build *b, uint64_t gfn, uint64_t pages, uint64_t *done,
			 uint64_t total)
{
	unsigned int largest = ORDER_1G;

	while (pages) {
		unsigned int order = largest;
		long got;

		while (order && ((gfn & ((1ULL << order) - 1)) || pages < 1ULL << order))
			order = order == ORDER_1G ? ORDER_2M : 0;
		if (keel_interrupted(b->k))
			return -EINTR;
		got = populate_some(b, gfn, pages, order);
		if (got <= 0) {
			if (!order)
				return too_little(b, total > *done ? total - *done : pages);
			/* No contiguous memory of this size: the next smaller from now on. */
			largest = order == ORDER_1G ? ORDER_2M : 0;
			continue;
		}
		gfn += got;
		pages -= got;
		*done += got;
		keel_progress(b->k, "memory", *done >> 8, total >> 8);
	}
	return 0;
}

static int populate_all(struct build *b, uint64_t total)
{
	const struct layout *l = &b->layout;
	uint64_t done = 0;
	int rc;

	rc = build_populate_range(b, 0, l->low_end >> KEEL_PAGE_SHIFT, &done, total);
	if (!rc && l->high_end)
		rc = build_populate_range(b, LAYOUT_HOLE_END >> KEEL_PAGE_SHIFT,
					  (l->high_end - LAYOUT_HOLE_END) >> KEEL_PAGE_SHIFT, &done, total);
	if (!rc)
		rc = build_populate_range(b, LAYOUT_ACPI >> KEEL_PAGE_SHIFT, LAYOUT_ACPI_PAGES, &done,
					  total);
	if (!rc)
		rc = build_populate_range(b, LAYOUT_SPECIAL_GFN, LAYOUT_SPECIAL_PAGES, &done, total);
	return rc;
}

uint64_t build_pages(const struct guest_config *g)
{
	return (g->memory_mib << 8) + LAYOUT_ACPI_PAGES + LAYOUT_SPECIAL_PAGES;
}

/*
 * Reserves the guest's memory, so that of two guests started together one fails here, at once,
 * and not both in the middle. A hypervisor without claims says ENOSYS.
 */
int build_claim(struct build *b, uint64_t pages)
{
	int rc = hyper_claim(b->k, b->domid, pages);

	if (rc == -ENOMEM)
		return too_little(b, pages);
	if (rc < 0 && rc != -ENOSYS && rc != -EOPNOTSUPP)
		return keel_fail(&b->k->err, -rc, "cannot claim %llu MiB: %s",
				 (unsigned long long)pages >> 8, strerror(-rc));
	return 0;
}

int build_populate(struct build *b)
{
	int rc = populate_all(b, build_pages(b->g));

	hyper_claim(b->k, b->domid, 0);
	return rc;
}

static int copy_batch(struct build *b, uint64_t gfn, size_t pages, const unsigned char *data,
		      uint64_t data_size, uint64_t offset, uint64_t size, const char *what)
{
	xen_pfn_t gfns[BATCH] = { 0 };
	int err[BATCH] = { 0 };
	uint64_t span = pages * KEEL_PAGE_SIZE - offset;
	uint64_t fill;
	unsigned char *p;

	for (size_t i = 0; i < pages; i++)
		gfns[i] = gfn + i;
	p = xenforeignmemory_map(b->k->fmem, b->domid, PROT_READ | PROT_WRITE, pages, gfns, err);
	if (!p)
		return keel_fail_errno(&b->k->err, "cannot map guest memory at %#llx to write the %s",
				       (unsigned long long)gfn << KEEL_PAGE_SHIFT, what);
	for (size_t i = 0; i < pages; i++)
		if (err[i]) {
			xenforeignmemory_unmap(b->k->fmem, p, pages);
			return keel_fail(&b->k->err, EFAULT, "guest memory at %#llx cannot be mapped to "
					 "write the %s: %s", (unsigned long long)gfns[i] << KEEL_PAGE_SHIFT,
					 what, strerror(-err[i]));
		}
	fill = size < span ? size : span;
	if (data_size > fill)
		data_size = fill;
	if (data_size)
		memcpy(p + offset, data, data_size);
	memset(p + offset + data_size, 0, fill - data_size);
	xenforeignmemory_unmap(b->k->fmem, p, pages);
	return 0;
}

/* The same by mapping the pages; returns how many bytes of @size were written. */
static long map_some(struct build *b, uint64_t gpa, const void *data, uint64_t data_size,
		     uint64_t size, const char *what)
{
	uint64_t offset = gpa & (KEEL_PAGE_SIZE - 1);
	uint64_t pages = (offset + size + KEEL_PAGE_SIZE - 1) >> KEEL_PAGE_SHIFT;
	uint64_t span;
	int rc;

	if (pages > BATCH)
		pages = BATCH;
	rc = copy_batch(b, gpa >> KEEL_PAGE_SHIFT, pages, data, data_size, offset, size, what);
	if (rc)
		return rc;
	span = pages * KEEL_PAGE_SIZE - offset;
	return span < size ? span : size;
}

int build_write(struct build *b, uint64_t gpa, const void *data, uint64_t data_size,
		uint64_t size, const char *what)
{
	uint64_t done = 0;

	while (done < size) {
		const unsigned char *from = (const unsigned char *)data + done;
		uint64_t left = data_size > done ? data_size - done : 0;
		long n;

		if (keel_interrupted(b->k))
			return -EINTR;
		n = build_copy(b, gpa + done, from, left, size - done);
		if (n < 0)
			n = map_some(b, gpa + done, from, left, size - done, what);
		if (n < 0)
			return n;
		done += n;
		keel_progress(b->k, what, done >> 10, size >> 10);
	}
	return 0;
}
