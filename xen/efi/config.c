/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What to boot: the command line, the boot configuration, and the files that it names. The loader
 * looks for everything in the sections of keel.efi first, then on its volume.
 */
#include <libfdt.h>

#include "common/bootfiles.h"
#include "common/lib/string.h"
#include "xen/efi/loader.h"
#include "xen/efi/path.h"

#define CONFIG_DEFAULT	"keel.dtb"
#define CONFIG_OPTION	"config="

/* Load options may be anything: firmware adds its own data to boot entries that it makes itself. */
static BOOLEAN options_text(struct loader *l, char *text, UINTN size)
{
	const CHAR16 *s = l->image->LoadOptions;
	UINTN i, n = l->image->LoadOptionsSize / sizeof(*s);

	if (!s || l->image->LoadOptionsSize % sizeof(*s))
		return FALSE;
	for (i = 0; i < n && s[i]; i++) {
		if (i + 1 >= size || s[i] < 0x20 || s[i] > 0x7e)
			return FALSE;
		text[i] = s[i];
	}
	text[i] = '\0';
	return i > 0;
}

static const char *word_end(const char *s)
{
	while (*s && *s != ' ')
		s++;
	return s;
}

static const char *skip_spaces(const char *s)
{
	while (*s == ' ')
		s++;
	return s;
}

/* `[config=FILE] [Keel's options] [-- Dom0's kernel options]` */
static VOID split_options(struct loader *l, const char *s)
{
	char *out = l->bi->cmdline;
	UINTN n = 0, room = sizeof(l->bi->cmdline) - 1;

	for (s = skip_spaces(s); *s; s = skip_spaces(s)) {
		const char *end = word_end(s);
		UINTN len = end - s;

		if (len == 2 && !strncmp(s, "--", 2)) {
			boot_copy_string(l->dom0_cmdline, sizeof(l->dom0_cmdline), skip_spaces(end));
			break;
		}
		if (len > strlen(CONFIG_OPTION) && len < LOADER_PATH_LEN &&
		    !strncmp(s, CONFIG_OPTION, strlen(CONFIG_OPTION))) {
			boot_copy_string(l->config_name, len - strlen(CONFIG_OPTION) + 1, s + strlen(CONFIG_OPTION));
		} else if (n + 1 + len <= room) {
			if (n)
				out[n++] = ' ';
			memcpy(out + n, s, len);
			n += len;
		}
		s = end;
	}
	out[n] = '\0';
}

EFI_STATUS loader_options(struct loader *l)
{
	static char text[2 * BOOT_CMDLINE_LEN];
	struct loader_blob b;
	UINTN i;

	if (loader_find_section(l, ".cmdline", &b)) {
		memcpy(text, b.data, b.size < sizeof(text) ? b.size : sizeof(text) - 1);
		/*
		 * Control characters become blanks, and the newline at the end of a text file goes.
		 */
		for (i = 0; text[i]; i++)
			if (text[i] == '\n' || text[i] == '\r' || text[i] == '\t')
				text[i] = ' ';
		while (i && text[i - 1] == ' ')
			text[--i] = '\0';
		split_options(l, text);
	} else if (options_text(l, text, sizeof(text))) {
		if (l->secure) {
			Print(L"Keel: Secure Boot is on: options count only in the section .cmdline\n");
		} else {
			loader_measure(PCR_OUTSIDE, text, NULL, 0);
			split_options(l, loader_skip_program(text));
		}
	}
	return EFI_SUCCESS;
}

static EFI_STATUS check_kernel(const char *name, const struct loader_blob *b)
{
	const char *unpack, *packed = boot_image_packed(b->data, b->size, &unpack);

	if (packed && unpack)
		return loader_error(EFI_UNSUPPORTED, L"%a is compressed (%a); unpack it first: %a FILE > vmlinux",
				    name, packed, unpack);
	if (packed)
		return loader_error(EFI_UNSUPPORTED, L"%a: the kernel is %a", name, packed);
	if (b->size < 64 || memcmp(b->data, "\177ELF", 4))
		return loader_error(EFI_UNSUPPORTED, L"%a: the kernel is no ELF file", name);
	return EFI_SUCCESS;
}

