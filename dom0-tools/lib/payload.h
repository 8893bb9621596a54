/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KEEL_LIB_PAYLOAD_H
#define KEEL_LIB_PAYLOAD_H

#include <json-c/json.h>
#include <limits.h>

#include "lib/keel.h"

/*
 * Keel as what the firmware starts. Two images may lie on the EFI system partition, each with a
 * boot entry. The firmware's order names an image that has proved itself; a new one goes to the
 * other place, and BootNext has it tried once. When Dom0 is up, keeld puts its entry first in the
 * order. Whenever power goes, the order starts something that has worked before.
 */

/* Where settings are kept, and images made; Linux's command line; kernels. A test has others. */
extern const char *keel_payload_settings, *keel_payload_work, *keel_proc_cmdline, *keel_boot_dir;

#define PAYLOAD_TIMEOUT	600	/* s; a server may check its disks first */

/* What to install. NULL, or -1: as the last time, or by default; "" is the default. */
struct payload {
	const char *kernel, *initrd, *hypervisor, *options, *dom0_options, *esp;
	const char *sign;		/* KEY,CERT */
	int boot_timeout;		/* s; 0: none */
	struct json_object *stored;	/* of the last time */
	char *made[6];			/* paths above that payload_read() has made */
};

/* What was installed, or would be. */
struct payload_result {
	char file[PATH_MAX], kernel[PATH_MAX], initrd[PATH_MAX];
	uint64_t size;			/* of the image, in a dry run about */
	int entry;			/* -1: there is none yet, in a dry run */
	unsigned int boot_timeout;
	int fallback;			/* what comes after a boot that fails; -1: nobody knows */
	char fallback_label[64];
	bool sign;
};

/*
 * Settings of the last time where @p has none; what it has is kept for the next time, which may be
 * in another folder: its paths become absolute. payload_free() in any case.
 */
int payload_read(struct keel *k, struct payload *p);
void payload_free(struct payload *p);
/* Was there a last time, which was not undone? */
bool payload_is_installed(void);

/*
 * Each error says what is missing and what to do; then the machine boots as before. In a dry run
 * all is checked.
 */
int payload_install(struct keel *k, const struct payload *p, struct payload_result *r);
/*
 * Keel's entries and images go. -EPERM: the firmware's order would be empty; not with @force.
 * Returns how many entries and images there were.
 */
int payload_uninstall(struct keel *k, const char *esp, bool force);
/*
 * Dom0 is up: if this boot tried an image, its entry becomes the first one. @number gets the
 * entry's, or -1 if there was nothing to do.
 */
int payload_confirm(struct keel *k, int *number);

#endif
