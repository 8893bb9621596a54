/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A guest's core in Xen's dump-core format, version 0.1: an ELF file without program headers. Its
 * sections are notes on the domain and the hypervisor, the vCPUs' registers, the numbers of the
 * guest's frames, and these frames. Frames of zeros are holes in the file.
 */
#include "lib/dump.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/frames.h"
#include "lib/hyper.h"
#include "lib/new_file.h"

#include <public/version.h>

#define NO_PFN		(~0ULL)	/* of a page that is left out */
#define NOTE_NONE	0x2000000
#define CORE_HVM	0xf00febee

struct note {
	uint32_t name_size, size, type;
	char name[4];
};

struct core_notes {
	struct note none, domain;
	uint64_t magic, nr_vcpus, nr_pages, page_size;
	struct note xen;
	uint64_t major, minor;
	xen_extraversion_t extra;
	struct xen_compile_info compile;
	xen_capabilities_info_t capabilities;
	xen_changeset_info_t changeset;
	struct xen_platform_parameters platform;
	uint64_t xen_page_size;
	struct note format;
	uint64_t version;
};

_Static_assert(sizeof(struct core_notes) == 4 * sizeof(struct note) + 32 + 1280 + 8, "no padding");
_Static_assert(sizeof(struct vcpu_guest_context) == 5168, "as Xen's tools know it");

static const char section_names[] = "\0.shstrtab\0.note.Xen\0.xen_prstatus\0.xen_pfn\0.xen_pages";

enum { SECTION_NONE, SECTION_NAMES, SECTION_NOTES, SECTION_VCPUS, SECTION_PFNS, SECTION_PAGES,
       SECTIONS };

struct core_head {
	Elf64_Ehdr e;
	Elf64_Shdr s[SECTIONS];
	struct core_notes notes;
	char names[(sizeof(section_names) + 7) & ~7UL];
};

struct dump {
	struct keel *k;
	const struct keel_domain *d;
	struct new_file file;
	struct frames frames;
	struct vcpu_guest_context *vcpus;
	unsigned int nr_vcpus;
	struct core_head head;
	uint64_t done;			/* pages that are written */
	struct dump_result result;
};

static int write_at(struct dump *c, const void *data, size_t size, uint64_t at)
{
	while (size) {
		ssize_t n = pwrite(c->file.fd, data, size, at);

		if (n < 0)
			return keel_fail_errno(&c->k->err, "cannot write %s", c->file.path);
		data = (const char *)data + n;
		size -= n;
		at += n;
	}
	return 0;
}

/* The registers of the vCPUs that have any yet. */
static int read_vcpus(struct dump *c)
{
	c->vcpus = calloc(c->d->max_vcpus, sizeof(*c->vcpus));
	if (!c->vcpus)
		return keel_fail(&c->k->err, ENOMEM, "no memory for the registers of %s", c->d->name);
	for (unsigned int i = 0; i < c->d->max_vcpus; i++) {
		int rc = hyper_vcpu_context(c->k, c->d->id, i, &c->vcpus[c->nr_vcpus]);

		if (!rc)
			c->nr_vcpus++;
		else if (rc != -ENODATA)
			return keel_fail(&c->k->err, -rc, "cannot read the registers of vCPU %u of %s: %s", i,
					 c->d->name, strerror(-rc));
	}
	return 0;
}

static struct note note(unsigned int type, uint32_t size)
{
	return (struct note){ 4, size, NOTE_NONE + type, "Xen" };
}

/* What the hypervisor does not tell stays empty. */
static void fill_notes(struct dump *c, struct core_notes *n)
{
	struct keel *k = c->k;

	n->none = note(0, 0);
	n->domain = note(1, offsetof(struct core_notes, xen) - offsetof(struct core_notes, magic));
	n->magic = CORE_HVM;
	n->nr_vcpus = c->nr_vcpus;
	n->nr_pages = c->frames.pages;
	n->page_size = n->xen_page_size = KEEL_PAGE_SIZE;
	n->xen = note(2, offsetof(struct core_notes, format) - offsetof(struct core_notes, major));
	n->major = k->version >> 16;
	n->minor = k->version & 0xffff;
	hyper_xen_version(k, XENVER_extraversion, &n->extra, sizeof(n->extra));
	hyper_xen_version(k, XENVER_compile_info, &n->compile, sizeof(n->compile));
	hyper_xen_version(k, XENVER_capabilities, &n->capabilities, sizeof(n->capabilities));
	hyper_xen_version(k, XENVER_changeset, &n->changeset, sizeof(n->changeset));
	hyper_xen_version(k, XENVER_platform_parameters, &n->platform, sizeof(n->platform));
	n->format = note(3, sizeof(n->version));
	n->version = 1;
}

static void add_section(struct core_head *h, unsigned int i, unsigned int type, uint64_t size,
			uint64_t entry, uint64_t at)
{
	const char *name = section_names;

	for (unsigned int n = 0; n < i; n++)
		name += strlen(name) + 1;
	h->s[i] = (Elf64_Shdr){
		.sh_name = name - section_names,
		.sh_type = type,
		.sh_offset = at,
		.sh_size = size,
		.sh_entsize = entry,
		.sh_addralign = i == SECTION_PAGES ? KEEL_PAGE_SIZE : 8,
	};
}