/* Load one module. Reports EFI_NOT_FOUND only if not @optional. */
static EFI_STATUS load_module(struct loader *l, const char *path, BOOLEAN kernel, BOOLEAN optional,
			      const char *cmdline)
{
	EFI_STATUS status;
	struct loader_blob b;

	if (*path != '.' || !loader_find_section(l, path, &b)) {
		if (*path == '.' && optional)
			return EFI_NOT_FOUND;
		status = loader_read_file(l, path, optional, &b);
		if (EFI_ERROR(status))
			return status;
	}
	if (kernel) {
		status = check_kernel(path, &b);
		if (EFI_ERROR(status))
			return status;
	}
	if (boot_info_add_module(l->bi, (UINTN)b.data, b.size, path, cmdline) < 0)
		return loader_error(EFI_OUT_OF_RESOURCES, L"%a: more than %d modules", path, BOOT_MAX_MODULES);
	return EFI_SUCCESS;
}

/* The boot configuration, if there is one: @b->data is NULL if there is none. */
static EFI_STATUS load_tree(struct loader *l, const char *name, struct loader_blob *b)
{
	struct libfdt_guard guard;
	EFI_STATUS status;
	int rc;

	b->data = NULL;
	if (loader_find_section(l, ".dtb", b)) {
		name = "section .dtb";
	} else {
		status = loader_read_file(l, name, !l->config_name[0], b);
		if (status == EFI_NOT_FOUND && !l->config_name[0])
			return EFI_SUCCESS;
		if (EFI_ERROR(status))
			return status;
	}
	arch_libfdt_begin(&guard);
	rc = boot_fdt_check(b->data, b->size);
	arch_libfdt_end(&guard);
	if (rc)
		return loader_error(EFI_LOAD_ERROR, L"%a: not a device tree blob: %a; make it with "
				    L"dtc -I dts -O dtb", name, fdt_strerror(rc));
	l->bi->fdt = (UINTN)b->data;
	l->bi->fdt_size = b->size;
	return EFI_SUCCESS;
}

static EFI_STATUS load_tree_files(struct loader *l, const char *name,
				  const struct loader_blob *tree)
{
	struct boot_file files[BOOT_MAX_MODULES];
	struct libfdt_guard guard;
	EFI_STATUS status;
	int i, n;

	arch_libfdt_begin(&guard);
	n = boot_fdt_files(tree->data, files);
	arch_libfdt_end(&guard);
	if (n < 0)
		return loader_error(EFI_OUT_OF_RESOURCES, L"%a: names more than %d files", name,
				    BOOT_MAX_MODULES);
	if (n == 0)
		return loader_error(EFI_LOAD_ERROR, L"%a: names no kernel: /chosen/hypervisor wants a node "
				    L"for each domain, with a module,kernel node and its path", name);
	for (i = 0; i < n; i++) {
		status = load_module(l, files[i].path, files[i].kernel, FALSE, "");
		if (EFI_ERROR(status))
			return status;
	}
	return EFI_SUCCESS;
}

/*
 * Without a device tree: one Dom0, whose kernel and ramdisk are sections or files with fixed names.
 */
static EFI_STATUS load_defaults(struct loader *l)
{
	EFI_STATUS status = load_module(l, ".kernel", TRUE, TRUE, l->dom0_cmdline);
	BOOLEAN files = status == EFI_NOT_FOUND;

	if (files)
		status = load_module(l, "vmlinux", TRUE, FALSE, l->dom0_cmdline);
	if (EFI_ERROR(status))
		return status;
	status = load_module(l, files ? "initrd.img" : ".ramdisk", FALSE, TRUE, "");
	return status == EFI_NOT_FOUND ? EFI_SUCCESS : status;
}

EFI_STATUS loader_modules(struct loader *l)
{
	const char *name = l->config_name[0] ? l->config_name : CONFIG_DEFAULT;
	struct loader_blob tree;
	EFI_STATUS status = load_tree(l, name, &tree);

	if (EFI_ERROR(status))
		return status;
	if (!tree.data)
		return load_defaults(l);
	if (l->dom0_cmdline[0])
		Print(L"Keel: %a has the kernels' command lines; what follows -- is not used\n", name);
	return load_tree_files(l, name, &tree);
}
