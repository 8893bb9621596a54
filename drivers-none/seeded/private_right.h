/* SPDX-License-Identifier: GPL-2.0-only; breaks: nothing; as: dom0-tools/lib/guest_internal.h */
#ifndef KEEL_LIB_GUEST_INTERNAL_H
#define KEEL_LIB_GUEST_INTERNAL_H

/* Private header of guest.c and
 * guest_set.c. */
#endif
