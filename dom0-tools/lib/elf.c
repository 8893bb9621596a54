/* SPDX-License-Identifier: GPL-2.0-only */
#include "lib/elf.h"

#include <elf.h>
#include <errno.h>
#include <string.h>

/* xen/include/public/elfnote.h */
#define NOTE_SUPPORTED_FEATURES 17
#define NOTE_PHYS32_ENTRY 18
#define FEATURE_DOM0 (1u << 11)

/* A program header of either class. */
struct header {
	uint32_t type;
	uint64_t offset, paddr, filesz, memsz;
};

struct program_table {
	uint64_t offset;
	unsigned int entry_size, count;
	bool wide;
};

static int parse_ident(const struct blob *b, struct program_table *t, struct keel_error *e)
{
	Elf64_Ehdr h64;
	Elf32_Ehdr h32;
	unsigned int type, machine;

	if (b->size < sizeof(h32) || memcmp(b->data, ELFMAG, SELFMAG))
		return keel_fail(e, ENOEXEC, "not an ELF file");
	if (b->data[EI_DATA] != ELFDATA2LSB)
		return keel_fail(e, ENOEXEC, "the ELF file is not little-endian");
	t->wide = b->data[EI_CLASS] == ELFCLASS64;
	if (t->wide && b->size >= sizeof(h64)) {
		memcpy(&h64, b->data, sizeof(h64));
		*t = (struct program_table){ h64.e_phoff, h64.e_phentsize, h64.e_phnum, true };
		type = h64.e_type;
		machine = h64.e_machine;
	} else if (b->data[EI_CLASS] == ELFCLASS32) {
		memcpy(&h32, b->data, sizeof(h32));
		*t = (struct program_table){ h32.e_phoff, h32.e_phentsize, h32.e_phnum, false };
		type = h32.e_type;
		machine = h32.e_machine;
	} else {
		return keel_fail(e, ENOEXEC, "the ELF header is damaged or cut short");
	}
	if (machine != EM_X86_64 && machine != EM_386)
		return keel_fail(e, ENOEXEC, "the ELF file is for machine %u, not for x86", machine);
	if (type != ET_EXEC && type != ET_DYN)
		return keel_fail(e, ENOEXEC, "the ELF file is no program (type %u): object files and "
				 "modules do not boot", type);
	return 0;
}

static int check_table(const struct blob *b, const struct program_table *t,
		       struct keel_error *e)
{
	size_t least = t->wide ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);

	if (!t->count)
		return keel_fail(e, ENOEXEC, "the ELF file has no program headers");
	if (t->entry_size < least || t->offset > b->size ||
	    (uint64_t)t->count * t->entry_size > b->size - t->offset)
		return keel_fail(e, EINVAL, "the ELF file is cut short: its %u program headers at %#llx "
				 "do not fit into %zu bytes", t->count, (unsigned long long)t->offset,
				 b->size);
	return 0;
}

static struct header read_header(const struct blob *b, const struct program_table *t,
				 unsigned int i)
{
	const unsigned char *p = b->data + t->offset + (uint64_t)i * t->entry_size;
	Elf64_Phdr h64;
	Elf32_Phdr h32;

	if (t->wide) {
		memcpy(&h64, p, sizeof(h64));
		return (struct header){ h64.p_type, h64.p_offset, h64.p_paddr, h64.p_filesz,
					h64.p_memsz };
	}
	memcpy(&h32, p, sizeof(h32));
	return (struct header){ h32.p_type, h32.p_offset, h32.p_paddr, h32.p_filesz, h32.p_memsz };
}

static int add_segment(struct keel_elf *k, const struct blob *b, const struct header *h,
		       struct keel_error *e)
{
	struct keel_elf_segment *s = &k->segment[k->segments];

