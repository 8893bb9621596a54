/* SPDX-License-Identifier: GPL-2.0-only */
/* Converts multiboot1 and multiboot2 information to struct boot_info. */
#include "arch/x86/boot/layout.h"
#include "common/lib/string.h"
#include "xen/multiboot/multiboot.h"

#define MB_FB_TYPE_RGB		1

extern char handoff_pml4[], handoff_tables_end[];

/* Everything that a multiboot loader provides is below 4 GiB, where the handoff tables map it. */
static const void *phys(uint64_t pa) { return (const void *)(uintptr_t)pa; }

static const char *skip_word(const char *s)
{
	while (*s && *s != ' ')
		s++;
	while (*s == ' ')
		s++;
	return s;
}

/*
 * QEMU and older loaders put the file's name first; GRUB 2 only passes what follows it. Debian's
 * GRUB scripts write the word `placeholder` before a Xen module's arguments.
 */
static const char *skip_name(const struct boot_info *bi, const char *s)
{
	while (*s == ' ')
		s++;
	if (strncmp(bi->loader_name, "GRUB", 4))
		return skip_word(s);
	if (!strncmp(s, "placeholder", 11) && (s[11] == ' ' || !s[11]))
		return skip_word(s);
	return s;
}

static void add_module(struct boot_info *bi, uint64_t start, uint64_t end, const char *string)
{
	char name[256];
	const char *args = skip_name(bi, string);
	/* With GRUB the skipped word is not a name. */
	size_t len = strncmp(bi->loader_name, "GRUB", 4) ? args - string : 0;

	while (len && string[len - 1] == ' ')
		len--;
	if (len >= sizeof(name)) {
		string += len - (sizeof(name) - 1);
		len = sizeof(name) - 1;
	}
	memcpy(name, string, len);
	name[len] = '\0';
	if (end < start)
		end = start;
	if (boot_info_add_module(bi, start, end - start, name, args) >= 0 && !bi->fdt &&
	    boot_is_fdt(phys(start), end - start)) {
		bi->fdt = start;
		bi->fdt_size = end - start;
	}
}

static uint32_t range_type(uint32_t type)
{
	return type >= BOOT_RANGE_RAM && type <= BOOT_RANGE_PMEM ? type : BOOT_RANGE_RESERVED;
}

static void set_framebuffer(struct boot_info *bi, uint64_t addr, const uint32_t geometry[3],
			    uint8_t bpp, const uint8_t color[6])
{
	uint8_t rest = bpp - (color[1] + color[3] + color[5]);

	bi->fb = (struct boot_framebuffer){
		.present = 1, .base = addr, .size = (uint64_t)geometry[0] * geometry[2], .bpp = bpp,
		.stride = geometry[0], .width = geometry[1], .height = geometry[2],
		.red_pos = color[0], .red_size = color[1], .green_pos = color[2], .green_size = color[3],
		.blue_pos = color[4], .blue_size = color[5], .rsvd_pos = rest ? bpp - rest : 0, .rsvd_size = rest,
	};
}

static void mb1_memory(struct boot_info *bi, const struct mb1_info *info)
{
	uint32_t at = 0;

	if (!(info->flags & MB1_INFO_MMAP)) {
		if (info->flags & MB1_INFO_MEMORY) {
			boot_info_add_range(bi, 0, (uint64_t)info->mem_lower << 10, BOOT_RANGE_RAM, 0);
			boot_info_add_range(bi, 0x100000, (uint64_t)info->mem_upper << 10, BOOT_RANGE_RAM, 0);
		}
		return;
	}
	while (at + sizeof(struct mb1_mmap) <= info->mmap_length) {
		const struct mb1_mmap *m = phys((uint64_t)info->mmap_addr + at);

		boot_info_add_range(bi, m->base, m->length, range_type(m->type), 0);
		at += m->size + sizeof(m->size);
	}
}

static void multiboot1_convert(struct boot_info *bi, const struct mb1_info *info)
{
	uint32_t i;

	bi->loader = BOOT_LOADER_MULTIBOOT1;
	if (info->flags & MB1_INFO_LOADER)
		boot_copy_string(bi->loader_name, sizeof(bi->loader_name), phys(info->loader_name));
	if (info->flags & MB1_INFO_CMDLINE)
		boot_copy_string(bi->cmdline, sizeof(bi->cmdline), skip_name(bi, phys(info->cmdline)));
	if (info->flags & MB1_INFO_MODULES) {
		const struct mb1_module *m = phys(info->mods_addr);

		for (i = 0; i < info->mods_count; i++)
			add_module(bi, m[i].start, m[i].end, m[i].string ? phys(m[i].string) : "");
	}
	mb1_memory(bi, info);
	if ((info->flags & MB1_INFO_FRAMEBUFFER) && info->fb_type == MB_FB_TYPE_RGB) {
		const uint32_t geometry[3] = { info->fb_pitch, info->fb_width, info->fb_height };

		set_framebuffer(bi, info->fb_addr, geometry, info->fb_bpp, info->fb_color);
	}
}

