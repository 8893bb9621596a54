/* SPDX-License-Identifier: GPL-2.0-only */
#include "lib/payload_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/efi.h"
#include "lib/esp.h"
#include "lib/lock.h"

#define ANY	-1
#define NONE	-2

const char *keel_payload_work = "/var/lib/keel/install";

/* Everything that a change looks at. */
struct state {
	struct esp esp;
	struct efi_boot boot;
	int lock;
};

/* Their names on the partition, and for the firmware. */
static const struct { const char *file, *path, *label; } slots[] = {
	{ "keel-1.efi", "\\EFI\\keel\\keel-1.efi", "Keel 1" },
	{ "keel-2.efi", "\\EFI\\keel\\keel-2.efi", "Keel 2" },
};
#define SLOTS	2

/* FAT does not tell small letters from large ones. */
static bool starts(const struct efi_entry *e, int slot)
{
	return !strcasecmp(e->file, slots[slot].path);
}

static bool is_here(const struct state *s, const struct efi_entry *e)
{
	return e->part == s->esp.part && e->start == s->esp.start;
}

/* The entry of that image on this partition, or NULL; one that is switched off starts nothing. */
static const struct efi_entry *entry_of(const struct state *s, int slot)
{
	for (unsigned int i = 0; i < s->boot.nr_entries; i++) {
		const struct efi_entry *e = &s->boot.entries[i];

		if (e->boots && starts(e, slot) && is_here(s, e))
			return e;
	}
	return NULL;
}

/* Is it an entry of that image, or of any? */
static bool is_of(const struct state *s, int number, int slot)
{
	const struct efi_entry *e = efi_find(&s->boot, number);
	bool found = false;

	for (int i = 0; i < SLOTS && e; i++)
		found |= (slot == ANY || slot == i) && starts(e, i) && is_here(s, e);
	return found;
}

static void close_state(struct state *s)
{
	efi_boot_free(&s->boot);
	if (s->lock >= 0)
		close(s->lock);
}

static int read_state(struct keel *k, const char *esp, struct state *s)
{
	int rc;

	*s = (struct state){ .lock = keel_lock(k) };
	if (s->lock < 0)
		return s->lock;
	rc = efi_boot_read(k, &s->boot, true);
	if (!rc)
		rc = esp_find(k, esp && *esp ? esp : NULL, &s->esp);
	if (!rc && access(keel_efibootmgr, X_OK))
		rc = keel_fail_errno(&k->err, "cannot run %s (the package efibootmgr has it)", keel_efibootmgr);
	return rc;
}

static unsigned int place_in_order(const struct state *s, int slot)
{
	unsigned int i = 0;

	while (i < s->boot.nr_order && !is_of(s, s->boot.order[i], slot))
		i++;
	return i;
}

/* The place for a new image: not of what runs now, nor of what the firmware starts first. */
static int choose_slot(const struct state *s)
{
	for (int slot = 0; slot < SLOTS; slot++)
		if (is_of(s, s->boot.current, slot))
			return !slot;
	return place_in_order(s, 0) < place_in_order(s, 1);
}

/* What the firmware's order starts without that image, or NULL. */
static const struct efi_entry *first_other(const struct state *s, int slot)
{
	for (unsigned int i = 0; i < s->boot.nr_order; i++) {
		const struct efi_entry *e = efi_find(&s->boot, s->boot.order[i]);

		if (e && e->boots && !is_of(s, e->number, slot))
			return e;
	}
	return NULL;
}

/* What it starts if the new image does not come up. */
static void find_fallback(const struct state *s, int slot, struct payload_result *r)
{
	const struct efi_entry *e = first_other(s, slot);

	r->fallback = e ? (int)e->number : -1;
	if (e)
		snprintf(r->fallback_label, sizeof(r->fallback_label), "%s", e->label);
}

