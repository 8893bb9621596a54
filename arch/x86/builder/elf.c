/* SPDX-License-Identifier: GPL-2.0-only */
/* ELF as far as a PVH kernel needs it (ELF-64 Object File Format; notes: public/elfnote.h). */
#include "arch/x86/builder/elf.h"

#include "common/elf64.h"
#include "common/lib.h"
#include <public/elfnote.h>
#include <public/errno.h>
#include <public/features.h>

#define EM_386 3
#define EM_X86_64 62

/*
 * The default alignment is that of Xen's description of the note; less than a page would be of no
 * use.
 */
#define RELOC_ALIGN_DEFAULT MiB(2)

static void read_reloc(struct elf_kernel *k, const u8 *desc, u32 len)
{
	u32 v[3] = { RELOC_ALIGN_DEFAULT, 0, ~0u };

	memcpy(v, desc, min(len & ~3u, (u32)sizeof(v)));
	if (v[0] < PAGE_SIZE || (v[0] & (v[0] - 1)))
		return;
	k->reloc.align = v[0];
	k->reloc.min = v[1];
	k->reloc.max = v[2];
}

static void read_note(struct elf_kernel *k, u32 type, const u8 *desc, u32 len)
{
	if (type == XEN_ELFNOTE_PHYS32_ENTRY && len >= 4) {
		k->entry = get32(desc);
		k->has_entry = true;
	} else if (type == XEN_ELFNOTE_PHYS32_RELOC) {
		read_reloc(k, desc, len);
	} else if (type == XEN_ELFNOTE_SUPPORTED_FEATURES && len >= 4) {
		k->dom0 = get32(desc) & BIT(XENFEAT_dom0);
	}
}

/* Looks through one note segment. */
static void read_notes(struct elf_kernel *k, const u8 *p, u64 len)
{
	while (len >= 12) {
		u32 namesz = get32(p), descsz = get32(p + 4), type = get32(p + 8);
		u64 name_end = 12 + ROUND_UP((u64)namesz, 4), total = name_end + ROUND_UP((u64)descsz, 4);

		if (total > len)
			return;
		if (namesz == 4 && !memcmp(p + 12, "Xen", 4))
			read_note(k, type, p + name_end, descsz);
		p += total;
		len -= total;
	}
}

static int add_segment(struct elf_kernel *k, const struct elf64_phdr *ph, u64 size,
		       const char **why)
{
	u64 end;

	if (!ph->memsz)
		return 0;
	*why = "a segment lies outside of the file (is it truncated?)";
	if (ph->offset > size || ph->filesz > size - ph->offset || ph->filesz > ph->memsz)
		return -EINVAL;
	*why = "a segment is to be loaded above 4 GiB";
	if (check_add_overflow(ph->paddr, ph->memsz, &end) || end > GiB(4))
		return -EINVAL;
	*why = "it has too many segments";
	if (k->nr_segments == ELF_MAX_SEGMENTS)
		return -EINVAL;
	k->seg[k->nr_segments++] = (struct elf_segment){ ph->offset, ph->filesz, ph->paddr, ph->memsz,
							 ph->flags & PF_W };
	k->start = min(k->start, ph->paddr);
	k->end = max(k->end, end);
	return 0;
}

/* Locates the program headers of either class. */
struct program_headers {
	const u8 *p;
	unsigned int nr;
	bool is_32bit;
};

static int find_headers(const u8 *p, u64 size, struct program_headers *h, const char **why)
{
	struct elf64_ehdr eh;
	struct elf32_ehdr eh32;
	u64 entry = sizeof(struct elf64_phdr);

	*why = "it is no x86 ELF file";
	if (size < sizeof(eh))
		return -EINVAL;
	memcpy(&eh, p, sizeof(eh));
	memcpy(&eh32, p, sizeof(eh32));
	h->is_32bit = !memcmp(eh.ident, "\177ELF\1\1", 6) && eh.machine == EM_386;
	if (!h->is_32bit && (memcmp(eh.ident, "\177ELF\2\1", 6) || eh.machine != EM_X86_64))
		return -EINVAL;
	if (h->is_32bit) {
		eh.phoff = eh32.phoff;
		eh.phentsize = eh32.phentsize;
		eh.phnum = eh32.phnum;
		entry = sizeof(struct elf32_phdr);
	}
	*why = "its program headers lie outside of the file";
	if (eh.phentsize != entry || eh.phoff > size || eh.phnum * entry > size - eh.phoff)
		return -EINVAL;
	h->p = p + eh.phoff;
	h->nr = eh.phnum;
	return 0;
}

static struct elf64_phdr read_header(const struct program_headers *h, unsigned int i)
{
	struct elf64_phdr ph;
	struct elf32_phdr ph32;

	if (!h->is_32bit) {
		memcpy(&ph, h->p + i * sizeof(ph), sizeof(ph));
		return ph;
	}
	memcpy(&ph32, h->p + i * sizeof(ph32), sizeof(ph32));
	return (struct elf64_phdr){ .type = ph32.type, .flags = ph32.flags, .offset = ph32.offset,
				    .paddr = ph32.paddr, .filesz = ph32.filesz, .memsz = ph32.memsz };
}

int elf_parse(const void *image, u64 size, struct elf_kernel *k, const char **why)
{
	const u8 *p = image;
	struct program_headers h;

	memset(k, 0, sizeof(*k));
	k->start = ~0ull;
	if (find_headers(p, size, &h, why))
		return -EINVAL;
	for (unsigned int i = 0; i < h.nr; i++) {
		struct elf64_phdr ph = read_header(&h, i);
		int rc;

		if (ph.type == PT_LOAD) {
			rc = add_segment(k, &ph, size, why);
			if (rc)
				return rc;
		} else if (ph.type == PT_NOTE && ph.offset <= size && ph.filesz <= size - ph.offset) {
			read_notes(k, p + ph.offset, ph.filesz);
		}
	}
	*why = "it has nothing to load";
	if (!k->nr_segments)
		return -EINVAL;
	*why = "it has no XEN_ELFNOTE_PHYS32_ENTRY note (PVH support is off in it)";
	return k->has_entry ? 0 : -EINVAL;
}

void elf_move(struct elf_kernel *k, u64 start)
{
	u64 by = start - k->start;

	for (unsigned int i = 0; i < k->nr_segments; i++)
		k->seg[i].paddr += by;
	k->entry += (u32)by;
	k->start += by;
	k->end += by;
}

bool elf_page_constant(const struct elf_kernel *k, u64 p)
{
	bool covered = false;

	for (unsigned int i = 0; i < k->nr_segments; i++) {
		u64 first = k->seg[i].paddr, end = first + k->seg[i].memsz;

		if (k->seg[i].writable && first < p + PAGE_SIZE && end > p)
			return false;
		covered |= first <= p && end >= p + PAGE_SIZE;
	}
	return covered;
}
