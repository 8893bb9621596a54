/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KEEL_LIB_AUTOSTART_H
#define KEEL_LIB_AUTOSTART_H

#include "lib/guest.h"
#include "lib/keel.h"

/*
 * Guests that keeld starts when Dom0 has booted: a file of JSON for each, by its name. It holds the
 * guest's stored configuration, and follows it while the guest is there.
 */
extern const char *keel_autostart_dir;

bool autostart_has(const char *name);
/* A failure leaves what was there. */
int autostart_set(struct keel *k, const struct guest_config *g);
/* 0 also if there was none. */
int autostart_clear(struct keel *k, const char *name);
/* The configuration of the guest @before has become @g. */
int autostart_follow(struct keel *k, const char *before, const struct guest_config *g);
/* In order: an array to free, as the names are; returns how many. */
int autostart_names(struct keel *k, char ***names);
int autostart_read(struct keel *k, const char *name, struct guest_config *g);

/* Whether they have been since Dom0 booted: says a file in /run, which is empty then. */
extern const char *keel_autostart_marker;
bool autostart_done(void);
int autostart_mark(struct keel *k);

#endif
