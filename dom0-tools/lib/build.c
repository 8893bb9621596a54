/* SPDX-License-Identifier: GPL-2.0-only */
#include "lib/build.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/acpi.h"
#include "lib/hyper.h"
#include "lib/pci.h"
#include "lib/placement.h"
#include "lib/unpack.h"

#include <public/grant_table.h>
#include <public/hvm/params.h>

/* Adds the file's name to the parsers' messages. */
static int about_kernel(struct build *b, int rc)
{
	char text[sizeof(b->k->err.text)];

	if (!rc)
		return 0;
	memcpy(text, b->k->err.text, sizeof(text));
	return keel_fail(&b->k->err, -rc, "kernel %s: %s", b->g->kernel, text);
}

int build_prepare(struct build *b, struct keel *k, const struct guest_config *g)
{
	struct layout_request want = {
		.memory = g->memory_mib << 20,
		.cmdline_size = strlen(g->cmdline) + 1,
		.pci = g->passthrough,
	};
	int rc;

	*b = (struct build){
		.k = k, .g = g, .store_gfn = PVH_STORE_GFN, .console_gfn = PVH_CONSOLE_GFN,
	};
	rc = blob_open(&b->packed, g->kernel, "kernel", &k->err);
	if (!rc) {
		keel_progress(k, "unpacking the kernel", 0, 0);
		rc = about_kernel(b, unpack_kernel(&b->packed, &b->image, &k->err));
	}
	if (!rc)
		rc = about_kernel(b, keel_elf_parse(&b->kernel, &b->image, &k->err));
	if (!rc && g->ramdisk)
		rc = blob_open(&b->ramdisk, g->ramdisk, "ramdisk", &k->err);
	if (!rc) {
		want.kernel_start = b->kernel.start;
		want.kernel_end = b->kernel.end;
		want.ramdisk_size = b->ramdisk.size;
		rc = layout_make(&b->layout, &want, &k->err);
	}
	if (rc)
		build_free(b);
	return rc;
}

void build_free(struct build *b)
{
	blob_free(&b->image);
	blob_free(&b->packed);
	blob_free(&b->ramdisk);
}

static int step(struct build *b, int rc, const char *what)
{
	if (rc >= 0)
		return 0;
	return keel_fail(&b->k->err, -rc, "the hypervisor does not %s for domain %u: %s", what,
			 b->domid, strerror(-rc));
}

static int set_limits(struct build *b)
{
	const struct guest_config *g = b->g;
	int rc;

	rc = step(b, hyper_max_vcpus(b->k, b->domid, g->maxvcpus), "make the vCPUs");
	if (!rc)
		rc = step(b, hyper_max_mem(b->k, b->domid, (g->maxmem_mib + 1) << 10),
			  "set the memory limit");
	if (!rc)
		rc = step(b, hyper_set_tsc(b->k, b->domid, g->tsc_mode), "set the TSC mode");
	return rc;
}

/* What libxl allows for the tables of a guest's address space: 1 MiB per vCPU, 8 KiB per MiB. */
static int set_pool(struct build *b)
{
	uint64_t pool = (b->g->maxvcpus * 256 + 2 * b->g->maxmem_mib) * KEEL_PAGE_SIZE;
	int rc;

	if (pool < (uint64_t)b->g->page_tables_mib << 20)
		pool = (uint64_t)b->g->page_tables_mib << 20;
	rc = hyper_paging_pool(b->k, b->domid, pool);
	if (rc == -ENOMEM)
		return keel_fail(&b->k->err, ENOMEM, "not enough memory: the %llu KiB for the guest's page "
				 "tables are missing", (unsigned long long)pool >> 10);
	return step(b, rc, "set the page table pool");
}

static int set_scheduling(struct build *b)
{
	unsigned int sched;
	int rc;

	if (!b->g->weight && !b->g->cap)
		return 0;
	rc = hyper_sched_id(b->k, &sched);
	if (!rc)
		rc = hyper_sched_set(b->k, b->domid, sched, b->g->weight, b->g->cap);
	return step(b, rc, "set cpu_weight and cap");
}

static int set_affinity(struct build *b)
{
	int rc = placement_set(b->k, b->domid, b->g);

	for (unsigned int i = 0; i < b->g->maxvcpus && !rc; i++) {
		const char *hard = guest_affinity_of(&b->g->cpus, i),
				   *soft = guest_affinity_of(&b->g->cpus_soft, i);
		struct guest_cpus h, s;

		if (hard)
			rc = hyper_parse_cpus(b->k, &h, hard);
		if (!rc && soft)
			rc = hyper_parse_cpus(b->k, &s, soft);
		if (rc || (!hard && !soft))
			continue;
		rc = hyper_set_affinity(b->k, b->domid, i, hard ? &h : NULL, soft ? &s : NULL);
		if (rc == -EINVAL)
			return keel_fail(&b->k->err, EINVAL,
					 "vCPU %u cannot run on CPUs %s: the machine (or the pool) has none "
					 "of them", i, hard ? hard : soft);
		rc = step(b, rc, "pin the vCPUs");
	}
	return rc;
}

/* Linux reads the hypervisor's wall clock, which this moves. */
static int set_clock(struct build *b)
{
	int offset = b->g->time_offset;
	time_t now = time(NULL);
	struct tm tm;

	if (b->g->localtime && localtime_r(&now, &tm))
		offset += tm.tm_gmtoff;
	return offset ? step(b, hyper_set_time_offset(b->k, b->domid, offset), "set the clock") : 0;
}