/* @first, if it is not -1, then BootOrder as it is, without that and those of @without. */
static int set_order(struct keel *k, const struct state *s, int first, int without)
{
	unsigned int *order = calloc(s->boot.nr_order + 1, sizeof(*order)), n = 0;
	int rc;

	if (!order)
		return keel_fail(&k->err, ENOMEM, "no memory");
	if (first >= 0)
		order[n++] = first;
	for (unsigned int i = 0; i < s->boot.nr_order; i++)
		if ((int)s->boot.order[i] != first && !is_of(s, s->boot.order[i], without))
			order[n++] = s->boot.order[i];
	rc = efi_set_order(k, order, n);
	free(order);
	return rc;
}

static int make_entry(struct keel *k, struct state *s, int slot)
{
	int rc;

	if (entry_of(s, slot))
		return 0;
	rc = efi_create(k, s->esp.disk, s->esp.part, slots[slot].path, slots[slot].label);
	if (!rc) {
		efi_boot_free(&s->boot);
		rc = efi_boot_read(k, &s->boot, true);
	}
	if (!rc && !entry_of(s, slot))
		rc = keel_fail(&k->err, EIO, "the firmware has not kept the boot entry for %s", slots[slot].path);
	return rc;
}

/* An image that nothing starts takes room, and no later run would look for it. */
static void undo(struct state *s, int slot)
{
	struct keel other = { 0 };

	if (entry_of(s, slot))
		efi_delete(&other, entry_of(s, slot)->number);
	esp_remove(&other, &s->esp, slots[slot].file);
}

/* After each of these steps the firmware's order starts what it would have started before. */
static int change(struct keel *k, struct state *s, int slot, const char *image)
{
	bool had_entry = entry_of(s, slot);
	int rc = 0;

	if (place_in_order(s, slot) < s->boot.nr_order)
		rc = set_order(k, s, -1, slot);
	if (!rc)
		rc = esp_put(k, &s->esp, image, slots[slot].file);
	if (rc)
		return rc;
	rc = make_entry(k, s, slot);
	if (!rc)
		rc = efi_set_next(k, entry_of(s, slot)->number);
	if (rc && !had_entry)
		undo(s, slot);
	return rc;
}

/*
 * Settings come before the first image or entry, and go after the last one: whoever removes the
 * tools knows by them that the firmware starts Keel.
 */
static int store_and_change(struct keel *k, struct state *s, int slot, const char *image,
			    const struct payload *p, const struct efi_image *i)
{
	int rc = payload_store(k, p, i);

	if (rc)
		return rc;
	rc = change(k, s, slot, image);
	if (rc)
		payload_restore(p);
	return rc;
}

static int build_and_change(struct keel *k, struct state *s, int slot, const struct payload *p,
			    const struct efi_image *i, struct payload_result *r)
{
	char made[PATH_MAX];
	struct stat st;
	int rc = efi_image_build(k, i, keel_payload_work, made);

	if (rc == -EROFS)
		rc = keel_fail(&k->err, EROFS, "%s, where images are made, is on a file system that is mounted read-only: "
			       "mount -o remount,rw it", keel_payload_work);
	if (!rc && stat(made, &st))
		rc = keel_fail_errno(&k->err, "cannot examine %s", made);
	if (!rc)
		rc = store_and_change(k, s, slot, made, p, i);
	if (!rc) {
		r->size = st.st_size;
		r->entry = entry_of(s, slot)->number;
	}
	efi_image_clean(keel_payload_work);
	rmdir(keel_payload_work);
	return rc;
}

static int install(struct keel *k, struct state *s, const struct payload *p, struct efi_image *i,
		   struct payload_result *r)
{
	int slot = choose_slot(s), rc;

