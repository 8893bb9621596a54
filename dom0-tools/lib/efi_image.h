/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KEEL_LIB_EFI_IMAGE_H
#define KEEL_LIB_EFI_IMAGE_H

#include <limits.h>

#include "lib/blob.h"
#include "lib/keel.h"

/*
 * The one-file image: keel.efi with sections for all that it starts (docs/boot-configuration.md),
 * which objcopy adds, and sbsign signs.
 */

/* What goes into one. */
struct efi_image {
	char hypervisor[PATH_MAX];	/* keel.efi */
	char kernel[PATH_MAX];		/* as packaged, or unpacked */
	char initrd[PATH_MAX];		/* "": none */
	char options[1024];		/* Keel's, and those of Dom0's kernel */
	char dom0_options[1024];
	char key[PATH_MAX], cert[PATH_MAX];	/* "": it is not signed */
	struct blob packed, elf;	/* the kernel, once it has been looked at */
};

/* The programs that it runs; a test has others. */
extern const char *keel_objcopy, *keel_sbsign, *keel_sbverify;

/*
 * The newest kernel of the folder that can be Dom0, and its initrd. One without an initrd is taken
 * only if no other is left. A newer one that is not taken is named in a warning. -ENOENT: there is
 * none.
 */
int efi_image_find_kernel(struct keel *k, const char *boot, struct efi_image *i);
/* The initrd that is beside the kernel, if there is one. */
void efi_image_find_initrd(struct efi_image *i);
/*
 * Reads all that goes into it: the kernel can be Dom0, keel.efi takes sections. @size gets about
 * the image's size.
 */
int efi_image_check(struct keel *k, struct efi_image *i, uint64_t *size);
/*
 * After efi_image_check(): makes it in the folder @dir, which is for nothing else; @out gets its
 * path.
 */
int efi_image_build(struct keel *k, const struct efi_image *i, const char *dir, char out[PATH_MAX]);
/* Frees the kernel that was looked at. */
void efi_image_close(struct efi_image *i);
/* Empties the folder. */
void efi_image_clean(const char *dir);

#endif