static void fill_head(struct dump *c)
{
	struct core_head *h = &c->head;
	uint64_t vcpus = c->nr_vcpus * sizeof(*c->vcpus), pages = c->frames.pages;
	uint64_t pfns_at = sizeof(*h) + vcpus;
	uint64_t pages_at = (pfns_at + pages * 8 + KEEL_PAGE_SIZE - 1) & ~(KEEL_PAGE_SIZE - 1);

	h->e = (Elf64_Ehdr){
		.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
		.e_type = ET_CORE,
		.e_machine = EM_X86_64,
		.e_version = EV_CURRENT,
		.e_shoff = offsetof(struct core_head, s),
		.e_ehsize = sizeof(h->e),
		.e_shentsize = sizeof(h->s[0]),
		.e_shnum = SECTIONS,
		.e_shstrndx = SECTION_NAMES,
	};
	add_section(h, SECTION_NAMES, SHT_STRTAB, sizeof(section_names), 0,
		    offsetof(struct core_head, names));
	add_section(h, SECTION_NOTES, SHT_NOTE, sizeof(h->notes), 0, offsetof(struct core_head, notes));
	add_section(h, SECTION_VCPUS, SHT_PROGBITS, vcpus, sizeof(*c->vcpus), sizeof(*h));
	add_section(h, SECTION_PFNS, SHT_PROGBITS, pages * 8, 8, pfns_at);
	add_section(h, SECTION_PAGES, SHT_PROGBITS, pages * KEEL_PAGE_SIZE, KEEL_PAGE_SIZE, pages_at);
	memcpy(h->names, section_names, sizeof(section_names));
	fill_notes(c, &h->notes);
	c->result.size = pages_at + pages * KEEL_PAGE_SIZE;
}

static bool is_zero(const unsigned char *page)
{
	return !page[0] && !memcmp(page, page + 1, KEEL_PAGE_SIZE - 1);
}

/* Frames and their numbers; those that cannot be mapped get no number. */
static int write_frames(void *arg, const uint64_t *gfns, unsigned int n, unsigned char *pages,
			const int *err)
{
	struct dump *c = arg;
	const Elf64_Shdr *s = c->head.s;
	uint64_t pfns[FRAMES_BATCH] = { 0 };
	uint64_t at = s[SECTION_PAGES].sh_offset + c->done * KEEL_PAGE_SIZE;
	unsigned int i, from;

	for (i = 0; i < n; i++) {
		pfns[i] = err[i] ? NO_PFN : gfns[i];
		c->result.unreadable += !!err[i];
	}
	if (write_at(c, pfns, n * sizeof(*pfns), s[SECTION_PFNS].sh_offset + c->done * sizeof(*pfns)))
		return -EIO;
	for (i = 0; i < n; i++) {
		for (from = i; i < n && !err[i] && !is_zero(pages + i * KEEL_PAGE_SIZE); i++)
			;
		if (write_at(c, pages + from * KEEL_PAGE_SIZE, (i - from) * KEEL_PAGE_SIZE,
			     at + from * KEEL_PAGE_SIZE))
			return -EIO;
	}
	c->done += n;
	keel_progress(c->k, "MiB of memory", c->done >> 8, c->frames.pages >> 8);
	return 0;
}

static int write_core(struct dump *c)
{
	int rc = frames_find(c->k, c->d, &c->frames);

	if (rc || (rc = read_vcpus(c)))
		return rc;
	fill_head(c);
	if (ftruncate(c->file.fd, c->result.size) < 0)
		return keel_fail_errno(&c->k->err, "cannot make %s as large as it would be", c->file.path);
	rc = write_at(c, &c->head, sizeof(c->head), 0);
	if (!rc)
		rc = write_at(c, c->vcpus, c->nr_vcpus * sizeof(*c->vcpus), sizeof(c->head));
	if (!rc)
		rc = frames_map_all(c->k, c->d, &c->frames, write_frames, c);
	c->result.pages = c->frames.pages;
	return rc;
}

static int write_paused(struct dump *c)
{
	int rc = hyper_pause(c->k, c->d->id);

	if (rc)
		return keel_fail(&c->k->err, -rc, "cannot pause %s: %s", c->d->name, strerror(-rc));
	rc = write_core(c);
	hyper_unpause(c->k, c->d->id);	/* if it has gone, it has failed before */
	return rc;
}

int dump_check_path(struct keel *k, const char *path)
{
	return new_file_check(k, path, "core file");
}

int keel_domain_dump(struct keel *k, const struct keel_domain *d, const char *path,
		     struct dump_result *result)
{
	struct dump c = { .k = k, .d = d };
	sigset_t old;
	int rc;

	keel_hold_signals(&old);
	rc = new_file_open(&c.file, k, path, "core file");
	if (!rc)
		rc = write_paused(&c);
	if (!rc)
		rc = new_file_done(&c.file);
	new_file_close(&c.file);
	keel_release_signals(&old);
	free(c.frames.run);
	free(c.vcpus);
	*result = c.result;
	return rc;
}