	*r = (struct payload_result){ .entry = -1, .boot_timeout = payload_timeout(p) };
	rc = payload_choose(k, p, s->boot.secure, i);
	if (!rc)
		rc = efi_image_check(k, i, &r->size);
	if (rc)
		return rc;
	find_fallback(s, slot, r);
	esp_path(&s->esp, slots[slot].file, r->file);
	snprintf(r->kernel, sizeof(r->kernel), "%s", i->kernel);
	snprintf(r->initrd, sizeof(r->initrd), "%s", i->initrd);
	r->sign = *i->key;
	if (entry_of(s, slot))
		r->entry = entry_of(s, slot)->number;
	rc = esp_room(k, &s->esp, r->size, slots[slot].file);
	if (rc || k->dry_run)
		return rc;
	return build_and_change(k, s, slot, p, i, r);
}

int payload_install(struct keel *k, const struct payload *p, struct payload_result *r)
{
	struct efi_image i = { 0 };
	struct state s;
	int rc = read_state(k, p->esp, &s);

	if (!rc)
		rc = install(k, &s, p, &i, r);
	efi_image_close(&i);
	close_state(&s);
	return rc;
}

/* First nothing starts them any more, then they go. */
static int remove_entries(struct keel *k, struct state *s)
{
	int n = 0, rc = 0;

	if (is_of(s, s->boot.next, ANY))
		rc = efi_clear_next(k);
	if (!rc && place_in_order(s, ANY) < s->boot.nr_order)
		rc = set_order(k, s, -1, ANY);
	for (unsigned int i = 0; i < s->boot.nr_entries && !rc; i++)
		if (is_of(s, s->boot.entries[i].number, ANY)) {
			rc = efi_delete(k, s->boot.entries[i].number);
			n++;
		}
	return rc ? rc : n;
}

static int remove_images(struct keel *k, const struct state *s)
{
	char path[PATH_MAX];
	int n = 0, rc = 0;

	for (int slot = 0; slot < SLOTS && !rc; slot++) {
		esp_path(&s->esp, slots[slot].file, path);
		n += !access(path, F_OK);
		if (!k->dry_run)
			rc = esp_remove(k, &s->esp, slots[slot].file);
	}
	if (!k->dry_run)
		esp_remove_folder(&s->esp);
	return rc ? rc : n;
}

static int count_entries(const struct state *s)
{
	int n = 0;

	for (unsigned int i = 0; i < s->boot.nr_entries; i++)
		n += is_of(s, s->boot.entries[i].number, ANY);
	return n;
}

static int uninstall(struct keel *k, struct state *s, bool force)
{
	int entries, images;

	if (!first_other(s, ANY) && !force && count_entries(s))
		return keel_fail(&k->err, EPERM, "the firmware's order names nothing but Keel, so it would start nothing, or "
				 "what it finds: make another entry first (efibootmgr, or grub-install), or use --force");
	entries = k->dry_run ? count_entries(s) : remove_entries(k, s);
	images = entries < 0 ? 0 : remove_images(k, s);
	if (entries < 0 || images < 0)
		return entries < 0 ? entries : images;
	if (!k->dry_run && unlink(keel_payload_settings) && errno != ENOENT)
		return keel_fail_errno(&k->err, "cannot remove %s", keel_payload_settings);
	return entries + images;
}

int payload_uninstall(struct keel *k, const char *esp, bool force)
{
	struct state s;
	int rc = read_state(k, esp, &s);

	if (!rc)
		rc = uninstall(k, &s, force);
	close_state(&s);
	return rc;
}

int payload_confirm(struct keel *k, int *number)
{
	struct state s = { .lock = keel_lock(k) };
	const struct efi_entry *e;
	int rc = s.lock < 0 ? s.lock : efi_boot_read(k, &s.boot, false);

	*number = -1;
	e = rc ? NULL : efi_find(&s.boot, s.boot.current);
	for (int slot = 0; slot < SLOTS && e; slot++)
		if (starts(e, slot) && !efi_in_order(&s.boot, e->number))
			*number = e->number;
	if (*number >= 0)
		rc = set_order(k, &s, *number, NONE);
	close_state(&s);
	/* Without such firmware nothing is to be done. */
	return rc == -ENOTSUP || rc == -ENOENT ? 0 : rc;
}
