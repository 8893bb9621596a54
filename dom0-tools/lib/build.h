/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KEEL_LIB_BUILD_H
#define KEEL_LIB_BUILD_H

#include <xengnttab.h>

#include "lib/blob.h"
#include "lib/elf.h"
#include "lib/guest.h"
#include "lib/keel.h"
#include "lib/layout.h"

/* The domain builder: a guest's memory, its first vCPU, its rings. */
struct build {
	struct keel *k;
	const struct guest_config *g;
	unsigned int domid;
	struct blob packed, image, ramdisk;
	struct keel_elf kernel;
	struct layout layout;
	unsigned int store_port, console_port;
	uint64_t store_gfn, console_gfn;	/* of the rings */
	/* build_copy.c: the way in through the guest's grant table; NULL without one. */
	xengnttab_handle *gnttab;
	xenforeignmemory_resource_handle *grant_frame;
	struct grant_entry_v1 *grants;
};

/* Reads, unpacks and checks the files and lays the memory out; needs no domain yet. */
int build_prepare(struct build *b, struct keel *k, const struct guest_config *g);

/* Gives the (paused, empty) domain @domid its memory and everything in it. */
int build_domain(struct build *b, unsigned int domid);

void build_free(struct build *b);

/*
 * The parts of that which do not depend on what is in the memory. build_begin(): limits, a claim on
 * memory, CPUs, event channels, a way in; once it has succeeded, build_copy_close() is needed.
 * build_finish(): the rings, which become empty, and their grants.
 */
int build_begin(struct build *b, unsigned int domid, uint64_t pages);
int build_finish(struct build *b);
int build_memory_map(struct build *b);

/* What a guest needs from the start, its ACPI tables and rings included. */
uint64_t build_pages(const struct guest_config *g);

/*
 * build_memory.c: claims; populates all, or @pages from @gfn on, of @total in all, of which *@done
 * are there; writes, with zeros after @data_size up to @size.
 */
int build_claim(struct build *b, uint64_t pages);
int build_populate(struct build *b);
int build_populate_range(struct build *b, uint64_t gfn, uint64_t pages, uint64_t *done,
			 uint64_t total);
int build_write(struct build *b, uint64_t gpa, const void *data, uint64_t data_size,
		uint64_t size, const char *what);

/*
 * build_copy.c: copies through grants, which costs a fraction of mapping each page. Opening finds
 * out whether this works here; build_write() maps the pages where it does not.
 */
void build_copy_open(struct build *b);
void build_copy_close(struct build *b);
int build_copy(struct build *b, uint64_t gpa, const void *data, uint64_t data_size, uint64_t size);

/* build_cpu.c: CPUID policy; the state in which vCPU 0 starts. */
int build_policy(struct build *b);
struct hyper_policy;
int build_set_policy(struct build *b, struct hyper_policy *p);
int build_vcpu(struct build *b);

#endif
