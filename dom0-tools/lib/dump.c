/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A guest's core in Xen's dump-core format, version 0.1: an ELF file without program headers. Its
 * sections are notes on the domain and the hypervisor, the vCPUs' registers, the numbers of the
 * guest's frames, and these frames. Frames of zeros are holes in the file.
 */
#include "lib/dump.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/hyper.h"

#include <public/version.h>

#define FRAMES		1024	/* that one hypercall is asked for */
#define BATCH		256	/* frames mapped at once */
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

/* Frames of memory without a gap. */
struct run {
	uint64_t first, count;
};

struct dump {
	struct keel *k;
	const struct keel_domain *d;
	const char *path;
	int fd;
	struct run *runs;
	size_t nr_runs;
	struct vcpu_guest_context *vcpus;
	unsigned int nr_vcpus;
	struct core_head head;
	uint64_t done;			/* pages that are written */
	struct dump_result result;
};

static int write_at(struct dump *c, const void *data, size_t size, uint64_t at)
{
	while (size) {
		ssize_t n = pwrite(c->fd, data, size, at);

		if (n < 0)
			return keel_fail_errno(&c->k->err, "cannot write %s", c->path);
		data = (const char *)data + n;
		size -= n;
		at += n;
	}
	return 0;
}

static int add_frame(struct dump *c, uint64_t gfn)
{
	struct run *last = c->nr_runs ? &c->runs[c->nr_runs - 1] : NULL, *more;

	c->result.pages++;
	if (last && last->first + last->count == gfn) {
		last->count++;
		return 0;
	}
	more = reallocarray(c->runs, c->nr_runs + 1, sizeof(*more));
	if (!more)
		return keel_fail(&c->k->err, ENOMEM, "no memory for the list of %s's memory", c->d->name);
	c->runs = more;
	more[c->nr_runs++] = (struct run){ gfn, 1 };
	return 0;
}

static int find_frames(struct dump *c)
{
	long max = hyper_max_gfn(c->k, c->d->id);
	uint64_t gfns[FRAMES];
	unsigned int n;
	int rc = max < 0 ? max : 0;

	for (uint64_t gfn = 0; !rc && gfn <= (uint64_t)max; gfn += n) {
		n = (uint64_t)max - gfn < FRAMES ? (uint64_t)max - gfn + 1 : FRAMES;
		for (unsigned int i = 0; i < n; i++)
			gfns[i] = gfn + i;
		if (keel_interrupted(c->k))
			return -EINTR;
		rc = hyper_frame_types(c->k, c->d->id, gfns, n);
		for (unsigned int i = 0; !rc && i < n; i++)
			if (gfns[i] == XEN_DOMCTL_PFINFO_NOTAB && add_frame(c, gfn + i))
				return -ENOMEM;
	}
	return rc ? keel_fail(&c->k->err, -rc, "cannot find out where %s has memory: %s", c->d->name,
			      strerror(-rc)) : 0;
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
	n->nr_pages = c->result.pages;
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
	uint64_t vcpus = c->nr_vcpus * sizeof(*c->vcpus), pages = c->result.pages;
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

/* @n frames and their numbers; those that cannot be mapped get no number. */
static int write_frames(struct dump *c, const uint64_t *gfns, unsigned int n, unsigned char *pages,
			const int *err)
{
	const Elf64_Shdr *s = c->head.s;
	uint64_t pfns[BATCH], at = s[SECTION_PAGES].sh_offset + c->done * KEEL_PAGE_SIZE;
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
	return 0;
}

static int write_run(struct dump *c, const struct run *r)
{
	uint64_t gfns[BATCH];
	unsigned int n;
	int rc = 0;

	for (uint64_t i = 0; !rc && i < r->count; i += n) {
		int err[BATCH] = { 0 };
		unsigned char *p;

		if (keel_interrupted(c->k))
			return -EINTR;
		n = r->count - i < BATCH ? r->count - i : BATCH;
		for (unsigned int j = 0; j < n; j++)
			gfns[j] = r->first + i + j;
		p = xenforeignmemory_map(c->k->fmem, c->d->id, PROT_READ, n, gfns, err);
		if (!p)
			return keel_fail_errno(&c->k->err, "cannot map memory of %s", c->d->name);
		rc = write_frames(c, gfns, n, p, err);
		xenforeignmemory_unmap(c->k->fmem, p, n);
		keel_progress(c->k, "MiB of memory", c->done >> 8, c->result.pages >> 8);
	}
	return rc;
}

static int write_core(struct dump *c)
{
	int rc = find_frames(c);

	if (rc || (rc = read_vcpus(c)))
		return rc;
	fill_head(c);
	if (ftruncate(c->fd, c->result.size) < 0)
		return keel_fail_errno(&c->k->err, "cannot make %s as large as it would be", c->path);
	rc = write_at(c, &c->head, sizeof(c->head), 0);
	if (!rc)
		rc = write_at(c, c->vcpus, c->nr_vcpus * sizeof(*c->vcpus), sizeof(c->head));
	for (size_t i = 0; !rc && i < c->nr_runs; i++)
		rc = write_run(c, &c->runs[i]);
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

/* A file's new name is on disk when its folder is; not every file system can sync one. */
static void sync_folder(const char *path)
{
	char folder[PATH_MAX];
	int fd;

	snprintf(folder, sizeof(folder), "%s", path);
	fd = open(dirname(folder), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return;
	fsync(fd);
	close(fd);
}

int dump_check_path(struct keel *k, const char *path)
{
	struct stat st;

	if (!*path)
		return keel_fail(&k->err, EINVAL, "the core file has no name");
	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : keel_fail_errno(&k->err, "cannot examine %s", path);
	if (!S_ISREG(st.st_mode))
		return keel_fail(&k->err, EINVAL, "%s is not a regular file; it stays as it is", path);
	return 0;
}

static int dump_into(struct dump *c, const char *next)
{
	int rc = write_paused(c);

	if (!rc && fsync(c->fd) < 0)
		rc = keel_fail_errno(&c->k->err, "cannot write %s", c->path);
	if (!rc && rename(next, c->path) < 0)
		rc = keel_fail_errno(&c->k->err, "cannot make %s", c->path);
	if (!rc)
		sync_folder(c->path);
	return rc;
}

int keel_domain_dump(struct keel *k, const struct keel_domain *d, const char *path,
		     struct dump_result *result)
{
	struct dump c = { .k = k, .d = d, .path = path };
	char next[PATH_MAX];
	sigset_t old;
	int rc = dump_check_path(k, path);

	if (rc)
		return rc;
	if (snprintf(next, sizeof(next), "%s.XXXXXX", path) >= (int)sizeof(next))
		return keel_fail(&k->err, ENAMETOOLONG, "the name of the core file is too long");
	keel_hold_signals(&old);
	c.fd = mkostemp(next, O_CLOEXEC);
	if (c.fd < 0) {
		rc = keel_fail_errno(&k->err, "cannot make a file beside %s", path);
	} else {
		rc = dump_into(&c, next);
		close(c.fd);
		if (rc)
			unlink(next);
	}
	keel_release_signals(&old);
	free(c.runs);
	free(c.vcpus);
	*result = c.result;
	return rc;
}
