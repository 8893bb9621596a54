/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * keel.efi: the UEFI loader. It uses boot services to find the files and load the core inside it.
 * It fills struct boot_info, exits boot services and jumps to the core's start64.
 *
 * Every function that returns EFI_STATUS reports an error on the console before it returns it.
 */
#ifndef XEN_EFI_LOADER_H
#define XEN_EFI_LOADER_H

#include <efi.h>
#include <efilib.h>

#include "common/boot_info.h"

#define MIB		(1024ULL * 1024)
#define GIB		(1024 * MIB)
#define LOADER_PATH_LEN	256

/* A Debian kernel must be loaded to 16 MiB..74 MiB, so the loader puts nothing there. */
#define KERNEL_PLACE	(16 * MIB)
#define KERNEL_PLACE_END (74 * MIB)

struct loader_blob {
	VOID *data;
	UINT64 size;
};

struct loader {
	EFI_HANDLE handle;
	EFI_LOADED_IMAGE *image;
	EFI_FILE_HANDLE root;			/* of the volume; NULL without one */
	BOOLEAN secure;				/* only what is signed, that is keel.efi itself, is used */
	CHAR16 folder[LOADER_PATH_LEN];		/* where keel.efi is, with a backslash at its end */
	char config_name[LOADER_PATH_LEN];	/* as the user asked; empty: the default */
	char dom0_cmdline[BOOT_CMDLINE_LEN];	/* what follows `--` */
	struct boot_info *bi;
	struct handoff *handoff;		/* code and page tables */
	UINT64 entry;				/* start64, virtual */
};

/*
 * Prints "Keel: ..." on the console, followed by @status unless it is EFI_SUCCESS. Returns @status.
 */
EFI_STATUS loader_error(EFI_STATUS status, const CHAR16 *fmt, ...);

/* memory.c */

/*
 * Pages of @type between 74 MiB and 4 GiB; @align is a power of two of at least 4 KiB. If there are
 * none and not @strict: pages below the kernel's place, and as a last resort any pages from 1 MiB
 * on. They are not cleared. Returns NULL on failure, and prints nothing.
 */
VOID *loader_alloc(UINT64 size, UINT64 align, EFI_MEMORY_TYPE type, BOOLEAN strict);

/* Exit boot services, and fill boot_info's ranges from the last memory map. */
EFI_STATUS loader_exit_boot_services(struct loader *l);

/* files.c */
EFI_STATUS loader_open_volume(struct loader *l);
/*
 * The file is measured. EFI_NOT_FOUND is not reported if @optional. With Secure Boot on, there are
 * no files.
 */
EFI_STATUS loader_read_file(struct loader *l, const char *path, BOOLEAN optional,
			    struct loader_blob *out);
/*
 * Finds a section of keel.efi's own image, copies it, and measures the copy. FALSE: there is no
 * section of this name.
 */
BOOLEAN loader_find_section(struct loader *l, const char *name, struct loader_blob *out);

/* measure.c */

/* As systemd-stub(7) has them: what a unified image has inside, and what comes from beside it. */
#define PCR_SECTIONS	11
#define PCR_OUTSIDE	12

/*
 * Extends @pcr by @data and puts an event EV_IPL into the firmware's log, which says @text. Without
 * @data, it is @text itself in UTF-16, with its end. Nothing happens without a TPM 2.0. A failure
 * is reported, and that is all: a broken TPM must not keep a server down.
 */
VOID loader_measure(UINT32 pcr, const char *text, const VOID *data, UINT64 size);
/* The name, with the byte that ends it, and then the contents. */
VOID loader_measure_named(UINT32 pcr, const char *name, const struct loader_blob *b);

/* config.c */
EFI_STATUS loader_options(struct loader *l);
EFI_STATUS loader_modules(struct loader *l);

/* core.c */
EFI_STATUS loader_load_core(struct loader *l);
VOID loader_enter_core(struct loader *l) __attribute__((noreturn));

/* platform.c */
VOID loader_platform(struct loader *l);

#endif /* XEN_EFI_LOADER_H */