static int set_channels(struct build *b)
{
	int rc = hyper_alloc_unbound(b->k, b->domid);

	if (rc < 0)
		return step(b, rc, "make an event channel");
	b->store_port = rc;
	rc = hyper_alloc_unbound(b->k, b->domid);
	if (rc < 0)
		return step(b, rc, "make an event channel");
	b->console_port = rc;
	return 0;
}

static int set_params(struct build *b)
{
	const struct {
		unsigned int index;
		uint64_t value;
	} params[] = {
		{ HVM_PARAM_STORE_PFN, b->store_gfn },
		{ HVM_PARAM_STORE_EVTCHN, b->store_port },
		{ HVM_PARAM_CONSOLE_PFN, b->console_gfn },
		{ HVM_PARAM_CONSOLE_EVTCHN, b->console_port },
	};
	int rc = 0;

	for (size_t i = 0; i < sizeof(params) / sizeof(params[0]) && !rc; i++)
		rc = hyper_set_param(b->k, b->domid, params[i].index, params[i].value);
	return step(b, rc, "set the ring parameters");
}

/* Grants 0 and 1 let Dom0 map the console's and xenstore's rings (GNTTAB_RESERVED_*). */
static void seed_grants(struct build *b)
{
	struct grant_entry_v1 *e = b->grants;

	e[GNTTAB_RESERVED_CONSOLE].domid = 0;
	e[GNTTAB_RESERVED_CONSOLE].frame = b->console_gfn;
	e[GNTTAB_RESERVED_XENSTORE].domid = 0;
	e[GNTTAB_RESERVED_XENSTORE].frame = b->store_gfn;
	__sync_synchronize();
	e[GNTTAB_RESERVED_CONSOLE].flags = GTF_permit_access;
	e[GNTTAB_RESERVED_XENSTORE].flags = GTF_permit_access;
}

static int write_files(struct build *b)
{
	int rc = 0;

	for (unsigned int i = 0; i < b->kernel.segments && !rc; i++) {
		const struct keel_elf_segment *s = &b->kernel.segment[i];

		rc = build_write(b, s->paddr, s->data, s->data_size, s->memory_size, "kernel");
	}
	if (!rc && b->ramdisk.size)
		rc = build_write(b, b->layout.ramdisk, b->ramdisk.data, b->ramdisk.size,
				 b->ramdisk.size, "ramdisk");
	if (!rc)
		rc = build_write(b, b->layout.cmdline, b->g->cmdline, strlen(b->g->cmdline) + 1,
				 strlen(b->g->cmdline) + 1, "command line");
	return rc;
}

static int write_start_info(struct build *b)
{
	union { struct pvh_start start; unsigned char bytes[LAYOUT_START_SIZE]; } page;

	layout_start_info(&b->layout, b->ramdisk.size, &page.start);
	return build_write(b, b->layout.start_info, &page, sizeof(page), KEEL_PAGE_SIZE, "start_info");
}

static int write_acpi(struct build *b)
{
	unsigned char tables[4096];
	uint64_t rsdp;
	size_t size;

	if (acpi_build_guest(tables, sizeof(tables), LAYOUT_ACPI, b->g->maxvcpus,
			     b->g->passthrough ? pci_address_bits() : 0, &rsdp, &size))
		return keel_fail(&b->k->err, E2BIG, "ACPI tables for %u vCPUs do not fit",
				 b->g->maxvcpus);
	return build_write(b, LAYOUT_ACPI, tables, size, LAYOUT_ACPI_PAGES * KEEL_PAGE_SIZE,
			   "ACPI tables");
}

int build_memory_map(struct build *b)
{
	const struct layout *l = &b->layout;
	struct hyper_e820 map[sizeof(l->range) / sizeof(l->range[0])];

	for (unsigned int i = 0; i < l->ranges; i++)
		map[i] = (struct hyper_e820){ l->range[i].start, l->range[i].size, l->range[i].type };
	return step(b, hyper_set_memory_map(b->k, b->domid, map, l->ranges), "take the memory map");
}

int build_begin(struct build *b, unsigned int domid, uint64_t pages)
{
	static int (*const steps[])(struct build *b) = {
		set_pool, set_scheduling, set_affinity, set_clock, set_channels,
	};
	int rc;

	b->domid = domid;
	keel_step(b->k, "limits");
	rc = set_limits(b);
	if (!rc)
		rc = build_claim(b, pages);
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]) && !rc; i++)
		rc = steps[i](b);
	if (rc)
		return rc;
	build_copy_open(b);
	return b->grants ? 0 : keel_fail_errno(&b->k->err, "cannot map domain %u's grant table", domid);
}

static int clear_ring(struct build *b, uint64_t gfn)
{
	return build_write(b, gfn << KEEL_PAGE_SHIFT, NULL, 0, KEEL_PAGE_SIZE, "rings");
}

/* The rings must be empty before anybody reads them. */
int build_finish(struct build *b)
{
	int rc = clear_ring(b, b->store_gfn);

	if (!rc)
		rc = clear_ring(b, b->console_gfn);
	if (!rc)
		rc = set_params(b);
	if (!rc)
		seed_grants(b);
	return rc;
}

int build_domain(struct build *b, unsigned int domid)
{
	/* Those without a name belong to the step before. */
	static const struct {
		int (*run)(struct build *b);
		const char *name;
	} steps[] = {
		{ build_policy, NULL }, { build_populate, "memory" }, { build_memory_map, NULL },
		{ write_files, "kernel and ramdisk" }, { write_start_info, "tables" }, { write_acpi, NULL },
		{ build_vcpu, NULL }, { build_finish, NULL },
	};
	int rc = build_begin(b, domid, build_pages(b->g));

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]) && !rc; i++) {
		if (steps[i].name)
			keel_step(b->k, steps[i].name);
		rc = steps[i].run(b);
	}
	build_copy_close(b);
	return rc;
}