	if (!h->memsz)
		return 0;
	if (k->segments == KEEL_ELF_MAX_SEGMENTS)
		return keel_fail(e, EINVAL, "the ELF file has more than %d loadable segments",
				 KEEL_ELF_MAX_SEGMENTS);
	if (h->filesz > h->memsz || h->paddr > UINT32_MAX || h->memsz > UINT32_MAX - h->paddr)
		return keel_fail(e, EINVAL, "segment at %#llx of %#llx bytes does not lie below 4 GiB",
				 (unsigned long long)h->paddr, (unsigned long long)h->memsz);
	*s = (struct keel_elf_segment){ h->paddr, h->memsz, b->data + h->offset, h->filesz };
	if (!k->segments || s->paddr < k->start)
		k->start = s->paddr;
	if (s->paddr + s->memory_size > k->end)
		k->end = s->paddr + s->memory_size;
	k->segments++;
	return 0;
}

static void take_note(struct keel_elf *k, uint32_t type, const unsigned char *desc, bool *found)
{
	uint32_t value;

	memcpy(&value, desc, 4);
	if (type == NOTE_PHYS32_ENTRY && !*found) {
		k->entry = value;
		*found = true;
	} else if (type == NOTE_SUPPORTED_FEATURES) {
		k->dom0 = value & FEATURE_DOM0;
	}
}

/* Looks for Xen's notes in @p. Sizes are padded to four bytes. */
static void scan_notes(struct keel_elf *k, const unsigned char *p, uint64_t size, bool *found)
{
	while (size >= 12) {
		uint32_t name_size, desc_size, type;
		uint64_t name_room, desc_room;

		memcpy(&name_size, p, 4);
		memcpy(&desc_size, p + 4, 4);
		memcpy(&type, p + 8, 4);
		p += 12;
		size -= 12;
		name_room = ((uint64_t)name_size + 3) & ~3ULL;
		desc_room = ((uint64_t)desc_size + 3) & ~3ULL;
		if (name_room > size || desc_room > size - name_room)
			return;
		if (name_size == 4 && !memcmp(p, "Xen", 4) && desc_size >= 4)
			take_note(k, type, p + name_room, found);
		p += name_room + desc_room;
		size -= name_room + desc_room;
	}
}

int keel_elf_parse(struct keel_elf *k, const struct blob *b, struct keel_error *e)
{
	struct program_table t = { 0 };
	bool found = false;
	int rc;

	*k = (struct keel_elf){ 0 };
	rc = parse_ident(b, &t, e);
	if (!rc)
		rc = check_table(b, &t, e);
	for (unsigned int i = 0; i < t.count && !rc; i++) {
		struct header h = read_header(b, &t, i);

		if (h.type != PT_LOAD && h.type != PT_NOTE)
			continue;
		if (h.offset > b->size || h.filesz > b->size - h.offset)
			return keel_fail(e, EINVAL, "the ELF file is cut short: segment %u ends beyond its "
					 "%zu bytes", i, b->size);
		if (h.type == PT_LOAD)
			rc = add_segment(k, b, &h, e);
		else
			scan_notes(k, b->data + h.offset, h.filesz, &found);
	}
	if (rc)
		return rc;
	if (!k->segments)
		return keel_fail(e, ENOEXEC, "the ELF file has nothing to load");
	if (!found)
		return keel_fail(e, ENOEXEC, "the kernel has no PVH entry (no XEN_ELFNOTE_PHYS32_ENTRY "
				 "note); Linux needs CONFIG_PVH");
	if (k->entry < k->start || k->entry >= k->end)
		return keel_fail(e, EINVAL, "the kernel's PVH entry %#x is outside its segments "
				 "(%#llx to %#llx)", k->entry, (unsigned long long)k->start,
				 (unsigned long long)k->end);
	return 0;
}

int keel_elf_parse_dom0(struct keel_elf *k, const struct blob *b, struct keel_error *e)
{
	int rc = keel_elf_parse(k, b, e);

	if (!rc && !k->dom0)
		rc = keel_fail(e, ENOEXEC, "the kernel does not say that it can be Dom0; Linux needs "
			       "CONFIG_XEN_DOM0");
	return rc;
}
