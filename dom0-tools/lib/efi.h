/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KEEL_LIB_EFI_H
#define KEEL_LIB_EFI_H

#include "lib/keel.h"

/*
 * The firmware's boot entries (UEFI 2.10, 3.1): read where Linux shows its variables, and changed
 * by efibootmgr.
 */

/* Those of this machine; a test has others. */
extern const char *keel_efivars, *keel_efibootmgr;

/* A variable Boot####. */
struct efi_entry {
	unsigned int number;
	bool boots;			/* the firmware starts it by itself, when its turn comes */
	char label[64];
	char file[128];			/* what it starts, with backslashes; "": no file of a partition */
	uint32_t part;			/* where the file is: the partition's number, */
	uint64_t start;			/* and the logical block that it begins at */
};

struct efi_boot {
	int current, next;		/* BootCurrent, BootNext; -1: there is none */
	unsigned int *order, nr_order;
	struct efi_entry *entries;
	unsigned int nr_entries;
	bool secure;			/* Secure Boot is on */
};

/*
 * Reads them; efi_boot_free() in any case. -ENOTSUP: Linux sees no such firmware; -ENOENT: the
 * variables are not mounted; -EROFS with @write: read-only.
 */
int efi_boot_read(struct keel *k, struct efi_boot *b, bool write);
void efi_boot_free(struct efi_boot *b);

/* Says why no variables are there; @error: what reading their folder said, or 0. */
int efi_no_variables(struct keel *k, int error);

/* NULL: there is no such entry. */
const struct efi_entry *efi_find(const struct efi_boot *b, int number);
bool efi_in_order(const struct efi_boot *b, int number);

/*
 * Each is one change, which the firmware makes as a whole or not at all. -ENOSPC: it has no room
 * for variables.
 */

/* An entry that no order names yet; efi_boot_read() finds its number. */
int efi_create(struct keel *k, const char *disk, unsigned int part, const char *file,
	       const char *label);
/* What the next boot starts, once. */
int efi_set_next(struct keel *k, unsigned int number);
int efi_clear_next(struct keel *k);
/* BootOrder; with no entries there is none. */
int efi_set_order(struct keel *k, const unsigned int *order, unsigned int n);
int efi_delete(struct keel *k, unsigned int number);

#endif
