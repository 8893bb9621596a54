/* SPDX-License-Identifier: GPL-2.0-only */
/* Private header of payload.c and payload_settings.c. */
#ifndef KEEL_LIB_PAYLOAD_INTERNAL_H
#define KEEL_LIB_PAYLOAD_INTERNAL_H

#include "lib/efi_image.h"
#include "lib/payload.h"

/* What the image is made of, by the settings and by what is on this machine. */
int payload_choose(struct keel *k, const struct payload *p, bool secure, struct efi_image *i);
unsigned int payload_timeout(const struct payload *p);
/* For the next time: what was said, and the options of Dom0's kernel. */
int payload_store(struct keel *k, const struct payload *p, const struct efi_image *i);
/* What was said the last time is there again, or nothing. */
void payload_restore(const struct payload *p);

#endif
