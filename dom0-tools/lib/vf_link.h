/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KEEL_LIB_VF_LINK_H
#define KEEL_LIB_VF_LINK_H

#include "lib/guest.h"
#include "lib/keel.h"

/*
 * Tells the driver of a network card's physical function, in Dom0, what holds for its virtual
 * function @sbdf, and reads it back. @before gets what held, of those settings. If the driver
 * refuses one, or it does not read back, all are put back, and the error says which it was.
 */
int vf_link_apply(struct keel *k, uint32_t sbdf, const struct vf_settings *want,
		  struct vf_settings *before);
/* Puts back what held before; warns of what the driver does not take. */
void vf_link_restore(struct keel *k, uint32_t sbdf, const struct vf_settings *before);

#endif
