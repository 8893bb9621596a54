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

/* build_memory.c: claims, populates; writes, with zeros after @data_size up to @size. */
int build_claim(struct build *b);
int build_populate(struct build *b);
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
int build_vcpu(struct build *b);

#endif