/* Of EFI's map only what runtime services use: of other memory the tag without flags says more. */
static void mb2_memory(struct boot_info *bi, const struct mb2_mmap *map)
{
	int efi = map->tag.type == MB2_TAG_EFI_MMAP;
	uint32_t at = sizeof(*map);

	if (map->entry_size < (efi ? sizeof(struct mb2_efi_entry) : sizeof(struct mb2_mmap_entry)))
		return;
	for (; at + map->entry_size <= map->tag.size; at += map->entry_size) {
		const struct mb2_mmap_entry *m = (const void *)((const char *)map + at);
		const struct mb2_efi_entry *e = (const void *)m;

		if (!efi)
			boot_info_add_range(bi, m->base, m->length, range_type(m->type), 0);
		else if (e->attribute & EFI_ATTRIBUTE_RUNTIME)
			boot_info_add_range(bi, e->base, e->pages << 12, BOOT_RANGE_RESERVED, BOOT_RANGE_EFI_RUNTIME);
	}
}

/* The loader's copy is in memory that may be overwritten, so keep one inside the image. */
static void keep_rsdp(struct boot_info *bi, const char *copy, size_t size)
{
	static char rsdp[64] __attribute__((aligned(16)));

	memcpy(rsdp, copy, size < sizeof(rsdp) ? size : sizeof(rsdp));
	bi->rsdp = (uintptr_t)rsdp - KEEL_VIRT_BASE;
}

static void mb2_tag(struct boot_info *bi, const struct mb2_tag *tag)
{
	const char *body = (const char *)(tag + 1);

	switch (tag->type) {
	case MB2_TAG_CMDLINE:
		boot_copy_string(bi->cmdline, sizeof(bi->cmdline), skip_name(bi, body));
		break;
	case MB2_TAG_MODULE: {
		const struct mb2_module *m = (const void *)tag;

		add_module(bi, m->start, m->end, m->string);
		break;
	}
	case MB2_TAG_MMAP:
		mb2_memory(bi, (const void *)tag);
		break;
	case MB2_TAG_FRAMEBUFFER: {
		const struct mb2_framebuffer *f = (const void *)tag;
		const uint32_t geometry[3] = { f->pitch, f->width, f->height };

		if (f->type == MB_FB_TYPE_RGB)
			set_framebuffer(bi, f->addr, geometry, f->bpp, f->color);
		break;
	}
	case MB2_TAG_EFI64:
		bi->efi_system = *(const uint64_t *)body;
		break;
	case MB2_TAG_RSDP_OLD:
	case MB2_TAG_RSDP_NEW:
		if (tag->type == MB2_TAG_RSDP_NEW || !bi->rsdp)
			keep_rsdp(bi, body, tag->size - sizeof(*tag));
		break;
	}
}

/*
 * The loader's name decides how to read command lines, so the first pass looks for it; and of two
 * ranges of the same rank the first one stays.
 */
void multiboot2_convert(struct boot_info *bi, const struct mb2_info *info)
{
	const char *base = (const char *)info;
	int pass;

	bi->loader = BOOT_LOADER_MULTIBOOT2;
	for (pass = 0; pass < 2; pass++) {
		uint32_t at = sizeof(*info);

		while (at + sizeof(struct mb2_tag) <= info->total_size) {
			const struct mb2_tag *tag = (const void *)(base + at);

			if (tag->type == MB2_TAG_END || tag->size < sizeof(*tag) || tag->size > info->total_size - at)
				break;
			if (pass)
				mb2_tag(bi, tag);
			else if (tag->type == MB2_TAG_LOADER)
				boot_copy_string(bi->loader_name, sizeof(bi->loader_name), (const char *)(tag + 1));
			else if (tag->type == MB2_TAG_EFI_MMAP)
				mb2_memory(bi, (const void *)tag);
			at += (tag->size + 7) & ~7u;
		}
	}
}

struct boot_info *multiboot_start(uint32_t magic, uint64_t info)
{
	static struct boot_info boot_info __attribute__((aligned(4096)));
	struct boot_info *bi = &boot_info;

	bi->magic = BOOT_INFO_MAGIC;
	bi->size = sizeof(*bi);
	bi->image_phys = KEEL_LOAD_PHYS;
	bi->image_size = __image_end - __image_start;
	bi->tables_phys = (uintptr_t)handoff_pml4 - KEEL_VIRT_BASE;
	bi->tables_size = handoff_tables_end - handoff_pml4;
	if (magic == MB1_LOADER_MAGIC)
		multiboot1_convert(bi, phys(info));
	else
		multiboot2_convert(bi, phys(info));
	return bi;
}
